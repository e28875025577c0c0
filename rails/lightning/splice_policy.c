#include "rails/lightning/splice_policy.h"

bool splice_is_late(const struct splice_budget *b)
{
	if (b->was_signed && b->kind != SPLICE_BUMP)
		return false;
	return b->deadline_ms != 0 && b->now_ms >= b->deadline_ms;
}

static struct splice_decision decide(enum splice_move move, enum splice_class why)
{
	return (struct splice_decision){ .move = move, .why = why };
}

/* A bump that fails leaves the splice as it was. */
static struct splice_decision give_up(const struct splice_budget *b, enum splice_class why)
{
	return decide(b->kind == SPLICE_BUMP ? MOVE_DROP_BUMP : MOVE_GIVE_UP, why);
}

static struct splice_decision park(enum splice_wait wait, enum splice_class why)
{
	return (struct splice_decision){ .move = MOVE_PARK, .wait = wait, .why = why };
}

static struct splice_decision again(const struct splice_budget *b, enum splice_move move, enum splice_class why)
{
	if (b->attempts >= b->max_attempts)
		return give_up(b, SPLICE_EXHAUSTED);
	return (struct splice_decision){ .move = move, .why = why, .count = COUNT_ATTEMPT };
}

static struct splice_decision resubmit(const struct splice_budget *b)
{
	if (b->disconnects >= b->max_disconnects)
		return give_up(b, SPLICE_EXHAUSTED);
	return (struct splice_decision){ .move = MOVE_RESUBMIT, .why = SPLICE_DISCONNECT, .count = COUNT_DISCONNECT };
}

/* What the reason itself allows. */
static struct splice_decision by_reason(enum splice_class why, const struct splice_budget *b)
{
	switch (why) {
	case SPLICE_DISCONNECT:
		return resubmit(b);
	case SPLICE_FINE:
	case SPLICE_UNKNOWN:
		return again(b, MOVE_PROBE, SPLICE_UNKNOWN);
	case SPLICE_STALE:
		return again(b, MOVE_REBUILD, why);
	case SPLICE_FEE_LOW:
		return b->above_cap ? park(SPLICE_WAIT_FEERATE_CAP, why) : again(b, MOVE_REBUILD, why);
	case SPLICE_NO_RBF:
		if (b->kind != SPLICE_BUMP)
			return park(SPLICE_WAIT_FOREIGN_SPLICE, why);
		return give_up(b, why);
	case SPLICE_CANCELLED:
		return decide(MOVE_CANCELLED, why);
	case SPLICE_PEER_ABORT:
	case SPLICE_PROTO_ERR:
	case SPLICE_CLOSING:
	case SPLICE_EXHAUSTED:
	case SPLICE_INVALID:
		return give_up(b, why);
	}
	return give_up(b, SPLICE_INVALID);
}

struct splice_decision splice_decide(enum splice_class why, const struct splice_budget *b)
{
	struct splice_decision d;

	/* R5: what is signed ends on the chain, and only a look at it can tell how. */
	if (b->was_signed && b->kind != SPLICE_BUMP)
		return decide(MOVE_PROBE, why);
	d = by_reason(why, b);
	if (!splice_is_late(b))
		return d;
	switch (d.move) {
	case MOVE_PROBE:
	case MOVE_RESUBMIT:
	case MOVE_REBUILD:
	case MOVE_PARK:
		return give_up(b, SPLICE_EXHAUSTED);
	case MOVE_GIVE_UP:
	case MOVE_DROP_BUMP:
	case MOVE_CANCELLED:
		break;
	}
	return d;
}

int64_t splice_backoff_ms(uint32_t tries, uint32_t random)
{
	static const int64_t steps_ms[] = { 2000, 5000, 15000, 60000, 300000 };
	const uint32_t last = sizeof(steps_ms) / sizeof(steps_ms[0]) - 1;
	int64_t ms = steps_ms[tries == 0 ? 0 : tries - 1 < last ? tries - 1 : last];
	int64_t jitter = ms * ((int64_t)(random % 401) - 200) / 1000; /* in tenths of a percent */

	/* After an abort the node's channel daemon is away for a second: no sooner than the first step. */
	return ms + jitter < steps_ms[0] ? steps_ms[0] : ms + jitter;
}
