/* A reply from a bitcoind, which may send anything: the first byte chooses who reads the results, the second how many calls
 * were made and the HTTP status, the rest is the body.  A reader answers with what it was asked for, or with an error of its
 * contract. */
#include <stdlib.h>
#include <string.h>

#include "rails/chain/bitcoind_coins.h"
#include "rails/chain/bitcoind_reply.h"
#include "rails/chain/block.h"
#include "rails/chain/broadcast.h"
#include "rails/chain/capability.h"
#include "rails/chain/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What is asked about, so that a mutant of the corpus gets past that check. */
static struct txid txid;
static struct block_hash hash;

static void read_node(struct arena *a, const struct jsonrpc_answer *answer, struct err *err)
{
	static struct bitcoind_network net = { .subversion = "" };
	struct bitcoind_mempool mempool;
	struct chain_limits limits;
	struct bitcoind_indexes x;
	struct bitcoind_chain c;

	(void)a;
	if (bitcoind_reply_network_info(answer, &net, err) == 0)
		must(strlen(net.subversion) <= 256);
	net.subversion = "/Knots/";
	if (bitcoind_reply_mempool_info(answer, &mempool, err) == 0) {
		capability_limits(&net, &mempool, &limits);
		must(feerate_cmp(limits.mempool_min, limits.min_relay) >= 0);
		must(limits.packages == (limits.why_not[0] == '\0'));
	}
	if (bitcoind_reply_chain_info(answer, &c, err) == 0)
		must(!c.known || c.network <= NETWORK_REGTEST);
	(void)!bitcoind_reply_index_info(answer, &x, err);
}

static void read_blocks(struct arena *a, const struct jsonrpc_answer *answer, struct err *err)
{
	struct chain_header h;
	struct block_hash told;
	struct block_ref ref;
	struct bytes filter;
	uint32_t count;
	bool found;

	(void)!bitcoind_reply_block_count(answer, &count, err);
	(void)!bitcoind_reply_block_hash(answer, &found, &told, err);
	(void)!bitcoind_reply_new_block(answer, &ref, err);
	if (bitcoind_reply_header(answer, &hash, &found, &h, err) == 0 && found)
		must(block_hash_equal(&h.ref.hash, &hash) && h.time_s >= 0);
	if (bitcoind_reply_filter(a, answer, &found, &filter, err) == 0 && found)
		must(filter.n <= BITCOIND_FILTER_MAX);
}

static void read_txs(struct arena *a, const struct jsonrpc_answer *answer, struct err *err)
{
	struct bitcoind_test test;
	struct block_hash in;
	bool found, in_block;
	struct txid told;
	struct tx tx;

	(void)!bitcoind_reply_tx_place(answer, &txid, &found, &in_block, &in, err);
	if (bitcoind_reply_raw_tx(a, answer, &txid, &found, &tx, err) == 0 && found) {
		told = tx_txid(&tx);
		must(txid_equal(&told, &txid));
	}
	if (bitcoind_reply_test(answer, &txid, 1, &test, err) == 0)
		must(test.reason != NULL && sat_is_money(test.fee));
}

static void read_coins(struct arena *a, const struct jsonrpc_answer *answer, struct err *err)
{
	struct outpoint at = { .txid = txid, .vout = 1 };
	struct chain_mempool_entry e;
	struct chain_spend spend;
	struct bitcoind_coin c;
	struct txid *txids;
	bool found;
	size_t n;

	if (bitcoind_reply_coin(a, answer, &found, &c, err) == 0 && found)
		must(sat_is_money(c.value) && c.script.n <= TX_SIZE_MAX);
	if (bitcoind_reply_mempool_spends(answer, &at, 1, &spend, err) == 0)
		must(spend.state == CHAIN_UNSPENT || spend.state == CHAIN_SPENT_MEMPOOL);
	if (bitcoind_reply_mempool_entry(a, answer, &found, &e, err) == 0 && found)
		must(e.n_parents <= CHAIN_PARENTS_MAX && sat_is_money(e.fee) && sat_is_money(e.ancestor_fee));
	if (bitcoind_reply_mempool_txids(a, answer, &txids, &n, err) == 0)
		must(n <= BITCOIND_LIST_MAX);
}

