#!/usr/bin/env bash
# A Prometheus scrapes a service at work; every query of the dashboard and every alert finds what it asks for.
#
#   dashboard.sh PATH-TO-CARTSYNC
#
# Needs prometheus (Debian's package) and curl.
set -euo pipefail

cartsync=${1:?usage: dashboard.sh PATH-TO-CARTSYNC}
# shellcheck source=Tests/Foreign/store.sh
. "$(dirname "$0")/store.sh"
start_sandbox --latency 5ms
mkdir "$work/inbox"
"$cartsync" serve --state "$work/state" --inbox "$work/inbox" --poll 200ms --settle 0s --http 127.0.0.1:0 --rate 60 \
    2>"$work/serve.log" &
pids+=($!)
for _ in $(seq 100); do grep -q http:// "$work/serve.log" && break; sleep 0.1; done
target=$(grep -oE '127\.0\.0\.1:[0-9]+' "$work/serve.log" | head -n 1)
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/prometheus.yaml" <<EOF
global: {scrape_interval: 500ms, evaluation_interval: 1s}
rule_files: [$PWD/deploy/prometheus/cartsync.rules.yaml]
scrape_configs: [{job_name: cartsync, static_configs: [{targets: ["$target"]}]}]
EOF
prometheus --config.file="$work/prometheus.yaml" --storage.tsdb.path="$work/tsdb" \
    --web.listen-address="127.0.0.1:$port" 2>"$work/prometheus.log" &
pids+=($!)
# It takes some seconds before it scrapes at all.
for _ in $(seq 200); do
    curl -fs "http://127.0.0.1:$port/api/v1/label/__name__/values" 2>/dev/null | grep -q cartsync_changes_total && break
    sleep 0.1
done

# Two nights: 240 associations, of which 30 are gone in the second; not the last ones, as if the export was cut.
export_of() { echo customer_id,cart_id; for i in $(seq 100) $(seq "$1" 240); do echo "c-$i,cart-$i"; done; }
for night in 101 131; do
    export_of "$night" >"$work/inbox/.$night"
    mv "$work/inbox/.$night" "$work/inbox/$night.csv"
    for _ in $(seq 150); do [ -e "$work/inbox/done/$night.csv" ] && break; sleep 0.1; done
    [ -e "$work/inbox/done/$night.csv" ] || { cat "$work/serve.log"; exit 1; }
done
sleep 1.2
python Tests/Foreign/dashboard/check_dashboard.py "http://127.0.0.1:$port" deploy/grafana/cartsync.json
