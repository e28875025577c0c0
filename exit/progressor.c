/* exit/progressor.c - the life of the driver, and the step of an exit (spec/exit.md 3.7).
 *
 * The due queue is the store's index.  A step is one unit: facts, decisions, and what follows from them; what is to be sent is
 * sent when that is durable.  Exits take turns: so many in one turn of the loop, the longest due first. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "exit/internal.h"
#include "exit/reconcile.h"
#include "rails/bitcoin/policy.h"
#include "rails/chain/broadcast.h"
#include "store/chain_store.h"
#include "store/tx_store.h"

#define TURN_MAX  16  /* exits in one turn of the loop */
#define STEPS_MAX 100 /* spec/exit.md 0: more is a mistake of ours */

/* --- life --- */

static void pump(void *ctx);

struct exits *exits_new(const struct exits_options *opt)
{
	struct exits *x = calloc(1, sizeof(*x));

	if (!x)
		err_fatal("out of memory");
	x->opt = *opt;
	x->log = log_module("exit");
	x->estimate_us = clock_mono_us();
	x->guard = due_guard_new(EXIT_SEND_MAX);
	x->wake = loop_timer(opt->loop, pump, x);
	x->m_steps = metric_counter("walletd_exit_steps_total", NULL, "Looks at an exit.");
	x->m_changes = metric_counter("walletd_exit_changes_total", NULL, "States that exits have left.");
	x->m_children = metric_counter("walletd_exit_children_total", NULL, "Transactions made to pay for an exit's.");
	x->m_sent = metric_counter("walletd_exit_packages_total", "outcome=\"taken\"", "Packages given to a node.");
	x->m_refused = metric_counter("walletd_exit_packages_total", "outcome=\"refused\"",
				      "Packages given to a node.");
	return x;
}

void exits_free(struct exits *x)
{
	if (!x)
		return;
	store_flush(x->opt.store); /* units on their way know us */
	errands_cancel(x);
	timer_free(x->wake);
	due_guard_free(x->guard);
	free(x);
}

void exits_set_keys(struct exits *x, struct keyring *keys)
{
	x->keys = keys;
	if (keys)
		exits_kick(x);
}

struct keyring *exits_keys(const struct exits *x)
{
	return x->keys;
}

void exits_stop(struct exits *x)
{
	x->stopping = true;
	x->posted = false;
	timer_stop(x->wake);
}

bool exits_idle(const struct exits *x)
{
	return errands_under_way(x) == 0 && !x->posted;
}

void exits_failed(struct exits *x, const char *event, const struct err *err)
{
	x->stats.failures++;
	x->stats.last_error = *err;
	log_error(&x->log, event, F_ERR(err));
}

void exits_stats(const struct exits *x, struct exits_stats *ret)
{
	struct err ignored; /* a store that cannot be read says so elsewhere */

	*ret = x->stats;
	ret->inflight = errands_under_way(x);
	if (exit_store_backlog(store_view(x->opt.store), clock_now_ms(), EXITS_BACKLOG_MAX, &ret->backlog, &ignored) !=
	    0)
		ret->backlog = 0;
}

/* --- what a package would cost --- */

static void fees_known(void *ctx, const struct chain_answer *got)
{
	struct exits *x = ctx;

	x->asking_fees = false;
	if (got->err.code == ERR_NONE && x->fees_missing)
		exits_kick(x);
}

/* Rates that are missing are asked for soon again; those that are old, or are nobody's estimate, now and then: a look at an
 * exit asks in any case. */
static void refresh_fees(struct exits *x, bool has_fees, int64_t age_ms)
{
	int64_t pause_ms = has_fees ? EXIT_AGAIN_MS : EXIT_SOON_MS, now_us = clock_mono_us();

	if ((has_fees && age_ms >= 0 && age_ms <= EXIT_TICK_MS) || x->asking_fees || x->stopping ||
	    (x->fees_asked_us > 0 && now_us - x->fees_asked_us < 1000 * pause_ms))
		return;
	x->fees_missing = !has_fees;
	x->asking_fees = true;
	x->fees_asked_us = now_us;
	chain_ask_fees(x->opt.chain, (struct chain_then){ fees_known, x });
}

/* The source keeps what it is told. */
static void limits_known(void *ctx, const struct chain_answer *got)
{
	struct exits *x = ctx;

	(void)got;
	x->asking_limits = false;
}

