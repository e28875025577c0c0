/* actions/start.c - how an action comes to be, by request or as a child, and how it is changed from outside. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "actions/executor_internal.h"
#include "base/clock.h"
#include "store/event_store.h"
#include "store/wallet_store.h"

const struct state_def *kind_state(const struct action_kind *k, int state)
{
	return state > 0 && state < k->n_states && k->states[state].name ? &k->states[state] : NULL;
}

int action_event(struct step *s, const struct action_kind *k, const char *event, struct err *err)
{
	SCOPED(buf) struct buf data = BUF_CAP(4096);
	const struct state_def *st = kind_state(k, s->row.state);

	/* Names of ours and numbers only: nothing here needs escaping. */
	buf_printf(&data, "{\"kind\":\"%s\",\"state\":\"%s\",\"status\":\"%s\"", k->name, st ? st->name : "?",
		   action_status_name(s->row.status));
	if (!action_id_is_empty(&s->row.parent))
		buf_printf(&data, ",\"parent_id\":\"%s\"", s->row.parent.s);
	if (s->row.error_kind)
		buf_printf(&data, ",\"error\":\"%s\"", s->row.error_kind);
	buf_text_add(&data, "}");
	return event_append(s->unit, event, s->row.id.s, buf_text(&data), err);
}

/* --- start --- */

struct start_args {
	const struct action_kind *kind;
	json_t *params;
	const struct action_id *parent, *id;
	bool dry_run;
};

static int no_keys(struct unit *u, struct arena *a, struct err *err)
{
	struct wallet_row row;

	if (wallet_store_get(unit_view(u), a, &row, err) != 0)
		return err_hint(err, "wallet.create or wallet.restore");
	ERR(err, ERR_WALLET_LOCKED, "the wallet is locked");
	return err_hint(err, "wallet.unlock");
}

static int start_in_unit(struct executor *ex, struct unit *u, struct arena *a, const struct start_args *args,
			 struct action_id *ret, bool *existing, json_t **ret_plan, struct err *err)
{
	const struct action_kind *k = args->kind;
	struct step s = {
		.arena = a,
		.now_ms = clock_now_ms(),
		.kind = k,
		.keys = ex->keys,
		.policy = &ex->opt.policy,
		.chain = ex->opt.chain,
		.lightning = ex->opt.lightning,
		.executor = ex,
		.dry_run = args->dry_run,
		.plan = json_object_in(a),
	};
	struct action_row found;
	struct err absent;
	json_t *params;
	int state;

	if (k->needs_keys && !ex->keys)
		return no_keys(u, a, err);
	if (params_check(a, k->params, args->params, &params, err) != 0)
		return -1;
	s.unit = u;
	s.view = unit_view(u);
	s.row.id = args->id ? *args->id : action_id_new(s.now_ms);
	s.row.parent = args->parent ? *args->parent : (struct action_id){ 0 };
	s.row.kind = k->name;
	s.row.params = json_text(a, params);
	s.log = log_with_id("executor", s.row.id.s);
	state = k->start(&s, params, err);
	if (state < 0 && err->code == ERR_EXISTS && !args->id &&
	    action_store_get(s.view, a, &s.row.id, &found, &absent) == 0) {
		*ret = s.row.id;
		*existing = true;
		*ret_plan = s.plan;
		return 0;
	}
	if (state < 0)
		return -1;
	assert(kind_state(k, state));
	s.row.state = state;
	s.row.status = ACTION_RUNNING;
	s.row.wake_at_ms = s.row.created_at_ms = s.row.updated_at_ms = s.now_ms;
	s.row.checkpoint = json_text(a, k->save(&s));
	if (action_store_add(u, &s.row, &s.row.seq, err) != 0)
		return -1;
	if (action_event(&s, k, "action.started", err) != 0)
		return -1;
	*ret = s.row.id;
	*existing = false;
	*ret_plan = s.plan;
	return 0;
}

int executor_start(struct executor *ex, struct unit *u, struct arena *a, const struct action_request *req,
		   struct action_id *ret, bool *ret_existing, json_t **ret_plan, struct err *err)
{
	struct start_args args = { .params = req->params, .dry_run = req->dry_run };
	const char **names;

