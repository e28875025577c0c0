#include "rpc/views.h"

#include <string.h>

#include "actions/executor.h"
#include "rpc/state.h"
#include "store/credential_store.h"

void view_hide_tokens(json_t *v)
{
	const char *name;
	json_t *member;
	size_t i;

	if (json_is_object(v)) {
		if (json_object_get(v, "token")) {
			json_object_del(v, "token");
			json_set_bool(v, "token_hidden", true);
		}
		json_object_foreach(v, name, member) view_hide_tokens(member);
	}
	json_array_foreach(v, i, member) view_hide_tokens(member);
}

/* Stored JSON was written by us; if it cannot be read, say so in its place rather than hide the whole row. */
static json_t *stored_json(struct arena *a, const char *text, bool secrets)
{
	struct err err;
	json_t *v;

	if (!text)
		return NULL;
	if (json_parse(a, bytes_of(text), JSON_DEPTH_MAX, &v, &err) != 0) {
		v = json_object_in(a);
		json_set_str(v, "unreadable", err.msg);
		return v;
	}
	if (!secrets)
		view_hide_tokens(v);
	return v;
}

static void set_or_null(json_t *obj, const char *name, json_t *v)
{
	if (v)
		json_set(obj, name, v);
	else
		json_set_take(obj, name, json_null());
}

static json_t *action_error(struct arena *a, const struct action_row *row)
{
	json_t *error;

	if (!row->error_kind)
		return NULL;
	error = json_object_in(a);
	json_set_str(error, "kind", row->error_kind);
	json_set_str(error, "message", row->error_msg ? row->error_msg : "");
	json_set_int(error, "attempts", row->attempts);
	if (row->error_field && row->error_field[0])
		json_set_str(error, "field", row->error_field);
	return error;
}

/* A key with a budget would not be kept to it by a list of everybody's tokens: it sees those that it paid for. */
static bool shows_secrets(struct executor *ex, const struct action_row *row, const struct rpc_caller *caller)
{
	struct err err;

	if (caller->scope < RPC_SPEND)
		return false;
	if (caller->budget_hour_sat < 0 && caller->budget_day_sat < 0)
		return true;
	return credential_spent_on(store_view(executor_store(ex)), caller->key_id, &row->id, &err) == 1;
}

json_t *view_action(struct arena *a, struct executor *ex, const struct action_row *row, const struct rpc_caller *caller)
{
	bool secrets = shows_secrets(ex, row, caller);
	json_t *obj = json_object_in(a);

	json_set_str(obj, "id", row->id.s);
	json_set_str(obj, "kind", row->kind);
	json_set_str(obj, "status", action_status_name(row->status));
	json_set_str(obj, "state", executor_state_name(ex, row));
	json_set_int(obj, "version", row->version);
	json_set_str(obj, "parent_id", action_id_is_empty(&row->parent) ? NULL : row->parent.s);
	set_or_null(obj, "params", stored_json(a, row->params, secrets));
	/* While it lives, the result is what it has to show already: an invoice to pay, a token to hand over. */
	set_or_null(obj, "result",
		    row->result ? stored_json(a, row->result, secrets) : executor_progress(ex, a, row, secrets));
	set_or_null(obj, "error", action_error(a, row));
	if (row->wake_at_ms == ACTION_NO_WAKE || action_status_is_final(row->status))
		json_set_take(obj, "wake_at_ms", json_null());
	else
		json_set_int(obj, "wake_at_ms", row->wake_at_ms);
	json_set_int(obj, "created_at_ms", row->created_at_ms);
	json_set_int(obj, "updated_at_ms", row->updated_at_ms);
	json_set_bool(obj, "cancellable", executor_cancellable(ex, row));
	if (row->status == ACTION_UNCERTAIN) {
		/* No block or hour decides it: the peer's own answer does, and it is asked until it comes. */
		json_set_take(obj, "resolves_by", json_null());
		json_set_bool(obj, "safe_to_retry", false);
	}
	if (row->funds_moved)
		json_set_str(obj, "funds_moved", row->funds_moved);
	return obj;
}

int view_action_of_call(const struct rpc_call *call, struct view v, json_t **ret, struct err *err)
{
	struct action_row row;

	if (action_store_get(v, call->arena, &call->action, &row, err) != 0)
		return -1;
	*ret = view_action(call->arena, call->server->opt.executor, &row, &call->caller);
	return 0;
}

