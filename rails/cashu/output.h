/* rails/cashu/output.h - a blinded message, made from a secret and a blinding factor that somebody else drew.
 *
 * Results live in the arena given first. */
#ifndef RAILS_CASHU_OUTPUT_H
#define RAILS_CASHU_OUTPUT_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"

/* secret_text is copied.  counter: -1 for a random secret.  Errors: ERR_CRYPTO (B_ at infinity or r not a scalar: take
 * the next counter), ERR_RANGE (amount 0 or above AMOUNT_MAX). */
MUST_CHECK int output_make(struct arena *a, const struct keyset_id *keyset, uint64_t amount, const char *secret_text,
			   const struct secret *r, enum output_purpose purpose, int64_t counter, struct output *ret,
			   struct err *err);
/* The sum of n outputs in this unit; ERR_RANGE past AMOUNT_MAX. */
MUST_CHECK int outputs_sum(const struct output *outputs, size_t n, struct currency unit, struct ecash *ret,
			   struct err *err);
MUST_CHECK int proofs_sum(const struct proof *proofs, size_t n, struct currency unit, struct ecash *ret,
			  struct err *err);

#endif
