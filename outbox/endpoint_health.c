#include "outbox/endpoint_health.h"

const char *endpoint_state_name(enum endpoint_state s)
{
	switch (s) {
	case ENDPOINT_NEW:
		return "new";
	case ENDPOINT_READY:
		return "ready";
	case ENDPOINT_STALE:
		return "stale";
	case ENDPOINT_LAGS:
		return "lags";
	case ENDPOINT_OPEN:
		return "open";
	case ENDPOINT_WRONG:
		return "wrong_chain";
	case ENDPOINT_LIES:
		return "lies";
	}
	return "unknown";
}

/* --- the breaker --- */

void health_answered(struct health *h, size_t i)
{
	h->e[i].failures = 0;
	h->e[i].opened = 0;
}

/* 1 s, 2 s, 4 s … */
static int64_t rest_ms(const struct health_rules *r, unsigned opened, int retry_after_s)
{
	int asked_s = retry_after_s < ENDPOINT_REST_MAX_S ? retry_after_s : ENDPOINT_REST_MAX_S;
	int64_t ms = r->open_min_ms;

	for (unsigned k = 0; k < opened && ms < r->open_max_ms; k++)
		ms *= 2;
	if (ms > r->open_max_ms)
		ms = r->open_max_ms;
	return ms > (int64_t)asked_s * 1000 ? ms : (int64_t)asked_s * 1000;
}

/* The first thing that it is asked after a rest is its chain id: when that fails, it rests again at once, and longer. */
bool health_failed(struct health *h, size_t i, int retry_after_s, int64_t now_ms)
{
	struct endpoint_health *e = &h->e[i];

	e->failures++;
	if (e->open_until_ms > now_ms) /* what was under way when it opened */
		return false;
	if (e->failures < ENDPOINT_FAILURES && e->opened == 0 && retry_after_s == 0)
		return false;
	e->open_until_ms = now_ms + rest_ms(&h->rules, e->opened, retry_after_s);
	e->opened++;
	e->verify_at_ms = 0;
	return true;
}

/* --- its chain --- */

bool health_is_unverified(const struct health *h, size_t i, int64_t now_ms)
{
	return h->e[i].verify_at_ms == 0 || h->e[i].verify_at_ms <= now_ms;
}

bool health_told_chain(struct health *h, size_t i, uint64_t chain_id, int64_t now_ms)
{
	struct endpoint_health *e = &h->e[i];

	e->chain_id = chain_id;
	e->wrong_chain = chain_id != h->rules.chain_id;
	e->verify_at_ms = now_ms + (e->wrong_chain ? h->rules.open_max_ms : h->rules.verify_every_ms);
	if (e->open_until_ms > now_ms) /* it opened meanwhile: once more after that */
		e->verify_at_ms = 0;
	return !e->wrong_chain;
}

bool health_all_wrong(const struct health *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (!h->e[i].wrong_chain)
			return false;
	return true;
}

/* --- heads --- */

static bool is_out(const struct endpoint_health *e)
{
	return e->wrong_chain || e->lies;
}

/* Of those whose word counts. */
static uint64_t best_head(const struct health *h)
{
	uint64_t best = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->e[i].has_head && !is_out(&h->e[i]) && h->e[i].head > best)
			best = h->e[i].head;
	return best;
}

static bool is_old(const struct health_rules *r, uint64_t timestamp_s, int64_t unix_ms)
{
	int64_t limit = ENDPOINT_OLD_BLOCKS * r->block_time_ms;

	if (limit < ENDPOINT_OLD_MIN_MS)
		limit = ENDPOINT_OLD_MIN_MS;
	/* A timestamp beyond what time can be is not an old one. */
	return timestamp_s < (uint64_t)(INT64_MAX / 1000) && unix_ms - (int64_t)timestamp_s * 1000 > limit;
}

bool health_saw_head(struct health *h, size_t i, uint64_t number, uint64_t timestamp_s, int64_t unix_ms)
{
	struct endpoint_health *e = &h->e[i];
	bool fell = e->has_head && number < e->head && e->head - number > ENDPOINT_REORG;
	bool is_news = fell && !e->lies;
	uint64_t best;

	e->lies = e->lies || fell;
	e->has_head = true;
	e->head = number;
	e->head_at_s = timestamp_s;
	e->stale = is_old(&h->rules, timestamp_s, unix_ms);
	best = best_head(h);
	e->lags = number < best && best - number > ENDPOINT_BEHIND;
	return is_news;
}

static struct health_final *final_of(struct health *h, uint64_t number)
{
	for (size_t k = 0; k < FINALIZED_KEPT && k < h->n_finals; k++)
		if (h->finals[k].number == number)
			return &h->finals[k];
	return NULL;
}

static int liar(struct health *h, size_t i)
{
	h->e[i].lies = true;
	return (int)i;
}

int health_saw_finalized(struct health *h, size_t i, uint64_t number, const struct hash32 *hash)
{
	struct health_final *f = final_of(h, number), said = { .number = number, .hash = *hash, .by = i };
	size_t by;

	if (is_out(&h->e[i]))
		return -1;
	if (f == NULL) {
		h->finals[h->n_finals++ % FINALIZED_KEPT] = said;
		return -1;
	}
	if (hash32_equal(&f->hash, hash)) {
		f->by = i < f->by ? i : f->by;
		return -1;
	}
	/* Nobody can tell which of the two is right; whom the operator named first is believed. */
	by = f->by;
	if (by <= i && !is_out(&h->e[by]))
		return liar(h, i);
	*f = said;
	return is_out(&h->e[by]) ? -1 : liar(h, by);
}

/* --- the sum of it --- */

enum endpoint_state health_state(const struct health *h, size_t i, int64_t now_ms)
{
	const struct endpoint_health *e = &h->e[i];

	if (e->lies)
		return ENDPOINT_LIES;
	if (e->wrong_chain)
		return ENDPOINT_WRONG;
	if (e->open_until_ms > now_ms)
		return ENDPOINT_OPEN;
	if (health_is_unverified(h, i, now_ms))
		return ENDPOINT_NEW;
	if (e->lags)
		return ENDPOINT_LAGS;
	return e->stale ? ENDPOINT_STALE : ENDPOINT_READY;
}

int health_rank(const struct health *h, size_t i, bool any_head, int64_t now_ms)
{
	const struct endpoint_health *e = &h->e[i];

	if (e->lies || e->open_until_ms > now_ms)
		return -1;
	if (e->wrong_chain)
		return health_is_unverified(h, i, now_ms) ? 3 : -1; /* perhaps it was mended */
	if (e->lags)
		return any_head ? 2 : -1;
	return e->stale ? 1 : 0;
}

int64_t health_wait_ms(const struct health *h, int64_t now_ms)
{
	int64_t wait = -1;

	for (size_t i = 0; i < h->n; i++) {
		const struct endpoint_health *e = &h->e[i];
		int64_t left = e->open_until_ms > now_ms ? e->open_until_ms - now_ms : 0;

		if (e->wrong_chain && e->verify_at_ms - now_ms > left)
			left = e->verify_at_ms - now_ms;
		if (!e->lies && !e->lags && (wait < 0 || left < wait))
			wait = left;
	}
	return wait;
}
