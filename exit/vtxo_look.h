/* exit/vtxo_look.h - is a VTXO what it says, and what does the chain say of it?  Implements spec/ark-primitives.md 10.1 and the
 * checks of 10.2 that need no server.
 *
 * A look asks for the tip, for the output that the VTXO is anchored to, and for the transaction that has it; then it verifies
 * every amount and every signature down to the VTXO.  Nothing is written and nothing is sent.  Errors of a verdict:
 *   ERR_VTXO_EXPIRED      the server may sweep what it stands on already
 *   ERR_VTXO_NO_ANCHOR    no block has its anchor, as far as the node can tell (another network's, above all)
 *   ERR_VTXO_UNCONFIRMED  only a mempool has it
 *   ERR_VTXO_SPENT        its anchor is spent, and not by its own exit
 *   those of rails/ark/validate.h, and those of the chain source: then nothing is known, and it can be asked again. */
#ifndef EXIT_VTXO_LOOK_H
#define EXIT_VTXO_LOOK_H

#include "chain/source.h"
#include "rails/ark/vtxo.h"

struct vtxo_look;

struct vtxo_verdict {
	struct err err; /* ERR_NONE: it is valid, and the rest is set */
	struct block_ref tip;
	struct block_ref anchor_block;
	bool under_way;     /* a mempool or a block has the first transaction of its exit */
	struct err warning; /* ERR_NONE, or why nodes would not relay its exit: ERR_VTXO_DUST, ERR_VTXO_SCRIPT */
};
/* done runs exactly once, not from inside of vtxo_look_new(); the look is gone when it returns. */
struct vtxo_look_then {
	void (*done)(void *ctx, const struct vtxo_verdict *verdict);
	void *ctx;
};
/* v must outlive the look, with all that it points to. */
struct vtxo_look *vtxo_look_new(struct chain_source *chain, const struct vtxo *v, struct vtxo_look_then then);
/* done will not run.  NULL is fine. */
void vtxo_look_cancel(struct vtxo_look *look);

#endif
