#include "actions/onchain_reserve.h"

#include <inttypes.h>

/* What the draft leaves of confirmed coins, and brings back. */
static int left_by(struct step *s, const struct onchain_draft *d, struct sat *ret, struct err *err)
{
	struct utxo_sums sums;
	struct sat left;

	if (utxo_store_sums(s->view, &sums, err) != 0)
		return -1;
	left = sums.confirmed;
	for (size_t i = 0; i < d->tx.n_in; i++)
		if (d->coins[i].confirmed && !sat_sub(left, d->coins[i].value, &left))
			return ERR(err, ERR_INTERNAL, "a draft spends more than there is");
	if (!sat_add(left, d->change, &left))
		return ERR(err, ERR_RANGE, "more is left than can be counted");
	*ret = left;
	return 0;
}

int onchain_reserve_check(struct step *s, const struct onchain_draft *d, struct err *err)
{
	struct sat reserve = s->policy->onchain.exit_reserve, left;

	if (sat_value(reserve) == 0)
		return 0;
	if (left_by(s, d, &left, err) != 0)
		return -1;
	if (sat_cmp(left, reserve) >= 0)
		return 0;
	ERR(err, ERR_FUNDS,
	    "it would leave %" PRIu64 " sat of confirmed coins and change, and %" PRIu64
	    " sat are kept for exits (exit_reserve_sat)",
	    sat_value(left), sat_value(reserve));
	err_hint(err, "pay less, or give use_reserve=true");
	return err_field(err, "amount_sat");
}
