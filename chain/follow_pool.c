/* What no block has: transactions that a mempool has and that concern us, and those of ours that it does not have.
 *
 * The mempool is looked through once; later only what is new in it, or to us (follow_watched.c).  What concerns us there is told to the tables; what
 * does not is kept for the rest of the look, because it may spend what a later one turns out to pay us.  Our own that are
 * missing are sent again; a stranger's are given up after a while. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "chain/follower_internal.h"
#include "chain/gap.h"
#include "store/script_store.h"
#include "store/watch_store.h"

/* New ones that are looked at in one round; the rest is looked at in the next. */
#define POOL_NEW_MAX 5000u
/* Those that do not concern us, kept for the look: their bytes. */
#define POOL_KEPT_BYTES ((size_t)16 * 1024 * 1024)

struct missing {
	struct txid txid;
	int64_t since_us;
	bool still; /* in the round that goes on */
};

/* One that no block has, in the tables. */
struct open_tx {
	struct txid txid;
	enum tx_place place;
	bool own, hit; /* hit: of whoever watches */
	struct bytes raw;
};

struct pool {
	struct txid *seen; /* of the last look, sorted */
	size_t n_seen;
	struct missing *missing;
	size_t n_missing, size_missing;
	bool large; /* the mempool was too large to be looked through */

	/* of the round: in its arena */
	struct txid *now; /* sorted */
	size_t n_now;
	bool looked;        /* now is the whole mempool */
	struct txid *fresh; /* to be looked at */
	size_t n_fresh, i;
	struct told_tx *kept; /* of no concern so far */
	size_t n_kept, kept_bytes;
	struct told_tx told;
	struct open_tx *open;
	size_t n_open, at;
	struct tx again; /* what is sent again */
};

struct pool *pool_new(void)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		err_fatal("out of memory");
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	free(p->seen);
	free(p->missing);
	free(p);
}

/* --- sorted lists of txids --- */

static int by_txid(const void *a, const void *b)
{
	return txid_cmp(a, b);
}

static bool is_in(const struct txid *list, size_t n, const struct txid *txid)
{
	return n > 0 && bsearch(txid, list, n, sizeof(*list), by_txid) != NULL;
}

/* --- the mempool --- */

int pool_begin(struct follower *f, struct err *err)
{
	struct pool *p = f->pool;

	(void)err;
	follow_arrived(f);
	p->n_now = p->n_fresh = p->i = p->n_kept = p->kept_bytes = 0;
	p->n_open = p->at = 0;
	p->looked = false;
	if (f->opt.kind != CHAIN_BITCOIND)
		return FOLLOW_OPEN;
	watched_begin(f, p->large);
	return FOLLOW_WATCHED_NEXT;
}

struct chain_ask *pool_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_mempool(f->opt.source, then);
}

static void add_fresh(struct pool *p, const struct txid *txid)
{
	if (p->n_fresh < POOL_NEW_MAX)
		p->fresh[p->n_fresh++] = *txid;
}

/* What is in now and was not in seen, as far as one round goes; but first what spends outputs that are watched since. */
static void find_fresh(struct follower *f)
{
	struct pool *p = f->pool;
	size_t n;
	const struct txid *spenders = watched_found(f, &n);

	p->fresh = ARENA_ARRAY(&f->arena, POOL_NEW_MAX, struct txid);
	p->kept = ARENA_ARRAY(&f->arena, POOL_NEW_MAX, struct told_tx);
	for (size_t i = 0; i < n; i++)
		if (p->large || is_in(p->seen, p->n_seen, &spenders[i]))
			add_fresh(p, &spenders[i]);
	for (size_t i = 0; i < p->n_now; i++)
		if (!is_in(p->seen, p->n_seen, &p->now[i]))
			add_fresh(p, &p->now[i]);
}

