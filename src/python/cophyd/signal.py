"""Signals: one value each, of a PV, of a setpoint with its readback, or in memory."""

from __future__ import annotations

import enum
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib, new_struct, seconds, text
from .arrays import Data, from_value, time_of
from .context import Context, default_context
from .descriptions import descriptions_of
from .errors import CophydError, call, call_for, exception_of, new_error
from .events import guarded
from .status import Status

if TYPE_CHECKING:
    from .device import Device

Callback = Callable[..., None]


class Kind(enum.IntFlag):
    """Which readings something is part of."""

    omitted = lib.OPH_KIND_OMITTED
    normal = lib.OPH_KIND_NORMAL
    config = lib.OPH_KIND_CONFIG
    hinted = lib.OPH_KIND_HINTED


def kind_of(kind: Kind | int | str) -> Kind:
    """A kind by its name, or as it is."""
    if isinstance(kind, str):
        return Kind[kind.lower()]
    return Kind(int(kind))


@dataclass(frozen=True)
class Properties:
    """What a PV is, as the IOC says."""

    dtype: str
    """"int32", "float64", "text", "enum"."""
    count: int
    """Elements that it can hold."""
    readable: bool
    writable: bool
    precision: int
    units: str
    enum_strs: tuple[str, ...]
    display_limits: tuple[float, float]
    control_limits: tuple[float, float]
    warning_limits: tuple[float, float]
    alarm_limits: tuple[float, float]
    host: str

    @classmethod
    def of(cls, p: Any) -> Properties:
        return cls(
            dtype=text(lib.oph_dtype_name(p.dtype)),
            count=p.count,
            readable=bool(p.readable),
            writable=bool(p.writable),
            precision=p.precision,
            units=text(p.units),
            enum_strs=tuple(text(p.labels[i]) for i in range(p.label_count)),
            display_limits=(p.display_low, p.display_high),
            control_limits=(p.control_low, p.control_high),
            warning_limits=(p.warning_low, p.warning_high),
            alarm_limits=(p.alarm_low, p.alarm_high),
            host=text(p.host),
        )


class _Current(threading.local):
    """What the callback is about that runs on this thread."""

    signal: SignalRO | None = None
    reading: dict[str, Any] | None = None


current = _Current()


def reading_of(value: Any, told: Any, severity: int) -> dict[str, Any]:
    return {"value": value, "timestamp": told, "alarm_severity": severity}


