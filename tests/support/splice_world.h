/* tests/support/splice_world.h - the kinds of splices on an executor of their own, with the scripted node of fake_cln.h, a chain of
 * numbered blocks in the tables, and a clock that stands still. */
#ifndef TESTS_SUPPORT_SPLICE_WORLD_H
#define TESTS_SUPPORT_SPLICE_WORLD_H

#include "actions/executor.h"
#include "lightning/node.h"
#include "store/funding_store.h"
#include "store/splice_store.h"
#include "tests/support/fake_cln.h"
#include "tests/support/scratch.h"

#define SPLICE_WORLD_NOW_MS INT64_C(1700000000000)

extern struct splice_world {
	struct scratch disk;
	struct fake_cln_state *node; /* lives through splice_world_down() and the death of a child */
	struct executor *ex;
	struct lightning *lightning;
	struct arena arena;
} sw;

/* Fixtures.  down and up are a process that ends and starts: the disk and the node stay. */
void splice_world_setup(void);
void splice_world_setup_whole(void); /* the node takes splices as a whole: whole_backend.h */
void splice_world_teardown(void);
void splice_world_up(void);
void splice_world_down(void);

/* Starts one and drives it as far as it goes; it must be accepted. */
struct action_id splice_world_start(const char *kind, const char *params);
/* Must be refused, with this; the error. */
struct err splice_world_refused(const char *kind, const char *params, enum err_code code);
/* Until nothing is in flight and nothing due. */
void splice_world_settle(void);
/* Time passes, step by step, and what becomes due is driven. */
void splice_world_pass(int64_t ms);
/* A block is on top: empty, or with this round of the node's in it. */
void splice_world_mine(int flight);
/* … with a transaction in it that spends the funding and is none of the node's rounds: a close. */
void splice_world_mine_close(void);
/* So many empty ones at once. */
void splice_world_mine_empty(unsigned n);
/* The node's own round is asked about, and what follows from that. */
void splice_world_look(void);
/* A transaction of our own bitcoind's mempool spends the channel's funding, and nobody here has seen it yet; -1: it does not
 * answer.  It stays so until splice_world_unspent(). */
void splice_world_spent(int says);
void splice_world_unspent(void);
/* Our own bitcoind takes what it is given, or says that the fee is too low; how often it was given something. */
void splice_world_mempool(bool takes);
unsigned splice_world_sent(void);
/* A mempool has it. */
void splice_world_pool(int flight);
/* The tip goes. */
void splice_world_unmine(void);
/* Cancels; ERR_NONE: it took effect. */
enum err_code splice_world_cancel(const struct action_id *id);

struct action_row splice_world_row(const struct action_id *id);
/* How many events of this kind there are. */
unsigned splice_world_events(const char *kind);
/* The data of the last of them, as JSON; "": there is none. */
const char *splice_world_last_event(const char *kind);
/* The living splice of the channel; false: there is none. */
bool splice_world_living(struct splice_row *ret);
/* The payment of the channel; there is one. */
struct funding_payment splice_world_payment(void);

#endif
