#!/bin/bash
# Runs every example, against the simulator where it needs an IOC, and compares what it prints with
# tests/data/examples, which the guide quotes. Days, random names, times and ports may differ.
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=$PWD/${BUILD:-build}/bin
work=$(mktemp -d)
sim=
end_simulator() {
    [ -z "$sim" ] || kill "$sim"
    sim=
}
trap 'end_simulator; rm -rf "$work"' EXIT
ioc_root=/mnt/fileserver/data
read_root=$work/export/raid5/fileshare/data
mkdir -p "$read_root"
export COPHYD_STATE_DIR=$work/state
n=0

result() {
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# What differs from run to run is made alike.
alike() {
    sed -E -e "s|$work||g" \
        -e 's|[0-9]{4}/[0-9]{2}/[0-9]{2}/|YEAR/MONTH/DAY/|g' \
        -e 's/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}(-[0-9a-f]{12})?/UUID/g' \
        -e 's/ \(after [0-9]+ms in state [A-Z]+(, [0-9]+ identical error\(s\) suppressed)?\)//' \
        -e 's/after [0-9.]+ s$/after TIME/' \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9.]+/DATE/g' \
        -e 's/ in [0-9.]+ s(:|$)/ in TIME\1/' "$1"
}

# example STATUS TEXT PROGRAM ARGUMENT...: runs it, and compares its output, errors last.
example() {
    local wanted=$1 text=tests/data/examples/$2 program=$3 found
    shift 3
    timeout 60 "$bin/$program" "$@" >"$work/out" 2>"$work/err" </dev/null
    found=$?
    cat "$work/out" "$work/err" >"$work/all"
    [ "$found" = "$wanted" ]
    result $? "$program ends with $wanted"
    [ "$found" = "$wanted" ] || echo "# it ended with $found"
    diff <(alike "$text") <(alike "$work/all") >"$work/diff"
    result $? "$program prints $text"
    sed 's/^/# /' "$work/diff"
    ran="$ran $program"
}
ran=

# transcript TEXT: runs the lines of a session at a terminal, and compares what they print.
transcript() {
    local text=tests/data/examples/$1
    sed -n 's/^\$ //p' "$text" | while read -r line; do
        echo "\$ $line"
        (cd "$work" && PATH=$bin:$PATH bash -c "${line//\/export/$work/export}" 2>&1)
    done >"$work/all"
    diff <(alike "$text") <(alike "$work/all") >"$work/diff"
    result $? "the session of $text"
    sed 's/^/# /' "$work/diff"
}

example 0 settings.txt settings

# A long list: the lines that the guide shows are in it.
cp examples/beamline.class "$work"
(cd "$work" && timeout 60 "$bin/show_class" beamline.class BeamlineDetector Pilatus:) >"$work/list"
result $? 'show_class lists beamline.class'
missing=$(grep -vxFf "$work/list" tests/data/examples/show_class.txt)
[ -z "$missing" ]
result $? 'show_class prints tests/data/examples/show_class.txt, and more'
[ -z "$missing" ] || printf '# missing: %s\n' "$missing"

# The same text with three mistakes.
sed -i 's/ rbv    int / rvb    int /; s/ FileStoreHDF5IterativeWrite/ FileStoreHDF/; s/image_mode=/imagemode=/' \
    "$work/beamline.class"
(cd "$work" && timeout 60 "$bin/show_class" beamline.class BeamlineDetector) >"$work/mistakes" 2>&1
[ $? = 1 ]
result $? 'show_class refuses a class text with mistakes'
diff tests/data/examples/mistakes.txt "$work/mistakes" >"$work/diff"
result $? 'show_class prints tests/data/examples/mistakes.txt'
sed 's/^/# /' "$work/diff"

# simulator OPTION...: starts one, and tells clients where it is.
simulator() {
    local ready= settings=
    exec 3< <(exec "${COPHYD_SIM:-$bin/cophyd-sim}" --port auto --raw "$ioc_root/raw" \
        --write-root "$ioc_root=$read_root" "$@")
    sim=$!
    read -r -t 60 ready <&3 && read -r -t 60 settings <&3
    [ -n "$settings" ]
    result $? "the simulator starts: $ready"
    eval "$settings"
}

COPHYD_SIM=${COPHYD_SIM:-$bin/cophyd-sim} example 0 simulated.txt simulated "$work/raw"

