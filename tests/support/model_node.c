#include "tests/support/model_node.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "tests/support/model_chain.h"

#define ASKED_MAX 64

struct model_node {
	struct model_chain chain;
	enum chain_kind kind;
	struct http_peer *peer;
	struct arena arena; /* of the answer that is on its way */
	struct peer_script script;
	bool down, filters, refuse, mute;
	uint32_t pruned;
	struct {
		char name[64];
		unsigned n;
	} asked[ASKED_MAX];
	size_t n_asked;
	void (*watch)(void *ctx, const char *method);
	void *watch_ctx;
};

static void note(struct model_node *n, const char *name)
{
	size_t i = 0;

	while (i < n->n_asked && strcmp(n->asked[i].name, name) != 0)
		i++;
	ck_assert_uint_lt(i, ASKED_MAX);
	if (i == n->n_asked) {
		snprintf(n->asked[i].name, sizeof(n->asked[i].name), "%s", name);
		n->n_asked++;
	}
	n->asked[i].n++;
	if (n->watch)
		n->watch(n->watch_ctx, name);
}

void model_node_pause(struct model_node *n, int64_t seconds)
{
	n->chain.pause_s += seconds;
}

unsigned model_node_asked(const struct model_node *n, const char *method)
{
	for (size_t i = 0; i < n->n_asked; i++)
		if (strcmp(n->asked[i].name, method) == 0)
			return n->asked[i].n;
	return 0;
}

void model_node_watch(struct model_node *n, void (*fn)(void *ctx, const char *method), void *ctx)
{
	n->watch = fn;
	n->watch_ctx = ctx;
}

/* --- text --- */

static const char *hex_of(struct model_node *n, struct bytes v)
{
	char *text = arena_alloc(&n->arena, 2 * v.n + 1);

	hex_encode(v.p, v.n, text);
	return text;
}

static const char *txid_of(struct model_node *n, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	return arena_strdup(&n->arena, text);
}

static const char *hash_of(struct model_node *n, const struct block_hash *hash)
{
	char text[TXID_TEXT];

	block_hash_text(hash, text);
	return arena_strdup(&n->arena, text);
}

#define SAY(...) arena_printf(&n->arena, __VA_ARGS__)

/* --- as bitcoind --- */

static const char *no(struct model_node *n, int code, const char *words)
{
	return SAY("\"error\":{\"code\":%d,\"message\":\"%s\"}", code, words);
}

static const char *chain_info(struct model_node *n)
{
	const struct model_block *tip = model_tip(&n->chain);

	return SAY("\"result\":{\"chain\":\"regtest\",\"blocks\":%u,\"headers\":%u,\"bestblockhash\":\"%s\","
		   "\"initialblockdownload\":false,\"pruned\":%s%s}",
		   tip->height, tip->height, hash_of(n, &tip->hash), n->pruned ? "true" : "false",
		   n->pruned ? SAY(",\"pruneheight\":%u", n->pruned) : "");
}

static const char *block_hash_at(struct model_node *n, const json_t *params)
{
	json_int_t height = json_integer_value(json_array_get(params, 0));

	if (height > model_tip(&n->chain)->height)
		return no(n, -8, "Block height out of range");
	return SAY("\"result\":\"%s\"", hash_of(n, &model_at(&n->chain, (uint32_t)height)->hash));
}

static const struct model_block *block_asked(struct model_node *n, const json_t *v)
{
	struct block_hash hash;

	ck_assert(block_hash_parse(json_string_value(v), &hash));
	return model_block_of(&n->chain, &hash);
}

static const char *header_of(struct model_node *n, const json_t *params)
{
	const struct model_block *b = block_asked(n, json_array_get(params, 0));

	if (!b)
		return no(n, -5, "Block not found");
	return SAY("\"result\":{\"hash\":\"%s\",\"height\":%u,\"confirmations\":%d,\"time\":%" PRId64
		   ",\"mediantime\":%" PRId64 "%s}",
		   hash_of(n, &b->hash), b->height,
		   model_is_active(&n->chain, b) ? (int)(model_tip(&n->chain)->height - b->height + 1) : -1, b->time_s,
		   model_median_time(&n->chain, b),
		   b->height ? SAY(",\"previousblockhash\":\"%s\"", hash_of(n, &b->prev)) : "");
}

