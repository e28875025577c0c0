#include "rails/bitcoin/txbuild.h"

#include <assert.h>

#include "base/rng.h"
#include "rails/bitcoin/coinselect.h"
#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/timelock.h"
#include "rails/bitcoin/weigh.h"

/* A replacement that does not outbid is built again at a rate that would have; the weight may change, so again. */
#define OUTBID_TRIES 16

/* --- what is to be outbid --- */

/* Whole sat per 1000 virtual bytes: some nodes compare these, others fractions; more of these is more for both. */
static uint64_t per_kvb(struct sat fee, uint64_t vsize)
{
	return fee.v * 1000 / vsize;
}

bool replaced_is_outbid(const struct replaced *r, struct sat fee, uint64_t vsize)
{
	struct sat relay, floor;

	return fee_for_vsize_ceil(r->incremental, vsize, &relay) && sat_add(r->fee, relay, &floor) &&
	       sat_cmp(fee, floor) >= 0 && sat_is_money(fee) && sat_is_money(r->own_fee) && r->own_vsize > 0 &&
	       per_kvb(fee, vsize) > per_kvb(r->own_fee, r->own_vsize);
}

/* A rate at which a transaction of this weight outbids it, and which is above the one before. */
static int raise_rate(const struct replaced *r, struct weight w, struct feerate *rate, struct err *err)
{
	uint64_t vsize = weight_vsize(w);
	struct feerate by_fee, by_rate;
	struct sat relay, floor;

	if (!fee_for_vsize_ceil(r->incremental, vsize, &relay) || !sat_add(r->fee, relay, &floor) ||
	    !sat_is_money(floor) || !sat_is_money(r->own_fee) || r->own_vsize == 0 ||
	    !feerate_of_ceil(floor, w, &by_fee) ||
	    !feerate_from_sat_per_kvb_ceil(per_kvb(r->own_fee, r->own_vsize) + 1, &by_rate) ||
	    !feerate_from_sat_per_kwu(rate->v + 1, rate))
		return ERR(err, ERR_FEE, "transaction: no fee can outbid what it replaces");
	*rate = feerate_max(*rate, feerate_max(by_fee, by_rate));
	return 0;
}

/* --- putting it together --- */

struct builder {
	struct arena *a, *scratch; /* for the draft; for one try at it */
	const struct tx_plan *plan;
	struct feerate rate;
	const size_t *coins; /* those spent, places in the plan */
	size_t n_coins;
	struct sat in, fee, change;
	struct tx_out *outs; /* payments, what is left of them */
	size_t n_outs;
};

static uint32_t lock_time(uint32_t tip)
{
	uint32_t back;

	if (tip == 0 || rng_below(10) != 0)
		return tip;
	back = (uint32_t)rng_below(TXBUILD_SNIPING_BACK + 1);
	return back < tip ? tip - back : 0;
}

