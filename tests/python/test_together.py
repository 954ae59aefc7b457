"""cophyd beside ophyd, pyepics and ophyd-async, in one process and one plan."""

import importlib.util
import os
from pathlib import Path

import pytest

from conftest import Ioc

# Who is imported in which order, and how many libcas the process then has. pyepics brings one of
# its own, but where epicscorelibs is (which ophyd-async needs), ophyd has it take that one. cophyd
# takes that of epicscorelibs when it is loaded already, else the one that it was built with.
CASES = [
    ("cophyd, ophyd", "own", 2),
    ("ophyd, cophyd", "own", 2),
    ("cophyd, ophyd, ophyd_async", "shared", 2),
    ("ophyd_async, ophyd, cophyd", "shared", 1),
]

IMPORTS = """
import sys, threading
modules = sys.argv[2].split(", ")
for module in modules:
    __import__({"ophyd_async": "ophyd_async.epics.core"}.get(module, module))
import epics, cophyd, detectors, ophyd, together
import bluesky.plan_stubs as bps, bluesky.plans as bp
from bluesky import RunEngine
data, PATIENCE = sys.argv[1], 30
RE = RunEngine({}, context_managers=[])
if "ophyd_async" in modules:
    later = together.async_signal("p:ao", name="later")
else:
    later = ophyd.EpicsSignal("p:ao", name="later")
    later.wait_for_connection(timeout=PATIENCE)
det = detectors.MyPilatus("Pilatus:", name="det")
det.hdf1.set_path_templates("/data/", data)
"""


@pytest.fixture(scope="module")
def other(data):
    """A second Pilatus, for ophyd's detector."""
    simulator = Ioc(
        os.environ["COPHYD_SIM"],
        *("--port", "auto", "--prefix", "Other:", "--size", "32x24", "--instant"),
        *("--raw", "/data/other", "--write-root", f"/data={data}"),
    )
    yield simulator.address
    simulator.stop()


def pyepics_libca():
    """The one in its package, which is not to be imported here."""
    package = Path(importlib.util.find_spec("epics").origin).parent
    return str(package / "clibs/linux64/libca.so")


@pytest.fixture
def run(run_python, data, other, monkeypatch):
    """Runs a program that begins with IMPORTS, in an order of its own."""
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", f"{os.environ['EPICS_CA_ADDR_LIST']} {other}")

    def run(source, order="cophyd, ophyd, ophyd_async", libca="shared"):
        if libca == "own":
            monkeypatch.setenv("PYEPICS_LIBCA", pyepics_libca())
        return run_python(IMPORTS + source, str(data), order).splitlines()

    return run


PLAN = """
theirs = together.ophyd_detector("Other:", data)
plain = ophyd.EpicsSignal("p:longout", name="plain")
plain.wait_for_connection(timeout=PATIENCE)
assert epics.caput("p:stringout", "by pyepics", wait=True) == 1
ours = cophyd.EpicsSignal("p:stringout", name="ours")
motor = cophyd.SoftSignal(name="motor", value=0.0)
documents = []
RE.subscribe(lambda name, document: documents.append((name, document)))

def plan():
    yield from bps.mv(plain, 3, later, 0.5)
    yield from bp.scan([det, theirs, plain, later, ours], motor, 0, 2, 3)

RE(plan())
events = [document["data"] for name, document in documents if name == "event"]
for data_ in events:
    print(data_["motor"], data_["plain"], data_["later"], data_["ours"])
specs = [document["spec"] for name, document in documents if name == "resource"]
print(sorted(specs), epics.caget("p:stringout"))
for key in ("det_image", "theirs_image"):
    print(key, together.pixels_are_right(documents, key))
print(det.state, documents[-1][1]["exit_status"])
print(*together.libraries("libca"), sep="\\n")
"""


