/* tests/support/fake_cln.h - a Core Lightning node that splices, in the test's loop: enough of its socket for a splice and a
 * bump, with one channel, two coins and a peer that says yes.
 *
 * It also has a method of no real one: splice_whole, for whole_backend.h, which makes a transaction at once and tells of it no more.
 *
 * What it knows is in memory that a forked child shares, so that it lives on when the child is killed, as a node does when
 * walletd is.  tests/peers/lightningd_stub.py has the whole of what real nodes were measured to do; this one serves the tests
 * that must own the clock and the disk. */
#ifndef TESTS_SUPPORT_FAKE_CLN_H
#define TESTS_SUPPORT_FAKE_CLN_H

#include "base/net/loop.h"
#include "base/splice.h"

#define FAKE_CLN_COINS   2
#define FAKE_CLN_FLIGHTS 8

struct fake_coin {
	struct outpoint at;
	uint64_t sat;
	bool reserved, spent;
	uint32_t reserved_to; /* height, when reserved */
};

struct fake_flight {
	struct txid txid;
	uint32_t vout;
	int64_t by; /* relative amount */
	uint64_t rate_kw;
	bool sent; /* our signatures are out */
	char raw[4096];
};

/* What may be changed at any time, and looked at. */
struct fake_cln_state {
	const char *version, *network, *state; /* state NULL: by its rounds */
	bool connected, cannot_splice, closed, unsynced, forgets_channel;
	uint32_t height;
	uint64_t capacity, local_sat;
	struct outpoint funding;
	struct fake_coin coin[FAKE_CLN_COINS];
	struct fake_flight flight[FAKE_CLN_FLIGHTS];
	size_t n_flights;
	bool negotiating; /* in its memory */
	bool hangs;       /* … and neither an abort nor a new connection ends it */
	char round[8192]; /* its PSBT */
	int64_t by;
	uint64_t rate_kw;
	/* one call that goes wrong: the nth of the method from now on */
	const char *fail_method;
	unsigned fail_in;
	int fail_code; /* 0: it acts, and closes the connection */
	const char *fail_words;
	const char *refuses_broadcast; /* of what is signed, in these words and the transaction (350); or NULL */
	/* what was done */
	unsigned opens, finals, sent, aborts, disconnects, reserves, renewals, releases, connects;
	unsigned asked; /* for a splice as a whole, whatever came of it */
};

struct fake_cln;

struct fake_cln_state *fake_cln_state_new(void); /* shared with children; the channel has 1,000,000 sat, 600,000 ours */
/* Listens on this socket. */
struct fake_cln *fake_cln_new(struct loop *loop, const char *path, struct fake_cln_state *st);
void fake_cln_free(struct fake_cln *n);

struct hash32 fake_cln_channel(void);
extern const char fake_cln_channel_text[];
/* The newest round is in a block, and locked. */
void fake_cln_lock(struct fake_cln_state *st);
/* The transaction of a round, as hex. */
const char *fake_cln_raw(const struct fake_cln_state *st, size_t flight);

#endif
