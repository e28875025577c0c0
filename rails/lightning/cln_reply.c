/* Replies: spec/splice.md 5.1.3 and 5.1.4. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/tx.h"
#include "rails/lightning/cln_pairs.h"
#include "rails/lightning/cln_wire.h"

#define OLDEST_MAJOR 26
#define OLDEST_MINOR 6
#define COINS_MAX    20000u
#define FEATURES_MAX ((size_t)256)    /* bytes */
#define BIT_SPLICE   62u              /* and the odd one above it (BOLT 9) */
#define TX_HEX_MAX   ((size_t)400000) /* bytes of a standard transaction, and more */

/* --- what it knows --- */

static const char *digits(const char *text, unsigned *ret)
{
	unsigned v = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++)
		v = v < 10000 ? 10 * v + (unsigned)(*text - '0') : v;
	*ret = v;
	return text;
}

/* "v26.06.1", "v26.06rc2-3-gabcdef".  What does not begin like that is nobody knows what. */
static bool is_too_old(const char *version)
{
	unsigned major, minor;
	const char *at = digits(version + (version[0] == 'v' ? 1 : 0), &major);

	if (at == NULL || *at != '.' || digits(at + 1, &minor) == NULL)
		return true;
	return major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR);
}

static bool is_told(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return v != NULL && !json_is_null(v);
}

int cln_info_decode(struct arena *a, const struct net_reply *rep, struct ln_info *ret, struct err *err)
{
	struct ln_info info = { .too_old = false };
	json_t *v;

	if (cln_result(a, rep, "getinfo", &v, err) != 0)
		return -1;
	if (cln_get_pubkey(v, "id", &info.id, err) != 0 ||
	    json_get_str(v, "version", LN_VERSION_MAX, &info.version, err) != 0 ||
	    json_get_str(v, "network", LN_VERSION_MAX, &info.chain, err) != 0 ||
	    cln_get_u32(v, "blockheight", &info.height, err) != 0)
		return cln_refuse("getinfo", err);
	info.too_old = is_too_old(info.version);
	info.synced = !is_told(v, "warning_bitcoind_sync") && !is_told(v, "warning_lightningd_sync");
	*ret = info;
	return 0;
}

/* --- channels --- */

static enum channel_phase phase_of(const char *state)
{
	static const struct {
		const char *state;
		enum channel_phase phase;
	} phases[] = {
		{ "CHANNELD_NORMAL", CHANNEL_READY },
		{ "CHANNELD_AWAITING_SPLICE", CHANNEL_READY },
		{ "CHANNELD_SHUTTING_DOWN", CHANNEL_CLOSING },
		{ "CLOSINGD_SIGEXCHANGE", CHANNEL_CLOSING },
		{ "CLOSINGD_COMPLETE", CHANNEL_CLOSING },
		{ "AWAITING_UNILATERAL", CHANNEL_CLOSING },
		{ "FUNDING_SPEND_SEEN", CHANNEL_CLOSING },
		{ "ONCHAIN", CHANNEL_CLOSING },
		{ "CLOSED", CHANNEL_CLOSING },
	};

	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (strcmp(state, phases[i].state) == 0)
			return phases[i].phase;
	return CHANNEL_OPENING; /* OPENINGD, …_AWAITING_LOCKIN, DUALOPEND_…, and what is not known yet */
}

/* "253perkw" */
static int rate_of(const char *text, struct ln_flight *f, struct err *err)
{
	char digits_only[24];
	size_t n = strspn(text, "0123456789");
	uint64_t v;

	if (n == 0 || n >= sizeof(digits_only) || strcmp(text + n, "perkw") != 0)
		return ERR(err, ERR_PARSE, "\"feerate\" is no rate");
	memcpy(digits_only, text, n);
	digits_only[n] = '\0';
	if (!parse_u64(digits_only, FEERATE_MAX, &v) || !feerate_from_sat_per_kwu(v, &f->rate))
		return ERR(err, ERR_RANGE, "\"feerate\" is too high");
	f->has_rate = v > 0;
	return 0;
}

