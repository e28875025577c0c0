/* rpc/dispatch.h - JSON-RPC 2.0 over one HTTP body: single, batch, notifications (operations.md 3.1).
 *
 * Knows nothing of HTTP beyond the status that fits.  A body that is not JSON: 400 and -32700.  A single call that its
 * scope forbids: 403.  Nothing to say (notifications only): 204.  All else: 200.  A batch runs in order, one at a time but
 * for neighbours that are RPC_GROUPED; it is answered in order always. */
#ifndef RPC_DISPATCH_H
#define RPC_DISPATCH_H

#include "base/buf.h"
#include "rpc/method.h"

#define RPC_BATCH_MAX 100
#define RPC_REPLY_MAX (64u << 20)

struct rpc_body;

struct rpc_body_options {
	struct rpc_server *server;
	struct rpc_caller caller;
	struct bytes text;       /* needed only until rpc_body_run() returns */
	bool (*gone)(void *ctx); /* has the client left?  Asked before anything that changes something; may be NULL */
	void (*done)(void *ctx, int status, struct bytes reply); /* once, perhaps from inside; reply: during the call */
	void *ctx;
};
/* NULL when done has run already. */
struct rpc_body *rpc_body_run(const struct rpc_body_options *opt);
/* The client has gone: done will not run.  What has begun to change something goes on to its end; the rest does not. */
void rpc_body_abandon(struct rpc_body *b);
/* At the very end, when nothing can answer any more: every body that still runs is freed. */
void rpc_bodies_drop(struct rpc_server *server);

/* Counters of calls, by method and outcome. */
struct call_stats *call_stats_new(void);
void call_stats_free(struct call_stats *s);

#endif
