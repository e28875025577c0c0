/* rails/chain/esplora_reply.h - what an Esplora server answers to the questions of esplora_call.h.  Implements the reply side
 * of spec/exit.md 6.3.
 *
 * Each reader takes the whole reply and fails with the codes of chain.h: ERR_PEER_DOWN (no answer; .peer_code is an HTTP
 * status that is none), ERR_PEER_BUSY (throttled), ERR_PEER_AUTH, ERR_PEER_INVALID, ERR_PEER (400 and its words).  *found
 * false is 404.  On failure *ret is untouched.  What is returned lives in the arena. */
#ifndef RAILS_CHAIN_ESPLORA_REPLY_H
#define RAILS_CHAIN_ESPLORA_REPLY_H

#include "base/http_msg.h"
#include "rails/bitcoin/tx.h"
#include "rails/chain/broadcast.h"
#include "rails/chain/chain.h"
#include "rails/chain/package.h"

/* --- blocks --- */

MUST_CHECK int esplora_reply_hash(const struct net_reply *rep, bool *found, struct block_hash *ret, struct err *err);
/* .in_best_chain stays false: the server tells that elsewhere. */
MUST_CHECK int esplora_reply_header(struct arena *a, const struct net_reply *rep, const struct block_hash *asked,
				    bool *found, struct chain_header *ret, struct err *err);
MUST_CHECK int esplora_reply_header_status(struct arena *a, const struct net_reply *rep, bool *found,
					   bool *in_best_chain, struct err *err);
/* A copy of the bytes, of which nothing is checked: see block.h. */
MUST_CHECK int esplora_reply_block(struct arena *a, const struct net_reply *rep, bool *found, struct bytes *ret,
				   struct err *err);

/* --- transactions and outputs --- */

struct esplora_tx {
	struct chain_tx_status status;
	struct sat fee;
	struct weight weight;
	bool coinbase;
	struct txid *spends; /* the transactions whose outputs it spends, each as often as it does */
	size_t n_spends;
	struct tx_out *outs;
	size_t n_outs;
};
MUST_CHECK int esplora_reply_tx(struct arena *a, const struct net_reply *rep, const struct txid *asked, bool *found,
				struct esplora_tx *ret, struct err *err);
/* The bytes hash to what was asked for. */
MUST_CHECK int esplora_reply_raw_tx(struct arena *a, const struct net_reply *rep, const struct txid *asked, bool *found,
				    struct tx *ret, struct err *err);
/* CHAIN_UNSPENT also of an output that never was. */
MUST_CHECK int esplora_reply_outspend(struct arena *a, const struct net_reply *rep, struct chain_spend *ret,
				      struct err *err);

/* --- scripts --- */

MUST_CHECK int esplora_reply_script(struct arena *a, const struct net_reply *rep, struct chain_script_stats *ret,
				    struct err *err);
/* One page.  ret has ESPLORA_PAGE_MAX places. */
#define ESPLORA_PAGE_MAX 200
MUST_CHECK int esplora_reply_history(struct arena *a, const struct net_reply *rep, struct chain_seen *ret, size_t *n,
				     struct err *err);

/* --- fees and sending --- */

MUST_CHECK int esplora_reply_fees(struct arena *a, const struct net_reply *rep, struct fee_estimates *ret,
				  struct err *err);
/* A definite word of the node behind it, be it no; *words is "" when it took it. */
MUST_CHECK int esplora_reply_send(struct arena *a, const struct net_reply *rep, const struct txid *ours,
				  enum broadcast_class *ret, const char **words, struct err *err);
MUST_CHECK int esplora_reply_package(struct arena *a, const struct net_reply *rep, const struct txid *txids, size_t n,
				     struct package_result *ret, struct err *err);
/* Of the reply to a package of nothing. */
MUST_CHECK int esplora_takes_packages(const struct net_reply *rep, bool *ret, struct err *err);

#endif
