#!/usr/bin/env -S python3 -B
"""cophyd count, plan and replay: in a pipe and in a terminal."""

import glob
import os
import signal
import subprocess
import sys

from cli import BUILD, Simulator, Tap, Terminal, documents, run, strict

POINT = ["point", "points", "frames", "seconds", "file"]
RESULT = ["result", "points", "frames", "seconds", "file"]


def check_pipe(tap, sim):
    before = sim.settings()
    told = sim.run("count", "Pilatus:", "-n", "3", "--set", "cam.num_images=2", "--dir", "a/%Y", *sim.folders)
    tap.equal(told.returncode, 0, "count is done")
    tap.match(r"\A(point [123] of 3: 2 frames in \d+\.\d{3} s\n){3}6 frames in [0-9.]+ s: ", told.stdout, "plain lines")
    file = told.stdout.rsplit(": ", 1)[1].strip()
    tap.ok(file.startswith(f"{sim.disk}/a/2") and os.path.getsize(file) > 0, f"the file is here: {file}")
    tap.ok("\r" not in told.stdout and "\033" not in told.stdout, "no bar in a pipe")
    tap.equal(sim.settings(), before, "all settings are back")
    told = sim.run("count", "--json", "-n2", "Pilatus:", *sim.folders)
    lines = documents(told)
    tap.equal([list(line) for line in lines], [POINT, POINT, RESULT], "a document a point, and one at the end")
    tap.equal([line["frames"] for line in lines], [1, 1, 2], "with frames")
    tap.equal(lines[-1]["result"], "done", "and what came of it")


def check_documents(tap, sim):
    told = sim.run("count", "Pilatus:", "-n", "2", "--docs", "-", "--metadata", '{"sample": "x"}', *sim.folders)
    names = [name for name, _ in documents(told)]
    wanted = ["start", "descriptor", "resource", "datum", "event", "datum", "event", "stop"]
    tap.equal(names, wanted, "the documents go to stdout")
    tap.equal(documents(told)[0][1]["sample"], "x", "with metadata")
    tap.match("point 2 of 2", told.stderr, "and the lines to stderr")
    file = f"{sim.disk}/runs.jsonl"
    for form in ["resource", "stream"]:
        told = sim.run("count", "Pilatus:", "--docs", file, "--form", form, *sim.folders)
        tap.equal(told.returncode, 0, f"documents to a file: {form}")
    with open(file) as lines:
        written = lines.read()
    tap.ok("stream_resource" in written and '"resource"' in written, "both forms")
    told = sim.run("replay", file)
    tap.equal((told.returncode, told.stdout), (0, written), "replay gives them again, byte for byte")
    tap.match("documents of 2 runs, 2 of them complete", told.stderr, "and says how many")
    with open(file, "w") as lines:
        lines.write(written[: len(written) - 20])
    told = sim.run("replay", file, "--docs", f"{sim.disk}/again.jsonl")
    tap.equal(told.returncode, 1, "a file that is cut off")
    tap.match("runs.jsonl:", told.stderr, "is named, with the line")
    tap.equal(sim.run("replay", "/nowhere").returncode, 1, "a file that is not there")
    told = sim.run("count", "Pilatus:", "--docs", "/nowhere/docs", *sim.folders)
    tap.equal(told.returncode, 1, "documents that cannot be written")
    told = sim.run("count", "--json", "--docs", "-", "Pilatus:", *sim.folders)
    tap.equal((told.returncode, told.stdout), (2, ""), "two that want stdout")


def check_kafka(tap, sim):
    """With librdkafka there is a broker, which ends with its standard input. Nobody is at port 1. Its
    threads are C11's, which ThreadSanitizer does not know, and so ends with a crash."""
    program, topic = f"{BUILD}/tests/documents/broker", "beam.bluesky.runengine.documents"
    kept = f"{sim.disk}/kept"
    os.mkdir(kept)
    keep = ["--keep", kept]
    told = sim.run("count", "--kafka", "nonsense", "Pilatus:", *sim.folders)
    tap.equal(told.returncode, 2, "--kafka without a topic")
    if not os.path.exists(program) or os.path.basename(BUILD) == "tsan":
        return
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as broker:
        there = f"{broker.stdout.readline().strip()}/{topic}"
        told = sim.run("count", "-n", "2", "--kafka", there, *keep, "Pilatus:", *sim.folders)
        tap.equal(told.returncode, 0, "documents to Kafka")
        tap.equal(os.listdir(kept), [], "nothing is kept that was delivered")
        before = sim.settings()
        told = sim.run("count", "--kafka", f"127.0.0.1:1/{topic}", *keep, "Pilatus:", *sim.folders)
        tap.equal(told.returncode, 1, "nobody takes them")
        tap.match("all settings are as before", told.stderr, "everything is put back all the same")
        tap.equal(sim.settings(), before, "it is")
        runs = os.listdir(kept)
        tap.equal(len(runs), 1, "the run is kept")
        tap.match(rf"^cophyd: [^\n]*wanted all 6 documents of run [^\n]*; it is kept in {kept}/{runs[0]}, to be replayed",
                  told.stderr, "and named")
        check_sent(tap, sim, f"{kept}/{runs[0]}", there)
        check_both(tap, sim, f"127.0.0.1:1/{topic}", kept)
        broker.stdin.close()


