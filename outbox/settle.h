/* outbox/settle.h - directives whose outcome only the chain's own evidence can tell (spec/outbox.md 3.2, 5.5, 5.8).
 *
 * Each starts a search and writes what follows from it in one unit, fenced by the row's version.  Where the chain cannot be
 * asked nothing is decided.  A directive for which a search runs already is left to it. */
#ifndef OUTBOX_SETTLE_H
#define OUTBOX_SETTLE_H

#include "outbox/internal.h"

/* Its nonce is used before it was sent: by ourselves (T9), or not (T8). */
void settle_claimed(struct outbox *ob, const struct directive_row *row);

/* The outbox stops: those that are claimed are given back. */
void settle_stop(struct outbox *ob);

struct judgement {
	bool lost;       /* the slot's nonce is somebody else's */
	bool out_of_gas; /* the transaction used all of its gas */
	int code;        /* enum verifier_outcome as the contract's log told it, or -1 */
};
/* Its slot is final, and it had no effect there: T14 to T17, T23. */
void settle_submitted(struct lane *l, const struct slot_row *slot, const struct directive_row *row,
		      const struct judgement *j);
/* Looks again at those in manual reconciliation whose evidence could not be read (T19). */
void settle_rechecks(struct outbox *ob);

#endif
