/* rails/cashu/dhke.h - blind signatures and their proofs of honesty: NUT-00 and NUT-12, the wallet's half.
 *
 * False means that libsecp256k1 refused (a value off the curve, zero or at infinity), or that the DLEQ does not hold;
 * *ret is then untouched.  Points and scalars of a peer may be anything.  secp_init() must have been called. */
#ifndef RAILS_CASHU_DHKE_H
#define RAILS_CASHU_DHKE_H

#include "base/buf.h"
#include "base/ecash.h"
#include "rails/bitcoin/secp.h"

/* Y = hash_to_curve(x).  For a proof, x is the secret's text as it stands: the 64 characters, not the 32 bytes they
 * spell.  Fails for no x that anybody will ever find. */
MUST_CHECK bool dhke_hash_to_curve(struct bytes x, struct point *ret);
/* B_ = Y + rG. */
MUST_CHECK bool dhke_blind(const struct point *y, const struct secret *r, struct point *ret);
/* C = C_ - rK, K the mint's key for the amount. */
MUST_CHECK bool dhke_unblind(const struct point *c_blind, const struct secret *r, const struct point *k,
			     struct point *ret);
/* NUT-12, mint to wallet: is C_ the signature over B_ by the owner of K? */
bool dhke_dleq_holds(const struct dleq *d, const struct point *k, const struct point *b, const struct point *c_blind);
/* NUT-12, wallet to wallet: the same from a proof whose sender gave r.  False when p->dleq lacks it. */
bool dhke_proof_dleq_holds(const struct proof *p, const struct pubkey *k);
/* hash_e of NUT-12: SHA256 over the hex text of the uncompressed points. */
void dhke_hash_e(const struct point *const points[4], struct hash32 *ret);

#endif
