#!/usr/bin/env -S python3 -B
"""cophyd get, put and watch."""

import os
import re
import shutil
import signal
import subprocess
import sys

from cli import BUILD, Simulator, Tap, Terminal, documents, start, strict

KEYS = ["path", "pv", "value", "index", "units", "severity", "alarm", "time"]


def check_get(tap, sim):
    told = sim.run("get", "Pilatus:", "cam.acquire_time", "cam.image_mode", "hdf1.file_path")
    tap.equal(told.returncode, 0, "get is done")
    tap.match(r"\Acam.acquire_time +0.01 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$", told.stdout, "a number")
    tap.match(r"^cam.image_mode +Continuous ", told.stdout, "a label")
    tap.equal(len(told.stdout.splitlines()), 3, "a line each")
    tap.equal(told.stderr, "", "and nothing else")
    tap.ok("\033" not in told.stdout, "no colours in a pipe")
    told = sim.run("get", "--json", "Pilatus:", "cam", "image", "hdf1")
    lines = documents(told)
    tap.ok(len(lines) > 400, f"all signals of devices: {len(lines)}")
    tap.ok(all(list(line) == KEYS for line in lines), "keys are always the same")
    everything = documents(sim.run("get", "--json", "Pilatus:", "."))
    tap.equal([line["path"] for line in everything], [line["path"] for line in lines], "a dot is all")
    by_path = {line["path"]: line for line in lines}
    tap.equal(by_path["cam.acquire_time"]["value"], 0.01, "a number is one in JSON")
    tap.equal(by_path["cam.image_mode"]["index"], 2, "an enum has its index, too")
    tap.equal(by_path["cam.acquire_time"]["pv"], "Pilatus:cam1:AcquireTime_RBV", "the readback's PV")
    alarms = {line["alarm"] for line in lines}
    tap.ok("UDF" in alarms and "NO_ALARM" in alarms, f"alarms: {sorted(alarms)}")


def check_put(tap, sim):
    told = sim.run("put", "Pilatus:", "cam.acquire_time=0.02", "cam.image_mode=Single", "hdf1.file_name=123")
    tap.equal(told.returncode, 0, "put is done")
    tap.match(r"^cam.acquire_time +0.02, was 0.01\ncam.image_mode +Single, was Continuous$", told.stdout, "and says so")
    told = sim.run("put", "--json", "Pilatus:", "cam.image_mode=2", "cam.acquire_time=0.25")
    tap.equal(documents(told), [
        {"path": "cam.image_mode", "pv": "Pilatus:cam1:ImageMode", "before": "Single", "value": "Continuous"},
        {"path": "cam.acquire_time", "pv": "Pilatus:cam1:AcquireTime", "before": 0.02, "value": 0.25},
    ], "a document each")
    told = sim.run("get", "--json", "--setpoint", "Pilatus:", "hdf1.file_name")
    tap.equal(documents(told)[0]["value"], "123", "digits are text where the PV is")
    told = sim.run("put", "Pilatus:", "cam.acquire_time=1", "cam.image_mode=Singel")
    tap.equal(told.returncode, 1, "a label that the IOC does not have")
    tap.match("labels Single, Multiple, Continuous", told.stderr, "the sentence has those that it has")
    told = sim.run("put", "Pilatus:", "cam.acquire_time=2", "cam.imagemode=Single")
    tap.equal(told.returncode, 2, "a path that is not there")
    tap.match("the nearest is image_mode", told.stderr, "the nearest is told")
    tap.equal(documents(sim.run("get", "--json", "Pilatus:", "cam.acquire_time"))[0]["value"], 1, "nothing was put then")
    told = sim.run("put", "Pilatus:", "cam.manufacturer=me")
    tap.equal(told.returncode, 1, "what is read-only")
    for word in ["cam.acquire_time", "=1"]:
        tap.equal(sim.run("put", "Pilatus:", word).returncode, 2, f"put {word}")


