/* tests/support/evm_node.h - a node of an EVM chain with one verifying contract on it, scripted, in the loop of the test.
 *
 * It knows no transactions: what happened in the contract is what the test says.  For transactions there are real nodes
 * (tests/peers/anvil).  Accounts have no ether unless they are given some, so that nothing is sent by itself. */
#ifndef TESTS_SUPPORT_EVM_NODE_H
#define TESTS_SUPPORT_EVM_NODE_H

#include "base/ids.h"
#include "base/net/loop.h"

struct evm_node;

struct evm_node *evm_node_new(struct loop *loop, uint64_t chain_id, const struct evm_address *contract);
void evm_node_free(struct evm_node *n);
/* With a path that nobody else may see. */
#define EVM_NODE_KEY "hunter2"
const char *evm_node_url(struct evm_node *n);

/* HTTP 503 to everything, or no more. */
void evm_node_down(struct evm_node *n, bool down);
/* Logs cannot be had, as of a node that has pruned them; or again. */
void evm_node_prune(struct evm_node *n, bool pruned);
/* From now on the contract says that this nonce is spent, by the digest, or revoked when that is NULL.  *ret_tx, if not
 * NULL, is the transaction of its log. */
void evm_node_spend(struct evm_node *n, const struct evm_address *signer, uint64_t nonce, const struct hash32 *digest,
		    struct hash32 *ret_tx);
/* How often this method was asked. */
unsigned evm_node_asked(const struct evm_node *n, const char *method);

#endif
