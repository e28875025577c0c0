#include "base/backoff.h"

#include "base/scope.h"
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

int main(void)
{
	Suite *s = suite_create("base/backoff");
	TCase *t = tcase_create("waits");

	tcase_add_loop_test(t, waits, 0, ARRAY_LEN(cases));
	tcase_add_test(t, waits_never_shrink);
	suite_add_tcase(s, t);
	return suite_run(s);
}
