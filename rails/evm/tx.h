/* rails/evm/tx.h - transactions of type 2 (EIP-1559): what is signed, what is sent, and reading our own back.
 *
 * unsigned = 0x02 || rlp([chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to, value, data, []])
 * raw      = 0x02 || rlp([the same nine, yParity, r, s])                         hash = Keccak-256(raw)
 * We create no contracts and give no access lists.  Pure, for any number of threads. */
#ifndef RAILS_EVM_TX_H
#define RAILS_EVM_TX_H

#include "base/amount.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "rails/evm/fee.h"

#define EVM_TX_MAX (128 * 1024) /* bytes: go-ethereum's pool refuses more */

struct evm_tx {
	uint64_t chain_id;
	uint64_t nonce; /* the account's */
	struct evm_fees fees;
	uint64_t gas_limit;
	struct evm_address to;
	struct wei value;
	struct bytes data; /* of a decoded one: a view into what it was decoded from */
};

struct evm_tx_signature {
	uint8_t rs[64];
	int y_parity; /* 0 or 1 */
};

/* Appends to ret, a buffer whose cap is the caller's; ERR_RANGE: more than EVM_TX_MAX bytes, or than the cap;
 * what was appended is then of no use. */
MUST_CHECK int evm_tx_unsigned(const struct evm_tx *tx, struct buf *ret, struct err *err);
MUST_CHECK int evm_tx_raw(const struct evm_tx *tx, const struct evm_tx_signature *sig, struct buf *ret,
			  struct err *err);
/* The digest to sign. */
MUST_CHECK int evm_tx_digest(const struct evm_tx *tx, struct hash32 *ret, struct err *err);
/* What names it on the chain. */
void evm_tx_hash(struct bytes raw, struct hash32 *ret);
/* A raw transaction such as evm_tx_raw() writes; anything else is ERR_PARSE. */
MUST_CHECK int evm_tx_decode(struct bytes raw, struct evm_tx *ret, struct evm_tx_signature *ret_sig, struct err *err);

/* Is what was mined in `block` under `confirmations` blocks, its own among them, when the chain's head is `head`? */
bool evm_depth_reached(uint64_t head, uint64_t block, uint64_t confirmations);

#endif
