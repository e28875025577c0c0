#include "rails/bitcoin/txbuild.h"

#include <string.h>

#include "base/rng.h"
#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/script.h"
#include "rails/bitcoin/timelock.h"
#include "rails/bitcoin/weigh.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define TIP 800000

static struct spk own_script, their_script, old_script;

static void scripts(void)
{
	static const uint8_t hash[20] = { 9 };

	own_script = spk_p2tr(&(struct xonly){ { 1 } });
	their_script = spk_p2tr(&(struct xonly){ { 2 } });
	old_script = spk_p2pkh(hash);
}

static struct spendable *purse(const uint64_t *values, size_t n)
{
	struct spendable *coins = ARENA_ARRAY(&ra, n, struct spendable);

	scripts();
	for (size_t i = 0; i < n; i++) {
		coins[i] = (struct spendable){ .at = { { { (uint8_t)i, (uint8_t)(i >> 8) } }, (uint32_t)i },
					       .out = { { values[i] }, spk_bytes(&own_script) } };
		ck_assert(weigh_input(SPK_P2TR, &coins[i].weight));
	}
	return coins;
}

static struct tx_plan plan_of(const struct spendable *coins, size_t n_coins, const struct tx_out *payments, size_t n)
{
	return (struct tx_plan){ .coins = coins,
				 .n_coins = n_coins,
				 .payments = payments,
				 .n_payments = n,
				 .change_script = spk_bytes(&own_script),
				 .rate = { 1250 },
				 .long_term = { 1250 },
				 .version = 2,
				 .tip_height = TIP,
				 .max_weight = { POLICY_WEIGHT_MAX } };
}

/* Signed, as far as weight goes, it weighs what was promised, and everything adds up. */
static void check_draft(const struct tx_plan *plan, const struct tx_draft *d)
{
	static const uint8_t signature[64];
	static struct bytes item = { signature, sizeof(signature) };
	uint64_t in = 0, out = 0;
	size_t n_change = 0;
	struct sat least;

	ck_assert_uint_eq(d->tx.version, plan->version);
	for (size_t i = 0; i < d->tx.n_in; i++) {
		const struct spendable *c = &plan->coins[d->coin[i]];

		ck_assert_uint_lt(d->coin[i], plan->n_coins);
		ck_assert(outpoint_equal(&d->tx.in[i].prevout, &c->at));
		ck_assert_uint_eq(d->spent[i].value.v, c->out.value.v);
		ck_assert(bytes_equal(d->spent[i].script, c->out.script));
		ck_assert_uint_eq(d->tx.in[i].sequence, SEQUENCE_REPLACE);
		in += c->out.value.v;
		d->tx.in[i].witness = (struct witness){ &item, 1 };
	}
	for (size_t i = 0; i < d->tx.n_out; i++) {
		if (d->payment[i] == plan->n_payments) {
			ck_assert_uint_eq(d->tx.out[i].value.v, d->change.v);
			ck_assert(bytes_equal(d->tx.out[i].script, plan->change_script));
			n_change++;
		} else if (!plan->subtract_fee) {
			ck_assert_uint_eq(d->tx.out[i].value.v, plan->payments[d->payment[i]].value.v);
		}
		out += d->tx.out[i].value.v;
	}
	ck_assert_uint_eq(n_change, d->change.v > 0 ? 1 : 0);
	ck_assert_uint_eq(in, out + d->fee.v);
	ck_assert_uint_eq(tx_weight(&d->tx).v, d->weight.v);
	ck_assert(fee_for_weight_ceil(plan->rate, d->weight, &least));
	ck_assert_int_ge(sat_cmp(d->fee, least), 0);
	ck_assert(d->change.v == 0 || plan->replaces != NULL || d->fee.v == least.v);
	ck_assert_uint_le(d->tx.locktime, plan->tip_height);
	ck_assert_uint_ge(d->tx.locktime + TXBUILD_SNIPING_BACK, plan->tip_height);
	ck_ok(policy_check(&d->tx, d->fee, &rerr));
}

