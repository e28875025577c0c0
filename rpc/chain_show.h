/* rpc/chain_show.h - the nodes that the on-chain wallet asks, and how far it sees: for status, attention and metrics. */
#ifndef RPC_CHAIN_SHOW_H
#define RPC_CHAIN_SHOW_H

#include "base/json.h"
#include "rpc/method.h"

/* {"tip": {"height", "block", "time_s"} or null, "synced", "doing", "node_height", "history_from_height", "blocks_to_scan",
 * "stale_s", "fees"}; null when no node is configured. */
json_t *chain_show(const struct rpc_server *s, struct arena *a);
/* One object per node, for peers. */
void chain_show_peers(const struct rpc_server *s, struct arena *a, json_t *peers);
/* Calls each() for what a person should look at: severity 0 critical, 1 warning, 2 info. */
void chain_troubles(const struct rpc_server *s, struct arena *a,
		    void (*each)(void *ctx, int severity, const char *kind, const char *next, const char *what),
		    void *ctx);
/* Gauges that follow the store and the nodes.  Call it before metrics are written. */
void chain_refresh_metrics(const struct rpc_server *s);

#endif
