#!/bin/sh
# Fuzzes each target of fuzz/Cargo.toml (or those named) for FUZZ_SECONDS, FUZZ_JOBS at a time,
# and ends with a table. A finding ends only its own target's run, and the script fails.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-600}
jobs=${FUZZ_JOBS:-$(nproc)}
# Longer inputs find the same, slower; what only size shows is for the target `large`.
longest=${FUZZ_LONGEST:-4096}
home=target/fuzz

# One target, with its log, its corpus and what it found below $home.
if [ "${1:-}" = --one ]; then
    target=$2
    mkdir -p "$home/corpus/$target" "$home/found/$target" "$home/log"
    fuzz/seeds.sh "$PWD/$home/seeds/$target" "$target"
    words=fuzz/$target.dict
    [ -e "$words" ] || words=fuzz/parts.dict
    program=$(ls -d "$home"/*/release/"$target")
    nice "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len="$longest" \
        -dict="$words" -print_final_stats=1 -artifact_prefix="$home/found/$target/" \
        "$home/corpus/$target" "$home/seeds/$target" >"$home/log/$target" 2>&1 || true
    exit
fi

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo 'skipped: cargo fuzz (not installed: cargo install cargo-fuzz)'
    exit 0
fi
# Coverage is counted through a flag that only RUSTC_BOOTSTRAP opens in a stable compiler. No
# sanitizer: lexers and renderer are safe code.
RUSTC_BOOTSTRAP=1 cargo fuzz build --sanitizer none --target-dir "$home"

targets=$*
if [ -z "$targets" ]; then
    targets=$(cargo fuzz list)
fi
# shellcheck disable=SC2086 # a list of words
printf '%s\n' $targets | xargs -P "$jobs" -I NAME "$0" --one NAME

printf '\n%-14s %12s %9s %8s %9s\n' target executions coverage 'peak MB' findings
failed=0
for target in $targets; do
    log=$home/log/$target
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    # a slow input is told, and is no finding until it takes longer than the timeout
    findings=$(find "$home/found/$target" -type f ! -name 'slow-unit-*' | wc -l)
    printf '%-14s %12s %9s %8s %9s\n' "$target" "${executions:--}" "${coverage:--}" "${peak:--}" "$findings"
    [ "$findings" -eq 0 ] && grep -q '^Done ' "$log" || failed=1
done
if [ "$failed" -ne 0 ]; then
    echo "what was found is below $home/found, what was said of it below $home/log"
fi
exit "$failed"
