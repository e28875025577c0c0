/* What bitcoind is asked, byte for byte, and what its answers are made of: as nodes of several versions send them, and as
 * none should. */
#include <string.h>

#include "base/text.h"
#include "rails/chain/bitcoind_call.h"
#include "rails/chain/bitcoind_coins.h"
#include "rails/chain/bitcoind_reply.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct txid txid;
static struct block_hash hash;
static struct outpoint at;

static void ids(void)
{
	ck_assert(txid_parse(A, &txid) && block_hash_parse(B, &hash));
	at = (struct outpoint){ txid, 7 };
}

/* --- questions --- */

static struct jsonrpc_batch batch;

static void assert_call(const char *method, const char *params)
{
	const struct jsonrpc_call *c = &batch.calls[batch.n - 1];

	ck_assert(!batch.failed);
	ck_assert_str_eq(c->method, method);
	ck_assert_str_eq(json_text(&ra, c->params), params);
}

START_TEST(questions)
{
	static const uint8_t raw[] = { 0xde, 0xad };
	struct bytes both[2] = { { raw, 2 }, { raw, 1 } };
	struct bitcoind_descriptor d[2] = { { "raw(51)", 0 }, { "tr(x)", 99 } };
	struct outpoint two[2];

	ids();
	two[0] = two[1] = at;
	two[1].vout = UINT32_MAX;
	batch = jsonrpc_batch_in(&ra);
	ck_assert_uint_eq(bitcoind_ask_network_info(&batch), 0);
	assert_call("getnetworkinfo", "[]");
	ck_assert_uint_eq(bitcoind_ask_chain_info(&batch), 1);
	assert_call("getblockchaininfo", "[]");
	bitcoind_ask_index_info(&batch);
	assert_call("getindexinfo", "[]");
	bitcoind_ask_mempool_info(&batch);
	assert_call("getmempoolinfo", "[]");
	bitcoind_ask_block_count(&batch);
	assert_call("getblockcount", "[]");
	bitcoind_ask_block_hash(&batch, UINT32_MAX);
	assert_call("getblockhash", "[4294967295]");
	bitcoind_ask_header(&batch, &hash);
	assert_call("getblockheader", "[\"" B "\",true]");
	bitcoind_ask_block(&batch, &hash);
	assert_call("getblock", "[\"" B "\",0]");
	bitcoind_ask_filter(&batch, &hash);
	assert_call("getblockfilter", "[\"" B "\",\"basic\"]");
	bitcoind_ask_new_block(&batch, 25000);
	assert_call("waitfornewblock", "[25000]");
	bitcoind_ask_tx(&batch, &txid, NULL);
	assert_call("getrawtransaction", "[\"" A "\",true]");
	bitcoind_ask_raw_tx(&batch, &txid, &hash);
	assert_call("getrawtransaction", "[\"" A "\",false,\"" B "\"]");
	bitcoind_ask_coin(&batch, &at, false);
	assert_call("gettxout", "[\"" A "\",7,false]");
	bitcoind_ask_mempool_spends(&batch, two, 2);
	assert_call("gettxspendingprevout",
		    "[[{\"txid\":\"" A "\",\"vout\":7},{\"txid\":\"" A "\",\"vout\":4294967295}]]");
	bitcoind_ask_mempool_entry(&batch, &txid);
	assert_call("getmempoolentry", "[\"" A "\"]");
	bitcoind_ask_mempool_txids(&batch);
	assert_call("getrawmempool", "[false,true]");
	bitcoind_ask_fee(&batch, 6);
	assert_call("estimatesmartfee", "[6,\"economical\"]");
	bitcoind_ask_send(&batch, both[0]);
	assert_call("sendrawtransaction", "[\"dead\"]");
	bitcoind_ask_package(&batch, both, 2);
	assert_call("submitpackage", "[[\"dead\",\"de\"]]");
	bitcoind_ask_test(&batch, both, 1);
	assert_call("testmempoolaccept", "[[\"dead\"]]");
	bitcoind_ask_scan_coins(&batch, d, 2);
	assert_call("scantxoutset", "[\"start\",[{\"desc\":\"raw(51)\"},{\"desc\":\"tr(x)\",\"range\":99}]]");
	bitcoind_ask_scan_blocks(&batch, d, 1, 5, 9);
	assert_call("scanblocks", "[\"start\",[{\"desc\":\"raw(51)\"}],5,9]");
}
END_TEST

