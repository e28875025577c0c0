/* rpc/openrpc.h - the method table as documents: OpenRPC for programs; the Markdown one is in rpc/server.h. */
#ifndef RPC_OPENRPC_H
#define RPC_OPENRPC_H

#include "rpc/method.h"

json_t *openrpc_document(struct arena *a);
/* One method as `help` shows it; and its example as a line of curl. */
json_t *openrpc_method_help(struct arena *a, const struct rpc_method *m, const char *socket_path);
/* The first sentence of its help. */
const char *openrpc_summary(struct arena *a, const struct rpc_method *m);

#endif
