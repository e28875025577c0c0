/* Breaker, chain and heads of spec/outbox.md 5.3, with no network and no clock. */
#include "outbox/endpoint_health.h"

#include <string.h>

#include "tests/support/suite.h"

#define OURS UINT64_C(31337)
#define UNIX INT64_C(1700000000000)

static struct health h;

static void setup(void)
{
	h = (struct health){
		.rules = { .chain_id = OURS,
			   .block_time_ms = 12000,
			   .verify_every_ms = 3600000,
			   .open_min_ms = 1000,
			   .open_max_ms = 60000 },
		.n = 3,
	};
}

static void verified(int64_t now)
{
	for (size_t i = 0; i < h.n; i++)
		ck_assert(health_told_chain(&h, i, OURS, now));
}

static void state_is(size_t i, int64_t now, enum endpoint_state want)
{
	ck_assert_msg(health_state(&h, i, now) == want, "endpoint %zu is %s, not %s", i,
		      endpoint_state_name(health_state(&h, i, now)), endpoint_state_name(want));
}

START_TEST(five_failures_in_a_row_open_the_breaker)
{
	verified(10);
	for (int k = 0; k < 4; k++)
		ck_assert(!health_failed(&h, 0, 0, 10));
	health_answered(&h, 0);
	for (int k = 0; k < 4; k++)
		ck_assert(!health_failed(&h, 0, 0, 10));
	state_is(0, 10, ENDPOINT_READY);
	ck_assert(health_failed(&h, 0, 0, 10));
	state_is(0, 10, ENDPOINT_OPEN);
	state_is(0, 1009, ENDPOINT_OPEN);
	ck_assert_int_eq(health_rank(&h, 0, true, 1009), -1);
	/* Closed again, it is asked for its chain id first. */
	state_is(0, 1010, ENDPOINT_NEW);
	ck_assert(health_is_unverified(&h, 0, 1010));
	ck_assert_int_eq(health_rank(&h, 0, false, 1010), 0);
	state_is(1, 10, ENDPOINT_READY);
}
END_TEST

START_TEST(the_breaker_opens_twice_as_long_each_time)
{
	static const int64_t rests[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	int64_t now = 5;

	verified(now);
	for (int k = 0; k < 4; k++)
		ck_assert(!health_failed(&h, 0, 0, now));
	for (size_t k = 0; k < ARRAY_LEN(rests); k++) {
		ck_assert(health_failed(&h, 0, 0, now));
		ck_assert_int_eq(h.e[0].open_until_ms - now, rests[k]);
		/* What was under way when it opened makes it no longer. */
		ck_assert(!health_failed(&h, 0, 0, now + 1));
		ck_assert_int_eq(h.e[0].open_until_ms - now, rests[k]);
		now = h.e[0].open_until_ms;
		/* To tell the chain id is not yet to work. */
		ck_assert(health_told_chain(&h, 0, OURS, now));
	}
	health_answered(&h, 0);
	ck_assert(!health_failed(&h, 0, 0, now));
}
END_TEST

START_TEST(retry_after_is_respected)
{
	verified(1);
	ck_assert(health_failed(&h, 0, 30, 1));
	ck_assert_int_eq(h.e[0].open_until_ms, 30001);
	ck_assert(health_failed(&h, 1, 86400, 1));
	ck_assert_int_eq(h.e[1].open_until_ms, 1 + ENDPOINT_REST_MAX_S * 1000);
	ck_assert(health_failed(&h, 2, 1, 1));
	ck_assert_int_eq(health_wait_ms(&h, 1), 1000);
	ck_assert_int_eq(health_wait_ms(&h, 1001), 0);
}
END_TEST

START_TEST(the_chain_is_verified_again)
{
	state_is(0, 7, ENDPOINT_NEW);
	verified(7);
	state_is(0, 7 + 3599999, ENDPOINT_READY);
	state_is(0, 7 + 3600000, ENDPOINT_NEW);
	ck_assert_int_eq(health_rank(&h, 0, false, 7 + 3600000), 0);
}
END_TEST

START_TEST(a_wrong_chain)
{
	verified(7);
	ck_assert(!health_told_chain(&h, 0, 1, 7));
	state_is(0, 7, ENDPOINT_WRONG);
	ck_assert_uint_eq(h.e[0].chain_id, 1);
	ck_assert_int_eq(health_rank(&h, 0, true, 7), -1);
	/* It is looked at again, when there is nothing better. */
	ck_assert_int_eq(health_rank(&h, 0, false, 60007), 3);
	ck_assert(!health_all_wrong(&h));
	ck_assert_int_eq(health_wait_ms(&h, 7), 0);
	ck_assert(!health_told_chain(&h, 1, 1, 7) && !health_told_chain(&h, 2, 1, 7));
	ck_assert(health_all_wrong(&h));
	ck_assert_int_eq(health_wait_ms(&h, 7), 60000);
	ck_assert(health_told_chain(&h, 0, OURS, 60007));
	state_is(0, 60007, ENDPOINT_READY);
}
END_TEST

START_TEST(verified_while_it_opened)
{
	verified(1);
	ck_assert(health_failed(&h, 0, 1, 1));
	ck_assert(health_told_chain(&h, 0, OURS, 2));
	state_is(0, 2000, ENDPOINT_NEW);
}
END_TEST

static void head(size_t i, uint64_t number, int64_t age_ms)
{
	ck_assert(!health_saw_head(&h, i, number, (uint64_t)(UNIX - age_ms) / 1000, UNIX));
}

START_TEST(an_old_head)
{
	verified(1);
	head(0, 100, 120000);
	state_is(0, 1, ENDPOINT_READY);
	head(0, 100, 121000);
	state_is(0, 1, ENDPOINT_STALE);
	ck_assert_int_eq(health_rank(&h, 0, false, 1), 1);
	h.rules.block_time_ms = 250; /* never before a minute */
	head(0, 100, 60000);
	state_is(0, 1, ENDPOINT_READY);
	head(0, 100, 61000);
	state_is(0, 1, ENDPOINT_STALE);
	ck_assert(!health_saw_head(&h, 0, 101, UINT64_MAX, UNIX));
	state_is(0, 1, ENDPOINT_READY);
}
END_TEST

START_TEST(a_head_below_the_best)
{
	verified(1);
	head(0, 100, 0);
	head(1, 106, 0);
	state_is(0, 1, ENDPOINT_READY); /* as it was when it told */
	head(0, 101, 0);
	state_is(0, 1, ENDPOINT_READY);
	head(0, 100, 0);
	state_is(0, 1, ENDPOINT_LAGS);
	ck_assert_int_eq(health_rank(&h, 0, false, 1), -1);
	ck_assert_int_eq(health_rank(&h, 0, true, 1), 2);
	ck_assert_int_eq(health_rank(&h, 2, false, 1), 0); /* no head is told yet */
	ck_assert_int_eq(health_wait_ms(&h, 1), 0);
	ck_assert(health_failed(&h, 1, 3, 1) && health_failed(&h, 2, 2, 1));
	ck_assert_int_eq(health_wait_ms(&h, 1), 2000);
	/* The word of one that is out does not count. */
	ck_assert(!health_told_chain(&h, 1, 1, 1));
	head(0, 100, 0);
	state_is(0, 1, ENDPOINT_READY);
}
END_TEST

START_TEST(a_head_that_falls)
{
	verified(1);
	head(0, 1000, 0);
	head(0, 1000 - ENDPOINT_REORG, 0);
	state_is(0, 1, ENDPOINT_READY);
	ck_assert(health_saw_head(&h, 0, 999 - 2 * ENDPOINT_REORG, UNIX / 1000, UNIX));
	state_is(0, 1, ENDPOINT_LIES);
	ck_assert_int_eq(health_rank(&h, 0, true, 1), -1);
	/* Told once. */
	ck_assert(!health_saw_head(&h, 0, 1, UNIX / 1000, UNIX));
	state_is(0, 1, ENDPOINT_LIES);
}
END_TEST

static const struct hash32 a = { { 0xaa } }, b = { { 0xbb } };

START_TEST(a_finalised_block_that_changes)
{
	verified(1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 10, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 10, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 11, &b), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 10, &b), 1);
	state_is(1, 1, ENDPOINT_LIES);
	/* What it said before is not held against the others, nor what it says now. */
	ck_assert_int_eq(health_saw_finalized(&h, 2, 10, &b), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 10, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 2, 10, &b), -1);
	state_is(2, 1, ENDPOINT_READY);
}
END_TEST

