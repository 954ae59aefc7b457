"""make trust: attacks on what the library claims, and what they came to, in one table.

BUILD comes from the Makefile. The short form takes some minutes; with TRUST=long it is the one that
`make soak fuzz` runs, too. Arguments choose rows by a part of their name. Exits with 1 when anything
was lost, or a program failed; what failed is then printed, with the command that repeats it."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

BUILD = os.environ["BUILD"]
LONG = os.environ.get("TRUST") == "long"
PARTS = "camera client crash delay files link plugin put readback value writer".split()
LIMIT = 36_000 if LONG else 900  # seconds that a program may take
WORKERS = 5 * os.cpu_count()  # most programs wait most of the time
LINKS = {"10 ms": "0.005", "100 ms": "0.05", "10 ms, 5 % stalled": "0.005 0.05 0.3 1"}


@dataclass
class Attack:
    """Programs that are one row of the table. `counts` finds its numbers in what they print: name ->
    expression whose groups are added up."""

    name: str
    commands: list
    counts: dict
    environment: dict = field(default_factory=dict)
    busy: bool = False  # all cores are, with something else


def test(path, *arguments):
    return [f"{BUILD}/tests/{path}", *map(str, arguments)]


def fault_tables():
    counts = {"faults survived": r"^ok +\d+ - \[\w+\] has (\d+) rows"}
    # The delays of that part are those of an IOC near by.
    some = [part for part in PARTS if part != "delay"] if LONG else ["camera", "client", "value", "files"]
    yield Attack("each fault in each phase", [test(f"ioc/test_faults_{part}") for part in PARTS], counts)
    for name, link in LINKS.items():
        yield Attack(
            f"the same, link of {name}", [test(f"ioc/test_faults_{part}") for part in some], counts,
            {"COPHYD_LINK": link})
    yield Attack(
        "the same, all cores busy", [test(f"ioc/test_faults_{part}") for part in some], counts, busy=True)


def outside():
    """The same rows, from other processes than one of the library's own tests."""
    pytest = [f"{BUILD}/python-venv/bin/python", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    pytest += ["-k", "test_fault[", "tests/python/test_faults.py"]
    lost = ["crash", "delay", "link", "plugin", "writer"]
    command = {part: f"tests/cli/test_faults{'_link' if part in lost else ''}.py" for part in PARTS}
    environment = {"BUILD": os.path.abspath(BUILD), "PYTHONPATH": f"{BUILD}/python"}
    yield Attack(
        "the same with the Python package", [["env", f"COPHYD_FAULTS={part}", *pytest] for part in PARTS],
        {"faults survived": r"^(\d+) passed"}, environment)
    yield Attack(
        "the same with the command", [["env", f"COPHYD_FAULTS={part}", command[part]] for part in PARTS],
        {"faults survived": r"^# (\d+) rows"}, environment)
    yield Attack(
        "two clients at once", [["tests/cli/test_two_clients.py"]], {"refused": r"^# (\d+) of"})


def outside_far():
    """Those over a slow link: the table's, part by part."""
    pytest = [f"{BUILD}/python-venv/bin/python", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    pytest += ["-k", "line", "tests/python/test_faults.py"]
    lost = ["crash", "delay", "link", "plugin", "writer"]
    for name, link in LINKS.items() if LONG else ():
        environment = {
            "BUILD": os.path.abspath(BUILD), "PYTHONPATH": f"{BUILD}/python", "COPHYD_LINK": link}
        yield Attack(
            f"the same with the Python package, link of {name}",
            [["env", f"COPHYD_FAULTS={part}", *pytest] for part in PARTS],
            {"faults survived": r"^(\d+) passed"}, environment)
        yield Attack(
            f"the same with the command, link of {name}",
            [["env", f"COPHYD_FAULTS={part}", f"tests/cli/test_faults{'_link' if part in lost else ''}.py"]
             for part in PARTS],
            {"faults survived": r"^# (\d+) rows"}, environment)


def kept():
    """Steps that failed once."""
    with open("tests/random/kept.txt") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                seed, step = line.split()[:2]
                yield test("random/random", seed, step, step)


def attacks():
    yield from fault_tables()
    yield from outside()
    yield from outside_far()
    steps = {
        "steps": r"seed \d+: (\d+) steps",
        "kills": r", (\d+) killed",
        "settings back": r"; (\d+) settings recovered",
        "frames right": r"; (\d+) frames right",
    }
    seeds = range(1, 41) if LONG else range(1, 3)
    yield Attack("random runs", [test("random/random", seed, 60 if LONG else 40) for seed in seeds], steps)
    yield Attack("random runs that failed once", list(kept()), {"steps": steps["steps"]})
    soak = {"acquisitions": r"^ok +\d+ - (\d+) acquisitions, 0 failed"}
    yield Attack("soak", [test("soak/soak", 100_000 if LONG else 2_000, 0)], soak)
    day = (86_400, 1) if LONG else (1_200, 72)
    yield Attack("soak, a simulated day", [test("soak/soak", *day)], soak)
    yield Attack(
        "allocations and system calls fail",
        [test(f"unit/{name}") for name in
         ("test_failing_memory", "test_failing_calls", "test_failing_frames", "test_doc_failing")],
        {"failures": r": (\d+) failed in turn"})
    yield Attack(
        "damaged HDF5 files", [test("unit/test_frames_mutants")], {"files": r"^# (\d+) mutants"},
        {"MUTANTS": "3000"})


def fuzz():
    """The targets run by `make`, in their own build."""
    make = ["make", "fuzz" if LONG else "check-fuzz"]
    yield Attack("fuzz targets", [make], {"inputs": r"^# [\w_]+: (\d+) inputs"})


one_busy = threading.Lock()


@contextlib.contextmanager
def busy_cores():
    """One at a time: more would be another attack."""
    with one_busy:
        spinning = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
        try:
            yield
        finally:
            for process in spinning:
                process.kill()
                process.wait()


def run(attack, command):
    """What the program printed, its exit status, and seconds of CPU that it took."""
    with contextlib.ExitStack() as stack:
        if attack.busy:
            stack.enter_context(busy_cores())
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="cophyd-trust-"))
        process = subprocess.Popen(
            ["timeout", "-k", "5", str(LIMIT), *command],
            env=os.environ | attack.environment | {"COPHYD_STATE_DIR": state}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return output, process.returncode, used.ru_utime + used.ru_stime


def collect(attack, results):
    """The numbers, and what failed."""
    found, failed, cpu = dict.fromkeys(attack.counts, 0), [], 0
    for command, result in zip(attack.commands, results):
        output, status, seconds = result.result()
        cpu += seconds
        for name, pattern in attack.counts.items():
            found[name] += sum(int(n) for n in re.findall(pattern, output, re.MULTILINE))
        if status == 124:
            output += f"did not end within {LIMIT} s\n"
        if status or re.search("^not ok", output, re.MULTILINE):
            failed.append((command, attack.environment, output))
    print(f"{attack.name}: {len(attack.commands)} programs, {cpu:.0f} s of CPU", file=sys.stderr, flush=True)
    return found, failed


def tell(command, environment, output):
    """All that it printed is kept, too."""
    os.makedirs(f"{BUILD}/trust", exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=f"{BUILD}/trust", suffix=".log", delete=False) as kept:
        kept.write(output)
    words = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
    print(f"\nfailed: {shlex.join(words)}\nsee {kept.name}")
    wrong = re.findall(r"^not ok.*\n(?:#.*\n)*", output, re.MULTILINE)
    print("".join(wrong) or output[-2000:])


def run_all(rows):
    """[(attack, found, failed)]: together, but for those that take all cores for themselves."""
    with ThreadPoolExecutor(WORKERS) as pool:
        running = {
            attack.name: [pool.submit(run, attack, command) for command in attack.commands]
            for attack in rows}
        return [(attack, *collect(attack, running[attack.name])) for attack in rows]


def main(chosen):
    begun = time.monotonic()
    rows, all_failed = [], []

    def is_chosen(attack):
        return attack.commands and (not chosen or any(word in attack.name for word in chosen))

    for attack, found, failed in (
            done for part in (attacks(), fuzz()) for done in run_all([*filter(is_chosen, part)])):
        all_failed += failed
        numbers = ", ".join(f"{number:,} {name}" for name, number in found.items())
        empty = not failed and not all(found.values())
        verdict = f"{len(failed)} failed" if failed else "counted nothing" if empty else "nothing lost"
        rows.append((attack.name, numbers, verdict))
        all_failed += [(["false"], {}, f"{attack.name}: counted nothing")] if empty else []
    if not rows:
        sys.exit("no attack has such a name")
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print(f"{len(rows)} attacks in {(time.monotonic() - begun) / 60:.0f} minutes")
    for failure in all_failed:
        tell(*failure)
    return bool(all_failed)


sys.exit(main(sys.argv[1:]))
