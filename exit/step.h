/* exit/step.h - how an exit moves from state to state.  Implements spec/exit.md 1.4 to 1.6, with to.
 *
 * Pure: what is known of the chain goes in, what follows from it comes out.  All facts are of one moment, as the follower of
 * the chain has written them down (chain/follower.h), so that none contradicts another; what is not known yet is not
 * decided upon: the caller does not call.  Everything may be asked again, at any time. */
#ifndef EXIT_STEP_H
#define EXIT_STEP_H

#include "exit/status.h"

#define EXIT_DUST           330u /* sat: a VTXO of less cannot be put on chain */
#define EXIT_CONFLICT_FINAL 6u   /* confirmations of what spends an exit transaction's input, after which it is over */
#define EXIT_LOST_FINAL     1008u /* … of what took an exit's output from us: people are to hear of it, and blocks may go */

/* What is known of one of its transactions. */
struct exit_tx_facts {
	enum exit_place place;
	struct block_ref block; /* when confirmed */
	/* Who spends its anchor; when nobody is seen to, the child that is stored here and still to be sent. */
	struct exit_payer payer;
	bool payer_seen; /* the network has it, as far as is known */
	bool has_rival;  /* a block has something else that spends its input */
	struct txid rival;
	struct block_ref rival_block;
};

enum exit_spend { EXIT_UNSPENT = 1, EXIT_SPENT_MEMPOOL = 2, EXIT_SPENT_MINED = 3 };

struct exit_facts {
	struct block_ref tip;
	bool spent_off_chain; /* by the wallet's own record */
	struct sat amount;
	/* The condition by which the wallet will claim it; none: no key of ours, or a preimage is not known yet. */
	bool has_clause;
	uint16_t delta;    /* blocks on top of the last transaction */
	uint32_t locktime; /* a height, or 0 */
	struct txid root;  /* what the first transaction spends an output of, and */
	bool root_confirmed;
	const struct exit_tx_facts *txs; /* as its transactions, first to last */
	const struct txid *txids;
	size_t n_txs;
	enum exit_spend spend; /* of the VTXO's own output, once it is there */
	struct txid spender;
	struct block_ref spent_in; /* when mined */
	bool spent_by_us;
	/* The block of the active chain at a height that is not above the tip; false: so old that it is not kept. */
	bool (*block_at)(const void *ctx, uint32_t height, struct block_ref *ret);
	const void *ctx;
	unsigned final_confs; /* of a claim of ours, after which nobody looks at it any more; 6 */
};

/* What keeps it from going on.  Tags as in spec/exit.md 2. */
enum exit_trouble_tag {
	TROUBLE_NONE = 0,
	TROUBLE_DUST_LIMIT,
	TROUBLE_MISSING_CLAUSE,
	TROUBLE_INPUT_CONFLICT,
	TROUBLE_FUNDS,
	TROUBLE_BROADCAST,
	TROUBLE_FEE_CAP,
	TROUBLE_CHILD_TOO_LARGE,
	TROUBLE_NODE_POLICY,
	TROUBLE_FEES_UNKNOWN,
	TROUBLE_LOCKED,
	TROUBLE_INTERNAL
};
struct exit_trouble {
	enum exit_trouble_tag tag;
	struct txid txid;             /* the exit transaction that it is about */
	struct txid spender;          /* TROUBLE_INPUT_CONFLICT */
	uint32_t confirmations;       /* … of it */
	struct sat needed, available; /* TROUBLE_FUNDS, TROUBLE_DUST_LIMIT (available: the amount) */
	const char *words;            /* or NULL */
};
const char *exit_trouble_name(enum exit_trouble_tag t);
/* As it is stored and shown. */
const char *exit_trouble_text(struct arena *a, const struct exit_trouble *t);
/* Is a text that was made so, or NULL, of this kind? */
bool exit_trouble_is(const char *text, enum exit_trouble_tag tag);

struct exit_move {
	struct exit_status to; /* *from, where nothing changed */
	bool changed;          /* history gets a line */
	bool live;             /* it is to be looked after */
	struct exit_trouble trouble;
};
/* One step.  Arrays are in the arena, or those of `from`. */
void exit_step(struct arena *a, const struct exit_status *from, const struct exit_facts *facts, struct exit_move *ret);

/* What an exit in Processing needs somebody to do now; of its transactions at most one is at the front. */
enum exit_want {
	WANT_NOTHING = 0,
	WANT_CHILD = 1, /* nobody pays for it */
	WANT_SEND = 2,  /* who pays for it is stored here, and the network does not have that */
	WANT_LOOK = 3   /* it is on its way: does it pay enough? */
};
enum exit_want exit_wants(const struct exit_status *s, const struct exit_facts *facts, size_t *ret_tx);

#endif
