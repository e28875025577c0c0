/* store/ark_key_store.h - the keys that VTXOs are ours by: m/350'/0'/index, in the order of their index and without a hole.
 * Implements spec/ark-flows.md 6.
 *
 * They are derived from an extended public key, so also while the seed is locked.  Looked for are those that somebody may
 * know, and ARK_KEY_GAP beyond the last of them.  An index is handed out once. */
#ifndef STORE_ARK_KEY_STORE_H
#define STORE_ARK_KEY_STORE_H

#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

#define ARK_KEY_GAP 50u

/* The wallet's m/350'/0', as BIP32 writes it.  The same again is fine; ERR_EXISTS: there is another. */
MUST_CHECK int ark_account_add(struct unit *u, const char *xpub, struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int ark_account_get(struct view v, struct arena *a, const char **ret_xpub, struct err *err);

/* The next index: ERR_INTERNAL for any other, or a key that another index has. */
MUST_CHECK int ark_key_add(struct unit *u, uint32_t index, const struct pubkey *key, struct err *err);
struct ark_key_edge {
	uint32_t derived; /* indexes 0 to derived - 1 are there */
	uint32_t known;   /* the first one that nobody knows, with all after it */
};
MUST_CHECK int ark_key_edge(struct view v, struct ark_key_edge *ret, struct err *err);
/* 1 ours, 0 not, -1. */
MUST_CHECK int ark_key_find(struct view v, const struct pubkey *key, uint32_t *ret_index, struct err *err);
/* The lowest index that nobody knows becomes known.  ERR_RANGE: none is derived yet. */
MUST_CHECK int ark_key_take(struct unit *u, uint32_t *ret_index, struct pubkey *ret, struct err *err);
/* For vtxo_store.c alone. */
MUST_CHECK int ark_key_use(struct unit *u, uint32_t index, struct err *err);

#endif
