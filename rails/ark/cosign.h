/* rails/ark/cosign.h - what user and server sign together, as every operation of Ark does it.
 *
 * Implements the steps of spec/ark-primitives.md §4 that are common to them. */
#ifndef RAILS_ARK_COSIGN_H
#define RAILS_ARK_COSIGN_H

#include "rails/bitcoin/musig.h"

/* The aggregate of user and server, tweaked unless tweak is NULL.  ERR_CRYPTO. */
MUST_CHECK int ark_pair_keys(const struct pubkey *user, const struct pubkey *server, const struct hash32 *tweak,
			     struct musig_keys *ret, struct err *err);
/* Is this secret that key's?  ERR_CRYPTO. */
MUST_CHECK int ark_check_key(const struct secret *key, const struct pubkey *expected, struct err *err);

/* One side's half of a signature. */
struct ark_half {
	struct musig_pubnonce nonce;
	struct musig_partial part;
};
/* What both sign. */
struct ark_cosigned {
	struct pubkey user, server;
	struct musig_keys keys; /* of the two, tweaked where the output is */
	struct hash32 sighash;
};
/* Our half where the server's nonce is known first: with a nonce drawn for it, used and wiped.  ERR_CRYPTO: the key is not the
 * user's; ERR_PEER_INVALID: the server's nonce is none. */
MUST_CHECK int ark_half_sign(const struct ark_cosigned *c, const struct secret *user,
			     const struct musig_pubnonce *server, struct ark_half *ret, struct err *err);
/* The server's half, against our nonce.  ERR_PEER_INVALID. */
MUST_CHECK int ark_half_verify(const struct ark_cosigned *c, const struct musig_pubnonce *ours,
			       const struct ark_half *server, struct err *err);
/* The whole signature where our nonce was sent first; *ours is consumed once the server's half has verified.
 * ERR_PEER_INVALID: it does not; ERR_CRYPTO: the key is not the user's. */
MUST_CHECK int ark_half_finish(const struct ark_cosigned *c, const struct secret *user, struct musig_nonce **ours,
			       const struct musig_pubnonce *our_public, const struct ark_half *server, uint8_t ret[64],
			       struct err *err);

#endif
