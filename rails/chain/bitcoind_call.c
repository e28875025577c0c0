#include "rails/chain/bitcoind_call.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

static json_t *new_text(const char *text)
{
	json_t *v = json_string(text);

	if (v == NULL)
		err_fatal("cannot make a JSON string");
	return v;
}

static json_t *new_hex(struct bytes v)
{
	SCOPED(buf) struct buf hex = BUF_CAP(2 * v.n + 1);
	char two[3];

	for (size_t i = 0; i < v.n; i++) {
		hex_encode(v.p + i, 1, two);
		buf_add(&hex, two, 2);
	}
	return new_text(buf_text(&hex));
}

static json_t *new_txid(const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	return new_text(text);
}

static json_t *new_hash(const struct block_hash *hash)
{
	char text[TXID_TEXT];

	block_hash_text(hash, text);
	return new_text(text);
}

static json_t *params_of(struct jsonrpc_batch *b, json_t *owned)
{
	json_t *params = json_array_in(b->arena);

	if (owned != NULL)
		json_add_take(params, owned);
	return params;
}

static size_t ask_plain(struct jsonrpc_batch *b, const char *method)
{
	return jsonrpc_add(b, method, params_of(b, NULL));
}

/* --- the node --- */

size_t bitcoind_ask_network_info(struct jsonrpc_batch *b)
{
	return ask_plain(b, "getnetworkinfo");
}

size_t bitcoind_ask_chain_info(struct jsonrpc_batch *b)
{
	return ask_plain(b, "getblockchaininfo");
}

size_t bitcoind_ask_index_info(struct jsonrpc_batch *b)
{
	return ask_plain(b, "getindexinfo");
}

size_t bitcoind_ask_mempool_info(struct jsonrpc_batch *b)
{
	return ask_plain(b, "getmempoolinfo");
}

/* --- blocks --- */

size_t bitcoind_ask_block_count(struct jsonrpc_batch *b)
{
	return ask_plain(b, "getblockcount");
}

size_t bitcoind_ask_block_hash(struct jsonrpc_batch *b, uint32_t height)
{
	return jsonrpc_add(b, "getblockhash", params_of(b, json_integer(height)));
}

size_t bitcoind_ask_header(struct jsonrpc_batch *b, const struct block_hash *hash)
{
	json_t *params = params_of(b, new_hash(hash));

	json_add_take(params, json_true());
	return jsonrpc_add(b, "getblockheader", params);
}

size_t bitcoind_ask_block(struct jsonrpc_batch *b, const struct block_hash *hash)
{
	json_t *params = params_of(b, new_hash(hash));

	json_add_take(params, json_integer(0));
	return jsonrpc_add(b, "getblock", params);
}

size_t bitcoind_ask_filter(struct jsonrpc_batch *b, const struct block_hash *hash)
{
	json_t *params = params_of(b, new_hash(hash));

	json_add_take(params, new_text("basic"));
	return jsonrpc_add(b, "getblockfilter", params);
}

size_t bitcoind_ask_new_block(struct jsonrpc_batch *b, int64_t ms)
{
	return jsonrpc_add(b, "waitfornewblock", params_of(b, json_integer(ms)));
}

/* --- transactions and outputs --- */

static size_t ask_tx(struct jsonrpc_batch *b, const struct txid *txid, bool verbose, const struct block_hash *in)
{
	json_t *params = params_of(b, new_txid(txid));

	json_add_take(params, verbose ? json_true() : json_false());
	if (in != NULL)
		json_add_take(params, new_hash(in));
	return jsonrpc_add(b, "getrawtransaction", params);
}

size_t bitcoind_ask_tx(struct jsonrpc_batch *b, const struct txid *txid, const struct block_hash *in)
{
	return ask_tx(b, txid, true, in);
}

size_t bitcoind_ask_raw_tx(struct jsonrpc_batch *b, const struct txid *txid, const struct block_hash *in)
{
	return ask_tx(b, txid, false, in);
}

size_t bitcoind_ask_coin(struct jsonrpc_batch *b, const struct outpoint *at, bool mempool)
{
	json_t *params = params_of(b, new_txid(&at->txid));

	json_add_take(params, json_integer(at->vout));
	json_add_take(params, mempool ? json_true() : json_false());
	return jsonrpc_add(b, "gettxout", params);
}

