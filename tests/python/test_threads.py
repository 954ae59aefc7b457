"""Threads, forks, signals and the end of the interpreter."""

import copy
import pickle
import signal
import threading
import time

import pytest

import cophyd
import detectors
from conftest import BUILD, PATIENCE

BLOCKS = {
    "get": lambda det, status: det.cam.acquire_time.get(),
    "put": lambda det, status: det.cam.acquire_time.put(1),
    "read": lambda det, status: det.cam.acquire_time.read(),
    "describe": lambda det, status: det.describe_configuration(),
    "properties": lambda det, status: det.cam.acquire_time.properties(),
    "connect": lambda det, status: det.wait_for_connection(),
    "stage": lambda det, status: det.stage(),
    "wait": lambda det, status: status.wait(PATIENCE),
    "wait for ever": lambda det, status: status.wait(),
    "differences": lambda det, status: det.differences(),
    "graph": lambda det, status: det.graph(),
    "validate": lambda det, status: det.validate(),
    "missing plugins": lambda det, status: det.missing_plugins(),
    "primed": lambda det, status: det.primed(),
    "warmup": lambda det, status: det.warmup(),
    "acquire": lambda det, status: det.acquire(),
    "get_all": lambda det, status: cophyd.get_all([det.cam.acquire_time], timeout=PATIENCE),
    "put_all": lambda det, status: cophyd.put_all({det.cam.acquire_time: 1}, timeout=PATIENCE),
}


@pytest.mark.parametrize("what", BLOCKS)
def test_others_run_while_a_call_blocks(what):
    """It ends by what another thread does, which it could not if the interpreter's lock were held:
    the IOC is not there, and nobody waits for so long."""
    context = cophyd.Context(connect_timeout=PATIENCE)
    det = detectors.MyPilatus("NoSuch:", name="det", context=context)
    det.hdf1.set_path_templates("/data/")
    status = cophyd.Status.new(context, "mine")
    timer = threading.Timer(0.1, context.interrupt)
    timer.start()
    with pytest.raises(cophyd.CophydError) as caught:
        BLOCKS[what](det, status)
    timer.join()
    assert "interrupted" in str(caught.value) and caught.value.name == "OPH_EINTR"


# --- Signals


@pytest.fixture
def soon():
    """A status that is done once a call blocks."""
    status = cophyd.Status.new(cophyd.default_context(), "soon")
    timer = threading.Timer(0.2, status.set_finished)
    timer.start()
    yield status
    timer.join()


@pytest.mark.parametrize("what", BLOCKS)
def test_ctrl_c_ends_a_call_that_blocks(what, soon, press_ctrl_c):
    context = cophyd.Context(connect_timeout=PATIENCE)
    det = detectors.MyPilatus("NoSuch:", name="det", context=context)
    det.hdf1.set_path_templates("/data/")
    begun = time.monotonic()
    press_ctrl_c(soon)
    with pytest.raises(KeyboardInterrupt):
        BLOCKS[what](det, cophyd.Status.new(context, "mine"))
    assert time.monotonic() - begun < PATIENCE / 3
    assert det.state == "idle" and not det.cam.acquire_time.connected


def test_ctrl_c_ends_a_put_that_is_slow(det, fault, soon, press_ctrl_c):
    fault("PutStuck", "cam1:AcquireTime")
    press_ctrl_c(soon)
    with pytest.raises(KeyboardInterrupt):
        det.cam.acquire_time.put(0.5, timeout=PATIENCE)


def test_ctrl_c_ends_no_call_of_another_thread(soon, press_ctrl_c):
    absent = cophyd.EpicsSignal("no:such:pv", name="absent")
    caught = []

    def read():
        try:
            absent.get(timeout=1)
        except cophyd.CophydError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    press_ctrl_c(soon)
    with pytest.raises(KeyboardInterrupt):
        absent.get(timeout=PATIENCE)
    thread.join()
    assert [error.name for error in caught] == ["OPH_EDISCONN"]


