/* The HTTP face from outside: a server in another process, and sockets. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

static struct rpc_process p;
static struct http_pending pending;
static struct http_seen seen;
static struct arena arena;

static void start(void)
{
	arena = ARENA_LIMIT(8 << 20);
	pending.n = 0;
	rpc_process_start(&p, 0);
}

static void stop(void)
{
	rpc_process_stop(&p);
	arena_done(&arena);
}

static const char balance[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"balance\"}";

static const char *auth_line(void)
{
	return arena_printf(&arena, "Authorization: Basic %s\r\n", base64_text(&arena, bytes_of(p.cookie)));
}

static void ask(int fd, const char *request)
{
	rpc_send_text(fd, request);
	rpc_read_reply(fd, &pending, &seen);
}

/* --- connections that go on --- */

START_TEST(keep_alive)
{
	int fd = rpc_connect(p.socket, 0);

	for (int i = 0; i < 20; i++) {
		rpc_post(fd, &pending, balance, &seen);
		ck_assert_int_eq(seen.status, 200);
		ck_assert_ptr_nonnull(strstr(seen.head, "Content-Type: application/json\r\n"));
		ck_assert_ptr_nonnull(strstr(seen.body, "\"result\""));
	}
	close(fd);
}
END_TEST

START_TEST(pipelined)
{
	int fd = rpc_connect(p.socket, 0);
	const char *one = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 41\r\n\r\n"
			  "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"help\"} ";
	char text[512] = "";
	json_t *v;
	struct err err;

	for (int i = 1; i <= 3; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), one, i);
	rpc_send_text(fd, text);
	for (int i = 1; i <= 3; i++) {
		rpc_read_reply(fd, &pending, &seen);
		ck_assert_int_eq(seen.status, 200);
		ck_assert_int_eq(json_parse(&arena, bytes_of(seen.body), 16, &v, &err), 0);
		ck_assert_int_eq(json_int(v, "id"), i);
	}
	/* A wrong one behind a right one: both are answered, in order, and then it ends. */
	snprintf(text, sizeof(text), one, 9);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "GET / HTTP/9.9\r\n\r\n");
	rpc_send_text(fd, text);
	rpc_read_reply(fd, &pending, &seen);
	ck_assert_int_eq(seen.status, 200);
	rpc_read_reply(fd, &pending, &seen);
	ck_assert_int_eq(seen.status, 505);
	ck_assert(rpc_at_end(fd));
	close(fd);
}
END_TEST

