"""Contexts: a Channel Access client, the classes it knows, and the thread of its callbacks."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import Any

from ._library import ffi, lib, new_struct, text
from .errors import (
    call,
    call_for,
    call_with_report,
    make_error,
    on_main_thread,
    on_wait,
    refuse_copy,
)
from .events import Events
from .rows import Row, rows_of


class Context:
    """One Channel Access client. One for a program is enough, and devices make it when needed.

    Timeouts are seconds: to find a PV, to read, for a put's completion, for a readback to follow
    it, and for an acquisition to stop; 0 is the library's own. A context looks at
    EPICS_CA_ADDR_LIST and its kin when it is made.
    """

    __reduce_ex__ = refuse_copy

    def __init__(
        self,
        *,
        connect_timeout: float = 0,
        get_timeout: float = 0,
        put_timeout: float = 0,
        grace: float = 0,
        stop_timeout: float = 0,
    ) -> None:
        options = new_struct("oph_context_options")
        options.connect_timeout = connect_timeout
        options.get_timeout = get_timeout
        options.put_timeout = put_timeout
        options.grace = grace
        options.stop_timeout = stop_timeout
        self._ptr = call_for("oph_context *", lib.oph_context_new, options)
        self.lock = threading.RLock()
        self._pid = os.getpid()
        self._events: list[Events] = []  # none or one
        self._rows: dict[str, dict[str, Row]] = {}
        self.python_classes: dict[str, type] = {}  # those declared in Python, by the C names
        self._heeds_signals = False
        weakref.finalize(self, _end, self._ptr, self._events).atexit = False
        self.heed_signals()

    def heed_signals(self) -> None:
        """Lets handlers of signals run, and so Ctrl-C end a call, while one blocks on this thread,
        where it is the main one."""
        if not self._heeds_signals and on_main_thread():
            self._heeds_signals = True
            lib.oph_context_on_wait(self._ptr, on_wait, ffi.NULL)
            _heeding.add(self)

    @property
    def events(self) -> Events:
        """The thread that calls back; made when first needed."""
        self.check_process()
        with self.lock:
            if not self._events:
                self._events.append(Events(self._ptr))
            return self._events[0]

    def parse(self, source: str, origin: str = "text") -> None:
        """Adds the classes of a text, whose grammar is in examples/README.md. It is checked whole:
        every mistake is in the exception's report."""
        call_with_report(lib.oph_class_parse, self._ptr, source.encode(), origin.encode())

    def load(self, file: str | os.PathLike[str]) -> None:
        """The same of a file."""
        call_with_report(lib.oph_class_load, self._ptr, os.fsencode(file))

    @property
    def class_names(self) -> list[str]:
        """All classes that the context knows, the built-in ones first."""
        count = lib.oph_class_count(self._ptr)
        return [text(lib.oph_class_name_at(self._ptr, i)) for i in range(count)]

    def describe_class(self, name: str) -> Any:
        """An oph_class_info, whose texts live as long as the context."""
        info = new_struct("oph_class_info")
        call(lib.oph_class_describe, self._ptr, name.encode(), info)
        return info

    def rows(self, class_name: str) -> dict[str, Row]:
        """What a class says of its attributes, without an IOC."""
        with self.lock:
            if class_name not in self._rows:
                self._rows[class_name] = self._read_rows(class_name)
            return self._rows[class_name]

    def _read_rows(self, class_name: str) -> dict[str, Row]:
        name = class_name.encode()
        rows = rows_of(call_for("oph_rows *", lib.oph_class_rows, self._ptr, name, 0))
        return {row.attr: row for row in rows}

    def find(self, words: str) -> list[Row]:
        """The attributes of all classes in whose class, name, PV, doc or labels all these words
        occur, in any case: "hdf5 compress"."""
        return rows_of(call_for("oph_rows *", lib.oph_class_find, self._ptr, words.encode()))

    def check_process(self) -> None:
        """ForkError in a child of the process that made it, whose locks may be held for ever."""
        if os.getpid() != self._pid:
            sentence = f"the context belongs to process {self._pid}: make one after fork"
            raise make_error(lib.OPH_EFORK, sentence)

    def interrupt(self) -> None:
        """Makes the calls that block now, or else the next one that does, raise an error."""
        lib.oph_interrupt(self._ptr)


_heeding: weakref.WeakSet[Context] = weakref.WeakSet()


@atexit.register
def _heed_no_more() -> None:
    """What the library calls later finds no interpreter."""
    for context in list(_heeding):
        lib.oph_context_on_wait(context._ptr, ffi.NULL, ffi.NULL)


def _end(context: Any, events: list[Events]) -> None:
    for thread in events:
        thread.close(release=True)
    lib.oph_context_free(context)


class _Default:
    """The context of this process that is used where none is given."""

    context: Context | None = None
    pid = 0
    lock = threading.Lock()


def default_context() -> Context:
    """The context that devices share which are made without one. Made at first use; a forked child
    gets a new one."""
    with _Default.lock:
        if _Default.context is None or _Default.pid != os.getpid():
            _Default.context, _Default.pid = Context(), os.getpid()
        _Default.context.heed_signals()
        return _Default.context


def set_default_context(context: Context) -> None:
    """Has devices made from now on use this one."""
    with _Default.lock:
        _Default.context, _Default.pid = context, os.getpid()
