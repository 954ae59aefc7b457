"""EPICS areaDetector devices for Python and Bluesky, over the C library cophyd.

    from cophyd import PilatusDetector
    det = PilatusDetector("13PIL1:", name="det")
    det.cam.acquire_time.put(0.1)

Devices are trees of signals, as in ophyd. The classes of areaDetector are here by their names, also
those of a release, as HDF5Plugin_V34; Component declares one's own. A device is handed to Bluesky's
RunEngine as it is; `asset_form` says how its images are told.

What users of ophyd will find otherwise:

- put() waits, and checks that the readback has followed; put(value, wait=False) does not.
- Making a device needs no IOC. PVs connect at their first use, or by wait_for_connection().
- A signal with a setpoint reads its readback alone. get() of an enum is its index, and with
  as_string its label; declared with string=True it is its label in all that is read. Text is a str,
  whatever record it comes from; an array is NumPy's, on the library's memory.
- Callbacks, of all signals and statuses of a context, run one at a time on the thread
  "cophyd-events". They may do what any other code may.
- stage() and unstage() of a detector do the same for its children: overriding those methods in the
  class of a child makes no difference.
- A program that ends while a device is staged unstages it; what a killed one left recover() puts
  back. After a fork the child makes devices anew: the parent's raise ForkError.
"""

from __future__ import annotations

from typing import Any

from . import builtin
from ._library import version
from .builtin import *  # noqa: F403
from .chain import Finding, Graph, GraphEdge, GraphNode, MissingPlugin
from .classes import Component
from .context import Context, default_context, set_default_context
from .detector import Acquisition, Series, WrittenFile
from .device import Device
from .errors import (
    AcquisitionError,
    CophydError,
    CophydTimeoutError,
    DisconnectedError,
    ForkError,
    InvalidValueError,
    MismatchError,
    ReadOnlyError,
    UnprimedPlugin,
    WaitTimeoutError,
    WrongTypeError,
)
from .frames import Frames
from .kinds import Kind, Properties
from .lookup import device_class
from .plan import Plan, PlannedSetting
from .pv import EpicsSignal, EpicsSignalRO, EpicsSignalWithRBV
from .recovery import Journal, Recovered, journals, recover
from .settings import StageSigs
from .several import get_all, put_all
from .signal import Signal, SignalRO
from .soft import SoftSignal
from .status import Progress, Status

ADComponent = Cpt = Component
"""ophyd's names."""
__version__ = version()

__all__ = [
    "ADComponent",
    "Acquisition",
    "AcquisitionError",
    "Component",
    "Context",
    "CophydError",
    "CophydTimeoutError",
    "Cpt",
    "Device",
    "DisconnectedError",
    "EpicsSignal",
    "EpicsSignalRO",
    "EpicsSignalWithRBV",
    "Finding",
    "ForkError",
    "Frames",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "InvalidValueError",
    "Journal",
    "Kind",
    "MismatchError",
    "MissingPlugin",
    "Plan",
    "PlannedSetting",
    "Progress",
    "Properties",
    "ReadOnlyError",
    "Recovered",
    "Series",
    "Signal",
    "SignalRO",
    "SoftSignal",
    "StageSigs",
    "Status",
    "UnprimedPlugin",
    "WaitTimeoutError",
    "WrittenFile",
    "WrongTypeError",
    "default_context",
    "device_class",
    "get_all",
    "journals",
    "put_all",
    "recover",
    "set_default_context",
    "version",
]
__all__ += builtin.__all__


def __getattr__(name: str) -> Any:
    """The built-in classes of a release: HDF5Plugin_V34."""
    return builtin.find(name)
