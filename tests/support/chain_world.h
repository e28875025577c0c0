/* tests/support/chain_world.h - a loop, an HTTP client and a chain source over backends that a test scripts, and a way to ask
 * it and wait. */
#ifndef TESTS_SUPPORT_CHAIN_WORLD_H
#define TESTS_SUPPORT_CHAIN_WORLD_H

#include <check.h>

#include "chain/source.h"

struct chain_world {
	struct loop *loop;
	struct http *http;
	struct chain_source *source;
	struct arena arena; /* of the test */
	struct chain_options opts;
	struct chain_backend_options backends[CHAIN_BACKENDS_MAX];
};
extern struct chain_world cw;

/* A fixture: all but the backends and the source, which chain_world_open() makes of opts and backends.  By default: regtest,
 * bitcoind, rests of 1 s, exchanges of 5 s. */
void chain_world_setup(void);
void chain_world_teardown(void);
void chain_world_open(void);

/* Run until the question is answered; look, unless NULL, sees the answer while it lives.  Returns its error. */
struct err chain_world_wait(struct chain_ask *(*ask)(struct chain_then then),
			    void (*look)(const struct chain_answer *got));
void chain_world_run_for(int64_t ms);

#endif
