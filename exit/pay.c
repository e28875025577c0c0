#include "exit/pay.h"

#include <inttypes.h>
#include <string.h>

#include "chain/gap.h"
#include "chain/told.h"
#include "rails/chain/broadcast.h"
#include "rails/bitcoin/sighash.h"
#include "rails/keys/keyring.h"
#include "store/script_store.h"
#include "store/tx_store.h"
#include "store/utxo_store.h"

#define CHILD_BYTES_MAX 4096u

/* --- rates --- */

bool pay_rates_are_usable(const struct fee_rates *rates, int64_t age_ms)
{
	return age_ms < PAY_OLD_MS || feerate_sat_per_kwu(rates->rate[FEE_FAST]) <= PAY_OLD_RATE;
}

int pay_rate(struct view v, const struct pay_terms *t, int64_t tx_id, bool *ret_known, struct feerate *ret,
	     bool *ret_override, struct err *err)
{
	struct feerate rate;

	if (exit_tx_store_feerate(v, tx_id, ret_override, &rate, err) != 0)
		return -1;
	*ret_known = *ret_override || t->has_fees;
	if (!*ret_known)
		return 0;
	if (!*ret_override)
		rate = t->fees.rate[FEE_FAST];
	rate = feerate_max(rate, feerate_max(t->limits.min_relay, t->limits.mempool_min));
	*ret = feerate_cmp(rate, t->max_feerate) > 0 ? t->max_feerate : rate;
	return 0;
}

int pay_after_refusal(struct view v, struct arena *a, const struct exit_tx_row *tx, struct feerate *rate,
		      struct err *err)
{
	struct exit_child_row *rows;
	struct feerate was, more, most;
	struct sat ignored;
	size_t n;

	if (exit_child_store_list(v, a, tx->id, &rows, &n, err) != 0)
		return -1;
	while (n > 0 && !exit_child_is_ours(&rows[n - 1]))
		n--;
	if (n == 0 || rows[n - 1].status != CHILD_REJECTED || !rows[n - 1].has_fee || !rows[n - 1].refusal ||
	    !broadcast_fee_wanted(rows[n - 1].refusal, &ignored))
		return 0;
	if (feerate_of_ceil(rows[n - 1].fee, weight_add(tx->weight, rows[n - 1].weight), &was) &&
	    feerate_from_sat_per_kwu((feerate_sat_per_kwu(was) * 5 + 3) / 4, &more) &&
	    feerate_from_sat_per_kwu(feerate_sat_per_kwu(*rate) * 2, &most))
		*rate = feerate_max(*rate, feerate_cmp(more, most) < 0 ? more : most);
	return 0;
}

/* The server may sweep what has not come on chain before this VTXO expires. */
bool pay_deadline_is_near(const struct pay_terms *t, const struct gathered *g)
{
	uint64_t open = 0;

	for (size_t i = 0; i < g->n_txs; i++)
		open += g->facts.txs[i].place != EXIT_TX_CONFIRMED;
	return g->row.expiry_height < g->facts.tip.height + open + t->margin;
}

int pay_bump(struct view v, const struct pay_terms *t, const struct gathered *g, size_t i,
	     const struct child_replaced *now, bool ours, uint32_t blocks, bool *ret_wanted, struct feerate *ret,
	     struct err *err)
{
	struct bump_facts f = {
		.blocks = blocks,
		.after = t->bump_after,
		.ours = ours,
		.deadline_near = pay_deadline_is_near(t, g),
		.limit = t->max_feerate,
	};
	bool known;

	*ret_wanted = false;
	if (pay_rate(v, t, g->txs[i].id, &known, &f.fast, &f.has_override, err) != 0)
		return -1;
	f.override = f.fast;
	if (known && feerate_of_ceil(now->fee, weight_add(g->txs[i].weight, now->weight), &f.now))
		*ret_wanted = bump_wanted(&f, ret);
	return 0;
}

/* --- coins --- */

struct purse {
	struct sat *values; /* those that are kept, then the largest first */
	int64_t *ids;
	size_t n, n_kept;
};

