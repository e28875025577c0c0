#include "exit/auto.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "exit/auto_claim.h"
#include "exit/plan.h"
#include "exit/vtxo_import.h"
#include "store/chain_store.h"
#include "store/watch_store.h"

#define PAGE       200u
#define BEGIN_MAX  16u        /* exits in one pass: it holds the loop, and each takes some ms */
#define PASS_ARENA (8u << 20) /* of a page, or of one VTXO with its exit */

struct auto_exits {
	struct auto_exit_options opt;
	struct log log;
	unsigned begun; /* in this pass */
};

/* One pass: what it goes by. */
struct pass {
	struct auto_exits *x;
	struct view view;
	uint32_t tip;
	bool has_rates;
	struct fee_rates rates;
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
	free(x);
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

/* 1, 0 (also while nobody knows what it would cost), -1. */
static int is_economical(const struct pass *p, struct arena *a, const struct vtxo_row *row, struct err *err)
{
	struct plan_order order = {
		.view = p->view,
		.vtxos = &row->point,
		.n = 1,
		.limit = p->x->opt.limit,
		.margin = p->x->opt.margin,
	};
	struct exit_plan plan;

	if (!p->has_rates)
		return 0;
	order.rate = p->rates.rate[FEE_FAST];
	order.claim_rate = p->rates.rate[FEE_REGULAR];
	if (exit_plan_make(a, &order, &plan, err) != 0)
		return -1;
	return plan.vtxos[0].economical;
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
static int begin(struct auto_exits *x, const struct vtxo_row *row, bool on_chain, struct err *err)
{
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
							       : "deadline"));
	return 0;
}

static int look_at(const struct pass *p, struct vtxo_row *row, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(2 * PASS_ARENA);
	int rc = is_exiting(p, &a, row, err), on_chain;

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	on_chain = is_on_chain(p, &a, row, err);
	if (on_chain != 0)
		return on_chain < 0 ? -1 : begin(p->x, row, true, err);
	if (alarm_of(p, row, err) != 0)
		return -1;
	if (!is_wanted(p, row))
		return 0;
	rc = is_economical(p, &a, row, err);
	return rc == 1 ? begin(p->x, row, false, err) : rc;
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

static int look_at_all(const struct pass *p, struct err *err)
{
	struct vtxo_query q = { .limit = PAGE };
	struct page page = { .n = PAGE };

	while (page.n == PAGE && p->x->begun < BEGIN_MAX) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(PASS_ARENA);

		page.n = 0;
		if (vtxo_store_list(p->view, &a, &q, keep_row, &page, err) < 0)
			return -1;
		for (unsigned i = 0; i < page.n && p->x->begun < BEGIN_MAX; i++) {
			struct vtxo_row *row = &page.rows[i];
			bool open = row->state == VTXO_SPENDABLE || row->state == VTXO_LOCKED;

			if (open && look_at(p, row, err) != 0)
				return -1;
			q.after = row->id;
		}
	}
	return 0;
}

int auto_exits_run(void *auto_exits, struct err *err)
{
	struct auto_exits *x = auto_exits;
	struct pass pass = { .x = x, .view = store_view(x->opt.store) };
	struct block_row tip;
	int found = chain_store_tip(pass.view, &tip, err);

	if (found != 1)
		return found;
	x->begun = 0;
	pass.tip = tip.ref.height;
	pass.has_rates = chain_last_fees(x->opt.chain, &pass.rates, &(int64_t){ 0 });
	if (look_at_all(&pass, err) != 0)
		return -1;
	if (!x->opt.exits)
		return 0;
	return auto_claim(&(struct auto_claim_options){ x->opt.store, x->opt.chain, x->opt.exits, pass.tip }, err) < 0
		       ? -1
		       : 0;
}
