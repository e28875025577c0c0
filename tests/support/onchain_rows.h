/* tests/support/onchain_rows.h - scripts, transactions and blocks for the tests of the on-chain stores: of numbers, so that
 * equal numbers are equal things.  Whatever is written must work; nothing here commits. */
#ifndef TESTS_SUPPORT_ONCHAIN_ROWS_H
#define TESTS_SUPPORT_ONCHAIN_ROWS_H

#include "store/chain_store.h"
#include "store/script_store.h"
#include "store/tx_store.h"
#include "store/utxo_store.h"

struct txid onchain_txid(unsigned n);
struct block_hash onchain_hash(unsigned n);
struct outpoint onchain_at(unsigned tx, uint32_t vout);
struct sat onchain_sat(uint64_t v);

#define ONCHAIN_FOREIGN 1000000u         /* as a script: a stranger's */
struct bytes onchain_script(unsigned n); /* the n-th of the wallet's, or a stranger's */
/* The account, and n scripts of each chain: numbers 0 to n - 1 receive, n to 2n - 1 are for change. */
void onchain_wallet(struct unit *u, unsigned n);

/* A transaction that is not told of yet; grows by what is added to it. */
#define ONCHAIN_TX_PARTS 8
struct onchain_tx {
	struct told_tx told;
	struct outpoint in[ONCHAIN_TX_PARTS];
	struct told_out out[ONCHAIN_TX_PARTS];
	uint8_t raw[8];
};
void onchain_tx(struct onchain_tx *tx, unsigned n); /* its txid is onchain_txid(n) */
void onchain_spend(struct onchain_tx *tx, unsigned from, uint32_t vout);
void onchain_pay(struct onchain_tx *tx, unsigned script, uint64_t sat);

/* The block on top of the tip (of height 100 when there is none), whose hash is onchain_hash(n); it holds nothing yet. */
struct block_ref onchain_connect(struct unit *u, unsigned n);
void onchain_disconnect(struct unit *u); /* the tip */

#endif
