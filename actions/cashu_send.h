/* actions/cashu_send.h - the parts of a send (spec/cashu.md 4.5), for the files that it is made of:
 *
 *	cashu_send.c        the kind: its token, who claims it, and its hooks
 *	cashu_send_plan.c   from which mint, with which notes
 *	cashu_send_pay.c    whom it is for, when a payment request says so (NUT-18), and its delivery there
 *	cashu_send_back.c   taking an unclaimed token back */
#ifndef ACTIONS_CASHU_SEND_H
#define ACTIONS_CASHU_SEND_H

#include "actions/cashu_exchange.h"
#include "actions/cashu_lock.h"

enum send_state { /* stored: append, never renumber */
		  SEND_PROOFS_RESERVED = 1,
		  SEND_TOKEN_CREATED = 2,
		  SEND_ROLLING_BACK = 3,
		  SEND_RECLAIM_SYNCING = 4,
		  SEND_RECLAIM_DRAWING = 5,
		  SEND_RECLAIM_REQUESTED = 6,
		  SEND_RECLAIM_CHECKING = 7,
		  SEND_RECLAIM_RESTORING = 8,
		  SEND_DELIVERING = 9
};

#define WATCH_FIRST_MS (30 * 1000)
#define WATCH_LAST_MS  (3600 * 1000)

struct send {
	struct cashu_place at;
	struct exchange x;
	uint64_t amount;
	bool include_fee;
	const char *memo;
	json_t *lock;              /* what the token is locked to (actions/cashu_condition.h), or NULL */
	struct lock_opener opener; /* for taking it back */
	const char *request;       /* that it pays (NUT-18), or NULL */
	uint32_t deliveries;       /* tries of bringing the token there */
	bool delivered;            /* the payee has said thanks */
	bool refused;              /* … or no */
	struct action_id swap;     /* the child, or empty */
	uint64_t swap_fee;
	const char *token;  /* once created */
	uint64_t token_sum; /* what its proofs add up to */
	int64_t created_at_ms;
};

/* start of the kind: chooses mint and notes, locks them or has a swap make them. */
MUST_CHECK int send_start(struct step *s, const json_t *params, struct err *err);

/* What a payment request says of the send; *r is empty without one.  ERR_PAYMENT_REQUEST, ERR_PARAM, ERR_UNIT, ERR_UNSUPPORTED. */
struct payreq;
MUST_CHECK int send_request_read(struct step *s, const json_t *params, struct send *m, struct payreq *r,
				 struct err *err);
/* Is the token still to be brought to who asked for it?  And the state that does so. */
bool send_is_to_deliver(struct step *s, const struct send *m);
MUST_CHECK int send_deliver_prepare(struct step *s, struct err *err);
MUST_CHECK int send_deliver_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome send_deliver_reply(struct step *s, const struct net_reply *rep, struct err *err);

/* Asks whether the token's proofs are spent, and marks those that are.  *left: how many are not claimed. */
MUST_CHECK int send_watch_enter(struct step *s, struct net_request *ret, struct err *err);
MUST_CHECK int send_watch_read(struct step *s, const struct net_reply *rep, size_t *left, size_t *pending,
			       struct err *err);
MUST_CHECK int send_mark_claimed(struct step *s, const struct send *m, const struct pubkey *ys, size_t n,
				 struct err *err);
/* Somebody has claimed all of it. */
struct outcome send_claimed(struct step *s, const struct send *m);

/* Can the token be taken back now, as far as its lock goes?  ERR_NOT_CANCELLABLE says when. */
MUST_CHECK int send_back_check(struct step *s, struct send *m, struct err *err);
int send_unlock(struct step *s, struct proof *inputs, size_t n, const struct output *outputs, size_t n_out,
		struct err *err);
/* The states of taking it back that are not of cashu_exchange.h, and the ends of its swap. */
struct outcome send_rolling_reply(struct step *s, const struct net_reply *rep, struct err *err);
struct outcome send_drawing_reply(struct step *s, const struct net_reply *rep, struct err *err);
struct outcome send_reclaim_finish(struct step *s, const struct proof *proofs, const struct output *outputs, size_t n,
				   struct err *err);
struct outcome send_reclaim_refused(struct step *s, const struct err *why, struct err *err);
struct outcome send_reclaim_elsewhere(struct step *s, const struct pubkey *spent, size_t n, bool all, struct err *err);

#endif
