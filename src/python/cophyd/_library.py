"""The C library, loaded, and the few words that every call of it needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cffi

from ._cdef import CDEF

SONAME = "libcophyd.so.0"

ffi = cffi.FFI()
ffi.cdef(CDEF)


def find_library() -> str:
    """$COPHYD_LIBRARY, or the one in this package, or the one that the system finds."""
    chosen = os.environ.get("COPHYD_LIBRARY")
    if chosen:
        return chosen
    own = Path(__file__).parent / SONAME
    # Where a link leads, since the library looks for its own beside itself.
    return str(own.resolve()) if own.exists() else SONAME


lib: Any = ffi.dlopen(find_library(), ffi.RTLD_NOW)
# cffi finds a function at its first use, with a lock held under which a garbage collection may run
# finalizers, which call the library: so all are found now.
for _name in dir(lib):
    getattr(lib, _name)

# Nor may a fork leave it held in the child by a thread that is no more.
os.register_at_fork(
    before=ffi._lock.acquire,
    after_in_parent=ffi._lock.release,
    after_in_child=ffi._lock.release,
)

DEFAULT = float("nan")  # of timeouts: the context's


def seconds(timeout: float | None) -> float:
    """A timeout as the library takes it; None is the default."""
    return DEFAULT if timeout is None else float(timeout)


def to_text(bytes_: bytes) -> str:
    """Text of an IOC: UTF-8, else Latin-1."""
    try:
        return bytes_.decode()
    except UnicodeDecodeError:
        return bytes_.decode("latin-1")


def to_bytes(words: str) -> bytes:
    """For the library, to which a NUL is the end: text is refused, and never cut."""
    if "\0" in words:
        raise ValueError(f"wanted text without a NUL, found {words!r}")
    return words.encode()


def text(chars: Any) -> str:
    """A C string; "" for NULL."""
    return to_text(ffi.string(chars)) if chars else ""


def written_by(function: Any, *arguments: Any) -> str:
    """What a function like snprintf writes, whatever its length."""
    size = function(*arguments, ffi.NULL, 0) + 1
    buffer = ffi.new("char[]", size)
    function(*arguments, buffer, size)
    return text(buffer)


def new_struct(name: str) -> Any:
    """A zeroed struct whose first field says its size."""
    struct = ffi.new(f"{name} *")
    struct.size = ffi.sizeof(name)
    return struct


def version() -> str:
    """Of the library that runs, as "0.1.0"."""
    return text(lib.oph_version())
