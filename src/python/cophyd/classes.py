"""Device classes declared in Python become class text, which the library checks and builds.

class MyPilatusDetector(SingleTrigger, DetectorBase):
    cam = Component(PilatusDetectorCam, "cam1:")
    hdf1 = Component(MyHDF5Plugin, "HDF1:", write_path_template="/data/%Y/")
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, overload

from .kinds import Kind, kind_of
from .pv import EpicsSignal, EpicsSignalBase
from .rows import Row
from .signal import SignalRO
from .soft import SoftSignal

if TYPE_CHECKING:
    from .context import Context
    from .device import Device


class Component:
    """An attribute of a device class: a signal, by the suffix of its PV; a SoftSignal, which has
    none; or a child device.

    `kind`: "normal", "config", "hinted" or "omitted"; of a signal that a base has too, that of the
    base. `string`: a CHAR waveform is text (True) or numbers (False), an enum its label (True).
    `doc`: what it is. `how`: another word of the class text's than the class gives, as "path" or
    "start". `write_pv`: of an EpicsSignal whose suffix is this with _RBV at its end. All
    else goes to the child device, or the signal, when it is made. In a derived class `attr = None`
    takes a signal away.
    """

    def __init__(
        self,
        cls: type,
        suffix: str | None = None,
        *,
        kind: Kind | int | str | None = None,
        string: bool | None = None,
        doc: str = "",
        how: str = "",
        lazy: bool | None = None,
        write_pv: str | None = None,
        **arguments: Any,
    ) -> None:
        self.cls = cls
        self.suffix = suffix or ""
        self.class_how = getattr(cls, "how", "")
        if write_pv is not None:
            self._take_write_pv(write_pv)
        self.kind = None if kind is None else kind_of(kind)
        self.string = string
        self.doc = doc
        self.how = how
        self.arguments = arguments
        self.attr = ""

    def _take_write_pv(self, write_pv: str) -> None:
        if not issubclass(self.cls, EpicsSignal):
            raise TypeError(f"wanted an EpicsSignal for write_pv={write_pv!r}, found {self.cls}")
        if self.suffix == f"{write_pv}_RBV":
            self.suffix, self.class_how = write_pv, "rbv"
        elif self.suffix != write_pv:
            wanted = f"wanted {write_pv}_RBV as the readback of write_pv={write_pv!r}"
            raise TypeError(f"{wanted}, found {self.suffix!r}: make it two components")

    @property
    def is_signal(self) -> bool:
        return issubclass(self.cls, SignalRO)

    @property
    def is_soft(self) -> bool:
        """A signal in memory, which is Python's alone."""
        return issubclass(self.cls, SoftSignal)

    def __set_name__(self, owner: type, name: str) -> None:
        self.attr = name

    @overload
    def __get__(self, device: None, owner: type) -> Component: ...
    @overload
    def __get__(self, device: Any, owner: type) -> Any: ...
    def __get__(self, device: Any, owner: type) -> Any:
        return self if device is None else device.attribute(self.attr)

    def __set__(self, device: Any, value: Any) -> None:
        raise AttributeError(f"{device.name}.{self.attr} is a component: use its put()")

    def __repr__(self) -> str:
        return f"Component({self.cls.__name__}, {self.suffix!r})"


def components_of(cls: type) -> dict[str, Component]:
    """Those that a class itself declares, and those of its bases that are no devices."""
    devices = [base for base in cls.__bases__ if is_device(base)]
    known = {owner for device in devices for owner in device.__mro__}
    found: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        if owner not in known:
            found.update(vars(owner))
    return {name: item for name, item in found.items() if isinstance(item, Component)}


def refuse_strangers(cls: type) -> None:
    """ophyd's Component, and its kin, would be no part of the device: its files would be missing,
    and nobody told."""
    for owner in cls.__mro__:
        for name, item in vars(owner).items():
            if hasattr(type(item), "create_component"):
                found = f"found {type(item).__module__}.{type(item).__qualname__}"
                raise TypeError(f"{cls.__name__}.{name}: wanted a Component of cophyd, {found}")


