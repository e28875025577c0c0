#include "chain/breaker.h"

void breaker_answered(struct breaker *h)
{
	h->failures = 0;
	h->opened = 0;
	h->no_login = false;
}

static int64_t rest_ms(const struct breaker_rules *r, const struct err *why, unsigned opened)
{
	int64_t max = r->open_max_ms, ms = r->open_min_ms;
	int64_t asked_s = why->retry_after_s < BREAKER_ASKED_MAX_S ? why->retry_after_s : BREAKER_ASKED_MAX_S;

	if (why->code == ERR_PEER_BUSY && max > BREAKER_BUSY_MAX_MS)
		max = BREAKER_BUSY_MAX_MS;
	for (unsigned k = 0; k < opened && ms < max; k++)
		ms *= 2;
	if (ms > max)
		ms = max;
	return ms > asked_s * 1000 ? ms : asked_s * 1000;
}

bool breaker_failed(struct breaker *h, const struct breaker_rules *r, const struct err *why, int64_t now_ms)
{
	bool at_once = why->code == ERR_PEER_BUSY || why->code == ERR_PEER_AUTH;

	h->failures++;
	h->no_login = why->code == ERR_PEER_AUTH;
	if (breaker_is_open(h, now_ms)) /* what was under way when it opened */
		return false;
	/* After a rest one failure is enough. */
	if (!at_once && h->failures < BREAKER_FAILURES && h->opened == 0)
		return false;
	h->open_until_ms = now_ms + rest_ms(r, why, h->opened);
	h->opened++;
	h->verify_at_ms = 0;
	return true;
}

void breaker_verified(struct breaker *h, const struct breaker_rules *r, bool right_network, int64_t now_ms)
{
	h->wrong_network = !right_network;
	h->verify_at_ms = now_ms + (right_network ? r->verify_every_ms : r->open_max_ms);
	if (breaker_is_open(h, now_ms)) /* it opened meanwhile: once more after that */
		h->verify_at_ms = 0;
}

bool breaker_is_unverified(const struct breaker *h, int64_t now_ms)
{
	return h->verify_at_ms <= now_ms;
}

bool breaker_is_open(const struct breaker *h, int64_t now_ms)
{
	return h->open_until_ms > now_ms;
}

bool breaker_is_fit(const struct breaker *h, int64_t now_ms)
{
	return breaker_wait_ms(h, now_ms) == 0;
}

int64_t breaker_wait_ms(const struct breaker *h, int64_t now_ms)
{
	int64_t until = h->open_until_ms;

	if (h->wrong_network && h->verify_at_ms > until)
		until = h->verify_at_ms;
	return until > now_ms ? until - now_ms : 0;
}
