/* Where an object ends, however its bytes are cut. */
#include <string.h>

#include "base/json_frame.h"
#include "tests/support/suite.h"

static const struct {
	const char *name, *bytes;
	enum json_frame_state end;
	size_t taken;
} cases[] = {
	{ "an empty one", "{}", JSON_FRAME_WHOLE, 2 },
	{ "white space goes before", " \r\n\t{}", JSON_FRAME_WHOLE, 6 },
	{ "what follows is left", "{}\n\n{\"id\":2}", JSON_FRAME_WHOLE, 2 },
	{ "lists and objects in it", "{\"a\":[{},[]]}", JSON_FRAME_WHOLE, 13 },
	{ "a blank line in it", "{\n\n\"a\":1}", JSON_FRAME_WHOLE, 9 },
	{ "brackets in text", "{\"}\":\"]{\"}", JSON_FRAME_WHOLE, 10 },
	{ "a quote in text", "{\"a\":\"\\\"}\"}", JSON_FRAME_WHOLE, 11 },
	{ "a backslash ends a text", "{\"a\":\"\\\\\"}", JSON_FRAME_WHOLE, 10 },
	{ "it goes on", "{\"a\":{}", JSON_FRAME_MORE, 7 },
	{ "its text goes on", "{\"a\":\"}", JSON_FRAME_MORE, 7 },
	{ "nothing at all", "", JSON_FRAME_MORE, 0 },
	{ "a list", "[]", JSON_FRAME_BROKEN, 1 },
	{ "something else", "HTTP/1.1 400", JSON_FRAME_BROKEN, 1 },
};

static size_t fed_by(const char *text, size_t piece, enum json_frame_state *ret)
{
	struct json_frame f = { 0 };
	size_t at = 0, n = strlen(text), taken;

	*ret = JSON_FRAME_MORE;
	while (at < n && *ret == JSON_FRAME_MORE) {
		size_t len = piece < n - at ? piece : n - at;

		*ret = json_frame_feed(&f, (struct bytes){ (const uint8_t *)text + at, len }, &taken);
		at += taken;
	}
	return at;
}

START_TEST(ends_where_it_ends)
{
	for (size_t piece = 1; piece <= 16; piece++) {
		enum json_frame_state st;

		ck_assert_msg(fed_by(cases[_i].bytes, piece, &st) == cases[_i].taken && st == cases[_i].end,
			      "%s, in pieces of %zu", cases[_i].name, piece);
	}
}
END_TEST

START_TEST(nests_so_deep_and_no_deeper)
{
	char text[JSON_FRAME_DEPTH + 2] = "{";
	enum json_frame_state st;

	memset(text + 1, '[', JSON_FRAME_DEPTH - 1);
	ck_assert_uint_eq(fed_by(text, 7, &st), JSON_FRAME_DEPTH);
	ck_assert_int_eq(st, JSON_FRAME_MORE);
	text[JSON_FRAME_DEPTH] = '{';
	ck_assert_uint_eq(fed_by(text, 7, &st), JSON_FRAME_DEPTH + 1);
	ck_assert_int_eq(st, JSON_FRAME_BROKEN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/json_frame");
	TCase *t = tcase_create("ends");

	tcase_add_loop_test(t, ends_where_it_ends, 0, ARRAY_LEN(cases));
	tcase_add_test(t, nests_so_deep_and_no_deeper);
	suite_add_tcase(s, t);
	return suite_run(s);
}
