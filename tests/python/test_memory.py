"""Memory stays flat, whatever comes and goes."""

import gc
import os
import resource

import numpy as np
import pytest

import cophyd
import detectors
from conftest import PATIENCE


def resident():
    """Bytes that this process uses."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def grows(act, rounds):
    """By how much each round adds to the memory, once the first ones have taken what they need."""
    for _ in range(rounds // 4):
        act()
    before = resident()
    for _ in range(rounds):
        act()
    return (resident() - before) / rounds


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_subscriptions(calls):
    signal = cophyd.EpicsSignal("p:ao", name="ao")
    signal.get()

    def act():
        signal.unsubscribe(signal.subscribe(calls))

    assert grows(act, 10_000) < 100
    assert signal._subscriptions == {}
    assert signal.context.events._targets == {}


def test_devices():
    def act():
        det = detectors.MyPilatus("Pilatus:", name="det")
        det.cam.stage_sigs["num_images"] = 1
        assert det.cam.acquire_time.pvname

    before = descriptors()
    assert grows(act, 1000) < 2000
    assert descriptors() <= before + 2


def test_devices_whose_files_a_function_names():
    """The library calls it by the device, and the device has it."""

    def act():
        det = detectors.MyPilatus("Pilatus:", name="det")
        det.hdf1.set_file_naming(lambda store: store.name)
        det.hdf1.set_file_naming(lambda store: store.attr_name)

    before = descriptors()
    assert grows(act, 1000) < 2000
    assert descriptors() <= before + 2


def test_connected_devices():
    """Their channels go with them."""

    def act():
        cam = cophyd.PilatusDetectorCam("Pilatus:cam1:", name="cam")
        assert cam.acquire_time.get() >= 0

    before = descriptors()
    assert grows(act, 100) < 2000
    assert descriptors() <= before + 2


def test_statuses(calls):
    context = cophyd.default_context()

    def act():
        status = cophyd.Status.new(context, "mine")
        status.add_callback(lambda _: None)
        status.set_finished()
        status.wait(PATIENCE)

    before = descriptors()
    assert grows(act, 5000) < 200
    last = cophyd.Status.new(context, "last")
    last.add_callback(calls)
    last.set_finished()
    calls.wait_for(lambda all: all)
    assert descriptors() <= before + 3 and context.events._statuses == {}


@pytest.mark.parametrize("size", [1, 100_000])
def test_values(size):
    signal = cophyd.SoftSignal(name="soft", value=np.zeros(size, "i4"))

    def act():
        signal.put(np.ones(size, "i4"))
        assert signal.get() is not None and signal.read()

    assert grows(act, 2000) < 200


def test_many_at_once():
    signals = [cophyd.SoftSignal(name=f"s{i}", value=np.zeros(1000)) for i in range(10)]

    def act():
        cophyd.put_all(dict.fromkeys(signals, np.ones(1000)))
        assert all(value.sum() == 1000 for value in cophyd.get_all(signals))

    assert grows(act, 500) < 500


def test_errors():
    signal = cophyd.SoftSignal(name="soft", value=1)

    def act():
        with pytest.raises(cophyd.WrongTypeError):
            signal.put("words")

    assert grows(act, 5000) < 100


def test_contexts():
    """The thread of callbacks and the library's own end with a context that nobody holds."""

    def act():
        context = cophyd.Context()
        signal = cophyd.SoftSignal(name="soft", value=1, context=context)
        signal.unsubscribe(signal.subscribe(lambda **_: None))

    before = descriptors()
    grows(act, 20)
    assert descriptors() <= before + 4
