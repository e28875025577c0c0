/* rails/evm/verifier_log.h - what the contract of rails/evm/verifier.h writes into the logs of a transaction. */
#ifndef RAILS_EVM_VERIFIER_LOG_H
#define RAILS_EVM_VERIFIER_LOG_H

#include "rails/evm/verifier.h"

/* Topic 0 of each, for filters.  Topics 1 to 3 of the first two are directive_id_hash(), signer and nonce; topics 1 and 2
 * of the last are signer and nonce: abi_word_address() and abi_word_u64() make them. */
extern const struct hash32 verifier_topic_executed, verifier_topic_skipped, verifier_topic_revoked;

enum verifier_event {
	VERIFIER_UNRELATED = 0, /* none of those below */
	VERIFIER_EXECUTED = 1,
	VERIFIER_SKIPPED = 2,
	VERIFIER_REVOKED = 3
};

struct verifier_log {
	enum verifier_event event;
	struct evm_address signer;
	uint64_t nonce;
	struct hash32 directive_id;   /* its hash; not of a revocation */
	struct evm_address account;   /* executed */
	struct hash32 digest;         /* executed: what was signed, which tells ours from a foreign one */
	enum verifier_outcome reason; /* skipped: never VERIFIER_DONE */
};
/* The caller has checked that the log is of the contract's address.  ERR_PEER_INVALID: it bears the topic of one of ours
 * and is not of its shape. */
MUST_CHECK int verifier_log_decode(const struct hash32 *topics, size_t n, struct bytes data, struct verifier_log *ret,
				   struct err *err);

#endif
