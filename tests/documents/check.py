"""The documents of runs, validated by event-model's own schemas, and followed to the pixels with
h5py and tifffile: of tests/documents/counts.c in all its ways, and of the tests in C. In TAP."""

import collections
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

import event_model
import h5py
import numpy as np
import tifffile

COLS, ROWS = 61, 47
BUILD = os.environ["BUILD"]
TESTS = ["unit/test_doc_count", "unit/test_doc_scan", "ioc/test_doc_run", "ioc/test_doc_scan",
         "ioc/test_doc_stream"]


class Tap:
    count = failed = 0

    def ok(self, good, what):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}", flush=True)

    def none(self, mistakes, what):
        self.ok(not mistakes, what)
        for mistake in mistakes:
            print("#", str(mistake).replace("\n", "\n# "), flush=True)


class Simulator:
    """Writes to `root`, which it sees as /data/."""

    def __init__(self, root, *more):
        arguments = [*more, "--port", "auto", "--size", f"{COLS}x{ROWS}", "--instant"]
        arguments += ["--raw", "/data/raw", "--write-root", f"/data={root}"]
        self.process = subprocess.Popen(
            [os.environ["COPHYD_SIM"], *arguments], stdout=subprocess.PIPE, text=True
        )
        port = self.process.stdout.readline().rsplit(":", 1)[1].strip()
        self.environment = {
            **os.environ,
            "EPICS_CA_NAME_SERVERS": f"127.0.0.1:{port}",
            "EPICS_CA_ADDR_LIST": "",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
        }
        self.frames = 0  # taken so far

    def count(self, store, form, frames, points, root, *motor):
        # A quote, a blank and letters beyond ASCII, as folders may have them.
        folder = "a 100%% 'good' \u00e4"  # for strftime
        arguments = [store, form, str(frames), str(points), f"/data/{folder}/", f"{root}/{folder}/"]
        arguments += motor
        return subprocess.Popen(
            [f"{BUILD}/tests/documents/counts", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def next_frames(self, count):
        """As --help tells them."""
        first = self.frames + 1
        self.frames += count
        ids = np.arange(first, first + count)[:, None, None]
        y, x = np.arange(ROWS)[:, None], np.arange(COLS)
        return (7919 * ids + 2500 * y + x) % 1048576

    def stop(self):
        self.process.terminate()
        return self.process.wait(10)


def strict(text):
    """JSON alone: Python's reader takes NaN, too."""

    def refuse(word):
        raise ValueError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


class Run:
    """The documents of one run, each checked against those before it."""

    def __init__(self):
        self.names = []
        self.documents = collections.defaultdict(list)
        self.mistakes = []
        self.by_uid = {}

    def expect(self, good, what):
        if not good:
            self.mistakes.append(what)

    def refers(self, document, key, name):
        other = self.by_uid.get(document[key], (None, None))[0]
        self.expect(other == name, f"{key} of a document names {other}, wanted a {name}")

    def add(self, name, document):
        try:
            event_model.schema_validators[event_model.DocumentNames[name]].validate(document)
        except Exception as mistake:
            self.mistakes.append(mistake)
        self.expect((name == "start") == (not self.names), f"{name} after {self.names[-1:]}")
        self.expect("stop" not in self.names, f"{name} after stop")
        check = getattr(self, name, None)
        if check:
            check(document)
        uid = document.get("uid", document.get("datum_id"))
        self.expect(uid not in self.by_uid, f"{uid} twice")
        self.by_uid[uid] = (name, document)
        self.names.append(name)
        self.documents[name].append(document)

    def descriptor(self, document):
        self.refers(document, "run_start", "start")
        keys = [key for keys in document["object_keys"].values() for key in keys]
        self.expect(sorted(keys) == sorted(document["data_keys"]), "object_keys are not data_keys")
        for name, hint in document["hints"].items():
            self.expect(set(hint["fields"]) <= set(keys), f"hints of {name}: {hint}")
        for name, one in document["configuration"].items():
            same = set(one["data"]) == set(one["timestamps"]) == set(one["data_keys"])
            self.expect(same, f"configuration of {name}: keys differ")

    def resource(self, document):
        self.refers(document, "run_start", "start")

    stream_resource = resource

    def datum(self, document):
        self.refers(document, "resource", "resource")

    def stream_datum(self, document):
        self.refers(document, "stream_resource", "stream_resource")
        self.refers(document, "descriptor", "descriptor")

    def event(self, document):
        self.refers(document, "descriptor", "descriptor")
        self.expect(document["seq_num"] == len(self.documents["event"]) + 1, "seq_num")
        keys = self.documents["descriptor"][0]["data_keys"]
        wanted = {k for k, v in keys.items() if v.get("external") != "STREAM:"}
        filled = {k for k, v in keys.items() if v.get("external") == "FILESTORE:"}
        self.expect(set(document["data"]) == wanted, "data of other keys")
        self.expect(set(document["timestamps"]) == wanted, "timestamps of other keys")
        self.expect(document["filled"] == dict.fromkeys(filled, False), "filled")
        for key in filled:
            self.refers(document["data"], key, "datum")

    def stop(self, document):
        self.refers(document, "run_start", "start")
        events = len(self.documents["event"])
        self.expect(document["num_events"] == {"primary": events}, "num_events")


def runs_of(lines):
    runs = []
    for line in lines:
        name, document = strict(line)
        if name == "start" or not runs:
            runs.append(Run())
        runs[-1].add(name, document)
    return runs


# To the pixels


def read_hdf5(path, part=slice(None)):
    with h5py.File(path) as file:
        return file["/entry/data/data"][part]


def points_of_resource(run, key):
    for event in run.documents["event"]:
        datum = run.by_uid[event["data"][key]][1]
        resource = run.by_uid[datum["resource"]][1]
        path = os.path.join(resource["root"], resource["resource_path"])
        kwargs = resource["resource_kwargs"]
        frames = kwargs["frame_per_point"]
        first = datum["datum_kwargs"]["point_number"] * frames
        numbers = range(first, first + frames)
        if resource["spec"] == "AD_HDF5":
            yield read_hdf5(path, slice(first, first + frames))
            continue
        files = [kwargs["template"] % (path, kwargs["filename"], n) for n in numbers]
        if resource["spec"] == "AD_TIFF":
            yield np.array([tifffile.imread(file) for file in files])
        else:
            yield np.array([read_hdf5(file) for file in files])


def points_of_stream(run, key):
    shape = run.documents["descriptor"][0]["data_keys"][key]["shape"]
    for datum in run.documents["stream_datum"]:
        resource = run.by_uid[datum["stream_resource"]][1]
        uri = urllib.parse.urlparse(resource["uri"])
        assert (uri.scheme, uri.netloc) == ("file", "localhost"), uri
        path = uri.path  # as it is: Tiled decodes nothing
        first, last = (datum["indices"][end] * shape[0] for end in ("start", "stop"))
        template = resource["parameters"].get("template")
        if template is None:
            yield read_hdf5(path, slice(first, last))
            continue
        files = [path + template.format(n) for n in range(first, last)]
        if resource["mimetype"].endswith("tiff"):
            yield np.array([tifffile.imread(file) for file in files])
        else:
            yield np.array([read_hdf5(file) for file in files])


def check_pixels(tap, sim, run, what, frames, points):
    key = run.documents["descriptor"][0]["data_keys"]["det_image"]
    streams = key["external"] == "STREAM:"
    tap.ok(key["shape"] == [frames, ROWS, COLS], f"{what}: the image's shape is {key['shape']}")
    found = list((points_of_stream if streams else points_of_resource)(run, "det_image"))
    wrong = [i for i, pixels in enumerate(found) if not np.array_equal(pixels, sim.next_frames(frames))]
    tap.ok(len(found) == points and not wrong, f"{what}: every pixel of {len(found)} points")


def count(tap, sim, root, store, form, frames, points):
    what = f"{store}, {form}, {points} points of {frames} frames"
    process = sim.count(store, form, frames, points, root)
    out, err = process.communicate(timeout=120)
    tap.none([err] if process.returncode or err else [], f"{what}: it ends well")
    (run,) = runs_of(out.splitlines())
    tap.none(run.mistakes, f"{what}: all {len(run.names)} documents are valid")
    tap.ok(run.names[-1] == "stop", f"{what}: the last is a stop")
    check_pixels(tap, sim, run, what, frames, points)
    event = run.documents["event"][0]
    tap.ok(event["data"]["room"] is None, f"{what}: NaN is null")
    tap.ok("det_stats1_total" in event["data"], f"{what}: the detector's values are there")


def scan(tap, sim, root, form):
    what = f"a scan, {form}"
    process = sim.count("Stream", form, 2, 5, root, "m1")
    out, err = process.communicate(timeout=120)
    tap.none([err] if process.returncode or err else [], f"{what}: it ends well")
    (run,) = runs_of(out.splitlines())
    tap.none(run.mistakes, f"{what}: all {len(run.names)} documents are valid")
    check_pixels(tap, sim, run, what, 2, 5)
    start, descriptor = run.documents["start"][0], run.documents["descriptor"][0]
    (((axis,), stream),) = start["hints"]["dimensions"]
    tap.ok(stream == descriptor["name"] and axis in descriptor["data_keys"], f"{what}: its axis is {axis}")
    places = [event["data"][axis] for event in run.documents["event"]]
    tap.ok(places == list(np.linspace(*start["plan_pattern_args"]["args"][1:], 5)), f"{what}: at {places}")


# Ends


def interrupt(tap, sim, root, line):
    """A signal when that many documents have come."""
    number = (signal.SIGINT, signal.SIGTERM)[line % 2]
    process = sim.count("Stream", "resource", 1, 1000000, root)
    lines = [process.stdout.readline() for _ in range(line)]
    process.send_signal(number)
    lines += process.stdout.readlines()  # communicate would forget what was read ahead
    err = process.stderr.read()
    process.wait(60)
    (run,) = runs_of(lines)
    what = f"{number.name} after {line} documents"
    tap.ok(process.returncode == 1 and "interrupted" in err, f"{what}: {err.strip()}")
    tap.none(run.mistakes, f"{what}: all {len(run.names)} documents are valid")
    stop = run.documents["stop"]
    tap.ok(stop and stop[0]["exit_status"] == "abort", f"{what}: the stop says abort")


def close_pipe(tap, sim, root):
    process = sim.count("Stream", "resource", 1, 1000000, root)
    for _ in range(5):
        process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    tap.ok(process.wait(60) == 1 and "Broken pipe" in err, f"a closed pipe: {err.strip()}")


def c_tests(tap, folder):
    """What the tests in C emit."""
    environment = {**os.environ, "COPHYD_DOCUMENTS": folder}
    for test in TESTS:
        done = subprocess.run(
            [f"{BUILD}/tests/{test}"], env=environment, capture_output=True, text=True, timeout=300
        )
        tap.none(done.stdout.splitlines() if done.returncode else [], f"{test} passes")
    for path in sorted(glob.glob(f"{folder}/*.jsonl")):
        with open(path, encoding="utf-8") as file:
            runs = runs_of(file)
        mistakes = [mistake for run in runs for mistake in run.mistakes]
        documents = sum(len(run.names) for run in runs)
        name = os.path.basename(path)
        tap.none(mistakes, f"{name}: {documents} documents of {len(runs)} runs are valid")
        tap.ok(documents > 20, f"{name}: these are not few")


def main():
    tap = Tap()
    root = tempfile.mkdtemp(prefix="cophyd-documents-")
    os.mkdir(f"{root}/c")
    sim = Simulator(root)
    try:
        for form in ("resource", "stream"):
            for store in ("Stream", "Single", "Tiff"):
                count(tap, sim, root, store, form, 1, 3)
                count(tap, sim, root, store, form, 4, 2)
        for form in ("resource", "stream"):
            scan(tap, sim, root, form)
        for line in range(1, 11):
            interrupt(tap, sim, root, line)
        close_pipe(tap, sim, root)
        c_tests(tap, f"{root}/c")
    finally:
        tap.ok(sim.stop() == 0, "the simulator ends")
        shutil.rmtree(root)
    print(f"1..{tap.count}")
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
