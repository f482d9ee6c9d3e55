#!/bin/sh
# Runs a short soak (scripts/soak.py), builds the base image, runs the container tests, and those
# that start castoff in each place once more, with castoff as PID 1 of containers. Without a Docker
# engine it says `skipped` with the reason, unless CASTOFF_REQUIRE_DOCKER=1.
set -eu
cd "$(dirname "$0")/.."

# by the same binary, and without Docker
SOAK_SECONDS=15 scripts/soak.py
if ! docker version >/dev/null 2>&1; then
    if [ "${CASTOFF_REQUIRE_DOCKER:-0}" = 1 ]; then
        echo 'the container tests need a Docker engine, and none answers' >&2
        exit 1
    fi
    echo 'skipped: container tests (no Docker engine answers)'
    exit 0
fi
scripts/base-image.sh
cargo test --test containers
placed=$(scripts/placed-tests.sh)
# shellcheck disable=SC2086 # a list of words
TEST_PLACE=docker cargo test --test castoff -- --exact $placed
