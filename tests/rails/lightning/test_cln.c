/* spec/splice.md 8.1, U11: requests as 5.1.3 has them, and replies as a node that is broken, or that a peer talks through, might
 * send them.  What a real one sent is in test_cln_recorded.c. */
#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/tx.h"
#include "rails/lightning/cln_wire.h"
#include "tests/support/rails.h"
#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

static const struct ln_backend *const cln = &cln_backend;
static const struct ln_node node = { .call = "wd:a:7", .socket = "/run/ln/lightning-rpc" };

#define CHANNEL "0101010101010101010101010101010101010101010101010101010101010101"
#define PEER    "020202020202020202020202020202020202020202020202020202020202020202"
#define TXID    "0303030303030303030303030303030303030303030303030303030303030303"

static struct ln_ref ref(void)
{
	return (struct ln_ref){ .channel = splice_hash(1), .peer = splice_peer(2) };
}

/* --- requests --- */

/* The whole of what is sent. */
static void sent(const struct net_request *req, const char *method, const char *params)
{
	json_t *got, *want;
	char *text = arena_printf(&ra, "{\"jsonrpc\":\"2.0\",\"id\":\"wd:a:7\",\"method\":\"%s\",\"params\":%s}",
				  method, params);

	ck_assert_str_eq(req->unix_socket, node.socket);
	ck_assert(req->plain_json && req->url == NULL);
	ck_ok(json_parse(&ra, req->body, JSON_DEPTH_MAX, &got, &rerr));
	ck_ok(json_parse(&ra, bytes_of(text), JSON_DEPTH_MAX, &want, &rerr));
	ck_assert_msg(json_equal(got, want), "%s\nis not\n%s", json_text(&ra, got), text);
}

START_TEST(questions)
{
	struct ln_ref r = ref();
	struct net_request req;

	ck_ok(cln->info_request(&ra, &node, &req, &rerr));
	sent(&req, "getinfo", "{}");
	ck_assert(!req.changes_state && req.timeout_ms == LN_READ_MS);
	ck_ok(cln->channels_request(&ra, &node, NULL, &req, &rerr));
	sent(&req, "listpeerchannels", "{}");
	ck_ok(cln->channels_request(&ra, &node, &r, &req, &rerr));
	sent(&req, "listpeerchannels", "{\"channel_id\":\"" CHANNEL "\"}");
	ck_ok(cln->closed_request(&ra, &node, &r, &req, &rerr));
	sent(&req, "listclosedchannels", "{\"id\":\"" PEER "\"}");
	ck_ok(cln->peer_request(&ra, &node, &r, &req, &rerr));
	sent(&req, "listpeers", "{\"id\":\"" PEER "\"}");
	ck_ok(cln->feerates_request(&ra, &node, &req, &rerr));
	sent(&req, "feerates", "{\"style\":\"perkw\"}");
	ck_ok(cln->connect_request(&ra, &node, &r, &req, &rerr));
	sent(&req, "connect", "{\"id\":\"" PEER "\"}");
	ck_assert(req.changes_state && req.timeout_ms == LN_SPLICE_MS);
	ck_ok(cln->disconnect_request(&ra, &node, &r, &req, &rerr));
	sent(&req, "disconnect", "{\"id\":\"" PEER "\",\"force\":true}");
}
END_TEST

/* Only what is read of the coins is asked for: a wallet may have thousands. */
START_TEST(coins_filtered)
{
	struct net_request req;
	json_t *got;

	ck_ok(cln->coins_request(&ra, &node, &req, &rerr));
	ck_ok(json_parse(&ra, req.body, JSON_DEPTH_MAX, &got, &rerr));
	ck_assert_str_eq(vec_str(got, "method"), "listfunds");
	ck_assert_str_eq(
		json_text(&ra, json_object_get(got, "filter")),
		"{\"outputs\":[{\"txid\":true,\"output\":true,\"amount_msat\":true,\"reserved_to_block\":true}]}");
}
END_TEST

