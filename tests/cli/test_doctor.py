#!/usr/bin/env python3
"""cophyd doctor: each check passes, then something is wrong, and it alone says so; then it passes
again."""
import json
import os
import signal

from harness import COPHYD, Command, Sim, Terminal, done, has, ok, same, wait_until

CHECKS = ["connection", "version", "server", "records", "plugins", "chain", "callbacks", "blocking",
          "queues", "camera-files", "folder", "here", "priming", "filters", "setpoints", "clock",
          "journal"]
RANK = ["ok", "warning", "failed"]

# A boot of the simulator: what a Pilatus's driver does not know before it is told.
AS_BOOTED = {"records": "warning", "setpoints": "warning"}


class Doctor:
    def __init__(self, command, sim, *words):
        self.command, self.sim, self.words = command, sim, [*sim.roots, *words]

    def results(self, *words, code=None):
        """The exit code, and what was found, in order."""
        end = self.command.run("doctor", "--json", self.sim.prefix, *self.words, *words)
        found = [json.loads(line) for line in end.stdout.splitlines()]
        failed = any(one["grade"] == "failed" for one in found)
        if code is None:
            ok(end.returncode == failed, "exit code %d" % failed, end.stderr)
        return found

    def grades(self, found):
        """The worst of each check."""
        worst = {}
        for one in found:
            worst[one["check"]] = max(worst.get(one["check"], "ok"), one["grade"], key=RANK.index)
        return worst

    def well(self, name, **but):
        found = self.results()
        return same(self.grades(found), {**dict.fromkeys(CHECKS, "ok"), **AS_BOOTED, **but}, name)

    def ill(self, name, check, grade, words, *options, **but):
        """This check finds that, with these words and an advice, and no other finds anything."""
        found = self.results(*options)
        same(self.grades(found), {**dict.fromkeys(CHECKS, "ok"), **AS_BOOTED, check: grade, **but},
             name)
        told = [one for one in found if one["check"] == check and one["grade"] == grade]
        text = "\n".join("%s %s" % (one["found"], one["advice"]) for one in told)
        has(text, words, "%s: %s" % (check, ", ".join(words)))
        if check not in AS_BOOTED:
            ok(all(one["advice"] for one in told), "and what to do", text)


def test_well(doctor):
    found = doctor.results()
    names = [one["check"] for one in found]
    same(list(dict.fromkeys(names)), CHECKS, "all checks, in their order")
    doctor.well("a detector as it was booted")
    texts = {one["check"]: one["found"] for one in found}
    has(texts["version"], ["ADCore 3.14", "Pilatus"], "the version")
    has(texts["server"], [doctor.sim.address.split(":")[1]], "the server")
    has(texts["plugins"], ["TIFF1:", "Stats1:"], "what the IOC has besides")
    has(texts["here"], [doctor.sim.data], "the folder here")


def test_chain(doctor, command, prefix):
    command.put(prefix, "hdf1.nd_array_port=NOPE")
    doctor.ill("no way to the file", "chain", "failed", ["NOPE", "NDArrayPort"],
               plugins="warning")
    command.put(prefix, "hdf1.nd_array_port=PIL")
    doctor.ill("a writer that is not enabled", "callbacks", "failed", ["Enable", "enable=1"],
               "--set", "hdf1.enable=0")
    doctor.ill("an image plugin that is not", "callbacks", "warning", ["image", "EnableCallbacks"],
               "--set", "image.enable=0")
    command.put(prefix, "hdf1.min_callback_time=0.5")
    doctor.ill("a writer that skips frames", "callbacks", "failed", ["MinCallbackTime"])
    command.put(prefix, "hdf1.min_callback_time=0")
    doctor.ill("a plugin that the driver waits for", "blocking", "warning", ["BlockingCallbacks"],
               "--set", "hdf1.blocking_callbacks=Yes")


