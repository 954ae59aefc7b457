#!/usr/bin/env -S python3 -B
"""cophyd save, diff and apply."""

import os
import signal
import sys

from cli import Simulator, Tap, Terminal, documents, start

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../faults"))

from ca import Link  # noqa: E402


def write(sim, name, text):
    path = f"{sim.disk}/{name}"
    with open(path, "w") as file:
        file.write(text)
    return path


def check_round_trip(tap, sim):
    file = f"{sim.disk}/monday"
    told = sim.run("save", "Pilatus:", file)
    tap.equal((told.returncode, told.stdout), (0, ""), "save")
    tap.match(r"monday: \d\d\d settings", told.stderr, "says how many")
    lines = documents(sim.run("save", "--json", "Pilatus:", file))
    tap.equal([list(line) for line in lines], [["file", "settings", "unset"]], "JSON says so, too")
    tap.equal(sim.run("save", "--json", "Pilatus:", "-").returncode, 2, "of a file alone")
    tap.equal(os.stat(file).st_mode & 0o777, 0o644, "others may read it")
    tap.equal(os.listdir(sim.disk).count("monday"), 1, "and nothing else is left there")
    with open(file) as lines:
        saved = lines.read().splitlines()
    tap.match(r"^# \d+ settings of Pilatus:, \d{4}-", saved[0], "it begins with what it is")
    tap.ok("cam.acquire_time=0.01" in saved and "cam.image_mode=Continuous" in saved, "numbers and labels")
    tap.ok(not any(line.startswith(("cam.acquire=", "hdf1.capture=", "hdf1.file_number=")) for line in saved),
           "no actions, no counters")
    tap.ok(not any(line.startswith(("cam.data_type=", "cam.size.", "cam.bin_x=")) for line in saved),
           "nothing that the IOC has disabled")
    told = sim.run("diff", "Pilatus:", file)
    tap.equal((told.returncode, told.stdout, told.stderr), (0, "", ""), "no difference")

    changes = {"cam.acquire_time": "0.5", "cam.image_mode": "Single", "hdf1.file_name": "a b", "image.enable": "Enable",
               "hdf1.file_path": "/data", "hdf1.create_directory": "-5", "hdf1.xml_file_name": "layout.xml",
               "cam.oscill_axis": "Y \"quoted\" \\", "hdf1.lazy_open": "Yes"}
    told = sim.run("put", "Pilatus:", *[f"{key}={value}" for key, value in changes.items()])
    tap.equal(told.returncode, 0, "some are changed")
    told = sim.run("diff", "--json", "Pilatus:", file)
    lines = documents(told)
    tap.equal(told.returncode, 1, "diff")
    tap.ok(all(list(line) == ["path", "pv", "file", "ioc"] for line in lines), "its keys")
    tap.equal({line["path"]: line["ioc"] for line in lines}, changes, "has just those")
    told = sim.run("diff", "Pilatus:", file)
    tap.match(r"^cam.acquire_time +file 0.01, IOC 0.5$", told.stdout, "a line each")

    changed = f"{sim.disk}/tuesday"
    sim.run("save", "Pilatus:", changed)
    told = sim.run("apply", "--json", "Pilatus:", file)
    tap.equal(told.returncode, 0, "apply")
    order = [line["path"] for line in documents(told)]
    tap.equal(set(order), set(changes), "writes just those")
    tap.ok(order.index("hdf1.create_directory") < order.index("hdf1.file_path"), "in the order that the IOC needs")
    tap.equal(sim.run("diff", "Pilatus:", file).returncode, 0, "all is as in the file")
    told = sim.run("apply", "Pilatus:", file)
    tap.equal((told.returncode, told.stdout.split()[0]), (0, "0"), "a second time nothing is to do")
    tap.equal(sim.run("apply", "Pilatus:", changed).returncode, 0, "and the other file")
    tap.equal(sim.run("diff", "Pilatus:", changed).returncode, 0, "is the state then, quotes and blanks included")
    sim.run("apply", "Pilatus:", file)


