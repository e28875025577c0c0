/* rpc/http_face.h - JSON-RPC and what goes with it over HTTP, on libevent's evhttp (operations.md 3.1).
 *
 * Every head is read strictly (rpc/http_head.h) and judged - path, method, Host, Origin, credentials, type, size - before
 * evhttp sees it, one request at a time.  A refusal is one JSON-RPC error with id null and the connection closed.  Bodies
 * are read only from callers who may call.  How long each part may take: rpc/http_conns.h.
 *
 *   POST /, /rpc   JSON-RPC
 *   GET /healthz   the process answers.  TCP: open to all
 *   GET /readyz    200, or 503 with reasons, when it cannot move money.  TCP: open to all
 *   GET /metrics   Prometheus text; scope read
 *   GET /events    server-sent events from the durable log: ?after= (or Last-Event-ID; neither: from now on), ?kinds=
 *
 * On the unix socket all of them are for permitted peers. */
#ifndef RPC_HTTP_FACE_H
#define RPC_HTTP_FACE_H

#include "rpc/server.h"

struct http_face;

MUST_CHECK int http_face_new(struct rpc_server *server, struct http_face **ret, struct err *err);
void http_face_free(struct http_face *f);
/* No new connections; idle ones are closed, the others after their reply. */
void http_face_stop(struct http_face *f);
bool http_face_idle(const struct http_face *f);
unsigned http_face_port(const struct http_face *f); /* of TCP, or 0 */

#endif
