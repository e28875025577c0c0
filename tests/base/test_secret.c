#include "base/secret.h"

#include <signal.h>
#include <string.h>

#include "tests/support/suite.h"

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i] != 0)
			return false;
	return true;
}

START_TEST(wiping_leaves_zeros)
{
	struct secret s;
	struct seed seed;

	memset(&s, 0xaa, sizeof(s));
	memset(&seed, 0xaa, sizeof(seed));
	secret_wipe(&s, 16);
	ck_assert(is_zero(&s, 16));
	ck_assert_uint_eq(s.b[16], 0xaa);
	secret_scope_end(&s);
	seed_scope_end(&seed);
	ck_assert(is_zero(&s, sizeof(s)));
	ck_assert(is_zero(&seed, sizeof(seed)));
	secret_wipe(&s, 0);
}
END_TEST

START_TEST(comparing_sees_every_byte)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	ck_assert(ct_equal(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] = (uint8_t)(1 << bit);
			ck_assert(!ct_equal(a, b, sizeof(a)));
			ck_assert(ct_equal(a, b, i));
		}
		b[i] = 0;
	}
	ck_assert(ct_equal(a, b, 0));
}
END_TEST

START_TEST(guarded_memory_is_zeroed_and_ours)
{
	uint8_t *p = secret_alloc(100);

	ck_assert(is_zero(p, 100));
	memset(p, 1, 100);
	secret_free(p);
	secret_free(NULL);
}
END_TEST

static void read_past_the_end(void)
{
	volatile uint8_t *p = secret_alloc(64);

	(void)p[64];
}

START_TEST(reading_past_guarded_memory_is_fatal)
{
	ck_assert_int_eq(suite_signal_of(read_past_the_end), SIGSEGV);
}
END_TEST

static void want_too_much(void)
{
	secret_free(secret_alloc(SIZE_MAX / 2));
}

START_TEST(no_memory_for_a_key_aborts)
{
	ck_assert_int_eq(suite_signal_of(want_too_much), SIGABRT);
}
END_TEST

START_TEST(readying_twice_is_fine)
{
	ck_assert(secret_init());
	ck_assert(secret_init());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/secret");
	TCase *t = tcase_create("secrets");

	tcase_add_test(t, wiping_leaves_zeros);
	tcase_add_test(t, comparing_sees_every_byte);
	tcase_add_test(t, guarded_memory_is_zeroed_and_ours);
	tcase_add_test(t, reading_past_guarded_memory_is_fatal);
	tcase_add_test(t, no_memory_for_a_key_aborts);
	tcase_add_test(t, readying_twice_is_fine);
	suite_add_tcase(s, t);
	return suite_run(s);
}
