#include "exit/child.h"

#include <assert.h>
#include <string.h>

#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/timelock.h"
#include "rails/bitcoin/weigh.h"

/* The input that spends an anchor, with the count of its witness or without. */
#define ANCHOR_BESIDE 165u
#define ANCHOR_ALONE  164u

struct weight child_weight(size_t n_coins, struct bytes change_script)
{
	/* An anchor alone has no witness, not even an empty one. */
	const struct weight anchor = { n_coins > 0 ? ANCHOR_BESIDE : ANCHOR_ALONE };
	struct weight w = weigh_overhead(1 + n_coins, 1, n_coins > 0), coin;
	bool known = weigh_input(SPK_P2TR, &coin);

	assert(known);
	w = weight_add(weight_add(w, anchor), weigh_output(change_script));
	for (size_t i = 0; i < n_coins; i++)
		w = weight_add(w, coin);
	return w;
}

/* BIP125 rules 3, 4 and 6, of child against child: the parent stays where it is. */
static bool outbid(const struct child_replaced *old, struct weight child, struct sat *fee)
{
	struct sat relay, total, by_rate, old_rate;
	struct feerate rate;

	if (!fee_for_weight_ceil(old->incremental, child, &relay) || !sat_add(old->fee, relay, &total))
		return false;
	/* More per weight than it paid: rounded up, and what it costs to relay on top, which is more than nothing. */
	if (!feerate_of_ceil(old->fee, old->weight, &rate) || !fee_for_weight_ceil(rate, child, &old_rate) ||
	    !sat_add(old_rate, relay, &by_rate))
		return false;
	if (sat_cmp(total, *fee) > 0)
		*fee = total;
	if (sat_cmp(by_rate, *fee) > 0)
		*fee = by_rate;
	return true;
}

bool child_fee(const struct child_order *o, struct weight child, struct sat *ret)
{
	struct sat fee;

	if (!fee_for_weight_ceil(o->rate, weight_add(o->parent, child), &fee) || !sat_add(fee, o->surcharge, &fee))
		return false;
	if (o->replaces && !outbid(o->replaces, child, &fee))
		return false;
	*ret = fee;
	return sat_is_money(fee);
}

/* Would these coins do?  Fills the rest of the plan. */
static bool suffices(const struct child_order *o, struct child_plan *p)
{
	struct sat in = o->anchor_value, change;

	p->weight = child_weight(p->n, o->change_script);
	if (!child_fee(o, p->weight, &p->fee))
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!sat_add(in, o->coins[p->coins[i]], &in))
			return false;
	if (!sat_sub(in, p->fee, &change) || sat_cmp(change, policy_dust(o->change_script)) < 0)
		return false;
	p->change = change;
	return true;
}

/* Those that are kept, and of the others the `more` largest ones. */
static bool try_largest(const struct child_order *o, size_t more, struct child_plan *p)
{
	p->n = o->n_kept + more;
	for (size_t i = 0; i < p->n; i++)
		p->coins[i] = i;
	return suffices(o, p);
}

/* The smallest one that is enough, so that large ones are left for other packages. */
static bool try_smallest(const struct child_order *o, struct child_plan *p)
{
	size_t low = o->n_kept, high = o->n_coins; /* enough below low; not from high on */

	p->n = o->n_kept + 1;
	for (size_t i = 0; i < o->n_kept; i++)
		p->coins[i] = i;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		p->coins[o->n_kept] = middle;
		if (suffices(o, p))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == o->n_kept)
		return false;
	p->coins[o->n_kept] = low - 1;
	return suffices(o, p);
}

static bool choose(const struct child_order *o, struct child_plan *p)
{
	size_t others = o->n_coins - o->n_kept;

	if ((o->n_kept > 0 || sat_cmp(o->anchor_value, (struct sat){ 0 }) > 0) && try_largest(o, 0, p))
		return true;
	if (o->n_kept < CHILD_COINS_MAX && others > 0 && try_smallest(o, p))
		return true;
	for (size_t more = 2; more <= others && o->n_kept + more <= CHILD_COINS_MAX; more++)
		if (try_largest(o, more, p))
			return true;
	return false;
}

/* What one coin would have to be worth, and what there is. */
static enum exit_trouble_tag short_of(const struct child_order *o, struct exit_trouble *ret)
{
	struct sat fee, needed = { 0 }, sum = { 0 }, rest;
	size_t n = o->n_coins < CHILD_COINS_MAX ? o->n_coins : CHILD_COINS_MAX;

