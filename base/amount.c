#include "base/amount.h"

#include <assert.h>
#include <string.h>

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

int sat_cmp(struct sat a, struct sat b)
{
	return cmp(a.v, b.v);
}

__extension__ typedef unsigned __int128 u128; /* a number, no struct of ours */

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
