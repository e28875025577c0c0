/* What each kind of trouble on the socket is called, with a server that does as its script says. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/failpoint.h"
#include "base/net/json_call.h"
#include "tests/support/suite.h"

/* One connection: reads until it has seen `wait_for`, writes `says` in pieces, then closes or stays. */
struct script {
	const char *name, *wait_for, *says;
	size_t piece;
	bool closes;
	size_t max_reply;
	enum net_outcome want;
	const char *body, *detail;
};

static struct loop *loop;
static struct err err;
static struct {
	int listener, fd;
	struct event *accepting, *reading;
	const struct script *script;
	char seen[256];
	size_t n_seen;
} server;

static char dir[] = "/tmp/walletd-json-XXXXXX";

static char *socket_path(void)
{
	static char path[108];

	snprintf(path, sizeof(path), "%s/rpc", dir);
	return path;
}

static void say(void)
{
	const char *at = server.script->says;

	while (*at) {
		size_t n = strnlen(at, server.script->piece);

		ck_assert_int_eq(send(server.fd, at, n, MSG_NOSIGNAL), (ssize_t)n);
		at += n;
	}
	if (server.script->closes)
		shutdown(server.fd, SHUT_RDWR);
}

static void on_read(evutil_socket_t fd, short what, void *ctx)
{
	ssize_t n = recv(fd, server.seen + server.n_seen, sizeof(server.seen) - 1 - server.n_seen, 0);

	(void)what;
	(void)ctx;
	if (n <= 0) {
		event_del(server.reading);
		return;
	}
	server.n_seen += (size_t)n;
	if (strstr(server.seen, server.script->wait_for))
		say();
}

static void on_accept(evutil_socket_t fd, short what, void *ctx)
{
	(void)what;
	(void)ctx;
	server.fd = accept(fd, NULL, NULL);
	ck_assert_int_ge(server.fd, 0);
	server.reading = event_new(loop_base(loop), server.fd, EV_READ | EV_PERSIST, on_read, NULL);
	event_add(server.reading, NULL);
}

static void setup(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	ck_assert_int_eq(loop_new(&loop, &err), 0);
	memset(&server, 0, sizeof(server));
	server.fd = -1;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	memcpy(at.sun_path, socket_path(), strlen(socket_path()));
	server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(server.listener, 4), 0);
	server.accepting = event_new(loop_base(loop), server.listener, EV_READ | EV_PERSIST, on_accept, NULL);
	event_add(server.accepting, NULL);
}

static void teardown(void)
{
	event_free(server.accepting);
	if (server.reading)
		event_free(server.reading);
	if (server.fd >= 0)
		close(server.fd);
	close(server.listener);
	loop_free(loop);
	unlink(socket_path());
	rmdir(dir);
}

struct got {
	unsigned calls;
	struct net_reply reply;
	char body[256];
};

static void on_reply(void *ctx, const struct net_reply *reply)
{
	struct got *g = ctx;

	g->calls++;
	g->reply = *reply;
	if (reply->outcome == NET_ANSWERED)
		snprintf(g->body, sizeof(g->body), "%s", (const char *)reply->body.p);
	loop_stop(loop);
}

static struct net_request request(const char *path, size_t max_reply)
{
	return (struct net_request){ .unix_socket = path,
				     .plain_json = true,
				     .body = bytes_of("{\"id\":1}"),
				     .timeout_ms = 300,
				     .max_reply = max_reply };
}

static void ask(struct got *g, const char *path, size_t max_reply)
{
	struct net_request req = request(path, max_reply);

	*g = (struct got){ 0 };
	json_call_submit(loop, &req, on_reply, g);
	ck_assert_uint_eq(g->calls, 0);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(g->calls, 1);
}

#define ID "\"id\":1}"
static const struct script scripts[] = {
	{ "at once", ID, "{\"id\":1}\n\n", 99, false, 0, NET_ANSWERED, "{\"id\":1}", "" },
	{ "byte by byte", ID, "\n{\"id\":[1]}\n\n", 1, false, 0, NET_ANSWERED, "\n{\"id\":[1]}", "" },
	{ "and closed", ID, "{\"id\":1}", 99, true, 0, NET_ANSWERED, "{\"id\":1}", "" },
	{ "two at once", ID, "{\"id\":1}\n\n{\"id\":2}\n\n", 99, false, 0, NET_ANSWERED, "{\"id\":1}", "" },
	{ "closed in the middle", ID, "{\"id\":", 99, true, 0, NET_UNKNOWN, "", "the connection was closed" },
	{ "closed without a word", ID, "", 99, true, 0, NET_UNKNOWN, "", "the connection was closed" },
	{ "no answer", ID, "", 99, false, 0, NET_UNKNOWN, "", "no whole reply within 300 ms" },
	{ "half an answer", ID, "{\"id\":1", 99, false, 0, NET_UNKNOWN, "", "no whole reply within 300 ms" },
	{ "too large", ID, "{\"text\":\"123456789\"}", 3, false, 16, NET_UNKNOWN, "", "larger than its limit" },
	{ "something else", ID, "HTTP/1.1 400 Bad Request", 99, false, 0, NET_UNKNOWN, "", "no JSON object" },
};

START_TEST(comes_to_its_end)
{
	struct got g;

	server.script = &scripts[_i];
	ask(&g, socket_path(), scripts[_i].max_reply);
	ck_assert_msg(g.reply.outcome == scripts[_i].want, "%s: %d", scripts[_i].name, (int)g.reply.outcome);
	ck_assert_str_eq(g.body, scripts[_i].body);
	ck_assert_msg(strstr(g.reply.detail, scripts[_i].detail) != NULL, "%s: %s", scripts[_i].name, g.reply.detail);
	ck_assert_str_eq(server.seen, "{\"id\":1}");
}
END_TEST

START_TEST(nobody_listens)
{
	struct got g;
	char far[200];

	ask(&g, "/nonexistent/rpc", 0);
	ck_assert_int_eq(g.reply.outcome, NET_NOT_SENT);
	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	ask(&g, far, 0);
	ck_assert_int_eq(g.reply.outcome, NET_NOT_SENT);
	ask(&g, NULL, 0);
	ck_assert_int_eq(g.reply.outcome, NET_NOT_SENT);
}
END_TEST

START_TEST(a_reply_can_be_lost)
{
	struct got g;

	server.script = &scripts[0];
	ck_assert(failpoint_configure("net.reply:error:1"));
	ask(&g, socket_path(), 0);
	ck_assert_int_eq(g.reply.outcome, NET_UNKNOWN);
}
END_TEST

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

START_TEST(cancelled_it_says_nothing)
{
	struct net_request req = request(socket_path(), 0);
	struct timer *t = loop_timer(loop, stop, NULL);
	struct got g = { 0 };

	server.script = &scripts[0];
	json_call_cancel(json_call_submit(loop, &req, on_reply, &g));
	req.unix_socket = "/nonexistent/rpc"; /* its end is posted already */
	json_call_cancel(json_call_submit(loop, &req, on_reply, &g));
	timer_start(t, 1);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(g.calls, 0);
	timer_free(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/net/json_call");
	TCase *t = tcase_create("calls");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, comes_to_its_end, 0, ARRAY_LEN(scripts));
	tcase_add_test(t, nobody_listens);
	tcase_add_test(t, a_reply_can_be_lost);
	tcase_add_test(t, cancelled_it_says_nothing);
	suite_add_tcase(s, t);
	return suite_run(s);
}
