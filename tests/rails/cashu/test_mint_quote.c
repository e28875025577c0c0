#include "rails/cashu/mint_quote.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct ecash sum_of(uint64_t v, const char *unit)
{
	struct currency c;
	struct ecash e;

	ck_assert(currency_parse(unit, &c) && ecash_make(v, c, &e));
	return e;
}

START_TEST(asking_for_one)
{
	struct pubkey key = { { 0x02, 0xab } };
	struct net_request req;

	ck_ok(mint_quote_request(&ra, "https://m.example", sum_of(1000, "sat"), NULL, NULL, &req, &rerr));
	ck_assert_str_eq(req.method, "POST");
	ck_assert_str_eq(req.url, "https://m.example/v1/mint/quote/bolt11");
	assert_body(&req, "{\"amount\":1000,\"unit\":\"sat\"}");
	ck_ok(mint_quote_request(&ra, "https://m.example", sum_of(5, "usd"), "a \"coffee\"", &key, &req, &rerr));
	assert_body(&req, "{\"amount\":5,\"unit\":\"usd\",\"description\":\"a \\\"coffee\\\"\",\"pubkey\":"
			  "\"02ab00000000000000000000000000000000000000000000000000000000000000\"}");
	ck_fails(mint_quote_request(&ra, "https://m.example", sum_of(0, "sat"), NULL, NULL, &req, &rerr), ERR_RANGE);
	ck_assert_str_eq(rerr.field, "amount");
	ck_fails(mint_quote_request(&ra, "https://m.example", sum_of(1, "sat"),
				    arena_printf(&ra, "%0*d", MINT_QUOTE_DESCRIPTION_MAX + 1, 0), NULL, &req, &rerr),
		 ERR_PARAM);
	ck_assert_str_eq(rerr.field, "description");
}
END_TEST

START_TEST(asking_about_one)
{
	struct net_request req;

	mint_quote_check_request(&ra, "https://m.example", "a/b c", &req);
	ck_assert_str_eq(req.method, "GET");
	ck_assert_str_eq(req.url, "https://m.example/v1/mint/quote/bolt11/a%2Fb%20c");
}
END_TEST

#define QUOTE(more) "{\"quote\":\"q-1\",\"request\":\"lnbcrt10u1pabc\",\"state\":\"UNPAID\"" more "}"

static const struct {
	const char *name, *body;
	enum quote_state state;
	int64_t expiry_s;
	bool has_pubkey;
} good[] = {
	{ "least", QUOTE(""), QUOTE_UNPAID, 0, false },
	{ "an expiry past all counting", QUOTE(",\"expiry\":9223372036854775807"), QUOTE_UNPAID, 253402300799, false },
	{ "nulls", QUOTE(",\"expiry\":null,\"amount\":null,\"unit\":null,\"pubkey\":null"), QUOTE_UNPAID, 0, false },
	{ "most",
	  QUOTE(",\"expiry\":1700000000,\"amount\":1000,\"unit\":\"sat\",\"method\":\"bolt11\",\"amount_paid\":0,"
		"\"pubkey\":\"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\""),
	  QUOTE_UNPAID, 1700000000, true },
	{ "paid", "{\"quote\":\"q-1\",\"request\":\"lnbcrt10u1pabc\",\"state\":\"PAID\",\"paid\":true}", QUOTE_PAID, 0,
	  false },
	{ "issued", "{\"quote\":\"q-1\",\"request\":\"x\",\"state\":\"ISSUED\"}", QUOTE_ISSUED, 0, false },
	{ "pending", "{\"quote\":\"q-1\",\"request\":\"x\",\"state\":\"PENDING\"}", QUOTE_PENDING, 0, false },
	{ "a state to come", "{\"quote\":\"q-1\",\"request\":\"x\",\"state\":\"paid\"}", QUOTE_UNKNOWN, 0, false },
	{ "no state at all", "{\"quote\":\"q-1\",\"request\":\"x\",\"state\":\"\"}", QUOTE_UNKNOWN, 0, false },
};

START_TEST(answers)
{
	struct net_reply rep = reply_of(200, good[_i].body);
	struct mint_quote q;

	ck_ok(mint_quote_decode(&ra, &rep, sum_of(1000, "sat"), "q-1", &q, &rerr));
	ck_assert_str_eq(q.id, "q-1");
	ck_assert_int_eq(q.state, good[_i].state);
	ck_assert_int_eq(q.expiry_s, good[_i].expiry_s);
	ck_assert(q.has_pubkey == good[_i].has_pubkey);
	ck_assert_uint_eq(ecash_value(q.amount), 1000);
	ck_ok(mint_quote_decode(&ra, &rep, sum_of(1000, "sat"), NULL, &q, &rerr));
}
END_TEST