def test_plugins(doctor, command, prefix):
    none = command.write("none.class", "class WithNone : CophydPilatus\n"
                                       "dev stats9 Stats9: StatsPlugin\n")
    del none
    text = ("class WithNone : SingleTrigger PilatusDetector\ndev hdf1 HDF1: HDF5Plugin "
            "FileStoreHDF5IterativeWrite\nstage hdf1 lazy_open=1\n%s\n")
    path = command.write("none.class", text % "dev stats9 Stats9: StatsPlugin")
    found = doctor.results("--class", path)
    text_of = {one["check"]: one["found"] for one in found if one["grade"] == "failed"}
    ok("plugins" in text_of or "connection" in text_of, "a plugin that the IOC lacks", text_of)
    has(" ".join(text_of.values()), ["Stats9:"], "and which")
    path = command.write("wrong.class", text % "dev stats1 ROI1: StatsPlugin")
    found = doctor.results("--class", path)
    has(" ".join(one["found"] for one in found if one["check"] == "plugins" and
                 one["grade"] != "ok"), ["NDPluginStats", "NDPluginROI"], "one of another type")


def test_queues(doctor, command, sim):
    """Twenty frames wait for a plugin that stands still; then no more fit."""
    command.put(sim.prefix, "hdf1.enable=1", "cam.array_callbacks=1", "cam.image_mode=Multiple",
                "cam.num_images=15")
    command.fault(sim.prefix, "plugin_stuck=HDF1")
    command.run("put", "--send", sim.prefix, "cam.acquire=1")
    queue = lambda: command.lines("get", "--json", sim.prefix, "hdf1.queue_free")[0]["value"]
    wait_until(lambda: queue() <= 5, "15 frames in the queue")
    doctor.ill("many frames wait", "queues", "warning", ["frames wait for det.hdf1"])
    command.run("put", "--send", sim.prefix, "cam.acquire=1")
    wait_until(lambda: queue() == 0, "a full queue")
    doctor.ill("the queue is full", "queues", "warning", ["QueueFree"])
    command.fault(sim.prefix, "plugin_stuck=")
    wait_until(lambda: queue() == 20, "an empty queue")
    command.put(sim.prefix, "hdf1.enable=0", "cam.image_mode=Single", "cam.num_images=1")


def test_files(doctor, command, sim):
    prefix = sim.prefix
    raw = command.lines("get", "--json", prefix, "cam.file_path")[0]["value"]
    command.put(prefix, "cam.file_path=/nowhere/")
    doctor.ill("the camera's folder is not there", "folder", "failed", ["/nowhere"])
    command.put(prefix, "cam.file_path=" + raw, "cam.file_template=")
    doctor.ill("the camera has no names", "camera-files", "failed", ["FileTemplate"])
    command.put(prefix, "cam.file_template=%s%s_%4.4d.tif")
    doctor.ill("the folder is not mounted here", "here", "failed",
               ["does not see /nowhere", "--read-root"], "--read-root", "/nowhere")
    bare = Doctor(command, sim)
    bare.words = []
    bare.ill("no folder anywhere", "folder", "warning", ["--write-root"])
    command.put(prefix, "hdf1.file_path=/nowhere/")
    bare.ill("only one that the IOC lacks", "folder", "failed", ["/nowhere"], here="failed")
    command.put(prefix, "hdf1.file_path=/data/")
    bare.ill("only one that this machine lacks", "here", "failed", ["does not see /data"])
    doctor.ill("a plugin that has seen no frame, and no LazyOpen", "priming", "failed",
               ["lazy_open=1"], "--set", "hdf1.lazy_open=0")
    command.put(prefix, "hdf1.compression=JPEG")
    doctor.ill("files that nobody here can read", "filters", "failed", ["JPEG", "hdf5plugin"])
    doctor.ill("the same by the settings", "filters", "failed", ["JPEG"], "--set",
               "hdf1.compression=JPEG")
    command.put(prefix, "hdf1.compression=LZ4")
    doctor.well("as before")


