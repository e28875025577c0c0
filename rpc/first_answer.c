#include "rpc/first_answer.h"

#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "rpc/errors.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/call_store.h"

static void hash_params(struct request *r, struct hash32 *ret)
{
	json_t *what = json_object_in(r->call.arena);
	const char *name;
	json_t *value;

	json_object_foreach(r->call.params, name, value) json_set(what, name, value);
	json_object_del(what, "idempotency_key");
	json_object_del(what, "wait");
	json_object_del(what, "timeout_s");
	for (const struct param *p = r->call.method->params; p && p->name; p++)
		if (p->type == PARAM_SECRET)
			json_object_del(what, p->name);
	sha256(bytes_of(json_canonical(r->call.arena, what)), ret);
}

/* Another call with the same key that runs, or that is nearer to running. */
static struct request *twin_of(const struct request *r, bool waiting)
{
	struct request *x = r->call.server->keyed;

	while (x && (x == r || x->waits_for_twin != waiting || strcmp(x->key, r->key) != 0 ||
		     strcmp(x->call.caller.credential, r->call.caller.credential) != 0))
		x = x->next_keyed;
	return x;
}

/* The stored text with "replayed": true in the result, or in the error's data. */
static int replay(struct request *r, const struct call_row *row, struct rpc_outcome *ret, struct err *err)
{
	struct arena *a = r->call.arena;
	json_t *stored, *object;

	if (json_parse(a, bytes_of(row->response), JSON_DEPTH_MAX, &stored, err) != 0)
		return err_context(err, "the stored answer to this key");
	/* It was told to this caller once, who may do less by now. */
	if (r->call.caller.scope < RPC_SPEND)
		view_hide_tokens(stored);
	object = json_object_get(stored, "result");
	if (object) {
		json_set_bool(object, "replayed", true);
		*ret = rpc_ok(object);
		return 0;
	}
	object = json_object_get(stored, "error");
	json_set_bool(json_object_get(object, "data"), "replayed", true);
	*ret = (struct rpc_outcome){ .tag = RPC_FAIL, .text = json_text(a, object) };
	return 0;
}

static int find(struct request *r, bool *found, struct rpc_outcome *ret, struct err *err)
{
	struct call_row row;
	int rc = call_store_find(store_view(r->call.server->opt.store), r->call.arena, r->call.caller.credential,
				 r->key, &row, err);

	*found = rc == 1;
	if (rc != 1)
		return rc;
	if (strcmp(row.method, r->call.method->name) == 0 &&
	    memcmp(row.params_hash.b, r->params_hash.b, sizeof(row.params_hash.b)) == 0)
		return replay(r, &row, ret, err);
	ERR(err, ERR_IDEMPOTENCY, "this key was used for another call, of %s; nothing was done now", row.method);
	err_field(err, "idempotency_key");
	err_hint(err, action_id_is_empty(&row.action) ? "use a new key for a new call"
						      : "action.get with this key shows what it did");
	*ret = rpc_fail_action(err, "no",
			       action_id_is_empty(&row.action) ? NULL : arena_strdup(r->call.arena, row.action.s));
	return 0;
}

enum first_answer first_answer_find(struct request *r, struct rpc_outcome *ret)
{
	const char *key = json_string_value(json_object_get(r->call.params, "idempotency_key"));
	struct err err;
	bool found;

	if (!key || json_is_true(json_object_get(r->call.params, "dry_run")))
		return FIRST_ANSWER_NONE;
	if (!text_printable_ascii(key)) {
		ERR(&err, ERR_PARAM, "idempotency_key must be printable ASCII");
		err_field(&err, "idempotency_key");
		*ret = rpc_fail(&err);
		return FIRST_ANSWER_FOUND;
	}
	if (!r->key) {
		r->key = key;
		hash_params(r, &r->params_hash);
		r->next_keyed = r->call.server->keyed;
		r->call.server->keyed = r;
	}
	r->waits_for_twin = twin_of(r, false) != NULL;
	if (r->waits_for_twin)
		return FIRST_ANSWER_WAIT;
	if (find(r, &found, ret, &err) != 0) {
		*ret = rpc_fail(&err);
		found = true;
	}
	r->recorded = found;
	return found ? FIRST_ANSWER_FOUND : FIRST_ANSWER_NONE;
}

static void run_again(void *ctx)
{
	request_run(ctx);
}

void first_answer_end(struct request *r)
{
	struct request **at = &r->call.server->keyed;
	struct request *next;

	if (!r->key)
		return;
	while (*at != r)
		at = &(*at)->next_keyed;
	*at = r->next_keyed;
	loop_unpost(r->call.server->opt.loop, run_again, r);
	next = twin_of(r, true);
	if (next)
		loop_post(r->call.server->opt.loop, run_again, next);
}

