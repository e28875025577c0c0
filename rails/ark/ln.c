#include "rails/ark/ln.h"

#include <inttypes.h>

#include "base/hash.h"
#include "base/rng.h"

#define MSAT_PER_SAT 1000u

static struct sat sat_ceil(struct msat v)
{
	return (struct sat){ v.v / MSAT_PER_SAT + (v.v % MSAT_PER_SAT != 0) };
}

static int positive(struct sat v, struct sat *ret, struct err *err)
{
	if (v.v == 0) {
		ERR(err, ERR_PARAM, "a payment of nothing");
		return err_field(err, "amount");
	}
	*ret = v;
	return 0;
}

static int missing(const char *what, struct err *err)
{
	ERR(err, ERR_PARAM, "%s names no amount: say how much to pay", what);
	return err_field(err, "amount");
}

int ark_ln_invoice_amount(const struct msat *invoice, const struct sat *user, struct sat *ret, struct err *err)
{
	struct sat least;

	if (invoice == NULL)
		return user != NULL ? positive(*user, ret, err) : missing("the invoice", err);
	least = sat_ceil(*invoice);
	if (user == NULL)
		return positive(least, ret, err);
	/* No sum: every amount is below 2^63. */
	if (user->v < least.v || user->v > 2 * least.v) {
		ERR(err, ERR_PARAM,
		    "the invoice is over %" PRIu64 " sat: it takes that or up to twice as much, not %" PRIu64, least.v,
		    user->v);
		return err_field(err, "amount");
	}
	return positive(*user, ret, err);
}

int ark_ln_offer_amount(const struct msat *offer, const struct sat *user, struct sat *ret, struct err *err)
{
	if (user != NULL)
		return positive(*user, ret, err);
	if (offer == NULL)
		return missing("the offer", err);
	return positive(sat_ceil(*offer), ret, err);
}

int ark_ln_offer_invoice_check(struct msat invoice, struct sat asked, struct err *err)
{
	uint64_t v;

	if (__builtin_mul_overflow(asked.v, MSAT_PER_SAT, &v) || invoice.v != v)
		return ERR(err, ERR_PEER_INVALID,
			   "an invoice over %" PRIu64 " msat, where %" PRIu64 " sat were asked for", invoice.v,
			   asked.v);
	return 0;
}

void ark_preimage_new(struct secret *ret)
{
	rng_bytes(ret->b, sizeof(ret->b));
}

void ark_preimage_hash(const struct secret *preimage, struct hash32 *ret)
{
	sha256((struct bytes){ preimage->b, sizeof(preimage->b) }, ret);
}

bool ark_preimage_opens(const struct secret *preimage, const struct hash32 *hash)
{
	struct hash32 h;

	ark_preimage_hash(preimage, &h);
	return hash32_equal(&h, hash);
}