START_TEST(contributions)
{
	struct outpoint with[2] = { splice_at(3), splice_at(4) };
	struct ln_fund fund = { .amount = splice_sat(150000), .rate = splice_rate_of(2000), .start = { 640 } };
	struct net_request req;

	ck_ok(cln->fund_request(&ra, &node, &fund, &req, &rerr));
	sent(&req, "fundpsbt",
	     "{\"satoshi\":\"150000sat\",\"feerate\":\"2000perkw\",\"startweight\":640,\"excess_as_change\":true,"
	     "\"reserve\":2016,\"minconf\":1}");
	fund.with = with;
	fund.n_with = 2;
	ck_ok(cln->fund_request(&ra, &node, &fund, &req, &rerr));
	sent(&req, "utxopsbt",
	     "{\"satoshi\":\"150000sat\",\"feerate\":\"2000perkw\",\"startweight\":640,\"excess_as_change\":true,"
	     "\"reserve\":2016,\"utxos\":[\"" TXID
	     ":3\",\"0404040404040404040404040404040404040404040404040404040404040404"
	     ":4\"],\"reservedok\":true}");
	fund.n_with = 0;
	fund.everything = true;
	ck_ok(cln->fund_request(&ra, &node, &fund, &req, &rerr));
	sent(&req, "fundpsbt",
	     "{\"satoshi\":\"all\",\"feerate\":\"2000perkw\",\"startweight\":640,\"excess_as_change\":false,"
	     "\"reserve\":2016,\"minconf\":1}");
	fund.n_with = SPLICE_INPUTS_MAX + 1;
	ck_fails(cln->fund_request(&ra, &node, &fund, &req, &rerr), ERR_RANGE);
	ck_ok(cln->release_request(&ra, &node, "cHNi", &req, &rerr));
	sent(&req, "unreserveinputs", "{\"psbt\":\"cHNi\",\"reserve\":1000000}");
	ck_ok(cln->renew_request(&ra, &node, "cHNi", 150, &req, &rerr));
	sent(&req, "reserveinputs", "{\"psbt\":\"cHNi\",\"reserve\":150,\"exclusive\":false}");
}
END_TEST

START_TEST(paying_a_script)
{
	struct ln_pay pay = { .amount = splice_sat(50000), .network = NETWORK_REGTEST };
	struct net_request req;
	struct spk spk;

	ck_ok(address_parse("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", NETWORK_REGTEST, &spk, &rerr));
	pay.script = spk_bytes(&spk);
	ck_ok(cln->pay_request(&ra, &node, &pay, &req, &rerr));
	sent(&req, "addpsbtoutput",
	     "{\"satoshi\":\"50000sat\",\"destination\":\"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080\"}");
	pay.script.n = 3;
	ck_fails(cln->pay_request(&ra, &node, &pay, &req, &rerr), ERR_ADDRESS);
}
END_TEST

/* A bare number would be taken for a rate of another unit: 5.1.3. */
START_TEST(rounds)
{
	struct ln_open open = { .channel = ref(), .psbt = "cHNi", .rate = splice_rate_of(2000) };
	struct ln_ref r = ref();
	uint32_t inputs[2] = { 2, 1 };
	struct net_request req;

	open.share = (struct splice_share){ .out = true, .by = splice_sat(50775) };
	ck_ok(cln->open_request(&ra, &node, &open, &req, &rerr));
	sent(&req, "splice_init",
	     "{\"channel_id\":\"" CHANNEL "\",\"relative_amount\":-50775,\"initialpsbt\":\"cHNi\","
	     "\"feerate_per_kw\":\"2000perkw\",\"force_feerate\":false}");
	ck_assert(req.changes_state && req.timeout_ms == LN_SPLICE_MS);
	open.share.out = false;
	open.force_rate = true;
	ck_ok(cln->open_request(&ra, &node, &open, &req, &rerr));
	sent(&req, "splice_init",
	     "{\"channel_id\":\"" CHANNEL "\",\"relative_amount\":50775,\"initialpsbt\":\"cHNi\","
	     "\"feerate_per_kw\":\"2000perkw\",\"force_feerate\":true}");
	ck_ok(cln->update_request(&ra, &node, &r, "cHNi", &req, &rerr));
	sent(&req, "splice_update", "{\"channel_id\":\"" CHANNEL "\",\"psbt\":\"cHNi\"}");
	ck_ok(cln->commit_request(&ra, &node, &r, "cHNi", &req, &rerr));
	sent(&req, "splice_signed", "{\"channel_id\":\"" CHANNEL "\",\"psbt\":\"cHNi\"}");
	ck_ok(cln->sign_request(&ra, &node, "cHNi", inputs, 2, &req, &rerr));
	sent(&req, "signpsbt", "{\"psbt\":\"cHNi\",\"signonly\":[2,1]}");
	ck_fails(cln->sign_request(&ra, &node, "cHNi", inputs, 0, &req, &rerr), ERR_RANGE); /* it would sign all */
	ck_ok(cln->abort_request(&ra, &node, &r, &req, &rerr));
	sent(&req, "abort_channels", "{\"channel_ids\":[\"" CHANNEL "\"]}");
}
END_TEST