static const char *block_of(struct model_node *n, const json_t *params)
{
	const struct model_block *b = block_asked(n, json_array_get(params, 0));

	if (!b)
		return no(n, -5, "Block not found");
	if (b->height < n->pruned)
		return no(n, -1, "Block not available (pruned data)");
	return SAY("\"result\":\"%s\"", hex_of(n, b->raw));
}

static const char *mempool_of(struct model_node *n)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);

	for (size_t i = 0; i < n->chain.n_txs; i++)
		if (n->chain.txs[i].in_mempool)
			buf_printf(&text, "%s\"%s\"", text.n ? "," : "", txid_of(n, &n->chain.txs[i].txid));
	return SAY("\"result\":{\"txids\":[%s],\"mempool_sequence\":1}", buf_text(&text));
}

static const struct model_tx *tx_asked(struct model_node *n, const json_t *v)
{
	struct txid txid;

	ck_assert(txid_parse(json_string_value(v), &txid));
	return model_tx_of(&n->chain, &txid);
}

static const char *raw_tx_of(struct model_node *n, const json_t *params)
{
	const struct model_tx *t = tx_asked(n, json_array_get(params, 0));
	const char *in = "";

	if (!t || (!t->in_mempool && t->height < 0))
		return no(n, -5, "No such mempool or blockchain transaction");
	if (!json_is_true(json_array_get(params, 1)) && json_integer_value(json_array_get(params, 1)) != 1)
		return SAY("\"result\":\"%s\"", hex_of(n, t->raw));
	if (t->height >= 0)
		in = SAY(",\"blockhash\":\"%s\",\"confirmations\":1",
			 hash_of(n, &model_at(&n->chain, (uint32_t)t->height)->hash));
	return SAY("\"result\":{\"txid\":\"%s\",\"hex\":\"%s\"%s}", txid_of(n, &t->txid), hex_of(n, t->raw), in);
}

static const char *btc_of(struct model_node *n, struct sat value)
{
	uint64_t v = sat_value(value);

	return SAY("%" PRIu64 ".%08" PRIu64, v / 100000000, v % 100000000);
}

/* An unspent output; with the mempool's transactions, or of blocks alone. */
static const char *coin_of(struct model_node *n, const json_t *params)
{
	const struct model_tx *t = tx_asked(n, json_array_get(params, 0)), *by;
	struct outpoint at = { .vout = (uint32_t)json_integer_value(json_array_get(params, 1)) };
	bool mempool = json_is_true(json_array_get(params, 2));
	const struct model_block *tip = model_tip(&n->chain);

	if (!t || t->tx.n_out <= at.vout || (t->height < 0 && !(mempool && t->in_mempool)))
		return "\"result\":null";
	at.txid = t->txid;
	by = model_spender(&n->chain, &at);
	if (by && (mempool || by->height >= 0))
		return "\"result\":null";
	return SAY(
		"\"result\":{\"bestblock\":\"%s\",\"confirmations\":%d,\"value\":%s,\"scriptPubKey\":{\"hex\":\"%s\"},"
		"\"coinbase\":%s}",
		hash_of(n, &tip->hash), t->height < 0 ? 0 : (int)tip->height - t->height + 1,
		btc_of(n, t->tx.out[at.vout].value), hex_of(n, t->tx.out[at.vout].script),
		tx_is_coinbase(&t->tx) ? "true" : "false");
}

