/* tests/support/outbox_drive.h - an outbox_world whose nodes show a chain in memory, moved turn by turn.
 *
 * Nothing is waited for: a turn polls the chain, does all that follows from it, and ends when nothing is under way.  Time
 * passes when a test says so, on both clocks. */
#ifndef TESTS_SUPPORT_OUTBOX_DRIVE_H
#define TESTS_SUPPORT_OUTBOX_DRIVE_H

#include "tests/support/evm_node.h"
#include "tests/support/outbox_world.h"

#define OUTBOX_NODES_MAX 2

extern struct outbox_drive {
	struct evm_chain *chain;
	struct evm_node *nodes[OUTBOX_NODES_MAX];
	size_t n_nodes; /* 1 at first; takes effect when the world comes up again */
} outbox_drive;

/* Fixtures.  After setup the lane has ether, and lane and space have been found well.  Teardown audits the tables. */
void outbox_drive_setup(void);
void outbox_drive_teardown(void);
/* As a process that ends and starts; whatever a test has changed in outbox_world and outbox_drive is in force then. */
void outbox_drive_again(void);

void outbox_turn(void);
void outbox_turns(unsigned n);
/* A block, and a turn. */
void outbox_block(void);
void outbox_blocks(unsigned n);
/* Time passes, the task is run as the daemon does it, and a turn. */
void outbox_pass(int64_t ms);
/* Until nothing is under way. */
void outbox_quiet(void);

/* A directive of outbox_request(), accepted, and the outbox told so. */
struct outbox_appended outbox_add(const char *directive_id);
/* "d0" to "d<n-1>", unordered or of as many accounts. */
void outbox_add_many(unsigned n);
/* Until it is in the pool of the chain. */
struct directive_row outbox_submitted(const char *directive_id);

struct evm_address outbox_relayer(void); /* of the first lane */
struct evm_address outbox_signer(void);  /* of the first space */
struct slot_row outbox_slot(uint64_t nonce);
unsigned outbox_slot_count(void); /* open ones of the chain */
/* The value of a metric now. */
uint64_t outbox_metric(const char *name, const char *labels);
/* A gauge, as it is written for Prometheus. */
const char *outbox_gauge(const char *name, const char *labels);
/* Directives of the first space in this status. */
uint64_t outbox_tally(enum delivery_status s);

#define IS(id, expected)                                                                                               \
	ck_assert_str_eq(delivery_status_name(outbox_world_row(id).status), delivery_status_name(expected))

#endif
