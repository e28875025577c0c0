/* spec/splice.md 5.2: gRPC frames, the HMAC over them, messages by the numbers of their fields, and what a node that is broken
 * might send.  The two MACs were made with another implementation (Python's hmac). */
#include <string.h>

#include "base/text.h"
#include "rails/lightning/ldk_wire.h"
#include "tests/support/rails.h"
#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

static const struct ln_backend *const ldk = &ldk_backend;
static struct secret key;
static struct ln_node node;

#define ALT "340282366920938463463374607431768211455"

static void setup(void)
{
	for (unsigned i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)i;
	node = (struct ln_node){
		.call = "wd:a:7",
		.url = "https://127.0.0.1:3536",
		.ca_file = "/var/lib/ldk/tls.crt",
		.key = &key,
		.now_s = 1700000000,
	};
}

/* --- requests --- */

START_TEST(a_question)
{
	struct net_request req;

	ck_ok(ldk->info_request(&ra, &node, &req, &rerr));
	ck_assert_str_eq(req.method, "POST");
	ck_assert_str_eq(req.url, "https://127.0.0.1:3536/api.LightningNode/GetNodeInfo");
	ck_assert_str_eq(req.content_type, "application/grpc+proto");
	ck_assert_str_eq(req.ca_file, "/var/lib/ldk/tls.crt");
	ck_assert(req.grpc && req.direct && !req.changes_state && !req.plain_json);
	ck_assert_str_eq(hex_text(&ra, req.body), "0000000000");
	ck_assert_uint_eq(req.n_headers, 2);
	ck_assert_str_eq(req.headers[0].name, "te");
	ck_assert_str_eq(req.headers[0].value, "trailers");
	ck_assert_str_eq(req.headers[1].name, "x-auth");
	ck_assert_str_eq(req.headers[1].value,
			 "HMAC 1700000000:8e910463113c7e859952ecd36e6e234bc14e8354daeec0dce79088e26c89e913");
	ck_ok(ldk->channels_request(&ra, &node, NULL, &req, &rerr));
	ck_assert_str_eq(req.url, "https://127.0.0.1:3536/api.LightningNode/ListChannels");
	ck_ok(ldk->balance_request(&ra, &node, &req, &rerr));
	ck_assert_str_eq(req.url, "https://127.0.0.1:3536/api.LightningNode/GetBalances");
	ck_assert(!req.changes_state);
}
END_TEST

static struct ln_open open_of(bool out, uint64_t sat)
{
	return (struct ln_open){
		.channel = { .peer = splice_peer(2), .alt = ALT },
		.share = { .out = out, .by = splice_sat(sat) },
	};
}

static const char *sent(const struct net_request *req)
{
	return hex_text(&ra, (struct bytes){ req->body.p + LDK_FRAME_HEAD, req->body.n - LDK_FRAME_HEAD });
}

/* Fields 1 and 2: the channel, and the peer in hex. */
#define HEAD_FIELDS                                                                                                    \
	"0a27"                                                                                                         \
	"333430323832333636393230393338343633343633333734363037343331373638323131343535"                               \
	"1242"                                                                                                         \
	"303230323032303230323032303230323032303230323032303230323032303230"                                           \
	"323032303230323032303230323032303230323032303230323032303230323032"

START_TEST(a_splice_in)
{
	struct ln_open open = open_of(false, 100000);
	struct net_request req;

	ck_ok(ldk->open_request(&ra, &node, &open, &req, &rerr));
	ck_assert_str_eq(req.url, "https://127.0.0.1:3536/api.LightningNode/SpliceIn");
	ck_assert_str_eq(sent(&req), HEAD_FIELDS "18a08d06");
	ck_assert_str_eq(req.headers[1].value,
			 "HMAC 1700000000:793e5cf1432ab4d3548f8a6840ecb4ce34e1d7a1f203cfcba2fec8f51134f7f2");
	ck_assert(req.changes_state && req.grpc);
	open.everything = true;
	ck_ok(ldk->open_request(&ra, &node, &open, &req, &rerr));
	ck_assert_str_eq(sent(&req), HEAD_FIELDS "2200");
}
END_TEST

