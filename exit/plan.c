#include "exit/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exit/vtxo_show.h"
#include "rails/bitcoin/policy.h"
#include "store/chain_store.h"
#include "store/exit_tx_store.h"
#include "store/utxo_store.h"

#define ROW_ARENA (16u << 20) /* of one transaction, or one VTXO with its genesis */

int64_t exit_deadline(const struct vtxo_row *row, uint32_t margin)
{
	return (int64_t)row->expiry_height - row->depth - margin;
}

/* --- which ones --- */

struct rows {
	struct planned_vtxo *list;
	size_t n;
};

static void add_row(void *ctx, const struct vtxo_row *row)
{
	struct rows *rows = ctx;

	rows->list[rows->n++].row = *row;
}

static int all_rows(struct arena *a, const struct plan_order *o, struct rows *rows, struct err *err)
{
	struct vtxo_query q = { .limit = PLAN_VTXOS_MAX + 1 };

	if (vtxo_store_list(o->view, a, &q, add_row, rows, err) < 0)
		return -1;
	if (rows->n > PLAN_VTXOS_MAX) {
		ERR(err, ERR_RANGE, "more than %u VTXOs at once: name some of them", PLAN_VTXOS_MAX);
		return err_field(err, "vtxo_ids");
	}
	return 0;
}

static int named_row(struct arena *a, const struct plan_order *o, const struct outpoint *at, struct vtxo_row *ret,
		     struct err *err)
{
	char text[OUTPOINT_TEXT];
	int found = vtxo_store_find(o->view, a, at, ret, err);

	if (found < 0)
		return -1;
	outpoint_text(at, text);
	if (found == 0)
		ERR(err, ERR_NOT_FOUND, "this wallet has no VTXO %s", text);
	else if (ret->state == VTXO_SPENT || ret->state == VTXO_EXITED)
		ERR(err, ERR_VTXO_SPENT, "the VTXO %s is %s", text, vtxo_state_name(ret->state));
	else
		return 0;
	return err_field(err, "vtxo_ids");
}

static int find_rows(struct arena *a, const struct plan_order *o, struct rows *rows, struct err *err)
{
	if (o->n > PLAN_VTXOS_MAX) {
		ERR(err, ERR_RANGE, "more than %u VTXOs at once", PLAN_VTXOS_MAX);
		return err_field(err, "vtxo_ids");
	}
	rows->list = ARENA_ARRAY(a, PLAN_VTXOS_MAX + 1, struct planned_vtxo);
	memset(rows->list, 0, (PLAN_VTXOS_MAX + 1) * sizeof(*rows->list));
	if (o->n == 0)
		return all_rows(a, o, rows, err);
	for (size_t i = 0; i < o->n; i++) {
		bool twice = false;

		for (size_t k = 0; k < rows->n; k++)
			twice = twice || outpoint_equal(&rows->list[k].row.point, &o->vtxos[i]);
		if (!twice && named_row(a, o, &o->vtxos[i], &rows->list[rows->n++].row, err) != 0)
			return -1;
	}
	return 0;
}

/* --- their transactions --- */

struct use {
	struct txid txid;
	struct outpoint spends;
	uint32_t n_out;
	struct estimate_tx tx;
	uint32_t level; /* its place in the exit */
	uint32_t vtxo;
};
struct uses {
	struct use *list;
	size_t n;
};

static int by_txid(const void *a, const void *b)
{
	return txid_cmp(&((const struct use *)a)->txid, &((const struct use *)b)->txid);
}

static int add_uses(struct uses *uses, struct claim_weight *claim, const struct plan_order *o, struct planned_vtxo *p,
		    uint32_t place, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ROW_ARENA);
	struct exit_chain chain;
	struct ark_taproot tap;
	struct vtxo v;

	if (vtxo_load(o->view, &a, p->row.id, &v, err) != 0 || exit_chain_make(&a, &v, &chain, err) != 0 ||
	    ark_policy_taproot(&v.policy, &v.terms, &tap, err) != 0)
		return -1;
	p->claimable = claim_weight_add(claim, &tap, &v.policy.user);
	/* What is on chain already costs its claim alone. */
	for (size_t i = 0; p->row.state != VTXO_EXITING && i < chain.n; i++) {
		const struct tx *tx = &chain.txs[i].tx;

		uses->list[uses->n++] = (struct use){
			.txid = chain.txs[i].txid,
			.spends = tx->in[0].prevout,
			.n_out = (uint32_t)tx->n_out,
			.tx = { tx_weight(tx), tx->out[tx->n_out - 1].value },
			.level = (uint32_t)i,
			.vtxo = place,
		};
	}
	return 0;
}

