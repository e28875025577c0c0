/* conf/mint_limit.c: how much may be kept at a mint, as operators write it. */
#include "conf/mint_limit.h"

#include <string.h>

#include "tests/support/suite.h"

static const struct {
	const char *entry;
	uint64_t amount;
	const char *unit, *url;
} good[] = {
	{ "1 sat", 1, "sat", NULL },
	{ "100000 sat ", 100000, "sat", NULL },
	{ "9223372036854775807 msat", INT64_MAX, "msat", NULL },
	{ "500 usd https://mint.example.com/path", 500, "usd", "https://mint.example.com/path" },
	{ "500\tusd   http://127.0.0.1:3338", 500, "usd", "http://127.0.0.1:3338" },
};

START_TEST(test_good)
{
	struct conf_mint_limit l;
	struct err err;

	ck_assert_msg(conf_mint_limit_read(good[_i].entry, &l, &err) == 0, "%s: %s", good[_i].entry, err.msg);
	ck_assert_uint_eq(l.amount, good[_i].amount);
	ck_assert_str_eq(l.unit, good[_i].unit);
	ck_assert_int_eq(l.url == NULL, good[_i].url == NULL);
	if (l.url)
		ck_assert_str_eq(l.url, good[_i].url);
	ck_assert_int_eq(conf_mint_limit_check(good[_i].entry, &err), 0);
}
END_TEST

static const char *const bad[] = {
	"",
	"sat",
	"0 sat",
	"-1 sat",
	"1.5 sat",
	"9223372036854775808 sat",
	"99999999999999999999999999 sat",
	"100",
	"100 ",
	"100 abcdefghijklmnop",
	"100 sat mint.example.com",
	"100 sat ftp://mint.example.com",
	"100 sat https://one https://two",
};

START_TEST(test_bad)
{
	struct conf_mint_limit l = { .amount = 7 };
	struct err err;

	ck_assert_int_eq(conf_mint_limit_read(bad[_i], &l, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_uint_eq(l.amount, 7);
	ck_assert_int_eq(conf_mint_limit_check(bad[_i], &err), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf/mint_limit");
	TCase *tc = tcase_create("entries");

	tcase_add_loop_test(tc, test_good, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, test_bad, 0, ARRAY_LEN(bad));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
