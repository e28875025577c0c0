#include "actions/cashu_limit.h"

#include <inttypes.h>
#include <string.h>

/* The line that names the mint, else the one for all mints, else NULL. */
static const struct mint_limit *limit_of(const struct action_policy *p, const char *mint, struct currency unit)
{
	const struct mint_limit *general = NULL;

	for (size_t i = 0; i < p->n_mint_limits; i++) {
		const struct mint_limit *l = &p->mint_limits[i];

		if (!currency_equal(l->unit, unit))
			continue;
		if (!l->mint)
			general = l;
		else if (strcmp(l->mint, mint) == 0)
			return l;
	}
	return general;
}

static uint64_t held(const struct account_total *totals, size_t n, int64_t mint_id, struct currency unit)
{
	static const enum account ours[] = { ACCOUNT_SPENDABLE, ACCOUNT_LOCKED, ACCOUNT_SENT };
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (totals[i].mint_id == mint_id && currency_equal(totals[i].unit, unit))
			for (size_t k = 0; k < ARRAY_LEN(ours); k++)
				sum += (uint64_t)totals[i].total[ours[k]];
	return sum;
}

int cashu_limit_check(struct step *s, const struct cashu_place *at, uint64_t more, struct err *err)
{
	const struct mint_limit *l = limit_of(s->policy, at->mint, at->unit);
	struct account_total *totals;
	uint64_t have;
	size_t n;

	if (!l)
		return 0;
	if (movement_totals(s->view, s->arena, &totals, &n, err) != 0)
		return -1;
	have = held(totals, n, at->mint_id, at->unit);
	if (more <= l->max && have <= l->max - more)
		return 0;
	ERR(err, ERR_MINT_LIMIT,
	    "%" PRIu64 " %s are at %s, and with %" PRIu64 " more the limit of %" PRIu64 " is passed", have, at->unit.s,
	    at->mint, more, l->max);
	return err_hint(err, "spend some of it first, or set cashu_mint_limit=%" PRIu64 " %s %s", have + more,
			at->unit.s, at->mint);
}

json_t *cashu_limits_json(struct arena *a, const struct action_policy *p, const struct mint_row *mint,
			  const struct account_total *totals, size_t n)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < p->n_mint_limits; i++) {
		const struct mint_limit *l = &p->mint_limits[i];
		json_t *v;

		if (limit_of(p, mint->url, l->unit) != l)
			continue;
		v = json_object_in(a);
		json_set_str(v, "unit", l->unit.s);
		json_set_u64(v, "max", l->max);
		json_set_u64(v, "held", held(totals, n, mint->id, l->unit));
		json_add(list, v);
	}
	return list;
}
