/* Vectors: tests/vectors/evm/keystore_v3.json, and the scrypt example of the Web3 Secret Storage Definition. */
#include "rails/evm/keystore.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/evm/address.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

static int open_json(const json_t *file, const char *password, struct secret *ret)
{
	return keystore_open(bytes_of(json_text(&ra, file)), bytes_of(password), ret, &rerr);
}

START_TEST(vector)
{
	json_t *v = vectors_load("evm/keystore_v3.json"), *file = json_object_get(v, "keystore");
	struct secret want = vec_secret(v, "private_key"), s = { { 7 } };
	struct evm_address a, want_address = vec_address(v, "address");
	uint8_t xy[64];

	ck_fails(open_json(file, vec_str(v, "wrong_password"), &s), ERR_PASSPHRASE);
	ck_fails(open_json(file, "", &s), ERR_PASSPHRASE);
	ck_assert_uint_eq(s.b[0], 7);
	ck_ok(open_json(file, vec_str(v, "password"), &s));
	ck_assert_mem_eq(&s, &want, sizeof(s));
	ck_assert(secp_seckey_xy(&s, xy));
	evm_address_of_key(xy, &a);
	ck_assert(evm_address_equal(&a, &want_address));
}
END_TEST

/* At the usual cost, whole and by its own writer. */
START_TEST(definition)
{
	static const char file[] =
		"{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"83dbcc02d8ccb40e466191a123791e0e\"},"
		"\"ciphertext\":\"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c\",\"kdf\":\"scrypt\","
		"\"kdfparams\":{\"dklen\":32,\"n\":262144,\"r\":1,\"p\":8,"
		"\"salt\":\"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19\"},"
		"\"mac\":\"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097\"},"
		"\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";
	struct secret s;

	ck_ok(keystore_open(bytes_of(file), bytes_of("testpassword"), &s, &rerr));
	ck_bytes(((struct bytes){ s.b, 32 }),
		 evm_hex("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"));
}
END_TEST

static json_t *spoilt(const char *path, json_t *value)
{
	json_t *file = json_object_get(vectors_load("evm/keystore_v3.json"), "keystore"), *at = file;
	const char *dot;

	for (; (dot = strchr(path, '.')) != NULL; path = dot + 1)
		at = json_object_get(at, arena_strndup(&ra, path, (size_t)(dot - path)));
	ck_assert(json_is_object(at));
	if (value == NULL)
		ck_assert_int_eq(json_object_del(at, path), 0);
	else
		ck_assert_int_eq(json_object_set_new(at, path, value), 0);
	return file;
}

