/* JSON-RPC 2.0 as operations.md 3.1 has it: single calls, batches, notifications, ids, and what is refused how. */
#include <string.h>

#include "rpc/dispatch.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

static struct rpc_world w;
static struct rpc_caller admin;

static void open_world(void)
{
	rpc_world_open(&w, false);
	admin = rpc_world_caller(RPC_ADMIN);
}

static void close_world(void)
{
	rpc_world_close(&w);
}

static json_t *parsed(const char *text)
{
	struct err err;
	json_t *v;

	ck_assert_int_eq(json_parse(&w.arena, bytes_of(text), JSON_DEPTH_MAX, &v, &err), 0);
	return v;
}

/* --- one body, one answer --- */

static const struct {
	const char *name, *body;
	int status;
	const char *id; /* of the answer, as JSON text; NULL: no answer */
	int64_t code;   /* 0: a result */
	const char *kind;
} bodies[] = {
	{ "call", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"balance\"}", 200, "1", 0, NULL },
	{ "text id", "{\"jsonrpc\":\"2.0\",\"id\":\"a\\u00e9\",\"method\":\"balance\"}", 200, "\"a\xc3\xa9\"", 0,
	  NULL },
	{ "null id", "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"balance\"}", 200, "null", 0, NULL },
	{ "large id", "{\"jsonrpc\":\"2.0\",\"id\":-9223372036854775807,\"method\":\"balance\"}", 200,
	  "-9223372036854775807", 0, NULL },
	{ "id with a fraction", "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"balance\"}", 200, "null", -32600,
	  "invalid_request" },
	{ "id 1.0", "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"balance\"}", 200, "null", -32600, "invalid_request" },
	{ "id object", "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"balance\"}", 200, "null", -32600,
	  "invalid_request" },
	{ "id true", "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"balance\"}", 200, "null", -32600,
	  "invalid_request" },
	{ "no version", "{\"id\":7,\"method\":\"balance\"}", 200, "7", -32600, "invalid_request" },
	{ "version 1.0", "{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"balance\"}", 200, "7", -32600, "invalid_request" },
	{ "version as number", "{\"jsonrpc\":2.0,\"id\":7,\"method\":\"balance\"}", 200, "7", -32600,
	  "invalid_request" },
	{ "unknown member", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"balance\",\"parms\":{}}", 200, "7", -32600,
	  "invalid_request" },
	{ "key outside of params", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"stop\",\"idempotency_key\":\"k\"}", 200,
	  "7", -32600, "invalid_request" },
	{ "no method", "{\"jsonrpc\":\"2.0\",\"id\":7}", 200, "7", -32600, "invalid_request" },
	{ "method a number", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":1}", 200, "7", -32600, "invalid_request" },
	{ "unknown method", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"balanse\"}", 200, "7", -32601,
	  "method_not_found" },
	{ "params a text", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"balance\",\"params\":\"x\"}", 200, "7", -32600,
	  "invalid_request" },
	{ "params null", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"balance\",\"params\":null}", 200, "7", -32600,
	  "invalid_request" },
	{ "by position", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"help\",\"params\":[\"wait\"]}", 200, "7", 0,
	  NULL },
	{ "too many by position", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"help\",\"params\":[\"wait\",1]}", 200,
	  "7", -32602, "invalid_params" },
	{ "unknown parameter", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"history\",\"params\":{\"limt\":1}}", 200,
	  "7", -32602, "invalid_params" },
	{ "notification", "{\"jsonrpc\":\"2.0\",\"method\":\"balance\"}", 204, NULL, 0, NULL },
	{ "wrong notification", "{\"jsonrpc\":\"2.0\",\"method\":\"history\",\"params\":{\"limt\":1}}", 204, NULL, 0,
	  NULL },
	{ "unknown notification", "{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}", 204, NULL, 0, NULL },
	{ "notification that spends",
	  "{\"jsonrpc\":\"2.0\",\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\"}}", 200, "null", -32600,
	  "invalid_request" },
	{ "empty batch", "[]", 200, "null", -32600, "invalid_request" },
	{ "a text", "\"status\"", 200, "null", -32600, "invalid_request" },
	{ "a number", "1", 200, "null", -32600, "invalid_request" },
	{ "no JSON", "{", 400, "null", -32700, "parse_error" },
	{ "nothing", "", 400, "null", -32700, "parse_error" },
	{ "two values", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"balance\"} 1", 400, "null", -32700, "parse_error" },
	{ "a member twice", "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"balance\"}", 400, "null", -32700,
	  "parse_error" },
	{ "a parameter twice",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"history\",\"params\":{\"limit\":1,\"limit\":2}}", 400, "null",
	  -32700, "parse_error" },
};

