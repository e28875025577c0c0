#include "daemon/tasks.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

struct task {
	const struct task_def *def;
	void *ctx;
	struct tasks *tasks;
	struct timer *timer;
	uint64_t runs, failures;
	int64_t last_run_ms, last_success_ms;
	struct err last_error;
	struct metric *m_runs, *m_failures, *m_success;
	struct task *next;
};

struct tasks {
	struct loop *loop;
	struct log log;
	struct task *first, **tail;
	bool stopped;
};

struct tasks *tasks_new(struct loop *loop)
{
	struct tasks *ts = calloc(1, sizeof(*ts));

	if (!ts)
		abort();
	ts->loop = loop;
	ts->log = log_module("tasks");
	ts->tail = &ts->first;
	return ts;
}

static void note_result(struct task *t, const struct err *failure)
{
	if (!failure) {
		t->last_success_ms = clock_now_ms();
		err_clear(&t->last_error);
		metric_set(t->m_success, t->last_success_ms / 1000);
		return;
	}
	t->failures++;
	metric_inc(t->m_failures);
	/* A trouble that stays is told once; status goes on showing it. */
	if (t->last_error.code != failure->code)
		LOG_AT(&t->tasks->log, failure->class == ERR_STORE || failure->class == ERR_BUG ? LOG_ERROR : LOG_WARN,
		       "task.failed", F_STR("task", t->def->name), F_ERR(failure), F_STR("hint", failure->hint));
	t->last_error = *failure;
}

static void run(void *ctx)
{
	struct task *t = ctx;
	struct err err;

	if (t->tasks->stopped)
		return;
	err_clear(&err);
	t->runs++;
	t->last_run_ms = clock_now_ms();
	metric_inc(t->m_runs);
	/* Before the run, so that it may ask for an earlier one. */
	timer_start(t->timer, t->def->interval_ms);
	note_result(t, t->def->run(t->ctx, &err) == 0 ? NULL : &err);
}

struct task *tasks_add(struct tasks *ts, const struct task_def *def, void *ctx, int64_t first_ms)
{
	struct task *t = calloc(1, sizeof(*t));
	char label[64];

	if (!t)
		abort();
	t->def = def;
	t->ctx = ctx;
	t->tasks = ts;
	err_clear(&t->last_error);
	snprintf(label, sizeof(label), "task=\"%s\"", def->name);
	t->m_runs = metric_counter("walletd_task_runs_total", label, "Runs of each background task.");
	t->m_failures = metric_counter("walletd_task_failures_total", label, "Runs that failed.");
	t->m_success = metric_gauge("walletd_task_last_success_timestamp_seconds", label, "When it last went well.");
	t->timer = loop_timer(ts->loop, run, t);
	timer_start(t->timer, first_ms);
	*ts->tail = t;
	ts->tail = &t->next;
	return t;
}

void task_kick(struct task *t)
{
	loop_unpost(t->tasks->loop, run, t);
	loop_post(t->tasks->loop, run, t);
}

void tasks_stop(struct tasks *ts)
{
	ts->stopped = true;
	for (struct task *t = ts->first; t; t = t->next)
		timer_stop(t->timer);
}

void tasks_free(struct tasks *ts)
{
	struct task *t, *next;

	if (!ts)
		return;
	for (t = ts->first; t; t = next) {
		next = t->next;
		loop_unpost(ts->loop, run, t);
		timer_free(t->timer);
		free(t);
	}
	free(ts);
}

static struct task_report report_of(const struct task *t)
{
	struct task_report r = { t->failures, 0, t->last_success_ms, t->last_error };

	if (t->def->report)
		t->def->report(t->ctx, &r);
	return r;
}

void tasks_log(struct tasks *ts)
{
	for (const struct task *t = ts->first; t; t = t->next) {
		struct task_report r = report_of(t);

		log_info(&ts->log, "task.state", F_STR("task", t->def->name), F_UINT("runs", t->runs),
			 F_UINT("failures", r.failures), F_UINT("backlog", r.backlog),
			 F_INT("last_run_ms", t->last_run_ms), F_INT("last_success_ms", r.last_success_ms),
			 F_STR("last_error", r.last_error.code == ERR_NONE ? "" : r.last_error.msg));
	}
}

static json_t *task_json(const struct task *t, struct arena *a)
{
	struct task_report r = report_of(t);
	json_t *o = json_object_in(a);

	json_set_str(o, "name", t->def->name);
	json_set_int(o, "interval_ms", t->def->interval_ms);
	json_set_int(o, "last_run_ms", t->last_run_ms);
	json_set_int(o, "last_success_ms", r.last_success_ms);
	json_set_str(o, "last_error", r.last_error.code == ERR_NONE ? NULL : arena_strdup(a, r.last_error.msg));
	json_set_u64(o, "runs", t->runs);
	json_set_u64(o, "failures", r.failures);
	json_set_u64(o, "backlog", r.backlog);
	return o;
}

json_t *tasks_json(struct tasks *ts, struct arena *a)
{
	json_t *list = json_array_in(a);

	for (const struct task *t = ts->first; t; t = t->next)
		json_add(list, task_json(t, a));
	return list;
}
