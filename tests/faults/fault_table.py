"""tests/data/fault_table.txt, whose head tells what it is, for tests outside of C: its rows, the
reference detector on a simulator behind a link, and what goes wrong there."""

import csv
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from ca import LABELS_OR_LIMITS, PATIENCE, VALUES_WITH_TIMES, Client, Link

SOURCE = Path(__file__).resolve().parents[2]
PREFIX = "Pilatus:"
DISK = "/mnt/fileserver/data"

# The detector of tests/lib/detector.c. What the IOC has as DISK is here another folder.
CLASSES = """class MyPilatusDetectorCam : PilatusDetectorCam
row   wait_for_plugins WaitForPlugins rw enum config
class MyHDF5Plugin : HDF5Plugin@3.4 FileStoreHDF5IterativeWrite
class MyPilatusDetector : SingleTrigger DetectorBase
dev   cam   cam1:   MyPilatusDetectorCam
dev   image image1: ImagePlugin
dev   hdf1  HDF1:   MyHDF5Plugin
stage cam   image_mode=Single num_images=1 wait_for_plugins=Yes
stage cam   acquire_time=0.01 acquire_period=0.015
stage hdf1  lazy_open=1 compression=LZ4 file_template="%s%s_%3.3d.h5"
"""

# Where what begins in the middle begins: at the last of these messages. In the trigger it is held
# up after it, else before it.
STRIKES = {
    "stage": [("HDF1:FileName", None)],
    "trigger": [("cam1:Acquire", "1")],
    "unstage": [("HDF1:Capture", None)],
}
# The same in a process that cannot be told to wait between its calls: the stage begins with what
# the settings were, and the configuration is the first that wants labels after the acquisition.
STRIKES_FROM_OUTSIDE = {
    "before": [("cam1:Acquire", VALUES_WITH_TIMES)],
    "stage": STRIKES["stage"],
    "trigger": STRIKES["trigger"],
    "read": [("cam1:Acquire", "1"), ("HDF1:DataType_RBV", LABELS_OR_LIMITS)],
    "unstage": [("cam1:Acquire", "1"), ("HDF1:Capture", "0")],
}
# A client that unstages has stopped what ran, and put nothing back.
FIRST_BACK = [("cam1:Acquire", "1"), ("HDF1:Capture", "0"), ("HDF1:Compression", None)]
# All originals but the last are with a client that stages.
LAST_ORIGINAL = [("cam1:Acquire", VALUES_WITH_TIMES), ("HDF1:Compression_RBV", VALUES_WITH_TIMES)]
CUTS = (
    "Crash",
    "Restart",
    "RestartSaved",
    "Disconnect",
)  # and are over when the IOC is there again
MOVE_BY_THEMSELVES = (
    "ArrayCounter",
    "DroppedArrays",
    "SetAcquireBusy",
    "ClearAcquireBusy",
    "cam1:FileNumber",
)


class Row(NamedTuple):
    line: int
    part: str
    fault: str
    phase: str
    verb: str
    code: str
    pv: str
    words: str
    state: str
    left: str

    def __str__(self):
        return f"line {self.line}: {self.fault}, from {self.phase} on"

    @property
    def exposure(self):
        """Long enough for something to happen in it, or to last until the trigger."""
        if self.fault == "Client cam1:Acquire Acquire" and self.phase == "stage":
            return 2
        return 0.5 if self.fault.startswith("AbortAfter") or self.phase == "trigger" else 0.01

    def names_pv(self, pv):
        """ "cam1:*": of many that are lost at once, whichever is found first."""
        stem, star, _ = self.pv.partition("*")
        return pv.startswith(PREFIX + stem) if star else pv == PREFIX + self.pv


def read_rows(name):
    part = ""
    with open(SOURCE / name) as table:
        for number, line in enumerate(table, 1):
            if line.startswith("["):
                part = line.strip("[]\n")
            elif line.strip() and not line.startswith("#"):
                yield Row(number, part, *(column.strip() for column in line.split("|")))


def all_rows():
    return read_rows("tests/data/fault_table.txt")


def far_rows(row):
    """What else may come of it over a slow link (COPHYD_LINK): tests/data/fault_table_far.txt."""
    if "COPHYD_LINK" not in os.environ:
        return []
    found = read_rows("tests/data/fault_table_far.txt")
    return [far for far in found if (far.fault, far.phase) == (row.fault, row.phase)]


def rows(first, step):
    """Some, the same each time; with COPHYD_FAULTS all that are of this part, "all" of them all."""
    part = os.environ.get("COPHYD_FAULTS")
    found = list(all_rows())
    if not part:
        return found[first::step]
    return [row for row in found if part in ("all", row.part)]


