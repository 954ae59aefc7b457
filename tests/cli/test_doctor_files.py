#!/usr/bin/env -S python3 -B
"""cophyd doctor: folders, names, a plugin that knows the frames, and filters."""

from cli import Simulator
from doctor import Doctor, own
from harness import Command, done


def test_files(doctor, command, sim):
    raw = command.value("cam.file_path")
    command.put("cam.file_path=/nowhere/")
    doctor.ill("the camera's folder is not there", "folder", "failed", ["/nowhere"])
    command.put("cam.file_path=" + raw, "cam.file_template=")
    doctor.ill("the camera has no names", "camera-files", "failed", ["FileTemplate"])
    command.put("cam.file_template=%s%s_%4.4d.tif")
    doctor.ill("the folder is not mounted here", "here", "failed",
               ["does not see /nowhere", "--read-root"], "--read-root", "/nowhere")
    bare = Doctor(command, sim)
    bare.words = []
    bare.ill("no folder anywhere", "folder", "warning", ["--write-root"])
    command.put("hdf1.file_path=/nowhere/")
    bare.ill("only one that the IOC lacks", "folder", "failed", ["/nowhere"], here="failed")
    command.put("hdf1.file_path=/data/")
    bare.ill("only one that this machine lacks", "here", "failed", ["does not see /data"])
    doctor.ill("a plugin that has seen no frame, and no LazyOpen", "priming", "failed",
               ["lazy_open=1"], *own(command, "stage hdf1 lazy_open=0"))
    doctor.ill("files that nobody here can read", "filters", "failed", ["JPEG", "HDF5_PLUGIN_PATH"],
               *own(command, "stage hdf1 compression=JPEG"))
    command.put("hdf1.compression=LZ4")
    doctor.well("as before")


with Simulator() as sim:
    command = Command(sim)
    test_files(Doctor(command, sim), command, sim)
done()
