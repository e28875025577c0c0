/* What a JSON-RPC server may answer, and what it may not.  No vectors: the examples follow JSON-RPC 2.0, section 7, and
 * what bitcoind and gateways of EVM nodes send. */
#include "base/jsonrpc_msg.h"

#include <limits.h>
#include <string.h>

#include "tests/support/suite.h"

static struct arena arena;
static struct err err;
static struct jsonrpc_batch batch;
static struct jsonrpc_reply reply;

static void setup(void)
{
	arena = ARENA_LIMIT(1024 * 1024);
	batch = jsonrpc_batch_in(&arena);
	err_clear(&err);
}

static void teardown(void)
{
	arena_done(&arena);
}

static void fill(size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(jsonrpc_add(&batch, "m", json_array_in(&arena)), i);
}

static const char *encoded(void)
{
	struct bytes v;

	ck_assert_msg(jsonrpc_encode(&batch, &v, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(strlen((const char *)v.p), v.n);
	return (const char *)v.p;
}

START_TEST(one_call)
{
	json_t *params = json_array_in(&arena);

	json_add_take(params, json_string("latest"));
	ck_assert_uint_eq(jsonrpc_add(&batch, "eth_x", params), 0);
	ck_assert_str_eq(encoded(), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_x\",\"params\":[\"latest\"]}");
}
END_TEST

START_TEST(several_calls)
{
	struct bytes one;

	fill(2);
	ck_assert_uint_eq(jsonrpc_add(&batch, "n", json_object_in(&arena)), 2);
	ck_assert_str_eq(encoded(), "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]},"
				    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"m\",\"params\":[]},"
				    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"n\",\"params\":{}}]");
	ck_assert_int_eq(jsonrpc_encode_one(&batch, 2, &one, &err), 0);
	ck_assert_str_eq((const char *)one.p, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"n\",\"params\":{}}");
}
END_TEST

START_TEST(no_call_and_too_many)
{
	struct bytes v;

	ck_assert_int_eq(jsonrpc_encode(&batch, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
	fill(JSONRPC_BATCH_MAX);
	encoded();
	ck_assert_uint_eq(jsonrpc_add(&batch, "m", json_array_in(&arena)), JSONRPC_BATCH_MAX);
	ck_assert_int_eq(jsonrpc_encode(&batch, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
}
END_TEST

START_TEST(a_request_too_large_for_its_arena)
{
	struct arena small = ARENA_LIMIT(64);
	struct bytes v;

	batch = jsonrpc_batch_in(&small);
	fill(2);
	ck_assert_int_eq(jsonrpc_encode(&batch, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
	ck_assert_int_eq(jsonrpc_encode_one(&batch, 0, &v, &err), 0);
	arena_done(&small);
}
END_TEST

/* --- replies --- */

#define OK(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define NO(id, error)  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":" error "}"
#define E              "{\"code\":-32000,\"message\":\"no\"}"

static enum jsonrpc_flaw decode(const char *body, size_t n)
{
	jsonrpc_decode(&arena, bytes_of(body), n, NULL, &reply);
	return reply.flaw;
}

START_TEST(answers_in_any_order)
{
	ck_assert_int_eq(decode("[" OK("3", "\"c\"") "," OK("1", "\"a\"") "," NO("2", E) "]", 3), JSONRPC_FINE);
	ck_assert_uint_eq(reply.n, 3);
	ck_assert_str_eq(json_string_value(reply.answers[0].result), "a");
	ck_assert(reply.answers[1].flaw == JSONRPC_FINE && reply.answers[1].result == NULL);
	ck_assert_int_eq(reply.answers[1].error.code, -32000);
	ck_assert_str_eq(reply.answers[1].error.message, "no");
	ck_assert_ptr_null(reply.answers[1].error.data);
	ck_assert_str_eq(json_string_value(reply.answers[2].result), "c");
}
END_TEST

START_TEST(an_answer_that_is_missing)
{
	ck_assert_int_eq(decode("[" OK("2", "null") "]", 2), JSONRPC_FINE);
	ck_assert_int_eq(reply.answers[0].flaw, JSONRPC_MISSING);
	ck_assert(json_is_null(reply.answers[1].result));
	ck_assert_int_eq(decode("[]", 2), JSONRPC_FINE);
	ck_assert_int_eq(reply.answers[0].flaw, JSONRPC_MISSING);
	ck_assert_int_eq(reply.answers[1].flaw, JSONRPC_MISSING);
}
END_TEST

static const struct {
	const char *name, *body;
	size_t n;
	enum jsonrpc_flaw flaw;
} spoilt[] = {
	{ "nothing", "", 1, JSONRPC_NOT_JSON },
	{ "space", " \n", 1, JSONRPC_NOT_JSON },
	{ "words", "upstream connect error", 1, JSONRPC_NOT_JSON },
	{ "cut", "{\"jsonrpc\":\"2.0\",\"id\":1,\"resu", 1, JSONRPC_NOT_JSON },
	{ "two objects", OK("1", "1") OK("1", "1"), 1, JSONRPC_NOT_JSON },
	{ "result twice", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"result\":2}", 1, JSONRPC_NOT_JSON },
	{ "page", "<!DOCTYPE html><html><body>502</body></html>", 1, JSONRPC_HTML },
	{ "page after space", "\r\n\t <html>", 3, JSONRPC_HTML },
	{ "deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 1, JSONRPC_TOO_DEEP },
	{ "text for an object", "\"no\"", 1, JSONRPC_SHAPE },
	{ "null", "null", 1, JSONRPC_SHAPE },
	{ "a list for one call", "[" OK("1", "1") "]", 1, JSONRPC_SHAPE },
	{ "one result for a batch", OK("1", "1"), 2, JSONRPC_SHAPE },
	{ "some other object", "{\"message\":\"no route\"}", 2, JSONRPC_SHAPE },
	{ "an error of text", "{\"error\":\"no\"}", 2, JSONRPC_SHAPE },
	{ "numbers in the list", "[1,2]", 2, JSONRPC_SHAPE },
	{ "foreign id", "[" OK("1", "1") "," OK("3", "1") "]", 2, JSONRPC_FOREIGN_ID },
	{ "id 0", "[" OK("0", "1") "," OK("1", "1") "]", 2, JSONRPC_FOREIGN_ID },
	{ "negative id", "[" OK("-1", "1") "]", 2, JSONRPC_FOREIGN_ID },
	{ "id of text", "[" OK("\"1\"", "1") "]", 2, JSONRPC_FOREIGN_ID },
	{ "id with a fraction", "[" OK("1.0", "1") "]", 2, JSONRPC_FOREIGN_ID },
	{ "id null among others", "[" OK("1", "1") "," NO("null", E) "]", 2, JSONRPC_FOREIGN_ID },
	{ "result with id null", "[" OK("null", "1") "]", 2, JSONRPC_FOREIGN_ID },
	{ "no id", "[{\"jsonrpc\":\"2.0\",\"result\":1}]", 2, JSONRPC_FOREIGN_ID },
	{ "foreign id alone", OK("2", "1"), 1, JSONRPC_FOREIGN_ID },
	{ "foreign error alone", NO("2", E), 1, JSONRPC_FOREIGN_ID },
	{ "result with id null alone", OK("null", "1"), 1, JSONRPC_FOREIGN_ID },
	{ "twice", "[" OK("1", "1") "," OK("2", "1") "," OK("1", "1") "]", 2, JSONRPC_TWICE },
	{ "one error", NO("null", E), 2, JSONRPC_ONE_ERROR },
	{ "one error with an id", NO("1", E), 2, JSONRPC_ONE_ERROR },
	{ "one bare error", "{\"error\":" E "}", 2, JSONRPC_ONE_ERROR },
	{ "one error in a list", "[" NO("null", E) "]", 2, JSONRPC_ONE_ERROR },
};

START_TEST(a_reply_that_is_spoilt)
{
	enum jsonrpc_flaw flaw = decode(spoilt[_i].body, spoilt[_i].n);

	ck_assert_msg(flaw == spoilt[_i].flaw, "%s: %s", spoilt[_i].name, jsonrpc_flaw_text(flaw));
	ck_assert_ptr_null(reply.answers);
	ck_assert_uint_eq(reply.n, 0);
	if (flaw == JSONRPC_ONE_ERROR) {
		ck_assert_int_eq(reply.refusal.code, -32000);
		ck_assert_str_eq(reply.refusal.message, "no");
	}
}
END_TEST

static const struct {
	const char *name, *body;
	enum jsonrpc_flaw strict, loose;
} odd[] = {
	{ "result", OK("1", "7"), JSONRPC_FINE, JSONRPC_FINE },
	{ "error", NO("1", E), JSONRPC_FINE, JSONRPC_FINE },
	{ "error that names no call", NO("null", E), JSONRPC_FINE, JSONRPC_FINE },
	{ "error without an id", "{\"jsonrpc\":\"2.0\",\"error\":" E "}", JSONRPC_FINE, JSONRPC_FINE },
	{ "bitcoind's result", "{\"result\":7,\"error\":null,\"id\":1}", JSONRPC_VERSION, JSONRPC_FINE },
	{ "bitcoind's error", "{\"result\":null,\"error\":" E ",\"id\":1}", JSONRPC_VERSION, JSONRPC_FINE },
	{ "bitcoind's null", "{\"result\":null,\"error\":null,\"id\":1}", JSONRPC_VERSION, JSONRPC_FINE },
	{ "1.0", "{\"jsonrpc\":\"1.0\",\"result\":7,\"id\":1}", JSONRPC_VERSION, JSONRPC_FINE },
	{ "1.1", "{\"jsonrpc\":\"1.1\",\"result\":7,\"id\":1}", JSONRPC_VERSION, JSONRPC_FINE },
	{ "3.0", "{\"jsonrpc\":\"3.0\",\"result\":7,\"id\":1}", JSONRPC_VERSION, JSONRPC_VERSION },
	{ "2 as a number", "{\"jsonrpc\":2,\"result\":7,\"id\":1}", JSONRPC_VERSION, JSONRPC_VERSION },
	{ "result and null", "{\"jsonrpc\":\"2.0\",\"result\":7,\"error\":null,\"id\":1}", JSONRPC_BOTH, JSONRPC_FINE },
	{ "both", "{\"jsonrpc\":\"2.0\",\"result\":7,\"error\":" E ",\"id\":1}", JSONRPC_BOTH, JSONRPC_BOTH },
	{ "neither", "{\"jsonrpc\":\"2.0\",\"id\":1}", JSONRPC_NEITHER, JSONRPC_NEITHER },
	{ "error null", NO("1", "null"), JSONRPC_BAD_ERROR, JSONRPC_NEITHER },
	{ "error of text", NO("1", "\"no\""), JSONRPC_BAD_ERROR, JSONRPC_BAD_ERROR },
	{ "no code", NO("1", "{\"message\":\"no\"}"), JSONRPC_BAD_ERROR, JSONRPC_BAD_ERROR },
	{ "code of text", NO("1", "{\"code\":\"-1\",\"message\":\"no\"}"), JSONRPC_BAD_ERROR, JSONRPC_BAD_ERROR },
	{ "no words", NO("1", "{\"code\":-1}"), JSONRPC_BAD_ERROR, JSONRPC_BAD_ERROR },
	{ "words null", NO("1", "{\"code\":-1,\"message\":null}"), JSONRPC_BAD_ERROR, JSONRPC_BAD_ERROR },
};

START_TEST(one_answer)
{
	struct jsonrpc_rules loose = { .loose = true };
	struct jsonrpc_answer *got;

	ck_assert_int_eq(decode(odd[_i].body, 1), JSONRPC_FINE);
	got = &reply.answers[0];
	ck_assert_msg(got->flaw == odd[_i].strict, "%s: %s", odd[_i].name, jsonrpc_flaw_text(got->flaw));
	ck_assert(got->flaw == JSONRPC_FINE || got->result == NULL);
	jsonrpc_decode(&arena, bytes_of(odd[_i].body), 1, &loose, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_FINE);
	got = &reply.answers[0];
	ck_assert_msg(got->flaw == odd[_i].loose, "%s, loosely: %s", odd[_i].name, jsonrpc_flaw_text(got->flaw));
	if (got->flaw == JSONRPC_FINE && got->result == NULL)
		ck_assert_str_eq(got->error.message, "no");
}
END_TEST

START_TEST(one_call_of_a_batch_asked_alone)
{
	jsonrpc_decode_one(&arena, bytes_of(OK("3", "7")), 2, NULL, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_FINE);
	ck_assert_int_eq(json_integer_value(reply.answers[0].result), 7);
	jsonrpc_decode_one(&arena, bytes_of(OK("1", "7")), 2, NULL, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_FOREIGN_ID);
}
END_TEST

START_TEST(limits)
{
	struct jsonrpc_rules rules = { .max_bytes = sizeof(OK("1", "[1,[2]]")) - 1, .max_depth = 3, .max_values = 7 };

	jsonrpc_decode(&arena, bytes_of(OK("1", "[1,[2]]")), 1, &rules, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_FINE);
	rules.max_depth = 2;
	jsonrpc_decode(&arena, bytes_of(OK("1", "[1,[2]]")), 1, &rules, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_TOO_DEEP);
	rules.max_depth = 3;
	rules.max_values = 6;
	jsonrpc_decode(&arena, bytes_of(OK("1", "[1,[2]]")), 1, &rules, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_TOO_DEEP);
	rules.max_values = 7;
	rules.max_bytes--;
	jsonrpc_decode(&arena, bytes_of(OK("1", "[1,[2]]")), 1, &rules, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_TOO_LARGE);
}
END_TEST

START_TEST(words_of_an_error)
{
	char body[4096], *p = body;
	const char *m;

	ck_assert_int_eq(decode(NO("1", "{\"code\":1,\"message\":\"a\\u0000b\\n\\u007f\\u00e9\",\"data\":[]}"), 1),
			 JSONRPC_FINE);
	ck_assert_str_eq(reply.answers[0].error.message, "a b  \xc3\xa9");
	ck_assert(json_is_array(reply.answers[0].error.data));
	ck_assert_str_eq(reply.answers[0].error.data_text, "");
	ck_assert_int_eq(decode(NO("1", "{\"code\":1,\"message\":\"\",\"data\":\"why\\tnot\"}"), 1), JSONRPC_FINE);
	ck_assert_str_eq(reply.answers[0].error.message, "");
	ck_assert_str_eq(reply.answers[0].error.data_text, "why not");

	/* Cut between two characters: 1023 bytes, and the next takes two. */
	p += snprintf(p, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"");
	memset(p, 'x', JSONRPC_MESSAGE_MAX - 1);
	p += JSONRPC_MESSAGE_MAX - 1;
	memcpy(p, "\xc3\xa9yz\"}}", sizeof("\xc3\xa9yz\"}}"));
	ck_assert_int_eq(decode(body, 1), JSONRPC_FINE);
	m = reply.answers[0].error.message;
	ck_assert_uint_eq(strlen(m), JSONRPC_MESSAGE_MAX - 1);
	ck_assert_int_eq(m[JSONRPC_MESSAGE_MAX - 2], 'x');
}
END_TEST

START_TEST(results_and_errors)
{
	json_t *v = NULL;

	decode("[" OK("1", "7") "," NO("2", E) "," NO("3", "{\"code\":99999999999,\"message\":\"far\"}") "]", 4);
	ck_assert_int_eq(jsonrpc_result(&reply.answers[0], &v, &err), 0);
	ck_assert_int_eq(json_integer_value(v), 7);
	v = NULL;
	ck_assert_int_eq(jsonrpc_result(&reply.answers[1], &v, &err), -1);
	ck_assert(err.code == ERR_PEER && err.peer_code == -32000);
	ck_assert_str_eq(err.msg, "no");
	ck_assert_int_eq(jsonrpc_result(&reply.answers[2], &v, &err), -1);
	ck_assert(err.code == ERR_PEER && err.peer_code == 0);
	ck_assert_int_eq(jsonrpc_result(&reply.answers[3], &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_PEER_INVALID);
	ck_assert_str_eq(err.msg, "the call has no answer");
	ck_assert_ptr_null(v);
}
END_TEST

START_TEST(every_flaw_has_words)
{
	for (int i = 0; i < JSONRPC_FLAWS; i++)
		ck_assert_ptr_nonnull(jsonrpc_flaw_text((enum jsonrpc_flaw)i));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/jsonrpc_msg");
	TCase *q = tcase_create("requests"), *r = tcase_create("replies");

	tcase_add_checked_fixture(q, setup, teardown);
	tcase_add_checked_fixture(r, setup, teardown);
	tcase_add_test(q, one_call);
	tcase_add_test(q, several_calls);
	tcase_add_test(q, no_call_and_too_many);
	tcase_add_test(q, a_request_too_large_for_its_arena);
	tcase_add_test(r, answers_in_any_order);
	tcase_add_test(r, an_answer_that_is_missing);
	tcase_add_loop_test(r, a_reply_that_is_spoilt, 0, ARRAY_LEN(spoilt));
	tcase_add_loop_test(r, one_answer, 0, ARRAY_LEN(odd));
	tcase_add_test(r, one_call_of_a_batch_asked_alone);
	tcase_add_test(r, limits);
	tcase_add_test(r, words_of_an_error);
	tcase_add_test(r, results_and_errors);
	tcase_add_test(r, every_flaw_has_words);
	suite_add_tcase(s, q);
	suite_add_tcase(s, r);
	return suite_run(s);
}
