#!/bin/sh
# Writes C that holds every migration with its hash, in order of number.  A migration that has been released is never
# edited: its SHA-256 is pinned in SHA256SUMS, and the build stops when file and line do not match.  After adding one:
#   cd store/migrations && sha256sum 0007_name.sql >>SHA256SUMS
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")"

fail() {
	echo "store/migrations: $*" >&2
	exit 1
}

sha256sum --check --strict --quiet SHA256SUMS >&2 || fail "a pinned migration is missing or was changed"

n=0
rows=
echo '/* Generated from store/migrations/ by embed.sh. */'
echo '#include "store/migrate.h"'
echo
for f in [0-9][0-9][0-9][0-9]_*.sql; do
	n=$((n + 1))
	case $f in
	"$(printf %04d $n)"_*) ;;
	*) fail "$f: number $n should come next" ;;
	esac
	hash=$(awk -v f="$f" '$2 == f || $2 == "*" f { print $1 }' SHA256SUMS)
	[ ${#hash} = 64 ] || fail "$f: not pinned exactly once in SHA256SUMS"
	echo "static const char sql_$n[] ="
	awk '{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\?/, "\\?"); printf "\t\"%s\\n\"\n", $0 }' "$f"
	printf '\t"";\n\n'
	rows="$rows	{$n, \"$f\", sql_$n, \"$hash\"},
"
done
printf 'const struct migration migrations[] = {\n%s};\n' "$rows"
echo "const size_t n_migrations = $n;"
