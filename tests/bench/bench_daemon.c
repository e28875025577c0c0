/* The daemon from outside, the real program: how long a start takes and how much memory it needs with few and with a million
 * parked actions; and how many `status` calls it answers on a kept-alive unix socket, against a bare evhttp server that
 * sends back what it gets. */
#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/bench.h"
#include "tests/support/process.h"

#define STARTS      5
#define CONNECTIONS 16
#define REPLY_MAX   65536

static struct process p;
static char echo_socket[96];
static const char *const flags[] = { "--allow_plaintext_seed=1", "--log_level=warn", NULL };

static void stop(void)
{
	process_signal(&p, SIGTERM);
	if (process_wait(&p, 20000) != 0)
		bench_die("walletd did not stop");
}

/* --- start --- */

/* Half of them sleep until they are kicked, half until tomorrow. */
static void park_actions(int64_t n)
{
	char path[160], sql[1024];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/wallet.db", p.data);
	snprintf(
		sql, sizeof(sql),
		"PRAGMA synchronous=OFF; DELETE FROM action;"
		"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %" PRId64 ")"
		"INSERT INTO action (id, kind, state, status, version, peer, params, checkpoint, attempts, wake_at_ms,"
		" created_at_ms, updated_at_ms) SELECT printf('0190aaaa-0000-7000-8000-%%012d', i), 'cashu_send', 3, 2, 4,"
		" printf('https://mint-%%d.example', i %% 50), '{\"amount\":21}', printf('{\"n\":%%0250d}', i), 0,"
		" iif(i %% 2, NULL, %" PRId64 " + i), 1, 1 FROM c",
		n, clock_now_ms() + 20 * 3600 * INT64_C(1000));
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		bench_die(sqlite3_errmsg(db));
	sqlite3_close(db);
}

static long memory_kb(void)
{
	char path[64], line[128];
	long kb = 0;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)p.pid);
	SCOPED(file) FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	return kb;
}

struct start {
	double ready_ms;
	long kb;
};

/* The middle one of several starts; memory once the first round of care is over and status was asked for. */
static struct start measure_start(void)
{
	double took[STARTS];
	struct start s = { 0 };

	for (int i = 0; i < STARTS; i++) {
		double began = bench_now();
		int at = i;

		process_start_ready(&p, flags, NULL);
		took[i] = (bench_now() - began) * 1000;
		if (i == STARTS - 1) {
			sleep(2);
			if (!strstr(process_call(&p, "status", NULL), "\"unlocked\""))
				bench_die("status");
			s.kb = memory_kb();
		}
		stop();
		for (double t = took[i]; at > 0 && took[at - 1] > t; at--) {
			took[at] = took[at - 1];
			took[at - 1] = t;
		}
	}
	s.ready_ms = took[STARTS / 2];
	return s;
}

static void bench_start(void)
{
	static const int64_t counts[] = { 10, 1000000 };
	struct start s[2];

	process_start_ready(&p, flags, NULL);
	if (!strstr(process_call(&p, "wallet.create", "{\"idempotency_key\":\"bench\"}"), "\"unlocked\""))
		bench_die("wallet.create");
	stop();
	bench_title("Start, with parked actions");
	for (size_t i = 0; i < 2; i++) {
		park_actions(counts[i]);
		s[i] = measure_start();
		bench_note("%9" PRId64 " parked: ready after %5.1f ms, %6ld kB resident", counts[i], s[i].ready_ms,
			   s[i].kb);
	}
	bench_note("          grown by: %5.1f ms, %6ld kB", s[1].ready_ms - s[0].ready_ms, s[1].kb - s[0].kb);
}

/* --- status --- */

static int dial(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	for (int tries = 0; connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0; tries++) {
		if (tries == 200)
			bench_die("cannot connect");
		usleep(5000);
	}
	return fd;
}

static void ask(int fd)
{
	static const char body[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}";
	char request[512];
	int n = snprintf(
		request, sizeof(request),
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		sizeof(body) - 1, body);

	if (write(fd, request, (size_t)n) != n)
		bench_die("cannot write");
}

/* A whole reply: its length is in its head. */
static void hear(int fd)
{
	static char reply[REPLY_MAX];
	size_t have = 0, want = sizeof(reply) - 1;

	while (have < want) {
		ssize_t n = read(fd, reply + have, want - have);
		char *end, *length;

		if (n <= 0)
			bench_die("the server closed the connection");
		have += (size_t)n;
		reply[have] = '\0';
		end = strstr(reply, "\r\n\r\n");
		length = end ? strcasestr(reply, "\r\nContent-Length:") : NULL;
		if (length)
			want = (size_t)(end - reply) + 4 + strtoul(length + 17, NULL, 10);
	}
	if (strncmp(reply, "HTTP/1.1 200", 12) != 0 || !strstr(reply, "\"jsonrpc\""))
		bench_die(reply);
}

static double calls_per_second(const char *path, unsigned connections)
{
	int fds[CONNECTIONS];
	double began, took = 0;
	int64_t calls = 0;

	for (unsigned i = 0; i < connections; i++)
		fds[i] = dial(path);
	began = bench_now();
	while (took < BENCH_SECONDS) {
		for (unsigned i = 0; i < connections; i++)
			ask(fds[i]);
		for (unsigned i = 0; i < connections; i++)
			hear(fds[i]);
		calls += connections;
		took = bench_now() - began;
	}
	for (unsigned i = 0; i < connections; i++)
		close(fds[i]);
	return (double)calls / took;
}

static void echo(struct evhttp_request *req, void *ctx)
{
	struct evbuffer *out = ctx;

	evbuffer_add_buffer(out, evhttp_request_get_input_buffer(req));
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", "application/json");
	evhttp_send_reply(req, 200, "OK", out);
}

static void NORETURN serve_echo(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct event_base *base = event_base_new();
	struct evhttp *http = evhttp_new(base);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 128) != 0 ||
	    evhttp_accept_socket(http, fd) != 0)
		bench_die("cannot serve");
	evhttp_set_gencb(http, echo, evbuffer_new());
	event_base_dispatch(base);
	_exit(0);
}

static double echoes_per_second(unsigned connections)
{
	return calls_per_second(echo_socket, connections);
}

static double statuses_per_second(unsigned connections)
{
	return calls_per_second(p.socket, connections);
}

static void bench_status(void)
{
	static const struct bench_case one[] = {
		{ "evhttp echo", "calls/s", echoes_per_second, 1 },
		{ "walletd status", "calls/s", statuses_per_second, 1 },
	};
	static const struct bench_case several[] = {
		{ "evhttp echo", "calls/s", echoes_per_second, CONNECTIONS },
		{ "walletd status", "calls/s", statuses_per_second, CONNECTIONS },
	};
	pid_t pid;

	snprintf(echo_socket, sizeof(echo_socket), "%s/echo.sock", p.dir);
	pid = fork();
	if (pid == 0)
		serve_echo(echo_socket);
	process_start_ready(&p, flags, NULL);
	bench_compare("Calls on a kept-alive unix socket", one, ARRAY_LEN(one));
	bench_compare("Calls on 16 of them at a time", several, ARRAY_LEN(several));
	stop();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* What starts the daemon is made for tests, and wants to be run by one. */
START_TEST(bench)
{
	process_new(&p);
	bench_start();
	bench_status();
	process_free(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bench");
	TCase *tc = tcase_create("daemon");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, bench);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
