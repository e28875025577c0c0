/* rpc/status.h - the one call that tells all: version, wallet, balances, tasks, peers, store, and what needs a person.
 *
 * Monitors ask often and nothing may have changed: the text is kept until something was committed, a second has passed or
 * the wallet's state is another one. */
#ifndef RPC_STATUS_H
#define RPC_STATUS_H

#include "rpc/server.h"

struct status_cache;
struct status_cache *status_cache_new(void);
void status_cache_free(struct status_cache *c);
/* A JSON object as text; lives until the next call.  Always answers: what cannot be read is told in attention. */
const char *status_text(struct rpc_server *server);
/* Something that no commit tells of has changed. */
void status_changed(struct rpc_server *server);

#endif
