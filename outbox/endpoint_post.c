/* Posts: they wait at an endpoint, go out, and come back with answers or without.  An endpoint's chain id is asked for in
 * here too, because nothing else may go out before it is known. */
#include "outbox/endpoints_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outbox/endpoint_reply.h"

#define CONNECT_MS  5000
#define REQUEST_MAX ((size_t)64 * 1024 * 1024) /* 100 transactions of 128 KiB, as hex, and as text of JSON */
#define ANSWERS_MAX ((size_t)1024 * 1024)

int64_t endpoints_now_ms(void)
{
	return clock_mono_us() / 1000;
}

/* --- an endpoint's record --- */

static void note_answered(struct endpoint *e, int64_t start_us)
{
	int64_t took = clock_mono_us() - start_us;

	e->answered++;
	e->last_answer_ms = clock_now_ms();
	e->latency_us = e->latency_us < 0 ? took : (7 * e->latency_us + took) / 8;
}

static void note_failed(struct endpoint *e, const struct err *why)
{
	struct endpoints *ep = e->ep;

	e->failed++;
	e->last_error = *why;
	e->last_error_ms = clock_now_ms();
	log_debug(&ep->log, "endpoint.failed", F_STR("endpoint", e->shown), F_ERR(why));
	if (health_failed(&ep->health, e->i, why->retry_after_s, endpoints_now_ms()))
		log_warn(&ep->log, "endpoint.open", F_STR("endpoint", e->shown),
			 F_INT("for_ms", ep->health.e[e->i].open_until_ms - endpoints_now_ms()), F_ERR(why));
}

static void count_calls(const struct post *p, const struct jsonrpc_reply *reply)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct jsonrpc_answer *a = reply != NULL ? &reply->answers[i] : NULL;
		enum rpc_result result = a == NULL || a->flaw != JSONRPC_FINE ? RPC_RESULT_FAILED
					 : a->result != NULL                  ? RPC_RESULT_OK
									      : RPC_RESULT_ERROR;

		rpc_metrics_count(&p->at->ep->metrics, p->asked->batch.calls[p->first + i].method, result);
	}
}

/* --- posts --- */

void post_new(struct endpoints_asked *q, struct endpoint *e, size_t first, size_t n)
{
	struct post *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->asked = q;
	p->at = e;
	p->first = first;
	p->n = n;
	p->arena = ARENA_LIMIT(ANSWERS_MAX);
	p->waits = true;
	TAILQ_INSERT_TAIL(&e->waiting, p, queued);
	LIST_INSERT_HEAD(&q->posts, p, of_ask);
}

void post_free(struct post *p)
{
	if (p->waits)
		TAILQ_REMOVE(&p->at->waiting, p, queued);
	if (p->call != NULL) {
		http_cancel(p->call);
		p->at->in_flight--;
		p->asked->got.maybe_delivered = true;
	}
	LIST_REMOVE(p, of_ask);
	arena_done(&p->arena);
	free(p);
}

static int post_body(const struct post *p, struct arena *a, struct bytes *ret, struct err *err)
{
	struct jsonrpc_batch calls = p->asked->batch;

	calls.arena = a;
	if (p->n == 1)
		return jsonrpc_encode_one(&calls, p->first, ret, err);
	return jsonrpc_encode(&calls, ret, err);
}

static struct http_call *submit(struct endpoint *e, struct bytes body, int64_t timeout_ms,
				void (*done)(void *ctx, const struct net_reply *rep), void *ctx)
{
	struct net_request req = { .method = "POST",
				   .url = e->url,
				   .content_type = "application/json",
				   .body = body,
				   .timeout_ms = timeout_ms,
				   .connect_timeout_ms = CONNECT_MS,
				   .max_reply = JSONRPC_REPLY_MAX };

	return http_submit(e->ep->opt.http, &req, done, ctx);
}

/* --- posts come back --- */

static void post_answered(struct post *p, const struct jsonrpc_reply *reply)
{
	struct endpoints_asked *q = p->asked;

	note_answered(p->at, p->start_us);
	health_answered(&p->at->ep->health, p->at->i);
	count_calls(p, reply);
	memcpy(&q->answers[p->first], reply->answers, reply->n * sizeof(*reply->answers));
	if (--q->left == 0)
		asked_succeed(q, p->at);
}

static void post_refused_batch(struct post *p)
{
	struct endpoints_asked *q = p->asked;
	struct endpoint *e = p->at;

	note_answered(e, p->start_us);
	if (!e->no_batches)
		log_info(&e->ep->log, "endpoint.no_batches", F_STR("endpoint", e->shown));
	e->no_batches = true;
	post_free(p);
	asked_post_at(q, e);
}

static void post_failed(struct post *p, const struct net_reply *rep, const struct err *why)
{
	struct endpoints_asked *q = p->asked;

	if (rep->outcome != NET_NOT_SENT)
		q->got.maybe_delivered = true;
	q->got.err = *why;
	count_calls(p, NULL);
	note_failed(p->at, why);
	asked_move(q);
}

/* The breaker opened, or the chain is another: nobody waits here any longer. */
static void endpoint_leave(struct endpoint *e, const struct err *why)
{
	struct post *p;

	while ((p = TAILQ_FIRST(&e->waiting)) != NULL) {
		p->asked->got.err = *why;
		asked_move(p->asked);
	}
}

