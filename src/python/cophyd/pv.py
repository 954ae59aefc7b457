"""Signals of PVs: attributes of a device, or by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib
from .context import Context, default_context
from .errors import call_for
from .kinds import Kind, kind_of
from .named import refuse_foster
from .signal import Signal, SignalRO

if TYPE_CHECKING:
    from .device import Device


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
        labels: Iterable[str] = (),
        parent: Device | None = None,
        attr_name: str = "",
        context: Context | None = None,
        auto_monitor: bool | None = None,
        put_complete: bool | None = None,
        limits: bool | None = None,
    ) -> None:
        """The last three are ophyd's, and make no difference."""
        refuse_foster(name, parent)
        super().__init__(name=name, parent=parent, context=context or default_context())
        self.attr_name = attr_name
        self._ophyd_labels_ = set(labels)
        self._path = attr_name.encode()
        if parent is None:
            type_ = {True: "text", False: "array", None: "any"}[string]
            self._device = PrivateDevice(self.context, read_pv, name, self.how, type_)
        if kind is not None:
            self.kind = kind_of(kind)

    _name = ""

    @property
    def name(self) -> str:
        """The key of its readings. That of a device's signal stays: the device reads it by it."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        if self._name and self.parent is not None and name != self._name:
            found = "found the name by which its device reads it"
            raise AttributeError(f"{self._name}: wanted to be called {name}, {found}")
        self._name = name

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