static const struct {
	const char *path;
	const char *text; /* as JSON; NULL: left out */
	enum err_code why;
} refused[] = {
	{ "version", NULL, ERR_PARSE },
	{ "version", "1", ERR_UNSUPPORTED },
	{ "version", "4", ERR_UNSUPPORTED },
	{ "version", "\"3\"", ERR_PARSE },
	{ "version", "3.0", ERR_PARSE },
	{ "version", "-3", ERR_RANGE },
	{ "Crypto", NULL, ERR_PARSE },
	{ "Crypto", "[]", ERR_PARSE },
	{ "crypto", "{}", ERR_PARSE }, /* beside the other */
	{ "Crypto.cipher", NULL, ERR_PARSE },
	{ "Crypto.cipher", "\"aes-128-cbc\"", ERR_UNSUPPORTED },
	{ "Crypto.cipher", "\"AES-128-CTR\"", ERR_UNSUPPORTED },
	{ "Crypto.cipherparams", NULL, ERR_PARSE },
	{ "Crypto.cipherparams.iv", NULL, ERR_PARSE },
	{ "Crypto.cipherparams.iv", "\"a0a1a2a3a4a5a6a7a8a9aaabacadae\"", ERR_PARSE },
	{ "Crypto.cipherparams.iv", "\"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0\"", ERR_RANGE },
	{ "Crypto.cipherparams.iv", "\"x0a1a2a3a4a5a6a7a8a9aaabacadaeaf\"", ERR_PARSE },
	{ "Crypto.ciphertext", NULL, ERR_PARSE },
	{ "Crypto.ciphertext", "\"\"", ERR_PARSE },
	{ "Crypto.ciphertext", "\"1a23ee83f91845381d1baeb1737ced8b0ffbea8a8cb338e2da67655188d7c0\"", ERR_PARSE },
	{ "Crypto.ciphertext", "\"1a23ee83f91845381d1baeb1737ced8b0ffbea8a8cb338e2da67655188d7c0fc00\"", ERR_RANGE },
	{ "Crypto.ciphertext", "\"1a23ee83f91845381d1baeb1737ced8b0ffbea8a8cb338e2da67655188d7c0fd\"", ERR_PASSPHRASE },
	{ "Crypto.mac", NULL, ERR_PARSE },
	{ "Crypto.mac", "\"20d5\"", ERR_PARSE },
	{ "Crypto.mac", "\"20d5cec373812116e77f5d9bdf26020368d12ff8b3625bdb3be10e07e0bb61c1\"", ERR_PASSPHRASE },
	{ "Crypto.kdf", NULL, ERR_PARSE },
	{ "Crypto.kdf", "\"pbkdf2\"", ERR_UNSUPPORTED },
	{ "Crypto.kdf", "\"a name that is longer than any key derivation's\"", ERR_RANGE },
	{ "Crypto.kdfparams", NULL, ERR_PARSE },
	{ "Crypto.kdfparams.dklen", NULL, ERR_PARSE },
	{ "Crypto.kdfparams.dklen", "31", ERR_RANGE },
	{ "Crypto.kdfparams.dklen", "64", ERR_RANGE },
	{ "Crypto.kdfparams.n", NULL, ERR_PARSE },
	{ "Crypto.kdfparams.n", "0", ERR_RANGE },
	{ "Crypto.kdfparams.n", "4095", ERR_RANGE },
	{ "Crypto.kdfparams.n", "2097152", ERR_RANGE },
	{ "Crypto.kdfparams.n", "9223372036854775807", ERR_RANGE },
	{ "Crypto.kdfparams.n", "8192", ERR_PASSPHRASE },
	{ "Crypto.kdfparams.n", "-4096", ERR_RANGE },
	{ "Crypto.kdfparams.r", "0", ERR_RANGE },
	{ "Crypto.kdfparams.r", "4294967295", ERR_RANGE },
	{ "Crypto.kdfparams.r", "4294967304", ERR_RANGE }, /* 8 in 32 bits */
	{ "Crypto.kdfparams.p", "0", ERR_RANGE },
	{ "Crypto.kdfparams.p", "4294967297", ERR_RANGE },
	{ "Crypto.kdfparams.p", "2", ERR_PASSPHRASE },
	{ "Crypto.kdfparams.p", NULL, ERR_PARSE },
	{ "Crypto.kdfparams.salt", NULL, ERR_PARSE },
	{ "Crypto.kdfparams.salt", "\"0\"", ERR_PARSE },
	{ "Crypto.kdfparams.salt", "\"zz\"", ERR_PARSE },
	{ "Crypto.kdfparams.salt", "\"\"", ERR_PASSPHRASE },
	{ "Crypto.kdfparams.salt", "5", ERR_PARSE },
};

START_TEST(not_this_file)
{
	const char *text = refused[_i].text;
	json_t *value = NULL;
	struct secret s = { { 7 } };

	if (text != NULL)
		value = json_loads(text, JSON_DECODE_ANY, NULL);
	ck_assert((value != NULL) == (text != NULL));
	ck_fails(open_json(spoilt(refused[_i].path, value), "correct horse", &s), refused[_i].why);
	ck_assert_uint_eq(s.b[0], 7);
	ck_assert_ptr_null(strstr(rerr.msg, "correct horse"));
}
END_TEST

START_TEST(the_other_spelling)
{
	json_t *v = vectors_load("evm/keystore_v3.json"), *file = json_object_get(v, "keystore");
	json_t *crypto = json_incref(json_object_get(file, "Crypto"));
	struct secret want = vec_secret(v, "private_key"), s;

	ck_assert_int_eq(json_object_del(file, "Crypto"), 0);
	ck_assert_int_eq(json_object_set_new(file, "crypto", crypto), 0);
	ck_ok(open_json(file, "correct horse", &s));
	ck_assert_mem_eq(&s, &want, sizeof(s));
}
END_TEST

static const char *const no_file[] = { "", "{", "[]", "3", "\"version\"", "{\"version\":3,\"version\":3}" };

START_TEST(no_json)
{
	struct secret s;

	ck_fails(keystore_open(bytes_of(no_file[_i]), bytes_of("x"), &s, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(size_has_a_limit)
{
	size_t n = KEYSTORE_MAX + 1;
	char *spaces = arena_alloc(&ra, n);
	struct secret s;

	memset(spaces, ' ', n);
	memcpy(spaces, "{}", 2);
	ck_fails(keystore_open((struct bytes){ (uint8_t *)spaces, n }, bytes_of("x"), &s, &rerr), ERR_PARSE);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "8192"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/keystore");
	TCase *c = rails_case(s, "keystore");

	tcase_add_test(c, vector);
	tcase_add_test(c, definition);
	tcase_add_loop_test(c, not_this_file, 0, ARRAY_LEN(refused));
	tcase_add_test(c, the_other_spelling);
	tcase_add_loop_test(c, no_json, 0, ARRAY_LEN(no_file));
	tcase_add_test(c, size_has_a_limit);
	return suite_run(s);
}
