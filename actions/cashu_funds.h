/* actions/cashu_funds.h - which mint pays, and whether it holds enough: what every kind that spends ecash asks first. */
#ifndef ACTIONS_CASHU_FUNDS_H
#define ACTIONS_CASHU_FUNDS_H

#include "actions/cashu.h"

/* The mint that params name, or the one that holds most of the unit.  ERR_MINT_UNKNOWN; ERR_FUNDS: none holds any. */
MUST_CHECK int cashu_choose_mint(struct step *s, const json_t *params, struct currency unit, struct mint_row *ret,
				 struct err *err);
/* What is spendable there.  By the ledger, which is the sum of the coins, however many there are. */
MUST_CHECK int cashu_spendable(struct step *s, const struct cashu_place *at, uint64_t *ret, struct err *err);
/* For an ERR_FUNDS: what to do about too little, at this mint or (0) at all; what is held now may be free again soon.
 * Returns -1. */
int cashu_short_of_funds(struct step *s, int64_t mint_id, struct currency unit, struct err *err);

#endif
