/* What a node may answer, and what it may not; test_exchanges.c has what one did answer. */
#include "rails/evm/rpc_reply.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define Z56     "00000000000000000000000000000000000000000000000000000000"
#define HASH(p) "\"0x" p Z56 "\"" /* p: 8 digits */
#define ADDR    "\"0x5fbdb2315678afecb367f032d93f642f64180aa3\""

static const struct hash32 asked = { { 0xaa, 0xaa, 0xaa, 0xaa } };

/* A result as it comes out of a reply: with NUL where a node may send one. */
static json_t *result_of(const char *json)
{
	static const struct json_rules rules = { .max_depth = 32, .max_values = 1000000, .escaped_nul = true };
	json_t *v;

	ck_assert_msg(json_parse_by(&ra, bytes_of(json), &rules, &v, &rerr) == 0, "%s: %s", rerr.msg, json);
	return v;
}

/* The text with the first occurrence of one thing replaced by another. */
static const char *changed(const char *text, const char *what, const char *with)
{
	const char *at = strstr(text, what);

	ck_assert_msg(at != NULL, "%s lacks %s", text, what);
	return arena_printf(&ra, "%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
}

/* --- single values --- */

static const struct {
	const char *text;
	uint64_t v;
} quantities[] = {
	{ "\"0x0\"", 0 },        { "\"0x1\"", 1 },   { "\"0x7a69\"", 31337 },
	{ "\"0x7A69\"", 31337 }, { "\"0x10\"", 16 }, { "\"0xffffffffffffffff\"", UINT64_MAX },
};

START_TEST(quantity)
{
	uint64_t v;
	uint8_t be[32];
	struct wei wei;

	ck_ok(evm_reply_u64(result_of(quantities[_i].text), &v, &rerr));
	ck_assert_uint_eq(v, quantities[_i].v);
	ck_ok(evm_reply_u256(result_of(quantities[_i].text), be, &rerr));
	for (size_t i = 0; i < 8; i++)
		ck_assert_uint_eq(be[24 + i], (uint8_t)(v >> (8 * (7 - i))));
	ck_assert_uint_eq(be[23], 0);
	ck_ok(evm_reply_wei(result_of(quantities[_i].text), &wei, &rerr));
	ck_assert(wei.hi == 0 && wei.lo == v);
}
END_TEST

static const char *const no_quantities[] = {
	"null",
	"0",
	"\"\"",
	"\"0\"",
	"\"0x\"",
	"\"0X1\"",
	"\"x1\"",
	"\"00x1\"",
	"\"0x00\"",
	"\"0x01\"",
	"\"0xg\"",
	"\"0x1g\"",
	"\"0x 1\"",
	"\"0x-1\"",
	"\"0x+1\"",
	"\" 0x1\"",
	"\"0x1 \"",
	"\"0x1\\u0000\"",
	"\"0x\\u00001\"",
	"\"31337\"",
	"[\"0x1\"]",
	"true",
	"{}",
	"31337.0",
	"\"0x1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
};

START_TEST(no_quantity)
{
	const json_t *v = result_of(no_quantities[_i]);
	struct gas_price price = { 7 };
	struct wei wei = { 7, 7 };
	uint8_t be[32] = { 7 };
	uint64_t n = 7;

	ck_fails(evm_reply_u64(v, &n, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_u256(v, be, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_wei(v, &wei, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_gas_price(v, &price, &rerr), ERR_PEER_INVALID);
	ck_assert(n == 7 && be[0] == 7 && wei.hi == 7 && price.v == 7);
}
END_TEST

START_TEST(ranges)
{
	struct gas_price price;
	struct wei wei;
	uint8_t be[32];
	uint64_t n;

	ck_fails(evm_reply_u64(result_of("\"0x10000000000000000\""), &n, &rerr), ERR_PEER_INVALID);
	ck_ok(evm_reply_wei(result_of("\"0xffffffffffffffffffffffffffffffff\""), &wei, &rerr));
	ck_assert(wei.hi == UINT64_MAX && wei.lo == UINT64_MAX);
	ck_fails(evm_reply_wei(result_of("\"0x100000000000000000000000000000000\""), &wei, &rerr), ERR_PEER_INVALID);
	ck_ok(evm_reply_u256(result_of("\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\""), be,
			     &rerr));
	ck_assert(be[0] == 0xff && be[31] == 0xff);
	ck_ok(evm_reply_gas_price(result_of("\"0x4000000000000000\""), &price, &rerr));
	ck_assert_uint_eq(gas_price_value(price), GAS_PRICE_MAX);
	ck_fails(evm_reply_gas_price(result_of("\"0x4000000000000001\""), &price, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(hashes)
{
	static const char *const bad[] = { "null",
					   "\"0x\"",
					   "\"aaaaaaaa" Z56 "\"",
					   "\"0xaaaaaaa" Z56 "\"",
					   "\"0xaaaaaaaaa" Z56 "\"",
					   "\"0xaaaaaaag" Z56 "\"",
					   "\"0xaaaaaaaa" Z56 "\\u0000\"" };
	struct hash32 h;

	ck_ok(evm_reply_hash(result_of(HASH("aaaaaaaa")), &h, &rerr));
	ck_assert(hash32_equal(&h, &asked));
	ck_ok(evm_reply_hash(result_of(HASH("AAAAAAAA")), &h, &rerr));
	ck_assert(hash32_equal(&h, &asked));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(evm_reply_hash(result_of(bad[i]), &h, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(data)
{
	static const char *const bad[] = {
		"null", "\"\"", "\"0\"", "\"0x0\"", "\"0xabc\"", "\"0xzz\"", "\"0xab\\u0000c\"", "\"0xabcdef\"", "{}"
	};
	struct arena small = ARENA_LIMIT(16);
	struct bytes v;

	ck_ok(evm_reply_data(&ra, result_of("\"0x\""), 2, &v, &rerr));
	ck_assert_uint_eq(v.n, 0);
	ck_ok(evm_reply_data(&ra, result_of("\"0xabCD\""), 2, &v, &rerr));
	ck_assert_str_eq(hex_text(&ra, v), "abcd");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(evm_reply_data(&ra, result_of(bad[i]), 2, &v, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_data(&small, result_of(HASH("aaaaaaaa")), 32, &v, &rerr), ERR_PEER_INVALID);
	arena_done(&small);
}
END_TEST

START_TEST(version)
{
	const char *v;

	ck_ok(evm_reply_version(&ra, result_of("\"Geth/v1.15.0-stable/linux-amd64/go1.24\""), &v, &rerr));
	ck_assert_str_eq(v, "Geth/v1.15.0-stable/linux-amd64/go1.24");
	ck_fails(evm_reply_version(&ra, result_of("7"), &v, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_version(&ra, result_of("\"a\\u0000b\""), &v, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_version(&ra, result_of("\"a\\nb\""), &v, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_version(&ra, json_hold(&ra, json_string(arena_printf(&ra, "%0*d", EVM_VERSION_MAX + 1, 0))),
				   &v, &rerr),
		 ERR_PEER_INVALID);
}
END_TEST

/* --- blocks --- */

#define BLOCK                                                                                                          \
	"{\"number\":\"0x10\",\"hash\":" HASH("bbbbbbbb") ",\"parentHash\":" HASH(                                     \
		"cccccccc") ",\"timestamp\":"                                                                          \
			    "\"0x6553f102\",\"gasLimit\":\"0x1c9c380\",\"baseFeePerGas\":\"0x3b9aca00\",\"transactions\":[1,2]}"

START_TEST(block)
{
	struct evm_block b;
	bool found = false;

	ck_ok(evm_reply_block(result_of(BLOCK), evm_block_tagged(EVM_LATEST), &found, &b, &rerr));
	ck_assert(found && b.number == 16 && b.timestamp_s == 1700000002 && b.gas_limit == 30000000);
	ck_assert(b.hash.b[0] == 0xbb && b.parent_hash.b[0] == 0xcc);
	ck_assert(b.has_base_fee && gas_price_value(b.base_fee) == 1000000000);
	ck_ok(evm_reply_block(result_of(BLOCK), evm_block_at(16), &found, &b, &rerr));
	ck_fails(evm_reply_block(result_of(BLOCK), evm_block_at(17), &found, &b, &rerr), ERR_PEER_INVALID);
	ck_ok(evm_reply_block(result_of(changed(BLOCK, "baseFeePerGas", "x")), evm_block_at(16), &found, &b, &rerr));
	ck_assert(!b.has_base_fee);
}
END_TEST

START_TEST(no_block)
{
	static const char *const bad[][2] = {
		{ "\"0x10\"", "null" },
		{ "\"0x10\"", "\"0x010\"" },
		{ "\"number\":\"0x10\",", "" },
		{ HASH("bbbbbbbb"), "null" },
		{ HASH("cccccccc"), "\"0xcc\"" },
		{ "\"0x6553f102\"", "1700000002" },
		{ "\"0x1c9c380\"", "\"1c9c380\"" },
		{ "\"0x3b9aca00\"", "\"0xffffffffffffffff\"" },
		{ "\"0x3b9aca00\"", "1000000000" },
	};
	struct evm_block b = { .number = 7 };
	bool found = true;

	ck_ok(evm_reply_block(result_of("null"), evm_block_tagged(EVM_FINALIZED), &found, &b, &rerr));
	ck_assert(!found);
	ck_fails(evm_reply_block(result_of("[]"), evm_block_at(16), &found, &b, &rerr), ERR_PEER_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(evm_reply_block(result_of(changed(BLOCK, bad[i][0], bad[i][1])), evm_block_at(16), &found, &b,
					 &rerr),
			 ERR_PEER_INVALID);
	ck_assert_uint_eq(b.number, 7);
}
END_TEST

/* --- logs --- */

#define LOG                                                                                                            \
	"{\"address\":" ADDR ",\"topics\":[" HASH("11111111") "," HASH(                                                \
		"22222222") "],\"data\":\"0xabcd\","                                                                   \
			    "\"blockNumber\":\"0x10\",\"blockHash\":" HASH("bbbbbbbb") ",\"transactionHash\":" HASH(   \
				    "aaaaaaaa") ",\"logIndex\":\"0x3\",\"removed\":false}"

static struct evm_log_filter filter_of(void)
{
	struct evm_log_filter f = { .from = evm_block_at(16), .to = evm_block_at(16) };

	hex_to("5fbdb2315678afecb367f032d93f642f64180aa3", f.address.b, 20);
	return f;
}

START_TEST(some_logs)
{
	struct evm_log_filter f = filter_of();
	struct evm_log *list;
	size_t n;

	ck_ok(evm_reply_logs(&ra, result_of("[]"), &f, &list, &n, &rerr));
	ck_assert_uint_eq(n, 0);
	ck_ok(evm_reply_logs(&ra, result_of("[" LOG "," LOG "]"), &f, &list, &n, &rerr));
	ck_assert_uint_eq(n, 2);
	ck_assert(evm_address_equal(&list[1].address, &f.address));
	ck_assert(list[1].n_topics == 2 && list[1].topics[0].b[0] == 0x11 && list[1].topics[1].b[3] == 0x22);
	ck_assert_str_eq(hex_text(&ra, list[1].data), "abcd");
	ck_assert(list[1].block_number == 16 && list[1].index == 3 && !list[1].removed);
	ck_assert(list[1].block_hash.b[0] == 0xbb && hash32_equal(&list[1].tx_hash, &asked));
	ck_ok(evm_reply_logs(&ra, result_of(changed("[" LOG "]", "false", "true")), &f, &list, &n, &rerr));
	ck_assert(list[0].removed);
	ck_ok(evm_reply_logs(&ra, result_of(changed("[" LOG "]", ",\"removed\":false", "")), &f, &list, &n, &rerr));
	ck_assert(!list[0].removed);
}
END_TEST

START_TEST(no_logs)
{
	static const char *const bad[][2] = {
		{ ADDR, "null" },
		{ ADDR, "\"0x5fbd\"" },
		{ HASH("22222222"), "null" },
		{ HASH("22222222"), "[]" },
		{ HASH("22222222"), HASH("22222222") "," HASH("22222222") "," HASH("22222222") "," HASH("22222222") },
		{ "\"topics\":[", "\"topics\":7,\"x\":[" },
		{ "\"0xabcd\"", "\"0xabc\"" },
		{ "\"0xabcd\"", "null" },
		{ "\"0x10\"", "null" },
		{ "\"0x10\"", "\"0x11\"" },
		{ "\"0x10\"", "\"0xf\"" },
		{ HASH("bbbbbbbb"), "null" },
		{ HASH("aaaaaaaa"), "\"0x\"" },
		{ "\"0x3\"", "3" },
		{ "false", "\"false\"" },
		{ "false", "null" },
		{ LOG, "7" },
	};
	struct evm_log_filter f = filter_of();
	struct evm_log *list = NULL;
	size_t n = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(evm_reply_logs(&ra, result_of(changed("[" LOG "]", bad[i][0], bad[i][1])), &f, &list, &n,
					&rerr),
			 ERR_PEER_INVALID);
	ck_fails(evm_reply_logs(&ra, result_of("null"), &f, &list, &n, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_logs(&ra, result_of("{}"), &f, &list, &n, &rerr), ERR_PEER_INVALID);
	ck_assert(list == NULL && n == 7);
}
END_TEST

START_TEST(logs_are_those_that_were_asked_for)
{
	static const struct hash32 t1 = { { 0x11, 0x11, 0x11, 0x11 } }, t2 = { { 0x22, 0x22, 0x22, 0x22 } };
	struct hash32 any[2] = { t2, t1 };
	struct evm_log_filter f = filter_of();
	const json_t *v = result_of("[" LOG "]");
	struct evm_log *list;
	size_t n;

	f.n_topics = 2;
	ck_ok(evm_reply_logs(&ra, v, &f, &list, &n, &rerr));
	f.topics[0] = (struct evm_topic_filter){ any, 2 };
	f.topics[1] = (struct evm_topic_filter){ &t2, 1 };
	ck_ok(evm_reply_logs(&ra, v, &f, &list, &n, &rerr));
	f.topics[1].any = &t1;
	ck_fails(evm_reply_logs(&ra, v, &f, &list, &n, &rerr), ERR_PEER_INVALID);
	f.topics[1].n = 0;
	f.n_topics = 3;
	ck_fails(evm_reply_logs(&ra, v, &f, &list, &n, &rerr), ERR_PEER_INVALID);
	f = filter_of();
	f.address.b[19] ^= 1;
	ck_fails(evm_reply_logs(&ra, v, &f, &list, &n, &rerr), ERR_PEER_INVALID);
	f = filter_of();
	f.from = evm_block_at(17);
	f.to = evm_block_tagged(EVM_LATEST);
	ck_fails(evm_reply_logs(&ra, v, &f, &list, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(logs_have_limits)
{
	struct arena small = ARENA_LIMIT(4096);
	struct evm_log_filter f = filter_of();
	json_t *list = json_array_in(&ra);
	struct evm_log *logs;
	size_t n;

	for (size_t i = 0; i < 20; i++)
		json_add(list, result_of(LOG));
	ck_ok(evm_reply_logs(&ra, list, &f, &logs, &n, &rerr));
	ck_fails(evm_reply_logs(&small, list, &f, &logs, &n, &rerr), ERR_PEER_INVALID);
	while (json_array_size(list) <= EVM_LOGS_MAX)
		json_add(list, json_array_get(list, 0));
	ck_fails(evm_reply_logs(&ra, list, &f, &logs, &n, &rerr), ERR_PEER_INVALID);
	arena_done(&small);
}
END_TEST

/* --- receipts, transactions --- */

#define RECEIPT                                                                                                                   \
	"{\"status\":\"0x1\",\"transactionHash\":" HASH("aaaaaaaa") ",\"blockHash\":" HASH(                                       \
		"bbbbbbbb") ","                                                                                                   \
			    "\"blockNumber\":\"0x10\",\"gasUsed\":\"0x5208\",\"effectiveGasPrice\":\"0x3b9aca00\",\"from\":" ADDR \
			    ","                                                                                                   \
			    "\"to\":" ADDR ",\"contractAddress\":null,\"logs\":[" LOG                                             \
			    "],\"blockTimestamp\":1700000002}"

START_TEST(receipt)
{
	struct evm_receipt r;
	bool found = false;

	ck_ok(evm_reply_receipt(&ra, result_of(RECEIPT), &asked, &found, &r, &rerr));
	ck_assert(found && r.succeeded && hash32_equal(&r.tx_hash, &asked) && r.block_hash.b[0] == 0xbb);
	ck_assert(r.block_number == 16 && r.gas_used == 21000 && gas_price_value(r.effective_gas_price) == 1000000000);
	ck_assert(r.from.b[0] == 0x5f && r.has_to && r.to.b[19] == 0xa3);
	ck_assert(r.n_logs == 1 && r.logs[0].index == 3);
	ck_ok(evm_reply_receipt(&ra, result_of(changed(RECEIPT, "\"0x1\"", "\"0x0\"")), &asked, &found, &r, &rerr));
	ck_assert(!r.succeeded);
	ck_ok(evm_reply_receipt(&ra, result_of(changed(RECEIPT, "\"to\":" ADDR, "\"to\":null")), &asked, &found, &r,
				&rerr));
	ck_assert(!r.has_to);
}
END_TEST

START_TEST(no_receipt_yet)
{
	const char *pooled = changed(RECEIPT, HASH("bbbbbbbb"), "null");
	struct evm_receipt r;
	bool found = true;

	ck_ok(evm_reply_receipt(&ra, result_of("null"), &asked, &found, &r, &rerr));
	ck_assert(!found);
	found = true;
	ck_ok(evm_reply_receipt(&ra, result_of(changed(pooled, "\"0x10\"", "null")), &asked, &found, &r, &rerr));
	ck_assert(!found);
	ck_fails(evm_reply_receipt(&ra, result_of(pooled), &asked, &found, &r, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(no_receipt)
{
	static const char *const bad[][2] = {
		{ "\"0x1\"", "\"0x2\"" },
		{ "\"status\"", "\"root\"" },
		{ HASH("aaaaaaaa"), HASH("aaaaaaab") },
		{ HASH("bbbbbbbb"), HASH("bbbbbbbc") }, /* the log keeps its own */
		{ "\"0x10\"", "\"0x11\"" },
		{ "\"0x5208\"", "null" },
		{ "\"0x3b9aca00\"", "null" },
		{ "\"from\":" ADDR, "\"from\":null" },
		{ "\"to\":" ADDR, "\"to\":\"0x\"" },
		{ "\"logs\":[" LOG "]", "\"logs\":null" },
		{ "\"logs\":[" LOG "]", "\"x\":1" },
		{ HASH("aaaaaaaa") ",\"logIndex\"", HASH("aaaaaaab") ",\"logIndex\"" },
	};
	struct evm_receipt r = { .gas_used = 7 };
	bool found;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(evm_reply_receipt(&ra, result_of(changed(RECEIPT, bad[i][0], bad[i][1])), &asked, &found, &r,
					   &rerr),
			 ERR_PEER_INVALID);
	ck_fails(evm_reply_receipt(&ra, result_of("\"0x\""), &asked, &found, &r, &rerr), ERR_PEER_INVALID);
	ck_assert_uint_eq(r.gas_used, 7);
}
END_TEST

#define TX                                                                                                             \
	"{\"hash\":" HASH("aaaaaaaa") ",\"from\":" ADDR ",\"nonce\":\"0x2\",\"blockHash\":" HASH(                      \
		"bbbbbbbb") ","                                                                                        \
			    "\"blockNumber\":\"0x10\",\"input\":\"0x\"}"

START_TEST(transaction)
{
	const char *pooled = changed(changed(TX, HASH("bbbbbbbb"), "null"), "\"0x10\"", "null");
	static const char *const bad[][2] = {
		{ HASH("aaaaaaaa"), HASH("aaaaaaab") },
		{ HASH("bbbbbbbb"), "null" },
		{ "\"0x10\"", "null" },
		{ "\"0x2\"", "2" },
		{ "\"from\"", "\"x\"" },
	};
	struct evm_tx_status t;
	bool found;

	ck_ok(evm_reply_tx(result_of(TX), &asked, &found, &t, &rerr));
	ck_assert(found && t.mined && t.block_number == 16 && t.block_hash.b[0] == 0xbb && t.nonce == 2);
	ck_assert(hash32_equal(&t.hash, &asked) && t.from.b[0] == 0x5f);
	ck_ok(evm_reply_tx(result_of(pooled), &asked, &found, &t, &rerr));
	ck_assert(found && !t.mined);
	ck_ok(evm_reply_tx(result_of("null"), &asked, &found, &t, &rerr));
	ck_assert(!found);
	ck_fails(evm_reply_tx(result_of("7"), &asked, &found, &t, &rerr), ERR_PEER_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(evm_reply_tx(result_of(changed(TX, bad[i][0], bad[i][1])), &asked, &found, &t, &rerr),
			 ERR_PEER_INVALID);
}
END_TEST

/* --- fees --- */

#define HISTORY                                                                                                        \
	"{\"oldestBlock\":\"0x8\",\"baseFeePerGas\":[\"0x1\",\"0x2\",\"0x3\"],\"gasUsedRatio\":[0,0.5],"               \
	"\"reward\":[[\"0x4\",\"0x5\"],[\"0x6\",\"0x7\"]]}"

START_TEST(fee_history)
{
	struct evm_fee_history h;

	ck_ok(evm_reply_fee_history(&ra, result_of(HISTORY), 2, &h, &rerr));
	ck_assert(h.oldest_block == 8 && h.n_base_fees == 3 && h.n_rewards == 2);
	ck_assert(gas_price_value(h.base_fees[2]) == 3 && gas_price_value(h.rewards[0][1]) == 6);
	ck_assert(gas_price_value(h.rewards[1][0]) == 5 && gas_price_value(h.rewards[1][1]) == 7);
	ck_ok(evm_reply_fee_history(&ra, result_of(HISTORY), 0, &h, &rerr));
	ck_assert_uint_eq(h.n_rewards, 0);
	ck_ok(evm_reply_fee_history(&ra, result_of(changed(HISTORY, "\"reward\":", "\"reward\":null,\"x\":")), 2, &h,
				    &rerr));
	ck_assert(h.n_rewards == 0 && h.n_base_fees == 3);
	ck_ok(evm_reply_fee_history(
		&ra, result_of("{\"oldestBlock\":\"0x0\",\"baseFeePerGas\":[\"0x1\"],\"reward\":[]}"), 2, &h, &rerr));
	ck_assert(h.n_rewards == 0 && h.n_base_fees == 1);
}
END_TEST

START_TEST(no_fee_history)
{
	static const char *const bad[][2] = {
		{ "\"0x8\"", "8" },
		{ "[\"0x1\",\"0x2\",\"0x3\"]", "[]" },
		{ "[\"0x1\",\"0x2\",\"0x3\"]", "null" },
		{ "[\"0x1\",\"0x2\",\"0x3\"]", "[\"0x1\",\"0x2\"]" }, /* as many rewards as base fees */
		{ "\"0x2\"", "2" },
		{ "\"0x2\"", "\"0xffffffffffffffff\"" },
		{ "[\"0x4\",\"0x5\"]", "[\"0x4\"]" },
		{ "[\"0x4\",\"0x5\"]", "[\"0x4\",\"0x5\",\"0x6\"]" },
		{ "[\"0x4\",\"0x5\"]", "null" },
		{ "\"0x5\"", "null" },
		{ "\"reward\":[", "\"reward\":7,\"x\":[" },
	};
	struct arena small = ARENA_LIMIT(64);
	struct evm_fee_history h = { .oldest_block = 7 };
	json_t *long_one = json_array_in(&ra), *v = json_object_in(&ra);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(evm_reply_fee_history(&ra, result_of(changed(HISTORY, bad[i][0], bad[i][1])), 2, &h, &rerr),
			 ERR_PEER_INVALID);
	ck_fails(evm_reply_fee_history(&ra, result_of("null"), 2, &h, &rerr), ERR_PEER_INVALID);
	ck_fails(evm_reply_fee_history(&small, result_of(HISTORY), 2, &h, &rerr), ERR_PEER_INVALID);
	for (size_t i = 0; i < EVM_FEE_BLOCKS_MAX + 2; i++)
		json_add_take(long_one, json_string("0x1"));
	json_set_str(v, "oldestBlock", "0x0");
	json_set(v, "baseFeePerGas", long_one);
	ck_fails(evm_reply_fee_history(&ra, v, 0, &h, &rerr), ERR_PEER_INVALID);
	ck_assert_uint_eq(h.oldest_block, 7);
	arena_done(&small);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/rpc_reply");
	TCase *v = rails_case(s, "values"), *b = rails_case(s, "blocks"), *l = rails_case(s, "logs");
	TCase *r = rails_case(s, "receipts"), *f = rails_case(s, "fees");

	tcase_add_loop_test(v, quantity, 0, ARRAY_LEN(quantities));
	tcase_add_loop_test(v, no_quantity, 0, ARRAY_LEN(no_quantities));
	tcase_add_test(v, ranges);
	tcase_add_test(v, hashes);
	tcase_add_test(v, data);
	tcase_add_test(v, version);
	tcase_add_test(b, block);
	tcase_add_test(b, no_block);
	tcase_add_test(l, some_logs);
	tcase_add_test(l, no_logs);
	tcase_add_test(l, logs_are_those_that_were_asked_for);
	tcase_add_test(l, logs_have_limits);
	tcase_add_test(r, receipt);
	tcase_add_test(r, no_receipt_yet);
	tcase_add_test(r, no_receipt);
	tcase_add_test(r, transaction);
	tcase_add_test(f, fee_history);
	tcase_add_test(f, no_fee_history);
	return suite_run(s);
}
