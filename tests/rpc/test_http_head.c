/* The strict reader of request heads: one meaning or none. */
#include <string.h>

#include "rpc/http_head.h"
#include "tests/support/suite.h"

#define LINE "POST / HTTP/1.1\r\n"

static const struct {
	const char *name, *head;
	int status; /* 0: taken; -1: no HTTP at all */
} heads[] = {
	{ "least", "GET / HTTP/1.1\r\n\r\n", 0 },
	{ "1.0", "GET / HTTP/1.0\r\n\r\n", 0 },
	{ "headers", LINE "Host: x\r\nContent-Length: 5\r\n\r\n", 0 },
	{ "no space after the colon", LINE "Host:x\r\n\r\n", 0 },
	{ "empty value", LINE "X-A:\r\n\r\n", 0 },
	{ "tab in a value", LINE "X-A: a\tb\r\n\r\n", 0 },
	{ "bytes above ASCII in a value", LINE "X-A: \xc3\xa9\xff\r\n\r\n", 0 },
	{ "another method", "BREW / HTTP/1.1\r\n\r\n", 0 },
	{ "query", "GET /events?after=1 HTTP/1.1\r\n\r\n", 0 },
	{ "small letters", "get / HTTP/1.1\r\n\r\n", -1 },
	{ "TLS", "\x16\x03\x01\x02", -1 },
	{ "JSON", "{\"method\":\"status\"}\n", -1 },
	{ "line feed alone", "GET / HTTP/1.1\n\n", -1 },
	{ "carriage return alone", "GET / HTTP/1.1\rX", -1 },
	{ "carriage return twice", "GET / HTTP/1.1\r\r\n", -1 },
	{ "control character", "GET / HTTP/1.1\r\nX-A: \x01\r\n\r\n", -1 },
	{ "delete character", "GET / HTTP/1.1\r\nX-A: \x7f\r\n\r\n", -1 },
	{ "empty line first", "\r\nGET / HTTP/1.1\r\n\r\n", -1 },
	{ "no target", "GET HTTP/1.1\r\n\r\n", 400 },
	{ "no version", "GET /\r\n\r\n", -1 },
	{ "two spaces", "GET  / HTTP/1.1\r\n\r\n", 400 },
	{ "space at the end", "GET / HTTP/1.1 \r\n\r\n", 400 },
	{ "tab between", "GET\t/ HTTP/1.1\r\n\r\n", 400 },
	{ "whole URL", "GET http://localhost/ HTTP/1.1\r\n\r\n", 400 },
	{ "star", "OPTIONS * HTTP/1.1\r\n\r\n", 400 },
	{ "host as target", "CONNECT localhost:80 HTTP/1.1\r\n\r\n", 400 },
	{ "fragment", "GET /#a HTTP/1.1\r\n\r\n", 400 },
	{ "byte above ASCII in the path", "GET /\xc3\xa9 HTTP/1.1\r\n\r\n", 400 },
	{ "method with a digit", "G3T / HTTP/1.1\r\n\r\n", 400 },
	{ "long method", "ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1\r\n\r\n", 400 },
	{ "HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", 505 },
	{ "HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", 505 },
	{ "preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505 },
	{ "HTTP/1.1x", "GET / HTTP/1.1x\r\n\r\n", 400 },
	{ "http/1.1", "GET / http/1.1\r\n\r\n", -1 },
	{ "SSH", "SSH-2.0-OpenSSH_9.2\r\n", -1 },
	{ "NUL in the path", "GET /?a=%00 HTTP/1.1\r\n\r\n", 400 },
	{ "folded line", LINE "X-A: a\r\n b\r\n\r\n", 400 },
	{ "folded first line", LINE " X-A: a\r\n\r\n", 400 },
	{ "no colon", LINE "X-A\r\n\r\n", 400 },
	{ "no name", LINE ": x\r\n\r\n", 400 },
	{ "space before the colon", LINE "Content-Length : 5\r\n\r\n", 400 },
	{ "bracket in a name", LINE "X(A): 5\r\n\r\n", 400 },
	{ "length twice", LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 },
	{ "length as a list", LINE "Content-Length: 5, 5\r\n\r\n", 400 },
	{ "length with a sign", LINE "Content-Length: +5\r\n\r\n", 400 },
	{ "negative length", LINE "Content-Length: -5\r\n\r\n", 400 },
	{ "hexadecimal length", LINE "Content-Length: 0x5\r\n\r\n", 400 },
	{ "empty length", LINE "Content-Length:\r\n\r\n", 400 },
	{ "length beyond 64 bits", LINE "Content-Length: 99999999999999999999\r\n\r\n", 400 },
	{ "chunked", LINE "Transfer-Encoding: chunked\r\n\r\n", 411 },
	{ "chunked and a length", LINE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400 },
	{ "a length and chunked", LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "some encoding and a length", LINE "Content-Length: 5\r\ntransfer-encoding: xchunked\r\n\r\n", 400 },
	{ "host twice", LINE "Host: a\r\nHost: b\r\n\r\n", 400 },
	{ "credentials twice", LINE "Authorization: a\r\nauthorization: b\r\n\r\n", 400 },
	{ "type twice", LINE "Content-Type: a\r\nContent-Type: a\r\n\r\n", 400 },
	{ "expectation", LINE "Expect: 100-continue\r\n\r\n", 0 },
	{ "expectation twice", LINE "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417 },
	{ "another expectation", LINE "Expect: 200-ok\r\n\r\n", 417 },
	{ "GET with a body", "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400 },
	{ "GET with length 0", "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0 },
};

static int status_of(struct bytes v)
{
	struct http_head h;
	const char *why = NULL;
	size_t at = 0;
	long end = http_head_scan(v, &at);
	int status;

	if (end < 0)
		return -1;
	ck_assert_int_gt(end, 0);
	status = http_head_parse((struct bytes){ v.p, (size_t)end }, &h, &why);
	ck_assert_msg((status == 0) == (why == NULL), "%s", why);
	return status;
}

START_TEST(one_meaning_or_none)
{
	ck_assert_msg(status_of(bytes_of(heads[_i].head)) == heads[_i].status, "%s", heads[_i].name);
}
END_TEST

/* The same in pieces, one byte at a time. */
START_TEST(drips)
{
	struct bytes whole = bytes_of(heads[_i].head);
	size_t at = 0;
	long end = 0;

	for (size_t n = 1; n <= whole.n && end == 0; n++) {
		end = http_head_scan((struct bytes){ whole.p, n }, &at);
		if (end > 0)
			ck_assert_uint_eq((size_t)end, n);
	}
	ck_assert_msg((end < 0) == (heads[_i].status < 0), "%s", heads[_i].name);
}
END_TEST

START_TEST(what_is_read)
{
	static const char text[] = "POST /rpc?a=b HTTP/1.1\r\nHOST:  localhost \r\ncontent-length: 0012\r\n"
				   "Authorization: Basic eA==\r\nContent-Type:\tapplication/json\r\nOrigin: null\r\n"
				   "Last-Event-ID: 7\r\n\r\nbody";
	struct http_head h;
	const char *why;
	size_t at = 0;
	long end = http_head_scan(bytes_of(text), &at);

	ck_assert_uint_eq((size_t)end, sizeof(text) - 1 - 4);
	ck_assert_int_eq(http_head_parse((struct bytes){ (const uint8_t *)text, (size_t)end }, &h, &why), 0);
	ck_assert_int_eq(h.method, HTTP_POST);
	ck_assert(bytes_equal(h.path, bytes_of("/rpc")));
	ck_assert(bytes_equal(h.query, bytes_of("a=b")));
	ck_assert(bytes_equal(h.host, bytes_of("localhost")));
	ck_assert(bytes_equal(h.authorization, bytes_of("Basic eA==")));
	ck_assert(bytes_equal(h.content_type, bytes_of("application/json")));
	ck_assert(bytes_equal(h.last_event_id, bytes_of("7")));
	ck_assert(h.has_origin);
	ck_assert(h.has_length);
	ck_assert_uint_eq(h.length, 12);
}
END_TEST

START_TEST(limits)
{
	struct buf text = BUF_CAP(HTTP_HEAD_MAX * 2);

	buf_text_add(&text, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		buf_printf(&text, "X-%d: y\r\n", i);
	buf_text_add(&text, "\r\n");
	ck_assert_int_eq(status_of(buf_bytes(&text)), 0);
	buf_reset(&text);
	buf_text_add(&text, "GET / HTTP/1.1\r\n");
	for (int i = 0; i <= HTTP_HEADERS_MAX; i++)
		buf_printf(&text, "X-%d: y\r\n", i);
	buf_text_add(&text, "\r\n");
	ck_assert_int_eq(status_of(buf_bytes(&text)), 431);
	buf_reset(&text);
	buf_text_add(&text, "GET /");
	for (int i = 0; i < 4096; i++)
		buf_text_add(&text, "a");
	buf_text_add(&text, " HTTP/1.1\r\n\r\n");
	ck_assert_int_eq(status_of(buf_bytes(&text)), 414);
	buf_done(&text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_head");
	TCase *t = tcase_create("http_head");

	tcase_add_loop_test(t, one_meaning_or_none, 0, ARRAY_LEN(heads));
	tcase_add_loop_test(t, drips, 0, ARRAY_LEN(heads));
	tcase_add_test(t, what_is_read);
	tcase_add_test(t, limits);
	suite_add_tcase(s, t);
	return suite_run(s);
}
