/* rpc/walletctl/endpoint.c: where the daemon is looked for, and why it was not found. */
#include "rpc/walletctl/endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

static struct arena a;
static struct err err;
static char dir[] = "/tmp/walletctl-end-XXXXXX";
static char *env[4];

static void set_up(void)
{
	a = ARENA_LIMIT(32 << 20);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	env[0] = arena_printf(&a, "HOME=%s", dir);
	env[1] = arena_printf(&a, "XDG_RUNTIME_DIR=%s/run", dir);
	env[2] = NULL;
}

static void tear_down(void)
{
	static const char *const names[] = { "c.conf", "cookie", "key", "rpc.sock" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(arena_printf(&a, "%s/%s", dir, names[i]));
	ck_assert_int_eq(rmdir(dir), 0);
	arena_done(&a);
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(&a, "%s/%s", dir, name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static const char *in_dir(const char *name)
{
	return arena_printf(&a, "%s/%s", dir, name);
}

/* The endpoint in one line, or "!" and the error. */
static const char *find(const struct endpoint_options *opt)
{
	struct input in = { .fd = -1 };
	struct endpoint e;

	err_clear(&err);
	if (endpoint_find(&a, opt, env, &in, &e, &err) != 0)
		return arena_printf(&a, "!%s", err.msg);
	return arena_printf(&a, "%s %s %s", e.url, e.socket ? e.socket : "-", e.authorization ? e.authorization : "-");
}

static const char *unix_at(const char *path)
{
	return arena_printf(&a, "http://localhost/ %s -", path);
}

START_TEST(socket_like_the_daemon)
{
	struct endpoint_options opt = { .socket = "/x/rpc.sock" };

	ck_assert_str_eq(find(&opt), unix_at("/x/rpc.sock"));
	opt = (struct endpoint_options){ .datadir = "/x/data" };
	ck_assert_str_eq(find(&opt), unix_at("/x/data/rpc.sock"));
	opt = (struct endpoint_options){ .network = "signet", .conf = "" };
	if (geteuid() == 0)
		ck_assert_str_eq(find(&opt), unix_at("/run/walletd/signet/rpc.sock"));
	else
		ck_assert_str_eq(find(&opt), unix_at(in_dir("run/walletd/signet/rpc.sock")));
	env[2] = "WALLETD_RPC_SOCKET=/env/rpc.sock";
	ck_assert_str_eq(find(&opt), unix_at("/env/rpc.sock"));
	write_file("c.conf", "datadir=/file\n[regtest]\nrpc_socket=/file/regtest.sock\n");
	opt = (struct endpoint_options){ .conf = in_dir("c.conf"), .network = "regtest" };
	ck_assert_str_eq(find(&opt), unix_at("/env/rpc.sock"));
	env[2] = NULL;
	ck_assert_str_eq(find(&opt), unix_at("/file/regtest.sock"));
	opt.network = NULL;
	ck_assert_str_eq(find(&opt), unix_at("/file/rpc.sock"));
}
END_TEST

START_TEST(configuration_at_fault)
{
	struct endpoint_options opt = { .conf = "/nonexistent/c.conf" };

	ck_assert_int_eq(find(&opt)[0], '!');
	ck_assert_int_eq(err.code, ERR_IO);
	write_file("c.conf", "rpc_sockt=/x\n");
	opt.conf = in_dir("c.conf");
	ck_assert_int_eq(find(&opt)[0], '!');
	ck_assert_int_eq(err.code, ERR_CONFIG);
	write_file("c.conf", "rpc_socket=\n");
	ck_assert_str_eq(find(&opt), "!the configuration turns the unix socket off");
	opt = (struct endpoint_options){ .network = "mainet" };
	ck_assert_int_eq(find(&opt)[0], '!');
	ck_assert_int_eq(err.code, ERR_PARAM);
}
END_TEST

START_TEST(tcp)
{
	struct endpoint_options opt = { .url = "http://127.0.0.1:8338", .key_file = in_dir("key") };

	write_file("key", "shop:00ff\n");
	ck_assert_str_eq(find(&opt), "http://127.0.0.1:8338 - Basic c2hvcDowMGZm");
	write_file("cookie", "__cookie__:ab");
	opt = (struct endpoint_options){ .url = "http://[::1]:1/", .cookie_file = in_dir("cookie") };
	ck_assert_str_eq(find(&opt), "http://[::1]:1/ - Basic X19jb29raWVfXzphYg==");
	/* Without a file: the cookie beside the socket. */
	opt = (struct endpoint_options){ .url = "http://localhost:1", .datadir = dir };
	ck_assert_str_eq(find(&opt), "http://localhost:1 - Basic X19jb29raWVfXzphYg==");
	opt = (struct endpoint_options){ .url = "https://wallet.example", .key_file = in_dir("key") };
	ck_assert_str_eq(find(&opt), "https://wallet.example - Basic c2hvcDowMGZm");
}
END_TEST

static const struct {
	struct endpoint_options opt;
	const char *error;
} refused[] = {
	{ { .url = "127.0.0.1:8338" }, "--rpc takes a URL such as http://127.0.0.1:8338" },
	{ { .url = "ftp://127.0.0.1" }, "--rpc takes a URL such as http://127.0.0.1:8338" },
	{ { .url = "http://" }, "--rpc takes a URL such as http://127.0.0.1:8338" },
	{ { .url = "http://127.0.0.1\n" }, "--rpc takes a URL such as http://127.0.0.1:8338" },
	{ { .url = "http://192.168.1.5:8338" }, "http:// would send the key over the network in clear" },
	{ { .url = "http://localhost.example" }, "http:// would send the key over the network in clear" },
	{ { .url = "http://127.0.0.11" }, "http:// would send the key over the network in clear" },
	{ { .url = "http://shop:00ff@127.0.0.1" },
	  "--rpc takes no password: a command line can be read by every user of this machine" },
	{ { .url = "http://localhost", .socket = "/x" }, "--rpc and --socket exclude each other" },
	{ { .url = "http://localhost", .key_file = "/x", .cookie_file = "/y" },
	  "--cookie-file and --key-file exclude each other" },
	{ { .key_file = "/x" }, "--cookie-file and --key-file go with --rpc: the unix socket asks the kernel" },
};

START_TEST(flags_refused)
{
	ck_assert_str_eq(find(&refused[_i].opt), arena_printf(&a, "!%s", refused[_i].error));
	ck_assert_int_eq(err.code, ERR_PARAM);
}
END_TEST

static const char *const bad_keys[] = { "", "nocolon\n", "shop:\x01\n", "two:1\nlines:2\n" };

START_TEST(bad_key_file)
{
	struct endpoint_options opt = { .url = "http://localhost", .key_file = in_dir("key") };

	write_file("key", bad_keys[_i]);
	ck_assert_str_eq(find(&opt), "!the credentials are not one line name:secret");
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

START_TEST(no_key_file)
{
	struct endpoint_options opt = { .url = "http://localhost", .key_file = in_dir("key") };

	ck_assert(strncmp(find(&opt), "!credentials: cannot open ", 26) == 0);
	ck_assert_int_eq(err.code, ERR_IO);
}
END_TEST

/* --- why nobody answers --- */

static const char *why(const char *socket_path)
{
	const struct endpoint e = { .url = "http://localhost/", .socket = socket_path };

	endpoint_explain(&e, "detail", &err);
	ck_assert_int_ne(err.hint[0], '\0');
	return err.msg;
}

START_TEST(explained)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct endpoint url = { .url = "http://127.0.0.1:1" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_str_eq(why("/nonexistent/rpc.sock"),
			 "walletd is not running: there is no socket /nonexistent/rpc.sock");
	ck_assert_str_eq(why("/dev/null/rpc.sock"), "walletd is not running: there is no socket /dev/null/rpc.sock");
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/rpc.sock", dir);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	ck_assert_str_eq(why(at.sun_path),
			 arena_printf(&a, "walletd is not running: nobody listens on %s (detail)", at.sun_path));
	endpoint_explain(&url, "connection refused", &err);
	ck_assert_str_eq(err.msg, "nobody answers at http://127.0.0.1:1: connection refused");
}
END_TEST

/* Is it called so for somebody who is not root? */
static bool denied(const char *socket_path)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		_exit(strcmp(why(socket_path), arena_printf(&a, "permission denied: %s", socket_path)) == 0 &&
				      err.code == ERR_FORBIDDEN
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

START_TEST(permission_denied)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/rpc.sock", dir);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(chmod(at.sun_path, 0), 0);
	ck_assert(denied(at.sun_path));
	ck_assert_int_eq(chmod(at.sun_path, 0666), 0);
	ck_assert(!denied(at.sun_path));
	ck_assert_int_eq(chmod(dir, 0), 0);
	ck_assert(denied(at.sun_path));
	ck_assert_int_eq(chmod(dir, 0700), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walletctl/endpoint");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, socket_like_the_daemon);
	tcase_add_test(t, configuration_at_fault);
	tcase_add_test(t, tcp);
	tcase_add_loop_test(t, flags_refused, 0, (int)ARRAY_LEN(refused));
	tcase_add_loop_test(t, bad_key_file, 0, (int)ARRAY_LEN(bad_keys));
	tcase_add_test(t, no_key_file);
	tcase_add_test(t, explained);
	tcase_add_test(t, permission_denied);
	suite_add_tcase(s, t);
	return suite_run(s);
}
