#include "rails/keys/seed.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define WORDS "legal winner thank year wave sausage worth useful legal winner thank yellow"

/* The least that libsodium takes: what a hash costs is not what is tested here. */
static const struct seed_cost cheap = { .passes = 1, .mem_kib = 8 };

static struct mnemonic words(void)
{
	struct mnemonic m;

	ck_ok(mnemonic_parse(WORDS, &m, &rerr));
	return m;
}

static struct bytes sealed(const char *passphrase)
{
	SCOPED(buf) struct buf b = BUF_CAP(SEED_BLOB_MAX);
	struct mnemonic m = words();

	ck_ok(seed_seal(&m, passphrase, cheap, &b, &rerr));
	return arena_bytes(&ra, buf_bytes(&b));
}

START_TEST(sealed_and_opened)
{
	struct bytes blob = sealed("correct horse");
	struct mnemonic m;

	ck_assert(seed_is_sealed(blob));
	ck_assert_ptr_null(memmem(blob.p, blob.n, "legal", 5));
	ck_ok(seed_open(blob, "correct horse", &m, &rerr));
	ck_assert_str_eq(m.s, WORDS);
}
END_TEST

START_TEST(every_seal_is_another)
{
	struct bytes a = sealed("same"), b = sealed("same");

	ck_assert_uint_eq(a.n, b.n);
	ck_assert(!bytes_equal(a, b));
}
END_TEST

START_TEST(the_blob_does_not_tell_how_many_words)
{
	SCOPED(buf) struct buf b = BUF_CAP(SEED_BLOB_MAX);
	uint8_t entropy[32] = { 1 };
	struct mnemonic m, back;

	ck_ok(mnemonic_from_entropy((struct bytes){ entropy, 32 }, &m, &rerr));
	ck_ok(seed_seal(&m, "p", cheap, &b, &rerr));
	ck_assert_uint_eq(b.n, sealed("p").n);
	ck_ok(seed_open(buf_bytes(&b), "p", &back, &rerr));
	ck_assert_str_eq(back.s, m.s);
}
END_TEST

START_TEST(wrong_passphrase)
{
	static const char *const tries[] = { "correct hors", "correct horse ", "Correct horse", "", "correct horse\n" };
	struct bytes blob = sealed("correct horse");
	struct mnemonic m;

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		ck_fails(seed_open(blob, tries[i], &m, &rerr), ERR_PASSPHRASE);
		ck_assert(tries[i][0] == '\0' || strstr(rerr.msg, tries[i]) == NULL);
	}
	ck_fails(seed_open(blob, NULL, &m, &rerr), ERR_PASSPHRASE);
}
END_TEST

START_TEST(any_change_is_noticed)
{
	struct bytes blob = sealed("p");
	struct mnemonic m;

	for (size_t i = 0; i < blob.n; i++) {
		uint8_t *changed = arena_alloc(&ra, blob.n);

		memcpy(changed, blob.p, blob.n);
		changed[i] ^= i < 13 ? 0x80 : 1; /* the cost: high bits, so that it goes out of range at once */
		if (i == 12)
			changed[i] = blob.p[i] ^ 1; /* 8 KiB or 9: a cost that we would pay, and another key */
		ck_assert_int_eq(seed_open((struct bytes){ changed, blob.n }, "p", &m, &rerr), -1);
	}
	for (size_t n = 0; n < blob.n; n++)
		ck_fails(seed_open((struct bytes){ blob.p, n }, "p", &m, &rerr), ERR_PARSE);
}
END_TEST

static const struct seed_cost refused[] = {
	{ 0, 8 }, { 17, 8 }, { UINT32_MAX, 8 }, { 1, 7 }, { 1, 64 * 1024 + 1 }, { 1, UINT32_MAX }, { 1, 0 },
};

