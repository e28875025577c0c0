#include "exit/auto.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "exit/auto_claim.h"
#include "exit/plan_look.h"
#include "exit/vtxo_import.h"
#include "store/chain_store.h"
#include "store/watch_store.h"

#define PAGE       200u
#define BEGIN_MAX  16u        /* exits in one pass: it holds the loop, and each takes some ms */
#define PASS_ARENA (8u << 20) /* of a page, or of one VTXO with its exit */

/* VTXOs that are to be put on chain if they are worth it, while a node is asked what that costs. */
struct wanted {
	struct outpoint at[PAGE];
	unsigned n;
	int64_t more_after; /* by number: the rest comes after this one; 0: there is none */
};

struct auto_exits {
	struct auto_exit_options opt;
	struct log log;
	unsigned begun; /* in this pass */
	struct wanted wanted;
	struct plan_look *look; /* or NULL */
};

/* One pass: what it goes by. */
struct pass {
	struct auto_exits *x;
	struct view view;
	uint32_t tip;
	bool has_rates;
	struct fee_rates rates;
	bool collects;            /* what is wanted; else what was is being asked for */
	const struct txid *mined; /* n_mined of them, as the chain has said */
	size_t n_mined;
	bool asked; /* and it has answered */
};

struct auto_exits *auto_exits_new(const struct auto_exit_options *opt)
{
	struct auto_exits *x = calloc(1, sizeof(*x));

	if (!x)
		err_fatal("out of memory");
	x->opt = *opt;
	x->log = log_module("exit");
	return x;
}

void auto_exits_free(struct auto_exits *x)
{
	if (x)
		plan_look_cancel(x->look);
	free(x);
}

bool auto_exits_is_asking(const struct auto_exits *x)
{
	return x->look != NULL;
}

/* --- which ones --- */

/* 1, 0, -1. */
static int is_exiting(const struct pass *p, struct arena *a, const struct vtxo_row *row, struct err *err)
{
	struct exit_row exit;
	int found = exit_store_find(p->view, a, &row->point, &exit, err);

	return found == 1 ? exit.live : found;
}

/* Has the network its own transaction?  1, 0, -1. */
static int is_on_chain(const struct pass *p, struct arena *a, const struct vtxo_row *row, struct err *err)
{
	char watcher[VTXO_WATCHER_MAX];
	struct hit_row *hits;
	size_t n;

	vtxo_watcher(row->id, watcher);
	if (watch_store_hits(p->view, a, watcher, &hits, &n, err) != 0)
		return -1;
	/* The same key may be in the script of others. */
	for (size_t i = 0; i < n; i++)
		if (txid_equal(&hits[i].txid, &row->point.txid) && hits[i].n == row->point.vout)
			return 1;
	return 0;
}

static bool is_wanted(const struct pass *p, const struct vtxo_row *row)
{
	switch (p->x->opt.policy) {
	case AUTO_EXIT_OFF:
		return false;
	case AUTO_EXIT_LOST:
		return row->server_lost_ms != 0;
	case AUTO_EXIT_ON:
		return row->server_lost_ms != 0 || exit_deadline(row, p->x->opt.margin) <= (int64_t)p->tip;
	}
	return false;
}

static struct plan_order order_of(const struct pass *p, const struct outpoint *at, size_t n)
{
	return (struct plan_order){
		.view = p->view,
		.vtxos = at,
		.n = n,
		.rate = p->rates.rate[FEE_FAST],
		.claim_rate = p->rates.rate[FEE_REGULAR],
		.limit = p->x->opt.limit,
		.margin = p->x->opt.margin,
		.mined = p->mined,
		.n_mined = p->n_mined,
	};
}

/* 1, 0, -1. */
static int is_economical(const struct pass *p, struct arena *a, const struct vtxo_row *row, struct err *err)
{
	const struct plan_order order = order_of(p, &row->point, 1);
	struct exit_plan plan;

	return exit_plan_make(a, &order, &plan, err) != 0 ? -1 : plan.vtxos[0].economical;
}

/* --- beginning --- */

struct beginning {
	struct auto_exits *x;
	struct exit_order order;
	int64_t id;
	int begun;
};

