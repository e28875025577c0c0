/* Replays tests/rpc/corpus.json: each case on a connection of its own, against one server that must outlive them all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

#define CORPUS    "tests/rpc/corpus.json"
#define CASES_MIN 300

static struct arena arena;
static json_t *cases;
static struct rpc_process p;
static struct http_pending pending;
static struct http_seen seen;

/* Before Check runs, so without its assertions. */
static bool load(void)
{
	json_error_t e;
	json_t *whole = json_load_file(CORPUS, 0, &e);

	if (!whole) {
		printf("%s:%d: %s\n", CORPUS, e.line, e.text);
		return false;
	}
	arena = ARENA_LIMIT(256u << 20);
	cases = json_object_get(json_hold(&arena, whole), "cases");
	return json_array_size(cases) >= CASES_MIN;
}

static void add_part(struct buf *to, const json_t *part)
{
	const char *hex = json_string_value(json_object_get(part, "hex"));
	json_t *times = json_object_get(part, "times");
	struct bytes v;

	if (json_is_string(part)) {
		buf_add(to, json_string_value(part), json_string_length(part));
	} else if (hex) {
		ck_assert(hex_decode_any(&arena, hex, 4096, &v));
		buf_add_bytes(to, v);
	} else if (times) {
		for (json_int_t i = json_integer_value(json_array_get(times, 1)); i > 0; i--)
			buf_text_add(to, json_string_value(json_array_get(times, 0)));
	} else {
		ck_assert(json_is_true(json_object_get(part, "auth")));
		buf_printf(to, "Authorization: Basic %s\r\n", base64_text(&arena, bytes_of(p.cookie)));
	}
}

static void add_parts(struct buf *to, json_t *parts)
{
	json_t *part;
	size_t i;

	json_array_foreach(parts, i, part) add_part(to, part);
	ck_assert(buf_ok(to));
}

static void send_request(int fd, const json_t *c)
{
	struct buf text = BUF_CAP(4u << 20), head = BUF_CAP(256);

	if (json_object_get(c, "send")) {
		add_parts(&text, json_object_get(c, "send"));
	} else {
		add_parts(&text, json_object_get(c, "body"));
		buf_printf(&head, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", text.n);
		rpc_send(fd, head.p, head.n);
	}
	rpc_send(fd, text.p, text.n);
	buf_done(&text);
	buf_done(&head);
}

static void check_answer(const char *name, const json_t *answer, const json_t *want)
{
	const json_t *error = json_object_get(answer, "error"), *wanted = json_object_get(want, "error");
	const json_t *data = json_object_get(error, "data"), *id = json_object_get(want, "id");

	ck_assert_msg(json_is_object(answer), "%s: %s", name, seen.body);
	ck_assert_str_eq(json_str(answer, "jsonrpc"), "2.0");
	ck_assert_msg(json_equal(json_object_get(answer, "id"), id), "%s: %s", name, seen.body);
	ck_assert_msg((error != NULL) != (json_object_get(answer, "result") != NULL), "%s: %s", name, seen.body);
	ck_assert_msg((error != NULL) == (wanted != NULL), "%s: %s", name, seen.body);
	if (!wanted)
		return;
	ck_assert_msg(json_int(error, "code") == json_int(wanted, "code"), "%s: %s", name, seen.body);
	ck_assert_msg(strcmp(json_str(data, "kind"), json_str(wanted, "kind")) == 0, "%s: %s", name, seen.body);
	ck_assert_msg(strcmp(json_str(data, "funds_moved"), "no") == 0, "%s: %s", name, seen.body);
	ck_assert_msg(strcmp(json_str(data, "field"), json_str(wanted, "field")) == 0, "%s: %s", name, seen.body);
	ck_assert_msg(json_str(error, "message")[0] != '\0', "%s: %s", name, seen.body);
}

static void check_body(const char *name, const json_t *c)
{
	json_t *answers = json_object_get(c, "answers"), *got, *want;
	struct err err;
	size_t i;

	if (json_int(c, "status") == 204) {
		ck_assert_msg(seen.body_n == 0, "%s: %s", name, seen.body);
		return;
	}
	if (json_is_true(json_object_get(c, "plain")))
		return;
	ck_assert_msg(json_parse(&arena, (struct bytes){ (const uint8_t *)seen.body, seen.body_n }, 32, &got, &err) ==
			      0,
		      "%s: %s", name, seen.body);
	ck_assert_msg(strcasestr(seen.head, "\r\nContent-Type: application/json\r\n") != NULL, "%s: %s", name,
		      seen.head);
	if (!answers) {
		check_answer(name, got, c);
		return;
	}
	ck_assert_msg(json_array_size(got) == json_array_size(answers), "%s: %s", name, seen.body);
	json_array_foreach(answers, i, want) check_answer(name, json_array_get(got, i), want);
}

/* The connection is still in step: another call gets its answer. */
static void check_goes_on(const char *name, int fd, bool tcp)
{
	const char *body = "{\"jsonrpc\":\"2.0\",\"id\":\"again\",\"method\":\"balance\"}";

	if (!tcp)
		rpc_post(fd, &pending, body, &seen);
	else {
		rpc_send_text(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
		rpc_read_reply(fd, &pending, &seen);
	}
	ck_assert_msg(seen.status == 200, "%s: then %d %s", name, seen.status, seen.body);
	ck_assert_msg(tcp || strstr(seen.body, "\"id\":\"again\"") != NULL, "%s: then %s", name, seen.body);
}

START_TEST(one_case)
{
	const json_t *c = json_array_get(cases, (size_t)_i);
	const char *name = json_str(c, "name"), *allow = json_str(c, "allow");
	bool tcp = strcmp(json_str(c, "on"), "tcp") == 0;
	int fd = rpc_connect(tcp ? NULL : p.socket, p.port);
	int64_t status = json_int(c, "status");

	pending.n = 0;
	send_request(fd, c);
	if (status != 0) {
		rpc_read_reply(fd, &pending, &seen);
		/* The burst of wrong credentials in this corpus may have used up what is told at once. */
		if (status == 401 && seen.status == 429)
			status = 429;
		else
			check_body(name, c);
		ck_assert_msg(seen.status == status, "%s: %d %s", name, seen.status, seen.body);
		ck_assert_msg(!allow[0] || strstr(seen.head, arena_printf(&arena, "\r\nAllow: %s\r\n", allow)),
			      "%s: %s", name, seen.head);
		if (json_is_true(json_object_get(c, "closes")))
			ck_assert_msg(rpc_at_end(fd), "%s: the connection goes on", name);
		else
			check_goes_on(name, fd, tcp);
	}
	close(fd);
}
END_TEST

static void start(void)
{
	rpc_process_start(&p, 0);
}

static void stop(void)
{
	rpc_process_stop(&p);
}

/* Whatever came before, it is well. */
START_TEST(well_afterwards)
{
	int fd = rpc_connect(p.socket, 0);

	pending.n = 0;
	rpc_post(fd, &pending, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.list\"}", &seen);
	ck_assert_int_eq(seen.status, 200);
	/* And not one of them has started anything. */
	ck_assert_ptr_nonnull(strstr(seen.body, "\"actions\":[]"));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("corpus");
	TCase *t = tcase_create("corpus");
	int code;

	if (!load())
		return 1;
	tcase_add_unchecked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, one_case, 0, (int)json_array_size(cases));
	tcase_add_test(t, well_afterwards);
	suite_add_tcase(s, t);
	code = suite_run(s);
	arena_done(&arena);
	return code;
}
