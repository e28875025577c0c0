/* Vectors: tests/vectors/evm/addresses.json (EIP-55's own, and those of a mnemonic that EVM development nodes share). */
#include "rails/evm/address.h"

#include <ctype.h>
#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/evm/keccak.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

static char *recased(const char *address, int (*letter)(int))
{
	char *text = arena_strdup(&ra, address);

	for (char *p = text + 2; *p != '\0'; p++)
		*p = (char)letter(*p);
	return text;
}

static void check_text(const struct evm_address *a, const char *want)
{
	char text[EVM_ADDRESS_TEXT];

	evm_address_text(a, text);
	ck_assert_str_eq(text, want);
}

START_TEST(eip55_valid)
{
	json_t *list = json_object_get(vectors_load("evm/addresses.json"), "eip55_valid"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 8);
	json_array_foreach(list, i, v)
	{
		const char *text = json_string_value(v);
		struct evm_address a, b;

		ck_ok(evm_address_parse(text, &a, &rerr));
		check_text(&a, text);
		ck_ok(evm_address_parse(recased(text, tolower), &b, &rerr));
		ck_assert(evm_address_equal(&a, &b));
		ck_ok(evm_address_parse(recased(text, toupper), &b, &rerr));
		ck_assert(evm_address_equal(&a, &b));
	}
}
END_TEST

START_TEST(eip55_invalid)
{
	json_t *list = json_object_get(vectors_load("evm/addresses.json"), "eip55_invalid"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 3);
	json_array_foreach(list, i, v)
	{
		struct evm_address a = { { 7 } }, was = a;

		ck_fails(evm_address_parse(json_string_value(v), &a, &rerr), ERR_PARSE);
		ck_assert_ptr_eq(strstr(rerr.msg, "bad_checksum"), rerr.msg);
		ck_assert(evm_address_equal(&a, &was));
	}
}
END_TEST

/* A single letter of the other case breaks the checksum, unless that makes all of them alike. */
START_TEST(every_letter_counts)
{
	static const char right[] = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
	unsigned tried = 0;

	for (size_t i = 2; i < strlen(right); i++) {
		char *text = arena_strdup(&ra, right);
		struct evm_address a;

		if (!isalpha(right[i]))
			continue;
		text[i] = (char)(text[i] ^ 0x20);
		ck_fails(evm_address_parse(text, &a, &rerr), ERR_PARSE);
		tried++;
	}
	ck_assert_uint_gt(tried, 10);
}
END_TEST

static const char *const no_address[] = {
	"",
	"0x",
	"0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
	"5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
	"005aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
	"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
	"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedd",
	"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
	" 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
	"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed ",
	"0x0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
	"vitalik.eth",
};

START_TEST(not_an_address)
{
	struct evm_address a;

	ck_fails(evm_address_parse(no_address[_i], &a, &rerr), ERR_PARSE);
	ck_assert_ptr_null(strstr(rerr.msg, "bad_checksum"));
}
END_TEST

START_TEST(of_keys)
{
	json_t *list = json_object_get(vectors_load("evm/addresses.json"), "derived"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 8);
	json_array_foreach(list, i, v)
	{
		struct secret key = vec_secret(v, "private_key");
		struct bytes full = vec_0x(v, "public_key_uncompressed"), small = vec_0x(v, "address_lower");
		struct hash32 want = vec_hash(v, "keccak_of_xy"), h;
		struct evm_address a;
		uint8_t xy[64];

		ck_assert(secp_seckey_xy(&key, xy));
		ck_bytes(((struct bytes){ xy, 64 }), ((struct bytes){ full.p + 1, full.n - 1 }));
		keccak256((struct bytes){ xy, 64 }, &h);
		ck_hash(&h, &want);
		evm_address_of_key(xy, &a);
		ck_bytes(((struct bytes){ a.b, 20 }), small);
		check_text(&a, vec_str(v, "address_eip55"));
	}
}
END_TEST

START_TEST(of_small_keys)
{
	json_t *list = json_object_get(vectors_load("evm/addresses.json"), "small_keys"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 3);
	json_array_foreach(list, i, v)
	{
		struct secret key = vec_secret(v, "private_key");
		struct evm_address a;
		uint8_t xy[64];

		ck_assert(secp_seckey_xy(&key, xy));
		evm_address_of_key(xy, &a);
		check_text(&a, vec_str(v, "address_eip55"));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/address");
	TCase *c = rails_case(s, "address");

	tcase_add_test(c, eip55_valid);
	tcase_add_test(c, eip55_invalid);
	tcase_add_test(c, every_letter_counts);
	tcase_add_loop_test(c, not_an_address, 0, ARRAY_LEN(no_address));
	tcase_add_test(c, of_keys);
	tcase_add_test(c, of_small_keys);
	return suite_run(s);
}
