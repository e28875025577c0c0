#include "rails/ark/validate.h"

#include <inttypes.h>

#include "rails/ark/exit_tx.h"
#include "rails/bitcoin/policy.h"

#define MEMO_OF_ONE 32 /* entries: what is asked twice is asked again soon */

/* --- against the chain --- */

static bool same_output(const struct tx_out *a, const struct tx_out *b)
{
	return sat_cmp(a->value, b->value) == 0 && bytes_equal(a->script, b->script);
}

static int check_anchor(const struct vtxo *v, const struct tx_out *want, const struct tx *anchor_tx, struct err *err)
{
	const struct tx_out *out = &anchor_tx->out[v->anchor.vout];

	if (same_output(out, want))
		return 0;
	return ERR(err, ERR_VTXO_ANCHOR,
		   "incorrect chain anchor: it pays %" PRIu64 " sat, the VTXO needs %" PRIu64 " sat%s",
		   sat_value(out->value), sat_value(want->value),
		   bytes_equal(out->script, want->script) ? "" : ", and another script");
}

/* What a step lacks, or NULL. */
static const char *missing(const struct genesis_item *g, const struct exit_tx *e)
{
	if (e->from.by_leaf && !g->has_preimage)
		return "missing preimage";
	if (!g->has_signature)
		return g->kind == GENESIS_COSIGNED ? "missing cosigned signature" : "missing signature";
	return NULL;
}

static int check_step(struct ark_memo *memo, const struct vtxo *v, size_t i, const struct exit_tx *e, struct err *err)
{
	const struct genesis_item *g = &v->items[i];
	const char *why = missing(g, e);
	struct hash32 sighash;

	if (why == NULL) {
		if (exit_tx_sighash(e, &sighash, err) != 0)
			return -1;
		if (ark_memo_verify(memo, &e->from.key, &sighash, g->signature))
			return 0;
		why = "invalid signature";
	}
	return ERR(err, ERR_VTXO_TRANSITION, "genesis item %zu of %zu (%s): %s", i, v->n_items, genesis_name(g->kind),
		   why);
}

static int check_steps(struct ark_memo *memo, const struct vtxo *v, const struct exit_chain *c, struct err *err)
{
	for (size_t i = 0; i < c->n; i++)
		if (check_step(memo, v, i, &c->txs[i], err) != 0)
			return -1;
	return 0;
}

/* Keys that cancel each other out, and the like: nobody can sign for such an output, so that no VTXO has it. */
static int chain_of(struct arena *a, struct ark_memo *memo, const struct vtxo *v, struct exit_chain *ret,
		    struct err *err)
{
	struct err why;

	if (exit_chain_make_by(a, memo, v, ret, &why) == 0)
		return 0;
	return ERR(err, ERR_VTXO_INVALID, "%s", why.msg);
}

static int validate(struct ark_memo *memo, const struct vtxo *v, const struct tx *anchor_tx, bool is_signed,
		    struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(exit_chain_room(v));
	struct txid txid = tx_txid(anchor_tx);
	const struct outpoint *end;
	struct exit_chain c;

	if (!txid_equal(&txid, &v->anchor.txid))
		return ERR(err, ERR_VTXO_ANCHOR_TX, "the transaction given is not the one of the chain anchor");
	if (v->anchor.vout >= anchor_tx->n_out)
		return ERR(err, ERR_VTXO_INVALID, "chain anchor vout out of range: %u of %zu outputs", v->anchor.vout,
			   anchor_tx->n_out);
	if (chain_of(&a, memo, v, &c, err) != 0 || check_anchor(v, &c.anchor, anchor_tx, err) != 0)
		return -1;
	if (is_signed && check_steps(memo, v, &c, err) != 0)
		return -1;
	end = c.n > 0 ? &c.txs[c.n - 1].next : &v->anchor;
	if (!outpoint_equal(end, &v->point))
		return ERR(err, ERR_VTXO_INVALID, "point doesn't match computed exit outpoint");
	return 0;
}

int vtxo_validate_by(struct ark_memo *memo, const struct vtxo *v, const struct tx *anchor_tx, struct err *err)
{
	return validate(memo, v, anchor_tx, true, err);
}

/* One hop of an arkoor asks for the same aggregate two or three times. */
static int validate_alone(const struct vtxo *v, const struct tx *anchor_tx, bool is_signed, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ARK_MEMO_ROOM(MEMO_OF_ONE));
	struct ark_memo memo = ark_memo_in(&a, MEMO_OF_ONE);

	return validate(&memo, v, anchor_tx, is_signed, err);
}

