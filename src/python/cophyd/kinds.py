"""Kinds: which readings something is part of; and what a PV is."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from ._library import lib, text


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
