/* Each question of chain/source.h, as bitcoind is asked it: the steps, the answers, and what is refused on the way.  The
 * nodes are scripted. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "tests/support/chain_world.h"
#include "tests/support/fake_bitcoind.h"
#include "tests/support/suite.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
/* Regtest's first block, and the transaction in it. */
#define GENESIS    "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
#define GENESIS_TX "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

static const char tx_hex[] =
	"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
	"696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f7574"
	"20666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea"
	"1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";
static const char header_hex[] =
	"0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81b"
	"c3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000";

static struct fake_bitcoind *node;
static struct txid txid_a, txid_g;
static struct block_hash hash_b, hash_g;
static struct outpoint points[3];

static void setup(void)
{
	chain_world_setup();
	node = fake_bitcoind_new(cw.loop);
	cw.backends[0].url = fake_bitcoind_url(node);
	cw.opts.n_backends = 1;
	chain_world_open();
	ck_assert(txid_parse(A, &txid_a) && txid_parse(GENESIS_TX, &txid_g));
	ck_assert(block_hash_parse(B, &hash_b) && block_hash_parse(GENESIS, &hash_g));
	for (uint32_t i = 0; i < 3; i++)
		points[i] = (struct outpoint){ txid_a, i };
}

static void teardown(void)
{
	chain_source_free(cw.source);
	cw.source = NULL;
	fake_bitcoind_free(node);
	chain_world_teardown();
}

#define ANSWERED(ask, look)                                                                                            \
	do {                                                                                                           \
		struct err e_ = chain_world_wait(ask, look);                                                           \
		ck_assert_msg(e_.code == ERR_NONE, "%s: %s", err_kind(e_.code), e_.msg);                               \
	} while (0)
#define FAILED(ask, expected)                                                                                          \
	do {                                                                                                           \
		struct err e_ = chain_world_wait(ask, NULL);                                                           \
		ck_assert_msg(e_.code == (expected), "%s: %s", err_kind(e_.code), e_.msg);                             \
	} while (0)

static const char *text(const char *fmt, ...) PRINTF_LIKE(1, 2);
static const char *text(const char *fmt, ...)
{
	va_list args;
	char *p;

	va_start(args, fmt);
	ck_assert_int_ge(vasprintf(&p, fmt, args), 0);
	va_end(args);
	arena_defer(&cw.arena, free, p);
	return p;
}

static void at_tip(unsigned height, const char *hash, bool downloading)
{
	fake_bitcoind_on(node, "getblockchaininfo",
			 text("{\"chain\":\"regtest\",\"blocks\":%u,\"headers\":%u,\"bestblockhash\":\"%s\","
			      "\"initialblockdownload\":%s,\"pruned\":false}",
			      height, height, hash, downloading ? "true" : "false"));
}

static void header(const char *hash, unsigned height, int confirmations)
{
	fake_bitcoind_on_params(node, "getblockheader", text("[\"%s\",true]", hash),
				text("{\"hash\":\"%s\",\"confirmations\":%d,\"height\":%u,\"time\":1700000000,"
				     "\"mediantime\":1699999000,\"previousblockhash\":\"" C "\"}",
				     hash, confirmations, height));
}

/* --- blocks --- */

static struct chain_ask *ask_tip(struct chain_then then)
{
	return chain_ask_tip(cw.source, then);
}

static void look_tip(const struct chain_answer *got)
{
	ck_assert(got->backend == 0 && got->header.ref.height == 7 && got->header.time_s == 1700000000);
	ck_assert(block_hash_equal(&got->header.ref.hash, &hash_b) && got->header.prev.b[0] == 0xcc);
}

