#!/bin/sh
# Licences, duplicates and sources of the dependencies, where cargo-deny is installed.
set -eu
if ! cargo deny --version >/dev/null 2>&1; then
    echo 'skipped: cargo deny (not installed: cargo install cargo-deny)'
    exit 0
fi
cargo deny --log-level error check bans licenses sources
