/* Vectors: tests/vectors/evm/addresses.json (keys of a mnemonic), eip712_directive.json and eip1559_tx.json (signatures). */
#include "rails/keys/evm_key.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/evm/address.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

static struct keyring *ring_of(const json_t *file)
{
	struct mnemonic m;
	struct keyring *kr;

	ck_ok(mnemonic_parse(vec_str(file, "mnemonic"), &m, &rerr));
	kr = keyring_new(&m, vec_str(file, "passphrase"), &rerr);
	ck_assert_msg(kr != NULL, "%s", rerr.msg);
	return kr;
}

static struct evm_key *key_of(const struct secret *s)
{
	struct evm_key *k = evm_key_from_secret(s, &rerr);

	ck_assert_msg(k != NULL, "%s", rerr.msg);
	return k;
}

static void check_key(const struct evm_key *k, const json_t *v)
{
	struct bytes full = vec_0x(v, "public_key_uncompressed");
	char text[EVM_ADDRESS_TEXT];
	struct evm_address a;
	uint8_t xy[64];

	evm_key_public(k, xy);
	ck_bytes(((struct bytes){ xy, 64 }), ((struct bytes){ full.p + 1, full.n - 1 }));
	evm_address_of_key(xy, &a);
	evm_address_text(&a, text);
	ck_assert_str_eq(text, vec_str(v, "address_eip55"));
}

START_TEST(the_seed)
{
	json_t *file = vectors_load("evm/addresses.json");
	struct mnemonic m;
	struct seed seed;

	ck_ok(mnemonic_parse(vec_str(file, "mnemonic"), &m, &rerr));
	ck_ok(mnemonic_seed(&m, vec_str(file, "passphrase"), &seed, &rerr));
	ck_bytes(((struct bytes){ seed.b, sizeof(seed.b) }), vec_0x(file, "seed"));
}
END_TEST

/* "m/44'/60'/21075'/0/1": those of our roles; the funds' account is no role. */
static bool role_of(const char *path, enum evm_role *role, uint32_t *index)
{
	static const struct {
		const char *prefix;
		enum evm_role role;
	} roles[] = { { "m/44'/60'/21075'/0/", EVM_SIGNER }, { "m/44'/60'/21592'/0/", EVM_RELAYER } };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (text_starts(path, roles[i].prefix)) {
			ck_assert(parse_u64(path + strlen(roles[i].prefix), INT32_MAX, &v));
			*role = roles[i].role;
			*index = (uint32_t)v;
			return true;
		}
	ck_assert(text_starts(path, "m/44'/60'/0'/0/"));
	return false;
}

START_TEST(derived)
{
	json_t *file = vectors_load("evm/addresses.json"), *list = json_object_get(file, "derived"), *v;
	struct keyring *kr = ring_of(file);
	size_t i, of_roles = 0;

	ck_assert_uint_eq(json_array_size(list), 8);
	json_array_foreach(list, i, v)
	{
		struct secret s = vec_secret(v, "private_key");
		struct evm_key *k = key_of(&s);
		struct pubkey compressed;
		enum evm_role role;
		uint32_t index;

		ck_assert(secp_seckey_pubkey(&s, &compressed));
		ck_bytes(((struct bytes){ compressed.b, sizeof(compressed.b) }), vec_0x(v, "public_key_compressed"));
		check_key(k, v);
		evm_key_free(k);
		if (!role_of(vec_str(v, "path"), &role, &index))
			continue;
		k = evm_key_derive(kr, role, index, &rerr);
		ck_assert_ptr_nonnull(k);
		check_key(k, v);
		evm_key_free(k);
		of_roles++;
	}
	ck_assert_uint_eq(of_roles, 6);
	keyring_free(kr);
}
END_TEST

