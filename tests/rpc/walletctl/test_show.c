/* rpc/walletctl/show.c: results as people read them. */
#include "rpc/walletctl/show.h"

#include <string.h>

#include "rpc/walletctl/term.h"
#include "tests/support/suite.h"

static struct arena a;
static struct buf out;

static void set_up(void)
{
	term_init();
	a = ARENA_LIMIT(1 << 22);
	out = BUF_CAP(1 << 20);
}

static void tear_down(void)
{
	buf_done(&out);
	arena_done(&a);
}

static json_t *json(const char *text)
{
	struct err err;
	json_t *v;

	if (json_parse(&a, bytes_of(text), 32, &v, &err) != 0)
		ck_abort_msg("%s", err.msg);
	return v;
}

static const struct {
	const char *name, *method, *json, *text;
} results[] = {
	{ "members in a column", "x", "{\"a\":1,\"longer\":\"text\",\"yes\":true,\"no\":false,\"null\":null}",
	  "a       1\n"
	  "longer  text\n"
	  "yes     yes\n"
	  "no      no\n"
	  "null    -\n" },
	{ "times, durations, never", "x",
	  "{\"created_at_ms\":1700000000123,\"interval_ms\":5000,\"expiry_s\":1700000000,\"uptime_s\":86400,"
	  "\"revoked_at_ms\":0,\"last_run_ms\":0,\"at_ms\":1700000000000}",
	  "created      2023-11-14 22:13:20Z\n"
	  "interval_ms  5000\n"
	  "expiry       2023-11-14 22:13:20Z\n"
	  "uptime_s     86400\n"
	  "revoked      -\n"
	  "last_run     -\n"
	  "at           2023-11-14 22:13:20Z\n" },
	{ "objects in objects", "x", "{\"balances\":{\"ecash\":{\"sat\":{\"spendable\":7,\"sent\":300}}}}",
	  "balances:\n"
	  "  ecash:\n"
	  "    sat:\n"
	  "      spendable  7\n"
	  "      sent       300\n" },
	{ "plain members first", "x", "{\"in\":{\"b\":2},\"a\":1}",
	  "a  1\n"
	  "\n"
	  "in:\n"
	  "  b  2\n" },
	{ "a list, numbers to the right, what is always null left out", "x",
	  "{\"rows\":[{\"n\":1,\"name\":\"a\",\"e\":null},{\"n\":1000,\"name\":\"b\",\"late\":\"x\"}]}",
	  "   N  NAME  LATE\n"
	  "   1  a     -\n"
	  "1000  b     x\n" },
	{ "the next page", "x", "{\"rows\":[{\"n\":1}],\"next\":\"42\"}",
	  "N\n"
	  "1\n"
	  "\n"
	  "more: after=42\n" },
	{ "no next page", "x", "{\"rows\":[{\"n\":1}],\"next\":null}",
	  "N\n"
	  "1\n" },
	{ "two lists keep their names", "x", "{\"p\":[{\"n\":1}],\"q\":[{\"m\":2}]}",
	  "p:\n"
	  "  N\n"
	  "  1\n"
	  "\n"
	  "q:\n"
	  "  M\n"
	  "  2\n" },
	{ "empty", "x", "{\"rows\":[],\"obj\":{}}",
	  "rows  none\n"
	  "obj   none\n" },
	{ "words, sentences", "x", "{\"words\":[\"a\",\"b\",3],\"story\":[\"It began.\",\"It ended now.\"]}",
	  "words  a, b, 3\n"
	  "\n"
	  "story:\n"
	  "  It began.\n"
	  "  It ended now.\n" },
	{ "chosen columns", "action.list",
	  "{\"actions\":[{\"version\":3,\"id\":\"x1\",\"kind\":\"k\",\"status\":\"parked\",\"state\":\"s\","
	  "\"error\":{\"kind\":\"e\",\"message\":\"down\"},\"created_at_ms\":1700000000000}]}",
	  "ID  KIND  STATUS  STATE  ERROR MESSAGE  CREATED\n"
	  "x1  k     parked  s      down           2023-11-14 22:13:20Z\n" },
	{ "directives", "directive.list",
	  "{\"directives\":[{\"outbox_seq\":7,\"directive_id\":\"w-7\",\"kind\":\"needs_rsm_signature\",\"action_key\":\"a\","
	  "\"account\":\"0xAb\",\"nonce\":\"12\",\"delivery_status\":\"confirmed\",\"attempts\":1,\"reason_class\":null,"
	  "\"updated_at_ms\":1700000000000}],\"next\":\"7\"}",
	  "OUTBOX SEQ  DIRECTIVE ID  ACTION KEY  ACCOUNT  NONCE  DELIVERY STATUS  ATTEMPTS  UPDATED\n"
	  "         7  w-7           a           0xAb     12     confirmed               1  2023-11-14 22:13:20Z\n"
	  "\n"
	  "more: after=7\n" },
	{ "exits", "exit.list",
	  "{\"exits\":[{\"exit\":3,\"vtxo_id\":\"ab:0\",\"attempt\":1,\"state\":\"processing\",\"live\":true,"
	  "\"amount_sat\":50000,\"waiting_for\":\"funds\",\"blocks_left\":14,\"depth\":2,\"fees_sat\":1382,"
	  "\"confirmed_txs\":1,\"deadline_height\":488}]}",
	  "EXIT  VTXO ID  AMOUNT SAT  STATE       WAITING FOR  CONFIRMED TXS  DEPTH  BLOCKS LEFT  DEADLINE HEIGHT  FEES SAT\n"
	  "   3  ab:0          50000  processing  funds                    1      2           14              488      1382\n" },
	{ "the nonce doctor", "outbox.lanes",
	  "{\"lanes\":[{\"lane\":1,\"chain_id\":5,\"relayer\":\"0xAb\",\"key\":\"hd:0\",\"hold\":\"no_funds\",\"balance_wei\":\"0\","
	  "\"latest\":3,\"pending\":3,\"next_tx_nonce\":4,\"gap\":1,\"slots_open\":1,\"pause_reason\":null,"
	  "\"trouble\":\"no_funds\",\"what\":\"It is empty.\",\"next\":\"send ether\",\"lowest\":{\"tx_nonce\":3}}]}",
	  "LANE  CHAIN ID  RELAYER  BALANCE WEI  LATEST  PENDING  NEXT TX NONCE  GAP  SLOTS OPEN  HOLD      TROUBLE   WHAT          NEXT\n"
	  "   1         5  0xAb     0                 3        3              4    1           1  no_funds  no_funds  It is empty.  send ether\n" },
	{ "blocks", "mint.list",
	  "{\"mints\":[{\"url\":\"u\",\"keysets\":[{\"id\":\"00aa\",\"unit\":\"sat\"}]},{\"url\":\"v\",\"keysets\":[]}]}",
	  "url  u\n"
	  "\n"
	  "keysets:\n"
	  "  ID    UNIT\n"
	  "  00aa  sat\n"
	  "\n"
	  "url      v\n"
	  "keysets  none\n" },
	{ "names and values of others", "x", "{\"a\\u001b[2J\":\"b\\nc\",\"l\":[{\"k\\u0007\":\"\\u001b[0m\"}]}",
	  "a\\u001b[2J  b\\u000ac\n"
	  "\n"
	  "l:\n"
	  "  K\\U0007\n"
	  "  \\u001b[0m\n" },
	{ "nothing", "x", "{}", "" },
	{ "a mixed list", "x", "{\"l\":[1,{\"a\":2},[3]]}",
	  "1\n"
	  "\n"
	  "a  2\n"
	  "[3]\n" },
};

