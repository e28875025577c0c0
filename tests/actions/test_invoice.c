/* What an invoice is said to ask for.  Vectors: tests/vectors/lightning/bolt11.json, the examples of lightning/bolts
 * 11-payment-encoding.md. */
#include "actions/invoice.h"

#include <string.h>

#include "store/melt_store.h"
#include "tests/support/rails.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define MADE_AT 1496314658

enum { DONATION, COFFEE, NONSENSE, HASHED, TESTNET };

static struct scratch scratch;

static json_t *example(size_t i)
{
	return json_array_get(json_object_get(vectors_load("lightning/bolt11.json"), "valid"), i);
}

static json_t *described(size_t i, int64_t now_s)
{
	json_t *v;

	ck_ok(invoice_describe(store_view(scratch.store), &ra, vec_str(example(i), "invoice"), NETWORK_MAINNET, now_s,
			       &v, &rerr));
	return v;
}

static void setup(void)
{
	scratch_open(&scratch);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

START_TEST(terms)
{
	json_t *v = described(COFFEE, MADE_AT);

	ck_assert_str_eq(vec_str(v, "network"), "mainnet");
	ck_assert_uint_eq(vec_u64(v, "amount_msat"), 250000000);
	ck_assert_str_eq(vec_str(v, "description"), "1 cup coffee");
	ck_assert_str_eq(vec_str(v, "payment_hash"), vec_str(example(COFFEE), "payment_hash"));
	ck_assert_str_eq(vec_str(v, "payee"), vec_str(example(COFFEE), "payee"));
	ck_assert_int_eq(json_integer_value(json_object_get(v, "made_at_s")), MADE_AT);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "expires_at_s")), MADE_AT + 60);
	ck_assert(json_is_true(json_object_get(v, "payable")));
	ck_assert(json_is_false(json_object_get(v, "paid")));
	ck_assert_ptr_null(json_object_get(v, "reason"));
	ck_assert_ptr_null(json_object_get(v, "action_id"));
	ck_assert_ptr_null(json_object_get(v, "description_hash"));
}
END_TEST

START_TEST(what_may_be_absent)
{
	json_t *v = described(DONATION, MADE_AT);

	ck_assert_ptr_null(json_object_get(v, "amount_msat"));
	v = described(HASHED, MADE_AT);
	ck_assert(json_is_null(json_object_get(v, "description")));
	ck_assert_str_eq(vec_str(v, "description_hash"),
			 "3925b6f67e2c340036ed12093dd44e0368df1b6ea26c53dbe4811f58fd5db8c1");
}
END_TEST

START_TEST(not_payable)
{
	json_t *v = described(COFFEE, MADE_AT + 59);

	ck_assert(json_is_true(json_object_get(v, "payable")));
	v = described(COFFEE, MADE_AT + 60);
	ck_assert(json_is_false(json_object_get(v, "payable")));
	ck_assert_ptr_nonnull(strstr(vec_str(v, "reason"), "expired"));
	v = described(TESTNET, MADE_AT);
	ck_assert(json_is_false(json_object_get(v, "payable")));
	ck_assert_ptr_nonnull(strstr(vec_str(v, "reason"), "testnet4"));
}
END_TEST

static int begin(struct unit *u, void *ctx, struct err *err)
{
	struct melt_quote_row row = {
		.mint_id = scratch_mint(u, "https://a"),
		.id = "q1",
		.request = vec_str(example(COFFEE), "invoice"),
		.state = QUOTE_PENDING,
		.action = { "alice" },
		.holder = { "alice" },
	};

	(void)ctx;
	ck_assert(ecash_make(250000, (struct currency){ "sat" }, &row.amount));
	row.fee_reserve = row.fee_paid = ecash_zero((struct currency){ "sat" });
	vec_copy(example(COFFEE), "payment_hash", row.payment_hash.b, sizeof(row.payment_hash.b));
	return melt_store_add(u, &row, err);
}

static int end(struct unit *u, void *ctx, struct err *err)
{
	const struct action_id alice = { "alice" };

	(void)ctx;
	if (melt_store_set_paid(u, 1, "q1", "00", ecash_zero((struct currency){ "sat" }), 1, err) != 0)
		return -1;
	return melt_store_release(u, &alice, err);
}

START_TEST(ours)
{
	json_t *v;

	scratch_unit(&scratch, begin, NULL);
	v = described(COFFEE, MADE_AT);
	ck_assert(json_is_false(json_object_get(v, "paid")));
	ck_assert_str_eq(vec_str(v, "action_id"), "alice");
	scratch_unit(&scratch, end, NULL);
	v = described(COFFEE, MADE_AT);
	ck_assert(json_is_true(json_object_get(v, "paid")));
	ck_assert(json_is_false(json_object_get(v, "payable")));
	ck_assert_str_eq(vec_str(v, "action_id"), "alice");
}
END_TEST

START_TEST(refused)
{
	json_t *list = json_object_get(vectors_load("lightning/bolt11.json"), "invalid"), *bad, *v;
	size_t i;

	json_array_foreach(list, i, bad)
	{
		ck_fails(invoice_describe(store_view(scratch.store), &ra, vec_str(bad, "invoice"), NETWORK_MAINNET,
					  MADE_AT, &v, &rerr),
			 err_code_of(vec_str(bad, "expect")));
		ck_assert_str_eq(rerr.field, "invoice");
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("invoice");
	TCase *t = rails_case(s, "invoice");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, terms);
	tcase_add_test(t, what_may_be_absent);
	tcase_add_test(t, not_payable);
	tcase_add_test(t, ours);
	tcase_add_test(t, refused);
	return suite_run(s);
}
