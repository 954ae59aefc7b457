"""The same with pyepics, as its manual says to be fast."""

import threading

import epics

import side


def connect(names):
    # One search for all: none is waited for before the last is made.
    pvs = [epics.PV(name, auto_monitor=False) for name in names]
    for pv in pvs:
        side.need(pv.wait_for_connection(timeout=side.PATIENCE), "pyepics: no connection")
    return pvs


def connect_round(_):
    started = side.now()
    connect(side.names(0, side.SIGNALS))
    return side.now() - started


def memory_round(state):
    before = side.memory()
    state.extend(connect(side.names(1, side.SIGNALS)))
    return (side.memory() - before) / (side.SIGNALS - 1)


def get_one_round(pvs):
    started = side.now()
    for i, pv in enumerate(pvs):
        side.need(pv.get(use_monitor=False) == i + 0.5, "pyepics: a wrong value")
    return (side.now() - started) / side.SIGNALS


def read_all_round(names):
    started = side.now()
    values = epics.caget_many(names)
    took = side.now() - started
    side.need(values == [i + 0.5 for i in range(side.SIGNALS)], "pyepics: wrong values")
    return took


def read_all_set_up():
    names = side.names(0, side.SIGNALS)
    epics.caget_many(names)
    return names


def array_get_round(pvs):
    started = side.now()
    for _ in range(side.ARRAYS):
        value = pvs[0].get(use_monitor=False, timeout=side.PATIENCE)
        side.need(len(value) == side.ARRAY and value[-1] == side.ARRAY - 1, "pyepics: a wrong array")
    return (side.now() - started) / side.ARRAYS


class Counting:
    def __init__(self):
        self.pvs = connect(side.names(0, side.SIGNALS))
        self.done = threading.Event()
        self.left = 0

    def changed(self, **_):
        self.left -= 1
        if self.left == 0:
            self.done.set()

    def wait_for(self, events):
        self.done.clear()
        self.left = events
        side.need(self.done.wait(side.PATIENCE), "pyepics: no events")


def monitor_round(counting):
    for pv in counting.pvs:
        pv.add_callback(counting.changed, with_ctrlvars=False)
        pv.auto_monitor = True
    counting.wait_for(side.SIGNALS)
    started, computed = side.now(), side.cpu()
    counting.wait_for(side.EVENTS)
    value = (side.cpu() - computed) / side.EVENTS
    rate = side.EVENTS / (side.now() - started)
    for pv in counting.pvs:
        pv.auto_monitor = False
        pv.clear_callbacks()
    return value, rate


side.run({
    "connect": (lambda: None, connect_round),
    "memory": (lambda: connect(side.names(0, 1)), memory_round),
    "get_one": (lambda: connect(side.names(0, side.SIGNALS)), get_one_round),
    "read_all": (read_all_set_up, read_all_round),
    "array_get": (lambda: connect(["b:array"]), array_get_round),
    "monitor": (Counting, monitor_round),
})
