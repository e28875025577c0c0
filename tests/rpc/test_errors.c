/* The codes of design.md section 8, pinned: never renumbered, never renamed. */
#include <string.h>

#include "rpc/errors.h"
#include "tests/support/suite.h"

static const struct {
	enum err_code code;
	int number;
	bool retryable;
} pinned[] = {
	{ ERR_PARAM, -32602, false },
	{ ERR_PARSE, -32602, false },
	{ ERR_RANGE, -32602, false },
	{ ERR_UNSUPPORTED, -32602, false },
	{ ERR_MNEMONIC, -32602, false },
	{ ERR_TOKEN, -32602, false },
	{ ERR_UNIT, -32602, false },
	{ ERR_INVOICE, -32602, false },
	{ ERR_INVOICE_EXPIRED, -32602, false },
	{ ERR_LOCK, -32602, false },
	{ ERR_LOCKED, -32602, false },
	{ ERR_PAYMENT_REQUEST, -32602, false },
	{ ERR_ADDRESS, -32602, false },
	{ ERR_NETWORK, -32602, false },
	{ ERR_DUST, -32602, false },
	{ ERR_FEE, -32602, false },
	{ ERR_PSBT, -32602, false },
	{ ERR_PSBT_FOREIGN, -32602, false },
	{ ERR_PSBT_CHANGED, -32602, false },
	{ ERR_PSBT_UNSIGNED, -32602, false },
	{ ERR_DOUBLE_SPENT, -32007, false },
	{ ERR_NO_WALLET, -32001, true },
	{ ERR_WALLET_LOCKED, -32002, true },
	{ ERR_NOT_FOUND, -32003, false },
	{ ERR_MINT_UNKNOWN, -32003, false },
	{ ERR_EXISTS, -32004, false },
	{ ERR_WALLET_EXISTS, -32004, false },
	{ ERR_CONFLICT, -32004, true },
	{ ERR_FUNDS, -32005, false },
	{ ERR_PEER_DOWN, -32006, true },
	{ ERR_PEER_BUSY, -32006, true },
	{ ERR_PEER_AUTH, -32006, true },
	{ ERR_PEER, -32007, false },
	{ ERR_TOKEN_SPENT, -32007, false },
	{ ERR_QUOTE_EXPIRED, -32007, false },
	{ ERR_NOT_CANCELLABLE, -32008, false },
	{ ERR_TIMEOUT, -32009, true },
	{ ERR_FORBIDDEN, -32010, false },
	{ ERR_PASSPHRASE, -32010, true },
	{ ERR_BUSY, -32011, true },
	{ ERR_STORAGE, -32012, true },
	{ ERR_STORAGE_FULL, -32012, true },
	{ ERR_STORAGE_CORRUPT, -32012, false },
	{ ERR_IDEMPOTENCY, -32013, false },
	{ ERR_BUDGET, -32014, true },
	{ ERR_KIND_UNSUPPORTED, -32602, false },
	{ ERR_ACTION_UNSUPPORTED, -32602, false },
	{ ERR_ACTION_INVALID, -32602, false },
	{ ERR_SIGNER_UNKNOWN, -32003, true }, /* a space can be configured */
	{ ERR_DIRECTIVE_CONFLICT, -32004, false },
	{ ERR_ILLEGAL_STATE, -32004, false },
	{ ERR_NONCE_USED, -32004, false },
	{ ERR_NONCE_VALID, -32004, false },
	{ ERR_ALREADY_EXECUTED, -32004, false },
	{ ERR_NO_EVIDENCE, -32004, false },
	{ ERR_CHANNEL, -32003, false },
	{ ERR_CHANNEL_CLOSING, -32004, false },
	{ ERR_CHANNEL_NOT_READY, -32004, false },
	{ ERR_SPLICE_LIVE, -32004, false },
	{ ERR_NOTHING_TO_BUMP, -32004, false },
	{ ERR_SPLICE_UNSUPPORTED, -32602, false },
	{ ERR_NODE_TOO_OLD, -32602, false },
	{ ERR_NODE_CANNOT, -32602, false },
	{ ERR_SPLICE_FAILED, -32007, false },
	{ ERR_CHAIN, -32006, true },
	{ ERR_CONFIG, -32603, true }, /* and so can an outbox */
	{ ERR_INTERNAL, -32603, false },
};

START_TEST(codes)
{
	ck_assert_int_eq(rpc_error_code_of(pinned[_i].code), pinned[_i].number);
	ck_assert_msg(rpc_error_is_retryable(pinned[_i].code) == pinned[_i].retryable, "%s", err_kind(pinned[_i].code));
}
END_TEST

START_TEST(every_code_has_a_number)
{
#define IN_RANGE(code, kind, class)                                                                                    \
	ck_assert_msg((rpc_error_code_of(code) <= -32001 && rpc_error_code_of(code) >= -32014) ||                      \
			      rpc_error_code_of(code) == -32602 || rpc_error_code_of(code) == -32603,                  \
		      "%s", kind);
	ERR_CODES(IN_RANGE)
#undef IN_RANGE
}
END_TEST

START_TEST(all_members)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct rpc_outcome o;
	struct err err;
	json_t *v, *data;

	ERR(&err, ERR_PEER, "the mint said no");
	err_field(&err, "amount");
	err_hint(&err, "try less");
	err.peer_code = 11005;
	err.retry_after_s = 3;
	o = rpc_fail_action(&err, "unknown", "an-action");
	v = rpc_error_json(&a, &o);
	data = json_object_get(v, "data");
	ck_assert_int_eq(json_integer_value(json_object_get(v, "code")), -32007);
	ck_assert_str_eq(json_string_value(json_object_get(v, "message")), "the mint said no");
	ck_assert_str_eq(json_string_value(json_object_get(data, "kind")), "peer_rejected");
	ck_assert_str_eq(json_string_value(json_object_get(data, "funds_moved")), "unknown");
	ck_assert_str_eq(json_string_value(json_object_get(data, "action_id")), "an-action");
	ck_assert_str_eq(json_string_value(json_object_get(data, "field")), "amount");
	ck_assert_str_eq(json_string_value(json_object_get(data, "hint")), "try less");
	ck_assert_int_eq(json_integer_value(json_object_get(data, "peer_code")), 11005);
	ck_assert_int_eq(json_integer_value(json_object_get(data, "retry_after_s")), 3);
	ck_assert(json_is_false(json_object_get(data, "retryable")));
}
END_TEST

START_TEST(no_empty_members)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct rpc_outcome o;
	struct err err;

	ERR(&err, ERR_FUNDS, "too little");
	o = rpc_fail(&err);
	ck_assert_str_eq(json_text(&a, rpc_error_json(&a, &o)),
			 "{\"code\":-32005,\"message\":\"too little\",\"data\":{\"kind\":\"insufficient_funds\","
			 "\"retryable\":false,\"funds_moved\":\"no\"}}");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("errors");
	TCase *t = tcase_create("errors");

	tcase_add_loop_test(t, codes, 0, ARRAY_LEN(pinned));
	tcase_add_test(t, every_code_has_a_number);
	tcase_add_test(t, all_members);
	tcase_add_test(t, no_empty_members);
	suite_add_tcase(s, t);
	return suite_run(s);
}
