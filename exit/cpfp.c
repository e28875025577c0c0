#include "exit/cpfp.h"

#include <string.h>

#include "base/text.h"
#include "exit/internal.h"
#include "rails/bitcoin/policy.h"

/* --- what is asked for --- */

struct requests {
	struct exits *x;
	struct arena *a;
	struct pay_terms terms;
	struct {
		int64_t tx_id;
		json_t *vtxo_ids;
	} seen[CPFP_REQUESTS_MAX];
	size_t n;
	json_t *list;
	struct err err; /* ERR_NONE: all went well */
};

static void set_txid(json_t *obj, const char *name, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(obj, name, text);
}

/* Who pays now, and what a child of the same weight has to pay to take its place. */
static json_t *rival_json(struct requests *r, const struct gathered *g, size_t i, struct feerate rate)
{
	const struct exit_payer *payer = &g->facts.txs[i].payer;
	const struct exit_child_row *own = &g->own[i];
	json_t *obj = json_object_in(r->a);
	const struct child_replaced old = { own->fee, own->weight, r->terms.limits.incremental };
	const struct child_order o = { .parent = g->txs[i].weight,
				       .rate = rate,
				       .surcharge = r->terms.limits.package_surcharge,
				       .replaces = &old };
	struct sat least;

	set_txid(obj, "txid", &payer->txid);
	json_set_bool(obj, "seen", g->facts.txs[i].payer_seen);
	if (own->id > 0 && own->has_fee && txid_equal(&own->txid, &payer->txid) && child_fee(&o, own->weight, &least)) {
		json_set_u64(obj, "fee_sat", sat_value(own->fee));
		json_set_u64(obj, "least_fee_sat", sat_value(least));
	}
	return obj;
}

static int request_json(struct requests *r, const struct gathered *g, size_t i, json_t *vtxo_ids, json_t **ret,
			struct err *err)
{
	static const uint8_t p2tr[34] = { 0x51, 0x20 };
	const struct exit_tx_row *tx = &g->txs[i];
	struct child_order o = { .parent = tx->weight, .surcharge = r->terms.limits.package_surcharge };
	json_t *obj = json_object_in(r->a), *anchor = json_object_in(r->a);
	char text[FEERATE_TEXT_MAX];
	struct sat fee;
	bool known, override;

	set_txid(obj, "exit_txid", &tx->txid);
	json_set_str(obj, "exit_tx", hex_text(r->a, tx->raw));
	json_set_int(anchor, "vout", tx->anchor_vout);
	json_set_u64(anchor, "amount_sat", sat_value(tx->anchor_value));
	json_set(obj, "anchor", anchor);
	json_set(obj, "vtxo_ids", vtxo_ids);
	json_set_u64(obj, "exit_vsize", weight_vsize(tx->weight));
	if (pay_rate(store_view(r->x->opt.store), &r->terms, tx->id, &known, &o.rate, &override, err) != 0)
		return -1;
	if (known && child_fee(&o, child_weight(1, (struct bytes){ p2tr, sizeof(p2tr) }), &fee)) {
		feerate_text(o.rate, text);
		json_set_str(obj, "feerate", text);
		json_set_u64(obj, "fee_sat", sat_value(fee));
	}
	json_set(obj, "child", g->facts.txs[i].payer.exists ? rival_json(r, g, i, o.rate) : json_null());
	*ret = obj;
	return 0;
}

/* The transaction whose turn it is, once for all exits that need it. */
static int add_request(struct requests *r, const struct exit_row *row, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(GATHER_ARENA);
	char id[OUTPOINT_TEXT];
	struct gathered g;
	json_t *obj;
	size_t i = 0, k = 0;
	int rc = gather(store_view(r->x->opt.store), &scratch, row->id, &g, err);

	if (rc != 1 || exit_wants(&g.status, &g.facts, &i) == WANT_NOTHING)
		return rc < 0 ? -1 : 0;
	outpoint_text(&row->vtxo, id);
	while (k < r->n && r->seen[k].tx_id != g.txs[i].id)
		k++;
	if (k == CPFP_REQUESTS_MAX)
		return 0;
	if (k == r->n) {
		r->seen[k].tx_id = g.txs[i].id;
		r->seen[k].vtxo_ids = json_array_in(r->a);
		if (request_json(r, &g, i, r->seen[k].vtxo_ids, &obj, err) != 0)
			return -1;
		json_add(r->list, obj);
		r->n++;
	}
	json_add_take(r->seen[k].vtxo_ids, json_string(id));
	return 0;
}

static void look_at(void *ctx, const struct exit_row *row)
{
	struct requests *r = ctx;

	if (row->state == EXIT_PROCESSING && r->err.code == ERR_NONE)
		(void)add_request(r, row, &r->err);
}

int exit_cpfp_requests(struct exits *x, struct arena *a, json_t **ret, struct err *err)
{
	const struct exit_query q = { .filter = EXITS_LIVE, .limit = UINT32_MAX };
	struct requests *r = ARENA_NEW(a, struct requests);

	r->x = x;
	r->a = a;
	r->terms = exits_terms(x);
	r->list = json_array_in(a);
	if (exit_store_list(store_view(x->opt.store), a, &q, look_at, r, err) < 0)
		return -1;
	if (r->err.code != ERR_NONE) {
		*err = r->err;
		return -1;
	}
	*ret = r->list;
	return 0;
}