static const char *const bad[] = {
	"{}",
	"{\"quote\":\"q-1\",\"state\":\"UNPAID\"}",
	"{\"request\":\"x\",\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"request\":\"x\"}",
	"{\"quote\":\"q-1\",\"request\":\"x\",\"state\":1}",
	"{\"quote\":\"\",\"request\":\"x\",\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-2\",\"request\":\"x\",\"state\":\"UNPAID\"}",
	"{\"quote\":\"q\\u0001\",\"request\":\"x\",\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"request\":\"x\\n\",\"state\":\"UNPAID\"}",
	QUOTE(",\"amount\":1001"),
	QUOTE(",\"amount\":-1"),
	QUOTE(",\"amount\":1000.0"),
	QUOTE(",\"unit\":\"usd\""),
	QUOTE(",\"unit\":1"),
	QUOTE(",\"expiry\":-1"),
	QUOTE(",\"expiry\":\"soon\""),
	QUOTE(",\"pubkey\":\"02\""),
	QUOTE(",\"pubkey\":\"020000000000000000000000000000000000000000000000000000000000000007\""),
	"{\"quote\":\"q-1\",\"request\":\"lnbc11u1pabc\",\"state\":\"UNPAID\"}",
};

START_TEST(answers_refused)
{
	struct net_reply rep = reply_of(200, bad[_i]);
	struct mint_quote q;

	ck_fails(mint_quote_decode(&ra, &rep, sum_of(1000, "sat"), "q-1", &q, &rerr), ERR_PEER_INVALID);
	ck_assert_ptr_null(strstr(rerr.msg, "q-1"));
}
END_TEST

START_TEST(ids_have_a_limit)
{
	struct mint_quote q;
	struct net_reply rep = reply_of(
		200, arena_printf(&ra, "{\"quote\":\"%0*d\",\"request\":\"x\",\"state\":\"UNPAID\"}", QUOTE_ID_MAX, 0));

	ck_ok(mint_quote_decode(&ra, &rep, sum_of(1, "sat"), NULL, &q, &rerr));
	rep = reply_of(200, arena_printf(&ra, "{\"quote\":\"%0*d\",\"request\":\"x\",\"state\":\"UNPAID\"}",
					 QUOTE_ID_MAX + 1, 0));
	ck_fails(mint_quote_decode(&ra, &rep, sum_of(1, "sat"), NULL, &q, &rerr), ERR_PEER_INVALID);
}
END_TEST

static const struct {
	const char *invoice, *unit;
	uint64_t amount;
	bool fits;
} invoices[] = {
	{ "lnbc10u1pabc", "sat", 1000, true },
	{ "lnbc10u1pabc", "sat", 999, false },
	{ "lnbc10u1pabc", "msat", 1000000, true },
	{ "lnbc10u1pabc", "msat", 1000, false },
	{ "lnbc10u1pabc", "usd", 3, true }, /* whatever a dollar is */
	{ "lnbc1m1pabc", "sat", 100000, true },
	{ "lntb10n1pabc", "sat", 1, true },
	{ "lntbs15n1pabc", "sat", 1, false }, /* half a sat */
	{ "lnbc10p1pabc", "msat", 1, true },
	{ "lnbc20p1pabc", "msat", 1, false },
	{ "lnbc15p1pabc", "msat", 7, true },      /* no such amount: cannot be read */
	{ "lnbc21pabc", "sat", 200000000, true }, /* two whole ones */
	{ "lnbc21pabc", "sat", 2, false },
	{ "LNBC10U1PABC", "sat", 1000, true },
	{ "LNBC10U1PABC", "sat", 1, false },
	/* cannot be read: somebody else's business */
	{ "lnbc1pabc", "sat", 7, true },
	{ "fake invoice", "sat", 7, true },
	{ "", "sat", 7, true },
	{ "lnbc10x1pabc", "sat", 7, true },
	{ "lnbc10uu1pabc", "sat", 7, true },
	{ "lnbc010u1pabc", "sat", 7, true },
	{ "lnbc99999999999999999999u1pabc", "sat", 7, true },
	{ "1", "sat", 7, true },
	{ "ln", "sat", 7, true },
};

