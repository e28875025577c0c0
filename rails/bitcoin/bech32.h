/* rails/bitcoin/bech32.h - Bech32 (BIP173) and Bech32m (BIP350): text of a prefix, groups of five bits and a checksum.
 *
 * Addresses are limited to 90 characters, where the checksum finds every error of up to four; Ark addresses and Lightning
 * invoices are longer by their own rules, so the limit is the caller's. */
#ifndef RAILS_BITCOIN_BECH32_H
#define RAILS_BITCOIN_BECH32_H

#include "base/arena.h"
#include "base/err.h"

#define BECH32_TEXT_MAX 90
#define BECH32_HRP_MAX  83

enum bech32_form { BECH32 = 1, BECH32M = 2 };

struct bech32 {
	enum bech32_form form;
	char hrp[BECH32_HRP_MAX + 1]; /* in lower case */
	struct bytes groups;          /* each 0 to 31 */
};

/* All upper or all lower case.  ERR_PARSE says what is wrong; with a checksum that fails it is always said last. */
MUST_CHECK int bech32_decode(struct arena *a, const char *text, size_t max, struct bech32 *ret, struct err *err);
/* Lower case.  hrp: 1 to BECH32_HRP_MAX of 33 .. 126 without capitals; groups below 32. */
char *bech32_encode(struct arena *a, enum bech32_form form, const char *hrp, struct bytes groups);

/* One group as a character, and back (of either case); for texts that have these characters and no checksum (BOLT 12). */
char bech32_char_of(uint8_t group); /* below 32 */
MUST_CHECK bool bech32_group_of(char c, uint8_t *ret);

/* Bytes as groups of five bits, the last one filled with zeros, and back; from five, the filling is at most four bits, all
 * zero, or ERR_PARSE. */
struct bytes bech32_groups_of(struct arena *a, struct bytes v);
MUST_CHECK int bech32_bytes_of(struct arena *a, struct bytes groups, struct bytes *ret, struct err *err);

#endif