/* What was under way when it turned out to be of another chain tells nothing. */
static enum endpoint_verdict judge(struct post *p, const struct net_reply *rep, struct jsonrpc_reply *ret,
				   struct err *err)
{
	if (p->at->ep->health.e[p->at->i].wrong_chain) {
		ERR(err, ERR_PEER_DOWN, "%s", p->at->last_error.msg);
		return ENDPOINT_FAILED;
	}
	return endpoint_judge(&p->arena, rep, p->first, p->n, ret, err);
}

static void on_reply(void *ctx, const struct net_reply *rep)
{
	struct post *p = ctx;
	struct endpoint *e = p->at;
	struct jsonrpc_reply reply;
	struct err err;

	p->call = NULL;
	e->in_flight--;
	switch (judge(p, rep, &reply, &err)) {
	case ENDPOINT_ANSWERED:
		post_answered(p, &reply);
		break;
	case ENDPOINT_NO_BATCHES:
		post_refused_batch(p);
		break;
	case ENDPOINT_FAILED:
		post_failed(p, rep, &err);
		if (health_state(&e->ep->health, e->i, endpoints_now_ms()) == ENDPOINT_OPEN)
			endpoint_leave(e, &err);
		break;
	}
	endpoint_pump(e);
}

/* --- the chain id comes first --- */

static int chain_id_of(const struct net_reply *rep, uint64_t *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ANSWERS_MAX);
	struct jsonrpc_reply reply;
	json_t *v;

	if (endpoint_judge(&a, rep, 0, 1, &reply, err) != ENDPOINT_ANSWERED)
		return -1;
	if (jsonrpc_result(&reply.answers[0], &v, err) != 0 || evm_reply_u64(v, ret, err) != 0)
		return err_context(err, "its chain id");
	return 0;
}

static void chain_is_wrong(struct endpoint *e, uint64_t told, bool news)
{
	struct endpoints *ep = e->ep;
	struct err err;

	ERR(&e->last_error, ERR_CONFIG, "wrong_chain: it is of chain %" PRIu64 ", not %" PRIu64, told,
	    ep->opt.chain_id);
	e->last_error_ms = clock_now_ms();
	if (news)
		log_error(&ep->log, "endpoint.wrong_chain", F_STR("endpoint", e->shown), F_UINT("chain", told),
			  F_UINT("expected", ep->opt.chain_id));
	ERR(&err, ERR_PEER_DOWN, "%s", e->last_error.msg); /* another one may be right */
	endpoint_leave(e, &err);
}

static void on_chain_id(void *ctx, const struct net_reply *rep)
{
	struct endpoint *e = ctx;
	struct endpoints *ep = e->ep;
	bool was_wrong = ep->health.e[e->i].wrong_chain;
	uint64_t told;
	struct err err;

	e->verifying = NULL;
	if (chain_id_of(rep, &told, &err) != 0) {
		rpc_metrics_count(&ep->metrics, "eth_chainId", RPC_RESULT_FAILED);
		note_failed(e, &err);
		endpoint_leave(e, &err);
		return;
	}
	rpc_metrics_count(&ep->metrics, "eth_chainId", RPC_RESULT_OK);
	e->answered++;
	e->last_answer_ms = clock_now_ms();
	if (!health_told_chain(&ep->health, e->i, told, endpoints_now_ms())) {
		chain_is_wrong(e, told, !was_wrong);
		return;
	}
	log_debug(&ep->log, "endpoint.verified", F_STR("endpoint", e->shown), F_UINT("chain", told));
	endpoint_pump(e);
}

static void verify(struct endpoint *e)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	struct jsonrpc_batch b = jsonrpc_batch_in(&a);
	struct bytes body;
	struct err err;

	if (e->verifying != NULL)
		return;
	evm_ask_chain_id(&b);
	if (jsonrpc_encode(&b, &body, &err) != 0)
		err_fatal(err.msg);
	e->verifying = submit(e, body, e->ep->opt.timeout_ms, on_chain_id, e);
}

/* --- posts go out --- */

static void post_send(struct post *p)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(REQUEST_MAX);
	const struct endpoints_options *opt = &p->at->ep->opt;
	struct endpoints_asked *q = p->asked;
	struct bytes body;
	struct err err;

	if (post_body(p, &a, &body, &err) != 0) {
		asked_refuse(q, &err);
		return;
	}
	TAILQ_REMOVE(&p->at->waiting, p, queued);
	p->waits = false;
	p->start_us = clock_mono_us();
	p->call = submit(p->at, body, (q->how & ASK_SEND) != 0 ? opt->send_timeout_ms : opt->timeout_ms, on_reply, p);
	p->at->in_flight++;
}

void endpoint_pump(struct endpoint *e)
{
	struct post *p;

	if (TAILQ_EMPTY(&e->waiting))
		return;
	if (health_is_unverified(&e->ep->health, e->i, endpoints_now_ms())) {
		verify(e);
		return;
	}
	while (e->in_flight < e->ep->opt.max_in_flight && (p = TAILQ_FIRST(&e->waiting)) != NULL)
		post_send(p);
}
