/* actions/drive.c - the step cycle.
 *
 * A drive is one action in flight: claimed in the guard, loaded from committed state, taken through its states until it
 * parks or ends.  Its step runs like this, each arrow being a unit that became durable:
 *
 *   load → [prepare →] enter → exchange → reply + save → next state, or park, or end
 *
 * Everything after a unit happens in its on_durable, so nothing leaves the process before the disk has it.  What goes
 * wrong on the way is a trouble: the unit's writes are gone, and a second unit records what the error's class asks for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actions/coins.h"
#include "actions/executor_internal.h"
#include "base/clock.h"
#include "base/metrics.h"

#define HOLD_MS  1000   /* how long to leave a store alone that refused a step */
#define LEASE_MS 120000 /* above the longest deadline of an exchange */

/* --- the making and ending of a drive --- */

static void row_copy(struct arena *a, struct action_row *row)
{
	row->peer = row->peer ? arena_strdup(a, row->peer) : NULL;
	row->params = arena_strdup(a, row->params);
	row->checkpoint = row->checkpoint ? arena_strdup(a, row->checkpoint) : NULL;
	row->error_kind = row->error_kind ? arena_strdup(a, row->error_kind) : NULL;
	row->error_msg = row->error_msg ? arena_strdup(a, row->error_msg) : NULL;
	row->error_field = row->error_field ? arena_strdup(a, row->error_field) : NULL;
}

/* A new step gets a new arena: what the last one made is gone, but for the row. */
static void step_renew(struct drive *d)
{
	struct arena fresh = ARENA_LIMIT(STEP_ARENA_MAX);
	struct action_row row = d->step.row;

	row_copy(&fresh, &row);
	row.kind = d->kind->name;
	row.result = NULL;
	row.funds_moved = NULL;
	arena_done(&d->arena);
	d->arena = fresh;
	d->step = (struct step){
		.arena = &d->arena,
		.view = store_view(d->ex->opt.store),
		.row = row,
		.log = log_with_id("executor", row.id.s),
		.kind = d->kind,
		.keys = d->ex->keys,
		.policy = &d->ex->opt.policy,
		.chain = d->ex->opt.chain,
		.lightning = d->ex->opt.lightning,
		.executor = d->ex,
		.now_ms = clock_now_ms(),
	};
	d->net_unknown = false;
	d->first_run = NULL;
}

static void cancels_answer(struct drive *d, const struct err *err)
{
	while (d->cancels) {
		struct cancel *c = d->cancels;

		d->cancels = c->next;
		executor_answer(d->ex, c, err);
	}
}

static void drive_unlink(struct drive *d)
{
	if (d->prev)
		d->prev->next = d->next;
	else
		d->ex->drives = d->next;
	if (d->next)
		d->next->prev = d->prev;
}

void drive_free(struct drive *d)
{
	struct executor *ex = d->ex;

	if (d->call)
		http_cancel(d->call);
	if (d->plain_call)
		json_call_cancel(d->plain_call);
	if (d->ask)
		chain_cancel(d->ask);
	peer_load_leave(d->peer);
	due_release(ex->guard, &d->step.row.id);
	drive_unlink(d);
	arena_done(&d->arena);
	free(d);
}

void drive_end(struct drive *d)
{
	struct executor *ex = d->ex;
	struct action_id id = d->step.row.id;
	bool again = d->again;
	struct err err;

	if (d->cancels) {
		ERR(&err, ERR_BUSY, "the action could not be stopped just now");
		err_hint(&err, "try again");
		cancels_answer(d, &err);
	}
	drive_free(d);
	if (again)
		executor_kick(ex, &id);
	if (ex->hungry && due_inflight(ex->guard) <= ex->opt.max_inflight / 2)
		executor_pump_soon(ex);
}

/* NULL: in flight already, no room, gone, or not ours to drive. */
struct drive *drive_new(struct executor *ex, const struct action_id *id)
{
	struct drive *d;
	struct err err;

	if (!due_claim(ex->guard, id))
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	d->ex = ex;
	d->arena = ARENA_LIMIT(STEP_ARENA_MAX);
	d->next = ex->drives;
	if (ex->drives)
		ex->drives->prev = d;
	ex->drives = d;
	d->step.row.id = *id;
	/* Committed state only: a row that is not durable yet must not send anything. */
	if (action_store_get(store_view(ex->opt.store), &d->arena, id, &d->step.row, &err) != 0) {
		if (err.code != ERR_NOT_FOUND)
			log_error(&ex->log, "executor.load_failed", F_STR("action", id->s), F_ERR(&err));
		drive_free(d);
		return NULL;
	}
	d->kind = action_kind_of(ex->opt.kinds, d->step.row.kind);
	if (action_status_is_final(d->step.row.status) || !d->kind || executor_peer_is_full(ex, d->step.row.peer)) {
		drive_free(d);
		return NULL;
	}
	d->peer = peer_load_enter(&ex->peers, d->step.row.peer);
	return d;
}

