/* rails/bitcoin/sighash.h - what a signature of an input signs: BIP143 (witness version 0) and BIP341 with BIP342 (1).
 *
 * What all inputs have in common is hashed once, so that signing n inputs takes time in proportion to n. */
#ifndef RAILS_BITCOIN_SIGHASH_H
#define RAILS_BITCOIN_SIGHASH_H

#include "rails/bitcoin/tx.h"

enum sighash_type {
	SIGHASH_DEFAULT = 0x00, /* taproot alone: as SIGHASH_ALL, and not written behind the signature */
	SIGHASH_ALL = 0x01,
	SIGHASH_NONE = 0x02,
	SIGHASH_SINGLE = 0x03,
	SIGHASH_ANYONECANPAY = 0x80 /* added to one of those above but the first */
};

struct sighash {
	const struct tx *tx;                        /* borrowed, as the outputs that it spends */
	const struct tx_out *spent;                 /* one for each input, in its order */
	struct hash32 prevouts, sequences, outputs; /* SHA-256 once, as BIP341 has them */
	struct hash32 amounts, scripts;
	struct hash32 prevouts2, sequences2, outputs2; /* twice, as BIP143 has them */
};
/* spent has tx->n_in elements.  Changing any field that is hashed afterwards needs a new one; witnesses are not hashed. */
void sighash_init(struct sighash *s, const struct tx *tx, const struct tx_out *spent);

/* BIP143.  script_code is what OP_CHECKSIG runs in: for P2WPKH the P2PKH script of the same hash.  Of type all 32 bits are
 * signed.  input < n_in. */
void sighash_v0(const struct sighash *s, size_t input, struct bytes script_code, uint32_t type, struct hash32 *ret);

/* BIP341, key path, and BIP342, script path (without OP_CODESEPARATOR, which we never write).  annex is the whole item,
 * with its 50, or empty.  ERR_RANGE: a type that BIP341 does not have, or SIGHASH_SINGLE for an input that has no output. */
MUST_CHECK int sighash_key_path(const struct sighash *s, size_t input, uint8_t type, struct bytes annex,
				struct hash32 *ret, struct err *err);
MUST_CHECK int sighash_script_path(const struct sighash *s, size_t input, uint8_t type, struct bytes annex,
				   const struct hash32 *leaf, struct hash32 *ret, struct err *err);

#endif
