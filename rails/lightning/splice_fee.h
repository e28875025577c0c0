/* rails/lightning/splice_fee.h - what a splice costs and at what rate it is made.  Implements spec/splice.md 5.1.5.  Pure.
 * Fees are rounded up; false: no type of ours holds the result. */
#ifndef RAILS_LIGHTNING_SPLICE_FEE_H
#define RAILS_LIGHTNING_SPLICE_FEE_H

#include "base/splice.h"

/* What whoever begins it pays for: 42 of the transaction, 387 of the funding that is spent, 172 of the one that is made. */
#define SPLICE_BASE_WEIGHT UINT64_C(601)
/* For Core Lightning's fundpsbt: it guesses some inputs larger than it says. */
#define SPLICE_IN_START_WEIGHT UINT64_C(640)
/* The same after so many refusals for a low fee: 5 % more with each. */
struct weight splice_in_start_weight(uint32_t refusals);
/* What our side pays for, with so much added. */
struct weight splice_weight(struct weight added);

/* Of a splice out, beside what it pays. */
MUST_CHECK bool splice_out_fee(struct feerate rate, struct weight added, struct sat *ret);

/* The most that our side may pay at this rate, for all that it pays for. */
MUST_CHECK bool splice_fee_limit(struct feerate rate, struct weight w, struct sat *ret);

/* The least rate that may replace one: 25/24 of it rounded down, and at least 25 more. */
MUST_CHECK bool splice_bump_min(struct feerate last, struct feerate *ret);

struct splice_rate_wish {
	bool has_wish; /* the user's */
	struct feerate wish;
	struct feerate estimate, floor; /* the node's */
	struct feerate max;             /* the user's */
};
/* The wish, or else the estimate, and at least the floor.  *ret_above: that is more than the user allows; then *ret is what it
 * would take. */
struct feerate splice_rate(const struct splice_rate_wish *w, bool *ret_above);

struct splice_replaced {
	struct feerate highest;     /* of the candidates that would be replaced, doomed ones too */
	struct sat fees;            /* of all that a mempool may have: the sum */
	struct feerate incremental; /* a mempool's */
	struct weight weight;       /* of the new transaction */
};
/* The same for a bump: it also has to be more than splice_bump_min(), and to pay for what it replaces (BIP125). */
MUST_CHECK bool splice_bump_rate(const struct splice_rate_wish *w, const struct splice_replaced *r, struct feerate *ret,
				 bool *ret_above);

/* "2000perkw": a bare number would be read as another unit. */
#define SPLICE_RATE_TEXT 32
void splice_rate_text(struct feerate rate, char ret[SPLICE_RATE_TEXT]);

#endif
