/* What is known of a backend: its breaker, its login, its network, what it can do.  It is verified by a question like any
 * other, which may go nowhere else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "chain/source_internal.h"

int64_t source_now_ms(void)
{
	return clock_mono_us() / 1000;
}

void backend_init(struct backend *b, struct chain_source *s, size_t i, const struct chain_backend_options *opts)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16384);

	*b = (struct backend){ .s = s, .i = i, .latency_us = -1 };
	b->url = strdup(opts->url);
	if (b->url == NULL)
		abort();
	(void)snprintf(b->shown, sizeof(b->shown), "%s", url_shown(&a, opts->url));
	b->login = login_new(opts->login, opts->cookie_file);
	capability_limits_unknown(&b->facts.limits);
	TAILQ_INIT(&b->waiting);
}

void backend_done(struct backend *b)
{
	login_free(b->login);
	free(b->url);
}

enum chain_state backend_state(const struct backend *b)
{
	int64_t now = source_now_ms();

	if (b->breaker.wrong_network)
		return CHAIN_WRONG_NETWORK;
	if (b->breaker.no_login)
		return CHAIN_NO_LOGIN;
	if (breaker_is_open(&b->breaker, now))
		return CHAIN_RESTING;
	if (breaker_is_unverified(&b->breaker, now))
		return CHAIN_NEW;
	return b->facts.ready ? CHAIN_READY : CHAIN_CATCHING_UP;
}

/* 0 is best. */
static int rank(const struct backend *b)
{
	if (b->breaker.wrong_network)
		return 2; /* perhaps it was mended */
	return b->facts.verified && !b->facts.ready ? 1 : 0;
}

struct backend *backend_choose(struct chain_source *s, unsigned tried)
{
	int64_t now = source_now_ms();
	struct backend *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct backend *b = &s->b[i];

		if ((tried >> i & 1u) != 0 || !breaker_is_fit(&b->breaker, now))
			continue;
		if (best == NULL || rank(b) < rank(best))
			best = b;
	}
	return best;
}

/* --- its record --- */

void backend_answered(struct backend *b, int64_t start_us)
{
	int64_t took = clock_mono_us() - start_us;

	b->answered++;
	b->last_answer_ms = clock_now_ms();
	b->latency_us = b->latency_us < 0 ? took : (7 * b->latency_us + took) / 8;
	b->s->answer_at_ms = source_now_ms();
	breaker_answered(&b->breaker);
}

static void note_error(struct backend *b, const struct err *why)
{
	b->last_error = *why;
	b->last_error_ms = clock_now_ms();
}

void backend_failed(struct backend *b, const struct err *why)
{
	struct log *log = &b->s->log;
	bool was_locked_out = b->breaker.no_login;

	b->failed++;
	note_error(b, why);
	if (why->code == ERR_PEER_DOWN)
		login_forget(b->login);
	log_debug(log, "chain.failed", F_STR("backend", b->shown), F_ERR(why));
	if (!breaker_failed(&b->breaker, &b->s->rules, why, source_now_ms()))
		return;
	if (b->breaker.no_login && !was_locked_out)
		log_error(log, "chain.no_login", F_STR("backend", b->shown), F_ERR(why));
	else
		log_warn(log, "chain.resting", F_STR("backend", b->shown),
			 F_INT("for_ms", b->breaker.open_until_ms - source_now_ms()), F_ERR(why));
	backend_leave(b, why);
}

void backend_leave(struct backend *b, const struct err *why)
{
	struct chain_ask *q;

	while ((q = TAILQ_FIRST(&b->waiting)) != NULL)
		ask_move(q, why);
}

/* --- verifying --- */

void backend_is_wrong(struct backend *b, const struct err *why)
{
	if (!b->breaker.wrong_network)
		log_error(&b->s->log, "chain.wrong_network", F_STR("backend", b->shown), F_ERR(why));
	note_error(b, why);
	breaker_verified(&b->breaker, &b->s->rules, false, source_now_ms());
	backend_leave(b, why);
}

static void on_verified(void *ctx, const struct chain_answer *got)
{
	struct backend *b = ctx;

	b->verifying = NULL;
	if (got->err.code != ERR_NONE) { /* it is noted already */
		backend_leave(b, &got->err);
		return;
	}
	if (b->breaker.wrong_network || !b->facts.verified)
		log_info(&b->s->log, "chain.verified", F_STR("backend", b->shown), F_STR("software", b->facts.software),
			 F_BOOL("packages", b->facts.limits.packages), F_STR("hint", b->facts.limits.why_not));
	b->facts.verified = true;
	breaker_verified(&b->breaker, &b->s->rules, true, source_now_ms());
	backend_pump(b);
}

static void verify(struct backend *b)
{
	if (b->verifying != NULL)
		return;
	b->verifying = ask_new(b->s, ASK_VERIFY, (struct chain_then){ on_verified, b });
	b->verifying->only = b;
	b->verifying->at = b;
	ask_send(b->verifying);
}

void backend_pump(struct backend *b)
{
	struct chain_ask *q;

	if (TAILQ_EMPTY(&b->waiting))
		return;
	if (breaker_is_unverified(&b->breaker, source_now_ms())) {
		verify(b);
		return;
	}
	while (b->in_flight < b->s->opt.max_in_flight && (q = TAILQ_FIRST(&b->waiting)) != NULL)
		ask_send(q);
}
