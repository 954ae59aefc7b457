"""Device classes declared in Python become class text, which the library checks and builds.

class MyPilatusDetector(SingleTrigger, DetectorBase):
    cam = Component(PilatusDetectorCam, "cam1:")
    hdf1 = Component(MyHDF5Plugin, "HDF1:", write_path_template="/data/%Y/")
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, overload

from ._library import text
from .errors import CophydError
from .signal import EpicsSignal, EpicsSignalRO, EpicsSignalWithRBV, Kind, SignalRO, kind_of

if TYPE_CHECKING:
    from .context import Context
    from .device import Device

HOW: dict[type, str] = {EpicsSignalRO: "ro", EpicsSignal: "rw", EpicsSignalWithRBV: "rbv"}


class Component:
    """An attribute of a device class: a signal, by the suffix of its PV, or a child device.

    `kind`: "normal", "config", "hinted" or "omitted"; of a signal that a base has too, that of the
    base. `string`: a CHAR waveform is text (True) or numbers (False). `doc`: what it is. `how`:
    another word of the class text's than the class gives, as "path" or "start". All else goes to
    the child device when it is made.
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
        **arguments: Any,
    ) -> None:
        self.cls = cls
        self.suffix = suffix or ""
        self.kind = None if kind is None else kind_of(kind)
        self.string = string
        self.doc = doc
        self.how = how
        self.arguments = arguments
        self.attr = ""

    @property
    def is_signal(self) -> bool:
        return issubclass(self.cls, SignalRO)

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
    """Those that a class itself declares."""
    return {name: item for name, item in vars(cls).items() if isinstance(item, Component)}


def quoted(words: str) -> str:
    """A doc, as a word of the class text."""
    line = " ".join(words.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f' "{line}"' if line else ""


def own_doc(cls: type) -> str:
    """The first sentence of a class's docstring, without what the text would take for a comment."""
    lines = (cls.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(lines.split()).replace("#", "").rstrip(".")


def kind_word(kind: int) -> str:
    names = {Kind.omitted: "omitted", Kind.normal: "normal", Kind.config: "config"}
    return names.get(Kind(kind), "hinted")


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
        lines = [self._line(cls, bases, part) for part in components_of(cls).values()]
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
            child = self.name_of(part.cls)
            return f"dev {part.attr} {part.suffix} {child}{quoted(part.doc)}"
        how = part.how or HOW.get(part.cls)
        if how is None:
            known = ", ".join(kind.__name__ for kind in HOW)
            raise TypeError(f"{cls.__name__}.{part.attr}: wanted {known}, found {part.cls}")
        former = self._former(bases, part.attr)
        kind = part.kind
        if kind is None:
            kind = former.kind if former else Kind(cls.default_kind)
        type_ = {True: "text", False: "array", None: former.type if former else "any"}[part.string]
        words = f"row {part.attr} {part.suffix} {how} {type_} {kind_word(kind)}"
        return words + quoted(part.doc or (former.doc if former else ""))

    def _former(self, bases: list[str], attr: str) -> Any:
        """The row of an attribute in a base."""
        for base in bases:
            row = self.context.rows(base).get(attr)
            if row is not None:
                return row
        return None


def extra(cls: type) -> list[str]:
    """Further statements of the class text, which a class may have as `class_text`."""
    lines = vars(cls).get("class_text", "")
    return [line.strip() for line in lines.strip().splitlines()]


def is_device(cls: type) -> bool:
    """Whether a base is a class for the library, too."""
    return bool(getattr(cls, "is_device_class", False)) and not vars(cls).get("is_plain", False)


def class_from_name(context: Context, name: str) -> str:
    """The name with aliases resolved; AttributeError where there is no such class."""
    try:
        return text(context.describe_class(name).name)
    except CophydError as error:
        raise AttributeError(str(error)) from None
