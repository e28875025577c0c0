/* No vectors: the errors are those of go-ethereum, Nethermind, OpenEthereum, Ganache, and of public gateways. */
#include "rails/evm/rpc_error.h"

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

/* An error as a node would send it. */
static struct jsonrpc_error error_read(const char *json)
{
	struct jsonrpc_reply r;

	jsonrpc_decode(&ra, bytes_of(arena_printf(&ra, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":%s}", json)), 1, NULL,
		       &r);
	ck_assert_msg(r.flaw == JSONRPC_FINE && r.answers[0].flaw == JSONRPC_FINE, "%s", json);
	return r.answers[0].error;
}

enum { FAILURE = 1, RANGE = 2, REVERT = 4, GAS = 8 };

static const struct {
	const char *error;
	unsigned about;
} errors[] = {
	{ "{\"code\":429,\"message\":\"slow down\"}", FAILURE },
	{ "{\"code\":-32005,\"message\":\"Too Many Requests\"}", FAILURE },
	{ "{\"code\":-32005,\"message\":\"daily request count exceeded, request rate limited\"}", FAILURE },
	{ "{\"code\":-32007,\"message\":\"50/second request limit reached\"}", FAILURE },
	{ "{\"code\":-32016,\"message\":\"over rate limit\"}", FAILURE },
	{ "{\"code\":-32000,\"message\":\"exceeded its compute units per second capacity\"}", FAILURE },
	{ "{\"code\":-32603,\"message\":\"Internal server error\"}", FAILURE },
	{ "{\"code\":-32000,\"message\":\"x\",\"data\":\"rate limit\"}", FAILURE },
	{ "{\"code\":-32005,\"message\":\"query returned more than 10000 results\"}", RANGE },
	{ "{\"code\":-32005,\"message\":\"limit exceeded\"}", RANGE },
	{ "{\"code\":-32000,\"message\":\"exceed maximum block range: 5000\"}", RANGE },
	{ "{\"code\":-32602,\"message\":\"eth_getLogs is limited to a 10,000 range\"}", RANGE },
	{ "{\"code\":-32602,\"message\":\"Log response size exceeded.\"}", RANGE },
	{ "{\"code\":-32000,\"message\":\"requested too many blocks from 1 to 9\"}", RANGE },
	{ "{\"code\":-32000,\"message\":\"nonce too low\"}", 0 },
	{ "{\"code\":429,\"message\":\"nonce too low\"}", 0 },
	{ "{\"code\":-32000,\"message\":\"There are too many transactions in the queue\"}", RANGE },
	{ "{\"code\":-32601,\"message\":\"the method eth_feeHistory does not exist\"}", 0 },
	{ "{\"code\":-32000,\"message\":\"header not found\"}", 0 },
	{ "{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x5cd5d233\"}", REVERT },
	{ "{\"code\":3,\"message\":\"execution reverted: rate limit\",\"data\":\"0x\"}", REVERT },
	{ "{\"code\":-32015,\"message\":\"VM execution error.\",\"data\":\"Reverted 0x\"}", REVERT },
	{ "{\"code\":-32603,\"message\":\"VM Exception while processing transaction: revert\"}", REVERT },
	{ "{\"code\":-32000,\"message\":\"gas required exceeds allowance (30000000)\"}", GAS },
	{ "{\"code\":-32000,\"message\":\"Out of gas: gas required exceeds allowance: 30000000\"}", GAS },
	{ "{\"code\":-32015,\"message\":\"gas spent exceeded transaction and block gas limit\"}", GAS | RANGE },
	{ "{\"code\":-32000,\"message\":\"err: out of gas (supplied gas 50000000)\"}", GAS },
	{ "{\"code\":3,\"message\":\"execution reverted: out of gas\"}", REVERT },
	{ "{\"code\":429,\"message\":\"out of gas\"}", FAILURE },
};

