/* actions/action.h - the vocabulary of actions (design.md section 5).
 *
 * A kind is a table of states.  A state makes at most one exchange:
 *
 *   prepare  optional; in a unit of its own that is durable before anything is sent: counts an attempt, draws a counter
 *   enter    builds the request from the checkpoint and rows that the action owns; writes nothing; entering twice gives
 *            the same bytes
 *   reply    in a unit: reads the answer, writes coins, ledger and events, changes the checkpoint, returns the outcome,
 *            which is saved in that same unit
 *
 * A state without enter makes no exchange: its reply is called with rep == NULL.  enter may also return NOTHING_TO_ASK to
 * skip the exchange (reply gets NULL).
 *
 * What is asked of the block chain goes to whichever node is fit, in exchanges that are chain/source.h's affair.  A state
 * that does so has `ask` in place of enter and `told` in place of reply, under the same rules; its question is a value.
 *
 * A living action can be changed from outside where its kind has `amend`: that runs in the unit of whoever asks, as start
 * does, and a step in flight is then dropped, as if another daemon had been quicker.
 *
 * Only outcome_*() make a struct outcome.  Every state must be re-entrant: run again
 * from its checkpoint any number of times, with the same effect as once. */
#ifndef ACTIONS_ACTION_H
#define ACTIONS_ACTION_H

#include "base/amount.h"
#include "base/http_msg.h"
#include "base/json.h"
#include "base/log.h"
#include "base/network.h"
#include "base/params.h"
#include "store/action_store.h"

struct chain_answer;
struct chain_source;
struct executor;
struct keyring;
struct lightning;
struct ln_backend;
struct ln_node;
struct tx;

/* … for the on-chain wallet. */
struct onchain_policy {
	enum network network;
	unsigned confirmations;     /* a send is done when a block has it and so many with that one */
	struct feerate max_feerate; /* above this it is taken for a mistake */
	bool spend_change;          /* change of ours is spent before a block has it */
	struct sat exit_reserve;    /* stays on chain when others are paid: onchain_reserve.h */
	bool single_chain;          /* change goes to the addresses for receiving, as other wallets have it */
};

/* How much ecash may be kept at a mint. */
struct mint_limit {
	const char *mint; /* normalised URL; NULL: at each that has no limit of its own */
	struct currency unit;
	uint64_t max;
};

/* … for splices of the Lightning node's channels. */
struct splice_policy {
	const struct ln_backend *backend; /* of the node */
	const struct ln_node *node;       /* how it is reached; borrowed */
	uint32_t attempts, disconnects;
	int64_t deadline_ms; /* 0: none */
	int64_t unseen_ms;   /* a node that takes a splice as a whole is asked once more after it */
};

/* The operator's standing wishes, from the configuration. */
struct action_policy {
	struct onchain_policy onchain;
	struct splice_policy splice;
	bool require_dleq;   /* no mint without NUT-12, and no token without its proofs of honesty */
	bool trust_any_mint; /* a token's mint is added without being asked */
	const struct mint_limit *mint_limits;
	size_t n_mint_limits;
};

/* What a state's functions see.  Everything they allocate goes into arena and dies with the step. */
struct step {
	struct arena *arena;
	struct view view;      /* reads: inside the unit when one is open, else committed state */
	struct unit *unit;     /* open in start, prepare, reply, cancel, on_retry, on_rejection; NULL in enter */
	struct action_row row; /* the action as loaded */
	void *checkpoint;      /* the kind's own struct */
	int64_t now_ms;
	struct log log;
	const struct action_kind *kind;
	struct keyring *keys;
	const struct action_policy *policy;
	struct chain_source *chain;        /* NULL: no node is configured */
	const struct lightning *lightning; /* what the node has told of itself; NULL: there is no node */
	struct executor *executor;
	bool dry_run; /* start and amend only: the unit will be rolled back */
	json_t *plan; /* start and amend only: what would happen, for dry_run and the caller; an object held by arena */
};

enum outcome_tag { OUTCOME_NEXT = 1, OUTCOME_PARK, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_TROUBLE };

struct outcome {
	enum outcome_tag tag;
	int state;
	int64_t wake_at_ms;
	json_t *result;
	bool cancelled;
	const char *funds_moved;
	struct err err;
};
/* The checkpoint as it now is, in this state: saved, and driven on. */
struct outcome outcome_next(int state);
/* Saved in this state and left until wake_at_ms (ACTION_NO_WAKE: until a kick).  A hint: early calls must be harmless. */
struct outcome outcome_park(int state, int64_t wake_at_ms);
/* The same, telling why. */
struct outcome outcome_park_error(int state, int64_t wake_at_ms, const struct err *err);
/* Ended well.  Coins still locked by the action are released, its row moves to the archive with this result. */
struct outcome outcome_done(json_t *result);
/* Ended without: only when no change happened at the peer, or the peer's state was checked.  funds_moved: "no", "yes",
 * "unknown". */
