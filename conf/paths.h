/* conf/paths.h - where things are when nobody says otherwise.
 *
 * Under systemd: what RuntimeDirectory=, StateDirectory= and ConfigurationDirectory= gave us.  As root: /etc/walletd,
 * /var/lib/walletd, /run/walletd.  As any other user: the XDG base directories.  Networks other than mainnet have a
 * folder of their own below those.  Pure but for the environment given. */
#ifndef CONF_PATHS_H
#define CONF_PATHS_H

#include "conf/conf.h"

/* The socket of the system's daemon on mainnet: where walletctl looks when the user has none of their own. */
#define PATHS_SYSTEM_SOCKET "/run/walletd/rpc.sock"

struct paths {
	const char *conf_file;
	const char *datadir;    /* NULL: neither HOME nor XDG_STATE_HOME is set */
	const char *rpc_socket; /* NULL: in the datadir */
};
struct paths paths_default(struct arena *a, char *const *env, bool root, enum network network);
/* The value of NAME in "NAME=value" strings, or NULL. */
const char *paths_env(char *const *env, const char *name);

#endif