class SignalRO:
    """A signal that can be read and followed."""

    SUB_VALUE = "value"
    SUB_READBACK = "readback"
    SUB_SETPOINT = "setpoint"
    SUB_META = "meta"

    def __init__(self, *, name: str, parent: Device | None, context: Context) -> None:
        self.name = name
        self.parent = parent
        self.context = context
        self.attr_name = ""
        self._subscriptions: dict[int, Subscription] = {}

    @property
    def _ptr(self) -> Any:
        """Found anew each time: connecting may have chosen another release's PV."""
        raise NotImplementedError

    # --- What it is

    @property
    def pvname(self) -> str:
        """The PV that is read."""
        return text(lib.oph_signal_readback_pv(self._ptr))

    @property
    def setpoint_pvname(self) -> str:
        """The PV that is written."""
        return text(lib.oph_signal_pv(self._ptr))

    @property
    def doc(self) -> str:
        return text(lib.oph_signal_doc(self._ptr))

    @property
    def dotted_name(self) -> str:
        """The path from the root device: "cam.acquire_time"."""
        return text(lib.oph_signal_path(self._ptr)).partition(".")[2]

    @property
    def root(self) -> Any:
        return self.parent.root if self.parent is not None else self

    @property
    def kind(self) -> Kind:
        return Kind(lib.oph_signal_kind(self._ptr))

    @kind.setter
    def kind(self, kind: Kind | int | str) -> None:
        call(lib.oph_signal_set_kind, self._ptr, int(kind_of(kind)))

    def properties(self, *, setpoint: bool = False, timeout: float | None = None) -> Properties:
        """What the PV is, as the IOC says now."""
        properties = new_struct("oph_properties")
        part = lib.OPH_PART_SETPOINT if setpoint else lib.OPH_PART_READBACK
        call(lib.oph_signal_properties, self._ptr, part, seconds(timeout), properties)
        return Properties.of(properties)

    @property
    def connected(self) -> bool:
        """Whether the PVs are connected now. Starts to look for them."""
        properties = new_struct("oph_properties")
        return all(
            lib.oph_signal_properties(self._ptr, part, 0.0, properties, ffi.NULL)
            != lib.OPH_EDISCONN
            for part in (lib.OPH_PART_READBACK, lib.OPH_PART_SETPOINT)
        )

    def wait_for_connection(self, timeout: float | None = None) -> None:
        """DisconnectedError when it is not there in time."""
        for setpoint in (False, True):
            self.properties(setpoint=setpoint, timeout=timeout)

    @property
    def enum_strs(self) -> tuple[str, ...]:
        return self.properties().enum_strs

    @property
    def precision(self) -> int:
        return self.properties().precision

    @property
    def units(self) -> str:
        return self.properties().units

    @property
    def limits(self) -> tuple[float, float]:
        """The control limits of what is written."""
        return self.properties(setpoint=True).control_limits

    @property
    def low_limit(self) -> float:
        return self.limits[0]

    @property
    def high_limit(self) -> float:
        return self.limits[1]

    # --- Its value

    def _value(
        self,
        part: int,
        as_string: bool,
        cached: bool,
        count: int | None,
        timeout: float | None,
    ) -> Any:
        options = new_struct("oph_read_options")
        options.part = part
        options.source = lib.OPH_SOURCE_CACHE if cached else lib.OPH_SOURCE_IOC
        options.count = count or 0
        options.timeout = timeout or 0
        signal = self._ptr
        is_text = bool(lib.oph_signal_is_text(signal))
        if as_string and not is_text:
            options.dtype = lib.OPH_TEXT
        value = call_for("oph_value *", lib.oph_signal_read, signal, options)
        keep = ffi.gc(value, lib.oph_value_free)
        if options.dtype == 0 and lib.oph_value_dtype(value) in (lib.OPH_UINT8, lib.OPH_INT8):
            is_text = bool(lib.oph_signal_is_text(signal))  # known once it has connected
        return from_value(value, keep, is_text)

    def get(
        self,
        *,
        as_string: bool = False,
        use_monitor: bool = False,
        count: int | None = None,
        timeout: float | None = None,
    ) -> Any:
        """The readback's value, fresh from the IOC: a number, a str, or an array.

        An enum is its index, and with `as_string` its label. `use_monitor` takes the newest that
        the IOC reported, which costs no message but for the first one. `count`: at most so many
        elements.
        """
        return self._value(lib.OPH_PART_READBACK, as_string, use_monitor, count, timeout)

    def get_setpoint(self, *, as_string: bool = False, timeout: float | None = None) -> Any:
        """The setpoint's value, likewise."""
        return self._value(lib.OPH_PART_SETPOINT, as_string, False, None, timeout)

    def read(self) -> OrderedDict[str, dict[str, Any]]:
        """{name: {"value", "timestamp", "alarm_severity"}}. In a callback of this signal it is what
        the callback is about, and costs no message."""
        if current.signal is self and current.reading is not None:
            return OrderedDict({self.name: dict(current.reading)})
        readings = call_for("oph_readings *", lib.oph_signal_reading, self._ptr, seconds(None))
        found = readings_of(readings)
        return OrderedDict((self.name, reading) for reading in found.values())

    def describe(self) -> OrderedDict[str, dict[str, Any]]:
        """The data key of event-model, by name."""
        found = call_for("oph_descriptions *", lib.oph_signal_describe, self._ptr, seconds(None))
        described = descriptions_of(found)
        return OrderedDict(
            (self.name, {**data_key, "object_name": self._object_name})
            for data_key in described.values()
        )

    @property
    def _object_name(self) -> str:
        return self.parent.root.name if self.parent is not None else self.name

    def read_configuration(self) -> OrderedDict[str, dict[str, Any]]:
        return OrderedDict()

    def describe_configuration(self) -> OrderedDict[str, dict[str, Any]]:
        return OrderedDict()

    @property
    def hints(self) -> dict[str, Any]:
        return {"fields": [self.name] if self.kind & Kind.hinted == Kind.hinted else []}

    def trigger(self) -> Status:
        """Nothing is to be done before a signal can be read."""
        return Status.finished(self.context, self.name, self)

    # --- Waiting for a value, following it

    def wait_for(
        self, value: Any, *, timeout: float | None = None, tolerance: float = 0, stable: float = 0
    ) -> Status:
        """A status that is done when the readback has this value, and has had it for `stable`
        seconds."""
        data, condition = Data(value), new_struct("oph_condition")
        condition.equals = data.pointer
        condition.absolute, condition.stable = tolerance, stable
        made = call_for(
            "oph_status *", lib.oph_signal_wait_start, self._ptr, condition, seconds(timeout)
        )
        return Status(made, self.context, self)

    def subscribe(self, callback: Callback, event_type: str | None = None, run: bool = True) -> int:
        """Calls back with each value, on the thread "cophyd-events", in order:
        callback(value=, old_value=, timestamp=, severity=, status=, dropped=, obj=, sub_type=).

        `event_type`: "value" (the readback's), "setpoint", or "meta", which tells connected=,
        readable=, writable=. The first value is what the PV has now; with `run` False the callbacks
        begin with the one after it. Returns a number for unsubscribe.
        """
        subscription = Subscription(self, callback, event_type or self.SUB_VALUE, run)
        self._subscriptions[subscription.key] = subscription
        subscription.begin()
        return subscription.key

    def unsubscribe(self, cid: int) -> None:
        """No callback runs after it, but one that runs now on another thread."""
        subscription = self._subscriptions.pop(cid, None)
        if subscription is not None:
            subscription.end()

    def clear_sub(self, callback: Callback, event_type: str | None = None) -> None:
        """Unsubscribes all that have this callback."""
        for cid, subscription in list(self._subscriptions.items()):
            if subscription.callback == callback and event_type in (None, subscription.event_type):
                self.unsubscribe(cid)

    def unsubscribe_all(self) -> None:
        for cid in list(self._subscriptions):
            self.unsubscribe(cid)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.pvname!r}, name={self.name!r})"


