/* Idempotency: one key, one effect, one answer, for ever; and what is left out of it on purpose. */
#include <string.h>

#include "rpc/dispatch.h"
#include "store/call_store.h"
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

#define SEND(amount, more)                                                                                             \
	"{\"kind\":\"cashu_send\",\"params\":{\"amount\":" #amount "},\"idempotency_key\":\"k\"" more "}"

static size_t actions(void)
{
	return json_array_size(json_object_get(rpc_world_result(&w, "action.list", "{}"), "actions"));
}

static bool replayed(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "replayed"));
}

/* What is stored under (credential of an admin, key). */
static const char *stored(const char *key)
{
	struct call_row row;
	struct err err;

	if (call_store_find(store_view(w.store), &w.arena, "test:admin", key, &row, &err) != 1)
		return NULL;
	return row.response;
}

START_TEST(given_again)
{
	json_t *first = rpc_world_result(&w, "action.start", SEND(5, "")), *again;

	ck_assert(!replayed(first));
	rpc_world_run(&w, 20, NULL);
	again = rpc_world_result(&w, "action.start", SEND(5, ""));
	ck_assert(replayed(again));
	json_object_del(again, "replayed");
	ck_assert(json_equal(first, again)); /* as it was then, not as it is now */
	ck_assert_uint_eq(actions(), 1);
	ck_assert_str_eq(json_str(rpc_world_result(&w, "action.get", "{\"idempotency_key\":\"k\"}"), "id"),
			 json_str(first, "id"));
}
END_TEST

START_TEST(how_to_listen_is_not_what_to_do)
{
	json_t *first = rpc_world_result(&w, "action.start", SEND(5, ""));
	json_t *again = rpc_world_result(&w, "action.start", SEND(5, ",\"wait\":\"done\",\"timeout_s\":300"));

	ck_assert(replayed(again));
	ck_assert_str_eq(json_str(first, "id"), json_str(again, "id"));
}
END_TEST

START_TEST(by_position_is_the_same_call)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);

	rpc_world_result(&w, "action.start", SEND(5, ""));
	rpc_world_body(&w, &admin,
		       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":"
		       "[\"cashu_send\",{\"amount\":5},null,null,null,\"k\"]}");
	ck_assert_ptr_nonnull(strstr(w.reply, "\"replayed\":true"));
	ck_assert_uint_eq(actions(), 1);
}
END_TEST

static const struct {
	const char *method, *params;
} others[] = {
	{ "action.start", SEND(6, "") },
	{ "action.start", "{\"kind\":\"cashu_issue\",\"params\":{\"amount\":5},\"idempotency_key\":\"k\"}" },
	{ "action.start",
	  "{\"kind\":\"cashu_send\",\"params\":{\"amount\":5,\"unit\":\"sat\"},\"idempotency_key\":\"k\"}" },
	{ "key.revoke", "{\"name\":\"shop\",\"idempotency_key\":\"k\"}" },
};

START_TEST(other_parameters_are_refused)
{
	json_t *first = rpc_world_result(&w, "action.start", SEND(5, ""));
	json_t *error = rpc_world_error(&w, others[_i].method, others[_i].params);
	json_t *data = json_object_get(error, "data");

	ck_assert_int_eq(json_int(error, "code"), -32013);
	ck_assert_str_eq(json_str(data, "kind"), "idempotency_mismatch");
	ck_assert_str_eq(json_str(data, "field"), "idempotency_key");
	ck_assert_str_eq(json_str(data, "action_id"), json_str(first, "id"));
	ck_assert_uint_eq(actions(), 1);
}
END_TEST

START_TEST(each_caller_has_keys_of_its_own)
{
	struct rpc_caller spender = rpc_world_caller(RPC_SPEND);
	json_t *first = rpc_world_result(&w, "action.start", SEND(5, ""));
	json_t *second = rpc_world_result_for(&w, &spender, "action.start", SEND(5, ""));
	json_t *error;

	ck_assert(!replayed(second));
	ck_assert_str_ne(json_str(first, "id"), json_str(second, "id"));
	spender = rpc_world_caller(RPC_READ);
	error = rpc_world_error_for(&w, &spender, "action.get", "{\"idempotency_key\":\"k\"}");
	ck_assert_str_eq(json_str(json_object_get(error, "data"), "kind"), "not_found");
}
END_TEST

