/* daemon/signals.h - signals as calls on the loop.  SIGTERM and SIGINT stop, SIGHUP reloads, SIGUSR1 dumps; SIGPIPE is
 * ignored. */
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

#include "base/net/loop.h"

struct signals;
struct signals_hooks {
	void (*stop)(void *ctx);
	void (*reload)(void *ctx);
	void (*dump)(void *ctx);
	void *ctx;
};

/* Hooks run on the loop, never inside a signal handler.  Signals that come before loop_run() wait for it. */
MUST_CHECK int signals_new(struct loop *loop, const struct signals_hooks *hooks, struct signals **ret, struct err *err);
void signals_free(struct signals *s); /* NULL is fine */

#endif
