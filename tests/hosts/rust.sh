#!/bin/bash
# examples/rust: formatted, without a word from clippy, its tests pass, and its program does what
# pilatus.c does. It needs nothing from the net.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/hosts/host.sh
export CARGO_TARGET_DIR=$build/rust

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

# shellcheck disable=SC2086
check 'the program builds' in_rust build $offline --example pilatus

# After make install, pkg-config tells where the library is.
check 'make install' env -u MAKEFLAGS -u MAKELEVEL make -s B="${BUILD:-build}" PREFIX="$work/prefix" install
installed() (
    unset COPHYD_INCLUDE COPHYD_LIB
    export PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig CARGO_TARGET_DIR=$work/target
    # shellcheck disable=SC2086
    in_rust test $offline --test alone
)
check 'it is found there' installed
check 'and used' eval "readelf -d '$work'/target/debug/deps/alone-* 2>'$work/err' | grep -F '[$work/prefix/lib]'"

does_as_pilatus "$CARGO_TARGET_DIR/debug/examples/pilatus"
echo "1..$n"
