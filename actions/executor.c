/* actions/executor.c - finds what is due, and the public side: kick, cancel, wake, wait.  The step cycle is in drive.c. */
#include "actions/executor.h"

#include <stdlib.h>
#include <string.h>

#include "actions/executor_internal.h"
#include "base/clock.h"
#include "base/metrics.h"

#define WAKE_FAR_MS (48 * 3600 * INT64_C(1000)) /* nothing parks for so long: a peer may ask for a day */
#define RECALL_ROWS 10000                       /* a run: it must not hold the loop */

/* --- what is due --- */

bool executor_may_drive(struct executor *ex)
{
	return !ex->stopping && store_health(ex->opt.store) == STORE_OK && clock_mono_us() >= ex->hold_until_us;
}

bool executor_has_keys_for(const struct executor *ex, const struct action_kind *kind)
{
	return ex->keys || kind->keyless;
}

bool executor_peer_is_full(const struct executor *ex, const char *peer)
{
	return peer_load_is(&ex->peers, peer, ex->opt.max_inflight_per_peer);
}

struct due_list {
	struct action_id *ids;
	unsigned n, at;
};

/* Peer by peer, so that what waits for a busy one is not even looked at.  When the list is full before every peer was
 * seen, the next search begins where this one ended. */
static int due_of_kind(struct executor *ex, struct arena *a, size_t k, struct due_list *l, unsigned ask,
		       struct err *err)
{
	struct view v = store_view(ex->opt.store);
	const char *kind = ex->opt.kinds[k]->name, *peer = ex->per_kind[k].next_peer;
	bool from_the_middle = peer != NULL;
	int64_t now = clock_now_ms();

	l->ids = ARENA_ARRAY(a, ask, struct action_id);
	do {
		unsigned room = ask - l->n;
		int n = 0;

		/* Those in flight are due as well, and come first. */
		if (peer && room > ex->opt.max_inflight_per_peer)
			room = ex->opt.max_inflight_per_peer;
		if (!executor_peer_is_full(ex, peer))
			n = action_store_due(v, kind, peer, now, l->ids + l->n, room, err);
		if (n < 0 || action_store_next_peer(v, a, kind, peer, &peer, err) != 0)
			return -1;
		l->n += (unsigned)n;
	} while (peer && l->n < ask);
	free(ex->per_kind[k].next_peer);
	ex->per_kind[k].next_peer = NULL;
	if (peer) {
		ex->hungry = true;
		ex->per_kind[k].next_peer = strdup(peer);
		if (!ex->per_kind[k].next_peer)
			abort();
	} else if (from_the_middle) {
		executor_pump_soon(ex);
	}
	return 0;
}

/* Fills one list per kind. */
static int due_collect(struct executor *ex, struct arena *a, struct due_list *lists, unsigned room)
{
	unsigned ask = room + due_inflight(ex->guard);
	struct err err;

	for (size_t k = 0; k < ex->n_kinds; k++) {
		if (!executor_has_keys_for(ex, ex->opt.kinds[k]))
			continue;
		if (due_of_kind(ex, a, k, &lists[k], ask, &err) != 0) {
			ex->stats.last_error = err;
			log_error(&ex->log, "executor.due_failed", F_ERR(&err));
			return -1;
		}
	}
	return 0;
}

/* One of each kind in turn, so that no kind waits for another's queue. */
static unsigned due_start(struct executor *ex, struct due_list *lists, unsigned room)
{
	unsigned started = 0;
	bool more = true;

	while (more && started < room) {
		more = false;
		for (size_t i = 0; i < ex->n_kinds && started < room && executor_may_drive(ex); i++) {
			struct due_list *l = &lists[(ex->first_kind + i) % ex->n_kinds];
			struct drive *d = NULL;

			while (l->at < l->n && !d)
				d = drive_new(ex, &l->ids[l->at++]);
			if (d) {
				drive_step(d);
				started++;
			}
			more = more || l->at < l->n;
		}
	}
	ex->first_kind = ex->n_kinds ? (ex->first_kind + 1) % ex->n_kinds : 0;
	return started;
}

