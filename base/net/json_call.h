/* base/net/json_call.h - sends one struct net_request with plain_json and brings exactly one struct net_reply: the body is
 * written to a unix socket as it is, and the first whole JSON object that comes back is the reply.  For JSON-RPC servers that
 * speak no HTTP (Core Lightning: spec/splice.md 5.1.2).
 *
 * Each call has a connection of its own, so that no slow reply stands before another's, and replies need not be told apart.
 * ANSWERED: a whole object arrived; status is 200.  NOT_SENT: the socket took no connection.  UNKNOWN: anything else.  What
 * closing the connection does to a request that was read is the peer's affair.
 * Replies are hostile: capped while they stream in, the deadline covers the whole exchange, and whether the object is valid
 * JSON is for its reader to find. */
#ifndef BASE_NET_JSON_CALL_H
#define BASE_NET_JSON_CALL_H

#include "base/http_msg.h"
#include "base/net/loop.h"

struct json_call;

/* req is copied as far as it is needed; done runs exactly once, from a loop post, never from inside; the reply's memory and
 * the handle are gone when it returns.  Never NULL.  As http_submit(). */
struct json_call *json_call_submit(struct loop *loop, const struct net_request *req,
				   void (*done)(void *ctx, const struct net_reply *reply), void *ctx);
/* Its callback will not run, and the handle is gone.  Treat it as UNKNOWN. */
void json_call_cancel(struct json_call *call);

#endif
