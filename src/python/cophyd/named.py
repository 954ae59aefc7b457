"""Attributes that are found by name."""

from __future__ import annotations

from typing import Any

from .errors import refuse_copy


def refuse_foster(name: str, parent: Any) -> None:
    """Where ophyd's Component makes it: a part of a tree is found in its parent's memory."""
    if not (parent is None or isinstance(parent, Named)):
        found = f"found {type(parent).__module__}.{type(parent).__qualname__}"
        raise TypeError(f"{name}: wanted a device of cophyd as its parent, {found}")


class Named:
    """What a device and a group of attributes have in common: Python finds their attributes, and
    completes them."""

    name: str = ""
    __reduce_ex__ = refuse_copy
    parent: Any = None
    attr_name: str = ""

    @property
    def component_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    def attribute(self, name: str) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.attribute(name)

    def __setattr__(self, name: str, value: Any) -> None:
        """What is found by name would be hidden."""
        if not name.startswith("_") and not hasattr(type(self), name) and self._has(name):
            raise AttributeError(f"{self.name}.{name} is a component: use its put()")
        super().__setattr__(name, value)

    def _has(self, name: str) -> bool:
        try:
            self.attribute(name)
        except AttributeError:
            return False
        return True

    def __dir__(self) -> list[str]:
        names = {name.partition(".")[0] for name in self.component_names}
        return sorted({*super().__dir__(), *names})
