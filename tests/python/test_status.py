"""Status objects."""

import sys
import threading

import ophyd.status
import pytest

import cophyd
from conftest import PATIENCE
from cophyd import Status


@pytest.fixture
def status():
    return Status.new(cophyd.default_context(), "mine")


def test_success(status):
    assert not status.done and not status.success
    assert repr(status) == "Status(device=mine, done=False, success=False)"
    status.set_finished()
    assert status.done and status.success and status.exception() is None
    status.wait()
    assert str(status) == "Status(device=mine, done=True, success=True)"


def test_failure(status):
    status.set_exception(RuntimeError("it broke"))
    assert status.done and not status.success
    assert str(status.exception(0)) == "it broke"
    assert status.exception() is status.exception()
    with pytest.raises(cophyd.CophydError, match="it broke"):
        status.wait()
    assert str(status) == "Status(device=mine, done=True, success=False): it broke"


class Odd(Exception):
    """Whose code is no number of the library's."""

    code = "odd"


@pytest.mark.parametrize(
    "error",
    [
        Odd("it broke"),
        OSError(5, "it broke"),
        SystemExit("it broke"),
        OSError("it broke: a\udcff.h5"),
    ],
)
def test_any_exception_is_the_cause(status, error):
    status.set_exception(error)
    status.set_exception(RuntimeError("too late"))
    assert status.done and status.exception().__cause__ is error
    assert status.exception().name == "OPH_EACQUIRE"
    with pytest.raises(cophyd.CophydError, match="it broke") as caught:
        status.wait()
    assert caught.value.__cause__ is error


def test_an_exception_of_the_library_comes_back_as_it_is(status):
    limit = Status.new(cophyd.default_context(), "other", 0.01).exception(PATIENCE)
    status.set_exception(limit)
    assert status.exception() is limit


def test_it_is_done_once(status):
    status.set_finished()
    status.set_exception(RuntimeError("too late"))
    assert status.success


def test_waiting_in_vain(status):
    for timeout in (0, 0.05, 0.15):
        with pytest.raises(cophyd.WaitTimeoutError, match="mine: wanted done"):
            status.wait(timeout)
        with pytest.raises(TimeoutError):
            status.exception(timeout)
    with pytest.raises(cophyd.WaitTimeoutError, match=r"after 0\.3 s") as caught:
        status.wait(0.3)
    assert round(caught.value.waited, 1) == 0.3
    assert not status.done


def test_a_limit():
    status = Status.new(cophyd.default_context(), "mine", 0.05)
    assert isinstance(status.exception(PATIENCE), cophyd.CophydTimeoutError)
    assert not isinstance(status.exception(), cophyd.WaitTimeoutError)


def test_callbacks(status, calls):
    status.add_callback(calls)
    status.add_callback(calls)
    assert status.callbacks == (calls, calls)
    status.set_finished()
    calls.wait_for(lambda all: len(all) == 2)
    assert calls.all == [status, status]
    here = []
    status.add_callback(lambda done: here.append((done, threading.current_thread())))
    assert here == [(status, threading.current_thread())]


def test_a_callback_is_called_though_nobody_keeps_the_status(calls):
    status = Status.new(cophyd.default_context(), "mine", 0.05)
    status.add_callback(calls)
    del status
    calls.wait_for(lambda all: len(all) == 1)
    assert isinstance(calls.all[0].exception(), cophyd.CophydTimeoutError)


def test_a_callback_that_ends_the_program_ends_no_other(calls):
    """Neither those of this status nor those that come after it."""
    for _ in range(2):
        status = Status.new(cophyd.default_context(), "mine")
        status.add_callback(lambda _: sys.exit(1))
        status.add_callback(calls)
        status.set_finished()
    calls.wait_for(lambda all: len(all) == 2)


def test_two_statuses_of_one_action(det, calls):
    """As those of a series that is completed twice."""
    det.stage()
    det.prepare(cophyd.Series(frames=2, exposure=0.1, period=0.11))
    det.kickoff().wait(PATIENCE)
    statuses = [det.complete() for _ in range(3)]
    for status in statuses:
        status.add_callback(calls)
    told = []
    statuses[1].watch(lambda **now: told.append(now))
    calls.wait_for(lambda all: len(all) == 3)
    assert {id(status) for status in calls.all} == {id(status) for status in statuses}
    assert told[-1]["current"] == 2


def test_each_callback_is_called_once_whoever_adds_it_when(calls):
    """Threads add callbacks while others finish."""
    count, threads = 100, []
    for _ in range(count):
        status = Status.new(cophyd.default_context(), "mine")
        threads += [
            threading.Thread(target=status.add_callback, args=(calls,)),
            threading.Thread(target=status.set_finished),
            threading.Thread(target=status.add_callback, args=(calls,)),
        ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls.wait_for(lambda all: len(all) == 2 * count)
    assert sorted(map(id, set(calls.all))) == sorted({id(status) for status in calls.all})
    assert all(calls.all.count(status) == 2 for status in calls.all)


def test_both_and_either(status):
    other = Status.new(cophyd.default_context(), "other")
    both, either = status & other, status | other
    status.set_finished()
    either.wait(PATIENCE)
    assert not both.done
    other.set_exception(RuntimeError("it broke"))
    with pytest.raises(cophyd.CophydError, match="it broke"):
        both.wait(PATIENCE)


@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("well", [True, False])
def test_both_with_a_status_of_ophyd(status, first, well):
    theirs = ophyd.status.Status()
    both = status & theirs if first == "ours" else theirs & status
    status.set_finished()
    assert not both.done
    if well:
        theirs.set_finished()
        both.wait(PATIENCE)
    else:
        theirs.set_exception(RuntimeError("it broke"))
        error = both.exception(PATIENCE)
        assert error is not None and not both.success
        assert first == "theirs" or "it broke" in str(error)


def test_either_with_a_status_of_ophyd(status):
    theirs = ophyd.status.Status()
    either = status | theirs
    status.set_exception(RuntimeError("it broke"))
    theirs.set_finished()
    either.wait(PATIENCE)
    with pytest.raises(TypeError):
        status & 1


def test_progress(status, calls):
    status.watch(lambda **told: calls(told))
    status.report(0, 1, 4, "frames")
    calls.wait_for(lambda all: len(all) == 1)
    first = calls.all[0]
    assert (first["name"], first["unit"], first["current"], first["target"]) == (
        "mine",
        "frames",
        1,
        4,
    )
    assert first["fraction"] == 0.75  # remains, as in ophyd
    assert status.progress.fraction == 0.25
    done = type(calls)()
    status.add_callback(done)
    status.report(0, 4, 4, "frames")
    status.set_finished()
    done.wait_for(lambda all: all)
    assert calls.all[-1]["current"] == 4


def test_cancel(det):
    det.cam.stage_sigs["acquire_time"] = 100
    det.stage()
    status = det.trigger()
    status.cancel()
    assert status.exception(PATIENCE).name == "OPH_ECANCEL"


def test_ctrl_c_ends_a_wait(run_python):
    out = run_python("""
import os, signal, threading, cophyd
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a program in the background lacks
status = cophyd.Status.new(cophyd.default_context(), "mine")
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    status.wait(30)
except KeyboardInterrupt:
    print("interrupted", status.done)
""")
    assert out == "interrupted False\n"
