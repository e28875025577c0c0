#include "store/wallet_store.h"

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

static int wallet(struct unit *u, void *ctx, struct err *err)
{
	static const uint8_t sealed[] = { 0, 1, 0, 255 };
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct wallet_row row = { .sealed = { sealed, sizeof(sealed) },
				  .encrypted = true,
				  .fingerprint = "00c0ffee",
				  .restored = false,
				  .created_at_ms = 1000 },
			  got;

	(void)ctx;
	FAILS(wallet_store_get(unit_view(u), &a, &got, err), ERR_NO_WALLET);
	OK(wallet_store_add(u, &row, err));
	row.fingerprint = "other";
	FAILS(wallet_store_add(u, &row, err), ERR_WALLET_EXISTS);
	OK(wallet_store_get(unit_view(u), &a, &got, err));
	ck_assert(bytes_equal(got.sealed, (struct bytes){ sealed, sizeof(sealed) }));
	ck_assert(got.encrypted && !got.restored);
	ck_assert_str_eq(got.fingerprint, "00c0ffee");
	ck_assert_int_eq(got.created_at_ms, 1000);
	return 0;
}

START_TEST(one_wallet)
{
	scratch_unit(&scratch, wallet, NULL);
}
END_TEST

static int facts(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	const char *text = "as it was";

	(void)ctx;
	ck_assert_int_eq(meta_get(unit_view(u), &a, "test.fact", &text, err), 0);
	ck_assert_str_eq(text, "as it was");
	OK(meta_set(u, "test.fact", "one", err));
	OK(meta_set(u, "test.fact", "two", err));
	OK(meta_set(u, "test.other", "three", err));
	ck_assert_int_eq(meta_get(unit_view(u), &a, "test.fact", &text, err), 1);
	ck_assert_str_eq(text, "two");
	return 0;
}

START_TEST(facts_are_kept)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct err e, *err = &e;
	const char *text;

	scratch_unit(&scratch, facts, NULL);
	scratch_reopen(&scratch);
	ck_assert_int_eq(meta_get(store_view(scratch.store), &a, "test.other", &text, err), 1);
	ck_assert_str_eq(text, "three");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/wallet_store");
	TCase *tc = tcase_create("wallet");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_wallet);
	tcase_add_test(tc, facts_are_kept);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
