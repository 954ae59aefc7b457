"""stage_sigs: each device's ordered list of settings, which staging writes."""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._library import ffi, lib, new_struct, text, to_bytes, written_by
from .errors import call, call_with_report

if TYPE_CHECKING:
    from .device import Device

Setting = int | float | str


def _value(setting: Any) -> Setting:
    if setting.dtype == lib.OPH_INT64:
        return int(setting.integer)
    if setting.dtype == lib.OPH_FLOAT64:
        return float(setting.number)
    return text(setting.text)


class StageSigs(MutableMapping[str, Setting]):
    """The settings of a device, with OrderedDict's ways.

    A key is the path of an attribute from the device, as "image_mode" or
    "parent.cam.array_callbacks", or a signal; a value is a number or text, of an enum its label or
    its index. A known key keeps its place. The library holds the list: it is the same for all who
    look at the device.
    """

    def __init__(self, device: Device) -> None:
        self._device = device

    @property
    def _ptr(self) -> Any:
        return self._device._ptr

    def _key(self, key: Any) -> bytes:
        if isinstance(key, str):
            return key.encode()
        return self._device.path_to(key).encode()

    def __getitem__(self, key: Any) -> Setting:
        setting, name = new_struct("oph_setting"), self._key(key)
        if lib.oph_settings_get(self._ptr, name, setting, ffi.NULL):
            raise KeyError(key)
        return _value(setting)

    def __setitem__(self, key: Any, value: Any) -> None:
        name = self._key(key)
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str):
            call(lib.oph_settings_set_text, self._ptr, name, to_bytes(value))
        elif isinstance(value, (bool, int)):
            call(lib.oph_settings_set_int, self._ptr, name, int(value))
        elif isinstance(value, float):
            call(lib.oph_settings_set_double, self._ptr, name, value)
        else:
            raise TypeError(f"{key}: wanted a number or text, found {value!r}")

    def __delitem__(self, key: Any) -> None:
        if lib.oph_settings_delete(self._ptr, self._key(key), ffi.NULL):
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys())

    def _keys(self) -> list[str]:
        count = len(self)
        return [text(lib.oph_settings_key_at(self._ptr, i)) for i in range(count)]

    def __len__(self) -> int:
        return int(lib.oph_settings_count(self._ptr))

    def __eq__(self, other: object) -> bool:
        """In the same order where the other has an order that counts, as OrderedDict has it."""
        if isinstance(other, (StageSigs, OrderedDict)):
            return list(self.items()) == list(other.items())
        if isinstance(other, Mapping):
            return dict(self.items()) == dict(other.items())
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def move_to_end(self, key: Any, last: bool = True) -> None:
        """Makes it the last one, or the first."""
        name = self._key(key)
        if key not in self:
            raise KeyError(key)
        before = ffi.NULL if last else lib.oph_settings_key_at(self._ptr, 0)
        call(lib.oph_settings_move, self._ptr, name, before)

    def popitem(self, last: bool = True) -> tuple[str, Setting]:
        """Takes the last one out, or the first."""
        keys = self._keys()
        if not keys:
            raise KeyError("stage_sigs is empty")
        key = keys[-1 if last else 0]
        return key, self.pop(key)

    def clear(self) -> None:
        lib.oph_settings_clear(self._ptr)

    def replace(self, settings: Mapping[Any, Any]) -> None:
        """Makes the list what these are. On an error it is as before."""
        items, before = list(settings.items()), self.copy()
        self.clear()
        try:
            self.update(items)
        except BaseException:
            self.clear()
            self.update(before)
            raise

    def to_text(self) -> str:
        """The settings as text, KEY=VALUE, one a line: what parse() reads."""
        length = ffi.new("size_t *")
        call(lib.oph_settings_print, self._ptr, ffi.NULL, 0, length)
        buffer = ffi.new("char[]", length[0] + 1)
        call(lib.oph_settings_print, self._ptr, buffer, length[0] + 1, ffi.NULL)
        return text(buffer)

    def parse(self, source: str, origin: str = "text") -> None:
        """Makes the list what a text says, also one that `cophyd save` has written. It is checked
        whole: every mistake is in the exception's report, and then nothing changes."""
        replace = lib.OPH_SETTINGS_REPLACE
        call_with_report(
            lib.oph_settings_parse, self._ptr, source.encode(), origin.encode(), replace
        )

    def copy(self) -> OrderedDict[str, Setting]:
        return OrderedDict(self.items())

    def __copy__(self) -> OrderedDict[str, Setting]:
        """To be set again later; another view of the same list would be no copy."""
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        """As metadata of a run, which are copied, and pickled."""
        return OrderedDict, (list(self.items()),)

    def __or__(self, other: Mapping[Any, Any]) -> OrderedDict[str, Setting]:
        return self.copy() | dict(other)

    def __ror__(self, other: Mapping[Any, Any]) -> OrderedDict[str, Setting]:
        return OrderedDict(other) | self.copy()

    def __ior__(self, other: Mapping[Any, Any]) -> StageSigs:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return written_by(lib.oph_settings_text, self._ptr)
