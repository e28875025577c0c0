#include "rails/ark/offboard.h"

#include <inttypes.h>

#include "rails/ark/exit_tx.h"
#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/sighash.h"
#include "rails/bitcoin/timelock.h"

static const struct sat dust = { ARK_DUST_SAT };
static const struct sat no_fee = { 0 };

int offboard_check_destination(const struct tx_out *destination, struct err *err)
{
	switch (spk_classify(destination->script, NULL)) {
	case SPK_P2PKH:
	case SPK_P2SH:
	case SPK_P2WPKH:
	case SPK_P2WSH:
	case SPK_P2TR:
		break;
	case SPK_OP_RETURN:
		if (destination->script.n > POLICY_OP_RETURN_MAX)
			return ERR(err, ERR_UNSUPPORTED, "OP_RETURN with %zu bytes: nodes relay at most %u",
				   destination->script.n, POLICY_OP_RETURN_MAX);
		return 0;
	case SPK_OTHER:
	case SPK_P2A:
	case SPK_WITNESS_UNKNOWN:
		return ERR(err, ERR_UNSUPPORTED, "nodes do not relay a payment to this script");
	}
	if (policy_is_dust(destination))
		return ERR(err, ERR_DUST, "%" PRIu64 " sat are dust: the least for this address is %" PRIu64,
			   sat_value(destination->value), sat_value(policy_dust(destination->script)));
	return 0;
}

/* False where there are too many. */
static bool connectors_value(size_t n, struct sat *ret)
{
	return n <= OFFBOARD_INPUTS_MAX && sat_from_u64((uint64_t)ARK_DUST_SAT * n, ret);
}

int offboard_check_tx(const struct tx *tx, const struct tx_out *destination, size_t n_inputs, struct err *err)
{
	struct sat connectors;

	if (tx->n_out <= OFFBOARD_CONNECTOR)
		return ERR(err, ERR_PEER_INVALID, "the offboard transaction has %zu outputs", tx->n_out);
	if (!bytes_equal(tx->out[OFFBOARD_DESTINATION].script, destination->script))
		return ERR(err, ERR_PEER_INVALID, "the offboard transaction pays to another script");
	if (sat_cmp(tx->out[OFFBOARD_DESTINATION].value, destination->value) != 0)
		return ERR(err, ERR_PEER_INVALID, "the offboard transaction pays %" PRIu64 " sat, not %" PRIu64,
			   sat_value(tx->out[OFFBOARD_DESTINATION].value), sat_value(destination->value));
	if (!connectors_value(n_inputs, &connectors) || sat_cmp(tx->out[OFFBOARD_CONNECTOR].value, connectors) != 0)
		return ERR(err, ERR_PEER_INVALID, "the offboard transaction has %" PRIu64 " sat for %zu connectors",
			   sat_value(tx->out[OFFBOARD_CONNECTOR].value), n_inputs);
	return 0;
}

/* Where the connectors are: output 1 itself, or outputs 0 to n - 1 of what divides it. */
struct connectors {
	struct outpoint first;
	struct tx_out out; /* each of them */
};

static void make_fanout(struct arena *a, const struct outpoint *from, struct tx_out each, struct offboard *o)
{
	struct tx_out *outs = ARENA_ARRAY(a, o->n, struct tx_out);

	for (size_t i = 0; i < o->n; i++)
		outs[i] = each;
	ark_tx_make(a, from, outs, o->n, no_fee, &o->fanout);
	o->fanout.in[0].sequence = SEQUENCE_FINAL;
	o->has_fanout = true;
}

static struct connectors make_connectors(struct arena *a, const struct tx *tx, struct offboard *o)
{
	struct connectors c = { { tx_txid(tx), OFFBOARD_CONNECTOR }, { dust, tx->out[OFFBOARD_CONNECTOR].script } };

	if (o->n > 1) {
		make_fanout(a, &c.first, c.out, o);
		c.first = (struct outpoint){ tx_txid(&o->fanout), 0 };
	}
	return c;
}

