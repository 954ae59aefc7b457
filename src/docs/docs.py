"""make docs: the reference pages and man pages, from the headers and the class texts.

    docs.py FOLDER VERSION [SOURCE]

Fails, and says why, on a public function without a comment, a comment that names what is not there,
and a link that leads nowhere."""

import os
import re
import shutil
import sys
import time
from pathlib import Path

import class_pages
import header_pages
import man
import pages
from classes import Classes
from headers import Headers

HERE = Path(__file__).resolve().parent


def broken_links(folder):
    anchors = {}
    files = sorted(folder.rglob("*.html"))
    for file in files:
        anchors[file] = set(re.findall(r' id="([^"]*)"', file.read_text()))
    for file in files:
        for target in set(re.findall(r' href="([^"]*)"', file.read_text())):
            path, _, anchor = target.partition("#")
            page = (file.parent / path).resolve() if path else file
            if page not in anchors or anchor and anchor not in anchors[page]:
                yield f"{file.relative_to(folder)}: no link leads to {target}"


def date_of(paths):
    """That of the newest source, so that two runs give the same pages."""
    newest = os.environ.get("SOURCE_DATE_EPOCH") or max(path.stat().st_mtime for path in paths)
    return time.strftime("%Y-%m-%d", time.gmtime(float(newest)))


def main(folder, version, source=HERE.parent.parent):
    folder, source = Path(folder).resolve(), Path(source)
    include, texts = source / "include/cophyd", source / "src/ad/classes"
    headers = Headers(include)
    site = pages.Site(folder, headers, Classes(texts), version)
    wrong = [
        f"include/cophyd/{item.header}:{item.line}: {item.name} has no comment"
        for item in headers.functions.values()
        if not item.text
    ]
    if not wrong:
        for part in ("classes", "functions", "headers", "types", "man"):
            shutil.rmtree(folder / part, ignore_errors=True)
        header_pages.write(site)
        class_pages.write(site)
        pages.write_records(site)
        pages.write_changes(site)
        intro = (HERE / "index.txt").read_text()
        pages.write_index(site, intro + "\n" + (HERE / "classes.txt").read_text())
        date = date_of([*include.glob("*.h"), *texts.glob("*.class")])
        man.write(site, folder / "man/man3", date, intro)
        wrong = sorted(set(site.unknown)) + list(broken_links(folder))
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
