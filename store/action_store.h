/* store/action_store.h - actions, their archive and their transitions (design.md section 5). */
#ifndef STORE_ACTION_STORE_H
#define STORE_ACTION_STORE_H

#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

enum action_status { /* stored: append, never renumber */
		     ACTION_RUNNING = 1,
		     ACTION_PARKED = 2,
		     ACTION_UNCERTAIN = 3, /* parked, and the last request may or may not have acted */
		     ACTION_DONE = 4,
		     ACTION_FAILED = 5,
		     ACTION_CANCELLED = 6
};
const char *action_status_name(enum action_status s);
static inline bool action_status_is_final(enum action_status s)
{
	return s >= ACTION_DONE;
}

#define ACTION_NO_WAKE (-1) /* wake_at_ms: only a kick wakes it */

/* One action.  Text is JSON where it says so and lives in the arena that it was read into. */
struct action_row {
	int64_t seq; /* order of creation, dense enough to page by */
	struct action_id id;
	const char *kind;
	int state; /* the kind's own enumeration */
	enum action_status status;
	int64_t version;
	struct action_id parent;                          /* empty without one */
	const char *peer;                                 /* whom its requests go to, for fairness; or NULL */
	const char *params;                               /* JSON object as started */
	const char *checkpoint;                           /* JSON object; NULL when archived */
	const char *result;                               /* JSON object when done, else NULL */
	uint32_t attempts;                                /* failed tries of this state */
	const char *error_kind, *error_msg, *error_field; /* of the last trouble or the failure; NULL without one */
	const char *funds_moved;                          /* "no", "yes", "unknown": set when ended */
	int64_t wake_at_ms, created_at_ms, updated_at_ms;
};

/* ERR_EXISTS when the id is taken, by a living or an archived action. */
MUST_CHECK int action_store_add(struct unit *u, const struct action_row *row, int64_t *ret_seq, struct err *err);
/* Saves state, status, checkpoint, peer, attempts, error and wake time; version + 1.  ERR_CONFLICT: not at row->version.
 * changed: the state or the status is another than before; a transition is recorded. */
MUST_CHECK int action_store_save(struct unit *u, const struct action_row *row, bool changed, struct err *err);
/* Moves it to the archive with row's final status, result and error, at version + 1.  ERR_CONFLICT as above. */
MUST_CHECK int action_store_end(struct unit *u, const struct action_row *row, struct err *err);
/* Wake it at this time, if it still lives and would sleep longer.  No version: a wake is only a hint. */
MUST_CHECK int action_store_wake(struct unit *u, const struct action_id *id, int64_t at_ms, struct err *err);
/* The same for all of one kind that are to wake some day: not for those that wait for a kick alone. */
MUST_CHECK int action_store_wake_kind(struct unit *u, const char *kind, int64_t at_ms, struct err *err);
/* At most max of those that would wake after after_ms wake at at_ms instead. */
MUST_CHECK int action_store_recall(struct unit *u, int64_t after_ms, int64_t at_ms, unsigned max, struct err *err);

/* Living first, then the archive.  ERR_NOT_FOUND. */
MUST_CHECK int action_store_get(struct view v, struct arena *a, const struct action_id *id, struct action_row *ret,
				struct err *err);
/* Up to max ids of one kind and one peer (NULL: those without) that are due, earliest first.  Returns how many, or -1. */
MUST_CHECK int action_store_due(struct view v, const char *kind, const char *peer, int64_t now_ms,
				struct action_id *ret, unsigned max, struct err *err);
/* The peers of those of one kind that are to wake some day, in order of name: the one after `after` (NULL: the first), or
 * NULL after the last. */
MUST_CHECK int action_store_next_peer(struct view v, struct arena *a, const char *kind, const char *after,
				      const char **ret, struct err *err);
/* When the next one of any kind will be due after this time; ACTION_NO_WAKE when none will. */
MUST_CHECK int action_store_next_wake(struct view v, int64_t after_ms, int64_t *ret, struct err *err);
/* Actions whose last try went wrong, worst first, at most max; for attention. */
MUST_CHECK int action_store_troubled(struct view v, struct arena *a, uint32_t min_attempts, unsigned max,
				     struct action_row **ret, size_t *n, struct err *err);
/* How many are due, counted up to max: the backlog. */
MUST_CHECK int action_store_backlog(struct view v, int64_t now_ms, unsigned max, unsigned *ret, struct err *err);

enum action_filter { ACTIONS_ACTIVE = 1, ACTIONS_DONE = 2, ACTIONS_FAILED = 3, ACTIONS_ALL = 4 };
struct action_query {
	const char *kind; /* or NULL */
	enum action_filter filter;
	int64_t before_seq; /* newest first; 0 starts at the newest */
	unsigned limit;
};
/* Calls each() for every row, newest first; returns how many, or -1.  A row is valid during the call only. */
MUST_CHECK int action_store_list(struct view v, struct arena *a, const struct action_query *q,
				 void (*each)(void *ctx, const struct action_row *row), void *ctx, struct err *err);
/* Is an action of this kind with this peer alive? */
MUST_CHECK int action_store_living(struct view v, const char *kind, const char *peer, bool *ret, struct err *err);
/* Living children of an action: how many. */
MUST_CHECK int action_store_children(struct view v, const struct action_id *parent, unsigned *ret, struct err *err);

struct action_transition {
	int64_t version, at_ms;
	int state;
	enum action_status status;
	const char *note; /* an error kind, or NULL */
};
/* The newest of them, oldest first: a mint that takes back what it said makes one with each turn, for as long as it likes. */
#define ACTION_TRANSITIONS_MAX 1000
MUST_CHECK int action_store_transitions(struct view v, struct arena *a, int64_t seq, struct action_transition **ret,
					size_t *n, struct err *err);
/* Removes archived actions that ended before this time, with their transitions; at most `max` a call. */
MUST_CHECK int action_store_prune(struct unit *u, int64_t before_ms, unsigned max, struct err *err);

#endif
