"""Gets, puts, sets, subscriptions and errors."""

import threading

import numpy as np
import pytest

import cophyd
from conftest import PATIENCE
from cophyd import SoftSignal, get_all, put_all


@pytest.fixture
def ao():
    signal = cophyd.EpicsSignal("p:ao", name="ao")
    signal.put(0.5)
    yield signal
    signal.unsubscribe_all()


def test_properties(ao):
    p = ao.properties()
    assert (p.dtype, p.units, p.precision, p.writable) == ("float64", "s", 2, True)
    assert ao.limits == (-5, 5) == (ao.low_limit, ao.high_limit)
    assert (ao.units, ao.precision, ao.pvname) == ("s", 2, "p:ao")
    assert ao.describe()["ao"]["limits"]["control"] == {"low": -5, "high": 5}
    assert ao.describe()["ao"]["source"] == "PV:p:ao"
    assert ao.describe()["ao"]["object_name"] == "ao"


def test_put_and_set(ao):
    ao.put(1.5)
    assert ao.get() == 1.5
    status = ao.set(2.5)
    status.wait(PATIENCE)
    assert status.success and ao.get() == 2.5
    assert ao.locate() == {"setpoint": 2.5, "readback": 2.5}


def test_names_of_ophyd(ao, det):
    ao.put(1.5, force=True, use_complete=True)
    assert ao.value == ao.setpoint == 1.5
    assert ao.timestamp == ao.read()["ao"]["timestamp"]
    assert det.cam.manufacturer.value == det.cam.manufacturer.get() != ""
    soft = SoftSignal(name="soft", value=2)
    assert (soft.value, soft.setpoint) == (2, 2) and soft.timestamp > 0


def test_put_that_is_not_waited_for(ao, calls):
    ao.subscribe(calls)
    ao.put(3.5, wait=False)
    calls.wait_for(lambda all: all and all[-1]["value"] == 3.5)


def test_check_value(ao):
    ao.check_value(4)
    with pytest.raises(ValueError, match="ao: wanted 6, found limits -5 to 5"):
        ao.check_value(6)
    for kind in (np.int64, np.int8, np.float32, np.float64):
        ao.check_value(kind(4))
        with pytest.raises(ValueError, match="ao: wanted 6"):
            ao.check_value(kind(6))


def test_a_setpoint_and_its_readback(det):
    time = det.cam.acquire_time
    time.put(0.25)
    assert (time.get(), time.get_setpoint()) == (0.25, 0.25)
    assert time.setpoint_pvname == "Pilatus:cam1:AcquireTime"
    assert time.pvname == "Pilatus:cam1:AcquireTime_RBV"


def test_wait_for(ao):
    status = ao.wait_for(4.5, timeout=PATIENCE)
    assert not status.done
    ao.put(4.5)
    status.wait(PATIENCE)


def test_subscribe(ao, calls):
    cid = ao.subscribe(calls)
    calls.wait_for(lambda all: len(all) == 1)
    for value in (1.0, 2.0, 3.0):
        ao.put(value)
    calls.wait_for(lambda all: len(all) == 4)
    assert calls.values() == [0.5, 1.0, 2.0, 3.0]
    last = calls.all[-1]
    assert last["old_value"] == 2.0 and last["obj"] is ao and last["sub_type"] == "value"
    assert last["timestamp"] == ao.read()["ao"]["timestamp"] and last["severity"] in (0, 1)
    ao.unsubscribe(cid)
    ao.put(4.0)
    other = cophyd.EpicsSignal("p:ao", name="other")
    after = type(calls)()
    other.subscribe(after)
    after.wait_for(lambda all: all and all[-1]["value"] == 4.0)
    other.unsubscribe_all()
    assert len(calls.all) == 4


def test_without_the_value_that_stands(ao, calls):
    ao.subscribe(calls, run=False)
    connected = type(calls)()
    ao.subscribe(connected)
    connected.wait_for(lambda all: len(all) == 1)
    ao.put(1.0)
    calls.wait_for(lambda all: len(all) == 1)
    assert calls.values() == [1.0]


def test_clear_sub(ao, calls):
    ao.subscribe(calls)
    ao.subscribe(calls, "setpoint")
    calls.wait_for(lambda all: len(all) == 2)
    ao.clear_sub(calls)
    assert ao._subscriptions == {}


def test_meta(ao, calls):
    ao.subscribe(calls, "meta")
    calls.wait_for(lambda all: len(all) == 1)
    assert calls.all[0]["connected"] and calls.all[0]["writable"]


def test_an_unknown_event_type_is_refused(ao, calls):
    with pytest.raises(ValueError, match="wanted an event_type of value"):
        ao.subscribe(calls, "done")


def test_a_callback_reads_what_it_is_about(ao, calls):
    ao.subscribe(lambda **_: calls({"value": ao.read()["ao"]["value"]}))
    calls.wait_for(lambda all: len(all) == 1)
    for value in (1.0, 2.0, 3.0):
        ao.put(value, wait=False)
    calls.wait_for(lambda all: len(all) == 4)
    assert calls.values() == [0.5, 1.0, 2.0, 3.0]


def test_a_callback_that_raises_is_logged_and_called_again(ao, calls, caplog):
    def fails(value, **_):
        calls({"value": value})
        raise RuntimeError("from a callback")

    ao.subscribe(fails)
    calls.wait_for(lambda all: len(all) == 1)
    ao.put(1.0)
    calls.wait_for(lambda all: len(all) == 2)
    assert any("from a callback" in str(record.exc_info) for record in caplog.records)


def test_callbacks_may_do_all_that_others_may(ao, calls):
    def react(value, **_):
        if value == 1.0:
            ao.set(2.0).wait(PATIENCE)
            ao.unsubscribe_all()
            calls({"value": ao.get()})

    ao.subscribe(react)
    ao.put(1.0, wait=False)
    calls.wait_for(lambda all: all)
    assert calls.values() == [2.0]


