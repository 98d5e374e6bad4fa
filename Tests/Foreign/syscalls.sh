#!/usr/bin/env bash
# The service makes no system call that its unit forbids: each is seen by strace and looked up in the unit's filter.
#
#   syscalls.sh PATH-TO-CARTSYNC
#
# Needs strace and systemd-analyze (Debian's packages).
set -euo pipefail

cartsync=${1:?usage: syscalls.sh PATH-TO-CARTSYNC}
work=$(mktemp -d)
trap 'kill "$sandbox" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
"$cartsync" sandbox --port 0 >"$work/environment" 2>"$work/sandbox.log" &
sandbox=$!
for _ in $(seq 100); do grep -q CLIENT_SECRET "$work/environment" && break; sleep 0.1; done
set -a
# shellcheck source=/dev/null
. "$work/environment"
set +a
mkdir "$work/inbox"
printf 'customer_id,cart_id\nc-1,cart-1\n' >"$work/inbox/export.csv"
cp samples/exports/gzip.xml.gz "$work/inbox/export.xml.gz"
# As another user than root, as the unit has it: some libraries do more where they may.
user=()
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$work"
    user=(setpriv --reuid nobody --clear-groups)
fi
"${user[@]}" strace -f -qq -o "$work/trace" "$cartsync" serve --once --state "$work/state" --inbox "$work/inbox" --poll 200ms \
    --settle 0s --http 127.0.0.1:0 2>"$work/serve.log" || { tail -n 3 "$work/serve.log"; exit 1; }
grep -oE '^[0-9]+ +[a-z][a-z0-9_]*\(' "$work/trace" | grep -oE '[a-z][a-z0-9_]*' | sort -u >"$work/made"

# All names of a set, and of the sets in it.
names() {
    systemd-analyze syscall-filter "$1" | sed 1d | grep -oE '^ +[@a-z][a-z0-9_-]*' | tr -d ' ' | while read -r name; do
        case $name in @*) names "$name" ;; *) echo "$name" ;; esac
    done
}
unit=deploy/systemd/cartsync.service
# Line by line, as systemd reads them: one adds to what is allowed, one with ~ takes away.
: >"$work/allowed"
while read -r line; do
    for set in ${line#\~}; do
        case $set in @*) names "$set" ;; *) echo "$set" ;; esac
    done | sort -u >"$work/named"
    case $line in
    \~*) comm -23 "$work/allowed" "$work/named" >"$work/next" ;;
    *) sort -u "$work/allowed" "$work/named" >"$work/next" ;;
    esac
    mv "$work/next" "$work/allowed"
done < <(sed -n 's/^SystemCallFilter=//p' "$unit")
bad=$(comm -23 "$work/made" "$work/allowed")
# What starts the process is systemd's.
bad=$(echo "$bad" | grep -vxE 'execve|' || true)
[ "$(wc -l <"$work/made")" -gt 30 ] || { echo "strace saw too little"; exit 1; }
[ -z "$bad" ] || { echo "the unit forbids:" $bad; exit 1; }
echo "$(wc -l <"$work/made") system calls, all allowed"
