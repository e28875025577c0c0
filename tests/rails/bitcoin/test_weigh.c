#include "rails/bitcoin/weigh.h"

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct {
	enum spk_type type;
	uint64_t weight; /* 0: nobody knows */
} inputs[] = {
	{ SPK_P2TR, 230 }, { SPK_P2WPKH, 272 }, { SPK_P2A, 165 },           { SPK_P2PKH, 593 },   { SPK_P2SH, 0 },
	{ SPK_P2WSH, 0 },  { SPK_OTHER, 0 },    { SPK_WITNESS_UNKNOWN, 0 }, { SPK_OP_RETURN, 0 },
};

START_TEST(an_input)
{
	struct weight w = { 42 };

	ck_assert(weigh_input(inputs[_i].type, &w) == (inputs[_i].weight != 0));
	ck_assert_uint_eq(w.v, inputs[_i].weight != 0 ? inputs[_i].weight : 42);
}
END_TEST

/* spec/exit.md §7.10 and §3.4. */
START_TEST(outputs_and_whole_transactions)
{
	static const uint8_t script[300];

	ck_assert_uint_eq(weigh_output((struct bytes){ script, 34 }).v, 172);
	ck_assert_uint_eq(weigh_output((struct bytes){ script, 22 }).v, 124);
	ck_assert_uint_eq(weigh_output((struct bytes){ script, 23 }).v, 128);
	ck_assert_uint_eq(weigh_output((struct bytes){ script, 25 }).v, 136);
	ck_assert_uint_eq(weigh_output((struct bytes){ script, 4 }).v, 52);
	ck_assert_uint_eq(weigh_output((struct bytes){ script, 253 }).v, 4 * (8 + 3 + 253));
	/* a child of an exit transaction with one input of ours; with the anchor alone */
	ck_assert_uint_eq(weigh_overhead(2, 1, true).v + 165 + 230 + 172, 609);
	ck_assert_uint_eq(weigh_overhead(1, 1, false).v + 164 + 172, 376);
	ck_assert_uint_eq(weigh_overhead(1, 1, true).v, 42);
	ck_assert_uint_eq(weigh_overhead(253, 252, true).v, 50);
	ck_assert_uint_eq(weigh_count_growth(1, 252).v, 0);
	ck_assert_uint_eq(weigh_count_growth(252, 253).v, 8);
	ck_assert_uint_eq(weigh_count_growth(0, 65536).v, 16);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/weigh");
	TCase *c = rails_case(s, "weigh");

	tcase_add_loop_test(c, an_input, 0, ARRAY_LEN(inputs));
	tcase_add_test(c, outputs_and_whole_transactions);
	return suite_run(s);
}
