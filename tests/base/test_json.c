#include "base/json.h"

#include <signal.h>
#include <string.h>

#include "tests/support/suite.h"

static struct arena arena;

static void setup(void)
{
	arena = ARENA_LIMIT(16 * 1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
}

static json_t *parse(const char *text)
{
	json_t *v = NULL;
	struct err err;

	ck_assert_msg(json_parse(&arena, bytes_of(text), JSON_DEPTH_MAX, &v, &err) == 0, "%s", text);
	return v;
}

#define TEXT(s) s, sizeof(s) - 1

static const struct {
	const char *text;
	size_t n;
} good[] = {
	{ TEXT("{}") },
	{ TEXT("[]") },
	{ TEXT(" \t\r\n[ 1 , 2 ] \n") },
	{ TEXT("null") },
	{ TEXT("true") },
	{ TEXT("0") },
	{ TEXT("-0") },
	{ TEXT("1e5") },
	{ TEXT("\"\"") },
	{ TEXT("\"\\ud83d\\ude00 \\/ \\b\\f\\n\\r\\t\"") },
	{ TEXT("\"\x7f \xf0\x9f\x98\x80\"") },
	{ TEXT("9223372036854775807") },
	{ TEXT("-9223372036854775808") },
	{ TEXT("{\"a\":{\"a\":{\"a\":[{\"a\":1},{\"a\":1}]}}}") },
	{ TEXT("{\"a\":1,\"A\":2,\"\":3}") },
	{ TEXT("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"") },
	{ TEXT("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"") },
};

START_TEST(accepts)
{
	struct err err;
	json_t *v;

	ck_assert_msg(json_parse(&arena, (struct bytes){ (const uint8_t *)good[_i].text, good[_i].n }, JSON_DEPTH_MAX,
				 &v, &err) == 0,
		      "%s", good[_i].text);
}
END_TEST

static const struct {
	const char *name, *text;
	size_t n;
} bad[] = {
	{ "nothing", TEXT("") },
	{ "only space", TEXT(" \n") },
	{ "two values", TEXT("{}{}") },
	{ "value and junk", TEXT("{} x") },
	{ "one bracket too many", TEXT("[1]]") },
	{ "one bracket too few", TEXT("[[1]") },
	{ "crossed brackets", TEXT("[{]}") },
	{ "closing alone", TEXT("]") },
	{ "cut string", TEXT("\"abc") },
	{ "cut escape", TEXT("\"abc\\") },
	{ "cut member", TEXT("{\"a\":") },
	{ "cut number", TEXT("-") },
	{ "comma at the end of a list", TEXT("[1,]") },
	{ "comma at the end of an object", TEXT("{\"a\":1,}") },
	{ "comma alone", TEXT("[,]") },
	{ "no comma", TEXT("[1 2]") },
	{ "no colon", TEXT("{\"a\" 1}") },
	{ "name without quotes", TEXT("{a:1}") },
	{ "single quotes", TEXT("['a']") },
	{ "number as a name", TEXT("{1:2}") },
	{ "comment", TEXT("/* */ 1") },
	{ "line comment", TEXT("1 // one") },
	{ "upper case", TEXT("TRUE") },
	{ "longer word", TEXT("nullx") },
	{ "NaN", TEXT("NaN") },
	{ "infinity", TEXT("-Infinity") },
	{ "leading zero", TEXT("01") },
	{ "plus", TEXT("+1") },
	{ "no digit before the point", TEXT(".5") },
	{ "no digit after the point", TEXT("1.") },
	{ "empty exponent", TEXT("1e") },
	{ "hexadecimal", TEXT("0x10") },
	{ "digits in groups", TEXT("1_000") },
	{ "2^63", TEXT("9223372036854775808") },
	{ "below -2^63", TEXT("-9223372036854775809") },
	{ "2^64", TEXT("[18446744073709551616]") },
	{ "a thousand digits' worth", TEXT("1E1000") },
	{ "member twice", TEXT("{\"a\":1,\"a\":1}") },
	{ "member twice, once escaped", TEXT("{\"a\":1,\"\\u0061\":2}") },
	{ "member twice, far down", TEXT("[[{\"b\":{\"a\":1,\"c\":2,\"a\":3}}]]") },
	{ "escaped NUL", TEXT("\"a\\u0000b\"") },
	{ "escaped NUL in a name", TEXT("{\"a\\u0000b\":1}") },
	{ "NUL in a string", TEXT("\"a\0b\"") },
	{ "NUL at the end", TEXT("1\0") },
	{ "NUL at the start", TEXT("\0001") },
	{ "NUL between tokens", TEXT("[1\0,2]") },
	{ "NUL and a second value", TEXT("{}\0{}") },
	{ "raw new line in a string", TEXT("\"a\nb\"") },
	{ "raw tab in a string", TEXT("\"a\tb\"") },
	{ "raw escape in a string", TEXT("\"\x1b[31m\"") },
	{ "unknown escape", TEXT("\"\\x41\"") },
	{ "sign in an escape", TEXT("\"\\u+041\"") },
	{ "high surrogate alone", TEXT("\"\\ud800\"") },
	{ "low surrogate alone", TEXT("\"\\udc00\"") },
	{ "surrogates swapped", TEXT("\"\\udc00\\ud800\"") },
	{ "high surrogate and a letter", TEXT("\"\\ud83d\\u0041\"") },
	{ "surrogate in UTF-8", TEXT("\"\xed\xa0\x80\"") },
	{ "overlong NUL", TEXT("\"\xc0\x80\"") },
	{ "overlong slash", TEXT("\"\xe0\x80\xaf\"") },
	{ "beyond Unicode", TEXT("\"\xf4\x90\x80\x80\"") },
	{ "continuation alone", TEXT("\"\x80\"") },
	{ "latin 1", TEXT("\"caf\xe9\"") },
	{ "cut UTF-8", TEXT("\"\xe2\x82\"") },
	{ "bad UTF-8 in a name", TEXT("{\"\xff\":1}") },
	{ "bad UTF-8 between tokens", TEXT("[1\xff]") },
	{ "byte order mark", TEXT("\xef\xbb\xbf{}") },
	{ "form feed", TEXT("\f1") },
	{ "no-break space", TEXT("\xc2\xa0"
				 "1") },
};

START_TEST(refuses)
{
	json_t *v = NULL;
	struct err err;

	ck_assert_msg(json_parse(&arena, (struct bytes){ (const uint8_t *)bad[_i].text, bad[_i].n }, JSON_DEPTH_MAX, &v,
				 &err) == -1,
		      "%s", bad[_i].name);
	ck_assert_int_eq(err.code, ERR_PARSE);
	ck_assert_ptr_null(v);
	ck_assert_ptr_null(arena.hooks);
	ck_assert(err.msg[0] != '\0');
}
END_TEST

START_TEST(refuses_no_memory_at_all)
{
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse(&arena, (struct bytes){ 0 }, JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_PARSE);
}
END_TEST

/* A text that is refused may be a mnemonic in a broken request. */
START_TEST(message_never_quotes_the_text)
{
	static const char *const texts[] = { "{\"mnemonic\":\"zebra zebra\" zebra}",
					     "zebra",
					     "\"zebra\\q\"",
					     "{\"zebra\":1,\"zebra\":2}",
					     "\"zebra\xff\"",
					     "[\"zebra\\u0000\"]",
					     "\"zebra" };
	struct err err;
	json_t *v;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_int_eq(json_parse(&arena, bytes_of(texts[i]), JSON_DEPTH_MAX, &v, &err), -1);
		ck_assert_msg(strstr(err.msg, "zebra") == NULL, "%s", err.msg);
	}
}
END_TEST

START_TEST(message_says_what_and_where)
{
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse(&arena, bytes_of("{\"a\":1,\n\"a\":2}"), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_str_eq(err.msg, "not JSON at line 2, column 3: a member name appears twice");
	ck_assert_int_eq(json_parse(&arena, bytes_of("99999999999999999999"), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "a number out of range"));
	ck_assert_int_eq(json_parse(&arena, bytes_of("[1"), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "it ends too early"));
	ck_assert_int_eq(json_parse(&arena, bytes_of("\"\\u0000\""), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "a NUL character"));
	ck_assert_int_eq(json_parse(&arena, bytes_of("\"\xff\""), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "not UTF-8"));
	ck_assert_int_eq(json_parse(&arena, bytes_of("1 1"), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "something follows the value"));
}
END_TEST

/* n times open, then n times shut. */
static struct bytes nested(const char *open, const char *middle, const char *shut, unsigned n)
{
	struct buf b = BUF_CAP(4 * 1024 * 1024);
	struct bytes v;

	for (unsigned i = 0; i < n; i++)
		buf_text_add(&b, open);
	buf_text_add(&b, middle);
	for (unsigned i = 0; i < n; i++)
		buf_text_add(&b, shut);
	ck_assert(buf_ok(&b));
	v = arena_bytes(&arena, buf_bytes(&b));
	buf_done(&b);
	return v;
}

static const struct {
	const char *open, *middle, *shut;
} nests[] = { { "[", "", "]" }, { "{\"a\":", "1", "}" }, { " [ ", "\"[\\\"[\"", " ] " } };

START_TEST(depth_is_limited)
{
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse(&arena, nested(nests[_i].open, nests[_i].middle, nests[_i].shut, 5), 5, &v, &err),
			 0);
	ck_assert_int_eq(json_parse(&arena, nested(nests[_i].open, nests[_i].middle, nests[_i].shut, 6), 5, &v, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_PARSE);
	ck_assert_str_eq(err.msg, "JSON nested deeper than 5");
}
END_TEST

START_TEST(depth_of_none_takes_plain_values)
{
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse(&arena, bytes_of("\"x\""), 0, &v, &err), 0);
	ck_assert_int_eq(json_parse(&arena, bytes_of("[]"), 0, &v, &err), -1);
}
END_TEST

START_TEST(depth_bombs_are_refused_before_recursion)
{
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse(&arena, nested("[", "", "", 1000000), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_int_eq(json_parse(&arena, nested("[", "", "]", 1000000), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_int_eq(json_parse(&arena, nested("{\"a\":", "", "", 500000), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_int_eq(json_parse(&arena, nested("]", "", "[", 1000), JSON_DEPTH_MAX, &v, &err), -1);
}
END_TEST

START_TEST(width_does_not_count_as_depth)
{
	parse("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]");
}
END_TEST

/* n elements, in a list. */
static struct bytes list_of(const char *element, unsigned n)
{
	struct buf b = BUF_CAP(4 * 1024 * 1024);
	struct bytes v;

	buf_u8(&b, '[');
	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ",", element);
	buf_u8(&b, ']');
	ck_assert(buf_ok(&b));
	v = arena_bytes(&arena, buf_bytes(&b));
	buf_done(&b);
	return v;
}

START_TEST(number_of_values_is_limited)
{
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse(&arena, list_of("1", JSON_VALUES_MAX - 1), JSON_DEPTH_MAX, &v, &err), 0);
	ck_assert_int_eq(json_parse(&arena, list_of("1", JSON_VALUES_MAX), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_str_eq(err.msg, "JSON of more than 100000 values");
	ck_assert_int_eq(json_parse(&arena, list_of("{}", JSON_VALUES_MAX / 2 + 1), JSON_DEPTH_MAX, &v, &err), -1);
	ck_assert_int_eq(json_parse(&arena, list_of("\",,,,,,,,,,\"", JSON_VALUES_MAX / 10), JSON_DEPTH_MAX, &v, &err),
			 0);
}
END_TEST

START_TEST(a_peers_own_rules)
{
	static const char quoted[] = "[\"a\\u0000b\"]";
	const char *text = "untouched";
	struct json_rules strict = { .max_depth = 2, .max_values = 3 }, nul = strict;
	struct err err;
	json_t *v;

	nul.escaped_nul = true;
	ck_assert_int_eq(json_parse_by(&arena, bytes_of("[1,2]"), &strict, &v, &err), 0);
	ck_assert_int_eq(json_parse_by(&arena, bytes_of("[1,2,3]"), &strict, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
	ck_assert_int_eq(json_parse_by(&arena, bytes_of("[[[]]]"), &strict, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
	ck_assert_int_eq(json_parse_by(&arena, bytes_of("[}"), &strict, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_PARSE);
	ck_assert_int_eq(json_parse_by(&arena, bytes_of(quoted), &strict, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_PARSE);
	ck_assert_int_eq(json_parse_by(&arena, bytes_of(quoted), &nul, &v, &err), 0);
	ck_assert_uint_eq(json_string_length(json_array_get(v, 0)), 3);
	ck_assert_int_eq(json_parse_by(&arena, bytes_of("{\"s\":\"a\\u0000b\"}"), &nul, &v, &err), 0);
	ck_assert_int_eq(json_get_str(v, "s", SIZE_MAX, &text, &err), -1);
	ck_assert_int_eq(err.code, ERR_PARSE);
	ck_assert_str_eq(text, "untouched");
	ck_assert_int_eq(json_parse_by(&arena, (struct bytes){ (const uint8_t *)"[\0]", 3 }, &nul, &v, &err), -1);
	ck_assert_int_eq(json_parse_by(&arena, bytes_of("{\"\\u0000\":1}"), &nul, &v, &err), -1);
	ck_assert_int_eq(err.code, ERR_PARSE);
}
END_TEST

/* With reals_as_text: what comes of a text, in jansson's spelling, or NULL where it is refused. */
static const struct {
	const char *text, *becomes;
} reals[] = {
	{ "0.00000001", "\"0.00000001\"" },
	{ "[0.10000000,1,-2.50,1e-8,1E+5,0.5e2]", "[\"0.10000000\",1,\"-2.50\",\"1e-8\",\"1E+5\",\"0.5e2\"]" },
	{ "{\"a.5\":20999999.97690000}", "{\"a.5\":\"20999999.97690000\"}" },
	{ "[\"1.5\",\"a\\\"1.5\",\"\\\\\",1.5]", "[\"1.5\",\"a\\\"1.5\",\"\\\\\",\"1.5\"]" },
	{ "[1,-0,9223372036854775807]", "[1,0,9223372036854775807]" },
	{ "1e999", "\"1e999\"" },
	{ "1.2.3", NULL },
	{ "01.5", NULL },
	{ "1.", NULL },
	{ ".5", NULL },
	{ "1e", NULL },
	{ "1e+", NULL },
	{ "-.5", NULL },
	{ "+1.5", NULL },
	{ "[1.5 2.5]", NULL },
	{ "{1.5:2}", NULL },
	{ "\"1.5", NULL },
	{ "\"1.5\\", NULL },
	{ "1.5x", NULL },
};

START_TEST(real_numbers_as_text)
{
	static const struct json_rules rules = { .max_depth = 8, .max_values = 100, .reals_as_text = true };
	struct err err;
	json_t *v;
	int rc = json_parse_by(&arena, bytes_of(reals[_i].text), &rules, &v, &err);

	ck_assert_msg((rc == 0) == (reals[_i].becomes != NULL), "%s", reals[_i].text);
	if (rc == 0)
		ck_assert_str_eq(json_text(&arena, v), reals[_i].becomes);
	else
		ck_assert_int_eq(err.code, ERR_PARSE);
}
END_TEST

/* The same with huge_as_text. */
static const struct {
	const char *text, *becomes;
} huge[] = {
	{ "18446744073709551615", "\"18446744073709551615\"" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "9223372036854775808", "\"9223372036854775808\"" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "-9223372036854775809", "\"-9223372036854775809\"" },
	{ "[1,10000000000000000000,\"10000000000000000000\"]",
	  "[1,\"10000000000000000000\",\"10000000000000000000\"]" },
	{ "{\"10000000000000000000\":1}", "{\"10000000000000000000\":1}" },
	{ "010000000000000000000", NULL },
	{ "{10000000000000000000:1}", NULL },
	{ "+10000000000000000000", NULL },
	{ "10000000000000000000x", NULL },
	{ "1000000000000000000-0", NULL },
	{ "1e999", NULL }, /* a real one stays what it is */
};

START_TEST(huge_numbers_as_text)
{
	static const struct json_rules rules = { .max_depth = 8, .max_values = 100, .huge_as_text = true };
	struct err err;
	json_t *v;
	int rc = json_parse_by(&arena, bytes_of(huge[_i].text), &rules, &v, &err);

	ck_assert_msg((rc == 0) == (huge[_i].becomes != NULL), "%s", huge[_i].text);
	if (rc == 0)
		ck_assert_str_eq(json_text(&arena, v), huge[_i].becomes);
	else
		ck_assert_int_eq(err.code, ERR_PARSE);
}
END_TEST

START_TEST(real_and_huge_numbers_as_text)
{
	static const struct json_rules rules = {
		.max_depth = 8, .max_values = 100, .reals_as_text = true, .huge_as_text = true
	};
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse_by(&arena, bytes_of("[1.5,18446744073709551615,7]"), &rules, &v, &err), 0);
	ck_assert_str_eq(json_text(&arena, v), "[\"1.5\",\"18446744073709551615\",7]");
}
END_TEST

START_TEST(values_live_as_long_as_the_arena)
{
	json_t *v = parse("{\"a\":[1,2,{\"b\":\"c\"}]}"), *kept = json_incref(json_object_get(v, "a"));

	ck_assert_uint_eq(json_array_size(kept), 3);
	arena_reset(&arena);
	ck_assert_uint_eq(kept->refcount, 1);
	ck_assert_uint_eq(json_array_size(kept), 3);
	json_decref(kept);
}
END_TEST

START_TEST(text_keeps_order_and_canonical_sorts)
{
	json_t *v = parse("{ \"b\" : 1, \"a\" : [ true, null, \"\\u00e9\\n\" ], \"B\" : {\"z\":1,\"y\":2} }");

	ck_assert_str_eq(json_text(&arena, v), "{\"b\":1,\"a\":[true,null,\"\xc3\xa9\\n\"],\"B\":{\"z\":1,\"y\":2}}");
	ck_assert_str_eq(json_canonical(&arena, v),
			 "{\"B\":{\"y\":2,\"z\":1},\"a\":[true,null,\"\xc3\xa9\\n\"],\"b\":1}");
	ck_assert_str_eq(json_text(&arena, parse("\"x\"")), "\"x\"");
}
END_TEST

START_TEST(building)
{
	json_t *o = json_object_in(&arena), *list = json_array_in(&arena);

	json_set_str(o, "text", "x\"y");
	json_set_str(o, "none", NULL);
	json_set_int(o, "least", INT64_MIN);
	json_set_u64(o, "most", INT64_MAX);
	json_set_bool(o, "yes", true);
	json_set_bool(o, "no", false);
	json_add_take(list, json_integer(1));
	json_add(list, json_object_get(o, "yes"));
	json_set(o, "list", list);
	json_set_take(o, "own", json_string("taken"));
	json_set_int(o, "least", -5); /* again: replaced, not doubled */
	ck_assert_str_eq(json_text(&arena, o),
			 "{\"text\":\"x\\\"y\",\"none\":null,\"least\":-5,\"most\":9223372036854775807,"
			 "\"yes\":true,\"no\":false,\"list\":[1,true],\"own\":\"taken\"}");
	ck_assert_uint_eq(list->refcount, 2);
}
END_TEST

static const struct {
	const char *text, *want;
} mended[] = {
	{ "caf\xe9", "caf\xef\xbf\xbd" },
	{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe2\x82\xac\x80ok", "\xe2\x82\xac\xef\xbf\xbdok" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
};

START_TEST(text_that_is_no_text_is_mended)
{
	json_t *o = json_object_in(&arena);

	json_set_str(o, "a", mended[_i].text);
	ck_assert_str_eq(json_string_value(json_object_get(o, "a")), mended[_i].want);
}
END_TEST

static void set_above_the_largest(void)
{
	struct arena a = ARENA_LIMIT(1024);

	json_set_u64(json_object_in(&a), "a", (uint64_t)INT64_MAX + 1);
}

static void set_nothing(void)
{
	struct arena a = ARENA_LIMIT(1024);

	json_set_take(json_object_in(&a), "a", NULL);
}

static void set_on_a_list(void)
{
	struct arena a = ARENA_LIMIT(1024);

	json_set_int(json_array_in(&a), "a", 1);
}

static void add_to_an_object(void)
{
	struct arena a = ARENA_LIMIT(1024);

	json_add_take(json_object_in(&a), json_integer(1));
}

static void (*const deadly[])(void) = { set_above_the_largest, set_nothing, set_on_a_list, add_to_an_object };

START_TEST(building_wrongly_aborts)
{
	ck_assert_int_eq(suite_signal_of(deadly[_i]), SIGABRT);
}
END_TEST

START_TEST(members_are_read)
{
	json_t *o = parse("{\"s\":\"text\",\"u\":7,\"i\":-7,\"b\":true,\"o\":{\"x\":1},\"l\":[1,2]}"), *v;
	const char *s;
	struct err err;
	uint64_t u;
	int64_t i;
	bool b;

	ck_assert_int_eq(json_get_str(o, "s", 4, &s, &err), 0);
	ck_assert_str_eq(s, "text");
	ck_assert_int_eq(json_get_u64(o, "u", 7, &u, &err), 0);
	ck_assert_uint_eq(u, 7);
	ck_assert_int_eq(json_get_i64(o, "i", &i, &err), 0);
	ck_assert_int_eq(i, -7);
	ck_assert_int_eq(json_get_bool(o, "b", &b, &err), 0);
	ck_assert(b);
	ck_assert_int_eq(json_get_obj(o, "o", &v, &err), 0);
	ck_assert_uint_eq(json_object_size(v), 1);
	ck_assert_int_eq(json_get_arr(o, "l", 2, &v, &err), 0);
	ck_assert_uint_eq(json_array_size(v), 2);
}
END_TEST

/* The one member is "m"; what each getter makes of it.  0: fine. */
static const struct {
	const char *text;
	enum err_code str4, u64_10, i64, boolean, object, list2;
} wrong[] = {
	{ "{}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"M\":1}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "[]", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "\"m\"", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":null}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":\"four\"}", ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":\"\"}", ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":\"fives\"}", ERR_RANGE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":\"\xc3\xa9\xc3\xa9\xc3\xa9\"}", ERR_RANGE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":\"10\"}", ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":10}", ERR_PARSE, ERR_NONE, ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":11}", ERR_PARSE, ERR_RANGE, ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":-1}", ERR_PARSE, ERR_RANGE, ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":9223372036854775807}", ERR_PARSE, ERR_RANGE, ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":1.0}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":1.5}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":1e1}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":true}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_NONE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":0}", ERR_PARSE, ERR_NONE, ERR_NONE, ERR_PARSE, ERR_PARSE, ERR_PARSE },
	{ "{\"m\":{}}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_NONE, ERR_PARSE },
	{ "{\"m\":[]}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_NONE },
	{ "{\"m\":[1,2]}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_NONE },
	{ "{\"m\":[1,2,3]}", ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_PARSE, ERR_RANGE },
};

/* The call failed as it should, or not at all; then the field is named, and what was there is untouched. */
#define ck_assert_outcome(call, want, untouched)                                                                       \
	do {                                                                                                           \
		err_clear(&err);                                                                                       \
		ck_assert_int_eq(call, (want) == ERR_NONE ? 0 : -1);                                                   \
		ck_assert_int_eq(err.code, want);                                                                      \
		ck_assert_str_eq(err.field, (want) == ERR_NONE ? "" : "m");                                            \
		ck_assert((want) == ERR_NONE || (untouched));                                                          \
	} while (0)

START_TEST(wrong_members_are_named)
{
	json_t *o = parse(wrong[_i].text), *v = NULL;
	const char *s = "kept";
	struct err err;
	uint64_t u = 42;
	int64_t i = 42;
	bool b = true;

	ck_assert_outcome(json_get_str(o, "m", 4, &s, &err), wrong[_i].str4, strcmp(s, "kept") == 0);
	ck_assert_outcome(json_get_u64(o, "m", 10, &u, &err), wrong[_i].u64_10, u == 42);
	ck_assert_outcome(json_get_i64(o, "m", &i, &err), wrong[_i].i64, i == 42);
	ck_assert_outcome(json_get_bool(o, "m", &b, &err), wrong[_i].boolean, b);
	ck_assert_outcome(json_get_obj(o, "m", &v, &err), wrong[_i].object, v == NULL);
	v = NULL;
	ck_assert_outcome(json_get_arr(o, "m", 2, &v, &err), wrong[_i].list2, v == NULL);
}
END_TEST

START_TEST(optional_members_keep_the_default)
{
	static const char *const texts[] = { "{}", "{\"m\":null}" };

	for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
		json_t *o = parse(texts[k]);
		const char *s = "kept";
		struct err err;
		uint64_t u = 42;
		int64_t i = -42;
		bool b = true;

		ck_assert_int_eq(json_opt_str(o, "m", 4, &s, &err), 0);
		ck_assert_int_eq(json_opt_u64(o, "m", 4, &u, &err), 0);
		ck_assert_int_eq(json_opt_i64(o, "m", &i, &err), 0);
		ck_assert_int_eq(json_opt_bool(o, "m", &b, &err), 0);
		ck_assert_str_eq(s, "kept");
		ck_assert_uint_eq(u, 42);
		ck_assert_int_eq(i, -42);
		ck_assert(b);
	}
}
END_TEST

START_TEST(optional_members_are_read_and_checked)
{
	json_t *o = parse("{\"s\":\"x\",\"u\":1,\"i\":-1,\"b\":false}");
	const char *s = "kept";
	struct err err;
	uint64_t u = 42;
	int64_t i = 42;
	bool b = true;

	ck_assert_int_eq(json_opt_str(o, "s", 1, &s, &err), 0);
	ck_assert_str_eq(s, "x");
	ck_assert_int_eq(json_opt_u64(o, "u", 1, &u, &err), 0);
	ck_assert_uint_eq(u, 1);
	ck_assert_int_eq(json_opt_i64(o, "i", &i, &err), 0);
	ck_assert_int_eq(i, -1);
	ck_assert_int_eq(json_opt_bool(o, "b", &b, &err), 0);
	ck_assert(!b);
	ck_assert_int_eq(json_opt_str(o, "s", 0, &s, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
	ck_assert_str_eq(err.field, "s");
	ck_assert_int_eq(json_opt_u64(o, "i", 1, &u, &err), -1);
	ck_assert_int_eq(json_opt_i64(o, "b", &i, &err), -1);
	ck_assert_int_eq(json_opt_bool(o, "u", &b, &err), -1);
	ck_assert_str_eq(err.field, "u");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/json");
	TCase *p = tcase_create("parsing"), *b = tcase_create("building"), *m = tcase_create("members");

	tcase_add_checked_fixture(p, setup, teardown);
	tcase_add_checked_fixture(b, setup, teardown);
	tcase_add_checked_fixture(m, setup, teardown);
	tcase_add_loop_test(p, accepts, 0, ARRAY_LEN(good));
	tcase_add_loop_test(p, refuses, 0, ARRAY_LEN(bad));
	tcase_add_test(p, refuses_no_memory_at_all);
	tcase_add_test(p, message_never_quotes_the_text);
	tcase_add_test(p, message_says_what_and_where);
	tcase_add_loop_test(p, depth_is_limited, 0, ARRAY_LEN(nests));
	tcase_add_test(p, depth_of_none_takes_plain_values);
	tcase_add_test(p, depth_bombs_are_refused_before_recursion);
	tcase_add_test(p, width_does_not_count_as_depth);
	tcase_add_test(p, number_of_values_is_limited);
	tcase_add_test(p, a_peers_own_rules);
	tcase_add_loop_test(p, real_numbers_as_text, 0, ARRAY_LEN(reals));
	tcase_add_loop_test(p, huge_numbers_as_text, 0, ARRAY_LEN(huge));
	tcase_add_test(p, real_and_huge_numbers_as_text);
	tcase_add_test(b, values_live_as_long_as_the_arena);
	tcase_add_test(b, text_keeps_order_and_canonical_sorts);
	tcase_add_test(b, building);
	tcase_add_loop_test(b, text_that_is_no_text_is_mended, 0, ARRAY_LEN(mended));
	tcase_add_loop_test(b, building_wrongly_aborts, 0, ARRAY_LEN(deadly));
	tcase_add_test(m, members_are_read);
	tcase_add_loop_test(m, wrong_members_are_named, 0, ARRAY_LEN(wrong));
	tcase_add_test(m, optional_members_keep_the_default);
	tcase_add_test(m, optional_members_are_read_and_checked);
	suite_add_tcase(s, p);
	suite_add_tcase(s, b);
	suite_add_tcase(s, m);
	return suite_run(s);
}
