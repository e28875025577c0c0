/* store/tx_store.h - the on-chain wallet's transactions: where each stands, and what that makes of its coins.  Implements
 * spec/exit.md 7.3, 7.4 and 7.7.
 *
 * Each transaction has a place.  Only four things change it: it was signed here (stored), a mempool has it (pending), a block
 * has it (confirmed), or it is known to have lost (out): replaced, in conflict with a block, evicted, given up.  What
 * follows from a place follows here and nowhere else: the state of every coin that it makes or spends (utxo_store.h), what
 * depends on it, and the ledger, in the same unit.  So the coin tables are a function of places and holders alone, and
 * the same blocks give the same rows, whatever happened in between.
 *
 * Who wins among transactions that spend the same output: a block's before any other; else the one that a mempool was seen to
 * have last.  Those that lose go out with all that spends them.  A block that goes leaves its transactions pending (but
 * for the coinbase); what had lost to them stays out until it is seen again.
 *
 * The only writers are the follower (chain/) for what the network knows, and the actions for what they sign and give up.
 * Each change is one movement (kind: that of the transaction; "reorg" when a block goes, "dropped" when it goes out) and one
 * event: onchain.stored, onchain.pending, onchain.confirmed, onchain.reorged, onchain.dropped; subject: the txid. */
#ifndef STORE_TX_STORE_H
#define STORE_TX_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

/* stored: append, never renumber */
enum tx_place {
	TX_STORED = 1, /* signed here; nobody is known to have it, and its inputs are what their holder makes of them */
	TX_PENDING = 2,   /* in a mempool, as far as is known */
	TX_CONFIRMED = 3, /* in the block of .block */
	TX_OUT = 4        /* it lost, or was given up; it comes back when it is seen */
};
const char *tx_place_name(enum tx_place p);

/* What its outputs to us are while it is pending. */
/* stored: append, never renumber */
enum tx_trust {
	TRUST_NONE = 0, /* a stranger's: his to take back */
	TRUST_WAIT = 1, /* ours, to be spent once it is confirmed */
	TRUST_SPEND = 2 /* ours, to be spent at once */
};

/* A transaction as it is told of; chain/told.h makes it of bytes. */
struct told_out {
	struct sat value;
	struct bytes script;
};
struct told_tx {
	struct txid txid;
	struct bytes raw;
	const struct outpoint *in; /* empty for a coinbase */
	size_t n_in;
	const struct told_out *out; /* all of them, in order */
	size_t n_out;
	bool coinbase;
};

/* --- of ours --- */

struct own_tx {
	const char *kind; /* of its movements: "send", "bump", "cancel", "board", "claim", "cpfp" */
	struct action_id action;
	const char *label; /* or NULL */
	enum tx_trust trust;
	/* Where it spends outputs that are not the wallet's, and so cannot be told: what of the fee is ours. */
	bool has_fee;
	struct sat fee;
};
/* Signed, and not sent yet: place STORED.  Nothing moves in the ledger, for the coins that it spends are their holder's.
 * ERR_EXISTS: there is one with this txid.  ERR_CONFLICT: a block has spent what it spends. */
MUST_CHECK int tx_store_add_own(struct unit *u, const struct told_tx *tx, const struct own_tx *own, int64_t now_ms,
				struct err *err);
/* One that was seen before its maker told of it is ours: from now on as if it had been added.  Harmless when it is ours already;
 * ERR_NOT_FOUND. */
MUST_CHECK int tx_store_make_own(struct unit *u, const struct txid *txid, const struct own_tx *own, int64_t now_ms,
				 struct err *err);
/* STORED or PENDING goes out: for what will certainly never be mined.  Harmless when it is out; ERR_CONFLICT when it is
 * confirmed; ERR_NOT_FOUND. */
MUST_CHECK int tx_store_give_up(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err);

/* --- of the network --- */

/* A mempool has it now.  Returns 1 when it is (or has become) a transaction of the wallet's, 0 when it is none of its
 * business, -1.  A confirmed one stays so; one that a block has excluded stays out. */
MUST_CHECK int tx_store_seen(struct unit *u, const struct told_tx *tx, int64_t now_ms, struct err *err);
/* As that, for one that is stored already: PENDING.  ERR_NOT_FOUND. */
MUST_CHECK int tx_store_seen_again(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err);
/* This block has it, as its pos-th.  What spends the same as one of the wallet's transactions is its business, too.  1, 0
 * or -1 as above.  ERR_PEER_INVALID: another block of the same chain has it, or one that spends the same output; somebody
 * lies. */
MUST_CHECK int tx_store_confirm(struct unit *u, const struct told_tx *tx, const struct block_ref *block, uint32_t pos,
				int64_t now_ms, struct err *err);
