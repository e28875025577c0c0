/* daemon/tasks.c and signals.c, on a loop of their own. */
#include "daemon/tasks.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/signals.h"
#include "tests/support/suite.h"

static struct loop *loop;
static struct tasks *tasks;
static struct err err;

static void set_up(void)
{
	ck_assert_int_eq(loop_new(&loop, &err), 0);
	tasks = tasks_new(loop);
}

static void tear_down(void)
{
	tasks_free(tasks);
	loop_free(loop);
}

struct worker {
	unsigned runs, stop_after;
	bool fails;
	struct task *kick; /* during a run */
};

static int work(void *ctx, struct err *e)
{
	struct worker *w = ctx;

	if (++w->runs == w->stop_after)
		loop_stop(loop);
	if (w->kick)
		task_kick(w->kick);
	if (w->fails)
		return ERR(e, ERR_STORAGE, "no luck %u", w->runs);
	return 0;
}

static void report(void *ctx, struct task_report *r)
{
	const struct worker *w = ctx;

	r->backlog = w->runs * 10;
}

static const struct task_def quick = { .name = "quick", .interval_ms = 1, .run = work, .report = report };
static const struct task_def slow = { .name = "slow", .interval_ms = 3600000, .run = work };

static json_t *row(struct arena *a, size_t i)
{
	json_t *o = json_array_get(tasks_json(tasks, a), i);

	ck_assert_ptr_nonnull(o);
	return o;
}

START_TEST(test_interval_and_report)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(65536);
	struct worker w = { .stop_after = 3 };
	json_t *o;

	tasks_add(tasks, &quick, &w, 0);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(w.runs, 3);
	o = row(&a, 0);
	ck_assert_str_eq(json_string_value(json_object_get(o, "name")), "quick");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "interval_ms")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "runs")), 3);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "failures")), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "backlog")), 30);
	ck_assert(json_is_null(json_object_get(o, "last_error")));
	ck_assert_int_gt(json_integer_value(json_object_get(o, "last_success_ms")), 0);
	ck_assert_int_gt(json_integer_value(json_object_get(o, "last_run_ms")), 0);
}
END_TEST

START_TEST(test_failure_is_shown_until_it_passes)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(65536);
	struct worker w = { .stop_after = 2, .fails = true };

	tasks_add(tasks, &quick, &w, 0);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row(&a, 0), "last_error")), "no luck 2");
	ck_assert_int_eq(json_integer_value(json_object_get(row(&a, 0), "failures")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(row(&a, 0), "last_success_ms")), 0);
	w.fails = false;
	w.stop_after = 3;
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert(json_is_null(json_object_get(row(&a, 0), "last_error")));
	ck_assert_int_eq(json_integer_value(json_object_get(row(&a, 0), "failures")), 2);
}
END_TEST

/* A kick brings the next run forward, once however often it comes; and one task may kick another, or itself. */
START_TEST(test_kick)
{
	struct worker w = { .stop_after = 1 }, other = { .stop_after = 1 };
	struct task *t = tasks_add(tasks, &slow, &w, 3600000);

	task_kick(t);
	task_kick(t);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(w.runs, 1);
	tasks_add(tasks, &slow, &other, 0);
	other.kick = t;
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(other.runs, 1);
	ck_assert_uint_eq(w.runs, 2);
	w.kick = t;
	w.stop_after = 4;
	task_kick(t);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(w.runs, 4);
}
END_TEST

static void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

START_TEST(test_stop)
{
	struct worker w = { 0 };
	struct task *t = tasks_add(tasks, &quick, &w, 0);
	struct timer *end = loop_timer(loop, stop_loop, loop);

	tasks_stop(tasks);
	task_kick(t);
	timer_start(end, 20);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(w.runs, 0);
	timer_free(end);
}
END_TEST

static unsigned stops, reloads, dumps;

static void on_stop(void *ctx)
{
	(void)ctx;
	stops++;
	if (stops + reloads + dumps == 4)
		loop_stop(loop);
}

static void on_reload(void *ctx)
{
	(void)ctx;
	reloads++;
	if (stops + reloads + dumps == 4)
		loop_stop(loop);
}

static void on_dump(void *ctx)
{
	(void)ctx;
	dumps++;
	if (stops + reloads + dumps == 4)
		loop_stop(loop);
}

START_TEST(test_signals)
{
	struct signals *s;
	struct timer *end = loop_timer(loop, stop_loop, loop);

	ck_assert_int_eq(signals_new(loop, &(struct signals_hooks){ on_stop, on_reload, on_dump, NULL }, &s, &err), 0);
	raise(SIGTERM);
	raise(SIGINT);
	raise(SIGHUP);
	raise(SIGUSR1);
	raise(SIGPIPE); /* ignored, or this process would be gone */
	timer_start(end, 5000);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(stops, 2);
	ck_assert_uint_eq(reloads, 1);
	ck_assert_uint_eq(dumps, 1);
	signals_free(s);
	timer_free(end);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tasks");
	TCase *t = tcase_create("tasks");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_interval_and_report);
	tcase_add_test(t, test_failure_is_shown_until_it_passes);
	tcase_add_test(t, test_kick);
	tcase_add_test(t, test_stop);
	tcase_add_test(t, test_signals);
	suite_add_tcase(s, t);
	return suite_run(s);
}
