/* exit/auto_claim.h - what exits have put on chain is claimed without being asked for: exit_auto_claim, [X-22] of spec/exit.md 4.3.
 *
 * All that can be claimed goes to the on-chain wallet in one transaction, at the nodes' estimate for three blocks: at once when
 * that costs a hundredth of it at most, or when a VTXO is among them that others can claim too (an HTLC); else when one of
 * them has waited AUTO_CLAIM_BLOCKS, whatever it costs then. */
#ifndef EXIT_AUTO_CLAIM_H
#define EXIT_AUTO_CLAIM_H

#include "exit/exit.h"
#include "store/store.h"

#define AUTO_CLAIM_BLOCKS   144u
#define AUTO_CLAIM_FRACTION 100u /* of what is claimed, the fee is no more than one in so many */

struct auto_claim_options {
	struct store *store;
	struct chain_source *chain;
	struct exits *exits; /* whose keys sign, and which send it */
	uint32_t tip;
};
/* 1: a claim is made, and sent when it is durable; 0: not now, be it that the wallet is locked or that nobody knows a fee; -1: the
 * store cannot be read or written. */
MUST_CHECK int auto_claim(const struct auto_claim_options *opt, struct err *err);

#endif
