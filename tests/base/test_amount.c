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

/* Parts add up, and none is more than its own. */
START_TEST(parts)
{
	static const uint64_t own[] = { 400, 50000, 1, 330, 7 };
	struct sat total = { 50738 }, s;

	for (uint64_t whole = 0; whole <= 50738; whole += 50738 / 37) {
		uint64_t sum = 0, before = 0;

		for (size_t i = 0; i < 5; i++) {
			ck_assert(sat_part((struct sat){ whole }, (struct sat){ before }, (struct sat){ own[i] }, total,
					   &s));
			ck_assert_uint_le(s.v, own[i]);
			sum += s.v;
			before += own[i];
		}
		ck_assert_uint_eq(sum, whole);
	}
	ck_assert(sat_part((struct sat){ MAX }, (struct sat){ 1 }, (struct sat){ MAX - 1 }, (struct sat){ MAX }, &s));
	ck_assert_uint_eq(s.v, MAX - 1);
	ck_assert(!sat_part((struct sat){ 1 }, (struct sat){ 0 }, (struct sat){ 0 }, (struct sat){ 0 }, &s));
	ck_assert(!sat_part((struct sat){ 1 }, (struct sat){ 2 }, (struct sat){ 2 }, (struct sat){ 3 }, &s));
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

#define TOP UINT64_MAX

static const struct {
	struct wei a, b, want;
	bool ok;
} wei_sums[] = {
	{ { 0, 0 }, { 0, 0 }, { 0, 0 }, true },
	{ { 0, 1 }, { 0, 2 }, { 0, 3 }, true },
	{ { 0, TOP }, { 0, 1 }, { 1, 0 }, true },
	{ { 0, TOP }, { 0, TOP }, { 1, TOP - 1 }, true },
	{ { TOP, TOP }, { 0, 0 }, { TOP, TOP }, true },
	{ { TOP, TOP - 1 }, { 0, 1 }, { TOP, TOP }, true },
	{ { TOP, TOP }, { 0, 1 }, { 0, 0 }, false },
	{ { TOP, 0 }, { 1, 0 }, { 0, 0 }, false },
	{ { TOP, TOP }, { TOP, TOP }, { 0, 0 }, false },
}, wei_differences[] = {
	{ { 0, 3 }, { 0, 2 }, { 0, 1 }, true },
	{ { 1, 0 }, { 0, 1 }, { 0, TOP }, true },
	{ { TOP, TOP }, { TOP, TOP }, { 0, 0 }, true },
	{ { 5, 0 }, { 4, TOP }, { 0, 1 }, true },
	{ { 0, 0 }, { 0, 1 }, { 0, 0 }, false },
	{ { 1, 0 }, { 1, 1 }, { 0, 0 }, false },
	{ { 0, TOP }, { 1, 0 }, { 0, 0 }, false },
};

static void check_wei(struct wei got, struct wei want, bool ok)
{
	ck_assert_uint_eq(got.hi, ok ? want.hi : 42);
	ck_assert_uint_eq(got.lo, ok ? want.lo : 43);
}

START_TEST(wei_adding)
{
	struct wei w = { 42, 43 };

	ck_assert_int_eq(wei_add(wei_sums[_i].a, wei_sums[_i].b, &w), wei_sums[_i].ok);
	check_wei(w, wei_sums[_i].want, wei_sums[_i].ok);
	w = (struct wei){ 42, 43 };
	ck_assert_int_eq(wei_add(wei_sums[_i].b, wei_sums[_i].a, &w), wei_sums[_i].ok);
	check_wei(w, wei_sums[_i].want, wei_sums[_i].ok);
}
END_TEST

START_TEST(wei_subtracting)
{
	struct wei w = { 42, 43 };

	ck_assert_int_eq(wei_sub(wei_differences[_i].a, wei_differences[_i].b, &w), wei_differences[_i].ok);
	check_wei(w, wei_differences[_i].want, wei_differences[_i].ok);
}
END_TEST

START_TEST(wei_ordering)
{
	static const struct wei rising[] = { { 0, 0 }, { 0, 1 }, { 0, TOP }, { 1, 0 }, { 1, 1 }, { TOP, TOP } };

	for (size_t i = 0; i < ARRAY_LEN(rising); i++)
		for (size_t j = 0; j < ARRAY_LEN(rising); j++)
			ck_assert_int_eq(wei_cmp(rising[i], rising[j]), (i > j) - (i < j));
}
END_TEST

static const struct {
	struct wei v;
	const char *text;
} wei_texts[] = {
	{ { 0, 0 }, "0" },
	{ { 0, 9 }, "9" },
	{ { 0, 10 }, "10" },
	{ { 0, UINT64_C(1000000000000000000) }, "1000000000000000000" },
	{ { 0, TOP }, "18446744073709551615" },
	{ { 1, 0 }, "18446744073709551616" },
	{ { TOP, TOP }, "340282366920938463463374607431768211455" },
};

START_TEST(wei_in_words)
{
	char text[WEI_TEXT_MAX];

	wei_text(wei_texts[_i].v, text);
	ck_assert_str_eq(text, wei_texts[_i].text);
	ck_assert_uint_lt(strlen(text), WEI_TEXT_MAX);
}
END_TEST

START_TEST(wei_of_a_256_bit_word)
{
	struct wei w = { 42, 43 }, same = wei_from_u64(0x0102030405060708);
	uint8_t word[32] = { [15] = 1 };

	for (size_t i = 0; i < 16; i++) {
		memset(word, 0, sizeof(word));
		word[i] = 1;
		ck_assert(!wei_from_be(word, &w));
	}
	check_wei(w, (struct wei){ 0 }, false);
	memset(word, 0, 16);
	memset(word + 16, 0xff, 16);
	ck_assert(wei_from_be(word, &w));
	check_wei(w, (struct wei){ TOP, TOP }, true);
	for (size_t i = 0; i < sizeof(word); i++)
		word[i] = i < 24 ? 0 : (uint8_t)(i - 23);
	word[16] = 0x80;
	ck_assert(wei_from_be(word, &w));
	check_wei(w, (struct wei){ UINT64_C(1) << 63, same.lo }, true);
	ck_assert_uint_eq(same.hi, 0);
}
END_TEST

static struct gas_price price(uint64_t v)
{
	struct gas_price p = { 0 };

	ck_assert(gas_price_from_u64(v, &p));
	return p;
}

START_TEST(gas_prices_end_at_2_62)
{
	struct gas_price p = { 42 };

	ck_assert(!gas_price_from_u64(GAS_PRICE_MAX + 1, &p));
	ck_assert(!gas_price_from_u64(UINT64_MAX, &p));
	ck_assert(!gas_price_add(price(GAS_PRICE_MAX), price(1), &p));
	ck_assert(!gas_price_add(price(GAS_PRICE_MAX), price(GAS_PRICE_MAX), &p));
	ck_assert_uint_eq(gas_price_value(p), 42);
	ck_assert(gas_price_from_u64(GAS_PRICE_MAX, &p));
	ck_assert_uint_eq(gas_price_value(p), GAS_PRICE_MAX);
	ck_assert(gas_price_add(price(GAS_PRICE_MAX - 1), price(1), &p));
	ck_assert_uint_eq(gas_price_value(p), GAS_PRICE_MAX);
}
END_TEST

static const struct {
	uint64_t price;
	uint32_t num, den;
	bool ok;
	uint64_t want;
} scaled[] = {
	{ 0, 110, 100, true, 0 },
	{ 1, 110, 100, true, 2 },
	{ 10, 110, 100, true, 11 },
	{ 11, 110, 100, true, 13 },
	{ 100, 1, 3, true, 34 },
	{ 99, 1, 3, true, 33 },
	{ 5, 0, 7, true, 0 },
	{ GAS_PRICE_MAX, 1, 1, true, GAS_PRICE_MAX },
	{ GAS_PRICE_MAX, UINT32_MAX, UINT32_MAX, true, GAS_PRICE_MAX },
	{ GAS_PRICE_MAX, 110, 100, false, 0 },
	{ GAS_PRICE_MAX, UINT32_MAX, 1, false, 0 },
	{ GAS_PRICE_MAX - 1, 4, 4, true, GAS_PRICE_MAX - 1 },
	{ GAS_PRICE_MAX / 2 + 1, 2, 1, false, 0 },
};

START_TEST(gas_prices_scale_up)
{
	struct gas_price p = { 42 };

	ck_assert_int_eq(gas_price_scale_ceil(price(scaled[_i].price), scaled[_i].num, scaled[_i].den, &p),
			 scaled[_i].ok);
	ck_assert_uint_eq(gas_price_value(p), scaled[_i].ok ? scaled[_i].want : 42);
}
END_TEST

START_TEST(gas_prices_compare)
{
	ck_assert_int_lt(gas_price_cmp(price(1), price(2)), 0);
	ck_assert_int_gt(gas_price_cmp(price(2), price(1)), 0);
	ck_assert_int_eq(gas_price_cmp(price(2), price(2)), 0);
	ck_assert_uint_eq(gas_price_value(gas_price_min(price(1), price(2))), 1);
	ck_assert_uint_eq(gas_price_value(gas_price_min(price(2), price(1))), 1);
	ck_assert_uint_eq(gas_price_value(gas_price_max(price(1), price(2))), 2);
	ck_assert_uint_eq(gas_price_value(gas_price_max(price(2), price(1))), 2);
}
END_TEST

START_TEST(what_gas_costs)
{
	check_wei(gas_cost(price(2000000000), 21000), (struct wei){ 0, UINT64_C(42000000000000) }, true);
	check_wei(gas_cost(price(0), UINT64_MAX), (struct wei){ 0, 0 }, true);
	/* 2^62 * (2^64 - 1) = 2^126 - 2^62 */
	check_wei(gas_cost(price(GAS_PRICE_MAX), UINT64_MAX),
		  (struct wei){ (UINT64_C(1) << 62) - 1, UINT64_MAX - GAS_PRICE_MAX + 1 }, true);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t sat;
} btc[] = {
	{ "0", true, 0 },
	{ "1", true, 100000000 },
	{ "0.00000001", true, 1 },
	{ "0.5", true, 50000000 },
	{ "20999999.9769", true, 2099999997690000 },
	{ "92233720368.54775807", true, MAX },
	{ "92233720368.54775808", false, 0 },
	{ "184467440737.09551616", false, 0 },
	{ "0.000000001", false, 0 },
	{ "0.000000010", false, 0 },
	{ "00.1", false, 0 },
	{ "01", false, 0 },
	{ ".1", false, 0 },
	{ "1.", false, 0 },
	{ "", false, 0 },
	{ "-1", false, 0 },
	{ "+1", false, 0 },
	{ " 1", false, 0 },
	{ "1 ", false, 0 },
	{ "1e-5", false, 0 },
	{ "1,5", false, 0 },
	{ "1.2.3", false, 0 },
	{ "nan", false, 0 },
};

START_TEST(bitcoin_in_decimals)
{
	struct sat s = { 42 };

	ck_assert_int_eq(sat_from_btc_text(btc[_i].text, &s), btc[_i].ok);
	ck_assert_uint_eq(sat_value(s), btc[_i].ok ? btc[_i].sat : 42);
}
END_TEST

START_TEST(all_the_money)
{
	ck_assert(sat_is_money((struct sat){ SAT_MONEY_MAX }));
	ck_assert(!sat_is_money((struct sat){ SAT_MONEY_MAX + 1 }));
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t per_kwu;
	const char *shown;
} per_vb[] = {
	{ "1", true, 250, "1" },
	{ "0.1", true, 25, "0.1" },
	{ "1.004", true, 251, "1.004" },
	{ "1.0000", true, 250, "1" },
	{ "1.0001", true, 251, "1.004" },
	{ "1.00000000000000000000001", true, 251, "1.004" },
	{ "1.00400000000000000000000", true, 251, "1.004" },
	{ "1.00400000000000000000001", true, 252, "1.008" },
	{ "87.882", true, 21971, "87.884" },
	{ "0", true, 0, "0" },
	{ "0.000000000000001", true, 1, "0.004" },
	{ "4000000", true, FEERATE_MAX, "4000000" },
	{ "4000000.001", false, 0, NULL },
	{ "18446744073.709551615", false, 0, NULL },
	{ "99999999999999999999999999", false, 0, NULL },
	{ "-1", false, 0, NULL },
	{ "1e3", false, 0, NULL },
	{ "1.", false, 0, NULL },
	{ "inf", false, 0, NULL },
	{ "", false, 0, NULL },
};

START_TEST(rates_in_decimals)
{
	struct feerate rate = { 42 };
	char shown[FEERATE_TEXT_MAX];

	ck_assert_int_eq(feerate_from_sat_per_vb_text_ceil(per_vb[_i].text, &rate), per_vb[_i].ok);
	ck_assert_uint_eq(feerate_sat_per_kwu(rate), per_vb[_i].ok ? per_vb[_i].per_kwu : 42);
	if (per_vb[_i].ok) {
		feerate_text(rate, shown);
		ck_assert_str_eq(shown, per_vb[_i].shown);
	}
}
END_TEST

START_TEST(rates_of_nodes)
{
	struct feerate rate;

	ck_assert(feerate_from_btc_per_kvb_text_ceil("0.00001000", &rate));
	ck_assert_uint_eq(feerate_sat_per_kwu(rate), 250);
	ck_assert(feerate_from_btc_per_kvb_text_ceil("0.00001001", &rate));
	ck_assert_uint_eq(feerate_sat_per_kwu(rate), 251);
	ck_assert(feerate_from_sat_per_kvb_ceil(1, &rate));
	ck_assert_uint_eq(feerate_sat_per_kwu(rate), 1);
	ck_assert(feerate_from_sat_per_kvb_ceil(4000, &rate));
	ck_assert_uint_eq(feerate_sat_per_kwu(rate), 1000);
	ck_assert(!feerate_from_sat_per_kvb_ceil(UINT64_MAX, &rate));
	ck_assert_uint_eq(feerate_sat_per_vb_ceil((struct feerate){ 250 }), 1);
	ck_assert_uint_eq(feerate_sat_per_vb_ceil((struct feerate){ 251 }), 2);
	ck_assert_int_gt(feerate_cmp(rate, (struct feerate){ 999 }), 0);
	ck_assert_uint_eq(feerate_max(rate, (struct feerate){ 1001 }).v, 1001);
}
END_TEST

static const struct {
	uint64_t rate, weight, fee;
} fees[] = {
	{ 250, 496 + 609, 277 }, /* an exit transaction and its child at 1 sat/vB */
	{ 1250, 1105, 1382 },
	{ 250, 4, 1 },
	{ 250, 1, 1 },
	{ 1, 1, 1 },
	{ 1, 1000, 1 },
	{ 1, 1001, 2 },
	{ 0, 4000000, 0 },
	{ 250, 0, 0 },
	{ FEERATE_MAX, 4000000, UINT64_C(4000000000000) },
};

START_TEST(fees_round_up)
{
	struct feerate rate = { fees[_i].rate };
	struct weight w = { fees[_i].weight };
	struct sat fee;

	ck_assert(fee_for_weight_ceil(rate, w, &fee));
	ck_assert_uint_eq(fee.v, fees[_i].fee);
	/* A virtual byte is four weight units. */
	ck_assert(fee_for_vsize_ceil(rate, weight_vsize(w), &fee));
	ck_assert_uint_ge(fee.v, fees[_i].fee);
	ck_assert_uint_le(fee.v, fees[_i].fee + (3 * rate.v + 999) / 1000);
}
END_TEST

START_TEST(fees_that_no_amount_holds)
{
	struct sat fee = { 42 };
	struct feerate rate = { 42 };

	ck_assert(!fee_for_weight_ceil((struct feerate){ FEERATE_MAX }, (struct weight){ UINT64_MAX }, &fee));
	ck_assert(!fee_for_vsize_ceil((struct feerate){ FEERATE_MAX }, UINT64_MAX, &fee));
	ck_assert_uint_eq(fee.v, 42);
	ck_assert(!feerate_of_ceil((struct sat){ 1 }, (struct weight){ 0 }, &rate));
	ck_assert(!feerate_of_ceil((struct sat){ MAX }, (struct weight){ 1 }, &rate));
	ck_assert_uint_eq(rate.v, 42);
	ck_assert(feerate_of_ceil((struct sat){ 1382 }, (struct weight){ 1105 }, &rate));
	ck_assert_uint_eq(rate.v, 1251);
}
END_TEST

START_TEST(weights)
{
	ck_assert_uint_eq(weight_vsize((struct weight){ 609 }), 153);
	ck_assert_uint_eq(weight_vsize((struct weight){ 4 }), 1);
	ck_assert_uint_eq(weight_vsize((struct weight){ UINT64_MAX }), UINT64_C(1) << 62);
	ck_assert_uint_eq(weight_add((struct weight){ 496 }, (struct weight){ 609 }).v, 1105);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/amount");
	TCase *t = tcase_create("amounts");

	tcase_add_loop_test(t, adding, 0, ARRAY_LEN(sums));
	tcase_add_loop_test(t, subtracting, 0, ARRAY_LEN(differences));
	tcase_add_test(t, parts);
	tcase_add_test(t, result_may_be_an_operand);
	tcase_add_test(t, largest_amount);
	tcase_add_test(t, ordering);
	tcase_add_test(t, units_do_not_mix);
	tcase_add_test(t, comparing_two_units_aborts);
	tcase_add_loop_test(t, unit_names, 0, ARRAY_LEN(units));
	tcase_add_test(t, unit_names_compare);
	tcase_add_test(t, unit_names_leave_no_rest);
	tcase_add_loop_test(t, wei_adding, 0, ARRAY_LEN(wei_sums));
	tcase_add_loop_test(t, wei_subtracting, 0, ARRAY_LEN(wei_differences));
	tcase_add_test(t, wei_ordering);
	tcase_add_loop_test(t, wei_in_words, 0, ARRAY_LEN(wei_texts));
	tcase_add_test(t, wei_of_a_256_bit_word);
	tcase_add_test(t, gas_prices_end_at_2_62);
	tcase_add_loop_test(t, gas_prices_scale_up, 0, ARRAY_LEN(scaled));
	tcase_add_test(t, gas_prices_compare);
	tcase_add_test(t, what_gas_costs);
	tcase_add_loop_test(t, bitcoin_in_decimals, 0, ARRAY_LEN(btc));
	tcase_add_test(t, all_the_money);
	tcase_add_loop_test(t, rates_in_decimals, 0, ARRAY_LEN(per_vb));
	tcase_add_test(t, rates_of_nodes);
	tcase_add_loop_test(t, fees_round_up, 0, ARRAY_LEN(fees));
	tcase_add_test(t, fees_that_no_amount_holds);
	tcase_add_test(t, weights);
	suite_add_tcase(s, t);
	return suite_run(s);
}
