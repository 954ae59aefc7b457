"""Files of the simulator, read by the programs that users read theirs with: h5py with hdf5plugin,
and tifffile. Every pixel of every compression, type and write mode. In TAP."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

import epics
import h5py
import hdf5plugin
import numpy as np
import tifffile

COLS, ROWS, FRAMES = 61, 47, 3
TYPES = ["Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float32", "Float64"]
FILTERS = {
    "None": None,
    "N-bit": 5,
    "szip": 4,
    "zlib": 1,
    "Blosc": hdf5plugin.BLOSC_ID,
    "BSLZ4": hdf5plugin.BSHUF_ID,
    "LZ4": hdf5plugin.LZ4_ID,
}


class Tap:
    count = failed = 0

    def ok(self, good, what):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}", flush=True)


class Simulator:
    def __init__(self, folder):
        self.folder = folder
        program = os.environ["COPHYD_SIM"]
        arguments = ["--port", "auto", "--size", f"{COLS}x{ROWS}", "--instant", "--raw", folder]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().rsplit(":", 1)[1].strip()
        os.environ["EPICS_CA_NAME_SERVERS"] = f"127.0.0.1:{port}"
        os.environ["EPICS_CA_ADDR_LIST"] = ""
        os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
        self.last = 0  # the latest frame
        self.pvs = {}

    def pv(self, name):
        if name not in self.pvs:
            self.pvs[name] = epics.PV("Pilatus:" + name, auto_monitor=False)
            assert self.pvs[name].wait_for_connection(timeout=10), name
        return self.pvs[name]

    def put(self, **settings):
        for name, value in settings.items():
            name = name.replace("_", ":")
            done = self.pv(name).put(value, wait=True, timeout=20)
            assert done is not None and done >= 0, name

    def start(self, name):
        self.pv(name).put(1)

    def get(self, name, as_string=False):
        return self.pv(name).get(as_string=as_string, timeout=10, use_monitor=False)

    def until(self, name, wanted):
        deadline = time.monotonic() + 20
        while self.get(name) != wanted:
            assert time.monotonic() < deadline, f"{name} is {self.get(name)}, wanted {wanted}"
            time.sleep(0.01)

    def acquire(self, frames):
        self.put(cam1_NumImages=frames, cam1_Acquire=1)
        self.last += frames

    def frames(self, count):
        """The latest frames, as --help tells them."""
        ids = np.arange(self.last - count + 1, self.last + 1)[:, None, None]
        y, x = np.arange(ROWS)[:, None], np.arange(COLS)
        return (7919 * ids + 2500 * y + x) % 1048576

    def stop(self):
        self.process.terminate()
        return self.process.wait(10)


def set_up(sim):
    sim.put(cam1_AcquireTime=0.001, cam1_AcquirePeriod=0.002, cam1_WaitForPlugins=1)
    for plugin in ("HDF1", "TIFF1", "ROI1"):
        sim.put(**{f"{plugin}_EnableCallbacks": 1})
    for plugin, end in (("HDF1", "h5"), ("TIFF1", "tif")):
        sim.put(
            **{
                f"{plugin}_FilePath": sim.folder,
                f"{plugin}_FileName": plugin,
                f"{plugin}_FileTemplate": f"%s%s_%4.4d.{end}",
                f"{plugin}_AutoIncrement": 1,
                f"{plugin}_AutoSave": 1,
                f"{plugin}_NumCapture": FRAMES,
                f"{plugin}_LazyOpen": 1,
            }
        )


def capture(sim, plugin, mode):
    """Returns the number of the first file."""
    number = sim.get(f"{plugin}:FileNumber_RBV")
    sim.put(**{f"{plugin}_FileWriteMode": mode})
    sim.start(f"{plugin}:Capture")
    sim.until(f"{plugin}:Capture_RBV", 1)
    sim.acquire(FRAMES)
    sim.until(f"{plugin}:Capture_RBV", 0)
    sim.until(f"{plugin}:WriteFile_RBV", 0)
    return number


def same(found, wanted):
    """As the file's type has the number."""
    return found.shape == wanted.shape and np.array_equal(found, wanted.astype(found.dtype))


