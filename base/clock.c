#include "base/clock.h"

#include <time.h>

#include "base/err.h"

#ifdef WALLETD_TEST_HOOKS
static int64_t test_now_ms = -1, test_passed_us;

void clock_set_for_test(int64_t now_ms)
{
	test_now_ms = now_ms;
}

void clock_pass_for_test(int64_t ms)
{
	test_passed_us += ms * 1000;
	if (test_now_ms >= 0)
		test_now_ms += ms;
}
#endif

static struct timespec read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		err_fatal("no clock");
	return t;
}

int64_t clock_now_ms(void)
{
	struct timespec t = read_clock(CLOCK_REALTIME);

#ifdef WALLETD_TEST_HOOKS
	if (test_now_ms >= 0)
		return test_now_ms;
#endif
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_us(void)
{
	struct timespec t = read_clock(CLOCK_MONOTONIC);
	int64_t us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;

#ifdef WALLETD_TEST_HOOKS
	us += test_passed_us;
#endif
	return us;
}
