/* Vectors: tests/vectors/onchain/bip39-english.json (python-mnemonic's), bip39-wordlist-english.json (BIP39's list). */
#include "rails/bitcoin/mnemonic.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/bip32.h"
#include "rails/bitcoin/mnemonic_words.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define TWELVE "legal winner thank year wave sausage worth useful legal winner thank yellow"

START_TEST(vectors)
{
	json_t *file = vectors_load("onchain/bip39-english.json"), *v;
	const char *passphrase = vec_str(file, "passphrase");
	size_t i;

	ck_assert_uint_ge(json_array_size(json_object_get(file, "vectors")), 24);
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		struct mnemonic made, read;
		struct seed seed, want;
		struct bip32_key master;
		char xprv[BIP32_TEXT_MAX];

		ck_ok(mnemonic_from_entropy(vec_hex(v, "entropy"), &made, &rerr));
		ck_assert_str_eq(made.s, vec_str(v, "mnemonic"));
		ck_ok(mnemonic_parse(vec_str(v, "mnemonic"), &read, &rerr));
		ck_assert_mem_eq(&read, &made, sizeof(read));
		ck_ok(mnemonic_seed(&read, passphrase, &seed, &rerr));
		vec_copy(v, "seed", want.b, sizeof(want.b));
		ck_assert_mem_eq(seed.b, want.b, sizeof(seed.b));
		ck_ok(bip32_master((struct bytes){ seed.b, 64 }, &master, &rerr));
		bip32_xprv(&master, xprv);
		ck_assert_str_eq(xprv, vec_str(v, "bip32_xprv"));
	}
}
END_TEST

START_TEST(the_list_is_the_list)
{
	json_t *file = vectors_load("onchain/bip39-wordlist-english.json"), *words = json_object_get(file, "words"), *w;
	SCOPED(buf) struct buf all = BUF_CAP(32 * 1024);
	struct hash32 h;
	size_t i;

	ck_assert_uint_eq(json_array_size(words), MNEMONIC_WORDS);
	json_array_foreach(words, i, w)
	{
		ck_assert_str_eq(mnemonic_words[i], json_string_value(w));
		buf_printf(&all, "%s\n", mnemonic_words[i]);
	}
	sha256(buf_bytes(&all), &h);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ h.b, 32 }), vec_str(file, "sha256_of_file"));
}
END_TEST

START_TEST(every_length)
{
	for (size_t n = 0; n <= 40; n++) {
		uint8_t entropy[40];
		struct mnemonic m, back;

		memset(entropy, 0xa7, sizeof(entropy));
		if (n < 16 || n > 32 || n % 4 != 0) {
			ck_fails(mnemonic_from_entropy((struct bytes){ entropy, n }, &m, &rerr), ERR_MNEMONIC);
			continue;
		}
		ck_ok(mnemonic_from_entropy((struct bytes){ entropy, n }, &m, &rerr));
		ck_ok(mnemonic_parse(m.s, &back, &rerr));
		ck_assert_str_eq(back.s, m.s);
	}
}
END_TEST

static const char *const as_typed[] = {
	TWELVE,
	"  " TWELVE "\n",
	"LEGAL WINNER THANK YEAR WAVE SAUSAGE WORTH USEFUL LEGAL WINNER THANK YELLOW",
	"Legal winner\nthank year\r\nwave\tsausage   worth useful legal winner thank yellow\r\n\r\n",
};

START_TEST(tolerant_of_how_people_type)
{
	struct mnemonic m;

	ck_ok(mnemonic_parse(as_typed[_i], &m, &rerr));
	ck_assert_str_eq(m.s, TWELVE);
}
END_TEST

