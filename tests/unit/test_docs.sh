#!/bin/bash
# make docs: every public function, type and class has its page, links lead somewhere, the
# attributes are those of the library at every release, and what has no comment is refused.
set -u
cd "$(dirname "$0")/../.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
docs=$work/docs
n=0

# check TITLE COMMAND...: one test, which passes when the command succeeds.
check() {
    n=$((n + 1))
    if "${@:2}" >"$work/log" 2>&1; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        head -n 20 "$work/log" | sed 's/^/# /'
    fi
}
made() { make -s B="${BUILD:-build}" DOCS="$docs" PREFIX="$work/prefix" "$@"; }

# pages FOLDER: each name on stdin has a page there, and there is at least one name.
pages() {
    local name count=0 missing=0
    while read -r name; do
        count=$((count + 1))
        [ -s "$docs/$1/$name.html" ] && continue
        echo "$1/$name.html"
        missing=1
    done
    [ $count -gt 0 ] && [ $missing = 0 ]
}
functions() { pages functions <tests/abi/names.txt; }
simulator() {
    grep -o '\<oph_simulator_[a-z]*(' include/cophyd/simulator.h | tr -d '(' | sort -u | pages functions
}
types() {
    sed -n 's/^\(typedef struct\|enum\) \(oph_[a-z_]*\).*/\2/p' include/cophyd/*.h | pages types
}
headers() { ls include/cophyd | sed -n '/^cophyd/!s/\.h$//p' | pages headers; }
classes() { sed -n 's/^class \([A-Za-z0-9]*\).*/\1/p' src/ad/classes/*.class | pages classes; }

# Each address that a page has is a page, and the anchor after its # is in that.
links() {
    (cd "$docs" && grep -roE ' (id|href)="[^"]*"' --include='*.html' .) | awk -F'"' '
        {
            split($1, part, ":")
            page = part[1]
            there[page] = 1
            if ($1 ~ / id=/) {
                there[page "#" $2] = 1
                next
            }
            folder = page
            sub(/[^\/]*$/, "", folder)
            target = $2 ~ /^#/ ? page $2 : folder $2
            sub(/\/[^\/]*\/\.\.\//, "/", target)
            wanted[target] = page
        }
        END {
            for (target in wanted) {
                count++
                if (target in there) continue
                print wanted[target] ": " target
                broken = 1
            }
            exit broken || count < 1000
        }'
}

# Tags are closed in their order.
well_formed() {
    python3 -X utf8 - "$docs" <<'END_PYTHON'
import sys
from html.parser import HTMLParser
from pathlib import Path


class Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise SystemExit(f"{self.page}: </{tag}> at {self.getpos()}")


files = list(Path(sys.argv[1]).rglob("*.html"))
for file in files:
    parser = Parser()
    parser.page = file
    parser.feed(file.read_text())
    if parser.open:
        raise SystemExit(f"{file}: not closed: {parser.open}")
sys.exit(not files)
END_PYTHON
}

# The attributes and PVs of every class at every release, as the pages' reader has them and as the
# library has them. A device of each class at a time in one class, with a camera for settings that
# speak of parent.cam.
attributes() {
    python3 -B -X utf8 - "$work" "${BUILD:-build}/bin/show_class" <<'END_PYTHON'
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, "src/docs")
from classes import Classes, release

work, show_class = Path(sys.argv[1]), sys.argv[2]
known = Classes(Path("src/ad/classes"))
rows = [row for cls in known.by_name.values() for row in cls.rows]
releases = sorted({row.since for row in rows if row.since}, key=release)
attributes = {name: known.attributes(cls) for name, cls in known.by_name.items()}
names = [name for name in attributes if attributes[name]]


def ours(version):
    found = set()
    for i, name in enumerate(names):
        for attribute in attributes[name]:
            there = [row for since, row, _ in attribute.history if release(since) <= release(version)]
            if there and there[-1]:
                found.add(" ".join([f"{name} {attribute.row.attr}"] + there[-1].pvs))
    return found


def librarys(version):
    """A child of a child is another class's."""
    text = work / "all.class"
    lines = ["class All : ADBase", "dev cam cam1: CamBase"]
    lines += [f"dev d{i} P{i}: {name}@{version}" for i, name in enumerate(names)]
    text.write_text("\n".join(lines) + "\n")
    said = subprocess.run([show_class, text, "All"], capture_output=True, text=True, check=True)
    children = {name: [dev.attr for _, dev in known.devices(known.by_name[name])] for name in names}
    found = set()
    for line in said.stdout.split("\n"):
        path, *pvs = line.split() or [""]
        device = re.match(r"dev\.d(\d+)\.((\w+)[\w.]*)$", path)
        name = device and names[int(device[1])]
        if device and device[3] not in children[name]:
            found.add(" ".join([f"{name} {device[2]}"] + [pv.split(":", 1)[1] for pv in pvs]))
    return found


wrong, compared = [], 0
for version in releases:
    mine, theirs = ours(version), librarys(version)
    compared += len(theirs)
    wrong += [f"{version}: {line} is not the library's" for line in sorted(mine - theirs)]
    wrong += [f"{version}: {line} is only the library's" for line in sorted(theirs - mine)]
print("\n".join(wrong), len(releases), "releases", compared, "attributes")
sys.exit(bool(wrong) or compared < 10000 or len(releases) < 10)
END_PYTHON
}

# refused LINE SENTENCE: the headers with one more line are refused with that sentence.
refused() {
    local source=$work/source
    rm -rf "$source" && mkdir -p "$source/src/ad" && cp -r include "$source" &&
        cp -r src/ad/classes "$source/src/ad" || return 1
    sed -i "s|^OPH_END_DECLS|$1\n\n&|" "$source/include/cophyd/version.h"
    if python3 -B -X utf8 src/docs/docs.py "$work/refused" 0 "$source"; then
        echo 'it was made'
        return 1
    fi
    grep -qF "$2" "$work/log"
}

# Requests that each formatter knows; what mandoc or man has to say where they are.
man_pages() {
    local page
    ls "$docs"/man/man3/oph_{stage,unstage,trigger,acquire,put,connect}.3 || return 1
    for page in "$docs"/man/man3/*.3; do
        awk '/^\./ && !/^\.(TH|nh|SH|PP|TP|IP|B|BR|I|RS|RE|nf|fi)( |$)/ { print FILENAME ": " $0; bad = 1 }
            /^'"'"'/ { print FILENAME ": " $0; bad = 1 }
            /^\.nf/ { open++ } /^\.fi/ { open-- }
            END { exit bad || open }' "$page" || return 1
    done
    if command -v mandoc >/dev/null; then
        (cd "$docs/man/man3" && mandoc -T lint -W warning ./*.3) || return 1
    elif command -v groff >/dev/null; then
        [ -z "$(groff -man -ww -Tutf8 -z "$docs"/man/man3/*.3 2>&1 | tee /dev/stderr)" ] || return 1
    fi
}
again() { cp -r "$docs" "$work/first" && made docs && diff -r "$work/first" "$docs"; }
installed() { made install && cmp "$docs/man/man3/oph_stage.3" "$work/prefix/share/man/man3/oph_stage.3"; }
uninstalled() { made uninstall && [ -z "$(find "$work/prefix" ! -type d)" ]; }

check 'make docs' made docs
check 'every exported function has a page' functions
check 'so has every one of the simulator' simulator
check 'and every type' types
check 'every header' headers
check 'every class' classes
check 'every link leads somewhere' links
check 'the pages are well-formed' well_formed
check "the attributes are the library's at every release" attributes
check 'the man pages are clean' man_pages
check 'a second run gives the same' again
check 'a function without a comment is refused' \
    refused 'OPH_API int oph_new_one(void);' 'version.h:17: oph_new_one has no comment'
check 'so is a comment that names what is not there' \
    refused '/\* As oph_no_such. \*/\nOPH_API int oph_new_one(void);' \
    'functions/oph_new_one.html: there is no oph_no_such'
check 'make install brings the man pages' installed
check 'make uninstall takes them away' uninstalled
echo "1..$n"
