"""Gets and puts of many signals at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ._library import lib
from .arrays import Data
from .requests import Requests
from .signal import Signal, SignalRO, connect, read_options, value_read


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
    if as_string:
        connect(asked, timeout)
    with Requests(asked[0].context) as requests:
        for signal in asked:
            requests.read(signal, read_options(signal, as_string))
        requests.run(timeout)
        values = [value_read(signal, requests.value(i), None) for i, signal in enumerate(asked)]
        # The memory of arrays goes with the requests.
        return [value.copy() if isinstance(value, np.ndarray) else value for value in values]


def put_all(values: Mapping[Signal, Any], *, timeout: float | None = None) -> None:
    """Puts all in one message, in order, and waits until the IOC has completed each and its
    readback has followed.

    put_all({det.cam.acquire_time: 0.1, det.cam.num_images: 3})

    Those that fail are in the error's report, each; the others are put.
    """
    if not values:
        return
    with Requests(next(iter(values)).context) as requests:
        for signal, value in values.items():
            requests.put(signal, Data(value), signal._options(lib.OPH_PUT_VERIFY, None, None, None))
        requests.run(timeout)
