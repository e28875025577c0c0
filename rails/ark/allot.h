/* rails/ark/allot.h - which input pays which output of an out-of-round payment, and how dust is kept apart.
 *
 * Facts: spec/ark-primitives.md §5.5 and §5.6.  An arkoor spends one VTXO, so a payment from several is cut into one for
 * each; an output may so become two, of the same policy.  Amounts alone are looked at: a share says by its number which
 * of the outputs asked for it is a part of.  The server does it in the same way and refuses what is cut otherwise. */
#ifndef RAILS_ARK_ALLOT_H
#define RAILS_ARK_ALLOT_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/err.h"

#define ARK_OUTPUTS_MAX 255 /* of one transaction, without its anchor: the count has one byte */

struct ark_share {
	struct sat amount;
	size_t of; /* the place of the output asked for */
};
struct ark_shares {
	struct ark_share *v;
	size_t n;
};
struct ark_amounts {
	const struct sat *v;
	size_t n;
};

/* ret has one element for each input, in its order; none of them is empty.  ERR_PARAM: no output, or an amount of nothing;
 * ERR_RANGE: more than any amount can be, or one input would pay more than ARK_OUTPUTS_MAX outputs; ERR_FUNDS: inputs
 * and outputs do not come to the same. */
MUST_CHECK int ark_allot(struct arena *a, struct ark_amounts inputs, struct ark_amounts outputs, struct ark_shares *ret,
			 struct err *err);

/* The shares of one input: those that go on chain each by itself, and those that do so together first because each alone
 * is dust.  Where that takes some of a larger share's amount, that share becomes two.  isolated is empty where all is
 * dust, or nothing is, or it cannot be helped.  ERR_RANGE: more than any amount can be. */
struct ark_isolation {
	struct ark_shares normal, isolated;
};
MUST_CHECK int ark_isolate_dust(struct arena *a, struct ark_shares shares, struct ark_isolation *ret, struct err *err);

#endif
