/* exit/estimate.h - what exits cost, before anything is sent.  Implements spec/exit.md 5 and.
 *
 * Pure: a walk over the transactions that still cost money, on a copy of the wallet's coins; the change of each child pays for a
 * later one, as it will once a block has it. */
#ifndef EXIT_ESTIMATE_H
#define EXIT_ESTIMATE_H

#include "exit/child.h"
#include "rails/ark/taproot.h"

#define ESTIMATE_COINS_MAX 1000u /* of the largest coins; more change nothing that matters */

struct estimate_tx {
	struct weight weight;
	struct sat anchor_value;
};
struct estimate_order {
	const struct estimate_tx *txs; /* each once, however many exits need it */
	size_t n;
	struct feerate rate;
	struct feerate limit;    /* the most that may be paid for a package */
	struct sat surcharge;    /* what the node wants beside, for each package */
	const struct sat *coins; /* confirmed ones, the largest first */
	size_t n_coins;
};
struct estimate {
	struct sat fee;      /* of all children */
	struct sat needed;   /* one coin that would pay for all of it, one after the other */
	bool fundable;       /* the coins that are there do, too */
	struct sat short_of; /* what would have to be added; nothing when fundable */
};
/* ERR_RANGE: more than all money. */
MUST_CHECK int estimate_walk(struct arena *a, const struct estimate_order *o, struct estimate *ret, struct err *err);
/* What one package costs, with a child of one coin. */
MUST_CHECK bool estimate_package(const struct estimate_order *o, const struct estimate_tx *tx, struct sat *ret);

/* The claim of VTXOs, in one transaction that pays to one script: add the inputs, then price it. */
struct claim_weight {
	struct weight inputs;
	size_t n;
};
/* False: the user's key opens none of its leaves. */
MUST_CHECK bool claim_weight_add(struct claim_weight *c, const struct ark_taproot *t, const struct pubkey *user);
struct weight claim_weight_of(const struct claim_weight *c, struct bytes script);

#endif