/* -SAT_MONEY_MAX to SAT_MONEY_MAX. */
static int share_of(int64_t by, struct splice_share *ret, struct err *err)
{
	struct splice_share share = { .out = by < 0 };

	if (by < -(int64_t)SAT_MONEY_MAX || by > (int64_t)SAT_MONEY_MAX ||
	    !sat_from_u64(by < 0 ? (uint64_t)-by : (uint64_t)by, &share.by))
		return ERR(err, ERR_RANGE, "\"splice_amount\" is no amount");
	*ret = share;
	return 0;
}

static int flight_of(const json_t *v, struct ln_flight *f, struct err *err)
{
	const char *rate = NULL;
	int64_t by = 0;

	if (cln_get_txid(v, "funding_txid", &f->funding.txid, err) != 0 ||
	    cln_get_u32(v, "funding_outnum", &f->funding.vout, err) != 0 ||
	    cln_opt_sat(v, "total_funding_msat", &f->capacity, err) != 0 ||
	    json_opt_i64(v, "splice_amount", &by, err) != 0 || share_of(by, &f->own, err) != 0 ||
	    json_opt_str(v, "feerate", LN_STATE_TEXT_MAX, &rate, err) != 0)
		return -1;
	return rate ? rate_of(rate, f, err) : 0;
}

static int flights_of(struct arena *a, const json_t *v, struct ln_channel *c, struct err *err)
{
	struct ln_flight *flights;
	json_t *list;

	if (!is_told(v, "inflight"))
		return 0;
	if (json_get_arr(v, "inflight", LN_FLIGHTS_MAX, &list, err) != 0)
		return -1;
	if (!arena_room(a, json_array_size(list) * sizeof(*flights) + 64))
		return ERR(err, ERR_RANGE, "no room for its candidates");
	flights = ARENA_ARRAY(a, json_array_size(list), struct ln_flight);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (flight_of(json_array_get(list, i), &flights[i], err) != 0)
			return -1;
	c->flights = flights;
	c->n_flights = json_array_size(list);
	return 0;
}

static int money_of(const json_t *v, struct ln_channel *c, struct err *err)
{
	if (cln_opt_sat(v, "total_msat", &c->capacity, err) != 0 ||
	    cln_opt_sat(v, "our_reserve_msat", &c->reserve, err) != 0 ||
	    cln_opt_msat(v, "to_us_msat", &c->local, err) != 0)
		return -1;
	return cln_opt_msat(v, "spendable_msat", &c->spendable, err);
}

static int channel_of(struct arena *a, const json_t *v, struct ln_channel *ret, struct err *err)
{
	struct ln_channel c = { .phase = CHANNEL_OPENING };
	const char *owner = "";

	if (cln_get_hash(v, "channel_id", &c.id, err) != 0 || cln_get_pubkey(v, "peer_id", &c.peer, err) != 0 ||
	    json_get_str(v, "state", LN_STATE_TEXT_MAX, &c.state, err) != 0 ||
	    cln_get_txid(v, "funding_txid", &c.funding.txid, err) != 0 ||
	    cln_get_u32(v, "funding_outnum", &c.funding.vout, err) != 0 ||
	    json_opt_str(v, "short_channel_id", LN_STATE_TEXT_MAX, &c.short_id, err) != 0 ||
	    json_opt_str(v, "owner", LN_STATE_TEXT_MAX, &owner, err) != 0 ||
	    json_get_bool(v, "peer_connected", &c.connected, err) != 0 ||
	    json_opt_bool(v, "reestablished", &c.reestablished, err) != 0 || money_of(v, &c, err) != 0 ||
	    flights_of(a, v, &c, err) != 0)
		return -1;
	c.phase = phase_of(c.state);
	c.splicing = strcmp(c.state, "CHANNELD_AWAITING_SPLICE") == 0;
	c.usable = c.phase == CHANNEL_READY && c.connected && c.reestablished && strcmp(owner, "channeld") == 0;
	*ret = c;
	return 0;
}

