#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/net/loop.h"
#include "tests/support/suite.h"

static struct loop *loop;
static struct err err;

/* What ran, in order: each step appends its letter. */
static char trace[64];
static size_t trace_n;

struct step {
	char letter;
	int64_t hold_ms;
	bool hold_asleep;
	struct step *post, *unpost; /* to post, to take back */
	struct timer *start;
	int64_t start_ms;
	bool stop;
	uint64_t turn; /* it ran in */
	int64_t at_us;
};

static void hold(int64_t ms, bool asleep)
{
	int64_t until = clock_mono_us() + ms * 1000;

	if (asleep)
		usleep((useconds_t)ms * 1000);
	while (clock_mono_us() < until)
		;
}

static void run_step(void *arg)
{
	struct step *s = arg;

	ck_assert_uint_lt(trace_n, sizeof(trace) - 1);
	trace[trace_n++] = s->letter;
	s->turn = loop_turns(loop);
	s->at_us = clock_mono_us();
	hold(s->hold_ms, s->hold_asleep);
	if (s->post != NULL)
		loop_post(loop, run_step, s->post);
	if (s->unpost != NULL)
		loop_unpost(loop, run_step, s->unpost);
	if (s->start != NULL)
		timer_start(s->start, s->start_ms);
	if (s->stop)
		loop_stop(loop);
}

static void set_up(void)
{
	ck_assert_int_eq(loop_new(&loop, &err), 0);
	memset(trace, 0, sizeof(trace));
	trace_n = 0;
}

static void tear_down(void)
{
	loop_free(loop);
}

static void run(void)
{
	ck_assert_int_eq(loop_run(loop, &err), 0);
}

/* Let the loop go on for so long. */
static void run_for(int64_t ms)
{
	struct step end = { .letter = '.', .stop = true };
	struct timer *t = loop_timer(loop, run_step, &end);

	timer_start(t, ms);
	run();
	timer_free(t);
}

START_TEST(test_posts_run_in_order_and_once)
{
	struct step a = { .letter = 'a' }, b = { .letter = 'b' }, end = { .letter = '.', .stop = true };

	loop_post(loop, run_step, &a);
	loop_post(loop, run_step, &b);
	loop_post(loop, run_step, &a);
	loop_post(loop, run_step, &end);
	run();
	ck_assert_str_eq(trace, "aba.");
	ck_assert_uint_eq(loop_turns(loop), 1);
}
END_TEST

START_TEST(test_posts_of_an_event_run_in_its_turn)
{
	struct step end = { .letter = '.', .stop = true }, late = { .letter = 'l', .post = &end };
	struct step posted = { .letter = 'p' }, early = { .letter = 'e', .post = &posted };
	struct timer *first = loop_timer(loop, run_step, &early), *second = loop_timer(loop, run_step, &late);

	timer_start(first, 5);
	timer_start(second, 30);
	run();
	ck_assert_str_eq(trace, "epl.");
	ck_assert_uint_eq(posted.turn, early.turn);
	ck_assert_uint_lt(posted.turn, late.turn);
	timer_free(first);
	timer_free(second);
}
END_TEST

START_TEST(test_posts_of_a_post_run_next_turn)
{
	struct step end = { .letter = '.', .stop = true }, b = { .letter = 'b', .post = &end };
	struct step a = { .letter = 'a', .post = &b }, c = { .letter = 'c' };

	loop_post(loop, run_step, &a);
	loop_post(loop, run_step, &c);
	run();
	ck_assert_str_eq(trace, "acb.");
	ck_assert_uint_eq(c.turn, a.turn);
	ck_assert_uint_eq(b.turn, a.turn + 1);
}
END_TEST

static uint64_t spins;

static void spin(void *arg)
{
	spins++;
	loop_post(loop, spin, arg);
}

START_TEST(test_a_post_that_posts_itself_does_not_starve_timers)
{
	spins = 0;
	loop_post(loop, spin, NULL);
	run_for(20);
	ck_assert_str_eq(trace, ".");
	ck_assert_uint_gt(spins, 10);
}
END_TEST

START_TEST(test_a_timer_that_starts_itself_does_not_starve_posts)
{
	struct step end = { .letter = '.', .stop = true }, again = { .letter = 't', .post = &end };
	struct timer *t = loop_timer(loop, run_step, &again);

	again.start = t;
	timer_start(t, 0);
	run();
	ck_assert_str_eq(trace, "t.");
	timer_free(t);
}
END_TEST

START_TEST(test_unpost)
{
	struct step b = { .letter = 'b' }, c = { .letter = 'c' };
	struct step a = { .letter = 'a', .unpost = &b }, end = { .letter = '.', .stop = true };

	loop_post(loop, run_step, &c);
	loop_post(loop, run_step, &a);
	loop_post(loop, run_step, &b); /* taken back by a, in the same round */
	loop_post(loop, run_step, &c);
	loop_post(loop, run_step, &b);
	loop_post(loop, run_step, &end);
	loop_unpost(loop, run_step, &c); /* both, before they run */
	loop_unpost(loop, spin, &a);     /* another function: not this pair */
	run();
	ck_assert_str_eq(trace, "a.");
}
END_TEST

START_TEST(test_stop_ends_the_turn_and_run_can_go_on)
{
	struct step end = { .letter = '.', .stop = true }, next = { .letter = 'n', .post = &end };
	struct step stop = { .letter = 's', .stop = true, .post = &next }, rest = { .letter = 'r' };

	loop_post(loop, run_step, &stop);
	loop_post(loop, run_step, &rest);
	run();
	ck_assert_str_eq(trace, "sr");
	run();
	ck_assert_str_eq(trace, "srn.");
}
END_TEST

