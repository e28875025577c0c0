/* rails/chain/block.h - a block as a node sends it: checked once against the hash that was asked for, then walked through
 * transaction by transaction, without a copy of anything.
 *
 * block_read() proves that the bytes are the block: its header hashes to what was asked, and its transactions to the
 * header's merkle root, in the only way that they can (CVE-2012-2459).  So whoever knows a hash from a chain of headers
 * cannot be told of a transaction that is not in that block, nor be kept from one that is.  Signatures and proof of work are
 * not looked at, and witnesses are skipped over: they are not under the root.
 *
 * A scan looks at what each input spends and at each output's script, and decodes (tx_decode) only what it has an interest
 * in. */
#ifndef RAILS_CHAIN_BLOCK_H
#define RAILS_CHAIN_BLOCK_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/reader.h"

#define BLOCK_SIZE_MAX 4000000u
/* The least of a block that one transaction takes: 65 bytes without witness is what nodes relay, consensus wants 60. */
#define BLOCK_TX_MIN 60u
/* An arena of this limit has room for what block_read() makes of n bytes. */
#define BLOCK_ARENA_FOR(n) ((n) / BLOCK_TX_MIN * 64 + 4096)

struct block {
	struct block_hash hash, prev;
	int64_t time_s;
	size_t n_txs;
	/* The rest is block.c's. */
	struct bytes raw;
	size_t *starts;     /* n_txs + 1: where each transaction begins, and where the last one ends */
	struct txid *txids; /* n_txs */
};

/* raw is borrowed, for as long as the block is used.  ERR_PEER_INVALID: not a block, another one, or not all of it. */
MUST_CHECK int block_read(struct arena *a, struct bytes raw, const struct block_hash *asked, struct block *ret,
			  struct err *err);

/* One transaction of it, being walked through: all inputs first, then all outputs, each once. */
struct block_tx {
	struct txid txid;
	struct bytes raw; /* for tx_decode() */
	size_t index;     /* in the block; 0 is the coinbase */
	size_t n_in, n_out;
	/* The rest is block.c's. */
	struct reader r;
	size_t in_left, out_left;
};
/* i < n_txs. */
void block_tx(const struct block *b, size_t i, struct block_tx *ret);
/* What the next input spends; of a coinbase, an outpoint that does not exist. */
MUST_CHECK bool block_tx_next_in(struct block_tx *tx, struct outpoint *ret);
/* The next output; inputs that were not asked for are skipped.  script is a view of the block. */
struct block_out {
	uint32_t vout;
	struct sat value;
	struct bytes script;
};
MUST_CHECK bool block_tx_next_out(struct block_tx *tx, struct block_out *ret);

#endif
