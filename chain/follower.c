#include "chain/follower.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chain/follower_internal.h"
#include "store/script_store.h"
#include "store/watch_store.h"

static struct chain_ask *tip_ask(struct follower *f, struct chain_then then);
static int tip_reply(struct follower *f, const struct chain_answer *got, struct err *err);
static int decide_work(struct follower *f, struct err *err);

#define ASKS(text, name) .doing = (text), .ask = name##_ask, .reply = name##_reply
static const struct state_def states[FOLLOW_STATES] = {
	[FOLLOW_END] = { .doing = "idle" },
	[FOLLOW_TIP] = { ASKS("asking for the tip", tip) },
	[FOLLOW_DECIDE] = { .doing = "connecting blocks", .work = decide_work },
	[FOLLOW_BIRTH_REF] = { ASKS("looking for the birthday", birth_ref) },
	[FOLLOW_BIRTH_HEADER] = { ASKS("looking for the birthday", birth_header) },
	[FOLLOW_FIND] = { .doing = "finding blocks by filters", .work = find_work },
	[FOLLOW_FIND_BLOCKS] = { .takes_errors = true, ASKS("finding blocks by filters", find_blocks) },
	[FOLLOW_FOUND_HEADER] = { ASKS("finding blocks by filters", found_header) },
	[FOLLOW_FOUND_BLOCK] = { ASKS("reading the blocks found", found_block) },
	[FOLLOW_FIND_COINS] = { .takes_errors = true, ASKS("finding unspent outputs", find_coins) },
	[FOLLOW_COIN_REF] = { ASKS("reading the outputs found", coin_ref) },
	[FOLLOW_COIN_TX] = { ASKS("reading the outputs found", coin_tx) },
	[FOLLOW_COIN_NEXT] = { .doing = "reading the outputs found", .work = coin_next_work },
	[FOLLOW_REF] = { ASKS("connecting blocks", ref) },
	[FOLLOW_BLOCK] = { ASKS("connecting blocks", block) },
	[FOLLOW_SCAN] = { .doing = "searching a block", .work = scan_work },
	[FOLLOW_HERE] = { ASKS("connecting blocks", here) },
	[FOLLOW_BACK] = { .doing = "disconnecting blocks", .work = back_work },
	[FOLLOW_AGAIN_REF] = { ASKS("searching blocks again", again_ref) },
	[FOLLOW_AGAIN_BLOCK] = { ASKS("searching blocks again", again_block) },
	[FOLLOW_HEADER] = { ASKS("connecting headers", header) },
	[FOLLOW_ITEM] = { .doing = "looking at scripts", .work = item_work },
	[FOLLOW_ITEM_NEXT] = { .doing = "looking at scripts", .work = item_next_work },
	[FOLLOW_STATS] = { ASKS("looking at scripts", stats) },
	[FOLLOW_HISTORY] = { ASKS("reading histories", history) },
	[FOLLOW_LINE] = { .doing = "reading histories", .work = line_work },
	[FOLLOW_LINE_TX] = { ASKS("reading histories", line_tx) },
	[FOLLOW_SPENDS] = { ASKS("looking at watched outputs", spends) },
	[FOLLOW_SPENT] = { .doing = "looking at watched outputs", .work = spent_work },
	[FOLLOW_SPENDER] = { ASKS("looking at watched outputs", spender) },
	[FOLLOW_LAST_TIP] = { ASKS("asking for the tip", last_tip) },
	[FOLLOW_WATCHED_NEXT] = { .doing = "looking at watched outputs", .work = watched_next_work },
	[FOLLOW_WATCHED] = { ASKS("looking at watched outputs", watched) },
	[FOLLOW_POOL] = { ASKS("looking at the mempool", pool) },
	[FOLLOW_POOL_TX] = { ASKS("looking at the mempool", pool_tx) },
	[FOLLOW_POOL_KEPT] = { .doing = "looking at the mempool", .work = pool_kept_work },
	[FOLLOW_OPEN] = { .doing = "looking at unconfirmed transactions", .work = open_work },
	[FOLLOW_OPEN_STATUS] = { ASKS("looking at unconfirmed transactions", open_status) },
	[FOLLOW_OPEN_NEXT] = { .doing = "looking at unconfirmed transactions", .work = open_next_work },
	[FOLLOW_RESEND] = { .doing = "sending again", .work = resend_work },
	[FOLLOW_SEND] = { .takes_errors = true, ASKS("sending again", resend) },
};

/* --- life --- */

