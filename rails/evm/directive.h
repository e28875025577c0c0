/* rails/evm/directive.h - a directive, and what is signed of it: EIP-712 typed data.
 *
 *   EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)   "WalletdDirective", "1"
 *   Directive(bytes32 directiveId,address account,string actionKey,uint64 nonce,bytes payload)
 *
 * Changing any of this is a new version and a new nonce space.  Pure, for any number of threads. */
#ifndef RAILS_EVM_DIRECTIVE_H
#define RAILS_EVM_DIRECTIVE_H

#include "base/buf.h"
#include "base/directive.h"
#include "base/err.h"
#include "base/ids.h"

#define DIRECTIVE_KEY_MAX   64
#define DIRECTIVE_NONCE_MAX ((uint64_t)INT64_MAX) /* on the wire it is a uint64; the store has 63 bits */

struct directive {
	struct hash32 id_hash; /* directive_id_hash() */
	struct evm_address account;
	const char *action_key;
	uint64_t nonce;
	struct bytes payload;
};

/* Of the UTF-8 bytes of the id, always: also when it looks like hex. */
void directive_id_hash(const char *id, struct hash32 *ret);
/* The domain separator: one for each (chain, contract), so that the caller may keep it. */
void directive_domain(uint64_t chain_id, const struct evm_address *contract, struct hash32 *ret);
void directive_struct_hash(const struct directive *d, struct hash32 *ret);
/* What the signer signs. */
void directive_digest(const struct hash32 *domain, const struct directive *d, struct hash32 *ret);

/* r || s || v, v = 27 + recovery id. */
struct directive_signature {
	uint8_t b[65];
};
void directive_signature_make(const uint8_t rs[64], int recid, struct directive_signature *ret); /* recid: 0 or 1 */
/* What the contract would refuse without looking at the digest is ERR_CRYPTO: a length other than 65, v other than 27 or
 * 28, r or s zero, s in the upper half of the group order. */
MUST_CHECK int directive_signature_split(struct bytes sig, uint8_t ret_rs[64], int *ret_recid, struct err *err);

#endif
