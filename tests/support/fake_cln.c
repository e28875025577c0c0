#include "tests/support/fake_cln.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/psbt.h"

#define CONNECTIONS 64

const char fake_cln_channel_text[] = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
static const char ours[] = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
static const char peer[] = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";

struct connection {
	struct fake_cln *node;
	int fd;
	struct event *ev;
	char text[65536];
	size_t n;
};

struct fake_cln {
	struct loop *loop;
	struct fake_cln_state *st;
	int listener;
	struct event *accepting;
	struct connection *open[CONNECTIONS];
	struct arena a; /* of the call */
	int code;       /* of its error, and the words */
	const char *words;
};

/* --- what it knows --- */

struct hash32 fake_cln_channel(void)
{
	struct hash32 h;

	ck_assert(hex_decode(fake_cln_channel_text, h.b, sizeof(h.b)));
	return h;
}

static struct outpoint numbered(unsigned n, uint32_t vout)
{
	struct outpoint at = { .vout = vout };

	memset(at.txid.b, (int)n, sizeof(at.txid.b));
	return at;
}

struct fake_cln_state *fake_cln_state_new(void)
{
	struct fake_cln_state *st = mmap(NULL, sizeof(*st), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(st, MAP_FAILED);
	*st = (struct fake_cln_state){
		.version = "v26.06.6",
		.network = "regtest",
		.connected = true,
		.height = 100,
		.capacity = 1000000,
		.local_sat = 600000,
		.funding = numbered(0xf0, 0),
		.coin = { { .at = numbered(0xc0, 1), .sat = 300000 }, { .at = numbered(0xc1, 0), .sat = 200000 } },
	};
	return st;
}

void fake_cln_lock(struct fake_cln_state *st)
{
	const struct fake_flight *f = &st->flight[st->n_flights - 1];

	st->funding = (struct outpoint){ f->txid, f->vout };
	st->capacity = (uint64_t)((int64_t)st->capacity + f->by);
	st->local_sat = (uint64_t)((int64_t)st->local_sat + f->by);
	st->n_flights = 0;
}

const char *fake_cln_raw(const struct fake_cln_state *st, size_t flight)
{
	return st->flight[flight].raw;
}

/* --- answers --- */

static json_t *object(struct fake_cln *n)
{
	return json_object_in(&n->a);
}

static json_t *refuse(struct fake_cln *n, int code, const char *words)
{
	n->code = code;
	n->words = words;
	return NULL;
}

static void set_txid(json_t *v, const char *name, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(v, name, text);
}

static json_t *getinfo(struct fake_cln *n)
{
	json_t *v = object(n);

	json_set_str(v, "id", ours);
	json_set_str(v, "version", n->st->version);
	json_set_str(v, "network", n->st->network);
	json_set_int(v, "blockheight", n->st->height);
	if (n->st->unsynced)
		json_set_str(v, "warning_lightningd_sync", "still loading");
	return v;
}

static json_t *feerates(struct fake_cln *n)
{
	json_t *v = object(n), *kw = object(n);

	json_set_int(kw, "floor", 253);
	json_set_int(kw, "splice", 1000);
	json_set_int(kw, "max_acceptable", 10000);
	json_set(v, "perkw", kw);
	return v;
}

static const char *state_of(const struct fake_cln_state *st)
{
	if (st->state)
		return st->state;
	for (size_t i = 0; i < st->n_flights; i++)
		if (st->flight[i].sent)
			return "CHANNELD_AWAITING_SPLICE";
	return "CHANNELD_NORMAL";
}

static json_t *flights(struct fake_cln *n)
{
	json_t *list = json_array_in(&n->a);

	for (size_t i = 0; i < n->st->n_flights; i++) {
		const struct fake_flight *f = &n->st->flight[i];
		json_t *v = object(n);

		set_txid(v, "funding_txid", &f->txid);
		json_set_int(v, "funding_outnum", f->vout);
		json_set_str(v, "feerate", arena_printf(&n->a, "%uperkw", (unsigned)f->rate_kw));
		json_set_int(v, "total_funding_msat", ((int64_t)n->st->capacity + f->by) * 1000);
		json_set_int(v, "splice_amount", f->by);
		json_add(list, v);
	}
	return list;
}

static json_t *listpeerchannels(struct fake_cln *n)
{
	json_t *v = object(n), *list = json_array_in(&n->a), *c = object(n);

	json_set_str(c, "channel_id", fake_cln_channel_text);
	json_set_str(c, "peer_id", peer);
	json_set_str(c, "state", state_of(n->st));
	json_set_str(c, "short_channel_id", "103x1x0");
	json_set_bool(c, "peer_connected", n->st->connected);
	if (n->st->connected) {
		json_set_bool(c, "reestablished", true);
		json_set_str(c, "owner", "channeld");
	}
	set_txid(c, "funding_txid", &n->st->funding.txid);
	json_set_int(c, "funding_outnum", n->st->funding.vout);
	json_set_u64(c, "total_msat", n->st->capacity * 1000);
	json_set_u64(c, "to_us_msat", n->st->local_sat * 1000);
	json_set_u64(c, "spendable_msat", (n->st->local_sat - 10000) * 1000);
	json_set_int(c, "our_reserve_msat", 10000000);
	if (n->st->n_flights > 0)
		json_set(c, "inflight", flights(n));
	if (!n->st->closed && !n->st->forgets_channel)
		json_add(list, c);
	json_set(v, "channels", list);
	return v;
}

static json_t *listclosedchannels(struct fake_cln *n)
{
	json_t *v = object(n), *list = json_array_in(&n->a), *c = object(n);

	json_set_str(c, "channel_id", fake_cln_channel_text);
	if (n->st->closed)
		json_add(list, c);
	json_set(v, "closedchannels", list);
	return v;
}

static json_t *listpeers(struct fake_cln *n)
{
	json_t *v = object(n), *list = json_array_in(&n->a), *p = object(n);

	/* Bit 63. */
	json_set_str(p, "features", n->st->cannot_splice ? "02" : "8000000000000000");
	if (n->st->connected)
		json_add(list, p);
	json_set(v, "peers", list);
	return v;
}

static bool is_reserved(const struct fake_cln_state *st, const struct fake_coin *coin)
{
	return coin->reserved && coin->reserved_to > st->height;
}

static json_t *listfunds(struct fake_cln *n)
{
	json_t *v = object(n), *list = json_array_in(&n->a);

	for (size_t i = 0; i < FAKE_CLN_COINS; i++) {
		json_t *c = object(n);

		if (n->st->coin[i].spent)
			continue;
		set_txid(c, "txid", &n->st->coin[i].at.txid);
		json_set_int(c, "output", n->st->coin[i].at.vout);
		json_set_u64(c, "amount_msat", n->st->coin[i].sat * 1000);
		if (is_reserved(n->st, &n->st->coin[i]))
			json_set_int(c, "reserved_to_block", n->st->coin[i].reserved_to);
		json_add(list, c);
	}
	json_set(v, "outputs", list);
	return v;
}

/* --- PSBTs --- */

static struct spk key_script(uint8_t n)
{
	struct xonly key;

