# shellcheck shell=bash
# Sourced by checks of a service: a sandbox, its variables in the environment, and a folder for what the check needs.
#
# Needs `cartsync`, the path of the program. Gives `work`, and ends every process whose id is added to `pids`.
work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap finish EXIT

# Starts the sandbox with these flags.
start_sandbox() {
    "$cartsync" sandbox --port 0 "$@" >"$work/environment" 2>"$work/sandbox.log" &
    pids+=($!)
    for _ in $(seq 100); do grep -q CLIENT_SECRET "$work/environment" && break; sleep 0.1; done
    set -a
    # shellcheck source=/dev/null
    . "$work/environment"
    set +a
}
