/* rails/chain/bitcoind_reply.h - what bitcoind answers about itself and about blocks.  Implements the reply side of
 * spec/exit.md 6.2, with bitcoind_coins.h and package.h.
 *
 * Readers take the answer, as an error may be one ("no such block").  Besides what each names they fail with the codes of
 * chain.h: ERR_PEER_INVALID, ERR_PEER, ERR_UNSUPPORTED (the node does not know the method, or lacks an index).  On failure
 * *ret is untouched.  What is returned lives in the arena, or as long as the reply where there is none. */
#ifndef RAILS_CHAIN_BITCOIND_REPLY_H
#define RAILS_CHAIN_BITCOIND_REPLY_H

#include "rails/chain/bitcoind_answer.h"
#include "rails/chain/chain.h"

/* --- the node --- */

#define BITCOIND_EXITS_VERSION 290000u /* ephemeral dust */
struct bitcoind_network {
	uint32_t version; /* 290100 is 29.1 */
	const char *subversion;
	struct feerate relay, incremental;
	bool blocks_only; /* it asks its peers for no transactions */
};
MUST_CHECK int bitcoind_reply_network_info(const struct jsonrpc_answer *answer, struct bitcoind_network *ret,
					   struct err *err);

struct bitcoind_chain {
	const char *chain;    /* as it calls it: "main", "testnet4" */
	bool known;           /* is it a network of ours? */
	enum network network; /* when known */
	struct block_ref tip;
	uint32_t headers; /* the best height it has heard of */
	bool initial_download, pruned;
	uint32_t prune_height; /* when pruned: the first block that it still has */
};
MUST_CHECK int bitcoind_reply_chain_info(const struct jsonrpc_answer *answer, struct bitcoind_chain *ret,
					 struct err *err);

struct bitcoind_indexes {
	bool tx, filter; /* there, and caught up */
};
MUST_CHECK int bitcoind_reply_index_info(const struct jsonrpc_answer *answer, struct bitcoind_indexes *ret,
					 struct err *err);

struct bitcoind_mempool {
	bool loaded;
	uint64_t count, bytes, max_bytes; /* bytes: virtual ones; max_bytes: of memory */
	struct feerate min, min_relay, incremental;
	const char *truc_policy; /* of Knots: "accept", "enforce", "reject"; "" elsewhere */
};
MUST_CHECK int bitcoind_reply_mempool_info(const struct jsonrpc_answer *answer, struct bitcoind_mempool *ret,
					   struct err *err);

/* --- blocks --- */

MUST_CHECK int bitcoind_reply_block_count(const struct jsonrpc_answer *answer, uint32_t *ret, struct err *err);
/* *found false: the chain is shorter. */
MUST_CHECK int bitcoind_reply_block_hash(const struct jsonrpc_answer *answer, bool *found, struct block_hash *ret,
					 struct err *err);
MUST_CHECK int bitcoind_reply_header(const struct jsonrpc_answer *answer, const struct block_hash *asked, bool *found,
				     struct chain_header *ret, struct err *err);
/* The whole reply to bitcoind_ask_block() alone: up to 8 MB of hex, which is decoded without being made JSON of.  Fails as
 * bitcoind_judge() does, and with ERR_UNSUPPORTED for a block that the node has pruned, or has not yet.  Nothing about the
 * bytes is checked: see block.h. */
MUST_CHECK int bitcoind_block_bytes(struct arena *a, const struct net_reply *rep, bool *found, struct bytes *ret,
				    struct err *err);
MUST_CHECK int bitcoind_reply_new_block(const struct jsonrpc_answer *answer, struct block_ref *ret, struct err *err);
#define BITCOIND_FILTER_MAX ((size_t)2 * 1024 * 1024)
MUST_CHECK int bitcoind_reply_filter(struct arena *a, const struct jsonrpc_answer *answer, bool *found,
				     struct bytes *ret, struct err *err);

#endif
