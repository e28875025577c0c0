/* Block by block: what follows the tip is connected, what is no longer in the node's chain goes, and blocks that are there
 * already are searched again for what was added since. */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "chain/follower_internal.h"
#include "chain/gap.h"
#include "store/watch_store.h"

/* --- looking through a block --- */

/* The answer's memory is gone when it has been read, and a block is looked through in slices. */
static void block_copy(struct arena *a, const struct block *from, struct block *to)
{
	*to = *from;
	to->raw = arena_bytes(a, from->raw);
	to->starts = ARENA_ARRAY(a, from->n_txs + 1, size_t);
	memcpy(to->starts, from->starts, (from->n_txs + 1) * sizeof(*to->starts));
	to->txids = ARENA_ARRAY(a, from->n_txs, struct txid);
	memcpy(to->txids, from->txids, from->n_txs * sizeof(*to->txids));
}

int scan_begin(struct follower *f, const struct block *b, uint32_t height, enum scan_mode mode, enum follow_state then,
	       struct err *err)
{
	struct scan *s = &f->scan;
	bool more;

	if (interest_update(f->interest, f->opt.store, &more, err) != 0)
		return -1;
	arena_done(&s->arena);
	*s = (struct scan){ .height = height, .mode = mode, .then = then };
	s->arena = ARENA_LIMIT(b->raw.n + BLOCK_ARENA_FOR(b->raw.n) + (b->n_txs + 1) * sizeof(size_t) * 2 + 4096);
	block_copy(&s->arena, b, &s->block);
	s->found = ARENA_ARRAY(&s->arena, b->n_txs, size_t);
	return FOLLOW_SCAN;
}

/* --- what was found is written --- */

static int tell_found(struct unit *u, const struct scan *s, size_t i, int64_t now_ms, struct err *err)
{
	struct block_ref ref = { s->height, s->block.hash };
	struct block_tx tx;
	struct told_tx told;

	block_tx(&s->block, i, &tx);
	SCOPED(arena) struct arena a = ARENA_LIMIT(TX_ARENA_FOR(tx.raw.n) * 2);
	if (told_read(&a, tx.raw, &told, err) != 0)
		return err_context(err, "block %u", s->height);
	return follow_told(u, &told, &ref, (uint32_t)i, now_ms, err);
}

static int connect_rows(struct follower *f, struct unit *u, int64_t now_ms, struct err *err)
{
	struct block_row row = {
		.ref = { f->scan.height, f->scan.block.hash },
		.prev = f->scan.block.prev,
		.time_s = f->scan.block.time_s,
	};

	for (size_t i = 0; i < f->n_run; i++)
		if (chain_store_connect(u, &f->run[i], now_ms, err) != 0)
			return -1;
	return chain_store_connect(u, &row, now_ms, err);
}

/* The first block is connected: what others watch may be in those below it, which nobody has looked through for that. */
static int search_for_watchers(struct unit *u, int64_t now_ms, struct err *err)
{
	uint32_t from;
	int rc = watch_store_lowest(unit_view(u), &from, err);

	return rc == 1 ? sync_store_scan_from(u, SYNC_BITCOIND, from, now_ms, err) : rc;
}

/* The search after this block, in which scripts were found used that made us derive more: those may be in it too. */
static int search_on(struct follower *f, struct unit *u, bool grew, int64_t now_ms, struct err *err)
{
	const struct scan *s = &f->scan;
	struct sync_row row;
	int rc = sync_store_get(unit_view(u), SYNC_BITCOIND, &row, err); /* as it is now: it may have been widened */

	if (rc < 0)
		return -1;
	switch (s->mode) {
	case SCAN_FOUND:
		return 0;
	case SCAN_AGAIN:
		if (rc == 0 || !row.scans || row.scan_next != s->height || grew)
			return 0; /* once more */
		row.scans = row.scan_next < row.scan_to;
		row.scan_next++;
		return sync_store_put(u, &row, now_ms, err);
	case SCAN_CONNECT:
		if (rc == 0)
			row = (struct sync_row){ .backend = SYNC_BITCOIND, .history_from = f->start.history_from };
		row.begun = true;
		row.done = (struct block_ref){ s->height, s->block.hash };
		if (sync_store_put(u, &row, now_ms, err) != 0 || (rc == 0 && search_for_watchers(u, now_ms, err) != 0))
			return -1;
		return grew ? sync_store_scan_from(u, SYNC_BITCOIND, s->height, now_ms, err) : 0;
	}
	return 0;
}

static int write_block(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	const struct scan *s = &f->scan;
	int64_t now_ms = clock_now_ms();
	unsigned added;

	if (s->mode == SCAN_CONNECT && connect_rows(f, u, now_ms, err) != 0)
		return -1;
	for (size_t i = 0; i < s->n_found; i++)
		if (tell_found(u, s, s->found[i], now_ms, err) != 0)
			return -1;
	if (gap_fill(u, &added, err) != 0)
		return -1;
	f->start.grew = f->start.grew || added > 0;
	if (search_on(f, u, added > 0, now_ms, err) != 0)
		return -1;
	(void)FAILPOINT("chain.block");
	f->n_run = 0;
	return 0;
}

