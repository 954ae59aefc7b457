#!/bin/bash
# ./configure, of itself alone in a folder: what it says of an EPICS, an HDF5 and a compiler that will
# not do. Each sentence names what was wanted, what was found, and what helps.
set -u
cd "$(dirname "$0")/../.." || exit 1
unset EPICS_BASE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp configure "$work"
cc=${CC:-cc}
n=0

# says TITLE SENTENCE ARGUMENT...: it fails, and its messages have the sentence.
says() {
    n=$((n + 1))
    if (cd "$work" && ./configure "${@:3}") >"$work/out" 2>"$work/err" || ! grep -qF -- "$2" "$work/err"; then
        echo "not ok $n - $1"
        sed 's/^/# /' "$work/out" "$work/err"
    else
        echo "ok $n - $1"
    fi
}

mkdir -p "$work/empty" "$work/base/include" "$work/base/lib/linux-x86_64"
says 'an option that it does not know' "found '--with-hdf6=/x'" --with-hdf6=/x
says 'no such EPICS' "--with-epics=$work/none: no usable EPICS Base (cadef.h, libca.so, libCom.so) there" \
    --with-epics="$work/none"
says 'a folder without EPICS' 'no usable EPICS Base' --with-epics="$work/empty"
EPICS_BASE=$work/empty says 'the same by EPICS_BASE' "EPICS_BASE=$work/empty: no usable EPICS Base"
touch "$work/base/include/cadef.h"
says 'headers without libraries' 'no usable EPICS Base' --with-epics="$work/base"
# Libraries of another machine, or that are none.
echo none >"$work/base/lib/linux-x86_64/libca.so"
echo none >"$work/base/lib/linux-x86_64/libCom.so"
says 'libraries that do not link' 'no usable EPICS Base' --with-epics="$work/base"

says 'no HDF5' "--with-hdf5=$work/empty names no usable HDF5 (include/hdf5.h, lib/libhdf5.so)" \
    --with-hdf5="$work/empty"
# An HDF5 of that release: headers of one, a library of another.
hdf5() {
    mkdir -p "$work/hdf5/include" "$work/hdf5/lib"
    printf '#include <stdio.h>\n#define H5_VERS_MAJOR %s\n#define H5_VERS_MINOR %s\n' "$1" "$2" \
        >"$work/hdf5/include/hdf5.h"
    echo 'int H5get_libversion(unsigned *, unsigned *, unsigned *);' >>"$work/hdf5/include/hdf5.h"
    # shellcheck disable=SC2086
    printf 'int H5get_libversion(unsigned *a, unsigned *b, unsigned *c) { *a = %s; *b = %s; *c = 0; return 0; }\n' \
        "$3" "$4" | $cc -shared -fPIC -x c -o "$work/hdf5/lib/libhdf5.so" -
}
hdf5 2 0 2 0
says 'an HDF5 that is too new' 'wanted HDF5 1.10 to 1.14, found 2.0.0: name another with --with-hdf5=DIR' \
    --with-hdf5="$work/hdf5"
hdf5 1 8 1 8
says 'one that is too old' 'wanted HDF5 1.10 to 1.14, found 1.8.0' --with-hdf5="$work/hdf5"
hdf5 1 10 1 14
says 'headers of another than the library' 'names no usable HDF5' --with-hdf5="$work/hdf5"

says 'no compiler' "wanted a C11 compiler, '$work/none' does not compile and run a program" CC="$work/none"
says 'a compiler for 32 bits' 'wanted a compiler for a machine of 64 bits' \
    CC="$cc -Wno-builtin-macro-redefined -U__SIZEOF_POINTER__ -D__SIZEOF_POINTER__=4"
echo "1..$n"
