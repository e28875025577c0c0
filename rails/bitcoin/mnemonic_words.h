/* rails/bitcoin/mnemonic_words.h - the English list of BIP39, in its order; each word padded with NULs. */
#ifndef RAILS_BITCOIN_MNEMONIC_WORDS_H
#define RAILS_BITCOIN_MNEMONIC_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#define MNEMONIC_WORDS    2048
#define MNEMONIC_WORD_MAX 8

extern const char mnemonic_words[MNEMONIC_WORDS][MNEMONIC_WORD_MAX + 1];

/* A word and its place, 0 to 2047, each in time and memory accesses that are the same for all.  The first answers whether
 * the word, padded with NULs, is in the list at all; *ret is 0 when it is not. */
bool mnemonic_word_find(const char word[MNEMONIC_WORD_MAX], uint32_t *ret);
void mnemonic_word_choose(uint32_t index, char ret[MNEMONIC_WORD_MAX + 1]);

#endif
