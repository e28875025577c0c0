#include "chain/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "chain/source_internal.h"

#define IN_FLIGHT_BITCOIND 8
#define IN_FLIGHT_ESPLORA  4
#define VERIFY_EVERY_MS    3600000
#define OPEN_MIN_MS        1000
#define OPEN_MAX_MS        300000
#define NEW_BLOCK_MAX_MS   60000

/* --- questions --- */

static struct outpoint *copy_outpoints(struct chain_ask *q, const struct outpoint *at, size_t n)
{
	struct outpoint *copy = ARENA_ARRAY(&q->params, n, struct outpoint);

	for (size_t i = 0; i < n; i++)
		copy[i] = at[i];
	return copy;
}

static void copy_txs(struct chain_ask *q, const struct tx *const *txs, size_t n)
{
	q->p.n = n;
	q->p.raw = ARENA_ARRAY(&q->params, n, struct bytes);
	q->p.txids = ARENA_ARRAY(&q->params, n, struct txid);
	for (size_t i = 0; i < n; i++) {
		q->p.raw[i] = tx_bytes(&q->params, txs[i]);
		q->p.txids[i] = tx_txid(txs[i]);
	}
}

static void copy_descriptors(struct chain_ask *q, const struct bitcoind_descriptor *d, size_t n)
{
	q->p.n = n;
	q->p.descriptors = ARENA_ARRAY(&q->params, n, struct bitcoind_descriptor);
	for (size_t i = 0; i < n; i++)
		q->p.descriptors[i] = (struct bitcoind_descriptor){ arena_strdup(&q->params, d[i].text), d[i].last };
}

static struct chain_ask *start(struct chain_ask *q)
{
	ask_start(q);
	return q;
}

struct chain_ask *chain_ask_tip(struct chain_source *s, struct chain_then then)
{
	return start(ask_new(s, ASK_TIP, then));
}

struct chain_ask *chain_ask_ref(struct chain_source *s, uint32_t height, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_REF, then);

	q->p.height = height;
	return start(q);
}

static struct chain_ask *ask_of_block(struct chain_source *s, enum ask_kind kind, const struct block_hash *hash,
				      struct chain_then then)
{
	struct chain_ask *q = ask_new(s, kind, then);

	q->p.hash = *hash;
	q->p.has_hash = true;
	return start(q);
}

struct chain_ask *chain_ask_header(struct chain_source *s, const struct block_hash *hash, struct chain_then then)
{
	return ask_of_block(s, ASK_HEADER, hash, then);
}

struct chain_ask *chain_ask_block(struct chain_source *s, const struct block_hash *hash, struct chain_then then)
{
	return ask_of_block(s, ASK_BLOCK, hash, then);
}

struct chain_ask *chain_ask_filter(struct chain_source *s, const struct block_hash *hash, struct chain_then then)
{
	return ask_of_block(s, ASK_FILTER, hash, then);
}

struct chain_ask *chain_ask_new_block(struct chain_source *s, int64_t ms, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_NEW_BLOCK, then);

	q->p.ms = ms < NEW_BLOCK_MAX_MS ? ms : NEW_BLOCK_MAX_MS;
	return start(q);
}

struct chain_ask *chain_ask_status(struct chain_source *s, const struct txid *txid, uint32_t n_out,
				   struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_STATUS, then);

	q->p.txid = *txid;
	q->p.n_out = n_out;
	return start(q);
}

struct chain_ask *chain_ask_tx(struct chain_source *s, const struct txid *txid, const struct block_hash *in,
			       struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_TX, then);

	q->p.txid = *txid;
	q->p.has_hash = in != NULL;
	if (in != NULL)
		q->p.hash = *in;
	return start(q);
}

struct chain_ask *chain_ask_spends(struct chain_source *s, const struct outpoint *at, size_t n, uint32_t from,
				   struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_SPENDS, then);

	assert(n >= 1 && n <= CHAIN_SPENDS_MAX);
	q->p.at = copy_outpoints(q, at, n);
	q->p.n = n;
	q->p.from = from;
	return start(q);
}

struct chain_ask *chain_ask_coin(struct chain_source *s, const struct outpoint *at, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_COIN, then);

	q->p.at = copy_outpoints(q, at, 1);
	return start(q);
}

struct chain_ask *chain_ask_entry(struct chain_source *s, const struct txid *txid, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_ENTRY, then);

	q->p.txid = *txid;
	return start(q);
}

struct chain_ask *chain_ask_mempool(struct chain_source *s, struct chain_then then)
{
	return start(ask_new(s, ASK_MEMPOOL, then));
}

struct chain_ask *chain_ask_broadcast(struct chain_source *s, const struct tx *tx, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_BROADCAST, then);

	copy_txs(q, &tx, 1);
	return start(q);
}

struct chain_ask *chain_ask_package(struct chain_source *s, const struct tx *const *txs, size_t n,
				    struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_PACKAGE, then);

	assert(n >= 1 && n <= PACKAGE_MAX);
	copy_txs(q, txs, n);
	return start(q);
}

