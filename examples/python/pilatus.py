"""Take one image with a Pilatus, find the HDF5 file that the IOC wrote, and read it back.

    pilatus.py [PREFIX [WRITE_ROOT [READ_ROOT]]]

WRITE_ROOT is the data disk as the IOC names it, READ_ROOT the same disk as this machine does."""

import os
import signal
import sys

from cophyd import (
    Component,
    CophydError,
    DetectorBase,
    EpicsSignal,
    FileStoreHDF5IterativeWrite,
    Frames,
    HDF5Plugin_V34,
    ImagePlugin,
    PilatusDetectorCam,
    SingleTrigger,
)


class MyPilatusDetectorCam(PilatusDetectorCam):
    """Pilatus camera, with the PV that makes it wait for its plugins."""

    wait_for_plugins = Component(EpicsSignal, "WaitForPlugins", kind="config")


class MyHDF5Plugin(FileStoreHDF5IterativeWrite, HDF5Plugin_V34):
    """HDF5 plugin whose files the library names."""


class MyPilatusDetector(SingleTrigger, DetectorBase):
    """Pilatus detector."""

    cam = Component(MyPilatusDetectorCam, "cam1:")
    image = Component(ImagePlugin, "image1:")
    hdf1 = Component(MyHDF5Plugin, "HDF1:")


def make_detector(
    prefix="Pilatus:",
    write_root="/mnt/fileserver/data",
    read_root="/export/raid5/fileshare/data",
):
    det = MyPilatusDetector(prefix, name="det")
    folder = "test/pilatus/%Y/%m/%d/"  # a folder a day, below each root
    det.hdf1.set_path_templates(f"{write_root}/{folder}", f"{read_root}/{folder}")
    det.cam.stage_sigs["image_mode"] = "Single"
    det.cam.stage_sigs["num_images"] = 1
    det.cam.stage_sigs["acquire_time"] = 0.1
    det.cam.stage_sigs["acquire_period"] = 0.105
    det.cam.stage_sigs["wait_for_plugins"] = "Yes"
    det.hdf1.stage_sigs["lazy_open"] = 1
    det.hdf1.stage_sigs["compression"] = "LZ4"
    det.hdf1.stage_sigs["file_template"] = "%s%s_%3.3d.h5"
    det.hdf1.stage_sigs.move_to_end("capture")  # capture must always be last
    det.wait_for_connection()
    det.hdf1.create_directory.put(-5)
    return det


def take_image(det):
    det.stage()
    try:
        status = det.trigger()
        print(status)
        status.wait()
        print(status)
    finally:
        det.unstage()


def show_file(det):
    print("IOC file:", det.hdf1.full_file_name.get())
    (file,) = det.hdf1.local_files
    print("local file:", file)
    print("exists:", os.path.exists(file))
    with Frames(file) as frames:
        print("shape:", frames.shape)
        print("dtype:", frames.dtype)
        print("sum:", frames.read().sum())


def main(*arguments):
    sys.stdout.reconfigure(line_buffering=True)
    # Also where the shell has it ignored, as of programs in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        det = make_detector(*arguments)
        take_image(det)
        show_file(det)
    except CophydError as error:
        sys.exit(f"cophyd: {error}")
    except KeyboardInterrupt:
        sys.exit("cophyd: interrupted")


if __name__ == "__main__":
    main(*sys.argv[1:])
