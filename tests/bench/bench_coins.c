/* Coin selection among 100,000 coins: the promise is less than 50 ms for each.  Against sorting that many, which is most of
 * it. */
#include <stdlib.h>

#include "base/rng.h"
#include "rails/bitcoin/coinselect.h"
#include "tests/bench/bench.h"

#define COINS        100000u
#define INPUT_WEIGHT 230

static struct coin coins[COINS];

static void prepare(void)
{
	for (unsigned i = 0; i < COINS; i++)
		coins[i] = (struct coin){ { 1000 + rng_below(10000000) }, { INPUT_WEIGHT } };
}

static double selections(unsigned sats)
{
	struct coin_target t = { .amount = { sats },
				 .fixed = { 214 },
				 .rate = { 2500 },
				 .long_term = { 1250 },
				 .change_output = { 172 },
				 .change_spend = { INPUT_WEIGHT },
				 .change_min = { 330 },
				 .max_weight = { 400000 } };
	double began = bench_now(), took = 0;
	unsigned n = 0;

	while (took < BENCH_SECONDS) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
		struct coin_choice c;
		struct err err;

		t.amount.v++;
		bench_must(coinselect(&a, coins, COINS, &t, &c, &err), &err);
		n++;
		took = bench_now() - began;
	}
	return n / took;
}

static int by_value(const void *a, const void *b)
{
	const struct coin *x = a, *y = b;

	return sat_cmp(y->value, x->value);
}

static double sorts(unsigned unused)
{
	static struct coin copy[COINS];
	double began = bench_now(), took = 0;
	unsigned n = 0;

	(void)unused;
	while (took < BENCH_SECONDS) {
		for (unsigned i = 0; i < COINS; i++)
			copy[i] = coins[i];
		qsort(copy, COINS, sizeof(*copy), by_value);
		n++;
		took = bench_now() - began;
	}
	return n / took;
}

int main(void)
{
	static const struct bench_case cases[] = {
		{ "sorting the coins alone", "sorts/s", sorts, 0 },
		{ "0.001 BTC", "selections/s", selections, 100000 },
		{ "1 BTC, from many coins", "selections/s", selections, 100000000 },
		{ "40 BTC, from hundreds", "selections/s", selections, 4000000000u },
	};
	double slowest;

	bench_begin();
	prepare();
	bench_compare("coin selection among 100,000 coins", cases, ARRAY_LEN(cases));
	slowest = 1000 / selections(100000);
	bench_note("one selection takes %.1f ms; 50 are promised", slowest);
	bench_end();
	return slowest < 50 ? 0 : 1;
}
