"""What staging would write, without writing it; and how it may be staged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._library import ffi, lib, new_struct, text, written_by
from .errors import call_with_report


@dataclass(frozen=True)
class PlannedSetting:
    """One setting. Values are text as a person reads them: labels for enums."""

    device: str
    """"det.cam.acquire_time" """
    pv: str
    """That is written."""
    readback_pv: str
    setpoint_found: str
    """Before it."""
    readback_found: str
    value: str
    """That it gets."""
    restore: str | None
    """What unstage puts back; None: nothing, as for counters and for what is started."""
    step: int
    """Those of one step are sent together; 0: it is not written."""
    starts: bool
    """It starts something, as Capture, once all else is written."""
    skipped: bool
    """It is as wanted already (skip_unchanged)."""
    differs: bool
    """Setpoint and readback were found apart."""
    stopped: bool
    """It runs, and is stopped before all else (takeover)."""

    @classmethod
    def of(cls, row: Any) -> PlannedSetting:
        return cls(
            device=text(row.device),
            pv=text(row.pv),
            readback_pv=text(row.readback_pv),
            setpoint_found=text(row.setpoint_found),
            readback_found=text(row.readback_found),
            value=text(row.value),
            restore=text(row.restore) if row.restore else None,
            step=row.step,
            starts=bool(row.flags & lib.OPH_PLAN_STARTS),
            skipped=bool(row.flags & lib.OPH_PLAN_SKIPPED),
            differs=bool(row.flags & lib.OPH_PLAN_DIFFERS),
            stopped=bool(row.flags & lib.OPH_PLAN_STOPPED),
        )


@dataclass(frozen=True)
class Plan:
    """What staging would write, in order. print() shows it as a table."""

    settings: tuple[PlannedSetting, ...]
    text: str

    def __str__(self) -> str:
        return self.text


def stage_options(skip_unchanged: bool, takeover: bool, sync: bool = False) -> Any:
    options = new_struct("oph_stage_options")
    options.skip_unchanged, options.takeover = skip_unchanged, takeover
    options.sync = sync
    return options


def plan_of(device: Any, options: Any) -> Plan:
    made = ffi.new("oph_plan **")
    call_with_report(lib.oph_plan_new, device, options, made)
    plan = made[0]
    rows = [lib.oph_plan_at(plan, i) for i in range(lib.oph_plan_count(plan))]
    found = Plan(tuple(PlannedSetting.of(row) for row in rows), written_by(lib.oph_plan_text, plan))
    lib.oph_plan_free(plan)
    return found
