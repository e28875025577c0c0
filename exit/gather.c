#include "exit/gather.h"

#include <inttypes.h>
#include <string.h>

#include "rails/bitcoin/tx.h"
#include "store/chain_store.h"
#include "store/exit_claim_store.h"
#include "store/script_store.h"
#include "store/watch_store.h"

/* --- the chain --- */

int gather_chain_is_known(struct view v, struct block_ref *ret_tip, struct err *err)
{
	static const enum sync_backend backends[] = { SYNC_BITCOIND, SYNC_ESPLORA };
	struct block_row tip;
	int rc = chain_store_tip(v, &tip, err);

	if (rc != 1)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
		struct sync_row sync;

		rc = sync_store_get(v, backends[i], &sync, err);
		if (rc < 0)
			return -1;
		/* Older blocks are still to be searched for what was asked for lately. */
		if (rc == 1 && sync.scans)
			return 0;
	}
	*ret_tip = tip.ref;
	return 1;
}

struct chain_view {
	struct view view;
};

static bool block_at(const void *ctx, uint32_t height, struct block_ref *ret)
{
	const struct chain_view *c = ctx;
	struct block_row row;
	struct err ignored; /* a block that cannot be read is one that is not kept */

	if (chain_store_block(c->view, height, &row, &ignored) != 1)
		return false;
	*ret = row.ref;
	return true;
}

/* Is the block that had the anchor still in the chain?  Below what is kept, it is. */
static int root_is_confirmed(struct view v, const struct vtxo_row *vtxo, const struct block_ref *tip, bool *ret,
			     struct err *err)
{
	struct block_row row;
	int rc;

	*ret = false;
	if (!vtxo->has_anchor_block || vtxo->anchor_block.height > tip->height)
		return 0;
	rc = chain_store_block(v, vtxo->anchor_block.height, &row, err);
	if (rc < 0)
		return -1;
	*ret = rc == 0 || block_ref_equal(&row.ref, &vtxo->anchor_block);
	return 0;
}

/* --- what was seen --- */

struct seen {
	struct outpoint at; /* is spent by */
	struct hit_row hit;
};
struct sightings {
	struct seen *all;
	size_t n;
};

static int look_up(struct view v, struct arena *a, int64_t exit_id, struct sightings *ret, struct err *err)
{
	const struct action_id owner = exit_holder(exit_id);
	struct hit_row *hits;
	size_t n;

	if (watch_store_hits(v, a, owner.s, &hits, &n, err) != 0)
		return -1;
	*ret = (struct sightings){ .all = ARENA_ARRAY(a, n, struct seen), .n = n };
	for (size_t i = 0; i < n; i++) {
		SCOPED(arena) struct arena scratch = ARENA_LIMIT(TX_ARENA_FOR((size_t)TX_SIZE_MAX));
		struct tx tx;

		if (tx_decode(&scratch, hits[i].raw, &tx, err) != 0)
			return err_context(err, "what the chain has of an exit");
		if (hits[i].n >= tx.n_in)
			return ERR(err, ERR_INTERNAL,
				   "a transaction was seen to spend by an input that it does not have");
		ret->all[i] = (struct seen){ tx.in[hits[i].n].prevout, hits[i] };
	}
	return 0;
}

/* What spends this output: in a block before any other, and of what a mempool has the last that was seen, for there is room for
 * one only; or NULL. */
static const struct hit_row *spender_of(const struct sightings *s, const struct outpoint *at)
{
	const struct hit_row *found = NULL;

	for (size_t i = 0; i < s->n; i++)
		if (outpoint_equal(&s->all[i].at, at) && (!found || s->all[i].hit.confirmed || !found->confirmed))
			found = &s->all[i].hit;
	return found;
}

/* --- one transaction --- */

static bool is_own_child(const struct exit_child_row *rows, size_t n, const struct txid *txid)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].origin == CHILD_WALLET && txid_equal(&rows[i].txid, txid))
			return true;
	return false;
}

static int payer_of(struct view v, struct arena *a, const struct gathered *g, size_t at, const struct sightings *s,
		    struct exit_tx_facts *ret, struct err *err)
{
	const struct exit_tx_row *tx = &g->txs[at];
	const struct outpoint anchor = { tx->txid, tx->anchor_vout };
	const struct hit_row *hit = spender_of(s, &anchor);
	struct exit_child_row *rows, *own = &g->own[at];
	size_t n;

