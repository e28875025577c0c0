/* Vectors: tests/vectors/ark/mailbox.json (bark's lib/src/mailbox.rs, lib/src/address.rs). */
#include "rails/ark/mailbox.h"

#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

START_TEST(blinding)
{
	json_t *list = json_object_get(vectors_load("ark/mailbox.json"), "blinding"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 1);
	json_array_foreach(list, i, v)
	{
		struct pubkey mailbox, server, vtxo, expected, got, dh;
		struct point p, shared, m, back;
		struct secret key;

		vec_copy(v, "mailbox_id", mailbox.b, 33);
		vec_copy(v, "server_mailbox_pubkey", server.b, 33);
		vec_copy(v, "vtxo_secret_key", key.b, 32);
		vec_copy(v, "vtxo_pubkey", vtxo.b, 33);
		vec_copy(v, "dh_point", dh.b, 33);
		vec_copy(v, "blinded_id", expected.b, 33);
		ck_assert(secp_seckey_pubkey(&key, &got) && pubkey_equal(&got, &vtxo));
		ck_ok(ark_mailbox_blind(&mailbox, &key, &server, &got, &rerr));
		ck_assert(pubkey_equal(&got, &expected));
		/* What the server does: B - p V = B - v P. */
		ck_assert(point_parse(&dh, &shared) && point_parse(&got, &p) && point_sub(&p, &shared, &back));
		ck_assert(point_parse(&mailbox, &m));
		point_compress(&back, &got);
		ck_assert(pubkey_equal(&got, &mailbox));
	}
}
END_TEST

START_TEST(not_to_be_blinded)
{
	static const struct secret one = { { [31] = 1 } }, zero;
	struct pubkey g, minus_g, none = { { 2 } }, got = none;

	ck_assert(secp_seckey_pubkey(&one, &g));
	minus_g = g;
	minus_g.b[0] ^= 1;
	ck_fails(ark_mailbox_blind(&none, &one, &g, &got, &rerr), ERR_CRYPTO);
	ck_fails(ark_mailbox_blind(&g, &one, &none, &got, &rerr), ERR_CRYPTO);
	ck_fails(ark_mailbox_blind(&g, &zero, &g, &got, &rerr), ERR_CRYPTO);
	ck_fails(ark_mailbox_blind(&minus_g, &one, &g, &got, &rerr), ERR_CRYPTO); /* infinity */
	ck_assert(pubkey_equal(&got, &none));
}
END_TEST

START_TEST(authorization)
{
	json_t *v = json_object_get(vectors_load("ark/mailbox.json"), "authorization");
	struct bytes encoded = vec_hex(v, "encoded");
	struct ark_mailbox_auth auth;
	struct hash32 digest, expected;
	uint8_t again[ARK_MAILBOX_AUTH_SIZE], sig[64];
	struct pubkey mailbox;
	int64_t expiry = (int64_t)vec_u64(v, "expiry");

	vec_copy(v, "mailbox_id", mailbox.b, 33);
	vec_copy(v, "signature", sig, 64);
	vec_copy(v, "digest", expected.b, 32);
	ck_ok(ark_mailbox_auth_decode(encoded, &auth, &rerr));
	ck_assert(pubkey_equal(&auth.mailbox, &mailbox));
	ck_assert_int_eq(auth.expires_at_s, expiry);
	ck_assert_mem_eq(auth.sig, sig, 64);
	ark_mailbox_auth_digest(auth.expires_at_s, &digest);
	ck_assert(hash32_equal(&digest, &expected));
	sha256(vec_hex(v, "preimage"), &digest);
	ck_assert(hash32_equal(&digest, &expected));
	ck_assert(ark_mailbox_auth_verify(&auth) == json_is_true(json_object_get(v, "valid")));
	ark_mailbox_auth_encode(&auth, again);
	ck_assert_uint_eq(encoded.n, sizeof(again));
	ck_assert_mem_eq(again, encoded.p, sizeof(again));
	ck_assert(!ark_mailbox_auth_expired(&auth, expiry + ARK_MAILBOX_AUTH_LATE_S));
	ck_assert(ark_mailbox_auth_expired(&auth, expiry + ARK_MAILBOX_AUTH_LATE_S + 1));
	auth.expires_at_s++;
	ck_assert(!ark_mailbox_auth_verify(&auth));
}
END_TEST

START_TEST(odd_authorizations)
{
	struct bytes good = vec_hex(json_object_get(vectors_load("ark/mailbox.json"), "authorization"), "encoded");
	uint8_t v[ARK_MAILBOX_AUTH_SIZE + 1], again[ARK_MAILBOX_AUTH_SIZE];
	struct ark_mailbox_auth auth;

	memcpy(v, good.p, good.n);
	ck_fails(ark_mailbox_auth_decode((struct bytes){ v, sizeof(v) }, &auth, &rerr), ERR_PARSE);
	ck_fails(ark_mailbox_auth_decode((struct bytes){ v, ARK_MAILBOX_AUTH_SIZE - 1 }, &auth, &rerr), ERR_PARSE);
	v[40] = 0x80; /* times are signed */
	ck_ok(ark_mailbox_auth_decode((struct bytes){ v, ARK_MAILBOX_AUTH_SIZE }, &auth, &rerr));
	ck_assert_int_lt(auth.expires_at_s, 0);
	ck_assert(ark_mailbox_auth_expired(&auth, 0));
	ark_mailbox_auth_encode(&auth, again);
	ck_assert_mem_eq(again, v, sizeof(again));
	auth.expires_at_s = INT64_MAX;
	ck_assert(!ark_mailbox_auth_expired(&auth, INT64_MAX));
	v[0] = 4;
	ck_fails(ark_mailbox_auth_decode((struct bytes){ v, ARK_MAILBOX_AUTH_SIZE }, &auth, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(kinds)
{
	json_t *list = json_object_get(vectors_load("ark/mailbox.json"), "types"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 5);
	json_array_foreach(list, i, v)
	{
		ck_assert_uint_eq(vec_u64(v, "number"), i);
		ck_assert_str_eq(ark_mail_name((uint32_t)i), vec_str(v, "name"));
	}
	ck_assert_ptr_null(ark_mail_name((uint32_t)i));
	ck_assert_ptr_null(ark_mail_name(UINT32_MAX));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/mailbox");
	TCase *c = rails_case(s, "mailbox");

	tcase_add_test(c, blinding);
	tcase_add_test(c, not_to_be_blinded);
	tcase_add_test(c, authorization);
	tcase_add_test(c, odd_authorizations);
	tcase_add_test(c, kinds);
	return suite_run(s);
}