/* --- outcomes: what a unit writes --- */

static void row_set_error(struct step *s, const struct err *e)
{
	s->row.error_kind = e->code == ERR_NONE ? NULL : err_kind(e->code);
	s->row.error_msg = e->code == ERR_NONE ? NULL : arena_strdup(s->arena, e->msg);
	s->row.error_field = e->code == ERR_NONE || !e->field[0] ? NULL : arena_strdup(s->arena, e->field);
}

/* Everything of the outcome but the checkpoint, which is in the row already. */
static int save_row(struct drive *d, const struct outcome *o, struct err *err)
{
	struct step *s = &d->step;
	const struct state_def *st = kind_state(d->kind, o->state);
	int was_state = s->row.state;
	enum action_status was = s->row.status;
	bool troubled = o->err.code != ERR_NONE, uncertain = d->net_unknown || (st && st->uncertain), changed;

	s->row.state = o->state;
	s->row.attempts = troubled ? s->row.attempts + 1 : 0;
	s->row.status = o->tag == OUTCOME_NEXT  ? ACTION_RUNNING
			: troubled && uncertain ? ACTION_UNCERTAIN
						: ACTION_PARKED;
	if (o->tag == OUTCOME_PARK)
		s->row.wake_at_ms = o->wake_at_ms;
	else if (s->row.wake_at_ms == ACTION_NO_WAKE || s->row.wake_at_ms > s->now_ms)
		s->row.wake_at_ms = s->now_ms; /* else it is due as it is, and its place in the queue costs nothing */
	s->row.updated_at_ms = s->now_ms;
	row_set_error(s, &o->err);
	changed = s->row.state != was_state || s->row.status != was;
	if (action_store_save(s->unit, &s->row, changed, err) != 0)
		return -1;
	return changed ? action_event(s, d->kind, "action.state", err) : 0;
}

static int save_living(struct drive *d, const struct outcome *o, struct err *err)
{
	if (!kind_state(d->kind, o->state))
		return ERR(err, ERR_INTERNAL, "%s has no state %d", d->kind->name, o->state);
	d->step.row.checkpoint = json_text(d->step.arena, d->kind->save(&d->step));
	return save_row(d, o, err);
}

static int save_ended(struct drive *d, const struct outcome *o, struct err *err)
{
	struct step *s = &d->step;

	if (coins_release(s->unit, &s->row.id, s->now_ms, err) != 0)
		return -1;
	s->row.status = o->tag == OUTCOME_DONE ? ACTION_DONE : o->cancelled ? ACTION_CANCELLED : ACTION_FAILED;
	s->row.result = o->result ? json_text(s->arena, o->result) : NULL;
	s->row.funds_moved = o->funds_moved;
	s->row.updated_at_ms = s->now_ms;
	row_set_error(s, &o->err);
	if (action_store_end(s->unit, &s->row, err) != 0)
		return -1;
	if (!action_id_is_empty(&s->row.parent) && action_store_wake(s->unit, &s->row.parent, s->now_ms, err) != 0)
		return -1;
	return action_event(s, d->kind,
			    o->tag == OUTCOME_DONE ? "action.done"
			    : o->cancelled         ? "action.cancelled"
						   : "action.failed",
			    err);
}

/* In the unit that made the outcome.  A trouble rolls the unit back by failing it. */
static int outcome_save(struct drive *d, struct err *err)
{
	struct outcome *o = &d->outcome;

	switch (o->tag) {
	case OUTCOME_NEXT:
	case OUTCOME_PARK:
		return save_living(d, o, err);
	case OUTCOME_DONE:
	case OUTCOME_FAILED:
		return save_ended(d, o, err);
	case OUTCOME_TROUBLE:
		*err = o->err;
		return -1;
	}
	return ERR(err, ERR_INTERNAL, "an outcome without a tag");
}

int drive_load(struct drive *d, struct err *err)
{
	struct step *s = &d->step;
	json_t *cp;

	if (json_parse(s->arena, bytes_of(s->row.checkpoint), JSON_DEPTH_MAX, &cp, err) != 0)
		return err_context(err, "checkpoint");
	return d->kind->load(s, cp, err);
}

static void step_open_unit(struct step *s, struct unit *u)
{
	s->unit = u;
	s->view = unit_view(u);
}

