"""Bluesky's RunEngine counts with the detector of pilatus.py, and tells of each point.

count.py [PREFIX [WRITE_ROOT [READ_ROOT]]]"""

import sys

from bluesky import RunEngine
from bluesky.plans import count

from cophyd import Frames
from pilatus import make_detector


def show(name, document):
    if name == "start":
        print("run", document["uid"])
    elif name == "resource":
        print(document["spec"], document["root"] + document["resource_path"])
    elif name == "event":
        print("point", document["seq_num"], document["data"])
    elif name == "stop":
        print(document["exit_status"], document["num_events"])


det = make_detector(*sys.argv[1:])
RE = RunEngine({})
RE(count([det], num=3), show)

(file,) = det.hdf1.local_files
with Frames(file) as frames:
    print(len(frames), "frames, whose first pixels are", [int(frame[0, 0]) for frame in frames])
