/* Vectors: tests/vectors/evm/evm_exchanges.json, 71 exchanges with a node (anvil 1.7.1).  Each request that is ours to make
 * is made again from its meaning and compared; each reply is decoded and must say what the recording implies. */
#include <string.h>

#include "base/text.h"
#include "rails/evm/rpc_error.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/send_class.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define EXCHANGES 71

static json_t *request, *response;
static const char *method;
static struct jsonrpc_answer answer;

/* As it would come from the wire, but for its id, which counts on in the recording. */
static void load(size_t i)
{
	const json_t *list = json_object_get(vectors_load("evm/evm_exchanges.json"), "exchanges");
	struct jsonrpc_reply reply;
	struct bytes body;

	ck_assert_uint_eq(json_array_size(list), EXCHANGES);
	request = json_object_get(json_array_get(list, i), "request");
	response = json_object_get(json_array_get(list, i), "response");
	method = vec_str(request, "method");
	ck_assert_uint_eq(vec_u64(request, "id"), vec_u64(response, "id"));
	json_set_u64(request, "id", 1);
	json_set_u64(response, "id", 1);
	body = bytes_of(json_text(&ra, response));
	jsonrpc_decode(&ra, body, 1, &evm_reply_rules, &reply);
	ck_assert_msg(reply.flaw == JSONRPC_FINE, "%zu: %s", i, jsonrpc_flaw_text(reply.flaw));
	answer = reply.answers[0];
	ck_assert_msg(answer.flaw == JSONRPC_FINE, "%zu: %s", i, jsonrpc_flaw_text(answer.flaw));
}

static json_t *result(size_t i)
{
	json_t *v;

	load(i);
	ck_ok(jsonrpc_result(&answer, &v, &rerr));
	return v;
}

static const json_t *param(size_t i)
{
	return json_array_get(json_object_get(request, "params"), i);
}

static const char *text(const json_t *v)
{
	ck_assert(json_is_string(v));
	return json_string_value(v);
}

static struct evm_address address_in(const json_t *v)
{
	struct evm_address a;

	hex_to(text(v) + 2, a.b, sizeof(a.b));
	return a;
}

static struct hash32 hash_in(const json_t *v)
{
	struct hash32 h;

	hex_to(text(v) + 2, h.b, sizeof(h.b));
	return h;
}

static struct bytes data_in(const json_t *v)
{
	struct bytes d;

	ck_assert(hex_decode_any(&ra, text(v) + 2, 65536, &d));
	return d;
}

static struct evm_block_ref block_in(const json_t *v)
{
	uint64_t number;

	if (strcmp(text(v), "latest") == 0)
		return evm_block_tagged(EVM_LATEST);
	if (strcmp(text(v), "pending") == 0)
		return evm_block_tagged(EVM_PENDING);
	ck_ok(evm_reply_u64(v, &number, &rerr));
	return evm_block_at(number);
}

static struct evm_message message_in(const json_t *v)
{
	struct evm_message m = { .to = address_in(json_object_get(v, "to")),
				 .data = data_in(json_object_get(v, "data")) };

	if (json_object_get(v, "from") != NULL) {
		struct evm_address *from = ARENA_NEW(&ra, struct evm_address);

		*from = address_in(json_object_get(v, "from"));
		m.from = from;
	}
	return m;
}

static struct evm_topic_filter topic_in(const json_t *v)
{
	size_t n = json_is_array(v) ? json_array_size(v) : json_is_null(v) ? 0 : 1;
	struct hash32 *any = ARENA_ARRAY(&ra, n, struct hash32);

	for (size_t i = 0; i < n; i++)
		any[i] = hash_in(json_is_array(v) ? json_array_get(v, i) : v);
	return (struct evm_topic_filter){ any, n };
}

