/* Vectors: tests/vectors/ark/musig.json. */
#include "rails/bitcoin/musig.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static size_t keys_of(const json_t *v, const char *name, struct pubkey *to, size_t max)
{
	const json_t *list = json_object_get(v, name), *item;
	size_t i;

	ck_assert_uint_gt(json_array_size(list), 0);
	ck_assert_uint_le(json_array_size(list), max);
	json_array_foreach(list, i, item) hex_to(json_string_value(item), to[i].b, sizeof(to[i].b));
	return json_array_size(list);
}

START_TEST(keys_aggregate_as_in_the_vectors)
{
	json_t *list = json_object_get(vectors_load("ark/musig.json"), "key_aggregation"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 4);
	json_array_foreach(list, i, v)
	{
		struct pubkey keys[8], want;
		size_t n = keys_of(v, "pubkeys", keys, ARRAY_LEN(keys));
		struct musig_keys got;

		vec_copy(v, "aggregate_full", want.b, sizeof(want.b));
		ck_ok(musig_keys_make(keys, n, &got, &rerr));
		ck_assert(pubkey_equal(&got.aggregate, &want));
		ck_assert(pubkey_equal(&got.output, &want));
	}
}
END_TEST

/* Both sessions of the vectors: the same nonces and parts make the same signature. */
START_TEST(sessions_end_as_in_the_vectors)
{
	const json_t *v = json_array_get(json_object_get(vectors_load("ark/musig.json"), "sessions"), (size_t)_i);
	const char *tweak = json_string_value(json_object_get(v, "xonly_tweak"));
	struct musig_pubnonce nonces[2], sum, want_sum;
	struct musig_partial parts[2];
	struct musig_session s, same;
	struct pubkey given[2], in_order[2], aggregate;
	struct musig_keys keys;
	struct xonly want, got;
	uint8_t sig[64], want_sig[64];
	struct hash32 msg, t;

	ck_assert_uint_eq(keys_of(v, "pubkeys_unsorted", given, 2), 2);
	ck_assert_uint_eq(keys_of(v, "pubkeys_sorted", in_order, 2), 2);
	ck_assert_int_lt(memcmp(&in_order[0], &in_order[1], sizeof(in_order[0])), 0);
	vec_copy(v, "key_agg_before_tweak", aggregate.b, sizeof(aggregate.b));
	ck_ok(musig_keys_make(given, 2, &keys, &rerr));
	ck_assert(pubkey_equal(&keys.aggregate, &aggregate));
	if (tweak != NULL) {
		hex_to(tweak, t.b, sizeof(t.b));
		ck_ok(musig_keys_tweak(&keys, &t, &rerr));
		ck_assert(pubkey_equal(&keys.aggregate, &aggregate));
	}
	vec_copy(v, tweak != NULL ? "tweaked_output_key" : "verify_key", want.b, sizeof(want.b));
	got = secp_xonly_of(&keys.output);
	ck_assert(xonly_equal(&got, &want));

	vec_copy(v, "msg", msg.b, sizeof(msg.b));
	vec_copy(v, "pubnonce_user", nonces[0].b, sizeof(nonces[0].b));
	vec_copy(v, "pubnonce_server", nonces[1].b, sizeof(nonces[1].b));
	vec_copy(v, "aggnonce", want_sum.b, sizeof(want_sum.b));
	vec_copy(v, "partial_sig_user", parts[0].b, sizeof(parts[0].b));
	vec_copy(v, "partial_sig_server", parts[1].b, sizeof(parts[1].b));
	vec_copy(v, "final_signature", want_sig, sizeof(want_sig));
	ck_ok(musig_nonces_add(nonces, 2, &sum, &rerr));
	ck_assert_mem_eq(sum.b, want_sum.b, sizeof(sum.b));
	ck_ok(musig_session_make(&keys, nonces, 2, &msg, &s, &rerr));
	ck_ok(musig_session_of_aggregate(&keys, &sum, &msg, &same, &rerr));
	ck_assert_mem_eq(s.session, same.session, sizeof(s.session));
	/* given[0] is the user's in one of them and the server's in the other: each part is one's and not the other's. */
	for (int k = 0; k < 2; k++)
		ck_assert_int_ne(musig_partial_verify(&s, &given[0], &nonces[k], &parts[k]),
				 musig_partial_verify(&s, &given[1], &nonces[k], &parts[k]));
	ck_ok(musig_finish(&s, parts, 2, sig, &rerr));
	ck_assert_mem_eq(sig, want_sig, sizeof(sig));
}
END_TEST

