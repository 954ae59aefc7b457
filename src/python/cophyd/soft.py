"""Signals in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._library import ffi, lib, new_struct
from .arrays import Data
from .context import Context, default_context
from .errors import call_for
from .kinds import Kind, kind_of
from .signal import Signal

if TYPE_CHECKING:
    from .device import Device


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
        parent: Device | None = None,
        attr_name: str = "",
        context: Context | None = None,
    ) -> None:
        super().__init__(name=name, parent=parent, context=context or default_context())
        self.attr_name = attr_name
        data, properties = Data(value), new_struct("oph_properties")
        properties.dtype = lib.OPH_ENUM if labels else data.pointer.dtype
        properties.count = 4096 if properties.dtype == lib.OPH_STRING else data.pointer.count
        properties.writable = 1
        properties.precision = precision
        # The library refuses what does not end within its room.
        properties.units = units.encode()[: len(properties.units)]
        properties.control_low, properties.control_high = limits
        properties.label_count = len(labels)
        for i, label in enumerate(labels[: len(properties.labels)]):
            properties.labels[i] = label.encode()[: len(properties.labels[i])]
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
