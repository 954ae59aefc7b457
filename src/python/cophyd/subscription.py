"""Callbacks that follow a signal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib, new_struct
from .arrays import from_value, time_of
from .errors import CophydError, call_for
from .readings import reading_of

if TYPE_CHECKING:
    from .signal import SignalRO

Callback = Callable[..., None]


class _Current(threading.local):
    """What the callback is about that runs on this thread."""

    signal: SignalRO | None = None
    reading: dict[str, Any] | None = None


current = _Current()


class Subscription:
    """A callback that follows a signal."""

    def __init__(self, signal: SignalRO, callback: Callback, event_type: str, run: bool) -> None:
        known = (signal.SUB_VALUE, signal.SUB_READBACK, signal.SUB_SETPOINT, signal.SUB_META)
        if event_type not in known:
            raise ValueError(f"wanted an event_type of {', '.join(known)}, found {event_type!r}")
        self.signal, self.callback, self.event_type = signal, callback, event_type
        self.skip = not run
        self.old: Any = None
        self.ended = False
        self.form: tuple[bool, bool] | None = None  # text, an array
        self.ptr: Any = None
        self.key = signal.context.events.add(self)

    def begin(self) -> None:
        options, signal = new_struct("oph_subscribe_options"), self.signal
        if self.event_type == signal.SUB_SETPOINT:
            options.part = lib.OPH_PART_SETPOINT
        try:
            made = call_for(
                "oph_subscription *",
                lib.oph_subscribe_queue,
                signal._ptr,
                options,
                signal.context.events.queue,
                ffi.cast("void *", self.key),
            )
        except CophydError:
            signal.context.events.drop(self.key)
            raise
        self.ptr = ffi.gc(made, lib.oph_subscription_free)

    def end(self) -> None:
        self.ended = True
        self.signal.context.events.drop(self.key)
        if self.ptr is not None:
            ffi.release(self.ptr)

    def deliver(self, event: Any) -> None:
        """Takes an event over, which the arrays in it may keep."""
        kind, keep = lib.oph_event_kind(event), ffi.gc(event, lib.oph_event_free)
        if self.ended:
            return
        if kind == lib.OPH_EVENT_VALUE:
            if self.event_type != self.signal.SUB_META:
                self._value(event, keep)
        elif self.event_type == self.signal.SUB_META and kind != lib.OPH_EVENT_FAILED:
            connected = kind != lib.OPH_EVENT_DISCONNECTED
            self.callback(
                connected=connected,
                readable=bool(lib.oph_event_readable(event)),
                writable=bool(lib.oph_event_writable(event)),
                timestamp=time.time(),
                obj=self.signal,
                sub_type=self.event_type,
            )

    def _value(self, event: Any, keep: Any) -> None:
        value = lib.oph_event_value(event)
        if self.form is None:
            signal = lib.oph_event_signal(event)
            forms = lib.oph_signal_is_text(signal), lib.oph_signal_is_array(signal)
            self.form = bool(forms[0]), bool(forms[1])
        new, old = from_value(value, keep, *self.form), self.old
        self.old = new
        if self.skip:
            self.skip = False
            return
        at, severity = time_of(value), lib.oph_value_severity(value)
        current.signal, current.reading = self.signal, reading_of(new, at, severity)
        try:
            self.callback(
                value=new,
                old_value=old,
                timestamp=at,
                severity=severity,
                status=lib.oph_value_alarm(value),
                dropped=lib.oph_event_dropped(event),
                obj=self.signal,
                sub_type=self.event_type,
            )
        finally:
            current.signal = current.reading = None
