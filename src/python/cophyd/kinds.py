"""Kinds: which readings something is part of; and what a PV is."""

from __future__ import annotations

import enum
from collections.abc import Iterable, MutableSequence, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._library import lib, text

if TYPE_CHECKING:
    from .device import Device


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


class AttrNames(MutableSequence[str]):
    """The attributes and children of a kind, in the device's order. To put a name in, or to take
    one out, changes its kind."""

    def __init__(self, device: Device, kind: Kind) -> None:
        self._device, self._kind = device, kind

    def _list(self) -> list[str]:
        names = self._device.component_names
        return [name for name in names if self._device.attribute(name).kind & self._kind]

    def _below(self, name: str) -> tuple[str, str]:
        """Of a child's attribute, as "stats1.total": the child, and the rest; else "", ""."""
        first, _, rest = name.partition(".")
        is_below = rest and first in self._device._children()
        return (first, rest) if is_below and name not in self._device.component_names else ("", "")

    def _members(self, name: str) -> list[str]:
        """Of a group all of its names, else this one."""
        start = f"{name}."
        inside = [known for known in self._device.component_names if known.startswith(start)]
        return inside or [name]

    def choose(self, names: Iterable[str]) -> None:
        """These, and no others. Of a child of which attributes are named, as "stats1.total", these
        and no others."""
        wanted, below = list(names), dict[str, list[str]]()
        for name in wanted:
            self._device.attribute(name)  # before anything changes
            child, rest = self._below(name)
            if child:
                below.setdefault(child, []).append(rest)
        direct = [name for name in wanted if not self._below(name)[0]]
        chosen = [*below, *(member for name in direct for member in self._members(name))]
        for name in chosen:
            self._device.attribute(name).kind |= self._kind
        for name, rests in below.items():
            AttrNames(self._device.attribute(name), self._kind).choose(rests)
        for name in self._list():
            if name not in chosen:
                others = Kind.config if self._kind == Kind.normal else Kind.hinted
                self._device.attribute(name).kind &= others

    def __len__(self) -> int:
        return len(self._list())

    def __getitem__(self, index: Any) -> Any:
        return self._list()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        names = self._list()
        names[index] = value
        self.choose(names)

    def __delitem__(self, index: Any) -> None:
        names = self._list()
        del names[index]
        self.choose(names)

    def insert(self, index: int, value: str) -> None:
        self._device.attribute(value)
        child, rest = self._below(value)
        for name in [child] if child else self._members(value):
            self._device.attribute(name).kind |= self._kind
        if child:
            AttrNames(self._device.attribute(child), self._kind).append(rest)

    def __reduce__(self) -> tuple[Any, ...]:
        """As metadata of a run, which are copied."""
        return list, (self._list(),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._list() == list(other)

    def __add__(self, other: Iterable[str]) -> list[str]:
        return [*self._list(), *other]

    def __repr__(self) -> str:
        return repr(self._list())


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