/* The funds' keys, which the keyring derives like any other, are the vectors' too. */
START_TEST(other_accounts)
{
	json_t *file = vectors_load("evm/addresses.json"), *v = json_array_get(json_object_get(file, "derived"), 1);
	struct keyring *kr = ring_of(file);
	struct secret s, want = vec_secret(v, "private_key");

	ck_assert_str_eq(vec_str(v, "path"), "m/44'/60'/0'/0/1");
	ck_ok(keyring_evm_key(kr, 0, 1, &s, &rerr));
	ck_assert_mem_eq(&s, &want, sizeof(s));
	ck_fails(keyring_evm_key(kr, 0, 0x80000000u, &s, &rerr), ERR_RANGE);
	ck_fails(keyring_evm_key(kr, 0x80000000u, 0, &s, &rerr), ERR_RANGE);
	ck_assert_ptr_null(evm_key_derive(kr, EVM_SIGNER, UINT32_MAX, &rerr));
	ck_assert_int_eq(rerr.code, ERR_RANGE);
	keyring_free(kr);
}
END_TEST

static void check_signature(const struct evm_key *k, const json_t *v, const char *digest_name)
{
	struct hash32 digest = vec_hash(v, digest_name);
	uint8_t rs[64], again[64];
	int recid, recid_again;

	ck_ok(evm_key_sign(k, &digest, rs, &recid, &rerr));
	ck_bytes(((struct bytes){ rs, 32 }), vec_0x(v, "r"));
	ck_bytes(((struct bytes){ rs + 32, 32 }), vec_0x(v, "s"));
	ck_assert_uint_eq((uint64_t)recid, vec_u64(v, "y_parity"));
	ck_ok(evm_key_sign(k, &digest, again, &recid_again, &rerr));
	ck_assert_mem_eq(rs, again, sizeof(rs));
	ck_assert_int_eq(recid, recid_again);
}

START_TEST(signatures)
{
	json_t *directives = vectors_load("evm/eip712_directive.json"), *txs = vectors_load("evm/eip1559_tx.json"), *v;
	struct secret signer = vec_secret(directives, "signer_private_key");
	struct secret relayer = vec_secret(txs, "relayer_private_key");
	struct evm_key *k = key_of(&signer);
	size_t i, checked = 0;

	json_array_foreach(json_object_get(directives, "vectors"), i, v)
	{
		check_signature(k, v, "digest");
		checked++;
	}
	evm_key_free(k);
	k = key_of(&relayer);
	json_array_foreach(json_object_get(txs, "vectors"), i, v)
	{
		check_signature(k, v, "signing_hash");
		checked++;
	}
	evm_key_free(k);
	ck_assert_uint_eq(checked, 9 + 5);
}
END_TEST

START_TEST(many_digests)
{
	struct secret s = { { 7 } };
	struct evm_key *k = key_of(&s);
	uint8_t xy[64], back[64], rs[64];
	unsigned seen[2] = { 0, 0 };
	int recid;

	evm_key_public(k, xy);
	for (unsigned i = 0; i < 100; i++) {
		struct hash32 digest = { { (uint8_t)i } };

		ck_ok(evm_key_sign(k, &digest, rs, &recid, &rerr));
		ck_assert(recid == 0 || recid == 1);
		seen[recid]++;
		ck_assert(secp_ecdsa_recover(&digest, rs, recid, back));
		ck_assert_mem_eq(back, xy, sizeof(xy));
	}
	ck_assert(seen[0] > 0 && seen[1] > 0);
	evm_key_free(k);
}
END_TEST

START_TEST(no_key)
{
	static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
	struct secret zero = { { 0 } }, n;

	hex_to(order, n.b, sizeof(n.b));
	ck_assert_ptr_null(evm_key_from_secret(&zero, &rerr));
	ck_assert_int_eq(rerr.code, ERR_CRYPTO);
	err_clear(&rerr);
	ck_assert_ptr_null(evm_key_from_secret(&n, &rerr));
	ck_assert_int_eq(rerr.code, ERR_CRYPTO);
	evm_key_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/keys/evm_key");
	TCase *c = rails_case(s, "evm_key");

	tcase_add_test(c, the_seed);
	tcase_add_test(c, derived);
	tcase_add_test(c, other_accounts);
	tcase_add_test(c, signatures);
	tcase_add_test(c, many_digests);
	tcase_add_test(c, no_key);
	return suite_run(s);
}
