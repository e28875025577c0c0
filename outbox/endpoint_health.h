/* outbox/endpoint_health.h - is an endpoint fit to be asked?  Its breaker, its chain, its heads, beside those of the other
 * endpoints of the chain.  Implements spec/outbox.md 5.3 without sending anything.
 *
 * Pure values: now_ms is monotonic; a head's age is judged by Unix time, when it is reported. */
#ifndef OUTBOX_ENDPOINT_HEALTH_H
#define OUTBOX_ENDPOINT_HEALTH_H

#include <stddef.h>

#include "base/ids.h"

#define ENDPOINTS_MAX       8
#define ENDPOINT_BEHIND     5     /* blocks below the best head: not fit for reads */
#define ENDPOINT_REORG      128   /* a head that falls further than this is no reorganisation */
#define ENDPOINT_OLD_BLOCKS 10    /* a head so many blocks old is stale … */
#define ENDPOINT_OLD_MIN_MS 60000 /* … and not before that */
#define ENDPOINT_FAILURES   5     /* in a row open the breaker */
#define ENDPOINT_REST_MAX_S 600   /* of what Retry-After asks for */
#define FINALIZED_KEPT      64

enum endpoint_state {
	ENDPOINT_NEW = 1,   /* its chain id is not known yet, or has to be asked again */
	ENDPOINT_READY = 2, /* fit */
	ENDPOINT_STALE = 3, /* its head is old; fit where no head is young: then the chain stands still */
	ENDPOINT_LAGS = 4,  /* its head is below the best */
	ENDPOINT_OPEN = 5,  /* its breaker is open */
	ENDPOINT_WRONG = 6, /* wrong_chain */
	ENDPOINT_LIES = 7   /* it contradicted itself, or one before it */
};
const char *endpoint_state_name(enum endpoint_state s);

struct health_rules {
	uint64_t chain_id;
	int64_t block_time_ms;
	int64_t verify_every_ms;
	int64_t open_min_ms, open_max_ms; /* the first rest doubles up to the last, which is also the pause before a
					   * wrong chain is looked at again */
};

struct endpoint_health {
	unsigned failures, opened; /* in a row */
	int64_t open_until_ms;     /* 0: never open */
	int64_t verify_at_ms;      /* 0: never verified, or not since the breaker opened */
	uint64_t chain_id;         /* as last told, or 0 */
	bool wrong_chain, has_head, stale, lags, lies;
	uint64_t head;
	uint64_t head_at_s;
};

struct health {
	struct health_rules rules;
	struct endpoint_health e[ENDPOINTS_MAX];
	size_t n;
	/* What was said to be final, and who is the first in the order that said so: a ring. */
	struct health_final {
		uint64_t number;
		struct hash32 hash;
		size_t by;
	} finals[FINALIZED_KEPT];
	size_t n_finals;
};

/* A post brought answers. */
void health_answered(struct health *h, size_t i);
/* One did not.  retry_after_s: how long the peer asked to be left alone, or 0.  True: the breaker opened now. */
bool health_failed(struct health *h, size_t i, int retry_after_s, int64_t now_ms);
/* It has to tell its chain id before it is asked anything else. */
bool health_is_unverified(const struct health *h, size_t i, int64_t now_ms);
/* False: it is of another chain. */
MUST_CHECK bool health_told_chain(struct health *h, size_t i, uint64_t chain_id, int64_t now_ms);

/* True: it became a liar by that. */
bool health_saw_head(struct health *h, size_t i, uint64_t number, uint64_t timestamp_s, int64_t unix_ms);
/* The index of who became a liar by that, or -1. */
int health_saw_finalized(struct health *h, size_t i, uint64_t number, const struct hash32 *hash);

enum endpoint_state health_state(const struct health *h, size_t i, int64_t now_ms);
/* 0 is best, -1 is not at all.  any_head: one that lags is better than none. */
int health_rank(const struct health *h, size_t i, bool any_head, int64_t now_ms);
/* Are all of another chain? */
bool health_all_wrong(const struct health *h);
/* How long until an endpoint is fit for reads, as far as breakers and wrong chains go: 0 when one is now, -1 when all that
 * there are lie or lag. */
int64_t health_wait_ms(const struct health *h, int64_t now_ms);

#endif
