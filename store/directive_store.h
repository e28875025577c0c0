/* store/directive_store.h - directives, their nonce spaces and signatures: the tables of the outbox (spec/outbox.md 2).
 *
 * A nonce space is (chain, contract, signer): the domain in which a directive's nonce is unique.  A directive is accepted
 * work that still needs one signed effect on a chain.  What may follow what is outbox/directive_states.h; here a row is
 * written as it is told, guarded by its version, but for `blocked`.  What no row may be, the database refuses:
 * ERR_INTERNAL.
 *
 * Numbers above 2^63 - 1, which a chain could name, give ERR_RANGE wherever one is written. */
#ifndef STORE_DIRECTIVE_STORE_H
#define STORE_DIRECTIVE_STORE_H

#include "base/arena.h"
#include "base/directive.h"
#include "base/ids.h"
#include "store/view.h"

/* --- nonce spaces --- */

enum space_ordering { /* stored: append, never renumber */
		      ORDER_NONE = 0,
		      ORDER_ACCOUNT = 1, /* effects of one account in order of acceptance */
		      ORDER_SIGNER = 2   /* all of the space */
};

struct space_row {
	int64_t id;
	uint64_t chain_id;
	struct evm_address contract, signer;
	const char *key_ref; /* "hd:m/44'/60'/21075'/0/0" or "file:<name>" */
	uint64_t next_nonce;
	enum space_ordering ordering;
	int release_at;        /* a delivery status: where a directive lets its successor go; 2, 3 or 4 */
	bool halt_on_terminal; /* an order key stops at a directive that needs a person */
	uint64_t deploy_block; /* where a search for the contract's logs may begin */
	bool paused;
	const char *pause_reason; /* NULL unless paused */
	int64_t created_at_ms;
};
/* Finds or makes the space of (chain, contract, signer); ordering, release_at, halt_on_terminal, deploy_block and key_ref
 * of an existing one become the given ones, its counter and its pause stay.  *ret_id is its id. */
