/* A body is read whole, then its entries run one after the other.  An entry that must wait (for a commit, for an action)
 * leaves the loop below; its answer comes back through rpc_finish() and the loop goes on from there.  Entries that do no
 * more than wait for one commit may wait for it together. */
#include "rpc/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "rpc/errors.h"
#include "rpc/first_answer.h"
#include "rpc/state.h"

/* One call's own memory; its answers are made in pages far below this. */
#define CALL_ARENA_MAX (256u << 20)
/* A batch stops running when its answers have grown to this: the largest page must still fit behind it. */
#define BATCH_REPLY_MAX (16u << 20)

struct rpc_body {
	struct rpc_body_options opt;
	struct arena arena;
	json_t *entries; /* an array, or the single call */
	size_t index, count;
	bool batch;
	struct request *first, *last; /* that have begun and are not answered */
	bool looping, abandoned;
	int status;
	size_t answers;
	struct buf reply;
	struct rpc_body *prev, *next; /* all of the server */
};

struct method_stats {
	struct metric *ok, *error, *seconds;
};
struct call_stats {
	struct metric *unknown;
	struct method_stats *methods; /* beside rpc_methods[] */
};

struct call_stats *call_stats_new(void)
{
	struct call_stats *s = calloc(1, sizeof(*s));
	size_t n = 0;

	while (rpc_methods[n])
		n++;
	if (!s || !(s->methods = calloc(n + 1, sizeof(*s->methods))))
		abort();
	s->unknown = metric_counter("walletd_rpc_requests_total", "method=\"unknown\",outcome=\"error\"",
				    "Calls by method and outcome.");
	for (size_t i = 0; i < n; i++) {
		char labels[128];

		snprintf(labels, sizeof(labels), "method=\"%s\",outcome=\"ok\"", rpc_methods[i]->name);
		s->methods[i].ok = metric_counter("walletd_rpc_requests_total", labels, "Calls by method and outcome.");
		snprintf(labels, sizeof(labels), "method=\"%s\",outcome=\"error\"", rpc_methods[i]->name);
		s->methods[i].error = metric_counter("walletd_rpc_requests_total", labels,
						     "Calls by method and outcome.");
		snprintf(labels, sizeof(labels), "method=\"%s\"", rpc_methods[i]->name);
		s->methods[i].seconds = metric_duration("walletd_rpc_seconds", labels,
							"From the start of a call to its answer.");
	}
	return s;
}

void call_stats_free(struct call_stats *s)
{
	if (s)
		free(s->methods);
	free(s);
}

static void count_call(const struct request *r, bool ok)
{
	const struct call_stats *s = r->call.server->stats;
	size_t i = 0;

	if (!r->call.method) {
		metric_inc(s->unknown);
		return;
	}
	while (rpc_methods[i] != r->call.method)
		i++;
	metric_inc(ok ? s->methods[i].ok : s->methods[i].error);
	metric_observe(s->methods[i].seconds, (uint64_t)(clock_mono_us() - r->started_us));
}

/* --- answers --- */

static void write_answer(struct rpc_body *b, const json_t *id, const char *member, const char *text)
{
	struct buf *to = &b->reply;
	char *id_text = id ? json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (id && !id_text)
		abort();
	if (b->batch)
		buf_text_add(to, b->answers ? "," : "[");
	b->answers++;
	buf_text_add(to, "{\"jsonrpc\":\"2.0\",\"id\":");
	buf_text_add(to, id_text ? id_text : "null");
	buf_text_add(to, ",\"");
	buf_text_add(to, member);
	buf_text_add(to, "\":");
	buf_text_add(to, text);
	buf_text_add(to, "}");
	free(id_text);
}

static void body_free(struct rpc_body *b)
{
	if (b->next)
		b->next->prev = b->prev;
	if (b->prev)
		b->prev->next = b->next;
	else
		b->opt.server->bodies = b->next;
	buf_done(&b->reply);
	arena_done(&b->arena);
	free(b);
}

static void body_done(struct rpc_body *b)
{
	if (b->batch && b->answers)
		buf_text_add(&b->reply, "]");
	if (!b->abandoned) {
		if (b->answers)
			buf_text_add(&b->reply, "\n");
		if (!buf_ok(&b->reply))
			abort(); /* every page was bounded */
		b->opt.done(b->opt.ctx, b->answers ? b->status : 204, buf_bytes(&b->reply));
	}
	body_free(b);
}