START_TEST(a_definite_error_is_an_answer)
{
	json_t *error = rpc_world_error(&w, "action.start", SEND(5000, ""));

	ck_assert_int_eq(json_int(error, "code"), -32005);
	ck_assert_ptr_nonnull(stored("k"));
	error = rpc_world_error(&w, "action.start", SEND(5000, ""));
	ck_assert_int_eq(json_int(error, "code"), -32005);
	ck_assert(replayed(json_object_get(error, "data")));
}
END_TEST

START_TEST(a_retryable_error_is_none)
{
	json_t *error;

	executor_set_keys(w.executor, NULL);
	error = rpc_world_error(&w, "action.start",
				"{\"kind\":\"cashu_issue\",\"params\":{\"amount\":5},\"idempotency_key\":\"k\"}");
	ck_assert_str_eq(json_str(json_object_get(error, "data"), "kind"), "wallet_locked");
	ck_assert(json_is_true(json_object_get(json_object_get(error, "data"), "retryable")));
	ck_assert_ptr_null(stored("k"));
	executor_set_keys(w.executor, wallet_keys(w.wallet));
	rpc_world_result(&w, "action.start",
			 "{\"kind\":\"cashu_issue\",\"params\":{\"amount\":5},\"idempotency_key\":\"k\"}");
}
END_TEST

START_TEST(a_wrong_parameter_uses_no_key_up)
{
	rpc_world_error(&w, "action.start", "{\"kind\":\"cashu_send\",\"amount\":5,\"idempotency_key\":\"k\"}");
	ck_assert_ptr_null(stored("k"));
}
END_TEST

START_TEST(a_rehearsal_uses_no_key_up)
{
	json_t *plan = rpc_world_result(&w, "action.start", SEND(5, ",\"dry_run\":true"));

	ck_assert(json_is_true(json_object_get(plan, "dry_run")));
	ck_assert_int_eq(json_int(json_object_get(plan, "plan"), "spend_sat"), 5);
	ck_assert_uint_eq(actions(), 0);
	ck_assert_ptr_null(stored("k"));
	ck_assert(!replayed(rpc_world_result(&w, "action.start", SEND(5, ""))));
	/* And is not mistaken for the call that used it. */
	plan = rpc_world_result(&w, "action.start", SEND(7, ",\"dry_run\":true"));
	ck_assert_int_eq(json_int(json_object_get(plan, "plan"), "spend_sat"), 7);
}
END_TEST

START_TEST(the_end_of_a_wait_becomes_the_answer)
{
	const char *params =
		"{\"kind\":\"cashu_issue\",\"params\":{\"amount\":5},\"wait\":\"done\",\"idempotency_key\":\"k\"}";
	json_t *first = rpc_world_result(&w, "action.start", params), *again;

	ck_assert_str_eq(json_str(first, "status"), "done");
	ck_assert_ptr_nonnull(strstr(stored("k"), "\"status\":\"done\""));
	again = rpc_world_result(&w, "action.start", params);
	ck_assert(replayed(again));
	ck_assert_str_eq(json_str(again, "status"), "done");
}
END_TEST

START_TEST(a_secret_is_shown_once)
{
	const char *params = "{\"name\":\"shop\",\"scope\":\"receive\",\"idempotency_key\":\"k\"}";
	json_t *first = rpc_world_result(&w, "key.create", params), *again;
	const char *key = json_str(first, "key");

	ck_assert_uint_eq(strlen(key), strlen("shop:") + 64);
	ck_assert_ptr_null(strstr(stored("k"), key + 5));
	again = rpc_world_result(&w, "key.create", params);
	ck_assert(replayed(again));
	ck_assert(json_is_null(json_object_get(again, "key")));
	ck_assert_str_eq(json_str(again, "name"), "shop");
	ck_assert_ptr_nonnull(strstr(json_str(again, "note"), "once"));
}
END_TEST