/* --- what is given --- */

static int wrong_child(struct err *err, const char *why)
{
	ERR(err, ERR_PARAM, "the child %s", why);
	return err_field(err, "child");
}

/* What can be seen without its coins.  The anchor is anybody's; all else wants a signature. */
static int check_child(const struct tx *tx, const struct exit_tx_row *parent, struct err *err)
{
	const struct outpoint anchor = { parent->txid, parent->anchor_vout };
	size_t at = tx_find_input(tx, &anchor);

	if (tx_check(tx, err) != 0)
		return err_field(err, "child");
	if (at == tx->n_in)
		return wrong_child(err, "does not spend the anchor");
	if (tx->version != TRUC_VERSION)
		return wrong_child(err, "is not of version 3");
	if (weight_vsize(tx_weight(tx)) > TRUC_CHILD_WEIGHT_MAX / 4)
		return wrong_child(err, "is of more than 1,000 vB");
	if (tx->in[at].witness.n > 0 || tx->in[at].script_sig.n > 0)
		return wrong_child(err, "has a witness for the anchor, which takes none");
	for (size_t i = 0; i < tx->n_in; i++)
		if (i != at && tx->in[i].witness.n == 0 && tx->in[i].script_sig.n == 0)
			return wrong_child(err, "is not signed");
	return 0;
}

static int find_parent(struct unit *u, struct arena *a, const struct txid *txid, struct exit_tx_row *ret,
		       int64_t *ret_exit, struct err *err)
{
	int64_t *exits;
	char text[TXID_TEXT];
	size_t n;
	int rc = exit_tx_store_find(unit_view(u), a, txid, ret, err);

	txid_text(txid, text);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		ERR(err, ERR_NOT_FOUND, "%s is no transaction of an exit", text);
		return err_field(err, "exit_txid");
	}
	if (exit_tx_store_exits(unit_view(u), a, ret->id, &exits, &n, err) != 0)
		return -1;
	if (n == 0 || ret->place == EXIT_TX_CONFIRMED) {
		ERR(err, ERR_ILLEGAL_STATE, n == 0 ? "no exit waits for %s any more" : "a block has %s", text);
		return err_field(err, "exit_txid");
	}
	*ret_exit = exits[0];
	return 0;
}

/* One of ours that no node has makes way, with its coins; what one may have stays with its own, and whichever is mined counts. */
static int make_way(struct unit *u, struct arena *a, int64_t tx_id, const struct txid *for_txid, int64_t now_ms,
		    struct err *err)
{
	struct exit_child_row was;
	int rc = exit_child_store_active(unit_view(u), a, tx_id, &was, err);

	if (rc != 1 || was.reach != REACH_NONE || txid_equal(&was.txid, for_txid))
		return rc < 0 ? -1 : 0;
	return pay_drop(u, a, &was, CHILD_REPLACED, "another child was given", now_ms, err);
}

static int keep(struct unit *u, struct arena *a, int64_t exit_id, const struct exit_tx_row *parent,
		struct exit_child_row *child, const struct tx *tx, int64_t now_ms, struct err *err)
{
	struct gathered g;
	size_t i = 0;
	int rc = gather(unit_view(u), a, exit_id, &g, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_BUSY, "the chain is being searched for this exit: what it needs is not known yet");
	if (make_way(u, a, child->tx_id, &child->txid, now_ms, err) != 0 ||
	    pay_take_given(u, a, parent, child, tx, now_ms, err) < 0 ||
	    exit_child_store_add(u, child, now_ms, &child->id, err) != 0)
		return -1;
	while (g.txs[i].id != child->tx_id)
		i++;
	return pay_hold_vtxo(u, &g, i, now_ms, err);
}

int exit_cpfp_provide(struct unit *u, struct arena *a, const struct txid *exit_txid, struct bytes raw, int64_t now_ms,
		      struct exit_child_row *ret, struct err *err)
{
	struct exit_child_row child = { .origin = CHILD_GIVEN, .status = CHILD_PREPARED, .active = true };
	struct exit_child_row was;
	struct exit_tx_row parent;
	int64_t exit_id = 0;
	struct tx tx;
	int rc;

	if (find_parent(u, a, exit_txid, &parent, &exit_id, err) != 0)
		return -1;
	if (tx_decode(a, raw, &tx, err) != 0)
		return err_field(err, "child");
	if (check_child(&tx, &parent, err) != 0)
		return -1;
	child.tx_id = parent.id;
	child.txid = tx_txid(&tx);
	child.raw = raw;
	child.weight = tx_weight(&tx);
	child.created_at_ms = now_ms;
	rc = exit_child_store_active(unit_view(u), a, parent.id, &was, err);
	if (rc < 0)
		return -1;
	if (rc == 1 && txid_equal(&was.txid, &child.txid))
		child = was;
	else if (keep(u, a, exit_id, &parent, &child, &tx, now_ms, err) != 0)
		return -1;
	*ret = child;
	return 0;
}
