/* tests/support/socks_peer.h - a SOCKS5 proxy on loopback for tests: notes the name it is asked for and either answers
 * with a refusal or carries the connection to one fixed port of this machine.  Broken set-up aborts. */
#ifndef TESTS_SUPPORT_SOCKS_PEER_H
#define TESTS_SUPPORT_SOCKS_PEER_H

#include "base/net/loop.h"

struct socks_peer;

/* answer: the reply code of RFC 1928 (0 grants, 5 is "connection refused"), or -1 to close without one. */
struct socks_peer *socks_peer_new(struct loop *loop, int answer, int to_port);
void socks_peer_free(struct socks_peer *p);
const char *socks_peer_url(const struct socks_peer *p); /* socks5h://… */
const char *socks_peer_asked(
	const struct socks_peer *p); /* the last "name:port", "" before; "address" for an address */
unsigned socks_peer_connections(const struct socks_peer *p);

#endif
