"""What the devices of a tree share, and what becomes of trees when a program ends."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from typing import TYPE_CHECKING, Any

from ._library import lib, text
from .documents import Assets
from .errors import CophydError, call_with_report

if TYPE_CHECKING:
    from .device import Device


logger = logging.getLogger("cophyd")


def _unstage(ptr: Any) -> None:
    """Where nobody is left to be told, the log of "cophyd" is."""
    if lib.oph_device_state(ptr) == lib.OPH_STATE_IDLE:
        return
    name = text(lib.oph_device_path(ptr))
    try:
        report = call_with_report(lib.oph_unstage, ptr)
    except CophydError as error:
        logger.error("%s was not unstaged well: %s", name, error)
        report = error.report
    for left in report:
        logger.warning("%s: %s", name, left)


def _free(ptr: Any, pid: int) -> None:
    if pid == os.getpid():
        _unstage(ptr)
    lib.oph_device_free(ptr)


class Tree:
    """What the devices of one tree share: the root's memory in the library."""

    def __init__(self, root: Device, ptr: Any) -> None:
        self.root = weakref.ref(root)
        self.name = root.name
        self.pid = os.getpid()
        self.free = weakref.finalize(root, _free, ptr, self.pid)
        self.free.atexit = False
        self.assets = Assets()
        _trees.add(self)


_trees: weakref.WeakSet[Tree] = weakref.WeakSet()


@atexit.register
def _unstage_all() -> None:
    """A program that ends leaves no IOC staged."""
    for tree in list(_trees):
        root = tree.root()
        if root is not None and tree.free.alive and tree.pid == os.getpid():
            _unstage(root._ptr)
