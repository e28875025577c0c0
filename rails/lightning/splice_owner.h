/* rails/lightning/splice_owner.h - whose is a transaction that spends a channel's base funding?  Implements the attribution of
 * spec/splice.md 4.3.  Pure.  When in doubt nobody's: it is asked again later, and nothing is submitted meanwhile. */
#ifndef RAILS_LIGHTNING_SPLICE_OWNER_H
#define RAILS_LIGHTNING_SPLICE_OWNER_H

#include "rails/lightning/splice_verify.h"

enum splice_owner {
	OWNER_UNDECIDED = 0,
	OWNER_OURS = 1,
	OWNER_FOREIGN = 2,       /* the peer's round */
	OWNER_FOREIGN_LOCAL = 3, /* our node's, begun by somebody else */
	OWNER_COMMITMENT = 4     /* a unilateral close: no splice */
};
const char *splice_owner_name(enum splice_owner o);

/* What is known of a splice.  One that the node takes as a whole (no LN_STAGED) has neither inputs nor a weight in its terms:
 * they are the node's choice, and so is its fee; and .share is what was asked for, not counting that. */
struct splice_known {
	struct splice_terms terms;
	struct sat base_capacity;
	bool whole;
	bool everything; /* whole, in: .share is what the node's wallet could spend, and the fee goes off it */
	const struct funding_candidate *candidates; /* all of this record */
	size_t n_candidates;
};

/* Its candidate with this txid, or NULL. */
const struct funding_candidate *splice_candidate(const struct splice_known *k, const struct txid *txid);
/* One that the node lists; tx: its transaction, or NULL when that is not known. */
enum splice_owner splice_owner_of_flight(const struct splice_known *k, const struct ln_flight *f, const struct tx *tx);
/* Where a splice that is ours has the new funding, as far as amounts tell. */
uint32_t splice_funding_place(const struct splice_known *k, const struct tx *tx);
/* Is this transaction, which spends the base, the one that was asked for as a whole?  False: it cannot be told.  Out: it pays just
 * that, and leaves the channel the rest.  In: the channel has so much more, from another input, give or take what two ways to count
 * a fee make and what is too little to be change.  The fee that our side may have paid is limited by terms.max_rate. */
struct splice_whole {
	uint32_t vout;     /* of the new funding */
	struct sat amount; /* that went in or out */
	bool has_fee;      /* of an in nobody tells what its inputs were worth */
	struct sat fee;
};
bool splice_whole_of(const struct splice_known *k, const struct tx *tx, struct splice_whole *ret);
/* One that the chain, or a mempool, has.  closing: the node says that the channel is. */
enum splice_owner splice_owner_of_tx(const struct splice_known *k, const struct tx *tx, bool closing);

#endif
