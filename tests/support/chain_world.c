#include "tests/support/chain_world.h"

struct chain_world cw;

void chain_world_setup(void)
{
	struct http_options none = { 0 };
	struct err err;

	cw = (struct chain_world){ .arena = ARENA_LIMIT(64 * 1024 * 1024) };
	ck_assert_int_eq(loop_new(&cw.loop, &err), 0);
	ck_assert_int_eq(http_new(cw.loop, &none, &cw.http, &err), 0);
	cw.opts = (struct chain_options){
		.loop = cw.loop,
		.http = cw.http,
		.network = NETWORK_REGTEST,
		.kind = CHAIN_BITCOIND,
		.backends = cw.backends,
		.timeout_ms = 5000,
	};
}

void chain_world_teardown(void)
{
	chain_source_free(cw.source);
	http_free(cw.http);
	loop_free(cw.loop);
	arena_done(&cw.arena);
}

void chain_world_open(void)
{
	struct err err;

	ck_assert_msg(chain_source_new(&cw.opts, &cw.source, &err) == 0, "%s", err.msg);
}

struct wait {
	struct err err;
	void (*look)(const struct chain_answer *got);
	unsigned answers;
};

static void on_answer(void *ctx, const struct chain_answer *got)
{
	struct wait *w = ctx;

	w->answers++;
	w->err = got->err;
	if (w->look != NULL)
		w->look(got);
	loop_stop(cw.loop);
}

struct err chain_world_wait(struct chain_ask *(*ask)(struct chain_then then),
			    void (*look)(const struct chain_answer *got))
{
	struct wait w = { .look = look };
	struct err err;

	ck_assert_ptr_nonnull(ask((struct chain_then){ on_answer, &w }));
	ck_assert_uint_eq(w.answers, 0);
	ck_assert_int_eq(loop_run(cw.loop, &err), 0);
	ck_assert_uint_eq(w.answers, 1);
	ck_assert_uint_eq(chain_in_flight(cw.source), 0);
	return w.err;
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(cw.loop);
}

void chain_world_run_for(int64_t ms)
{
	struct timer *t = loop_timer(cw.loop, stop, NULL);
	struct err err;

	timer_start(t, ms);
	ck_assert_int_eq(loop_run(cw.loop, &err), 0);
	timer_free(t);
}