def check_read_only(tap, sim):
    before = sim.settings()
    told = sim.run("put", "--read-only", "Pilatus:", "cam.acquire_time=7")
    tap.equal(told.returncode, 2, "--read-only refuses a put")
    tap.match("--read-only forbids", told.stderr, "and says so")
    tap.equal(sim.run("count", "--read-only", "Pilatus:", *sim.folders).returncode, 2, "and a count")
    tap.equal(sim.run("--read-only", "get", "Pilatus:", "cam.gain").returncode, 0, "not a get")
    tap.equal(sim.run("plan", "--read-only", "Pilatus:", *sim.folders).returncode, 0, "nor a plan")
    tap.equal(sim.settings(), before, "nothing was written")


def check_log(tap, sim):
    log = f"{sim.disk}/log"
    sim.run("put", "Pilatus:", "cam.acquire_time=0.5")
    sim.run("put", "Pilatus:", "--log", log, "cam.acquire_time=0.125")
    sim.run("put", "Pilatus:", "--log", log, "cam.image_mode=Single")
    with open(log) as file:
        lines = file.read().splitlines()
    who = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} \S+@\S+ cophyd put\[\d+\] "
    tap.equal(len(lines), 2, "a line a put")
    tap.match(who + r"det.cam.acquire_time \(Pilatus:cam1:AcquireTime\): 0.125, was 0.5$", lines[0], lines[0])
    tap.match(who + r"det.cam.image_mode \(Pilatus:cam1:ImageMode\): Single, was \w+$", lines[1], lines[1])
    told = sim.run("put", "Pilatus:", "--log", "/nowhere/log", "cam.acquire_time=1")
    tap.equal(told.returncode, 1, "a log that cannot be written")
    tap.match("/nowhere/log: No such file", told.stderr, "is named")
    tap.match("cam.acquire_time +0.125", sim.run("get", "Pilatus:", "cam.acquire_time").stdout, "and nothing was put")


def check_watch(tap, sim):
    told = sim.run("watch", "-n", "2", "Pilatus:", "cam.acquire_time", "cam.image_mode")
    tap.equal(told.returncode, 0, "watch -n ends")
    tap.equal(len(told.stdout.splitlines()), 2, "with so many lines")
    process = sim.start("watch", "--json", "Pilatus:", "cam.acquire_time")
    first = process.stdout.readline()
    sim.run("put", "Pilatus:", "cam.acquire_time=0.75")
    second = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    tap.ok('"value":0.125' in first and '"value":0.75' in second, "each change is a line")
    tap.equal((process.returncode, out), (130, ""), "SIGINT ends it with 130")
    process = sim.start("watch", "Pilatus:", "cam.acquire_time")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    tap.equal(process.returncode, 130, "SIGTERM, too")
    process = sim.start("watch", "Pilatus:", "cam.acquire_time")
    process.stdout.readline()
    process.stdout.close()
    sim.run("put", "Pilatus:", "cam.acquire_time=0.5")
    process.wait(60)
    tap.equal((process.returncode, process.stderr.read()), (1, ""), "a closed pipe ends it without a word")


def check_watch_slow(tap):
    """A signal that comes while it asks what the next of its signals is."""
    with Simulator("--fault", "ReplyDelay=0.3") as sim:
        paths = ["acquire_time", "acquire_period", "gain", "image_mode", "num_images", "trigger_mode"]
        process = sim.start("watch", "Pilatus:", *["cam." + path for path in paths])
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        tap.equal(process.returncode, 130, "SIGINT ends watch where it waits for something else")


def check_array(tap, sim):
    """An image: its size and rate."""
    process = sim.start("watch", "--json", "-n", "3", "Pilatus:", "image.array_data")
    process.stdout.readline()
    count = ["-n", "2", "--set", "cam.num_images=1", *sim.folders]
    tap.equal(sim.run("count", "Pilatus:", *count).returncode, 0, "two images are taken")
    out, _ = process.communicate(timeout=60)
    lines = [strict(line) for line in out.splitlines()]
    tap.equal([(line["count"], line["dtype"], line["bytes"]) for line in lines],
              [(61 * 47, "int32", 61 * 47 * 4)] * 2, "an array is its size")
    tap.ok(lines[1]["rate"] > 0, "and its rate")