START_TEST(the_tip)
{
	struct block_ref tip;
	int64_t age;

	ck_assert(!chain_last_tip(cw.source, &tip, &age));
	at_tip(7, B, false);
	header(B, 7, 1);
	ANSWERED(ask_tip, look_tip);
	ck_assert(chain_last_tip(cw.source, &tip, &age) && tip.height == 7 && age >= 0 && age < 5000);
	ck_assert_int_lt(chain_stale_s(cw.source), 5);
	/* A node that contradicts itself is not believed. */
	at_tip(8, B, false);
	FAILED(ask_tip, ERR_PEER_INVALID);
	at_tip(7, B, false);
	fake_bitcoind_error(node, "getblockheader", -5, "Block not found");
	FAILED(ask_tip, ERR_PEER_INVALID);
	ck_assert(chain_last_tip(cw.source, &tip, &age) && tip.height == 7);
}
END_TEST

static struct chain_ask *ask_ref(struct chain_then then)
{
	return chain_ask_ref(cw.source, 7, then);
}

static void look_ref(const struct chain_answer *got)
{
	ck_assert(got->found && got->ref.height == 7 && block_hash_equal(&got->ref.hash, &hash_b));
}

static void look_not_found(const struct chain_answer *got)
{
	ck_assert(!got->found);
}

START_TEST(a_block_by_height)
{
	fake_bitcoind_on_params(node, "getblockhash", "[7]", "\"" B "\"");
	ANSWERED(ask_ref, look_ref);
	fake_bitcoind_error(node, "getblockhash", -8, "Block height out of range");
	ANSWERED(ask_ref, look_not_found);
}
END_TEST

static struct chain_ask *ask_header(struct chain_then then)
{
	return chain_ask_header(cw.source, &hash_b, then);
}

static void look_orphan(const struct chain_answer *got)
{
	ck_assert(got->found && !got->header.in_best_chain && got->header.ref.height == 7);
}

START_TEST(a_header)
{
	header(B, 7, -1);
	ANSWERED(ask_header, look_orphan);
	fake_bitcoind_error(node, "getblockheader", -5, "Block not found");
	ANSWERED(ask_header, look_not_found);
}
END_TEST

static struct chain_ask *ask_block(struct chain_then then)
{
	return chain_ask_block(cw.source, &hash_g, then);
}

static void look_block(const struct chain_answer *got)
{
	struct block_tx tx;

	ck_assert(got->found && got->block.n_txs == 1);
	block_tx(&got->block, 0, &tx);
	ck_assert(txid_equal(&tx.txid, &txid_g));
}

START_TEST(a_block)
{
	fake_bitcoind_on(node, "getblock", text("\"%s01%s\"", header_hex, tx_hex));
	ANSWERED(ask_block, look_block);
	ck_assert_str_eq(fake_bitcoind_params(node, "getblock"), "[\"" GENESIS "\",0]");
	/* A lie: the same header over another transaction. */
	fake_bitcoind_on(node, "getblock", text("\"%s01%.*s01\"", header_hex, (int)strlen(tx_hex) - 2, tx_hex));
	FAILED(ask_block, ERR_PEER_INVALID);
	fake_bitcoind_error(node, "getblock", -5, "Block not found");
	ANSWERED(ask_block, look_not_found);
	fake_bitcoind_error(node, "getblock", -1, "Block not available (pruned data)");
	FAILED(ask_block, ERR_UNSUPPORTED);
}
END_TEST

static struct chain_ask *ask_new_block(struct chain_then then)
{
	return chain_ask_new_block(cw.source, 3600000, then);
}

static struct chain_ask *ask_filter(struct chain_then then)
{
	return chain_ask_filter(cw.source, &hash_g, then);
}

static void look_filter(const struct chain_answer *got)
{
	ck_assert(got->found && got->filter.n == 4);
}

START_TEST(new_blocks_and_filters)
{
	fake_bitcoind_on(node, "waitfornewblock", "{\"hash\":\"" B "\",\"height\":7}");
	ANSWERED(ask_new_block, NULL);
	ck_assert_str_eq(fake_bitcoind_params(node, "waitfornewblock"), "[60000]");
	fake_bitcoind_on(node, "getblockfilter", "{\"filter\":\"019dfca8\",\"header\":\"" C "\"}");
	ANSWERED(ask_filter, look_filter);
	fake_bitcoind_error(node, "getblockfilter", -1, "Index is not enabled for filtertype basic");
	FAILED(ask_filter, ERR_UNSUPPORTED);
}
END_TEST