def check_sent(tap, sim, file, there):
    """From the folder in which it was kept, as one would."""
    folder, name = os.path.split(file)
    with open(file) as lines:
        kept = lines.read()
    told = sim.run("replay", name, "--kafka", "127.0.0.1:1/beam.bluesky.runengine.documents", cwd=folder)
    tap.equal((told.returncode, told.stdout), (1, ""), "nobody takes it yet")
    tap.match(r"\Acophyd: [^\n]*wanted all 6 documents of run [^\n]* to arrive, found 0 \([^\n]*\), after [^\n]*\n\Z",
              told.stderr, "which is one sentence")
    with open(file) as lines:
        tap.equal((os.listdir(folder), lines.read()), ([name], kept), "the file stays as it is")
    torn = f"{sim.disk}/torn"
    with open(torn, "w") as lines:
        lines.write(kept[:-20])
    told = sim.run("replay", torn, "--kafka", "127.0.0.1:1/beam.bluesky.runengine.documents")
    tap.match(r"\Acophyd: [^\n]*torn:6: [^\0]*cophyd: [^\n]*wanted all 5 documents of run [^\n]*, found 0 ", told.stderr,
              "what comes before a mistake is waited for, too")
    told = sim.run("replay", name, "--kafka", there, cwd=folder)
    tap.equal((told.returncode, told.stderr), (0, f"cophyd: {name}: 6 documents of 1 runs, 1 of them complete\n"),
              "and it is sent later")
    os.unlink(file)
    tap.equal(os.listdir(folder), [], "nothing else is written there")


def check_both(tap, sim, nowhere, kept):
    """A count that is ended tells of that, and of what Kafka did not take of it."""
    words = ["-n", "100000", "--kafka", nowhere, "--keep", kept, *sim.folders]
    process = sim.start("count", "Pilatus:", *words)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    (name,) = os.listdir(kept)
    tap.equal(process.returncode, 130, "a count that is interrupted, with nobody who takes its documents")
    tap.match("interrupted after .*all settings are as before.*it is kept in .*" + name, err, "tells both")


def compiled(tap, sim, name, text):
    source, program = f"{sim.disk}/{name}.c", f"{sim.disk}/{name}"
    with open(source, "w") as file:
        file.write(text)
    sanitizers = {"asan": ["-fsanitize=address,undefined"], "tsan": ["-fsanitize=thread"]}
    compiler = os.environ.get("CC") or "cc"
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", source,
               *sanitizers.get(os.path.basename(BUILD), []), f"-L{BUILD}/lib", "-lcophyd-doc", "-lcophyd",
               f"-Wl,-rpath,{BUILD}/lib", "-o", program]
    made = subprocess.run(command, capture_output=True, text=True)
    if not tap.ok(made.returncode == 0, "it compiles without a warning"):
        print("#", made.stderr.replace("\n", "\n# "))
    return program


def check_windows(tap, sim):
    """Folders of an IOC on Windows, where nobody listens: the C program gets as far as the command."""
    words = ["count", "Pilatus:", "--write-root", "Z:\\data", "--read-root", sim.disk]
    nowhere = {**sim.environment, "EPICS_CA_NAME_SERVERS": "127.0.0.1:1"}
    told = run(*words, environment=nowhere)
    program = compiled(tap, sim, "windows", run(*words, "--emit-c").stdout)
    done = subprocess.run([program], env={**os.environ, **nowhere}, capture_output=True, text=True)
    for err in told.stderr, done.stderr:
        tap.match(r"^cophyd: det\S+ \(Pilatus:\S+\): wanted a connection", err, "it wants to connect")


