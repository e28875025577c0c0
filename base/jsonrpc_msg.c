#include "base/jsonrpc_msg.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"

/* --- requests --- */

struct jsonrpc_batch jsonrpc_batch_in(struct arena *a)
{
	return (struct jsonrpc_batch){ .arena = a };
}

size_t jsonrpc_add(struct jsonrpc_batch *b, const char *method, json_t *params)
{
	if (b->n == JSONRPC_BATCH_MAX) {
		b->failed = true;
		return JSONRPC_BATCH_MAX;
	}
	b->calls[b->n] = (struct jsonrpc_call){ .method = method, .params = params };
	return b->n++;
}

static json_t *call_json(struct arena *a, const struct jsonrpc_batch *b, size_t i)
{
	json_t *call = json_object_in(a);

	json_set_str(call, "jsonrpc", "2.0");
	json_set_u64(call, "id", i + 1);
	json_set_str(call, "method", b->calls[i].method);
	json_set(call, "params", b->calls[i].params);
	return call;
}

/* Written to a buffer first: how long the text is, is known only then. */
static int text_in(struct arena *a, const json_t *v, struct bytes *ret, struct err *err)
{
	struct arena scratch = ARENA_LIMIT(SIZE_MAX / 2);
	struct bytes text = bytes_of(json_text(&scratch, v));
	bool fits = arena_room(a, text.n + 1);

	if (fits)
		*ret = arena_bytes(a, text);
	arena_done(&scratch);
	return fits ? 0 : ERR(err, ERR_RANGE, "a request of %zu bytes is too large", text.n);
}

int jsonrpc_encode_one(const struct jsonrpc_batch *b, size_t i, struct bytes *ret, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(4096);

	assert(i < b->n);
	return text_in(b->arena, call_json(&scratch, b, i), ret, err);
}

int jsonrpc_encode(const struct jsonrpc_batch *b, struct bytes *ret, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(4096);
	json_t *list;

	if (b->n == 0 || b->failed)
		return ERR(err, ERR_RANGE, "%s in one request; it takes 1 to %d",
			   b->failed ? "too many calls" : "no calls", JSONRPC_BATCH_MAX);
	if (b->n == 1)
		return jsonrpc_encode_one(b, 0, ret, err);
	list = json_array_in(&scratch);
	for (size_t i = 0; i < b->n; i++)
		json_add(list, call_json(&scratch, b, i));
	return text_in(b->arena, list, ret, err);
}

/* --- replies --- */

static const char *const flaw_texts[JSONRPC_FLAWS] = {
	[JSONRPC_FINE] = "nothing is wrong",
	[JSONRPC_TOO_LARGE] = "the reply is too large",
	[JSONRPC_TOO_DEEP] = "the reply is nested too deep or has too many values",
	[JSONRPC_HTML] = "the reply is a web page",
	[JSONRPC_NOT_JSON] = "the reply is not JSON",
	[JSONRPC_SHAPE] = "the reply is not JSON-RPC",
	[JSONRPC_ONE_ERROR] = "all calls were answered by one error",
	[JSONRPC_FOREIGN_ID] = "the reply has an answer to something else",
	[JSONRPC_TWICE] = "the reply answers a call twice",
	[JSONRPC_MISSING] = "the call has no answer",
	[JSONRPC_VERSION] = "the answer is not of JSON-RPC 2.0",
	[JSONRPC_BOTH] = "the answer has a result and an error",
	[JSONRPC_NEITHER] = "the answer has neither result nor error",
	[JSONRPC_BAD_ERROR] = "the answer's error has no code or no message",
};

const char *jsonrpc_flaw_text(enum jsonrpc_flaw flaw)
{
	assert((unsigned)flaw < JSONRPC_FLAWS);
	return flaw_texts[flaw];
}