MUST_CHECK int space_store_put(struct unit *u, const struct space_row *row, int64_t *ret_id, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK int space_store_get(struct view v, struct arena *a, int64_t id, struct space_row *ret, struct err *err);
MUST_CHECK int space_store_list(struct view v, struct arena *a, struct space_row **ret, size_t *n, struct err *err);
/* The next nonce; it is taken with the unit.  ERR_RANGE when the counter is used up.  This and the two below:
 * ERR_NOT_FOUND without the space. */
MUST_CHECK int space_store_take_nonce(struct unit *u, int64_t id, uint64_t *ret, struct err *err);
/* Raises next_nonce to `to`; never lowers (ERR_RANGE). */
MUST_CHECK int space_store_advance(struct unit *u, int64_t id, uint64_t to, struct err *err);
/* reason NULL: resume. */
MUST_CHECK int space_store_pause(struct unit *u, int64_t id, const char *reason, struct err *err);

/* --- directives --- */

enum delivery_status { /* stored: append, never renumber */
		       DELIVERY_PENDING = 0,
		       DELIVERY_CLAIMED = 1,
		       DELIVERY_SUBMITTED = 2,
		       DELIVERY_INCLUDED = 3,
		       DELIVERY_CONFIRMED = 4,
		       DELIVERY_RETRY = 5, /* "failed_retryable" */
		       DELIVERY_REVERTED = 6,
		       DELIVERY_DEAD_LETTERED = 7,
		       DELIVERY_MANUAL = 8, /* "manual_reconciliation" */
		       DELIVERY_COUNT
};
const char *delivery_status_name(enum delivery_status s);
MUST_CHECK bool delivery_status_parse(const char *name, enum delivery_status *ret);

#define ORDER_KEY_MAX     48 /* space (8), signer (20), account (20) */
#define DIRECTIVE_NO_WAKE (-1)
/* What a row takes of an arena at most.  What is read into one is as many as surely fit; ERR_RANGE when not even one. */
#define DIRECTIVE_ROOM (20 * 1024)

struct directive_row {
	int64_t seq; /* outbox_seq: order of acceptance */
	const char *id, *kind, *action_key;
	int64_t space_id;
	struct evm_address account, signer;
	uint64_t nonce;
	uint32_t generation; /* how many nonces it had before */
	struct bytes payload;
	struct hash32 content_hash;
	int64_t expires_at_ms; /* as the caller said, informational; -1 for none */
	uint8_t order_key[ORDER_KEY_MAX];
	size_t order_key_n; /* 0: unordered */
	int64_t lane;
	uint64_t appended_block; /* the chain's head as known then; 0: not known */
	enum delivery_status status;
	bool holds_order; /* its key's younger ones wait for it */
	bool blocked;     /* holds_order, and so does an older one of its key */
	uint32_t attempts, reverted_dry_runs;
	int64_t wake_at_ms; /* pending: 0; retry: when it is due; claimed: when the claim ends; else DIRECTIVE_NO_WAKE */
	int64_t recheck_at_ms; /* manual: when its evidence is looked for again; else DIRECTIVE_NO_WAKE */
	int64_t version;
	const char *reason_class, *last_error; /* or NULL; of an error the first 500 characters are kept */
	int64_t tx_id;                         /* the slot that carries it; 0: none */
	bool has_result;
	struct hash32 result_hash; /* the transaction that had the effect */
	uint64_t result_block;
	int64_t created_at_ms, updated_at_ms, finished_at_ms; /* finished: 0 while it goes on */
};

/* seq, version (1), blocked and updated_at_ms are set here.  ERR_EXISTS when the id, or the nonce in its space, is taken. */
MUST_CHECK int directive_store_add(struct unit *u, const struct directive_row *row, int64_t *ret_seq, struct err *err);
/* Everything that changes after append: nonce, generation, lane, status, holds_order, attempts, reverted_dry_runs,
 * wake_at_ms, recheck_at_ms, reason_class, last_error, tx_id, result, finished_at_ms; sets updated_at_ms; version + 1.
 * `blocked` is found out anew, whatever a copy of the row says: what holds it up may have gone meanwhile.  All three in
 * the row given as well.  ERR_CONFLICT: not at row->version. */
MUST_CHECK int directive_store_save(struct unit *u, struct directive_row *row, int64_t now_ms, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK int directive_store_by_id(struct view v, struct arena *a, const char *id, struct directive_row *ret,
				     struct err *err);
MUST_CHECK int directive_store_by_seq(struct view v, struct arena *a, int64_t seq, struct directive_row *ret,
				      struct err *err);

/* Claims, in the unit: due retries first, at most max/4 (but 1), then fresh ones, in order of due time and acceptance; no
 * more than a has room for.
 * The rows come back sorted by seq, claimed, with wake_at_ms = lease_until_ms and the version they now have.  Each
 * statement reads only what it claims: the index directive_ready. */
MUST_CHECK int directive_store_claim(struct unit *u, struct arena *a, int64_t space_id, int64_t lane, int64_t now_ms,
				     int64_t lease_until_ms, unsigned max, struct directive_row **ret, size_t *n,
				     struct err *err);
/* The fresh successors of a claimed head: same order key and lane, next to each other, at most max; claimed like those
 * above, and still blocked.  They go out with it or not at all.  Where a has no room: fewer, or none, and no error. */
MUST_CHECK int directive_store_claim_burst(struct unit *u, struct arena *a, const struct directive_row *head,
					   int64_t now_ms, int64_t lease_until_ms, unsigned max,
					   struct directive_row **ret, size_t *n, struct err *err);
/* Is anything claimable now in this space and lane?  And when will the next be: DIRECTIVE_NO_WAKE for never. */
MUST_CHECK int directive_store_next_wake(struct view v, int64_t space_id, int64_t lane, int64_t *ret, struct err *err);
/* Claims whose time has ended become pending again (before_ms: INT64_MAX for all of them, at start).  At most max;
 * *ret how many. */
MUST_CHECK int directive_store_unclaim_expired(struct unit *u, int64_t before_ms, int64_t now_ms, unsigned max,
					       unsigned *ret, struct err *err);
/* Retries that would wake after after_ms (a clock that was ahead) wake at at_ms.  At most max. */
MUST_CHECK int directive_store_recall(struct unit *u, int64_t after_ms, int64_t at_ms, unsigned max, struct err *err);

/* Order keys.  A holder is a row of the key with holds_order.  All of these look in the index directive_order, and change
 * no version: whoever has a copy may still save it.
 *
 * Is there an older holder than this one?  Any is older than one that has no number yet (seq 0). */
MUST_CHECK int directive_store_has_older_holder(struct view v, const struct directive_row *of, bool *ret,
						struct err *err);
/* The lane of the newest holder of this key.  ERR_NOT_FOUND without one. */
MUST_CHECK int directive_store_holder_lane(struct view v, const uint8_t *key, size_t n, int64_t *ret, struct err *err);
/* The oldest holder of the key is not blocked from now on. */
MUST_CHECK int directive_store_unblock_oldest(struct unit *u, const uint8_t *key, size_t n, struct err *err);
/* The oldest younger holder that is pending or to be retried is blocked from now on: an older row has come back. */
MUST_CHECK int directive_store_block_younger(struct unit *u, const struct directive_row *older, struct err *err);

struct directive_query {
	const enum delivery_status *statuses; /* or NULL for all */
	size_t n_statuses;
	const char *action_key, *reason_class; /* or NULL */
	const char *not_reason;                /* those that ended for this are left out; or NULL */
	const struct evm_address *account;     /* or NULL */
	int64_t after_seq;                     /* exclusive */
	unsigned limit;
};
/* Oldest first; each() for every row that fits, which is valid during the call only.  Looks at no more than 10,000 rows
 * and ends when a is full; *ret_cursor is where the next call goes on, 0 at the end.  Returns how many were given, or
 * -1. */
MUST_CHECK int directive_store_list(struct view v, struct arena *a, const struct directive_query *q,
				    void (*each)(void *ctx, const struct directive_row *row), void *ctx,
				    int64_t *ret_cursor, struct err *err);
/* Rows per status, from the tally that every change of status keeps: costs nothing whatever their number.
 * space_id 0: of all spaces. */
MUST_CHECK int directive_store_tally(struct view v, int64_t space_id, uint64_t ret[DELIVERY_COUNT], struct err *err);
/* When the oldest one that is pending, claimed or to be retried was accepted; 0 when there is none. */
MUST_CHECK int directive_store_oldest_open(struct view v, int64_t *ret_ms, struct err *err);
/* Included by a transaction that is not in one of our slots (tx_id 0): up to max, by seq after `after`. */
MUST_CHECK int directive_store_included_elsewhere(struct view v, struct arena *a, int64_t after, unsigned max,
						  struct directive_row **ret, size_t *n, struct err *err);
/* Confirmed by a transaction that is not in one of our slots, in a block after this one: lowest block first, at most max. */
MUST_CHECK int directive_store_confirmed_elsewhere(struct view v, struct arena *a, int64_t space_id,
						   uint64_t after_block, unsigned max, struct directive_row **ret,
						   size_t *n, struct err *err);
/* Manual ones whose evidence is to be looked for again by now: up to max, earliest first. */
MUST_CHECK int directive_store_to_recheck(struct view v, struct arena *a, int64_t now_ms, unsigned max,
					  struct directive_row **ret, size_t *n, struct err *err);

/* A nonce that this directive had before: for ever. */
struct nonce_history_row {
	uint32_t generation;
	uint64_t nonce;
	bool has_digest;
	struct hash32 digest;
	int64_t retired_at_ms;
	const char *evidence, *operator; /* JSON of what was found; who said so */
};
/* ERR_EXISTS: this generation has been recorded. */
MUST_CHECK int nonce_history_add(struct unit *u, int64_t seq, const struct nonce_history_row *row, struct err *err);
/* By generation. */
MUST_CHECK int nonce_history_list(struct view v, struct arena *a, int64_t seq, struct nonce_history_row **ret,
				  size_t *n, struct err *err);

/* One digest per nonce, for ever (spec G9). */
struct signature_row {
	int64_t seq;
	struct hash32 digest;
	uint8_t sig[65]; /* r, s, v */
};
/* ERR_NOT_FOUND. */
MUST_CHECK int signature_store_get(struct view v, int64_t space_id, uint64_t nonce, struct signature_row *ret,
				   struct err *err);
/* The same digest again is fine and keeps the first signature; another digest: ERR_EXISTS. */
MUST_CHECK int signature_store_put(struct unit *u, int64_t space_id, uint64_t nonce, const struct signature_row *row,
				   int64_t now_ms, struct err *err);

#endif
