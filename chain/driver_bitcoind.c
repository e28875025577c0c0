/* The steps of each question, where bitcoind answers it (spec/exit.md 6.2).  A step is a batch of calls.
 *
 * What a node might be wrong about because it has not caught up is asked together with how far it is, and after that: from
 * "all is there" there is no way back, so an absence that follows it counts.  The same two calls tell the tip that heights
 * are counted from. */
#include <string.h>

#include "chain/source_internal.h"

#define RESTARTS_MAX   10
#define STATUS_OUT_MAX 90 /* outputs that are tried; with others in one batch */

/* The calls that go before those of the step. */
#define PREFIX 2

struct exchange {
	const struct jsonrpc_answer *a; /* of the step's own calls */
	const struct net_reply *rep;
};

struct row {
	bool prefixed; /* how far is the node? */
	int (*calls)(struct chain_ask *q, struct jsonrpc_batch *b);
	enum step (*read)(struct chain_ask *q, const struct exchange *x, struct err *err);
};

static enum step done_if(int rc)
{
	return rc == 0 ? STEP_DONE : STEP_FAILED;
}

static enum step next(struct chain_ask *q, int step)
{
	q->run.step = step;
	return STEP_NEXT;
}

/* The chain moved while it was being looked at: once more, but not for ever. */
static enum step again(struct chain_ask *q, int step, struct err *err)
{
	if (++q->run.restarts <= RESTARTS_MAX)
		return next(q, step);
	ERR(err, ERR_BUSY, "the chain moves faster than it can be asked about");
	return STEP_FAILED;
}

/* --- verify --- */

static int verify_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_chain_info(b);
	bitcoind_ask_mempool_info(b);
	bitcoind_ask_network_info(b);
	bitcoind_ask_index_info(b);
	bitcoind_ask_block_hash(b, 0);
	return 0;
}

static int check_network(const struct chain_ask *q, const struct bitcoind_chain *chain, struct err *err)
{
	enum network ours = q->s->opt.network;

	if (chain->known && chain->network == ours)
		return 0;
	return ERR(err, ERR_NETWORK, "the node is of \"%s\", not of %s", chain->chain, network_names[ours]);
}

static int check_genesis(const struct chain_ask *q, const struct jsonrpc_answer *a, struct err *err)
{
	struct block_hash told, ours;
	bool found;

	chain_genesis(q->s->opt.network, &ours);
	if (bitcoind_reply_block_hash(a, &found, &told, err) != 0)
		return -1;
	if (!found || !block_hash_equal(&told, &ours))
		return ERR(err, ERR_NETWORK, "the node's chain does not begin as that of %s does",
			   network_names[q->s->opt.network]);
	return 0;
}

static void facts_take(struct facts *f, const struct bitcoind_chain *chain, const struct bitcoind_mempool *mempool)
{
	f->ready = !chain->initial_download && mempool->loaded;
	f->tip = chain->tip;
	f->pruned = chain->pruned;
	f->prune_height = chain->prune_height;
	f->limits.mempool_loaded = mempool->loaded;
}

static int progress_read(struct chain_ask *q, const struct jsonrpc_answer *a, struct bitcoind_chain *chain,
			 struct bitcoind_mempool *mempool, struct err *err)
{
	if (bitcoind_reply_chain_info(&a[0], chain, err) != 0 || check_network(q, chain, err) != 0 ||
	    bitcoind_reply_mempool_info(&a[1], mempool, err) != 0)
		return -1;
	facts_take(&q->at->facts, chain, mempool);
	return 0;
}

static enum step verify_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct facts *f = &q->at->facts;
	struct bitcoind_indexes indexes = { .tx = false };
	struct bitcoind_mempool mempool;
	struct bitcoind_network net;
	struct bitcoind_chain chain;

	if (progress_read(q, x->a, &chain, &mempool, err) != 0 ||
	    bitcoind_reply_network_info(&x->a[2], &net, err) != 0 || check_genesis(q, &x->a[4], err) != 0)
		return STEP_FAILED;
	/* Before 0.21 nobody could be asked. */
	if (bitcoind_reply_index_info(&x->a[3], &indexes, err) != 0 && err->code != ERR_UNSUPPORTED)
		return STEP_FAILED;
	f->indexes = indexes;
	capability_limits(&net, &mempool, &f->limits);
	capability_warnings(&net, &mempool, &chain, f->warnings);
	(void)snprintf(f->software, sizeof(f->software), "%s", net.subversion);
	return STEP_DONE;
}

