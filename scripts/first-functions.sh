#!/bin/sh
# Writes scripts/first-functions.ld: the functions that a plain init runs, which the linker
# puts beside each other. The kernel maps a file's pages in windows of 64 kB when one of them
# is touched (fault_around_bytes); laid out like this a plain init touches three windows of
# code, not fifteen. Functions that are not there any more do no harm, and new ones only
# cost their window. Needs valgrind.
set -eu
cd "$(dirname "$0")/.."

scripts/static.sh
built=target/x86_64-unknown-linux-musl/release/castoff
trace=$(mktemp)
trap 'rm -f "$trace" "$trace.names"' EXIT
valgrind --tool=callgrind --demangle=no --callgrind-out-file="$trace" "$built" -- /bin/true 2>/dev/null
{
    echo "/* Written by scripts/first-functions.sh. */"
    echo "SECTIONS"
    echo "{"
    echo "  .text : {"
    # Functions that are the same were folded into one, which has all their names. A crate's
    # hash differs from compiler to compiler.
    sed -nE 's/^c?fn=\([0-9]+\) ([A-Za-z0-9_.]+).*/\1/p' "$trace" | grep -v '^0x' >"$trace.names"
    nm "$built" | awk '
        FNR == NR { ran[$1]; next }
        { at[$3] = $1; names[$1] = names[$1] " " $3 }
        END { for (name in ran) print name names[at[name]] }' "$trace.names" - | tr ' ' '\n' |
        grep -E '^[A-Za-z0-9_.]+$' | sed -E "s/Cs[0-9A-Za-z]+_([0-9])/Cs*_\1/g; s/.*/    *(.text.&)/" | LC_ALL=C sort -u
    echo "    *(.text .text.*)"
    echo "  }"
    echo "}"
    echo "INSERT AFTER .eh_frame_hdr;"
} >scripts/first-functions.ld
