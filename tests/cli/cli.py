"""What the tests of the cophyd command share: a simulator, the command in a pipe and in a terminal
(tmux), and TAP."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
COPHYD = f"{BUILD}/bin/cophyd"
SIM = os.environ.get("COPHYD_SIM", f"{BUILD}/bin/cophyd-sim")
LIMIT = 60  # seconds; what takes longer hangs


class Tap:
    """Each line is checked as it comes; done() tells how many there were."""

    count = failed = 0

    def ok(self, good, what):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}", flush=True)
        return bool(good)

    def equal(self, found, wanted, what):
        if not self.ok(found == wanted, what):
            print(f"# found  {found!r}\n# wanted {wanted!r}", flush=True)

    def match(self, pattern, text, what):
        if not self.ok(re.search(pattern, text, re.S | re.M), what):
            for line in [f"wanted {pattern!r} in:", *text.splitlines()]:
                print("#", line, flush=True)

    def done(self):
        print(f"1..{self.count}", flush=True)
        return self.failed != 0


class Simulator:
    """A simulated IOC whose /data is the folder `disk`."""

    def __init__(self, *options):
        self.disk = tempfile.mkdtemp(prefix="cophyd-cli-")
        arguments = ["--port", "auto", "--size", "61x47", "--instant", "--exposure", "0.01"]
        arguments += ["--raw", "/data/raw", "--write-root", f"/data={self.disk}", *options]
        self.process = subprocess.Popen([SIM, *arguments], stdout=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline()
        port = self.ready.rsplit(":", 1)[1].strip()
        self.environment = {
            "EPICS_CA_NAME_SERVERS": f"127.0.0.1:{port}",
            "EPICS_CA_ADDR_LIST": "",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
        }
        self.folders = ["--write-root", "/data", "--read-root", self.disk]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.disk, ignore_errors=True)

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT)

    def start(self, *arguments, **options):
        return start(*arguments, environment=self.environment, **options)

    def run(self, *arguments, **options):
        return run(*arguments, environment=self.environment, **options)

    def settings(self):
        """All settings, as save tells them, but for its heading."""
        told = self.run("save", "Pilatus:", "-")
        assert told.returncode == 0, told.stderr
        return told.stdout.splitlines()[1:]


def start(*arguments, environment={}, **options):
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "text": True, **options}
    return subprocess.Popen([COPHYD, *arguments], env={**os.environ, **environment}, **options)


def run(*arguments, environment={}, **options):
    process = start(*arguments, environment=environment, **options)
    out, err = process.communicate(timeout=LIMIT)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def strict(text):
    """JSON alone: Python's reader takes NaN, too."""

    def refuse(word):
        raise ValueError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def documents(told):
    return [strict(line) for line in told.stdout.splitlines()]


class Terminal:
    """One command in a terminal of its own."""

    def __init__(self, *arguments, environment={}, columns=100, rows=30):
        self.folder = tempfile.mkdtemp(prefix="cophyd-tmux-")
        self.socket = f"{self.folder}/socket"
        fifo = f"{self.folder}/out"
        os.mkfifo(fifo)
        words = {"TERM": "screen-256color", **environment}
        setting = " ".join(f"{key}={shlex.quote(value)}" for key, value in words.items())
        tmux = f"tmux -S {self.socket}"
        command = " ".join(shlex.quote(word) for word in (COPHYD, *arguments))
        script = f"trap : INT; {tmux} wait-for go; env {setting} {command}; echo \"exit $?.\"; {tmux} wait-for end"
        size = ["-x", str(columns), "-y", str(rows)]
        self.tmux("-f", "/dev/null", "new-session", "-d", *size, "sh", "-c", script)
        self.tmux("pipe-pane", "-O", f"cat >{shlex.quote(fifo)}")
        self.stream = open(fifo, encoding="utf-8", errors="replace")
        self.seen = ""
        self.tmux("wait-for", "-S", "go")

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-S", self.socket, *words], env=self.without_tmux(),
                              capture_output=True, text=True, timeout=LIMIT)
        return done.stdout

    def without_tmux(self):
        return {key: value for key, value in os.environ.items() if not key.startswith("TMUX")}

    def until(self, pattern):
        """Reads what is written until it has the pattern; all that was."""
        while not re.search(pattern, self.seen, re.S):
            more = self.stream.read(1)
            if not more:
                break
            self.seen += more
        return self.seen

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def end(self):
        """Waits for the command; its exit status, and all that it wrote."""
        found = re.search(r"exit (\d+)\.", self.until(r"exit \d+\."))
        return int(found[1]) if found else None, self.seen

    def screen(self):
        """What a person sees."""
        return self.tmux("capture-pane", "-p")

    def close(self):
        self.tmux("kill-server")
        self.stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
