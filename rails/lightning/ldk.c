/* ldk-server: spec/splice.md 5.2.  It takes a splice as a whole and tells little of it afterwards: no stages, no candidates, no
 * bump and no cancel.  Numbers of fields are those of its .proto files. */
#include <string.h>

#include "base/text.h"
#include "rails/lightning/ldk_wire.h"

#define HASH_CHARS   64
#define PUBKEY_CHARS 66

static int refuse(const char *method, const char *what, struct err *err)
{
	return ERR(err, ERR_PEER_INVALID, "%s: %s", method, what);
}

/* A text of exactly n characters, as the number that its hex spells; the last field of a number wins, as proto3 has it. */
static bool hex_of(const struct pb_field *f, void *to, size_t n)
{
	return f->type == PB_BYTES && f->data.n == 2 * n && hex_decode_public(f->data, to);
}

/* A text as long as that of a hash. */
static bool hash_text_of(const struct pb_field *f, char ret[HASH_CHARS + 1])
{
	if (f->type != PB_BYTES || f->data.n != HASH_CHARS)
		return false;
	memcpy(ret, f->data.p, HASH_CHARS);
	ret[HASH_CHARS] = '\0';
	return true;
}

static bool txid_of(const struct pb_field *f, struct txid *ret)
{
	char text[HASH_CHARS + 1];

	return hash_text_of(f, text) && txid_parse(text, ret);
}

static bool block_hash_of(const struct pb_field *f, struct block_hash *ret)
{
	char text[HASH_CHARS + 1];

	return hash_text_of(f, text) && block_hash_parse(text, ret);
}

static bool pubkey_of(const struct pb_field *f, struct pubkey *ret)
{
	struct pubkey key = { { 0 } };

	if (!hex_of(f, key.b, sizeof(key.b)) || (key.b[0] != 2 && key.b[0] != 3))
		return false;
	*ret = key;
	return true;
}

static void pubkey_text(const struct pubkey *key, char ret[PUBKEY_CHARS + 1])
{
	hex_encode(key->b, sizeof(key->b), ret);
}

/* --- GetNodeInfo --- */

static int info_request(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err)
{
	return ldk_request(a, node, "GetNodeInfo", (struct bytes){ NULL, 0 }, false, ret, err);
}

/* BestBlock: 1 block_hash, 2 height */
static bool tip_of(struct bytes message, struct ln_info *ret)
{
	struct reader r = reader_of(message);
	struct pb_field f;

	while (pb_next(&r, &f)) {
		if (f.number == 1) {
			if (!block_hash_of(&f, &ret->tip))
				return false;
			ret->has_tip = true;
		}
		if (f.number == 2) {
			if (f.type != PB_VARINT || f.value > UINT32_MAX)
				return false;
			ret->height = (uint32_t)f.value;
		}
	}
	return reader_ok(&r);
}

/* Network: 0 mainnet, which proto3 does not send, and which a node that does not know this field yet says as well. */
static const char *chain_of(uint64_t network)
{
	static const char *const names[] = { "", "testnet3", "testnet4", "signet", "regtest" };

	return network < sizeof(names) / sizeof(names[0]) ? names[network] : "another network";
}

static int info_decode(struct arena *a, const struct net_reply *rep, struct ln_info *ret, struct err *err)
{
	static const char method[] = "GetNodeInfo";
	struct ln_info info = { .version = "", .chain = "" };
	bool has_id = false, has_best = false;
	struct bytes message;
	struct pb_field f;
	struct reader r;

	if (ldk_message(a, rep, method, &message, err) != 0)
		return -1;
	r = reader_of(message);
	while (pb_next(&r, &f)) {
		if (f.number == 1)
			has_id = pubkey_of(&f, &info.id);
		if (f.number == 3)
			has_best = f.type == PB_BYTES && tip_of(f.data, &info);
		if (f.number == 4 || f.number == 5) /* when it last synced */
			info.synced = f.type == PB_VARINT && f.value > 0;
		if (f.number == 13 && f.type == PB_VARINT)
			info.chain = chain_of(f.value);
	}
	if (!reader_ok(&r) || !has_id || !has_best)
		return refuse(method, "no node", err);
	*ret = info;
	return 0;
}

