/* exit/status.h - where an exit stands: as a value, and as the JSON that is stored and shown.  Implements spec/exit.md 1.3.
 *
 * Tags and field names are the reference's, so that what is exported compares equal; fields that are ours come beside them.
 * Pure.  Errors of reading: ERR_PARSE, ERR_RANGE; a state that nobody knows is refused. */
#ifndef EXIT_STATUS_H
#define EXIT_STATUS_H

#include "base/json.h"
#include "store/exit_store.h"
#include "store/exit_tx_store.h"

#define EXIT_TXS_MAX 4096u /* transactions of one exit */

/* How far one of its transactions is.  Here only: stored are the names. */
enum exit_part {
	PART_VERIFY_INPUTS = 1,      /* nothing is known yet */
	PART_AWAITING_INPUTS = 2,    /* what it spends is not in a block: it cannot be broadcast */
	PART_AWAITING_CPFP = 3,      /* it could be, but nobody pays for it */
	PART_AWAITING_CONFIRMED = 4, /* a child is there: sent, or to be sent (again) */
	PART_CONFIRMED = 5
};
const char *exit_part_name(enum exit_part p);
const char *child_origin_name(enum child_origin o);

/* Who pays for it.  exists false: a block has the transaction alone (spec/exit.md ). */
struct exit_payer {
	bool exists;
	struct txid txid;
	enum child_origin origin;
	bool confirmed;
	struct block_ref block; /* when confirmed */
};

struct exit_tx_status {
	struct txid txid;
	enum exit_part part;
	struct txid waits_for;   /* PART_AWAITING_INPUTS */
	struct exit_payer payer; /* PART_AWAITING_CONFIRMED and PART_CONFIRMED */
	struct block_ref block;  /* PART_CONFIRMED */
};

struct exit_status {
	enum exit_state state;
	uint32_t tip_height;        /* when this state was entered */
	struct exit_tx_status *txs; /* EXIT_PROCESSING: first to last */
	size_t n_txs;
	/* From EXIT_AWAITING_DELTA to EXIT_CLAIMED: the block that has the last of them. */
	struct block_ref confirmed;
	uint32_t claimable_height; /* EXIT_AWAITING_DELTA */
	bool waits_for_cltv;       /* … because of an absolute timelock, not of the delta */
	struct block_ref since;    /* EXIT_CLAIMABLE and EXIT_CLAIM_IN_PROGRESS: the block at that height */
	struct txid spender;       /* EXIT_CLAIM_IN_PROGRESS and EXIT_CLAIMED */
	struct block_ref spent_in; /* EXIT_CLAIMED */
	bool spent_by_us;          /* EXIT_CLAIMED: by a claim of ours, or to a script of ours */
	bool conflict;             /* EXIT_ALREADY_SPENT: on chain, by what spends an input of its transactions */
};

/* The same, but for when: history has a line for each difference. */
bool exit_status_equal(const struct exit_status *a, const struct exit_status *b);
/* Arena-owned. */
json_t *exit_status_json(struct arena *a, const struct exit_status *s);
const char *exit_status_text(struct arena *a, const struct exit_status *s);
MUST_CHECK int exit_status_parse(struct arena *a, const char *text, struct exit_status *ret, struct err *err);

/* Is it on chain and not ours to spend off chain any more? */
bool exit_is_exited(enum exit_state s);
/* May it be given up, as far as its own state says? (spec/exit.md 1.3) */
bool exit_is_cancellable(const struct exit_status *s);
/* The height from which it can be claimed; false: not known yet. */
MUST_CHECK bool exit_claimable_height(const struct exit_status *s, uint32_t *ret);
/* How many of its transactions have been given to the network, and how many a block has. */
void exit_status_count(const struct exit_status *s, unsigned *ret_broadcast, unsigned *ret_confirmed);

#endif
