"""What the tests of view, graph and doctor share beside cli.py: faults of the simulator, and the
colours on a terminal."""
import os
import re
import sys
import tempfile
import time

import cli

PREFIX = "Pilatus:"
_tap = cli.Tap()


def ok(passed, name, why=""):
    if not _tap.ok(passed, name):
        print("\n".join("# " + line for line in str(why).splitlines()), flush=True)
    return passed


def same(found, wanted, name):
    return ok(found == wanted, name, "wanted %.600r\nfound  %.600r" % (wanted, found))


def same_rows(found, wanted, name):
    """The same for pictures: tells the first pixel that differs."""
    for y, (row, other) in enumerate(zip(found, wanted)):
        for x, (one, two) in enumerate(zip(row, other)):
            if one != two:
                return ok(False, name, "row %d column %d: wanted %r, found %r" % (y, x, two, one))
    sizes = [(len(rows), {len(row) for row in rows}) for rows in (found, wanted)]
    return ok(sizes[0] == sizes[1], name, "found and wanted are of sizes %s" % sizes)


def has(text, words, name):
    """The text has each of these words."""
    missing = [w for w in words if w not in text]
    return ok(not missing, name, "no %s in:\n%s" % (missing, text))


def done():
    sys.exit(_tap.done())


def wait_until(test, what):
    """Asks again and again until it is so."""
    end = time.monotonic() + cli.LIMIT
    while time.monotonic() < end:
        if test():
            return True
    raise SystemExit("Bail out! not in %g s: %s" % (cli.LIMIT, what))


# The simulator's faults, as a device.
FAULTS = """class SimFaults : ADBase
row exposure_fails ExposureFails rw enum config -
row plugin_stuck   PluginStuck   rw text config -
row readback_stays ReadbackStays rw text config -
row clock_offset   ClockOffset   rw float config -
row missing        Missing       rw text config -
class FaultyPilatus : PilatusDetector
dev sim sim1: SimFaults
"""


class Command:
    """The program as a user of these simulators runs it, with a folder for files."""

    def __init__(self, *sims):
        self.environment = {**sims[0].environment, "EPICS_CA_NAME_SERVERS": " ".join(
            sim.environment["EPICS_CA_NAME_SERVERS"] for sim in sims)}
        self.temporary = tempfile.TemporaryDirectory(prefix="cophyd-cli-")
        self.folder = self.temporary.name
        self.faults = self.write("faults.class", FAULTS) + ":FaultyPilatus"

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def start(self, *arguments):
        return cli.start(*arguments, environment=self.environment)

    def run(self, *arguments, environment={}, **options):
        return cli.run(*arguments, environment={**self.environment, **environment}, **options)

    def well(self, *arguments):
        end = self.run(*arguments)
        if end.returncode:
            raise SystemExit("Bail out! %s: %s" % (arguments, end.stderr))
        return end

    def lines(self, *arguments):
        """Its documents."""
        return cli.documents(self.well(*arguments))

    def value(self, path):
        return self.lines("get", "--json", PREFIX, path)[0]["value"]

    def put(self, *settings, of="pilatus"):
        self.well("put", "--class", of, PREFIX, *settings)

    def send(self, setting):
        self.well("put", "--send", PREFIX, setting)

    def fault(self, setting):
        self.put("sim." + setting, of=self.faults)

    def miss(self, record):
        """The IOC comes back without this record: whether the put is answered before is open."""
        self.run("put", "--send", "--class", self.faults, PREFIX, "sim.missing=" + record)


class Screen(cli.Terminal):
    """A terminal whose colours are looked at."""

    def __init__(self, command, *arguments, environment={}, **size):
        colors = {"COLORTERM": "", "NO_COLOR": "", **environment}
        super().__init__(*arguments, environment={**command.environment, **colors}, **size)

    def text(self):
        return self.screen().split("\n")

    def cells(self):
        """Rows of (letter, foreground, background, one of the eight old colours); colours as
        (r, g, b), a number, or None."""
        rows, cells, at, colors = [], [], 0, {38: None, 48: None, 30: None}
        screen = self.tmux("capture-pane", "-e", "-p")
        while at < len(screen):
            found = COLOR.match(screen, at)
            if found:
                _set_colors(colors, [int(n or 0) for n in found.group(1).split(";")])
                at = found.end()
                continue
            if screen[at] == "\n":
                rows.append(cells)
                cells = []
            else:
                cells.append((screen[at], colors[38], colors[48], colors[30]))
            at += 1
        return rows


COLOR = re.compile(r"\x1b\[([0-9;]*)m")


def _set_colors(colors, numbers):
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            colors[38] = colors[48] = colors[30] = None
        elif number in (39, 49):
            colors[number - 1] = None
            colors[30] = None if number == 39 else colors[30]
        elif 30 <= number < 38:
            colors[30] = number
        elif number in (38, 48):
            colors[number] = tuple(numbers[1:4]) if numbers[0] == 2 else numbers[1]
            del numbers[:4 if numbers[0] == 2 else 2]