static void set_wake(struct executor *ex)
{
	int64_t at, now = clock_now_ms();
	struct err err;

	if (clock_mono_us() < ex->hold_until_us) /* the timer is set for the end of that */
		return;
	if (action_store_next_wake(store_view(ex->opt.store), now, &at, &err) != 0)
		log_error(&ex->log, "executor.wake_failed", F_ERR(&err));
	else if (at != ACTION_NO_WAKE)
		timer_start(ex->wake, at - now);
}

static void pump(void *ctx)
{
	struct executor *ex = ctx;
	SCOPED(arena) struct arena a = ARENA_LIMIT(8 * 1024 * 1024);
	unsigned inflight = due_inflight(ex->guard), room;
	struct due_list *lists;

	ex->pump_posted = false;
	if (!executor_may_drive(ex))
		return;
	room = ex->opt.max_inflight > inflight ? ex->opt.max_inflight - inflight : 0;
	if (room == 0) {
		ex->hungry = true;
		return;
	}
	lists = ARENA_ARRAY(&a, ex->n_kinds, struct due_list);
	ex->hungry = false;
	if (due_collect(ex, &a, lists, room) != 0)
		return;
	if (due_start(ex, lists, room) == room || peer_load_any_is(&ex->peers, ex->opt.max_inflight_per_peer))
		ex->hungry = true;
	set_wake(ex);
}

void executor_pump_soon(struct executor *ex)
{
	if (ex->pump_posted)
		return;
	ex->pump_posted = true;
	loop_post(ex->opt.loop, pump, ex);
}

/* Called when a unit is durable.  A child whose own unit is still open is found too: its flush is posted before this pump. */
void executor_pump_children(struct executor *ex)
{
	if (ex->others_due)
		executor_pump_soon(ex);
	ex->others_due = false;
}

static void wake_passed(void *ctx)
{
	executor_pump_soon(ctx);
}

/* Another daemon on the same file may have ended what somebody here waits for. */
static void waiter_look(void *ctx, const struct action_id *id)
{
	struct executor *ex = ctx;
	SCOPED(arena) struct arena a = ARENA_LIMIT(8 * 1024 * 1024);
	struct action_row row;
	struct err err;

	if (action_store_get(store_view(ex->opt.store), &a, id, &row, &err) == 0 && action_status_is_final(row.status))
		waiters_tell(ex->waiters, id, true);
}

static int recall_run(struct unit *u, void *ctx, struct err *err)
{
	const int64_t *now = ctx;

	return action_store_recall(u, *now + WAKE_FAR_MS, *now, RECALL_ROWS, err);
}

/* Those that parked while the clock was far ahead would sleep for years after it was set right. */
static void recall(struct executor *ex)
{
	int64_t now = clock_now_ms(), far;
	struct err err;

	if (!executor_may_drive(ex) ||
	    action_store_next_wake(store_view(ex->opt.store), now + WAKE_FAR_MS, &far, &err) != 0 ||
	    far == ACTION_NO_WAKE)
		return;
	log_warn(&ex->log, "executor.clock_was_ahead", F_INT("wake_at_ms", far));
	if (store_unit(ex->opt.store, recall_run, &now, NULL, &err) != 0)
		log_error(&ex->log, "executor.recall_failed", F_ERR(&err));
}

void executor_run(struct executor *ex)
{
	ex->stats.runs++;
	ex->stats.last_run_ms = clock_now_ms();
	recall(ex);
	if (ex->opt.shared)
		waiters_each(ex->waiters, waiter_look, ex);
	executor_pump_soon(ex);
}

