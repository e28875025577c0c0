/* rpc/walletctl/term.c, table.c, qr.c: what a terminal gets to see. */
#include <stdlib.h>
#include <string.h>

#include "rpc/walletctl/qr.h"
#include "rpc/walletctl/table.h"
#include "rpc/walletctl/term.h"
#include "tests/support/suite.h"

static struct arena a;
static struct buf out;

static void set_up(void)
{
	term_init();
	a = ARENA_LIMIT(1 << 20);
	out = BUF_CAP(1 << 20);
}

static void tear_down(void)
{
	buf_done(&out);
	arena_done(&a);
}

static const struct {
	const char *name, *text, *line, *lines;
} escapes[] = {
	{ "plain", "a b~c", "a b~c", "a b~c" },
	{ "umlaut, CJK, emoji", "ä 漢 🙂", "ä 漢 🙂", "ä 漢 🙂" },
	{ "colour", "\033[31mred", "\\u001b[31mred", "\\u001b[31mred" },
	{ "title", "\033]0;x\007", "\\u001b]0;x\\u0007", "\\u001b]0;x\\u0007" },
	{ "C1 CSI",
	  "\xc2\x9b"
	  "31m",
	  "\\u009b31m", "\\u009b31m" },
	{ "DEL, BS, NUL's neighbours", "\x7f\b\x01", "\\u007f\\u0008\\u0001", "\\u007f\\u0008\\u0001" },
	{ "a forged row", "x\nid", "x\\u000aid", "x\nid" },
	{ "tab", "a\tb", "a\\u0009b", "a\tb" },
	{ "a lone CR overwrites", "good\rbad", "good\\u000dbad", "good\\u000dbad" },
	{ "CR LF is a line break", "a\r\nb", "a\\u000d\\u000ab", "a\nb" },
	{ "right to left override",
	  "a\xe2\x80\xae"
	  "b",
	  "a\\u202eb", "a\\u202eb" },
	{ "isolate, zero width, BOM", "\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf", "\\u2066\\u200b\\ufeff",
	  "\\u2066\\u200b\\ufeff" },
	{ "tags, beyond the first plane", "\xf3\xa0\x81\x81", "\\udb40\\udc41", "\\udb40\\udc41" },
	{ "not UTF-8", "a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd", "a\xef\xbf\xbd\xef\xbf\xbd" },
	{ "empty", "", "", "" },
};

START_TEST(escaping)
{
	term_line(&out, escapes[_i].text);
	ck_assert_msg(strcmp(buf_text(&out), escapes[_i].line) == 0, "%s: %s", escapes[_i].name, buf_text(&out));
	buf_reset(&out);
	term_lines(&out, escapes[_i].text);
	ck_assert_msg(strcmp(buf_text(&out), escapes[_i].lines) == 0, "%s: %s", escapes[_i].name, buf_text(&out));
}
END_TEST

static const struct {
	const char *text;
	size_t width;
} widths[] = {
	{ "", 0 }, { "abc", 3 }, { "äöü", 3 }, { "漢字", 4 }, { "e\xcc\x81", 1 }, { "🙂", 2 }, { "─", 1 },
};

START_TEST(width)
{
	ck_assert_uint_eq(term_width(widths[_i].text), widths[_i].width);
}
END_TEST

START_TEST(table)
{
	static const struct column columns[] = { { "NAME", false }, { "SAT", true }, { "NOTE", false } };
	static const char *const cells[] = { "shop", "5", "漢字", "größer", "1000", "", "x", "-12", "end" };

	table_add(&out, &a, columns, 3, cells, 3);
	ck_assert_str_eq(buf_text(&out), "NAME     SAT  NOTE\n"
					 "shop       5  漢字\n"
					 "größer  1000  \n"
					 "x        -12  end\n");
}
END_TEST

START_TEST(table_pads_what_is_wide)
{
	static const struct column columns[] = { { "A", false }, { "B", false } };
	static const char *const cells[] = { "漢字", "1", "abcde", "2" };

	table_add(&out, &a, columns, 2, cells, 2);
	ck_assert_str_eq(buf_text(&out), "A      B\n"
					 "漢字   1\n"
					 "abcde  2\n");
}
END_TEST

static json_t *json(const char *text)
{
	struct err err;
	json_t *v;

	if (json_parse(&a, bytes_of(text), 16, &v, &err) != 0)
		ck_abort_msg("%s", err.msg);
	return v;
}

