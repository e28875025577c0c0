#!/bin/sh
# Fetches Debian packages that the distribution here does not have, or has too old, from a later suite of the mirror that
# the system already uses: Debian unstable, or Ubuntu 26.04.  Everything is checked by the suite's signed index.  The apt
# state is one of its own in a temporary folder: the system's sources and lists stay as they are, nothing is installed,
# and no root is needed.
#
#   contrib/later-suite.sh keyring
#       Prints the name of the package that is missing for checking what comes from there; nothing when none is.
#   contrib/later-suite.sh fetch DIR PACKAGE...
#       Downloads these packages into DIR.
#   contrib/later-suite.sh fetch-whole DIR PACKAGE [WITHOUT...]
#       Downloads the package and all that it depends on, as apt resolves that for an empty system, but for the packages
#       named after it and what only they need.
#
# On a derivative whose mirror has neither suite, name one of Debian's: DEBIAN_MIRROR=<address, ending in /debian>.
set -eu

die() {
	echo "later-suite: $*" >&2
	exit 1
}

# "URI suite components keyring".
later_suite() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "Debian - $DEBIAN_MIRROR"
	else
		# shellcheck disable=SC2016
		apt-get indextargets --format '$(ORIGIN) $(LABEL) $(CODENAME) $(REPO_URI)' 'Identifier: Packages' |
			awk '$1 == $2 && $3 !~ /-security$/ { print $1, $3, $4 }'
	fi | awk '
		$1 == "Debian" { print $3, "unstable main /usr/share/keyrings/debian-archive-keyring.gpg"; exit }
		$1 == "Ubuntu" { print $3, "resolute main,universe /usr/share/keyrings/ubuntu-archive-keyring.gpg"; exit }'
}

# dpkg's own account of a system that has these packages and nothing else.
system_with() {
	for name; do
		printf 'Package: %s\nStatus: install ok installed\nVersion: 999\nArchitecture: all\nMulti-Arch: foreign\n\n' "$name"
	done
}

fetch() {
	mkdir -p "$into" && (cd "$into" && apt-get "$@" download $packages)
}

fetch_whole() {
	apt-get "$@" --download-only --no-install-recommends install $packages &&
		mkdir -p "$into" && cp "$state"/cache/archives/*.deb "$into"
}

command -v apt-get >/dev/null || die "this needs apt-get"
read -r uri suite components keyring <<END
$(later_suite)
END
[ -n "$keyring" ] || die "apt knows no mirror of Debian or Ubuntu to take a newer package from.  Run again with" \
	"DEBIAN_MIRROR=<address of a Debian mirror, ending in /debian>"

what=${1:-}
case $what in
keyring)
	[ -e "$keyring" ] || basename "$keyring" .gpg
	exit 0
	;;
fetch | fetch-whole) [ $# -ge 3 ] || die "$what DIR PACKAGE..." ;;
*) die "keyring, fetch or fetch-whole" ;;
esac
[ -e "$keyring" ] || die "$keyring is missing, which checks what comes from $uri: install $(basename "$keyring" .gpg)"
into=$2
packages=$3
shift 3
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
if [ "$what" = fetch ]; then
	packages="$packages $*"
	: >"$state/status"
else
	system_with "$@" >"$state/status"
fi
echo "deb [signed-by=$keyring] $uri $suite $(echo "$components" | tr , ' ')" >"$state/sources.list"
set -- -q -y -o "Dir::Etc::SourceList=$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
	-o Dir::Etc::PreferencesParts=/dev/null -o Dir::Etc::Preferences=/dev/null -o "Dir::State::Lists=$state/lists" \
	-o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache" -o Acquire::Languages=none \
	-o APT::Sandbox::User=root -o Debug::NoLocking=1
{ apt-get "$@" update && "$(echo "$what" | tr - _)" "$@"; } >&2 ||
	die "could not fetch $packages from $uri, suite $suite (DEBIAN_MIRROR names another mirror)"
