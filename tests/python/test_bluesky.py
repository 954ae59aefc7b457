"""The real RunEngine drives a cophyd detector."""

import threading

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import h5py
import hdf5plugin  # noqa: F401  the codecs of the files
import numpy as np
import pytest
from bluesky import RunEngine, RunEngineInterrupted, protocols
from bluesky.utils import FailedStatus
from event_model import DocumentNames, DocumentRouter, schema_validators

import cophyd
import detectors
from conftest import PATIENCE, frame
from cophyd import Series, SoftSignal

DEVICE = [
    "HasName",
    "HasParent",
    "HasHints",
    "Readable",
    "Configurable",
    "Triggerable",
    "Stageable",
    "WritesExternalAssets",
    "WritesStreamAssets",
    "Preparable",
    "Flyable",
    "Collectable",
    "Pausable",
    "Stoppable",
]
SIGNAL = [
    "HasName",
    "HasParent",
    "HasHints",
    "Readable",
    "Configurable",
    "Triggerable",
    "Subscribable",
]
WRITABLE = ["Movable", "Locatable", "Checkable", "NamedMovable"]
SETTINGS = (
    "cam.acquire_time",
    "cam.acquire_period",
    "cam.num_images",
    "cam.image_mode",
    "cam.trigger_mode",
    "cam.wait_for_plugins",
    "hdf1.enable",
    "hdf1.file_path",
    "hdf1.file_name",
    "hdf1.lazy_open",
    "hdf1.file_write_mode",
)


class Run:
    """The documents of a RunEngine, each validated."""

    def __init__(self):
        self.documents = []
        self.seen = threading.Condition()

    def __call__(self, name, document):
        schema_validators[DocumentNames[name]].validate(document)
        with self.seen:
            self.documents.append((name, document))
            self.seen.notify_all()

    def of(self, name):
        return [document for kind, document in self.documents if kind == name]

    def wait_for(self, name, count=1):
        with self.seen:
            assert self.seen.wait_for(lambda: len(self.of(name)) >= count, PATIENCE)

    @property
    def names(self):
        return [name for name, _ in self.documents]

    def points(self, key="det_image"):
        """Of each event the number of its point."""
        datums = {datum["datum_id"]: datum for datum in self.of("datum")}
        return [
            datums[event["data"][key]]["datum_kwargs"]["point_number"] for event in self.of("event")
        ]

    def pixels(self, key="det_image"):
        """Of each event its frames, by resource and datum."""
        (resource,) = self.of("resource")
        count = resource["resource_kwargs"]["frame_per_point"]
        file = resource["root"] + resource["resource_path"]
        with h5py.File(file, locking=False) as h5:
            frames = h5["/entry/data/data"][:]
        return [frames[n * count : (n + 1) * count] for n in self.points(key)]


@pytest.fixture
def run():
    return Run()


@pytest.fixture
def engine(run):
    """A RunEngine, whose runs leave everything as it was."""
    engine = RunEngine({}, context_managers=[])
    engine.subscribe(run)
    yield engine
    if engine.state != "idle":
        engine.abort()


@pytest.fixture
def unchanged(det):
    """Before a run and after it: the same settings, and the device idle."""
    det.cam.acquire_time.put(0.5)
    before = {path: det.attribute(path).get_setpoint() for path in SETTINGS}
    yield
    assert det.state == "idle"
    assert {path: det.attribute(path).get_setpoint() for path in SETTINGS} == before


def test_protocols(det):
    for name in DEVICE:
        assert isinstance(det, getattr(protocols, name)), name
    for signal in (det.cam.acquire_time, det.cam.manufacturer, SoftSignal(name="soft")):
        for name in SIGNAL:
            assert isinstance(signal, getattr(protocols, name)), name
    for signal in (det.cam.acquire_time, SoftSignal(name="soft")):
        for name in WRITABLE:
            assert isinstance(signal, getattr(protocols, name)), name
    for name in WRITABLE:
        assert not isinstance(det.cam.manufacturer, getattr(protocols, name)), name
    assert isinstance(det.cam.acquire_time.trigger(), protocols.Status)


def test_count(engine, run, det, unchanged):
    engine(bp.count([det], 3))
    assert run.names == ["start", "descriptor", "resource", "datum", "event"] + [
        "datum",
        "event",
    ] * 2 + ["stop"]
    assert run.of("stop")[0]["exit_status"] == "success"
    assert run.points() == [0, 1, 2]
    last = det.cam.unique_id.get()
    for back, pixels in enumerate(reversed(run.pixels())):
        assert np.array_equal(pixels, [frame(last - back)])
    (descriptor,) = run.of("descriptor")
    assert descriptor["data_keys"]["det_image"]["external"] == "FILESTORE:"
    configuration = descriptor["configuration"]["det"]["data"]
    assert configuration["det_cam_acquire_time"] == 0.001


