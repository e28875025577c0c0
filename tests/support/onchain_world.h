/* tests/support/onchain_world.h - one on-chain wallet and one node, for the suites of actions/: executor, store, chain source
 * and net are the real ones; the node is tests/support/fake_bitcoind.h; blocks are told to the store as chain/ would.
 *
 * Every step runs twice (WALLETD_DOUBLE_DRIVE).  A turn wakes whatever sleeps and goes on until nothing moves.  The node takes
 * every transaction unless a test says otherwise; estimates are 10, 5 and 2 sat/vB.  Trouble with the set-up fails the test. */
#ifndef TESTS_SUPPORT_ONCHAIN_WORLD_H
#define TESTS_SUPPORT_ONCHAIN_WORLD_H

#include <check.h>

#include "actions/onchain.h"
#include "actions/executor.h"
#include "store/tx_store.h"
#include "tests/support/fake_bitcoind.h"
#include "tests/support/scratch.h"

#define OWORLD_NOW_MS        INT64_C(1700000000000)
#define OWORLD_CONFIRMATIONS 3
/* Somebody else's. */
#define OWORLD_PAYEE  "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
#define OWORLD_PAYEE2 "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"

struct oworld {
	struct scratch disk;
	struct arena arena; /* lives as long as the world */
	struct loop *loop;
	struct http *http;
	struct fake_bitcoind *node;
	struct chain_source *chain;
	struct executor *ex;
	struct keyring *keys;
	struct action_policy policy; /* read by oworld_restart(), as the next */
	bool no_fees;                /* nobody has been asked for them */
	bool refusing;               /* the node takes no transaction, from when it starts */
	uint32_t height;
	uint64_t serial; /* makes each block and each stranger's transaction another */
};

void oworld_open(struct oworld *w);
void oworld_close(struct oworld *w);
/* All but the disk (w->disk, which a suite opens itself): as a process that starts and ends.  serial: where that counts from. */
void oworld_up(struct oworld *w, uint64_t serial);
void oworld_down(struct oworld *w);
/* As if the process had been killed and started again; the node too, with all it was told to say. */
void oworld_restart(struct oworld *w);
/* The fee estimates are read anew. */
void oworld_fees(struct oworld *w);

/* Money comes in, in a block of its own, or (pending) in none; to an address that nobody had before. */
struct outpoint oworld_fund(struct oworld *w, uint64_t sat);
struct outpoint oworld_fund_pending(struct oworld *w, uint64_t sat);
/* Empty blocks; a block with this transaction of the wallet's. */
void oworld_mine(struct oworld *w, unsigned n);
void oworld_mine_tx(struct oworld *w, const struct txid *txid);
/* The n highest blocks go. */
void oworld_reorg(struct oworld *w, unsigned n);
/* A stranger's transaction that spends what this one of ours spends first: in a block. */
struct txid oworld_double_spend(struct oworld *w, const struct txid *ours);

struct action_id oworld_start(struct oworld *w, const char *params);
/* Starting must fail; returns the message. */
const char *oworld_refused(struct oworld *w, const char *params, const char *error_kind, const char *field);
json_t *oworld_plan(struct oworld *w, const char *params); /* of a dry run */
int oworld_amend(struct oworld *w, const struct action_id *id, const char *params, struct err *err);
void oworld_turn(struct oworld *w);
/* NULL when the cancel took effect, else the kind of error. */
const char *oworld_cancel(struct oworld *w, const struct action_id *id);
struct action_row oworld_row(struct oworld *w, const struct action_id *id);
const char *oworld_state(struct oworld *w, const struct action_id *id); /* "in_mempool" */
json_t *oworld_result(struct oworld *w, const struct action_id *id);
json_t *oworld_progress(struct oworld *w, const struct action_id *id);
struct txid oworld_txid(struct oworld *w, const struct action_id *id); /* the one that is to be mined */
struct tx oworld_tx(struct oworld *w, const struct txid *txid);
enum tx_place oworld_place(struct oworld *w, const struct txid *txid);

uint64_t oworld_sum(struct oworld *w, enum utxo_state s);
int64_t oworld_account(struct oworld *w, enum account acc);
/* The ledger and the coins are sound. */
void oworld_check(struct oworld *w);

#endif