def check_lost(tap):
    told = start("get", "--timeout", "0.5", "NoSuch:", "cam.acquire_time",
                 environment={"EPICS_CA_NAME_SERVERS": "127.0.0.1:1", "EPICS_CA_ADDR_LIST": "",
                              "EPICS_CA_AUTO_ADDR_LIST": "NO"})
    _, err = told.communicate(timeout=30)
    tap.equal(told.returncode, 3, "get without an IOC")
    tap.match(r"after 0\.\d+ s$", err, "in time")
    with Simulator() as sim:
        sim.kill()
        for words in [["get", "Pilatus:", "cam"], ["put", "Pilatus:", "cam.gain=1"],
                      ["watch", "Pilatus:", "cam.gain"], ["plan", "Pilatus:", *sim.folders],
                      ["count", "Pilatus:", *sim.folders], ["save", "Pilatus:", "-"]]:
            told = sim.run(*words, "--timeout", "0.5")
            tap.equal((told.returncode, told.stdout), (3, ""), f"{words[0]} with a dead IOC")


def check_release(tap):
    """An IOC that is older than what it is asked for."""
    with Simulator("--ad", "3.0") as sim:
        told = sim.run("get", "--timeout", "1", "Pilatus:", "cam.gain", "hdf1.acquire")
        tap.equal(told.returncode, 1, "a record that this release lacks")
        tap.match("cam.gain +1 ", told.stdout, "the others are told")
        tap.match("release 3.0 of areaDetector, which lacks it: it exists since 3.8", told.stderr, "and since when it exists")
        told = sim.run("get", "--timeout", "1", "Pilatus:", "hdf1")
        tap.equal((told.returncode, told.stderr), (0, ""), "all that a device has are those that the IOC has")


def check_terminal(tap, sim):
    with Terminal("get", "Pilatus:", "cam.acquire_time", "hdf1.full_file_name", environment=sim.environment) as t:
        status, text = t.end()
        tap.equal(status, 0, "get in a terminal")
        tap.match("\033\\[1m0.5", text, "has colours")
    for words in [{"NO_COLOR": "1"}, {"TERM": "dumb"}]:
        with Terminal("get", "Pilatus:", "cam.acquire_time", environment={**sim.environment, **words}) as t:
            status, text = t.end()
            tap.ok(status == 0 and "\033[1m" not in text, f"none with {words}")
    with Terminal("watch", "Pilatus:", "cam.acquire_time", environment=sim.environment) as t:
        t.until(r"acquire_time.*\n")
        t.keys("C-c")
        status, text = t.end()
        tap.equal(status, 130, "Ctrl-C ends watch")


def check_jq(tap, sim):
    """What --help shows for jq, as it is printed there."""
    environment = {**os.environ, **sim.environment, "PATH": f"{BUILD}/bin:{os.environ['PATH']}"}
    for command in ["get", "graph", "doctor"] if shutil.which("jq") else []:
        (line,) = re.findall(r"^  (cophyd .* \| jq .*)$", sim.run(command, "--help").stdout, re.M)
        told = subprocess.run(line, shell=True, env=environment, capture_output=True, text=True)
        tap.equal((told.returncode, told.stderr), (0, ""), line)


def main():
    tap = Tap()
    with Simulator() as sim:
        check_get(tap, sim)
        check_put(tap, sim)
        check_read_only(tap, sim)
        check_log(tap, sim)
        check_watch(tap, sim)
        check_terminal(tap, sim)
        check_array(tap, sim)
        check_jq(tap, sim)
    check_watch_slow(tap)
    check_release(tap)
    check_lost(tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
