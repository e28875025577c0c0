#include "daemon/drivers.h"

#include "actions/executor.h"
#include "outbox/outbox.h"

#define EXECUTOR_MS 30000
#define OUTBOX_MS   5000
#define SHARED_MS   1000 /* how soon another daemon's work is noticed */

/* What goes wrong is in the drivers' own reports. */

static int run_executor(void *ctx, struct err *err)
{
	(void)err;
	executor_run(ctx);
	return 0;
}

static void report_executor(void *ctx, struct task_report *r)
{
	struct executor_stats s;

	executor_stats(ctx, &s);
	r->failures = s.failures;
	r->backlog = s.inflight;
	r->last_success_ms = s.last_success_ms;
	r->last_error = s.last_error;
}

struct task_def executor_task(bool shared)
{
	return (struct task_def){
		.name = "executor",
		.interval_ms = shared ? SHARED_MS : EXECUTOR_MS,
		.run = run_executor,
		.report = report_executor,
	};
}

static int run_outbox(void *ctx, struct err *err)
{
	(void)err;
	outbox_run(ctx);
	return 0;
}

static void report_outbox(void *ctx, struct task_report *r)
{
	struct outbox_stats s;

	outbox_stats(ctx, &s);
	r->failures = s.failures;
	r->backlog = s.backlog;
	r->last_success_ms = s.last_success_ms;
	r->last_error = s.last_error;
}

struct task_def outbox_task(bool shared)
{
	return (struct task_def){
		.name = "outbox",
		.interval_ms = shared ? SHARED_MS : OUTBOX_MS,
		.run = run_outbox,
		.report = report_outbox,
	};
}