START_TEST(two_that_differ)
{
	verified(1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 10, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 2, 10, &b), 2);
	ck_assert_int_eq(health_saw_finalized(&h, 0, 10, &b), 1);
	state_is(0, 1, ENDPOINT_READY);
	state_is(1, 1, ENDPOINT_LIES);
	state_is(2, 1, ENDPOINT_LIES);
	ck_assert_int_eq(health_wait_ms(&h, 1), 0);
	ck_assert_int_eq(health_saw_finalized(&h, 0, 10, &a), 0);
	ck_assert_int_eq(health_wait_ms(&h, 1), -1);
}
END_TEST

START_TEST(one_that_agreed_before)
{
	verified(1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 10, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 0, 10, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 0, 10, &b), 0);
	state_is(1, 1, ENDPOINT_READY);
}
END_TEST

START_TEST(old_finalised_blocks_are_forgotten)
{
	verified(1);
	ck_assert_int_eq(health_saw_finalized(&h, 0, 1, &a), -1);
	for (uint64_t n = 2; n <= FINALIZED_KEPT; n++)
		ck_assert_int_eq(health_saw_finalized(&h, 0, n, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 1, 1, &b), 1);
	ck_assert_int_eq(health_saw_finalized(&h, 0, FINALIZED_KEPT + 1, &a), -1);
	ck_assert_int_eq(health_saw_finalized(&h, 2, 1, &b), -1);
	state_is(2, 1, ENDPOINT_READY);
}
END_TEST

START_TEST(states_have_names)
{
	for (int s = ENDPOINT_NEW; s <= ENDPOINT_LIES; s++)
		for (int t = ENDPOINT_NEW; t < s; t++)
			ck_assert_str_ne(endpoint_state_name((enum endpoint_state)s),
					 endpoint_state_name((enum endpoint_state)t));
	ck_assert_str_eq(endpoint_state_name(ENDPOINT_WRONG), "wrong_chain");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/endpoint_health");
	TCase *c = tcase_create("health");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, five_failures_in_a_row_open_the_breaker);
	tcase_add_test(c, the_breaker_opens_twice_as_long_each_time);
	tcase_add_test(c, retry_after_is_respected);
	tcase_add_test(c, the_chain_is_verified_again);
	tcase_add_test(c, a_wrong_chain);
	tcase_add_test(c, verified_while_it_opened);
	tcase_add_test(c, an_old_head);
	tcase_add_test(c, a_head_below_the_best);
	tcase_add_test(c, a_head_that_falls);
	tcase_add_test(c, a_finalised_block_that_changes);
	tcase_add_test(c, two_that_differ);
	tcase_add_test(c, one_that_agreed_before);
	tcase_add_test(c, old_finalised_blocks_are_forgotten);
	tcase_add_test(c, states_have_names);
	suite_add_tcase(s, c);
	return suite_run(s);
}