/* In the manner of gettxspendingprevout: the mempool's alone. */
static const char *spends_of(struct model_node *n, const json_t *params)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);
	const json_t *one;
	size_t i;

	json_array_foreach(json_array_get(params, 0), i, one)
	{
		struct outpoint at = { .vout = (uint32_t)json_integer_value(json_object_get(one, "vout")) };
		const char *name = json_string_value(json_object_get(one, "txid"));
		const struct model_tx *by;

		ck_assert(txid_parse(name, &at.txid));
		by = model_spender(&n->chain, &at);
		buf_printf(&text, "%s{\"txid\":\"%s\",\"vout\":%u", text.n ? "," : "", name, at.vout);
		if (by && by->height < 0 && by->in_mempool)
			buf_printf(&text, ",\"spendingtxid\":\"%s\"", txid_of(n, &by->txid));
		buf_printf(&text, "}");
	}
	return SAY("\"result\":[%s]", buf_text(&text));
}

static const char *send_of(struct model_node *n, const json_t *params)
{
	struct bytes raw;
	struct txid txid;
	struct tx tx;
	struct err err;

	ck_assert(hex_decode_any(&n->arena, json_string_value(json_array_get(params, 0)), TX_SIZE_MAX, &raw));
	if (n->refuse)
		return no(n, -26, "min relay fee not met, 0 < 100");
	ck_assert_int_eq(tx_decode(&n->arena, raw, &tx, &err), 0);
	txid = model_node_offer(n, &tx);
	return SAY("\"result\":\"%s\"", txid_of(n, &txid));
}

/* Its fee is what of its inputs it does not pay out. */
static const char *entry_of(struct model_node *n, const json_t *params)
{
	const struct model_tx *t = tx_asked(n, json_array_get(params, 0));
	struct sat in = { 0 }, out, fee;

	if (!t || !t->in_mempool)
		return no(n, -5, "Transaction not in mempool");
	for (size_t i = 0; i < t->tx.n_in; i++) {
		const struct tx_out *spent = model_out(&n->chain, &t->tx.in[i].prevout);

		ck_assert(spent && sat_add(in, spent->value, &in));
	}
	ck_assert(tx_value_out(&t->tx, &out) && sat_sub(in, out, &fee));
	return SAY("\"result\":{\"vsize\":%u,\"weight\":%u,\"ancestorcount\":1,\"ancestorsize\":%u,"
		   "\"fees\":{\"base\":%s,\"ancestor\":%s,\"modified\":%s},\"depends\":[],\"spentby\":[],\"time\":0,"
		   "\"unbroadcast\":false}",
		   (unsigned)tx_vsize(&t->tx), (unsigned)tx_weight(&t->tx).v, (unsigned)tx_vsize(&t->tx),
		   btc_of(n, fee), btc_of(n, fee), btc_of(n, fee));
}

/* --- packages --- */

static bool is_known_tx(const struct model_tx *t)
{
	return t && (t->height >= 0 || t->in_mempool);
}

/* What is wrong with an input of a package's transaction; "" for nothing. */
static const char *input_fault(struct model_node *n, const struct tx *tx, const struct txid *parent)
{
	for (size_t i = 0; i < tx->n_in; i++) {
		const struct outpoint *at = &tx->in[i].prevout;
		const struct model_tx *from = model_tx_of(&n->chain, &at->txid), *by = model_spender(&n->chain, at);

		if (parent && txid_equal(&at->txid, parent))
			continue;
		if (!is_known_tx(from) || at->vout >= from->tx.n_out || (by && by->height >= 0))
			return "bad-txns-inputs-missingorspent";
		if (from->height < 0)
			return "package-not-child-with-unconfirmed-parents";
	}
	return "";
}