/* Refuse the whole body: it cannot be told apart into calls. */
static void refuse_body(struct rpc_body *b, int status, enum rpc_error_code code, const char *kind, const char *message,
			const char *hint)
{
	b->status = status;
	write_answer(b, NULL, "error", json_text(&b->arena, rpc_refusal_json(&b->arena, code, kind, message, hint)));
}

/* --- one call --- */

static struct request *request_new(struct rpc_body *b)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->arena = ARENA_LIMIT(CALL_ARENA_MAX);
	r->body = b;
	r->call = (struct rpc_call){
		.arena = &r->arena, .server = b->opt.server, .caller = b->opt.caller, .log = b->opt.server->log
	};
	r->started_us = clock_mono_us();
	if (b->first)
		b->last->next = r;
	else
		b->first = r;
	b->last = r;
	return r;
}

static void unlink_request(struct rpc_body *b, struct request *r)
{
	struct request *before = NULL;

	for (struct request *x = b->first; x != r; x = x->next)
		before = x;
	if (before)
		before->next = r->next;
	else
		b->first = r->next;
	if (b->last == r)
		b->last = before;
}

static void request_free(struct request *r)
{
	unlink_request(r->body, r);
	first_answer_end(r);
	arena_done(&r->arena);
	free(r);
}

static bool body_loop(struct rpc_body *b);

/* Answers leave in the order of the calls.  text lives as long as the call; member NULL: nothing is to be said. */
static void request_end(struct request *r, const char *member, const char *text)
{
	struct rpc_body *b = r->body;

	r->ended = true;
	r->member = member;
	r->text = text;
	while (b->first && b->first->ended) {
		if (b->first->member && !b->abandoned)
			write_answer(b, b->first->id, b->first->member, b->first->text);
		request_free(b->first);
	}
}

static void log_call(const struct request *r, const struct rpc_outcome *o)
{
	const struct rpc_call *call = &r->call;

	if (o->tag == RPC_FAIL && !o->text)
		log_debug(&call->log, "rpc.failed", F_STR("method", call->method->name),
			  F_STR("caller", call->caller.credential), F_ERR(&o->err));
	if (call->method->flags & RPC_MUTATES)
		log_info(&call->log, "rpc.call", F_STR("method", call->method->name),
			 F_STR("caller", call->caller.credential), F_BOOL("ok", o->tag == RPC_OK),
			 F_STR("action", call->action.s), F_INT("us", clock_mono_us() - r->started_us));
}

void request_answer(struct request *r, const struct rpc_outcome *o)
{
	struct rpc_body *b = r->body;
	const char *text = o->text;

	count_call(r, o->tag == RPC_OK);
	log_call(r, o);
	if (o->tag == RPC_FAIL && o->err.code == ERR_FORBIDDEN && !o->text && !b->batch && r->id)
		b->status = 403;
	if (r->id && !b->abandoned && !text)
		text = json_text(&r->arena, o->tag == RPC_OK ? o->result : rpc_error_json(&r->arena, o));
	request_end(r, !r->id ? NULL : o->tag == RPC_OK ? "result" : "error", text);
	if (!b->looping && body_loop(b))
		body_done(b);
}

void rpc_finish(struct rpc_call *call, struct rpc_outcome outcome)
{
	struct request *r = request_of(call);

	r->abandon = NULL;
	if (r->in_handler) {
		r->answered = true;
		r->answer = outcome;
		return;
	}
	first_answer_keep(r, &outcome);
}

struct rpc_outcome rpc_later(struct rpc_call *call, void (*abandon)(struct rpc_call *call))
{
	request_of(call)->abandon = abandon;
	return (struct rpc_outcome){ .tag = RPC_LATER };
}

static int check_scope(const struct rpc_call *call, struct err *err)
{
	if (call->caller.scope >= call->method->scope)
		return 0;
	ERR(err, ERR_FORBIDDEN, "%s needs the scope %s; this caller has %s", call->method->name,
	    rpc_scope_name(call->method->scope), rpc_scope_name(call->caller.scope));
	return err_hint(err, "key.create");
}

/* Has the client left?  It will never read the answer, so what was not begun must not begin. */
static bool client_gone(const struct rpc_body *b)
{
	return b->abandoned || (b->opt.gone && b->opt.gone(b->opt.ctx));
}

