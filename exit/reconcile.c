#include "exit/reconcile.h"

#include "exit/pay.h"
#include "rails/bitcoin/tx.h"
#include "store/exit_claim_store.h"
#include "store/tx_store.h"
#include "store/utxo_store.h"
#include "store/watch_store.h"

/* --- claims --- */

/* What of the claim's fee is this exit's: by what it is worth, so that it never costs more than that. */
static int share_of_fee(struct view v, const struct exit_claim_row *claim, int64_t exit_id, struct sat *ret,
			struct err *err)
{
	struct sat before, own, total;

	if (exit_claim_store_place(v, claim->id, exit_id, &before, &own, &total, err) != 0)
		return -1;
	return sat_part(claim->fee, before, own, total, ret) ? 0 : ERR(err, ERR_INTERNAL, "a claim of nothing");
}

static int claim_fee(struct view v, struct arena *a, const struct txid *spender, int64_t exit_id, struct sat *ret,
		     struct err *err)
{
	struct exit_claim_row claim;
	int rc = exit_claim_store_find(v, a, spender, &claim, err);

	*ret = (struct sat){ 0 };
	if (rc == 0)
		return exit_signed_store_find(v, spender, exit_id, ret, err) < 0 ? -1 : 0;
	if (rc < 0)
		return -1;
	return share_of_fee(v, &claim, exit_id, ret, err);
}

/* The claim that a block has is confirmed; the newest one of this exit, if it is another, has lost. */
static int settle_claims(struct unit *u, struct arena *a, const struct gathered *g, const struct exit_status *now,
			 int64_t now_ms, struct err *err)
{
	struct exit_claim_row claim;
	int rc = exit_claim_store_find(unit_view(u), a, &now->spender, &claim, err);

	if (rc < 0 || (rc == 1 && exit_claim_store_set(u, claim.id, CLAIM_CONFIRMED, &now->spent_in, NULL, err) != 0))
		return -1;
	rc = exit_claim_store_of(unit_view(u), a, g->row.id, &claim, err);
	if (rc != 1 || txid_equal(&claim.txid, &now->spender) ||
	    (claim.status != CLAIM_PREPARED && claim.status != CLAIM_SENT))
		return rc < 0 ? -1 : 0;
	if (exit_claim_store_set(u, claim.id, CLAIM_LOST, NULL, "something else spent what it claims", err) != 0)
		return -1;
	return pay_give_up(u, &claim.txid, now_ms, err);
}

/* The block of a claim went: it is to be mined again. */
static int reopen_claim(struct unit *u, struct arena *a, const struct gathered *g, struct err *err)
{
	struct exit_claim_row claim;
	int rc = exit_claim_store_find(unit_view(u), a, &g->status.spender, &claim, err);

	if (rc != 1 || claim.status != CLAIM_CONFIRMED)
		return rc < 0 ? -1 : 0;
	return exit_claim_store_set(u, claim.id, CLAIM_SENT, NULL, NULL, err);
}

/* --- the VTXO --- */

static int move(struct unit *u, const struct gathered *g, enum vtxo_state to, const char *kind, const struct txid *txid,
		struct sat fee, int64_t now_ms, struct err *err)
{
	const struct vtxo_move m = {
		.to = to, .action = exit_holder(g->row.id), .kind = kind, .fee = fee, .has_txid = true, .txid = *txid
	};

	return vtxo_store_move(u, &g->row.vtxo, &m, now_ms, err);
}

static int entered_claimed(struct unit *u, struct arena *a, const struct gathered *g, const struct exit_status *now,
			   int64_t now_ms, struct err *err)
{
	struct sat fee;

	if (settle_claims(u, a, g, now, now_ms, err) != 0 ||
	    claim_fee(unit_view(u), a, &now->spender, g->row.id, &fee, err) != 0)
		return -1;
	if (!now->spent_by_us) /* */
		return move(u, g, VTXO_SPENT, "lost", &now->spender, (struct sat){ 0 }, now_ms, err);
	return move(u, g, VTXO_EXITED, "claim", &now->spender, fee, now_ms, err);
}

