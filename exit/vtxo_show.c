#include "exit/vtxo_show.h"

#include <inttypes.h>

#include "base/text.h"
#include "exit/vtxo_import.h"
#include "rails/bitcoin/address.h"

#define DRAWING_MAX ((size_t)16 << 20)
#define SHORT_ID    12 /* characters of a txid in the drawing */

/* --- values --- */

void vtxo_set_point(json_t *obj, const char *name, const struct outpoint *at)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(at, text);
	json_set_str(obj, name, text);
}

static void set_address(json_t *obj, const char *name, enum network net, struct bytes script)
{
	char text[ADDRESS_TEXT_MAX];

	json_set_str(obj, name, address_text(script, net, text) ? text : NULL);
}

static void set_anchor(struct arena *a, json_t *obj, const struct outpoint *at, const struct block_ref *block)
{
	json_t *anchor = json_object_in(a);
	char hash[TXID_TEXT];

	vtxo_set_point(anchor, "outpoint", at);
	if (block) {
		block_hash_text(&block->hash, hash);
		json_set_int(anchor, "height", block->height);
		json_set_str(anchor, "block", hash);
	}
	json_set(obj, "anchor", anchor);
}

static void set_expiry(json_t *obj, uint32_t expiry, uint32_t tip)
{
	json_set_int(obj, "expiry_height", expiry);
	if (tip)
		json_set_int(obj, "blocks_left", (int64_t)expiry - (int64_t)tip);
	else
		json_set_take(obj, "blocks_left", json_null());
}

static const char *key_text(struct arena *a, const struct pubkey *key)
{
	return hex_text(a, (struct bytes){ key->b, sizeof(key->b) });
}

json_t *vtxo_row_json(struct arena *a, enum network net, const struct vtxo_row *row, uint32_t tip)
{
	json_t *v = json_object_in(a);

	vtxo_set_point(v, "vtxo_id", &row->point);
	json_set_u64(v, "amount_sat", sat_value(row->amount));
	json_set_str(v, "state", vtxo_state_name(row->state));
	json_set_str(v, "holder", action_id_is_empty(&row->holder) ? NULL : row->holder.s);
	json_set_str(v, "label", row->label);
	json_set_str(v, "origin", row->origin);
	json_set_str(v, "policy", ark_policy_name((enum ark_policy_kind)row->policy));
	set_expiry(v, row->expiry_height, tip);
	json_set_int(v, "exit_delta", row->exit_delta);
	json_set_int(v, "exit_depth", row->depth);
	json_set_u64(v, "exit_vsize", weight_vsize(row->exit_weight));
	json_set_bool(v, "standard", row->standard);
	set_anchor(a, v, &row->anchor, row->has_anchor_block ? &row->anchor_block : NULL);
	set_address(v, "address", net, row->script);
	json_set_int(v, "key_index", row->key_index);
	json_set_str(v, "server", key_text(a, &row->server));
	if (row->server_lost_ms)
		json_set_int(v, "server_lost_at_ms", row->server_lost_ms);
	else
		json_set_take(v, "server_lost_at_ms", json_null());
	json_set_int(v, "created_at_ms", row->created_at_ms);
	return v;
}

json_t *vtxo_json(struct arena *a, enum network net, const struct vtxo *v, uint32_t tip)
{
	json_t *obj = json_object_in(a);
	struct spk spk;
	struct err err;

	vtxo_set_point(obj, "vtxo_id", &v->point);
	json_set_u64(obj, "amount_sat", sat_value(v->amount));
	json_set_str(obj, "policy", ark_policy_name(v->policy.kind));
	set_expiry(obj, v->terms.expiry_height, tip);
	json_set_int(obj, "exit_delta", v->terms.exit_delta);
	json_set_u64(obj, "exit_depth", v->n_items);
	set_anchor(a, obj, &v->anchor, NULL);
	if (ark_policy_spk(&v->policy, &v->terms, &spk, &err) == 0)
		set_address(obj, "address", net, spk_bytes(&spk));
	json_set_str(obj, "server", key_text(a, &v->terms.server));
	return obj;
}

int vtxo_load(struct view v, struct arena *a, int64_t row, struct vtxo *ret, struct err *err)
{
	struct bytes bare, genesis;

	if (vtxo_store_bytes(v, a, row, &bare, &genesis, err) != 0)
		return -1;
	if (vtxo_join(a, bare, genesis, ret, err) != 0)
		return ERR(err, ERR_INTERNAL, "what is stored as VTXO %" PRId64 " is none", row);
	return 0;
}

/* --- the chain --- */

/* What an output is in the exit: the way on, the fee anchor, or somebody else's. */
static const char *role_of(const struct exit_chain *c, size_t i, size_t out)
{
	const struct exit_tx *e = &c->txs[i];

	if (out == e->next.vout)
		return i + 1 < c->n ? "next" : "vtxo";
	return out + 1 == e->tx.n_out ? "fee_anchor" : "other";
}

