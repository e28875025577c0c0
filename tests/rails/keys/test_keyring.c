/* Vectors: tests/vectors/cashu/nut13_secrets.json (NUT-13's and cdk's), nut20_quote_signature.json (cdk's locking keys),
 * nut13_p2pk_keys.json (proposed for NUT-13), nut27_backup_key.json (NUT-27's),
 * tests/vectors/onchain/bip86.json (BIP86's own),
 * tests/vectors/ark-flows/keys_mailbox.json (made from bark's rules of derivation by another implementation). */
#include "rails/keys/keyring.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/taproot.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct keyring *ring_of(const char *words, const char *passphrase)
{
	struct mnemonic m;
	struct keyring *kr;

	ck_ok(mnemonic_parse(words, &m, &rerr));
	kr = keyring_new(&m, passphrase, &rerr);
	ck_assert_msg(kr != NULL, "%s", rerr.msg);
	return kr;
}

static struct keyset_id id_of(const char *text)
{
	struct keyset_id id = { 0 };

	ck_assert(strlen(text) <= KEYSET_ID_MAX);
	memcpy(id.s, text, strlen(text));
	return id;
}

static void check_secrets(const json_t *v)
{
	struct keyring *kr = ring_of(vec_str(v, "mnemonic"), "");
	struct keyset_id id = id_of(vec_str(v, "keyset_id"));
	const json_t *secrets = json_object_get(v, "secrets"), *rs = json_object_get(v, "r");

	ck_assert_uint_eq(json_array_size(secrets), 5);
	for (size_t i = 0; i < 5; i++) {
		char text[KEYRING_SECRET_TEXT];
		struct secret r;

		ck_ok(keyring_cashu_output(kr, &id, i, text, &r, &rerr));
		ck_assert_str_eq(text, json_string_value(json_array_get(secrets, i)));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ r.b, 32 }), json_string_value(json_array_get(rs, i)));
	}
	keyring_free(kr);
}

START_TEST(nut13_v1)
{
	check_secrets(json_object_get(vectors_load("cashu/nut13_secrets.json"), "v1_bip32"));
}
END_TEST

START_TEST(nut13_v2)
{
	check_secrets(json_object_get(vectors_load("cashu/nut13_secrets.json"), "v2_hmac"));
	check_secrets(json_object_get(vectors_load("cashu/nut13_secrets.json"), "v2_hmac_cdk"));
}
END_TEST

/* The keys of a branch, and whether they sign. */
static void check_branch(const json_t *v, int (*key)(struct keyring *, uint32_t, struct pubkey *, struct err *),
			 int (*sign)(struct keyring *, uint32_t, const struct hash32 *, uint8_t *, struct err *))
{
	struct keyring *kr = ring_of(vec_str(v, "mnemonic"), "");
	const json_t *k;
	size_t i;

	ck_assert_uint_ge(json_array_size(json_object_get(v, "pubkeys")), 5);
	json_array_foreach(json_object_get(v, "pubkeys"), i, k)
	{
		struct hash32 msg = { { (uint8_t)i } };
		struct pubkey pub;
		uint8_t sig[64], again[64];

		ck_ok(key(kr, (uint32_t)i, &pub, &rerr));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ pub.b, 33 }), json_string_value(k));
		ck_ok(sign(kr, (uint32_t)i, &msg, sig, &rerr));
		ck_assert(secp_schnorr_verify(&pub, &msg, sig));
		ck_ok(sign(kr, (uint32_t)i, &msg, again, &rerr));
		ck_assert_mem_eq(sig, again, 64);
	}
	keyring_free(kr);
}

START_TEST(quote_keys)
{
	check_branch(json_object_get(vectors_load("cashu/nut20_quote_signature.json"), "locking_keys"),
		     keyring_cashu_quote_key, keyring_cashu_quote_sign);
}
END_TEST

START_TEST(lock_keys)
{
	check_branch(vectors_load("cashu/nut13_p2pk_keys.json"), keyring_cashu_lock_key, keyring_cashu_lock_sign);
}
END_TEST

