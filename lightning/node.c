#include "lightning/node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/net/json_call.h"
#include "lightning/foreign.h"
#include "lightning/same_chain.h"
#include "lightning/sweep.h"
#include "store/channel_store.h"

#define ROUND_ROOM ((size_t)64 << 20) /* what a round's replies may take */
#define PEERS_MAX  LN_CHANNELS_MAX

enum look { LOOK_INFO, LOOK_RATES, LOOK_COINS, LOOK_BALANCE, LOOK_CHANNELS, LOOK_PEER };

struct known_peer {
	struct pubkey id;
	enum lightning_peer can;
};

struct lightning {
	struct lightning_options opt;
	struct log log;
	struct arena arena; /* of the round */
	struct json_call *call;
	struct sweep *sweep;
	struct http_call *http_call;
	bool running;
	enum look look;
	int64_t begun_ms;
	struct ln_info info;
	struct ln_feerates rates;
	struct sat wallet;
	struct ln_channel *channels;
	size_t n_channels, at; /* at: whose peer is asked for */
	struct known_peer *peers;
	size_t n_peers;
	uint64_t seen; /* what of the channels others may wait for, of the last round */
	struct lightning_status status;
};

struct lightning *lightning_new(const struct lightning_options *opt)
{
	struct lightning *ln = calloc(1, sizeof(*ln));

	if (!ln)
		err_fatal("out of memory");
	ln->opt = *opt;
	ln->log = log_module("lightning");
	ln->arena = ARENA_LIMIT(ROUND_ROOM);
	ln->sweep = sweep_new(opt->loop, opt->store, opt->backend, opt->node.socket);
	return ln;
}

void lightning_free(struct lightning *ln)
{
	if (!ln)
		return;
	if (ln->call)
		json_call_cancel(ln->call);
	sweep_free(ln->sweep);
	if (ln->http_call)
		http_cancel(ln->http_call);
	arena_done(&ln->arena);
	free(ln->peers);
	free(ln);
}

void lightning_status(const struct lightning *ln, struct lightning_status *ret)
{
	*ret = ln->status;
}

const struct ln_backend *lightning_backend(const struct lightning *ln)
{
	return ln->opt.backend;
}

const char *lightning_address(const struct lightning *ln)
{
	return ln->opt.node.socket ? ln->opt.node.socket : ln->opt.node.url;
}

/* --- peers --- */

static struct known_peer *find_peer(const struct lightning *ln, const struct pubkey *id)
{
	for (size_t i = 0; i < ln->n_peers; i++)
		if (pubkey_equal(&ln->peers[i].id, id))
			return &ln->peers[i];
	return NULL;
}

enum lightning_peer lightning_peer_of(const struct lightning *ln, const struct pubkey *peer)
{
	const struct known_peer *p = find_peer(ln, peer);

	return p ? p->can : LIGHTNING_PEER_UNKNOWN;
}

static void remember_peer(struct lightning *ln, const struct pubkey *id, bool splices)
{
	struct known_peer *p = find_peer(ln, id);

	if (!p) {
		if (ln->n_peers == PEERS_MAX)
			return;
		p = realloc(ln->peers, (ln->n_peers + 1) * sizeof(*p));
		if (!p)
			err_fatal("out of memory");
		ln->peers = p;
		p = &ln->peers[ln->n_peers++];
		p->id = *id;
	}
	p->can = splices ? LIGHTNING_PEER_SPLICES : LIGHTNING_PEER_CANNOT;
}

/* --- the end of a round --- */

static void end(struct lightning *ln, const struct err *failed)
{
	ln->running = false;
	ln->status.rounds++;
	if (failed) {
		ln->status.failures++;
		if (ln->status.up || ln->status.last_error.code != failed->code)
			log_warn(&ln->log, "lightning.trouble", F_ERR(failed));
		ln->status.up = false;
		ln->status.last_error = *failed;
	}
	arena_reset(&ln->arena);
}

