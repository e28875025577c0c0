/* Vectors: tests/vectors/evm/replacement.json (the rule of go-ethereum's pool).  gas.json is test_verifier.c's. */
#include "rails/evm/fee.h"

#include "tests/support/evm.h"
#include "tests/support/suite.h"

#define GWEI UINT64_C(1000000000)

static struct gas_price price(uint64_t v)
{
	struct gas_price p = { 0 };

	ck_assert(gas_price_from_u64(v, &p));
	return p;
}

static struct evm_fees fees(uint64_t max_fee, uint64_t tip)
{
	return (struct evm_fees){ .max_fee = price(max_fee), .max_priority_fee = price(tip) };
}

static void check_fees(struct evm_fees f, uint64_t max_fee, uint64_t tip)
{
	ck_assert_uint_eq(gas_price_value(f.max_fee), max_fee);
	ck_assert_uint_eq(gas_price_value(f.max_priority_fee), tip);
}

START_TEST(replacement)
{
	json_t *list = json_object_get(vectors_load("evm/replacement.json"), "vectors"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 12);
	json_array_foreach(list, i, v)
	{
		uint64_t old = vec_decimal(v, "old"), chosen = vec_decimal(v, "we_choose");
		struct evm_fees was = fees(old, old), none = fees(0, 0), next;

		ck_assert_uint_eq(vec_u64(v, "percent"), EVM_PRICE_BUMP_PERCENT);
		ck_assert(evm_fee_bump(&was, &none, price(GAS_PRICE_MAX), &next));
		check_fees(next, chosen, chosen);
		ck_assert_uint_gt(chosen, old);
		ck_assert_uint_ge(chosen, vec_decimal(v, "node_threshold"));
		ck_assert_uint_ge(chosen, vec_decimal(v, "minimum_accepted"));
	}
}
END_TEST

START_TEST(a_fresh_quote_may_be_higher)
{
	struct evm_fees old = fees(1000, 100), fresh = fees(5000, 50), next;

	ck_assert(evm_fee_bump(&old, &fresh, price(10000), &next));
	check_fees(next, 5000, 110);
	fresh = fees(500, 400);
	ck_assert(evm_fee_bump(&old, &fresh, price(10000), &next));
	check_fees(next, 1100, 400);
}
END_TEST

START_TEST(no_bump_over_the_cap)
{
	struct evm_fees old = fees(1000, 100), fresh = fees(0, 0), next = fees(7, 7);

	ck_assert(!evm_fee_bump(&old, &fresh, price(1099), &next));
	check_fees(next, 7, 7);
	ck_assert(evm_fee_bump(&old, &fresh, price(1100), &next));
	check_fees(next, 1100, 110);
	old = fees(GAS_PRICE_MAX, 1);
	ck_assert(!evm_fee_bump(&old, &fresh, price(GAS_PRICE_MAX), &next));
}
END_TEST

START_TEST(a_tip_above_the_fee_is_not_sent)
{
	struct evm_fees old = fees(1000, 100), fresh = fees(500, 2000), next;

	ck_assert(!evm_fee_bump(&old, &fresh, price(10000), &next));
}
END_TEST

START_TEST(twelve_bumps_stay_within_bounds)
{
	struct evm_fees f = fees(2 * GWEI, GWEI), none = fees(0, 0);

	for (int i = 0; i < 12; i++) {
		struct evm_fees was = f;

		ck_assert(evm_fee_bump(&was, &none, price(7 * GWEI), &f));
		ck_assert_int_gt(gas_price_cmp(f.max_fee, was.max_fee), 0);
		ck_assert_int_gt(gas_price_cmp(f.max_priority_fee, was.max_priority_fee), 0);
		ck_assert_int_le(gas_price_cmp(f.max_priority_fee, f.max_fee), 0);
	}
}
END_TEST

static const struct {
	uint64_t base;
	uint64_t rewards[5];
	size_t n;
	uint64_t min_tip, max_tip, cap;
	bool ok;
	uint64_t max_fee, tip;
} quotes[] = {
	/* the median */
	{ 100, { 5, 1, 3, 2, 4 }, 5, 0, 1000, 10000, true, 203, 3 },
	{ 100, { 7 }, 1, 0, 1000, 10000, true, 207, 7 },
	{ 100, { 9, 9, 9, 1, 1 }, 5, 0, 1000, 10000, true, 209, 9 },
	{ 100, { 1, 1, 1, 9, 9 }, 5, 0, 1000, 10000, true, 201, 1 },
	{ 100, { 4, 2 }, 2, 0, 1000, 10000, true, 204, 4 },
	{ 100, { 1, 2, 3, 4 }, 4, 0, 1000, 10000, true, 203, 3 },
	/* empty blocks say nothing */
	{ 100, { 0, 0, 0, 8, 0 }, 5, 0, 1000, 10000, true, 208, 8 },
	{ 100, { 0, 6, 0, 8, 7 }, 5, 0, 1000, 10000, true, 207, 7 },
	{ 100, { 0, 0, 0, 0, 0 }, 5, 2, 1000, 10000, true, 202, 2 },
	{ 100, { 0 }, 0, 2, 1000, 10000, true, 202, 2 },
	{ 0, { 0 }, 0, 0, 1000, 10000, true, 0, 0 },
	/* limits */
	{ 100, { 5 }, 1, 50, 1000, 10000, true, 250, 50 },
	{ 100, { 5000 }, 1, 50, 1000, 10000, true, 1200, 1000 },
	{ 100, { 500 }, 1, 90, 60, 10000, true, 260, 60 },
	{ 100, { 10 }, 1, 0, 1000, 210, true, 210, 10 },
	{ 100, { 10 }, 1, 0, 1000, 209, true, 209, 10 },
	{ 100, { 10 }, 1, 0, 1000, 110, true, 110, 10 },
	{ 100, { 10 }, 1, 0, 1000, 109, false, 0, 0 },
	{ GAS_PRICE_MAX, { 0 }, 0, 0, 0, GAS_PRICE_MAX, true, GAS_PRICE_MAX, 0 },
	{ GAS_PRICE_MAX, { 1 }, 1, 0, 10, GAS_PRICE_MAX, false, 0, 0 },
	{ GAS_PRICE_MAX - 1, { 1 }, 1, 0, 10, GAS_PRICE_MAX, true, GAS_PRICE_MAX, 1 },
};