def check_emitted(tap, sim):
    """The C program does the same: the same documents but for uids and times, and a file."""
    words = ["-n", "2", "--set", "cam.num_images=3", "--set", 'hdf1.file_name=a "b"?', "--set",
             "cam.acquire_time=0.02", *sim.folders]
    told = sim.run("count", "Pilatus:", *words, "--docs", f"{sim.disk}/c.jsonl", "--emit-c")
    tap.equal(told.returncode, 0, "--emit-c")
    tap.ok(not os.path.exists(f"{sim.disk}/c.jsonl"), "takes nothing")
    program = compiled(tap, sim, "count", told.stdout)
    before = sim.settings()
    done = subprocess.run([program], env={**os.environ, **sim.environment}, capture_output=True, text=True)
    tap.equal((done.returncode, done.stderr), (0, ""), "it runs")
    again = sim.run("count", "Pilatus:", *words, "--docs", f"{sim.disk}/ours.jsonl", "--json", "--set", "hdf1.file_name=c")
    tap.equal(again.returncode, 0, "the command does, too")
    shapes = []
    for name in ["c.jsonl", "ours.jsonl"]:
        with open(f"{sim.disk}/{name}") as file:
            lines = [strict(line) for line in file]
        shapes.append([(kind, sorted(document)) for kind, document in lines])
        event = [document for kind, document in lines if kind == "descriptor"][0]
        keys = event["configuration"]["det"]["data"] if "configuration" in event else {}
        tap.equal(keys.get("det_cam_acquire_time"), 0.02, f"{name}: the exposure that was set")
    tap.equal(shapes[0], shapes[1], "the same documents")
    tap.equal(len(glob.glob(f'{sim.disk}/a "b"?_*.h5')), 1, "the file has the name")
    tap.equal(sim.settings(), before, "all settings are back")


def check_emitted_class(tap, sim):
    """Also of a class in a file, and of one that derives from a detector of the command."""
    file = f"{sim.disk}/mine.class"
    with open(file, "w") as out:
        out.write("class Own : SingleTrigger PilatusDetector\n"
                  "dev hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\nstage hdf1 lazy_open=1\n\n"
                  "class Mine : CophydPilatus\nstage cam acquire_time=0.02\n")
    for name in [file, f"{file}:Own"]:
        told = sim.run("count", "Pilatus:", "--class", name, *sim.folders, "--emit-c")
        tap.equal((told.returncode, told.stderr), (0, ""), "--emit-c with a file of classes")
        program = compiled(tap, sim, "of-a-class", told.stdout)
        done = subprocess.run([program], env={**os.environ, **sim.environment}, capture_output=True, text=True)
        tap.equal((done.returncode, done.stderr), (0, ""), "it runs")


def check_refusals(tap, sim):
    told = sim.run("count", "Pilatus:")
    tap.equal(told.returncode, 2, "no folder")
    tap.match("--write-root", told.stderr, "says which option is missing")
    for words in [["-n", "0"], ["-n", "x"], ["--form", "x"], ["--set", "x"], ["--set", "cam.nope=1"],
                  ["--timeout", "-1"], ["--class", "Nope"], ["--class", "/nowhere.class"], ["--dir"], ["--nope"]]:
        told = sim.run("count", "Pilatus:", *sim.folders, *words)
        tap.equal((told.returncode, told.stdout), (2, ""), " ".join(words))
    for words in [["--metadata", "{"], ["--set", "cam.num_images=-3"], ["--set", "cam.image_mode=Sinlge"]]:
        told = sim.run("count", "Pilatus:", *sim.folders, *words)
        tap.equal((told.returncode, told.stdout), (1, ""), " ".join(words))
        tap.match("all settings are as before", told.stderr, "  nothing is changed")