/* Of what others may wait for: funding, state, connection and rounds of every channel. */
static uint64_t digest(const struct lightning *ln)
{
	static const uint8_t key[16] = "walletd channels";
	SCOPED(buf) struct buf b = BUF_CAP((size_t)64 << 20);

	for (size_t i = 0; i < ln->n_channels; i++) {
		const struct ln_channel *c = &ln->channels[i];

		buf_add(&b, c->id.b, sizeof(c->id.b));
		buf_add(&b, c->funding.txid.b, sizeof(c->funding.txid.b));
		buf_u8(&b, (uint8_t)c->phase);
		buf_u8(&b, c->usable);
		buf_u8(&b, c->splicing);
		for (size_t j = 0; j < c->n_flights; j++)
			buf_add(&b, c->flights[j].funding.txid.b, sizeof(c->flights[j].funding.txid.b));
	}
	return siphash(key, buf_bytes(&b));
}

static void written(void *ctx, const struct err *failed)
{
	struct lightning *ln = ctx;
	struct lightning_status *st = &ln->status;
	uint64_t seen = digest(ln);
	bool news = !st->up || seen != ln->seen;

	if (failed) {
		end(ln, failed);
		return;
	}
	if (!st->up)
		log_info(&ln->log, "lightning.up", F_STR("version", ln->info.version),
			 F_UINT("channels", ln->n_channels));
	ln->seen = seen;
	st->told = st->up = true;
	st->id = ln->info.id;
	snprintf(st->version, sizeof(st->version), "%s", ln->info.version);
	st->too_old = ln->info.too_old;
	st->synced = ln->info.synced;
	st->height = ln->info.height;
	st->has_rates = ln->opt.backend->feerates_request != NULL;
	st->rates = ln->rates;
	st->wallet = ln->wallet;
	st->channels = (unsigned)ln->n_channels;
	st->last_success_ms = clock_now_ms();
	err_clear(&st->last_error);
	end(ln, NULL);
	sweep_run(ln->sweep);
	if (news && ln->opt.changed)
		ln->opt.changed(ln->opt.ctx);
}

static int write_channel(struct unit *u, const struct ln_channel *c, int64_t now_ms, struct err *err)
{
	const struct channel_row row = {
		.id = c->id,
		.alt_ref = c->alt,
		.peer = c->peer,
		.short_id = c->short_id,
		.state = c->state,
		.phase = c->phase,
		.usable = c->usable,
		.funding = c->funding,
		.capacity = c->capacity,
		.reserve = c->reserve,
		.local = c->local,
		.seen_at_ms = now_ms,
	};

	return channel_store_put(u, &row, err);
}

static int write_round(struct unit *u, void *ctx, struct err *err)
{
	struct lightning *ln = ctx;

	for (size_t i = 0; i < ln->n_channels; i++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT((size_t)4 << 20);

		if (write_channel(u, &ln->channels[i], ln->begun_ms, err) != 0 ||
		    foreign_take_in(u, &a, &ln->channels[i], ln->begun_ms, err) != 0)
			return -1;
	}
	return channel_store_told_all(u, ln->begun_ms, err);
}

static void write_all(struct lightning *ln)
{
	struct err err;

	if (store_unit(ln->opt.store, write_round, ln, written, &err) != 0)
		end(ln, &err);
}

/* --- asking --- */

static struct ln_ref ref_of(const struct ln_channel *c)
{
	return (struct ln_ref){ .channel = c->id, .peer = c->peer, .alt = c->alt };
}

static int request_of(struct lightning *ln, struct net_request *ret, struct err *err)
{
	const struct ln_backend *b = ln->opt.backend;
	struct ln_node node = ln->opt.node;
	struct ln_ref ref;

	node.call = arena_printf(&ln->arena, "wd:poll:%" PRIu64, ln->status.rounds);
	node.now_s = clock_now_ms() / 1000;

	switch (ln->look) {
	case LOOK_INFO:
		return b->info_request(&ln->arena, &node, ret, err);
	case LOOK_RATES:
		return b->feerates_request(&ln->arena, &node, ret, err);
	case LOOK_COINS:
		return b->coins_request(&ln->arena, &node, ret, err);
	case LOOK_BALANCE:
		return b->balance_request(&ln->arena, &node, ret, err);
	case LOOK_CHANNELS:
		return b->channels_request(&ln->arena, &node, NULL, ret, err);
	case LOOK_PEER:
		ref = ref_of(&ln->channels[ln->at]);
		return b->peer_request(&ln->arena, &node, &ref, ret, err);
	}
	return ERR(err, ERR_INTERNAL, "a look at nothing");
}

