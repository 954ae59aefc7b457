#!/bin/bash
# examples/rust: formatted, without a word from clippy, its tests pass, and its program prints what
# pilatus.c does. It needs nothing from the net.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$PWD/${BUILD:-build}
work=$(mktemp -d)
sim=
trap '[ -z "$sim" ] || kill "$sim"; rm -rf "$work"' EXIT
export COPHYD_INCLUDE=$PWD/include COPHYD_LIB=$build/lib CARGO_TARGET_DIR=$build/rust
n=0

# check TITLE COMMAND...: one test, which passes when the command succeeds.
check() {
    n=$((n + 1))
    if "${@:2}" >"$work/log" 2>&1; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' "$work/log"
    fi
}

in_rust() { (cd examples/rust && cargo "$@"); }
offline='--locked --offline'

check 'rustfmt would change nothing' in_rust fmt --all -- --check
# shellcheck disable=SC2086
check 'clippy has nothing to say' in_rust clippy $offline --all-targets -- -D warnings
# shellcheck disable=SC2086
check 'the tests pass' in_rust test $offline --no-fail-fast
# Each by its name.
while read -r _ name _ result; do
    check "$name" [ "$result" = ok ]
done < <(sed -n '/^test [a-z_]* \.\.\. /p' "$work/log")
[ $n -gt 15 ]
check 'they were many' [ $? = 0 ]

# The program, with the simulator that test_examples.sh has.
ioc_root=/mnt/fileserver/data
read_root=$work/export/raid5/fileshare/data
mkdir -p "$read_root"
simulator() {
    local ready= settings=
    [ -z "$sim" ] || kill "$sim"
    exec 3< <(exec "$COPHYD_SIM" --port auto --raw "$ioc_root/raw" --write-root "$ioc_root=$read_root" "$@")
    sim=$!
    read -r -t 60 ready <&3 && read -r -t 60 settings <&3
    check "the simulator starts: $ready" [ -n "$settings" ]
    eval "$settings"
}
# What differs from run to run is made alike.
alike() {
    sed -E -e "s|$work||g" -e 's|[0-9]{4}/[0-9]{2}/[0-9]{2}/|YEAR/MONTH/DAY/|g' \
        -e 's/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}/UUID/g' "$1"
}
# shellcheck disable=SC2086
check 'the program builds' in_rust build $offline --example pilatus
pilatus=$CARGO_TARGET_DIR/debug/examples/pilatus

simulator
timeout 60 "$pilatus" Pilatus: "$ioc_root" "$read_root" >"$work/out" 2>&1
check 'the program succeeds' [ $? = 0 ]
# The first frame after boot, by the simulator's formula.
sum=$(awk 'BEGIN {
    for (y = 0; y < 1024; y++) for (x = 0; x < 1024; x++) sum += (7919 + 2500 * y + x) % 1048576
    printf "%.0f", sum
}')
check 'it prints what pilatus.c does' diff <(alike tests/data/examples/pilatus.txt |
    sed "s/^sum: .*/sum: $sum/") <(alike "$work/out")
timeout 60 "$pilatus" NoSuch: >"$work/out" 2>&1
check 'a wrong prefix fails' [ $? = 1 ]
check 'and is named' \
    grep -q '^cophyd: det.cam.acquire (NoSuch:cam1:Acquire): wanted a connection, found ' "$work/out"

# Ctrl-C while it acquires.
simulator --fault=ExposureHangs
setpoints() { timeout 60 "$build/tests/demo/snapshot" Pilatus: | grep -v '^HDF1:CreateDirectory '; }
setpoints >"$work/before"
check 'there are setpoints' [ "$(wc -l <"$work/before")" -gt 50 ]
mkfifo "$work/says"
"$pilatus" Pilatus: "$ioc_root" "$read_root" >"$work/says" 2>"$work/err" &
client=$!
exec 4<"$work/says"
read -r -t 60 line <&4
check "it says: $line" [ "$line" = "$(head -n 1 tests/data/examples/pilatus.txt)" ]
kill -INT $client
wait $client
check 'interrupted, it ends with 1' [ $? = 1 ]
check 'and says so' grep -q interrupted "$work/err"
sed 's/^/# /' "$work/err"
check 'every setpoint is as before' diff "$work/before" <(setpoints)
echo "1..$n"
