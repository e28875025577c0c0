#include "chain/told.h"

int told_of(struct arena *a, struct bytes raw, const struct tx *tx, struct told_tx *ret, struct err *err)
{
	bool coinbase = tx_is_coinbase(tx);
	size_t n_in = coinbase ? 0 : tx->n_in;
	struct told_out *out;
	struct outpoint *in;

	if (!arena_room(a, n_in * sizeof(*in) + tx->n_out * sizeof(*out) + 64))
		return ERR(err, ERR_RANGE, "a transaction of %zu outputs is too large to look at", tx->n_out);
	in = ARENA_ARRAY(a, n_in, struct outpoint);
	out = ARENA_ARRAY(a, tx->n_out, struct told_out);
	for (size_t i = 0; i < n_in; i++)
		in[i] = tx->in[i].prevout;
	for (size_t i = 0; i < tx->n_out; i++)
		out[i] = (struct told_out){ tx->out[i].value, tx->out[i].script };
	*ret = (struct told_tx){
		.txid = tx_txid(tx),
		.raw = raw,
		.in = in,
		.n_in = n_in,
		.out = out,
		.n_out = tx->n_out,
		.coinbase = coinbase,
	};
	return 0;
}

int told_read(struct arena *a, struct bytes raw, struct told_tx *ret, struct err *err)
{
	struct tx tx;

	if (tx_decode(a, raw, &tx, err) != 0)
		return -1;
	return told_of(a, raw, &tx, ret, err);
}