static void tell(void *auto_exits, const struct err *failed)
{
	const struct auto_exits *x = auto_exits;

	if (!failed && x->opt.begun)
		x->opt.begun(x->opt.ctx);
}

static int begin_unit(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(PASS_ARENA);
	struct beginning *b = ctx;

	b->begun = exit_start(u, &a, &b->order, clock_now_ms(), &b->id, err);
	if (b->begun == 1)
		unit_after(u, tell, b->x);
	return b->begun < 0 ? -1 : 0;
}

static int alarm_unit(struct unit *u, void *ctx, struct err *err)
{
	const struct vtxo_row *row = ctx;

	return vtxo_store_alarm(u, row->id, err);
}

/* Its exit must begin now, whether it does or not. */
static int alarm_of(const struct pass *p, struct vtxo_row *row, struct err *err)
{
	if (row->alarmed || exit_deadline(row, p->x->opt.margin) > (int64_t)p->tip)
		return 0;
	return store_unit(p->x->opt.store, alarm_unit, row, NULL, err);
}

/* What is refused stays as it is: an action has it, or nodes would not relay its exit. */
static int begin(const struct pass *p, const struct vtxo_row *row, bool on_chain, struct err *err)
{
	struct auto_exits *x = p->x;
	struct beginning b = { .x = x, .order = { .vtxo = row->point, .allow_non_standard = on_chain } };
	char id[OUTPOINT_TEXT];

	outpoint_text(&row->point, id);
	if (store_unit(x->opt.store, begin_unit, &b, NULL, err) != 0) {
		if (err_class_of(err->code) == ERR_STORE)
			return -1;
		log_debug(&x->log, "exit.auto_refused", F_STR("vtxo", id), F_STR("error", err->msg));
		return 0;
	}
	x->begun += b.begun == 1;
	if (b.begun == 1)
		log_info(&x->log, "exit.auto_begun", F_STR("vtxo", id),
			 F_STR("reason", on_chain              ? "on_chain"
					 : row->server_lost_ms ? "server_lost"
							       : "deadline"),
			 F_BOOL("chain_asked", p->asked));
	return 0;
}

/* Without rates nobody knows what it would cost. */
static void want(const struct pass *p, const struct vtxo_row *row)
{
	struct wanted *w = &p->x->wanted;

	if (!p->collects || !p->has_rates || !is_wanted(p, row) || w->more_after)
		return;
	w->at[w->n++] = row->point;
	if (w->n == PAGE)
		w->more_after = row->id;
}

static int look_at(const struct pass *p, struct vtxo_row *row, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(2 * PASS_ARENA);
	int rc = is_exiting(p, &a, row, err), on_chain;

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	on_chain = is_on_chain(p, &a, row, err);
	if (on_chain != 0)
		return on_chain < 0 ? -1 : begin(p, row, true, err);
	if (alarm_of(p, row, err) != 0)
		return -1;
	want(p, row);
	return 0;
}

static bool is_open(const struct vtxo_row *row)
{
	return row->state == VTXO_SPENDABLE || row->state == VTXO_LOCKED;
}

/* --- the pass --- */

struct page {
	struct vtxo_row rows[PAGE];
	unsigned n;
};

static void keep_row(void *ctx, const struct vtxo_row *row)
{
	struct page *page = ctx;

	page->rows[page->n++] = *row;
}

/* Those after this number. */
static int look_at_all(const struct pass *p, int64_t after, struct err *err)
{
	struct vtxo_query q = { .after = after, .limit = PAGE };
	struct page page = { .n = PAGE };

	while (page.n == PAGE && p->x->begun < BEGIN_MAX) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(PASS_ARENA);

		page.n = 0;
		if (vtxo_store_list(p->view, &a, &q, keep_row, &page, err) < 0)
			return -1;
		for (unsigned i = 0; i < page.n && p->x->begun < BEGIN_MAX; i++) {
			struct vtxo_row *row = &page.rows[i];

			if (is_open(row) && look_at(p, row, err) != 0)
				return -1;
			q.after = row->id;
		}
	}
	return 0;
}

