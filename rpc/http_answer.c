#include "rpc/http_answer.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "outbox/show.h"
#include "rpc/chain_show.h"
#include "rpc/lightning_show.h"
#include "rpc/dispatch.h"
#include "rpc/errors.h"
#include "rpc/event_stream.h"
#include "rpc/health.h"
#include "rpc/state.h"

struct http_answer {
	struct rpc_server *server;
	struct http_answer_user user;
	enum answer_stage stage;
	int64_t since_ms;
	struct evhttp_request *req; /* not answered yet */
	struct rpc_body *body;
	struct event_stream *stream;
	void (*drained)(void *ctx);
	void *drained_ctx;
};

static void enter(struct http_answer *x, enum answer_stage stage)
{
	x->stage = stage;
	x->since_ms = clock_mono_us() / 1000;
}

static void replied(struct evhttp_request *req, void *ctx)
{
	struct http_answer *x = ctx;

	(void)req;
	enter(x, ANSWER_NONE);
	x->user.replied(x->user.ctx);
}

static void reply(struct http_answer *x, int status, const char *content_type, struct bytes body)
{
	struct evhttp_request *req = x->req;
	struct evbuffer *out = evbuffer_new();

	if (!out || evbuffer_add(out, body.p, body.n) != 0)
		abort();
	if (status != 204)
		evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", content_type);
	if (status == 503)
		evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After", "5");
	evhttp_add_header(evhttp_request_get_output_headers(req), "Cache-Control", "no-store");
	evhttp_request_set_on_complete_cb(req, replied, x);
	enter(x, ANSWER_REPLY);
	x->req = NULL;
	evhttp_send_reply(req, status, http_reason(status), out);
	evbuffer_free(out);
}

static void body_done(void *ctx, int status, struct bytes text)
{
	struct http_answer *x = ctx;

	x->body = NULL;
	if (FAILPOINT("rpc.reply")) /* the answer is lost: what was done stays done, and its key tells of it */
		x->user.give_up(x->user.ctx);
	else
		reply(x, status, "application/json", text);
}

static bool body_client_gone(void *ctx)
{
	struct http_answer *x = ctx;

	return x->user.client_left(x->user.ctx);
}

static void answer_rpc(struct http_answer *x, const struct rpc_caller *caller)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(x->req);
	struct rpc_body_options opt = {
		.server = x->server,
		.caller = *caller,
		.text = { evbuffer_pullup(in, -1), evbuffer_get_length(in) },
		.gone = body_client_gone,
		.done = body_done,
		.ctx = x,
	};

	/* NULL when it was answered from inside, and then the connection may have moved on. */
	struct rpc_body *body = rpc_body_run(&opt);
	if (!body)
		return;
	x->body = body;
	/* The kernel may have told that the peer left before there was anything to give up. */
	if (x->user.client_left(x->user.ctx))
		x->user.give_up(x->user.ctx);
}

static void answer_metrics(struct http_answer *x)
{
	SCOPED(buf) struct buf text = BUF_CAP(16u << 20);

	if (x->server->opt.outbox)
		outbox_refresh_metrics(x->server->opt.outbox);
	lightning_refresh_metrics(x->server);
	chain_refresh_metrics(x->server);
	metrics_write(&text);
	reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_bytes(&text));
}

static void answer_health(struct http_answer *x, bool alive)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1u << 20);
	bool ready = true;
	json_t *object = alive ? health_alive(&a) : health_ready(x->server, &a, &ready);

	reply(x, ready ? 200 : 503, "application/json", bytes_of(arena_printf(&a, "%s\n", json_text(&a, object))));
}

static void answer_events(struct http_answer *x, const struct http_order *order)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct err err;

	if (event_stream_open(x->server, x, &order->caller, order->after, order->kinds, &x->stream, &err) == 0)
		return;
	struct rpc_outcome failed = rpc_fail(&err);
	reply(x, 503, "application/json",
	      bytes_of(arena_printf(&a, "%s\n", json_text(&a, rpc_error_json(&a, &failed)))));
}

void http_answer_begin(struct http_answer *x, struct evhttp_request *req, const struct http_order *order)
{
	enter(x, ANSWER_CALL);
	x->req = req;
	switch (order->route) {
	case ROUTE_RPC:
		answer_rpc(x, &order->caller);
		return;
	case ROUTE_HEALTHZ:
		answer_health(x, true);
		return;
	case ROUTE_READYZ:
		answer_health(x, false);
		return;
	case ROUTE_METRICS:
		answer_metrics(x);
		return;
	case ROUTE_EVENTS:
		answer_events(x, order);
		return;
	}
	abort();
}

static void drop_work(struct http_answer *x)
{
	if (x->body)
		rpc_body_abandon(x->body);
	x->body = NULL;
	event_stream_free(x->stream);
	x->stream = NULL;
}

void http_answer_drop(struct http_answer *x)
{
	/* A request that evhttp has taken off the connection is left to us. */
	if (x->req && !evhttp_request_get_connection(x->req))
		evhttp_request_free(x->req);
	x->req = NULL;
	x->drained = NULL;
	drop_work(x);
	enter(x, ANSWER_NONE);
}

struct http_answer *http_answer_new(struct rpc_server *server, const struct http_answer_user *user)
{
	struct http_answer *x = calloc(1, sizeof(*x));

	if (!x)
		abort();
	x->server = server;
	x->user = *user;
	enter(x, ANSWER_NONE);
	return x;
}

void http_answer_free(struct http_answer *x)
{
	if (!x)
		return;
	drop_work(x);
	free(x);
}

enum answer_stage http_answer_stage(const struct http_answer *x)
{
	return x->stage;
}

int64_t http_answer_since_ms(const struct http_answer *x)
{
	return x->since_ms;
}

/* --- streams --- */

void http_stream_start(struct http_answer *x, const char *content_type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(x->req);

	evhttp_add_header(headers, "Content-Type", content_type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Accel-Buffering", "no");
	enter(x, ANSWER_STREAM);
	evhttp_send_reply_start(x->req, 200, "OK");
}

static void stream_drained(struct evhttp_connection *evcon, void *ctx)
{
	struct http_answer *x = ctx;
	void (*fn)(void *) = x->drained;

	(void)evcon;
	if (!fn)
		return;
	x->drained = NULL;
	enter(x, ANSWER_STREAM);
	fn(x->drained_ctx);
}

void http_stream_send(struct http_answer *x, struct bytes v, void (*drained)(void *ctx), void *ctx)
{
	struct evbuffer *out = evbuffer_new();

	if (!out || evbuffer_add(out, v.p, v.n) != 0)
		abort();
	x->drained = drained;
	x->drained_ctx = ctx;
	enter(x, ANSWER_CHUNK);
	evhttp_send_reply_chunk_with_cb(x->req, out, stream_drained, x);
	evbuffer_free(out);
}

void http_stream_end(struct http_answer *x)
{
	struct evhttp_request *req = x->req;

	event_stream_free(x->stream);
	x->stream = NULL;
	x->drained = NULL;
	x->req = NULL;
	evhttp_request_set_on_complete_cb(req, replied, x);
	enter(x, ANSWER_REPLY);
	evhttp_send_reply_end(req);
}