struct follower *follower_new(const struct follower_options *opt)
{
	struct follower *f = calloc(1, sizeof(*f));

	if (!f)
		err_fatal("out of memory");
	f->opt = *opt;
	if (f->opt.mempool_max == 0)
		f->opt.mempool_max = 100000;
	if (f->opt.grace_ms == 0)
		f->opt.grace_ms = 30000;
	f->log = log_module("chain");
	f->interest = interest_new();
	f->pool = pool_new();
	f->scripts = scripts_new();
	f->watched = watched_new();
	/* What a round holds: the tables of blocks and coins that a search found. */
	f->arena = ARENA_LIMIT(256 * 1024 * 1024);
	return f;
}

static void work_posted(void *ctx);
static void durable_posted(void *ctx);

void follower_free(struct follower *f)
{
	if (!f)
		return;
	if (f->writing)
		store_flush(f->opt.store); /* its unit still holds f */
	if (f->ask)
		chain_cancel(f->ask);
	loop_unpost(f->opt.loop, work_posted, f);
	loop_unpost(f->opt.loop, durable_posted, f);
	arena_done(&f->scan.arena);
	arena_done(&f->arena);
	watched_free(f->watched);
	scripts_free(f->scripts);
	pool_free(f->pool);
	interest_free(f->interest);
	free(f);
}

/* --- the walk --- */

static void begin(struct follower *f);

static void end(struct follower *f, const struct err *failed)
{
	f->running = false;
	f->state = FOLLOW_END;
	f->n_run = 0;
	arena_reset(&f->scan.arena);
	arena_reset(&f->arena);
	f->rounds++;
	if (failed) {
		f->failures++;
		f->synced = false;
		f->last_error = *failed;
		log_warn(&f->log, "chain.round_failed", F_ERR(failed));
	} else {
		f->last_success_ms = clock_now_ms();
		err_clear(&f->last_error);
	}
	if (f->again && !failed)
		begin(f);
}

static void answered(void *ctx, const struct chain_answer *got);

/* next: a state, or -1 for *failed. */
static void go(struct follower *f, int next, const struct err *failed)
{
	if (next == FOLLOW_WAIT)
		return;
	if (next <= FOLLOW_END) {
		end(f, next < 0 ? failed : NULL);
		return;
	}
	assert(next < FOLLOW_STATES);
	f->state = (enum follow_state)next;
	if (states[next].ask)
		f->ask = states[next].ask(f, (struct chain_then){ answered, f });
	else
		loop_post(f->opt.loop, work_posted, f); /* others have their turn */
}

static void answered(void *ctx, const struct chain_answer *got)
{
	struct follower *f = ctx;
	const struct state_def *def = &states[f->state];
	struct err err;

	f->ask = NULL;
	if (got->err.code != ERR_NONE && !def->takes_errors) {
		go(f, -1, &got->err);
		return;
	}
	err_clear(&err);
	go(f, def->reply(f, got, &err), &err);
}

static void work_posted(void *ctx)
{
	struct follower *f = ctx;
	struct err err;

	err_clear(&err);
	go(f, states[f->state].work(f, &err), &err);
}

static void durable_posted(void *ctx)
{
	struct follower *f = ctx;

	f->writing = false;
	if (f->write_error.code != ERR_NONE) {
		go(f, -1, &f->write_error);
		return;
	}
	if (f->opt.changed)
		f->opt.changed(f->opt.ctx);
	go(f, (int)f->after, NULL);
}

static void durable(void *ctx, const struct err *failed)
{
	struct follower *f = ctx;

	if (failed)
		f->write_error = *failed;
	loop_post(f->opt.loop, durable_posted, f);
}

int follow_write(struct follower *f, int (*fn)(struct unit *u, void *f, struct err *err), enum follow_state next,
		 struct err *err)
{
	f->after = next;
	err_clear(&f->write_error);
	f->writing = true;
	if (store_unit(f->opt.store, fn, f, durable, err) != 0) {
		f->writing = false;
		return -1;
	}
	return FOLLOW_WAIT;
}

static void begin(struct follower *f)
{
	f->running = true;
	f->again = false;
	f->start = (struct start){ 0 };
	go(f, FOLLOW_TIP, NULL);
}

int follower_run(void *follower, struct err *err)
{
	struct follower *f = follower;

	(void)err;
	if (f->running)
		f->again = true; /* what the kick was about may have come too late for this round */
	else
		begin(f);
	return 0;
}

