# For the tests of examples/ in other languages: sourced by them, after cd to the top.
build=$PWD/${BUILD:-build}
work=$(mktemp -d)
sim=
trap '[ -z "$sim" ] || kill "$sim"; rm -rf "$work"' EXIT
export COPHYD_INCLUDE=$PWD/include COPHYD_LIB=$build/lib
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

# The simulator, as test_examples.sh has it.
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
        -e 's/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}(-[0-9a-f]{12})?/UUID/g' "$1"
}

setpoints() { timeout 60 "$build/tests/demo/snapshot" Pilatus: | grep -v '^HDF1:CreateDirectory '; }

# does_as_pilatus COMMAND...: what the program must do that takes the arguments of pilatus.c.
does_as_pilatus() {
    local client line sum
    simulator
    timeout 60 "$@" Pilatus: "$ioc_root" "$read_root" >"$work/out" 2>&1
    check 'the program succeeds' [ $? = 0 ]
    # The first frame after boot, by the simulator's formula.
    sum=$(awk 'BEGIN {
        for (y = 0; y < 1024; y++) for (x = 0; x < 1024; x++) sum += (7919 + 2500 * y + x) % 1048576
        printf "%.0f", sum
    }')
    check 'it prints what pilatus.c does' diff \
        <(alike tests/data/examples/pilatus.txt | sed "s/^sum: .*/sum: $sum/") <(alike "$work/out")
    timeout 60 "$@" NoSuch: >"$work/out" 2>&1
    check 'a wrong prefix fails' [ $? = 1 ]
    check 'and is named' \
        grep -q '^cophyd: det.cam.acquire (NoSuch:cam1:Acquire): wanted a connection, found ' "$work/out"

    # Ctrl-C while it acquires.
    simulator --fault=ExposureHangs
    setpoints >"$work/before"
    check 'there are setpoints' [ "$(wc -l <"$work/before")" -gt 50 ]
    mkfifo "$work/says"
    "$@" Pilatus: "$ioc_root" "$read_root" >"$work/says" 2>"$work/err" &
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
}
