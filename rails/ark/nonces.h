/* rails/ark/nonces.h - the secret nonces of one key, drawn before the other side answers: one for each signature, in order.
 *
 * They live on the locked heap until each is consumed by signing, or all are freed; they are never stored.  After a crash,
 * or when an answer is lost, new ones are drawn and sent (spec/ark-primitives.md §4.3). */
#ifndef RAILS_ARK_NONCES_H
#define RAILS_ARK_NONCES_H

#include "rails/bitcoin/musig.h"

struct ark_nonces;

/* msgs: what each is going to sign, or NULL as long as that is not known.  n > 0.  ERR_CRYPTO: not a key. */
MUST_CHECK int ark_nonces_new(const struct secret *key, const struct hash32 *msgs, size_t n, struct ark_nonces **ret,
			      struct err *err);
void ark_nonces_free(struct ark_nonces *n); /* NULL is fine */
size_t ark_nonces_count(const struct ark_nonces *n);
/* What is sent: ark_nonces_count() of them. */
const struct musig_pubnonce *ark_nonces_public(const struct ark_nonces *n);
/* The i-th, for musig_sign() to consume; what it points to is NULL once that was done. */
struct musig_nonce **ark_nonces_at(struct ark_nonces *n, size_t i);

#endif
