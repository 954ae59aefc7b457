"""Readings and descriptions of the library as bluesky has them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ._library import ffi, lib, seconds, text
from .arrays import from_value
from .descriptions import descriptions_of
from .errors import call


class Unconfigured:
    """What bluesky reads, and has no configuration of its own."""

    def read_configuration(self) -> OrderedDict[str, dict[str, Any]]:
        return OrderedDict()

    def describe_configuration(self) -> OrderedDict[str, dict[str, Any]]:
        return OrderedDict()


def reading_of(value: Any, told: Any, severity: int) -> dict[str, Any]:
    return {"value": value, "timestamp": told, "alarm_severity": severity}


def readings_of(readings: Any) -> OrderedDict[str, dict[str, Any]]:
    """An oph_readings as what read() returns. Arrays are on its memory, which they hold."""
    keep = ffi.gc(readings, lib.oph_readings_free)
    found: OrderedDict[str, dict[str, Any]] = OrderedDict()
    for i in range(lib.oph_readings_count(readings)):
        row = lib.oph_readings_at(readings, i)
        is_array = bool(lib.oph_signal_is_array(row.signal))
        if row.text and not is_array and lib.oph_value_dtype(row.value) != lib.OPH_ENUM:
            value = text(row.text)
        else:
            value = from_value(row.value, keep, is_array=is_array)
        found[text(row.key)] = reading_of(value, row.time, row.severity)
    return found


def _read(function: Any, device: Any) -> Any:
    readings = ffi.new("oph_readings **")
    call(function, device, seconds(None), readings, ffi.NULL)
    return readings[0]


def call_readings(function: Any, device: Any) -> OrderedDict[str, dict[str, Any]]:
    """What oph_read or its like says of a device."""
    return readings_of(_read(function, device))


def signals_read(device: Any) -> list[tuple[str, Any]]:
    """The keys that a device reads, with the signals."""
    readings = _read(lib.oph_read, device)
    rows = [lib.oph_readings_at(readings, i) for i in range(lib.oph_readings_count(readings))]
    found = [(text(row.key), row.signal) for row in rows]
    lib.oph_readings_free(readings)
    return found


def call_descriptions(
    function: Any, device: Any, stores: dict[str, str] | None = None
) -> OrderedDict[str, dict[str, Any]]:
    """What oph_describe or its like says; `stores` as of descriptions_of."""
    found = ffi.new("oph_descriptions **")
    call(function, device, seconds(None), found, ffi.NULL)
    return descriptions_of(found[0], stores)
