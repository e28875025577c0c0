# walletd - `make help` lists what can be built.  One file, no make inside folders, a tree per flavour under build/.

RELEASE := 0.1.0
MAKEFLAGS += --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
BUILD   ?= release
O       := build/$(BUILD)
VERSION ?= $(RELEASE)$(shell git describe --always --dirty --exclude='*' 2>/dev/null | sed 's/^/+g/')
PREFIX  ?= /usr/local
COMPLETIONS := $(PREFIX)/share/bash-completion/completions
# How long `make fuzz` runs each target.
FUZZ_SECONDS ?= 60

ROOMS  := base base/net conf store $(sort $(wildcard rails/*)) chain lightning actions exit outbox rpc
LIBS   := libevent_core libevent_extra sqlite3 jansson libsecp256k1 libcurl libcrypto libsodium libcbor inih libqrencode nettle

CC       ?= cc
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
WARNINGS += $(if $(CI),-Werror)
CPPFLAGS := -D_GNU_SOURCE -I.
# Debian (+deb12u1) and Ubuntu (ubuntu2.1) mend libevent 2.1.12 without renaming it: `status` need not warn of theirs.
CPPFLAGS += $(if $(shell dpkg-query -W -f '$${Version}\n' 'libevent-extra-2.1-7*' 2>/dev/null | \
	    grep -E '^2\.1\.12-.*(\+deb[0-9]+u|ubuntu[0-9]+\.)[0-9]'),-DLIBEVENT_DISTRO_PATCHED)
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=c11 $(WARNINGS) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) $(FLAVOUR)
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
HARDEN_LD := -pie -Wl,-z,relro,-z,now
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(LIBS) 2>/dev/null)
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null)

# Flavours.  All but release hold the failpoints and the other seams that tests need.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ifeq ($(BUILD),release)
FLAVOUR := $(HARDEN) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else ifeq ($(BUILD),asan)
FLAVOUR := $(HARDEN) -O1 -DWALLETD_TEST_HOOKS -DARENA_MALLOC $(SANITIZE)
FLAVOUR_LD := $(SANITIZE)
else ifeq ($(BUILD),fuzz)
CC      := clang
FLAVOUR := -O1 -DWALLETD_TEST_HOOKS -DARENA_MALLOC $(SANITIZE) -fsanitize=fuzzer-no-link
FLAVOUR_LD := $(SANITIZE) -fsanitize=fuzzer
HARDEN_LD :=
else
# DWARF 4: the valgrind of Debian 12 cannot read what clang writes by default.
FLAVOUR := $(HARDEN) -gdwarf-4 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -DWALLETD_TEST_HOOKS
endif
# `make V=1` shows the commands.
Q       := $(if $V,,@)
LINK    = @echo '  LD   $@'; $(if $V,set -x;) $(CC) $(HARDEN_LD) $(FLAVOUR_LD) $(LDFLAGS) $(filter %.o %.a,$^) \
	  -o $@ -Wl,--as-needed $(PKG_LIBS)
ARCHIVE = @rm -f $@; $(AR) rcs $@ $^

# What there is: a new file needs no edit here.
objects   = $(patsubst %.c,$O/%.o,$(sort $(wildcard $(1))))
LIB_OBJ     := $(call objects,$(ROOMS:%=%/*.c)) $O/gen/version.o $O/gen/migrations.o
DAEMON_OBJ  := $(call objects,daemon/*.c)
CTL_OBJ     := $(call objects,rpc/walletctl/*.c)
MINT_OBJ    := $(call objects,tests/peers/testmint/*.c tests/support/mint_crypto.c tests/support/bolt11_draft.c)
VTXO_OBJ    := $(call objects,tests/tools/vtxo_maker/*.c tests/support/ark_*.c)
# Tests may also call what the programs hold beside their main().
SUPPORT_OBJ := $(call objects,tests/support/*.c) $(filter-out %/main.o,$(DAEMON_OBJ) $(CTL_OBJ) $(MINT_OBJ) \
	       $(VTXO_OBJ))
PROGRAMS    := $(if $(DAEMON_OBJ),$O/walletd) $(if $(CTL_OBJ),$O/walletctl) $(if $(MINT_OBJ),$O/walletd-testmint) \
	       $(if $(VTXO_OBJ),$O/walletd-vtxo-maker)
# What the end-to-end tests ask of the library itself.
E2E_TOOLS   := $(patsubst %.c,$O/%,$(sort $(wildcard tests/e2e/*.c)))
# The longest first: one that begins last keeps one processor busy and leaves the others idle.
LONGEST     := tests/store/test_store.c tests/chain/test_follower_anything.c
TEST_SRC    := $(LONGEST) $(filter-out $(LONGEST),$(sort $(shell find tests -name 'test_*.c')))
TESTS       := $(TEST_SRC:%.c=$O/%)
FUZZ_SRC    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZERS     := $(FUZZ_SRC:%.c=$O/%)
REPLAYS     := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$O/tests/fuzz/replay_%)
BENCHES     := $(patsubst %.c,$O/%,$(sort $(wildcard tests/bench/bench_*.c)))
# What is measured is the release, which has no seams: of the tests' support only this.
BENCH_OBJ   := $(call objects,tests/bench/bench.c tests/support/mint_crypto.c tests/support/process.c tests/support/ark_*.c)
MIGRATIONS  := $(sort $(wildcard store/migrations/*.sql))

.PHONY: all deps run check suites asan ctime tight valgrind memcheck crash peers e2e e2e-cdk e2e-lightning e2e-ldk fuzz bench lint install docs clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $O/layers.ok $O/symbols.ok $(if $(filter release,$(BUILD)),$O/hardening.ok) $(PROGRAMS) $(E2E_TOOLS)

help:
	@echo 'make          build/release/walletd, walletctl and the mint of the playground'
	@echo 'make deps     install what the build and the tests need (Debian 12 and 13, Ubuntu 24.04)'
	@echo 'make run      playground: a daemon, a mint, and a guided tour with curl'
	@echo 'make check    every unit test, the fuzz corpora and whether docs/ is up to date; also with CC=clang'
	@echo 'make asan     the same under the address and undefined behaviour sanitizers'
	@echo 'make ctime    does time depend on a secret?  Asked of valgrind'
	@echo 'make valgrind every unit test and the fuzz corpora under memcheck, for half an hour'
	@echo 'make crash    kill the daemon at every failpoint, then count the money and the effects'
	@echo 'make peers    the real peers of the tests and what stands in front of them, tested themselves'
	@echo 'make e2e      the flows against a real Cashu mint, a real bitcoind and a real EVM node'
	@echo 'make e2e-cdk  the flows of ecash against the mint cdk-mintd, where it is found'
	@echo 'make e2e-lightning   splices on a real pair of Core Lightning nodes, where lightningd is found'
	@echo 'make e2e-ldk  splices on a real pair of ldk-servers, where ldk-server is found'
	@echo 'make fuzz     each fuzz target for FUZZ_SECONDS (60)'
	@echo 'make bench    speed, as ratios against the bare libraries'
	@echo 'make lint     formatting, static analysis, house rules'
	@echo 'make install  into DESTDIR and PREFIX (/usr/local)'
	@echo 'make docs     generate the reference in docs/'
	@echo 'make clean    remove build/'

# Each of these first installs what is missing, then builds its flavour with a make of its own, which sees it.
deps:
	@contrib/deps.sh

run:
	@contrib/deps.sh build
	@$(MAKE) all
	tests/playground/run $O

# Another compiler has a tree of its own.
CHECK_TREE := check$(if $(filter-out cc gcc,$(notdir $(CC))),-$(notdir $(CC)))

check:
	@contrib/deps.sh build
	@$(MAKE) BUILD=$(CHECK_TREE) suites

asan:
	@contrib/deps.sh build
	@ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) BUILD=asan suites

ctime:
	@contrib/deps.sh build lint
	@$(MAKE) BUILD=$(CHECK_TREE) tight

valgrind:
	@contrib/deps.sh build lint
	@$(MAKE) BUILD=$(CHECK_TREE) memcheck

crash:
	@contrib/deps.sh build peers
	@$(MAKE) BUILD=check all
	tests/crash/run build/check

peers:
	@contrib/deps.sh peers
	tests/peers/test_peers.py

e2e:
	@contrib/deps.sh build peers
	@$(MAKE) all
	@$(MAKE) BUILD=check all
	tests/e2e/all $O build/check

e2e-cdk:
	@contrib/deps.sh build peers
	@$(MAKE) all
	tests/e2e/run_cdk $O

e2e-lightning:
	@contrib/deps.sh build peers
	@$(MAKE) BUILD=check all
	tests/e2e/run_lightning build/check

e2e-ldk:
	@contrib/deps.sh build peers
	@$(MAKE) BUILD=check all
	tests/e2e/run_ldk build/check

fuzz:
	@contrib/deps.sh build lint
	@$(MAKE) BUILD=fuzz fuzzers
	tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_SRC:%.c=build/fuzz/%)

bench:
	@contrib/deps.sh build
	@$(MAKE) BUILD=release benches

lint:
	@contrib/deps.sh build lint
	@tests/lint/run

docs: all
	@docs/generate $O

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(COMPLETIONS)
	install -m 755 $O/walletd $O/walletctl $(DESTDIR)$(PREFIX)/bin
	$O/walletctl completion bash >$O/walletctl.bash
	install -m 644 $O/walletctl.bash $(DESTDIR)$(COMPLETIONS)/walletctl

clean:
	rm -rf build

.PHONY: fuzzers benches
fuzzers: $(FUZZERS)
benches: $(BENCHES) $(PROGRAMS)
	@set -e; for b in $(BENCHES); do BUILD_DIR=$O $$b; done
	@for b in drain onchain ecash; do tests/bench/$$b $O || [ $$? = 77 ] || exit 1; done

suites: all $(TESTS) $(REPLAYS)
	@BUILD_DIR=$O tests/run $(TESTS) -- $(REPLAYS) -- 'docs/generate --check $O'

# Under valgrind everything takes 10 to 50 times as long, and every process that is forked as long again to warm up.
VALGRIND := valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
memcheck: all $(TESTS) $(REPLAYS)
	@BUILD_DIR=$O CK_FORK=no LIMIT_S=3000 WRAP='$(VALGRIND)' tests/run $(TESTS) -- $(REPLAYS)

tight: $O/tests/ctime/ctime
	@CK_TIMEOUT_MULTIPLIER=50 WRAP='$(VALGRIND) --expensive-definedness-checks=yes' tests/run $<

# What the test of constant time puts a wrapper around: tests/ctime/ctime.c.
CTIME_WRAPS := $(shell sed -n 's/^WRAP.[^,]*, \([a-z0-9_]*\),.*/\1/p' tests/ctime/ctime.c)

# Programs.
$O/walletd: $(DAEMON_OBJ) $O/libwalletd.a ; $(LINK)
$O/walletctl: $(CTL_OBJ) $O/libwalletd.a ; $(LINK)
$O/walletd-testmint: $(MINT_OBJ) $O/libwalletd.a ; $(LINK)
$O/walletd-vtxo-maker: $(VTXO_OBJ) $O/libwalletd.a ; $(LINK)
$(E2E_TOOLS): $O/%: $O/%.o $O/libwalletd.a ; $(LINK)
$O/libwalletd.a: $(LIB_OBJ) ; $(ARCHIVE)
$O/libsupport.a: $(SUPPORT_OBJ) ; $(ARCHIVE)
$(TESTS): $O/%: $O/%.o $O/libsupport.a $O/libwalletd.a ; $(LINK) $(CHECK_LIBS)
$(BENCHES): $O/%: $O/%.o $(BENCH_OBJ) $O/libwalletd.a ; $(LINK) $(CHECK_LIBS)
$O/tests/ctime/ctime: $O/tests/ctime/ctime.o $O/libsupport.a $O/libwalletd.a
	$(LINK) $(CHECK_LIBS) $(CTIME_WRAPS:%=-Wl,--wrap=%)
$(FUZZERS): $O/%: $O/%.o $O/libwalletd.a ; $(LINK)
$(REPLAYS): $O/tests/fuzz/replay_%: $O/tests/fuzz/fuzz_%.o $O/tests/fuzz/replay_main.o $O/libwalletd.a ; $(LINK)

$O/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC   $@'
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# libFuzzer declares its entry point nowhere.
$O/tests/fuzz/%.o: WARNINGS += -Wno-missing-prototypes

# Generated sources.  A migration is one string literal, longer than C11 promises to every compiler.
$O/gen/%.o: $O/gen/%.c
	@echo '  CC   $@'
	$Q$(CC) $(ALL_CFLAGS) -Wno-overlength-strings -MMD -MP -c $< -o $@

$O/gen/migrations.c: store/migrations/embed.sh store/migrations/SHA256SUMS $(MIGRATIONS)
	@mkdir -p $(@D)
	@store/migrations/embed.sh >$@

$O/gen/version.c: FORCE
	@mkdir -p $(@D)
	@printf '#include "base/version.h"\n\nconst char walletd_version[] = "%s";\n' '$(VERSION)' >$@.new
	@if cmp -s $@ $@.new; then rm $@.new; else mv $@.new $@; fi

# Includes point down only; the build stops where one does not.
$O/layers.ok: LAYERS tests/lint/layers $(shell find . -path ./build -prune -o -name '*.[ch]' -print)
	@mkdir -p $(@D)
	@tests/lint/layers
	@touch $@

$O/symbols.ok: tests/lint/symbols $O/libwalletd.a
	@tests/lint/symbols $O/libwalletd.a $(PKG_LIBS)
	@touch $@

$O/hardening.ok: tests/lint/hardening $(PROGRAMS)
	@tests/lint/hardening $O/walletd $O/walletctl
	@touch $@

-include $(shell find $O -name '*.d' 2>/dev/null)