	memset(key.b, n, sizeof(key.b));
	return spk_p2tr(&key);
}

/* A transaction under way. */
struct draft {
	struct tx tx;
	struct tx_in in[4];
	struct tx_out out[4], spent[4];
	struct spk script[4], spent_script[4];
};

static void draft_in(struct draft *d, struct outpoint at, uint64_t sat, struct spk script)
{
	size_t i = d->tx.n_in++;

	d->in[i] = (struct tx_in){ .prevout = at, .sequence = 0xfffffffd };
	d->spent_script[i] = script;
	d->spent[i] = (struct tx_out){ .script = spk_bytes(&d->spent_script[i]) };
	ck_assert(sat_from_u64(sat, &d->spent[i].value));
}

static void draft_out(struct draft *d, uint64_t sat, struct spk script)
{
	size_t i = d->tx.n_out++;

	d->script[i] = script;
	d->out[i] = (struct tx_out){ .script = spk_bytes(&d->script[i]) };
	ck_assert(sat_from_u64(sat, &d->out[i].value));
}

static const char *draft_psbt(struct fake_cln *n, struct draft *d)
{
	struct psbt p;
	struct err err;
	char *text;

	d->tx.version = 2;
	d->tx.in = d->in;
	d->tx.out = d->out;
	ck_assert_int_eq(psbt_create(&n->a, &d->tx, &p, &err), 0);
	for (size_t i = 0; i < d->tx.n_in; i++)
		ck_assert_int_eq(psbt_put_witness_utxo(&n->a, &p, i, &d->spent[i], &err), 0);
	ck_assert_int_eq(psbt_text(&n->a, &p, &text, &err), 0);
	return text;
}

static uint64_t sat_param(const json_t *params, const char *name)
{
	char digits[24] = "";
	const char *text = json_string_value(json_object_get(params, name));
	uint64_t v;

	ck_assert_ptr_nonnull(text);
	memcpy(digits, text, strspn(text, "0123456789") < 23 ? strspn(text, "0123456789") : 23);
	ck_assert(parse_u64(digits, UINT64_MAX, &v));
	return v;
}

static struct fake_coin *coin_to_spend(struct fake_cln *n, bool reserved_ok)
{
	for (size_t i = 0; i < FAKE_CLN_COINS; i++)
		if (!n->st->coin[i].spent && (reserved_ok || !is_reserved(n->st, &n->st->coin[i])))
			return &n->st->coin[i];
	return NULL;
}

static struct fake_coin *coin_at(struct fake_cln_state *st, const struct outpoint *at)
{
	for (size_t i = 0; i < FAKE_CLN_COINS; i++)
		if (outpoint_equal(&st->coin[i].at, at))
			return &st->coin[i];
	ck_abort_msg("a coin that the node has not");
}

static void reserve(const struct fake_cln_state *st, struct fake_coin *coin, uint32_t blocks)
{
	coin->reserved_to = (is_reserved(st, coin) ? coin->reserved_to : st->height) + blocks;
	coin->reserved = true;
}

/* fundpsbt, and utxopsbt with reservedok: the first coin, and change. */
static json_t *fundpsbt(struct fake_cln *n, const json_t *params)
{
	struct fake_coin *coin = coin_to_spend(n, json_is_true(json_object_get(params, "reservedok")));
	uint64_t amount = sat_param(params, "satoshi"), rate = sat_param(params, "feerate");
	uint64_t weight = 640 + 230 + 172, fee = (rate * weight + 999) / 1000;
	json_t *v = object(n), *list = json_array_in(&n->a), *r = object(n);
	struct draft d = { 0 };

	if (!coin || coin->sat < amount + fee + 330)
		return refuse(n, 301, "Could not afford it");
	reserve(n->st, coin, 2016);
	n->st->reserves++;
	draft_in(&d, coin->at, coin->sat, key_script(1));
	draft_out(&d, coin->sat - amount - fee, key_script(2));
	json_set_str(v, "psbt", draft_psbt(n, &d));
	json_set_u64(v, "estimated_final_weight", weight);
	json_set_int(v, "change_outnum", 0);
	json_set_int(v, "excess_msat", 0);
	set_txid(r, "txid", &coin->at.txid);
	json_set_int(r, "vout", coin->at.vout);
	json_add(list, r);
	json_set(v, "reservations", list);
	return v;
}

static json_t *addpsbtoutput(struct fake_cln *n, const json_t *params)
{
	const char *to = json_string_value(json_object_get(params, "destination"));
	struct draft d = { 0 };
	json_t *v = object(n);
	struct spk script;
	struct err err;

	ck_assert_int_eq(address_parse(to, NETWORK_REGTEST, &script, &err), 0);
	draft_out(&d, sat_param(params, "satoshi"), script);
	json_set_str(v, "psbt", draft_psbt(n, &d));
	json_set_int(v, "estimated_added_weight", 172);
	return v;
}

static json_t *reserveinputs(struct fake_cln *n, const json_t *params)
{
	json_int_t blocks = json_integer_value(json_object_get(params, "reserve"));
	struct psbt p;
	struct err err;

	ck_assert(json_is_false(json_object_get(params, "exclusive")) && blocks > 0);
	ck_assert_int_eq(psbt_decode_text(&n->a, json_string_value(json_object_get(params, "psbt")), &p, &err), 0);
	n->st->renewals++;
	for (size_t i = 0; i < p.tx.n_in; i++)
		reserve(n->st, coin_at(n->st, &p.tx.in[i].prevout), (uint32_t)blocks);
	return object(n);
}

static json_t *unreserveinputs(struct fake_cln *n, const json_t *params)
{
	json_int_t blocks = json_integer_value(json_object_get(params, "reserve"));
	struct psbt p;
	struct err err;

	ck_assert_int_eq(psbt_decode_text(&n->a, json_string_value(json_object_get(params, "psbt")), &p, &err), 0);
	n->st->releases++;
	for (size_t i = 0; i < p.tx.n_in; i++) {
		struct fake_coin *coin = coin_at(n->st, &p.tx.in[i].prevout);

		coin->reserved = is_reserved(n->st, coin) && coin->reserved_to > n->st->height + blocks;
		coin->reserved_to = coin->reserved ? coin->reserved_to - (uint32_t)blocks : 0;
	}
	return object(n);
}

/* --- rounds --- */

static json_t *splice_init(struct fake_cln *n, const json_t *params)
{
	struct fake_cln_state *st = n->st;
	struct draft d = { 0 };
	json_t *v = object(n);
	struct psbt p;
	struct err err;
	const char *text;

	if (!st->connected)
		return refuse(n, 351, "The channel has no owner");
	if (st->negotiating)
		return refuse(n, 358, "Can't start two splices on the same channel at once.");
	st->by = json_integer_value(json_object_get(params, "relative_amount"));
	st->rate_kw = sat_param(params, "feerate_per_kw");
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(params, "feerate_per_kw")), "perkw"));
	ck_assert_int_eq(psbt_decode_text(&n->a, json_string_value(json_object_get(params, "initialpsbt")), &p, &err),
			 0);
	draft_in(&d, st->funding, st->capacity, key_script(9));
	draft_out(&d, (uint64_t)((int64_t)st->capacity + st->by), key_script(10));
	for (size_t i = 0; i < p.tx.n_in; i++)
		draft_in(&d, p.tx.in[i].prevout, coin_at(st, &p.tx.in[i].prevout)->sat, key_script(1));
	for (size_t i = 0; i < p.tx.n_out; i++) {
		struct spk script = { 0 };

		script.n = (uint8_t)p.tx.out[i].script.n;
		memcpy(script.b, p.tx.out[i].script.p, script.n);
		draft_out(&d, sat_value(p.tx.out[i].value), script);
	}
	text = draft_psbt(n, &d);
	ck_assert_uint_lt(strlen(text), sizeof(st->round));
	memcpy(st->round, text, strlen(text) + 1);
	st->negotiating = true;
	st->opens++;
	json_set_str(v, "psbt", text);
	return v;
}