	args.kind = action_kind_of(ex->opt.kinds, req->kind);
	if (args.kind && !args.kind->internal)
		return start_in_unit(ex, u, a, &args, ret, ret_existing, ret_plan, err);
	names = ARENA_ARRAY(a, ex->n_kinds + 1, const char *);
	for (size_t i = 0, n = 0; i < ex->n_kinds; i++)
		if (!ex->opt.kinds[i]->internal)
			names[n++] = ex->opt.kinds[i]->name;
	ERR(err, ERR_PARAM, "there is no action kind '%.40s'", req->kind);
	if (nearest_name(req->kind, names))
		err_hint(err, "did you mean %s? action.kinds lists them all", nearest_name(req->kind, names));
	else
		err_hint(err, "action.kinds lists them all");
	return err_field(err, "kind");
}

int step_start_child(struct step *s, const char *kind, json_t *params, struct action_id *ret, struct err *err)
{
	struct action_id id;
	struct start_args args = {
		.kind = action_kind_of(s->executor->opt.kinds, kind),
		.params = params,
		.parent = &s->row.id,
		.id = &id,
		.dry_run = s->dry_run,
	};
	json_t *plan;
	bool existing;

	assert(args.kind);
	if (!action_id_parse(arena_printf(s->arena, "%s.%" PRId64, s->row.id.s, s->row.version + 1), &id))
		return ERR(err, ERR_INTERNAL, "the id of a child of %s is too long", s->row.id.s);
	s->executor->others_due = true;
	return start_in_unit(s->executor, s->unit, s->arena, &args, ret, &existing, &plan, err);
}

/* --- amend --- */

static int amend_refused(const struct action_row *row, struct err *err)
{
	ERR(err, ERR_ILLEGAL_STATE, "nothing about this %s can be changed", row->kind);
	return err_field(err, "id");
}

static int amend_load(struct step *s, const struct action_id *id, struct err *err)
{
	json_t *cp;

	if (action_store_get(s->view, s->arena, id, &s->row, err) != 0)
		return err->code == ERR_NOT_FOUND ? err_field(err, "id") : -1;
	if (action_status_is_final(s->row.status)) {
		ERR(err, ERR_ILLEGAL_STATE, "the action has ended already: %s", action_status_name(s->row.status));
		return err_field(err, "id");
	}
	s->kind = action_kind_of(s->executor->opt.kinds, s->row.kind);
	if (!s->kind || !s->kind->amend || !kind_state(s->kind, s->row.state))
		return amend_refused(&s->row, err);
	if (json_parse(s->arena, bytes_of(s->row.checkpoint), JSON_DEPTH_MAX, &cp, err) != 0)
		return err_context(err, "checkpoint");
	return s->kind->load(s, cp, err);
}

/* As after a step that went on: due now, and its troubles are those of another course. */
static int amend_save(struct step *s, int state, struct err *err)
{
	assert(kind_state(s->kind, state));
	s->row.state = state;
	s->row.status = ACTION_RUNNING;
	s->row.checkpoint = json_text(s->arena, s->kind->save(s));
	s->row.attempts = 0;
	s->row.error_kind = s->row.error_msg = s->row.error_field = NULL;
	s->row.wake_at_ms = s->row.updated_at_ms = s->now_ms;
	if (action_store_save(s->unit, &s->row, true, err) != 0)
		return -1;
	return action_event(s, s->kind, "action.state", err);
}

int executor_amend(struct executor *ex, struct unit *u, struct arena *a, const struct action_id *id, json_t *params,
		   bool dry_run, json_t **ret_plan, struct err *err)
{
	struct step s = {
		.arena = a,
		.view = unit_view(u),
		.unit = u,
		.now_ms = clock_now_ms(),
		.log = log_with_id("executor", id->s),
		.keys = ex->keys,
		.policy = &ex->opt.policy,
		.chain = ex->opt.chain,
		.lightning = ex->opt.lightning,
		.executor = ex,
		.dry_run = dry_run,
		.plan = json_object_in(a),
	};
	json_t *checked;
	int state;

	if (!ex->keys)
		return no_keys(u, a, err);
	if (amend_load(&s, id, err) != 0 || params_check(a, s.kind->amend_params, params, &checked, err) != 0)
		return -1;
	state = s.kind->amend(&s, checked, err);
	if (state < 0 || amend_save(&s, state, err) != 0)
		return -1;
	*ret_plan = s.plan;
	return 0;
}

int step_wake(struct step *s, const struct action_id *id, struct err *err)
{
	if (action_store_wake(s->unit, id, s->now_ms, err) != 0)
		return -1;
	s->executor->others_due = true;
	return 0;
}
