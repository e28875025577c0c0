/* rpc/attention.h - what needs a person, worst first; an empty list means that all is well (design.md section 8).
 *
 * Each: {"severity": "critical|warning|info", "kind", "what", "deadline_ms"?, "at_stake"?: {"amount", "unit"},
 * "action_id"?, "txid"?, "replaced_by"? (what took that one's place), "next"}.  `next` is the call that helps. */
#ifndef RPC_ATTENTION_H
#define RPC_ATTENTION_H

#include "rpc/server.h"

json_t *attention_list(struct rpc_server *server, struct arena *a);

#endif