static void add_flight(struct fake_cln *n, const struct psbt *p)
{
	struct fake_cln_state *st = n->st;
	struct fake_flight *f = &st->flight[st->n_flights++];
	const char *hex = hex_text(&n->a, tx_bytes(&n->a, &p->tx));

	ck_assert_uint_le(st->n_flights, FAKE_CLN_FLIGHTS);
	*f = (struct fake_flight){ .txid = tx_txid(&p->tx), .vout = 0, .by = st->by, .rate_kw = st->rate_kw };
	ck_assert_uint_lt(strlen(hex), sizeof(f->raw));
	memcpy(f->raw, hex, strlen(hex) + 1);
}

/* One at a time, as the node sees to it. */
static json_t *splice_whole(struct fake_cln *n, const json_t *params)
{
	uint64_t amount = (uint64_t)json_integer_value(json_object_get(params, "amount"));
	const char *to = json_string_value(json_object_get(params, "address"));
	bool out = json_is_true(json_object_get(params, "out"));
	struct fake_cln_state *st = n->st;
	struct draft d = { 0 };
	struct spk script;
	struct psbt p;
	struct err err;

	if (st->n_flights > 0)
		return refuse(n, 9, "a prior contribution is pending");
	st->opens++;
	draft_in(&d, st->funding, st->capacity, key_script(9));
	if (out) {
		ck_assert_int_eq(address_parse(to, NETWORK_REGTEST, &script, &err), 0);
		draft_out(&d, st->capacity - amount - 500, key_script(10));
		draft_out(&d, amount, script);
		st->by = -(int64_t)amount - 500;
	} else {
		bool all = amount == 0;

		for (size_t i = 0; i < (all ? FAKE_CLN_COINS : 1); i++)
			draft_in(&d, st->coin[i].at, st->coin[i].sat, key_script(1));
		amount = all ? st->coin[0].sat + st->coin[1].sat - 600 : amount;
		draft_out(&d, st->capacity + amount, key_script(10));
		if (!all)
			draft_out(&d, st->coin[0].sat - amount - 600, key_script(2));
		st->by = (int64_t)amount;
	}
	ck_assert_int_eq(psbt_decode_text(&n->a, draft_psbt(n, &d), &p, &err), 0);
	add_flight(n, &p);
	return object(n);
}

