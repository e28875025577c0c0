#include "base/backoff.h"

#include "base/rng.h"

#define EXPONENTIAL_MAX_MS (300 * 1000)

int64_t backoff_ms(uint32_t attempts)
{
	if (attempts >= 25) /* 25 squared passes 600 s */
		return 600 * 1000;
	return (int64_t)attempts * attempts * 1000;
}

int64_t backoff_exponential_cap_ms(uint32_t attempts)
{
	if (attempts == 0)
		return 0;
	if (attempts >= 10) /* 512 s pass 300 s */
		return EXPONENTIAL_MAX_MS;
	return INT64_C(1000) << (attempts - 1);
}

int64_t backoff_jittered_ms(int64_t cap_ms)
{
	int64_t least = cap_ms / 2;

	return least + (int64_t)rng_below((uint64_t)(cap_ms - least) + 1);
}
