/* store/funding_store.h - funding payments and every transaction that one was or may become.  Implements spec/splice.md 2.2
 * and the order of 2.3 in which a transaction finds its payment.
 *
 * Candidates are never deleted: any of them finds its payment for ever.  What a write makes of a row that is there is worked
 * out by rails/lightning/funding.h; this stores the result, in the unit that read it. */
#ifndef STORE_FUNDING_STORE_H
#define STORE_FUNDING_STORE_H

#include "base/arena.h"
#include "base/splice.h"
#include "store/view.h"

/* Adds it, or writes its state, shares, rate and bytes where it is there; what is absent leaves what was known.
 * ERR_EXISTS: the transaction is another payment's. */
MUST_CHECK int funding_store_put_candidate(struct unit *u, const struct hash32 *payment,
					   const struct funding_candidate *c, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK int funding_store_set_state(struct unit *u, const struct txid *txid, enum candidate_state state,
				       struct err *err);
/* By round, oldest first. */
MUST_CHECK int funding_store_candidates(struct view v, struct arena *a, const struct hash32 *payment,
					struct funding_candidate **ret, size_t *n, struct err *err);

/* Adds or replaces the whole row. */
MUST_CHECK int funding_store_put(struct unit *u, const struct funding_payment *p, struct err *err);
/* A row that was absorbed by another: it, its conflicts too, goes.  Candidates stay, and are the other's from now on. */
MUST_CHECK int funding_store_absorb(struct unit *u, const struct hash32 *stray, const struct hash32 *into,
				    struct err *err);
/* A transaction that excludes it and is no candidate of it.  Harmless when it is known. */
MUST_CHECK int funding_store_conflict(struct unit *u, const struct hash32 *payment, const struct txid *txid,
				      struct err *err);
MUST_CHECK int funding_store_conflicts(struct view v, struct arena *a, const struct hash32 *payment, struct txid **ret,
				       size_t *n, struct err *err);

/* 1 found, 0 not, -1. */
MUST_CHECK int funding_store_get(struct view v, const struct hash32 *id, struct funding_payment *ret, struct err *err);

/* How a transaction is a payment's, in the order in which that is looked for (spec/splice.md 2.3). */
enum funding_link {
	FUNDING_LINK_NONE = 0,
	FUNDING_LINK_CANDIDATE = 1,
	FUNDING_LINK_PENDING = 2,
	FUNDING_LINK_CONFLICT = 3, /* of a pending one; what confirms it does not confirm the payment */
	FUNDING_LINK_GRADUATED = 4
};
MUST_CHECK int funding_store_find(struct view v, const struct txid *txid, enum funding_link *ret_link,
				  struct hash32 *ret_payment, struct err *err);

/* Pending ones by id, from `after` (NULL: the first) on.  Returns how many, or -1. */
MUST_CHECK int funding_store_pending(struct view v, const struct hash32 *after, unsigned limit,
				     void (*each)(void *ctx, const struct funding_payment *p), void *ctx,
				     struct err *err);
/* Graduated ones that a block from this height on has, in the same way: what a reorganisation may take back. */
MUST_CHECK int funding_store_graduated(struct view v, uint32_t from_height, const struct hash32 *after, unsigned limit,
				       void (*each)(void *ctx, const struct funding_payment *p), void *ctx,
				       struct err *err);
/* All of a channel, by id. */
MUST_CHECK int funding_store_of_channel(struct view v, const struct hash32 *channel, unsigned limit,
					void (*each)(void *ctx, const struct funding_payment *p), void *ctx,
					struct err *err);

#endif
