#!/bin/sh
# Runs the tests that need a cgroup with a memory limit under cgroup v2: here, if the machine has it;
# else in a virtual one with Debian's kernel, emulated (a minute), since KVM is seldom to be had
# where tests run. Arguments choose the tests. For the latter it needs root, and Debian's packages of
# qemu-system-x86, mmdebstrap and cpio, which it installs; where it can't have them it says `skipped`.
# CGROUP2_SECONDS (600) is how long the virtual machine may take.
set -eu
cd "$(dirname "$0")/.."

# Those of several services are left out: an emulated machine is so slow in giving back what a victim
# had that the kernel kills once more, and the next one is a bystander.
[ $# -gt 0 ] || set -- process::oom:: process::limits::
if grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
    exec cargo test --test castoff -- "$@"
fi
if [ "$(id -u)" -ne 0 ] || [ "$(uname -m)" != x86_64 ] || ! command -v apt-get >/dev/null; then
    echo "skipped: cgroup v2 (a virtual machine for it is made as root, on x86-64, of Debian's packages)"
    exit 0
fi
kernel=linux-image-cloud-amd64
made=$PWD/target/cgroup2
root=$made/root
mkdir -p "$made"

skip() {
    echo "skipped: cgroup v2 ($1 can't be had)"
    exit 0
}
missing=
for program in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap cpio:cpio; do
    command -v "${program%%:*}" >/dev/null || missing="$missing ${program#*:}"
done
if [ -n "$missing" ] || [ ! -e "$made/vmlinuz" ]; then
    apt-get update -qq || skip "Debian's packages"
fi
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $missing >/dev/null || skip "$missing"
fi
fetch_kernel() (
    cd "$made"
    package=$(apt-cache depends "$kernel" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
    apt-get -o APT::Sandbox::User=root download -qq "$package" &&
        dpkg-deb --fsys-tarfile linux-image-*.deb | tar --extract --wildcards './boot/vmlinuz-*' &&
        mv boot/vmlinuz-* vmlinuz && rm -r boot linux-image-*.deb
)
[ -e "$made/vmlinuz" ] || fetch_kernel || skip "$kernel"
if [ ! -e "$root/usr/bin/python3" ]; then
    rm -rf "$root"
    mmdebstrap --quiet --variant=minbase --include=python3-minimal,procps bookworm "$root" || skip "a root directory"
fi

# The tests find castoff where they were built.
cargo build --quiet
tests=$(cargo test --quiet --test castoff --no-run --message-format=json |
    sed -n 's/.*"kind":\["test"\].*"name":"castoff".*"executable":"\([^"]*\)".*/\1/p')
rm -rf "${root:?}$PWD"
for program in "$tests" "$PWD/target/debug/castoff"; do
    install -D "$program" "$root$program"
    strip "$root$program"
done
cat >"$root/init" <<END
#!/bin/sh
export PATH=/usr/sbin:/usr/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p '$PWD'
cd '$PWD'
'$tests' --color=never --test-threads=1 $*
echo "ended with \$?"
# until it has been said: what the kernel says next comes in between otherwise
sleep 1
echo o >/proc/sysrq-trigger
sleep 60
END
chmod +x "$root/init"
(cd "$root" && find . -xdev | cpio --quiet --create --format=newc) >"$made/initrd"

timeout "${CGROUP2_SECONDS:-600}" qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 3G \
    -nodefaults -no-reboot -display none -serial stdio \
    -kernel "$made/vmlinuz" -initrd "$made/initrd" -append 'console=ttyS0 loglevel=1 panic=-1' </dev/null |
    tr -d '\r' | tee "$made/log"
grep -q '^ended with 0$' "$made/log"
if grep -q 'no cgroup with a memory limit' "$made/log"; then
    echo 'the virtual machine has no cgroup with a memory limit' >&2
    exit 1
fi
