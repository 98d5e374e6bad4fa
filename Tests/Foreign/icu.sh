#!/usr/bin/env bash
# Links one program with all of ICU's data and with the part that a release has: it prints the same in every language. icu.sh FOLDER
set -euo pipefail
build() {
    swiftc -O Tests/Foreign/icu/main.swift -static-stdlib -use-ld=lld -Xlinker --gc-sections -Xlinker -s "${@:2}" -o "$1"
}
build "$1/whole"
build "$1/part" -Xlinker "$(deploy/icu-data "$1")"
[ "$(stat -c %s "$1/part")" -lt "$(($(stat -c %s "$1/whole") - 25000000))" ] || { echo "the data is not smaller"; exit 1; }
for language in C en_GB.UTF-8 de_DE.UTF-8 tr_TR.UTF-8; do
    for program in whole part; do LANG=$language TZ=Europe/Berlin "$1/$program" >"$1/$program.txt"; done
    [ "$(wc -l <"$1/whole.txt")" -gt 25000 ]
    cmp "$1/whole.txt" "$1/part.txt"
done
