/* lightning/sweep.h - coins of the node's wallet that are still reserved for splices which have ended, and whose actions have,
 * too: given back.  Implements spec/splice.md 7, O12.
 *
 * There are such where a splice was given up while a candidate of its own could still confirm, and of a process that died in
 * bad moments.  Which they are is the store's rows; while a candidate may confirm they stay as they are.
 *
 * Runs in the loop, one splice after the other.  What goes wrong is told to the log, and tried again at the next run. */
#ifndef LIGHTNING_SWEEP_H
#define LIGHTNING_SWEEP_H

#include "base/net/loop.h"
#include "rails/lightning/backend.h"
#include "store/store.h"

struct sweep;

/* socket is borrowed.  Never NULL. */
struct sweep *sweep_new(struct loop *loop, struct store *store, const struct ln_backend *backend, const char *socket);
void sweep_free(struct sweep *w); /* NULL is fine */
/* Begins, unless it is under way or the backend reserves nothing. */
void sweep_run(struct sweep *w);

#endif
