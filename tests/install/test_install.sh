#!/bin/bash
# make install into an empty prefix; C and C++ programs outside the tree build there with pkg-config,
# shared and static, and run; make uninstall leaves no file.
set -u
cd "$(dirname "$0")/../.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
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
installed() { make -s B="${BUILD:-build}" PREFIX="$prefix" "$@"; }
files() { find "$work/$1" ! -type d -printf '%P\n' | LC_ALL=C sort; }
version=$(sed -n 's/^#define OPH_VERSION_[MP].* //p' include/cophyd/version.h | paste -sd.)

check 'make install' installed install
check 'pkg-config knows the version' test "$(pkg-config --modversion cophyd)" = "$version"
flags=$(pkg-config --cflags cophyd)
shared="$(pkg-config --libs cophyd) -Wl,-rpath,$(pkg-config --variable=libdir cophyd)"
static=$(pkg-config --static --libs cophyd | sed 's/-lcophyd/-l:libcophyd.a/')

# build NAME LINK-FLAGS COMPILER...
build() {
    # shellcheck disable=SC2086
    check "$1 builds" "${@:3}" ${SANITIZE:-} -Wall -Wextra -Werror -pedantic $flags \
        -o "$work/$1" "$PWD/tests/install/program.c" -x none $2
    check "$1 runs" timeout 20 "$work/$1" "$version"
}
build c-shared "$shared" ${CC:-cc} -std=c11
build c-static "$static" ${CC:-cc} -std=c11
build c++-shared "$shared" ${CXX:-c++} -std=c++11 -x c++
build c++-static "$static" ${CXX:-c++} -std=c++11 -x c++
needs() { readelf -d "$work/$1" | grep -q 'NEEDED.*libcophyd'; }
check 'c-shared needs libcophyd.so' needs c-shared
check 'c-static does not' eval '! needs c-static'

# Documents: where jansson was found.
documents() {
    # shellcheck disable=SC2086
    check "$1 builds" "${@:3}" ${SANITIZE:-} -Wall -Wextra -Werror -pedantic $flags \
        -o "$work/$1" "$PWD/tests/install/documents.c" -x none $2
    check "$1 tells of a run" eval \
        "timeout 20 '$work/$1' | tee /dev/stderr | grep -c '^\[\"[a-z]*\",{.*}\]\$' | grep -qx 5"
}
if [ -e "$prefix/lib/libcophyd-doc.so" ]; then
    shared="$(pkg-config --libs cophyd-doc) -Wl,-rpath,$(pkg-config --variable=libdir cophyd-doc)"
    # As README.md has it.
    as_told=$(sed -n "s/.*pkg-config --static --libs cophyd | \(sed .*\))$/\1/p" README.md)
    static=$(pkg-config --static --libs cophyd-doc | eval "$as_told")
    documents doc-c-shared "$shared" ${CC:-cc} -std=c11
    documents doc-c-static "$static" ${CC:-cc} -std=c11
    documents doc-c++-shared "$shared" ${CXX:-c++} -std=c++11 -x c++
    check 'doc-c-shared needs libcophyd-doc.so' needs doc-c-shared
    check 'doc-c-static does not' eval '! needs doc-c-static'
fi

for program in "$prefix"/bin/*; do
    check "${program##*/} finds its libraries" \
        eval "ldd '$program' | tee /dev/stderr | grep -q 'not found' && exit 1; true"
done

# The simulator finds its database definitions too: it says that it is ready.
simulator_starts() {
    local line
    exec 3< <(exec timeout 20 "$prefix/bin/cophyd-sim" --port auto 2>&1)
    read -r line <&3
    kill $!
    echo "$line"
    [[ $line == *ready* ]]
}
[ ! -e "$prefix/bin/cophyd-sim" ] || check 'cophyd-sim starts' simulator_starts

# It is found on the PATH, by a program with neither libcophyd nor EPICS.
kit() {
    # shellcheck disable=SC2046,SC2086
    check "a test program builds as $1" "${@:2}" ${SANITIZE:-} -Wall -Wextra -Werror -pedantic \
        $(pkg-config --cflags cophyd-simulator) -o "$work/kit-$1" "$PWD/tests/install/simulator.c" -x none \
        $(pkg-config --libs cophyd-simulator)
    check "it starts a simulator as $1" env -u COPHYD_SIM PATH="$prefix/bin:$PATH" timeout 60 "$work/kit-$1"
}
if [ -e "$prefix/bin/cophyd-sim" ]; then
    kit C ${CC:-cc} -std=c11
    kit C++ ${CXX:-c++} -std=c++11 -x c++
    check 'pkg-config knows its version' test "$(pkg-config --modversion cophyd-simulator)" = "$version"
fi

check 'make install DESTDIR=' installed DESTDIR="$work/dest" install
check 'the same files as without DESTDIR' \
    diff <(files prefix) <(cd "$work" && files "dest$prefix")
check 'make uninstall' installed uninstall
check 'nothing is left' test -z "$(files prefix)"
check 'make uninstall DESTDIR=' installed DESTDIR="$work/dest" uninstall
check 'nothing is left of that' test -z "$(files dest)"
echo "1..$n"