simulator
example 0 signals.txt signals
example 0 missing_plugins.txt missing_plugins
example 1 no_image.txt live_image
example 0 plan.txt plan
example 0 graph.txt graph
example 0 graph_dot.txt graph Pilatus: dot
example 0 reading.txt reading
example 0 warmup.txt warmup
example 0 errors.txt errors
example 0 event_loop.txt event_loop
example 1 cancelled.txt event_loop Pilatus: 0.3
example 0 folders.txt folders Pilatus: "$ioc_root" "$read_root"
example 0 pilatus.txt pilatus Pilatus: "$ioc_root" "$read_root"
file=$(sed -n 's/^local file: //p' "$work/out")
example 0 read_image.txt read_image "$file"
example 0 live_image.txt live_image
example 0 derived.txt derived
example 0 describe.txt describe
example 0 files.txt files Pilatus: "$ioc_root" "$read_root"
example 0 multi.txt multi
example 0 series.txt series
example 0 stop.txt stop
# These are built where jansson is.
[ ! -e "$bin/count" ] || example 0 count.txt count Pilatus: "$work/run.jsonl" 2
[ ! -e "$bin/scan" ] || example 0 scan.txt scan Pilatus: Pilatus:m1 "$work/run.jsonl"
# With librdkafka there is a broker, which ends with its standard input. Nobody is at port 1.
topic=bl.bluesky.runengine.documents
broker=$bin/../tests/documents/broker
if [ -e "$broker" ]; then
    mkfifo "$work/broker"
    exec 4< <(exec "$broker" <"$work/broker")
    exec 5>"$work/broker"
    read -r -t 60 brokers <&4
    mkdir "$work/kept"
    example 0 kafka.txt kafka Pilatus: "$brokers" "$topic" "$work/kept" 2
    example 1 kafka_away.txt kafka Pilatus: 127.0.0.1:1 "$topic" "$work/kept" 2
    example 0 kafka_replay.txt kafka replay "$brokers" "$topic" "$work"/kept/*.jsonl
    exec 5>&-
fi
# The command, which is there where jansson is.
if [ -e "$bin/cophyd" ]; then
    example 0 command_count.txt cophyd count Pilatus: -n 3 --set cam.acquire_time=0.1 --set cam.num_images=2 \
        --write-root "$ioc_root" --read-root "$read_root" --dir %Y/%m/%d
    "$bin/cophyd" save Pilatus: "$work/monday" 2>"$work/err"
    result $? 'cophyd save'
    "$bin/cophyd" put Pilatus: cam.acquire_time=0.5 'hdf1.file_name=a b' >"$work/out"
    result $? 'cophyd put'
    example 1 command_diff.txt cophyd diff Pilatus: "$work/monday"
fi
end_simulator

simulator --class simdetector --size 64x48
example 0 continuous.txt continuous
end_simulator

# What the README begins with.
if [ -e "$bin/cophyd" ]; then
    rm -rf "$read_root" && mkdir "$read_root"
    sed "s|read=/export|read=$work/export|" examples/peaks.class >"$work/peaks.class"
    simulator --class simdetector --size 512x384
    transcript readme.txt
    [ "$(head -c 8 "$work/peaks.png" | od -An -tx1)" = ' 89 50 4e 47 0d 0a 1a 0a' ]
    result $? 'it leaves a picture'
    end_simulator
fi

# Killed while it acquires: the program ends without putting anything back.
simulator --fault=ExposureHangs
mkfifo "$work/says"
"$bin/pilatus" Pilatus: "$ioc_root" "$read_root" >"$work/says" &
client=$!
read -r -t 60 line <"$work/says"
kill -KILL "$client"
wait "$client" 2>"$work/killed"
[ $? = 137 ]
result $? "a client was killed after it had said: $line"
example 0 killed.txt recover
example 0 recover.txt recover Pilatus:
end_simulator

simulator --instant --fault=ExposureHangs
example 1 hung.txt pilatus Pilatus: "$ioc_root" "$read_root"
end_simulator

for source in examples/*.c; do
    program=$(basename "$source" .c)
    [ "$program" != kafka ] || [ -e "$broker" ] || continue
    [ -e "$bin/$program" ] || [[ $program != count && $program != scan ]] || continue
    [[ " $ran show_class " == *" $program "* ]]
    result $? "$source was run"
done
echo "1..$n"