START_TEST(a_splice_out)
{
	struct ln_open open = open_of(true, 300);
	struct net_request req;

	open.address = "bcrt1q";
	ck_ok(ldk->open_request(&ra, &node, &open, &req, &rerr));
	ck_assert_str_eq(req.url, "https://127.0.0.1:3536/api.LightningNode/SpliceOut");
	ck_assert_str_eq(sent(&req), HEAD_FIELDS "1a0662637274317120ac02");
	open.address = NULL; /* the node's own */
	ck_ok(ldk->open_request(&ra, &node, &open, &req, &rerr));
	ck_assert_str_eq(sent(&req), HEAD_FIELDS "20ac02");
}
END_TEST

START_TEST(requests_that_do_not_fit)
{
	struct ln_open open = open_of(true, 300);
	struct arena small = ARENA_LIMIT(512);
	struct net_request req;
	char *address = arena_alloc(&ra, 2001);

	memset(address, 'a', 2000);
	open.address = address;
	ck_fails(ldk->open_request(&ra, &node, &open, &req, &rerr), ERR_RANGE);
	open.address = NULL;
	open.channel.alt = NULL;
	ck_fails(ldk->open_request(&ra, &node, &open, &req, &rerr), ERR_RANGE);
	ck_fails(ldk->info_request(&small, &node, &req, &rerr), ERR_RANGE);
	arena_done(&small);
}
END_TEST

/* --- replies --- */

static struct net_reply reply(struct bytes message)
{
	struct buf b = BUF_CAP(message.n + LDK_FRAME_HEAD);
	struct net_reply rep = { .outcome = NET_ANSWERED, .status = 200, .content_type = "", .has_grpc_status = true };

	buf_u8(&b, 0);
	buf_be32(&b, (uint32_t)message.n);
	buf_add_bytes(&b, message);
	rep.body = arena_bytes(&ra, buf_bytes(&b));
	buf_done(&b);
	return rep;
}

static struct net_reply refusal(int status, const char *words)
{
	struct net_reply rep = { .outcome = NET_ANSWERED, .status = 200, .content_type = "", .has_grpc_status = true };

	rep.grpc_status = status;
	snprintf(rep.grpc_message, sizeof(rep.grpc_message), "%s", words);
	return rep;
}

static const char peer_hex[] = "020202020202020202020202020202020202020202020202020202020202020202";
static const char txid_hex[] = "0303030303030303030303030303030303030303030303030303030303030303";

static void put_channel(struct buf *list, const char *alt, const char *peer, const char *txid, bool ready)
{
	struct buf c = BUF_CAP(1024), funding = BUF_CAP(128);

	pb_put_text(&c, 1, "an id that does not stay");
	pb_put_text(&c, 2, peer);
	if (txid) {
		pb_put_text(&funding, 1, txid);
		pb_put_u64(&funding, 2, 1);
		pb_put_message(&c, 3, buf_bytes(&funding));
	}
	pb_put_text(&c, 4, alt);
	pb_put_u64(&c, 8, ready ? 590000123 : 0);
	pb_put_u64(&c, 5, 10000);
	pb_put_u64(&c, 6, 1000000);
	pb_put_u64(&c, 13, ready);
	pb_put_u64(&c, 14, 1);
	pb_put_u64(&c, 99, 7); /* of a later version */
	pb_put_message(list, 1, buf_bytes(&c));
	buf_done(&funding);
	buf_done(&c);
}

START_TEST(channels)
{
	struct buf list = BUF_CAP(4096);
	struct net_reply rep;
	struct ln_channel *c;
	size_t n;

	put_channel(&list, "258", peer_hex, txid_hex, true);
	put_channel(&list, "7", peer_hex, NULL, true); /* no funding yet */
	put_channel(&list, ALT, peer_hex, txid_hex, false);
	rep = reply(buf_bytes(&list));
	ck_ok(ldk->channels_decode(&ra, &rep, &c, &n, &rerr));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(c[0].alt, "258");
	ck_assert(c[0].id.b[30] == 1 && c[0].id.b[31] == 2 && c[0].id.b[0] == 0);
	ck_assert(c[0].phase == CHANNEL_READY && c[0].usable && c[0].connected && c[0].reestablished && !c[0].splicing);
	ck_assert(c[0].funding.vout == 1 && c[0].funding.txid.b[0] == 3 && c[0].n_flights == 0);
	ck_assert(sat_value(c[0].capacity) == 1000000 && msat_value(c[0].spendable) == 590000123);
	ck_assert(sat_value(c[0].reserve) == 10000 && msat_value(c[0].local) == 600000123);
	ck_assert(sat_value(c[1].reserve) == 10000 && msat_value(c[1].local) == 0); /* nothing can be sent */
	ck_assert_str_eq(c[0].state, "usable");
	ck_assert(c[1].phase == CHANNEL_OPENING && !c[1].usable && c[1].id.b[16] == 0xff && c[1].id.b[15] == 0);
	buf_done(&list);
}
END_TEST

