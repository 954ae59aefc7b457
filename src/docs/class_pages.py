"""One page a device class: what it is, its settings and devices, and its attributes by release."""

import re

import markup
from classes import release
from pages import cell, table

OPTIONS = {
    "busy": "its put completes when the action ends",
    "counter": "counted by the IOC: staged, never put back",
    "moves": "the IOC moves it while acquiring",
    "slow": "a put may take %s s longer",
    "after": "staged after %s",
    "labels": "labels: %s",
    "readback": "labels of the readback: %s",
    "length": "at most %s elements, or bytes of text",
    "of": "elements: %s",
}
HEAD = ("attribute", "record", "how", "type", "kind", "since", "what it is")


def option_text(option):
    """An option of a row, in words."""
    name, _, value = option.partition("=")
    value = value.strip('"')
    if name in OPTIONS and "%s" in OPTIONS[name]:
        return OPTIONS[name] % re.sub("[,|]", ", ", value)
    return OPTIONS.get(name, option)


def was(row):
    """An earlier definition, in short."""
    words = " ".join([row.suffix, row.how, row.type, row.kind])
    return "; ".join([words] + [option_text(option) for option in row.options])


class Page:
    def __init__(self, site, cls):
        self.site, self.cls, self.where = site, cls, f"classes/{cls.name}.html"
        self.classes = site.classes
        self.link = site.link(self.where)
        self.attributes = self.classes.attributes(cls)

    def to(self, names):
        return ", ".join(self.site.to(self.where, name) for name in names)

    def expression(self, words):
        """Classes as a dev line has them: NAME, or NAME@3.4."""
        return " ".join(
            self.site.to(self.where, word.split("@")[0]) + "".join(word.partition("@")[1:])
            for word in words
        )

    def facts(self):
        cls, known = self.cls, self.classes
        above = [kin.name for kin in known.lineage(cls)[:-1] if kin.name not in cls.bases]
        uses = known.uses(cls)
        suffixes = dict.fromkeys(f"<code>{cell(dev.suffix)}</code>" for _, dev in uses)
        plugin = known.inherited(cls, "plugin")
        hooks = dict.fromkeys(line for _, line in known.lines(cls, "hooks"))
        mixin = known.is_mixin(cls)
        facts = {
            "bases": self.to(cls.bases) or "none",
            "and through them": self.to(above),
            "derived from it": self.to(sorted(other.name for other in known.derived(cls))),
            "a mixin": "it has neither rows nor devices: join it with a class that has" * mixin,
            "usual suffix": ", ".join(suffixes),
            "a device of": self.to(sorted({other.name for other, _ in uses})),
            "plugin type": plugin and f"PluginType_RBV begins with <code>{cell(plugin)}</code>",
            "trigger": cell(known.inherited(cls, "trigger")),
            "hooks": cell(", ".join(hooks)),
            "kind as a device": known.inherited(cls, "kind") or "normal config" * (not mixin),
            "text": f'<a href="../index.html#{cls.family.name}">{cls.family.name}</a>',
        }
        rows = [f"<tr><th>{a}</th><td>{b}</td></tr>" for a, b in facts.items() if b]
        return "<table>\n" + "\n".join(rows) + "\n</table>"

    def lines(self, what, title, remark):
        found = self.classes.lines(self.cls, what)
        if not found:
            return ""
        rows = [
            (cell(line), "" if kin is self.cls else self.site.to(self.where, kin.name))
            for kin, line in found
        ]
        return f"<h2>{title}</h2>\n<p>{remark}</p>\n" + table((what, "from"), rows)

    def devices(self):
        found = self.classes.devices(self.cls)
        if not found:
            return ""
        rows = [
            (cell(dev.attr), cell(dev.suffix), self.expression(dev.classes), cell(dev.doc))
            for _, dev in found
        ]
        return "<h2>Devices</h2>\n" + table(("attribute", "suffix", "class", "what it is"), rows)

    def releases(self):
        found = {}
        for attribute in self.attributes:
            if attribute.since:
                found.setdefault(attribute.since, ([], [], []))[0].append(attribute.row.attr)
            for since, _ in attribute.changes:
                found.setdefault(since, ([], [], []))[1].append(attribute.row.attr)
            if attribute.gone:
                found.setdefault(attribute.gone, ([], [], []))[2].append(attribute.row.attr)
        if not found:
            return ""
        newest = max(found, key=release)
        alias = newest.replace(".", "")
        name = self.cls.name
        rows = [
            [since]
            + [", ".join(f'<a href="#{n}">{n}</a>' for n in names) for names in found[since]]
            for since in sorted(found, key=release)
        ]
        return (
            "<h2>Releases of ADCore</h2>\n"
            f"<p><code>{name}@{newest}</code>, also written <code>{name}_V{alias}</code>, has the "
            f"rows up to {newest}. Without a release the newest rows stand until the device "
            "connects.</p>\n" + table(("since", "new", "changed", "gone"), rows)
        )

    def row(self, attribute):
        row = attribute.row
        record = (
            cell(row.suffix) if len(row.pvs) == 1 else f"{cell(row.suffix)}<br>{cell(row.pvs[1])}"
        )
        since = attribute.since or "all"
        if attribute.gone:
            since += f", gone in {attribute.gone}"
        words = [row.doc] if row.doc else []
        words += [option_text(option) for option in row.options]
        words += [f"before {until}: {was(former)}" for until, former in attribute.changes]
        text = cell(words[0] if words else "")
        text += "".join(f"<br><small>{cell(word)}</small>" for word in words[1:])
        mark = ' class="gone"' if attribute.gone else ""
        cells = (cell(row.attr), record, row.how, row.type, row.kind, since, text)
        return f'<tr{mark} id="{row.attr}">' + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"

    def rows(self):
        """A table for the class's own, then one for each ancestor."""
        out = []
        for kin in reversed(self.classes.lineage(self.cls)):
            found = [a for a in self.attributes if a.cls is kin]
            if not found:
                continue
            own = kin is self.cls
            out.append(
                "<h2>Attributes</h2>"
                if own
                else f"<h2>From {self.site.to(self.where, kin.name)}</h2>"
            )
            out.append(
                '<table class="rows">\n<tr>'
                + "".join(f"<th>{name}</th>" for name in HEAD)
                + "</tr>"
            )
            for attribute in found:
                if attribute.row.note:
                    note = markup.inline_html(" ".join(attribute.row.note.split()), self.link)
                    out.append(f'<tr class="note"><td colspan="{len(HEAD)}">{note}</td></tr>')
                out.append(self.row(attribute))
            out.append("</table>")
        return "\n".join(out)

    def write(self):
        cls = self.cls
        parts = [
            f"<h1><code>{cls.name}</code></h1>",
            f"<p>{cell(cls.doc)}.</p>",
            markup.to_html(cls.note, self.link) if cls.note else "",
            self.facts(),
            self.lines(
                "stage",
                "Settings",
                "What staging writes, in this order; a dot is the device itself.",
            ),
            self.lines("cycle", "Cycle", "What each step of a trigger writes."),
            self.lines("files", "Folders", "Where its file plugins write."),
            self.devices(),
            self.releases(),
            self.rows(),
        ]
        self.site.write(self.where, cls.name, "\n".join(part for part in parts if part))


def write(site):
    for cls in site.classes.by_name.values():
        Page(site, cls).write()