START_TEST(requests_that_do_not_fit)
{
	struct arena small = ARENA_LIMIT(4096);
	struct ln_node odd = node;
	struct ln_ref r = ref();
	struct net_request req;
	char *psbt = arena_alloc(&ra, LN_PSBT_TEXT_MAX + 2);

	memset(psbt, 'A', LN_PSBT_TEXT_MAX + 1);
	ck_fails(cln->update_request(&ra, &node, &r, psbt, &req, &rerr), ERR_RANGE);
	psbt[5000] = '\0';
	ck_fails(cln->release_request(&small, &node, psbt, &req, &rerr), ERR_RANGE);
	arena_done(&small);
	odd.call = "a\nb";
	ck_fails(cln->info_request(&ra, &odd, &req, &rerr), ERR_RANGE);
	odd.call = psbt;
	ck_fails(cln->info_request(&ra, &odd, &req, &rerr), ERR_RANGE);
}
END_TEST

/* --- replies --- */

static struct net_reply result(const char *json)
{
	return reply_of(200, arena_printf(&ra, "{\"jsonrpc\":\"2.0\",\"id\":\"wd:a:7\",\"result\":%s}\n\n", json));
}

static struct net_reply error(int code, const char *words)
{
	return reply_of(
		200, arena_printf(&ra, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":%d,\"message\":\"%s\"}}",
				  code, words));
}

START_TEST(no_reply)
{
	struct net_reply rep = { .outcome = NET_NOT_SENT, .detail = "no socket" };
	struct splice_trouble t;
	struct ln_info info;

	ck_fails(cln->info_decode(&ra, &rep, &info, &rerr), ERR_PEER_DOWN);
	t = cln->trouble(&rerr);
	ck_assert(t.sign == TROUBLE_PARK && t.wait == SPLICE_WAIT_NODE_UNREACHABLE && !t.alarm);
	rep.outcome = NET_UNKNOWN;
	ck_fails(cln->info_decode(&ra, &rep, &info, &rerr), ERR_TIMEOUT);
	t = cln->trouble(&rerr);
	ck_assert(t.sign == TROUBLE_PROBE && !t.alarm);
}
END_TEST

static const char *const not_replies[] = {
	"",
	"[]",
	"{}",
	"null",
	"{\"result\":{}",
	"{\"result\":[]}",
	"{\"result\":null}",
	"{\"result\":{},\"error\":{\"code\":1,\"message\":\"x\"}}",
	"{\"error\":null}",
	"{\"error\":{}}",
	"{\"error\":{\"code\":\"1\",\"message\":\"x\"}}",
	"{\"error\":{\"code\":1}}",
	"{\"error\":{\"code\":0,\"message\":\"x\"}}",
	"{\"error\":{\"code\":1.5,\"message\":\"x\"}}",
	"{\"error\":{\"code\":4294967296,\"message\":\"x\"}}",
	"{\"error\":{\"code\":18446744073709551615,\"message\":\"x\"}}",
	"{\"result\":{\"a\":1,\"a\":2}}",
	"{\"result\":{}} {\"result\":{}}",
	"{\"result\":{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}}",
};

START_TEST(not_a_reply)
{
	struct net_reply rep = reply_of(200, not_replies[_i]);
	struct splice_trouble t;

	ck_fails(cln->connect_decode(&ra, &rep, &rerr), ERR_PEER_INVALID);
	t = cln->trouble(&rerr);
	ck_assert(t.sign == TROUBLE_PROBE && t.alarm);
}
END_TEST

START_TEST(words_are_made_harmless)
{
	struct net_reply rep = error(362, "Peer aborted for reason: \\u001b[31m\\u0000caf\\u00e9\\n");
	char *longer = arena_alloc(&ra, 1001);

	ck_fails(cln->connect_decode(&ra, &rep, &rerr), ERR_PEER);
	ck_assert_str_eq(rerr.msg, "connect: Peer aborted for reason:  [31m caf   ");
	ck_assert_int_eq(rerr.peer_code, 362);
	memset(longer, 'x', 1000);
	rep = error(362, longer);
	ck_fails(cln->connect_decode(&ra, &rep, &rerr), ERR_PEER);
	ck_assert_uint_eq(strlen(rerr.msg), strlen("connect: ") + SPLICE_FAIL_TEXT_MAX);
}
END_TEST

