"""One side of a benchmark in Python: as side.c."""

import gc
import os
import resource
import sys
import time

SIGNALS, ARRAY, ARRAYS, EVENTS = 2000, 1 << 20, 10, 20000
STAGES, TRIGGERS = 4, 4
PATIENCE = 30.0

now = time.perf_counter


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


def run(benches):
    """benches: name -> (set_up, round); round(state) returns the value, or the value and a rate."""
    name = sys.argv[1]
    if name not in benches:
        print("none")
        return
    set_up, one_round = benches[name]
    state = set_up()
    print("ready", flush=True)
    for _ in sys.stdin:
        value = one_round(state)
        value, rate = value if isinstance(value, tuple) else (value, 0)
        print(f"{value:.9g} {rate:.0f}", flush=True)