void exits_refresh_limits(struct exits *x)
{
	if (x->asking_limits || x->stopping)
		return;
	x->asking_limits = true;
	chain_ask_limits(x->opt.chain, (struct chain_then){ limits_known, x });
}

const char *exits_advice(const struct exits *x, struct arena *a)
{
	const char *advice = NULL;

	for (size_t i = 0; i < chain_backends(x->opt.chain); i++) {
		struct chain_stats s;

		chain_stats(x->opt.chain, i, &s);
		if (s.verified && s.limits.packages)
			return NULL;
		if (s.verified && s.limits.why_not[0] != '\0')
			advice = arena_strdup(a, s.limits.why_not);
	}
	return advice;
}

/* The strictest of the nodes that have been asked. */
static struct chain_limits limits_of(const struct exits *x)
{
	struct chain_limits all = { .packages = true };
	struct feerate floor;

	for (size_t i = 0; i < chain_backends(x->opt.chain); i++) {
		struct chain_stats s;

		chain_stats(x->opt.chain, i, &s);
		if (!s.verified)
			continue;
		all.min_relay = feerate_max(all.min_relay, s.limits.min_relay);
		all.mempool_min = feerate_max(all.mempool_min, s.limits.mempool_min);
		all.incremental = feerate_max(all.incremental, s.limits.incremental);
		if (sat_cmp(s.limits.package_surcharge, all.package_surcharge) > 0)
			all.package_surcharge = s.limits.package_surcharge;
	}
	/* Nodes from version 30 on want a tenth, but their peers may not (3.6). */
	if (feerate_from_sat_per_kwu(POLICY_RELAY_RATE, &floor))
		all.incremental = feerate_max(all.incremental, floor);
	return all;
}

struct pay_terms exits_terms(struct exits *x)
{
	struct pay_terms t = {
		.network = x->opt.network,
		.single_chain = x->opt.single_chain,
		.keys = x->keys,
		.max_feerate = x->opt.max_feerate,
		.spent_out = sat_value(x->opt.max_fee_per_tick) > 0 &&
			     sat_cmp(x->tick_fees, x->opt.max_fee_per_tick) >= 0,
		.bump_after = x->opt.bump_after,
		.margin = x->opt.margin,
		.limits = limits_of(x),
	};
	int64_t age_ms;

	t.has_fees = chain_last_fees(x->opt.chain, &t.fees, &age_ms);
	refresh_fees(x, t.has_fees, age_ms);
	if (t.has_fees && age_ms >= 0)
		x->estimate_us = clock_mono_us() - 1000 * age_ms;
	t.has_fees = t.has_fees && pay_rates_are_usable(&t.fees, (clock_mono_us() - x->estimate_us) / 1000);
	return t;
}

/* --- a step --- */

struct step_run {
	struct exits *x;
	int64_t exit_id, now_ms;
	struct pay_terms terms;
	struct arena arena;
	struct errand_order errand; /* what is to be done when it is durable */
	unsigned changes;
	bool soon; /* it is to be looked at again shortly */
	enum exit_state state;
};

int exits_note(struct unit *u, struct arena *a, struct exit_row *row, const struct exit_trouble *t, int64_t wake_at_ms,
	       int64_t now_ms, struct err *err)
{
	bool trouble = t && t->tag != TROUBLE_NONE;
	bool is_short = trouble && t->tag == TROUBLE_FUNDS && !exit_trouble_is(row->error, TROUBLE_FUNDS);

	row->error = trouble ? exit_trouble_text(a, t) : NULL;
	if (trouble)
		row->error_at_ms = now_ms;
	row->attempts = trouble ? row->attempts + 1 : 0;
	row->wake_at_ms = wake_at_ms;
	if (exit_store_save(u, row, false, now_ms, err) != 0)
		return -1;
	return is_short ? exit_store_tell(u, row->id, "exit.needs_funds", err) : 0;
}

/* What a person has to know of a move, beside that there was one; NULL: nothing. */
static const char *news_of(enum exit_state was, const struct exit_status *to)
{
	if (to->state == was)
		return NULL;
	if (to->state == EXIT_CLAIMABLE)
		return "exit.claimable";
	if ((to->state == EXIT_CLAIMED && !to->spent_by_us) || (to->state == EXIT_ALREADY_SPENT && to->conflict))
		return "exit.foreign_spend";
	return NULL;
}

