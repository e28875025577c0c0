/* tests/support/exit_world.h - a wallet with exits over the real follower, stores and chain source, and a model of a node
 * (follower_world.h): VTXOs are made, put on chain, and looked at. */
#ifndef TESTS_SUPPORT_EXIT_WORLD_H
#define TESTS_SUPPORT_EXIT_WORLD_H

#include "exit/exit.h"
#include "rails/bitcoin/bip32.h"
#include "store/exit_tx_store.h"
#include "store/vtxo_store.h"
#include "tests/support/ark_maker.h"
#include "tests/support/follower_world.h"

#define EXIT_WORLD_DELTA 12u

struct exit_world {
	struct keyring *keys; /* "abandon … about" */
	struct exits *exits;
	struct bip32_key account; /* m/350'/0' */
	struct ark_maker maker;
};
extern struct exit_world xw;
extern const struct feerate exit_world_five; /* sat/vB */
extern bool exit_world_lost;                 /* the chain is not known to its tip */
extern struct sat exit_world_fee_per_tick;   /* of processes that begin from now on; 0: no limit */

void exit_world_setup(void);
void exit_world_teardown(void);
/* The process ends, and another one begins. */
void exit_world_restart(void);
struct view exit_world_now(void);
void exit_world_drain(void);           /* until exits have nothing to do */
void exit_world_settle(void);          /* follower and exits, until neither finds anything to do */
void exit_world_mine(unsigned blocks); /* the first one with the mempool; then settles */
/* A confirmed coin at this receiving script. */
void exit_world_fund(uint32_t index, uint64_t sat);

struct secret exit_world_key_of(uint32_t index);
void exit_world_import(const struct vtxo *v);
/* Mined, and ours: a board with so much in its anchor, and out of it so many hops, two transactions each. */
struct vtxo exit_world_make_vtxo(uint64_t amount, uint64_t fee, size_t hops);
/* Somebody paid us over Lightning, and its server is gone: to the hash of this preimage (32 bytes), with so many blocks more before
 * it is ours. */
struct vtxo exit_world_make_received(uint64_t amount, uint16_t delta, const uint8_t *preimage);
/* A unit that begins an exit, of which it can be seen what became. */
struct exit_world_order {
	struct exit_order o;
	int64_t id;
	int began; /* as exit_start() says */
};
int exit_world_start_unit(struct unit *u, void *exit_world_order, struct err *err);
/* Its exit, at five sat/vB; the number. */
int64_t exit_world_start(const struct vtxo *v);

struct exit_row exit_world_row_of(int64_t id);
/* All states that it has been in, and the one that it is in: "S Pv Pc Pa D". */
void exit_world_expect(int64_t id, const char *states);
/* The i. transaction, and its active child. */
struct exit_tx_row exit_world_tx_of(int64_t id, size_t i);
struct exit_child_row exit_world_child_of(int64_t id, size_t i);
enum vtxo_state exit_world_vtxo_state(const struct vtxo *v);
uint64_t exit_world_coins(enum utxo_state s); /* sat */
unsigned exit_world_told(const char *kind);   /* how often */
void exit_world_check_books(void);

#endif