void request_run(struct request *r)
{
	struct rpc_call *call = &r->call;
	struct rpc_outcome o = { .tag = RPC_FAIL };
	struct err err;

	r->abandon = NULL;
	if (call->method->flags & RPC_MUTATES) {
		if (client_gone(r->body)) {
			ERR(&err, ERR_CANCELLED, "the client had left before this began; nothing was done");
			o = rpc_fail(&err);
			request_answer(r, &o);
			return;
		}
		/* The rest of a batch: nothing would be there to see its units through. */
		if (call->server->stopping) {
			ERR(&err, ERR_BUSY, "walletd is stopping; this call was not run");
			err_hint(&err, "try again when it is back");
			o = rpc_fail(&err);
			request_answer(r, &o);
			return;
		}
		switch (first_answer_find(r, &o)) {
		case FIRST_ANSWER_FOUND:
			request_answer(r, &o);
			return;
		case FIRST_ANSWER_WAIT:
			return;
		case FIRST_ANSWER_NONE:
			break;
		}
	}
	r->in_handler = true;
	o = call->method->run(call);
	r->in_handler = false;
	if (o.tag == RPC_LATER) {
		if (!r->answered)
			return;
		o = r->answer;
	}
	first_answer_keep(r, &o);
}

/* --- one entry of the body --- */

static const char *const entry_members[] = { "jsonrpc", "id", "method", "params", NULL };

/* What makes an entry no request at all.  *ret_id is set when the id itself was right. */
static int read_entry(json_t *entry, struct request *r, const char **ret_method, json_t **ret_params, struct err *err)
{
	const json_t *version = json_object_get(entry, "jsonrpc");
	json_t *id = json_object_get(entry, "id");
	const char *name;
	json_t *value;

	if (!json_is_object(entry))
		return ERR(err, ERR_PARAM, "a request must be an object");
	if (id && !json_is_string(id) && !json_is_integer(id) && !json_is_null(id))
		return ERR(err, ERR_PARAM, "id must be a string, an integer or null");
	r->id = id;
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0) {
		ERR(err, ERR_PARAM, "only JSON-RPC 2.0 is spoken here, and every request says so");
		return err_hint(err, "add \"jsonrpc\":\"2.0\" to the request");
	}
	json_object_foreach(entry, name, value)
	{
		const char *nearest = nearest_name(name, entry_members);

		if (nearest && strcmp(nearest, name) == 0)
			continue;
		if (strcmp(name, "idempotency_key") == 0)
			ERR(err, ERR_PARAM, "idempotency_key belongs into params");
		else
			ERR(err, ERR_PARAM, "a request has no member of this name");
		return nearest ? err_hint(err, "did you mean %s?", nearest) : -1;
	}
	*ret_method = json_string_value(json_object_get(entry, "method"));
	if (!*ret_method)
		return ERR(err, ERR_PARAM, "method must be a string");
	*ret_params = json_object_get(entry, "params");
	if (*ret_params && !json_is_object(*ret_params) && !json_is_array(*ret_params))
		return ERR(err, ERR_PARAM, "params must be an object or an array");
	return 0;
}

static void refuse_entry(struct request *r, enum rpc_error_code code, const char *kind, const char *message,
			 const char *hint)
{
	count_call(r, false);
	request_end(r, "error",
		    json_text(&r->arena, rpc_refusal_json(&r->arena, code, kind, message, hint[0] ? hint : NULL)));
}

static void refuse_method(struct request *r, const char *name)
{
	const char *names[256];
	const char *nearest;
	char hint[ERR_HINT_MAX] = "help";
	size_t n = 0;

	for (; rpc_methods[n] && n + 1 < ARRAY_LEN(names); n++)
		names[n] = rpc_methods[n]->name;
	names[n] = NULL;
	nearest = strlen(name) <= 64 ? nearest_name(name, names) : NULL;
	if (nearest)
		snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
	if (r->id) {
		refuse_entry(r, RPC_METHOD_NOT_FOUND, "method_not_found", "there is no method of this name", hint);
		return;
	}
	count_call(r, false);
	request_end(r, NULL, NULL);
}