static int find_uses(struct arena *a, const struct plan_order *o, struct exit_plan *p, struct uses *uses,
		     struct claim_weight *claim, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->vtxos[i].row.depth;
	if (n > PLAN_TXS_MAX) {
		ERR(err, ERR_RANGE, "exits of more than %u transactions at once: name some of them", PLAN_TXS_MAX);
		return err_field(err, "vtxo_ids");
	}
	uses->list = ARENA_ARRAY(a, n, struct use);
	for (size_t i = 0; i < p->n; i++)
		if (add_uses(uses, claim, o, &p->vtxos[i], (uint32_t)i, err) != 0)
			return -1;
	if (uses->n > 0)
		qsort(uses->list, uses->n, sizeof(*uses->list), by_txid);
	return 0;
}

static int is_same_txid(const void *a, const void *b)
{
	return txid_cmp(a, b);
}

/* Has somebody paid for it?  1, 0, -1. */
static int is_paid(const struct plan_order *o, const struct txid *txid, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ROW_ARENA);
	struct exit_child_row child;
	struct exit_tx_row row;
	int found;

	if (o->n_mined > 0 && bsearch(txid, o->mined, o->n_mined, sizeof(*txid), is_same_txid))
		return 1;
	found = exit_tx_store_find(o->view, &a, txid, &row, err);
	if (found != 1 || row.place == EXIT_TX_CONFIRMED)
		return found;
	return row.place == EXIT_TX_MEMPOOL ? exit_child_store_active(o->view, &a, row.id, &child, err) : 0;
}

/* --- prices --- */

static bool share(struct sat of, size_t among, struct sat *ret)
{
	assert(among > 0);
	return sat_from_u64((sat_value(of) + among - 1) / among, ret);
}

/* Its part, rounded up, is added to each VTXO that needs the transaction. */
static int split(struct exit_plan *p, const struct use *use, size_t refs, struct sat fee, struct err *err)
{
	struct sat part, sum;

	if (sat_cmp(fee, p->package) > 0)
		p->package = fee;
	if (!share(fee, refs, &part))
		return ERR(err, ERR_RANGE, "a fee that cannot be counted");
	for (size_t i = 0; i < refs; i++) {
		struct planned_vtxo *v = &p->vtxos[use[i].vtxo];

		if (!sat_add(v->exit_fee, part, &sum))
			return ERR(err, ERR_RANGE, "a fee that cannot be counted");
		v->exit_fee = sum;
	}
	return 0;
}

struct levels {
	uint32_t *at; /* how many transactions stand at each */
	uint32_t n;
};

static size_t widest(const struct levels *l)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < l->n; i++)
		most = l->at[i] > most ? l->at[i] : most;
	return most;
}

/* Each transaction once; those that are to be paid for. */
static int collect(struct arena *a, const struct plan_order *o, const struct uses *uses, struct estimate_order *e,
		   struct exit_plan *p, struct err *err)
{
	struct estimate_tx *txs = ARENA_ARRAY(a, uses->n, struct estimate_tx);
	struct levels levels = { ARENA_ARRAY(a, UINT16_MAX + 1u, uint32_t), 0 };
	struct sat fee;

	memset(levels.at, 0, (UINT16_MAX + 1u) * sizeof(*levels.at));
	e->txs = txs;
	for (size_t i = 0, refs; i < uses->n; i += refs) {
		const struct use *use = &uses->list[i];
		int paid = is_paid(o, &use->txid, err);

		for (refs = 1; i + refs < uses->n && txid_equal(&use->txid, &use[refs].txid); refs++)
			;
		if (paid != 0) {
			if (paid < 0)
				return -1;
			continue;
		}
		if (!estimate_package(e, &use->tx, &fee))
			return ERR(err, ERR_RANGE, "an exit at this feerate costs more than there is money");
		if (split(p, use, refs, fee, err) != 0)
			return -1;
		txs[e->n++] = use->tx;
		levels.at[use->level]++;
		levels.n = use->level + 1 > levels.n ? use->level + 1 : levels.n;
	}
	p->txs = e->n;
	p->depth = levels.n;
	p->width = widest(&levels);
	return 0;
}

static int walk_at(struct arena *a, struct estimate_order *e, struct feerate rate, unsigned times, struct estimate *ret,
		   struct err *err)
{
	struct feerate limit = e->limit;

