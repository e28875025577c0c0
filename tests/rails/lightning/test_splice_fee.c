/* spec/splice.md 8.1, U8.  The fee and the weight of "accepted" are those measured in 5.1.5. */
#include "rails/lightning/splice_fee.h"

#include <check.h>

#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

START_TEST(a_splice_out_as_measured)
{
	struct sat fee;

	ck_assert(splice_out_fee(splice_rate_of(1000), (struct weight){ 172 }, &fee));
	ck_assert_uint_eq(sat_value(fee), 775);
	ck_assert_uint_eq(splice_weight((struct weight){ 172 }).v, 773);
	ck_assert(splice_out_fee(splice_rate_of(253), (struct weight){ 172 }, &fee));
	ck_assert_uint_eq(sat_value(fee), 196 + 2); /* 195.569 rounded up */
	ck_assert(splice_fee_limit(splice_rate_of(1), (struct weight){ 1 }, &fee));
	ck_assert_uint_eq(sat_value(fee), 1 + 2);
	ck_assert(!splice_out_fee(splice_rate_of(FEERATE_MAX), (struct weight){ UINT64_MAX / 2 }, &fee));
}
END_TEST

START_TEST(more_weight_with_each_refusal)
{
	ck_assert_uint_eq(splice_in_start_weight(0).v, 640);
	ck_assert_uint_eq(splice_in_start_weight(1).v, 672);
	ck_assert_uint_eq(splice_in_start_weight(2).v, 706); /* 705.6 */
	ck_assert_uint_eq(splice_in_start_weight(20).v, splice_in_start_weight(UINT32_MAX).v);
}
END_TEST

/* 25/24 rounded down, and at least 25 more: the second until 600. */
static const struct {
	uint64_t last, least;
} minima[] = {
	{ 1, 26 },      { 253, 278 },     { 599, 624 },     { 600, 625 },
	{ 601, 626 },   { 623, 648 },     { 624, 650 },     { 1000, 1041 },
	{ 2000, 2083 }, { 24000, 25000 }, { 24001, 25001 }, { FEERATE_MAX * 24 / 25, FEERATE_MAX },
};

START_TEST(least_of_a_bump)
{
	struct feerate got;

	ck_assert(splice_bump_min(splice_rate_of(minima[_i].last), &got));
	ck_assert_uint_eq(feerate_sat_per_kwu(got), minima[_i].least);
}
END_TEST

START_TEST(no_bump_above_all_rates)
{
	struct feerate got;

	ck_assert(!splice_bump_min(splice_rate_of(FEERATE_MAX), &got));
}
END_TEST

static const struct {
	const char *name;
	uint64_t wish, estimate, floor, max, got; /* wish 0: none */
	bool above;
} rates[] = {
	{ "the estimate", 0, 1000, 253, 5000, 1000, false },
	{ "the wish before it", 700, 1000, 253, 5000, 700, false },
	{ "at least the floor", 0, 100, 253, 5000, 253, false },
	{ "a wish too", 100, 1000, 253, 5000, 253, false },
	{ "a guess is cut to the limit", 0, 9000, 253, 5000, 5000, false },
	{ "the floor is above the limit", 0, 1000, 6000, 5000, 6000, true },
	{ "just at it", 0, 1000, 5000, 5000, 5000, false },
};

static struct splice_rate_wish wish(int i)
{
	return (struct splice_rate_wish){
		.has_wish = rates[i].wish != 0,
		.wish = splice_rate_of(rates[i].wish ? rates[i].wish : 1),
		.estimate = splice_rate_of(rates[i].estimate),
		.floor = splice_rate_of(rates[i].floor),
		.max = splice_rate_of(rates[i].max),
	};
}

START_TEST(rate_of_a_round)
{
	struct splice_rate_wish w = wish(_i);
	bool above;

	ck_assert_msg(feerate_sat_per_kwu(splice_rate(&w, &above)) == rates[_i].got && above == rates[_i].above, "%s",
		      rates[_i].name);
}
END_TEST

static const struct {
	const char *name;
	uint64_t wish, max, highest, fees, incremental, weight, got;
	bool above;
} bumps[] = {
	{ "the wish is enough", 2000, 5000, 1000, 700, 250, 720, 2000, false },
	{ "25/24", 1, 5000, 1000, 1, 1, 720, 1041, false },
	/* 775 + 250 * 720 / 1000 = 955 sat for 720 units: 1326.4 */
	{ "what is replaced, and the relay of it", 1, 5000, 1000, 775, 250, 720, 1327, false },
	{ "two candidates in a mempool", 1, 5000, 1000, 1550, 250, 720, 2403, false },
	{ "above the limit", 1, 1040, 1000, 1, 1, 720, 1041, true },
	{ "just at it", 9000, 1041, 1000, 1, 1, 720, 1041, false },
	{ "a doomed one counts", 1, 9000, 4000, 1, 1, 720, 4166, false },
};

START_TEST(rate_of_a_bump)
{
	struct splice_rate_wish w = {
		.has_wish = true,
		.wish = splice_rate_of(bumps[_i].wish),
		.estimate = splice_rate_of(300),
		.floor = splice_rate_of(253),
		.max = splice_rate_of(bumps[_i].max),
	};
	struct splice_replaced r = {
		.highest = splice_rate_of(bumps[_i].highest),
		.fees = splice_sat(bumps[_i].fees),
		.incremental = splice_rate_of(bumps[_i].incremental),
		.weight = { bumps[_i].weight },
	};
	struct feerate got;
	bool above;

	ck_assert(splice_bump_rate(&w, &r, &got, &above));
	ck_assert_msg(feerate_sat_per_kwu(got) == bumps[_i].got && above == bumps[_i].above, "%s: %lu", bumps[_i].name,
		      (unsigned long)feerate_sat_per_kwu(got));
	r.weight.v = 0;
	ck_assert(!splice_bump_rate(&w, &r, &got, &above));
}
END_TEST

START_TEST(a_rate_has_its_unit)
{
	char text[SPLICE_RATE_TEXT];

	splice_rate_text(splice_rate_of(2000), text);
	ck_assert_str_eq(text, "2000perkw");
	splice_rate_text(splice_rate_of(FEERATE_MAX), text);
	ck_assert_str_eq(text, "1000000000perkw");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/splice_fee");
	TCase *tc = tcase_create("fees");

	tcase_add_test(tc, a_splice_out_as_measured);
	tcase_add_test(tc, more_weight_with_each_refusal);
	tcase_add_loop_test(tc, least_of_a_bump, 0, (int)ARRAY_LEN(minima));
	tcase_add_test(tc, no_bump_above_all_rates);
	tcase_add_loop_test(tc, rate_of_a_round, 0, (int)ARRAY_LEN(rates));
	tcase_add_loop_test(tc, rate_of_a_bump, 0, (int)ARRAY_LEN(bumps));
	tcase_add_test(tc, a_rate_has_its_unit);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
