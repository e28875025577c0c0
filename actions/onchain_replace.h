/* actions/onchain_replace.h - what is to take the place of a payment that no block has: the same at a higher fee, or its coins
 * paid back to the wallet.  Implements spec/exit.md 7.12 and BIP125. */
#ifndef ACTIONS_ONCHAIN_REPLACE_H
#define ACTIONS_ONCHAIN_REPLACE_H

#include "actions/onchain_versions.h"

/* Of the last version; params: those of the payment.  It spends the same coins (and, where those do not cover the fee,
 * confirmed ones, which become the action's).  VERSION_CANCEL pays all of it to the wallet.
 * ERR_ILLEGAL_STATE: its change is spent or held by somebody whom a replacement would leave without; what onchain_draft()
 * has to say. */
MUST_CHECK int onchain_replacement_draft(struct step *s, const struct versions *vs, enum version_kind kind,
					 const json_t *params, struct feerate rate, struct onchain_draft *ret,
					 struct err *err);
/* The last version, which certainly no node has, is given up, with the coins that the one before it does not spend. */
MUST_CHECK int onchain_replacement_undo(struct step *s, const struct versions *vs, struct err *err);

#endif
