#include "daemon/listening.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/files.h"
#include "daemon/hardening.h"

#define OWN_FILES 128 /* descriptors beside those of clients and peers */

size_t listening_peers(const struct config *c, struct rpc_peer_scope *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < c->rpc_uid_scope.n && n < LISTENING_PEERS_MAX; i++) {
		const char *scope;
		int64_t uid;
		struct err err;

		/* conf_load() let no other entry through. */
		if (conf_uid_scope_parse(c->rpc_uid_scope.items[i], &uid, &scope, &err) == 0 &&
		    rpc_scope_parse(scope, &ret[n].scope))
			ret[n++].uid = (uid_t)uid;
	}
	return n;
}

static bool any_socket_of(const int *fds, size_t n, bool unix_domain)
{
	for (size_t i = 0; i < n; i++) {
		struct sockaddr_storage at = { 0 };
		socklen_t len = sizeof(at);

		if (getsockname(fds[i], (struct sockaddr *)&at, &len) == 0 && (at.ss_family == AF_UNIX) == unix_domain)
			return true;
	}
	return false;
}

/* As many connections as there are descriptors for. */
static unsigned connection_limit(const struct config *c, unsigned peer_connections)
{
	struct log log = log_module("daemon");
	unsigned long others = OWN_FILES + peer_connections;
	unsigned long want = (unsigned long)c->rpc_max_connections;
	unsigned long files = hardening_raise_files(want + others);

	if (files >= want + others)
		return (unsigned)want;
	log_warn(&log, "rpc.fewer_connections", F_UINT("files", files), F_UINT("wanted", want + others),
		 F_STR("hint", "raise LimitNOFILE or lower rpc_max_connections"));
	return files > others + 16 ? (unsigned)(files - others) : 16;
}

static int make_socket_dir(const struct config *c, struct arena *a, gid_t group, struct err *err)
{
	const char *dir = files_dir_of(a, c->rpc_socket);

	if (access(dir, F_OK) == 0)
		return 0;
	/* The group that may use the socket has to reach it. */
	if (files_make_dir(dir, group == (gid_t)-1 ? 0700 : 0750, err) != 0)
		return -1;
	if (group != (gid_t)-1 && chown(dir, (uid_t)-1, group) != 0)
		return ERR(err, ERR_CONFIG, "cannot give %s to the group %s: %s", dir, c->rpc_socket_group,
			   strerror(errno));
	return 0;
}

int listening_prepare(struct listening *l, struct arena *a, const struct config *c, unsigned peer_connections,
		      struct rpc_server_options *opt, struct err *err)
{
	size_t n_fds;

	opt->socket_path = c->rpc_socket;
	opt->listen = c->rpc_listen;
	opt->peers = l->peers;
	opt->n_peers = listening_peers(c, l->peers);
	opt->max_connections = connection_limit(c, peer_connections);
	if (systemd_take_sockets(&n_fds, err) != 0 || files_group(c->rpc_socket_group, &opt->socket_group, err) != 0)
		return -1;
	for (size_t i = 0; i < n_fds; i++)
		l->fds[i] = SYSTEMD_FIRST_FD + (int)i;
	opt->passed_fds = l->fds;
	opt->n_passed_fds = n_fds;
	/* A socket unit says where to listen; what the configuration says of the same sort would be a second place. */
	if (any_socket_of(l->fds, n_fds, true))
		opt->socket_path = NULL;
	if (any_socket_of(l->fds, n_fds, false))
		opt->listen = NULL;
	opt->cookie_path = files_in(a, c->rpc_socket ? files_dir_of(a, c->rpc_socket) : c->datadir, "cookie");
	return c->rpc_socket ? make_socket_dir(c, a, opt->socket_group, err) : 0;
}
