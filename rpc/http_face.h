/* rpc/http_face.h - the listeners and connections, over libevent's evhttp (operations.md 3.1).
 *
 * Every head is read strictly (rpc/http_head.h) and judged - path, method, Host, Origin, credentials, type, size - before
 * evhttp sees it, one request at a time.  A refusal is one JSON-RPC error with id null and the connection closed.  Bodies
 * are read only from callers who may call.  A request must be whole 10 s after its first byte; a connection may be
 * idle for 60 s; a reply must be taken within 30 s.  A half-closed TCP connection counts as a client who has gone.
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

#define HTTP_BODY_MAX (1024u * 1024)

struct http_conn;
struct http_face;

MUST_CHECK int http_face_new(struct rpc_server *server, struct http_face **ret, struct err *err);
void http_face_free(struct http_face *f);
/* No new connections; idle ones are closed, the others after their reply. */
void http_face_stop(struct http_face *f);
bool http_face_idle(const struct http_face *f);
unsigned http_face_port(const struct http_face *f);

/* A reply that goes on: for event_stream.c. */
void http_stream_start(struct http_conn *c, const char *content_type);
/* drained(ctx) runs when the bytes have left, unless the connection ends before. */
void http_stream_send(struct http_conn *c, struct bytes v, void (*drained)(void *ctx), void *ctx);
void http_stream_end(struct http_conn *c);

#endif
