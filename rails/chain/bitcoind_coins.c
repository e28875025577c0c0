#include "rails/chain/bitcoind_coins.h"

#include "rails/chain/fields.h"

#define REASON_MAX 1024

/* --- transactions and outputs --- */

static int place_read(const json_t *v, const struct txid *asked, bool *in_block, struct block_hash *ret,
		      struct err *err)
{
	struct txid txid;

	if (!json_is_object(v))
		return REFUSE(err, "the result is not an object");
	if (field_txid(v, "txid", &txid, err) != 0)
		return -1;
	if (!txid_equal(&txid, asked))
		return REFUSE(err, "of another transaction");
	*in_block = !field_is_absent(v, "blockhash");
	return *in_block ? field_hash(v, "blockhash", ret, err) : 0;
}

int bitcoind_reply_tx_place(const struct jsonrpc_answer *answer, const struct txid *asked, bool *found, bool *in_block,
			    struct block_hash *ret, struct err *err)
{
	json_t *v;

	if (bitcoind_result_unless(answer, BITCOIND_RPC_NO_SUCH_THING, found, &v, err) != 0 ||
	    (*found && place_read(v, asked, in_block, ret, err) != 0))
		return err_context(err, "getrawtransaction");
	return 0;
}

int bitcoind_reply_raw_tx(struct arena *a, const struct jsonrpc_answer *answer, const struct txid *asked, bool *found,
			  struct tx *ret, struct err *err)
{
	struct bytes raw;
	struct txid txid;
	struct tx tx;
	json_t *v;

	if (bitcoind_result_unless(answer, BITCOIND_RPC_NO_SUCH_THING, found, &v, err) != 0)
		return err_context(err, "getrawtransaction");
	if (!*found)
		return 0;
	if (value_hex(a, v, "the result", TX_SIZE_MAX, &raw, err) != 0)
		return err_context(err, "getrawtransaction");
	if (tx_decode(a, raw, &tx, err) != 0)
		return REFUSE(err, "getrawtransaction: %s", err->msg);
	txid = tx_txid(&tx);
	if (!txid_equal(&txid, asked))
		return REFUSE(err, "getrawtransaction: another transaction");
	*ret = tx;
	return 0;
}

static int coin_read(struct arena *a, const json_t *v, struct bitcoind_coin *c, struct err *err)
{
	const json_t *script;

	if (!json_is_object(v))
		return REFUSE(err, "the result is not an object");
	if (field_hash(v, "bestblock", &c->best, err) != 0 ||
	    field_u32(v, "confirmations", &c->confirmations, err) != 0 || field_btc(v, "value", &c->value, err) != 0 ||
	    field_bool(v, "coinbase", &c->coinbase, err) != 0 || field_object(v, "scriptPubKey", &script, err) != 0)
		return -1;
	return field_hex(a, script, "hex", TX_SIZE_MAX, &c->script, err);
}

int bitcoind_reply_coin(struct arena *a, const struct jsonrpc_answer *answer, bool *found, struct bitcoind_coin *ret,
			struct err *err)
{
	struct bitcoind_coin c;
	json_t *v;

	if (bitcoind_result(answer, &v, err) != 0 || (!json_is_null(v) && coin_read(a, v, &c, err) != 0))
		return err_context(err, "gettxout");
	*found = !json_is_null(v);
	if (*found)
		*ret = c;
	return 0;
}

static int spend_read(const json_t *v, const struct outpoint *asked, struct chain_spend *ret, struct err *err)
{
	struct outpoint at;

	if (field_txid(v, "txid", &at.txid, err) != 0 || field_u32(v, "vout", &at.vout, err) != 0)
		return -1;
	if (!outpoint_equal(&at, asked))
		return REFUSE(err, "of another output");
	*ret = (struct chain_spend){ .state = CHAIN_UNSPENT };
	if (field_is_absent(v, "spendingtxid"))
		return 0;
	ret->state = CHAIN_SPENT_MEMPOOL;
	return field_txid(v, "spendingtxid", &ret->spender, err);
}

int bitcoind_reply_mempool_spends(const struct jsonrpc_answer *answer, const struct outpoint *asked, size_t n,
				  struct chain_spend *ret, struct err *err)
{
	json_t *v;

	if (bitcoind_result(answer, &v, err) != 0)
		return err_context(err, "gettxspendingprevout");
	if (!json_is_array(v) || json_array_size(v) != n)
		return REFUSE(err, "gettxspendingprevout: not a list of %zu", n);
	for (size_t i = 0; i < n; i++)
		if (spend_read(json_array_get(v, i), &asked[i], &ret[i], err) != 0)
			return err_context(err, "gettxspendingprevout");
	return 0;
}

