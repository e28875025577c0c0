/* rpc/event_waits.h - who waits for the log to grow: `wait` and the event streams, and all waits at a stop. */
#ifndef RPC_EVENT_WAITS_H
#define RPC_EVENT_WAITS_H

#include "base/net/loop.h"
#include "store/store.h"

struct event_waits;
struct event_wait;

struct event_waits *event_waits_new(struct loop *loop, struct store *store);
void event_waits_free(struct event_waits *w);
/* grown(ctx, false) runs, from a turn of its own, whenever the log has grown; grown(ctx, true) at the stop, once. */
struct event_wait *event_waits_add(struct event_waits *w, void (*grown)(void *ctx, bool stopping), void *ctx);
/* The same for one who waits for something else: told at the stop only. */
struct event_wait *event_waits_add_quiet(struct event_waits *w, void (*told)(void *ctx, bool stopping), void *ctx);
void event_wait_remove(struct event_wait *x); /* also from inside grown() */
/* Something was committed: look, at the end of the turn, whether the log has grown. */
void event_waits_look(struct event_waits *w);
void event_waits_stop(struct event_waits *w);

#endif
