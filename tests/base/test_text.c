#include "base/text.h"

#include <limits.h>
#include <string.h>

#include "tests/support/suite.h"

static struct arena arena;

static void setup(void)
{
	arena = ARENA_LIMIT(1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
}

START_TEST(hex_both_ways_for_every_byte)
{
	uint8_t in[256], out[256];
	char text[513];

	for (unsigned i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	hex_encode(in, sizeof(in), text);
	ck_assert_uint_eq(strlen(text), 512);
	for (unsigned i = 0; i < 256; i++) {
		char want[3];

		(void)snprintf(want, sizeof(want), "%02x", i);
		ck_assert_mem_eq(text + 2 * i, want, 2);
	}
	ck_assert(hex_decode(text, out, sizeof(out)));
	ck_assert_mem_eq(in, out, sizeof(in));
	ck_assert_str_eq(hex_text(&arena, (struct bytes){ in, sizeof(in) }), text);
	ck_assert_str_eq(hex_text(&arena, (struct bytes){ 0 }), "");
}
END_TEST

START_TEST(hex_reads_either_case)
{
	uint8_t out[3];

	ck_assert(hex_decode("aBCdEf", out, 3));
	ck_assert_mem_eq(out, "\xab\xcd\xef", 3);
	ck_assert(hex_decode("", out, 0));
}
END_TEST

static const struct {
	const char *text;
	size_t n;
} bad_hex[] = {
	{ "", 1 },
	{ "0", 1 },
	{ "000", 1 },
	{ "0000", 1 },
	{ "0g", 1 },
	{ "g0", 1 },
	{ "0x", 1 },
	{ " 00", 1 },
	{ "0 ", 1 },
	{ "+0", 1 },
	{ "00\n", 1 },
	{ "/0", 1 },
	{ ":0", 1 },
	{ "@0", 1 },
	{ "G0", 1 },
	{ "`0", 1 },
	{ "\xff"
	  "0",
	  1 },
	{ "\xc3\xa9", 1 },
	{ "00", 0 },
	{ "0011", 3 },
	{ "00", SIZE_MAX },
	{ "00", SIZE_MAX / 2 },
};

START_TEST(hex_refuses)
{
	uint8_t out[4] = { 0xee, 0xee, 0xee, 0xee };

	ck_assert(!hex_decode(bad_hex[_i].text, out, bad_hex[_i].n));
	ck_assert_uint_eq(out[0], 0xee);
}
END_TEST

/* The fast one takes exactly what the other one does. */
START_TEST(public_hex_is_the_same)
{
	uint8_t out[2], want[2];

	for (unsigned i = 0; i < 65536; i++) {
		char text[5] = { 'a', (char)(i >> 8), (char)i, '7', '\0' };
		struct bytes v = { (const uint8_t *)text, 4 };
		bool fine = hex_decode(text, want, 2);

		ck_assert_msg(hex_decode_public(v, out) == fine, "%04x", i);
		if (fine)
			ck_assert_mem_eq(out, want, 2);
	}
	ck_assert(hex_decode_public((struct bytes){ (const uint8_t *)"12345", 4 }, out) && out[1] == 0x34);
	ck_assert(!hex_decode_public((struct bytes){ (const uint8_t *)"12345", 3 }, out));
	ck_assert(hex_decode_public((struct bytes){ 0 }, out));
}
END_TEST

START_TEST(hex_of_any_length_keeps_to_its_cap)
{
	struct bytes v = { 0 };

	ck_assert(hex_decode_any(&arena, "0aff", 2, &v));
	ck_assert_uint_eq(v.n, 2);
	ck_assert_mem_eq(v.p, "\x0a\xff", 2);
	ck_assert(!hex_decode_any(&arena, "0aff", 1, &v));
	ck_assert(!hex_decode_any(&arena, "0af", 2, &v));
	ck_assert(!hex_decode_any(&arena, "0afg", 2, &v));
	ck_assert_uint_eq(v.n, 2);
	ck_assert(hex_decode_any(&arena, "", 0, &v));
	ck_assert_uint_eq(v.n, 0);
}
END_TEST

START_TEST(decoders_ask_the_arena_first)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(16);
	struct bytes v;

	ck_assert(!hex_decode_any(&small, "000102030405060708090a0b0c0d0e0f10", 100, &v));
	ck_assert(!base64_decode(&small, bytes_of("AAAAAAAAAAAAAAAAAAAAAAAA"), 100, &v));
}
END_TEST

/* RFC 4648 section 10, and the two characters in which the alphabets differ. */
static const struct {
	const char *raw;
	const char *standard, *url;
} base64_vectors[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/", "-_-_" },
	{ "\xff", "/w==", "_w" },
};

START_TEST(base64_both_ways)
{
	struct bytes raw = bytes_of(base64_vectors[_i].raw), got;

	ck_assert_str_eq(base64_text(&arena, raw), base64_vectors[_i].standard);
	ck_assert_str_eq(base64url_text(&arena, raw), base64_vectors[_i].url);
	ck_assert(base64_decode(&arena, bytes_of(base64_vectors[_i].standard), raw.n, &got));
	ck_assert(bytes_equal(got, raw));
	ck_assert(base64_decode(&arena, bytes_of(base64_vectors[_i].url), raw.n, &got));
	ck_assert(bytes_equal(got, raw));
	if (raw.n > 0)
		ck_assert(!base64_decode(&arena, bytes_of(base64_vectors[_i].url), raw.n - 1, &got));
}
END_TEST

START_TEST(base64_for_every_length_and_byte)
{
	uint8_t raw[300];

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 7 + 3);
	for (size_t n = 0; n <= sizeof(raw); n++) {
		struct bytes v = { raw, n }, got;

		arena_reset(&arena);
		ck_assert(base64_decode(&arena, bytes_of(base64_text(&arena, v)), n, &got));
		ck_assert(bytes_equal(got, v));
		ck_assert(base64_decode(&arena, bytes_of(base64url_text(&arena, v)), n, &got));
		ck_assert(bytes_equal(got, v));
	}
}
END_TEST

