"""Devices with an IOC: staging, triggering, reading, files."""

import logging

import numpy as np
import pytest

import cophyd
import detectors
from conftest import COLS, PATIENCE, ROWS, frame
from cophyd import Frames

SETTINGS = ("cam.acquire_time", "cam.num_images", "cam.image_mode", "hdf1.file_path", "hdf1.enable")


def settings_of(det):
    return {path: det.attribute(path).get_setpoint() for path in SETTINGS}


def test_an_acquisition(det, calls):
    before = settings_of(det)
    assert [device.name for device in det.stage()] == ["det", "det_cam", "det_hdf1"]
    assert det.state == "staged" and det.cam.num_images.get() == 1
    assert det.read() == {}
    status = det.trigger()
    status.add_callback(calls)
    assert repr(status).startswith("ADTriggerStatus(device=det, ")
    status.wait(PATIENCE)
    assert repr(status) == "ADTriggerStatus(device=det, done=True, success=True)"
    calls.wait_for(lambda all: all == [status])
    assert [device.name for device in det.unstage()] == ["det_hdf1", "det_cam", "det"]
    assert det.state == "idle" and settings_of(det) == before
    (file,) = det.hdf1.local_files
    assert det.hdf1.ioc_files == [det.hdf1.full_file_name.get()]
    with Frames(file) as frames:
        assert frames.shape == (1, ROWS, COLS)
        assert np.array_equal(frames[0], frame(det.cam.unique_id.get()))


def test_what_is_read(make_detector):
    det = make_detector(detectors.WithStatistics)
    assert det.hints == {"fields": []}
    det.stats1.total.kind = "hinted"
    assert det.hints == {"fields": ["det_stats1_total"]}
    det.stats1.stage_sigs.update(nd_array_port="PIL", compute_statistics="Yes")
    det.stage()
    det.trigger().wait(PATIENCE)
    read, described = det.read(), det.describe()
    assert list(read) == ["det_stats1_total", "det_image"] == list(described)
    assert described["det_image"]["shape"] == [1, ROWS, COLS]
    assert described["det_image"]["external"] == "FILESTORE:"
    assert described["det_image"]["dtype_numpy"] == "<i4"
    assert described["det_stats1_total"]["source"] == "PV:Pilatus:Stats1:Total_RBV"
    unique_id = det.cam.unique_id.get()
    assert read["det_stats1_total"]["value"] == frame(unique_id).sum()
    assert np.array_equal(det.image.image, frame(unique_id))
    det.unstage()
    assert list(det.read()) == ["det_stats1_total"] == list(det.describe())
    assert "det_cam_acquire_time" in det.read_configuration()
    assert det.describe_configuration().keys() == det.read_configuration().keys()


def test_configure(det):
    det.cam.num_images.put(1)
    before, after = det.configure({"cam.num_images": 3})
    assert before["det_cam_num_images"]["value"] == 1
    assert after["det_cam_num_images"]["value"] == 3
    det.cam.num_images.put(1)


def test_refused_stages(det):
    det.cam.stage_sigs["image_mode"] = "Sinlge"
    det.hdf1.stage_sigs["compression"] = "LZ5"
    with pytest.raises(cophyd.InvalidValueError) as caught:
        det.stage()
    assert [error.device for error in caught.value.report] == [
        "det.cam.image_mode",
        "det.hdf1.compression",
    ]
    assert det.state == "idle"


def test_staged_twice_and_triggered_idle(det):
    with pytest.raises(cophyd.CophydError, match="det"):
        det.trigger()
    det.stage()
    with pytest.raises(cophyd.CophydError) as caught:
        det.stage()
    assert caught.value.name == "OPH_ESTATE"


def test_what_somebody_changed_is_told(det, caplog):
    det.cam.acquire_time.put(0.5)
    det.stage()
    det.cam.acquire_time.put(0.75)
    with caplog.at_level(logging.WARNING, "cophyd"):
        det.unstage()
    assert any("det.cam.acquire_time" in record.message for record in caplog.records)
    assert det.cam.acquire_time.get() == 0.75


