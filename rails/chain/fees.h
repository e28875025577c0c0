/* rails/chain/fees.h - the fee rates that the wallet goes by.  Implements the rules of spec/exit.md 6.5 and X-26 over what a
 * backend estimates.
 *
 * Estimates are for money, and backends err: a rate is never below what the mempool takes, a faster tier is never cheaper
 * than a slower one, and a jump to more than ten times the last rate counts only when it is seen twice.  A tier without an
 * estimate takes that of the next faster one that has one, the fastest that of the next slower.  Without any estimate the
 * configured fallback stands in for all, and counts as stale at once.
 *
 * A value, kept by its owner; now_ms is monotonic. */
#ifndef RAILS_CHAIN_FEES_H
#define RAILS_CHAIN_FEES_H

#include "base/err.h"
#include "rails/chain/chain.h"

#define FEES_FRESH_MS         30000
#define FEES_JUMP             10
#define FEES_FALLBACK_MAINNET 500u /* sat per 1000 weight units: 2 sat/vB */
#define FEES_FALLBACK_OTHER   250u /* 1 sat/vB */

struct fee_rates {
	struct feerate rate[FEE_TIERS];
	bool is_fallback;
};

struct fees {
	bool has_fallback;
	struct feerate fallback;
	/* The rest is fees.c's. */
	bool has_rates;
	struct fee_rates rates; /* with .is_fallback: of nobody's estimate */
	int64_t at_ms;          /* when they were estimated */
	bool has_last;          /* of the estimates, not of the fallback */
	struct feerate last[FEE_TIERS];
	bool jumped[FEE_TIERS]; /* the last estimate was a jump, and was not believed */
};

/* fallback may be NULL: none. */
void fees_init(struct fees *f, const struct feerate *fallback);
/* told: NULL when the backend failed.  floor: the most of what the backend's mempool and relay want at least, or NULL.  *ret:
 * the rates to go by now.  ERR_PEER_DOWN: no estimate and no fallback; the previous rates stay. */
MUST_CHECK int fees_update(struct fees *f, const struct fee_estimates *told, const struct feerate *floor,
			   int64_t now_ms, struct fee_rates *ret, struct err *err);
/* Is there an estimate (not a fallback) that is young enough not to ask again? */
bool fees_are_fresh(const struct fees *f, int64_t now_ms);
/* The rates last given out, however old; *age_ms, when not NULL, of the estimate (-1 for a fallback).  False: none yet. */
MUST_CHECK bool fees_last(const struct fees *f, int64_t now_ms, struct fee_rates *ret, int64_t *age_ms);

#endif