/* --- the status of a transaction --- */

static uint32_t n_out;
static struct chain_tx_status status;

static struct chain_ask *ask_status(struct chain_then then)
{
	return chain_ask_status(cw.source, &txid_a, n_out, then);
}

static void look_status(const struct chain_answer *got)
{
	status = got->status;
}

static enum chain_place place(void)
{
	ANSWERED(ask_status, look_status);
	return status.place;
}

#define IN_BLOCK "{\"txid\":\"" A "\",\"hex\":\"00\",\"blockhash\":\"" B "\",\"confirmations\":1}"

START_TEST(status_with_an_index)
{
	fake_bitcoind_error(node, "getrawtransaction", -5, "No such mempool or blockchain transaction");
	ck_assert_int_eq(place(), CHAIN_NOT_FOUND);
	fake_bitcoind_on(node, "getrawtransaction", "{\"txid\":\"" A "\",\"hex\":\"00\"}");
	ck_assert_int_eq(place(), CHAIN_MEMPOOL);
	fake_bitcoind_on(node, "getrawtransaction", IN_BLOCK);
	header(B, 5, 3);
	ck_assert_int_eq(place(), CHAIN_CONFIRMED);
	ck_assert(status.block.height == 5 && block_hash_equal(&status.block.hash, &hash_b));
	/* its block is no longer in the chain. */
	header(B, 5, -1);
	fake_bitcoind_error(node, "getmempoolentry", -5, "Transaction not in mempool");
	ck_assert_int_eq(place(), CHAIN_NOT_FOUND);
	fake_bitcoind_on(node, "getmempoolentry",
			 "{\"vsize\":1,\"weight\":4,\"ancestorcount\":1,\"ancestorsize\":1,\"fees\":{\"base\":0,"
			 "\"ancestor\":0},\"depends\":[]}");
	ck_assert_int_eq(place(), CHAIN_MEMPOOL);
}
END_TEST

static void coin(unsigned vout, bool mempool, const char *result)
{
	fake_bitcoind_on_params(node, "gettxout", text("[\"" A "\",%u,%s]", vout, mempool ? "true" : "false"), result);
}

#define COIN(best, conf)                                                                                               \
	"{\"bestblock\":\"" best "\",\"confirmations\":" conf ",\"value\":0.5,\"scriptPubKey\":{\"hex\":\"51\"},"      \
	"\"coinbase\":true}"

START_TEST(status_without_an_index)
{
	fake_bitcoind_on(node, "getindexinfo", "{}");
	fake_bitcoind_error(node, "getrawtransaction", -5, "No such mempool transaction. Use -txindex");
	fake_bitcoind_on(node, "gettxout", "null");
	at_tip(7, C, false);
	n_out = 0;
	ck_assert_int_eq(place(), CHAIN_NOT_FOUND);
	ck_assert_uint_eq(fake_bitcoind_calls(node, "gettxout"), 0);
	n_out = 3;
	ck_assert_int_eq(place(), CHAIN_NOT_FOUND);
	ck_assert_uint_eq(fake_bitcoind_calls(node, "gettxout"), 3);
	coin(2, false, COIN(C, "3"));
	fake_bitcoind_on_params(node, "getblockhash", "[5]", "\"" B "\"");
	ck_assert_int_eq(place(), CHAIN_CONFIRMED);
	ck_assert(status.block.height == 5 && block_hash_equal(&status.block.hash, &hash_b));
	/* A tip that never is the one that came with it. */
	coin(2, false, COIN(D, "3"));
	FAILED(ask_status, ERR_BUSY);
	/* Confirmations from before the first block. */
	coin(2, false, COIN(C, "9"));
	FAILED(ask_status, ERR_BUSY);
}
END_TEST