def quoted(words: str) -> str:
    """A doc, as a word of the class text."""
    line = " ".join(words.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f' "{line}"' if line else ""


def own_doc(cls: type) -> str:
    """The first sentence of a class's docstring, without what the text would take for a comment."""
    lines = (cls.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(lines.split()).replace("#", "").rstrip(".")


def kind_word(kind: Kind) -> str:
    """The word of a class text; what it has no word for is set once the device is there."""
    if kind & Kind.normal:
        return "hinted" if kind & Kind.hinted == Kind.hinted else "normal"
    return "config" if kind else "omitted"


class Declarations:
    """The classes of Python that a context has been told of."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def name_of(self, cls: type[Device]) -> str:
        """What a class is called in the library, which is told of it first if need be."""
        own = vars(cls).get("_class_name")
        if own:
            return str(own)
        self.context.check_process()
        with self.context.lock:
            for name, known in self.context.python_classes.items():
                if known is cls:
                    return name
            return self._declare(cls)

    def _declare(self, cls: type[Device]) -> str:
        bases = [self.name_of(base) for base in cls.__bases__ if is_device(base)]
        parts = [part for part in components_of(cls).values() if not part.is_soft]
        lines = [self._line(cls, bases, part) for part in parts]
        lines += self._lines_without(cls, bases)
        name = self._free_name(cls.__name__)
        head = f"class {name} : {' '.join(bases)}" if bases else f"class {name}"
        doc = own_doc(cls)
        source = "\n".join([head, *([f"doc {doc}"] if doc else []), *lines, *extra(cls)])
        self.context.parse(source + "\n", f"{cls.__module__}.{cls.__qualname__}")
        self.context.python_classes[name] = cls
        return name

    def _free_name(self, wanted: str) -> str:
        """The class's name; with a number where another class has it, as one defined before in an
        interactive session. `NAME_V34` means a release of NAME, so that is no name."""
        base = re.sub(r"_(V\d+)$", r"\1", wanted)
        names, name, number = set(self.context.class_names), base, 1
        while name in names:
            number += 1
            name = f"{base}x{number}"
        return name

    def _line(self, cls: type[Device], bases: list[str], part: Component) -> str:
        if not part.is_signal:
            if not getattr(part.cls, "is_device_class", False):
                wanted = "wanted a device or a signal of cophyd"
                raise TypeError(f"{cls.__name__}.{part.attr}: {wanted}, found {part.cls}")
            child = self.name_of(part.cls)
            suffix = part.suffix or '""'
            return f"dev {part.attr} {suffix} {child}{quoted(part.doc)}"
        if not issubclass(part.cls, EpicsSignalBase):
            known = "EpicsSignal, EpicsSignalRO, EpicsSignalWithRBV or a class of theirs"
            raise TypeError(f"{cls.__name__}.{part.attr}: wanted {known}, found {part.cls}")
        former = self._former(bases, part)
        how = part.how or part.class_how
        kind, type_, doc, options = part.kind, "any", part.doc, ""
        if former is not None:
            # Acquire stays an action, and FilePath a folder, though declared like others.
            stays = former.how in ("start", "path") and how in ("rw", "rbv") and not part.how
            how = former.how if stays else how
            kind = Kind(former.kind) if kind is None else kind
            type_, doc, options = former.type, doc or former.doc, f" - {former.options}"
        kind = Kind(cls.default_kind) if kind is None else kind
        type_ = {True: "text", False: "array", None: type_}[part.string]
        words = f"row {part.attr} {part.suffix} {how} {type_} {kind_word(kind)}"
        return words + options + quoted(doc)

    def _lines_without(self, cls: type[Device], bases: list[str]) -> list[str]:
        """For signals of bases that are None here: gone from the first release on, in the place of
        all rows of the bases."""
        rows = {attr for base in bases for attr in self.context.rows(base)}
        gone = [name for name, item in vars(cls).items() if item is None and name in rows]
        lines = ("row {0} {0} ro any omitted", "row {0} - gone 0.1")
        return [line.format(name) for name in gone for line in lines]

    def _former(self, bases: list[str], part: Component) -> Row | None:
        """The row of an attribute in a base, where it is of the same PV."""
        for base in bases:
            row = self.context.rows(base).get(part.attr)
            if row is not None and row.suffix == part.suffix:
                return row
        return None


def extra(cls: type) -> list[str]:
    """Further statements of the class text, which a class may have as `class_text`."""
    lines = vars(cls).get("class_text", "")
    return [line.strip() for line in lines.strip().splitlines()]


def is_device(cls: type) -> bool:
    """Whether a base is a class for the library, too."""
    return bool(getattr(cls, "is_device_class", False)) and not vars(cls).get("is_plain", False)