static struct evm_log_filter filter_in(const json_t *v)
{
	const json_t *topics = json_object_get(v, "topics");
	struct evm_log_filter f = { .from = block_in(json_object_get(v, "fromBlock")),
				    .to = block_in(json_object_get(v, "toBlock")),
				    .address = address_in(json_object_get(v, "address")),
				    .n_topics = json_array_size(topics) };

	for (size_t i = 0; i < f.n_topics; i++)
		f.topics[i] = topic_in(json_array_get(topics, i));
	return f;
}

static void ask_fees(struct jsonrpc_batch *b)
{
	const json_t *list = param(2);
	uint8_t percentiles[EVM_FEE_PERCENTILES_MAX];
	uint64_t blocks;

	ck_ok(evm_reply_u64(param(0), &blocks, &rerr));
	for (size_t i = 0; i < json_array_size(list); i++)
		percentiles[i] = (uint8_t)json_integer_value(json_array_get(list, i));
	evm_ask_fee_history(b, (uint32_t)blocks, block_in(param(1)), percentiles, json_array_size(list));
}

static void ask_call(struct jsonrpc_batch *b)
{
	struct evm_message m = message_in(param(0));

	evm_ask_call(b, &m, block_in(param(1)));
}

static void ask_estimate(struct jsonrpc_batch *b)
{
	struct evm_message m = message_in(param(0));

	evm_ask_estimate(b, &m, block_in(param(1)));
}

static void ask_logs(struct jsonrpc_batch *b)
{
	struct evm_log_filter f = filter_in(param(0));

	evm_ask_logs(b, &f);
}

/* False: the method is not ours. */
static bool ask(struct jsonrpc_batch *b)
{
	struct evm_address account;
	struct hash32 tx;

	if (strcmp(method, "eth_chainId") == 0)
		evm_ask_chain_id(b);
	else if (strcmp(method, "web3_clientVersion") == 0)
		evm_ask_client_version(b);
	else if (strcmp(method, "eth_blockNumber") == 0)
		evm_ask_block_number(b);
	else if (strcmp(method, "eth_maxPriorityFeePerGas") == 0)
		evm_ask_priority_fee(b);
	else if (strcmp(method, "eth_getBlockByNumber") == 0)
		evm_ask_block(b, block_in(param(0)));
	else if (strcmp(method, "eth_sendRawTransaction") == 0)
		evm_ask_send(b, data_in(param(0)));
	else if (strcmp(method, "eth_feeHistory") == 0)
		ask_fees(b);
	else if (strcmp(method, "eth_call") == 0)
		ask_call(b);
	else if (strcmp(method, "eth_estimateGas") == 0)
		ask_estimate(b);
	else if (strcmp(method, "eth_getLogs") == 0)
		ask_logs(b);
	else if (strcmp(method, "eth_getTransactionCount") == 0) {
		account = address_in(param(0));
		evm_ask_tx_count(b, &account, block_in(param(1)));
	} else if (strcmp(method, "eth_getTransactionReceipt") == 0) {
		tx = hash_in(param(0));
		evm_ask_receipt(b, &tx);
	} else if (strcmp(method, "eth_getTransactionByHash") == 0) {
		tx = hash_in(param(0));
		evm_ask_tx(b, &tx);
	} else
		return false;
	return true;
}

/* Ours are lower case; the recording spells some addresses with their checksum. */
static const char *lower_hex(char *json)
{
	for (char *p = json; (p = strstr(p, "\"0x")) != NULL; p++)
		for (char *c = p + 3; *c != '"'; c++)
			if (*c >= 'A' && *c <= 'F')
				*c = (char)(*c - 'A' + 'a');
	return json;
}