/* One move: state, history, and what it means for the rest. */
static int make_move(struct unit *u, struct step_run *r, struct gathered *g, const struct exit_move *m, struct err *err)
{
	const char *news = news_of(g->row.state, &m->to);

	g->row.state = m->to.state;
	g->row.live = m->live;
	g->row.checkpoint = exit_status_text(&r->arena, &m->to);
	if (exit_store_save(u, &g->row, true, r->now_ms, err) != 0 ||
	    (news && exit_store_tell(u, g->row.id, news, err) != 0) ||
	    reconcile(u, &r->arena, g, &m->to, r->now_ms, err) != 0)
		return -1;
	g->row.version++;
	g->status = m->to;
	r->changes++;
	return 0;
}

static int make_moves(struct unit *u, struct step_run *r, struct gathered *g, struct exit_move *m, struct err *err)
{
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		exit_step(&r->arena, &g->status, &g->facts, m);
		g->row.live = m->live;
		if (!m->changed)
			return 0;
		if (make_move(u, r, g, m, err) != 0)
			return -1;
		if (!m->live)
			return 0;
	}
	return ERR(err, ERR_INTERNAL, "exit %" PRId64 " does not come to rest", g->row.id);
}

void exits_has_paid(struct exits *x, struct sat more)
{
	metric_inc(x->m_children);
	if (!sat_add(x->tick_fees, more, &x->tick_fees))
		x->tick_fees = x->opt.max_fee_per_tick;
}

void exits_was_taken(struct exits *x, int64_t tx_id)
{
	x->taken[(uint64_t)tx_id % EXIT_TAKEN].tx_id = tx_id;
	x->taken[(uint64_t)tx_id % EXIT_TAKEN].at_us = clock_mono_us();
}

/* A node has it, and the follower has not looked there yet: nothing is to be sent.  What it has looked for in vain is out, and
 * is sent sooner. */
static int is_on_its_way(struct unit *u, const struct step_run *r, const struct gathered *g, size_t i, bool *ret,
			 struct err *err)
{
	int64_t id = g->txs[i].id;
	bool known = r->x->taken[(uint64_t)id % EXIT_TAKEN].tx_id == id;
	int64_t age_ms = (clock_mono_us() - r->x->taken[(uint64_t)id % EXIT_TAKEN].at_us) / 1000;
	enum tx_place place;
	struct block_ref block;
	int rc = tx_store_place(unit_view(u), &g->own[i].txid, &place, &block, err);

	*ret = known && g->own[i].status == CHILD_SENT &&
	       age_ms < (rc == 1 && place == TX_OUT ? EXIT_SOON_MS : EXIT_AGAIN_MS);
	return rc < 0 ? -1 : 0;
}

static void send_package(struct step_run *r, const struct gathered *g, size_t i)
{
	r->errand = (struct errand_order){ .kind = ERRAND_PACKAGE,
					   .exit_id = g->row.id,
					   .tx_id = g->txs[i].id,
					   .parent = g->txs[i].raw,
					   .child = g->own[i].raw,
					   .child_txid = g->own[i].txid };
}

static int first_child(struct unit *u, struct step_run *r, struct gathered *g, size_t i, struct exit_trouble *t,
		       struct err *err)
{
	struct feerate rate;
	struct payment p;
	bool known, override;

	if (pay_rate(unit_view(u), &r->terms, g->txs[i].id, &known, &rate, &override, err) != 0)
		return -1;
	if (!known) {
		*t = (struct exit_trouble){ .tag = TROUBLE_FEES_UNKNOWN };
		return 0;
	}
	if (pay_after_refusal(unit_view(u), &r->arena, &g->txs[i], &rate, err) != 0 ||
	    pay_for(u, &r->arena, &r->terms, g, i, rate, NULL, r->now_ms, &p, err) != 0)
		return -1;
	*t = p.trouble;
	if (p.made) {
		exits_has_paid(r->x, p.more);
		send_package(r, g, i);
	}
	return 0;
}

