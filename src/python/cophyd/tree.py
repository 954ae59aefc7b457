"""What the devices of a tree share, and what becomes of trees when a program ends."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib
from .documents import Assets

if TYPE_CHECKING:
    from .device import Device


class Tree:
    """What the devices of one tree share: the root's memory in the library."""

    def __init__(self, root: Device, ptr: Any) -> None:
        self.root = weakref.ref(root)
        self.name = root.name
        self.free = weakref.finalize(root, lib.oph_device_free, ptr)
        self.free.atexit = False
        self.assets = Assets()
        self.pid = os.getpid()
        _trees.add(self)


_trees: weakref.WeakSet[Tree] = weakref.WeakSet()


@atexit.register
def _unstage_all() -> None:
    """A program that ends leaves no IOC staged."""
    for tree in list(_trees):
        root = tree.root()
        if root is None or not tree.free.alive or tree.pid != os.getpid():
            continue
        if root.state != "idle":
            lib.oph_unstage(root._ptr, ffi.NULL, ffi.NULL)
