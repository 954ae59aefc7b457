"""Motor records."""

from __future__ import annotations

from typing import Any

from ._library import lib, new_struct
from .device import Device
from .errors import call, call_for, make_error
from .kinds import Kind
from .status import Status


class Motor(Device):
    """A motor record: bluesky moves it, and bps.mv.

    m1 = EpicsMotor("13PIL1:m1", name="m1")
    m1.move(12.5)
    """

    is_plain = True
    default_kind = Kind.omitted

    def _key_of(self, attr: str) -> str:
        """That of the position is the motor's own."""
        return self.name if attr == "user_readback" else super()._key_of(attr)

    def set(
        self, position: float, *, timeout: float | None = None, tolerance: float | None = None
    ) -> Status:
        """Moves it to a user position. A position outside the limits, and a motor that moves or is
        stopped, are refused at once. The status is done when it is there, within `tolerance` (None:
        the record's deadband), and no limit switch, no other's put and no miss says otherwise.
        After `timeout` seconds (None: twice what the way takes), or when the status is cancelled,
        it is stopped."""
        options = new_struct("oph_move_options")
        options.timeout, options.tolerance = timeout or 0, tolerance or 0
        made = call_for("oph_status *", lib.oph_move_start, self._ptr, position, options)
        self._move = Status(made, self._context, self)
        return self._move

    def move(
        self,
        position: float,
        wait: bool = True,
        *,
        timeout: float | None = None,
        tolerance: float | None = None,
    ) -> Status:
        """The same, and waits until the status is done, and well. Ctrl-C stops it."""
        try:
            status = self.set(position, timeout=timeout, tolerance=tolerance)
            if wait:
                status.wait()
        except KeyboardInterrupt:
            self.stop()
            raise
        return status

    def set_current_position(self, position: float) -> None:
        """Calibrates it: where it stands is this position from now on."""
        if self.moving:
            found = f"wanted to calibrate to {position:g} while it stands, found that it moves"
            raise make_error(lib.OPH_EBUSY, f"{self.name}: {found}")
        use_or_set = self.attribute("set_use_switch")
        try:
            use_or_set.put("Set")
            self.attribute("user_setpoint").put(position)
        finally:
            use_or_set.put("Use")

    def check_value(self, position: float) -> None:
        """Whether it could move there now; else what set() would raise."""
        call(lib.oph_move_check, self._ptr, position)

    @property
    def position(self) -> float:
        """Where it is."""
        return float(self.attribute("user_readback").get())

    def locate(self) -> dict[str, Any]:
        """{"setpoint", "readback"}"""
        return {"setpoint": self.attribute("user_setpoint").get(), "readback": self.position}

    @property
    def limits(self) -> tuple[float, float]:
        """(lowest, highest) user position; equal where there are none."""
        low, high = self.attribute("low_limit_travel"), self.attribute("high_limit_travel")
        return float(low.get()), float(high.get())

    @property
    def moving(self) -> bool:
        """Whether a move has not ended, with its retries."""
        return not self.attribute("motor_done_move").get()

    @property
    def egu(self) -> str:
        """The units of positions."""
        return str(self.attribute("motor_egu").get())
