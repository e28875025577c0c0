#include "store/quote_store.h"

#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static const struct action_id alice = { "alice" }, bob = { "bob" };

static int two_mints(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	ck_assert_int_eq(scratch_mint(u, "https://a"), 1);
	ck_assert_int_eq(scratch_mint(u, "https://b"), 2);
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	scratch_unit(&scratch, two_mints, NULL);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

static int life(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct mint_quote_row row = { .mint_id = 1,
				      .id = "q1",
				      .request = "lnbc1",
				      .state = QUOTE_UNPAID,
				      .expiry_s = 600,
				      .key_index = 4,
				      .created_at_ms = 1000,
				      .updated_at_ms = 1000 },
			      got;

	(void)ctx;
	ck_assert(ecash_make(21, (struct currency){ "usd" }, &row.amount));
	OK(quote_store_add(u, &row, err));
	FAILS(quote_store_add(u, &row, err), ERR_EXISTS);
	row.mint_id = 2; /* another mint may use the same id */
	row.key_index = -1;
	row.holder = bob;
	OK(quote_store_add(u, &row, err));

	OK(quote_store_get(unit_view(u), &a, 1, "q1", &got, err));
	ck_assert_int_eq(got.mint_id, 1);
	ck_assert_str_eq(got.id, "q1");
	ck_assert_uint_eq(ecash_value(got.amount), 21);
	ck_assert_str_eq(got.amount.unit.s, "usd");
	ck_assert_str_eq(got.request, "lnbc1");
	ck_assert_int_eq(got.state, QUOTE_UNPAID);
	ck_assert_int_eq(got.expiry_s, 600);
	ck_assert_int_eq(got.key_index, 4);
	ck_assert(action_id_is_empty(&got.holder));
	ck_assert_int_eq(got.created_at_ms, 1000);
	ck_assert_int_eq(got.updated_at_ms, 1000);

	OK(quote_store_set_state(u, 1, "q1", QUOTE_PAID, 2000, err));
	OK(quote_store_get(unit_view(u), &a, 1, "q1", &got, err));
	ck_assert_int_eq(got.state, QUOTE_PAID);
	ck_assert_int_eq(got.created_at_ms, 1000);
	ck_assert_int_eq(got.updated_at_ms, 2000);
	OK(quote_store_get(unit_view(u), &a, 2, "q1", &got, err));
	ck_assert_int_eq(got.state, QUOTE_UNPAID);
	FAILS(quote_store_set_state(u, 1, "q2", QUOTE_PAID, 2000, err), ERR_NOT_FOUND);
	FAILS(quote_store_get(unit_view(u), &a, 1, "q2", &got, err), ERR_NOT_FOUND);
	return 0;
}

START_TEST(life_of_a_quote)
{
	scratch_unit(&scratch, life, NULL);
}
END_TEST

static int holding(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct mint_quote_row row = { .mint_id = 1, .id = "q1", .request = "", .state = QUOTE_PAID }, got;

	(void)ctx;
	row.amount = ecash_zero((struct currency){ "sat" });
	OK(quote_store_add(u, &row, err));
	FAILS(quote_store_by_holder(unit_view(u), &a, &alice, &got, err), ERR_NOT_FOUND);
	OK(quote_store_hold(u, 1, "q1", &alice, err));
	OK(quote_store_hold(u, 1, "q1", &alice, err)); /* again, by the same */
	FAILS(quote_store_hold(u, 1, "q1", &bob, err), ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(err->msg, "alice"));
	FAILS(quote_store_hold(u, 1, "q2", &bob, err), ERR_NOT_FOUND);
	FAILS(quote_store_hold(u, 2, "q1", &bob, err), ERR_NOT_FOUND);
	OK(quote_store_by_holder(unit_view(u), &a, &alice, &got, err));
	ck_assert_str_eq(got.id, "q1");
	ck_assert_str_eq(got.holder.s, "alice");

	OK(quote_store_release(u, &bob, err)); /* holds none */
	OK(quote_store_by_holder(unit_view(u), &a, &alice, &got, err));
	OK(quote_store_release(u, &alice, err));
	FAILS(quote_store_by_holder(unit_view(u), &a, &alice, &got, err), ERR_NOT_FOUND);
	OK(quote_store_hold(u, 1, "q1", &bob, err));
	return 0;
}

START_TEST(one_holder_at_a_time)
{
	scratch_unit(&scratch, holding, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/quote_store");
	TCase *tc = tcase_create("quotes");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, life_of_a_quote);
	tcase_add_test(tc, one_holder_at_a_time);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