static const struct {
	int code;
	const char *words;
	struct splice_trouble want;
} errors[] = {
	{ 302, "dust", { .sign = TROUBLE_CLASS, .why = SPLICE_UNKNOWN } },
	{ 304, "syncing", { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_NODE_UNREACHABLE } },
	{ 313, "reserve", { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_LOW_FUNDS } },
	{ 314, "zero", { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_LOW_FUNDS } },
	{ 353, "state", { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_NODE_BUSY } },
	{ 354, "not supported", { .sign = TROUBLE_CLASS, .why = SPLICE_INVALID } },
	{ 355, "busy", { .sign = TROUBLE_BUSY } },
	{ 356, "input", { .sign = TROUBLE_CLASS, .why = SPLICE_STALE, .once = true, .again = SPLICE_INVALID } },
	{ 358,
	  "Can't begin a splice while waiting for STFU.",
	  { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_HTLC_OR_STFU } },
	{ 358, "Can't start stfu when a splice is active", { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_HTLC_OR_STFU } },
	{ 358,
	  "Can't begin a splice while already doing a splice.",
	  { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_HTLC_OR_STFU } },
	{ 358, "Can't update a splice when not in splice mode.", { .sign = TROUBLE_CLASS, .why = SPLICE_DISCONNECT } },
	{ 358,
	  "Feerate 1 is too low. Lower than channel feerate_min 253",
	  { .sign = TROUBLE_CLASS, .why = SPLICE_FEE_LOW } },
	{ 358, "something new", { .sign = TROUBLE_CLASS, .why = SPLICE_UNKNOWN } },
	{ 362, "Peer aborted for reason: requested by user, fee", { .sign = TROUBLE_CLASS, .why = SPLICE_PEER_ABORT } },
	{ 362, "requested by user", { .sign = TROUBLE_CLASS, .why = SPLICE_CANCELLED } },
	{ 362, "Our fee (1sat) was too low", { .sign = TROUBLE_CLASS, .why = SPLICE_FEE_LOW } },
	{ 362, "Splice initiator did not provide enough funding", { .sign = TROUBLE_CLASS, .why = SPLICE_STALE } },
	{ 363, "warning", { .sign = TROUBLE_CLASS, .why = SPLICE_UNKNOWN, .once = true, .again = SPLICE_PROTO_ERR } },
	{ 402, "dropped", { .sign = TROUBLE_PEER } },
	{ -32602, "bad", { .sign = TROUBLE_CLASS, .why = SPLICE_INVALID, .alarm = true } },
	{ -3, "gone", { .sign = TROUBLE_PROBE } },
	{ -5, "gone", { .sign = TROUBLE_PROBE } },
	{ 9999, "what", { .sign = TROUBLE_CLASS, .why = SPLICE_UNKNOWN } },
};

START_TEST(meaning_of_an_error)
{
	const struct splice_trouble *want = &errors[_i].want;
	struct net_reply rep = error(errors[_i].code, errors[_i].words);
	struct splice_trouble t;

	ck_fails(cln->abort_decode(&ra, &rep, &rerr), ERR_PEER);
	t = cln->trouble(&rerr);
	ck_assert_msg(t.sign == want->sign && t.why == want->why && t.wait == want->wait, "%d %s: sign %d, %s, %s",
		      errors[_i].code, errors[_i].words, t.sign, splice_class_name(t.why), splice_wait_name(t.wait));
	ck_assert_msg(t.once == want->once && t.again == want->again && t.alarm == want->alarm, "%d %s",
		      errors[_i].code, errors[_i].words);
}
END_TEST

static const struct {
	const char *version;
	bool too_old;
} versions[] = {
	{ "v26.06", false },
	{ "v26.06.6", false },
	{ "26.06rc1-12-gabcdef", false },
	{ "v26.09.1-modded", false },
	{ "v27.01", false },
	{ "v26.05.9", true },
	{ "v25.12.1", true },
	{ "v26", true },
	{ "26.", true },
	{ "", true },
	{ "abcdef0", true },
	{ "v-26.06", true },
	{ "99999999999999.1", false },
};

START_TEST(how_old_it_is)
{
	struct net_reply rep = result(arena_printf(&ra,
						   "{\"id\":\"" PEER "\",\"version\":\"%s\",\"network\":\"bitcoin\","
						   "\"blockheight\":7,\"warning_bitcoind_sync\":null}",
						   versions[_i].version));
	struct ln_info info;

	ck_ok(cln->info_decode(&ra, &rep, &info, &rerr));
	ck_assert_msg(info.too_old == versions[_i].too_old, "%s", versions[_i].version);
	ck_assert(info.synced && info.height == 7);
}
END_TEST

START_TEST(a_node_that_is_behind)
{
	static const char *const warnings[] = { "warning_bitcoind_sync", "warning_lightningd_sync" };
	struct ln_info info;

	for (size_t i = 0; i < ARRAY_LEN(warnings); i++) {
		struct net_reply rep = result(arena_printf(&ra,
							   "{\"id\":\"" PEER "\",\"version\":\"v26.06\",\"network\":"
							   "\"bitcoin\",\"blockheight\":7,\"%s\":\"behind\"}",
							   warnings[i]));

		ck_ok(cln->info_decode(&ra, &rep, &info, &rerr));
		ck_assert(!info.synced);
	}
}
END_TEST