START_TEST(one_answer)
{
	json_t *answer, *error;

	rpc_world_body(&w, &admin, bodies[_i].body);
	ck_assert_msg(w.status == bodies[_i].status, "%s: %d %s", bodies[_i].name, w.status, w.reply);
	if (!bodies[_i].id) {
		ck_assert_msg(w.reply[0] == '\0', "%s: %s", bodies[_i].name, w.reply);
		return;
	}
	answer = parsed(w.reply);
	ck_assert_str_eq(json_str(answer, "jsonrpc"), "2.0");
	ck_assert_msg(json_equal(json_object_get(answer, "id"),
				 json_array_get(parsed(arena_printf(&w.arena, "[%s]", bodies[_i].id)), 0)),
		      "%s: %s", bodies[_i].name, w.reply);
	error = json_object_get(answer, "error");
	ck_assert_msg(!error == !json_object_get(answer, "result") ? false : true, "%s: %s", bodies[_i].name, w.reply);
	if (bodies[_i].code == 0) {
		ck_assert_msg(!error, "%s: %s", bodies[_i].name, w.reply);
		return;
	}
	ck_assert_msg(json_int(error, "code") == bodies[_i].code, "%s: %s", bodies[_i].name, w.reply);
	ck_assert_str_eq(json_str(json_object_get(error, "data"), "kind"), bodies[_i].kind);
	ck_assert_str_eq(json_str(json_object_get(error, "data"), "funds_moved"), "no");
	ck_assert_str_ne(json_str(error, "message"), "");
}
END_TEST

START_TEST(names_the_nearest)
{
	json_t *e = rpc_world_error(&w, "balanse", NULL);

	ck_assert_str_eq(json_str(json_object_get(e, "data"), "hint"), "did you mean balance?");
	e = rpc_world_error(&w, "history", "{\"limt\":1}");
	ck_assert_str_eq(json_str(json_object_get(e, "data"), "field"), "limt");
	ck_assert_ptr_nonnull(strstr(json_str(e, "message"), "did you mean limit?"));
	rpc_world_body(&w, &admin, "{\"id\":1,\"method\":\"balance\"}");
	ck_assert_ptr_nonnull(strstr(w.reply, "add \\\"jsonrpc\\\":\\\"2.0\\\" to the request"));
}
END_TEST

/* --- batches --- */

START_TEST(batch_in_order)
{
	json_t *answers;

	/* The second must wait for a commit, and the third still comes after it. */
	rpc_world_body(
		&w, &admin,
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"balance\"},"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"key.create\",\"params\":{\"name\":\"a\",\"scope\":\"read\"}},"
		"{\"jsonrpc\":\"2.0\",\"method\":\"balance\"},7,"
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"key.list\"}]");
	ck_assert_int_eq(w.status, 200);
	answers = parsed(w.reply);
	ck_assert_uint_eq(json_array_size(answers), 4);
	ck_assert_int_eq(json_int(json_array_get(answers, 0), "id"), 1);
	ck_assert_int_eq(json_int(json_array_get(answers, 1), "id"), 2);
	ck_assert_ptr_nonnull(json_object_get(json_array_get(answers, 2), "error"));
	ck_assert_int_eq(json_int(json_array_get(answers, 3), "id"), 3);
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(json_array_get(answers, 3), "result"), "keys")), 1);
}
END_TEST

