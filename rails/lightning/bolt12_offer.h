/* rails/lightning/bolt12_offer.h - offers of BOLT 12: a standing invitation to ask somebody for an invoice.
 *
 * The payer's reading: what BOLT 12 says that a reader must not respond to is refused.  An offer is a stranger's text, and
 * not secret.  Errors:
 *   ERR_INVOICE          no offer, or one of BOLT 12's rules broken
 *   ERR_UNSUPPORTED      a field or a feature that one must understand and we do not
 *   ERR_NETWORK          of bolt12_offer_check(): for other chains
 *   ERR_INVOICE_EXPIRED  of bolt12_offer_check() */
#ifndef RAILS_LIGHTNING_BOLT12_OFFER_H
#define RAILS_LIGHTNING_BOLT12_OFFER_H

#include "base/amount.h"
#include "rails/lightning/bolt12_text.h"
#include "rails/lightning/bolt12_tlv.h"

/* The room that reading an offer or an invoice takes of an arena, however it is written. */
#define BOLT12_ROOM      ((size_t)512 * 1024)
#define BOLT12_PATHS_MAX 64

/* Ways to somebody who does not say where he is; of each, the last node, under the name that he has on this way. */
struct bolt12_paths {
	struct pubkey *last;
	size_t n;
};

struct bolt12_offer {
	struct bytes raw; /* what is sent to whoever fetches the invoice */
	struct bolt12_fields fields;
	struct bytes chains;  /* the hashes of their first blocks, 32 bytes each; empty for bitcoin's mainnet alone */
	const char *currency; /* NULL for the chain's own, else three letters */
	bool has_amount;      /* for one item; more than 0 */
	uint64_t amount;      /* in msat, or in the currency's smallest unit */
	const char *description, *issuer; /* NULL when there is none */
	bool has_expiry;
	int64_t expires_at_s;
	bool has_issuer_id; /* without, there are paths */
	struct pubkey issuer_id;
	struct bolt12_paths paths;
};

/* lno1...; the result lives in the arena. */
MUST_CHECK int bolt12_offer_decode(struct arena *a, const char *text, struct bolt12_offer *ret, struct err *err);
MUST_CHECK int bolt12_offer_read(struct arena *a, struct bytes raw, struct bolt12_offer *ret, struct err *err);
/* May it be used on the chain with this first block, at this time? */
MUST_CHECK int bolt12_offer_check(const struct bolt12_offer *o, const struct block_hash *chain, int64_t now_s,
				  struct err *err);

/* Is this one of the fields that an invoice repeats from its offer? */
bool bolt12_offer_has(uint64_t type);
/* The first block of bitcoin's mainnet, which is meant where no chain is named. */
extern const struct block_hash bolt12_default_chain;

/* Of the field `name` of paths: at least one, each of at least one hop, all keys on the curve. */
MUST_CHECK int bolt12_paths_read(struct arena *a, struct bytes v, const char *name, struct bolt12_paths *ret,
				 struct err *err);
/* Features: may somebody who knows none but these two (even, odd) bits go on?  ERR_UNSUPPORTED names the first that he cannot.
 * known: the even one, or -1. */
MUST_CHECK int bolt12_features_check(struct bytes v, int known, struct err *err);

#endif