/* From a node that has not caught up, an absence is no answer; what is there, is. */
START_TEST(absence_before_the_node_has_caught_up)
{
	fake_bitcoind_error(node, "getrawtransaction", -5, "No such mempool or blockchain transaction");
	at_tip(7, C, true);
	FAILED(ask_status, ERR_PEER_BUSY);
	at_tip(7, C, false);
	ck_assert_int_eq(place(), CHAIN_NOT_FOUND);
	fake_bitcoind_on(node, "getmempoolinfo",
			 "{\"loaded\":false,\"size\":0,\"bytes\":0,\"maxmempool\":1,\"mempoolminfee\":0.00001,"
			 "\"minrelaytxfee\":0.00001,\"incrementalrelayfee\":0.00001}");
	FAILED(ask_status, ERR_PEER_BUSY);
	fake_bitcoind_on(node, "getrawtransaction", "{\"txid\":\"" A "\",\"hex\":\"00\"}");
	ck_assert_int_eq(place(), CHAIN_MEMPOOL);
}
END_TEST

/* --- transactions and outputs --- */

static struct chain_ask *ask_tx(struct chain_then then)
{
	return chain_ask_tx(cw.source, &txid_g, &hash_g, then);
}

static void look_tx(const struct chain_answer *got)
{
	ck_assert(got->found && got->tx.n_out == 1 && sat_value(got->tx.out[0].value) == 5000000000);
}

START_TEST(a_transaction)
{
	fake_bitcoind_on(node, "getrawtransaction", text("\"%s\"", tx_hex));
	ANSWERED(ask_tx, look_tx);
	ck_assert_str_eq(fake_bitcoind_params(node, "getrawtransaction"), "[\"" GENESIS_TX "\",false,\"" GENESIS "\"]");
	fake_bitcoind_on(node, "getrawtransaction", text("\"%.*s01\"", (int)strlen(tx_hex) - 2, tx_hex));
	FAILED(ask_tx, ERR_PEER_INVALID);
	fake_bitcoind_error(node, "getrawtransaction", -5, "No such transaction found in the provided block");
	ANSWERED(ask_tx, look_not_found);
}
END_TEST

static struct chain_ask *ask_coin(struct chain_then then)
{
	return chain_ask_coin(cw.source, &points[1], then);
}

static void look_coin(const struct chain_answer *got)
{
	ck_assert(got->found && got->coin.coinbase && got->coin.height == 5);
	ck_assert(sat_value(got->coin.value) == 50000000 && got->coin.script.n == 1 && got->coin.at.vout == 1);
}

START_TEST(a_coin)
{
	at_tip(7, C, false);
	coin(1, false, COIN(C, "3"));
	ANSWERED(ask_coin, look_coin);
	coin(1, false, "null");
	ANSWERED(ask_coin, look_not_found);
	coin(1, false, COIN(D, "3"));
	FAILED(ask_coin, ERR_BUSY);
}
END_TEST

static uint32_t scan_from;
static struct chain_spend spends[3];

static struct chain_ask *ask_spends(struct chain_then then)
{
	return chain_ask_spends(cw.source, points, 3, scan_from, then);
}

static void look_spends(const struct chain_answer *got)
{
	memcpy(spends, got->spends, sizeof(spends));
}

static void mempool_spends(const char *second)
{
	fake_bitcoind_on(node, "gettxspendingprevout",
			 text("[{\"txid\":\"" A "\",\"vout\":0},{\"txid\":\"" A "\",\"vout\":1%s},{\"txid\":\"" A
			      "\",\"vout\":2}]",
			      second));
}

START_TEST(spends_without_a_scan)
{
	fake_bitcoind_on(node, "gettxout", "null");
	coin(0, true, COIN(C, "0"));
	mempool_spends(",\"spendingtxid\":\"" D "\"");
	scan_from = UINT32_MAX;
	ANSWERED(ask_spends, look_spends);
	ck_assert_int_eq(spends[0].state, CHAIN_UNSPENT);
	ck_assert(spends[1].state == CHAIN_SPENT_MEMPOOL && spends[1].spender.b[0] == 0xdd);
	ck_assert_int_eq(spends[2].state, CHAIN_SPENT_UNSEEN);
	ck_assert_uint_eq(fake_bitcoind_calls(node, "getblockhash"), 1); /* the first block's alone */
	at_tip(7, C, true);
	FAILED(ask_spends, ERR_PEER_BUSY);
}
END_TEST

