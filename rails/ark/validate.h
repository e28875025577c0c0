/* rails/ark/validate.h - is a VTXO what it says?  Implements spec/ark-primitives.md §10.
 *
 * Pure: the chain's part, whether the anchor is confirmed and unspent, is the caller's.  Validating takes about as long as
 * five signature checks for each step, so whoever answers strangers looks at v->n_items first.  Errors:
 *   ERR_VTXO_ANCHOR_TX   the transaction given is not the anchor's
 *   ERR_VTXO_ANCHOR      the anchor pays something else, or to another script: "incorrect chain anchor"
 *   ERR_VTXO_TRANSITION  a step is unsigned or signed wrongly; .msg has its place, its kind and what is missing
 *   ERR_VTXO_INVALID     amounts or outpoints do not add up
 *   ERR_VTXO_POLICY, ERR_VTXO_SERVER, ERR_VTXO_EXPIRY,
 *   ERR_RANGE            of vtxo_check_received(), beside some of those above: depth and amount
 *   ERR_VTXO_DUST, ERR_VTXO_SCRIPT
 *                        of vtxo_check_standard() */
#ifndef RAILS_ARK_VALIDATE_H
#define RAILS_ARK_VALIDATE_H

#include "rails/ark/vtxo.h"

/* Every transaction, every signature, every preimage, against the transaction that holds its anchor. */
MUST_CHECK int vtxo_validate(const struct vtxo *v, const struct tx *anchor_tx, struct err *err);
/* The same with a memo (rails/ark/memo.h) that outlives the call: for many VTXOs, or the same again. */
MUST_CHECK int vtxo_validate_by(struct ark_memo *memo, const struct vtxo *v, const struct tx *anchor_tx,
				struct err *err);
/* As vtxo_validate(), without looking at signatures and preimages: of what is about to be signed. */
MUST_CHECK int vtxo_validate_unsigned(const struct vtxo *v, const struct tx *anchor_tx, struct err *err);

/* What the wallet demands beyond that of a VTXO that somebody sends it (§10.2). */
struct vtxo_demands {
	struct pubkey server;
	uint16_t exit_delta; /* as the server announced it */
	size_t depth_max;    /* the server's limit on the exit depth */
	uint32_t tip;        /* height of the best block */
};
MUST_CHECK int vtxo_check_received(const struct vtxo *v, const struct vtxo_demands *d, struct err *err);

/* Would nodes relay every transaction of its exit (§10.3)?  A VTXO that fails this can be spent in Ark but not safely taken on
 * chain: a warning, and a reason to refresh. */
MUST_CHECK int vtxo_check_standard(const struct vtxo *v, struct err *err);

#endif