START_TEST(requests)
{
	struct jsonrpc_batch b = jsonrpc_batch_in(&ra);
	struct bytes got;
	json_t *v;

	load((size_t)_i);
	if (!ask(&b)) {
		ck_assert_str_eq(method, "anvil_reorg");
		return;
	}
	ck_ok(jsonrpc_encode(&b, &got, &rerr));
	ck_ok(json_parse(&ra, got, JSON_DEPTH_MAX, &v, &rerr));
	ck_assert_str_eq(json_canonical(&ra, v), lower_hex(json_canonical(&ra, request)));
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		size_t i;
		uint64_t v;
	} rows[] = { { 0, 31337 }, { 6, 0 }, { 7, 0 }, { 12, 84733 }, { 16, 2 }, { 31, 3 }, { 38, 3 }, { 56, 3 } };
	struct gas_price tip;
	const char *version;

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		uint64_t v;

		ck_ok(evm_reply_u64(result(rows[k].i), &v, &rerr));
		ck_assert_uint_eq(v, rows[k].v);
	}
	ck_ok(evm_reply_gas_price(result(9), &tip, &rerr));
	ck_assert_uint_eq(gas_price_value(tip), 1000000000);
	ck_ok(evm_reply_version(&ra, result(1), &version, &rerr));
	ck_assert_str_eq(version, "anvil/v1.7.1");
}
END_TEST

START_TEST(fees_of_a_young_chain)
{
	struct evm_fee_history h;

	ck_ok(evm_reply_fee_history(&ra, result(8), 2, &h, &rerr));
	ck_assert(h.oldest_block == 0 && h.n_base_fees == 3 && h.n_rewards == 2);
	ck_assert_uint_eq(gas_price_value(h.base_fees[0]), 1000000000);
	ck_assert_uint_eq(gas_price_value(h.base_fees[2]), 0x34d95a8d);
	ck_assert(gas_price_value(h.rewards[1][0]) == 0 && gas_price_value(h.rewards[1][1]) == 1000000000);
}
END_TEST

START_TEST(head)
{
	struct evm_block b;
	bool found;

	ck_ok(evm_reply_block(result(10), evm_block_tagged(EVM_LATEST), &found, &b, &rerr));
	ck_assert(found && b.number == 1 && b.timestamp_s == 0x6553f102 && b.gas_limit == 30000000);
	ck_assert(b.has_base_fee && gas_price_value(b.base_fee) == 1000000000);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ b.hash.b, 32 }),
			 "4b109030996cc160cd62d7b9b3576304ad752e02debc5f6c7ff14b54a5ebe768");
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ b.parent_hash.b, 32 }),
			 "c56b8342e33b57477139f45874ae699b6fe1ca1a65d089b78c34dabc3206e07b");
}
END_TEST

static const struct {
	size_t i, n; /* bytes returned */
	uint8_t last;
} calls[] = {
	{ 4, 32, 0x57 }, { 5, 32, 0x83 }, { 11, 32, 0 }, { 15, 32, 1 },  { 18, 160, 0 },
	{ 52, 32, 1 },   { 55, 32, 0 },   { 65, 32, 1 }, { 68, 192, 0 },
};

START_TEST(calls_that_return)
{
	struct bytes v;

	ck_ok(evm_reply_data(&ra, result(calls[_i].i), EVM_DATA_MAX, &v, &rerr));
	ck_assert_uint_eq(v.n, calls[_i].n);
	ck_assert_uint_eq(v.p[v.n - 1], calls[_i].last);
}
END_TEST

/* The error's selector, and how many bytes of data there are. */
static const struct {
	size_t i, n;
	const char *selector;
} reverts[] = {
	{ 19, 68, "a5a429c3" }, { 20, 68, "a5a429c3" },  { 23, 4, "5cd5d233" },
	{ 24, 4, "5cd5d233" },  { 25, 4, "5cd5d233" },   { 26, 36, "d7e8a2c2" },
	{ 27, 36, "0ec7217a" }, { 28, 100, "8709de2c" }, { 66, 68, "a5a429c3" },
};

START_TEST(calls_that_revert)
{
	struct bytes data;

	load(reverts[_i].i);
	ck_assert_ptr_null(answer.result);
	ck_assert(evm_error_is_revert(&answer.error));
	ck_assert(!evm_error_is_endpoint_failure(&answer.error) && !evm_error_is_range_too_wide(&answer.error));
	ck_assert(text_starts(answer.error.message, "execution reverted: custom error 0x"));
	ck_assert(evm_error_revert_data(&ra, &answer.error, &data));
	ck_assert_uint_eq(data.n, reverts[_i].n);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ data.p, 4 }), reverts[_i].selector);
}
END_TEST

