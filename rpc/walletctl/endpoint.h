/* rpc/walletctl/endpoint.h - where the daemon answers, and what lets us in.
 *
 * Without --rpc: the unix socket, found as the daemon itself finds it (conf/conf.h: flags, environment, file, default);
 * when nothing was said about it and the user runs no daemon, the system's one.  With --rpc: TCP, and one line of a file
 * as credentials, by default the cookie beside that socket. */
#ifndef RPC_WALLETCTL_ENDPOINT_H
#define RPC_WALLETCTL_ENDPOINT_H

#include "base/arena.h"
#include "base/err.h"
#include "rpc/walletctl/input.h"

struct endpoint_options {
	const char *socket, *datadir, *network, *conf; /* NULL: not given */
	const char *url;                               /* --rpc */
	const char *cookie_file, *key_file;            /* "-" is standard input */
};
struct endpoint {
	const char *url;
	const char *socket;        /* or NULL: the URL's host */
	const char *authorization; /* header value, or NULL; a secret */
};
/* ERR_PARAM: the flags; ERR_CONFIG and ERR_IO: a file. */
MUST_CHECK int endpoint_find(struct arena *a, const struct endpoint_options *opt, char *const *env, struct input *in,
			     struct endpoint *ret, struct err *err);
/* Why nobody took the connection, for people, with a hint. */
void endpoint_explain(const struct endpoint *e, const char *detail, struct err *err);

#endif