size_t bitcoind_ask_mempool_spends(struct jsonrpc_batch *b, const struct outpoint *at, size_t n)
{
	json_t *list = json_array_in(b->arena), *params = json_array_in(b->arena);

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object_in(b->arena);

		json_set_take(o, "txid", new_txid(&at[i].txid));
		json_set_u64(o, "vout", at[i].vout);
		json_add(list, o);
	}
	json_add(params, list);
	return jsonrpc_add(b, "gettxspendingprevout", params);
}

size_t bitcoind_ask_mempool_entry(struct jsonrpc_batch *b, const struct txid *txid)
{
	return jsonrpc_add(b, "getmempoolentry", params_of(b, new_txid(txid)));
}

size_t bitcoind_ask_mempool_txids(struct jsonrpc_batch *b)
{
	json_t *params = params_of(b, json_false());

	json_add_take(params, json_true());
	return jsonrpc_add(b, "getrawmempool", params);
}

/* --- fees and sending --- */

size_t bitcoind_ask_fee(struct jsonrpc_batch *b, uint16_t target)
{
	json_t *params = params_of(b, json_integer(target));

	json_add_take(params, new_text("economical"));
	return jsonrpc_add(b, "estimatesmartfee", params);
}

size_t bitcoind_ask_send(struct jsonrpc_batch *b, struct bytes raw)
{
	return jsonrpc_add(b, "sendrawtransaction", params_of(b, new_hex(raw)));
}

static json_t *hex_list(struct jsonrpc_batch *b, const struct bytes *raw, size_t n)
{
	json_t *list = json_array_in(b->arena), *params = json_array_in(b->arena);

	assert(n >= 1 && n <= BITCOIND_PACKAGE_MAX);
	for (size_t i = 0; i < n; i++)
		json_add_take(list, new_hex(raw[i]));
	json_add(params, list);
	return params;
}

size_t bitcoind_ask_package(struct jsonrpc_batch *b, const struct bytes *raw, size_t n)
{
	return jsonrpc_add(b, "submitpackage", hex_list(b, raw, n));
}

size_t bitcoind_ask_test(struct jsonrpc_batch *b, const struct bytes *raw, size_t n)
{
	return jsonrpc_add(b, "testmempoolaccept", hex_list(b, raw, n));
}

/* --- scans --- */

static json_t *scan_params(struct jsonrpc_batch *b, const struct bitcoind_descriptor *d, size_t n)
{
	json_t *params = params_of(b, new_text("start")), *list = json_array_in(b->arena);

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object_in(b->arena);

		json_set_str(o, "desc", d[i].text);
		if (d[i].last > 0)
			json_set_u64(o, "range", d[i].last);
		json_add(list, o);
	}
	json_add(params, list);
	return params;
}

size_t bitcoind_ask_scan_coins(struct jsonrpc_batch *b, const struct bitcoind_descriptor *d, size_t n)
{
	return jsonrpc_add(b, "scantxoutset", scan_params(b, d, n));
}

size_t bitcoind_ask_scan_blocks(struct jsonrpc_batch *b, const struct bitcoind_descriptor *d, size_t n, uint32_t from,
				uint32_t to)
{
	json_t *params = scan_params(b, d, n);

	json_add_take(params, json_integer(from));
	json_add_take(params, json_integer(to));
	return jsonrpc_add(b, "scanblocks", params);
}

/* --- the exchange --- */

const char *bitcoind_authorization(struct arena *a, const char *login)
{
	return arena_printf(a, "Basic %s", base64_text(a, bytes_of(login)));
}

static int64_t time_for(const struct jsonrpc_call *call)
{
	if (strcmp(call->method, "scantxoutset") == 0 || strcmp(call->method, "scanblocks") == 0)
		return BITCOIND_SCAN_TIMEOUT_MS;
	if (strcmp(call->method, "waitfornewblock") == 0)
		return BITCOIND_TIMEOUT_MS + json_integer_value(json_array_get(call->params, 0));
	return BITCOIND_TIMEOUT_MS;
}

int bitcoind_request(const struct jsonrpc_batch *b, const char *url, const char *authorization, struct net_request *ret,
		     struct err *err)
{
	struct net_request req = { .method = "POST",
				   .url = url,
				   .content_type = "application/json",
				   .timeout_ms = BITCOIND_TIMEOUT_MS,
				   .max_reply = BITCOIND_REPLY_MAX };

	if (jsonrpc_encode(b, &req.body, err) != 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (time_for(&b->calls[i]) > req.timeout_ms)
			req.timeout_ms = time_for(&b->calls[i]);
	if (authorization != NULL)
		req.headers[req.n_headers++] = (struct http_header){ "Authorization", authorization };
	*ret = req;
	return 0;
}
