/* rpc/auth.h - who calls, and what that caller may do (design.md section 8, operations.md 3.3).
 *
 * Unix socket: the peer's uid as the kernel tells it.  Root, our own user and the socket's group: admin, unless a scope
 * was configured for the uid; everybody else: nothing.  TCP: the cookie (admin), or a named key as `name:secret`, by
 * Basic or Bearer.  There is no unauthenticated mode.  Keys are 32 random bytes in hex and are kept as salted hashes. */
#ifndef RPC_AUTH_H
#define RPC_AUTH_H

#include <sys/types.h>

#include "rpc/server.h"
#include "store/credential_store.h"

#define AUTH_COOKIE_USER "__cookie__"

struct auth;

struct auth *auth_new(struct store *store);
void auth_free(struct auth *a); /* removes the cookie file that it wrote */
void auth_set_peers(struct auth *a, const struct rpc_peer_scope *peers, size_t n);
/* A new cookie in a file of mode 0640: temporary name, fsync, rename.  group: (gid_t)-1 as it comes. */
MUST_CHECK int auth_write_cookie(struct auth *a, const char *path, gid_t group, struct err *err);

/* fd: a connection of a unix socket.  group: whose members are let in beside owner and root.  ERR_FORBIDDEN. */
MUST_CHECK int auth_peer(const struct auth *a, int fd, gid_t group, struct rpc_caller *ret, struct err *err);
/* header: the value of Authorization, or NULL.  ERR_FORBIDDEN: missing or wrong; with ERR_BUSY, too many wrong ones. */
MUST_CHECK int auth_header(struct auth *a, const char *header, size_t n, struct rpc_caller *ret, struct err *err);

/* A fresh secret for a named key: text to show once, and what to keep. */
#define AUTH_SECRET_TEXT 64
void auth_make_secret(char text[AUTH_SECRET_TEXT + 1], uint8_t salt[16], struct hash32 *hash);
bool auth_name_is_valid(const char *name); /* 1 to 32 of a-z, 0-9, '-', '_' */

/* In the unit of an action that sends sat away: record it, unless it passes the caller's budget (ERR_BUDGET). */
MUST_CHECK int auth_spend(struct unit *u, const struct rpc_caller *caller, const struct action_id *action, uint64_t sat,
			  int64_t now_ms, struct err *err);
/* The same, unless it was recorded of this action before. */
MUST_CHECK int auth_spend_once(struct unit *u, const struct rpc_caller *caller, const struct action_id *action,
			       uint64_t sat, int64_t now_ms, struct err *err);

#endif
