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
