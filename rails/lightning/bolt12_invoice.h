/* rails/lightning/bolt12_invoice.h - invoices of BOLT 12, as somebody else fetches them for an offer that we want to pay.
 *
 * The payer does not find its way by it (whoever pays for us does), but it must be the payee's: signed by the offer's issuer,
 * for this offer, this chain and this time.  The amount is for the caller to compare.  Errors:
 *   ERR_INVOICE          no invoice, one of BOLT 12's rules broken, a wrong signature, or the answer to another offer
 *   ERR_UNSUPPORTED      a field or a feature that one must understand and we do not
 *   ERR_NETWORK, ERR_INVOICE_EXPIRED   of bolt12_invoice_check() */
#ifndef RAILS_LIGHTNING_BOLT12_INVOICE_H
#define RAILS_LIGHTNING_BOLT12_INVOICE_H

#include "rails/lightning/bolt12_offer.h"

#define BOLT12_EXPIRY_DEFAULT_S 7200

struct bolt12_invoice {
	struct bytes raw;
	struct bolt12_fields fields;
	struct block_hash chain;
	struct msat amount; /* more than 0 */
	struct hash32 payment_hash;
	struct pubkey node_id; /* who signed; verified */
	int64_t made_at_s, expires_at_s;
};

/* Arena-owned, with views of raw.  Its text is bolt12_text_encode() with "lni". */
MUST_CHECK int bolt12_invoice_read(struct arena *a, struct bytes raw, struct bolt12_invoice *ret, struct err *err);
/* Is it what this offer's issuer answers: the offer's fields byte for byte, signed by the issuer's key, or where the offer has
 * none by the last node of one of its paths; for this chain, and not expired? */
MUST_CHECK int bolt12_invoice_check(const struct bolt12_invoice *inv, const struct bolt12_offer *o,
				    const struct block_hash *chain, int64_t now_s, struct err *err);

#endif
