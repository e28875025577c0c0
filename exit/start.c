/* Exits begin, are given up, and are told what to pay.  Implements spec/exit.md 1.7. */
#include <inttypes.h>

#include "exit/exit.h"
#include "exit/gather.h"
#include "exit/reconcile.h"
#include "rails/ark/exit_tx.h"
#include "store/chain_store.h"

/* --- begin --- */

static int refuse_state(const struct vtxo_row *v, struct err *err)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(&v->point, text);
	ERR(err, ERR_CONFLICT, "the VTXO %s is %s", text, vtxo_state_name(v->state));
	return v->state == VTXO_LOCKED ? err_hint(err, "it is held by %s: action.cancel it first", v->holder.s) : -1;
}

static int check(const struct vtxo_row *v, const struct exit_order *o, struct err *err)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(&v->point, text);
	if (v->state == VTXO_SPENT || v->state == VTXO_EXITED || v->state == VTXO_LOCKED)
		return refuse_state(v, err);
	if (sat_value(v->amount) < EXIT_DUST) {
		ERR(err, ERR_VTXO_DUST,
		    "the VTXO %s of %" PRIu64 " sat is less than the %u sat that can be put on chain", text,
		    sat_value(v->amount), EXIT_DUST);
		return err_hint(err, "join it with others while its server is there");
	}
	if (!v->standard && !o->allow_non_standard) {
		ERR(err, ERR_VTXO_SCRIPT, "nodes would not relay the exit of the VTXO %s", text);
		return err_hint(err, "refresh it, or allow_non_standard=true if a miner takes it");
	}
	return 0;
}

static int add_txs(struct unit *u, struct arena *a, int64_t id, const struct exit_chain *chain, struct err *err)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct tx *tx = &chain->txs[i].tx;
		const struct exit_tx_row row = {
			.txid = chain->txs[i].txid,
			.raw = tx_bytes(a, tx),
			.weight = tx_weight(tx),
			.spends = tx->in[0].prevout,
			.anchor_vout = (uint32_t)(tx->n_out - 1),
			.anchor_value = tx->out[tx->n_out - 1].value,
		};

		if (exit_tx_store_add(u, id, (uint32_t)i, &row, err) != 0)
			return -1;
	}
	return 0;
}

/* Two transactions of one chain cannot have the same id, unless somebody made it up (spec/exit.md 1.1). */
static int check_chain(const struct exit_chain *chain, struct err *err)
{
	if (chain->n == 0 || chain->n > EXIT_TXS_MAX)
		return ERR(err, ERR_VTXO_INVALID, "an exit of %zu transactions", chain->n);
	for (size_t i = 0; i < chain->n; i++)
		for (size_t k = 0; k < i; k++)
			if (txid_equal(&chain->txs[i].txid, &chain->txs[k].txid))
				return ERR(err, ERR_VTXO_INVALID, "its exit transactions go round in a circle");
	return 0;
}

