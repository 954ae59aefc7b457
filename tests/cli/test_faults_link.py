#!/usr/bin/env -S python3 -B
"""cophyd count when an IOC is stuck, slow, lost, paused, or starts again."""

import sys

import faults

sys.exit(faults.main(["writer", "plugin", "link", "delay", "crash"]))