static const struct {
	const char *text;
	size_t n;
} bad_base64[] = {
#define TEXT(s)                                                                                                        \
	{                                                                                                              \
		s, sizeof(s) - 1                                                                                       \
	}
	TEXT("A"),       TEXT("AAAAA"),    TEXT("="),       TEXT("=="),     TEXT("===="),       TEXT("A==="),
	TEXT("Zg="),     TEXT("Zg==="),    TEXT("Zg====="), TEXT("Zm9v="),  TEXT("Zm9v=="),     TEXT("Zm9v===="),
	TEXT("Z=g="),    TEXT("Zg==Zg=="), TEXT("Zm 9v"),   TEXT("Zm9v\n"), TEXT(" Zm9"),       TEXT("Zm9\0"),
	TEXT("\0Zm9"),   TEXT("Zm9*"),     TEXT("Zm9."),    TEXT("Zm9~"),   TEXT("\xc3\xa9Zm"), TEXT("Zh=="),
	TEXT("Zh"),      TEXT("Zm9="),     TEXT("Zm9"), /* bits left over that are not zero */
	TEXT("\x80Zm9"),
};

START_TEST(base64_refuses)
{
	struct bytes got = { (const uint8_t *)"kept", 4 };

	ck_assert(!base64_decode(&arena, (struct bytes){ (const uint8_t *)bad_base64[_i].text, bad_base64[_i].n }, 100,
				 &got));
	ck_assert_uint_eq(got.n, 4);
}
END_TEST

