/* tests/peers/testmint/front.h - the mint's HTTP face on 127.0.0.1, and the faults that happen on the wire.
 *
 * Every request is answered in two steps, acting and replying, either of which a fault may put off, leave out or spoil. */
#ifndef TESTS_PEERS_TESTMINT_FRONT_H
#define TESTS_PEERS_TESTMINT_FRONT_H

#include <stdint.h>

#include "base/net/loop.h"
#include "tests/peers/testmint/mint.h"

struct front;

/* port 0: any free one.  loop and mint must outlive the front. */
MUST_CHECK int front_new(struct loop *loop, struct mint *m, uint16_t port, struct front **ret, struct err *err);
/* Requests that are not answered yet see their connection closed. */
void front_free(struct front *f);
uint16_t front_port(const struct front *f);

#endif
