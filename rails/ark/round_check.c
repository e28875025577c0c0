#include "rails/ark/round_check.h"

#include <inttypes.h>

#define TIP_SLACK 6 /* blocks */

uint32_t round_expiry_min(uint32_t tip, uint32_t lifetime)
{
	uint64_t at = (uint64_t)tip + lifetime;

	at = at > TIP_SLACK ? at - TIP_SLACK : 0;
	return at > UINT32_MAX ? UINT32_MAX : (uint32_t)at;
}

static int check_terms(const struct ark_terms *t, const struct round_demands *d, struct err *err)
{
	if (!pubkey_equal(&t->server, &d->server))
		return ERR(err, ERR_PEER_INVALID, "the round is of another server's key");
	if (t->exit_delta != d->exit_delta)
		return ERR(err, ERR_PEER_INVALID, "the round has an exit delta of %u blocks, not %u", t->exit_delta,
			   d->exit_delta);
	if (t->expiry_height < d->expiry_min)
		return ERR(err, ERR_PEER_INVALID, "the round expires at height %" PRIu32 ", before %" PRIu32,
			   t->expiry_height, d->expiry_min);
	return 0;
}

static bool same_output(const struct ark_output *a, const struct ark_output *b)
{
	return sat_cmp(a->amount, b->amount) == 0 && ark_policy_equal(&a->policy, &b->policy);
}

static bool is_taken(const uint32_t *leaves, size_t n, uint32_t leaf)
{
	for (size_t i = 0; i < n; i++)
		if (leaves[i] == leaf)
			return true;
	return false;
}

/* The leaf of output i: by its cosign key too, so that of two equal outputs each gets its own. */
static int find_leaf(const struct tree_spec *s, struct round_wanted wanted, size_t i, uint32_t *leaves, struct err *err)
{
	for (uint32_t k = 0; k < s->n_leaves; k++) {
		const struct tree_leaf *l = &s->leaves[k];

		if (!same_output(&l->output, &wanted.v[i].output) || !l->has_cosign ||
		    !pubkey_equal(&l->cosign, &wanted.v[i].cosign) || is_taken(leaves, i, k))
			continue;
		leaves[i] = k;
		return 0;
	}
	return ERR(err, ERR_PEER_INVALID, "the round lacks output %zu of %" PRIu64 " sat with its cosign key", i,
		   sat_value(wanted.v[i].output.amount));
}

static int check_funding(struct tree *t, const struct tx *round, struct err *err)
{
	struct outpoint expected = { tx_txid(round), 0 };
	struct tx_out funding;

	if (!outpoint_equal(tree_utxo_of(t), &expected))
		return ERR(err, ERR_PEER_INVALID, "the tree does not begin at output 0 of the round's transaction");
	if (tree_funding(t, &funding, err) != 0)
		return -1;
	if (round->n_out == 0 || !bytes_equal(round->out[0].script, funding.script) ||
	    sat_cmp(round->out[0].value, funding.value) != 0)
		return ERR(err, ERR_PEER_INVALID, "output 0 of the round's transaction is not what its tree spends");
	return 0;
}

int round_check_tree(struct tree *t, const struct round_demands *d, struct round_wanted wanted, const struct tx *round,
		     uint32_t *ret_leaves, struct err *err)
{
	const struct tree_spec *s = tree_spec_of(t);

	if (check_terms(&s->terms, d, err) != 0)
		return -1;
	for (size_t i = 0; i < wanted.n; i++) {
		if (find_leaf(s, wanted, i, ret_leaves, err) != 0)
			return -1;
		if (!hash32_equal(&s->leaves[ret_leaves[i]].unlock_hash, &d->unlock_hash))
			return ERR(err, ERR_PEER_INVALID, "leaf %" PRIu32 " is locked by another hash than was agreed",
				   ret_leaves[i]);
	}
	return check_funding(t, round, err);
}

int round_check_delegated(struct round_vtxos got, struct ark_outputs wanted, const struct round_demands *d,
			  struct err *err)
{
	if (got.n != wanted.n)
		return ERR(err, ERR_PEER_INVALID, "the round gave %zu VTXOs for %zu outputs", got.n, wanted.n);
	for (size_t i = 0; i < got.n; i++) {
		struct ark_output o = { got.v[i].amount, got.v[i].policy };

		if (!same_output(&o, &wanted.v[i]))
			return ERR(err, ERR_PEER_INVALID, "VTXO %zu of the round is not the output that was asked for",
				   i);
		if (check_terms(&got.v[i].terms, d, err) != 0)
			return err_context(err, "VTXO %zu", i);
	}
	return 0;
}