#define CHANNEL_HEAD                                                                                                   \
	"{\"channel_id\":\"" CHANNEL "\",\"peer_id\":\"" PEER "\",\"funding_txid\":\"" TXID "\",\"funding_outnum\":1," \
	"\"peer_connected\":true,\"reestablished\":true,\"owner\":\"channeld\",\"state\":\"CHANNELD_NORMAL\""

static int channels(const char *list, struct ln_channel **c, size_t *n)
{
	struct net_reply rep = result(arena_printf(&ra, "{\"channels\":[%s]}", list));

	return cln->channels_decode(&ra, &rep, c, n, &rerr);
}

START_TEST(a_channel)
{
	struct ln_channel *c;
	size_t n;

	ck_ok(channels(CHANNEL_HEAD
		       ",\"total_msat\":1000000000,\"to_us_msat\":600000123,\"our_reserve_msat\":10000000,"
		       "\"spendable_msat\":580000000,\"short_channel_id\":\"103x1x0\","
		       "\"max_total_htlc_in_msat\":18446744073709551615,\"inflight\":[{\"funding_txid\":\"" TXID
		       "\",\"funding_outnum\":0,\"feerate\":\"1000perkw\",\"total_funding_msat\":949225000,"
		       "\"splice_amount\":-50775}]},{\"state\":\"OPENINGD\",\"peer_id\":\"" PEER
		       "\",\"peer_connected\":true}",
		       &c, &n));
	ck_assert_uint_eq(n, 1); /* the second has no funding yet */
	ck_assert(c->usable && c->phase == CHANNEL_READY && !c->splicing && c->alt == NULL);
	ck_assert_str_eq(c->short_id, "103x1x0");
	ck_assert(sat_value(c->capacity) == 1000000 && sat_value(c->reserve) == 10000);
	ck_assert(msat_value(c->local) == 600000123 && msat_value(c->spendable) == 580000000);
	ck_assert(c->funding.vout == 1 && c->n_flights == 1);
	ck_assert(c->flights[0].own.out && sat_value(c->flights[0].own.by) == 50775);
	ck_assert(c->flights[0].has_rate && feerate_sat_per_kwu(c->flights[0].rate) == 1000);
	ck_assert_uint_eq(sat_value(c->flights[0].capacity), 949225);
	ck_ok(channels("", &c, &n));
	ck_assert_uint_eq(n, 0);
}
END_TEST

static const struct {
	const char *members; /* in place of those of the head, which stand first */
	enum channel_phase phase;
	bool usable, splicing;
} states[] = {
	{ "\"state\":\"CHANNELD_NORMAL\",\"peer_connected\":true,\"reestablished\":true,\"owner\":\"channeld\"",
	  CHANNEL_READY, true, false },
	{ "\"state\":\"CHANNELD_AWAITING_SPLICE\",\"peer_connected\":true,\"reestablished\":true,\"owner\":\"channeld\"",
	  CHANNEL_READY, true, true },
	{ "\"state\":\"CHANNELD_NORMAL\",\"peer_connected\":true,\"reestablished\":true", CHANNEL_READY, false, false },
	{ "\"state\":\"CHANNELD_NORMAL\",\"peer_connected\":true,\"reestablished\":false,\"owner\":\"channeld\"",
	  CHANNEL_READY, false, false },
	{ "\"state\":\"CHANNELD_NORMAL\",\"peer_connected\":true,\"owner\":\"channeld\"", CHANNEL_READY, false, false },
	{ "\"state\":\"CHANNELD_NORMAL\",\"peer_connected\":false", CHANNEL_READY, false, false },
	{ "\"state\":\"CHANNELD_SHUTTING_DOWN\",\"peer_connected\":true,\"reestablished\":true,\"owner\":\"channeld\"",
	  CHANNEL_CLOSING, false, false },
	{ "\"state\":\"ONCHAIN\",\"peer_connected\":true", CHANNEL_CLOSING, false, false },
	{ "\"state\":\"FUNDING_SPEND_SEEN\",\"peer_connected\":true", CHANNEL_CLOSING, false, false },
	{ "\"state\":\"CHANNELD_AWAITING_LOCKIN\",\"peer_connected\":true,\"reestablished\":true,"
	  "\"owner\":\"channeld\"",
	  CHANNEL_OPENING, false, false },
	{ "\"state\":\"A_STATE_OF_TOMORROW\",\"peer_connected\":true", CHANNEL_OPENING, false, false },
};

