/* exit/package.c - what is given to a node, and what it says.  Implements spec/exit.md 3.5 and the network's part of 3.3.
 *
 * An errand belongs to an exit transaction, so that one that several exits need is sent once.  What it sends was stored before;
 * whether a node has it, the follower says: an answer here only tells what to do next. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "exit/internal.h"
#include "store/exit_claim_store.h"

#define DEAD_AFTER   3
#define ERRAND_ARENA (64u << 20)

struct errand {
	struct exits *x;
	struct errand *next;
	struct errand_order order;
	struct action_id guard; /* empty: let go of */
	struct chain_ask *ask;
	struct arena arena;
	bool stale; /* another child is in its place by now */
	/* what came back */
	struct err err;
	enum package_class class;
	enum broadcast_class claim;
	size_t culprit;
	const char *words;
	const char *advice; /* no node takes packages, for this reason; or NULL */
	struct chain_tx_status root;
	bool found;
	struct sat fee;
	struct weight weight;
	int64_t now_ms;
	/* what follows from it */
	struct errand_order then;
};

/* --- life --- */

static void unlink_errand(struct errand *e)
{
	struct errand **at = &e->x->errands;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
}

static void let_go(struct errand *e)
{
	if (action_id_is_empty(&e->guard))
		return;
	due_release(e->x->guard, &e->guard);
	e->guard = (struct action_id){ "" };
}

static void errand_free(struct errand *e)
{
	unlink_errand(e);
	let_go(e);
	arena_done(&e->arena);
	free(e);
}

void errands_cancel(struct exits *x)
{
	while (x->errands) {
		if (x->errands->ask)
			chain_cancel(x->errands->ask);
		errand_free(x->errands);
	}
}

unsigned errands_under_way(const struct exits *x)
{
	unsigned n = 0;

	for (const struct errand *e = x->errands; e; e = e->next)
		n++;
	return n;
}

/* --- what a node said of a package --- */

static bool is_fine(enum package_class c)
{
	return c == PACKAGE_OK || c == PACKAGE_ALREADY_KNOWN;
}

/* The child will never be taken: something else has spent what it spends.  A child that a node may have may itself be what
 * spent it, and the follower has not seen the block yet: then only a no that is said again and again counts. */
static bool child_is_dead(const struct errand *e, const struct exit_row *row, const struct exit_child_row *child)
{
	bool said = (e->class == PACKAGE_INPUTS_GONE && e->culprit == 1) || e->class == PACKAGE_TOPOLOGY;

	return said && (child->reach == REACH_NONE || row->attempts >= DEAD_AFTER);
}

/* No node has it, and none will as it is: another one has to be made, which pays more.  What a node that takes no packages
 * says of fees means nothing. */
static bool child_pays_too_little(const struct errand *e, const struct exit_child_row *child)
{
	return child->reach == REACH_NONE && !e->advice &&
	       (e->class == PACKAGE_FEE_TOO_LOW || e->class == PACKAGE_REPLACEMENT_TOO_LOW);
}

/* What the answer tells of who has it.  A no is one to this try alone. */
static enum child_reach reach_after(enum child_reach before, enum package_class c)
{
	if (is_fine(c) || c == PACKAGE_UNKNOWN)
		return REACH_MAYBE;
	return before == REACH_TRYING ? REACH_NONE : before;
}

static int judge_child(struct unit *u, struct errand *e, const struct exit_row *row, struct exit_child_row *child,
		       struct err *err)
{
	enum child_reach before = child->reach;

	child->reach = reach_after(before, e->class);
	if (is_fine(e->class)) {
		if (child->status == CHILD_SENT && child->reach == before && !child->refusal)
			return 0;
		child->status = CHILD_SENT;
		child->refusal = NULL;
		return exit_child_store_save(u, child, err);
	}
	if (child_is_dead(e, row, child) || child_pays_too_little(e, child))
		return pay_drop(u, &e->arena, child, CHILD_REJECTED, e->words, e->now_ms, err);
	if (e->class != PACKAGE_UNKNOWN)
		child->refusal = e->words;
	return exit_child_store_save(u, child, err);
}

