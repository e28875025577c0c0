/* conf/conf.c: who goes before whom, and that whatever is wrong is said with its place. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/options.h"
#include "tests/support/suite.h"

static char dir[] = "/tmp/walletd-conf-XXXXXX";
static char path[64];
static struct arena arena;
static struct config conf;
static enum conf_command command;
static struct err err;

static void set_up(void)
{
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/c.conf", dir);
	arena = ARENA_LIMIT(CONF_ARENA);
	conf = (struct config){ 0 };
	command = 0;
	err_clear(&err);
}

static void tear_down(void)
{
	arena_done(&arena);
	unlink(path);
	rmdir(dir);
}

static void write_file(const void *text, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

#define ARGS_MAX 8
/* Strings up to the first NULL; text NULL: no file. */
static int load(const char *text, const char *const *flags, const char *const *env)
{
	char *argv[ARGS_MAX + 3] = { (char *)"walletd" }, *environ_[ARGS_MAX + 2] = { (char *)"HOME=/h/u" };
	char conf_flag[80];
	int argc = 1;

	if (text)
		write_file(text, strlen(text));
	snprintf(conf_flag, sizeof(conf_flag), "--conf=%s", text ? path : "");
	argv[argc++] = conf_flag;
	for (; flags && *flags; flags++)
		argv[argc++] = (char *)*flags;
	for (int i = 1; env && *env; env++)
		environ_[i++] = (char *)*env;
	return conf_load(&arena, &(struct conf_input){ argc, argv, environ_ }, &command, &conf, &err);
}

#define LIST(...) ((const char *const[ARGS_MAX]){ __VA_ARGS__ })

static const char *origin_of(const char *key)
{
	return conf.origin[option_find(key) - options];
}

START_TEST(test_defaults)
{
	ck_assert_msg(load(NULL, NULL, NULL) == 0, "%s", err.msg);
	ck_assert_int_eq(command, CONF_RUN);
	ck_assert_int_eq(conf.network, NETWORK_MAINNET);
	ck_assert_int_eq(conf.max_inflight, 256);
	ck_assert_int_eq(conf.max_inflight_per_peer, 16);
	ck_assert_int_eq(conf.rpc_socket_mode, 0660);
	ck_assert_int_eq(conf.shutdown_grace_s, 10);
	ck_assert(!conf.allow_plaintext_seed && !conf.shared_state);
	ck_assert_ptr_null(conf.proxy);
	ck_assert_ptr_null(conf.file);
	ck_assert_uint_eq(conf.log_level.n, 1);
	ck_assert_str_eq(conf.log_level.items[0], "info");
	ck_assert_uint_eq(conf.rpc_uid_scope.n, 0);
	for (size_t i = 0; i < n_options; i++)
		ck_assert_str_eq(conf.origin[i], "default");
}
END_TEST

START_TEST(test_precedence)
{
	static const char file[] = "max_inflight=1\n[regtest]\nmax_inflight=2\n[signet]\nmax_inflight=9\n";

	ck_assert_msg(load(file, NULL, NULL) == 0, "%s", err.msg);
	ck_assert_int_eq(conf.max_inflight, 1);
	ck_assert(strstr(origin_of("max_inflight"), "c.conf:1") != NULL);
	ck_assert_msg(load(file, LIST("--network=regtest"), NULL) == 0, "%s", err.msg);
	ck_assert_int_eq(conf.max_inflight, 2);
	ck_assert(strstr(origin_of("max_inflight"), "c.conf:3") != NULL);
	ck_assert_msg(load(file, LIST("--network=regtest"), LIST("WALLETD_MAX_INFLIGHT=3")) == 0, "%s", err.msg);
	ck_assert_int_eq(conf.max_inflight, 3);
	ck_assert_str_eq(origin_of("max_inflight"), "WALLETD_MAX_INFLIGHT");
	ck_assert_msg(load(file, LIST("--max_inflight", "4"), LIST("WALLETD_MAX_INFLIGHT=3")) == 0, "%s", err.msg);
	ck_assert_int_eq(conf.max_inflight, 4);
	ck_assert_str_eq(origin_of("max_inflight"), "--max_inflight");
	ck_assert_str_eq(conf.file, path);
}
END_TEST

