/* rails/ark/round_check.h - does a server's round give what was asked for?  Asked before anything is signed.
 *
 * Implements spec/ark-primitives.md §7.5.  Every refusal is ERR_PEER_INVALID and says what differs. */
#ifndef RAILS_ARK_ROUND_CHECK_H
#define RAILS_ARK_ROUND_CHECK_H

#include "rails/ark/attest.h"
#include "rails/ark/tree.h"

/* What was agreed with the server. */
struct round_demands {
	struct pubkey server;
	uint16_t exit_delta;
	uint32_t expiry_min;       /* the least expiry height: round_expiry_min() */
	struct hash32 unlock_hash; /* as the server gave it when the payment was submitted */
};
/* A server may be a few blocks behind: tip + lifetime - 6, within its bounds. */
uint32_t round_expiry_min(uint32_t tip, uint32_t lifetime);

/* Terms, the funding output of the round's (unsigned) transaction, and for each output asked for a leaf of its own with that
 * policy, amount, cosign key and unlock hash; ret_leaves[i] is its number. */
struct round_wanted {
	const struct ark_round_output *v;
	size_t n;
};
MUST_CHECK int round_check_tree(struct tree *t, const struct round_demands *d, struct round_wanted wanted,
				const struct tx *round, uint32_t *ret_leaves, struct err *err);

/* Of a round without its user: are these VTXOs of the server just what was asked for, in the same order?  hark_check() of each
 * comes on top. */
struct round_vtxos {
	const struct vtxo *v;
	size_t n;
};
MUST_CHECK int round_check_delegated(struct round_vtxos got, struct ark_outputs wanted, const struct round_demands *d,
				     struct err *err);

#endif
