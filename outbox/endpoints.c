/* An ask becomes posts at one endpoint: one that holds all of its calls, or one for each call where the server takes no
 * batches.  A post waits in its endpoint's queue until the endpoint has told its chain id and has a place free.  The first
 * post that brings no answers ends the ask's stay there: its other posts are dropped, and it moves to the next endpoint
 * with all of its calls, which is safe because reads and raw transactions may be repeated.
 *
 * done() runs from a post of the loop and from nowhere else, so that whatever happens in here happens to a list that no
 * caller changes meanwhile. */
#include "outbox/endpoints_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define MAX_IN_FLIGHT   8
#define TIMEOUT_MS      20000
#define SEND_TIMEOUT_MS 30000
#define VERIFY_EVERY_MS 3600000
#define OPEN_MIN_MS     1000
#define OPEN_MAX_MS     60000
#define TABLE_MAX       ((size_t)64 * 1024) /* of answers */

/* --- the end of an ask --- */

static void asked_drop_posts(struct endpoints_asked *q)
{
	struct post *p;

	while ((p = LIST_FIRST(&q->posts)) != NULL)
		post_free(p);
}

static void asked_free(struct endpoints_asked *q)
{
	asked_drop_posts(q);
	LIST_REMOVE(q, link);
	q->ep->in_flight--;
	arena_done(&q->arena);
	free(q);
}

static void asked_deliver(void *ctx)
{
	struct endpoints_asked *q = ctx;

	q->done(q->ctx, &q->got);
	asked_free(q);
}

static void asked_over(struct endpoints_asked *q)
{
	q->over = true;
	loop_post(q->ep->opt.loop, asked_deliver, q);
}

/* Nobody answered: *err is the last one's word, or none when nobody could be asked. */
static void asked_fail(struct endpoints_asked *q)
{
	struct endpoints *ep = q->ep;
	int64_t wait = health_wait_ms(&ep->health, endpoints_now_ms());
	struct err *err = &q->got.err;

	q->got.endpoint = -1;
	if (health_all_wrong(&ep->health))
		ERR(err, ERR_CONFIG, "no endpoint is of chain %" PRIu64, ep->opt.chain_id);
	else if (err->code == ERR_NONE)
		ERR(err, ERR_PEER_DOWN, "no endpoint is fit to be asked");
	if (wait > 0)
		err->retry_after_s = (int)((wait + 999) / 1000);
	asked_over(q);
}

void asked_refuse(struct endpoints_asked *q, const struct err *why)
{
	asked_drop_posts(q);
	q->got.endpoint = -1;
	q->got.err = *why;
	asked_over(q);
}

void asked_succeed(struct endpoints_asked *q, const struct endpoint *e)
{
	q->got.endpoint = (int)e->i;
	q->got.answers = q->answers;
	q->got.n = q->batch.n;
	err_clear(&q->got.err);
	asked_over(q);
}

/* --- asks choose --- */

static bool has_bit(unsigned bits, size_t i)
{
	return (bits >> i & 1u) != 0;
}

static bool may_choose(const struct endpoints_asked *q, size_t i)
{
	unsigned other_than = q->how >> 8 & 0xff, only = q->how >> 16 & 0xff;

	if (has_bit(q->tried, i) || (only != 0 && !has_bit(only, i)))
		return false;
	return !has_bit(other_than, i) || q->ep->opt.n_urls == 1;
}

/* NULL: none is left. */
static struct endpoint *choose(struct endpoints_asked *q)
{
	struct endpoints *ep = q->ep;
	bool any_head = (q->how & ASK_SEND) != 0 || q->how >> 16 != 0;
	struct endpoint *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < ep->opt.n_urls; i++) {
		int rank = health_rank(&ep->health, i, any_head, endpoints_now_ms());

		if (rank < 0 || !may_choose(q, i) || (best != NULL && rank >= best_rank))
			continue;
		best = &ep->e[i];
		best_rank = rank;
	}
	return best;
}

void asked_post_at(struct endpoints_asked *q, struct endpoint *e)
{
	bool singly = e->no_batches && q->batch.n > 1;

	q->tried |= 1u << e->i;
	q->left = singly ? q->batch.n : 1;
	if (!singly)
		post_new(q, e, 0, q->batch.n);
	for (size_t i = 0; singly && i < q->batch.n; i++)
		post_new(q, e, i, 1);
}

void asked_move(struct endpoints_asked *q)
{
	struct endpoint *e;

	asked_drop_posts(q);
	e = choose(q);
	if (e == NULL) {
		asked_fail(q);
		return;
	}
	asked_post_at(q, e);
	endpoint_pump(e);
}

