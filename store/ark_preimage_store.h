/* store/ark_preimage_store.h - preimages of the hashes that VTXOs were paid to (spec/exit.md 4.1).
 *
 * A claim shows its preimage to everybody, so it is no secret for long: it is kept in clear, as the VTXO is. */
#ifndef STORE_ARK_PREIMAGE_STORE_H
#define STORE_ARK_PREIMAGE_STORE_H

#include "base/err.h"
#include "base/ids.h"
#include "store/view.h"

#define PREIMAGE_SIZE 32u

/* Once more is fine.  *ret is its SHA-256. */
MUST_CHECK int ark_preimage_add(struct unit *u, const uint8_t preimage[PREIMAGE_SIZE], struct hash32 *ret,
				struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int ark_preimage_find(struct view v, const struct hash32 *hash, uint8_t ret[PREIMAGE_SIZE], struct err *err);

#endif
