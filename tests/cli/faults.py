"""tests/data/fault_table.txt with the cophyd command: count, while something goes wrong; recover;
count again. Each row is hit from outside, by the link between the process and the IOC."""

import os
import sys
import tempfile

from cli import Tap, documents, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../faults"))

import fault_table  # noqa: E402
from fault_table import PREFIX, STRIKES_FROM_OUTSIDE, Trouble, difference  # noqa: E402

ROWS = (1, 6)  # those that the quick run has: from that one on, each sixth


class Command:
    """The command as its user has it, who has a folder for journals and a class file."""

    def __init__(self, ioc):
        self.folder = tempfile.TemporaryDirectory(prefix="cophyd-faults-")
        self.file = f"{self.folder.name}/reference.class"
        with open(self.file, "w") as out:
            write, read = ioc.folders
            out.write(f"{fault_table.CLASSES}files hdf1 write={write} read={read}\n")
        self.environment = {**ioc.environment, "COPHYD_STATE_DIR": f"{self.folder.name}/state"}

    def run(self, *words):
        return run(*words, environment=self.environment)

    def count(self, exposure, *words):
        settings = [f"cam.acquire_time={exposure}", f"cam.acquire_period={exposure + 0.005}"]
        sets = [word for setting in settings for word in ("--set", setting)]
        return self.run("count", "--json", "--class", self.file, PREFIX, *sets, *words)


def patience(row):
    """What each step may take: little where it will take all of it."""
    is_lost = row.code in ("ETIMEOUT", "EDISCONN") or row.fault in ("Pause", "ReplyDelay=3")
    return "2" if is_lost else "10"


def expected(row):
    """The code, the PV and the sentence, as the table has them but for what a count does otherwise."""
    if row.verb == "wait" and row.code == "ETIMEOUT":  # --timeout ends it, and not the IOC
        return row.code, "", "det: wanted done, found still running"
    if row.code == "EDISCONN" and row.phase == "before":  # it has asked already
        return row.code, PREFIX + row.pv, "wanted a value, found Virtual circuit disconnect"
    if row.verb == "read":  # it needs PVs that were not asked for before
        return "EDISCONN", None, "wanted a connection, found the PV is not connected"
    return row.code, PREFIX + row.pv, row.words


def as_it_came(row, error, said):
    """Over a slow link another thing may come of it."""
    for one in fault_table.far_rows(row):
        if error.get("code") == f"OPH_{one.code}" and one.words in said:
            return one
    return row


def check_told(tap, row, told):
    """The exit status, the error of the result, and the sentences for people."""
    result = documents(told)[-1] if told.stdout else {}
    error = result.get("error") or {}
    row = as_it_came(row, error, told.stderr)
    code, pv, words = expected(row)
    is_unanswered = code == "EDISCONN" or "no answer from the IOC" in words
    status = 0 if code == "-" else 3 if is_unanswered else 1
    tap.equal(told.returncode, status, "  the exit status")
    tap.equal((error.get("code") or "-").removeprefix("OPH_"), code, "  the code")
    if code == "-":
        tap.equal(result.get("result"), "done", "  it is done")
    else:
        is_its = pv in (None, error.get("pv"))
        if not tap.ok(is_its and words in told.stderr, "  the PV and the sentence"):
            print(f"# wanted {pv} | {words}\n# found  {error} ", flush=True)
    named = [name for name in row.left.split() if name not in ("-", "all")]
    tap.equal([name for name in named if PREFIX + name not in told.stderr], [], "  what is left is named")
    if row.left == "-":
        claimed = "all settings are as before" in told.stderr
        tap.equal(claimed, code != "-", "  and nothing else")


def check_row(tap, ioc, command, row, before):
    trouble = Trouble(ioc, row)
    trap = trouble.set_trap(row.phase, STRIKES_FROM_OUTSIDE)
    told = command.count(row.exposure, "--timeout", patience(row))
    trouble.end()
    ioc.link.until_cut()  # what the command put is over
    tap.ok(trap.over.is_set() and not trap.error, f"{row}")
    if trap.error:
        print(f"# {trap.error!r}", flush=True)
    check_told(tap, row, told)
    ioc.set_up(row)
    changed = difference(before, ioc.setpoints())
    admitted = f"cophyd recover {PREFIX} puts back" in told.stderr
    tap.ok(not changed or admitted, "  what is changed can be put back, and it says so")
    again = command.run("recover", PREFIX)
    tap.equal((again.returncode, again.stderr), (0, ""), "  recover")
    tap.equal(command.run("recover").stdout, "nothing is left\n", "  nothing is left")
    tap.equal(difference(before, ioc.setpoints()), "", "  all settings are as before")
    again = command.count(0.01)
    tap.equal((again.returncode, again.stderr), (0, ""), "  the next count works")
    tap.equal(difference(before, ioc.setpoints()), "", "  and leaves nothing changed")


def main(parts):
    tap = Tap()
    ioc = fault_table.Ioc()
    command = Command(ioc)
    before = ioc.setpoints()
    rows = [row for row in fault_table.rows(*ROWS) if row.part in parts]
    for row in rows:
        ioc.reconnect()
        check_row(tap, ioc, command, row, before)
    print(f"# {len(rows)} rows", flush=True)
    ioc.close()
    return tap.done()