START_TEST(lock_keys_are_found)
{
	struct keyring *kr = ring_of(vec_str(vectors_load("cashu/nut13_p2pk_keys.json"), "mnemonic"), "");
	struct pubkey third, ninth;
	uint32_t at = 77;

	ck_ok(keyring_cashu_lock_key(kr, 3, &third, &rerr));
	ck_ok(keyring_cashu_lock_key(kr, 9, &ninth, &rerr));
	ck_assert_int_eq(keyring_cashu_lock_find(kr, &third, 0, &at, &rerr), 0);
	ck_assert_int_eq(keyring_cashu_lock_find(kr, &third, 3, &at, &rerr), 0);
	ck_assert_uint_eq(at, 77);
	ck_assert_int_eq(keyring_cashu_lock_find(kr, &third, 4, &at, &rerr), 1);
	ck_assert_uint_eq(at, 3);
	ck_assert_int_eq(keyring_cashu_lock_find(kr, &ninth, 20, &at, &rerr), 1);
	ck_assert_uint_eq(at, 9);
	/* Seen once, and still not below this index. */
	ck_assert_int_eq(keyring_cashu_lock_find(kr, &ninth, 9, &at, &rerr), 0);
	/* By x alone. */
	ninth.b[0] ^= 1;
	ck_assert_int_eq(keyring_cashu_lock_find(kr, &ninth, 20, &at, &rerr), 1);
	ninth.b[32] ^= 1;
	ck_assert_int_eq(keyring_cashu_lock_find(kr, &ninth, 20, &at, &rerr), 0);
	ck_fails(keyring_cashu_lock_find(kr, &ninth, KEYRING_LOCK_KEYS_MAX + 1, &at, &rerr), ERR_RANGE);
	keyring_free(kr);
}
END_TEST

START_TEST(backup_key)
{
	json_t *v = vectors_load("cashu/nut27_backup_key.json");
	struct keyring *kr = ring_of(vec_str(v, "mnemonic"), "");
	struct secret want;
	struct hash32 event = { { 7 } };
	struct xonly key, of_want;
	uint8_t sig[64];

	ck_ok(keyring_cashu_backup_key(kr, &key, &rerr));
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ key.b, 32 }), vec_str(v, "public_key_xonly"));
	vec_copy(v, "secret_key", want.b, sizeof(want.b));
	ck_assert(secp_seckey_xonly(&want, &of_want) && xonly_equal(&key, &of_want));
	ck_ok(keyring_cashu_backup_sign(kr, &event, sig, &rerr));
	ck_assert(secp_xonly_verify(&key, &event, sig));
	keyring_free(kr);
}
END_TEST

START_TEST(quote_keys_end_at_2_31)
{
	struct keyring *kr = ring_of("legal winner thank year wave sausage worth useful legal winner thank yellow", "");
	struct hash32 msg = { { 1 } };
	struct pubkey pub;
	uint8_t sig[64];

	ck_ok(keyring_cashu_quote_key(kr, 0x7fffffff, &pub, &rerr));
	ck_fails(keyring_cashu_quote_key(kr, 0x80000000u, &pub, &rerr), ERR_RANGE);
	ck_fails(keyring_cashu_quote_sign(kr, UINT32_MAX, &msg, sig, &rerr), ERR_RANGE);
	ck_ok(keyring_cashu_lock_key(kr, 0x7fffffff, &pub, &rerr));
	ck_fails(keyring_cashu_lock_key(kr, 0x80000000u, &pub, &rerr), ERR_RANGE);
	ck_fails(keyring_cashu_lock_sign(kr, UINT32_MAX, &msg, sig, &rerr), ERR_RANGE);
	keyring_free(kr);
}
END_TEST

static const struct {
	const char *id;
	uint64_t counter;
	enum err_code why;
} refused[] = {
	{ "009a1f293253e41e", UINT64_C(0x80000000), ERR_RANGE },
	{ "009a1f293253e41e", UINT64_MAX, ERR_RANGE },
	{ "I2yN+iRYfkzT", 0, ERR_UNSUPPORTED }, /* legacy */
	{ "009a1f293253e4", 0, ERR_UNSUPPORTED },
	{ "019a1f293253e41e", 0, ERR_UNSUPPORTED }, /* short */
	{ "029a1f293253e41e", 0, ERR_UNSUPPORTED },
	{ "00zz1f293253e41e", 0, ERR_UNSUPPORTED },
	{ "01zza18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a", 0, ERR_UNSUPPORTED },
	{ "005ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a", 0, ERR_UNSUPPORTED },
	{ "", 0, ERR_UNSUPPORTED },
};