int cln_channels_decode(struct arena *a, const struct net_reply *rep, struct ln_channel **ret, size_t *n,
			struct err *err)
{
	static const char method[] = "listpeerchannels";
	struct ln_channel *channels;
	json_t *v, *list;
	size_t got = 0;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "channels", LN_CHANNELS_MAX, &list, err) != 0)
		return cln_refuse(method, err);
	if (!arena_room(a, json_array_size(list) * sizeof(*channels) + 64))
		return ERR(err, ERR_PEER_INVALID, "%s: no room for %zu channels", method, json_array_size(list));
	channels = ARENA_ARRAY(a, json_array_size(list), struct ln_channel);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		/* One that has no funding yet has no id that stays. */
		if (json_is_object(one) && (!is_told(one, "channel_id") || !is_told(one, "funding_txid")))
			continue;
		if (channel_of(a, one, &channels[got++], err) != 0)
			return cln_refuse(method, err);
	}
	*ret = channels;
	*n = got;
	return 0;
}

int cln_closed_decode(struct arena *a, const struct net_reply *rep, const struct ln_ref *ref, bool *ret,
		      struct err *err)
{
	static const char method[] = "listclosedchannels";
	bool found = false;
	json_t *v, *list;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "closedchannels", LN_CHANNELS_MAX, &list, err) != 0)
		return cln_refuse(method, err);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct hash32 id;

		if (cln_get_hash(json_array_get(list, i), "channel_id", &id, err) != 0)
			return cln_refuse(method, err);
		found = found || hash32_equal(&id, &ref->channel);
	}
	*ret = found;
	return 0;
}

static int coin_of(const json_t *v, struct splice_input *ret, struct err *err)
{
	uint64_t to = 0;

	if (cln_get_txid(v, "txid", &ret->at.txid, err) != 0 || cln_get_u32(v, "output", &ret->at.vout, err) != 0 ||
	    json_opt_u64(v, "reserved_to_block", UINT32_MAX, &to, err) != 0)
		return -1;
	ret->reserved_to = (uint32_t)to;
	return cln_opt_sat(v, "amount_msat", &ret->amount, err);
}

int cln_coins_decode(struct arena *a, const struct net_reply *rep, struct splice_input **ret, size_t *n,
		     struct err *err)
{
	static const char method[] = "listfunds";
	struct splice_input *coins;
	json_t *v, *list;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "outputs", COINS_MAX, &list, err) != 0)
		return cln_refuse(method, err);
	if (!arena_room(a, json_array_size(list) * sizeof(*coins) + 64))
		return ERR(err, ERR_PEER_INVALID, "%s: no room for %zu outputs", method, json_array_size(list));
	coins = ARENA_ARRAY(a, json_array_size(list), struct splice_input);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (coin_of(json_array_get(list, i), &coins[i], err) != 0)
			return cln_refuse(method, err);
	*ret = coins;
	*n = json_array_size(list);
	return 0;
}

static int rate_get(const json_t *obj, const char *name, struct feerate *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(obj, name, FEERATE_MAX, &v, err) != 0)
		return -1;
	return feerate_from_sat_per_kwu(v, ret) ? 0 : ERR(err, ERR_RANGE, "\"%s\" is no rate", name);
}

int cln_feerates_decode(struct arena *a, const struct net_reply *rep, struct ln_feerates *ret, struct err *err)
{
	static const char method[] = "feerates";
	struct ln_feerates rates;
	json_t *v, *perkw;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_obj(v, "perkw", &perkw, err) != 0 || rate_get(perkw, "floor", &rates.floor, err) != 0 ||
	    rate_get(perkw, "max_acceptable", &rates.max_acceptable, err) != 0)
		return cln_refuse(method, err);
	/* Without estimates of its chain it has none for splices. */
	rates.splice = rates.floor;
	if (is_told(perkw, "splice") && rate_get(perkw, "splice", &rates.splice, err) != 0)
		return cln_refuse(method, err);
	*ret = rates;
	return 0;
}

