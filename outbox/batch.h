/* outbox/batch.h - some directives of one space on their way into one transaction: claimed, signed, checked, tried without
 * cost, written ahead, sent (spec/outbox.md 3).  For the files batch*.c alone; the others start and stop it (internal.h).
 *
 * A stage makes at most one exchange.  What it decides of an item is its fate, and is written in one unit before the next
 * stage begins.  Memory holds the batch; whenever it is lost, the claims end and the directives are worked on again, with
 * the same nonces and the same signatures. */
#ifndef OUTBOX_BATCH_H
#define OUTBOX_BATCH_H

#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "outbox/signer.h"

/* What is decided of an item: written by the next unit. */
enum fate {
	FATE_STAYS = 0,
	FATE_GIVE_BACK,   /* T4 */
	FATE_DEAD_LETTER, /* T6 */
	FATE_FAIL,        /* T7 */
	FATE_ASK_CHAIN,   /* its nonce is used: by whom decides (T8, T9) */
	FATE_MANUAL       /* T8 without a search */
};

struct item {
	struct directive_row row;
	struct signed_directive signed_one;
	struct hash32 digest;
	enum fate fate;
	const char *reason, *error;
	enum attempt_result how;
};

/* A unit of a batch, and what follows. */
struct batch;
struct batch_work {
	const char *failure; /* what its failure is called in the log */
	int (*run)(struct unit *u, void *ctx, struct err *err);
	void (*done)(struct batch *b);                           /* it is durable */
	void (*refused)(struct batch *b, const struct err *err); /* and not by the store: nothing was done */
	void (*again)(struct batch *b);                          /* a second after the store refused it */
};

struct batch {
	struct outbox *ob;
	struct lane *lane;
	struct space *space;
	struct arena arena;   /* rows and words */
	struct arena round;   /* of one question and its answer */
	struct arena writing; /* of one unit */
	struct item *items;   /* by seq */
	struct item *before;  /* as they were before the unit */
	size_t n, signed_n;
	int64_t deadline_us;
	struct endpoints_asked *ask;
	const struct batch_work *work;
	struct timer *again;
	bool stopping, unit_waits;
	struct moves moves;
	void (*next)(struct batch *b); /* after the fates are written */

	/* Of the dry run: in round, as calldata is. */
	struct evm_fees fees;
	uint64_t gas_limit;
	struct bytes calldata;
	struct slot_row slot;
};

/* Stages, in their order.  Each ends in the next, or in batch_end(). */
void batch_check_nonces(struct batch *b); /* are they unused? */
void batch_dry_run(struct batch *b);      /* what would the contract do, and what would it cost? */
void batch_write_ahead(struct batch *b);  /* into a slot */

/* Runs it.  What a unit that fails did to the items in memory is undone. */
void batch_unit(struct batch *b, const struct batch_work *work);

void item_fate(struct item *it, enum fate fate, const char *reason, const char *error);
void item_fails(struct item *it, enum attempt_result how, const char *error);
/* Write what was decided, then go on with those that stay, if any. */
void batch_settle_then(struct batch *b, void (*next)(struct batch *b));
/* All that are left, and end. */
void batch_give_back(struct batch *b);
/* It may not cost that: fewer at once, or the lane waits.  err: ERR_BUDGET. */
void batch_over_budget(struct batch *b, const struct err *err);
void batch_end(struct batch *b);
/* Has this attempt run out of its time?  Then it ends, whatever the directive's own expiry says. */
MUST_CHECK bool batch_too_late(struct batch *b);
bool batch_any_leaves(const struct batch *b);

#endif
