/* The steps of each question, where an Esplora server answers it (spec/exit.md 6.3).  A step is one GET or POST.
 *
 * Its index of the mempool lags a little behind its node: what was just sent may not be found yet. */
#include <string.h>

#include "chain/source_internal.h"
#include "rails/chain/esplora_call.h"
#include "rails/chain/esplora_reply.h"

#define QUEUE_MAX 256 /* transactions that are looked at for one mempool entry */

struct row {
	void (*ask)(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret);
	enum step (*read)(struct chain_ask *q, const struct net_reply *rep, struct err *err);
};

/* --- verify --- */

static void verify_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	if (q->run.step == 0)
		esplora_ask_block_hash(t, 0, ret);
	else
		esplora_ask_package(t, NULL, 0, ret);
}

static int check_genesis(const struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct block_hash told, ours;
	bool found;

	chain_genesis(q->s->opt.network, &ours);
	if (esplora_reply_hash(rep, &found, &told, err) != 0)
		return -1;
	if (!found)
		return ERR(err, ERR_PEER_INVALID, "the server does not know the first block: is this its base URL?");
	if (!block_hash_equal(&told, &ours))
		return ERR(err, ERR_NETWORK, "the server's chain is not %s", network_names[q->s->opt.network]);
	return 0;
}

static int limits_take(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct chain_limits l;

	capability_limits_unknown(&l);
	if (esplora_takes_packages(rep, &l.packages, err) != 0)
		return -1;
	if (!l.packages)
		(void)snprintf(l.why_not, sizeof(l.why_not),
			       "exits need an Esplora server that takes packages, with "
			       "Bitcoin Core 29.0 or later behind it");
	q->at->facts.limits = l;
	return 0;
}

static enum step verify_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	if (q->run.step == 0)
		return check_genesis(q, rep, err) == 0 ? step_next(q, 1) : STEP_FAILED;
	q->at->facts.ready = true; /* it serves what it has indexed; how far that is, it does not tell */
	return step_done_if(limits_take(q, rep, err));
}

/* --- blocks --- */

static void tip_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	if (q->run.step == 0)
		esplora_ask_tip(t, ret);
	else
		esplora_ask_header(t, &q->run.ref.hash, ret);
}

static enum step tip_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct chain_answer *a = &q->answer;
	bool found;

	if (q->run.step == 0) {
		if (esplora_reply_hash(rep, &found, &q->run.ref.hash, err) != 0)
			return STEP_FAILED;
		if (found)
			return step_next(q, 1);
		ERR(err, ERR_PEER_INVALID, "the server knows no tip");
		return STEP_FAILED;
	}
	if (esplora_reply_header(&q->scratch, rep, &q->run.ref.hash, &found, &a->header, err) != 0)
		return STEP_FAILED;
	a->header.in_best_chain = true;
	return found ? STEP_DONE : step_again(q, 0, err);
}

static void ref_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_block_hash(t, q->p.height, ret);
}

static enum step ref_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	q->answer.ref.height = q->p.height;
	return step_done_if(esplora_reply_hash(rep, &q->answer.found, &q->answer.ref.hash, err));
}

static void header_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	if (q->run.step == 0)
		esplora_ask_header(t, &q->p.hash, ret);
	else
		esplora_ask_header_status(t, &q->p.hash, ret);
}

static enum step header_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct chain_answer *a = &q->answer;

	if (q->run.step == 1)
		return step_done_if(
			esplora_reply_header_status(&q->scratch, rep, &a->found, &a->header.in_best_chain, err));
	if (esplora_reply_header(&q->scratch, rep, &q->p.hash, &a->found, &a->header, err) != 0)
		return STEP_FAILED;
	return a->found ? step_next(q, 1) : STEP_DONE;
}

static void block_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_block(t, &q->p.hash, ret);
}

static enum step block_reply(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct bytes raw;

	if (esplora_reply_block(&q->found, rep, &q->answer.found, &raw, err) != 0)
		return STEP_FAILED;
	if (!q->answer.found)
		return STEP_DONE;
	return step_done_if(block_read(&q->found, raw, &q->p.hash, &q->answer.block, err));
}

/* --- transactions and outputs --- */

static void status_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_tx(t, &q->p.txid, ret);
}

static enum step status_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct esplora_tx tx;
	bool found;

	if (esplora_reply_tx(&q->scratch, rep, &q->p.txid, &found, &tx, err) != 0)
		return STEP_FAILED;
	q->answer.status = found ? tx.status : (struct chain_tx_status){ .place = CHAIN_NOT_FOUND };
	return STEP_DONE;
}

static void tx_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_raw_tx(t, &q->p.txid, ret);
}

static enum step tx_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	return step_done_if(esplora_reply_raw_tx(&q->found, rep, &q->p.txid, &q->answer.found, &q->answer.tx, err));
}

static void spends_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_outspend(t, &q->p.at[q->run.i], ret);
}