START_TEST(batch_of_notifications_is_silent)
{
	rpc_world_body(&w, &admin,
		       "[{\"jsonrpc\":\"2.0\",\"method\":\"balance\"},{\"jsonrpc\":\"2.0\",\"method\":\"status\"}]");
	ck_assert_int_eq(w.status, 204);
	ck_assert_str_eq(w.reply, "");
}
END_TEST

static const char *batch_of(unsigned n)
{
	struct buf text = BUF_CAP(65536);
	const char *copy;

	buf_text_add(&text, "[");
	for (unsigned i = 0; i < n; i++)
		buf_printf(&text, "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"balance\"}", i ? "," : "", i);
	buf_text_add(&text, "]");
	copy = arena_strdup(&w.arena, buf_text(&text));
	buf_done(&text);
	return copy;
}

START_TEST(batch_limit)
{
	rpc_world_body(&w, &admin, batch_of(100));
	ck_assert_uint_eq(json_array_size(parsed(w.reply)), 100);
	rpc_world_body(&w, &admin, batch_of(101));
	ck_assert_int_eq(json_int(json_object_get(parsed(w.reply), "error"), "code"), -32600);
}
END_TEST

START_TEST(same_key_twice_in_a_batch_runs_once)
{
	json_t *answers;

	rpc_world_body(&w, &admin,
		       "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\","
		       "\"params\":{\"amount\":5},\"idempotency_key\":\"k\"}},"
		       "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\","
		       "\"params\":{\"amount\":5},\"idempotency_key\":\"k\"}}]");
	answers = parsed(w.reply);
	ck_assert_str_eq(json_str(json_object_get(json_array_get(answers, 0), "result"), "id"),
			 json_str(json_object_get(json_array_get(answers, 1), "result"), "id"));
	ck_assert(json_is_true(json_object_get(json_object_get(json_array_get(answers, 1), "result"), "replayed")));
}
END_TEST

/* --- scopes --- */

static const struct {
	const char *method, *params;
	enum rpc_scope needs;
} scopes[] = {
	{ "status", "{}", RPC_READ },
	{ "help", "{}", RPC_READ },
	{ "rpc.discover", "{}", RPC_READ },
	{ "action.wake", "{\"id\":\"x\"}", RPC_RECEIVE },
	{ "action.start", "{\"kind\":\"cashu_issue\"}", RPC_RECEIVE },
	{ "action.start", "{\"kind\":\"cashu_receive\",\"params\":{\"trust\":true}}", RPC_SPEND },
	{ "action.start", "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1}}", RPC_SPEND },
	{ "action.start", "{\"kind\":\"cashu_send\",\"dry_run\":true}", RPC_SPEND },
	{ "action.start", "{\"kind\":\"cashu_mint_sync\"}", RPC_SPEND },
	{ "action.cancel", "{\"id\":\"x\"}", RPC_SPEND },
	{ "mint.add", "{\"url\":\"http://127.0.0.1:1\"}", RPC_SPEND },
	{ "stop", "{}", RPC_ADMIN },
	{ "log.level", "{}", RPC_ADMIN },
	{ "config.show", "{}", RPC_ADMIN },
	{ "key.create", "{\"name\":\"x\",\"scope\":\"read\"}", RPC_ADMIN },
	{ "key.list", "{}", RPC_ADMIN },
	{ "key.rotate", "{\"name\":\"x\"}", RPC_ADMIN },
	{ "key.revoke", "{\"name\":\"x\"}", RPC_ADMIN },
	{ "wallet.create", "{}", RPC_ADMIN },
	{ "wallet.restore", "{\"mnemonic\":\"x\"}", RPC_ADMIN },
	{ "wallet.unlock", "{}", RPC_ADMIN },
	{ "wallet.lock", "{}", RPC_ADMIN },
	{ "backup.create", "{\"path\":\"x\"}", RPC_ADMIN },
	{ "backup.verify", "{\"path\":\"/x\"}", RPC_ADMIN },
};