START_TEST(a_forged_cost_is_not_paid)
{
	struct bytes blob = sealed("p");
	uint8_t *forged = arena_alloc(&ra, blob.n);
	SCOPED(buf) struct buf b = BUF_CAP(SEED_BLOB_MAX);
	struct mnemonic m = words();

	memcpy(forged, blob.p, blob.n);
	for (int i = 0; i < 4; i++) {
		forged[5 + i] = (uint8_t)(refused[_i].passes >> (24 - 8 * i));
		forged[9 + i] = (uint8_t)(refused[_i].mem_kib >> (24 - 8 * i));
	}
	ck_fails(seed_open((struct bytes){ forged, blob.n }, "p", &m, &rerr), ERR_RANGE);
	ck_fails(seed_seal(&m, "p", refused[_i], &b, &rerr), ERR_RANGE);
	ck_assert_uint_eq(b.n, 0);
}
END_TEST

START_TEST(the_default_cost)
{
	SCOPED(buf) struct buf b = BUF_CAP(SEED_BLOB_MAX);
	struct mnemonic m = words(), back;

	ck_ok(seed_seal(&m, "p", SEED_COST_DEFAULT, &b, &rerr));
	ck_ok(seed_open(buf_bytes(&b), "p", &back, &rerr));
	ck_assert_str_eq(back.s, WORDS);
}
END_TEST

START_TEST(no_empty_passphrase)
{
	SCOPED(buf) struct buf b = BUF_CAP(SEED_BLOB_MAX);
	struct mnemonic m = words();

	ck_fails(seed_seal(&m, "", cheap, &b, &rerr), ERR_PARAM);
	ck_assert_str_eq(rerr.field, "passphrase");
}
END_TEST

START_TEST(in_the_clear)
{
	SCOPED(buf) struct buf b = BUF_SECRET(SEED_BLOB_MAX);
	struct mnemonic m = words(), back;

	seed_write_plain(&m, &b);
	ck_assert(!seed_is_sealed(buf_bytes(&b)));
	ck_ok(seed_open(buf_bytes(&b), NULL, &back, &rerr));
	ck_assert_str_eq(back.s, WORDS);
	ck_ok(seed_open(buf_bytes(&b), "not looked at", &back, &rerr));
	b.p[6] = 'x';
	ck_fails(seed_open(buf_bytes(&b), NULL, &back, &rerr), ERR_PARSE);
}
END_TEST

static const struct {
	const char *name;
	const char *p;
	size_t n;
} garbage[] = {
	{ "nothing", "", 0 },
	{ "magic alone", "WSD1", 4 },
	{ "no words", "WSD1\0", 5 },
	{ "another form", "WSD1\2" WORDS, sizeof("WSD1\2" WORDS) - 1 },
	{ "another version", "WSD2\0" WORDS, sizeof("WSD2\0" WORDS) - 1 },
	{ "words alone", WORDS, sizeof(WORDS) - 1 },
	{ "a NUL in the words", "WSD1\0legal\0winner", 17 },
};

START_TEST(not_a_seed)
{
	struct mnemonic m;

	ck_fails(seed_open((struct bytes){ (const uint8_t *)garbage[_i].p, garbage[_i].n }, "p", &m, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(endless_words)
{
	uint8_t blob[5 + MNEMONIC_TEXT_MAX + 1] = "WSD1";
	struct mnemonic m;

	memset(blob + 5, 'a', sizeof(blob) - 5);
	ck_fails(seed_open((struct bytes){ blob, sizeof(blob) }, "p", &m, &rerr), ERR_PARSE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/keys/seed");
	TCase *c = rails_case(s, "seed");

	tcase_add_test(c, sealed_and_opened);
	tcase_add_test(c, every_seal_is_another);
	tcase_add_test(c, the_blob_does_not_tell_how_many_words);
	tcase_add_test(c, wrong_passphrase);
	tcase_add_test(c, any_change_is_noticed);
	tcase_add_loop_test(c, a_forged_cost_is_not_paid, 0, ARRAY_LEN(refused));
	tcase_add_test(c, the_default_cost);
	tcase_add_test(c, no_empty_passphrase);
	tcase_add_test(c, in_the_clear);
	tcase_add_loop_test(c, not_a_seed, 0, ARRAY_LEN(garbage));
	tcase_add_test(c, endless_words);
	return suite_run(s);
}
