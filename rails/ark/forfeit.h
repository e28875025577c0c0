/* rails/ark/forfeit.h - a VTXO given up for a new one of a round: the server gets it by the preimage that unlocks the new one.
 *
 * Implements spec/ark-primitives.md §8.1.  The server's nonce comes first, so that nonce and signature are made in one go and
 * no secret nonce outlives the call.  What is signed takes the user's money: only after vtxo_check_locked() of every
 * new VTXO, against the very unlock hash that is given here. */
#ifndef RAILS_ARK_FORFEIT_H
#define RAILS_ARK_FORFEIT_H

#include "rails/ark/cosign.h"
#include "rails/ark/vtxo.h"

struct forfeit {
	struct outpoint vtxo;
	struct hash32 unlock_hash;
	struct tx tx; /* unsigned; arena-owned */
	struct tx_out spent;
	struct ark_cosigned cosigned;
};
/* ERR_VTXO_POLICY: not a user's VTXO; ERR_CRYPTO. */
MUST_CHECK int forfeit_make(struct arena *a, const struct vtxo *v, const struct hash32 *unlock_hash,
			    struct forfeit *ret, struct err *err);

/* What the user sends. */
#define FORFEIT_BUNDLE_SIZE    167
#define FORFEIT_BUNDLE_VERSION 1
struct forfeit_bundle {
	struct outpoint vtxo;
	struct hash32 unlock_hash;
	struct ark_half half;
};
/* ERR_CRYPTO: not the user's key; ERR_PEER_INVALID: the server's nonce is none. */
MUST_CHECK int forfeit_sign(const struct forfeit *f, const struct secret *user, const struct musig_pubnonce *server,
			    struct forfeit_bundle *ret, struct err *err);
void forfeit_bundle_encode(const struct forfeit_bundle *b, uint8_t ret[FORFEIT_BUNDLE_SIZE]);
/* ERR_PARSE: another version or size, or a nonce or signature that is none. */
MUST_CHECK int forfeit_bundle_decode(struct bytes v, struct forfeit_bundle *ret, struct err *err);

#endif
