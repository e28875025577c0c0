/* Where a transaction is, what is left of an output, and who spends it: the questions to bitcoind that take several steps. */
#include "chain/driver_bitcoind.h"

#define STATUS_OUT_MAX 90 /* outputs that are tried; with others in one batch */

/* --- the status of a transaction --- */

enum status_step {
	STATUS_LOOK = 0, /* does the node know it? */
	STATUS_HEADER,   /* it names a block: is that in the chain? */
	STATUS_MEMPOOL,  /* it is not: is the transaction back in the mempool? */
	STATUS_OUTPUTS,  /* not known, but there is no index: is one of its outputs there? */
	STATUS_HEIGHT    /* one is: which block is that? */
};

static uint32_t outputs_to_try(const struct chain_ask *q)
{
	return q->p.n_out < STATUS_OUT_MAX ? q->p.n_out : STATUS_OUT_MAX;
}

void status_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	struct outpoint at = { .txid = q->p.txid };

	switch ((enum status_step)q->run.step) {
	case STATUS_LOOK:
		bitcoind_ask_tx(b, &q->p.txid, NULL);
		break;
	case STATUS_HEADER:
		bitcoind_ask_header(b, &q->run.ref.hash);
		break;
	case STATUS_MEMPOOL:
		bitcoind_ask_mempool_entry(b, &q->p.txid);
		break;
	case STATUS_OUTPUTS:
		for (at.vout = 0; at.vout < outputs_to_try(q); at.vout++)
			bitcoind_ask_coin(b, &at, false);
		break;
	case STATUS_HEIGHT:
		bitcoind_ask_block_hash(b, q->run.ref.height);
		break;
	}
}

static enum step status_is(struct chain_ask *q, enum chain_place place)
{
	q->answer.status.place = place;
	if (place == CHAIN_CONFIRMED)
		q->answer.status.block = q->run.ref;
	return STEP_DONE;
}

static enum step status_look(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	bool found, in_block;

	if (bitcoind_reply_tx_place(x->a, &q->p.txid, &found, &in_block, &q->run.ref.hash, err) != 0)
		return STEP_FAILED;
	if (found)
		return in_block ? step_next(q, STATUS_HEADER) : status_is(q, CHAIN_MEMPOOL);
	if (q->at->facts.indexes.tx || q->p.n_out == 0)
		return status_is(q, CHAIN_NOT_FOUND);
	return step_next(q, STATUS_OUTPUTS);
}

static enum step status_header(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_header h;
	bool found;

	if (bitcoind_reply_header(x->a, &q->run.ref.hash, &found, &h, err) != 0)
		return STEP_FAILED;
	if (!found || !h.in_best_chain) /* */
		return step_next(q, STATUS_MEMPOOL);
	q->run.ref = h.ref;
	return status_is(q, CHAIN_CONFIRMED);
}

static enum step status_mempool(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_mempool_entry e;
	bool found;

	if (bitcoind_reply_mempool_entry(&q->scratch, x->a, &found, &e, err) != 0)
		return STEP_FAILED;
	return status_is(q, found ? CHAIN_MEMPOOL : CHAIN_NOT_FOUND);
}

/* Its height, counted from the tip that came with it; false when that was another one. */
static bool coin_height(const struct chain_ask *q, const struct bitcoind_coin *c, uint32_t *ret)
{
	const struct block_ref *tip = &q->at->facts.tip;

	if (!block_hash_equal(&c->best, &tip->hash) || c->confirmations == 0 || c->confirmations > tip->height + 1)
		return false;
	*ret = tip->height + 1 - c->confirmations;
	return true;
}

static enum step status_outputs(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	for (uint32_t i = 0; i < outputs_to_try(q); i++) {
		struct bitcoind_coin c;
		bool found;

		if (bitcoind_reply_coin(&q->scratch, &x->a[i], &found, &c, err) != 0)
			return STEP_FAILED;
		if (found && !coin_height(q, &c, &q->run.ref.height))
			return step_again(q, STATUS_OUTPUTS, err);
		if (found)
			return step_next(q, STATUS_HEIGHT);
	}
	return status_is(q, CHAIN_NOT_FOUND);
}

static enum step status_height(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	bool found;

	if (bitcoind_reply_block_hash(x->a, &found, &q->run.ref.hash, err) != 0)
		return STEP_FAILED;
	return found ? status_is(q, CHAIN_CONFIRMED) : step_again(q, STATUS_OUTPUTS, err);
}

enum step status_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	switch ((enum status_step)q->run.step) {
	case STATUS_LOOK:
		return status_look(q, x, err);
	case STATUS_HEADER:
		return status_header(q, x, err);
	case STATUS_MEMPOOL:
		return status_mempool(q, x, err);
	case STATUS_OUTPUTS:
		return status_outputs(q, x, err);
	case STATUS_HEIGHT:
		break;
	}
	return status_height(q, x, err);
}

