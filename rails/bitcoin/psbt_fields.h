/* rails/bitcoin/psbt_fields.h - the fields of a PSBT that have a meaning to us: BIP174, BIP370 (version 2), BIP371 (taproot).
 *
 * Numbers are the BIPs'.  Fields of other types are kept as they are. */
#ifndef RAILS_BITCOIN_PSBT_FIELDS_H
#define RAILS_BITCOIN_PSBT_FIELDS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ids.h"

enum psbt_global {
	PSBT_GLOBAL_TX = 0x00,
	PSBT_GLOBAL_XPUB = 0x01,
	PSBT_GLOBAL_TX_VERSION = 0x02, /* version 2 alone, as up to 06 */
	PSBT_GLOBAL_FALLBACK_LOCKTIME = 0x03,
	PSBT_GLOBAL_INPUTS = 0x04,
	PSBT_GLOBAL_OUTPUTS = 0x05,
	PSBT_GLOBAL_MODIFIABLE = 0x06,
	PSBT_GLOBAL_VERSION = 0xfb
};
enum psbt_in {
	PSBT_IN_NON_WITNESS_UTXO = 0x00,
	PSBT_IN_WITNESS_UTXO = 0x01,
	PSBT_IN_PARTIAL_SIG = 0x02,
	PSBT_IN_SIGHASH_TYPE = 0x03,
	PSBT_IN_REDEEM_SCRIPT = 0x04,
	PSBT_IN_WITNESS_SCRIPT = 0x05,
	PSBT_IN_BIP32_DERIVATION = 0x06,
	PSBT_IN_FINAL_SCRIPTSIG = 0x07,
	PSBT_IN_FINAL_SCRIPTWITNESS = 0x08,
	PSBT_IN_POR_COMMITMENT = 0x09,
	PSBT_IN_RIPEMD160 = 0x0a,
	PSBT_IN_SHA256 = 0x0b,
	PSBT_IN_HASH160 = 0x0c,
	PSBT_IN_HASH256 = 0x0d,
	PSBT_IN_PREVIOUS_TXID = 0x0e, /* version 2 alone, as up to 12 */
	PSBT_IN_OUTPUT_INDEX = 0x0f,
	PSBT_IN_SEQUENCE = 0x10,
	PSBT_IN_TIME_LOCKTIME = 0x11,
	PSBT_IN_HEIGHT_LOCKTIME = 0x12,
	PSBT_IN_TAP_KEY_SIG = 0x13,
	PSBT_IN_TAP_SCRIPT_SIG = 0x14,
	PSBT_IN_TAP_LEAF_SCRIPT = 0x15,
	PSBT_IN_TAP_BIP32_DERIVATION = 0x16,
	PSBT_IN_TAP_INTERNAL_KEY = 0x17,
	PSBT_IN_TAP_MERKLE_ROOT = 0x18
};
enum psbt_out {
	PSBT_OUT_REDEEM_SCRIPT = 0x00,
	PSBT_OUT_WITNESS_SCRIPT = 0x01,
	PSBT_OUT_BIP32_DERIVATION = 0x02,
	PSBT_OUT_AMOUNT = 0x03, /* version 2 alone, as 04 */
	PSBT_OUT_SCRIPT = 0x04,
	PSBT_OUT_TAP_INTERNAL_KEY = 0x05,
	PSBT_OUT_TAP_TREE = 0x06,
	PSBT_OUT_TAP_BIP32_DERIVATION = 0x07
};

enum psbt_part { PSBT_PART_GLOBAL = 1, PSBT_PART_IN, PSBT_PART_OUT };

/* The key is a type (a compact number) and data of its own. */
struct psbt_field {
	struct bytes key;
	struct bytes value;
};

/* Is the field as its type wants it?  What has no meaning to us is as it should be.  version 0 or 2 decides which types there
 * are.  scratch holds what reading a transaction takes.  ERR_PSBT. */
MUST_CHECK int psbt_field_check(struct arena *scratch, enum psbt_part part, unsigned version,
				const struct psbt_field *f, struct err *err);

/* Who derives a key, and how: master fingerprint, then indexes. */
#define PSBT_PATH_MAX 16
struct psbt_origin {
	uint8_t fingerprint[4];
	uint32_t path[PSBT_PATH_MAX];
	size_t n;
};
/* The value of a TAP_BIP32_DERIVATION.  *ret_leaves says in how many leaves the key stands: 0 for a key path alone.  False
 * for a path longer than PSBT_PATH_MAX. */
MUST_CHECK bool psbt_origin_parse(struct bytes value, struct psbt_origin *ret, size_t *ret_leaves);
/* One that stands in no leaf.  n is at most PSBT_PATH_MAX. */
#define PSBT_ORIGIN_MAX (1 + 4 + 4 * PSBT_PATH_MAX)
void psbt_origin_encode(const struct psbt_origin *o, struct buf *b);

#endif