static const struct {
	const char *name, *json, *code, *text;
} payloads[] = {
	{ "invoice", "{\"request\":\"lnbc10u1pabc\"}", "LIGHTNING:LNBC10U1PABC", "lnbc10u1pabc" },
	{ "of an action", "{\"id\":\"1\",\"result\":{\"request\":\"lnbcrt1x\"}}", "LIGHTNING:LNBCRT1X", "lnbcrt1x" },
	{ "token", "{\"result\":{\"token\":\"cashuBo2F0\"}}", "cashuBo2F0", "cashuBo2F0" },
	{ "payment request", "{\"request\":\"creqApWFh\"}", "creqApWFh", "creqApWFh" },
	{ "no payment request", "{\"request\":\"creqA\\u001b[2J\"}", NULL, NULL },
	{ "address", "{\"address\":\"bcrt1pqqq\",\"rail\":\"onchain\"}", "BITCOIN:BCRT1PQQQ", "bcrt1pqqq" },
	{ "an address of nobody's", "{\"address\":\"bcrt1pqqq\"}", NULL, NULL },
	{ "no address", "{\"address\":\"bc1q?amount=1\",\"rail\":\"onchain\"}", NULL, NULL },
	{ "another kind of address", "{\"address\":\"3P14159f73E4gFr7JterCCQh9QjiTjiZrG\",\"rail\":\"onchain\"}", NULL,
	  NULL },
	{ "not what it was started with", "{\"params\":{\"token\":\"cashuBo2F0\"},\"result\":null}", NULL, NULL },
	{ "no invoice", "{\"request\":\"https://evil.example/\"}", NULL, NULL },
	{ "an invoice with a tail", "{\"request\":\"lnbc1x?amount=1\"}", NULL, NULL },
	{ "no token", "{\"token\":\"cashu\\u001b[2J\"}", NULL, NULL },
	{ "hidden", "{\"result\":{\"token_hidden\":true}}", NULL, NULL },
	{ "other types", "{\"request\":7,\"token\":[],\"result\":\"x\"}", NULL, NULL },
};

START_TEST(payload)
{
	const char *text = NULL, *code = qr_payload(&a, json(payloads[_i].json), &text);

	ck_assert_msg((code == NULL) == (payloads[_i].code == NULL), "%s", payloads[_i].name);
	if (code) {
		ck_assert_str_eq(code, payloads[_i].code);
		ck_assert_str_eq(text, payloads[_i].text);
	}
}
END_TEST

/* Version 1 has 21 modules and 4 of margin on each side: 29 columns, 15 lines of two modules each. */
START_TEST(code)
{
	const char *line;
	unsigned lines = 0;

	ck_assert(qr_add(&out, "HELLO", false, 29));
	for (line = buf_text(&out); *line; line = strchr(line, '\n') + 1, lines++) {
		char *text = strndup(line, strcspn(line, "\n"));

		ck_assert_uint_eq(term_width(text), 29);
		ck_assert_ptr_null(strchr(text, '\033'));
		free(text);
	}
	ck_assert_uint_eq(lines, 15);
	/* Two lines of margin, then the top edge of the finder pattern: seven dark modules over a dark and five light. */
	line = strchr(strchr(buf_text(&out), '\n') + 1, '\n') + 1;
	ck_assert(strncmp(line, "████ ▄▄▄▄▄ █", strlen("████ ▄▄▄▄▄ █")) == 0);
}
END_TEST

START_TEST(code_that_does_not_fit)
{
	char *text = arena_alloc(&a, 5000);

	memset(text, 'x', 4999);
	ck_assert(!qr_add(&out, "HELLO", false, 28));
	ck_assert(!qr_add(&out, text, false, 0));
	ck_assert_uint_eq(out.n, 0);
	text[2000] = '\0';
	ck_assert(!qr_add(&out, text, true, 80));
	ck_assert_uint_eq(out.n, 0);
	ck_assert(qr_add(&out, text, true, 0));
	ck_assert(strncmp(buf_text(&out), "\033[97;40m", 8) == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walletctl/term");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, escaping, 0, (int)ARRAY_LEN(escapes));
	tcase_add_loop_test(t, width, 0, (int)ARRAY_LEN(widths));
	tcase_add_test(t, table);
	tcase_add_test(t, table_pads_what_is_wide);
	tcase_add_loop_test(t, payload, 0, (int)ARRAY_LEN(payloads));
	tcase_add_test(t, code);
	tcase_add_test(t, code_that_does_not_fit);
	suite_add_tcase(s, t);
	return suite_run(s);
}
