/* outbox/append.h - what append decides once, and the drainer checks again (spec/outbox.md 2.2, 2.3, 2.5).
 *
 * The entry point itself is in outbox/outbox.h. */
#ifndef OUTBOX_APPEND_H
#define OUTBOX_APPEND_H

#include "store/directive_store.h"

#define DIRECTIVE_KIND_RSM "needs_rsm_signature"
/* A kind that this binary can process.  A new one is deployed in the drainer before anybody appends it. */
bool directive_kind_known(const char *kind);

/* SHA-256 over kind, action key, chain, contract, signer, account and payload, each after its length. */
void directive_content_hash(const struct directive_row *row, uint64_t chain_id, const struct evm_address *contract,
			    struct hash32 *ret);
/* Of a row whose space, signer and account are set. */
void directive_order_key(struct directive_row *row, enum space_ordering ordering);
/* ERR_ACTION_UNSUPPORTED, ERR_ACTION_INVALID, with the field at fault. */
MUST_CHECK int directive_check_action(const char *key, struct bytes payload, bool any_payload, struct err *err);

#endif
