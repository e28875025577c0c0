/* Vectors: tests/vectors/onchain/bip32.json (BIP32's own), bip84.json (BIP84's own). */
#include "rails/bitcoin/bip32.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/mnemonic.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

/* "m/0h/1/2h" */
static size_t path_parse(const char *text, uint32_t *path, size_t max)
{
	size_t n = 0;

	ck_assert_int_eq(*text++, 'm');
	while (*text == '/') {
		char digits[11];
		size_t len = strspn(++text, "0123456789");
		uint64_t v;

		ck_assert(len > 0 && len < sizeof(digits) && n < max);
		memcpy(digits, text, len);
		digits[len] = '\0';
		ck_assert(parse_u64(digits, INT32_MAX, &v));
		text += len;
		path[n] = (uint32_t)v;
		if (*text == 'h' || *text == '\'') {
			path[n] |= BIP32_HARDENED;
			text++;
		}
		n++;
	}
	ck_assert_int_eq(*text, '\0');
	return n;
}

START_TEST(vectors)
{
	json_t *list = json_object_get(vectors_load("onchain/bip32.json"), "vectors"), *v, *chain;
	size_t i, j, checked = 0;

	json_array_foreach(list, i, v)
	{
		struct bytes seed = vec_hex(v, "seed");

		json_array_foreach(json_object_get(v, "chains"), j, chain)
		{
			struct bip32_key master, k, back;
			struct bip32_pub pub, pub_back;
			uint32_t path[16];
			char text[BIP32_TEXT_MAX];
			size_t n = path_parse(vec_str(chain, "path"), path, ARRAY_LEN(path));

			ck_ok(bip32_master(seed, &master, &rerr));
			ck_ok(bip32_derive(&master, path, n, &k, &rerr));
			bip32_xprv(&k, text);
			ck_assert_str_eq(text, vec_str(chain, "xprv"));
			ck_ok(bip32_xprv_parse(text, &back, &rerr));
			ck_assert_mem_eq(&back, &k, sizeof(k));
			bip32_neuter(&k, &pub);
			bip32_xpub(&pub, text);
			ck_assert_str_eq(text, vec_str(chain, "xpub"));
			ck_ok(bip32_xpub_parse(text, &pub_back, &rerr));
			ck_assert_mem_eq(&pub_back, &pub, sizeof(pub));
			/* Neither is taken for the other. */
			ck_fails(bip32_xprv_parse(vec_str(chain, "xpub"), &back, &rerr), ERR_PARSE);
			ck_fails(bip32_xpub_parse(vec_str(chain, "xprv"), &pub_back, &rerr), ERR_PARSE);
			checked++;
		}
	}
	ck_assert_uint_ge(checked, 17);
}
END_TEST

/* Where a step of a vector is not hardened, the public key alone comes to the same. */
START_TEST(public_children)
{
	json_t *list = json_object_get(vectors_load("onchain/bip32.json"), "vectors"), *v, *chain;
	size_t i, j, checked = 0;

	json_array_foreach(list, i, v)
	{
		struct bip32_pub before = { 0 };

		json_array_foreach(json_object_get(v, "chains"), j, chain)
		{
			struct bip32_pub at, child;

			ck_ok(bip32_xpub_parse(vec_str(chain, "xpub"), &at, &rerr));
			if (at.depth > 0 && (at.index & BIP32_HARDENED) == 0) {
				ck_ok(bip32_pub_child(&before, at.index, &child, &rerr));
				ck_assert_mem_eq(&child, &at, sizeof(at));
				checked++;
			} else if (at.depth > 0) {
				ck_fails(bip32_pub_child(&before, at.index, &child, &rerr), ERR_RANGE);
			}
			before = at;
		}
	}
	ck_assert_uint_ge(checked, 4);
}
END_TEST

START_TEST(public_paths_end_too)
{
	uint8_t seed[16] = { 1 };
	struct bip32_key k;
	struct bip32_pub pub;

	ck_ok(bip32_master((struct bytes){ seed, 16 }, &k, &rerr));
	bip32_neuter(&k, &pub);
	pub.depth = 255;
	ck_fails(bip32_pub_child(&pub, 0, &pub, &rerr), ERR_RANGE);
	pub.depth = 0;
	ck_ok(bip32_pub_child(&pub, 0, &pub, &rerr));
	memset(pub.key.b, 0, sizeof(pub.key.b));
	ck_fails(bip32_pub_child(&pub, 0, &pub, &rerr), ERR_CRYPTO);
}
END_TEST