/* Coins that this transaction's children hold, and that a block has: they pay for the next child too. */
static int add_kept(struct view v, struct arena *a, int64_t tx_id, struct purse *p, struct err *err)
{
	const struct action_id holder = exit_child_holder(tx_id);
	struct utxo_row *rows;
	size_t n;

	if (utxo_store_by_holder(v, a, &holder, &rows, &n, err) != 0)
		return -1;
	p->values = ARENA_ARRAY(a, n, struct sat);
	p->ids = ARENA_ARRAY(a, n, int64_t);
	for (size_t i = 0; i < n && p->n < CHILD_COINS_MAX; i++) {
		struct exit_child_row *children;
		size_t n_children, k = 0;

		if (!rows[i].confirmed || (rows[i].state != UTXO_LOCKED && rows[i].state != UTXO_SPENT))
			continue;
		if (exit_child_store_list(v, a, tx_id, &children, &n_children, err) != 0)
			return -1;
		while (rows[i].state == UTXO_SPENT && k < n_children &&
		       !(exit_child_is_ours(&children[k]) && txid_equal(&children[k].txid, &rows[i].spent_by)))
			k++;
		if (k == n_children && rows[i].state == UTXO_SPENT)
			continue; /* by something else: it is gone */
		p->values[p->n] = rows[i].value;
		p->ids[p->n++] = rows[i].id;
	}
	p->n_kept = p->n;
	return 0;
}

static int open_purse(struct view v, struct arena *a, int64_t tx_id, struct purse *ret, struct err *err)
{
	struct purse kept = { 0 };
	struct utxo_value *free_ones;
	size_t n;

	if (add_kept(v, a, tx_id, &kept, err) != 0 || utxo_store_values(v, a, true, &free_ones, &n, err) != 0)
		return -1;
	*ret = (struct purse){ ARENA_ARRAY(a, kept.n + n, struct sat), ARENA_ARRAY(a, kept.n + n, int64_t), kept.n,
			       kept.n_kept };
	if (kept.n > 0) {
		memcpy(ret->values, kept.values, kept.n * sizeof(*kept.values));
		memcpy(ret->ids, kept.ids, kept.n * sizeof(*kept.ids));
	}
	for (size_t i = 0; i < n; i++) {
		ret->values[ret->n] = free_ones[i].value;
		ret->ids[ret->n++] = free_ones[i].id;
	}
	return 0;
}

/* --- the child --- */

/* Where change of an earlier child went, if there was one: so that a bump uses up no address.  Else a new script. */
static int change_script(struct unit *u, struct arena *a, const struct pay_terms *t, int64_t tx_id, struct bytes *ret,
			 struct err *err)
{
	const struct action_id holder = exit_child_holder(tx_id);
	struct exit_child_row *rows;
	struct script_row script;
	unsigned added;
	size_t n;

	if (exit_child_store_list(unit_view(u), a, tx_id, &rows, &n, err) != 0)
		return -1;
	while (n-- > 0)
		if (rows[n].origin == CHILD_WALLET) {
			struct tx tx;

			if (tx_decode(a, rows[n].raw, &tx, err) != 0)
				return -1;
			*ret = tx.out[0].script;
			return 0;
		}
	if (script_store_take(u, a, t->single_chain ? SCRIPT_RECEIVE : SCRIPT_CHANGE, &holder, &script, err) != 0 ||
	    gap_fill(u, &added, err) != 0)
		return -1;
	*ret = script.script;
	return 0;
}

static int sign(struct arena *a, const struct pay_terms *t, struct tx *tx, const struct tx_out *spent,
		const struct utxo_row *coins, struct err *err)
{
	struct sighash hash;

	sighash_init(&hash, tx, spent);
	for (size_t i = 1; i < tx->n_in; i++) {
		const struct utxo_row *c = &coins[i - 1];
		const struct keyring_path at = {
			.net = t->network,
			.chain = c->chain == SCRIPT_CHANGE ? KEYRING_CHANGE : KEYRING_RECEIVE,
			.index = c->index,
		};
		struct bytes *sig = ARENA_NEW(a, struct bytes);
		uint8_t *b = ARENA_ARRAY(a, 64, uint8_t);
		struct hash32 digest;

		if (sighash_key_path(&hash, i, SIGHASH_DEFAULT, (struct bytes){ 0 }, &digest, err) != 0 ||
		    keyring_onchain_sign(t->keys, at, NULL, &digest, b, err) != 0)
			return err_context(err, "input %zu of a child", i);
		*sig = (struct bytes){ b, 64 };
		tx->in[i].witness = (struct witness){ sig, 1 };
	}
	return 0;
}

