/* actions/cashu_limit.h - how much ecash the operator wants to have at one mint at most: as was said of the mint and unit while
 * walletd ran (mint.set), else as the configuration says (cashu_mint_limit). */
#ifndef ACTIONS_CASHU_LIMIT_H
#define ACTIONS_CASHU_LIMIT_H

#include "actions/cashu.h"

/* The limits at a mint, an array held by a: {unit, max (null: as much as comes), held, set_by}.  totals: of all of the
 * wallet's accounts. */
MUST_CHECK int cashu_limits_json(struct view v, struct arena *a, const struct action_policy *p,
				 const struct mint_row *mint, const struct account_total *totals, size_t n,
				 json_t **ret, struct err *err);
/* Would so much more, in the unit of the place, be more than may be there?  What is sent and not claimed counts, since it
 * may come back.  ERR_MINT_LIMIT. */
MUST_CHECK int cashu_limit_check(struct step *s, const struct cashu_place *at, uint64_t more, struct err *err);

#endif