def test_callbacks_are_on_one_thread(ao, calls):
    threads = set()

    def note(**event):
        threads.add(threading.current_thread().name)
        calls(**event)

    ao.subscribe(note)
    status = cophyd.Status.new(ao.context, "mine")
    status.add_callback(lambda status: note(status=status))
    status.set_finished()
    ao.put(1.0)
    calls.wait_for(lambda all: len(all) == 3)
    assert threads == {"cophyd-events"}


# --- Errors


def test_a_pv_that_is_not_there():
    context = cophyd.Context(connect_timeout=0.1)
    signal = cophyd.EpicsSignal("no:such:pv", name="none", context=context)
    assert not signal.connected
    with pytest.raises(cophyd.DisconnectedError) as caught:
        signal.get()
    assert caught.value.pv == "no:such:pv" and caught.value.name == "OPH_EDISCONN"
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.waited >= 0.1
    with pytest.raises(cophyd.DisconnectedError):
        signal.wait_for_connection(timeout=0.1)


def test_connected(ao):
    ao.wait_for_connection()
    assert ao.connected


def test_refused_values(det):
    mode = det.cam.image_mode
    with pytest.raises(ValueError, match="found labels Single, Multiple, Continuous") as caught:
        mode.put("Sinlge")
    error = caught.value
    assert isinstance(error, cophyd.InvalidValueError)
    assert (error.code, error.name) == (-11, "OPH_ERANGE")
    assert (error.device, error.pv) == ("det.cam.image_mode", "Pilatus:cam1:ImageMode")
    assert error.wanted == "Sinlge"
    assert isinstance(mode.set("Sinlge").exception(PATIENCE), cophyd.InvalidValueError)
    with pytest.raises(AttributeError):
        det.cam.manufacturer.put("x")


def test_a_readback_that_does_not_follow(det, fault):
    fault("ReadbackStays", "cam1:AcquireTime_RBV")
    with pytest.raises(cophyd.MismatchError) as caught:
        det.cam.acquire_time.put(0.75)
    assert caught.value.wanted == "0.75"


def test_errors_can_be_pickled():
    import pickle

    error = cophyd.MismatchError("a sentence")
    error.code, error.pv = -13, "X"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.code, again.pv) == ("a sentence", -13, "X")


# --- Many at once


def test_many_gets(det, ao):
    signals = [ao, det.cam.num_images, det.cam.image_mode, det.hdf1.file_path, det.cam.model]
    assert get_all(signals) == [signal.get() for signal in signals]
    labels = get_all(signals, as_string=True)
    assert labels == [signal.get(as_string=True) for signal in signals]
    assert labels[2] in det.cam.image_mode.enum_strs and get_all([]) == []
    assert get_all(iter([SoftSignal(name="soft", value="words"), ao])) == ["words", ao.get()]


def test_many_gets_have_arrays_of_their_own():
    arrays = [SoftSignal(name="a", value=np.arange(4)), SoftSignal(name="b", value=[0.5, 1.5])]
    one, other = get_all(arrays)
    put_all({arrays[0]: np.zeros(4, int), arrays[1]: [3, 4]})
    assert one.tolist() == [0, 1, 2, 3] and other.tolist() == [0.5, 1.5]
    assert [value.tolist() for value in get_all(arrays)] == [[0, 0, 0, 0], [3, 4]]


def test_many_gets_of_which_some_fail(ao):
    absent = [cophyd.EpicsSignal(f"no:such:{n}", name=f"no{n}") for n in range(2)]
    for as_string in (False, True):
        with pytest.raises(cophyd.DisconnectedError, match="no0") as caught:
            get_all([absent[0], ao, absent[1]], as_string=as_string, timeout=0.1)
        assert [error.pv for error in caught.value.report] == ["no:such:0", "no:such:1"]


def test_many_puts(det, ao):
    put_all({det.cam.num_images: 3, ao: 1.25, det.cam.image_mode: "Multiple"})
    signals = [det.cam.num_images, ao, det.cam.image_mode]
    assert get_all(signals, as_string=True) == ["3", "1.25", "Multiple"]
    with pytest.raises(cophyd.InvalidValueError, match="Sinlge") as caught:
        put_all({det.cam.num_images: 1, det.cam.image_mode: "Sinlge", ao: -0.5})
    assert [error.device for error in caught.value.report] == ["det.cam.image_mode"]
    assert get_all(signals[:2]) == [1, -0.5]
    put_all({det.cam.image_mode: "Single"})
    put_all({})


def test_the_first_get_of_text_as_text():
    """A CHAR array is known for text only once it has connected."""
    signal = cophyd.EpicsSignal(
        "Pilatus:cam1:FilePath_RBV", name="path", string=True, context=cophyd.Context()
    )
    assert isinstance(signal.get(as_string=True), str)
    cam = cophyd.PilatusDetectorCam("Pilatus:cam1:", name="cam", context=cophyd.Context())
    assert cam.file_path.get(as_string=True) == cam.file_path.get()


def test_the_name_of_a_devices_signal_stays(det):
    """The device would read it by another one than tables and plots look for."""
    assert det.cam.acquire_time.name in det.read_configuration()
    with pytest.raises(AttributeError, match="det_cam_acquire_time: wanted to be called expo, "):
        det.cam.acquire_time.name = "expo"
    det.cam.acquire_time.name = "det_cam_acquire_time"
    alone = cophyd.EpicsSignal("p:ao", name="ao")
    alone.name = "other"
    assert list(alone.read()) == list(alone.describe()) == alone.hints["fields"] == ["other"]
