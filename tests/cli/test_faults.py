#!/usr/bin/env -S python3 -B
"""cophyd count when the camera, its files, a put or a readback goes wrong, or somebody else comes."""

import sys

import faults

sys.exit(faults.main(["camera", "files", "put", "readback", "value", "client"]))
