#!/usr/bin/env -S python3 -B
"""cophyd count, ended at any point: by signals, by a closed pipe, by kill, by the IOC's end; and
cophyd recover."""

import fcntl
import os
import pty
import select
import signal
import sys

from cli import Simulator, Tap, documents, start
from harness import Command

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../faults"))

from ca import VALUES_WITH_TIMES, Link  # noqa: E402


class Log:
    """--log into a pipe: each put is seen when it is made, and no put is made unseen."""

    def __init__(self, sim):
        self.name = f"{sim.disk}/puts"
        os.mkfifo(self.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.unlink(self.name)

    def open(self):
        return open(self.name)


def drain(process, log):
    """Reads on, so that nothing waits for us."""
    rest = log.read()
    out, err = process.communicate(timeout=60)
    return rest, out, err


def check_interrupt(tap, sim, number, puts, points, again=None):
    """A signal after so many puts, or so many points; `again`: another after so many puts more."""
    with Log(sim) as log:
        words = ["-n", "100000", "--log", log.name, *sim.folders]
        process = sim.start("count", "Pilatus:", *words)
        lines = log.open()
        for _ in range(puts):
            lines.readline()
        for _ in range(points):
            process.stdout.readline()
        process.send_signal(number)
        for _ in range(again or 0):
            lines.readline()
        if again:
            process.send_signal(number)
        rest, out, err = drain(process, lines)
    where = f"{number.name} after {puts} puts and {points} points" + (", twice" if again else "")
    tap.equal(process.returncode, 130, where)
    tap.match(r"interrupted after \d+ of 100000 points\n.*all settings are as before", err, "  and says so")
    tap.match(r"nothing is left", sim.run("recover").stdout, "  no journal is left")


def check_interrupts(tap, sim):
    before = sim.settings()
    for number, puts, points, again in [
        (signal.SIGINT, 1, 0, None), (signal.SIGINT, 4, 0, None), (signal.SIGTERM, 8, 0, None),
        (signal.SIGINT, 12, 0, None), (signal.SIGINT, 17, 0, None), (signal.SIGINT, 18, 0, None),
        (signal.SIGINT, 19, 0, None), (signal.SIGTERM, 20, 0, None), (signal.SIGINT, 20, 1, None),
        (signal.SIGINT, 20, 2, None), (signal.SIGTERM, 20, 5, None), (signal.SIGINT, 20, 3, 3),
    ]:
        check_interrupt(tap, sim, number, puts, points, again)
        tap.equal(sim.settings(), before, "  all settings are back")


def check_interrupt_of_bar(tap, sim):
    """A signal that comes while the bar on a terminal asks for what it has to know."""
    link = Link(int(sim.environment["EPICS_CA_NAME_SERVERS"].rsplit(":", 1)[1]))
    trap = link.strike_at([("HDF1:Capture", "1"), ("cam1:NumImages_RBV", VALUES_WITH_TIMES)],
                          lambda: process.send_signal(signal.SIGINT))
    environment = {**sim.environment, "EPICS_CA_NAME_SERVERS": f"127.0.0.1:{link.port}"}
    master, terminal = pty.openpty()
    process = start("count", "Pilatus:", "-n", "100", *sim.folders, environment=environment, stdout=terminal)
    err = process.communicate(timeout=60)[1]
    tap.ok(trap.over.is_set(), "SIGINT while the bar asks")
    tap.equal(process.returncode, 130, "  ends the count")
    tap.match("interrupted after 0 of 100 points\n.*all settings are as before", err, "  and says so")
    link.close()
    os.close(terminal)
    os.close(master)


def check_left(tap, sim):
    """A setting that does not come back after a count that went well otherwise. The pipe of documents
    holds the count in its first point until it is read."""
    before, pipe = sim.settings(), f"{sim.disk}/documents"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(reader, True)
    text = '{"text": "%s"}' % ("x" * 8000)
    words = ["--docs", pipe, "--metadata", text, "--set", "cam.num_images=3", *sim.folders]
    process = sim.start("count", "Pilatus:", *words)
    select.select([reader], [], [], 60)  # it is staged
    faults = Command(sim)
    faults.fault("readback_stays=cam1:NumImages_RBV")
    while os.read(reader, 1 << 16):
        pass
    os.close(reader)
    os.unlink(pipe)
    _, err = process.communicate(timeout=60)
    tap.equal(process.returncode, 1, "a setting that is not back")
    tap.match(r"\Acophyd: det.cam.num_images \(Pilatus:cam1:NumImages\): wanted 1 put back, found 3\n", err, "is told")
    tap.ok("as before" not in err, "and nothing else is claimed")
    tap.match("cophyd recover Pilatus: puts back what is not", err, "and what helps")
    faults.fault("readback_stays=")
    tap.equal(sim.run("recover", "Pilatus:").returncode, 0, "recover")
    tap.equal(sim.settings(), before, "all settings are as before")


def check_closed(tap, sim):
    """Nobody reads: the count goes on to its end, and everything is put back."""
    before = sim.settings()
    process = sim.start("count", "Pilatus:", "-n", "3", *sim.folders)
    process.stdout.close()
    process.wait(60)
    tap.equal(process.returncode, 1, "a closed pipe is told by the exit status")
    tap.equal(sim.settings(), before, "all settings are back")
    process = sim.start("count", "Pilatus:", "-n", "100000", "--docs", "-", *sim.folders)
    process.stdout.readline()
    process.stdout.close()
    process.wait(60)
    tap.equal(process.returncode, 1, "a closed pipe for documents ends the run")
    tap.match("all settings are as before", process.stderr.read(), "and all is put back")
    tap.equal(sim.settings(), before, "all settings are back")


def check_killed(tap, sim):
    """recover puts back what a killed count left."""
    before = sim.settings()
    process = sim.start("count", "Pilatus:", "-n", "100000", *sim.folders)
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=60)
    told = sim.run("recover", "--json")
    lines = documents(told)
    tap.equal([(line["prefix"], line["alive"], line["broken"]) for line in lines], [("Pilatus:", False, False)],
              "a journal is left")
    tap.match(r"^Pilatus: +\d+ settings, staged by cophyd \(\d+\), which is gone, at ", sim.run("recover").stdout,
              "it is listed")
    told = sim.run("count", "Pilatus:", *sim.folders)
    tap.equal(told.returncode, 1, "a count is refused then")
    tap.match("cophyd recover Pilatus: puts back what is not", told.stderr, "and says what helps")
    told = sim.run("apply", "Pilatus:", "/dev/null")
    tap.equal(told.returncode, 1, "so is an apply")
    tap.equal(sim.run("recover", "--read-only", "Pilatus:").returncode, 2, "--read-only refuses recover")
    told = sim.run("recover", "--json", "--stop", "Pilatus:")
    tap.equal(told.returncode, 0, "recover")
    tap.ok({line["what"] for line in documents(told)} <= {"back", "same"}, "everything is back")
    tap.equal(sim.settings(), before, "all settings are as before")
    tap.equal(sim.run("recover", "Pilatus:").stdout, "nothing was to be put back\n", "nothing is left")


def check_died(tap):
    """The IOC dies in the middle of a count."""
    with Simulator() as sim:
        process = sim.start("count", "Pilatus:", "-n", "100000", *sim.folders)
        process.stdout.readline()
        sim.kill()
        _, err = process.communicate(timeout=60)
        tap.equal(process.returncode, 3, "the IOC dies")
        tap.match("wanted Continuous put back, found the PV is not connected", err, "each setting that is not back is told")
        tap.match("cophyd recover Pilatus: puts back what is not, once the IOC answers", err, "and what helps")
        tap.ok("as before" not in err, "and nothing else is claimed")
        lines = documents(sim.run("recover", "--json"))
        tap.equal([line["alive"] for line in lines], [False], "the journal is there")
        os.unlink(lines[0]["file"])


def main():
    tap = Tap()
    with Simulator() as sim:
        sim.run("count", "Pilatus:", *sim.folders)  # what was never set is set from now on
        check_interrupts(tap, sim)
        check_interrupt_of_bar(tap, sim)
        check_left(tap, sim)
        check_closed(tap, sim)
        check_killed(tap, sim)
    check_died(tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