	for (size_t i = 0; i < o->n_coins; i++)
		if (!sat_add(sum, o->coins[i], &sum))
			return TROUBLE_INTERNAL;
	if (!child_fee(o, child_weight(1, o->change_script), &fee) ||
	    !sat_add(fee, policy_dust(o->change_script), &needed))
		return TROUBLE_FEE_CAP;
	if (sat_sub(needed, o->anchor_value, &rest))
		needed = rest;
	ret->needed = needed;
	ret->available = sum;
	/* There would be enough, but in too many pieces. */
	if (o->n_coins > n && child_fee(o, child_weight(o->n_coins, o->change_script), &fee) &&
	    sat_add(fee, policy_dust(o->change_script), &fee) && sat_cmp(sum, fee) >= 0)
		return TROUBLE_CHILD_TOO_LARGE;
	return TROUBLE_FUNDS;
}

enum exit_trouble_tag child_plan(const struct child_order *o, struct child_plan *ret, struct exit_trouble *ret_trouble)
{
	struct child_plan p;
	struct sat most;

	assert(o->n_kept <= o->n_coins && o->n_kept <= CHILD_COINS_MAX);
	if (!choose(o, &p))
		return ret_trouble->tag = short_of(o, ret_trouble);
	if (!fee_for_weight_ceil(o->limit, weight_add(o->parent, p.weight), &most) || sat_cmp(p.fee, most) > 0) {
		ret_trouble->needed = p.fee;
		return ret_trouble->tag = TROUBLE_FEE_CAP;
	}
	assert(weight_vsize(p.weight) <= TRUC_CHILD_WEIGHT_MAX / 4);
	*ret = p;
	return TROUBLE_NONE;
}

void child_tx(struct arena *a, const struct child_order *o, const struct child_plan *p, const struct outpoint *at,
	      const struct tx_out *coins, struct tx *ret, struct tx_out **ret_spent)
{
	static const uint8_t p2a[] = { 0x51, 0x02, 0x4e, 0x73 };
	struct tx_out *spent = ARENA_ARRAY(a, p->n + 1, struct tx_out);

	*ret = (struct tx){ .version = TRUC_VERSION, .n_in = p->n + 1, .n_out = 1 };
	ret->in = ARENA_ARRAY(a, ret->n_in, struct tx_in);
	ret->out = ARENA_NEW(a, struct tx_out);
	spent[0] = (struct tx_out){ o->anchor_value, { p2a, sizeof(p2a) } };
	ret->in[0] = (struct tx_in){ .prevout = o->anchor, .sequence = SEQUENCE_REPLACE };
	for (size_t i = 0; i < p->n; i++) {
		ret->in[1 + i] = (struct tx_in){ .prevout = at[i], .sequence = SEQUENCE_REPLACE };
		spent[1 + i] = coins[i];
	}
	*ret->out = (struct tx_out){ p->change, o->change_script };
	*ret_spent = spent;
}

/* --- when --- */

/* a * num / den, rounded up, and no more than the limit. */
static struct feerate scaled(struct feerate a, uint64_t num, uint64_t den, struct feerate limit)
{
	struct feerate ret;

	if (!feerate_from_sat_per_kwu((feerate_sat_per_kwu(a) * num + den - 1) / den, &ret))
		return limit;
	return ret;
}

bool bump_wanted(const struct bump_facts *f, struct feerate *ret)
{
	struct feerate to = f->fast;
	bool wanted;

	if (f->has_override) {
		to = f->override;
		wanted = feerate_cmp(to, f->now) > 0;
	} else if (f->deadline_near) {
		to = feerate_max(f->fast, scaled(f->now, 3, 2, f->limit));
		wanted = f->blocks >= 1;
	} else if (!f->ours || f->blocks >= f->after) {
		wanted = feerate_cmp(f->fast, f->now) > 0;
	} else {
		wanted = f->blocks >= 1 && feerate_cmp(f->fast, scaled(f->now, 5, 4, f->limit)) >= 0;
	}
	if (feerate_cmp(to, f->limit) > 0)
		to = f->limit;
	if (!wanted || feerate_cmp(to, f->now) <= 0)
		return false;
	*ret = to;
	return true;
}
