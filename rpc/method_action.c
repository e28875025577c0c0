#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "actions/executor.h"
#include "base/clock.h"
#include "rpc/action_wait.h"
#include "rpc/auth.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/call_store.h"

/* What a key of the scope receive may start: money can only come in by these. */
static const char *const receive_kinds[] = { "cashu_issue", "cashu_receive" };

static bool kind_receives(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(receive_kinds); i++)
		if (strcmp(receive_kinds[i], kind) == 0)
			return true;
	return false;
}

static json_t *action_json(const struct rpc_call *call, const struct action_row *row)
{
	return view_action(call->arena, call->server->opt.executor, row, &call->caller);
}

/* --- action.kinds --- */

static json_t *kind_json(struct arena *a, const struct action_kind *k)
{
	json_t *obj = json_object_in(a), *states = json_array_in(a);

	json_set_str(obj, "kind", k->name);
	json_set_str(obj, "summary", k->summary);
	json_set_str(obj, "scope", rpc_scope_name(kind_receives(k->name) ? RPC_RECEIVE : RPC_SPEND));
	json_set(obj, "params", params_schema(a, k->params));
	for (int i = 1; i < k->n_states; i++)
		if (k->states[i].name)
			json_add_take(states, json_string(k->states[i].name));
	json_set(obj, "states", states);
	return obj;
}

static struct rpc_outcome action_kinds_run(struct rpc_call *call)
{
	const struct action_kind *const *kinds = executor_kinds(call->server->opt.executor);
	json_t *result = json_object_in(call->arena), *list = json_array_in(call->arena);

	for (; *kinds; kinds++)
		if (!(*kinds)->internal)
			json_add(list, kind_json(call->arena, *kinds));
	json_set(result, "kinds", list);
	return rpc_ok(result);
}

static const struct rpc_field action_kinds_result[] = {
	{ "kinds", "array", "kind, summary, scope that may start it, params (JSON Schema), states." },
	{ 0 },
};
const struct rpc_method method_action_kinds = {
	.name = "action.kinds",
	.scope = RPC_READ,
	.result = action_kinds_result,
	.help = "What action.start can start.",
	.run = action_kinds_run,
};

/* --- action.start --- */

static int check_start(const struct rpc_call *call, const char *kind, json_t *params, struct err *err)
{
	if (call->caller.scope >= RPC_SPEND)
		return 0;
	if (!kind_receives(kind)) {
		ERR(err, ERR_FORBIDDEN, "%.40s needs the scope spend; this caller has %s", kind,
		    rpc_scope_name(call->caller.scope));
		return err_field(err, "kind");
	}
	/* Whose ecash is taken for money is no question for a till. */
	if (json_is_true(json_object_get(params, "trust"))) {
		ERR(err, ERR_FORBIDDEN, "to trust a new mint needs the scope spend; this caller has %s",
		    rpc_scope_name(call->caller.scope));
		err_hint(err, "mint.add, by a caller of that scope");
		return err_field(err, "trust");
	}
	return 0;
}

static int charge(struct unit *u, const struct rpc_call *call, const char *kind, const struct action_id *id,
		  const json_t *plan, struct err *err)
{
	const json_t *spend = json_object_get(plan, "spend_sat");
	const char *unit = json_string_value(json_object_get(plan, "unit"));
	bool budget = call->caller.budget_hour_sat >= 0 || call->caller.budget_day_sat >= 0;

	if (budget && !spend && !kind_receives(kind) && unit && strcmp(unit, "sat") != 0)
		return ERR(err, ERR_BUDGET, "this key's budget is in sat, and %s cannot be counted against it", unit);
	if (!spend)
		return 0;
	return auth_spend(u, &call->caller, id, (uint64_t)json_integer_value(spend), clock_now_ms(), err);
}

static int start_row(struct unit *u, struct rpc_call *call, struct action_id *ret_id, json_t **ret_plan,
		     struct err *err)
{
	const char *kind = rpc_param_str(call, "kind");
	struct action_request req = {
		.kind = kind,
		.params = json_object_get(call->params, "params"),
		.dry_run = rpc_param_bool(call, "dry_run"),
	};
	bool existing;

	if (check_start(call, kind, req.params, err) != 0 ||
	    executor_start(call->server->opt.executor, u, call->arena, &req, ret_id, &existing, ret_plan, err) != 0)
		return -1;
	return existing ? 0 : charge(u, call, kind, ret_id, *ret_plan, err);
}

