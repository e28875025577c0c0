/* store/exit_claim_store.h - the transactions that claim what exits have put on chain.  Implements the rows of spec/exit.md 1.2
 * and 4.3.
 *
 * A claim is stored before it is sent and never deleted; an exit is in at most one claim that is open and has not been
 * replaced. */
#ifndef STORE_EXIT_CLAIM_STORE_H
#define STORE_EXIT_CLAIM_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

/* stored: append, never renumber */
enum claim_status {
	CLAIM_PREPARED = 1,
	CLAIM_SENT = 2,
	CLAIM_CONFIRMED = 3,
	CLAIM_REPLACED = 4, /* by another of ours */
	CLAIM_LOST = 5      /* what it spends was spent by something else, or is gone */
};
const char *claim_status_name(enum claim_status s);

struct exit_claim_row {
	int64_t id;
	struct txid txid;
	struct bytes raw;
	struct bytes script; /* where it pays */
	bool own;            /* that is the on-chain wallet's */
	struct sat amount;   /* what it pays */
	struct sat fee;
	struct weight weight;
	enum claim_status status;
	int64_t replaces;       /* id, or 0 */
	struct block_ref block; /* when confirmed */
	const char *refusal;    /* what a node said last, or NULL */
	int64_t created_at_ms;
};
/* With the exits that it claims.  ERR_CONFLICT: one of them is in an open claim that this one does not replace. */
MUST_CHECK int exit_claim_store_add(struct unit *u, const struct exit_claim_row *claim, const int64_t *exits, size_t n,
				    int64_t now_ms, int64_t *ret_id, struct err *err);
MUST_CHECK int exit_claim_store_set(struct unit *u, int64_t id, enum claim_status status, const struct block_ref *block,
				    const char *refusal, struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int exit_claim_store_find(struct view v, struct arena *a, const struct txid *txid,
				     struct exit_claim_row *ret, struct err *err);
/* The newest claim of this exit. */
MUST_CHECK int exit_claim_store_of(struct view v, struct arena *a, int64_t exit_id, struct exit_claim_row *ret,
				   struct err *err);
MUST_CHECK int exit_claim_store_exits(struct view v, struct arena *a, int64_t id, int64_t **ret, size_t *n,
				      struct err *err);
/* Of the exits that it claims, by their numbers: what those before this one are worth, this one, and all.  ERR_NOT_FOUND: it is none
 * of them. */
MUST_CHECK int exit_claim_store_place(struct view v, int64_t id, int64_t exit_id, struct sat *ret_before,
				      struct sat *ret_own, struct sat *ret_total, struct err *err);
/* Those that are prepared or sent, by id. */
MUST_CHECK int exit_claim_store_open(struct view v, struct arena *a, int64_t after, unsigned limit,
				     void (*each)(void *ctx, const struct exit_claim_row *row), void *ctx,
				     struct err *err);

/* A transaction that claims this exit was signed for another wallet, which may send it; fee: what of the exit's amount is
 * known to be the miners'.  Once more is fine. */
MUST_CHECK int exit_signed_store_add(struct unit *u, const struct txid *txid, int64_t exit_id, struct sat fee,
				     int64_t now_ms, struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int exit_signed_store_find(struct view v, const struct txid *txid, int64_t exit_id, struct sat *ret_fee,
				      struct err *err);

#endif
