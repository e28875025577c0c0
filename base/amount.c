#include "base/amount.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128; /* a number, no struct of ours */

static bool add(uint64_t a, uint64_t b, uint64_t *ret)
{
	if (a > AMOUNT_MAX || b > AMOUNT_MAX - a)
		return false;
	*ret = a + b;
	return true;
}

static bool sub(uint64_t a, uint64_t b, uint64_t *ret)
{
	if (a > AMOUNT_MAX || b > a)
		return false;
	*ret = a - b;
	return true;
}

static int cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

bool msat_from_u64(uint64_t v, struct msat *ret)
{
	return add(v, 0, &ret->v);
}

uint64_t msat_value(struct msat a)
{
	return a.v;
}

bool sat_from_u64(uint64_t v, struct sat *ret)
{
	return add(v, 0, &ret->v);
}

bool sat_add(struct sat a, struct sat b, struct sat *ret)
{
	return add(a.v, b.v, &ret->v);
}

bool sat_sub(struct sat a, struct sat b, struct sat *ret)
{
	return sub(a.v, b.v, &ret->v);
}

static uint64_t part_up_to(struct sat whole, uint64_t end, struct sat total)
{
	return (uint64_t)((u128)whole.v * end / total.v);
}

bool sat_part(struct sat whole, struct sat before, struct sat own, struct sat total, struct sat *ret)
{
	uint64_t end;

	if (total.v == 0 || !add(before.v, own.v, &end) || end > total.v)
		return false;
	return sub(part_up_to(whole, end, total), part_up_to(whole, before.v, total), &ret->v);
}

int sat_cmp(struct sat a, struct sat b)
{
	return cmp(a.v, b.v);
}

uint64_t sat_value(struct sat a)
{
	return a.v;
}

bool sat_is_money(struct sat a)
{
	return a.v <= SAT_MONEY_MAX;
}

/* Decimals in units of 10^-places.  *more says that digits beyond those, not all of them zero, were left out. */
static bool decimal(const char *text, unsigned places, uint64_t *ret, bool *more, size_t *n_fraction)
{
	size_t whole = strspn(text, "0123456789"), fraction = 0;
	uint64_t v = 0;

	if (text[whole] == '.') {
		fraction = strspn(text + whole + 1, "0123456789");
		if (fraction == 0)
			return false;
	}
	if (whole == 0 || (whole > 1 && text[0] == '0') || text[whole + (fraction > 0 ? 1 + fraction : 0)] != '\0')
		return false;
	for (size_t i = 0; i < whole + places; i++) {
		const char *c = i < whole ? &text[i] : i - whole < fraction ? &text[i + 1] : "0";

		if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
			return false;
	}
	*more = fraction > places && strspn(text + whole + 1 + places, "0") < fraction - places;
	*n_fraction = fraction;
	*ret = v;
	return true;
}

bool sat_from_btc_text(const char *text, struct sat *ret)
{
	size_t n_fraction;
	uint64_t v;
	bool more;

	return decimal(text, 8, &v, &more, &n_fraction) && n_fraction <= 8 && sat_from_u64(v, ret);
}

struct weight weight_add(struct weight a, struct weight b)
{
	assert(b.v <= UINT64_MAX - a.v);
	return (struct weight){ a.v + b.v };
}

uint64_t weight_value(struct weight a)
{
	return a.v;
}

uint64_t weight_vsize(struct weight a)
{
	return a.v / 4 + (a.v % 4 != 0);
}

bool feerate_from_sat_per_kwu(uint64_t v, struct feerate *ret)
{
	if (v > FEERATE_MAX)
		return false;
	ret->v = v;
	return true;
}

bool feerate_from_sat_per_kvb_ceil(uint64_t v, struct feerate *ret)
{
	return feerate_from_sat_per_kwu(v / 4 + (v % 4 != 0), ret);
}

/* 250 a / 10^9, rounded up.  What lies beyond the ninth digit counts as one more there: as a rate is a multiple of
 * 0.004, the next one above is the same. */
bool feerate_from_sat_per_vb_text_ceil(const char *text, struct feerate *ret)
{
	static const uint64_t nano = 1000000000;
	size_t n_fraction;
	uint64_t v;
	bool more;

	if (!decimal(text, 9, &v, &more, &n_fraction))
		return false;
	return feerate_from_sat_per_kwu((uint64_t)(((u128)v * 250 + (more ? 250 : 0) + nano - 1) / nano), ret);
}

bool feerate_from_btc_per_kvb_text_ceil(const char *text, struct feerate *ret)
{
	struct sat per_kvb;

	return sat_from_btc_text(text, &per_kvb) && feerate_from_sat_per_kvb_ceil(per_kvb.v, ret);
}

int feerate_cmp(struct feerate a, struct feerate b)
{
	return cmp(a.v, b.v);
}

struct feerate feerate_max(struct feerate a, struct feerate b)
{
	return a.v > b.v ? a : b;
}

uint64_t feerate_sat_per_kwu(struct feerate a)
{
	return a.v;
}

uint64_t feerate_sat_per_vb_ceil(struct feerate a)
{
	return a.v / 250 + (a.v % 250 != 0);
}

void feerate_text(struct feerate a, char ret[FEERATE_TEXT_MAX])
{
	unsigned long long whole = a.v / 250, thousandths = a.v % 250 * 4;
	int n = snprintf(ret, FEERATE_TEXT_MAX, "%llu.%03llu", whole, thousandths);

	while (ret[n - 1] == '0')
		ret[--n] = '\0';
	if (ret[n - 1] == '.')
		ret[n - 1] = '\0';
}