START_TEST(the_invoice_is_for_the_amount)
{
	struct net_reply rep = reply_of(
		200,
		arena_printf(&ra, "{\"quote\":\"q\",\"request\":\"%s\",\"state\":\"UNPAID\"}", invoices[_i].invoice));
	struct ecash asked = sum_of(invoices[_i].amount, invoices[_i].unit);
	struct mint_quote q;

	if (invoices[_i].fits)
		ck_ok(mint_quote_decode(&ra, &rep, asked, "q", &q, &rerr));
	else
		ck_fails(mint_quote_decode(&ra, &rep, asked, "q", &q, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(a_refusal)
{
	struct net_reply rep = reply_of(400, "{\"detail\":\"disabled\",\"code\":20003}");
	struct mint_quote q;

	ck_fails(mint_quote_decode(&ra, &rep, sum_of(1, "sat"), NULL, &q, &rerr), ERR_PEER);
	ck_assert_int_eq(rerr.peer_code, 20003);
}
END_TEST

static struct mint_quote_asked asked_for(const char *id, uint64_t amount)
{
	return (struct mint_quote_asked){ .id = id, .amount = sum_of(amount, "sat") };
}

START_TEST(several_at_once)
{
	struct mint_quote_asked asked[] = { asked_for("q-1", 100), asked_for("q-2", 50) };
	const char *one = "{\"quote\":\"q-1\",\"request\":\"x\",\"state\":\"PAID\",\"amount\":100,\"unit\":\"sat\"}";
	const char *two = "{\"quote\":\"q-2\",\"request\":\"y\",\"state\":\"UNPAID\",\"amount\":50,\"expiry\":7}";
	struct net_request req;
	struct mint_quote *quotes;
	struct net_reply rep;

	ck_ok(mint_quotes_check_request(&ra, "https://m.example", asked, 2, &req, &rerr));
	ck_assert_str_eq(req.url, "https://m.example/v1/mint/quote/bolt11/check");
	ck_assert(!req.changes_state);
	assert_body(&req, "{\"quotes\":[\"q-1\",\"q-2\"]}");
	ck_fails(mint_quotes_check_request(&ra, "https://m.example", asked, 0, &req, &rerr), ERR_RANGE);
	rep = reply_of(200, arena_printf(&ra, "[%s,%s]", one, two));
	ck_ok(mint_quotes_decode(&ra, &rep, asked, 2, &quotes, &rerr));
	ck_assert(quotes[0].state == QUOTE_PAID && quotes[1].state == QUOTE_UNPAID && quotes[1].expiry_s == 7);
	ck_assert_str_eq(quotes[1].request, "y");
	rep = reply_of(200, arena_printf(&ra, "[%s,%s]", two, one));
	ck_fails(mint_quotes_decode(&ra, &rep, asked, 2, &quotes, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200, arena_printf(&ra, "[%s]", one));
	ck_fails(mint_quotes_decode(&ra, &rep, asked, 2, &quotes, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200, one);
	ck_fails(mint_quotes_decode(&ra, &rep, asked, 1, &quotes, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200, "[7]");
	ck_fails(mint_quotes_decode(&ra, &rep, asked, 1, &quotes, &rerr), ERR_PEER_INVALID);
	rep = reply_of(400, "{\"detail\":\"too many\",\"code\":11017}");
	ck_fails(mint_quotes_decode(&ra, &rep, asked, 2, &quotes, &rerr), ERR_PEER);
}
END_TEST

START_TEST(as_many_as_a_request_takes)
{
	struct mint_quote_asked *asked = ARENA_ARRAY(&ra, CASHU_LIST_MAX + 1, struct mint_quote_asked);
	SCOPED(arena) struct arena small = ARENA_LIMIT(8 * 1024);
	SCOPED(buf) struct buf b = BUF_CAP(1024 * 1024);
	struct net_request req;
	struct mint_quote *quotes;
	struct net_reply rep;

	for (size_t i = 0; i <= CASHU_LIST_MAX; i++) {
		asked[i] = asked_for(arena_printf(&ra, "%zu", i), 1);
		buf_printf(&b, "%s{\"quote\":\"%zu\",\"request\":\"x\",\"state\":\"PAID\"}", i == 0 ? "[" : ",", i);
	}
	buf_text_add(&b, "]");
	ck_ok(mint_quotes_check_request(&ra, "https://m.example", asked, CASHU_LIST_MAX, &req, &rerr));
	ck_fails(mint_quotes_check_request(&ra, "https://m.example", asked, CASHU_LIST_MAX + 1, &req, &rerr),
		 ERR_RANGE);
	ck_fails(mint_quotes_check_request(&small, "https://m.example", asked, 100, &req, &rerr), ERR_RANGE);
	rep = reply_of(200, buf_text(&b));
	ck_fails(mint_quotes_decode(&ra, &rep, asked, CASHU_LIST_MAX + 1, &quotes, &rerr), ERR_PEER_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/mint_quote");
	TCase *c = rails_case(s, "mint_quote");

	tcase_add_test(c, asking_for_one);
	tcase_add_test(c, asking_about_one);
	tcase_add_loop_test(c, answers, 0, ARRAY_LEN(good));
	tcase_add_loop_test(c, answers_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(c, ids_have_a_limit);
	tcase_add_loop_test(c, the_invoice_is_for_the_amount, 0, ARRAY_LEN(invoices));
	tcase_add_test(c, a_refusal);
	tcase_add_test(c, several_at_once);
	tcase_add_test(c, as_many_as_a_request_takes);
	return suite_run(s);
}
