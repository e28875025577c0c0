/* What each kind of trouble on the wire is called (spec/cashu.md 2.3), and that nothing is ever sent twice. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "base/net/http.h"
#include "base/text.h"
#include "tests/support/http_peer.h"
#include "tests/support/socks_peer.h"
#include "tests/support/suite.h"

static struct loop *loop;
static struct http *http;
static struct http_peer *peer;
static struct err err;
static struct arena arena; /* bodies that arrived */

/* The test owns name resolution, so no name leaves this machine: libcurl's resolver thread comes here. */
static _Atomic(int) names_asked, slow_names_answered;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	(void)service;
	(void)hints;
	(void)ret;
	names_asked++;
	if (node != NULL && strcmp(node, "slow.test") == 0) {
		usleep(1000 * 1000);
		slow_names_answered++;
	}
	return EAI_NONAME;
}

/* One exchange, and what came of it. */
struct exchange {
	unsigned calls;
	struct net_reply reply; /* its memory is gone; see body and type */
	struct bytes body;
	char type[64];
	unsigned *left; /* stop the loop when this falls to 0 */
};

static void on_reply(void *ctx, const struct net_reply *reply)
{
	struct exchange *x = ctx;

	x->calls++;
	x->reply = *reply;
	if (reply->outcome == NET_ANSWERED) {
		ck_assert_int_eq(reply->body.p[reply->body.n], '\0');
		x->body = arena_bytes(&arena, reply->body);
		ck_assert_uint_lt(strlen(reply->content_type), sizeof(x->type));
		memcpy(x->type, reply->content_type, strlen(reply->content_type) + 1);
	}
	if (x->left != NULL && --*x->left == 0)
		loop_stop(loop);
}

static struct http_call *submit(struct exchange *x, const struct net_request *req, unsigned *left)
{
	struct http_call *call;

	*x = (struct exchange){ .left = left };
	call = http_submit(http, req, on_reply, x);
	ck_assert_uint_eq(x->calls, 0);
	return call;
}