static const struct {
	const char *text;
	uint64_t max, want;
	bool ok;
} u64_cases[] = {
	{ "0", UINT64_MAX, 0, true },
	{ "7", UINT64_MAX, 7, true },
	{ "10", 10, 10, true },
	{ "11", 10, 0, false },
	{ "0", 0, 0, true },
	{ "9223372036854775808", UINT64_MAX, 9223372036854775808u, true },
	{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
	{ "18446744073709551616", UINT64_MAX, 0, false },
	{ "18446744073709551620", UINT64_MAX, 0, false },
	{ "28446744073709551615", UINT64_MAX, 0, false },
	{ "99999999999999999999", UINT64_MAX, 0, false },
	{ "184467440737095516150", UINT64_MAX, 0, false },
	{ "340282366920938463463374607431768211456", UINT64_MAX, 0, false },
	{ "", UINT64_MAX, 0, false },
	{ "00", UINT64_MAX, 0, false },
	{ "01", UINT64_MAX, 0, false },
	{ "-0", UINT64_MAX, 0, false },
	{ "-1", UINT64_MAX, 0, false },
	{ "+1", UINT64_MAX, 0, false },
	{ " 1", UINT64_MAX, 0, false },
	{ "1 ", UINT64_MAX, 0, false },
	{ "1\n", UINT64_MAX, 0, false },
	{ "1.0", UINT64_MAX, 0, false },
	{ "1e3", UINT64_MAX, 0, false },
	{ "0x10", UINT64_MAX, 0, false },
	{ "1,000", UINT64_MAX, 0, false },
	{ "1_000", UINT64_MAX, 0, false },
	{ "\xd9\xa1", UINT64_MAX, 0, false }, /* a digit, in Arabic */
	{ "ten", UINT64_MAX, 0, false },
	{ "/", UINT64_MAX, 0, false },
	{ ":", UINT64_MAX, 0, false },
};

START_TEST(unsigned_numbers)
{
	uint64_t v = 42;

	ck_assert_int_eq(parse_u64(u64_cases[_i].text, u64_cases[_i].max, &v), u64_cases[_i].ok);
	ck_assert_uint_eq(v, u64_cases[_i].ok ? u64_cases[_i].want : 42);
}
END_TEST

static const struct {
	const char *text;
	int64_t min, max, want;
	bool ok;
} i64_cases[] = {
	{ "0", INT64_MIN, INT64_MAX, 0, true },
	{ "-1", INT64_MIN, INT64_MAX, -1, true },
	{ "9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, true },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, 0, false },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, true },
	{ "-9223372036854775809", INT64_MIN, INT64_MAX, 0, false },
	{ "18446744073709551615", INT64_MIN, INT64_MAX, 0, false },
	{ "-18446744073709551615", INT64_MIN, INT64_MAX, 0, false },
	{ "5", 1, 4, 0, false },
	{ "4", 1, 4, 4, true },
	{ "1", 1, 4, 1, true },
	{ "0", 1, 4, 0, false },
	{ "-5", -5, -5, -5, true },
	{ "-6", -5, 0, 0, false },
	{ "-0", INT64_MIN, INT64_MAX, 0, false },
	{ "-01", INT64_MIN, INT64_MAX, 0, false },
	{ "--1", INT64_MIN, INT64_MAX, 0, false },
	{ "-", INT64_MIN, INT64_MAX, 0, false },
	{ "", INT64_MIN, INT64_MAX, 0, false },
	{ "+1", INT64_MIN, INT64_MAX, 0, false },
	{ "- 1", INT64_MIN, INT64_MAX, 0, false },
};

START_TEST(signed_numbers)
{
	int64_t v = 42;

	ck_assert_int_eq(parse_i64(i64_cases[_i].text, i64_cases[_i].min, i64_cases[_i].max, &v), i64_cases[_i].ok);
	ck_assert_int_eq(v, i64_cases[_i].ok ? i64_cases[_i].want : 42);
}
END_TEST

static const struct {
	const char *name, *text;
	size_t n;
	bool ok;
} utf8_cases[] = {
#define UTF8(name, s, ok)                                                                                              \
	{                                                                                                              \
		name, s, sizeof(s) - 1, ok                                                                             \
	}
	UTF8("empty", "", true),
	UTF8("ascii", "hello\n\t\x7f", true),
	UTF8("smallest of two bytes", "\xc2\x80", true),
	UTF8("largest of two bytes", "\xdf\xbf", true),
	UTF8("smallest of three bytes", "\xe0\xa0\x80", true),
	UTF8("last before surrogates", "\xed\x9f\xbf", true),
	UTF8("first after surrogates", "\xee\x80\x80", true),
	UTF8("largest of three bytes", "\xef\xbf\xbf", true),
	UTF8("smallest of four bytes", "\xf0\x90\x80\x80", true),
	UTF8("largest of all", "\xf4\x8f\xbf\xbf", true),
	UTF8("one past the largest", "\xf4\x90\x80\x80", false),
	UTF8("NUL", "a\0b", false),
	UTF8("NUL written in two bytes", "\xc0\x80", false),
	UTF8("slash written in two bytes", "\xc0\xaf", false),
	UTF8("0x7f written in two bytes", "\xc1\xbf", false),
	UTF8("0x7ff written in three bytes", "\xe0\x9f\xbf", false),
	UTF8("0xffff written in four bytes", "\xf0\x8f\xbf\xbf", false),
	UTF8("first surrogate", "\xed\xa0\x80", false),
	UTF8("last surrogate", "\xed\xbf\xbf", false),
	UTF8("continuation alone", "\x80", false),
	UTF8("two bytes cut", "a\xc2", false),
	UTF8("three bytes cut after one", "\xe2", false),
	UTF8("three bytes cut after two", "\xe2\x82", false),
	UTF8("four bytes cut after three", "\xf0\x9f\x98", false),
	UTF8("start in place of a continuation", "\xe2\xc2\xac", false),
	UTF8("ascii in place of a continuation",
	     "\xe2\x82"
	     "a",
	     false),
	UTF8("five bytes", "\xf8\x88\x80\x80\x80", false),
	UTF8("lead 0xf5", "\xf5\x80\x80\x80", false),
	UTF8("0xfe", "\xfe", false),
	UTF8("0xff", "\xff", false),
	UTF8("latin 1", "caf\xe9", false),
};

START_TEST(utf8_is_strict)
{
	struct bytes v = { (const uint8_t *)utf8_cases[_i].text, utf8_cases[_i].n };

	ck_assert_msg(utf8_valid(v) == utf8_cases[_i].ok, "%s", utf8_cases[_i].name);
}
END_TEST

START_TEST(utf8_characters_one_by_one)
{
	struct bytes v = bytes_of("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff");
	static const uint32_t want[] = { 'a', 0xe9, 0x20ac, 0x1f600 };
	uint32_t c = 0;

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		size_t n = utf8_next(v, &c);

		ck_assert_uint_eq(n, i + 1);
		ck_assert_uint_eq(c, want[i]);
		v.p += n;
		v.n -= n;
	}
	ck_assert_uint_eq(utf8_next(v, &c), 0);
	ck_assert_uint_eq(utf8_next((struct bytes){ 0 }, &c), 0);
	ck_assert_uint_eq(c, want[3]);
}
END_TEST

START_TEST(printable_ascii)
{
	ck_assert(text_printable_ascii(""));
	ck_assert(text_printable_ascii(" ~AZaz09"));
	ck_assert(!text_printable_ascii("a\nb"));
	ck_assert(!text_printable_ascii("\x1b[31m"));
	ck_assert(!text_printable_ascii("\x7f"));
	ck_assert(!text_printable_ascii("\xc3\xa9"));
	ck_assert(!text_printable_ascii("\x80"));
}
END_TEST

START_TEST(prefixes)
{
	ck_assert(text_starts("cashuB123", "cashuB"));
	ck_assert(text_starts("cashuB", "cashuB"));
	ck_assert(text_starts("x", ""));
	ck_assert(!text_starts("cash", "cashuB"));
	ck_assert(!text_starts("", "c"));
}
END_TEST

static const struct {
	const char *a, *b;
	unsigned want;
} distances[] = {
	{ "", "", 0 },
	{ "a", "", 1 },
	{ "", "abc", 3 },
	{ "amount", "amount", 0 },
	{ "amout", "amount", 1 },
	{ "amuont", "amount", 2 },
	{ "kitten", "sitting", 3 },
	{ "flaw", "lawn", 2 },
	{ "abc", "xyz", 3 },
};

START_TEST(edit_distance)
{
	ck_assert_uint_eq(text_distance(distances[_i].a, distances[_i].b), distances[_i].want);
	ck_assert_uint_eq(text_distance(distances[_i].b, distances[_i].a), distances[_i].want);
}
END_TEST

START_TEST(edit_distance_of_long_names)
{
	char long_name[66];

	memset(long_name, 'a', 65);
	long_name[65] = '\0';
	ck_assert_uint_eq(text_distance(long_name + 1, ""), 64);
	ck_assert_uint_eq(text_distance(long_name + 1, long_name + 1), 0);
	ck_assert_uint_eq(text_distance(long_name, "a"), UINT_MAX);
	ck_assert_uint_eq(text_distance("a", long_name), UINT_MAX);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
} printables[] = {
	{ "", true },         { "directive-1", true }, { "\xc3\xa9 \xe2\x82\xac", true },
	{ "\xc2\xa0", true }, { "a\nb", false },       { "\x1f", false },
	{ "\x7f", false },    { "\xc2\x80", false },   { "\xc2\x9f", false },
	{ "\xc3", false },    { "a\xff", false },      { "\xc0\x80", false },
};

START_TEST(printable_utf8)
{
	ck_assert_int_eq(utf8_printable(bytes_of(printables[_i].text)), printables[_i].ok);
}
END_TEST

static const struct {
	const char *url, *shown;
} urls[] = {
	{ "http://127.0.0.1:8545", "http://127.0.0.1:8545" },
	{ "https://node.example/", "https://node.example/" },
	{ "socks5h://user:hunter2@host:1", "socks5h://***@host:1" },
	{ "https://node.example/v2/hunter2", "https://node.example/***" },
	{ "https://node.example?key=hunter2", "https://node.example/***" },
	{ "https://user:hunter2@node.example:8545/v2/hunter2?hunter2#hunter2", "https://***@node.example:8545/***" },
	{ "https://user:hunter2@x@node.example", "https://***@node.example" },
	{ "https://user:hun/ter2@node.example", "https://***" },
	{ "https://node.example/hunter2@1", "https://***" },
	{ "user:hunter2@host", "***@host" },
	{ "", "" },
};

START_TEST(urls_are_shown_without_what_they_hide)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	const char *shown = url_shown(&a, urls[_i].url);

	ck_assert_str_eq(shown, urls[_i].shown);
	ck_assert_ptr_null(strstr(shown, "hunter2"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/text");
	TCase *t = tcase_create("text");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, hex_both_ways_for_every_byte);
	tcase_add_test(t, hex_reads_either_case);
	tcase_add_loop_test(t, hex_refuses, 0, ARRAY_LEN(bad_hex));
	tcase_add_test(t, public_hex_is_the_same);
	tcase_add_test(t, hex_of_any_length_keeps_to_its_cap);
	tcase_add_test(t, decoders_ask_the_arena_first);
	tcase_add_loop_test(t, base64_both_ways, 0, ARRAY_LEN(base64_vectors));
	tcase_add_test(t, base64_for_every_length_and_byte);
	tcase_add_loop_test(t, base64_refuses, 0, ARRAY_LEN(bad_base64));
	tcase_add_loop_test(t, unsigned_numbers, 0, ARRAY_LEN(u64_cases));
	tcase_add_loop_test(t, signed_numbers, 0, ARRAY_LEN(i64_cases));
	tcase_add_loop_test(t, utf8_is_strict, 0, ARRAY_LEN(utf8_cases));
	tcase_add_test(t, utf8_characters_one_by_one);
	tcase_add_test(t, printable_ascii);
	tcase_add_test(t, prefixes);
	tcase_add_loop_test(t, edit_distance, 0, ARRAY_LEN(distances));
	tcase_add_test(t, edit_distance_of_long_names);
	tcase_add_loop_test(t, printable_utf8, 0, ARRAY_LEN(printables));
	tcase_add_loop_test(t, urls_are_shown_without_what_they_hide, 0, ARRAY_LEN(urls));
	suite_add_tcase(s, t);
	return suite_run(s);
}
