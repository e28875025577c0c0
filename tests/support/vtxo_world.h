/* tests/support/vtxo_world.h - a wallet with Ark keys, and VTXOs that a test makes with both parties' keys, on the model of a node
 * that tests/support/follower_world.h has. */
#ifndef TESTS_SUPPORT_VTXO_WORLD_H
#define TESTS_SUPPORT_VTXO_WORLD_H

#include "exit/vtxo_import.h"
#include "tests/support/ark_maker.h"
#include "tests/support/follower_world.h"

struct vtxo_world {
	struct ark_maker maker; /* VTXOs expire at height 500, and wait 12 blocks */
};
extern struct vtxo_world vw;

/* After this fw is a world with an account; its end is follower_world_teardown(). */
void vtxo_world_setup(enum chain_kind kind);
struct secret vtxo_world_key(uint32_t index); /* m/350'/0'/index */
struct sat vtxo_world_sat(uint64_t v);
/* A board of this key, whose funding the mempool has; and one that a block has. */
struct vtxo vtxo_world_board(struct secret user, uint64_t amount);
struct vtxo vtxo_world_mined(uint32_t index, uint64_t amount);
const char *vtxo_world_hex(const struct vtxo *v);

/* Reads, looks and stores, to the end; free it. */
struct vtxo_import *vtxo_world_import(const char *text, uint32_t search);
/* The row of one that must be taken. */
int64_t vtxo_world_take(const struct vtxo *v);

#endif
