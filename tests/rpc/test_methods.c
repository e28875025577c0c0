/* What the methods do, each with the ways in which it can be asked wrongly. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "rpc/dispatch.h"
#include "store/credential_store.h"
#include "store/event_store.h"
#include "store/movement_store.h"
#include "store/mint_store.h"
#include "store/proof_store.h"
#include "store/wallet_store.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

static struct rpc_world w;

static void open_world(void)
{
	rpc_world_open(&w, false);
}

static void close_world(void)
{
	rpc_world_close(&w);
}

static const char *kind_of(const json_t *error)
{
	return json_str(json_object_get(error, "data"), "kind");
}

static const char *field_of(const json_t *error)
{
	return json_str(json_object_get(error, "data"), "field");
}

static const char *text(const char *fmt, const char *a, const char *b)
{
	struct buf to = BUF_CAP(65536);
	const char *copy;

	for (; *fmt; fmt++) {
		if (*fmt == '@')
			buf_text_add(&to, a);
		else if (*fmt == '~')
			buf_text_add(&to, b);
		else
			buf_add(&to, fmt, 1);
	}
	copy = arena_strdup(&w.arena, buf_text(&to));
	buf_done(&to);
	return copy;
}

static json_t *start(const char *kind, const char *more)
{
	return rpc_world_result(&w, "action.start", text("{\"kind\":\"@\",\"params\":{\"amount\":5}~}", kind, more));
}

static void unit_now(int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx)
{
	struct err err;

	ck_assert_msg(store_unit_now(w.store, fn, ctx, &err) == 0, "%s", err.msg);
}

/* --- actions --- */

START_TEST(start_answers_with_the_action)
{
	static const char *const members[] = { "id",     "kind",  "status",        "state",         "version",
					       "params", "error", "created_at_ms", "updated_at_ms", "cancellable" };
	json_t *action = start("cashu_send", "");

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		ck_assert_msg(json_object_get(action, members[i]) != NULL, "%s", members[i]);
	ck_assert_str_eq(json_str(action, "status"), "running");
	ck_assert_int_eq(json_int(json_object_get(action, "params"), "amount"), 5);
}
END_TEST

START_TEST(start_waits)
{
	json_t *action = start("cashu_send", ",\"wait\":\"park\"");

	ck_assert_str_eq(json_str(action, "status"), "parked");
	ck_assert(json_is_null(json_object_get(action, "wake_at_ms")));
	ck_assert(json_is_true(json_object_get(action, "cancellable")));
	action = start("cashu_issue", ",\"wait\":\"done\"");
	ck_assert_str_eq(json_str(action, "status"), "done");
	ck_assert_int_eq(json_int(json_object_get(action, "result"), "amount"), 5);
	/* One that never ends is told as it stands. */
	action = start("cashu_send", ",\"wait\":\"done\",\"timeout_s\":1");
	ck_assert_str_eq(json_str(action, "status"), "parked");
}
END_TEST

static const struct {
	const char *params, *kind, *field;
} starts[] = {
	{ "{}", "invalid_params", "kind" },
	{ "{\"kind\":\"cashu_sent\"}", "invalid_params", "kind" },
	{ "{\"kind\":\"hidden\"}", "invalid_params", "kind" },
	{ "{\"kind\":\"cashu_send\",\"params\":{\"amont\":1}}", "invalid_params", "amont" },
	{ "{\"kind\":\"cashu_send\",\"params\":{\"amount\":\"1\"}}", "invalid_params", "amount" },
	{ "{\"kind\":\"cashu_send\",\"params\":{\"amount\":0}}", "invalid_params", "amount" },
	{ "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1.5}}", "invalid_params", "amount" },
	{ "{\"kind\":\"cashu_send\",\"params\":[1]}", "invalid_params", "params" },
	{ "{\"kind\":\"cashu_send\",\"wait\":\"soon\"}", "invalid_params", "wait" },
	{ "{\"kind\":\"cashu_send\",\"timeout_s\":301}", "invalid_params", "timeout_s" },
	{ "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1001}}", "insufficient_funds", "" },
	{ "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1001},\"dry_run\":true}", "insufficient_funds", "" },
};

START_TEST(start_refuses)
{
	json_t *error = rpc_world_error(&w, "action.start", starts[_i].params);

	ck_assert_msg(strcmp(kind_of(error), starts[_i].kind) == 0, "%s", w.reply);
	ck_assert_msg(strcmp(field_of(error), starts[_i].field) == 0, "%s", w.reply);
	ck_assert_uint_eq(json_array_size(json_object_get(rpc_world_result(&w, "action.list", "{}"), "actions")), 0);
}
END_TEST

START_TEST(get_tells_the_course)
{
	json_t *action = start("cashu_issue", ",\"wait\":\"done\""), *got;
	const char *id = json_str(action, "id");

	got = rpc_world_result(&w, "action.get", text("{\"id\":\"@\"}", id, ""));
	ck_assert_uint_gt(json_array_size(json_object_get(got, "transitions")), 0);
	ck_assert_str_eq(json_str(got, "status"), "done");
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "action.get", "{\"id\":\"nothing\"}")), "not_found");
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "action.get", "{\"id\":\"a b\"}")), "invalid_params");
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "action.get", "{}")), "invalid_params");
	ck_assert_str_eq(
		kind_of(rpc_world_error(&w, "action.get", text("{\"id\":\"@\",\"idempotency_key\":\"k\"}", id, ""))),
		"invalid_params");
}
END_TEST

START_TEST(get_waits_for_the_end)
{
	const char *id = json_str(start("cashu_send", ",\"wait\":\"park\""), "id");
	struct rpc_caller c = rpc_world_caller(RPC_READ);
	struct rpc_reply waiting;

	ck_assert_ptr_nonnull(rpc_world_begin_into(
		&w, &c,
		text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.get\",\"params\":{\"id\":\"@\",\"wait\":\"done\"}}",
		     id, ""),
		&waiting));
	rpc_world_run(&w, 20, NULL);
	ck_assert_int_eq(waiting.status, -1);
	rpc_world_result(&w, "action.cancel", text("{\"id\":\"@\"}", id, ""));
	rpc_world_run(&w, 50, NULL);
	ck_assert_int_eq(waiting.status, 200);
	ck_assert_ptr_nonnull(strstr(waiting.text, "\"status\":\"cancelled\""));
}
END_TEST

