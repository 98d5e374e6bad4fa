#!/usr/bin/env bash
# systemd's own tools judge the units: that they are well-formed, and how exposed they leave the machine.
#
# Needs systemd-analyze (Debian's systemd package); no systemd has to run.
set -euo pipefail

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
units="$root/usr/lib/systemd/system"
mkdir -p "$units" "$root/bin" "$root/usr/bin" "$root/etc"
# The targets that the units are bound to.
cp -r /usr/lib/systemd/system/*.target "$units"
cp deploy/systemd/* "$units"
# verify wants the programs to be there.
for program in usr/bin/cartsync bin/kill bin/sh; do install -m 755 /bin/true "$root/$program"; done

# The service of one store among several is the service of the only one, with names of its own.
diff <(sed -e 's/-%i//g; s/%i-//g; s/%i\.yaml/cartsync.yaml/; s/ of the store %i//' -e '/http.listen: each/d' deploy/systemd/cartsync@.service) \
    deploy/systemd/cartsync.service

cd "$units"
for unit in cartsync.service cartsync-nightly.service cartsync-nightly.timer cartsync-failed@cartsync.service cartsync@eu.service; do
    said=$(systemd-analyze verify --root="$root" --man=no --recursive-errors=no "$unit" 2>&1) || { echo "$said"; exit 1; }
    # It ends with 0 for keys that it does not know, and says so.
    if [ -n "$said" ]; then
        echo "$unit: $said"
        exit 1
    fi
done
for unit in cartsync.service cartsync-nightly.service cartsync-failed@cartsync.service cartsync@eu.service; do
    systemd-analyze security --offline=true --root="$root" --threshold=20 --no-pager "$unit" >"$root/said" ||
        { cat "$root/said"; exit 1; }
    tail -n 1 "$root/said"
done
