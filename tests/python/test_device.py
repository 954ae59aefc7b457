"""Devices with an IOC: staging, triggering, reading, files."""

import gc
import logging
import time

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


def test_what_is_read_looks_at_other_attributes(make_detector):
    """As other threads may, in the middle of a reading."""

    class Ratio(cophyd.SoftSignal):
        def read(self):
            self.put(self.root.cam.num_images.get() / 2)
            return super().read()

    class Sample(cophyd.Device):
        ratio = cophyd.Component(Ratio)

    class Detector(detectors.MyPilatus):
        sample = cophyd.Component(Sample, "")

    det = make_detector(Detector)
    det.cam.num_images.put(1)
    assert make_detector(Detector, "other").read()["other_sample_ratio"]["value"] == 0.5


def test_configure(det):
    det.cam.num_images.put(1)
    before, after = det.configure({"cam.num_images": 3})
    assert before["det_cam_num_images"]["value"] == 1
    assert after["det_cam_num_images"]["value"] == 3
    det.configure({"cam.num_images": 1, det.cam.acquire_time: 0.5})
    assert (det.cam.num_images.get(), det.cam.acquire_time.get()) == (1, 0.5)
    other = cophyd.EpicsSignal("Pilatus:cam1:NumImages", name="other")
    for wrong, error in ((other, ValueError), ("cam.nothing", AttributeError)):
        with pytest.raises(error):
            det.configure({"cam.num_images": 2, wrong: 1})
    assert det.cam.num_images.get() == 1


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


@pytest.mark.parametrize("end", ["destroy", "collected"])
def test_what_could_not_be_put_back_is_told_to_the_log(data, caplog, end):
    """Where nobody calls unstage(), which would tell it."""
    det = detectors.MyPilatus("Pilatus:", name="det")
    det.hdf1.set_path_templates("/data/%Y/", f"{data}/%Y/")
    before = det.cam.acquire_time.get()
    det.cam.stage_sigs["acquire_time"] = 0.25
    det.stage()
    det.cam.acquire_time.put(before + 1)
    with caplog.at_level(logging.WARNING, "cophyd"):
        if end == "destroy":
            det.destroy()
        else:
            del det
            gc.collect()
    assert any("det.cam.acquire_time" in record.message for record in caplog.records)
    cophyd.EpicsSignal("Pilatus:cam1:AcquireTime", name="time").put(before)


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
    det.hdf1.set_overwrite(False)
    with pytest.raises(cophyd.CophydError, match=r"allow it with set_overwrite\(True\)") as caught:
        det.stage()
    assert caught.value.found.endswith("set_overwrite(True)")
    with pytest.raises(ValueError):
        det.hdf1.set_file_naming("random")
    det.hdf1.path_semantics = "windows"
    with pytest.raises(ValueError):
        det.hdf1.path_semantics = "vms"


def test_looking_at_the_chain(det):
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


def test_connected(det):
    det.wait_for_connection()
    assert det.connected and det.cam.connected and det.cam.acquire_time.connected
    absent = detectors.MyPilatus("NoSuch:", name="absent", context=cophyd.Context())
    assert not absent.connected

    class Declared(cophyd.Device):
        """A signal that is there."""

        here = cophyd.Component(cophyd.EpicsSignal, "cam1:AcquireTime")

    class Absent(Declared):
        """The same with one that is not."""

        absent = cophyd.Component(cophyd.EpicsSignal, "NoSuch")

    for cls in (Declared, Absent):
        device = cls("Pilatus:", name="device")
        device.here.wait_for_connection()
        assert device.connected == (cls is Declared)
    Declared("Pilatus:", name="device").wait_for_connection()
    with pytest.raises(cophyd.DisconnectedError, match=r"device\.absent \(Pilatus:NoSuch"):
        device.wait_for_connection(timeout=0.3)


def test_a_component_of_that_name():
    cam = cophyd.Xspress3DetectorCam("NoSuch:", name="cam")
    assert cam.connected.pvname == "NoSuch:CONNECTED"