START_TEST(test_waiting_posts_die_with_the_loop)
{
	struct loop *other;
	struct step a = { .letter = 'a' };

	ck_assert_int_eq(loop_new(&other, &err), 0);
	for (int i = 0; i < 1000; i++)
		loop_post(other, run_step, &a);
	loop_free(other);
	loop_free(NULL);
	ck_assert_str_eq(trace, "");
}
END_TEST

START_TEST(test_timers_fire_in_order_and_once)
{
	struct step a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' };
	struct timer *ta = loop_timer(loop, run_step, &a), *tb = loop_timer(loop, run_step, &b);
	struct timer *tc = loop_timer(loop, run_step, &c);
	int64_t start = clock_mono_us();

	timer_start(tb, 20);
	timer_start(ta, 10);
	timer_start(tc, -5);
	ck_assert(timer_is_started(ta));
	run_for(60);
	ck_assert_str_eq(trace, "cab.");
	ck_assert_int_ge(a.at_us - start, 10000);
	ck_assert_int_ge(b.at_us - start, 20000);
	ck_assert(!timer_is_started(ta));
	timer_free(ta);
	timer_free(tb);
	timer_free(tc);
	timer_free(NULL);
}
END_TEST

START_TEST(test_stopped_and_restarted_timers)
{
	struct step a = { .letter = 'a' }, b = { .letter = 'b' };
	struct timer *ta = loop_timer(loop, run_step, &a), *tb = loop_timer(loop, run_step, &b);
	int64_t start = clock_mono_us();

	timer_stop(ta); /* not started: fine */
	timer_start(ta, 5);
	timer_stop(ta);
	ck_assert(!timer_is_started(ta));
	timer_start(tb, 5);
	timer_start(tb, 25); /* replaces */
	run_for(50);
	ck_assert_str_eq(trace, "b.");
	ck_assert_int_ge(b.at_us - start, 25000);
	timer_free(tb);
	timer_start(ta, 1);
	timer_free(ta);
	run_for(10);
	ck_assert_str_eq(trace, "b..");
}
END_TEST

START_TEST(test_a_timer_counts_from_when_it_was_started)
{
	struct step late = { .letter = 'l' };
	struct timer *second = loop_timer(loop, run_step, &late);
	struct step slow = { .letter = 's', .hold_ms = 40, .start = second, .start_ms = 30 };
	struct timer *first = loop_timer(loop, run_step, &slow);

	timer_start(first, 1);
	run_for(150);
	ck_assert_str_eq(trace, "sl.");
	ck_assert_int_ge(late.at_us - slow.at_us, 70000);
	timer_free(first);
	timer_free(second);
}
END_TEST

static unsigned beats;
static struct timer *beat_timer;

static void beat(void *ctx)
{
	(void)ctx;
	if (++beats < 3) {
		timer_start(beat_timer, 1);
		return;
	}
	timer_free(beat_timer);
	loop_stop(loop);
}

START_TEST(test_a_timer_may_restart_and_free_itself)
{
	beats = 0;
	beat_timer = loop_timer(loop, beat, NULL);
	timer_start(beat_timer, 1);
	run();
	ck_assert_uint_eq(beats, 3);
}
END_TEST

START_TEST(test_lag_of_posts_and_timers)
{
	struct step end = { .letter = '.', .stop = true }, post = { .letter = 'p', .hold_ms = 30, .hold_asleep = true };
	struct step fired = { .letter = 't', .hold_ms = 40, .hold_asleep = true, .post = &end };
	struct timer *t = loop_timer(loop, run_step, &fired);

	loop_post(loop, run_step, &post);
	loop_post(loop, run_step, &end);
	run();
	ck_assert_int_ge(loop_take_lag_us(loop), 30000);
	ck_assert_int_eq(loop_take_lag_us(loop), 0);
	timer_start(t, 1);
	run();
	ck_assert_int_ge(loop_take_lag_us(loop), 40000);
	timer_free(t);
}
END_TEST

START_TEST(test_waiting_is_no_lag)
{
	struct metric *lag = metric_duration("walletd_loop_lag_seconds", "", "");
	uint64_t before = metric_value(lag), turns = loop_turns(loop);

	run_for(300);
	ck_assert_int_lt(loop_take_lag_us(loop), 150000);
	ck_assert_uint_gt(loop_turns(loop), turns);
	ck_assert_uint_eq(metric_value(lag) - before, loop_turns(loop) - turns);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/net/loop");
	TCase *c = tcase_create("loop");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_posts_run_in_order_and_once);
	tcase_add_test(c, test_posts_of_an_event_run_in_its_turn);
	tcase_add_test(c, test_posts_of_a_post_run_next_turn);
	tcase_add_test(c, test_a_post_that_posts_itself_does_not_starve_timers);
	tcase_add_test(c, test_a_timer_that_starts_itself_does_not_starve_posts);
	tcase_add_test(c, test_unpost);
	tcase_add_test(c, test_stop_ends_the_turn_and_run_can_go_on);
	tcase_add_test(c, test_waiting_posts_die_with_the_loop);
	tcase_add_test(c, test_timers_fire_in_order_and_once);
	tcase_add_test(c, test_stopped_and_restarted_timers);
	tcase_add_test(c, test_a_timer_counts_from_when_it_was_started);
	tcase_add_test(c, test_a_timer_may_restart_and_free_itself);
	tcase_add_test(c, test_lag_of_posts_and_timers);
	tcase_add_test(c, test_waiting_is_no_lag);
	suite_add_tcase(s, c);
	return suite_run(s);
}
