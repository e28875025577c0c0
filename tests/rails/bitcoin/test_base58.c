#include "rails/bitcoin/base58.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

START_TEST(keeps_leading_zeros)
{
	for (size_t n = 0; n <= 40; n++) {
		uint8_t in[40] = { 0 }, out[40];
		char text[BASE58_TEXT_MAX + 1];

		for (size_t i = n / 2; i < n; i++)
			in[i] = (uint8_t)(i * 37 + 1);
		base58check_encode((struct bytes){ in, n }, text);
		ck_ok(base58check_decode(text, out, n, &rerr));
		ck_assert_mem_eq(in, out, n);
		ck_fails(base58check_decode(text, out, n + (n < 40 ? 1 : 0) - (n == 40 ? 1 : 0), &rerr), ERR_PARSE);
	}
}
END_TEST

START_TEST(of_an_address)
{
	/* The genesis coinbase: version 0 and a hash that begins with no zero. */
	uint8_t raw[21];
	char text[BASE58_TEXT_MAX + 1];

	ck_ok(base58check_decode("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", raw, 21, &rerr));
	ck_assert_uint_eq(raw[0], 0);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ raw + 1, 20 }), "62e907b15cbf27d5425399ebf6f0fb50ebb88f18");
	base58check_encode((struct bytes){ raw, 21 }, text);
	ck_assert_str_eq(text, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa");
}
END_TEST

static const char *const bad[] = {
	"0",
	"O",
	"I",
	"l",
	"+",
	" 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
	"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ",
	"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
	"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN",
	"A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
	"11A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
	"1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf\xc3\xb6",
};

START_TEST(refused)
{
	uint8_t raw[21];

	ck_fails(base58check_decode(bad[_i], raw, sizeof(raw), &rerr), ERR_PARSE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/base58");
	TCase *c = rails_case(s, "base58");

	tcase_add_test(c, keeps_leading_zeros);
	tcase_add_test(c, of_an_address);
	tcase_add_loop_test(c, refused, 0, ARRAY_LEN(bad));
	return suite_run(s);
}
