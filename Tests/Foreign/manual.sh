#!/usr/bin/env bash
# groff formats every manual page without a warning; the shells read the completions.
#
#   manual.sh PATH-TO-CARTSYNC
set -euo pipefail
cartsync=${1:?usage: manual.sh PATH-TO-CARTSYNC}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cartsync" documents "$work" 2>"$work/said"
for page in "$work"/man*/*; do
    said=$(groff -man -ww -Tutf8 -P-c -P-b -P-u -P-o "$page" 2>&1 >"$work/text")
    [ -z "$said" ] || { echo "$said"; exit 1; }
    for section in NAME SYNOPSIS 'EXIT STATUS' 'SEE ALSO'; do
        case $page in *.5) [ "$section" = NAME ] || continue ;; esac
        grep -q "$section" "$work/text" || { echo "$page has no $section"; exit 1; }
    done
done
bash -n "$work/completions/cartsync"
echo "$(ls "$work"/man*/* | wc -l) pages"
