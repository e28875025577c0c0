/* rails/lightning/splice_probe.h - what to do with a splice, by what the node and the chain say of its channel now.  Implements
 * the table P1 to P11 of spec/splice.md 4.2, and who may be aborted (5.1.6, 5.1.7).
 *
 * Pure.  The same function at start-up, after a reconnection and at each wake: nothing is submitted by any other decision. */
#ifndef RAILS_LIGHTNING_SPLICE_PROBE_H
#define RAILS_LIGHTNING_SPLICE_PROBE_H

#include "rails/lightning/splice_owner.h"

enum probe_spend { SPEND_NONE = 1, SPEND_MEMPOOL, SPEND_CONFIRMED }; /* of the base funding, by our own chain backend */

struct probe {
	bool reachable;                   /* the node answers, and it and our chain backend are synced */
	const struct ln_channel *channel; /* NULL: it has none of this name */
	struct splice_known known;
	enum splice_kind kind;  /* what is being negotiated */
	uint32_t bump_of_round; /* of SPLICE_BUMP */
	enum splice_class last; /* why the last round came to nothing, or SPLICE_FINE */
	bool inputs_unspent;    /* the contribution can be used again */
	/* Of a splice that the node takes as a whole: submissions that something may still come of, and whether they have gone
	 * unseen for long enough, with the peer there, for another. */
	uint32_t handed;
	bool unseen;

	enum probe_spend spend;
	const struct tx *spender;          /* unless SPEND_NONE */
	uint32_t spend_depth;              /* confirmations: 1 for the tip */
	const struct tx *const *flight_tx; /* for each flight of channel its transaction or NULL; NULL: none is known */
	unsigned caps;                     /* the backend's: without LN_QUEUE_OFFLINE the peer has to be there */
	bool retry_after_foreign;          /* policy resubmit_after_foreign */
	struct splice_budget budget;
};

enum probe_row {
	PROBE_P1 = 1,
	PROBE_P2,
	PROBE_P3,
	PROBE_P4,
	PROBE_P5,
	PROBE_P6,
	PROBE_P7,
	PROBE_P8,
	PROBE_P9,
	PROBE_P10,
	PROBE_P11,
	PROBE_UNDECIDED /* nothing in flight, and something spends the base that is nobody's yet */
};

enum probe_verdict {
	VERDICT_PARK = 1, /* for .wait */
	VERDICT_LOCKED,   /* settle: .txid is the channel's funding now */
	VERDICT_REANCHOR, /* another splice has replaced the base: take the new one, discard candidates, build again */
	VERDICT_OVERTAKEN, /* as that, and candidates that were signed are dead for good: discard them, give up for .why */
	VERDICT_FOLLOW,    /* the channel closes, and a candidate may confirm: the chain settles it */
	VERDICT_GIVE_UP,  /* the splice, for .why */
	VERDICT_ADOPT,    /* .txid is ours and signed: add its row if that is missing, await the lock; a bump is done */
	VERDICT_CLEAN_UP, /* the unsigned round .txid is to be aborted and discarded; then probe again */
	VERDICT_BUILD,    /* a fresh contribution */
	VERDICT_RESUBMIT, /* the same contribution */
	VERDICT_DROP_BUMP /* give up the bump alone, for .why; then probe for the splice itself */
};

struct probe_answer {
	enum probe_row row;
	enum probe_verdict verdict;
	enum splice_wait wait;
	enum splice_class why;
	enum splice_count count; /* by the submission that follows */
	struct txid txid;
	uint32_t vout;
};
struct probe_answer splice_probe(const struct probe *p);

/* Of a splice as a whole there is the first submission and one more, whatever comes of them: spec/splice.md 5.2. */
#define SPLICE_HANDED_MAX 2u

/* May the node be told to abort?  True only where no candidate can have been signed by us: the channel is neither splicing nor
 * closing, a bump is not being made, and every round that the node lists is a candidate of ours that is known unsigned. */
bool splice_may_abort(const struct ln_channel *c, enum splice_kind kind, const struct splice_known *k);

#endif