START_TEST(in_single_bytes)
{
	int fd = rpc_connect(p.socket, 0);
	char text[256];

	snprintf(text, sizeof(text), "POST /rpc HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", strlen(balance), balance);
	for (size_t i = 0; text[i]; i++) {
		rpc_send(fd, text + i, 1);
		if (i % 16 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	rpc_read_reply(fd, &pending, &seen);
	ck_assert_int_eq(seen.status, 200);
	close(fd);
}
END_TEST

START_TEST(expect_continue)
{
	int fd = rpc_connect(p.socket, 0);

	ask(fd,
	    arena_printf(&arena, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
			 strlen(balance)));
	ck_assert_int_eq(seen.status, 100);
	ask(fd, balance);
	ck_assert_int_eq(seen.status, 200);
	close(fd);
}
END_TEST

START_TEST(close_when_asked)
{
	int fd = rpc_connect(p.socket, 0);

	ask(fd, arena_printf(&arena, "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
			     strlen(balance), balance));
	ck_assert_int_eq(seen.status, 200);
	ck_assert(rpc_at_end(fd));
	close(fd);
	fd = rpc_connect(p.socket, 0);
	ask(fd, arena_printf(&arena, "POST / HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", strlen(balance), balance));
	ck_assert_int_eq(seen.status, 200);
	ck_assert(rpc_at_end(fd));
	close(fd);
}
END_TEST

START_TEST(largest_body)
{
	size_t n = 1024 * 1024;
	char *body = malloc(n + 1);
	int fd = rpc_connect(p.socket, 0);

	ck_assert_ptr_nonnull(body);
	memset(body, ' ', n);
	body[n] = '\0';
	memcpy(body + n - strlen(balance), balance, strlen(balance));
	rpc_post(fd, &pending, body, &seen);
	ck_assert_int_eq(seen.status, 200);
	rpc_post(fd, &pending, balance, &seen);
	ck_assert_int_eq(seen.status, 200);
	free(body);
	close(fd);
}
END_TEST

/* --- the other paths --- */

START_TEST(paths)
{
	static const struct {
		const char *path;
		int unix_status, open_tcp, known_tcp;
		const char *holds;
	} all[] = {
		{ "/healthz", 200, 200, 200, "{\"status\":\"ok\"}" },
		{ "/readyz", 200, 200, 200, "{\"ready\":true,\"reasons\":[]}" },
		{ "/metrics", 200, 401, 200, "walletd_rpc_connections" },
		{ "/nothing", 404, 404, 404, NULL },
		{ "/", 405, 405, 405, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *get = arena_printf(&arena, "GET %s HTTP/1.1\r\nHost: localhost\r\n", all[i].path);
		int fd = rpc_connect(p.socket, 0);

		ask(fd, arena_printf(&arena, "%s\r\n", get));
		ck_assert_msg(seen.status == all[i].unix_status, "%s %d", all[i].path, seen.status);
		ck_assert_msg(!all[i].holds || strstr(seen.body, all[i].holds), "%s %s", all[i].path, seen.body);
		close(fd);
		fd = rpc_connect(NULL, p.port);
		pending.n = 0;
		ask(fd, arena_printf(&arena, "%s\r\n", get));
		ck_assert_msg(seen.status == all[i].open_tcp, "%s %d", all[i].path, seen.status);
		close(fd);
		fd = rpc_connect(NULL, p.port);
		pending.n = 0;
		ask(fd, arena_printf(&arena, "%s%s\r\n", get, auth_line()));
		ck_assert_msg(seen.status == all[i].known_tcp, "%s %d", all[i].path, seen.status);
		close(fd);
		pending.n = 0;
	}
}
END_TEST

START_TEST(not_ready)
{
	int fd = rpc_connect(p.socket, 0);

	/* The wallet of this world cannot be locked, so it is the stop that ends readiness. */
	rpc_post(fd, &pending, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\"}", &seen);
	ck_assert_int_eq(seen.status, 200);
	ck_assert_ptr_nonnull(strstr(seen.body, "\"stopping\":true"));
	ck_assert(rpc_at_end(fd));
	close(fd);
}
END_TEST

/* --- TCP --- */

#define POST_TCP "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"

START_TEST(unauthorised_is_told_how)
{
	int fd = rpc_connect(NULL, p.port);

	ask(fd, arena_printf(&arena, POST_TCP "\r\n%s", strlen(balance), balance));
	ck_assert_int_eq(seen.status, 401);
	ck_assert_ptr_nonnull(strstr(seen.head, "\r\nWWW-Authenticate: Basic realm=\"walletd\""));
	ck_assert_ptr_nonnull(strstr(seen.body, "curl -u"));
	ck_assert(rpc_at_end(fd));
	close(fd);
}
END_TEST

START_TEST(authorised)
{
	int fd = rpc_connect(NULL, p.port);

	for (int i = 0; i < 3; i++) {
		ask(fd, arena_printf(&arena, POST_TCP "%s\r\n%s", strlen(balance), auth_line(), balance));
		ck_assert_int_eq(seen.status, 200);
	}
	close(fd);
}
END_TEST

START_TEST(named_key_over_tcp)
{
	int fd = rpc_connect(p.socket, 0);
	struct err err;
	const char *key, *body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\"}";
	json_t *v;

	rpc_post(
		fd, &pending,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"key.create\",\"params\":{\"name\":\"r\",\"scope\":\"read\"}}",
		&seen);
	ck_assert_int_eq(json_parse(&arena, bytes_of(seen.body), 16, &v, &err), 0);
	key = json_str(json_object_get(v, "result"), "key");
	close(fd);
	fd = rpc_connect(NULL, p.port);
	ask(fd, arena_printf(&arena, POST_TCP "Authorization: Bearer %s\r\n\r\n%s", strlen(balance), key, balance));
	ck_assert_int_eq(seen.status, 200);
	ask(fd, arena_printf(&arena, POST_TCP "Authorization: Bearer %s\r\n\r\n%s", strlen(body), key, body));
	ck_assert_int_eq(seen.status, 403);
	ck_assert_ptr_nonnull(strstr(seen.body, "\"code\":-32010"));
	close(fd);
}
END_TEST

START_TEST(too_many_wrong_credentials)
{
	int answers[2] = { 0, 0 };

	for (int i = 0; i < 15; i++) {
		int fd = rpc_connect(NULL, p.port);

		pending.n = 0;
		ask(fd, arena_printf(&arena, POST_TCP "Authorization: Bearer x:y\r\n\r\n%s", strlen(balance), balance));
		ck_assert(seen.status == 401 || seen.status == 429);
		if (seen.status == 429)
			ck_assert_ptr_nonnull(strstr(seen.head, "\r\nRetry-After: 1\r\n"));
		answers[seen.status == 429]++;
		close(fd);
	}
	ck_assert_int_ge(answers[0], 10);
	ck_assert_int_ge(answers[1], 3);
}
END_TEST

/* --- events --- */

/* Reads the stream until this text has come; everything so far. */
static const char *stream_until(int fd, const char *text)
{
	static char all[65536];
	size_t n = 0;

	all[0] = '\0';
	while (!strstr(all, text)) {
		ssize_t got = recv(fd, all + n, sizeof(all) - 1 - n, 0);

		ck_assert_msg(got > 0, "no '%s' in: %s", text, all);
		n += (size_t)got;
		all[n] = '\0';
	}
	return all;
}

static void make_events(void)
{
	int fd = rpc_connect(p.socket, 0);

	pending.n = 0;
	rpc_post(
		fd, &pending,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_issue\",\"params\":"
		"{\"amount\":1},\"wait\":\"done\"}}",
		&seen);
	ck_assert_int_eq(seen.status, 200);
	close(fd);
}

START_TEST(event_stream)
{
	int fd = rpc_connect(p.socket, 0);
	const char *text;

	rpc_send_text(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	text = stream_until(fd, "retry: 2000");
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 OK"));
	ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/event-stream"));
	make_events();
	text = stream_until(fd, "event: action.done");
	ck_assert_ptr_nonnull(strstr(text, "id: "));
	close(fd);

	/* From the start, then from where a reader was, which goes before the address. */
	fd = rpc_connect(p.socket, 0);
	rpc_send_text(fd, "GET /events?after=0&kinds=action.* HTTP/1.1\r\nHost: x\r\n\r\n");
	text = stream_until(fd, "event: action.done");
	ck_assert_ptr_nonnull(strstr(text, "id: 1\nevent: action.started\ndata: {\"seq\":1,"));
	close(fd);
	fd = rpc_connect(p.socket, 0);
	rpc_send_text(fd, "GET /events?after=0 HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n");
	text = stream_until(fd, "event: action.done");
	ck_assert_ptr_null(strstr(text, "id: 1\n"));
	close(fd);
	fd = rpc_connect(p.socket, 0);
	rpc_send_text(fd, "GET /events?kinds=none HTTP/1.1\r\nHost: x\r\n\r\n");
	stream_until(fd, "retry: 2000");
	make_events();
	struct pollfd quiet = { .fd = fd, .events = POLLIN };
	ck_assert_int_eq(poll(&quiet, 1, 100), 0);
	close(fd);
}
END_TEST

START_TEST(stream_ends_with_the_daemon)
{
	int fd = rpc_connect(p.socket, 0);

	rpc_send_text(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	stream_until(fd, "retry: 2000");
	kill(p.pid, SIGTERM);
	stream_until(fd, "0\r\n\r\n");
	ck_assert(rpc_at_end(fd));
	close(fd);
}
END_TEST

static const char *const bad_queries[] = { "?after=x",     "?after=-1",
					   "?after",       "?from=1",
					   "?after=1&a",   "?kinds=a&kinds=b",
					   "?after=1&&&b", "?after=9223372036854775808" };

START_TEST(event_stream_refuses)
{
	int fd = rpc_connect(p.socket, 0);

	ask(fd, arena_printf(&arena, "GET /events%s HTTP/1.1\r\nHost: x\r\n\r\n", bad_queries[_i]));
	ck_assert_msg(seen.status == 400, "%s", bad_queries[_i]);
	close(fd);
}
END_TEST

/* --- clients that leave --- */

static int64_t metric(const char *name)
{
	static char text[1 << 18];
	int fd = rpc_connect(p.socket, 0);
	const char *at;
	size_t n = 0;
	ssize_t got;

	rpc_send_text(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	while ((got = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
	at = strstr(text, arena_printf(&arena, "\n%s ", name));
	ck_assert_ptr_nonnull(at);
	return atoll(at + strlen(name) + 2);
}

/* Until the gauge shows this; 5 s. */
static void wait_for_connections(int64_t n)
{
	for (int i = 0; i < 500 && metric("walletd_rpc_connections") != n; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	ck_assert_int_eq(metric("walletd_rpc_connections"), n);
}

START_TEST(nothing_stays_of_those_who_left)
{
	for (int i = 0; i < 30; i++) {
		int fd = rpc_connect(i % 2 ? p.socket : NULL, p.port);

		pending.n = 0;
		if (i % 6 == 1)
			rpc_send_text(fd, "POST / HT");
		if (i % 6 == 2)
			rpc_send_text(fd, "NONSENSE\r\n\r\n");
		if (i % 6 == 3)
			rpc_post(fd, &pending, balance, &seen);
		if (i % 6 == 5)
			rpc_send_text(
				fd,
				"POST / HTTP/1.1\r\nContent-Length: 70\r\n\r\n"
				"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":{\"after\":999999}}    ");
		close(fd);
	}
	wait_for_connections(1); /* the one that asks */
}
END_TEST

START_TEST(a_wait_whose_client_left_is_dropped)
{
	const char *call =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\","
		"\"params\":{\"amount\":1},\"wait\":\"done\",\"timeout_s\":300}}";
	int fd = rpc_connect(p.socket, 0);

	rpc_send_text(fd, arena_printf(&arena, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", strlen(call), call));
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	close(fd);
	wait_for_connections(1);
}
END_TEST

/* A unix client that has said all it has to say may close its half and still hears the answer. */
START_TEST(half_closed_unix_client)
{
	int fd = rpc_connect(p.socket, 0);

	rpc_send_text(
		fd, arena_printf(&arena, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", strlen(balance), balance));
	shutdown(fd, SHUT_WR);
	rpc_read_reply(fd, &pending, &seen);
	ck_assert_int_eq(seen.status, 200);
	close(fd);
}
END_TEST

/* The action was started, the answer never came: the same call again tells of the same action. */
START_TEST(lost_reply)
{
	const char *call =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\","
		"\"params\":{\"amount\":1},\"idempotency_key\":\"k\"}}";
	int fd;

	stop();
	ck_assert_int_eq(setenv("WALLETD_FAILPOINTS", "rpc.reply:error:1", 1), 0);
	start();
	unsetenv("WALLETD_FAILPOINTS");
	fd = rpc_connect(p.socket, 0);
	rpc_post(fd, &pending, call, &seen);
	ck_assert_int_eq(seen.status, 0);
	close(fd);
	fd = rpc_connect(p.socket, 0);
	rpc_post(fd, &pending, call, &seen);
	ck_assert_int_eq(seen.status, 200);
	ck_assert_ptr_nonnull(strstr(seen.body, "\"replayed\":true"));
	rpc_post(fd, &pending, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.list\"}", &seen);
	ck_assert_ptr_nonnull(strstr(seen.body, "\"kind\":\"cashu_send\""));
	ck_assert_ptr_null(strstr(strstr(seen.body, "\"kind\"") + 1, "\"kind\":\"cashu_send\""));
	close(fd);
}
END_TEST

/* --- starting --- */

START_TEST(socket_and_cookie)
{
	struct stat st;
	char cookie[128];

	ck_assert_int_eq(stat(p.socket, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	snprintf(cookie, sizeof(cookie), "%.*s/cookie", (int)(strrchr(p.socket, '/') - p.socket), p.socket);
	ck_assert_int_eq(stat(cookie, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	kill(p.pid, SIGTERM);
	for (int i = 0; i < 500 && stat(p.socket, &st) == 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	ck_assert_int_ne(stat(p.socket, &st), 0);
	ck_assert_int_ne(stat(cookie, &st), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, keep_alive);
	tcase_add_test(t, pipelined);
	tcase_add_test(t, in_single_bytes);
	tcase_add_test(t, expect_continue);
	tcase_add_test(t, close_when_asked);
	tcase_add_test(t, largest_body);
	tcase_add_test(t, paths);
	tcase_add_test(t, not_ready);
	tcase_add_test(t, unauthorised_is_told_how);
	tcase_add_test(t, authorised);
	tcase_add_test(t, named_key_over_tcp);
	tcase_add_test(t, too_many_wrong_credentials);
	tcase_add_test(t, event_stream);
	tcase_add_test(t, stream_ends_with_the_daemon);
	tcase_add_loop_test(t, event_stream_refuses, 0, ARRAY_LEN(bad_queries));
	tcase_add_test(t, nothing_stays_of_those_who_left);
	tcase_add_test(t, a_wait_whose_client_left_is_dropped);
	tcase_add_test(t, half_closed_unix_client);
	tcase_add_test(t, lost_reply);
	tcase_add_test(t, socket_and_cookie);
	suite_add_tcase(s, t);
	return suite_run(s);
}
