#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/suite.h"

static void assert_hex(const uint8_t *got, size_t n, const char *want)
{
	char text[129];

	hex_encode(got, n, text);
	ck_assert_str_eq(text, want);
}

/* FIPS 180-4, the examples that NIST publishes with it. */
static const struct {
	const char *text, *sha256, *sha512;
} digests[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	  "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	  "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

START_TEST(digests_match)
{
	struct bytes v = bytes_of(digests[_i].text);
	uint8_t d[64];
	struct hash32 h;

	for (int round = 0; round < 2; round++) { /* the first call sets up, the second reuses */
		sha256(v, &h);
		assert_hex(h.b, 32, digests[_i].sha256);
		sha512(v, d);
		assert_hex(d, 64, digests[_i].sha512);
	}
}
END_TEST

START_TEST(nothing_at_all_hashes_like_empty_text)
{
	struct hash32 a, b;

	sha256((struct bytes){ 0 }, &a);
	sha256(bytes_of(""), &b);
	ck_assert_mem_eq(&a, &b, sizeof(a));
}
END_TEST

START_TEST(long_input)
{
	struct hash32 h;
	uint8_t *million = malloc(1000000);

	ck_assert_ptr_nonnull(million);
	memset(million, 'a', 1000000);
	sha256((struct bytes){ million, 1000000 }, &h);
	assert_hex(h.b, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}
END_TEST

START_TEST(two_parts_hash_like_their_sum)
{
	static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	struct hash32 h;

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		sha256_two((struct bytes){ (const uint8_t *)text, cut },
			   (struct bytes){ (const uint8_t *)text + cut, sizeof(text) - 1 - cut }, &h);
		assert_hex(h.b, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	}
	sha256_two((struct bytes){ 0 }, (struct bytes){ 0 }, &h);
	assert_hex(h.b, 32, digests[0].sha256);
}
END_TEST

START_TEST(hashed_twice)
{
	struct hash32 h;

	sha256_twice(bytes_of("hello"), &h);
	assert_hex(h.b, 32, "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
}
END_TEST

START_TEST(result_may_overwrite_the_input)
{
	struct hash32 h, twice, want;

	sha256(bytes_of("abc"), &h);
	sha256((struct bytes){ h.b, 32 }, &want);
	twice = h;
	sha256((struct bytes){ twice.b, 32 }, &twice);
	ck_assert_mem_eq(&twice, &want, sizeof(want));
}
END_TEST

START_TEST(hash160_matches)
{
	uint8_t h[20], key[33];

	hash160((struct bytes){ 0 }, h);
	assert_hex(h, 20, "b472a266d0bd89c13706a4132ccfb16f7c3b9fcb");
	/* BIP173's example key, whose program is that of P2WPKH there. */
	ck_assert(hex_decode("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", key, sizeof(key)));
	hash160((struct bytes){ key, sizeof(key) }, h);
	assert_hex(h, 20, "751e76e8199196d454941c45d1b3a323f1433bd6");
}
END_TEST

/* Of those that its authors published. */
START_TEST(ripemd160_matches)
{
	uint8_t h[20];

	ripemd160((struct bytes){ 0 }, h);
	assert_hex(h, 20, "9c1185a5c5e9fc54612808977ee8f548b2258d31");
	ripemd160(bytes_of("abc"), h);
	assert_hex(h, 20, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
}
END_TEST

/* RFC 4231 cases 1 (a key of 20 bytes), 2 and 6 (a key longer than a block), and the empty key. */
static const struct {
	uint8_t fill; /* the key is this, n times, or the text */
	size_t n;
	const char *key, *text, *sha256, *sha512;
} macs[] = {
	{ 0x0b, 20, NULL, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
	  "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	  "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
	{ 0, 4, "Jefe", "what do ya want for nothing?",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
	{ 0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	  "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
	  "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
	{ 0, 0, NULL, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
	  "b936cee86c9f87aa5d3c6f2e84cb5a4239a5fe50480a6ec66b70ab5b1f4ac673"
	  "0c6c515421b327ec1d69402e53dfb49ad7381eb067b338fd7b0cb22247225d47" },
};

START_TEST(macs_match)
{
	uint8_t filled[131], mac[64];
	struct bytes key = { filled, macs[_i].n };

	memset(filled, macs[_i].fill, sizeof(filled));
	if (macs[_i].key != NULL)
		key = bytes_of(macs[_i].key);
	for (int round = 0; round < 2; round++) {
		hmac_sha256(key, bytes_of(macs[_i].text), mac);
		assert_hex(mac, 32, macs[_i].sha256);
		hmac_sha512(key, bytes_of(macs[_i].text), mac);
		assert_hex(mac, 64, macs[_i].sha512);
	}
}
END_TEST

/* libcrypto can be made to use the key of the call before. */
START_TEST(no_key_is_not_the_last_key)
{
	uint8_t mac[64];

	hmac_sha256(bytes_of("a key"), bytes_of("text"), mac);
	hmac_sha256((struct bytes){ 0 }, (struct bytes){ 0 }, mac);
	assert_hex(mac, 32, macs[3].sha256);
}
END_TEST

START_TEST(key_stretching_matches)
{
	uint8_t key[64];

	/* The first of BIP39's vectors. */
	pbkdf2_sha512(
		bytes_of("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
			 "about"),
		bytes_of("mnemonicTREZOR"), 2048, key);
	assert_hex(key, 64,
		   "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553"
		   "1f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04");
	/* Nothing stretched with nothing, as Python's hashlib has it. */
	pbkdf2_sha512((struct bytes){ 0 }, (struct bytes){ 0 }, 1, key);
	assert_hex(key, 64,
		   "6d2ecbbbfb2e6dcd7056faf9af6aa06eae594391db983279a6bf27e0eb228614"
		   "3ab0c996f33ca4b667e945829ea693340f2831797324e5f31df18ed171d18c97");
}
END_TEST

/* The reference's own vector: key 00..0f, message 00..0e. */
START_TEST(siphash_is_the_reference)
{
	uint8_t key[16], message[15];

	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	memcpy(message, key, sizeof(message));
	ck_assert_uint_eq(siphash(key, (struct bytes){ message, sizeof(message) }), 0xa129ca6149be45e5u);
	ck_assert_uint_eq(siphash(key, (struct bytes){ NULL, 0 }), 0x726fdb47dd0e0e31u);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/hash");
	TCase *t = tcase_create("hashes");

	tcase_add_loop_test(t, digests_match, 0, ARRAY_LEN(digests));
	tcase_add_test(t, nothing_at_all_hashes_like_empty_text);
	tcase_add_test(t, long_input);
	tcase_add_test(t, two_parts_hash_like_their_sum);
	tcase_add_test(t, hashed_twice);
	tcase_add_test(t, result_may_overwrite_the_input);
	tcase_add_test(t, hash160_matches);
	tcase_add_test(t, ripemd160_matches);
	tcase_add_loop_test(t, macs_match, 0, ARRAY_LEN(macs));
	tcase_add_test(t, no_key_is_not_the_last_key);
	tcase_add_test(t, key_stretching_matches);
	tcase_add_test(t, siphash_is_the_reference);
	suite_add_tcase(s, t);
	return suite_run(s);
}
