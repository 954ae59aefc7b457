"""stage_sigs has OrderedDict's ways."""

import copy
import pickle
from collections import OrderedDict
from collections.abc import MutableMapping

import pytest

import cophyd
from cophyd import PilatusDetector, SingleTrigger


class Bare(SingleTrigger, PilatusDetector):
    """A detector with the settings of its trigger."""


@pytest.fixture
def sigs():
    """No IOC is needed."""
    device = Bare("nowhere:", name="bare")
    yield device.stage_sigs
    device.destroy()


def test_what_a_class_stages(sigs):
    assert repr(sigs) == "OrderedDict([('cam.acquire', 0), ('cam.image_mode', 1)])"
    plain = PilatusDetector("nowhere:", name="plain")
    assert repr(plain.stage_sigs) == "OrderedDict()" and not plain.stage_sigs
    assert isinstance(sigs, MutableMapping)


def test_set_keeps_the_place_and_the_type(sigs):
    sigs["cam.acquire"] = 1
    sigs["cam.acquire_time"] = 0.25
    sigs["cam.file_name"] = "scan"
    sigs["cam.num_images"] = True
    assert list(sigs.items()) == [
        ("cam.acquire", 1),
        ("cam.image_mode", 1),
        ("cam.acquire_time", 0.25),
        ("cam.file_name", "scan"),
        ("cam.num_images", 1),
    ]
    assert [type(value) for value in sigs.values()] == [int, int, float, str, int]


def test_all_that_ordereddict_can(sigs):
    same = OrderedDict(sigs)
    for each in (sigs, same):
        each["cam.acquire_time"] = 0.5
        each["cam.acquire"] = each.pop("cam.acquire")
        each.move_to_end("cam.acquire_time", last=False)
        each.move_to_end("cam.image_mode")
        each.setdefault("cam.num_images", 3)
        each.update({"cam.num_images": 4}, **{"cam.file_name": "x"})
        assert each.pop("cam.gain", "none") == "none"
        assert each.popitem() == ("cam.file_name", "x")
        assert each.popitem(last=False) == ("cam.acquire_time", 0.5)
        del each["cam.image_mode"]
    assert sigs == same and same == sigs
    assert list(reversed(sigs)) == list(reversed(same))
    assert sigs.copy() == same and isinstance(sigs.copy(), OrderedDict)
    assert "cam.acquire" in sigs and "cam.gain" not in sigs and len(sigs) == 2
    sigs.clear()
    assert sigs == {} and not sigs
    with pytest.raises(KeyError):
        sigs.popitem()


def test_order_counts_as_in_ordereddict(sigs):
    assert sigs != OrderedDict([("cam.image_mode", 1), ("cam.acquire", 0)])
    assert sigs == {"cam.image_mode": 1, "cam.acquire": 0}
    with pytest.raises(TypeError):
        hash(sigs)


@pytest.mark.parametrize("act", ["sigs[key]", "sigs.__delitem__(key)", "sigs.move_to_end(key)"])
def test_a_key_that_is_not_there(sigs, act):
    with pytest.raises(KeyError, match=r"cam\.gain"):
        eval(act, {"sigs": sigs, "key": "cam.gain"})


def test_what_no_device_has_is_refused_at_once(sigs):
    with pytest.raises(cophyd.CophydError, match="acquire_tme"):
        sigs["cam.acquire_tme"] = 1
    with pytest.raises(cophyd.ReadOnlyError):
        sigs["cam.manufacturer"] = "x"
    with pytest.raises(TypeError, match="wanted a number or text"):
        sigs["cam.num_images"] = [1]


def test_signals_are_keys(sigs):
    device = sigs._device
    sigs[device.cam.num_images] = 5
    assert sigs["cam.num_images"] == 5 and device.cam.num_images in sigs
    device.cam.stage_sigs[device.cam.size.size_x] = 10
    assert device.cam.stage_sigs == {"size.size_x": 10}


def test_a_signal_of_another_device_is_none(sigs):
    other = PilatusDetector("nowhere:", name="other")
    with pytest.raises(ValueError, match="is no signal of bare"):
        sigs[other.cam.num_images] = 1


def test_assigning_replaces_all_or_nothing(sigs):
    device = sigs._device
    device.stage_sigs = {"cam.num_images": 2, "cam.acquire": 0}
    assert list(sigs) == ["cam.num_images", "cam.acquire"]
    with pytest.raises(cophyd.CophydError):
        device.stage_sigs = {"cam.acquire": 0, "cam.no_such": 1}
    assert list(sigs) == ["cam.num_images", "cam.acquire"]
    other = PilatusDetector("nowhere:", name="other")
    with pytest.raises(ValueError, match="is no signal of"):
        device.stage_sigs = {"cam.acquire": 0, other.cam.num_images: 1}
    assert list(sigs) == ["cam.num_images", "cam.acquire"]


def test_parents_keys():
    class WithPlugin(PilatusDetector):
        hdf1 = cophyd.Component(cophyd.HDF5Plugin, "HDF1:")

    device = WithPlugin("nowhere:", name="det")
    device.hdf1.stage_sigs[device.cam.array_callbacks] = 1
    assert "parent.cam.array_callbacks" in device.hdf1.stage_sigs
    device.destroy()


def test_as_text(sigs):
    sigs.update({"cam.acquire_time": 0.25, "cam.file_name": 'a "b" # c'})
    text = sigs.to_text()
    assert text.splitlines()[:3] == ["cam.acquire=0", "cam.image_mode=1", "cam.acquire_time=0.25"]
    before = sigs.copy()
    sigs.clear()
    sigs.parse(text)
    assert sigs == before and [type(value) for value in sigs.values()] == [int, int, float, str]
    sigs.parse("cam.num_images=3 # frames\n")
    assert sigs == {"cam.num_images": 3}
    with pytest.raises(cophyd.InvalidValueError) as caught:
        sigs.parse("cam.num_images=4\ncam.no_such=1\ncam.manufacturer=x\n", "my.settings")
    assert [str(error).partition(" ")[0] for error in caught.value.report] == [
        "my.settings:2:",
        "my.settings:3:",
    ]
    assert sigs == {"cam.num_images": 3}


@pytest.mark.parametrize(
    "made", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_a_copy_does_not_follow(sigs, made):
    """So that what was can be set again."""
    saved = made(sigs)
    sigs["cam.num_images"] = 7
    assert type(saved) is OrderedDict and list(saved) == ["cam.acquire", "cam.image_mode"]
    sigs.replace(saved)
    assert "cam.num_images" not in sigs


def test_joined(sigs):
    more = {"cam.num_images": 7, "cam.acquire": 1}
    joined = sigs | more
    assert list(joined.items()) == [
        ("cam.acquire", 1),
        ("cam.image_mode", 1),
        ("cam.num_images", 7),
    ]
    assert "cam.num_images" not in sigs
    assert list(more | sigs) == ["cam.num_images", "cam.acquire", "cam.image_mode"]
    same = sigs
    same |= more
    assert same is sigs and sigs == joined
