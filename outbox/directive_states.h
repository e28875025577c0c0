/* outbox/directive_states.h - what may become of a directive, and all that is written with it (spec/outbox.md 2.7, 2.8).
 *
 * One function per transition.  Each runs in an open unit, is fenced by the row's version, keeps the order of its key
 * (2.6) and writes the events that belong to it, so that status, order, event and whatever the caller writes beside them
 * commit together.  Errors: ERR_CONFLICT (somebody else moved it: drop the result), ERR_INTERNAL (no such transition:
 * nothing is written), what the store says. */
#ifndef OUTBOX_DIRECTIVE_STATES_H
#define OUTBOX_DIRECTIVE_STATES_H

#include "base/amount.h"
#include "outbox/meters.h"

/* Why a directive stopped; stable text. */
#define REASON_UNSUPPORTED_KIND     "unsupported_kind"
#define REASON_INVALID_ACTION       "invalid_action"
#define REASON_UNSUPPORTED_ACTION   "unsupported_action"
#define REASON_IDEMPOTENCY_CONFLICT "idempotency_conflict"
#define REASON_NONCE_CONSUMED       "nonce_consumed"
#define REASON_EFFECT_REVERTED      "effect_reverted"
#define REASON_OPERATOR_ABANDONED   "operator_abandoned"
#define REASON_OPERATOR_DONE        "operator_done"

enum domain_status { /* names of the public interface; 0 and 5 never occur here: what is rejected is not appended */
		     DOMAIN_PENDING_CHAIN_EFFECT = 1,
		     DOMAIN_COMPLETED = 2,
		     DOMAIN_FAILED = 3,
		     DOMAIN_PENDING_MANUAL_REVIEW = 4
};
enum domain_status directive_domain_status(const struct directive_row *row);
const char *domain_status_name(enum domain_status s);
const char *delivery_wire_name(enum delivery_status s); /* what API users are shown */
bool directive_is_withdrawal(const struct directive_row *row);
bool delivery_is_final(enum delivery_status s); /* for automation: 4, 6, 7, 8 */

/* With all its text and bytes. */
struct directive_row directive_row_copy(struct arena *a, const struct directive_row *row);

/* What a unit's transitions share. */
struct moves {
	struct unit *u;
	struct arena *a; /* lives until the unit is durable */
	int64_t now_ms;
	struct meters *meters;
	struct after after;
	struct space_row space; /* the last one looked at; id 0: none yet */
};
struct moves moves_in(struct unit *u, struct arena *a, struct meters *meters);

/* What a transaction did, for the events. */
struct effect {
	struct hash32 tx_hash;
	uint64_t block;
	uint64_t gas_used; /* this directive's share; 0: not known */
	struct gas_price gas_price;
	int64_t submitted_at_ms; /* when its slot was opened; 0: by somebody else */
};

MUST_CHECK int directive_accept(struct moves *m, struct directive_row *row, struct err *err); /* T1; sets seq */
/* T4, T5: given back without an attempt being counted. */
MUST_CHECK int directive_unclaim(struct moves *m, struct directive_row *row, struct err *err);
/* T6, T23. */
MUST_CHECK int directive_dead_letter(struct moves *m, struct directive_row *row, const char *reason, const char *error,
				     struct err *err);
/* T7: counted, and tried again after a while. */
MUST_CHECK int directive_fail(struct moves *m, struct directive_row *row, enum attempt_result how, const char *error,
			      struct err *err);
/* T8, T16.  recheck_at_ms: when evidence is looked for again, DIRECTIVE_NO_WAKE for never. */
MUST_CHECK int directive_reconcile(struct moves *m, struct directive_row *row, const char *reason, const char *error,
				   int64_t recheck_at_ms, struct err *err);
/* T10. */
MUST_CHECK int directive_submit(struct moves *m, struct directive_row *row, int64_t tx_id, const struct hash32 *tx_hash,
				struct err *err);
/* The slot's transaction was replaced by another attempt: an event, no change. */
MUST_CHECK int directive_replaced(struct moves *m, const struct directive_row *row, const struct hash32 *tx_hash,
				  struct err *err);
/* T11 by a transaction of its slot; T9, T17, T19 by another one (elsewhere: the row lets go of its slot). */
MUST_CHECK int directive_include(struct moves *m, struct directive_row *row, const struct effect *e, bool elsewhere,
				 struct err *err);
/* T12, T18: back to submitted, or to pending when no slot of ours holds it. */
MUST_CHECK int directive_reorg(struct moves *m, struct directive_row *row, struct err *err);
/* T13; and T19, from whatever waits for a person, reason REASON_OPERATOR_DONE or NULL.  The spec has T19 from manual
 * reconciliation alone, but a signature that is out may be delivered by anybody, also after we gave up. */
MUST_CHECK int directive_confirm(struct moves *m, struct directive_row *row, const struct effect *e, const char *reason,
				 struct err *err);
/* T14. */
MUST_CHECK int directive_revert(struct moves *m, struct directive_row *row, const struct effect *e, const char *error,
				struct err *err);
/* T15: its slot is lost or its effect failed for a passing cause; on another slot, later. */
MUST_CHECK int directive_requeue(struct moves *m, struct directive_row *row, const char *error, struct err *err);
/* T20: again with the same nonce. */
MUST_CHECK int directive_reopen(struct moves *m, struct directive_row *row, struct err *err);
/* T21: with another nonce, which the row holds already, as it does the new generation. */
MUST_CHECK int directive_renew(struct moves *m, struct directive_row *row, struct err *err);
/* T22. */
MUST_CHECK int directive_abandon(struct moves *m, struct directive_row *row, struct err *err);

#endif
