#!/bin/sh
# Prints the names that a shared library exports, sorted.
set -eu
nm --dynamic --defined-only --format=posix "$1" | cut -d' ' -f1 | LC_ALL=C sort
