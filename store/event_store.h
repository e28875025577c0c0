/* store/event_store.h - the durable event log: dense sequence from 1, never reused; `after` is exclusive. */
#ifndef STORE_EVENT_STORE_H
#define STORE_EVENT_STORE_H

#include "base/arena.h"
#include "store/view.h"

/* A filtered listing looks at so many rows in one call, so that it cannot hold the loop. */
#define EVENT_LOOK_MAX 10000

struct event {
	int64_t seq, at_ms;
	const char *kind;    /* "action.state", "action.done", "mint.added", … */
	const char *subject; /* what it is about: an action id, a mint URL */
	const char *data;    /* JSON object */
};
MUST_CHECK int event_append(struct unit *u, const char *kind, const char *subject, const char *data, struct err *err);

/* Events after `after`, oldest first.  kinds: comma-separated exact kinds or "prefix.*", NULL for all.  Returns how
 * many rows were given to each(), or -1.  *ret_cursor is where the next call should continue, also when all were
 * filtered: with kinds, fewer than limit rows do not mean the end; a cursor that did not move does. */
MUST_CHECK int event_list(struct view v, struct arena *a, int64_t after, const char *kinds, unsigned limit,
			  void (*each)(void *ctx, const struct event *e), void *ctx, int64_t *ret_cursor,
			  struct err *err);
MUST_CHECK int event_last_seq(struct view v, int64_t *ret, struct err *err); /* 0 when empty */
/* Among the `max` oldest events, removes those from before this time; never the newest one. */
MUST_CHECK int event_prune(struct unit *u, int64_t before_ms, unsigned max, struct err *err);

#endif
