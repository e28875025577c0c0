#include "rails/chain/bitcoind_reply.h"

#include <string.h>

#include "base/text.h"
#include "rails/chain/bitcoind_call.h"
#include "rails/chain/fields.h"

#define TEXT_MAX 256

/* --- the node --- */

int bitcoind_reply_network_info(const struct jsonrpc_answer *answer, struct bitcoind_network *ret, struct err *err)
{
	struct bitcoind_network n;
	bool relays = true;
	const json_t *v;

	if (bitcoind_object(answer, &v, err) != 0 || field_u32(v, "version", &n.version, err) != 0 ||
	    field_text(v, "subversion", TEXT_MAX, &n.subversion, err) != 0 ||
	    field_btc_per_kvb(v, "relayfee", &n.relay, err) != 0 ||
	    field_btc_per_kvb(v, "incrementalfee", &n.incremental, err) != 0 ||
	    (!field_is_absent(v, "localrelay") && field_bool(v, "localrelay", &relays, err) != 0))
		return err_context(err, "getnetworkinfo");
	n.blocks_only = !relays;
	*ret = n;
	return 0;
}

static void network_of(struct bitcoind_chain *c)
{
	static const char *const names[NETWORK_COUNT] = {
		[NETWORK_MAINNET] = "main",
		[NETWORK_SIGNET] = "signet",
		[NETWORK_TESTNET4] = "testnet4",
		[NETWORK_REGTEST] = "regtest",
	};

	c->known = false;
	for (int i = 0; i < NETWORK_COUNT; i++)
		if (strcmp(c->chain, names[i]) == 0) {
			c->known = true;
			c->network = (enum network)i;
		}
}

int bitcoind_reply_chain_info(const struct jsonrpc_answer *answer, struct bitcoind_chain *ret, struct err *err)
{
	struct bitcoind_chain c = { .prune_height = 0 };
	const json_t *v;

	if (bitcoind_object(answer, &v, err) != 0 || field_text(v, "chain", TEXT_MAX, &c.chain, err) != 0 ||
	    field_u32(v, "blocks", &c.tip.height, err) != 0 || field_u32(v, "headers", &c.headers, err) != 0 ||
	    field_hash(v, "bestblockhash", &c.tip.hash, err) != 0 ||
	    field_bool(v, "initialblockdownload", &c.initial_download, err) != 0 ||
	    field_bool(v, "pruned", &c.pruned, err) != 0 ||
	    (c.pruned && !field_is_absent(v, "pruneheight") && field_u32(v, "pruneheight", &c.prune_height, err) != 0))
		return err_context(err, "getblockchaininfo");
	network_of(&c);
	*ret = c;
	return 0;
}

static int index_read(const json_t *v, const char *name, bool *ret, struct err *err)
{
	const json_t *index;

	*ret = false;
	if (field_is_absent(v, name))
		return 0;
	return field_object(v, name, &index, err) != 0 ? -1 : field_bool(index, "synced", ret, err);
}

int bitcoind_reply_index_info(const struct jsonrpc_answer *answer, struct bitcoind_indexes *ret, struct err *err)
{
	struct bitcoind_indexes x;
	const json_t *v;

	if (bitcoind_object(answer, &v, err) != 0 || index_read(v, "txindex", &x.tx, err) != 0 ||
	    index_read(v, "basic block filter index", &x.filter, err) != 0)
		return err_context(err, "getindexinfo");
	*ret = x;
	return 0;
}

int bitcoind_reply_mempool_info(const struct jsonrpc_answer *answer, struct bitcoind_mempool *ret, struct err *err)
{
	struct bitcoind_mempool m = { .truc_policy = "" };
	const json_t *v;

	if (bitcoind_object(answer, &v, err) != 0 || field_bool(v, "loaded", &m.loaded, err) != 0 ||
	    field_u64(v, "size", INT64_MAX, &m.count, err) != 0 ||
	    field_u64(v, "bytes", INT64_MAX, &m.bytes, err) != 0 ||
	    field_u64(v, "maxmempool", INT64_MAX, &m.max_bytes, err) != 0 ||
	    field_btc_per_kvb(v, "mempoolminfee", &m.min, err) != 0 ||
	    field_btc_per_kvb(v, "minrelaytxfee", &m.min_relay, err) != 0 ||
	    field_btc_per_kvb(v, "incrementalrelayfee", &m.incremental, err) != 0 ||
	    (!field_is_absent(v, "truc_policy") && field_text(v, "truc_policy", TEXT_MAX, &m.truc_policy, err) != 0))
		return err_context(err, "getmempoolinfo");
	*ret = m;
	return 0;
}

/* --- blocks --- */

int bitcoind_reply_block_count(const struct jsonrpc_answer *answer, uint32_t *ret, struct err *err)
{
	json_t *v;

	if (bitcoind_result(answer, &v, err) != 0)
		return err_context(err, "getblockcount");
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > UINT32_MAX)
		return REFUSE(err, "getblockcount: no height");
	*ret = (uint32_t)json_integer_value(v);
	return 0;
}

int bitcoind_reply_block_hash(const struct jsonrpc_answer *answer, bool *found, struct block_hash *ret, struct err *err)
{
	json_t *v;

	if (bitcoind_result_unless(answer, BITCOIND_RPC_BAD_PARAMETER, found, &v, err) != 0 ||
	    (*found && value_hash(v, "the result", ret, err) != 0))
		return err_context(err, "getblockhash");
	return 0;
}

