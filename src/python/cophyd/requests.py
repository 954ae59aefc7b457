"""What several signals are asked in one message."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib, seconds
from .arrays import Data
from .errors import call, call_for, call_with_report

if TYPE_CHECKING:
    from .context import Context
    from .signal import Signal, SignalRO


class Requests:
    """What signals of a context are asked, numbered from 0; gone at the end of its block."""

    def __init__(self, context: Context) -> None:
        made = call_for("oph_group *", lib.oph_group_new, context._ptr)
        self._ptr = ffi.gc(made, lib.oph_group_free)

    def __enter__(self) -> Requests:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ffi.release(self._ptr)

    def connect(self, signal: SignalRO) -> None:
        call(lib.oph_group_connect, self._ptr, signal._ptr)

    def read(self, signal: SignalRO, options: Any) -> None:
        call(lib.oph_group_read, self._ptr, signal._ptr, options)

    def put(self, signal: Signal, data: Data, options: Any) -> None:
        call(lib.oph_group_put, self._ptr, signal._ptr, data.pointer, options)

    def run(self, timeout: float | None = None) -> None:
        """The error's report has one for each that failed."""
        call_with_report(lib.oph_group_run, self._ptr, seconds(timeout))

    def value(self, number: int) -> Any:
        """An oph_value, which goes with these."""
        return lib.oph_group_value(self._ptr, number)