START_TEST(state_of_a_channel)
{
	struct ln_channel *c;
	size_t n;

	ck_ok(channels(arena_printf(&ra,
				    "{\"channel_id\":\"" CHANNEL "\",\"peer_id\":\"" PEER "\",\"funding_txid\":\"" TXID
				    "\",\"funding_outnum\":1,%s}",
				    states[_i].members),
		       &c, &n));
	ck_assert_msg(c->phase == states[_i].phase && c->usable == states[_i].usable &&
			      c->splicing == states[_i].splicing,
		      "%s", states[_i].members);
}
END_TEST

static const char *const bad_channels[] = {
	"1",
	"{\"channel_id\":\"" CHANNEL "\",\"funding_txid\":\"" TXID "\"}",
	CHANNEL_HEAD ",\"total_msat\":-1}",
	CHANNEL_HEAD ",\"total_msat\":\"1000msat\"}",
	CHANNEL_HEAD ",\"total_msat\":2100000000000000001}",
	CHANNEL_HEAD ",\"to_us_msat\":18446744073709551615}",
	CHANNEL_HEAD ",\"short_channel_id\":7}",
	CHANNEL_HEAD ",\"inflight\":{}}",
	CHANNEL_HEAD ",\"inflight\":[1]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"00\",\"funding_outnum\":0}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID "\",\"funding_outnum\":4294967296}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID "\",\"funding_outnum\":0,\"splice_amount\":0.5}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID
		     "\",\"funding_outnum\":0,\"splice_amount\":-9223372036854775808}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID
		     "\",\"funding_outnum\":0,\"splice_amount\":2100000000000001}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID "\",\"funding_outnum\":0,\"feerate\":\"1000\"}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID "\",\"funding_outnum\":0,\"feerate\":\"perkw\"}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID
		     "\",\"funding_outnum\":0,\"feerate\":\"99999999999perkw\"}]}",
	CHANNEL_HEAD ",\"inflight\":[{\"funding_txid\":\"" TXID
		     "\",\"funding_outnum\":0,\"feerate\":\"00000000000000000000000000perkw\"}]}",
};

START_TEST(not_a_channel)
{
	struct ln_channel *c;
	size_t n;

	ck_fails(channels(bad_channels[_i], &c, &n), ERR_PEER_INVALID);
	ck_assert_str_eq(rerr.field, ""); /* nobody's parameter is at fault */
}
END_TEST

START_TEST(too_many_flights)
{
	struct buf list = BUF_CAP(1 << 20);
	struct ln_channel *c;
	size_t n;

	buf_text_add(&list, CHANNEL_HEAD ",\"inflight\":[");
	for (unsigned i = 0; i <= LN_FLIGHTS_MAX; i++)
		buf_printf(&list, "%s{\"funding_txid\":\"" TXID "\",\"funding_outnum\":%u}", i ? "," : "", i);
	buf_text_add(&list, "]}");
	ck_fails(channels(buf_text(&list), &c, &n), ERR_PEER_INVALID);
	buf_done(&list);
}
END_TEST

static const struct {
	const char *features;
	bool known, splices;
} features[] = {
	{ "\"4000000000000000\"", true, true },    /* 62 */
	{ "\"8000000000000000\"", true, true },    /* 63 */
	{ "\"2000000000000000\"", true, false },   /* 61 */
	{ "\"010000000000000000\"", true, false }, /* 64 */
	{ "\"c0\"", true, false },
	{ "\"\"", true, false },
	{ "null", false, false },
};

START_TEST(can_the_peer_splice)
{
	struct net_reply rep = result(
		arena_printf(&ra, "{\"peers\":[{\"id\":\"" PEER "\",\"features\":%s}]}", features[_i].features));
	bool known, splices;

	ck_ok(cln->peer_decode(&ra, &rep, &known, &splices, &rerr));
	ck_assert_msg(known == features[_i].known && splices == features[_i].splices, "%s", features[_i].features);
}
END_TEST