/* --- the peer --- */

/* BOLT 9: bit 0 is the last byte's lowest. */
static bool has_bit(struct bytes features, unsigned bit)
{
	size_t from_end = bit / 8;

	return from_end < features.n && (features.p[features.n - 1 - from_end] >> (bit % 8) & 1) != 0;
}

int cln_peer_decode(struct arena *a, const struct net_reply *rep, bool *ret_known, bool *ret_splices, struct err *err)
{
	static const char method[] = "listpeers";
	struct bytes features;
	const char *hex = NULL;
	json_t *v, *list;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "peers", 1, &list, err) != 0 ||
	    (json_array_size(list) == 1 &&
	     json_opt_str(json_array_get(list, 0), "features", 2 * FEATURES_MAX, &hex, err) != 0))
		return cln_refuse(method, err);
	*ret_known = hex != NULL;
	*ret_splices = false;
	if (hex == NULL)
		return 0;
	if (!arena_room(a, FEATURES_MAX + 64) || !hex_decode_any(a, hex, FEATURES_MAX, &features))
		return ERR(err, ERR_PEER_INVALID, "%s: \"features\" is not hex", method);
	*ret_splices = has_bit(features, BIT_SPLICE) || has_bit(features, BIT_SPLICE + 1);
	return 0;
}

/* Of which only that it went well is wanted. */
static int done(struct arena *a, const struct net_reply *rep, const char *method, struct err *err)
{
	json_t *v;

	return cln_result(a, rep, method, &v, err);
}

int cln_connect_decode(struct arena *a, const struct net_reply *rep, struct err *err)
{
	return done(a, rep, "connect", err);
}

int cln_disconnect_decode(struct arena *a, const struct net_reply *rep, struct err *err)
{
	return done(a, rep, "disconnect", err);
}

int cln_abort_decode(struct arena *a, const struct net_reply *rep, struct err *err)
{
	return done(a, rep, "abort_channels", err);
}

int cln_release_decode(struct arena *a, const struct net_reply *rep, struct err *err)
{
	return done(a, rep, "unreserveinputs", err);
}

int cln_renew_decode(struct arena *a, const struct net_reply *rep, struct err *err)
{
	return done(a, rep, "reserveinputs", err);
}

/* --- a contribution --- */

static int weight_get(const json_t *obj, const char *name, struct weight *ret, struct err *err)
{
	return json_get_u64(obj, name, 4000000, &ret->v, err);
}

static int reservations_of(struct arena *a, const json_t *v, struct ln_funded *f, struct err *err)
{
	json_t *list;

	if (json_get_arr(v, "reservations", SPLICE_INPUTS_MAX, &list, err) != 0)
		return -1;
	if (json_array_size(list) == 0 || !arena_room(a, json_array_size(list) * sizeof(*f->inputs) + 64))
		return ERR(err, ERR_RANGE, "%zu inputs", json_array_size(list));
	f->inputs = ARENA_ARRAY(a, json_array_size(list), struct outpoint);
	f->n_inputs = json_array_size(list);
	for (size_t i = 0; i < f->n_inputs; i++)
		if (cln_get_txid(json_array_get(list, i), "txid", &f->inputs[i].txid, err) != 0 ||
		    cln_get_u32(json_array_get(list, i), "vout", &f->inputs[i].vout, err) != 0)
			return -1;
	return 0;
}

int cln_fund_decode(struct arena *a, const struct net_reply *rep, struct ln_funded *ret, struct err *err)
{
	static const char method[] = "fundpsbt";
	struct ln_funded f = { .psbt = NULL };
	json_t *v;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_str(v, "psbt", LN_PSBT_TEXT_MAX, &f.psbt, err) != 0 ||
	    weight_get(v, "estimated_final_weight", &f.weight, err) != 0 ||
	    cln_opt_sat(v, "excess_msat", &f.excess, err) != 0 || reservations_of(a, v, &f, err) != 0)
		return cln_refuse(method, err);
	f.has_excess = sat_value(f.excess) > 0;
	*ret = f;
	return 0;
}

