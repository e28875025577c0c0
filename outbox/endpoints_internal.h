/* outbox/endpoints_internal.h - what endpoints.c (asks: which endpoint, and what came of it) and endpoint_post.c (posts:
 * one HTTP exchange each) share.  Nobody else includes this. */
#ifndef OUTBOX_ENDPOINTS_INTERNAL_H
#define OUTBOX_ENDPOINTS_INTERNAL_H

#include <sys/queue.h>

#include "base/log.h"
#include "outbox/endpoints.h"
#include "outbox/rpc_metrics.h"

/* One HTTP exchange.  It keeps its answers until the ask is over. */
struct post {
	struct endpoints_asked *asked;
	struct endpoint *at;
	size_t first, n; /* calls */
	bool waits;      /* in at->waiting */
	struct http_call *call;
	int64_t start_us;
	struct arena arena;
	TAILQ_ENTRY(post) queued;
	LIST_ENTRY(post) of_ask;
};

struct endpoint {
	struct endpoints *ep;
	size_t i;
	char *url;
	char shown[ENDPOINT_URL_SHOW];
	bool no_batches;
	unsigned in_flight;
	TAILQ_HEAD(post_queue, post) waiting;
	struct http_call *verifying;
	uint64_t answered, failed;
	int64_t latency_us; /* -1: none yet */
	int64_t last_answer_ms, last_error_ms;
	struct err last_error;
};

struct endpoints {
	struct endpoints_options opt;
	struct endpoint e[ENDPOINTS_MAX];
	struct health health;
	struct rpc_metrics metrics;
	struct log log;
	size_t in_flight;
	LIST_HEAD(asked_list, endpoints_asked) asks;
};

struct endpoints_asked {
	struct endpoints *ep;
	struct arena arena; /* the calls, and the table of answers */
	struct jsonrpc_batch batch;
	unsigned how, tried; /* tried: a bit for each endpoint */
	LIST_HEAD(post_list, post) posts;
	size_t left; /* posts without an answer */
	struct jsonrpc_answer *answers;
	struct evm_answers got;
	bool over; /* done is due */
	void (*done)(void *ctx, const struct evm_answers *got);
	void *ctx;
	LIST_ENTRY(endpoints_asked) link;
};

int64_t endpoints_now_ms(void); /* monotonic */

/* --- posts --- */

/* Calls first … first + n - 1 of the ask wait at e from now on; endpoint_pump() sends them. */
void post_new(struct endpoints_asked *q, struct endpoint *e, size_t first, size_t n);
/* Whatever it was doing. */
void post_free(struct post *p);
/* Send what may be sent of what waits here; ask for the chain id first where that is due. */
void endpoint_pump(struct endpoint *e);

/* --- what posts tell the ask that they are of --- */

void asked_succeed(struct endpoints_asked *q, const struct endpoint *e);
/* It can be sent to nobody. */
void asked_refuse(struct endpoints_asked *q, const struct err *why);
/* All of its calls to e, in one post or one each. */
void asked_post_at(struct endpoints_asked *q, struct endpoint *e);
/* To the next endpoint, with all of its calls; the answers that it has so far go, and its posts.  When there is none, it
 * has failed with q->got.err. */
void asked_move(struct endpoints_asked *q);

#endif
