/* daemon/cashu_config.c: what the configuration says about ecash arrives in the policy of the actions. */
#include "daemon/cashu_config.h"

#include <string.h>

#include "tests/support/suite.h"

static struct arena arena;
static struct err err;

static void set_up(void)
{
	arena = ARENA_LIMIT(64 * 1024);
	err_clear(&err);
}

static void tear_down(void)
{
	arena_done(&arena);
}

static int read_limits(const char *const *items, size_t n, struct action_policy *ret)
{
	const struct config conf = { .cashu_mint_limit = { items, n },
				     .cashu_require_dleq = true,
				     .cashu_trust = CONF_TRUST_ANY };

	return cashu_config_policy(&arena, &conf, ret, &err);
}

START_TEST(test_policy)
{
	static const char *const items[] = { "100 sat", "5 usd", "500 sat https://MINT.example.com/" };
	struct action_policy p = { .onchain.confirmations = 6 };

	ck_assert_msg(read_limits(items, ARRAY_LEN(items), &p) == 0, "%s", err.msg);
	ck_assert(p.require_dleq && p.trust_any_mint);
	ck_assert_uint_eq(p.onchain.confirmations, 6);
	ck_assert_uint_eq(p.n_mint_limits, 3);
	ck_assert_uint_eq(p.mint_limits[0].max, 100);
	ck_assert_ptr_null(p.mint_limits[0].mint);
	ck_assert_str_eq(p.mint_limits[1].unit.s, "usd");
	ck_assert_str_eq(p.mint_limits[2].mint, "https://mint.example.com"); /* as mints are kept */
	ck_assert_int_eq(read_limits(NULL, 0, &p), 0);
	ck_assert_uint_eq(p.n_mint_limits, 0);
}
END_TEST

static const struct {
	const char *items[2];
	size_t n;
} bad[] = {
	{ { "100 SAT" }, 1 },
	{ { "100 sat https://" }, 1 },
	{ { "100 sat", "200 sat" }, 2 },
	{ { "100 sat https://mint.example", "200 sat https://MINT.example/" }, 2 },
};

START_TEST(test_bad)
{
	struct action_policy p = { 0 };

	ck_assert_int_eq(read_limits(bad[_i].items, bad[_i].n, &p), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.field, "cashu_mint_limit");
	ck_assert_ptr_nonnull(strstr(err.msg, bad[_i].items[bad[_i].n - 1]));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("daemon/cashu_config");
	TCase *tc = tcase_create("policy");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_policy);
	tcase_add_loop_test(tc, test_bad, 0, ARRAY_LEN(bad));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
