#!/bin/sh
# make demo: one image with a simulated Pilatus, step by step.
# The IOC writes under /mnt/fileserver/data, a place that only it knows; the same disk is a folder of
# this machine with another name.
set -eu
cd "$(dirname "$0")/../.."
bin=$PWD/build/bin
tests=$PWD/build/tests/demo
disk=$(mktemp -d "${TMPDIR:-/tmp}/cophyd-demo.XXXXXX")
ioc_root=/mnt/fileserver/data
read_root=$disk/export/raid5/fileshare/data
sim=
cleanup() {
    [ -z "$sim" ] || kill "$sim" 2>/dev/null || true
    [ -z "$sim" ] || wait "$sim" 2>/dev/null || true
    rm -rf "$disk"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say() { printf '\n== %s\n' "$*"; }

say "Starting the simulated IOC; its disk $ioc_root is our $read_root"
mkdir -p "$read_root"
mkfifo "$disk/ready"
"$bin/cophyd-sim" --port auto --raw "$ioc_root/raw" --write-root "$ioc_root=$read_root" \
    >"$disk/ready" &
sim=$!
{
    read -r ready || ready=
    read -r settings || settings=
} <"$disk/ready"
[ -n "$settings" ] || { echo "demo: the simulator did not start" >&2; exit 1; }
printf '%s\n' "$ready"
eval "$settings"

say "All setpoints before"
"$tests/snapshot" Pilatus: >"$disk/before"
wc -l <"$disk/before" | tr -d '\n'
echo " setpoints kept for comparison"

say "pilatus Pilatus: $ioc_root $read_root"
{ "$bin/pilatus" Pilatus: "$ioc_root" "$read_root" && : >"$disk/ok"; } 2>&1 | tee "$disk/out"
[ -e "$disk/ok" ] || { echo "demo: the program failed" >&2; exit 1; }

say "Every pixel"
file=$(sed -n 's/^local file: //p' "$disk/out")
"$tests/check_pixels" "$file"

say "All setpoints after"
"$tests/snapshot" Pilatus: >"$disk/after"
# CreateDirectory is the program's own put, made before staging, and stays.
diff "$disk/before" "$disk/after" >"$disk/changed" || true
if grep '^[<>]' "$disk/changed" | grep -vE '^[<>] (HDF1:CreateDirectory|cam1:FileNumber) '; then
    echo "demo: the settings above were not put back" >&2
    exit 1
fi
grep '^>' "$disk/changed" | sed 's/^> /moved on, rightly: /' || true
echo "all others as before"

say "The demonstration worked"
