/* Each question of chain/source.h, as an Esplora server is asked it: the steps, the answers, and what is refused on the way.
 * The server is scripted. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/chain_world.h"
#include "tests/support/http_peer.h"
#include "tests/support/suite.h"

#define A          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B          "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C          "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D          "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define GENESIS    "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
#define GENESIS_TX "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
#define SCRIPT     "/scripthash/4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260"

static const char tx_hex[] =
	"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
	"696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f7574"
	"20666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea"
	"1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";

static struct http_peer *server;
static struct txid txid_a, txid_g;
static struct block_hash hash_b, hash_g;
static struct outpoint points[2];

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

static void on(const char *path, int status, const char *body)
{
	http_peer_on(server,
		     &(struct peer_script){ .path = text("/api%s", path), .status = status, .body = text("%s", body) });
}

static unsigned asked(const char *path)
{
	return http_peer_requests(server, text("/api%s", path));
}

static void setup(void)
{
	chain_world_setup();
	server = http_peer_new(cw.loop, NULL);
	cw.opts.kind = CHAIN_ESPLORA;
	cw.opts.n_backends = 1;
	cw.backends[0].url = text("%s", http_peer_url(server, "/api"));
	chain_world_open();
	on("/block-height/0", 200, GENESIS);
	on("/txs/package", 400, "Array must contain between 1 and 25 transactions.");
	ck_assert(txid_parse(A, &txid_a) && txid_parse(GENESIS_TX, &txid_g));
	ck_assert(block_hash_parse(B, &hash_b) && block_hash_parse(GENESIS, &hash_g));
	points[0] = (struct outpoint){ txid_a, 0 };
	points[1] = (struct outpoint){ txid_a, 1 };
}

static void teardown(void)
{
	chain_source_free(cw.source);
	cw.source = NULL;
	http_peer_free(server);
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

static void on_bytes(const char *path, struct bytes v)
{
	http_peer_on(server,
		     &(struct peer_script){ .path = text("/api%s", path), .body = (const char *)v.p, .body_n = v.n });
}

#define HEADER(height)                                                                                                 \
	"{\"id\":\"" B "\",\"height\":" height ",\"timestamp\":1700000000,\"mediantime\":1699999000,"                  \
	"\"previousblockhash\":\"" C "\"}"

/* --- blocks --- */

static struct chain_ask *ask_tip(struct chain_then then)
{
	return chain_ask_tip(cw.source, then);
}

static void look_tip(const struct chain_answer *got)
{
	ck_assert(got->header.ref.height == 7 && block_hash_equal(&got->header.ref.hash, &hash_b));
	ck_assert(got->header.in_best_chain && got->header.prev.b[0] == 0xcc);
}

