"""Device classes by their names among the library's."""

from __future__ import annotations

from typing import Any

from ._library import text
from .context import Context, default_context
from .device import Device


def device_class(expression: str, context: Context | None = None) -> type[Device]:
    """The class of a device by its name among the library's: a built-in one, one of a release
    ("HDF5Plugin@3.4"), one of a class text, or several to join."""
    from . import builtin  # which derives from Device

    context = context or default_context()
    parts = [_one_class(context, word, builtin) for word in expression.split()]
    if len(parts) == 1:
        return parts[0]
    bases = tuple(sorted(parts, key=lambda part: len(part.__mro__), reverse=True))
    return _new_class("_".join(part.__name__ for part in parts), bases, expression)


def _one_class(context: Context, word: str, builtin: Any) -> type[Device]:
    known = context.python_classes.get(word)
    if known is not None:
        return known
    info = context.describe_class(word)
    name, bases = text(info.name), text(info.bases)
    plain, _, release = name.partition("@")
    if plain in context.python_classes:
        return _new_class(plain, (context.python_classes[plain],), name)
    if release:
        return release_of(_one_class(context, plain, builtin), release)
    if plain in builtin.__all__:
        return getattr(builtin, plain)
    above = tuple(_one_class(context, base, builtin) for base in bases.split())
    ordered = tuple(sorted(above, key=lambda part: len(part.__mro__), reverse=True))
    made = _new_class(plain, ordered or (Device,), name, text(info.doc))
    context.python_classes[word] = made
    return made


def release_of(base: type[Device], release: str) -> type[Device]:
    """A class as of a release of ADCore: "3.4"."""
    plain = vars(base)["_class_name"]
    name = f"{plain}_V{release.replace('.', '')}"
    return _new_class(name, (base,), f"{plain}@{release}", base.__doc__ or "")


_made: dict[tuple[Any, ...], type[Device]] = {}


def _new_class(name: str, bases: tuple[type, ...], expression: str, doc: str = "") -> type[Device]:
    """A class without anything of its own; always the same one."""
    key = (expression, bases)
    if key not in _made:
        _made[key] = type(name, bases, {"__doc__": doc, "_class_name": expression})
    return _made[key]