static void run(void)
{
	ck_assert_int_eq(loop_run(loop, &err), 0);
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void run_for(int64_t ms)
{
	struct timer *t = loop_timer(loop, stop, NULL);

	timer_start(t, ms);
	run();
	timer_free(t);
}

/* Submit, run until it is answered, and a little longer: a second callback would be seen. */
static void exchange(struct exchange *x, const struct net_request *req)
{
	unsigned left = 1;

	submit(x, req, &left);
	run();
	x->left = NULL;
	run_for(5);
	ck_assert_uint_eq(x->calls, 1);
	ck_assert_uint_eq(http_in_flight(http), 0);
}

static void check_outcome(const char *name, const struct exchange *x, enum net_outcome outcome, int status,
			  const char *detail)
{
	ck_assert_msg(x->reply.outcome == outcome, "%s: outcome %d, not %d (status %d, %s)", name,
		      (int)x->reply.outcome, (int)outcome, x->reply.status, x->reply.detail);
	ck_assert_msg(x->reply.status == status, "%s: status %d, not %d", name, x->reply.status, status);
	ck_assert_msg((x->reply.detail[0] != '\0') == (outcome != NET_ANSWERED), "%s: detail '%s'", name,
		      x->reply.detail);
	ck_assert_msg(detail == NULL || strstr(x->reply.detail, detail) != NULL, "%s: detail '%s' lacks '%s'", name,
		      x->reply.detail, detail);
}

static struct net_request post(const char *url)
{
	return (struct net_request){ .method = "POST",
				     .url = url,
				     .content_type = "application/json",
				     .body = bytes_of("{\"inputs\":[]}"),
				     .timeout_ms = 10000,
				     .changes_state = true };
}

static struct net_request get(const char *url)
{
	return (struct net_request){ .method = "GET", .url = url, .timeout_ms = 10000 };
}

static void start_http(const struct http_options *opts)
{
	ck_assert_int_eq(http_new(loop, opts, &http, &err), 0);
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	/* What the environment says about proxies must not matter. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	setenv("no_proxy", "*", 1);
	names_asked = 0;
	arena = ARENA_LIMIT(64 * 1024 * 1024);
	ck_assert(failpoint_configure(NULL));
	ck_assert_int_eq(loop_new(&loop, &err), 0);
	peer = http_peer_new(loop, NULL);
	start_http(&(struct http_options){ .user_agent = "walletd-test" });
}

static void tear_down(void)
{
	http_free(http);
	http_peer_free(peer);
	loop_free(loop);
	arena_done(&arena);
}

/* A port of this machine where nobody listens. */
static int refused_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	SCOPED(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	return ntohs(in.sin_port);
}

/* Scripted replies.  Each is one POST that changes state, read whole by the peer exactly once. */
struct reply_case {
	const char *name;
	struct peer_script script;
	enum net_outcome outcome;
	int status;
	const char *body;   /* or NULL: not looked at */
	const char *detail; /* part of it, or NULL */
	int retry_after_s;
	size_t max_reply;
	int64_t timeout_ms;
};

#define HEAD_200                 "HTTP/1.1 200 OK\r\n"
#define ANSWERED(status_, body_) .outcome = NET_ANSWERED, .status = (status_), .body = (body_)
#define UNKNOWN(detail_)         .outcome = NET_UNKNOWN, .detail = (detail_)
static const struct reply_case reply_cases[] = {
	{ .name = "200", .script = { .body = "{\"ok\":1}" }, ANSWERED(200, "{\"ok\":1}") },
	{ .name = "200 without a body", .script = { .body = "" }, ANSWERED(200, "") },
	{ .name = "204", .script = { .raw = "HTTP/1.1 204 No Content\r\n\r\n" }, ANSWERED(204, "") },
	{ .name = "400", .script = { .status = 400, .body = "{\"code\":11001}" }, ANSWERED(400, "{\"code\":11001}") },
	{ .name = "401 is not tried again",
	  .script = { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"x\"\r\n" },
	  ANSWERED(401, "") },
	{ .name = "417 is not tried again", .script = { .status = 417 }, ANSWERED(417, "") },
	{ .name = "302 is not followed",
	  .script = { .status = 302, .headers = "Location: /other\r\n" },
	  ANSWERED(302, "") },
	{ .name = "307 is not followed",
	  .script = { .status = 307, .headers = "Location: /other\r\n" },
	  ANSWERED(307, "") },
	{ .name = "500", .script = { .status = 500, .body = "oops" }, ANSWERED(500, "oops") },
	{ .name = "late", .script = { .body = "x", .delay_ms = 50 }, ANSWERED(200, "x") },
	{ .name = "dripping, in time", .script = { .body = "abc", .drip_ms = 1 }, ANSWERED(200, "abc") },
	{ .name = "chunked",
	  .script = { .raw = HEAD_200 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n" },
	  ANSWERED(200, "abcd") },
	{ .name = "until the connection closes",
	  .script = { .raw = HEAD_200 "\r\nabc", .end = PEER_CLOSE },
	  ANSWERED(200, "abc") },
	{ .name = "after 100 Continue",
	  .script = { .raw = "HTTP/1.1 100 Continue\r\n\r\n" HEAD_200 "Content-Length: 2\r\n\r\nok" },
	  ANSWERED(200, "ok") },
	{ .name = "not decompressed",
	  .script = { .headers = "Content-Encoding: gzip\r\n", .body = "\x1f\x8b\x08" },
	  ANSWERED(200, "\x1f\x8b\x08") },
	{ .name = "as large as allowed", .script = { .filler = 1000 }, ANSWERED(200, NULL), .max_reply = 1000 },
	{ .name = "Retry-After",
	  .script = { .status = 429, .headers = "retry-AFTER: \t7 \r\n" },
	  ANSWERED(429, ""),
	  .retry_after_s = 7 },
	{ .name = "Retry-After, a date",
	  .script = { .status = 503, .headers = "Retry-After: Wed, 21 Oct 2037 07:28:00 GMT\r\n" },
	  ANSWERED(503, "") },
	{ .name = "Retry-After, far",
	  .script = { .status = 503, .headers = "Retry-After: 99999999999\r\n" },
	  ANSWERED(503, ""),
	  .retry_after_s = 86400 },
	{ .name = "Retry-After, negative",
	  .script = { .status = 503, .headers = "Retry-After: -5\r\n" },
	  ANSWERED(503, "") },
	{ .name = "Retry-After, empty", .script = { .status = 503, .headers = "Retry-After:\r\n" }, ANSWERED(503, "") },
	{ .name = "Retry-After of an interim reply",
	  .script = { .raw = "HTTP/1.1 103 Early\r\nRetry-After: 9\r\n\r\n" HEAD_200 "Content-Length: 0\r\n\r\n" },
	  ANSWERED(200, "") },
	{ .name = "closed after reading", .script = { .raw = "", .end = PEER_CLOSE }, UNKNOWN(NULL) },
	{ .name = "reset after reading", .script = { .raw = "", .end = PEER_RESET }, UNKNOWN(NULL) },
	{ .name = "cut in the head", .script = { .body = "abc", .cut = 20, .end = PEER_CLOSE }, UNKNOWN(NULL) },
	{ .name = "cut in the body", .script = { .body = "0123456789", .cut = 50, .end = PEER_CLOSE }, UNKNOWN(NULL) },
	{ .name = "cut between chunks",
	  .script = { .raw = HEAD_200 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", .end = PEER_CLOSE },
	  UNKNOWN(NULL) },
	{ .name = "reset in the body",
	  .script = { .body = "0123456789", .cut = 50, .end = PEER_RESET },
	  UNKNOWN(NULL) },
	{ .name = "garbage",
	  .script = { .raw = "\x01\x02 this is not HTTP\r\n\r\n", .end = PEER_CLOSE },
	  UNKNOWN(NULL) },
	{ .name = "interim reply alone",
	  .script = { .raw = "HTTP/1.1 100 Continue\r\n\r\n", .end = PEER_CLOSE },
	  UNKNOWN(NULL) },
	{ .name = "switching protocols",
	  .script = { .raw = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", .end = PEER_CLOSE },
	  UNKNOWN(NULL) },
	{ .name = "two lengths",
	  .script = { .raw = HEAD_200 "Content-Length: 5\r\nContent-Length: 50\r\n\r\nabcde", .end = PEER_CLOSE },
	  UNKNOWN(NULL) },
	{ .name = "one byte too large",
	  .script = { .filler = 1001 },
	  UNKNOWN("reply larger than 1000 bytes"),
	  .max_reply = 1000 },
	{ .name = "too large for the default cap",
	  .script = { .filler = 9 << 20 },
	  UNKNOWN("reply larger than 8388608 bytes") },
	{ .name = "too large, without a length",
	  .script = { .raw = HEAD_200 "\r\n0123456789abcdef" },
	  UNKNOWN("reply larger than 15 bytes"),
	  .max_reply = 15 },
	{ .name = "never answered", .script = { .raw = "" }, UNKNOWN("no whole reply within 60 ms"), .timeout_ms = 60 },
	{ .name = "hangs in the body",
	  .script = { .body = "abc", .cut = 45 },
	  UNKNOWN("no whole reply within 60 ms"),
	  .timeout_ms = 60 },
	{ .name = "dripping past the deadline",
	  .script = { .filler = 10000, .drip_ms = 2 },
	  UNKNOWN("no whole reply within 80 ms"),
	  .timeout_ms = 80 },
};

START_TEST(test_replies)
{
	const struct reply_case *c = &reply_cases[_i];
	struct peer_script script = c->script;
	struct net_request req = post(http_peer_url(peer, "/v1/swap"));
	struct exchange x;

	script.path = "/v1/swap";
	http_peer_on(peer, &script);
	req.max_reply = c->max_reply;
	if (c->timeout_ms > 0)
		req.timeout_ms = c->timeout_ms;
	exchange(&x, &req);
	check_outcome(c->name, &x, c->outcome, c->status, c->detail);
	if (c->body != NULL)
		ck_assert_msg(bytes_equal(x.body, bytes_of(c->body)), "%s: body", c->name);
	ck_assert_msg(x.reply.retry_after_s == c->retry_after_s, "%s: retry after %d", c->name, x.reply.retry_after_s);
	ck_assert_msg(http_peer_requests(peer, NULL) == 1, "%s: %u requests", c->name, http_peer_requests(peer, NULL));
}
END_TEST

/* Requests of which no byte may leave, and which must say so. */
struct unsent_case {
	const char *name, *method, *url; /* url NULL: the peer's */
	const char *unix_socket;
	const char *body;
	const char *content_type;
	struct http_header header;
	const char *detail;
};
static const struct unsent_case unsent_cases[] = {
	{ .name = "unknown name", .method = "POST", .url = "http://name.invalid/", .detail = "resolve" },
	{ .name = "no such socket", .method = "GET", .url = "http://localhost/", .unix_socket = "/nonexistent/socket" },
	{ .name = "other method", .method = "DELETE", .detail = "method" },
	{ .name = "method that injects", .method = "GET / HTTP/1.1\r\nX: y", .detail = "method" },
	{ .name = "body in a GET", .method = "GET", .body = "x", .detail = "body" },
	{ .name = "file", .method = "GET", .url = "file:///etc/hostname", .detail = "http" },
	{ .name = "ftp", .method = "GET", .url = "ftp://127.0.0.1/", .detail = "http" },
	{ .name = "no scheme", .method = "GET", .url = "127.0.0.1", .detail = "http" },
	{ .name = "empty URL", .method = "GET", .url = "", .detail = "http" },
	{ .name = "no host", .method = "GET", .url = "http://" },
	{ .name = "bad port", .method = "GET", .url = "http://127.0.0.1:99999/" },
	{ .name = "line break in URL", .method = "GET", .url = "http://127.0.0.1/\r\nX: y", .detail = "URL" },
	{ .name = "space in URL", .method = "GET", .url = "http://127.0.0.1/a b", .detail = "URL" },
	{ .name = "line break in value", .method = "POST", .header = { "X-A", "a\r\nX-B: b" }, .detail = "value" },
	{ .name = "line feed in value", .method = "POST", .header = { "X-A", "a\nb" }, .detail = "value" },
	{ .name = "colon in name", .method = "POST", .header = { "X-A: b\r\nX-B", "c" }, .detail = "name" },
	{ .name = "empty name", .method = "POST", .header = { "", "c" }, .detail = "name" },
	{ .name = "line break in type", .method = "POST", .content_type = "a\r\nX-B: b", .detail = "type" },
};

#define GRPC_HEAD    HEAD_200 "Transfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n"
#define GRPC_MESSAGE "5\r\n....x\r\n0\r\n"

static const struct {
	const char *name, *raw;
	bool has_status;
	int status;
	const char *message;
} grpc_cases[] = {
	{ "in trailers", GRPC_HEAD GRPC_MESSAGE "grpc-status: 0\r\n\r\n", true, 0, "" },
	{ "with words", GRPC_HEAD GRPC_MESSAGE "Grpc-Status:9\r\nGRPC-message: not%20now \r\n\r\n", true, 9,
	  "not%20now" },
	{ "in the head",
	  HEAD_200 "grpc-status: 16\r\ngrpc-message: who?\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true, 16,
	  "who?" },
	{ "none", GRPC_HEAD GRPC_MESSAGE "\r\n", false, 0, "" },
	{ "no number", GRPC_HEAD GRPC_MESSAGE "grpc-status: -1\r\n\r\n", false, 0, "" },
	{ "too large a number", GRPC_HEAD GRPC_MESSAGE "grpc-status: 2147483648\r\n\r\n", false, 0, "" },
	{ "a long one", GRPC_HEAD GRPC_MESSAGE "grpc-status: 0000000000000000\r\n\r\n", false, 0, "" },
	{ "of an interim reply", "HTTP/1.1 103 Early\r\ngrpc-status: 0\r\n\r\n" GRPC_HEAD GRPC_MESSAGE "\r\n", false, 0,
	  "" },
};

START_TEST(test_grpc_status)
{
	struct peer_script script = { .path = "/v1/swap", .raw = grpc_cases[_i].raw };
	struct net_request req = post(http_peer_url(peer, "/v1/swap"));
	struct exchange x;

	http_peer_on(peer, &script);
	req.grpc = true;
	exchange(&x, &req);
	ck_assert_int_eq(x.reply.outcome, NET_ANSWERED);
	ck_assert_msg(x.reply.has_grpc_status == grpc_cases[_i].has_status &&
			      x.reply.grpc_status == grpc_cases[_i].status,
		      "%s: %d", grpc_cases[_i].name, x.reply.grpc_status);
	ck_assert_str_eq(x.reply.grpc_message, grpc_cases[_i].message);
}
END_TEST

START_TEST(test_ca_file_of_one_request)
{
	struct net_request req = post("https://127.0.0.1:1/");
	struct exchange x;

	req.ca_file = "/nonexistent/tls.crt";
	exchange(&x, &req);
	ck_assert_int_eq(x.reply.outcome, NET_NOT_SENT);
}
END_TEST

START_TEST(test_not_sent)
{
	const struct unsent_case *c = &unsent_cases[_i];
	struct net_request req = post(c->url != NULL ? c->url : http_peer_url(peer, "/v1/swap"));
	struct exchange x;

	req.method = c->method;
	req.unix_socket = c->unix_socket;
	req.body = bytes_of(c->body != NULL ? c->body : "");
	req.content_type = c->content_type;
	if (c->header.name != NULL)
		req.headers[req.n_headers++] = c->header;
	exchange(&x, &req);
	check_outcome(c->name, &x, NET_NOT_SENT, 0, c->detail);
	ck_assert_uint_eq(http_peer_connections(peer), 0);
}
END_TEST

START_TEST(test_too_many_or_too_long_headers_are_not_sent)
{
	struct net_request req = post(http_peer_url(peer, "/v1/swap"));
	static char value[20000];
	struct exchange x;

	req.n_headers = NET_HEADERS_MAX + 1;
	exchange(&x, &req);
	check_outcome("nine headers", &x, NET_NOT_SENT, 0, "too many headers");
	memset(value, 'v', sizeof(value) - 1);
	req.n_headers = 1;
	req.headers[0] = (struct http_header){ "X-Long", value };
	exchange(&x, &req);
	check_outcome("long header", &x, NET_NOT_SENT, 0, "header too long");
	ck_assert_uint_eq(http_peer_connections(peer), 0);
}
END_TEST

START_TEST(test_refused_connection_is_not_sent)
{
	char url[64];
	struct net_request req;
	struct exchange x;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", refused_port());
	req = post(url);
	exchange(&x, &req);
	check_outcome("refused", &x, NET_NOT_SENT, 0, NULL);
}
END_TEST

START_TEST(test_tls_failure_is_not_sent)
{
	char url[64];
	struct net_request req;
	struct exchange x;

	/* The peer waits for a request, the client for a handshake: neither comes. */
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", http_peer_port(peer));
	req = post(url);
	req.timeout_ms = 60;
	exchange(&x, &req);
	check_outcome("no handshake", &x, NET_NOT_SENT, 0, "no whole reply within 60 ms");
	http_peer_drop_unread(peer, 10);
	req.timeout_ms = 10000;
	exchange(&x, &req);
	check_outcome("reset in the handshake", &x, NET_NOT_SENT, 0, NULL);
	ck_assert_uint_eq(http_peer_requests(peer, NULL), 0);
}
END_TEST

START_TEST(test_connect_timeout_is_not_sent)
{
	char url[64];
	struct net_request req;
	struct exchange x;

	http_free(http);
	start_http(&(struct http_options){ .connect_timeout_ms = 60 });
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", http_peer_port(peer));
	req = post(url);
	exchange(&x, &req);
	check_outcome("connect time-out", &x, NET_NOT_SENT, 0, NULL);
	ck_assert_ptr_null(strstr(x.reply.detail, "no whole reply"));
}
END_TEST

START_TEST(test_connect_timeout_of_one_request)
{
	char url[64];
	struct net_request req;
	struct exchange x;

	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", http_peer_port(peer));
	req = post(url);
	req.connect_timeout_ms = 60; /* and not the 10 s that all have */
	exchange(&x, &req);
	check_outcome("connect time-out", &x, NET_NOT_SENT, 0, NULL);
	ck_assert_ptr_null(strstr(x.reply.detail, "no whole reply"));
}
END_TEST

START_TEST(test_dropped_before_reading_is_unknown)
{
	struct net_request req = post(http_peer_url(peer, "/v1/swap"));
	struct exchange x;

	http_peer_drop_unread(peer, 50); /* long enough for the request to leave */
	exchange(&x, &req);
	check_outcome("dropped", &x, NET_UNKNOWN, 0, NULL);
	ck_assert_uint_eq(http_peer_connections(peer), 1);
}
END_TEST

START_TEST(test_reply_headers_are_capped)
{
	static char many[80 * 1024], one[80 * 1024], interim[80 * 1024];
	struct peer_script scripts[] = { { .path = "/many", .headers = many },
					 { .path = "/one", .headers = one },
					 { .path = "/interim", .raw = interim } };
	static const char line[] = "X-Filler: 0123456789abcdef0123456789abcdef\r\n";
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	for (size_t n = 0; n + sizeof(line) <= sizeof(many); n += sizeof(line) - 1)
		memcpy(many + n, line, sizeof(line));
	memset(one, 'x', sizeof(one) - 3);
	memcpy(one, "X-Filler: ", 10);
	memcpy(one + sizeof(one) - 3, "\r\n", 3);
	for (size_t n = 0; n + sizeof(go_on) <= sizeof(interim); n += sizeof(go_on) - 1)
		memcpy(interim + n, go_on, sizeof(go_on));
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct net_request req = post(http_peer_url(peer, scripts[i].path));
		struct exchange x;

		http_peer_on(peer, &scripts[i]);
		exchange(&x, &req);
		check_outcome(scripts[i].path, &x, NET_UNKNOWN, 0, "reply headers larger than 65536 bytes");
	}
}
END_TEST

START_TEST(test_what_is_sent)
{
	struct net_request req = post(http_peer_url(peer, "/v1/swap?a=b"));
	static char large[2 * 1024 * 1024];
	struct exchange x;
	const char *head;

	http_peer_on(peer, &(struct peer_script){ .path = "/v1/swap?a=b", .headers = "Content-Type: text/html\r\n" });
	/* Large enough for libcurl to want a 100 Continue first. */
	memset(large, 'b', sizeof(large));
	large[7] = '\0';
	req.body = (struct bytes){ (uint8_t *)large, sizeof(large) };
	req.headers[0] = (struct http_header){ "X-Key", "a: b" };
	req.headers[1] = (struct http_header){ "X-Empty", "" };
	req.n_headers = 2;
	exchange(&x, &req);
	check_outcome("large", &x, NET_ANSWERED, 200, NULL);
	ck_assert_str_eq(x.type, "text/html");
	head = http_peer_last(peer)->head;
	ck_assert_str_eq(http_peer_last(peer)->method, "POST");
	ck_assert_str_eq(http_peer_last(peer)->path, "/v1/swap?a=b");
	ck_assert(bytes_equal(http_peer_last(peer)->body, req.body));
	ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(head, "\r\nUser-Agent: walletd-test\r\n"));
	ck_assert_ptr_nonnull(strstr(head, "\r\nX-Key: a: b\r\n"));
	ck_assert_ptr_nonnull(strstr(head, "\r\nX-Empty:\r\n"));
	ck_assert_ptr_null(strcasestr(head, "\r\nExpect:"));
	ck_assert_ptr_null(strcasestr(head, "\r\nAccept-Encoding:"));
	ck_assert_ptr_null(strcasestr(head, "\r\nUpgrade:"));

	/* An empty POST is a POST, without a type; a GET has neither. */
	req.body = (struct bytes){ 0 };
	req.content_type = NULL;
	req.n_headers = 0;
	exchange(&x, &req);
	check_outcome("empty POST", &x, NET_ANSWERED, 200, NULL);
	head = http_peer_last(peer)->head;
	ck_assert_str_eq(http_peer_last(peer)->method, "POST");
	ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Length: 0\r\n"));
	ck_assert_ptr_null(strcasestr(head, "\r\nContent-Type:"));
	req = get(req.url);
	exchange(&x, &req);
	check_outcome("GET", &x, NET_ANSWERED, 200, NULL);
	ck_assert_str_eq(http_peer_last(peer)->method, "GET");
	ck_assert_ptr_null(strcasestr(http_peer_last(peer)->head, "\r\nContent-"));
	ck_assert_int_eq(names_asked, 0);
}
END_TEST

START_TEST(test_no_content_type_is_an_empty_one)
{
	struct net_request req = get(http_peer_url(peer, "/a"));
	struct exchange x;

	exchange(&x, &req);
	check_outcome("404", &x, NET_ANSWERED, 404, NULL);
	ck_assert_str_eq(x.type, "");
	ck_assert_str_eq((const char *)x.body.p, "{\"detail\":\"no such path\"}");
}
END_TEST

START_TEST(test_request_memory_may_go_at_once)
{
	char url[64], body[] = "the body", value[] = "value", name[] = "X-Name", type[] = "text/plain";
	struct net_request req = { .method = "POST", .url = url, .content_type = type, .body = bytes_of(body) };
	unsigned left = 1;
	struct exchange x;

	snprintf(url, sizeof(url), "%s", http_peer_url(peer, "/v1/swap"));
	req.headers[0] = (struct http_header){ name, value };
	req.n_headers = 1;
	submit(&x, &req, &left);
	memset(url, 0, sizeof(url));
	memset(body, 0, sizeof(body));
	memset(value, 0, sizeof(value));
	memset(name, 0, sizeof(name));
	memset(type, 0, sizeof(type));
	memset(&req, 0, sizeof(req));
	run();
	ck_assert_int_eq(x.reply.outcome, NET_ANSWERED);
	ck_assert_str_eq(http_peer_last(peer)->path, "/v1/swap");
	ck_assert(bytes_equal(http_peer_last(peer)->body, bytes_of("the body")));
	ck_assert_ptr_nonnull(strstr(http_peer_last(peer)->head, "\r\nX-Name: value\r\n"));
	ck_assert_ptr_nonnull(strstr(http_peer_last(peer)->head, "\r\nContent-Type: text/plain\r\n"));
}
END_TEST

START_TEST(test_connections_are_kept_for_reads_and_fresh_for_changes)
{
	const struct net_request read = get(http_peer_url(peer, "/v1/info"));
	const struct net_request change = post(http_peer_url(peer, "/v1/swap"));
	const struct net_request *reqs[] = { &change, &read, &read, &change, &change, &read };
	const unsigned connections[] = { 1, 2, 2, 3, 4, 4 };
	struct exchange x;

	http_peer_on(peer, &(struct peer_script){ .path = "/v1/info" });
	http_peer_on(peer, &(struct peer_script){ .path = "/v1/swap" });
	for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
		exchange(&x, reqs[i]);
		check_outcome("exchange", &x, NET_ANSWERED, 200, NULL);
		ck_assert_uint_eq(http_peer_connections(peer), connections[i]);
	}
}
END_TEST

/* The trap: libcurl takes a kept connection that closes after the request for one that was already dead, and sends the
 * request again by itself. */
START_TEST(test_a_change_is_never_sent_twice)
{
	const struct net_request read = get(http_peer_url(peer, "/v1/info"));
	const struct net_request change = post(http_peer_url(peer, "/v1/swap"));
	const enum peer_end ends[] = { PEER_CLOSE, PEER_RESET };
	struct exchange x;

	http_peer_on(peer, &(struct peer_script){ .path = "/v1/info" });
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		http_peer_on(peer, &(struct peer_script){ .path = "/v1/swap", .raw = "", .end = ends[i] });
		exchange(&x, &read);
		check_outcome("read", &x, NET_ANSWERED, 200, NULL);
		exchange(&x, &change);
		check_outcome("change", &x, NET_UNKNOWN, 0, NULL);
		run_for(30);
		ck_assert_uint_eq(http_peer_requests(peer, "/v1/swap"), i + 1);
	}
}
END_TEST

START_TEST(test_unix_socket)
{
	char dir[] = "/tmp/walletd-test-XXXXXX", path[64];
	struct http_peer *local;
	struct net_request req = post("http://localhost/v1/swap");
	struct exchange x;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	local = http_peer_new(loop, path);
	http_peer_on(local, &(struct peer_script){ .path = "/v1/swap", .body = "via socket" });
	req.unix_socket = path;
	/* A proxy is for the network. */
	ck_assert_int_eq(http_set_proxy(http, "socks5h://127.0.0.1:1", &err), 0);
	exchange(&x, &req);
	check_outcome("unix socket", &x, NET_ANSWERED, 200, NULL);
	ck_assert_str_eq((const char *)x.body.p, "via socket");
	ck_assert_int_eq(names_asked, 0);
	http_peer_free(local);
	unlink(path);
	rmdir(dir);
}
END_TEST

START_TEST(test_proxy_is_asked_by_name)
{
	struct socks_peer *proxy = socks_peer_new(loop, 0, http_peer_port(peer));
	const struct net_request req = post("http://mint.onion:3338/v1/swap");
	struct exchange x;

	http_peer_on(peer, &(struct peer_script){ .path = "/v1/swap", .body = "via proxy" });
	ck_assert_int_eq(http_set_proxy(http, socks_peer_url(proxy), &err), 0);
	exchange(&x, &req);
	check_outcome("proxy", &x, NET_ANSWERED, 200, NULL);
	ck_assert_str_eq((const char *)x.body.p, "via proxy");
	ck_assert_str_eq(socks_peer_asked(proxy), "mint.onion:3338");
	ck_assert_ptr_nonnull(strstr(http_peer_last(peer)->head, "\r\nHost: mint.onion:3338\r\n"));
	ck_assert_int_eq(names_asked, 0);
	socks_peer_free(proxy);
}
END_TEST

START_TEST(test_proxy_that_refuses_is_not_sent)
{
	const int answers[] = { 1, 2, 5, -1 };
	const struct net_request req = post(http_peer_url(peer, "/v1/swap"));
	char url[64];
	struct exchange x;

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct socks_peer *proxy = socks_peer_new(loop, answers[i], http_peer_port(peer));

		ck_assert_int_eq(http_set_proxy(http, socks_peer_url(proxy), &err), 0);
		exchange(&x, &req);
		check_outcome("proxy says no", &x, NET_NOT_SENT, 0, NULL);
		ck_assert_uint_eq(socks_peer_connections(proxy), 1);
		socks_peer_free(proxy);
	}
	snprintf(url, sizeof(url), "socks5h://127.0.0.1:%d", refused_port());
	ck_assert_int_eq(http_set_proxy(http, url, &err), 0);
	exchange(&x, &req);
	check_outcome("no proxy there", &x, NET_NOT_SENT, 0, NULL);
	ck_assert_uint_eq(http_peer_connections(peer), 0);
}
END_TEST

