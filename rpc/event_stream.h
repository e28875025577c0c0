/* rpc/event_stream.h - GET /events: the durable log as server-sent events.
 *
 * The log itself is the buffer: a page is read only when the one before has left, so a slow reader costs one page of
 * memory; one that takes nothing for 30 s is cut.  A comment line every 15 s tells that the line is alive. */
#ifndef RPC_EVENT_STREAM_H
#define RPC_EVENT_STREAM_H

#include "rpc/server.h"

struct event_stream;
struct http_answer;

/* after: exclusive; -1: from now on.  kinds: comma-separated, as for the method `events`, or NULL. */
MUST_CHECK int event_stream_open(struct rpc_server *server, struct http_answer *answer, const struct rpc_caller *caller,
				 int64_t after, const char *kinds, struct event_stream **ret, struct err *err);
/* The connection has gone. */
void event_stream_free(struct event_stream *s);

#endif