static int header_read(const json_t *v, const struct block_hash *asked, struct chain_header *h, struct err *err)
{
	const json_t *confirmations = json_object_get(v, "confirmations");

	if (!json_is_object(v) || !json_is_integer(confirmations))
		return REFUSE(err, "no header");
	if (field_hash(v, "hash", &h->ref.hash, err) != 0 || field_u32(v, "height", &h->ref.height, err) != 0 ||
	    field_time(v, "time", &h->time_s, err) != 0 || field_time(v, "mediantime", &h->median_time_s, err) != 0)
		return -1;
	if (!block_hash_equal(&h->ref.hash, asked))
		return REFUSE(err, "of another block");
	if (h->ref.height > 0 && field_hash(v, "previousblockhash", &h->prev, err) != 0)
		return -1;
	h->in_best_chain = json_integer_value(confirmations) > 0;
	return 0;
}

int bitcoind_reply_header(const struct jsonrpc_answer *answer, const struct block_hash *asked, bool *found,
			  struct chain_header *ret, struct err *err)
{
	struct chain_header h = { .time_s = 0 };
	json_t *v;

	if (bitcoind_result_unless(answer, BITCOIND_RPC_NO_SUCH_THING, found, &v, err) != 0 ||
	    (*found && header_read(v, asked, &h, err) != 0))
		return err_context(err, "getblockheader");
	if (*found)
		*ret = h;
	return 0;
}

/* The hex between the quotes after "result": what else is a string of hex and nothing else? */
static bool find_hex(struct bytes body, struct bytes *ret)
{
	static const char key[] = "\"result\"";
	const uint8_t *p = memmem(body.p, body.n, key, sizeof(key) - 1), *end = body.p + body.n, *from;

	if (p == NULL)
		return false;
	p += sizeof(key) - 1;
	while (p < end && (*p == ' ' || *p == ':'))
		p++;
	if (p == end || *p != '"')
		return false;
	from = ++p;
	while (p < end && *p != '"')
		p++;
	if (p == end)
		return false;
	*ret = (struct bytes){ from, (size_t)(p - from) };
	return true;
}

/* What is around the hex, with an empty result in its place: that is read like any reply, and tells whether this was the
 * result at all. */
static int envelope_check(struct arena *a, const struct net_reply *rep, struct bytes hex, struct err *err)
{
	const uint8_t *after = hex.p + hex.n, *end = rep->body.p + rep->body.n;
	SCOPED(buf) struct buf around = BUF_CAP(2048);
	struct net_reply cut = *rep;
	struct jsonrpc_reply reply;

	buf_add(&around, rep->body.p, (size_t)(hex.p - rep->body.p));
	buf_add(&around, after, (size_t)(end - after));
	if (!buf_ok(&around))
		return REFUSE(err, "too much around a block");
	cut.body = buf_bytes(&around);
	if (bitcoind_judge(a, &cut, 1, &reply, err) != 0)
		return -1;
	if (!json_is_string(reply.answers[0].result) || json_string_length(reply.answers[0].result) != 0)
		return REFUSE(err, "the result is no block");
	return 0;
}

/* No block came: an error says why. */
static int block_error(struct arena *a, const struct net_reply *rep, bool *found, struct err *err)
{
	struct jsonrpc_reply reply;
	json_t *v;

	if (bitcoind_judge(a, rep, 1, &reply, err) != 0)
		return -1;
	*found = !bitcoind_is_error(&reply.answers[0], BITCOIND_RPC_NO_SUCH_THING);
	if (!*found)
		return 0;
	if (bitcoind_result(&reply.answers[0], &v, err) == 0)
		return REFUSE(err, "the result is no block");
	if (bitcoind_is_error(&reply.answers[0], BITCOIND_RPC_MISC))
		return ERR(err, ERR_UNSUPPORTED, "the node does not have this block: %s",
			   reply.answers[0].error.message);
	return -1;
}

int bitcoind_block_bytes(struct arena *a, const struct net_reply *rep, bool *found, struct bytes *ret, struct err *err)
{
	struct bytes hex;
	uint8_t *p;

	if (bitcoind_status(rep, err) != 0)
		return -1;
	if (rep->body.n > BITCOIND_BLOCK_REPLY_MAX)
		return REFUSE(err, "getblock: a reply of %zu bytes", rep->body.n);
	if (!find_hex(rep->body, &hex))
		return block_error(a, rep, found, err) != 0 ? err_context(err, "getblock") : 0;
	if (envelope_check(a, rep, hex, err) != 0)
		return err_context(err, "getblock");
	if (!arena_room(a, hex.n / 2 + 1))
		return REFUSE(err, "getblock: no room for %zu bytes", hex.n / 2);
	p = arena_alloc(a, hex.n / 2 + 1);
	if (!hex_decode_public(hex, p))
		return REFUSE(err, "getblock: not hex");
	*found = true;
	*ret = (struct bytes){ p, hex.n / 2 };
	return 0;
}

int bitcoind_reply_new_block(const struct jsonrpc_answer *answer, struct block_ref *ret, struct err *err)
{
	struct block_ref r;
	const json_t *v;

	if (bitcoind_object(answer, &v, err) != 0 || field_hash(v, "hash", &r.hash, err) != 0 ||
	    field_u32(v, "height", &r.height, err) != 0)
		return err_context(err, "waitfornewblock");
	*ret = r;
	return 0;
}

int bitcoind_reply_filter(struct arena *a, const struct jsonrpc_answer *answer, bool *found, struct bytes *ret,
			  struct err *err)
{
	json_t *v;

	if (bitcoind_is_error(answer, BITCOIND_RPC_MISC))
		return ERR(err, ERR_UNSUPPORTED, "the node has no block filters: %s", answer->error.message);
	if (bitcoind_result_unless(answer, BITCOIND_RPC_NO_SUCH_THING, found, &v, err) != 0 ||
	    (*found && field_hex(a, v, "filter", BITCOIND_FILTER_MAX, ret, err) != 0))
		return err_context(err, "getblockfilter");
	return 0;
}
