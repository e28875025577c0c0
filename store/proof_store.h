/* store/proof_store.h - ecash proofs, and the outputs from which they are made.
 *
 * A proof belongs to at most one holder; reservation is all or nothing, from spendable only; spent is final
 * (spec/cashu.md 4.3).  Every change of bucket is entered into the movement that it is given, in the same unit.  This
 * and the backup are the places where bearer secrets touch the disk.
 *
 * Writers touch proofs of the movement's mint and unit only.  A unit in which one of them failed must not be
 * committed. */
#ifndef STORE_PROOF_STORE_H
#define STORE_PROOF_STORE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "store/movement_store.h"

/* stored: append, never renumber.  NUT-07 terms in brackets */
enum proof_state {
	PROOF_SPENDABLE = 1, /* UNSPENT */
	PROOF_LOCKED = 2,    /* RESERVED by holder */
	PROOF_PENDING = 3,   /* foreign, offered to us: input of a receive */
	PROOF_SENT = 4,      /* PENDING_SPENT: in a token, not claimed as far as we know */
	PROOF_SPENT = 5,
	PROOF_INVALID = 6 /* the mint says that it is not its own */
};
const char *proof_state_name(enum proof_state s);

struct proof_row {
	struct proof proof;
	int64_t mint_id;
	struct currency unit;
	enum proof_state state;
	struct action_id holder; /* or empty */
	struct action_id created_by;
	int64_t counter; /* NUT-13, or -1 */
	int64_t created_at_ms;
};

/* Where a proof in this state is counted; a spent one is outside. */
enum account proof_account(enum proof_state s);

/* New proofs in m's mint and unit.  `state` is SPENDABLE, LOCKED (holder) or PENDING (holder; foreign).  Their value
 * comes from the account `from`.  An existing y, a spent one above all: ERR_EXISTS.  counters may be NULL: none was
 * derived.  ERR_RANGE: an amount of zero, or more than can be counted. */
MUST_CHECK int proof_store_add(struct movement *m, const struct proof *proofs, size_t n, enum proof_state state,
			       const struct action_id *holder, enum account from, const int64_t *counters,
			       struct err *err);
/* spendable → locked by holder, all of them or ERR_CONFLICT. */
MUST_CHECK int proof_store_lock(struct movement *m, const struct pubkey *ys, size_t n, const struct action_id *holder,
				struct err *err);
/* Every proof of holder in `from` (locked, pending or sent) goes to `to`; value that stops being ours goes to `account`
 * (ACCOUNT_OUTSIDE or ACCOUNT_FEES; ignored unless `to` is SPENT).  SPENDABLE, SPENT and INVALID drop the holder.
 * *ret_sum may be NULL. */
MUST_CHECK int proof_store_move(struct movement *m, const struct action_id *holder, enum proof_state from,
				enum proof_state to, enum account account, struct ecash *ret_sum, struct err *err);
/* The same for the named ones only; those not in `from` are left alone. */
MUST_CHECK int proof_store_move_some(struct movement *m, const struct action_id *holder, const struct pubkey *ys,
				     size_t n, enum proof_state from, enum proof_state to, enum account account,
				     struct ecash *ret_sum, struct err *err);
/* Hand proofs in one state from one holder to another (a parent to its child). */
MUST_CHECK int proof_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to,
				  enum proof_state state, struct err *err);
/* Foreign proofs of a receive that ended: gone. */
MUST_CHECK int proof_store_drop_pending(struct movement *m, const struct action_id *holder, struct err *err);
/* Whatever is locked by this holder becomes spendable again.  The executor calls it when an action ends. */
MUST_CHECK int proof_store_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err);

/* Readers.  Order is by keyset and amount, then y: the same every time.  ERR_RANGE: more than the arena has room for
 * (about 500 bytes each, and their text).  At most `each` of one keyset and amount: one is as good as the other, no
 * request takes more than some hundreds, and a purse may hold a million of them. */
MUST_CHECK int proof_store_spendable(struct view v, struct arena *a, int64_t mint_id, struct currency unit,
				     unsigned each, struct proof_row **ret, size_t *n, struct err *err);
/* The same, counted instead of read. */
struct proof_sort {
	struct keyset_id keyset;
	uint64_t amount;
	size_t n; /* at most `each` */
};
MUST_CHECK int proof_store_sorts(struct view v, struct arena *a, int64_t mint_id, struct currency unit, unsigned each,
				 struct proof_sort **ret, size_t *n, struct err *err);
/* Notes of ours whose keyset expires by then, summed up by keyset, state (spendable, locked, sent) and holder: what expires
 * soonest comes first, at most limit of them. */
