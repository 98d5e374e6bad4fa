#!/bin/sh
# Runs the vendor's OpenAPI descriptions, and ours of what it describes in prose, against the sandbox with schemathesis and fails on any failed check.
#
#   schemathesis.sh PATH-TO-CARTSYNC [VENV]
#
# Needs python3 with venv, and PyPI the first time. Takes under three minutes.
set -eu

cartsync=${1:?usage: schemathesis.sh PATH-TO-CARTSYNC [VENV]}
here=$(cd "$(dirname "$0")" && pwd)
venv=${2:-$here/../../.build/schemathesis}
work=$(mktemp -d)
server=
finish() {
    status=$?
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ ! -x "$venv/bin/schemathesis" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'schemathesis==4.32.5'
fi

port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/seed.json" <<'JSON'
{"carts": [], "customers": [{"id": "c-1", "email": "a@x.example", "external_ref": "K 1"}, {"id": "c-2", "external_ref": "K 1"}],
 "accounts": [{"id": "a-1", "external_ref": "K 1", "registration_id": "HRB 1"}, "a-2"],
 "members": [{"id": "m-1", "email": "e@x.example", "accounts": ["a-1", "a-2"]}, {"id": "m-2"}, {"id": "m-3", "accounts": []}]}
JSON
"$cartsync" sandbox --port "$port" --seed "$work/seed.json" >"$work/sandbox.log" 2>&1 &
server=$!
url=http://127.0.0.1:$port
"$venv/bin/python" - "$url" >"$work/token" <<'PYTHON' || { cat "$work/sandbox.log" >&2; exit 1; }
import json, sys, time, urllib.error, urllib.request

form = b"grant_type=client_credentials&client_id=sandbox-id&client_secret=sandbox-secret"
for attempt in range(100):
    try:
        with urllib.request.urlopen(sys.argv[1] + "/oauth/access_token", form) as answer:
            print(json.load(answer)["access_token"])
        break
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ConnectionRefusedError) or attempt == 99:
            sys.exit(f"the sandbox does not answer: {error}")
        time.sleep(0.1)
PYTHON

run() {
    description=$1
    shift
    "$venv/bin/schemathesis" --no-color --config-file "$work/schemathesis.toml" run "$here/openapi/$description" \
        --url "$url" --generation-database none "$@"
}

# schemathesis finds the hooks beside its settings, and leaves its own files there.
cp "$here/schemathesis.toml" "$here/schemathesis_rules.py" "$work"
cd "$work"
run authentication.yaml --max-examples 100
run cart-associations.yaml --max-examples 60 --header "Authorization: Bearer $(cat "$work/token")"
run owners.yaml --max-examples 100 --header "Authorization: Bearer $(cat "$work/token")"
