#!/bin/sh
# Runs the benchmarks (benches/) with the static binary, after installing the peers where
# apt is there. Arguments choose among them: scripts/bench.sh seeding
set -eu
cd "$(dirname "$0")/.."

missing=
for program in rsync:rsync strace:strace mkfs.ext4:e2fsprogs tini:tini dumb-init:dumb-init catatonit:catatonit; do
    command -v "${program%%:*}" >/dev/null || missing="$missing ${program#*:}"
done
if [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $missing >/dev/null
fi
if [ ! -x target/bench/peers/bin/pid1 ]; then
    cargo install --quiet --root target/bench/peers pid1-exe || echo "skipped: pid1 of crates.io"
fi
# the measured code is the static binary: the harness need not be optimised
cargo bench --quiet --profile dev --bench bench -- "$@"
