#!/bin/sh
# Builds the release binary for musl, static and not position-independent, and leaves it at
# target/static/castoff.
#
# With $CARGO set, that cargo is used as it is. Else rustup's own musl target, where it can
# be had: with the standard library built from its source for size, where that can be had too
# (a sixth less; "s" makes no more of it than "z", and is faster), and linked by lld, which folds
# functions that are the same and puts what a start touches side by side (scripts/layout.py).
# Else (or with STATIC_TOOLCHAIN=debian) Debian's compiler, which builds the standard library
# from its source package.
set -eu

export CARGO_PROFILE_RELEASE_STRIP=none

# what is made for the project lies in target/, wherever cargo builds
mkdir -p target/static
cargo_target=${CARGO_TARGET_DIR:-target}
target=${STATIC_TARGET:-x86_64-unknown-linux-musl}
variable=CARGO_TARGET_$(echo "$target" | tr 'a-z-' 'A-Z_')
# No unwind tables: a panic aborts, and nothing else walks the stack.
# No RELRO: nothing is relocated, and its padding would be a page that each process touches.
flags="-C relocation-model=static -C relro-level=off -C target-feature=+crt-static -C force-unwind-tables=no -C link-arg=-Wl,-T,$PWD/scripts/no-unwind.ld -C link-arg=-Wl,--build-id=none"

# Cargo doesn't know of linker scripts: without this it would not link anew when one changes.
for script in scripts/*.ld; do
    if [ "$script" -nt target/static/castoff ]; then touch src/main.rs; fi
done

installed() { rustup target list --installed 2>/dev/null | grep -qx "$target"; }

with_debian() {
    missing=
    for package in rustc-web cargo-web rust-web-src musl-tools gcc; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        echo "installing$missing" >&2
        apt-get update -qq >&2
        # shellcheck disable=SC2086 # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $missing >&2
    fi
    # std links against libunwind. gcc's unwinder does what is needed of it, but for one
    # function of glibc, which may find nothing.
    unwind=$PWD/target/musl-unwind
    if [ ! -s "$unwind/libunwind.a" ]; then
        mkdir -p "$unwind"
        echo 'int _dl_find_object(void *pc, void *found) { (void)pc; (void)found; return -1; }' |
            musl-gcc -O2 -x c -c - -o "$unwind/find.o"
        cp --no-preserve=mode "$(gcc -print-file-name=libgcc_eh.a)" "$unwind/libunwind.new"
        ar r "$unwind/libunwind.new" "$unwind/find.o" 2>/dev/null
        mv "$unwind/libunwind.new" "$unwind/libunwind.a"
    fi
    env -u RUSTUP_TOOLCHAIN \
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=target/musl \
        "${variable}_LINKER=musl-gcc" \
        "${variable}_RUSTFLAGS=$flags -C link-self-contained=no -L native=$unwind" \
        /usr/bin/cargo build -Zbuild-std=std,panic_abort --release --locked --target "$target"
    built=target/musl
}

with_rustup() {
    lld=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/gcc-ld
    if [ -e "$lld/ld.lld" ]; then
        flags="$flags -C link-arg=-fuse-ld=lld -C link-arg=-B$lld -C link-arg=-Wl,--icf=all -C link-arg=-Wl,--no-rosegment -C link-arg=-Wl,-Map=$PWD/target/static.map"
        # what was traced, and the sections that it names, are this architecture's
        case $target in x86_64-*) flags="$flags -C link-arg=-Wl,-T,$PWD/scripts/layout.ld" ;; esac
    fi
    if rustup component list 2>/dev/null | grep -q '^rust-src (installed)' ||
        timeout 120 rustup component add rust-src >/dev/null 2>&1; then
        # building std is behind a flag that only RUSTC_BOOTSTRAP opens in a stable compiler
        env RUSTC_BOOTSTRAP=1 "${variable}_RUSTFLAGS=$flags" cargo build --release --locked --target "$target" \
            -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size \
            --config 'profile.release.package.core.opt-level="s"' \
            --config 'profile.release.package.alloc.opt-level="s"' \
            --config 'profile.release.package.std.opt-level="s"'
    else
        env "${variable}_RUSTFLAGS=$flags" cargo build --release --locked --target "$target"
    fi
    built=$cargo_target
}

if [ -n "${CARGO:-}" ]; then
    env "${variable}_RUSTFLAGS=$flags" \
        "$CARGO" build --release --locked --target "$target"
    built=$cargo_target
elif [ "${STATIC_TOOLCHAIN:-}" != debian ] && { installed || timeout 60 rustup target add "$target" >/dev/null 2>&1; }; then
    with_rustup
else
    with_debian
fi

# Stripped here and not by the linker, which then lays functions out by another order than
# that of scripts/layout.ld.
strip --strip-all -o target/static/castoff.stripped "$built/$target/release/castoff"
# Copied, as it will be into an image: strip writes in small pieces, and the kernel keeps them
# in as small ones, which cost a start several faults.
cp target/static/castoff.stripped target/static/castoff.new
rm target/static/castoff.stripped
mv target/static/castoff.new target/static/castoff

# What makes it run in an image FROM scratch: nothing is loaded, nothing is relocated.
if readelf --program-headers --wide target/static/castoff | grep -Eq 'INTERP|DYNAMIC'; then
    echo "target/static/castoff is not static" >&2
    exit 1
fi