static void step_close_unit(struct step *s)
{
	s->unit = NULL;
	s->view = store_view(executor_store(s->executor));
}

/* --- after a unit is durable --- */

static struct metric *step_metric(struct executor *ex, const struct action_kind *k, enum outcome_tag tag)
{
	for (size_t i = 0; i < ex->n_kinds; i++)
		if (ex->opt.kinds[i] == k)
			return ex->per_kind[i].by_tag[tag];
	abort();
}

static void log_end(struct drive *d)
{
	const struct action_row *row = &d->step.row;

	if (row->status == ACTION_FAILED)
		log_warn(&d->step.log, "action.failed", F_STR("action_kind", d->kind->name),
			 F_STR("reason", row->error_kind), F_STR("error", row->error_msg));
	else
		log_info(&d->step.log, row->status == ACTION_DONE ? "action.done" : "action.cancelled",
			 F_STR("action_kind", d->kind->name));
}

static void parent_kick(struct drive *d)
{
	if (!action_id_is_empty(&d->step.row.parent))
		executor_kick(d->ex, &d->step.row.parent);
}

static void drive_go_on(struct drive *d)
{
	struct executor *ex = d->ex;

	d->step.row.version++;
	executor_pump_children(ex);
	switch (d->outcome.tag) {
	case OUTCOME_NEXT:
		d->moved = true;
		if (ex->stopping)
			drive_end(d);
		else
			drive_step(d);
		return;
	case OUTCOME_PARK:
		d->moved = false;
		if (executor_at_rest(ex, &d->step.row))
			waiters_tell(ex->waiters, &d->step.row.id, false);
		if (d->outcome.wake_at_ms != ACTION_NO_WAKE)
			executor_pump_soon(
				ex); /* the wake timer may have to be set earlier, also when a cancel is refused */
		if (d->cancels && !ex->stopping) {
			drive_step(d);
			return;
		}
		drive_end(d);
		return;
	case OUTCOME_DONE:
	case OUTCOME_FAILED:
		log_end(d);
		waiters_tell(ex->waiters, &d->step.row.id, true);
		parent_kick(d);
		if (d->cancels) {
			struct err err;

			ERR(&err, ERR_NOT_CANCELLABLE, "the action has ended already");
			cancels_answer(d, &err);
		}
		drive_end(d);
		return;
	case OUTCOME_TROUBLE:
		break;
	}
	abort();
}

/* The store would not take it: the row is as it was, and is driven again when the store works. */
static void drive_refused(struct drive *d, const struct err *err)
{
	struct executor *ex = d->ex;

	if (err->class == ERR_CONFLICTING) {
		ex->stats.conflicts++;
		log_debug(&d->step.log, "action.handled_elsewhere", F_ERR(err));
	} else {
		ex->stats.failures++;
		ex->stats.last_error = *err;
		log_error(&d->step.log, "action.not_saved", F_ERR(err));
		ex->hold_until_us = clock_mono_us() + HOLD_MS * 1000;
		timer_start(ex->wake, HOLD_MS);
	}
	drive_end(d);
}

static void step_durable(void *ctx, const struct err *err)
{
	struct drive *d = ctx;

	if (err) {
		drive_refused(d, err);
		return;
	}
	d->ex->stats.steps++;
	d->ex->stats.last_success_ms = d->step.now_ms;
	metric_inc(step_metric(d->ex, d->kind, d->outcome.tag));
	drive_go_on(d);
}

/* --- troubles --- */

/* Runs fn in a unit.  When it fails the row is again what the store holds. */
static int drive_unit(struct drive *d, int (*fn)(struct unit *, void *, struct err *),
		      void (*on_durable)(void *, const struct err *), struct err *err)
{
	struct action_row before = d->step.row;

	if (store_unit(d->ex->opt.store, fn, d, on_durable, err) == 0)
		return 0;
	d->step.row = before;
	return -1;
}

static struct outcome trouble_outcome(struct drive *d, struct err *err)
{
	struct step *s = &d->step;

	if (d->trouble.class == ERR_REJECTED && d->kind->on_rejection)
		return d->kind->on_rejection(s, &d->trouble, err);
	if (d->trouble.class == ERR_REJECTED)
		return outcome_failed(&d->trouble, "no");
	if (d->trouble.class == ERR_TRANSIENT && d->kind->on_retry)
		return d->kind->on_retry(s, &d->trouble, err);
	return outcome_retry(s, &d->trouble);
}

static int trouble_run(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	int rc;

	step_open_unit(&d->step, u);
	rc = drive_load(d, err);
	if (rc == 0) {
		d->outcome = trouble_outcome(d, err);
		rc = outcome_save(d, err);
	}
	step_close_unit(&d->step);
	return rc;
}

