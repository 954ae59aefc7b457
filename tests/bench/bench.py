"""make bench: cophyd beside hand-written libca, pyepics, aioca and ophyd, counts with their documents
beside their triggers on libca, and frames beside h5py with hdf5plugin and the codec alone, in turn, round
by round.

BUILD, DBD and PEERS (the peers' Python) come from the Makefile; arguments name the benches to run.
Ratios are of one round's pair, and each round goes through the sides in the other direction, so that
what disturbs the machine for a while disturbs both. Shown is their median, and the range of their
middle half. What ends in _far has each side behind a link whose round trips take DELAY longer."""

import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass

BUILD = os.environ["BUILD"]
HERE = os.path.dirname(os.path.abspath(__file__))
SIDES = {
    "ours": [f"{BUILD}/tests/bench/ours"],
    "libca": [f"{BUILD}/tests/bench/libca"],
    "pyepics": [os.environ["PEERS"], f"{HERE}/peer_pyepics.py"],
    "aioca": [os.environ["PEERS"], f"{HERE}/peer_aioca.py"],
    "ophyd": [os.environ["PEERS"], f"{HERE}/peer_ophyd.py"],
}
FRAME_SIDES = {
    "ours": [f"{BUILD}/tests/bench/frames"],
    "h5py": [os.environ["PEERS"], f"{HERE}/peer_h5py.py"],
    "codec": [f"{BUILD}/tests/bench/frames", "codec"],
}
COUNT_SIDES = {"ours": [f"{BUILD}/tests/bench/ours_count"], "libca": SIDES["libca"]}
PATIENCE = 120  # seconds for one round
DELAY = 0.01  # seconds of a round trip: half of it each way


@dataclass
class Bench:
    unit: str
    scale: float  # from seconds or bytes
    bounds: dict  # at most this ratio to a peer
    excess: float = None  # instead: at most so much, in `unit`, more than libca
    fresh: bool = False  # a new process each round
    rounds: int = 12
    ioc: str = "records"  # or "files", "events", "detector", "instant": a detector without commands' delays
    what: str = None  # as the sides name it; its own name
    far: bool = False
    documents: bool = False  # of the library libcophyd-doc

    @property
    def sides(self):
        return COUNT_SIDES if self.documents else FRAME_SIDES if self.ioc == "files" else SIDES

    @property
    def peers(self):
        return [side for side in self.sides if side != "ours"]


def frames(h5py, codec=None, rounds=16):
    """At least `h5py` times as fast as it, and `codec` times as fast as the codec alone."""
    bounds = {"h5py": 1 / h5py} | ({"codec": 1 / codec} if codec else {})
    return Bench("ms", 1e3, bounds, ioc="files", rounds=rounds)


def count():
    """A point with its documents, at most 1 ms above its trigger by hand."""
    return Bench("ms", 1e3, {}, excess=1.0, ioc="instant", rounds=8, documents=True)