static int begin(struct unit *u, struct arena *a, const struct vtxo_row *v, const struct exit_order *o, int64_t now_ms,
		 int64_t *ret_id, struct err *err)
{
	struct exit_status start = { .state = EXIT_START };
	struct exit_chain chain;
	struct block_row tip;
	struct vtxo vtxo;
	int rc = chain_store_tip(unit_view(u), &tip, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		start.tip_height = tip.ref.height;
	if (gather_chain(unit_view(u), a, v->id, &vtxo, &chain, err) != 0 || check_chain(&chain, err) != 0 ||
	    exit_store_add(u, v->id, exit_status_text(a, &start), o->rate, now_ms, now_ms, ret_id, err) != 0 ||
	    add_txs(u, a, *ret_id, &chain, err) != 0)
		return -1;
	return exit_watch(u, *ret_id, &chain, &v->point, v->has_anchor_block ? v->anchor_block.height : 0, now_ms, err);
}

int exit_start(struct unit *u, struct arena *a, const struct exit_order *o, int64_t now_ms, int64_t *ret_id,
	       struct err *err)
{
	char text[OUTPOINT_TEXT];
	struct exit_row last;
	struct vtxo_row v;
	int rc = exit_store_find(unit_view(u), a, &o->vtxo, &last, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && last.live) {
		*ret_id = last.id;
		return 0;
	}
	rc = vtxo_store_find(unit_view(u), a, &o->vtxo, &v, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		outpoint_text(&o->vtxo, text);
		return ERR(err, ERR_NOT_FOUND, "there is no VTXO %s", text);
	}
	if (check(&v, o, err) != 0 || begin(u, a, &v, o, now_ms, ret_id, err) != 0)
		return -1;
	return 1;
}

/* --- give up --- */

static int must_find(struct unit *u, struct arena *a, const struct outpoint *vtxo, struct exit_row *ret,
		     struct err *err)
{
	char text[OUTPOINT_TEXT];
	int rc = exit_store_find(unit_view(u), a, vtxo, ret, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	outpoint_text(vtxo, text);
	return ERR(err, ERR_NOT_FOUND, "there is no exit of the VTXO %s", text);
}

static int cannot_cancel(const struct exit_row *row, const char *why, struct err *err)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(&row->vtxo, text);
	ERR(err, ERR_NOT_CANCELLABLE, "the exit of %s is %s: %s", text, exit_state_name(row->state), why);
	return err_hint(err, "exit.get vtxo_id=%s", text);
}

/* Is the last transaction of it known to anybody but us? */
static int check_unseen(struct unit *u, struct arena *a, const struct exit_row *row, struct err *err)
{
	struct gathered g;
	const struct exit_tx_facts *leaf;
	int rc = gather(unit_view(u), a, row->id, &g, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_BUSY,
			   "the chain is being searched for this exit: whether it can be cancelled is not known yet");
	if (!exit_is_cancellable(&g.status))
		return cannot_cancel(row, "it is on its way", err);
	leaf = &g.facts.txs[g.n_txs - 1];
	if (leaf->place != EXIT_TX_UNSEEN || leaf->payer.exists)
		return cannot_cancel(row, "the network has its last transaction", err);
	return 0;
}

int exit_cancel(struct unit *u, struct arena *a, const struct outpoint *vtxo, int64_t now_ms, struct err *err)
{
	struct exit_status canceled = { .state = EXIT_CANCELED };
	struct exit_row row;
	struct block_row tip;
	int rc;

	if (must_find(u, a, vtxo, &row, err) != 0)
		return -1;
	if (row.state == EXIT_CANCELED)
		return 0;
	if (!row.live || exit_is_exited(row.state))
		return cannot_cancel(&row, "that cannot be undone", err);
	if (check_unseen(u, a, &row, err) != 0)
		return -1;
	rc = chain_store_tip(unit_view(u), &tip, err);
	if (rc < 0)
		return -1;
	if (rc == 1)
		canceled.tip_height = tip.ref.height;
	row.state = EXIT_CANCELED;
	row.live = false;
	row.checkpoint = exit_status_text(a, &canceled);
	row.error = NULL;
	if (exit_store_save(u, &row, true, now_ms, err) != 0)
		return -1;
	return reconcile_end(u, a, row.id, now_ms, err);
}

int exit_set_feerate(struct unit *u, struct arena *a, const struct outpoint *vtxo, const struct feerate *rate,
		     int64_t now_ms, struct err *err)
{
	struct exit_row row;

	if (must_find(u, a, vtxo, &row, err) != 0)
		return -1;
	if (!row.live)
		return ERR(err, ERR_NOT_FOUND, "this exit is %s: nothing is paid for it any more",
			   exit_state_name(row.state));
	row.has_feerate = rate != NULL;
	if (rate)
		row.feerate = *rate;
	row.wake_at_ms = now_ms;
	return exit_store_save(u, &row, false, now_ms, err);
}