/* Whole characters only, and none that a log or a terminal would obey. */
static const char *words(struct arena *a, const json_t *text)
{
	struct bytes v = { (const uint8_t *)json_string_value(text), json_string_length(text) };
	size_t n = 0;
	char *p;

	while (n < v.n) {
		uint32_t c;
		size_t one = utf8_next((struct bytes){ v.p + n, v.n - n }, &c);

		one = one == 0 ? 1 : one; /* a NUL */
		if (n + one > JSONRPC_MESSAGE_MAX)
			break;
		n += one;
	}
	p = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = v.p[i] < 0x20 || v.p[i] == 0x7f ? ' ' : (char)v.p[i];
	return p;
}

static bool error_read(struct arena *a, const json_t *e, struct jsonrpc_error *ret)
{
	const json_t *code = json_object_get(e, "code"), *message = json_object_get(e, "message");
	json_t *data = json_object_get(e, "data");

	if (!json_is_integer(code) || !json_is_string(message))
		return false;
	*ret = (struct jsonrpc_error){
		.code = json_integer_value(code),
		.message = words(a, message),
		.data = json_is_null(data) ? NULL : data,
		.data_text = json_is_string(data) ? words(a, data) : "",
	};
	return true;
}

static bool version_is_fine(const json_t *answer, bool loose)
{
	const json_t *v = json_object_get(answer, "jsonrpc");
	const char *text = json_is_string(v) ? json_string_value(v) : "";

	if (strcmp(text, "2.0") == 0)
		return true;
	return loose && (v == NULL || strcmp(text, "1.0") == 0 || strcmp(text, "1.1") == 0);
}

static void answer_read(struct arena *a, const json_t *v, bool loose, struct jsonrpc_answer *ret)
{
	json_t *result = json_object_get(v, "result"), *error = json_object_get(v, "error");

	if (loose && json_is_null(error))
		error = NULL;
	if (loose && error != NULL && json_is_null(result))
		result = NULL;
	*ret = (struct jsonrpc_answer){ .flaw = JSONRPC_FINE };
	if (!version_is_fine(v, loose))
		ret->flaw = JSONRPC_VERSION;
	else if (result != NULL && error != NULL)
		ret->flaw = JSONRPC_BOTH;
	else if (result != NULL)
		ret->result = result;
	else if (error == NULL)
		ret->flaw = JSONRPC_NEITHER;
	else if (!error_read(a, error, &ret->error))
		ret->flaw = JSONRPC_BAD_ERROR;
}

/* JSON-RPC 2.0, 5: "If there was an error in detecting the id in the Request object, it MUST be Null." */
static bool is_nameless_error(const json_t *v)
{
	const json_t *id = json_object_get(v, "id"), *error = json_object_get(v, "error");

	return (id == NULL || json_is_null(id)) && json_is_object(error);
}

static bool id_is(const json_t *v, json_int_t *ret)
{
	const json_t *id = json_object_get(v, "id");

	*ret = json_integer_value(id);
	return json_is_integer(id);
}

static enum jsonrpc_flaw single_read(struct arena *a, const json_t *v, size_t i, bool loose, struct jsonrpc_reply *ret)
{
	json_int_t id;

	if (!json_is_object(v))
		return JSONRPC_SHAPE;
	if (!is_nameless_error(v) && (!id_is(v, &id) || id != (json_int_t)i + 1))
		return JSONRPC_FOREIGN_ID;
	answer_read(a, v, loose, &ret->answers[0]);
	return JSONRPC_FINE;
}

static enum jsonrpc_flaw list_read(struct arena *a, const json_t *list, bool loose, struct jsonrpc_reply *ret)
{
	bool seen[JSONRPC_BATCH_MAX] = { false };
	size_t n = json_array_size(list);

	for (size_t k = 0; k < n; k++) {
		const json_t *v = json_array_get(list, k);
		json_int_t id;

		if (!json_is_object(v))
			return JSONRPC_SHAPE;
		if (!id_is(v, &id) || id < 1 || id > (json_int_t)ret->n)
			return JSONRPC_FOREIGN_ID;
		if (seen[id - 1])
			return JSONRPC_TWICE;
		seen[id - 1] = true;
		answer_read(a, v, loose, &ret->answers[id - 1]);
	}
	return JSONRPC_FINE;
}

