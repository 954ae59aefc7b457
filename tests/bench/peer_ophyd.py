"""Staging and triggering with ophyd: the reference page's detector, with the settings of the others."""

from ophyd import ADComponent, DetectorBase, EpicsSignal, ImagePlugin, PilatusDetectorCam, SingleTrigger
from ophyd.areadetector.filestore_mixins import FileStoreHDF5IterativeWrite
from ophyd.areadetector.plugins import HDF5Plugin_V34
from ophyd.signal import EpicsSignalBase

import epics  # after ophyd, which chooses its libca
import side


class BenchCam(PilatusDetectorCam):
    wait_for_plugins = ADComponent(EpicsSignal, "WaitForPlugins")


class BenchHDF5(FileStoreHDF5IterativeWrite, HDF5Plugin_V34):
    pass


class BenchDetector(SingleTrigger, DetectorBase):
    cam = ADComponent(BenchCam, "cam1:")
    image = ADComponent(ImagePlugin, "image1:")
    hdf1 = ADComponent(
        BenchHDF5, "HDF1:", write_path_template="/bench/data/", read_path_template="/bench/data/")


def put(name, value):
    side.need(epics.caput(f"Pilatus:{name}", value, wait=True, timeout=side.PATIENCE) == 1, f"ophyd: {name}")


def show_a_frame():
    """ophyd stages no writer that has never seen one, also where it opens its file lazily."""
    if epics.caget("Pilatus:HDF1:ArraySize0_RBV") > 0:
        return
    put("cam1:ArrayCallbacks", 1)
    put("HDF1:EnableCallbacks", 1)
    put("cam1:WaitForPlugins", 1)
    put("cam1:AcquireTime", 0.01)
    put("cam1:Acquire", 1)


def detector():
    EpicsSignalBase.set_defaults(timeout=side.PATIENCE, connection_timeout=side.PATIENCE)
    show_a_frame()
    det = BenchDetector("Pilatus:", name="det")
    det.hdf1.create_directory.put(-5)
    det.image.stage_sigs["blocking_callbacks"] = "No"
    det.hdf1.stage_sigs["blocking_callbacks"] = "No"
    det.hdf1.stage_sigs["create_directory"] = -5
    det.cam.stage_sigs["image_mode"] = "Single"
    det.cam.stage_sigs["num_images"] = 1
    det.cam.stage_sigs["acquire_time"] = 0.1
    det.cam.stage_sigs["acquire_period"] = 0.105
    det.cam.stage_sigs["wait_for_plugins"] = "Yes"
    det.hdf1.stage_sigs["lazy_open"] = 1
    det.hdf1.stage_sigs["compression"] = "LZ4"
    det.hdf1.stage_sigs["file_template"] = "%s%s_%3.3d.h5"
    det.hdf1.stage_sigs["capture"] = det.hdf1.stage_sigs.pop("capture")
    return det


def connected():
    """Each PV that staging uses is connected at its first use."""
    det = detector()
    det.stage()
    det.unstage()
    return det


def stage_round(det):
    started = side.now()
    for _ in range(side.STAGES):
        det.stage()
        det.unstage()
    return (side.now() - started) / side.STAGES


def trigger_round(det):
    det.stage()
    started = side.now()
    for _ in range(side.TRIGGERS):
        det.trigger().wait(timeout=side.PATIENCE)
    took = (side.now() - started) / side.TRIGGERS
    det.unstage()
    return took


side.run({
    "stage": (connected, stage_round),
    "trigger": (connected, trigger_round),
})