static enum step spends_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	if (q->run.i == 0)
		q->answer.spends = ARENA_ARRAY(&q->found, q->p.n, struct chain_spend);
	if (esplora_reply_outspend(&q->scratch, rep, &q->answer.spends[q->run.i], err) != 0)
		return STEP_FAILED;
	return ++q->run.i < q->p.n ? STEP_NEXT : STEP_DONE;
}

static void coin_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	if (q->run.step == 0)
		esplora_ask_tx(t, &q->p.at[0].txid, ret);
	else
		esplora_ask_outspend(t, &q->p.at[0], ret);
}

static enum step coin_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	const struct outpoint *at = &q->p.at[0];
	struct chain_answer *a = &q->answer;
	struct chain_spend spend;
	struct esplora_tx tx;

	if (q->run.step == 1) {
		if (esplora_reply_outspend(&q->scratch, rep, &spend, err) != 0)
			return STEP_FAILED;
		a->found = spend.state != CHAIN_SPENT_MINED;
		return STEP_DONE;
	}
	if (esplora_reply_tx(&q->found, rep, &at->txid, &a->found, &tx, err) != 0)
		return STEP_FAILED;
	a->found = a->found && tx.status.place == CHAIN_CONFIRMED && at->vout < tx.n_outs;
	if (!a->found)
		return STEP_DONE;
	a->coin = (struct chain_coin){ .at = *at,
				       .value = tx.outs[at->vout].value,
				       .script = tx.outs[at->vout].script,
				       .height = tx.status.block.height,
				       .coinbase = tx.coinbase };
	return step_next(q, 1);
}

/* --- a mempool entry: its unconfirmed ancestors are looked at one after the other --- */

static void entry_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_tx(t, q->run.step == 0 ? &q->p.txid : &q->run.queue[q->run.i], ret);
}

static bool is_queued(const struct ask_run *run, const struct txid *txid)
{
	for (size_t i = 0; i < run->n_queue; i++)
		if (txid_equal(&run->queue[i], txid))
			return true;
	return false;
}

static int enqueue(struct ask_run *run, const struct esplora_tx *tx, struct err *err)
{
	for (size_t i = 0; i < tx->n_spends; i++) {
		if (is_queued(run, &tx->spends[i]))
			continue;
		if (run->n_queue == QUEUE_MAX)
			return ERR(err, ERR_RANGE, "a transaction with more than %d others to look at", QUEUE_MAX);
		run->queue[run->n_queue++] = tx->spends[i];
	}
	return 0;
}

static int ancestor_add(struct chain_mempool_entry *e, const struct esplora_tx *tx, struct err *err)
{
	e->ancestors++;
	e->ancestor_vsize += weight_vsize(tx->weight);
	if (!sat_add(e->ancestor_fee, tx->fee, &e->ancestor_fee))
		return ERR(err, ERR_PEER_INVALID, "ancestors that pay more than there is");
	return 0;
}

static enum step entry_first(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct chain_answer *a = &q->answer;
	struct esplora_tx tx;

	if (esplora_reply_tx(&q->scratch, rep, &q->p.txid, &a->found, &tx, err) != 0)
		return STEP_FAILED;
	a->found = a->found && tx.status.place == CHAIN_MEMPOOL;
	if (!a->found)
		return STEP_DONE;
	a->entry = (struct chain_mempool_entry){ .fee = tx.fee,
						 .weight = tx.weight,
						 .vsize = weight_vsize(tx.weight),
						 .parents = ARENA_ARRAY(&q->found, QUEUE_MAX, struct txid) };
	q->run.queue = ARENA_ARRAY(&q->found, QUEUE_MAX, struct txid);
	if (ancestor_add(&a->entry, &tx, err) != 0 || enqueue(&q->run, &tx, err) != 0)
		return STEP_FAILED;
	q->run.n_direct = q->run.n_queue;
	return q->run.n_queue > 0 ? step_next(q, 1) : STEP_DONE;
}

static enum step entry_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct chain_mempool_entry *e = &q->answer.entry;
	const struct txid *asked;
	struct esplora_tx tx;
	bool found;

	if (q->run.step == 0)
		return entry_first(q, rep, err);
	asked = &q->run.queue[q->run.i];
	if (esplora_reply_tx(&q->scratch, rep, asked, &found, &tx, err) != 0)
		return STEP_FAILED;
	if (!found) /* its index lags, or what spends it was replaced */
		return step_again(q, 1, err);
	if (tx.status.place == CHAIN_MEMPOOL) {
		if (q->run.i < q->run.n_direct)
			e->parents[e->n_parents++] = *asked;
		if (ancestor_add(e, &tx, err) != 0 || enqueue(&q->run, &tx, err) != 0)
			return STEP_FAILED;
	}
	return ++q->run.i < q->run.n_queue ? STEP_NEXT : STEP_DONE;
}

/* --- sending --- */

static void broadcast_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_send(t, q->p.raw[0], ret);
}

