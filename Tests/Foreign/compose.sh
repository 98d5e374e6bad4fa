#!/usr/bin/env bash
# The compose file and what it mounts: compose.sh PATH-TO-CARTSYNC
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The rules are elsewhere in the container.
sed "s|/etc/prometheus/cartsync|$PWD/deploy/prometheus/cartsync|" deploy/docker/prometheus.yaml >"$work/prometheus.yaml"
promtool check config "$work/prometheus.yaml" >"$work/said" || { cat "$work/said"; exit 1; }
python Tests/Foreign/compose/check_compose.py deploy/docker/compose.yaml "$1"