/* The hash that the node was right to answer with is in its answer; it is compared with the receipts below. */
static const struct {
	size_t i;
	enum evm_send_class class;
} sends[] = {
	{ 2, EVM_SEND_OK },         { 13, EVM_SEND_OK },        { 21, EVM_SEND_OK },      { 29, EVM_SEND_OK },
	{ 30, EVM_SEND_KNOWN },     { 34, EVM_SEND_OK },        { 35, EVM_SEND_OK },      { 37, EVM_SEND_OK },
	{ 41, EVM_SEND_NONCE_LOW }, { 42, EVM_SEND_NONCE_LOW }, { 43, EVM_SEND_FUNDS },   { 44, EVM_SEND_UNDERPRICED },
	{ 45, EVM_SEND_OK },        { 46, EVM_SEND_INVALID },   { 47, EVM_SEND_INVALID }, { 48, EVM_SEND_INVALID },
	{ 49, EVM_SEND_INVALID },   { 50, EVM_SEND_OK },        { 57, EVM_SEND_OK },      { 59, EVM_SEND_OK },
	{ 60, EVM_SEND_OK },        { 63, EVM_SEND_OK },        { 69, EVM_SEND_OK },
};

START_TEST(sending)
{
	struct hash32 ours = { { 0 } };

	load(sends[_i].i);
	ck_assert_str_eq(method, "eth_sendRawTransaction");
	if (sends[_i].class == EVM_SEND_OK) {
		ck_assert_int_eq(evm_send_class_of_answer(&answer, &ours), EVM_SEND_OTHER_HASH);
		ours = hash_in(answer.result);
	} else
		ck_assert(!evm_error_is_endpoint_failure(&answer.error));
	ck_assert_str_eq(evm_send_class_name(evm_send_class_of_answer(&answer, &ours)),
			 evm_send_class_name(sends[_i].class));
}
END_TEST

#define NO_RECEIPT UINT64_MAX

static const struct {
	size_t i;
	uint64_t block, gas, price;
	bool succeeded, creates;
	const char *topics[5]; /* how the first topic of each log begins */
} receipts[] = {
	{ 3, 1, 1399167, 2000000000, true, true, { "fc4acb49", "fe15f693", "fe15f693", "fe15f693" } },
	{ 14, 2, 84733, 1886659725, true, false, { "b3056cb3" } },
	{ 22, 3, 39085, 1776453338, false, false, { NULL } },
	{ 32, NO_RECEIPT, 0, 0, false, false, { NULL } },
	{ 39, 4, 50066, 1779649569, true, false, { "b3056cb3" } },
	{ 40, NO_RECEIPT, 0, 0, false, false, { NULL } },
	{ 51, 5, 69729, 1594976935, true, false, { "b3056cb3" } },
	{ 54, NO_RECEIPT, 0, 0, false, false, { NULL } },
	{ 58, 6, 69729, 1455831727, true, false, { "b3056cb3" } },
	{ 61, 7, 50259, 50399117634, true, false, { "b3056cb3" } },
	{ 62, 7, 39069, 1399117634, false, false, { NULL } },
	{ 64, 8, 29927, 1349525033, true, false, { "bc5d0ad3" } },
	{ 70, 15, 100865, 1146170083, true, false, { "47e27e9b", "47e27e9b", "47e27e9b", "b3056cb3" } },
};

