"""Attributes that are found by name."""

from __future__ import annotations

from typing import Any


class Named:
    """What a device and a group of attributes have in common: Python finds their attributes, and
    completes them."""

    @property
    def component_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    def attribute(self, name: str) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.attribute(name)

    def __dir__(self) -> list[str]:
        names = {name.partition(".")[0] for name in self.component_names}
        return sorted({*super().__dir__(), *names})
