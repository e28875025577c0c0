#include "rails/chain/fees.h"

void fees_init(struct fees *f, const struct feerate *fallback)
{
	*f = (struct fees){ .has_fallback = fallback != NULL };
	if (fallback != NULL)
		f->fallback = *fallback;
}

/* False: no tier has one. */
static bool fill_gaps(const struct fee_estimates *told, struct feerate ret[FEE_TIERS])
{
	struct feerate faster;
	int first = 0;

	while (first < FEE_TIERS && !told->has[first])
		first++;
	if (first == FEE_TIERS)
		return false;
	faster = told->rate[first];
	for (int t = 0; t < FEE_TIERS; t++) {
		if (told->has[t])
			faster = told->rate[t];
		ret[t] = faster;
	}
	return true;
}

static bool is_jump(struct feerate last, struct feerate now)
{
	return feerate_sat_per_kwu(now) / FEES_JUMP > feerate_sat_per_kwu(last) ||
	       (feerate_sat_per_kwu(now) / FEES_JUMP == feerate_sat_per_kwu(last) &&
		feerate_sat_per_kwu(now) % FEES_JUMP > 0);
}

static void hold_back_jumps(struct fees *f, struct feerate rate[FEE_TIERS])
{
	for (int t = 0; t < FEE_TIERS; t++) {
		bool jump = f->has_last && is_jump(f->last[t], rate[t]);

		if (jump && !f->jumped[t]) {
			f->jumped[t] = true;
			rate[t] = f->last[t];
			continue;
		}
		f->jumped[t] = false;
		f->last[t] = rate[t];
	}
	f->has_last = true;
}

/* Faster tiers are raised, not slower ones lowered: a slow one that costs more is the surer of the two. */
static void clamp(struct feerate rate[FEE_TIERS], const struct feerate *floor)
{
	for (int t = FEE_TIERS - 1; t >= 0; t--) {
		if (floor != NULL)
			rate[t] = feerate_max(rate[t], *floor);
		if (t + 1 < FEE_TIERS)
			rate[t] = feerate_max(rate[t], rate[t + 1]);
	}
}

int fees_update(struct fees *f, const struct fee_estimates *told, const struct feerate *floor, int64_t now_ms,
		struct fee_rates *ret, struct err *err)
{
	struct fee_rates r = { .is_fallback = false };

	if (told != NULL && fill_gaps(told, r.rate)) {
		hold_back_jumps(f, r.rate);
		f->at_ms = now_ms;
	} else {
		if (!f->has_fallback)
			return ERR(err, ERR_PEER_DOWN, "no estimate of fees, and no fallback is configured");
		for (int t = 0; t < FEE_TIERS; t++)
			r.rate[t] = f->fallback;
		r.is_fallback = true;
	}
	clamp(r.rate, floor);
	f->rates = r;
	f->has_rates = true;
	*ret = r;
	return 0;
}

bool fees_are_fresh(const struct fees *f, int64_t now_ms)
{
	return f->has_rates && !f->rates.is_fallback && now_ms - f->at_ms < FEES_FRESH_MS;
}

bool fees_last(const struct fees *f, int64_t now_ms, struct fee_rates *ret, int64_t *age_ms)
{
	if (!f->has_rates)
		return false;
	*ret = f->rates;
	if (age_ms != NULL)
		*age_ms = f->rates.is_fallback ? -1 : now_ms - f->at_ms;
	return true;
}