START_TEST(cancel)
{
	const char *id = json_str(start("cashu_send", ",\"wait\":\"park\""), "id");
	json_t *error, *action;

	action = rpc_world_result(&w, "action.cancel", text("{\"id\":\"@\",\"idempotency_key\":\"c\"}", id, ""));
	ck_assert_str_eq(json_str(action, "status"), "cancelled");
	ck_assert_str_eq(json_str(action, "funds_moved"), "no");
	action = rpc_world_result(&w, "action.cancel", text("{\"id\":\"@\",\"idempotency_key\":\"c\"}", id, ""));
	ck_assert(json_is_true(json_object_get(action, "replayed")));
	error = rpc_world_error(&w, "action.cancel", text("{\"id\":\"@\"}", id, ""));
	ck_assert_int_eq(json_int(error, "code"), -32008);
	ck_assert_str_eq(json_str(json_object_get(error, "data"), "action_id"), id);
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "action.cancel", "{\"id\":\"nothing\"}")), "not_found");
}
END_TEST

START_TEST(wake)
{
	const char *id = json_str(start("cashu_send", ",\"wait\":\"park\",\"idempotency_key\":\"k\""), "id");

	ck_assert_str_eq(json_str(rpc_world_result(&w, "action.wake", "{\"idempotency_key\":\"k\"}"), "id"), id);
	rpc_world_result(&w, "action.cancel", text("{\"id\":\"@\"}", id, ""));
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "action.wake", text("{\"id\":\"@\"}", id, ""))), "conflict");
}
END_TEST

START_TEST(explain_tells_a_story)
{
	const char *id = json_str(start("cashu_swap", ",\"wait\":\"park\""), "id");
	json_t *told = rpc_world_result(&w, "action.explain", text("{\"id\":\"@\"}", id, "")), *sentence;
	bool warned = false;
	size_t i;

	ck_assert_str_eq(json_str(told, "status"), "uncertain");
	json_array_foreach(json_object_get(told, "story"), i, sentence)
		warned |= strstr(json_string_value(sentence), "Do not start the same anew") != NULL;
	ck_assert(warned);
}
END_TEST

START_TEST(uncertain_is_said)
{
	json_t *action = start("cashu_swap", ",\"wait\":\"park\"");

	ck_assert_str_eq(json_str(action, "status"), "uncertain");
	ck_assert(json_is_false(json_object_get(action, "safe_to_retry")));
	ck_assert_ptr_nonnull(json_object_get(action, "resolves_by"));
	ck_assert_str_eq(json_str(json_object_get(action, "error"), "kind"), "timeout");
	ck_assert_int_gt(json_int(action, "wake_at_ms"), 0);
}
END_TEST

START_TEST(list_in_pages)
{
	char first[64], last[64] = "";
	json_t *page = NULL, *row;
	unsigned seen = 0, pages = 0;
	size_t i;

	for (int k = 0; k < 45; k++)
		start("cashu_send", "");
	start("cashu_issue", ",\"wait\":\"done\"");
	do {
		page = rpc_world_result(&w, "action.list",
					page ? text("{\"kind\":\"cashu_send\",\"limit\":30,\"after\":\"@\"}",
						    json_str(page, "next"), "")
					     : "{\"kind\":\"cashu_send\",\"limit\":30}");
		json_array_foreach(json_object_get(page, "actions"), i, row)
		{
			ck_assert_str_ne(json_str(row, "id"), last);
			snprintf(last, sizeof(last), "%s", json_str(row, "id"));
			if (seen++ == 0)
				snprintf(first, sizeof(first), "%s", last);
		}
		pages++;
	} while (!json_is_null(json_object_get(page, "next")));
	ck_assert_uint_eq(seen, 45);
	ck_assert_uint_eq(pages, 2);
	ck_assert_str_gt(first, last); /* newest first: ids sort by time */
	ck_assert_uint_eq(json_array_size(json_object_get(rpc_world_result(&w, "action.list", "{\"status\":\"done\"}"),
							  "actions")),
			  1);
	ck_assert_str_eq(field_of(rpc_world_error(&w, "action.list", "{\"after\":\"x\"}")), "after");
	ck_assert_str_eq(field_of(rpc_world_error(&w, "action.list", "{\"limit\":1001}")), "limit");
	ck_assert_str_eq(field_of(rpc_world_error(&w, "action.list", "{\"limit\":0}")), "limit");
}
END_TEST

START_TEST(kinds_hide_the_internal)
{
	json_t *kinds = json_object_get(rpc_world_result(&w, "action.kinds", "{}"), "kinds"), *kind;
	size_t i;

	ck_assert_uint_eq(json_array_size(kinds), 10);
	json_array_foreach(kinds, i, kind)
	{
		ck_assert_str_ne(json_str(kind, "kind"), "hidden");
		ck_assert_str_eq(json_str(kind, "scope"),
				 strcmp(json_str(kind, "kind"), "cashu_issue") == 0 ? "receive" : "spend");
		ck_assert_ptr_nonnull(json_object_get(json_object_get(kind, "params"), "properties"));
	}
}
END_TEST

START_TEST(tokens_are_for_spenders)
{
	const char *id = json_str(start("cashu_issue", ",\"wait\":\"done\""), "id");
	const char *get = text("{\"id\":\"@\"}", id, "");

	for (enum rpc_scope s = RPC_READ; s <= RPC_ADMIN; s++) {
		struct rpc_caller c = rpc_world_caller(s);
		json_t *result = json_object_get(rpc_world_result_for(&w, &c, "action.get", get), "result");

		ck_assert_str_eq(json_str(result, "token"), s < RPC_SPEND ? "" : "cashuBsecret");
		ck_assert(json_is_true(json_object_get(result, "token_hidden")) == (s < RPC_SPEND));
		rpc_world_result_for(&w, &c, "action.list", "{}");
		ck_assert((strstr(w.reply, "cashuBsecret") != NULL) == (s >= RPC_SPEND));
	}
}
END_TEST

