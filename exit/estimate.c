#include "exit/estimate.h"

#include <string.h>

#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/weigh.h"

/* Any taproot output: all weigh the same, and have the same dust limit. */
static struct bytes some_script(void)
{
	static const uint8_t p2tr[34] = { OP_1, 32 };

	return (struct bytes){ p2tr, sizeof(p2tr) };
}

static struct child_order child_of(const struct estimate_order *o, const struct estimate_tx *tx)
{
	return (struct child_order){
		.anchor_value = tx->anchor_value,
		.parent = tx->weight,
		.change_script = some_script(),
		.rate = o->rate,
		.limit = o->limit,
		.surcharge = o->surcharge,
	};
}

bool estimate_package(const struct estimate_order *o, const struct estimate_tx *tx, struct sat *ret)
{
	struct child_order child = child_of(o, tx);

	return child_fee(&child, child_weight(1, child.change_script), ret);
}

/* --- the walk --- */

struct purse {
	struct sat *coins; /* the largest first */
	size_t n;
};

static void purse_put(struct purse *p, struct sat coin)
{
	size_t at = p->n++;

	for (; at > 0 && sat_cmp(p->coins[at - 1], coin) < 0; at--)
		p->coins[at] = p->coins[at - 1];
	p->coins[at] = coin;
}

static void purse_take(struct purse *p, const struct child_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool spent = false;

		for (size_t k = 0; k < plan->n; k++)
			spent = spent || plan->coins[k] == i;
		if (!spent)
			p->coins[kept++] = p->coins[i];
	}
	p->n = kept;
}

/* Pays for one; false when these coins do not. */
static bool pay(const struct estimate_order *o, const struct estimate_tx *tx, struct purse *p, struct sat *fee)
{
	struct child_order child = child_of(o, tx);
	struct exit_trouble trouble = { .tag = TROUBLE_NONE };
	struct child_plan plan;

	child.coins = p->coins;
	child.n_coins = p->n;
	if (child_plan(&child, &plan, &trouble) != TROUBLE_NONE)
		return false;
	purse_take(p, &plan);
	purse_put(p, plan.change);
	*fee = plan.fee;
	return true;
}

/* A coin that pays for all, one after the other: each fee, less what anchors bring, and the last change. */
static int one_coin(const struct estimate_order *o, struct sat *ret, struct err *err)
{
	struct sat sum = policy_dust(some_script()), fee, rest;

	for (size_t i = 0; i < o->n; i++) {
		if (!estimate_package(o, &o->txs[i], &fee))
			return ERR(err, ERR_RANGE, "an exit at this feerate costs more than there is money");
		if (sat_sub(fee, o->txs[i].anchor_value, &rest) && (!sat_add(sum, rest, &sum) || !sat_is_money(sum)))
			return ERR(err, ERR_RANGE, "exits at this feerate cost more than there is money");
	}
	*ret = sum;
	return 0;
}

static struct sat worth(const struct purse *p)
{
	struct sat sum = { 0 }, more;

	for (size_t i = 0; i < p->n && sat_add(sum, p->coins[i], &more); i++)
		sum = more;
	return sum;
}

int estimate_walk(struct arena *a, const struct estimate_order *o, struct estimate *ret, struct err *err)
{
	size_t n = o->n_coins < ESTIMATE_COINS_MAX ? o->n_coins : ESTIMATE_COINS_MAX;
	struct purse p = { ARENA_ARRAY(a, n + o->n + 1, struct sat), n };
	struct estimate e = { .fundable = true };
	struct sat fee, total, there;

	if (n > 0)
		memcpy(p.coins, o->coins, n * sizeof(*p.coins));
	there = worth(&p);
	for (size_t i = 0; i < o->n; i++) {
		e.fundable = e.fundable && pay(o, &o->txs[i], &p, &fee);
		if (!e.fundable && !estimate_package(o, &o->txs[i], &fee))
			return ERR(err, ERR_RANGE, "an exit at this feerate costs more than there is money");
		if (!sat_add(e.fee, fee, &total))
			return ERR(err, ERR_RANGE, "exits at this feerate cost more than there is money");
		e.fee = total;
	}
	if (one_coin(o, &e.needed, err) != 0)
		return -1;
	/* Coins that are too small for any package add up to nothing: then all of it is missing. */
	if (!e.fundable && !sat_sub(e.needed, there, &e.short_of))
		e.short_of = e.needed;
	*ret = e;
	return 0;
}

/* --- the claim --- */

bool claim_weight_add(struct claim_weight *c, const struct ark_taproot *t, const struct pubkey *user)
{
	static const struct weight outside = { 164 }; /* outpoint, an empty script, sequence: four for each byte */
	size_t leaf = ark_taproot_leaf_of(t, user);

	if (leaf == t->n_leaves)
		return false;
	c->inputs = weight_add(c->inputs, weight_add(outside, ark_leaf_witness_weight(t, leaf)));
	c->n++;
	return true;
}

struct weight claim_weight_of(const struct claim_weight *c, struct bytes script)
{
	return weight_add(weight_add(weigh_overhead(c->n, 1, true), c->inputs), weigh_output(script));
}
