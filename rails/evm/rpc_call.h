/* rails/evm/rpc_call.h - the questions that are put to the node of an EVM chain, added to a batch of JSON-RPC calls.
 * Implements the request side of spec/outbox.md 5.1 over the Ethereum JSON-RPC API; rpc_reply.h has the answers.
 *
 * Each returns the number of its call in the batch (see base/jsonrpc_msg.h: a batch that is full fails when it is
 * encoded).  Quantities are 0x hex without leading zeros, data is 0x hex, addresses are lower case.  What is passed in is
 * copied. */
#ifndef RAILS_EVM_RPC_CALL_H
#define RAILS_EVM_RPC_CALL_H

#include "base/ids.h"
#include "base/jsonrpc_msg.h"

enum evm_block_tag { EVM_BLOCK_NUMBER = 1, EVM_LATEST = 2, EVM_PENDING = 3, EVM_FINALIZED = 4 };
/* Which block is meant. */
struct evm_block_ref {
	enum evm_block_tag tag;
	uint64_t number; /* with EVM_BLOCK_NUMBER */
};
struct evm_block_ref evm_block_at(uint64_t number);
struct evm_block_ref evm_block_tagged(enum evm_block_tag tag);

/* A call as a node would run it. */
struct evm_message {
	const struct evm_address *from; /* NULL: not said */
	struct evm_address to;
	struct bytes data;
};

#define EVM_TOPICS_MAX 4
/* Logs of one contract in a range of blocks, both ends included. */
struct evm_log_filter {
	struct evm_block_ref from, to;
	struct evm_address address;
	struct evm_topic_filter {
		const struct hash32 *any; /* one of these */
		size_t n;                 /* 0: whatever it is */
	} topics[EVM_TOPICS_MAX];
	size_t n_topics; /* later ones may be anything, or not be there */
};

size_t evm_ask_chain_id(struct jsonrpc_batch *b);
size_t evm_ask_block_number(struct jsonrpc_batch *b);
size_t evm_ask_block(struct jsonrpc_batch *b, struct evm_block_ref at); /* its header */
size_t evm_ask_code(struct jsonrpc_batch *b, const struct evm_address *contract, struct evm_block_ref at);
size_t evm_ask_balance(struct jsonrpc_batch *b, const struct evm_address *account, struct evm_block_ref at);
size_t evm_ask_tx_count(struct jsonrpc_batch *b, const struct evm_address *account, struct evm_block_ref at);
/* What the call would return, or how it would fail; nothing is sent to the chain. */
size_t evm_ask_call(struct jsonrpc_batch *b, const struct evm_message *m, struct evm_block_ref at);
size_t evm_ask_estimate(struct jsonrpc_batch *b, const struct evm_message *m, struct evm_block_ref at);
/* The last n_blocks (1 to EVM_FEE_BLOCKS_MAX) up to newest; percentiles rise, 0 to 100 each. */
#define EVM_FEE_BLOCKS_MAX      1024
#define EVM_FEE_PERCENTILES_MAX 8
size_t evm_ask_fee_history(struct jsonrpc_batch *b, uint32_t n_blocks, struct evm_block_ref newest,
			   const uint8_t *percentiles, size_t n_percentiles);
size_t evm_ask_priority_fee(struct jsonrpc_batch *b);
/* raw: the signed transaction (EIP-2718).  The same bytes may be sent any number of times. */
size_t evm_ask_send(struct jsonrpc_batch *b, struct bytes raw);
size_t evm_ask_receipt(struct jsonrpc_batch *b, const struct hash32 *tx);
size_t evm_ask_tx(struct jsonrpc_batch *b, const struct hash32 *tx);
size_t evm_ask_logs(struct jsonrpc_batch *b, const struct evm_log_filter *filter);
/* Logged once, for people. */
size_t evm_ask_client_version(struct jsonrpc_batch *b);

#endif
