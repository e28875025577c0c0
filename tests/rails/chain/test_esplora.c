/* What an Esplora server is asked, and what its answers are made of. */
#include <string.h>

#include "base/text.h"
#include "rails/chain/esplora_call.h"
#include "rails/chain/esplora_reply.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
/* SHA-256 of "Q", which is OP_1: not reversed. */
#define SCRIPT_HASH "4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260"

static struct txid txid;
static struct block_hash hash;
static struct outpoint at;

static void ids(void)
{
	ck_assert(txid_parse(A, &txid) && block_hash_parse(B, &hash));
	at = (struct outpoint){ txid, 7 };
}

/* --- questions --- */

static struct esplora_target target;
static struct net_request req;

static void assert_get(const char *path)
{
	ck_assert_str_eq(req.method, "GET");
	ck_assert_str_eq(req.url, path);
	ck_assert(req.body.n == 0 && req.timeout_ms == 30000 && req.max_reply > 0 && req.max_reply <= 16777216);
}

static void assert_post(const char *path, const char *body)
{
	ck_assert_str_eq(req.method, "POST");
	ck_assert_str_eq(req.url, path);
	ck_assert(bytes_equal(req.body, bytes_of(body)));
}

START_TEST(questions)
{
	static const uint8_t raw[] = { 0xde, 0xad };
	struct bytes both[2] = { { raw, 2 }, { raw, 1 } };

	ids();
	target = (struct esplora_target){ &ra, "https://x/api" };
	esplora_ask_tip(&target, &req);
	assert_get("https://x/api/blocks/tip/hash");
	esplora_ask_block_hash(&target, UINT32_MAX, &req);
	assert_get("https://x/api/block-height/4294967295");
	esplora_ask_header(&target, &hash, &req);
	assert_get("https://x/api/block/" B);
	esplora_ask_header_status(&target, &hash, &req);
	assert_get("https://x/api/block/" B "/status");
	esplora_ask_block(&target, &hash, &req);
	assert_get("https://x/api/block/" B "/raw");
	esplora_ask_tx(&target, &txid, &req);
	assert_get("https://x/api/tx/" A);
	esplora_ask_raw_tx(&target, &txid, &req);
	assert_get("https://x/api/tx/" A "/raw");
	esplora_ask_outspend(&target, &at, &req);
	assert_get("https://x/api/tx/" A "/outspend/7");
	esplora_ask_script(&target, bytes_of("Q"), &req);
	assert_get("https://x/api/scripthash/" SCRIPT_HASH);
	esplora_ask_history(&target, bytes_of("Q"), NULL, &req);
	assert_get("https://x/api/scripthash/" SCRIPT_HASH "/txs");
	esplora_ask_history(&target, bytes_of("Q"), &txid, &req);
	assert_get("https://x/api/scripthash/" SCRIPT_HASH "/txs/chain/" A);
	esplora_ask_fees(&target, &req);
	assert_get("https://x/api/fee-estimates");
	esplora_ask_send(&target, both[0], &req);
	assert_post("https://x/api/tx", "dead");
	esplora_ask_package(&target, both, 2, &req);
	assert_post("https://x/api/txs/package", "[\"dead\",\"de\"]");
	esplora_ask_package(&target, NULL, 0, &req);
	assert_post("https://x/api/txs/package", "[]");
}
END_TEST

/* --- answers --- */

#define CONFIRMED "\"status\":{\"confirmed\":true,\"block_height\":9,\"block_hash\":\"" B "\",\"block_time\":1}"
#define WAITING   "\"status\":{\"confirmed\":false}"
#define TX(status)                                                                                                            \
	"{\"txid\":\"" A                                                                                                      \
	"\",\"version\":2,\"locktime\":0,\"size\":100,\"weight\":609,\"fee\":1000,\"vin\":[{\"txid\":\"" C                    \
	"\",\"vout\":1,\"is_coinbase\":false,\"sequence\":1,\"witness\":[\"00\"],\"prevout\":{\"scriptpubkey\":\"51\","       \
	"\"value\":5}}],\"vout\":[{\"scriptpubkey\":\"51024e73\",\"value\":240},{\"scriptpubkey\":\"\",\"value\":0}]," status \
	"}"

