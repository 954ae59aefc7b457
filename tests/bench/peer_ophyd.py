"""The detector with ophyd; and a device of 500 signals."""

import h5py
import hdf5plugin  # for LZ4
from ophyd import Component, Device, EpicsSignal

import side
from ophyd_detector import construct, detector


kept = []  # what would be in the way while it is taken apart


def connected():
    """Each PV that staging uses is connected at its first use."""
    det = detector()
    det.stage()
    det.unstage()
    return det


def stage_round(det):
    started = side.now()
    for _ in range(side.STAGES):
        det.stage()
        det.unstage()
    return (side.now() - started) / side.STAGES


def construct_round(_):
    started = side.now()
    kept.extend(construct("Pilatus:") for _ in range(side.DEVICES))
    return (side.now() - started) / side.DEVICES


def construct_first_round(_):
    started = side.now()
    construct("Pilatus:")
    return side.now() - started


def acquire_round(det):
    started = side.now()
    for _ in range(side.ACQUISITIONS):
        det.stage()
        det.trigger().wait(timeout=side.PATIENCE)
        det.read()
        det.unstage()
        side.read_file(h5py, det.hdf1.full_file_name.get())
    return (side.now() - started) / side.ACQUISITIONS


def several():
    dets = [detector(side.prefix(i)) for i in range(side.size())]
    for det in dets:
        det.stage()
        det.unstage()
    return dets


def detectors_round(dets):
    """One after the other but for the acquisitions, as bluesky's count does."""
    started = side.now()
    for det in dets:
        det.stage()
    for status in [det.trigger() for det in dets]:
        status.wait(timeout=side.PATIENCE)
    for det in dets:
        det.unstage()
    return side.now() - started


def memory_500_round(_):
    before = side.memory()
    some = type("Some", (Device,), {f"s{i}": Component(EpicsSignal, f"s{i}") for i in range(1, 501)})
    kept.append(some("b:", name="some"))
    kept[-1].wait_for_connection(timeout=side.PATIENCE)
    return side.memory() - before


def trigger_round(det):
    det.stage()
    started = side.now()
    for _ in range(side.TRIGGERS):
        det.trigger().wait(timeout=side.PATIENCE)
    took = (side.now() - started) / side.TRIGGERS
    det.unstage()
    return took


side.run({
    "stage": (connected, stage_round),
    "acquire": (connected, acquire_round),
    "detectors": (several, detectors_round),
    "construct_first": (lambda: None, construct_first_round),
    "construct": (lambda: None, construct_round),
    "memory_500": (lambda: EpicsSignal("b:s0", name="s0").wait_for_connection(), memory_500_round),
    "trigger": (connected, trigger_round),
})