/* 1, 0 where no block is known, -1. */
static int pass_begin(struct auto_exits *x, struct pass *ret, struct err *err)
{
	struct block_row tip;
	int found;

	*ret = (struct pass){ .x = x, .view = store_view(x->opt.store), .collects = x->look == NULL };
	found = chain_store_tip(ret->view, &tip, err);
	if (found != 1)
		return found;
	x->begun = 0;
	ret->tip = tip.ref.height;
	ret->has_rates = chain_last_fees(x->opt.chain, &ret->rates, &(int64_t){ 0 });
	return 1;
}

/* --- what it costs --- */

/* It may have changed while a node was asked. */
static int decide_one(const struct pass *p, const struct outpoint *at, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(2 * PASS_ARENA);
	struct vtxo_row row;
	int rc = vtxo_store_find(p->view, &a, at, &row, err);

	if (rc != 1 || !is_open(&row) || !is_wanted(p, &row))
		return rc < 0 ? -1 : 0;
	rc = is_exiting(p, &a, &row, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = is_economical(p, &a, &row, err);
	return rc == 1 ? begin(p, &row, false, err) : rc;
}

static int decide(const struct pass *p, struct err *err)
{
	struct wanted *w = &p->x->wanted;

	for (unsigned i = 0; i < w->n && p->x->begun < BEGIN_MAX; i++)
		if (decide_one(p, &w->at[i], err) != 0)
			return -1;
	return 0;
}

static int ask(struct pass *p, int64_t after, struct err *err);

static int decide_all(struct auto_exits *x, const struct txid *mined, size_t n, bool asked, struct err *err)
{
	struct pass p;
	int rc = pass_begin(x, &p, err);

	if (rc != 1 || !p.has_rates)
		return rc < 0 ? -1 : 0;
	p.mined = mined;
	p.n_mined = n;
	p.asked = asked;
	if (decide(&p, err) != 0)
		return -1;
	/* Where enough have begun, the next pass is to run soon. */
	return x->wanted.more_after && x->begun < BEGIN_MAX ? ask(&p, x->wanted.more_after, err) : 0;
}

static void tell_unasked(const struct auto_exits *x, const struct err *why)
{
	log_warn(&x->log, "exit.auto_unasked", F_UINT("vtxos", x->wanted.n), F_ERR(why));
}

static void mined_told(void *ctx, const struct txid *mined, size_t n, const struct err *unasked)
{
	struct auto_exits *x = ctx;
	struct err err;

	x->look = NULL;
	if (unasked->code != ERR_NONE)
		tell_unasked(x, unasked);
	if (decide_all(x, mined, n, unasked->code == ERR_NONE, &err) != 0)
		log_error(&x->log, "exit.auto_undecided", F_ERR(&err));
}

/* Looks at what is there, and asks for what is wanted of it. */
static int ask(struct pass *p, int64_t after, struct err *err)
{
	struct auto_exits *x = p->x;
	struct plan_order order;
	int rc;

	if (p->collects)
		x->wanted = (struct wanted){ .n = 0 };
	if (look_at_all(p, after, err) != 0)
		return -1;
	if (!p->collects || x->wanted.n == 0)
		return 0;
	order = order_of(p, x->wanted.at, x->wanted.n);
	rc = plan_look_new(x->opt.chain, &order, (struct plan_look_then){ mined_told, x }, &x->look, err);
	if (rc > 0)
		return 0;
	if (rc < 0 && err_class_of(err->code) == ERR_STORE)
		return -1;
	if (rc < 0)
		tell_unasked(x, err); /* they have too many transactions to be asked for together */
	return decide_all(x, NULL, 0, rc == 0, err);
}

/* --- the task --- */

int auto_exits_run(void *auto_exits, struct err *err)
{
	struct auto_exits *x = auto_exits;
	struct pass pass;
	int found = pass_begin(x, &pass, err);

	if (found != 1)
		return found;
	if (ask(&pass, 0, err) != 0)
		return -1;
	if (!x->opt.exits)
		return 0;
	return auto_claim(&(struct auto_claim_options){ x->opt.store, x->opt.chain, x->opt.exits, pass.tip }, err) < 0
		       ? -1
		       : 0;
}