static int load_coins(struct view v, struct arena *a, const struct purse *purse, const struct child_plan *p,
		      struct utxo_row **ret, struct err *err)
{
	struct utxo_row *rows = ARENA_ARRAY(a, p->n, struct utxo_row);

	for (size_t i = 0; i < p->n; i++) {
		int rc = utxo_store_get(v, a, purse->ids[p->coins[i]], &rows[i], err);

		if (rc != 1)
			return rc < 0 ? -1 : ERR(err, ERR_INTERNAL, "a coin has gone");
	}
	*ret = rows;
	return 0;
}

static int build(struct arena *a, const struct pay_terms *t, const struct child_order *o, const struct child_plan *p,
		 const struct utxo_row *coins, struct tx *ret, struct err *err)
{
	struct outpoint *at = ARENA_ARRAY(a, p->n, struct outpoint);
	struct tx_out *outs = ARENA_ARRAY(a, p->n, struct tx_out), *spent;

	for (size_t i = 0; i < p->n; i++) {
		at[i] = coins[i].at;
		outs[i] = (struct tx_out){ coins[i].value, coins[i].script };
	}
	child_tx(a, o, p, at, outs, ret, &spent);
	if (sign(a, t, ret, spent, coins, err) != 0)
		return -1;
	if (weight_vsize(tx_weight(ret)) != weight_vsize(p->weight))
		return ERR(err, ERR_INTERNAL, "a child does not weigh what was planned");
	return tx_check(ret, err);
}

int pay_hold_vtxo(struct unit *u, const struct gathered *g, size_t i, int64_t now_ms, struct err *err)
{
	const struct action_id holder = exit_holder(g->row.id);

	if (g->txs[i].refs > 1 || g->vtxo.state != VTXO_SPENDABLE)
		return 0;
	return vtxo_store_lock(u, &g->row.vtxo, 1, &holder, now_ms, err);
}

/* The same bytes may be there: made before, refused, and still the best that can be done.  Then they are tried again.  Or a
 * mempool had them before they were given. */
static int store_tx(struct unit *u, struct arena *a, const struct exit_child_row *child, const struct tx *tx,
		    int64_t now_ms, struct err *err)
{
	const struct own_tx own = { .kind = "cpfp",
				    .action = exit_child_holder(child->tx_id),
				    .trust = TRUST_WAIT,
				    .has_fee = child->has_fee,
				    .fee = child->fee };
	struct told_tx told;
	enum tx_place place;
	struct block_ref block;
	int rc = tx_store_place(unit_view(u), &child->txid, &place, &block, err);

	if (rc != 0)
		return rc < 0 ? -1 : tx_store_make_own(u, &child->txid, &own, now_ms, err);
	if (told_of(a, child->raw, tx, &told, err) != 0)
		return -1;
	return tx_store_add_own(u, &told, &own, now_ms, err);
}

/* --- a child that was given --- */

/* What its inputs beside the anchor are. */
struct given_coins {
	size_t ours, others;
	struct sat sum; /* of ours */
};

/* One of ours is held for this exit transaction from now on. */
static int take_coin(struct unit *u, const struct utxo_row *coin, const struct exit_child_row *child, int64_t now_ms,
		     struct err *err)
{
	const struct action_id holder = exit_child_holder(child->tx_id);
	char text[OUTPOINT_TEXT];

	outpoint_text(&coin->at, text);
	if (!coin->confirmed) {
		ERR(err, ERR_PARAM, "the child spends %s, which no block has yet", text);
		return err_field(err, "child");
	}
	if (coin->state == UTXO_SPENDABLE)
		return utxo_store_lock(u, &coin->at, 1, &holder, now_ms, err);
	if (action_id_equal(&coin->holder, &holder) ||
	    (coin->state == UTXO_SPENT && txid_equal(&coin->spent_by, &child->txid)))
		return 0;
	ERR(err, ERR_ILLEGAL_STATE, "the child spends %s, which is %s%s%s", text, utxo_state_name(coin->state),
	    action_id_is_empty(&coin->holder) ? "" : " for ", coin->holder.s);
	err_hint(err, "another coin; or end first what has this one");
	return err_field(err, "child");
}