/* --- blocks --- */

static int tip_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	if (q->run.step == 0)
		return 0; /* what goes before it is enough */
	bitcoind_ask_header(b, &q->run.ref.hash);
	return 0;
}

static enum step tip_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	if (q->run.step == 0) {
		q->run.ref = q->at->facts.tip;
		return next(q, 1);
	}
	if (bitcoind_reply_header(x->a, &q->run.ref.hash, &q->answer.found, &q->answer.header, err) != 0)
		return STEP_FAILED;
	if (!q->answer.found || q->answer.header.ref.height != q->run.ref.height) {
		ERR(err, ERR_PEER_INVALID, "the node does not know its own tip");
		return STEP_FAILED;
	}
	return STEP_DONE;
}

static int ref_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_block_hash(b, q->p.height);
	return 0;
}

static enum step ref_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	q->answer.ref.height = q->p.height;
	return done_if(bitcoind_reply_block_hash(x->a, &q->answer.found, &q->answer.ref.hash, err));
}

static int header_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_header(b, &q->p.hash);
	return 0;
}

static enum step header_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(bitcoind_reply_header(x->a, &q->p.hash, &q->answer.found, &q->answer.header, err));
}

static int block_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_block(b, &q->p.hash);
	return 0;
}

static int read_block(struct arena *a, const struct net_reply *rep, const struct block_hash *asked, bool *found,
		      struct block *ret, struct err *err)
{
	struct bytes raw;

	if (bitcoind_block_bytes(a, rep, found, &raw, err) != 0)
		return -1;
	return *found ? block_read(a, raw, asked, ret, err) : 0;
}

static enum step block_reply(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(read_block(&q->found, x->rep, &q->p.hash, &q->answer.found, &q->answer.block, err));
}

static int new_block_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_new_block(b, q->p.ms);
	return 0;
}

static enum step new_block_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(bitcoind_reply_new_block(x->a, &q->answer.ref, err));
}

static int filter_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_filter(b, &q->p.hash);
	return 0;
}

static enum step filter_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(bitcoind_reply_filter(&q->found, x->a, &q->answer.found, &q->answer.filter, err));
}

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

static int status_calls(struct chain_ask *q, struct jsonrpc_batch *b)
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
	return 0;
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
		return in_block ? next(q, STATUS_HEADER) : status_is(q, CHAIN_MEMPOOL);
	if (q->at->facts.indexes.tx || q->p.n_out == 0)
		return status_is(q, CHAIN_NOT_FOUND);
	return next(q, STATUS_OUTPUTS);
}

static enum step status_header(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_header h;
	bool found;

	if (bitcoind_reply_header(x->a, &q->run.ref.hash, &found, &h, err) != 0)
		return STEP_FAILED;
	if (!found || !h.in_best_chain) /* */
		return next(q, STATUS_MEMPOOL);
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
			return again(q, STATUS_OUTPUTS, err);
		if (found)
			return next(q, STATUS_HEIGHT);
	}
	return status_is(q, CHAIN_NOT_FOUND);
}

static enum step status_height(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	bool found;

	if (bitcoind_reply_block_hash(x->a, &found, &q->run.ref.hash, err) != 0)
		return STEP_FAILED;
	return found ? status_is(q, CHAIN_CONFIRMED) : again(q, STATUS_OUTPUTS, err);
}

static enum step status_read(struct chain_ask *q, const struct exchange *x, struct err *err)
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

/* --- transactions and outputs --- */

static int tx_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_raw_tx(b, &q->p.txid, q->p.has_hash ? &q->p.hash : NULL);
	return 0;
}

static enum step tx_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(bitcoind_reply_raw_tx(&q->found, x->a, &q->p.txid, &q->answer.found, &q->answer.tx, err));
}

enum spends_step {
	SPENDS_LOOK = 0, /* are they unspent, and does the mempool spend them? */
	SPENDS_HASH,     /* which block is next? */
	SPENDS_BLOCK     /* does it spend one? */
};