static enum step broadcast_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct chain_broadcast *b = &q->answer.broadcast;

	return step_done_if(esplora_reply_send(&q->found, rep, &q->p.txids[0], &b->class, &b->words, err));
}

static void package_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_package(t, q->p.raw, q->p.n, ret);
}

static enum step package_reply(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	return step_done_if(esplora_reply_package(&q->found, rep, q->p.txids, q->p.n, &q->answer.package, err));
}

/* --- fees and limits --- */

static void fees_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	(void)q;
	esplora_ask_fees(t, ret);
}

static enum step fees_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	q->run.has_floor = true;
	q->run.floor = q->at->facts.limits.min_relay;
	return step_done_if(esplora_reply_fees(&q->scratch, rep, &q->run.fees, err));
}

static void limits_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	(void)q;
	esplora_ask_package(t, NULL, 0, ret);
}

static enum step limits_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	if (limits_take(q, rep, err) != 0)
		return STEP_FAILED;
	q->answer.limits = q->at->facts.limits;
	return STEP_DONE;
}

/* --- scripts --- */

static void history_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_history(t, q->p.script, q->run.has_last ? &q->run.last : NULL, ret);
}

static bool is_known(const struct chain_ask *q, const struct chain_seen *s)
{
	for (size_t i = 0; i < q->p.n; i++)
		if (txid_equal(&q->p.known[i].txid, &s->txid) &&
		    chain_tx_status_equal(&q->p.known[i].status, &s->status))
			return true;
	return false;
}

/* Unconfirmed ones come first and in any order: only a confirmed one that is known ends it.  So does a page without confirmed
 * ones. */
static int history_take(struct chain_ask *q, const struct chain_seen *page, size_t n, bool *ended, struct err *err)
{
	struct chain_history *h = &q->answer.history;
	struct txid before = q->run.last;
	bool is_first = !q->run.has_last;

	*ended = true;
	for (size_t i = 0; i < n; i++) {
		if (h->n == CHAIN_HISTORY_MAX)
			return ERR(err, ERR_RANGE, "a script with more than %u transactions", CHAIN_HISTORY_MAX);
		h->seen[h->n++] = page[i];
		if (page[i].status.place != CHAIN_CONFIRMED)
			continue;
		*ended = is_known(q, &page[i]);
		if (*ended)
			return 0;
		q->run.has_last = true;
		q->run.last = page[i].txid;
	}
	if (!*ended && !is_first && txid_equal(&before, &q->run.last))
		return ERR(err, ERR_PEER_INVALID, "the same page again");
	return 0;
}

static enum step history_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	struct chain_seen page[ESPLORA_PAGE_MAX];
	bool ended;
	size_t n;

	if (q->answer.history.seen == NULL)
		q->answer.history.seen = ARENA_ARRAY(&q->found, CHAIN_HISTORY_MAX, struct chain_seen);
	if (esplora_reply_history(&q->scratch, rep, page, &n, err) != 0)
		return STEP_FAILED;
	if (history_take(q, page, n, &ended, err) != 0)
		return STEP_FAILED;
	return ended ? STEP_DONE : STEP_NEXT;
}

static void script_stats_ask(const struct chain_ask *q, const struct esplora_target *t, struct net_request *ret)
{
	esplora_ask_script(t, q->p.script, ret);
}

static enum step script_stats_read(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	return step_done_if(esplora_reply_script(&q->scratch, rep, &q->answer.script_stats, err));
}

/* --- the table --- */

static const struct row rows[ASK_KINDS] = {
	[ASK_VERIFY] = { verify_ask, verify_read },
	[ASK_TIP] = { tip_ask, tip_read },
	[ASK_REF] = { ref_ask, ref_read },
	[ASK_HEADER] = { header_ask, header_read },
	[ASK_BLOCK] = { block_ask, block_reply },
	[ASK_STATUS] = { status_ask, status_read },
	[ASK_TX] = { tx_ask, tx_read },
	[ASK_SPENDS] = { spends_ask, spends_read },
	[ASK_COIN] = { coin_ask, coin_read },
	[ASK_ENTRY] = { entry_ask, entry_read },
	[ASK_BROADCAST] = { broadcast_ask, broadcast_read },
	[ASK_PACKAGE] = { package_ask, package_reply },
	[ASK_FEES] = { fees_ask, fees_read },
	[ASK_LIMITS] = { limits_ask, limits_read },
	[ASK_HISTORY] = { history_ask, history_read },
	[ASK_SCRIPT_STATS] = { script_stats_ask, script_stats_read },
};

static int request(struct chain_ask *q, struct net_request *ret, struct err *err)
{
	struct esplora_target t = { &q->scratch, q->at->url };

	if (rows[q->kind].ask == NULL)
		return ERR(err, ERR_UNSUPPORTED, "an Esplora server cannot answer this");
	rows[q->kind].ask(q, &t, ret);
	return 0;
}

static enum step reply(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	return rows[q->kind].read(q, rep, err);
}

const struct driver driver_esplora = { request, reply };
