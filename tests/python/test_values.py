"""Values of all types, from PVs and in memory, to Python and back."""

import enum
import gc
from pathlib import PurePosixPath

import numpy as np
import pytest

import cophyd
from cophyd import Component, EpicsSignal

ARRAYS = {
    "CHAR": "u1",  # Channel Access knows no signed bytes
    "UCHAR": "u1",
    "SHORT": "i2",
    "USHORT": "i4",
    "LONG": "i4",
    "FLOAT": "f4",
    "DOUBLE": "f8",
}


@pytest.mark.parametrize("of", ARRAYS)
def test_arrays_of_pvs(of):
    signal = cophyd.EpicsSignal(f"p:of:{of}", name="array", string=False)
    wanted = np.array([1, 2, 100], ARRAYS[of])
    signal.put(wanted)
    value = signal.get()
    assert value.dtype.kind == wanted.dtype.kind and value.tolist() == [1, 2, 100]
    signal.put([7, 8])
    assert signal.get().tolist() == [7, 8]
    assert signal.get(count=1) == 7


def test_an_array_of_one_element(calls):
    """As describe() says: an array, whatever there is in it."""
    signal = cophyd.EpicsSignal("p:of:LONG", name="array")
    signal.put([7])
    signal.subscribe(calls)
    assert signal.describe()["array"]["dtype"] == "array"
    assert signal.describe()["array"]["shape"] == [1]
    for value in (signal.get(), signal.read()["array"]["value"]):
        assert value.shape == (1,) and value.tolist() == [7]
    calls.wait_for(lambda all: len(all) == 1)
    assert calls.values()[0].tolist() == [7]


def test_an_array_outlives_what_it_came_from():
    signal = cophyd.EpicsSignal("p:big:LONG", name="big")
    wanted = np.arange(1_000_000, dtype="i4")
    signal.put(wanted)
    view = signal.get()[10:20]
    reading = signal.read()["big"]["value"]
    signal.put(np.zeros(1_000_000, "i4"))
    gc.collect()
    assert view.tolist() == list(range(10, 20))
    assert np.array_equal(reading, wanted)


def test_strings_in_an_array():
    signal = cophyd.EpicsSignal("p:of:STRING", name="words")
    signal.put(["red", "green"])
    assert signal.get().tolist() == ["red", "green"]


@pytest.mark.parametrize(
    "pv, value",
    [("p:ao", 1.25), ("p:longout", 7), ("p:stringout", "a text"), ("p:mbbo", 1)],
)
def test_single_values_of_pvs(pv, value):
    signal = cophyd.EpicsSignal(pv, name="one")
    signal.put(value)
    assert signal.get() == value and type(signal.get()) is type(value)
    assert signal.get(use_monitor=True) == value
    assert signal.read()["one"]["value"] == value


def test_an_enum_is_its_index_or_its_label():
    signal = cophyd.EpicsSignal("p:labels", name="labels")
    signal.put("Two")
    assert signal.get() == 2 and signal.get(as_string=True) == "Two"
    signal.put(1)
    assert signal.get(as_string=True) == "One"
    assert signal.enum_strs[:3] == ("Zero", "One", "Two")
    assert signal.describe()["labels"]["choices"] == list(signal.enum_strs)


class Labelled(cophyd.Device):
    choice = Component(EpicsSignal, "labels", string=True, kind="hinted")


def test_an_enum_that_is_declared_as_text_is_its_label(calls):
    device = Labelled("p:", name="labelled")
    alone = cophyd.EpicsSignal("p:labels", name="alone", string=True)
    for signal in (device.choice, alone):
        signal.put("Two")
        assert signal.get() == "Two" == signal.get(as_string=True) == signal.get_setpoint()
        assert cophyd.get_all([signal]) == ["Two"]
        signal.get(use_monitor=True)
        signal.put(1)
        assert signal.get(use_monitor=True) == "One"
        assert signal.wait_for("One", timeout=5).wait(5) is None
        data_key = signal.describe()[signal.name]
        assert (data_key["dtype"], data_key["dtype_numpy"]) == ("string", "<U25")
        assert data_key["choices"] == list(signal.enum_strs)
        calls.all.clear()
        cid = signal.subscribe(calls)
        calls.wait_for(lambda _: calls.values() == ["One"])
        signal.put("Zero")
        calls.wait_for(lambda _: len(calls.values()) == 2)
        signal.unsubscribe(cid)
        assert calls.values() == ["One", "Zero"]
        assert signal.read()[signal.name]["value"] == "Zero"
    assert device.read()["labelled_choice"]["value"] == "Zero"
    device.stage_sigs["choice"] = "Two"
    device.stage()
    assert device.choice.get() == "Two"
    device.unstage()
    assert device.choice.get() == "Zero" and not device.differences()


