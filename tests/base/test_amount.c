#include "base/amount.h"

#include <signal.h>
#include <string.h>

#include "tests/support/suite.h"

#define MAX AMOUNT_MAX

static struct currency unit(const char *text)
{
	struct currency c = { 0 };

	ck_assert(currency_parse(text, &c));
	return c;
}

static struct ecash coins(uint64_t v, const char *text)
{
	struct ecash e = { 0 };

	ck_assert(ecash_make(v, unit(text), &e));
	return e;
}

static const struct {
	uint64_t a, b, want;
	bool ok;
} sums[] = {
	{ 0, 0, 0, true },	 { 1, 2, 3, true },	    { MAX, 0, MAX, true },  { MAX - 1, 1, MAX, true },
	{ MAX, 1, 0, false },	 { 1, MAX, 0, false },	    { MAX, MAX, 0, false }, { UINT64_MAX, 1, 0, false },
	{ 1, UINT64_MAX, 0, false }, { UINT64_MAX, 0, 0, false }, { 0, MAX + 1, 0, false }, { MAX / 2, MAX / 2 + 1, MAX, true },
}, differences[] = {
	{ 0, 0, 0, true },   { 3, 2, 1, true },	   { MAX, MAX, 0, true },	{ MAX, 0, MAX, true },
	{ 0, 1, 0, false },  { 2, 3, 0, false },   { UINT64_MAX, 1, 0, false }, { 0, UINT64_MAX, 0, false },
	{ MAX + 1, 1, 0, false },
};

START_TEST(adding)
{
	struct sat s = { 42 };
	struct ecash e = coins(42, "sat"), a = { sums[_i].a, unit("usd") }, b = { sums[_i].b, unit("usd") };

	ck_assert_int_eq(sat_add((struct sat){ sums[_i].a }, (struct sat){ sums[_i].b }, &s), sums[_i].ok);
	ck_assert_uint_eq(s.v, sums[_i].ok ? sums[_i].want : 42);
	ck_assert_int_eq(ecash_add(a, b, &e), sums[_i].ok);
	ck_assert_uint_eq(e.v, sums[_i].ok ? sums[_i].want : 42);
	ck_assert_str_eq(e.unit.s, sums[_i].ok ? "usd" : "sat");
}
END_TEST

START_TEST(subtracting)
{
	struct sat s = { 42 };
	struct ecash e = coins(42, "sat"), a = { differences[_i].a, unit("usd") },
		     b = { differences[_i].b, unit("usd") };

	ck_assert_int_eq(sat_sub((struct sat){ differences[_i].a }, (struct sat){ differences[_i].b }, &s),
			 differences[_i].ok);
	ck_assert_uint_eq(s.v, differences[_i].ok ? differences[_i].want : 42);
	ck_assert_int_eq(ecash_sub(a, b, &e), differences[_i].ok);
	ck_assert_uint_eq(e.v, differences[_i].ok ? differences[_i].want : 42);
}
END_TEST

START_TEST(result_may_be_an_operand)
{
	struct sat s = { 5 };
	struct ecash e = coins(5, "sat");

	ck_assert(sat_add(s, s, &s));
	ck_assert_uint_eq(s.v, 10);
	ck_assert(ecash_sub(e, coins(2, "sat"), &e));
	ck_assert_uint_eq(ecash_value(e), 3);
}
END_TEST

START_TEST(largest_amount)
{
	struct sat s = { 42 };
	struct ecash e = coins(42, "sat");

	ck_assert(sat_from_u64(MAX, &s));
	ck_assert_uint_eq(s.v, MAX);
	ck_assert(!sat_from_u64(MAX + 1, &s));
	ck_assert(!sat_from_u64(UINT64_MAX, &s));
	ck_assert_uint_eq(s.v, MAX);
	ck_assert(!ecash_make(MAX + 1, unit("usd"), &e));
	ck_assert_uint_eq(e.v, 42);
	ck_assert_str_eq(e.unit.s, "sat");
}
END_TEST

