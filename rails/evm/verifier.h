/* rails/evm/verifier.h - the contract that executes directives (tests/contracts/DirectiveVerifier.sol): calls of it, what
 * they return, and why it refuses.
 *
 * Calls are appended to a struct buf; buf_ok() says whether they fitted.  Answers come from a node that may send anything:
 * ERR_PEER_INVALID is the only error.  Views point into the input. */
#ifndef RAILS_EVM_VERIFIER_H
#define RAILS_EVM_VERIFIER_H

#include "base/arena.h"
#include "base/err.h"
#include "rails/evm/directive.h"

struct signed_directive {
	struct directive d;
	struct directive_signature sig;
};

void verifier_execute(struct buf *to, const struct signed_directive *one);
void verifier_execute_batch(struct buf *to, const struct signed_directive *list, size_t n);
/* Bytes of a batch's calldata, before anything is signed: the second for each directive in it. */
#define VERIFIER_BATCH_SIZE_EMPTY 132
size_t verifier_batch_size_of(const struct directive *d);
void verifier_is_nonce_used(struct buf *to, const struct evm_address *signer, uint64_t nonce);
void verifier_nonces_used(struct buf *to, const struct evm_address *signer, const uint64_t *nonces, size_t n);
void verifier_nonce_bitmap(struct buf *to, const struct evm_address *signer, uint64_t word); /* word = nonce >> 8 */
void verifier_revoke_nonces(struct buf *to, const struct evm_address *signer, const uint64_t *nonces, size_t n);
void verifier_domain_separator(struct buf *to);
void verifier_directive_digest(struct buf *to, const struct directive *d);

/* What became of a directive, or would.  The first six are the contract's own codes: those of executeBatch and of
 * DirectiveSkipped. */
enum verifier_outcome {
	VERIFIER_DONE = 0,
	VERIFIER_NONCE_USED = 1,
	VERIFIER_BAD_SIGNATURE = 2,
	VERIFIER_UNKNOWN_SIGNER = 3,
	VERIFIER_UNSUPPORTED_ACTION = 4,
	VERIFIER_EFFECT_FAILED = 5,
	VERIFIER_ERROR_TEXT = 6, /* Error(string) */
	VERIFIER_PANIC = 7,      /* Panic(uint256) */
	VERIFIER_OTHER = 8       /* a code, an error or bytes that we do not know */
};
/* In small letters and underscores, for logs and labels: "nonce_used". */
const char *verifier_outcome_name(enum verifier_outcome o);
enum verifier_outcome verifier_outcome_of_code(uint8_t code); /* VERIFIER_OTHER above 5 */

MUST_CHECK int verifier_bool_result(struct bytes data, bool *ret, struct err *err);
MUST_CHECK int verifier_nonces_used_result(struct bytes data, bool *ret, size_t n, struct err *err);
MUST_CHECK int verifier_batch_result(struct bytes data, enum verifier_outcome *ret, size_t n, struct err *err);
MUST_CHECK int verifier_word_result(struct bytes data, struct hash32 *ret, struct err *err); /* uint256 and bytes32 */
/* Is the bit of this nonce set in its word of the bitmap? */
bool verifier_bitmap_has(const struct hash32 *word, uint64_t nonce);

/* The data of a revert.  What the outcome does not have is zero. */
struct verifier_revert {
	enum verifier_outcome why;  /* never VERIFIER_DONE */
	struct evm_address signer;  /* nonce used, unknown signer */
	uint64_t nonce;             /* nonce used */
	struct hash32 directive_id; /* effect failed: the hash of the id */
	struct hash32 code;         /* panic */
	struct bytes text; /* unsupported action: its key; Error(string): the text.  Anything at all, of any length */
	struct bytes data; /* all of it */
};
/* Cannot fail: what does not decode is VERIFIER_OTHER. */
void verifier_revert_decode(struct bytes data, struct verifier_revert *ret);
/* For people, in printable characters and cut to fit: "NonceAlreadyUsed(0x…, 7)". */
const char *verifier_revert_text(struct arena *a, const struct verifier_revert *r);

#endif
