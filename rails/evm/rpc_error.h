/* rails/evm/rpc_error.h - what an error of an EVM node is about: us, or the node.  Implements spec/outbox.md 5.3 (what
 * counts against an endpoint), 5.7 (a range of logs too wide) and what 5.8 needs (the data of a revert).
 *
 * Clients agree on neither codes nor words: rules look for words, without case, in the message and in data when that is
 * text.  What no rule knows is nobody's fault. */
#ifndef RAILS_EVM_RPC_ERROR_H
#define RAILS_EVM_RPC_ERROR_H

#include "base/jsonrpc_msg.h"

#define EVM_REVERT_MAX 8192 /* bytes of data that are read */

/* The node, or the gateway before it, is throttling us or is in trouble: asking another one helps.  Never true for an
 * error about our transaction or call (nonce, fee, funds, revert), nor for a range that is too wide. */
bool evm_error_is_endpoint_failure(const struct jsonrpc_error *e);
/* Of eth_getLogs: fewer blocks at once may be answered. */
bool evm_error_is_range_too_wide(const struct jsonrpc_error *e);
/* Of eth_call and eth_estimateGas: it takes more gas than fits a block, or than the node computes.  A smaller call may
 * do. */
bool evm_error_is_too_much_gas(const struct jsonrpc_error *e);
/* Of eth_call, eth_estimateGas, and of a send where nodes simulate: the contract said no. */
bool evm_error_is_revert(const struct jsonrpc_error *e);
/* What the contract said: error.data as hex, as "Reverted 0x…", or as an object that holds one of these under data,
 * result or originalError, four deep at most.  False: none is there, or it is longer than EVM_REVERT_MAX or the arena has
 * room for. */
bool evm_error_revert_data(struct arena *a, const struct jsonrpc_error *e, struct bytes *ret);

#endif