static int parents_read(struct arena *a, const json_t *v, struct chain_mempool_entry *e, struct err *err)
{
	const json_t *list;

	if (field_list(v, "depends", CHAIN_PARENTS_MAX, &list, err) != 0)
		return -1;
	e->n_parents = json_array_size(list);
	if (!arena_room(a, (e->n_parents + 1) * sizeof(*e->parents)))
		return REFUSE(err, "no room for %zu parents", e->n_parents);
	e->parents = ARENA_ARRAY(a, e->n_parents, struct txid);
	for (size_t i = 0; i < e->n_parents; i++)
		if (value_txid(json_array_get(list, i), "depends", &e->parents[i], err) != 0)
			return -1;
	return 0;
}

static int entry_read(struct arena *a, const json_t *v, struct chain_mempool_entry *e, struct err *err)
{
	const json_t *fees;

	if (!json_is_object(v))
		return REFUSE(err, "the result is not an object");
	if (field_u64(v, "weight", TX_WEIGHT_MAX, &e->weight.v, err) != 0 ||
	    field_u64(v, "vsize", INT32_MAX, &e->vsize, err) != 0 ||
	    field_u64(v, "ancestorcount", INT32_MAX, &e->ancestors, err) != 0 ||
	    field_u64(v, "ancestorsize", INT64_MAX, &e->ancestor_vsize, err) != 0 ||
	    field_object(v, "fees", &fees, err) != 0 || field_btc(fees, "base", &e->fee, err) != 0 ||
	    field_btc(fees, "ancestor", &e->ancestor_fee, err) != 0)
		return -1;
	return parents_read(a, v, e, err);
}

int bitcoind_reply_mempool_entry(struct arena *a, const struct jsonrpc_answer *answer, bool *found,
				 struct chain_mempool_entry *ret, struct err *err)
{
	struct chain_mempool_entry e;
	json_t *v;

	if (bitcoind_result_unless(answer, BITCOIND_RPC_NO_SUCH_THING, found, &v, err) != 0 ||
	    (*found && entry_read(a, v, &e, err) != 0))
		return err_context(err, "getmempoolentry");
	if (*found)
		*ret = e;
	return 0;
}

int bitcoind_reply_mempool_txids(struct arena *a, const struct jsonrpc_answer *answer, struct txid **ret, size_t *n,
				 struct err *err)
{
	const json_t *v, *list;
	struct txid *txids;
	size_t count;

	if (bitcoind_object(answer, &v, err) != 0 || field_list(v, "txids", BITCOIND_LIST_MAX, &list, err) != 0)
		return err_context(err, "getrawmempool");
	count = json_array_size(list);
	if (!arena_room(a, (count + 1) * sizeof(*txids)))
		return REFUSE(err, "getrawmempool: no room for %zu", count);
	txids = ARENA_ARRAY(a, count, struct txid);
	for (size_t i = 0; i < count; i++)
		if (value_txid(json_array_get(list, i), "txids", &txids[i], err) != 0)
			return err_context(err, "getrawmempool");
	*ret = txids;
	*n = count;
	return 0;
}

/* --- fees --- */

int bitcoind_reply_fee(const struct jsonrpc_answer *answer, bool *has, struct feerate *ret, struct err *err)
{
	const json_t *v;

	if (bitcoind_object(answer, &v, err) != 0)
		return err_context(err, "estimatesmartfee");
	*has = !field_is_absent(v, "feerate");
	if (!*has && !json_is_array(json_object_get(v, "errors")))
		return REFUSE(err, "estimatesmartfee: neither a rate nor an error");
	if (*has && field_btc_per_kvb(v, "feerate", ret, err) != 0)
		return err_context(err, "estimatesmartfee");
	return 0;
}

static int test_read(const json_t *v, const struct txid *asked, struct bitcoind_test *t, struct err *err)
{
	const json_t *fees;

	*t = (struct bitcoind_test){ .reason = "" };
	if (field_txid(v, "txid", &t->txid, err) != 0)
		return -1;
	if (!txid_equal(&t->txid, asked))
		return REFUSE(err, "of another transaction");
	/* What comes after one that fails may not have been looked at. */
	if (field_is_absent(v, "allowed"))
		return field_is_absent(v, "package-error")
			       ? 0
			       : field_text(v, "package-error", REASON_MAX, &t->reason, err);
	if (field_bool(v, "allowed", &t->allowed, err) != 0)
		return -1;
	if (!t->allowed)
		return field_text(v, "reject-reason", REASON_MAX, &t->reason, err);
	return field_object(v, "fees", &fees, err) != 0 ? -1 : field_btc(fees, "base", &t->fee, err);
}