	if (!feerate_from_sat_per_kwu(feerate_sat_per_kwu(rate) * times, &e->rate))
		return ERR(err, ERR_RANGE, "a feerate that cannot be counted");
	e->limit = feerate_max(limit, e->rate); /* a price is asked for, not paid */
	if (estimate_walk(a, e, ret, err) != 0)
		return -1;
	e->limit = limit;
	return 0;
}

static int price_claims(struct exit_plan *p, const struct claim_weight *claim, struct err *err)
{
	static const uint8_t p2tr[34] = { OP_1, 32 };
	struct weight all = claim_weight_of(claim, (struct bytes){ p2tr, sizeof(p2tr) });
	struct sat sum, cost, left, dust = { ARK_DUST_SAT };

	if (claim->n > 0 && !fee_for_weight_ceil(p->claim_rate, all, &p->claim_fee))
		return ERR(err, ERR_RANGE, "a claim at this feerate costs more than there is money");
	for (size_t i = 0; i < p->n; i++) {
		struct planned_vtxo *v = &p->vtxos[i];

		if (!sat_add(p->amount, v->row.amount, &sum))
			return ERR(err, ERR_RANGE, "VTXOs of more than can be counted");
		p->amount = sum;
		v->dust = sat_cmp(v->row.amount, dust) < 0;
		if (v->claimable && !share(p->claim_fee, claim->n, &v->claim_fee))
			return ERR(err, ERR_RANGE, "a fee that cannot be counted");
		v->economical = v->claimable && sat_add(v->exit_fee, v->claim_fee, &cost) &&
				sat_sub(v->row.amount, cost, &left) && sat_cmp(left, dust) > 0;
	}
	return 0;
}

/* --- the wallet --- */

static int find_coins(struct arena *a, const struct plan_order *o, struct estimate_order *e, struct exit_plan *p,
		      struct err *err)
{
	struct utxo_value *coins;
	struct sat *values, sum;
	size_t n;

	if (utxo_store_values(o->view, a, true, &coins, &n, err) != 0)
		return -1;
	values = ARENA_ARRAY(a, n, struct sat);
	for (size_t i = 0; i < n; i++) {
		values[i] = coins[i].value;
		if (!sat_add(p->available, values[i], &sum))
			return ERR(err, ERR_RANGE, "coins of more than can be counted");
		p->available = sum;
	}
	e->coins = values;
	e->n_coins = n;
	p->coins = n;
	return 0;
}

static int find_tip(const struct plan_order *o, struct exit_plan *p, struct err *err)
{
	struct block_row tip;
	int found = chain_store_tip(o->view, &tip, err);

	if (found == 1)
		p->tip = tip.ref.height;
	return found < 0 ? -1 : 0;
}

int exit_plan_txs(struct arena *a, const struct plan_order *o, struct plan_tx **ret, size_t *n, struct err *err)
{
	struct claim_weight claim = { { 0 }, 0 };
	struct exit_plan p = { .n = 0 };
	struct uses uses = { NULL, 0 };
	struct rows rows = { NULL, 0 };
	struct plan_tx *txs;
	size_t got = 0;

	if (find_rows(a, o, &rows, err) != 0)
		return -1;
	p.vtxos = rows.list;
	p.n = rows.n;
	if (find_uses(a, o, &p, &uses, &claim, err) != 0)
		return -1;
	txs = ARENA_ARRAY(a, uses.n, struct plan_tx);
	for (size_t i = 0; i < uses.n; i++)
		if (i == 0 || !txid_equal(&uses.list[i].txid, &uses.list[i - 1].txid))
			txs[got++] = (struct plan_tx){ uses.list[i].txid, uses.list[i].spends, uses.list[i].n_out };
	*ret = txs;
	*n = got;
	return 0;
}

int exit_plan_make(struct arena *a, const struct plan_order *o, struct exit_plan *ret, struct err *err)
{
	struct estimate_order e = { .rate = o->rate, .limit = o->limit, .surcharge = o->surcharge };
	struct exit_plan p = { .rate = o->rate, .claim_rate = o->claim_rate };
	struct claim_weight claim = { { 0 }, 0 };
	struct uses uses = { NULL, 0 };
	struct rows rows = { NULL, 0 };

	if (find_tip(o, &p, err) != 0 || find_rows(a, o, &rows, err) != 0)
		return -1;
	p.vtxos = rows.list;
	p.n = rows.n;
	for (size_t i = 0; i < p.n; i++)
		p.delta = rows.list[i].row.exit_delta > p.delta ? rows.list[i].row.exit_delta : p.delta;
	if (find_uses(a, o, &p, &uses, &claim, err) != 0 || collect(a, o, &uses, &e, &p, err) != 0 ||
	    price_claims(&p, &claim, err) != 0 || find_coins(a, o, &e, &p, err) != 0)
		return -1;
	if (walk_at(a, &e, o->rate, 1, &p.now, err) != 0 || walk_at(a, &e, o->rate, 2, &p.twice, err) != 0 ||
	    walk_at(a, &e, o->rate, 3, &p.thrice, err) != 0)
		return -1;
	*ret = p;
	return 0;
}

