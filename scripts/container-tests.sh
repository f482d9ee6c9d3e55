#!/bin/sh
# Runs a short soak (scripts/soak.py), builds the base image, runs the container tests, and the
# process tests once more with castoff as PID 1 of containers. Without a Docker engine it says
# `skipped` with the reason, unless CASTOFF_REQUIRE_DOCKER=1.
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
# those that start castoff in places (tests/harness/launch.rs)
TEST_PLACE=docker cargo test --test castoff -- --skip sweeps process:: services:: \
    modes::waiting modes::steps_ending modes::validators modes::secrets modes::running