def check_all_or_none(tap, sim):
    before = sim.settings()
    bad = write(sim, "bad", "cam.acquire_time=3\nhdf1.file_path=/nowhere/at/all/\ncam.num_images=9\n")
    told = sim.run("apply", "Pilatus:", write(sim, "bad2", "cam.acquire_time=3 cam.image_mode=Sinlge cam.gain=2"))
    tap.equal(told.returncode, 1, "a label that is none")
    tap.match("nothing was applied: all settings are as before", told.stderr, "is all that happens")
    tap.equal(sim.settings(), before, "the others are put back")
    told = sim.run("apply", "Pilatus:", write(sim, "bad4", "cam.acquire_time=3\ncam.acquire=1\n"))
    tap.equal((told.returncode, told.stdout), (2, ""), "an action is no setting")
    tap.match("wanted settings, found cam.acquire, which is an action", told.stderr, "it is named")
    told = sim.run("apply", "Pilatus:", write(sim, "bad3", "cam.acquire_time=3\ncam.image_moode=1\ncam.num=2\n"))
    tap.equal(told.returncode, 2, "paths that are none")
    tap.match(r"bad3:2: .*nearest is image_mode.*bad3:3: ", told.stderr, "are named with their lines, all of them")
    told = sim.run("apply", "Pilatus:", write(sim, "twice", "cam.gain=1 cam.gain=2"))
    tap.equal(told.returncode, 2, "a key twice")
    told = sim.run("apply", "--read-only", "Pilatus:", bad)
    tap.equal(told.returncode, 2, "--read-only refuses")
    tap.equal(sim.run("diff", "--read-only", "Pilatus:", bad).returncode, 1, "but compares")
    tap.equal(sim.settings(), before, "nothing was written")
    for command in ["diff", "apply"]:
        tap.equal(sim.run(command, "Pilatus:", "/nowhere").returncode, 1, f"{command}: a file that is not there")
    told = sim.run("save", "Pilatus:", "/nowhere/file")
    tap.equal(told.returncode, 1, "save where nothing can be written")
    tap.match("/nowhere/file: No such file", told.stderr, "is named")


def check_put_back(tap):
    """Also what nobody has set since the IOC started; and what stays changed is named."""
    never = ["cam.shutter_open_epics", "cam.gain_menu", "hdf1.pos_name_dim.dim_n"]
    with Simulator("--fault", "ReadbackStays=cam1:NumImages_RBV") as sim:
        def values():
            told = documents(sim.run("get", "--json", "--setpoint", "Pilatus:", *never, "cam.num_images"))
            return [line["value"] for line in told]

        before = values()
        settings = write(sim, "never", "cam.shutter_open_epics=1\ncam.gain_menu=2\nhdf1.pos_name_dim.dim_n=a\n"
                         "cam.num_images=5\n")
        told = sim.run("apply", "Pilatus:", settings)
        tap.equal(told.returncode, 1, "the last setting fails")
        tap.match("nothing was applied: all settings are as before", told.stderr, "it says that all are put back")
        tap.equal(values(), before, "and so are those that nobody had set")
        sim.run("put", "--send", "Pilatus:", "cam.num_images=7")
        told = sim.run("apply", "Pilatus:", settings)
        tap.match("^cophyd: cam.num_images may be changed still, it was 7$", told.stderr, "what did not come back is named")
        tap.ok("as before" not in told.stderr and told.stderr.count("may be") == 1, "and nothing else is said")
        tap.equal(values(), [*before[:-1], 7], "the others are as before")


