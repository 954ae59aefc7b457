#!/bin/bash
# The rules of the style that a program can check: rules.sh FILE.[ch]... Prints each breach.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0
shopt -s lastpipe # a breach at the end of a pipe sets it

# breach: shows the lines on stdin, if any, under one sentence.
breach() {
    local lines
    lines=$(cat)
    [ -z "$lines" ] && return
    printf '%s:\n%s\n' "$1" "$lines"
    failed=1
}

# unlisted LIST: drops the lines that begin with a file which LIST gives a reason for.
unlisted() {
    awk -v list="$1" -F: '
        BEGIN { while ((getline line < list) > 0) if (line !~ /^#/) { split(line, part, /[ :]/); ok[part[1]] } }
        !($1 in ok)'
}

# Code without comments and the insides of strings, as FILE:LINE:CODE.
code() {
    awk '
        FNR == 1 { in_comment = 0 }
        {
            line = $0
            gsub(/\\./, "", line)
            gsub(/"[^"]*"/, "\"\"", line)
            out = ""
            while (line != "") {
                if (in_comment) {
                    end = index(line, "*/")
                    line = end ? substr(line, end + 2) : ""
                    in_comment = !end
                } else {
                    start = index(line, "/*")
                    out = out (start ? substr(line, 1, start - 1) : line)
                    line = start ? substr(line, start + 2) : ""
                    in_comment = start > 0
                }
            }
            if (out ~ /[^ \t]/) print FILENAME ":" FNR ":" out
        }' "$@"
}

code=$(mktemp)
trap 'rm -f "$code"' EXIT
code "$@" >"$code"
files=("$@")

find . -mindepth 1 -maxdepth 1 ! -name '.*' ! -name build -printf '%f\n' |
    grep -vxE 'include|src|tests|examples|Makefile|configure|README.md|LICENSE' |
    breach 'The top level holds only include src tests examples Makefile configure README.md LICENSE'

# too_long LINES: the files that have more, as FILE:COUNT lines.
too_long() {
    wc -l "${files[@]}" | awk -v limit="$1" '$1 > limit && $2 != "total" { print $2 ":" $1 " lines" }'
}
too_long 900 | breach 'A file has at most 900 lines'
too_long 600 | unlisted tests/lint/long-files.txt |
    breach 'A file of more than 600 lines needs a reason in tests/lint/long-files.txt'

awk '/^{/ { start = FNR }
    /^}/ && start { if (FNR - start + 1 > 80) print FILENAME ":" start ": " FNR - start + 1 " lines"; start = 0 }' "$@" |
    breach 'A function has at most 80 lines'

grep -E ':.*\<(strtok|sprintf|vsprintf|strcpy|strcat|atoi|atol|atof|gets|alloca)[[:blank:]]*\(' "$code" |
    breach 'Banned functions'

grep -E '^tests/.*\<(usleep|sleep|nanosleep|clock_nanosleep|epicsThreadSleep)[[:blank:]]*\(' "$code" |
    unlisted tests/lint/sleeps.txt |
    breach 'Tests wait for events, not for time (a helper that must poll has its reason in tests/lint/sleeps.txt)'

grep -nE '\<(TODO|FIXME|XXX)\>' "$@" Makefile configure tests/*/*.sh | grep -v '^tests/lint/rules.sh' |
    breach 'Unfinished work'

grep -nE '(^|[^:])//' "$code" /dev/null | cut -d: -f3- |
    breach 'Comments are /* */'

grep -E "^include/" "$code" | grep -E ':    .*(\<(bool|long|time_t)\>[^:,()]*;|[a-z0-9_] *: *[0-9]+ *;)' |
    breach 'A public struct has no bool, long, time_t or bit-field'

if [ -n "${CLANG_FORMAT:-}" ]; then
    for file in "$@"; do
        "$CLANG_FORMAT" "$file" | cmp -s - "$file" || echo "$file"
    done
else
    echo 'clang-format 14 was not found: ./configure --install-deps'
fi | breach 'Not as .clang-format says (make format)'

for script in configure .ci/run tests/*/*.sh; do
    case $(head -n 1 "$script") in
    '#!/bin/sh'*) sh -n "$script" ;;
    *) bash -n "$script" ;;
    esac 2>&1
done | breach 'Shell scripts that do not parse'

exit $failed