/* The kind cannot say what to do: its checkpoint is not readable, its state is not known, its own hook failed.  The
 * action stays as it is, says so, and is tried again later. */
static int leave_run(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	int rc;

	step_open_unit(&d->step, u);
	d->outcome = outcome_retry(&d->step, &d->trouble);
	rc = save_row(d, &d->outcome, err);
	step_close_unit(&d->step);
	return rc;
}

/* Nothing is wrong with the action: somebody else had it, or the store could not take it. */
static bool is_refusal(const struct err *err)
{
	return err->class == ERR_CONFLICTING || err->class == ERR_STORE || err->code == ERR_BUSY;
}

static void trouble_note(struct drive *d, const struct err *why)
{
	d->trouble = *why;
	if (why->class == ERR_INVALID || why->class == ERR_BUG)
		log_error(&d->step.log, "action.trouble", F_STR("action_kind", d->kind->name), F_ERR(why));
	else
		log_info(&d->step.log, "action.trouble", F_STR("action_kind", d->kind->name),
			 F_UINT("attempts", d->step.row.attempts + 1), F_ERR(why));
}

void drive_trouble(struct drive *d, const struct err *why)
{
	struct err err = *why;

	if (!is_refusal(&err)) {
		d->ex->stats.failures++;
		metric_inc(step_metric(d->ex, d->kind, OUTCOME_TROUBLE));
		trouble_note(d, &err);
		if (drive_unit(d, trouble_run, step_durable, &err) == 0)
			return;
	}
	if (!is_refusal(&err)) {
		trouble_note(d, &err);
		if (drive_unit(d, leave_run, step_durable, &err) == 0)
			return;
	}
	drive_refused(d, &err);
}

/* --- the reply unit --- */

static int reply_outcome(struct drive *d, struct unit *u, struct err *err)
{
	struct step *s = &d->step;
	const struct state_def *st = kind_state(d->kind, s->row.state);

	step_open_unit(s, u);
	if (drive_load(d, err) != 0)
		return -1;
	d->outcome = st->told ? st->told(s, d->told, err) : st->reply(s, d->reply, err);
	return 0;
}

/* --- double drive: each step runs twice from one checkpoint, and must come to the same end --- */

/* The outcome as text. */
static char *outcome_text(struct drive *d)
{
	struct arena *a = d->step.arena;
	const struct outcome *o = &d->outcome;
	json_t *cp = o->tag == OUTCOME_NEXT || o->tag == OUTCOME_PARK ? d->kind->save(&d->step) : NULL;

	return arena_printf(a,
			    "tag %d state %d wake %" PRId64 " cancelled %d moved %s error %s result %s checkpoint %s",
			    (int)o->tag, o->state, o->wake_at_ms, o->cancelled, o->funds_moved ? o->funds_moved : "-",
			    err_kind(o->err.code), o->result ? json_canonical(a, o->result) : "-",
			    cp ? json_canonical(a, cp) : "-");
}

/* Runs fn and takes back what it wrote; it leaves what it came to in first_run. */
static void rehearse(struct drive *d, int (*fn)(struct unit *, void *, struct err *))
{
	struct action_row before = d->step.row;
	struct err err;

	d->first_run = NULL;
	if (d->ex->double_drive && store_rehearse(d->ex->opt.store, fn, d, &err) != 0)
		d->first_run = NULL; /* refused: there is nothing to compare */
	d->step.row = before;
}

static void compare(struct drive *d, const char *second)
{
	if (!d->first_run || strcmp(d->first_run, second) == 0)
		return;
	fprintf(stderr, "double drive: %s in state %s is not re-entrant\n first: %s\nsecond: %s\n", d->kind->name,
		kind_state(d->kind, d->step.row.state)->name, d->first_run, second);
	abort();
}

static int rehearse_reply(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	int rc = reply_outcome(d, u, err);

	if (rc == 0)
		d->first_run = outcome_text(d);
	step_close_unit(&d->step);
	return rc;
}

static int reply_run(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	int rc = reply_outcome(d, u, err);

	if (rc == 0 && d->first_run)
		compare(d, outcome_text(d));
	if (rc == 0)
		rc = outcome_save(d, err);
	step_close_unit(&d->step);
	return rc;
}

void drive_reply(struct drive *d, const struct net_reply *rep, const struct chain_answer *told)
{
	struct err err;

	d->reply = rep;
	d->told = told;
	d->step.now_ms = clock_now_ms();
	rehearse(d, rehearse_reply);
	if (drive_unit(d, reply_run, step_durable, &err) != 0)
		drive_trouble(d, &err);
	/* d may be gone or in its next step. */
}

