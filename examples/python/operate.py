"""Use the detector of pilatus.py as at a prompt, without Bluesky: put back what a killed program
left, look for what would keep frames from the file, take an image in one call, move a motor.

    operate.py [PREFIX [WRITE_ROOT [READ_ROOT]]]"""

import sys

from cophyd import EpicsMotor, get_all, journals, put_all, recover
from pilatus import make_detector


def put_back(prefix):
    for journal in journals():
        print(journal)
    for setting in recover(prefix):
        print(setting)


def look(det):
    print(det.graph())
    for finding in det.validate():
        print(finding)


def expose(det):
    put_all({det.cam.acquire_time: 0.5, det.cam.acquire_period: 0.6})
    done = det.acquire()  # with what is staged, which is put back
    print(done.frames, "frame:", done.files[0].local)
    print("exposure and period:", get_all([det.cam.acquire_time, det.cam.acquire_period]))


def main(prefix="Pilatus:", *roots):
    put_back(prefix)
    det = make_detector(prefix, *roots)
    look(det)
    expose(det)
    motor = EpicsMotor(f"{prefix}m1", name="m1")
    motor.move(1.5)
    print("m1 is at", motor.position, motor.egu)


if __name__ == "__main__":
    main(*sys.argv[1:])
