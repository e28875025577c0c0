/* rails/bitcoin/mnemonic.h - the words of a wallet (BIP39, English list).
 *
 * No error and no log ever holds a word: a wrong word is named by its position.  Looking a word up, and choosing one,
 * takes the same time for every word.  Errors: ERR_MNEMONIC; ERR_PARAM (field "passphrase"). */
#ifndef RAILS_BITCOIN_MNEMONIC_H
#define RAILS_BITCOIN_MNEMONIC_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define MNEMONIC_TEXT_MAX       215 /* 24 words of 8 letters, 23 spaces */
#define MNEMONIC_INPUT_MAX      1024
#define MNEMONIC_PASSPHRASE_MAX 1024

/* Normalised: lower case, one space between words, valid checksum. */
struct mnemonic {
	char s[MNEMONIC_TEXT_MAX + 1];
};
void mnemonic_scope_end(struct mnemonic *m); /* SCOPED(mnemonic) wipes it */

/* 16, 20, 24, 28 or 32 bytes of entropy: 12 to 24 words. */
MUST_CHECK int mnemonic_from_entropy(struct bytes entropy, struct mnemonic *ret, struct err *err);
/* As typed by a person: any white space between, before and after the words, any case.  Says which word is wrong, that
 * the number of words is, or that the checksum is. */
MUST_CHECK int mnemonic_parse(const char *text, struct mnemonic *ret, struct err *err);
/* passphrase is BIP39's own "25th word", "" for none.  BIP39 wants it in Unicode NFKD.  We carry no Unicode tables: ASCII
 * is NFKD as it stands, and anything else is refused (ERR_PARAM) rather than turned into another wallet silently. */
MUST_CHECK int mnemonic_seed(const struct mnemonic *m, const char *passphrase, struct seed *ret, struct err *err);

#endif
