/* actions/executor.h - drives actions: one step at a time each, many actions at once, through store units and base/net.
 *
 * The due queue is an index in the store; memory holds what is in flight.  design.md section 5 is the contract of what a
 * step's outcome does.  The executor is timer-driven (executor_run) and kicked. */
#ifndef ACTIONS_EXECUTOR_H
#define ACTIONS_EXECUTOR_H

#include "actions/action.h"
#include "base/net/http.h"
#include "base/net/loop.h"

struct executor_options {
	struct store *store;
	struct loop *loop;
	struct http *http;
	struct chain_source *chain;             /* NULL: no node is configured */
	const struct lightning *lightning;      /* NULL: no Lightning node is */
	const struct action_kind *const *kinds; /* action_kinds, or a test's own */
	struct action_policy policy;
	unsigned max_inflight;          /* 256 */
	unsigned max_inflight_per_peer; /* 16 */
	bool shared;                    /* poll for what another daemon may have done */
};
struct executor *executor_new(const struct executor_options *opt);
void executor_free(struct executor *ex); /* cancels what is in flight; safe at any time */
void executor_set_limits(struct executor *ex, unsigned max_inflight, unsigned max_inflight_per_peer);
/* The unlocked wallet's keys, or NULL while there is none: no new step begins then, and replies still on their way are
 * taken. */
void executor_set_keys(struct executor *ex, struct keyring *keys);

/* The task: drives what is due.  Call it on a timer, and at start. */
void executor_run(struct executor *ex);
/* This action may have become due.  Cheap; call it from on_durable. */
void executor_kick(struct executor *ex, const struct action_id *id);
/* Take nothing new.  executor_idle() tells when the steps in flight have ended. */
void executor_stop(struct executor *ex);
bool executor_idle(const struct executor *ex);

struct action_request {
	const char *kind;
	json_t *params; /* object, or NULL */
	bool dry_run;
};
/* In the caller's unit: validates, reserves and creates the row, or finds the row that the same identity made before
 * (*ret_existing).  After the unit is durable call executor_kick().  For dry_run the caller uses store_rehearse().
 * *ret_plan is an object in `a`; amounts that leave the wallet are in plan.spend_sat where the kind spends. */
MUST_CHECK int executor_start(struct executor *ex, struct unit *u, struct arena *a, const struct action_request *req,
			      struct action_id *ret, bool *ret_existing, json_t **ret_plan, struct err *err);

/* In the caller's unit: changes a living action as its kind's amend says.  After the unit is durable call executor_kick().
 * ERR_NOT_FOUND; ERR_ILLEGAL_STATE: it has ended, or its kind cannot be changed; and what the kind refuses. */
MUST_CHECK int executor_amend(struct executor *ex, struct unit *u, struct arena *a, const struct action_id *id,
			      json_t *params, bool dry_run, json_t **ret_plan, struct err *err);

/* Cancel at the next point where the action is not in the middle of an exchange.  done runs once, later: NULL when the
 * cancel took effect (the action may go on undoing itself), else why not. */
void executor_cancel(struct executor *ex, const struct action_id *id, void (*done)(void *ctx, const struct err *err),
		     void *ctx);
/* Drive it now, whatever its wake time. */
MUST_CHECK int executor_wake(struct executor *ex, const struct action_id *id, struct err *err);
/* Something happened that actions of this kind may wait for: all of them look, those in flight once more. */
MUST_CHECK int executor_wake_kind(struct executor *ex, const char *kind, struct err *err);

/* A listener.  done runs once, never from inside the call: when the action parks, or only when it has ended (until_done),
 * or at the deadline (timed_out).  A waiter never drives. */
struct waiter;
struct waiter *executor_wait(struct executor *ex, const struct action_id *id, bool until_done, int64_t timeout_ms,
			     void (*done)(void *ctx, bool timed_out), void *ctx);
void executor_wait_cancel(struct waiter *w); /* its done will not run */

struct executor_stats {
	uint64_t runs, steps, failures, conflicts;
	unsigned inflight, waiters;
	int64_t last_run_ms, last_success_ms;
	struct err last_error; /* code ERR_NONE when there was none */
};
void executor_stats(const struct executor *ex, struct executor_stats *ret);
struct store *executor_store(struct executor *ex);
struct chain_source *executor_chain(const struct executor *ex); /* or NULL */
const struct action_policy *executor_policy(const struct executor *ex);
struct keyring *executor_keys(const struct executor *ex); /* NULL: the wallet is locked */

/* One sentence about where an action stands, from its kind; "" when it has nothing to say. */
const char *executor_explain(struct executor *ex, struct arena *a, const struct action_row *row);
/* What a living action has to show (kind's progress), or NULL. */
json_t *executor_progress(struct executor *ex, struct arena *a, const struct action_row *row, bool secrets);
/* Can action.cancel be expected to work in this state? */
bool executor_cancellable(const struct executor *ex, const struct action_row *row);
const char *executor_state_name(const struct executor *ex, const struct action_row *row);
const struct action_kind *const *executor_kinds(const struct executor *ex);

#endif
