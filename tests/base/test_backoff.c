/* Vectors: tests/vectors/evm/replacement.json (the exponential caps). */
#include "base/backoff.h"

#include "base/rng.h"
#include "base/scope.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct {
	uint32_t attempts;
	int64_t want_ms;
} cases[] = {
	{ 0, 0 },       { 1, 1000 },       { 2, 4000 },
	{ 3, 9000 },    { 24, 576000 },    { 25, 600000 },
	{ 26, 600000 }, { 65536, 600000 }, { UINT32_MAX, 600000 },
};

START_TEST(waits)
{
	ck_assert_int_eq(backoff_ms(cases[_i].attempts), cases[_i].want_ms);
}
END_TEST

START_TEST(waits_never_shrink)
{
	for (uint32_t n = 1; n < 100; n++)
		ck_assert_int_ge(backoff_ms(n + 1), backoff_ms(n));
}
END_TEST

START_TEST(exponential_caps)
{
	json_t *list = json_object_get(vectors_load("evm/replacement.json"), "backoff_ms"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 14);
	json_array_foreach(list, i, v) ck_assert_int_eq(backoff_exponential_cap_ms((uint32_t)vec_u64(v, "attempts")),
							(int64_t)vec_u64(v, "cap"));
	ck_assert_int_eq(backoff_exponential_cap_ms(0), 0);
	ck_assert_int_eq(backoff_exponential_cap_ms(32), 300000);
	ck_assert_int_eq(backoff_exponential_cap_ms(65), 300000);
	ck_assert_int_eq(backoff_exponential_cap_ms(UINT32_MAX), 300000);
}
END_TEST

static const int64_t caps[] = { 0, 1, 2, 3, 10, 1000, 300000 };

/* Every wait from half the cap to the cap, and no other. */
START_TEST(jittered_waits)
{
	int64_t cap = caps[_i], least = cap, most = 0;

	rng_seed_for_test(11);
	for (int i = 0; i < 2000; i++) {
		int64_t ms = backoff_jittered_ms(cap);

		ck_assert_int_ge(ms, cap / 2);
		ck_assert_int_le(ms, cap);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	rng_seed_for_test(0);
	ck_assert_int_le(least - cap / 2, cap / 100);
	ck_assert_int_le(cap - most, cap / 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/backoff");
	TCase *t = tcase_create("waits");

	tcase_add_loop_test(t, waits, 0, ARRAY_LEN(cases));
	tcase_add_test(t, waits_never_shrink);
	tcase_add_loop_test(t, jittered_waits, 0, ARRAY_LEN(caps));
	suite_add_tcase(s, t);
	tcase_add_test(rails_case(s, "vectors"), exponential_caps);
	return suite_run(s);
}