START_TEST(requests)
{
	const char *login = bitcoind_authorization(&ra, "__cookie__:0123456789abcdef");
	struct net_request req;

	batch = jsonrpc_batch_in(&ra);
	ck_fails(bitcoind_request(&batch, "http://127.0.0.1:8332/", NULL, &req, &rerr), ERR_RANGE);
	bitcoind_ask_block_count(&batch);
	ck_ok(bitcoind_request(&batch, "http://127.0.0.1:8332/", login, &req, &rerr));
	ck_assert_str_eq(req.method, "POST");
	ck_assert_uint_eq(req.n_headers, 1);
	ck_assert_str_eq(req.headers[0].name, "Authorization");
	ck_assert_str_eq(req.headers[0].value, "Basic X19jb29raWVfXzowMTIzNDU2Nzg5YWJjZGVm");
	ck_assert_int_eq(req.timeout_ms, 60000);
	ck_assert_uint_eq(req.max_reply, BITCOIND_REPLY_MAX);
	assert_body(&req, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getblockcount\",\"params\":[]}");
	bitcoind_ask_new_block(&batch, 25000);
	ck_ok(bitcoind_request(&batch, "http://127.0.0.1:8332/", NULL, &req, &rerr));
	ck_assert(req.n_headers == 0 && req.timeout_ms == 85000);
	bitcoind_ask_scan_coins(&batch, NULL, 0);
	ck_ok(bitcoind_request(&batch, "http://127.0.0.1:8332/", NULL, &req, &rerr));
	ck_assert_int_eq(req.timeout_ms, 600000);
}
END_TEST

/* --- did it answer? --- */

#define OK_BODY "{\"result\":7,\"error\":null,\"id\":1}"

static const struct {
	const char *name;
	int status;
	const char *body;
	enum err_code code; /* ERR_NONE: it did */
} replies[] = {
	{ "1.x", 200, OK_BODY, ERR_NONE },
	{ "2.0", 200, "{\"jsonrpc\":\"2.0\",\"result\":7,\"id\":1}", ERR_NONE },
	{ "an error under 500", 500, "{\"result\":null,\"error\":{\"code\":-5,\"message\":\"x\"},\"id\":1}", ERR_NONE },
	{ "an error under 404", 404, "{\"result\":null,\"error\":{\"code\":-32601,\"message\":\"x\"},\"id\":1}",
	  ERR_NONE },
	{ "an error under 200", 200, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-5,\"message\":\"x\"},\"id\":1}",
	  ERR_NONE },
	{ "no login", 401, "", ERR_PEER_AUTH },
	{ "not from here", 403, "", ERR_PEER_AUTH },
	{ "busy", 503, "Work queue depth exceeded", ERR_PEER_BUSY },
	{ "throttled", 429, "", ERR_PEER_BUSY },
	{ "warming up", 500, "{\"result\":null,\"error\":{\"code\":-28,\"message\":\"Loading…\"},\"id\":1}",
	  ERR_PEER_BUSY },
	{ "warming up, 2.0", 200, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-28,\"message\":\"x\"},\"id\":1}",
	  ERR_PEER_BUSY },
	{ "a gateway's page", 502, "<html>", ERR_PEER_DOWN },
	{ "a page", 200, "<html>", ERR_PEER_INVALID },
	{ "a page under 500", 500, "<html>", ERR_PEER_DOWN },
	{ "a redirect", 301, "", ERR_PEER_DOWN },
	{ "only POST is allowed", 405, "JSONRPC server handles only POST requests", ERR_PEER_DOWN },
	{ "nothing", 200, "", ERR_PEER_INVALID },
	{ "cut short", 200, "{\"result\":7,\"err", ERR_PEER_INVALID },
	{ "another id", 200, "{\"result\":7,\"error\":null,\"id\":2}", ERR_PEER_INVALID },
	{ "neither", 200, "{\"result\":null,\"error\":7,\"id\":1}", ERR_PEER_INVALID },
	{ "a list", 200, "[" OK_BODY "]", ERR_PEER_INVALID },
};

START_TEST(replies_are_judged)
{
	struct net_reply rep = reply_of(replies[_i].status, replies[_i].body);
	struct jsonrpc_reply reply;
	int rc;

	rep.retry_after_s = 3;
	rc = bitcoind_judge(&ra, &rep, 1, &reply, &rerr);
	if (replies[_i].code == ERR_NONE) {
		ck_ok(rc);
		return;
	}
	ck_assert_msg(rc == -1 && rerr.code == replies[_i].code, "%s: %s", replies[_i].name,
		      rc == 0 ? "fine" : err_kind(rerr.code));
	if (replies[_i].status >= 400 && replies[_i].status != 500)
		ck_assert(rerr.peer_code == replies[_i].status && rerr.retry_after_s == 3);
}
END_TEST

