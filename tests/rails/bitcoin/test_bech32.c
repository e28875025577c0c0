/* Vectors: tests/vectors/onchain/bip350.json (BIP350's own); those of Bech32 are BIP173's. */
#include "rails/bitcoin/bech32.h"

#include <string.h>

#include "base/rng.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static void lower_case(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static void check_valid(const char *text, enum bech32_form form)
{
	char *lower = arena_strdup(&ra, text);
	struct bech32 b;

	ck_ok(bech32_decode(&ra, text, BECH32_TEXT_MAX, &b, &rerr));
	ck_assert_int_eq(b.form, form);
	lower_case(lower);
	ck_assert_str_eq(bech32_encode(&ra, form, b.hrp, b.groups), lower);
}

START_TEST(bech32m_valid)
{
	json_t *list = json_object_get(vectors_load("onchain/bip350.json"), "bech32m_valid"), *v;
	size_t i;

	ck_assert_uint_ge(json_array_size(list), 7);
	json_array_foreach(list, i, v) check_valid(json_string_value(v), BECH32M);
}
END_TEST

START_TEST(bech32m_invalid)
{
	json_t *list = json_object_get(vectors_load("onchain/bip350.json"), "bech32m_invalid"), *v;
	size_t i;

	ck_assert_uint_ge(json_array_size(list), 14);
	json_array_foreach(list, i, v)
	{
		struct bytes raw = vec_hex(v, "string_hex");
		struct bech32 b;

		ck_fails(bech32_decode(&ra, arena_strndup(&ra, (const char *)raw.p, raw.n), BECH32_TEXT_MAX, &b, &rerr),
			 ERR_PARSE);
	}
}
END_TEST

static const char *const valid[] = {
	"A12UEL5L",
	"a12uel5l",
	"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
	"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
	"11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
	"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
	"?1ezyfcl",
};

START_TEST(bech32_valid)
{
	check_valid(valid[_i], BECH32);
}
END_TEST

static const char *const invalid[] = {
	"\x20"
	"1nwldj5",
	"\x7f"
	"1axkwrx",
	"\x80"
	"1eym55h",
	"an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
	"pzry9x0s0muk",
	"1pzry9x0s0muk",
	"x1b4n0q5v",
	"li1dgmt3",
	"de1lg7wt\xff",
	"A1G7SGD8",
	"10a06t8",
	"1qzzfhee",
	"",
	"1",
	"A12uEL5L",
};

START_TEST(bech32_invalid)
{
	struct bech32 b;

	ck_fails(bech32_decode(&ra, invalid[_i], BECH32_TEXT_MAX, &b, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(every_length_of_bytes)
{
	uint8_t raw[40];

	rng_seed_for_test(3);
	for (size_t n = 0; n <= sizeof(raw); n++) {
		struct bytes groups, back;

		rng_bytes(raw, n);
		groups = bech32_groups_of(&ra, (struct bytes){ raw, n });
		ck_assert_uint_eq(groups.n, (n * 8 + 4) / 5);
		ck_ok(bech32_bytes_of(&ra, groups, &back, &rerr));
		ck_assert(bytes_equal(back, (struct bytes){ raw, n }));
	}
	rng_seed_for_test(0);
}
END_TEST

static const struct {
	uint8_t groups[3];
	size_t n;
	bool ok;
} fillings[] = {
	{ { 31, 28 }, 2, true }, { { 31, 29 }, 2, false },    { { 31, 30 }, 2, false }, { { 0 }, 1, false },
	{ { 0 }, 0, true },      { { 31, 28, 0 }, 3, false }, { { 31 }, 1, false },
};

START_TEST(what_fills_the_last_group)
{
	struct bytes back;
	int rc = bech32_bytes_of(&ra, (struct bytes){ fillings[_i].groups, fillings[_i].n }, &back, &rerr);

	if (fillings[_i].ok)
		ck_ok(rc);
	else
		ck_fails(rc, ERR_PARSE);
}
END_TEST

/* The code finds every change of one character. */
START_TEST(one_wrong_character)
{
	static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	char text[] = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
	struct bech32 b;

	for (size_t i = 3; i < sizeof(text) - 1; i++) {
		char was = text[i];

		for (const char *c = charset; *c != '\0'; c++) {
			text[i] = *c;
			if (*c == was)
				ck_ok(bech32_decode(&ra, text, BECH32_TEXT_MAX, &b, &rerr));
			else
				ck_fails(bech32_decode(&ra, text, BECH32_TEXT_MAX, &b, &rerr), ERR_PARSE);
		}
		text[i] = was;
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/bech32");
	TCase *c = rails_case(s, "bech32");

	tcase_add_test(c, bech32m_valid);
	tcase_add_test(c, bech32m_invalid);
	tcase_add_loop_test(c, bech32_valid, 0, ARRAY_LEN(valid));
	tcase_add_loop_test(c, bech32_invalid, 0, ARRAY_LEN(invalid));
	tcase_add_test(c, every_length_of_bytes);
	tcase_add_loop_test(c, what_fills_the_last_group, 0, ARRAY_LEN(fillings));
	tcase_add_test(c, one_wrong_character);
	return suite_run(s);
}
