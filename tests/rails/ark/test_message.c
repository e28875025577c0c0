/* Vectors: tests/vectors/ark/message.json (bark's lib/src/message.rs). */
#include "rails/ark/message.h"

#include <string.h>

#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

START_TEST(vector)
{
	json_t *v = vectors_load("ark/message.json");
	struct bytes message = bytes_of(vec_str(v, "message")), longer = message;
	struct secret key;
	struct pubkey pub, listed;
	struct hash32 digest, expected;
	uint8_t sig[64], ours[64];

	vec_copy(v, "secret_key", key.b, 32);
	vec_copy(v, "pubkey", listed.b, 33);
	vec_copy(v, "digest", expected.b, 32);
	vec_copy(v, "signature_zero_aux", sig, 64);
	ck_assert(secp_seckey_pubkey(&key, &pub) && pubkey_equal(&pub, &listed));
	ark_message_digest(message, &digest);
	ck_assert(hash32_equal(&digest, &expected));
	ck_assert(secp_schnorr_sign(&key, &digest, ours));
	ck_assert_mem_eq(ours, sig, 64);
	ck_assert(ark_message_verify(&pub, message, sig));
	longer.n--;
	ck_assert(!ark_message_verify(&pub, longer, sig));
	sig[63] ^= 1;
	ck_assert(!ark_message_verify(&pub, message, sig));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/message");

	tcase_add_test(rails_case(s, "message"), vector);
	return suite_run(s);
}