START_TEST(quote)
{
	struct evm_fee_limits limits = { .min_tip = price(quotes[_i].min_tip),
					 .max_tip = price(quotes[_i].max_tip),
					 .max_fee_cap = price(quotes[_i].cap) };
	struct gas_price rewards[5];
	struct evm_fees f = fees(7, 7);

	for (size_t i = 0; i < quotes[_i].n; i++)
		rewards[i] = price(quotes[_i].rewards[i]);
	ck_assert_int_eq(evm_fee_quote(price(quotes[_i].base), rewards, quotes[_i].n, &limits, &f), quotes[_i].ok);
	if (quotes[_i].ok)
		check_fees(f, quotes[_i].max_fee, quotes[_i].tip);
	else
		check_fees(f, 7, 7);
}
END_TEST

static const struct {
	uint64_t estimate;
	uint32_t percent;
	uint64_t block;
	bool ok;
	uint64_t want;
} limits[] = {
	{ 0, 120, 30000000, true, 5000 },
	{ 1, 120, 30000000, true, 5002 },
	{ 5, 120, 30000000, true, 5006 },
	{ 21000, 120, 30000000, true, 30200 },
	{ 84733, 120, 30000000, true, 106680 },
	{ 21000, 180, 30000000, true, 42800 },
	{ 7499999, 120, 30000000, true, 7500000 },
	{ 7500000, 120, 30000000, true, 7500000 },
	{ 7500001, 120, 30000000, false, 0 },
	{ 16777216, 300, UINT64_MAX, true, 16777216 },
	{ 16777217, 100, UINT64_MAX, false, 0 },
	{ UINT64_MAX, 120, UINT64_MAX, false, 0 },
	{ 16000000, UINT32_MAX, UINT64_MAX, true, 16777216 },
	{ 1, 120, 3, false, 0 },
	{ 0, 120, 0, true, 0 },
};

START_TEST(gas_limit)
{
	uint64_t got = 7;

	ck_assert_int_eq(evm_gas_limit(limits[_i].estimate, limits[_i].percent, limits[_i].block, &got), limits[_i].ok);
	ck_assert_uint_eq(got, limits[_i].ok ? limits[_i].want : 7);
}
END_TEST

START_TEST(more_gas_after_it_ran_out)
{
	uint32_t percent = EVM_GAS_PERCENT;

	percent = evm_gas_percent_raise(percent);
	ck_assert_uint_eq(percent, 180);
	percent = evm_gas_percent_raise(percent);
	ck_assert_uint_eq(percent, 270);
	percent = evm_gas_percent_raise(percent);
	ck_assert_uint_eq(percent, EVM_GAS_PERCENT_MAX);
	ck_assert_uint_eq(evm_gas_percent_raise(percent), EVM_GAS_PERCENT_MAX);
	ck_assert_uint_eq(evm_gas_percent_raise(UINT32_MAX), EVM_GAS_PERCENT_MAX);
}
END_TEST

START_TEST(gas_floor)
{
	ck_assert_uint_eq(evm_gas_floor((struct bytes){ 0 }), 21000);
	ck_assert_uint_eq(evm_gas_floor(evm_hex("00")), 21010);
	ck_assert_uint_eq(evm_gas_floor(evm_hex("01")), 21040);
	ck_assert_uint_eq(evm_gas_floor(evm_hex("00ff00ff")), 21100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/fee");
	TCase *c = rails_case(s, "fee");

	tcase_add_test(c, replacement);
	tcase_add_test(c, a_fresh_quote_may_be_higher);
	tcase_add_test(c, no_bump_over_the_cap);
	tcase_add_test(c, a_tip_above_the_fee_is_not_sent);
	tcase_add_test(c, twelve_bumps_stay_within_bounds);
	tcase_add_loop_test(c, quote, 0, ARRAY_LEN(quotes));
	tcase_add_loop_test(c, gas_limit, 0, ARRAY_LEN(limits));
	tcase_add_test(c, more_gas_after_it_ran_out);
	tcase_add_test(c, gas_floor);
	return suite_run(s);
}
