#include "rails/lightning/splice_verify.h"

#include <inttypes.h>

#include "rails/bitcoin/psbt.h"
#include "rails/lightning/splice_fee.h"

#define REFUSE(err, ...) ERR((err), ERR_PEER_INVALID, __VA_ARGS__)

int splice_terms_of(struct arena *a, const char *contribution, struct splice_terms *ret, struct err *err)
{
	struct splice_input *inputs;
	struct splice_output *outputs;
	struct psbt p;

	if (psbt_decode_text(a, contribution, &p, err) != 0)
		return -1;
	if (p.tx.n_in > SPLICE_INPUTS_MAX ||
	    !arena_room(a, p.tx.n_in * sizeof(*inputs) + p.tx.n_out * sizeof(*outputs) + 128))
		return ERR(err, ERR_RANGE, "%zu inputs and %zu outputs", p.tx.n_in, p.tx.n_out);
	inputs = ARENA_ARRAY(a, p.tx.n_in, struct splice_input);
	outputs = ARENA_ARRAY(a, p.tx.n_out, struct splice_output);
	for (size_t i = 0; i < p.tx.n_in; i++) {
		struct tx_out spent;

		if (psbt_spent(a, &p, i, &spent, err) != 0)
			return err_context(err, "input %zu of our contribution", i);
		inputs[i] = (struct splice_input){ .at = p.tx.in[i].prevout, .amount = spent.value };
	}
	for (size_t i = 0; i < p.tx.n_out; i++)
		outputs[i] = (struct splice_output){ .script = p.tx.out[i].script, .amount = p.tx.out[i].value };
	ret->inputs = inputs;
	ret->n_inputs = p.tx.n_in;
	ret->outputs = outputs;
	ret->n_outputs = p.tx.n_out;
	return 0;
}

bool splice_own_fee(const struct splice_terms *t, struct sat *ret)
{
	struct sat in = t->share.out ? t->share.by : (struct sat){ 0 };
	struct sat out = t->share.out ? (struct sat){ 0 } : t->share.by;

	for (size_t i = 0; i < t->n_inputs; i++)
		if (!sat_add(in, t->inputs[i].amount, &in))
			return false;
	for (size_t i = 0; i < t->n_outputs; i++)
		if (!sat_add(out, t->outputs[i].amount, &out))
			return false;
	return sat_sub(in, out, ret);
}

static bool is_among(const struct splice_input *list, size_t n, const struct outpoint *at)
{
	for (size_t i = 0; i < n; i++)
		if (outpoint_equal(&list[i].at, at))
			return true;
	return false;
}

/* V1 */
static int inputs_check(const struct tx *tx, const struct splice_terms *t, struct err *err)
{
	char text[OUTPOINT_TEXT];

	if (tx_find_input(tx, &t->base) == tx->n_in)
		return REFUSE(err, "the splice does not spend the channel's funding");
	for (size_t i = 0; i < t->n_inputs; i++) {
		outpoint_text(&t->inputs[i].at, text);
		if (tx_find_input(tx, &t->inputs[i].at) == tx->n_in)
			return REFUSE(err, "the splice does not spend our input %s", text);
	}
	for (size_t i = 0; i < tx->n_in; i++) {
		const struct outpoint *at = &tx->in[i].prevout;

		outpoint_text(at, text);
		if (is_among(t->wallet, t->n_wallet, at) && !is_among(t->inputs, t->n_inputs, at))
			return REFUSE(err, "the splice spends our output %s, which we did not put in", text);
	}
	return 0;
}

/* How many outputs of the first n of ours are as the i-th. */
static size_t wanted(const struct splice_terms *t, size_t n, size_t i)
{
	size_t found = 0;

	for (size_t j = 0; j < n; j++)
		found += bytes_equal(t->outputs[j].script, t->outputs[i].script) &&
			 sat_cmp(t->outputs[j].amount, t->outputs[i].amount) == 0;
	return found;
}

static size_t present(const struct tx *tx, const struct splice_output *o)
{
	size_t found = 0;

	for (size_t j = 0; j < tx->n_out; j++)
		found += bytes_equal(tx->out[j].script, o->script) && sat_cmp(tx->out[j].value, o->amount) == 0;
	return found;
}

/* V2: each, also where two are the same; and what that leaves is the fee. */
static int outputs_check(const struct tx *tx, const struct splice_terms *t, struct sat *ret_fee, struct err *err)
{
	struct sat fee, limit;

	for (size_t i = 0; i < t->n_outputs; i++)
		if (present(tx, &t->outputs[i]) < wanted(t, t->n_outputs, i))
			return REFUSE(err, "the splice does not have our output %zu as it was", i);
	if (!splice_own_fee(t, &fee))
		return REFUSE(err, "our part of the splice does not add up");
	if (!splice_fee_limit(t->max_rate, t->weight, &limit))
		return REFUSE(err, "no fee can be told for this rate");
	if (t->has_max_fee && sat_cmp(t->max_fee, limit) < 0)
		limit = t->max_fee;
	if (sat_cmp(fee, limit) > 0)
		return REFUSE(err, "our part of the splice pays a fee of %" PRIu64 " sat, and %" PRIu64 " are allowed",
			      sat_value(fee), sat_value(limit));
	*ret_fee = fee;
	return 0;
}

int splice_verify_tx(const struct tx *tx, const struct splice_terms *t, struct sat *ret_fee, struct err *err)
{
	if (tx_check(tx, err) != 0) {
		struct err why = *err;

		return REFUSE(err, "the splice is no transaction: %s", why.msg);
	}
	if (inputs_check(tx, t, err) != 0)
		return -1;
	return outputs_check(tx, t, ret_fee, err);
}

int splice_verify(struct arena *a, const char *psbt, const struct splice_terms *t, struct splice_view *ret,
		  struct err *err)
{
	struct splice_view v = { .n_ours = 0 };
	struct psbt p;

	if (psbt_decode_text(a, psbt, &p, err) != 0 || splice_verify_tx(&p.tx, t, &v.fee, err) != 0)
		return -1;
	if (!arena_room(a, t->n_inputs * sizeof(*v.ours) + 64))
		return ERR(err, ERR_RANGE, "no room for %zu inputs", t->n_inputs);
	v.tx = p.tx;
	v.txid = tx_txid(&p.tx);
	v.ours = ARENA_ARRAY(a, t->n_inputs, uint32_t);
	for (size_t i = 0; i < t->n_inputs; i++)
		v.ours[v.n_ours++] = (uint32_t)tx_find_input(&p.tx, &t->inputs[i].at);
	*ret = v;
	return 0;
}

int splice_verify_newest(const struct ln_channel *c, const struct txid *txid, struct err *err)
{
	char text[TXID_TEXT];

	if (c->n_flights > 0 && txid_equal(&c->flights[c->n_flights - 1].funding.txid, txid))
		return 0;
	txid_text(txid, text);
	return REFUSE(err, "the node's newest candidate is not %s", text);
}
