/* actions/coins.h - the one life cycle of coins over all rails: spendable, locked by a holder, spent. */
#ifndef ACTIONS_COINS_H
#define ACTIONS_COINS_H

#include "base/ids.h"
#include "store/store.h"

/* What an ended action still holds becomes spendable again.  Harmless when it holds nothing. */
MUST_CHECK int coins_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err);

#endif