static int paid_by_key(struct unit *u, void *ctx, struct err *err)
{
	return credential_spend_add(u, 1, ctx, 5, 1, err);
}

/* What others have made is no way around a budget. */
START_TEST(tokens_are_not_for_budgets)
{
	struct rpc_caller c = rpc_world_caller(RPC_SPEND);
	struct action_id id;
	struct err err;

	ck_assert(action_id_parse(json_str(start("cashu_issue", ",\"wait\":\"done\""), "id"), &id));
	rpc_world_result(&w, "key.create", "{\"name\":\"bot\",\"scope\":\"spend\",\"budget_day_sat\":100}");
	c.key_id = 1;
	for (int paid = 0; paid < 2; paid++)
		for (int i = 0; i < 3; i++) {
			bool shown = paid || i == 0;

			c.budget_hour_sat = i == 1 ? 100 : -1;
			c.budget_day_sat = i == 2 ? 0 : -1;
			rpc_world_result_for(&w, &c, "action.get", text("{\"id\":\"@\"}", id.s, ""));
			ck_assert((strstr(w.reply, "cashuBsecret") != NULL) == shown);
			rpc_world_result_for(&w, &c, "action.list", "{}");
			ck_assert((strstr(w.reply, "cashuBsecret") != NULL) == shown);
			if (i == 2)
				ck_assert(paid || store_unit_now(w.store, paid_by_key, &id, &err) == 0);
		}
}
END_TEST

/* The credential is the same, and may do less than when it was told the first time. */
START_TEST(tokens_in_old_answers)
{
	static const char call[] = "{\"kind\":\"cashu_issue\",\"wait\":\"done\",\"idempotency_key\":\"k\"}";
	struct rpc_caller c = rpc_world_caller(RPC_SPEND);

	rpc_world_result_for(&w, &c, "action.start", call);
	ck_assert_ptr_nonnull(strstr(w.reply, "cashuBsecret"));
	rpc_world_result_for(&w, &c, "action.start", call);
	ck_assert_ptr_nonnull(strstr(w.reply, "cashuBsecret"));
	c.scope = RPC_RECEIVE;
	rpc_world_result_for(&w, &c, "action.start", call);
	ck_assert_ptr_nonnull(strstr(w.reply, "replayed"));
	ck_assert_ptr_null(strstr(w.reply, "cashuBsecret"));
}
END_TEST

/* --- budgets --- */

START_TEST(budget)
{
	struct rpc_caller c = rpc_world_caller(RPC_SPEND);
	json_t *error;

	rpc_world_result(&w, "key.create", "{\"name\":\"bot\",\"scope\":\"spend\",\"budget_hour_sat\":100}");
	c.key_id = 1;
	c.budget_hour_sat = 100;
	rpc_world_result_for(&w, &c, "action.start", "{\"kind\":\"cashu_send\",\"params\":{\"amount\":60}}");
	error = rpc_world_error_for(&w, &c, "action.start",
				    "{\"kind\":\"cashu_send\",\"params\":{\"amount\":41},\"idempotency_key\":\"k\"}");
	ck_assert_int_eq(json_int(error, "code"), -32014);
	error = rpc_world_error_for(&w, &c, "action.start",
				    "{\"kind\":\"cashu_send\",\"params\":{\"amount\":41},\"dry_run\":true}");
	ck_assert_int_eq(json_int(error, "code"), -32014);
	error = rpc_world_error_for(&w, &c, "action.start",
				    "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1,\"unit\":\"usd\"}}");
	ck_assert_int_eq(json_int(error, "code"), -32014);
	rpc_world_result_for(&w, &c, "action.start",
			     "{\"kind\":\"cashu_send\",\"params\":{\"amount\":40},\"dry_run\":true}");
	rpc_world_result_for(&w, &c, "action.start", "{\"kind\":\"cashu_send\",\"params\":{\"amount\":40}}");
	rpc_world_error_for(&w, &c, "action.start", "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1}}");
	rpc_world_result_for(&w, &c, "action.start", "{\"kind\":\"cashu_issue\",\"params\":{\"amount\":500}}");
	ck_assert_uint_eq(json_array_size(json_object_get(
				  rpc_world_result(&w, "action.list", "{\"kind\":\"cashu_send\"}"), "actions")),
			  2);
	/* By the day it may still. */
	c.budget_hour_sat = -1;
	c.budget_day_sat = 101;
	rpc_world_result_for(&w, &c, "action.start", "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1}}");
	rpc_world_error_for(&w, &c, "action.start", "{\"kind\":\"cashu_send\",\"params\":{\"amount\":1}}");
}
END_TEST

/* --- keys --- */

static const struct {
	const char *method, *params, *kind, *field;
} key_errors[] = {
	{ "key.create", "{\"scope\":\"read\"}", "invalid_params", "name" },
	{ "key.create", "{\"name\":\"a b\",\"scope\":\"read\"}", "invalid_params", "name" },
	{ "key.create", "{\"name\":\"A\",\"scope\":\"read\"}", "invalid_params", "name" },
	{ "key.create", "{\"name\":\"__cookie__\",\"scope\":\"read\"}", "invalid_params", "name" },
	{ "key.create", "{\"name\":\"a\",\"scope\":\"root\"}", "invalid_params", "scope" },
	{ "key.create", "{\"name\":\"a\",\"scope\":\"read\",\"budget_day_sat\":5}", "invalid_params",
	  "budget_day_sat" },
	{ "key.create", "{\"name\":\"a\",\"scope\":\"spend\",\"budget_hour_sat\":-5}", "invalid_params",
	  "budget_hour_sat" },
	{ "key.rotate", "{\"name\":\"nobody\"}", "not_found", "name" },
	{ "key.revoke", "{\"name\":\"nobody\"}", "not_found", "name" },
};

START_TEST(key_refusals)
{
	json_t *error = rpc_world_error(&w, key_errors[_i].method, key_errors[_i].params);

	ck_assert_msg(strcmp(kind_of(error), key_errors[_i].kind) == 0, "%s", w.reply);
	ck_assert_msg(strcmp(field_of(error), key_errors[_i].field) == 0, "%s", w.reply);
}
END_TEST

