/* Where the wallet begins: the block of its birthday, and the fast ways from there to the tip.
 *
 * A node with block filters says which blocks concern the wallet's scripts; one without still knows its unspent outputs,
 * which are the balance but no history.  Both are believed up to FOLLOW_DEEP below the tip, from where blocks are read one by
 * one, so that whatever is confirmed here can be undone.  Neither knows of what others watch: blocks from where that can be
 * are searched afterwards (follow_blocks.c).  Nothing says that this was done before its end: a daemon that stops in the
 * middle does it again. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chain/follower_internal.h"
#include "chain/gap.h"
#include "rails/bitcoin/script.h"
#include "store/script_store.h"

/* Fewer blocks than this are read. */
#define FIND_WORTH 1000u
/* Blocks may be told up to two hours from their time.  By their own: the median of the last eleven is that of a block five
 * below, which after a pause is days behind. */
#define BLOCK_TIME_SLACK_S 7200

/* --- the birthday --- */

static int write_search(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	struct sync_row row = f->sync;
	unsigned added;

	if (gap_fill(u, &added, err) != 0)
		return -1;
	if (!f->has_sync || !row.begun)
		row = (struct sync_row){ .backend = SYNC_BITCOIND, .begun = true, .history_from = f->start.at };
	row.done = f->tip.ref;
	if (sync_store_put(u, &row, clock_now_ms(), err) != 0)
		return -1;
	return sync_store_scan_from(u, SYNC_BITCOIND, f->start.at, clock_now_ms(), err);
}

static int write_scripts(struct unit *u, void *ctx, struct err *err)
{
	unsigned added;

	(void)ctx;
	return gap_fill(u, &added, err);
}

/* The height is known: on from there. */
static int born(struct follower *f, struct err *err)
{
	struct start *s = &f->start;

	if (f->has_tip)
		return follow_write(f, write_search, FOLLOW_DECIDE, err);
	s->root = s->history_from = s->at;
	s->search = FOLLOW_FIND_BLOCKS;
	if (f->node_tip.ref.height < s->at + FOLLOW_DEEP + FIND_WORTH)
		return follow_write(f, write_scripts, FOLLOW_REF, err);
	return follow_write(f, write_scripts, FOLLOW_FIND, err);
}

static uint32_t deep(const struct follower *f)
{
	return f->node_tip.ref.height - FOLLOW_DEEP;
}

/* All up to there has been found: from there on block by block. */
static int found_all(struct follower *f)
{
	struct start *s = &f->start;

	s->found = false;
	if (s->grew) {
		s->grew = false; /* there may be more, of scripts that are looked for only now */
		return FOLLOW_FIND;
	}
	s->root = deep(f);
	if (s->search == FOLLOW_FIND_COINS)
		s->history_from = s->root;
	return FOLLOW_REF;
}

int follow_begin(struct follower *f, struct err *err)
{
	struct start *s = &f->start;

	if (s->found)
		return found_all(f);
	/* With headers of the other kind of backend: what it has not told this one is searched. */
	if (f->has_tip && f->has_sync && f->sync.begun) {
		s->at = f->sync.done.height < f->tip.ref.height ? f->sync.done.height : f->tip.ref.height;
		s->at = s->at > FOLLOW_DEEP ? s->at - FOLLOW_DEEP : 0;
		return follow_write(f, write_search, FOLLOW_DECIDE, err);
	}
	s->low = 0;
	s->high = f->node_tip.ref.height;
	if (f->birthday_s > 0 && s->high > 0)
		return FOLLOW_BIRTH_REF;
	s->at = 0;
	return born(f, err);
}

/* Between low, which is old enough, and high: the middle. */
struct chain_ask *birth_ref_ask(struct follower *f, struct chain_then then)
{
	f->start.at = f->start.low + (f->start.high - f->start.low + 1) / 2;
	return chain_ask_ref(f->opt.source, f->start.at, then);
}

