"""What the tests of the command share: checks, simulators, the program in a pipe and in a terminal."""
import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

BIN = os.path.join(os.path.abspath(os.environ.get("BUILD", "build")), "bin")
COPHYD = os.path.join(BIN, "cophyd")

# --- TAP

_count = 0
_failed = 0


def ok(passed, name, why=None):
    global _count, _failed
    _count += 1
    print(("ok" if passed else "not ok"), _count, "-", name)
    if not passed:
        _failed += 1
        for line in str(why if why is not None else "").split("\n"):
            print("#", line)
    sys.stdout.flush()
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
    print("1..%d" % _count)
    sys.exit(1 if _failed else 0)


def wait_until(test, what, seconds=30):
    """Asks again and again until it is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return True
        time.sleep(0.05)
    raise SystemExit("Bail out! not in %g s: %s" % (seconds, what))


# --- The simulator

class Sim:
    """A simulated IOC with folders of its own: /data at the IOC is `data` here."""

    def __init__(self, *arguments, size="48x20", instant=True, raw=True, prefix="Pilatus:"):
        self.folder = tempfile.mkdtemp(prefix="cophyd-cli-")
        self.data = os.path.join(self.folder, "data")
        self.raw = os.path.join(self.folder, "raw")
        os.mkdir(self.data)
        self.prefix = prefix
        atexit.register(shutil.rmtree, self.folder, True)
        command = [os.environ.get("COPHYD_SIM", os.path.join(BIN, "cophyd-sim")), "--port", "auto",
                   "--size", size, "--prefix", prefix, "--write-root", "/data=" + self.data]
        command += ["--raw", self.raw] if raw else []
        command += ["--instant"] if instant else []
        self.errors = open(os.path.join(self.folder, "errors"), "w+")
        self.process = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"ready on (\S+)", line)
        if not found:
            self.errors.seek(0)
            raise SystemExit("Bail out! the simulator: %s%s" % (line, self.errors.read()))
        self.address = found.group(1)
        self.roots = ["--write-root", "/data", "--read-root", self.data]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()
        self.errors.close()


# The simulator's faults, and what else of it no class has.
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
    """The program as a user of these simulators runs it."""

    def __init__(self, *sims):
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("EPICS_CA") and k not in ("NO_COLOR", "COLORTERM")}
        self.env.update(EPICS_CA_NAME_SERVERS=" ".join(s.address for s in sims),
                        EPICS_CA_ADDR_LIST="", EPICS_CA_AUTO_ADDR_LIST="NO", TZ="UTC", LC_ALL="C")
        self.folder = tempfile.mkdtemp(prefix="cophyd-cli-")
        atexit.register(shutil.rmtree, self.folder, True)
        self.faults = self.write("faults.class", FAULTS)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def start(self, *arguments, **more):
        return subprocess.Popen([COPHYD, *arguments], env={**self.env, **more.pop("env", {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **more)

    def run(self, *arguments, text=True, env={}):
        return subprocess.run([COPHYD, *arguments], env={**self.env, **env},
                              stdin=subprocess.DEVNULL, capture_output=True, text=text, timeout=100)

    def lines(self, *arguments):
        """Its documents, of a call that works."""
        end = self.run(*arguments)
        if end.returncode:
            raise SystemExit("Bail out! %s: %s" % (arguments, end.stderr))
        return [json.loads(line) for line in end.stdout.splitlines()]

    def put(self, prefix, *settings, of="pilatus"):
        end = self.run("put", "--class", of, prefix, *settings)
        if end.returncode:
            raise SystemExit("Bail out! put %s: %s" % (settings, end.stderr))

    def fault(self, prefix, *settings):
        self.put(prefix, *["sim." + s for s in settings], of=self.faults + ":FaultyPilatus")


# --- A terminal

class Terminal:
    """A shell in tmux, of this size."""

    def __init__(self, command, columns=80, rows=24, env={}):
        self.rows = rows
        atexit.register(self.close)
        self.socket = os.path.join(tempfile.mkdtemp(prefix="cophyd-tmux-"), "socket")
        drop = [w for name in ("COLORTERM", "NO_COLOR") if name not in env for w in ("-u", name)]
        words = ["env", *drop, *["%s=%s" % pair for pair in env.items()], "PS1=$ ", "bash", "--norc"]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                   *words, env=command.env)
        self.marks = 0
        self.run("clear")

    def _tmux(self, *words, env=None):
        return subprocess.run(["tmux", "-u", "-S", self.socket, *words], env=env, check=True,
                              capture_output=True, text=True, timeout=60).stdout

    def type(self, *keys):
        self._tmux("send-keys", *keys)

    def run(self, line):
        """Types a line, and waits until its command has ended. Its exit code."""
        self.marks += 1
        code = self.socket + ".code"
        self.type("%s; echo $? >%s; tmux -S %s wait-for -S m%d" %
                  (line, code, self.socket, self.marks), "Enter")
        self._tmux("wait-for", "m%d" % self.marks)
        with open(code) as file:
            return int(file.read())

    def text(self):
        return self._tmux("capture-pane", "-p").split("\n")[:self.rows]

    def cells(self):
        """Rows of (letter, foreground, background, one of the eight old colours); colours as
        (r, g, b), a number, or None."""
        rows, cells, at, colors = [], [], 0, {38: None, 48: None, 30: None}
        screen = self._tmux("capture-pane", "-e", "-p")
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

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)
        shutil.rmtree(os.path.dirname(self.socket), True)


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