/* --- prepare --- */

static int prepare_checkpoint(struct drive *d, struct unit *u, struct err *err)
{
	struct step *s = &d->step;
	int rc;

	step_open_unit(s, u);
	rc = drive_load(d, err);
	if (rc == 0)
		rc = kind_state(d->kind, s->row.state)->prepare(s, err);
	if (rc == 0)
		s->row.checkpoint = json_text(s->arena, d->kind->save(s));
	return rc;
}

static int rehearse_prepare(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	int rc = prepare_checkpoint(d, u, err);

	if (rc == 0)
		d->first_run = arena_strdup(d->step.arena, d->step.row.checkpoint);
	step_close_unit(&d->step);
	return rc;
}

static int prepare_run(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	struct step *s = &d->step;
	int rc = prepare_checkpoint(d, u, err);

	if (rc == 0) {
		compare(d, s->row.checkpoint);
		s->row.updated_at_ms = s->now_ms;
		/* Another daemon would take it for due, send the same, and have our answer dropped as ours would have its:
		 * for ever, when the peer is slower than they are. */
		if (d->ex->opt.shared)
			s->row.wake_at_ms = s->now_ms + LEASE_MS;
		rc = action_store_save(u, &s->row, false, err);
	}
	step_close_unit(s);
	return rc;
}

static void prepare_durable(void *ctx, const struct err *err)
{
	struct drive *d = ctx;

	if (err) {
		drive_refused(d, err);
		return;
	}
	d->step.row.version++;
	if (d->ex->stopping)
		drive_end(d);
	else
		drive_exchange(d);
}

static void drive_prepare(struct drive *d)
{
	struct err err;

	rehearse(d, rehearse_prepare);
	if (drive_unit(d, prepare_run, prepare_durable, &err) != 0)
		drive_trouble(d, &err);
}

/* --- a state that died with the drive before --- */

static int resume_run(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	int rc;

	step_open_unit(&d->step, u);
	rc = drive_load(d, err);
	if (rc == 0) {
		d->outcome = outcome_next(kind_state(d->kind, d->step.row.state)->resume_at);
		rc = outcome_save(d, err);
	}
	step_close_unit(&d->step);
	return rc;
}

static void drive_resume(struct drive *d)
{
	struct err err;

	if (drive_unit(d, resume_run, step_durable, &err) != 0)
		drive_trouble(d, &err);
}

/* --- cancel --- */

static int cancel_run(struct unit *u, void *ctx, struct err *err)
{
	struct drive *d = ctx;
	struct step *s = &d->step;
	int rc = -1;

	step_open_unit(s, u);
	if (!d->kind->cancel || !kind_state(d->kind, s->row.state)) {
		ERR(err, ERR_NOT_CANCELLABLE, "this %s cannot be cancelled", d->kind->name);
	} else if (drive_load(d, err) == 0) {
		d->outcome = d->kind->cancel(s, err);
		rc = outcome_save(d, err);
	}
	step_close_unit(s);
	return rc;
}

static void cancel_durable(void *ctx, const struct err *err)
{
	struct drive *d = ctx;

	if (err) {
		drive_refused(d, err);
		return;
	}
	cancels_answer(d, NULL);
	step_durable(ctx, NULL);
}

static void drive_cancel(struct drive *d)
{
	struct err err;

	if (drive_unit(d, cancel_run, cancel_durable, &err) == 0)
		return;
	cancels_answer(d, &err);
	if (is_refusal(&err)) {
		drive_refused(d, &err);
	} else if (d->step.row.status == ACTION_RUNNING) {
		drive_step(d); /* refused: it goes on as if nobody had asked */
	} else {
		drive_end(d);
	}
}

void drive_step(struct drive *d)
{
	const struct state_def *st;
	struct err err;

	if (!executor_has_keys_for(
		    d->ex, d->kind)) { /* locked meanwhile: it is due, and goes on when the wallet is unlocked */
		drive_end(d);
		return;
	}
	step_renew(d);
	if (d->cancels) {
		drive_cancel(d);
		return;
	}
	st = kind_state(d->kind, d->step.row.state);
	if (!st) {
		ERR(&err, ERR_INTERNAL, "%s has no state %d", d->kind->name, d->step.row.state);
		drive_trouble(d, &err);
	} else if (st->resume_at != 0 && !d->moved) {
		drive_resume(d);
	} else if (st->prepare) {
		drive_prepare(d);
	} else {
		drive_exchange(d);
	}
}