/* The first call after the beginning tells what there is; the next makes it final. */
static json_t *splice_update(struct fake_cln *n, const json_t *params)
{
	const char *text = json_string_value(json_object_get(params, "psbt"));
	struct fake_cln_state *st = n->st;
	json_t *v = object(n);
	struct psbt p;
	struct err err;
	bool final = st->round[0] == '*';

	if (!st->connected)
		return refuse(n, 351, "The channel has no owner");
	if (!st->negotiating)
		return refuse(n, 358, "this channel hasn't begun a splice.");
	ck_assert_int_eq(psbt_decode_text(&n->a, text, &p, &err), 0);
	st->round[0] = '*';
	if (final) {
		add_flight(n, &p);
		st->finals++;
	}
	json_set_str(v, "psbt", text);
	json_set_bool(v, "commitments_secured", final);
	json_set_bool(v, "signatures_secured", final);
	return v;
}

static json_t *signpsbt(struct fake_cln *n, const json_t *params)
{
	json_t *v = object(n);

	ck_assert_uint_eq(json_array_size(json_object_get(params, "signonly")), 1);
	json_set_str(v, "signed_psbt", json_string_value(json_object_get(params, "psbt")));
	return v;
}

static json_t *splice_signed(struct fake_cln *n, const json_t *params)
{
	struct fake_cln_state *st = n->st;
	struct fake_flight *f = &st->flight[st->n_flights - 1];
	json_t *v = object(n);

	if (!st->negotiating || st->n_flights == 0)
		return refuse(n, 358, "this channel hasn't begun a splice.");
	st->negotiating = false;
	f->sent = true;
	st->sent++;
	if (st->refuses_broadcast)
		return refuse(n, 350, arena_printf(&n->a, "%s%s.", st->refuses_broadcast, f->raw));
	set_txid(v, "txid", &f->txid);
	json_set_int(v, "outnum", f->vout);
	json_set_str(v, "tx", f->raw);
	json_set_str(v, "psbt", json_string_value(json_object_get(params, "psbt")));
	return v;
}

