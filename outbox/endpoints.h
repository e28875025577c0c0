/* outbox/endpoints.h - the nodes of one EVM chain, and the way of every question to one of them.  Implements
 * spec/outbox.md 5.3, the identity row of 5.1, and the transport classes of 5.6.
 *
 * An ask is one batch of up to JSONRPC_BATCH_MAX calls.  It goes to the first endpoint, in the order of the configuration,
 * that is fit for it; when that one gives no answer (transport error, HTTP 429 or 5xx, a body that is not JSON-RPC,
 * nothing but throttling) the same calls go to the next, until one answers or all have been tried.  An error about a call
 * is an answer.  A server that answers a batch with one error is asked call by call from then on.
 *
 * An endpoint is asked for its chain id before anything else, again after its breaker was open, and hourly; with another
 * chain's id it is out until it has ours.  Its breaker opens after 5 failures in a row, or when it said Retry-After, for
 * 1 s, doubling to 60 s.  It is not fit for reads while its head is old or behind; when all heads are old the chain stands
 * still, and they are fit.
 *
 * Runs in the loop; knows no store, and repeats nothing by itself once all endpoints were tried: that is the caller's.
 * Errors: ERR_CONFIG (urls). */
#ifndef OUTBOX_ENDPOINTS_H
#define OUTBOX_ENDPOINTS_H

#include "base/net/http.h"
#include "outbox/endpoint_health.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/send_class.h"

#define ENDPOINT_URL_SHOW 128

struct endpoints;
struct endpoints_asked; /* an ask under way */

struct endpoints_options {
	struct loop *loop;
	struct http *http;
	uint64_t chain_id;
	const char *const *urls; /* 1 to ENDPOINTS_MAX, the most trusted first; none twice */
	size_t n_urls;
	int64_t block_time_ms;
	unsigned max_in_flight; /* posts at one endpoint; 0 means 8 */
	/* 0 means the default; others are for tests. */
	int64_t timeout_ms;      /* of a post: 20 s */
	int64_t send_timeout_ms; /* 30 s */
	int64_t verify_every_ms; /* 1 hour */
	int64_t open_min_ms;     /* 1 s */
	int64_t open_max_ms;     /* 60 s */
};

/* Options are copied. */
MUST_CHECK int endpoints_new(const struct endpoints_options *opts, struct endpoints **ret, struct err *err);
/* Cancels every ask.  NULL is fine. */
void endpoints_free(struct endpoints *ep);

/* How an ask chooses.  None of them: the first endpoint that is fit for reads, failing over to the next. */
#define ASK_SEND          0x1u                        /* it gives a raw transaction: longer deadline, old heads do */
#define ASK_OTHER_THAN(i) (0x100u << (unsigned)(i))   /* not endpoint i, unless it is the only one there is */
#define ASK_AT(i)         (0x10000u << (unsigned)(i)) /* endpoint i alone, whatever its head; no failing over */

/* What came of an ask.  All memory is gone when done() returns (a json_t may be json_incref'd). */
struct evm_answers {
	int endpoint;                         /* who answered, or -1 for nobody */
	const struct jsonrpc_answer *answers; /* when somebody answered: one per call, in their order */
	size_t n;
	bool maybe_delivered; /* an endpoint that did not answer may have got the calls all the same */
	/* When nobody answered, why the last one did not: ERR_PEER_DOWN, ERR_PEER_BUSY (throttled), ERR_PEER_INVALID (not
	 * JSON-RPC); ERR_CONFIG when every endpoint is of another chain; ERR_RANGE when the batch cannot be sent at all.
	 * .retry_after_s when it is known that nobody will before. */
	struct err err;
};
/* What became of the raw transaction in call i, at all endpoints together. */
enum evm_send_class evm_answers_send_class(const struct evm_answers *got, size_t i, const struct hash32 *ours);

/* The batch is copied.  done runs exactly once, from the end of a turn, never from inside of this or of
 * endpoints_cancel(); the handle is gone when it returns.  done may ask and cancel, but not free ep.  Never NULL. */
struct endpoints_asked *endpoints_ask(struct endpoints *ep, const struct jsonrpc_batch *batch, unsigned how,
				      void (*done)(void *ctx, const struct evm_answers *got), void *ctx);
/* done will not run.  What was on its way may be delivered. */
void endpoints_cancel(struct endpoints_asked *asked);
/* Asks whose done is still to come. */
size_t endpoints_in_flight(const struct endpoints *ep);

/* --- what the caller learnt from answers --- */

void endpoints_saw_head(struct endpoints *ep, int i, const struct evm_block *head);
/* A finalised block never changes: an endpoint that names another hash for the same number, or whose head falls by more
 * than ENDPOINT_REORG, is out for good, and logged as an error.  Of two that differ the later in the order is out. */
void endpoints_saw_finalized(struct endpoints *ep, int i, const struct evm_block *finalized);

/* --- for people --- */

struct endpoint_stats {
	char url[ENDPOINT_URL_SHOW]; /* scheme, host and port: the rest may hold a key */
	enum endpoint_state state;
	bool no_batches;
	uint64_t answered, failed; /* posts */
	unsigned failures_in_a_row;
	int64_t open_for_ms;    /* until its breaker closes, or 0 */
	int64_t latency_ms;     /* of recent answers, smoothed; -1 before the first */
	int64_t last_answer_ms; /* Unix time, or 0 */
	int64_t last_error_ms;
	struct err last_error; /* ERR_NONE: never */
	uint64_t chain_id;     /* as last told, or 0 */
	bool has_head;
	uint64_t head, head_at_s; /* its number and timestamp */
};
size_t endpoints_count(const struct endpoints *ep);
void endpoints_stats(const struct endpoints *ep, size_t i, struct endpoint_stats *ret);
/* Is one fit for reads now?  When not, in how many ms a breaker closes or a wrong chain is looked at again; -1: unknown. */
bool endpoints_usable(const struct endpoints *ep, int64_t *ret_wait_ms);

#endif