START_TEST(a_peer_that_is_not_told_of)
{
	struct net_reply rep = result("{\"peers\":[]}");
	bool known = true, splices = true;

	ck_ok(cln->peer_decode(&ra, &rep, &known, &splices, &rerr));
	ck_assert(!known && !splices);
	rep = result("{\"peers\":[{\"features\":\"0g\"}]}");
	ck_fails(cln->peer_decode(&ra, &rep, &known, &splices, &rerr), ERR_PEER_INVALID);
	rep = result("{\"peers\":[{},{}]}");
	ck_fails(cln->peer_decode(&ra, &rep, &known, &splices, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(closed_or_never_known)
{
	struct net_reply rep = result("{\"closedchannels\":[{\"channel_id\":\"" TXID "\"},{\"channel_id\":\"" CHANNEL
				      "\"}]}");
	struct ln_ref r = ref();
	bool closed;

	ck_ok(cln->closed_decode(&ra, &rep, &r, &closed, &rerr));
	ck_assert(closed);
	r.channel = splice_hash(9);
	ck_ok(cln->closed_decode(&ra, &rep, &r, &closed, &rerr));
	ck_assert(!closed);
	rep = result("{\"closedchannels\":[{}]}");
	ck_fails(cln->closed_decode(&ra, &rep, &r, &closed, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(rates)
{
	struct net_reply rep = result("{\"perkw\":{\"floor\":253,\"max_acceptable\":2530}}");
	struct ln_feerates r;

	ck_ok(cln->feerates_decode(&ra, &rep, &r, &rerr));
	ck_assert_uint_eq(feerate_sat_per_kwu(r.splice), 253); /* without estimates of its own */
	rep = result("{\"perkw\":{\"floor\":253,\"max_acceptable\":2530,\"splice\":300}}");
	ck_ok(cln->feerates_decode(&ra, &rep, &r, &rerr));
	ck_assert_uint_eq(feerate_sat_per_kwu(r.splice), 300);
	rep = result("{\"perkw\":{\"floor\":253,\"max_acceptable\":2530,\"splice\":1000000001}}");
	ck_fails(cln->feerates_decode(&ra, &rep, &r, &rerr), ERR_PEER_INVALID);
	rep = result("{\"perkb\":{\"floor\":253,\"max_acceptable\":2530}}");
	ck_fails(cln->feerates_decode(&ra, &rep, &r, &rerr), ERR_PEER_INVALID);
}
END_TEST

/* All there is: what is left of it when the fee is paid, and no change. */
START_TEST(funded_with_everything)
{
	struct net_reply rep = result("{\"psbt\":\"cHNi\",\"estimated_final_weight\":1100,\"excess_msat\":59400000,"
				      "\"reservations\":[{\"txid\":\"" TXID "\",\"vout\":3}]}");
	struct ln_funded f;

	ck_ok(cln->fund_decode(&ra, &rep, &f, &rerr));
	ck_assert(f.has_excess && sat_value(f.excess) == 59400 && f.weight.v == 1100);
	ck_assert(f.n_inputs == 1 && f.inputs[0].vout == 3);
	/* A node with anchor channels keeps 25,000 sat, as change: Core Lightning v26.06.6 on regtest. */
	rep = result(
		"{\"psbt\":\"cHNi\",\"feerate_per_kw\":2000,\"estimated_final_weight\":1502,\"excess_msat\":501380000,"
		"\"change_outnum\":0,\"reservations\":[{\"txid\":\"" TXID "\",\"vout\":3}]}");
	ck_ok(cln->fund_decode(&ra, &rep, &f, &rerr));
	ck_assert(f.has_excess && sat_value(f.excess) == 501380);
	rep = result("{\"psbt\":\"cHNi\",\"estimated_final_weight\":1100,\"excess_msat\":0,\"reservations\":[]}");
	ck_fails(cln->fund_decode(&ra, &rep, &f, &rerr), ERR_PEER_INVALID);
	rep = result(
		"{\"psbt\":\"cHNi\",\"estimated_final_weight\":4000001,\"excess_msat\":0,\"reservations\":[{\"txid\":\"" TXID
		"\",\"vout\":3}]}");
	ck_fails(cln->fund_decode(&ra, &rep, &f, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(committed)
{
	struct net_reply rep = result("{\"tx\":\"0200\",\"txid\":\"" TXID "\",\"outnum\":1,\"psbt\":\"cHNi\"}");
	struct ln_committed c;

	ck_ok(cln->commit_decode(&ra, &rep, &c, &rerr));
	ck_assert(c.raw.n == 2 && c.vout == 1);
	rep = result("{\"tx\":\"020\",\"txid\":\"" TXID "\",\"outnum\":1}");
	ck_fails(cln->commit_decode(&ra, &rep, &c, &rerr), ERR_PEER_INVALID);
	ck_assert(!c.unsent);
	rep = result("{\"tx\":\"0200\",\"outnum\":1}");
	ck_fails(cln->commit_decode(&ra, &rep, &c, &rerr), ERR_PEER_INVALID);
}
END_TEST

/* One input, one output of 1,000 sat, no witness; and its txid. */
#define UNSENT    "0200000001" TXID "0000000000fdffffff01e803000000000000015100000000"
#define BROADCAST "Error broadcasting splice error code: -26 error message: insufficient fee. Unsent tx discarded "

/* 350: what the node has not kept is taken from its words, where it is a transaction; what it says is no matter. */
START_TEST(committed_and_not_sent)
{
	struct net_reply rep = error(350, BROADCAST UNSENT ".");
	struct ln_committed c = { .vout = 9 };
	struct txid txid;
	struct tx tx;

	ck_ok(cln->commit_decode(&ra, &rep, &c, &rerr));
	ck_assert(c.unsent && c.raw.n == strlen(UNSENT) / 2);
	ck_ok(tx_decode(&ra, c.raw, &tx, &rerr));
	txid = tx_txid(&tx);
	ck_assert(txid_equal(&c.txid, &txid));
	rep = error(350, BROADCAST "NULL.");
	ck_fails(cln->commit_decode(&ra, &rep, &c, &rerr), ERR_PEER);
	ck_assert_int_eq(rerr.peer_code, 350);
	rep = error(350, BROADCAST UNSENT "00."); /* not the whole of it is one */
	ck_fails(cln->commit_decode(&ra, &rep, &c, &rerr), ERR_PEER);
	rep = error(350, BROADCAST UNSENT "0."); /* half a byte */
	ck_fails(cln->commit_decode(&ra, &rep, &c, &rerr), ERR_PEER);
	rep = error(358, BROADCAST UNSENT "."); /* another error */
	ck_fails(cln->commit_decode(&ra, &rep, &c, &rerr), ERR_PEER);
	rep = error(350, "");
	ck_fails(cln->commit_decode(&ra, &rep, &c, &rerr), ERR_PEER);
	ck_assert_int_eq(cln->trouble(&rerr).sign, TROUBLE_SIGNED);
}
END_TEST

START_TEST(coins_and_their_reservations)
{
	struct net_reply rep = result("{\"outputs\":[{\"txid\":\"" TXID "\",\"output\":1,\"amount_msat\":5000,"
				      "\"reserved_to_block\":2135},{\"txid\":\"" TXID
				      "\",\"output\":2,\"amount_msat\":1000}]}");
	struct splice_input *coins;
	size_t n;

	ck_ok(cln->coins_decode(&ra, &rep, &coins, &n, &rerr));
	ck_assert(n == 2 && coins[0].reserved_to == 2135 && coins[1].reserved_to == 0);
	rep = result("{\"outputs\":[{\"txid\":\"" TXID "\",\"output\":1,\"amount_msat\":5000,"
		     "\"reserved_to_block\":-1}]}");
	ck_fails(cln->coins_decode(&ra, &rep, &coins, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(no_room_for_it)
{
	struct arena small = ARENA_LIMIT(64);
	struct net_reply rep = result("{\"channels\":[" CHANNEL_HEAD "}]}");
	struct ln_channel *c;
	size_t n;

	ck_fails(cln->channels_decode(&small, &rep, &c, &n, &rerr), ERR_PEER_INVALID);
	arena_done(&small);
}
END_TEST

START_TEST(what_it_can)
{
	ck_assert_str_eq(cln->name, "cln");
	ck_assert(cln->guarantees == NULL && (cln->caps & LN_STAGED) != 0 && (cln->caps & LN_MERGE_RBF) == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/cln");
	TCase *tc = rails_case(s, "requests");

	tcase_add_test(tc, questions);
	tcase_add_test(tc, coins_filtered);
	tcase_add_test(tc, contributions);
	tcase_add_test(tc, paying_a_script);
	tcase_add_test(tc, rounds);
	tcase_add_test(tc, requests_that_do_not_fit);
	tc = rails_case(s, "replies");
	tcase_add_test(tc, no_reply);
	tcase_add_loop_test(tc, not_a_reply, 0, (int)ARRAY_LEN(not_replies));
	tcase_add_test(tc, words_are_made_harmless);
	tcase_add_loop_test(tc, meaning_of_an_error, 0, (int)ARRAY_LEN(errors));
	tcase_add_loop_test(tc, how_old_it_is, 0, (int)ARRAY_LEN(versions));
	tcase_add_test(tc, a_node_that_is_behind);
	tcase_add_test(tc, a_channel);
	tcase_add_loop_test(tc, state_of_a_channel, 0, (int)ARRAY_LEN(states));
	tcase_add_loop_test(tc, not_a_channel, 0, (int)ARRAY_LEN(bad_channels));
	tcase_add_test(tc, too_many_flights);
	tcase_add_loop_test(tc, can_the_peer_splice, 0, (int)ARRAY_LEN(features));
	tcase_add_test(tc, a_peer_that_is_not_told_of);
	tcase_add_test(tc, closed_or_never_known);
	tcase_add_test(tc, rates);
	tcase_add_test(tc, funded_with_everything);
	tcase_add_test(tc, committed);
	tcase_add_test(tc, committed_and_not_sent);
	tcase_add_test(tc, coins_and_their_reservations);
	tcase_add_test(tc, no_room_for_it);
	tcase_add_test(tc, what_it_can);
	return suite_run(s);
}