def test_ioc(doctor, command, sim):
    prefix = sim.prefix
    command.fault(prefix, "readback_stays=cam1:DelayTime")
    command.run("put", "--send", prefix, "cam.delay_time=3")
    found = doctor.results()
    has("\n".join(one["found"] for one in found if one["check"] == "setpoints"),
        ["cam.delay_time is set to 3 and reads back 0"], "a setpoint that did not take effect")
    command.fault(prefix, "readback_stays=")
    command.put(prefix, "cam.delay_time=0")
    text = " ".join(one["found"] for one in doctor.results())
    ok("delay_time" not in text, "and one that did", text)
    for offset, word in (("100", "ahead"), ("-100", "behind")):
        command.fault(prefix, "clock_offset=" + offset)
        doctor.ill("a clock that is wrong", "clock", "failed", [word, "NTP"])
    command.fault(prefix, "clock_offset=0")
    doctor.well("as before, again")


def test_missing(command, sim):
    """Records that the IOC lacks: one that is needed, and two that are not."""
    doctor = Doctor(command, sim)
    command.run("put", "--send", "--class", command.faults + ":FaultyPilatus", sim.prefix,
                "sim.missing=cam1:ADCoreVersion_RBV")
    wait_until(lambda: command.run("get", "--timeout", "1", sim.prefix,
                                   "cam.ad_core_version").returncode == 3, "a record goes")
    found = doctor.results("--timeout", "2")
    same(doctor.grades(found)["version"], "warning", "no version")
    command.run("put", "--send", "--class", command.faults + ":FaultyPilatus", sim.prefix,
                "sim.missing=HDF1:Capture")
    wait_until(lambda: command.run("get", "--timeout", "1", sim.prefix,
                                   "hdf1.capture").returncode == 3, "a record goes")
    found = doctor.results("--timeout", "2")
    same(doctor.grades(found)["connection"], "failed", "a record that is needed")
    has(found[0]["found"], ["HDF1:Capture"], "and which")
    has(" ".join(one["found"] for one in found if one["check"] == "records"), ["HDF1:Capture"],
        "and it differs from the class")


def test_journal(doctor, command, sim):
    client = command.start("count", "-n", "100000", sim.prefix, *sim.roots)
    client.stdout.readline()
    wait_until(lambda: command.lines("get", "--json", sim.prefix, "hdf1.capture")[0]["index"] == 1,
               "a client that has it staged")
    found = doctor.results()
    same(doctor.grades(found)["journal"], "warning", "another client has it staged")
    os.kill(client.pid, signal.SIGKILL)
    client.communicate()
    found = doctor.results()
    same(doctor.grades(found)["journal"], "failed", "a client was killed")
    has(next(one["advice"] for one in found if one["check"] == "journal"),
        ["cophyd recover " + sim.prefix], "and what to do")
    wait_until(lambda: command.run("recover", sim.prefix).returncode == 0, "it is recovered")
    same(doctor.grades(doctor.results())["journal"], "ok", "after cophyd recover")


def test_acquire(doctor, command, sim):
    log = os.path.join(command.folder, "puts.log")
    doctor.results("--log", log)
    ok(not os.path.exists(log) or not [line for line in open(log) if " put " in line],
       "nothing is written without --acquire")
    found = doctor.results("--acquire")
    grades = doctor.grades(found)
    same([grades[name] for name in ("acquire", "frame", "restored", "clock")], ["ok"] * 4,
         "a test image")
    frame = next(one["found"] for one in found if one["check"] == "frame")
    has(frame, ["1 frame of 48 x 20 int32, filters: LZ4", sim.data], "what it was")
    has(next(one["found"] for one in found if one["check"] == "restored"), ["are as before"],
        "and nothing is left")
    end = command.run("doctor", "--acquire", "--read-only", sim.prefix)
    same((end.returncode, end.stdout), (2, ""), "--read-only forbids it")
    bare = Doctor(command, sim)
    bare.words = []
    command.put(sim.prefix, "hdf1.file_path=/data/")
    found = bare.results("--acquire", "--read-root", "/", code=1)
    same(found, [], "--read-root alone is refused")
    grades = bare.grades(bare.results("--acquire"))
    same((grades["acquire"], grades["frame"], grades["restored"]), ("ok", "failed", "ok"),
         "a file that this machine does not see")


