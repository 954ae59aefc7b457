"""What help() shows of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .device import Device


class InstanceDoc:
    """A docstring that of an instance also lists its attributes, for help()."""

    def __init__(self, doc: str | None) -> None:
        self.doc = doc

    def __get__(self, device: Device | None, owner: type) -> str | None:
        return self.doc if device is None else help_text(device, self.doc)


def help_text(device: Device, doc: str | None) -> str:
    """What help() shows: each attribute, its PVs, and what it is."""
    lines = [doc or device.class_name, ""]
    for attr in device._children():
        child = device.attribute(attr)
        lines.append(f"{attr}: {child.class_name}, at {child.prefix}")
    for attr in device._rows():
        signal = device.attribute(attr)
        pvs = dict.fromkeys([signal.setpoint_pvname, signal.pvname])
        lines.append(f"{attr}: {' '.join(pvs)}")
        if signal.doc:
            lines.append(f"    {signal.doc}")
    lines += [f"{signal.attr_name}: in memory" for signal in device._soft]
    return "\n".join(lines)