static int add_record(struct unit *u, struct request *r, const char *member, json_t *object, struct err *err)
{
	json_t *response = json_object_in(r->call.arena);
	struct call_row row = {
		.credential = r->call.caller.credential,
		.key = r->key,
		.method = r->call.method->name,
		.params_hash = r->params_hash,
		.action = r->call.action,
		.at_ms = clock_now_ms(),
	};

	json_set(response, member, object);
	row.response = json_text(r->call.arena, response);
	if (call_store_add(u, &row, err) == 0)
		return 0;
	/* Only another daemon on the same file can have been faster. */
	if (err->code == ERR_EXISTS)
		return ERR(err, ERR_BUSY, "this key was used a moment ago; the same call again gives that answer");
	return -1;
}

static int keep(struct unit *u, void *ctx, struct err *err)
{
	struct request *r = ctx;

	if (r->answer.tag == RPC_FAIL)
		return add_record(u, r, "error", rpc_error_json(r->call.arena, &r->answer), err);
	return add_record(u, r, "result", r->call.record ? r->call.record : r->answer.result, err);
}

static void kept(void *ctx, const struct err *failed)
{
	struct request *r = ctx;

	if (failed)
		log_warn(&r->call.log, "rpc.answer_not_kept", F_STR("method", r->call.method->name), F_ERR(failed));
	request_answer(r, &r->answer);
}

void first_answer_keep(struct request *r, const struct rpc_outcome *outcome)
{
	struct err err;

	r->answer = *outcome;
	if (!r->key || r->recorded || (outcome->tag == RPC_FAIL && rpc_error_is_retryable(outcome->err.code))) {
		request_answer(r, &r->answer);
		return;
	}
	r->recorded = true;
	if (store_unit(r->call.server->opt.store, keep, r, kept, &err) != 0)
		kept(r, &err);
}

struct mutation {
	int (*fn)(struct unit *u, struct rpc_call *call, json_t **ret_result, struct err *err);
	void (*then)(struct rpc_call *call, json_t *result);
	struct request *r;
	json_t *result;
};

static int mutate(struct unit *u, void *ctx, struct err *err)
{
	struct mutation *m = ctx;
	struct request *r = m->r;

	if (m->fn(u, &r->call, &m->result, err) != 0)
		return -1;
	if (!r->key || r->call.record_at_end)
		return 0;
	return add_record(u, r, "result", r->call.record ? r->call.record : m->result, err);
}

static void mutated(void *ctx, const struct err *failed)
{
	struct mutation *m = ctx;

	if (failed) {
		rpc_finish(&m->r->call, rpc_fail(failed));
		return;
	}
	m->r->recorded = m->r->key && !m->r->call.record_at_end;
	if (m->then)
		m->then(&m->r->call, m->result);
	else
		rpc_finish(&m->r->call, rpc_ok(m->result));
}

struct rpc_outcome rpc_mutate(struct rpc_call *call,
			      int (*fn)(struct unit *u, struct rpc_call *call, json_t **ret_result, struct err *err),
			      void (*then)(struct rpc_call *call, json_t *result))
{
	struct mutation *m = ARENA_NEW(call->arena, struct mutation);
	struct err err;

	*m = (struct mutation){ .fn = fn, .then = then, .r = request_of(call) };
	if (store_unit(call->server->opt.store, mutate, m, mutated, &err) != 0)
		return rpc_fail(&err);
	return rpc_later(call, NULL);
}

void rpc_mutate_later(struct rpc_call *call,
		      int (*fn)(struct unit *u, struct rpc_call *call, json_t **ret_result, struct err *err),
		      void (*then)(struct rpc_call *call, json_t *result))
{
	struct rpc_outcome o = rpc_mutate(call, fn, then);

	if (o.tag == RPC_FAIL)
		rpc_finish(call, o);
}

static int set_response(struct unit *u, void *ctx, struct err *err)
{
	struct request *r = ctx;
	json_t *response = json_object_in(r->call.arena);

	json_set(response, "result", r->answer.result);
	return call_store_set_response(u, r->call.caller.credential, r->key, json_text(r->call.arena, response), err);
}

void rpc_finish_fuller(struct rpc_call *call, json_t *result)
{
	struct request *r = request_of(call);
	struct err err;

	r->answer = rpc_ok(result);
	if (!r->key || store_unit(call->server->opt.store, set_response, r, kept, &err) == 0) {
		if (!r->key)
			rpc_finish(call, r->answer);
		return;
	}
	kept(r, &err);
}
