/* rails/evm/rpc_reply.h - what the node of an EVM chain may answer.  Implements the reply side of spec/outbox.md 5.1, and
 * the receipts of 5.8, over the Ethereum JSON-RPC API.
 *
 * Every decoder takes the result of one answer (jsonrpc_result() of base/jsonrpc_msg.h) and is strict: a quantity is 0x
 * and 1 to 64 hex digits without leading zeros, data is 0x and whole bytes, lengths are those of the reply and have
 * limits.  Members that are not asked for are not looked at.  Where a decoder is told what was asked, an answer about
 * something else is refused.  Lists and data live in the arena.  On failure *ret is untouched.
 * Errors: ERR_PEER_INVALID (not what a node may send, or more than fits the arena). */
#ifndef RAILS_EVM_RPC_REPLY_H
#define RAILS_EVM_RPC_REPLY_H

#include "base/amount.h"
#include "rails/evm/rpc_call.h"

#define EVM_DATA_MAX     ((size_t)256 * 1024) /* of code, of what a call returns */
#define EVM_LOG_DATA_MAX ((size_t)64 * 1024)
#define EVM_LOGS_MAX     20000 /* in one receipt, in one answer to eth_getLogs: more never fits a reply */
#define EVM_VERSION_MAX  128

/* For jsonrpc_decode(): a batch of receipts is larger than other replies. */
extern const struct jsonrpc_rules evm_reply_rules;

/* --- single values --- */

MUST_CHECK int evm_reply_u64(const json_t *v, uint64_t *ret, struct err *err);
MUST_CHECK int evm_reply_u256(const json_t *v, uint8_t ret[32], struct err *err); /* big-endian */
MUST_CHECK int evm_reply_wei(const json_t *v, struct wei *ret, struct err *err);
MUST_CHECK int evm_reply_gas_price(const json_t *v, struct gas_price *ret, struct err *err);
MUST_CHECK int evm_reply_hash(const json_t *v, struct hash32 *ret, struct err *err);
/* At most max bytes; what a call returns and what code there is. */
MUST_CHECK int evm_reply_data(struct arena *a, const json_t *v, size_t max, struct bytes *ret, struct err *err);
/* Printable, at most EVM_VERSION_MAX bytes. */
MUST_CHECK int evm_reply_version(struct arena *a, const json_t *v, const char **ret, struct err *err);

/* --- blocks --- */

struct evm_block {
	uint64_t number, timestamp_s, gas_limit;
	struct hash32 hash, parent_hash;
	bool has_base_fee; /* false before EIP-1559 */
	struct gas_price base_fee;
};
/* *found false: the node has no such block, or no word for "finalized" yet; *ret is untouched then. */
MUST_CHECK int evm_reply_block(const json_t *v, struct evm_block_ref asked, bool *found, struct evm_block *ret,
			       struct err *err);

/* --- logs, receipts, transactions --- */

struct evm_log {
	struct evm_address address;
	struct hash32 topics[EVM_TOPICS_MAX];
	size_t n_topics;
	struct bytes data;
	uint64_t block_number, index; /* index: in the block */
	struct hash32 block_hash, tx_hash;
	bool removed; /* by a reorganisation, says the node */
};
/* Each must match the filter: its address, its topics, its blocks where they are numbers. */
MUST_CHECK int evm_reply_logs(struct arena *a, const json_t *v, const struct evm_log_filter *asked,
			      struct evm_log **ret, size_t *n, struct err *err);

struct evm_receipt {
	bool succeeded; /* status; EIP-658 */
	struct hash32 tx_hash, block_hash;
	uint64_t block_number, gas_used;
	struct gas_price effective_gas_price;
	struct evm_address from, to;
	bool has_to;          /* false: it made a contract */
	struct evm_log *logs; /* all of this transaction and block */
	size_t n_logs;
};
/* *found false: not in a block, as far as this node knows. */
MUST_CHECK int evm_reply_receipt(struct arena *a, const json_t *v, const struct hash32 *asked, bool *found,
				 struct evm_receipt *ret, struct err *err);

struct evm_tx_status {
	struct hash32 hash;
	struct evm_address from;
	uint64_t nonce;
	bool mined;               /* else it is in the node's pool */
	struct hash32 block_hash; /* when mined */
	uint64_t block_number;
};
/* *found false: neither in a block nor in this node's pool. */
MUST_CHECK int evm_reply_tx(const json_t *v, const struct hash32 *asked, bool *found, struct evm_tx_status *ret,
			    struct err *err);

/* --- fees --- */

struct evm_fee_history {
	uint64_t oldest_block;
	struct gas_price *base_fees; /* one per block, and the next one's last; a young chain has fewer than asked */
	size_t n_base_fees;          /* at least 1 */
	size_t n_rewards;            /* blocks that rewards are told of; 0 when the node tells none */
	/* What each percentile that was asked for paid, oldest block first; 0 for an empty block. */
	struct gas_price *rewards[EVM_FEE_PERCENTILES_MAX];
};
MUST_CHECK int evm_reply_fee_history(struct arena *a, const json_t *v, size_t n_percentiles,
				     struct evm_fee_history *ret, struct err *err);

#endif
