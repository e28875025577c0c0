/* store/relay_store.h - lanes, slots and attempts: the transactions that carry directives (spec/outbox.md 2.4, 5.5, 5.6).
 *
 * A lane is a relayer account on one chain.  A slot is one account nonce of a lane; it may hold several signed versions
 * (attempts) that replace one another, and be filled anew (fill + 1) when its content was refused for good.  Every raw
 * transaction that was ever signed is here before its first byte leaves the process, and stays.
 *
 * What no row may be, the database refuses: ERR_INTERNAL.  Numbers above 2^63 - 1, which a chain could name, give ERR_RANGE
 * wherever one is written. */
#ifndef STORE_RELAY_STORE_H
#define STORE_RELAY_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

struct lane_row {
	int64_t lane;
	uint64_t chain_id;
	struct evm_address relayer;
	const char *key_ref;
	uint64_t next_tx_nonce;
	bool synced; /* next_tx_nonce has been taken from the chain */
	bool active; /* new directives are given to it */
	bool paused;
	const char *pause_reason;
	int64_t anomaly_at_ms; /* when somebody else was last seen to use the account; 0: never */
	int64_t created_at_ms;
};
/* Finds or makes the lane of (chain, relayer), with this key_ref, and makes it active. */
MUST_CHECK int lane_store_put(struct unit *u, uint64_t chain_id, const struct evm_address *relayer, const char *key_ref,
			      int64_t now_ms, int64_t *ret_lane, struct err *err);
/* ERR_NOT_FOUND, and so for every function below that changes a lane. */
MUST_CHECK int lane_store_get(struct view v, struct arena *a, int64_t lane, struct lane_row *ret, struct err *err);
/* In order of lane; chain_id 0: of all chains. */
MUST_CHECK int lane_store_list(struct view v, struct arena *a, uint64_t chain_id, struct lane_row **ret, size_t *n,
			       struct err *err);
MUST_CHECK int lane_store_set_active(struct unit *u, int64_t lane, bool active, struct err *err);
MUST_CHECK int lane_store_pause(struct unit *u, int64_t lane, const char *reason, struct err *err); /* NULL: resume */
/* What the chain says: synced from now on, and next_tx_nonce is at least this.  It is never lowered, and neither is
 * anomaly_at_ms (0: nothing new). */
MUST_CHECK int lane_store_raise(struct unit *u, int64_t lane, uint64_t at_least, int64_t anomaly_at_ms,
				struct err *err);

enum slot_state {                     /* stored: append, never renumber */
		  SLOT_PREPARED = 0,  /* committed, not acknowledged by any node */
		  SLOT_BROADCAST = 1, /* a node has it */
		  SLOT_MINED = 2,
		  SLOT_CONFIRMED = 3,
		  SLOT_FAILED = 4, /* status 0 at depth */
		  SLOT_VACANT = 5, /* refused for good: to be filled with other content */
		  SLOT_LOST = 6    /* its nonce was used by a transaction that is not ours */
};
const char *slot_state_name(enum slot_state s);
enum slot_purpose { SLOT_DIRECTIVES = 0, SLOT_NO_OP = 1, SLOT_REVOKE = 2 }; /* stored */

struct slot_row {
	int64_t id;
	int64_t lane;
	uint64_t nonce; /* the account's */
	enum slot_purpose purpose;
	enum slot_state state;
	int64_t version;
	uint32_t fill;
	bool mined;
	struct hash32 mined_hash, mined_block_hash;
	uint64_t mined_block;
	bool mined_ok; /* receipt status */
	uint64_t gas_used;
	struct gas_price gas_price;
	uint64_t cost_gwei;       /* what it has cost, or can cost at most while it is open; rounded up */
	uint64_t watch_until;     /* confirmed: looked after up to this block */
	int64_t next_check_at_ms; /* -1: never again */
	int64_t opened_at_ms;
};
/* Takes the lowest vacant slot of the lane, with fill + 1, or makes one at the lane's next_tx_nonce, which then grows.
 * The slot is PREPARED, not mined, and to be checked now.  A vacant one can always be taken: those above wait for it.
 * ERR_BUSY: max_open of the lane's slots are PREPARED or BROADCAST already, which is what nodes keep in their pools; or the
 * lane is not synced yet.  ERR_NOT_FOUND: no such lane.  ERR_RANGE: no nonces left. */
