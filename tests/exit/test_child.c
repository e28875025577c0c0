/* The figures of spec/exit.md 3.4, 3.6 and 5. */
#include "exit/child.h"

#include <string.h>

#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/script.h"
#include "tests/support/suite.h"

static struct arena arena;
static struct spk own;

static void setup(void)
{
	arena = ARENA_LIMIT(1024 * 1024);
	own = spk_p2tr(&(struct xonly){ { 1 } });
}

static void teardown(void)
{
	arena_done(&arena);
}

static struct child_order order_of(const struct sat *coins, size_t n)
{
	return (struct child_order){ .parent = { 496 },
				     .change_script = spk_bytes(&own),
				     .rate = { 1250 },
				     .limit = { 125000 },
				     .coins = coins,
				     .n_coins = n };
}

static const struct {
	size_t coins;
	uint64_t weight;
} weights[] = { { 0, 376 }, { 1, 609 }, { 2, 839 }, { 3, 1069 }, { 15, 3829 }, { 16, 4059 } };

START_TEST(weight_table)
{
	ck_assert_uint_eq(child_weight(weights[_i].coins, spk_bytes(&own)).v, weights[_i].weight);
}
END_TEST

#define COINS 20
static const struct {
	const char *name;
	uint64_t anchor, rate;
	uint64_t coins[COINS]; /* largest first */
	enum exit_trouble_tag trouble;
	uint64_t fee, change, needed, available;
	size_t n, first;
} plans[] = {
	{ "one coin (9.1)", 0, 1250, { 100000 }, TROUBLE_NONE, 1382, 98618, 0, 0, 1, 0 },
	{ "the smallest that is enough", 0, 1250, { 100000, 50000, 1712, 1711 }, TROUBLE_NONE, 1382, 330, 0, 0, 1, 2 },
	{ "two, for one is too little", 0, 1250, { 1711, 1000 }, TROUBLE_NONE, 1669, 1042, 0, 0, 2, 0 },
	{ "nothing (9.4)", 0, 1250, { 0 }, TROUBLE_FUNDS, 0, 0, 1712, 0, 0, 0 },
	{ "dust would be left (9.6)", 0, 1250, { 1711 }, TROUBLE_FUNDS, 0, 0, 1712, 1711, 0, 0 },
	{ "fifteen small ones (9.5)",
	  0,
	  250,
	  { 96, 96, 96, 96, 96, 96, 96, 96, 96, 96, 96, 96, 96, 96, 96 },
	  TROUBLE_NONE,
	  1082,
	  358,
	  0,
	  0,
	  15,
	  0 },
	{ "sixteen would be needed (9.5)",
	  0,
	  250,
	  { 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93, 93 },
	  TROUBLE_CHILD_TOO_LARGE,
	  0,
	  0,
	  607,
	  1674,
	  0,
	  0 },
	{ "an anchor that is worth something (9.27)", 10000, 1250, { 500 }, TROUBLE_NONE, 1090, 8910, 0, 0, 0, 0 },
	{ "an anchor that is worth too little", 1000, 1250, { 5000 }, TROUBLE_NONE, 1382, 4618, 0, 0, 1, 0 },
	{ "more than may be paid", 0, 125001, { 100000000 }, TROUBLE_FEE_CAP, 0, 0, 138127, 0, 0, 0 },
};

