#include "rails/lightning/splice_owner.h"

#include "rails/bitcoin/script.h"
#include "rails/lightning/splice_fee.h"

/* Of what a node's own wallet (P2WPKH) puts into a splice. */
#define CHANGE_WEIGHT  124u /* of an output */
#define CHANGE_DUST    294u /* sat; it may be that and not be made: at most the cost of the output more */
#define COUNTED_WEIGHT 16u  /* by which two counts of an input differ, at most */

const char *splice_owner_name(enum splice_owner o)
{
	switch (o) {
	case OWNER_UNDECIDED:
		return "undecided";
	case OWNER_OURS:
		return "ours";
	case OWNER_FOREIGN:
		return "foreign";
	case OWNER_FOREIGN_LOCAL:
		return "foreign_local";
	case OWNER_COMMITMENT:
		return "commitment";
	}
	return "unknown";
}

const struct funding_candidate *splice_candidate(const struct splice_known *k, const struct txid *txid)
{
	for (size_t i = 0; i < k->n_candidates; i++)
		if (txid_equal(&k->candidates[i].txid, txid))
			return &k->candidates[i];
	return NULL;
}

static enum splice_owner owner_of(const struct funding_candidate *c)
{
	switch (c->origin) {
	case CANDIDATE_OURS:
		return OWNER_OURS;
	case CANDIDATE_FOREIGN:
		return OWNER_FOREIGN;
	case CANDIDATE_FOREIGN_LOCAL:
		return OWNER_FOREIGN_LOCAL;
	}
	return OWNER_UNDECIDED;
}

static bool same_share(struct splice_share a, struct splice_share b)
{
	return a.out == b.out && sat_cmp(a.by, b.by) == 0;
}

enum splice_owner splice_owner_of_flight(const struct splice_known *k, const struct ln_flight *f, const struct tx *tx)
{
	const struct funding_candidate *c = splice_candidate(k, &f->funding.txid);
	struct err ignored;
	struct sat fee;

	if (c)
		return owner_of(c);
	if (sat_value(f->own.by) == 0)
		return OWNER_FOREIGN;
	if (!same_share(f->own, k->terms.share) || tx == NULL || splice_verify_tx(tx, &k->terms, &fee, &ignored) != 0)
		return OWNER_FOREIGN_LOCAL;
	return OWNER_OURS;
}

/* BOLT 3: what a commitment writes into locktime and sequence. */
static bool is_commitment(const struct tx *tx, const struct tx_in *base)
{
	return tx->locktime >> 24 == 0x20 && base->sequence >> 24 == 0x80;
}

/* A funding output is P2WSH, or P2TR. */
static bool can_be_funding(const struct tx_out *out)
{
	const struct bytes s = out->script;

	return s.n == 34 && (s.p[0] == OP_0 || s.p[0] == OP_1) && s.p[1] == 32;
}

static bool is_ours(const struct splice_terms *t, const struct tx_out *out)
{
	for (size_t i = 0; i < t->n_outputs; i++)
		if (bytes_equal(t->outputs[i].script, out->script) && sat_cmp(t->outputs[i].amount, out->value) == 0)
			return true;
	return false;
}

/* What the channel is worth with our share, where the peer adds nothing.  False: less than nothing. */
static bool new_capacity(const struct splice_known *k, struct sat *ret)
{
	if (k->terms.share.out)
		return sat_sub(k->base_capacity, k->terms.share.by, ret);
	return sat_add(k->base_capacity, k->terms.share.by, ret);
}

uint32_t splice_funding_place(const struct splice_known *k, const struct tx *tx)
{
	struct splice_whole whole;
	struct sat capacity;
	size_t best = tx->n_out;

	if (k->whole && splice_whole_of(k, tx, &whole))
		return whole.vout;
	if (new_capacity(k, &capacity))
		for (size_t i = 0; i < tx->n_out; i++)
			if (can_be_funding(&tx->out[i]) && sat_cmp(tx->out[i].value, capacity) == 0)
				return (uint32_t)i;
	for (size_t i = 0; i < tx->n_out; i++)
		if (can_be_funding(&tx->out[i]) && !is_ours(&k->terms, &tx->out[i]) &&
		    (best == tx->n_out || sat_cmp(tx->out[i].value, tx->out[best].value) > 0))
			best = i;
	return best == tx->n_out ? 0 : (uint32_t)best;
}

static bool spends_ours(const struct splice_terms *t, const struct tx *tx)
{
	for (size_t i = 0; i < t->n_inputs; i++)
		if (tx_find_input(tx, &t->inputs[i].at) == tx->n_in)
			return false;
	return t->n_inputs > 0;
}

/* An output that is the base less what is paid and a fee that the user allows. */
static bool has_rest(const struct splice_known *k, const struct tx *tx)
{
	struct sat most = k->base_capacity, limit, fee;

	for (size_t i = 0; i < k->terms.n_outputs; i++)
		if (!sat_sub(most, k->terms.outputs[i].amount, &most))
			return false;
	if (!splice_fee_limit(k->terms.max_rate, k->terms.weight, &limit))
		return false;
	if (k->terms.has_max_fee && sat_cmp(k->terms.max_fee, limit) < 0)
		limit = k->terms.max_fee;
	for (size_t i = 0; i < tx->n_out; i++)
		if (can_be_funding(&tx->out[i]) && sat_sub(most, tx->out[i].value, &fee) && sat_cmp(fee, limit) <= 0)
			return true;
	return false;
}

