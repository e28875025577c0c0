/* Vectors: tests/vectors/evm/send_errors.json. */
#include "rails/evm/send_class.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct jsonrpc_error error_of(const char *message)
{
	return (struct jsonrpc_error){ .code = -32000, .message = message, .data_text = "" };
}

START_TEST(vectors)
{
	const json_t *list = json_object_get(vectors_load("evm/send_errors.json"), "vectors");

	ck_assert_uint_eq(json_array_size(list), 53);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		struct jsonrpc_error e = error_of(vec_str(v, "message")), in_data = error_of("");

		ck_assert_msg(strcmp(evm_send_class_name(evm_send_class_of_error(&e)), vec_str(v, "class")) == 0,
			      "'%s' is %s, not %s", e.message, evm_send_class_name(evm_send_class_of_error(&e)),
			      vec_str(v, "class"));
		/* The same words where some nodes put them. */
		in_data.data_text = e.message;
		ck_assert_int_eq(evm_send_class_of_error(&in_data), evm_send_class_of_error(&e));
	}
}
END_TEST

static const struct {
	const char *message;
	enum evm_send_class class;
} order[] = {
	{ "KNOWN TRANSACTION", EVM_SEND_KNOWN },
	{ "unknown transaction", EVM_SEND_UNKNOWN },
	{ "UNKNOWN TRANSACTION", EVM_SEND_UNKNOWN },
	{ "unknown transaction; known transaction", EVM_SEND_KNOWN },
	{ "n known transaction", EVM_SEND_KNOWN },
	{ "nonce too low: already known", EVM_SEND_KNOWN },
	{ "replacement transaction underpriced: nonce too low", EVM_SEND_NONCE_LOW },
	{ "FeeTooLowToCompete, FeeTooLow", EVM_SEND_REPL_LOW },
	{ "execution reverted: insufficient funds", EVM_SEND_FUNDS },
	{ "execution reverted: rlp:", EVM_SEND_INVALID },
	{ "nonce gap", EVM_SEND_NONCE_HIGH },
	{ "fee too low", EVM_SEND_UNDERPRICED },
	{ "insufficient balance", EVM_SEND_FUNDS },
	{ "nonce has already been used", EVM_SEND_NONCE_LOW },
	{ "already in mempool", EVM_SEND_KNOWN },
	{ "gas uint64 overflow", EVM_SEND_INVALID },
};

START_TEST(first_row_wins)
{
	struct jsonrpc_error e = error_of(order[_i].message);

	ck_assert_msg(evm_send_class_of_error(&e) == order[_i].class, "'%s' is %s", order[_i].message,
		      evm_send_class_name(evm_send_class_of_error(&e)));
}
END_TEST

START_TEST(codes_decide_nothing)
{
	static const int64_t codes[] = { -32000, -32003, -32603, -32602, 3, 429, INT64_MIN };
	struct jsonrpc_error e = error_of("nonce too low");

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		e.code = codes[i];
		ck_assert_int_eq(evm_send_class_of_error(&e), EVM_SEND_NONCE_LOW);
	}
}
END_TEST

#define HASH "0xab000000000000000000000000000000000000000000000000000000000000cd"

static const struct {
	const char *body;
	enum evm_send_class class;
} answers[] = {
	{ "\"result\":\"" HASH "\"", EVM_SEND_OK },
	{ "\"result\":\"0xab000000000000000000000000000000000000000000000000000000000000ce\"", EVM_SEND_OTHER_HASH },
	{ "\"result\":\"0x\"", EVM_SEND_UNKNOWN },
	{ "\"result\":null", EVM_SEND_UNKNOWN },
	{ "\"result\":true", EVM_SEND_UNKNOWN },
	{ "\"error\":{\"code\":-32000,\"message\":\"already known\"}", EVM_SEND_KNOWN },
	{ "\"error\":{\"code\":-32603,\"message\":\"x\",\"data\":\"nonce too low\"}", EVM_SEND_NONCE_LOW },
	{ "\"error\":{\"message\":\"nonce too low\"}", EVM_SEND_UNKNOWN },
	{ "\"error\":{\"code\":-32000,\"message\":\"nonce too low\"},\"result\":\"" HASH "\"", EVM_SEND_UNKNOWN },
};