static int left_claimed(struct unit *u, struct arena *a, const struct gathered *g, int64_t now_ms, struct err *err)
{
	struct sat fee = { 0 };

	if (reopen_claim(u, a, g, err) != 0 ||
	    (g->status.spent_by_us && claim_fee(unit_view(u), a, &g->status.spender, g->row.id, &fee, err) != 0))
		return -1;
	return move(u, g, VTXO_EXITING, "claim_undone", &g->status.spender, fee, now_ms, err);
}

/* It will never come on chain.  What is spent must have been held. */
static int lost_to_conflict(struct unit *u, const struct gathered *g, int64_t now_ms, struct err *err)
{
	const struct action_id holder = exit_holder(g->row.id);

	if (g->vtxo.state == VTXO_SPENT)
		return 0;
	if (g->vtxo.state == VTXO_SPENDABLE && vtxo_store_lock(u, &g->row.vtxo, 1, &holder, now_ms, err) != 0)
		return -1;
	return move(u, g, VTXO_SPENT, "lost", &g->row.vtxo.txid, (struct sat){ 0 }, now_ms, err);
}

int reconcile(struct unit *u, struct arena *a, const struct gathered *g, const struct exit_status *now, int64_t now_ms,
	      struct err *err)
{
	enum exit_state was = g->status.state;
	bool same_claim = was == EXIT_CLAIMED && now->state == EXIT_CLAIMED &&
			  txid_equal(&g->status.spender, &now->spender);

	if (was == EXIT_CLAIMED && !same_claim && left_claimed(u, a, g, now_ms, err) != 0)
		return -1;
	if (exit_is_exited(now->state) && !exit_is_exited(was) && g->vtxo.state != VTXO_EXITING &&
	    move(u, g, VTXO_EXITING, "exit", &g->row.vtxo.txid, (struct sat){ 0 }, now_ms, err) != 0)
		return -1;
	if (now->state == EXIT_CLAIMED)
		return same_claim ? settle_claims(u, a, g, now, now_ms, err)
				  : entered_claimed(u, a, g, now, now_ms, err);
	if (now->state == EXIT_ALREADY_SPENT && now->conflict)
		return lost_to_conflict(u, g, now_ms, err);
	return 0;
}

/* --- children --- */

static int is_own_child(struct view v, struct arena *a, int64_t tx_id, const struct txid *txid, bool *ret,
			struct err *err)
{
	struct exit_child_row *rows;
	size_t n;

