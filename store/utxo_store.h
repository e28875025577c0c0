/* store/utxo_store.h - the on-chain wallet's coins: what each is worth, whose it is, and who holds it.  Implements
 * spec/exit.md 7.4 and 7.8.
 *
 * A coin's state is worked out from where its transaction stands, from what spends it and from its holder (tx_store.h); here
 * only the holder changes.  A holder keeps his claim through everything: when the transaction that spends a held coin is
 * dropped, the coin is locked again, not free.  Every change of bucket is in the ledger, in the same unit. */
#ifndef STORE_UTXO_STORE_H
#define STORE_UTXO_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "store/movement_store.h"
#include "store/script_store.h"

/* stored: append, never renumber */
enum utxo_state {
	UTXO_SPENDABLE = 1,
	UTXO_LOCKED = 2,   /* by holder */
	UTXO_PENDING = 3,  /* of a stranger's transaction that no block has */
	UTXO_IMMATURE = 4, /* of a coinbase with less than COINBASE_MATURITY confirmations */
	UTXO_SPENT = 5,    /* by a transaction that is pending or confirmed */
	UTXO_ABSENT = 6,   /* its transaction is stored or out */
	UTXO_WAITING = 7   /* ours, of a transaction of ours that is not to be built upon before a block has it */
};
#define UTXO_STATES       7
#define COINBASE_MATURITY 100u
const char *utxo_state_name(enum utxo_state s);
/* Where it is counted: pending and immature ones as pending, locked and waiting ones as locked, the rest outside. */
enum account utxo_account(enum utxo_state s);

struct utxo_row {
	int64_t id;
	struct outpoint at;
	struct sat value;
	struct bytes script;
	enum script_chain chain;
	uint32_t index;
	const char *label; /* of its script, or NULL */
	enum utxo_state state;
	struct action_id holder; /* or empty */
	bool confirmed;
	struct block_ref block; /* when confirmed */
	bool coinbase;
	bool own;             /* made by a transaction of ours: change */
	struct txid spent_by; /* when spent */
};
/* What a row takes of an arena at most. */
#define UTXO_ROOM 512

/* Spendable → locked by holder, all of them or ERR_CONFLICT.  Posts the movement "lock". */
MUST_CHECK int utxo_store_lock(struct unit *u, const struct outpoint *at, size_t n, const struct action_id *holder,
			       int64_t now_ms, struct err *err);
/* Of these, those of holder are nobody's any more: locked ones become spendable.  Posts "release". */
MUST_CHECK int utxo_store_release_some(struct unit *u, const struct outpoint *at, size_t n,
				       const struct action_id *holder, int64_t now_ms, struct err *err);
/* All that holder holds, its scripts for change too. */
MUST_CHECK int utxo_store_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err);
/* Hand all from one holder to another (a parent to its child), scripts too. */
MUST_CHECK int utxo_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to,
				 struct err *err);

/* What coin selection needs of the spendable ones, largest first: 16 bytes each, so that a wallet may have very many.
 * confirmed: only those that a block has.  ERR_RANGE: more than the arena has room for. */
struct utxo_value {
	int64_t id;
	struct sat value;
};
MUST_CHECK int utxo_store_values(struct view v, struct arena *a, bool confirmed, struct utxo_value **ret, size_t *n,
				 struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int utxo_store_get(struct view v, struct arena *a, int64_t id, struct utxo_row *ret, struct err *err);
MUST_CHECK int utxo_store_find(struct view v, struct arena *a, const struct outpoint *at, struct utxo_row *ret,
			       struct err *err);
/* By id, whatever their state; ERR_RANGE as above. */
MUST_CHECK int utxo_store_by_holder(struct view v, struct arena *a, const struct action_id *holder,
				    struct utxo_row **ret, size_t *n, struct err *err);
struct utxo_query {
	int state;     /* enum utxo_state; 0: all but spent and absent */
	int64_t after; /* id, exclusive; 0: from the start */
	int64_t tx;    /* tx_row.id: of this transaction only; 0: of any */
	unsigned limit;
};
/* By id.  Returns how many rows were given to each(), or -1; their strings live in a. */
MUST_CHECK int utxo_store_list(struct view v, struct arena *a, const struct utxo_query *q,
			       void (*each)(void *ctx, const struct utxo_row *row), void *ctx, struct err *err);

/* Sums per state, spent and absent ones left out; and of the spendable ones, what a block has. */
struct utxo_sums {
	struct sat of[UTXO_STATES + 1];
	uint64_t n[UTXO_STATES + 1];
	struct sat confirmed;
};
MUST_CHECK int utxo_store_sums(struct view v, struct utxo_sums *ret, struct err *err);

#endif
