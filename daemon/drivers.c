#include "daemon/drivers.h"

#include "actions/cashu_check.h"
#include "actions/cashu_rotate.h"
#include "actions/cashu_sweep.h"
#include "actions/executor.h"
#include "chain/follower.h"
#include "exit/auto.h"
#include "exit/exit.h"
#include "lightning/node.h"
#include "outbox/outbox.h"

#define EXECUTOR_MS  30000
#define OUTBOX_MS    5000
#define SHARED_MS    1000 /* how soon another daemon's work is noticed */
#define EXIT_MS      60000
#define AUTO_EXIT_MS 60000 /* and whenever the chain has moved */
#define BITCOIND_MS  10000 /* it is near, and a question costs nothing: spec/exit.md 6.5 */
#define ESPLORA_MS   30000
#define FEES_MS      60000
#define LIGHTNING_MS 15000 /* it is near, and splices wait for what it says: spec/splice.md 5.1.2 */
#define SWEEP_MS     3600000
#define ROTATE_MS    3600000
#define PUT_BACK_MS  60000 /* once, and not before the wallet is unlocked */

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

static void report_tip(void *ctx, struct task_report *r)
{
	struct follower_status s;

	follower_status(ctx, &s);
	r->failures = s.failures;
	r->backlog = s.scan_left;
	if (s.node_height > s.tip.height)
		r->backlog += s.node_height - s.tip.height;
	r->last_success_ms = s.last_success_ms;
	r->last_error = s.last_error;
}

struct task_def tip_task(const struct config *conf)
{
	int64_t by_kind_ms = conf->bitcoind_url.n > 0 ? BITCOIND_MS : ESPLORA_MS;

	return (struct task_def){
		.name = "tip",
		.interval_ms = conf->chain_poll_s > 0 ? conf->chain_poll_s * 1000 : by_kind_ms,
		.run = follower_run,
		.report = report_tip,
	};
}

/* The source keeps them; what goes wrong is in its own report. */
static void fees_told(void *ctx, const struct chain_answer *got)
{
	(void)ctx;
	(void)got;
}

static int run_fees(void *ctx, struct err *err)
{
	(void)err;
	chain_ask_fees(ctx, (struct chain_then){ fees_told, NULL });
	return 0;
}

static int run_exits(void *ctx, struct err *err)
{
	(void)err;
	exits_run(ctx);
	return 0;
}

static void report_exits(void *ctx, struct task_report *r)
{
	struct exits_stats s;

	exits_stats(ctx, &s);
	r->failures = s.failures;
	r->backlog = s.backlog;
	r->last_success_ms = s.last_success_ms;
	r->last_error = s.last_error;
}

const struct task_def exit_task = { .name = "exit", .interval_ms = EXIT_MS, .run = run_exits, .report = report_exits };

const struct task_def auto_exit_task = { .name = "auto_exit", .interval_ms = AUTO_EXIT_MS, .run = auto_exits_run };

const struct task_def fees_task = { .name = "fees", .interval_ms = FEES_MS, .run = run_fees };

static void report_lightning(void *ctx, struct task_report *r)
{
	struct lightning_status s;

	lightning_status(ctx, &s);
	r->failures = s.failures;
	r->last_success_ms = s.last_success_ms;
	r->last_error = s.last_error;
}

const struct task_def lightning_task = {
	.name = "lightning", .interval_ms = LIGHTNING_MS, .run = lightning_run, .report = report_lightning
};

const struct task_def sweep_task = { .name = "sweep", .interval_ms = SWEEP_MS, .run = cashu_sweeps_run };

const struct task_def rotate_task = { .name = "rotate", .interval_ms = ROTATE_MS, .run = cashu_rotations_run };

const struct task_def put_back_task = { .name = "put_back", .interval_ms = PUT_BACK_MS, .run = cashu_put_back_run };
