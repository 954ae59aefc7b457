"""The same frames with h5py and hdf5plugin; and, as "make FOLDER", the files of the benches."""

import os
import struct
import subprocess
import sys

import h5py
import hdf5plugin
import numpy

import side

FRAMES, ROWS, COLS = 100, 1024, 1024
FILTERS = {
    "none": {},
    "lz4": hdf5plugin.LZ4(),
    "bslz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "blosc": hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=hdf5plugin.Blosc.SHUFFLE),
    "deflate": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
}
MANY, FEW = 50000, 5000
GROWING = (500, 1581, 5000, 15811, 50000)


def photons():
    """What a counting detector sees: few photons, some of many, hot and dead pixels."""
    rng = numpy.random.default_rng(1)
    frames = rng.poisson(0.6, (10, ROWS, COLS)).astype("i4")
    frames[:, 400:430, 500:530] += rng.poisson(2000, (10, 30, 30)).astype("i4")
    frames[:, ::211, ::101] = -1
    return frames


def write(path, shape, chunks, frame, options):
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        data = file.create_dataset("/entry/data/data", shape, frame(0).dtype, chunks=chunks, **options)
        for i in range(shape[0]):
            data[i] = frame(i)


def make(folder):
    frames = photons()
    for name, options in FILTERS.items():
        write(f"{folder}/{name}.h5", (FRAMES, ROWS, COLS), (1, ROWS, COLS),
              lambda i: numpy.roll(frames[i % 10], i, axis=0), options)
    write(f"{folder}/contiguous.h5", (FRAMES, ROWS, COLS), None, lambda i: frames[i % 10], {})
    small = numpy.arange(64, dtype="u2").reshape(8, 8)
    for name, count in ("many", MANY), ("few", FEW), *((f"grow_{n}", n) for n in GROWING):
        write(f"{folder}/{name}.h5", (count, 8, 8), (1, 8, 8), lambda i: small, FILTERS["lz4"])


def open_data(name):
    return h5py.File(f"{os.environ['FRAMES']}/{name}.h5", "r")["/entry/data/data"]


def frame_by_frame(data):
    frame = numpy.empty(data.shape[1:], data.dtype)
    started = side.now()
    for i in range(len(data)):
        data.read_direct(frame, numpy.s_[i])
    return side.now() - started


def stack(data):
    started = side.now()
    data[...]
    return side.now() - started


class Seen:
    """As seen.c, with its writer."""

    def __init__(self):
        path = f"{os.environ['FRAMES']}/seen_h5py.h5"
        self.writer = subprocess.Popen(
            [f"{os.environ['BUILD']}/tests/bench/seen", "write", path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.hear()
        self.data = h5py.File(path, "r", libver="latest", swmr=True)["/entry/data/data"]

    def hear(self):
        return struct.unpack("d", self.writer.stdout.read(8))[0]

    def round(self):
        total, known = 0, len(self.data)
        for _ in range(100):
            self.writer.stdin.write(b"w")
            written = self.hear()
            while len(self.data) == known:
                self.data.refresh()
            total += max(side.now() - written, 0)
            known = len(self.data)
        return total / 100


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    side.run({
        f"{kind}_{name}": (lambda name=name: open_data(name), one_round)
        for kind, one_round in (("frames", frame_by_frame), ("stack", stack))
        for name in (*FILTERS, "contiguous", "many", "few")
    } | {"frame_seen": (Seen, Seen.round)})
