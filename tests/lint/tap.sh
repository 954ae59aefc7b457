#!/bin/bash
# Runs one test for prove: ends it when it hangs, shows what failed, and turns a skip that
# tests/skips.txt does not list (PROGRAM: REASON AS THE TEST GIVES IT) into a failure.
set -o pipefail
limit=${TEST_TIMEOUT:-120}
program=$(basename "$1")

timeout -k 5 "$limit" "$@" </dev/null | awk -v program="$program" '
    BEGIN {
        while ((getline line < "tests/skips.txt") > 0)
            if (line !~ /^#/) listed[line] = 1
    }
    toupper($0) ~ /^(OK|NOT OK|1\.\.0).*# *SKIP/ {
        reason = $0
        sub(/.*# *[Ss][Kk][Ii][Pp][A-Za-z]* */, "", reason)
        if (!((program ": " reason) in listed))
            $0 = "not ok - tests/skips.txt does not list \"" program ": " reason "\""
    }
    { print; fflush() }
    /^[^#]/ { failing = /^not ok/ }
    failing { print program ": " $0 > "/dev/stderr" }
'
status=$?
[ $status != 124 ] || echo "$program: did not end within $limit s" >&2
exit $status