	*own = g->strangers[at] = (struct exit_child_row){ 0 };
	g->payers[at] = hit ? hit->raw : (struct bytes){ 0 };
	if (exit_child_store_list(v, a, tx->id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].active && exit_child_is_ours(&rows[i]))
			*own = rows[i];
		if (rows[i].status == CHILD_SENT && !exit_child_is_ours(&rows[i]))
			g->strangers[at] = rows[i];
	}
	if (hit) {
		ret->payer = (struct exit_payer){ .exists = true, .txid = hit->txid, .confirmed = hit->confirmed };
		if (hit->confirmed)
			ret->payer.block = hit->block;
		ret->payer.origin = is_own_child(rows, n, &hit->txid) ? CHILD_WALLET
				    : hit->confirmed                  ? CHILD_BLOCK
								      : CHILD_MEMPOOL;
		ret->payer_seen = true;
	} else if (own->id > 0 && ret->place != EXIT_TX_CONFIRMED) {
		ret->payer = (struct exit_payer){ .exists = true,
						  .txid = own->txid,
						  .origin = own->origin == CHILD_WALLET ? CHILD_WALLET
											: CHILD_MEMPOOL };
	}
	return 0;
}

static void place_of(const struct exit_tx_row *tx, const struct sightings *s, struct exit_tx_facts *ret)
{
	const struct hit_row *hit = spender_of(s, &tx->spends);

	*ret = (struct exit_tx_facts){ .place = EXIT_TX_UNSEEN };
	if (!hit)
		return;
	if (txid_equal(&hit->txid, &tx->txid)) {
		ret->place = hit->confirmed ? EXIT_TX_CONFIRMED : EXIT_TX_MEMPOOL;
		if (hit->confirmed)
			ret->block = hit->block;
	} else if (hit->confirmed) {
		/* What only a mempool has can be outbid; what a block has cannot. */
		ret->has_rival = true;
		ret->rival = hit->txid;
		ret->rival_block = hit->block;
	}
}

static int gather_txs(struct view v, struct arena *a, struct gathered *g, const struct sightings *s, struct err *err)
{
	struct exit_tx_facts *facts;
	struct txid *txids;

	if (exit_tx_store_of(v, a, g->row.id, &g->txs, &g->n_txs, err) != 0)
		return -1;
	if (g->n_txs == 0)
		return ERR(err, ERR_INTERNAL, "exit %" PRId64 " has no transactions", g->row.id);
	facts = ARENA_ARRAY(a, g->n_txs, struct exit_tx_facts);
	txids = ARENA_ARRAY(a, g->n_txs, struct txid);
	g->own = ARENA_ARRAY(a, g->n_txs, struct exit_child_row);
	g->strangers = ARENA_ARRAY(a, g->n_txs, struct exit_child_row);
	g->payers = ARENA_ARRAY(a, g->n_txs, struct bytes);
	for (size_t i = 0; i < g->n_txs; i++) {
		txids[i] = g->txs[i].txid;
		place_of(&g->txs[i], s, &facts[i]);
		if (payer_of(v, a, g, i, s, &facts[i], err) != 0)
			return -1;
	}
	g->facts.txs = facts;
	g->facts.txids = txids;
	g->facts.n_txs = g->n_txs;
	g->facts.root = g->txs[0].spends.txid;
	return 0;
}

/* --- the VTXO's own output --- */

/* A claim of ours, or one that was signed here for another wallet, or something that pays a script of ours. */
static int is_by_us(struct view v, struct arena *a, int64_t exit_id, const struct hit_row *hit, bool *ret,
		    struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(TX_ARENA_FOR((size_t)TX_SIZE_MAX));
	struct exit_claim_row claim;
	struct sat fee;
	struct tx tx;
	int rc = exit_claim_store_find(v, a, &hit->txid, &claim, err);

	if (rc == 0)
		rc = exit_signed_store_find(v, &hit->txid, exit_id, &fee, err);
	*ret = rc == 1;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (tx_decode(&scratch, hit->raw, &tx, err) != 0)
		return -1;
	for (size_t i = 0; i < tx.n_out && !*ret; i++) {
		struct script_row row;

		rc = script_store_find(v, a, tx.out[i].script, &row, err);
		if (rc < 0)
			return -1;
		*ret = rc == 1;
	}
	return 0;
}

static int gather_spend(struct view v, struct arena *a, struct gathered *g, const struct sightings *s, struct err *err)
{
	const struct hit_row *hit = spender_of(s, &g->row.vtxo);

	g->facts.spend = EXIT_UNSPENT;
	if (!hit)
		return 0;
	g->facts.spend = hit->confirmed ? EXIT_SPENT_MINED : EXIT_SPENT_MEMPOOL;
	g->facts.spender = hit->txid;
	if (hit->confirmed)
		g->facts.spent_in = hit->block;
	return is_by_us(v, a, g->row.id, hit, &g->facts.spent_by_us, err);
}

int gather_chain(struct view v, struct arena *a, int64_t vtxo_id, struct vtxo *ret, struct exit_chain *ret_chain,
		 struct err *err)
{
	struct bytes bare, genesis;

	if (vtxo_store_bytes(v, a, vtxo_id, &bare, &genesis, err) != 0 || vtxo_join(a, bare, genesis, ret, err) != 0)
		return -1;
	if (!arena_room(a, exit_chain_room(ret)))
		return ERR(err, ERR_RANGE, "the exit of a VTXO is too large");
	return exit_chain_make(a, ret, ret_chain, err);
}

