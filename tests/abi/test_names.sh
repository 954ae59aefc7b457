#!/bin/bash
# The names that each library exports are those listed here, and those that its headers declare.
set -u
cd "$(dirname "$0")/../.." || exit 1
lib=${BUILD:-build}/lib
doc=include/cophyd/documents.h
n=0

# declared HEADER...: the functions that they declare.
declared() {
    cat "$@" | tr '\n' ' ' | grep -o 'OPH_API [^;(]*(' | grep -o 'oph_[a-z0-9_]*($' | tr -d '(' |
        LC_ALL=C sort -u
}

# compare TITLE WANTED FOUND
compare() {
    n=$((n + 1))
    if difference=$(diff <(echo "$2") <(echo "$3")); then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$difference" | sed -n 's/^</# missing:/p; s/^>/# not wanted:/p'
    fi
}

# library NAME LIST HEADER...
library() {
    local exported
    exported=$(tests/abi/exported.sh "$lib/$1.so")
    compare "$1: exported names as in $2 (make abi-names)" "$(cat "$2")" "$exported"
    compare "$1: every function that its headers declare is exported, and no other" \
        "$(declared "${@:3}")" "$exported"
    compare "$1: no internal name is exported" "" "$(grep -v '^oph_[^_]' <<<"$exported")"
}

others=(include/cophyd/*.h)
library libcophyd tests/abi/names.txt $(printf "%s\n" "${others[@]}" | grep -vx "$doc")
# A program may link both archives.
defined() { nm --defined-only --extern-only --format=posix "$lib/$1.a" | grep -o '^oph_[^ ]*' | LC_ALL=C sort -u; }
if [ -e "$lib/libcophyd-doc.so" ]; then
    compare 'no name is in both archives' '' "$(comm -12 <(defined libcophyd) <(defined libcophyd-doc))"
fi
[ ! -e "$lib/libcophyd-doc.so" ] || library libcophyd-doc tests/abi/names-doc.txt "$doc"
echo "1..$n"
