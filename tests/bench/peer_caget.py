"""A value with pyepics, as a program of its own: peer_caget.py PV."""

import sys

import epics

print(sys.argv[1], epics.caget(sys.argv[1]), flush=True)