/* In the manner of submitpackage: a parent that pays nothing, and its child.  Fees and policy are not looked at. */
static const char *package_of(struct model_node *n, const json_t *params)
{
	const json_t *list = json_array_get(params, 0);
	const char *fault[2], *text = "";
	bool good = true;
	struct tx tx[2];
	struct txid txid[2];
	struct err err;

	ck_assert_uint_eq(json_array_size(list), 2);
	for (size_t i = 0; i < 2; i++) {
		struct bytes raw;

		ck_assert(hex_decode_any(&n->arena, json_string_value(json_array_get(list, i)), TX_SIZE_MAX, &raw));
		ck_assert_int_eq(tx_decode(&n->arena, raw, &tx[i], &err), 0);
		txid[i] = tx_txid(&tx[i]);
	}
	ck_assert(tx_find_input(&tx[1], &(struct outpoint){ txid[0], (uint32_t)(tx[0].n_out - 1) }) < tx[1].n_in);
	for (size_t i = 0; i < 2; i++) {
		const struct model_tx *t = model_tx_of(&n->chain, &txid[i]);

		fault[i] = t && t->height >= 0 ? "txn-already-known" : input_fault(n, &tx[i], i ? &txid[0] : NULL);
		if (n->refuse)
			fault[i] = "min relay fee not met, 0 < 100";
		good = good && fault[i][0] == '\0';
	}
	for (size_t i = 0; i < 2 && good; i++)
		if (!is_known_tx(model_tx_of(&n->chain, &txid[i])))
			model_node_offer(n, &tx[i]);
	for (size_t i = 0; i < 2; i++) {
		struct wtxid wtxid = tx_wtxid(&tx[i]);
		char name[TXID_TEXT];

		wtxid_text(&wtxid, name);
		text = SAY("%s%s\"%s\":{\"txid\":\"%s\",%s}", text, i ? "," : "", name, txid_of(n, &txid[i]),
			   good ? SAY("\"vsize\":%u,\"fees\":{\"base\":0.00000000}", (unsigned)tx_vsize(&tx[i]))
			   : fault[i][0] ? SAY("\"error\":\"%s\"", fault[i])
					 : "\"error\":\"transaction failed\"");
	}
	return SAY("\"result\":{\"package_msg\":\"%s\",\"tx-results\":{%s},\"replaced-transactions\":[]}",
		   good ? "success" : "transaction failed", text);
}

/* Is it one of the scripts that are named raw(…)? */
static bool is_wanted(struct model_node *n, const json_t *list, struct bytes script)
{
	const char *raw = SAY("raw(%s)", hex_of(n, script));

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *d = json_array_get(list, i);

		if (strcmp(json_string_value(json_is_object(d) ? json_object_get(d, "desc") : d), raw) == 0)
			return true;
	}
	return false;
}

static bool touches(struct model_node *n, const json_t *list, const struct model_block *b)
{
	for (size_t i = 0; i < b->n_txs; i++) {
		const struct model_tx *t = &n->chain.txs[b->txs[i]];

		for (size_t k = 0; k < t->tx.n_out; k++)
			if (is_wanted(n, list, t->tx.out[k].script))
				return true;
		for (size_t k = 0; k < t->tx.n_in; k++) {
			const struct tx_out *out = model_out(&n->chain, &t->tx.in[k].prevout);

			if (out && is_wanted(n, list, out->script))
				return true;
		}
	}
	return false;
}

/* Backwards: nobody says that they are in order. */
static const char *scan_blocks_of(struct model_node *n, const json_t *params)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);
	uint32_t from = (uint32_t)json_integer_value(json_array_get(params, 2));
	uint32_t to = (uint32_t)json_integer_value(json_array_get(params, 3));

	if (!n->filters)
		return no(n, -1, "Index is not enabled for filtertype basic");
	for (uint32_t h = to + 1; h-- > from;)
		if (touches(n, json_array_get(params, 1), model_at(&n->chain, h)))
			buf_printf(&text, "%s\"%s\"", text.n ? "," : "", hash_of(n, &model_at(&n->chain, h)->hash));
	return SAY("\"result\":{\"from_height\":%u,\"to_height\":%u,\"relevant_blocks\":[%s],\"completed\":true}", from,
		   to, buf_text(&text));
}