/* Nothing was found, and it is far below the tip: it is written with others. */
static bool may_wait(const struct follower *f)
{
	const struct scan *s = &f->scan;

	return s->mode == SCAN_CONNECT && s->n_found == 0 && f->n_run < FOLLOW_RUN && f->has_sync && !f->sync.scans &&
	       s->height + FOLLOW_DEEP < f->node_tip.ref.height;
}

static int scan_done(struct follower *f, struct err *err)
{
	const struct scan *s = &f->scan;

	if (!may_wait(f))
		return follow_write(f, write_block, s->then, err);
	f->tip = (struct block_row){ { s->height, s->block.hash }, s->block.prev, s->block.time_s };
	f->run[f->n_run++] = f->tip;
	return (int)s->then;
}

int scan_work(struct follower *f, struct err *err)
{
	int64_t until = clock_mono_us() + FOLLOW_SLICE_US;
	struct scan *s = &f->scan;
	struct block_tx tx;

	while (s->at < s->block.n_txs) {
		block_tx(&s->block, s->at, &tx);
		if (interest_look(f->interest, &tx))
			s->found[s->n_found++] = s->at;
		s->at++;
		if (s->at % 16 == 0 && clock_mono_us() > until)
			return FOLLOW_SCAN;
	}
	return scan_done(f, err);
}

/* --- the next block --- */

static uint32_t next_height(const struct follower *f)
{
	return f->has_tip || f->n_run > 0 ? f->tip.ref.height + 1 : f->start.root;
}

struct chain_ask *ref_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_ref(f->opt.source, next_height(f), then);
}

int ref_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	(void)err;
	if (!got->found)
		return f->has_tip ? FOLLOW_HERE : FOLLOW_END;
	f->next = got->ref.hash;
	return f->opt.kind == CHAIN_ESPLORA ? FOLLOW_HEADER : FOLLOW_BLOCK;
}

struct chain_ask *block_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_block(f->opt.source, &f->next, then);
}

int block_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	if (!got->found)
		return ERR(err, ERR_PEER_BUSY, "the node does not have block %u, which may be pruned", next_height(f));
	if ((f->has_tip || f->n_run > 0) && !block_hash_equal(&got->block.prev, &f->tip.ref.hash))
		return FOLLOW_BACK;
	return scan_begin(f, &got->block, next_height(f), SCAN_CONNECT, FOLLOW_DECIDE, err);
}

/* --- back to where the chains part --- */

struct chain_ask *here_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_ref(f->opt.source, f->tip.ref.height, then);
}

/* A node that is behind, of several that are listed, looks like one that went back: it is believed the second time. */
static int shorter(struct follower *f, struct err *err)
{
	struct block_row row;
	int rc = chain_store_block(store_view(f->opt.store), f->node_tip.ref.height, &row, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && block_hash_equal(&row.ref.hash, &f->node_tip.ref.hash) && f->lower++ == 0)
		return FOLLOW_END;
	return FOLLOW_BACK;
}

int here_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	if (!got->found)
		return shorter(f, err);
	if (!block_hash_equal(&got->ref.hash, &f->tip.ref.hash))
		return FOLLOW_BACK;
	/* It has gone back to where we are since it told its tip: this round ends, and the next one sees more. */
	return FOLLOW_END;
}

static int write_back(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	int64_t now_ms = clock_now_ms();
	struct sync_row row = f->sync;
	struct block_row below;
	int rc;

	if (chain_store_disconnect(u, &f->tip.ref, now_ms, err) != 0)
		return -1;
	(void)FAILPOINT("chain.reorg");
	rc = chain_store_tip(unit_view(u), &below, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		f->arrived = false;
		return chain_store_reset(u, f->tip.ref.height, now_ms, err);
	}
	if (!f->has_sync || !block_ref_equal(&row.done, &f->tip.ref))
		return 0;
	row.done = below.ref;
	if (row.scans && row.scan_to > row.done.height)
		row.scan_to = row.done.height;
	row.scans = row.scans && row.scan_next <= row.scan_to;
	return sync_store_put(u, &row, now_ms, err);
}

int back_work(struct follower *f, struct err *err)
{
	char text[BLOCK_REF_TEXT];

	if (f->n_run > 0) {
		f->n_run = 0; /* what is not written needs no undoing */
		return FOLLOW_DECIDE;
	}
	block_ref_text(&f->tip.ref, text);
	log_info(&f->log, "chain.block_disconnected", F_STR("block", text));
	return follow_write(f, write_back, FOLLOW_DECIDE, err);
}

/* --- blocks that are to be searched again --- */

struct chain_ask *again_ref_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_ref(f->opt.source, f->sync.scan_next, then);
}

int again_ref_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct block_row row;
	int rc;

	if (!got->found)
		return FOLLOW_END;
	rc = chain_store_block(store_view(f->opt.store), f->sync.scan_next, &row, err);
	if (rc < 0)
		return -1;
	if (rc == 1 && !block_hash_equal(&row.ref.hash, &got->ref.hash))
		return FOLLOW_TIP; /* the chain has changed under us: first things first */
	f->next = got->ref.hash;
	return FOLLOW_AGAIN_BLOCK;
}

struct chain_ask *again_block_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_block(f->opt.source, &f->next, then);
}

int again_block_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	if (!got->found)
		return ERR(err, ERR_PEER_BUSY, "the node does not have block %u, which may be pruned",
			   f->sync.scan_next);
	return scan_begin(f, &got->block, f->sync.scan_next, SCAN_AGAIN, FOLLOW_DECIDE, err);
}
