/* rpc/lightning_show.h - the Lightning node and its splices: for status, attention and metrics. */
#ifndef RPC_LIGHTNING_SHOW_H
#define RPC_LIGHTNING_SHOW_H

#include "base/json.h"
#include "rpc/method.h"

/* One object, for peers; none when no node is configured. */
void lightning_show_peer(const struct rpc_server *s, struct arena *a, json_t *peers);
/* {"up", "version", "backend", …} for channel.list; null when no node is configured. */
json_t *lightning_show(const struct rpc_server *s, struct arena *a);
/* As chain_troubles(). */
void lightning_troubles(const struct rpc_server *s, struct arena *a,
			void (*each)(void *ctx, int severity, const char *kind, const char *next, const char *what),
			void *ctx);
/* As chain_refresh_metrics(). */
void lightning_refresh_metrics(const struct rpc_server *s);

#endif
