"""The declarations that cffi reads are those that a C compiler reads; what sentences of the library
advise has a name in Python."""

import os
import re
import subprocess
from pathlib import Path

from cophyd._cdef import CDEF
from cophyd._library import ffi, lib
from cophyd.errors import REMEDIES, sentence

TYPES = re.findall(r"^typedef struct (\w+)", CDEF, flags=re.M)
STRUCTS = [name for name in TYPES if ffi.typeof(name).fields is not None]
ENUMS = [name for name in dir(lib) if name.startswith("OPH_")]


def c_program():
    """A program that prints sizes, offsets and constants, one a line."""
    lines = ["#include <cophyd/cophyd.h>", "#include <stdio.h>", "int main(void) {"]
    for name in STRUCTS:
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field, _ in ffi.typeof(name).fields:
            lines.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
    lines += [f'printf("{name} %lld\\n", (long long){name});' for name in ENUMS]
    return "\n".join([*lines, "return 0; }"])


def python_lines():
    for name in STRUCTS:
        yield f"{name} {ffi.sizeof(name)}"
        for field, _ in ffi.typeof(name).fields:
            yield f"{name}.{field} {ffi.offsetof(name, field)}"
    yield from (f"{name} {getattr(lib, name)}" for name in ENUMS)


def test_structs_and_constants_are_as_in_c(tmp_path):
    (tmp_path / "layout.c").write_text(c_program())
    program = str(tmp_path / "layout")
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run(
        [*compiler, "-std=c11", "-Iinclude", "-o", program, str(tmp_path / "layout.c")], check=True
    )
    found = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == list(python_lines())
    assert "oph_error" in STRUCTS and "oph_description" in STRUCTS
    assert "OPH_ETIMEOUT" in ENUMS and "OPH_KIND_HINTED" in ENUMS


def test_every_function_of_the_headers_is_there():
    names = set(Path("tests/abi/names.txt").read_text().split())
    with_files = {
        name for name in names if name.endswith("_print") and name != "oph_settings_print"
    }
    assert names - with_files - set(dir(lib)) == set()


def test_what_sentences_advise_is_told_by_its_name_in_python():
    functions = set(Path("tests/abi/names.txt").read_text().split())
    sources = [*Path("src/core").glob("*.c"), *Path("src/ad").glob("*.c")]
    texts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', "\n".join(file.read_text() for file in sources))
    # A name with a colon is the function that was called.
    named = {name for text in texts for name in re.findall(r"\boph_\w+\b(?!:)", text)}
    flags = {name for text in texts for name in re.findall(r"\bwith (OPH_\w+)", text)}
    assert named & functions | flags == set(REMEDIES)
    told = ffi.new("char[]", b"oph_recover does that, with OPH_RECOVER_ANY_SERVER, as X is Y now")
    assert sentence(told) == "recover() does that, with any_server=True, as X is Y now"
