/* exit/gather.h - what the tables know about one exit, put together for exit_step().
 *
 * Everything is read from one view: the exit's own rows, and what the follower of the chain has seen of the outputs that the
 * exit watches (exit_watch()): what each of its transactions spends, each fee anchor, and the VTXO's own output.  So the
 * facts are of one moment and of one chain, whichever backend told of it. */
#ifndef EXIT_GATHER_H
#define EXIT_GATHER_H

#include "exit/step.h"
#include "rails/ark/exit_tx.h"
#include "store/ark_preimage_store.h"
#include "store/vtxo_store.h"

#define GATHER_ARENA (64u << 20) /* an exit, its transactions, and what was seen of them */

struct gathered {
	struct exit_row row;
	struct exit_status status;
	struct vtxo_row vtxo;
	struct ark_taproot taproot;      /* of the VTXO's output, with what follows: by gather_clause() */
	size_t leaf;                     /* by which it will be claimed: below taproot.n_leaves, or there is none */
	uint8_t preimage[PREIMAGE_SIZE]; /* when that leaf wants one and facts.has_clause */
	struct exit_tx_row *txs;
	size_t n_txs;
	/* For each of these: */
	struct exit_child_row *own;       /* the active child, if it is ours; id 0: none */
	struct exit_child_row *strangers; /* the stranger's that was seen last; id 0: none */
	struct bytes *payers;             /* the bytes of the child that was seen; n 0: none was */
	struct exit_facts facts;
};
/* Of facts all but final_confs, which is policy.  1, or 0: nothing is to be decided now, for the chain is not known to its tip; -1.  ERR_NOT_FOUND. */
MUST_CHECK int gather(struct view v, struct arena *a, int64_t exit_id, struct gathered *ret, struct err *err);

/* The condition of its claim, which takes longer than all else: gather() sees to it only where something can follow from it. */
MUST_CHECK int gather_clause(struct view v, struct arena *a, struct gathered *g, struct err *err);

/* Is the chain known, and has everything been searched that was asked for?  1, 0, -1. */
MUST_CHECK int gather_chain_is_known(struct view v, struct block_ref *ret_tip, struct err *err);
/* The VTXO with its chain of transactions. */
MUST_CHECK int gather_chain(struct view v, struct arena *a, int64_t vtxo_id, struct vtxo *ret,
			    struct exit_chain *ret_chain, struct err *err);
/* From now on the follower looks out for what an exit needs to know. */
MUST_CHECK int exit_watch(struct unit *u, int64_t exit_id, const struct exit_chain *chain, const struct outpoint *vtxo,
			  uint32_t from, int64_t now_ms, struct err *err);

#endif
