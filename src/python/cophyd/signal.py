"""Signals: one value each, of a PV, of a setpoint with its readback, or in memory."""

from __future__ import annotations

import numbers
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib, new_struct, seconds, text
from .arrays import Data, from_value
from .context import Context
from .descriptions import descriptions_of
from .errors import call, call_for, make_error, refuse_copy
from .kinds import Kind, Properties, kind_of
from .readings import Unconfigured, readings_of
from .status import Status
from .subscription import Callback, Subscription, current

if TYPE_CHECKING:
    from .device import Device


def read_options(signal: Any, as_string: bool) -> Any:
    """Of a read of an oph_signal, for value_read."""
    options = new_struct("oph_read_options")
    if as_string and not lib.oph_signal_is_text(signal):
        options.dtype = lib.OPH_TEXT
    return options


def value_read(signal: Any, options: Any, value: Any, keep: Any) -> Any:
    """What such a read brought, as from_value gives it; None where it has to be read once more,
    since only now that it has connected its bytes are known for text."""
    is_text = bool(lib.oph_signal_is_text(signal))
    if options.dtype == lib.OPH_TEXT and is_text:
        return None
    is_bytes = lib.oph_value_dtype(value) in (lib.OPH_UINT8, lib.OPH_INT8)
    is_array = options.count != 1 and bool(lib.oph_signal_is_array(signal))
    return from_value(value, keep, is_bytes and is_text, is_array)


class SignalRO(Unconfigured):
    """A signal that can be read and followed."""

    __reduce_ex__ = refuse_copy
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
        signal = self._ptr
        options = read_options(signal, as_string)
        options.part = part
        options.source = lib.OPH_SOURCE_CACHE if cached else lib.OPH_SOURCE_IOC
        options.count = count or 0
        options.timeout = timeout or 0
        value = call_for("oph_value *", lib.oph_signal_read, signal, options)
        found = value_read(signal, options, value, ffi.gc(value, lib.oph_value_free))
        if found is None:
            return self._value(part, as_string, cached, count, timeout)
        return found

    def get(
        self,
        *,
        as_string: bool = False,
        use_monitor: bool = False,
        count: int | None = None,
        timeout: float | None = None,
    ) -> Any:
        """The readback's value, fresh from the IOC: a number, a str, or an array.

        An enum is its index, and its label with `as_string` or where it was declared as text.
        `use_monitor` takes the newest that the IOC reported, which costs no message but for the
        first one. `count`: at most so many elements.
        """
        return self._value(lib.OPH_PART_READBACK, as_string, use_monitor, count, timeout)

    @property
    def value(self) -> Any:
        """The same as get()."""
        return self.get()

    @property
    def timestamp(self) -> float:
        """When the IOC got the value that it has now, in seconds since 1970."""
        (reading,) = self.read().values()
        return float(reading["timestamp"])

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
        force: bool = False,
        use_complete: bool | None = None,
    ) -> None:
        """Puts a value, and waits until the IOC has completed it and the readback has followed.

        It is checked before anything is sent: labels, ranges, lengths, types. Acquire, Capture and
        their like are put without completion. `wait` False sends and returns; a refusal of the IOC
        is then told to nobody. `force` and `use_complete` are ophyd's, and make no difference: the
        limits are looked at by check_value() alone, and what is waited for asks for completion.
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

    @property
    def setpoint(self) -> Any:
        """The same as get_setpoint()."""
        return self.get_setpoint()

    def check_value(self, value: Any) -> None:
        """Whether the control limits allow a number; InvalidValueError where not."""
        low, high = self.limits
        if isinstance(value, numbers.Real) and low < high and not low <= float(value) <= high:
            found = f"found limits {low:g} to {high:g}"
            raise make_error(lib.OPH_ERANGE, f"{self.name}: wanted {value}, {found}")

    def locate(self) -> dict[str, Any]:
        """{"setpoint", "readback"}"""
        return {"setpoint": self.get_setpoint(), "readback": self.get()}
