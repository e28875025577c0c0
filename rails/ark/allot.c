#include "rails/ark/allot.h"

#include <inttypes.h>
#include <string.h>

#include "rails/ark/codec.h"

static const struct sat dust_limit = { ARK_DUST_SAT };

static int total(struct ark_amounts list, const char *what, struct sat *ret, struct err *err)
{
	struct sat sum = { 0 };

	for (size_t i = 0; i < list.n; i++) {
		if (list.v[i].v == 0)
			return ERR(err, ERR_PARAM, "%s %zu is of nothing", what, i);
		if (!sat_add(sum, list.v[i], &sum))
			return ERR(err, ERR_RANGE, "the %ss come to more than any amount", what);
	}
	*ret = sum;
	return 0;
}

static int check(struct ark_amounts inputs, struct ark_amounts outputs, struct err *err)
{
	struct sat in, out;

	if (outputs.n == 0)
		return ERR(err, ERR_PARAM, "a payment without outputs");
	if (total(outputs, "output", &out, err) != 0 || total(inputs, "input", &in, err) != 0)
		return -1;
	if (sat_cmp(in, out) != 0)
		return ERR(err, ERR_FUNDS, "the inputs come to %" PRIu64 " sat and the outputs to %" PRIu64 " sat",
			   sat_value(in), sat_value(out));
	return 0;
}

/* What is still to be paid: of this output so much, and those after it. */
struct cursor {
	struct ark_amounts outputs;
	size_t at;
	struct sat left;
};

static struct sat lesser(struct sat a, struct sat b)
{
	return sat_cmp(a, b) < 0 ? a : b;
}

static void take(struct cursor *c, struct sat amount)
{
	c->left.v -= amount.v;
	if (c->left.v == 0 && ++c->at < c->outputs.n)
		c->left = c->outputs.v[c->at];
}

/* One input pays for what comes next until it is used up.  Sums are equal: it ends where the outputs do. */
static int pay(struct arena *a, struct sat input, struct cursor *c, struct ark_shares *ret, struct err *err)
{
	struct ark_share *shares = ARENA_ARRAY(a, ARK_OUTPUTS_MAX, struct ark_share);
	size_t n = 0;

	for (; input.v > 0; n++) {
		struct sat part = lesser(input, c->left);

		if (n == ARK_OUTPUTS_MAX)
			return ERR(err, ERR_RANGE,
				   "one VTXO would pay more than %d outputs: pay them in several payments",
				   ARK_OUTPUTS_MAX);
		shares[n] = (struct ark_share){ part, c->at };
		input.v -= part.v;
		take(c, part);
	}
	*ret = (struct ark_shares){ shares, n };
	return 0;
}

int ark_allot(struct arena *a, struct ark_amounts inputs, struct ark_amounts outputs, struct ark_shares *ret,
	      struct err *err)
{
	struct ark_shares *all;
	struct cursor c;

	if (check(inputs, outputs, err) != 0)
		return -1;
	c = (struct cursor){ outputs, 0, outputs.v[0] };
	all = ARENA_ARRAY(a, inputs.n, struct ark_shares);
	for (size_t i = 0; i < inputs.n; i++)
		if (pay(a, inputs.v[i], &c, &all[i], err) != 0)
			return -1;
	memcpy(ret, all, inputs.n * sizeof(*ret));
	return 0;
}

static bool is_dust(const struct ark_share *s)
{
	return sat_cmp(s->amount, dust_limit) < 0;
}

/* In their order; dust says which of the two are wanted. */
static void pick(struct ark_shares from, bool dust, struct ark_shares *to)
{
	for (size_t i = 0; i < from.n; i++)
		if (is_dust(&from.v[i]) == dust)
			to->v[to->n++] = from.v[i];
}

static int sum_of(struct ark_shares s, struct sat *ret, struct err *err)
{
	struct sat sum = { 0 };

	for (size_t i = 0; i < s.n; i++)
		if (!sat_add(sum, s.v[i].amount, &sum))
			return ERR(err, ERR_RANGE, "the outputs come to more than any amount");
	*ret = sum;
	return 0;
}

/* The first that can spare what the dust lacks gives it, as a share of its own in front of the dust. */
static bool top_up(struct ark_isolation *split, struct sat lacking)
{
	struct ark_shares *normal = &split->normal, *isolated = &split->isolated;

	for (size_t i = 0; i < normal->n; i++) {
		struct sat rest;

		if (!sat_sub(normal->v[i].amount, lacking, &rest) || sat_cmp(rest, dust_limit) < 0)
			continue;
		normal->v[i].amount = rest;
		memmove(isolated->v + 1, isolated->v, isolated->n * sizeof(isolated->v[0]));
		isolated->v[0] = (struct ark_share){ lacking, normal->v[i].of };
		isolated->n++;
		return true;
	}
	return false;
}

int ark_isolate_dust(struct arena *a, struct ark_shares shares, struct ark_isolation *ret, struct err *err)
{
	struct ark_isolation split = { .normal.v = ARENA_ARRAY(a, shares.n, struct ark_share),
				       .isolated.v = ARENA_ARRAY(a, shares.n + 1, struct ark_share) };
	static const struct sat two_limits = { (uint64_t)2 * ARK_DUST_SAT };
	struct sat large, small, lacking;

	pick(shares, false, &split.normal);
	pick(shares, true, &split.isolated);
	if (sum_of(split.normal, &large, err) != 0 || sum_of(split.isolated, &small, err) != 0)
		return -1;
	if (split.normal.n == 0 || split.isolated.n == 0) {
		*ret = (struct ark_isolation){ .normal = shares };
		return 0;
	}
	if (!sat_sub(dust_limit, small, &lacking)) /* the dust is enough by itself */
		lacking = (struct sat){ 0 };
	if (lacking.v == 0) {
		*ret = split;
	} else if (sat_cmp(large, two_limits) < 0) {
		*ret = (struct ark_isolation){ .normal = shares };
	} else if (top_up(&split, lacking)) {
		*ret = split;
	} else {
		/* No single one can spare it: the dust stays, behind the others. */
		struct ark_shares reordered = { ARENA_ARRAY(a, shares.n, struct ark_share), 0 };

		pick(shares, false, &reordered);
		pick(shares, true, &reordered);
		*ret = (struct ark_isolation){ .normal = reordered };
	}
	return 0;
}
