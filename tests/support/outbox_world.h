/* tests/support/outbox_world.h - an outbox with a chain and a space; store, loop, http and keys are the real ones.
 *
 * The chain is 31337, the keys those of the public test mnemonic, the contract the one of the vectors, and the one endpoint
 * is `node`, which answers 404 until a test scripts it; nothing is asked while the loop does not run.  Time stands still.
 * Trouble with the set-up fails the test. */
#ifndef TESTS_SUPPORT_OUTBOX_WORLD_H
#define TESTS_SUPPORT_OUTBOX_WORLD_H

#include <check.h>

#include "base/json.h"
#include "outbox/outbox.h"
#include "tests/support/http_peer.h"
#include "tests/support/scratch.h"

#define OUTBOX_NOW_MS  INT64_C(1700000000000)
#define OUTBOX_CHAIN   31337
#define OUTBOX_ACCOUNT "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"

extern struct outbox_world {
	struct scratch disk;
	struct loop *loop;
	struct http *http;
	struct http_peer *node;
	struct keyring *keys;
	struct outbox *ob;
	struct arena arena; /* for the test */
	/* What outbox_world_up() builds from; a test may change it and come up again. */
	const char *url;
	struct outbox_chain_config chain;
	struct outbox_space_config spaces[3];
	struct outbox_options opt;
	int64_t flush_after_ms; /* 0: a group of units commits at the end of the turn, as in the daemon */
	bool locked;            /* the wallet's keys are not given */
	/* Run when the loop is there and the outbox is not: whoever brings its own nodes gives their URLs; and after its end. */
	void (*nodes_up)(void), (*nodes_down)(void);
} outbox_world;

/* Fixtures. */
void outbox_setup(void);
void outbox_teardown(void);
/* What outbox_setup() does before it comes up. */
void outbox_world_prepare(void);
/* All but the disk, as a process does that ends and starts. */
void outbox_world_up(void);
void outbox_world_down(void);
void outbox_world_again(void);

/* A withdrawal of OUTBOX_ACCOUNT with a payload that nobody looks into. */
struct outbox_append outbox_request(const char *directive_id);
/* In a unit of its own that becomes durable. */
struct outbox_appended outbox_world_append(const struct outbox_append *in);
/* The same, which fails; with what, until the next. */
const struct err *outbox_world_append_fails(const struct outbox_append *in, enum err_code why, const char *field);

struct evm_address outbox_address(const char *text);
int64_t outbox_space_id(void); /* of the first space */
int64_t outbox_lane_id(void);  /* of the first lane */
struct directive_row outbox_world_row(const char *directive_id);

/* Committed events of these kinds (as in event_list()) and this subject, or any when NULL. */
unsigned outbox_events(const char *kinds, const char *subject);
/* The data of the newest one.  There is one. */
json_t *outbox_last_event(const char *kinds, const char *subject);

/* Turns the loop until this is so. */
void outbox_run_until(bool (*cond)(void));

#endif
