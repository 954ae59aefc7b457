#!/usr/bin/env -S python3 -B
"""cophyd graph: the chain as text, as a document, for Graphviz and by it."""
import os
import stat

from cli import Simulator
from harness import PREFIX, Command, Screen, done, has, ok, same, wait_until

AS_BOOTED = """cam PIL
  image Image1 (NDPluginStdArrays), disabled, hands no frames on
  hdf1 FileHDF1 (NDFileHDF5 ver1.10.8), disabled, hands no frames on
  tiff1 FileTIFF1 (NDFileTIFF), disabled, hands no frames on
  roi1 ROI1 (NDPluginROI), disabled
    stats1 STATS1 (NDPluginStats), disabled
  proc1 PROC1 (NDPluginProcess), disabled
  trans1 TRANS1 (NDPluginTransform), disabled
  over1 OVER1 (NDPluginOverlay), disabled
  cb1 CB1 (NDPluginCircularBuff), disabled
  codec1 CODEC1 (NDPluginCodec), disabled
"""

BROKEN = """class WithROI : PilatusDetector
dev roi1 ROI1: ROIPlugin
"""


def test_text(command):
    end = command.run("graph", PREFIX)
    same((end.returncode, end.stdout, end.stderr), (0, AS_BOOTED, ""), "all plugins of the IOC")
    end = command.run("graph", "--class-only", PREFIX)
    same(end.stdout, "".join(AS_BOOTED.splitlines(True)[:3]), "those of the class")
    command.put("image.enable=1", "image.nd_array_port=NOPE", "hdf1.enable=1",
                "hdf1.blocking_callbacks=Yes", "hdf1.min_callback_time=0.5")
    text = command.run("graph", PREFIX).stdout
    has(text, ["NOPE, which no device here has\n  image Image1 (NDPluginStdArrays), hands",
               "  hdf1 FileHDF1 (NDFileHDF5 ver1.10.8), hands no frames on, blocking, "
               "MinCallbackTime 0.5\n"], "a broken link, a blocking plugin, one that skips frames")
    roi = command.write("roi.class", BROKEN)
    command.put("roi1.nd_array_port=STATS1", of=roi)
    text = command.run("graph", PREFIX).stdout
    has(text, ["a circle: roi1 takes its frames from STATS1\n"], "a circle")
    command.put("roi1.nd_array_port=PIL", of=roi)
    command.fault("plugin_stuck=HDF1")
    command.put("hdf1.min_callback_time=0", "hdf1.blocking_callbacks=No", "cam.array_callbacks=1",
                "cam.image_mode=Multiple", "cam.num_images=10")
    command.send("cam.acquire=1")
    wait_until(lambda: command.value("hdf1.queue_free") == 11, "frames in the queue")
    text = command.run("graph", PREFIX).stdout
    has(text, ["hands no frames on, 9 of 20 frames in its queue\n"], "a queue")
    command.fault("plugin_stuck=")
    wait_until(lambda: command.value("hdf1.queue_free") == 20, "an empty queue")
    command.put("hdf1.min_callback_time=0.5", "hdf1.blocking_callbacks=Yes")
    end = command.run("graph", "--timeout", "0.3", "Nobody:")
    same((end.returncode, end.stdout), (3, ""), "nobody answers")


def test_json(command):
    [found] = command.lines("graph", "--json", PREFIX)
    nodes = {node["port"]: node for node in found["nodes"]}
    same(nodes["FileHDF1"],
         {"device": "hdf1", "port": "FileHDF1", "type": "NDFileHDF5 ver1.10.8", "source": "PIL",
          "address": 0, "camera": False, "enabled": True, "callbacks": False, "blocking": True,
          "has_camera": True, "queue_size": 20, "queue_free": 20, "min_callback_time": 0.5},
         "a plugin as a document")
    same((nodes["PIL"]["camera"], nodes["PIL"]["queue_size"], nodes["NOPE"]["device"],
          nodes["Image1"]["has_camera"]), (True, None, None, False), "a camera, and no plugin")
    edges = {(edge["from"], edge["to"]): edge["enabled"] for edge in found["edges"]}
    same((edges[("PIL", "FileHDF1")], edges[("NOPE", "Image1")], edges[("ROI1", "STATS1")]),
         (True, True, False), "who has frames from whom")


def test_dot(command):
    text = command.run("graph", "--dot", PREFIX).stdout
    has(text, ['digraph "det" {', "rankdir=LR", "BlockingCallbacks", "NOPE", "\n}\n"],
        "for Graphviz")
    return text


def test_svg(command, dot):
    """By a program of that name, which is told from a shell: this one takes down what it gets."""
    out = os.path.join(command.folder, "chain.svg")
    path = os.path.join(command.folder, "bin")
    os.mkdir(path)
    nowhere = {"PATH": os.path.join(command.folder, "empty")}
    end = command.run("graph", PREFIX, "--svg", out, environment=nowhere)
    same((end.returncode, end.stdout, os.path.exists(out)), (1, "", False), "without Graphviz")
    has(end.stderr, ["apt-get install -y graphviz"], "and how to get it")

    def program(text):
        file = os.path.join(path, "dot")
        with open(file, "w") as script:
            script.write("#!/bin/sh\n" + text)
        os.chmod(file, stat.S_IRWXU)
        return {"PATH": path + ":" + os.environ["PATH"]}

    end = command.run("graph", PREFIX, "--svg", out, environment=program('echo "$@"; cat\n'))
    with open(out) as file:
        same((end.returncode, end.stderr, file.read()), (0, "", "-Tsvg\n" + dot),
             "dot gets the graph, and the file what it says")
    end = command.run("graph", PREFIX, "--svg", out, environment=program("echo half; exit 3\n"))
    with open(out) as file:
        same((end.returncode, file.readline()), (1, "-Tsvg\n"), "dot fails: the file stays")
    same([name for name in os.listdir(command.folder) if "part" in name], [], "and no part is left")
    end = command.run("graph", PREFIX, "--svg", os.path.join(command.folder, "no", "x.svg"),
                      environment=program("cat\n"))
    same(end.returncode, 1, "no such folder")


def test_colors(command):
    with Screen(command, "graph", PREFIX) as screen:
        same(screen.end()[0], 0, "in a terminal")
        text, cells = screen.text(), screen.cells()
        colors = {}
        for y, line in enumerate(text):
            name = line.replace(",", " ").split()
            if name and name[0] in ("cam", "image", "hdf1", "roi1", "NOPE"):
                colors[name[0]] = cells[y][len(line) - len(line.lstrip())][3]
        same(colors, {"NOPE": 31, "image": None, "hdf1": 31, "roi1": 33, "cam": None},
             "red where frames end or get lost, yellow where they are not taken")
    with Screen(command, "graph", PREFIX, environment={"NO_COLOR": "1"}) as screen:
        screen.end()
        ok(all(cell[3] is None for row in screen.cells() for cell in row), "NO_COLOR")


with Simulator() as sim:
    command = Command(sim)
    test_text(command)
    test_json(command)
    test_svg(command, test_dot(command))
    test_colors(command)
done()
