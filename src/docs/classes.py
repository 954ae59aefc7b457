"""The texts of device classes: what each class defines, inherits, and had in which release.

The library alone checks texts; this reads those that it has accepted. tests/unit/test_docs.sh
compares the attributes found here with the library's."""

import re

WORD = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*")+')
STATED = {"ro", "rw"}  # of these the readback is no PV of its own


def words_of(line):
    """The words of a statement, as written, without its comment."""
    words = []
    for word in WORD.findall(line):
        if word.startswith("#"):
            break
        words.append(word)
    return words


def unquote(word):
    return re.sub(r"\\(.)", r"\1", word[1:-1])


def release(number):
    """3.10 comes after 3.9; always is before all."""
    return tuple(int(part) for part in number.split(".")) if number else ()


class Row:
    """One definition of an attribute, from one release on."""

    def __init__(self, words, note):
        self.note = note  # the comment before it
        self.attr, self.suffix, self.how = words[1:4]
        rest = words[4:]
        self.doc = unquote(rest.pop()) if rest and rest[-1].startswith('"') else ""
        self.type, self.kind = (rest.pop(0), rest.pop(0)) if self.how != "gone" else ("", "")
        self.since = ""
        if rest and re.fullmatch(r"-|\d+\.\d+", rest[0]):
            self.since = rest.pop(0).strip("-")
        self.options = rest

    @property
    def is_gone(self):
        return self.how == "gone"

    @property
    def pvs(self):
        return [self.suffix] if self.how in STATED else [self.suffix, self.suffix + "_RBV"]

    def meaning(self):
        return (self.suffix, self.how, self.type, self.kind, self.options)


class Dev:
    def __init__(self, words, note):
        self.note = note
        self.attr, self.suffix = words[1:3]
        rest = words[3:]
        self.doc = unquote(rest.pop()) if rest[-1].startswith('"') else ""
        self.classes = rest


class Class:
    def __init__(self, words, note, family):
        self.name, self.bases = words[1], words[3:]
        self.note, self.family = note, family
        self.doc = self.trigger = self.plugin = self.kind = ""
        self.rows, self.devs, self.stage, self.cycle, self.files, self.hooks = (
            [],
            [],
            [],
            [],
            [],
            [],
        )

    def take(self, words, line, note):
        keep = {"stage": self.stage, "cycle": self.cycle, "files": self.files, "hook": self.hooks}
        if words[0] == "doc":
            self.doc = line.split(None, 1)[1].strip()
        elif words[0] == "row":
            row = Row(words, note)
            row.doc = row.doc or next(
                (r.doc for r in reversed(self.rows) if r.attr == row.attr), ""
            )
            self.rows.append(row)
        elif words[0] == "dev":
            self.devs.append(Dev(words, note))
        elif words[0] in keep:
            keep[words[0]].append(" ".join(words[1:]))
        else:
            setattr(self, words[0], " ".join(words[1:]))


class Family:
    """A file of classes, and what its first comment says."""

    def __init__(self, path):
        self.name, self.text, self.classes = path.name, "", []
        note = []
        for line in path.read_text().split("\n") + [""]:
            words = words_of(line)
            if line.startswith("#"):
                note.append(re.sub("^# ?", "", line))
                continue
            text, note = "\n".join(note), []
            if not words:
                self.text = self.text or text
            elif words[0] == "class":
                self.classes.append(Class(words, text, self))
            else:
                self.classes[-1].take(words, line, text)


class Attribute:
    """What an attribute of a class is, and was: the newest definition, and those before."""

    def __init__(self, history):
        self.history = history  # [(since, Row or None, Class)], each unlike the one before
        there = [entry for entry in history if entry[1]]
        self.since = there[0][0]
        self.row, self.cls = there[-1][1], there[-1][2]
        self.gone = "" if history[-1][1] else history[-1][0]

    @property
    def changes(self):
        """(the release that ended it, how the attribute was before)."""
        return [
            (later[0], row)
            for (_, row, _), later in zip(self.history, self.history[1:])
            if row and later[1]
        ]


class Classes:
    def __init__(self, folder):
        self.families = [Family(path) for path in sorted(folder.glob("*.class"))]
        self.by_name = {cls.name: cls for family in self.families for cls in family.classes}

    def bases(self, cls):
        """Those with rows and devices before the mixins."""
        bases = [self.by_name[name] for name in cls.bases]
        return sorted(bases, key=self.is_mixin)

    def is_mixin(self, cls):
        return not cls.rows and not cls.devs and all(self.is_mixin(b) for b in self.bases(cls))

    def lineage(self, cls):
        """Ancestors before descendants, the class itself last."""
        found = []
        for base in self.bases(cls):
            found += [kin for kin in self.lineage(base) if kin not in found]
        return found + [cls]

    def derived(self, cls):
        return [other for other in self.by_name.values() if cls.name in other.bases]

    def uses(self, cls):
        """Where a class is a device: [(class, Dev)]."""
        return [(o, d) for o in self.by_name.values() for d in o.devs if cls.name in d.classes]

    def inherited(self, cls, what):
        """The value of the most derived class that has one."""
        return next((getattr(c, what) for c in reversed(self.lineage(cls)) if getattr(c, what)), "")

    def attributes(self, cls):
        """All attributes, in the order of their first definition."""
        defined = {}
        for kin in self.lineage(cls):
            for row in kin.rows:
                defined.setdefault(row.attr, []).append((kin, row))
        return [Attribute(self.history(rows)) for rows in defined.values()]

    def history(self, rows):
        """The definition that wins at each release, by the rule in examples/README.md."""
        replaced = {a.name for kin, row in rows if not row.since for a in self.lineage(kin)[:-1]}
        rows = [(kin, row) for kin, row in rows if kin.name not in replaced]
        history = []
        for since in sorted({row.since for _, row in rows}, key=release):
            kin, row = [entry for entry in rows if entry[1].since == since][-1]
            row = None if row.is_gone else row
            before = history[-1][1] if history else None
            if not row and not before or row and before and row.meaning() == before.meaning():
                continue
            history.append((since, row, kin))
        return history

    def devices(self, cls):
        found = {}
        for kin in self.lineage(cls):
            found.update({dev.attr: (kin, dev) for dev in kin.devs})
        return list(found.values())

    def lines(self, cls, what):
        """All lines of a sort, with the class that has each: ancestors' first."""
        return [(kin, line) for kin in self.lineage(cls) for line in getattr(kin, what)]