/* By which condition it will be claimed, and when that holds.  One whose preimage nobody knows is none yet. */
int gather_clause(struct view v, struct arena *a, struct gathered *g, struct err *err)
{
	const struct ark_clause *c;
	struct bytes bare, genesis;
	struct vtxo vtxo;
	int known = 1;

	if (vtxo_store_bytes(v, a, g->vtxo.id, &bare, &genesis, err) != 0 ||
	    vtxo_join(a, bare, genesis, &vtxo, err) != 0 ||
	    ark_policy_taproot(&vtxo.policy, &vtxo.terms, &g->taproot, err) != 0)
		return -1;
	g->leaf = ark_taproot_leaf_of(&g->taproot, &vtxo.policy.user);
	if (g->leaf == g->taproot.n_leaves)
		return 0;
	c = &g->taproot.leaf[g->leaf].clause;
	g->facts.delta = (c->flags & ARK_DELAY) != 0 ? c->delay : 0;
	g->facts.locktime = ark_clause_locktime(c);
	if ((c->flags & ARK_PREIMAGE) != 0)
		known = ark_preimage_find(v, &c->hash, g->preimage, err);
	g->facts.has_clause = known == 1;
	return known < 0 ? -1 : 0;
}

/* Can the next step have to do with it?  Not before its last transaction is in a block; nor while it waits there for its time,
 * for somebody to claim it, or for the end, and nothing has moved. */
static bool clause_matters(const struct gathered *g)
{
	const struct exit_tx_facts *leaf = &g->facts.txs[g->n_txs - 1];
	const struct exit_status *s = &g->status;
	bool moved = !block_ref_equal(&leaf->block, &s->confirmed);

	if (leaf->place != EXIT_TX_CONFIRMED)
		return false;
	switch (s->state) {
	case EXIT_AWAITING_DELTA:
		return moved || g->facts.tip.height >= s->claimable_height;
	case EXIT_CLAIMABLE:
	case EXIT_CLAIM_IN_PROGRESS:
		return moved || g->facts.tip.height < s->since.height;
	case EXIT_CLAIMED:
		return moved || g->facts.spend != EXIT_SPENT_MINED;
	case EXIT_START:
	case EXIT_PROCESSING:
	case EXIT_ALREADY_SPENT:
	case EXIT_CANCELED:
		break;
	}
	return true;
}

/* --- all of it --- */

static int load_rows(struct view v, struct arena *a, int64_t exit_id, struct gathered *g, struct err *err)
{
	int rc = exit_store_get(v, a, exit_id, &g->row, err);

	if (rc != 1)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "there is no exit %" PRId64, exit_id);
	if (exit_status_parse(a, g->row.checkpoint, &g->status, err) != 0)
		return -1;
	rc = vtxo_store_get(v, a, g->row.vtxo_id, &g->vtxo, err);
	if (rc != 1)
		return rc < 0 ? -1 : ERR(err, ERR_INTERNAL, "exit %" PRId64 " has no VTXO", exit_id);
	return 0;
}

int gather(struct view v, struct arena *a, int64_t exit_id, struct gathered *ret, struct err *err)
{
	struct chain_view *chain = ARENA_NEW(a, struct chain_view);
	struct sightings seen;
	int known;

	*ret = (struct gathered){ 0 };
	if (load_rows(v, a, exit_id, ret, err) != 0)
		return -1;
	known = gather_chain_is_known(v, &ret->facts.tip, err);
	if (known != 1)
		return known;
	chain->view = v;
	ret->facts.block_at = block_at;
	ret->facts.ctx = chain;
	ret->facts.amount = ret->row.amount;
	ret->facts.spent_off_chain = ret->vtxo.state == VTXO_SPENT;
	if (root_is_confirmed(v, &ret->vtxo, &ret->facts.tip, &ret->facts.root_confirmed, err) != 0 ||
	    look_up(v, a, exit_id, &seen, err) != 0 || gather_txs(v, a, ret, &seen, err) != 0 ||
	    gather_spend(v, a, ret, &seen, err) != 0)
		return -1;
	return clause_matters(ret) && gather_clause(v, a, ret, err) != 0 ? -1 : 1;
}

int exit_watch(struct unit *u, int64_t exit_id, const struct exit_chain *chain, const struct outpoint *vtxo,
	       uint32_t from, int64_t now_ms, struct err *err)
{
	const struct action_id owner = exit_holder(exit_id);
	int64_t ignored;

	for (size_t i = 0; i < chain->n; i++) {
		const struct tx *tx = &chain->txs[i].tx;
		const struct outpoint anchor = { chain->txs[i].txid, (uint32_t)(tx->n_out - 1) };

		if (watch_store_output(u, owner.s, &tx->in[0].prevout, from, now_ms, &ignored, err) != 0 ||
		    watch_store_output(u, owner.s, &anchor, from, now_ms, &ignored, err) != 0)
			return -1;
	}
	return watch_store_output(u, owner.s, vtxo, from, now_ms, &ignored, err);
}