START_TEST(paid_with_change)
{
	static const uint64_t values[] = { 100000, 5000 };
	struct spendable *coins = purse(values, 2);
	struct tx_out pay = { { 20000 }, spk_bytes(&their_script) };
	struct tx_plan plan = plan_of(coins, 2, &pay, 1);
	struct tx_draft d;

	ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.tx.n_in, 1);
	ck_assert_uint_eq(d.weight.v, 616);
	ck_assert_uint_eq(d.fee.v, 770); /* 154 vB at 5 sat/vB */
	ck_assert_uint_eq(d.change.v, 79230);
}
END_TEST

START_TEST(paid_without_change)
{
	static const uint64_t values[] = { 20555, 100000 };
	struct spendable *coins = purse(values, 2);
	struct tx_out pay = { { 20000 }, spk_bytes(&their_script) };
	struct tx_plan plan = plan_of(coins, 2, &pay, 1);
	struct tx_draft d;

	ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.change.v, 0);
	ck_assert_uint_eq(d.fee.v, 555); /* 444 WU */
}
END_TEST

START_TEST(many_payments)
{
	static const uint64_t values[] = { 30000000, 30000000 };
	struct tx_out *pays = ARENA_ARRAY(&ra, 400, struct tx_out);
	struct spendable *coins = purse(values, 2);

	/* Around the count of outputs that takes two bytes more. */
	for (size_t n = 1; n <= 400; n += n < 249 || n > 254 ? 31 : 1) {
		struct tx_plan plan = plan_of(coins, 2, pays, n);
		struct tx_draft d;

		for (size_t i = 0; i < n; i++)
			pays[i] = (struct tx_out){ { 1000 + i }, spk_bytes(i % 2 ? &their_script : &old_script) };
		ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
		check_draft(&plan, &d);
		ck_assert_uint_ge(d.tx.n_out, n);
	}
}
END_TEST

START_TEST(receivers_share_the_fee)
{
	static const uint64_t values[] = { 100000 };
	struct spendable *coins = purse(values, 1);
	struct tx_out pays[2] = { { { 50000 }, spk_bytes(&their_script) }, { { 50000 }, spk_bytes(&old_script) } };
	struct tx_plan plan = plan_of(coins, 1, pays, 2);
	struct tx_draft d;

	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_FUNDS);
	plan.subtract_fee = true;
	ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.fee.v, 725); /* 42 + 230 + 172 + 136 = 580 WU */
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(d.tx.out[i].value.v, 50000 - (d.payment[i] == 0 ? 363 : 362));
	/* With change the fee is for that too. */
	pays[0].value.v = 20000;
	ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.change.v, 30000);
	ck_assert_uint_eq(d.fee.v, 940);
	/* What is left must not be dust. */
	pays[0].value.v = 700;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_DUST);
	/* Nor can the fee be more than everything. */
	plan.rate.v = 250000;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_FUNDS);
}
END_TEST

