#!/usr/bin/env bash
# `make deps` on a machine that has nothing but make.
set -euo pipefail
root=$work/deps
cp -a "$clean" "$root"
mount -t proc proc "$root/proc"
chroot "$root" sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends make' >"$work/said" 2>&1
mkdir "$root/source"
cp Makefile "$root/source"
chroot "$root" make -C /source deps >>"$work/said" 2>&1 || { tail "$work/said"; exit 1; }
chroot "$root" pkg-config --exists libarchive librnp libxml-2.0 sqlite3 zlib
chroot "$root" git --version >/dev/null
chroot "$root" python3 --version >/dev/null
# A second time there is nothing to do, and nobody is asked for the network.
[ -z "$(chroot "$root" make -s -C /source deps)" ]
umount "$root/proc"
rm -rf --one-file-system "$root"
