#include "actions/waiters.h"

#include <stdlib.h>

struct waiter {
	struct waiters *home;
	struct action_id id;
	bool until_done, told, timed_out;
	struct timer *deadline;
	void (*done)(void *ctx, bool timed_out);
	void *ctx;
	struct waiter *next, *prev;
};

/* RPC connections are capped, and so are waiters: a list is short enough. */
struct waiters {
	struct loop *loop;
	struct waiter *first;
	unsigned n;
};

struct waiters *waiters_new(struct loop *loop)
{
	struct waiters *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->loop = loop;
	return w;
}

static void report(void *ctx)
{
	struct waiter *x = ctx;
	void (*done)(void *, bool) = x->done;
	void *done_ctx = x->ctx;
	bool timed_out = x->timed_out;

	waiter_cancel(x);
	done(done_ctx, timed_out);
}

static void tell(struct waiter *x, bool timed_out)
{
	if (x->told)
		return;
	x->told = true;
	x->timed_out = timed_out;
	loop_post(x->home->loop, report, x);
}

static void deadline_passed(void *ctx)
{
	tell(ctx, true);
}

struct waiter *waiters_add(struct waiters *w, const struct action_id *id, bool until_done, int64_t timeout_ms,
			   void (*done)(void *ctx, bool timed_out), void *ctx)
{
	struct waiter *x = calloc(1, sizeof(*x));

	if (!x)
		abort();
	*x = (struct waiter){
		.home = w, .id = *id, .until_done = until_done, .done = done, .ctx = ctx, .next = w->first
	};
	if (w->first)
		w->first->prev = x;
	w->first = x;
	w->n++;
	x->deadline = loop_timer(w->loop, deadline_passed, x);
	timer_start(x->deadline, timeout_ms);
	return x;
}

void waiter_cancel(struct waiter *x)
{
	if (x->told)
		loop_unpost(x->home->loop, report, x);
	timer_free(x->deadline);
	if (x->prev)
		x->prev->next = x->next;
	else
		x->home->first = x->next;
	if (x->next)
		x->next->prev = x->prev;
	x->home->n--;
	free(x);
}

void waiters_free(struct waiters *w)
{
	if (!w)
		return;
	while (w->first)
		waiter_cancel(w->first);
	free(w);
}

void waiters_tell(struct waiters *w, const struct action_id *id, bool ended)
{
	for (struct waiter *x = w->first; x; x = x->next)
		if ((ended || !x->until_done) && action_id_equal(&x->id, id))
			tell(x, false);
}

unsigned waiters_count(const struct waiters *w)
{
	return w->n;
}

void waiters_each(struct waiters *w, void (*fn)(void *ctx, const struct action_id *id), void *ctx)
{
	for (struct waiter *x = w->first; x; x = x->next)
		fn(ctx, &x->id);
}
