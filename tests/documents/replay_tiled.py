"""Runs of the C library, replayed from their JSON lines into a real Tiled server by TiledWriter, and
read back over HTTP: pixels, values, times, metadata. In TAP."""

import json
import logging
import os
import sys
import warnings

import numpy as np
from bluesky import RunEngine
from bluesky.plans import count
from check import COLS, ROWS, Tap
from recorded import POINTS, Recorded, Recorder
from tiled_server import Server, columns, image

warnings.simplefilter("ignore", UserWarning)  # Tiled's, about validating from here
logging.getLogger("bluesky_tiled_plugins").setLevel(logging.ERROR)  # and of what it then mends

# Chunks of points, of frames of a point, of rows and of columns, by class.
CHUNKS = {"Tiles": (1, 2, 16, 30), "Deep": (2, 2, ROWS, COLS), "Stream": (1, 1, ROWS, COLS)}


def same(recorded, run, tap, what):
    """All that Tiled has of a run."""
    start, descriptor, stop = (recorded.of(name)[0] for name in ("start", "descriptor", "stop"))
    tap.ok(run.metadata["start"] == start, f"{what}: the start document")
    tap.ok(run.metadata["stop"] == stop, f"{what}: the stop document, {stop['exit_status']}")
    tap.none(run.metadata.get("notes", []), f"{what}: TiledWriter mends nothing")
    told = run["primary"].metadata
    tap.ok(told["configuration"] == descriptor["configuration"], f"{what}: the configuration")
    tap.ok(told["hints"] == descriptor["hints"], f"{what}: the hints")
    values = [key for key, told in recorded.keys().items() if "external" not in told]
    wanted = {key: recorded.values(key) for key in values}
    wanted |= {f"ts_{key}": recorded.values(key, "timestamps") for key in values}
    wanted |= {key: [event[key] for event in recorded.of("event")] for key in ("seq_num", "time")}
    found = columns(run, wanted)
    wrong = [(key, found[key]) for key in wanted if found[key] != wanted[key]]
    tap.none(wrong, f"{what}: {values}, their times, and the events'")


def pixels(recorded, run, tap, what):
    external = [key for key, told in recorded.keys().items() if "external" in told]
    tap.ok(sorted(external) == sorted(recorded.images), f"{what}: images {external}")
    for key, wanted in recorded.images.items():
        array = image(run, key)
        points, frames = wanted.shape[:2]
        good = array.shape == wanted.shape and array.dtype == wanted.dtype
        tap.ok(good, f"{what}: {key} is {array.dtype} of {array.shape}")
        tap.ok(np.array_equal(array.read(), wanted), f"{what}: every pixel of {key}")
        one = array[points - 1, frames - 1, 5:9, 7]
        tap.ok(np.array_equal(one, wanted[-1, -1, 5:9, 7]), f"{what}: a part of a frame of {key}")


def chunks(recorded, run, tap, what, kind):
    array = image(run, "det_image")
    found = tuple(sizes[0] for sizes in array.chunks)
    tap.ok(found == CHUNKS[kind], f"{what}: its chunks are {found}")
    block = array.read_block((1, 0, 0, 0))
    wanted = recorded.images["det_image"][found[0] :][: found[0], : found[1], : found[2], : found[3]]
    tap.ok(np.array_equal(block, wanted), f"{what}: the second of them")


def replay(server, tap, recorded, **options):
    what = recorded.what
    run = server.replay(recorded.documents, **options)
    same(recorded, run, tap, what)
    pixels(recorded, run, tap, what)
    return run


def validated(tap, recorded, run):
    """Tiled's own look at the files; it may make its chunks whole points."""
    tap.ok(run.validate() is True, f"{recorded.what}: validated")
    pixels(recorded, run, tap, f"{recorded.what}, validated")


def counts(server, tap, recorder):
    for store in ("Stream", "Single", "Tiff"):
        for frames in (1, 4):
            recorded = recorder.count(store, "stream", frames)
            run = replay(server, tap, recorded)
            if store == "Stream":
                chunks(recorded, run, tap, recorded.what, store)
            if store != "Single":  # whose frames the validator would put one below the other
                validated(tap, recorded, run)


def runs(server, tap, recorder):
    for kind in ("Swmr", "Tiles", "Deep", "Cycle", "Stores", "Words", "Two"):
        recorded = recorder.of(kind, "stream")
        run = replay(server, tap, recorded)
        if kind in CHUNKS:
            chunks(recorded, run, tap, recorded.what, kind)