def test_several_frames_a_point(engine, run, det, unchanged):
    det.cam.stage_sigs["num_images"] = 3
    engine(bp.count([det], 2))
    assert [len(pixels) for pixels in run.pixels()] == [3, 3]
    assert np.array_equal(run.pixels()[1][2], frame(det.cam.unique_id.get()))


def test_settings_are_metadata(engine, run, det):
    md = {"folder": det.hdf1.write_path_template, "settings": det.cam.stage_sigs}
    engine(bp.count([det], 1, md=md))
    (start,) = run.of("start")
    assert (start["folder"], type(start["folder"])) == (det.hdf1.write_path_template, str)
    assert start["settings"] == det.cam.stage_sigs.copy()


def test_a_group_of_attributes_is_read(engine, run, det):
    engine(bp.count([det.cam.array_size], 1))
    (event,) = run.of("event")
    assert event["data"]["det_cam_array_size_array_size_x"] == det.cam.array_size.array_size_x.get()


def test_two_runs_have_two_files(engine, run, det, unchanged):
    engine(bp.count([det], 1))
    engine(bp.count([det], 1))
    files = [resource["resource_path"] for resource in run.of("resource")]
    assert len(set(files)) == 2 and run.points() == [0, 0]


def test_scan_with_a_software_motor(engine, run, det, unchanged):
    motor = SoftSignal(name="motor", value=5.0)
    engine(bp.scan([det], motor, -1, 1, 3))
    assert [event["data"]["motor"] for event in run.of("event")] == [-1, 0, 1]
    assert run.points() == [0, 1, 2]
    assert run.of("descriptor")[0]["hints"]["motor"] == {"fields": ["motor"]}
    engine(bp.rel_scan([det], motor, -1, 1, 3))
    assert motor.get() == 1


def test_scan_over_a_signal_of_the_ioc(engine, run, det, unchanged):
    """Which is staged, too: the detector puts it back."""
    signal = cophyd.EpicsSignal("p:ao", name="ao", kind="hinted")
    engine(bp.list_scan([det], signal, [0.25, 0.5]))
    assert [event["data"]["ao"] for event in run.of("event")] == [0.25, 0.5]


def test_one_image_of_many_writers(engine, run, make_detector):
    det = make_detector(detectors.WithTIFF)
    det.tiff1.set_path_templates(det.hdf1.write_path_template, det.hdf1.read_path_template)
    engine(bp.count([det], 2))
    specs = {resource["spec"] for resource in run.of("resource")}
    assert specs == {"AD_HDF5", "AD_TIFF"}
    assert run.points("det_image") == [0, 1] == run.points("det_tiff1_image")
    (tiff,) = [r for r in run.of("resource") if r["spec"] == "AD_TIFF"]
    assert tiff["resource_path"].endswith("/")
    assert set(tiff["resource_kwargs"]) == {"template", "filename", "frame_per_point"}


def test_streams(engine, run, det, unchanged):
    det.asset_form = "stream"
    engine(bp.count([det], 2))
    (resource,) = run.of("stream_resource")
    assert resource["uri"].startswith("file://localhost/")
    assert resource["parameters"]["dataset"] == "/entry/data/data"
    assert [d["indices"] for d in run.of("stream_datum")] == [
        {"start": 0, "stop": 1},
        {"start": 1, "stop": 2},
    ]
    assert [event["data"] for event in run.of("event")] == [{}, {}]
    with pytest.raises(ValueError, match="wanted resource or stream"):
        det.asset_form = "both"


def fly(det, series, runs=1):
    yield from bps.stage(det)
    yield from bps.open_run()
    for first in range(runs):
        yield from bps.prepare(det, series, wait=True)
        if not first:
            yield from bps.declare_stream(det, name="primary", collect=True)
        yield from bps.kickoff(det, wait=True)
        yield from bps.complete(det, wait=True)
        yield from bps.collect(det, name="primary")
    yield from bps.close_run()
    yield from bps.unstage(det)


def test_hints_of_a_series_are_keys_of_its_stream(engine, run, make_detector):
    """bluesky's tables and plots take each for one; what is hinted else is none."""
    det = make_detector(detectors.WithStatistics)
    det.stats1.total.kind = "hinted"
    engine(fly(det, Series(frames=2, exposure=0.001)))
    (descriptor,) = run.of("descriptor")
    assert list(descriptor["data_keys"]) == ["det_image"]
    assert descriptor["hints"] == {"det": {"fields": []}}
    assert det.hints == {"fields": ["det_stats1_total"]}


