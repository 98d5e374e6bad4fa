#!/usr/bin/env bash
# The life of the Debian package: installed with apt, the service run as its unit says, upgraded, removed, purged.
set -euo pipefail
root=$work/deb
cp -a "$clean" "$root"
mount -t proc proc "$root/proc"
inside() { chroot "$root" "$@"; }
apt() { inside env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$work/said" 2>&1 || { cat "$work/said"; return 1; }; }
fail() { echo "$1"; exit 1; }

apt update -q
cp "$deb" "$root/cartsync.deb"
apt install -y -q --no-install-recommends /cartsync.deb

inside cartsync --version | grep -q 'commit .*, Swift [0-9]' || fail "--version does not say what was built"
inside cartsync sync --help >/dev/null
for file in usr/share/man/man1/cartsync-sync.1.gz usr/share/man/man5/cartsync.yaml.5.gz \
    usr/share/bash-completion/completions/cartsync usr/share/zsh/vendor-completions/_cartsync \
    usr/share/fish/vendor_completions.d/cartsync.fish lib/systemd/system/cartsync.service \
    lib/systemd/system/cartsync-nightly.timer usr/share/doc/cartsync/copyright; do
    [ -s "$root/$file" ] || fail "$file is missing"
done
# Seen from outside, since the clean root has nothing that reads it.
readelf -d "$root/usr/bin/cartsync" | grep -q BIND_NOW || fail "the addresses of library functions are not fixed at the start"
for unit in "$root"/lib/systemd/system/cartsync*.service; do
    grep -qx 'LimitCORE=0' "$unit" || fail "$unit lets the program leave a core dump"
done
owner=$(inside id -u cartsync)
for expected in "700 $owner /var/lib/cartsync" "3770 $owner /var/spool/cartsync" "700 0 /etc/cartsync/credentials"; do
    path=${expected##* }
    [ "$(stat -c '%a %u' "$root$path") $path" = "$expected" ] || fail "$path: $(stat -c '%a %u' "$root$path"), wanted $expected"
done
inside env HOME=/tmp cartsync demo >"$work/said" 2>&1 || { cat "$work/said"; fail "the demo fails"; }
rm -rf "$root"/tmp/*

# The service, as its unit starts it, with what systemd would give it.
inside cartsync sandbox --port 8400 >/dev/null 2>"$work/sandbox.log" &
sandbox=$!
printf '\napi:\n  base-url: http://127.0.0.1:8400\n  client-id: sandbox-id\n' >>"$root/etc/cartsync/cartsync.yaml"
# Another port than the default, which somebody else on this machine may use.
printf 'http:\n  listen: 127.0.0.1:18480\nsource:\n  poll: 200ms\n  settle: 0s\n' >>"$root/etc/cartsync/cartsync.yaml"
install -d -m 700 -o "$owner" "$root/run/credentials"
printf sandbox-secret >"$root/run/credentials/api-client-secret"
chown "$owner" "$root/run/credentials/api-client-secret"
chmod 400 "$root/run/credentials/api-client-secret"
python3 Tests/Packages/notices.py "$root/run/notify" >"$work/notices" &
listener=$!
while [ ! -e "$root/run/notify" ]; do sleep 0.1; done
chown "$owner" "$root/run/notify"
command=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/cartsync.service")
chroot "$root" setpriv --reuid cartsync --regid cartsync --clear-groups --no-new-privs \
    env -i PATH=/usr/bin:/bin STATE_DIRECTORY=/var/lib/cartsync CREDENTIALS_DIRECTORY=/run/credentials \
    NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=1000000 sh -c "umask 077; exec $command" 2>"$work/serve.log" &
service=$!
printf 'customer_id,cart_id\nc-1,cart-1\n' >"$root/var/spool/cartsync/export.csv"
chown "$owner" "$root/var/spool/cartsync/export.csv"
for _ in $(seq 100); do
    [ -e "$root/var/spool/cartsync/done/export.csv" ] && grep -q WATCHDOG=1 "$work/notices" && break
    sleep 0.1
done
[ -e "$root/var/spool/cartsync/done/export.csv" ] || { cat "$work/serve.log"; fail "the export was not synced"; }
exec 3<>/dev/tcp/127.0.0.1/18480
printf 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:18480\r\nConnection: close\r\n\r\n' >&3
head -n 1 <&3 | grep -q ' 200 ' || fail "/healthz is not well"
exec 3>&-
kill -TERM "$service"
wait "$service" || { cat "$work/serve.log"; fail "the service ended with $?"; }
kill "$sandbox" "$listener"
wait "$sandbox" "$listener" 2>/dev/null || true
[ "$(sort -u "$work/notices" | tr '\n' ' ')" = "READY=1 STOPPING=1 WATCHDOG=1 " ] || { cat "$work/notices"; fail "other notices"; }
[ "$(head -n 1 "$work/notices")" = READY=1 ] || fail "the first notice is not that it is ready"
# What it wrote is its own, whatever the umask of others.
found=$(find "$root/var/lib/cartsync" \( -type f ! -perm 600 \) -o \( -type d ! -perm 700 \))
[ -z "$found" ] || { ls -ld $found; fail "others may read the state folder"; }

apt install -y -q --reinstall /cartsync.deb
grep -q sandbox-id "$root/etc/cartsync/cartsync.yaml" || fail "an upgrade overwrote the settings"

apt remove -y -q cartsync
[ ! -e "$root/usr/bin/cartsync" ] || fail "the program is still there"
[ -e "$root/var/lib/cartsync/ledger.sqlite" ] || fail "removing took the ledger"
grep -q sandbox-id "$root/etc/cartsync/cartsync.yaml" || fail "removing took the settings"

apt purge -y -q cartsync
left=$(find "$root" -xdev -name '*cartsync*' -not -path "$root/cartsync.deb" -not -path "$root/proc/*")
[ -z "$left" ] || fail "purging left $left"
! inside getent passwd cartsync >/dev/null || fail "purging left the user"
umount "$root/proc"
rm -rf --one-file-system "$root"
