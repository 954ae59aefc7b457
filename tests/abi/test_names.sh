#!/bin/bash
# The names that libcophyd exports are those of names.txt, and those that the headers declare.
set -u
cd "$(dirname "$0")/../.." || exit 1
echo 1..3
exported=$(tests/abi/exported.sh "${BUILD:-build}/lib/libcophyd.so")
declared=$(cat include/cophyd/*.h | tr '\n' ' ' | grep -o 'OPH_API [^;(]*(' | grep -o 'oph_[a-z0-9_]*($' |
    tr -d '(' | LC_ALL=C sort -u)

# compare NUMBER TITLE WANTED FOUND
compare() {
    if difference=$(diff <(echo "$3") <(echo "$4")); then
        echo "ok $1 - $2"
    else
        echo "not ok $1 - $2"
        echo "$difference" | sed -n 's/^</# missing:/p; s/^>/# not wanted:/p'
    fi
}

compare 1 "exported names as in tests/abi/names.txt (make abi-names)" "$(cat tests/abi/names.txt)" "$exported"
compare 2 "every function that a public header declares is exported, and no other" "$declared" "$exported"
compare 3 "no internal name is exported" "" "$(grep -v '^oph_[^_]' <<<"$exported")"
