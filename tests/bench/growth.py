"""How cost grows with the number of things: the CPU time of our process at sizes over two decades, the exponent
fitted to it, and that of the last three sizes, which no fixed cost hides."""

import json
import math
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass

import report
from ioc import BUILD, serve
from measure import Side, short

MOST = 1.1  # more than this grows faster than its work


@dataclass
class Growth:
    of: str  # what there are more and more of
    sizes: tuple
    ioc: str = "many"
    rounds: int = 5
    command: str = "growth"


def decades(first):
    return tuple(round(first * 10 ** (i / 2)) for i in range(5))


GROWTHS = {
    "construct": Growth("signals in a class text", decades(200)),
    "connect": Growth("signals, connected", decades(200)),
    "read": Growth("signals, read in a group", decades(200)),
    "describe": Growth("signals, read and described", decades(100)),
    "stage": Growth("settings, staged and unstaged", decades(100)),
    "monitors": Growth("signals, an event each", decades(100)),
    "subscribers": Growth("subscribers of one signal, an event each", decades(100)),
    "detectors": Growth("detectors, an acquisition each", decades(1), "instant", 3),
    "frames": Growth("frames, read one by one", decades(500), "files", 5, "frames"),
}


class Grown:
    def __init__(self, name, growth, seconds):
        self.name, self.growth, self.seconds = name, growth, seconds
        self.slope, self.factor = fit(growth.sizes, seconds)
        self.late, _ = fit(growth.sizes[-3:], seconds[-3:])

    def verdict(self):
        return "over" if max(self.slope, self.late) > MOST else "ok"

    def lines(self):
        yield json.dumps({
            "growth": self.name,
            "of": self.growth.of,
            "sizes": self.growth.sizes,
            "cpu_seconds": [short(value) for value in self.seconds],
            "exponent": short(self.slope),
            "late_exponent": short(self.late),
            "bound": MOST,
        })


def fit(sizes, seconds):
    """The exponent and factor of seconds = factor * size ** exponent."""
    slope, offset = statistics.linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds])
    return slope, math.exp(offset)


def measure(name, growth, environment):
    """The least CPU seconds at each size: other processes only add to them."""
    found = {}
    for number in range(growth.rounds):
        for size in growth.sizes[:: -1 if number % 2 else 1]:
            side = Side("ours", [f"{BUILD}/tests/bench/{growth.command}"], f"grow_{name}",
                        environment | {"BENCH_SIZE": str(size)})
            side.round()
            found.setdefault(size, []).append(side.round()[0])
            side.stop()
    return [min(found[size]) for size in growth.sizes]


def run(name, repeater):
    growth = GROWTHS[name]
    growth.rounds = int(os.environ.get("ROUNDS", growth.rounds))
    print(f"growth of {name}: {growth.rounds} rounds", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="cophyd-bench-") as disk:
        ioc = serve(growth.ioc, False, disk, repeater, max(growth.sizes) if name == "detectors" else 1)
        try:
            return Grown(name, growth, measure(name, growth, ioc.environment))
        finally:
            ioc.stop()


def table(grown):
    if not grown:
        return
    header = ["growth", "of", "from", "to", "us CPU each at first", "at last", "exponent", "late", "bound", ""]
    rows = [header]
    for one in grown:
        sizes, seconds = one.growth.sizes, one.seconds
        rows.append([
            one.name, one.growth.of, str(sizes[0]), str(sizes[-1]), f"{seconds[0] / sizes[0] * 1e6:.4g}",
            f"{seconds[-1] / sizes[-1] * 1e6:.4g}", f"{one.slope:.2f}", f"{one.late:.2f}", str(MOST), one.verdict()])
    report.columns(rows)
