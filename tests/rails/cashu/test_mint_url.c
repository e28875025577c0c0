#include "rails/cashu/mint_url.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct {
	const char *text, *is;
} good[] = {
	{ "https://mint.example", "https://mint.example" },
	{ "http://localhost:3338", "http://localhost:3338" },
	{ "  https://mint.example/\n", "https://mint.example" },
	{ "https://mint.example///", "https://mint.example" },
	{ "HTTPS://Mint.EXAMPLE/Bitcoin/", "https://mint.example/Bitcoin" },
	{ "https://mint.example/a/B%2f", "https://mint.example/a/B%2f" },
	{ "https://mint.example:443", "https://mint.example" },
	{ "https://mint.example:443/x", "https://mint.example/x" },
	{ "http://mint.example:80/x", "http://mint.example/x" },
	{ "http://mint.example:443/x", "http://mint.example:443/x" },
	{ "https://mint.example:65535", "https://mint.example:65535" },
	{ "http://127.0.0.1:8085", "http://127.0.0.1:8085" },
	{ "http://[::1]:3338/x", "http://[::1]:3338/x" },
	{ "http://[FE80::1]", "http://[fe80::1]" },
	{ "https://8333.space:3338", "https://8333.space:3338" },
	{ "http://abcdefghijklmnop.onion", "http://abcdefghijklmnop.onion" },
	{ "https://mint_1.example-x.org/.well-known/cashu", "https://mint_1.example-x.org/.well-known/cashu" },
};

START_TEST(one_spelling)
{
	char url[MINT_URL_MAX + 1], again[MINT_URL_MAX + 1];

	ck_ok(mint_url_normalise(good[_i].text, url, &rerr));
	ck_assert_str_eq(url, good[_i].is);
	ck_ok(mint_url_normalise(url, again, &rerr));
	ck_assert_str_eq(again, url);
}
END_TEST

static const char *const bad[] = {
	"",
	" ",
	"mint.example",
	"ftp://mint.example",
	"file:///etc/passwd",
	"javascript:alert(1)",
	"https:/mint.example",
	"https:",
	"https://",
	"https:///",
	"https:///path",
	"https://?",
	"https://mint.example?x=1",
	"https://mint.example/#a",
	"https://user@mint.example",
	"https://user:pw@mint.example",
	"https://mint.example:0",
	"https://mint.example:65536",
	"https://mint.example:",
	"https://mint.example:8o",
	"https://mint.example:-1",
	"https://mint.example:+1",
	"https://mint.example:1:2",
	"https://mint.example:123456789",
	"https://mint example",
	"https://mint.example/a b",
	"https://mint.example\\@evil.example",
	"https://mint.example/a\\b",
	"https://mint..example",
	"https://.mint.example",
	"https://mint.example.",
	"https://m\xc3\xb6nt.example",
	"https://mint.example/\xc3\xb6",
	"https://mint.example/a%2",
	"https://mint.example/a%zz",
	"https://mint.example/a%",
	"https://mint.example/../x",
	"https://mint.example/a/..",
	"https://mint.example/./x",
	"https://mint.example/.",
	"https://mint.example/a\nHost: evil",
	"https://mint.example/\x01",
	"https://mint.example/<x>",
	"https://mint~x.example",
	"https://[::1",
	"https://[]",
	"https://[::1]x",
	"https://[::g]",
	"https://mi\tnt.example",
	"https://mint.example/\"",
	"https://mint.example/{x}",
	"://mint.example",
};

START_TEST(refused)
{
	char url[MINT_URL_MAX + 1] = "untouched";

	ck_fails(mint_url_normalise(bad[_i], url, &rerr), ERR_PARAM);
	ck_assert_str_eq(rerr.field, "mint");
	ck_assert_str_eq(url, "untouched");
}
END_TEST

START_TEST(as_long_as_may_be)
{
	char url[MINT_URL_MAX + 1], text[2048] = "https://";

	memset(text + 8, 'a', MINT_URL_MAX - 8);
	ck_ok(mint_url_normalise(text, url, &rerr));
	ck_assert_uint_eq(strlen(url), MINT_URL_MAX);
	text[MINT_URL_MAX] = 'a';
	ck_fails(mint_url_normalise(text, url, &rerr), ERR_PARAM);
	memset(text + 8, '/', sizeof(text) - 9);
	ck_fails(mint_url_normalise(text, url, &rerr), ERR_PARAM);
}
END_TEST

START_TEST(joined)
{
	ck_assert_str_eq(mint_url_join(&ra, "https://m.example/x", "/v1/info"), "https://m.example/x/v1/info");
	ck_assert_str_eq(mint_url_join_segment(&ra, "https://m.example", "/q/", "a-b_c.d~0"),
			 "https://m.example/q/a-b_c.d~0");
	ck_assert_str_eq(mint_url_join_segment(&ra, "https://m.example", "/q/", "../a?b#c/%\xc3\xb6 "),
			 "https://m.example/q/..%2Fa%3Fb%23c%2F%25%C3%B6%20");
	ck_assert_str_eq(mint_url_join_segment(&ra, "https://m.example", "/q/", ""), "https://m.example/q/");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/mint_url");
	TCase *c = rails_case(s, "mint_url");

	tcase_add_loop_test(c, one_spelling, 0, ARRAY_LEN(good));
	tcase_add_loop_test(c, refused, 0, ARRAY_LEN(bad));
	tcase_add_test(c, as_long_as_may_be);
	tcase_add_test(c, joined);
	return suite_run(s);
}
