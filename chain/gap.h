/* chain/gap.h - the wallet's scripts are derived as far as anybody may pay to them: SCRIPT_GAP beyond the last index that is
 * known to anybody.  Implements the watched range of spec/exit.md 7.2; BIP86.
 *
 * From the account's extended public key, so also while the seed is locked. */
#ifndef CHAIN_GAP_H
#define CHAIN_GAP_H

#include "rails/bitcoin/script.h"
#include "store/script_store.h"

/* The script of an index.  ERR_PARSE (no xpub), ERR_CRYPTO, ERR_RANGE. */
MUST_CHECK int gap_script(const char *xpub, enum script_chain chain, uint32_t index, struct spk *ret, struct err *err);
/* Derives what is missing on both chains; *ret_added is how many.  Without an account: nothing.  A hundred take about 5 ms.
 * Whoever gives out an index calls it in the same unit, and so does whoever finds one used. */
MUST_CHECK int gap_fill(struct unit *u, unsigned *ret_added, struct err *err);

#endif