START_TEST(no_output_for)
{
	struct keyring *kr = ring_of("legal winner thank year wave sausage worth useful legal winner thank yellow", "");
	struct keyset_id id = id_of(refused[_i].id);
	char text[KEYRING_SECRET_TEXT];
	struct secret r;

	ck_fails(keyring_cashu_output(kr, &id, refused[_i].counter, text, &r, &rerr), refused[_i].why);
	keyring_free(kr);
}
END_TEST

START_TEST(more_keysets_than_are_remembered)
{
	struct keyring *kr = ring_of("legal winner thank year wave sausage worth useful legal winner thank yellow", "");
	char first[50][KEYRING_SECRET_TEXT], text[KEYRING_SECRET_TEXT];
	struct secret r;

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 50; i++) {
			struct keyset_id id = { 0 };

			(void)snprintf(id.s, sizeof(id.s), "00%014x", i * 7919u);
			ck_ok(keyring_cashu_output(kr, &id, 3, text, &r, &rerr));
			if (round == 0)
				memcpy(first[i], text, sizeof(text));
			else
				ck_assert_str_eq(text, first[i]);
			for (unsigned j = 0; j < i; j++)
				ck_assert_str_ne(text, first[j]);
		}
	keyring_free(kr);
}
END_TEST

START_TEST(fingerprints)
{
	/* python-mnemonic's all-abandon seed without a passphrase has the master fingerprint 73c5da0a (BIP84's vectors). */
	struct keyring *kr = ring_of("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
				     "abandon about",
				     "");
	struct keyring *other = ring_of("abandon abandon abandon abandon abandon abandon abandon abandon abandon "
					"abandon abandon about",
					"x");
	char f[KEYRING_FINGERPRINT], g[KEYRING_FINGERPRINT];

	keyring_fingerprint(kr, f);
	ck_assert_str_eq(f, "73c5da0a");
	keyring_fingerprint(other, g);
	ck_assert_str_ne(f, g);
	keyring_free(kr);
	keyring_free(other);
	keyring_free(NULL);
}
END_TEST

START_TEST(a_passphrase_it_cannot_use)
{
	struct mnemonic m;

	ck_ok(mnemonic_parse("legal winner thank year wave sausage worth useful legal winner thank yellow", &m, &rerr));
	ck_assert_ptr_null(keyring_new(&m, "\xc3\xb6", &rerr));
	ck_assert_int_eq(rerr.code, ERR_PARAM);
}
END_TEST

START_TEST(bip86)
{
	json_t *v = vectors_load("onchain/bip86.json"), *d;
	struct keyring *kr = ring_of(vec_str(v, "mnemonic"), vec_str(v, "passphrase"));
	struct bip32_pub account, chain, at;
	char text[BIP32_TEXT_MAX];
	size_t i, checked = 0;

	keyring_onchain_account(kr, NETWORK_MAINNET, &account);
	json_array_foreach(json_object_get(v, "derived"), i, d)
	{
		const char *path = vec_str(d, "path");
		struct keyring_path where = { .net = NETWORK_MAINNET };
		char address[ADDRESS_TEXT_MAX];
		struct xonly internal, by_account;
		struct spk s;

		if (strcmp(path, "m/86h/0h/0h") == 0) {
			bip32_xpub(&account, text);
			ck_assert_str_eq(text, vec_str(d, "xpub"));
			continue;
		}
		ck_assert_uint_eq(strlen(path), 15);
		where.chain = (uint32_t)(path[12] - '0');
		where.index = (uint32_t)(path[14] - '0');
		ck_ok(keyring_onchain_key(kr, where, &internal, &rerr));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ internal.b, 32 }), vec_str(d, "internal_key"));
		ck_ok(bip32_pub_child(&account, where.chain, &chain, &rerr));
		ck_ok(bip32_pub_child(&chain, where.index, &at, &rerr));
		by_account = secp_xonly_of(&at.key);
		ck_assert(xonly_equal(&internal, &by_account));
		ck_ok(tap_bip86_spk(&internal, &s, &rerr));
		ck_assert(bytes_equal(spk_bytes(&s), vec_hex(d, "scriptPubKey")));
		ck_assert(address_text(spk_bytes(&s), NETWORK_MAINNET, address));
		ck_assert_str_eq(address, vec_str(d, "address"));
		checked++;
	}
	ck_assert_uint_eq(checked, 3);
	keyring_free(kr);
}
END_TEST

