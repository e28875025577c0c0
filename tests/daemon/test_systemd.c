/* daemon/systemd.c, passphrase.c, hardening.c: what the service manager is told, and what it gives. */
#include "daemon/systemd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/hardening.h"
#include "daemon/passphrase.h"
#include "tests/support/suite.h"

static char dir[64];
static struct err err;

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/walletd-systemd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	err_clear(&err);
}

static void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* --- notify --- */

/* The manager's end.  A name beginning with '@' is one of the abstract space. */
static int manager(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(at.sun_path, name, n);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static const char *heard(int fd)
{
	static char text[1024];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

START_TEST(test_notify)
{
	char name[96];
	int fd;

	snprintf(name, sizeof(name), "%s%s/notify", _i ? "@" : "", dir);
	fd = manager(name);
	systemd_notify("READY=1\nSTATUS=%d in flight", 3);
	ck_assert_str_eq(heard(fd), "READY=1\nSTATUS=3 in flight");
	systemd_notify_reloading();
	ck_assert_msg(strncmp(heard(fd), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0, "RELOADING");
	systemd_notify("STATUS=%600d", 1);
	ck_assert_uint_eq(strlen(heard(fd)), 511);
	close(fd);
	systemd_notify("READY=1"); /* nobody listens any more */
}
END_TEST

START_TEST(test_notify_nobody)
{
	char longer[300];

	unsetenv("NOTIFY_SOCKET");
	systemd_notify("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	systemd_notify("READY=1");
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	systemd_notify("READY=1");
}
END_TEST

/* A manager that has stopped reading must not stop us. */
START_TEST(test_notify_never_waits)
{
	char name[96];
	int fd;

	snprintf(name, sizeof(name), "%s/notify", dir);
	fd = manager(name);
	for (int i = 0; i < 5000; i++)
		systemd_notify("WATCHDOG=1");
	ck_assert_str_eq(heard(fd), "WATCHDOG=1");
	close(fd);
}
END_TEST

/* --- sockets --- */

static void put_listener(int at, bool listening)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s%d", dir, at);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	if (listening)
		ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(dup2(fd, at), at);
	if (fd != at)
		close(fd);
}

static void pass(const char *n, long pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", pid);
	setenv("LISTEN_FDS", n, 1);
	setenv("LISTEN_PID", text, 1);
}

START_TEST(test_sockets)
{
	size_t n = 9;

	put_listener(3, true);
	put_listener(4, true);
	pass("2", (long)getpid());
	ck_assert_msg(systemd_take_sockets(&n, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(fcntl(3, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fcntl(4, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_int_eq(systemd_take_sockets(&n, &err), 0);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(test_sockets_not_ours)
{
	size_t n = 9;

	pass("2", (long)getpid() + 1);
	ck_assert_int_eq(systemd_take_sockets(&n, &err), 0);
	ck_assert_uint_eq(n, 0);
	setenv("LISTEN_FDS", "2", 1); /* and no LISTEN_PID at all */
	ck_assert_int_eq(systemd_take_sockets(&n, &err), 0);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(test_sockets_wrong)
{
	static const char *const counts[] = { "x", "-1", "17", "" };
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		pass(counts[i], (long)getpid());
		ck_assert_msg(systemd_take_sockets(&n, &err) == -1, "LISTEN_FDS=%s", counts[i]);
		ck_assert_int_eq(err.code, ERR_CONFIG);
	}
	put_listener(3, false);
	pass("1", (long)getpid());
	ck_assert_int_eq(systemd_take_sockets(&n, &err), -1);
	ck_assert_msg(strstr(err.msg, "descriptor 3") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_watchdog)
{
	char pid[32];

	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	ck_assert_int_eq(systemd_watchdog_us(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	ck_assert_int_eq(systemd_watchdog_us(), 30000000);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid() + 1);
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_int_eq(systemd_watchdog_us(), 0);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_int_eq(systemd_watchdog_us(), 30000000);
	setenv("WATCHDOG_USEC", "soon", 1);
	ck_assert_int_eq(systemd_watchdog_us(), 0);
}
END_TEST

START_TEST(test_journal)
{
	struct stat st;
	char text[64];

	unsetenv("JOURNAL_STREAM");
	ck_assert(!systemd_stderr_is_journal());
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
	ck_assert(systemd_stderr_is_journal());
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
	setenv("JOURNAL_STREAM", text, 1);
	ck_assert(!systemd_stderr_is_journal());
}
END_TEST

/* --- the passphrase --- */

static const char *put(const char *name, const char *text, size_t n, mode_t mode)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

START_TEST(test_passphrase_lines)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
		size_t n;
	} rows[] = {
		{ "correct horse", "correct horse", 13 },
		{ "correct horse\n", "correct horse", 14 },
		{ "correct horse\r\nsecond line\n", "correct horse", 27 },
		{ "  spaces count \n", "  spaces count ", 16 },
		{ "", NULL, 0 },
		{ "\n", NULL, 1 },
		{ "\r\nx", NULL, 3 },
		{ "a\0b", NULL, 3 },
	};
	SCOPED(buf) struct buf got = BUF_SECRET(PASSPHRASE_MAX + 1);
	const char *path = put("p", rows[_i].text, rows[_i].n, 0600);

	ck_assert_int_eq(passphrase_read(NULL, path, &got, &err), rows[_i].want ? 0 : -1);
	if (rows[_i].want)
		ck_assert_str_eq(buf_text(&got), rows[_i].want);
	else
		ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

START_TEST(test_passphrase_length)
{
	SCOPED(buf) struct buf got = BUF_SECRET(PASSPHRASE_MAX + 1);
	char text[PASSPHRASE_MAX + 8];

	memset(text, 'p', sizeof(text));
	ck_assert_msg(passphrase_read(NULL, put("p", text, PASSPHRASE_MAX, 0600), &got, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(got.n, PASSPHRASE_MAX);
	buf_reset(&got);
	ck_assert_int_eq(passphrase_read(NULL, put("p", text, PASSPHRASE_MAX + 1, 0600), &got, &err), -1);
	ck_assert_msg(strstr(err.msg, "longer than 1024") != NULL, "%s", err.msg);
	ck_assert_ptr_null(strstr(err.msg, "ppp"));
}
END_TEST

START_TEST(test_passphrase_places)
{
	SCOPED(buf) struct buf got = BUF_SECRET(PASSPHRASE_MAX + 1);
	char file[128];

	ck_assert_int_eq(passphrase_read(NULL, NULL, &got, &err), 0);
	ck_assert_uint_eq(got.n, 0);
	snprintf(file, sizeof(file), "%s", put("p", "from the file\n", 14, 0600));
	ck_assert_msg(passphrase_read(dir, file, &got, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(buf_text(&got), "from the file"); /* no such credential: the file counts */
	put("walletd.passphrase", "from systemd\n", 13, 0440);
	buf_reset(&got);
	ck_assert_msg(passphrase_read(dir, file, &got, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(buf_text(&got), "from systemd");
	ck_assert_int_eq(chmod(file, 0640), 0);
	ck_assert_int_eq(passphrase_read(NULL, file, &got, &err), -1);
	ck_assert_msg(strstr(err.hint, "chmod 600") != NULL, "%s", err.hint);
	ck_assert_str_eq(err.field, "passphrase_file");
	ck_assert_int_eq(passphrase_read(NULL, "/nowhere", &got, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(passphrase_read(NULL, dir, &got, &err), -1);
}
END_TEST

/* --- hardening --- */

START_TEST(test_hardening)
{
	struct rlimit core;
	mode_t mask;

	ck_assert_msg(hardening_apply(&err) == 0, "%s", err.msg);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
	ck_assert_uint_eq(core.rlim_cur, 0);
	ck_assert_uint_eq(core.rlim_max, 0);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	mask = umask(0);
	ck_assert_uint_eq(mask, 0077);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
#endif
}
END_TEST

START_TEST(test_files)
{
	struct rlimit now = { 40, 60 };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
	ck_assert_uint_eq(hardening_raise_files(20), 40);
	ck_assert_uint_eq(hardening_raise_files(50), 50);
	ck_assert_uint_eq(hardening_raise_files(1000), 60);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("systemd");
	TCase *t = tcase_create("systemd");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, test_notify, 0, 2);
	tcase_add_test(t, test_notify_nobody);
	tcase_add_test(t, test_notify_never_waits);
	tcase_add_test(t, test_sockets);
	tcase_add_test(t, test_sockets_not_ours);
	tcase_add_test(t, test_sockets_wrong);
	tcase_add_test(t, test_watchdog);
	tcase_add_test(t, test_journal);
	tcase_add_loop_test(t, test_passphrase_lines, 0, 8);
	tcase_add_test(t, test_passphrase_length);
	tcase_add_test(t, test_passphrase_places);
	tcase_add_test(t, test_hardening);
	tcase_add_test(t, test_files);
	suite_add_tcase(s, t);
	return suite_run(s);
}
