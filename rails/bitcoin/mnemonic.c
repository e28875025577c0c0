#include "rails/bitcoin/mnemonic.h"

#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/mnemonic_words.h"

#define WORD_BITS   11
#define WORDS_MAX   24
#define ENTROPY_MAX 32

void mnemonic_scope_end(struct mnemonic *m)
{
	secret_wipe(m, sizeof(*m));
}

/* Words are 11-bit numbers, most significant bit first. */
static void bits_put(uint8_t *bits, size_t word, uint32_t index)
{
	for (size_t i = 0; i < WORD_BITS; i++) {
		size_t at = word * WORD_BITS + i;

		bits[at / 8] = (uint8_t)(bits[at / 8] | ((index >> (WORD_BITS - 1 - i)) & 1) << (7 - at % 8));
	}
}

static uint32_t bits_get(const uint8_t *bits, size_t word)
{
	uint32_t index = 0;

	for (size_t i = 0; i < WORD_BITS; i++) {
		size_t at = word * WORD_BITS + i;

		index = index << 1 | (((uint32_t)bits[at / 8] >> (7 - at % 8)) & 1);
	}
	return index;
}

int mnemonic_from_entropy(struct bytes entropy, struct mnemonic *ret, struct err *err)
{
	SCOPED(mnemonic) struct mnemonic m = { 0 };
	SCOPED(seed) struct seed bits;
	struct hash32 sum;
	size_t n = 0;

	if (entropy.n < 16 || entropy.n > ENTROPY_MAX || entropy.n % 4 != 0)
		return ERR(err, ERR_MNEMONIC, "the entropy of a mnemonic has 16, 20, 24, 28 or 32 bytes");
	sha256(entropy, &sum);
	memcpy(bits.b, entropy.p, entropy.n);
	bits.b[entropy.n] = sum.b[0];
	for (size_t i = 0; i < entropy.n * 3 / 4; i++) {
		char word[MNEMONIC_WORD_MAX + 1];

		mnemonic_word_choose(bits_get(bits.b, i), word);
		if (i > 0)
			m.s[n++] = ' ';
		memcpy(m.s + n, word, strlen(word));
		n += strlen(word);
		secret_wipe(word, sizeof(word));
	}
	secret_wipe(&sum, sizeof(sum));
	*ret = m;
	return 0;
}

/* Letters have a bit that no space has: with it asked for first, nothing here depends on which letter it is. */
static bool is_space(char c)
{
	return (c & 0x40) == 0 && (c == ' ' || (c >= '\t' && c <= '\r'));
}

static int bad(struct err *err, const char *what)
{
	(void)ERR(err, ERR_MNEMONIC, "%s", what);
	return err_field(err, "mnemonic");
}

static int check_sum(const uint8_t *bits, size_t n_words, struct err *err)
{
	size_t n_entropy = n_words * 4 / 3;
	unsigned unused = 8 - (unsigned)n_words / 3; /* the checksum has one bit for each three words */
	struct hash32 sum;
	uint8_t want, got = (uint8_t)(bits[n_entropy] >> unused);
	bool matches;

	sha256((struct bytes){ bits, n_entropy }, &sum);
	want = (uint8_t)(sum.b[0] >> unused);
	matches = ct_equal(&want, &got, 1);
	secret_wipe(&sum, sizeof(sum));
	secret_wipe(&want, sizeof(want));
	secret_wipe(&got, sizeof(got));
	if (!matches)
		return bad(err, "every word is in the BIP39 English list, but the checksum does not match: "
				"a word is wrong, or two are swapped");
	return 0;
}

int mnemonic_parse(const char *text, struct mnemonic *ret, struct err *err)
{
	SCOPED(mnemonic) struct mnemonic m = { 0 };
	SCOPED(seed) struct seed bits = { 0 };
	size_t n_words = 0, n = 0;
	const char *p = text;

	if (strnlen(text, MNEMONIC_INPUT_MAX + 1) > MNEMONIC_INPUT_MAX)
		return bad(err, "too long for a mnemonic");
	for (;;) {
		SCOPED(secret) struct secret word = { 0 }; /* the letters, padded with NULs as the list is */
		size_t len = 0;
		uint32_t index;

		while (is_space(*p))
			p++;
		if (*p == '\0')
			break;
		if (n_words == WORDS_MAX)
			return bad(err, "more than 24 words; a mnemonic has 12, 15, 18, 21 or 24");
		for (; *p != '\0' && !is_space(*p); p++, len++)
			if (len < sizeof(word.b))
				/* Only letters become letters under this, capitals become small. */
				word.b[len] = (uint8_t)*p | 0x20;
		if (len > MNEMONIC_WORD_MAX || !mnemonic_word_find((const char *)word.b, &index)) {
			(void)ERR(err, ERR_MNEMONIC, "word %zu is not in the BIP39 English list", n_words + 1);
			return err_field(err, "mnemonic");
		}
		bits_put(bits.b, n_words, index);
		if (n_words > 0)
			m.s[n++] = ' ';
		memcpy(m.s + n, word.b, len);
		n += len;
		n_words++;
		secret_wipe(&index, sizeof(index));
	}
	if (n_words < 12 || n_words % 3 != 0) {
		(void)ERR(err, ERR_MNEMONIC, "%zu words; a mnemonic has 12, 15, 18, 21 or 24", n_words);
		return err_field(err, "mnemonic");
	}
	if (check_sum(bits.b, n_words, err) != 0)
		return -1;
	*ret = m;
	return 0;
}

int mnemonic_seed(const struct mnemonic *m, const char *passphrase, struct seed *ret, struct err *err)
{
	SCOPED(buf) struct buf salt = BUF_SECRET(8 + MNEMONIC_PASSPHRASE_MAX + 1);
	size_t n = strnlen(passphrase, MNEMONIC_PASSPHRASE_MAX + 1);

	if (n > MNEMONIC_PASSPHRASE_MAX) {
		(void)ERR(err, ERR_PARAM, "the passphrase is longer than %d bytes", MNEMONIC_PASSPHRASE_MAX);
		return err_field(err, "passphrase");
	}
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)passphrase[i] >= 0x80) {
			(void)ERR(
				err, ERR_PARAM,
				"the BIP39 passphrase has characters outside ASCII, which this wallet does not normalise");
			return err_field(err, "passphrase");
		}
	buf_text_add(&salt, "mnemonic");
	buf_add(&salt, passphrase, n);
	pbkdf2_sha512(bytes_of(m->s), buf_bytes(&salt), 2048, ret->b);
	return 0;
}