static const struct {
	const char *name, *alt, *peer, *txid;
} bad_channels[] = {
	{ "no peer", "1", "", NULL },
	{ "half a peer", "1", "0202", NULL },
	{ "a peer of another parity", "1", "050202020202020202020202020202020202020202020202020202020202020202", NULL },
	{ "no name", "", peer_hex, NULL },
	{ "a name that is no number", "1a", peer_hex, NULL },
	{ "a name of more than 128 bits", "340282366920938463463374607431768211456", peer_hex, NULL },
	{ "a long name", "11111111111111111111111111111111111111111111111111111111111111111", peer_hex, NULL },
	{ "half a txid", "1", peer_hex, "0303" },
	{ "no txid", "1", peer_hex, "zz03030303030303030303030303030303030303030303030303030303030303" },
};

START_TEST(not_a_channel)
{
	struct buf list = BUF_CAP(4096);
	struct net_reply rep;
	struct ln_channel *c;
	size_t n;

	put_channel(&list, bad_channels[_i].alt, bad_channels[_i].peer, bad_channels[_i].txid, true);
	rep = reply(buf_bytes(&list));
	ck_fails(ldk->channels_decode(&ra, &rep, &c, &n, &rerr), ERR_PEER_INVALID);
	buf_done(&list);
}
END_TEST

START_TEST(lists_that_are_none)
{
	struct arena small = ARENA_LIMIT(256);
	struct buf list = BUF_CAP(4096);
	struct net_reply rep;
	struct ln_channel *c;
	size_t n;

	rep = reply((struct bytes){ NULL, 0 });
	ck_ok(ldk->channels_decode(&ra, &rep, &c, &n, &rerr));
	ck_assert_uint_eq(n, 0);
	put_channel(&list, "1", peer_hex, txid_hex, true);
	rep = reply(buf_bytes(&list));
	ck_fails(ldk->channels_decode(&small, &rep, &c, &n, &rerr), ERR_PEER_INVALID);
	rep = reply((struct bytes){ list.p, list.n - 1 });
	ck_fails(ldk->channels_decode(&ra, &rep, &c, &n, &rerr), ERR_PEER_INVALID);
	arena_done(&small);
	buf_done(&list);
}
END_TEST

static const char block_hex[] = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

/* block NULL: its hash is not told; network 0: neither is that, or it is the main one. */
static struct bytes info_of(uint64_t height, uint64_t synced, const char *hash, uint64_t network)
{
	struct buf b = BUF_CAP(512), block = BUF_CAP(128);
	struct bytes v;

	if (hash)
		pb_put_text(&block, 1, hash);
	pb_put_u64(&block, 2, height);
	if (network > 0)
		pb_put_u64(&b, 13, network);
	pb_put_text(&b, 1, peer_hex);
	pb_put_message(&b, 3, buf_bytes(&block));
	pb_put_u64(&b, 4, synced);
	v = arena_bytes(&ra, buf_bytes(&b));
	buf_done(&block);
	buf_done(&b);
	return v;
}

static struct bytes info(uint64_t height, uint64_t synced)
{
	return info_of(height, synced, NULL, 0);
}

