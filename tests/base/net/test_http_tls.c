/* Whom we talk to is verified.  The servers are `openssl s_server`, with a certificate made here for 127.0.0.1. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/net/http.h"
#include "base/text.h"
#include "tests/support/suite.h"

static char dir[64], key[96], cert[96];
static struct loop *loop;
static struct http *http;
static struct err err;
static pid_t server;
static int port;

static void run_program(const char *const argv[], int out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(out >= 0 ? out : null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static void make_certificate(void)
{
	const char *const argv[] = { "openssl",
				     "req",
				     "-x509",
				     "-newkey",
				     "ec",
				     "-pkeyopt",
				     "ec_paramgen_curve:prime256v1",
				     "-nodes",
				     "-keyout",
				     key,
				     "-out",
				     cert,
				     "-days",
				     "2",
				     "-subj",
				     "/CN=test",
				     "-addext",
				     "subjectAltName=IP:127.0.0.1",
				     NULL };
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_program(argv, -1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "this test needs the openssl program");
}

static void start_server(void)
{
	const char *const argv[] = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
				     cert,      "-key",     key,       "-www",        NULL };
	SCOPED(file) FILE *from = NULL;
	char line[256];
	uint64_t n = 0;
	int pipe_fd[2];

	ck_assert_int_eq(pipe2(pipe_fd, O_CLOEXEC), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0)
		run_program(argv, pipe_fd[1]);
	close(pipe_fd[1]);
	from = fdopen(pipe_fd[0], "r");
	ck_assert_ptr_nonnull(from);
	while (n == 0 && fgets(line, sizeof(line), from) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (text_starts(line, "ACCEPT 127.0.0.1:"))
			ck_assert(parse_u64(line + strlen("ACCEPT 127.0.0.1:"), 65535, &n));
	}
	ck_assert_uint_gt(n, 0);
	port = (int)n;
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "/tmp/walletd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	make_certificate();
	ck_assert_int_eq(loop_new(&loop, &err), 0);
}

static void tear_down(void)
{
	http_free(http);
	loop_free(loop);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	unlink(key);
	unlink(cert);
	rmdir(dir);
}

static void on_reply(void *ctx, const struct net_reply *reply)
{
	struct net_reply *to = ctx;

	*to = *reply;
	loop_stop(loop);
}

/* The outcome of a GET at that host, trusting our certificate or not. */
static struct net_reply ask(const char *host, bool trust)
{
	struct net_reply reply = { 0 };
	char url[64];
	struct net_request req = { .method = "GET", .url = url, .timeout_ms = 10000, .changes_state = true };

	snprintf(url, sizeof(url), "https://%s:%d/", host, port);
	ck_assert_int_eq(http_new(loop, &(struct http_options){ .ca_file = trust ? cert : NULL }, &http, &err), 0);
	http_submit(http, &req, on_reply, &reply);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	http_free(http);
	http = NULL;
	return reply;
}

START_TEST(test_trusted)
{
	struct net_reply reply;

	start_server();
	reply = ask("127.0.0.1", true);
	ck_assert_msg(reply.outcome == NET_ANSWERED, "%s", reply.detail);
	ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(test_unknown_issuer_is_not_sent)
{
	struct net_reply reply;

	start_server();
	reply = ask("127.0.0.1", false);
	ck_assert_int_eq(reply.outcome, NET_NOT_SENT);
	ck_assert_ptr_nonnull(strstr(reply.detail, "certificate"));
}
END_TEST

START_TEST(test_other_name_is_not_sent)
{
	struct net_reply reply;

	start_server();
	reply = ask("localhost", true);
	ck_assert_int_eq(reply.outcome, NET_NOT_SENT);
	ck_assert_ptr_nonnull(strstr(reply.detail, "localhost"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/net/http over TLS");
	TCase *c = tcase_create("tls");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_trusted);
	tcase_add_test(c, test_unknown_issuer_is_not_sent);
	tcase_add_test(c, test_other_name_is_not_sent);
	suite_add_tcase(s, c);
	return suite_run(s);
}