static json_t *abort_channels(struct fake_cln *n)
{
	struct fake_cln_state *st = n->st;

	st->aborts++;
	/* Of a signed one it would close the channel: no test may come here. */
	for (size_t i = 0; i < st->n_flights; i++)
		ck_assert(!st->flight[i].sent);
	st->negotiating = st->hangs;
	st->n_flights = 0;
	return object(n);
}

/* At the next connection it sends what was signed before. */
static json_t *disconnect(struct fake_cln *n)
{
	n->st->disconnects++;
	n->st->negotiating = n->st->hangs;
	for (size_t i = 0; i < n->st->n_flights; i++) {
		n->st->sent += !n->st->flight[i].sent;
		n->st->flight[i].sent = true;
	}
	return object(n);
}

static json_t *connect_peer(struct fake_cln *n)
{
	json_t *v = object(n);

	n->st->connects++;
	if (!n->st->connected)
		return refuse(n, 401, "All addresses failed");
	json_set_str(v, "id", peer);
	return v;
}

/* --- the socket --- */

static json_t *answer(struct fake_cln *n, const char *method, const json_t *params)
{
	if (strcmp(method, "getinfo") == 0)
		return getinfo(n);
	if (strcmp(method, "feerates") == 0)
		return feerates(n);
	if (strcmp(method, "listpeerchannels") == 0)
		return listpeerchannels(n);
	if (strcmp(method, "listclosedchannels") == 0)
		return listclosedchannels(n);
	if (strcmp(method, "listpeers") == 0)
		return listpeers(n);
	if (strcmp(method, "listfunds") == 0)
		return listfunds(n);
	if (strcmp(method, "fundpsbt") == 0 || strcmp(method, "utxopsbt") == 0)
		return fundpsbt(n, params);
	if (strcmp(method, "addpsbtoutput") == 0)
		return addpsbtoutput(n, params);
	if (strcmp(method, "unreserveinputs") == 0)
		return unreserveinputs(n, params);
	if (strcmp(method, "reserveinputs") == 0)
		return reserveinputs(n, params);
	if (strcmp(method, "splice_init") == 0)
		return splice_init(n, params);
	if (strcmp(method, "splice_whole") == 0)
		return splice_whole(n, params);
	if (strcmp(method, "splice_update") == 0)
		return splice_update(n, params);
	if (strcmp(method, "signpsbt") == 0)
		return signpsbt(n, params);
	if (strcmp(method, "splice_signed") == 0)
		return splice_signed(n, params);
	if (strcmp(method, "abort_channels") == 0)
		return abort_channels(n);
	if (strcmp(method, "disconnect") == 0)
		return disconnect(n);
	if (strcmp(method, "connect") == 0)
		return connect_peer(n);
	return refuse(n, -32601, "Unknown command");
}

