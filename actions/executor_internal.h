/* actions/executor_internal.h - what executor.c, drive.c, drive_exchange.c and start.c share.  Nobody else includes this. */
#ifndef ACTIONS_EXECUTOR_INTERNAL_H
#define ACTIONS_EXECUTOR_INTERNAL_H

#include "actions/executor.h"
#include "actions/peer_load.h"
#include "actions/waiters.h"
#include "base/net/json_call.h"
#include "chain/source.h"
#include "store/due.h"

#define STEP_ARENA_MAX (32 * 1024 * 1024) /* above the largest reply that base/net lets through, parsed */

struct cancel {
	void (*done)(void *ctx, const struct err *err);
	void *ctx;
	struct err err; /* the answer; ERR_NONE when it took effect */
	struct cancel *next;
};

/* One action in flight. */
struct drive {
	struct executor *ex;
	struct arena arena;
	struct step step;
	const struct action_kind *kind;
	struct peer_load *peer;          /* where it is counted, or NULL */
	const struct net_reply *reply;   /* during the reply unit only, as the next */
	const struct chain_answer *told; /* of a state that asks the chain */
	struct http_call *call;
	struct json_call *plain_call; /* of a request that is plain JSON */
	struct chain_ask *ask;
	struct outcome outcome;
	struct err trouble; /* what the second unit is to record */
	char *first_run;    /* double drive: what the first run came to */
	bool net_unknown;   /* the exchange of this step may have been delivered */
	bool again;         /* kicked while in flight */
	bool moved;         /* the state is one that this drive has come to */
	struct cancel *cancels;
	struct drive *next, *prev;
};

/* Beside each of opt.kinds. */
struct kind_state {
	struct metric *by_tag[OUTCOME_TROUBLE + 1];
	char *next_peer; /* where the search for what is due goes on; NULL at the beginning */
};

struct executor {
	struct executor_options opt;
	struct keyring *keys;
	struct due_guard *guard;
	struct waiters *waiters;
	struct timer *wake;
	struct drive *drives;
	struct cancel *answers; /* to be told in the next turn */
	struct peer_loads peers;
	struct kind_state *per_kind;
	size_t n_kinds, first_kind;
	bool others_due; /* in a unit that may still have to become durable */
	bool stopping, pump_posted, hungry, double_drive;
	int64_t hold_until_us; /* by clock_mono_us(): the store refused a step and is left alone */
	struct log log;
	struct executor_stats stats;
};

/* executor.c */
bool executor_may_drive(struct executor *ex);
bool executor_has_keys_for(const struct executor *ex, const struct action_kind *kind);
void executor_pump_soon(struct executor *ex);
/* Can this peer (NULL: none) take no other drive? */
bool executor_peer_is_full(const struct executor *ex, const char *peer);
void executor_answer(struct executor *ex, struct cancel *c, const struct err *err); /* NULL: it took effect */
void executor_pump_children(struct executor *ex); /* if any was started since the last call */
/* Parked for somebody outside?  An action that only waits for its own child is still at work. */
bool executor_at_rest(struct executor *ex, const struct action_row *row);

/* drive.c */
/* Claims and loads it.  NULL: in flight already, no room, ended, its peer is full, or not one of our kinds. */
struct drive *drive_new(struct executor *ex, const struct action_id *id);
void drive_free(struct drive *d); /* as if the process had stopped here */
void drive_step(struct drive *d); /* one step, and on from there */
void drive_end(struct drive *d);  /* nothing more to do for now */
/* The checkpoint of the row, into the step. */
MUST_CHECK int drive_load(struct drive *d, struct err *err);
/* The reply unit, with what came back, or NULL for nothing; d may be gone or in its next step afterwards. */
void drive_reply(struct drive *d, const struct net_reply *rep, const struct chain_answer *told);
void drive_trouble(struct drive *d, const struct err *why);

/* drive_exchange.c */
/* What the state of the step asks, if anything; drive_reply() or drive_trouble() follow. */
void drive_exchange(struct drive *d);

/* start.c */
const struct state_def *kind_state(const struct action_kind *k, int state); /* NULL when there is none */
MUST_CHECK int action_event(struct step *s, const struct action_kind *k, const char *event, struct err *err);

#endif