START_TEST(test_file_syntax)
{
	static const char file[] = "\n"
				   "# a comment\n"
				   "; another\n"
				   "  network = regtest   # with a tail\n"
				   "log_file=/var/log/a#b;c\r\n"
				   "log_level=warn\n"
				   "log_level = net:debug , rpc:error\n"
				   "proxy=\n"
				   "[regtest]   # here\n"
				   "datadir=/d";

	ck_assert_msg(load(file, NULL, NULL) == 0, "%s", err.msg);
	ck_assert_int_eq(conf.network, NETWORK_REGTEST);
	ck_assert_str_eq(conf.log_file, "/var/log/a#b;c");
	ck_assert_uint_eq(conf.log_level.n, 3);
	ck_assert_str_eq(conf.log_level.items[1], "net:debug");
	ck_assert_str_eq(conf.log_level.items[2], "rpc:error");
	ck_assert_ptr_null(conf.proxy);
	ck_assert_str_eq(conf.datadir, "/d");
	ck_assert_str_eq(conf.rpc_socket, "/d/rpc.sock");
}
END_TEST

START_TEST(test_lists_replace_those_below)
{
	ck_assert_msg(load("log_level=warn\nrpc_uid_scope=1:read\n", LIST("--log_level=debug", "--log_level=net:info"),
			   LIST("WALLETD_RPC_UID_SCOPE=")) == 0,
		      "%s", err.msg);
	ck_assert_uint_eq(conf.log_level.n, 2);
	ck_assert_str_eq(conf.log_level.items[0], "debug");
	ck_assert_uint_eq(conf.rpc_uid_scope.n, 0); /* an empty value turns off what the file said */
}
END_TEST

START_TEST(test_paths)
{
	char cwd[512], want[600];

	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	ck_assert_msg(load(NULL, LIST("--datadir=./x/y"), LIST("WALLETD_LOG_FILE=l")) == 0, "%s", err.msg);
	snprintf(want, sizeof(want), "%s/x/y", cwd);
	ck_assert_str_eq(conf.datadir, want);
	snprintf(want, sizeof(want), "%s/x/y/rpc.sock", cwd);
	ck_assert_str_eq(conf.rpc_socket, want);
	snprintf(want, sizeof(want), "%s/l", cwd);
	ck_assert_str_eq(conf.log_file, want);
	ck_assert_msg(load(NULL, LIST("--rpc_socket=", "--bool"), NULL) != 0, "--bool is no option");
	ck_assert_msg(load(NULL, LIST("--rpc_socket="), NULL) == 0, "%s", err.msg);
	ck_assert_ptr_null(conf.rpc_socket);
}
END_TEST

START_TEST(test_switches)
{
	ck_assert_msg(
		load(NULL, LIST("--shared_state", "--allow_plaintext_seed=yes", "--cashu_require_dleq=off"), NULL) == 0,
		"%s", err.msg);
	ck_assert(conf.shared_state && conf.allow_plaintext_seed && !conf.cashu_require_dleq);
}
END_TEST

START_TEST(test_commands)
{
	static const struct {
		const char *flag;
		enum conf_command want;
	} rows[] = {
		{ "--help", CONF_HELP },
		{ "-h", CONF_HELP },
		{ "--version", CONF_VERSION },
		{ "--check-conf", CONF_CHECK },
		{ "--print-example-conf", CONF_EXAMPLE },
		{ "--print-config-reference", CONF_REFERENCE },
		{ "--print-rpc-reference", CONF_RPC_REFERENCE },
	};

	ck_assert_msg(load(NULL, LIST(rows[_i].flag), NULL) == 0, "%s", err.msg);
	ck_assert_int_eq(command, rows[_i].want);
	/* Help is given even where nothing else is right; a check is not. */
	ck_assert_int_eq(load("nonsense", LIST(rows[_i].flag), NULL), rows[_i].want == CONF_CHECK ? -1 : 0);
}
END_TEST

