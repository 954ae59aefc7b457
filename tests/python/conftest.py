"""Simulated IOCs for the tests, and detectors on them."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

BUILD = Path(os.environ["BUILD"])
COLS, ROWS = 61, 47
PATIENCE = 30  # seconds, for a busy machine


class Ioc:
    """A program that serves PVs until the tests end."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().rsplit(" ", 1)[-1].strip()

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def frame(unique_id):
    """The pixels of a frame, as cophyd-sim --help tells them."""
    y, x = np.arange(ROWS)[:, None], np.arange(COLS)
    return (7919 * unique_id + 2500 * y + x) % 1048576


def frames_of(det, points, count):
    """The newest pixels of a detector: points, frames of a point, rows, columns."""
    last = det.cam.unique_id.get()
    ids = range(last - points * count + 1, last + 1)
    pixels = np.array([frame(unique_id) for unique_id in ids], np.int32)
    return pixels.reshape(points, count, ROWS, COLS)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The folder that the simulator sees as /data."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session", autouse=True)
def iocs(data):
    """A Pilatus at Pilatus:, and records of all types at p:. Contexts look where these are."""
    size = f"{COLS}x{ROWS}"
    simulator = Ioc(
        os.environ["COPHYD_SIM"],
        *("--port", "auto", "--size", size, "--instant"),
        *("--raw", "/data/raw", "--write-root", f"/data={data}"),
    )
    plain = Ioc(str(BUILD / "tests/ioc/plain_ioc"), "--port", "auto")
    os.environ.update(
        EPICS_CA_ADDR_LIST=f"{simulator.address} {plain.address}",
        EPICS_CA_AUTO_ADDR_LIST="NO",
    )
    yield
    simulator.stop()
    plain.stop()


@pytest.fixture
def make_detector(data):
    """Makes a Pilatus that writes an HDF5 file, quick and with LazyOpen; unstages it at the end."""
    import detectors

    made = []

    def make(cls=detectors.MyPilatus, name="det", **arguments):
        det = cls("Pilatus:", name=name, **arguments)
        det.hdf1.set_path_templates("/data/%Y/", f"{data}/%Y/")
        made.append(det)
        return det

    yield make
    for det in made:
        det.unstage()
        det.destroy()


@pytest.fixture
def det(make_detector):
    return make_detector()


@pytest.fixture
def fault():
    """Sets a fault of the simulator, and takes it back."""
    import cophyd

    used = []

    def put(name, value):
        record = cophyd.EpicsSignal(f"Pilatus:sim1:{name}", name=name)
        record.put(value)
        used.append(record)

    yield put
    for record in used:
        record.put(0 if not isinstance(record.get(), str) else "")


class Calls:
    """A callback that notes its calls, and lets one wait for them."""

    def __init__(self):
        self.all = []
        self.changed = threading.Condition()

    def __call__(self, *arguments, **named):
        with self.changed:
            self.all.append(arguments[0] if arguments else named)
            self.changed.notify_all()

    def wait_for(self, test):
        """Until test(calls)."""
        with self.changed:
            assert self.changed.wait_for(lambda: test(self.all), PATIENCE), self.all

    def values(self):
        return [call["value"] for call in self.all]


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def press_ctrl_c():
    """Does so once a status is done, as a user whom what began has reminded of something."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    threads = []

    def when(status):
        def wait():
            status.wait()
            os.kill(os.getpid(), signal.SIGINT)

        threads.append(threading.Thread(target=wait))
        threads[-1].start()

    yield when
    for thread in threads:
        thread.join(PATIENCE)
    signal.signal(signal.SIGINT, former)


def heed_ctrl_c():
    """Which is ignored where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def run_python():
    """Runs a program in a Python of its own, which has to end by itself."""

    def run(source, *arguments, expect=0):
        here = str(Path(__file__).parent)
        path = os.pathsep.join([here, os.environ["PYTHONPATH"]])
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", source, *arguments],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=heed_ctrl_c,
        )
        try:
            out, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGABRT)  # it, and its children, say where they are
            out, errors = process.communicate()
        assert process.returncode == expect, out + errors
        return out

    return run
