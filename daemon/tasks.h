/* daemon/tasks.h - what the daemon does of itself, again and again: named, timed, kicked, counted (design.md section 3).
 *
 * A task never blocks: run() starts what it has to and returns.  Runs never nest. */
#ifndef DAEMON_TASKS_H
#define DAEMON_TASKS_H

#include "base/json.h"
#include "base/net/loop.h"

struct task;
struct tasks;

/* What a task knows about itself beyond whether run() worked; starts out as the runner's own view of it. */
struct task_report {
	uint64_t failures;
	uint64_t backlog; /* what waits, in its own unit */
	int64_t last_success_ms;
	struct err last_error; /* code ERR_NONE: the last run went well */
};

struct task_def {
	const char *name;
	int64_t interval_ms;
	int (*run)(void *ctx, struct err *err);
	void (*report)(void *ctx, struct task_report *r); /* corrects r; or NULL */
};

struct tasks *tasks_new(struct loop *loop);
void tasks_free(struct tasks *ts); /* NULL is fine */
/* The first run comes first_ms from now.  def must live as long as the task. */
struct task *tasks_add(struct tasks *ts, const struct task_def *def, void *ctx, int64_t first_ms);
/* Run at the end of this turn, then after the interval again. */
void task_kick(struct task *t);
/* No more runs. */
void tasks_stop(struct tasks *ts);
/* One line of the log for each. */
void tasks_log(struct tasks *ts);
/* As rpc_host.tasks wants it: an array held by a. */
json_t *tasks_json(struct tasks *ts, struct arena *a);

#endif
