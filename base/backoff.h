/* base/backoff.h - how long to wait before the next try. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

/* attempts squared seconds, at most 10 minutes; attempts counts from 1. */
int64_t backoff_ms(uint32_t attempts);

#endif
