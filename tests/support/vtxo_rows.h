/* tests/support/vtxo_rows.h - keys and VTXOs for the tests of the Ark stores: of numbers, so that equal numbers are equal
 * things.  Whatever is written must work; nothing here commits. */
#ifndef TESTS_SUPPORT_VTXO_ROWS_H
#define TESTS_SUPPORT_VTXO_ROWS_H

#include "store/ark_key_store.h"
#include "store/vtxo_store.h"

struct outpoint ark_at(unsigned n);
struct pubkey ark_key(unsigned n);
struct pubkey ark_server(unsigned n);
/* The account, and n keys. */
void ark_wallet(struct unit *u, unsigned n);
/* The n-th VTXO: of n * 1000 sat and the n-th key, of server 1, which expires at height 1000 + n. */
struct vtxo_add ark_vtxo(unsigned n);
int64_t ark_add(struct unit *u, const struct vtxo_add *v); /* its row */

#endif