START_TEST(keys_live_and_end)
{
	const char *first, *second;
	json_t *row;

	first = json_str(rpc_world_result(&w, "key.create", "{\"name\":\"shop\",\"scope\":\"receive\"}"), "key");
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "key.create", "{\"name\":\"shop\",\"scope\":\"read\"}")),
			 "conflict");
	second = json_str(rpc_world_result(&w, "key.rotate", "{\"name\":\"shop\"}"), "key");
	ck_assert_str_ne(first, second);
	rpc_world_result(&w, "key.revoke", "{\"name\":\"shop\"}");
	row = json_array_get(json_object_get(rpc_world_result(&w, "key.list", "{}"), "keys"), 0);
	ck_assert_ptr_null(strstr(w.reply, second + 5));
	ck_assert_str_eq(json_str(row, "scope"), "receive");
	ck_assert_int_gt(json_int(row, "revoked_at_ms"), 0);
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "key.create", "{\"name\":\"shop\",\"scope\":\"read\"}")),
			 "conflict");
}
END_TEST

/* --- events --- */

static int add_events(struct unit *u, void *ctx, struct err *err)
{
	for (int i = 0; i < *(int *)ctx; i++)
		if (event_append(u, i % 2 ? "test.odd" : "test.even", "x", "{\"token\":\"cashuBsecret\"}", err) != 0)
			return -1;
	return 0;
}

START_TEST(events_after_is_exclusive)
{
	int n = 7;
	json_t *page, *all;
	int64_t base;

	base = json_int(rpc_world_result(&w, "events", "{\"limit\":1000}"), "next");
	unit_now(add_events, &n);
	all = rpc_world_result(&w, "events", arena_printf(&w.arena, "{\"after\":%lld}", (long long)base));
	ck_assert_uint_eq(json_array_size(json_object_get(all, "events")), 7);
	ck_assert_int_eq(json_int(json_array_get(json_object_get(all, "events"), 0), "seq"), base + 1);
	ck_assert_int_eq(json_int(all, "next"), base + 7);
	page = rpc_world_result(&w, "events", arena_printf(&w.arena, "{\"after\":%lld}", (long long)base + 7));
	ck_assert_uint_eq(json_array_size(json_object_get(page, "events")), 0);
	ck_assert_int_eq(json_int(page, "next"), base + 7);
	page = rpc_world_result(
		&w, "events",
		arena_printf(&w.arena, "{\"after\":%lld,\"kinds\":\"test.odd\",\"limit\":2}", (long long)base));
	ck_assert_uint_eq(json_array_size(json_object_get(page, "events")), 2);
	ck_assert_int_eq(json_int(page, "next"), base + 4);
	ck_assert_str_eq(field_of(rpc_world_error(&w, "events", "{\"after\":-1}")), "after");
}
END_TEST

START_TEST(wait_answers_at_once_or_later)
{
	struct rpc_caller c = rpc_world_caller(RPC_READ);
	struct rpc_reply waiting;
	int n = 1;
	int64_t base;

	unit_now(add_events, &n);
	base = json_int(rpc_world_result(&w, "events", "{\"limit\":1000}"), "next");
	ck_assert_ptr_null(rpc_world_begin_into(
		&w, &c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":{\"after\":0,\"limit\":1}}",
		&waiting));
	ck_assert_int_eq(waiting.status, 200);
	ck_assert_ptr_nonnull(
		rpc_world_begin_into(&w, &c,
				     arena_printf(&w.arena,
						  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":"
						  "{\"after\":%lld,\"kinds\":\"test.odd\"}}",
						  (long long)base),
				     &waiting));
	rpc_world_run(&w, 20, NULL);
	unit_now(add_events, &n); /* an even one: not what it waits for */
	rpc_server_committed(w.server);
	rpc_world_run(&w, 20, NULL);
	ck_assert_int_eq(waiting.status, -1);
	n = 2;
	unit_now(add_events, &n);
	rpc_server_committed(w.server);
	rpc_world_run(&w, 20, NULL);
	ck_assert_int_eq(waiting.status, 200);
	ck_assert_ptr_nonnull(strstr(waiting.text, "test.odd"));
	ck_assert_ptr_null(strstr(waiting.text, "cashuBsecret"));
	ck_assert(rpc_server_idle(w.server));
}
END_TEST

START_TEST(wait_that_nothing_ends)
{
	struct rpc_caller c = rpc_world_caller(RPC_READ);
	int64_t base = json_int(rpc_world_result(&w, "events", "{\"limit\":1000}"), "next");
	struct rpc_reply waiting;

	ck_assert_ptr_nonnull(
		rpc_world_begin_into(&w, &c,
				     arena_printf(&w.arena,
						  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":"
						  "{\"after\":%lld,\"timeout_s\":1}}",
						  (long long)base),
				     &waiting));
	rpc_world_run(&w, 1100, NULL);
	ck_assert_int_eq(waiting.status, 200);
	ck_assert_ptr_nonnull(strstr(waiting.text, "\"events\":[]"));
	ck_assert_ptr_nonnull(strstr(waiting.text, arena_printf(&w.arena, "\"next\":%lld", (long long)base)));
}
END_TEST

START_TEST(stop_ends_the_waits)
{
	struct rpc_caller c = rpc_world_caller(RPC_SPEND);
	struct rpc_reply events, action;

	ck_assert_ptr_nonnull(rpc_world_begin_into(
		&w, &c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":{\"after\":1000}}", &events));
	ck_assert_ptr_nonnull(
		rpc_world_begin_into(&w, &c,
				     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":{"
				     "\"kind\":\"cashu_send\",\"params\":{\"amount\":1},\"wait\":\"done\"}}",
				     &action));
	rpc_world_run(&w, 50, NULL);
	ck_assert(!rpc_server_idle(w.server));
	rpc_world_result(&w, "stop", "{}");
	rpc_world_run(&w, 5, NULL);
	ck_assert_uint_eq(w.stops, 1);
	rpc_server_stop(w.server);
	rpc_world_run(&w, 50, NULL);
	ck_assert_int_eq(events.status, 200);
	ck_assert_int_eq(action.status, 200);
	ck_assert_ptr_nonnull(strstr(action.text, "\"status\":\"parked\""));
	ck_assert(rpc_server_idle(w.server));
}
END_TEST