def test_walk_signals(det):
    walks = list(det.walk_signals(include_lazy=True))
    names = [walk.dotted_name for walk in walks]
    assert len(names) == len(set(names)) > 100
    (walk,) = [walk for walk in walks if walk.dotted_name == "cam.acquire_time"]
    assert walk == ((det, det.cam), "cam.acquire_time", det.cam.acquire_time)
    assert all(walk.item.dotted_name == walk.dotted_name for walk in walks)


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


def test_an_acquisition_in_one_call(make_detector, data):
    det = make_detector(detectors.WithTIFF)
    det.tiff1.set_path_templates("/data/%Y/", f"{data}/%Y/")
    before = settings_of(det)
    det.cam.stage_sigs["num_images"] = 3
    done = det.acquire(PATIENCE)
    assert done.frames == 3 and det.state == "idle" and settings_of(det) == before
    assert [(file.device, file.local) for file in done.files] == [
        ("det.hdf1", det.hdf1.local_files[0]),
        ("det.tiff1", det.tiff1.local_files[-1]),
    ]
    assert [file.ioc for file in done.files] == [
        det.hdf1.full_file_name.get(),
        det.tiff1.full_file_name.get(),
    ]
    assert done.acquiring > 0 and done.staging > 0 and done.unstaging > 0
    assert abs(time.time() - done.begun) < 1000


def test_an_acquisition_of_a_status_of_several(make_detector):
    class Combined(detectors.MyPilatus):
        """Waits for something else, too."""

        def trigger(self):
            return super().trigger() & cophyd.Status.finished(self.context, "other")

    assert make_detector(Combined).acquire().frames == 1


def test_an_acquisition_in_one_call_that_fails(det, fault):
    before = settings_of(det)
    fault("ExposureFails", 1)
    with pytest.raises(cophyd.AcquisitionError, match="DetectorState Error"):
        det.acquire()
    assert det.state == "idle" and settings_of(det) == before
    det.cam.stage_sigs["image_mode"] = "Sinlge"
    with pytest.raises(cophyd.InvalidValueError, match="Sinlge"):
        det.acquire()
    assert det.state == "idle"


def test_an_acquisition_in_one_call_has_an_end(det):
    det.cam.stage_sigs["acquire_time"] = 100
    with pytest.raises(cophyd.WaitTimeoutError):
        det.acquire(0.1)
    assert det.state == "idle" and det.cam.acquire.get() == 0


@pytest.mark.parametrize("path", ["hdf1.capture", "cam.acquire"])
def test_an_acquisition_in_one_call_ends_by_ctrl_c(det, press_ctrl_c, path):
    """Pressed while it is staged, or while it acquires."""
    before = settings_of(det)
    det.cam.stage_sigs["acquire_time"] = 100
    press_ctrl_c(det.attribute(path).wait_for(1, timeout=PATIENCE))
    with pytest.raises(KeyboardInterrupt):
        det.acquire()
    assert det.state == "idle" and settings_of(det) == before
    assert det.cam.acquire.get() == 0 == det.hdf1.capture.get()


def test_what_is_staged_already_stays_so(det):
    det.stage()
    with pytest.raises(cophyd.CophydError) as caught:
        det.acquire()
    assert caught.value.name == "OPH_ESTATE" and det.state == "staged"


def test_what_has_no_trigger_does_not_acquire():
    plain = cophyd.PilatusDetector("Pilatus:", name="plain")
    with pytest.raises(cophyd.InvalidValueError, match="plain: wanted a class with a trigger"):
        plain.acquire()
    assert plain.state == "idle"


