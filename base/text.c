#include "base/text.h"

#include <limits.h>
#include <string.h>

/* Without a table, so that no memory access depends on a secret. */
static char hex_digit(unsigned v)
{
	return (char)('0' + v + (((9u - v) >> 8) & 39u));
}

/* 0..15, or -1. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void hex_encode(const void *p, size_t n, char *to)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		*to++ = hex_digit(b[i] >> 4);
		*to++ = hex_digit(b[i] & 15u);
	}
	*to = '\0';
}

char *hex_text(struct arena *a, struct bytes v)
{
	char *to = arena_array(a, v.n + 1, 2);

	hex_encode(v.p, v.n, to);
	return to;
}

bool hex_decode(const char *text, void *to, size_t n)
{
	uint8_t *b = to;

	if (n > SIZE_MAX / 2 - 1 || strnlen(text, 2 * n + 1) != 2 * n)
		return false;
	for (size_t i = 0; i < 2 * n; i++)
		if (hex_value(text[i]) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
	return true;
}

/* One more than each digit is worth; 0 for what is none. */
static const uint8_t digit_worth[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool hex_decode_public(struct bytes text, void *to)
{
	uint8_t *b = to;
	bool fine = text.n % 2 == 0;

	for (size_t i = 0; i + 1 < text.n; i += 2) {
		unsigned high = digit_worth[text.p[i]], low = digit_worth[text.p[i + 1]];

		fine = fine && high != 0 && low != 0;
		b[i / 2] = (uint8_t)((high - 1) << 4 | ((low - 1) & 15u));
	}
	return fine;
}

bool hex_decode_any(struct arena *a, const char *text, size_t max, struct bytes *ret)
{
	size_t n = strlen(text) / 2;
	uint8_t *p;

	if (n > max || !arena_room(a, n))
		return false;
	p = arena_alloc(a, n);
	if (!hex_decode(text, p, n))
		return false;
	*ret = (struct bytes){ .p = p, .n = n };
	return true;
}

static char *base64_write(struct arena *a, struct bytes v, const char alphabet[65], bool pad)
{
	char *text = arena_array(a, v.n / 3 + 2, 4), *to = text;

	for (size_t i = 0; i < v.n; i += 3) {
		size_t left = v.n - i;
		uint32_t w = (uint32_t)v.p[i] << 16;

		if (left > 1)
			w |= (uint32_t)v.p[i + 1] << 8;
		if (left > 2)
			w |= v.p[i + 2];
		*to++ = alphabet[w >> 18];
		*to++ = alphabet[w >> 12 & 63];
		if (left > 1)
			*to++ = alphabet[w >> 6 & 63];
		else if (pad)
			*to++ = '=';
		if (left > 2)
			*to++ = alphabet[w & 63];
		else if (pad)
			*to++ = '=';
	}
	return text;
}

char *base64url_text(struct arena *a, struct bytes v)
{
	return base64_write(a, v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

char *base64_text(struct arena *a, struct bytes v)
{
	return base64_write(a, v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

/* 0..63, or -1. */
static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

bool base64_decode(struct arena *a, struct bytes text, size_t max, struct bytes *ret)
{
	size_t n_chars = text.n, n, at = 0;
	uint32_t w = 0;
	unsigned bits = 0;
	uint8_t *p;

	if (n_chars % 4 == 0)
		for (int i = 0; i < 2 && n_chars > 0 && text.p[n_chars - 1] == '='; i++)
			n_chars--;
	if (n_chars % 4 == 1)
		return false;
	n = n_chars / 4 * 3 + (n_chars % 4 == 0 ? 0 : n_chars % 4 - 1);
	if (n > max || !arena_room(a, n))
		return false;
	p = arena_alloc(a, n);
	for (size_t i = 0; i < n_chars; i++) {
		int v = base64_value(text.p[i]);

		if (v < 0)
			return false;
		w = w << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			p[at++] = (uint8_t)(w >> bits);
			w &= (1u << bits) - 1;
		}
	}
	if (w != 0) /* bits that stand for nothing: two texts would mean the same bytes */
		return false;
	*ret = (struct bytes){ .p = p, .n = n };
	return true;
}

bool parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9' || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

bool parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = text[0] == '-';
	uint64_t u;
	int64_t v;

	if (!parse_u64(negative ? text + 1 : text, (uint64_t)INT64_MAX + (negative ? 1 : 0), &u))
		return false;
	if (negative && u == 0) /* "-0" is a second name for 0 */
		return false;
	v = negative ? -(int64_t)(u - 1) - 1 : (int64_t)u;
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}

size_t utf8_next(struct bytes v, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* a shorter form must be used below */
	size_t n;
	uint32_t c;

	if (v.n == 0)
		return 0;
	c = v.p[0];
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || v.n < n)
		return 0;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((v.p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (v.p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

bool utf8_valid(struct bytes v)
{
	uint32_t c;
	size_t n;

	while (v.n > 0) {
		n = utf8_next(v, &c);
		if (n == 0 || c == 0)
			return false;
		v.p += n;
		v.n -= n;
	}
	return true;
}

bool utf8_printable(struct bytes v)
{
	while (v.n > 0) {
		uint32_t c;
		size_t n = utf8_next(v, &c);

		if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
		v.p += n;
		v.n -= n;
	}
	return true;
}

bool text_printable_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

char *url_shown(struct arena *a, const char *url)
{
	const char *slashes = strstr(url, "//");
	const char *host = slashes ? slashes + 2 : url;
	const char *end = host + strcspn(host, "/?#"), *at = strrchr(host, '@');
	int scheme = (int)(host - url);

	/* Somebody's password may hold a slash.  Where such a URL's host begins is anybody's guess. */
	if (at && at >= end)
		return arena_printf(a, "%.*s***", scheme, url);
	if (at)
		host = at + 1;
	return arena_printf(a, "%.*s%s%.*s%s", scheme, url, at ? "***@" : "", (int)(end - host), host,
			    end[0] == '\0' || strcmp(end, "/") == 0 ? end : "/***");
}

unsigned text_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	unsigned row[MAX + 1];
	size_t na = strnlen(a, MAX + 1), nb = strnlen(b, MAX + 1);

	if (na > MAX || nb > MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 0; i < na; i++) {
		unsigned diagonal = row[0];

		row[0]++;
		for (size_t j = 0; j < nb; j++) {
			unsigned best = diagonal + (a[i] == b[j] ? 0 : 1);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[nb];
}