int cln_pay_decode(struct arena *a, const struct net_reply *rep, struct ln_paid *ret, struct err *err)
{
	static const char method[] = "addpsbtoutput";
	struct ln_paid paid;
	json_t *v;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_str(v, "psbt", LN_PSBT_TEXT_MAX, &paid.psbt, err) != 0 ||
	    weight_get(v, "estimated_added_weight", &paid.added, err) != 0)
		return cln_refuse(method, err);
	*ret = paid;
	return 0;
}

/* --- a round --- */

int cln_open_decode(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err)
{
	static const char method[] = "splice_init";
	struct ln_round round = { .psbt = NULL };
	json_t *v;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_str(v, "psbt", LN_PSBT_TEXT_MAX, &round.psbt, err) != 0)
		return cln_refuse(method, err);
	*ret = round;
	return 0;
}

int cln_update_decode(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err)
{
	static const char method[] = "splice_update";
	struct ln_round round = { .psbt = NULL };
	json_t *v;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	if (json_get_str(v, "psbt", LN_PSBT_TEXT_MAX, &round.psbt, err) != 0 ||
	    json_get_bool(v, "commitments_secured", &round.commitments_secured, err) != 0 ||
	    json_opt_bool(v, "signatures_secured", &round.signatures_secured, err) != 0)
		return cln_refuse(method, err);
	*ret = round;
	return 0;
}

int cln_sign_decode(struct arena *a, const struct net_reply *rep, const char **ret_psbt, struct err *err)
{
	static const char method[] = "signpsbt";
	json_t *v;

	if (cln_result(a, rep, method, &v, err) != 0)
		return -1;
	return json_get_str(v, "signed_psbt", LN_PSBT_TEXT_MAX, ret_psbt, err) != 0 ? cln_refuse(method, err) : 0;
}

/* The longest run of hex digits in the words of 350, where it is a transaction: the node keeps none that its mempool has
 * refused.  It is taken for no other than its txid says. */
static bool unsent_of(struct arena *a, const char *words, struct ln_committed *ret)
{
	size_t best = 0, n;
	const char *at = words;
	struct tx tx;
	struct err ignored;

	for (const char *p = words; *p; p += n ? n : 1) {
		n = strspn(p, "0123456789abcdef");
		if (n > best) {
			best = n;
			at = p;
		}
	}
	if (best == 0 || best > 2 * TX_HEX_MAX || !arena_room(a, 4 * best + 4096) ||
	    !hex_decode_any(a, arena_printf(a, "%.*s", (int)best, at), TX_HEX_MAX, &ret->raw) ||
	    tx_decode(a, ret->raw, &tx, &ignored) != 0 || tx.n_in == 0)
		return false;
	ret->txid = tx_txid(&tx);
	ret->unsent = true;
	return true;
}

int cln_commit_decode(struct arena *a, const struct net_reply *rep, struct ln_committed *ret, struct err *err)
{
	static const char method[] = "splice_signed";
	struct ln_committed c = { .unsent = false };
	const char *hex, *words;
	json_t *v;

	if (cln_result(a, rep, method, &v, err) != 0) {
		words = err->code == ERR_PEER && err->peer_code == CLN_BROADCAST_FAIL ? cln_words(a, rep) : "";
		if (!unsent_of(a, words, &c))
			return -1;
		*ret = c;
		return 0;
	}
	if (cln_get_txid(v, "txid", &c.txid, err) != 0 || cln_get_u32(v, "outnum", &c.vout, err) != 0 ||
	    json_get_str(v, "tx", 2 * TX_HEX_MAX, &hex, err) != 0)
		return cln_refuse(method, err);
	if (!arena_room(a, strlen(hex) / 2 + 64) || !hex_decode_any(a, hex, TX_HEX_MAX, &c.raw))
		return ERR(err, ERR_PEER_INVALID, "%s: \"tx\" is no transaction", method);
	*ret = c;
	return 0;
}