static int start(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	json_t *plan;

	return start_row(u, call, &call->action, &plan, err) != 0 ? -1
								  : view_action_of_call(call, unit_view(u), ret, err);
}

struct rehearsal {
	struct rpc_call *call;
	json_t *plan;
};

static int rehearse(struct unit *u, void *ctx, struct err *err)
{
	struct rehearsal *r = ctx;
	struct action_id id;

	return start_row(u, r->call, &id, &r->plan, err);
}

static struct rpc_outcome dry_run(struct rpc_call *call)
{
	struct rehearsal r = { .call = call };
	json_t *result = json_object_in(call->arena);
	struct err err;

	if (store_rehearse(call->server->opt.store, rehearse, &r, &err) != 0)
		return rpc_fail(&err);
	json_set_bool(result, "dry_run", true);
	json_set_str(result, "kind", rpc_param_str(call, "kind"));
	json_set(result, "plan", r.plan);
	return rpc_ok(result);
}

static struct rpc_outcome action_start(struct rpc_call *call)
{
	if (rpc_param_bool(call, "dry_run"))
		return dry_run(call);
	return rpc_mutate(call, start, action_wait_then_answer);
}

static const struct param action_start_params[] = {
	{ .name = "kind",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = 64,
	  .help = "One of action.kinds." },
	{ .name = "params", .type = PARAM_OBJECT, .fallback = "{}", .help = "As action.kinds says for the kind." },
	{ .name = "dry_run",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Only tell what would happen: fee, what remains, what would fail. Nothing is kept, no key is used up." },
	WAIT_PARAMS,
	RPC_KEY_PARAM,
	{ 0 },
};
#define ACTION_FIELDS                                                                                                  \
	{ "id", "string", "Stable for ever." }, { "kind", "string", "One of action.kinds." },                          \
		{ "status", "string", "running, parked, uncertain, done, failed or cancelled." },                      \
		{ "state", "string", "Where in its kind's course it is." },                                            \
		{ "version", "integer", "Grows with every step." },                                                    \
		{ "parent_id", "string", "The action that started it, or null." },                                     \
		{ "params", "object", "As started. Tokens are shown to the scope spend only." },                       \
		{ "result", "object", "What came of it, when done; else null." },                                      \
		{ "error", "object", "kind, message and attempts of the last trouble or of the failure, or null." },   \
		{ "wake_at_ms", "integer", "When it goes on by itself, or null." },                                    \
		{ "created_at_ms", "integer", "Unix time in ms." },                                                    \
		{ "updated_at_ms", "integer", "Unix time in ms." },                                                    \
		{ "cancellable", "boolean", "Can action.cancel be expected to work?" },                                \
		{ "funds_moved", "string", "no, yes or unknown, when it has ended." },                                 \
		{ "resolves_by", "object",                                                                             \
		  "When uncertain: the height or time that decides it; null: the peer's answer does." },               \
	{                                                                                                              \
		"safe_to_retry", "boolean", "When uncertain: may the same be started anew?"                            \
	}
static const struct rpc_field action_fields[] = { ACTION_FIELDS, { 0 } };
const struct rpc_method method_action_start = {
	.name = "action.start",
	.scope = RPC_RECEIVE,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = action_start_params,
	.result = action_fields,
	.help = "Starts an action: everything that moves money is one. The row is durable before anything is sent, and"
		" the answer names it. With dry_run: dry_run, kind and plan.",
	.example =
		"{\"kind\":\"cashu_send\",\"params\":{\"amount\":300},\"idempotency_key\":\"order-1\",\"wait\":\"park\"}",
	.run = action_start,
};

/* --- which one --- */

/* By id, or by the key that it was started with. */
static int find_id(const struct rpc_call *call, const char *key_param, struct action_id *ret, struct err *err)
{
	const char *id = rpc_param_str(call, "id"), *key = key_param ? rpc_param_str(call, key_param) : NULL;
	struct call_row row;
	int rc;

	if (id && !key) {
		if (action_id_parse(id, ret))
			return 0;
		ERR(err, ERR_PARAM, "this is no id of an action");
		return err_field(err, "id");
	}
	if (!key || id) {
		ERR(err, ERR_PARAM, key_param ? "give either id or idempotency_key" : "id is required");
		return err_field(err, "id");
	}
	rc = call_store_find(store_view(call->server->opt.store), call->arena, call->caller.credential, key, &row, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || action_id_is_empty(&row.action)) {
		ERR(err, ERR_NOT_FOUND, "this caller has started no action with this key");
		return err_field(err, "idempotency_key");
	}
	*ret = row.action;
	return 0;
}

static int find_row(const struct rpc_call *call, const struct action_id *id, struct action_row *ret, struct err *err)
{
	if (action_store_get(store_view(call->server->opt.store), call->arena, id, ret, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND) {
		err_hint(err, "action.list");
		err_field(err, "id");
	}
	return -1;
}

/* --- action.get --- */

static int add_transitions(const struct rpc_call *call, const struct action_row *row, json_t *to, struct err *err)
{
	json_t *list = json_array_in(call->arena);
	struct action_transition *ts;
	size_t n;

	if (action_store_transitions(store_view(call->server->opt.store), call->arena, row->seq, &ts, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct action_row then = { .kind = row->kind, .state = ts[i].state };
		json_t *t = json_object_in(call->arena);

		json_set_int(t, "version", ts[i].version);
		json_set_int(t, "at_ms", ts[i].at_ms);
		json_set_str(t, "state", executor_state_name(call->server->opt.executor, &then));
		json_set_str(t, "status", action_status_name(ts[i].status));
		json_set_str(t, "note", ts[i].note);
		json_add(list, t);
	}
	json_set(to, "transitions", list);
	return 0;
}

static struct rpc_outcome tell(struct rpc_call *call, const struct action_id *id)
{
	struct action_row row;
	struct err err;
	json_t *result;

	if (find_row(call, id, &row, &err) != 0)
		return rpc_fail(&err);
	result = action_json(call, &row);
	if (add_transitions(call, &row, result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static void tell_later(struct rpc_call *call, const struct action_id *id)
{
	rpc_finish(call, tell(call, id));
}

static struct rpc_outcome action_get(struct rpc_call *call)
{
	enum wait_for what = action_wait_param(call);
	struct action_row row;
	struct action_id id;
	struct err err;

	if (find_id(call, "idempotency_key", &id, &err) != 0 || find_row(call, &id, &row, &err) != 0)
		return rpc_fail(&err);
	if (what == WAIT_NONE || action_status_is_final(row.status))
		return tell(call, &id);
	return action_wait(call, &id, what, rpc_param_int(call, "timeout_s", WAIT_TIMEOUT_S) * 1000, tell_later);
}

static const struct param action_get_params[] = {
	{ .name = "id", .type = PARAM_STRING, .min = 1, .max = ACTION_ID_MAX, .help = "Its id." },
	{ .name = "idempotency_key",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 128,
	  .help = "Or the key that this caller started it with." },
	WAIT_PARAMS,
	{ 0 },
};
static const struct rpc_field action_get_result[] = {
	ACTION_FIELDS,
	{ "transitions", "array", "version, at_ms, state, status and note of each step so far." },
	{ 0 },
};
const struct rpc_method method_action_get = {
	.name = "action.get",
	.scope = RPC_READ,
	.params = action_get_params,
	.result = action_get_result,
	.help = "One action with its course so far; can wait until it parks or ends.",
	.example = "{\"id\":\"0190b6f2-7c1e-7d30-8a55-1f0c2b9d4e11\",\"wait\":\"done\",\"timeout_s\":120}",
	.run = action_get,
};

/* --- action.list --- */

struct page {
	const struct rpc_call *call;
	json_t *rows;
	int64_t last;
	unsigned n;
};

static void add_row(void *ctx, const struct action_row *row)
{
	struct page *page = ctx;

	json_add(page->rows, action_json(page->call, row));
	page->last = row->seq;
	page->n++;
}

static enum action_filter filter_of(const char *text)
{
	if (!text || strcmp(text, "all") == 0)
		return ACTIONS_ALL;
	if (strcmp(text, "active") == 0)
		return ACTIONS_ACTIVE;
	return strcmp(text, "done") == 0 ? ACTIONS_DONE : ACTIONS_FAILED;
}

static struct rpc_outcome action_list(struct rpc_call *call)
{
	unsigned limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT), before;
	struct action_query q = {
		.kind = rpc_param_str(call, "kind"),
		.filter = filter_of(rpc_param_str(call, "status")),
	};
	struct page page = { .call = call, .rows = json_array_in(call->arena) };
	json_t *result = json_object_in(call->arena);
	bool more = true;
	struct err err;

	if (rpc_param_cursor(call, &q.before_seq, &err) != 0)
		return rpc_fail(&err);
	while (more && page.n < limit && call->arena->used < PAGE_BYTES) {
		before = page.n;
		q.limit = limit - before < 20 ? limit - before : 20;
		if (action_store_list(store_view(call->server->opt.store), call->arena, &q, add_row, &page, &err) < 0)
			return rpc_fail(&err);
		more = page.n - before == q.limit;
		q.before_seq = page.last;
	}
	json_set(result, "actions", page.rows);
	rpc_set_next(result, more ? page.last : 0);
	return rpc_ok(result);
}

static const struct param action_list_params[] = {
	{ .name = "kind", .type = PARAM_STRING, .min = 1, .max = 64, .fallback = "all", .help = "Only this kind." },
	{ .name = "status",
	  .type = PARAM_ENUM,
	  .choices = "active|done|failed|all",
	  .fallback = "all",
	  .help = "active has not ended; failed includes cancelled." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field action_list_result[] = {
	{ "actions", "array", "Newest first, each as in action.get but without its transitions." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_action_list = {
	.name = "action.list",
	.scope = RPC_READ,
	.params = action_list_params,
	.result = action_list_result,
	.help = "Actions, newest first.",
	.example = "{\"status\":\"active\"}",
	.run = action_list,
};

/* --- action.cancel, action.wake --- */

static void cancelled(void *ctx, const struct err *why_not)
{
	struct rpc_call *call = ctx;
	struct action_row row;
	struct err err;

	if (why_not)
		rpc_finish(call, rpc_fail_action(why_not, "no", call->action.s));
	else if (find_row(call, &call->action, &row, &err) != 0)
		rpc_finish(call, rpc_fail_action(&err, "unknown", call->action.s));
	else
		rpc_finish(call, rpc_ok(action_json(call, &row)));
}

static struct rpc_outcome action_cancel(struct rpc_call *call)
{
	struct action_row row;
	struct err err;

	if (find_id(call, NULL, &call->action, &err) != 0 || find_row(call, &call->action, &row, &err) != 0)
		return rpc_fail(&err);
	struct rpc_outcome later = rpc_later(call, NULL);
	executor_cancel(call->server->opt.executor, &call->action, cancelled, call);
	return later;
}

static const struct param action_cancel_params[] = {
	{ .name = "id",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = ACTION_ID_MAX,
	  .help = "Its id." },
	RPC_KEY_PARAM,
	{ 0 },
};
const struct rpc_method method_action_cancel = {
	.name = "action.cancel",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES,
	.params = action_cancel_params,
	.result = action_fields,
	.help = "Cancels an action where that is possible. It may go on for a while to undo itself: its status tells.",
	.example = "{\"id\":\"0190b6f2-7c1e-7d30-8a55-1f0c2b9d4e11\"}",
	.run = action_cancel,
};

static struct rpc_outcome action_wake(struct rpc_call *call)
{
	struct action_row row;
	struct action_id id;
	struct err err;

	if (find_id(call, "idempotency_key", &id, &err) != 0 || find_row(call, &id, &row, &err) != 0)
		return rpc_fail(&err);
	if (action_status_is_final(row.status)) {
		ERR(&err, ERR_EXISTS, "the action has ended: %s", action_status_name(row.status));
		err_hint(&err, "action.get");
		return rpc_fail_action(&err, "no", arena_strdup(call->arena, id.s));
	}
	if (executor_wake(call->server->opt.executor, &id, &err) != 0)
		return rpc_fail_action(&err, "no", arena_strdup(call->arena, id.s));
	return rpc_ok(action_json(call, &row));
}

static const struct param action_wake_params[] = {
	{ .name = "id", .type = PARAM_STRING, .min = 1, .max = ACTION_ID_MAX, .help = "Its id." },
	{ .name = "idempotency_key",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 128,
	  .help = "Or the key that this caller started it with." },
	{ 0 },
};
const struct rpc_method method_action_wake = {
	.name = "action.wake",
	.scope = RPC_RECEIVE,
	.params = action_wake_params,
	.result = action_fields,
	.help = "Drives a parked action now, whatever its wake time: after the peer is back, or an invoice was paid.",
	.example = "{\"id\":\"0190b6f2-7c1e-7d30-8a55-1f0c2b9d4e11\"}",
	.run = action_wake,
};

/* --- action.explain --- */

static const char *time_text(struct arena *a, int64_t at_ms)
{
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;
	char text[40];

	if (!gmtime_r(&at, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		return "an unknown time";
	return arena_strdup(a, text);
}

static void sentence(json_t *story, const char *text)
{
	json_add_take(story, json_string(text));
}

static const char *status_words(enum action_status s)
{
	switch (s) {
	case ACTION_RUNNING:
		return "it is being worked on";
	case ACTION_PARKED:
		return "it waits";
	case ACTION_UNCERTAIN:
		return "it is not known whether its last request acted";
	case ACTION_DONE:
		return "it is done";
	case ACTION_FAILED:
		return "it failed";
	case ACTION_CANCELLED:
		return "it was cancelled";
	}
	return "";
}

static void tell_course(const struct rpc_call *call, const struct action_row *row, json_t *story,
			const struct action_transition *ts, size_t n)
{
	struct executor *ex = call->server->opt.executor;

	for (size_t i = 0; i < n; i++) {
		struct action_row then = { .kind = row->kind, .state = ts[i].state };

		sentence(story, arena_printf(call->arena, "%s: %s (state %s%s%s).", time_text(call->arena, ts[i].at_ms),
					     status_words(ts[i].status), executor_state_name(ex, &then),
					     ts[i].note ? ", " : "", ts[i].note ? ts[i].note : ""));
	}
}

static void tell_end(const struct rpc_call *call, const struct action_row *row, json_t *story)
{
	struct arena *a = call->arena;
	const char *says = executor_explain(call->server->opt.executor, a, row);

	if (says && says[0])
		sentence(story, says);
	if (row->error_msg)
		sentence(story, arena_printf(a, "%s: %s%s",
					     action_status_is_final(row->status) ? "The reason" : "The last trouble",
					     row->error_msg,
					     row->attempts ? arena_printf(a, " (%u tries).", row->attempts) : "."));
	if (row->status == ACTION_UNCERTAIN)
		sentence(story, "Do not start the same anew: this one asks again until it has an answer, and no coin is"
				" freed before that.");
	if (action_status_is_final(row->status)) {
		if (row->funds_moved)
			sentence(story, strcmp(row->funds_moved, "no") == 0 ? "No money has moved."
					: strcmp(row->funds_moved, "yes") == 0
						? "Money has moved."
						: "Whether money has moved is not known.");
		return;
	}
	if (row->wake_at_ms == ACTION_NO_WAKE)
		sentence(story, "It goes on when something it waits for happens; action.wake makes it look now.");
	else
		sentence(story, arena_printf(a, "It goes on at %s; action.wake makes it go on now.",
					     time_text(a, row->wake_at_ms)));
}

static struct rpc_outcome action_explain(struct rpc_call *call)
{
	struct executor *ex = call->server->opt.executor;
	json_t *result = json_object_in(call->arena), *story = json_array_in(call->arena);
	const struct action_kind *kind;
	struct action_transition *ts;
	struct action_row row;
	struct action_id id;
	struct err err;
	size_t n;

	if (find_id(call, "idempotency_key", &id, &err) != 0 || find_row(call, &id, &row, &err) != 0 ||
	    action_store_transitions(store_view(call->server->opt.store), call->arena, row.seq, &ts, &n, &err) != 0)
		return rpc_fail(&err);
	kind = action_kind_of(executor_kinds(ex), row.kind);
	sentence(story,
		 arena_printf(call->arena, "%s: %s", row.kind, kind ? kind->summary : "a kind of another version."));
	sentence(story, arena_printf(call->arena, "Started %s%s%s.", time_text(call->arena, row.created_at_ms),
				     action_id_is_empty(&row.parent) ? "" : " by action ", row.parent.s));
	tell_course(call, &row, story, ts, n);
	tell_end(call, &row, story);
	json_set_str(result, "id", row.id.s);
	json_set_str(result, "status", action_status_name(row.status));
	json_set(result, "story", story);
	return rpc_ok(result);
}

static const struct rpc_field action_explain_result[] = {
	{ "id", "string", "Its id." },
	{ "status", "string", "As in action.get." },
	{ "story", "array", "Sentences: what it is, what happened when, what happens next." },
	{ 0 },
};
const struct rpc_method method_action_explain = {
	.name = "action.explain",
	.scope = RPC_READ,
	.params = action_wake_params,
	.result = action_explain_result,
	.help = "The story of an action in plain sentences.",
	.example = "{\"id\":\"0190b6f2-7c1e-7d30-8a55-1f0c2b9d4e11\"}",
	.run = action_explain,
};
