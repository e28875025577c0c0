/* Vectors: tests/vectors/evm/eip712_directive.json (checked on chain by the contract in tests/contracts). */
#include "rails/evm/directive.h"

#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/evm/abi.h"
#include "rails/evm/address.h"
#include "rails/evm/keccak.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

static struct hash32 hash_of_text(const char *text)
{
	struct hash32 h;

	keccak256(bytes_of(text), &h);
	return h;
}

static void check_constant(const json_t *file, const char *name, const char *text)
{
	struct hash32 want = vec_hash(file, name), h = hash_of_text(text);

	ck_hash(&h, &want);
}

START_TEST(constants)
{
	json_t *file = vectors_load("evm/eip712_directive.json"), *domain = json_object_get(file, "domain");

	check_constant(file, "domain_typehash", vec_str(file, "domain_type"));
	check_constant(file, "directive_typehash", vec_str(file, "directive_type"));
	check_constant(file, "name_hash", vec_str(domain, "name"));
	check_constant(file, "version_hash", vec_str(domain, "version"));
}
END_TEST

static struct directive directive_of(const json_t *v)
{
	struct directive d = { .account = vec_address(v, "account"),
			       .action_key = vec_str(v, "action_key"),
			       .nonce = vec_decimal(v, "nonce"),
			       .payload = vec_0x(v, "payload") };

	directive_id_hash(vec_str(v, "directive_id"), &d.id_hash);
	return d;
}

/* What the struct hash and the digest are made over, member by member. */
static void check_hashes(const json_t *file, const json_t *v)
{
	struct directive d = directive_of(v);
	struct evm_address contract = vec_address(v, "verifying_contract");
	struct hash32 want_struct = vec_hash(v, "struct_hash"), want_domain = vec_hash(v, "domain_separator");
	struct hash32 want_digest = vec_hash(v, "digest"), want_id = vec_hash(v, "directive_id_hash");
	struct hash32 typehash = vec_hash(file, "directive_typehash"), domain, digest, h;
	SCOPED(buf) struct buf encoding = BUF_CAP(512);

	ck_hash(&d.id_hash, &want_id);
	check_constant(v, "action_key_hash", d.action_key);
	keccak256(d.payload, &h);
	ck_bytes(((struct bytes){ h.b, 32 }), vec_0x(v, "payload_hash"));

	abi_word(&encoding, &typehash);
	abi_word(&encoding, &d.id_hash);
	abi_address(&encoding, &d.account);
	h = hash_of_text(d.action_key);
	abi_word(&encoding, &h);
	abi_u64(&encoding, d.nonce);
	keccak256(d.payload, &h);
	abi_word(&encoding, &h);
	ck_bytes(buf_bytes(&encoding), vec_0x(v, "struct_encoding"));
	directive_struct_hash(&d, &h);
	ck_hash(&h, &want_struct);

	directive_domain(vec_u64(v, "chain_id"), &contract, &domain);
	ck_hash(&domain, &want_domain);
	directive_digest(&domain, &d, &digest);
	ck_hash(&digest, &want_digest);
}

static void check_signature(const json_t *v, const struct secret *key)
{
	struct hash32 digest = vec_hash(v, "digest");
	struct evm_address signer = vec_address(v, "signer"), from;
	struct directive_signature sig;
	uint8_t rs[64], split[64], xy[64];
	int recid, split_recid;

	ck_assert(secp_ecdsa_sign_recoverable(key, &digest, 0, rs, &recid));
	ck_bytes(((struct bytes){ rs, 32 }), vec_0x(v, "r"));
	ck_bytes(((struct bytes){ rs + 32, 32 }), vec_0x(v, "s"));
	ck_assert_uint_eq((uint64_t)recid, vec_u64(v, "y_parity"));
	directive_signature_make(rs, recid, &sig);
	ck_assert_uint_eq(sig.b[64], vec_u64(v, "v"));
	ck_bytes(((struct bytes){ sig.b, 65 }), vec_0x(v, "signature"));
	ck_ok(directive_signature_split((struct bytes){ sig.b, 65 }, split, &split_recid, &rerr));
	ck_assert_mem_eq(split, rs, 64);
	ck_assert_int_eq(split_recid, recid);
	ck_assert(secp_ecdsa_recover(&digest, rs, recid, xy));
	evm_address_of_key(xy, &from);
	ck_assert(evm_address_equal(&from, &signer));
}

START_TEST(vectors)
{
	json_t *file = vectors_load("evm/eip712_directive.json"), *list = json_object_get(file, "vectors"), *v;
	struct secret key = vec_secret(file, "signer_private_key");
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 9);
	json_array_foreach(list, i, v)
	{
		check_hashes(file, v);
		check_signature(v, &key);
	}
}
END_TEST

