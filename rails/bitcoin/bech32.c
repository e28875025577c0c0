#include "rails/bitcoin/bech32.h"

#include <assert.h>
#include <string.h>

#define CHECKSUM_LEN 6

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* BIP173: the remainder modulo its generator, over the field of 32 elements. */
static uint32_t polymod_step(uint32_t chk, uint8_t group)
{
	static const uint32_t generator[5] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = chk >> 25;

	chk = (chk & 0x1ffffff) << 5 ^ group;
	for (unsigned i = 0; i < 5; i++)
		chk ^= (top >> i & 1) != 0 ? generator[i] : 0;
	return chk;
}

static uint32_t polymod_hrp(const char *hrp)
{
	uint32_t chk = 1;

	for (const char *c = hrp; *c != '\0'; c++)
		chk = polymod_step(chk, (uint8_t)(*c >> 5));
	chk = polymod_step(chk, 0);
	for (const char *c = hrp; *c != '\0'; c++)
		chk = polymod_step(chk, *c & 31);
	return chk;
}

static uint32_t constant_of(enum bech32_form form)
{
	return form == BECH32M ? 0x2bc830a3 : 1;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int check_characters(const char *text, size_t n, struct err *err)
{
	bool small = false, capital = false;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < 33 || text[i] > 126)
			return ERR(err, ERR_PARSE, "character %zu is not allowed", i + 1);
		small = small || (text[i] >= 'a' && text[i] <= 'z');
		capital = capital || (text[i] >= 'A' && text[i] <= 'Z');
	}
	if (small && capital)
		return ERR(err, ERR_PARSE, "small and capital letters are mixed");
	return 0;
}

char bech32_char_of(uint8_t group)
{
	assert(group < 32);
	return charset[group];
}

bool bech32_group_of(char c, uint8_t *ret)
{
	const char *at = c != '\0' ? strchr(charset, lower(c)) : NULL;

	if (at == NULL)
		return false;
	*ret = (uint8_t)(at - charset);
	return true;
}

int bech32_decode(struct arena *a, const char *text, size_t max, struct bech32 *ret, struct err *err)
{
	size_t n = strnlen(text, max + 1), n_hrp, n_groups;
	const char *separator;
	struct bech32 b = { 0 };
	uint8_t *groups;
	uint32_t chk;

	if (n > max)
		return ERR(err, ERR_PARSE, "longer than %zu characters", max);
	if (check_characters(text, n, err) != 0)
		return -1;
	separator = strrchr(text, '1');
	if (separator == NULL)
		return ERR(err, ERR_PARSE, "there is no '1' between prefix and data");
	n_hrp = (size_t)(separator - text);
	if (n_hrp == 0 || n_hrp > BECH32_HRP_MAX)
		return ERR(err, ERR_PARSE, "the prefix has no or too many characters");
	n_groups = n - n_hrp - 1;
	if (n_groups < CHECKSUM_LEN)
		return ERR(err, ERR_PARSE, "too short for a checksum");
	for (size_t i = 0; i < n_hrp; i++)
		b.hrp[i] = lower(text[i]);
	groups = arena_alloc(a, n_groups);
	chk = polymod_hrp(b.hrp);
	for (size_t i = 0; i < n_groups; i++) {
		if (!bech32_group_of(separator[1 + i], &groups[i]))
			return ERR(err, ERR_PARSE, "character %zu is not one of Bech32's", n_hrp + i + 2);
		chk = polymod_step(chk, groups[i]);
	}
	if (chk != constant_of(BECH32) && chk != constant_of(BECH32M))
		return ERR(err, ERR_PARSE, "the checksum does not match: mistyped or cut off");
	b.form = chk == constant_of(BECH32M) ? BECH32M : BECH32;
	b.groups = (struct bytes){ groups, n_groups - CHECKSUM_LEN };
	*ret = b;
	return 0;
}

char *bech32_encode(struct arena *a, enum bech32_form form, const char *hrp, struct bytes groups)
{
	size_t n_hrp = strlen(hrp);
	char *text, *to;
	uint32_t chk;

	assert(n_hrp > 0 && n_hrp <= BECH32_HRP_MAX);
	text = arena_alloc(a, n_hrp + 1 + groups.n + CHECKSUM_LEN + 1);
	memcpy(text, hrp, n_hrp);
	to = text + n_hrp;
	*to++ = '1';
	chk = polymod_hrp(hrp);
	for (size_t i = 0; i < groups.n; i++) {
		chk = polymod_step(chk, groups.p[i]);
		*to++ = bech32_char_of(groups.p[i]);
	}
	for (unsigned i = 0; i < CHECKSUM_LEN; i++)
		chk = polymod_step(chk, 0);
	chk ^= constant_of(form);
	for (unsigned i = 0; i < CHECKSUM_LEN; i++)
		*to++ = charset[chk >> 5 * (CHECKSUM_LEN - 1 - i) & 31];
	*to = '\0';
	return text;
}

struct bytes bech32_groups_of(struct arena *a, struct bytes v)
{
	uint8_t *to = arena_alloc(a, v.n * 8 / 5 + 1);
	unsigned bits = 0;
	uint32_t acc = 0;
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		acc = acc << 8 | v.p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			to[n++] = acc >> (bits - 5) & 31;
	}
	if (bits > 0)
		to[n++] = acc << (5 - bits) & 31;
	return (struct bytes){ to, n };
}

int bech32_bytes_of(struct arena *a, struct bytes groups, struct bytes *ret, struct err *err)
{
	uint8_t *to = arena_alloc(a, groups.n * 5 / 8 + 1);
	unsigned bits = 0;
	uint32_t acc = 0;
	size_t n = 0;

	for (size_t i = 0; i < groups.n; i++) {
		acc = acc << 5 | groups.p[i];
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			to[n++] = (uint8_t)(acc >> bits);
		}
	}
	if (bits >= 5 || (acc & ((1u << bits) - 1)) != 0)
		return ERR(err, ERR_PARSE, "the last bits are filled with something");
	*ret = (struct bytes){ to, n };
	return 0;
}
