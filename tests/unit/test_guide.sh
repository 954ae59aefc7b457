#!/bin/bash
# README.md, examples/README.md, the map and the headers' comments against what they speak of. Each listing
# is an exact part of a file that the tests run or compare with; names are those of the headers and of the
# class grammar.
set -u
shopt -s lastpipe # what counts the tests may stand at the end of a pipe
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0

# result STATUS TITLE
result() {
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# none TITLE: passes when nothing comes on stdin.
none() {
    cat >"$work/left"
    [ ! -s "$work/left" ]
    result $? "$1"
    sed 's/^/# /' "$work/left"
}

# listings DOCUMENT: each fenced block goes to $work/N, and one line to stdout: N LINE LANGUAGE FILE.
listings() {
    awk -v dir="$work/$(basename "$(dirname "$1")")" '
        /^```/ && !open { open = 1; count++; print dir "." count, FNR, substr($1, 4), $2; next }
        /^```/ { open = 0; close(dir "." count); next }
        open { print >(dir "." count) }' "$1"
}

# is_part BLOCK FILE
is_part() {
    awk 'NR == FNR { block = block $0 "\n"; next } { file = file $0 "\n" }
        END { exit !(length(block) && index("\n" file, "\n" block)) }' "$1" "$2"
}

: >"$work/quoted"
for document in README.md examples/README.md; do
    while read -r block line language file; do
        where=$document:$line
        case $language:$file in
        sh:) result 0 "$where is for the shell" ;;
        c:examples/*.c | python:examples/python/*.py | rust:examples/rust/*.rs | text:examples/*.class | text:tests/data/examples/*.txt)
            echo "$file" >>"$work/quoted"
            is_part "$block" "$file"
            result $? "$where is a part of $file"
            ;;
        *)
            false
            result $? "$where says what it shows"
            ;;
        esac
    done < <(listings "$document")
done

for file in examples/*.c examples/python/*.py examples/*.class tests/data/examples/*.txt; do
    echo "$file"
done | grep -vxFf "$work/quoted" | none 'Every example and every output is shown'

# The headers' comments name what there is, too: what their code, without comments, declares.
grep -ohE '\<(oph_[a-z_]*[a-z]|OPH_[A-Z_]*[A-Z])\>' include/cophyd/*.h | sort -u >"$work/named"
for header in include/cophyd/*.h; do
    "${CC:-cc}" -w -fpreprocessed -dD -E -P "$header"
done | grep -oE '\<(oph_[a-z_]*[a-z]|OPH_[A-Z_]*[A-Z])\>' | sort -u >"$work/declared"
comm -23 "$work/named" "$work/declared" | none 'Every name in a comment of a header is declared in one'

grep -ohE '\<(oph_[a-z_]*[a-z]|OPH_[A-Z_]*[A-Z])\>' README.md examples/README.md | sort -u >"$work/said"
grep -ohE '\<(oph_[a-z_]*[a-z]|OPH_[A-Z_]*[A-Z])\>' include/cophyd/*.h | sort -u >"$work/there"
comm -23 "$work/said" "$work/there" | none 'Every name that they say is in a header'

# All words that the grammar has, from the parser's own tables.
{
    sed -n '/^\(static \)*const char \*const [a-z_]*\[\] = {/,/NULL};/s/.*= {//p;/^  *"[a-z]*",.*NULL};/p' \
        src/core/class_row.c | grep -o '"[a-z]*"'
    sed -n '/^} statements/,/^};/s/^    {\("[a-z]*"\),.*/\1/p' src/core/class_read.c
    sed -n 's/^    static const char \*const [a-z]*\[\] = {\(.*\)NULL};/\1/p' src/core/class_read.c
} | grep -o '[a-z]*' >"$work/words"
[ "$(wc -l <"$work/words")" -ge 39 ]
result $? "The grammar's words were found"
grep -o '`[a-z]*[=`]' examples/README.md | tr -d '`=' | sort -u >"$work/explained"
grep -vxFf "$work/explained" "$work/words" | none 'The guide explains every word of the grammar'

grep -oE '\<OPH_E[A-Z]+ = ' include/cophyd/error.h | tr -d ' =' >"$work/codes"
grep '^| `OPH_E' examples/README.md | cut -d'|' -f2 | grep -o 'OPH_E[A-Z]*' >"$work/explained"
grep -vxFf "$work/explained" "$work/codes" | none 'The guide says of every code what to do'

sed -n 's/^class \([A-Za-z0-9]*\).*/\1/p' src/ad/classes/*.class | sort -u >"$work/classes"
grep -o '`[A-Za-z0-9]*`' examples/README.md | tr -d '`' >"$work/explained"
grep -vxFf "$work/explained" "$work/classes" | none 'The guide names every built-in class'

for document in README.md examples/README.md; do
    grep -o '](\([^)#]*\)' "$document" | cut -c3- | grep -v :// | while read -r link; do
        [ -e "$(dirname "$document")/$link" ] || echo "$document: $link"
    done
done | none 'Every link leads to a file'
for document in README.md examples/README.md; do
    grep -o '](\([^)]*\)' "$document" | cut -c3- | grep '#' | while IFS='#' read -r link part; do
        file=$document
        [ -z "$link" ] || file=$(dirname "$document")/$link
        sed -n 's/^#* //p' "$file" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9\n-' | grep -qxFe "$part" ||
            echo "$document: $link#$part"
    done
done | none 'Every link to a section leads to one'
grep -oE '`[a-z0-9]+/[a-z_0-9]+(\.[ch])?`' src/README.md | tr -d '`' | while read -r file; do
    [ -e "src/$file" ] || echo "src/README.md: $file"
done | none 'Every file of the map is there'
grep -HnE '^[^|].{110}' README.md examples/README.md | while IFS=: read -r document line text; do
    grep -qxFe "$text" examples/*.[ch]* tests/data/examples/*.txt || echo "$document:$line"
done | none 'Only tables and listings have lines of more than 110 columns'
echo "1..$n"
