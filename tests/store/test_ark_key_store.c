#include "store/ark_key_store.h"

#include "tests/support/vtxo_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(64 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static int account(struct unit *u, void *ctx, struct err *err)
{
	const char *xpub;

	(void)ctx;
	ck_assert_int_eq(ark_account_get(unit_view(u), &arena, &xpub, err), 0);
	OK(ark_account_add(u, "xpub", err));
	OK(ark_account_add(u, "xpub", err)); /* again */
	ck_assert_int_eq(ark_account_get(unit_view(u), &arena, &xpub, err), 1);
	ck_assert_str_eq(xpub, "xpub");
	return ark_account_add(u, "another", err);
}

START_TEST(one_account)
{
	struct err e, *err = &e;

	FAILS(store_unit_now(scratch.store, account, NULL, err), ERR_EXISTS);
}
END_TEST

static void edge_is(struct unit *u, uint32_t derived, uint32_t known)
{
	struct ark_key_edge edge;
	struct err e, *err = &e;

	OK(ark_key_edge(unit_view(u), &edge, err));
	ck_assert_uint_eq(edge.derived, derived);
	ck_assert_uint_eq(edge.known, known);
}

static int keys(struct unit *u, void *ctx, struct err *err)
{
	struct pubkey key, third = ark_key(3), none = ark_key(40);
	uint32_t index;

	(void)ctx;
	edge_is(u, 0, 0);
	FAILS(ark_key_take(u, &index, &key, err), ERR_RANGE);
	ark_wallet(u, 5);
	edge_is(u, 5, 0);
	ck_assert_int_eq(ark_key_find(unit_view(u), &third, &index, err), 1);
	ck_assert_uint_eq(index, 3);
	ck_assert_int_eq(ark_key_find(unit_view(u), &none, &index, err), 0);
	OK(ark_key_take(u, &index, &key, err));
	ck_assert_uint_eq(index, 0);
	OK(ark_key_take(u, &index, &key, err));
	ck_assert_uint_eq(index, 1);
	ck_assert_uint_eq(key.b[32], 1);
	OK(ark_key_use(u, 3, err)); /* one that was found: those before it are never handed out */
	edge_is(u, 5, 4);
	OK(ark_key_take(u, &index, &key, err));
	ck_assert_uint_eq(index, 4);
	FAILS(ark_key_take(u, &index, &key, err), ERR_RANGE);
	FAILS(ark_key_use(u, 5, err), ERR_INTERNAL);
	FAILS(ark_key_add(u, 7, &none, err), ERR_INTERNAL); /* a hole */
	FAILS(ark_key_add(u, 4, &none, err), ERR_INTERNAL); /* twice */
	return ark_key_add(u, 5, &third, err);              /* another index has it */
}

START_TEST(in_order_and_once)
{
	struct err e, *err = &e;

	ck_assert_int_eq(store_unit_now(scratch.store, keys, NULL, err), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/ark_key_store");
	TCase *c = tcase_create("ark_key_store");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, one_account);
	tcase_add_test(c, in_order_and_once);
	suite_add_tcase(s, c);
	return suite_run(s);
}
