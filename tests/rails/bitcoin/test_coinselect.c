#include "rails/bitcoin/coinselect.h"

#include <string.h>

#include "base/rng.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define INPUT_WEIGHT  230
#define FIXED_WEIGHT  (42 + 172)
#define OUTPUT_WEIGHT 172
#define WEIGHT_MAX    400000

static struct coin_target target(uint64_t amount, uint64_t rate, uint64_t long_term)
{
	return (struct coin_target){ .amount = { amount },
				     .fixed = { FIXED_WEIGHT },
				     .rate = { rate },
				     .long_term = { long_term },
				     .change_output = { OUTPUT_WEIGHT },
				     .change_spend = { INPUT_WEIGHT },
				     .change_min = { 330 },
				     .max_weight = { WEIGHT_MAX } };
}

static struct coin *coins_of(const uint64_t *values, size_t n)
{
	struct coin *coins = ARENA_ARRAY(&ra, n, struct coin);

	for (size_t i = 0; i < n; i++)
		coins[i] = (struct coin){ { values[i] }, { INPUT_WEIGHT } };
	return coins;
}

static uint64_t fee_of(const struct coin_target *t, uint64_t weight)
{
	return (t->rate.v * weight + 999) / 1000;
}

/* What must hold of every answer. */
static void check_choice(const struct coin *coins, size_t n, const struct coin_target *t, const struct coin_choice *c)
{
	uint64_t sum = 0, weight = t->fixed.v, received;

	for (size_t i = 0; i < c->n; i++) {
		ck_assert_uint_lt(c->index[i], n);
		ck_assert(i == 0 || c->index[i] > c->index[i - 1]);
		sum += coins[c->index[i]].value.v;
		weight += coins[c->index[i]].weight.v;
	}
	weight += t->n_preset <= 252 && t->n_preset + c->n > 252 ? 8 : 0;
	if (c->change.v > 0) {
		ck_assert_uint_ge(c->change.v, t->change_min.v);
		weight += t->change_output.v;
		ck_assert_uint_eq(c->fee.v, fee_of(t, weight));
	}
	ck_assert_uint_eq(c->sum.v, sum);
	ck_assert_uint_ge(c->fee.v, fee_of(t, weight));
	ck_assert_uint_le(weight, t->max_weight.v);
	received = sum + t->preset.v - c->fee.v - c->change.v;
	if (t->fee_from_amount)
		ck_assert_uint_le(received, t->amount.v);
	else
		ck_assert_uint_eq(received, t->amount.v);
	/* What is given to the fee is less than change would have been, or than change costs. */
	ck_assert_uint_le(c->fee.v, fee_of(t, weight + t->change_output.v) + 1 + t->change_min.v +
					    (t->long_term.v * t->change_spend.v + 999) / 1000);
}

static const struct {
	const char *name;
	uint64_t values[6];
	size_t n;
	uint64_t amount, rate;
	enum coin_method method; /* 0: not enough */
	size_t n_chosen;
	uint64_t fee, change; /* 0: of no interest */
} cases[] = {
	/* 42 + 172 + 230 = 444 WU at 1 sat/vB: 111 sat; with change 616 WU: 154 sat */
	{ "to the satoshi", { 10111, 50000 }, 2, 10000, 250, COIN_EXACT, 1, 111, 0 },
	{ "a little over", { 10150, 50000 }, 2, 10000, 250, COIN_EXACT, 1, 150, 0 },
	{ "one below", { 10110, 50000 }, 2, 10000, 250, COIN_SINGLE, 1, 154, 39846 },
	{ "two make it exact", { 6111, 4058, 90000 }, 3, 10000, 250, COIN_EXACT, 2, 169, 0 },
	{ "just enough without change", { 10111 }, 1, 10000, 250, COIN_EXACT, 1, 111, 0 },
	{ "not for change, and more than change costs", { 10300 }, 1, 10000, 250, COIN_LARGEST, 1, 300, 0 },
	{ "just enough with change", { 10484 }, 1, 10000, 250, COIN_SINGLE, 1, 154, 330 },
	{ "one satoshi short of change", { 10483 }, 1, 10000, 250, COIN_LARGEST, 1, 483, 0 },
	{ "nothing", { 0 }, 0, 10000, 250, 0, 0, 0, 0 },
	{ "one satoshi short", { 10110 }, 1, 10000, 250, 0, 0, 0, 0 },
	{ "worth less than spending it", { 57, 57, 57, 10110 }, 4, 10000, 250, 0, 0, 0, 0 },
	{ "worth a little", { 59, 10110 }, 2, 10000, 250, COIN_EXACT, 2, 169, 0 },
	{ "a gift", { 5000 }, 1, 0, 250, COIN_SINGLE, 1, 154, 4846 },
	{ "no fee at all", { 4000, 6000, 70000 }, 3, 10000, 0, COIN_EXACT, 2, 0, 0 },
	{ "nothing for nothing", { 4000 }, 1, 0, 0, COIN_SINGLE, 1, 0, 4000 },
	{ "at 100 sat/vB", { 21100 }, 1, 10000, 25000, COIN_EXACT, 1, 11100, 0 },
};

