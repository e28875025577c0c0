/* What a head may ask for, without a connection: routes, Host, Origin, length, type, query. */
#include <string.h>

#include "rpc/http_judge.h"
#include "tests/support/suite.h"

#define POST           "POST / HTTP/1.1\r\n"
#define LOCAL          "Host: localhost\r\n"
#define JSON           "Content-Type: application/json\r\n"
#define GET(target)    "GET " target " HTTP/1.1\r\n" LOCAL "\r\n"
#define EVENTS(target) GET("/events" target)

static const struct {
	const char *name;
	enum transport transport;
	const char *head;
	int status; /* 0: taken */
	enum http_route route;
} heads[] = {
	{ "call", TRANSPORT_TCP, POST LOCAL JSON "Content-Length: 2\r\n\r\n", 0, ROUTE_RPC },
	{ "call at /rpc", TRANSPORT_UNIX, "POST /rpc HTTP/1.1\r\nContent-Length: 2\r\n\r\n", 0, ROUTE_RPC },
	{ "charset", TRANSPORT_TCP,
	  POST LOCAL "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n", 0, ROUTE_RPC },
	{ "no type", TRANSPORT_TCP, POST LOCAL "Content-Length: 2\r\n\r\n", 415, 0 },
	{ "type that only begins so", TRANSPORT_TCP,
	  POST LOCAL "Content-Type: application/jsonx\r\nContent-Length: 2\r\n\r\n", 415, 0 },
	{ "no type on the unix socket", TRANSPORT_UNIX, POST "Content-Length: 2\r\n\r\n", 0, ROUTE_RPC },
	{ "no length", TRANSPORT_UNIX, POST "\r\n", 411, 0 },
	{ "longest", TRANSPORT_UNIX, POST "Content-Length: 1048576\r\n\r\n", 0, ROUTE_RPC },
	{ "too long", TRANSPORT_UNIX, POST "Content-Length: 1048577\r\n\r\n", 413, 0 },
	{ "query of a call", TRANSPORT_UNIX, "POST /?a HTTP/1.1\r\nContent-Length: 2\r\n\r\n", 400, 0 },
	{ "origin", TRANSPORT_UNIX, POST "Origin: null\r\nContent-Length: 2\r\n\r\n", 403, 0 },
	{ "no host", TRANSPORT_TCP, "GET /healthz HTTP/1.1\r\n\r\n", 403, 0 },
	{ "no host on the unix socket", TRANSPORT_UNIX, "GET /healthz HTTP/1.1\r\n\r\n", 0, ROUTE_HEALTHZ },
	{ "host in capitals", TRANSPORT_TCP, "GET /healthz HTTP/1.1\r\nHost: LocalHost:8338\r\n\r\n", 0,
	  ROUTE_HEALTHZ },
	{ "host by number", TRANSPORT_TCP, "GET /readyz HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", 0, ROUTE_READYZ },
	{ "host with an end", TRANSPORT_TCP, "GET /healthz HTTP/1.1\r\nHost: localhost.example\r\n\r\n", 403, 0 },
	{ "host with an empty port", TRANSPORT_TCP, "GET /healthz HTTP/1.1\r\nHost: localhost:\r\n\r\n", 403, 0 },
	{ "host with letters for a port", TRANSPORT_TCP, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:80a\r\n\r\n", 403,
	  0 },
	{ "host with a long port", TRANSPORT_TCP, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:123456\r\n\r\n", 403, 0 },
	{ "another host", TRANSPORT_TCP, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.2\r\n\r\n", 403, 0 },
	{ "metrics", TRANSPORT_TCP, GET("/metrics"), 0, ROUTE_METRICS },
	{ "nothing there", TRANSPORT_TCP, GET("/metrics/"), 404, 0 },
	{ "GET of a call", TRANSPORT_TCP, GET("/"), 405, 0 },
	{ "POST of a page", TRANSPORT_TCP, "POST /metrics HTTP/1.1\r\n" LOCAL "Content-Length: 0\r\n\r\n", 405, 0 },
	{ "query of a page", TRANSPORT_TCP, GET("/healthz?a=1"), 400, 0 },
	{ "events", TRANSPORT_TCP, EVENTS(""), 0, ROUTE_EVENTS },
	{ "events, a name that is none", TRANSPORT_TCP, EVENTS("?before=1"), 400, 0 },
	{ "events, kinds twice", TRANSPORT_TCP, EVENTS("?kinds=a&kinds=b"), 400, 0 },
	{ "events, kinds with a control character", TRANSPORT_TCP, EVENTS("?kinds=%0a"), 400, 0 },
	{ "events, after below zero", TRANSPORT_TCP, EVENTS("?after=-1"), 400, 0 },
	{ "events, after past 63 bits", TRANSPORT_TCP, EVENTS("?after=9223372036854775808"), 400, 0 },
};

static int judge(const char *text, enum transport transport, struct http_order *ret)
{
	struct http_refusal no = { 0 };
	struct http_head h;
	const char *why;

	ck_assert_int_eq(http_head_parse(bytes_of(text), &h, &why), 0);
	if (http_judge_address(&h, transport, ret, &no) && http_judge_rest(&h, transport, ret, &no))
		return 0;
	ck_assert_ptr_nonnull(no.why);
	return no.status;
}

START_TEST(a_head)
{
	struct http_order order = { 0 };

	ck_assert_int_eq(judge(heads[_i].head, heads[_i].transport, &order), heads[_i].status);
	if (heads[_i].status == 0)
		ck_assert_int_eq((int)order.route, (int)heads[_i].route);
	http_order_done(&order);
}
END_TEST

static const struct {
	const char *head;
	int64_t after;
	const char *kinds;
} events[] = {
	{ EVENTS(""), -1, NULL },
	{ EVENTS("?after=12"), 12, NULL },
	{ EVENTS("?after=9223372036854775807&kinds=action.*,mint.added"), INT64_MAX, "action.*,mint.added" },
	{ EVENTS("?kinds=action.%2A%2Cmint.added"), -1, "action.*,mint.added" },
	{ "GET /events?after=3 HTTP/1.1\r\n" LOCAL "Last-Event-ID: 7\r\n\r\n", 7, NULL },
};

START_TEST(what_events)
{
	struct http_order order = { 0 };

	ck_assert_int_eq(judge(events[_i].head, TRANSPORT_TCP, &order), 0);
	ck_assert_int_eq(order.after, events[_i].after);
	if (events[_i].kinds)
		ck_assert_str_eq(order.kinds, events[_i].kinds);
	else
		ck_assert_ptr_null(order.kinds);
	http_order_done(&order);
}
END_TEST

START_TEST(the_length_is_told)
{
	struct http_order order = { 0 };

	ck_assert_int_eq(judge(POST "Content-Length: 77\r\n\r\n", TRANSPORT_UNIX, &order), 0);
	ck_assert_uint_eq(order.body, 77);
	http_order_done(&order);
}
END_TEST

START_TEST(health_is_open_on_tcp_alone)
{
	for (enum http_route r = ROUTE_RPC; r <= ROUTE_EVENTS; r++) {
		ck_assert_int_eq(http_route_is_open(r, TRANSPORT_TCP), r == ROUTE_HEALTHZ || r == ROUTE_READYZ);
		ck_assert(!http_route_is_open(r, TRANSPORT_UNIX));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_judge");
	TCase *t = tcase_create("http_judge");

	tcase_add_loop_test(t, a_head, 0, (int)ARRAY_LEN(heads));
	tcase_add_loop_test(t, what_events, 0, (int)ARRAY_LEN(events));
	tcase_add_test(t, the_length_is_told);
	tcase_add_test(t, health_is_open_on_tcp_alone);
	suite_add_tcase(s, t);
	return suite_run(s);
}