static size_t *shuffled(struct arena *a, size_t n)
{
	size_t *order = ARENA_ARRAY(a, n, size_t);

	for (size_t i = 0; i < n; i++) {
		size_t j = (size_t)rng_below(i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

static void put_inputs(const struct builder *b, struct tx_draft *d)
{
	size_t n = b->n_coins, *order = shuffled(b->a, n);
	struct tx_out *spent = ARENA_ARRAY(b->a, n, struct tx_out);

	d->tx.in = ARENA_ARRAY(b->a, n, struct tx_in);
	d->tx.n_in = n;
	d->coin = ARENA_ARRAY(b->a, n, size_t);
	for (size_t i = 0; i < n; i++) {
		const struct spendable *c = &b->plan->coins[b->coins[order[i]]];

		d->coin[i] = b->coins[order[i]];
		d->tx.in[i] = (struct tx_in){ .prevout = c->at, .sequence = SEQUENCE_REPLACE };
		spent[i] = c->out;
	}
	d->spent = spent;
}

static void put_outputs(const struct builder *b, struct tx_draft *d)
{
	size_t n = b->n_outs + (b->change.v > 0 ? 1 : 0), *order = shuffled(b->a, n);

	d->tx.out = ARENA_ARRAY(b->a, n, struct tx_out);
	d->tx.n_out = n;
	d->payment = ARENA_ARRAY(b->a, n, size_t);
	for (size_t i = 0; i < n; i++) {
		d->payment[i] = order[i] < b->n_outs ? order[i] : b->plan->n_payments;
		d->tx.out[i] = order[i] < b->n_outs ? b->outs[order[i]]
						    : (struct tx_out){ b->change, b->plan->change_script };
	}
}

/* The transaction once it is signed. */
static struct weight signed_weight(const struct builder *b)
{
	bool change = b->change.v > 0;
	struct weight w = weigh_overhead(b->n_coins, b->n_outs + (change ? 1 : 0), true);

	for (size_t i = 0; i < b->n_coins; i++)
		w = weight_add(w, b->plan->coins[b->coins[i]].weight);
	for (size_t i = 0; i < b->n_outs; i++)
		w = weight_add(w, weigh_output(b->outs[i].script));
	return change ? weight_add(w, weigh_output(b->plan->change_script)) : w;
}

/* The last word on every draft: it adds up, it pays what was asked, and a node would take it. */
static int check_draft(const struct builder *b, const struct tx_draft *d, struct err *err)
{
	struct sat out, left, least;

	if (!tx_value_out(&d->tx, &out) || !sat_sub(b->in, out, &left) || sat_cmp(left, d->fee) != 0)
		return ERR(err, ERR_INTERNAL, "transaction: inputs, outputs and fee do not add up");
	if (!fee_for_weight_ceil(b->rate, d->weight, &least) || sat_cmp(d->fee, least) < 0)
		return ERR(err, ERR_INTERNAL, "transaction: pays less than its rate asks for");
	if (tx_check(&d->tx, err) != 0)
		return -1;
	return policy_check(&d->tx, d->fee, err);
}

static int put_together(const struct builder *b, struct weight w, struct tx_draft *ret, struct err *err)
{
	struct tx_draft d = { .tx = { .version = b->plan->version, .locktime = lock_time(b->plan->tip_height) },
			      .fee = b->fee,
			      .change = b->change,
			      .weight = w };

	/* So it has no more inputs and outputs than TXBUILD_ARENA holds. */
	if (w.v > b->plan->max_weight.v)
		return ERR(err, ERR_RANGE, "transaction: weighs %llu, and %llu is the most", (unsigned long long)w.v,
			   (unsigned long long)b->plan->max_weight.v);
	put_inputs(b, &d);
	put_outputs(b, &d);
	if (check_draft(b, &d, err) != 0)
		return -1;
	*ret = d;
	return 0;
}

/* --- paying --- */

static int check_payments(const struct tx_plan *plan, struct sat *ret, struct err *err)
{
	struct sat sum = { 0 };

	if (plan->n_payments == 0)
		return ERR(err, ERR_PARAM, "transaction: nobody to pay");
	for (size_t i = 0; i < plan->n_payments; i++) {
		if (policy_is_dust(&plan->payments[i]))
			return ERR(err, ERR_DUST, "payment %zu is below %llu sat, the least that is relayed", i + 1,
				   (unsigned long long)policy_dust(plan->payments[i].script).v);
		if (!sat_add(sum, plan->payments[i].value, &sum) || !sat_is_money(sum))
			return ERR(err, ERR_RANGE, "payments: more than all money");
	}
	*ret = sum;
	return 0;
}

/* What spending change will weigh; as much as a taproot output for what no single signature spends. */
static struct weight change_spend(struct bytes script)
{
	struct weight w = { 0 };
	bool known = weigh_input(spk_classify(script, NULL), &w) || weigh_input(SPK_P2TR, &w);

	assert(known);
	return w;
}

/* Change that is not worth spending another day is none. */
static struct sat least_change(const struct tx_plan *plan)
{
	struct sat dust = policy_dust(plan->change_script), spend;

	if (fee_for_weight_ceil(plan->long_term, change_spend(plan->change_script), &spend) && sat_cmp(spend, dust) > 0)
		return spend;
	return dust;
}

static int target_of(const struct builder *b, struct sat amount, struct coin_target *ret, struct err *err)
{
	const struct tx_plan *plan = b->plan;
	struct coin_target t = { .amount = amount,
				 .rate = b->rate,
				 .long_term = plan->long_term,
				 .change_output = weight_add(
					 weigh_output(plan->change_script),
					 weigh_count_growth(plan->n_payments, plan->n_payments + 1)),
				 .change_spend = change_spend(plan->change_script),
				 .change_min = least_change(plan),
				 .max_weight = plan->max_weight,
				 .fee_from_amount = plan->subtract_fee };

	for (size_t i = 0; i < plan->n_coins; i++) {
		if (!plan->coins[i].must)
			continue;
		if (!sat_add(t.preset, plan->coins[i].out.value, &t.preset))
			return ERR(err, ERR_RANGE, "coins: worth more than all money");
		t.fixed = weight_add(t.fixed, plan->coins[i].weight);
		t.n_preset++;
	}
	t.fixed = weight_add(t.fixed, weigh_overhead(t.n_preset, plan->n_payments, true));
	for (size_t i = 0; i < plan->n_payments; i++)
		t.fixed = weight_add(t.fixed, weigh_output(plan->payments[i].script));
	*ret = t;
	return 0;
}

/* The coins that may be chosen, as coinselect() knows them, and where in the plan each is. */
static struct coin *optional_coins(struct arena *a, const struct tx_plan *plan, size_t *place, size_t *n)
{
	struct coin *coins = ARENA_ARRAY(a, plan->n_coins, struct coin);

	*n = 0;
	for (size_t i = 0; i < plan->n_coins; i++)
		if (!plan->coins[i].must) {
			coins[*n] = (struct coin){ plan->coins[i].out.value, plan->coins[i].weight };
			place[(*n)++] = i;
		}
	return coins;
}

/* Preset and chosen coins together. */
static int use_coins(struct builder *b, const struct coin_choice *c, const size_t *place, struct err *err)
{
	size_t *all = ARENA_ARRAY(b->scratch, b->plan->n_coins, size_t), n = 0;

	for (size_t i = 0; i < b->plan->n_coins; i++)
		if (b->plan->coins[i].must)
			all[n++] = i;
	for (size_t i = 0; i < c->n; i++)
		all[n++] = place[c->index[i]];
	b->in = (struct sat){ 0 };
	for (size_t i = 0; i < n; i++)
		if (!sat_add(b->in, b->plan->coins[all[i]].out.value, &b->in))
			return ERR(err, ERR_RANGE, "coins: worth more than all money");
	b->coins = all;
	b->n_coins = n;
	b->fee = c->fee;
	b->change = c->change;
	return 0;
}

/* Each receiver pays the same share of what is missing; the first also what does not divide. */
static int share_fee(struct builder *b, struct sat amount, struct err *err)
{
	struct sat left, missing;
	uint64_t n = b->n_outs;

	if (!sat_sub(b->in, b->change, &left) || !sat_sub(left, b->fee, &left) || !sat_sub(amount, left, &missing))
		return ERR(err, ERR_FUNDS, "the fee is more than all the coins are worth");
	for (size_t i = 0; i < b->n_outs; i++) {
		struct sat share = { missing.v / n + (i == 0 ? missing.v % n : 0) };

		if (!sat_sub(b->outs[i].value, share, &b->outs[i].value) || policy_is_dust(&b->outs[i]))
			return ERR(err, ERR_DUST, "payment %zu: the fee leaves too little of it to be relayed", i + 1);
	}
	return 0;
}

static int choose_payment(struct builder *b, struct err *err)
{
	size_t *place = ARENA_ARRAY(b->scratch, b->plan->n_coins, size_t), n;
	struct coin *coins = optional_coins(b->scratch, b->plan, place, &n);
	struct coin_choice choice;
	struct coin_target t;
	struct sat amount;

	if (check_payments(b->plan, &amount, err) != 0)
		return -1;
	b->n_outs = b->plan->n_payments;
	b->outs = ARENA_ARRAY(b->scratch, b->n_outs, struct tx_out);
	for (size_t i = 0; i < b->n_outs; i++)
		b->outs[i] = b->plan->payments[i];
	if (target_of(b, amount, &t, err) != 0 || coinselect(b->scratch, coins, n, &t, &choice, err) != 0 ||
	    use_coins(b, &choice, place, err) != 0)
		return -1;
	return b->plan->subtract_fee ? share_fee(b, amount, err) : 0;
}

/* --- sweeping --- */

/* All that must be spent or is worth more than spending it costs. */
static int worth_sweeping(struct builder *b, struct err *err)
{
	size_t *coins = ARENA_ARRAY(b->scratch, b->plan->n_coins, size_t), n = 0;

	b->in = (struct sat){ 0 };
	for (size_t i = 0; i < b->plan->n_coins; i++) {
		const struct spendable *c = &b->plan->coins[i];
		struct sat cost;

		if (!fee_for_weight_ceil(b->rate, c->weight, &cost) || (!c->must && sat_cmp(c->out.value, cost) <= 0))
			continue;
		if (!sat_add(b->in, c->out.value, &b->in))
			return ERR(err, ERR_RANGE, "coins: worth more than all money");
		coins[n++] = i;
	}
	if (n == 0)
		return ERR(err, ERR_FUNDS, "no coin is worth more than the fee for spending it");
	b->coins = coins;
	b->n_coins = n;
	return 0;
}

static int choose_sweep(struct builder *b, struct err *err)
{
	struct tx_out all = { .script = b->plan->change_script };
	struct weight w;

	if (worth_sweeping(b, err) != 0)
		return -1;
	b->n_outs = 0;
	b->change = b->in; /* there is one, whatever is left of it */
	w = signed_weight(b);
	if (!fee_for_weight_ceil(b->rate, w, &b->fee) || !sat_sub(b->in, b->fee, &all.value))
		return ERR(err, ERR_FUNDS, "the fee is more than all the coins are worth");
	if (all.value.v == 0 || policy_is_dust(&all))
		return ERR(err, ERR_DUST, "the fee leaves too little to be relayed");
	b->change = all.value;
	return 0;
}

/* --- both --- */

static int check_plan(const struct tx_plan *plan, struct err *err)
{
	if (plan->rate.v > FEERATE_MAX || plan->long_term.v > FEERATE_MAX)
		return ERR(err, ERR_FEE, "transaction: a feerate beyond all reason");
	if (plan->max_weight.v > POLICY_WEIGHT_MAX || plan->n_coins > COINSELECT_COINS_MAX ||
	    plan->n_payments > POLICY_WEIGHT_MAX)
		return ERR(err, ERR_RANGE, "transaction: too many coins or payments, or too heavy");
	for (size_t i = 0; i < plan->n_coins; i++)
		if (plan->coins[i].weight.v > TX_WEIGHT_MAX || !sat_is_money(plan->coins[i].out.value))
			return ERR(err, ERR_RANGE, "coin %zu: heavier than a block, or worth more than all money", i);
	return 0;
}

/* A place twice, a coin as coinselect() takes it, its answer; and payments. */
static size_t scratch_for(const struct tx_plan *plan)
{
	return plan->n_coins * (3 * sizeof(size_t) + sizeof(struct coin)) + plan->n_payments * sizeof(struct tx_out) +
	       4096;
}

static int make_draft(struct arena *a, const struct tx_plan *plan, int (*choose)(struct builder *, struct err *),
		      struct tx_draft *ret, struct err *err)
{
	struct builder b = { .a = a, .plan = plan, .rate = plan->rate };

	if (check_plan(plan, err) != 0)
		return -1;
	for (unsigned i = 0; i < OUTBID_TRIES; i++) {
		SCOPED(arena) struct arena scratch = ARENA_LIMIT(scratch_for(plan));
		struct weight w;

		b.scratch = &scratch;
		if (choose(&b, err) != 0)
			return -1;
		w = signed_weight(&b);
		if (plan->replaces == NULL || replaced_is_outbid(plan->replaces, b.fee, weight_vsize(w)))
			return put_together(&b, w, ret, err);
		if (raise_rate(plan->replaces, w, &b.rate, err) != 0)
			return -1;
	}
	return ERR(err, ERR_FEE, "transaction: no choice of coins outbids what it replaces");
}

int tx_draft_pay(struct arena *a, const struct tx_plan *plan, struct tx_draft *ret, struct err *err)
{
	return make_draft(a, plan, choose_payment, ret, err);
}

int tx_draft_sweep(struct arena *a, const struct tx_plan *plan, struct tx_draft *ret, struct err *err)
{
	return make_draft(a, plan, choose_sweep, ret, err);
}
