"""What the sides talk to: IOCs on free ports of 127.0.0.1, or files of frames. Each has `environment`, which
its clients need, and stop()."""

import os
import socket
import struct
import subprocess
import tempfile
import threading

BUILD = os.environ["BUILD"]
HERE = os.path.dirname(os.path.abspath(__file__))
DELAY = 0.01  # seconds of a round trip: half of it each way
MANY = 20000  # records of the IOCs "many", over four processes
PARTS = 4


class Failure(Exception):
    pass


def confirm(repeater):
    """Answers each CA_REPEATER_REGISTER with CA_REPEATER_CONFIRM."""
    while True:
        _, client = repeater.recvfrom(64)
        repeater.sendto(struct.pack(">HHHHII", 17, 0, 0, 0, 0, 0x7F000001), client)


def start_repeater():
    """Without one the first channel of each side would start its own, in the midst of a round."""
    repeater = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    repeater.bind(("127.0.0.1", 0))
    threading.Thread(target=confirm, args=[repeater], daemon=True).start()
    return repeater.getsockname()[1]


class Ioc:
    """kind: "records", "images", "events" or "many" of bench_ioc's; or "detector" and "instant", a detector
    without commands' delays, of which there can be several: Pilatus:, Pilatus2:, and so on."""

    def __init__(self, kind, far, disk, repeater, detectors=1):
        self.disk = disk
        self.environment = dict(
            os.environ,
            DISK=f"{disk}/1",  # the first detector's /bench
            COPHYD_STATE_DIR=f"{disk}/state",  # what a side that was killed had staged is nobody's
            EPICS_CA_ADDR_LIST="",
            EPICS_CA_AUTO_ADDR_LIST="NO",
            EPICS_CA_REPEATER_PORT=str(repeater),
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.processes = []
        if kind in ("detector", "instant"):
            addresses = [self.detector(i + 1, kind == "instant") for i in range(detectors)]
        elif kind == "many":
            addresses = [self.records("records", str(MANY), str(i), str(PARTS)) for i in range(PARTS)]
        else:
            addresses = [self.records(kind, "2000", "0", "1")]
        if far:
            port = addresses[0].split(":")[1]
            addresses = [self.start([f"{BUILD}/tests/link/far", port, str(DELAY / 2)], self.environment)]
        self.environment["EPICS_CA_NAME_SERVERS"] = " ".join(addresses)

    def start(self, command, environment):
        """Returns where it listens."""
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
            self.processes.append(process)
            ready = process.stdout.readline()
            log.seek(0)
            if " ready on " not in ready:
                raise Failure(f"wanted {command[0]} to be ready, found {ready!r}\n{log.read()}")
        return ready.split()[-1]

    def detector(self, number, instant):
        name = f"Pilatus{number}" if number > 1 else "Pilatus"
        os.makedirs(f"{self.disk}/{number}/data")
        return self.start(
            [f"{BUILD}/bin/cophyd-sim", *(["--instant"] if instant else []), "--port", "auto", "--prefix", f"{name}:",
             "--size", "64x48", "--raw", "/bench/raw", "--raw-files", "8",
             "--write-root", f"/bench={self.disk}/{number}"], self.environment)

    def records(self, *arguments):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = dict(
            self.environment,
            EPICS_CAS_SERVER_PORT=str(port),
            EPICS_CAS_INTF_ADDR_LIST="127.0.0.1",
            EPICS_CAS_BEACON_ADDR_LIST="127.0.0.1",
            EPICS_CAS_AUTO_BEACON_ADDR_LIST="NO",
        )
        return self.start([f"{BUILD}/tests/bench/bench_ioc", os.environ["DBD"], *arguments], environment)

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


class Files:
    """The files of frames, which h5py writes once for all benches."""

    disk = None

    def __init__(self):
        made = Files.disk is not None
        Files.disk = Files.disk or tempfile.TemporaryDirectory(prefix="cophyd-bench-")
        self.environment = dict(os.environ, FRAMES=Files.disk.name, PYTHONDONTWRITEBYTECODE="1")
        if not made:
            subprocess.run([os.environ["PEERS"], f"{HERE}/peer_h5py.py", "make", Files.disk.name],
                           env=self.environment, check=True)

    def stop(self):
        pass


def serve(kind, far, disk, repeater, detectors=1):
    return Files() if kind == "files" else Ioc(kind, far, disk, repeater, detectors)
