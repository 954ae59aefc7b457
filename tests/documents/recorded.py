"""Runs of the C library, recorded as JSON lines, with the pixels that the simulator made: for the
replays. TAP, the simulator's side and the rules of documents are check.py's."""

import os
import shutil
import signal
import subprocess
import tempfile

import h5py
import numpy as np
from check import BUILD, COLS, ROWS, Simulator, runs_of, strict

POINTS = 3
# Frames of a point of each class of runs.c; of the detector det.
FRAMES = {"Swmr": 1, "Tiles": 4, "Deep": 2, "Cycle": 3, "Stores": 2, "Two": 1}


class Recorded:
    """what: for messages. images: key -> its pixels: points, frames, rows, columns."""

    def __init__(self, what, lines, images=None):
        self.what = what
        self.lines = lines
        self.documents = [tuple(strict(line)) for line in lines]
        (self.run,) = runs_of(lines)
        self.uid = self.documents[0][1]["uid"]
        self.images = images or {}

    def of(self, name):
        return [document for kind, document in self.documents if kind == name]

    def values(self, key, where="data"):
        return [event[where][key] for event in self.of("event")]

    def keys(self):
        return self.of("descriptor")[0]["data_keys"]


def path_of(recorded, key):
    """The file of an image."""
    if recorded.of("stream_resource"):
        (uri,) = [r["uri"] for r in recorded.of("stream_resource") if r["data_key"] == key]
        return uri.removeprefix("file://localhost")
    datum = recorded.run.by_uid[recorded.values(key)[0]][1]
    resource = recorded.run.by_uid[datum["resource"]][1]
    return os.path.join(resource["root"], resource["resource_path"])


def words_of(recorded, key):
    """A simdetector's pixels, as h5py finds them in the file."""
    with h5py.File(path_of(recorded, key)) as file:
        pixels = file["/entry/data/data"][...]
    assert pixels.dtype == np.uint16 and len({frame.tobytes() for frame in pixels}) == POINTS
    return pixels.reshape(-1, 1, ROWS, COLS)


class Recorder:
    """A Pilatus and a simdetector, which write into one folder."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="cophyd-replay-")
        self.pilatus = Simulator(self.root)
        self.words = Simulator(self.root, "--class", "simdetector")
        both = [sim.environment["EPICS_CA_NAME_SERVERS"] for sim in (self.pilatus, self.words)]
        self.environment = {**self.pilatus.environment, "EPICS_CA_NAME_SERVERS": " ".join(both)}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        codes = [self.pilatus.stop(), self.words.stop()]
        shutil.rmtree(self.root)
        assert codes == [0, 0], codes

    def next_pixels(self, points, frames):
        found = [self.pilatus.next_frames(frames) for _ in range(points)]
        return np.array(found, np.int32).reshape(points, frames, ROWS, COLS)

    def count(self, store, form, frames, points=POINTS, *motor):
        """A run of counts.c; with a motor a scan."""
        process = self.pilatus.count(store, form, frames, points, self.root, *motor)
        what = f"{store}, {form}, {points} points of {frames} frames {' '.join(motor)}"
        return self._done(process, what, {"det_image": self.next_pixels(points, frames)})

    def start(self, kind, form, points, *paced):
        arguments = [kind, form, str(points), "/data/runs/", f"{self.root}/runs/", *paced]
        return subprocess.Popen(
            [f"{BUILD}/tests/documents/runs", *arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def of(self, kind, form, points=POINTS):
        """A run of runs.c."""
        process = self.start(kind, form, points)
        images = {}
        if kind != "Words":
            images["det_image"] = self.next_pixels(points, FRAMES[kind])
        if kind == "Stores":
            images["det_tiff_image"] = images["det_image"]
        recorded = self._done(process, f"{kind}, {form}", images)
        name = {"Words": "det_image", "Two": "words_image"}.get(kind)
        if name:
            recorded.images[name] = words_of(recorded, name)
        return recorded

    def interrupted(self, form, events):
        """Ended by SIGINT when so many events have come."""
        process = self.start("Swmr", form, 1000000)
        lines = []
        while sum(line.startswith('["event"') for line in lines) < events:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        lines += process.stdout.readlines()  # communicate would forget what was read ahead
        error = process.stderr.read()
        assert process.wait(60) == 1 and "interrupted" in error, error
        recorded = Recorded(f"interrupted, {form}", lines)
        with h5py.File(path_of(recorded, "det_image")) as file:
            numbers = file["/entry/instrument/NDAttributes/NDArrayUniqueId"][...]
        self.pilatus.frames = int(numbers[0]) - 1
        recorded.images["det_image"] = self.next_pixels(len(recorded.of("event")), 1)
        self.pilatus.frames = int(numbers[-1])
        return recorded

    def _done(self, process, what, images):
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0 and not error, f"{what}: {error}"
        return Recorded(what, out.splitlines(), images)
