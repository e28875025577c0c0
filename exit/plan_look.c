#include "exit/plan_look.h"

#include <stdlib.h>

#define LOOK_ARENA (256u << 20) /* of PLAN_TXS_MAX transactions, and their VTXOs */

enum mark {
	MARK_LATER = 0,  /* what it spends is in no block, as far as is known */
	MARK_ASK = 1,    /* what it spends is there: is it spent? */
	MARK_VERIFY = 2, /* a block spends it: by this one? */
	MARK_OPEN = 3,   /* no block has it */
	MARK_MINED = 4
};
struct item {
	struct plan_tx tx;
	enum mark mark;
};

struct plan_look {
	struct chain_source *chain;
	struct plan_look_then then;
	struct chain_ask *ask;
	struct arena arena;
	struct item *items;      /* by txid */
	struct item **by_parent; /* by what they spend an output of */
	size_t n, from;          /* none before `from` is to be asked for */
	struct item *asked[CHAIN_SPENDS_MAX];
	size_t n_asked;
};

static void next(struct plan_look *l);

/* --- its life --- */

static void look_free(struct plan_look *l)
{
	arena_done(&l->arena);
	free(l);
}

static void finish(struct plan_look *l, const struct err *err)
{
	struct txid *mined = ARENA_ARRAY(&l->arena, l->n, struct txid);
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].mark == MARK_MINED)
			mined[n++] = l->items[i].tx.txid;
	l->then.done(l->then.ctx, mined, n, err);
	look_free(l);
}

/* --- the transactions --- */

static int by_parent(const void *a, const void *b)
{
	const struct item *const *x = a, *const *y = b;

	return txid_cmp(&(*x)->tx.spends.txid, &(*y)->tx.spends.txid);
}

static int by_txid(const void *txid, const void *item)
{
	return txid_cmp(txid, &((const struct item *)item)->tx.txid);
}

/* The first that comes after this transaction, or l->n. */
static size_t first_after(const struct plan_look *l, const struct txid *txid)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (txid_cmp(&l->by_parent[mid]->tx.spends.txid, txid) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void set_mined(struct plan_look *l, struct item *item)
{
	item->mark = MARK_MINED;
	for (size_t i = first_after(l, &item->tx.txid);
	     i < l->n && txid_equal(&l->by_parent[i]->tx.spends.txid, &item->tx.txid); i++)
		l->by_parent[i]->mark = MARK_ASK;
	l->from = 0;
}

static void set_up(struct plan_look *l, const struct plan_tx *txs, size_t n)
{
	l->n = n;
	l->items = ARENA_ARRAY(&l->arena, n, struct item);
	l->by_parent = ARENA_ARRAY(&l->arena, n, struct item *);
	for (size_t i = 0; i < n; i++) {
		l->items[i] = (struct item){ txs[i], MARK_LATER };
		l->by_parent[i] = &l->items[i];
	}
	qsort(l->by_parent, n, sizeof(struct item *), by_parent);
	for (size_t i = 0; i < n; i++)
		if (!bsearch(&txs[i].spends.txid, l->items, n, sizeof(*l->items), by_txid))
			l->items[i].mark = MARK_ASK; /* it stands on what a block has */
}

/* --- the questions --- */

static bool answered(struct plan_look *l, const struct chain_answer *got)
{
	l->ask = NULL;
	if (got->err.code == ERR_NONE)
		return true;
	finish(l, &got->err);
	return false;
}

static void status_told(void *ctx, const struct chain_answer *got)
{
	struct plan_look *l = ctx;
	struct item *item = l->asked[l->n_asked - 1];

	if (!answered(l, got))
		return;
	l->n_asked--;
	if (got->status.place == CHAIN_CONFIRMED)
		set_mined(l, item);
	else
		item->mark = MARK_OPEN; /* something else has spent it, or did for a moment */
	next(l);
}

static void spends_told(void *ctx, const struct chain_answer *got)
{
	struct plan_look *l = ctx;
	size_t unseen = 0;

	if (!answered(l, got))
		return;
	for (size_t i = 0; i < l->n_asked; i++) {
		const struct chain_spend *spend = &got->spends[i];
		struct item *item = l->asked[i];

		item->mark = MARK_OPEN;
		if (spend->state == CHAIN_SPENT_MINED && txid_equal(&spend->spender, &item->tx.txid)) {
			set_mined(l, item);
		} else if (spend->state == CHAIN_SPENT_UNSEEN) {
			item->mark = MARK_VERIFY;
			l->asked[unseen++] = item;
		}
	}
	l->n_asked = unseen;
	next(l);
}

static void ask_spends(struct plan_look *l)
{
	struct outpoint at[CHAIN_SPENDS_MAX];

	for (size_t i = 0; i < l->n_asked; i++)
		at[i] = l->asked[i]->tx.spends;
	l->ask = chain_ask_spends(l->chain, at, l->n_asked, UINT32_MAX, (struct chain_then){ spends_told, l });
}

/* Those that are to be asked for next; how many. */
static size_t take_batch(struct plan_look *l)
{
	for (; l->from < l->n && l->n_asked < CHAIN_SPENDS_MAX; l->from++)
		if (l->items[l->from].mark == MARK_ASK)
			l->asked[l->n_asked++] = &l->items[l->from];
	return l->n_asked;
}

static void next(struct plan_look *l)
{
	struct err none;

	if (l->n_asked > 0) { /* what a block spends, of the last batch */
		const struct plan_tx *tx = &l->asked[l->n_asked - 1]->tx;

		l->ask = chain_ask_status(l->chain, &tx->txid, tx->n_out, (struct chain_then){ status_told, l });
	} else if (take_batch(l) > 0) {
		ask_spends(l);
	} else {
		err_clear(&none);
		finish(l, &none);
	}
}

/* --- the beginning --- */

int plan_look_new(struct chain_source *chain, const struct plan_order *o, struct plan_look_then then,
		  struct plan_look **ret, struct err *err)
{
	struct plan_look *l = calloc(1, sizeof(*l));
	struct plan_tx *txs;
	size_t n;

	if (!l)
		err_fatal("out of memory");
	*l = (struct plan_look){ .chain = chain, .then = then, .arena = ARENA_LIMIT(LOOK_ARENA) };
	if (exit_plan_txs(&l->arena, o, &txs, &n, err) != 0) {
		look_free(l);
		return -1;
	}
	set_up(l, txs, n);
	if (take_batch(l) == 0) {
		look_free(l);
		return 0;
	}
	ask_spends(l);
	*ret = l;
	return 1;
}

void plan_look_cancel(struct plan_look *l)
{
	if (!l)
		return;
	chain_cancel(l->ask);
	look_free(l);
}
