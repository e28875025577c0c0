#include "actions/onchain_show.h"

#include "base/text.h"
#include "chain/gap.h"
#include "rails/bitcoin/address.h"
#include "store/chain_store.h"

/* --- addresses --- */

static void set_address(json_t *obj, const char *name, enum network net, struct bytes script)
{
	char text[ADDRESS_TEXT_MAX];

	json_set_str(obj, name, address_text(script, net, text) ? text : NULL);
}

json_t *onchain_address_json(struct arena *a, enum network net, const struct script_row *row)
{
	json_t *v = json_object_in(a);

	set_address(v, "address", net, row->script);
	json_set_str(v, "rail", RAIL_ONCHAIN);
	json_set_str(v, "label", row->label);
	json_set_bool(v, "change", row->chain == SCRIPT_CHANGE);
	json_set_int(v, "index", row->index);
	json_set_bool(v, "used", row->used);
	if (row->given_at_ms)
		json_set_int(v, "given_at_ms", row->given_at_ms);
	else
		json_set_take(v, "given_at_ms", json_null());
	return v;
}

int onchain_address_new(struct unit *u, struct arena *a, enum network net, const char *label, int64_t now_ms,
			json_t **ret, struct err *err)
{
	struct onchain_account account;
	struct script_row row;
	unsigned added;
	int found = account_store_get(unit_view(u), a, &account, err);

	if (found < 0)
		return -1;
	if (found == 0) {
		ERR(err, ERR_NO_WALLET, "there is no wallet yet");
		return err_hint(err, "wallet.create or wallet.restore");
	}
	if (script_store_give(u, a, SCRIPT_RECEIVE, label, now_ms, &row, err) != 0 || gap_fill(u, &added, err) != 0)
		return -1;
	*ret = onchain_address_json(a, net, &row);
	return 0;
}

/* --- coins --- */

int onchain_tip_height(struct view v, uint32_t *ret, struct err *err)
{
	struct block_row tip;
	int found = chain_store_tip(v, &tip, err);

	if (found < 0)
		return -1;
	*ret = found > 0 ? tip.ref.height : 0;
	return 0;
}

static void set_block(json_t *obj, bool confirmed, const struct block_ref *block, uint32_t tip)
{
	char hash[TXID_TEXT];

	if (!confirmed) {
		json_set_take(obj, "height", json_null());
		json_set_take(obj, "block", json_null());
		json_set_int(obj, "confirmations", 0);
		return;
	}
	block_hash_text(&block->hash, hash);
	json_set_int(obj, "height", block->height);
	json_set_str(obj, "block", hash);
	json_set_int(obj, "confirmations", tip >= block->height ? tip - block->height + 1 : 1);
}

json_t *onchain_coin_json(struct arena *a, enum network net, const struct utxo_row *row, uint32_t tip)
{
	json_t *v = json_object_in(a);

	onchain_set_outpoint(v, "outpoint", &row->at);
	json_set_u64(v, "amount_sat", sat_value(row->value));
	set_address(v, "address", net, row->script);
	json_set_str(v, "label", row->label);
	json_set_str(v, "state", utxo_state_name(row->state));
	json_set_str(v, "holder", action_id_is_empty(&row->holder) ? NULL : row->holder.s);
	set_block(v, row->confirmed, &row->block, tip);
	json_set_bool(v, "coinbase", row->coinbase);
	json_set_bool(v, "change", row->own);
	if (row->state == UTXO_SPENT)
		onchain_set_txid(v, "spent_by", &row->spent_by);
	else
		json_set_take(v, "spent_by", json_null());
	return v;
}

/* --- transactions --- */