static struct endpoints_asked *asked_new(struct endpoints *ep, const struct jsonrpc_batch *batch)
{
	struct endpoints_asked *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort();
	q->ep = ep;
	q->arena = ARENA_LIMIT(TABLE_MAX);
	q->batch = *batch;
	q->batch.arena = &q->arena;
	for (size_t i = 0; i < batch->n; i++)
		json_hold(&q->arena, json_incref(batch->calls[i].params));
	q->answers = ARENA_ARRAY(&q->arena, batch->n, struct jsonrpc_answer);
	LIST_INSERT_HEAD(&ep->asks, q, link);
	ep->in_flight++;
	return q;
}

struct endpoints_asked *endpoints_ask(struct endpoints *ep, const struct jsonrpc_batch *batch, unsigned how,
				      void (*done)(void *ctx, const struct evm_answers *got), void *ctx)
{
	struct endpoints_asked *q = asked_new(ep, batch);
	struct err err;

	q->how = how;
	q->done = done;
	q->ctx = ctx;
	if (batch->n == 0 || batch->failed) {
		ERR(&err, ERR_RANGE, "an ask of %s calls", batch->failed ? "too many" : "no");
		asked_refuse(q, &err);
	} else
		asked_move(q);
	return q;
}

void endpoints_cancel(struct endpoints_asked *asked)
{
	struct endpoints *ep = asked->ep;

	if (asked->over)
		loop_unpost(ep->opt.loop, asked_deliver, asked);
	asked_free(asked);
	for (size_t i = 0; i < ep->opt.n_urls; i++)
		endpoint_pump(&ep->e[i]); /* where a place became free */
}

size_t endpoints_in_flight(const struct endpoints *ep)
{
	return ep->in_flight;
}

enum evm_send_class evm_answers_send_class(const struct evm_answers *got, size_t i, const struct hash32 *ours)
{
	enum evm_send_class before = got->maybe_delivered ? EVM_SEND_UNKNOWN : EVM_SEND_NOT_SENT;

	if (got->endpoint < 0)
		return before;
	assert(i < got->n);
	return evm_send_class_join(before, evm_send_class_of_answer(&got->answers[i], ours));
}

/* --- what the caller learnt --- */

static void log_liar(struct endpoints *ep, size_t liar, const char *about, uint64_t number)
{
	log_error(&ep->log, "endpoint.lies", F_STR("endpoint", ep->e[liar].shown), F_STR("about", about),
		  F_UINT("block", number));
}

void endpoints_saw_head(struct endpoints *ep, int i, const struct evm_block *head)
{
	struct health *h = &ep->health;
	enum endpoint_state before, after;
	size_t k = (size_t)i;

	assert(i >= 0 && k < ep->opt.n_urls);
	before = health_state(h, k, endpoints_now_ms());
	if (health_saw_head(h, k, head->number, head->timestamp_s, clock_now_ms()))
		log_liar(ep, k, "head", head->number);
	after = health_state(h, k, endpoints_now_ms());
	if (before != after && after != ENDPOINT_LIES)
		log_info(&ep->log, "endpoint.state", F_STR("endpoint", ep->e[k].shown),
			 F_STR("state", endpoint_state_name(after)), F_UINT("head", head->number));
}

void endpoints_saw_finalized(struct endpoints *ep, int i, const struct evm_block *finalized)
{
	int liar;

	assert(i >= 0 && (size_t)i < ep->opt.n_urls);
	liar = health_saw_finalized(&ep->health, (size_t)i, finalized->number, &finalized->hash);
	if (liar >= 0)
		log_liar(ep, (size_t)liar, "finalized", finalized->number);
}

/* --- for people --- */

size_t endpoints_count(const struct endpoints *ep)
{
	return ep->opt.n_urls;
}

void endpoints_stats(const struct endpoints *ep, size_t i, struct endpoint_stats *ret)
{
	const struct endpoint *e = &ep->e[i];
	const struct endpoint_health *h = &ep->health.e[i];
	int64_t now = endpoints_now_ms();

	assert(i < ep->opt.n_urls);
	*ret = (struct endpoint_stats){
		.state = health_state(&ep->health, i, now),
		.no_batches = e->no_batches,
		.answered = e->answered,
		.failed = e->failed,
		.failures_in_a_row = h->failures,
		.open_for_ms = h->open_until_ms > now ? h->open_until_ms - now : 0,
		.latency_ms = e->latency_us < 0 ? -1 : e->latency_us / 1000,
		.last_answer_ms = e->last_answer_ms,
		.last_error_ms = e->last_error_ms,
		.last_error = e->last_error,
		.chain_id = h->chain_id,
		.has_head = h->has_head,
		.head = h->head,
		.head_at_s = h->head_at_s,
	};
	memcpy(ret->url, e->shown, sizeof(ret->url));
}

