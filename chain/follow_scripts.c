/* Script by script: what an indexing backend says touched each of the wallet's scripts, and what others watch.
 *
 * Headers are connected as blocks are, so that what they confirm goes with them.  A script's history is read when the count of
 * its transactions is another one than last time, or last time's counts no more because one may have taken another's place; its
 * oldest line first, because a later one may spend what an earlier one pays.  Until the first search is over every
 * derived script is asked for; from then on those that somebody knows.  A round in which the tip has changed is
 * followed by another: its answers may be of two chains. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "chain/follower_internal.h"
#include "chain/gap.h"
#include "store/script_store.h"
#include "store/watch_store.h"

#define PAGE 100u

/* A script whose history may be read. */
struct item {
	int64_t id;       /* of the wallet's, or 0 */
	int64_t watch_id; /* or of whoever watches it */
	struct bytes script;
	uint64_t seen_confirmed, seen_mempool;
};

struct scripts {
	/* of the round: in its arena */
	bool all; /* derived ones too that nobody knows */
	int64_t last_script, last_watch;
	struct item items[PAGE];
	size_t n_items, i;
	struct chain_script_stats stats;
	struct chain_seen *lines; /* oldest first */
	size_t n_lines, line;
	bool other; /* the history is not the one that was counted: it has changed between the questions */
	struct outpoint watched[CHAIN_SPENDS_MAX];
	int64_t watch_ids[CHAIN_SPENDS_MAX];
	struct chain_spend spends[CHAIN_SPENDS_MAX];
	size_t n_watched, spend;
	struct told_tx told;
	struct chain_tx_status status; /* of told */
};

struct scripts *scripts_new(void)
{
	struct scripts *s = calloc(1, sizeof(*s));

	if (!s)
		err_fatal("out of memory");
	return s;
}

void scripts_free(struct scripts *s)
{
	free(s);
}

/* --- headers --- */

int scripts_begin(struct follower *f, struct err *err)
{
	struct scripts *s = f->scripts;

	(void)err;
	if (!f->has_tip) {
		f->start.root = f->node_tip.ref.height > FOLLOW_DEEP ? f->node_tip.ref.height - FOLLOW_DEEP : 0;
		return FOLLOW_REF;
	}
	if (!block_ref_equal(&f->tip.ref, &f->node_tip.ref))
		return FOLLOW_REF;
	f->lower = 0;
	*s = (struct scripts){ .all = !f->has_sync || !f->sync.begun };
	return FOLLOW_ITEM;
}

struct chain_ask *header_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_header(f->opt.source, &f->next, then);
}

static int write_header(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	int64_t now_ms = clock_now_ms();
	unsigned added;

	if (chain_store_connect(u, &f->tip, now_ms, err) != 0)
		return -1;
	return gap_fill(u, &added, err);
}

int header_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	if (!got->found)
		return FOLLOW_TIP;
	if (f->has_tip && !block_hash_equal(&got->header.prev, &f->tip.ref.hash))
		return FOLLOW_BACK;
	if (got->header.ref.height != (f->has_tip ? f->tip.ref.height + 1 : f->start.root))
		return follow_lie(err, "a block has another height than it was asked for");
	f->tip = (struct block_row){ got->header.ref, got->header.prev, got->header.time_s };
	return follow_write(f, write_header, FOLLOW_DECIDE, err);
}

/* --- one script after the other --- */

static void add_script(void *ctx, const struct script_row *row)
{
	struct scripts *s = ctx;

	s->last_script = row->id;
	s->items[s->n_items++] = (struct item){ row->id, 0, row->script, row->seen_confirmed, row->seen_mempool };
}

static void add_watch(void *ctx, const struct watch_row *row)
{
	struct scripts *s = ctx;

	if (row->is_script) {
		s->items[s->n_items++] = (struct item){ .watch_id = row->id, .script = row->script };
		return;
	}
	s->watch_ids[s->n_watched] = row->id;
	s->watched[s->n_watched++] = row->at;
}

/* The next page: of the wallet's scripts, then of what others watch. */
static int next_page(struct follower *f, struct err *err)
{
	struct scripts *s = f->scripts;
	struct script_query q = { .chain = -1, .known_only = !s->all, .after = s->last_script, .limit = PAGE };
	int n = script_store_list(store_view(f->opt.store), &f->arena, &q, add_script, s, err);

	if (n != 0)
		return n;
	return watch_store_since(store_view(f->opt.store), &f->arena, &s->last_watch, CHAIN_SPENDS_MAX, add_watch, s,
				 err);
}

int item_work(struct follower *f, struct err *err)
{
	struct scripts *s = f->scripts;
	int n;

	if (s->i < s->n_items)
		return s->items[s->i].id ? FOLLOW_STATS : FOLLOW_HISTORY;
	if (s->n_watched > 0)
		return FOLLOW_SPENDS;
	s->n_items = s->i = 0;
	n = next_page(f, err);
	if (n < 0)
		return -1;
	return n > 0 ? FOLLOW_ITEM : FOLLOW_LAST_TIP;
}