START_TEST(batches_are_judged)
{
	struct net_reply rep = reply_of(200, "[{\"result\":1,\"error\":null,\"id\":2}," OK_BODY "]");
	struct jsonrpc_reply reply;

	ck_ok(bitcoind_judge(&ra, &rep, 2, &reply, &rerr));
	ck_assert_int_eq(json_integer_value(reply.answers[0].result), 7);
	ck_fails(bitcoind_judge(&ra, &rep, 3, &reply, &rerr), ERR_PEER_INVALID);
	rep = reply_of(500, "{\"result\":null,\"error\":{\"code\":-28,\"message\":\"x\"},\"id\":null}");
	ck_fails(bitcoind_judge(&ra, &rep, 2, &reply, &rerr), ERR_PEER_BUSY);
	rep = reply_of(500, "{\"result\":null,\"error\":{\"code\":-32700,\"message\":\"x\"},\"id\":null}");
	ck_fails(bitcoind_judge(&ra, &rep, 2, &reply, &rerr), ERR_PEER_INVALID);
	rep = (struct net_reply){ .outcome = NET_UNKNOWN, .detail = "reset" };
	ck_fails(bitcoind_judge(&ra, &rep, 1, &reply, &rerr), ERR_PEER_DOWN);
	ck_assert_str_eq(rerr.msg, "reset");
}
END_TEST

/* --- answers --- */

static struct jsonrpc_answer answer_of(const char *result)
{
	struct net_reply rep = reply_of(200, arena_printf(&ra, "{\"result\":%s,\"error\":null,\"id\":1}", result));
	struct jsonrpc_reply reply;

	ck_ok(bitcoind_judge(&ra, &rep, 1, &reply, &rerr));
	return reply.answers[0];
}

static struct jsonrpc_answer error_of(int code)
{
	struct net_reply rep = reply_of(
		500, arena_printf(&ra, "{\"result\":null,\"error\":{\"code\":%d,\"message\":\"no\"},\"id\":1}", code));
	struct jsonrpc_reply reply;

	ck_ok(bitcoind_judge(&ra, &rep, 1, &reply, &rerr));
	return reply.answers[0];
}

#define CHAIN                                                                                                          \
	"{\"chain\":\"testnet4\",\"blocks\":5,\"headers\":6,\"bestblockhash\":\"" B                                    \
	"\",\"difficulty\":1.5e-7,\"initialblockdownload\":true,\"verificationprogress\":0.99,\"pruned\":true,"        \
	"\"pruneheight\":2,\"warnings\":[]}"

START_TEST(about_the_node)
{
	struct jsonrpc_answer a = answer_of("{\"version\":290403,\"subversion\":\"/Satoshi:29.4.3/Knots:20260508/\","
					    "\"relayfee\":0.00001000,\"incrementalfee\":0.00000100}");
	struct bitcoind_network n;
	struct bitcoind_chain c;
	struct bitcoind_indexes x;
	struct bitcoind_mempool m;

	ck_ok(bitcoind_reply_network_info(&a, &n, &rerr));
	ck_assert(n.version == 290403 && feerate_sat_per_kwu(n.relay) == 250 &&
		  feerate_sat_per_kwu(n.incremental) == 25);
	a = answer_of(CHAIN);
	ck_ok(bitcoind_reply_chain_info(&a, &c, &rerr));
	ck_assert(c.known && c.network == NETWORK_TESTNET4 && c.tip.height == 5 && c.headers == 6);
	ck_assert(c.initial_download && c.pruned && c.prune_height == 2);
	a = answer_of("{\"chain\":\"test\",\"blocks\":5,\"headers\":6,\"bestblockhash\":\"" B
		      "\",\"initialblockdownload\":false,\"pruned\":false}");
	ck_ok(bitcoind_reply_chain_info(&a, &c, &rerr));
	ck_assert(!c.known && !c.initial_download && !c.pruned);
	a = answer_of("{\"txindex\":{\"synced\":true,\"best_block_height\":5},"
		      "\"basic block filter index\":{\"synced\":false,\"best_block_height\":1}}");
	ck_ok(bitcoind_reply_index_info(&a, &x, &rerr));
	ck_assert(x.tx && !x.filter);
	a = answer_of("{}");
	ck_ok(bitcoind_reply_index_info(&a, &x, &rerr));
	ck_assert(!x.tx && !x.filter);
	a = answer_of("{\"loaded\":true,\"size\":3,\"bytes\":500,\"maxmempool\":300000000,\"mempoolminfee\":0.00002,"
		      "\"minrelaytxfee\":0.00001000,\"incrementalrelayfee\":0.00001000,\"fullrbf\":true,"
		      "\"truc_policy\":\"enforce\"}");
	ck_ok(bitcoind_reply_mempool_info(&a, &m, &rerr));
	ck_assert(m.loaded && m.count == 3 && m.bytes == 500 && feerate_sat_per_kwu(m.min) == 500);
	ck_assert_str_eq(m.truc_policy, "enforce");
}
END_TEST

#define HEADER(h, conf)                                                                                                \
	"{\"hash\":\"" h "\",\"confirmations\":" conf ",\"height\":9,\"time\":1700000000,\"mediantime\":1699999000,"   \
	"\"previousblockhash\":\"" C "\"}"