bool endpoints_usable(const struct endpoints *ep, int64_t *ret_wait_ms)
{
	*ret_wait_ms = health_wait_ms(&ep->health, endpoints_now_ms());
	return *ret_wait_ms == 0;
}

/* --- making and ending --- */

/* Providers put keys into the path, the query and the user's part. */
static void url_show(const char *url, char ret[ENDPOINT_URL_SHOW])
{
	const char *host = strstr(url, "://") + strlen("://"), *end = host + strcspn(host, "/?#");
	int scheme = (int)(host - url);

	for (const char *p = host; p < end; p++)
		if (*p == '@')
			host = p + 1;
	(void)snprintf(ret, ENDPOINT_URL_SHOW, "%.*s%.*s%s", scheme, url, (int)(end - host < 100 ? end - host : 100),
		       host, *end == '\0' || strcmp(end, "/") == 0 ? "" : "/...");
}

static int urls_check(const struct endpoints_options *opts, struct err *err)
{
	if (opts->n_urls == 0 || opts->n_urls > ENDPOINTS_MAX)
		return ERR(err, ERR_CONFIG, "a chain has 1 to %d endpoints, not %zu", ENDPOINTS_MAX, opts->n_urls);
	for (size_t i = 0; i < opts->n_urls; i++) {
		const char *url = opts->urls[i];
		const char *rest = text_starts(url, "http://")    ? url + strlen("http://")
				   : text_starts(url, "https://") ? url + strlen("https://")
								  : "";

		if (strcspn(rest, "/?#@") == 0 || !text_printable_ascii(url) || strchr(url, ' ') != NULL)
			return ERR(err, ERR_CONFIG, "endpoint %zu is not the URL of a node", i + 1);
		for (size_t k = 0; k < i; k++)
			if (strcmp(url, opts->urls[k]) == 0)
				return ERR(err, ERR_CONFIG, "endpoints %zu and %zu are the same", k + 1, i + 1);
	}
	return 0;
}

static int64_t or_default(int64_t v, int64_t by_default)
{
	return v > 0 ? v : by_default;
}

static void options_fill(struct endpoints_options *o)
{
	o->max_in_flight = o->max_in_flight > 0 ? o->max_in_flight : MAX_IN_FLIGHT;
	o->timeout_ms = or_default(o->timeout_ms, TIMEOUT_MS);
	o->send_timeout_ms = or_default(o->send_timeout_ms, SEND_TIMEOUT_MS);
	o->verify_every_ms = or_default(o->verify_every_ms, VERIFY_EVERY_MS);
	o->open_min_ms = or_default(o->open_min_ms, OPEN_MIN_MS);
	o->open_max_ms = or_default(o->open_max_ms, OPEN_MAX_MS);
	o->urls = NULL; /* copied elsewhere */
}

static void endpoint_init(struct endpoint *e, struct endpoints *ep, size_t i, const char *url)
{
	e->ep = ep;
	e->i = i;
	e->url = strdup(url);
	if (e->url == NULL)
		abort();
	url_show(url, e->shown);
	e->latency_us = -1;
	TAILQ_INIT(&e->waiting);
}

int endpoints_new(const struct endpoints_options *opts, struct endpoints **ret, struct err *err)
{
	struct endpoints *ep;

	if (urls_check(opts, err) != 0)
		return -1;
	ep = calloc(1, sizeof(*ep));
	if (ep == NULL)
		abort();
	ep->opt = *opts;
	options_fill(&ep->opt);
	ep->log = log_module("endpoints");
	ep->health.n = opts->n_urls;
	ep->health.rules = (struct health_rules){
		.chain_id = opts->chain_id,
		.block_time_ms = opts->block_time_ms,
		.verify_every_ms = ep->opt.verify_every_ms,
		.open_min_ms = ep->opt.open_min_ms,
		.open_max_ms = ep->opt.open_max_ms,
	};
	rpc_metrics_init(&ep->metrics);
	LIST_INIT(&ep->asks);
	for (size_t i = 0; i < opts->n_urls; i++)
		endpoint_init(&ep->e[i], ep, i, opts->urls[i]);
	*ret = ep;
	return 0;
}

void endpoints_free(struct endpoints *ep)
{
	struct endpoints_asked *q;

	if (ep == NULL)
		return;
	while ((q = LIST_FIRST(&ep->asks)) != NULL) {
		if (q->over)
			loop_unpost(ep->opt.loop, asked_deliver, q);
		asked_free(q);
	}
	for (size_t i = 0; i < ep->opt.n_urls; i++) {
		if (ep->e[i].verifying != NULL)
			http_cancel(ep->e[i].verifying);
		free(ep->e[i].url);
	}
	free(ep);
}
