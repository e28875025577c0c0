/* outbox/doctor.h - what keeps a chain, a space or a lane from working, and the one safe thing to do about it.
 *
 * Reads committed state and what is known of the chain; changes nothing.  The first cause that applies is told: an account
 * without funds is no news while no endpoint answers. */
#ifndef OUTBOX_DOCTOR_H
#define OUTBOX_DOCTOR_H

#include "outbox/internal.h"
#include "outbox/show.h"

/* Is it paused for this?  reason NULL: it is not paused. */
bool pause_is(const char *reason, const char *which);

/* kind NULL: all is well. */
struct finding {
	enum outbox_severity severity;
	const char *kind, *what, *next;
};

/* Of a key that is not there: whose is "lane 3". */
void key_examine(const struct key_source *k, const char *whose, struct arena *a, struct finding *ret);
void chain_examine(const struct chain *c, struct arena *a, struct finding *ret);

#define DOCTOR_STUCK_MS (INT64_C(900) * 1000) /* a lowest open slot of this age needs a look */

struct lane_health {
	struct lane_row row;
	const struct lane *lane; /* NULL: not configured any more */
	unsigned open, vacant;   /* slots */
	bool has_lowest;         /* the lowest open slot, which all others wait for, and its newest attempt */
	struct slot_row lowest;
	struct attempt_row newest; /* without its bytes */
	unsigned attempts;
	int64_t age_ms;
	bool underpriced; /* it bids less than the next block asks */
	bool at_cap;      /* and may not bid more */
	bool counted;     /* the chain has been asked */
	int64_t gap;      /* our next nonce less the chain's: what no pool has, if positive; foreign use, if negative */
	struct finding finding; /* of the lane itself, without its chain's */
};
MUST_CHECK int lane_examine(struct outbox *ob, struct arena *a, const struct lane_row *row, struct lane_health *ret,
			    struct err *err);

struct space_health {
	struct space_row row;
	const struct space *space; /* NULL: not configured any more */
	uint64_t tally[DELIVERY_COUNT];
	uint64_t open; /* pending, claimed, to be retried, submitted, included */
	struct finding finding;
};
MUST_CHECK int space_examine(struct outbox *ob, struct arena *a, const struct space_row *row, struct space_health *ret,
			     struct err *err);

#endif
