/* The requests of spec/outbox.md 5.1, against the Ethereum JSON-RPC API; test_exchanges.c has the recorded ones. */
#include "rails/evm/rpc_call.h"

#include "base/text.h"

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct jsonrpc_batch b;

static const struct evm_address account = { { 0x52, 0x5b, [19] = 0x0a } }, contract = { { 0x5f, [19] = 0xa3 } };
static const struct hash32 tx = { { 0xab, [31] = 0xcd } }, one = { { [31] = 1 } }, two = { { [31] = 2 } };

#define ACCOUNT  "\"0x525b00000000000000000000000000000000000a\""
#define CONTRACT "\"0x5f000000000000000000000000000000000000a3\""
#define TX       "\"0xab000000000000000000000000000000000000000000000000000000000000cd\""
#define ONE      "\"0x0000000000000000000000000000000000000000000000000000000000000001\""
#define TWO      "\"0x0000000000000000000000000000000000000000000000000000000000000002\""

static void setup(void)
{
	b = jsonrpc_batch_in(&ra);
}

/* Call i is this, byte for byte. */
static void is(size_t i, const char *method, const char *params)
{
	struct bytes got;

	ck_ok(jsonrpc_encode_one(&b, i, &got, &rerr));
	ck_assert_str_eq((const char *)got.p,
			 arena_printf(&ra, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"%s\",\"params\":%s}", i + 1,
				      method, params));
}

START_TEST(without_parameters)
{
	is(evm_ask_chain_id(&b), "eth_chainId", "[]");
	is(evm_ask_block_number(&b), "eth_blockNumber", "[]");
	is(evm_ask_priority_fee(&b), "eth_maxPriorityFeePerGas", "[]");
	is(evm_ask_client_version(&b), "web3_clientVersion", "[]");
}
END_TEST

START_TEST(blocks)
{
	is(evm_ask_block(&b, evm_block_tagged(EVM_LATEST)), "eth_getBlockByNumber", "[\"latest\",false]");
	is(evm_ask_block(&b, evm_block_tagged(EVM_FINALIZED)), "eth_getBlockByNumber", "[\"finalized\",false]");
	is(evm_ask_block(&b, evm_block_at(0)), "eth_getBlockByNumber", "[\"0x0\",false]");
	is(evm_ask_block(&b, evm_block_at(0x10)), "eth_getBlockByNumber", "[\"0x10\",false]");
	is(evm_ask_block(&b, evm_block_at(UINT64_MAX)), "eth_getBlockByNumber", "[\"0xffffffffffffffff\",false]");
}
END_TEST

START_TEST(accounts)
{
	is(evm_ask_code(&b, &contract, evm_block_tagged(EVM_LATEST)), "eth_getCode", "[" CONTRACT ",\"latest\"]");
	is(evm_ask_balance(&b, &account, evm_block_at(7)), "eth_getBalance", "[" ACCOUNT ",\"0x7\"]");
	is(evm_ask_tx_count(&b, &account, evm_block_tagged(EVM_PENDING)), "eth_getTransactionCount",
	   "[" ACCOUNT ",\"pending\"]");
}
END_TEST

START_TEST(messages)
{
	static const uint8_t data[] = { 0x3a, 0x8a, 0x00, 0xff };
	struct evm_message m = { .to = contract, .data = { data, sizeof(data) } };

	is(evm_ask_call(&b, &m, evm_block_at(0xa)), "eth_call",
	   "[{\"to\":" CONTRACT ",\"data\":\"0x3a8a00ff\"},\"0xa\"]");
	m.from = &account;
	m.data.n = 0;
	is(evm_ask_estimate(&b, &m, evm_block_tagged(EVM_LATEST)), "eth_estimateGas",
	   "[{\"from\":" ACCOUNT ",\"to\":" CONTRACT ",\"data\":\"0x\"},\"latest\"]");
}
END_TEST

