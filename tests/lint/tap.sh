#!/bin/bash
# Runs one test for prove: ends it when it hangs, shows what failed, and turns a skip that
# tests/skips.txt does not list (PROGRAM: REASON AS THE TEST GIVES IT) into a failure.
set -o pipefail
limit=${TEST_TIMEOUT:-120}
program=$(basename "$1")

# Journals: of each program apart, none from before, and never those of the user.
export COPHYD_STATE_DIR=$PWD/${BUILD:-build}/state/$(basename "${@: -1}")
rm -rf "$COPHYD_STATE_DIR"

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