/* Refused before the digest is looked at, or it recovers somebody else. */
START_TEST(negatives)
{
	json_t *file = vectors_load("evm/eip712_directive.json"), *list = json_object_get(file, "negative"), *v;
	size_t i, foreign = 0;

	ck_assert_uint_eq(json_array_size(list), 4);
	json_array_foreach(list, i, v)
	{
		struct hash32 digest = vec_hash(v, "digest");
		uint8_t rs[64], xy[64];
		int recid;
		struct evm_address from, want;

		if (json_object_get(v, "recovers") == NULL) {
			ck_fails(directive_signature_split(vec_0x(v, "signature"), rs, &recid, &rerr), ERR_CRYPTO);
			continue;
		}
		want = vec_address(v, "recovers");
		ck_ok(directive_signature_split(vec_0x(v, "signature"), rs, &recid, &rerr));
		ck_assert(secp_ecdsa_recover(&digest, rs, recid, xy));
		evm_address_of_key(xy, &from);
		ck_assert(evm_address_equal(&from, &want));
		foreign++;
	}
	ck_assert_uint_eq(foreign, 1);
}
END_TEST

/* EIP-712's own example signs with its digest as we do with ours. */
START_TEST(eip712_reference)
{
	json_t *v = json_object_get(vectors_load("evm/eip712_directive.json"), "eip712_reference");
	struct secret key = vec_secret(v, "private_key");
	struct hash32 digest = vec_hash(v, "digest");
	struct evm_address want = vec_address(v, "address"), from;
	uint8_t rs[64], xy[64];
	int recid;

	ck_assert(secp_ecdsa_sign_recoverable(&key, &digest, 0, rs, &recid));
	ck_bytes(((struct bytes){ rs, 32 }), vec_0x(v, "r"));
	ck_bytes(((struct bytes){ rs + 32, 32 }), vec_0x(v, "s"));
	ck_assert_uint_eq((uint64_t)recid + 27, vec_u64(v, "v"));
	ck_assert(secp_ecdsa_recover(&digest, rs, recid, xy));
	evm_address_of_key(xy, &from);
	ck_assert(evm_address_equal(&from, &want));
}
END_TEST

START_TEST(every_member_is_signed)
{
	struct evm_address contract = { { 1 } }, other_contract = { { 2 } };
	struct directive base = { .action_key = "k", .payload = bytes_of("p"), .nonce = 1 }, changed[5];
	struct hash32 domain, other, digest, h;

	for (size_t i = 0; i < ARRAY_LEN(changed); i++)
		changed[i] = base;
	changed[0].id_hash.b[31] = 1;
	changed[1].account.b[0] = 1;
	changed[2].action_key = "l";
	changed[3].nonce = UINT64_MAX;
	changed[4].payload.n = 0;
	directive_domain(1, &contract, &domain);
	directive_digest(&domain, &base, &digest);
	for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
		directive_digest(&domain, &changed[i], &h);
		ck_assert(!hash32_equal(&h, &digest));
	}
	directive_domain(2, &contract, &other);
	directive_digest(&other, &base, &h);
	ck_assert(!hash32_equal(&h, &digest));
	directive_domain(1, &other_contract, &other);
	directive_digest(&other, &base, &h);
	ck_assert(!hash32_equal(&h, &digest));
}
END_TEST

static const struct {
	const char *r, *s;
	uint8_t v;
	bool ok;
} shapes[] = {
	{ "01", "01", 27, true },
	{ "01", "01", 28, true },
	{ "01", "01", 26, false },
	{ "01", "01", 29, false },
	{ "01", "01", 0, false },
	{ "01", "01", 1, false },
	{ "00", "01", 27, false },
	{ "01", "00", 27, false },
	{ "01", "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", 27, true },
	{ "01", "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1", 27, false },
	{ "01", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 27, false },
};

START_TEST(shapes_of_signatures)
{
	struct bytes r = evm_hex(shapes[_i].r), s = evm_hex(shapes[_i].s);
	uint8_t sig[66] = { 0 }, rs[64];
	int recid;

	memcpy(sig + 32 - r.n, r.p, r.n);
	memcpy(sig + 64 - s.n, s.p, s.n);
	sig[64] = shapes[_i].v;
	if (!shapes[_i].ok) {
		ck_fails(directive_signature_split((struct bytes){ sig, 65 }, rs, &recid, &rerr), ERR_CRYPTO);
		return;
	}
	ck_ok(directive_signature_split((struct bytes){ sig, 65 }, rs, &recid, &rerr));
	ck_assert_int_eq(recid, shapes[_i].v - 27);
	ck_fails(directive_signature_split((struct bytes){ sig, 64 }, rs, &recid, &rerr), ERR_CRYPTO);
	ck_fails(directive_signature_split((struct bytes){ sig, 66 }, rs, &recid, &rerr), ERR_CRYPTO);
	ck_fails(directive_signature_split((struct bytes){ 0 }, rs, &recid, &rerr), ERR_CRYPTO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/directive");
	TCase *c = rails_case(s, "directive");

	tcase_add_test(c, constants);
	tcase_add_test(c, vectors);
	tcase_add_test(c, negatives);
	tcase_add_test(c, eip712_reference);
	tcase_add_test(c, every_member_is_signed);
	tcase_add_loop_test(c, shapes_of_signatures, 0, ARRAY_LEN(shapes));
	return suite_run(s);
}
