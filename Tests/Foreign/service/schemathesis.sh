#!/usr/bin/env bash
# Runs a service's own OpenAPI description against it with schemathesis and fails on any failed check.
#
#   schemathesis.sh PATH-TO-CARTSYNC
#
# Needs schemathesis and curl. Takes under a minute.
set -euo pipefail

cartsync=$(realpath "${1:?usage: schemathesis.sh PATH-TO-CARTSYNC}")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/Foreign/store.sh
. "$here/../store.sh"
start_sandbox

# One run that is done, and one that waits for approval.
mkdir "$work/inbox"
{ echo customer_id,cart_id; for n in $(seq 60); do echo "c-$n,cart-$n"; done; } >"$work/inbox/first.csv"
CARTSYNC_HTTP_APPROVAL_TOKEN=a-token-for-schemathesis "$cartsync" serve --state "$work/state" --inbox "$work/inbox" \
    --poll 200ms --settle 0s --rate 500 --http 127.0.0.1:0 2>"$work/serve.log" &
pids+=($!)
for _ in $(seq 100); do [ -e "$work/inbox/done/first.csv" ] && break; sleep 0.1; done
{ echo customer_id,cart_id; for n in $(seq 10); do echo "c-$n,cart-$n"; done; } >"$work/inbox/fewer.csv"
for _ in $(seq 100); do [ -e "$work/inbox/waiting/fewer.csv" ] && break; sleep 0.1; done
url=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$work/serve.log" | head -n 1)

curl -fsS "$url/api/openapi.yaml" >"$work/openapi.yaml"
cp "$here/schemathesis.toml" "$work"
cd "$work"
# The ids of runs that there are, so that not every path is unknown.
run=$(find state/runs -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tail -n 1)
sed -i "s/20261121-101500-4f2a/$run/" openapi.yaml
schemathesis --no-color --config-file schemathesis.toml run openapi.yaml --url "$url" --generation-database none \
    --max-examples 30 --header "Authorization: Bearer a-token-for-schemathesis"
# Whatever was sent, the service is as it was.
curl -fsS "$url/readyz"; echo
