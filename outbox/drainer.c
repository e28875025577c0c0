/* outbox/drainer.c - finds what is due, lane by lane, and gives it to a batch (spec/outbox.md 2.9, 5.10).
 *
 * The due queue is the store's index.  A lane prepares one batch at a time, so that its account nonces follow the order of
 * claims; sending and watching go on beside it.  A fresh directive waits a little for company. */
#include <stdlib.h>

#include "base/clock.h"
#include "outbox/delivery.h"
#include "outbox/internal.h"
#include "outbox/lane_slots.h"

#define RECALL_MS                                                                                                      \
	(2 * 300 * INT64_C(1000)) /* twice the longest back-off: no retry sleeps longer but by a clock set back */
#define SWEEP_ROWS   10000
#define RECOVER_ROWS 5000

/* --- what a dead or a broken owner left --- */

struct sweep {
	struct outbox *ob;
	bool all;
	unsigned n;
};

static int sweep_run(struct unit *u, void *ctx, struct err *err)
{
	struct sweep *s = ctx;
	int64_t now = clock_now_ms();

	if (directive_store_unclaim_expired(u, s->all ? INT64_MAX : now, now, RECOVER_ROWS, &s->n, err) != 0)
		return -1;
	return directive_store_recall(u, now + RECALL_MS, now, SWEEP_ROWS, err);
}

/* At start nobody else can hold a claim, unless several daemons share the file: then theirs end by themselves. */
static bool sweep(struct outbox *ob)
{
	struct sweep s = { .ob = ob, .all = !ob->recovered && !ob->opt.shared };
	struct err err;

	if (store_unit_now(ob->opt.store, sweep_run, &s, &err) != 0) {
		outbox_write_failed(ob, "outbox.sweep_failed", &err);
		return false;
	}
	if (s.n > 0 && ob->recovered)
		log_error(&ob->log, "outbox.claims_expired", F_UINT("n", s.n));
	else if (s.n > 0)
		log_info(&ob->log, "outbox.claims_recovered", F_UINT("n", s.n));
	for (unsigned i = 0; ob->recovered && i < s.n; i++)
		metric_inc(ob->meters.lease_expired);
	ob->sweep_due = s.n == RECOVER_ROWS;
	ob->recovered = ob->recovered || !ob->sweep_due;
	return ob->recovered;
}

/* --- a lane --- */

static void linger_over(void *ctx)
{
	struct lane *l = ctx;

	l->lingered = true;
	outbox_pump_soon(l->ob);
}

void lane_linger_new(struct lane *l)
{
	l->linger = loop_timer(l->ob->opt.loop, linger_over, l);
}

void lane_linger_free(struct lane *l)
{
	timer_free(l->linger);
	l->linger = NULL;
}

bool lane_is_paused(const struct lane *l)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024);
	struct lane_row row;
	struct err err;

	return lane_store_get(store_view(l->ob->opt.store), &a, l->id, &row, &err) != 0 || row.paused;
}

static bool space_is_paused(const struct space *s)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024);
	struct space_row row;
	struct err err;

	return space_store_get(store_view(s->ob->opt.store), &a, s->id, &row, &err) != 0 || row.paused;
}

static bool lane_slots(const struct lane *l, struct lane_slots *ret)
{
	struct err err;

	if (lane_slots_read(store_view(l->ob->opt.store), l->id, ret, &err) != 0) {
		outbox_write_failed(l->ob, "outbox.slots_unreadable", &err);
		return false;
	}
	metric_set(l->m_open, ret->pooled + ret->mined);
	return true;
}

/* A vacant one is always filled: those above wait for it. */
static bool has_room(const struct lane *l, const struct lane_slots *s)
{
	return s->vacant > 0 || (s->pooled < l->slots_now && !s->full);
}

static bool lane_is_ready(const struct lane *l)
{
	return l->id != 0 && !l->batch && l->hold == HOLD_NONE && l->key.key && l->seen &&
	       l->chain->reach == HOLD_NONE && l->chain->head_known && l->chain->fees_known;
}

/* When this space will next have something for the lane; DIRECTIVE_NO_WAKE for never. */
static int64_t next_wake(struct lane *l, struct space *s)
{
	int64_t at = DIRECTIVE_NO_WAKE;
	struct err err;

	if (s->chain != l->chain || s->id == 0 || s->hold != HOLD_NONE || !s->key.key)
		return DIRECTIVE_NO_WAKE;
	if (directive_store_next_wake(store_view(l->ob->opt.store), s->id, l->id, &at, &err) != 0)
		outbox_write_failed(l->ob, "outbox.queue_unreadable", &err);
	return at;
}

/* The next space whose turn it is and that has something due; *ret_later is when the first of the others will. */
static struct space *choose(struct lane *l, int64_t now, int64_t *ret_later)
{
	struct outbox *ob = l->ob;

	for (size_t i = 0; i < ob->n_spaces; i++) {
		struct space *s = ob->spaces[(l->next_space + i) % ob->n_spaces];
		int64_t at = next_wake(l, s);

		if (at == DIRECTIVE_NO_WAKE)
			continue;
		if (at > now) {
			if (*ret_later == DIRECTIVE_NO_WAKE || at < *ret_later)
				*ret_later = at;
		} else if (!space_is_paused(s)) {
			l->next_space = (l->next_space + i + 1) % ob->n_spaces;
			return s;
		}
	}
	return NULL;
}

static void drain_lane(struct lane *l, int64_t now, int64_t *later)
{
	struct lane_slots slots;
	struct space *s;

	if (!lane_is_ready(l) || lane_is_paused(l) || !lane_slots(l, &slots) || !has_room(l, &slots))
		return;
	/* Not with a directive: it would be mined before others of its account that went out before it. */
	if (slots.gap) {
		delivery_fill_gap(l);
		return;
	}
	s = choose(l, now, later);
	if (!s)
		return;
	if (!l->lingered && l->chain->conf.batch_max > 1) {
		if (!timer_is_started(l->linger))
			timer_start(l->linger, l->ob->opt.linger_ms);
		return;
	}
	l->lingered = false;
	batch_start(l, s);
}

void drainer_run(struct outbox *ob)
{
	int64_t now = clock_now_ms(), later = DIRECTIVE_NO_WAKE;

	if (!outbox_may_drive(ob) || (ob->sweep_due && !sweep(ob)))
		return;
	for (size_t i = 0; i < ob->n_spaces; i++)
		space_check_run(ob->spaces[i]);
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			drain_lane(ob->chains[i]->lanes[k], now, &later);
	if (later != DIRECTIVE_NO_WAKE)
		timer_start(ob->wake, later - now);
}

bool chain_has_work(const struct chain *c)
{
	struct view v = store_view(c->ob->opt.store);
	unsigned open = 0;
	struct err err;

	if (slot_store_count_open(v, c->conf.chain_id, &open, &err) != 0 || open > 0)
		return true;
	for (size_t i = 0; i < c->ob->n_spaces; i++) {
		uint64_t tally[DELIVERY_COUNT];
		const struct space *s = c->ob->spaces[i];

		if (s->chain != c || s->id == 0)
			continue;
		if (directive_store_tally(v, s->id, tally, &err) != 0 ||
		    tally[DELIVERY_PENDING] + tally[DELIVERY_CLAIMED] + tally[DELIVERY_SUBMITTED] +
				    tally[DELIVERY_INCLUDED] + tally[DELIVERY_RETRY] >
			    0)
			return true;
	}
	return false;
}
