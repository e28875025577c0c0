#include "daemon/onchain_config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/drivers.h"
#include "tests/support/suite.h"

static struct arena arena;
static char dir[64], file[96];
static struct err e, *err = &e;

static void setup(void)
{
	arena = ARENA_LIMIT(CONF_ARENA);
	snprintf(dir, sizeof(dir), "/tmp/walletd-onchain-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/auth", dir);
}

static void teardown(void)
{
	unlink(file);
	rmdir(dir);
	arena_done(&arena);
}

static void write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(file, mode), 0);
}

/* Loads a command line that must be right for conf/ itself. */
static struct config load(const char *const *args, int n)
{
	char *argv[16] = { "walletd" };
	struct conf_input in = { .argc = n + 1, .argv = argv };
	enum conf_command command;
	struct config c;

	ck_assert_int_lt(n, 15);
	for (int i = 0; i < n; i++)
		argv[i + 1] = arena_strdup(&arena, args[i]);
	if (conf_load(&arena, &in, &command, &c, err) != 0)
		ck_abort_msg("%s", err->msg);
	return c;
}

#define LOAD(...)                                                                                                      \
	load((const char *const[]){ "--datadir=/tmp", __VA_ARGS__ },                                                   \
	     (int)ARRAY_LEN(((const char *const[]){ "", __VA_ARGS__ })))

static int nodes(const struct config *c, struct buf *login, struct chain_options *ret)
{
	*ret = (struct chain_options){ 0 };
	return onchain_config_nodes(&arena, c, login, ret, err);
}

START_TEST(nobody_is_asked)
{
	SCOPED(buf) struct buf login = BUF_SECRET(200);
	struct config c = LOAD("--network=regtest");
	struct chain_options o;

	ck_assert_int_eq(nodes(&c, &login, &o), 0);
	ck_assert_uint_eq(o.n_backends, 0);
}
END_TEST

START_TEST(several_bitcoinds)
{
	SCOPED(buf) struct buf login = BUF_SECRET(200);
	struct config c = LOAD("--network=signet", "--bitcoind_url=http://127.0.0.1:38332",
			       "--bitcoind_url=http://node.lan:38332", "--bitcoind_cookie=/node/.cookie",
			       "--onchain_fallback_feerate=3");
	struct chain_options o;

	ck_assert_int_eq(nodes(&c, &login, &o), 0);
	ck_assert_int_eq(o.network, NETWORK_SIGNET);
	ck_assert_int_eq(o.kind, CHAIN_BITCOIND);
	ck_assert_uint_eq(o.n_backends, 2);
	ck_assert_str_eq(o.backends[1].url, "http://node.lan:38332");
	ck_assert_str_eq(o.backends[1].cookie_file, "/node/.cookie");
	ck_assert_ptr_null(o.backends[0].login);
	ck_assert_uint_eq(feerate_sat_per_vb_ceil(*o.fee_fallback), 3);
}
END_TEST

START_TEST(an_esplora)
{
	SCOPED(buf) struct buf login = BUF_SECRET(200);
	struct config c = LOAD("--esplora_url=https://esplora.example/api", "--onchain_fallback_feerate=0");
	struct chain_options o;

	ck_assert_int_eq(nodes(&c, &login, &o), 0);
	ck_assert_int_eq(o.kind, CHAIN_ESPLORA);
	ck_assert_uint_eq(o.n_backends, 1);
	ck_assert_ptr_null(o.fee_fallback);
}
END_TEST

START_TEST(a_login_from_its_file)
{
	SCOPED(buf) struct buf login = BUF_SECRET(200);
	struct config c = LOAD("--bitcoind_url=http://127.0.0.1:8332",
			       arena_printf(&arena, "--bitcoind_auth_file=%s", file));
	struct chain_options o;

	write_file("walletd:s3cret\nmore\n", 0600);
	ck_assert_int_eq(nodes(&c, &login, &o), 0);
	ck_assert_str_eq(o.backends[0].login, "walletd:s3cret");
}
END_TEST

static void refuses(const struct config *c, const char *field, const char *words)
{
	SCOPED(buf) struct buf login = BUF_SECRET(200);
	struct chain_options o;

	ck_assert_int_eq(nodes(c, &login, &o), -1);
	ck_assert_int_eq(err->code, ERR_CONFIG);
	ck_assert_str_eq(err->field, field);
	ck_assert_msg(strstr(err->msg, words) != NULL, "%s", err->msg);
}

START_TEST(refused)
{
	const char *auth = arena_printf(&arena, "--bitcoind_auth_file=%s", file);
	struct config both = LOAD("--bitcoind_url=http://127.0.0.1:8332", "--esplora_url=https://e.example"),
		      two = LOAD("--bitcoind_url=http://127.0.0.1:8332", "--bitcoind_cookie=/c", auth),
		      alone = LOAD("--bitcoind_cookie=/c"), alone_too = LOAD("--esplora_url=https://e.example", auth),
		      one = LOAD("--bitcoind_url=http://127.0.0.1:8332", auth);

	refuses(&both, "esplora_url", "one of them");
	refuses(&alone, "bitcoind_cookie", "there is no bitcoind_url");
	refuses(&alone_too, "bitcoind_auth_file", "there is no bitcoind_url");
	refuses(&two, "bitcoind_auth_file", "one of them");
	refuses(&one, "bitcoind_auth_file", file); /* not there */
	write_file("walletd:s3cret\n", 0644);
	refuses(&one, "bitcoind_auth_file", "chmod");
	write_file("s3cret\n", 0600);
	refuses(&one, "bitcoind_auth_file", "user:password");
	ck_assert_ptr_null(strstr(err->msg, "s3cret"));
}
END_TEST

START_TEST(the_policy)
{
	struct config c = LOAD("--network=regtest", "--onchain_confirmations=2", "--onchain_max_feerate=40",
			       "--onchain_spend_change=0", "--onchain_single_chain=1", "--exit_reserve_sat=30000");
	struct onchain_policy p = onchain_config_policy(&c);

	ck_assert_int_eq(p.network, NETWORK_REGTEST);
	ck_assert_uint_eq(p.confirmations, 2);
	ck_assert_uint_eq(feerate_sat_per_kwu(p.max_feerate), 10000);
	ck_assert(!p.spend_change);
	ck_assert(p.single_chain);
	ck_assert_uint_eq(sat_value(p.exit_reserve), 30000);
}
END_TEST

START_TEST(how_often_nodes_are_asked)
{
	const struct {
		struct config c;
		int64_t interval_ms;
	} cases[] = {
		{ LOAD("--network=regtest", "--bitcoind_url=http://127.0.0.1:18443"), 10000 },
		{ LOAD("--network=regtest", "--esplora_url=http://127.0.0.1:3002"), 30000 },
		{ LOAD("--network=regtest", "--esplora_url=http://127.0.0.1:3002", "--chain_poll_s=1"), 1000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_int_eq(tip_task(&cases[i].c).interval_ms, cases[i].interval_ms);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("daemon/onchain_config");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nobody_is_asked);
	tcase_add_test(tc, several_bitcoinds);
	tcase_add_test(tc, an_esplora);
	tcase_add_test(tc, a_login_from_its_file);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, the_policy);
	tcase_add_test(tc, how_often_nodes_are_asked);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