START_TEST(a_secret_is_not_in_the_hash)
{
	/* It would be a way to guess it.  The wallet exists, so the first answer is a refusal either way. */
	rpc_world_error(&w, "wallet.create", "{\"passphrase\":\"one\",\"idempotency_key\":\"k\"}");
	ck_assert(replayed(json_object_get(
		rpc_world_error(&w, "wallet.create", "{\"passphrase\":\"two\",\"idempotency_key\":\"k\"}"), "data")));
	ck_assert_int_eq(json_int(rpc_world_error(&w, "wallet.create",
						  "{\"passphrase\":\"one\",\"words\":24,\"idempotency_key\":\"k\"}"),
				  "code"),
			 -32013);
}
END_TEST

START_TEST(key_must_be_printable)
{
	static const char *const keys[] = { "", "\\u00e9", "a\\tb", "a\\u007f" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *error = rpc_world_error(&w, "action.start",
						arena_printf(&w.arena,
							     "{\"kind\":\"cashu_send\",\"params\":{\"amount\":5},"
							     "\"idempotency_key\":\"%s\"}",
							     keys[i]));

		ck_assert_int_eq(json_int(error, "code"), -32602);
		ck_assert_str_eq(json_str(json_object_get(error, "data"), "field"), "idempotency_key");
	}
	ck_assert_uint_eq(actions(), 0);
}
END_TEST

static const char twin[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"action.start\",\"params\":" SEND(5, "") "}";

/* Two connections, one turn of the loop, one key. */
START_TEST(twins)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);
	struct rpc_reply first, second;

	ck_assert_ptr_nonnull(rpc_world_begin_into(&w, &admin, twin, &first));
	ck_assert_ptr_nonnull(rpc_world_begin_into(&w, &admin, twin, &second));
	rpc_world_run(&w, 200, NULL);
	ck_assert_int_eq(first.status, 200);
	ck_assert_int_eq(second.status, 200);
	ck_assert_ptr_null(strstr(first.text, "\"replayed\""));
	ck_assert_ptr_nonnull(strstr(second.text, "\"replayed\":true"));
	ck_assert_uint_eq(actions(), 1);
}
END_TEST

START_TEST(a_twin_that_leaves)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);
	struct rpc_reply first, second;
	struct rpc_body *b;

	ck_assert_ptr_nonnull(rpc_world_begin_into(&w, &admin, twin, &first));
	b = rpc_world_begin_into(&w, &admin, twin, &second);
	ck_assert_ptr_nonnull(b);
	rpc_body_abandon(b);
	rpc_world_run(&w, 100, NULL);
	ck_assert_int_eq(first.status, 200);
	ck_assert_int_eq(second.status, -1);
	ck_assert_uint_eq(actions(), 1);
	ck_assert(rpc_server_idle(w.server));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("first_answer");
	TCase *t = tcase_create("first_answer");

	tcase_add_checked_fixture(t, open_world, close_world);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, given_again);
	tcase_add_test(t, how_to_listen_is_not_what_to_do);
	tcase_add_test(t, by_position_is_the_same_call);
	tcase_add_loop_test(t, other_parameters_are_refused, 0, ARRAY_LEN(others));
	tcase_add_test(t, each_caller_has_keys_of_its_own);
	tcase_add_test(t, a_definite_error_is_an_answer);
	tcase_add_test(t, a_retryable_error_is_none);
	tcase_add_test(t, a_wrong_parameter_uses_no_key_up);
	tcase_add_test(t, a_rehearsal_uses_no_key_up);
	tcase_add_test(t, the_end_of_a_wait_becomes_the_answer);
	tcase_add_test(t, a_secret_is_shown_once);
	tcase_add_test(t, a_secret_is_not_in_the_hash);
	tcase_add_test(t, key_must_be_printable);
	tcase_add_test(t, twins);
	tcase_add_test(t, a_twin_that_leaves);
	suite_add_tcase(s, t);
	return suite_run(s);
}
