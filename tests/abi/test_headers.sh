#!/bin/bash
# Each public header compiles alone, as strict C11 and as C++11.
set -u
cd "$(dirname "$0")/../.." || exit 1
headers=(include/cophyd/*.h)
echo "1..$((2 * ${#headers[@]}))"
n=0

# compiles HEADER NAME COMPILER FLAGS...
compiles() {
    n=$((n + 1))
    if said=$(printf '#include <%s>\nint main(void);\n' "${1#include/}" |
        "${@:3}" -pedantic-errors -Wall -Wextra -Wshadow -Werror -Iinclude -fsyntax-only - 2>&1); then
        echo "ok $n - ${1#include/} as $2"
    else
        echo "not ok $n - ${1#include/} as $2"
        sed 's/^/# /' <<<"$said"
    fi
}

for header in "${headers[@]}"; do
    compiles "$header" C11 ${CC:-cc} -std=c11 -x c
    compiles "$header" C++11 ${CXX:-c++} -std=c++11 -x c++
done
