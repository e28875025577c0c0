/* rails/cashu/melt.h - pay a Lightning invoice with ecash: NUT-05 and NUT-23 (bolt11), with change as in NUT-08.
 *
 * Decoders fail as cashu_error.h says.  Of the answer to the payment itself, sent exactly once, a definite no
 * (CASHU_DEFINITE, CASHU_REBUILD) frees the inputs.  Everything else leaves open whether the mint pays: 20004 (payment
 * failed), 20006 (already paid), 11001 (inputs spent) and each code that the NUTs do not list, too.  Then only the quote,
 * asked anew, is the truth: mints cache answers, also to a payment that is over since. */
#ifndef RAILS_CASHU_MELT_H
#define RAILS_CASHU_MELT_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

#define MELT_PREIMAGE_MAX 255
#define MELT_BLANKS_MAX   64
#define MELT_TIMEOUT_MS   120000 /* cdk holds a payment for 60 s before it answers that it is pending */

/* What is to be paid, as rails/lightning/bolt11 read it. */
struct melt_asked {
	const char *invoice;
	struct currency unit; /* of the ecash */
	struct msat amount;   /* what the payee is to get */
	bool amountless;      /* the invoice leaves that to the payer: the mint is told */
};

struct melt_quote {
	const char *id;           /* opaque, at most QUOTE_ID_MAX bytes */
	struct ecash amount;      /* for the invoice */
	struct ecash fee_reserve; /* what the payment may cost on top; the rest returns as change */
	/* UNPAID: not paying, and the mint holds nothing against it (first of the conditions to free inputs).  PENDING: also
	 * where it says that it is not paying, yet shows a preimage.  What we do not know is UNKNOWN. */
	enum quote_state state;
	int64_t expiry_s;       /* unix time by the mint's clock; 0 = none */
	const char *preimage;   /* text as the mint sent it, never empty; NULL for none */
	struct promise *change; /* for the first of the blank outputs, in their order */
	size_t n_change;
	bool change_unreadable; /* there is change, but not in a form that we understand: n_change is 0, ask NUT-09 */
};

/* ERR_RANGE: nothing to pay. */
MUST_CHECK int melt_quote_request(struct arena *a, const char *mint, const struct melt_asked *asked,
				  struct net_request *ret, struct err *err);
void melt_quote_check_request(struct arena *a, const char *mint, const char *quote_id, struct net_request *ret);
/* quote_id: an open quote.  blanks: of amount 1, which says nothing; n_blanks may be 0.  The mint is asked to answer before the payment is over.
 * ERR_RANGE: n_in not 1 to CASHU_LIST_MAX, n_blanks above MELT_BLANKS_MAX. */
MUST_CHECK int melt_request(struct arena *a, const char *mint, const char *quote_id, const struct proof *inputs,
			    size_t n_in, const struct output *blanks, size_t n_blanks, struct net_request *ret,
			    struct err *err);
/* The answer of all three.  id: the quote that this is about, NULL for a new one.  Where the mint repeats id, invoice or
 * unit, they must be those asked about, and for sat and msat it must charge at least the whole units of what the payee
 * gets: else ERR_PEER_INVALID. */
MUST_CHECK int melt_quote_decode(struct arena *a, const struct net_reply *rep, const struct melt_asked *asked,
				 const char *id, struct melt_quote *ret, struct err *err);

/* What paying costs.  ERR_RANGE: the sums are past AMOUNT_MAX; ERR_UNIT: units differ. */
struct melt_cost {
	struct ecash need; /* inputs add up to at least this: amount, fee reserve and input fee */
	struct ecash
		fee_max; /* of it, what the payee does not get; in sat and msat, else reserve and input fee; rounded up */
};
MUST_CHECK int melt_cost(const struct melt_quote *q, const struct melt_asked *asked, struct ecash input_fee,
			 struct melt_cost *ret, struct err *err);
/* A ceiling for fee_max: parts per million of the amount, rounded up, but not less than `least`.  ppm: at most a million. */
MUST_CHECK int melt_fee_ceiling(struct ecash amount, uint32_t ppm, struct ecash least, struct ecash *ret,
				struct err *err);
/* ERR_FEE: above the ceiling. */
MUST_CHECK int melt_check_fee(const struct melt_cost *cost, struct ecash ceiling, struct err *err);

/* NUT-08: how many blank outputs take any change of up to this much.  For all that may come back, `surplus` is what the
 * inputs hold beyond input fee and amount, not the fee reserve alone. */
size_t melt_blank_count(uint64_t surplus);
/* The outputs that the change signs: the first n blanks, with the amounts that the mint chose; ready for
 * promises_check_and_unblind().  ERR_PEER_INVALID: more promises than blanks, or more than surplus. */
MUST_CHECK int melt_change_outputs(struct arena *a, const struct output *blanks, size_t n_blanks,
				   const struct promise *change, size_t n, uint64_t surplus, struct output **ret,
				   struct err *err);
/* Is this text 32 bytes of hex with this hash?  The backends of test mints send others. */
bool melt_preimage_proves(const char *preimage, const struct hash32 *payment_hash);

#endif
