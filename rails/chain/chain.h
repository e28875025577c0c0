/* rails/chain/chain.h - what is asked of the block chain, and what comes back, whoever answers.  Implements the values of
 * spec/exit.md 6.1; rails/chain/bitcoind_*.h and esplora_*.h fill them.
 *
 * A node may answer anything: what does not fit its question is ERR_PEER_INVALID, and nothing of it is used.  The kinds of
 * trouble of 6.1, as error codes:
 *   ERR_PEER_DOWN     no answer (CS_TRANSPORT): of something that was sent, the outcome is unknown
 *   ERR_PEER_BUSY     throttled, warming up or still loading (CS_BUSY); .retry_after_s when it said so
 *   ERR_PEER_AUTH     it does not take our user and password, or not from here (CS_AUTH)
 *   ERR_PEER_INVALID  not what this question is answered with (CS_PROTO)
 *   ERR_PEER          it understood, and says no (CS_REJECT); .peer_code is its number for that
 *   ERR_UNSUPPORTED   it cannot answer this kind of question: too old, or without an index
 * That something is not found is no trouble but an answer. */
#ifndef RAILS_CHAIN_CHAIN_H
#define RAILS_CHAIN_CHAIN_H

#include "base/amount.h"
#include "base/buf.h"
#include "base/ids.h"
#include "base/network.h"

/* The first block's hash.  All signets share one (BIP325). */
void chain_genesis(enum network network, struct block_hash *ret);

struct chain_header {
	struct block_ref ref;
	struct block_hash prev; /* all zero for the first block */
	int64_t time_s, median_time_s;
	bool in_best_chain; /* false: a reorganisation took it out */
};

/* --- transactions --- */

enum chain_place { CHAIN_NOT_FOUND = 1, CHAIN_MEMPOOL = 2, CHAIN_CONFIRMED = 3 };
const char *chain_place_name(enum chain_place p);

struct chain_tx_status {
	enum chain_place place;
	struct block_ref block; /* when confirmed */
};
bool chain_tx_status_equal(const struct chain_tx_status *a, const struct chain_tx_status *b);

/* One line of what touched a script, newest first. */
struct chain_seen {
	struct txid txid;
	struct chain_tx_status status;
};
/* How many there are: when these stay as they were, so did the history. */
struct chain_script_stats {
	uint64_t confirmed, mempool;
};

/* --- outputs --- */

enum chain_spend_state {
	CHAIN_UNSPENT = 1,
	CHAIN_SPENT_MEMPOOL = 2, /* by .spender, unconfirmed */
	CHAIN_SPENT_MINED = 3,   /* by .spender, in .block */
	/* It is not among the unspent outputs, and nothing in the mempool spends it: a block spends it, or it never was.
	 * Only blocks can tell, from a node without an index of spends. */
	CHAIN_SPENT_UNSEEN = 4
};
struct chain_spend {
	enum chain_spend_state state;
	struct txid spender;
	struct block_ref block;
};

/* An unspent output of a confirmed transaction, whatever the mempool wants to do with it. */
struct chain_coin {
	struct outpoint at;
	struct sat value;
	struct bytes script;
	uint32_t height;
	bool coinbase;
};

/* --- the mempool --- */

#define CHAIN_PARENTS_MAX 64
struct chain_mempool_entry {
	struct sat fee;       /* as paid, without what its node was told to pretend */
	struct weight weight; /* 0: not told; then .vsize is all that is known */
	uint64_t vsize;
	uint64_t ancestors, ancestor_vsize; /* these include itself */
	struct sat ancestor_fee;
	struct txid *parents; /* unconfirmed ones that it spends */
	size_t n_parents;
};

/* --- fees, limits, capabilities --- */

/* Estimates to confirm within so many blocks: 1, 3, 6. */
enum fee_tier { FEE_FAST = 0, FEE_REGULAR = 1, FEE_SLOW = 2 };
#define FEE_TIERS 3
extern const uint16_t fee_targets[FEE_TIERS];
struct fee_estimates {
	bool has[FEE_TIERS]; /* false: not enough data */
	struct feerate rate[FEE_TIERS];
};

/* What its mempool wants, and whether packages of TRUC transactions with dust anchors go through (6.6). */
struct chain_limits {
	struct feerate min_relay;   /* below this nothing is relayed */
	struct feerate incremental; /* what a replacement adds, at least */
	struct feerate mempool_min; /* below this nothing enters the mempool now: min_relay or more */
	/* Knots counts a P2A output's dust threshold against its transaction's fee: so much more per package. */
	struct sat package_surcharge;
	bool mempool_loaded; /* false: that something is not in there means nothing yet */
	bool packages;       /* it takes packages, and says so by its version or policy */
	char why_not[160];   /* for people: what to do so that it takes them; "" when it does, or when nobody knows */
};

#endif
