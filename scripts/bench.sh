#!/bin/sh
# Runs the benchmarks (benches/) with the static binary, after installing the peers where
# apt is there. Arguments choose among them: `scripts/bench.sh seeding` shows one table, and
# `scripts/bench.sh write seeding` writes it to the page.
set -eu
cd "$(dirname "$0")/.."

missing=
for program in rsync:rsync strace:strace mkfs.ext4:e2fsprogs tini:tini dumb-init:dumb-init catatonit:catatonit musl-gcc:musl-tools; do
    command -v "${program%%:*}" >/dev/null || missing="$missing ${program#*:}"
done
if [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $missing >/dev/null
fi
if [ ! -x target/bench/peers/bin/pid1 ]; then
    cargo install --quiet --root target/bench/peers pid1-exe || echo "skipped: pid1 of crates.io"
fi
# As Debian's tini and dumb-init are glibc's, their sources are built for musl too: how much of a
# difference is the C library's, and how much the init's.
peers=$PWD/target/bench/peers/bin
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
build_dumb_init() (
    cd "$sources"
    pip download --quiet --no-deps --no-binary :all: dumb-init && tar xzf dumb*init-*.tar.gz
    musl-gcc -O2 -static -o "$peers/dumb-init-musl" dumb*init-*/dumb-init.c
)
build_tini() (
    mkdir "$sources/list" "$sources/state"
    sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$sources/list/debian.sources"
    from="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$sources/list -o Dir::State::lists=$sources/state"
    cd "$sources"
    # shellcheck disable=SC2086 # a list of words
    apt-get $from -qq update && apt-get $from -qq source --download-only tini
    tar xzf tini_*.orig.tar.gz && cd tini-*/src
    sed 's/#cmakedefine.*//; s/@[A-Za-z_]*@//g' tiniConfig.h.in >tiniConfig.h
    { echo 'unsigned char LICENSE[] = "";'; echo 'unsigned int LICENSE_len = 0;'; } >tiniLicense.h
    musl-gcc -O2 -static -D_GNU_SOURCE -o "$peers/tini-musl" tini.c
)
mkdir -p "$peers"
[ -x "$peers/dumb-init-musl" ] || build_dumb_init >/dev/null 2>&1 || echo "skipped: dumb-init built for musl"
# What the others are measured against, besides each other: the least that there can be.
if [ "$(uname -m)" = x86_64 ]; then
    gcc -O2 -static -nostdlib -fno-stack-protector -Wl,-z,noseparate-code -Wl,--build-id=none \
        -o "$peers/least-init" benches/least-init.c
fi
[ -x "$peers/tini-musl" ] || build_tini >/dev/null 2>&1 || echo "skipped: tini built for musl"
# the measured code is the static binary: the harness need not be optimised
cargo bench --quiet --profile dev --bench bench -- "$@"
