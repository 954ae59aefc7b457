#!/bin/bash
# Runs one fuzz target for prove: run.sh build/fuzz/fuzz/NAME. First all inputs that are kept, then
# new ones for FUZZ_TIME seconds. FUZZ_RUNS, where it is set, ends it after so many, by the same
# numbers each time. What it finds is kept below build/fuzz/found, ready for tests/fuzz/corpus.
set -u
program=$1
name=$(basename "$program")
work=$(dirname "$program")/..
seeds=()
for folder in tests/fuzz/corpus/"$name" "$work/seeds/$name"; do
    [ ! -d "$folder" ] || seeds+=("$folder")
done
corpus=$work/corpus/$name
found=$work/found/$name-
log=$work/found/$name.log
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1

[ -z "${FUZZ_RUNS:-}" ] || rm -rf "$corpus"
mkdir -p "$corpus" "$work/found"
args=(-max_total_time="$FUZZ_TIME" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$found" -print_final_stats=1)
[ -z "${FUZZ_RUNS:-}" ] || args+=(-seed=1 -runs="$FUZZ_RUNS")
[ ! -e "tests/fuzz/dict/$name.dict" ] || args+=(-dict="tests/fuzz/dict/$name.dict")

echo 1..1
if "$program" "${args[@]}" "$corpus" "${seeds[@]}" >"$log" 2>&1 </dev/null; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "ok 1 - $name: $runs inputs, $cover edges"
    echo "# $name: $runs inputs, $cover edges" >&2
else
    echo "not ok 1 - $name: see $log"
    grep -E -A 12 'ERROR|This does not hold|runtime error|SUMMARY|Test unit written' "$log" | head -n 60 >&2
    exit 1
fi
