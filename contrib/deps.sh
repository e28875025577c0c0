#!/bin/sh
# Installs what walletd needs, on Debian 12 and 13 and Ubuntu 24.04.  Quick when nothing is missing.
#
#   contrib/deps.sh [build] [lint] [peers]      default: all three
#
# build  the libraries, the compiler, and what `make run` and `make check` use
# lint   clang and its tools, cppcheck, valgrind: `make lint`, `make fuzz`
# peers  what the real mint and the real EVM node of the end-to-end tests need
#
# libsecp256k1 must have MuSig (0.6 or later), which none of the three ships.  It is taken from a later suite of the
# mirror that the system already uses: Debian unstable, or Ubuntu 26.04; the packages need nothing newer than libc6 2.4.
# They are fetched with an apt state of their own, in a temporary folder: the system's sources and lists stay as they
# are.  On a derivative whose mirror has neither suite, name one of Debian's: DEBIAN_MIRROR=<address, ending in /debian>.
set -eu

SECP_MIN=0.6.0
GROUPS_WANTED=${*:-build lint peers}

say() {
	echo "deps: $*" >&2
}

die() {
	say "$*"
	exit 1
}

has() {
	command -v "$1" >/dev/null 2>&1
}

wants() {
	case " $GROUPS_WANTED " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

secp_is_new() {
	has pkg-config && pkg-config --exists "libsecp256k1 >= $SECP_MIN"
}

# What is missing, as names of Debian packages, one per line.  Left: the package.  Right: how to see that it is there.
missing() {
	module() {
		has pkg-config && pkg-config --exists "$2" || echo "$1"
	}
	program() {
		has "$2" || echo "$1"
	}
	if wants build; then
		program build-essential cc
		program build-essential make
		program pkg-config pkg-config
		program git git
		program curl curl
		program python3 python3
		module libevent-dev 'libevent_core >= 2.1.8 libevent_extra >= 2.1.8'
		module libsqlite3-dev 'sqlite3 >= 3.37'
		module libjansson-dev 'jansson >= 2.13'
		module libcurl4-openssl-dev 'libcurl >= 7.82'
		module libssl-dev 'libcrypto >= 3.0'
		module libsodium-dev 'libsodium >= 1.0.18'
		module libcbor-dev 'libcbor >= 0.8'
		module nettle-dev 'nettle >= 3.7'
		module libinih-dev inih
		module libqrencode-dev libqrencode
		module check 'check >= 0.15'
	fi
	if wants lint; then
		program clang clang
		program clang-format clang-format
		program clang-tidy clang-tidy
		program cppcheck cppcheck
		program valgrind valgrind
		has clang && [ -e "$(clang -print-file-name=libclang_rt.fuzzer-$(uname -m).a)" ] ||
			[ -e "$(clang -print-file-name=libclang_rt.fuzzer.a 2>/dev/null)" ] || echo libclang-rt-dev
	fi
	if wants peers; then
		program python3 python3
		python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || echo python3-venv
		program openssl openssl
		# npm only fetches the node: where there is one, tests/peers/anvil takes that.
		has "${ANVIL:-anvil}" || program npm npm
	fi
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif has sudo; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo.  Run as root: $*"
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@"
}

# "URI suite component keyring" of the later suite.
later_suite() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "Debian - $DEBIAN_MIRROR"
	else
		# shellcheck disable=SC2016
		apt-get indextargets --format '$(ORIGIN) $(LABEL) $(CODENAME) $(REPO_URI)' 'Identifier: Packages' |
			awk '$1 == $2 && $3 !~ /-security$/ { print $1, $3, $4 }'
	fi | awk '
		$1 == "Debian" { print $3, "unstable main /usr/share/keyrings/debian-archive-keyring.gpg"; exit }
		$1 == "Ubuntu" { print $3, "resolute universe /usr/share/keyrings/ubuntu-archive-keyring.gpg"; exit }'
}

secp_from_later_suite() {
	# shellcheck disable=SC2046
	set -- $(later_suite)
	[ $# = 4 ] || die "the distribution's libsecp256k1 is older than $SECP_MIN (MuSig), and apt knows no mirror of Debian" \
		"or Ubuntu to take a newer one from.  Run again with DEBIAN_MIRROR=<address of a Debian mirror, ending in" \
		"/debian>, or build libsecp256k1 >= $SECP_MIN from its sources with the musig, recovery, schnorrsig, extrakeys" \
		"and ecdh modules, and let pkg-config find it"
	[ -e "$4" ] || apt_get install debian-archive-keyring || die "$4 is needed to check what comes from $1"

	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	chmod 755 "$dir"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	from="$1, suite $2"
	echo "deb [signed-by=$4] $1 $2 $3" >"$dir/sources.list"
	set -- -q -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o Acquire::Languages=none \
		-o APT::Sandbox::User=root
	say "fetching libsecp256k1 from $from"
	apt-get "$@" update && (cd "$dir" && apt-get "$@" download libsecp256k1-6 libsecp256k1-dev) ||
		die "could not fetch libsecp256k1-6 and libsecp256k1-dev from $from (DEBIAN_MIRROR names another mirror)"
	as_root dpkg -i "$dir"/libsecp256k1*.deb
}

for group in $GROUPS_WANTED; do
	case $group in
	build | lint | peers) ;;
	*) die "unknown group $group: build, lint or peers" ;;
	esac
done

packages=$(missing | sort -u)
if [ -z "$packages" ] && { ! wants build || secp_is_new; }; then
	exit 0
fi
# The names go on one line.
packages=$(echo $packages)
has apt-get || die "missing: $packages libsecp256k1 >= $SECP_MIN.  This script knows Debian and Ubuntu only;" \
	"elsewhere install what these packages hold"
say "installing: ${packages:-libsecp256k1}"
apt_get update
# shellcheck disable=SC2086
[ -z "$packages" ] || apt_get install $packages

if wants build && ! secp_is_new; then
	candidate=$(apt-cache policy libsecp256k1-dev | awk '/Candidate:/ { print $2 }')
	if dpkg --compare-versions "${candidate:-0}" ge "$SECP_MIN"; then
		apt_get install libsecp256k1-dev
	else
		secp_from_later_suite
	fi
	secp_is_new || die "libsecp256k1 >= $SECP_MIN is installed, but pkg-config does not find it"
fi

left=$(missing | sort -u)
# shellcheck disable=SC2086
[ -z "$left" ] || die "still missing after installing, or too old:" $left