def test_fly_scan(engine, run, det, unchanged):
    series = Series(frames=5, exposure=0.001, period=0.004)
    engine(fly(det, series, 2))
    assert [d["indices"] for d in run.of("stream_datum")] == [
        {"start": 0, "stop": 5},
        {"start": 5, "stop": 10},
    ]
    assert [d["seq_nums"] for d in run.of("stream_datum")] == [
        {"start": 1, "stop": 6},
        {"start": 6, "stop": 11},
    ]
    (descriptor,) = run.of("descriptor")
    assert descriptor["data_keys"]["det_image"]["shape"][0] == 1
    (resource,) = run.of("stream_resource")
    last = det.cam.unique_id.get()
    with cophyd.Frames(resource["uri"].removeprefix("file://localhost")) as frames:
        assert len(frames) == 10
        assert np.array_equal(frames[-1], frame(last))
    assert run.of("stop")[0]["num_events"] == {"primary": 10}


def test_the_classic_flyer_plan(engine, run, det, unchanged):
    """bp.fly declares no stream, without which bluesky has no documents for frames. Each error says
    which plan has; usually before a frame is taken."""
    stages = "wanted {}, found none: bp.fly is no plan for it; one is bps.stage, bps.prepare, "
    with pytest.raises(cophyd.CophydError, match=stages.format("a series that was prepared")):
        engine(bp.fly([det]))

    def fly_staged(prepared):
        yield from bps.stage(det)
        if prepared:
            yield from bps.prepare(det, Series(frames=2, exposure=0.001), wait=True)
        yield from bp.fly([det])

    with pytest.raises(cophyd.CophydError, match="a series that was prepared, found none"):
        engine(fly_staged(False))
    det.unstage()
    declared = "its stream declared before its frames were taken"
    with pytest.raises(cophyd.CophydError, match=stages.format(declared)):
        engine(fly_staged(True))
    det.unstage()
    assert [stop["exit_status"] for stop in run.of("stop")] == ["fail"] * 3
    assert not run.of("descriptor") and not run.of("stream_resource")
    engine(fly(det, Series(frames=2, exposure=0.001)))
    assert run.of("stop")[-1]["num_events"] == {"primary": 2}


def test_series_that_cannot_be(engine, det, unchanged):
    with pytest.raises(cophyd.InvalidValueError, match="wanted"):
        engine(fly(det, {"frames": 5, "exposure": 0.1, "period": 0.01}))
    with pytest.raises(ValueError, match="wanted internal, edge, gate"):
        engine(fly(det, Series(mode="level")))


def test_a_failing_trigger(engine, run, det, fault, unchanged):
    fault("ExposureFails", 1)
    with pytest.raises(FailedStatus, match="DetectorState Error") as caught:
        engine(bp.count([det], 3))
    assert isinstance(caught.value.__cause__, cophyd.AcquisitionError)
    assert "Pilatus:cam1:Acquire" in str(caught.value)
    (stop,) = run.of("stop")
    assert stop["exit_status"] == "fail" and "DetectorState Error" in stop["reason"]


def test_a_failing_stage(engine, run, det, unchanged):
    det.cam.stage_sigs["image_mode"] = "Sinlge"
    with pytest.raises(cophyd.InvalidValueError, match="Sinlge"):
        engine(bp.count([det], 3))
    assert run.names == []


def during(run, event, act):
    """Acts on a thread of its own once so many events are there."""

    def wait():
        run.wait_for("event", event)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_pause_and_resume(engine, run, det, unchanged):
    det.cam.stage_sigs.update(acquire_time=0.05, acquire_period=0.06)
    thread = during(run, 2, lambda: engine.request_pause(defer=False))
    with pytest.raises(RunEngineInterrupted):
        engine(bp.count([det], 5))
    thread.join()
    assert engine.state == "paused"
    engine.resume()
    assert run.of("stop")[0]["exit_status"] == "success"
    events = run.of("event")
    assert [event["seq_num"] for event in events] == [1, 2, 3, 4, 5]
    points = run.points()
    assert points == sorted(set(points)), "a frame belongs to one event"
    first = det.cam.unique_id.get() - points[-1]
    for point, pixels in zip(points, run.pixels()):
        assert np.array_equal(pixels, [frame(first + point)])