static void entry_run(struct rpc_body *b, json_t *entry)
{
	static const struct param no_params[] = { { 0 } };
	struct request *r = request_new(b);
	json_t *params = NULL;
	const char *name = NULL;
	struct rpc_outcome o;
	struct err err;

	err_clear(&err);
	if (read_entry(entry, r, &name, &params, &err) != 0 || !name) {
		refuse_entry(r, RPC_INVALID_REQUEST, "invalid_request", err.msg, err.hint);
		return;
	}
	if (b->reply.n > BATCH_REPLY_MAX) {
		refuse_entry(r, RPC_BUSY, "busy",
			     "the answers of this batch have grown too large; this call was not run",
			     "send smaller batches");
		return;
	}
	r->call.method = rpc_method_of(name);
	if (!r->call.method) {
		refuse_method(r, name);
		return;
	}
	if (!r->id && (r->call.method->flags & RPC_NO_NOTIFY)) {
		refuse_entry(r, RPC_INVALID_REQUEST, "invalid_request",
			     "this method is not run for a caller who cannot read the answer", "add an id");
		return;
	}
	if (check_scope(&r->call, &err) != 0 ||
	    params_check(&r->arena, r->call.method->params ? r->call.method->params : no_params, params,
			 &r->call.params, &err) != 0) {
		o = rpc_fail(&err);
		request_answer(r, &o);
		return;
	}
	request_run(r);
}

static bool is_grouped(const struct rpc_method *m)
{
	return m && (m->flags & RPC_GROUPED);
}

static bool may_begin(const struct rpc_body *b, const json_t *entry)
{
	const char *name;

	if (!b->first)
		return true;
	name = json_string_value(json_object_get(entry, "method"));
	return is_grouped(b->first->call.method) && name && is_grouped(rpc_method_of(name));
}

/* True when the body has run to its end. */
static bool body_loop(struct rpc_body *b)
{
	b->looping = true;
	while (b->index < b->count && !b->abandoned) {
		json_t *entry = b->batch ? json_array_get(b->entries, b->index) : b->entries;

		if (!may_begin(b, entry))
			break;
		b->index++;
		entry_run(b, entry);
	}
	b->looping = false;
	return !b->first;
}

/* --- the body --- */

static void body_start(struct rpc_body *b)
{
	struct err err;

	b->status = 200;
	if (json_parse(&b->arena, b->opt.text, JSON_DEPTH_MAX, &b->entries, &err) != 0) {
		refuse_body(b, 400, RPC_PARSE_ERROR, "parse_error", err.msg, NULL);
		return;
	}
	if (json_is_array(b->entries) && json_array_size(b->entries) == 0) {
		refuse_body(b, 200, RPC_INVALID_REQUEST, "invalid_request", "an empty batch", NULL);
		return;
	}
	if (json_is_array(b->entries) && json_array_size(b->entries) > RPC_BATCH_MAX) {
		refuse_body(b, 200, RPC_INVALID_REQUEST, "invalid_request",
			    "a batch of more than 100 calls; none was run", "send smaller batches");
		return;
	}
	b->batch = json_is_array(b->entries);
	b->count = b->batch ? json_array_size(b->entries) : 1;
}

struct rpc_body *rpc_body_run(const struct rpc_body_options *opt)
{
	struct rpc_body *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->opt = *opt;
	b->arena = ARENA_LIMIT(CALL_ARENA_MAX);
	b->reply = BUF_CAP(RPC_REPLY_MAX);
	b->next = opt->server->bodies;
	if (b->next)
		b->next->prev = b;
	opt->server->bodies = b;
	body_start(b);
	if (!body_loop(b))
		return b;
	body_done(b);
	return NULL;
}

void rpc_body_abandon(struct rpc_body *b)
{
	struct request *next;

	b->abandoned = true;
	for (struct request *r = b->first; r; r = next) {
		next = r->next;
		if (!r->ended && !r->waits_for_twin && !r->abandon)
			continue;
		if (r->abandon)
			r->abandon(&r->call);
		request_free(r);
	}
	if (!b->first)
		body_free(b);
}

void rpc_bodies_drop(struct rpc_server *server)
{
	while (server->bodies) {
		struct rpc_body *b = server->bodies;

		while (b->first) {
			if (b->first->abandon)
				b->first->abandon(&b->first->call);
			request_free(b->first);
		}
		body_free(b);
	}
}
