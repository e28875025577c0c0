/* rails/lightning/splice_policy.h - what to do about a round that came to nothing.  Implements the decision matrix of
 * spec/splice.md 3.3 and the rules R1 to R6 of 3.2.  Pure. */
#ifndef RAILS_LIGHTNING_SPLICE_POLICY_H
#define RAILS_LIGHTNING_SPLICE_POLICY_H

#include "base/splice.h"

/* What an error of the node means. */
enum splice_sign {
	TROUBLE_CLASS = 1, /* the round is over, for this reason: splice_decide() */
	TROUBLE_PROBE,     /* nobody knows what happened: look first */
	TROUBLE_PEER,      /* the peer has to be there first; not counted */
	TROUBLE_PARK,      /* for .wait; not counted */
	TROUBLE_BUSY,      /* another splice command on the channel still runs, or hangs (5.1.7) */
	TROUBLE_SIGNED,    /* the signatures were exchanged, and a mempool did not take the transaction */
	TROUBLE_UNSIGNED,  /* a signature of ours is missing: sign again */
	TROUBLE_TOO_OLD    /* the node has no such method */
};

struct splice_trouble {
	enum splice_sign sign;
	enum splice_class why; /* with TROUBLE_CLASS */
	enum splice_wait wait; /* with TROUBLE_PARK */
	bool once;             /* with TROUBLE_CLASS: if it comes a second time in a row, .again is why */
	enum splice_class again;
	bool alarm;     /* a person should look: it should not happen */
	bool untouched; /* certainly nothing has come of the call, and nothing will */
};

enum splice_move {
	MOVE_PROBE = 1,
	MOVE_RESUBMIT,  /* wait for the peer, and then the same contribution again */
	MOVE_REBUILD,   /* what is left of the round is cleaned up, and a fresh contribution made */
	MOVE_PARK,      /* for .wait */
	MOVE_GIVE_UP,   /* the splice has failed */
	MOVE_DROP_BUMP, /* the bump has; the splice goes on with the candidates that it has */
	MOVE_CANCELLED
};
enum splice_count { COUNT_NOTHING = 0, COUNT_ATTEMPT, COUNT_DISCONNECT }; /* by the submission that follows */

struct splice_budget {
	enum splice_kind kind; /* what was being negotiated */
	bool was_signed; /* a candidate is: the splice itself can no longer be given up, and has no deadline (R5) */
	uint32_t attempts, max_attempts;
	uint32_t disconnects, max_disconnects;
	int64_t deadline_ms; /* 0: none */
	int64_t now_ms;
	bool above_cap; /* what it would take is more than the user allows */
};

struct splice_decision {
	enum splice_move move;
	enum splice_class why; /* what is told when it is given up */
	enum splice_wait wait;
	enum splice_count count;
};
struct splice_decision splice_decide(enum splice_class why, const struct splice_budget *b);
/* Its deadline has passed (R4).  Never of a splice that is signed (R5): only a bump of it has one then. */
bool splice_is_late(const struct splice_budget *b);

/* How long to wait before try number `tries` (from 1): 2 s, 5 s, 15 s, 60 s, 5 min and so on, give or take a fifth by
 * `random`. */
int64_t splice_backoff_ms(uint32_t tries, uint32_t random);

#endif
