/* rpc/http_conns.h - the connections: who is there, for how long, and how each of them ends.
 *
 * A request must be whole 10 s after its first byte; a connection may be idle for 60 s; a reply must be taken within
 * 30 s.  When all places are taken, the one that has been idle longest makes room; if none is idle, the newcomer is
 * refused.  A half-closed TCP connection counts as a client who has gone. */
#ifndef RPC_HTTP_CONNS_H
#define RPC_HTTP_CONNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "rpc/sockets.h"

struct evhttp;
struct http_conns;
struct rpc_server;

/* socket_group: whose members may call on the unix socket; port: of TCP, for hints, or 0. */
struct http_conns *http_conns_new(struct rpc_server *server, gid_t socket_group, unsigned port);
/* After every evhttp that they came by. */
void http_conns_free(struct http_conns *all);
/* What http accepts, by one kind of socket, becomes one of all. */
void http_conns_serve(struct http_conns *all, enum transport transport, struct evhttp *http);
/* Idle ones are closed, the others after their reply; who comes is sent away. */
void http_conns_stop(struct http_conns *all);
bool http_conns_idle(const struct http_conns *all); /* no call runs, no reply is being written */

#endif
