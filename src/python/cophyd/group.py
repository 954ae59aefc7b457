"""Attributes whose names begin alike."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .named import Named

if TYPE_CHECKING:
    from .device import Device


class Group(Named):
    """Attributes whose names begin alike, as cam.array_size of array_size.height."""

    def __init__(self, device: Device, name: str) -> None:
        self._device = device
        self.parent = device
        self.name = f"{device.name}_{name.replace('.', '_')}"
        self.attr_name = name

    @property
    def component_names(self) -> tuple[str, ...]:
        start = f"{self.attr_name}."
        return tuple(
            name.removeprefix(start)
            for name in self._device.component_names
            if name.startswith(start)
        )

    def attribute(self, name: str) -> Any:
        return self._device.attribute(f"{self.attr_name}.{name}")

    def read(self) -> OrderedDict[str, dict[str, Any]]:
        """All of them, of whatever kind."""
        parts = (self.attribute(name).read() for name in self.component_names)
        return OrderedDict(item for part in parts for item in part.items())

    def __repr__(self) -> str:
        return f"Group(name={self.name!r}, {', '.join(self.component_names)})"
