#!/usr/bin/env -S python3 -B
"""The cophyd command on a disk that is full: what is cut is told once, and good files stay."""

import os
import resource
import sys
import tempfile

from cli import Simulator, Tap, run

FULL = r"\Acophyd: standard output: No space left on device\n\Z"


def limited(size):
    """Of a file that it writes. SIGXFSZ, which Python ignores, would end it."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)), "restore_signals": False}


def check_save(tap, sim):
    file = f"{sim.disk}/good"
    sim.run("save", "Pilatus:", file)
    with open(file) as before:
        good = before.read()
    told = sim.run("save", "Pilatus:", file, **limited(2048))
    tap.equal((told.returncode, told.stdout), (1, ""), "save fails")
    tap.equal(told.stderr, f"cophyd: {file}: File too large\n", "and says why")
    with open(file) as after:
        tap.equal(after.read(), good, "the good file stays")
    tap.ok(not [name for name in os.listdir(sim.disk) if "part" in name], "and nothing else is left")


def check_output(tap, sim):
    with open("/dev/full", "w") as full:
        for words in [["save", "Pilatus:", "-"], ["classes"], ["--help"], ["--version"], ["get", "Pilatus:", "cam"],
                      ["get", "--json", "Pilatus:", "cam"], ["watch", "Pilatus:", "cam.gain"],
                      ["put", "Pilatus:", "cam.gain=1"], ["graph", "Pilatus:"], ["plan", "Pilatus:", *sim.folders],
                      ["count", "Pilatus:", "-n", "2", *sim.folders]]:
            told = sim.run(*words, stdout=full)
            tap.equal(told.returncode, 1, f"{words[0]} with an output that is full")
            tap.match(FULL, told.stderr, "  says so once")


def check_closed(tap, sim):
    """Without the three descriptors of a program nothing that it says goes to the IOC instead."""
    command = ["count", "Pilatus:", "-n", "2", "--set", "cam.acquire_time=0.01", *sim.folders]
    before = sim.settings()
    for numbers in [(1,), (2,), (0, 1), (0, 1, 2)]:
        told = sim.run(*command, preexec_fn=lambda: [os.close(number) for number in numbers])
        tap.equal(told.returncode, 1 if 1 in numbers else 0, f"count with descriptors {numbers} closed")
        tap.equal(told.stderr, "cophyd: standard output: Bad file descriptor\n" if 1 in numbers and 2 not in numbers
                  else "", "  says so where it can")
        tap.equal(sim.settings(), before, "  all is put back")
    tap.equal(sim.run("recover").stdout, "nothing is left\n", "nothing is left to recover")


def check_picture(tap, sim):
    image = next(os.path.join(top, name) for top, _, names in os.walk(sim.disk) for name in names
                 if name.endswith(".h5"))
    with open("/dev/full", "w") as full:
        told = run("view", "--png", "-", image, stdout=full)
    tap.equal(told.returncode, 1, "view --png - with an output that is full")
    tap.match(FULL, told.stderr, "  says so once")
    told = run("view", "--png", f"{sim.disk}/x.png", image, **limited(64))
    tap.equal((told.returncode, told.stderr), (1, f"cophyd: {sim.disk}/x.png: File too large\n"), "and a file, why")
    tap.ok(not os.path.exists(f"{sim.disk}/x.png"), "half a picture is none")


def check_log(tap, sim):
    told = sim.run("put", "Pilatus:", "cam.gain=2", "--log", "/dev/full")
    tap.equal(told.returncode, 1, "put with a log that is full")
    tap.equal(told.stderr, "cophyd: /dev/full: it lacks puts: No space left on device\n", "says so")


def check_manual(tap):
    with tempfile.TemporaryDirectory() as folder:
        told = run("manual", folder, **limited(2048))
        tap.equal(told.returncode, 1, "man pages that are cut")
        tap.match(r"\Acophyd: \S+\.1: File too large\n\Z", told.stderr, "are told")


def main():
    tap = Tap()
    with Simulator() as sim:
        check_save(tap, sim)
        check_output(tap, sim)
        check_closed(tap, sim)
        check_picture(tap, sim)
        check_log(tap, sim)
    check_manual(tap)
    return tap.done()


sys.exit(main())
