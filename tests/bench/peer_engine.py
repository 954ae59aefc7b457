"""Counts with bluesky's RunEngine: of the reference page's detector with cophyd ("ours"); and of an empty device,
to which the IOC's time is added ("empty"), as hand-written libca takes it."""

import subprocess
import sys

from bluesky import RunEngine
from bluesky.plans import count

import side
from ioc import BUILD


class Done:
    """A status that is done, and well."""

    done = success = True

    def add_callback(self, callback):
        callback(self)

    def exception(self, timeout=None):
        return None


class Empty:
    """What bluesky wants of a detector, and nothing else."""

    name, parent, hints = "empty", None, {"fields": []}

    def stage(self):
        return [self]

    def unstage(self):
        return [self]

    def trigger(self):
        return Done()

    def read(self):
        return {"empty": {"value": 1, "timestamp": 1.0}}

    def describe(self):
        return {"empty": {"source": "nowhere", "dtype": "number", "shape": []}}

    def read_configuration(self):
        return {}

    describe_configuration = read_configuration


def detector():
    from cophyd import (
        Component, DetectorBase, EpicsSignal, FileStoreHDF5IterativeWrite, HDF5Plugin_V34, ImagePlugin,
        PilatusDetectorCam, SingleTrigger)

    class BenchCam(PilatusDetectorCam):
        wait_for_plugins = Component(EpicsSignal, "WaitForPlugins")

    class BenchHDF5(FileStoreHDF5IterativeWrite, HDF5Plugin_V34):
        pass

    class BenchDetector(SingleTrigger, DetectorBase):
        cam = Component(BenchCam, "cam1:")
        image = Component(ImagePlugin, "image1:")
        hdf1 = Component(
            BenchHDF5, "HDF1:", write_path_template="/bench/data/", read_path_template="/bench/data/")

    det = BenchDetector("Pilatus:", name="det")
    det.cam.stage_sigs.update(
        image_mode="Single", num_images=1, acquire_time=0.001, acquire_period=0.002, wait_for_plugins="Yes")
    det.hdf1.stage_sigs.update(lazy_open=1, compression="LZ4", file_template="%s%s_%3.3d.h5")
    det.hdf1.stage_sigs.move_to_end("capture")
    return det


def per_point(engine, device):
    documents = []
    started = side.now()
    engine(count([device], num=side.POINTS), lambda name, document: documents.append(name))
    took = side.now() - started
    side.need(documents.count("event") == side.POINTS, "a RunEngine without events")
    return took / side.POINTS


class Ours:
    def __init__(self):
        self.engine, self.device = RunEngine({}, context_managers=[]), detector()

    def round(self):
        return per_point(self.engine, self.device)


class Floor:
    """The empty device's point, and libca's trigger."""

    def __init__(self):
        self.engine, self.device = RunEngine({}, context_managers=[]), Empty()
        self.libca = subprocess.Popen(
            [f"{BUILD}/tests/bench/libca", "count"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        side.need(self.libca.stdout.readline().strip() == "ready", "libca is not ready")

    def round(self):
        empty = per_point(self.engine, self.device)
        print("go", file=self.libca.stdin, flush=True)
        return empty + float(self.libca.stdout.readline().split()[0])


which = {"ours": Ours, "empty": Floor}[sys.argv.pop(1)]
side.run({"engine": (which, which.round)})
