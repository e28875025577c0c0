#include "actions/waiters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct loop *loop;
static struct waiters *waiters;
static struct timer *stop;
static struct err e, *err = &e;
static char told[200];

static void stop_now(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void setup(void)
{
	OK(loop_new(&loop, err));
	waiters = waiters_new(loop);
	stop = loop_timer(loop, stop_now, NULL);
}

static void teardown(void)
{
	waiters_free(waiters);
	timer_free(stop);
	loop_free(loop);
}

static void run_ms(int64_t ms)
{
	timer_start(stop, ms);
	OK(loop_run(loop, err));
}

static void done(void *ctx, bool timed_out)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof(told) - n, "%s%s ", (const char *)ctx, timed_out ? ":late" : "");
}

static struct action_id id_of(const char *text)
{
	struct action_id id;

	ck_assert(action_id_parse(text, &id));
	return id;
}

static struct waiter *add(const char *id, bool until_done, int64_t timeout_ms, const char *name)
{
	struct action_id a = id_of(id);

	return waiters_add(waiters, &a, until_done, timeout_ms, done, (void *)name);
}

static void tell(const char *id, bool ended)
{
	struct action_id a = id_of(id);

	waiters_tell(waiters, &a, ended);
	ck_assert_str_eq(told, ""); /* never from inside */
	run_ms(0);
}

START_TEST(a_park_tells_those_who_wait_for_it)
{
	add("a", false, 1000, "a park");
	add("a", true, 1000, "a end");
	add("b", false, 1000, "b park");
	ck_assert_uint_eq(waiters_count(waiters), 3);
	tell("a", false);
	ck_assert_str_eq(told, "a park ");
	ck_assert_uint_eq(waiters_count(waiters), 2);
}
END_TEST

START_TEST(an_end_tells_all)
{
	add("a", false, 1000, "park");
	add("a", true, 1000, "end");
	add("b", true, 1000, "b");
	tell("a", true);
	ck_assert_ptr_nonnull(strstr(told, "park "));
	ck_assert_ptr_nonnull(strstr(told, "end "));
	ck_assert_uint_eq(strlen(told), strlen("park end "));
}
END_TEST

START_TEST(each_is_told_once)
{
	struct action_id a = id_of("a");

	add("a", false, 1, "x");
	waiters_tell(waiters, &a, false);
	waiters_tell(waiters, &a, true);
	run_ms(20); /* its deadline passes as well */
	ck_assert_str_eq(told, "x ");
}
END_TEST

START_TEST(the_deadline_tells_who_is_late)
{
	add("a", true, 1, "x");
	add("a", true, 60000, "y");
	run_ms(20);
	ck_assert_str_eq(told, "x:late ");
	ck_assert_uint_eq(waiters_count(waiters), 1);
}
END_TEST

START_TEST(who_leaves_is_not_told)
{
	struct waiter *x = add("a", true, 1, "x"), *y = add("a", true, 1000, "y");
	struct action_id a = id_of("a");

	add("a", true, 1000, "z");
	waiters_tell(waiters, &a, true);
	waiter_cancel(y); /* told already, and not yet called */
	waiter_cancel(x);
	run_ms(20);
	ck_assert_str_eq(told, "z ");
}
END_TEST

START_TEST(the_end_of_all_tells_nobody)
{
	struct action_id a = id_of("a");

	add("a", true, 1, "x");
	add("b", true, 1, "y");
	waiters_tell(waiters, &a, true);
	waiters_free(waiters);
	waiters = NULL;
	run_ms(20);
	ck_assert_str_eq(told, "");
}
END_TEST

static void add_again(void *ctx, bool timed_out)
{
	done(ctx, timed_out);
	add("a", true, 1000, "again");
}

START_TEST(a_callback_may_wait_again)
{
	struct action_id a = id_of("a");

	waiters_add(waiters, &a, true, 1000, add_again, (void *)"first");
	tell("a", true);
	ck_assert_str_eq(told, "first ");
	told[0] = '\0';
	tell("a", true);
	ck_assert_str_eq(told, "again ");
}
END_TEST

static void see(void *ctx, const struct action_id *id)
{
	size_t n = strlen(told);

	(void)ctx;
	snprintf(told + n, sizeof(told) - n, "%s ", id->s);
}

START_TEST(each_is_seen)
{
	add("a", true, 1000, "");
	add("b", false, 1000, "");
	add("a", false, 1000, "");
	waiters_each(waiters, see, NULL);
	ck_assert_str_eq(told, "a b a ");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/waiters");
	TCase *tc = tcase_create("waiters");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_park_tells_those_who_wait_for_it);
	tcase_add_test(tc, an_end_tells_all);
	tcase_add_test(tc, each_is_told_once);
	tcase_add_test(tc, the_deadline_tells_who_is_late);
	tcase_add_test(tc, who_leaves_is_not_told);
	tcase_add_test(tc, the_end_of_all_tells_nobody);
	tcase_add_test(tc, a_callback_may_wait_again);
	tcase_add_test(tc, each_is_seen);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