struct proof_expiry {
	int64_t mint_id;
	struct currency unit;
	struct keyset_id keyset;
	int64_t final_expiry_s;
	enum proof_state state;
	struct action_id holder; /* empty: spendable */
	uint64_t sum;
};
MUST_CHECK int proof_store_expiring(struct view v, struct arena *a, int64_t by_s, unsigned limit,
				    struct proof_expiry **ret, size_t *n, struct err *err);
/* The mint and unit after this one (0: the first) in which there are spendable proofs: 1, 0 when there is none, -1. */
MUST_CHECK int proof_store_next_purse(struct view v, int64_t *mint_id, struct currency *unit, struct err *err);
MUST_CHECK int proof_store_by_holder(struct view v, struct arena *a, const struct action_id *holder,
				     enum proof_state state, struct proof_row **ret, size_t *n, struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int proof_store_find(struct view v, struct arena *a, const struct pubkey *y, struct proof_row *ret,
				struct err *err);
/* Pages by y alone, so that a page can follow a proof that is gone.  Returns how many rows were given to each(), or -1;
 * their strings live in a. */
struct proof_query {
	int64_t mint_id;     /* 0 any */
	int state;           /* 0 any but spent; else enum proof_state */
	struct pubkey after; /* all zero: from the start */
	unsigned limit;
};
MUST_CHECK int proof_store_list(struct view v, struct arena *a, const struct proof_query *q,
				void (*each)(void *ctx, const struct proof_row *row), void *ctx, struct err *err);

/* Outputs: stored before they are sent, never deleted, never reused (R2, R3). */
/* stored: append, never renumber */
enum output_status {
	OUTPUT_OPEN = 1,     /* sent or about to be */
	OUTPUT_SIGNED = 2,   /* became a proof */
	OUTPUT_ABANDONED = 3 /* replaced by others or given up; the mint may still have signed it */
};
/* The action's next batch of outputs; idx continues.  A B_ seen before: ERR_INTERNAL (a counter was reused). */
MUST_CHECK int output_store_add(struct unit *u, const struct action_id *action, int64_t mint_id,
				const struct output *outputs, size_t n, int64_t now_ms, struct err *err);
/* Those of this status, in the order in which they were added. */
MUST_CHECK int output_store_open(struct view v, struct arena *a, const struct action_id *action,
				 enum output_status status, struct output **ret, size_t *n, struct err *err);
/* What became of the output with this B_: 1 and its status, 0 when it was never stored, -1. */
MUST_CHECK int output_store_find(struct view v, const struct pubkey *b, enum output_status *ret, struct err *err);
/* How many outputs the action has in all: where its next batch will begin. */
MUST_CHECK int output_store_number(struct view v, const struct action_id *action, uint32_t *ret, struct err *err);
/* Those that were added together, whatever became of them since. */
struct output_batch {
	uint32_t first, n; /* by idx */
};
/* As many as the batch names, in their order.  ERR_INTERNAL: the action has not that many. */
MUST_CHECK int output_store_batch(struct view v, struct arena *a, const struct action_id *action,
				  struct output_batch batch, struct output **ret, struct err *err);
MUST_CHECK int output_store_settle(struct unit *u, const struct action_id *action, struct output_batch batch,
				   enum output_status to, struct err *err);
/* The open ones of this action become signed or abandoned. */
MUST_CHECK int output_store_close(struct unit *u, const struct action_id *action, enum output_status to,
				  struct err *err);

/* Outputs that were given up, and for which the mint is asked again (spec/cashu.md 4.12): first an hour after they were
 * made, then after a day, at intervals that double until they are 90 days old.  Not before the action that made them has
 * ended, and never those without a counter: they are locked to others. */
/* The next mint by id that has some which are due, and no living action of this kind.  1, 0, -1. */
MUST_CHECK int output_store_due_mint(struct view v, int64_t after, const char *kind, int64_t now_ms, int64_t *ret,
				     struct err *err);
/* At most limit of them; each is due again later. */
MUST_CHECK int output_store_take_due(struct unit *u, struct arena *a, int64_t mint_id, unsigned limit, int64_t now_ms,
				     struct output **ret, size_t *n, struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int output_store_get(struct view v, struct arena *a, const struct pubkey *b, struct output *ret,
				struct err *err);
/* Not to be asked for again: it became a proof (OUTPUT_SIGNED), or its note is spent (OUTPUT_ABANDONED). */
MUST_CHECK int output_store_swept(struct unit *u, const struct pubkey *b, enum output_status to, struct err *err);

#endif