/* All of it has been looked at, but for new ones that are too many for a round: these stay new. */
static void remember(struct pool *p)
{
	const struct txid *last = p->n_fresh == POOL_NEW_MAX ? &p->fresh[p->n_fresh - 1] : NULL;
	struct txid *seen = calloc(p->n_now + 1, sizeof(*seen));
	size_t n = 0;

	if (!seen)
		err_fatal("out of memory");
	for (size_t i = 0; i < p->n_now; i++)
		if (!last || txid_cmp(&p->now[i], last) <= 0 || is_in(p->seen, p->n_seen, &p->now[i]))
			seen[n++] = p->now[i];
	free(p->seen);
	p->seen = seen;
	p->n_seen = n;
}

int pool_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct pool *p = f->pool;
	size_t n = got->mempool.n;

	(void)err;
	p->large = n > f->opt.mempool_max;
	if (p->large) { /* then each of ours is asked for, and what is watched */
		find_fresh(f);
		return p->n_fresh > 0 ? FOLLOW_POOL_TX : FOLLOW_OPEN;
	}
	p->now = ARENA_ARRAY(&f->arena, n, struct txid);
	if (n > 0)
		memcpy(p->now, got->mempool.txids, n * sizeof(*p->now));
	qsort(p->now, n, sizeof(*p->now), by_txid);
	p->n_now = n;
	p->looked = true;
	find_fresh(f);
	if (p->n_fresh > 0)
		return FOLLOW_POOL_TX;
	remember(p); /* what has left, and comes back, is new then */
	return FOLLOW_OPEN;
}

struct chain_ask *pool_tx_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_tx(f->opt.source, &f->pool->fresh[f->pool->i], NULL, then);
}

static bool concerns(const struct interest *in, const struct told_tx *tx)
{
	for (size_t i = 0; i < tx->n_in; i++)
		if (interest_has_output(in, &tx->in[i]))
			return true;
	for (size_t i = 0; i < tx->n_out; i++)
		if (interest_has_script(in, tx->out[i].script))
			return true;
	return false;
}

static int write_seen(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	unsigned added;

	if (follow_told(u, &f->pool->told, NULL, 0, clock_now_ms(), err) != 0)
		return -1;
	(void)FAILPOINT("chain.seen");
	return gap_fill(u, &added, err);
}

static int next_fresh(struct follower *f)
{
	struct pool *p = f->pool;

	if (p->i < p->n_fresh)
		return FOLLOW_POOL_TX;
	if (p->looked)
		remember(p);
	return FOLLOW_OPEN;
}

int pool_kept_work(struct follower *f, struct err *err)
{
	struct pool *p = f->pool;
	bool more;

	if (interest_update(f->interest, f->opt.store, &more, err) != 0)
		return -1;
	for (size_t i = 0; more && i < p->n_kept; i++)
		if (concerns(f->interest, &p->kept[i])) {
			p->told = p->kept[i];
			p->kept[i] = p->kept[--p->n_kept];
			return follow_write(f, write_seen, FOLLOW_POOL_KEPT, err);
		}
	return next_fresh(f);
}

static void keep(struct pool *p, const struct told_tx *tx)
{
	p->kept[p->n_kept++] = *tx;
	p->kept_bytes += tx->raw.n;
}

int pool_tx_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	struct pool *p = f->pool;
	struct told_tx told;
	struct bytes raw;
	bool more;

	p->i++;
	if (!got->found) /* gone again */
		return next_fresh(f);
	if (interest_update(f->interest, f->opt.store, &more, err) != 0 ||
	    told_of(&f->arena, (struct bytes){ 0 }, &got->tx, &told, err) != 0)
		return -1;
	if (!concerns(f->interest, &told) && p->kept_bytes + tx_size(&got->tx) > POOL_KEPT_BYTES)
		return next_fresh(f);
	raw = tx_bytes(&f->arena, &got->tx);
	if (told_read(&f->arena, raw, &told, err) != 0)
		return -1;
	if (!concerns(f->interest, &told)) {
		keep(p, &told);
		return next_fresh(f);
	}
	p->told = told;
	return follow_write(f, write_seen, FOLLOW_POOL_KEPT, err);
}

