/* Vectors: the tables of amounts in tests/vectors/ark/arkoor.json (bark's lib/src/arkoor/mod.rs and package.rs). */
#include "rails/ark/allot.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct ark_amounts amounts_of(const json_t *list)
{
	struct sat *v = ARENA_ARRAY(&ra, json_array_size(list), struct sat);

	for (size_t i = 0; i < json_array_size(list); i++)
		v[i].v = (uint64_t)json_integer_value(json_array_get(list, i));
	return (struct ark_amounts){ v, json_array_size(list) };
}

static void check_shares(struct ark_shares got, const json_t *list, const char *number)
{
	ck_assert_uint_eq(got.n, json_array_size(list));
	for (size_t i = 0; i < got.n; i++) {
		ck_assert_uint_eq(got.v[i].amount.v, vec_u64(json_array_get(list, i), "amount"));
		ck_assert_uint_eq(got.v[i].of, vec_u64(json_array_get(list, i), number));
	}
}

START_TEST(isolation)
{
	json_t *list = json_object_get(vectors_load("ark/arkoor.json"), "dust_isolation"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 10);
	json_array_foreach(list, i, v)
	{
		struct ark_amounts outputs = amounts_of(json_object_get(v, "outputs"));
		struct ark_shares shares = { ARENA_ARRAY(&ra, outputs.n, struct ark_share), outputs.n };
		struct ark_isolation got;

		for (size_t k = 0; k < outputs.n; k++)
			shares.v[k] = (struct ark_share){ outputs.v[k], k };
		ck_ok(ark_isolate_dust(&ra, shares, &got, &rerr));
		check_shares(got.normal, json_object_get(v, "normal"), "policy_of");
		check_shares(got.isolated, json_object_get(v, "isolated"), "policy_of");
	}
}
END_TEST

static enum err_code code_of(const char *error)
{
	if (strncmp(error, "Unbalanced", 10) == 0)
		return ERR_FUNDS;
	ck_assert_str_eq(error, "NoOutputs");
	return ERR_PARAM;
}

START_TEST(allocation)
{
	json_t *list = json_object_get(vectors_load("ark/arkoor.json"), "package_allocation"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 11);
	json_array_foreach(list, i, v)
	{
		struct ark_amounts inputs = amounts_of(json_object_get(v, "inputs"));
		struct ark_amounts outputs = amounts_of(json_object_get(v, "outputs"));
		struct ark_shares *got = ARENA_ARRAY(&ra, inputs.n, struct ark_shares);
		const json_t *expected = json_object_get(v, "allocation");
		int rc = ark_allot(&ra, inputs, outputs, got, &rerr);

		if (expected == NULL) {
			ck_fails(rc, code_of(vec_str(v, "error")));
			continue;
		}
		ck_ok(rc);
		ck_assert_uint_eq(inputs.n, json_array_size(expected));
		for (size_t k = 0; k < inputs.n; k++)
			check_shares(got[k], json_array_get(expected, k), "output");
	}
}
END_TEST

/* The note of the vectors: of 5000 and 1000, the second pays 700 and 300, and 30 of its 700 join the 300. */
START_TEST(both)
{
	static const struct sat in[] = { { 5000 }, { 1000 } }, out[] = { { 5700 }, { 300 } };
	struct ark_shares shares[2];
	struct ark_isolation got;

	ck_ok(ark_allot(&ra, (struct ark_amounts){ in, 2 }, (struct ark_amounts){ out, 2 }, shares, &rerr));
	ck_ok(ark_isolate_dust(&ra, shares[1], &got, &rerr));
	ck_assert_uint_eq(got.normal.n, 1);
	ck_assert_uint_eq(got.normal.v[0].amount.v, 670);
	ck_assert_uint_eq(got.isolated.n, 2);
	ck_assert_uint_eq(got.isolated.v[0].amount.v, 30);
	ck_assert_uint_eq(got.isolated.v[0].of, 0);
	ck_assert_uint_eq(got.isolated.v[1].amount.v, 300);
	ck_assert_uint_eq(got.isolated.v[1].of, 1);
}
END_TEST

START_TEST(refused)
{
	static const struct sat nothing[] = { { 5 }, { 0 } }, five[] = { { 5 } }, most[] = { { AMOUNT_MAX }, { 1 } };
	struct ark_shares got[2] = { 0 };

	ck_fails(ark_allot(&ra, (struct ark_amounts){ five, 1 }, (struct ark_amounts){ nothing, 2 }, got, &rerr),
		 ERR_PARAM);
	ck_fails(ark_allot(&ra, (struct ark_amounts){ nothing, 2 }, (struct ark_amounts){ five, 1 }, got, &rerr),
		 ERR_PARAM);
	ck_fails(ark_allot(&ra, (struct ark_amounts){ five, 0 }, (struct ark_amounts){ five, 1 }, got, &rerr),
		 ERR_FUNDS);
	ck_fails(ark_allot(&ra, (struct ark_amounts){ five, 1 }, (struct ark_amounts){ most, 2 }, got, &rerr),
		 ERR_RANGE);
	ck_assert_ptr_null(got[0].v);
}
END_TEST

START_TEST(as_many_as_fit)
{
	struct sat in[] = { { ARK_OUTPUTS_MAX }, { 1 } }, out[ARK_OUTPUTS_MAX + 1];
	struct ark_shares got[2];

	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		out[i].v = 1;
	ck_ok(ark_allot(&ra, (struct ark_amounts){ in, 2 }, (struct ark_amounts){ out, ARRAY_LEN(out) }, got, &rerr));
	ck_assert_uint_eq(got[0].n, ARK_OUTPUTS_MAX);
	ck_assert_uint_eq(got[1].n, 1);
	in[0].v++;
	ck_fails(ark_allot(&ra, (struct ark_amounts){ in, 1 }, (struct ark_amounts){ out, ARRAY_LEN(out) }, got, &rerr),
		 ERR_RANGE);
}
END_TEST

START_TEST(too_much_to_isolate)
{
	struct ark_share v[] = { { { AMOUNT_MAX }, 0 }, { { AMOUNT_MAX }, 1 }, { { 1 }, 2 } };
	struct ark_isolation got = { 0 };

	ck_fails(ark_isolate_dust(&ra, (struct ark_shares){ v, 3 }, &got, &rerr), ERR_RANGE);
	ck_assert_ptr_null(got.normal.v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/allot");
	TCase *c = rails_case(s, "allot");

	tcase_add_test(c, isolation);
	tcase_add_test(c, allocation);
	tcase_add_test(c, both);
	tcase_add_test(c, refused);
	tcase_add_test(c, as_many_as_fit);
	tcase_add_test(c, too_much_to_isolate);
	return suite_run(s);
}