static const char *scan_coins_of(struct model_node *n, const json_t *params)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);
	const struct model_block *tip = model_tip(&n->chain);

	for (size_t i = 0; i < n->chain.n_txs; i++) {
		const struct model_tx *t = &n->chain.txs[i];

		for (uint32_t k = 0; t->height >= 0 && k < t->tx.n_out; k++) {
			struct outpoint at = { t->txid, k };
			const struct model_tx *by = model_spender(&n->chain, &at);

			if ((by && by->height >= 0) || !is_wanted(n, json_array_get(params, 1), t->tx.out[k].script))
				continue;
			buf_printf(&text,
				   "%s{\"txid\":\"%s\",\"vout\":%u,\"scriptPubKey\":\"%s\",\"amount\":%s,"
				   "\"height\":%d,\"coinbase\":%s,\"desc\":\"\"}",
				   text.n ? "," : "", txid_of(n, &t->txid), k, hex_of(n, t->tx.out[k].script),
				   btc_of(n, t->tx.out[k].value), t->height, tx_is_coinbase(&t->tx) ? "true" : "false");
		}
	}
	return SAY("\"result\":{\"success\":true,\"txouts\":1,\"height\":%u,\"bestblock\":\"%s\",\"unspents\":[%s],"
		   "\"total_amount\":0}",
		   tip->height, hash_of(n, &tip->hash), buf_text(&text));
}

static const char *member_for(struct model_node *n, const char *method, const json_t *params)
{
	if (strcmp(method, "getblockchaininfo") == 0)
		return chain_info(n);
	if (strcmp(method, "getmempoolinfo") == 0)
		return "\"result\":{\"loaded\":true,\"size\":0,\"bytes\":0,\"maxmempool\":300000000,"
		       "\"mempoolminfee\":0.00001000,\"minrelaytxfee\":0.00001000,\"incrementalrelayfee\":0.00001000}";
	if (strcmp(method, "getnetworkinfo") == 0)
		return "\"result\":{\"version\":290100,\"subversion\":\"/Satoshi:29.1.0/\",\"localrelay\":true,"
		       "\"relayfee\":0.00001000,\"incrementalfee\":0.00001000}";
	if (strcmp(method, "getindexinfo") == 0)
		return "\"result\":{\"txindex\":{\"synced\":true,\"best_block_height\":0}}";
	if (strcmp(method, "getblockhash") == 0)
		return block_hash_at(n, params);
	if (strcmp(method, "getblockheader") == 0)
		return header_of(n, params);
	if (strcmp(method, "getblock") == 0)
		return block_of(n, params);
	if (strcmp(method, "getrawmempool") == 0)
		return mempool_of(n);
	if (strcmp(method, "getrawtransaction") == 0)
		return raw_tx_of(n, params);
	if (strcmp(method, "estimatesmartfee") == 0)
		return "\"result\":{\"feerate\":0.00002000,\"blocks\":2}";
	if (strcmp(method, "gettxout") == 0)
		return coin_of(n, params);
	if (strcmp(method, "gettxspendingprevout") == 0)
		return spends_of(n, params);
	if (strcmp(method, "getmempoolentry") == 0)
		return entry_of(n, params);
	if (strcmp(method, "sendrawtransaction") == 0)
		return send_of(n, params);
	if (strcmp(method, "submitpackage") == 0)
		return package_of(n, params);
	if (strcmp(method, "scanblocks") == 0)
		return scan_blocks_of(n, params);
	if (strcmp(method, "scantxoutset") == 0)
		return scan_coins_of(n, params);
	return no(n, -32601, "Method not found");
}

static void answer_call(struct model_node *n, const json_t *call, struct buf *to)
{
	const char *method = json_string_value(json_object_get(call, "method"));

	note(n, method);
	buf_printf(to, "{\"jsonrpc\":\"2.0\",%s,\"id\":%lld}", member_for(n, method, json_object_get(call, "params")),
		   (long long)json_integer_value(json_object_get(call, "id")));
}