/* --- those that no block has --- */

static struct missing *missing_of(struct pool *p, const struct txid *txid)
{
	for (size_t i = 0; i < p->n_missing; i++)
		if (txid_equal(&p->missing[i].txid, txid))
			return &p->missing[i];
	return NULL;
}

/* It is not in the mempool: for how long now?  first: this is the first time that it is missing. */
static int64_t missing_us(struct pool *p, const struct txid *txid, bool *first)
{
	struct missing *m = missing_of(p, txid);

	*first = !m;
	if (!m) {
		if (p->n_missing == p->size_missing) {
			p->size_missing = p->size_missing ? 2 * p->size_missing : 16;
			p->missing = realloc(p->missing, p->size_missing * sizeof(*p->missing));
			if (!p->missing)
				err_fatal("out of memory");
		}
		assert(p->missing); /* by the growth above: there is room */
		m = &p->missing[p->n_missing++];
		*m = (struct missing){ .txid = *txid, .since_us = clock_mono_us() };
	}
	m->still = true;
	return clock_mono_us() - m->since_us;
}

static void found_again(struct pool *p, const struct txid *txid)
{
	struct missing *m = missing_of(p, txid);

	if (m)
		*m = p->missing[--p->n_missing];
}

/* What is no longer open is no longer missing. */
static void forget_missing(struct pool *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_missing; i++)
		if (p->missing[i].still) {
			p->missing[n] = p->missing[i];
			p->missing[n++].still = false;
		}
	p->n_missing = n;
}

#define OPEN_MAX 10000u

struct open_list {
	struct follower *f;
	int64_t last;
};

static void add_open(void *ctx, const struct tx_row *row)
{
	struct open_list *l = ctx;
	struct pool *p = l->f->pool;

	l->last = row->id;
	if (p->n_open < OPEN_MAX)
		p->open[p->n_open++] = (struct open_tx){
			.txid = row->txid,
			.place = row->place,
			/* A child that pays for its parent goes with it or not at all: its owner sends both. */
			.own = row->own && strcmp(row->kind, "cpfp") != 0,
			.raw = row->raw,
		};
}

static void add_hit(void *ctx, const struct txid *txid)
{
	struct open_list *l = ctx;
	struct pool *p = l->f->pool;

	if (p->n_open < OPEN_MAX)
		p->open[p->n_open++] = (struct open_tx){ .txid = *txid, .hit = true };
}

static int list_open(struct follower *f, enum tx_place place, struct err *err)
{
	struct open_list l = { .f = f };
	struct tx_query q = { .place = (int)place, .oldest_first = true, .limit = 100 };
	int n;

	do {
		q.after = l.last;
		n = tx_store_list(store_view(f->opt.store), &f->arena, &q, add_open, &l, err);
	} while (n > 0);
	return n;
}

static int list_hits(struct follower *f, struct err *err)
{
	struct open_list l = { .f = f };
	struct txid after = { { 0 } };
	int n;

	do
		n = watch_store_unconfirmed(store_view(f->opt.store), &after, 100, add_hit, &l, err);
	while (n > 0);
	return n;
}

static int write_seen_again(struct unit *u, void *ctx, struct err *err)
{
	const struct pool *p = ((struct follower *)ctx)->pool;

	return tx_store_seen_again(u, &p->open[p->at].txid, clock_now_ms(), err);
}

static int write_dropped(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;
	const struct pool *p = f->pool;
	const struct txid *txid = &p->open[p->at].txid;

	if (p->open[p->at].hit)
		return watch_store_gone(u, txid, err);
	return tx_store_drop(u, txid, NULL, clock_now_ms(), err);
}

