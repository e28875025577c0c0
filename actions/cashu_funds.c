#include "actions/cashu_funds.h"

#include <inttypes.h>

#include "actions/ecash.h"

int cashu_short_of_funds(struct step *s, int64_t mint_id, struct currency unit, struct err *err)
{
	struct account_total *totals;
	int64_t held = 0;
	struct err ignored; /* the amount is too large whatever this says */
	size_t n;

	if (movement_totals(s->view, s->arena, &totals, &n, &ignored) != 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (totals[i].mint_id && (mint_id == 0 || totals[i].mint_id == mint_id) &&
		    currency_equal(totals[i].unit, unit))
			held += totals[i].total[ACCOUNT_LOCKED] < INT64_MAX - held ? totals[i].total[ACCOUNT_LOCKED]
										   : 0;
	if (held > 0)
		err_hint(err, "%" PRId64 " more are held by actions under way: action.list status=active", held);
	else
		err_hint(err, "balance shows what is where; action.start cashu_issue brings more");
	return err_field(err, "amount");
}

int cashu_choose_mint(struct step *s, const json_t *params, struct currency unit, struct mint_row *ret, struct err *err)
{
	const char *url = NULL;
	struct account_total *totals;
	int64_t best = 0, best_id = 0;
	size_t n;

	if (json_opt_str(params, "mint", MINT_URL_MAX, &url, err) != 0)
		return -1;
	if (url)
		return ecash_mint_find(s->view, s->arena, url, ret, err);
	if (movement_totals(s->view, s->arena, &totals, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (totals[i].mint_id && currency_equal(totals[i].unit, unit) &&
		    totals[i].total[ACCOUNT_SPENDABLE] > best) {
			best = totals[i].total[ACCOUNT_SPENDABLE];
			best_id = totals[i].mint_id;
		}
	if (best_id)
		return mint_store_by_id(s->view, s->arena, best_id, ret, err);
	ERR(err, ERR_FUNDS, "there is no spendable ecash in the unit %s", unit.s);
	return cashu_short_of_funds(s, 0, unit, err);
}

int cashu_spendable(struct step *s, const struct cashu_place *at, uint64_t *ret, struct err *err)
{
	struct account_total *totals;
	size_t n;

	if (movement_totals(s->view, s->arena, &totals, &n, err) != 0)
		return -1;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		if (totals[i].mint_id == at->mint_id && currency_equal(totals[i].unit, at->unit))
			*ret = (uint64_t)totals[i].total[ACCOUNT_SPENDABLE];
	return 0;
}