static int payout(struct arena *a, const struct vtxo *v, struct tx_out *ret, struct err *err)
{
	const struct ark_policy owned = { .kind = ARK_SERVER_OWNED };
	struct spk spk;

	if (ark_policy_spk(&owned, &v->terms, &spk, err) != 0)
		return -1;
	if (!sat_add(v->amount, dust, &ret->value))
		return ERR(err, ERR_RANGE, "the VTXO and its connector come to more than any amount");
	ret->script = arena_bytes(a, spk_bytes(&spk));
	return 0;
}

static void make_tx(struct arena *a, const struct vtxo *v, const struct outpoint *connector, const struct tx_out *out,
		    struct tx *ret)
{
	struct tx_in *in = ARENA_ARRAY(a, 2, struct tx_in);

	ark_tx_make(a, &v->point, out, 1, no_fee, ret);
	in[0] = (struct tx_in){ .prevout = v->point, .sequence = SEQUENCE_FINAL };
	in[1] = (struct tx_in){ .prevout = *connector, .sequence = SEQUENCE_FINAL };
	ret->in = in;
	ret->n_in = 2;
}

/* Each signature commits to both outputs that are spent. */
static int make_sighashes(struct offboard_forfeit *f, struct err *err)
{
	struct bytes no_annex = { NULL, 0 };
	struct sighash s;

	sighash_init(&s, &f->tx, f->spent);
	if (sighash_key_path(&s, 0, SIGHASH_DEFAULT, no_annex, &f->cosigned.sighash, err) != 0)
		return -1;
	return sighash_key_path(&s, 1, SIGHASH_DEFAULT, no_annex, &f->connector, err);
}

static int make_forfeit(struct arena *a, const struct vtxo *v, const struct outpoint *connector,
			const struct tx_out *connector_out, struct offboard_forfeit *f, struct err *err)
{
	struct ark_taproot own;
	struct tx_out out;
	struct spk from;

	if (!ark_policy_is_user(v->policy.kind))
		return ERR(err, ERR_VTXO_POLICY, "a VTXO with the policy %s is not a user's to give up",
			   ark_policy_name(v->policy.kind));
	if (ark_policy_taproot(&v->policy, &v->terms, &own, err) != 0 || payout(a, v, &out, err) != 0 ||
	    ark_pair_keys(&v->policy.user, &v->terms.server, &own.tweak, &f->cosigned.keys, err) != 0)
		return -1;
	from = ark_taproot_spk(&own);
	f->spent[0] = (struct tx_out){ v->amount, arena_bytes(a, spk_bytes(&from)) };
	f->spent[1] = *connector_out;
	f->cosigned.user = v->policy.user;
	f->cosigned.server = v->terms.server;
	make_tx(a, v, connector, &out, &f->tx);
	return make_sighashes(f, err);
}

int offboard_make(struct arena *a, const struct tx *tx, const struct vtxo *inputs, size_t n, struct offboard *ret,
		  struct err *err)
{
	struct offboard o = { .n = n };
	struct connectors c;

	if (n == 0 || n > OFFBOARD_INPUTS_MAX)
		return ERR(err, ERR_RANGE, "%zu VTXOs to offboard, not 1 to %d", n, OFFBOARD_INPUTS_MAX);
	if (tx->n_out <= OFFBOARD_CONNECTOR)
		return ERR(err, ERR_PEER_INVALID, "the offboard transaction has %zu outputs", tx->n_out);
	o.forfeits = ARENA_ARRAY(a, n, struct offboard_forfeit);
	c = make_connectors(a, tx, &o);
	for (size_t i = 0; i < n; i++) {
		struct outpoint connector = { c.first.txid, c.first.vout + (uint32_t)i };

		if (make_forfeit(a, &inputs[i], &connector, &c.out, &o.forfeits[i], err) != 0)
			return err_context(err, "input %zu", i);
	}
	*ret = o;
	return 0;
}

int offboard_sign(const struct offboard_forfeit *f, const struct secret *user, const struct musig_pubnonce *server,
		  struct ark_half *ret, struct err *err)
{
	if (ark_half_sign(&f->cosigned, user, server, ret, err) != 0)
		return err_context(err, "offboard");
	return 0;
}