START_TEST(stop_ends_a_batch)
{
	static const char *const entry =
		",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"key.create\",\"params\":{\"name\":\"k%d\",\"scope\":\"read\"}}";
	SCOPED(buf) struct buf batch = BUF_CAP(4096);
	struct rpc_caller c = rpc_world_caller(RPC_ADMIN);
	struct rpc_reply reply;

	buf_text_add(&batch, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":{\"after\":1000}}");
	for (int i = 0; i < 9; i++)
		buf_printf(&batch, entry, i);
	buf_text_add(&batch, "]");
	ck_assert_ptr_nonnull(rpc_world_begin_into(&w, &c, buf_text(&batch), &reply));
	rpc_world_run(&w, 20, NULL);
	rpc_server_stop(w.server);
	rpc_world_run(&w, 20, NULL);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_ptr_nonnull(strstr(reply.text, "\"events\":[]"));
	ck_assert_ptr_nonnull(strstr(reply.text, "walletd is stopping"));
	ck_assert_uint_eq(json_array_size(json_object_get(rpc_world_result(&w, "key.list", "{}"), "keys")), 0);
}
END_TEST

/* --- the ledger --- */

static int add_movements(struct unit *u, void *ctx, struct err *err)
{
	struct mint_row mint = { .url = "https://mint.example", .added_at_ms = 1 };
	struct currency sat;
	int64_t id;

	(void)ctx;
	ck_assert(currency_parse("sat", &sat));
	if (mint_store_add(u, &mint, &id, err) != 0)
		return -1;
	for (int i = 1; i <= 250; i++) {
		struct movement m = movement_begin(u, &(struct action_id){ "a" }, "ecash", "issue", id, sat, i);
		struct ecash amount;

		m.note = i == 1 ? "=1+1,\"x\"" : NULL;
		ck_assert(ecash_make(2, sat, &amount));
		if (movement_add(&m, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, amount, err) != 0 ||
		    movement_post(&m, err) != 0)
			return -1;
	}
	return 0;
}

START_TEST(balance_and_history)
{
	json_t *page, *row, *sat;
	unsigned n = 0;
	int64_t last = INT64_MAX;
	size_t i;

	unit_now(add_movements, NULL);
	sat = json_object_get(
		json_object_get(json_object_get(rpc_world_result(&w, "balance", "{}"), "balances"), "ecash"), "sat");
	ck_assert_int_eq(json_int(sat, "spendable"), 500);
	ck_assert_int_eq(json_int(sat, "total"), 500);
	ck_assert_int_eq(json_int(json_object_get(json_object_get(sat, "mints"), "https://mint.example"), "total"),
			 500);
	page = rpc_world_result(&w, "history", "{}");
	for (;;) {
		json_array_foreach(json_object_get(page, "movements"), i, row)
		{
			ck_assert_int_lt(json_int(row, "id"), last);
			last = json_int(row, "id");
			ck_assert_int_eq(json_int(row, "balance"), 500 - 2 * (int64_t)n);
			n++;
		}
		if (json_is_null(json_object_get(page, "next")))
			break;
		page = rpc_world_result(&w, "history", text("{\"after\":\"@\"}", json_str(page, "next"), ""));
	}
	ck_assert_uint_eq(n, 250);
	page = rpc_world_result(&w, "history", "{\"order\":\"oldest\",\"since_ms\":250}");
	ck_assert_uint_eq(json_array_size(json_object_get(page, "movements")), 1);
	ck_assert_uint_eq(
		json_array_size(json_object_get(rpc_world_result(&w, "history", "{\"rail\":\"none\"}"), "movements")),
		0);
}
END_TEST

START_TEST(export_adds_up)
{
	struct buf csv = BUF_CAP(1 << 20);
	json_t *page;
	unsigned lines = 0;

	unit_now(add_movements, NULL);
	page = rpc_world_result(&w, "history.export", "{\"limit\":100}");
	for (;;) {
		buf_text_add(&csv, json_str(page, "text"));
		if (json_is_null(json_object_get(page, "next")))
			break;
		page = rpc_world_result(&w, "history.export",
					text("{\"limit\":100,\"after\":\"@\"}", json_str(page, "next"), ""));
	}
	for (const char *p = buf_text(&csv); (p = strstr(p, "\r\n")); p += 2)
		lines++;
	ck_assert_uint_eq(lines, 251);
	ck_assert_int_eq(
		strncmp(buf_text(&csv), "id,at_ms,rail,kind,action_id,mint,unit,amount,fee,balance,note\r\n", 64), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&csv), ",\"'=1+1,\"\"x\"\"\"\r\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&csv), ",2,0,500,\"\"\r\n"));
	buf_done(&csv);
	page = rpc_world_result(&w, "history.export", "{\"format\":\"jsonl\",\"limit\":1}");
	ck_assert_str_eq(json_str(page, "format"), "jsonl");
	ck_assert_ptr_nonnull(strstr(json_str(page, "text"), "\"entries\":{"));
}
END_TEST

/* --- backups --- */