static uint32_t blocks_since(struct unit *u, const struct gathered *g, int64_t since_ms)
{
	uint32_t n = 0;

	while (n < g->facts.tip.height && n < CHAIN_BLOCKS_KEPT) {
		struct block_row b;
		struct err ignored; /* what cannot be read does not count */

		if (chain_store_block(unit_view(u), g->facts.tip.height - n, &b, &ignored) != 1 ||
		    b.time_s * 1000 <= since_ms)
			break;
		n++;
	}
	return n;
}

/* It is in the mempool: does it pay enough? */
static int look_at_own(struct unit *u, struct step_run *r, struct gathered *g, size_t i, struct exit_trouble *t,
		       struct err *err)
{
	const struct exit_child_row *own = &g->own[i];
	const struct child_replaced old = { own->fee, own->weight, r->terms.limits.incremental };
	struct feerate rate;
	struct payment p;
	bool wanted;

	if (!own->has_fee || pay_bump(unit_view(u), &r->terms, g, i, &old, true, blocks_since(u, g, own->created_at_ms),
				      &wanted, &rate, err) != 0)
		return own->has_fee ? -1 : 0;
	if (!wanted)
		return 0;
	if (pay_for(u, &r->arena, &r->terms, g, i, rate, &old, r->now_ms, &p, err) != 0)
		return -1;
	*t = p.trouble;
	if (p.made) {
		exits_has_paid(r->x, p.more);
		send_package(r, g, i);
	}
	return 0;
}

/* It is to be sent again.  What a mempool has refused because it pays too little is raised to what the node wants by now; what
 * it pays more than that already, it only tries again. */
static int send_again(struct unit *u, struct step_run *r, struct gathered *g, size_t i, struct exit_trouble *t,
		      struct err *err)
{
	const struct exit_child_row *own = &g->own[i];
	const struct child_replaced old = { own->fee, own->weight, r->terms.limits.incremental };
	struct feerate rate, now;
	struct payment p = { .made = false };
	struct sat ignored;
	bool known, override;

	if (own->has_fee && own->refusal && broadcast_fee_wanted(own->refusal, &ignored)) {
		if (pay_rate(unit_view(u), &r->terms, g->txs[i].id, &known, &rate, &override, err) != 0)
			return -1;
		if (known && feerate_of_ceil(own->fee, weight_add(g->txs[i].weight, own->weight), &now) &&
		    feerate_cmp(rate, now) > 0 &&
		    pay_for(u, &r->arena, &r->terms, g, i, rate, &old, r->now_ms, &p, err) != 0)
			return -1;
		*t = p.trouble;
	}
	if (p.made)
		metric_inc(r->x->m_children);
	if (t->tag == TROUBLE_NONE)
		send_package(r, g, i);
	return 0;
}

static int serve(struct unit *u, struct step_run *r, struct gathered *g, struct exit_trouble *t, struct err *err)
{
	size_t i = 0;
	bool waits;

	switch (exit_wants(&g->status, &g->facts, &i)) {
	case WANT_NOTHING:
		if (g->status.state == EXIT_PROCESSING && !g->facts.root_confirmed && i == 0)
			r->errand = (struct errand_order){ .kind = ERRAND_ROOT,
							   .exit_id = g->row.id,
							   .tx_id = g->txs[0].id,
							   .vtxo_id = g->vtxo.id,
							   .root = g->facts.root };
		return 0;
	case WANT_CHILD:
		return first_child(u, r, g, i, t, err);
	case WANT_SEND:
		if (is_on_its_way(u, r, g, i, &waits, err) != 0)
			return -1;
		if (!waits)
			return send_again(u, r, g, i, t, err);
		r->soon = true;
		return 0;
	case WANT_LOOK:
		/* One that is to take its place, and was not sent yet: given from elsewhere, or made by a process that died. */
		if (g->own[i].id > 0 && g->own[i].reach == REACH_NONE &&
		    !txid_equal(&g->own[i].txid, &g->facts.txs[i].payer.txid)) {
			send_package(r, g, i);
			return 0;
		}
		if (g->facts.txs[i].payer.origin == CHILD_WALLET &&
		    txid_equal(&g->own[i].txid, &g->facts.txs[i].payer.txid))
			return look_at_own(u, r, g, i, t, err);
		r->errand = (struct errand_order){ .kind = ERRAND_ENTRY,
						   .exit_id = g->row.id,
						   .tx_id = g->txs[i].id,
						   .child_txid = g->facts.txs[i].payer.txid };
		return 0;
	}
	return 0;
}