def test_a_context_of_another_thread_heeds_ctrl_c(soon, press_ctrl_c):
    made = []
    thread = threading.Thread(target=lambda: made.append(cophyd.Context()))
    thread.start()
    thread.join()
    status = cophyd.Status.new(made[0], "mine")
    press_ctrl_c(soon)
    with pytest.raises(KeyboardInterrupt):
        status.wait()


def test_a_handler_that_goes_on(soon, press_ctrl_c):
    """And uses the library."""
    status, ran = cophyd.Status.new(cophyd.default_context(), "mine"), []

    def handler(_number, _frame):
        ran.append(cophyd.EpicsSignal("p:ticks", name="ticks").get())
        status.set_finished()

    press_ctrl_c(soon)
    signal.signal(signal.SIGINT, handler)
    status.wait(PATIENCE)
    assert status.success and ran[0] > 0


INTERRUPTED = """
import os, signal, threading, cophyd
det = cophyd.PilatusDetector("NoSuch:", name="det")
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
det.wait_for_connection(timeout=600)
"""


def test_a_program_ends_by_ctrl_c(run_python):
    begun = time.monotonic()
    run_python(INTERRUPTED, expect=-signal.SIGINT)
    assert time.monotonic() - begun < PATIENCE / 3


def test_many_threads_use_one_device(det):
    errors = []

    def work(number):
        try:
            for _ in range(50):
                det.cam.acquire_time.get()
                det.cam.attribute("manufacturer").read()
                det.read_configuration()
                cophyd.SoftSignal(name=f"s{number}", value=number).put(1)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []


# --- The end

ENDS = {
    "a live subscription": """
import cophyd
signal = cophyd.EpicsSignal("p:ticks", name="ticks")
seen = threading.Event()
signal.subscribe(lambda **_: seen.set())
assert seen.wait(20)
""",
    "a callback that runs": """
import cophyd
signal = cophyd.EpicsSignal("p:ticks", name="ticks")
seen = threading.Event()
def callback(**_):
    seen.set()
    for _ in range(100):
        signal.get()
signal.subscribe(callback)
assert seen.wait(20)
""",
    "a status that is never done": """
import cophyd
status = cophyd.Status.new(cophyd.default_context(), "mine")
status.add_callback(print)
status.watch(print)
""",
    "a daemon thread in a call": """
import cophyd
absent = cophyd.EpicsSignal("no:such:pv", name="absent")
thread = threading.Thread(target=lambda: absent.get(timeout=1000), daemon=True)
thread.start()
while "/cophyd/" not in sys._current_frames()[thread.ident].f_code.co_filename:
    pass
""",
    "a context that was dropped": """
import gc, cophyd
context = cophyd.Context()
signal = cophyd.EpicsSignal("p:ticks", name="ticks", context=context)
seen = threading.Event()
signal.subscribe(lambda **_: seen.set())
assert seen.wait(20)
del context, signal
gc.collect()
""",
    "an acquisition": """
import detectors
det = detectors.MyPilatus("Pilatus:", name="det")
det.hdf1.set_path_templates("/data/", sys.argv[1])
det.cam.stage_sigs["acquire_time"] = 100
det.stage()
status = det.trigger()
""",
}


@pytest.mark.parametrize("what", ENDS)
def test_the_interpreter_ends(run_python, data, what):
    out = run_python(f"import sys, threading, time\n{ENDS[what]}\nprint('end')", str(data))
    assert out == "end\n"


def test_a_program_that_ends_unstages(run_python, data, det):
    before = det.cam.acquire_time.get_setpoint()
    run_python(f"import sys, threading, time\n{ENDS['an acquisition']}", str(data))
    assert det.cam.acquire_time.get_setpoint() == before
    assert det.cam.acquire.get() == 0 and det.hdf1.capture.get() == 0


# --- Forks


