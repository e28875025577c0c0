/* conf/options.c, paths.c, perms.c: the table is whole, and what is printed from it can be read back. */
#include "conf/options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/paths.h"
#include "conf/perms.h"
#include "tests/support/suite.h"

static struct arena arena;
static struct err err;

static void set_up(void)
{
	arena = ARENA_LIMIT(CONF_ARENA);
	err_clear(&err);
}

static void tear_down(void)
{
	arena_done(&arena);
}

START_TEST(test_table_is_whole)
{
	for (const struct option *o = options; o->key; o++) {
		struct config c = { 0 }, copy = { 0 };

		ck_assert_msg(o->help && o->help[strlen(o->help) - 1] == '.', "%s: help", o->key);
		ck_assert_msg(o->fallback || o->computed, "%s: a default, in one form or the other", o->key);
		ck_assert_msg(o->at + sizeof(int) <= sizeof(struct config), "%s: place", o->key);
		ck_assert_msg((o->type == OPTION_BOOL) == !o->arg, "%s: what stands for the value", o->key);
		ck_assert_ptr_eq(option_find(o->key), o);
		for (const struct option *p = options; p < o; p++) {
			ck_assert_str_ne(p->key, o->key);
			ck_assert_msg(p->at != o->at, "%s and %s share a place", p->key, o->key);
		}
		if (!o->fallback)
			continue;
		ck_assert_msg(option_set(&arena, o, o->fallback, NULL, &c, &err) == 0, "%s", err.msg);
		ck_assert_str_eq(option_text(&arena, o, &c), o->fallback);
		ck_assert_msg(!option_differs(o, &c, &c), "%s differs from itself", o->key);
		option_copy(o, &c, &copy);
		ck_assert_str_eq(option_text(&arena, o, &copy), o->fallback);
	}
	ck_assert_ptr_null(option_find("nonsense"));
}
END_TEST

START_TEST(test_env_names)
{
	ck_assert_str_eq(option_env_name(&arena, option_find("rpc_uid_scope")), "WALLETD_RPC_UID_SCOPE");
}
END_TEST

START_TEST(test_differences)
{
	const struct option *proxy = option_find("proxy"), *level = option_find("log_level");
	struct config x = { .proxy = "socks5h://a:b@h:1" }, y = { .proxy = "socks5h://a:c@h:1" };
	const char *info = "info";

	ck_assert(option_differs(proxy, &x, &y)); /* though both are shown the same */
	y.proxy = NULL;
	ck_assert(option_differs(proxy, &x, &y));
	x.proxy = NULL;
	ck_assert(!option_differs(proxy, &x, &y));
	ck_assert(!option_differs(level, &x, &y));
	x.log_level = (struct conf_list){ &info, 1 };
	ck_assert(option_differs(level, &x, &y));
	option_copy(level, &x, &y);
	ck_assert(!option_differs(level, &x, &y));
}
END_TEST

