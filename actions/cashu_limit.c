#include "actions/cashu_limit.h"

#include <inttypes.h>
#include <string.h>

/* All that is said of one mint. */
struct limits {
	const struct action_policy *policy;
	const struct mint_limit_row *set; /* in place of the policy */
	size_t n_set;
};

/* Of the configuration: the line that names the mint, else the one for all mints, else NULL. */
static const struct mint_limit *configured(const struct action_policy *p, const char *mint, struct currency unit)
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

static const struct mint_limit_row *set_by_rpc(const struct limits *l, struct currency unit)
{
	for (size_t i = 0; i < l->n_set; i++)
		if (currency_equal(l->set[i].unit, unit))
			return &l->set[i];
	return NULL;
}

static int limits_of(struct view v, struct arena *a, const struct action_policy *p, int64_t mint_id, struct limits *ret,
		     struct err *err)
{
	struct mint_limit_row *rows;

	*ret = (struct limits){ .policy = p };
	if (mint_store_limits(v, a, mint_id, &rows, &ret->n_set, err) != 0)
		return -1;
	ret->set = rows;
	return 0;
}

/* Is there a limit, and which? */
static bool limit_in_force(const struct limits *l, const char *mint, struct currency unit, uint64_t *ret)
{
	const struct mint_limit_row *set = set_by_rpc(l, unit);
	const struct mint_limit *line = configured(l->policy, mint, unit);

	if (set ? !set->bounded : !line)
		return false;
	*ret = set ? set->max : line->max;
	return true;
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
	struct account_total *totals;
	struct limits l;
	uint64_t have, max;
	size_t n;

	if (limits_of(s->view, s->arena, s->policy, at->mint_id, &l, err) != 0)
		return -1;
	if (!limit_in_force(&l, at->mint, at->unit, &max))
		return 0;
	if (movement_totals(s->view, s->arena, &totals, &n, err) != 0)
		return -1;
	have = held(totals, n, at->mint_id, at->unit);
	if (more <= max && have <= max - more)
		return 0;
	ERR(err, ERR_MINT_LIMIT,
	    "%" PRIu64 " %s are at %s, and with %" PRIu64 " more the limit of %" PRIu64 " is passed", have, at->unit.s,
	    at->mint, more, max);
	return err_hint(err, "spend some of it first, or mint.set url=%s unit=%s max=%" PRIu64, at->mint, at->unit.s,
			have + more);
}

static json_t *limit_json(struct arena *a, const struct mint_row *mint, struct currency unit, const uint64_t *max,
			  const char *set_by, const struct account_total *totals, size_t n)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "unit", unit.s);
	if (max)
		json_set_u64(v, "max", *max);
	else
		json_set_take(v, "max", json_null());
	json_set_u64(v, "held", held(totals, n, mint->id, unit));
	json_set_str(v, "set_by", set_by);
	return v;
}

int cashu_limits_json(struct view v, struct arena *a, const struct action_policy *p, const struct mint_row *mint,
		      const struct account_total *totals, size_t n, json_t **ret, struct err *err)
{
	json_t *list = json_array_in(a);
	struct limits l;

	if (limits_of(v, a, p, mint->id, &l, err) != 0)
		return -1;
	for (size_t i = 0; i < l.n_set; i++)
		json_add(list, limit_json(a, mint, l.set[i].unit, l.set[i].bounded ? &l.set[i].max : NULL, "mint.set",
					  totals, n));
	for (size_t i = 0; i < p->n_mint_limits; i++) {
		const struct mint_limit *line = &p->mint_limits[i];

		if (!set_by_rpc(&l, line->unit) && configured(p, mint->url, line->unit) == line)
			json_add(list, limit_json(a, mint, line->unit, &line->max, "cashu_mint_limit", totals, n));
	}
	*ret = list;
	return 0;
}
