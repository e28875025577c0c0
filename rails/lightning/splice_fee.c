#include "rails/lightning/splice_fee.h"

#include <inttypes.h>
#include <stdio.h>

/* So much more than the weight says, because the node rounds at other places. */
#define OUT_SLACK_SAT 2

struct weight splice_in_start_weight(uint32_t refusals)
{
	uint64_t w = SPLICE_IN_START_WEIGHT;

	for (uint32_t i = 0; i < refusals && i < 20; i++)
		w += (w + 19) / 20;
	return (struct weight){ w };
}

struct weight splice_weight(struct weight added)
{
	return weight_add((struct weight){ SPLICE_BASE_WEIGHT }, added);
}

bool splice_fee_limit(struct feerate rate, struct weight w, struct sat *ret)
{
	struct sat fee;

	return fee_for_weight_ceil(rate, w, &fee) && sat_add(fee, (struct sat){ OUT_SLACK_SAT }, ret);
}

bool splice_out_fee(struct feerate rate, struct weight added, struct sat *ret)
{
	return splice_fee_limit(rate, splice_weight(added), ret);
}

bool splice_bump_min(struct feerate last, struct feerate *ret)
{
	uint64_t v = feerate_sat_per_kwu(last), by_ratio = v * 25 / 24, by_step = v + 25; /* v is at most FEERATE_MAX */

	return feerate_from_sat_per_kwu(by_ratio > by_step ? by_ratio : by_step, ret);
}

static struct feerate capped(struct feerate rate, const struct splice_rate_wish *w, bool *ret_above)
{
	*ret_above = feerate_cmp(rate, w->max) > 0;
	return rate;
}

/* A guess of the node's is not worth more than the user allows; what is required is. */
static struct feerate wished(const struct splice_rate_wish *w)
{
	struct feerate rate = w->has_wish ? w->wish : w->estimate;

	return feerate_cmp(rate, w->max) > 0 ? w->max : rate;
}

struct feerate splice_rate(const struct splice_rate_wish *w, bool *ret_above)
{
	return capped(feerate_max(wished(w), w->floor), w, ret_above);
}

bool splice_bump_rate(const struct splice_rate_wish *w, const struct splice_replaced *r, struct feerate *ret,
		      bool *ret_above)
{
	struct feerate least, paying;
	struct sat relay, fee;

	if (!splice_bump_min(r->highest, &least) || !fee_for_weight_ceil(r->incremental, r->weight, &relay) ||
	    !sat_add(r->fees, relay, &fee) || !feerate_of_ceil(fee, r->weight, &paying))
		return false;
	least = feerate_max(feerate_max(least, paying), w->floor);
	*ret = capped(feerate_max(wished(w), least), w, ret_above);
	return true;
}

void splice_rate_text(struct feerate rate, char ret[SPLICE_RATE_TEXT])
{
	snprintf(ret, SPLICE_RATE_TEXT, "%" PRIu64 "perkw", feerate_sat_per_kwu(rate));
}