struct chain_ask *stats_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_script_stats(f->opt.source, f->scripts->items[f->scripts->i].script, then);
}

int stats_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct scripts *s = f->scripts;
	const struct item *item = &s->items[s->i];

	(void)err;
	s->stats = got->script_stats;
	if (s->stats.confirmed != item->seen_confirmed || s->stats.mempool != item->seen_mempool)
		return FOLLOW_HISTORY;
	s->i++;
	return FOLLOW_ITEM;
}

struct chain_ask *history_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_history(f->opt.source, f->scripts->items[f->scripts->i].script, NULL, 0, then);
}

static uint64_t unconfirmed(const struct chain_seen *lines, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += lines[i].status.place == CHAIN_MEMPOOL;
	return sum;
}

int history_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct scripts *s = f->scripts;
	size_t n = got->history.n;

	if (!arena_room(&f->arena, n * sizeof(*s->lines) + 64))
		return ERR(err, ERR_RANGE, "a history of %zu lines is too long to look at", n);
	s->lines = ARENA_ARRAY(&f->arena, n, struct chain_seen);
	for (size_t i = 0; i < n; i++)
		s->lines[i] = got->history.seen[n - 1 - i];
	s->n_lines = n;
	s->line = 0;
	s->other = unconfirmed(s->lines, n) != s->stats.mempool;
	return FOLLOW_LINE;
}

/* --- one transaction of a history --- */

/* Is this block in the chain that is connected?  1, 0 when it is not, -1. */
static int is_connected(struct follower *f, const struct block_ref *ref, struct err *err)
{
	struct block_row row;
	int rc = chain_store_block(store_view(f->opt.store), ref->height, &row, err);

	if (rc == 1)
		return block_hash_equal(&row.ref.hash, &ref->hash);
	/* Not there: below what is kept, or still to come. */
	return rc < 0 ? -1 : ref->height <= f->tip.ref.height;
}

static const struct block_ref *block_of(const struct chain_tx_status *s)
{
	return s->place == CHAIN_CONFIRMED ? &s->block : NULL;
}

/* Is it known, and where it is: to the wallet, or to whoever watches? */
static int is_known(struct follower *f, const struct item *item, const struct chain_seen *line, struct err *err)
{
	struct block_ref block;
	enum tx_place place;
	int rc;

	if (item->watch_id)
		return watch_store_has(store_view(f->opt.store), item->watch_id, &line->txid, block_of(&line->status),
				       err);
	/* It may be known by another script, from before this one was derived: then not by what it pays to this one. */
	if (item->seen_confirmed == 0 && item->seen_mempool == 0)
		return 0;
	rc = tx_store_place(store_view(f->opt.store), &line->txid, &place, &block, err);
	if (rc != 1)
		return rc;
	if (line->status.place == CHAIN_CONFIRMED)
		return place == TX_CONFIRMED && block_ref_equal(&block, &line->status.block);
	return place == TX_PENDING;
}

static int write_line(struct unit *u, void *ctx, struct err *err)
{
	const struct scripts *s = ((struct follower *)ctx)->scripts;
	unsigned added;

	/* Where it stands in its block nobody says; a coinbase is the first. */
	if (follow_told(u, &s->told, block_of(&s->status), s->told.coinbase ? 0 : 1, clock_now_ms(), err) != 0)
		return -1;
	(void)FAILPOINT("chain.script");
	return gap_fill(u, &added, err);
}

static int write_read(struct unit *u, void *ctx, struct err *err)
{
	const struct scripts *s = ((struct follower *)ctx)->scripts;

	return script_store_set_seen(u, s->items[s->i].id, s->stats.confirmed,
				     s->other ? SCRIPT_UNCOUNTED : s->stats.mempool, err);
}

static int lines_read(struct follower *f, struct err *err)
{
	struct scripts *s = f->scripts;

	if (s->items[s->i].id == 0) {
		s->i++;
		return FOLLOW_ITEM;
	}
	return follow_write(f, write_read, FOLLOW_ITEM_NEXT, err);
}

int item_next_work(struct follower *f, struct err *err)
{
	(void)err;
	f->scripts->i++;
	return FOLLOW_ITEM;
}

int line_work(struct follower *f, struct err *err)
{
	struct scripts *s = f->scripts;
	const struct chain_seen *line = &s->lines[s->line];
	int rc;

	if (s->line == s->n_lines)
		return lines_read(f, err);
	if (line->status.place == CHAIN_CONFIRMED && (rc = is_connected(f, &line->status.block, err)) != 1)
		return rc < 0 ? -1 : FOLLOW_TIP; /* the chain has changed under us */
	rc = is_known(f, &s->items[s->i], line, err);
	s->status = line->status;
	if (rc == 1)
		s->line++;
	return rc < 0 ? -1 : rc == 1 ? FOLLOW_LINE : FOLLOW_LINE_TX;
}

