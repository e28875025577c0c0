/* store/chain_store.h - the chain as it is followed: its latest blocks, one after the other, and how far the wallet's search
 * has come.  Implements the records of spec/exit.md 6.5.
 *
 * The table is a chain: each block's prev is the hash of the one below it.  The highest is the tip, the only one that can be
 * followed or taken away; with it goes everything it confirmed (tx_store.h, watch_store.h), in the same unit. */
#ifndef STORE_CHAIN_STORE_H
#define STORE_CHAIN_STORE_H

#include "base/ids.h"
#include "store/view.h"

#define CHAIN_BLOCKS_KEPT 2016u

struct block_row {
	struct block_ref ref;
	struct block_hash prev;
	int64_t time_s;
};
/* 1 found, 0 none, -1. */
MUST_CHECK int chain_store_tip(struct view v, struct block_row *ret, struct err *err);
MUST_CHECK int chain_store_block(struct view v, uint32_t height, struct block_row *ret, struct err *err);
MUST_CHECK int chain_store_block_by_hash(struct view v, const struct block_hash *hash, struct block_row *ret,
					 struct err *err);
/* It follows the tip, or the table is empty: else ERR_CONFLICT.  Coinbase outputs that it matures become spendable; blocks
 * more than CHAIN_BLOCKS_KEPT below are forgotten.  What it holds is told with tx_store_confirm() in the same unit. */
MUST_CHECK int chain_store_connect(struct unit *u, const struct block_row *block, int64_t now_ms, struct err *err);
/* The tip goes; ERR_CONFLICT when it is another. */
MUST_CHECK int chain_store_disconnect(struct unit *u, const struct block_ref *tip, int64_t now_ms, struct err *err);
/* The chain is another one, down to below `lowest`, the last block that was kept: forgets every block, every confirmation and
 * how far any search has come.  How far below the chains part nobody knows: what is watched may be anywhere in
 * CHAIN_BLOCKS_KEPT blocks below. */
MUST_CHECK int chain_store_reset(struct unit *u, uint32_t lowest, int64_t now_ms, struct err *err);

/* --- the wallet's search --- */

/* stored: append, never renumber */
enum sync_backend { SYNC_BITCOIND = 1, SYNC_ESPLORA = 2 };

struct sync_row {
	enum sync_backend backend;
	bool begun;
	struct block_ref done; /* when begun: all that this kind of backend can tell up to this block is recorded */
	uint32_t history_from; /* transactions that were over before this height are not known */
	bool scans;            /* blocks below `done` are to be searched again, for what was added since */
	uint32_t scan_next, scan_to; /* both included */
	int64_t updated_at_ms;
};
/* 1 found, 0 not begun, -1. */
MUST_CHECK int sync_store_get(struct view v, enum sync_backend backend, struct sync_row *ret, struct err *err);
MUST_CHECK int sync_store_put(struct unit *u, const struct sync_row *row, int64_t now_ms, struct err *err);
/* Blocks from this height on, up to `done`, are to be searched (again): widens what is to be searched already.  Nothing
 * happens where the search has not begun: it will come by. */
MUST_CHECK int sync_store_scan_from(struct unit *u, enum sync_backend backend, uint32_t height, int64_t now_ms,
				    struct err *err);
/* For chain_store_reset() alone. */
MUST_CHECK int sync_store_forget(struct unit *u, struct err *err);

#endif
