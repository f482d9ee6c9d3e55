#!/bin/sh
# The quickstart, told step by step. Needs a Rust toolchain and nothing else: no root, no
# Docker, no PHP. Everything is written below a directory that is removed at the end.
set -eu
cd "$(dirname "$0")/.."

cargo build --quiet
case ${CARGO_TARGET_DIR:=target} in
/*) castoff=$CARGO_TARGET_DIR/debug/castoff ;;
*) castoff=$PWD/$CARGO_TARGET_DIR/debug/castoff ;;
esac
example=$PWD/examples/quickstart
work=$(mktemp -d)
pid=
finish() {
    if [ -n "$pid" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
root=$work/root
log=$work/log
mkdir "$root"

say() { printf '\n== %s\n' "$1"; }

# As PID 1 of a new PID namespace where the kernel lets us make one.
launcher=
if unshare --user --map-root-user --pid --fork --mount-proc true 2>/dev/null; then
    launcher='unshare --user --map-root-user --pid --fork --kill-child --mount-proc'
fi

options="--config $example/castoff.toml --env-file $example/site.env --root $root"

# Starts castoff, shows its output until the service is ready, then asks it to end.
start() {
    mkfifo "$work/pipe"
    # shellcheck disable=SC2086 # lists of words
    $launcher "$castoff" $options >"$work/pipe" 2>&1 &
    pid=$!
    exec 3<"$work/pipe"
    rm "$work/pipe"
    : >"$log"
    while IFS= read -r line <&3; do
        printf '   %s\n' "$line"
        printf '%s\n' "$line" >>"$log"
        case $line in *ready*) break ;; esac
    done
    if [ -n "$launcher" ]; then
        inner=$(cat "/proc/$pid/task/$pid/children")
        echo "   (castoff is PID 1 of its own namespace: $(sed -n 's/^NSpid:[[:space:]]*//p' "/proc/${inner% }/status"))"
    else
        inner=$pid
    fi
    kill -TERM "${inner% }"
    while IFS= read -r line <&3; do
        printf '   %s\n' "$line"
    done
    exec 3<&-
    status=0
    wait "$pid" || status=$?
    pid=
    echo "   exit status $status"
    test "$status" -eq 0
}

say 'A wrong value stops the start, and the message says what to do'
if (cd "$example" && env PHP_MEMORY_LIMIT=64MB WORDPRESS_DB_USR=me "$castoff" --config castoff.toml --check) 2>&1 |
    sed 's/^/   /'; then :; fi

say 'First start: castoff checks the variables, renders three files, starts the service'
if [ -z "$launcher" ]; then
    echo '   (this kernel lets no user make a PID namespace: running as an ordinary process)'
fi
start

say 'What it wrote: the password a"b\c$d;e'\''f{{ g }}&<?php h ?>#i, as PHP reads it'
grep DB_PASSWORD "$root/var/www/html/wp-config.php" | sed 's/^/   /'

say 'Second start: the same variables, so nothing has to be written'
start
grep -q 'nothing had to be written' "$log"

say 'Your turn'
cat <<END
   examples/quickstart/castoff.toml is the spec of this demo; README.md explains it.
END
