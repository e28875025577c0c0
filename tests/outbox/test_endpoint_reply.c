/* Which replies are answers, and which are failures of the endpoint. */
#include "outbox/endpoint_reply.h"

#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define OK(id)      "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":\"0x1\"}"
#define NO(id, msg) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":-32000,\"message\":\"" msg "\"}}"

static const struct {
	const char *name;
	int status;
	const char *body;
	size_t n;
	enum endpoint_verdict verdict;
	enum err_code code;
} rows[] = {
	{ "result", 200, OK("1"), 1, ENDPOINT_ANSWERED, ERR_NONE },
	{ "error about the call", 200, NO("1", "nonce too low"), 1, ENDPOINT_ANSWERED, ERR_NONE },
	{ "error that nobody knows", 200, NO("1", "Internal error"), 1, ENDPOINT_ANSWERED, ERR_NONE },
	{ "error under 400", 400, NO("1", "nonce too low"), 1, ENDPOINT_ANSWERED, ERR_NONE },
	{ "error under 500", 500, NO("1", "nonce too low"), 1, ENDPOINT_FAILED, ERR_PEER_DOWN },
	{ "throttled", 200, NO("1", "rate limit exceeded"), 1, ENDPOINT_FAILED, ERR_PEER_BUSY },
	{ "429", 429, "slow down", 1, ENDPOINT_FAILED, ERR_PEER_BUSY },
	{ "429 with an answer", 429, OK("1"), 1, ENDPOINT_FAILED, ERR_PEER_BUSY },
	{ "502", 502, "<html>", 1, ENDPOINT_FAILED, ERR_PEER_DOWN },
	{ "503 with an answer", 503, OK("1"), 1, ENDPOINT_FAILED, ERR_PEER_DOWN },
	{ "401", 401, "no key", 1, ENDPOINT_FAILED, ERR_PEER_DOWN },
	{ "404 page", 404, "<html>", 1, ENDPOINT_FAILED, ERR_PEER_DOWN },
	{ "redirect", 302, OK("1"), 1, ENDPOINT_FAILED, ERR_PEER_DOWN },
	{ "page", 200, "<html>", 1, ENDPOINT_FAILED, ERR_PEER_INVALID },
	{ "nothing", 200, "", 1, ENDPOINT_FAILED, ERR_PEER_INVALID },
	{ "flawed answer", 200, "{\"jsonrpc\":\"2.0\",\"id\":1}", 1, ENDPOINT_FAILED, ERR_PEER_INVALID },
	{ "foreign answer", 200, OK("2"), 1, ENDPOINT_FAILED, ERR_PEER_INVALID },
	{ "batch", 200, "[" OK("2") "," OK("1") "]", 2, ENDPOINT_ANSWERED, ERR_NONE },
	{ "half a batch", 200, "[" OK("2") "]", 2, ENDPOINT_ANSWERED, ERR_NONE },
	{ "half is throttled", 200, "[" OK("2") "," NO("1", "rate limit") "]", 2, ENDPOINT_ANSWERED, ERR_NONE },
	{ "all is throttled", 200, "[" NO("2", "rate limit") "," NO("1", "rate limit") "]", 2, ENDPOINT_FAILED,
	  ERR_PEER_BUSY },
	{ "empty batch", 200, "[]", 2, ENDPOINT_FAILED, ERR_PEER_INVALID },
	{ "no batches", 200, NO("null", "batch requests are not supported"), 2, ENDPOINT_NO_BATCHES, ERR_NONE },
	{ "no batches under 400", 400, NO("null", "batch limit 10"), 2, ENDPOINT_NO_BATCHES, ERR_NONE },
	{ "throttled batch", 200, NO("null", "Too Many Requests"), 2, ENDPOINT_FAILED, ERR_PEER_BUSY },
};

START_TEST(verdicts)
{
	struct net_reply rep = reply_of(rows[_i].status, rows[_i].body);
	struct jsonrpc_reply got;
	struct err err;

	err_clear(&err);
	ck_assert_msg(endpoint_judge(&ra, &rep, 0, rows[_i].n, &got, &err) == rows[_i].verdict, "%s", rows[_i].name);
	if (rows[_i].verdict == ENDPOINT_FAILED) {
		ck_assert_msg(err.code == rows[_i].code, "%s: %s", rows[_i].name, err_kind(err.code));
		ck_assert_str_ne(err.msg, "");
		ck_assert_int_eq(err.class, ERR_TRANSIENT);
	}
	if (rows[_i].verdict == ENDPOINT_ANSWERED)
		ck_assert_uint_eq(got.n, rows[_i].n);
}
END_TEST

START_TEST(no_answer)
{
	struct net_reply rep = { .outcome = NET_UNKNOWN, .detail = "no whole reply within 20000 ms" };
	struct jsonrpc_reply got;

	ck_assert_int_eq(endpoint_judge(&ra, &rep, 0, 1, &got, &rerr), ENDPOINT_FAILED);
	ck_assert_int_eq(rerr.code, ERR_PEER_DOWN);
	ck_assert_str_eq(rerr.msg, rep.detail);
	rep.outcome = NET_NOT_SENT;
	ck_assert_int_eq(endpoint_judge(&ra, &rep, 0, 1, &got, &rerr), ENDPOINT_FAILED);
	ck_assert_int_eq(rerr.code, ERR_PEER_DOWN);
}
END_TEST

START_TEST(how_long_to_wait)
{
	struct net_reply rep = reply_of(429, "");
	struct jsonrpc_reply got;

	rep.retry_after_s = 17;
	ck_assert_int_eq(endpoint_judge(&ra, &rep, 0, 1, &got, &rerr), ENDPOINT_FAILED);
	ck_assert(rerr.code == ERR_PEER_BUSY && rerr.retry_after_s == 17 && rerr.peer_code == 429);
	rep.status = 503;
	ck_assert_int_eq(endpoint_judge(&ra, &rep, 0, 1, &got, &rerr), ENDPOINT_FAILED);
	ck_assert(rerr.code == ERR_PEER_BUSY && rerr.retry_after_s == 17 && rerr.peer_code == 503);
}
END_TEST

START_TEST(one_of_a_batch)
{
	struct net_reply rep = reply_of(200, OK("8"));
	struct jsonrpc_reply got;

	ck_assert_int_eq(endpoint_judge(&ra, &rep, 7, 1, &got, &rerr), ENDPOINT_ANSWERED);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_eq(endpoint_judge(&ra, &rep, 6, 1, &got, &rerr), ENDPOINT_FAILED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/endpoint_reply");
	TCase *c = rails_case(s, "judging");

	tcase_add_loop_test(c, verdicts, 0, ARRAY_LEN(rows));
	tcase_add_test(c, no_answer);
	tcase_add_test(c, how_long_to_wait);
	tcase_add_test(c, one_of_a_batch);
	return suite_run(s);
}