START_TEST(about_blocks)
{
	struct jsonrpc_answer a;
	struct chain_header h;
	struct block_hash got;
	struct block_ref ref;
	uint32_t count;
	bool found;

	ids();
	a = answer_of("812345");
	ck_ok(bitcoind_reply_block_count(&a, &count, &rerr));
	ck_assert_uint_eq(count, 812345);
	a = answer_of("\"" B "\"");
	ck_ok(bitcoind_reply_block_hash(&a, &found, &got, &rerr));
	ck_assert(found && block_hash_equal(&got, &hash));
	a = answer_of(HEADER(B, "3"));
	ck_ok(bitcoind_reply_header(&a, &hash, &found, &h, &rerr));
	ck_assert(found && h.in_best_chain && h.ref.height == 9 && h.time_s == 1700000000 && h.prev.b[0] == 0xcc);
	a = answer_of(HEADER(B, "-1"));
	ck_ok(bitcoind_reply_header(&a, &hash, &found, &h, &rerr));
	ck_assert(found && !h.in_best_chain);
	a = answer_of("{\"hash\":\"" B "\",\"confirmations\":1,\"height\":0,\"time\":1,\"mediantime\":1}");
	ck_ok(bitcoind_reply_header(&a, &hash, &found, &h, &rerr));
	ck_assert(h.ref.height == 0 && h.prev.b[5] == 0);
	a = error_of(-5);
	ck_ok(bitcoind_reply_header(&a, &hash, &found, &h, &rerr));
	ck_assert(!found);
	a = answer_of("{\"hash\":\"" B "\",\"height\":9}");
	ck_ok(bitcoind_reply_new_block(&a, &ref, &rerr));
	ck_assert_uint_eq(ref.height, 9);
}
END_TEST

static void assert_block(const char *body, enum err_code code, bool want_found, size_t n)
{
	struct net_reply rep = reply_of(strstr(body, "\"code\"") != NULL ? 500 : 200, body);
	struct bytes v;
	bool found;
	int rc = bitcoind_block_bytes(&ra, &rep, &found, &v, &rerr);

	ck_assert_msg((rc == 0 ? ERR_NONE : rerr.code) == code, "%s: %s", body, rc == 0 ? "fine" : rerr.msg);
	if (rc == 0)
		ck_assert_msg(found == want_found && (!found || v.n == n), "%s", body);
}

START_TEST(a_blocks_bytes)
{
	assert_block("{\"result\":\"00fF\",\"error\":null,\"id\":1}", ERR_NONE, true, 2);
	assert_block("{\"id\":1,\"error\":null,\"result\" : \"00ff\"}", ERR_NONE, true, 2);
	assert_block("{\"jsonrpc\":\"2.0\",\"result\":\"00ff\",\"id\":1}\n", ERR_NONE, true, 2);
	assert_block("{\"result\":\"00f\",\"error\":null,\"id\":1}", ERR_PEER_INVALID, false, 0);
	assert_block("{\"result\":\"00fg\",\"error\":null,\"id\":1}", ERR_PEER_INVALID, false, 0);
	assert_block("{\"result\":\"00ff\",\"error\":null,\"id\":2}", ERR_PEER_INVALID, false, 0);
	assert_block("{\"result\":\"00ff", ERR_PEER_INVALID, false, 0);
	assert_block("{\"result\":{\"result\":\"00ff\"},\"error\":null,\"id\":1}", ERR_PEER_INVALID, false, 0);
	assert_block("{\"x\":\"\\\"result\\\":\",\"result\":7,\"error\":null,\"id\":1}", ERR_PEER_INVALID, false, 0);
	assert_block("{\"result\":7,\"error\":null,\"id\":1}", ERR_PEER_INVALID, false, 0);
	assert_block("{\"result\":null,\"error\":{\"code\":-5,\"message\":\"Block not found\"},\"id\":1}", ERR_NONE,
		     false, 0);
	assert_block("{\"result\":null,\"error\":{\"code\":-1,\"message\":\"Block not available (pruned data)\"},"
		     "\"id\":1}",
		     ERR_UNSUPPORTED, false, 0);
	assert_block("{\"result\":null,\"error\":{\"code\":-28,\"message\":\"x\"},\"id\":1}", ERR_PEER_BUSY, false, 0);
	assert_block("{\"result\":null,\"error\":{\"code\":-32603,\"message\":\"x\"},\"id\":1}", ERR_PEER, false, 0);
	assert_block("", ERR_PEER_INVALID, false, 0);
}
END_TEST