START_TEST(test_proxy_can_change)
{
	struct socks_peer *proxy = socks_peer_new(loop, 0, http_peer_port(peer));
	const struct net_request req = get(http_peer_url(peer, "/v1/info")), change = post(req.url);
	const char *bad[] = { "127.0.0.1:9050", "socks5://127.0.0.1:9050", "http://127.0.0.1:8080", "socks5h://",
			      "socks5h://127.0.0.1:9050\r\n" };
	struct http *none = NULL;
	struct exchange x;

	http_peer_on(peer, &(struct peer_script){ .path = "/v1/info" });
	exchange(&x, &req);
	ck_assert_uint_eq(socks_peer_connections(proxy), 0);
	/* The connection that is kept goes past the proxy: it must not be used now. */
	ck_assert_int_eq(http_set_proxy(http, socks_peer_url(proxy), &err), 0);
	exchange(&x, &req);
	check_outcome("proxied", &x, NET_ANSWERED, 200, NULL);
	ck_assert_uint_eq(socks_peer_connections(proxy), 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err_clear(&err);
		ck_assert_int_eq(http_set_proxy(http, bad[i], &err), -1);
		ck_assert_int_eq(err.code, ERR_CONFIG);
		err_clear(&err);
		ck_assert_int_eq(http_new(loop, &(struct http_options){ .proxy = bad[i] }, &none, &err), -1);
		ck_assert_int_eq(err.code, ERR_CONFIG);
	}
	ck_assert_ptr_null(none);
	exchange(&x, &change);
	ck_assert_uint_eq(socks_peer_connections(proxy), 2);
	ck_assert_int_eq(http_set_proxy(http, NULL, &err), 0);
	exchange(&x, &change);
	ck_assert_uint_eq(socks_peer_connections(proxy), 2);
	socks_peer_free(proxy);
}
END_TEST