@pytest.mark.parametrize(
    "end, status", [("abort", "abort"), ("stop", "success"), ("halt", "abort")]
)
def test_ended_while_paused(engine, run, det, end, status, unchanged):
    det.cam.stage_sigs.update(acquire_time=0.05, acquire_period=0.06)
    thread = during(run, 1, lambda: engine.request_pause(defer=False))
    with pytest.raises(RunEngineInterrupted):
        engine(bp.count([det], 50))
    thread.join()
    getattr(engine, end)()
    assert run.of("stop")[0]["exit_status"] == status
    det.unstage()  # after a halt nobody else does


@pytest.mark.parametrize(
    "end, status", [("abort", "abort"), ("stop", "success"), ("halt", "abort")]
)
def test_paused_in_an_exposure(engine, run, det, end, status, unchanged):
    """Of a hundred seconds: neither the pause nor the end waits for it, and no end raises."""
    det.cam.stage_sigs.update(acquire_time=100, acquire_period=101)

    def pause():
        det.cam.acquire.wait_for(1, timeout=PATIENCE).wait()
        engine.request_pause(defer=False)

    thread = threading.Thread(target=pause)
    thread.start()
    with pytest.raises(RunEngineInterrupted):
        engine(bp.count([det]))
    thread.join()
    assert engine.state == "paused" and det.state == "triggering"
    getattr(engine, end)()
    assert det.state == "idle" and run.of("stop")[0]["exit_status"] == status


def test_aborted_in_an_exposure(engine, run, det, unchanged):
    """Of a hundred seconds, which nobody waits for."""
    det.cam.stage_sigs.update(acquire_time=100, acquire_period=101)
    statuses = []

    def plan():
        yield from bps.stage(det)
        yield from bps.open_run()
        statuses.append((yield from bps.trigger(det, group="a")))
        raise RuntimeError("the plan fails")

    with pytest.raises(RuntimeError, match="the plan fails"):
        engine(plan())
    assert statuses[0].exception(PATIENCE).name == "OPH_ECANCEL"
    assert run.of("stop")[0]["exit_status"] == "fail"


def test_ctrl_c(run_python, data):
    """Pressed twice in a terminal: pauses, mostly in an exposure; then the user aborts."""
    out = run_python(
        """
import os, signal, sys, threading
import bluesky.plans as bp
from bluesky import RunEngine, RunEngineInterrupted
import detectors
det = detectors.MyPilatus("Pilatus:", name="det")
det.hdf1.set_path_templates("/data/", sys.argv[1])
det.cam.stage_sigs.update(acquire_time=1, acquire_period=1.1)
before = det.cam.acquire_time.get_setpoint()
RE, names = RunEngine({}), []
def twice():
    os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
def note(name, document):
    names.append(name)
    if names.count("event") == 1 and name == "event":
        threading.Timer(0.2, twice).start()  # in the next exposure
RE.subscribe(note)
try:
    RE(bp.count([det], 10000))
except RunEngineInterrupted:
    print(RE.state, det.state)
    RE.abort()
print(RE.state, det.state, names[-1], det.cam.acquire_time.get_setpoint() == before)
""",
        str(data),
    )
    assert "\npaused " in out and "idle idle stop True" in out


def test_monitors(engine, run):
    """Each value is an event, with the IOC's time."""
    signal = cophyd.EpicsSignal("p:ao", name="ao")
    signal.put(0.0)

    def plan():
        yield from bps.open_run()
        yield from bps.monitor(signal, name="ao")
        for value in (1.0, 2.0, 3.0):
            yield from bps.mv(signal, value)
        run.wait_for("event", 4)
        yield from bps.unmonitor(signal)
        yield from bps.close_run()

    engine(plan())
    assert [event["data"]["ao"] for event in run.of("event")] == [0, 1, 2, 3]
    assert signal._subscriptions == {}


def test_read_without_staging(engine, run, det, unchanged):
    """As in a baseline: without images."""

    def plan():
        yield from bps.open_run()
        yield from bps.create("baseline")
        yield from bps.read(det)
        yield from bps.save()
        yield from bps.close_run()

    engine(plan())
    assert run.of("event")[0]["data"] == {} and not run.of("datum")
    assert "det_cam_model" in run.of("descriptor")[0]["configuration"]["det"]["data"]


def test_progress(engine, det, unchanged):
    told = []

    def hook(statuses):
        for status in statuses or ():
            status.watch(lambda **now: told.append(now))

    engine.waiting_hook = hook
    det.cam.stage_sigs.update(num_images=3, acquire_time=0.1, acquire_period=0.15)
    engine(bp.count([det], 1))
    assert {now["name"] for now in told} == {"det"} and told[-1]["target"] == 3


def test_documents_can_be_routed(engine, run, det):
    """By event-model's own router, which knows each kind."""
    router = DocumentRouter()
    engine.subscribe(router)
    engine(bp.count([det], 1))
    assert run.of("stop")