START_TEST(small_purses)
{
	struct coin_target t = target(cases[_i].amount, cases[_i].rate, 250);
	struct coin *coins = coins_of(cases[_i].values, cases[_i].n);
	struct coin_choice c = { 0 };
	int rc = coinselect(&ra, coins, cases[_i].n, &t, &c, &rerr);

	if (cases[_i].method == 0) {
		ck_fails(rc, ERR_FUNDS);
		return;
	}
	ck_ok(rc);
	check_choice(coins, cases[_i].n, &t, &c);
	ck_assert_uint_eq(c.n, cases[_i].n_chosen);
	ck_assert_int_eq(c.method, cases[_i].method);
	ck_assert_uint_eq(c.fee.v, cases[_i].fee);
	ck_assert_uint_eq(c.change.v, cases[_i].change);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	static const uint64_t values[] = { 5000, 4000 };
	struct coin_target t = target(10000, 250, 250);
	struct coin_choice c;

	/* 9000 - 115 (two inputs) are left of 10000 + 53.5 */
	ck_fails(coinselect(&ra, coins_of(values, 2), 2, &t, &c, &rerr), ERR_FUNDS);
	ck_assert_msg(strstr(rerr.msg, "1169 sat are missing") != NULL, "%s", rerr.msg);
}
END_TEST

START_TEST(the_receivers_pay_the_fee)
{
	static const uint64_t exact[] = { 10000, 70000 }, over[] = { 10100 }, more[] = { 10250 }, big[] = { 70000 },
			      little[] = { 9999 };
	struct coin_target t = target(10000, 250, 250);
	struct coin_choice c;

	t.fee_from_amount = true;
	ck_ok(coinselect(&ra, coins_of(exact, 2), 2, &t, &c, &rerr));
	check_choice(coins_of(exact, 2), 2, &t, &c);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_uint_eq(c.fee.v, 111);
	ck_assert_uint_eq(c.change.v, 0);
	/* What is over pays the fee first. */
	ck_ok(coinselect(&ra, coins_of(over, 1), 1, &t, &c, &rerr));
	check_choice(coins_of(over, 1), 1, &t, &c);
	ck_assert_uint_eq(c.fee.v, 111);
	/* More than the fee, and too little for change: all of it is the fee's. */
	ck_ok(coinselect(&ra, coins_of(more, 1), 1, &t, &c, &rerr));
	check_choice(coins_of(more, 1), 1, &t, &c);
	ck_assert_uint_eq(c.fee.v, 250);
	ck_assert_uint_eq(c.change.v, 0);
	ck_ok(coinselect(&ra, coins_of(big, 1), 1, &t, &c, &rerr));
	check_choice(coins_of(big, 1), 1, &t, &c);
	ck_assert_uint_eq(c.fee.v, 154);
	ck_assert_uint_eq(c.change.v, 60000);
	ck_fails(coinselect(&ra, coins_of(little, 1), 1, &t, &c, &rerr), ERR_FUNDS);
}
END_TEST

START_TEST(inputs_that_are_there_already)
{
	static const uint64_t values[] = { 5000 };
	struct coin_target t = target(10000, 250, 250);
	struct coin_choice c;

	t.preset.v = 20000;
	t.n_preset = 1;
	t.fixed.v += INPUT_WEIGHT;
	ck_ok(coinselect(&ra, coins_of(values, 1), 1, &t, &c, &rerr));
	check_choice(coins_of(values, 1), 1, &t, &c);
	ck_assert_int_eq(c.method, COIN_PRESET);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_uint_eq(c.change.v, 20000 - 10000 - 154);
	t.preset.v = 10110;
	ck_ok(coinselect(&ra, coins_of(values, 1), 1, &t, &c, &rerr));
	check_choice(coins_of(values, 1), 1, &t, &c);
	ck_assert_uint_eq(c.n, 1);
}
END_TEST

