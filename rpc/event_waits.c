#include "rpc/event_waits.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/event_store.h"

/* With shared state another daemon's commits tell us nothing: ask the file now and then. */
#define POLL_MS 1000

struct event_wait {
	struct event_waits *owner;
	void (*grown)(void *ctx, bool stopping);
	void *ctx;
	bool quiet;
	struct event_wait *prev, *next;
};

struct event_waits {
	struct loop *loop;
	struct store *store;
	struct timer *poll;
	struct event_wait *first;
	struct event_wait *at; /* the next one to tell, while telling */
	int64_t seen;
	bool posted, stopping;
};

static void tell(struct event_waits *w)
{
	for (struct event_wait *x = w->first; x; x = w->at) {
		w->at = x->next;
		if (!x->quiet || w->stopping)
			x->grown(x->ctx, w->stopping);
	}
	w->at = NULL;
}

static void look(void *ctx)
{
	struct event_waits *w = ctx;
	int64_t last;
	struct err err;

	w->posted = false;
	/* A store that cannot be read has its own alarm; the next commit or poll looks again. */
	if (!w->first || event_last_seq(store_view(w->store), &last, &err) != 0 || last == w->seen)
		return;
	w->seen = last;
	tell(w);
}

static void poll_passed(void *ctx)
{
	struct event_waits *w = ctx;

	if (!w->first)
		return;
	look(w);
	timer_start(w->poll, POLL_MS);
}

struct event_waits *event_waits_new(struct loop *loop, struct store *store)
{
	struct event_waits *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->loop = loop;
	w->store = store;
	w->poll = loop_timer(loop, poll_passed, w);
	return w;
}

void event_waits_free(struct event_waits *w)
{
	if (!w)
		return;
	while (w->first)
		event_wait_remove(w->first);
	loop_unpost(w->loop, look, w);
	timer_free(w->poll);
	free(w);
}

static struct event_wait *add(struct event_waits *w, void (*grown)(void *ctx, bool stopping), void *ctx, bool quiet)
{
	struct event_wait *x = calloc(1, sizeof(*x));

	if (!x)
		abort();
	*x = (struct event_wait){ .owner = w, .grown = grown, .ctx = ctx, .quiet = quiet, .next = w->first };
	if (w->first)
		w->first->prev = x;
	w->first = x;
	return x;
}

struct event_wait *event_waits_add_quiet(struct event_waits *w, void (*told)(void *ctx, bool stopping), void *ctx)
{
	return add(w, told, ctx, true);
}

struct event_wait *event_waits_add(struct event_waits *w, void (*grown)(void *ctx, bool stopping), void *ctx)
{
	struct event_wait *x = add(w, grown, ctx, false);

	/* What was committed before it came is in what it has read already, or will be seen by this look. */
	event_waits_look(w);
	if (!timer_is_started(w->poll))
		timer_start(w->poll, POLL_MS);
	return x;
}

void event_wait_remove(struct event_wait *x)
{
	struct event_waits *w;

	if (!x)
		return;
	w = x->owner;
	if (w->at == x)
		w->at = x->next;
	if (x->next)
		x->next->prev = x->prev;
	if (x->prev)
		x->prev->next = x->next;
	else
		w->first = x->next;
	free(x);
}

void event_waits_look(struct event_waits *w)
{
	if (w->posted || !w->first)
		return;
	w->posted = true;
	loop_post(w->loop, look, w);
}

void event_waits_stop(struct event_waits *w)
{
	w->stopping = true;
	tell(w);
}
