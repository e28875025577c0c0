/* rails/ark/ln.h - what a Lightning payment over Ark comes to: how much is paid, and what proves that it was.
 *
 * Facts: spec/ark-primitives.md §8.6, spec/ark-flows.md §7.3.  Invoices count in millisatoshi and VTXOs in satoshi:
 * what is paid is rounded up, so that the payee never gets less. */
#ifndef RAILS_ARK_LN_H
#define RAILS_ARK_LN_H

#include "base/amount.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/secret.h"

#define ARK_HTLC_FEE_MIN 330 /* sat */

/* What is to be paid: NULL where the invoice, or the user, names no amount.  A user may pay up to twice the invoice, never
 * less.  ERR_PARAM with .field "amount" says which rule is broken. */
MUST_CHECK int ark_ln_invoice_amount(const struct msat *invoice, const struct sat *user, struct sat *ret,
				     struct err *err);
/* The same for an offer: there the user's word goes before the offer's, which is a suggestion. */
MUST_CHECK int ark_ln_offer_amount(const struct msat *offer, const struct sat *user, struct sat *ret, struct err *err);
/* Is an invoice fetched for an offer over exactly the amount that was asked for?  ERR_PEER_INVALID. */
MUST_CHECK int ark_ln_offer_invoice_check(struct msat invoice, struct sat asked, struct err *err);

/* A fresh preimage, the hash that is shown instead of it, and whether one belongs to the other.  What a server that claims an
 * HTLC on chain shows there is read by ark_witness_preimage(). */
void ark_preimage_new(struct secret *ret);
void ark_preimage_hash(const struct secret *preimage, struct hash32 *ret);
bool ark_preimage_opens(const struct secret *preimage, const struct hash32 *hash);

#endif