/* A block with one transaction that spends points[2] (or points[1] too), on top of prev. */
static struct block_hash mine(unsigned height, const struct block_hash *prev, bool spend)
{
	struct tx_in in = { .prevout = spend ? points[2] : points[0], .sequence = height };
	struct tx_out out = { .script = bytes_of("Q") };
	struct tx tx = { .version = 2, .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
	uint8_t raw[80 + 1 + 200] = { 1 };
	struct bytes body = tx_bytes(&cw.arena, &tx);
	struct txid root = tx_txid(&tx);
	struct block_hash hash;
	char shown[TXID_TEXT];
	struct hash32 h;

	memcpy(raw + 4, prev->b, 32);
	memcpy(raw + 36, root.b, 32);
	raw[80] = 1;
	memcpy(raw + 81, body.p, body.n);
	sha256_twice((struct bytes){ raw, 80 }, &h);
	memcpy(hash.b, h.b, sizeof(hash.b));
	block_hash_text(&hash, shown);
	fake_bitcoind_on_params(node, "getblockhash", text("[%u]", height), text("\"%s\"", shown));
	fake_bitcoind_on_params(node, "getblock", text("[\"%s\",0]", shown),
				text("\"%s\"", hex_text(&cw.arena, (struct bytes){ raw, 81 + body.n })));
	return hash;
}

START_TEST(spends_with_a_scan)
{
	struct block_hash h5, h6, h7;

	fake_bitcoind_on(node, "gettxout", "null");
	coin(0, true, COIN(C, "0"));
	coin(1, true, COIN(C, "0"));
	mempool_spends("");
	fake_bitcoind_error(node, "getblockhash", -8, "Block height out of range");
	fake_bitcoind_on_params(node, "getblockhash", "[0]", "\"" GENESIS "\"");
	h5 = mine(5, &hash_b, false);
	h6 = mine(6, &h5, false);
	scan_from = 5;
	ANSWERED(ask_spends, look_spends);
	ck_assert_int_eq(spends[2].state, CHAIN_SPENT_UNSEEN);
	h7 = mine(7, &h6, true);
	ANSWERED(ask_spends, look_spends);
	ck_assert(spends[2].state == CHAIN_SPENT_MINED && spends[2].block.height == 7 &&
		  block_hash_equal(&spends[2].block.hash, &h7));
	ck_assert_int_eq(spends[1].state, CHAIN_UNSPENT);
	/* Blocks that do not stand on one another: it starts again, but not for ever. */
	mine(6, &hash_b, false);
	FAILED(ask_spends, ERR_BUSY);
}
END_TEST

static struct chain_ask *ask_entry(struct chain_then then)
{
	return chain_ask_entry(cw.source, &txid_a, then);
}

static void look_entry(const struct chain_answer *got)
{
	ck_assert(got->found && got->entry.n_parents == 1 && sat_value(got->entry.fee) == 1000);
}

static struct chain_ask *ask_mempool(struct chain_then then)
{
	return chain_ask_mempool(cw.source, then);
}

static void look_mempool(const struct chain_answer *got)
{
	ck_assert(got->mempool.n == 2 && got->mempool.txids[1].b[0] == 0xdd);
}

START_TEST(the_mempool)
{
	fake_bitcoind_on(node, "getmempoolentry",
			 "{\"vsize\":153,\"weight\":609,\"ancestorcount\":2,\"ancestorsize\":277,\"fees\":{\"base\":"
			 "0.00001,\"ancestor\":0.00001},\"depends\":[\"" B "\"]}");
	ANSWERED(ask_entry, look_entry);
	fake_bitcoind_error(node, "getmempoolentry", -5, "Transaction not in mempool");
	ANSWERED(ask_entry, look_not_found);
	fake_bitcoind_on(node, "getrawmempool", "{\"txids\":[\"" A "\",\"" D "\"],\"mempool_sequence\":3}");
	ANSWERED(ask_mempool, look_mempool);
}
END_TEST

/* --- sending --- */

static struct tx *our_tx(void)
{
	struct tx *tx = ARENA_NEW(&cw.arena, struct tx);
	struct bytes raw;
	struct err err;