static int take_coins(struct unit *u, const struct outpoint *anchor, const struct exit_child_row *child,
		      const struct tx *tx, int64_t now_ms, struct given_coins *ret, struct err *err)
{
	*ret = (struct given_coins){ 0 };
	for (size_t i = 0; i < tx->n_in; i++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(4 * UTXO_ROOM);
		struct utxo_row coin;
		int rc;

		if (outpoint_equal(&tx->in[i].prevout, anchor))
			continue;
		rc = utxo_store_find(unit_view(u), &a, &tx->in[i].prevout, &coin, err);
		if (rc < 0 || (rc == 1 && take_coin(u, &coin, child, now_ms, err) != 0))
			return -1;
		ret->ours += rc == 1;
		ret->others += rc == 0;
		if (rc == 1 && !sat_add(ret->sum, coin.value, &ret->sum))
			return ERR(err, ERR_INTERNAL, "coins of more than can be counted");
	}
	return 0;
}

/* All that comes in and does not go out; the anchor's value is what the exit itself pays. */
static int fee_of_given(const struct exit_tx_row *parent, const struct given_coins *coins, const struct tx *tx,
			struct sat *ret, struct err *err)
{
	struct sat in, out = { 0 };

	if (!sat_add(coins->sum, parent->anchor_value, &in))
		return ERR(err, ERR_INTERNAL, "coins of more than can be counted");
	for (size_t i = 0; i < tx->n_out; i++)
		if (!sat_add(out, tx->out[i].value, &out))
			return ERR(err, ERR_INTERNAL, "outputs of more than can be counted");
	if (sat_sub(in, out, ret))
		return 0;
	ERR(err, ERR_PARAM, "the child pays more than it has");
	return err_field(err, "child");
}

int pay_take_given(struct unit *u, struct arena *a, const struct exit_tx_row *parent, struct exit_child_row *child,
		   const struct tx *tx, int64_t now_ms, struct err *err)
{
	const struct outpoint anchor = { parent->txid, parent->anchor_vout };
	struct given_coins coins;

	if (take_coins(u, &anchor, child, tx, now_ms, &coins, err) != 0)
		return -1;
	if (coins.ours == 0)
		return 0;
	child->has_fee = coins.others == 0;
	if (child->has_fee && fee_of_given(parent, &coins, tx, &child->fee, err) != 0)
		return -1;
	return store_tx(u, a, child, tx, now_ms, err) != 0 ? -1 : 1;
}

int pay_is_ours(struct view v, struct arena *a, const struct exit_child_row *child, struct err *err)
{
	struct tx_row row;
	int rc;

	if (child->origin != CHILD_GIVEN)
		return child->origin == CHILD_WALLET;
	rc = tx_store_find(v, a, &child->txid, &row, err);
	return rc == 1 ? row.own && row.has_fee : rc;
}

/* --- a child of our own --- */

static int keep(struct unit *u, struct arena *a, const struct gathered *g, size_t i, const struct tx *tx,
		const struct child_plan *p, const struct utxo_row *coins, size_t n_kept, int64_t now_ms,
		struct exit_child_row *ret, struct err *err)
{
	const struct action_id holder = exit_child_holder(g->txs[i].id);
	struct exit_child_row child = {
		.tx_id = g->txs[i].id,
		.txid = tx_txid(tx),
		.raw = tx_bytes(a, tx),
		.weight = p->weight,
		.has_fee = true,
		.fee = p->fee,
		.origin = CHILD_WALLET,
		.status = CHILD_PREPARED,
		.active = true,
		.created_at_ms = now_ms,
	};

	for (size_t k = 0; k < p->n; k++)
		if (p->coins[k] >= n_kept && utxo_store_lock(u, &coins[k].at, 1, &holder, now_ms, err) != 0)
			return -1;
	if (store_tx(u, a, &child, tx, now_ms, err) != 0 ||
	    exit_child_store_add(u, &child, now_ms, &child.id, err) != 0)
		return -1;
	*ret = child;
	return pay_hold_vtxo(u, g, i, now_ms, err);
}

