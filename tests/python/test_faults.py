"""What goes wrong, by the table that the tests in C have, tests/data/fault_table.txt: the same
errors, the same states, and nothing lost."""

import gc
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

import cophyd
import fault_table
from conftest import BUILD, PATIENCE
from cophyd._library import ffi, lib, text
from cophyd.errors import call
from fault_table import PREFIX, Trouble, difference

ROWS = (0, 3)  # those that the quick run has: from that one on, each third


@pytest.fixture(scope="module")
def ioc():
    made = fault_table.Ioc()
    yield made
    made.close()


@pytest.fixture
def lonely(ioc, monkeypatch, tmp_path):
    """Contexts made now find this IOC alone, by way of the link, and journals are by themselves."""
    for name, value in {**ioc.environment, "COPHYD_STATE_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    ioc.reconnect()
    return ioc


class Cycle:
    """A context and a detector, as a program has that was just started, and one cycle of it: the
    first verb that failed, how, and what unstage says of the rest."""

    def __init__(self, ioc, exposure=0.01):
        self.context = cophyd.Context(
            connect_timeout=2, get_timeout=1, put_timeout=1.5, grace=0.5, stop_timeout=4
        )
        self.context.parse(fault_table.CLASSES, "fault_table.py")
        kind = cophyd.device_class("MyPilatusDetector", self.context)
        self.det = kind(PREFIX, name="det", context=self.context)
        self.det.hdf1.set_path_templates(*ioc.folders)
        self.det.cam.stage_sigs.update(acquire_time=exposure, acquire_period=exposure + 0.005)
        self.det.wait_for_connection(timeout=30)
        self.verb, self.error, self.state, self.left = "-", None, "-", []

    def close(self):
        self.det.destroy()
        del self.det, self.context
        gc.collect()

    def do(self, verb, function):
        """Whether it went well."""
        try:
            function()
        except cophyd.CophydError as error:
            if self.error is None:
                self.verb, self.state = verb, self.det.state
                self.error = error.with_traceback(None)  # its frames would keep the context
            if verb in ("stage", "unstage"):
                self.left = list(error.report)
            return False
        return True

    def acquire(self, begin):
        started = []
        if not self.do("trigger", lambda: (begin("trigger"), started.append(self.det.trigger()))):
            return False
        return self.do("wait", started[0].wait)

    def run(self, begin, told):
        """begin(phase) is called at the start of each; `told` holds what unstage says."""
        begin("before")
        begin("stage")
        if not self.do("stage", self.det.stage):
            return self
        well = self.acquire(begin)
        if well:
            begin("read")
            self.do("read", self.det.read_configuration)
        begin("unstage")
        told.clear()
        if self.do("unstage", self.det.unstage):
            self.left = [record.args[0] for record in told.records if record.name == "cophyd"]
        return self

    def report(self):
        """The names of the PVs in it, as the table lists them."""
        left = list(self.left)
        # A failed stage's report begins with its cause.
        if (
            left
            and self.error
            and str(left[0]) == str(self.error)
            and "put back" not in str(left[0])
        ):
            left.pop(0)
        names = [error.pv.removeprefix(PREFIX) for error in left]
        return "all" if len(names) > 10 else " ".join(names) or "-"


def recover(context):
    """The journals that are there after it."""
    call(lib.oph_recover, context._ptr, ffi.NULL, ffi.NULL, ffi.NULL, ffi.NULL)
    journals = ffi.new("oph_journals **")
    call(lib.oph_journals_find, journals)
    count = lib.oph_journals_count(journals[0])
    files = [text(lib.oph_journals_at(journals[0], i).file) for i in range(count)]
    lib.oph_journals_free(journals[0])
    return files


def outcome(row, cycle):
    """As the table's columns are, as far as the row tells: its words, where the error has them."""
    error = cycle.error
    if error is None:
        return "-", "-", "-", "-", "-", cycle.report()
    pv = row.pv if row.names_pv(error.pv) else error.pv
    words = row.words if row.words in str(error) else str(error)
    return cycle.verb, error.name.removeprefix("OPH_"), pv, words, cycle.state, cycle.report()


def is_as_listed(row, cycle):
    listed = [row, *fault_table.far_rows(row)]
    if not any(outcome(one, cycle) == one[4:] for one in listed):
        assert outcome(row, cycle) == row[4:], [str(error) for error in cycle.left]
    assert cycle.det.state == "idle"


def works_again(ioc, row, before, caplog):
    """What could not be put back while the fault lasted is in the journal."""
    cycle = Cycle(ioc)
    ioc.set_up(row)
    assert recover(cycle.context) == []
    assert difference(before, ioc.setpoints()) == ""
    cycle.run(lambda phase: None, caplog)
    assert cycle.error is None and cycle.left == []
    assert difference(before, ioc.setpoints()) == ""
    cycle.close()


@pytest.mark.parametrize("row", fault_table.rows(*ROWS), ids=str)
def test_fault(lonely, row, caplog):
    caplog.set_level(logging.WARNING, "cophyd")
    before = lonely.setpoints()
    cycle = Cycle(lonely, row.exposure)
    trouble = Trouble(lonely, row)
    traps = []

    def begin(phase):
        if phase == row.phase and phase in fault_table.STRIKES:
            traps.append(trouble.set_trap(phase))
        elif phase == row.phase:
            trouble.begin()

    cycle.run(begin, caplog)
    trouble.end()
    try:
        is_as_listed(row, cycle)
        assert [trap.over.is_set() and trap.error for trap in traps] == [None] * len(traps)
    finally:
        cycle.close()
        lonely.link.until_cut()  # what it put is over
        works_again(lonely, row, before, caplog)


@pytest.fixture
def count(lonely, tmp_path):
    """Starts the command, of the same detector."""
    file, (write, read) = tmp_path / "reference.class", lonely.folders
    file.write_text(f"{fault_table.CLASSES}files hdf1 write={write} read={read}\n")
    words = [BUILD / "bin/cophyd", "count", "--class", file, PREFIX]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return lambda: subprocess.Popen(words, **pipes)


def test_the_command_is_refused(lonely, count):
    before = lonely.setpoints()
    cycle = Cycle(lonely)
    cycle.det.stage()
    other = count()
    _, said = other.communicate(timeout=PATIENCE)
    assert other.returncode == 1 and f"held by process {os.getpid()} (python" in said
    cycle.det.trigger().wait()
    cycle.det.unstage()
    assert difference(before, lonely.setpoints()) == ""
    cycle.close()


def test_refused_for_the_command(lonely, count, caplog):
    before = lonely.setpoints()
    cycle = Cycle(lonely)
    staged, go_on = threading.Event(), threading.Event()
    lonely.link.strike_at([("cam1:Acquire", "1")], lambda: (staged.set(), go_on.wait(PATIENCE)))
    other = count()
    assert staged.wait(PATIENCE)
    with pytest.raises(
        cophyd.CophydError, match=rf"held by process {other.pid} \(cophyd\)"
    ) as caught:
        cycle.det.stage()
    assert caught.value.name == "OPH_EBUSY" and cycle.det.state == "idle"
    go_on.set()
    assert other.communicate(timeout=PATIENCE)[1] == "" and other.returncode == 0
    assert difference(before, lonely.setpoints()) == ""
    cycle.run(lambda phase: None, caplog)
    assert cycle.error is None and difference(before, lonely.setpoints()) == ""
    cycle.close()
