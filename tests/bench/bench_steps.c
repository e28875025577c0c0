/* Durable steps per second: a kind that needs no peer, through the real executor and store, against plain SQLite loops that
 * update a row of the same size.  A step of ours changes the state of its action each time, which writes three rows: the
 * action, its transition, the event. */
#include <sqlite3.h>
#include <stdlib.h>

#include "actions/executor.h"
#include "tests/bench/bench.h"

/* --- the kind --- */

enum { PING = 1, PONG = 2 };

struct count {
	int64_t n;
	const char *ballast; /* as large as a checkpoint of a payment */
};

static json_t *count_save(struct step *s)
{
	const struct count *c = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	json_set_int(cp, "n", c->n);
	json_set_str(cp, "ballast", c->ballast);
	return cp;
}

static int count_load(struct step *s, const json_t *cp, struct err *err)
{
	struct count *c = ARENA_NEW(s->arena, struct count);

	s->checkpoint = c;
	if (json_get_i64(cp, "n", &c->n, err) != 0)
		return -1;
	return json_get_str(cp, "ballast", 1000, &c->ballast, err);
}

static int count_start(struct step *s, const json_t *params, struct err *err)
{
	struct count *c = ARENA_NEW(s->arena, struct count);

	(void)params;
	(void)err;
	c->ballast = arena_printf(s->arena, "%0*d", 250, 7);
	s->checkpoint = c;
	return PING;
}

static struct outcome to(struct step *s, int state)
{
	((struct count *)s->checkpoint)->n++;
	return outcome_next(state);
}

static struct outcome ping(struct step *s, const struct net_reply *rep, struct err *err)
{
	(void)rep;
	(void)err;
	return to(s, PONG);
}

static struct outcome pong(struct step *s, const struct net_reply *rep, struct err *err)
{
	(void)rep;
	(void)err;
	return to(s, PING);
}

static const struct param no_params[] = { { 0 } };
static const struct state_def count_states[] = {
	[PING] = { "ping", .reply = ping },
	[PONG] = { "pong", .reply = pong },
};
static const struct action_kind count_kind = {
	.name = "count",
	.summary = "Counts.",
	.params = no_params,
	.states = count_states,
	.n_states = PONG + 1,
	.start = count_start,
	.save = count_save,
	.load = count_load,
};
static const struct action_kind *const kinds[] = { &count_kind, NULL };

/* --- ours --- */

struct run {
	struct loop *loop;
	struct store *store;
	struct executor *ex;
};

static void flush(void *ctx)
{
	store_flush(((struct run *)ctx)->store);
}

static void flush_wanted(void *ctx)
{
	struct run *r = ctx;

	loop_post(r->loop, flush, r);
}

static void time_is_up(void *ctx)
{
	loop_stop(((struct run *)ctx)->loop);
}

static int start_one(struct unit *u, void *ctx, struct err *err)
{
	struct run *r = ctx;
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct action_request req = { .kind = "count" };
	struct action_id id;
	bool existing;
	json_t *plan;

	return executor_start(r->ex, u, &a, &req, &id, &existing, &plan, err);
}

static double steps_per_second(unsigned inflight)
{
	struct run r = { 0 };
	struct store_options opt = { .path = bench_path("steps.db"), .flush_wanted = flush_wanted, .ctx = &r };
	struct executor_stats before, after;
	struct timer *stop;
	struct http *http;
	struct err err;
	double began, took;

	bench_must(loop_new(&r.loop, &err), &err);
	bench_must(http_new(r.loop, &(struct http_options){ 0 }, &http, &err), &err);
	bench_must(store_open(&opt, &r.store, &err), &err);
	r.ex = executor_new(&(struct executor_options){ .store = r.store,
							.loop = r.loop,
							.http = http,
							.kinds = kinds,
							.max_inflight = inflight,
							.max_inflight_per_peer = inflight });
	for (unsigned i = 0; i < inflight; i++)
		bench_must(store_unit(r.store, start_one, &r, NULL, &err), &err);
	store_flush(r.store);
	executor_set_keys(r.ex, (struct keyring *)&r); /* this kind needs none */
	stop = loop_timer(r.loop, time_is_up, &r);
	timer_start(stop, 200);
	bench_must(loop_run(r.loop, &err), &err);
	executor_stats(r.ex, &before);
	timer_start(stop, (int64_t)(BENCH_SECONDS * 1000));
	began = bench_now();
	bench_must(loop_run(r.loop, &err), &err);
	took = bench_now() - began;
	executor_stats(r.ex, &after);
	timer_free(stop);
	executor_free(r.ex);
	store_close(r.store);
	http_free(http);
	loop_free(r.loop);
	remove(opt.path);
	return (double)(after.steps - before.steps) / took;
}

/* --- plain SQLite --- */

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		bench_die(sqlite3_errmsg(db));
}

static double updates_per_second(unsigned group)
{
	const char *path = bench_path("plain.db");
	sqlite3_stmt *update;
	sqlite3 *db;
	double began, took = 0;
	int64_t n = 0;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		bench_die("sqlite3_open");
	run_sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		    "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, checkpoint TEXT) STRICT;"
		    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000)"
		    " INSERT INTO t SELECT i, 0, printf('%0280d', i) FROM c");
	if (sqlite3_prepare_v2(db, "UPDATE t SET n = n + 1, checkpoint = printf('%0280d', ?1) WHERE id = 1 + ?1 % 1000",
			       -1, &update, NULL) != SQLITE_OK)
		bench_die(sqlite3_errmsg(db));
	began = bench_now();
	while (took < BENCH_SECONDS) {
		run_sql(db, "BEGIN IMMEDIATE");
		for (unsigned i = 0; i < group; i++) {
			sqlite3_bind_int64(update, 1, n++);
			if (sqlite3_step(update) != SQLITE_DONE)
				bench_die(sqlite3_errmsg(db));
			sqlite3_reset(update);
		}
		run_sql(db, "COMMIT");
		took = bench_now() - began;
	}
	sqlite3_finalize(update);
	sqlite3_close(db);
	remove(path);
	return (double)n / took;
}

int main(void)
{
	static const struct bench_case cases[] = {
		{ "plain SQLite, each update committed", "updates/s", updates_per_second, 1 },
		{ "plain SQLite, 100 updates a commit", "updates/s", updates_per_second, 100 },
		{ "walletd, 1 action in flight", "steps/s", steps_per_second, 1 },
		{ "walletd, 64 actions in flight", "steps/s", steps_per_second, 64 },
		{ "walletd, 1000 actions in flight", "steps/s", steps_per_second, 1000 },
	};

	bench_begin();
	bench_compare("Durable steps", cases, ARRAY_LEN(cases));
	bench_end();
	return 0;
}