static const char *answer_rpc(struct model_node *n, const struct peer_request *asked)
{
	SCOPED(buf) struct buf body = BUF_CAP(32 * 1024 * 1024);
	struct err err;
	json_t *v;

	ck_assert_msg(json_parse(&n->arena, asked->body, JSON_DEPTH_MAX, &v, &err) == 0, "%s", err.msg);
	if (!json_is_array(v)) {
		answer_call(n, v, &body);
		return arena_strdup(&n->arena, buf_text(&body));
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		buf_text_add(&body, i == 0 ? "[" : ",");
		answer_call(n, json_array_get(v, i), &body);
	}
	buf_text_add(&body, "]");
	return arena_strdup(&n->arena, buf_text(&body));
}

/* --- as an Esplora server --- */

static const char *status_of(struct model_node *n, const struct model_tx *t)
{
	if (t->height < 0)
		return "\"status\":{\"confirmed\":false}";
	return SAY("\"status\":{\"confirmed\":true,\"block_height\":%d,\"block_hash\":\"%s\"}", t->height,
		   hash_of(n, &model_at(&n->chain, (uint32_t)t->height)->hash));
}

static bool is_there(const struct model_tx *t)
{
	return t->in_mempool || t->height >= 0;
}

static bool touches_script(struct model_node *n, const struct model_tx *t, const char *hash)
{
	struct hash32 h;
	char text[65];

	for (size_t k = 0; k < t->tx.n_out + t->tx.n_in; k++) {
		const struct tx_out *out = k < t->tx.n_out ? &t->tx.out[k]
							   : model_out(&n->chain, &t->tx.in[k - t->tx.n_out].prevout);

		if (!out)
			continue;
		sha256(out->script, &h);
		hex_encode(h.b, sizeof(h.b), text);
		if (strncmp(text, hash, 64) == 0)
			return true;
	}
	return false;
}

static const char *script_page(struct model_node *n, const char *hash)
{
	unsigned confirmed = 0, mempool = 0;

	for (size_t i = 0; i < n->chain.n_txs; i++)
		if (is_there(&n->chain.txs[i]) && touches_script(n, &n->chain.txs[i], hash))
			++*(n->chain.txs[i].height >= 0 ? &confirmed : &mempool);
	return SAY("{\"chain_stats\":{\"tx_count\":%u},\"mempool_stats\":{\"tx_count\":%u}}", confirmed, mempool);
}

/* Newest first; all in one page, and an empty one after it. */
static const char *history_page(struct model_node *n, const char *hash, bool more)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);

	for (int h = -1; !more && h <= (int)model_tip(&n->chain)->height; h++)
		for (size_t i = n->chain.n_txs; i-- > 0;) {
			const struct model_tx *t = &n->chain.txs[i];
			int at = h < 0 ? -1 : (int)model_tip(&n->chain)->height - h;

			if (is_there(t) && t->height == at && touches_script(n, t, hash))
				buf_printf(&text, "%s{\"txid\":\"%s\",%s}", text.n ? "," : "", txid_of(n, &t->txid),
					   status_of(n, t));
		}
	return SAY("[%s]", buf_text(&text));
}

static const char *outspend_page(struct model_node *n, const struct txid *txid, const char *vout)
{
	struct outpoint at = { *txid, (uint32_t)strtoul(vout, NULL, 10) };
	const struct model_tx *by = model_spender(&n->chain, &at);

	if (!by)
		return "{\"spent\":false}";
	return SAY("{\"spent\":true,\"txid\":\"%s\",\"vin\":0,%s}", txid_of(n, &by->txid), status_of(n, by));
}

static const char *outputs_of(struct model_node *n, const struct model_tx *t)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);

	for (size_t i = 0; i < t->tx.n_out; i++)
		buf_printf(&text, "%s{\"scriptpubkey\":\"%s\",\"value\":%" PRIu64 "}", i ? "," : "",
			   hex_of(n, t->tx.out[i].script), sat_value(t->tx.out[i].value));
	return arena_strdup(&n->arena, buf_text(&text));
}

