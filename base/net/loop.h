/* base/net/loop.h - the one event loop: timers, posts and a lag meter over libevent.
 *
 * One thread.  A turn is: wait for and run what libevent has (sockets, timers, signals), then run the posts, then go
 * back to wait.  Posts therefore always run before the loop waits for I/O again; this is where the store commits the
 * group of units that the turn made.  Nothing here may be called from another thread or from a signal handler.
 * Errors: ERR_IO. */
#ifndef BASE_NET_LOOP_H
#define BASE_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct loop;
struct timer;

MUST_CHECK int loop_new(struct loop **ret, struct err *err);
/* Timers, events and http must be gone.  Posts that are still waiting are dropped without being run. */
void loop_free(struct loop *loop);
/* Turns until loop_stop(); may be called again afterwards, not from inside itself.  -1 when libevent cannot wait. */
MUST_CHECK int loop_run(struct loop *loop, struct err *err);
/* The current turn ends, its posts included, and loop_run() returns; what those posts posted waits for the next
 * loop_run().  Before loop_run() it has no effect. */
void loop_stop(struct loop *loop);
/* For the RPC's HTTP face and base/net alone. */
struct event_base *loop_base(struct loop *loop);

/* Run fn(ctx) once at the end of the current turn (or of the next one when the loop is not running).  First in, first
 * out.  What posts post runs at the end of the next turn, which polls I/O without waiting: neither starves the other.
 * Costs no system call.  The same pair may be posted several times and then runs as often. */
void loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/* Take back every waiting post of this pair, so that its owner can die.  None is fine. */
void loop_unpost(struct loop *loop, void (*fn)(void *ctx), void *ctx);

/* A one-shot timer, not started.  fn may start it again, stop it or free it.  Fires never before its time. */
struct timer *loop_timer(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/* (Re)start: fires once, ms from now; 0 or less means in the next turn, more than TIMER_MAX_MS means that. */
#define TIMER_MAX_MS INT64_C(31622400000) /* a leap year */
void timer_start(struct timer *t, int64_t ms);
void timer_stop(struct timer *t);
bool timer_is_started(const struct timer *t);
void timer_free(struct timer *t); /* NULL is fine */

/* Turns finished since loop_new(); a watchdog compares two readings. */
uint64_t loop_turns(const struct loop *loop);
/* The longest that one turn kept the loop from waiting, in us, since the last call.  Each turn is also observed in the
 * metric walletd_loop_lag_seconds.  libevent does not tell when its wait ended: what ran inside a turn that had to wait
 * counts by processor time, except timers; timers, posts and turns that only polled count by the clock. */
int64_t loop_take_lag_us(struct loop *loop);

#endif
