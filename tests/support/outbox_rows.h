/* tests/support/outbox_rows.h - spaces, directives, lanes and slots for the tests of the store.  Whatever is written must
 * work; nothing here commits. */
#ifndef TESTS_SUPPORT_OUTBOX_ROWS_H
#define TESTS_SUPPORT_OUTBOX_ROWS_H

#include "store/directive_store.h"
#include "store/relay_store.h"

#define ROWS_CHAIN 31337

struct hash32 rows_hash(unsigned n);         /* 32 bytes that n names */
struct evm_address rows_address(unsigned n); /* 20 */
struct gas_price rows_price(uint64_t wei);
int64_t rows_space(struct unit *u, unsigned n); /* the n-th signer's space on ROWS_CHAIN; its id */

/* What append makes, not yet added: "d<n>" of account n with nonce n, pending in lane 1 of this space, unordered.  Its text
 * lives until the next call that uses the same n modulo 1024. */
struct directive_row rows_directive(int64_t space_id, unsigned n);
void rows_set_key(struct directive_row *row, unsigned key); /* orders it by a key of its space */
/* Adds it, its nonce taken from its space's, and reads it back. */
struct directive_row rows_add(struct unit *u, struct arena *a, const struct directive_row *row);
struct directive_row rows_get(struct view v, struct arena *a, int64_t seq);
/* Saves it with a status and what the status asks for: a wake time, a slot, a result, no hold once it is submitted. */
void rows_move(struct unit *u, struct directive_row *row, enum delivery_status to);

int64_t rows_lane(struct unit *u, unsigned n); /* the n-th relayer's lane on ROWS_CHAIN, synced */
/* Opens a slot with room for any number of them, and signs attempt 0 of it. */
struct slot_row rows_slot(struct unit *u, int64_t lane);
/* One more attempt of the slot's fill; its hash is rows_hash(hash). */
struct attempt_row rows_attempt(struct unit *u, const struct slot_row *slot, uint32_t attempt, unsigned hash);

#endif
