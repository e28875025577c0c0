/* store/vtxo_store.h - VTXOs: whose each is, what it is worth, and how far it is on its way to the chain.  Implements
 * spec/ark-flows.md 5.1 and the VTXO's part of spec/exit.md 1.7.
 *
 * A VTXO belongs to at most one holder; a batch is locked, moved and released all together or not at all; what is said again
 * is no mistake and changes nothing.  Every change of bucket is in the ledger (rail "ark"), in the same unit, and is an event:
 * vtxo.added, vtxo.locked, vtxo.released, vtxo.spent, vtxo.exiting, vtxo.exited; subject: its id, "txid:vout".
 *
 * spendable ⇄ locked → spent;  spendable, locked → exiting ⇄ exited;  exiting, exited → spent.
 * Exiting is on chain and ours to claim (the reference says "exited"); exited is claimed by us.  A claim that a
 * reorganisation undoes makes it exiting again.  Spent is final: who moves it there knows that no reorganisation will. */
#ifndef STORE_VTXO_STORE_H
#define STORE_VTXO_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "store/movement_store.h"

/* stored: append, never renumber */
enum vtxo_state {
	VTXO_SPENDABLE = 1,
	VTXO_LOCKED = 2, /* by holder: an action, or an exit whose transactions the network has */
	VTXO_SPENT = 3,  /* off chain; or on chain, by somebody else */
	VTXO_EXITING = 4,
	VTXO_EXITED = 5
};
#define VTXO_STATES    5
#define VTXO_LABEL_MAX 64
const char *vtxo_state_name(enum vtxo_state s);
/* Where it is counted. */
enum account vtxo_account(enum vtxo_state s);

/* A VTXO's id is struct outpoint: its own output. */
struct vtxo_row {
	int64_t id; /* of the row, for paging */
	struct outpoint point;
	struct sat amount;
	enum vtxo_state state;
	struct action_id holder; /* or empty */
	int64_t version;
	uint32_t key_index; /* m/350'/0'/index */
	struct pubkey server;
	int64_t server_lost_ms; /* 0: as far as is known it is there */
	uint8_t policy;         /* as it is encoded */
	uint32_t expiry_height;
	uint16_t exit_delta;
	uint16_t depth;            /* transactions of its exit */
	struct weight exit_weight; /* of all of them */
	struct outpoint anchor;
	bool has_anchor_block;
	struct block_ref anchor_block; /* that had the anchor when it was last looked at */
	struct bytes script;           /* of its output */
	bool standard;                 /* nodes relay its exit */
	const char *origin;            /* "import", "board", … */
	const char *label;             /* or NULL */
	int64_t created_at_ms, updated_at_ms;
	bool alarmed; /* see vtxo_store_alarm() */
};
/* What a row takes of an arena at most. */
#define VTXO_ROOM 512

/* What is known of a new one. */
struct vtxo_add {
	struct vtxo_row
		row; /* id, version, times and server_lost_ms are not looked at; state is SPENDABLE, or LOCKED by holder */
	struct bytes bare, genesis; /* vtxo_encode_bare(), vtxo_genesis_encode() */
};
/* 1 added, 0 it was there (whatever its state: nothing is changed), -1.  ERR_INTERNAL: key_index is none of ark_key_store.h; it
 * becomes used.  Posts the movement `row.origin`. */
MUST_CHECK int vtxo_store_add(struct unit *u, const struct vtxo_add *v, int64_t now_ms, int64_t *ret_id,
			      struct err *err);

/* Spendable → locked by holder, all of them or ERR_CONFLICT; one that this holder has already is fine. */
MUST_CHECK int vtxo_store_lock(struct unit *u, const struct outpoint *at, size_t n, const struct action_id *holder,
			       int64_t now_ms, struct err *err);
/* All that holder holds becomes spendable. */
MUST_CHECK int vtxo_store_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err);
/* Hand all from one holder to another. */
MUST_CHECK int vtxo_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to,
				 struct err *err);

/* Why it goes where it goes, and what becomes of its value. */
struct vtxo_move {
	enum vtxo_state to;      /* SPENT, EXITING or EXITED */
	struct action_id action; /* the action, or the exit ("exit:7"), whose doing it is; or empty */
	const char *kind;        /* of the movement: "send", "refresh", "exit", "claim", "claim_undone", "lost", … */
	struct sat fee; /* of its value, what a claim pays to miners: to EXITED, and the same on the way back */
	bool has_txid;
	struct txid txid; /* the transaction on chain that did it */
};
/* One of them; the version is not asked for, but the state must lead there (see above): ERR_CONFLICT.  Already there: 0 and
 * nothing is done.  To SPENT and EXITED its value goes outside, but for the fee; back to EXITING it returns. */
MUST_CHECK int vtxo_store_move(struct unit *u, const struct outpoint *at, const struct vtxo_move *m, int64_t now_ms,
			       struct err *err);
/* Where its anchor was found last. */
MUST_CHECK int vtxo_store_set_anchor(struct unit *u, int64_t id, const struct block_ref *block, int64_t now_ms,
				     struct err *err);
MUST_CHECK int vtxo_store_set_label(struct unit *u, int64_t id, const char *label, struct err *err);
/* Hardly enough blocks are left for its exit before its server may take it: event exit.deadline, once in its life. */
MUST_CHECK int vtxo_store_alarm(struct unit *u, int64_t id, struct err *err);

/* 1 found, 0 not, -1. */
MUST_CHECK int vtxo_store_find(struct view v, struct arena *a, const struct outpoint *at, struct vtxo_row *ret,
			       struct err *err);
MUST_CHECK int vtxo_store_get(struct view v, struct arena *a, int64_t id, struct vtxo_row *ret, struct err *err);
/* For vtxo_join().  ERR_NOT_FOUND; ERR_RANGE when the arena has no room. */
MUST_CHECK int vtxo_store_bytes(struct view v, struct arena *a, int64_t id, struct bytes *ret_bare,
				struct bytes *ret_genesis, struct err *err);
struct vtxo_query {
	int state;     /* enum vtxo_state; 0: all but spent and exited; -1: all */
	int64_t after; /* id, exclusive; 0: from the start */
	unsigned limit;
};
/* By id.  Returns how many rows were given to each(), or -1; their strings live in a.  Ends early where the arena is full. */
MUST_CHECK int vtxo_store_list(struct view v, struct arena *a, const struct vtxo_query *q,
			       void (*each)(void *ctx, const struct vtxo_row *row), void *ctx, struct err *err);
/* Spendable and locked ones that expire up to this height, soonest first: for the watch over them. */
MUST_CHECK int vtxo_store_expiring(struct view v, struct arena *a, uint32_t height, unsigned limit,
				   void (*each)(void *ctx, const struct vtxo_row *row), void *ctx, struct err *err);

struct vtxo_sums {
	struct sat of[VTXO_STATES + 1];
	uint64_t n[VTXO_STATES + 1]; /* of spent and exited ones neither */
};
MUST_CHECK int vtxo_store_sums(struct view v, struct vtxo_sums *ret, struct err *err);

#endif
