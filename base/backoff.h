/* base/backoff.h - how long to wait before the next try. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

/* attempts squared seconds, at most 10 minutes; attempts counts from 1. */
int64_t backoff_ms(uint32_t attempts);

/* Where many rows fail at once and must not come back at once.  The cap: a second, doubled with each attempt, at most 5
 * minutes; attempts counts from 1.  The wait: anything from half the cap (not negative) to the cap, drawn anew each time. */
int64_t backoff_exponential_cap_ms(uint32_t attempts);
int64_t backoff_jittered_ms(int64_t cap_ms);

#endif
