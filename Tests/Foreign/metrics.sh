#!/usr/bin/env bash
# promtool reads what a running service answers on /metrics, and the file that a command leaves for the node exporter.
#
#   metrics.sh PATH-TO-CARTSYNC
#
# Needs promtool (Debian's prometheus package) and curl.
set -euo pipefail

cartsync=${1:?usage: metrics.sh PATH-TO-CARTSYNC}
# shellcheck source=Tests/Foreign/store.sh
. "$(dirname "$0")/store.sh"
start_sandbox

mkdir "$work/inbox"
printf 'customer_id,cart_id\nc-1,cart-1\n' >"$work/inbox/export.csv"
"$cartsync" serve --state "$work/state" --inbox "$work/inbox" --poll 200ms --settle 0s --http 127.0.0.1:0 \
    2>"$work/serve.log" &
pids+=($!)
for _ in $(seq 100); do [ -e "$work/inbox/done/export.csv" ] && break; sleep 0.1; done
url=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$work/serve.log" | head -n 1)

curl -fsS "$url/metrics" >"$work/metrics"
promtool check metrics <"$work/metrics"
grep -q '^cartsync_' "$work/metrics"

# What a node exporter would read beside it: the names of a service and of a command differ.
"$cartsync" sync --yes --state "$work/another" --source by-hand --metrics-file "$work/cartsync.prom" \
    "$work/inbox/done/export.csv" >"$work/report" 2>&1
promtool check metrics <"$work/cartsync.prom"
grep -q '^cartsync_last_run_status{source="by-hand",status="done"} 1$' "$work/cartsync.prom"
# One file for both must have no name twice, as in a collector.
cat "$work/cartsync.prom" "$work/metrics" | grep '^# TYPE' | sort | uniq -d | grep -v last_success_timestamp && exit 1
[ "$(stat -c %a "$work/cartsync.prom")" = 644 ]
