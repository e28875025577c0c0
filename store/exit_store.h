/* store/exit_store.h - exits: how far each VTXO has come on its way onto the chain, and what it went through.  Implements the
 * rows of spec/exit.md 1.2 and 1.6.
 *
 * One row per attempt; of a VTXO at most one lives.  Due rows are an index, every update names the version that it read
 * (store/due.h), and what an exit holds of other stores it holds as exit_holder().  Its transactions are in exit_tx_store.h, its
 * claim in exit_claim_store.h. */
#ifndef STORE_EXIT_STORE_H
#define STORE_EXIT_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

/* stored: append, never renumber */
enum exit_state {
	EXIT_START = 1,
	EXIT_PROCESSING = 2,
	EXIT_AWAITING_DELTA = 3,
	EXIT_CLAIMABLE = 4,
	EXIT_CLAIM_IN_PROGRESS = 5,
	EXIT_CLAIMED = 6,
	EXIT_ALREADY_SPENT = 7,
	EXIT_CANCELED = 8
};
#define EXIT_STATES 8
/* "start", "processing", "awaiting-delta", … */
const char *exit_state_name(enum exit_state s);

#define EXIT_NO_WAKE (-1)

struct exit_row {
	int64_t id;
	int64_t vtxo_id;
	struct outpoint vtxo;
	struct sat amount;
	uint32_t expiry_height;
	uint32_t attempt; /* 1, and one more after each that was cancelled */
	enum exit_state state;
	bool live; /* it is still looked after: in each state but the last two, and until a claim is final */
	const char *checkpoint; /* JSON, as in spec/exit.md 1.3 */
	int64_t version;
	bool has_feerate;
	struct feerate feerate; /* instead of the network's */
	bool has_scan;
	struct block_ref scan; /* searched for a claim up to this block */
	uint32_t attempts;     /* failed tries in a row */
	const char *error;     /* JSON as in spec/exit.md 2, of the last try when that failed; or NULL */
	int64_t error_at_ms;
	int64_t wake_at_ms;
	int64_t started_at_ms, updated_at_ms;
};
/* "exit:<id>" */
struct action_id exit_holder(int64_t id);

/* A new attempt in the state Start; its number is one more than that of the last.  ERR_EXISTS: one lives.  Event
 * exit.started. */
MUST_CHECK int exit_store_add(struct unit *u, int64_t vtxo_id, const char *checkpoint, const struct feerate *rate,
			      int64_t wake_at_ms, int64_t now_ms, int64_t *ret_id, struct err *err);
/* Saves state, live, checkpoint, feerate, scan, attempts, error and wake time; version + 1.  changed: the state that was is put
 * into the history first (spec/exit.md 1.6 says when), and the event exit.state_changed is made.  ERR_CONFLICT: not at
 * row->version. */
MUST_CHECK int exit_store_save(struct unit *u, const struct exit_row *row, bool changed, int64_t now_ms,
			       struct err *err);
/* An event about an exit that is there, with its state as it is stored. */
MUST_CHECK int exit_store_tell(struct unit *u, int64_t id, const char *kind, struct err *err);
/* A hint, without a version: those that live wake at this time, if they would sleep longer. */
MUST_CHECK int exit_store_wake(struct unit *u, int64_t id, int64_t at_ms, struct err *err);
MUST_CHECK int exit_store_wake_all(struct unit *u, int64_t at_ms, struct err *err);

/* 1 found, 0 not, -1. */
MUST_CHECK int exit_store_get(struct view v, struct arena *a, int64_t id, struct exit_row *ret, struct err *err);
/* Of this VTXO the last attempt. */
MUST_CHECK int exit_store_find(struct view v, struct arena *a, const struct outpoint *vtxo, struct exit_row *ret,
			       struct err *err);
/* Up to max ids that are due, earliest first.  Returns how many, or -1. */
MUST_CHECK int exit_store_due(struct view v, int64_t now_ms, int64_t *ret, unsigned max, struct err *err);
MUST_CHECK int exit_store_next_wake(struct view v, int64_t after_ms, int64_t *ret, struct err *err);
MUST_CHECK int exit_store_backlog(struct view v, int64_t now_ms, unsigned max, unsigned *ret, struct err *err);

enum exit_filter { EXITS_LIVE = 1, EXITS_FINISHED = 2, EXITS_ALL = 3 };
struct exit_query {
	enum exit_filter filter;
	int64_t after; /* id, exclusive; 0: from the start */
	unsigned limit;
};
/* By id.  Returns how many rows were given to each(), or -1; their text lives in a.  Ends early where the arena is full. */
MUST_CHECK int exit_store_list(struct view v, struct arena *a, const struct exit_query *q,
			       void (*each)(void *ctx, const struct exit_row *row), void *ctx, struct err *err);

struct exit_past {
	int64_t seq, at_ms;
	enum exit_state state;
	const char *checkpoint;
};
/* Kept are the first and the last EXIT_HISTORY_ENDS of them, once there are more than EXIT_HISTORY_MAX. */
#define EXIT_HISTORY_MAX  10000
#define EXIT_HISTORY_ENDS 1000
/* Oldest first, at most limit after seq `after`. */
MUST_CHECK int exit_store_history(struct view v, struct arena *a, int64_t id, int64_t after, unsigned limit,
				  void (*each)(void *ctx, const struct exit_past *p), void *ctx, struct err *err);

/* How many are in each state, and what they are worth: live ones, and all that are finished. */
struct exit_sums {
	uint64_t n[EXIT_STATES + 1];
	struct sat of[EXIT_STATES + 1];
};
MUST_CHECK int exit_store_sums(struct view v, struct exit_sums *ret, struct err *err);

#endif