START_TEST(all_of_it)
{
	static const uint64_t values[] = { 100000, 288, 289, 5000 };
	struct spendable *coins = purse(values, 4);
	struct tx_plan plan = plan_of(coins, 4, NULL, 0);
	struct tx_draft d;

	plan.change_script = spk_bytes(&their_script);
	ck_ok(tx_draft_sweep(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.tx.n_in, 3); /* 230 WU at 1250: 288 sat */
	ck_assert_uint_eq(d.tx.n_out, 1);
	ck_assert_uint_eq(d.tx.out[0].value.v, 105289 - d.fee.v);
	ck_assert_uint_eq(d.fee.v, (1250 * (214 + 3 * 230) + 999) / 1000);
}
END_TEST

static const struct {
	const char *name;
	uint64_t values[2];
	size_t n;
	enum err_code why;
} no_sweeps[] = {
	{ "nothing there", { 0 }, 0, ERR_FUNDS },
	{ "nothing worth its fee", { 288, 200 }, 2, ERR_FUNDS },
	{ "less than the rest of the fee", { 500 }, 1, ERR_FUNDS },
	{ "nothing left", { 555 }, 1, ERR_DUST },
	{ "too little left", { 884 }, 1, ERR_DUST },
	{ "just enough left", { 885 }, 1, ERR_NONE },
};

START_TEST(sweeps_that_leave_too_little)
{
	struct spendable *coins = purse(no_sweeps[_i].values, no_sweeps[_i].n);
	struct tx_plan plan = plan_of(coins, no_sweeps[_i].n, NULL, 0);
	struct tx_draft d = { .fee = { 42 } };
	int rc = tx_draft_sweep(&ra, &plan, &d, &rerr);

	if (no_sweeps[_i].why == ERR_NONE) {
		ck_ok(rc);
		check_draft(&plan, &d);
		return;
	}
	ck_fails(rc, no_sweeps[_i].why);
	ck_assert_uint_eq(d.fee.v, 42);
}
END_TEST

static const struct {
	const char *name;
	uint64_t amount, rate;
	bool p2pkh;
	enum err_code why;
} refused[] = {
	{ "dust", 329, 250, false, ERR_DUST },
	{ "dust of the old kind", 545, 250, true, ERR_DUST },
	{ "nothing", 0, 250, false, ERR_DUST },
	{ "more than there is", 100000, 250, false, ERR_FUNDS },
	{ "more than all money", SAT_MONEY_MAX + 1, 250, false, ERR_RANGE },
	{ "an endless rate", 1000, FEERATE_MAX + 1, false, ERR_FEE },
	{ "a rate that eats it all", 1000, FEERATE_MAX, false, ERR_FUNDS },
};

START_TEST(payments_that_cannot_be)
{
	static const uint64_t values[] = { 50000, 50000 };
	struct spendable *coins = purse(values, 2);
	struct tx_out pay = { { refused[_i].amount }, spk_bytes(refused[_i].p2pkh ? &old_script : &their_script) };
	struct tx_plan plan = plan_of(coins, 2, &pay, 1);
	struct tx_draft d;

	plan.rate.v = refused[_i].rate;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), refused[_i].why);
}
END_TEST

START_TEST(plans_that_cannot_be)
{
	static const uint64_t values[] = { 50000 };
	struct spendable *coins = purse(values, 1);
	struct tx_out pay = { { 1000 }, spk_bytes(&their_script) };
	struct tx_plan plan = plan_of(coins, 1, &pay, 0);
	struct tx_draft d;

	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_PARAM);
	plan = plan_of(coins, 1, &pay, 1);
	plan.max_weight.v = POLICY_WEIGHT_MAX + 1;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_RANGE);
	plan.max_weight.v = 200;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_RANGE);
	plan.max_weight.v = POLICY_WEIGHT_MAX;
	coins[0].out.value.v = SAT_MONEY_MAX + 1;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_RANGE);
	coins[0].out.value.v = 50000;
	pay.script = bytes_of("\x51\x51"); /* nothing that is relayed */
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_UNSUPPORTED);
}
END_TEST

/* Where spending change will cost more than dust, less than that is none. */
START_TEST(change_worth_keeping)
{
	static const uint64_t values[] = { 22000 };
	struct spendable *coins = purse(values, 1);
	struct tx_out pay = { { 20000 }, spk_bytes(&their_script) };
	struct tx_plan plan = plan_of(coins, 1, &pay, 1);
	struct tx_draft d;

	plan.rate.v = 250;
	ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.change.v, 2000 - 154);
	plan.long_term.v = 10000; /* 2300 sat for 230 WU */
	ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.change.v, 0);
	ck_assert_uint_eq(d.fee.v, 2000);
}
END_TEST

/* The child of an exit: the empty anchor must be spent, and what else is needed. */
START_TEST(an_anchor_and_a_coin)
{
	static const uint64_t values[] = { 0, 40000, 30000 };
	struct spendable *coins = purse(values, 3);
	struct spk anchor = spk_p2a();
	struct tx_plan plan = plan_of(coins, 3, NULL, 0);
	struct tx_draft d;
	bool found = false;

	coins[0].must = true;
	coins[0].out.script = spk_bytes(&anchor);
	ck_assert(weigh_input(SPK_P2A, &coins[0].weight));
	plan.version = TRUC_VERSION;
	plan.max_weight.v = TRUC_CHILD_WEIGHT_MAX;
	ck_ok(tx_draft_sweep(&ra, &plan, &d, &rerr));
	ck_assert_uint_eq(d.weight.v, 609 + 230);
	ck_assert_uint_eq(d.tx.version, 3);
	for (size_t i = 0; i < d.tx.n_in; i++)
		found = found || d.coin[i] == 0;
	ck_assert(found);
}
END_TEST