static char *printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(f);
	print(f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(test_every_option_is_printed)
{
	char *help = printed(options_print_help), *example = printed(options_print_example);
	char *reference = printed(options_print_reference);
	char want[128];

	for (const struct option *o = options; o->key; o++) {
		snprintf(want, sizeof(want), "\n  --%s%s", o->key, o->arg ? "=" : "\n");
		ck_assert_msg(strstr(help, want) != NULL, "--help lacks %s", o->key);
		snprintf(want, sizeof(want), "\n#%s=", o->key);
		ck_assert_msg(strstr(example, want) != NULL, "the example lacks %s", o->key);
		snprintf(want, sizeof(want), "\n## %s\n", o->key);
		ck_assert_msg(strstr(reference, want) != NULL, "the reference lacks %s", o->key);
	}
	free(help);
	free(example);
	free(reference);
}
END_TEST

/* What is committed is what the table says: `make docs` writes both anew. */
START_TEST(test_committed_copies)
{
	static const struct {
		const char *path;
		void (*print)(FILE *);
	} rows[] = {
		{ "walletd.conf.example", options_print_example },
		{ "docs/configuration.md", options_print_reference },
	};
	char *want = printed(rows[_i].print), *have = calloc(1, 65536);
	FILE *f = fopen(rows[_i].path, "r");

	ck_assert_msg(f != NULL, "%s: run the tests from the top of the tree", rows[_i].path);
	ck_assert_ptr_nonnull(have);
	ck_assert_uint_gt(fread(have, 1, 65535, f), 0);
	ck_assert_msg(strcmp(want, have) == 0, "%s is out of date", rows[_i].path);
	fclose(f);
	free(have);
	free(want);
}
END_TEST

/* The example with every setting switched on is a configuration that loads and changes nothing. */
START_TEST(test_example_loads)
{
	char *example = printed(options_print_example);
	char path[] = "/tmp/walletd-example-XXXXXX", flag[64];
	char *argv[] = { (char *)"walletd", flag };
	char *env[] = { (char *)"HOME=/h/u", NULL };
	struct config plain, full;
	enum conf_command command;
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	ck_assert_ptr_nonnull(f);
	for (const char *line = example; *line; line += strcspn(line, "\n") + 1) {
		int n = (int)strcspn(line, "\n");
		bool setting = n > 1 && line[0] == '#' && line[1] != ' ';

		/* These two are worked out, and an empty value would not be their default. */
		if (setting && !text_starts(line, "#datadir=") && !text_starts(line, "#rpc_socket="))
			fprintf(f, "%.*s\n", n - 1, line + 1);
	}
	free(example);
	ck_assert_int_eq(fclose(f), 0);
	snprintf(flag, sizeof(flag), "--conf=%s", path);
	ck_assert_msg(conf_load(&arena, &(struct conf_input){ 2, argv, env }, &command, &full, &err) == 0, "%s",
		      err.msg);
	snprintf(flag, sizeof(flag), "--conf=");
	ck_assert_msg(conf_load(&arena, &(struct conf_input){ 2, argv, env }, &command, &plain, &err) == 0, "%s",
		      err.msg);
	for (const struct option *o = options; o->key; o++)
		ck_assert_msg(!option_differs(o, &plain, &full), "%s: the example is not the default", o->key);
	unlink(path);
}
END_TEST

START_TEST(test_default_places)
{
	char *xdg[] = { (char *)"HOME=/h/u", (char *)"XDG_STATE_HOME=/s", (char *)"XDG_RUNTIME_DIR=/r", NULL };
	char *unit[] = { (char *)"RUNTIME_DIRECTORY=/run/w:/run/x", (char *)"STATE_DIRECTORY=/var/lib/w",
			 (char *)"CONFIGURATION_DIRECTORY=/etc/w", NULL };
	char *relative[] = { (char *)"HOME=/h/u", (char *)"XDG_STATE_HOME=s", NULL };
	struct paths p = paths_default(&arena, xdg, false, NETWORK_MAINNET);

	ck_assert_str_eq(p.conf_file, "/h/u/.config/walletd/walletd.conf");
	ck_assert_str_eq(p.datadir, "/s/walletd");
	ck_assert_str_eq(p.rpc_socket, "/r/walletd/rpc.sock");
	p = paths_default(&arena, xdg, false, NETWORK_REGTEST);
	ck_assert_str_eq(p.conf_file, "/h/u/.config/walletd/walletd.conf");
	ck_assert_str_eq(p.datadir, "/s/walletd/regtest");
	ck_assert_str_eq(p.rpc_socket, "/r/walletd/regtest/rpc.sock");
	p = paths_default(&arena, xdg, true, NETWORK_MAINNET);
	ck_assert_str_eq(p.conf_file, "/etc/walletd/walletd.conf");
	ck_assert_str_eq(p.datadir, "/var/lib/walletd");
	ck_assert_str_eq(p.rpc_socket, PATHS_SYSTEM_SOCKET);
	p = paths_default(&arena, unit, false, NETWORK_SIGNET);
	ck_assert_str_eq(p.conf_file, "/etc/w/walletd.conf");
	ck_assert_str_eq(p.datadir, "/var/lib/w/signet");
	ck_assert_str_eq(p.rpc_socket, "/run/w/signet/rpc.sock");
	p = paths_default(&arena, relative, false, NETWORK_MAINNET);
	ck_assert_str_eq(p.datadir, "/h/u/.local/state/walletd");
	ck_assert_ptr_null(p.rpc_socket);
	p = paths_default(&arena, NULL, false, NETWORK_MAINNET);
	ck_assert_ptr_null(p.datadir);
	ck_assert_ptr_null(p.conf_file);
}
END_TEST

START_TEST(test_permissions)
{
	char dir[] = "/tmp/walletd-perms-XXXXXX", file[64];
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/wallet.db", dir);
	ck_assert_int_eq(perms_private_file(file, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(chmod(file, 0600), 0);
	ck_assert_int_eq(perms_private_fd(fileno(f), file, &err), 0);
	ck_assert_msg(perms_private_dir(dir, &err) == 0, "%s", err.msg);
	ck_assert_msg(perms_private_file(file, &err) == 0, "%s", err.msg);
	for (mode_t bit = 1; bit <= 0070; bit <<= 1) {
		if (bit & 0700)
			continue;
		ck_assert_int_eq(chmod(file, 0600 | bit), 0);
		ck_assert_msg(perms_private_file(file, &err) == -1, "mode %o", (unsigned)(0600 | bit));
		ck_assert_int_eq(perms_private_fd(fileno(f), file, &err), -1);
		ck_assert_int_eq(chmod(dir, 0700 | bit), 0);
		ck_assert_msg(perms_private_dir(dir, &err) == -1, "mode %o", (unsigned)(0700 | bit));
	}
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert(strstr(err.msg, "chmod 700 /tmp/walletd-perms-") != NULL);
	ck_assert_int_eq(perms_private_dir(file, &err), -1);
	ck_assert_int_eq(perms_private_file(dir, &err), -1);
	ck_assert(strstr(err.msg, "is not a regular file") != NULL);
	fclose(f);
	unlink(file);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_table_is_whole);
	tcase_add_test(t, test_env_names);
	tcase_add_test(t, test_differences);
	tcase_add_test(t, test_every_option_is_printed);
	tcase_add_loop_test(t, test_committed_copies, 0, 2);
	tcase_add_test(t, test_example_loads);
	tcase_add_test(t, test_default_places);
	tcase_add_test(t, test_permissions);
	suite_add_tcase(s, t);
	return suite_run(s);
}