STAGE = {"libca": 1.15, "ophyd": 1 / 4}  # and unstage
TRIGGER = {"libca": 1.1}
BENCHES = {
    "connect": Bench("ms", 1e3, {"libca": 1.2}, fresh=True, rounds=20),
    "read_all": Bench("ms", 1e3, {"libca": 1.5}),
    "get_one": Bench("us", 1e6, {"libca": 1.15}),
    "array_get": Bench("ms", 1e3, {"libca": 1.15}),
    "monitor": Bench("us CPU", 1e6, {"libca": 2.5, "pyepics": 1 / 20, "aioca": 1 / 20}, ioc="events"),
    "memory": Bench("B", 1, {}, excess=1536, fresh=True, rounds=6),
    "stage": Bench("ms", 1e3, STAGE, ioc="detector"),
    "stage_instant": Bench("ms", 1e3, {}, ioc="instant", what="stage"),
    "stage_far": Bench("ms", 1e3, STAGE, ioc="detector", what="stage", far=True, rounds=6),
    "trigger": Bench("ms", 1e3, TRIGGER, ioc="detector"),
    "count": count(),
    "count_lines": count(),
    "frames_lz4": frames(1.8, 0.8),
    "frames_bslz4": frames(3.0, 0.8),
    "frames_blosc": frames(1.8, 0.8),
    "frames_deflate": frames(3.8, 0.8),
    "frames_none": frames(1.5),
    "frames_contiguous": frames(0.9),  # libhdf5 reads into the buffer, as we do
    "frames_few": frames(1.8),  # 5,000 frames of 8x8: against the next, whether time grows linearly
    "frames_many": frames(1.8),  # 50,000
    "stack_lz4": frames(1.0),
    "stack_bslz4": frames(1.0),
    "stack_blosc": frames(1.0),
    "stack_deflate": frames(1.0),
    "stack_none": frames(1.0),
    "trigger_far": Bench("ms", 1e3, TRIGGER, ioc="detector", what="trigger", far=True, rounds=8),
}
EVENTS_PER_SECOND = 20000  # of the IOC "events"


class Failure(Exception):
    pass


def confirm(repeater):
    """Answers each CA_REPEATER_REGISTER with CA_REPEATER_CONFIRM."""
    while True:
        _, client = repeater.recvfrom(64)
        repeater.sendto(struct.pack(">HHHHII", 17, 0, 0, 0, 0, 0x7F000001), client)


def start_repeater():
    """Without one the first channel of each side would start its own, in the midst of a round."""
    repeater = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    repeater.bind(("127.0.0.1", 0))
    threading.Thread(target=confirm, args=[repeater], daemon=True).start()
    return repeater.getsockname()[1]