	*ret = false;
	if (exit_child_store_list(v, a, tx_id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n && !*ret; i++)
		*ret = rows[i].origin == CHILD_WALLET && txid_equal(&rows[i].txid, txid);
	return 0;
}

/* Has something of others spent a coin that pays for this transaction? */
static int coin_is_taken(struct view v, struct arena *a, int64_t tx_id, bool *ret, struct err *err)
{
	const struct action_id holder = exit_child_holder(tx_id);
	struct utxo_row *rows;
	size_t n;

	*ret = false;
	if (utxo_store_by_holder(v, a, &holder, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n && !*ret; i++) {
		bool ours = true;

		if (rows[i].state == UTXO_SPENT && is_own_child(v, a, tx_id, &rows[i].spent_by, &ours, err) != 0)
			return -1;
		*ret = !ours;
	}
	return 0;
}

/* Something of others was seen that spends what it spends, its coin or the anchor: as it is, it will not be sent again. */
static int is_outdone(struct view v, struct arena *a, const struct exit_child_row *own, bool *ret, struct err *err)
{
	struct tx_row row;
	bool ours;
	int rc = tx_store_find(v, a, &own->txid, &row, err);

	*ret = false;
	if (rc != 1 || row.place != TX_OUT)
		return rc < 0 ? -1 : 0;
	if (!row.replaced) /* it was missed before the other was seen */
		return coin_is_taken(v, a, own->tx_id, ret, err);
	if (is_own_child(v, a, own->tx_id, &row.replaced_by, &ours, err) != 0)
		return -1;
	*ret = !ours; /* an index that is late may still tell of the child before it */
	return 0;
}

/* Before a block has its parent.  1: it is given up, 0, -1. */
static int open_child(struct unit *u, struct arena *a, const struct exit_tx_facts *t, struct exit_child_row *own,
		      int64_t now_ms, struct err *err)
{
	bool outdone;

	/* What the network shows was sent, whatever became of the node's answer. */
	if (t->payer_seen && txid_equal(&t->payer.txid, &own->txid)) {
		if (own->status != CHILD_PREPARED)
			return 0;
		own->status = CHILD_SENT;
		own->reach = REACH_MAYBE;
		own->refusal = NULL;
		return exit_child_store_save(u, own, err);
	}
	if (is_outdone(unit_view(u), a, own, &outdone, err) != 0)
		return -1;
	if (!outdone)
		return 0;
	return pay_drop(u, a, own, CHILD_REPLACED, "something else spends what it spends", now_ms, err) != 0 ? -1 : 1;
}

static int mined_child(struct unit *u, struct arena *a, const struct exit_tx_facts *t, struct exit_child_row *own,
		       int64_t now_ms, struct err *err)
{
	if (!t->payer.exists || !txid_equal(&t->payer.txid, &own->txid))
		return pay_drop(u, a, own, CHILD_REPLACED, "another child was mined", now_ms, err);
	if (own->confirmed && block_ref_equal(&own->block, &t->payer.block))
		return 0;
	own->status = CHILD_SENT;
	own->confirmed = true;
	own->block = t->payer.block;
	return exit_child_store_save(u, own, err);
}

/* The one that spends the anchor counts, also where it was given up: the one before a bump was mined after all, or what was
 * seen of it came late. */
static int count_again(struct unit *u, struct arena *a, const struct exit_tx_facts *t, int64_t tx_id, struct err *err)
{
	struct exit_child_row *rows;
	size_t n;

	if (!t->payer.exists || t->payer.origin != CHILD_WALLET)
		return 0;
	if (exit_child_store_list(unit_view(u), a, tx_id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (txid_equal(&rows[i].txid, &t->payer.txid)) {
			rows[i].active = true;
			rows[i].status = CHILD_SENT;
			rows[i].reach = REACH_MAYBE;
			rows[i].refusal = NULL;
			rows[i].confirmed = t->payer.confirmed;
			rows[i].block = t->payer.block;
			return exit_child_store_save(u, &rows[i], err);
		}
	return 0;
}

/* A stranger's child that nobody has any more, or that another one has replaced: it is not what pays.  None is sent from here:
 * who made it may, and a child of ours costs no time. */
static int retire_stranger(struct unit *u, const struct exit_tx_facts *t, struct exit_child_row *child, struct err *err)
{
	if (child->id == 0 || (t->payer_seen && txid_equal(&t->payer.txid, &child->txid)))
		return 0;
	child->active = false;
	child->status = CHILD_REPLACED;
	child->confirmed = false;
	return exit_child_store_save(u, child, err);
}

static bool is_told(const struct exit_child_row *child, const struct exit_payer *p, bool active)
{
	return child->id > 0 && child->active == active && child->origin == p->origin &&
	       child->confirmed == p->confirmed && (!p->confirmed || block_ref_equal(&child->block, &p->block));
}

/* Somebody else pays for it (3.3): written down, so that exit.get can tell of it when nobody has it any more. */
static int adopt(struct unit *u, struct arena *a, const struct gathered *g, size_t i, int64_t now_ms, struct err *err)
{
	const struct exit_payer *p = &g->facts.txs[i].payer;
	struct exit_child_row *rows, child = { .tx_id = g->txs[i].id, .txid = p->txid, .raw = g->payers[i] };
	struct tx tx;
	size_t n, k = 0;

	if (is_told(&g->strangers[i], p, !g->own[i].active))
		return 0;
	if (exit_child_store_list(unit_view(u), a, child.tx_id, &rows, &n, err) != 0)
		return -1;
	while (k < n && !txid_equal(&rows[k].txid, &p->txid))
		k++;
	if (k < n)
		child = rows[k];
	else if (tx_decode(a, child.raw, &tx, err) != 0)
		return err_context(err, "a child of somebody else's");
	else
		child.weight = tx_weight(&tx);
	if (child.origin != CHILD_GIVEN)
		child.origin = p->origin;
	child.status = CHILD_SENT;
	child.reach = REACH_MAYBE;
	child.active = !g->own[i].active;
	child.refusal = NULL;
	child.confirmed = p->confirmed;
	child.block = p->block;
	return exit_child_store_add(u, &child, now_ms, &child.id, err);
}

static int own_child(struct unit *u, struct arena *a, struct gathered *g, size_t i, int64_t now_ms, struct err *err)
{
	const struct exit_tx_facts *t = &g->facts.txs[i];
	struct exit_child_row *own = &g->own[i];

	if (own->id > 0 && t->place != EXIT_TX_CONFIRMED)
		return open_child(u, a, t, own, now_ms, err);
	if (own->id > 0 && mined_child(u, a, t, own, now_ms, err) != 0)
		return -1;
	return own->active ? 0 : count_again(u, a, t, g->txs[i].id, err);
}

static bool is_active(const struct exit_child_row *own, const struct txid *txid)
{
	return own->active && txid_equal(&own->txid, txid);
}

/* 1: a child is given up that the facts name, 0, -1. */
static int child_of(struct unit *u, struct arena *a, struct gathered *g, size_t i, int64_t now_ms, struct err *err)
{
	const struct exit_tx_facts *t = &g->facts.txs[i];
	int rc;

	if (retire_stranger(u, t, &g->strangers[i], err) != 0 || (rc = own_child(u, a, g, i, now_ms, err)) < 0)
		return -1;
	if (t->payer_seen && t->payer.origin != CHILD_WALLET && !is_active(&g->own[i], &t->payer.txid) &&
	    adopt(u, a, g, i, now_ms, err) != 0)
		return -1;
	return rc;
}

static int save_place(struct unit *u, struct exit_tx_row *tx, const struct exit_tx_facts *t, int64_t now_ms,
		      struct err *err)
{
	bool confirmed = t->place == EXIT_TX_CONFIRMED;

	if (tx->place == t->place && (!confirmed || block_ref_equal(&tx->block, &t->block)))
		return 0;
	tx->place = t->place;
	tx->block = t->block;
	return exit_tx_store_place(u, tx->id, t->place, confirmed ? &t->block : NULL, now_ms, err);
}

int reconcile_children(struct unit *u, struct arena *a, struct gathered *g, int64_t now_ms, struct err *err)
{
	bool stale = false;

	for (size_t i = 0; i < g->n_txs; i++) {
		int rc;

		if (save_place(u, &g->txs[i], &g->facts.txs[i], now_ms, err) != 0 ||
		    (rc = child_of(u, a, g, i, now_ms, err)) < 0)
			return -1;
		stale = stale || rc == 1;
	}
	return stale;
}

int reconcile_end(struct unit *u, struct arena *a, int64_t exit_id, int64_t now_ms, struct err *err)
{
	const struct action_id holder = exit_holder(exit_id);
	struct exit_tx_row *txs;
	size_t n;

	if (exit_tx_store_of(unit_view(u), a, exit_id, &txs, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (txs[i].refs == 0 && pay_release(u, txs[i].id, now_ms, err) != 0)
			return -1;
	return vtxo_store_release(u, &holder, now_ms, err) != 0 ? -1 : watch_store_end(u, holder.s, err);
}
