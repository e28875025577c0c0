#!/bin/sh
# Installs what walletd needs, on Debian 12 and 13 and Ubuntu 24.04.  Quick when nothing is missing.
#
#   contrib/deps.sh [build] [lint] [peers]      default: all three
#
# build  the libraries, the compiler, and what `make run` and `make check` use
# lint   clang and its tools, cppcheck, valgrind: `make lint`, `make fuzz`
# peers  what the real mint, bitcoind and EVM node of the end-to-end tests need
#
# libsecp256k1 must have MuSig (0.6 or later), which none of the three ships.  It is taken from a later suite, whose
# packages of it need nothing newer than libc6 2.4: see contrib/later-suite.sh, also for DEBIAN_MIRROR.
set -eu

SECP_MIN=0.6.0
LATER_SUITE=$(dirname "$0")/later-suite.sh
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
		# The same for tests/peers/bitcoind, which unpacks Debian's package.
		has "${BITCOIND:-bitcoind}" || {
			program dpkg dpkg-deb
			"$LATER_SUITE" keyring
		}
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

secp_from_later_suite() {
	keyring=$("$LATER_SUITE" keyring) || die "the distribution's libsecp256k1 is older than $SECP_MIN (MuSig).  Where" \
		"no mirror has a newer one, build it from its sources with the musig, recovery, schnorrsig, extrakeys and ecdh" \
		"modules, and let pkg-config find it"
	# shellcheck disable=SC2086
	[ -z "$keyring" ] || apt_get install $keyring
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	say "fetching libsecp256k1"
	"$LATER_SUITE" fetch "$dir" libsecp256k1-6 libsecp256k1-dev
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