static int64_t wake_time(const struct step_run *r, const struct exit_row *row, const struct exit_trouble *t)
{
	int64_t wait = EXIT_TICK_MS;

	if (r->errand.kind == ERRAND_PACKAGE)
		wait = EXIT_AGAIN_MS;
	if (r->soon)
		wait = EXIT_SOON_MS;
	if (t->tag != TROUBLE_NONE && backoff_ms(row->attempts + 1) < wait)
		wait = backoff_ms(row->attempts + 1);
	return r->now_ms + wait;
}

/* What is known, with children as that leaves them.  1; 0: the chain is being searched; -1. */
static int gather_all(struct unit *u, struct step_run *r, struct gathered *g, struct err *err)
{
	int rc = gather(unit_view(u), &r->arena, r->exit_id, g, err);

	if (rc != 1 || !g->row.live)
		return rc;
	rc = reconcile_children(u, &r->arena, g, r->now_ms, err);
	if (rc < 0)
		return -1;
	return rc == 0 ? 1 : gather(unit_view(u), &r->arena, r->exit_id, g, err);
}

static int step_unit(struct unit *u, void *ctx, struct err *err)
{
	struct step_run *r = ctx;
	struct exit_trouble t = { .tag = TROUBLE_NONE };
	struct exit_move m;
	struct gathered g;
	int rc = gather_all(u, r, &g, err);

	if (rc < 0)
		return -1;
	r->state = g.row.state;
	if (!g.row.live)
		return 0;
	if (rc == 0) { /* the chain is being searched: nothing is decided on half of what there is */
		g.row.wake_at_ms = r->now_ms + EXIT_SOON_MS;
		return exit_store_save(u, &g.row, false, r->now_ms, err);
	}
	g.facts.final_confs = r->x->opt.final_confs;
	if (make_moves(u, r, &g, &m, err) != 0)
		return -1;
	r->state = g.row.state;
	if (r->state == EXIT_PROCESSING && !g.vtxo.alarmed && pay_deadline_is_near(&r->terms, &g) &&
	    vtxo_store_alarm(u, g.vtxo.id, err) != 0)
		return -1;
	t = m.trouble;
	if (m.live && t.tag == TROUBLE_NONE && serve(u, r, &g, &t, err) != 0)
		return -1;
	/* What a node said of a package is not forgotten before it says something else. */
	if (r->errand.kind == ERRAND_PACKAGE && t.tag == TROUBLE_NONE) {
		g.row.wake_at_ms = wake_time(r, &g.row, &t);
		rc = exit_store_save(u, &g.row, false, r->now_ms, err);
	} else {
		rc = exits_note(u, &r->arena, &g.row, &t, wake_time(r, &g.row, &t), r->now_ms, err);
	}
	if (rc == 0 && FAILPOINT("exit.step"))
		rc = ERR(err, ERR_STORAGE, "failpoint exit.step");
	return rc != 0 || m.live ? rc : reconcile_end(u, &r->arena, g.row.id, r->now_ms, err);
}

static void step_free(struct step_run *r)
{
	arena_done(&r->arena);
	free(r);
}

static void step_durable(void *ctx, const struct err *failed)
{
	struct step_run *r = ctx;
	struct exits *x = r->x;

	if (failed) {
		exits_failed(x, "exit.not_stored", failed);
	} else {
		metric_inc(x->m_steps);
		metric_add(x->m_changes, r->changes);
		x->stats.last_success_ms = r->now_ms;
		if (r->changes > 0) {
			struct log log = log_with_id("exit", exit_holder(r->exit_id).s);

			log_info(&log, "exit.state", F_STR("state", exit_state_name(r->state)));
		}
		if (r->errand.kind != ERRAND_NONE && !x->stopping)
			errand_run(x, &r->errand);
	}
	step_free(r);
}

/* What fails for one exit holds up no other: it sleeps a while. */
struct snooze {
	int64_t id, at_ms;
};
static int snooze_unit(struct unit *u, void *ctx, struct err *err)
{
	const struct snooze *s = ctx;
	SCOPED(arena) struct arena a = ARENA_LIMIT(8 << 20);
	struct exit_row row;
	int rc = exit_store_get(unit_view(u), &a, s->id, &row, err);

	if (rc != 1)
		return rc;
	row.wake_at_ms = s->at_ms + backoff_ms(row.attempts + 1);
	row.attempts++;
	return exit_store_save(u, &row, false, s->at_ms, err);
}