START_TEST(test_networks_have_keys_of_their_own)
{
	struct keyring *kr = ring_of("legal winner thank year wave sausage worth useful legal winner thank yellow", "");
	static const enum network test[] = { NETWORK_SIGNET, NETWORK_TESTNET4, NETWORK_REGTEST };
	struct xonly mainnet, x;

	ck_ok(keyring_onchain_key(kr, (struct keyring_path){ NETWORK_MAINNET, 0, 5 }, &mainnet, &rerr));
	for (size_t i = 0; i < ARRAY_LEN(test); i++) {
		struct xonly first;

		ck_ok(keyring_onchain_key(kr, (struct keyring_path){ test[i], 0, 5 }, &x, &rerr));
		ck_assert(!xonly_equal(&x, &mainnet));
		ck_ok(keyring_onchain_key(kr, (struct keyring_path){ test[0], 0, 5 }, &first, &rerr));
		ck_assert(xonly_equal(&x, &first));
	}
	keyring_free(kr);
}
END_TEST

START_TEST(onchain_signatures)
{
	struct keyring *kr = ring_of("legal winner thank year wave sausage worth useful legal winner thank yellow", "");
	struct hash32 msg = { { 9 } }, root = { { 3 } };

	for (uint32_t i = 0; i < 8; i++) {
		struct keyring_path at = { NETWORK_REGTEST, i % 2, i };
		struct tap_output out;
		struct xonly internal;
		uint8_t sig[64], again[64];

		ck_ok(keyring_onchain_key(kr, at, &internal, &rerr));
		ck_ok(keyring_onchain_sign(kr, at, NULL, &msg, sig, &rerr));
		ck_ok(keyring_onchain_sign(kr, at, NULL, &msg, again, &rerr));
		ck_assert_mem_eq(sig, again, 64);
		ck_ok(tap_output_make(&internal, NULL, &out, &rerr));
		ck_assert(secp_xonly_verify(&out.key, &msg, sig));
		ck_ok(keyring_onchain_sign(kr, at, &root, &msg, sig, &rerr));
		ck_assert(!secp_xonly_verify(&out.key, &msg, sig));
		ck_ok(tap_output_make(&internal, &root, &out, &rerr));
		ck_assert(secp_xonly_verify(&out.key, &msg, sig));
	}
	keyring_free(kr);
}
END_TEST

#define H BIP32_HARDENED

static const struct {
	enum network net;
	uint32_t path[6];
	size_t n;
	bool ok;
} paths[] = {
	{ NETWORK_MAINNET, { H | 86, H, H, 0, 0 }, 5, true },
	{ NETWORK_MAINNET, { H | 86, H, H, 1, 0x7fffffff }, 5, true },
	{ NETWORK_REGTEST, { H | 86, H | 1, H, 1, 7 }, 5, true },
	{ NETWORK_SIGNET, { H | 86, H | 1, H, 0, 7 }, 5, true },
	{ NETWORK_SIGNET, { H | 86, H, H, 0, 7 }, 5, false },
	{ NETWORK_MAINNET, { H | 86, H | 1, H, 0, 7 }, 5, false },
	{ NETWORK_MAINNET, { H | 84, H, H, 0, 0 }, 5, false },
	{ NETWORK_MAINNET, { 86, H, H, 0, 0 }, 5, false },
	{ NETWORK_MAINNET, { H | 86, H, H | 1, 0, 0 }, 5, false },
	{ NETWORK_MAINNET, { H | 86, H, H, 2, 0 }, 5, false },
	{ NETWORK_MAINNET, { H | 86, H, H, H, 0 }, 5, false },
	{ NETWORK_MAINNET, { H | 86, H, H, 0, H }, 5, false },
	{ NETWORK_MAINNET, { H | 86, H, H, 0, 0, 0 }, 6, false },
	{ NETWORK_MAINNET, { H | 86, H, H, 0 }, 4, false },
	{ NETWORK_MAINNET, { 0 }, 0, false },
};