START_TEST(of_an_answer)
{
	static const struct hash32 ours = { { 0xab, [31] = 0xcd } };
	struct jsonrpc_reply r;

	jsonrpc_decode(&ra, bytes_of(arena_printf(&ra, "{\"jsonrpc\":\"2.0\",\"id\":1,%s}", answers[_i].body)), 1, NULL,
		       &r);
	ck_assert_int_eq(r.flaw, JSONRPC_FINE);
	ck_assert_msg(evm_send_class_of_answer(&r.answers[0], &ours) == answers[_i].class, "%s is %s", answers[_i].body,
		      evm_send_class_name(evm_send_class_of_answer(&r.answers[0], &ours)));
}
END_TEST

START_TEST(of_no_answer)
{
	ck_assert_int_eq(evm_send_class_of_outcome(NET_NOT_SENT), EVM_SEND_NOT_SENT);
	ck_assert_int_eq(evm_send_class_of_outcome(NET_UNKNOWN), EVM_SEND_UNKNOWN);
	ck_assert_int_eq(evm_send_class_of_outcome(NET_ANSWERED), EVM_SEND_UNKNOWN);
}
END_TEST

START_TEST(of_two_nodes)
{
	static const struct {
		enum evm_send_class before, now, both;
	} rows[] = {
		{ EVM_SEND_NOT_SENT, EVM_SEND_INVALID, EVM_SEND_INVALID },
		{ EVM_SEND_NOT_SENT, EVM_SEND_NOT_SENT, EVM_SEND_NOT_SENT },
		{ EVM_SEND_NOT_SENT, EVM_SEND_OK, EVM_SEND_OK },
		{ EVM_SEND_NOT_SENT, EVM_SEND_UNKNOWN, EVM_SEND_UNKNOWN },
		{ EVM_SEND_UNKNOWN, EVM_SEND_OK, EVM_SEND_OK },
		{ EVM_SEND_UNKNOWN, EVM_SEND_NONCE_LOW, EVM_SEND_NONCE_LOW },
		{ EVM_SEND_UNKNOWN, EVM_SEND_FUNDS, EVM_SEND_FUNDS },
		{ EVM_SEND_UNKNOWN, EVM_SEND_INVALID, EVM_SEND_UNKNOWN },
		{ EVM_SEND_UNKNOWN, EVM_SEND_REVERT, EVM_SEND_UNKNOWN },
		{ EVM_SEND_UNKNOWN, EVM_SEND_NOT_SENT, EVM_SEND_UNKNOWN },
		{ EVM_SEND_UNKNOWN, EVM_SEND_UNKNOWN, EVM_SEND_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(evm_send_class_join(rows[i].before, rows[i].now) == rows[i].both, "row %zu", i);
}
END_TEST

START_TEST(names)
{
	for (int c = EVM_SEND_OK; c <= EVM_SEND_OTHER_HASH; c++)
		for (int d = EVM_SEND_OK; d < c; d++)
			ck_assert_str_ne(evm_send_class_name((enum evm_send_class)c),
					 evm_send_class_name((enum evm_send_class)d));
	ck_assert(evm_send_is_acknowledged(EVM_SEND_OK) && evm_send_is_acknowledged(EVM_SEND_KNOWN));
	ck_assert(!evm_send_is_acknowledged(EVM_SEND_UNKNOWN) && !evm_send_is_acknowledged(EVM_SEND_NONCE_LOW));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/send_class");
	TCase *c = rails_case(s, "sends");

	tcase_add_test(c, vectors);
	tcase_add_loop_test(c, first_row_wins, 0, ARRAY_LEN(order));
	tcase_add_test(c, codes_decide_nothing);
	tcase_add_loop_test(c, of_an_answer, 0, ARRAY_LEN(answers));
	tcase_add_test(c, of_no_answer);
	tcase_add_test(c, of_two_nodes);
	tcase_add_test(c, names);
	return suite_run(s);
}