def test_a_plan(det):
    det.cam.num_images.put(5)
    det.cam.acquire_time.put(0.001)
    before = settings_of(det)
    plan = det.plan()
    assert settings_of(det) == before and det.state == "idle"
    rows = {setting.device: setting for setting in plan.settings}
    images = rows["det.cam.num_images"]
    assert (images.pv, images.setpoint_found, images.value, images.restore) == (
        "Pilatus:cam1:NumImages",
        "5",
        "1",
        "5",
    )
    assert images.step > 0 and not images.starts and not images.skipped
    last = plan.settings[-1]
    assert last.device == "det.hdf1.capture" and last.starts and last.restore is None
    assert str(plan) == plan.text and "Pilatus:cam1:NumImages" in str(plan)
    unchanged = {s.device: s for s in det.plan(skip_unchanged=True).settings}
    assert unchanged["det.cam.acquire_time"].skipped
    assert unchanged["det.cam.acquire_time"].step == 0 and unchanged["det.cam.num_images"].step > 0
    det.cam.stage_sigs["image_mode"] = "Sinlge"
    with pytest.raises(cophyd.InvalidValueError, match="Sinlge") as caught:
        det.plan()
    assert len(caught.value.report) == 1
    det.cam.num_images.put(1)


def test_stage_takes_over(det):
    det.cam.acquire_time.put(100)
    det.cam.acquire.put(1)
    with pytest.raises(cophyd.CophydError) as caught:
        det.stage()
    assert caught.value.name == "OPH_EBUSY"
    assert any(setting.stopped for setting in det.plan(takeover=True).settings)
    det.stage(takeover=True, skip_unchanged=True, sync=True)
    assert det.cam.acquire.get() == 0
    det.trigger().wait(PATIENCE)
    det.unstage()
    assert det.cam.acquire.get() == 0 and det.cam.acquire_time.get() == 100
    det.cam.acquire_time.put(0.5)


def test_unstage_by_force(det, caplog):
    det.cam.num_images.put(5)
    det.stage()
    det.cam.num_images.put(7)
    with caplog.at_level(logging.WARNING, "cophyd"):
        det.unstage(force=True)
    assert caplog.records == [] and det.cam.num_images.get() == 5
    det.cam.num_images.put(1)


def test_the_graph(det):
    graph = det.graph()
    camera, writer = ({node.attr: node for node in graph.nodes}[a] for a in ("cam", "hdf1"))
    assert camera.is_camera and camera.enabled is True and camera.type == ""
    assert writer.source == camera.port == "PIL" and writer.type.startswith("NDFileHDF5")
    assert writer.has_camera and writer.queue_size > 0 and writer.blocking in (True, False)
    assert [(edge.start, edge.end) for edge in graph.edges] == [(camera, writer)]
    assert str(graph) == graph.text and "hdf1" in graph.text
    assert graph.dot.startswith("digraph")


def test_differences(det):
    """A record that this IOC does not have, among those of a class."""

    class WithOther(detectors.MyPilatus):
        other = cophyd.Component(cophyd.EpicsSignal, "cam1:NoSuchRecord")

    other = WithOther("Pilatus:", name="other")
    (error,) = [error for error in other.differences() if error.device == "other"]
    assert error.name == "OPH_EABSENT" and "none of them" in error.found
    assert not [error for error in det.differences() if error.device == "det"]


def test_finding_attributes():
    rows = cophyd.default_context().find("hdf5 COMPRESSION")
    assert ("HDF5Plugin", "compression") in [(row.class_name, row.attr) for row in rows]
    assert cophyd.default_context().find("no such words") == []


def test_files_named_by_a_function(det, data, caplog):
    number = iter(range(1, 9))
    det.hdf1.set_file_naming(lambda store: f"{store.attr_name}_{next(number)}")
    det.plan()
    for wanted in ("hdf1_2", "hdf1_3"):
        det.acquire()
        assert det.hdf1.ioc_files[0].endswith(f"/{wanted}_000000.h5")

    def fails(store):
        raise KeyError("no sample")

    for bad in (fails, lambda store: 5, lambda store: "x" * 5000, lambda store: "a/b"):
        det.hdf1.set_file_naming(bad)
        with pytest.raises(cophyd.CophydError, match=r"det\.hdf1"):
            det.stage()
        assert det.state == "idle"
    assert "no sample" in caplog.text
    det.hdf1.set_file_naming("uuid")
    det.acquire()
