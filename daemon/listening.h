/* daemon/listening.h - where the RPC is served, by whom it may be used, and for how many at a time: what the configuration,
 * the service manager and the limits of the system say about it. */
#ifndef DAEMON_LISTENING_H
#define DAEMON_LISTENING_H

#include "conf/conf.h"
#include "daemon/systemd.h"
#include "rpc/server.h"

#define LISTENING_PEERS_MAX 64

/* What the options point at; needed until rpc_server_new() has returned. */
struct listening {
	struct rpc_peer_scope peers[LISTENING_PEERS_MAX];
	int fds[SYSTEMD_SOCKETS_MAX];
};

/* Fills sockets, cookie, peers and max_connections of opt, and makes the directory of the socket.  Takes the sockets that
 * the service manager has passed, so that it works once.  peer_connections: how many descriptors go to others than clients.
 * Texts are in a.  ERR_CONFIG. */
MUST_CHECK int listening_prepare(struct listening *l, struct arena *a, const struct config *conf,
				 unsigned peer_connections, struct rpc_server_options *opt, struct err *err);
/* The scopes of single users: how many of ret[LISTENING_PEERS_MAX] there are. */
size_t listening_peers(const struct config *conf, struct rpc_peer_scope *ret);

#endif
