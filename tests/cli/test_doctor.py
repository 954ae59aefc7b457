#!/usr/bin/env python3
"""cophyd doctor: each check passes, then something is wrong, and it alone says so; then it passes
again."""
import json

from doctor import CHECKS, Doctor, own
from harness import COPHYD, Command, Sim, Terminal, done, has, ok, same


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
               *own(command, "stage hdf1 enable=0"))
    doctor.ill("an image plugin that is not", "callbacks", "warning", ["image", "EnableCallbacks"],
               *own(command, "stage image enable=0"))
    command.put(prefix, "hdf1.min_callback_time=0.5")
    doctor.ill("a writer that skips frames", "callbacks", "failed", ["MinCallbackTime"])
    command.put(prefix, "hdf1.min_callback_time=0")
    doctor.ill("a plugin that the driver waits for", "blocking", "warning", ["BlockingCallbacks"],
               *own(command, "stage hdf1 blocking_callbacks=Yes"))


def test_plugins(doctor, command, prefix):
    found = doctor.results(*own(command, "dev stats9 Stats9: StatsPlugin"))
    text_of = {one["check"]: one["found"] for one in found if one["grade"] == "failed"}
    ok("plugins" in text_of or "connection" in text_of, "a plugin that the IOC lacks", text_of)
    has(" ".join(text_of.values()), ["Stats9:"], "and which")
    found = doctor.results(*own(command, "dev stats1 ROI1: StatsPlugin"))
    has(" ".join(one["found"] for one in found if one["check"] == "plugins" and
                 one["grade"] != "ok"), ["NDPluginStats", "NDPluginROI"], "one of another type")


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
               ["lazy_open=1"], *own(command, "stage hdf1 lazy_open=0"))
    doctor.ill("files that nobody here can read", "filters", "failed", ["JPEG", "hdf5plugin"],
               *own(command, "stage hdf1 compression=JPEG"))
    command.put(prefix, "hdf1.compression=LZ4")
    doctor.well("as before")


def test_ioc(doctor, command, sim):
    prefix = sim.prefix
    command.fault(prefix, "readback_stays=cam1:DelayTime_RBV")
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


def test_alone(command):
    end = command.run("doctor", "--timeout", "0.5", "Nobody:")
    same(end.returncode, 3, "nobody answers")
    has(end.stdout, ["failed   connection    nothing with the prefix Nobody: answers",
                     "EPICS_CA_ADDR_LIST"], "and what to do")


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


sim = Sim()
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
sim.stop()
done()