struct chain_ask *chain_ask_test(struct chain_source *s, const struct tx *const *txs, size_t n, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_TEST, then);

	assert(n >= 1 && n <= PACKAGE_MAX);
	copy_txs(q, txs, n);
	return start(q);
}

struct chain_ask *chain_ask_fees(struct chain_source *s, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_FEES, then);

	if (!fees_are_fresh(&s->fees, source_now_ms()) || !fees_last(&s->fees, source_now_ms(), &q->answer.rates, NULL))
		return start(q);
	ask_over(q);
	return q;
}

struct chain_ask *chain_ask_limits(struct chain_source *s, struct chain_then then)
{
	return start(ask_new(s, ASK_LIMITS, then));
}

struct chain_ask *chain_ask_history(struct chain_source *s, struct bytes script, const struct chain_seen *known,
				    size_t n_known, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_HISTORY, then);

	q->p.script = arena_bytes(&q->params, script);
	q->p.known = ARENA_ARRAY(&q->params, n_known, struct chain_seen);
	q->p.n = n_known;
	for (size_t i = 0; i < n_known; i++)
		q->p.known[i] = known[i];
	return start(q);
}

struct chain_ask *chain_ask_script_stats(struct chain_source *s, struct bytes script, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_SCRIPT_STATS, then);

	q->p.script = arena_bytes(&q->params, script);
	return start(q);
}

struct chain_ask *chain_ask_scan_coins(struct chain_source *s, const struct bitcoind_descriptor *d, size_t n,
				       struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_SCAN_COINS, then);

	copy_descriptors(q, d, n);
	return start(q);
}

struct chain_ask *chain_ask_scan_blocks(struct chain_source *s, const struct bitcoind_descriptor *d, size_t n,
					uint32_t from, uint32_t to, struct chain_then then)
{
	struct chain_ask *q = ask_new(s, ASK_SCAN_BLOCKS, then);

	copy_descriptors(q, d, n);
	q->p.from = from;
	q->p.to = to;
	return start(q);
}

void chain_cancel(struct chain_ask *ask)
{
	struct backend *b = ask->at;

	ask_free(ask);
	if (b != NULL)
		backend_pump(b); /* a place may have become free */
}

size_t chain_in_flight(const struct chain_source *s)
{
	size_t n = s->in_flight;

	for (size_t i = 0; i < s->n; i++)
		n -= s->b[i].verifying != NULL ? 1 : 0;
	return n;
}

/* --- what is known without asking --- */

void source_saw_tip(struct chain_source *s, const struct block_ref *tip)
{
	s->has_tip = true;
	s->tip = *tip;
	s->tip_at_ms = source_now_ms();
}

bool chain_last_tip(const struct chain_source *s, struct block_ref *ret, int64_t *age_ms)
{
	if (!s->has_tip)
		return false;
	*ret = s->tip;
	*age_ms = source_now_ms() - s->tip_at_ms;
	return true;
}

bool chain_last_fees(const struct chain_source *s, struct fee_rates *ret, int64_t *age_ms)
{
	return fees_last(&s->fees, source_now_ms(), ret, age_ms);
}

int64_t chain_stale_s(const struct chain_source *s)
{
	return (source_now_ms() - s->answer_at_ms) / 1000;
}

bool chain_is_usable(const struct chain_source *s, int64_t *ret_wait_ms)
{
	int64_t now = source_now_ms(), wait = -1;

	for (size_t i = 0; i < s->n; i++) {
		int64_t w = breaker_wait_ms(&s->b[i].breaker, now);

		if (wait < 0 || w < wait)
			wait = w;
	}
	*ret_wait_ms = wait;
	return wait == 0;
}

const char *chain_state_name(enum chain_state s)
{
	switch (s) {
	case CHAIN_NEW:
		return "new";
	case CHAIN_READY:
		return "ready";
	case CHAIN_CATCHING_UP:
		return "catching_up";
	case CHAIN_RESTING:
		return "resting";
	case CHAIN_NO_LOGIN:
		return "no_login";
	case CHAIN_WRONG_NETWORK:
		return "wrong_network";
	}
	return "unknown";
}

size_t chain_backends(const struct chain_source *s)
{
	return s->n;
}

void chain_stats(const struct chain_source *s, size_t i, struct chain_stats *ret)
{
	const struct backend *b = &s->b[i];
	int64_t now = source_now_ms();

	assert(i < s->n);
	*ret = (struct chain_stats){
		.state = backend_state(b),
		.answered = b->answered,
		.failed = b->failed,
		.failures_in_a_row = b->breaker.failures,
		.resting_ms = b->breaker.open_until_ms > now ? b->breaker.open_until_ms - now : 0,
		.latency_ms = b->latency_us < 0 ? -1 : b->latency_us / 1000,
		.last_answer_ms = b->last_answer_ms,
		.last_error_ms = b->last_error_ms,
		.last_error = b->last_error,
		.verified = b->facts.verified,
		.has_txindex = b->facts.indexes.tx,
		.has_filters = b->facts.indexes.filter,
		.pruned = b->facts.pruned,
		.prune_height = b->facts.prune_height,
		.limits = b->facts.limits,
	};
	memcpy(ret->url, b->shown, sizeof(ret->url));
	memcpy(ret->software, b->facts.software, sizeof(ret->software));
	memcpy(ret->warnings, b->facts.warnings, sizeof(ret->warnings));
}

