/* Vectors: tests/vectors/ark/attestations.json (bark's lib/src/attestations.rs), and the digests of arkoor.json. */
#include "rails/ark/attest.h"

#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct outpoint outpoint_of(struct bytes v)
{
	struct reader r = reader_of(v);
	struct outpoint o;

	read_copy(&r, o.txid.b, 32);
	o.vout = read_le32(&r);
	ck_assert(reader_at_end(&r));
	return o;
}

/* What the vectors' six attestations are about. */
struct fixture {
	json_t *all, *inputs;
	struct outpoint vtxo;
	struct ark_round_output round;
	struct ark_output arkoor;
	struct hash32 challenge, payment_hash;
	struct tx_out destination;
};

static struct fixture fixture_load(void)
{
	struct fixture f = { .all = vectors_load("ark/attestations.json") };
	const json_t *in = f.inputs = json_object_get(f.all, "inputs");

	f.vtxo = outpoint_of(vec_hex(f.all, "vtxo_id"));
	vec_copy(in, "challenge", f.challenge.b, 32);
	vec_copy(in, "payment_hash", f.payment_hash.b, 32);
	vec_copy(in, "cosign_pubkey", f.round.cosign.b, 33);
	f.round.output.amount.v = vec_u64(in, "request_amount");
	ck_ok(ark_policy_decode(vec_hex(in, "request_policy"), ARK_USER_POLICY, &f.round.output.policy, &rerr));
	f.arkoor = (struct ark_output){ { vec_u64(in, "arkoor_output_amount") }, f.round.output.policy };
	f.destination = (struct tx_out){ { vec_u64(in, "offboard_amount") }, vec_hex(in, "offboard_script") };
	return f;
}

static void digest_of(const struct fixture *f, const char *name, struct hash32 *ret)
{
	if (strcmp(name, "RoundAttemptAttestation") == 0) {
		ark_attest_round(&f->challenge, &f->vtxo, &f->round, 1, ret);
	} else if (strcmp(name, "DelegatedRoundParticipationAttestation") == 0) {
		ark_attest_delegated(&f->vtxo, (struct ark_outputs){ &f->round.output, 1 }, ret);
	} else if (strcmp(name, "LightningReceiveAttestation") == 0) {
		ark_attest_ln_receive(&f->payment_hash, &f->vtxo, ret);
	} else if (strcmp(name, "VtxoStatusAttestation") == 0) {
		ark_attest_status(&f->vtxo, ret);
	} else if (strcmp(name, "OffboardRequestAttestation") == 0) {
		ark_attest_offboard(&f->destination, &f->vtxo, 1, ret);
	} else {
		ck_assert_str_eq(name, "ArkoorCosignAttestation");
		ark_attest_arkoor(&f->vtxo, (struct ark_outputs){ &f->arkoor, 1 }, (struct ark_outputs){ 0 }, ret);
	}
}

static void check_signatures(const struct fixture *f, const json_t *v, const struct hash32 *digest)
{
	uint8_t sig[64], ours[64];
	struct secret key;
	struct pubkey user;

	vec_copy(f->all, "user_secret_key", key.b, 32);
	vec_copy(f->all, "user_pubkey", user.b, 33);
	vec_copy(v, "signature_zero_aux", sig, 64);
	ck_assert(secp_schnorr_sign(&key, digest, ours));
	ck_assert_mem_eq(ours, sig, 64);
	ck_assert(secp_schnorr_verify(&user, digest, sig));
	if (json_is_null(json_object_get(v, "repo_signature")))
		return;
	vec_copy(v, "repo_signature", sig, 64);
	ck_assert(secp_schnorr_verify(&user, digest, sig));
}

START_TEST(vectors)
{
	struct fixture f = fixture_load();
	json_t *list = json_object_get(f.all, "attestations"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 6);
	json_array_foreach(list, i, v)
	{
		struct hash32 got, expected, of_preimage;

		digest_of(&f, vec_str(v, "name"), &got);
		vec_copy(v, "digest", expected.b, 32);
		sha256(vec_hex(v, "preimage"), &of_preimage);
		ck_assert(hash32_equal(&of_preimage, &expected));
		ck_assert_msg(hash32_equal(&got, &expected), "%s", vec_str(v, "name"));
		check_signatures(&f, v, &got);
	}
}
END_TEST

static struct ark_outputs outputs_of(const json_t *list)
{
	struct ark_output *v = ARENA_ARRAY(&ra, json_array_size(list) + 1, struct ark_output);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		v[i].amount.v = vec_u64(o, "amount");
		ck_ok(ark_policy_decode(vec_hex(o, "policy"), ARK_USER_POLICY, &v[i].policy, &rerr));
	}
	return (struct ark_outputs){ v, json_array_size(list) };
}

/* Several outputs, of several policies, normal ones first. */
START_TEST(arkoors)
{
	json_t *list = json_object_get(vectors_load("ark/arkoor.json"), "constructions"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 7);
	json_array_foreach(list, i, v)
	{
		struct hash32 got, expected;
		struct outpoint input;

		ck_assert(outpoint_parse(vec_str(v, "input_id"), &input));
		ark_attest_arkoor(&input, outputs_of(json_object_get(v, "outputs")),
				  outputs_of(json_object_get(v, "isolated_outputs")), &got);
		vec_copy(v, "attestation_digest", expected.b, 32);
		ck_assert_msg(hash32_equal(&got, &expected), "%s", vec_str(v, "name"));
		sha256(vec_hex(v, "attestation_preimage"), &got);
		ck_assert(hash32_equal(&got, &expected));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/attest");
	TCase *c = rails_case(s, "attest");

	tcase_add_test(c, vectors);
	tcase_add_test(c, arkoors);
	return suite_run(s);
}
