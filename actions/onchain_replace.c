#include "actions/onchain_replace.h"

#include "actions/onchain_order.h"
#include "store/tx_store.h"

/* The last version as it is stored. */
struct old {
	struct tx_row row;
	struct tx tx;
};

static int old_load(struct step *s, const struct version *v, struct old *ret, struct err *err)
{
	int found = tx_store_find(s->view, s->arena, &v->txid, &ret->row, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return ERR(err, ERR_INTERNAL, "the transaction of the payment is not stored");
	return tx_decode(s->arena, ret->row.raw, &ret->tx, err);
}

/* --- what it pays to the wallet itself --- */

static bool is_payment(const struct onchain_order *o, struct bytes script)
{
	for (size_t i = 0; i < o->n_payments; i++)
		if (bytes_equal(o->payments[i].script, script))
			return true;
	return false;
}

/* Whoever builds on it would be left without. */
static int check_free(const struct step *s, const struct utxo_row *coin, struct err *err)
{
	char text[TXID_TEXT];

	if (coin->state == UTXO_SPENT) {
		txid_text(&coin->spent_by, text);
		ERR(err, ERR_ILLEGAL_STATE, "its change is spent by %s, which a replacement would take out", text);
		return err_hint(err, "bump that one: it pays for both");
	}
	if (coin->state == UTXO_LOCKED && !action_id_equal(&coin->holder, &s->row.id)) {
		ERR(err, ERR_ILLEGAL_STATE, "its change is held by the action %s", coin->holder.s);
		return err_hint(err, "action.get id=%s", coin->holder.s);
	}
	return 0;
}

/* *ret_change: where change goes, or as it was. */
static int look_at_outputs(struct step *s, const struct old *old, const struct onchain_order *o,
			   struct bytes *ret_change, struct err *err)
{
	struct utxo_row coin;
	int found;

	for (uint32_t i = 0; i < old->tx.n_out; i++) {
		found = utxo_store_find(s->view, s->arena, &(struct outpoint){ old->row.txid, i }, &coin, err);
		if (found < 0 || (found > 0 && check_free(s, &coin, err) != 0))
			return -1;
		if (found > 0 && !is_payment(o, coin.script))
			*ret_change = coin.script;
	}
	return 0;
}

/* --- the draft --- */

static int old_coins(struct step *s, const struct old *old, struct utxo_row **ret, struct err *err)
{
	*ret = ARENA_ARRAY(s->arena, old->tx.n_in, struct utxo_row);
	for (size_t i = 0; i < old->tx.n_in; i++) {
		int found = utxo_store_find(s->view, s->arena, &old->tx.in[i].prevout, &(*ret)[i], err);

		if (found < 0)
			return -1;
		if (found == 0)
			return ERR(err, ERR_INTERNAL, "the payment spends a coin that is not ours");
	}
	return 0;
}

/* It must outbid whichever of the versions a node has. */
static struct replaced to_outbid(struct step *s, const struct versions *vs, const struct old *old)
{
	struct replaced r = {
		.own_fee = vs->v[vs->n - 1].fee,
		.own_vsize = tx_vsize(&old->tx),
		.incremental = onchain_incremental(s->chain),
	};

	for (size_t i = 0; i < vs->n; i++)
		if (!vs->v[i].withdrawn && sat_cmp(vs->v[i].fee, r.fee) > 0)
			r.fee = vs->v[i].fee;
	return r;
}

/* All of it to one script of ours. */
static void pay_ourselves(struct step *s, struct onchain_order *o)
{
	struct tx_out *out = ARENA_NEW(s->arena, struct tx_out);

	out->script = o->change_script;
	o->payments = out;
	o->n_payments = 1;
	o->sweep = o->closed = true;
}

static int lock_new(struct step *s, const struct onchain_draft *d, struct err *err)
{
	struct outpoint *at = ARENA_ARRAY(s->arena, d->tx.n_in, struct outpoint);
	size_t n = 0;

	for (size_t i = 0; i < d->tx.n_in; i++)
		if (!action_id_equal(&d->coins[i].holder, &s->row.id))
			at[n++] = d->coins[i].at;
	return n > 0 ? utxo_store_lock(s->unit, at, n, &s->row.id, s->now_ms, err) : 0;
}

int onchain_replacement_draft(struct step *s, const struct versions *vs, enum version_kind kind, const json_t *params,
			      struct feerate rate, struct onchain_draft *ret, struct err *err)
{
	struct onchain_order o;
	struct replaced bid;
	struct utxo_row *must;
	struct old old;

	if (old_load(s, &vs->v[vs->n - 1], &old, err) != 0 || onchain_order_read(s, params, &o, err) != 0 ||
	    old_coins(s, &old, &must, err) != 0 || look_at_outputs(s, &old, &o, &o.change_script, err) != 0)
		return -1;
	bid = to_outbid(s, vs, &old);
	o.rate = rate;
	o.must = must;
	o.n_must = old.tx.n_in;
	o.closed = o.sweep || o.n_only > 0;
	o.n_only = 0;
	o.replaces = &bid;
	if ((!o.sweep || kind == VERSION_CANCEL) && o.change_script.n == 0 &&
	    onchain_change_script(s, &o.change_script, err) != 0)
		return -1;
	if (kind == VERSION_CANCEL)
		pay_ourselves(s, &o);
	if (onchain_draft(s, &o, ret, err) != 0)
		return -1;
	return lock_new(s, ret, err);
}

/* --- taking it back --- */

int onchain_replacement_undo(struct step *s, const struct versions *vs, struct err *err)
{
	struct outpoint *extra;
	struct old last, before;
	size_t n = 0;

	if (old_load(s, &vs->v[vs->n - 1], &last, err) != 0 || old_load(s, &vs->v[vs->n - 2], &before, err) != 0 ||
	    tx_store_give_up(s->unit, &last.row.txid, s->now_ms, err) != 0)
		return -1;
	extra = ARENA_ARRAY(s->arena, last.tx.n_in, struct outpoint);
	for (size_t i = 0; i < last.tx.n_in; i++)
		if (tx_find_input(&before.tx, &last.tx.in[i].prevout) == before.tx.n_in)
			extra[n++] = last.tx.in[i].prevout;
	return n > 0 ? utxo_store_release_some(s->unit, extra, n, &s->row.id, s->now_ms, err) : 0;
}
