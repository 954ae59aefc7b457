"""The benches: what is measured, beside whom, and how much more it may take."""

import os
from dataclasses import dataclass

from ioc import BUILD, HERE


def python(name):
    return [os.environ["PEERS"], f"{HERE}/peer_{name}.py"]


SIDES = {
    "ours": [f"{BUILD}/tests/bench/ours"],
    "libca": [f"{BUILD}/tests/bench/libca"],
    "pyepics": python("pyepics"),
    "aioca": python("aioca"),
    "ophyd": python("ophyd"),
    "ophyd-async": python("ophyd_async"),
}
FRAME_SIDES = {
    "ours": [f"{BUILD}/tests/bench/frames"],
    "h5py": python("h5py"),
    "codec": [f"{BUILD}/tests/bench/frames", "codec"],
}
SEEN_SIDES = {"ours": [f"{BUILD}/tests/bench/seen"], "h5py": python("h5py")}
COUNT_SIDES = {
    "ours": [f"{BUILD}/tests/bench/ours_count"],
    "libca": SIDES["libca"],
    "bluesky": python("bluesky"),
}
ENGINE = python("engine")
ENGINE_SIDES = {
    "ours": ["env", f"PYTHONPATH={BUILD}/python", *ENGINE, "ours"],
    "empty": [*ENGINE, "empty"],  # and the IOC's time
    "bare": [*ENGINE, "bare"],  # of a device that triggers by libca
    "told": [*ENGINE, "told"],  # and has the documents of an image
    "ophyd": python("bluesky"),
}
START_SIDES = {
    "ours": [f"{BUILD}/bin/cophyd", "get", "Pilatus:", "cam.acquire_time"],
    "libca": [f"{BUILD}/tests/bench/caget", "Pilatus:cam1:AcquireTime_RBV"],
    "pyepics": python("caget") + ["Pilatus:cam1:AcquireTime_RBV"],
}


@dataclass
class Bench:
    unit: str
    scale: float  # from seconds or bytes
    bounds: dict  # at most this ratio to a peer
    excess: float = None  # instead: at most so much, in `unit`, more than the first peer
    most: float = None  # at most so much, in `unit`
    fresh: bool = False  # a new process each round
    rounds: int = 12
    ioc: str = "records"  # as ioc.py has them
    what: str = None  # as the sides name it; its own name
    far: bool = False  # behind a link whose round trips take ioc.DELAY longer
    size: int = 0  # channels, or whatever it is a number of
    detectors: int = 1
    sides: dict = None

    def __post_init__(self):
        self.sides = self.sides or (FRAME_SIDES if self.ioc == "files" else SIDES)

    @property
    def programs(self):
        return self.sides is START_SIDES

    @property
    def peers(self):
        return [side for side in self.sides if side != "ours"]


def ms(bounds, **rest):
    return Bench("ms", 1e3, bounds, **rest)


def us(bounds, **rest):
    return Bench("us", 1e6, bounds, **rest)


def frames(h5py, codec=None, rounds=16):
    """At least `h5py` times as fast as it, and `codec` times as fast as the codec alone."""
    return ms({"h5py": 1 / h5py} | ({"codec": 1 / codec} if codec else {}), ioc="files", rounds=rounds)


def connect(channels, rounds):
    return ms({"libca": 1.2}, fresh=True, rounds=rounds, ioc="many", what="connect_many", size=channels)


def detectors(number, ioc="detector"):
    """Staged, triggered and unstaged at the same time."""
    return ms({"libca": 1.15}, ioc=ioc, what="detectors", size=number, detectors=number, rounds=6)


def count():
    """A point with its documents, at most 1 ms above its trigger by hand."""
    return ms({}, excess=1.0, ioc="instant", rounds=8, sides=COUNT_SIDES)


def engine():
    """A point of the RunEngine's count, at most 1 ms above that of an empty device and the IOC's time. Processes
    differ more than rounds do."""
    return ms({}, fresh=True, excess=1.0, ioc="instant", rounds=12, sides=ENGINE_SIDES)


STAGE = {"libca": 1.15, "ophyd": 1 / 4}  # and unstage
TRIGGER = {"libca": 1.1}
ACQUIRE = {"libca": 1.15}
BENCHES = {
    "connect": ms({"libca": 1.2}, fresh=True, rounds=20),
    "connect_100": connect(100, 12),
    "connect_1000": connect(1000, 12),
    "connect_20000": connect(20000, 6),
    "read_all": ms({"libca": 1.5}),
    "get_one": us({"libca": 1.15}),
    "put_all": ms({"libca": 1.5}),
    "put_one": us({"libca": 1.15}),
    "array_get": ms({"libca": 1.15}),
    "image_get": ms({"libca": 1.15}, ioc="images"),
    "image_monitor": ms({"libca": 1.15}, ioc="images"),
    "monitor": Bench("us CPU", 1e6, {"libca": 2.5, "pyepics": 1 / 20, "aioca": 1 / 20}, ioc="events"),
    "memory": Bench("B", 1, {}, excess=1536, fresh=True, rounds=6),
    "memory_500": Bench("KiB", 1 / 1024, {}, excess=750, fresh=True, rounds=6),
    "construct_first": us({"ophyd": 1 / 20}, fresh=True, ioc="instant"),
    "construct": us({"ophyd": 1 / 20, "ophyd-async": 1 / 20}, ioc="instant"),
    "start": ms({}, ioc="instant", sides=START_SIDES, rounds=20),
    "stage": ms(STAGE, ioc="detector"),
    "stage_instant": ms({}, ioc="instant", what="stage"),
    "stage_far": ms(STAGE, ioc="detector", what="stage", far=True, rounds=6),
    "trigger": ms(TRIGGER, ioc="detector"),
    "acquire": ms(ACQUIRE, ioc="detector"),
    "acquire_instant": ms(ACQUIRE, ioc="instant", what="acquire"),
    "acquire_far": ms(ACQUIRE, ioc="detector", what="acquire", far=True, rounds=6),
    "detectors_1": detectors(1),
    "detectors_2": detectors(2),
    "detectors_4": detectors(4),
    "count": count(),
    "count_lines": count(),
    "engine": engine(),
    "frames_lz4": frames(1.8, 0.8),
    "frames_bslz4": frames(3.0, 0.8),
    "frames_blosc": frames(1.8, 0.8),
    "frames_deflate": frames(3.8, 0.8),
    "frames_none": frames(1.5),
    "frames_contiguous": frames(0.9),  # libhdf5 reads into the buffer, as we do
    "frames_few": frames(1.8),  # 5,000 frames of 8x8: against the next, whether time grows linearly
    "frames_many": frames(1.8),  # 50,000
    "frame_seen": ms({"h5py": 1.0}, most=0.5, ioc="files", sides=SEEN_SIDES, rounds=16),  # after its flush
    "stack_lz4": frames(1.0),
    "stack_bslz4": frames(1.0),
    "stack_blosc": frames(1.0),
    "stack_deflate": frames(1.0),
    "stack_none": frames(1.0),
    "trigger_far": ms(TRIGGER, ioc="detector", what="trigger", far=True, rounds=8),
}
