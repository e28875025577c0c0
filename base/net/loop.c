/* The loop is libevent's, turned by hand: one event_base_loop() pass, then the posts.  Posts live in an array of ours
 * and not in libevent, because a durable step posts several times and must not pay a system call or an event for it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/net/loop.h"

struct post {
	void (*fn)(void *ctx); /* NULL: taken back */
	void *ctx;
};

struct posts {
	struct post *p;
	size_t n, size;
};

struct loop {
	struct event_base *base;
	struct posts waiting; /* for the end of this turn */
	struct posts running; /* being run; what they post goes to waiting */
	bool in_run, stopping;
	uint64_t turns;
	int64_t timers_us; /* spent in timers this turn */
	int64_t worst_us;
	struct metric *lag;
};

struct timer {
	struct loop *loop;
	struct event *ev;
	void (*fn)(void *ctx);
	void *ctx;
	int64_t due_us; /* by clock_mono_us() */
};

static void *must_alloc(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

int loop_new(struct loop **ret, struct err *err)
{
	struct event_config *cfg = must_alloc(event_config_new());
	struct event_base *base;
	struct loop *loop;
	int flags = EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV;

	base = event_config_set_flag(cfg, flags) == 0 ? event_base_new_with_config(cfg) : NULL;
	event_config_free(cfg);
	if (base == NULL)
		return ERR(err, ERR_IO, "cannot make an event loop: %s", strerror(errno));
	loop = must_alloc(calloc(1, sizeof(*loop)));
	loop->base = base;
	loop->lag = metric_duration("walletd_loop_lag_seconds", "", "How long a turn of the event loop took.");
	*ret = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	assert(!loop->in_run);
	event_base_free(loop->base);
	free(loop->waiting.p);
	free(loop->running.p);
	free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

void loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	struct posts *w = &loop->waiting;

	if (w->n == w->size) {
		w->size = w->size == 0 ? 64 : w->size * 2;
		w->p = must_alloc(reallocarray(w->p, w->size, sizeof(*w->p)));
	}
	w->p[w->n++] = (struct post){ fn, ctx };
}

static void posts_take_back(struct posts *posts, void (*fn)(void *ctx), void *ctx)
{
	for (size_t i = 0; i < posts->n; i++)
		if (posts->p[i].fn == fn && posts->p[i].ctx == ctx)
			posts->p[i].fn = NULL;
}

void loop_unpost(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	posts_take_back(&loop->waiting, fn, ctx);
	posts_take_back(&loop->running, fn, ctx);
}

static void run_posts(struct loop *loop)
{
	struct posts round = loop->waiting;

	loop->waiting = loop->running;
	loop->running = round;
	for (size_t i = 0; i < loop->running.n; i++) {
		struct post p = loop->running.p[i];

		if (p.fn != NULL)
			p.fn(p.ctx);
	}
	loop->running.n = 0;
}

static int64_t cpu_us(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts); /* cannot fail on Linux */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int turn(struct loop *loop)
{
	bool poll_only = loop->waiting.n > 0;
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY | (poll_only ? EVLOOP_NONBLOCK : 0);
	int64_t start = poll_only ? clock_mono_us() : cpu_us(), end, held;

	loop->timers_us = 0;
	if (event_base_loop(loop->base, flags) < 0)
		return -1;
	end = clock_mono_us();
	held = (poll_only ? end : cpu_us()) - start;
	if (held < loop->timers_us)
		held = loop->timers_us;
	if (loop->waiting.n > 0) {
		run_posts(loop);
		held += clock_mono_us() - end;
	}
	if (held > loop->worst_us)
		loop->worst_us = held;
	metric_observe(loop->lag, (uint64_t)held);
	loop->turns++;
	return 0;
}

int loop_run(struct loop *loop, struct err *err)
{
	int rc = 0;

	assert(!loop->in_run);
	loop->in_run = true;
	loop->stopping = false;
	while (rc == 0 && !loop->stopping)
		rc = turn(loop);
	loop->in_run = false;
	return rc == 0 ? 0 : ERR(err, ERR_IO, "the event loop cannot wait: %s", strerror(errno));
}

void loop_stop(struct loop *loop)
{
	/* No event_base_loopbreak(): the events that are active now belong to this turn and run to its end. */
	loop->stopping = true;
}

uint64_t loop_turns(const struct loop *loop)
{
	return loop->turns;
}

int64_t loop_take_lag_us(struct loop *loop)
{
	int64_t worst = loop->worst_us;

	loop->worst_us = 0;
	return worst;
}

static void arm(struct timer *t, int64_t us)
{
	struct timeval tv = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };

	if (event_add(t->ev, &tv) != 0)
		abort(); /* only when out of memory */
}

static void timer_fire(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;
	struct loop *loop = t->loop;
	int64_t start = clock_mono_us();

	(void)fd;
	(void)what;
	/* libevent counts from its cached, coarse time: from the start of the turn that armed the timer. */
	if (start < t->due_us) {
		arm(t, t->due_us - start);
		return;
	}
	t->fn(t->ctx); /* may free t */
	loop->timers_us += clock_mono_us() - start;
}

struct timer *loop_timer(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	struct timer *t = must_alloc(calloc(1, sizeof(*t)));

	*t = (struct timer){ .loop = loop, .fn = fn, .ctx = ctx };
	t->ev = must_alloc(evtimer_new(loop->base, timer_fire, t));
	return t;
}

void timer_start(struct timer *t, int64_t ms)
{
	int64_t now = clock_mono_us();

	if (ms < 0)
		ms = 0;
	if (ms > TIMER_MAX_MS)
		ms = TIMER_MAX_MS;
	t->due_us = now + ms * 1000;
	arm(t, ms * 1000);
}

void timer_stop(struct timer *t)
{
	if (event_del(t->ev) != 0)
		abort(); /* only for an event that was never made */
}

bool timer_is_started(const struct timer *t)
{
	return event_pending(t->ev, EV_TIMEOUT, NULL) != 0;
}

void timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	event_free(t->ev);
	free(t);
}