	ck_assert(hex_decode_any(&cw.arena, tx_hex, 1000, &raw));
	ck_assert_int_eq(tx_decode(&cw.arena, raw, tx, &err), 0);
	return tx;
}

static enum broadcast_class sent;

static struct chain_ask *ask_broadcast(struct chain_then then)
{
	return chain_ask_broadcast(cw.source, our_tx(), then);
}

static void look_sent(const struct chain_answer *got)
{
	sent = got->broadcast.class;
	ck_assert_ptr_nonnull(got->broadcast.words);
}

START_TEST(broadcasting)
{
	fake_bitcoind_on(node, "sendrawtransaction", "\"" GENESIS_TX "\"");
	ANSWERED(ask_broadcast, look_sent);
	ck_assert_int_eq(sent, BROADCAST_OK);
	ck_assert_str_eq(fake_bitcoind_params(node, "sendrawtransaction"), text("[\"%s\"]", tx_hex));
	fake_bitcoind_on(node, "sendrawtransaction", "\"" A "\"");
	ANSWERED(ask_broadcast, look_sent);
	ck_assert_int_eq(sent, BROADCAST_UNKNOWN);
	fake_bitcoind_error(node, "sendrawtransaction", -26, "min relay fee not met, 1 < 2");
	ANSWERED(ask_broadcast, look_sent);
	ck_assert_int_eq(sent, BROADCAST_FEE_TOO_LOW);
	fake_bitcoind_error(node, "sendrawtransaction", -25, "bad-txns-inputs-missingorspent");
	ANSWERED(ask_broadcast, look_sent);
	ck_assert_int_eq(sent, BROADCAST_INPUTS_GONE);
	at_tip(7, C, true);
	FAILED(ask_broadcast, ERR_PEER_BUSY);
}
END_TEST

static enum package_class submitted;

static struct chain_ask *ask_package(struct chain_then then)
{
	const struct tx *txs[1] = { our_tx() };

	return chain_ask_package(cw.source, txs, 1, then);
}

static void look_package(const struct chain_answer *got)
{
	submitted = got->package.class;
	ck_assert(got->package.n == 1 && txid_equal(&got->package.txs[0].txid, &txid_g));
}

static struct chain_ask *ask_test(struct chain_then then)
{
	const struct tx *txs[1] = { our_tx() };

