"""What killed clients left changed: seeing it, and putting it back."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ._library import ffi, lib, new_struct, text
from .context import Context, default_context
from .errors import call_for, exception_of, new_error, raise_pending, take_report

WHAT = {
    lib.OPH_RECOVERED_BACK: ("back", "put back"),
    lib.OPH_RECOVERED_SAME: ("same", "as before"),
    lib.OPH_RECOVERED_KEPT: ("kept", "kept: somebody changed it since"),
    lib.OPH_RECOVERED_LEFT: ("left", "could not be put back"),
}


@dataclass(frozen=True)
class Journal:
    """What a client has staged now, or had staged when it was killed."""

    file: str
    device: str
    """The detector's name: "det"."""
    prefix: str
    server: str
    """The IOC: "127.0.0.1:5064"."""
    program: str
    pid: int
    alive: bool
    """Whether the client lives; if so, this is no leftover."""
    since: datetime.datetime | None
    """When it was staged; None where the file cannot be used."""
    count: int
    """Settings in it."""
    why: str
    """Why the file cannot be used, of which only the name is known then; "" where it can."""

    def __str__(self) -> str:
        if self.why:
            return f"{self.file}: {self.why}"
        state = "lives" if self.alive else "is gone"
        return (
            f"{self.prefix}: {self.count} settings of {self.device}, staged by {self.program} "
            f"({self.pid}), which {state}, at {self.since:%Y-%m-%d %H:%M:%S}"
        )


@dataclass(frozen=True)
class Recovered:
    """One setting that a killed client left, as it was found and as it is now."""

    device: str
    """"det.cam.acquire_time" """
    pv: str
    what: str
    """"back": it was put back; "same": nothing was to be done; "kept": somebody changed it since,
    so it was left; "left": it could not be put back, and stays in the journal."""
    found: str
    now: str
    """"" where it cannot be read."""

    def __str__(self) -> str:
        words = dict(WHAT.values())
        return f"{self.pv} {self.now}, {words[self.what]}"


def journals() -> list[Journal]:
    """What clients of this user and machine have staged, or left. Needs no IOC."""
    found = call_for("oph_journals *", lib.oph_journals_find)
    rows = [lib.oph_journals_at(found, i) for i in range(lib.oph_journals_count(found))]
    listed = [
        Journal(
            file=text(row.file),
            device=text(row.device),
            prefix=text(row.prefix),
            server=text(row.server),
            program=text(row.program),
            pid=row.pid,
            alive=bool(row.alive),
            since=None if row.broken else datetime.datetime.fromtimestamp(row.since).astimezone(),
            count=row.count,
            why=text(row.why),
        )
        for row in rows
    ]
    lib.oph_journals_free(found)
    return listed


def recover(
    prefix: str | None = None,
    *,
    stop: bool = False,
    any_server: bool = False,
    timeout: float | None = None,
    context: Context | None = None,
) -> list[Recovered]:
    """Puts back what killed clients left changed at a prefix, or, None, everywhere; returns what
    became of each setting, in the order of putting back. No class is needed.

    Only what still has the staged value is put back, and nothing while a client lives that has it
    staged, or while an acquisition runs: `stop` ends one that does not end by itself within
    `timeout` seconds. `any_server`: the IOC has moved to another address since. What cannot be put
    back stays in the journal, to be tried again; the error's `report` has all that went wrong, and
    its `recovered` the settings.
    """
    options = new_struct("oph_recover_options")
    options.flags = lib.OPH_RECOVER_STOP * stop | lib.OPH_RECOVER_ANY_SERVER * any_server
    options.timeout = timeout or 0
    recovery, report = ffi.new("oph_recovery **"), ffi.new("oph_report **")
    err, name = new_error(), ffi.NULL if prefix is None else prefix.encode()
    ptr = (context or default_context())._ptr
    rc = lib.oph_recover(ptr, name, options, recovery, report, err)
    count = lib.oph_recovery_count(recovery[0])
    rows = [lib.oph_recovery_at(recovery[0], i) for i in range(count)]
    settings = [
        Recovered(text(r.device), text(r.pv), WHAT[r.what][0], text(r.found), text(r.now))
        for r in rows
    ]
    lib.oph_recovery_free(recovery[0])
    reasons = take_report(report)
    raise_pending()
    if rc:
        failed = exception_of(err)
        failed.report, failed.recovered = reasons, tuple(settings)
        raise failed
    return settings
