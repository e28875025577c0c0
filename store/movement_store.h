/* store/movement_store.h - the double-entry ledger (design.md section 8, "The ledger").
 *
 * A movement is one cause; its entries sum to zero.  Entries are made by the coin stores themselves whenever a coin
 * changes bucket, so that the ledger cannot drift from the coins; the rest of a movement goes to fees or outside.
 * account_total keeps the running sum of each account, so that a balance costs the same at any age. */
#ifndef STORE_MOVEMENT_STORE_H
#define STORE_MOVEMENT_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

/* stored: append, never renumber */
enum account {
	ACCOUNT_SPENDABLE = 1,
	ACCOUNT_LOCKED = 2,  /* held by an action */
	ACCOUNT_PENDING = 3, /* offered to us, not ours yet: counted nowhere in the total */
	ACCOUNT_SENT = 4,    /* in a token that nobody has claimed yet */
	ACCOUNT_FEES = 5,
	ACCOUNT_OUTSIDE = 6,
	ACCOUNT_INVALID = 7, /* the mint refuses it for ever */
	ACCOUNT_EXITING = 8  /* of VTXOs that are on chain, until they are claimed */
};
#define ACCOUNT_MAX  8
#define RAIL_ECASH   "ecash"
#define RAIL_ONCHAIN "onchain"
#define RAIL_ARK     "ark"
/* Of channels only what they cost: their money is the Lightning node's to count. */
#define RAIL_LIGHTNING "lightning"
const char *account_name(enum account acc);

struct movement {
	struct unit *unit_of_work;
	int64_t at_ms;
	struct action_id action;
	const char *rail; /* RAIL_… */
	const char *kind; /* "issue", "send", "send_reclaimed", "receive", "swap", "lock", "release", "reorg", … */
	int64_t mint_id;  /* of ecash; else 0 */
	struct currency unit;
	const char *note; /* label or memo, or NULL */
	bool has_txid;
	struct txid txid; /* the transaction that it is about */
	int64_t delta[ACCOUNT_MAX + 1];
};
struct movement movement_begin(struct unit *u, const struct action_id *action, const char *rail, const char *kind,
			       int64_t mint_id, struct currency unit, int64_t now_ms);
/* amount leaves `from` and arrives in `to`; from == to does nothing. */
MUST_CHECK int movement_add(struct movement *m, enum account from, enum account to, struct ecash amount,
			    struct err *err);
/* Writes it, unless every entry is zero.  ERR_RANGE: what is ours could no longer be counted (a mint that lies about
 * amounts).  ERR_INTERNAL: an account of coins would fall below zero. */
MUST_CHECK int movement_post(struct movement *m, struct err *err);

struct movement_row {
	int64_t id, at_ms;
	struct action_id action;
	const char *rail, *kind, *note;
	const char *mint_url; /* NULL on a rail without mints */
	struct currency unit;
	bool has_txid;
	struct txid txid;
	int64_t amount; /* net effect on what is ours (spendable + locked + sent + exiting), fees included; minor unit */
	int64_t fee;    /* paid in this movement */
	int64_t balance; /* what is ours in this unit after it, over all mints */
	int64_t delta[ACCOUNT_MAX + 1];
};
struct movement_query {
	const char *rail;                      /* or NULL */
	int64_t since_ms, after_id, before_id; /* 0: not limited */
	bool oldest_first, internal;           /* internal: also those that change only between our own buckets */
	unsigned limit;
};
/* Returns how many rows were given to each(), or -1.  Strings live in a. */
MUST_CHECK int movement_list(struct view v, struct arena *a, const struct movement_query *q,
			     void (*each)(void *ctx, const struct movement_row *row), void *ctx, struct err *err);

struct account_total {
	const char *rail;
	const char *mint_url; /* NULL, and mint_id 0, on a rail without mints */
	int64_t mint_id;
	struct currency unit;
	int64_t total[ACCOUNT_MAX + 1];
};
/* One per (rail, mint, unit). */
MUST_CHECK int movement_totals(struct view v, struct arena *a, struct account_total **ret, size_t *n, struct err *err);
/* The running totals equal the coin tables, account by account, and add up to zero; ERR_INTERNAL says which does not.
 * Costs as much as there are coins unspent, at any age of the ledger: for every start. */
MUST_CHECK int movement_check(struct view v, struct err *err);
/* That, and every entry ever made equals the totals and its own movement.  Costs as much as there is history (about three
 * seconds for a million movements): on demand and for backups. */
MUST_CHECK int movement_audit(struct view v, struct err *err);

#endif