def check_interrupted(tap, sim):
    """A signal while it puts, and another while it puts back."""
    link = Link(int(sim.environment["EPICS_CA_NAME_SERVERS"].rsplit(":", 1)[1]))
    before, seen = sim.settings(), []

    def interrupt():
        seen.append(process.send_signal(signal.SIGINT))
        if len(seen) < 2:
            link.strike_at([("cam1:NumImages", "1")], interrupt)

    link.strike_at([("cam1:NumImages", "5")], interrupt)
    process = start("apply", "Pilatus:", write(sim, "five", "cam.gain=3\ncam.num_images=5\n"),
                    environment={**sim.environment, "EPICS_CA_NAME_SERVERS": f"127.0.0.1:{link.port}"})
    _, err = process.communicate(timeout=60)
    tap.equal((process.returncode, len(seen)), (130, 2), "apply is interrupted twice")
    tap.match("interrupted(, after .* s)?\ncophyd: nothing was applied: all settings are as before$", err,
              "and puts back all the same")
    tap.equal(sim.settings(), before, "it does")
    link.close()


def check_files(tap, sim):
    """Files with nothing in them, and with what is no text; and places that are no files."""
    for command in ["diff", "apply"]:
        told = sim.run(command, "Pilatus:", write(sim, "empty", ""))
        tap.equal((told.returncode, told.stderr), (0, ""), f"{command} of an empty file")
        file = write(sim, "binary", "cam.gain=1\n\0cam.num_images=5\n")
        told = sim.run(command, "Pilatus:", file)
        tap.equal((told.returncode, told.stderr), (1, f"cophyd: {file}: wanted text, found a byte of 0 after 11 others\n"),
                  f"{command} of what is no text")
        told = sim.run(command, "Pilatus:", sim.disk)
        tap.equal((told.returncode, told.stderr), (1, f"cophyd: {sim.disk}: Is a directory\n"), f"{command} of a folder")
    wanted, link = sim.settings(), f"{sim.disk}/link"
    os.symlink("target", link)
    for _ in range(2):  # a link that leads nowhere, then to a file
        tap.equal(sim.run("save", "Pilatus:", link).returncode, 0, "save to a link")
        with open(f"{sim.disk}/target") as file:
            tap.ok(os.path.islink(link) and file.read().splitlines()[1:] == wanted, "writes where it leads")
    pipe = f"{sim.disk}/pipe"
    os.mkfifo(pipe)
    process = sim.start("save", "Pilatus:", pipe)
    with open(pipe) as file:
        tap.equal(file.read().splitlines()[1:], wanted, "save to a pipe writes there")
    process.communicate(timeout=60)
    tap.ok(process.returncode == 0 and not os.path.isfile(pipe), "which stays one")
    told = sim.run("save", "Pilatus:", "/dev/stdout")
    tap.equal((told.returncode, told.stdout.splitlines()[1:]), (0, wanted), "and so does one to /dev/stdout")


def check_text(tap, sim):
    """Text goes back as it was, also what no settings file can have, and no person read."""
    layout = "<layout>\n" + "\t<group name='entry'/>\n" * 60 + "</layout>"
    sim.run("put", "Pilatus:", f"hdf1.xml_file_name={layout}")

    def is_there():
        (line,) = documents(sim.run("get", "--json", "Pilatus:", "hdf1.xml_file_name"))
        return line["value"] == layout

    tap.ok(is_there(), "a text of several lines is put")
    told = sim.run("save", "Pilatus:", f"{sim.disk}/lines")
    tap.match("^cophyd: hdf1.xml_file_name: left out: its value has no form in a file$", told.stderr, "save says so")
    told = sim.run("apply", "Pilatus:", write(sim, "bad4", "hdf1.xml_file_name=layout.xml cam.image_mode=Sinlge"))
    tap.match("nothing was applied: all settings are as before", told.stderr, "a text that was changed in vain")
    tap.ok(is_there(), "is as before, each line of it")
    sim.run("put", "Pilatus:", "hdf1.xml_file_name=")


