"""The same with ophyd-async: signals over aioca, and its own Pilatus, which has fewer signals and stages less."""

import asyncio
from pathlib import Path

import h5py
import hdf5plugin  # for LZ4
from ophyd_async.core import StaticFilenameProvider, StaticPathProvider, TriggerInfo
from ophyd_async.epics.adcore import ADWriterFactory
from ophyd_async.epics.adpilatus import PilatusDetector
from ophyd_async.epics.core import epics_signal_rw

import side

loop = asyncio.new_event_loop()


def wait(coroutine):
    return loop.run_until_complete(coroutine)


async def connect_all(signals):
    await asyncio.gather(*(signal.connect(timeout=side.PATIENCE) for signal in signals))


def signals(first, end):
    return [epics_signal_rw(float, f"ca://{name}", name=name) for name in side.names(first, end)]


def connected(first, end):
    found = signals(first, end)
    wait(connect_all(found))
    return found


def connect_round(_):
    started = side.now()
    connected(0, side.SIGNALS)
    return side.now() - started


def connect_many_round(_):
    started = side.now()
    connected(0, side.size())
    return side.now() - started


def memory_round(kept):
    before = side.memory()
    kept.extend(connected(1, side.SIGNALS))
    return (side.memory() - before) / (side.SIGNALS - 1)


def memory_500_round(kept):
    before = side.memory()
    kept.extend(connected(1, 501))
    return side.memory() - before


async def get_each(found):
    for i, signal in enumerate(found):
        side.need(await signal.get_value() == i + 0.5, "ophyd-async: a wrong value")


def get_one_round(found):
    started = side.now()
    wait(get_each(found))
    return (side.now() - started) / side.SIGNALS


async def get_all(found):
    return await asyncio.gather(*(signal.get_value() for signal in found))


def read_all_round(found):
    started = side.now()
    values = wait(get_all(found))
    took = side.now() - started
    side.need(values == [i + 0.5 for i in range(side.SIGNALS)], "ophyd-async: wrong values")
    return took


async def put_each(found):
    for i, signal in enumerate(found):
        await signal.set(float(i))


def put_one_round(found):
    started = side.now()
    wait(put_each(found))
    return (side.now() - started) / side.SIGNALS


async def put_all(found):
    await asyncio.gather(*(signal.set(float(i)) for i, signal in enumerate(found)))


def put_all_round(found):
    started = side.now()
    wait(put_all(found))
    return side.now() - started


# --- The detector


def construct(prefix):
    where = StaticPathProvider(StaticFilenameProvider("a1b2c3d4"), Path("/bench/data"))
    return PilatusDetector(prefix, ADWriterFactory.hdf(where), name="det")


def settings(det):
    """What it writes and does not put back, in the order in which it can be."""
    cam, hdf = det.driver, det.hdf
    return [cam.trigger_mode, cam.image_mode, cam.num_images, cam.acquire_time, cam.acquire_period, hdf.compression,
            hdf.chunk_size_auto, hdf.num_frames_chunks, hdf.num_extra_dims, hdf.lazy_open, hdf.swmr_mode,
            hdf.xml_file_name, hdf.enable_callbacks, hdf.create_directory, hdf.file_name, hdf.file_template,
            hdf.auto_increment, hdf.file_number, hdf.file_write_mode, hdf.num_capture]


class Detectors:
    """The others want the detector as it was: it is put back after each round, and not measured."""

    def __init__(self, count):
        self.dets = [construct(side.prefix(i)) for i in range(count)]
        wait(self.set_up())

    async def set_up(self):
        for det in self.dets:
            await det.connect(timeout=side.PATIENCE)
        self.before = [(signal, await signal.get_value()) for det in self.dets for signal in settings(det)]
        await asyncio.gather(*(show_a_frame(det) for det in self.dets))
        await self.put_back()

    async def put_back(self):
        for signal, value in self.before:
            await signal.set(value)

    async def begin(self):
        await asyncio.gather(*(det.hdf.compression.set("LZ4") for det in self.dets))

    async def acquire(self):
        return await asyncio.gather(*(acquire(det) for det in self.dets))

    def measure(self, what, times=1):
        wait(self.begin())
        started = side.now()
        for _ in range(times):
            what()
        took = side.now() - started
        wait(self.put_back())
        return took / times


async def show_a_frame(det):
    """Without which its writer does not know how large frames are."""
    await det.stage()
    await det.prepare(TriggerInfo(livetime=0.01, deadtime=0.005))
    await det.trigger()
    await det.unstage()


async def acquire(det):
    await det.stage()
    await det.prepare(TriggerInfo(livetime=0.1, deadtime=0.005))
    await det.trigger()
    await det.read()
    name = await det.hdf.full_file_name.get_value()
    await det.unstage()
    return name


def acquire_round(d):
    return d.measure(lambda: side.read_file(h5py, wait(d.acquire())[0]), side.ACQUISITIONS)


def detectors_round(d):
    return d.measure(lambda: wait(d.acquire()))


def construct_first_round(_):
    started = side.now()
    construct("Pilatus:")
    return side.now() - started


def construct_round(_):
    started = side.now()
    dets = [construct("Pilatus:") for _ in range(side.DEVICES)]
    del dets
    return (side.now() - started) / side.DEVICES


def all_signals():
    return connected(0, side.SIGNALS)


side.run({
    "connect": (lambda: None, connect_round),
    "connect_many": (lambda: None, connect_many_round),
    "memory": (lambda: connected(0, 1), memory_round),
    "memory_500": (lambda: connected(0, 1), memory_500_round),
    "get_one": (all_signals, get_one_round),
    "read_all": (all_signals, read_all_round),
    "put_one": (all_signals, put_one_round),
    "put_all": (all_signals, put_all_round),
    "acquire": (lambda: Detectors(1), acquire_round),
    "detectors": (lambda: Detectors(side.size()), detectors_round),
    "construct_first": (lambda: None, construct_first_round),
    "construct": (lambda: None, construct_round),
})
