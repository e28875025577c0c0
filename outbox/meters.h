/* outbox/meters.h - what the outbox counts, and when: only what was committed (spec/outbox.md G11, 3.3, 3.4).
 *
 * Transitions are noted while their unit is open, and counted and logged when it is durable, once.  In a unit of the
 * outbox's own the arena of the list lives until then, and after_run() does it; in a unit that is somebody else's
 * after_with_unit() has it done.  What a unit noted that failed is forgotten. */
#ifndef OUTBOX_METERS_H
#define OUTBOX_METERS_H

#include "base/arena.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/directive_store.h"

/* How an attempt to submit ended; labels of walletd_directive_outbox_attempts_total. */
enum attempt_result {
	ATTEMPT_SUBMITTED,
	ATTEMPT_SIGNING_FAILED,
	ATTEMPT_PERSISTENCE_FAILED,
	ATTEMPT_SENDER_CLOSED,
	ATTEMPT_ENDPOINT,
	ATTEMPT_FEE_CAP,
	ATTEMPT_NO_FUNDS,
	ATTEMPT_DEADLINE,
	ATTEMPT_DRY_RUN,
	ATTEMPT_RESULTS
};

struct meters {
	struct log log;
	struct metric *transitions[DELIVERY_COUNT][DELIVERY_COUNT]; /* made when first needed */
	struct metric *attempts[ATTEMPT_RESULTS];
	struct metric *accepted;
	struct metric *lease_expired, *stale_claims, *deep_reorgs, *submit_to_confirm;
};
struct meters meters_new(void);

struct after_item;
struct after {
	struct arena *a;
	struct after_item *first, **tail;
};
struct after after_in(struct arena *a);
void after_count(struct after *l, struct metric *m);
void after_observe(struct after *l, struct metric *m, uint64_t v);
/* Text must live as long as the arena. */
void after_log(struct after *l, enum log_level level, const char *event, const struct directive_row *row);
void after_transition(struct after *l, struct meters *m, enum delivery_status from, enum delivery_status to);
void after_attempt(struct after *l, struct meters *m, enum attempt_result how);
/* A directive has come to a person: dead letter or manual reconciliation, and the withdrawal signal where it concerns
 * somebody's money. */
void after_attention(struct after *l, const struct directive_row *row);
/* The unit is durable: count and log.  Once. */
void after_run(struct after *l, struct meters *m);
/* The unit is the caller's, and when it becomes durable only the store knows.  The list is copied. */
void after_with_unit(const struct after *l, struct meters *m, struct unit *u);

#endif