START_TEST(the_tip)
{
	struct block_ref tip;
	int64_t age;

	on("/blocks/tip/hash", 200, B);
	on("/block/" B, 200, HEADER("7"));
	ANSWERED(ask_tip, look_tip);
	ck_assert(chain_last_tip(cw.source, &tip, &age) && tip.height == 7);
	ck_assert_uint_eq(asked("/block-height/0"), 1);
	/* A tip that is never there when it is asked for. */
	on("/block/" B, 404, "Block not found");
	FAILED(ask_tip, ERR_BUSY);
	on("/blocks/tip/hash", 404, "");
	FAILED(ask_tip, ERR_PEER_INVALID);
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

static struct chain_ask *ask_header(struct chain_then then)
{
	return chain_ask_header(cw.source, &hash_b, then);
}

static bool in_best_chain;

static void look_header(const struct chain_answer *got)
{
	ck_assert(got->found && got->header.ref.height == 7);
	in_best_chain = got->header.in_best_chain;
}

static struct chain_ask *ask_block(struct chain_then then)
{
	return chain_ask_block(cw.source, &hash_g, then);
}

START_TEST(blocks)
{
	on("/block-height/7", 200, B);
	ANSWERED(ask_ref, look_ref);
	on("/block-height/7", 404, "Block not found");
	ANSWERED(ask_ref, look_not_found);
	on("/block/" B, 200, HEADER("7"));
	on("/block/" B "/status", 200, "{\"in_best_chain\":true,\"next_best\":null}");
	ANSWERED(ask_header, look_header);
	ck_assert(in_best_chain);
	on("/block/" B "/status", 200, "{\"in_best_chain\":false,\"next_best\":null}");
	ANSWERED(ask_header, look_header);
	ck_assert(!in_best_chain);
	on("/block/" B, 404, "Block not found");
	ANSWERED(ask_header, look_not_found);
	on("/block/" GENESIS "/raw", 404, "Block not found");
	ANSWERED(ask_block, look_not_found);
	on("/block/" GENESIS "/raw", 200, "no block at all");
	FAILED(ask_block, ERR_PEER_INVALID);
}
END_TEST

static void look_block(const struct chain_answer *got)
{
	struct block_tx tx;

	ck_assert(got->found && got->block.n_txs == 1);
	block_tx(&got->block, 0, &tx);
	ck_assert(txid_equal(&tx.txid, &txid_g));
}

static struct chain_ask *ask_tx(struct chain_then then)
{
	return chain_ask_tx(cw.source, &txid_g, NULL, then);
}

static void look_tx(const struct chain_answer *got)
{
	ck_assert(got->found && sat_value(got->tx.out[0].value) == 5000000000);
}

START_TEST(bytes)
{
	static const char header_hex[] =
		"0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f"
		"617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f200200000001";
	struct bytes raw, tx;

	ck_assert(hex_decode_any(&cw.arena, text("%s%s", header_hex, tx_hex), 1000, &raw));
	on_bytes("/block/" GENESIS "/raw", raw);
	ANSWERED(ask_block, look_block);
	ck_assert(hex_decode_any(&cw.arena, tx_hex, 1000, &tx));
	on_bytes("/tx/" GENESIS_TX "/raw", tx);
	ANSWERED(ask_tx, look_tx);
	on_bytes("/tx/" GENESIS_TX "/raw", (struct bytes){ tx.p, tx.n - 1 });
	FAILED(ask_tx, ERR_PEER_INVALID);
	on("/tx/" GENESIS_TX "/raw", 404, "Transaction not found");
	ANSWERED(ask_tx, look_not_found);
}
END_TEST

/* --- transactions and outputs --- */

#define CONFIRMED "\"status\":{\"confirmed\":true,\"block_height\":5,\"block_hash\":\"" B "\"}"
#define WAITING   "\"status\":{\"confirmed\":false}"
#define IN(txid)  "{\"txid\":\"" txid "\",\"is_coinbase\":false}"
#define TX(txid, ins, status)                                                                                          \
	"{\"txid\":\"" txid "\",\"weight\":600,\"fee\":1000,\"vin\":[" ins "],\"vout\":[{\"scriptpubkey\":\"51\","     \
	"\"value\":700}]," status "}"

static struct chain_tx_status status;

static struct chain_ask *ask_status(struct chain_then then)
{
	return chain_ask_status(cw.source, &txid_a, 0, then);
}

static void look_status(const struct chain_answer *got)
{
	status = got->status;
}

START_TEST(the_status_of_a_transaction)
{
	on("/tx/" A, 404, "Transaction not found");
	ANSWERED(ask_status, look_status);
	ck_assert_int_eq(status.place, CHAIN_NOT_FOUND);
	on("/tx/" A, 200, TX(A, IN(C), WAITING));
	ANSWERED(ask_status, look_status);
	ck_assert_int_eq(status.place, CHAIN_MEMPOOL);
	on("/tx/" A, 200, TX(A, IN(C), CONFIRMED));
	ANSWERED(ask_status, look_status);
	ck_assert(status.place == CHAIN_CONFIRMED && status.block.height == 5);
	on("/tx/" A, 200, TX(C, IN(C), CONFIRMED));
	FAILED(ask_status, ERR_PEER_INVALID);
}
END_TEST

static struct chain_ask *ask_spends(struct chain_then then)
{
	return chain_ask_spends(cw.source, points, 2, 0, then);
}

static void look_spends(const struct chain_answer *got)
{
	ck_assert_int_eq(got->spends[0].state, CHAIN_UNSPENT);
	ck_assert(got->spends[1].state == CHAIN_SPENT_MINED && got->spends[1].block.height == 5 &&
		  got->spends[1].spender.b[0] == 0xcc);
}

static struct chain_ask *ask_coin(struct chain_then then)
{
	return chain_ask_coin(cw.source, &points[0], then);
}

static void look_coin(const struct chain_answer *got)
{
	ck_assert(got->found && got->coin.height == 5 && sat_value(got->coin.value) == 700 && !got->coin.coinbase);
}

START_TEST(outputs)
{
	on("/tx/" A "/outspend/0", 200, "{\"spent\":false}");
	on("/tx/" A "/outspend/1", 200, "{\"spent\":true,\"txid\":\"" C "\",\"vin\":0," CONFIRMED "}");
	ANSWERED(ask_spends, look_spends);
	on("/tx/" A, 200, TX(A, IN(C), CONFIRMED));
	ANSWERED(ask_coin, look_coin);
	/* What the mempool wants to spend is there until it is mined. */
	on("/tx/" A "/outspend/0", 200, "{\"spent\":true,\"txid\":\"" C "\",\"vin\":0," WAITING "}");
	ANSWERED(ask_coin, look_coin);
	on("/tx/" A "/outspend/0", 200, "{\"spent\":true,\"txid\":\"" C "\",\"vin\":0," CONFIRMED "}");
	ANSWERED(ask_coin, look_not_found);
	on("/tx/" A, 200, TX(A, IN(C), WAITING));
	ANSWERED(ask_coin, look_not_found);
	on("/tx/" A, 404, "Transaction not found");
	ANSWERED(ask_coin, look_not_found);
	points[0].vout = 1;
	on("/tx/" A, 200, TX(A, IN(C), CONFIRMED));
	ANSWERED(ask_coin, look_not_found);
}
END_TEST

static struct chain_ask *ask_entry(struct chain_then then)
{
	return chain_ask_entry(cw.source, &txid_a, then);
}

static void look_entry(const struct chain_answer *got)
{
	const struct chain_mempool_entry *e = &got->entry;

	ck_assert(got->found && sat_value(e->fee) == 1000 && e->weight.v == 600 && e->vsize == 150);
	/* Itself, a parent, and the parent's parent, which both spend. */
	ck_assert(e->ancestors == 3 && e->ancestor_vsize == 450 && sat_value(e->ancestor_fee) == 3000);
	ck_assert_uint_eq(e->n_parents, 1);
	ck_assert_int_eq(e->parents[0].b[0], 0xcc);
}

START_TEST(a_mempool_entry)
{
	on("/tx/" A, 200, TX(A, IN(B) "," IN(C) "," IN(C), WAITING));
	on("/tx/" B, 200, TX(B, IN(D), CONFIRMED));
	on("/tx/" C, 200, TX(C, IN(D) "," IN(B), WAITING));
	on("/tx/" D, 200, TX(D, IN(B), WAITING));
	ANSWERED(ask_entry, look_entry);
	ck_assert(asked("/tx/" B) == 1 && asked("/tx/" C) == 1 && asked("/tx/" D) == 1);
	on("/tx/" D, 404, "Transaction not found");
	FAILED(ask_entry, ERR_BUSY);
	on("/tx/" A, 200, TX(A, IN(B), CONFIRMED));
	ANSWERED(ask_entry, look_not_found);
	on("/tx/" A, 404, "Transaction not found");
	ANSWERED(ask_entry, look_not_found);
}
END_TEST

/* --- sending, fees, limits --- */

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
}

