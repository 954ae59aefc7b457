"""make bench: cophyd beside hand-written libca, pyepics, aioca, ophyd and ophyd-async, counts with their
documents beside their triggers on libca and beside bluesky, and frames beside h5py with hdf5plugin and the
codec alone, in turn, round by round.

BUILD, DBD and PEERS (the peers' Python) come from the Makefile; arguments name the benches to run, "growth"
those of growth.py, all or one (growth:NAME). ROUNDS is how many rounds each has, COMPARE the bench.json of an
earlier run, which is shown beside. Ratios are of one round's
pair. Shown is their median, and the range of their middle half. What ends in _far has each side behind a link
whose round trips take longer."""

import os
import sys
import tempfile

import chart
import growth
import report
from benches import BENCHES
from ioc import BUILD, Failure, serve, start_repeater
from measure import Result, measure


def run(name, repeater):
    bench = BENCHES[name]
    bench.rounds = int(os.environ.get("ROUNDS", bench.rounds))
    print(f"{name}: {bench.rounds} rounds", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="cophyd-bench-") as disk:
        ioc = serve(bench.ioc, bench.far, disk, repeater, bench.detectors)
        try:
            return Result(name, bench, measure(name, bench, ioc.environment))
        finally:
            ioc.stop()


def attempt(what, names, repeater):
    """What came of each name, without those that failed; an interrupt ends it, and what there is counts."""
    found = []
    for name in names:
        try:
            found.append(what(name, repeater))
        except Failure as failure:
            print(f"bench: {name}: {failure}", file=sys.stderr)
        except KeyboardInterrupt:
            print(f"bench: interrupted at {name}", file=sys.stderr)
            break
    return found


def chosen(words):
    """The names of benches and of growths that are asked for."""
    if not words:
        return list(BENCHES), list(growth.GROWTHS)
    growths = []
    for word in words:
        if word == "growth":
            growths += growth.GROWTHS
        elif word.startswith("growth:"):
            growths.append(word.split(":")[1])
    names = [word for word in words if not word.startswith("growth")]
    unknown = {*names} - {*BENCHES} | {*growths} - {*growth.GROWTHS}
    if unknown:
        sys.exit(f"bench: wanted some of {' '.join(BENCHES)}, growth or growth:NAME with one of "
                 f"{' '.join(growth.GROWTHS)}, found {' '.join(unknown)}")
    return names, growths


def main():
    names, growths = chosen(sys.argv[1:])
    repeater = start_repeater()
    results = attempt(run, names, repeater)
    grown = attempt(growth.run, growths, repeater)
    with open(f"{BUILD}/bench.json", "w") as out:
        for result in results + grown:
            out.writelines(line + "\n" for line in result.lines())
    report.table(results)
    growth.table(grown)
    if "COMPARE" in os.environ:
        report.compare(results, os.environ["COMPARE"])
    if results:
        chart.write(f"{BUILD}/bench.svg", chart.bars(results))
    if grown:
        chart.write(f"{BUILD}/growth.svg", chart.growth(grown))
    return len(results) < len(names) or len(grown) < len(growths)


sys.exit(main())
