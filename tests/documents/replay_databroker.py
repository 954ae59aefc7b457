"""Runs of the C library, replayed from their JSON lines into databroker's temporary catalogs, of
version 1 or 2 as it is installed, and filled by area-detector-handlers; and by event_model.Filler
alone. In TAP."""

import logging
import os
import sys
import warnings
from importlib.metadata import entry_points, version

import event_model
import hdf5plugin  # noqa: F401, for the handlers: LZ4
import numpy as np
from check import Tap
from recorded import Recorder

warnings.simplefilter("ignore")  # databroker's, of what it is made of
logging.disable(logging.WARNING)  # of null among numbers

if version("databroker").startswith("1."):
    from databroker import Broker

    broker = Broker.named("temp")
    insert = broker.insert
else:
    from databroker.v1 import temp

    broker = temp()
    insert = broker.v2.post_document

SPECS = ("AD_HDF5", "AD_HDF5_SINGLE", "AD_TIFF")
HANDLERS = {p.name: p.load() for p in entry_points(group="databroker.handlers") if p.name in SPECS}


def filled(tap, recorded, what, root_map=None):
    """By event_model alone: all documents go through, and come out with pixels."""
    found = {key: [] for key in recorded.images}
    with event_model.Filler(HANDLERS, root_map=root_map, inplace=False) as filler:
        for name, document in recorded.documents:
            name, document = filler(name, document)
            if name == "event":
                for key in found:
                    found[key].append(np.asarray(document["data"][key]))
    for key, wanted in recorded.images.items():
        same = np.array_equal(found[key], wanted) and found[key][0].dtype == wanted.dtype
        tap.ok(same, f"{what}: event-model fills {key}")


def replay(tap, recorded):
    what = recorded.what
    for name, document in recorded.documents:
        insert(name, document)
    header = broker[recorded.uid]
    tap.ok(header.start["uid"] == recorded.uid, f"{what}: its start")
    status = recorded.of("stop")[0]["exit_status"]
    tap.ok(header.stop["exit_status"] == status, f"{what}: its stop, {status}")
    for key, wanted in recorded.images.items():
        found = np.array([np.asarray(one) for one in header.data(key)])
        good = found.shape == wanted.shape and found.dtype == wanted.dtype
        tap.ok(good, f"{what}: {key} is {found.dtype} of {found.shape}")
        tap.ok(np.array_equal(found, wanted), f"{what}: every pixel of {key}")
    stream = broker.v2[recorded.uid]["primary"].read()
    for key, wanted in recorded.images.items():
        tap.ok(np.array_equal(stream[key].values, wanted), f"{what}: and by the newer interface")
    values = [key for key, told in recorded.keys().items() if "external" not in told]
    found = {key: [None if v is None or v != v else v for v in stream[key].values] for key in values}
    wrong = [key for key in values if found[key] != recorded.values(key)]
    tap.ok(values and not wrong, f"{what}: {len(values)} values {wrong or ''}")
    filled(tap, recorded, what)


def moved(tap, recorder):
    """Paths are relative to a root, in whose place another may be named."""
    recorded = recorder.of("Stores", "resource")
    root = f"{recorder.root}/runs"
    os.rename(root, f"{recorder.root}/elsewhere")
    filled(tap, recorded, "moved elsewhere", {root: f"{recorder.root}/elsewhere"})


def main():
    tap = Tap()
    with Recorder() as recorder:
        for store in ("Stream", "Single", "Tiff"):
            for frames in (1, 4):
                replay(tap, recorder.count(store, "resource", frames))
        for kind in ("Swmr", "Tiles", "Deep", "Cycle", "Stores", "Words", "Two"):
            replay(tap, recorder.of(kind, "resource"))
        replay(tap, recorder.count("Stream", "resource", 2, 5, "m1"))
        replay(tap, recorder.interrupted("resource", 2))
        moved(tap, recorder)
    print(f"1..{tap.count}")
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