int vtxo_validate(const struct vtxo *v, const struct tx *anchor_tx, struct err *err)
{
	return validate_alone(v, anchor_tx, true, err);
}

int vtxo_validate_unsigned(const struct vtxo *v, const struct tx *anchor_tx, struct err *err)
{
	return validate_alone(v, anchor_tx, false, err);
}

/* --- against our server's terms --- */

static int check_terms(const struct vtxo *v, const struct vtxo_demands *d, struct err *err)
{
	if (!pubkey_equal(&v->terms.server, &d->server))
		return ERR(err, ERR_VTXO_SERVER, "server_pubkey: it is another server's");
	if (v->terms.expiry_height <= (uint64_t)d->tip + v->terms.exit_delta)
		return ERR(err, ERR_VTXO_EXPIRY,
			   "expiry_height: %u is too soon, at height %u and with %u blocks to exit",
			   v->terms.expiry_height, d->tip, v->terms.exit_delta);
	if (v->terms.exit_delta != d->exit_delta)
		return ERR(err, ERR_VTXO_INVALID, "exit_delta: %u, where the server announces %u", v->terms.exit_delta,
			   d->exit_delta);
	return 0;
}

int vtxo_check_received(const struct vtxo *v, const struct vtxo_demands *d, struct err *err)
{
	if (v->policy.kind != ARK_PUBKEY)
		return ERR(err, ERR_VTXO_POLICY, "policy: %s, where only pubkey is received",
			   ark_policy_name(v->policy.kind));
	if (check_terms(v, d, err) != 0)
		return -1;
	if (v->n_items > d->depth_max)
		return ERR(err, ERR_RANGE, "exit depth: %zu is above the server's %zu", v->n_items, d->depth_max);
	if (!vtxo_has_all_witnesses(v))
		return ERR(err, ERR_VTXO_TRANSITION, "genesis: a signature or a preimage is missing");
	if (!sat_is_money(v->amount))
		return ERR(err, ERR_RANGE, "amount: more than there is bitcoin");
	return 0;
}

/* --- relay --- */

/* What is wrong with this output, as a code and a reason; ERR_NONE for nothing. */
static enum err_code judge(const struct tx_out *out, const char **ret)
{
	switch (spk_classify(out->script, NULL)) {
	case SPK_P2PKH:
	case SPK_P2SH:
	case SPK_P2WPKH:
	case SPK_P2WSH:
	case SPK_P2TR:
		*ret = "dust";
		return policy_is_dust(out) ? ERR_VTXO_DUST : ERR_NONE;
	case SPK_OP_RETURN:
		*ret = "an OP_RETURN that is too long";
		return out->script.n > POLICY_OP_RETURN_MAX ? ERR_VTXO_SCRIPT : ERR_NONE;
	case SPK_P2A:
	case SPK_WITNESS_UNKNOWN:
	case SPK_OTHER:
		break;
	}
	*ret = "a script that is not standard";
	return ERR_VTXO_SCRIPT;
}

static int check_siblings(const struct vtxo *v, size_t i, struct err *err)
{
	const struct genesis_item *g = &v->items[i];
	const char *why;

	for (size_t k = 0; k < g->n_others; k++) {
		enum err_code code = judge(&g->others[k], &why);

		if (code != ERR_NONE)
			return ERR(err, code, "genesis item %zu of %zu: output %zu, of %" PRIu64 " sat, is %s", i,
				   v->n_items, k < g->output_idx ? k : k + 1, sat_value(g->others[k].value), why);
	}
	return 0;
}

int vtxo_check_standard(const struct vtxo *v, struct err *err)
{
	struct tx_out own = { .value = v->amount };
	enum err_code code;
	const char *why;
	struct spk spk;

	if (ark_policy_spk(&v->policy, &v->terms, &spk, err) != 0)
		return -1;
	own.script = spk_bytes(&spk);
	code = judge(&own, &why);
	if (code != ERR_NONE) {
		ERR(err, code, "its own output, of %" PRIu64 " sat, is %s", sat_value(v->amount), why);
		return err_hint(err, "refresh it together with others: alone it cannot be taken on chain");
	}
	for (size_t i = 0; i < v->n_items; i++)
		if (check_siblings(v, i, err) != 0)
			return err_hint(err, "refresh it: its way to the chain may not be relayed");
	return 0;
}