static enum package_class submitted;

static struct chain_ask *ask_package(struct chain_then then)
{
	const struct tx *txs[1] = { our_tx() };

	return chain_ask_package(cw.source, txs, 1, then);
}

static void look_package(const struct chain_answer *got)
{
	submitted = got->package.class;
}

START_TEST(sending)
{
	on("/tx", 200, GENESIS_TX);
	ANSWERED(ask_broadcast, look_sent);
	ck_assert_int_eq(sent, BROADCAST_OK);
	on("/tx", 400, "sendrawtransaction RPC error: {\"code\":-26,\"message\":\"txn-mempool-conflict\"}");
	ANSWERED(ask_broadcast, look_sent);
	ck_assert_int_eq(sent, BROADCAST_CONFLICT);
	on("/tx", 504, "");
	ck_assert_int_eq(chain_world_wait(ask_broadcast, look_sent).code, ERR_PEER_DOWN);
	ck_assert_int_eq(sent, BROADCAST_UNKNOWN);
	on("/txs/package", 200,
	   "{\"package_msg\":\"success\",\"tx-results\":{\"" A "\":{\"txid\":\"" GENESIS_TX
	   "\",\"vsize\":100,\"fees\":{\"base\":1e-5}}}}");
	ANSWERED(ask_package, look_package);
	ck_assert_int_eq(submitted, PACKAGE_OK);
	on("/txs/package", 404, "");
	ANSWERED(ask_package, look_package);
	ck_assert_int_eq(submitted, PACKAGE_UNSUPPORTED);
}
END_TEST

