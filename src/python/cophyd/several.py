"""Gets and puts of many signals at once, in one message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ._library import ffi, lib, seconds
from .arrays import Data
from .context import Context
from .errors import call, call_for, call_with_report
from .signal import Signal, SignalRO, read_options, value_read


def new_group(context: Context) -> Any:
    """To be released: what it holds borrows from the signals."""
    return ffi.gc(call_for("oph_group *", lib.oph_group_new, context._ptr), lib.oph_group_free)


def run(group: Any, timeout: float | None) -> None:
    call_with_report(lib.oph_group_run, group, seconds(timeout))


def connect_all(context: Context, signals: Iterable[SignalRO], timeout: float | None) -> None:
    """Those that are not there are in the error's report, each."""
    with new_group(context) as group:
        for signal in signals:
            call(lib.oph_group_connect, group, signal._ptr)
        run(group, timeout)


def get_all(
    signals: Iterable[SignalRO], *, as_string: bool = False, timeout: float | None = None
) -> list[Any]:
    """The readbacks' values, each as get() gives it, in one message.

    get_all([det.cam.acquire_time, det.cam.num_images])

    Those that cannot be read are in the error's report, each.
    """
    asked = list(signals)
    if not asked:
        return []
    pointers = [signal._ptr for signal in asked]
    options = [read_options(pointer, as_string) for pointer in pointers]
    values = []
    with new_group(asked[0].context) as group:
        for pointer, option in zip(pointers, options):
            call(lib.oph_group_read, group, pointer, option)
        run(group, timeout)
        for i, (pointer, option) in enumerate(zip(pointers, options)):
            value = value_read(pointer, option, lib.oph_group_value(group, i), None)
            # The memory of an array is the group's.
            values.append(value.copy() if isinstance(value, np.ndarray) else value)
    return [signal.get() if value is None else value for signal, value in zip(asked, values)]


def put_all(values: Mapping[Signal, Any], *, timeout: float | None = None) -> None:
    """Puts all in one message, in order, and waits until the IOC has completed each and its
    readback has followed.

    put_all({det.cam.acquire_time: 0.1, det.cam.num_images: 3})

    Those that fail are in the error's report, each; the others are put.
    """
    if not values:
        return
    with new_group(next(iter(values)).context) as group:
        for signal, value in values.items():
            options = signal._options(lib.OPH_PUT_VERIFY, None, None, None)
            data = Data(value)  # lives as long as the call
            call(lib.oph_group_put, group, signal._ptr, data.pointer, options)
        run(group, timeout)