START_TEST(blocks)
{
	struct net_reply rep = reply_of(200, B);
	struct block_hash got;
	struct chain_header h;
	bool found, best;

	ids();
	ck_ok(esplora_reply_hash(&rep, &found, &got, &rerr));
	ck_assert(found && block_hash_equal(&got, &hash));
	rep = reply_of(200, B "\r\n");
	ck_ok(esplora_reply_hash(&rep, &found, &got, &rerr));
	ck_assert(found);
	rep = reply_of(404, "Block not found");
	ck_ok(esplora_reply_hash(&rep, &found, &got, &rerr));
	ck_assert(!found);
	rep = reply_of(200, "{\"id\":\"" B "\",\"height\":9,\"version\":1,\"timestamp\":1700000000,\"tx_count\":2,"
			    "\"mediantime\":1699999000,\"previousblockhash\":\"" C "\",\"difficulty\":4.6e-10}");
	ck_ok(esplora_reply_header(&ra, &rep, &hash, &found, &h, &rerr));
	ck_assert(found && h.ref.height == 9 && h.time_s == 1700000000 && h.prev.b[0] == 0xcc);
	hash.b[0] ^= 1;
	ck_fails(esplora_reply_header(&ra, &rep, &hash, &found, &h, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200,
		       "{\"id\":\"" B "\",\"height\":0,\"timestamp\":1,\"mediantime\":1,\"previousblockhash\":null}");
	hash.b[0] ^= 1;
	ck_ok(esplora_reply_header(&ra, &rep, &hash, &found, &h, &rerr));
	ck_assert_int_eq(h.prev.b[0], 0);
	rep = reply_of(200, "{\"in_best_chain\":true,\"height\":9,\"next_best\":null}");
	ck_ok(esplora_reply_header_status(&ra, &rep, &found, &best, &rerr));
	ck_assert(found && best);
}
END_TEST

START_TEST(transactions)
{
	struct net_reply rep = reply_of(200, TX(CONFIRMED));
	struct esplora_tx tx;
	struct chain_spend s;
	bool found;

	ids();
	ck_ok(esplora_reply_tx(&ra, &rep, &txid, &found, &tx, &rerr));
	ck_assert(found && tx.status.place == CHAIN_CONFIRMED && tx.status.block.height == 9 && !tx.coinbase);
	ck_assert(sat_value(tx.fee) == 1000 && tx.weight.v == 609 && tx.n_spends == 1 && tx.spends[0].b[0] == 0xcc);
	ck_assert(tx.n_outs == 2 && sat_value(tx.outs[0].value) == 240 && tx.outs[0].script.n == 4);
	rep = reply_of(200, TX(WAITING));
	ck_ok(esplora_reply_tx(&ra, &rep, &txid, &found, &tx, &rerr));
	ck_assert_int_eq(tx.status.place, CHAIN_MEMPOOL);
	txid.b[0] ^= 1;
	ck_fails(esplora_reply_tx(&ra, &rep, &txid, &found, &tx, &rerr), ERR_PEER_INVALID);
	rep = reply_of(404, "Transaction not found");
	ck_ok(esplora_reply_tx(&ra, &rep, &txid, &found, &tx, &rerr));
	ck_assert(!found);

	rep = reply_of(200, "{\"spent\":false}");
	ck_ok(esplora_reply_outspend(&ra, &rep, &s, &rerr));
	ck_assert_int_eq(s.state, CHAIN_UNSPENT);
	rep = reply_of(200, "{\"spent\":true,\"txid\":\"" C "\",\"vin\":0," WAITING "}");
	ck_ok(esplora_reply_outspend(&ra, &rep, &s, &rerr));
	ck_assert(s.state == CHAIN_SPENT_MEMPOOL && s.spender.b[0] == 0xcc);
	rep = reply_of(200, "{\"spent\":true,\"txid\":\"" C "\",\"vin\":0," CONFIRMED "}");
	ck_ok(esplora_reply_outspend(&ra, &rep, &s, &rerr));
	ck_assert(s.state == CHAIN_SPENT_MINED && s.block.height == 9 && block_hash_equal(&s.block.hash, &hash));
}
END_TEST

START_TEST(scripts)
{
	struct net_reply rep = reply_of(
		200, "{\"scripthash\":\"00\",\"chain_stats\":{\"tx_count\":3,\"funded_txo_sum\":1},\"mempool_stats\":{"
		     "\"tx_count\":1}}");
	struct chain_seen page[ESPLORA_PAGE_MAX];
	struct chain_script_stats st;
	size_t n;

	ids();
	ck_ok(esplora_reply_script(&ra, &rep, &st, &rerr));
	ck_assert(st.confirmed == 3 && st.mempool == 1);
	rep = reply_of(200, "[" TX(WAITING) "," TX(CONFIRMED) "]");
	ck_ok(esplora_reply_history(&ra, &rep, page, &n, &rerr));
	ck_assert(n == 2 && page[0].status.place == CHAIN_MEMPOOL && page[1].status.block.height == 9);
	rep = reply_of(200, "[]");
	ck_ok(esplora_reply_history(&ra, &rep, page, &n, &rerr));
	ck_assert_uint_eq(n, 0);
	rep = reply_of(200, "[0]");
	ck_fails(esplora_reply_history(&ra, &rep, page, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(a_page_has_a_limit)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);
	struct chain_seen page[ESPLORA_PAGE_MAX];
	struct net_reply rep = reply_of(200, "");
	size_t n;

	for (int i = 0; i < ESPLORA_PAGE_MAX; i++)
		buf_printf(&text, "%s{\"txid\":\"" A "\"," WAITING "}", i == 0 ? "[" : ",");
	buf_text_add(&text, "]");
	rep.body = buf_bytes(&text);
	ck_ok(esplora_reply_history(&ra, &rep, page, &n, &rerr));
	ck_assert_uint_eq(n, ESPLORA_PAGE_MAX);
	text.n--;
	buf_text_add(&text, ",{\"txid\":\"" A "\"," WAITING "}]");
	rep.body = buf_bytes(&text);
	ck_fails(esplora_reply_history(&ra, &rep, page, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(fees)
{
	struct net_reply rep = reply_of(200, "{\"1\":87.882,\"2\":87.882,\"3\":1e1,\"144\":1.027,\"1008\":1}");
	struct fee_estimates e;

	ck_ok(esplora_reply_fees(&ra, &rep, &e, &rerr));
	ck_assert(e.has[FEE_FAST] && feerate_sat_per_kwu(e.rate[FEE_FAST]) == 21971); /* 21970.5 */
	ck_assert(e.has[FEE_REGULAR] && feerate_sat_per_kwu(e.rate[FEE_REGULAR]) == 2500);
	ck_assert(!e.has[FEE_SLOW]);
	rep = reply_of(200, "{}");
	ck_ok(esplora_reply_fees(&ra, &rep, &e, &rerr));
	ck_assert(!e.has[FEE_FAST]);
	rep = reply_of(200, "{\"1\":-1}");
	ck_fails(esplora_reply_fees(&ra, &rep, &e, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200, "{\"1\":1e39}");
	ck_fails(esplora_reply_fees(&ra, &rep, &e, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200, "{\"1\":\"NaN\"}");
	ck_fails(esplora_reply_fees(&ra, &rep, &e, &rerr), ERR_PEER_INVALID);
}
END_TEST

static const struct {
	int status;
	const char *body;
	enum broadcast_class class;
	const char *words;
} sends[] = {
	{ 200, A, BROADCAST_OK, "" },
	{ 200, A "\n", BROADCAST_OK, "" },
	{ 200, C, BROADCAST_UNKNOWN, "" },
	{ 200, "", BROADCAST_UNKNOWN, "" },
	{ 400, "sendrawtransaction RPC error: {\"code\":-26,\"message\":\"min relay fee not met, 1 < 2\"}",
	  BROADCAST_FEE_TOO_LOW, "min relay fee not met, 1 < 2" },
	{ 400, "sendrawtransaction RPC error: {\"code\":-27,\"message\":\"Transaction outputs already in utxo set\"}",
	  BROADCAST_OK, "Transaction outputs already in utxo set" },
	{ 400, "Invalid hex string", BROADCAST_OTHER, "Invalid hex string" },
	{ 400, "a\nb\x80", BROADCAST_OTHER, "a b " },
};

START_TEST(sending)
{
	struct net_reply rep = reply_of(sends[_i].status, sends[_i].body);
	enum broadcast_class c;
	const char *words;

	ids();
	ck_ok(esplora_reply_send(&ra, &rep, &txid, &c, &words, &rerr));
	ck_assert_int_eq(c, sends[_i].class);
	ck_assert_str_eq(words, sends[_i].words);
}
END_TEST

START_TEST(packages)
{
	struct net_reply rep = reply_of(200,
					"{\"package_msg\":\"success\",\"tx-results\":{\"" C "\":{\"txid\":\"" A
					"\",\"vsize\":100,\"fees\":{\"base\":1e-5,\"effective-feerate\":2.743e-5}}},"
					"\"replaced-transactions\":[]}");
	struct package_result p;
	bool takes;

	ids();
	ck_ok(esplora_reply_package(&ra, &rep, &txid, 1, &p, &rerr));
	ck_assert(p.class == PACKAGE_OK && sat_value(p.txs[0].fee) == 1000);
	ck_assert_uint_eq(feerate_sat_per_kwu(p.txs[0].rate), (2743 + 3) / 4);
	for (int status = 404; status <= 405; status++) {
		rep = reply_of(status, "<html>");
		ck_ok(esplora_reply_package(&ra, &rep, &txid, 1, &p, &rerr));
		ck_assert_int_eq(p.class, PACKAGE_UNSUPPORTED);
		ck_ok(esplora_takes_packages(&rep, &takes, &rerr));
		ck_assert(!takes);
	}
	rep = reply_of(400, "submitpackage RPC error: {\"code\":-25,\"message\":\"Fee exceeds maximum configured\"}");
	ck_ok(esplora_reply_package(&ra, &rep, &txid, 1, &p, &rerr));
	ck_assert(p.class == PACKAGE_MAX_FEERATE && p.n == 1 && p.culprit == 1);
	ck_ok(esplora_takes_packages(&rep, &takes, &rerr));
	ck_assert(takes);
	rep = reply_of(200, "[]");
	ck_fails(esplora_reply_package(&ra, &rep, &txid, 1, &p, &rerr), ERR_PEER_INVALID);
	rep = reply_of(503, "");
	ck_fails(esplora_takes_packages(&rep, &takes, &rerr), ERR_PEER_BUSY);
}
END_TEST

/* --- every reader, and what no reader takes --- */

static int read_hash(const struct net_reply *rep)
{
	struct block_hash v;
	bool found;

	return esplora_reply_hash(rep, &found, &v, &rerr);
}

static int read_header(const struct net_reply *rep)
{
	struct chain_header v;
	bool found;

	return esplora_reply_header(&ra, rep, &hash, &found, &v, &rerr);
}

static int read_header_status(const struct net_reply *rep)
{
	bool found, v;

	return esplora_reply_header_status(&ra, rep, &found, &v, &rerr);
}

static int read_tx(const struct net_reply *rep)
{
	struct esplora_tx v;
	bool found;

	return esplora_reply_tx(&ra, rep, &txid, &found, &v, &rerr);
}

static int read_raw_tx(const struct net_reply *rep)
{
	struct tx v;
	bool found;

	return esplora_reply_raw_tx(&ra, rep, &txid, &found, &v, &rerr);
}

static int read_outspend(const struct net_reply *rep)
{
	struct chain_spend v;

	return esplora_reply_outspend(&ra, rep, &v, &rerr);
}

static int read_script(const struct net_reply *rep)
{
	struct chain_script_stats v;

	return esplora_reply_script(&ra, rep, &v, &rerr);
}

static int read_history(const struct net_reply *rep)
{
	struct chain_seen v[ESPLORA_PAGE_MAX];
	size_t n;

	return esplora_reply_history(&ra, rep, v, &n, &rerr);
}

static int read_fees(const struct net_reply *rep)
{
	struct fee_estimates v;

	return esplora_reply_fees(&ra, rep, &v, &rerr);
}

static const struct {
	const char *name;
	int (*read)(const struct net_reply *rep);
	const char *odd;
} readers[] = {
	{ "hash", read_hash, B "b" },
	{ "header", read_header, "{\"id\":\"" B "\",\"height\":1,\"timestamp\":1,\"mediantime\":1}" },
	{ "header status", read_header_status, "{\"in_best_chain\":1}" },
	{ "tx without a status", read_tx, "{\"txid\":\"" A "\"}" },
	{ "tx of too much", read_tx,
	  "{\"txid\":\"" A "\",\"fee\":1,\"weight\":4,\"vin\":[],\"vout\":[{\"scriptpubkey\":\"\",\"value\":"
	  "2100000000000001}]," WAITING "}" },
	{ "tx with a fraction", read_tx,
	  "{\"txid\":\"" A "\",\"fee\":1.5,\"weight\":4,\"vin\":[],\"vout\":[]," WAITING "}" },
	{ "tx with a negative fee", read_tx,
	  "{\"txid\":\"" A "\",\"fee\":-1,\"weight\":4,\"vin\":[],\"vout\":[]," WAITING "}" },
	{ "tx in half a block", read_tx,
	  "{\"txid\":\"" A "\",\"fee\":1,\"weight\":4,\"vin\":[],\"vout\":[],\"status\":{\"confirmed\":true,"
	  "\"block_height\":1}}" },
	{ "raw tx", read_raw_tx, "\x01\x02" },
	{ "outspend", read_outspend, "{\"spent\":true,\"txid\":\"x\"," WAITING "}" },
	{ "script", read_script, "{\"chain_stats\":{\"tx_count\":-1},\"mempool_stats\":{\"tx_count\":1}}" },
	{ "history", read_history, "[{\"txid\":\"" A "\"}]" },
	{ "fees", read_fees, "{\"1\":[]}" },
};

static const struct {
	int status;
	enum err_code code;
} statuses[] = { { 400, ERR_PEER },      { 401, ERR_PEER_AUTH }, { 403, ERR_PEER_AUTH }, { 429, ERR_PEER_BUSY },
		 { 503, ERR_PEER_BUSY }, { 500, ERR_PEER_DOWN }, { 502, ERR_PEER_DOWN }, { 301, ERR_PEER_DOWN } };

START_TEST(odd_replies_are_refused)
{
	static const char *const never[] = { "", "7", "\"x\"", "[7]", "{\"status\":7}", "<html>", "{\"a\":1", "[[[[" };
	struct net_reply rep = reply_of(200, readers[_i].odd);

	ids();
	ck_fails(readers[_i].read(&rep), ERR_PEER_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		rep = reply_of(200, never[i]);
		if (readers[_i].read == read_fees && never[i][0] == '{' && strchr(never[i], '}') != NULL)
			continue; /* no estimate that we look for */
		ck_fails(readers[_i].read(&rep), ERR_PEER_INVALID);
	}
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		rep = reply_of(statuses[i].status, "words");
		rep.retry_after_s = 5;
		ck_fails(readers[_i].read(&rep), statuses[i].code);
		ck_assert_int_eq(rerr.peer_code, statuses[i].status);
		ck_assert(rerr.retry_after_s == (statuses[i].code == ERR_PEER ? 0 : 5));
	}
	rep = reply_of(404, "<html><h1>Not Found</h1>"); /* of a server that is none */
	ck_fails(readers[_i].read(&rep), ERR_PEER_INVALID);
	rep = (struct net_reply){ .outcome = NET_UNKNOWN, .detail = "reset" };
	ck_fails(readers[_i].read(&rep), ERR_PEER_DOWN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/chain/esplora");
	TCase *q = rails_case(s, "questions"), *a = rails_case(s, "answers");

	tcase_add_test(q, questions);
	tcase_add_test(a, blocks);
	tcase_add_test(a, transactions);
	tcase_add_test(a, scripts);
	tcase_add_test(a, a_page_has_a_limit);
	tcase_add_test(a, fees);
	tcase_add_loop_test(a, sending, 0, ARRAY_LEN(sends));
	tcase_add_test(a, packages);
	tcase_add_loop_test(a, odd_replies_are_refused, 0, ARRAY_LEN(readers));
	return suite_run(s);
}