static int take_info(struct lightning *ln, const struct net_reply *rep, struct err *err)
{
	if (ln->opt.backend->info_decode(&ln->arena, rep, &ln->info, err) != 0)
		return -1;
	return same_chain(store_view(ln->opt.store), ln->opt.network, &ln->info, &ln->info.synced, err);
}

static int take_coins(struct lightning *ln, const struct net_reply *rep, struct err *err)
{
	struct splice_input *coins;
	size_t n;

	if (ln->opt.backend->coins_decode(&ln->arena, rep, &coins, &n, err) != 0)
		return -1;
	ln->wallet = (struct sat){ 0 };
	for (size_t i = 0; i < n; i++)
		if (!sat_add(ln->wallet, coins[i].amount, &ln->wallet))
			return ERR(err, ERR_PEER_INVALID, "the node's coins are more than there is");
	return 0;
}

static int take_peer(struct lightning *ln, const struct net_reply *rep, struct err *err)
{
	bool known, splices;

	if (ln->opt.backend->peer_decode(&ln->arena, rep, &known, &splices, err) != 0)
		return -1;
	if (known)
		remember_peer(ln, &ln->channels[ln->at].peer, splices);
	ln->at++;
	return 0;
}

static int take(struct lightning *ln, const struct net_reply *rep, struct err *err)
{
	const struct ln_backend *b = ln->opt.backend;

	switch (ln->look) {
	case LOOK_INFO:
		return take_info(ln, rep, err);
	case LOOK_RATES:
		return b->feerates_decode(&ln->arena, rep, &ln->rates, err);
	case LOOK_COINS:
		return take_coins(ln, rep, err);
	case LOOK_BALANCE:
		return b->balance_decode(&ln->arena, rep, &ln->wallet, err);
	case LOOK_CHANNELS:
		ln->at = 0;
		return b->channels_decode(&ln->arena, rep, &ln->channels, &ln->n_channels, err);
	case LOOK_PEER:
		return take_peer(ln, rep, err);
	}
	return ERR(err, ERR_INTERNAL, "a look at nothing");
}

static void look_on(struct lightning *ln);

static void answered(void *ctx, const struct net_reply *rep)
{
	struct lightning *ln = ctx;
	struct err err;

	ln->call = NULL;
	ln->http_call = NULL;
	if (take(ln, rep, &err) != 0) {
		end(ln, &err);
		return;
	}
	if (ln->look < LOOK_PEER)
		ln->look++;
	look_on(ln);
}

/* Is there a call of this backend's for it? */
static bool can_ask(const struct ln_backend *b, enum look look)
{
	switch (look) {
	case LOOK_INFO:
		return b->info_request != NULL;
	case LOOK_RATES:
		return b->feerates_request != NULL;
	case LOOK_COINS:
		return b->coins_request != NULL;
	case LOOK_BALANCE:
		return b->balance_request != NULL;
	case LOOK_CHANNELS:
		return b->channels_request != NULL;
	case LOOK_PEER:
		return b->peer_request != NULL;
	}
	return false;
}

static bool is_worth_asking(const struct lightning *ln, const struct ln_channel *c)
{
	return can_ask(ln->opt.backend, LOOK_PEER) && c->connected &&
	       lightning_peer_of(ln, &c->peer) != LIGHTNING_PEER_SPLICES;
}

/* The next question, or the end: peers are asked for while they are there and nobody knows what they can do. */
static void look_on(struct lightning *ln)
{
	struct net_request req = { 0 };
	struct err err;

	while (ln->look < LOOK_PEER && !can_ask(ln->opt.backend, ln->look))
		ln->look++;
	if (ln->look == LOOK_PEER) {
		while (ln->at < ln->n_channels && !is_worth_asking(ln, &ln->channels[ln->at]))
			ln->at++;
		if (ln->at == ln->n_channels) {
			write_all(ln);
			return;
		}
	}
	if (request_of(ln, &req, &err) != 0)
		end(ln, &err);
	else if (req.plain_json)
		ln->call = json_call_submit(ln->opt.loop, &req, answered, ln);
	else
		ln->http_call = http_submit(ln->opt.http, &req, answered, ln);
}

int lightning_run(void *lightning, struct err *err)
{
	struct lightning *ln = lightning;

	(void)err;
	if (ln->running)
		return 0;
	ln->running = true;
	ln->look = LOOK_INFO;
	ln->begun_ms = clock_now_ms();
	look_on(ln);
	return 0;
}