def hdf5(tap, sim, what, mode, wanted=None):
    number = capture(sim, "HDF1", mode)
    with h5py.File(f"{sim.folder}/HDF1_{number:04}.h5") as file:
        data = file["/entry/data/data"]
        ids = file["/entry/instrument/NDAttributes/NDArrayUniqueId"][...]
        frames = sim.frames(FRAMES) if wanted is None else wanted(sim.frames(FRAMES))
        last = list(range(sim.last - FRAMES + 1, sim.last + 1))
        tap.ok(same(data[...], frames), f"{what}, {mode}: every pixel")
        tap.ok(list(ids) == last, f"{what}, {mode}: unique ids")
        return list(data._filters)


def compressions(tap, sim):
    sim.put(HDF1_NumDataBits=21)
    for label, number in FILTERS.items():
        sim.put(HDF1_Compression=label)
        if sim.get("HDF1:Compression_RBV", as_string=True) != label:
            tap.ok(label == "Blosc", f"{label} is not built")
            continue
        for mode in ("Stream", "Capture"):
            filters = hdf5(tap, sim, label, mode)
            names = {1: "gzip", 4: "szip"}
            wanted = [] if number is None else [names.get(number, str(number))]
            tap.ok(filters == wanted, f"{label}: {filters}")
        for name in ["BloscLZ", "LZ4", "LZ4HC", "ZLIB", "ZSTD"] if label == "Blosc" else []:
            for shuffle in ("None", "Byte", "Bit"):
                sim.put(HDF1_BloscCompressor=name, HDF1_BloscShuffle=shuffle)
                hdf5(tap, sim, f"Blosc {name} {shuffle}", "Stream")
        single(tap, sim, label)


def single(tap, sim, label):
    number = sim.get("HDF1:FileNumber_RBV")
    sim.put(HDF1_FileWriteMode="Single")
    sim.acquire(1)
    sim.until("HDF1:WriteFile_RBV", 0)
    with h5py.File(f"{sim.folder}/HDF1_{number:04}.h5") as file:
        tap.ok(same(file["/entry/data/data"][...], sim.frames(1)[0]), f"{label}, Single: every pixel")


def shapes(tap, sim):
    sim.put(HDF1_Compression="BSLZ4", HDF1_NumFramesChunks=2, HDF1_ChunkSizeAuto=0)
    sim.put(HDF1_NumRowChunks=10, HDF1_NumColChunks=9)
    hdf5(tap, sim, "BSLZ4 in tiles", "Stream")
    sim.put(HDF1_Compression="LZ4")
    hdf5(tap, sim, "LZ4 in tiles", "Stream")
    sim.put(HDF1_NumFramesChunks=1, HDF1_ChunkSizeAuto=1)
    sim.put(HDF1_NumExtraDims=1, HDF1_ExtraDimSizeN=1, HDF1_ExtraDimSizeX=3)
    hdf5(tap, sim, "an extra dimension", "Stream", lambda frames: frames[:, None])
    sim.put(HDF1_NumExtraDims=0)


def types(tap, sim):
    sim.put(HDF1_NDArrayPort="ROI1", TIFF1_NDArrayPort="ROI1")
    for label in TYPES:
        kind = label.lower()
        sim.put(ROI1_DataTypeOut=label)
        for compression in ("None", "zlib", "LZ4", "BSLZ4"):
            sim.put(HDF1_Compression=compression)
            hdf5(tap, sim, f"{label}, {compression}", "Stream", lambda f: f.astype(kind))
        tiff(tap, sim, label, "Capture", kind)
    sim.put(ROI1_DataTypeOut="Automatic")


def tiff(tap, sim, what, mode, kind="int32"):
    first = capture(sim, "TIFF1", mode)
    wanted = sim.frames(FRAMES).astype(kind)
    for i in range(FRAMES):
        found = tifffile.imread(f"{sim.folder}/TIFF1_{first + i:04}.tif")
        tap.ok(found.dtype == kind and same(found, wanted[i]), f"TIFF {what}, {mode}: frame {i}")


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="cophyd-files-") + "/"
    sim = Simulator(folder)
    try:
        set_up(sim)
        compressions(tap, sim)
        shapes(tap, sim)
        tiff(tap, sim, "Int32", "Stream")
        types(tap, sim)
    finally:
        tap.ok(sim.stop() == 0, "the simulator ends")
        shutil.rmtree(folder)
    print(f"1..{tap.count}")
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