START_TEST(receipt)
{
	json_t *v = result(receipts[_i].i);
	struct hash32 asked = hash_in(param(0));
	struct evm_receipt r;
	size_t n = 0;
	bool found;

	ck_ok(evm_reply_receipt(&ra, v, &asked, &found, &r, &rerr));
	ck_assert_int_eq(found, receipts[_i].block != NO_RECEIPT);
	if (!found)
		return;
	ck_assert(hash32_equal(&r.tx_hash, &asked));
	ck_assert_uint_eq(r.block_number, receipts[_i].block);
	ck_assert_uint_eq(r.gas_used, receipts[_i].gas);
	ck_assert_uint_eq(gas_price_value(r.effective_gas_price), receipts[_i].price);
	ck_assert_int_eq(r.succeeded, receipts[_i].succeeded);
	ck_assert_int_eq(r.has_to, !receipts[_i].creates);
	for (; receipts[_i].topics[n] != NULL; n++) {
		ck_assert_uint_lt(n, r.n_logs);
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ r.logs[n].topics[0].b, 4 }), receipts[_i].topics[n]);
		ck_assert_uint_eq(r.logs[n].index, n);
	}
	ck_assert_uint_eq(r.n_logs, n);
	asked.b[0] ^= 1;
	ck_fails(evm_reply_receipt(&ra, v, &asked, &found, &r, &rerr), ERR_PEER_INVALID);
}
END_TEST

/* The node names a transaction, when it takes it, as the receipt does. */
START_TEST(the_same_transaction_is_included_in_another_block)
{
	struct hash32 sent = hash_in(result(57));
	struct evm_receipt before, after;
	bool found;

	ck_ok(evm_reply_receipt(&ra, result(51), &sent, &found, &before, &rerr));
	ck_assert(found);
	ck_ok(evm_reply_receipt(&ra, result(58), &sent, &found, &after, &rerr));
	ck_assert(found && !hash32_equal(&before.block_hash, &after.block_hash));
}
END_TEST

START_TEST(lookups)
{
	json_t *v = result(33);
	struct hash32 asked = hash_in(param(0));
	struct evm_tx_status t;
	bool found;

	ck_ok(evm_reply_tx(v, &asked, &found, &t, &rerr));
	ck_assert(found && !t.mined && t.nonce == 2 && hash32_equal(&t.hash, &asked));
	ck_ok(evm_reply_tx(result(36), &asked, &found, &t, &rerr));
	ck_assert(!found);
}
END_TEST

START_TEST(evidence)
{
	struct evm_log_filter f;
	struct evm_log *logs;
	json_t *v;
	size_t n;

	v = result(17);
	f = filter_in(param(0));
	ck_ok(evm_reply_logs(&ra, v, &f, &logs, &n, &rerr));
	ck_assert(n == 1 && logs[0].n_topics == 4 && logs[0].topics[3].b[31] == 7 && logs[0].block_number == 2);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ logs[0].data.p + 32, 32 }),
			 "9765163df99f52cb0524f194abc23c722a713279cf8f8d40da4f12356be89957");

	v = result(67);
	f = filter_in(param(0));
	ck_ok(evm_reply_logs(&ra, v, &f, &logs, &n, &rerr));
	ck_assert_uint_eq(n, 5);
	ck_assert(logs[4].n_topics == 3 && logs[4].topics[2].b[31] == 10 && logs[4].data.n == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/exchanges");
	TCase *c = rails_case(s, "recorded");

	tcase_add_loop_test(c, requests, 0, EXCHANGES);
	tcase_add_test(c, numbers);
	tcase_add_test(c, fees_of_a_young_chain);
	tcase_add_test(c, head);
	tcase_add_loop_test(c, calls_that_return, 0, ARRAY_LEN(calls));
	tcase_add_loop_test(c, calls_that_revert, 0, ARRAY_LEN(reverts));
	tcase_add_loop_test(c, sending, 0, ARRAY_LEN(sends));
	tcase_add_loop_test(c, receipt, 0, ARRAY_LEN(receipts));
	tcase_add_test(c, the_same_transaction_is_included_in_another_block);
	tcase_add_test(c, lookups);
	tcase_add_test(c, evidence);
	return suite_run(s);
}
