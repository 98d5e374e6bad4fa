#!/usr/bin/env bash
# Makes the sealed exports of this folder with GnuPG: keys of nobody, for tests only.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
export GNUPGHOME=$(mktemp -d)
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
# Keys of the past, so that they are valid whatever the clock of a test says.
gpg() { command gpg --faked-system-time 20240101T000000! --batch --yes --quiet --pinentry-mode loopback --trust-model always "$@"; }
key() { gpg --passphrase "$3" --quick-gen-key "$1 <$1@example.org>" "$2" default never; }
cd "$out"
key ours rsa2048 ""; key locked future-default "open sesame"; key sender future-default ""; key other future-default ""
gpg --passphrase "" --quick-add-key "$(gpg --list-keys --with-colons ours | awk -F: '/^fpr/{print $10; exit}')" rsa2048 encr never
gpg --passphrase "" --export-secret-keys --armor ours >ours.key.asc
gpg --passphrase "open sesame" --export-secret-keys --armor locked >locked.key.asc
gpg --export --armor ours >ours.asc
gpg --export --armor sender >sender.asc
gpg --export other >other.gpg
printf 'customer_id,cart_id\nc-1,k-1\nc-2,k-2\n' >plain.csv
gzip -nk plain.csv
gpg -r ours -o plain.csv.gpg -e plain.csv
gpg -r ours -o plain.csv.asc -a -e plain.csv
gpg -r locked -o locked.csv.pgp -e plain.csv
gpg -r other -o other.csv.gpg -e plain.csv
gpg -r ours -r locked -o both.csv.gpg -e plain.csv
gpg -r ours -o packed.csv.gz.gpg --compress-algo none -e plain.csv.gz
gpg -r ours -o bzip2.csv.gpg --compress-algo bzip2 -e plain.csv
gpg -u sender -r ours -o signed.csv.gpg -s -e plain.csv
gpg -u other -r ours -o signed-by-other.csv.gpg -s -e plain.csv
gpg -u sender -o signed-only.csv.gpg -s plain.csv
gpg -u sender --default-sig-expire 1d -r ours -o expired.csv.gpg -s -e plain.csv
gpg --passphrase "open sesame" -o symmetric.csv.gpg -c plain.csv
gpg -r ours --rfc2440 --disable-mdc -o no-mdc.csv.gpg -e plain.csv || true
gpg -r ours -o workbook.xlsx.gpg -e ../sheets/shared.xlsx
{ echo customer_id,cart_id; seq 1 30 | sed 's/.*/c-&,k-&/'; echo 'c-31,k 31'; } >rejected.csv
gpg -u sender -r ours -o rejected.csv.gpg -s -e rejected.csv
{ echo customer_id,cart_id; yes c-1,k-1 | head -300000; } >large.csv || true
gpg -r ours -o large.csv.gpg -e large.csv
rm plain.csv plain.csv.gz rejected.csv large.csv