static const char *tx_page(struct model_node *n, const char *path)
{
	char text[TXID_TEXT];
	const struct model_tx *t;
	struct txid txid;

	snprintf(text, sizeof(text), "%.64s", path);
	ck_assert(txid_parse(text, &txid));
	t = model_tx_of(&n->chain, &txid);
	if (strncmp(path + 64, "/outspend/", 10) == 0)
		return outspend_page(n, &txid, path + 74);
	if (!t || !is_there(t))
		return NULL;
	if (strcmp(path + 64, "/raw") == 0) {
		n->script.body_n = t->raw.n;
		return (const char *)t->raw.p;
	}
	return SAY("{\"txid\":\"%s\",\"fee\":0,\"weight\":400,\"vin\":[],\"vout\":[%s],%s}", text, outputs_of(n, t),
		   status_of(n, t));
}

static const char *block_page(struct model_node *n, const char *path)
{
	char text[TXID_TEXT];
	const struct model_block *b;
	struct block_hash hash;

	snprintf(text, sizeof(text), "%.64s", path);
	ck_assert(block_hash_parse(text, &hash));
	b = model_block_of(&n->chain, &hash);
	if (!b)
		return NULL;
	if (strcmp(path + 64, "/status") == 0)
		return SAY("{\"in_best_chain\":%s}", model_is_active(&n->chain, b) ? "true" : "false");
	return SAY("{\"id\":\"%s\",\"height\":%u,\"timestamp\":%" PRId64 ",\"mediantime\":%" PRId64 "%s}", text,
		   b->height, b->time_s, model_median_time(&n->chain, b),
		   b->height ? SAY(",\"previousblockhash\":\"%s\"", hash_of(n, &b->prev)) : "");
}

static const char *sent_page(struct model_node *n, struct bytes body)
{
	char *hex = arena_strndup(&n->arena, (const char *)body.p, body.n);
	struct bytes raw;
	struct txid txid;
	struct tx tx;
	struct err err;

	ck_assert(hex_decode_any(&n->arena, hex, TX_SIZE_MAX, &raw));
	ck_assert_int_eq(tx_decode(&n->arena, raw, &tx, &err), 0);
	txid = model_node_offer(n, &tx);
	return txid_of(n, &txid);
}

static bool begins(const char *path, const char *with, const char **rest)
{
	size_t n = strlen(with);

	if (strncmp(path, with, n) != 0)
		return false;
	*rest = path + n;
	return true;
}

static const char *answer_page(struct model_node *n, const struct peer_request *asked)
{
	const char *rest;

	if (begins(asked->path, "/blocks/tip/hash", &rest)) {
		note(n, "tip");
		return hash_of(n, &model_tip(&n->chain)->hash);
	}
	if (begins(asked->path, "/block-height/", &rest)) {
		uint32_t h = (uint32_t)strtoul(rest, NULL, 10);

		note(n, "block-height");
		return h <= model_tip(&n->chain)->height ? hash_of(n, &model_at(&n->chain, h)->hash) : NULL;
	}
	if (begins(asked->path, "/block/", &rest)) {
		note(n, "block");
		return block_page(n, rest);
	}
	if (begins(asked->path, "/tx/", &rest)) {
		note(n, "tx");
		return tx_page(n, rest);
	}
	if (strcmp(asked->path, "/tx") == 0) {
		note(n, "send");
		return sent_page(n, asked->body);
	}
	if (begins(asked->path, "/scripthash/", &rest)) {
		note(n, strlen(rest) == 64 ? "script" : "history");
		return strlen(rest) == 64 ? script_page(n, rest) : history_page(n, rest, strstr(rest, "chain") != NULL);
	}
	note(n, "other");
	return NULL;
}

/* --- the peer --- */

static unsigned sent_so_far(const struct model_node *n)
{
	return model_node_asked(n, "submitpackage") + model_node_asked(n, "sendrawtransaction") +
	       model_node_asked(n, "send");
}