int bitcoind_reply_test(const struct jsonrpc_answer *answer, const struct txid *asked, size_t n,
			struct bitcoind_test *ret, struct err *err)
{
	json_t *v;

	if (bitcoind_result(answer, &v, err) != 0)
		return err_context(err, "testmempoolaccept");
	if (!json_is_array(v) || json_array_size(v) != n)
		return REFUSE(err, "testmempoolaccept: not a list of %zu", n);
	for (size_t i = 0; i < n; i++)
		if (test_read(json_array_get(v, i), &asked[i], &ret[i], err) != 0)
			return err_context(err, "testmempoolaccept");
	return 0;
}

/* --- scans --- */

static int unspent_read(struct arena *a, const json_t *v, struct chain_coin *c, struct err *err)
{
	if (field_txid(v, "txid", &c->at.txid, err) != 0 || field_u32(v, "vout", &c->at.vout, err) != 0 ||
	    field_btc(v, "amount", &c->value, err) != 0 || field_u32(v, "height", &c->height, err) != 0 ||
	    field_hex(a, v, "scriptPubKey", TX_SIZE_MAX, &c->script, err) != 0)
		return -1;
	c->coinbase = false; /* told since 25 */
	return field_is_absent(v, "coinbase") ? 0 : field_bool(v, "coinbase", &c->coinbase, err);
}

static int scan_read(struct arena *a, const json_t *v, struct bitcoind_scan *s, struct err *err)
{
	const json_t *list;
	bool success;

	if (field_bool(v, "success", &success, err) != 0)
		return -1;
	if (!success)
		return ERR(err, ERR_PEER, "the scan was stopped");
	if (field_u32(v, "height", &s->tip.height, err) != 0 || field_hash(v, "bestblock", &s->tip.hash, err) != 0 ||
	    field_list(v, "unspents", BITCOIND_LIST_MAX, &list, err) != 0)
		return -1;
	s->n = json_array_size(list);
	if (!arena_room(a, (s->n + 1) * sizeof(*s->coins)))
		return REFUSE(err, "no room for %zu outputs", s->n);
	s->coins = ARENA_ARRAY(a, s->n, struct chain_coin);
	for (size_t i = 0; i < s->n; i++)
		if (unspent_read(a, json_array_get(list, i), &s->coins[i], err) != 0)
			return err_context(err, "output %zu", i);
	return 0;
}

int bitcoind_reply_scan_coins(struct arena *a, const struct jsonrpc_answer *answer, struct bitcoind_scan *ret,
			      struct err *err)
{
	struct bitcoind_scan s;
	const json_t *v;

	if (bitcoind_object(answer, &v, err) != 0 || scan_read(a, v, &s, err) != 0)
		return err_context(err, "scantxoutset");
	*ret = s;
	return 0;
}

static int blocks_read(struct arena *a, const json_t *v, struct bitcoind_blocks *b, struct err *err)
{
	const json_t *list;

	b->completed = true; /* told since 26 */
	if (field_u32(v, "from_height", &b->from, err) != 0 || field_u32(v, "to_height", &b->to, err) != 0 ||
	    (!field_is_absent(v, "completed") && field_bool(v, "completed", &b->completed, err) != 0) ||
	    field_list(v, "relevant_blocks", BITCOIND_LIST_MAX, &list, err) != 0)
		return -1;
	b->n = json_array_size(list);
	if (!arena_room(a, (b->n + 1) * sizeof(*b->hashes)))
		return REFUSE(err, "no room for %zu blocks", b->n);
	b->hashes = ARENA_ARRAY(a, b->n, struct block_hash);
	for (size_t i = 0; i < b->n; i++)
		if (value_hash(json_array_get(list, i), "relevant_blocks", &b->hashes[i], err) != 0)
			return -1;
	return 0;
}

int bitcoind_reply_scan_blocks(struct arena *a, const struct jsonrpc_answer *answer, struct bitcoind_blocks *ret,
			       struct err *err)
{
	struct bitcoind_blocks b;
	const json_t *v;

	if (bitcoind_is_error(answer, BITCOIND_RPC_MISC))
		return ERR(err, ERR_UNSUPPORTED, "the node has no block filters: %s", answer->error.message);
	if (bitcoind_object(answer, &v, err) != 0 || blocks_read(a, v, &b, err) != 0)
		return err_context(err, "scanblocks");
	*ret = b;
	return 0;
}
