"""What the Python package takes from the C sources: declarations of functions and structs for cffi,
from the public headers, and the built-in device classes, from their texts.

    generate.py FOLDER [SOURCE]

Writes FOLDER/_cdef.py and FOLDER/builtin.py. Needs Python's standard library alone."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "docs"))

from classes import Classes  # noqa: E402
from headers import Headers  # noqa: E402

NOT_BOUND = {"documents.h", "simulator.h"}  # of other libraries
# What a class has beside its text: a class of the package.
EXTRA = {
    "ADBase": "AreaDetectorDevice",
    "DetectorBase": "Detector",
    "EpicsMotor": "Motor",
    "FileStorePluginBase": "FileStore",
    "ImagePlugin": "LiveImage",
}
FIND = """

def find(name: str) -> type[Device]:
    \"\"\"A class by its name here, or one of a release: "HDF5Plugin_V34".\"\"\"
    plain, _, digits = name.partition("_V")
    if name not in __all__ and (plain not in __all__ or not re.fullmatch(r"\\d\\d+", digits)):
        raise AttributeError(f"module 'cophyd' has no attribute {name!r}")
    if name in __all__:
        return globals()[name]
    return release_of(globals()[plain], f"{digits[0]}.{digits[1:]}")
"""


def plain(code):
    """A declaration without comments, on as few lines as it needs."""
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.S).replace("INT32_MIN", "-2147483648")
    return "\n".join(line.rstrip() for line in code.split("\n") if line.strip())


def declarations(headers):
    """All of the headers, types before what uses them."""
    items = [
        item
        for header in headers.headers
        if header.name not in NOT_BOUND
        for item in header.items
        if item.kind in ("handle", "enum", "callback", "struct", "function")
        and not re.search(r"\bFILE\b", item.code)
    ]
    of = {
        kind: [plain(item.code) for item in items if item.kind == kind]
        for kind in ("enum", "callback", "struct", "function")
    }
    names = dict.fromkeys(item.name for item in items if item.kind in ("handle", "struct"))
    handles = [f"typedef struct {name} {name};" for name in names]
    structs = [
        re.sub(r"^typedef (struct \w+ .*\}) \w+;$", r"\1;", code, flags=re.S)
        for code in of["struct"]
    ]
    return "\n".join(handles + of["enum"] + of["callback"] + structs + of["function"])


def write_cdef(file, headers):
    file.write_text(
        '"""The public headers, for cffi. Generated: see src/python/generate.py."""\n\n'
        f'CDEF = """\n{declarations(headers)}\n"""\n'
    )


def docstring(text, indent="    "):
    text = text.replace("\\", "\\\\").replace('"', "'")
    return f'{indent}"""{text}."""'


def class_lines(classes, cls):
    """A class of Python: its own rows and devices as annotations."""
    bases = [base.name for base in classes.bases(cls)]
    bases = [*bases, EXTRA[cls.name]] if cls.name in EXTRA else bases or ["Device"]
    yield f"class {cls.name}({', '.join(python_order(classes, bases))}):"
    yield docstring(cls.doc or cls.name)
    yield ""
    yield f'    _class_name = "{cls.name}"'
    named = {}
    above = [row for kin in classes.lineage(cls)[:-1] for row in kin.rows]
    written = {row.attr for row in above if row.how not in ("ro", "gone")}
    for row in cls.rows:
        group, dot, _ = row.attr.partition(".")
        if dot:
            named[group] = "Group"
        elif not row.is_gone:
            # What a base can write stays so for those who check types.
            is_read = row.how == "ro" and row.attr not in written
            named[row.attr] = "SignalRO" if is_read else "Signal"
    for dev in cls.devs:
        if "." in dev.attr:
            named[dev.attr.partition(".")[0]] = "Group"
        else:
            named[dev.attr] = dev.classes[0].split("@")[0]
    for attr, kind in named.items():
        yield f"    {attr}: {kind}"


def python_order(classes, names):
    """Bases in an order that Python takes: a class before what it derives from."""
    by_name = classes.by_name

    def depth(name):
        return len(classes.lineage(by_name[name])) if name in by_name else 0

    return sorted(names, key=depth, reverse=True)


def write_builtin(file, classes):
    lines = [
        '"""The built-in device classes, with the attributes that each adds to its bases.',
        "",
        'Generated from the class texts: see src/python/generate.py."""',
        "",
        "from __future__ import annotations",
        "",
        "import re",
        "",
        "from .detector import AreaDetectorDevice, Detector, LiveImage",
        "from .device import Device",
        "from .files import FileStore",
        "from .group import Group",
        "from .lookup import release_of",
        "from .motor import Motor",
        "from .signal import Signal, SignalRO",
        "",
        "__all__ = [",
        *(f'    "{name}",' for name in sorted(classes.by_name)),
        "]",
    ]
    done = set()

    def add(cls):
        if cls.name in done:
            return
        done.add(cls.name)
        for base in classes.bases(cls):
            add(base)
        lines.extend(["", "", *class_lines(classes, cls)])

    for cls in classes.by_name.values():
        add(cls)
    file.write_text("\n".join(lines) + "\n" + FIND)


def main(folder, source=HERE.parent.parent):
    folder, source = Path(folder), Path(source)
    folder.mkdir(parents=True, exist_ok=True)
    write_cdef(folder / "_cdef.py", Headers(source / "include/cophyd"))
    write_builtin(folder / "builtin.py", Classes(source / "src/ad/classes"))


if __name__ == "__main__":
    main(*sys.argv[1:])