/* The 253rd input makes the count of inputs longer by two bytes. */
START_TEST(many_inputs)
{
	struct coin *coins = ARENA_ARRAY(&ra, 300, struct coin);
	uint64_t fee;

	for (size_t i = 0; i < 300; i++)
		coins[i] = (struct coin){ { 1000 }, { INPUT_WEIGHT } };
	for (uint64_t n = 250; n < 256; n++) {
		struct coin_target t = target(0, 250, 250);
		struct coin_choice c;

		fee = fee_of(&t, FIXED_WEIGHT + n * INPUT_WEIGHT + (n > 252 ? 8 : 0));
		t.amount.v = n * 1000 - fee;
		ck_ok(coinselect(&ra, coins, 300, &t, &c, &rerr));
		check_choice(coins, 300, &t, &c);
		ck_assert_uint_eq(c.n, n);
		ck_assert_uint_eq(c.fee.v, fee);
	}
}
END_TEST

START_TEST(too_many_small_coins)
{
	struct coin *coins = ARENA_ARRAY(&ra, 3000, struct coin);
	struct coin_target t = target(2000 * 1000, 250, 250);
	struct coin_choice c;

	for (size_t i = 0; i < 3000; i++)
		coins[i] = (struct coin){ { 1000 }, { INPUT_WEIGHT } };
	ck_fails(coinselect(&ra, coins, 3000, &t, &c, &rerr), ERR_RANGE);
	t.amount.v = 1600 * 900;
	ck_ok(coinselect(&ra, coins, 3000, &t, &c, &rerr));
	check_choice(coins, 3000, &t, &c);
	/* One large one among them is found. */
	coins[1234].value.v = 5000000;
	t.amount.v = 2000 * 1000;
	ck_ok(coinselect(&ra, coins, 3000, &t, &c, &rerr));
	check_choice(coins, 3000, &t, &c);
	/* 4000 - 42 - 172 leave room for 16 inputs. */
	t = target(15000, 250, 250);
	t.max_weight.v = 4000;
	ck_ok(coinselect(&ra, coins, 1000, &t, &c, &rerr));
	check_choice(coins, 1000, &t, &c);
	ck_assert_uint_eq(c.n, 16);
	t.amount.v = 15080;
	ck_fails(coinselect(&ra, coins, 1000, &t, &c, &rerr), ERR_RANGE);
}
END_TEST

static const struct {
	const char *name;
	struct coin coin;
	struct coin_target t;
	enum err_code why;
} refused[] = {
	{ "more than all money",
	  { { SAT_MONEY_MAX + 1 }, { INPUT_WEIGHT } },
	  { .max_weight = { WEIGHT_MAX } },
	  ERR_RANGE },
	{ "heavier than a block", { { 1 }, { 4000001 } }, { .max_weight = { WEIGHT_MAX } }, ERR_RANGE },
	{ "pays more than all money",
	  { { 1 }, { 1 } },
	  { .amount = { SAT_MONEY_MAX + 1 }, .max_weight = { WEIGHT_MAX } },
	  ERR_RANGE },
	{ "an endless rate", { { 1 }, { 1 } }, { .rate = { FEERATE_MAX + 1 }, .max_weight = { WEIGHT_MAX } }, ERR_FEE },
	{ "outputs that fill it", { { 1 }, { 1 } }, { .fixed = { 4001 }, .max_weight = { 4000 } }, ERR_RANGE },
	{ "a limit beyond blocks", { { 1 }, { 1 } }, { .max_weight = { 4000001 } }, ERR_RANGE },
};

START_TEST(what_cannot_be)
{
	struct coin_choice c = { .n = 42 };

	ck_fails(coinselect(&ra, &refused[_i].coin, 1, &refused[_i].t, &c, &rerr), refused[_i].why);
	ck_assert_uint_eq(c.n, 42);
}
END_TEST

START_TEST(all_the_money_at_the_highest_rate)
{
	struct coin coins[2] = { { { SAT_MONEY_MAX - 1000 }, { INPUT_WEIGHT } }, { { 1000 }, { INPUT_WEIGHT } } };
	struct coin_target t = target(SAT_MONEY_MAX / 2, FEERATE_MAX, FEERATE_MAX);
	struct coin_choice c;

	ck_ok(coinselect(&ra, coins, 2, &t, &c, &rerr));
	check_choice(coins, 2, &t, &c);
	coins[1].value.v = 1001;
	ck_fails(coinselect(&ra, coins, 2, &t, &c, &rerr), ERR_RANGE);
}
END_TEST

