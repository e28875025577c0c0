/* rpc/state.h - the server's parts, for the files of rpc/ alone. */
#ifndef RPC_STATE_H
#define RPC_STATE_H

#include "base/net/loop.h"
#include "rpc/server.h"

struct auth;
struct call_stats;
struct event_waits;
struct http_face;
struct request;
struct rpc_body;
struct status_cache;

struct rpc_server {
	struct rpc_server_options opt; /* its texts live in `own`; sockets and peers are with their owners */
	struct arena own;
	struct log log;
	struct auth *auth;
	struct http_face *face;
	struct call_stats *stats;
	struct event_waits *event_waits;
	struct status_cache *status;
	struct rpc_body *bodies; /* that run */
	struct request *keyed;   /* running calls that have an idempotency key */
	bool stopping;
	struct err ledger_error; /* of the last check; code ERR_NONE when it was right */
};

#endif