@pytest.mark.parametrize("order, libca, count", CASES)
def test_one_plan(run, order, libca, count):
    """Two detectors, with a file each, and signals of all."""
    lines = run(PLAN, order, libca)
    assert lines[:3] == [f"{motor} 3 0.5 by pyepics" for motor in (0.0, 1.0, 2.0)]
    assert lines[3] == "['AD_HDF5', 'AD_HDF5'] by pyepics"
    assert lines[4:7] == ["det_image True", "theirs_image True", "idle success"]
    assert len(lines[7:]) == count, lines[7:]


FOLLOW = """
ours = cophyd.EpicsSignal("p:ao", name="ours")
theirs = ophyd.EpicsSignal("p:ao", name="theirs")
theirs.wait_for_connection(timeout=PATIENCE)
ours.put(0)
seen = {"cophyd": [], "ophyd": [], "pyepics": [], "ophyd_async": []}
changed = threading.Condition()

def note(who, value):
    with changed:
        seen[who].append(value)
        changed.notify_all()

def all_see(wanted):
    with changed:
        ready = lambda: all(values and values[-1] == wanted for values in seen.values())
        assert changed.wait_for(ready, PATIENCE), seen

ours.subscribe(lambda value, **_: note("cophyd", value))
theirs.subscribe(lambda value, **_: note("ophyd", value))
pv = epics.PV("p:ao", callback=lambda value, **_: note("pyepics", value), auto_monitor=True)
RE.loop.call_soon_threadsafe(
    lambda: later.subscribe(lambda reading: note("ophyd_async", reading["later"]["value"]))
)
all_see(0)
puts = {
    "ophyd": lambda value: theirs.set(value).wait(timeout=PATIENCE),
    "cophyd": ours.put,
    "pyepics": lambda value: pv.put(value, wait=True),
    "ophyd_async": lambda value: RE(bps.mv(later, value)),
}
value = 0
for _ in range(20):
    for who in puts:
        value += 1 / 32  # its limit is 5
        puts[who](value)
        all_see(value)
print({who: values == sorted(values) and values[0] == 0 for who, values in seen.items()})
"""


def test_each_sees_what_the_others_put(run):
    assert run(FOLLOW) == ["{'cophyd': True, 'ophyd': True, 'pyepics': True, 'ophyd_async': True}"]


THREADS = """
import numpy as np
names = [f"p:of:{kind}" for kind in ("LONG", "DOUBLE")]
ours = [cophyd.EpicsSignal(name, name="ours") for name in names]
theirs = [ophyd.EpicsSignal(name, name="theirs") for name in names]
for signal in theirs:
    signal.wait_for_connection(timeout=PATIENCE)
for signal in ours:
    signal.put([1, 2, 3])
errors = []

def work(get):
    epics.ca.use_initial_context()
    for _ in range(100):
        for i in range(len(names)):
            if list(get(i)) != [1, 2, 3]:
                errors.append(get)

def cycles():
    for _ in range(3):
        det.stage(), det.trigger().wait(PATIENCE), det.unstage()

work_of = [
    lambda i: ours[i].get(),
    lambda i: theirs[i].get(use_monitor=False),
    lambda i: epics.caget(names[i], use_monitor=False),
]
threads = [threading.Thread(target=work, args=(get,)) for get in work_of * 2]
threads.append(threading.Thread(target=cycles))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(PATIENCE)
print(errors, [thread for thread in threads if thread.is_alive()], det.state)
"""


def test_threads_of_all(run):
    """Gets by three libraries on two threads each, while a detector acquires."""
    assert run(THREADS) == ["[] [] idle"]


SUMMARY = """
import contextlib, io
for device in (det, cophyd.EpicsMotor("Pilatus:m1", name="m1")):
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        device.summary()
    assert shown.getvalue() == ophyd.Device._summary(device) + "\\n", shown.getvalue()
    print(shown.getvalue())
"""


def test_summary_is_as_ophyd_has_it(run):
    lines = run(SUMMARY)
    assert "read attrs" in lines and "config keys" in lines
    assert "*m1" in lines and " m1_user_setpoint" in lines
    assert "user_readback        EpicsSignalRO       ('m1')" in lines
