#include "rails/cashu/output.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct keyset_id id = { .s = "009a1f293253e41e" };

START_TEST(made)
{
	struct secret r = { .b = { [31] = 1 } };
	struct output o;
	char text[] = "test_message";

	ck_ok(output_make(&ra, &id, 8, text, &r, OUTPUT_FOR_PARENT, 42, &o, &rerr));
	/* B_ of cdk's end-to-end vector (tests/vectors/cashu/nut00_signing.json): with k = 1, C_ is B_. */
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ o.b.b, 33 }),
			 "025cc16fe33b953e2ace39653efb3e7a7049711ae1d8a2f7a9108753f1cdea742b");
	ck_assert_uint_eq(o.amount, 8);
	ck_assert(keyset_id_equal(&o.keyset, &id) && o.purpose == OUTPUT_FOR_PARENT && o.counter == 42);
	ck_assert_mem_eq(o.r.b, r.b, 32);
	text[0] = 'T';
	ck_assert_str_eq(o.secret, "test_message");
}
END_TEST

START_TEST(not_made)
{
	struct secret one = { .b = { [31] = 1 } }, zero = { 0 };
	struct output o = { .amount = 77 };

	ck_fails(output_make(&ra, &id, 8, "x", &zero, OUTPUT_KEEP, 0, &o, &rerr), ERR_CRYPTO);
	ck_fails(output_make(&ra, &id, 0, "x", &one, OUTPUT_KEEP, 0, &o, &rerr), ERR_RANGE);
	ck_fails(output_make(&ra, &id, AMOUNT_MAX + 1, "x", &one, OUTPUT_KEEP, 0, &o, &rerr), ERR_RANGE);
	ck_assert_uint_eq(o.amount, 77);
}
END_TEST

START_TEST(sums)
{
	struct output out[] = { { .amount = 1 }, { .amount = 2 }, { .amount = AMOUNT_MAX - 3 }, { .amount = 1 } };
	struct proof in[] = { { .amount = 1 }, { .amount = 2 }, { .amount = AMOUNT_MAX - 3 }, { .amount = 1 } };
	struct currency sat;
	struct ecash sum;

	ck_assert(currency_parse("sat", &sat));
	ck_ok(outputs_sum(out, 0, sat, &sum, &rerr));
	ck_assert(ecash_is_zero(sum));
	ck_ok(outputs_sum(out, 3, sat, &sum, &rerr));
	ck_assert_uint_eq(ecash_value(sum), AMOUNT_MAX);
	ck_fails(outputs_sum(out, 4, sat, &sum, &rerr), ERR_RANGE);
	ck_ok(proofs_sum(in, 3, sat, &sum, &rerr));
	ck_assert_uint_eq(ecash_value(sum), AMOUNT_MAX);
	ck_fails(proofs_sum(in, 4, sat, &sum, &rerr), ERR_RANGE);
	out[0].amount = UINT64_MAX;
	ck_fails(outputs_sum(out, 1, sat, &sum, &rerr), ERR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/output");
	TCase *c = rails_case(s, "output");

	tcase_add_test(c, made);
	tcase_add_test(c, not_made);
	tcase_add_test(c, sums);
	return suite_run(s);
}