static void step(struct exits *x, int64_t id, int64_t now_ms)
{
	struct step_run *r = calloc(1, sizeof(*r));
	struct snooze s = { id, now_ms };
	struct err err;

	if (!r)
		err_fatal("out of memory");
	*r = (struct step_run){ .x = x, .exit_id = id, .now_ms = now_ms, .arena = ARENA_LIMIT(GATHER_ARENA) };
	r->terms = exits_terms(x);
	if (store_unit(x->opt.store, step_unit, r, step_durable, &err) == 0)
		return;
	step_free(r);
	if (err.class == ERR_CONFLICTING) {
		log_debug(&x->log, "exit.moved_elsewhere", F_INT("exit", id));
		return;
	}
	exits_failed(x, "exit.step_failed", &err);
	if (err.class != ERR_STORE && store_unit(x->opt.store, snooze_unit, &s, NULL, &err) != 0)
		exits_failed(x, "exit.not_stored", &err);
}

/* --- what is due --- */

static int wake_all_unit(struct unit *u, void *ctx, struct err *err)
{
	return exit_store_wake_all(u, *(int64_t *)ctx, err);
}

static void arm(struct exits *x, int64_t now_ms)
{
	int64_t at;
	struct err err;

	if (exit_store_next_wake(store_view(x->opt.store), now_ms, &at, &err) != 0) {
		exits_failed(x, "exit.queue_unreadable", &err);
		return;
	}
	if (at != EXIT_NO_WAKE)
		timer_start(x->wake, at - now_ms);
}

/* May anything be decided?  While blocks are searched, which others kick at every one, no exit is looked at: all would be
 * written once more, for nothing. */
static bool chain_is_known(struct exits *x)
{
	struct block_ref tip;
	struct err err;
	int rc;

	if (x->opt.knows_chain && !x->opt.knows_chain(x->opt.ctx))
		return false; /* who knows kicks */
	rc = gather_chain_is_known(store_view(x->opt.store), &tip, &err);
	if (rc < 0)
		exits_failed(x, "exit.chain_unreadable", &err);
	if (rc == 0)
		timer_start(x->wake, EXIT_SOON_MS);
	return rc == 1;
}

static void pump(void *ctx)
{
	struct exits *x = ctx;
	int64_t ids[TURN_MAX], now_ms = clock_now_ms();
	struct err err;
	int n;

	x->posted = false;
	if (x->stopping || store_health(x->opt.store) != STORE_OK || !chain_is_known(x))
		return;
	if (x->all_due) {
		x->all_due = false;
		if (store_unit(x->opt.store, wake_all_unit, &now_ms, NULL, &err) != 0)
			exits_failed(x, "exit.not_stored", &err);
		exits_pump_soon(x); /* in the next turn they are due in what is committed */
		return;
	}
	if (x->claims_due) {
		x->claims_due = false;
		claims_send(x);
	}
	n = exit_store_due(store_view(x->opt.store), now_ms, ids, TURN_MAX, &err);
	if (n < 0)
		exits_failed(x, "exit.queue_unreadable", &err);
	for (int i = 0; i < n; i++)
		step(x, ids[i], now_ms);
	if (n == TURN_MAX)
		exits_pump_soon(x);
	else
		arm(x, now_ms);
}

void exits_pump_soon(struct exits *x)
{
	if (x->posted || x->stopping)
		return;
	x->posted = true;
	/* Not by a post: the units of this turn are committed in one, and what they wrote is to be seen. */
	timer_start(x->wake, 0);
}

void exits_kick(struct exits *x)
{
	x->all_due = true;
	exits_pump_soon(x);
}

void exits_claims_kick(struct exits *x)
{
	x->claims_due = true;
	if (x->opt.sent)
		x->opt.sent(x->opt.ctx); /* for what is watched since */
	exits_kick(x);
}

void exits_run(struct exits *x)
{
	x->stats.runs++;
	x->tick_fees = (struct sat){ 0 };
	x->stats.last_run_ms = clock_now_ms();
	x->claims_due = true;
	exits_kick(x);
}
