"""The reference page's detector with ophyd, with the settings of the others."""

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

    def trigger(self):
        """As ophyd's, which returns None where the acquisition ends before it does."""
        status = self._status = self._status_type(self)
        self._acquisition_signal.put(1, wait=False)
        self.generate_datum(self._image_name, side.now(), {})
        return status


def put(prefix, name, value):
    side.need(epics.caput(prefix + name, value, wait=True, timeout=side.PATIENCE) == 1, f"ophyd: {name}")


def show_a_frame(prefix):
    """ophyd stages no writer that has never seen one, also where it opens its file lazily."""
    if epics.caget(prefix + "HDF1:ArraySize0_RBV") > 0:
        return
    put(prefix, "cam1:ArrayCallbacks", 1)
    put(prefix, "HDF1:EnableCallbacks", 1)
    put(prefix, "cam1:WaitForPlugins", 1)
    put(prefix, "cam1:AcquireTime", 0.01)
    put(prefix, "cam1:Acquire", 1)


EpicsSignalBase.set_defaults(timeout=side.PATIENCE, connection_timeout=side.PATIENCE)


def detector(prefix="Pilatus:"):
    show_a_frame(prefix)
    det = construct(prefix)
    det.hdf1.create_directory.put(-5)
    return det


def construct(prefix):
    det = BenchDetector(prefix, name="det")
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