void executor_kick(struct executor *ex, const struct action_id *id)
{
	struct drive *d;

	executor_pump_children(ex);
	if (due_is_claimed(ex->guard, id)) {
		for (d = ex->drives; d; d = d->next)
			if (action_id_equal(&d->step.row.id, id))
				d->again = true;
		return;
	}
	if (!executor_may_drive(ex))
		return;
	d = drive_new(ex, id);
	if (d)
		drive_step(d);
	else
		ex->hungry = true; /* no room: it is due, and found when there is */
}

/* --- cancel, wake, wait --- */

static void answers_tell(void *ctx)
{
	struct executor *ex = ctx;

	while (ex->answers) {
		struct cancel *c = ex->answers;

		ex->answers = c->next;
		c->done(c->ctx, c->err.code == ERR_NONE ? NULL : &c->err);
		free(c);
	}
}

void executor_answer(struct executor *ex, struct cancel *c, const struct err *err)
{
	if (err)
		c->err = *err;
	c->next = ex->answers;
	ex->answers = c;
	if (!c->next)
		loop_post(ex->opt.loop, answers_tell, ex);
}

void executor_cancel(struct executor *ex, const struct action_id *id, void (*done)(void *ctx, const struct err *err),
		     void *ctx)
{
	struct cancel *c = calloc(1, sizeof(*c));
	struct drive *d = ex->drives;
	struct err err;

	if (!c)
		abort();
	*c = (struct cancel){ .done = done, .ctx = ctx };
	while (d && !action_id_equal(&d->step.row.id, id))
		d = d->next;
	if (d) {
		c->next = d->cancels;
		d->cancels = c;
		return;
	}
	d = ex->keys && executor_may_drive(ex) ? drive_new(ex, id) : NULL;
	if (d) {
		d->cancels = c;
		drive_step(d);
		return;
	}
	SCOPED(arena) struct arena a = ARENA_LIMIT(8 * 1024 * 1024);
	struct action_row row;
	if (action_store_get(store_view(ex->opt.store), &a, id, &row, &err) == 0) {
		if (action_status_is_final(row.status)) {
			ERR(&err, ERR_NOT_CANCELLABLE, "the action has ended already: %s",
			    action_status_name(row.status));
		} else if (!ex->keys) {
			ERR(&err, ERR_WALLET_LOCKED, "the wallet is locked");
			err_hint(&err, "wallet.unlock");
		} else {
			ERR(&err, ERR_BUSY, "too much is in flight, or the store takes no writes");
			err_hint(&err, "try again");
		}
	}
	executor_answer(ex, c, &err);
}

struct wake_args {
	const struct action_id *id;
	int64_t now_ms;
};

static int wake_run(struct unit *u, void *ctx, struct err *err)
{
	const struct wake_args *w = ctx;

	return action_store_wake(u, w->id, w->now_ms, err);
}

int executor_wake(struct executor *ex, const struct action_id *id, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(8 * 1024 * 1024);
	struct wake_args w = { id, clock_now_ms() };
	struct action_row row;

	if (action_store_get(store_view(ex->opt.store), &a, id, &row, err) != 0)
		return -1;
	if (action_status_is_final(row.status))
		return ERR(err, ERR_EXISTS, "the action has ended already: %s", action_status_name(row.status));
	if (store_unit(ex->opt.store, wake_run, &w, NULL, err) != 0)
		return -1;
	executor_kick(ex, id);
	return 0;
}

struct wake_kind_args {
	const char *kind;
	int64_t now_ms;
};

static int wake_kind_run(struct unit *u, void *ctx, struct err *err)
{
	const struct wake_kind_args *w = ctx;

	return action_store_wake_kind(u, w->kind, w->now_ms, err);
}

int executor_wake_kind(struct executor *ex, const char *kind, struct err *err)
{
	struct wake_kind_args w = { kind, clock_now_ms() };

	/* What they have read may be older than what happened. */
	for (struct drive *d = ex->drives; d; d = d->next)
		if (strcmp(d->kind->name, kind) == 0)
			d->again = true;
	if (store_unit(ex->opt.store, wake_kind_run, &w, NULL, err) != 0)
		return -1;
	executor_pump_soon(ex);
	return 0;
}

