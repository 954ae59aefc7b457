"""The frame of a page, and the pages of the index."""

import html

import markup
from classes import release

STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 62em; margin: 1em auto; padding: 0 1em; color: #222 }
pre { background: #f4f4f2; padding: .7em 1em; overflow-x: auto; line-height: 1.35 }
code, pre, td:first-child, table.rows td:nth-child(2) { font-family: monospace; font-size: 14px }
table { border-collapse: collapse } tr { border-bottom: 1px solid #ddd }
td, th { text-align: left; vertical-align: top; padding: .15em .9em .15em 0 }
td:first-child { white-space: nowrap } tr.gone td { color: #888 } small { color: #555 }
tr.note td { white-space: normal; padding-top: .9em; font: italic 15px sans-serif; color: #555 }
h1, h2 { font-weight: 600; line-height: 1.25 } h1 code { font-size: inherit }
a { color: #0645ad; text-decoration: none } a:hover { text-decoration: underline }
nav { border-bottom: 1px solid #ccc; padding-bottom: .4em }
"""


class Site:
    """Where each name has its page, and the writing of pages."""

    def __init__(self, folder, headers, classes, version):
        self.folder, self.headers, self.classes, self.version = folder, headers, classes, version
        self.addresses = {}
        self.unknown = []
        for name in headers.functions:
            self.addresses[name] = f"functions/{name}.html"
        for name, item in headers.types.items():
            self.addresses[name] = f"types/{name}.html"
            for word in headers.enumerators(item):
                self.addresses[word] = f"types/{name}.html#{word}"
        for header in headers.headers:
            for item in header.of_kind("macro"):
                self.addresses[item.name] = f"headers/{header.name[:-2]}.html#{item.name}"
        for name in classes.by_name:
            self.addresses[name] = f"classes/{name}.html"

    def link(self, where):
        """A function from a name to its address, as seen from a page; names that should have one
        and do not are kept as unknown."""
        up = "../" if "/" in where else ""

        def link(name):
            address = self.addresses.get(name)
            if not address and name.startswith(("oph_", "OPH_")) and not self.is_part(name):
                self.unknown.append(f"{where}: there is no {name}")
            if not address or address == where:
                return None
            return up + address

        return link

    def is_part(self, name):
        """OPH_E of OPH_EINVAL: a word for several names."""
        return any(known.startswith(name) for known in self.addresses)

    def code_link(self, where):
        """The same for code, where names of parts are no mistake."""
        up = "../" if "/" in where else ""
        return lambda name: up + self.addresses[name] if name in self.addresses else None

    def to(self, where, name):
        return f'<a href="{self.code_link(where)(name)}">{name}</a>'

    def write(self, where, title, body):
        up = "../" if "/" in where else ""
        links = [("index", "cophyd " + self.version), ("functions", "functions")]
        links += [("records", "records"), ("changes", "releases")]
        nav = " · ".join(f'<a href="{up}{page}.html">{text}</a>' for page, text in links)
        path = self.folder / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width">\n'
            f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style></head>\n"
            f"<body><nav>{nav}</nav>\n{body}\n</body></html>\n"
        )


def cell(text):
    return html.escape(text, quote=False)


def table(head, rows):
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "\n".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table>\n<tr>{top}</tr>\n{body}\n</table>"


def write_index(site, intro):
    where = "index.html"
    link = site.link(where)
    out = [f"<h1>cophyd {site.version}</h1>", markup.to_html(intro, link), "<h2>Headers</h2>"]
    rows = []
    for header in site.headers.headers:
        name = f'<a href="headers/{header.name[:-2]}.html">&lt;cophyd/{header.name}&gt;</a>'
        rows.append((name, markup.inline_html(markup.Blocks(header.text).parts[0][1], link)))
    out.append(table(("header", "what is in it"), rows))
    out.append("<h2>Classes</h2>")
    for family in site.classes.families:
        out.append(f'<h3 id="{family.name}">{family.name}</h3>')
        out.append(markup.to_html(family.text, link))
        rows = [(site.to(where, c.name), cell(c.doc)) for c in family.classes]
        out.append(table(("class", "what it is"), rows))
    site.write(where, "cophyd", "\n".join(out))


def write_records(site):
    """From a PV to the attribute: what an engineer has at hand is the name of the record."""
    where = "records.html"
    rows = []
    for cls in site.classes.by_name.values():
        for row in cls.rows:
            if not row.is_gone:
                to = site.to(where, cls.name)
                rows.append((cell(row.suffix), cell(row.attr), to, cell(row.doc)))
    rows = sorted(set(rows), key=lambda row: (row[0].lower(), row[2], row[1]))
    body = (
        "<h1>Records</h1>\n<p>Every PV of the built-in classes, without the device's prefix, and "
        "the attribute that stands for it. Those whose how is rbv, path or start also have the "
        "PV that ends in _RBV.</p>\n"
    )
    body += table(("record", "attribute", "class", "what it is"), rows)
    site.write(where, "cophyd: records", body)


def write_changes(site):
    """Release by release, what came, changed and went, in the class that says so."""
    where = "changes.html"
    found = {}
    for cls in site.classes.by_name.values():
        for since in {row.since for row in cls.rows if row.since}:
            names = [row.attr for row in cls.rows if row.since == since and not row.is_gone]
            gone = [row.attr for row in cls.rows if row.since == since and row.is_gone]
            found.setdefault(since, []).append((cls.name, names, gone))
    out = ["<h1>Releases</h1>"]
    out.append("<p>What each release of ADCore brought to the built-in classes, and took.</p>")
    for since in sorted(found, key=release, reverse=True):
        rows = [
            (site.to(where, name), cell(", ".join(names)), cell(", ".join(gone)))
            for name, names, gone in sorted(found[since])
        ]
        out.append(f'<h2 id="{since}">{since}</h2>')
        out.append(table(("class", "new or changed", "gone"), rows))
    site.write(where, "cophyd: releases", "\n".join(out))