class Far:
    """A slow link to a port of this machine: tests/link/far.c, with its options."""

    def __init__(self, port, options):
        words = [Path(os.environ.get("BUILD", SOURCE / "build"), "tests/link/far"), str(port)]
        self.process = subprocess.Popen(
            [*words, *options.split()], stdout=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().split()[-1]

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Ioc:
    """The simulator, and the link to it, which is slow with COPHYD_LINK="SECONDS [SHARE STALL
    SEED]"; what is at DISK there is in the folder `disk`. Its own client is beside it."""

    def __init__(self):
        self.disk = tempfile.mkdtemp(prefix="cophyd-disk-")
        self.port = "auto"
        self._start()
        self.link = Link(self.port)
        self.far = None
        if "COPHYD_LINK" in os.environ:
            self.far = Far(self.link.port, os.environ["COPHYD_LINK"])
        self.client = Client(self.port)
        self._setpoints = self._find_setpoints()
        self.set_up()

    def _start(self):
        words = [os.environ["COPHYD_SIM"], "--port", str(self.port), "--size", "64x48", "--instant"]
        words += ["--raw", f"{DISK}/raw", "--write-root", f"{DISK}={self.disk}"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def close(self):
        self.client.close()
        if self.far:
            self.far.close()
        self.link.close()
        self.resume()
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        shutil.rmtree(self.disk, ignore_errors=True)

    @property
    def environment(self):
        """Of processes that are to find this IOC alone, by way of the link."""
        address = self.far.address if self.far else f"127.0.0.1:{self.link.port}"
        return {
            "EPICS_CA_NAME_SERVERS": address,
            "EPICS_CA_ADDR_LIST": "",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
        }

    @property
    def folders(self):
        """As the IOC names them, and as we do."""
        return [f"{root}/test/pilatus/%Y/%m/%d/" for root in (DISK, self.disk)]

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self._start()

    def reconnect(self):
        self.client.close()
        self.client = Client(self.port)

    def _find_setpoints(self):
        """All that can be written, of the camera and the plugins."""
        with open(SOURCE / "src/sim/data/records.csv") as file:
            records = sorted(
                {
                    row["record"]
                    for row in csv.DictReader(file)
                    if row["rtype"] in ("ao", "bo", "mbbo", "longout", "stringout", "busy")
                    or row["dtyp"] == "asynOctetWrite"
                }
            )
        names = [
            f"{device}{record}" for device in ("cam1:", "image1:", "HDF1:") for record in records
        ]
        return [
            name
            for name in self.client.find(names)
            if not any(name.endswith(mover) for mover in MOVE_BY_THEMSELVES)
        ]

    def setpoints(self):
        return self.client.get_all(self._setpoints)

    def set_up(self, row=None):
        """What the operator of a real one would do."""
        # What an acquisition may take shall not take long here.
        self.client.put_complete("cam1:ImageFileTmot", "1")
        # Nothing else ends a put that is stuck.
        if row and row.fault.startswith("PutStuck"):
            self.client.put("cam1:Acquire", "Done")
            self.client.put_complete("cam1:AcquireBusy", "Done")


def difference(before, after):
    """ "" when they are the same."""
    changed = [
        f"{name} was {before[name]!r} and is {after.get(name)!r}"
        for name in before
        if after.get(name) != before[name]
    ]
    return "\n".join(changed)


class Trouble:
    """What goes wrong in a row, made by another client or to the IOC's process."""

    def __init__(self, ioc, row):
        self.ioc, self.row = ioc, row
        self.is_client = row.fault.startswith("Client ")
        if self.is_client:
            _, self.name, self.value = row.fault.split(" ", 2)
            self.before = ioc.client.get(self.name)
        else:
            fault, _, value = row.fault.partition("=")
            self.name, self.value = f"sim1:{fault}", value or "1"
        self.record = "" if self.is_client else self.name.removeprefix("sim1:")

    def await_acquisition(self):
        """That one that was asked for has begun, or has ended."""
        asked = {"cam1:Acquire": "Acquire", "cam1:Acquire_RBV": "Done"}
        limit = time.monotonic() + PATIENCE
        while self.ioc.client.get_all(asked) == asked:
            if time.monotonic() > limit:
                raise TimeoutError("cam1:Acquire is Acquire, and nothing acquires")

    def begin(self):
        """What was asked for before it has arrived at the IOC."""
        client = self.ioc.client
        if self.record == "PutStuck":  # and not a put to it that came before
            client.until(f"{self.value}.PACT", "")
        if self.record == "Pause":
            self.ioc.pause()
        elif self.record in (*CUTS, "Missing"):
            client.put_last(self.name, self.value)
            self.ioc.link.until_cut()
        elif self.is_client and self.name in ("cam1:Acquire", "HDF1:Capture"):
            client.put(self.name, self.value)
            if self.name == "HDF1:Capture":  # there is no frame yet, so that it cannot open a file
                client.until(self.name, "Done")
            else:
                self.await_acquisition()
        else:
            client.put_complete(self.name, self.value)
            if self.record == "SomebodyElse":
                client.until("cam1:Acquire_RBV", "Acquiring")

    def begin_in_exposure(self):
        self.ioc.client.until("cam1:Armed", "Armed")  # with its settings
        self.begin()

    def set_trap(self, phase, strikes=STRIKES):
        """Begins it at that point."""
        begin = self.begin_in_exposure if phase == "trigger" else self.begin
        return self.ioc.link.strike_at(strikes[phase], begin, after=phase == "trigger")

    def end(self):
        """Also where it never began."""
        self.ioc.link.disarm()
        if self.record == "Pause":
            self.ioc.resume()
        elif self.record == "Crash":
            self.ioc.restart()
        self.ioc.reconnect()
        if self.is_client:
            self.ioc.client.put_complete(self.name, self.before)
        elif self.record == "Missing":
            self.ioc.client.put_last(self.name, "")
            self.ioc.reconnect()
        elif self.record not in (*CUTS, "Pause"):
            is_text = self.value.strip("0123456789.") != ""
            self.ioc.client.put(self.name, "" if is_text else "0")
