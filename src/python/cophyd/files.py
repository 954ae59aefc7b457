"""File stores: where a file plugin writes, how its files are named, and which they were."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

from ._library import ffi, lib, text
from .device import Device, logger
from .documents import file_of
from .errors import call

SEMANTICS = {"posix": lib.OPH_PATH_POSIX, "windows": lib.OPH_PATH_WINDOWS}
NAMING = {
    "uuid": lib.OPH_NAME_UUID,
    "fixed": lib.OPH_NAME_FIXED,
    "counter": lib.OPH_NAME_COUNTER,
}


class PathTemplate(str):
    """The template of a folder, as text that can also be put: strftime's % fields are expanded once
    a stage."""

    _store: FileStore
    _write: bool

    @classmethod
    def of(cls, store: FileStore, write: bool) -> PathTemplate:
        side = lib.OPH_SIDE_IOC if write else lib.OPH_SIDE_LOCAL
        buffer = ffi.new("char[]", 4096)
        rc = lib.oph_files_get(store._ptr, side, buffer, 4096, ffi.NULL)
        template = cls("" if rc == lib.OPH_ESTATE else text(buffer))
        template._store, template._write = store, write
        return template

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied or pickled, as metadata of a run, it is text alone."""
        return str, (str(self),)

    def get(self) -> str:
        return str(PathTemplate.of(self._store, self._write))

    def put(self, template: str | os.PathLike[str]) -> None:
        """Sets it, from the next stage on. Change both, the other too where it is the same."""
        function = lib.oph_files_set_write if self._write else lib.oph_files_set_read
        call(function, self._store._ptr, os.fsencode(template))


def name_function(store: FileStore, naming: Callable[[FileStore], str]) -> Any:
    """An oph_file_name_fn. It runs on the thread of Python's that stages."""
    weak = weakref.ref(store)

    def write_name(_user: Any, _dev: Any, buffer: Any, size: int) -> int:
        try:
            name = os.fsencode(naming(weak()))  # type: ignore[arg-type]
        except Exception:
            logger.exception("%r raised an exception", naming)
            return lib.OPH_ECANCEL
        if len(name) >= size:
            logger.error("%r: wanted fewer than %d bytes, found %d", naming, size, len(name))
            return lib.OPH_ERANGE
        ffi.memmove(buffer, name, len(name))  # into zeros
        return 0

    return ffi.callback("oph_file_name_fn", write_name, error=lib.OPH_ECANCEL)


class FileStore(Device):
    """A file plugin whose files are named by the library."""

    is_plain = True
    reg_root = "/"
    """The folder, as this machine names it, that the paths in resource documents begin from."""

    def __init__(
        self,
        prefix: str = "",
        *,
        write_path_template: str | os.PathLike[str] | None = None,
        read_path_template: str | os.PathLike[str] | None = None,
        path_semantics: str | None = None,
        root: str | os.PathLike[str] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(prefix, **arguments)
        if path_semantics is not None:
            self.path_semantics = path_semantics
        if write_path_template is not None:
            self.set_path_templates(write_path_template, read_path_template)
        elif read_path_template is not None:
            self.read_path_template.put(read_path_template)
        if root is not None:
            self.reg_root = os.fspath(root)

    def set_path_templates(
        self,
        write: str | os.PathLike[str],
        read: str | os.PathLike[str] | None = None,
    ) -> None:
        """Both at once: the folder as the IOC and as this machine names it; None: the same."""
        local = ffi.NULL if read is None else os.fsencode(read)
        call(lib.oph_files_set, self._ptr, os.fsencode(write), local)

    @property
    def write_path_template(self) -> PathTemplate:
        """The folder as the IOC names it."""
        return PathTemplate.of(self, True)

    @write_path_template.setter
    def write_path_template(self, template: str | os.PathLike[str]) -> None:
        self.write_path_template.put(template)

    @property
    def read_path_template(self) -> PathTemplate:
        """The same folder as this machine names it."""
        return PathTemplate.of(self, False)

    @read_path_template.setter
    def read_path_template(self, template: str | os.PathLike[str]) -> None:
        self.read_path_template.put(template)

    @property
    def path_semantics(self) -> str:
        """How the IOC writes paths: "posix" or "windows". To be set before the templates."""
        return self._semantics

    @path_semantics.setter
    def path_semantics(self, semantics: str) -> None:
        if semantics not in SEMANTICS:
            raise ValueError(f"wanted posix or windows, found {semantics!r}")
        call(lib.oph_files_set_semantics, self._ptr, SEMANTICS[semantics])
        self._semantics = semantics

    _semantics = "posix"

    def set_file_naming(
        self, naming: str | Callable[[FileStore], str], name: str | None = None
    ) -> None:
        """How files are named: "uuid", a new one each stage; "fixed", this text; "counter", this
        text or what stands, with the IOC's FileNumber going on; or by a function of this plugin,
        which is called once a stage, and once a plan. What it raises goes to the log of "cophyd",
        and the stage fails."""
        if callable(naming):
            function = name_function(self, naming)
            call(lib.oph_files_set_name_function, self._ptr, function, ffi.NULL)
            self._name_function = function  # the library has no reference
            return
        if naming not in NAMING:
            raise ValueError(f"wanted {', '.join(NAMING)}, found {naming!r}")
        words = ffi.NULL if name is None else name.encode()
        call(lib.oph_files_set_name, self._ptr, NAMING[naming], words)

    _name_function: Any = None

    def set_overwrite(self, overwrite: bool) -> None:
        """Whether a file that exists may be overwritten."""
        call(lib.oph_files_set_overwrite, self._ptr, int(overwrite))

    @property
    def local_files(self) -> list[str]:
        """The files of the latest acquisition, as this machine names them: one, or one a frame."""
        count = lib.oph_file_count(self._ptr)
        return [file_of(self, i) for i in range(count)]

    @property
    def ioc_files(self) -> list[str]:
        """The same as the IOC names them."""
        count = lib.oph_file_count(self._ptr)
        return [file_of(self, i, lib.OPH_SIDE_IOC) for i in range(count)]