def check_log(tap, sim):
    log = f"{sim.disk}/log"
    settings = write(sim, "three", "cam.acquire_time=0.03 cam.gain=1 cam.num_images=3")
    sim.run("apply", "--log", log, "Pilatus:", settings)
    with open(log) as file:
        lines = file.read()
    tap.match(r"apply\[\d+\] det.cam.acquire_time \(\S+\): 0.03, was 0.01\n.*num_images \(\S+\): 3, was 1\n\Z", lines,
              "--log has what was put, and what was there")
    sim.run("put", "Pilatus:", "cam.acquire_time=0.01", "cam.num_images=1")


def check_busy(tap, sim):
    sim.run("put", "--send", "Pilatus:", "cam.acquire_time=1000", "cam.image_mode=Single", "cam.acquire=1")
    sim.run("watch", "-n", "1", "Pilatus:", "cam.acquire")
    settings = write(sim, "gain", "cam.gain=2")
    told = sim.run("apply", "Pilatus:", settings)
    tap.equal(told.returncode, 1, "apply while it acquires")
    tap.match("acquires: stop it first", told.stderr, "is refused")
    sim.run("put", "Pilatus:", "cam.acquire=0")
    sim.run("put", "Pilatus:", "cam.acquire_time=0.01", "cam.image_mode=Continuous")
    process = sim.start("count", "Pilatus:", "-n", "100000", *sim.folders)
    process.stdout.readline()
    told = sim.run("apply", "Pilatus:", settings)
    tap.equal(told.returncode, 1, "apply while it is staged")
    tap.match(r"staged by cophyd \(\d+\)", told.stderr, "is refused, and tells by whom")
    process.terminate()
    process.communicate(timeout=60)


def check_labels(tap, sim):
    """A label by which a put would write another value is none."""
    labels = write(sim, "labels", "class Labels\nrow second cam1:ImageMode.ONST rw text config\n")
    file = f"{sim.disk}/by-index"
    sim.run("put", "Pilatus:", "--class", labels, "second=Single")
    sim.run("put", "Pilatus:", "cam.image_mode=1")
    sim.run("save", "Pilatus:", file)
    with open(file) as lines:
        tap.ok("cam.image_mode=1\n" in lines, "the second of equal labels is saved as its index")
    sim.run("put", "Pilatus:", "cam.image_mode=0")
    told = sim.run("diff", "Pilatus:", file)
    tap.equal((told.returncode, told.stdout.split()), (1, "cam.image_mode file 1, IOC Single".split()), "and differs")
    tap.equal(sim.run("apply", "Pilatus:", file).returncode, 0, "apply")
    told = sim.run("get", "Pilatus:", "--json", "cam.image_mode")
    tap.equal(documents(told)[0]["index"], 1, "writes it")
    sim.run("put", "Pilatus:", "--class", labels, "second=Multiple")
    sim.run("put", "Pilatus:", "cam.image_mode=Continuous")


def check_terminal(tap, sim):
    settings = write(sim, "five", "cam.gain=5\n")
    for words, status, pattern in [(["diff"], 1, "cam.gain +file .*5.*, IOC .*1"), (["apply"], 0, "cam.gain +5, was 1")]:
        with Terminal(*words, "Pilatus:", settings, environment=sim.environment) as t:
            found, _ = t.end()
            tap.equal(found, status, f"{words[0]} in a terminal")
            tap.match(pattern, t.screen(), "shows the same")
    with Terminal("save", "Pilatus:", f"{sim.disk}/t", environment=sim.environment) as t:
        tap.equal(t.end()[0], 0, "save in a terminal")


def main():
    tap = Tap()
    with Simulator() as sim:
        check_round_trip(tap, sim)
        check_all_or_none(tap, sim)
        check_interrupted(tap, sim)
        check_files(tap, sim)
        check_text(tap, sim)
        check_log(tap, sim)
        check_busy(tap, sim)
        check_labels(tap, sim)
        check_terminal(tap, sim)
    check_put_back(tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
