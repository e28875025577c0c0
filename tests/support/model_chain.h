/* tests/support/model_chain.h - blocks and a mempool, in arrays: the chain that tests/support/model_node.h shows. */
#ifndef TESTS_SUPPORT_MODEL_CHAIN_H
#define TESTS_SUPPORT_MODEL_CHAIN_H

#include "rails/bitcoin/tx.h"

#define MODEL_TXS      8192
#define MODEL_BLOCKS   8192
#define MODEL_IN_BLOCK 512

struct model_tx {
	struct txid txid;
	struct tx tx;
	struct bytes raw;
	bool in_mempool;
	int height; /* of the block of the chain that has it, or -1 */
};
struct model_block {
	struct block_hash hash, prev;
	uint32_t height;
	int64_t time_s;
	struct bytes raw;
	size_t txs[MODEL_IN_BLOCK];
	size_t n_txs;
};
struct model_chain {
	struct arena arena;
	struct model_tx *txs; /* in the order in which they were made */
	uint64_t *beginnings; /* of their txids, to find one by */
	size_t n_txs;
	struct model_block **blocks; /* all that ever were */
	size_t n_blocks;
	size_t *active; /* by height */
	size_t n_active;
	uint32_t salt;   /* so that no two blocks are alike */
	int64_t pause_s; /* how much later than by their height the next blocks are */
};

void model_chain_init(struct model_chain *c);
void model_chain_done(struct model_chain *c);
const struct model_block *model_tip(const struct model_chain *c);
const struct model_block *model_at(const struct model_chain *c, uint32_t height);
int64_t model_median_time(const struct model_chain *c, const struct model_block *b); /* of it and the ten below */
const struct model_block *model_block_of(const struct model_chain *c, const struct block_hash *hash); /* or NULL */
bool model_is_active(const struct model_chain *c, const struct model_block *b);
const struct model_tx *model_tx_of(const struct model_chain *c, const struct txid *txid); /* or NULL */
/* Of the chain or the mempool, or NULL. */
const struct model_tx *model_spender(const struct model_chain *c, const struct outpoint *at);
const struct tx_out *model_out(const struct model_chain *c, const struct outpoint *at); /* or NULL */

struct txid model_offer(struct model_chain *c, const struct tx *tx);
void model_evict(struct model_chain *c, const struct txid *txid); /* with what spends it */
struct block_ref model_mine(struct model_chain *c, bool full, struct bytes script);
void model_rewind(struct model_chain *c);

#endif
