"""What the tests reach of src, by gcov: summary.py BUILD. Prints a line a folder, and the errors that no test
makes; BUILD/coverage.txt has a line a file, too."""

import collections
import json
import pathlib
import re
import subprocess
import sys

# The order of what is printed.
LAYERS = {f"src/{name}": place for place, name in enumerate("base ca core h5 ad doc kit cli sim".split())}
# What an error's branch does: it makes an error, returns a code or less than was asked for, or goes away.
ERROR = re.compile(r"\b(\w*(fail|refuse|wrong)\w*\(|OPH_E[A-Z]+\b|goto\b|return (rc|-\d+|NULL|false);)")
# It does so in any case, once it is reached.
PLAIN = re.compile(r"(return |(int )?rc = |rc \|= )?\w*(fail|refuse|wrong)\w*\(")
CONDITION = re.compile(r"(\} else )?(if|while|for) \(")


class File:
    """The counts of a source file, of all objects that it became a part of."""

    def __init__(self, name):
        self.name = name
        self.source = pathlib.Path(name).read_text(encoding="utf-8").splitlines()
        self.lines = collections.Counter()
        self.idle = {}
        self.ways = {}
        self.functions = collections.Counter()

    def add(self, notes):
        for line in notes["lines"]:
            number = line["line_number"]
            self.lines[number] += line["count"]
            self.idle[number] = self.idle.get(number, True) and line["unexecuted_block"]
            counts = [branch["count"] for branch in line["branches"]]
            before = self.ways.get(number, [])
            if len(before) == len(counts):
                counts = [a + b for a, b in zip(before, counts)]
            self.ways[number] = counts
        for function in notes["functions"]:
            place = (function["start_line"], function["end_line"], function["name"])
            self.functions[place] += function["execution_count"]

    def folder(self):
        return self.name.rpartition("/")[0]

    def sums(self):
        ways = [count for counts in self.ways.values() for count in counts]
        return collections.Counter(
            lines=len(self.lines), hit=sum(count > 0 for count in self.lines.values()),
            ways=len(ways), taken=sum(count > 0 for count in ways))

    def text(self, number):
        return self.source[number - 1].strip()

    def goes_on(self, number):
        """Whether the line goes on with what the one before it began."""
        return not self.text(number - 1).endswith((";", "{", "}", ")", ":", "*/"))

    def missed(self):
        """The lines that make an error, but never did, and the functions that were never called."""
        uncalled = set()
        for (first, last, name), count in self.functions.items():
            if count == 0:
                yield first, f"{name} is never called"
                uncalled.update(range(first, last + 1))
        for number, idle in self.idle.items():
            text = self.text(number)
            if not idle or number in uncalled or not ERROR.search(text) or self.goes_on(number):
                continue
            if not (self.lines[number] and PLAIN.match(text)):
                yield number, text

    def halves(self):
        """The conditions of errors that tests make, but not for each of the reasons."""
        for number, counts in self.ways.items():
            if 0 in counts and len(counts) > 2 and not self.idle[number]:
                then = next((line for line in sorted(self.lines) if line > number), None)
                if ERROR.search(self.text(number)) or CONDITION.match(self.text(number)) and then and (
                        not self.idle[then] and ERROR.search(self.text(then))):
                    yield number, self.text(number)


def notes(build):
    """What gcov says of each object, also of those that never ran."""
    objects = [str(path.resolve()) for path in sorted(build.glob("obj/**/*.gcno"))]
    gcov = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", *objects],
                          capture_output=True, text=True, check=False)
    if gcov.returncode:
        sys.exit(f"gcov: {gcov.stderr or gcov.stdout[:1000]}")
    for line in gcov.stdout.splitlines():
        yield from json.loads(line)["files"]


def row(name, sums):
    return (f"{name:32} lines {100 * sums['hit'] / max(sums['lines'], 1):5.1f} % of {sums['lines']:5}   "
            f"branches {100 * sums['taken'] / max(sums['ways'], 1):5.1f} % of {sums['ways']:5}")


def table(files):
    """A row a folder, and of all."""
    folders = collections.defaultdict(collections.Counter)
    for file in files:
        folders[file.folder()] += file.sums()
    return [row(*each) for each in folders.items()] + [row("all", sum(folders.values(), collections.Counter()))]


def listing(title, files, places):
    """Places as FILE:LINE: SOURCE."""
    found = [f"{file.name}:{number}: {text}" for file in files for number, text in sorted(places(file))]
    return ["", f"{title}: {len(found)}", *found]


def main(build):
    files = {}
    for each in notes(build):
        name = each["file"]
        if name.startswith("src/"):
            files.setdefault(name, File(name)).add(each)
    files = sorted(files.values(), key=lambda file: (LAYERS.get(file.folder(), len(LAYERS)), file.name))
    text = table(files) + listing("Errors that no test makes", files, File.missed)
    halves = listing("Errors that tests make, but not for each reason", files, File.halves)
    whole = [row(file.name, file.sums()) for file in files] + [""] + text + halves
    (build / "coverage.txt").write_text("\n".join(whole) + "\n", encoding="utf-8")
    print("\n".join(text))
    print(f"\n{halves[1]}; see {build}/coverage.txt, which has a line a file, too")


main(pathlib.Path(sys.argv[1]))