/* --- GetBalances --- */

static int balance_request(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err)
{
	return ldk_request(a, node, "GetBalances", (struct bytes){ NULL, 0 }, false, ret, err);
}

/* 2 spendable_onchain_balance_sats: less what is kept for closing channels. */
static int balance_decode(struct arena *a, const struct net_reply *rep, struct sat *ret, struct err *err)
{
	static const char method[] = "GetBalances";
	struct sat balance = { 0 };
	struct bytes message;
	struct pb_field f;
	struct reader r;

	if (ldk_message(a, rep, method, &message, err) != 0)
		return -1;
	r = reader_of(message);
	while (pb_next(&r, &f))
		if (f.number == 2 &&
		    (f.type != PB_VARINT || f.value > SAT_MONEY_MAX || !sat_from_u64(f.value, &balance)))
			return refuse(method, "more than there is", err);
	if (!reader_ok(&r))
		return refuse(method, "no balances", err);
	*ret = balance;
	return 0;
}

/* --- ListChannels --- */

/* All of them, whichever is meant. */
static int channels_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
			    struct net_request *ret, struct err *err)
{
	(void)ref;
	return ldk_request(a, node, "ListChannels", (struct bytes){ NULL, 0 }, false, ret, err);
}

/* OutPoint: 1 txid, 2 vout */
static bool outpoint_of(struct bytes message, struct outpoint *ret)
{
	struct reader r = reader_of(message);
	bool has_txid = false;
	struct pb_field f;

	ret->vout = 0;
	while (pb_next(&r, &f)) {
		if (f.number == 1)
			has_txid = txid_of(&f, &ret->txid);
		if (f.number == 2) {
			if (f.type != PB_VARINT || f.value > UINT32_MAX)
				return false;
			ret->vout = (uint32_t)f.value;
		}
	}
	return reader_ok(&r) && has_txid;
}

static bool alt_of(struct arena *a, const struct pb_field *f, struct ln_channel *c)
{
	if (f->type != PB_BYTES || f->data.n > 64)
		return false;
	c->alt = arena_strndup(a, (const char *)f->data.p, f->data.n);
	return ldk_channel_id(c->alt, &c->id);
}

/* 5 unspendable_punishment_reserve, 6 channel_value_sats, 8 outbound_capacity_msat: what is ours, but for the reserve and, in a
 * channel that we have opened, its anchors. */
static bool money_of(const struct pb_field *f, struct ln_channel *c)
{
	if (f->type != PB_VARINT || f->value > SAT_MONEY_MAX * 1000)
		return false;
	if (f->number == 8)
		return msat_from_u64(f->value, &c->spendable);
	return f->value <= SAT_MONEY_MAX && sat_from_u64(f->value, f->number == 5 ? &c->reserve : &c->capacity);
}

/* Nothing to send: nobody tells how much of the reserve is there. */
static bool local_of(struct ln_channel *c)
{
	const uint64_t out = msat_value(c->spendable);

	return msat_from_u64(out > 0 ? out + sat_value(c->reserve) * 1000 : 0, &c->local);
}

/* One field; false when it is not as it should be. */
static bool channel_field(struct arena *a, const struct pb_field *f, struct ln_channel *c, bool *has_funding)
{
	switch (f->number) {
	case 2:
		return pubkey_of(f, &c->peer);
	case 3:
		*has_funding = f->type == PB_BYTES && outpoint_of(f->data, &c->funding);
		return *has_funding;
	case 4:
		return alt_of(a, f, c);
	case 5:
	case 6:
	case 8:
		return money_of(f, c);
	case 13:
		c->phase = f->value != 0 ? CHANNEL_READY : CHANNEL_OPENING;
		return f->type == PB_VARINT;
	case 14:
		c->usable = f->value != 0;
		return f->type == PB_VARINT;
	}
	return true; /* one that is not read */
}

