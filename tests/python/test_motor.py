"""The simulator's motors, of which m1 is exact and quick."""

import threading

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import pytest
from bluesky import RunEngine, RunEngineInterrupted, protocols

import cophyd
from conftest import PATIENCE


@pytest.fixture
def m1():
    motor = cophyd.EpicsMotor("Pilatus:m1", name="m1")
    motor.move(0)
    yield motor
    motor.stop()
    motor.destroy()


@pytest.fixture
def stuck(m1, fault):
    """It begins to move, and does not arrive."""
    fault("MotorStuck", "m1")
    return m1


def test_protocols(m1):
    for name in ("Movable", "NamedMovable", "Locatable", "Checkable", "Readable", "Stoppable"):
        assert isinstance(m1, getattr(protocols, name)), name


def test_moving(m1):
    status = m1.set(0.5)
    status.wait(PATIENCE)
    assert m1.position == 0.5 and not m1.moving
    assert m1.locate() == {"setpoint": 0.5, "readback": 0.5}
    m1.move(-0.5, timeout=PATIENCE, tolerance=0.01)
    assert m1.position == pytest.approx(-0.5, abs=0.01)
    assert list(m1.read()) == ["m1", "m1_user_setpoint"] and m1.hints == {"fields": ["m1"]}
    assert m1.egu == m1.motor_egu.get() != ""


def test_move_as_ophyd_has_it(m1):
    status = m1.move(0.25, wait=True)
    assert status.done and status.success and m1.position == 0.25
    status = m1.move(0.5, False, timeout=PATIENCE)
    status.wait(PATIENCE)
    assert m1.position == 0.5


def test_set_current_position(m1):
    m1.move(0.5)
    m1.set_current_position(3)
    try:
        assert m1.position == m1.user_setpoint.get() == 3 and m1.user_offset.get() == 2.5
        assert m1.set_use_switch.get(as_string=True) == "Use"
        m1.move(2.5)
    finally:
        m1.user_offset.put(0)
    assert m1.position == 0


def test_one_that_moves_is_not_calibrated(stuck):
    stuck.set(5)
    stuck.motor_done_move.wait_for(0).wait(PATIENCE)
    with pytest.raises(cophyd.CophydError, match="m1: wanted to calibrate to 3"):
        stuck.set_current_position(3)
    assert stuck.set_use_switch.get(as_string=True) == "Use"


def test_limits(m1):
    low, high = m1.limits
    assert low < high
    m1.check_value(high)
    for act in (m1.check_value, m1.set, m1.move):
        with pytest.raises(cophyd.InvalidValueError, match="m1"):
            act(high + 1)
    assert m1.position == 0


def test_stopped_on_its_way(stuck):
    status = stuck.set(5)
    stuck.motor_done_move.wait_for(0).wait(PATIENCE)
    assert stuck.moving and not status.done and status.progress.target == 5
    with pytest.raises(cophyd.CophydError) as caught:
        stuck.set(4)
    assert caught.value.name == "OPH_EBUSY"
    stuck.stop()
    assert not stuck.moving and status.exception(PATIENCE).name == "OPH_ECANCEL"
    stuck.stop(success=True)  # as the RunEngine does in the end; what failed has failed
    assert status.exception().name == "OPH_ECANCEL" and not status.success


@pytest.mark.parametrize("combined", [False, True])
def test_stopped_as_well(stuck, combined):
    """As the RunEngine does when it pauses."""
    status = moving = stuck.set(5)
    if combined:
        status = moving & cophyd.Status.finished(stuck.context, "other")
    stuck.motor_done_move.wait_for(0).wait(PATIENCE)
    stuck.stop(success=True)
    assert not stuck.moving and status.exception(PATIENCE) is None
    status.wait()
    assert status.success and str(status).endswith("done=True, success=True)")


def test_too_slow(stuck):
    with pytest.raises(TimeoutError, match="m1"):
        stuck.move(5, timeout=0.2)
    stuck.stop()
    assert not stuck.moving


def test_ctrl_c_stops_it(stuck, press_ctrl_c):
    press_ctrl_c(stuck.motor_done_move.wait_for(0, timeout=PATIENCE))
    with pytest.raises(KeyboardInterrupt):
        stuck.move(5)
    assert not stuck.moving


def when_it_moves(motor, act):
    """Acts on a thread of its own once the motor, which is stuck, moves."""

    def wait():
        motor.motor_done_move.wait_for(0).wait(PATIENCE)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_pause_on_its_way(stuck, fault):
    engine, documents = RunEngine({}, context_managers=[]), []
    thread = when_it_moves(stuck, lambda: engine.request_pause(defer=False))
    with pytest.raises(RunEngineInterrupted):
        engine(bp.scan([], stuck, 0.5, 1, 2), lambda *document: documents.append(document))
    thread.join()
    assert engine.state == "paused" and not stuck.moving
    fault("MotorStuck", "")
    engine.resume()
    assert [d["data"]["m1"] for name, d in documents if name == "event"] == [0.5, 1]
    assert documents[-1][1]["exit_status"] == "success"


def test_suspended_on_its_way(stuck, fault):
    engine, documents = RunEngine({}, context_managers=[]), []

    async def until():
        fault("MotorStuck", "")

    thread = when_it_moves(stuck, lambda: engine.request_suspend(until))
    engine(bp.scan([], stuck, 0.5, 1, 2), lambda *document: documents.append(document))
    thread.join()
    assert [d["data"]["m1"] for name, d in documents if name == "event"] == [0.5, 1]
    assert documents[-1][1]["exit_status"] == "success"


def test_a_device_stops_its_motors(stuck):
    class Table(cophyd.Device):
        """A motor."""

        x = cophyd.Component(cophyd.EpicsMotor, "m1")

    for success in (False, True):
        table = Table("Pilatus:", name="table")
        status = table.x.set(5)
        table.x.motor_done_move.wait_for(0).wait(PATIENCE)
        table.stop(success=success)
        error = status.exception(PATIENCE)
        assert error is None if success else error.name == "OPH_ECANCEL"
        table.destroy()


def test_the_readback_has_the_motor_s_name(m1):
    """As in ophyd: a table or a plot of the signal finds it among what the motor reads."""
    (key,) = m1.user_readback.read()
    assert key == m1.user_readback.name == "m1" and key in m1.read() and key in m1.describe()
    assert list(m1.user_readback.describe()) == m1.user_readback.hints["fields"] == ["m1"]


def test_scans(m1, det):
    """The RunEngine moves it; of a device it is a part like others."""

    class Table(cophyd.Device):
        """Two motors."""

        x = cophyd.Component(cophyd.EpicsMotor, "m1")
        y = cophyd.Component(cophyd.EpicsMotor, "m2")

    table = Table("Pilatus:", name="table")
    engine, documents = RunEngine({}, context_managers=[]), []
    engine(bp.scan([det], m1, -0.5, 0.5, 3), lambda *document: documents.append(document))
    found = [d["data"]["m1"] for name, d in documents if name == "event"]
    assert found == [-0.5, 0, 0.5]
    (hints,) = [d["hints"] for name, d in documents if name == "descriptor"]
    assert hints["m1"] == {"fields": ["m1"]}
    documents.clear()
    engine(bps.mv(table.x, 0.25))
    engine(bp.rel_scan([], table.x, -0.25, 0.25, 2), lambda *d: documents.append(d))
    found = [d["data"]["table_x"] for name, d in documents if name == "event"]
    assert found == [0, 0.5] and m1.position == 0.25
    assert set(table.read()) == {"table_x", "table_x_user_setpoint", "table_y"} | {
        "table_y_user_setpoint"
    }