static int spends_calls(struct chain_ask *q, struct jsonrpc_batch *b)
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
	return 0;
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
	return next(q, SPENDS_HASH);
}

static enum step spends_hash(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	bool found;

	if (bitcoind_reply_block_hash(x->a, &found, &q->run.ref.hash, err) != 0)
		return STEP_FAILED;
	return found ? next(q, SPENDS_BLOCK) : STEP_DONE;
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

	if (read_block(&q->scratch, x->rep, &q->run.ref.hash, &found, &b, err) != 0)
		return STEP_FAILED;
	/* Each block must stand on the one before it: else a reorganisation came in between. */
	if (!found || (q->run.ref.height > q->p.from && !block_hash_equal(&b.prev, &q->run.prev)))
		return again(q, SPENDS_LOOK, err);
	find_spends(q, &b);
	if (!any_unseen(q) || q->run.ref.height == UINT32_MAX)
		return STEP_DONE;
	q->run.prev = b.hash;
	q->run.ref.height++;
	return next(q, SPENDS_HASH);
}

static enum step spends_read(struct chain_ask *q, const struct exchange *x, struct err *err)
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

static int coin_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_coin(b, &q->p.at[0], false);
	return 0;
}

static enum step coin_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_coin coin = { .at = q->p.at[0] };
	struct bitcoind_coin c;

	if (bitcoind_reply_coin(&q->found, x->a, &q->answer.found, &c, err) != 0)
		return STEP_FAILED;
	if (!q->answer.found)
		return STEP_DONE;
	if (!coin_height(q, &c, &coin.height))
		return again(q, 0, err);
	coin.value = c.value;
	coin.script = c.script;
	coin.coinbase = c.coinbase;
	q->answer.coin = coin;
	return STEP_DONE;
}

static int entry_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_mempool_entry(b, &q->p.txid);
	return 0;
}

static enum step entry_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(bitcoind_reply_mempool_entry(&q->found, x->a, &q->answer.found, &q->answer.entry, err));
}

static int mempool_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_mempool_txids(b);
	return 0;
}

static enum step mempool_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_txids *m = &q->answer.mempool;

	return done_if(bitcoind_reply_mempool_txids(&q->found, x->a, &m->txids, &m->n, err));
}

/* --- sending --- */

static int broadcast_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_send(b, q->p.raw[0]);
	return 0;
}

static enum step broadcast_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	(void)err;
	q->answer.broadcast.class = broadcast_class_of_answer(x->a, &q->p.txids[0]);
	q->answer.broadcast.words = x->a->result == NULL ? x->a->error.message : "";
	return STEP_DONE;
}

static int package_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_package(b, q->p.raw, q->p.n);
	return 0;
}

static enum step package_reply(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(package_of_answer(&q->found, x->a, q->p.txids, q->p.n, &q->answer.package, err));
}

static int test_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_test(b, q->p.raw, q->p.n);
	return 0;
}

static enum step test_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	q->answer.tests = ARENA_ARRAY(&q->found, q->p.n, struct bitcoind_test);
	return done_if(bitcoind_reply_test(x->a, q->p.txids, q->p.n, q->answer.tests, err));
}

/* --- fees and limits --- */

static int fees_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_mempool_info(b);
	for (int t = 0; t < FEE_TIERS; t++)
		bitcoind_ask_fee(b, fee_targets[t]);
	return 0;
}

static enum step fees_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct fee_estimates *e = &q->run.fees;
	struct bitcoind_mempool m;

	if (bitcoind_reply_mempool_info(&x->a[0], &m, err) != 0)
		return STEP_FAILED;
	q->run.has_floor = true;
	q->run.floor = feerate_max(m.min, m.min_relay);
	for (int t = 0; t < FEE_TIERS; t++)
		if (bitcoind_reply_fee(&x->a[1 + t], &e->has[t], &e->rate[t], err) != 0)
			return STEP_FAILED;
	return STEP_DONE;
}

static int limits_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_network_info(b);
	bitcoind_ask_mempool_info(b);
	return 0;
}

static enum step limits_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct bitcoind_mempool m;
	struct bitcoind_network n;

	if (bitcoind_reply_network_info(&x->a[0], &n, err) != 0 || bitcoind_reply_mempool_info(&x->a[1], &m, err) != 0)
		return STEP_FAILED;
	capability_limits(&n, &m, &q->answer.limits);
	q->at->facts.limits = q->answer.limits;
	return STEP_DONE;
}