static bool pays_all(const struct splice_known *k, const struct tx *tx)
{
	for (size_t i = 0; i < k->terms.n_outputs; i++) {
		bool found = false;

		for (size_t j = 0; j < tx->n_out && !found; j++)
			found = bytes_equal(k->terms.outputs[i].script, tx->out[j].script) &&
				sat_cmp(k->terms.outputs[i].amount, tx->out[j].value) == 0;
		if (!found)
			return false;
	}
	return k->terms.n_outputs > 0;
}

static bool pays_ours(const struct splice_known *k, const struct tx *tx)
{
	return pays_all(k, tx) && has_rest(k, tx);
}

/* --- as a whole --- */

/* The output that is a funding's, worth `most` less something up to `limit`: the largest.  False: there is none. */
static bool find_rest(const struct splice_known *k, const struct tx *tx, struct sat most, struct sat limit,
		      uint32_t *ret_vout, struct sat *ret_less)
{
	bool found = false;
	struct sat less;

	for (size_t i = 0; i < tx->n_out; i++) {
		const struct tx_out *out = &tx->out[i];

		if (!can_be_funding(out) || is_ours(&k->terms, out) || !sat_sub(most, out->value, &less) ||
		    sat_cmp(less, limit) > 0 || (found && sat_cmp(less, *ret_less) >= 0))
			continue;
		found = true;
		*ret_vout = (uint32_t)i;
		*ret_less = less;
	}
	return found;
}

static bool whole_out(const struct splice_known *k, const struct tx *tx, struct sat limit, struct splice_whole *ret)
{
	struct sat most = k->base_capacity;

	if (!pays_all(k, tx))
		return false;
	for (size_t i = 0; i < k->terms.n_outputs; i++)
		if (!sat_sub(most, k->terms.outputs[i].amount, &most))
			return false;
	ret->amount = k->terms.share.by;
	ret->has_fee = true;
	return find_rest(k, tx, most, limit, &ret->vout, &ret->fee);
}

/* By how much more, or less, than was asked for the channel may have grown: the node's wallet and its channels do not count the
 * weight of the same inputs alike, and what would be dust as change goes in as well. */
static bool slack_of(const struct splice_known *k, const struct tx *tx, struct sat *ret_more, struct sat *ret_less)
{
	const struct weight counted = { tx->n_in * COUNTED_WEIGHT }, change = { CHANGE_WEIGHT };
	struct sat cost;

	return splice_fee_limit(k->terms.max_rate, counted, ret_less) &&
	       splice_fee_limit(k->terms.max_rate, weight_add(counted, change), &cost) &&
	       sat_add(cost, (struct sat){ CHANGE_DUST }, ret_more);
}

static bool whole_in(const struct splice_known *k, const struct tx *tx, struct sat limit, struct splice_whole *ret)
{
	struct sat more = { 0 }, range = limit, capacity, most, less;

	if (tx->n_in < 2 || sat_value(k->terms.share.by) == 0)
		return false;
	if (!k->everything && (!slack_of(k, tx, &more, &less) || !sat_add(more, less, &range)))
		return false;
	return new_capacity(k, &capacity) && sat_add(capacity, more, &most) &&
	       find_rest(k, tx, most, range, &ret->vout, &less) && sat_add(k->terms.share.by, more, &most) &&
	       sat_sub(most, less, &ret->amount) && sat_value(ret->amount) > 0;
}

bool splice_whole_of(const struct splice_known *k, const struct tx *tx, struct splice_whole *ret)
{
	struct splice_whole found = { .has_fee = false };
	struct sat limit;

	if (!splice_fee_limit(k->terms.max_rate, tx_weight(tx), &limit))
		return false;
	if (k->terms.share.out ? !whole_out(k, tx, limit, &found) : !whole_in(k, tx, limit, &found))
		return false;
	*ret = found;
	return true;
}

enum splice_owner splice_owner_of_tx(const struct splice_known *k, const struct tx *tx, bool closing)
{
	struct txid txid = tx_txid(tx);
	const struct funding_candidate *c = splice_candidate(k, &txid);
	size_t base = tx_find_input(tx, &k->terms.base);
	struct splice_whole whole;

	if (c)
		return owner_of(c);
	if (base == tx->n_in)
		return OWNER_UNDECIDED;
	if (is_commitment(tx, &tx->in[base]))
		return OWNER_COMMITMENT;
	/* A cooperative close may pay the same as a splice out. */
	if (k->terms.share.out && closing)
		return OWNER_UNDECIDED;
	if (k->whole)
		return splice_whole_of(k, tx, &whole) ? OWNER_OURS : OWNER_UNDECIDED;
	if (!k->terms.share.out)
		return spends_ours(&k->terms, tx) ? OWNER_OURS : OWNER_UNDECIDED;
	return pays_ours(k, tx) ? OWNER_OURS : OWNER_UNDECIDED;
}