int pay_for(struct unit *u, struct arena *a, const struct pay_terms *t, struct gathered *g, size_t i,
	    struct feerate rate, const struct child_replaced *old, int64_t now_ms, struct payment *ret, struct err *err)
{
	const struct exit_tx_row *tx = &g->txs[i];
	struct child_order o = {
		.anchor = { tx->txid, tx->anchor_vout },
		.anchor_value = tx->anchor_value,
		.parent = tx->weight,
		.rate = rate,
		.limit = t->max_feerate,
		.surcharge = t->limits.package_surcharge,
		.replaces = old,
	};
	struct child_plan plan;
	struct utxo_row *coins;
	struct purse purse;
	struct tx child;

	*ret = (struct payment){ .trouble.txid = tx->txid };
	if (!t->keys) {
		ret->trouble.tag = TROUBLE_LOCKED;
		return 0;
	}
	if (t->spent_out && !pay_deadline_is_near(t, g)) {
		ret->trouble.tag = TROUBLE_FEE_CAP;
		ret->trouble.words = "exit_max_fee_per_tick is paid: the next ones come a minute later";
		return 0;
	}
	if (open_purse(unit_view(u), a, tx->id, &purse, err) != 0)
		return -1;
	o.coins = purse.values;
	o.n_coins = purse.n;
	o.n_kept = purse.n_kept;
	/* Every script of ours weighs the same: one is taken only when there is something to pay with. */
	o.change_script = (struct bytes){ (const uint8_t[34]){ 0x51, 0x20 }, 34 };
	if (child_plan(&o, &plan, &ret->trouble) != TROUBLE_NONE)
		return 0;
	if (change_script(u, a, t, tx->id, &o.change_script, err) != 0 ||
	    load_coins(unit_view(u), a, &purse, &plan, &coins, err) != 0 ||
	    build(a, t, &o, &plan, coins, &child, err) != 0)
		return -1;
	if (keep(u, a, g, i, &child, &plan, coins, purse.n_kept, now_ms, &ret->child, err) != 0)
		return -1;
	g->own[i] = ret->child;
	ret->more = plan.fee;
	if (old && !sat_sub(plan.fee, old->fee, &ret->more))
		return ERR(err, ERR_INTERNAL, "a replacement that pays less");
	ret->made = true;
	return 0;
}

/* --- the end of a child --- */

int pay_release(struct unit *u, int64_t tx_id, int64_t now_ms, struct err *err)
{
	const struct action_id holder = exit_child_holder(tx_id);

	return utxo_store_release(u, &holder, now_ms, err);
}

int pay_give_up(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err)
{
	enum tx_place place;
	struct block_ref block;
	int rc = tx_store_place(unit_view(u), txid, &place, &block, err);

	if (rc != 1 || place == TX_CONFIRMED || place == TX_OUT)
		return rc < 0 ? -1 : 0;
	return tx_store_give_up(u, txid, now_ms, err);
}

int pay_drop(struct unit *u, struct arena *a, struct exit_child_row *child, enum child_status status,
	     const char *refusal, int64_t now_ms, struct err *err)
{
	struct exit_child_row *rows;
	size_t n;

	child->active = false;
	child->status = status;
	child->refusal = refusal;
	if (exit_child_store_save(u, child, err) != 0 || pay_give_up(u, &child->txid, now_ms, err) != 0 ||
	    exit_child_store_list(unit_view(u), a, child->tx_id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		enum tx_place place;
		struct block_ref block;
		int rc;

		if (!exit_child_is_ours(&rows[i]))
			continue; /* what it spends is not for it to hold */
		rc = tx_store_place(unit_view(u), &rows[i].txid, &place, &block, err);
		if (rc < 0)
			return -1;
		/* One before it is on its way, with the same coins; or may be, and no block has shown otherwise. */
		if (rc == 1 && (place == TX_PENDING || place == TX_CONFIRMED))
			return 0;
		if (status == CHILD_REJECTED && rows[i].status == CHILD_REPLACED && rows[i].reach != REACH_NONE)
			return 0;
	}
	return pay_release(u, child->tx_id, now_ms, err);
}
