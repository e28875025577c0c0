/* Outputs that others began to watch after the mempool was looked through: a mempool may have spent them long before.  Bitcoind
 * says who spends an output there, so nothing is looked at twice.
 *
 * Of a mempool that is too large to be looked through, this is all that is known of what strangers do with them: then each
 * one is asked for in every round. */
#include <stdlib.h>

#include "chain/follower_internal.h"
#include "store/watch_store.h"

struct watched {
	bool began;   /* those before the first look are found by that */
	int64_t last; /* the last one that was asked for */
	/* of the round */
	struct outpoint at[CHAIN_SPENDS_MAX];
	int64_t ids[CHAIN_SPENDS_MAX]; /* of the watches */
	size_t n;
	struct txid *found; /* in its arena */
	size_t n_found;
};

struct watched *watched_new(void)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		err_fatal("out of memory");
	return w;
}

void watched_free(struct watched *w)
{
	free(w);
}

void watched_begin(struct follower *f, bool all)
{
	struct watched *w = f->watched;

	w->n = w->n_found = 0;
	w->found = ARENA_ARRAY(&f->arena, WATCHED_FOUND_MAX, struct txid);
	if (all) {
		w->began = true;
		w->last = 0;
	}
}

const struct txid *watched_found(const struct follower *f, size_t *ret_n)
{
	*ret_n = f->watched->n_found;
	return f->watched->found;
}

static void add_output(void *ctx, const struct watch_row *row)
{
	struct watched *w = ctx;

	if (row->is_script)
		return;
	w->at[w->n] = row->at;
	w->ids[w->n++] = row->id;
}

/* The next ones; 0: there are none. */
static int read_page(struct follower *f, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct watched *w = f->watched;

	w->n = 0;
	return watch_store_since(store_view(f->opt.store), &a, &w->last, CHAIN_SPENDS_MAX, add_output, w, err);
}

int watched_next_work(struct follower *f, struct err *err)
{
	struct watched *w = f->watched;
	int n;

	if (w->n_found + CHAIN_SPENDS_MAX > WATCHED_FOUND_MAX)
		return FOLLOW_POOL; /* the next round goes on from here */
	do
		n = read_page(f, err);
	while (n > 0 && (!w->began || w->n == 0));
	w->began = true;
	return n < 0 ? -1 : n == 0 ? FOLLOW_POOL : FOLLOW_WATCHED;
}

struct chain_ask *watched_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_spends(f->opt.source, f->watched->at, f->watched->n, UINT32_MAX, then);
}

int watched_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct watched *w = f->watched;

	for (size_t i = 0; i < w->n; i++) {
		const struct chain_spend *s = &got->spends[i];
		int rc;

		if (s->state != CHAIN_SPENT_MEMPOOL)
			continue;
		rc = watch_store_has(store_view(f->opt.store), w->ids[i], &s->spender, NULL, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			w->found[w->n_found++] = s->spender;
	}
	return FOLLOW_WATCHED_NEXT;
}
