"""Attributes whose names begin alike."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .kinds import Kind, kind_of
from .named import Named
from .readings import Unconfigured

if TYPE_CHECKING:
    from .device import Device


class Group(Unconfigured, Named):
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

    @property
    def kind(self) -> Kind:
        """All that one of them is. To set it sets that of each."""
        found = Kind.omitted
        for name in self.component_names:
            found |= self.attribute(name).kind
        return found

    @kind.setter
    def kind(self, kind: Kind | int | str) -> None:
        for name in self.component_names:
            self.attribute(name).kind = kind_of(kind)

    def read(self) -> OrderedDict[str, dict[str, Any]]:
        """All of them, of whatever kind."""
        parts = (self.attribute(name).read() for name in self.component_names)
        return OrderedDict(item for part in parts for item in part.items())

    def describe(self) -> OrderedDict[str, dict[str, Any]]:
        """The data keys of what read() has."""
        parts = (self.attribute(name).describe() for name in self.component_names)
        return OrderedDict(item for part in parts for item in part.items())

    @property
    def hints(self) -> dict[str, Any]:
        parts = (self.attribute(name).hints["fields"] for name in self.component_names)
        return {"fields": [field for part in parts for field in part]}

    def __repr__(self) -> str:
        return f"Group(name={self.name!r}, {', '.join(self.component_names)})"