static void hang_up(struct connection *c)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (c->node->open[i] == c)
			c->node->open[i] = NULL;
	event_free(c->ev);
	close(c->fd);
	free(c);
}

/* Does this call go wrong, and how? */
static bool fails(struct fake_cln *n, const char *method)
{
	struct fake_cln_state *st = n->st;

	if (!st->fail_method || strcmp(st->fail_method, method) != 0 || --st->fail_in > 0)
		return false;
	st->fail_method = NULL;
	return true;
}

static void reply(struct connection *c, json_t *asked)
{
	struct fake_cln *n = c->node;
	const char *method = json_string_value(json_object_get(asked, "method"));
	json_t *v = object(n), *error = object(n), *result = NULL;
	const char *text;
	bool wrong = fails(n, method);

	n->code = 0;
	n->st->asked += strcmp(method, "splice_whole") == 0;
	n->words = "";
	if (wrong && n->st->fail_code != 0)
		refuse(n, n->st->fail_code, n->st->fail_words);
	else
		result = answer(n, method, json_object_get(asked, "params"));
	if (wrong && n->st->fail_code == 0) {
		hang_up(c);
		return;
	}
	json_set_str(v, "jsonrpc", "2.0");
	json_set(v, "id", json_object_get(asked, "id"));
	json_set_int(error, "code", n->code);
	json_set_str(error, "message", n->words);
	if (result)
		json_set(v, "result", result);
	else
		json_set(v, "error", error);
	text = json_text(&n->a, v);
	ck_assert_int_eq(send(c->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct connection *c = ctx;
	struct fake_cln *n = c->node;
	ssize_t got = recv(fd, c->text + c->n, sizeof(c->text) - c->n, 0);
	json_t *asked;
	struct err err;

	(void)what;
	if (got <= 0) {
		hang_up(c);
		return;
	}
	c->n += (size_t)got;
	arena_reset(&n->a);
	if (json_parse(&n->a, (struct bytes){ (const uint8_t *)c->text, c->n }, 8, &asked, &err) == 0) {
		c->n = 0;
		reply(c, asked);
	}
}

static void on_accept(evutil_socket_t fd, short what, void *ctx)
{
	struct fake_cln *n = ctx;
	struct connection *c = calloc(1, sizeof(*c));
	size_t i = 0;

	(void)what;
	ck_assert_ptr_nonnull(c);
	while (i < CONNECTIONS && n->open[i])
		i++;
	ck_assert_uint_lt(i, CONNECTIONS);
	n->open[i] = c;
	c->node = n;
	c->fd = accept(fd, NULL, NULL);
	c->ev = event_new(loop_base(n->loop), c->fd, EV_READ | EV_PERSIST, on_read, c);
	event_add(c->ev, NULL);
}

struct fake_cln *fake_cln_new(struct loop *loop, const char *path, struct fake_cln_state *st)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct fake_cln *n = calloc(1, sizeof(*n));

	ck_assert_ptr_nonnull(n);
	ck_assert_uint_lt(strlen(path), sizeof(at.sun_path));
	n->loop = loop;
	n->st = st;
	n->a = ARENA_LIMIT((size_t)16 << 20);
	memcpy(at.sun_path, path, strlen(path));
	unlink(path);
	n->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(n->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(n->listener, 16), 0);
	n->accepting = event_new(loop_base(loop), n->listener, EV_READ | EV_PERSIST, on_accept, n);
	event_add(n->accepting, NULL);
	return n;
}

void fake_cln_free(struct fake_cln *n)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (n->open[i])
			hang_up(n->open[i]);
	event_free(n->accepting);
	close(n->listener);
	arena_done(&n->a);
	free(n);
}