START_TEST(the_node)
{
	struct net_reply rep = reply(info(812345, 1700000000));
	struct ln_info i;

	ck_ok(ldk->info_decode(&ra, &rep, &i, &rerr));
	ck_assert(i.height == 812345 && i.synced && !i.too_old && i.id.b[0] == 2);
	ck_assert(!i.has_tip && i.chain[0] == '\0' && i.version[0] == '\0');
	rep = reply(info(812345, 0));
	ck_ok(ldk->info_decode(&ra, &rep, &i, &rerr));
	ck_assert(!i.synced);
	rep = reply(info((uint64_t)UINT32_MAX + 1, 1));
	ck_fails(ldk->info_decode(&ra, &rep, &i, &rerr), ERR_PEER_INVALID);
	rep = reply((struct bytes){ NULL, 0 });
	ck_fails(ldk->info_decode(&ra, &rep, &i, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(the_chain_of_the_node)
{
	static const char *const chains[] = { "", "testnet3", "testnet4", "signet", "regtest", "another network" };
	struct net_reply rep;
	struct ln_info i;

	for (unsigned n = 0; n < ARRAY_LEN(chains); n++) {
		rep = reply(info_of(7, 1, block_hex, n));
		ck_ok(ldk->info_decode(&ra, &rep, &i, &rerr));
		ck_assert_str_eq(i.chain, chains[n]);
		ck_assert(i.has_tip && i.tip.b[31] == 1 && i.tip.b[0] == 0x20); /* as shown to people: backwards */
	}
	rep = reply(info_of(7, 1, "01", 4));
	ck_fails(ldk->info_decode(&ra, &rep, &i, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(the_balance)
{
	struct buf b = BUF_CAP(64);
	struct net_reply rep;
	struct sat v;

	pb_put_u64(&b, 1, 9);
	pb_put_u64(&b, 2, 123456);
	pb_put_u64(&b, 3, 25000);
	rep = reply(buf_bytes(&b));
	ck_ok(ldk->balance_decode(&ra, &rep, &v, &rerr));
	ck_assert_uint_eq(sat_value(v), 123456);
	rep = reply((struct bytes){ NULL, 0 }); /* proto3: nothing */
	ck_ok(ldk->balance_decode(&ra, &rep, &v, &rerr));
	ck_assert_uint_eq(sat_value(v), 0);
	pb_put_u64(&b, 2, SAT_MONEY_MAX + 1);
	rep = reply(buf_bytes(&b));
	ck_fails(ldk->balance_decode(&ra, &rep, &v, &rerr), ERR_PEER_INVALID);
	rep = reply((struct bytes){ b.p, 1 });
	ck_fails(ldk->balance_decode(&ra, &rep, &v, &rerr), ERR_PEER_INVALID);
	buf_done(&b);
}
END_TEST

START_TEST(a_splice_is_taken)
{
	struct net_reply rep = reply((struct bytes){ NULL, 0 });
	struct ln_round round;

	ck_ok(ldk->open_decode(&ra, &rep, &round, &rerr));
	ck_assert(round.psbt == NULL && !round.commitments_secured && !round.signatures_secured);
}
END_TEST

static const struct {
	const char *name;
	struct bytes body;
} bad_frames[] = {
	{ "nothing", { NULL, 0 } },
	{ "half a head", { (const uint8_t *)"\0\0\0\0", 4 } },
	{ "compressed", { (const uint8_t *)"\1\0\0\0\0", 5 } },
	{ "less than it says", { (const uint8_t *)"\0\0\0\0\2x", 6 } },
	{ "more than it says", { (const uint8_t *)"\0\0\0\0\0x", 6 } },
	{ "two", { (const uint8_t *)"\0\0\0\0\0\0\0\0\0\0", 10 } },
};

START_TEST(not_a_frame)
{
	struct net_reply rep = reply((struct bytes){ NULL, 0 });
	struct ln_round round;

	rep.body = bad_frames[_i].body;
	ck_fails(ldk->open_decode(&ra, &rep, &round, &rerr), ERR_PEER_INVALID);
	ck_assert(ldk->trouble(&rerr).sign == TROUBLE_PROBE && ldk->trouble(&rerr).alarm);
}
END_TEST

START_TEST(no_reply)
{
	struct net_reply rep = reply((struct bytes){ NULL, 0 });
	struct ln_round round;

	rep.has_grpc_status = false; /* cut off before the trailers */
	ck_fails(ldk->open_decode(&ra, &rep, &round, &rerr), ERR_PEER_INVALID);
	rep.has_grpc_status = true;
	rep.status = 502;
	ck_fails(ldk->open_decode(&ra, &rep, &round, &rerr), ERR_PEER_INVALID);
	rep = (struct net_reply){ .outcome = NET_UNKNOWN, .detail = "reset" };
	ck_fails(ldk->open_decode(&ra, &rep, &round, &rerr), ERR_TIMEOUT);
	ck_assert(ldk->trouble(&rerr).sign == TROUBLE_PROBE && !ldk->trouble(&rerr).alarm &&
		  !ldk->trouble(&rerr).untouched);
	rep = (struct net_reply){ .outcome = NET_NOT_SENT, .detail = "refused" };
	ck_fails(ldk->open_decode(&ra, &rep, &round, &rerr), ERR_PEER_DOWN);
	ck_assert_int_eq(ldk->trouble(&rerr).wait, SPLICE_WAIT_NODE_UNREACHABLE);
	ck_assert(ldk->trouble(&rerr).untouched);
}
END_TEST

static const struct {
	int status;
	struct splice_trouble want;
} statuses[] = {
	{ 3, { .sign = TROUBLE_CLASS, .why = SPLICE_INVALID, .untouched = true } },
	{ 4, { .sign = TROUBLE_PROBE } },
	{ 9, { .sign = TROUBLE_CLASS, .why = SPLICE_UNKNOWN, .untouched = true } },
	{ 12, { .sign = TROUBLE_TOO_OLD, .untouched = true } },
	{ 13, { .sign = TROUBLE_CLASS, .why = SPLICE_UNKNOWN } },
	{ 14, { .sign = TROUBLE_PROBE } },
	{ 16, { .sign = TROUBLE_PARK, .wait = SPLICE_WAIT_NODE_UNREACHABLE, .alarm = true, .untouched = true } },
	{ 77, { .sign = TROUBLE_CLASS, .why = SPLICE_UNKNOWN } },
};

START_TEST(meaning_of_a_status)
{
	struct net_reply rep = refusal(statuses[_i].status, "no%20way%0a%e2%82%ac%4%zz");
	const struct splice_trouble *want = &statuses[_i].want;
	struct splice_trouble t;
	struct ln_round round;

	ck_fails(ldk->open_decode(&ra, &rep, &round, &rerr), statuses[_i].status == 16 ? ERR_PEER_AUTH : ERR_PEER);
	ck_assert_int_eq(rerr.peer_code, statuses[_i].status);
	ck_assert_str_eq(rerr.msg, "splice: no way    %4%zz");
	t = ldk->trouble(&rerr);
	ck_assert_msg(t.sign == want->sign && t.why == want->why && t.wait == want->wait && t.alarm == want->alarm &&
			      t.untouched == want->untouched,
		      "%d: sign %d", statuses[_i].status, t.sign);
}
END_TEST

START_TEST(names_of_channels)
{
	static const char *const bad[] = { "",
					   "01",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "0x1",
					   "340282366920938463463374607431768211456",
					   "9999999999999999999999999999999999999999" };
	struct hash32 id, all = { { 0 } };

	memset(all.b + 16, 0xff, 16);
	ck_assert(ldk_channel_id(ALT, &id) && hash32_equal(&id, &all));
	ck_assert(ldk_channel_id("0", &id) && id.b[31] == 0);
	ck_assert(ldk_channel_id("255", &id) && id.b[31] == 255 && id.b[30] == 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!ldk_channel_id(bad[i], &id), "%s", bad[i]);
}
END_TEST

START_TEST(what_it_cannot)
{
	ck_assert_str_eq(ldk->name, "ldk-server");
	ck_assert_uint_eq(ldk->caps, LN_QUEUE_OFFLINE);
	ck_assert(ldk->guarantees != NULL && ldk->abort_request == NULL && ldk->fund_request == NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/ldk");
	TCase *tc = rails_case(s, "ldk");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_question);
	tcase_add_test(tc, a_splice_in);
	tcase_add_test(tc, a_splice_out);
	tcase_add_test(tc, requests_that_do_not_fit);
	tcase_add_test(tc, channels);
	tcase_add_loop_test(tc, not_a_channel, 0, (int)ARRAY_LEN(bad_channels));
	tcase_add_test(tc, lists_that_are_none);
	tcase_add_test(tc, the_node);
	tcase_add_test(tc, the_chain_of_the_node);
	tcase_add_test(tc, the_balance);
	tcase_add_test(tc, a_splice_is_taken);
	tcase_add_loop_test(tc, not_a_frame, 0, (int)ARRAY_LEN(bad_frames));
	tcase_add_test(tc, no_reply);
	tcase_add_loop_test(tc, meaning_of_a_status, 0, (int)ARRAY_LEN(statuses));
	tcase_add_test(tc, names_of_channels);
	tcase_add_test(tc, what_it_cannot);
	return suite_run(s);
}
