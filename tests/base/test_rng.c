#include "base/rng.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "tests/support/suite.h"

static void system_randomness(void)
{
	rng_seed_for_test(0);
}

START_TEST(draws_differ)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 }, none[32] = { 0 };

	rng_bytes(a, sizeof(a));
	rng_bytes(b, sizeof(b));
	ck_assert_mem_ne(a, b, sizeof(a));
	ck_assert_mem_ne(a, none, sizeof(a));
}
END_TEST

START_TEST(draw_touches_no_more_than_asked)
{
	uint8_t b[34] = { 0 };

	b[0] = b[33] = 0xaa;
	rng_bytes(b + 1, 32);
	ck_assert_uint_eq(b[0], 0xaa);
	ck_assert_uint_eq(b[33], 0xaa);
}
END_TEST

/* Two processes with one history must not draw the same nonce. */
START_TEST(draws_differ_after_fork)
{
	uint8_t mine[32], theirs[32];
	int pipe_fd[2], status;
	pid_t pid;

	rng_bytes(mine, sizeof(mine));
	ck_assert_int_eq(pipe(pipe_fd), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	rng_bytes(mine, sizeof(mine));
	if (pid == 0)
		_exit(write(pipe_fd[1], mine, sizeof(mine)) == (ssize_t)sizeof(mine) ? 0 : 1);
	ck_assert_int_eq(read(pipe_fd[0], theirs, sizeof(theirs)), (ssize_t)sizeof(theirs));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_mem_ne(mine, theirs, sizeof(mine));
	ck_assert_int_eq(close(pipe_fd[0]), 0);
	ck_assert_int_eq(close(pipe_fd[1]), 0);
}
END_TEST

START_TEST(seeded_stream_replays)
{
	uint8_t first[3][40], again[3][40];

	rng_seed_for_test(99);
	for (int i = 0; i < 3; i++)
		rng_bytes(first[i], sizeof(first[i]));
	rng_seed_for_test(99);
	for (int i = 0; i < 3; i++)
		rng_bytes(again[i], sizeof(again[i]));
	ck_assert_mem_eq(first, again, sizeof(first));
	ck_assert_mem_ne(first[0], first[1], sizeof(first[0]));
	ck_assert_mem_ne(first[1], first[2], sizeof(first[0]));
	rng_seed_for_test(100);
	rng_bytes(again[0], sizeof(again[0]));
	ck_assert_mem_ne(first[0], again[0], sizeof(first[0]));
}
END_TEST

START_TEST(seed_0_returns_to_the_system)
{
	uint8_t a[32], b[32];

	rng_seed_for_test(0);
	rng_bytes(a, sizeof(a));
	rng_seed_for_test(0);
	rng_bytes(b, sizeof(b));
	ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

static const uint64_t bounds[] = {
	1, 2, 3, 10, 1000, UINT32_MAX, (uint64_t)UINT32_MAX + 2, (1ull << 63) + 1, UINT64_MAX
};

START_TEST(below_stays_below)
{
	rng_seed_for_test(1);
	for (int i = 0; i < 200; i++)
		ck_assert_uint_lt(rng_below(bounds[_i]), bounds[_i]);
}
END_TEST

START_TEST(below_is_even)
{
	unsigned seen[6] = { 0 };

	rng_seed_for_test(5);
	for (int i = 0; i < 6000; i++)
		seen[rng_below(6)]++;
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) { /* 1000 each; six standard deviations are 173 */
		ck_assert_uint_gt(seen[i], 827);
		ck_assert_uint_lt(seen[i], 1173);
	}
}
END_TEST

/* With a plain remainder, values below 2^62 would come up in half of all draws, not in a third. */
START_TEST(below_is_even_for_large_bounds)
{
	uint64_t n = 3ull << 62;
	unsigned low = 0;

	rng_seed_for_test(6);
	for (int i = 0; i < 6000; i++)
		low += rng_below(n) < 1ull << 62;
	ck_assert_uint_gt(low, 1780);
	ck_assert_uint_lt(low, 2220);
}
END_TEST

static void below_nothing(void)
{
	(void)rng_below(0);
}

START_TEST(below_0_aborts)
{
	ck_assert_int_eq(suite_signal_of(below_nothing), SIGABRT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/rng");
	TCase *t = tcase_create("randomness");

	tcase_add_checked_fixture(t, system_randomness, system_randomness);
	tcase_add_test(t, draws_differ);
	tcase_add_test(t, draw_touches_no_more_than_asked);
	tcase_add_test(t, draws_differ_after_fork);
	tcase_add_test(t, seeded_stream_replays);
	tcase_add_test(t, seed_0_returns_to_the_system);
	tcase_add_loop_test(t, below_stays_below, 0, ARRAY_LEN(bounds));
	tcase_add_test(t, below_is_even);
	tcase_add_test(t, below_is_even_for_large_bounds);
	tcase_add_test(t, below_0_aborts);
	suite_add_tcase(s, t);
	return suite_run(s);
}
