/* tests/support/ark_server.h - the other party of an Ark: what a server signs when a test asks it to.
 *
 * It checks nothing and keeps nothing; errors are those of the primitives. */
#ifndef TESTS_SUPPORT_ARK_SERVER_H
#define TESTS_SUPPORT_ARK_SERVER_H

#include "rails/ark/arkoor.h"
#include "rails/ark/cosign.h"

/* The server's half of what the user sent this nonce for. */
MUST_CHECK int ark_server_half(const struct ark_cosigned *c, const struct secret *server,
			       const struct musig_pubnonce *user, struct ark_half *ret, struct err *err);
/* Of every transaction of an arkoor, against the user's nonces for them.  Arena-owned. */
MUST_CHECK int ark_server_arkoor(struct arena *a, const struct arkoor *k, const struct secret *server,
				 const struct musig_pubnonce *user, struct arkoor_cosign *ret, struct err *err);

#endif