int birth_ref_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	(void)err;
	if (!got->found)
		return FOLLOW_TIP;
	f->start.hash = got->ref.hash;
	return FOLLOW_BIRTH_HEADER;
}

struct chain_ask *birth_header_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_header(f->opt.source, &f->start.hash, then);
}

int birth_header_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct start *s = &f->start;

	if (!got->found)
		return FOLLOW_TIP;
	if (got->header.time_s + BLOCK_TIME_SLACK_S <= f->birthday_s)
		s->low = s->at;
	else
		s->high = s->at - 1;
	if (s->low < s->high)
		return FOLLOW_BIRTH_REF;
	s->at = s->low;
	return born(f, err);
}

/* --- what is looked for --- */

struct scripts_list {
	struct arena *a;
	struct bitcoind_descriptor *d;
	size_t n, max;
	int64_t last; /* id */
};

static void add_descriptor(void *ctx, const struct script_row *row)
{
	struct scripts_list *l = ctx;
	char *text = arena_alloc(l->a, 2 * row->script.n + 6);
	static const char digits[] = "0123456789abcdef";

	memcpy(text, "raw(", 4);
	for (size_t i = 0; i < row->script.n; i++) {
		text[4 + 2 * i] = digits[row->script.p[i] >> 4];
		text[5 + 2 * i] = digits[row->script.p[i] & 15];
	}
	text[4 + 2 * row->script.n] = ')';
	if (l->n < l->max)
		l->d[l->n++] = (struct bitcoind_descriptor){ .text = text };
	l->last = row->id;
}

/* Each script by itself: descriptors of extended keys look different on every network. */
#define DESCRIPTORS_MAX 10000u

int find_work(struct follower *f, struct err *err)
{
	struct start *s = &f->start;
	struct scripts_list l = { .a = &f->arena, .max = DESCRIPTORS_MAX };
	struct script_query q = { .chain = -1, .limit = 1000 };
	int got;

	l.d = ARENA_ARRAY(&f->arena, l.max, struct bitcoind_descriptor);
	do {
		q.after = l.last;
		got = script_store_list(store_view(f->opt.store), &f->arena, &q, add_descriptor, &l, err);
	} while (got > 0);
	if (got < 0)
		return -1;
	if (l.n == l.max)
		return ERR(err, ERR_RANGE, "more than %u scripts are too many to be found", DESCRIPTORS_MAX);
	s->descriptors = l.d;
	s->n_descriptors = l.n;
	return (int)s->search;
}

/* --- by filters --- */

struct chain_ask *find_blocks_ask(struct follower *f, struct chain_then then)
{
	const struct start *s = &f->start;

	return chain_ask_scan_blocks(f->opt.source, s->descriptors, s->n_descriptors, s->at, deep(f), then);
}

int find_blocks_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct start *s = &f->start;

	if (got->err.code == ERR_UNSUPPORTED) {
		s->search = FOLLOW_FIND_COINS;
		return FOLLOW_FIND_COINS;
	}
	if (got->err.code != ERR_NONE) {
		*err = got->err;
		return -1;
	}
	if (!got->blocks.completed)
		return ERR(err, ERR_PEER_BUSY, "somebody stopped the node's search for blocks");
	if (!arena_room(&f->arena, got->blocks.n * sizeof(*s->refs) + 64))
		return ERR(err, ERR_RANGE, "%zu blocks are too many to look at", got->blocks.n);
	s->n = got->blocks.n;
	s->i = 0;
	s->refs = ARENA_ARRAY(&f->arena, s->n, struct block_ref);
	for (size_t i = 0; i < s->n; i++)
		s->refs[i].hash = got->blocks.hashes[i];
	return s->n > 0 ? FOLLOW_FOUND_HEADER : found_all(f);
}

struct chain_ask *found_header_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_header(f->opt.source, &f->start.refs[f->start.i].hash, then);
}

static int by_height(const void *a, const void *b)
{
	const struct block_ref *x = a, *y = b;

	return (x->height > y->height) - (x->height < y->height);
}

