/* chain/told.h - transactions of the network as the wallet's tables are told of them. */
#ifndef CHAIN_TOLD_H
#define CHAIN_TOLD_H

#include "rails/bitcoin/tx.h"
#include "store/tx_store.h"

/* raw, tx and what it points to are borrowed; the rest lives in the arena.  ERR_RANGE: no room for it. */
MUST_CHECK int told_of(struct arena *a, struct bytes raw, const struct tx *tx, struct told_tx *ret, struct err *err);
/* The same of bytes alone.  Errors also as tx_decode(). */
MUST_CHECK int told_read(struct arena *a, struct bytes raw, struct told_tx *ret, struct err *err);

#endif