/* --- replacing --- */

static const struct {
	const char *name;
	uint64_t fee, own_fee, own_vsize, new_fee, new_vsize;
	bool outbid;
} bids[] = {
	{ "all paid", 1000, 1000, 200, 1200, 200, true },
	{ "its own relay not paid", 1000, 1000, 200, 1199, 200, false },
	{ "a lower rate", 1000, 1000, 200, 1900, 400, false },
	{ "a higher rate, barely", 1000, 1000, 200, 2002, 400, true },
	{ "the same rate", 1000, 1000, 200, 2000, 400, false },
	{ "a rate that is higher below a whole number", 1000, 1000, 200, 2000400, 400079, false },
	{ "smaller, and cheaper", 1000, 1000, 200, 999, 100, false },
	{ "smaller, and paid", 1000, 1000, 200, 1100, 100, true },
	{ "descendants not paid", 5000, 1000, 200, 2000, 200, false },
	{ "descendants paid", 5000, 1000, 200, 5200, 200, true },
	{ "of no size", 1000, 1000, 0, 2000, 200, false },
	{ "beyond money", AMOUNT_MAX, 1000, 200, AMOUNT_MAX, 200, false },
};

START_TEST(rules_of_replacing)
{
	struct replaced r = { { bids[_i].fee }, { bids[_i].own_fee }, bids[_i].own_vsize, { POLICY_RELAY_RATE } };

	ck_assert(replaced_is_outbid(&r, (struct sat){ bids[_i].new_fee }, bids[_i].new_vsize) == bids[_i].outbid);
}
END_TEST

static const uint64_t old_fees[] = { 155, 770, 5000, 30000 };

START_TEST(bumped)
{
	static const uint64_t values[] = { 100000, 50000, 70000 };
	struct spendable *coins = purse(values, 3);
	struct tx_out pay = { { 20000 }, spk_bytes(&their_script) };
	struct replaced r = { { old_fees[_i] }, { old_fees[_i] }, 154, { POLICY_RELAY_RATE } };
	struct tx_plan plan = plan_of(coins, 3, &pay, 1);
	struct tx_draft d;
	bool found = false;

	coins[0].must = true;
	plan.replaces = &r;
	plan.rate.v = 250;
	ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert(replaced_is_outbid(&r, d.fee, tx_vsize(&d.tx)));
	/* No more than it takes, give or take what rounding a rate costs. */
	ck_assert_uint_le(d.fee.v, old_fees[_i] + 154 + 154);
	for (size_t i = 0; i < d.tx.n_in; i++)
		found = found || d.coin[i] == 0;
	ck_assert(found);
}
END_TEST

/* Cancelled by paying ourselves with the same coin. */
START_TEST(cancelled)
{
	static const uint64_t values[] = { 100000 };
	struct spendable *coins = purse(values, 1);
	struct replaced r = { { 2000 }, { 770 }, 154, { POLICY_RELAY_RATE } };
	struct tx_plan plan = plan_of(coins, 1, NULL, 0);
	struct tx_draft d;

	coins[0].must = true;
	plan.replaces = &r;
	ck_ok(tx_draft_sweep(&ra, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert(replaced_is_outbid(&r, d.fee, tx_vsize(&d.tx)));
	ck_assert_uint_ge(d.fee.v, 2000 + 111);
	ck_assert_uint_le(d.fee.v, 2000 + 112);
}
END_TEST

START_TEST(too_dear_to_outbid)
{
	static const uint64_t values[] = { 100000 };
	struct spendable *coins = purse(values, 1);
	struct tx_out pay = { { 20000 }, spk_bytes(&their_script) };
	struct replaced r = { { 80000 }, { 80000 }, 154, { POLICY_RELAY_RATE } };
	struct tx_plan plan = plan_of(coins, 1, &pay, 1);
	struct tx_draft d;

	plan.replaces = &r;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_FUNDS);
	r.fee.v = SAT_MONEY_MAX;
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_FEE);
	r = (struct replaced){ { 1000 }, { 1000 }, 0, { POLICY_RELAY_RATE } };
	ck_fails(tx_draft_pay(&ra, &plan, &d, &rerr), ERR_FEE);
}
END_TEST

