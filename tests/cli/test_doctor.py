#!/usr/bin/env -S python3 -B
"""cophyd doctor: each check passes, then something is wrong, and it alone says so; then it passes
again."""
import json

from cli import Simulator
from doctor import CHECKS, Doctor, own
from harness import PREFIX, Command, Screen, done, has, ok, same


def port_of(sim):
    return sim.environment["EPICS_CA_NAME_SERVERS"].split(":")[1]


def test_well(doctor):
    found = doctor.results()
    names = [one["check"] for one in found]
    same(list(dict.fromkeys(names)), CHECKS, "all checks, in their order")
    doctor.well("a detector as it was booted")
    texts = {one["check"]: one["found"] for one in found}
    has(texts["version"], ["ADCore 3.14", "Pilatus"], "the version")
    has(texts["server"], [port_of(doctor.sim)], "the server")
    has(texts["plugins"], ["TIFF1:", "Stats1:"], "what the IOC has besides")
    has(texts["here"], [doctor.sim.disk], "the folder here")


def test_chain(doctor, command):
    command.put("hdf1.nd_array_port=NOPE")
    doctor.ill("no way to the file", "chain", "failed", ["NOPE", "NDArrayPort"],
               plugins="warning")
    command.put("hdf1.nd_array_port=PIL")
    doctor.ill("a writer that is not enabled", "callbacks", "failed", ["Enable", "enable=1"],
               *own(command, "stage hdf1 enable=0"))
    doctor.ill("an image plugin that is not", "callbacks", "warning", ["image", "EnableCallbacks"],
               *own(command, "stage image enable=0"))
    command.put("hdf1.min_callback_time=0.5")
    doctor.ill("a writer that skips frames", "callbacks", "failed", ["MinCallbackTime"])
    command.put("hdf1.min_callback_time=0")
    doctor.ill("a plugin that the driver waits for", "blocking", "warning", ["BlockingCallbacks"],
               *own(command, "stage hdf1 blocking_callbacks=Yes"))


def test_plugins(doctor, command):
    found = doctor.results(*own(command, "dev stats9 Stats9: StatsPlugin"))
    text_of = {one["check"]: one["found"] for one in found if one["grade"] == "failed"}
    ok("plugins" in text_of or "connection" in text_of, "a plugin that the IOC lacks", text_of)
    has(" ".join(text_of.values()), ["Stats9:"], "and which")
    found = doctor.results(*own(command, "dev stats1 ROI1: StatsPlugin"))
    has(" ".join(one["found"] for one in found if one["check"] == "plugins" and
                 one["grade"] != "ok"), ["NDPluginStats", "NDPluginROI"], "one of another type")


def test_ioc(doctor, command):
    command.fault("readback_stays=cam1:DelayTime_RBV")
    command.send("cam.delay_time=3")
    found = doctor.results()
    has("\n".join(one["found"] for one in found if one["check"] == "setpoints"),
        ["cam.delay_time is set to 3 and reads back 0"], "a setpoint that did not take effect")
    command.fault("readback_stays=")
    command.put("cam.delay_time=0")
    text = " ".join(one["found"] for one in doctor.results())
    ok("delay_time" not in text, "and one that did", text)
    for offset, word in (("100", "ahead"), ("-100", "behind")):
        command.fault("clock_offset=" + offset)
        doctor.ill("a clock that is wrong", "clock", "failed", [word, "NTP"])
    command.fault("clock_offset=0")
    doctor.well("as before, again")


def test_alone(command):
    end = command.run("doctor", "--timeout", "0.5", "Nobody:")
    same(end.returncode, 3, "nobody answers")
    has(end.stdout, ["failed   connection    nothing with the prefix Nobody: answers",
                     "EPICS_CA_ADDR_LIST"], "and what to do")


def test_servers():
    """One detector of two IOCs."""
    sims = [Simulator("--prefix", "P" + name) for name in ("A:", "B:")]
    both = Command(*sims)
    path = both.write("two.class", "class Two : SingleTrigger DetectorBase\n"
                                   "dev cam A:cam1: PilatusDetectorCam\n"
                                   "dev image B:image1: ImagePlugin\n")
    end = both.run("doctor", "--json", "--class", path, "P")
    found = [json.loads(line) for line in end.stdout.splitlines()]
    server = next(one for one in found if one["check"] == "server")
    same(server["grade"], "warning", "two servers")
    has(server["found"], [port_of(sim) for sim in sims], "and which")
    for sim in sims:
        sim.__exit__()


def test_terminal(command, sim):
    with Screen(command, "doctor", PREFIX, *sim.folders, columns=80, rows=50) as screen:
        same(screen.end()[0], 0, "in a terminal")
        text, cells = screen.text(), screen.cells()
        lines = {y: line.split()[0] for y, line in enumerate(text)
                 if line.startswith(("ok ", "warning ", "failed "))}
        ok(all(len(line) <= 80 for line in text) and len(lines) >= len(CHECKS), "a line a check",
           "\n".join(text))
        same({grade: cells[y][0][3] for y, grade in lines.items()}, {"ok": 32, "warning": 33},
             "in colours")
        has("\n".join(text), ["0 failed, ", " warnings"], "and a sum")


with Simulator() as sim:
    command = Command(sim)
    doctor = Doctor(command, sim)
    test_well(doctor)
    test_chain(doctor, command)
    test_plugins(doctor, command)
    test_ioc(doctor, command)
    test_alone(command)
    test_servers()
    test_terminal(command, sim)
done()