	return chain_ask_test(cw.source, txs, 1, then);
}

static void look_test(const struct chain_answer *got)
{
	ck_assert_str_eq(got->tests[0].reason, "coinbase");
}

START_TEST(packages)
{
	fake_bitcoind_on(node, "submitpackage",
			 "{\"package_msg\":\"success\",\"tx-results\":{\"" A "\":{\"txid\":\"" GENESIS_TX
			 "\",\"vsize\":100,\"fees\":{\"base\":0.00001}}},\"replaced-transactions\":[]}");
	ANSWERED(ask_package, look_package);
	ck_assert_int_eq(submitted, PACKAGE_OK);
	fake_bitcoind_on(node, "submitpackage",
			 "{\"package_msg\":\"package-not-child-with-unconfirmed-parents\",\"tx-results\":{}}");
	ANSWERED(ask_package, look_package);
	ck_assert_int_eq(submitted, PACKAGE_TOPOLOGY);
	fake_bitcoind_error(node, "submitpackage", -32601, "Method not found");
	ANSWERED(ask_package, look_package);
	ck_assert_int_eq(submitted, PACKAGE_UNSUPPORTED);
	fake_bitcoind_on(node, "testmempoolaccept",
			 "[{\"txid\":\"" GENESIS_TX "\",\"allowed\":false,\"reject-reason\":\"coinbase\"}]");
	ANSWERED(ask_test, look_test);
}
END_TEST

/* --- fees and limits --- */

static struct fee_rates rates;

static struct chain_ask *ask_fees(struct chain_then then)
{
	return chain_ask_fees(cw.source, then);
}

static void look_rates(const struct chain_answer *got)
{
	rates = got->rates;
}

START_TEST(fees)
{
	struct feerate fallback;

	ck_assert(feerate_from_sat_per_kwu(FEES_FALLBACK_OTHER, &fallback));
	fake_bitcoind_on(node, "estimatesmartfee",
			 "{\"errors\":[\"Insufficient data or no feerate found\"],\"blocks\":1}");
	FAILED(ask_fees, ERR_PEER_DOWN);
	chain_source_free(cw.source);
	cw.opts.fee_fallback = &fallback;
	chain_world_open();
	ANSWERED(ask_fees, look_rates);
	ck_assert(rates.is_fallback && feerate_sat_per_kwu(rates.rate[FEE_FAST]) == 250);
	fake_bitcoind_on_params(node, "estimatesmartfee", "[1,\"economical\"]",
				"{\"feerate\":0.00010000,\"blocks\":2}");
	fake_bitcoind_on_params(node, "estimatesmartfee", "[6,\"economical\"]",
				"{\"feerate\":0.00000100,\"blocks\":6}");
	ANSWERED(ask_fees, look_rates);
	ck_assert(!rates.is_fallback && feerate_sat_per_kwu(rates.rate[FEE_FAST]) == 2500);
	ck_assert_uint_eq(feerate_sat_per_kwu(rates.rate[FEE_REGULAR]), 2500);
	ck_assert_uint_eq(feerate_sat_per_kwu(rates.rate[FEE_SLOW]), 250); /* what the mempool wants */
	/* Fresh ones are not asked for again. */
	ANSWERED(ask_fees, look_rates);
	ck_assert_uint_eq(fake_bitcoind_calls(node, "estimatesmartfee"), 9);
}
END_TEST

static struct chain_limits limits;

static struct chain_ask *ask_limits(struct chain_then then)
{
	return chain_ask_limits(cw.source, then);
}

static void look_limits(const struct chain_answer *got)
{
	limits = got->limits;
}

static void software(const char *version, const char *name)
{
	fake_bitcoind_on(node, "getnetworkinfo",
			 text("{\"version\":%s,\"subversion\":\"%s\",\"localrelay\":false,\"relayfee\":0.00001000,"
			      "\"incrementalfee\":0.00002000}",
			      version, name));
}

static void mempool(const char *truc)
{
	fake_bitcoind_on(node, "getmempoolinfo",
			 text("{\"loaded\":true,\"size\":0,\"bytes\":0,\"maxmempool\":5000000,\"mempoolminfee\":"
			      "0.00003,\"minrelaytxfee\":0.00001,\"incrementalrelayfee\":0.00001%s}",
			      truc));
}

START_TEST(limits_and_capabilities)
{
	struct chain_stats st;

	ANSWERED(ask_limits, look_limits);
	ck_assert(limits.packages && limits.mempool_loaded && sat_value(limits.package_surcharge) == 0);
	ck_assert_uint_eq(feerate_sat_per_kwu(limits.min_relay), 250);
	software("280100", "/Satoshi:28.1.0/");
	mempool("");
	ANSWERED(ask_limits, look_limits);
	ck_assert(!limits.packages && strstr(limits.why_not, "28.1") != NULL);
	ck_assert_uint_eq(feerate_sat_per_kwu(limits.mempool_min), 750);
	ck_assert_uint_eq(feerate_sat_per_kwu(limits.incremental), 500);
	software("290403", "/Satoshi:29.4.3/Knots:20260508/");
	mempool(",\"truc_policy\":\"accept\"");
	ANSWERED(ask_limits, look_limits);
	ck_assert(!limits.packages && strstr(limits.why_not, "-mempooltruc=enforce") != NULL);
	ck_assert_uint_eq(sat_value(limits.package_surcharge), 240);
	mempool(",\"truc_policy\":\"enforce\"");
	chain_source_free(cw.source);
	chain_world_open();
	ANSWERED(ask_limits, look_limits);
	ck_assert(limits.packages && limits.why_not[0] == '\0');
	chain_stats(cw.source, 0, &st);
	ck_assert(st.verified && st.state == CHAIN_READY && st.has_txindex && !st.has_filters && !st.pruned);
	ck_assert_str_eq(st.software, "/Satoshi:29.4.3/Knots:20260508/");
	ck_assert(st.warnings[0] != NULL && st.warnings[1] != NULL && st.warnings[2] == NULL);
}
END_TEST

/* --- scans, and what bitcoind cannot --- */

static struct chain_ask *ask_scan_coins(struct chain_then then)
{
	struct bitcoind_descriptor d = { "raw(51)", 0 };