static bool fee_from(u128 milli, struct sat *ret)
{
	u128 v = (milli + 999) / 1000;

	return v <= AMOUNT_MAX && sat_from_u64((uint64_t)v, ret);
}

bool fee_for_weight_ceil(struct feerate rate, struct weight w, struct sat *ret)
{
	return fee_from((u128)rate.v * w.v, ret);
}

bool fee_for_vsize_ceil(struct feerate rate, uint64_t vsize, struct sat *ret)
{
	return fee_from((u128)rate.v * 4 * vsize, ret);
}

bool feerate_of_ceil(struct sat fee, struct weight w, struct feerate *ret)
{
	u128 v;

	if (w.v == 0)
		return false;
	v = ((u128)fee.v * 1000 + w.v - 1) / w.v;
	return v <= FEERATE_MAX && feerate_from_sat_per_kwu((uint64_t)v, ret);
}

static u128 wide(struct wei a)
{
	return ((u128)a.hi << 64) | a.lo;
}

static struct wei narrow(u128 v)
{
	return (struct wei){ .hi = (uint64_t)(v >> 64), .lo = (uint64_t)v };
}

struct wei wei_from_u64(uint64_t v)
{
	return (struct wei){ .lo = v };
}

bool wei_from_be(const uint8_t v[32], struct wei *ret)
{
	u128 n = 0;

	for (int i = 0; i < 16; i++)
		if (v[i] != 0)
			return false;
	for (int i = 16; i < 32; i++)
		n = n << 8 | v[i];
	*ret = narrow(n);
	return true;
}

bool wei_add(struct wei a, struct wei b, struct wei *ret)
{
	u128 sum = wide(a) + wide(b);

	if (sum < wide(a))
		return false;
	*ret = narrow(sum);
	return true;
}

bool wei_sub(struct wei a, struct wei b, struct wei *ret)
{
	if (wei_cmp(a, b) < 0)
		return false;
	*ret = narrow(wide(a) - wide(b));
	return true;
}

int wei_cmp(struct wei a, struct wei b)
{
	return (wide(a) > wide(b)) - (wide(a) < wide(b));
}

uint64_t wei_to_gwei_ceil(struct wei a)
{
	u128 v = wide(a) / 1000000000 + (wide(a) % 1000000000 != 0);

	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

void wei_text(struct wei a, char ret[WEI_TEXT_MAX])
{
	char digits[WEI_TEXT_MAX];
	size_t n = 0;
	u128 v = wide(a);

	do {
		digits[n++] = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v != 0);
	for (size_t i = 0; i < n; i++)
		ret[i] = digits[n - 1 - i];
	ret[n] = '\0';
}

bool gas_price_from_u64(uint64_t v, struct gas_price *ret)
{
	if (v > GAS_PRICE_MAX)
		return false;
	ret->v = v;
	return true;
}

bool gas_price_add(struct gas_price a, struct gas_price b, struct gas_price *ret)
{
	return gas_price_from_u64(a.v + b.v, ret); /* two of at most 2^62 do not wrap */
}

bool gas_price_scale_ceil(struct gas_price a, uint32_t num, uint32_t den, struct gas_price *ret)
{
	u128 v = ((u128)a.v * num + den - 1) / den;

	return v <= GAS_PRICE_MAX && gas_price_from_u64((uint64_t)v, ret);
}

int gas_price_cmp(struct gas_price a, struct gas_price b)
{
	return cmp(a.v, b.v);
}

struct gas_price gas_price_min(struct gas_price a, struct gas_price b)
{
	return a.v < b.v ? a : b;
}

struct gas_price gas_price_max(struct gas_price a, struct gas_price b)
{
	return a.v > b.v ? a : b;
}

uint64_t gas_price_value(struct gas_price a)
{
	return a.v;
}

struct wei gas_cost(struct gas_price price, uint64_t gas)
{
	return narrow((u128)price.v * gas);
}

bool currency_parse(const char *text, struct currency *ret)
{
	struct currency c = { 0 };
	size_t n = strnlen(text, sizeof(c.s));

	if (n == 0 || n == sizeof(c.s) || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") != n)
		return false;
	memcpy(c.s, text, n);
	*ret = c;
	return true;
}

bool currency_equal(struct currency a, struct currency b)
{
	return strncmp(a.s, b.s, sizeof(a.s)) == 0;
}

bool ecash_make(uint64_t v, struct currency unit, struct ecash *ret)
{
	if (v > AMOUNT_MAX)
		return false;
	*ret = (struct ecash){ .v = v, .unit = unit };
	return true;
}

struct ecash ecash_zero(struct currency unit)
{
	return (struct ecash){ .unit = unit };
}

bool ecash_add(struct ecash a, struct ecash b, struct ecash *ret)
{
	uint64_t v;

	return currency_equal(a.unit, b.unit) && add(a.v, b.v, &v) && ecash_make(v, a.unit, ret);
}

bool ecash_sub(struct ecash a, struct ecash b, struct ecash *ret)
{
	uint64_t v;

	return currency_equal(a.unit, b.unit) && sub(a.v, b.v, &v) && ecash_make(v, a.unit, ret);
}

int ecash_cmp(struct ecash a, struct ecash b)
{
	assert(currency_equal(a.unit, b.unit));
	return cmp(a.v, b.v);
}

bool ecash_is_zero(struct ecash a)
{
	return a.v == 0;
}

uint64_t ecash_value(struct ecash a)
{
	return a.v;
}