/* What is refused, and what the message has to say. */
static const struct refusal {
	const char *name, *file, *flag, *env, *says, *field;
	enum err_code code;
} refusals[] = {
	{ "unknown key", "a=1\nrpc_lisen=127.0.0.1:1\n", NULL, NULL, "c.conf:1: unknown option \"a\"", "a",
	  ERR_CONFIG },
	{ "nearest key", "\n\nrpc_lisen=127.0.0.1:1\n", NULL, NULL,
	  "c.conf:3: unknown option \"rpc_lisen\"; did you mean rpc_listen?", "rpc_lisen", ERR_CONFIG },
	{ "unknown flag", NULL, "--max-inflight=3", NULL, "unknown option \"max-inflight\"; did you mean max_inflight?",
	  "max-inflight", ERR_PARAM },
	{ "command misspelt", NULL, "--check_conf=1", NULL, "did you mean check-conf?", "check_conf", ERR_PARAM },
	{ "unknown variable", NULL, NULL, "WALLETD_NETWORKS=regtest",
	  "WALLETD_NETWORKS: unknown option \"networks\"; did you mean network?", "networks", ERR_CONFIG },
	{ "variable in lower case", NULL, NULL, "WALLETD_network=regtest", "did you mean network?", "network",
	  ERR_CONFIG },
	{ "twice in a file", "proxy=\nmax_inflight=3\nmax_inflight=3\n", NULL, NULL,
	  "c.conf:3: max_inflight was given already", "max_inflight", ERR_CONFIG },
	{ "twice in a section", "[signet]\nretention_days=3\n[mainnet]\nretention_days=3\n[signet]\nretention_days=3\n",
	  NULL, NULL, "c.conf:6: retention_days was given already", "retention_days", ERR_CONFIG },
	{ "no key", "=3\n", NULL, NULL, "c.conf:1: is not key=value", "", ERR_CONFIG },
	{ "no value", "network=regtest\nshared_state\n", NULL, NULL, "c.conf:2: is not key=value", "", ERR_CONFIG },
	{ "unknown section", "[regtst]\nmax_inflight=3\n", NULL, NULL,
	  "c.conf:2: unknown section [regtst]; did you mean regtest", "", ERR_CONFIG },
	{ "unclosed section", "[regtest\nmax_inflight=3\n", NULL, NULL, "c.conf:1: is not a [section]", "",
	  ERR_CONFIG },
	{ "setting beside a section", "[regtest] max_inflight=3\n", NULL, NULL, "c.conf:1: is not a [section]", "",
	  ERR_CONFIG },
	{ "network in a section", "[regtest]\nnetwork=regtest\n", NULL, NULL,
	  "c.conf:2: network goes before the first [section]", "network", ERR_CONFIG },
	{ "wrong in another section", "[regtest]\nmax_inflight=none\n", NULL, NULL,
	  "c.conf:2: max_inflight: \"none\" is not a whole number from 1 to 4096", "max_inflight", ERR_CONFIG },
	{ "quotes", "datadir=\"/x\"\n", NULL, NULL, "c.conf:1: values are written without quotes", "", ERR_CONFIG },
	{ "relative path in a file", "datadir=x/y\n", NULL, NULL, "datadir: \"x/y\" is not an absolute path", "datadir",
	  ERR_CONFIG },
	{ "below the range", NULL, "--max_inflight=0", NULL, "from 1 to 4096", "max_inflight", ERR_PARAM },
	{ "above the range", NULL, "--max_inflight=4097", NULL, "from 1 to 4096", "max_inflight", ERR_PARAM },
	{ "hexadecimal", NULL, "--max_inflight=0x10", NULL, "whole number", "max_inflight", ERR_PARAM },
	{ "overflow", NULL, "--max_inflight=99999999999999999999999", NULL, "whole number", "max_inflight", ERR_PARAM },
	{ "bad switch", NULL, "--shared_state=maybe", NULL, "is neither 1 nor 0", "shared_state", ERR_PARAM },
	{ "bad choice", NULL, "--network=mainet", NULL, "is not one of mainnet|signet|testnet4|regtest", "network",
	  ERR_PARAM },
	{ "open socket", NULL, "--rpc_socket_mode=0777", NULL, "is not a mode", "rpc_socket_mode", ERR_PARAM },
	{ "socket without its owner", NULL, "--rpc_socket_mode=0060", NULL, "is not a mode", "rpc_socket_mode",
	  ERR_PARAM },
	{ "decimal mode", NULL, "--rpc_socket_mode=0689", NULL, "is not a mode", "rpc_socket_mode", ERR_PARAM },
	{ "long mode", NULL, "--rpc_socket_mode=00660", NULL, "is not a mode", "rpc_socket_mode", ERR_PARAM },
	{ "listen without a port", NULL, "--rpc_listen=127.0.0.1", NULL, "is not an address and a port", "rpc_listen",
	  ERR_PARAM },
	{ "listen port too large", NULL, "--rpc_listen=127.0.0.1:65536", NULL, "is not an address and a port",
	  "rpc_listen", ERR_PARAM },
	{ "IPv6 without brackets", NULL, "--rpc_listen=::1:8338", NULL, "needs brackets", "rpc_listen", ERR_PARAM },
	{ "scope of nobody", NULL, "--rpc_uid_scope=shop:read", NULL, "number of a user", "rpc_uid_scope", ERR_PARAM },
	{ "the uid that is none", NULL, "--rpc_uid_scope=4294967295:read", NULL, "number of a user", "rpc_uid_scope",
	  ERR_PARAM },
	{ "unknown scope", NULL, "--rpc_uid_scope=1000:root", NULL, "does not end with a scope", "rpc_uid_scope",
	  ERR_PARAM },
	{ "no scope", NULL, "--rpc_uid_scope=1000", NULL, "is not uid:scope", "rpc_uid_scope", ERR_PARAM },
	{ "empty entry", NULL, "--rpc_uid_scope=1000:read,,2:read", NULL, "has an empty entry", "rpc_uid_scope",
	  ERR_PARAM },
	{ "unknown level", NULL, "--log_level=net:loud", NULL, "is not a level", "log_level", ERR_PARAM },
	{ "level of no module", NULL, "--log_level=:info", NULL, "names no module", "log_level", ERR_PARAM },
	{ "a node without a scheme", NULL, "--bitcoind_url=127.0.0.1:8332", NULL,
	  "bitcoind_url: the value is not a URL", "bitcoind_url", ERR_PARAM },
	{ "a node with a password in its URL", NULL, "--bitcoind_url=http://u:hunter2@127.0.0.1:8332", NULL,
	  "bitcoind_url: the value holds a user or password", "bitcoind_url", ERR_PARAM },
	{ "a node whose URL ends with a slash", NULL, "--esplora_url=https://esplora.example/api/", NULL,
	  "esplora_url: the value ends with a slash", "esplora_url", ERR_PARAM },
	{ "a proxy that leaks names", NULL, "--proxy=socks5://127.0.0.1:9050", NULL,
	  "proxy: the value does not look like", "proxy", ERR_PARAM },
	{ "group with a slash", NULL, "--rpc_socket_group=a/b", NULL, "is not the name or number of a group",
	  "rpc_socket_group", ERR_PARAM },
	{ "empty where one is needed", NULL, "--datadir=", NULL, "must not be empty", "datadir", ERR_PARAM },
	{ "socket path is a directory", NULL, "--rpc_socket=/run/", NULL, "is a directory", "rpc_socket", ERR_PARAM },
	{ "not UTF-8", NULL, "--datadir=/\xff", NULL, "is not UTF-8", "datadir", ERR_PARAM },
	{ "flag without a value", NULL, "--datadir", NULL, "--datadir needs a value", "", ERR_PARAM },
	{ "a word", NULL, "start", NULL, "\"start\": walletd takes --options only", "", ERR_PARAM },
	{ "dashes alone", NULL, "--", NULL, "takes --options only", "", ERR_PARAM },
	{ "conf twice", NULL, "--conf=/dev/null", NULL, "--conf was given already", "", ERR_PARAM },
};

