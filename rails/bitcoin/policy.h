/* rails/bitcoin/policy.h - what nodes relay, beside what consensus demands: dust, sizes, TRUC (BIP431), anchors (BIP433) and
 * packages of a parent and its child.  Facts: spec/exit.md §0 and §3.
 *
 * We hold ourselves to the strictest of the node versions that we meet; what others send is for their nodes to judge. */
#ifndef RAILS_BITCOIN_POLICY_H
#define RAILS_BITCOIN_POLICY_H

#include "rails/bitcoin/script.h"
#include "rails/bitcoin/tx.h"

#define POLICY_WEIGHT_MAX     400000u
#define POLICY_SIZE_MIN       65u /* bytes without witness */
#define POLICY_SCRIPT_SIG_MAX 1650u
#define POLICY_OP_RETURN_MAX  83u /* bytes of script, and one per transaction: nodes before 30 */
#define POLICY_RELAY_RATE     250u /* sat per 1000 weight units: 1 sat/vB, also for replacing; nodes from 30 take a tenth */
#define POLICY_DUST_RATE      3u /* sat per byte */

#define TRUC_VERSION          3u
#define TRUC_WEIGHT_MAX       40000u /* 10,000 vB */
#define TRUC_CHILD_WEIGHT_MAX 4000u  /* 1,000 vB: of one whose parent is unconfirmed */

/* Below this an output costs more to spend than it is worth (Core's rule, at 3 sat/vB); 0 for what cannot be spent. */
struct sat policy_dust(struct bytes script);
bool policy_is_dust(const struct tx_out *out);

/* The place of its first P2A output, or n_out. */
size_t policy_find_anchor(const struct tx *tx);

/* Would a node take this transaction, whose fee is known?  Looks at what the transaction alone shows: version, size, input
 * scripts, outputs.  One output of dust is fine where the fee is zero: ephemeral, it must be spent in the same package.
 * ERR_DUST, ERR_RANGE (too large or too small), ERR_UNSUPPORTED (a version or a script that is not relayed). */
MUST_CHECK int policy_check(const struct tx *tx, struct sat fee, struct err *err);

/* A parent that may pay nothing, and the child that pays for both. */
struct policy_package {
	const struct tx *parent, *child; /* borrowed */
	struct sat parent_fee, child_fee;
};
/* Both pass policy_check(); the child spends the parent, all its dust, and has no dust itself; both are TRUC or neither is,
 * and a TRUC child is small enough.  That the child has no other unconfirmed parent is the caller's to know. */
MUST_CHECK int policy_check_package(const struct policy_package *p, struct err *err);
struct weight policy_package_weight(const struct policy_package *p);

#endif
