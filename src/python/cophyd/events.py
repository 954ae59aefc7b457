"""The thread that calls Python back.

The library's own threads never run Python: one thread here waits on the descriptors of a queue and
of statuses, and calls what they tell, one at a time, with no lock held."""

from __future__ import annotations

import atexit
import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Any, Protocol

from ._library import ffi, lib
from .errors import call_for

logger = logging.getLogger("cophyd")


class Target(Protocol):
    """Who gets the events of a subscription, each to be freed by it."""

    def deliver(self, event: Any) -> None: ...


class Events:
    """What a context has to tell, in order: values, and statuses that are done."""

    LOOK = 0.1  # seconds between looks at the progress of a status that somebody watches
    TURN = 100  # events

    def __init__(self, context: Any) -> None:
        self.queue = call_for("oph_queue *", lib.oph_queue_new, context)
        self._lock = threading.RLock()  # a finalizer may run anywhere
        self._targets: dict[int, Target] = {}
        self._last = 0
        self._statuses: dict[int, list[Any]] = {}  # one action may have several
        self._watched: dict[int, Any] = {}
        self._poll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._queue_fd = lib.oph_queue_fd(self.queue)
        for fd in (self._wake, self._queue_fd):
            self._poll.register(fd, select.EPOLLIN)
        self._pid = os.getpid()
        self._ended = False
        self._release = False
        self._thread: threading.Thread | None = None
        atexit.register(self.close)

    def _start(self) -> None:
        """With the lock held."""
        if self._thread is None and not self._ended:
            self._thread = threading.Thread(target=self._run, name="cophyd-events", daemon=True)
            self._thread.start()

    @property
    def is_mine(self) -> bool:
        """Whether this very thread is the one that calls back."""
        return threading.current_thread() is self._thread

    def add(self, target: Target) -> int:
        """A key for the events of a target."""
        with self._lock:
            self._last += 1
            self._targets[self._last] = target
            self._start()
            return self._last

    def drop(self, key: int) -> None:
        with self._lock:
            self._targets.pop(key, None)

    def follow(self, status: Any) -> None:
        """Calls status._done_in_events() once it is done, which may be now."""
        fd = call_for("int", lib.oph_status_fd, status._ptr)
        with self._lock:
            self._start()
            if fd not in self._statuses:
                self._poll.register(fd, select.EPOLLIN)
            followed = self._statuses.setdefault(fd, [])
            if status not in followed:
                followed.append(status)

    def watch(self, status: Any) -> None:
        """Calls status._look_in_events() now and then, and a last time before it is done."""
        with self._lock:
            self._watched[id(status)] = status
        self.follow(status)  # which takes it out again, once the status is done
        os.eventfd_write(self._wake, 1)

    def close(self, release: bool = False) -> None:
        """Ends the thread: no callback runs after it, but one that takes longer than a second.
        `release`: nobody will ask for anything any more, and so the queue goes, too."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._ended:
                return
            self._release, self._ended = release, True
            os.eventfd_write(self._wake, 1)
        atexit.unregister(self.close)
        if self._thread is None:
            self._dispose()
        elif not self.is_mine:
            self._thread.join(1)

    def _dispose(self) -> None:
        with self._lock:
            if not self._release:
                return
            lib.oph_queue_free(self.queue)
            self._poll.close()
            os.close(self._wake)

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            self._dispose()

    def _serve(self) -> None:
        while not self._ended:
            for fd, _ in self._poll.poll(self.LOOK if self._watched else None):
                if self._ended:
                    return
                if fd == self._queue_fd:
                    self._drain()
                elif fd != self._wake:
                    self._finish(fd)
                else:
                    os.eventfd_read(self._wake)
            for status in list(self._watched.values()):
                guarded(status._look_in_events)

    def _drain(self) -> None:
        """Some at a time, so that statuses have their turn, too."""
        event = ffi.new("oph_event **")
        for _ in range(self.TURN):
            if self._ended or lib.oph_queue_next(self.queue, 0, event, ffi.NULL):
                return
            key = int(ffi.cast("uintptr_t", lib.oph_event_user(event[0])))
            target = self._targets.get(key)
            if target is None:
                lib.oph_event_free(event[0])
            else:
                guarded(target.deliver, event[0])

    def _finish(self, fd: int) -> None:
        with self._lock:
            statuses = self._statuses.pop(fd)
            self._poll.unregister(fd)
            watched = [s for s in statuses if self._watched.pop(id(s), None) is not None]
        for status in watched:
            guarded(status._look_in_events)
        for status in statuses:
            guarded(status._done_in_events)


def guarded(function: Callable[..., None], *arguments: Any) -> None:
    """Calls a callback; what it raises goes to the log of "cophyd", SystemExit too, which would end
    the thread of events for all others. Ctrl-C reaches the main thread alone."""
    try:
        function(*arguments)
    except KeyboardInterrupt:
        if threading.current_thread() is threading.main_thread():
            raise
        logger.exception("%r raised KeyboardInterrupt", function)
    except BaseException:
        logger.exception("%r raised an exception", function)
