#include "base/clock.h"

#include <time.h>

#include "tests/support/suite.h"

START_TEST(now_is_unix_time)
{
	int64_t before_s = time(NULL), now_ms = clock_now_ms(), after_s = time(NULL);

	ck_assert_int_ge(now_ms, (before_s - 1) * 1000); /* time() may read a coarser clock */
	ck_assert_int_lt(now_ms, (after_s + 2) * 1000);
}
END_TEST

START_TEST(test_owns_the_time)
{
	clock_set_for_test(0);
	ck_assert_int_eq(clock_now_ms(), 0);
	clock_set_for_test(1234567890123);
	ck_assert_int_eq(clock_now_ms(), 1234567890123);
	ck_assert_int_eq(clock_now_ms(), 1234567890123);
	clock_set_for_test(-1);
	ck_assert_int_gt(clock_now_ms(), 1234567890123);
}
END_TEST

START_TEST(test_lets_time_pass)
{
	int64_t now_ms = clock_now_ms(), start = clock_mono_us();

	clock_pass_for_test(3600 * 1000);
	ck_assert_int_ge(clock_mono_us() - start, INT64_C(3600) * 1000000);
	ck_assert_int_lt(clock_now_ms() - now_ms, 60 * 1000); /* nobody owns that one */
	clock_set_for_test(1000);
	clock_pass_for_test(500);
	ck_assert_int_eq(clock_now_ms(), 1500);
	clock_set_for_test(-1);
}
END_TEST

START_TEST(durations_never_go_back_and_count_microseconds)
{
	const struct timespec nap = { .tv_nsec = 5 * 1000 * 1000 };
	int64_t start = clock_mono_us(), last = start;

	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_mono_us();

		ck_assert_int_ge(now, last);
		last = now;
	}
	ck_assert_int_eq(nanosleep(&nap, NULL), 0);
	ck_assert_int_ge(clock_mono_us() - start, 5000);
	ck_assert_int_lt(clock_mono_us() - start, 60 * 1000000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/clock");
	TCase *t = tcase_create("time");

	tcase_add_test(t, now_is_unix_time);
	tcase_add_test(t, test_owns_the_time);
	tcase_add_test(t, test_lets_time_pass);
	tcase_add_test(t, durations_never_go_back_and_count_microseconds);
	suite_add_tcase(s, t);
	return suite_run(s);
}
