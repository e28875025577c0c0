#include "store/credential_store.h"

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

static const struct credential_row shop = {
	.name = "shop",
	.scope = 3,
	.salt = { 1, 2 },
	.hash = { { 3, 4 } },
	.budget_hour_sat = 100,
	.budget_day_sat = -1,
	.created_at_ms = 1000,
};

/* The n-th key as listed. */
static struct credential_row listed(struct view v, struct arena *a, size_t i, size_t expected)
{
	struct credential_row *rows;
	struct err e, *err = &e;
	size_t n;

	OK(credential_list(v, a, &rows, &n, err));
	ck_assert_uint_eq(n, expected);
	return rows[i];
}

static int life(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct credential_row row = shop, got, *none;
	static const uint8_t salt[16] = { 9 };
	static const struct hash32 hash = { { 8 } };
	int64_t id, second;
	size_t n;

	(void)ctx;
	OK(credential_list(unit_view(u), &a, &none, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(credential_add(u, &row, &id, err));
	FAILS(credential_add(u, &row, &second, err), ERR_EXISTS);
	row.name = "bot";
	OK(credential_add(u, &row, &second, err));
	ck_assert_int_ne(id, second);

	got = listed(unit_view(u), &a, 0, 2);
	ck_assert_int_eq(got.id, id);
	ck_assert_str_eq(got.name, "shop");
	ck_assert_int_eq(got.scope, 3);
	ck_assert_mem_eq(got.salt, shop.salt, 16);
	ck_assert_mem_eq(got.hash.b, shop.hash.b, 32);
	ck_assert_int_eq(got.budget_hour_sat, 100);
	ck_assert_int_eq(got.budget_day_sat, -1);
	ck_assert_int_eq(got.created_at_ms, 1000);
	ck_assert_int_eq(got.revoked_at_ms, 0);
	ck_assert_int_eq(got.last_used_ms, 0);

	OK(credential_rotate(u, "shop", salt, &hash, err));
	OK(credential_used(u, id, 2000, err));
	OK(credential_used(u, id, 1500, err)); /* a late word changes nothing */
	got = listed(unit_view(u), &a, 0, 2);
	ck_assert_mem_eq(got.salt, salt, 16);
	ck_assert_mem_eq(got.hash.b, hash.b, 32);
	ck_assert_int_eq(got.last_used_ms, 2000);
	got = listed(unit_view(u), &a, 1, 2);
	ck_assert_mem_eq(got.salt, shop.salt, 16);
	ck_assert_int_eq(got.last_used_ms, 0);

	/* Revoked is for ever, and the name with it. */
	OK(credential_revoke(u, "shop", 3000, err));
	FAILS(credential_revoke(u, "shop", 4000, err), ERR_NOT_FOUND);
	FAILS(credential_rotate(u, "shop", salt, &hash, err), ERR_NOT_FOUND);
	FAILS(credential_rotate(u, "nobody", salt, &hash, err), ERR_NOT_FOUND);
	FAILS(credential_revoke(u, "nobody", 4000, err), ERR_NOT_FOUND);
	row.name = "shop";
	FAILS(credential_add(u, &row, &second, err), ERR_EXISTS);
	ck_assert_int_eq(listed(unit_view(u), &a, 0, 2).revoked_at_ms, 3000);
	ck_assert_int_eq(listed(unit_view(u), &a, 1, 2).revoked_at_ms, 0);
	return 0;
}

START_TEST(life_of_a_key)
{
	scratch_unit(&scratch, life, NULL);
}
END_TEST

static uint64_t since(struct unit *u, int64_t id, int64_t since_ms)
{
	struct err e, *err = &e;
	uint64_t sat;

	OK(credential_spent_since(unit_view(u), id, since_ms, &sat, err));
	return sat;
}

static int spends(struct unit *u, void *ctx, struct err *err)
{
	static const struct action_id act = { "a1" };
	struct credential_row row = shop;
	int64_t id, other;

	(void)ctx;
	OK(credential_add(u, &row, &id, err));
	row.name = "bot";
	OK(credential_add(u, &row, &other, err));
	ck_assert_uint_eq(since(u, id, 0), 0);
	OK(credential_spend_add(u, id, &act, 5, 1000, err));
	OK(credential_spend_add(u, id, &act, 7, 2000, err));
	OK(credential_spend_add(u, other, &act, 100, 2000, err));
	ck_assert_uint_eq(since(u, id, 0), 12);
	ck_assert_uint_eq(since(u, id, 1000), 12); /* inclusive */
	ck_assert_uint_eq(since(u, id, 1001), 7);
	ck_assert_uint_eq(since(u, id, 2001), 0);
	ck_assert_uint_eq(since(u, other, 0), 100);
	FAILS(credential_spend_add(u, id, &act, AMOUNT_MAX + 1, 3000, err), ERR_RANGE);
	ck_assert_uint_eq(since(u, id, 0), 12);
	return 0;
}

START_TEST(spends_add_up)
{
	scratch_unit(&scratch, spends, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/credential_store");
	TCase *tc = tcase_create("credentials");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, life_of_a_key);
	tcase_add_test(tc, spends_add_up);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