MUST_CHECK int slot_store_open(struct unit *u, int64_t lane, enum slot_purpose purpose, unsigned max_open,
			       uint64_t cost_gwei, int64_t now_ms, struct slot_row *ret, struct err *err);
/* A vacant slot at a nonce below the lane's next_tx_nonce that has none: somebody's transaction had it, and is gone.
 * ERR_CONFLICT: there is a slot. */
MUST_CHECK int slot_store_add_vacant(struct unit *u, int64_t lane, uint64_t nonce, int64_t now_ms, struct err *err);
/* purpose, state, mined…, gas…, cost_gwei, watch_until, next_check_at_ms; version + 1, in the row given as well.
 * ERR_CONFLICT: not at row->version. */
MUST_CHECK int slot_store_save(struct unit *u, struct slot_row *row, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK int slot_store_get(struct view v, int64_t id, struct slot_row *ret, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK int slot_store_at(struct view v, int64_t lane, uint64_t nonce, struct slot_row *ret, struct err *err);
/* PREPARED, BROADCAST, MINED and VACANT ones of a lane, lowest nonce first, at most max. */
MUST_CHECK int slot_store_list_open(struct view v, struct arena *a, int64_t lane, unsigned max, struct slot_row **ret,
				    size_t *n, struct err *err);
/* CONFIRMED, FAILED and LOST ones that are still looked after (next_check_at_ms >= 0), latest check first, at most max. */
MUST_CHECK int slot_store_list_watched(struct view v, struct arena *a, int64_t lane, unsigned max,
				       struct slot_row **ret, size_t *n, struct err *err);
/* PREPARED, BROADCAST and MINED ones of all lanes of the chain. */
MUST_CHECK int slot_store_count_open(struct view v, uint64_t chain_id, unsigned *ret, struct err *err);
/* What slots of the chain that were opened (or filled anew) since then cost, summed. */
MUST_CHECK int slot_store_cost_since(struct view v, uint64_t chain_id, int64_t since_ms, uint64_t *ret_gwei,
				     struct err *err);

struct attempt_row {
	struct hash32 hash;
	int64_t tx_id;
	uint32_t fill, attempt;
	struct bytes raw; /* to be added; a list is without them */
	struct gas_price max_fee, max_priority_fee;
	uint64_t gas_limit;
	int64_t first_sent_at_ms, last_sent_at_ms; /* 0: not sent */
	bool acknowledged;                         /* a node said that it has it */
	const char *last_reply;                    /* or NULL; the first 500 characters are kept */
	int64_t signed_at_ms;
};
/* ERR_EXISTS: the hash, or the number of the attempt in its fill, is taken. */
MUST_CHECK int attempt_store_add(struct unit *u, const struct attempt_row *row, struct err *err);
/* It was sent, and this (or NULL) was the reply.  Once acknowledged, always.  ERR_NOT_FOUND. */
MUST_CHECK int attempt_store_note_sent(struct unit *u, const struct hash32 *hash, int64_t now_ms, const char *reply,
				       bool acknowledged, struct err *err);
/* Every attempt of every fill of a slot, oldest first.  ERR_RANGE: a has no room for them (there may be hundreds, of up to
 * 128 KiB each: their bytes are read one by one). */
MUST_CHECK int attempt_store_list(struct view v, struct arena *a, int64_t tx_id, struct attempt_row **ret, size_t *n,
				  struct err *err);
/* The signed bytes of one.  ERR_NOT_FOUND; ERR_RANGE: a has no room for them. */
MUST_CHECK int attempt_store_raw(struct view v, struct arena *a, const struct hash32 *hash, struct bytes *ret,
				 struct err *err);

struct item_row {
	int64_t tx_id;
	uint32_t fill, position;
	int64_t seq; /* of the directive */
	int outcome; /* the contract's code once it is known, -1 before */
};
/* ERR_EXISTS: the position is taken, or the directive is in this fill already. */
MUST_CHECK int item_store_add(struct unit *u, const struct item_row *row, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK int item_store_set_outcome(struct unit *u, const struct item_row *row, struct err *err);
/* By position. */
MUST_CHECK int item_store_list(struct view v, struct arena *a, int64_t tx_id, uint32_t fill, struct item_row **ret,
			       size_t *n, struct err *err);
/* The hashes of every attempt, in whatever slot, that carried this directive, newest first, at most max. */
MUST_CHECK int item_store_hashes_of(struct view v, struct arena *a, int64_t seq, unsigned max, struct hash32 **ret,
				    size_t *n, struct err *err);

#endif
