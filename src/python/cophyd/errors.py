"""What is raised when the library refuses or fails: one class, and what users catch by name."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from ._library import ffi, lib, text

if TYPE_CHECKING:
    from .recovery import Recovered


class CophydError(Exception):
    """A call of the library failed.

    str() is one sentence that names the device, the PV, what was wanted and what was found; these
    are attributes, too, empty where they do not apply.
    """

    code: int = 0
    device: str = ""
    pv: str = ""
    wanted: str = ""
    found: str = ""
    waited: float | None = None
    report: tuple[CophydError, ...] = ()
    """All that was wrong, where several things can be."""
    recovered: tuple[Recovered, ...] = ()
    """Of recover(): what became of the settings nevertheless."""

    @property
    def name(self) -> str:
        """The name of the code: "OPH_ETIMEOUT"."""
        return text(lib.oph_code_name(self.code))


class CophydTimeoutError(CophydError, TimeoutError):
    """It was not done in time."""


class WaitTimeoutError(CophydTimeoutError):
    """A status was waited for in vain; its action goes on."""


class DisconnectedError(CophydError, ConnectionError):
    """The PV was not found, or was lost."""


class InvalidValueError(CophydError, ValueError):
    """A value, an argument or a text that cannot be."""


class WrongTypeError(CophydError, TypeError):
    """A value of a type that the PV does not have."""


class ReadOnlyError(CophydError):
    """There is no read or write access."""


class MismatchError(CophydError):
    """The readback did not become what was asked for."""


class AcquisitionError(CophydError):
    """The acquisition failed; the sentence has the states and counts."""


class UnprimedPlugin(CophydError):
    """The file plugin has seen no frame, and LazyOpen is off: warmup() helps."""


class ForkError(CophydError):
    """The device belongs to the parent process: make a new one after the fork."""


CLASSES: dict[int, type[CophydError]] = {
    lib.OPH_ETIMEOUT: CophydTimeoutError,
    lib.OPH_EDISCONN: DisconnectedError,
    lib.OPH_EINVAL: InvalidValueError,
    lib.OPH_EPARSE: InvalidValueError,
    lib.OPH_ERANGE: InvalidValueError,
    lib.OPH_ETYPE: WrongTypeError,
    lib.OPH_EACCESS: ReadOnlyError,
    lib.OPH_EMISMATCH: MismatchError,
    lib.OPH_EACQUIRE: AcquisitionError,
    lib.OPH_EUNPRIMED: UnprimedPlugin,
    lib.OPH_EFORK: ForkError,
}


REMEDIES = {
    "OPH_RECOVER_ANY_SERVER": "any_server=True",
    "oph_files_set": "set_path_templates()",
    "oph_files_set_overwrite": "set_overwrite(True)",
    "oph_kickoff": "kickoff()",
    "oph_missing_plugins": "missing_plugins()",
    "oph_prepare": "prepare()",
    "oph_recover": "recover()",
    "oph_soft_new": "SoftSignal",
    "oph_trigger_set_frames": "set_frames()",
    "oph_warmup": "warmup()",
}
"""What sentences of the library advise to call, and what that is called here."""


def sentence(chars: Any) -> str:
    """A sentence of the library, or a part of one, that may give advice."""
    return re.sub(r"\b(?:oph|OPH)_\w+", lambda name: REMEDIES.get(name[0], name[0]), text(chars))


def make_error(code: int, sentence: str) -> CophydError:
    """An error of this package's own."""
    made = CLASSES.get(code, CophydError)(sentence)
    made.code = code
    return made


def exception_of(err: Any, kind: type[CophydError] | None = None) -> CophydError:
    """The exception that says what an oph_error does."""
    kind = kind or CLASSES.get(err.code, CophydError)
    made = kind(sentence(err.text) or text(lib.oph_code_name(err.code)))
    made.code = err.code
    made.device, made.pv = text(err.device), text(err.pv)
    made.wanted, made.found = sentence(err.wanted), sentence(err.found)
    made.waited = err.waited if err.waited >= 0 else None
    return made


def refuse_copy(what: Any, _protocol: Any) -> NoReturn:
    """As __reduce_ex__ of what copies and pickles would have no use for, in a process started by
    spawn, too."""
    found = "found what belongs to this process: make a new one"
    raise TypeError(f"{what!r}: wanted a copy or a pickle, {found}")


def new_error() -> Any:
    return ffi.new("oph_error *")


_pending: list[BaseException] = []  # by handlers of signals, in a call that it has ended


def on_main_thread() -> bool:
    """On which alone Python handles signals."""
    return threading.get_ident() == threading.main_thread().ident


@ffi.callback("oph_wait_fn", error=1, onerror=lambda _kind, error, _trace: _pending.append(error))
def on_wait(_user: Any) -> int:
    """What a call that blocks asks. Python handles signals as this begins: what a handler raises,
    as Ctrl-C does, ends the call."""
    return 0


def raise_pending() -> None:
    """To follow each call that may block."""
    if _pending and on_main_thread():
        raise _pending.pop()


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function of the library whose last argument is its error."""
    err = new_error()
    rc = function(*arguments, err)
    raise_pending()
    if rc:
        raise exception_of(err)


def call_for(kind: str, function: Callable[..., int], *arguments: Any) -> Any:
    """The same of a function that gives a `kind` through the argument before the error."""
    result = ffi.new(f"{kind} *")
    call(function, *arguments, result)
    return result[0]


def take_report(report: Any) -> tuple[CophydError, ...]:
    """The errors of an oph_report *, which is freed."""
    count = lib.oph_report_count(report[0])
    errors = tuple(exception_of(lib.oph_report_at(report[0], i)) for i in range(count))
    lib.oph_report_free(report[0])
    return errors


def call_with_report(function: Callable[..., int], *arguments: Any) -> tuple[CophydError, ...]:
    """The same of a function that has an oph_report before the error. Returns what is in it."""
    err, report = new_error(), ffi.new("oph_report **")
    rc = function(*arguments, report, err)
    errors = take_report(report)
    raise_pending()
    if rc:
        failed = exception_of(err)
        failed.report = errors
        raise failed
    return errors
