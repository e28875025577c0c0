/* exit/auto.h - exits that begin without being asked for.  Implements the policy auto_exit of issue 5, and the detection of
 * exits that somebody else has begun (spec/exit.md 1.7, [X-12]; spec/ark-flows.md 5.2).
 *
 * A pass looks at each VTXO that is spendable or locked, and begins its exit
 *   when its own transaction is on chain or in a mempool, whoever put it there: then it can only be claimed;
 *   when its server is lost, or (AUTO_EXIT_ON) when its deadline has come, and it is worth what its exit costs now.  What it
 *   costs is known when a node has said what others have mined (plan_look.h): the pass asks, and decides when the answer has
 *   come.  Where none comes all counts as to be paid for, and exit.auto_unasked tells of it.
 * Of one whose deadline comes it is told (exit.deadline), whatever the policy.  One that an action holds is left to it.  Nothing is sent here: the exits' own task does what follows. */
#ifndef EXIT_AUTO_H
#define EXIT_AUTO_H

#include "chain/source.h"
#include "store/store.h"

enum auto_exit { /* in the order of the choices in conf/options.c */
		 AUTO_EXIT_OFF = 0,
		 AUTO_EXIT_LOST, /* those of lost servers */
		 AUTO_EXIT_ON    /* and those whose deadline has come */
};

struct auto_exit_options {
	struct store *store;
	struct chain_source *chain;
	enum auto_exit policy;
	uint32_t margin;      /* blocks to spare before a VTXO expires */
	struct feerate limit; /* the most that is ever paid */
	struct exits
		*exits; /* what they have put on chain is claimed (exit/auto_claim.h); or NULL: only when asked for */
	/* An exit has begun, and is durable; or NULL.  One pass begins a few: the next one is to run soon. */
	void (*begun)(void *ctx);
	void *ctx;
};
struct auto_exits;
struct auto_exits *auto_exits_new(const struct auto_exit_options *opt);
void auto_exits_free(struct auto_exits *x); /* NULL is fine */
/* A task's run: a pass.  -1: the store cannot be read or written. */
int auto_exits_run(void *auto_exits, struct err *err);
/* Is something of a pass still to be decided? */
bool auto_exits_is_asking(const struct auto_exits *x);

#endif
