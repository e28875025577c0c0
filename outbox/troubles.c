/* outbox/troubles.c - what of the outbox needs a person, for the attention list of `status`: counts, and the oldest few. */
#include <inttypes.h>
#include <string.h>

#include "outbox/directive_states.h"
#include "outbox/doctor.h"
#include "rails/evm/action.h"

#define OLDEST_SHOWN 5
#define PAGE         1000 /* directives that are looked at for this */

struct list {
	struct outbox *ob;
	struct arena *a;
	struct outbox_trouble found[OUTBOX_TROUBLES_MAX];
	size_t n;
	unsigned left_out;
};

/* The last place is kept for how many did not find one. */
static void add(struct list *l, enum outbox_severity severity, const char *kind, const char *what, const char *next,
		const char *id)
{
	struct outbox_trouble *t = &l->found[l->n];

	if (l->n == OUTBOX_TROUBLES_MAX - 1) {
		l->left_out++;
		return;
	}
	*t = (struct outbox_trouble){ severity, kind, what, next, id };
	l->n++;
}

static void add_finding(struct list *l, const struct finding *f)
{
	if (f->kind)
		add(l, f->severity, f->kind, f->what, f->next, NULL);
}

/* --- directives --- */

struct waiting {
	struct list *list;
	struct directive_row oldest[OLDEST_SHOWN];
	unsigned n_oldest, n;
};

/* What was abandoned has been decided. */
static void one_waits(void *ctx, const struct directive_row *row)
{
	struct waiting *w = ctx;

	if (directive_domain_status(row) != DOMAIN_PENDING_MANUAL_REVIEW)
		return;
	w->n++;
	if (w->n_oldest < OLDEST_SHOWN)
		w->oldest[w->n_oldest++] = directive_row_copy(w->list->a, row);
}

static const char *next_of(const struct directive_row *row)
{
	return row->status == DELIVERY_MANUAL
		       ? "directive.resolve with action=recheck, dry_run=true and a reason: it tells what is allowed"
		       : "directive.retry with a reason; directive.resolve with action=recheck, dry_run=true and a reason"
			 " tells what else is allowed";
}

static const char *kind_of(enum delivery_status s)
{
	return s == DELIVERY_MANUAL     ? "manual_reconciliation"
	       : s == DELIVERY_REVERTED ? "directive_reverted"
					: "directive_dead_lettered";
}

static void add_directive(struct list *l, const struct directive_row *row)
{
	add(l, directive_is_withdrawal(row) ? OUTBOX_CRITICAL : OUTBOX_WARNING, kind_of(row->status),
	    arena_printf(l->a, "%s of %s is %s (%s): %s", row->action_key, row->id, delivery_status_name(row->status),
			 row->reason_class ? row->reason_class : "no reason", row->last_error ? row->last_error : ""),
	    next_of(row), row->id);
}

/* One page of directives in these statuses; *ret_more: there are others that were not looked at. */
static int look(struct waiting *w, const enum delivery_status *statuses, size_t n, const char *action_key,
		bool *ret_more, struct err *err)
{
	SCOPED(arena) struct arena own = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	struct directive_query q = { .statuses = statuses, .n_statuses = n, .action_key = action_key, .limit = PAGE };
	int64_t cursor;

	if (directive_store_list(store_view(w->list->ob->opt.store), &own, &q, one_waits, w, &cursor, err) < 0)
		return -1;
	*ret_more = cursor != 0;
	return 0;
}

static void add_waiting(const struct waiting *w)
{
	for (unsigned i = 0; i < w->n_oldest; i++)
		add_directive(w->list, &w->oldest[i]);
}

static int add_manual(struct list *l, uint64_t total, struct err *err)
{
	static const enum delivery_status statuses[] = { DELIVERY_MANUAL };
	struct waiting w = { .list = l };
	bool more;

	if (total == 0)
		return 0;
	if (look(&w, statuses, ARRAY_LEN(statuses), NULL, &more, err) != 0)
		return -1;
	if (total > w.n_oldest)
		add(l, OUTBOX_CRITICAL, "manual_reconciliation",
		    arena_printf(l->a, "%" PRIu64 " directives wait for manual reconciliation; the oldest follow.",
				 total),
		    "directive.list with status=manual_reconciliation", NULL);
	add_waiting(&w);
	return 0;
}

