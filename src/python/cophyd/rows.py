"""What a class text says of its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ._library import lib, text


@dataclass(frozen=True)
class Row:
    """An attribute, as its class says without an IOC."""

    class_name: str
    """The class that has it: "FileBase"."""
    attr: str
    suffix: str
    doc: str
    how: str
    """"ro", "rw", "rbv", "path" or "start"."""
    type: str
    """"any", "int", "float", "enum", "text" or "array"."""
    kind: int
    labels: tuple[str, ...]
    options: str
    """The other words of its line: "slow=110 after=energy"."""

    @classmethod
    def of(cls, row: Any) -> Row:
        return cls(
            class_name=text(row.class_name),
            attr=text(row.attr),
            suffix=text(row.suffix),
            doc=text(row.doc),
            how=text(lib.oph_how_name(row.how)),
            type=text(lib.oph_row_type_name(row.type)),
            kind=row.kind,
            labels=tuple(text(row.labels[i]) for i in range(row.label_count)),
            options=" ".join(options_of(row)),
        )


def rows_of(rows: Any) -> list[Row]:
    """An oph_rows, which is freed."""
    found = [Row.of(lib.oph_rows_at(rows, i)) for i in range(lib.oph_rows_count(rows))]
    lib.oph_rows_free(rows)
    return found


FLAGS = {
    "busy": lib.OPH_ROW_BUSY,
    "counter": lib.OPH_ROW_COUNTER,
    "moves": lib.OPH_ROW_MOVES,
}


def options_of(row: Any) -> Iterator[str]:
    """Those of an oph_row that make a difference to what is sent."""
    if row.slow:
        yield f"slow={row.slow:g}"
    after = text(row.after)
    if after:
        yield f"after={after}"
    yield from (word for word, flag in FLAGS.items() if row.flags & flag)