static enum jsonrpc_flaw batch_read(struct arena *a, const json_t *v, bool loose, struct jsonrpc_reply *ret)
{
	const json_t *alone = v;

	if (json_is_array(v) && json_array_size(v) == 1 && is_nameless_error(json_array_get(v, 0)))
		alone = json_array_get(v, 0);
	else if (json_is_array(v))
		return list_read(a, v, loose, ret);
	return error_read(a, json_object_get(alone, "error"), &ret->refusal) ? JSONRPC_ONE_ERROR : JSONRPC_SHAPE;
}

static bool looks_like_html(struct bytes body)
{
	size_t i = 0;

	while (i < body.n && (body.p[i] == ' ' || (body.p[i] >= '\t' && body.p[i] <= '\r')))
		i++;
	return i < body.n && body.p[i] == '<';
}

static enum jsonrpc_flaw parse(struct arena *a, struct bytes body, const struct jsonrpc_rules *rules, json_t **ret)
{
	struct json_rules by = {
		.max_depth = rules->max_depth > 0 ? rules->max_depth : JSON_DEPTH_MAX,
		.max_values = rules->max_values > 0 ? rules->max_values : JSON_VALUES_MAX,
		.escaped_nul = true,
		.reals_as_text = rules->reals_as_text,
	};
	struct err err;

	if (body.n > (rules->max_bytes > 0 ? rules->max_bytes : JSONRPC_REPLY_MAX))
		return JSONRPC_TOO_LARGE;
	if (looks_like_html(body))
		return JSONRPC_HTML;
	if (json_parse_by(a, body, &by, ret, &err) == 0)
		return JSONRPC_FINE;
	return err.code == ERR_RANGE ? JSONRPC_TOO_DEEP : JSONRPC_NOT_JSON;
}

/* A reply that is spoilt has no answers: nobody should be tempted. */
static void decode(struct arena *a, struct bytes body, size_t first, size_t n, const struct jsonrpc_rules *rules,
		   struct jsonrpc_reply *ret)
{
	static const struct jsonrpc_rules strict = { .loose = false };
	const struct jsonrpc_rules *r = rules != NULL ? rules : &strict;
	json_t *v = NULL;

	*ret = (struct jsonrpc_reply){ .n = n, .answers = ARENA_ARRAY(a, n, struct jsonrpc_answer) };
	for (size_t i = 0; i < n; i++)
		ret->answers[i].flaw = JSONRPC_MISSING;
	ret->flaw = parse(a, body, r, &v);
	if (ret->flaw == JSONRPC_FINE)
		ret->flaw = n == 1 ? single_read(a, v, first, r->loose, ret) : batch_read(a, v, r->loose, ret);
	if (ret->flaw != JSONRPC_FINE) {
		ret->answers = NULL;
		ret->n = 0;
	}
}

void jsonrpc_decode(struct arena *a, struct bytes body, size_t n_calls, const struct jsonrpc_rules *rules,
		    struct jsonrpc_reply *ret)
{
	assert(n_calls >= 1 && n_calls <= JSONRPC_BATCH_MAX);
	decode(a, body, 0, n_calls, rules, ret);
}

void jsonrpc_decode_one(struct arena *a, struct bytes body, size_t i, const struct jsonrpc_rules *rules,
			struct jsonrpc_reply *ret)
{
	assert(i < JSONRPC_BATCH_MAX);
	decode(a, body, i, 1, rules, ret);
}

int jsonrpc_result(const struct jsonrpc_answer *answer, json_t **ret, struct err *err)
{
	if (answer->flaw != JSONRPC_FINE)
		return ERR(err, ERR_PEER_INVALID, "%s", jsonrpc_flaw_text(answer->flaw));
	if (answer->result == NULL) {
		ERR(err, ERR_PEER, "%s", answer->error.message);
		if (answer->error.code >= INT_MIN && answer->error.code <= INT_MAX)
			err->peer_code = (int)answer->error.code;
		return -1;
	}
	*ret = answer->result;
	return 0;
}