START_TEST(what_an_error_is_about)
{
	struct jsonrpc_error e = error_read(errors[_i].error);
	unsigned about = (evm_error_is_endpoint_failure(&e) ? FAILURE : 0) |
			 (evm_error_is_range_too_wide(&e) ? RANGE : 0) | (evm_error_is_revert(&e) ? REVERT : 0) |
			 (evm_error_is_too_much_gas(&e) ? GAS : 0);

	ck_assert_msg(about == errors[_i].about, "%x: %s", about, errors[_i].error);
}
END_TEST

static const struct {
	const char *data, *hex; /* NULL: none */
} reverts[] = {
	{ "\"0x5cd5d233\"", "5cd5d233" },
	{ "\"0x\"", "" },
	{ "\"Reverted 0x5CD5D233\"", "5cd5d233" },
	{ "{\"data\":\"0x5cd5d233\"}", "5cd5d233" },
	{ "{\"hash\":\"0xff\",\"result\":\"0x5cd5d233\",\"reason\":\"x\"}", "5cd5d233" },
	{ "{\"originalError\":{\"code\":3,\"data\":\"0x5cd5d233\",\"message\":\"x\"}}", "5cd5d233" },
	{ "{\"data\":null,\"originalError\":{\"data\":{\"data\":\"0x5cd5d233\"}}}", "5cd5d233" },
	{ "{\"data\":{\"data\":{\"data\":{\"data\":\"0x5cd5d233\"}}}}", "5cd5d233" },
	{ "{\"data\":{\"data\":{\"data\":{\"data\":{\"data\":\"0x5cd5d233\"}}}}}", NULL },
	{ "null", NULL },
	{ "7", NULL },
	{ "[\"0x5cd5d233\"]", NULL },
	{ "{}", NULL },
	{ "\"\"", NULL },
	{ "\"0\"", NULL },
	{ "\"5cd5d233\"", NULL },
	{ "\"0x5cd5d23\"", NULL },
	{ "\"0x5cd5d2zz\"", NULL },
	{ "\"0x5cd5d233\\u0000\"", NULL },
	{ "\"execution reverted\"", NULL },
};

START_TEST(data_of_a_revert)
{
	struct jsonrpc_error e = error_read(
		arena_printf(&ra, "{\"code\":3,\"message\":\"execution reverted\",\"data\":%s}", reverts[_i].data));
	struct bytes got;

	if (reverts[_i].hex == NULL) {
		ck_assert_msg(!evm_error_revert_data(&ra, &e, &got), "%s", reverts[_i].data);
		return;
	}
	ck_assert_msg(evm_error_revert_data(&ra, &e, &got), "%s", reverts[_i].data);
	ck_assert_str_eq(hex_text(&ra, got), reverts[_i].hex);
}
END_TEST

START_TEST(limits_of_a_revert)
{
	struct arena none = ARENA_LIMIT(64);
	struct jsonrpc_error e = error_read(
		arena_printf(&ra, "{\"code\":3,\"message\":\"\",\"data\":\"0x%s\"}",
			     hex_text(&ra, (struct bytes){ arena_alloc(&ra, EVM_REVERT_MAX), EVM_REVERT_MAX })));
	struct bytes got;

	ck_assert(evm_error_revert_data(&ra, &e, &got));
	ck_assert_uint_eq(got.n, EVM_REVERT_MAX);
	ck_assert(!evm_error_revert_data(&none, &e, &got));
	e = error_read(arena_printf(&ra, "{\"code\":3,\"message\":\"\",\"data\":\"0x00%s\"}", hex_text(&ra, got)));
	ck_assert(!evm_error_revert_data(&ra, &e, &got));
	arena_done(&none);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/rpc_error");
	TCase *e = rails_case(s, "errors");

	tcase_add_loop_test(e, what_an_error_is_about, 0, ARRAY_LEN(errors));
	tcase_add_loop_test(e, data_of_a_revert, 0, ARRAY_LEN(reverts));
	tcase_add_test(e, limits_of_a_revert);
	return suite_run(s);
}
