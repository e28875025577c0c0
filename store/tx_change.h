/* store/tx_change.h - one change of where a transaction of the wallet's stands: the row, its event, who wins and who goes out
 * with it.  For tx_store.c and tx_block.c alone; what follows for coins and the ledger is tx_settle.h's. */
#ifndef STORE_TX_CHANGE_H
#define STORE_TX_CHANGE_H

#include "store/stmt.h"
#include "store/tx_settle.h"

/* A transaction, as far as writers need it. */
struct tx_known {
	int64_t id;
	struct txid txid;
	enum tx_place place;
	struct block_ref block;
	uint32_t pos;
	bool coinbase;
	const char *kind, *label;
	struct action_id action;
};
#define TX_KNOWN_ROOM 2048 /* of an arena, at most */

void tx_known_read(struct arena *a, struct stmt *q, struct tx_known *ret);
/* 1, 0, -1. */
MUST_CHECK int tx_known_get(struct view v, struct arena *a, const struct txid *txid, struct tx_known *ret,
			    struct err *err);
MUST_CHECK int tx_known_by_id(struct view v, struct arena *a, int64_t id, struct tx_known *ret, struct err *err);
#define TX_KNOWN_COLS "id, txid, place, height, hash, pos, coinbase, kind, action_id, label, first_seen_ms"

/* The arena, of SETTLE_ROOM, is borrowed. */
struct tx_change {
	struct settle settle;
	struct unit *u;
	struct arena *a;
	int64_t now_ms;
};

MUST_CHECK int tx_change_begin(struct tx_change *c, struct arena *a, struct unit *u, const char *kind, int64_t now_ms,
			       struct err *err);
MUST_CHECK int tx_change_event(struct tx_change *c, const struct tx_known *t, enum tx_place place, const char *name,
			       struct err *err);
struct tx_move {
	enum tx_place to;
	const struct block_ref *block; /* when confirmed */
	uint32_t pos;
	const struct txid *by; /* when out: who won; or NULL */
	bool seen;             /* somebody told that it is there now */
	const char *event;     /* or NULL: the place's */
};

MUST_CHECK int tx_change_place(struct tx_change *c, const struct tx_known *t, const struct tx_move *m, struct err *err);
/* It goes out, and all that spends it; by: who won, or NULL. */
MUST_CHECK int tx_change_out(struct tx_change *c, int64_t id, const struct txid *by, struct err *err);
/* Whatever else spends what t spends has lost to it; from: the lowest place that can still be won from. */
MUST_CHECK int tx_change_win(struct tx_change *c, const struct tx_known *t, enum tx_place from, struct err *err);
/* All that follows, and the movement, which is about t and of its kind. */
MUST_CHECK int tx_change_finish(struct tx_change *c, const struct tx_known *t, struct err *err);
/* tx_change_out() and all that follows. */
MUST_CHECK int tx_change_drop(struct tx_change *c, const struct tx_known *t, const struct txid *by, struct err *err);

/* A transaction that spends this output and stands between two places: 1, 0, -1. */
MUST_CHECK int tx_rival_at(struct unit *u, const struct outpoint *at, enum tx_place from, enum tx_place to,
			   int64_t *ret, struct err *err);
/* Of those that are out because of this one: who won. */
MUST_CHECK int tx_name_winner(struct unit *u, int64_t id, struct err *err);
/* Has a block spent what it spends?  1, 0, -1. */
MUST_CHECK int tx_is_excluded(struct tx_change *c, const struct tx_known *t, struct err *err);

#endif
