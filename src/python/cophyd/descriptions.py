"""What values are, in the words of event-model's data keys."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ._library import lib, text


def _known(number: float) -> float | None:
    return number if number == number else None


def _range(low: float, high: float) -> dict[str, float | None] | None:
    """A pair of limits that are none is left out; one of them may be missing."""
    if low >= high or (low != low and high != high):
        return None
    return {"low": _known(low), "high": _known(high)}


def limits_of(p: Any) -> dict[str, Any]:
    """event-model's limits, of an oph_properties."""
    limits = {
        "control": _range(p.control_low, p.control_high),
        "display": _range(p.display_low, p.display_high),
        "warning": _range(p.warning_low, p.warning_high),
        "alarm": _range(p.alarm_low, p.alarm_high),
    }
    return {name: pair for name, pair in limits.items() if pair}


def data_key_of(row: Any) -> dict[str, Any]:
    """One oph_description."""
    key: dict[str, Any] = {
        "source": text(row.source),
        "dtype": text(row.dtype),
        "dtype_numpy": text(row.dtype_numpy),
        "shape": [None if n < 0 else n for n in row.shape[0 : row.rank]],
        "object_name": text(row.object_name),
        "external": text(row.external),
    }
    if row.properties:
        p = row.properties
        if p.dtype in (lib.OPH_FLOAT32, lib.OPH_FLOAT64):
            key["precision"] = p.precision
        key["units"] = text(p.units)
        key["limits"] = limits_of(p)
        key["choices"] = [text(p.labels[i]) for i in range(p.label_count)]
    optional = ("external", "units", "limits", "choices")
    return {name: value for name, value in key.items() if value or name not in optional}


def descriptions_of(found: Any, stores: dict[str, str] | None = None) -> OrderedDict[str, Any]:
    """An oph_descriptions, which is freed, as what describe() returns. `stores` takes the keys of
    images, with the paths of the plugins that write them."""
    keys: OrderedDict[str, Any] = OrderedDict()
    for i in range(lib.oph_descriptions_count(found)):
        row = lib.oph_descriptions_at(found, i)
        keys[text(row.key)] = data_key_of(row)
        if stores is not None and row.store:
            stores[text(row.key)] = text(lib.oph_device_path(row.store))
    lib.oph_descriptions_free(found)
    return keys
