#!/bin/bash
# make demo works, and prints what README.md shows. Days, names, ports and temporary folders may differ.
set -u
cd "$(dirname "$0")/../.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES SANITIZE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

alike() {
    sed -E -e '/^  [A-Z]{2,5} +[a-z]/d' \
        -e 's|/[^ ]*/cophyd-demo\.[A-Za-z0-9]*|DISK|g' \
        -e 's|[0-9]{4}/[0-9]{2}/[0-9]{2}/|YEAR/MONTH/DAY/|' \
        -e 's/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}/UUID/' \
        -e 's/127\.0\.0\.1:[0-9]+/ADDRESS/'
}

make -s demo >"$work/out" 2>"$work/err" </dev/null
status=$?
[ $status = 0 ] || sed 's/^/# /' "$work/err"
if [ $status = 0 ]; then echo "ok 1 - make demo"; else echo "not ok 1 - make demo"; fi
alike <tests/data/examples/demo.txt >"$work/wanted"
alike <"$work/out" >"$work/found"
if diff "$work/wanted" "$work/found" >"$work/diff"; then
    echo 'ok 2 - it prints tests/data/examples/demo.txt'
else
    echo 'not ok 2 - it prints tests/data/examples/demo.txt'
    sed 's/^/# /' "$work/diff"
fi
echo 1..2