/* What a coin adds, in milli-satoshi. */
static int64_t worth_of(const struct coin *c, const struct coin_target *t)
{
	return 1000 * (int64_t)c->value.v - (int64_t)(t->rate.v * c->weight.v);
}

/* The least waste of all subsets that need no change, of coins that are worth something, none of which could be left out;
 * and whether any subset is enough. */
static bool brute_force(const struct coin *coins, size_t n, const struct coin_target *t, int64_t *least)
{
	int64_t window = (int64_t)(t->rate.v * t->change_output.v + t->long_term.v * t->change_spend.v);
	bool enough = false;

	*least = INT64_MAX;
	for (unsigned set = 1; set < 1u << n; set++) {
		int64_t weight = 0, smallest = INT64_MAX, waste,
			over = -1000 * (int64_t)t->amount.v - (int64_t)(t->rate.v * t->fixed.v);

		for (size_t i = 0; i < n; i++)
			if ((set >> i & 1) != 0) {
				int64_t worth = worth_of(&coins[i], t);

				over += worth;
				smallest = worth < smallest ? worth : smallest;
				weight += (int64_t)coins[i].weight.v;
			}
		if (over < 0)
			continue;
		enough = true;
		waste = ((int64_t)t->rate.v - (int64_t)t->long_term.v) * weight + over;
		if (smallest > 0 && over < smallest && over <= window && waste < *least)
			*least = waste;
	}
	return enough;
}

/* Against all subsets of small purses, at high and low fees. */
START_TEST(nothing_better_is_missed)
{
	unsigned exact = 0, none = 0;

	rng_seed_for_test((uint64_t)_i + 1);
	for (unsigned round = 0; round < 400; round++) {
		size_t n = 1 + rng_below(10);
		struct coin coins[10];
		struct coin_target t = target(0, 1 + rng_below(3000), 1 + rng_below(3000));
		struct coin_choice c;
		uint64_t all = 0;
		int64_t least;

		for (size_t i = 0; i < n; i++) {
			coins[i] = (struct coin){ { 200 * (1 + rng_below(60)) },
						  { rng_below(2) ? INPUT_WEIGHT : 272 } };
			all += coins[i].value.v;
		}
		t.amount.v = rng_below(all) + 1;
		if (!brute_force(coins, n, &t, &least)) {
			ck_fails(coinselect(&ra, coins, n, &t, &c, &rerr), ERR_FUNDS);
			none++;
			continue;
		}
		ck_ok(coinselect(&ra, coins, n, &t, &c, &rerr));
		check_choice(coins, n, &t, &c);
		if (least != INT64_MAX) {
			ck_assert_int_le(c.waste, least);
			ck_assert(c.method != COIN_EXACT || c.waste == least);
			exact++;
		}
	}
	rng_seed_for_test(0);
	ck_assert_uint_gt(exact, 20);
	ck_assert_uint_gt(none, 20);
}
END_TEST

START_TEST(the_seed_decides)
{
	struct coin *coins = ARENA_ARRAY(&ra, 200, struct coin);
	struct coin_target t = target(100000, 1000, 4000);
	struct coin_choice a, b;

	for (size_t i = 0; i < 200; i++)
		coins[i] = (struct coin){ { 3000 + 17 * i }, { INPUT_WEIGHT } };
	rng_seed_for_test(5);
	ck_ok(coinselect(&ra, coins, 200, &t, &a, &rerr));
	rng_seed_for_test(5);
	ck_ok(coinselect(&ra, coins, 200, &t, &b, &rerr));
	rng_seed_for_test(0);
	ck_assert_uint_eq(a.n, b.n);
	ck_assert_mem_eq(a.index, b.index, a.n * sizeof(*a.index));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/coinselect");
	TCase *c = rails_case(s, "coinselect");

	tcase_add_loop_test(c, small_purses, 0, ARRAY_LEN(cases));
	tcase_add_test(c, what_is_missing_is_said);
	tcase_add_test(c, the_receivers_pay_the_fee);
	tcase_add_test(c, inputs_that_are_there_already);
	tcase_add_test(c, many_inputs);
	tcase_add_test(c, too_many_small_coins);
	tcase_add_loop_test(c, what_cannot_be, 0, ARRAY_LEN(refused));
	tcase_add_test(c, all_the_money_at_the_highest_rate);
	tcase_add_loop_test(c, nothing_better_is_missed, 0, 5);
	tcase_add_test(c, the_seed_decides);
	return suite_run(s);
}