/* --- outputs --- */

enum spends_step {
	SPENDS_LOOK = 0, /* are they unspent, and does the mempool spend them? */
	SPENDS_HASH,     /* which block is next? */
	SPENDS_BLOCK     /* does it spend one? */
};

void spends_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	switch ((enum spends_step)q->run.step) {
	case SPENDS_LOOK:
		bitcoind_ask_mempool_spends(b, q->p.at, q->p.n);
		for (size_t i = 0; i < q->p.n; i++)
			bitcoind_ask_coin(b, &q->p.at[i], true);
		break;
	case SPENDS_HASH:
		bitcoind_ask_block_hash(b, q->run.ref.height);
		break;
	case SPENDS_BLOCK:
		bitcoind_ask_block(b, &q->run.ref.hash);
		break;
	}
}

static bool any_unseen(const struct chain_ask *q)
{
	for (size_t i = 0; i < q->p.n; i++)
		if (q->answer.spends[i].state == CHAIN_SPENT_UNSEEN)
			return true;
	return false;
}

static enum step spends_look(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_spend *s = ARENA_ARRAY(&q->found, q->p.n, struct chain_spend);
	struct bitcoind_coin c;
	bool found;

	if (bitcoind_reply_mempool_spends(&x->a[0], q->p.at, q->p.n, s, err) != 0)
		return STEP_FAILED;
	for (size_t i = 0; i < q->p.n; i++) {
		if (bitcoind_reply_coin(&q->scratch, &x->a[1 + i], &found, &c, err) != 0)
			return STEP_FAILED;
		if (s[i].state == CHAIN_UNSPENT && !found)
			s[i].state = CHAIN_SPENT_UNSEEN;
	}
	q->answer.spends = s;
	if (q->p.from == UINT32_MAX || !any_unseen(q))
		return STEP_DONE;
	q->run.ref.height = q->p.from;
	return step_next(q, SPENDS_HASH);
}

static enum step spends_hash(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	bool found;

	if (bitcoind_reply_block_hash(x->a, &found, &q->run.ref.hash, err) != 0)
		return STEP_FAILED;
	return found ? step_next(q, SPENDS_BLOCK) : STEP_DONE;
}

static void find_spends(struct chain_ask *q, const struct block *b)
{
	for (size_t t = 0; t < b->n_txs; t++) {
		struct outpoint spent;
		struct block_tx tx;

		block_tx(b, t, &tx);
		while (block_tx_next_in(&tx, &spent))
			for (size_t i = 0; i < q->p.n; i++)
				if (q->answer.spends[i].state == CHAIN_SPENT_UNSEEN &&
				    outpoint_equal(&spent, &q->p.at[i]))
					q->answer.spends[i] = (struct chain_spend){ CHAIN_SPENT_MINED, tx.txid,
										    q->run.ref };
	}
}

static enum step spends_block(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct block b;
	bool found;

	if (bitcoind_read_block(&q->scratch, x->rep, &q->run.ref.hash, &found, &b, err) != 0)
		return STEP_FAILED;
	/* Each block must stand on the one before it: else a reorganisation came in between. */
	if (!found || (q->run.ref.height > q->p.from && !block_hash_equal(&b.prev, &q->run.prev)))
		return step_again(q, SPENDS_LOOK, err);
	find_spends(q, &b);
	if (!any_unseen(q) || q->run.ref.height == UINT32_MAX)
		return STEP_DONE;
	q->run.prev = b.hash;
	q->run.ref.height++;
	return step_next(q, SPENDS_HASH);
}

bool spends_wants_block(const struct chain_ask *q)
{
	return q->run.step == SPENDS_BLOCK;
}

enum step spends_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	switch ((enum spends_step)q->run.step) {
	case SPENDS_LOOK:
		return spends_look(q, x, err);
	case SPENDS_HASH:
		return spends_hash(q, x, err);
	case SPENDS_BLOCK:
		break;
	}
	return spends_block(q, x, err);
}

void coin_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_coin(b, &q->p.at[0], false);
}

enum step coin_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_coin coin = { .at = q->p.at[0] };
	struct bitcoind_coin c;

	if (bitcoind_reply_coin(&q->found, x->a, &q->answer.found, &c, err) != 0)
		return STEP_FAILED;
	if (!q->answer.found)
		return STEP_DONE;
	if (!coin_height(q, &c, &coin.height))
		return step_again(q, 0, err);
	coin.value = c.value;
	coin.script = c.script;
	coin.coinbase = c.coinbase;
	q->answer.coin = coin;
	return STEP_DONE;
}
