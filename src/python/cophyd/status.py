"""Status objects: when an action is done, whether it worked, and how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from ._library import ffi, lib, new_struct, text
from .errors import (
    CophydError,
    WaitTimeoutError,
    call,
    call_for,
    exception_of,
    new_error,
    raise_pending,
    refuse_copy,
)
from .events import guarded

if TYPE_CHECKING:
    from .context import Context


@dataclass(frozen=True)
class Progress:
    """How far an action is; None is not known."""

    name: str
    initial: float | None
    current: float | None
    target: float | None
    unit: str
    precision: int | None
    fraction: float | None
    time_elapsed: float | None
    time_remaining: float | None


def _known(number: float) -> float | None:
    return number if number == number else None


def caused_by(error: BaseException, err: Any) -> CophydError:
    if isinstance(error, CophydError):
        return error
    made = exception_of(err)
    made.__cause__ = error
    return made


class Status:
    """An action that was begun. It is done exactly once: by success, failure, timeout or cancel."""

    __reduce_ex__ = refuse_copy

    def __init__(self, ptr: Any, context: Context, obj: Any = None) -> None:
        self._ptr = ffi.gc(ptr, lib.oph_status_unref)
        self._context = context
        self.obj = obj
        """The device or signal that acts."""
        self._callbacks: list[Callable[[Status], None]] = []
        self._watchers: list[Callable[..., None]] = []
        self._told: Progress | None = None
        self._exception: CophydError | None = None
        self._parts: tuple[Status, ...] = ()
        self._forgiven = False

    @classmethod
    def new(cls, context: Context, name: str, timeout: float | None = None) -> Status:
        """A status of your own, which set_finished or set_exception completes; after `timeout`
        seconds (None: never) it fails."""
        limit = float("inf") if timeout is None else timeout
        made = call_for(
            "oph_status *", lib.oph_status_new, context._ptr, name.encode(), float(limit)
        )
        return cls(made, context)

    @classmethod
    def finished(cls, context: Context, name: str, obj: Any = None) -> Status:
        """One that is done, and well."""
        made = cls.new(context, name)
        made.obj = obj
        made.set_finished()
        return made

    # --- What became of it

    @property
    def done(self) -> bool:
        return bool(lib.oph_status_done(self._ptr))

    @property
    def success(self) -> bool:
        """Whether it is done, and without an error."""
        return self.done and self._error() is None

    def _forgive(self) -> None:
        """Has an end by a cancel that is to come be a success: its action is given up, and well."""
        if not self.done:
            self._forgiven = True

    @property
    def _is_forgiven(self) -> bool:
        return self._forgiven or any(part._is_forgiven for part in self._parts)

    def _error(self) -> CophydError | None:
        """Of a status that is done: why it failed; always the same object."""
        if lib.oph_status_success(self._ptr):
            return None
        if self._exception is None:
            err = new_error()
            lib.oph_status_error(self._ptr, err)
            self._exception = exception_of(err)
        is_well = self._exception.code == lib.OPH_ECANCEL and self._is_forgiven
        return None if is_well else self._exception

    def exception(self, timeout: float | None = None) -> CophydError | None:
        """Waits until it is done, and returns what went wrong, or None. WaitTimeoutError when that
        takes longer than `timeout` seconds; 0 does not wait."""
        self._await(timeout)
        return self._error()

    def wait(self, timeout: float | None = None) -> None:
        """The same, and raises what went wrong. Ctrl-C ends the wait, and not the action."""
        error = self.exception(timeout)
        if error is not None:
            raise error

    def _await(self, timeout: float | None) -> None:
        err = new_error()
        self._context.heed_signals()
        limit = float("inf") if timeout is None else timeout
        rc = lib.oph_status_wait(self._ptr, limit, err)
        raise_pending()
        if not lib.oph_status_done(self._ptr):
            raise exception_of(err, WaitTimeoutError if rc == lib.OPH_ETIMEOUT else None)

    def cancel(self) -> None:
        """Asks the action to end, as an acquisition by stopping the camera. Does not wait: the
        status then fails."""
        call(lib.oph_status_cancel, self._ptr)

    # --- A status of one's own

    def set_finished(self) -> None:
        lib.oph_status_finish(self._ptr, ffi.NULL)

    def set_exception(self, error: BaseException) -> None:
        """Fails it: with a CophydError as it is, or with one that any other is the cause of."""
        err = new_error()
        err.code = (isinstance(error, CophydError) and error.code) or lib.OPH_EACQUIRE
        err.waited = -1
        # The name of a file may have what is no text, and the status has to be done all the same.
        err.text = str(error).encode(errors="replace")[: len(err.text) - 1]
        former, self._exception = self._exception, caused_by(error, err)
        if not lib.oph_status_finish(self._ptr, err):
            self._exception = former

    def report(self, initial: float, current: float, target: float, unit: str = "") -> None:
        """Tells those who watch how far a status of one's own is."""
        lib.oph_status_report(self._ptr, initial, current, target, unit.encode())

    # --- Callbacks

    def add_callback(self, callback: Callable[[Status], None]) -> None:
        """Calls callback(status) once it is done: now, if it is done already, else on the thread
        "cophyd-events"."""
        if not self.done:
            self._callbacks.append(callback)
            self._context.events.follow(self)
        else:
            callback(self)

    @property
    def callbacks(self) -> tuple[Callable[[Status], None], ...]:
        """Those that have not been called yet."""
        return tuple(self._callbacks)

    def _done_in_events(self) -> None:
        self._watchers.clear()
        while self._callbacks:
            guarded(self._callbacks.pop(0), self)

    @property
    def progress(self) -> Progress:
        now = new_struct("oph_progress")
        call(lib.oph_status_progress, self._ptr, now)
        return Progress(
            name=text(now.name),
            initial=_known(now.initial),
            current=_known(now.current),
            target=_known(now.target),
            unit=text(now.unit),
            precision=now.precision if now.precision >= 0 else None,
            fraction=_known(now.fraction),
            time_elapsed=_known(now.elapsed),
            time_remaining=_known(now.remaining),
        )

    def watch(self, function: Callable[..., None]) -> None:
        """Calls function(name=, current=, initial=, target=, unit=, precision=, fraction=,
        time_elapsed=, time_remaining=) about ten times a second while there is progress, and with
        the last one before the callbacks. As bluesky's progress bars want it, `fraction` is what
        remains, 1 to 0."""
        self._watchers.append(function)
        if not self.done:
            self._context.events.watch(self)
        else:
            self._look_in_events()

    def _look_in_events(self) -> None:
        now = self.progress
        if now.current is None or (self._told and self._told.current == now.current):
            return
        self._told = now
        told = dict(vars(now))
        if now.fraction is not None:
            told["fraction"] = 1 - now.fraction
        for function in list(self._watchers):
            guarded(partial(function, **told))

    # --- Several

    # ophyd's statuses ask for these of one that they are combined with.
    _lock = contextlib.nullcontext()
    _trace_attributes: ClassVar[dict[str, Any]] = {}

    def _adopt(self, other: Any) -> Status:
        """A status of another package, as one of here that ends as it does."""
        made = Status.new(self._context, type(other).__name__)

        def end(ended: Any) -> None:
            error = ended.exception(timeout=0)
            if error is None:
                made.set_finished()
            else:
                made.set_exception(error)

        other.add_callback(end)
        return made

    def _combine(self, function: Any, other: Any) -> Status:
        if not isinstance(other, Status):
            if not hasattr(other, "add_callback"):
                return NotImplemented
            other = self._adopt(other)
        parts = ffi.new("oph_status *[2]", [self._ptr, other._ptr])
        made = call_for("oph_status *", function, parts, 2)
        combined = Status(made, self._context, (self, other))
        combined._parts = (self, other)
        return combined

    def __and__(self, other: Any) -> Status:
        """Done when both are; fails with the first that fails. `other` may be a status of ophyd."""
        return self._combine(lib.oph_status_all, other)

    def __or__(self, other: Any) -> Status:
        """Done when one of them is; fails when both have failed."""
        return self._combine(lib.oph_status_any, other)

    # --- As text

    def __repr__(self) -> str:
        buffer = ffi.new("char[]", 512)
        shown = text(lib.oph_status_text(self._ptr, buffer, 512))
        return shown.replace("success=False", "success=True") if self.success else shown

    def __str__(self) -> str:
        """With the reason where it failed: what bluesky's FailedStatus shows."""
        if not self.done or self.success:
            return repr(self)
        return f"{self!r}: {self._error()}"
