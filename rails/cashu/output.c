#include "rails/cashu/output.h"

#include "rails/cashu/dhke.h"

int output_make(struct arena *a, const struct keyset_id *keyset, uint64_t amount, const char *secret_text,
		const struct secret *r, enum output_purpose purpose, int64_t counter, struct output *ret,
		struct err *err)
{
	struct output o = { .amount = amount, .keyset = *keyset, .r = *r, .purpose = purpose, .counter = counter };
	struct point y, b;

	if (amount == 0 || amount > AMOUNT_MAX)
		return ERR(err, ERR_RANGE, "an output of %llu", (unsigned long long)amount);
	if (!dhke_hash_to_curve(bytes_of(secret_text), &y) || !dhke_blind(&y, r, &b)) {
		secret_wipe(&o.r, sizeof(o.r));
		return ERR(err, ERR_CRYPTO, "keyset %s: counter %lld gives no valid output", keyset->s,
			   (long long)counter);
	}
	point_compress(&b, &o.b);
	o.secret = arena_strdup(a, secret_text);
	*ret = o;
	secret_wipe(&o.r, sizeof(o.r));
	return 0;
}

static bool sum_add(uint64_t amount, struct ecash *sum)
{
	struct ecash v;

	return ecash_make(amount, sum->unit, &v) && ecash_add(*sum, v, sum);
}

int outputs_sum(const struct output *outputs, size_t n, struct currency unit, struct ecash *ret, struct err *err)
{
	struct ecash sum = ecash_zero(unit);

	for (size_t i = 0; i < n; i++)
		if (!sum_add(outputs[i].amount, &sum))
			return ERR(err, ERR_RANGE, "the outputs add up to more than any amount");
	*ret = sum;
	return 0;
}

int proofs_sum(const struct proof *proofs, size_t n, struct currency unit, struct ecash *ret, struct err *err)
{
	struct ecash sum = ecash_zero(unit);

	for (size_t i = 0; i < n; i++)
		if (!sum_add(proofs[i].amount, &sum))
			return ERR(err, ERR_RANGE, "the proofs add up to more than any amount");
	*ret = sum;
	return 0;
}