/* --- sessions of our own --- */

#define SIGNERS 3

struct party {
	struct secret key;
	struct pubkey public;
	struct musig_nonce *nonce;
};

static struct party parties[SIGNERS];
static struct pubkey public[SIGNERS];
static struct musig_pubnonce nonces[SIGNERS];
static struct hash32 msg;

static void meet(void)
{
	memset(&msg, 0x5a, sizeof(msg));
	for (size_t i = 0; i < SIGNERS; i++) {
		memset(parties[i].key.b, (int)(0x11 * (i + 1)), sizeof(parties[i].key.b));
		ck_assert(secp_seckey_pubkey(&parties[i].key, &parties[i].public));
		public[i] = parties[i].public;
		ck_ok(musig_nonce_new(&parties[i].key, i == 0 ? NULL : &msg, &parties[i].nonce, &nonces[i], &rerr));
		ck_assert(musig_pubnonce_valid(&nonces[i]));
	}
}

static void part(void)
{
	for (size_t i = 0; i < SIGNERS; i++)
		musig_nonce_free(TAKE(parties[i].nonce));
}

START_TEST(three_sign_together)
{
	struct hash32 tweak = { { 7 } };
	struct musig_partial parts[SIGNERS];
	struct musig_session s;
	struct musig_keys keys;
	uint8_t sig[64];

	ck_ok(musig_keys_make(public, SIGNERS, &keys, &rerr));
	if (_i == 1)
		ck_ok(musig_keys_tweak(&keys, &tweak, &rerr));
	ck_assert_int_eq(pubkey_equal(&keys.output, &keys.aggregate), _i == 0);
	ck_ok(musig_session_make(&keys, nonces, SIGNERS, &msg, &s, &rerr));
	for (size_t i = 0; i < SIGNERS; i++) {
		ck_ok(musig_sign(&s, &parties[i].key, &parties[i].nonce, &parts[i], &rerr));
		ck_assert_ptr_null(parties[i].nonce);
		ck_assert(musig_partial_valid(&parts[i]));
		ck_assert(musig_partial_verify(&s, &public[i], &nonces[i], &parts[i]));
	}
	ck_assert(!musig_partial_verify(&s, &public[0], &nonces[0], &parts[1]));
	ck_ok(musig_finish(&s, parts, SIGNERS, sig, &rerr));
	ck_assert(secp_schnorr_verify(&keys.output, &msg, sig));

	parts[1].b[31] ^= 1;
	ck_assert(!musig_partial_verify(&s, &public[1], &nonces[1], &parts[1]));
	ck_fails(musig_finish(&s, parts, SIGNERS, sig, &rerr), ERR_CRYPTO);
	memset(parts[1].b, 0xff, sizeof(parts[1].b));
	ck_assert(!musig_partial_valid(&parts[1]));
	ck_assert(!musig_partial_verify(&s, &public[1], &nonces[1], &parts[1]));
	ck_fails(musig_finish(&s, parts, SIGNERS, sig, &rerr), ERR_CRYPTO);
	ck_fails(musig_finish(&s, parts, 0, sig, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(the_order_of_keys_means_nothing)
{
	const struct pubkey turned[SIGNERS] = { public[2], public[0], public[1] };
	struct musig_keys a, b;

	ck_ok(musig_keys_make(public, SIGNERS, &a, &rerr));
	ck_ok(musig_keys_make(turned, SIGNERS, &b, &rerr));
	ck_assert_mem_eq(&a, &b, sizeof(a));
}
END_TEST

START_TEST(one_key_does_not_aggregate_to_itself_and_may_be_there_twice)
{
	const struct pubkey twice[2] = { public[0], public[0] };
	struct musig_keys one, two;

	ck_ok(musig_keys_make(public, 1, &one, &rerr));
	ck_assert(!pubkey_equal(&one.aggregate, &public[0]));
	ck_ok(musig_keys_make(twice, 2, &two, &rerr));
	ck_assert(!pubkey_equal(&one.aggregate, &two.aggregate));
}
END_TEST

START_TEST(what_is_no_key_is_refused)
{
	struct pubkey bad[2] = { public[0], public[1] };
	struct musig_keys keys;
	struct hash32 order;

	ck_fails(musig_keys_make(public, 0, &keys, &rerr), ERR_RANGE);
	ck_fails(musig_keys_make(public, MUSIG_KEYS_MAX + 1, &keys, &rerr), ERR_RANGE);
	bad[1].b[0] = 5;
	ck_fails(musig_keys_make(bad, 2, &keys, &rerr), ERR_CRYPTO);
	ck_ok(musig_keys_make(public, 2, &keys, &rerr));
	memset(order.b, 0xff, sizeof(order.b));
	ck_fails(musig_keys_tweak(&keys, &order, &rerr), ERR_CRYPTO);
	ck_assert(pubkey_equal(&keys.output, &keys.aggregate));
}
END_TEST

START_TEST(what_is_no_nonce_is_refused)
{
	struct musig_pubnonce bad[2] = { nonces[0], nonces[1] }, sum = { { 0 } };
	struct musig_session s;
	struct musig_keys keys;

	ck_ok(musig_keys_make(public, 2, &keys, &rerr));
	bad[1].b[33] = 9;
	ck_assert(!musig_pubnonce_valid(&bad[1]));
	ck_fails(musig_session_make(&keys, bad, 2, &msg, &s, &rerr), ERR_CRYPTO);
	ck_fails(musig_session_make(&keys, bad, 0, &msg, &s, &rerr), ERR_RANGE);
	ck_fails(musig_nonces_add(bad, 2, &sum, &rerr), ERR_CRYPTO);
	ck_ok(musig_session_of_aggregate(&keys, &sum, &msg, &s, &rerr)); /* infinity twice is a sum */
	sum.b[0] = 9;
	ck_fails(musig_session_of_aggregate(&keys, &sum, &msg, &s, &rerr), ERR_CRYPTO);
	ck_assert(!musig_partial_verify(
		&s, &public [0], &bad[1], &(struct musig_partial) {
			{
				1
			}
		}));
}
END_TEST

/* The whole point: there is no way to sign twice. */
START_TEST(a_nonce_signs_once)
{
	struct musig_partial first, second;
	struct musig_session s;
	struct musig_keys keys;

	ck_ok(musig_keys_make(public, SIGNERS, &keys, &rerr));
	ck_ok(musig_session_make(&keys, nonces, SIGNERS, &msg, &s, &rerr));
	ck_ok(musig_sign(&s, &parties[0].key, &parties[0].nonce, &first, &rerr));
	ck_fails(musig_sign(&s, &parties[0].key, &parties[0].nonce, &second, &rerr), ERR_CRYPTO);
	/* The key of another is refused, and that attempt too was the only one. */
	ck_fails(musig_sign(&s, &parties[0].key, &parties[1].nonce, &second, &rerr), ERR_CRYPTO);
	ck_assert_ptr_null(parties[1].nonce);
	ck_fails(musig_sign(&s, &parties[1].key, &parties[1].nonce, &second, &rerr), ERR_CRYPTO);
}
END_TEST

START_TEST(every_nonce_is_new)
{
	struct musig_nonce *again = NULL;
	struct musig_pubnonce public_again;
	const struct secret none = { { 0 } };

	ck_ok(musig_nonce_new(&parties[1].key, &msg, &again, &public_again, &rerr));
	ck_assert_mem_ne(public_again.b, nonces[1].b, sizeof(public_again.b));
	musig_nonce_free(again);
	again = NULL;
	ck_fails(musig_nonce_new(&none, &msg, &again, &public_again, &rerr), ERR_CRYPTO);
	ck_assert_ptr_null(again);
	musig_nonce_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/musig");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "sessions");

	tcase_add_test(v, keys_aggregate_as_in_the_vectors);
	tcase_add_loop_test(v, sessions_end_as_in_the_vectors, 0, 2);
	tcase_add_checked_fixture(t, meet, part);
	tcase_add_loop_test(t, three_sign_together, 0, 2);
	tcase_add_test(t, the_order_of_keys_means_nothing);
	tcase_add_test(t, one_key_does_not_aggregate_to_itself_and_may_be_there_twice);
	tcase_add_test(t, what_is_no_key_is_refused);
	tcase_add_test(t, what_is_no_nonce_is_refused);
	tcase_add_test(t, a_nonce_signs_once);
	tcase_add_test(t, every_nonce_is_new);
	return suite_run(s);
}