class Signal(SignalRO):
    """A signal that can be written, too."""

    def _options(
        self, policy: int, timeout: float | None, settle: float | None, tolerance: float | None
    ) -> Any:
        options = new_struct("oph_put_options")
        options.policy = policy
        options.timeout = timeout or 0
        options.settle = settle or 0
        options.absolute = tolerance or 0
        return options

    def put(
        self,
        value: Any,
        *,
        wait: bool = True,
        timeout: float | None = None,
        tolerance: float | None = None,
    ) -> None:
        """Puts a value, and waits until the IOC has completed it and the readback has followed.

        It is checked before anything is sent: labels, ranges, lengths, types. Acquire, Capture and
        their like are put without completion. `wait` False sends and returns; a refusal of the IOC
        is then told to nobody.
        """
        policy = lib.OPH_PUT_VERIFY if wait else lib.OPH_PUT_SEND
        options, data = self._options(policy, timeout, None, tolerance), Data(value)
        call(lib.oph_signal_put, self._ptr, data.pointer, options)

    def set(
        self,
        value: Any,
        *,
        timeout: float | None = None,
        settle_time: float | None = None,
        tolerance: float | None = None,
    ) -> Status:
        """The same, not waited for: a status."""
        options = self._options(lib.OPH_PUT_VERIFY, timeout, settle_time, tolerance)
        data = Data(value)
        made = call_for("oph_status *", lib.oph_signal_put_start, self._ptr, data.pointer, options)
        return Status(made, self.context, self)

    def check_value(self, value: Any) -> None:
        """Whether the control limits allow a number; InvalidValueError where not."""
        low, high = self.limits
        if isinstance(value, (int, float)) and low < high and not low <= value <= high:
            raise exception_of_value(self, value, low, high)

    def locate(self) -> dict[str, Any]:
        """{"setpoint", "readback"}"""
        return {"setpoint": self.get_setpoint(), "readback": self.get()}


def exception_of_value(signal: SignalRO, value: Any, low: float, high: float) -> CophydError:
    err = new_error()
    err.code, err.waited = lib.OPH_ERANGE, -1
    err.text = f"{signal.name}: wanted {value}, found limits {low:g} to {high:g}".encode()
    return exception_of(err)


def readings_of(readings: Any) -> OrderedDict[str, dict[str, Any]]:
    """An oph_readings as what read() returns. Arrays are on its memory, which they hold."""
    keep = ffi.gc(readings, lib.oph_readings_free)
    found: OrderedDict[str, dict[str, Any]] = OrderedDict()
    for i in range(lib.oph_readings_count(readings)):
        row = lib.oph_readings_at(readings, i)
        is_enum = lib.oph_value_dtype(row.value) == lib.OPH_ENUM
        value = text(row.text) if row.text and not is_enum else from_value(row.value, keep)
        found[text(row.key)] = reading_of(value, row.time, row.severity)
    return found