START_TEST(scope_is_required)
{
	for (enum rpc_scope s = RPC_READ; s <= RPC_ADMIN; s++) {
		struct rpc_caller c = rpc_world_caller(s);
		const char *text = arena_printf(&w.arena,
						"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}",
						scopes[_i].method, scopes[_i].params);
		bool forbidden;

		rpc_world_body(&w, &c, text);
		forbidden = strstr(w.reply, "\"code\":-32010") != NULL;
		ck_assert_msg(forbidden == (s < scopes[_i].needs), "%s as %s: %s", scopes[_i].method, rpc_scope_name(s),
			      w.reply);
		ck_assert_int_eq(w.status, forbidden ? 403 : 200);
	}
}
END_TEST

START_TEST(forbidden_in_a_batch_is_200)
{
	struct rpc_caller c = rpc_world_caller(RPC_READ);

	rpc_world_body(&w, &c, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\"}]");
	ck_assert_int_eq(w.status, 200);
	ck_assert_ptr_nonnull(strstr(w.reply, "\"kind\":\"forbidden\""));
}
END_TEST

/* --- a client that leaves --- */

START_TEST(nothing_begins_for_a_client_who_left)
{
	w.client_gone = true;
	rpc_world_body(&w, &admin,
		       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\","
		       "\"params\":{\"amount\":5},\"idempotency_key\":\"k\"}}");
	ck_assert_ptr_nonnull(strstr(w.reply, "\"kind\":\"cancelled\""));
	w.client_gone = false;
	ck_assert_uint_eq(json_array_size(json_object_get(rpc_world_result(&w, "action.list", "{}"), "actions")), 0);
	/* And the key is still free. */
	ck_assert_ptr_null(json_object_get(rpc_world_result(&w, "action.start",
							    "{\"kind\":\"cashu_send\",\"params\":{\"amount\":5},"
							    "\"idempotency_key\":\"k\"}"),
					   "replayed"));
}
END_TEST

START_TEST(what_has_begun_is_found_by_its_key)
{
	struct rpc_body *b = rpc_world_begin(
		&w, &admin,
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\","
		"\"params\":{\"amount\":5},\"idempotency_key\":\"k\"}},"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"stop\"}]");

	ck_assert_ptr_nonnull(b);
	rpc_body_abandon(b);
	rpc_world_run(&w, 50, NULL);
	ck_assert_int_eq(w.status, -1);
	ck_assert_uint_eq(w.stops, 0); /* the second call had not begun */
	ck_assert_str_eq(json_str(rpc_world_result(&w, "action.get", "{\"idempotency_key\":\"k\"}"), "kind"),
			 "cashu_send");
}
END_TEST

START_TEST(a_wait_ends_with_its_client)
{
	struct rpc_body *b = rpc_world_begin(
		&w, &admin, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":{\"after\":1000}}");
	struct executor_stats st;

	ck_assert_ptr_nonnull(b);
	rpc_body_abandon(b);
	b = rpc_world_begin(
		&w, &admin,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{\"kind\":\"cashu_send\","
		"\"params\":{\"amount\":5},\"wait\":\"done\"}}");
	ck_assert_ptr_nonnull(b);
	rpc_world_run(&w, 50, NULL);
	executor_stats(w.executor, &st);
	ck_assert_uint_eq(st.waiters, 1);
	rpc_body_abandon(b);
	executor_stats(w.executor, &st);
	ck_assert_uint_eq(st.waiters, 0);
	ck_assert(rpc_server_idle(w.server));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dispatch");
	TCase *t = tcase_create("dispatch");

	tcase_add_checked_fixture(t, open_world, close_world);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, one_answer, 0, ARRAY_LEN(bodies));
	tcase_add_test(t, names_the_nearest);
	tcase_add_test(t, batch_in_order);
	tcase_add_test(t, batch_of_notifications_is_silent);
	tcase_add_test(t, batch_limit);
	tcase_add_test(t, same_key_twice_in_a_batch_runs_once);
	tcase_add_loop_test(t, scope_is_required, 0, ARRAY_LEN(scopes));
	tcase_add_test(t, forbidden_in_a_batch_is_200);
	tcase_add_test(t, nothing_begins_for_a_client_who_left);
	tcase_add_test(t, what_has_begun_is_found_by_its_key);
	tcase_add_test(t, a_wait_ends_with_its_client);
	suite_add_tcase(s, t);
	return suite_run(s);
}