bool executor_at_rest(struct executor *ex, const struct action_row *row)
{
	unsigned children;
	struct err err;

	if (row->wake_at_ms != ACTION_NO_WAKE)
		return row->wake_at_ms > clock_now_ms();
	if (action_store_children(store_view(ex->opt.store), &row->id, &children, &err) == 0)
		return children == 0;
	log_error(&ex->log, "executor.children_failed", F_STR("action", row->id.s), F_ERR(&err));
	return true; /* rather too early than never */
}

struct waiter *executor_wait(struct executor *ex, const struct action_id *id, bool until_done, int64_t timeout_ms,
			     void (*done)(void *ctx, bool timed_out), void *ctx)
{
	struct waiter *x = waiters_add(ex->waiters, id, until_done, timeout_ms, done, ctx);
	SCOPED(arena) struct arena a = ARENA_LIMIT(8 * 1024 * 1024);
	struct action_row row;
	struct err err;

	/* It may have come to rest before anybody listened. */
	if (action_store_get(store_view(ex->opt.store), &a, id, &row, &err) == 0 && !due_is_claimed(ex->guard, id)) {
		if (action_status_is_final(row.status))
			waiters_tell(ex->waiters, id, true);
		else if (row.status != ACTION_RUNNING && executor_at_rest(ex, &row))
			waiters_tell(ex->waiters, id, false);
	}
	return x;
}

void executor_wait_cancel(struct waiter *w)
{
	waiter_cancel(w);
}

/* --- life --- */

struct executor *executor_new(const struct executor_options *opt)
{
	static const char *const outcome_names[OUTCOME_TROUBLE + 1] = {
		[OUTCOME_NEXT] = "next",     [OUTCOME_PARK] = "park",       [OUTCOME_DONE] = "done",
		[OUTCOME_FAILED] = "failed", [OUTCOME_TROUBLE] = "trouble",
	};
	struct executor *ex = calloc(1, sizeof(*ex));

	if (!ex)
		abort();
	ex->opt = *opt;
	ex->log = log_module("executor");
	ex->guard = due_guard_new(opt->max_inflight);
	ex->waiters = waiters_new(opt->loop);
	ex->wake = loop_timer(opt->loop, wake_passed, ex);
	while (opt->kinds[ex->n_kinds])
		ex->n_kinds++;
	ex->per_kind = calloc(ex->n_kinds ? ex->n_kinds : 1, sizeof(*ex->per_kind));
	if (!ex->per_kind)
		abort();
	for (size_t k = 0; k < ex->n_kinds; k++)
		for (int t = OUTCOME_NEXT; t <= OUTCOME_TROUBLE; t++) {
			char labels[128];

			snprintf(labels, sizeof(labels), "kind=\"%s\",outcome=\"%s\"", opt->kinds[k]->name,
				 outcome_names[t]);
			ex->per_kind[k].by_tag[t] = metric_counter("walletd_action_steps_total", labels,
								   "Steps of actions by outcome.");
		}
#ifdef WALLETD_TEST_HOOKS
	ex->double_drive = getenv("WALLETD_DOUBLE_DRIVE") != NULL;
#endif
	return ex;
}

static void cancels_free(struct cancel *c)
{
	while (c) {
		struct cancel *next = c->next;

		free(c);
		c = next;
	}
}

void executor_free(struct executor *ex)
{
	if (!ex)
		return;
	/* Units of ours may wait in the open group, and their hooks hold a drive.  Stopping, none begins another. */
	ex->stopping = true;
	store_flush(ex->opt.store);
	while (ex->drives) {
		cancels_free(ex->drives->cancels);
		drive_free(ex->drives);
	}
	cancels_free(ex->answers);
	loop_unpost(ex->opt.loop, answers_tell, ex);
	loop_unpost(ex->opt.loop, pump, ex);
	timer_free(ex->wake);
	waiters_free(ex->waiters);
	due_guard_free(ex->guard);
	for (size_t k = 0; k < ex->n_kinds; k++)
		free(ex->per_kind[k].next_peer);
	free(ex->per_kind);
	free(ex);
}

