#!/usr/bin/env -S python3 -B
"""What cophyd says of itself: help, completion, man pages, classes; and wrong command lines."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from cli import COPHYD, Tap, Terminal, documents, run, start

COMMANDS = ["sim", "doctor", "plan", "count", "get", "put", "watch", "save", "diff", "apply", "classes", "graph",
            "view", "recover", "replay", "completion"]


def there():
    """Those that --help lists."""
    return re.findall(r"^  ([a-z]+) +\S", run("--help").stdout, re.M)


def check_help(tap):
    told = run("--help")
    tap.equal((told.returncode, told.stderr), (0, ""), "--help")
    tap.match(r"Exit status: 0 .*1 .*2 .*3 .*\n.*130 ", told.stdout, "tells the exit status")
    tap.ok(set(there()) <= set(COMMANDS) and len(there()) > 12, f"commands: {' '.join(there())}")
    for command in there():
        told = run(command, "--help") if command != "sim" else run("--help", command)
        tap.equal(told.returncode, 0, f"{command} --help")
        tap.match(rf"^Usage: cophyd {command} .*Options:.*Examples:\n  .*cophyd ", told.stdout, "  has usage, options, examples")
        tap.ok(max(map(len, told.stdout.splitlines())) <= 100, "  in lines that a terminal has")
    told = run("--version")
    tap.match(r"\Acophyd \d+\.\d+\.\d+\n\Z", told.stdout, "--version")
    told = run("sim", "--help")
    tap.match("A simulated Pilatus IOC", told.stdout, "sim --help is the simulator's own")


def check_wrong(tap):
    for words, pattern in [([], "wanted a command"), (["gett"], "the nearest is get"), (["xyzzy"], "no command 'xyzzy'"),
                           (["get"], r"PREFIX PATH\.\.\."), (["get", "Pilatus:"], "found 1 operand;"),
                           (["plan", "a", "b"], "found 2 operands"), (["get", "--nope", "a", "b"], "no option '--nope'"),
                           (["get", "--timeout", "x", "a", "b"], "seconds above 0, found 'x'"),
                           (["get", "--timeout=0", "a", "b"], "seconds above 0"), (["get", "a", "b", "--class"], "wanted NAME"),
                           (["get", "--json=1", "a", "b"], "takes no value"), (["--set", "a=1", "get", "a", "b"], "does not take"),
                           (["get", "", "cam.gain"], "wanted a PV prefix"), (["get", "a b", "cam.gain"], "wanted a PV prefix"),
                           (["get", "--class", "PilatusDetecto", "P:", "cam.gain"], "the nearest is PilatusDetector"),
                           (["completion", "tcsh"], "wanted bash or zsh"), (["watch", "-n", "-1", "P:", "cam.gain"], "at least 1"),
                           (["get", "P:", "cam.aquire"], "the nearest is acquire"), (["get", "P:", "cm.gain"], "nearest is cam.gain"),
                           (["plan", "P:", "--read-root", "/x"], "need --write-root"),
                           (["recover", "--all", "P:"], "wanted no PREFIX, found 'P:'")]:
        told = run(*words)
        tap.equal((told.returncode, told.stdout), (2, ""), f"cophyd {' '.join(words)}")
        tap.match(rf"\Acophyd: .*{pattern}.*\n\Z", told.stderr, "  says what is wrong in a sentence")
        tap.equal(told.stderr.count("\n"), 1, "  of one line")


def check_classes(tap):
    told = run("classes")
    tap.equal(told.returncode, 0, "classes")
    tap.match(r"^PilatusDetector +A Pilatus detector$", told.stdout, "lists them with what they are")
    told = run("classes", "HDF5Plugin", "--ad", "3.4", "--format", "csv")
    lines = told.stdout.splitlines()
    tap.equal(lines[0], "attr,suffix,read_pv,write_pv,how,type,kind", "csv: its heading")
    tap.ok("compression,Compression,Compression_RBV,Compression,rbv,enum,config" in lines, "a setpoint and its readback")
    tap.ok("array_size.height,ArraySize1_RBV,ArraySize1_RBV,,ro,int,omitted" in lines, "a name with a dot")
    tap.ok(all(line.count(",") == 6 for line in lines), "seven columns each")
    newest = run("classes", "HDF5Plugin", "--format", "csv").stdout.splitlines()
    tap.ok(len(newest) > len(lines), f"a release has fewer rows: {len(lines)} of {len(newest)}")
    told = run("classes", "pilatus", "--format", "csv")
    tap.ok("cam.acquire_time,AcquireTime,cam1:AcquireTime_RBV,cam1:AcquireTime,rbv,float,config" in told.stdout.splitlines(),
           "of a detector with the suffixes of its devices")
    tap.ok(len(run("classes", "pilatus", "--ad", "3.0").stdout) < len(run("classes", "pilatus").stdout),
           "the release counts for its devices, too")
    lines = documents(run("classes", "--json", "ImagePlugin"))
    keys = ["attr", "suffix", "read_pv", "write_pv", "how", "type", "kind", "labels", "doc"]
    tap.ok(lines and all(list(line) == keys for line in lines), "JSON")
    tap.match(r"^HDF5Plugin +compression ", run("classes", "--find", "hdf5 compress").stdout, "--find")
    tap.match(r"^class SimDetector .*^dev +cam cam1: SimDetectorCam", run("classes", "SimDetector", "--text").stdout, "--text")
    tap.ok(len(run("classes", "SimDetectorCam", "--flat").stdout) > len(run("classes", "SimDetectorCam", "--text").stdout),
           "--flat has what it derives from")
    told = run("classes", "HDF5Plugn")
    tap.equal(told.returncode, 2, "a class that is not there")
    tap.match("the nearest is HDF5Plugin", told.stderr, "the nearest is told")
    told = run("classes", "examples/beamline.class", "--format", "csv")
    tap.ok("cam.filter,Filter,cam1:Filter_RBV,cam1:Filter,rbv,int,config" in told.stdout.splitlines(), "of a file")


def check_completion(tap):
    script = """
        source <("$1" completion bash); shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cophyd; echo "${COMPREPLY[@]}" """
    for words, wanted in [(["pl"], ["plan"]), (["count", "--form", "s"], ["stream"]), (["get", "--js"], ["--json"]),
                          (["get", "--class", "simd"], ["simdetector"]),
                          (["get", "Pilatus", ":", "cam.acquire_p"], ["cam.acquire_period"]),
                          (["get", "--class", "simdetector", "P", ":", "cam.sim_m"], ["cam.sim_mode"]),
                          (["--class", "simdetector", "get", "P", ":", "cam.sim_m"], ["cam.sim_mode"]),
                          (["--class", "=", "simdetector", "get", "P", ":", "cam.sim_m"], ["cam.sim_mode"]),
                          (["--timeout", "5", "ge"], ["get"]), (["get", "P", ":", "att"], []),
                          (["get", "--timeout", "5", "cam.acquire_p"], [])]:
        told = subprocess.run(["bash", "-c", script, "bash", COPHYD, COPHYD, *words], capture_output=True, text=True)
        tap.equal((told.stdout.split(), told.stderr), (wanted, ""), f"bash: cophyd {' '.join(words)}")
    told = run("completion", "zsh")
    tap.match(r"sed 1d \| cut", told.stdout, "zsh offers no heading for a path")
    tap.match(r"\A#compdef cophyd\n.*'get:reads signals'.*'--json\[", told.stdout, "zsh")
    if shutil.which("zsh"):
        told = subprocess.run(["zsh", "-n", "/dev/stdin"], input=told.stdout, capture_output=True, text=True)
        tap.equal((told.returncode, told.stderr), (0, ""), "zsh can read it")


def check_manual(tap):
    with tempfile.TemporaryDirectory() as folder:
        tap.equal(run("manual", folder).returncode, 0, "man pages")
        pages = {"cophyd.1", *(f"cophyd-{command}.1" for command in there())}
        tap.equal(set(os.listdir(folder)), pages, "a page a command")
        for page in sorted(pages):
            with open(f"{folder}/{page}") as file:
                text = file.read()
            tap.match(rf"\A\.TH {page[:-2]} 1 .*\.SH NAME\n.*\.SH EXIT STATUS\n", text, page)
            if page == "cophyd-count.1":
                tap.match(r"\.SH EXAMPLES\n\.nf\n.*acquire_time=0\.1", text, "  with examples")
    told = run("manual", "/nowhere")
    tap.equal(told.returncode, 1, "a folder that is not there")


def check_sim(tap):
    process = start("sim", "--port", "auto", "--size", "16x16")
    tap.match(r"cophyd-sim: Pilatus: ready on 127.0.0.1:\d+", process.stdout.readline(), "sim starts the simulator")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    tap.equal(run("sim", "--nonsense").returncode not in (0, None), True, "and hands its options on")
    with Terminal("sim", "--port", "auto") as t:
        t.until("EPICS_CA_AUTO_ADDR_LIST=NO")
        t.keys("C-c")
        tap.ok(t.end()[0] is not None, "Ctrl-C ends it")
    process = start("classes")
    process.stdout.close()
    process.wait(60)
    tap.equal((process.returncode, process.stderr.read()), (1, ""), "a closed pipe")


def main():
    tap = Tap()
    check_help(tap)
    check_wrong(tap)
    check_classes(tap)
    check_completion(tap)
    check_manual(tap)
    check_sim(tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
