#include "store/call_store.h"

#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;

static void setup(void)
{
	scratch_open(&scratch);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

static const struct call_row first = {
	.credential = "cookie",
	.key = "k1",
	.method = "action.start",
	.params_hash = { { 1, 2, 3 } },
	.response = "{\"result\":{}}",
	.action = { "a1" },
	.at_ms = 1000,
};

static int add(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	return call_store_add(u, &first, err);
}

static int calls(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct call_row row = first, got;

	(void)ctx;
	ck_assert_int_eq(call_store_find(unit_view(u), &a, "cookie", "k1", &got, err), 0);
	OK(call_store_add(u, &row, err));
	FAILS(call_store_add(u, &row, err), ERR_EXISTS);

	/* The key is each credential's own. */
	row.credential = "shop";
	row.response = "{\"error\":{}}";
	row.action = (struct action_id){ "" };
	OK(call_store_add(u, &row, err));
	row.key = "k2";
	OK(call_store_add(u, &row, err));

	ck_assert_int_eq(call_store_find(unit_view(u), &a, "cookie", "k1", &got, err), 1);
	ck_assert_str_eq(got.credential, "cookie");
	ck_assert_str_eq(got.key, "k1");
	ck_assert_str_eq(got.method, "action.start");
	ck_assert_mem_eq(got.params_hash.b, first.params_hash.b, 32);
	ck_assert_str_eq(got.response, first.response);
	ck_assert_str_eq(got.action.s, "a1");
	ck_assert_int_eq(got.at_ms, 1000);

	OK(call_store_set_response(u, "shop", "k1", "{\"result\":1}", err));
	FAILS(call_store_set_response(u, "shop", "k3", "{}", err), ERR_NOT_FOUND);
	ck_assert_int_eq(call_store_find(unit_view(u), &a, "shop", "k1", &got, err), 1);
	ck_assert_str_eq(got.response, "{\"result\":1}");
	ck_assert(action_id_is_empty(&got.action));
	ck_assert_int_eq(call_store_find(unit_view(u), &a, "shop", "k2", &got, err), 1);
	ck_assert_str_eq(got.response, "{\"error\":{}}");
	ck_assert_int_eq(call_store_find(unit_view(u), &a, "cookie", "k1", &got, err), 1);
	ck_assert_str_eq(got.response, first.response);
	return 0;
}

START_TEST(first_answers)
{
	scratch_unit(&scratch, calls, NULL);
}
END_TEST

START_TEST(kept_for_ever)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct err e, *err = &e;
	struct call_row got;

	scratch_unit(&scratch, add, NULL);
	scratch_reopen(&scratch);
	FAILS(store_unit(scratch.store, add, NULL, NULL, err), ERR_EXISTS);
	ck_assert_int_eq(call_store_find(store_view(scratch.store), &a, "cookie", "k1", &got, err), 1);
	ck_assert_str_eq(got.response, first.response);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/call_store");
	TCase *tc = tcase_create("calls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_answers);
	tcase_add_test(tc, kept_for_ever);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