START_TEST(fee_history)
{
	static const uint8_t percentiles[] = { 25, 60 };

	is(evm_ask_fee_history(&b, 5, evm_block_tagged(EVM_LATEST), percentiles, 2), "eth_feeHistory",
	   "[\"0x5\",\"latest\",[25,60]]");
	is(evm_ask_fee_history(&b, EVM_FEE_BLOCKS_MAX, evm_block_at(9), NULL, 0), "eth_feeHistory",
	   "[\"0x400\",\"0x9\",[]]");
}
END_TEST

START_TEST(transactions)
{
	static const uint8_t raw[] = { 0x02, 0xf8 };

	is(evm_ask_send(&b, (struct bytes){ raw, sizeof(raw) }), "eth_sendRawTransaction", "[\"0x02f8\"]");
	is(evm_ask_receipt(&b, &tx), "eth_getTransactionReceipt", "[" TX "]");
	is(evm_ask_tx(&b, &tx), "eth_getTransactionByHash", "[" TX "]");
}
END_TEST

/* Sizes around the pieces that hex is written in. */
START_TEST(a_long_transaction)
{
	static const size_t sizes[] = { 511, 512, 513, 1024, 131072 };
	uint8_t *raw = arena_alloc(&ra, 131072);

	for (size_t i = 0; i < 131072; i++)
		raw[i] = (uint8_t)(i * 7 + i / 512);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct bytes v = { raw, sizes[i] };

		is(evm_ask_send(&b, v), "eth_sendRawTransaction", arena_printf(&ra, "[\"0x%s\"]", hex_text(&ra, v)));
	}
}
END_TEST

START_TEST(logs)
{
	struct hash32 both[2] = { one, two };
	struct evm_log_filter f = { .from = evm_block_at(0), .to = evm_block_tagged(EVM_LATEST), .address = contract };

	is(evm_ask_logs(&b, &f), "eth_getLogs",
	   "[{\"fromBlock\":\"0x0\",\"toBlock\":\"latest\",\"address\":" CONTRACT ",\"topics\":[]}]");
	f.to = evm_block_at(0x1388);
	f.n_topics = 4;
	f.topics[0] = (struct evm_topic_filter){ both, 2 };
	f.topics[3] = (struct evm_topic_filter){ &tx, 1 };
	is(evm_ask_logs(&b, &f), "eth_getLogs",
	   "[{\"fromBlock\":\"0x0\",\"toBlock\":\"0x1388\",\"address\":" CONTRACT ",\"topics\":[[" ONE "," TWO
	   "],null,null," TX "]}]");
}
END_TEST

START_TEST(what_was_passed_in_is_copied)
{
	uint8_t raw[] = { 0xaa };
	struct hash32 h = one;
	size_t send = evm_ask_send(&b, (struct bytes){ raw, 1 }), receipt = evm_ask_receipt(&b, &h);

	raw[0] = 0xbb;
	h = two;
	is(send, "eth_sendRawTransaction", "[\"0xaa\"]");
	is(receipt, "eth_getTransactionReceipt", "[" ONE "]");
}
END_TEST

START_TEST(a_batch_that_is_full)
{
	struct bytes v;

	for (size_t i = 0; i < JSONRPC_BATCH_MAX; i++)
		ck_assert_uint_eq(evm_ask_receipt(&b, &tx), i);
	ck_ok(jsonrpc_encode(&b, &v, &rerr));
	evm_ask_chain_id(&b);
	ck_fails(jsonrpc_encode(&b, &v, &rerr), ERR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/rpc_call");
	TCase *c = rails_case(s, "requests");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, without_parameters);
	tcase_add_test(c, blocks);
	tcase_add_test(c, accounts);
	tcase_add_test(c, messages);
	tcase_add_test(c, fee_history);
	tcase_add_test(c, transactions);
	tcase_add_test(c, a_long_transaction);
	tcase_add_test(c, logs);
	tcase_add_test(c, what_was_passed_in_is_copied);
	tcase_add_test(c, a_batch_that_is_full);
	return suite_run(s);
}