static const struct peer_script *on_request(void *ctx, const struct peer_request *asked)
{
	struct model_node *n = ctx;
	unsigned before = sent_so_far(n);

	arena_reset(&n->arena);
	n->script = (struct peer_script){ .status = n->down ? 503 : 200 };
	if (n->down)
		return &n->script;
	n->script.body = n->kind == CHAIN_BITCOIND ? answer_rpc(n, asked) : answer_page(n, asked);
	if (!n->script.body)
		n->script = (struct peer_script){ .status = 404, .body = "not found" };
	if (n->mute && sent_so_far(n) > before)
		n->script = (struct peer_script){ .status = 503 };
	return &n->script;
}

struct model_node *model_node_new(struct loop *loop, enum chain_kind kind)
{
	struct model_node *n = calloc(1, sizeof(*n));

	ck_assert_ptr_nonnull(n);
	n->kind = kind;
	n->arena = ARENA_LIMIT(256 * 1024 * 1024);
	model_chain_init(&n->chain);
	n->peer = http_peer_new(loop, NULL);
	http_peer_answer(n->peer, on_request, n);
	return n;
}

void model_node_free(struct model_node *n)
{
	http_peer_free(n->peer);
	model_chain_done(&n->chain);
	arena_done(&n->arena);
	free(n);
}

const char *model_node_url(struct model_node *n)
{
	return http_peer_url(n->peer, n->kind == CHAIN_BITCOIND ? "/" : "");
}

struct txid model_node_offer(struct model_node *n, const struct tx *tx)
{
	return model_offer(&n->chain, tx);
}

void model_node_evict(struct model_node *n, const struct txid *txid)
{
	model_evict(&n->chain, txid);
}

bool model_node_has(const struct model_node *n, const struct txid *txid)
{
	const struct model_tx *t = model_tx_of(&n->chain, txid);

	return t && t->in_mempool;
}

bool model_node_mined(const struct model_node *n, const struct txid *txid, struct block_ref *ret)
{
	const struct model_tx *t = model_tx_of(&n->chain, txid);

	if (!t || t->height < 0)
		return false;
	model_node_ref(n, (uint32_t)t->height, ret);
	return true;
}

struct block_ref model_node_mine(struct model_node *n, bool full, struct bytes script)
{
	return model_mine(&n->chain, full, script);
}

void model_node_mine_empty(struct model_node *n, unsigned blocks)
{
	while (blocks-- > 0)
		model_mine(&n->chain, false, (struct bytes){ 0 });
}

void model_node_rewind(struct model_node *n, unsigned blocks)
{
	while (blocks-- > 0)
		model_rewind(&n->chain);
}

uint32_t model_node_height(const struct model_node *n)
{
	return model_tip(&n->chain)->height;
}

void model_node_ref(const struct model_node *n, uint32_t height, struct block_ref *ret)
{
	*ret = (struct block_ref){ height, model_at(&n->chain, height)->hash };
}

void model_node_down(struct model_node *n, bool down)
{
	n->down = down;
}

void model_node_prune(struct model_node *n, uint32_t below)
{
	n->pruned = below;
}

void model_node_filters(struct model_node *n, bool filters)
{
	n->filters = filters;
}

void model_node_mute(struct model_node *n, bool mute)
{
	n->mute = mute;
}

void model_node_refuse(struct model_node *n, bool refuse)
{
	n->refuse = refuse;
}

bool model_node_spender(const struct model_node *n, const struct outpoint *at, struct txid *ret)
{
	const struct model_tx *by = model_spender(&n->chain, at);

	if (by)
		*ret = by->txid;
	return by != NULL;
}

void model_node_each(const struct model_node *n, void (*each)(void *ctx, const struct tx *tx, const struct txid *txid),
		     void *ctx)
{
	for (size_t i = 0; i < n->chain.n_txs; i++)
		each(ctx, &n->chain.txs[i].tx, &n->chain.txs[i].txid);
}

void model_node_speak(struct model_node *n, enum chain_kind kind)
{
	n->kind = kind;
}