def resources(server, tap, recorder):
    """TiledWriter takes the older form, too."""
    for store in ("Stream", "Single", "Tiff"):
        replay(server, tap, recorder.count(store, "resource", 4))
    replay(server, tap, recorder.of("Stores", "resource"))


def scans(server, tap, recorder):
    replay(server, tap, recorder.count("Stream", "stream", 2, 5, "m1"))


def by_http(server, tap, recorder):
    """Without Tiled's client."""
    recorded = recorder.count("Stream", "stream", 2)
    server.replay(recorded.documents)
    path = f"{recorded.uid}/primary/det_image"
    content = server.get(f"array/full/{path}", slice="1,0")
    found = np.frombuffer(content, "<i4").reshape(ROWS, COLS)
    tap.ok(np.array_equal(found, recorded.images["det_image"][1, 0]), "a frame as bytes over HTTP")


def bluesky_writer(server, tap, recorder):
    """Bluesky's own older writer puts the frames of all files in a row."""
    from bluesky.callbacks.tiled_writer import TiledWriter

    for store, one_row in (("Stream", False), ("Tiff", True)):
        recorded = recorder.count(store, "stream", 4)
        write = TiledWriter(server.client)
        for name, document in recorded.documents:
            write(name, document)
        found = image(server.client[recorded.uid], "det_image", "primary").read()
        wanted = recorded.images["det_image"]
        wanted = wanted.reshape(-1, ROWS, COLS) if one_row else wanted
        tap.ok(np.array_equal(found, wanted), f"{recorded.what}, by bluesky.callbacks: every pixel")


def aborted(server, tap, recorder):
    recorded = recorder.interrupted("stream", 2)
    tap.ok(recorded.of("stop")[0]["exit_status"] == "abort", f"{recorded.what}: it aborts")
    replay(server, tap, recorded)


def live(server, tap, recorder):
    """Pixels can be read over HTTP while the IOC still writes the file, with SWMRMode On."""
    process = recorder.start("Swmr", "stream", POINTS, "paced")
    write = server.writer(batch_size=1)
    lines, events = [], 0
    for line in process.stdout:
        lines.append(line)
        write(*json.loads(line))
        if line.startswith('["event"'):
            events += 1
            array = image(server.client[json.loads(lines[0])[1]["uid"]], "det_image")
            wanted = recorder.next_pixels(1, 1)[0]
            tap.ok(np.array_equal(array[events - 1], wanted), f"live: point {events} before the next")
            process.stdin.write("\n")
            process.stdin.flush()
    tap.ok(process.wait(60) == 0 and events == POINTS, f"live: {events} points")
    recorder.pilatus.frames -= POINTS
    recorded = Recorded("live", lines, {"det_image": recorder.next_pixels(POINTS, 1)})
    run = server.client[recorded.uid]
    same(recorded, run, tap, "live")
    pixels(recorded, run, tap, "live")


class Counted:
    """What bluesky wants of a device that is read."""

    name, parent, value = "counted", None, 0.5

    def read(self):
        self.value += 1
        return {"counted": {"value": self.value, "timestamp": 1000 + self.value}}

    def describe(self):
        return {"counted": {"source": "here", "dtype": "number", "dtype_numpy": "<f8", "shape": []}}

    def read_configuration(self):
        return {}

    describe_configuration = read_configuration


def run_engine(server, tap, recorder):
    """The server takes what a RunEngine emits, too."""
    engine = RunEngine({})
    engine.subscribe(server.writer())
    (uid,) = engine(count([Counted()], 3))
    found = columns(server.client[uid], ["seq_num", "counted", "ts_counted"])
    wanted = {"seq_num": [1, 2, 3], "counted": [1.5, 2.5, 3.5], "ts_counted": [1001.5, 1002.5, 1003.5]}
    tap.ok(found == wanted, f"RunEngine: {found}")


def main():
    tap = Tap()
    with Recorder() as recorder, Server(recorder.root) as server:
        for part in (counts, runs, scans, resources, by_http, bluesky_writer, run_engine, live, aborted):
            part(server, tap, recorder)
    tap.ok(not os.path.exists(server.home), "the server leaves nothing")
    print(f"1..{tap.count}")
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
