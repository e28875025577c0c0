#include "store/melt_store.h"

#include <string.h>

#include "store/proof_store.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static const struct action_id alice = { "alice" }, bob = { "bob" };
static const struct currency sat = { "sat" };

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

static struct melt_quote_row quote(const char *id, uint8_t hash, const struct action_id *holder)
{
	struct melt_quote_row row = {
		.mint_id = 1,
		.id = id,
		.request = "lnbcrt1",
		.state = QUOTE_UNPAID,
		.expiry_s = 600,
		.fee_paid = ecash_zero(sat),
		.action = *holder,
		.holder = *holder,
		.created_at_ms = 1000,
		.updated_at_ms = 1000,
	};

	memset(row.payment_hash.b, hash, sizeof(row.payment_hash.b));
	ck_assert(ecash_make(21, sat, &row.amount) && ecash_make(2, sat, &row.fee_reserve));
	return row;
}

static int life(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct melt_quote_row row = quote("q1", 7, &alice), got;
	struct ecash fee;

	(void)ctx;
	ck_assert(ecash_make(1, sat, &fee));
	OK(melt_store_add(u, &row, err));
	FAILS(melt_store_add(u, &row, err), ERR_EXISTS);
	OK(melt_store_set_state(u, 1, "q1", QUOTE_PENDING, 1500, err));
	OK(melt_store_open(unit_view(u), &a, &row.payment_hash, &got, err));
	ck_assert_str_eq(got.id, "q1");
	ck_assert_int_eq(got.state, QUOTE_PENDING);
	ck_assert_int_eq(got.updated_at_ms, 1500);
	ck_assert_uint_eq(ecash_value(got.amount), 21);
	ck_assert_uint_eq(ecash_value(got.fee_reserve), 2);
	ck_assert_int_eq(got.expiry_s, 600);
	ck_assert_str_eq(got.request, "lnbcrt1");
	ck_assert_ptr_null(got.preimage);
	FAILS(melt_store_paid(unit_view(u), &a, &row.payment_hash, &got, err), ERR_NOT_FOUND);
	OK(melt_store_set_paid(u, 1, "q1", "00ff", fee, 2000, err));
	OK(melt_store_release(u, &alice, err));
	FAILS(melt_store_open(unit_view(u), &a, &row.payment_hash, &got, err), ERR_NOT_FOUND);
	OK(melt_store_paid(unit_view(u), &a, &row.payment_hash, &got, err));
	ck_assert_str_eq(got.preimage, "00ff");
	ck_assert_uint_eq(ecash_value(got.fee_paid), 1);
	ck_assert_str_eq(got.action.s, "alice"); /* also after it no longer holds it */
	ck_assert(action_id_is_empty(&got.holder));
	ck_assert(hash32_equal(&got.payment_hash, &row.payment_hash));
	OK(melt_store_get(unit_view(u), &a, 1, "q1", &got, err));
	FAILS(melt_store_get(unit_view(u), &a, 2, "q1", &got, err), ERR_NOT_FOUND);
	FAILS(melt_store_set_state(u, 1, "q2", QUOTE_PAID, 2000, err), ERR_NOT_FOUND);
	FAILS(melt_store_set_paid(u, 1, "q2", NULL, fee, 2000, err), ERR_NOT_FOUND);
	return 0;
}

START_TEST(life_of_a_quote)
{
	scratch_unit(&scratch, life, NULL);
}
END_TEST

/* Of one invoice, whatever the mint; those of another do not matter. */
static int one_open(struct unit *u, void *ctx, struct err *err)
{
	struct melt_quote_row first = quote("q1", 7, &alice), second = quote("q2", 7, &bob);
	struct melt_quote_row other = quote("q3", 8, &bob);

	(void)ctx;
	OK(melt_store_add(u, &first, err));
	second.mint_id = 2;
	FAILS(melt_store_add(u, &second, err), ERR_EXISTS);
	OK(melt_store_add(u, &other, err));
	OK(melt_store_release(u, &alice, err));
	OK(melt_store_add(u, &second, err));
	return 0;
}

START_TEST(one_open_payment_of_an_invoice)
{
	scratch_unit(&scratch, one_open, NULL);
}
END_TEST

static int batches(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct output made[4], *got;
	enum output_status status;
	uint32_t number;
	size_t n;

	(void)ctx;
	for (int i = 0; i < 4; i++) {
		made[i] = (struct output){ .amount = 1, .secret = "s", .purpose = OUTPUT_KEEP, .counter = i };
		snprintf(made[i].keyset.s, sizeof(made[i].keyset.s), "00aa");
		memset(made[i].b.b, i + 1, sizeof(made[i].b.b));
	}
	OK(output_store_number(unit_view(u), &alice, &number, err));
	ck_assert_uint_eq(number, 0);
	OK(output_store_add(u, &alice, 1, made, 1, 1000, err));
	OK(output_store_number(unit_view(u), &alice, &number, err));
	ck_assert_uint_eq(number, 1);
	OK(output_store_add(u, &alice, 1, made + 1, 3, 1000, err));
	OK(output_store_settle(u, &alice, (struct output_batch){ 1, 2 }, OUTPUT_ABANDONED, err));
	OK(output_store_open(unit_view(u), &a, &alice, OUTPUT_OPEN, &got, &n, err));
	ck_assert_uint_eq(n, 2);
	OK(output_store_batch(unit_view(u), &a, &alice, (struct output_batch){ 1, 3 }, &got, err));
	for (int i = 0; i < 3; i++)
		ck_assert(pubkey_equal(&got[i].b, &made[i + 1].b));
	ck_assert_int_eq(output_store_find(unit_view(u), &made[2].b, &status, err), 1);
	ck_assert_int_eq(status, OUTPUT_ABANDONED);
	OK(output_store_settle(u, &alice, (struct output_batch){ 2, 1 }, OUTPUT_SIGNED, err));
	ck_assert_int_eq(output_store_find(unit_view(u), &made[2].b, &status, err), 1);
	ck_assert_int_eq(status, OUTPUT_SIGNED);
	FAILS(output_store_batch(unit_view(u), &a, &alice, (struct output_batch){ 2, 3 }, &got, err), ERR_INTERNAL);
	return 0;
}

START_TEST(outputs_by_the_batch)
{
	scratch_unit(&scratch, batches, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/melt_store");
	TCase *tc = tcase_create("quotes");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, life_of_a_quote);
	tcase_add_test(tc, one_open_payment_of_an_invoice);
	tcase_add_test(tc, outputs_by_the_batch);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
