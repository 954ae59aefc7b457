"""What the tests reach of src, by gcov: summary.py BUILD. Prints a line a file, the sum, and the error
sentences that no test has made; the whole is in BUILD/coverage.txt."""

import collections
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile


def notes(build):
    """What gcov says of each object of the libraries that has run."""
    for data in sorted(build.glob("obj/**/*.gcda")):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["gcov", "--branch-probabilities", "--json-format", data.resolve()], cwd=folder,
                           check=True, stdout=subprocess.DEVNULL)
            for found in pathlib.Path(folder).glob("*.gcov.json.gz"):
                yield json.loads(gzip.decompress(found.read_bytes()))


def main(build):
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    branches = collections.defaultdict(dict)
    for note in notes(build):
        for file in note["files"]:
            name = file["file"]
            if not name.startswith("src/"):
                continue
            for line in file["lines"]:
                number = line["line_number"]
                lines[name][number] += line["count"]
                counts = [branch["count"] for branch in line["branches"]]
                before = branches[name].get(number, [0] * len(counts))
                if len(before) == len(counts):
                    branches[name][number] = [a + b for a, b in zip(before, counts)]
    text, sums = [], [0, 0, 0, 0]
    for name in sorted(lines):
        hit = sum(count > 0 for count in lines[name].values())
        ways = [count for counts in branches[name].values() for count in counts]
        taken = sum(count > 0 for count in ways)
        numbers = [hit, len(lines[name]), taken, len(ways)]
        sums = [a + b for a, b in zip(sums, numbers)]
        text.append(row(name, numbers))
    text.append(row("all", sums))
    text.append("\nErrors that no test makes:")
    for name in sorted(lines):
        source = pathlib.Path(name).read_text(encoding="utf-8").splitlines()
        for number, count in sorted(lines[name].items()):
            if count == 0 and "oph__fail" in source[number - 1]:
                text.append(f"{name}:{number}: {source[number - 1].strip()}")
    (build / "coverage.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


def row(name, numbers):
    hit, all_lines, taken, all_ways = numbers
    return (f"{name:32} lines {100 * hit / max(all_lines, 1):5.1f} % of {all_lines:5}   "
            f"branches {100 * taken / max(all_ways, 1):5.1f} % of {all_ways:5}")


main(pathlib.Path(sys.argv[1]))