def check_plan(tap, sim):
    before = sim.settings()
    told = sim.run("plan", "Pilatus:", *sim.folders, "--set", "cam.acquire_time=0.5")
    tap.equal(told.returncode, 0, "plan")
    tap.match(r"Pilatus:cam1:AcquireTime +0.5 .*Pilatus:HDF1:Capture +Capture ", told.stdout, "Capture is last")
    lines = documents(sim.run("plan", "--json", "Pilatus:", *sim.folders))
    tap.ok(all(list(line) == list(lines[0]) for line in lines), "keys are always the same")
    tap.equal([line["pv"] for line in lines if line["starts"]], ["Pilatus:HDF1:Capture"], "what starts")
    fewer = documents(sim.run("plan", "--json", "--skip-unchanged", "Pilatus:", *sim.folders))
    tap.ok(any(line["skipped"] for line in fewer), "what is skipped")
    tap.equal(sim.settings(), before, "and nothing is written")
    for typed in ["007", "1.10", "1e5", "0x1f", "nan"]:
        told = sim.run("plan", "--json", "Pilatus:", *sim.folders, "--set", f"cam.file_name={typed}")
        name = [strict(line)["value"] for line in told.stdout.splitlines() if '"det.cam.file_name"' in line]
        tap.equal(name, [f'"{typed}"'], "a text is as it was typed, also where it is a number")


def check_class_file(tap, sim):
    """A beamline's detector: its file has the folders and settings."""
    name = f"{sim.disk}/beam.class"
    with open(name, "w") as file:
        file.write("class BeamPilatus : SingleTrigger PilatusDetector\n"
                   "dev   image image1: ImagePlugin\n"
                   "dev   hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                   f"files hdf1  write=/data/ read={sim.disk}/\n"
                   "stage cam   num_images=4\n"
                   "stage hdf1  lazy_open=1\n"
                   "class Other : BeamPilatus\n")
    for word in [name, f"{name}:BeamPilatus"]:
        told = sim.run("count", "--json", "--class", word, "Pilatus:")
        tap.equal((told.returncode, documents(told)[-1]["frames"]), (0, 4), f"count with {os.path.basename(word)}")
    told = sim.run("count", "--class", f"{name}:Nope", "Pilatus:")
    tap.equal(told.returncode, 2, "a class that the file does not have")
    with open(name, "a") as file:
        file.write("row x\n")
    told = sim.run("count", "--class", name, "Pilatus:")
    tap.equal(told.returncode, 2, "a class text with a mistake")
    tap.match(r"beam\.class:8: ", told.stderr, "is named with its line")


def check_terminal(tap, sim):
    words = ["count", "Pilatus:", "-n", "5", "--set", "cam.acquire_time=0.3", *sim.folders]
    with Terminal(*words, environment=sim.environment, columns=140) as t:
        text = t.until(r"\[[^]]*#[^]]*\S*\] [1-4]/5 points, \d+ frames, [0-9.]+ a second, \d+ s left, [0-9a-f-]+_000000\.h5")
        tap.match("points", text, "a bar: points, frames, rate, time left, file")
        tap.match(r"^\[.*\] \d/5 points", t.screen(), "on one line")
        status, text = t.end()
        tap.equal(status, 0, "and the end of the count")
        tap.match(r"^5 frames in [0-9.]+ s: \S+\.h5\s+exit 0\.", t.screen(), "the bar is gone then")
    with Terminal("count", "Pilatus:", "-n", "100000", *sim.folders, environment=sim.environment, columns=60) as t:
        t.until(r"\] [1-9]\d*/100000 points")
        tap.ok(max(map(len, t.screen().splitlines())) < 60, "a bar in a narrow terminal keeps to its line")
        t.keys("C-c")
        status, text = t.end()
        tap.equal(status, 130, "Ctrl-C ends a count")
        tap.match(r"cophyd: interrupted after \d+ of 100000 points\s+cophyd: all settings are as before", t.screen(),
                  "and says that everything is back")
    with Terminal("plan", "Pilatus:", *sim.folders, environment=sim.environment, columns=200, rows=40) as t:
        status, _ = t.end()
        tap.equal(status, 0, "a plan in a terminal")
        tap.match("HDF1:Capture", t.screen(), "has its rows")
    with Terminal("plan", "Pilatus:", *sim.folders, environment=sim.environment, columns=80, rows=40) as t:
        t.end()
        tap.match(r"^2  hdf1.capture +Capture, is Done, not put back, starts$", t.screen(), "also in a narrow one")


def main():
    tap = Tap()
    checks = {"pipe": check_pipe, "documents": check_documents, "kafka": check_kafka, "emitted": check_emitted,
              "emitted class": check_emitted_class, "windows": check_windows,
              "refusals": check_refusals, "plan": check_plan, "class_file": check_class_file, "terminal": check_terminal}
    with Simulator() as sim:
        sim.run("count", "Pilatus:", *sim.folders)  # what was never set is set from now on
        for name in sys.argv[1:] or checks:
            checks[name](tap, sim)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
