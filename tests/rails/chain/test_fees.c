/* The fee rates that the wallet goes by (spec/exit.md 6.5, X-26), and the decimals that they come in. */
#include <string.h>

#include "rails/chain/fees.h"
#include "rails/chain/fields.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct feerate rate(uint64_t sat_per_kwu)
{
	struct feerate r;

	ck_assert(feerate_from_sat_per_kwu(sat_per_kwu, &r));
	return r;
}

/* 0: no estimate. */
static struct fee_estimates told(uint64_t fast, uint64_t regular, uint64_t slow)
{
	uint64_t v[FEE_TIERS] = { fast, regular, slow };
	struct fee_estimates e = { .has = { false } };

	for (int t = 0; t < FEE_TIERS; t++) {
		e.has[t] = v[t] > 0;
		e.rate[t] = rate(v[t]);
	}
	return e;
}

static void assert_rates(const struct fee_rates *r, uint64_t fast, uint64_t regular, uint64_t slow)
{
	ck_assert_uint_eq(feerate_sat_per_kwu(r->rate[FEE_FAST]), fast);
	ck_assert_uint_eq(feerate_sat_per_kwu(r->rate[FEE_REGULAR]), regular);
	ck_assert_uint_eq(feerate_sat_per_kwu(r->rate[FEE_SLOW]), slow);
}

static const struct {
	const char *name;
	uint64_t told[3], floor, want[3];
} rows[] = {
	{ "as told", { 3000, 2000, 1000 }, 0, { 3000, 2000, 1000 } },
	{ "no regular and no slow", { 3000, 0, 0 }, 0, { 3000, 3000, 3000 } },
	{ "no slow", { 3000, 2000, 0 }, 0, { 3000, 2000, 2000 } },
	{ "no regular", { 3000, 0, 1000 }, 0, { 3000, 3000, 1000 } },
	{ "no fast", { 0, 2000, 1000 }, 0, { 2000, 2000, 1000 } },
	{ "slow alone", { 0, 0, 1000 }, 0, { 1000, 1000, 1000 } },
	{ "the wrong way round", { 1000, 2000, 3000 }, 0, { 3000, 3000, 3000 } },
	{ "below the floor", { 300, 200, 100 }, 250, { 300, 250, 250 } },
	{ "all below the floor", { 3, 2, 1 }, 250, { 250, 250, 250 } },
};

START_TEST(estimates_become_rates)
{
	struct fee_estimates e = told(rows[_i].told[0], rows[_i].told[1], rows[_i].told[2]);
	struct feerate floor = rate(rows[_i].floor);
	struct fee_rates r;
	struct fees f;

	fees_init(&f, NULL);
	ck_ok(fees_update(&f, &e, rows[_i].floor > 0 ? &floor : NULL, 0, &r, &rerr));
	assert_rates(&r, rows[_i].want[0], rows[_i].want[1], rows[_i].want[2]);
	ck_assert(!r.is_fallback);
}
END_TEST

START_TEST(a_fallback_stands_in)
{
	struct fee_estimates none = told(0, 0, 0), some = told(4000, 3000, 2000);
	struct feerate fallback = rate(FEES_FALLBACK_MAINNET), floor = rate(750);
	struct fee_rates r;
	struct fees f;
	int64_t age;

	fees_init(&f, &fallback);
	ck_assert(!fees_last(&f, 0, &r, &age));
	ck_ok(fees_update(&f, NULL, NULL, 1000, &r, &rerr));
	assert_rates(&r, 500, 500, 500);
	ck_assert(r.is_fallback && !fees_are_fresh(&f, 1000));
	ck_ok(fees_update(&f, &none, &floor, 1000, &r, &rerr));
	assert_rates(&r, 750, 750, 750);
	ck_assert(fees_last(&f, 5000, &r, &age) && r.is_fallback && age == -1);

	ck_ok(fees_update(&f, &some, NULL, 2000, &r, &rerr));
	ck_assert(!r.is_fallback && fees_are_fresh(&f, 2000 + FEES_FRESH_MS - 1));
	ck_assert(!fees_are_fresh(&f, 2000 + FEES_FRESH_MS));
	ck_assert(fees_last(&f, 5000, &r, &age) && age == 3000);
	assert_rates(&r, 4000, 3000, 2000);
	/* A fallback that is far below the last estimate is no estimate to compare with. */
	ck_ok(fees_update(&f, NULL, NULL, 40000, &r, &rerr));
	ck_assert(r.is_fallback && !fees_are_fresh(&f, 40000));
	some = told(40000, 30000, 20000);
	ck_ok(fees_update(&f, &some, NULL, 50000, &r, &rerr));
	assert_rates(&r, 40000, 30000, 20000);
}
END_TEST

START_TEST(without_a_fallback_the_rates_stay)
{
	struct fee_estimates some = told(4000, 3000, 2000);
	struct fee_rates r;
	struct fees f;
	int64_t age;

	fees_init(&f, NULL);
	ck_fails(fees_update(&f, NULL, NULL, 0, &r, &rerr), ERR_PEER_DOWN);
	ck_assert(!fees_last(&f, 0, &r, NULL));
	ck_ok(fees_update(&f, &some, NULL, 0, &r, &rerr));
	ck_fails(fees_update(&f, NULL, NULL, 60000, &r, &rerr), ERR_PEER_DOWN);
	ck_assert(fees_last(&f, 60000, &r, &age) && age == 60000);
	assert_rates(&r, 4000, 3000, 2000);
}
END_TEST

