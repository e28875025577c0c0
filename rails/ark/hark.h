/* rails/ark/hark.h - the last steps of a VTXO from a round: locked by a hash, signed, checked, and unlocked.
 *
 * Implements spec/ark-primitives.md §7.7.  The order that keeps the money safe: the leaf is signed by both; hark_check() of every
 * new VTXO; the round's transaction deep enough; only then the forfeits, of the very hash; the preimage comes back, and
 * hark_unlock() makes the VTXO whole. */
#ifndef RAILS_ARK_HARK_H
#define RAILS_ARK_HARK_H

#include "rails/ark/cosign.h"
#include "rails/ark/vtxo.h"
#include "rails/bitcoin/tx.h"

/* What user and server sign of the last step: a script path, so that the keys are not tweaked.  ERR_VTXO_INVALID: the last step
 * is not hash-locked; ERR_CRYPTO. */
MUST_CHECK int hark_leaf(const struct vtxo *v, struct ark_cosigned *ret, struct err *err);
/* The same VTXO with that signature, or with the preimage that unlocks it.  Arena-owned, but for views of v.
 * ERR_PEER_INVALID: a preimage of another hash; ERR_VTXO_INVALID: the last step is not hash-locked. */
MUST_CHECK int hark_put_signature(struct arena *a, const struct vtxo *v, const uint8_t sig[64], struct vtxo *ret,
				  struct err *err);
MUST_CHECK int hark_unlock(struct arena *a, const struct vtxo *v, const uint8_t preimage[32], struct vtxo *ret,
			   struct err *err);

/* How far a VTXO of a round is. */
enum hark_stage {
	HARK_UNSIGNED = 1, /* out of the tree: its last step is not signed */
	HARK_SIGNED = 2    /* its forfeits may go: only the preimage is missing */
};
/* Is it valid in everything but what comes after this stage: its anchor, amounts, outpoints and each signature, and locked
 * by this hash for its own user?  Codes of rails/ark/validate.h; ERR_PEER_INVALID: locked otherwise, or not as far. */
MUST_CHECK int hark_check(const struct vtxo *v, const struct tx *round, const struct hash32 *unlock_hash,
			  enum hark_stage stage, struct err *err);

#endif
