#!/usr/bin/env bash
# kustomize builds each overlay, and each object it gives has to fit the schema of Kubernetes' API, no field unknown.
#
# Needs kubectl for its kustomize, and kubernetes-validate from PyPI with the schemas.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for overlay in deploy/kubernetes/overlays/*/; do
    name=$(basename "$overlay")
    kubectl kustomize "$overlay" >"$work/$name.yaml"
done
python Tests/Foreign/kubernetes/check_objects.py "$work"/*.yaml
