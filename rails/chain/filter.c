#include "rails/chain/filter.h"

#include <stdlib.h>

#include "base/hash.h"
#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/script.h"

#define REFUSE(err, ...) ERR((err), ERR_PEER_INVALID, __VA_ARGS__)

__extension__ typedef unsigned __int128 u128;

/* --- bits, the highest of a byte first --- */

struct bits {
	struct bytes v;
	size_t at; /* in bits */
	bool failed;
};

static unsigned next_bit(struct bits *b)
{
	unsigned bit;

	if (b->at / 8 >= b->v.n) {
		b->failed = true;
		return 0;
	}
	bit = (unsigned)b->v.p[b->at / 8] >> (7 - b->at % 8) & 1u;
	b->at++;
	return bit;
}

/* A quotient in unary, then the low FILTER_P bits. */
static uint64_t next_delta(struct bits *b)
{
	uint64_t v = 0;

	while (next_bit(b) == 1)
		v++;
	for (unsigned i = 0; i < FILTER_P; i++)
		v = v << 1 | next_bit(b);
	return v;
}

/* --- what scripts hash to --- */

/* Evenly over 0 … range - 1. */
static uint64_t place_of(const struct block_hash *block, struct bytes script, uint64_t range)
{
	return (uint64_t)((u128)siphash(block->b, script) * range >> 64);
}

static bool is_left_out(struct bytes script)
{
	return script.n == 0 || script.p[0] == OP_RETURN;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* How many there are. */
static size_t places_of(const struct block_hash *block, const struct bytes *scripts, size_t n, uint64_t range,
			uint64_t *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_left_out(scripts[i]))
			ret[count++] = place_of(block, scripts[i], range);
	qsort(ret, count, sizeof(*ret), by_value);
	return count;
}

/* Both lists rise. */
static bool meet(struct bits *b, uint64_t n_items, const uint64_t *wanted, size_t n)
{
	uint64_t item = 0;
	size_t k = 0;

	for (uint64_t i = 0; i < n_items && !b->failed; i++) {
		item += next_delta(b);
		while (k < n && wanted[k] < item)
			k++;
		if (k == n)
			return false;
		if (!b->failed && wanted[k] == item)
			return true;
	}
	return false;
}

int filter_match_any(struct arena *a, struct bytes filter, const struct block_hash *block, const struct bytes *scripts,
		     size_t n, bool *ret, struct err *err)
{
	struct reader r = reader_of(filter);
	uint64_t n_items = read_compact(&r);
	struct bits b = { .v = { r.p, r.n } };
	uint64_t *wanted;
	size_t count;

	/* Each item takes FILTER_P + 1 bits, at least. */
	if (!reader_ok(&r) || n_items > (uint64_t)r.n * 8 / (FILTER_P + 1) || (n_items == 0 && r.n > 0))
		return REFUSE(err, "a block filter of %zu bytes that claims too much", filter.n);
	if (!arena_room(a, (n + 1) * sizeof(*wanted)))
		return REFUSE(err, "no room to match %zu scripts", n);
	wanted = ARENA_ARRAY(a, n, uint64_t);
	count = places_of(block, scripts, n, n_items * FILTER_M, wanted);
	*ret = meet(&b, n_items, wanted, count);
	if (b.failed)
		return REFUSE(err, "a block filter ends too early");
	return 0;
}