class PrivateDevice:
    """A device that has one signal of one PV, for a signal without a device."""

    def __init__(self, context: Context, pv: str, name: str, how: str, type_: str) -> None:
        if not pv:
            raise ValueError(f"{name}: wanted the name of a PV, found none")
        class_name = f"PvOf{how}{type_}{pv[-1:].encode().hex()}"
        with context.lock:
            if class_name not in context.class_names:
                context.parse(f"class {class_name}\nrow value {pv[-1:]} {how} {type_} hinted\n")
        made = call_for(
            "oph_device *",
            lib.oph_device_new,
            context._ptr,
            class_name.encode(),
            pv[:-1].encode(),
            name.encode(),
        )
        self.ptr = ffi.gc(made, lib.oph_device_free)

    def signal(self) -> Any:
        return call_for("oph_signal *", lib.oph_signal_find, self.ptr, b"value")


class EpicsSignalBase(SignalRO):
    """What signals of PVs have in common: they are attributes of a device, or by themselves."""

    how = "ro"

    def __init__(
        self,
        read_pv: str = "",
        *,
        name: str,
        string: bool | None = None,
        kind: Kind | int | str | None = None,
        parent: Device | None = None,
        attr_name: str = "",
        context: Context | None = None,
    ) -> None:
        super().__init__(name=name, parent=parent, context=context or default_context())
        self.attr_name = attr_name
        self._path = attr_name.encode()
        if parent is None:
            type_ = {True: "text", False: "array", None: "any"}[string]
            self._device = PrivateDevice(self.context, read_pv, name, self.how, type_)
        if kind is not None:
            self.kind = kind_of(kind)

    @property
    def _ptr(self) -> Any:
        if self.parent is None:
            return self._device.signal()
        return call_for("oph_signal *", lib.oph_signal_find, self.parent._ptr, self._path)


class EpicsSignalRO(EpicsSignalBase):
    """A PV that is read only."""


class EpicsSignal(EpicsSignalBase, Signal):
    """A PV. As in a device's class it is one PV, or a setpoint and its readback, which has the same
    name with _RBV at its end: EpicsSignal("X_RBV", "X", name="x")."""

    how = "rw"

    def __init__(self, read_pv: str = "", write_pv: str | None = None, **arguments: Any) -> None:
        if write_pv not in (None, read_pv):
            if read_pv != f"{write_pv}_RBV":
                raise ValueError(f"wanted {write_pv}_RBV as the readback, found {read_pv}")
            self.how, read_pv = "rbv", str(write_pv)
        super().__init__(read_pv, **arguments)


class EpicsSignalWithRBV(EpicsSignal):
    """A setpoint PV, and its readback PV: that with _RBV at its end."""

    how = "rbv"


class SoftSignal(Signal):
    """A signal in memory: of no PV, with no device, needing no IOC. A put completes at once.

    The first value gives the type. `labels` makes it an enum, whose value is an index or a label.
    """

    def __init__(
        self,
        *,
        name: str,
        value: Any = 0.0,
        units: str = "",
        precision: int = 3,
        limits: tuple[float, float] = (0, 0),
        labels: tuple[str, ...] = (),
        kind: Kind | int | str = Kind.hinted,
        context: Context | None = None,
    ) -> None:
        super().__init__(name=name, parent=None, context=context or default_context())
        data, properties = Data(value), new_struct("oph_properties")
        properties.dtype = lib.OPH_ENUM if labels else data.pointer.dtype
        properties.count = 4096 if properties.dtype == lib.OPH_STRING else data.pointer.count
        properties.writable = 1
        properties.precision = precision
        properties.units = units.encode()
        properties.control_low, properties.control_high = limits
        properties.label_count = len(labels)
        for i, label in enumerate(labels):
            properties.labels[i] = label.encode()
        made = call_for(
            "oph_signal *",
            lib.oph_soft_new,
            self.context._ptr,
            name.encode(),
            data.pointer,
            properties,
        )
        self._owned = ffi.gc(made, lib.oph_signal_free)
        self.kind = kind_of(kind)

    @property
    def _ptr(self) -> Any:
        return self._owned

    @property
    def position(self) -> Any:
        """Its value, as a motor's."""
        return self.get()

    def __repr__(self) -> str:
        return f"SoftSignal(name={self.name!r})"


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
        self.is_text: bool | None = None
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
            guarded(
                lambda: self.callback(
                    connected=connected,
                    readable=bool(lib.oph_event_readable(event)),
                    writable=bool(lib.oph_event_writable(event)),
                    timestamp=time.time(),
                    obj=self.signal,
                    sub_type=self.event_type,
                )
            )

    def _value(self, event: Any, keep: Any) -> None:
        value = lib.oph_event_value(event)
        if self.is_text is None:
            self.is_text = bool(lib.oph_signal_is_text(lib.oph_event_signal(event)))
        new, old = from_value(value, keep, self.is_text), self.old
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
