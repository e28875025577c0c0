/* tests/support/model_node.h - a small block chain, with a mempool, and a node that shows it: as bitcoind does (JSON-RPC), or
 * as an Esplora server does.  In the loop of the test, over tests/support/http_peer.h.
 *
 * Blocks and transactions are real bytes: they hash to their names.  No script is run, and nobody works for a block.  A new
 * one has the first block of regtest; block h is mined at its time + 600 h, pauses apart. */
#ifndef TESTS_SUPPORT_MODEL_NODE_H
#define TESTS_SUPPORT_MODEL_NODE_H

#include "base/net/loop.h"
#include "chain/source.h"
#include "tests/support/http_peer.h"

#define MODEL_GENESIS_TIME 1296688602

struct model_node;

struct model_node *model_node_new(struct loop *loop, enum chain_kind kind);
void model_node_free(struct model_node *n);
const char *model_node_url(struct model_node *n);

/* --- its world --- */

/* The mempool takes it, and what spends the same outputs goes, with all that spends it.  Returns its txid. */
struct txid model_node_offer(struct model_node *n, const struct tx *tx);
void model_node_evict(struct model_node *n, const struct txid *txid);
bool model_node_has(const struct model_node *n, const struct txid *txid); /* in the mempool */
bool model_node_mined(const struct model_node *n, const struct txid *txid, struct block_ref *ret);
/* A block of the whole mempool, or an empty one; its coinbase pays 50 BTC to script, or to nobody. */
struct block_ref model_node_mine(struct model_node *n, bool full, struct bytes script);
void model_node_mine_empty(struct model_node *n, unsigned blocks);
/* Nobody mines for so long: the next blocks are as much later. */
void model_node_pause(struct model_node *n, int64_t seconds);
/* The last blocks are no longer in the chain; what they held is in the mempool again, where it still can be. */
void model_node_rewind(struct model_node *n, unsigned blocks);
uint32_t model_node_height(const struct model_node *n);
void model_node_ref(const struct model_node *n, uint32_t height, struct block_ref *ret);

/* What spends this output, in the chain or the mempool. */
bool model_node_spender(const struct model_node *n, const struct outpoint *at, struct txid *ret);
/* Every transaction that ever was. */
void model_node_each(const struct model_node *n, void (*each)(void *ctx, const struct tx *tx, const struct txid *txid),
		     void *ctx);
/* From now on it shows the same chain in the other way. */
void model_node_speak(struct model_node *n, enum chain_kind kind);

/* --- its faults --- */

void model_node_down(struct model_node *n, bool down);       /* 503 to everything */
void model_node_prune(struct model_node *n, uint32_t below); /* has no blocks below this height */
void model_node_filters(struct model_node *n, bool filters); /* of block filters: false at first */
void model_node_refuse(struct model_node *n, bool refuse);   /* takes no transactions from us */
void model_node_mute(struct model_node *n, bool mute);       /* takes them, and its answer is lost */
/* How often a method was asked, or a path that begins like this. */
unsigned model_node_asked(const struct model_node *n, const char *method);
/* fn is called before each question is answered. */
void model_node_watch(struct model_node *n, void (*fn)(void *ctx, const char *method), void *ctx);

#endif