/* The largest block there can be, and one more byte. */
START_TEST(blocks_have_a_size)
{
	size_t n = 2 * (size_t)BITCOIND_BLOCK_MAX;
	SCOPED(buf) struct buf body = BUF_CAP(n + 4096);
	struct net_reply rep = reply_of(200, "");
	struct arena big = ARENA_LIMIT(BITCOIND_BLOCK_MAX + 16384);
	struct bytes v;
	bool found;

	buf_text_add(&body, "{\"result\":\"");
	while (body.n < n + 11)
		buf_text_add(&body, "5a");
	buf_text_add(&body, "\",\"error\":null,\"id\":1}");
	rep.body = buf_bytes(&body);
	ck_ok(bitcoind_block_bytes(&big, &rep, &found, &v, &rerr));
	ck_assert(found && v.n == BITCOIND_BLOCK_MAX && v.p[v.n - 1] == 0x5a);
	ck_fails(bitcoind_block_bytes(&big, &rep, &found, &v, &rerr), ERR_PEER_INVALID); /* no room for a second */
	while (body.n <= BITCOIND_BLOCK_REPLY_MAX)
		buf_text_add(&body, " ");
	rep.body = buf_bytes(&body);
	ck_fails(bitcoind_block_bytes(&ra, &rep, &found, &v, &rerr), ERR_PEER_INVALID);
	arena_done(&big);
}
END_TEST

/* The coinbase of regtest's first block. */
static const char tx_hex[] =
	"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
	"696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f7574"
	"20666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea"
	"1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";
static const char tx_id[] = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b";

START_TEST(about_transactions)
{
	struct jsonrpc_answer a;
	struct block_hash in;
	struct tx tx;
	bool found, in_block;

	ids();
	a = answer_of("{\"txid\":\"" A "\",\"hex\":\"00\",\"blockhash\":\"" B "\",\"confirmations\":3}");
	ck_ok(bitcoind_reply_tx_place(&a, &txid, &found, &in_block, &in, &rerr));
	ck_assert(found && in_block && block_hash_equal(&in, &hash));
	a = answer_of("{\"txid\":\"" A "\",\"hex\":\"00\"}");
	ck_ok(bitcoind_reply_tx_place(&a, &txid, &found, &in_block, &in, &rerr));
	ck_assert(found && !in_block);
	a = answer_of("{\"txid\":\"" B "\"}");
	ck_fails(bitcoind_reply_tx_place(&a, &txid, &found, &in_block, &in, &rerr), ERR_PEER_INVALID);
	ck_assert(txid_parse(tx_id, &txid));
	a = answer_of(arena_printf(&ra, "\"%s\"", tx_hex));
	ck_ok(bitcoind_reply_raw_tx(&ra, &a, &txid, &found, &tx, &rerr));
	ck_assert(found && tx.n_out == 1 && sat_value(tx.out[0].value) == 5000000000);
	txid.b[0] ^= 1;
	ck_fails(bitcoind_reply_raw_tx(&ra, &a, &txid, &found, &tx, &rerr), ERR_PEER_INVALID);
	a = answer_of("\"00\"");
	ck_fails(bitcoind_reply_raw_tx(&ra, &a, &txid, &found, &tx, &rerr), ERR_PEER_INVALID);
	a = error_of(-5);
	ck_ok(bitcoind_reply_raw_tx(&ra, &a, &txid, &found, &tx, &rerr));
	ck_assert(!found);
}
END_TEST

#define COIN                                                                                                           \
	"{\"bestblock\":\"" B "\",\"confirmations\":3,\"value\":0.29000000,\"scriptPubKey\":{\"asm\":\"1\","           \
	"\"hex\":\"51024e73\"},\"coinbase\":true}"

START_TEST(about_outputs)
{
	struct jsonrpc_answer a = answer_of(COIN);
	struct chain_spend spends[2];
	struct bitcoind_coin c;
	struct outpoint two[2];
	bool found;

	ids();
	ck_ok(bitcoind_reply_coin(&ra, &a, &found, &c, &rerr));
	ck_assert(found && c.confirmations == 3 && c.coinbase && sat_value(c.value) == 29000000 && c.script.n == 4);
	two[0] = two[1] = at;
	two[1].vout = 8;
	a = answer_of("[{\"txid\":\"" A "\",\"vout\":7,\"spendingtxid\":\"" C "\"},{\"txid\":\"" A "\",\"vout\":8}]");
	ck_ok(bitcoind_reply_mempool_spends(&a, two, 2, spends, &rerr));
	ck_assert(spends[0].state == CHAIN_SPENT_MEMPOOL && spends[0].spender.b[0] == 0xcc);
	ck_assert_int_eq(spends[1].state, CHAIN_UNSPENT);
	ck_fails(bitcoind_reply_mempool_spends(&a, two, 1, spends, &rerr), ERR_PEER_INVALID);
	two[1].vout = 9;
	ck_fails(bitcoind_reply_mempool_spends(&a, two, 2, spends, &rerr), ERR_PEER_INVALID);
}
END_TEST

