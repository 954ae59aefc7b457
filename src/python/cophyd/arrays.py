"""Values: from C to Python and NumPy without a second copy, and back."""

from __future__ import annotations

import enum
import os
from typing import Any

import numpy as np

from ._library import ffi, lib, text, to_bytes, to_text

NUMPY: dict[int, np.dtype] = {
    lib.OPH_INT8: np.dtype("i1"),
    lib.OPH_UINT8: np.dtype("u1"),
    lib.OPH_INT16: np.dtype("i2"),
    lib.OPH_UINT16: np.dtype("u2"),
    lib.OPH_INT32: np.dtype("i4"),
    lib.OPH_UINT32: np.dtype("u4"),
    lib.OPH_INT64: np.dtype("i8"),
    lib.OPH_UINT64: np.dtype("u8"),
    lib.OPH_FLOAT32: np.dtype("f4"),
    lib.OPH_FLOAT64: np.dtype("f8"),
    lib.OPH_ENUM: np.dtype("u2"),
    lib.OPH_TEXT: np.dtype("S40"),
}
CODES = {NUMPY[code]: code for code in NUMPY if code not in (lib.OPH_ENUM, lib.OPH_TEXT)}
INT64 = range(-(2**63), 2**63)


def array_at(data: Any, dtype: np.dtype, shape: tuple[int, ...], keep: Any) -> np.ndarray:
    """An array on C's memory, which `keep` holds as long as the array or a view of it lives."""
    count = int(np.prod(shape, dtype=np.int64))
    if not count:
        return np.empty(shape, dtype)
    owned = ffi.gc(data, lambda _, keep=keep: None)
    return np.frombuffer(ffi.buffer(owned, count * dtype.itemsize), dtype).reshape(shape)


def shape_of(value: Any) -> tuple[int, ...]:
    axes = ffi.new("int64_t[16]")
    rank = lib.oph_value_shape(value, axes, 16)
    return tuple(axes[0:rank])


def from_value(value: Any, keep: Any, is_text: bool = False, is_array: bool = False) -> Any:
    """What an oph_value holds: a number, a str, or an array, which an array of one element is, too.
    An enum is its index."""
    code, count = lib.oph_value_dtype(value), lib.oph_value_count(value)
    dtype, data = NUMPY[code], lib.oph_value_data(value)
    if is_text:
        return to_text(ffi.buffer(data, count)[:].partition(b"\0")[0]) if count else ""
    shape = shape_of(value) or ((count,) if is_array else ())
    if code == lib.OPH_TEXT:
        texts = [text(ffi.cast("char *", data) + 40 * i) for i in range(count)]
        return texts[0] if not shape else np.array(texts, "U39").reshape(shape)
    if not shape:
        return np.frombuffer(ffi.buffer(data, dtype.itemsize), dtype).item()
    return array_at(data, dtype, shape, keep)


def time_of(value: Any) -> float:
    """The IOC's, in seconds since 1970 UTC."""
    at, fraction = ffi.new("int64_t *"), ffi.new("int32_t *")
    lib.oph_value_time(value, at, fraction)
    return at[0] + fraction[0] * 1e-9


class Data:
    """A value of Python as the library takes it. Owns the memory that `pointer` leads to: it has to
    live as long as the call."""

    def __init__(self, value: Any) -> None:
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
            value = value.item()
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if isinstance(value, str):
            self._texts([value])
        elif isinstance(value, (bool, int)):
            wide = value not in INT64
            self._number("uint64_t" if wide else "int64_t", int(value), wide)
        elif isinstance(value, float):
            self._fill(lib.OPH_FLOAT64, 1, ffi.new("double *", value))
        else:
            self._array(value)

    def _fill(self, dtype: int, count: int, memory: Any) -> None:
        self.memory = memory
        self.pointer = ffi.new("oph_data *", [dtype, 0, count, memory])

    def _number(self, kind: str, value: int, wide: bool) -> None:
        self._fill(lib.OPH_UINT64 if wide else lib.OPH_INT64, 1, ffi.new(f"{kind} *", value))

    def _texts(self, values: list[str]) -> None:
        self.texts = [ffi.new("char[]", to_bytes(value)) for value in values]
        self._fill(lib.OPH_STRING, len(values), ffi.new("char *[]", self.texts))

    def _array(self, value: Any) -> None:
        array = np.frombuffer(value, "u1") if isinstance(value, bytes) else np.asarray(value)
        if array.dtype.kind in "US":
            self._texts([str(item) for item in array.astype("U").ravel()])
            return
        if array.dtype == bool:
            array = array.astype("u1")
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        if array.dtype not in CODES:
            raise TypeError(f"wanted a number, text, or an array of them, found {value!r}")
        self.array = array
        memory = ffi.from_buffer(array) if array.size else ffi.NULL
        self._fill(CODES[array.dtype], array.size, memory)