/* --- making and ending --- */

static int url_check(const struct chain_options *opts, size_t i, struct err *err)
{
	const struct chain_backend_options *b = &opts->backends[i];
	const char *rest = text_starts(b->url, "http://")    ? b->url + strlen("http://")
			   : text_starts(b->url, "https://") ? b->url + strlen("https://")
							     : "";

	if (strcspn(rest, "/?#@") == 0 || !text_printable_ascii(b->url) || strpbrk(b->url, " #") != NULL)
		return ERR(err, ERR_CONFIG, "backend %zu is not a URL", i + 1);
	if (strlen(b->url) > CHAIN_URL_MAX)
		return ERR(err, ERR_CONFIG, "the URL of backend %zu has more than %d characters", i + 1, CHAIN_URL_MAX);
	if (strchr(rest, '@') != NULL)
		return ERR(err, ERR_CONFIG, "backend %zu: user and password do not belong into a URL", i + 1);
	if (opts->kind == CHAIN_ESPLORA && (rest[strlen(rest) - 1] == '/' || strchr(rest, '?') != NULL))
		return ERR(err, ERR_CONFIG, "backend %zu ends with a slash or a query", i + 1);
	return 0;
}

static int login_check(const struct chain_options *opts, size_t i, struct err *err)
{
	const struct chain_backend_options *b = &opts->backends[i];

	if (b->login != NULL && b->cookie_file != NULL)
		return ERR(err, ERR_CONFIG, "backend %zu has a password and a cookie file", i + 1);
	if (opts->kind == CHAIN_ESPLORA && (b->login != NULL || b->cookie_file != NULL))
		return ERR(err, ERR_CONFIG, "backend %zu: Esplora takes no password", i + 1);
	if (b->login != NULL && (strchr(b->login, ':') == NULL || !text_printable_ascii(b->login)))
		return ERR(err, ERR_CONFIG, "backend %zu: its login is not user:password", i + 1);
	return 0;
}

static int options_check(const struct chain_options *opts, struct err *err)
{
	if (opts->n_backends == 0 || opts->n_backends > CHAIN_BACKENDS_MAX)
		return ERR(err, ERR_CONFIG, "there are 1 to %d backends, not %zu", CHAIN_BACKENDS_MAX,
			   opts->n_backends);
	for (size_t i = 0; i < opts->n_backends; i++) {
		if (url_check(opts, i, err) != 0 || login_check(opts, i, err) != 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (strcmp(opts->backends[i].url, opts->backends[k].url) == 0)
				return ERR(err, ERR_CONFIG, "backends %zu and %zu are the same", k + 1, i + 1);
	}
	return 0;
}

static int64_t or_default(int64_t v, int64_t by_default)
{
	return v > 0 ? v : by_default;
}

static void options_take(struct chain_source *s, const struct chain_options *opts)
{
	s->opt = *opts;
	s->opt.backends = NULL; /* copied one by one */
	if (opts->max_in_flight == 0)
		s->opt.max_in_flight = opts->kind == CHAIN_BITCOIND ? IN_FLIGHT_BITCOIND : IN_FLIGHT_ESPLORA;
	if (opts->fee_fallback != NULL) {
		s->fee_fallback = *opts->fee_fallback;
		s->opt.fee_fallback = &s->fee_fallback;
	}
	s->rules = (struct breaker_rules){
		.open_min_ms = or_default(opts->open_min_ms, OPEN_MIN_MS),
		.open_max_ms = or_default(opts->open_max_ms, OPEN_MAX_MS),
		.verify_every_ms = or_default(opts->verify_every_ms, VERIFY_EVERY_MS),
	};
}

int chain_source_new(const struct chain_options *opts, struct chain_source **ret, struct err *err)
{
	struct chain_source *s;

	if (options_check(opts, err) != 0)
		return -1;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	options_take(s, opts);
	s->driver = opts->kind == CHAIN_BITCOIND ? &driver_bitcoind : &driver_esplora;
	s->log = log_module("chain");
	counts_init(&s->counts);
	s->answer_at_ms = source_now_ms();
	fees_init(&s->fees, s->opt.fee_fallback);
	LIST_INIT(&s->asks);
	s->n = opts->n_backends;
	for (size_t i = 0; i < s->n; i++)
		backend_init(&s->b[i], s, i, &opts->backends[i]);
	*ret = s;
	return 0;
}

void chain_source_free(struct chain_source *s)
{
	struct chain_ask *q;

	if (s == NULL)
		return;
	while ((q = LIST_FIRST(&s->asks)) != NULL)
		ask_free(q);
	for (size_t i = 0; i < s->n; i++)
		backend_done(&s->b[i]);
	free(s);
}
