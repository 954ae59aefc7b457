"""wheel.py WRITE_ROOT READ_ROOT FORBIDDEN [h5py]: takes pictures with the installed package, one a codec;
compares each pixel with the simulator's formula, or with what h5py reads in the same process; and
looks where the libraries came from that did it."""

import sys
from pathlib import Path

import numpy as np

write_root, read_root, forbidden, *peers = sys.argv[1:]
if peers:
    import h5py  # before: with an HDF5 of its own

from cophyd import ADComponent as Cpt
from cophyd import (
    FileStoreHDF5IterativeWrite,
    Frames,
    HDF5Plugin,
    PilatusDetector,
    SingleTrigger,
)


class FilePlugin(HDF5Plugin, FileStoreHDF5IterativeWrite):
    pass


class Detector(SingleTrigger, PilatusDetector):
    hdf1 = Cpt(
        FilePlugin, "HDF1:", write_path_template=write_root, read_path_template=read_root
    )


def take_picture(det, compression):
    det.hdf1.stage_sigs["compression"] = compression
    det.stage()
    try:
        det.trigger().wait()
        number = det.cam.array_counter.get()
    finally:
        det.unstage()
    return det.hdf1.local_files[0], number


def check_pixels(file, number):
    y, x = np.mgrid[0:1024, 0:1024]
    with Frames(file) as frames:
        assert frames.shape == (1, 1024, 1024), frames.shape
        pixels = frames[0]
    assert (pixels == (7919 * number + 2500 * y + x) % 1048576).all(), f"pixels of {file}"
    return pixels


det = Detector("Pilatus:", name="det")
det.cam.stage_sigs.update(image_mode="Single", num_images=1, acquire_time=0.02, acquire_period=0.03)
det.hdf1.stage_sigs["lazy_open"] = 1
before = det.cam.acquire_time.get()
for compression in ["None", "zlib"] if peers else ["None", "zlib", "LZ4", "Blosc", "BSLZ4"]:
    file, number = take_picture(det, compression)
    pixels = check_pixels(file, number)
    print(f"{compression}: frame {number} in {Path(file).name}")
    if peers:
        with h5py.File(file) as h5:
            assert (h5["/entry/data/data"][0] == pixels).all(), f"h5py reads {file} otherwise"
assert det.cam.acquire_time.get() == before

loaded = sorted({Path(line.split()[-1]) for line in open("/proc/self/maps") if ".so" in line})
own = [file for file in loaded if sys.prefix in str(file)]
print(*own, sep="\n")
assert not [file for file in loaded if file.is_relative_to(forbidden)], "the build's libraries"
for name in ("libcophyd", "libca", "libCom", "libhdf5_serial-", "liblz4-", "libblosc-", "libdeflate-"):
    assert [file for file in own if file.name.startswith(name)], f"{name} is not the package's"