static struct fee_rates rates;

static struct chain_ask *ask_fees(struct chain_then then)
{
	return chain_ask_fees(cw.source, then);
}

static void look_rates(const struct chain_answer *got)
{
	rates = got->rates;
}

static struct chain_limits limits;

static struct chain_ask *ask_limits(struct chain_then then)
{
	return chain_ask_limits(cw.source, then);
}

static void look_limits(const struct chain_answer *got)
{
	limits = got->limits;
}

START_TEST(fees_and_limits)
{
	struct chain_stats st;

	on("/fee-estimates", 200, "{\"1\":10.5,\"3\":2,\"6\":0.1}");
	ANSWERED(ask_fees, look_rates);
	ck_assert(feerate_sat_per_kwu(rates.rate[FEE_FAST]) == 2625 && !rates.is_fallback);
	ck_assert_uint_eq(feerate_sat_per_kwu(rates.rate[FEE_SLOW]), 250);
	ANSWERED(ask_limits, look_limits);
	ck_assert(limits.packages && feerate_sat_per_kwu(limits.min_relay) == 250);
	on("/txs/package", 404, "");
	ANSWERED(ask_limits, look_limits);
	ck_assert(!limits.packages && limits.why_not[0] != '\0');
	chain_stats(cw.source, 0, &st);
	ck_assert(st.verified && !st.limits.packages && st.software[0] == '\0' && st.state == CHAIN_READY);
	ck_assert_ptr_nonnull(strstr(st.url, "/***"));
}
END_TEST

/* --- scripts --- */

static struct chain_seen known[1];
static size_t n_known, n_seen;

static struct chain_ask *ask_history(struct chain_then then)
{
	return chain_ask_history(cw.source, bytes_of("Q"), known, n_known, then);
}

static void look_history(const struct chain_answer *got)
{
	n_seen = got->history.n;
	for (size_t i = 0; i < n_seen; i++)
		ck_assert(got->history.seen[i].status.place == (i == 0 ? CHAIN_MEMPOOL : CHAIN_CONFIRMED));
}

static struct chain_ask *ask_script_stats(struct chain_then then)
{
	return chain_ask_script_stats(cw.source, bytes_of("Q"), then);
}

static void look_script_stats(const struct chain_answer *got)
{
	ck_assert(got->script_stats.confirmed == 3 && got->script_stats.mempool == 1);
}