class Ioc:
    """A server on a free port of 127.0.0.1; environment is what its clients need."""

    def __init__(self, kind, far, disk, repeater):
        self.environment = dict(
            os.environ,
            EPICS_CA_ADDR_LIST="",
            EPICS_CA_AUTO_ADDR_LIST="NO",
            EPICS_CA_REPEATER_PORT=str(repeater),
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.processes = []
        address = self.start(*self.command(kind, disk), f"{disk}/log")
        if far:
            port = address.split(":")[1]
            relay = [f"{BUILD}/tests/link/far", port, str(DELAY / 2)]
            address = self.start(relay, self.environment, f"{disk}/far.log")
        self.environment["EPICS_CA_NAME_SERVERS"] = address

    def start(self, command, environment, log_name):
        """Returns where it listens."""
        with open(log_name, "w+") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
            self.processes.append(process)
            ready = process.stdout.readline()
            log.seek(0)
            if " ready on " not in ready:
                raise Failure(f"wanted {command[0]} to be ready, found {ready!r}\n{log.read()}")
        return ready.split()[-1]

    def command(self, kind, disk):
        if kind in ("detector", "instant"):
            os.makedirs(f"{disk}/data")
            options = ["--instant"] if kind == "instant" else []
            return [f"{BUILD}/bin/cophyd-sim", *options, "--port", "auto", "--size", "64x48", "--raw", "/bench/raw",
                    "--raw-files", "8", "--write-root", f"/bench={disk}"], self.environment
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = dict(
            self.environment,
            EPICS_CAS_SERVER_PORT=str(port),
            EPICS_CAS_INTF_ADDR_LIST="127.0.0.1",
            EPICS_CAS_BEACON_ADDR_LIST="127.0.0.1",
            EPICS_CAS_AUTO_BEACON_ADDR_LIST="NO",
        )
        return [f"{BUILD}/tests/bench/bench_ioc", os.environ["DBD"], kind], environment

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


class Files:
    """The files of frames, which h5py writes once for all benches; environment is what their readers need."""

    disk = None

    def __init__(self):
        made = Files.disk is not None
        Files.disk = Files.disk or tempfile.TemporaryDirectory(prefix="cophyd-bench-")
        self.environment = dict(os.environ, FRAMES=Files.disk.name, PYTHONDONTWRITEBYTECODE="1")
        if not made:
            subprocess.run([*FRAME_SIDES["h5py"], "make", Files.disk.name], env=self.environment, check=True)

    def stop(self):
        pass


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
        self.process.wait(PATIENCE)


def measure(name, bench, environment):
    """side -> [(value, rate), one a round]"""
    found = {}
    sides = {}
    for number in range(bench.rounds + 1):
        for side in list(bench.sides)[:: -1 if number % 2 else 1]:
            if side not in sides:
                sides[side] = Side(side, bench.sides[side], bench.what or name, environment)
            if sides[side].there:
                found.setdefault(side, []).append(sides[side].round())
            if bench.fresh:
                sides.pop(side).stop()
    for side in sides.values():
        side.stop()
    return {side: rounds[1:] for side, rounds in found.items()}  # the first warms up


def middle_half(ratios):
    first, _, last = statistics.quantiles(ratios, n=4, method="inclusive")
    return first, last


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
        return self.median("ours") - self.median("libca")

    def is_over(self):
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
            return f"libca + {self.bench.excess:g} {self.bench.unit}"
        first = self.bench.peers[0]
        return " ".join(f"{bound:.3g}" if peer == first else f"{peer} {bound:.3g}"
                        for peer, bound in self.bench.bounds.items())

    def row(self):
        def number(value):
            return "-" if value is None else f"{value:.4g}"

        first, *others = self.bench.peers
        spread = ""
        if first in self.ratios:
            spread = " [{:.2f} {:.2f}]".format(*middle_half(self.ratios[first]))
        return [self.name, self.bench.unit, number(self.median("ours")), number(self.median(first)),
                number(self.ratio(first)) + spread, *(number(self.ratio(peer)) for peer in others),
                self.bound(), self.verdict()]

    def lines(self):
        def short(number):
            return float(f"{number:.4g}")

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
            if peer == "libca" and self.bench.excess is not None:
                line |= {"excess": short(self.excess()), "excess_bound": self.bench.excess}
            yield json.dumps(line)

    def slow_sides(self):
        """Sides that did not get all the events in time, as sentences."""
        if self.bench.ioc != "events":
            return
        for side, rate in self.rates.items():
            if rate < 0.98 * EVENTS_PER_SECOND:
                yield f"{side} took {rate:.0f} events a second of {EVENTS_PER_SECOND}"


def table(results):
    for sides in SIDES, COUNT_SIDES, FRAME_SIDES:
        group = [result for result in results if result.bench.sides is sides]
        if group:
            one_table(group)


def one_table(results):
    first, *others = results[0].bench.peers
    header = ["bench", "unit", "ours", first, f"to {first}", *(f"to {peer}" for peer in others), "bound", ""]
    rows = [header] + [result.row() for result in results]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for result in results:
        for sentence in result.slow_sides():
            print(f"{result.name}: {sentence}")


def serve(bench, disk, repeater):
    return Files() if bench.ioc == "files" else Ioc(bench.ioc, bench.far, disk, repeater)


def run(name, repeater):
    bench = BENCHES[name]
    print(f"{name}: {bench.rounds} rounds", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="cophyd-bench-") as disk:
        ioc = serve(bench, disk, repeater)
        try:
            return Result(name, bench, measure(name, bench, ioc.environment))
        finally:
            ioc.stop()


def main():
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: wanted one of {' '.join(BENCHES)}, found {' '.join(unknown)}")
    repeater, results, failed = start_repeater(), [], 0
    for name in names:
        try:
            results.append(run(name, repeater))
        except Failure as failure:
            print(f"bench: {name}: {failure}", file=sys.stderr)
            failed = 1
    with open(f"{BUILD}/bench.json", "w") as out:
        for result in results:
            out.writelines(line + "\n" for line in result.lines())
    table(results)
    return failed


sys.exit(main())
