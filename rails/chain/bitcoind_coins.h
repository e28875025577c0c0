/* rails/chain/bitcoind_coins.h - what bitcoind answers about transactions, outputs, its mempool and fees.  Implements the
 * reply side of spec/exit.md 6.2, with bitcoind_reply.h, whose conventions hold here too. */
#ifndef RAILS_CHAIN_BITCOIND_COINS_H
#define RAILS_CHAIN_BITCOIND_COINS_H

#include "rails/bitcoin/tx.h"
#include "rails/chain/bitcoind_answer.h"
#include "rails/chain/chain.h"

/* --- transactions and outputs --- */

/* *found false: the node does not know it; without txindex that says nothing about blocks.  *in_block false: it is in the
 * mempool.  Whether that block is in the chain, its header tells. */
MUST_CHECK int bitcoind_reply_tx_place(const struct jsonrpc_answer *answer, const struct txid *asked, bool *found,
				       bool *in_block, struct block_hash *ret, struct err *err);
/* The bytes hash to what was asked for. */
MUST_CHECK int bitcoind_reply_raw_tx(struct arena *a, const struct jsonrpc_answer *answer, const struct txid *asked,
				     bool *found, struct tx *ret, struct err *err);

struct bitcoind_coin {
	struct block_hash best; /* the tip that this is told at */
	uint32_t confirmations; /* 0: in the mempool */
	struct sat value;
	struct bytes script;
	bool coinbase;
};
/* *found false: spent, or never there. */
MUST_CHECK int bitcoind_reply_coin(struct arena *a, const struct jsonrpc_answer *answer, bool *found,
				   struct bitcoind_coin *ret, struct err *err);
/* ret has n places: state CHAIN_UNSPENT (as far as the mempool goes) or CHAIN_SPENT_MEMPOOL. */
MUST_CHECK int bitcoind_reply_mempool_spends(const struct jsonrpc_answer *answer, const struct outpoint *asked,
					     size_t n, struct chain_spend *ret, struct err *err);
MUST_CHECK int bitcoind_reply_mempool_entry(struct arena *a, const struct jsonrpc_answer *answer, bool *found,
					    struct chain_mempool_entry *ret, struct err *err);
/* ERR_PEER_INVALID for more than BITCOIND_LIST_MAX: then there is nothing to be had from looking at each. */
MUST_CHECK int bitcoind_reply_mempool_txids(struct arena *a, const struct jsonrpc_answer *answer, struct txid **ret,
					    size_t *n, struct err *err);

/* --- fees --- */

/* *has false: the node has not seen enough. */
MUST_CHECK int bitcoind_reply_fee(const struct jsonrpc_answer *answer, bool *has, struct feerate *ret, struct err *err);

/* What the mempool would say to a transaction. */
struct bitcoind_test {
	struct txid txid;
	bool allowed;
	struct sat fee;     /* when allowed */
	const char *reason; /* when not: read it with broadcast.h */
};
/* ret has n places, in the order asked. */
MUST_CHECK int bitcoind_reply_test(const struct jsonrpc_answer *answer, const struct txid *asked, size_t n,
				   struct bitcoind_test *ret, struct err *err);

/* --- scans --- */

struct bitcoind_scan {
	struct block_ref tip; /* the balance is that of this moment */
	struct chain_coin *coins;
	size_t n;
};
MUST_CHECK int bitcoind_reply_scan_coins(struct arena *a, const struct jsonrpc_answer *answer,
					 struct bitcoind_scan *ret, struct err *err);

struct bitcoind_blocks {
	struct block_hash *hashes;
	size_t n;
	uint32_t from, to;
	bool completed; /* false: somebody stopped the scan */
};
MUST_CHECK int bitcoind_reply_scan_blocks(struct arena *a, const struct jsonrpc_answer *answer,
					  struct bitcoind_blocks *ret, struct err *err);

#endif
