/* exit/child.h - the transaction that pays for an exit transaction: what it spends, and how much it must pay.  Implements
 * spec/exit.md 3.4 and 3.6.
 *
 * A child is of version 3, spends the anchor and at most CHILD_COINS_MAX taproot coins that a block has, and pays all that it
 * does not pay for both to one script of ours.  Its weight is known before it is signed, so one pass finds the fee.  Pure. */
#ifndef EXIT_CHILD_H
#define EXIT_CHILD_H

#include "exit/step.h"
#include "rails/bitcoin/tx.h"

#define CHILD_COINS_MAX 15u /* more do not fit BIP431's 1,000 vB */

/* The child that it is to replace: what BIP125 makes of it, with the parent left in place. */
struct child_replaced {
	struct sat fee; /* all that it pays: its parent pays nothing */
	struct weight weight;
	struct feerate incremental;
};

struct child_order {
	struct outpoint anchor;
	struct sat anchor_value;
	struct weight parent;
	struct bytes change_script;
	struct feerate rate;                   /* for both together */
	struct feerate limit;                  /* the most that may be paid for both together */
	struct sat surcharge;                  /* what the node wants beside, for each package */
	const struct child_replaced *replaces; /* or NULL */
	/* Coins that it may spend, the largest first; of them the first n_kept are what the replaced one spends, and are
	 * spent again, whatever their order. */
	const struct sat *coins;
	size_t n_coins, n_kept;
};

struct child_plan {
	size_t coins[CHILD_COINS_MAX]; /* places in order->coins */
	size_t n;
	struct sat fee, change;
	struct weight weight; /* as signed */
};

/* TROUBLE_NONE, or with ret_trouble's fields filled: TROUBLE_FUNDS (needed: one coin that would do), TROUBLE_CHILD_TOO_LARGE,
 * TROUBLE_FEE_CAP. */
enum exit_trouble_tag child_plan(const struct child_order *o, struct child_plan *ret, struct exit_trouble *ret_trouble);
/* Signed, with this many coins. */
struct weight child_weight(size_t n_coins, struct bytes change_script);
/* What a child of this weight must pay; false: more than all money. */
MUST_CHECK bool child_fee(const struct child_order *o, struct weight child, struct sat *ret);
/* The transaction, without signatures.  coins: what it spends, in the plan's order.  *ret_spent: for signing, one for each of
 * its inputs, the anchor first. */
void child_tx(struct arena *a, const struct child_order *o, const struct child_plan *p, const struct outpoint *at,
	      const struct tx_out *coins, struct tx *ret, struct tx_out **ret_spent);

/* --- when to replace one (3.6, [X-19]) --- */

struct bump_facts {
	struct feerate now;  /* what the package pays */
	struct feerate fast; /* what the network wants */
	bool has_override;
	struct feerate override;
	uint32_t blocks;    /* mined since the child was made */
	uint32_t after;     /* exit_bump_after_blocks */
	bool ours;          /* a child of ours; a stranger's is left alone while it is enough */
	bool deadline_near; /* the exit has no blocks left to lose */
	struct feerate limit;
};
/* The rate to go to; false: leave it. */
MUST_CHECK bool bump_wanted(const struct bump_facts *f, struct feerate *ret);

#endif
