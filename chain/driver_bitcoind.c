/* The steps of each question, where bitcoind answers it (spec/exit.md 6.2).  A step is a batch of calls.
 *
 * What a node might be wrong about because it has not caught up is asked together with how far it is, and after that: from
 * "all is there" there is no way back, so an absence that follows it counts.  The same two calls tell the tip that heights
 * are counted from. */
#include <string.h>

#include "chain/driver_bitcoind.h"

/* The calls that go before those of the step. */
#define PREFIX 2

struct row {
	bool prefixed; /* how far is the node? */
	void (*calls)(const struct chain_ask *q, struct jsonrpc_batch *b);
	enum step (*read)(struct chain_ask *q, const struct exchange *x, struct err *err);
};

/* --- verify --- */

static void verify_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_chain_info(b);
	bitcoind_ask_mempool_info(b);
	bitcoind_ask_network_info(b);
	bitcoind_ask_index_info(b);
	bitcoind_ask_block_hash(b, 0);
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
	q->run.unready = q->run.unready || !q->at->facts.ready;
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

static void tip_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	if (q->run.step == 0)
		return; /* what goes before it is enough */
	bitcoind_ask_header(b, &q->run.ref.hash);
}

static enum step tip_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	if (q->run.step == 0) {
		q->run.ref = q->at->facts.tip;
		return step_next(q, 1);
	}
	if (bitcoind_reply_header(x->a, &q->run.ref.hash, &q->answer.found, &q->answer.header, err) != 0)
		return STEP_FAILED;
	if (!q->answer.found || q->answer.header.ref.height != q->run.ref.height) {
		ERR(err, ERR_PEER_INVALID, "the node does not know its own tip");
		return STEP_FAILED;
	}
	return STEP_DONE;
}

static void ref_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_block_hash(b, q->p.height);
}

static enum step ref_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	q->answer.ref.height = q->p.height;
	return step_done_if(bitcoind_reply_block_hash(x->a, &q->answer.found, &q->answer.ref.hash, err));
}

static void header_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_header(b, &q->p.hash);
}

static enum step header_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(bitcoind_reply_header(x->a, &q->p.hash, &q->answer.found, &q->answer.header, err));
}

static void block_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_block(b, &q->p.hash);
}

int bitcoind_read_block(struct arena *a, const struct net_reply *rep, const struct block_hash *asked, bool *found,
			struct block *ret, struct err *err)
{
	struct bytes raw;

	if (bitcoind_block_bytes(a, rep, found, &raw, err) != 0)
		return -1;
	return *found ? block_read(a, raw, asked, ret, err) : 0;
}

static enum step block_reply(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(
		bitcoind_read_block(&q->found, x->rep, &q->p.hash, &q->answer.found, &q->answer.block, err));
}

static void new_block_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_new_block(b, q->p.ms);
}

static enum step new_block_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(bitcoind_reply_new_block(x->a, &q->answer.ref, err));
}

static void filter_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_filter(b, &q->p.hash);
}

static enum step filter_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(bitcoind_reply_filter(&q->found, x->a, &q->answer.found, &q->answer.filter, err));
}

/* --- transactions and outputs --- */

static void tx_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_raw_tx(b, &q->p.txid, q->p.has_hash ? &q->p.hash : NULL);
}

static enum step tx_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(bitcoind_reply_raw_tx(&q->found, x->a, &q->p.txid, &q->answer.found, &q->answer.tx, err));
}

static void entry_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_mempool_entry(b, &q->p.txid);
}

static enum step entry_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(bitcoind_reply_mempool_entry(&q->found, x->a, &q->answer.found, &q->answer.entry, err));
}

static void mempool_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_mempool_txids(b);
}

static enum step mempool_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	struct chain_txids *m = &q->answer.mempool;

	return step_done_if(bitcoind_reply_mempool_txids(&q->found, x->a, &m->txids, &m->n, err));
}

/* --- sending --- */

static void broadcast_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_send(b, q->p.raw[0]);
}

static enum step broadcast_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	(void)err;
	q->answer.broadcast.class = broadcast_class_of_answer(x->a, &q->p.txids[0]);
	q->answer.broadcast.words = x->a->result == NULL ? x->a->error.message : "";
	return STEP_DONE;
}

static void package_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_package(b, q->p.raw, q->p.n);
}

static enum step package_reply(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(package_of_answer(&q->found, x->a, q->p.txids, q->p.n, &q->answer.package, err));
}

static void test_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_test(b, q->p.raw, q->p.n);
}

static enum step test_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	q->answer.tests = ARENA_ARRAY(&q->found, q->p.n, struct bitcoind_test);
	return step_done_if(bitcoind_reply_test(x->a, q->p.txids, q->p.n, q->answer.tests, err));
}

/* --- fees and limits --- */

static void fees_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_mempool_info(b);
	for (int t = 0; t < FEE_TIERS; t++)
		bitcoind_ask_fee(b, fee_targets[t]);
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

static void limits_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	(void)q;
	bitcoind_ask_network_info(b);
	bitcoind_ask_mempool_info(b);
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

static void scan_coins_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_scan_coins(b, q->p.descriptors, q->p.n);
}

static enum step scan_coins_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(bitcoind_reply_scan_coins(&q->found, x->a, &q->answer.scan, err));
}

static void scan_blocks_calls(const struct chain_ask *q, struct jsonrpc_batch *b)
{
	bitcoind_ask_scan_blocks(b, q->p.descriptors, q->p.n, q->p.from, q->p.to);
}

static enum step scan_blocks_read(struct chain_ask *q, const struct exchange *x, struct err *err)
{
	return step_done_if(bitcoind_reply_scan_blocks(&q->found, x->a, &q->answer.blocks, err));
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
	return q->kind == ASK_BLOCK || (q->kind == ASK_SPENDS && spends_wants_block(q));
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
	r->calls(q, b);
	return 0;
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
