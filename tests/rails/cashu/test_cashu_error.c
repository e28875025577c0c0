#include "rails/cashu/cashu_error.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct {
	const char *name;
	int status, retry_after_s;
	const char *body;
	enum err_code why;
	int peer_code;
	enum cashu_verdict verdict;
} answers[] = {
	{ "spent", 400, 0, "{\"detail\":\"Token already spent.\",\"code\":11001}", ERR_PEER_DOWN, 11001,
	  CASHU_AMBIGUOUS },
	{ "bad proof", 400, 0, "{\"detail\":\"x\",\"code\":10001}", ERR_PEER, 10001, CASHU_DEFINITE },
	{ "pending", 400, 0, "{\"detail\":\"x\",\"code\":11002}", ERR_PEER_BUSY, 11002, CASHU_WAIT },
	{ "signed before", 400, 0, "{\"detail\":\"x\",\"code\":11003}", ERR_PEER_DOWN, 11003, CASHU_AMBIGUOUS },
	{ "unbalanced", 400, 0, "{\"detail\":\"x\",\"code\":11005}", ERR_PEER, 11005, CASHU_REBUILD },
	{ "limits", 400, 0, "{\"detail\":\"x\",\"code\":11006}", ERR_PEER, 11006, CASHU_DEFINITE },
	{ "cdk's duplicate outputs", 400, 0, "{\"detail\":\"x\",\"code\":11008}", ERR_PEER_DOWN, 11008,
	  CASHU_AMBIGUOUS },
	{ "inactive keyset", 400, 0, "{\"detail\":\"x\",\"code\":12002}", ERR_PEER, 12002, CASHU_REBUILD },
	{ "not paid", 400, 0, "{\"detail\":\"x\",\"code\":20001}", ERR_PEER_BUSY, 20001, CASHU_WAIT },
	{ "issued", 400, 0, "{\"detail\":\"x\",\"code\":20002}", ERR_PEER_DOWN, 20002, CASHU_AMBIGUOUS },
	{ "quote expired", 400, 0, "{\"detail\":\"x\",\"code\":20007}", ERR_PEER, 20007, CASHU_DEFINITE },
	{ "signature", 400, 0, "{\"detail\":\"x\",\"code\":20008}", ERR_PEER, 20008, CASHU_DEFINITE },
	{ "auth", 400, 0, "{\"detail\":\"x\",\"code\":30001}", ERR_PEER, 30001, CASHU_DEFINITE },
	{ "nutshell's auth", 400, 0, "{\"detail\":\"x\",\"code\":81004}", ERR_PEER, 81004, CASHU_DEFINITE },
	{ "nutshell's generic", 400, 0, "{\"detail\":\"x\",\"code\":11000}", ERR_PEER_DOWN, 11000, CASHU_AMBIGUOUS },
	{ "nutshell's exception", 400, 0, "{\"detail\":\"x\",\"code\":0}", ERR_PEER_DOWN, 400, CASHU_AMBIGUOUS },
	{ "cdk's internal", 400, 0, "{\"detail\":\"x\",\"code\":50000}", ERR_PEER_DOWN, 50000, CASHU_AMBIGUOUS },
	{ "a code from the future", 400, 0, "{\"detail\":\"x\",\"code\":11999}", ERR_PEER_DOWN, 11999,
	  CASHU_AMBIGUOUS },
	{ "a code without words", 400, 0, "{\"code\":10001}", ERR_PEER, 10001, CASHU_DEFINITE },
	{ "words without a code", 400, 0, "{\"detail\":\"x\"}", ERR_PEER_DOWN, 400, CASHU_AMBIGUOUS },
	{ "a code that is text", 400, 0, "{\"detail\":\"x\",\"code\":\"10001\"}", ERR_PEER_DOWN, 400, CASHU_AMBIGUOUS },
	{ "a code that is huge", 400, 0, "{\"code\":99999999999}", ERR_PEER_DOWN, 400, CASHU_AMBIGUOUS },
	{ "a code that is negative", 400, 0, "{\"code\":-10001}", ERR_PEER_DOWN, 400, CASHU_AMBIGUOUS },
	{ "a list", 400, 0, "[10001]", ERR_PEER_DOWN, 400, CASHU_AMBIGUOUS },
	{ "nothing", 400, 0, "", ERR_PEER_DOWN, 400, CASHU_AMBIGUOUS },
	{ "nutshell's validation", 422, 0, "{\"detail\":[{\"loc\":[\"body\"]}]}", ERR_PEER_DOWN, 422, CASHU_AMBIGUOUS },
	{ "somebody else's no", 404, 0, "<html>10001</html>", ERR_PEER_DOWN, 404, CASHU_AMBIGUOUS },
	{ "a proxy with a mint's code", 403, 0, "{\"code\":10001}", ERR_PEER_DOWN, 10001, CASHU_AMBIGUOUS },
	{ "request time-out", 408, 0, "", ERR_PEER_DOWN, 408, CASHU_AMBIGUOUS },
	{ "moved", 301, 0, "", ERR_PEER_DOWN, 301, CASHU_AMBIGUOUS },
	{ "broken", 500, 0, "{\"detail\":\"x\",\"code\":10001}", ERR_PEER_DOWN, 10001, CASHU_AMBIGUOUS },
	{ "bad gateway", 502, 0, "<html>", ERR_PEER_DOWN, 502, CASHU_AMBIGUOUS },
	{ "unavailable", 503, 0, "", ERR_PEER_DOWN, 503, CASHU_AMBIGUOUS },
	{ "unavailable for now", 503, 7, "", ERR_PEER_BUSY, 503, CASHU_THROTTLED },
	{ "throttled", 429, 0, "{\"detail\":\"Rate limit exceeded.\"}", ERR_PEER_BUSY, 429, CASHU_THROTTLED },
	{ "throttled for now", 429, 30, "", ERR_PEER_BUSY, 429, CASHU_THROTTLED },
	{ "a success that is none", 200, 0, "<html>", ERR_PEER_INVALID, 0, CASHU_AMBIGUOUS },
	{ "a success of nothing", 200, 0, "", ERR_PEER_INVALID, 0, CASHU_AMBIGUOUS },
	{ "a success that is a list", 200, 0, "[]", ERR_PEER_INVALID, 0, CASHU_AMBIGUOUS },
	{ "a success in part", 200, 0, "{\"a\":", ERR_PEER_INVALID, 0, CASHU_AMBIGUOUS },
	{ "too deep", 200, 0, "{\"a\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]]}", ERR_PEER_INVALID, 0, CASHU_AMBIGUOUS },
	{ "a name twice", 200, 0, "{\"a\":1,\"a\":2}", ERR_PEER_INVALID, 0, CASHU_AMBIGUOUS },
};

