/* rpc/health.h - is it alive, and can it move money? */
#ifndef RPC_HEALTH_H
#define RPC_HEALTH_H

#include "rpc/server.h"

/* {"status": "ok"} */
json_t *health_alive(struct arena *a);
/* {"ready", "reasons": ["wallet_locked", …]}: no_wallet, wallet_locked, storage_full, storage_read_only, stopping. */
json_t *health_ready(struct rpc_server *server, struct arena *a, bool *ret);

#endif