START_TEST(plan_table)
{
	struct sat coins[COINS] = { { 0 } };
	struct exit_trouble trouble = { 0 };
	struct child_order o = order_of(coins, 0);
	struct child_plan p;
	enum exit_trouble_tag got;

	while (o.n_coins < COINS && plans[_i].coins[o.n_coins] > 0) {
		coins[o.n_coins].v = plans[_i].coins[o.n_coins];
		o.n_coins++;
	}
	o.rate.v = plans[_i].rate;
	o.anchor_value.v = plans[_i].anchor;
	got = child_plan(&o, &p, &trouble);
	ck_assert_msg(got == plans[_i].trouble, "%s: %s", plans[_i].name, exit_trouble_name(got));
	if (got == TROUBLE_NONE) {
		ck_assert_msg(sat_value(p.fee) == plans[_i].fee, "%s: fee %lu", plans[_i].name,
			      (unsigned long)sat_value(p.fee));
		ck_assert_msg(sat_value(p.change) == plans[_i].change, "%s: change %lu", plans[_i].name,
			      (unsigned long)sat_value(p.change));
		ck_assert_uint_eq(p.n, plans[_i].n);
		if (p.n > 0)
			ck_assert_uint_eq(p.coins[0], plans[_i].first);
		return;
	}
	ck_assert_uint_eq(sat_value(trouble.needed), plans[_i].needed);
	ck_assert_uint_eq(sat_value(trouble.available), plans[_i].available);
}
END_TEST

/* --- replacing (9.7, 9.8) --- */

static const struct {
	const char *name;
	uint64_t rate, old_fee, old_weight, incremental, fee;
} bumps[] = {
	{ "the network wants much more", 2500, 1382, 609, 250, 2763 },
	{ "hardly more: what a replacement must add (9.8)", 1260, 1382, 609, 250, 1536 },
	/* The old child was smaller, so it paid more per weight: more in all is not enough. */
	{ "child against child", 1250, 4000, 376, 250, 6633 },
	{ "a node that wants more for relaying", 1260, 1382, 609, 1250, 2145 },
};

START_TEST(bump_table)
{
	const struct child_replaced old = {
		.fee = { bumps[_i].old_fee },
		.weight = { bumps[_i].old_weight },
		.incremental = { bumps[_i].incremental },
	};
	static const struct sat coins[] = { { 50000 }, { 100000 } };
	struct child_order o = order_of(coins, 2);
	struct exit_trouble trouble = { 0 };
	struct child_plan p;

	o.rate.v = bumps[_i].rate;
	o.replaces = &old;
	o.n_kept = 1;
	ck_assert_int_eq(child_plan(&o, &p, &trouble), TROUBLE_NONE);
	ck_assert_msg(sat_value(p.fee) == bumps[_i].fee, "%s: %lu", bumps[_i].name, (unsigned long)sat_value(p.fee));
	/* The same coin again: the others stay free. */
	ck_assert_uint_eq(p.n, 1);
	ck_assert_uint_eq(p.coins[0], 0);
	/* What a node checks. */
	ck_assert_uint_ge(sat_value(p.fee), old.fee.v + (old.incremental.v * p.weight.v + 999) / 1000);
	ck_assert(sat_value(p.fee) * old.weight.v > old.fee.v * p.weight.v);
}
END_TEST

START_TEST(a_kept_coin_that_is_too_small_gets_company)
{
	const struct child_replaced old = { .fee = { 1382 }, .weight = { 609 }, .incremental = { 250 } };
	static const struct sat coins[] = { { 1750 }, { 90000 }, { 9000 } };
	struct child_order o = order_of(coins, 3);
	struct exit_trouble trouble = { 0 };
	struct child_plan p;

	o.rate.v = 5000;
	o.replaces = &old;
	o.n_kept = 1;
	ck_assert_int_eq(child_plan(&o, &p, &trouble), TROUBLE_NONE);
	ck_assert_uint_eq(p.n, 2);
	ck_assert_uint_eq(p.coins[0], 0);
	ck_assert_uint_eq(p.coins[1], 2);
}
END_TEST