/* --- what follows --- */

uint32_t exit_plan_blocks(const struct exit_plan *p)
{
	size_t coins = p->coins > 0 ? p->coins : 1, by_coins = (p->txs + coins - 1) / coins;
	uint32_t blocks = by_coins > p->depth ? (uint32_t)by_coins : p->depth;

	return p->n == 0 ? 0 : blocks + p->delta + 1;
}

struct sat exit_plan_deposit(const struct exit_plan *p)
{
	struct sat least = p->now.short_of, ret;
	uint64_t v;

	if (p->now.fundable)
		return (struct sat){ 0 };
	if (sat_cmp(least, p->package) < 0)
		least = p->package; /* one that pays for no package would help nobody */
	v = sat_value(least);
	return sat_from_u64(v + v / 5 + ARK_DUST_SAT, &ret) ? ret : least;
}

/* --- shown --- */

static json_t *estimate_json(struct arena *a, const struct estimate *e, struct feerate rate, unsigned times)
{
	char text[FEERATE_TEXT_MAX];
	json_t *v = json_object_in(a);
	struct feerate at;

	if (feerate_from_sat_per_kwu(feerate_sat_per_kwu(rate) * times, &at))
		feerate_text(at, text);
	json_set_str(v, "feerate", text);
	json_set_u64(v, "exit_fee_sat", sat_value(e->fee));
	json_set_u64(v, "needed_sat", sat_value(e->needed));
	json_set_bool(v, "fundable", e->fundable);
	return v;
}

static json_t *planned_json(struct arena *a, const struct planned_vtxo *p, uint32_t tip, uint32_t margin)
{
	int64_t start_by = exit_deadline(&p->row, margin);
	json_t *v = json_object_in(a);

	vtxo_set_point(v, "vtxo_id", &p->row.point);
	json_set_u64(v, "amount_sat", sat_value(p->row.amount));
	json_set_str(v, "state", vtxo_state_name(p->row.state));
	json_set_u64(v, "exit_fee_sat", sat_value(p->exit_fee));
	json_set_u64(v, "claim_fee_sat", sat_value(p->claim_fee));
	json_set_bool(v, "economical", p->economical);
	json_set_bool(v, "dust", p->dust);
	json_set_bool(v, "standard", p->row.standard);
	json_set_bool(v, "claimable_by_us", p->claimable);
	json_set_int(v, "expiry_height", p->row.expiry_height);
	json_set_int(v, "start_by_height", start_by);
	json_set_int(v, "blocks_to_start", start_by - (int64_t)tip);
	return v;
}

static void set_rate(json_t *obj, const char *name, struct feerate rate)
{
	char text[FEERATE_TEXT_MAX];

	feerate_text(rate, text);
	json_set_str(obj, name, text);
}

json_t *exit_plan_json(struct arena *a, const struct exit_plan *p, uint32_t margin)
{
	json_t *v = json_object_in(a), *list = json_array_in(a);
	bool economical = p->n > 0;

	for (size_t i = 0; i < p->n; i++) {
		json_add(list, planned_json(a, &p->vtxos[i], p->tip, margin));
		economical = economical && p->vtxos[i].economical;
	}
	json_set(v, "vtxos", list);
	json_set_u64(v, "amount_sat", sat_value(p->amount));
	json_set_u64(v, "transactions", p->txs);
	json_set_u64(v, "at_once", p->width);
	json_set_int(v, "blocks", exit_plan_blocks(p));
	json_set(v, "now", estimate_json(a, &p->now, p->rate, 1));
	json_set(v, "at_twice", estimate_json(a, &p->twice, p->rate, 2));
	json_set(v, "worst_case", estimate_json(a, &p->thrice, p->rate, 3));
	json_set_u64(v, "claim_fee_sat", sat_value(p->claim_fee));
	set_rate(v, "claim_feerate", p->claim_rate);
	json_set_u64(v, "available_sat", sat_value(p->available));
	json_set_u64(v, "coins", p->coins);
	json_set_u64(v, "deposit_sat", sat_value(exit_plan_deposit(p)));
	json_set_bool(v, "fundable", p->now.fundable);
	json_set_bool(v, "economical", economical);
	return v;
}
