#include "tests/support/turns.h"

#include <check.h>
#include <time.h>

#define REST    3   /* turns */
#define AT_ONCE 100 /* so many turns are taken without a pause: most of what a test waits for takes less than a ms */

/* The real one: base/clock's passes as a test says. */
static int64_t real_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct turns {
	struct loop *loop;
	struct timer *next;
	bool (*holds)(void *ctx);
	void *ctx;
	int64_t until_us;
	unsigned n, wanted, held;
};

static void look(void *ctx)
{
	struct turns *t = ctx;

	t->held = t->holds && t->holds(t->ctx) ? t->held + 1 : 0;
	if (t->held == t->wanted || real_us() >= t->until_us)
		loop_stop(t->loop);
	else
		timer_start(t->next, ++t->n < AT_ONCE ? 0 : 1);
}

static bool run(struct turns *t, int64_t ms)
{
	struct err err;

	t->until_us = real_us() + ms * INT64_C(1000);
	t->next = loop_timer(t->loop, look, t);
	timer_start(t->next, 0);
	if (loop_run(t->loop, &err) != 0)
		ck_abort_msg("the loop: %s", err.msg);
	timer_free(t->next);
	return t->held == t->wanted;
}

bool turns_until(struct loop *loop, bool (*holds)(void *ctx), void *ctx, int64_t ms)
{
	return run(&(struct turns){ .loop = loop, .holds = holds, .ctx = ctx, .wanted = 1 }, ms);
}

void turns_must(struct loop *loop, bool (*holds)(void *ctx), void *ctx, int64_t ms)
{
	ck_assert_msg(turns_until(loop, holds, ctx, ms), "nothing happens any more");
}

void turns_rest(struct loop *loop, bool (*at_rest)(void *ctx), void *ctx, int64_t ms)
{
	ck_assert_msg(run(&(struct turns){ .loop = loop, .holds = at_rest, .ctx = ctx, .wanted = REST }, ms),
		      "it does not come to rest");
}