/* --- scans --- */

static int scan_coins_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_scan_coins(b, q->p.descriptors, q->p.n);
	return 0;
}

static enum step scan_coins_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(bitcoind_reply_scan_coins(&q->found, x->a, &q->answer.scan, err));
}

static int scan_blocks_calls(struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_scan_blocks(b, q->p.descriptors, q->p.n, q->p.from, q->p.to);
	return 0;
}

static enum step scan_blocks_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return done_if(bitcoind_reply_scan_blocks(&q->found, x->a, &q->answer.blocks, err));
}

/* --- the table --- */

static const struct row rows[ASK_KINDS] = {
	[ASK_VERIFY] = { false, verify_calls, verify_read },
	[ASK_TIP] = { true, tip_calls, tip_read },
	[ASK_REF] = { false, ref_calls, ref_read },
	[ASK_HEADER] = { false, header_calls, header_read },
	[ASK_BLOCK] = { false, block_calls, block_reply },
	[ASK_NEW_BLOCK] = { false, new_block_calls, new_block_read },
	[ASK_FILTER] = { false, filter_calls, filter_read },
	[ASK_STATUS] = { true, status_calls, status_read },
	[ASK_TX] = { true, tx_calls, tx_read },
	[ASK_SPENDS] = { true, spends_calls, spends_read },
	[ASK_COIN] = { true, coin_calls, coin_read },
	[ASK_ENTRY] = { true, entry_calls, entry_read },
	[ASK_MEMPOOL] = { true, mempool_calls, mempool_read },
	[ASK_BROADCAST] = { true, broadcast_calls, broadcast_read },
	[ASK_PACKAGE] = { true, package_calls, package_reply },
	[ASK_TEST] = { false, test_calls, test_read },
	[ASK_FEES] = { false, fees_calls, fees_read },
	[ASK_LIMITS] = { false, limits_calls, limits_read },
	[ASK_SCAN_COINS] = { false, scan_coins_calls, scan_coins_read },
	[ASK_SCAN_BLOCKS] = { false, scan_blocks_calls, scan_blocks_read },
};

/* A block's reply is not made JSON of, and its request goes alone. */
static bool is_block(const struct chain_ask *q)
{
	return q->kind == ASK_BLOCK || (q->kind == ASK_SPENDS && q->run.step == SPENDS_BLOCK);
}

static int batch_build(struct chain_ask *q, struct jsonrpc_batch *b, struct err *err)
{
	const struct row *r = &rows[q->kind];

	if (r->calls == NULL)
		return ERR(err, ERR_UNSUPPORTED, "bitcoind keeps no history of scripts");
	*b = jsonrpc_batch_in(&q->scratch);
	if (r->prefixed && !is_block(q)) {
		bitcoind_ask_chain_info(b);
		bitcoind_ask_mempool_info(b);
	}
	return r->calls(q, b);
}

static int request(struct chain_ask *q, struct net_request *ret, struct err *err)
{
	const char *authorization = NULL;
	struct jsonrpc_batch b;

	if (batch_build(q, &b, err) != 0 || login_value(q->at->login, &authorization, err) != 0 ||
	    bitcoind_request(&b, q->at->url, authorization, ret, err) != 0)
		return -1;
	q->run.n_calls = b.n;
	return 0;
}

static enum step reply(struct chain_ask *q, const struct net_reply *rep, struct err *err)
{
	const struct row *r = &rows[q->kind];
	struct exchange x = { .rep = rep };
	struct jsonrpc_reply got;
	struct bitcoind_mempool mempool;
	struct bitcoind_chain chain;

	if (is_block(q))
		return r->read(q, &x, err);
	if (bitcoind_judge(&q->scratch, rep, q->run.n_calls, &got, err) != 0)
		return STEP_FAILED;
	x.a = got.answers;
	if (r->prefixed) {
		if (progress_read(q, got.answers, &chain, &mempool, err) != 0)
			return STEP_FAILED;
		x.a += PREFIX;
	}
	return r->read(q, &x, err);
}

const struct driver driver_bitcoind = { request, reply };
