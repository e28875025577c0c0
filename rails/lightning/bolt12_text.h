/* rails/lightning/bolt12_text.h - how offers and invoices of BOLT 12 are written down: "lno1", "lni1", and the characters of
 * Bech32 without its checksum.  A '+' and space after it may stand anywhere between two characters. */
#ifndef RAILS_LIGHTNING_BOLT12_TEXT_H
#define RAILS_LIGHTNING_BOLT12_TEXT_H

#include "base/arena.h"
#include "base/err.h"

#define BOLT12_TEXT_MAX 16384 /* characters, joints and all */

/* Does the text begin so, joints and case apart?  prefix: "lno" or another of BOLT 12, in small letters. */
bool bolt12_text_is(const char *text, const char *prefix);
/* The bytes of it, arena-owned.  ERR_INVOICE says what is wrong. */
MUST_CHECK int bolt12_text_decode(struct arena *a, const char *text, const char *prefix, struct bytes *ret,
				  struct err *err);
/* In small letters, without joints. */
char *bolt12_text_encode(struct arena *a, const char *prefix, struct bytes v);

#endif
