/* chain/ark_keys.h - the keys of VTXOs are derived as far as a VTXO of ours may use them: ARK_KEY_GAP beyond the last index that
 * is known to anybody.  Implements the window of spec/ark-flows.md 5.8 and 6.
 *
 * From the extended public key of m/350'/0', so also while the seed is locked. */
#ifndef CHAIN_ARK_KEYS_H
#define CHAIN_ARK_KEYS_H

#include "store/ark_key_store.h"

/* How far a search beyond the window may go: some 50 ms. */
#define ARK_KEYS_SEARCH_MAX 1000u

/* Derives what is missing, at least up to and with index `upto` (0: the window alone).  Without an account: nothing. */
MUST_CHECK int ark_keys_fill(struct unit *u, uint32_t upto, struct err *err);
/* Whose is this key?  Looked for among those that are derived, and among the `beyond` next ones.  1 ours, 0 not, -1.
 * ERR_NO_WALLET: there is no account.  ERR_RANGE: beyond is more than ARK_KEYS_SEARCH_MAX. */
MUST_CHECK int ark_keys_search(struct view v, const struct pubkey *key, uint32_t beyond, uint32_t *ret_index,
			       struct err *err);

#endif