/* Each key by the account alone, and what it signs. */
START_TEST(vtxo_keys)
{
	json_t *v = vectors_load("ark-flows/keys_mailbox.json"), *d;
	struct keyring *kr = ring_of(vec_str(v, "mnemonic"), vec_str(v, "passphrase"));
	struct hash32 msg = { { 7 } };
	struct bip32_pub account;
	const char *index;
	size_t checked = 0;

	keyring_ark_account(kr, &account);
	json_object_foreach(json_object_get(v, "vtxo_keys"), index, d)
	{
		uint32_t i = (uint32_t)strtoul(index, NULL, 10);
		struct bip32_pub at;
		struct xonly x;
		uint8_t sig[64], again[64];

		ck_ok(bip32_pub_child(&account, i, &at, &rerr));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ at.key.b, 33 }), vec_str(d, "pub"));
		ck_ok(keyring_ark_sign(kr, i, &msg, sig, &rerr));
		ck_ok(keyring_ark_sign(kr, i, &msg, again, &rerr));
		ck_assert_mem_eq(sig, again, 64);
		x = secp_xonly_of(&at.key);
		ck_assert(secp_xonly_verify(&x, &msg, sig));
		checked++;
	}
	ck_assert_uint_ge(checked, 6);
	{
		uint8_t sig[64];

		ck_fails(keyring_ark_sign(kr, 0x80000000u, &msg, sig, &rerr), ERR_RANGE);
	}
	keyring_free(kr);
}
END_TEST

START_TEST(onchain_paths)
{
	struct keyring_path at = { .index = 42 };
	uint32_t full[KEYRING_PATH_LEN];

	ck_assert(keyring_path_parse(paths[_i].net, paths[_i].path, paths[_i].n, &at) == paths[_i].ok);
	if (!paths[_i].ok) {
		ck_assert_uint_eq(at.index, 42);
		return;
	}
	ck_assert_int_eq(at.net, paths[_i].net);
	keyring_path_full(at, full);
	ck_assert_mem_eq(full, paths[_i].path, sizeof(full));
}
END_TEST

START_TEST(onchain_keys_end_at_2_31)
{
	struct keyring *kr = ring_of("legal winner thank year wave sausage worth useful legal winner thank yellow", "");
	struct hash32 msg = { { 9 } };
	struct xonly x;
	uint8_t sig[64];

	ck_ok(keyring_onchain_key(kr, (struct keyring_path){ NETWORK_MAINNET, 1, 0x7fffffff }, &x, &rerr));
	ck_fails(keyring_onchain_key(kr, (struct keyring_path){ NETWORK_MAINNET, 1, 0x80000000u }, &x, &rerr),
		 ERR_RANGE);
	ck_fails(keyring_onchain_key(kr, (struct keyring_path){ NETWORK_MAINNET, 0x80000000u, 0 }, &x, &rerr),
		 ERR_RANGE);
	ck_fails(keyring_onchain_sign(kr, (struct keyring_path){ NETWORK_MAINNET, 0, UINT32_MAX }, NULL, &msg, sig,
				      &rerr),
		 ERR_RANGE);
	keyring_free(kr);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/keys/keyring");
	TCase *c = rails_case(s, "keyring");

	tcase_add_test(c, nut13_v1);
	tcase_add_test(c, nut13_v2);
	tcase_add_test(c, quote_keys);
	tcase_add_test(c, lock_keys);
	tcase_add_test(c, lock_keys_are_found);
	tcase_add_test(c, backup_key);
	tcase_add_test(c, quote_keys_end_at_2_31);
	tcase_add_loop_test(c, no_output_for, 0, ARRAY_LEN(refused));
	tcase_add_test(c, more_keysets_than_are_remembered);
	tcase_add_test(c, fingerprints);
	tcase_add_test(c, a_passphrase_it_cannot_use);
	tcase_add_test(c, bip86);
	tcase_add_test(c, test_networks_have_keys_of_their_own);
	tcase_add_test(c, onchain_signatures);
	tcase_add_test(c, vtxo_keys);
	tcase_add_loop_test(c, onchain_paths, 0, ARRAY_LEN(paths));
	tcase_add_test(c, onchain_keys_end_at_2_31);
	return suite_run(s);
}
