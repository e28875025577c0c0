/* store/exit_tx_store.h - the signed transactions of exits, and the children that pay for them.  Implements the rows of
 * spec/exit.md 1.2, 1.8 and 3.1.
 *
 * Exits of one tree share their first transactions: there is one row for each, with as many references as there are exits that
 * need it.  Of its children at most one is active: the one that the network has, or that is to be sent. */
#ifndef STORE_EXIT_TX_STORE_H
#define STORE_EXIT_TX_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

/* stored: append, never renumber */
enum exit_place { EXIT_TX_UNSEEN = 1, EXIT_TX_MEMPOOL = 2, EXIT_TX_CONFIRMED = 3 };

struct exit_tx_row {
	int64_t id;
	struct txid txid;
	struct bytes raw;
	struct weight weight;
	struct outpoint spends; /* its only input */
	uint32_t anchor_vout;   /* of its fee anchor */
	struct sat anchor_value;
	enum exit_place place;
	struct block_ref block; /* when confirmed */
	int64_t checked_at_ms;  /* 0: never */
	unsigned refs;          /* exits that live and need it */
};
/* The idx-th transaction of this exit.  One that is there already gets a reference more, and its bytes must be the same:
 * ERR_INTERNAL.  The same again is fine. */
MUST_CHECK int exit_tx_store_add(struct unit *u, int64_t exit_id, uint32_t idx, const struct exit_tx_row *tx,
				 struct err *err);
/* Where it stands, as told; block only for EXIT_TX_CONFIRMED. */
MUST_CHECK int exit_tx_store_place(struct unit *u, int64_t id, enum exit_place place, const struct block_ref *block,
				   int64_t now_ms, struct err *err);
/* All of one exit, first to last. */
MUST_CHECK int exit_tx_store_of(struct view v, struct arena *a, int64_t exit_id, struct exit_tx_row **ret, size_t *n,
				struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int exit_tx_store_find(struct view v, struct arena *a, const struct txid *txid, struct exit_tx_row *ret,
				  struct err *err);
/* Those that a live exit needs and that are not in a block `deep` or lower, by id from after *id on; *id becomes the last
 * one's.  Returns how many, or -1. */
MUST_CHECK int exit_tx_store_watched(struct view v, struct arena *a, uint32_t deep, int64_t *id, unsigned limit,
				     void (*each)(void *ctx, const struct exit_tx_row *row), void *ctx,
				     struct err *err);
/* The live exits that need it. */
MUST_CHECK int exit_tx_store_exits(struct view v, struct arena *a, int64_t id, int64_t **ret, size_t *n,
				   struct err *err);
/* The largest feerate that one of these has been given; false: none has. */
MUST_CHECK int exit_tx_store_feerate(struct view v, int64_t id, bool *ret_has, struct feerate *ret, struct err *err);

/* stored: append, never renumber */
enum child_origin {
	CHILD_WALLET = 1,  /* built here */
	CHILD_MEMPOOL = 2, /* somebody else's */
	CHILD_BLOCK = 3,   /* somebody else's, mined */
	CHILD_GIVEN = 4    /* signed elsewhere, for this wallet to send */
};
enum child_status { /* stored: append, never renumber */
		    CHILD_PREPARED = 1,
		    CHILD_SENT = 2,
		    CHILD_REJECTED = 3,
		    CHILD_REPLACED = 4
};
/* What a node may have of it, whatever one says later: stored: append, never renumber */
enum child_reach {
	REACH_NONE = 0,   /* none has it */
	REACH_TRYING = 1, /* it is being given to one */
	REACH_MAYBE = 2   /* one took it, or nobody knows */
};
struct exit_child_row {
	int64_t id, tx_id;
	struct txid txid;
	struct bytes raw;
	struct weight weight;
	bool has_fee;
	struct sat fee; /* of the child and its parent */
	enum child_origin origin;
	enum child_status status;
	enum child_reach reach;
	bool active;
	bool confirmed;
	struct block_ref block; /* when confirmed */
	const char *refusal;    /* what a node said last, or NULL */
	int64_t created_at_ms;
};
/* Is it one that this wallet made, or was given to send?  A stranger's is written down, and never sent from here. */
bool exit_child_is_ours(const struct exit_child_row *child);
/* "cpfp:<id>", with the id of the exit transaction: who holds the coins that its child spends, for the transaction may
 * serve several exits. */
struct action_id exit_child_holder(int64_t tx_id);
/* A child; one that is active is so in the place of any other, which becomes REPLACED.  The same txid again: as is told now, with
 * what is new; what a node may have of it is not forgotten.
 * A stranger's is SENT as long as the network has it, and active unless one of ours is still to be counted with.  It may spend
 * the anchors of several exit transactions: then each of them has a row of it. */
MUST_CHECK int exit_child_store_add(struct unit *u, const struct exit_child_row *child, int64_t now_ms, int64_t *ret_id,
				    struct err *err);
/* Saves fee, origin, status, reach, active, confirmed, block and refusal. */
MUST_CHECK int exit_child_store_save(struct unit *u, const struct exit_child_row *child, struct err *err);
/* The active one: 1, 0, -1. */
MUST_CHECK int exit_child_store_active(struct view v, struct arena *a, int64_t tx_id, struct exit_child_row *ret,
				       struct err *err);
/* All of one transaction's, oldest first. */
MUST_CHECK int exit_child_store_list(struct view v, struct arena *a, int64_t tx_id, struct exit_child_row **ret,
				     size_t *n, struct err *err);

#endif
