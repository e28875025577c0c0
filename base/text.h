/* base/text.h - hex, base64, strict numbers and short texts.  Every decoder takes the whole input or fails; none guesses. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"
#include "base/err.h"

/* to must have room for 2 * n + 1 characters.  Lower case. */
void hex_encode(const void *p, size_t n, char *to);
char *hex_text(struct arena *a, struct bytes v);
/* Exactly n bytes from exactly 2 * n characters, either case. */
MUST_CHECK bool hex_decode(const char *text, void *to, size_t n);
/* The same of text that need not end with a NUL, and much faster: by a table, so never for a secret. */
MUST_CHECK bool hex_decode_public(struct bytes text, void *to);
MUST_CHECK bool hex_decode_any(struct arena *a, const char *text, size_t max, struct bytes *ret);

/* RFC 4648.  The url form is written without padding; reading accepts both alphabets, padded or not. */
char *base64url_text(struct arena *a, struct bytes v);
char *base64_text(struct arena *a, struct bytes v);
MUST_CHECK bool base64_decode(struct arena *a, struct bytes text, size_t max, struct bytes *ret);

/* Decimal digits only: no sign (but '-' for i64), no space, no leading zero unless it is the whole number, no overflow. */
MUST_CHECK bool parse_u64(const char *text, uint64_t max, uint64_t *ret);
MUST_CHECK bool parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret);

/* How many bytes the valid UTF-8 character at the start of v has, and its code point; 0 when there is none. */
size_t utf8_next(struct bytes v, uint32_t *ret);
/* Is it valid UTF-8 without NUL?  printable also refuses control characters, of ASCII and of Latin-1. */
bool utf8_valid(struct bytes v);
bool utf8_printable(struct bytes v);
bool text_printable_ascii(const char *text);
bool text_starts(const char *text, const char *prefix);
/* A URL as others may see it: user and password, and whatever follows the host, are *** each; API keys are in both. */
char *url_shown(struct arena *a, const char *url);
/* Edit distance of short names (for "did you mean"), at most 64 characters each. */
unsigned text_distance(const char *a, const char *b);

#endif
