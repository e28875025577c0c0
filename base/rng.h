/* base/rng.h - the one place where randomness is drawn, so that a test can own it. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

void rng_bytes(void *p, size_t n);
uint64_t rng_below(uint64_t n); /* uniform in 0 .. n-1; n > 0 */
#ifdef WALLETD_TEST_HOOKS
/* From now on a reproducible stream from this seed; 0 returns to the system's randomness. */
void rng_seed_for_test(uint64_t seed);
#endif

#endif