START_TEST(ordering)
{
	ck_assert_int_lt(sat_cmp((struct sat){ 1 }, (struct sat){ 2 }), 0);
	ck_assert_int_gt(sat_cmp((struct sat){ MAX }, (struct sat){ 0 }), 0);
	ck_assert_int_eq(sat_cmp((struct sat){ MAX }, (struct sat){ MAX }), 0);
	ck_assert_int_lt(ecash_cmp(coins(0, "sat"), coins(MAX, "sat")), 0);
	ck_assert_int_gt(ecash_cmp(coins(2, "sat"), coins(1, "sat")), 0);
	ck_assert_int_eq(ecash_cmp(coins(2, "sat"), coins(2, "sat")), 0);
	ck_assert(ecash_is_zero(ecash_zero(unit("sat"))));
	ck_assert(!ecash_is_zero(coins(1, "sat")));
}
END_TEST

START_TEST(units_do_not_mix)
{
	struct ecash e = coins(42, "sat");

	ck_assert(!ecash_add(coins(1, "sat"), coins(1, "usd"), &e));
	ck_assert(!ecash_sub(coins(1, "sat"), coins(1, "msat"), &e));
	ck_assert(!ecash_add(coins(0, "sat"), ecash_zero(unit("sats")), &e));
	ck_assert_uint_eq(e.v, 42);
}
END_TEST

static void compare_two_units(void)
{
	(void)ecash_cmp(coins(1, "sat"), coins(1, "usd"));
}

START_TEST(comparing_two_units_aborts)
{
	ck_assert_int_eq(suite_signal_of(compare_two_units), SIGABRT);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
} units[] = {
	{ "sat", true },
	{ "usd", true },
	{ "a", true },
	{ "-", true },
	{ "a_b-9", true },
	{ "123456789012345", true },
	{ "1234567890123456", false },
	{ "12345678901234567890123456789012345678901234567890", false },
	{ "", false },
	{ "SAT", false },
	{ "sat ", false },
	{ " sat", false },
	{ "s\nat", false },
	{ "s.at", false },
	{ "s'at", false },
	{ "\xe2\x82\xac", false },
};

START_TEST(unit_names)
{
	struct currency c = { "kept" };

	ck_assert_int_eq(currency_parse(units[_i].text, &c), units[_i].ok);
	ck_assert_str_eq(c.s, units[_i].ok ? units[_i].text : "kept");
}
END_TEST

START_TEST(unit_names_compare)
{
	ck_assert(currency_equal(unit("sat"), unit("sat")));
	ck_assert(!currency_equal(unit("sat"), unit("sa")));
	ck_assert(!currency_equal(unit("sat"), unit("sau")));
	ck_assert(!currency_equal(unit("123456789012345"), unit("123456789012346")));
}
END_TEST

/* Nothing of an earlier, longer name may stay behind: the struct is stored and compared as a whole. */
START_TEST(unit_names_leave_no_rest)
{
	struct currency c = unit("123456789012345"), sat = unit("sat");

	ck_assert(currency_parse("sat", &c));
	ck_assert_mem_eq(&c, &sat, sizeof(c));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/amount");
	TCase *t = tcase_create("amounts");

	tcase_add_loop_test(t, adding, 0, ARRAY_LEN(sums));
	tcase_add_loop_test(t, subtracting, 0, ARRAY_LEN(differences));
	tcase_add_test(t, result_may_be_an_operand);
	tcase_add_test(t, largest_amount);
	tcase_add_test(t, ordering);
	tcase_add_test(t, units_do_not_mix);
	tcase_add_test(t, comparing_two_units_aborts);
	tcase_add_loop_test(t, unit_names, 0, ARRAY_LEN(units));
	tcase_add_test(t, unit_names_compare);
	tcase_add_test(t, unit_names_leave_no_rest);
	suite_add_tcase(s, t);
	return suite_run(s);
}
