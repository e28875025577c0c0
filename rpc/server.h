/* rpc/server.h - the JSON-RPC server as daemon/ builds it: listeners, who may call, and the facts it cannot know itself.
 *
 * Conventions: operations.md 3.1 to 3.8.  Everything given is copied unless it says otherwise; loop, store, executor,
 * outbox and wallet must outlive the server. */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include <sys/types.h>

#include "base/json.h"
#include "rpc/method.h"

struct executor;
struct exits;
struct follower;
struct lightning;
struct loop;
struct outbox;
struct store;
struct wallet;
struct rpc_server;

/* What only the composition root knows.  Hooks are called on the loop; ctx is theirs.  Objects that a hook returns are
 * borrowed from the arena it was given. */
struct rpc_host {
	void *ctx;
	/* Begin an orderly stop and return at once; the answer to `stop` is sent first. */
	void (*stop)(void *ctx);
	/* {"<key>": {"value", "source", "reloadable", "help"}}; the values of secrets are left out. */
	json_t *(*config_show)(void *ctx, struct arena *a);
	/* [{"name", "interval_ms", "last_run_ms", "last_success_ms", "last_error", "runs", "failures", "backlog"}] */
	json_t *(*tasks)(void *ctx, struct arena *a);
};

/* Another right than the default for one user on the unix socket. */
struct rpc_peer_scope {
	uid_t uid;
	enum rpc_scope scope;
};

struct rpc_server_options {
	struct loop *loop;
	struct store *store;
	struct executor *executor;
	struct outbox *outbox;       /* NULL: no chain is configured */
	struct follower *follower;   /* NULL: no node is configured */
	struct exits *exits;         /* as the follower */
	struct lightning *lightning; /* NULL: no Lightning node is configured */
	struct wallet *wallet;
	struct rpc_host host;
	const char *network; /* "regtest" */
	const char *datadir;
	const char *config_path; /* shown by status; or NULL */
	int64_t started_at_ms;
	uint32_t exit_margin;      /* blocks to spare before a VTXO expires; 0: EXIT_MARGIN_DEFAULT */
	uint32_t exit_alarm;       /* attention so many blocks before that; 0: 1008 */
	int64_t backup_max_age_ms; /* attention when the newest backup is older; 0: 7 days */

	const char *socket_path; /* unix socket to make, mode 0660; NULL: none */
	gid_t socket_group;      /* (gid_t)-1: as it comes */
	const char *listen;      /* "127.0.0.1:8338" or "[::1]:8338", loopback only; NULL: no TCP */
	const char *cookie_path; /* written when there is a TCP listener; NULL: no cookie */
	const int *passed_fds;   /* listening sockets from socket activation, unix or TCP; the server owns them */
	size_t n_passed_fds;
	const struct rpc_peer_scope *peers;
	size_t n_peers;
	unsigned max_connections; /* 0: 4096 */
};

/* Binds and listens; answers as soon as the loop turns.  ERR_CONFIG: an address that is not loopback, a socket path that
 * somebody answers on; ERR_IO. */
MUST_CHECK int rpc_server_new(const struct rpc_server_options *opt, struct rpc_server **ret, struct err *err);
/* Cuts what is left, removes socket and cookie.  NULL is fine. */
void rpc_server_free(struct rpc_server *server);
/* Stop accepting; waits are answered as they stand, idle connections closed.  Calls that run go on. */
void rpc_server_stop(struct rpc_server *server);
bool rpc_server_idle(const struct rpc_server *server); /* no call runs, no answer is waiting to be written */
/* The store has committed: wakes those who wait for events.  Cheap; call it after every store_flush(). */
void rpc_server_committed(struct rpc_server *server);
/* The ledger was compared with the coins: NULL when they agree.  Shown by status. */
void rpc_server_ledger_checked(struct rpc_server *server, const struct err *failed);
/* Reloadable: scopes per uid. */
void rpc_server_set_peers(struct rpc_server *server, const struct rpc_peer_scope *peers, size_t n);
/* The TCP port in use (a listen port of 0 takes any), or 0. */
unsigned rpc_server_port(const struct rpc_server *server);

/* Generated from the method table (and the kinds, for the parameters of action.start): docs/rpc.md.  Appends to a buffer
 * with a cap; check buf_ok(). */
struct action_kind;
void rpc_reference_markdown(struct buf *to, const struct action_kind *const *kinds);

#endif
