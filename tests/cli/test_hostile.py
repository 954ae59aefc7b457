#!/usr/bin/env -S python3 -B
"""What an IOC says is shown by the command, and never obeyed by the terminal."""

import os
import pty
import re
import subprocess
import sys
import tempfile

from cli import COPHYD, LIMIT, Simulator, Tap, documents

CSI = "\u009b"
ATTACK = f"own\033[2J\033]0;title\a{CSI}5n\u202eed\r"
TAME = "own [2J ]0;title "
OURS = re.compile(r"\033\[(?:0|1|2|3[1235])m")


def terminal(sim, *arguments):
    """All that the command sends to a terminal; it asks nothing of it."""
    master, slave = pty.openpty()
    environment = {**os.environ, **sim.environment, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([COPHYD, *arguments], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                               env=environment)
    os.close(slave)
    said = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # nobody has the other end any more
            more = b""
        if not more:
            break
        said += more
    os.close(master)
    process.wait(LIMIT)
    return said.decode("utf-8", "replace").replace("\r\n", "\n")


def is_tame(tap, text, what):
    """None of what a terminal obeys is left but line ends and our colours."""
    left = re.findall(r"[^\n\t -~\u00a0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\U0010ffff]", OURS.sub("", text))
    tap.equal(left, [], what)


def check_values(tap, sim):
    told = sim.run("put", "Pilatus:", f"hdf1.file_name={ATTACK}")
    tap.equal(told.returncode, 0, "the IOC has it")
    tap.ok(TAME in told.stdout, "put shows its words")
    is_tame(tap, told.stdout + told.stderr, "and put is tame")
    for command in ["get", "put"]:
        words = ["Pilatus:", "hdf1.file_name" + ("=" + ATTACK if command == "put" else "")]
        said = terminal(sim, command, *words)
        tap.ok(TAME in said, f"{command} in a terminal shows its words")
        is_tame(tap, said, f"and {command} is tame there")
    told = sim.run("get", "--json", "Pilatus:", "hdf1.file_name")
    is_tame(tap, told.stdout, "JSON is tame")
    tap.equal(documents(told)[0]["value"], ATTACK, "and exact")
    sim.run("put", "Pilatus:", "hdf1.file_name=\u00b5m")
    told = sim.run("get", "--json", "Pilatus:", "hdf1.file_name")
    tap.ok("\u00b5m" in told.stdout, "JSON has letters as they are")


def check_put_log(tap, sim):
    log = os.path.join(tempfile.mkdtemp(dir=sim.disk), "log")
    sim.run("put", "--log", log, "Pilatus:", f"hdf1.file_name=a{ATTACK}\nforged line")
    sim.run("put", "--log", log, "Pilatus:", "hdf1.file_name=b")
    with open(log, encoding="utf-8") as file:
        text = file.read()
    tap.equal(len(text.splitlines()), 2, "a put is one line of the log")
    is_tame(tap, text, "the log is tame")


def check_commands(tap, sim):
    sim.run("put", "Pilatus:", f"hdf1.nd_array_port={ATTACK}", f"image.nd_array_port={ATTACK}",
            f"hdf1.file_name={ATTACK}")
    for words in [["graph", "Pilatus:"], ["graph", "--dot", "Pilatus:"], ["plan", "Pilatus:"],
                  ["doctor", "Pilatus:"], ["save", "Pilatus:", "-"], ["recover", "--list"]]:
        is_tame(tap, terminal(sim, *words), f"{words[0]} is tame")
    tap.ok("own [2J" in terminal(sim, "graph", "Pilatus:"), "the graph has the port")


def check_watch(tap, sim):
    process = sim.start("watch", "Pilatus:", "hdf1.file_name")
    line = process.stdout.readline()
    process.terminate()
    process.communicate(timeout=LIMIT)
    tap.ok(TAME in line, "watch shows its words")
    is_tame(tap, line, "and watch is tame")


def check_emitted(tap, sim):
    """What is written as a program has the text as text."""
    metadata = '{"x": "\\"); system(\\"touch /tmp/owned\\"); (\\"??/"}'
    told = sim.run("count", "--emit-c", "--metadata", metadata, *sim.folders, "Pilatus:")
    tap.equal((told.returncode, told.stderr), (0, ""), "count --emit-c")
    line = next((line for line in told.stdout.splitlines() if "metadata" in line), "")
    tap.match(r'^    options.metadata = "(?:[^"\\?]|\\[0-7]{3}|\\["\\])*";\Z', line, "metadata stay inside their quotes")


def main():
    tap = Tap()
    with Simulator() as sim:
        check_values(tap, sim)
        check_put_log(tap, sim)
        check_commands(tap, sim)
        check_watch(tap, sim)
        check_emitted(tap, sim)
    return tap.done()


sys.exit(main())
