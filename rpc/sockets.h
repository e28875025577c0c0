/* rpc/sockets.h - the listening sockets: a unix socket and a TCP one of our own making, and those of socket activation.
 *
 * What is made listens already, does not block and is closed on exec.  Errors: ERR_CONFIG, what was asked for cannot be;
 * ERR_IO.  On an error nothing is left behind, but a descriptor that was passed stays open. */
#ifndef RPC_SOCKETS_H
#define RPC_SOCKETS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum transport { TRANSPORT_UNIX = 1, TRANSPORT_TCP };

struct listen_socket {
	int fd; /* -1: whoever accepts on it closes it */
	enum transport transport;
	gid_t group;   /* of the file of a unix socket, whose members may connect; (gid_t)-1: there is no file */
	unsigned port; /* of TCP */
	char *path;    /* of a file that we made, to remove it; else NULL */
	dev_t dev;
	ino_t ino;
};

/* Mode 0660; group: (gid_t)-1 as it comes.  A file that nobody answers on is replaced. */
MUST_CHECK int sockets_make_unix(const char *path, gid_t group, struct listen_socket *ret, struct err *err);
/* where: "127.0.0.1:8338", "[::1]:8338"; loopback only; port 0 takes any. */
MUST_CHECK int sockets_make_tcp(const char *where, struct listen_socket *ret, struct err *err);
/* One that was made for us: whoever made it answers for mode and address, but not beyond this machine. */
MUST_CHECK int sockets_take(int fd, struct listen_socket *ret, struct err *err);
/* Removes the file, unless it is a successor's, and closes. */
void sockets_close(struct listen_socket *s);

#endif
