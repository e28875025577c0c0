/* rails/ark/exit_tx.h - the transactions that put a VTXO on chain, first to last.  Implements spec/ark-primitives.md §11.
 *
 * Each is of version 3, spends one output, pays no fee, and has a fee anchor (P2A) as its last output: a child must pay for
 * it.  txids do not depend on witnesses, so that an unsigned chain already has the ids of the signed one. */
#ifndef RAILS_ARK_EXIT_TX_H
#define RAILS_ARK_EXIT_TX_H

#include "rails/ark/vtxo.h"

struct exit_tx {
	struct tx tx;              /* with its witness, when everything that needs is there */
	struct tx_out spent;       /* the output that its one input spends */
	struct genesis_spent from; /* how it does */
	struct txid txid;
	struct outpoint next; /* the output that continues the chain */
};
struct exit_chain {
	struct exit_tx *txs; /* as many as the VTXO has steps */
	size_t n;
	struct tx_out anchor; /* what the anchor must be on chain */
	struct tx_out own;    /* the VTXO's own output, at the end */
};

/* Bytes of arena that the exit of this VTXO takes at most: for ARENA_LIMIT(). */
size_t exit_chain_room(const struct vtxo *v);
/* Arena-owned, but scripts and signatures may be views of v.  Does not verify anything and does not compare the last outpoint
 * with v->point: rails/ark/validate.h does.  ERR_VTXO_INVALID: sums overflow; ERR_CRYPTO: no keys;
 * ERR_RANGE: the arena has less than exit_chain_room(). */
MUST_CHECK int exit_chain_make(struct arena *a, const struct vtxo *v, struct exit_chain *ret, struct err *err);
/* The same, asking a memo first (NULL for none). */
MUST_CHECK int exit_chain_make_by(struct arena *a, struct ark_memo *memo, const struct vtxo *v, struct exit_chain *ret,
				  struct err *err);
/* What the step's signature signs; it verifies under e->from.key. */
MUST_CHECK int exit_tx_sighash(const struct exit_tx *e, struct hash32 *ret, struct err *err);

/* The one-input transaction of this room: version 3, locktime 0, sequence 0, outs and then a fee anchor of `fee`. */
void ark_tx_make(struct arena *a, const struct outpoint *spends, const struct tx_out *outs, size_t n, struct sat fee,
		 struct tx *ret);
/* BIP341 sighash of a transaction's only input, by the key path, or by the leaf when leaf is not NULL. */
MUST_CHECK int ark_tx_sighash(const struct tx *tx, const struct tx_out *spent, const struct hash32 *leaf,
			      struct hash32 *ret, struct err *err);

#endif