/* BIP84: foreign wallets' addresses, as one pays to them. */
START_TEST(bip84)
{
	json_t *v = vectors_load("onchain/bip84.json"), *d;
	SCOPED(mnemonic) struct mnemonic m;
	SCOPED(seed) struct seed seed;
	struct bip32_key master;
	size_t i, checked = 0;

	ck_ok(mnemonic_parse(vec_str(v, "mnemonic"), &m, &rerr));
	ck_ok(mnemonic_seed(&m, vec_str(v, "passphrase"), &seed, &rerr));
	ck_ok(bip32_master((struct bytes){ seed.b, sizeof(seed.b) }, &master, &rerr));
	json_array_foreach(json_object_get(v, "derived"), i, d)
	{
		char text[ADDRESS_TEXT_MAX];
		struct bip32_key k;
		struct bip32_pub pub;
		uint32_t path[8];
		struct spk s;

		if (json_object_get(d, "address") == NULL)
			continue;
		ck_ok(bip32_derive(&master, path, path_parse(vec_str(d, "path"), path, 8), &k, &rerr));
		bip32_neuter(&k, &pub);
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ pub.key.b, 33 }), vec_str(d, "pubkey"));
		s = spk_p2wpkh(&pub.key);
		ck_assert(address_text(spk_bytes(&s), NETWORK_MAINNET, text));
		ck_assert_str_eq(text, vec_str(d, "address"));
		checked++;
	}
	ck_assert_uint_eq(checked, 3);
}
END_TEST

START_TEST(invalid_keys)
{
	json_t *list = json_object_get(vectors_load("onchain/bip32.json"), "invalid"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 16);
	json_array_foreach(list, i, v)
	{
		struct bip32_key k;
		struct bip32_pub p;

		ck_fails(bip32_xprv_parse(vec_str(v, "key"), &k, &rerr), ERR_PARSE);
		ck_fails(bip32_xpub_parse(vec_str(v, "key"), &p, &rerr), ERR_PARSE);
	}
}
END_TEST

START_TEST(a_seed_has_16_to_64_bytes)
{
	uint8_t seed[65] = { 1 };
	struct bip32_key k;

	ck_fails(bip32_master((struct bytes){ seed, 15 }, &k, &rerr), ERR_RANGE);
	ck_ok(bip32_master((struct bytes){ seed, 16 }, &k, &rerr));
	ck_ok(bip32_master((struct bytes){ seed, 64 }, &k, &rerr));
	ck_fails(bip32_master((struct bytes){ seed, 65 }, &k, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(paths_end_at_255_levels)
{
	uint8_t seed[16] = { 1 };
	uint32_t path[256] = { 0 };
	struct bip32_key k, deep;

	ck_ok(bip32_master((struct bytes){ seed, 16 }, &k, &rerr));
	ck_ok(bip32_derive(&k, path, 255, &deep, &rerr));
	ck_assert_uint_eq(deep.depth, 255);
	ck_fails(bip32_child(&deep, 0, &deep, &rerr), ERR_RANGE);
	ck_fails(bip32_derive(&k, path, 256, &deep, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(derived_in_place)
{
	uint8_t seed[16] = { 1 };
	struct bip32_key k, child;

	ck_ok(bip32_master((struct bytes){ seed, 16 }, &k, &rerr));
	ck_ok(bip32_child(&k, 7, &child, &rerr));
	ck_ok(bip32_child(&k, 7, &k, &rerr));
	ck_assert_mem_eq(&k, &child, sizeof(k));
}
END_TEST

static const char *const not_base58[] = {
	"",
	"1",
	"0",
	"O",
	"I",
	"l",
	" xprv",
	"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJ",
	"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi1",
	"1xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
	"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi\n",
	"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
};

START_TEST(text_that_is_no_key)
{
	struct bip32_key k;

	ck_fails(bip32_xprv_parse(not_base58[_i], &k, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(numbers_as_indexes)
{
	static const uint8_t all_ones[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t modulus[8] = { 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff };
	static const uint8_t below[8] = { 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xfe };

	ck_assert_uint_eq(bip32_index_of(modulus), 0);
	ck_assert_uint_eq(bip32_index_of(below), 0x7ffffffe);
	ck_assert_uint_eq(bip32_index_of(all_ones), UINT64_MAX % 0x7fffffff);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/bip32");
	TCase *c = rails_case(s, "bip32");

	tcase_add_test(c, vectors);
	tcase_add_test(c, public_children);
	tcase_add_test(c, public_paths_end_too);
	tcase_add_test(c, bip84);
	tcase_add_test(c, invalid_keys);
	tcase_add_test(c, a_seed_has_16_to_64_bytes);
	tcase_add_test(c, paths_end_at_255_levels);
	tcase_add_test(c, derived_in_place);
	tcase_add_loop_test(c, text_that_is_no_key, 0, ARRAY_LEN(not_base58));
	tcase_add_test(c, numbers_as_indexes);
	return suite_run(s);
}