#define ENTRY(depends)                                                                                                 \
	"{\"vsize\":153,\"weight\":609,\"ancestorcount\":2,\"ancestorsize\":277,\"time\":1,\"fees\":{\"base\":"        \
	"0.00001000,\"modified\":-0.5,\"ancestor\":0.00001001},\"depends\":[" depends "],\"spentby\":[]}"

START_TEST(about_the_mempool)
{
	struct jsonrpc_answer a = answer_of(ENTRY("\"" C "\""));
	struct chain_mempool_entry e;
	struct txid *txids;
	bool found;
	size_t n;

	ck_ok(bitcoind_reply_mempool_entry(&ra, &a, &found, &e, &rerr));
	ck_assert(found && e.vsize == 153 && e.weight.v == 609 && e.ancestors == 2 && e.ancestor_vsize == 277);
	ck_assert(sat_value(e.fee) == 1000 && sat_value(e.ancestor_fee) == 1001);
	ck_assert(e.n_parents == 1 && e.parents[0].b[0] == 0xcc);
	a = answer_of(ENTRY("7"));
	ck_fails(bitcoind_reply_mempool_entry(&ra, &a, &found, &e, &rerr), ERR_PEER_INVALID);
	a = answer_of("{\"txids\":[\"" A "\",\"" B "\"],\"mempool_sequence\":9}");
	ck_ok(bitcoind_reply_mempool_txids(&ra, &a, &txids, &n, &rerr));
	ck_assert(n == 2 && txids[1].b[0] == 0xbb);
}
END_TEST

