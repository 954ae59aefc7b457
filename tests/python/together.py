"""What the programs of test_together.py use, beside ophyd."""

import time
from pathlib import Path

import epics
import h5py
import numpy as np
from ophyd import Component, PilatusDetector, SingleTrigger
from ophyd.areadetector.filestore_mixins import FileStoreHDF5IterativeWrite
from ophyd.areadetector.plugins import HDF5Plugin_V34

from conftest import PATIENCE


class TheirHDF5(FileStoreHDF5IterativeWrite, HDF5Plugin_V34):
    pass


class TheirDetector(SingleTrigger, PilatusDetector):
    hdf1 = Component(TheirHDF5, "HDF1:", write_path_template="/data/", read_path_template="/data/")

    def trigger(self):
        """As ophyd's, which returns None where the acquisition ends before it does."""
        status = self._status = self._status_type(self)
        self._acquisition_signal.put(1, wait=False)
        self.generate_datum(self._image_name, time.time(), {})
        return status


def ophyd_detector(prefix, folder):
    """A detector of ophyd's, whose writer has seen a frame, as ophyd wants it."""
    for name, value in {
        "cam1:AcquireTime": 0.001,
        "cam1:AcquirePeriod": 0.004,
        "cam1:ArrayCallbacks": 1,
        "cam1:WaitForPlugins": 1,
        "HDF1:EnableCallbacks": 1,
        "HDF1:CreateDirectory": -5,
        "cam1:Acquire": 1,
    }.items():
        assert epics.caput(prefix + name, value, wait=True, timeout=PATIENCE) == 1, name
    det = TheirDetector(prefix, name="theirs")
    det.hdf1.read_path_template = folder
    det.hdf1.stage_sigs["create_directory"] = -5
    det.read_attrs, det.hdf1.read_attrs = ["hdf1"], []  # or events have no image
    det.cam.stage_sigs["num_images"] = 1
    return det


def async_signal(pv, name):
    """A signal of ophyd-async's, in the event loop of the RunEngine that there is."""
    from ophyd_async.core import init_devices
    from ophyd_async.epics.core import epics_signal_rw

    with init_devices():
        signal = epics_signal_rw(float, f"ca://{pv}", name=name)
    return signal  # noqa: RET504, since init_devices looks for the variable


def pixels_are_right(documents, key):
    """Whether each event of a run has a frame of a file of its own place, by the simulator's
    formula: a frame's first pixel tells its number."""
    resources = {d["uid"]: d for name, d in documents if name == "resource"}
    datums = {d["datum_id"]: d for name, d in documents if name == "datum"}
    events = [d["data"][key] for name, d in documents if name == "event"]
    frames = []
    for datum_id in events:
        datum = datums[datum_id]
        resource = resources[datum["resource"]]
        file = Path(resource["root"]) / resource["resource_path"]
        with h5py.File(file, locking=False) as h5:
            frames.append(h5["/entry/data/data"][datum["datum_kwargs"]["point_number"]])
    first = int(frames[0][0, 0]) // 7919
    y, x = np.indices(frames[0].shape)
    return bool(events) and all(
        np.array_equal(found, (7919 * (first + i) + 2500 * y + x) % 1048576)
        for i, found in enumerate(frames)
    )


def libraries(name):
    """The files of this name's libraries that this process has loaded."""
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1] for line in maps if "/" in line}
    return sorted(file for file in files if Path(file).name.startswith(name + "."))