struct chain_ask *line_tx_ask(struct follower *f, struct chain_then then)
{
	const struct chain_seen *line = &f->scripts->lines[f->scripts->line];

	return chain_ask_tx(f->opt.source, &line->txid, NULL, then);
}

/* The bytes of the answer, told of. */
static int take_tx(struct follower *f, const struct chain_answer *got, struct err *err)
{
	if (!arena_room(&f->arena, TX_ARENA_FOR(tx_size(&got->tx)) * 2))
		return ERR(err, ERR_RANGE, "more transactions in a round than there is room for");
	return told_read(&f->arena, tx_bytes(&f->arena, &got->tx), &f->scripts->told, err);
}

int line_tx_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct scripts *s = f->scripts;

	s->line++;
	if (!got->found) { /* replaced meanwhile: the next round sees what there is then */
		s->other = true;
		return FOLLOW_LINE;
	}
	if (take_tx(f, got, err) != 0)
		return -1;
	return follow_write(f, write_line, FOLLOW_LINE, err);
}

/* --- outputs that others watch --- */

struct chain_ask *spends_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_spends(f->opt.source, f->scripts->watched, f->scripts->n_watched, UINT32_MAX, then);
}

int spends_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct scripts *s = f->scripts;

	(void)err;
	memcpy(s->spends, got->spends, s->n_watched * sizeof(*s->spends));
	s->spend = 0;
	return FOLLOW_SPENT;
}

int spent_work(struct follower *f, struct err *err)
{
	struct scripts *s = f->scripts;
	int rc;

	while (s->spend < s->n_watched && s->spends[s->spend].state != CHAIN_SPENT_MEMPOOL &&
	       s->spends[s->spend].state != CHAIN_SPENT_MINED)
		s->spend++;
	if (s->spend == s->n_watched) {
		s->n_watched = 0;
		return FOLLOW_ITEM;
	}
	s->status.place = s->spends[s->spend].state == CHAIN_SPENT_MINED ? CHAIN_CONFIRMED : CHAIN_MEMPOOL;
	s->status.block = s->spends[s->spend].block;
	if (s->status.place == CHAIN_CONFIRMED && (rc = is_connected(f, &s->status.block, err)) != 1)
		return rc < 0 ? -1 : FOLLOW_TIP;
	rc = watch_store_has(store_view(f->opt.store), s->watch_ids[s->spend], &s->spends[s->spend].spender,
			     block_of(&s->status), err);
	if (rc == 1)
		s->spend++;
	return rc < 0 ? -1 : rc == 1 ? FOLLOW_SPENT : FOLLOW_SPENDER;
}

struct chain_ask *spender_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_tx(f->opt.source, &f->scripts->spends[f->scripts->spend].spender, NULL, then);
}

int spender_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	f->scripts->spend++;
	if (!got->found)
		return FOLLOW_SPENT;
	if (take_tx(f, got, err) != 0)
		return -1;
	return follow_write(f, write_line, FOLLOW_SPENT, err);
}

/* --- an unconfirmed one that is in a block now --- */

int scripts_confirmed(struct follower *f, const struct txid *txid, const struct block_ref *block, struct err *err)
{
	struct scripts *s = f->scripts;
	struct tx_row row;
	int rc = is_connected(f, block, err);

	if (rc == 0)
		return FOLLOW_OPEN_NEXT; /* another time */
	if (rc < 0 || (rc = tx_store_find(store_view(f->opt.store), &f->arena, txid, &row, err)) < 0)
		return -1;
	if (rc == 0)
		return FOLLOW_OPEN_NEXT; /* a watcher's */
	if (told_read(&f->arena, row.raw, &s->told, err) != 0)
		return -1;
	s->status = (struct chain_tx_status){ CHAIN_CONFIRMED, *block };
	return follow_write(f, write_line, FOLLOW_OPEN_NEXT, err);
}

/* --- the end --- */

struct chain_ask *last_tip_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_tip(f->opt.source, then);
}

static int write_done(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	struct sync_row row = { .backend = SYNC_ESPLORA, .begun = true, .done = f->tip.ref };

	return sync_store_put(u, &row, clock_now_ms(), err);
}

int last_tip_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	int next;

	if (!block_hash_equal(&got->header.ref.hash, &f->tip.ref.hash)) {
		f->node_tip = got->header;
		return FOLLOW_DECIDE;
	}
	next = pool_begin(f, err);
	return f->has_sync && f->sync.begun && block_ref_equal(&f->sync.done, &f->tip.ref)
		       ? next
		       : follow_write(f, write_done, (enum follow_state)next, err);
}