static struct exit_trouble trouble_of(const struct errand *e, const struct exit_tx_row *tx)
{
	struct exit_trouble t = { .tag = TROUBLE_NONE, .txid = tx->txid, .words = e->words };

	if (is_fine(e->class))
		return t;
	t.tag = e->class == PACKAGE_UNSUPPORTED || e->advice ? TROUBLE_NODE_POLICY : TROUBLE_BROADCAST;
	if (e->advice)
		t.words = e->advice;
	return t;
}

/* The exits that need this transaction hear of it. */
static int tell_exits(struct unit *u, struct errand *e, const struct exit_trouble *t, struct err *err)
{
	int64_t *ids;
	size_t n;

	if (exit_tx_store_exits(unit_view(u), &e->arena, e->order.tx_id, &ids, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct exit_row row;
		int64_t wait;
		int rc = exit_store_get(unit_view(u), &e->arena, ids[i], &row, err);

		if (rc < 0)
			return -1;
		if (rc == 0 || !row.live)
			continue;
		wait = t->tag == TROUBLE_NONE ? EXIT_AGAIN_MS : backoff_ms(row.attempts + 1);
		if (exits_note(u, &e->arena, &row, t, e->now_ms + (wait < EXIT_TICK_MS ? wait : EXIT_TICK_MS),
			       e->now_ms, err) != 0)
			return -1;
	}
	return 0;
}

static int find_tx(struct view v, struct errand *e, struct exit_tx_row *ret, struct err *err)
{
	struct exit_tx_row *txs;
	size_t n;

	if (exit_tx_store_of(v, &e->arena, e->order.exit_id, &txs, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (txs[i].id == e->order.tx_id) {
			*ret = txs[i];
			return 0;
		}
	return ERR(err, ERR_INTERNAL, "an exit has lost a transaction");
}

static int package_unit(struct unit *u, struct errand *e, struct err *err)
{
	struct exit_child_row child;
	struct exit_tx_row tx;
	struct exit_trouble t;
	struct exit_row row;
	int rc = exit_child_store_active(unit_view(u), &e->arena, e->order.tx_id, &child, err);

	if (rc < 0 || exit_store_get(unit_view(u), &e->arena, e->order.exit_id, &row, err) < 0 ||
	    find_tx(unit_view(u), e, &tx, err) != 0)
		return -1;
	/* Another one is in its place by now: what was said of this one is of no use any more. */
	if (rc == 0 || !txid_equal(&child.txid, &e->order.child_txid))
		return 0;
	t = trouble_of(e, &tx);
	if (judge_child(u, e, &row, &child, err) != 0)
		return -1;
	if (FAILPOINT("exit.package_result"))
		return ERR(err, ERR_STORAGE, "failpoint exit.package_result");
	return tell_exits(u, e, &t, err);
}

/* --- what else is asked --- */

static int root_unit(struct unit *u, struct errand *e, struct err *err)
{
	if (e->err.code != ERR_NONE || e->root.place != CHAIN_CONFIRMED)
		return 0;
	if (vtxo_store_set_anchor(u, e->order.vtxo_id, &e->root.block, e->now_ms, err) != 0)
		return -1;
	return exit_store_wake(u, e->order.exit_id, e->now_ms, err);
}

/* What a stranger pays is written down with his child. */
static int keep_fee(struct unit *u, struct errand *e, struct err *err)
{
	struct exit_child_row child;
	int rc = exit_child_store_active(unit_view(u), &e->arena, e->order.tx_id, &child, err);

	if (rc != 1 || child.has_fee || !txid_equal(&child.txid, &e->order.child_txid))
		return rc < 0 ? -1 : 0;
	child.has_fee = true;
	child.fee = e->fee;
	return exit_child_store_save(u, &child, err);
}

/* A stranger pays for it: is it enough, or is it to be replaced? */
static int entry_unit(struct unit *u, struct errand *e, struct err *err)
{
	const struct pay_terms terms = exits_terms(e->x);
	const struct child_replaced old = { e->fee, e->weight, terms.limits.incremental };
	struct feerate rate;
	struct payment p;
	struct gathered g;
	size_t i = 0;
	bool wanted;
	int rc;

	if (e->err.code != ERR_NONE || !e->found)
		return 0;
	if (keep_fee(u, e, err) != 0)
		return -1;
	rc = gather(unit_view(u), &e->arena, e->order.exit_id, &g, err);
	if (rc != 1)
		return rc;
	if (exit_wants(&g.status, &g.facts, &i) != WANT_LOOK || g.txs[i].id != e->order.tx_id ||
	    !txid_equal(&g.facts.txs[i].payer.txid, &e->order.child_txid))
		return 0;
	if (pay_bump(unit_view(u), &terms, &g, i, &old, false, 0, &wanted, &rate, err) != 0)
		return -1;
	if (!wanted)
		return 0;
	if (pay_for(u, &e->arena, &terms, &g, i, rate, &old, e->now_ms, &p, err) != 0)
		return -1;
	if (!p.made)
		return exits_note(u, &e->arena, &g.row, &p.trouble, e->now_ms + EXIT_TICK_MS, e->now_ms, err);
	exits_has_paid(e->x, p.more);
	e->then = (struct errand_order){ .kind = ERRAND_PACKAGE,
					 .exit_id = g.row.id,
					 .tx_id = g.txs[i].id,
					 .parent = g.txs[i].raw,
					 .child = p.child.raw,
					 .child_txid = p.child.txid };
	return 0;
}

/* --- claims --- */

/* Who refuses it may be wrong, or late: it stays, until a block has it or something else. */
static int claim_unit(struct unit *u, struct errand *e, struct err *err)
{
	struct exit_claim_row claim;
	bool taken = e->claim == BROADCAST_OK;
	int rc = exit_claim_store_find(unit_view(u), &e->arena, &e->order.child_txid, &claim, err);

	if (rc != 1 || (claim.status != CLAIM_PREPARED && claim.status != CLAIM_SENT) || e->claim == BROADCAST_UNKNOWN)
		return rc < 0 ? -1 : 0;
	return exit_claim_store_set(u, claim.id, taken ? CLAIM_SENT : claim.status, NULL, taken ? NULL : e->words, err);
}

struct open_claims {
	struct exits *x;
	struct arena *arena;
};

static void send_claim(void *ctx, const struct exit_claim_row *row)
{
	struct open_claims *o = ctx;
	struct view v = store_view(o->x->opt.store);
	struct exit_row exit;
	int64_t *ids;
	struct err err;
	size_t n;

	if (exit_claim_store_exits(v, o->arena, row->id, &ids, &n, &err) != 0 || n == 0 ||
	    exit_store_get(v, o->arena, ids[0], &exit, &err) != 1)
		return;
	/* One that is seen is there already. */
	if (exit.state != EXIT_CLAIMABLE && row->status == CLAIM_SENT)
		return;
	errand_run(o->x, &(struct errand_order){ .kind = ERRAND_CLAIM,
						 .exit_id = ids[0],
						 .claim_id = row->id,
						 .child = row->raw,
						 .child_txid = row->txid });
}

void claims_send(struct exits *x)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ERRAND_ARENA);
	struct open_claims o = { x, &a };
	struct err err;

	if (exit_claim_store_open(store_view(x->opt.store), &a, 0, EXIT_SEND_MAX, send_claim, &o, &err) < 0)
		exits_failed(x, "exit.claims_unreadable", &err);
}

/* --- the answer --- */

static int result_unit(struct unit *u, void *ctx, struct err *err)
{
	struct errand *e = ctx;

	switch (e->order.kind) {
	case ERRAND_PACKAGE:
		return package_unit(u, e, err);
	case ERRAND_ROOT:
		return root_unit(u, e, err);
	case ERRAND_ENTRY:
		return entry_unit(u, e, err);
	case ERRAND_CLAIM:
		return claim_unit(u, e, err);
	case ERRAND_NONE:
		break;
	}
	return 0;
}

static void result_durable(void *ctx, const struct err *failed)
{
	struct errand *e = ctx;
	struct exits *x = e->x;
	struct errand_order then = e->then;
	bool sent = (e->order.kind == ERRAND_PACKAGE && is_fine(e->class)) ||
		    (e->order.kind == ERRAND_CLAIM && e->claim == BROADCAST_OK);

	if (failed)
		exits_failed(x, "exit.not_stored", failed);
	if (e->order.kind == ERRAND_PACKAGE && is_fine(e->class))
		exits_was_taken(x, e->order.tx_id);
	/* The errand's own place is free before what follows takes one; its bytes are copied first. */
	let_go(e);
	if (!failed && then.kind != ERRAND_NONE && !x->stopping)
		errand_run(x, &then);
	errand_free(e);
	exits_pump_soon(x);
	if (sent && x->opt.sent)
		x->opt.sent(x->opt.ctx);
}

static void read_answer(struct errand *e, const struct chain_answer *got)
{
	e->err = got->err;
	switch (e->order.kind) {
	case ERRAND_PACKAGE:
		e->class = got->package.class;
		e->culprit = got->package.culprit;
		e->words = arena_strdup(&e->arena, got->package.words ? got->package.words : "");
		if (!is_fine(e->class))
			e->advice = exits_advice(e->x, &e->arena);
		break;
	case ERRAND_ROOT:
		if (got->err.code == ERR_NONE)
			e->root = got->status;
		break;
	case ERRAND_ENTRY:
		e->found = got->err.code == ERR_NONE && got->found;
		if (e->found) {
			e->fee = got->entry.fee;
			e->weight = got->entry.weight;
			if (weight_vsize(e->weight) == 0)
				e->weight = (struct weight){ 4 * got->entry.vsize };
			e->found = weight_vsize(e->weight) > 0;
		}
		break;
	case ERRAND_CLAIM:
		e->claim = got->broadcast.class;
		e->words = arena_strdup(&e->arena, got->broadcast.words ? got->broadcast.words : "");
		break;
	case ERRAND_NONE:
		break;
	}
}

static void note_package(struct exits *x, const struct errand *e)
{
	struct log log = log_with_id("exit", exit_holder(e->order.exit_id).s);
	char child[TXID_TEXT];

	txid_text(&e->order.child_txid, child);
	metric_inc(is_fine(e->class) ? x->m_sent : x->m_refused);
	if (!is_fine(e->class))
		exits_refresh_limits(x); /* the next try is to know what the node wants */
	if (is_fine(e->class))
		log_info(&log, "exit.package_taken", F_STR("child", child));
	else
		log_warn(&log, "exit.package_refused", F_STR("child", child),
			 F_STR("class", package_class_name(e->class)), F_STR("words", e->words));
}

static void note_claim(const struct errand *e)
{
	struct log log = log_with_id("exit", exit_holder(e->order.exit_id).s);
	char txid[TXID_TEXT];

	txid_text(&e->order.child_txid, txid);
	if (e->claim == BROADCAST_OK)
		log_info(&log, "exit.claim_taken", F_STR("claim", txid));
	else
		log_warn(&log, "exit.claim_refused", F_STR("claim", txid),
			 F_STR("class", broadcast_class_name(e->claim)), F_STR("words", e->words));
}

static void answered(void *ctx, const struct chain_answer *got)
{
	struct errand *e = ctx;
	struct exits *x = e->x;
	struct err err;

	e->ask = NULL;
	e->now_ms = clock_now_ms();
	read_answer(e, got);
	if (e->order.kind == ERRAND_PACKAGE)
		note_package(x, e);
	if (e->order.kind == ERRAND_CLAIM)
		note_claim(e);
	if (store_unit(x->opt.store, result_unit, e, result_durable, &err) == 0)
		return;
	if (err.class != ERR_CONFLICTING)
		exits_failed(x, "exit.not_stored", &err);
	errand_free(e);
}

/* --- the question --- */

static struct chain_ask *ask_package(struct errand *e, struct err *err)
{
	struct tx parent, child;
	const struct tx *both[] = { &parent, &child };

	if (tx_decode(&e->arena, e->order.parent, &parent, err) != 0 ||
	    tx_decode(&e->arena, e->order.child, &child, err) != 0)
		return NULL;
	if (FAILPOINT("exit.send")) {
		ERR(err, ERR_PEER_DOWN, "failpoint exit.send");
		return NULL;
	}
	return chain_ask_package(e->x->opt.chain, both, 2, (struct chain_then){ answered, e });
}

static struct chain_ask *ask(struct errand *e, struct err *err)
{
	const struct chain_then then = { answered, e };
	struct tx claim;

	switch (e->order.kind) {
	case ERRAND_PACKAGE:
		return ask_package(e, err);
	case ERRAND_ROOT:
		return chain_ask_status(e->x->opt.chain, &e->order.root, 0, then);
	case ERRAND_ENTRY:
		return chain_ask_entry(e->x->opt.chain, &e->order.child_txid, then);
	case ERRAND_CLAIM:
		if (tx_decode(&e->arena, e->order.child, &claim, err) != 0)
			return NULL;
		return chain_ask_broadcast(e->x->opt.chain, &claim, then);
	case ERRAND_NONE:
		break;
	}
	ERR(err, ERR_INTERNAL, "an errand of nothing");
	return NULL;
}

static void go(struct errand *e)
{
	struct err err;

	e->ask = ask(e, &err);
	if (e->ask)
		return;
	exits_failed(e->x, "exit.not_sent", &err);
	errand_free(e);
}

/* --- that it is tried: durable before it is --- */

static int try_unit(struct unit *u, void *ctx, struct err *err)
{
	struct errand *e = ctx;
	struct exit_child_row child;
	int rc = exit_child_store_active(unit_view(u), &e->arena, e->order.tx_id, &child, err);

	if (rc < 0)
		return -1;
	e->stale = rc == 0 || !txid_equal(&child.txid, &e->order.child_txid);
	if (e->stale || child.reach == REACH_MAYBE)
		return 0;
	/* A try whose outcome was never written: who made it has died.  What a node says to the next one is no answer to it. */
	child.reach = child.reach == REACH_TRYING ? REACH_MAYBE : REACH_TRYING;
	return exit_child_store_save(u, &child, err);
}

static void try_durable(void *ctx, const struct err *failed)
{
	struct errand *e = ctx;

	if (failed)
		exits_failed(e->x, "exit.not_stored", failed);
	if (failed || e->stale || e->x->stopping)
		errand_free(e);
	else
		go(e);
}

void errand_run(struct exits *x, const struct errand_order *o)
{
	struct action_id guard = exit_child_holder(o->tx_id);
	struct errand *e;
	struct err err;

	if (o->kind == ERRAND_CLAIM)
		snprintf(guard.s, sizeof(guard.s), "claim:%" PRId64, o->claim_id);

	if (!due_claim(x->guard, &guard))
		return; /* it is under way, or there are many: the next tick */
	e = calloc(1, sizeof(*e));
	if (!e)
		err_fatal("out of memory");
	*e = (struct errand){ .x = x, .next = x->errands, .order = *o, .guard = guard };
	e->arena = ARENA_LIMIT(ERRAND_ARENA);
	e->order.parent = arena_bytes(&e->arena, o->parent);
	e->order.child = arena_bytes(&e->arena, o->child);
	x->errands = e;
	if (o->kind != ERRAND_PACKAGE) {
		go(e);
	} else if (store_unit(x->opt.store, try_unit, e, try_durable, &err) != 0) {
		exits_failed(x, "exit.not_stored", &err);
		errand_free(e);
	}
}
