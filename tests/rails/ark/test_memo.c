#include "rails/ark/memo.h"

#include <string.h>

#include "rails/bitcoin/musig.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct pubkey keys[3];
static struct secret secret_key;
static struct xonly signer;

static void make_keys(void)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		memset(secret_key.b, (int)(i + 1), sizeof(secret_key.b));
		ck_assert(secp_seckey_pubkey(&secret_key, &keys[i]));
	}
	signer = secp_xonly_of(&keys[2]);
}

static size_t used(const struct ark_memo *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->entries[i].used;
	return n;
}

/* Puts something else in the place of the only answer: who finds it did not compute. */
static void falsify(struct ark_memo *m, const struct pubkey *answer)
{
	ck_assert_uint_eq(used(m), 1);
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].used)
			m->entries[i].answer = *answer;
}

START_TEST(aggregates)
{
	struct ark_memo m = ark_memo_in(&ra, 16);
	struct pubkey first, again, other;
	struct musig_keys want;

	ck_ok(musig_keys_make(keys, 2, &want, &rerr));
	ck_ok(ark_memo_aggregate(NULL, keys, 2, &first, &rerr));
	ck_assert(pubkey_equal(&first, &want.aggregate));
	ck_ok(ark_memo_aggregate(&m, keys, 2, &first, &rerr));
	ck_assert(pubkey_equal(&first, &want.aggregate));
	falsify(&m, &keys[0]);
	ck_ok(ark_memo_aggregate(&m, keys, 2, &again, &rerr));
	ck_assert(pubkey_equal(&again, &keys[0]));
	ck_ok(ark_memo_aggregate(&m, keys, 3, &other, &rerr));
	ck_assert_uint_eq(used(&m), 2);
	ck_assert(!pubkey_equal(&other, &first));
	ck_fails(ark_memo_aggregate(&m, keys, 0, &other, &rerr), ERR_RANGE);
	ck_assert_uint_eq(used(&m), 2);
}
END_TEST

START_TEST(tweaks)
{
	struct ark_memo m = ark_memo_in(&ra, 16);

	for (uint8_t i = 0; i < 8; i++) { /* of both parities */
		struct hash32 tweak = { { i } };
		struct tap_output want, first, again;

		ck_assert(secp_xonly_tweak_add(&signer, &tweak, &want.key, &want.odd));
		ck_assert(ark_memo_tweak(NULL, &signer, &tweak, &first));
		ck_assert(xonly_equal(&first.key, &want.key) && first.odd == want.odd);
		ck_assert(ark_memo_tweak(&m, &signer, &tweak, &first));
		ck_assert(xonly_equal(&first.key, &want.key) && first.odd == want.odd);
		ck_assert(ark_memo_tweak(&m, &signer, &tweak, &again));
		ck_assert(xonly_equal(&again.key, &want.key) && again.odd == want.odd);
	}
}
END_TEST

START_TEST(a_tweak_that_is_none)
{
	struct ark_memo m = ark_memo_in(&ra, 16);
	struct hash32 order;
	struct tap_output out;

	memset(order.b, 0xff, sizeof(order.b));
	ck_assert(!ark_memo_tweak(&m, &signer, &order, &out));
	ck_assert_uint_eq(used(&m), 0);
}
END_TEST

/* Only what verified is remembered, and it vouches for nothing else. */
START_TEST(signatures)
{
	struct ark_memo m = ark_memo_in(&ra, 16);
	struct hash32 msg = { { 5 } }, other_msg = { { 6 } };
	struct xonly other_key = secp_xonly_of(&keys[0]);
	uint8_t sig[64], bad[64];

	ck_assert(secp_schnorr_sign(&secret_key, &msg, sig));
	memcpy(bad, sig, sizeof(bad));
	bad[63] ^= 1;
	ck_assert(!ark_memo_verify(&m, &signer, &msg, bad));
	ck_assert_uint_eq(used(&m), 0);
	ck_assert(ark_memo_verify(NULL, &signer, &msg, sig));
	for (int i = 0; i < 2; i++) {
		ck_assert(ark_memo_verify(&m, &signer, &msg, sig));
		ck_assert_uint_eq(used(&m), 1);
		ck_assert(!ark_memo_verify(&m, &signer, &msg, bad));
		ck_assert(!ark_memo_verify(&m, &signer, &other_msg, sig));
		ck_assert(!ark_memo_verify(&m, &other_key, &msg, sig));
	}
}
END_TEST

/* The smallest of all forgets, and is right none the less. */
START_TEST(what_is_forgotten_is_computed)
{
	struct ark_memo m = ark_memo_in(&ra, 2);

	for (uint8_t i = 0; i < 100; i++) {
		struct hash32 tweak = { { i % 7 } };
		struct tap_output want, got;

		ck_assert(secp_xonly_tweak_add(&signer, &tweak, &want.key, &want.odd));
		ck_assert(ark_memo_tweak(&m, &signer, &tweak, &got));
		ck_assert(xonly_equal(&got.key, &want.key) && got.odd == want.odd);
	}
	ck_assert_uint_eq(used(&m), 2);
}
END_TEST

static void of_three(void)
{
	(void)ark_memo_in(&ra, 3);
}

START_TEST(sizes_are_powers_of_two)
{
	ck_assert_int_ne(suite_signal_of(of_three), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/memo");
	TCase *t = rails_case(s, "memo");

	tcase_add_checked_fixture(t, make_keys, NULL);
	tcase_add_test(t, aggregates);
	tcase_add_test(t, tweaks);
	tcase_add_test(t, a_tweak_that_is_none);
	tcase_add_test(t, signatures);
	tcase_add_test(t, what_is_forgotten_is_computed);
	tcase_add_test(t, sizes_are_powers_of_two);
	return suite_run(s);
}