def test_acquire_fails(doctor, command, sim):
    command.fault(sim.prefix, "exposure_fails=1")
    grades = doctor.grades(doctor.results("--acquire"))
    same((grades["acquire"], grades.get("frame"), grades["restored"]), ("failed", None, "ok"),
         "no image; all is put back")
    command.fault(sim.prefix, "exposure_fails=0")
    roi = command.write("cut.class", "class Cut : SingleTrigger PilatusDetector\n"
                                     "dev roi1 ROI1: ROIPlugin\ndev hdf1 HDF1: HDF5Plugin "
                                     "FileStoreHDF5IterativeWrite\nstage roi1 size.x=10 "
                                     "roi_enable.x=1 array_callbacks=1\n"
                                     "stage hdf1 lazy_open=1 nd_array_port=ROI1\n")
    found = doctor.results("--acquire", "--class", roi)
    has(" ".join(one["found"] for one in found if one["check"] == "frame"),
        ["the file's frame is 10 x 20, the camera's 48 x 20"], "a frame of another shape")


def test_somebody_else(doctor, command, sim):
    """Who sets something while the test image is taken is told of."""
    started = command.start("doctor", "--json", sim.prefix, *sim.roots, "--acquire", "--set",
                            "cam.acquire_time=2")
    wait_until(lambda: command.lines("get", "--json", sim.prefix, "cam.acquire")[0]["index"] == 1,
               "an acquisition")
    command.put(sim.prefix, "cam.beam_x=7")
    text, errors = started.communicate()
    found = [json.loads(line) for line in text.splitlines()]
    grades = doctor.grades(found)
    same((started.returncode, grades["acquire"], grades["restored"]), (1, "ok", "failed"), errors)
    has(" ".join(one["found"] for one in found if one["check"] == "restored"),
        ["cam.beam_x was 0 and is 7"], "it tells what")


def test_servers(command):
    """One detector of two IOCs."""
    sims = [Sim(prefix="P" + name) for name in ("A:", "B:")]
    both = Command(*sims)
    path = both.write("two.class", "class Two : SingleTrigger DetectorBase\n"
                                   "dev cam A:cam1: PilatusDetectorCam\n"
                                   "dev image B:image1: ImagePlugin\n")
    end = both.run("doctor", "--json", "--class", path, "P")
    found = [json.loads(line) for line in end.stdout.splitlines()]
    server = next(one for one in found if one["check"] == "server")
    same(server["grade"], "warning", "two servers")
    has(server["found"], [sim.address.split(":")[1] for sim in sims], "and which")
    for sim in sims:
        sim.stop()


def test_alone(command):
    end = command.run("doctor", "--timeout", "0.5", "Nobody:")
    same(end.returncode, 3, "nobody answers")
    has(end.stdout, ["failed   connection    nothing with the prefix Nobody: answers",
                     "EPICS_CA_ADDR_LIST"], "and what to do")


def test_terminal(command, sim):
    terminal = Terminal(command, 80, 50)
    code = terminal.run("clear; %s doctor %s %s" % (COPHYD, sim.prefix, " ".join(sim.roots)))
    text = terminal.text()
    same(code, 0, "in a terminal")
    lines = [line for line in text if line.startswith(("ok ", "warning ", "failed "))]
    ok(all(len(line) <= 80 for line in text) and len(lines) >= len(CHECKS), "a line a check",
       "\n".join(text))
    colors = {line.split()[0]: terminal.cells()[text.index(line)][0][3] for line in lines}
    same(colors, {"ok": 32, "warning": 33}, "in colours")
    has("\n".join(text), ["0 failed, ", " warnings"], "and a sum")
    terminal.close()


sim = Sim("--exposure", "0.01")
command = Command(sim)
doctor = Doctor(command, sim)
test_well(doctor)
test_chain(doctor, command, sim.prefix)
test_plugins(doctor, command, sim.prefix)
test_files(doctor, command, sim)
test_ioc(doctor, command, sim)
test_alone(command)
test_servers(command)
test_terminal(command, sim)
test_acquire(doctor, command, sim)
test_acquire_fails(doctor, command, sim)
test_queues(doctor, command, sim)
test_journal(doctor, command, sim)
test_missing(command, sim)
sim.stop()
slow = Sim(instant=False)
command = Command(slow)
test_somebody_else(Doctor(command, slow), command, slow)
slow.stop()
done()