static json_t *outputs_json(struct arena *a, enum network net, const struct exit_chain *c, size_t i)
{
	const struct tx *tx = &c->txs[i].tx;
	json_t *list = json_array_in(a);

	for (size_t k = 0; k < tx->n_out; k++) {
		json_t *out = json_object_in(a);

		json_set_u64(out, "amount_sat", sat_value(tx->out[k].value));
		set_address(out, "address", net, tx->out[k].script);
		json_set_str(out, "role", role_of(c, i, k));
		json_add(list, out);
	}
	return list;
}

static json_t *tx_json(struct arena *a, enum network net, const struct vtxo *v, const struct exit_chain *c, size_t i)
{
	const struct exit_tx *e = &c->txs[i];
	json_t *obj = json_object_in(a);
	char txid[TXID_TEXT];

	txid_text(&e->txid, txid);
	json_set_str(obj, "txid", txid);
	json_set_str(obj, "kind", genesis_name(v->items[i].kind));
	json_set_u64(obj, "vsize", tx_vsize(&e->tx));
	vtxo_set_point(obj, "spends", &e->tx.in[0].prevout);
	json_set(obj, "outputs", outputs_json(a, net, c, i));
	json_set_str(obj, "hex", hex_text(a, tx_bytes(a, &e->tx)));
	return obj;
}

static void draw_out(struct buf *to, const struct exit_chain *c, size_t i, size_t k)
{
	const struct tx_out *out = &c->txs[i].tx.out[k];
	const char *role = role_of(c, i, k);
	bool goes_on = k == c->txs[i].next.vout;

	buf_printf(to, "  %s output %zu: %" PRIu64 " sat", goes_on ? "*" : "|", k, sat_value(out->value));
	if (!goes_on)
		buf_printf(to, " (%s)\n",
			   role[0] == 'f' ? "fee anchor: who pays for the transaction spends it" : "others'");
	else if (i + 1 < c->n)
		buf_printf(to, ", spent by %zu.\n", i + 2);
	else
		buf_printf(to, ": the VTXO\n");
}

static void draw(struct buf *to, const struct vtxo *v, const struct exit_chain *c)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(&v->anchor, text);
	buf_printf(to, "on chain: %s, %" PRIu64 " sat\n", text, sat_value(c->anchor.value));
	for (size_t i = 0; i < c->n; i++) {
		char txid[TXID_TEXT];

		txid_text(&c->txs[i].txid, txid);
		buf_printf(to, "  |\n%zu. %.*s...  %s, %" PRIu64 " vB%s\n", i + 1, SHORT_ID, txid,
			   genesis_name(v->items[i].kind), tx_vsize(&c->txs[i].tx),
			   genesis_has_witness(&v->items[i]) ? "" : ", NOT SIGNED");
		for (size_t k = 0; k < c->txs[i].tx.n_out; k++)
			draw_out(to, c, i, k);
	}
	buf_printf(to, "  |\nclaim: %u blocks after %zu. is in a block", v->terms.exit_delta, c->n);
}

int vtxo_set_chain(struct arena *a, enum network net, const struct vtxo *v, json_t *obj, struct err *err)
{
	SCOPED(arena) struct arena room = ARENA_LIMIT(exit_chain_room(v));
	SCOPED(buf) struct buf drawing = BUF_CAP(DRAWING_MAX);
	json_t *list = json_array_in(a);
	struct exit_chain c;

	if (exit_chain_make(&room, v, &c, err) != 0)
		return -1;
	for (size_t i = 0; i < c.n; i++)
		json_add(list, tx_json(a, net, v, &c, i));
	draw(&drawing, v, &c);
	if (!buf_ok(&drawing))
		return ERR(err, ERR_RANGE, "an exit of %zu transactions is too long to be drawn", c.n);
	json_set(obj, "exit_transactions", list);
	json_set_str(obj, "exit_chain", buf_text(&drawing));
	return 0;
}

/* --- export --- */

json_t *vtxo_export_json(struct arena *a, enum network net)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "format", VTXO_EXPORT_FORMAT);
	json_set_str(v, "network", network_names[net]);
	json_set(v, "vtxos", json_array_in(a));
	return v;
}

void vtxo_export_add(struct arena *a, json_t *export, const struct vtxo *v)
{
	json_t *one = json_object_in(a);

	vtxo_set_point(one, "vtxo_id", &v->point);
	json_set_u64(one, "amount_sat", sat_value(v->amount));
	json_set_str(one, "hex", hex_text(a, vtxo_encode(a, v)));
	json_add(json_object_get(export, "vtxos"), one);
}
