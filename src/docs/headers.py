"""What the public headers declare, and what their comments say of it."""

import re

INNER = re.compile(r"#define OPH_(API|BEGIN_DECLS|END_DECLS)\b")


class Item:
    """A function, type or macro. `group` are those that one comment speaks of."""

    def __init__(self, kind, name, code, header, line):
        self.kind, self.name, self.code = kind, name, code
        self.header, self.line = header, line
        self.group = None
        self.trailing = ""
        self.twin = None  # another handle of that name, in another header

    @property
    def comment(self):
        return self.group.comment

    @property
    def text(self):
        return "\n\n".join(part for part in (self.comment, self.trailing) if part)

    @property
    def signature(self):
        """A function's, on one line."""
        return " ".join(self.code.split())


class Group:
    def __init__(self, comment):
        self.comment = comment
        self.items = []


class Header:
    def __init__(self, name):
        self.name = name
        self.text = ""
        self.groups = []  # one without items is a remark between others

    @property
    def items(self):
        return [item for group in self.groups for item in group.items]

    def of_kind(self, *kinds):
        return [item for item in self.items if item.kind in kinds]


def clean(comment):
    """The text of a /* comment */."""
    lines = comment.strip()[2:-2].strip().split("\n")
    return "\n".join(
        re.sub(r"^ ?\*? ?", "", line, count=1) if i else line for i, line in enumerate(lines)
    )


def kind_and_name(code):
    plain = re.sub(r"/\*.*?\*/", "", code, flags=re.S)
    if found := re.match(r"#define (\w+)", plain):
        callable_ = re.match(r"#define oph_\w+\(", plain)
        return ("function macro" if callable_ else "macro"), found[1]
    if found := re.match(r"enum (\w+)", plain):
        return "enum", found[1]
    if found := re.match(r"typedef struct (\w+) \1;", plain):
        return "handle", found[1]
    if found := re.match(r"typedef struct (\w+) \{", plain):
        return "struct", found[1]
    if found := re.match(r"typedef [^(]*\b(oph_\w+)\(", plain):
        return "callback", found[1]
    if found := re.match(r"[^(]*\b(oph_\w+)\(", plain):
        return "function", found[1]
    raise SystemExit(f"not understood: {code!r}")


class Reader:
    def __init__(self, path):
        self.header = Header(path.name)
        self.lines = path.read_text().split("\n")
        self.at = 0
        self.group = None

    def take(self, done):
        """Lines up to the one where `done` is true of all that was taken."""
        first = self.at
        while self.at < len(self.lines):
            self.at += 1
            text = "\n".join(self.lines[first : self.at])
            if done(text):
                return text
        raise SystemExit(f"{self.header.name}:{first + 1}: this does not end")

    def new_group(self, comment):
        self.group = Group(comment)
        self.header.groups.append(self.group)

    def add(self, code):
        line = self.at
        trailing = ""
        if code.startswith("OPH_API "):
            code = code[8:].replace("\n        ", "\n")
        if code.startswith("#define"):
            code = re.sub(r"[ \t]*\\\n", "\n", code)
        elif found := re.fullmatch(r"(.*;)\s*(/\*.*\*/)", code, flags=re.S):
            code, trailing = found[1], clean(" ".join(found[2].split()))
        item = Item(*kind_and_name(code), code, self.header.name, line)
        item.trailing = trailing
        if not self.group:
            self.new_group("")
        item.group = self.group
        self.group.items.append(item)

    def read(self):
        guard = True
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip():
                self.group = None
                self.at += 1
            elif line.startswith("/*"):
                comment = clean(self.take(lambda text: text.rstrip().endswith("*/")))
                if not self.header.text:
                    self.header.text = comment
                elif not comment.startswith("clang-format"):
                    self.new_group(comment)
            elif line.startswith("#define") and not guard and not INNER.match(line):
                self.add(self.take(lambda text: not text.endswith("\\")))
            elif line.startswith("#") or re.match(r"OPH_(BEGIN|END)_DECLS$", line):
                guard = guard and not line.startswith("#define")
                self.at += 1
            else:
                self.add(self.take(is_whole))
        drop_repeated(self.header)
        return self.header


def is_whole(text):
    """Whether a declaration ends here, with the comment that follows on its last line."""
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return (
        "/*" not in plain and plain.count("{") == plain.count("}") and plain.rstrip().endswith(";")
    )


def drop_repeated(header):
    """Of a macro that C and C++ define differently C's stays, which comes last."""
    last = {item.name: item for item in header.of_kind("macro")}
    for group in header.groups:
        group.items = [i for i in group.items if i.kind != "macro" or last[i.name] is i]
    header.groups = [group for group in header.groups if group.items or group.comment]


class Headers:
    def __init__(self, folder):
        paths = sorted(path for path in folder.glob("*.h") if path.name != "cophyd.h")
        self.headers = [Reader(path).read() for path in paths]
        self.functions = self.named("function", "function macro")
        self.types = self.named("enum", "struct", "handle", "callback")
        self.codes = self.read_codes()

    def named(self, *kinds):
        """Name to item; of a type that two headers declare the one that says more."""
        found = {}
        for header in self.headers:
            for item in header.of_kind(*kinds):
                known = found.setdefault(item.name, item)
                if known.kind == "handle" and item.kind == "struct":
                    found[item.name] = item
                elif known is not item:
                    known.twin = item
        return found

    def read_codes(self):
        """OPH_E... to what it means."""
        rows = re.findall(r"(OPH_E\w+) = -\d+, +/\* (.*?) \*/", self.types["oph_code"].code)
        return dict(rows)

    def header_of(self, item):
        return next(header for header in self.headers if header.name == item.header)

    def enumerators(self, item):
        return re.findall(r"^\s+(OPH_\w+)(?= =)", item.code, flags=re.M)

    def same_as(self, item):
        """The functions that a comment continues with `The same ...`."""
        if not re.match(r"The same(?! status)\b", item.comment):
            return None
        groups = [
            g for g in self.header_of(item).groups if any(i.kind == "function" for i in g.items)
        ]
        before = groups[groups.index(item.group) - 1]
        return next(i for i in before.items if i.kind == "function")
