"""Rounds of a bench: each side in turn, each round in the other direction, so that what disturbs the machine
for a while disturbs both of a pair."""

import json
import statistics
import subprocess
import time

from ioc import Failure

PATIENCE = 120  # seconds for one round
EVENTS_PER_SECOND = 20000  # of the IOC "events"


class Side:
    """A side's process. `there` is false where the side has no such bench."""

    def __init__(self, side, command, bench, environment):
        self.process = subprocess.Popen(
            ["timeout", str(20 * PATIENCE)] + command + [bench], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.what = f"{side} {bench}"
        self.there = self.answer(("ready", "none")) == "ready"

    def answer(self, wanted=None):
        line = self.process.stdout.readline().strip()
        if not line or wanted and line not in wanted:
            raise Failure(f"wanted an answer of {self.what}, found {line!r}")
        return line

    def round(self):
        print("go", file=self.process.stdin, flush=True)
        value, rate = self.answer().split()
        return float(value), float(rate)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Program:
    """A side that is a program of its own: a round is from its start to its first line."""

    there = True

    def __init__(self, side, command, bench, environment):
        self.what, self.command, self.environment = f"{side} {bench}", command, environment

    def round(self):
        started = time.perf_counter()
        with subprocess.Popen(["timeout", str(PATIENCE)] + self.command, env=self.environment,
                              stdout=subprocess.PIPE, text=True) as process:
            line = process.stdout.readline()
            took = time.perf_counter() - started
            process.stdout.read()
        if not line.strip() or process.returncode:
            raise Failure(f"wanted a line of {self.what}, found {line!r}")
        return took, 0

    def stop(self):
        pass


def measure(name, bench, environment):
    """side -> [(value, rate), one a round]"""
    found, sides, absent = {}, {}, set()
    start = Program if bench.programs else Side
    environment = dict(environment, BENCH_SIZE=str(bench.size))
    try:
        for number in range(bench.rounds + 1):
            for side in list(bench.sides)[:: -1 if number % 2 else 1]:
                if side in absent:
                    continue
                if side not in sides:
                    sides[side] = start(side, bench.sides[side], bench.what or name, environment)
                if sides[side].there:
                    found.setdefault(side, []).append(sides[side].round())
                else:
                    absent.add(side)
                if bench.fresh or side in absent:
                    sides.pop(side).stop()
    finally:
        for side in sides.values():
            side.stop()
    return {side: rounds[1:] for side, rounds in found.items()}  # the first warms up


def middle_half(ratios):
    if len(ratios) == 1:  # it has no spread
        return ratios[0], ratios[0]
    first, _, last = statistics.quantiles(ratios, n=4, method="inclusive")
    return first, last


def short(number):
    return float(f"{number:.4g}")


class Result:
    def __init__(self, name, bench, found):
        self.name, self.bench = name, bench
        self.values = {
            side: [value * bench.scale for value, _ in rounds] for side, rounds in found.items()}
        self.rates = {side: statistics.median(r for _, r in rounds) for side, rounds in found.items()}
        ours = self.values.get("ours", [])
        self.ratios = {
            peer: [a / b for a, b in zip(ours, self.values[peer])]
            for peer in bench.peers if ours and peer in self.values}

    def median(self, side):
        return statistics.median(self.values[side]) if side in self.values else None

    def ratio(self, peer):
        return statistics.median(self.ratios[peer]) if peer in self.ratios else None

    def excess(self):
        return self.median("ours") - self.median(self.bench.peers[0])

    def is_over(self):
        if self.bench.most is not None and self.median("ours") > self.bench.most:
            return True
        if self.bench.excess is not None and self.excess() > self.bench.excess:
            return True
        return any(self.ratio(peer) > bound for peer, bound in self.bench.bounds.items()
                   if peer in self.ratios)

    def verdict(self):
        if not self.ratios or not self.bench.bounds and self.bench.excess is None:
            return ""
        return "over" if self.is_over() else "ok"

    def bound(self):
        if self.bench.excess is not None:
            return f"{self.bench.peers[0]} + {self.bench.excess:g} {self.bench.unit}"
        first = self.bench.peers[0]
        most = [f"{self.bench.most:g} {self.bench.unit},"] if self.bench.most is not None else []
        return " ".join(most + [f"{bound:.3g}" if peer == first else f"{peer} {bound:.3g}"
                                for peer, bound in self.bench.bounds.items()])

    def lines(self):
        for peer, ratios in self.ratios.items():
            line = {
                "bench": self.name,
                "peer": peer,
                "ratio": short(self.ratio(peer)),
                "spread": [short(end) for end in middle_half(ratios)],
                "range": [short(min(ratios)), short(max(ratios))],
                "rounds": len(ratios),
                "unit": self.bench.unit,
                "ours": short(self.median("ours")),
                "theirs": short(self.median(peer)),
                "bound": self.bench.bounds.get(peer),
            }
            if peer == self.bench.peers[0] and self.bench.excess is not None:
                line |= {"excess": short(self.excess()), "excess_bound": self.bench.excess}
            yield json.dumps(line)

    def slow_sides(self):
        """Sides that did not get all the events in time, as sentences."""
        if self.bench.ioc != "events":
            return
        for side, rate in self.rates.items():
            if rate < 0.98 * EVENTS_PER_SECOND:
                yield f"{side} took {rate:.0f} events a second of {EVENTS_PER_SECOND}"
