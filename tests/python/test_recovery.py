"""A client that is killed while a detector is staged, and what another makes of what it left."""

import datetime
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cophyd
from conftest import PATIENCE

VICTIM = """
import sys
import detectors
det = detectors.MyPilatus("Pilatus:", name="victim")
det.hdf1.set_path_templates("/data/", sys.argv[1])
det.cam.stage_sigs.update(acquire_time=0.25, num_images=7)
det.stage()
print("staged", flush=True)
sys.stdin.read()
"""
SETTINGS = ("cam.acquire_time", "cam.num_images", "hdf1.file_path", "hdf1.file_name", "hdf1.enable")


def settings_of(det):
    return {path: det.attribute(path).get_setpoint() for path in SETTINGS}


@pytest.fixture
def before(det):
    """The settings, and nothing left by anybody."""
    det.cam.acquire_time.put(0.5)
    det.cam.num_images.put(1)
    assert cophyd.journals() == []
    yield settings_of(det)
    cophyd.recover()  # of a client that a test has left


@pytest.fixture
def victim(before, data):
    """A process that has the detector staged."""
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(data)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([here, os.environ["PYTHONPATH"]])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "staged\n"
    yield process
    kill(process)


def kill(process):
    process.kill()
    process.communicate(timeout=PATIENCE)


def by_path(recovered):
    return {setting.device.partition(".")[2]: setting for setting in recovered}


def test_a_killed_client_is_undone(det, victim, before):
    kill(victim)
    assert settings_of(det) != before and det.hdf1.capture.get() == 1
    (journal,) = cophyd.journals()
    assert (journal.device, journal.prefix, journal.pid) == ("victim", "Pilatus:", victim.pid)
    assert not journal.alive and journal.why == "" and Path(journal.file).exists()
    age = datetime.datetime.now().astimezone() - journal.since
    assert datetime.timedelta(seconds=-2) < age < datetime.timedelta(hours=1)
    assert f"settings of victim, staged by {journal.program} ({victim.pid}), which is gone" in str(
        journal
    )

    with pytest.raises(cophyd.CophydError) as caught:
        det.stage()
    assert caught.value.name == "OPH_ESTATE"

    recovered = by_path(cophyd.recover("Pilatus:"))
    assert len(recovered) == journal.count
    assert recovered["cam.acquire_time"].what == "back"
    assert recovered["cam.acquire_time"].pv == "Pilatus:cam1:AcquireTime"
    assert recovered["cam.acquire_time"].now == "0.5"
    assert str(recovered["cam.acquire_time"]) == "Pilatus:cam1:AcquireTime 0.5, put back"
    assert {setting.what for setting in recovered.values()} == {"back", "same"}
    assert settings_of(det) == before and det.hdf1.capture.get() == 0
    assert cophyd.journals() == [] == cophyd.recover()
    det.stage()
    det.unstage()


def test_what_somebody_changed_is_kept(det, victim, before):
    kill(victim)
    det.cam.acquire_time.put(0.75)
    recovered = by_path(cophyd.recover())
    assert recovered["cam.acquire_time"].what == "kept"
    assert recovered["cam.acquire_time"].now == "0.75"
    assert recovered["cam.num_images"].what == "back"
    assert settings_of(det) == {**before, "cam.acquire_time": 0.75}
    assert cophyd.journals() == []


def test_nothing_of_a_living_client_is_touched(det, victim):
    staged = settings_of(det)
    (journal,) = cophyd.journals()
    assert journal.alive and "which lives" in str(journal)
    with pytest.raises(cophyd.CophydError) as caught:
        cophyd.recover("Pilatus:")
    assert caught.value.name == "OPH_EBUSY" and str(victim.pid) in str(caught.value)
    assert len(caught.value.report) == 1 and caught.value.recovered == ()
    assert settings_of(det) == staged


def test_what_could_not_be_put_back_stays(det, victim, before):
    """Access to one PV is gone; all others are put back, and that one the next time."""
    kill(victim)
    disabled = cophyd.EpicsSignal("Pilatus:cam1:NumImages.DISP", name="disp")
    disabled.put(1)
    try:
        with pytest.raises(cophyd.CophydError) as caught:
            cophyd.recover("Pilatus:")
    finally:
        disabled.put(0)
    recovered = by_path(caught.value.recovered)
    assert recovered["cam.num_images"].what == "left" and recovered["cam.num_images"].now == "7"
    assert recovered["cam.acquire_time"].what == "back"
    assert any(error.pv == "Pilatus:cam1:NumImages" for error in caught.value.report)
    (journal,) = cophyd.journals()
    assert not journal.alive
    assert by_path(cophyd.recover("Pilatus:"))["cam.num_images"].what == "back"
    assert settings_of(det) == before and cophyd.journals() == []


def test_a_file_that_somebody_edited(det, victim, before):
    """It is told, and left, and nothing is put back by it."""
    kill(victim)
    staged = settings_of(det)
    file = Path(cophyd.journals()[0].file)
    written = file.read_bytes()
    file.write_bytes(written + b"words\n")
    (journal,) = cophyd.journals()
    assert journal.file == str(file) and journal.since is None
    assert journal.why and str(journal) == f"{file}: {journal.why}"
    with pytest.raises(cophyd.InvalidValueError) as caught:
        cophyd.recover()
    assert caught.value.name == "OPH_EPARSE" and caught.value.recovered == ()
    assert file.exists() and settings_of(det) == staged
    file.write_bytes(written)
    cophyd.recover()
    assert settings_of(det) == before
