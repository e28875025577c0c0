/* base/clock.h - the one place where time is read, so that a test can own it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);  /* Unix time in ms; may jump */
int64_t clock_mono_us(void); /* never goes back; for durations */
#ifdef WALLETD_TEST_HOOKS
/* From now on clock_now_ms() answers this until called with -1. */
void clock_set_for_test(int64_t now_ms);
/* clock_mono_us() is so much further on; so is clock_now_ms() when it is set.  Timers that run do not know. */
void clock_pass_for_test(int64_t ms);
#endif

#endif
