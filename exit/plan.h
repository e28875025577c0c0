/* exit/plan.h - what it takes to put VTXOs on chain: fees, coins, blocks, and until when.  Implements spec/exit.md 1.7
 * ("Deadline"), 5 and.
 *
 * Reads the tables alone, and what the caller has asked of the chain (plan_look.h).  A transaction of an exit that a block has, or
 * for which a child is on its way, costs nothing more; others count as not sent yet, so that a plan is never too cheap. */
#ifndef EXIT_PLAN_H
#define EXIT_PLAN_H

#include "base/json.h"
#include "exit/estimate.h"
#include "store/vtxo_store.h"

#define PLAN_VTXOS_MAX      1000u
#define PLAN_TXS_MAX        100000u
#define EXIT_MARGIN_DEFAULT 12u /* blocks */

/* Its exit must begin before this height, or its server may be faster: expiry, less a block for each transaction, less the
 * margin.  May be below zero. */
int64_t exit_deadline(const struct vtxo_row *row, uint32_t margin);

struct plan_order {
	struct view view;
	const struct outpoint *vtxos; /* n of them; none: all that are spendable, locked or exiting */
	size_t n;
	struct feerate rate, claim_rate;
	struct feerate limit; /* the most that is ever paid */
	struct sat surcharge; /* what the node wants beside, for each package */
	uint32_t margin;
	const struct txid *mined; /* n_mined of them, sorted: a block has these, whoever put them there */
	size_t n_mined;
};

struct planned_vtxo {
	struct vtxo_row row;
	struct sat exit_fee; /* of what its transactions cost, its part: shared ones are split */
	struct sat claim_fee;
	bool dust;       /* below what can be on chain alone */
	bool claimable;  /* a key of the user's opens it */
	bool economical; /* it is worth more than both, and what is left is no dust */
};

struct exit_plan {
	uint32_t tip;
	struct feerate rate, claim_rate;
	struct planned_vtxo *vtxos;
	size_t n;
	struct sat amount;      /* of all of them */
	size_t txs;             /* to be paid for */
	size_t width;           /* of these, how many can be on their way at once */
	uint32_t depth;         /* at least so many blocks until the last one is in the chain */
	uint32_t delta;         /* and so many until it can be claimed */
	struct sat package;     /* the dearest one */
	struct estimate now;    /* at .rate */
	struct estimate twice;  /* at twice as much */
	struct estimate thrice; /* the worst that is to be expected */
	struct sat claim_fee;   /* of one claim of all of them */
	struct sat available;   /* confirmed coins that nobody holds */
	size_t coins;
};
/* Lives in a.  ERR_NOT_FOUND, ERR_VTXO_SPENT (spent or claimed already) and ERR_RANGE (more than PLAN_VTXOS_MAX), field
 * vtxo_ids; ERR_RANGE: fees beyond all money. */
MUST_CHECK int exit_plan_make(struct arena *a, const struct plan_order *o, struct exit_plan *ret, struct err *err);
/* The transactions that a plan is about, each once, by txid; fails as that does. */
struct plan_tx {
	struct txid txid;
	struct outpoint spends; /* its only input */
	uint32_t n_out;
};
MUST_CHECK int exit_plan_txs(struct arena *a, const struct plan_order *o, struct plan_tx **ret, size_t *n,
			     struct err *err);
/* At least so many blocks until all is claimed: coins that do not suffice for all packages at once make it longer. */
uint32_t exit_plan_blocks(const struct exit_plan *p);
/* What should be added to the on-chain wallet, with a fifth to spare; nothing when the coins do. */
struct sat exit_plan_deposit(const struct exit_plan *p);
json_t *exit_plan_json(struct arena *a, const struct exit_plan *p, uint32_t margin);

#endif
