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


def connect_many_round(_):
    started = side.now()
    connect(side.names(0, side.size()))
    return side.now() - started


def memory_500_round(state):
    before = side.memory()
    state.extend(connect(side.names(1, 501)))
    return side.memory() - before


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


def put_one_round(pvs):
    started = side.now()
    for i, pv in enumerate(pvs):
        side.need(pv.put(i, wait=True) == 1, "pyepics: a put failed")
    return (side.now() - started) / side.SIGNALS


def put_all_round(names):
    started = side.now()
    done = epics.caput_many(names, range(side.SIGNALS), wait="all")
    took = side.now() - started
    side.need(all(one == 1 for one in done), "pyepics: a put failed")
    return took


def array_get_round(pvs):
    started = side.now()
    for _ in range(side.ARRAYS):
        value = pvs[0].get(use_monitor=False, timeout=side.PATIENCE)
        side.need(len(value) == side.ARRAY and value[-1] == side.ARRAY - 1, "pyepics: a wrong array")
    return (side.now() - started) / side.ARRAYS


def image_get_round(pvs):
    started = side.now()
    for _ in range(side.IMAGES):
        value = pvs[0].get(use_monitor=False, timeout=side.PATIENCE)
        side.need(len(value) == side.IMAGE and value[-1] == side.IMAGE - 1, "pyepics: a wrong image")
    return (side.now() - started) / side.IMAGES


class Watching:
    def __init__(self):
        self.came = threading.Event()
        self.pv = epics.PV("b:array", auto_monitor=False, callback=self.changed)
        self.next = connect(["b:array.PROC"])[0]
        side.need(self.pv.wait_for_connection(side.PATIENCE), "pyepics: no channel")

    def changed(self, value=None, **_):
        side.need(len(value) == side.IMAGE and value[-1] == side.IMAGE - 1, "pyepics: a wrong image")
        self.came.set()

    def wait(self):
        side.need(self.came.wait(side.PATIENCE), "pyepics: no image")
        self.came.clear()


def image_monitor_round(watching):
    watching.pv.auto_monitor = True
    watching.wait()
    started = side.now()
    for _ in range(side.IMAGES):
        watching.next.put(1)
        watching.wait()
    took = side.now() - started
    watching.pv.clear_auto_monitor()
    epics.ca.flush_io()  # else the IOC goes on sending to it while the others have their turn
    return took / side.IMAGES


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
    epics.ca.flush_io()
    return value, rate


side.run({
    "connect": (lambda: None, connect_round),
    "connect_many": (lambda: None, connect_many_round),
    "memory_500": (lambda: connect(side.names(0, 1)), memory_500_round),
    "put_one": (lambda: connect(side.names(0, side.SIGNALS)), put_one_round),
    "put_all": (read_all_set_up, put_all_round),
    "image_get": (lambda: connect(["b:array"]), image_get_round),
    "image_monitor": (Watching, image_monitor_round),
    "memory": (lambda: connect(side.names(0, 1)), memory_round),
    "get_one": (lambda: connect(side.names(0, side.SIGNALS)), get_one_round),
    "read_all": (read_all_set_up, read_all_round),
    "array_get": (lambda: connect(["b:array"]), array_get_round),
    "monitor": (Counting, monitor_round),
})
