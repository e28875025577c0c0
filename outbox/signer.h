/* outbox/signer.h - the one signature of a directive: over its preallocated nonce, kept for ever (spec/outbox.md 4.3, 4.4).
 *
 * Signing never allocates a nonce.  Errors name how a directive ends: ERR_ACTION_INVALID, ERR_ACTION_UNSUPPORTED and
 * ERR_DIRECTIVE_CONFLICT are permanent (directive_dead_letter()); ERR_CRYPTO is signing that failed, and what the store
 * says is its own: both are tried again, and never end a directive. */
#ifndef OUTBOX_SIGNER_H
#define OUTBOX_SIGNER_H

#include "outbox/internal.h"
#include "rails/evm/verifier.h"

/* What the contract sees of it.  Borrows the row's text. */
void signer_describe(const struct directive_row *row, struct directive *ret);
void signer_digest(const struct space *s, const struct directive_row *row, struct hash32 *ret_id_hash,
		   struct hash32 *ret_digest);
/* Is it what was accepted, may it be signed here, and was nothing else ever signed with its nonce?  Then its signature:
 * the one that is stored, or a new one.  Nothing is written.  The space's key is there. */
MUST_CHECK int signer_sign(const struct space *s, const struct directive_row *row, struct view v,
			   struct signed_directive *ret, struct hash32 *ret_digest, struct err *err);
/* In a unit, for what the chain has executed: its signature is written down, if this database has lost it with an old copy.
 * Nothing where the key is not there to make it again. */
MUST_CHECK int signer_keep(const struct space *s, const struct directive_row *row, struct unit *u, int64_t now_ms,
			   struct err *err);
/* The reason class of a permanent refusal, or NULL when it is none. */
const char *signer_permanent_reason(const struct err *err);

#endif