/* What is known of an input's worth: only of our own coins. */
static int show_inputs(struct view v, struct arena *a, const struct tx *tx, json_t *to, struct err *err)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < tx->n_in; i++) {
		SCOPED(arena) struct arena scratch = ARENA_LIMIT(4 * UTXO_ROOM);
		json_t *in = json_object_in(a);
		struct utxo_row coin;
		int ours = utxo_store_find(v, &scratch, &tx->in[i].prevout, &coin, err);

		if (ours < 0)
			return -1;
		onchain_set_outpoint(in, "outpoint", &tx->in[i].prevout);
		json_set_bool(in, "ours", ours > 0);
		if (ours > 0)
			json_set_u64(in, "amount_sat", sat_value(coin.value));
		json_add(list, in);
	}
	json_set(to, "inputs", list);
	return 0;
}

static int show_outputs(struct view v, struct arena *a, enum network net, const struct tx *tx, json_t *to,
			struct err *err)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < tx->n_out; i++) {
		SCOPED(arena) struct arena scratch = ARENA_LIMIT(4 * SCRIPT_ROOM);
		json_t *out = json_object_in(a);
		struct script_row row;
		int ours = script_store_find(v, &scratch, tx->out[i].script, &row, err);

		if (ours < 0)
			return -1;
		onchain_set_script(a, out, net, tx->out[i].script);
		json_set_u64(out, "amount_sat", sat_value(tx->out[i].value));
		json_set_bool(out, "ours", ours > 0);
		json_set_bool(out, "change", ours > 0 && row.chain == SCRIPT_CHANGE);
		json_add(list, out);
	}
	json_set(to, "outputs", list);
	return 0;
}

static void show_row(const struct tx_row *row, uint32_t tip, json_t *v)
{
	onchain_set_txid(v, "txid", &row->txid);
	json_set_str(v, "place", tx_place_name(row->place));
	set_block(v, row->place == TX_CONFIRMED, &row->block, tip);
	json_set_str(v, "kind", row->kind);
	json_set_bool(v, "own", row->own);
	json_set_str(v, "action_id", action_id_is_empty(&row->action) ? NULL : row->action.s);
	json_set_str(v, "label", row->label);
	if (row->has_fee)
		json_set_u64(v, "fee_sat", sat_value(row->fee));
	else
		json_set_take(v, "fee_sat", json_null());
	if (row->replaced)
		onchain_set_txid(v, "replaced_by", &row->replaced_by);
	else
		json_set_take(v, "replaced_by", json_null());
	json_set_int(v, "first_seen_ms", row->first_seen_ms);
}

int onchain_tx_json(struct view v, struct arena *a, enum network net, const struct txid *txid, json_t **ret,
		    struct err *err)
{
	json_t *out = json_object_in(a);
	struct feerate rate;
	struct tx_row row;
	struct tx tx;
	uint32_t tip;
	int found = tx_store_find(v, a, txid, &row, err);

	if (found < 0 || onchain_tip_height(v, &tip, err) != 0)
		return -1;
	if (found == 0) {
		ERR(err, ERR_NOT_FOUND, "the wallet has no such transaction");
		err_hint(err, "history rail=onchain");
		return err_field(err, "txid");
	}
	if (tx_decode(a, row.raw, &tx, err) != 0)
		return err_context(err, "a stored transaction");
	show_row(&row, tip, out);
	json_set_u64(out, "vsize", tx_vsize(&tx));
	if (row.has_fee && feerate_of_ceil(row.fee, tx_weight(&tx), &rate))
		onchain_set_rate(out, "feerate", rate);
	if (show_inputs(v, a, &tx, out, err) != 0 || show_outputs(v, a, net, &tx, out, err) != 0)
		return -1;
	json_set_str(out, "hex", hex_text(a, row.raw));
	*ret = out;
	return 0;
}

/* --- rates --- */

json_t *onchain_rates_json(struct arena *a, const struct fee_rates *rates)
{
	json_t *v = json_object_in(a);

	for (int i = 0; i < FEE_TIERS; i++) {
		json_t *tier = json_object_in(a);

		onchain_set_rate(tier, "feerate", rates->rate[i]);
		json_set_int(tier, "blocks", fee_targets[i]);
		json_set(v, onchain_tiers[i], tier);
	}
	json_set_bool(v, "fallback", rates->is_fallback);
	return v;
}
