"""make trust: attacks on what the library claims, and what they came to, in one table.

BUILD comes from the Makefile. The short form takes some minutes; with TRUST=long it is the one that
`make soak fuzz` runs, too. Exits with 1 when anything was lost, or a program failed; what failed is
then printed, with the command that repeats it."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

BUILD = os.environ["BUILD"]
LONG = os.environ.get("TRUST") == "long"
PARTS = ["camera", "client", "crash", "delay", "files", "link", "plugin", "put", "readback", "value", "writer"]
LINKS = {"10 ms": "0.005", "100 ms": "0.05", "10 ms, 5 % stalled": "0.005 0.05 0.3 1"}


@dataclass
class Attack:
    """Programs that are one row of the table. `counts` finds its numbers in what they print: name ->
    expression whose groups are added up."""

    name: str
    commands: list
    counts: dict
    environment: dict = field(default_factory=dict)


def test(path, *arguments):
    return [f"{BUILD}/tests/{path}", *map(str, arguments)]


def fault_tables():
    counts = {"faults survived": r"^ok +\d+ - \[\w+\] has (\d+) rows"}
    some = PARTS if LONG else ["camera", "client", "value", "files"]
    yield Attack("each fault in each phase", [test(f"ioc/test_faults_{part}") for part in PARTS], counts)
    for name, link in LINKS.items():
        yield Attack(
            f"the same, link of {name}", [test(f"ioc/test_faults_{part}") for part in some], counts,
            {"COPHYD_LINK": link})


def outside():
    """The same rows, from other processes than one of the library's own tests."""
    everything = {"COPHYD_FAULTS": "all", "BUILD": os.path.abspath(BUILD)}
    yield Attack(
        "the same with the Python package", [["tests/python/check.sh", "-k", "test_faults"]],
        {"faults survived": r"(\d+) passed"}, everything)
    yield Attack(
        "the same with the command", [["tests/cli/test_faults.py"], ["tests/cli/test_faults_link.py"]],
        {"faults survived": r"^# (\d+) rows"}, everything)
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
        "clients killed": r", (\d+) killed",
        "settings recovered": r"; (\d+) settings recovered",
        "frames right": r"; (\d+) frames right",
    }
    seeds = range(1, 41) if LONG else range(1, 3)
    yield Attack("random runs", [test("random/random", seed, 60 if LONG else 40) for seed in seeds], steps)
    yield Attack("random runs that failed once", list(kept()), {"steps": steps["steps"]})
    soak = {"acquisitions": r"^ok +\d+ - (\d+) acquisitions, 0 failed"}
    yield Attack("soak", [test("soak/soak", 100_000 if LONG else 2_000, 0)], soak)
    yield Attack("soak, a simulated day", [test("soak/soak", 86_400 if LONG else 1_200, 1 if LONG else 72)], soak)
    yield Attack(
        "each allocation and call of the system fails",
        [test(f"unit/{name}") for name in
         ("test_failing_memory", "test_failing_calls", "test_failing_frames", "test_doc_failing")],
        {"failures": r": (\d+) failed in turn"})


def fuzz():
    """The targets run by `make`, in their own build."""
    make = ["make", "fuzz" if LONG else "check-fuzz"]
    yield Attack("fuzz targets", [make], {"inputs": r"^# [\w_]+: (\d+) inputs"})


def run(attack):
    """The numbers, and what failed."""
    found, failed = dict.fromkeys(attack.counts, 0), []
    for command in attack.commands:
        with tempfile.TemporaryDirectory(prefix="cophyd-trust-") as state:
            environment = os.environ | attack.environment | {"COPHYD_STATE_DIR": state}
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace")
        for name, pattern in attack.counts.items():
            found[name] += sum(int(n) for n in re.findall(pattern, done.stdout, re.MULTILINE))
        if done.returncode or re.search("^not ok", done.stdout, re.MULTILINE):
            failed.append((command, attack.environment, done.stdout))
    return found, failed


def tell(command, environment, output):
    words = [f"{name}='{value}'" for name, value in environment.items()] + command
    print(f"\nfailed: {' '.join(words)}")
    wrong = re.findall(r"^not ok.*\n(?:#.*\n)*", output, re.MULTILINE)
    print("".join(wrong) or output[-2000:])


def main():
    rows, all_failed = [], []
    for attack in [*attacks(), *fuzz()]:
        print(f"{attack.name}: {len(attack.commands)} programs", file=sys.stderr, flush=True)
        found, failed = run(attack)
        all_failed += failed
        numbers = ", ".join(f"{number:,} {name}" for name, number in found.items())
        empty = not failed and not all(found.values()) and attack.commands
        verdict = f"{len(failed)} failed" if failed else "counted nothing" if empty else "nothing lost"
        rows.append((attack.name, numbers, verdict))
        all_failed += [(["counted", "nothing"], {}, attack.name)] if empty else []
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for failure in all_failed:
        tell(*failure)
    return bool(all_failed)


sys.exit(main())