/* Withdrawals that were given up: somebody's money.  Others that failed have told their account so. */
static int add_given_up(struct list *l, const char *action_key, struct err *err)
{
	static const enum delivery_status statuses[] = { DELIVERY_REVERTED, DELIVERY_DEAD_LETTERED };
	struct waiting w = { .list = l };
	bool more;

	if (look(&w, statuses, ARRAY_LEN(statuses), action_key, &more, err) != 0)
		return -1;
	if (w.n > w.n_oldest || more)
		add(l, OUTBOX_CRITICAL, "withdrawals_given_up",
		    arena_printf(l->a, "%u%s directives %s were given up and wait for a person; the oldest follow.",
				 w.n, more ? " or more" : "", action_key),
		    "directive.list with status=attention", NULL);
	add_waiting(&w);
	return 0;
}

static int look_at_directives(struct list *l, struct err *err)
{
	uint64_t tally[DELIVERY_COUNT];
	const struct evm_action *actions;
	size_t n;

	if (directive_store_tally(store_view(l->ob->opt.store), 0, tally, err) != 0 ||
	    add_manual(l, tally[DELIVERY_MANUAL], err) != 0)
		return -1;
	if (tally[DELIVERY_REVERTED] + tally[DELIVERY_DEAD_LETTERED] == 0)
		return 0;
	actions = evm_actions(&n);
	for (size_t i = 0; i < n; i++)
		if (actions[i].withdrawal && add_given_up(l, actions[i].key, err) != 0)
			return -1;
	return 0;
}

/* --- chains, spaces, lanes --- */

/* Configured, and not in the store, because its key never was there: a locked wallet is told of by `status`. */
static void add_new_key(struct list *l, const struct key_source *k, const char *whose)
{
	struct finding f;

	if (k->trouble.code == ERR_NONE)
		return;
	key_examine(k, whose, l->a, &f);
	add_finding(l, &f);
}

static void look_at_new_keys(struct list *l)
{
	for (size_t i = 0; i < l->ob->n_spaces; i++)
		if (l->ob->spaces[i]->id == 0)
			add_new_key(l, &l->ob->spaces[i]->key, "a new space");
	for (size_t i = 0; i < l->ob->n_chains; i++)
		for (size_t k = 0; k < l->ob->chains[i]->n_lanes; k++)
			if (l->ob->chains[i]->lanes[k]->id == 0)
				add_new_key(l, &l->ob->chains[i]->lanes[k]->key, "a new lane");
}

static void look_at_chains(struct list *l)
{
	for (size_t i = 0; i < l->ob->n_chains; i++) {
		struct finding f;

		chain_examine(l->ob->chains[i], l->a, &f);
		add_finding(l, &f);
	}
}

static int look_at_spaces(struct list *l, struct err *err)
{
	struct space_row *rows;
	size_t n;

	if (space_store_list(store_view(l->ob->opt.store), l->a, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct space_health h;

		if (space_examine(l->ob, l->a, &rows[i], &h, err) != 0)
			return -1;
		add_finding(l, &h.finding);
	}
	return 0;
}

static int look_at_lanes(struct list *l, struct err *err)
{
	struct lane_row *rows;
	size_t n;

	if (lane_store_list(store_view(l->ob->opt.store), l->a, 0, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct lane_health h;

		if (lane_examine(l->ob, l->a, &rows[i], &h, err) != 0)
			return -1;
		/* A locked wallet is told once, by the spaces that have work. */
		if (!h.finding.kind || strcmp(h.finding.kind, "signer_locked") != 0)
			add_finding(l, &h.finding);
	}
	return 0;
}

/* Stable: of one severity in the order they were found. */
static void sort(const struct list *l, struct outbox_trouble *to)
{
	size_t at = 0;

	for (enum outbox_severity severity = OUTBOX_CRITICAL; severity <= OUTBOX_INFO; severity++)
		for (size_t i = 0; i < l->n; i++)
			if (l->found[i].severity == severity)
				to[at++] = l->found[i];
}

int outbox_troubles(struct outbox *ob, struct arena *a, struct outbox_trouble **ret, size_t *n, struct err *err)
{
	struct list *l = ARENA_NEW(a, struct list);
	struct outbox_trouble *sorted;

	l->ob = ob;
	l->a = a;
	look_at_chains(l);
	look_at_new_keys(l);
	if (look_at_spaces(l, err) != 0 || look_at_lanes(l, err) != 0 || look_at_directives(l, err) != 0)
		return -1;
	if (l->left_out > 0) {
		struct outbox_trouble *last = &l->found[l->n++];

		last->severity = OUTBOX_CRITICAL;
		last->kind = "more_troubles";
		last->what = arena_printf(a, "%u more of the outbox are not listed.", l->left_out);
		last->next = "outbox.lanes, outbox.spaces";
	}
	sorted = ARENA_ARRAY(a, l->n, struct outbox_trouble);
	sort(l, sorted);
	*ret = sorted;
	*n = l->n;
	return 0;
}
