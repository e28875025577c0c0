/* rails/bitcoin/mnemonic_words.h - the English list of BIP39, in its order; each word padded with NULs. */
#ifndef RAILS_BITCOIN_MNEMONIC_WORDS_H
#define RAILS_BITCOIN_MNEMONIC_WORDS_H

#define MNEMONIC_WORDS    2048
#define MNEMONIC_WORD_MAX 8

extern const char mnemonic_words[MNEMONIC_WORDS][MNEMONIC_WORD_MAX + 1];

#endif
