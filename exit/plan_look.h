/* exit/plan_look.h - which transactions of exits has a block already, whoever put them there?  For spec/exit.md 5, 2.
 *
 * Of those that an exit of this wallet follows the tables know.  Of others a node is asked: first what spends the outputs that
 * they stand on, many at a time, and of what is spent whether it is by them; then the same of what comes after those that a
 * block has.  So a tree that nobody has begun costs one question, however many VTXOs stand on it.  Nothing is written. */
#ifndef EXIT_PLAN_LOOK_H
#define EXIT_PLAN_LOOK_H

#include "chain/source.h"
#include "exit/plan.h"

struct plan_look;

/* done runs exactly once, not from inside of plan_look_new(); the look is gone when it returns, and mined with it.  mined: n of
 * them, sorted.  err: ERR_NONE, or what the node did not answer; what it had said until then is there. */
struct plan_look_then {
	void (*done)(void *ctx, const struct txid *mined, size_t n, const struct err *err);
	void *ctx;
};
/* Of the VTXOs that the order names.  1 and *ret: it has begun; 0: there is nothing to be asked; -1: as exit_plan_txs(). */
MUST_CHECK int plan_look_new(struct chain_source *chain, const struct plan_order *o, struct plan_look_then then,
			     struct plan_look **ret, struct err *err);
/* done will not run.  NULL is fine. */
void plan_look_cancel(struct plan_look *l);

#endif