struct rpc_outcome view_action_failure(struct arena *a, const struct action_row *row)
{
	struct err err;

	err_clear(&err);
	ERR(&err, row->error_kind ? err_code_of(row->error_kind) : ERR_INTERNAL, "%s",
	    row->error_msg ? row->error_msg : "the action ended without a reason");
	if (row->error_field && row->error_field[0])
		err_field(&err, row->error_field);
	err_hint(&err, "action.explain");
	return rpc_fail_action(&err, row->funds_moved ? row->funds_moved : "unknown", arena_strdup(a, row->id.s));
}

json_t *view_event(struct arena *a, const struct event *e, const struct rpc_caller *caller)
{
	json_t *obj = json_object_in(a);

	json_set_int(obj, "seq", e->seq);
	json_set_int(obj, "at_ms", e->at_ms);
	json_set_str(obj, "kind", e->kind);
	json_set_str(obj, "subject", e->subject);
	set_or_null(obj, "data", stored_json(a, e->data, caller->scope >= RPC_SPEND));
	return obj;
}

static bool is_ours(enum account acc)
{
	switch (acc) {
	case ACCOUNT_SPENDABLE:
	case ACCOUNT_LOCKED:
	case ACCOUNT_SENT:
	case ACCOUNT_EXITING:
		return true;
	case ACCOUNT_PENDING:
	case ACCOUNT_FEES:
	case ACCOUNT_OUTSIDE:
	case ACCOUNT_INVALID:
		return false;
	}
	return false;
}

json_t *view_movement(struct arena *a, const struct movement_row *row)
{
	json_t *obj = json_object_in(a), *entries = json_object_in(a);
	char txid[TXID_TEXT];

	if (row->has_txid)
		txid_text(&row->txid, txid);
	json_set_int(obj, "id", row->id);
	json_set_int(obj, "at_ms", row->at_ms);
	json_set_str(obj, "rail", row->rail);
	json_set_str(obj, "kind", row->kind);
	json_set_str(obj, "action_id", action_id_is_empty(&row->action) ? NULL : row->action.s);
	json_set_str(obj, "mint", row->mint_url);
	json_set_str(obj, "txid", row->has_txid ? txid : NULL);
	json_set_str(obj, "unit", row->unit.s);
	json_set_int(obj, "amount", row->amount);
	json_set_int(obj, "fee", row->fee);
	json_set_int(obj, "balance", row->balance);
	json_set_str(obj, "note", row->note);
	for (enum account acc = ACCOUNT_SPENDABLE; acc <= ACCOUNT_MAX; acc++)
		if (row->delta[acc] != 0)
			json_set_int(entries, account_name(acc), row->delta[acc]);
	json_set(obj, "entries", entries);
	return obj;
}

/* Over all mints there may be more than can be counted: a mint signs what it likes. */
static int64_t sum_of(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void add_to(json_t *obj, const char *name, int64_t v)
{
	json_set_int(obj, name, sum_of(json_integer_value(json_object_get(obj, name)), v));
}

static json_t *member_object(struct arena *a, json_t *obj, const char *name)
{
	json_t *v = json_object_get(obj, name);

	if (!v) {
		v = json_object_in(a);
		json_set(obj, name, v);
	}
	return v;
}

static void add_totals(json_t *bucket, const struct account_total *t)
{
	static const enum account shown[] = { ACCOUNT_SPENDABLE, ACCOUNT_PENDING, ACCOUNT_LOCKED, ACCOUNT_SENT,
					      ACCOUNT_EXITING };
	int64_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		if (shown[i] == ACCOUNT_EXITING && strcmp(t->rail, RAIL_ARK) != 0)
			continue; /* nothing else goes through an exit */
		add_to(bucket, account_name(shown[i]), t->total[shown[i]]);
		if (is_ours(shown[i]))
			total = sum_of(total, t->total[shown[i]]);
	}
	add_to(bucket, "total", total);
}

int view_balances(struct arena *a, struct view v, bool with_mints, json_t **ret, struct err *err)
{
	json_t *rails = json_object_in(a);
	struct account_total *totals;
	size_t n;

	if (movement_totals(v, a, &totals, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_t *unit = member_object(a, member_object(a, rails, totals[i].rail), totals[i].unit.s);

		add_totals(unit, &totals[i]);
		if (with_mints && totals[i].mint_url)
			add_totals(member_object(a, member_object(a, unit, "mints"), totals[i].mint_url), &totals[i]);
	}
	*ret = rails;
	return 0;
}
