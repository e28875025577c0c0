#include "rails/ark/arkoor_package.h"

#include <inttypes.h>
#include <string.h>

#include "rails/ark/allot.h"

int arkoor_payment(struct arkoor_inputs inputs, const struct ark_output *payment, const struct ark_policy *change,
		   struct ark_output ret[2], size_t *ret_n, struct err *err)
{
	struct sat sum = { 0 }, left;

	for (size_t i = 0; i < inputs.n; i++)
		if (!sat_add(sum, inputs.v[i].amount, &sum))
			return ERR(err, ERR_RANGE, "the VTXOs come to more than any amount");
	if (!sat_sub(sum, payment->amount, &left))
		return ERR(err, ERR_FUNDS, "the VTXOs come to %" PRIu64 " sat, the payment is of %" PRIu64 " sat",
			   sat_value(sum), sat_value(payment->amount));
	ret[0] = *payment;
	*ret_n = 1;
	if (sat_value(left) > 0)
		ret[(*ret_n)++] = (struct ark_output){ left, *change };
	return 0;
}

static struct ark_outputs outputs_of(struct arena *a, struct ark_shares shares, struct ark_outputs asked)
{
	struct ark_output *v = ARENA_ARRAY(a, shares.n, struct ark_output);

	for (size_t i = 0; i < shares.n; i++)
		v[i] = (struct ark_output){ shares.v[i].amount, asked.v[shares.v[i].of].policy };
	return (struct ark_outputs){ v, shares.n };
}

static int request_of(struct arena *a, const struct vtxo *input, struct ark_shares shares, struct ark_outputs asked,
		      struct arkoor_request *ret, struct err *err)
{
	struct ark_isolation split;

	if (ark_isolate_dust(a, shares, &split, err) != 0)
		return -1;
	ret->input = input;
	ret->normal = outputs_of(a, split.normal, asked);
	ret->isolated = outputs_of(a, split.isolated, asked);
	return arkoor_check(ret, err);
}

int arkoor_package_make(struct arena *a, struct arkoor_inputs inputs, struct ark_outputs outputs, bool checkpoint,
			struct arkoor_request *ret, struct err *err)
{
	struct sat *in = ARENA_ARRAY(a, inputs.n, struct sat), *out = ARENA_ARRAY(a, outputs.n, struct sat);
	struct ark_shares *shares = ARENA_ARRAY(a, inputs.n, struct ark_shares);
	struct arkoor_request *all = ARENA_ARRAY(a, inputs.n, struct arkoor_request);

	for (size_t i = 0; i < inputs.n; i++)
		in[i] = inputs.v[i].amount;
	for (size_t i = 0; i < outputs.n; i++)
		out[i] = outputs.v[i].amount;
	if (ark_allot(a, (struct ark_amounts){ in, inputs.n }, (struct ark_amounts){ out, outputs.n }, shares, err) !=
	    0)
		return -1;
	for (size_t i = 0; i < inputs.n; i++) {
		all[i].checkpoint = checkpoint;
		if (request_of(a, &inputs.v[i], shares[i], outputs, &all[i], err) != 0)
			return err_context(err, "input %zu", i);
	}
	memcpy(ret, all, inputs.n * sizeof(*ret));
	return 0;
}
