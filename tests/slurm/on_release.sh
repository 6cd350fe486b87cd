#!/usr/bin/env bash
# The tests on real Slurm on another release of Debian, and so on another Slurm: trixie has 24.11, sid 26.05.
#
#     bash tests/slurm/on_release.sh RELEASE [pytest's words...]
#
# As root, with debootstrap. The release lives in $FABRIEK_RELEASES (/var/tmp/fabriek-releases) and is used again; mounts
# are this process's own and end with it.
set -euo pipefail
release=${1:?which release of Debian: trixie, sid}
if [ -z "${FABRIEK_INSIDE:-}" ]; then
    FABRIEK_INSIDE=1 exec unshare --mount bash "$0" "$@"
fi
shift
here=$(cd "$(dirname "$0")/../.." && pwd)
root=${FABRIEK_RELEASES:-/var/tmp/fabriek-releases}/$release
if [ ! -e "$root/root/made" ]; then
    mkdir -p "$root"
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,make,git,iproute2 "$release" "$root"
    touch "$root/root/made"
fi
# Namespaces of networks are entered where the root is a mount.
mount --rbind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
# How this machine reaches others.
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp -L "$file" "$root$file"
done
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
mkdir -p "$root/root/fabriek"
find "$root/root/fabriek" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
git -C "$here" ls-files -z | tar -C "$here" --null -T - -cf - | tar -C "$root/root/fabriek" -xf -
[ $# -gt 0 ] || set -- tests/slurm
chroot "$root" bash -euc '
    cd /root/fabriek
    python3 src/fabriek/demo/slurm/packages.py --install
    # Over ssh, with data between sites, and with clocks that step.
    missing=""
    command -v ssh >/dev/null || missing="$missing openssh-client"
    [ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
    ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing="$missing libfaketime"
    [ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    make .venv/dev
    slurmctld -V
    exec .venv/bin/python -m pytest "$@"
' bash "$@"
