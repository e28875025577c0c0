/* rails/lightning/splice_hold.h - coins of the node's wallet that are reserved for a splice: for how long they still are, and
 * when they may go back.  Implements spec/splice.md 7, O12.  Pure. */
#ifndef RAILS_LIGHTNING_SPLICE_HOLD_H
#define RAILS_LIGHTNING_SPLICE_HOLD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/splice.h"

/* Blocks after which it is looked at again: a tenth of a reservation that nobody renews. */
#define SPLICE_HOLD_EVERY 200u

/* By how many blocks the reservation of those of `held` that the wallet still has must be made longer, so that all of them are
 * reserved for LN_RESERVE_BLOCKS from `height` on; 0: they are, nearly, or it has none of them any more. */
uint32_t splice_hold_short_by(const struct splice_input *held, size_t n_held, const struct splice_input *wallet,
			      size_t n_wallet, uint32_t height);

/* A PSBT (base64) that spends just those of `in` that are not released: what the node is given to say which are meant.
 * ERR_RANGE: none is, or too many. */
MUST_CHECK int splice_hold_psbt(struct arena *a, const struct splice_input *in, size_t n, char **ret, struct err *err);

/* A transaction of ours may still confirm: signed, and neither locked nor out of the race. */
bool splice_hold_is_signed(const struct funding_candidate *c, size_t n);
/* Of a splice that has ended: may what is reserved for it go back?  p NULL: it never had a candidate.  Not while one may
 * confirm; the chain says so when that is over (FUNDING_FAILED). */
bool splice_hold_is_over(const struct funding_payment *p, const struct funding_candidate *c, size_t n);

#endif
