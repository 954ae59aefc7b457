"""Frames in files."""

import gc
import os
import signal
import threading

import h5py
import hdf5plugin
import numpy as np
import pytest

import cophyd
from cophyd import Frames

PIXELS = np.arange(6 * 20 * 30, dtype="i4").reshape(6, 20, 30)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "frames.h5"
    with h5py.File(path, "w") as h5:
        h5.create_dataset("entry/data/data", data=PIXELS, chunks=(1, 20, 30), **hdf5plugin.LZ4())
        ids = np.array([1, 2, 3, 5, 6, 7], "i4")
        h5["entry/instrument/NDAttributes/NDArrayUniqueId"] = ids
        h5["entry/instrument/NDAttributes/NDArrayTimeStamp"] = ids + 0.5
        h5["entry/instrument/NDAttributes/Energy"] = ids * 10.0
    return path


def test_a_sequence_of_arrays(file):
    with Frames(file) as frames:
        assert (frames.shape, frames.dtype, len(frames)) == ((6, 20, 30), np.dtype("i4"), 6)
        assert frames.filters == "LZ4"
        assert np.array_equal(frames[0], PIXELS[0]) and np.array_equal(frames[-1], PIXELS[-1])
        assert np.array_equal(frames[2:5], PIXELS[2:5]) and frames[5:2].shape == (0, 20, 30)
        assert np.array_equal(frames.read(), PIXELS)
        with pytest.raises(IndexError):
            frames[6]
        with pytest.raises(ValueError, match="in a row"):
            frames[::2]


def test_one_after_the_other(file):
    with Frames(file) as frames:
        kept = list(frames)
    gc.collect()
    assert np.array_equal(np.array(kept), PIXELS)


def test_parts_and_arrays_of_ones_own(file):
    frames = Frames(file)
    frames.set_threads(2)
    part = frames.read(1, 2, start=(5, 10), size=(10, 15))
    assert np.array_equal(part, PIXELS[1:3, 5:15, 10:25])
    own = np.empty((6, 20, 30), "i4")
    assert frames.read(out=own) is own and np.array_equal(own, PIXELS)
    for wrong in (np.empty((5, 20, 30), "i4"), np.empty((6, 20, 30), "f4"), own.T):
        with pytest.raises(ValueError, match="wanted an array"):
            frames.read(out=wrong)


def test_a_large_read_outlives_the_file(tmp_path):
    """It lies in memory of the library's."""
    pixels = np.random.default_rng(1).integers(0, 1000, (3, 1024, 1024), "i4")
    with h5py.File(tmp_path / "large.h5", "w") as h5:
        h5["entry/data/data"] = pixels
    frames = Frames(tmp_path / "large.h5")
    view = frames[:][1, 100:200]
    frames.close()
    del frames
    gc.collect()
    assert np.array_equal(view, pixels[1, 100:200])


def test_what_the_ioc_noted(file):
    frames = Frames(file)
    stamps = frames.stamps(1, 3)
    assert stamps["unique_id"].tolist() == [2, 3, 5]
    assert stamps["timestamp"].tolist() == [2.5, 3.5, 5.5] and (stamps["time_ns"] == -1).all()
    assert frames.attribute("Energy").tolist() == [10, 20, 30, 50, 60, 70]
    with pytest.raises(cophyd.CophydError, match="Nothing"):
        frames.attribute("Nothing")
    (gap,) = frames.check(pixels=True)
    assert "5" in str(gap)
    assert frames.follow(0) == (6, True)


def test_files_that_cannot_be_read(file, tmp_path):
    with pytest.raises(cophyd.CophydError, match=r"absent\.h5") as caught:
        Frames(tmp_path / "absent.h5", timeout=0)
    assert caught.value.name == "OPH_EFILE"
    with pytest.raises(cophyd.CophydError):
        Frames(file, "entry/no/data", timeout=0)
    with pytest.raises(cophyd.CophydError):
        Frames(file, count=7, timeout=0)
    frames = Frames(file, "/entry/data/data", count=6)
    frames.close()
    frames.close()
    with pytest.raises(ValueError, match="was closed"):
        frames.read()


def test_a_file_from_strangers(file):
    """It is read by a process of its own, whose end is an error and not ours."""
    before = children()
    with Frames(file, isolated=True, count=6) as frames, Frames(file) as plain:
        assert np.array_equal(frames[1:3], plain[1:3])
        (reader,) = children() - before
        os.kill(reader, signal.SIGKILL)
        with pytest.raises(cophyd.CophydError) as caught:
            frames.read()
        assert caught.value.name == "OPH_EFILE"
        assert len(plain.read()) == 6


def children():
    """Processes that this thread has started."""
    with open(f"/proc/self/task/{threading.get_native_id()}/children") as file:
        return {int(pid) for pid in file.read().split()}


@pytest.mark.parametrize("part", [{"start": (0, 0, 0)}, {"size": (1, 2, 3)}, {"start": (3,)}])
def test_a_part_has_a_number_for_each_axis_of_a_frame(file, part):
    """Else the library takes what is in memory beside them, or leaves pixels unread."""
    with Frames(file) as frames, pytest.raises(ValueError, match="wanted 2 numbers each"):
        frames.read(0, 1, **part)
