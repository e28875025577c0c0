/* The listening sockets: what is made, what is replaced, what is refused. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/sockets.h"
#include "tests/support/suite.h"

static char folder[32], path[64];
static struct listen_socket made;
static struct err err;

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/sockets.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/rpc.sock", folder);
	made = (struct listen_socket){ .fd = -1 };
}

static void remove_folder(void)
{
	sockets_close(&made);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static bool answers(const char *where)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), rc;

	memcpy(addr.sun_path, where, strlen(where));
	rc = connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
	close(fd);
	return rc == 0;
}

START_TEST(unix_socket)
{
	struct stat st;

	ck_assert_int_eq(sockets_make_unix(path, getegid(), &made, &err), 0);
	ck_assert_int_eq((int)made.transport, (int)TRANSPORT_UNIX);
	ck_assert_uint_eq(made.group, getegid());
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert(fcntl(made.fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(made.fd, F_GETFD) & FD_CLOEXEC);
	ck_assert(answers(path));
	sockets_close(&made);
	ck_assert_int_eq(made.fd, -1);
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

START_TEST(one_that_is_dead_is_replaced)
{
	ck_assert_int_eq(sockets_make_unix(path, (gid_t)-1, &made, &err), 0);
	close(made.fd); /* as if its process had died */
	free(made.path);
	ck_assert_int_eq(sockets_make_unix(path, (gid_t)-1, &made, &err), 0);
	ck_assert(answers(path));
}
END_TEST

START_TEST(one_that_answers_is_left)
{
	struct listen_socket second;

	ck_assert_int_eq(sockets_make_unix(path, (gid_t)-1, &made, &err), 0);
	ck_assert_int_eq(sockets_make_unix(path, (gid_t)-1, &second, &err), -1);
	ck_assert_int_eq((int)err.code, (int)ERR_CONFIG);
	ck_assert(answers(path));
}
END_TEST

START_TEST(another_file_is_left)
{
	struct stat st;

	close(open(path, O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(sockets_make_unix(path, (gid_t)-1, &made, &err), -1);
	ck_assert_int_eq((int)err.code, (int)ERR_CONFIG);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(a_successors_file_is_left)
{
	struct listen_socket second;

	ck_assert_int_eq(sockets_make_unix(path, (gid_t)-1, &made, &err), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(sockets_make_unix(path, (gid_t)-1, &second, &err), 0);
	sockets_close(&made);
	ck_assert(answers(path));
	made = second;
}
END_TEST

START_TEST(a_long_path)
{
	char text[109];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(sockets_make_unix(text, (gid_t)-1, &made, &err), -1);
	ck_assert_int_eq((int)err.code, (int)ERR_CONFIG);
}
END_TEST

static const struct {
	const char *where;
	bool good;
} addresses[] = {
	{ "127.0.0.1:0", true },
	{ "127.255.0.9:0", true },
	{ "0.0.0.0:0", false },
	{ "10.0.0.1:0", false },
	{ "[::]:0", false },
	{ "localhost:0", false },
	{ "127.0.0.1", false },
	{ "127.0.0.1:", false },
	{ "127.0.0.1:65536", false },
	{ "127.0.0.1:-1", false },
	{ "127.0.0.1:80x", false },
	{ "127.0.0.1:1:2", false },
	{ "", false },
	{ ":0", false },
	{ "::1:0", false },
	{ "[::1]:1:2", false },
};

START_TEST(tcp_address)
{
	int rc = sockets_make_tcp(addresses[_i].where, &made, &err);

	ck_assert_int_eq(rc, addresses[_i].good ? 0 : -1);
	if (rc != 0) {
		ck_assert_int_eq((int)err.code, (int)ERR_CONFIG);
		return;
	}
	ck_assert_int_eq((int)made.transport, (int)TRANSPORT_TCP);
	ck_assert_uint_ne(made.port, 0);
	ck_assert_uint_eq(made.group, (gid_t)-1);
}
END_TEST

START_TEST(passed_unix)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(addr.sun_path, path, strlen(path));
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(sockets_take(fd, &made, &err), 0);
	ck_assert_int_eq(made.fd, fd);
	ck_assert_int_eq((int)made.transport, (int)TRANSPORT_UNIX);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(made.group, st.st_gid);
	ck_assert(answers(path));
	sockets_close(&made);
	ck_assert_int_eq(stat(path, &st), 0); /* it is not ours to remove */
}
END_TEST

START_TEST(passed_tcp_for_everybody)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert_int_eq(sockets_take(fd, &made, &err), -1);
	ck_assert_int_eq((int)err.code, (int)ERR_CONFIG);
	ck_assert_int_eq(close(fd), 0); /* still open */
}
END_TEST

START_TEST(passed_what_is_no_socket)
{
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(sockets_take(fd, &made, &err), -1);
	ck_assert_int_eq((int)err.code, (int)ERR_CONFIG);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sockets");
	TCase *t = tcase_create("sockets");

	tcase_add_checked_fixture(t, make_folder, remove_folder);
	tcase_add_test(t, unix_socket);
	tcase_add_test(t, one_that_is_dead_is_replaced);
	tcase_add_test(t, one_that_answers_is_left);
	tcase_add_test(t, another_file_is_left);
	tcase_add_test(t, a_successors_file_is_left);
	tcase_add_test(t, a_long_path);
	tcase_add_loop_test(t, tcp_address, 0, (int)ARRAY_LEN(addresses));
	tcase_add_test(t, passed_unix);
	tcase_add_test(t, passed_tcp_for_everybody);
	tcase_add_test(t, passed_what_is_no_socket);
	suite_add_tcase(s, t);
	return suite_run(s);
}