static void read_scans(struct arena *a, const struct jsonrpc_answer *answer, struct err *err)
{
	struct bitcoind_blocks b;
	struct bitcoind_scan s;
	struct feerate rate;
	bool has;

	if (bitcoind_reply_fee(answer, &has, &rate, err) == 0 && has)
		must(feerate_sat_per_kwu(rate) <= FEERATE_MAX);
	if (bitcoind_reply_scan_coins(a, answer, &s, err) == 0)
		for (size_t i = 0; i < s.n; i++)
			must(sat_is_money(s.coins[i].value));
	if (bitcoind_reply_scan_blocks(a, answer, &b, err) == 0)
		must(b.n <= BITCOIND_LIST_MAX);
}

static void read_sent(struct arena *a, const struct jsonrpc_answer *answer, struct err *err)
{
	struct txid two[2] = { txid, { { 0x5a } } };
	struct package_result p;
	struct sat wanted;

	must(strcmp(broadcast_class_name(broadcast_class_of_answer(answer, &txid)), "unknown") != 0);
	if (answer->result == NULL && broadcast_fee_wanted(answer->error.message, &wanted))
		must(sat_is_money(wanted) || sat_value(wanted) <= AMOUNT_MAX);
	if (package_of_answer(a, answer, two, 2, &p, err) != 0)
		return;
	must(p.n == 2 && p.culprit <= 2 && p.words != NULL && p.class >= PACKAGE_OK && p.class <= PACKAGE_UNKNOWN);
	for (size_t i = 0; i < 2; i++)
		must(p.txs[i].error != NULL && (p.class != PACKAGE_OK || p.txs[i].error[0] == '\0'));
}

static void (*const readers[])(struct arena *a, const struct jsonrpc_answer *answer, struct err *err) = {
	read_node, read_blocks, read_txs, read_coins, read_scans, read_sent,
};

static void check_error(const struct err *err)
{
	must(err->code == ERR_NONE || err->code == ERR_PEER_INVALID || err->code == ERR_PEER ||
	     err->code == ERR_UNSUPPORTED);
}

static void read_block(const struct net_reply *rep)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(32 * 1024 * 1024);
	struct bytes raw;
	struct block b;
	struct err err;
	bool found;

	if (bitcoind_block_bytes(&a, rep, &found, &raw, &err) != 0)
		must(err.code != ERR_NONE && err.code != ERR_INTERNAL);
	else if (found)
		must(raw.n <= BLOCK_SIZE_MAX && block_read(&a, raw, &hash, &b, &err) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 500, 404, 400 };
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024 * 1024);
	struct net_reply rep = { .outcome = NET_ANSWERED, .content_type = "application/json" };
	struct jsonrpc_reply reply;
	struct err err;
	size_t n;

	if (size < 2)
		return 0;
	must(txid_parse("3c0e6068aef095d5198f568fe64be7bdb1032eefda333c72f550594b9e96890a", &txid));
	must(block_hash_parse("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", &hash));
	n = 1 + data[1] % 4;
	rep.status = statuses[data[1] / 4 % ARRAY_LEN(statuses)];
	rep.body = (struct bytes){ data + 2, size - 2 };
	read_block(&rep);
	if (bitcoind_judge(&a, &rep, n, &reply, &err) != 0) {
		must(err.code == ERR_PEER_DOWN || err.code == ERR_PEER_BUSY || err.code == ERR_PEER_INVALID);
		return 0;
	}
	must(reply.n == n);
	for (size_t i = 0; i < n; i++) {
		err_clear(&err);
		readers[data[0] % ARRAY_LEN(readers)](&a, &reply.answers[i], &err);
		check_error(&err);
	}
	return 0;
}