def test_bytes_are_text_or_numbers_as_the_signal_says():
    text = cophyd.EpicsSignal("p:of:UCHAR", name="text")
    text.put("a word")
    assert text.get() == "a word" == text.read()["text"]["value"]
    assert text.describe()["text"]["dtype"] == "string"
    numbers = cophyd.EpicsSignal("p:of:UCHAR", name="numbers", string=False)
    assert numbers.get()[:6].tobytes() == b"a word"


def test_text_that_is_no_utf8_is_latin1():
    numbers = cophyd.EpicsSignal("p:of:UCHAR", name="numbers", string=False)
    numbers.put(np.frombuffer(b"\xb5m\0", "u1"))
    assert cophyd.EpicsSignal("p:of:UCHAR", name="text").get() == "\u00b5m"


def test_a_number_as_text_is_what_the_record_shows():
    signal = cophyd.EpicsSignal("p:ao", name="ao")
    signal.put(1.5)
    assert signal.get(as_string=True) == "1.50"


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "initial, value, back",
    [
        (0, 5, 5),
        (0, True, 1),
        (0, np.int16(7), 7),
        (0, Colour.RED, 1),
        (2**64 - 1, 2**63, 2**63),
        (0.0, np.float32(0.5), 0.5),
        (0.0, 3, 3.0),
        ("", "words", "words"),
        ("", PurePosixPath("/data"), "/data"),
        (b"\0\0\0", b"abc", [97, 98, 99]),
        (np.zeros((2, 3)), np.ones((2, 3)), [1.0] * 6),
        (np.zeros(3, bool), [True, False, True], [1, 0, 1]),
        (np.zeros(2, ">i4"), np.array([1, 2], ">i4"), [1, 2]),
        (["a", "b"], ["c", "d"], ["c", "d"]),
    ],
)
def test_signals_in_memory(initial, value, back):
    signal = cophyd.SoftSignal(name="soft", value=initial)
    signal.put(value)
    found = signal.get()
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == back


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_all_types_in_memory(dtype):
    limits = np.iinfo(dtype) if dtype[0] in "iu" else np.finfo(dtype)
    wanted = np.array([limits.min, 0, limits.max], dtype)
    signal = cophyd.SoftSignal(name="soft", value=wanted)
    found = signal.get()
    assert found.dtype == wanted.dtype and np.array_equal(found, wanted)
    assert signal.describe()["soft"]["dtype_numpy"] == wanted.dtype.str


def test_what_is_no_value_is_refused():
    signal = cophyd.SoftSignal(name="soft", value=1)
    with pytest.raises(TypeError):
        signal.put(object())
    with pytest.raises(TypeError):
        signal.put({"a": 1})
    with pytest.raises(cophyd.WrongTypeError):
        signal.put("words")
    assert signal.get() == 1


def test_times_are_the_iocs():
    signal = cophyd.EpicsSignal("p:ao", name="ao")
    signal.put(1)
    first = signal.read()["ao"]["timestamp"]
    signal.put(2)
    assert 0 < signal.read()["ao"]["timestamp"] - first < 30


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({"units": "millimetres"}, "units of at most 7 characters, found"),
        ({"value": 0, "labels": ("a", "x" * 29)}, "labels of at most 25 characters, found"),
        ({"value": 0, "labels": ("a",) * 17}, "at most 16 labels, found"),
    ],
)
def test_what_a_signal_in_memory_cannot_hold(words, wanted):
    with pytest.raises(cophyd.InvalidValueError, match=f"soft: wanted {wanted}"):
        cophyd.SoftSignal(name="soft", **words)


def test_text_is_not_cut_at_a_nul(det):
    name, sigs = det.hdf1.file_name, det.hdf1.stage_sigs
    name.put("before")
    for put in (name.put, lambda words: sigs.update(file_name=words)):
        with pytest.raises(ValueError, match="without a NUL"):
            put("scan\0other")
    assert name.get() == "before" and "file_name" not in sigs
