/* rails/evm/action.h - what a directive may ask for: the registry of action keys.
 *
 * `withdrawal` says that a failure of it concerns somebody's money: those are told to people and never refunded by
 * themselves.  Whether payloads must have the shape that is written down here is the caller's configuration: a contract
 * may have shapes of its own, and then payloads are opaque. */
#ifndef RAILS_EVM_ACTION_H
#define RAILS_EVM_ACTION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"

struct evm_action {
	const char *key;
	bool withdrawal;
	uint32_t max_payload; /* bytes, of an opaque one too */
	/* Is it the ABI encoding of the action's tuple, and nothing more?  ERR_PARAM, on the field "payload". */
	int (*validate)(struct bytes payload, struct err *err);
	struct hash32 key_hash; /* Keccak-256 of the key, which every digest of a directive has in it */
};

const struct evm_action *evm_action_find(const char *key); /* NULL when there is none */
/* All of them, *n many: for labels of metrics and for help. */
const struct evm_action *evm_actions(size_t *n);

#endif