	return chain_ask_scan_coins(cw.source, &d, 1, then);
}

static void look_scan(const struct chain_answer *got)
{
	ck_assert(got->scan.n == 0 && got->scan.tip.height == 7);
}

static struct chain_ask *ask_scan_blocks(struct chain_then then)
{
	struct bitcoind_descriptor d = { "tr(x)", 50 };

	return chain_ask_scan_blocks(cw.source, &d, 1, 3, 9, then);
}

static void look_blocks(const struct chain_answer *got)
{
	ck_assert(got->blocks.n == 1 && got->blocks.completed);
}

static struct chain_ask *ask_history(struct chain_then then)
{
	return chain_ask_history(cw.source, bytes_of("Q"), NULL, 0, then);
}

static struct chain_ask *ask_script_stats(struct chain_then then)
{
	return chain_ask_script_stats(cw.source, bytes_of("Q"), then);
}

START_TEST(scans)
{
	struct chain_stats st;

	fake_bitcoind_on(node, "scantxoutset",
			 "{\"success\":true,\"height\":7,\"bestblock\":\"" B "\",\"unspents\":[]}");
	ANSWERED(ask_scan_coins, look_scan);
	fake_bitcoind_error(node, "scantxoutset", -8, "Scan already in progress");
	FAILED(ask_scan_coins, ERR_PEER);
	fake_bitcoind_on(node, "scanblocks",
			 "{\"from_height\":3,\"to_height\":9,\"relevant_blocks\":[\"" B "\"],\"completed\":true}");
	ANSWERED(ask_scan_blocks, look_blocks);
	ck_assert_str_eq(fake_bitcoind_params(node, "scanblocks"),
			 "[\"start\",[{\"desc\":\"tr(x)\",\"range\":50}],3,9]");
	FAILED(ask_history, ERR_UNSUPPORTED);
	FAILED(ask_script_stats, ERR_UNSUPPORTED);
	chain_stats(cw.source, 0, &st);
	ck_assert(st.failed == 0 && st.state == CHAIN_READY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain/source: bitcoind");
	TCase *t = tcase_create("questions");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_tip);
	tcase_add_test(t, a_block_by_height);
	tcase_add_test(t, a_header);
	tcase_add_test(t, a_block);
	tcase_add_test(t, new_blocks_and_filters);
	tcase_add_test(t, status_with_an_index);
	tcase_add_test(t, status_without_an_index);
	tcase_add_test(t, absence_before_the_node_has_caught_up);
	tcase_add_test(t, a_transaction);
	tcase_add_test(t, a_coin);
	tcase_add_test(t, spends_without_a_scan);
	tcase_add_test(t, spends_with_a_scan);
	tcase_add_test(t, the_mempool);
	tcase_add_test(t, broadcasting);
	tcase_add_test(t, packages);
	tcase_add_test(t, fees);
	tcase_add_test(t, limits_and_capabilities);
	tcase_add_test(t, scans);
	suite_add_tcase(s, t);
	return suite_run(s);
}
