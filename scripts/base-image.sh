#!/bin/sh
# Sees to it that the image debian:bookworm-slim is there: pulls it, or, where no registry
# answers, makes it of Debian's packages. Needs Docker, and mmdebstrap for the latter.
set -eu

image=debian:bookworm-slim

if docker image inspect "$image" >/dev/null 2>&1; then
    exit 0
fi
if timeout 120 docker pull --quiet "$image" >/dev/null 2>&1; then
    exit 0
fi
if ! command -v mmdebstrap >/dev/null; then
    echo "$image can't be pulled, and mmdebstrap isn't there to make it" >&2
    exit 1
fi
archive=$(mktemp --suffix=.tar)
trap 'rm -f "$archive"' EXIT
mmdebstrap --quiet --variant=minbase bookworm "$archive"
docker import "$archive" "$image" >/dev/null