START_TEST(backup)
{
	const char *path = arena_printf(&w.arena, "%s/copy.db", w.disk.dir),
		   *params = text("{\"path\":\"@\"}", path, "");
	json_t *made, *checked;
	struct stat st;

	made = rpc_world_result(&w, "backup.create", text("{\"path\":\"@\",\"idempotency_key\":\"b\"}", path, ""));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(json_int(made, "bytes"), st.st_size);
	checked = rpc_world_result(&w, "backup.verify",
				   text("{\"path\":\"@\",\"sha256\":\"~\"}", path, json_str(made, "sha256")));
	ck_assert(json_is_true(json_object_get(checked, "valid")));
	made = rpc_world_result(&w, "backup.create", text("{\"path\":\"@\",\"idempotency_key\":\"b\"}", path, ""));
	ck_assert(json_is_true(json_object_get(made, "replayed")));
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "backup.create", params)), "conflict");
	ck_assert_str_eq(field_of(rpc_world_error(&w, "backup.create", "{\"path\":\"copy.db\"}")), "path");
	ck_assert_str_eq(field_of(rpc_world_error(&w, "backup.verify", "{\"path\":\"/nonexistent/x\"}")), "path");
	ck_assert_str_eq(
		field_of(rpc_world_error(&w, "backup.verify",
					 text("{\"path\":\"@\",\"sha256\":\"~\"}", path,
					      "0000000000000000000000000000000000000000000000000000000000000000"))),
		"sha256");
	ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
	ck_assert_str_eq(field_of(rpc_world_error(&w, "backup.verify", params)), "path");
	made = rpc_world_result(&w, "backup.create", "{}");
	ck_assert_int_eq(strncmp(json_str(made, "path"), w.disk.dir, strlen(w.disk.dir)), 0);
}
END_TEST

/* --- status --- */

static bool asks(json_t *status, const char *kind)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(status, "attention"), i, item) if (strcmp(json_str(item, "kind"), kind) == 0)
	{
		ck_assert_str_ne(json_str(item, "severity"), "");
		ck_assert_str_ne(json_str(item, "what"), "");
		ck_assert_str_ne(json_str(item, "next"), "");
		return true;
	}
	return false;
}

static int old_backup(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	return meta_set(u, "backup_at_ms", "1000", err);
}

static int troubled_mint(struct unit *u, void *ctx, struct err *err)
{
	struct mint_row mint = { .url = "https://mint.example", .trusted = true, .added_at_ms = 1 };
	int64_t id;

	(void)ctx;
	if (mint_store_add(u, &mint, &id, err) != 0)
		return -1;
	return mint_store_set_trouble(u, id, "peer_unavailable", 1000, err);
}

START_TEST(attention_says_what_to_do)
{
	json_t *status = rpc_world_result(&w, "status", "{}");
	struct err err;

	ck_assert(asks(status, "plaintext_seed"));
	ck_assert(asks(status, "no_backup"));
	ck_assert(!asks(status, "old_backup"));
	unit_now(old_backup, NULL);
	status = rpc_world_result(&w, "status", "{}");
	ck_assert(asks(status, "old_backup"));
	ck_assert(!asks(status, "no_backup"));
	rpc_world_result(&w, "backup.create", "{}");
	ck_assert(!asks(rpc_world_result(&w, "status", "{}"), "old_backup"));
	unit_now(troubled_mint, NULL);
	status = rpc_world_result(&w, "status", "{}");
	ck_assert(asks(status, "mint_trouble"));
	ck_assert_uint_eq(json_array_size(json_object_get(status, "peers")), 3); /* and the chain of this world */
	start("cashu_swap", ",\"wait\":\"park\"");
	ck_assert(asks(rpc_world_result(&w, "status", "{}"), "action_uncertain"));
	ERR(&err, ERR_INTERNAL, "they differ");
	rpc_server_ledger_checked(w.server, &err);
	ck_assert(asks(rpc_world_result(&w, "status", "{}"), "ledger_mismatch"));
	rpc_server_ledger_checked(w.server, NULL);
	ck_assert(!asks(rpc_world_result(&w, "status", "{}"), "ledger_mismatch"));
}
END_TEST

/* A mint that is not trusted any more, that lies, and that still has 21 sat of ours. */
static int lying_mint(struct unit *u, void *ctx, struct err *err)
{
	struct mint_row mint = { .url = "https://liar.example", .added_at_ms = 1 };
	struct proof proof = {
		.amount = 21, .keyset = { "00aaaaaaaaaaaaaa" }, .secret = "s", .y = { { 2, 7 } }, .c = { { 2 } }
	};
	struct movement mv;
	int64_t id;

	(void)ctx;
	if (mint_store_add(u, &mint, &id, err) != 0)
		return -1;
	mv = movement_begin(u, &(struct action_id){ "x" }, RAIL_ECASH, "receive", id, (struct currency){ "sat" }, 1000);
	if (proof_store_add(&mv, &proof, 1, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE, NULL, err) != 0 ||
	    movement_post(&mv, err) != 0)
		return -1;
	return mint_store_set_trouble(u, id, "peer_misbehaved", 1000, err);
}

START_TEST(attention_names_what_is_at_stake)
{
	const json_t *v, *stake = NULL;
	json_t *status;
	size_t i;

	unit_now(troubled_mint, NULL);
	unit_now(lying_mint, NULL);
	status = rpc_world_result(&w, "status", "{}");
	json_array_foreach(json_object_get(status, "attention"), i, v)
	{
		if (strcmp(json_str(v, "kind"), "mint_trouble") == 0)
			ck_assert_ptr_null(json_object_get(v, "at_stake"));
		if (strcmp(json_str(v, "kind"), "mint_misbehaves") == 0) {
			ck_assert_str_eq(json_str(v, "severity"), "critical");
			stake = json_object_get(v, "at_stake");
		}
	}
	ck_assert_ptr_nonnull(stake);
	ck_assert_int_eq(json_int(stake, "amount"), 21);
	ck_assert_str_eq(json_str(stake, "unit"), "sat");
}
END_TEST

