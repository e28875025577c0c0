#include "rpc/walletctl/client.h"

#include <stdlib.h>

#include "base/net/http.h"

#define REPLY_MAX ((size_t)64 * 1024 * 1024)

struct client {
	const struct endpoint *at;
	struct loop *loop;
	struct http *http;
	int64_t id;
};

int client_new(const struct endpoint *e, struct client **ret, struct err *err)
{
	static const struct http_options plain = { 0 };
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		err_fatal("out of memory");
	c->at = e;
	if (loop_new(&c->loop, err) != 0 || http_new(c->loop, &plain, &c->http, err) != 0) {
		client_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	if (c->http)
		http_free(c->http);
	if (c->loop)
		loop_free(c->loop);
	free(c);
}

/* --- the exchange --- */

struct exchange {
	struct arena *arena;
	struct loop *loop;
	struct net_reply reply;
	bool done;
};

static void on_reply(void *ctx, const struct net_reply *reply)
{
	struct exchange *x = ctx;

	x->reply = *reply;
	x->reply.content_type = NULL; /* it ends with this call, and the body says by itself what it is */
	if (reply->outcome == NET_ANSWERED)
		x->reply.body = arena_bytes(x->arena, reply->body);
	x->done = true;
	loop_stop(x->loop);
}

static int exchange(struct client *c, struct arena *a, const char *body, int64_t timeout_ms, bool changes_state,
		    struct net_reply *ret, struct err *err)
{
	struct net_request req = {
		.method = "POST",
		.url = c->at->url,
		.unix_socket = c->at->socket,
		.content_type = "application/json",
		.body = bytes_of(body),
		.timeout_ms = timeout_ms,
		.max_reply = REPLY_MAX,
		.changes_state = changes_state,
	};
	struct exchange x = { .arena = a, .loop = c->loop };

	if (c->at->authorization)
		req.headers[req.n_headers++] = (struct http_header){ "Authorization", c->at->authorization };
	http_submit(c->http, &req, on_reply, &x);
	if (loop_run(c->loop, err) != 0)
		return -1;
	if (!x.done)
		return ERR(err, ERR_INTERNAL, "the loop ended without an answer");
	*ret = x.reply;
	return 0;
}

/* --- what it means --- */

static struct answer unreached(const struct err *err, bool sent)
{
	return (struct answer){ .exit = CTL_UNREACHED, .err = *err, .sent = sent };
}

static struct answer no_answer(const struct client *c, const struct net_reply *reply)
{
	bool sent = reply->outcome == NET_UNKNOWN;
	struct err err;

	if (sent)
		ERR(&err, ERR_TIMEOUT, "no answer from walletd: %s", reply->detail);
	else
		endpoint_explain(c->at, reply->detail, &err);
	return unreached(&err, sent);
}

/* A refusal of the HTTP face: nothing was run.  Its body says why in the same words as a JSON-RPC error. */
static struct answer refused(int status, const json_t *error, const struct client *c)
{
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(json_object_get(error, "data"), "hint"));
	const char *what = status == 401                    ? "wrong key"
			   : status == 403                  ? "permission denied"
			   : status == 429 || status == 503 ? "busy"
							    : "refused";
	struct err err;

	ERR(&err, status == 401 || status == 403 ? ERR_FORBIDDEN : ERR_PEER_DOWN, "%s (HTTP %d): %s", what, status,
	    message ? message : "this does not look like walletd");
	if (status == 401 && c->at->authorization)
		err_hint(&err,
			 "a new cookie is made at each start; name it with --cookie-file, or a key with --key-file");
	else if (hint)
		err_hint(&err, "%s", hint);
	return unreached(&err, false);
}

static struct answer garbled(const struct err *why)
{
	struct err err = *why;

	err_context(&err, "the answer makes no sense");
	return unreached(&err, true);
}

static struct answer read_answer(const struct client *c, struct arena *a, const struct net_reply *reply)
{
	json_t *body = NULL, *result, *error;
	struct err err;
	bool ours;

	if (json_parse(a, reply->body, JSON_DEPTH_MAX, &body, &err) != 0)
		return reply->status == 200 ? garbled(&err) : refused(reply->status, NULL, c);
	ours = json_integer_value(json_object_get(body, "id")) == c->id;
	result = json_object_get(body, "result");
	error = json_object_get(body, "error");
	if (!ours && (reply->status != 200 || json_is_object(error)))
		return refused(reply->status, error, c);
	if (ours && json_is_object(error) && !result)
		return (struct answer){ .exit = CTL_ERROR, .error = error };
	if (ours && json_is_object(result) && !error && reply->status == 200)
		return (struct answer){ .exit = CTL_OK, .result = result };
	ERR(&err, ERR_PARSE, "neither a result nor an error");
	return garbled(&err);
}

struct answer client_call(struct client *c, struct arena *a, const char *method, json_t *params, int64_t timeout_ms,
			  bool changes_state)
{
	json_t *call = json_object_in(a);
	struct net_reply reply;
	struct err err;

	json_set_str(call, "jsonrpc", "2.0");
	json_set_int(call, "id", ++c->id);
	json_set_str(call, "method", method);
	json_set(call, "params", params);
	if (exchange(c, a, json_text(a, call), timeout_ms, changes_state, &reply, &err) != 0)
		return unreached(&err, true);
	switch (reply.outcome) {
	case NET_ANSWERED:
		return read_answer(c, a, &reply);
	case NET_NOT_SENT:
	case NET_UNKNOWN:
		break;
	}
	return no_answer(c, &reply);
}