START_TEST(what_an_answer_means)
{
	struct net_reply rep = reply_of(answers[_i].status, answers[_i].body);
	json_t *v;

	rep.retry_after_s = answers[_i].retry_after_s;
	ck_fails(cashu_reply_json(&ra, &rep, &v, &rerr), answers[_i].why);
	ck_assert_msg(rerr.peer_code == answers[_i].peer_code, "%s: %d", answers[_i].name, rerr.peer_code);
	ck_assert_msg(cashu_verdict(&rerr) == answers[_i].verdict, "%s: %d", answers[_i].name, cashu_verdict(&rerr));
	ck_assert_int_eq(rerr.retry_after_s, answers[_i].retry_after_s);
	/* What the executor reads: a definite no and only that is a rejection. */
	ck_assert((rerr.class == ERR_REJECTED) ==
		  (answers[_i].verdict == CASHU_DEFINITE || answers[_i].verdict == CASHU_REBUILD));
}
END_TEST

START_TEST(success)
{
	struct net_reply rep = reply_of(200, "{\"a\":1}");
	json_t *v;

	ck_ok(cashu_reply_json(&ra, &rep, &v, &rerr));
	ck_assert_int_eq(json_integer_value(json_object_get(v, "a")), 1);
	ck_assert_int_eq(cashu_verdict(&rerr), CASHU_OK);
}
END_TEST

START_TEST(no_answer)
{
	struct net_reply rep = { .outcome = NET_NOT_SENT, .detail = "connection refused" };
	json_t *v;

	ck_fails(cashu_reply_json(&ra, &rep, &v, &rerr), ERR_PEER_DOWN);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "connection refused"));
	ck_assert_int_eq(cashu_verdict(&rerr), CASHU_AMBIGUOUS);
	rep = (struct net_reply){ .outcome = NET_UNKNOWN, .detail = "timed out" };
	ck_fails(cashu_reply_json(&ra, &rep, &v, &rerr), ERR_PEER_DOWN);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "timed out"));
	ck_assert_int_eq(rerr.peer_code, 0);
}
END_TEST

START_TEST(the_mints_words_are_tamed)
{
	struct net_reply rep = reply_of(400, "{\"detail\":\"\\u001b[31mred\\nline two \xc3\xb6\",\"code\":10001}");
	SCOPED(buf) struct buf b = BUF_CAP(8192);
	json_t *v;

	ck_fails(cashu_reply_json(&ra, &rep, &v, &rerr), ERR_PEER);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "?[31mred?line two ??"));
	for (const char *p = rerr.msg; *p != '\0'; p++)
		ck_assert(*p >= 0x20 && *p < 0x7f);
	buf_text_add(&b, "{\"detail\":\"");
	for (int i = 0; i < 5000; i++)
		buf_text_add(&b, "A");
	buf_text_add(&b, "\",\"code\":10001}");
	rep = reply_of(400, buf_text(&b));
	ck_fails(cashu_reply_json(&ra, &rep, &v, &rerr), ERR_PEER);
	ck_assert_uint_lt(strlen(rerr.msg), 250);
}
END_TEST

START_TEST(classes)
{
	ck_assert_int_eq(cashu_class_of(10001), CASHU_D);
	ck_assert_int_eq(cashu_class_of(11001), CASHU_A);
	ck_assert_int_eq(cashu_class_of(11004), CASHU_W);
	ck_assert_int_eq(cashu_class_of(11014), CASHU_B);
	ck_assert_int_eq(cashu_class_of(11013), CASHU_X);
	ck_assert_int_eq(cashu_class_of(0), CASHU_A);
	ck_assert_int_eq(cashu_class_of(-1), CASHU_A);
	ck_assert_int_eq(cashu_class_of(12345), CASHU_A);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/cashu_error");
	TCase *c = rails_case(s, "cashu_error");

	tcase_add_loop_test(c, what_an_answer_means, 0, ARRAY_LEN(answers));
	tcase_add_test(c, success);
	tcase_add_test(c, no_answer);
	tcase_add_test(c, the_mints_words_are_tamed);
	tcase_add_test(c, classes);
	return suite_run(s);
}
