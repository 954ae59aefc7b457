"""Runs of the RunEngine with a cophyd detector, through TiledWriter into a real Tiled server: the
pixels come back over HTTP."""

import logging

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np
import pytest
from bluesky import RunEngine
from tiled_server import Server, columns, image

import cophyd
import detectors
from conftest import frames_of
from cophyd import Series

logging.getLogger("bluesky_tiled_plugins").setLevel(logging.ERROR)  # of what it then mends


@pytest.fixture(scope="module")
def server(data):
    with Server(str(data)) as server:
        yield server


@pytest.fixture
def engine(server):
    """A RunEngine whose documents go there."""
    engine = RunEngine({}, context_managers=[])
    engine.subscribe(server.writer())
    return engine


def same(server, uid, key, wanted):
    """Every pixel, and those of a frame as any language gets them."""
    run = server.client[uid]
    array = image(run, key)
    assert array.dtype == wanted.dtype and np.array_equal(array.read(), wanted)
    content = server.get(f"array/full/{uid}/primary/{key}", slice="1,0")
    assert np.array_equal(np.frombuffer(content, wanted.dtype), wanted[1, 0].ravel())
    return run


@pytest.mark.parametrize("form", ["stream", "resource"])
@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("compression", ["None", "LZ4"])
def test_hdf5(engine, server, det, form, frames, compression):
    """TiledWriter takes both forms of documents."""
    det.asset_form = form
    det.cam.stage_sigs["num_images"] = frames
    det.hdf1.stage_sigs["compression"] = compression
    (uid,) = engine(bp.count([det], 3))
    run = same(server, uid, "det_image", frames_of(det, 3, frames))
    assert run.metadata["stop"]["exit_status"] == "success"
    assert not run.metadata.get("notes")


@pytest.mark.parametrize("form", ["stream", "resource"])
def test_two_writers(engine, server, make_detector, form):
    """A file a stage, and a TIFF file a frame."""
    det = make_detector(detectors.WithTIFF)
    det.tiff1.set_path_templates(det.hdf1.write_path_template, det.hdf1.read_path_template)
    det.asset_form = form
    (uid,) = engine(bp.count([det], 3))
    for key in ("det_image", "det_tiff1_image"):
        same(server, uid, key, frames_of(det, 3, 1))


def test_a_scan(engine, server, det):
    det.asset_form = "stream"
    motor = cophyd.SoftSignal(name="motor", value=0.0)
    (uid,) = engine(bp.scan([det], motor, -1, 1, 3))
    run = same(server, uid, "det_image", frames_of(det, 3, 1))
    assert columns(run, ["motor", "seq_num"]) == {"motor": [-1, 0, 1], "seq_num": [1, 2, 3]}
    told = run["primary"].metadata["configuration"]["det"]["data"]
    assert told["det_cam_acquire_time"] == 0.001


def fly(det, series):
    yield from bps.stage(det)
    yield from bps.open_run()
    yield from bps.prepare(det, series, wait=True)
    yield from bps.declare_stream(det, name="primary", collect=True)
    yield from bps.kickoff(det, wait=True)
    yield from bps.complete(det, wait=True)
    yield from bps.collect(det, name="primary")
    yield from bps.close_run()
    yield from bps.unstage(det)


def test_a_fly_scan(engine, server, det):
    """A frame is a point."""
    (uid,) = engine(fly(det, Series(frames=10, exposure=0.001, period=0.004)))
    same(server, uid, "det_image", frames_of(det, 10, 1))