FORK = """
import os, sys, threading
import cophyd, detectors
det = detectors.MyPilatus("Pilatus:", name="det")
signal, seen = cophyd.EpicsSignal("p:ticks", name="ticks"), threading.Event()
signal.subscribe(lambda **_: seen.set())
assert seen.wait(20)
status = cophyd.Status.new(cophyd.default_context(), "mine")
sys.stdout.flush()
pid = os.fork()
if not pid:
    def refused(act):
        try:
            act()
        except cophyd.ForkError as error:
            return
        raise SystemExit(f"{act}: not refused")
    refused(signal.get)
    refused(lambda: signal.put(1))
    refused(lambda: signal.subscribe(print))
    refused(lambda: status.add_callback(print))
    refused(lambda: status.wait(1))
    refused(det.stage)
    refused(det.read)
    refused(lambda: det.cam.acquire_time.get())
    # A context of one's own works.
    assert cophyd.EpicsSignal("p:ticks", name="ticks").get() > 0
    os.write(1, b"child ")
    sys.exit(0)
_, how = os.waitpid(pid, 0)
seen.clear()
assert seen.wait(20), "the parent goes on"
print("parent", os.waitstatus_to_exitcode(how))
"""


def test_fork(run_python):
    assert run_python(FORK) == "child parent 0\n"


OWN_REPEATER = """
import os, socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(("127.0.0.1", 0))
    os.environ.update(EPICS_CA_REPEATER_PORT=str(free.getsockname()[1]), PATH="/nowhere")
"""
ITS_WATCHDOG = """
def threads():
    for name in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{name}/comm") as comm:
            yield comm.read().strip()
while "taskwd" not in threads():
    pass
"""


def test_fork_beside_a_repeater(run_python):
    """Which libca runs in this process where there is no other: libCom's exit handlers wait for a
    thread of it, and the child has none."""
    source = OWN_REPEATER + FORK.replace("pid = os.fork()", f"{ITS_WATCHDOG}pid = os.fork()")
    assert run_python(source) == "child parent 0\n"


UNLOADED = """
import os, sys
import cffi
ffi = cffi.FFI()
ffi.cdef('''
int oph_context_new(void *opt, void **ret, void *err);
void oph_context_free(void *ctx);
int oph_device_new(void *ctx, char *cls, char *prefix, char *name, void **ret, void *err);
int oph_get_double(void *dev, char *path, double *ret, void *err);
''')
ctx, dev, value = ffi.new("void **"), ffi.new("void **"), ffi.new("double *", -1)
N = ffi.NULL
for turn in range(10):
    lib = ffi.dlopen(sys.argv[1], ffi.RTLD_NOW)
    assert not lib.oph_context_new(N, ctx, N)
    assert not lib.oph_device_new(ctx[0], b"CamBase", b"Pilatus:cam1:", b"cam", dev, N)
    assert not lib.oph_get_double(dev[0], b"acquire_time", value, N) and value[0] >= 0
    if turn % 2:
        lib.oph_context_free(ctx[0])  # the others' threads run on
    ffi.dlclose(lib)
    with open("/proc/self/maps") as maps:
        assert "libcophyd.so" in maps.read()
print("end")
"""


def test_the_library_stays(run_python):
    """A host may unload it as others: its threads, and libca's, still have their code."""
    library = BUILD / "lib/libcophyd.so.0"
    assert run_python(UNLOADED, str(library)) == "end\n"


def test_multiprocessing(run_python, tmp_path):
    """A forked worker makes its own devices."""
    program = tmp_path / "program.py"
    program.write_text("""
import multiprocessing, cophyd
def read(pv):
    return cophyd.EpicsSignal(pv, name="x").get()
if __name__ == "__main__":
    assert read("p:ticks") > 0
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(all(value > 0 for value in pool.map(read, ["p:ticks"] * 4)))
""")
    assert run_python(f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')") == (
        "True\n"
    )


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_belongs_to_a_process_has_no_copies(take):
    """Nor pickles, for a process started by spawn; and says so."""
    context = cophyd.Context()
    det = cophyd.PilatusDetector("X:", name="det", context=context)
    signal = cophyd.EpicsSignal("X:a", name="a", context=context)
    soft = cophyd.SoftSignal(name="soft", context=context)
    status = cophyd.Status.new(context, "mine")
    for what in (det, det.cam, det.cam.array_size, det.cam.gain, signal, soft, status, context):
        with pytest.raises(TypeError, match="wanted a copy or a pickle, found what belongs to"):
            take(what)
    assert list(copy.deepcopy(det.read_attrs)) == det.read_attrs  # as metadata
    det.destroy()
    status.set_finished()