START_TEST(about_fees)
{
	struct jsonrpc_answer a = answer_of("{\"feerate\":0.00012345,\"blocks\":2}");
	struct bitcoind_test t[2];
	struct txid two[2];
	struct feerate r;
	bool has;

	ids();
	ck_ok(bitcoind_reply_fee(&a, &has, &r, &rerr));
	ck_assert(has && feerate_sat_per_kwu(r) == (12345 + 3) / 4);
	a = answer_of("{\"blocks\":2}");
	ck_fails(bitcoind_reply_fee(&a, &has, &r, &rerr), ERR_PEER_INVALID);
	a = answer_of("{\"feerate\":-1,\"blocks\":2}");
	ck_fails(bitcoind_reply_fee(&a, &has, &r, &rerr), ERR_PEER_INVALID);
	ck_assert(txid_parse(A, &two[0]) && txid_parse(B, &two[1]));
	a = answer_of("[{\"txid\":\"" A "\",\"wtxid\":\"" A "\",\"allowed\":true,\"vsize\":1,\"fees\":{\"base\":0.1}},"
		      "{\"txid\":\"" B "\",\"allowed\":false,\"reject-reason\":\"dust\"}]");
	ck_ok(bitcoind_reply_test(&a, two, 2, t, &rerr));
	ck_assert(t[0].allowed && sat_value(t[0].fee) == 10000000 && !t[1].allowed);
	ck_assert_str_eq(t[1].reason, "dust");
	a = answer_of("[{\"txid\":\"" A "\",\"package-error\":\"package-not-sorted\"},{\"txid\":\"" B "\"}]");
	ck_ok(bitcoind_reply_test(&a, two, 2, t, &rerr));
	ck_assert(!t[0].allowed && !t[1].allowed);
	ck_assert_str_eq(t[0].reason, "package-not-sorted");
	ck_fails(bitcoind_reply_test(&a, two, 1, t, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(scans)
{
	struct jsonrpc_answer a = answer_of(
		"{\"success\":true,\"txouts\":5,\"height\":9,\"bestblock\":\"" B "\",\"unspents\":[{\"txid\":\"" A
		"\",\"vout\":1,\"scriptPubKey\":\"51\",\"desc\":\"raw(51)#8\",\"amount\":50.00000000,\"coinbase\":true,"
		"\"height\":3}],\"total_amount\":50.00000000}");
	struct bitcoind_blocks b;
	struct bitcoind_scan s;
	struct bytes filter;
	bool found;

	ck_ok(bitcoind_reply_scan_coins(&ra, &a, &s, &rerr));
	ck_assert(s.tip.height == 9 && s.n == 1 && s.coins[0].coinbase && s.coins[0].height == 3);
	ck_assert(sat_value(s.coins[0].value) == 5000000000 && s.coins[0].at.vout == 1 && s.coins[0].script.n == 1);
	a = answer_of("{\"success\":false}");
	ck_fails(bitcoind_reply_scan_coins(&ra, &a, &s, &rerr), ERR_PEER);
	a = error_of(-8); /* Scan already in progress */
	ck_fails(bitcoind_reply_scan_coins(&ra, &a, &s, &rerr), ERR_PEER);
	ck_assert_int_eq(rerr.peer_code, -8);
	a = answer_of("{\"from_height\":1,\"to_height\":9,\"relevant_blocks\":[\"" B "\"],\"completed\":false}");
	ck_ok(bitcoind_reply_scan_blocks(&ra, &a, &b, &rerr));
	ck_assert(b.n == 1 && b.from == 1 && b.to == 9 && !b.completed && b.hashes[0].b[0] == 0xbb);
	a = error_of(-1);
	ck_fails(bitcoind_reply_scan_blocks(&ra, &a, &b, &rerr), ERR_UNSUPPORTED);
	a = answer_of("{\"filter\":\"019dfca8\",\"header\":\"" C "\"}");
	ck_ok(bitcoind_reply_filter(&ra, &a, &found, &filter, &rerr));
	ck_assert(found && filter.n == 4);
	a = error_of(-5);
	ck_ok(bitcoind_reply_filter(&ra, &a, &found, &filter, &rerr));
	ck_assert(!found);
	a = error_of(-1);
	ck_fails(bitcoind_reply_filter(&ra, &a, &found, &filter, &rerr), ERR_UNSUPPORTED);
}
END_TEST

/* --- what no reader takes --- */

static int read_network_info(const struct jsonrpc_answer *a)
{
	struct bitcoind_network v;

	return bitcoind_reply_network_info(a, &v, &rerr);
}

static int read_chain_info(const struct jsonrpc_answer *a)
{
	struct bitcoind_chain v;

	return bitcoind_reply_chain_info(a, &v, &rerr);
}

static int read_index_info(const struct jsonrpc_answer *a)
{
	struct bitcoind_indexes v;

	return bitcoind_reply_index_info(a, &v, &rerr);
}

static int read_mempool_info(const struct jsonrpc_answer *a)
{
	struct bitcoind_mempool v;

	return bitcoind_reply_mempool_info(a, &v, &rerr);
}

static int read_block_count(const struct jsonrpc_answer *a)
{
	uint32_t v;

	return bitcoind_reply_block_count(a, &v, &rerr);
}

static int read_block_hash(const struct jsonrpc_answer *a)
{
	struct block_hash v;
	bool found;

	return bitcoind_reply_block_hash(a, &found, &v, &rerr);
}

static int read_header(const struct jsonrpc_answer *a)
{
	struct chain_header v;
	bool found;

	return bitcoind_reply_header(a, &hash, &found, &v, &rerr);
}

static int read_tx_place(const struct jsonrpc_answer *a)
{
	struct block_hash v;
	bool found, in_block;

	return bitcoind_reply_tx_place(a, &txid, &found, &in_block, &v, &rerr);
}

static int read_raw_tx(const struct jsonrpc_answer *a)
{
	struct tx v;
	bool found;

	return bitcoind_reply_raw_tx(&ra, a, &txid, &found, &v, &rerr);
}

static int read_coin(const struct jsonrpc_answer *a)
{
	struct bitcoind_coin v;
	bool found;

	return bitcoind_reply_coin(&ra, a, &found, &v, &rerr);
}

static int read_spends(const struct jsonrpc_answer *a)
{
	struct chain_spend v;

	return bitcoind_reply_mempool_spends(a, &at, 1, &v, &rerr);
}

static int read_entry(const struct jsonrpc_answer *a)
{
	struct chain_mempool_entry v;
	bool found;

	return bitcoind_reply_mempool_entry(&ra, a, &found, &v, &rerr);
}

static int read_txids(const struct jsonrpc_answer *a)
{
	struct txid *v;
	size_t n;

	return bitcoind_reply_mempool_txids(&ra, a, &v, &n, &rerr);
}

static int read_fee(const struct jsonrpc_answer *a)
{
	struct feerate v;
	bool has;

	return bitcoind_reply_fee(a, &has, &v, &rerr);
}

static int read_test(const struct jsonrpc_answer *a)
{
	struct bitcoind_test v;

	return bitcoind_reply_test(a, &txid, 1, &v, &rerr);
}

static int read_scan(const struct jsonrpc_answer *a)
{
	struct bitcoind_scan v;

	return bitcoind_reply_scan_coins(&ra, a, &v, &rerr);
}

static int read_blocks(const struct jsonrpc_answer *a)
{
	struct bitcoind_blocks v;

	return bitcoind_reply_scan_blocks(&ra, a, &v, &rerr);
}

static int read_filter(const struct jsonrpc_answer *a)
{
	struct bytes v;
	bool found;

	return bitcoind_reply_filter(&ra, a, &found, &v, &rerr);
}

static int read_new_block(const struct jsonrpc_answer *a)
{
	struct block_ref v;

	return bitcoind_reply_new_block(a, &v, &rerr);
}

static const struct {
	const char *name;
	int (*read)(const struct jsonrpc_answer *a);
	const char *odd; /* a result that is nearly right */
	bool takes_null;
} readers[] = {
	{ "network info", read_network_info, "{\"version\":-1,\"subversion\":\"x\"}", false },
	{ "chain info", read_chain_info, "{\"chain\":\"main\",\"blocks\":4294967296}", false },
	{ "index info", read_index_info, "{\"txindex\":{\"synced\":1}}", false },
	{ "mempool info", read_mempool_info, "{\"loaded\":true,\"size\":1.5}", false },
	{ "block count", read_block_count, "-1", false },
	{ "block count too high", read_block_count, "4294967296", false },
	{ "block hash", read_block_hash, "\"" B "b\"", false },
	{ "block hash with a NUL", read_block_hash, "\"" B "\\u0000\"", false },
	{ "another header", read_header, HEADER(C, "3"), false },
	{ "a header without a parent", read_header,
	  "{\"hash\":\"" B "\",\"confirmations\":1,\"height\":1,\"time\":1,\"mediantime\":1}", false },
	{ "a header without confirmations", read_header, "{\"hash\":\"" B "\",\"height\":0,\"time\":1}", false },
	{ "a place", read_tx_place, "{\"txid\":\"" A "\",\"blockhash\":7}", false },
	{ "a transaction", read_raw_tx, "\"zz\"", false },
	{ "a coin of too much", read_coin,
	  "{\"bestblock\":\"" B "\",\"confirmations\":3,\"value\":21000001,\"scriptPubKey\":{\"hex\":\"51\"},"
	  "\"coinbase\":true}",
	  true },
	{ "a coin without a script", read_coin,
	  "{\"bestblock\":\"" B "\",\"confirmations\":3,\"value\":1,\"scriptPubKey\":{},\"coinbase\":true}", true },
	{ "a spend", read_spends, "[{\"txid\":\"" A "\",\"vout\":7,\"spendingtxid\":\"x\"}]", false },
	{ "an entry", read_entry, "{\"vsize\":153,\"weight\":4000001}", false },
	{ "txids", read_txids, "{\"txids\":[7]}", false },
	{ "a fee", read_fee, "{\"feerate\":1e300}", false },
	{ "a test", read_test, "[{\"txid\":\"" A "\",\"allowed\":true}]", false },
	{ "a test without a reason", read_test, "[{\"txid\":\"" A "\",\"allowed\":false}]", false },
	{ "a scan", read_scan, "{\"success\":true,\"height\":1,\"bestblock\":\"" B "\",\"unspents\":[{}]}", false },
	{ "blocks", read_blocks, "{\"from_height\":1,\"to_height\":2,\"relevant_blocks\":[\"x\"]}", false },
	{ "a filter", read_filter, "{\"filter\":\"0\"}", false },
	{ "a new block", read_new_block, "{\"hash\":\"" B "\"}", false },
};

START_TEST(odd_answers_are_refused)
{
	static const char *const never[] = { "7.5", "[]", "{}", "\"\"", "true", "[[]]", "{\"x\":[{}]}" };
	struct jsonrpc_answer a;

	ids();
	a = answer_of(readers[_i].odd);
	ck_fails(readers[_i].read(&a), ERR_PEER_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		if (readers[_i].read == read_index_info && never[i][0] == '{')
			continue; /* no index at all */
		a = answer_of(never[i]);
		ck_fails(readers[_i].read(&a), ERR_PEER_INVALID);
	}
	a = answer_of("null");
	if (readers[_i].takes_null)
		ck_ok(readers[_i].read(&a));
	else
		ck_fails(readers[_i].read(&a), ERR_PEER_INVALID);
	a = error_of(-3);
	ck_fails(readers[_i].read(&a), ERR_PEER);
	ck_assert_int_eq(rerr.peer_code, -3);
	a = error_of(-32601);
	ck_fails(readers[_i].read(&a), ERR_UNSUPPORTED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/chain/bitcoind");
	TCase *q = rails_case(s, "questions"), *j = rails_case(s, "judging"), *a = rails_case(s, "answers");

	tcase_add_test(q, questions);
	tcase_add_test(q, requests);
	tcase_add_loop_test(j, replies_are_judged, 0, ARRAY_LEN(replies));
	tcase_add_test(j, batches_are_judged);
	tcase_add_test(a, about_the_node);
	tcase_add_test(a, about_blocks);
	tcase_add_test(a, a_blocks_bytes);
	tcase_add_test(a, blocks_have_a_size);
	tcase_add_test(a, about_transactions);
	tcase_add_test(a, about_outputs);
	tcase_add_test(a, about_the_mempool);
	tcase_add_test(a, about_fees);
	tcase_add_test(a, scans);
	tcase_add_loop_test(a, odd_answers_are_refused, 0, ARRAY_LEN(readers));
	return suite_run(s);
}