/* The mempool that counts no longer has it: PENDING goes out, with all that spends it; others stay as they are.
 * by: what took its place, or NULL.  ERR_NOT_FOUND. */
MUST_CHECK int tx_store_drop(struct unit *u, const struct txid *txid, const struct txid *by, int64_t now_ms,
			     struct err *err);

/* --- for chain_store.c alone --- */

/* The tip is this height now: coinbase outputs become spendable. */
MUST_CHECK int tx_store_mature(struct unit *u, uint32_t tip, int64_t now_ms, struct err *err);
/* The tip goes: what it confirmed is pending, what it matured is not any more. */
MUST_CHECK int tx_store_unconfirm(struct unit *u, const struct block_ref *tip, int64_t now_ms, struct err *err);
/* All confirmed ones. */
MUST_CHECK int tx_store_unconfirm_all(struct unit *u, int64_t now_ms, struct err *err);

/* --- reading --- */

struct tx_row {
	int64_t id;
	struct txid txid;
	struct bytes raw;
	enum tx_place place;
	struct block_ref block; /* when confirmed, and its place in there */
	uint32_t pos;
	bool coinbase;
	bool own; /* made here */
	const char *kind;
	enum tx_trust trusted; /* as it is by now */
	bool has_fee;
	struct sat fee, value_out; /* value_out: of all outputs */
	struct action_id action;   /* or empty */
	const char *label;         /* or NULL */
	bool replaced;
	struct txid replaced_by; /* when replaced: what was seen in its place */
	int64_t first_seen_ms;
	int64_t last_seen_ms; /* in a mempool or block; 0: never */
};
/* 1 found, 0 not, -1; ERR_RANGE when the arena has no room for it. */
MUST_CHECK int tx_store_find(struct view v, struct arena *a, const struct txid *txid, struct tx_row *ret,
			     struct err *err);
/* Where it stands, and nothing else; 1, 0, -1. */
MUST_CHECK int tx_store_place(struct view v, const struct txid *txid, enum tx_place *ret, struct block_ref *ret_block,
			      struct err *err);
/* Which one of a block spends this output, whosever it is: 1, 0, -1.  A stranger's is known when it beat one of the wallet's
 * transactions. */
MUST_CHECK int tx_store_taker(struct view v, const struct outpoint *at, struct txid *ret, struct block_ref *ret_block,
			      struct err *err);
struct tx_query {
	int place;               /* enum tx_place; 0: any */
	struct action_id action; /* empty: any */
	int64_t before;          /* id, exclusive; 0: from the newest */
	int64_t after;           /* id, exclusive; with oldest_first */
	bool oldest_first;
	unsigned limit;
};
/* Ends early where the arena is full.  Returns how many rows were given to each(), or -1. */
MUST_CHECK int tx_store_list(struct view v, struct arena *a, const struct tx_query *q,
			     void (*each)(void *ctx, const struct tx_row *row), void *ctx, struct err *err);
/* One of an action's or an exit's own that is out, and what is there in its place. */
struct tx_loss {
	struct tx_row tx;
	struct txid winner;     /* spends what it spends, or what it stands on */
	enum tx_place place;    /* of the winner: PENDING or CONFIRMED */
	struct block_ref block; /* when confirmed */
};
/* Those that have lost to what a mempool has, or a block from this height on, while none of the same holder's with the same
 * purpose (to pay, or as a "cancel" to pay back) is pending or confirmed.  By id, and of each the winner in the lowest block
 * first; at most limit, and fewer where the arena is full.  Returns how many, or -1. */
MUST_CHECK int tx_store_losses(struct view v, struct arena *a, uint32_t from_height, unsigned limit,
			       void (*each)(void *ctx, const struct tx_loss *loss), void *ctx, struct err *err);
/* Ids of inputs and coins only grow: what any transaction of the wallet's spends or makes, from after *id on, at most limit;
 * *id becomes the last one's.  Returns how many, or -1.  For sets in memory that are kept up to date. */
MUST_CHECK int tx_store_inputs_since(struct view v, int64_t *id, unsigned limit,
				     void (*each)(void *ctx, const struct outpoint *at), void *ctx, struct err *err);
MUST_CHECK int tx_store_coins_since(struct view v, int64_t *id, unsigned limit,
				    void (*each)(void *ctx, const struct outpoint *at), void *ctx, struct err *err);
/* Every coin is in the state that places and holders give it, and every transaction has the trust and fee that its inputs
 * give it; ERR_INTERNAL names one that is not.  Costs as much as there is history. */
MUST_CHECK int tx_store_audit(struct view v, struct err *err);

#endif
