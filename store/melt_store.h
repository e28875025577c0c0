/* store/melt_store.h - melt quotes (NUT-05): one for each payment of a Lightning invoice that was begun.
 *
 * The database holds two promises, whatever the mint: an invoice has at most one open payment, and is paid at most once.
 * Rows of paid quotes are the receipts; they are never deleted. */
#ifndef STORE_MELT_STORE_H
#define STORE_MELT_STORE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "store/view.h"

struct melt_quote_row {
	int64_t mint_id;
	const char *id; /* the mint's, opaque */
	struct ecash amount, fee_reserve;
	const char *request; /* bolt11 */
	struct hash32 payment_hash;
	enum quote_state state;
	int64_t expiry_s;        /* 0 none */
	const char *preimage;    /* as the mint sent it, or NULL */
	struct ecash fee_paid;   /* once paid */
	struct action_id action; /* who made it */
	struct action_id holder; /* the same while the payment is open, else empty */
	int64_t created_at_ms, updated_at_ms;
};
/* ERR_EXISTS: the quote is there already, or another open payment is for the same invoice, or it is paid. */
MUST_CHECK int melt_store_add(struct unit *u, const struct melt_quote_row *row, struct err *err);
/* What the mint says of the quote by now.  ERR_NOT_FOUND. */
MUST_CHECK int melt_store_set_state(struct unit *u, int64_t mint_id, const char *id, enum quote_state state,
				    int64_t now_ms, struct err *err);
/* Paid: with its receipt.  ERR_NOT_FOUND. */
MUST_CHECK int melt_store_set_paid(struct unit *u, int64_t mint_id, const char *id, const char *preimage,
				   struct ecash fee_paid, int64_t now_ms, struct err *err);
/* The payment is no longer open.  For when its action ends. */
MUST_CHECK int melt_store_release(struct unit *u, const struct action_id *holder, struct err *err);

/* ERR_NOT_FOUND, all three. */
MUST_CHECK int melt_store_get(struct view v, struct arena *a, int64_t mint_id, const char *id,
			      struct melt_quote_row *ret, struct err *err);
MUST_CHECK int melt_store_open(struct view v, struct arena *a, const struct hash32 *payment_hash,
			       struct melt_quote_row *ret, struct err *err);
MUST_CHECK int melt_store_paid(struct view v, struct arena *a, const struct hash32 *payment_hash,
			       struct melt_quote_row *ret, struct err *err);

#endif
