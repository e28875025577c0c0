#include "base/rng.h"

#include <assert.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#ifdef WALLETD_TEST_HOOKS
/* A test's stream: each draw is keyed by the seed and by how many draws came before. */
static uint64_t test_seed, test_draws;

void rng_seed_for_test(uint64_t seed)
{
	test_seed = seed;
	test_draws = 0;
}

static bool draw_for_test(void *p, size_t n)
{
	unsigned char key[randombytes_SEEDBYTES] = { 0 };

	if (test_seed == 0)
		return false;
	memcpy(key, &test_seed, sizeof(test_seed));
	memcpy(key + sizeof(test_seed), &test_draws, sizeof(test_draws));
	test_draws++;
	randombytes_buf_deterministic(p, n, key);
	return true;
}
#endif

void rng_bytes(void *p, size_t n)
{
#ifdef WALLETD_TEST_HOOKS
	if (draw_for_test(p, n))
		return;
#endif
	randombytes_buf(p, n); /* getrandom(2) */
}

uint64_t rng_below(uint64_t n)
{
	uint64_t v, skip;

	assert(n > 0);
	skip = (0 - n) % n; /* 2^64 mod n: without the lowest so many values, each remainder is as likely */
	do
		rng_bytes(&v, sizeof(v));
	while (v < skip);
	return v % n;
}
