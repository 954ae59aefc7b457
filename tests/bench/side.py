"""One side of a benchmark in Python: as side.c."""

import gc
import os
import resource
import sys
import time

SIGNALS, ARRAY, ARRAYS, EVENTS = 2000, 1 << 20, 10, 20000
IMAGE, IMAGES = 6 << 20, 4
STAGES, TRIGGERS, ACQUISITIONS, DEVICES = 4, 4, 4, 20
POINTS = 100  # not 1,000, which take too long here
PATIENCE = 30.0

now = time.perf_counter


def size():
    return int(os.environ["BENCH_SIZE"])


def need(ok, what):
    if not ok:
        sys.exit("bench: " + what)


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def names(first, end):
    return [f"b:s{i}" for i in range(first, end)]


def prefix(i):
    return f"Pilatus{i + 1}:" if i else "Pilatus:"


def read_file(h5py, name):
    """The frame of a file, which the IOC has under /bench/."""
    with h5py.File(os.environ["DISK"] + name.removeprefix("/bench"), "r", locking=False) as file:
        frame = file["/entry/data/data"][0]
    need(frame.shape == (48, 64) and frame[0, 1] == (frame[0, 0] + 1) % (1 << 20), "a wrong frame")


def run(benches):
    """benches: name -> (set_up, round); round(state) returns the value, or the value and a rate. Ends the process
    without the interpreter's own end, where the threads of a peer may wait for each other."""
    name = sys.argv[1]
    if name not in benches:
        print("none", flush=True)
        os._exit(0)
    set_up, one_round = benches[name]
    state = set_up()
    print("ready", flush=True)
    for _ in sys.stdin:
        value = one_round(state)
        value, rate = value if isinstance(value, tuple) else (value, 0)
        print(f"{value:.9g} {rate:.0f}", flush=True)
    os._exit(0)
