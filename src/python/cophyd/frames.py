"""Frames in local files as NumPy arrays: HDF5, or a TIFF or CBF of one frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

from ._library import ffi, lib, new_struct, seconds, text
from .arrays import NUMPY
from .errors import CophydError, call, call_for, call_with_report

HUGE = 4 << 20  # from this size on memory of the library's is faster than NumPy's own


def new_array(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array to read into."""
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size < HUGE:
        return np.empty(shape, dtype)
    memory = ffi.gc(
        call_for("void *", lib.oph_frames_buffer_new, size), lib.oph_frames_buffer_free, size
    )
    return np.frombuffer(ffi.buffer(memory, size), dtype).reshape(shape)


class Frames:
    """The frames of a file, as a sequence of arrays.

    with Frames("scan_000.h5") as frames:
        print(len(frames), frames[0].mean(), frames[10:20].shape)

    `dataset`: areaDetector's /entry/data/data. `count`: the file is known to get at least so many
    frames. `timeout`: seconds to wait for a file that is absent or still being written.
    `isolated`: for files from strangers; libhdf5, which a damaged file can crash or keep for ever,
    has a process of its own.
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        dataset: str | None = None,
        *,
        count: int | None = None,
        timeout: float | None = None,
        isolated: bool = False,
    ) -> None:
        name = os.fsencode(file)
        inside = ffi.NULL if dataset is None else dataset.encode()
        function = lib.oph_frames_open_isolated if isolated else lib.oph_frames_open_whole
        made = call_for("oph_frames *", function, name, inside, count or 0, seconds(timeout))
        self._memory = ffi.gc(made, lib.oph_frames_free)
        self._closed = False
        self.file = os.fsdecode(name)

    @property
    def _ptr(self) -> Any:
        if self._closed:
            raise ValueError(f"{self.file} was closed")
        return self._memory

    def _info(self) -> Any:
        info = new_struct("oph_frames_info")
        call(lib.oph_frames_describe, self._ptr, info)
        return info

    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, rows, columns)"""
        info = self._info()
        return tuple(info.shape[0 : info.rank])

    @property
    def dtype(self) -> np.dtype:
        return NUMPY[self._info().dtype]

    @property
    def filters(self) -> str:
        """ "none", "LZ4", "shuffle+deflate": in the order of use."""
        info = self._info()
        return text(info.filters)

    def set_threads(self, count: int) -> None:
        """How many threads read and decode; 0: as many as there are cores."""
        call(lib.oph_frames_set_threads, self._ptr, count)

    def __len__(self) -> int:
        return self.shape[0]

    def read(
        self,
        first: int = 0,
        count: int | None = None,
        *,
        start: tuple[int, ...] | None = None,
        size: tuple[int, ...] | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """`count` frames (None: all that follow) from number `first` on. `start` and `size` choose
        a part of each frame, `out` takes the pixels: an array of that shape and type."""
        shape, dtype = self.shape, self.dtype
        count = shape[0] - first if count is None else count
        start = start or (0,) * (len(shape) - 1)
        size = size or tuple(n - at for n, at in zip(shape[1:], start))
        if not len(start) == len(size) == len(shape) - 1:
            found = f"found start={start}, size={size}"
            raise ValueError(f"wanted {len(shape) - 1} numbers each, of a frame's axes, {found}")
        wanted = (count, *size)
        if out is None:
            out = new_array(wanted, dtype)
        elif out.shape != wanted or out.dtype != dtype or not out.flags.c_contiguous:
            raise ValueError(f"wanted an array {wanted} of {dtype}, found {out.shape}, {out.dtype}")
        elif not out.flags.writeable:
            raise ValueError("wanted an array to write to, found one that is read-only")
        call(
            lib.oph_frames_read_region,
            self._ptr,
            first,
            count,
            ffi.new("int64_t[]", list(start)),
            ffi.new("int64_t[]", list(size)),
            ffi.from_buffer(out) if out.size else ffi.NULL,
            out.nbytes,
        )
        return out

    def __getitem__(self, index: int | slice) -> np.ndarray:
        """One frame, or several in a row."""
        length = len(self)
        if isinstance(index, slice):
            first, last, step = index.indices(length)
            if step != 1:
                raise ValueError("frames are read in a row: the step is 1")
            return self.read(first, max(0, last - first))
        if not -length <= index < length:
            raise IndexError(f"{self.file} has {length} frames")
        return self.read(index % length, 1)[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        """One frame after the other; the next ones are read and decoded meanwhile."""
        info, made = self._info(), ffi.new("oph_frames_iter **")
        call(lib.oph_frames_iter_new, self._ptr, ffi.NULL, made)
        iterator = ffi.gc(made[0], lib.oph_frames_iter_free)
        dtype, shape = NUMPY[info.dtype], tuple(info.shape[1 : info.rank])
        pixels = ffi.new("void const **")
        while True:
            call(lib.oph_frames_iter_next, iterator, pixels, ffi.NULL)
            if pixels[0] == ffi.NULL:
                return
            # Lent until the next call: this copy is the caller's.
            yield (
                np.frombuffer(ffi.buffer(pixels[0], info.frame_bytes), dtype).reshape(shape).copy()
            )

    def follow(self, known: int, timeout: float | None = None) -> tuple[int, bool]:
        """Waits for more than `known` frames; returns how many there are, and whether there will be
        no more."""
        count, ended = ffi.new("int64_t *"), ffi.new("int32_t *")
        call(lib.oph_frames_follow, self._ptr, known, -1, seconds(timeout), count, ended)
        return int(count[0]), bool(ended[0])

    def stamps(self, first: int = 0, count: int | None = None) -> np.ndarray:
        """What the IOC noted of each frame: a structured array of unique_id (-1: none), time_ns
        (since 1970 UTC; -1: none) and timestamp (of the driver's clock, s; NaN: none)."""
        count = len(self) - first if count is None else count
        dtype = np.dtype([("unique_id", "i8"), ("time_ns", "i8"), ("timestamp", "f8")])
        stamps = np.empty(count, dtype)
        memory = ffi.cast("oph_frame_stamp *", ffi.from_buffer(stamps))
        call(lib.oph_frames_stamps, self._ptr, first, count, memory)
        return stamps

    def attribute(self, name: str, first: int = 0, count: int | None = None) -> np.ndarray:
        """An NDAttribute that is a number, of each frame; NaN where the file does not say."""
        count = len(self) - first if count is None else count
        values = np.empty(count)
        memory = ffi.cast("double *", ffi.from_buffer(values))
        call(lib.oph_frames_attribute, self._ptr, name.encode(), first, count, memory)
        return values

    def check(self, *, pixels: bool = False) -> tuple[CophydError, ...]:
        """Gaps and repeats of frames, and frames that were never written; with `pixels` also each
        that cannot be decoded."""
        try:
            count = len(self)
            return call_with_report(lib.oph_frames_check, self._ptr, 0, count, int(pixels))
        except CophydError as error:
            if not error.report:
                raise
            return error.report

    def close(self) -> None:
        """Arrays that were read live on."""
        if not self._closed:
            self._closed = True
            ffi.release(self._memory)

    def __enter__(self) -> Frames:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Frames({self.file!r})"