START_TEST(a_jump_counts_when_it_is_seen_twice)
{
	struct fee_estimates calm = told(1000, 1000, 1000), ten = told(10000, 10000, 10000),
			     jump = told(10001, 2000, 1000), far = told(500000, 400000, 300000);
	struct fee_rates r;
	struct fees f;

	fees_init(&f, NULL);
	ck_ok(fees_update(&f, &calm, NULL, 0, &r, &rerr));
	ck_ok(fees_update(&f, &jump, NULL, 1, &r, &rerr));
	assert_rates(&r, 2000, 2000, 1000); /* fast stayed at 1000 and is clamped; the others moved */
	ck_ok(fees_update(&f, &calm, NULL, 2, &r, &rerr));
	assert_rates(&r, 1000, 1000, 1000);
	ck_ok(fees_update(&f, &ten, NULL, 3, &r, &rerr)); /* exactly ten times is no jump */
	assert_rates(&r, 10000, 10000, 10000);
	ck_ok(fees_update(&f, &far, NULL, 4, &r, &rerr));
	assert_rates(&r, 10000, 10000, 10000);
	ck_ok(fees_update(&f, &far, NULL, 5, &r, &rerr));
	assert_rates(&r, 500000, 400000, 300000);
	ck_ok(fees_update(&f, &calm, NULL, 6, &r, &rerr)); /* falling needs no second look */
	assert_rates(&r, 1000, 1000, 1000);
}
END_TEST

START_TEST(targets)
{
	ck_assert(fee_targets[FEE_FAST] == 1 && fee_targets[FEE_REGULAR] == 3 && fee_targets[FEE_SLOW] == 6);
}
END_TEST

/* --- decimals --- */

static const struct {
	const char *text, *plain; /* NULL: none */
} decimals[] = {
	{ "0", "0" },
	{ "1", "1" },
	{ "0.00001000", "0.00001" },
	{ "20999999.97690000", "20999999.9769" },
	{ "1e-5", "0.00001" },
	{ "2.743e-05", "0.00002743" },
	{ "1.5E+2", "150" },
	{ "0.5e2", "50" },
	{ "12.5e1", "125" },
	{ "1e8", "100000000" },
	{ "0e0", "0" },
	{ "0.0", "0" },
	{ "00.10", "0.1" },
	{ "100e-2", "1" },
	{ "1e-40", "0.0000000000000000000000000000000000000001" },
	{ "1e-41", NULL },
	{ "1e40", "10000000000000000000000000000000000000000" },
	{ "111111111111111111111111111111e40", NULL },
	{ "", NULL },
	{ ".5", NULL },
	{ "5.", NULL },
	{ "-1", NULL },
	{ "+1", NULL },
	{ "1.2.3", NULL },
	{ "1e", NULL },
	{ "1e+", NULL },
	{ "1e5x", NULL },
	{ "e5", NULL },
	{ "1 ", NULL },
	{ "0x10", NULL },
	{ "nan", NULL },
	{ "1111111111111111111111111111111111111111111111111111111111111111", NULL },
};

START_TEST(decimals_become_plain)
{
	char plain[DECIMAL_MAX];
	bool fine = decimal_plain(decimals[_i].text, plain);

	ck_assert_msg(fine == (decimals[_i].plain != NULL), "%s", decimals[_i].text);
	if (fine)
		ck_assert_str_eq(plain, decimals[_i].plain);
}
END_TEST

static const struct {
	const char *json;
	int64_t sat; /* -1: refused */
} amounts[] = {
	{ "{\"x\":0.00000001}", 1 },
	{ "{\"x\":21000000}", 2100000000000000 },
	{ "{\"x\":20999999.99999999}", 2099999999999999 },
	{ "{\"x\":0}", 0 },
	{ "{\"x\":0.10000000}", 10000000 },
	{ "{\"x\":0.29000000}", 29000000 }, /* 28999999.999… in binary */
	{ "{\"x\":1e-8}", 1 },
	{ "{\"x\":1.0e-5}", 1000 },
	{ "{\"x\":0.000000001}", -1 },
	{ "{\"x\":21000000.00000001}", -1 },
	{ "{\"x\":1e300}", -1 },
	{ "{\"x\":-0.1}", -1 },
	{ "{\"x\":-1}", -1 },
	{ "{\"x\":\"\\u00000.1\"}", -1 },
	{ "{\"x\":null}", -1 },
	{ "{\"x\":true}", -1 },
	{ "{}", -1 },
};

START_TEST(amounts_are_exact)
{
	static const struct json_rules rules = {
		.max_depth = 4, .max_values = 16, .escaped_nul = true, .reals_as_text = true
	};
	struct sat v;
	json_t *obj;
	int rc;

	ck_ok(json_parse_by(&ra, bytes_of(amounts[_i].json), &rules, &obj, &rerr));
	rc = field_btc(obj, "x", &v, &rerr);
	if (amounts[_i].sat < 0) {
		ck_fails(rc, ERR_PEER_INVALID);
		return;
	}
	ck_ok(rc);
	ck_assert_uint_eq(sat_value(v), (uint64_t)amounts[_i].sat);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/chain/fees");
	TCase *t = rails_case(s, "rates"), *d = rails_case(s, "decimals");

	tcase_add_loop_test(t, estimates_become_rates, 0, ARRAY_LEN(rows));
	tcase_add_test(t, a_fallback_stands_in);
	tcase_add_test(t, without_a_fallback_the_rates_stay);
	tcase_add_test(t, a_jump_counts_when_it_is_seen_twice);
	tcase_add_test(t, targets);
	tcase_add_loop_test(d, decimals_become_plain, 0, ARRAY_LEN(decimals));
	tcase_add_loop_test(d, amounts_are_exact, 0, ARRAY_LEN(amounts));
	return suite_run(s);
}
