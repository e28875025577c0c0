/* exit/exit.h - unilateral exits: a VTXO becomes money on chain, with nobody's leave (spec/exit.md).
 *
 * An exit belongs to a VTXO, and goes on when everything else is off: it needs a chain source and confirmed coins, no server.
 * The third driver over the store: units, versions, wake times, back-off, failpoints and events are those of the executor
 * and of the outbox.
 *
 * How it is built.  The follower of the chain writes down what it sees of the outputs that an exit watches.  A step reads
 * that (gather.h), decides (step.h: a pure function), and writes what follows in one unit: the state, its history, the child
 * that pays and the coins that it spends.  Only then is anything sent, from what was stored; what a node says to it is one
 * more unit.  A crash anywhere costs nothing but time.
 *
 * One thread; nothing here blocks. */
#ifndef EXIT_EXIT_H
#define EXIT_EXIT_H

#include "base/net/loop.h"
#include "base/network.h"
#include "chain/source.h"
#include "exit/status.h"

struct exits;
struct keyring;

struct exits_options {
	struct loop *loop;
	struct store *store;
	struct chain_source *chain;
	enum network network;
	bool single_chain;           /* change goes to receiving scripts, as in bark's own wallet */
	struct feerate max_feerate;  /* a package pays no more; 500 sat/vB */
	struct sat max_fee_per_tick; /* when children of a minute pay so much, others wait for the next; 0: no limit */
	uint32_t bump_after;         /* exit_bump_after: blocks that a child may wait before it pays more (3.6); 3 */
	uint32_t margin;             /* vtxo_exit_margin: blocks that must be left before a VTXO expires; 12 */
	unsigned final_confs;        /* exit_confirmations: of a claim, after which it is over; 6 */
	/* Something was given to a node, or new outputs are watched: the follower should look.  NULL: nobody is told. */
	void (*sent)(void *ctx);
	/* Is all known that blocks have (follower_has_arrived())?  Until then nothing is decided; exits_kick() when it is.  NULL:
	 * always. */
	bool (*knows_chain)(void *ctx);
	void *ctx;
};
struct exits *exits_new(const struct exits_options *opt);
void exits_free(struct exits *x); /* cancels what is in flight; safe at any time; NULL is fine */
/* The unlocked wallet's keys, or NULL: then exits are followed and sent again, and nothing new is paid for. */
void exits_set_keys(struct exits *x, struct keyring *keys);
struct keyring *exits_keys(const struct exits *x);
/* The task: every live exit that is due makes its steps.  Timer-driven, and at start. */
void exits_run(struct exits *x);
/* The chain has moved, or a person has changed something: all live exits are looked at. */
void exits_kick(struct exits *x);
/* The same, and claims that were made are sent. */
void exits_claims_kick(struct exits *x);
/* Nothing new is sent; what is on its way may end. */
void exits_stop(struct exits *x);
bool exits_idle(const struct exits *x);

struct exits_stats {
	uint64_t runs, failures;
	unsigned backlog;  /* due, at most EXITS_BACKLOG_MAX */
	unsigned inflight; /* questions to a node */
	int64_t last_run_ms, last_success_ms;
	struct err last_error;
};
#define EXITS_BACKLOG_MAX 10000
void exits_stats(const struct exits *x, struct exits_stats *ret);

/* --- what people ask for; each in the caller's unit, which may do more.  Call exits_kick() when it is durable. --- */

/* An exit of this VTXO.  1 begun, 0 one lives already (*ret_id is that), -1: ERR_NOT_FOUND; ERR_VTXO_DUST or ERR_VTXO_SCRIPT (nodes
 * do not relay it; allow_non_standard begins it all the same, but for dust); ERR_CONFLICT: it is spent, claimed, or held by
 * an action.  rate: instead of the network's, or NULL. */
struct exit_order {
	struct outpoint vtxo;
	bool allow_non_standard;
	const struct feerate *rate;
};
MUST_CHECK int exit_start(struct unit *u, struct arena *a, const struct exit_order *o, int64_t now_ms, int64_t *ret_id,
			  struct err *err);
/* Gives it up, as long as nobody has its last transaction; again is fine.  ERR_NOT_FOUND: there is none; ERR_NOT_CANCELLABLE says
 * why.  What was sent of its other transactions stays sent. */
MUST_CHECK int exit_cancel(struct unit *u, struct arena *a, const struct outpoint *vtxo, int64_t now_ms,
			   struct err *err);
/* From now on this rate instead of the network's; NULL: the network's.  ERR_NOT_FOUND: no exit lives. */
MUST_CHECK int exit_set_feerate(struct unit *u, struct arena *a, const struct outpoint *vtxo,
				const struct feerate *rate, int64_t now_ms, struct err *err);

#endif