void follower_status(const struct follower *f, struct follower_status *ret)
{
	*ret = (struct follower_status){
		.running = f->running,
		.doing = states[f->state].doing,
		.synced = f->synced,
		.has_tip = f->has_tip,
		.tip = f->tip.ref,
		.node_height = f->node_told ? f->node_tip.ref.height : 0,
		.history_from = f->has_sync ? f->sync.history_from : 0,
		.scan_left = f->has_sync && f->sync.scans ? f->sync.scan_to - f->sync.scan_next + 1 : 0,
		.rounds = f->rounds,
		.failures = f->failures,
		.last_success_ms = f->last_success_ms,
		.last_error = f->last_error,
	};
}

bool follower_has_arrived(const struct follower *f)
{
	return f->arrived;
}

/* --- what is shared --- */

enum sync_backend follow_backend(const struct follower *f)
{
	return f->opt.kind == CHAIN_BITCOIND ? SYNC_BITCOIND : SYNC_ESPLORA;
}

int follow_lie(struct err *err, const char *what)
{
	return ERR(err, ERR_PEER_INVALID, "the node contradicts itself: %s", what);
}

int follow_load(struct follower *f, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	struct view v = store_view(f->opt.store);
	struct onchain_account acc = { 0 };
	int account = account_store_get(v, &a, &acc, err), tip, sync;

	if (account < 0 || (tip = chain_store_tip(v, &f->tip, err)) < 0 ||
	    (sync = sync_store_get(v, follow_backend(f), &f->sync, err)) < 0)
		return -1;
	f->has_account = account == 1;
	f->birthday_s = acc.birthday_s;
	f->has_tip = tip == 1;
	f->has_sync = sync == 1;
	return 0;
}

void follow_arrived(struct follower *f)
{
	bool before = f->arrived;

	f->arrived = true;
	if (!before && f->opt.changed)
		f->opt.changed(f->opt.ctx);
}

static int tell_watchers(struct unit *u, const struct told_tx *tx, const struct block_ref *block, int64_t now_ms,
			 struct err *err)
{
	for (size_t i = 0; i < tx->n_in; i++)
		if (watch_store_spent(u, &tx->in[i], &tx->txid, (uint32_t)i, tx->raw, block, now_ms, err) < 0)
			return -1;
	for (size_t i = 0; i < tx->n_out; i++)
		if (watch_store_paid(u, tx->out[i].script, &tx->txid, (uint32_t)i, tx->raw, block, now_ms, err) < 0)
			return -1;
	return 0;
}

int follow_told(struct unit *u, const struct told_tx *tx, const struct block_ref *block, uint32_t pos, int64_t now_ms,
		struct err *err)
{
	int rc = block ? tx_store_confirm(u, tx, block, pos, now_ms, err) : tx_store_seen(u, tx, now_ms, err);

	return rc < 0 ? -1 : tell_watchers(u, tx, block, now_ms, err);
}

/* --- the tip, and where to go from there --- */

static struct chain_ask *tip_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_tip(f->opt.source, then);
}

static int tip_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	(void)err;
	f->node_tip = got->header;
	f->node_told = true;
	return FOLLOW_DECIDE;
}

/* The wallet's search is as far as the chain: then all blocks on top of it come by. */
static bool search_is_here(const struct follower *f)
{
	return f->has_sync && f->sync.begun && block_ref_equal(&f->sync.done, &f->tip.ref);
}

static int decide_work(struct follower *f, struct err *err)
{
	if (f->n_run == 0 && follow_load(f, err) != 0)
		return -1;
	if (!f->has_account)
		return FOLLOW_END; /* there is nothing to be followed for */
	if (!f->has_tip || !block_ref_equal(&f->tip.ref, &f->node_tip.ref))
		f->synced = false; /* of Esplora a block is connected before what it has is read */
	if (!f->has_tip || f->node_tip.ref.height > f->tip.ref.height + FOLLOW_DEEP)
		f->arrived = false;
	if (f->opt.kind == CHAIN_ESPLORA)
		return scripts_begin(f, err);
	if (!f->has_tip || (f->n_run == 0 && !search_is_here(f)))
		return follow_begin(f, err);
	/* Scripts that the last block made us derive may be paid in the same block. */
	if (f->n_run == 0 && f->sync.scans && f->sync.scan_next == f->tip.ref.height)
		return FOLLOW_AGAIN_REF;
	if (!block_ref_equal(&f->tip.ref, &f->node_tip.ref))
		return FOLLOW_REF;
	f->lower = 0;
	return f->sync.scans ? FOLLOW_AGAIN_REF : pool_begin(f, err);
}
