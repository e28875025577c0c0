/* tests/support/work_world.h - an executor with kinds of the test's own; store, loop and net are the real ones.
 *
 * Kind "work" does what its parameter `do` spells, one letter a step, and each step that got through leaves one "effect"
 * event: counting those tells what happened, and how often.  The letters:
 *
 *   l  nothing, and on          a  asks the peer            c  starts a child that does "lad"
 *   d  is done                  q  counts a try, asks       w  waits until no child lives
 *   f  fails                    -  asks nothing after all   g  waits for work_play.gate
 *   u  the undoing of a cancel  e  cannot make its request  t  waits for ten seconds
 *   b  a mistake of ours        i  input that is wrong      s  the store fails
 *   n  gives the node a transaction          o  would, but has nothing to ask after all
 *   v  asks in a state that dies with the drive, and counts how often it came there
 *   j  asks in plain JSON, where nobody listens
 *   r, A, N  are not re-entrant: what they save, what they ask is different each time
 *
 * Amended, it does from then on what the new `do` says; "x" is refused.
 * "other" is the same kind again, without cancel and amend; "inner" is internal; "locked" needs keys; "hooked" has its own ways with
 * retries and rejections.  Time stands still unless work_pass() moves it.  Trouble with the set-up fails the test. */
#ifndef TESTS_SUPPORT_WORK_WORLD_H
#define TESTS_SUPPORT_WORK_WORLD_H

#include "actions/executor.h"
#include "tests/support/fake_bitcoind.h"
#include "tests/support/scratch.h"

#define WORK_NOW_MS INT64_C(1700000000000)

enum { WORK_LOCAL = 1, WORK_ASK, WORK_COUNTED, WORK_NODE, WORK_VOLATILE }; /* the states */

extern struct work_world {
	struct scratch disk;
	struct loop *loop;
	struct http *http;
	struct http_peer *peer;
	struct fake_bitcoind *node;
	struct chain_source *chain;
	struct executor *ex;
	struct arena arena;
	const char *url; /* where asking goes */
	bool shared;     /* read by work_up(), as the next */
	bool no_chain;   /* no node is configured */
} work_world;

/* What a test may change while things run, and what it may look at afterwards. */
extern struct work_play {
	bool gate;                           /* is what 'g' waits for there? */
	bool no_cancel;                      /* cancel refuses */
	bool cancel_undoes;                  /* cancel goes to 'u' first */
	void (*meanwhile)(struct step *s);   /* runs inside of 'g', after it has looked */
	unsigned asking, most_asking;        /* requests under way */
	unsigned asking_of[26], most_of[26]; /* by the last letter of the peer */
	int runs;                            /* of 'r' and 'A' */
	const char *order[64];               /* kinds, as their steps ran */
	unsigned n_order;
} work_play;

/* Fixtures.  work_up() and work_down() make and end all but the disk, as a process does that starts and ends. */
void work_setup(void);
void work_teardown(void);
void work_up(void);
void work_down(void);
void work_executor_up(void);

/* What the peer answers from now on. */
void work_peer_says(int status, const char *headers, int64_t delay_ms);

/* Starts one and kicks it. */
struct action_id work_start(const char *todo);
struct action_id work_start_of(const char *kind, const char *todo);
struct action_id work_start_params(const char *kind, const char *params);
/* The unit by itself. */
struct work_starting {
	const char *kind, *params;
	bool dry_run, existing;
	struct action_id id;
	json_t *plan;
};
int work_start_unit(struct unit *u, void *starting, struct err *err);

/* Amends it and kicks it; params of NULL: none. */
struct work_amending {
	struct action_id id;
	const char *params;
	bool dry_run;
	json_t *plan;
};
int work_amend_unit(struct unit *u, void *amending, struct err *err);

struct action_row work_row(const struct action_id *id);
/* How many committed events there are of these kinds (as in event_list()) and of this subject, or of any when NULL. */
unsigned work_events(const char *event_kinds, const char *subject);
/* Effects of an action's step; of all when id is NULL. */
unsigned work_effects(const struct action_id *id, int at);
struct executor_stats work_stats(void);

/* Turns the loop until this is so. */
void work_run_until(bool (*cond)(void));
bool work_is_idle(void);
bool work_is_asking(void);
/* Until nothing is in flight and nothing due. */
void work_settle(void);
/* Time passes, and whatever has become due is driven. */
void work_pass(int64_t ms);

#endif