/* An index may count as many as before, with another in its place. */
static int write_missing(struct unit *u, void *ctx, struct err *err)
{
	struct follower *f = ctx;

	f->again = true;
	return script_store_forget_seen(u, &f->pool->open[f->pool->at].txid, err);
}

static int next_open(struct follower *f)
{
	f->pool->at++;
	return FOLLOW_OPEN;
}

static int open_is_there(struct follower *f, struct err *err)
{
	struct pool *p = f->pool;

	found_again(p, &p->open[p->at].txid);
	if (p->open[p->at].place != TX_STORED)
		return next_open(f);
	return follow_write(f, write_seen_again, FOLLOW_OPEN_NEXT, err);
}

static int open_is_missing(struct follower *f, struct err *err)
{
	struct pool *p = f->pool;
	const struct open_tx *o = &p->open[p->at];
	int64_t us;
	bool first;

	if (o->place == TX_STORED)
		return next_open(f);
	us = missing_us(p, &o->txid, &first);
	if (first && !o->hit && f->opt.kind == CHAIN_ESPLORA)
		return follow_write(f, write_missing, FOLLOW_OPEN_NEXT, err);
	if (us < f->opt.grace_ms * 1000)
		return next_open(f);
	if (o->own) {
		found_again(p, &o->txid); /* its time begins anew: once in a while is enough */
		return FOLLOW_RESEND;
	}
	return follow_write(f, write_dropped, FOLLOW_OPEN_NEXT, err);
}

int open_next_work(struct follower *f, struct err *err)
{
	(void)err;
	return next_open(f);
}

int open_work(struct follower *f, struct err *err)
{
	struct pool *p = f->pool;

	if (p->at == 0 && p->n_open == 0) {
		p->open = ARENA_ARRAY(&f->arena, OPEN_MAX, struct open_tx);
		if (list_open(f, TX_PENDING, err) < 0 || list_open(f, TX_STORED, err) < 0 || list_hits(f, err) < 0)
			return -1;
	}
	if (p->at == p->n_open) {
		forget_missing(p);
		f->synced = true;
		return FOLLOW_END;
	}
	if (!p->looked)
		return FOLLOW_OPEN_STATUS;
	return is_in(p->now, p->n_now, &p->open[p->at].txid) ? open_is_there(f, err) : open_is_missing(f, err);
}

struct chain_ask *open_status_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_status(f->opt.source, &f->pool->open[f->pool->at].txid, 0, then);
}

int open_status_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	switch (got->status.place) {
	case CHAIN_MEMPOOL:
		return open_is_there(f, err);
	case CHAIN_NOT_FOUND:
		return open_is_missing(f, err);
	case CHAIN_CONFIRMED:
		/* Blocks, or the histories of scripts, tell that where everything else is told too. */
		found_again(f->pool, &f->pool->open[f->pool->at].txid);
		return f->opt.kind == CHAIN_ESPLORA
			       ? scripts_confirmed(f, &f->pool->open[f->pool->at].txid, &got->status.block, err)
			       : next_open(f);
	}
	return follow_lie(err, "a transaction is nowhere");
}

/* --- sending again --- */

struct chain_ask *resend_ask(struct follower *f, struct chain_then then)
{
	return chain_ask_broadcast(f->opt.source, &f->pool->again, then);
}

int resend_work(struct follower *f, struct err *err)
{
	struct pool *p = f->pool;

	if (tx_decode(&f->arena, p->open[p->at].raw, &p->again, err) != 0)
		return err_context(err, "a transaction of our own");
	return FOLLOW_SEND;
}

int resend_reply(struct follower *f, const struct chain_answer *got, struct err *err)
{
	char text[TXID_TEXT];

	(void)err;
	txid_text(&f->pool->open[f->pool->at].txid, text);
	log_info(&f->log, "chain.sent_again", F_STR("txid", text),
		 F_STR("became", broadcast_class_name(got->broadcast.class)), F_STR("words", got->broadcast.words));
	return next_open(f);
}
