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

/* What is known of a splice. */
struct splice_known {
	struct splice_terms terms;
	struct sat base_capacity;
	const struct funding_candidate *candidates; /* all of this record */
	size_t n_candidates;
};

/* Its candidate with this txid, or NULL. */
const struct funding_candidate *splice_candidate(const struct splice_known *k, const struct txid *txid);
/* One that the node lists; tx: its transaction, or NULL when that is not known. */
enum splice_owner splice_owner_of_flight(const struct splice_known *k, const struct ln_flight *f, const struct tx *tx);
/* Where a splice that is ours has the new funding, as far as amounts tell. */
uint32_t splice_funding_place(const struct splice_known *k, const struct tx *tx);
/* One that the chain, or a mempool, has.  closing: the node says that the channel is. */
enum splice_owner splice_owner_of_tx(const struct splice_known *k, const struct tx *tx, bool closing);

#endif
