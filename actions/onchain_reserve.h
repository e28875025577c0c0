/* actions/onchain_reserve.h - what ordinary payments leave on chain for exits.  Implements the priority of spec/exit.md 7.8,
 * option exit_reserve_sat.
 *
 * An exit pays its way with confirmed coins, on a day that nobody chooses; so that much is not spent on anything else.  What
 * comes back as change counts as left: a block will have it soon, and without it a wallet of one coin could pay nobody.  It
 * is kept whether or not there is something to exit now: what is boarded tomorrow will want it. */
#ifndef ACTIONS_ONCHAIN_RESERVE_H
#define ACTIONS_ONCHAIN_RESERVE_H

#include "actions/onchain.h"

/* Before the draft's coins are locked.  ERR_FUNDS, field amount_sat: it would leave less; the message says how much. */
MUST_CHECK int onchain_reserve_check(struct step *s, const struct onchain_draft *d, struct err *err);

#endif
