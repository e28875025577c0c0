/* tests/support/evm_node.h - a node of an EVM chain, scripted, in the loop of the test.
 *
 * It shows a chain (evm_chain.h), its own unless it is given one, and does as nodes do unless it is told to say something
 * else.  Accounts have no ether unless they are given some, so that nothing is sent by itself. */
#ifndef TESTS_SUPPORT_EVM_NODE_H
#define TESTS_SUPPORT_EVM_NODE_H

#include "base/net/loop.h"
#include "tests/support/evm_chain.h"

struct evm_node;

struct evm_node *evm_node_new(struct loop *loop, uint64_t chain_id, const struct evm_address *contract);
/* One more view of a chain that is somebody else's. */
struct evm_node *evm_node_on(struct loop *loop, struct evm_chain *chain);
void evm_node_free(struct evm_node *n);
/* With a path that nobody else may see. */
#define EVM_NODE_KEY "hunter2"
const char *evm_node_url(struct evm_node *n);
struct evm_chain *evm_node_chain(struct evm_node *n);

/* HTTP 503 to everything, or no more. */
void evm_node_down(struct evm_node *n, bool down);
/* Logs cannot be had, as of a node that has pruned them; or again. */
void evm_node_prune(struct evm_node *n, bool pruned);
/* Logs of at most so many blocks in one answer; 0: any. */
void evm_node_log_range(struct evm_node *n, uint64_t blocks);
/* Its head is so many blocks behind the chain's. */
void evm_node_lag(struct evm_node *n, uint64_t blocks);
/* From now on the contract says that this nonce is spent, by the digest, or revoked when that is NULL.  *ret_tx, if not
 * NULL, is the transaction of its log. */
void evm_node_spend(struct evm_node *n, const struct evm_address *signer, uint64_t nonce, const struct hash32 *digest,
		    struct hash32 *ret_tx);

/* What a method is answered, instead of what the chain would have it.  Calls of the contract have names of their own:
 * "call:execute", "call:batch", "call:revoke", "call:nonces_used", "call:is_nonce_used", "call:bitmap", "call:domain".
 * Texts are borrowed. */
struct evm_saying {
	const char *method;
	const char *error;  /* the words of an error, */
	const char *data;   /* and its data: hex, or NULL */
	const char *result; /* JSON text, when it is no error */
	int status;         /* of the whole post, when it is neither */
	bool silent;        /* the post is never answered */
	bool acts;          /* it is done all the same */
	unsigned times;     /* 0: for ever */
};
/* Takes the place of what was said of this method before. */
void evm_node_say(struct evm_node *n, const struct evm_saying *s);
void evm_node_error(struct evm_node *n, const char *method, const char *words); /* for ever */
void evm_node_obey(struct evm_node *n);                                         /* all that is forgotten */

/* fn is told of each question before it is answered: what happens meanwhile can happen there. */
void evm_node_watch(struct evm_node *n, void (*fn)(const char *method));

/* How often this method, or call of the contract, was asked. */
unsigned evm_node_asked(const struct evm_node *n, const char *method);

#endif