START_TEST(test_refusals)
{
	const struct refusal *r = &refusals[_i];

	ck_assert_msg(load(r->file, LIST(r->flag), LIST(r->env)) == -1, "%s was taken", r->name);
	ck_assert_msg(strstr(err.msg, r->says) != NULL, "%s: \"%s\" lacks \"%s\"", r->name, err.msg, r->says);
	ck_assert_str_eq(err.field, r->field);
	ck_assert_int_eq(err.code, r->code);
}
END_TEST

START_TEST(test_password_is_not_repeated)
{
	ck_assert_int_eq(load(NULL, LIST("--proxy=http://user:hunter2@host:1"), NULL), -1);
	ck_assert_ptr_null(strstr(err.msg, "hunter2"));
	ck_assert_msg(load(NULL, LIST("--proxy=socks5h://user:hunter2@host:1"), NULL) == 0, "%s", err.msg);
	ck_assert_str_eq(conf.proxy, "socks5h://user:hunter2@host:1");
	ck_assert_str_eq(option_text(&arena, option_find("proxy"), &conf), "socks5h://***@host:1");
}
END_TEST

START_TEST(test_password_file_is_private)
{
	static const char secret[] = "proxy=socks5h://u:p@127.0.0.1:9050\n",
			  open_[] = "proxy=socks5h://127.0.0.1:9050\n";
	char flag[80];
	char *argv[] = { (char *)"walletd", flag };
	struct conf_input in = { 2, argv, (char *[]){ (char *)"HOME=/h", NULL } };

	snprintf(flag, sizeof(flag), "--conf=%s", path);
	write_file(secret, strlen(secret));
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_msg(conf_load(&arena, &in, &command, &conf, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(conf_load(&arena, &in, &command, &conf, &err), -1);
	ck_assert(strstr(err.msg, "chmod 640") != NULL);
	write_file(open_, strlen(open_));
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_msg(conf_load(&arena, &in, &command, &conf, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(chmod(path, 0646), 0);
	ck_assert_int_eq(conf_load(&arena, &in, &command, &conf, &err), -1);
	ck_assert(strstr(err.msg, "anybody can change it") != NULL);
}
END_TEST

/* --- files that nobody wrote by hand --- */

static int load_bytes(const void *p, size_t n)
{
	char flag[80];
	char *argv[] = { (char *)"walletd", flag };

	write_file(p, n);
	snprintf(flag, sizeof(flag), "--conf=%s", path);
	return conf_load(&arena, &(struct conf_input){ 2, argv, (char *[]){ (char *)"HOME=/h", NULL } }, &command,
			 &conf, &err);
}

START_TEST(test_hostile_bytes)
{
	static const char nul[] = "max_inflight=3\0\nmax_inflight=3\n", bell[] = "log_file=/a\ab\n";

	ck_assert_int_eq(load_bytes(nul, sizeof(nul) - 1), -1);
	ck_assert(strstr(err.msg, ":1: holds a control character") != NULL);
	ck_assert_int_eq(load_bytes(bell, sizeof(bell) - 1), -1);
	ck_assert(strstr(err.msg, ":1: holds a control character") != NULL);
	ck_assert_msg(load_bytes("", 0) == 0, "%s", err.msg);
}
END_TEST

START_TEST(test_hostile_sizes)
{
	char *big = malloc(200000);
	int n;

	ck_assert_ptr_nonnull(big);
	/* A path of 190 bytes with its key, then one more. */
	n = snprintf(big, 300, "log_file=/%0180d\n", 0);
	ck_assert_int_eq(n, 191);
	ck_assert_msg(load_bytes(big, (size_t)n) == 0, "%s", err.msg);
	ck_assert_uint_eq(strlen(conf.log_file), 181);
	n = snprintf(big, 300, "\nlog_file=/%0181d\n", 0);
	ck_assert_int_eq(load_bytes(big, (size_t)n), -1);
	ck_assert(strstr(err.msg, ":2: the line is longer than 190 bytes") != NULL);
	memset(big, 'x', 200000);
	ck_assert_int_eq(load_bytes(big, 200000), -1);
	ck_assert(strstr(err.msg, ":1: the line is longer than 190 bytes") != NULL);
	memset(big, '\n', 200000);
	ck_assert_int_eq(load_bytes(big, 200000), -1);
	ck_assert(strstr(err.msg, "larger than 64 KiB") != NULL);
	free(big);
}
END_TEST

START_TEST(test_hostile_lists)
{
	struct buf b = BUF_CAP(100000);

	for (int i = 0; i < 64; i++)
		buf_text_add(&b, "log_level=info\n");
	ck_assert_msg(load_bytes(b.p, b.n) == 0, "%s", err.msg);
	ck_assert_uint_eq(conf.log_level.n, 64);
	buf_text_add(&b, "log_level=info\n");
	ck_assert_int_eq(load_bytes(b.p, b.n), -1);
	ck_assert(strstr(err.msg, ":65: log_level was given already") != NULL);
	buf_reset(&b);
	for (int i = 0; i < 2; i++) {
		buf_text_add(&b, "log_level=");
		for (int j = 0; j < 34; j++)
			buf_text_add(&b, j ? ",info" : "info");
		buf_text_add(&b, "\n");
	}
	ck_assert_int_eq(load_bytes(b.p, b.n), -1); /* each line fits, both together do not */
	ck_assert(strstr(err.msg, "has more than 64 entries") != NULL);
	buf_done(&b);
}
END_TEST

START_TEST(test_missing_file)
{
	char *argv[] = { (char *)"walletd", (char *)"--conf=/nowhere/at/all" };
	char env[96];

	ck_assert_int_eq(conf_load(&arena, &(struct conf_input){ 2, argv, NULL }, &command, &conf, &err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert(strstr(err.msg, "/nowhere/at/all") != NULL);
	/* One that nobody named may be missing. */
	snprintf(env, sizeof(env), "CONFIGURATION_DIRECTORY=%s", dir);
	ck_assert_msg(conf_load(&arena, &(struct conf_input){ 1, argv, (char *[]){ env, (char *)"HOME=/h", NULL } },
				&command, &conf, &err) == 0,
		      "%s", err.msg);
	ck_assert_ptr_null(conf.file);
	ck_assert_int_eq(load_bytes("network=regtest\n", 16), 0);
	snprintf(env, sizeof(env), "WALLETD_CONF=%s", path);
	ck_assert_msg(conf_load(&arena, &(struct conf_input){ 1, argv, (char *[]){ env, (char *)"HOME=/h", NULL } },
				&command, &conf, &err) == 0,
		      "%s", err.msg);
	ck_assert_int_eq(conf.network, NETWORK_REGTEST);
}
END_TEST

START_TEST(test_socket_path_limit)
{
	char flag[200];

	snprintf(flag, sizeof(flag), "--datadir=/%0100d", 0);
	ck_assert_int_eq(load(NULL, LIST(flag), NULL), -1);
	ck_assert_str_eq(err.field, "rpc_socket");
	ck_assert_msg(load(NULL, LIST(flag, "--rpc_socket=/s"), NULL) == 0, "%s", err.msg);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("load");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_defaults);
	tcase_add_test(t, test_precedence);
	tcase_add_test(t, test_file_syntax);
	tcase_add_test(t, test_lists_replace_those_below);
	tcase_add_test(t, test_paths);
	tcase_add_test(t, test_switches);
	tcase_add_loop_test(t, test_commands, 0, 7);
	tcase_add_loop_test(t, test_refusals, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(t, test_password_is_not_repeated);
	tcase_add_test(t, test_password_file_is_private);
	tcase_add_test(t, test_hostile_bytes);
	tcase_add_test(t, test_hostile_sizes);
	tcase_add_test(t, test_hostile_lists);
	tcase_add_test(t, test_missing_file);
	tcase_add_test(t, test_socket_path_limit);
	suite_add_tcase(s, t);
	return suite_run(s);
}
