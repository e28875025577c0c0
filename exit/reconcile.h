/* exit/reconcile.h - what an exit's new state means for everything else: the VTXO and its ledger, claims, and the children that
 * paid.  Implements spec/exit.md 1.7 (reconcile) and 3.3.  In the unit of the step; again is harmless. */
#ifndef EXIT_RECONCILE_H
#define EXIT_RECONCILE_H

#include "exit/gather.h"

/* g->status is what it was; now: what it is. */
MUST_CHECK int reconcile(struct unit *u, struct arena *a, const struct gathered *g, const struct exit_status *now,
			 int64_t now_ms, struct err *err);
/* Children that have lost to somebody else's, or that a block has.  1: one that the facts still count on is given up, so that
 * they are to be gathered again; 0, -1. */
MUST_CHECK int reconcile_children(struct unit *u, struct arena *a, struct gathered *g, int64_t now_ms, struct err *err);
/* The exit is over: nobody watches for it, and what no other exit needs is free.  After its row was saved. */
MUST_CHECK int reconcile_end(struct unit *u, struct arena *a, int64_t exit_id, int64_t now_ms, struct err *err);

#endif