START_TEST(result)
{
	show_result(&out, &a, results[_i].method, json(results[_i].json));
	ck_assert_msg(strcmp(buf_text(&out), results[_i].text) == 0, "%s:\n%s", results[_i].name, buf_text(&out));
}
END_TEST

/* What is escaped for the terminal must not change what a program reads. */
START_TEST(json_stays_the_same)
{
	json_t *v = json("{\"a\":\"\\u001b\\u009b\\u202e \\udb40\\udc41 ä\",\"n\":[1,2]}"), *back;
	struct err err;

	show_json(&out, v);
	for (size_t i = 0; i < out.n; i++)
		ck_assert(out.p[i] == '\n' || out.p[i] >= 0x20);
	ck_assert_ptr_null(memmem(out.p, out.n, "\xc2\x9b", 2));
	ck_assert_ptr_null(memmem(out.p, out.n, "\xe2\x80\xae", 3));
	ck_assert_int_eq(json_parse(&a, buf_bytes(&out), 8, &back, &err), 0);
	ck_assert(json_equal(v, back));
}
END_TEST

static const struct {
	const char *json, *text;
} errors[] = {
	{ "{\"code\":-32005,\"message\":\"too little\",\"data\":{\"kind\":\"insufficient_funds\",\"retryable\":false,"
	  "\"funds_moved\":\"no\",\"hint\":\"balance\"}}",
	  "error: too little\nkind: insufficient_funds\nhint: balance\n" },
	{ "{\"code\":-32009,\"message\":\"m\\u001bm\",\"data\":{\"kind\":\"timeout\",\"funds_moved\":\"unknown\","
	  "\"action_id\":\"x1\",\"field\":\"amount\"}}",
	  "error: m\\u001bm\nkind: timeout\nfield: amount\nfunds moved: unknown\naction: x1\n" },
	{ "{}", "" },
};

START_TEST(error)
{
	show_error(&out, json(errors[_i].json));
	ck_assert_str_eq(buf_text(&out), errors[_i].text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walletctl/show");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, result, 0, (int)ARRAY_LEN(results));
	tcase_add_test(t, json_stays_the_same);
	tcase_add_loop_test(t, error, 0, (int)ARRAY_LEN(errors));
	suite_add_tcase(s, t);
	return suite_run(s);
}