void executor_set_limits(struct executor *ex, unsigned max_inflight, unsigned max_inflight_per_peer)
{
	due_guard_limit(ex->guard, max_inflight);
	ex->opt.max_inflight = max_inflight;
	ex->opt.max_inflight_per_peer = max_inflight_per_peer;
	executor_pump_soon(ex);
}

void executor_set_keys(struct executor *ex, struct keyring *keys)
{
	ex->keys = keys;
	for (struct drive *d = ex->drives; d; d = d->next)
		d->step.keys = keys;
	if (keys)
		executor_pump_soon(ex);
}

void executor_stop(struct executor *ex)
{
	ex->stopping = true;
}
bool executor_idle(const struct executor *ex)
{
	return ex->drives == NULL;
}
struct store *executor_store(struct executor *ex)
{
	return ex->opt.store;
}
struct chain_source *executor_chain(const struct executor *ex)
{
	return ex->opt.chain;
}
const struct action_policy *executor_policy(const struct executor *ex)
{
	return &ex->opt.policy;
}
struct keyring *executor_keys(const struct executor *ex)
{
	return ex->keys;
}
const struct action_kind *const *executor_kinds(const struct executor *ex)
{
	return ex->opt.kinds;
}

void executor_stats(const struct executor *ex, struct executor_stats *ret)
{
	*ret = ex->stats;
	ret->inflight = due_inflight(ex->guard);
	ret->waiters = waiters_count(ex->waiters);
}

/* --- questions about a row --- */

/* A step that only looks.  False: it has ended, its kind or state is not ours, or its checkpoint cannot be read. */
static bool step_to_look(struct executor *ex, struct arena *a, const struct action_row *row, struct step *ret)
{
	const struct action_kind *k = action_kind_of(ex->opt.kinds, row->kind);
	json_t *cp;
	struct err err;

	*ret = (struct step){
		.arena = a,
		.view = store_view(ex->opt.store),
		.row = *row,
		.kind = k,
		.policy = &ex->opt.policy,
		.executor = ex,
		.now_ms = clock_now_ms(),
	};
	return k && kind_state(k, row->state) && row->checkpoint &&
	       json_parse(a, bytes_of(row->checkpoint), JSON_DEPTH_MAX, &cp, &err) == 0 && k->load(ret, cp, &err) == 0;
}

const char *executor_explain(struct executor *ex, struct arena *a, const struct action_row *row)
{
	const struct action_kind *k = action_kind_of(ex->opt.kinds, row->kind);
	struct step s;

	return k && k->explain && step_to_look(ex, a, row, &s) ? k->explain(&s) : "";
}

json_t *executor_progress(struct executor *ex, struct arena *a, const struct action_row *row, bool secrets)
{
	const struct action_kind *k = action_kind_of(ex->opt.kinds, row->kind);
	struct step s;

	return k && k->progress && step_to_look(ex, a, row, &s) ? k->progress(&s, secrets) : NULL;
}

bool executor_cancellable(const struct executor *ex, const struct action_row *row)
{
	const struct action_kind *k = action_kind_of(ex->opt.kinds, row->kind);
	const struct state_def *st = k ? kind_state(k, row->state) : NULL;

	return st && k->cancel && st->cancellable && !action_status_is_final(row->status);
}

const char *executor_state_name(const struct executor *ex, const struct action_row *row)
{
	const struct action_kind *k = action_kind_of(ex->opt.kinds, row->kind);
	const struct state_def *st = k ? kind_state(k, row->state) : NULL;

	return st ? st->name : "unknown";
}
