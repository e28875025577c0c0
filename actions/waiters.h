/* actions/waiters.h - who listens for which action.  Listeners only; they never drive. */
#ifndef ACTIONS_WAITERS_H
#define ACTIONS_WAITERS_H

#include "base/ids.h"
#include "base/net/loop.h"

struct waiters;
struct waiter;

struct waiters *waiters_new(struct loop *loop);
void waiters_free(struct waiters *w); /* the callbacks of those still there do not run */
/* done runs once, from a later turn of the loop. */
struct waiter *waiters_add(struct waiters *w, const struct action_id *id, bool until_done, int64_t timeout_ms,
			   void (*done)(void *ctx, bool timed_out), void *ctx);
void waiter_cancel(struct waiter *x);
/* The action parked, or ended: tell those who wait for that. */
void waiters_tell(struct waiters *w, const struct action_id *id, bool ended);
unsigned waiters_count(const struct waiters *w);
/* Every id that is waited for, once per waiter. */
void waiters_each(struct waiters *w, void (*fn)(void *ctx, const struct action_id *id), void *ctx);

#endif