/* 1 a channel, 0 one that has no funding yet, -1 no channel. */
static int channel_of(struct arena *a, struct bytes message, struct ln_channel *ret)
{
	struct ln_channel c = { .phase = CHANNEL_OPENING };
	struct reader r = reader_of(message);
	bool has_funding = false;
	struct pb_field f;

	while (pb_next(&r, &f))
		if (!channel_field(a, &f, &c, &has_funding))
			return -1;
	if (!reader_ok(&r) || c.peer.b[0] == 0 || c.alt == NULL || !local_of(&c))
		return -1;
	c.usable = c.usable && c.phase == CHANNEL_READY;
	c.connected = c.reestablished = c.usable;
	c.state = c.phase != CHANNEL_READY ? "not ready" : c.usable ? "usable" : "ready";
	*ret = c;
	return has_funding ? 1 : 0;
}

static bool count_messages(struct bytes message, size_t *ret)
{
	struct reader r = reader_of(message);
	struct pb_field f;

	*ret = 0;
	while (pb_next(&r, &f))
		*ret += f.number == 1 && f.type == PB_BYTES;
	return reader_ok(&r);
}

static int channels_decode(struct arena *a, const struct net_reply *rep, struct ln_channel **ret, size_t *n,
			   struct err *err)
{
	static const char method[] = "ListChannels";
	struct ln_channel *channels;
	struct bytes message;
	size_t count, got = 0;
	struct pb_field f;
	struct reader r;

	if (ldk_message(a, rep, method, &message, err) != 0)
		return -1;
	if (!count_messages(message, &count) || count > LN_CHANNELS_MAX ||
	    !arena_room(a, count * (sizeof(*channels) + 128) + 128))
		return refuse(method, "not a list, or too long a one", err);
	channels = ARENA_ARRAY(a, count, struct ln_channel);
	r = reader_of(message);
	while (pb_next(&r, &f)) {
		int rc = f.number == 1 && f.type == PB_BYTES ? channel_of(a, f.data, &channels[got]) : 0;

		if (rc < 0)
			return refuse(method, "not a channel", err);
		got += (size_t)rc;
	}
	*ret = channels;
	*n = got;
	return 0;
}

/* --- SpliceIn, SpliceOut --- */

static int open_request(struct arena *a, const struct ln_node *node, const struct ln_open *open,
			struct net_request *ret, struct err *err)
{
	SCOPED(buf) struct buf message = BUF_CAP(1024);
	char peer[PUBKEY_CHARS + 1];

	if (open->channel.alt == NULL)
		return ERR(err, ERR_RANGE, "a channel without its user_channel_id");
	pubkey_text(&open->channel.peer, peer);
	pb_put_text(&message, 1, open->channel.alt);
	pb_put_text(&message, 2, peer);
	if (open->share.out) {
		pb_put_text(&message, 3, open->address);
		pb_put_u64(&message, 4, sat_value(open->share.by));
	} else if (open->everything) {
		pb_put_message(&message, 4, (struct bytes){ NULL, 0 });
	} else {
		pb_put_u64(&message, 3, sat_value(open->share.by));
	}
	if (!buf_ok(&message))
		return ERR(err, ERR_RANGE, "an address, or a channel's name, that is too long");
	return ldk_request(a, node, open->share.out ? "SpliceOut" : "SpliceIn", buf_bytes(&message), true, ret, err);
}

/* It has been taken, and that is all that is said. */
static int open_decode(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err)
{
	struct bytes message;

	if (ldk_message(a, rep, "splice", &message, err) != 0)
		return -1;
	*ret = (struct ln_round){ .psbt = NULL };
	return 0;
}

const struct ln_backend ldk_backend = {
	.name = "ldk-server",
	.caps = LN_QUEUE_OFFLINE,
	.guarantees =
		"the node tells neither candidates nor failures, chooses the feerate, and can neither bump nor cancel: a"
		" splice is known by the chain alone, and one that is not seen there for 10 minutes is asked for once"
		" more, which only the node itself keeps from happening twice",
	.info_request = info_request,
	.info_decode = info_decode,
	.balance_request = balance_request,
	.balance_decode = balance_decode,
	.channels_request = channels_request,
	.channels_decode = channels_decode,
	.open_request = open_request,
	.open_decode = open_decode,
	.trouble = ldk_trouble,
};