START_TEST(the_history_of_a_script)
{
	on(SCRIPT, 200, "{\"chain_stats\":{\"tx_count\":3},\"mempool_stats\":{\"tx_count\":1}}");
	ANSWERED(ask_script_stats, look_script_stats);
	on(SCRIPT "/txs", 200, "[" TX(A, IN(C), WAITING) "," TX(B, IN(C), CONFIRMED) "]");
	on(SCRIPT "/txs/chain/" B, 200, "[" TX(C, IN(D), CONFIRMED) "," TX(D, IN(D), CONFIRMED) "]");
	on(SCRIPT "/txs/chain/" D, 200, "[]");
	ANSWERED(ask_history, look_history);
	ck_assert_uint_eq(n_seen, 4);
	ck_assert_uint_eq(asked(SCRIPT "/txs/chain/" D), 1);
	/* What is known and as it was ends it. */
	ck_assert(txid_parse(C, &known[0].txid));
	known[0].status = (struct chain_tx_status){ CHAIN_CONFIRMED, { 5, hash_b } };
	n_known = 1;
	ANSWERED(ask_history, look_history);
	ck_assert_uint_eq(n_seen, 3);
	/* Known, but in another block now. */
	known[0].status.block.height = 4;
	ANSWERED(ask_history, look_history);
	ck_assert_uint_eq(n_seen, 4);
	/* The same page for ever. */
	on(SCRIPT "/txs/chain/" B, 200, "[" TX(B, IN(D), CONFIRMED) "]");
	FAILED(ask_history, ERR_PEER_INVALID);
	on(SCRIPT "/txs", 200, "[" TX(A, IN(C), WAITING) "]");
	ANSWERED(ask_history, look_history);
	ck_assert_uint_eq(n_seen, 1);
}
END_TEST

/* --- the server --- */

static struct chain_ask *ask_new_block(struct chain_then then)
{
	return chain_ask_new_block(cw.source, 1000, then);
}

static struct chain_ask *ask_mempool(struct chain_then then)
{
	return chain_ask_mempool(cw.source, then);
}

static struct chain_ask *ask_filter(struct chain_then then)
{
	return chain_ask_filter(cw.source, &hash_b, then);
}

static struct chain_ask *ask_test(struct chain_then then)
{
	const struct tx *txs[1] = { our_tx() };

	return chain_ask_test(cw.source, txs, 1, then);
}

static struct chain_ask *ask_scan_coins(struct chain_then then)
{
	struct bitcoind_descriptor d = { "raw(51)", 0 };

	return chain_ask_scan_coins(cw.source, &d, 1, then);
}

START_TEST(what_it_cannot_answer)
{
	struct chain_stats st;

	FAILED(ask_new_block, ERR_UNSUPPORTED);
	FAILED(ask_mempool, ERR_UNSUPPORTED);
	FAILED(ask_filter, ERR_UNSUPPORTED);
	FAILED(ask_test, ERR_UNSUPPORTED);
	FAILED(ask_scan_coins, ERR_UNSUPPORTED);
	chain_stats(cw.source, 0, &st);
	ck_assert_uint_eq(st.failed, 0);
}
END_TEST

START_TEST(the_wrong_server)
{
	struct chain_stats st;

	on("/block-height/7", 200, B);
	on("/block-height/0", 200, B);
	FAILED(ask_ref, ERR_NETWORK);
	chain_stats(cw.source, 0, &st);
	ck_assert_int_eq(st.state, CHAIN_WRONG_NETWORK);
	ck_assert_uint_eq(asked("/block-height/7"), 0);
	chain_source_free(cw.source);
	chain_world_open();
	on("/block-height/0", 404, "nothing here");
	FAILED(ask_ref, ERR_PEER_INVALID);
	on("/block-height/0", 429, "");
	FAILED(ask_ref, ERR_PEER_BUSY);
	chain_stats(cw.source, 0, &st);
	ck_assert_int_eq(st.state, CHAIN_RESTING);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain/source: Esplora");
	TCase *t = tcase_create("questions");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_tip);
	tcase_add_test(t, blocks);
	tcase_add_test(t, bytes);
	tcase_add_test(t, the_status_of_a_transaction);
	tcase_add_test(t, outputs);
	tcase_add_test(t, a_mempool_entry);
	tcase_add_test(t, sending);
	tcase_add_test(t, fees_and_limits);
	tcase_add_test(t, the_history_of_a_script);
	tcase_add_test(t, what_it_cannot_answer);
	tcase_add_test(t, the_wrong_server);
	suite_add_tcase(s, t);
	return suite_run(s);
}
