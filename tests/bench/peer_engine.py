"""Counts with bluesky's RunEngine: of the reference page's detector with cophyd ("ours"); of an empty device, to
which the IOC's time is added ("empty"), as hand-written libca takes it back to back; of one that triggers by
hand-written libca, and is empty else ("bare"); and of that with the documents of an image a point ("told")."""

import subprocess
import sys
import threading
import uuid

from bluesky import RunEngine

import side
from ioc import BUILD
from points import per_point


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


def program(*command):
    return subprocess.Popen([f"{BUILD}/tests/bench/{command[0]}", *command[1:]], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, bufsize=1)


class Later:
    """A status that another thread ends, well."""

    done = success = False

    def __init__(self):
        self.lock, self.callbacks = threading.Lock(), []

    def add_callback(self, callback):
        with self.lock:
            if not self.done:
                self.callbacks.append(callback)
                return
        callback(self)

    def finish(self):
        with self.lock:
            self.done = self.success = True
        for callback in self.callbacks:
            callback(self)

    def exception(self, timeout=None):
        return None


class Bare(Empty):
    """Stages, triggers and unstages by the program "point"."""

    def __init__(self):
        self.point, self.now = program("point"), None
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        for _ in self.point.stdout:
            self.now.finish()

    def begin(self, what):
        self.now = Later()
        self.point.stdin.write(f"{what}\n")
        return self.now

    def finish(self, what):
        ended = threading.Event()
        self.begin(what).add_callback(lambda status: ended.set())
        side.need(ended.wait(60), f"no answer to {what}")
        return [self]

    def stage(self):
        return self.finish("stage")

    def unstage(self):
        return self.finish("unstage")

    def trigger(self):
        return self.begin("trigger")


class Told(Bare):
    """Has an image of each point in a file, which costs nothing but bluesky's handling of the documents."""

    def stage(self):
        resource = {"spec": "AD_HDF5", "root": "/", "resource_path": "a.h5", "resource_kwargs": {"frame_per_point": 1}}
        self.uid, self.points = str(uuid.uuid4()), 0
        self.documents = [("resource", {**resource, "path_semantics": "posix", "uid": self.uid})]
        return super().stage()

    def read(self):
        datum = {"datum_id": f"{self.uid}/{self.points}", "datum_kwargs": {"point_number": self.points}}
        self.points += 1
        self.documents.append(("datum", {**datum, "resource": self.uid}))
        return {"image": {"value": datum["datum_id"], "timestamp": 1.0}}

    def describe(self):
        return {"image": {"source": "nowhere", "dtype": "array", "shape": [1, 48, 64], "external": "FILESTORE:"}}

    def collect_asset_docs(self):
        documents, self.documents = self.documents, []
        return documents


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


class Count:
    def __init__(self, device):
        self.engine, self.device = RunEngine({}, context_managers=[]), device()
        per_point(self.engine, self.device)  # which warms up

    def round(self):
        return per_point(self.engine, self.device)


class Sum(Count):
    """A point of the device, and libca's trigger."""

    def __init__(self, device):
        super().__init__(device)
        self.libca = program("libca", "count")
        side.need(self.libca.stdout.readline().strip() == "ready", "libca is not ready")

    def round(self):
        point = super().round()
        self.libca.stdin.write("go\n")
        return point + float(self.libca.stdout.readline().split()[0])


SIDES = {
    "ours": lambda: Count(detector),
    "empty": lambda: Sum(Empty),
    "bare": lambda: Count(Bare),
    "told": lambda: Count(Told),
}
side.run({"engine": (SIDES[sys.argv.pop(1)], lambda count: count.round())})
