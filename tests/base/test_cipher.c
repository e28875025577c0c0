/* Vectors: RFC 7914 section 12, and NIST SP 800-38A section F.5.1. */
#include "base/cipher.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/support/suite.h"

static void assert_hex(const uint8_t *got, size_t n, const char *want)
{
	char text[129];

	hex_encode(got, n, text);
	ck_assert_str_eq(text, want);
}

static const struct {
	const char *password, *salt;
	struct scrypt_cost cost;
	const char *want;
} stretched[] = {
	{ "",
	  "",
	  { 16, 1, 1 },
	  "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
	  "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906" },
	{ "password",
	  "NaCl",
	  { 1024, 8, 16 },
	  "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
	  "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640" },
	{ "pleaseletmein",
	  "SodiumChloride",
	  { 16384, 8, 1 },
	  "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
	  "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887" },
	{ "pleaseletmein",
	  "SodiumChloride",
	  { 1048576, 8, 1 },
	  "2101cb9b6a511aaeaddbbe09cf70f881ec568d574a2ffd4dabe5ee9820adaa47"
	  "8e56fd8f4ba5d09ffa1c6d927c40f4c337304049e8a952fbcbf45c6fa77a41a4" },
};

/* Of a machine that also does other things. */
static bool has_room_for(struct scrypt_cost c)
{
	long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	return c.n < SCRYPT_N_MAX || (pages > 0 && page > 0 && (uint64_t)pages * (uint64_t)page / 3 > 128 * c.r * c.n);
}

START_TEST(scrypt_vectors)
{
	struct err err;
	uint8_t key[64];

	if (!has_room_for(stretched[_i].cost)) {
		puts("scrypt over a gibibyte: not run, there is too little memory free");
		return;
	}
	ck_assert_msg(scrypt_stretch(bytes_of(stretched[_i].password), bytes_of(stretched[_i].salt), stretched[_i].cost,
				     key, sizeof(key), &err) == 0,
		      "%s", err.msg);
	assert_hex(key, sizeof(key), stretched[_i].want);
}
END_TEST

/* RFC 7914 asks for n < 2^(16 * r), which writers of key files do not keep to: such a cost must work.  The value is that of
 * the Web3 Secret Storage Definition's example. */
START_TEST(more_rounds_than_the_rfc_allows)
{
	struct err err;
	uint8_t salt[32], key[32];

	ck_assert(hex_decode("ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19", salt, sizeof(salt)));
	ck_assert_int_eq(scrypt_stretch(bytes_of("testpassword"), (struct bytes){ salt, sizeof(salt) },
					(struct scrypt_cost){ 262144, 1, 8 }, key, sizeof(key), &err),
			 0);
	assert_hex(key, sizeof(key), "fac192ceb5fd772906bea3e118a69e8bbb5cc24229e20d8766fd298291bba6bd");
}
END_TEST

START_TEST(keys_of_other_lengths)
{
	struct err err;
	uint8_t key[33];

	memset(key, 0x55, sizeof(key));
	ck_assert_int_eq(scrypt_stretch((struct bytes){ 0 }, (struct bytes){ 0 }, (struct scrypt_cost){ 16, 1, 1 }, key,
					32, &err),
			 0);
	assert_hex(key, 32, "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442");
	ck_assert_uint_eq(key[32], 0x55);
}
END_TEST

static const struct scrypt_cost too_much[] = {
	{ 0, 8, 1 },
	{ 1, 8, 1 },
	{ 3, 8, 1 },
	{ 1000, 8, 1 },
	{ SCRYPT_N_MAX * 2, 1, 1 },
	{ SCRYPT_N_MAX + 1, 1, 1 },
	{ UINT64_C(1) << 63, 8, 1 },
	{ UINT64_MAX, 8, 1 },
	{ SCRYPT_N_MAX, 9, 1 },
	{ SCRYPT_N_MAX, 8, 2 },
	{ 16384, 8, 65 },
	{ 2, 0, 1 },
	{ 2, 1, 0 },
	{ 2, UINT32_MAX, 1 },
	{ 2, 1, UINT32_MAX },
	{ 2, UINT32_MAX, UINT32_MAX },
	{ SCRYPT_N_MAX, UINT32_MAX, UINT32_MAX },
};

START_TEST(costs_have_a_limit)
{
	struct err err;
	uint8_t key[32] = { 7 };

	ck_assert_int_eq(scrypt_stretch(bytes_of("password"), bytes_of("NaCl"), too_much[_i], key, sizeof(key), &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
	ck_assert_uint_eq(key[0], 7);
}
END_TEST

static const char plain[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
			    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const char secret_text[] = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
				  "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee";

START_TEST(aes_vectors)
{
	uint8_t key[16], iv[16], in[64], out[64];

	ck_assert(hex_decode("2b7e151628aed2a6abf7158809cf4f3c", key, sizeof(key)));
	ck_assert(hex_decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", iv, sizeof(iv)));
	ck_assert(hex_decode(plain, in, sizeof(in)));
	aes128_ctr(key, iv, (struct bytes){ in, sizeof(in) }, out);
	assert_hex(out, sizeof(out), secret_text);
	aes128_ctr(key, iv, (struct bytes){ out, sizeof(out) }, out); /* and back, in place */
	ck_assert_mem_eq(out, in, sizeof(in));
	/* Any number of bytes. */
	memset(out, 0x55, sizeof(out));
	aes128_ctr(key, iv, (struct bytes){ in, 17 }, out);
	ck_assert_int_eq(strncmp(secret_text, "874d6191b620e3261bef6864990db6ce98", 34), 0);
	assert_hex(out, 17, "874d6191b620e3261bef6864990db6ce98");
	ck_assert_uint_eq(out[17], 0x55);
	aes128_ctr(key, iv, (struct bytes){ 0 }, out);
	ck_assert_uint_eq(out[0], 0x87);
}
END_TEST

/* The counter is the whole block, big-endian: from all ones it goes on at zero. */
START_TEST(the_counter_wraps)
{
	static const uint8_t key[16] = { 1 }, zeros[32], first[16];
	uint8_t last[16], out[32], from_zero[16];

	memset(last, 0xff, sizeof(last));
	aes128_ctr(key, last, (struct bytes){ zeros, 32 }, out);
	aes128_ctr(key, first, (struct bytes){ zeros, 16 }, from_zero);
	ck_assert_mem_eq(out + 16, from_zero, 16);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/cipher");
	TCase *t = tcase_create("cipher");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, scrypt_vectors, 0, ARRAY_LEN(stretched));
	tcase_add_test(t, more_rounds_than_the_rfc_allows);
	tcase_add_test(t, keys_of_other_lengths);
	tcase_add_loop_test(t, costs_have_a_limit, 0, ARRAY_LEN(too_much));
	tcase_add_test(t, aes_vectors);
	tcase_add_test(t, the_counter_wraps);
	suite_add_tcase(s, t);
	return suite_run(s);
}