static const struct {
	const char *text, *says;
} wrong[] = {
	{ "", "0 words" },
	{ " \n ", "0 words" },
	{ "legal", "1 words" },
	{ "legal winner thank year wave sausage worth useful legal winner thank", "11 words" },
	{ TWELVE " yellow", "13 words" },
	{ TWELVE " " TWELVE " yellow", "more than 24 words" },
	{ "legal winner thamk year wave sausage worth useful legal winner thank yellow", "word 3 is not" },
	{ "legal winner thank year wave sausage worth useful legal winner thank yellov", "word 12 is not" },
	{ "lega winner thank year wave sausage worth useful legal winner thank yellow", "word 1 is not" },
	{ "legals winner thank year wave sausage worth useful legal winner thank yellow", "word 1 is not" },
	{ "legal winner thank year wave sausages worth useful legal winner thank yellow", "word 6 is not" },
	{ "legal winner thank year wave sausagesausage worth useful legal winner thank yellow", "word 6 is not" },
	{ "legal,winner thank year wave sausage worth useful legal winner thank yellow", "word 1 is not" },
	{ "legal winner thank year wave sausage worth useful legal winner thank yell\xc3\xb6w", "word 12 is not" },
	/* letters from other columns of ASCII must not become letters */
	{ "le\x07"
	  "al winner thank year wave sausage worth useful legal winner thank yellow",
	  "word 1 is not" },
	{ "le'al winner thank year wave sausage worth useful legal winner thank yellow", "word 1 is not" },
	/* swapped, and the last word of another mnemonic */
	{ "winner legal thank year wave sausage worth useful legal winner thank yellow", "checksum" },
	{ "legal winner thank year wave sausage worth useful legal winner thank zoo", "checksum" },
};

START_TEST(says_what_is_wrong_and_no_word)
{
	struct mnemonic m;

	memset(&m, 'x', sizeof(m));
	ck_fails(mnemonic_parse(wrong[_i].text, &m, &rerr), ERR_MNEMONIC);
	ck_assert_msg(strstr(rerr.msg, wrong[_i].says) != NULL, "%s", rerr.msg);
	ck_assert_str_eq(rerr.field, "mnemonic");
	ck_assert_int_eq(m.s[0], 'x');
	ck_assert_ptr_null(strstr(rerr.msg, "legal"));
	ck_assert_ptr_null(strstr(rerr.msg, "saus"));
	ck_assert_ptr_null(strstr(rerr.msg, "yell"));
	ck_assert_ptr_null(strstr(rerr.msg, "thamk"));
}
END_TEST

START_TEST(endless_input)
{
	char text[4096];
	struct mnemonic m;

	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_fails(mnemonic_parse(text, &m, &rerr), ERR_MNEMONIC);
	memset(text, 'a', sizeof(text) - 1);
	ck_fails(mnemonic_parse(text, &m, &rerr), ERR_MNEMONIC);
}
END_TEST

START_TEST(passphrases)
{
	char longest[MNEMONIC_PASSPHRASE_MAX + 2];
	struct mnemonic m;
	struct seed a, b;

	ck_ok(mnemonic_parse(TWELVE, &m, &rerr));
	ck_ok(mnemonic_seed(&m, "", &a, &rerr));
	ck_ok(mnemonic_seed(&m, "TREZOR", &b, &rerr));
	ck_assert_mem_ne(a.b, b.b, sizeof(a.b));
	/* An o with a diaeresis: composed it would be another wallet than decomposed. */
	ck_fails(mnemonic_seed(&m, "gr\xc3\xb6sser", &b, &rerr), ERR_PARAM);
	ck_assert_str_eq(rerr.field, "passphrase");
	ck_assert_ptr_null(strstr(rerr.msg, "gr"));
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ck_fails(mnemonic_seed(&m, longest, &b, &rerr), ERR_PARAM);
	longest[sizeof(longest) - 2] = '\0';
	ck_ok(mnemonic_seed(&m, longest, &b, &rerr));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/mnemonic");
	TCase *c = rails_case(s, "mnemonic");

	tcase_add_test(c, vectors);
	tcase_add_test(c, the_list_is_the_list);
	tcase_add_test(c, every_length);
	tcase_add_loop_test(c, tolerant_of_how_people_type, 0, ARRAY_LEN(as_typed));
	tcase_add_loop_test(c, says_what_is_wrong_and_no_word, 0, ARRAY_LEN(wrong));
	tcase_add_test(c, endless_input);
	tcase_add_test(c, passphrases);
	return suite_run(s);
}
