#!/usr/bin/env bash
# Writes the bill of materials to FILE and has another program judge it: sbom.sh FILE
set -euo pipefail
deploy/sbom "$(sed -n 's/.*static let number = "\(.*\)"/\1/p' Sources/cartsync/Version.swift)" >"$1"
python Tests/Foreign/sbom/check_sbom.py "$1" Package.resolved
