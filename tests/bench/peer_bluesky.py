"""Counts with bluesky's RunEngine and ophyd's detector: a point with its documents, which go to a function that
does nothing with them, or as JSON lines to a file."""

import json
import tempfile

from bluesky import RunEngine
from bluesky.plans import count

import side
from ophyd_detector import detector
from points import per_point


def set_up():
    det = detector()
    det.cam.stage_sigs["acquire_time"] = 0.001
    det.cam.stage_sigs["acquire_period"] = 0.002
    return RunEngine({}, context_managers=[]), det


def run(state, sink):
    engine, det = state
    started = side.now()
    engine(count([det], num=side.POINTS), sink)
    return (side.now() - started) / side.POINTS


def count_round(state):
    return run(state, lambda name, doc: None)


def lines_round(state):
    with tempfile.TemporaryFile("w") as out:
        return run(state, lambda name, doc: out.write(json.dumps([name, doc], default=str) + "\n"))


def warm():
    state = set_up()
    per_point(*state)
    return state


side.run({"count": (set_up, count_round), "count_lines": (set_up, lines_round),
          "engine": (warm, lambda state: per_point(*state))})