int found_header_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct start *s = &f->start;

	if (!got->found || !got->header.in_best_chain)
		return FOLLOW_TIP; /* the chain has changed meanwhile */
	if (got->header.ref.height > deep(f))
		return follow_lie(err, "a block is beyond what was asked for");
	s->refs[s->i++].height = got->header.ref.height;
	if (s->i < s->n)
		return FOLLOW_FOUND_HEADER;
	/* What spends comes after what it spends. */
	qsort(s->refs, s->n, sizeof(*s->refs), by_height);
	s->i = 0;
	return FOLLOW_FOUND_BLOCK;
}

struct chain_ask *found_block_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_block(f->opt.source, &f->start.refs[f->start.i].hash, then);
}

int found_block_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct start *s = &f->start;
	uint32_t height = s->refs[s->i].height;

	if (!got->found)
		return ERR(err, ERR_PEER_BUSY, "the node does not have block %u, which may be pruned", height);
	s->i++;
	s->found = s->i == s->n;
	return scan_begin(f, &got->block, height, SCAN_FOUND, s->found ? FOLLOW_DECIDE : FOLLOW_FOUND_BLOCK, err);
}

/* --- by unspent outputs --- */

struct chain_ask *find_coins_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_scan_coins(f->opt.source, f->start.descriptors, f->start.n_descriptors, then);
}

/* Those that are deep: the others come by, block by block. */
static int next_coin(struct follower *f)
{
	struct start *s = &f->start;

	while (s->i < s->n && s->coins[s->i].height > deep(f))
		s->i++;
	s->found = s->i == s->n;
	return s->found ? FOLLOW_DECIDE : FOLLOW_COIN_REF;
}

int find_coins_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct start *s = &f->start;

	if (got->err.code == ERR_UNSUPPORTED)
		return FOLLOW_REF; /* then the long way */
	if (got->err.code != ERR_NONE) {
		*err = got->err;
		return -1;
	}
	if (!arena_room(&f->arena, got->scan.n * sizeof(*s->coins) + 64))
		return ERR(err, ERR_RANGE, "%zu outputs are too many to look at", got->scan.n);
	s->n = got->scan.n;
	s->i = 0;
	s->coins = ARENA_ARRAY(&f->arena, s->n, struct chain_coin);
	if (s->n > 0)
		memcpy(s->coins, got->scan.coins, s->n * sizeof(*s->coins));
	return next_coin(f);
}

struct chain_ask *coin_ref_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_ref(f->opt.source, f->start.coins[f->start.i].height, then);
}

int coin_ref_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	(void)err;
	if (!got->found)
		return FOLLOW_TIP;
	f->start.hash = got->ref.hash;
	return FOLLOW_COIN_TX;
}

struct chain_ask *coin_tx_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_tx(f->opt.source, &f->start.coins[f->start.i].at.txid, &f->start.hash, then);
}

static int write_coin(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	struct start *s = &f->start;
	const struct chain_coin *coin = &s->coins[s->i];
	struct block_ref ref = { coin->height, s->hash };
	unsigned added;

	/* Where it stands in its block nobody says; a coinbase is the first. */
	if (follow_told(u, &s->told, &ref, coin->coinbase ? 0 : 1, clock_now_ms(), err) != 0 ||
	    gap_fill(u, &added, err) != 0)
		return -1;
	s->grew = s->grew || added > 0;
	s->i++;
	return 0;
}

int coin_tx_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct start *s = &f->start;
	struct bytes raw;

	if (!got->found)
		return ERR(err, ERR_PEER_BUSY, "the node does not have the block of height %u, which may be pruned",
			   s->coins[s->i].height);
	raw = tx_bytes(&f->arena, &got->tx);
	if (told_read(&f->arena, raw, &s->told, err) != 0)
		return -1;
	return follow_write(f, write_coin, FOLLOW_COIN_NEXT, err);
}

int coin_next_work(struct follower *f, struct err *err)
{
	(void)err;
	return next_coin(f);
}