START_TEST(the_transaction_is_what_was_planned)
{
	static const struct sat coins[] = { { 100000 } };
	struct child_order o = order_of(coins, 1);
	const struct outpoint at = { { { 7 } }, 3 };
	const struct tx_out coin = { coins[0], spk_bytes(&own) };
	static const uint8_t sig[64];
	struct bytes item = { sig, sizeof(sig) };
	struct exit_trouble trouble = { 0 };
	struct tx_out *spent;
	struct child_plan p;
	struct tx tx;

	o.anchor = (struct outpoint){ { { 9 } }, 1 };
	ck_assert_int_eq(child_plan(&o, &p, &trouble), TROUBLE_NONE);
	child_tx(&arena, &o, &p, &at, &coin, &tx, &spent);
	ck_assert_uint_eq(tx.version, 3);
	ck_assert_uint_eq(tx.locktime, 0);
	ck_assert_uint_eq(tx.n_in, 2);
	ck_assert_uint_eq(tx.n_out, 1);
	ck_assert(outpoint_equal(&tx.in[0].prevout, &o.anchor) && outpoint_equal(&tx.in[1].prevout, &at));
	ck_assert(spk_classify(spent[0].script, NULL) == SPK_P2A);
	tx.in[1].witness = (struct witness){ &item, 1 };
	ck_assert_uint_eq(tx_weight(&tx).v, p.weight.v);
	ck_assert_uint_eq(sat_value(tx.out[0].value), 100000 - 1382);
}
END_TEST

/* */
static const struct {
	const char *name;
	uint64_t now, fast, override;
	uint32_t blocks;
	bool ours, near;
	uint64_t to; /* 0: leave it */
} whens[] = {
	{ "enough", 1250, 1250, 0, 9, true, false, 0 },
	{ "the rate fell (9.9)", 1250, 500, 0, 9, true, false, 0 },
	{ "a little more is wanted: wait", 1250, 1400, 0, 1, true, false, 0 },
	{ "a little more, after three blocks", 1250, 1400, 0, 3, true, false, 1400 },
	{ "a quarter more, in the same block", 1000, 1250, 0, 0, true, false, 0 },
	{ "a quarter more, one block later", 1000, 1250, 0, 1, true, false, 1250 },
	{ "somebody told us to (9.7)", 1250, 500, 2500, 0, true, false, 2500 },
	{ "and not to pay less", 1250, 5000, 1000, 9, true, false, 0 },
	{ "no time to lose", 1000, 500, 0, 1, true, true, 1500 },
	{ "no time to lose, but no block either", 1000, 500, 0, 0, true, true, 0 },
	{ "no time to lose, and the network wants more", 1000, 2000, 0, 1, true, true, 2000 },
	{ "a stranger's, and it is enough", 1250, 1250, 0, 9, false, false, 0 },
	{ "a stranger's, and it is too little", 1250, 1251, 0, 0, false, false, 1251 },
	{ "no more than is allowed", 100000, 500000, 0, 3, true, false, 125000 },
	{ "all that is allowed is paid", 125000, 500000, 0, 3, true, false, 0 },
};

START_TEST(when_table)
{
	const struct bump_facts f = { .now = { whens[_i].now },
				      .fast = { whens[_i].fast },
				      .has_override = whens[_i].override > 0,
				      .override = { whens[_i].override },
				      .blocks = whens[_i].blocks,
				      .after = 3,
				      .ours = whens[_i].ours,
				      .deadline_near = whens[_i].near,
				      .limit = { 125000 } };
	struct feerate to = { 0 };

	ck_assert_msg(bump_wanted(&f, &to) == (whens[_i].to > 0), "%s", whens[_i].name);
	ck_assert_msg(feerate_sat_per_kwu(to) == whens[_i].to, "%s: %lu", whens[_i].name,
		      (unsigned long)feerate_sat_per_kwu(to));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/child");
	TCase *tc = tcase_create("children");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, weight_table, 0, (int)ARRAY_LEN(weights));
	tcase_add_loop_test(tc, plan_table, 0, (int)ARRAY_LEN(plans));
	tcase_add_loop_test(tc, bump_table, 0, (int)ARRAY_LEN(bumps));
	tcase_add_test(tc, a_kept_coin_that_is_too_small_gets_company);
	tcase_add_test(tc, the_transaction_is_what_was_planned);
	tcase_add_loop_test(tc, when_table, 0, (int)ARRAY_LEN(whens));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
