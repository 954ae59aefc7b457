#!/usr/bin/env -S python3 -B
"""cophyd doctor: the test image, and what is wrong while somebody acquires or was killed."""
import json
import os
import signal

from cli import Simulator
from doctor import Doctor
from harness import PREFIX, Command, done, has, ok, same, wait_until


def test_acquire(doctor, command, sim):
    command.put("hdf1.compression=LZ4")
    log = os.path.join(command.folder, "puts.log")
    doctor.results("--log", log)
    ok(not os.path.exists(log) or not [line for line in open(log) if " put " in line],
       "nothing is written without --acquire")
    found = doctor.results("--acquire")
    grades = doctor.grades(found)
    same([grades[name] for name in ("acquire", "frame", "restored", "clock")], ["ok"] * 4,
         "a test image")
    frame = next(one["found"] for one in found if one["check"] == "frame")
    has(frame, ["1 frame of 61 x 47 int32, filters: LZ4", sim.disk], "what it was")
    has(next(one["found"] for one in found if one["check"] == "restored"), ["are as before"],
        "and nothing is left")
    end = command.run("doctor", "--acquire", "--read-only", PREFIX)
    same((end.returncode, end.stdout), (2, ""), "--read-only forbids it")
    bare = Doctor(command, sim)
    bare.words = []
    command.put("hdf1.file_path=/data/")
    found = bare.results("--acquire", "--read-root", "/", code=1)
    same(found, [], "--read-root alone is refused")
    grades = bare.grades(bare.results("--acquire"))
    same((grades["acquire"], grades["frame"], grades["restored"]), ("ok", "failed", "ok"),
         "a file that this machine does not see")


def test_acquire_fails(doctor, command):
    command.fault("exposure_fails=1")
    grades = doctor.grades(doctor.results("--acquire"))
    same((grades["acquire"], grades.get("frame"), grades["restored"]), ("failed", None, "ok"),
         "no image; all is put back")
    command.fault("exposure_fails=0")
    roi = command.write("cut.class", "class Cut : SingleTrigger PilatusDetector\n"
                                     "dev roi1 ROI1: ROIPlugin\ndev hdf1 HDF1: HDF5Plugin "
                                     "FileStoreHDF5IterativeWrite\nstage roi1 size.x=10 "
                                     "roi_enable.x=1 array_callbacks=1\n"
                                     "stage hdf1 lazy_open=1 nd_array_port=ROI1\n")
    found = doctor.results("--acquire", "--class", roi)
    has(" ".join(one["found"] for one in found if one["check"] == "frame"),
        ["the file's frame is 10 x 47, the camera's 61 x 47"], "a frame of another shape")


def test_somebody_else(doctor, command, sim):
    """Who sets something while the test image is taken is told of."""
    started = command.start("doctor", "--json", PREFIX, *sim.folders, "--acquire", "--set",
                            "cam.acquire_time=5")
    wait_until(lambda: command.value("cam.acquire") == "Acquiring",
               "an acquisition")
    command.put("cam.beam_x=7")
    text, errors = started.communicate()
    found = [json.loads(line) for line in text.splitlines()]
    grades = doctor.grades(found)
    same((started.returncode, grades["acquire"], grades["restored"]), (1, "ok", "failed"), errors)
    has(" ".join(one["found"] for one in found if one["check"] == "restored"),
        ["cam.beam_x was 0 and is 7"], "it tells what")


def test_queues(doctor, command):
    """Twenty frames wait for a plugin that stands still; then no more fit."""
    command.put("hdf1.enable=1", "cam.array_callbacks=1", "cam.image_mode=Multiple",
                "cam.num_images=15")
    command.fault("plugin_stuck=HDF1")
    command.send("cam.acquire=1")
    queue = lambda: command.value("hdf1.queue_free")
    wait_until(lambda: queue() <= 6, "14 frames in the queue")
    doctor.ill("many frames wait", "queues", "warning", ["frames wait for det.hdf1"])
    command.send("cam.acquire=1")
    wait_until(lambda: queue() == 0, "a full queue")
    doctor.ill("the queue is full", "queues", "warning", ["QueueFree"])
    command.fault("plugin_stuck=")
    wait_until(lambda: queue() == 20, "an empty queue")
    command.put("hdf1.enable=0", "cam.image_mode=Single", "cam.num_images=1")


def test_journal(doctor, command, sim):
    client = command.start("count", "-n", "100000", PREFIX, *sim.folders)
    client.stdout.readline()
    wait_until(lambda: command.value("hdf1.capture") == "Capturing",
               "a client that has it staged")
    found = doctor.results()
    same(doctor.grades(found)["journal"], "warning", "another client has it staged")
    os.kill(client.pid, signal.SIGKILL)
    client.communicate()
    found = doctor.results()
    same(doctor.grades(found)["journal"], "failed", "a client was killed")
    has(next(one["advice"] for one in found if one["check"] == "journal"),
        ["cophyd recover " + PREFIX], "and what to do")
    wait_until(lambda: command.run("recover", PREFIX).returncode == 0, "it is recovered")
    same(doctor.grades(doctor.results())["journal"], "ok", "after cophyd recover")


def test_missing(command, sim):
    """Records that the IOC lacks: one that is needed, and two that are not."""
    doctor = Doctor(command, sim)
    command.miss("cam1:ADCoreVersion_RBV")
    wait_until(lambda: command.run("get", "--timeout", "1", PREFIX,
                                   "cam.ad_core_version").returncode == 3, "a record goes")
    found = doctor.results("--timeout", "2")
    same(doctor.grades(found)["version"], "warning", "no version")
    command.miss("HDF1:Capture")
    wait_until(lambda: command.run("get", "--timeout", "1", PREFIX,
                                   "hdf1.capture").returncode == 3, "a record goes")
    found = doctor.results("--timeout", "2")
    same(doctor.grades(found)["connection"], "failed", "a record that is needed")
    has(found[0]["found"], ["HDF1:Capture"], "and which")
    has(" ".join(one["found"] for one in found if one["check"] == "records"), ["HDF1:Capture"],
        "and it differs from the class")


with Simulator() as sim:
    command = Command(sim)
    doctor = Doctor(command, sim)
    test_acquire(doctor, command, sim)
    test_acquire_fails(doctor, command)
    test_somebody_else(doctor, command, sim)
    test_queues(doctor, command)
    test_journal(doctor, command, sim)
    test_missing(command, sim)
done()