def test_a_failing_trigger(det, fault):
    det.stage()
    fault("ExposureFails", 1)
    status = det.trigger()
    error = status.exception(PATIENCE)
    assert isinstance(error, cophyd.AcquisitionError) and "DetectorState Error" in str(error)
    assert str(error) in str(status) and det.state == "failed"


def test_stop(det):
    det.cam.stage_sigs["acquire_time"] = 100
    det.stage()
    status = det.trigger()
    det.stop()
    assert status.exception(PATIENCE).name == "OPH_ECANCEL"
    det.cam.acquire_time.put(0.001)
    det.trigger().wait(PATIENCE)


def test_warmup_and_priming(make_detector):
    det = make_detector()
    det.warmup()
    assert det.primed() == () == det.hdf1.primed()
    det.hdf1.warmup()
    det.cam.stage_sigs.clear()
    del det.hdf1.stage_sigs["lazy_open"]
    det.stage()


def test_paths(make_detector, data):
    det = make_detector()
    path = "user_name/experiment/"
    det.hdf1.write_path_template.put(f"/data/{path}")
    with pytest.raises(cophyd.InvalidValueError):
        det.stage()
    det.hdf1.read_path_template.put(data / path)
    assert det.hdf1.read_path_template == f"{data}/{path}".rstrip("/")
    det.hdf1.set_file_naming("fixed", "lysozyme")
    det.hdf1.set_overwrite(True)
    det.stage()
    det.trigger().wait(PATIENCE)
    det.unstage()
    assert det.hdf1.ioc_files == [f"/data/{path}lysozyme_000000.h5"]
    assert det.hdf1.local_files == [f"{data}/{path}lysozyme_000000.h5"]
    with pytest.raises(ValueError):
        det.hdf1.set_file_naming("random")
    det.hdf1.path_semantics = "windows"
    with pytest.raises(ValueError):
        det.hdf1.path_semantics = "vms"


def test_looking_at_the_chain(det):
    assert "cam" in det.graph_text() and det.graph_text(dot=True).startswith("digraph")
    assert "Pilatus:TIFF1:" in [plugin.prefix for plugin in det.missing_plugins()]
    det.hdf1.stage_sigs["min_callback_time"] = 0.5
    (finding,) = [f for f in det.validate() if f.severity == "error"]
    assert "min_callback_time" in str(finding) and finding.advice


def test_destroyed(make_detector):
    det = detectors.MyPilatus("Pilatus:", name="det")
    det.destroy()
    det.destroy()
    with pytest.raises(cophyd.CophydError, match="det was destroyed"):
        det.stage()
    with pytest.raises(cophyd.CophydError):
        det.cam.acquire_time.get()


def test_wait_for_connection(det):
    assert det.wait_for_connection() == ()
    absent = detectors.MyPilatus("NoSuch:", name="absent", context=cophyd.Context())
    with pytest.raises(cophyd.DisconnectedError) as caught:
        absent.wait_for_connection(timeout=0.1)
    assert len(caught.value.report) > 10


def test_frames_of_a_stopped_acquisition_are_not_told_as_others(make_detector, calls):
    """The next point's frames are not where documents would say."""
    det = make_detector()
    det.cam.stage_sigs.update(num_images=3, acquire_time=0.2, acquire_period=0.25)
    det.stage()
    det.hdf1.num_captured.subscribe(calls)
    det.trigger()
    calls.wait_for(lambda all: all and all[-1]["value"] == 1)
    det.stop()
    det.hdf1.num_captured.unsubscribe_all()
    det.trigger().wait(PATIENCE)
    with pytest.raises(cophyd.MismatchError, match=r"det\.hdf1: wanted 3 frames in the file"):
        det.read()


def test_the_root_of_resources(make_detector, data):
    det = make_detector()
    det.hdf1.reg_root = data
    det.stage()
    det.trigger().wait(PATIENCE)
    det.read()
    (_, resource), (_, datum) = det.collect_asset_docs()
    assert resource["root"] == str(data) and not resource["resource_path"].startswith("/")
    assert datum["resource"] == resource["uid"] and list(det.collect_asset_docs()) == []
    det.unstage()
    det.hdf1.reg_root = "/nowhere"
    det.stage()
    det.trigger().wait(PATIENCE)
    with pytest.raises(cophyd.InvalidValueError, match="below reg_root, /nowhere"):
        det.read()