/* Of 21 sat, 7 are in the hands of an action.  ctx: when their keyset expires. */
static int expiring_keyset(struct unit *u, void *ctx, struct err *err)
{
	const int64_t *at_s = ctx;
	struct mint_row mint = { .url = "https://mint.example", .trusted = true, .added_at_ms = 1, .synced_at_ms = 2 };
	struct keyset_key keys[] = { { 7, { { 2 } } }, { 14, { { 3 } } } };
	struct keyset ks = { .id = { "00aaaaaaaaaaaaaa" },
			     .unit = { "sat" },
			     .active = true,
			     .final_expiry_s = *at_s,
			     .keys = keys,
			     .n_keys = ARRAY_LEN(keys) };
	struct proof proofs[] = {
		{ .amount = 14, .keyset = { "00aaaaaaaaaaaaaa" }, .secret = "s", .y = { { 2, 7 } }, .c = { { 2 } } },
		{ .amount = 7, .keyset = { "00aaaaaaaaaaaaaa" }, .secret = "t", .y = { { 2, 8 } }, .c = { { 2 } } },
	};
	struct action_id holder = { "x" };
	struct movement mv;
	int64_t id;

	if (mint_store_add(u, &mint, &id, err) != 0 || keyset_store_put(u, id, &ks, 0, err) != 0)
		return -1;
	mv = movement_begin(u, &holder, RAIL_ECASH, "receive", id, ks.unit, 1000);
	if (proof_store_add(&mv, proofs, 1, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE, NULL, err) != 0 ||
	    proof_store_add(&mv, proofs + 1, 1, PROOF_LOCKED, &holder, ACCOUNT_OUTSIDE, NULL, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

static const struct {
	int64_t hours;
	const char *kind, *severity, *next;
} expiries[] = {
	{ 24 * 8, NULL, NULL, NULL },
	{ 24 * 6, "ecash_expires", "warning", "cashu_transfer from=https://mint.example" },
	{ 23, "ecash_expires", "critical", "cashu_transfer from=https://mint.example" },
	{ -1, "ecash_expired", "warning", "operator" },
	{ -24 * 31, "ecash_expired", "info", "operator" },
};

START_TEST(attention_to_ecash_that_expires)
{
	int64_t at_s = clock_now_ms() / 1000 + 3600 * expiries[_i].hours, amounts[] = { 14, 7 };
	const json_t *list;
	size_t i, n = 0;
	json_t *v;

	unit_now(expiring_keyset, &at_s);
	list = json_object_get(rpc_world_result(&w, "status", "{}"), "attention");
	json_array_foreach(list, i, v)
	{
		if (strncmp(json_str(v, "kind"), "ecash_expire", 12) != 0)
			continue;
		ck_assert(expiries[_i].kind && n < ARRAY_LEN(amounts));
		ck_assert_str_eq(json_str(v, "kind"), expiries[_i].kind);
		ck_assert_str_eq(json_str(v, "severity"), expiries[_i].severity);
		ck_assert_int_eq(json_int(json_object_get(v, "at_stake"), "amount"), amounts[n]);
		ck_assert_int_eq(json_int(v, "deadline_ms"), at_s * 1000);
		ck_assert_str_eq(json_str(v, "action_id"), n == 0 ? "" : "x");
		if (n++ == 0)
			ck_assert_ptr_nonnull(strstr(json_str(v, "next"), expiries[_i].next));
	}
	ck_assert_uint_eq(n, expiries[_i].kind ? 2 : 0);
}
END_TEST

/* A mint that is known, and at which nothing can be asked. */
static int known_mint(struct unit *u, void *ctx, struct err *err)
{
	struct mint_row mint = { .url = "https://mint.example", .trusted = true, .added_at_ms = 1, .synced_at_ms = 2 };
	int64_t id;

	(void)ctx;
	return mint_store_add(u, &mint, &id, err);
}

/* The one limit that mint.list shows. */
static const json_t *only_limit(void)
{
	json_t *mint = json_array_get(json_object_get(rpc_world_result(&w, "mint.list", "{}"), "mints"), 0);
	const json_t *limits = json_object_get(mint, "limits");

	ck_assert_uint_eq(json_array_size(limits), 1);
	return json_array_get(limits, 0);
}

START_TEST(limits_are_set)
{
	const json_t *limit;
	json_t *v;

	unit_now(known_mint, NULL);
	v = rpc_world_result(&w, "mint.set", "{\"url\":\"HTTPS://mint.example/\",\"max\":\"500\"}");
	ck_assert_str_eq(json_str(v, "url"), "https://mint.example");
	ck_assert(json_is_true(json_object_get(v, "trusted"))); /* as it was */
	ck_assert(json_equal(json_array_get(json_object_get(v, "limits"), 0), only_limit()));
	limit = only_limit();
	ck_assert_int_eq(json_int(limit, "max"), 500);
	ck_assert_int_eq(json_int(limit, "held"), 0);
	ck_assert_str_eq(json_str(limit, "unit"), "sat");
	ck_assert_str_eq(json_str(limit, "set_by"), "mint.set");

	rpc_world_result(&w, "mint.set", "{\"url\":\"https://mint.example\",\"limit\":\"none\",\"trusted\":false}");
	limit = only_limit();
	ck_assert(json_is_null(json_object_get(limit, "max")));
	v = rpc_world_result(&w, "mint.set", "{\"url\":\"https://mint.example\",\"limit\":\"default\"}");
	ck_assert_uint_eq(json_array_size(json_object_get(v, "limits")), 0);
	ck_assert(json_is_false(json_object_get(v, "trusted")));

	v = rpc_world_result(&w, "events", "{\"kinds\":\"mint.changed\"}");
	v = json_object_get(v, "events");
	ck_assert_uint_eq(json_array_size(v), 3);
	ck_assert_str_eq(json_str(json_array_get(v, 0), "subject"), "https://mint.example");
	v = json_object_get(json_array_get(v, 1), "data");
	ck_assert(json_is_false(json_object_get(v, "trusted")));
	ck_assert_str_eq(json_str(v, "limit"), "none");
}
END_TEST

START_TEST(status_says_all)
{
	static const char *const members[] = { "version", "network", "uptime_s", "wallet", "balances",
					       "tasks",   "peers",   "store",    "rpc",    "attention" };
	json_t *status = rpc_world_result(&w, "status", "{}");

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		ck_assert_msg(json_object_get(status, members[i]) != NULL, "%s", members[i]);
	ck_assert_str_eq(json_str(json_object_get(status, "wallet"), "state"), "unlocked");
	ck_assert_str_eq(json_str(json_object_get(status, "store"), "health"), "ok");
}
END_TEST

/* --- wallet, mints, tokens, proofs --- */

static const struct {
	const char *method, *params, *kind, *field;
	int64_t code;
} others[] = {
	{ "wallet.create", "{}", "wallet_exists", "", -32004 },
	{ "wallet.create", "{\"words\":13}", "invalid_params", "words", -32602 },
	{ "wallet.restore", "{}", "invalid_params", "mnemonic", -32602 },
	{ "wallet.restore", "{\"mnemonic\":\"zoo zoo zoo\"}", "bad_mnemonic", "mnemonic", -32602 },
	{ "wallet.unlock", "{\"passphrase\":5}", "invalid_params", "passphrase", -32602 },
	{ "wallet.lock", "{}", "unsupported", "", -32602 },
	{ "mint.add", "{}", "invalid_params", "url", -32602 },
	{ "mint.add", "{\"url\":\"https://mint.example\"}", "peer_unavailable", "", -32006 },
	{ "mint.set", "{\"url\":\"https://mint.example\",\"max\":1}", "unknown_mint", "url", -32003 },
	{ "mint.set", "{\"url\":\"https://mint.example\"}", "invalid_params", "max", -32602 },
	{ "mint.set", "{\"url\":\"https://mint.example\",\"max\":-1}", "invalid_params", "max", -32602 },
	{ "mint.set", "{\"url\":\"https://mint.example\",\"max\":1,\"limit\":\"none\"}", "invalid_params", "limit",
	  -32602 },
	{ "mint.set", "{\"url\":\"https://mint.example\",\"limit\":\"some\"}", "invalid_params", "limit", -32602 },
	{ "mint.set", "{\"url\":\"https://mint.example\",\"max\":1,\"unit\":\"SAT\"}", "invalid_params", "unit",
	  -32602 },
	{ "mint.set", "{\"url\":\"https://mint.example\",\"unit\":\"sat\",\"trusted\":true}", "invalid_params", "unit",
	  -32602 },
	{ "token.decode", "{}", "invalid_params", "token", -32602 },
	{ "token.decode", "{\"token\":\"cashuZ\"}", "malformed_token", "token", -32602 },
	{ "invoice.decode", "{}", "invalid_params", "invoice", -32602 },
	{ "invoice.decode", "{\"invoice\":\"lnbc1\"}", "bad_invoice", "invoice", -32602 },
	{ "proof.list", "{\"mint\":\"https://nowhere.example\"}", "unknown_mint", "mint", -32003 },
	{ "proof.list", "{\"state\":\"mine\"}", "invalid_params", "state", -32602 },
	{ "proof.list", "{\"after\":\"zz\"}", "invalid_params", "after", -32602 },
	{ "help", "{\"method\":\"wiat\"}", "not_found", "method", -32003 },
	{ "log.level", "{\"level\":\"loud\"}", "invalid_params", "level", -32602 },
};

START_TEST(other_refusals)
{
	json_t *error = rpc_world_error(&w, others[_i].method, others[_i].params);

	ck_assert_msg(strcmp(kind_of(error), others[_i].kind) == 0, "%s %s", others[_i].method, w.reply);
	ck_assert_msg(strcmp(field_of(error), others[_i].field) == 0, "%s %s", others[_i].method, w.reply);
	ck_assert_int_eq(json_int(error, "code"), others[_i].code);
}
END_TEST

/* Its terms are told, and why this wallet, which is on regtest, does not pay it. */
START_TEST(invoice_of_another_network)
{
	static const char donation[] =
		"lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5"
		"rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls0"
		"87fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";
	json_t *v = rpc_world_result(&w, "invoice.decode", text("{\"invoice\":\"@\"}", donation, ""));

	ck_assert_str_eq(json_str(v, "network"), "mainnet");
	ck_assert_ptr_null(json_object_get(v, "amount_msat"));
	ck_assert(json_is_false(json_object_get(v, "payable")));
	ck_assert_ptr_nonnull(strstr(json_str(v, "reason"), "regtest"));
}
END_TEST

START_TEST(every_method_answers_plainly)
{
	static const char *const plain[] = { "status",   "help",           "rpc.discover",  "config.show",
					     "key.list", "wallet.info",    "wallet.unlock", "balance",
					     "history",  "history.export", "action.kinds",  "action.list",
					     "events",   "mint.list",      "proof.list",    "log.level" };

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		ck_assert(json_is_object(rpc_world_result(&w, plain[i], "{}")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("methods");
	TCase *t = tcase_create("methods");

	tcase_add_checked_fixture(t, open_world, close_world);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, start_answers_with_the_action);
	tcase_add_test(t, start_waits);
	tcase_add_loop_test(t, start_refuses, 0, ARRAY_LEN(starts));
	tcase_add_test(t, get_tells_the_course);
	tcase_add_test(t, get_waits_for_the_end);
	tcase_add_test(t, cancel);
	tcase_add_test(t, wake);
	tcase_add_test(t, explain_tells_a_story);
	tcase_add_test(t, uncertain_is_said);
	tcase_add_test(t, list_in_pages);
	tcase_add_test(t, kinds_hide_the_internal);
	tcase_add_test(t, tokens_are_for_spenders);
	tcase_add_test(t, tokens_are_not_for_budgets);
	tcase_add_test(t, tokens_in_old_answers);
	tcase_add_test(t, budget);
	tcase_add_loop_test(t, key_refusals, 0, ARRAY_LEN(key_errors));
	tcase_add_test(t, keys_live_and_end);
	tcase_add_test(t, events_after_is_exclusive);
	tcase_add_test(t, wait_answers_at_once_or_later);
	tcase_add_test(t, wait_that_nothing_ends);
	tcase_add_test(t, stop_ends_the_waits);
	tcase_add_test(t, stop_ends_a_batch);
	tcase_add_test(t, balance_and_history);
	tcase_add_test(t, export_adds_up);
	tcase_add_test(t, backup);
	tcase_add_test(t, attention_says_what_to_do);
	tcase_add_test(t, attention_names_what_is_at_stake);
	tcase_add_loop_test(t, attention_to_ecash_that_expires, 0, ARRAY_LEN(expiries));
	tcase_add_test(t, limits_are_set);
	tcase_add_test(t, status_says_all);
	tcase_add_loop_test(t, other_refusals, 0, ARRAY_LEN(others));
	tcase_add_test(t, invoice_of_another_network);
	tcase_add_test(t, every_method_answers_plainly);
	suite_add_tcase(s, t);
	return suite_run(s);
}