START_TEST(test_ca_file_must_be_readable)
{
	struct http *none = NULL;

	ck_assert_int_eq(http_new(loop, &(struct http_options){ .ca_file = "/nonexistent/ca.pem" }, &none, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/ca.pem"));
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(test_a_slow_name_server_does_not_hold_the_loop)
{
	struct net_request req = post("http://slow.test/");
	struct exchange x;

	req.timeout_ms = 50;
	slow_names_answered = 0;
	exchange(&x, &req);
	check_outcome("slow name", &x, NET_NOT_SENT, 0, "no whole reply within 50 ms");
	ck_assert_int_eq(names_asked, 1);
	ck_assert_int_eq(slow_names_answered, 0);
	for (int i = 0; i < 300 && slow_names_answered == 0; i++)
		run_for(10);
	ck_assert_int_eq(slow_names_answered, 1);
	run_for(20); /* its thread goes */
}
END_TEST

START_TEST(test_cancel)
{
	const struct net_request slow = post(http_peer_url(peer, "/slow")), bad = post("nonsense");
	struct http_call *calls[3];
	struct exchange x[4];

	http_peer_on(peer, &(struct peer_script){ .path = "/slow", .delay_ms = 40 });
	calls[0] = submit(&x[0], &slow, NULL);
	calls[1] = submit(&x[1], &slow, NULL);
	calls[2] = submit(&x[2], &bad, NULL); /* its callback is due */
	submit(&x[3], &slow, NULL);
	ck_assert_uint_eq(http_in_flight(http), 4);
	http_cancel(calls[0]);
	http_cancel(calls[2]);
	run_for(20);
	http_cancel(calls[1]);
	ck_assert_uint_eq(http_in_flight(http), 1);
	run_for(100);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(x[i].calls, 0);
	ck_assert_uint_eq(x[3].calls, 1);
	check_outcome("not cancelled", &x[3], NET_ANSWERED, 200, NULL);
	ck_assert_uint_eq(http_in_flight(http), 0);
}
END_TEST

START_TEST(test_free_cancels_all)
{
	const struct net_request slow = post(http_peer_url(peer, "/slow")), kept = get(http_peer_url(peer, "/slow"));
	const struct net_request bad = post("nonsense"), name = get("http://name.invalid/");
	const struct net_request *reqs[] = { &slow, &kept, &slow, &bad, &name };
	struct exchange x[ARRAY_LEN(reqs)];

	http_peer_on(peer, &(struct peer_script){ .path = "/slow", .body = "late", .delay_ms = 40 });
	for (size_t i = 0; i < 3; i++)
		submit(&x[i], reqs[i], NULL);
	run_for(20); /* these are under way */
	ck_assert_uint_eq(http_peer_requests(peer, "/slow"), 3);
	for (size_t i = 3; i < ARRAY_LEN(reqs); i++)
		submit(&x[i], reqs[i], NULL);
	http_free(http);
	http = NULL;
	run_for(80);
	for (size_t i = 0; i < ARRAY_LEN(reqs); i++)
		ck_assert_uint_eq(x[i].calls, 0);
	http_free(NULL);
}
END_TEST

START_TEST(test_calls_beyond_the_limit_wait)
{
	struct net_request reqs[4];
	struct exchange x[ARRAY_LEN(reqs)];
	unsigned left = ARRAY_LEN(reqs);

	http_free(http);
	start_http(&(struct http_options){ .max_per_host = 1 });
	http_peer_on(peer, &(struct peer_script){ .path = "/slow", .delay_ms = 60 });
	for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
		reqs[i] = post(http_peer_url(peer, "/slow"));
		reqs[i].timeout_ms = i == 3 ? 30 : 10000;
		submit(&x[i], &reqs[i], &left);
	}
	run();
	for (size_t i = 0; i < 3; i++)
		check_outcome("waits its turn", &x[i], NET_ANSWERED, 200, NULL);
	check_outcome("waited too long", &x[3], NET_NOT_SENT, 0, "no whole reply within 30 ms");
	ck_assert_uint_eq(http_peer_requests(peer, "/slow"), 3);
}
END_TEST

static struct exchange second;
static unsigned second_left;

static void submit_again(void *ctx, const struct net_reply *reply)
{
	const struct net_request *req = ctx;

	ck_assert_int_eq(reply->outcome, NET_ANSWERED);
	ck_assert_uint_eq(http_in_flight(http), 0);
	second_left = 1;
	submit(&second, req, &second_left);
}

START_TEST(test_a_callback_may_submit)
{
	struct net_request req = post(http_peer_url(peer, "/v1/swap"));

	http_submit(http, &req, submit_again, &req);
	run();
	ck_assert_uint_eq(second.calls, 1);
	ck_assert_uint_eq(http_peer_requests(peer, NULL), 2);
}
END_TEST

START_TEST(test_many_at_once)
{
	enum { MANY = 200 };
	static struct exchange x[MANY];
	unsigned left = MANY;
	struct net_request req = get(http_peer_url(peer, "/v1/info"));

	http_peer_on(peer, &(struct peer_script){ .path = "/v1/info" });
	for (size_t i = 0; i < MANY; i++) {
		req.changes_state = i % 2 == 0;
		submit(&x[i], &req, &left);
	}
	run();
	for (size_t i = 0; i < MANY; i++)
		check_outcome("many", &x[i], NET_ANSWERED, 200, NULL);
	ck_assert_uint_eq(http_peer_requests(peer, NULL), MANY);
}
END_TEST

START_TEST(test_failpoints)
{
	const struct net_request req = post(http_peer_url(peer, "/v1/swap"));
	struct exchange x;

	http_peer_on(peer, &(struct peer_script){ .path = "/v1/swap" });
	ck_assert(failpoint_configure("net.send:error:1"));
	exchange(&x, &req);
	check_outcome("net.send", &x, NET_NOT_SENT, 0, "net.send");
	ck_assert_uint_eq(http_peer_connections(peer), 0);
	ck_assert(failpoint_configure("net.reply:error:1"));
	exchange(&x, &req);
	check_outcome("net.reply", &x, NET_UNKNOWN, 0, "net.reply");
	ck_assert_uint_eq(http_peer_requests(peer, NULL), 1);
	exchange(&x, &req);
	check_outcome("passed", &x, NET_ANSWERED, 200, NULL);
}
END_TEST

START_TEST(test_metrics)
{
	static const char *const labels[] = { "outcome=\"answered\"", "outcome=\"not_sent\"", "outcome=\"unknown\"",
					      "outcome=\"cancelled\"" };
	struct metric *seconds = metric_duration("walletd_net_request_seconds", "", "");
	SCOPED(buf) struct buf page = BUF_CAP(1024 * 1024);
	const struct net_request good = get(http_peer_url(peer, "/a")), bad = post("nonsense");
	const struct net_request lost = post(http_peer_url(peer, "/lost"));
	uint64_t before[ARRAY_LEN(labels)], observed = metric_value(seconds);
	struct exchange x;

	http_peer_on(peer, &(struct peer_script){ .path = "/lost", .raw = "", .end = PEER_CLOSE });
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		before[i] = metric_value(metric_counter("walletd_net_requests_total", labels[i], ""));
	exchange(&x, &good);
	exchange(&x, &bad);
	exchange(&x, &lost);
	http_cancel(submit(&x, &good, NULL));
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		ck_assert_uint_eq(metric_value(metric_counter("walletd_net_requests_total", labels[i], "")),
				  before[i] + 1);
	ck_assert_uint_eq(metric_value(seconds), observed + 3);
	submit(&x, &good, NULL);
	metrics_write(&page);
	ck_assert_ptr_nonnull(strstr(buf_text(&page), "\nwalletd_net_in_flight 1\n"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/net/http");
	TCase *c = tcase_create("http");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, test_replies, 0, (int)ARRAY_LEN(reply_cases));
	tcase_add_loop_test(c, test_grpc_status, 0, (int)ARRAY_LEN(grpc_cases));
	tcase_add_test(c, test_ca_file_of_one_request);
	tcase_add_loop_test(c, test_not_sent, 0, (int)ARRAY_LEN(unsent_cases));
	tcase_add_test(c, test_too_many_or_too_long_headers_are_not_sent);
	tcase_add_test(c, test_refused_connection_is_not_sent);
	tcase_add_test(c, test_tls_failure_is_not_sent);
	tcase_add_test(c, test_connect_timeout_is_not_sent);
	tcase_add_test(c, test_connect_timeout_of_one_request);
	tcase_add_test(c, test_dropped_before_reading_is_unknown);
	tcase_add_test(c, test_reply_headers_are_capped);
	tcase_add_test(c, test_what_is_sent);
	tcase_add_test(c, test_no_content_type_is_an_empty_one);
	tcase_add_test(c, test_request_memory_may_go_at_once);
	tcase_add_test(c, test_connections_are_kept_for_reads_and_fresh_for_changes);
	tcase_add_test(c, test_a_change_is_never_sent_twice);
	tcase_add_test(c, test_unix_socket);
	tcase_add_test(c, test_proxy_is_asked_by_name);
	tcase_add_test(c, test_proxy_that_refuses_is_not_sent);
	tcase_add_test(c, test_proxy_can_change);
	tcase_add_test(c, test_ca_file_must_be_readable);
	tcase_add_test(c, test_a_slow_name_server_does_not_hold_the_loop);
	tcase_add_test(c, test_cancel);
	tcase_add_test(c, test_free_cancels_all);
	tcase_add_test(c, test_calls_beyond_the_limit_wait);
	tcase_add_test(c, test_a_callback_may_submit);
	tcase_add_test(c, test_many_at_once);
	tcase_add_test(c, test_failpoints);
	tcase_add_test(c, test_metrics);
	suite_add_tcase(s, c);
	return suite_run(s);
}