/* --- randomness --- */

START_TEST(order_and_lock_are_drawn)
{
	static const uint64_t values[] = { 30000, 30000, 30000, 30000 };
	struct spendable *coins = purse(values, 4);
	struct tx_out pays[3];
	unsigned change_at[4] = { 0 }, at_tip = 0, behind = 0;

	for (size_t i = 0; i < 3; i++)
		pays[i] = (struct tx_out){ { 25000 + i }, spk_bytes(&their_script) };
	rng_seed_for_test(11);
	for (unsigned round = 0; round < 400; round++) {
		struct tx_plan plan = plan_of(coins, 4, pays, 3);
		struct tx_draft d;

		ck_ok(tx_draft_pay(&ra, &plan, &d, &rerr));
		check_draft(&plan, &d);
		for (size_t i = 0; i < d.tx.n_out; i++)
			if (d.payment[i] == 3)
				change_at[i]++;
		at_tip += d.tx.locktime == TIP;
		behind += d.tx.locktime < TIP;
	}
	rng_seed_for_test(0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_gt(change_at[i], 50);
	ck_assert_uint_gt(at_tip, 320);
	ck_assert_uint_gt(behind, 15);
}
END_TEST

START_TEST(low_tips)
{
	static const uint64_t values[] = { 30000 };
	struct spendable *coins = purse(values, 1);

	for (uint32_t tip = 0; tip < 120; tip++) {
		struct tx_plan plan = plan_of(coins, 1, NULL, 0);
		struct tx_draft d;

		plan.tip_height = tip;
		ck_ok(tx_draft_sweep(&ra, &plan, &d, &rerr));
		ck_assert_uint_le(d.tx.locktime, tip);
	}
}
END_TEST

/* The arena that the header promises is enough for the largest. */
START_TEST(the_largest)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(TXBUILD_ARENA);
	struct spendable *coins;
	uint64_t *values = ARENA_ARRAY(&ra, 2500, uint64_t);
	struct tx_plan plan;
	struct tx_draft d;

	for (size_t i = 0; i < 2500; i++)
		values[i] = 100000;
	coins = purse(values, 2500);
	plan = plan_of(coins, 1738, NULL, 0);
	ck_ok(tx_draft_sweep(&a, &plan, &d, &rerr));
	check_draft(&plan, &d);
	ck_assert_uint_eq(d.tx.n_in, 1738);
	plan.n_coins = 1739;
	ck_fails(tx_draft_sweep(&a, &plan, &d, &rerr), ERR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/txbuild");
	TCase *c = rails_case(s, "txbuild");

	tcase_add_test(c, paid_with_change);
	tcase_add_test(c, paid_without_change);
	tcase_add_test(c, many_payments);
	tcase_add_test(c, receivers_share_the_fee);
	tcase_add_test(c, all_of_it);
	tcase_add_loop_test(c, sweeps_that_leave_too_little, 0, ARRAY_LEN(no_sweeps));
	tcase_add_loop_test(c, payments_that_cannot_be, 0, ARRAY_LEN(refused));
	tcase_add_test(c, plans_that_cannot_be);
	tcase_add_test(c, change_worth_keeping);
	tcase_add_test(c, an_anchor_and_a_coin);
	tcase_add_loop_test(c, rules_of_replacing, 0, ARRAY_LEN(bids));
	tcase_add_loop_test(c, bumped, 0, ARRAY_LEN(old_fees));
	tcase_add_test(c, cancelled);
	tcase_add_test(c, too_dear_to_outbid);
	tcase_add_test(c, order_and_lock_are_drawn);
	tcase_add_test(c, low_tips);
	tcase_add_test(c, the_largest);
	return suite_run(s);
}
