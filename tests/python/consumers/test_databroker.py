"""Runs of the RunEngine with a cophyd detector, in databroker: area-detector-handlers find the
pixels. Of version 1 or 2, as it is installed."""

from importlib.metadata import version

import bluesky.plans as bp
import hdf5plugin  # noqa: F401, for the handlers: LZ4
import numpy as np
import pytest
from bluesky import RunEngine

import cophyd
import detectors
from conftest import frames_of

if version("databroker").startswith("1."):
    from databroker import Broker

    def new_broker():
        broker = Broker.named("temp")
        return broker, broker.insert
else:
    from databroker.v1 import temp

    def new_broker():
        broker = temp()
        return broker, broker.v2.post_document


@pytest.fixture(scope="module")
def broker():
    return new_broker()


@pytest.fixture
def engine(broker):
    """A RunEngine whose documents go there."""
    engine = RunEngine({}, context_managers=[])
    engine.subscribe(broker[1])
    return engine


def uid_of(result):
    (uid,) = result
    return uid


def same(broker, uid, key, wanted):
    """Every pixel, by the older interface and the newer one."""
    found = np.array([np.asarray(point) for point in broker[0][uid].data(key)])
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    assert np.array_equal(found, wanted)
    assert np.array_equal(broker[0].v2[uid]["primary"].read()[key].values, wanted)


@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("compression", ["None", "LZ4"])
def test_hdf5(engine, broker, det, frames, compression):
    det.cam.stage_sigs["num_images"] = frames
    det.hdf1.stage_sigs["compression"] = compression
    uid = uid_of(engine(bp.count([det], 3)))
    same(broker, uid, "det_image", frames_of(det, 3, frames))
    assert broker[0][uid].stop["exit_status"] == "success"


@pytest.mark.parametrize("frames", [1, 4])
def test_two_writers(engine, broker, make_detector, frames):
    """A file a stage, and a TIFF file a frame."""
    det = make_detector(detectors.WithTIFF)
    det.tiff1.set_path_templates(det.hdf1.write_path_template, det.hdf1.read_path_template)
    det.cam.stage_sigs["num_images"] = frames
    uid = uid_of(engine(bp.count([det], 3)))
    for key in ("det_image", "det_tiff1_image"):
        same(broker, uid, key, frames_of(det, 3, frames))


def test_a_scan(engine, broker, det):
    """Its values, and what was configured, stand beside the pixels."""
    motor = cophyd.SoftSignal(name="motor", value=0.0)
    uid = uid_of(engine(bp.scan([det], motor, -1, 1, 3)))
    same(broker, uid, "det_image", frames_of(det, 3, 1))
    table = broker[0].v2[uid]["primary"].read()
    assert table["motor"].values.tolist() == [-1, 0, 1]
    (descriptor,) = broker[0][uid].descriptors
    assert descriptor["configuration"]["det"]["data"]["det_cam_acquire_time"] == 0.001


def test_reg_root(engine, broker, det, data):
    """Paths from a folder of one's choice."""
    det.hdf1.reg_root = str(data)
    uid = uid_of(engine(bp.count([det], 2)))
    (resource,) = (doc for name, doc in broker[0][uid].documents() if name == "resource")
    assert resource["root"] == str(data) and not resource["resource_path"].startswith("/")
    same(broker, uid, "det_image", frames_of(det, 2, 1))