struct outcome outcome_failed(const struct err *err, const char *funds_moved);
struct outcome outcome_cancelled(const struct err *why);
/* An error in the making of the step: its writes are rolled back and its class chooses.  TRANSIENT: on_retry.  REJECTED:
 * on_rejection.  CONFLICTING: our copy is dropped.  STORE: the executor waits for the store.  INVALID and BUG: parked
 * with back-off and shown in attention; an action is never thrown away for our own mistake. */
struct outcome outcome_trouble(const struct err *err);
/* What happens to a transient trouble by itself: parked where it is, for retries squared seconds, at most 10 minutes, or
 * for as long as the peer asked. */
struct outcome outcome_retry(const struct step *s, const struct err *why);

#define NOTHING_TO_ASK 1

/* What a state asks of the block chain: one of these, in the step's arena. */
struct chain_question {
	const struct tx *broadcast;     /* give it to a node, as chain_ask_broadcast() */
	const struct outpoint *unspent; /* is it, as chain_ask_spends() without looking through blocks? */
};

struct state_def {
	const char *name;
	int (*prepare)(struct step *s, struct err *err);
	int (*enter)(struct step *s, struct net_request *ret, struct err *err); /* 0, NOTHING_TO_ASK or -1 */
	struct outcome (*reply)(struct step *s, const struct net_reply *rep, struct err *err);
	int (*ask)(struct step *s, struct chain_question *ret, struct err *err); /* as enter */
	struct outcome (*told)(struct step *s, const struct chain_answer *got, struct err *err);
	/* Not 0: what the peer has of this state dies with our end of it (a negotiation, a connection).  An action that is
	 * found here by a new drive, after a crash as after a park, goes to that state instead of going on. */
	int resume_at;
	bool uncertain;   /* a request of this state may have acted: trouble here shows as `uncertain` */
	bool cancellable; /* a cancel here can be expected to work */
};

struct action_kind {
	const char *name;
	const char *summary; /* one line for help */
	const struct param *params;
	const struct state_def *states; /* indexed by state number from 1 */
	int n_states;                   /* highest state number + 1 */
	bool internal;                  /* started by other actions only */
	bool needs_keys;                /* refuse to start without an unlocked wallet */
	bool keyless;       /* once started its steps go on while the wallet is locked: s->keys may be NULL in them */
	const void *family; /* what state functions that several kinds share need to know of this one */

	/* Validate, reserve coins, set checkpoint; the row is created in the same unit.  May set s->row.id (identity), .peer;
	 * returns the first state or -1.  params were checked against the table. */
	int (*start)(struct step *s, const json_t *params, struct err *err);
	/* Checkpoint to JSON (a new object held by the arena) and back. */
	json_t *(*save)(struct step *s);
	int (*load)(struct step *s, const json_t *checkpoint, struct err *err);
	/* NULL: park for retries squared seconds, at most 10 minutes. */
	struct outcome (*on_retry)(struct step *s, const struct err *why, struct err *err);
	/* NULL: the action fails with the peer's words; only right when a refusal leaves nothing behind in any state. */
	struct outcome (*on_rejection)(struct step *s, const struct err *why, struct err *err);
	/* NULL: not cancellable.  outcome_trouble(ERR_NOT_CANCELLABLE) refuses and changes nothing. */
	struct outcome (*cancel)(struct step *s, struct err *err);
	/* Change it as params (checked against amend_params) ask for; returns the state it goes on in, or -1.  NULL: nothing
	 * about it can be changed. */
	int (*amend)(struct step *s, const json_t *params, struct err *err);
	const struct param *amend_params;
	/* What a living action has to show already (an invoice to pay, a token to hand over), as an object held by the arena,
	 * or NULL.  Bearer secrets only when secrets is true. */
	json_t *(*progress)(struct step *s, bool secrets);
	/* What an operator should know about this action in its state: one sentence for action.explain; may be NULL. */
	const char *(*explain)(struct step *s);
};
extern const struct action_kind *const action_kinds[]; /* kinds.c; ends with NULL */
const struct action_kind *action_kind_of(const struct action_kind *const *kinds, const char *name); /* or NULL */

/* Start a child in the open unit; the caller parks, and is woken in the unit that ends the child.  Its id derives from the
 * parent's id and version, so that a step that runs twice starts one child. */
MUST_CHECK int step_start_child(struct step *s, const char *kind, json_t *params, struct action_id *ret,
				struct err *err);
/* Another action has something to see when the open unit is durable. */
MUST_CHECK int step_wake(struct step *s, const struct action_id *id, struct err *err);

#endif
