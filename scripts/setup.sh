#!/bin/sh
# Installs the programs that the format tests read config files back with, and the inits that
# castoff is compared with, where apt is there and castoff's tests run as root. Elsewhere the
# tests of missing programs say so.
set -eu

packages='php-cli php-fpm nginx-light ssmtp msmtp libfcgi-bin busybox-static dash python3 python3-dotenv strace binutils util-linux default-jdk-headless apache2-bin redis-server mariadb-server mariadb-client postgresql supervisor python3-yaml python3-ruamel.yaml python3-html5lib mariadb-client-core systemd zstd libarchive-tools attr libcap2-bin tini dumb-init catatonit'
missing=
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
# Debian's postfix and ssmtp can't be installed together, so postfix is only unpacked.
postfix="$(dirname "$0")/../target/postfix"
unpack=
if ! command -v postconf >/dev/null && [ ! -e "$postfix/usr/sbin/postconf" ]; then
    unpack=postfix
fi
if [ -z "$missing$unpack" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "skipped: installing$missing $unpack, which needs root and apt; tests that need them will say \`skipped\`"
    exit 0
fi
echo "installing$missing $unpack"
# Services of these packages are not wanted, only the programs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $missing >/dev/null
fi
if [ -n "$unpack" ]; then
    mkdir -p "$postfix"
    (cd "$postfix" && apt-get download -qq -o APT::Sandbox::User=root postfix && dpkg -x postfix_*.deb . && rm -f postfix_*.deb)
fi
