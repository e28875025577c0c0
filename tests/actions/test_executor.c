/* The executor with kinds of the test's own.  Kind "work" does what its parameter `do` spells, one letter a step, and each
 * step that got through leaves one "effect" event: counting those tells what happened, and how often. */
#include "actions/executor.h"

#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "store/event_store.h"
#include "store/wallet_store.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/http_peer.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define NOW_MS INT64_C(1700000000000)

static struct {
	struct scratch disk;
	struct loop *loop;
	struct http *http;
	struct http_peer *peer;
	struct executor *ex;
	struct arena arena;
	const char *url; /* where asking goes */
	bool shared;
} w;
static struct err e, *err = &e;

/* --- the kinds --- */

enum { LOCAL = 1, ASK, COUNTED };

struct work {
	int at, tries;
	int64_t until_ms;
	const char *todo;
};

/* What the test may change while things run. */
static struct {
	bool gate;                           /* is what 'g' waits for there? */
	bool no_cancel;                      /* cancel refuses */
	bool cancel_undoes;                  /* cancel goes to 'u' first */
	void (*meanwhile)(struct step *s);   /* runs inside of 'g', after it has looked */
	unsigned asking, most_asking;        /* requests under way */
	unsigned asking_of[26], most_of[26]; /* by the last letter of the peer */
	int runs;                            /* 'r' and 'A' are not re-entrant: they count their runs */
	const char *order[64];               /* kinds, as their steps ran */
	unsigned n_order;
} play;

static json_t *work_save(struct step *s)
{
	const struct work *k = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	json_set_str(cp, "do", k->todo);
	json_set_int(cp, "at", k->at);
	json_set_int(cp, "tries", k->tries);
	json_set_int(cp, "until_ms", k->until_ms);
	return cp;
}

static int work_load(struct step *s, const json_t *cp, struct err *er)
{
	struct work *k = ARENA_NEW(s->arena, struct work);
	int64_t at, tries;

	if (json_get_str(cp, "do", 64, &k->todo, er) != 0 || json_get_i64(cp, "at", &at, er) != 0 ||
	    json_get_i64(cp, "tries", &tries, er) != 0 || json_get_i64(cp, "until_ms", &k->until_ms, er) != 0)
		return -1;
	k->at = (int)at;
	k->tries = (int)tries;
	s->checkpoint = k;
	return 0;
}

static int state_of(const struct work *k)
{
	switch (k->todo[k->at]) {
	case 'a':
	case 'A':
	case 'e':
	case '-':
		return ASK;
	case 'q':
		return COUNTED;
	}
	return LOCAL;
}

static struct outcome trouble(struct err *er, enum err_code code, const char *msg)
{
	ERR(er, code, "%s", msg);
	return outcome_trouble(er);
}

/* Leaves an effect, and on to the next letter. */
static struct outcome go_on(struct step *s, struct err *er)
{
	struct work *k = s->checkpoint;

	if (event_append(s->unit, "effect", arena_printf(s->arena, "%s/%d", s->row.id.s, k->at), "{}", er) != 0)
		return outcome_trouble(er);
	k->at++;
	return outcome_next(state_of(k));
}

static struct outcome start_child(struct step *s, struct err *er)
{
	struct work *k = s->checkpoint;
	json_t *params = json_object_in(s->arena);
	struct action_id id;

	json_set_str(params, "do", "lad");
	if (step_start_child(s, "work", params, &id, er) != 0)
		return outcome_trouble(er);
	k->at++;
	return outcome_park(LOCAL, ACTION_NO_WAKE);
}

static struct outcome wait_child(struct step *s, struct err *er)
{
	unsigned living;

	if (action_store_children(s->view, &s->row.id, &living, er) != 0)
		return outcome_trouble(er);
	return living > 0 ? outcome_park(LOCAL, ACTION_NO_WAKE) : go_on(s, er);
}

static struct outcome wait_gate(struct step *s, struct err *er)
{
	bool open = play.gate;

	if (play.meanwhile)
		play.meanwhile(s);
	return open ? go_on(s, er) : outcome_park(LOCAL, ACTION_NO_WAKE);
}

static struct outcome wait_time(struct step *s, struct err *er)
{
	struct work *k = s->checkpoint;

	if (k->until_ms == 0)
		k->until_ms = s->now_ms + 10000;
	return s->now_ms < k->until_ms ? outcome_park(LOCAL, k->until_ms) : go_on(s, er);
}

static struct outcome done(struct step *s)
{
	json_t *result = json_object_in(s->arena);

	json_set_int(result, "tries", ((struct work *)s->checkpoint)->tries);
	return outcome_done(result);
}

static struct outcome local_reply(struct step *s, const struct net_reply *rep, struct err *er)
{
	struct work *k = s->checkpoint;

	ck_assert_ptr_null(rep);
	if (play.n_order < ARRAY_LEN(play.order))
		play.order[play.n_order++] = s->kind->name;
	switch (k->todo[k->at]) {
	case 'l':
	case 'u':
		return go_on(s, er);
	case 'g':
		return wait_gate(s, er);
	case 't':
		return wait_time(s, er);
	case 'c':
		return start_child(s, er);
	case 'w':
		return wait_child(s, er);
	case 'r':
		k->tries = ++play.runs;
		return go_on(s, er);
	case 'f':
		ERR(er, ERR_FUNDS, "too poor");
		return outcome_failed(er, "no");
	case 'i':
		return trouble(er, ERR_PARSE, "what is this");
	case 'b':
		return trouble(er, ERR_INTERNAL, "a mistake of ours");
	case 's':
		return trouble(er, ERR_STORAGE, "the store fails");
	}
	return done(s); /* 'd', or nothing left to do */
}

static int ask_enter(struct step *s, struct net_request *ret, struct err *er)
{
	const struct work *k = s->checkpoint;

	ck_assert_ptr_null(s->unit);
	if (k->todo[k->at] == 'e')
		return ERR(er, ERR_KEYSET_UNKNOWN, "no such keyset");
	if (k->todo[k->at] == '-')
		return NOTHING_TO_ASK;
	*ret = (struct net_request){ .method = "GET", .url = w.url, .timeout_ms = 2000 };
	if (k->todo[k->at] == 'A')
		ret->url = arena_printf(s->arena, "%s?%d", w.url, ++play.runs);
	if (++play.asking > play.most_asking)
		play.most_asking = play.asking;
	if (s->row.peer) {
		unsigned p = (unsigned)s->row.peer[strlen(s->row.peer) - 1] - 'a';

		if (++play.asking_of[p] > play.most_of[p])
			play.most_of[p] = play.asking_of[p];
	}
	return 0;
}

static struct outcome ask_reply(struct step *s, const struct net_reply *rep, struct err *er)
{
	if (!rep)
		return go_on(s, er);
	play.asking--;
	if (s->row.peer)
		play.asking_of[s->row.peer[strlen(s->row.peer) - 1] - 'a']--;
	if (rep->outcome != NET_ANSWERED)
		return trouble(er, rep->outcome == NET_UNKNOWN ? ERR_TIMEOUT : ERR_PEER_DOWN, rep->detail);
	if (rep->status == 200)
		return go_on(s, er);
	ERR(er,
	    rep->status >= 500   ? ERR_PEER_DOWN
	    : rep->status == 429 ? ERR_PEER_BUSY
				 : ERR_PEER,
	    "status %d", rep->status);
	er->retry_after_s = rep->retry_after_s;
	return outcome_trouble(er);
}

static int count_try(struct step *s, struct err *er)
{
	(void)er;
	ck_assert_ptr_nonnull(s->unit);
	((struct work *)s->checkpoint)->tries++;
	return 0;
}

static struct outcome work_cancel(struct step *s, struct err *er)
{
	struct work *k = s->checkpoint;

	if (play.no_cancel)
		return trouble(er, ERR_NOT_CANCELLABLE, "too late");
	if (play.cancel_undoes) {
		k->todo = "uf";
		k->at = 0;
		return outcome_next(LOCAL);
	}
	ERR(er, ERR_CANCELLED, "cancelled");
	return outcome_cancelled(er);
}

static int work_start(struct step *s, const json_t *params, struct err *er)
{
	struct work *k = ARENA_NEW(s->arena, struct work);
	const char *id = NULL;

	if (json_get_str(params, "do", 64, &k->todo, er) != 0 ||
	    json_opt_str(params, "peer", 64, &s->row.peer, er) != 0 || json_opt_str(params, "id", 63, &id, er) != 0)
		return -1;
	if (id) {
		struct action_row row;

		if (!action_id_parse(id, &s->row.id))
			return ERR(er, ERR_PARAM, "id");
		if (action_store_get(s->view, s->arena, &s->row.id, &row, er) == 0)
			return ERR(er, ERR_EXISTS, "started before");
	}
	s->checkpoint = k;
	json_set_int(s->plan, "steps", (int64_t)strlen(k->todo));
	return event_append(s->unit, "started", s->row.id.s, "{}", er) == 0 ? state_of(k) : -1;
}

static const char *work_explain(struct step *s)
{
	return arena_printf(s->arena, "at %d", ((struct work *)s->checkpoint)->at);
}

static json_t *work_progress(struct step *s, bool secrets)
{
	return secrets ? work_save(s) : NULL;
}

static const struct param work_params[] = {
	{ .name = "do", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .help = "One letter for each step." },
	{ .name = "peer", .type = PARAM_STRING, .help = "Whom to count the requests for." },
	{ .name = "id", .type = PARAM_STRING, .help = "The identity of the work." },
	{ 0 },
};

static const struct state_def work_states[] = {
	[LOCAL] = { "local", .reply = local_reply, .cancellable = true },
	[ASK] = { "ask", .enter = ask_enter, .reply = ask_reply, .uncertain = true },
	[COUNTED] = { "counted", .prepare = count_try, .enter = ask_enter, .reply = ask_reply },
};

#define WORK                                                                                                           \
	.summary = "Does as it is told.", .params = work_params, .states = work_states, .n_states = COUNTED + 1,       \
	.start = work_start, .save = work_save, .load = work_load

static const struct action_kind work_kind = {
	.name = "work", WORK, .cancel = work_cancel, .explain = work_explain, .progress = work_progress
};
static const struct action_kind other_kind = { .name = "other", WORK };
static const struct action_kind inner_kind = { .name = "inner", WORK, .internal = true };
static const struct action_kind locked_kind = { .name = "locked", WORK, .needs_keys = true };

/* One that has something to say about trouble. */
static struct outcome hooked_retry(struct step *s, const struct err *why, struct err *er)
{
	struct work *k = s->checkpoint;

	k->tries++;
	if (k->tries == 3)
		return trouble(er, ERR_INTERNAL, "the hook itself");
	return outcome_park_error(s->row.state, s->now_ms + 77, why);
}

static struct outcome hooked_rejection(struct step *s, const struct err *why, struct err *er)
{
	struct work *k = s->checkpoint;

	ck_assert_int_eq(why->class, ERR_REJECTED);
	k->todo = "lf";
	k->at = 0;
	(void)er;
	return outcome_next(LOCAL);
}

static const struct action_kind hooked_kind = {
	.name = "hooked", WORK, .on_retry = hooked_retry, .on_rejection = hooked_rejection
};
static const struct action_kind *const kinds[] = {
	&work_kind, &other_kind, &inner_kind, &locked_kind, &hooked_kind, NULL,
};

/* --- the world --- */

static void flush(void *ctx)
{
	(void)ctx;
	store_flush(w.disk.store);
}

static void flush_wanted(void *ctx)
{
	loop_post(w.loop, flush, ctx);
}

static void executor_start_up(void)
{
	static int keys;

	w.ex = executor_new(&(struct executor_options){ .store = w.disk.store,
							.loop = w.loop,
							.http = w.http,
							.kinds = kinds,
							.max_inflight = 256,
							.max_inflight_per_peer = 16,
							.shared = w.shared });
	executor_set_keys(w.ex, (struct keyring *)&keys); /* no kind here looks into it */
}

/* All but the disk. */
static void world_start(void)
{
	struct store_options opt = { .path = w.disk.path, .flush_wanted = flush_wanted, .shared = w.shared };

	store_close(w.disk.store);
	OK(store_open(&opt, &w.disk.store, err));
	OK(loop_new(&w.loop, err));
	OK(http_new(w.loop, &(struct http_options){ 0 }, &w.http, err));
	w.peer = http_peer_new(w.loop, NULL);
	http_peer_on(w.peer, &(struct peer_script){ .path = "/act" });
	w.url = http_peer_url(w.peer, "/act");
	w.arena = ARENA_LIMIT(8 * 1024 * 1024);
	executor_start_up();
}

static void world_end(void)
{
	executor_free(w.ex);
	store_flush(w.disk.store);
	http_peer_free(w.peer);
	http_free(w.http);
	loop_unpost(w.loop, flush, NULL);
	loop_free(w.loop);
	arena_done(&w.arena);
}

static void setup(void)
{
	faulty_vfs_install();
	clock_set_for_test(NOW_MS);
	scratch_open(&w.disk);
	world_start();
}

static void teardown(void)
{
	world_end();
	scratch_close(&w.disk);
}

static void peer_says(int status, const char *headers, int64_t delay_ms)
{
	http_peer_on(w.peer, &(struct peer_script){
				     .path = "/act", .status = status, .headers = headers, .delay_ms = delay_ms });
}

/* --- starting and looking --- */

struct starting {
	const char *kind, *params;
	bool dry_run, existing;
	struct action_id id;
	json_t *plan;
};

static int start_unit(struct unit *u, void *ctx, struct err *er)
{
	struct starting *s = ctx;
	struct action_request req = { .kind = s->kind, .dry_run = s->dry_run };

	ck_assert_int_eq(json_parse(&w.arena, bytes_of(s->params), 4, &req.params, er), 0);
	return executor_start(w.ex, u, &w.arena, &req, &s->id, &s->existing, &s->plan, er);
}

static struct action_id start_params(const char *kind, const char *params)
{
	struct starting s = { .kind = kind, .params = params };

	OK(store_unit_now(w.disk.store, start_unit, &s, err));
	executor_kick(w.ex, &s.id);
	return s.id;
}

static struct action_id start_of(const char *kind, const char *todo)
{
	return start_params(kind, arena_printf(&w.arena, "{\"do\":\"%s\"}", todo));
}

static struct action_id start(const char *todo)
{
	return start_of("work", todo);
}

static struct action_row row_of(const struct action_id *id)
{
	struct action_row row;

	OK(action_store_get(store_view(w.disk.store), &w.arena, id, &row, err));
	return row;
}

struct effects {
	const char *subject;
	unsigned n;
};

static void count_effect(void *ctx, const struct event *ev)
{
	struct effects *f = ctx;

	f->n += !f->subject || strcmp(ev->subject, f->subject) == 0;
}

/* Of an action's step, or of all when id is NULL. */
static unsigned effects(const struct action_id *id, int at)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024 * 1024);
	struct effects f = { id ? arena_printf(&a, "%s/%d", id->s, at) : NULL, 0 };
	int64_t cursor = 0, was;

	do {
		was = cursor;
		OK(event_list(store_view(w.disk.store), &a, cursor, "effect", 1000, count_effect, &f, &cursor, err));
	} while (cursor != was);
	return f.n;
}

/* --- running --- */

static bool (*wanted)(void);
static struct timer *look_timer;
static int looks;

static void look(void *ctx)
{
	(void)ctx;
	if (wanted())
		loop_stop(w.loop);
	else if (++looks > 5000)
		ck_abort_msg("nothing happens any more");
	else
		timer_start(look_timer, 1);
}

static void run_until(bool (*cond)(void))
{
	wanted = cond;
	looks = 0;
	look_timer = loop_timer(w.loop, look, NULL);
	timer_start(look_timer, 0);
	OK(loop_run(w.loop, err));
	timer_free(look_timer);
}

static int quiet_looks;

static bool is_quiet(void)
{
	unsigned due;

	OK(action_store_backlog(store_view(w.disk.store), clock_now_ms(), 1, &due, err));
	quiet_looks = executor_idle(w.ex) && due == 0 ? quiet_looks + 1 : 0;
	return quiet_looks > 2;
}

/* Until nothing is in flight and nothing due. */
static void settle(void)
{
	quiet_looks = 0;
	run_until(is_quiet);
}

static bool is_idle(void)
{
	return executor_idle(w.ex);
}

static bool is_asking(void)
{
	return play.asking > 0;
}

/* Time passes, and whatever has become due is driven. */
static void pass(int64_t ms)
{
	clock_set_for_test(clock_now_ms() + ms);
	executor_run(w.ex);
	settle();
}

static struct executor_stats stats(void)
{
	struct executor_stats s;

	executor_stats(w.ex, &s);
	return s;
}

/* --- outcomes --- */

START_TEST(next_until_done)
{
	struct action_id id = start("lalqld");
	struct action_row row;

	settle();
	row = row_of(&id);
	ck_assert_int_eq(row.status, ACTION_DONE);
	ck_assert_str_eq(row.result, "{\"tries\":1}");
	ck_assert_str_eq(row.funds_moved, "yes");
	ck_assert_ptr_null(row.error_kind);
	for (int at = 0; at < 5; at++)
		ck_assert_uint_eq(effects(&id, at), 1);
	ck_assert_uint_eq(http_peer_requests(w.peer, "/act"), 2);
	ck_assert_uint_eq(stats().steps, 6);
	ck_assert_uint_eq(stats().inflight, 0);
}
END_TEST

START_TEST(park_until_kicked)
{
	struct action_id id = start("lgd");

	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_PARKED);
	ck_assert_int_eq(row_of(&id).wake_at_ms, ACTION_NO_WAKE);
	pass(1000000);
	ck_assert_int_eq(row_of(&id).version, 2); /* nobody has touched it */
	executor_kick(w.ex, &id);
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_PARKED); /* an early call is harmless */
	play.gate = true;
	executor_kick(w.ex, &id);
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(park_until_a_time)
{
	struct action_id id = start("td");

	settle();
	ck_assert_int_eq(row_of(&id).wake_at_ms, NOW_MS + 10000);
	pass(9999);
	ck_assert_int_eq(row_of(&id).status, ACTION_PARKED);
	pass(1);
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(a_timer_wakes_what_parks_for_a_moment)
{
	struct action_id id;

	clock_set_for_test(-1);
	id = start("td");
	settle();
	scratch_sql(&w.disk, "UPDATE action SET wake_at_ms = wake_at_ms - 9950,"
			     " checkpoint = json_set(checkpoint, '$.until_ms', 1)");
	executor_run(w.ex);
	run_until(is_idle);
	ck_assert_int_eq(row_of(&id).status, ACTION_PARKED);
	settle();
	while (row_of(&id).status != ACTION_DONE) /* no run, no kick: only the timer that the pump has set */
		settle();
}
END_TEST

START_TEST(failed)
{
	struct action_id id = start("lf");
	struct action_row row;

	settle();
	row = row_of(&id);
	ck_assert_int_eq(row.status, ACTION_FAILED);
	ck_assert_str_eq(row.error_kind, "insufficient_funds");
	ck_assert_str_eq(row.error_msg, "too poor");
	ck_assert_str_eq(row.funds_moved, "no");
}
END_TEST

START_TEST(nothing_to_ask)
{
	struct action_id id = start("-d");

	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
	ck_assert_uint_eq(http_peer_requests(w.peer, NULL), 0);
}
END_TEST

START_TEST(every_change_is_an_event)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct action_transition *t;
	struct effects f = { 0 };
	struct action_id id = start("llad");
	int64_t cursor;
	size_t n;

	settle();
	/* local, local is one state; local to ask is a change, and so are ask to local, and the end. */
	OK(action_store_transitions(store_view(w.disk.store), &a, row_of(&id).seq, &t, &n, err));
	ck_assert_uint_eq(n, 4);
	OK(event_list(store_view(w.disk.store), &a, 0, "action.*", 100, count_effect, &f, &cursor, err));
	ck_assert_uint_eq(f.n, 4);
	OK(event_list(store_view(w.disk.store), &a, 0, "action.started,action.done", 100, count_effect, &f, &cursor,
		      err));
	ck_assert_uint_eq(f.n, 4 + 2);
}
END_TEST

/* --- trouble --- */

static const int64_t backoffs_ms[] = { 1000, 4000, 9000, 16000 };

START_TEST(retries_back_off)
{
	struct action_id id;
	struct action_row row;

	peer_says(503, NULL, 0);
	id = start("ad");
	for (size_t i = 0; i < ARRAY_LEN(backoffs_ms); i++) {
		settle();
		row = row_of(&id);
		ck_assert_int_eq(row.status, ACTION_UNCERTAIN);
		ck_assert_str_eq(row.error_kind, "peer_unavailable");
		ck_assert_uint_eq(row.attempts, i + 1);
		ck_assert_int_eq(row.wake_at_ms, clock_now_ms() + backoffs_ms[i]);
		pass(backoffs_ms[i] - 1);
		ck_assert_uint_eq(http_peer_requests(w.peer, NULL), i + 1);
		clock_set_for_test(clock_now_ms() + 1);
		executor_run(w.ex);
	}
	peer_says(200, NULL, 0);
	settle();
	pass(25000);
	row = row_of(&id);
	ck_assert_int_eq(row.status, ACTION_DONE);
	ck_assert_uint_eq(row.attempts, 0);
	ck_assert_uint_eq(effects(&id, 0), 1);
}
END_TEST

START_TEST(the_back_off_ends_at_ten_minutes)
{
	struct action_id id;

	peer_says(503, NULL, 0);
	id = start("ad");
	settle();
	scratch_sql(&w.disk, "UPDATE action SET attempts = 1000");
	pass(1000);
	ck_assert_int_eq(row_of(&id).wake_at_ms, clock_now_ms() + 600000);
}
END_TEST

START_TEST(a_peer_may_ask_for_more_time)
{
	struct action_id id;

	peer_says(429, "Retry-After: 50\r\n", 0);
	id = start("ad");
	settle();
	ck_assert_int_eq(row_of(&id).wake_at_ms, NOW_MS + 50000);
	ck_assert_str_eq(row_of(&id).error_kind, "peer_busy");
}
END_TEST

static const struct {
	const char *name;
	const char *todo;
	struct peer_script script;
	enum action_status status;
} unknowns[] = {
	{ "reset in a state that may have acted",
	  "ad",
	  { .path = "/act", .raw = "", .end = PEER_RESET },
	  ACTION_UNCERTAIN },
	{ "reset in a state that only asks", "qd", { .path = "/act", .raw = "", .end = PEER_RESET }, ACTION_UNCERTAIN },
	{ "an answer in a state that only asks", "qd", { .path = "/act", .status = 500 }, ACTION_PARKED },
};

START_TEST(an_unknown_outcome_shows)
{
	struct action_id id;

	http_peer_on(w.peer, &unknowns[_i].script);
	id = start(unknowns[_i].todo);
	settle();
	ck_assert_msg(row_of(&id).status == unknowns[_i].status, "%s", unknowns[_i].name);
}
END_TEST

START_TEST(each_attempt_is_counted_before_it_is_sent)
{
	struct action_id id;

	peer_says(503, NULL, 0);
	id = start("qd");
	settle();
	pass(1000);
	peer_says(200, NULL, 0);
	pass(4000);
	ck_assert_str_eq(row_of(&id).result, "{\"tries\":3}");
	ck_assert_uint_eq(http_peer_requests(w.peer, NULL), 3);
}
END_TEST

START_TEST(a_rejection_ends_it)
{
	struct action_id id;
	struct action_row row;

	peer_says(400, NULL, 0);
	id = start("lad");
	settle();
	row = row_of(&id);
	ck_assert_int_eq(row.status, ACTION_FAILED);
	ck_assert_str_eq(row.error_kind, "peer_rejected");
	ck_assert_str_eq(row.funds_moved, "no");
	ck_assert_uint_eq(effects(&id, 1), 0);
}
END_TEST

START_TEST(a_rejection_is_the_kinds_to_judge)
{
	struct action_id id;

	peer_says(400, NULL, 0);
	id = start_of("hooked", "ad");
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_FAILED);
	ck_assert_str_eq(row_of(&id).error_kind, "insufficient_funds"); /* of the 'f' that the hook went to */
	ck_assert_uint_eq(effects(&id, 0), 1);
}
END_TEST

START_TEST(a_retry_is_the_kinds_to_shape)
{
	struct action_id id;

	peer_says(503, NULL, 0);
	id = start_of("hooked", "ad");
	settle();
	ck_assert_int_eq(row_of(&id).wake_at_ms, NOW_MS + 77);
	ck_assert_ptr_nonnull(strstr(row_of(&id).checkpoint, "\"tries\":1"));
}
END_TEST

/* A hook's own trouble must not hold up all the others, nor be repeated in a loop. */
START_TEST(a_hook_that_fails_parks_its_action_alone)
{
	struct action_id id, other;
	struct action_row row;

	peer_says(503, NULL, 0);
	id = start_of("hooked", "ad");
	settle();
	pass(77);
	pass(77);
	other = start("ld");
	settle();
	ck_assert_int_eq(row_of(&other).status, ACTION_DONE);
	row = row_of(&id);
	ck_assert_str_eq(row.error_kind, "internal");
	ck_assert_uint_eq(row.attempts, 3);
	ck_assert_int_eq(row.wake_at_ms, clock_now_ms() + 9000);
	ck_assert_ptr_nonnull(strstr(row.checkpoint, "\"tries\":2")); /* what the hook did is gone */
}
END_TEST

static const struct {
	const char *todo, *kind;
} mistakes[] = { { "bd", "internal" }, { "id", "parse_error" }, { "ed", "unknown_keyset" } };

START_TEST(a_mistake_of_ours_parks)
{
	struct action_id id = start(mistakes[_i].todo);
	struct action_row row;

	settle();
	row = row_of(&id);
	ck_assert(!action_status_is_final(row.status));
	ck_assert_str_eq(row.error_kind, mistakes[_i].kind);
	ck_assert_uint_eq(row.attempts, 1);
	ck_assert_int_eq(row.wake_at_ms, NOW_MS + 1000);
	pass(1000);
	ck_assert_uint_eq(row_of(&id).attempts, 2);
	ck_assert_int_eq(row_of(&id).wake_at_ms, NOW_MS + 5000);
}
END_TEST

/* --- rows that are not as they should be --- */

static const struct {
	const char *name, *bytes;
} corrupt[] = {
	{ "not JSON", "{\"do\":" },
	{ "not ours", "{\"do\":5}" },
	{ "nothing", "" },
};

START_TEST(an_unreadable_checkpoint_is_kept)
{
	struct action_id id = start("gd");
	struct action_row row;

	settle();
	scratch_sql(&w.disk, arena_printf(&w.arena, "UPDATE action SET checkpoint = '%s'", corrupt[_i].bytes));
	executor_kick(w.ex, &id);
	settle();
	row = row_of(&id);
	ck_assert_int_eq(row.status, ACTION_PARKED);
	ck_assert_str_eq(row.checkpoint, corrupt[_i].bytes);
	ck_assert_uint_eq(row.attempts, 1);
	ck_assert_int_eq(row.wake_at_ms, NOW_MS + 1000);
	ck_assert_ptr_nonnull(row.error_kind);
	ck_assert_str_eq(executor_explain(w.ex, &w.arena, &row), "");
	ck_assert_ptr_null(executor_progress(w.ex, &w.arena, &row, true));
	scratch_sql(&w.disk, "UPDATE action SET checkpoint = '{\"do\":\"ld\",\"at\":0,\"tries\":0,\"until_ms\":0}'");
	pass(1000);
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(an_unknown_state_is_kept)
{
	struct action_id id = start("gd");
	struct action_row row;

	settle();
	scratch_sql(&w.disk, "UPDATE action SET state = 77");
	executor_kick(w.ex, &id);
	settle();
	row = row_of(&id);
	ck_assert_int_eq(row.status, ACTION_PARKED);
	ck_assert_int_eq(row.state, 77);
	ck_assert_str_eq(row.error_kind, "internal");
	ck_assert_str_eq(executor_state_name(w.ex, &row), "unknown");
	ck_assert(!executor_cancellable(w.ex, &row));
	scratch_sql(&w.disk, "UPDATE action SET state = 1");
	play.gate = true;
	pass(1000);
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(an_unknown_kind_is_left_alone)
{
	struct action_id id = start("gd");
	struct action_row row;

	settle();
	scratch_sql(&w.disk, "UPDATE action SET kind = 'from the future', wake_at_ms = 1");
	executor_kick(w.ex, &id);
	executor_run(w.ex);
	run_until(is_idle);
	row = row_of(&id);
	ck_assert_int_eq(row.version, 1);
	ck_assert_str_eq(executor_state_name(w.ex, &row), "unknown");
	ck_assert_str_eq(executor_explain(w.ex, &w.arena, &row), "");
}
END_TEST

START_TEST(questions_about_a_row)
{
	struct action_id id = start("gd");
	struct action_row row;
	json_t *shown;

	settle();
	row = row_of(&id);
	ck_assert_str_eq(executor_state_name(w.ex, &row), "local");
	ck_assert(executor_cancellable(w.ex, &row));
	ck_assert_str_eq(executor_explain(w.ex, &w.arena, &row), "at 0");
	ck_assert_ptr_null(executor_progress(w.ex, &w.arena, &row, false));
	shown = executor_progress(w.ex, &w.arena, &row, true);
	ck_assert_str_eq(json_text(&w.arena, shown), row.checkpoint);
	play.gate = true;
	executor_kick(w.ex, &id);
	settle();
	row = row_of(&id);
	ck_assert(!executor_cancellable(w.ex, &row));
	ck_assert_str_eq(executor_explain(w.ex, &w.arena, &row), "");
}
END_TEST

/* --- starting --- */

static const struct {
	const char *name, *kind, *params;
	enum err_code code;
	const char *says;
} refused[] = {
	{ "no such kind", "wurk", "{}", ERR_PARAM, "did you mean work" },
	{ "no such kind, and nothing near", "zzzzzzzzz", "{}", ERR_PARAM, "action.kinds lists them all" },
	{ "internal", "inner", "{\"do\":\"d\"}", ERR_PARAM, "action.kinds lists them all" },
	{ "missing parameter", "work", "{}", ERR_PARAM, NULL },
	{ "unknown parameter", "work", "{\"do\":\"d\",\"to\":1}", ERR_PARAM, NULL },
};

START_TEST(start_refuses)
{
	struct starting s = { .kind = refused[_i].kind, .params = refused[_i].params };

	FAILS(store_unit_now(w.disk.store, start_unit, &s, err), refused[_i].code);
	ck_assert(err->field[0] != '\0');
	if (refused[_i].says)
		ck_assert_msg(strstr(err->hint, refused[_i].says) != NULL, "%s: %s", refused[_i].name, err->hint);
}
END_TEST

static int add_wallet(struct unit *u, void *ctx, struct err *er)
{
	struct wallet_row row = { .sealed = bytes_of("seed"), .encrypted = true, .fingerprint = "00000000" };

	(void)ctx;
	return wallet_store_add(u, &row, er);
}

START_TEST(without_keys_nothing_runs)
{
	static int keys;
	struct starting s = { .kind = "locked", .params = "{\"do\":\"d\"}" };
	struct action_id id;

	executor_set_keys(w.ex, NULL);
	FAILS(store_unit_now(w.disk.store, start_unit, &s, err), ERR_NO_WALLET);
	scratch_unit(&w.disk, add_wallet, NULL);
	FAILS(store_unit_now(w.disk.store, start_unit, &s, err), ERR_WALLET_LOCKED);
	id = start("ld");
	executor_run(w.ex);
	run_until(is_idle);
	ck_assert_int_eq(row_of(&id).version, 0);
	executor_set_keys(w.ex, (struct keyring *)&keys);
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(locked_in_the_middle_of_an_exchange)
{
	static int keys;
	struct action_id id;

	peer_says(200, NULL, 20);
	id = start("alld");
	run_until(is_asking);
	executor_set_keys(w.ex, NULL);
	run_until(is_idle);
	ck_assert_uint_eq(effects(&id, 0), 1); /* the answer is not thrown away */
	ck_assert_uint_eq(effects(&id, 1), 0);
	executor_set_keys(w.ex, (struct keyring *)&keys);
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(the_same_identity_is_started_once)
{
	struct starting s = { .kind = "work", .params = "{\"do\":\"gd\",\"id\":\"invoice-7\"}" };

	OK(store_unit_now(w.disk.store, start_unit, &s, err));
	ck_assert(!s.existing);
	ck_assert_str_eq(s.id.s, "invoice-7");
	OK(store_unit_now(w.disk.store, start_unit, &s, err));
	ck_assert(s.existing);
	ck_assert_str_eq(s.id.s, "invoice-7");
	play.gate = true;
	executor_kick(w.ex, &s.id);
	settle();
	OK(store_unit_now(w.disk.store, start_unit, &s, err)); /* also after its end */
	ck_assert(s.existing);
}
END_TEST

START_TEST(a_dry_run_leaves_nothing)
{
	struct starting s = { .kind = "work", .params = "{\"do\":\"lld\"}", .dry_run = true };
	int64_t events;

	OK(store_rehearse(w.disk.store, start_unit, &s, err));
	store_flush(w.disk.store);
	ck_assert_str_eq(json_text(&w.arena, s.plan), "{\"steps\":3}");
	ck_assert_int_eq(action_store_get(store_view(w.disk.store), &w.arena, &s.id, &(struct action_row){ 0 }, err),
			 -1);
	OK(event_last_seq(store_view(w.disk.store), &events, err));
	ck_assert_int_eq(events, 0);
}
END_TEST

/* --- children --- */

START_TEST(a_parent_waits_for_its_child)
{
	struct action_id id, child;
	struct action_row row;

	peer_says(503, NULL, 0);
	id = start("cwd");
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_PARKED);
	ck_assert(action_id_parse(arena_printf(&w.arena, "%s.1", id.s), &child));
	row = row_of(&child);
	ck_assert_str_eq(row.parent.s, id.s);
	ck_assert_int_eq(row.status, ACTION_UNCERTAIN);
	peer_says(200, NULL, 0);
	pass(1000);
	ck_assert_int_eq(row_of(&child).status, ACTION_DONE);
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
	ck_assert_uint_eq(effects(&child, 0), 1);
	ck_assert_uint_eq(effects(&id, 1), 1);
}
END_TEST

/* Woken in the unit that ends the child: also when nobody is there to kick any more. */
START_TEST(a_child_wakes_its_parent_durably)
{
	struct action_id id, child;

	peer_says(503, NULL, 0);
	id = start("cwd");
	settle();
	ck_assert(action_id_parse(arena_printf(&w.arena, "%s.1", id.s), &child));
	peer_says(200, NULL, 0);
	clock_set_for_test(clock_now_ms() + 1000);
	executor_kick(w.ex, &child);
	run_until(is_asking);
	executor_stop(w.ex); /* the child's exchange ends, the process as well */
	run_until(is_idle);
	world_end();
	world_start();
	settle();
	ck_assert_int_eq(row_of(&child).status, ACTION_DONE);
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

/* --- cancel --- */

static char answered[64];

static void cancel_answered(void *ctx, const struct err *er)
{
	size_t n = strlen(answered);

	(void)ctx;
	snprintf(answered + n, sizeof(answered) - n, "%s ", er ? err_kind(er->code) : "ok");
}

static void cancel(const struct action_id *id)
{
	char before[sizeof(answered)];

	memcpy(before, answered, sizeof(before));
	executor_cancel(w.ex, id, cancel_answered, NULL);
	ck_assert_str_eq(answered, before); /* never from inside the call */
}

START_TEST(cancel_what_is_parked)
{
	struct action_id id = start("gd");

	settle();
	cancel(&id);
	settle();
	ck_assert_str_eq(answered, "ok ");
	ck_assert_int_eq(row_of(&id).status, ACTION_CANCELLED);
	ck_assert_str_eq(row_of(&id).funds_moved, "no");
	ck_assert_str_eq(row_of(&id).error_kind, "cancelled");
}
END_TEST

START_TEST(cancel_may_undo_first)
{
	struct action_id id = start("gd");

	settle();
	play.cancel_undoes = true;
	cancel(&id);
	settle();
	ck_assert_str_eq(answered, "ok ");
	ck_assert_int_eq(row_of(&id).status, ACTION_FAILED);
	ck_assert_uint_eq(effects(&id, 0), 1);
}
END_TEST

START_TEST(cancel_what_is_in_flight)
{
	struct action_id id;

	peer_says(200, NULL, 20);
	id = start("agd");
	run_until(is_asking);
	cancel(&id);
	cancel(&id);
	ck_assert_str_eq(answered, "");
	settle();
	ck_assert_uint_eq(effects(&id, 0), 1); /* the exchange ended first */
	ck_assert_str_eq(answered, "ok ok ");
	ck_assert_int_eq(row_of(&id).status, ACTION_CANCELLED);
}
END_TEST

START_TEST(cancel_what_parks_meanwhile)
{
	struct action_id id;

	peer_says(503, NULL, 20);
	id = start("ad");
	run_until(is_asking);
	cancel(&id);
	settle();
	ck_assert_str_eq(answered, "ok ");
	ck_assert_int_eq(row_of(&id).status, ACTION_CANCELLED);
}
END_TEST

START_TEST(cancel_what_ends_meanwhile)
{
	struct action_id id;

	peer_says(400, NULL, 20);
	id = start("ad");
	run_until(is_asking);
	cancel(&id);
	settle();
	ck_assert_str_eq(answered, "not_cancellable ");
	ck_assert_int_eq(row_of(&id).status, ACTION_FAILED);
	ck_assert_str_eq(row_of(&id).error_kind, "peer_rejected");
}
END_TEST

START_TEST(cancel_is_refused)
{
	struct action_id parked = start("gd"), running;

	settle();
	play.no_cancel = true;
	cancel(&parked);
	settle();
	ck_assert_str_eq(answered, "not_cancellable ");
	ck_assert_int_eq(row_of(&parked).status, ACTION_PARKED);
	ck_assert_int_eq(row_of(&parked).version, 1);
	peer_says(200, NULL, 20);
	running = start("ald");
	run_until(is_asking);
	cancel(&running);
	settle();
	ck_assert_str_eq(answered, "not_cancellable not_cancellable ");
	ck_assert_int_eq(row_of(&running).status, ACTION_DONE); /* it went on as if nobody had asked */
	ck_assert_uint_eq(effects(&running, 1), 1);
}
END_TEST

static bool is_answered(void)
{
	return answered[0] != '\0';
}

START_TEST(cancel_what_cannot_be)
{
	struct action_id ended = start("d"), unheard_of = action_id_new(NOW_MS), uncancellable;

	settle();
	cancel(&ended);
	run_until(is_answered);
	ck_assert_str_eq(answered, "not_cancellable ");
	answered[0] = '\0';
	cancel(&unheard_of);
	run_until(is_answered);
	ck_assert_str_eq(answered, "not_found ");
	answered[0] = '\0';
	uncancellable = start_of("other", "gd");
	settle();
	cancel(&uncancellable);
	run_until(is_answered);
	ck_assert_str_eq(answered, "not_cancellable ");
	answered[0] = '\0';
	executor_set_keys(w.ex, NULL);
	cancel(&uncancellable);
	run_until(is_answered);
	ck_assert_str_eq(answered, "wallet_locked ");
}
END_TEST

START_TEST(cancel_while_the_store_fails)
{
	struct action_id id = start("gd");

	settle();
	failpoint_configure("store.commit.before:error:1");
	cancel(&id);
	run_until(is_answered);
	ck_assert_str_eq(answered, "busy ");
	ck_assert_int_eq(row_of(&id).status, ACTION_PARKED);
}
END_TEST

START_TEST(cancels_end_with_the_executor)
{
	struct action_id id;

	peer_says(200, NULL, 1000);
	id = start("ad");
	run_until(is_asking);
	cancel(&id);
	executor_free(w.ex);
	executor_start_up();
	ck_assert_str_eq(answered, "");
}
END_TEST

/* --- waiting --- */

static char woken[64];

static void waited(void *ctx, bool timed_out)
{
	size_t n = strlen(woken);

	snprintf(woken + n, sizeof(woken) - n, "%s%s ", (const char *)ctx, timed_out ? ":late" : "");
}

static void await(const struct action_id *id, bool until_done, int64_t timeout_ms, const char *name)
{
	char before[sizeof(woken)];

	memcpy(before, woken, sizeof(before));
	executor_wait(w.ex, id, until_done, timeout_ms, waited, (void *)name);
	ck_assert_str_eq(woken, before); /* never from inside the call */
}

static bool is_woken(void)
{
	return woken[0] != '\0';
}

START_TEST(wait_for_park_and_end)
{
	struct action_id id;

	peer_says(200, NULL, 5);
	id = start("agad");
	await(&id, false, 5000, "park");
	await(&id, true, 5000, "end");
	ck_assert_uint_eq(stats().waiters, 2);
	run_until(is_woken);
	ck_assert_str_eq(woken, "park ");
	play.gate = true;
	executor_kick(w.ex, &id);
	settle();
	ck_assert_str_eq(woken, "park end ");
	ck_assert_uint_eq(stats().waiters, 0);
}
END_TEST

START_TEST(wait_for_what_rests_already)
{
	struct action_id parked = start("gd"), ended = start("d");

	settle();
	await(&parked, false, 5000, "parked");
	await(&ended, true, 5000, "ended");
	await(&ended, false, 5000, "ended too");
	await(&parked, true, 10, "not yet");
	run_until(is_woken);
	ck_assert_str_eq(woken, "parked ended ended too ");
	woken[0] = '\0';
	run_until(is_woken);
	ck_assert_str_eq(woken, "not yet:late ");
	ck_assert_int_eq(row_of(&parked).version, 1); /* a waiter never drives */
}
END_TEST

static int end_elsewhere(struct unit *u, void *ctx, struct err *er)
{
	struct action_row row = row_of(ctx);

	row.status = ACTION_DONE;
	return action_store_end(u, &row, er);
}

START_TEST(wait_for_what_another_daemon_ends)
{
	struct store_options opt = { .path = w.disk.path, .shared = true };
	struct action_id id;
	struct store *other;

	world_end();
	w.shared = true;
	world_start();
	id = start("gd");
	settle();
	await(&id, true, 60000, "end");
	OK(store_open(&opt, &other, err));
	OK(store_unit_now(other, end_elsewhere, &id, err));
	store_close(other);
	ck_assert_str_eq(woken, "");
	executor_run(w.ex);
	run_until(is_woken);
	ck_assert_str_eq(woken, "end ");
}
END_TEST

START_TEST(a_waiter_may_leave)
{
	struct action_id id = start("d");
	struct waiter *x = executor_wait(w.ex, &id, true, 5000, waited, (void *)"gone");

	await(&id, true, 5000, "stays");
	executor_wait_cancel(x);
	settle();
	ck_assert_str_eq(woken, "stays ");
}
END_TEST

/* --- many at once --- */

START_TEST(so_many_in_flight_and_no_more)
{
	executor_set_limits(w.ex, 8, 100);
	peer_says(200, NULL, 3);
	for (int i = 0; i < 60; i++)
		start("ad");
	settle();
	ck_assert_uint_eq(effects(NULL, 0), 60);
	ck_assert_uint_eq(play.most_asking, 8);
	executor_set_limits(w.ex, 12, 100); /* and up again */
	for (int i = 0; i < 60; i++)
		start("ad");
	settle();
	ck_assert_uint_eq(effects(NULL, 0), 120);
	ck_assert_uint_eq(play.most_asking, 12);
}
END_TEST

START_TEST(so_many_to_a_peer)
{
	executor_set_limits(w.ex, 256, 3);
	peer_says(200, NULL, 3);
	for (int i = 0; i < 60; i++)
		start_params("work", i % 3 ? "{\"do\":\"ad\",\"peer\":\"a\"}" : "{\"do\":\"ad\",\"peer\":\"b\"}");
	settle();
	ck_assert_uint_eq(effects(NULL, 0), 60);
	ck_assert_uint_eq(play.most_of[0], 3);
	ck_assert_uint_eq(play.most_of[1], 3);
	ck_assert_uint_eq(play.most_asking, 6);
}
END_TEST

START_TEST(a_slow_peer_holds_up_nobody_else)
{
	struct action_id other;

	executor_set_limits(w.ex, 4, 2);
	peer_says(200, NULL, 60000); /* for ever, as far as we care */
	for (int i = 0; i < 20; i++)
		start_params("work", "{\"do\":\"ad\",\"peer\":\"a\"}");
	executor_run(w.ex);
	run_until(is_asking);
	other = start_params("work", "{\"do\":\"llld\",\"peer\":\"b\"}");
	while (row_of(&other).status != ACTION_DONE) {
		executor_run(w.ex);
		run_until(is_asking);
	}
	ck_assert_uint_eq(play.most_asking, 2);
}
END_TEST

/* More peers than fit into one search: all have their turn. */
START_TEST(many_peers_take_turns)
{
	executor_set_keys(w.ex, NULL);
	for (int i = 0; i < 200; i++)
		start_params("work",
			     arena_printf(&w.arena, "{\"do\":\"lad\",\"peer\":\"peer %d-%c\"}", i % 100, 'a' + i % 26));
	executor_set_limits(w.ex, 7, 2);
	executor_set_keys(w.ex, (struct keyring *)&w);
	settle();
	ck_assert_uint_eq(effects(NULL, 0), 400);
}
END_TEST

START_TEST(kinds_take_turns)
{
	unsigned others = 0;

	executor_set_keys(w.ex, NULL);
	for (int i = 0; i < 100; i++)
		start_of("work", "d");
	for (int i = 0; i < 10; i++)
		start_of("other", "d");
	executor_set_limits(w.ex, 4, 4);
	executor_set_keys(w.ex, (struct keyring *)&others);
	settle();
	/* The ten that came last are among the first that ran. */
	for (unsigned i = 0; i < 24; i++)
		others += strcmp(play.order[i], "other") == 0;
	ck_assert_uint_eq(others, 10);
}
END_TEST

/* --- races --- */

static void open_and_kick(struct step *s)
{
	play.meanwhile = NULL;
	play.gate = true;
	executor_kick(w.ex, &s->row.id);
}

START_TEST(a_kick_in_the_middle_of_a_step_is_not_lost)
{
	struct action_id id;

	play.meanwhile = open_and_kick;
	id = start("gd");
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(a_wake_is_stored)
{
	struct action_id id = start("gd"), unheard_of = action_id_new(NOW_MS);

	settle();
	play.gate = true;
	executor_stop(w.ex); /* nobody here will drive it */
	OK(executor_wake(w.ex, &id, err));
	store_flush(w.disk.store);
	ck_assert_int_eq(row_of(&id).wake_at_ms, NOW_MS);
	world_end();
	world_start();
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
	FAILS(executor_wake(w.ex, &id, err), ERR_EXISTS);
	FAILS(executor_wake(w.ex, &unheard_of, err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_wake_drives_at_once)
{
	struct action_id id = start("td");

	settle();
	clock_set_for_test(NOW_MS + 10000);
	OK(executor_wake(w.ex, &id, err));
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
}
END_TEST

/* Another daemon on the same file. */
START_TEST(an_answer_to_an_older_version_is_dropped)
{
	struct action_id id;

	peer_says(200, NULL, 20);
	id = start("ald");
	run_until(is_asking);
	scratch_sql(&w.disk, "UPDATE action SET version = version + 1");
	run_until(is_idle);
	ck_assert_uint_eq(stats().conflicts, 1);
	ck_assert_uint_eq(effects(NULL, 0), 0);
	ck_assert_int_eq(row_of(&id).state, ASK);
	executor_run(w.ex);
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
	ck_assert_uint_eq(effects(&id, 0), 1);
}
END_TEST

static bool is_all_done(void)
{
	unsigned living;

	executor_run(w.ex);
	OK(action_store_backlog(store_view(w.disk.store), INT64_MAX, 1, &living, err));
	return living == 0 && executor_idle(w.ex);
}

START_TEST(two_daemons_share_the_work)
{
	int status;
	pid_t pid;

	executor_set_keys(w.ex, NULL);
	for (int i = 0; i < 50; i++)
		start("lllld");
	world_end();
	store_close(w.disk.store);
	w.disk.store = NULL;
	w.shared = true;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	world_start();
	run_until(is_all_done);
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_uint_eq(effects(NULL, 0), 200);
}
END_TEST

/* --- the store fails --- */

START_TEST(a_failed_commit_is_tried_again)
{
	struct action_id id;

	id = start("llld");
	failpoint_configure("store.commit.before:error:2");
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
	for (int at = 0; at < 3; at++)
		ck_assert_uint_eq(effects(&id, at), 1);
	ck_assert_uint_eq(stats().failures, 1);
	ck_assert_int_eq(stats().last_error.code, ERR_STORAGE);
}
END_TEST

START_TEST(a_full_disk_stops_all_until_there_is_room)
{
	struct action_id id = start("lllld");

	faulty_vfs_fail(VFS_WRITE, "-wal", 4, SQLITE_FULL);
	run_until(is_idle);
	ck_assert_int_eq(store_health(w.disk.store), STORE_FULL);
	ck_assert_int_ne(row_of(&id).status, ACTION_DONE);
	executor_run(w.ex);
	run_until(is_idle);
	faulty_vfs_mend();
	ck_assert(store_probe(w.disk.store));
	while (row_of(&id).status != ACTION_DONE) {
		executor_run(w.ex);
		settle();
	}
	for (int at = 0; at < 4; at++)
		ck_assert_uint_eq(effects(&id, at), 1);
}
END_TEST

START_TEST(a_store_error_in_a_step_is_no_attempt)
{
	struct action_id id = start("sd");

	run_until(is_idle);
	ck_assert_uint_eq(row_of(&id).attempts, 0);
	ck_assert_int_eq(row_of(&id).version, 0);
	ck_assert_int_eq(stats().last_error.code, ERR_STORAGE);
}
END_TEST

/* --- stopping --- */

START_TEST(stopping_lets_exchanges_end)
{
	struct action_id id, waiting;

	peer_says(200, NULL, 20);
	id = start("alld");
	run_until(is_asking);
	executor_stop(w.ex);
	waiting = start("ld");
	run_until(is_idle);
	ck_assert_uint_eq(effects(&id, 0), 1);
	ck_assert_uint_eq(effects(&id, 1), 0);
	ck_assert_int_eq(row_of(&waiting).version, 0);
	world_end();
	world_start();
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_DONE);
	ck_assert_int_eq(row_of(&waiting).status, ACTION_DONE);
	ck_assert_uint_eq(effects(&id, 0), 1);
}
END_TEST

START_TEST(stopping_sends_nothing_more)
{
	struct action_id id = start("qd"); /* prepared, not yet durable */

	executor_stop(w.ex);
	run_until(is_idle);
	ck_assert_uint_eq(http_peer_requests(w.peer, NULL), 0);
	ck_assert_int_eq(row_of(&id).status, ACTION_RUNNING);
}
END_TEST

/* With units in an open group, with exchanges under way: at any point. */
START_TEST(it_can_end_at_any_time)
{
	for (int i = 0; i < 10; i++) {
		start("lad");
		start("qd");
		start("-lcw");
	}
	peer_says(200, NULL, 5);
	for (int turns = 0; turns < _i; turns++)
		run_until(is_asking);
	executor_free(w.ex);
	store_flush(w.disk.store);
	memset(&play, 0, sizeof(play));
	executor_start_up();
	settle();
	ck_assert_uint_eq(effects(NULL, 0), 10 * 2 + 10 + 10 * 4 + 10 * 1);
}
END_TEST

/* --- double drive --- */

static void drive_twice(const char *todo)
{
	setenv("WALLETD_DOUBLE_DRIVE", "1", 1);
	setup();
	start(todo);
	settle();
	teardown();
}

static void not_reentrant(void)
{
	drive_twice("lrd");
}

static void asks_two_things(void)
{
	drive_twice("lAd");
}

START_TEST(double_drive_finds_what_is_not_reentrant)
{
	ck_assert_int_eq(suite_signal_of(not_reentrant), SIGABRT);
	ck_assert_int_eq(suite_signal_of(asks_two_things), SIGABRT);
}
END_TEST

START_TEST(double_drive_lets_the_others_pass)
{
	struct action_id id;

	setenv("WALLETD_DOUBLE_DRIVE", "1", 1);
	setup();
	id = start("llqtcwgaf");
	settle();
	pass(10000);
	play.gate = true;
	executor_kick(w.ex, &id);
	settle();
	ck_assert_int_eq(row_of(&id).status, ACTION_FAILED);
	for (int at = 0; at < 8; at++)
		ck_assert_uint_eq(effects(&id, at), at != 4);
	teardown();
}
END_TEST

/* --- crashes --- */

static const char *const crash_points[] = { "store.commit.before", "store.commit.after", "net.send", "net.reply" };
static const char *const crash_work[] = { "lalqld", "-cwlf", "td" };

static void start_crash_work(void)
{
	for (size_t i = 0; i < ARRAY_LEN(crash_work); i++)
		start_params("work", arena_printf(&w.arena, "{\"do\":\"%s\",\"id\":\"work-%zu\"}", crash_work[i], i));
	settle();
	pass(10000);
}

/* False when it met no fault. */
static bool dies_at(const char *point, int nth)
{
	char spec[64];
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		snprintf(spec, sizeof(spec), "%s:crash:%d", point, nth);
		failpoint_configure(spec);
		world_start();
		start_crash_work();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return false;
}

static void count_started(void *ctx, const struct event *ev)
{
	(void)ev;
	++*(unsigned *)ctx;
}

static void check_each_effect_once(void)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	unsigned started = 0;
	int64_t cursor;

	for (size_t i = 0; i < ARRAY_LEN(crash_work); i++) {
		struct action_id id;

		ck_assert(action_id_parse(arena_printf(&w.arena, "work-%zu", i), &id));
		ck_assert_int_ge(row_of(&id).status, ACTION_DONE);
		for (int at = 0; crash_work[i][at + 1]; at++)
			ck_assert_uint_eq(effects(&id, at), crash_work[i][at] != 'c');
	}
	ck_assert_uint_eq(effects(NULL, 0), 5 + 3 + 1 + 2); /* those above, and the child's */
	OK(event_list(store_view(w.disk.store), &a, 0, "started", 100, count_started, &started, &cursor, err));
	ck_assert_uint_eq(started, ARRAY_LEN(crash_work) + 1);
}

static void forget_disk(void)
{
	store_close(w.disk.store); /* which folds the log, and removes it */
	w.disk.store = NULL;
	unlink(w.disk.path);
}

START_TEST(killed_anywhere_and_nothing_is_lost_or_doubled)
{
	int nth = 1;

	scratch_open(&w.disk);
	for (bool died = true; died; nth++) {
		forget_disk();
		clock_set_for_test(NOW_MS);
		died = dies_at(crash_points[_i], nth);
		world_start();
		start_crash_work();
		check_each_effect_once();
		world_end();
	}
	ck_assert_int_gt(nth, 3); /* it was met more than once */
	scratch_close(&w.disk);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/executor");
	TCase *tc = tcase_create("executor"), *own = tcase_create("with worlds of their own");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, next_until_done);
	tcase_add_test(tc, park_until_kicked);
	tcase_add_test(tc, park_until_a_time);
	tcase_add_test(tc, a_timer_wakes_what_parks_for_a_moment);
	tcase_add_test(tc, failed);
	tcase_add_test(tc, nothing_to_ask);
	tcase_add_test(tc, every_change_is_an_event);
	tcase_add_test(tc, retries_back_off);
	tcase_add_test(tc, the_back_off_ends_at_ten_minutes);
	tcase_add_test(tc, a_peer_may_ask_for_more_time);
	tcase_add_loop_test(tc, an_unknown_outcome_shows, 0, (int)ARRAY_LEN(unknowns));
	tcase_add_test(tc, each_attempt_is_counted_before_it_is_sent);
	tcase_add_test(tc, a_rejection_ends_it);
	tcase_add_test(tc, a_rejection_is_the_kinds_to_judge);
	tcase_add_test(tc, a_retry_is_the_kinds_to_shape);
	tcase_add_test(tc, a_hook_that_fails_parks_its_action_alone);
	tcase_add_loop_test(tc, a_mistake_of_ours_parks, 0, (int)ARRAY_LEN(mistakes));
	tcase_add_loop_test(tc, an_unreadable_checkpoint_is_kept, 0, (int)ARRAY_LEN(corrupt));
	tcase_add_test(tc, an_unknown_state_is_kept);
	tcase_add_test(tc, an_unknown_kind_is_left_alone);
	tcase_add_test(tc, questions_about_a_row);
	tcase_add_loop_test(tc, start_refuses, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(tc, without_keys_nothing_runs);
	tcase_add_test(tc, locked_in_the_middle_of_an_exchange);
	tcase_add_test(tc, the_same_identity_is_started_once);
	tcase_add_test(tc, a_dry_run_leaves_nothing);
	tcase_add_test(tc, a_parent_waits_for_its_child);
	tcase_add_test(tc, a_child_wakes_its_parent_durably);
	tcase_add_test(tc, cancel_what_is_parked);
	tcase_add_test(tc, cancel_may_undo_first);
	tcase_add_test(tc, cancel_what_is_in_flight);
	tcase_add_test(tc, cancel_what_parks_meanwhile);
	tcase_add_test(tc, cancel_what_ends_meanwhile);
	tcase_add_test(tc, cancel_is_refused);
	tcase_add_test(tc, cancel_what_cannot_be);
	tcase_add_test(tc, cancel_while_the_store_fails);
	tcase_add_test(tc, cancels_end_with_the_executor);
	tcase_add_test(tc, wait_for_park_and_end);
	tcase_add_test(tc, wait_for_what_rests_already);
	tcase_add_test(tc, wait_for_what_another_daemon_ends);
	tcase_add_test(tc, a_waiter_may_leave);
	tcase_add_test(tc, so_many_in_flight_and_no_more);
	tcase_add_test(tc, so_many_to_a_peer);
	tcase_add_test(tc, a_slow_peer_holds_up_nobody_else);
	tcase_add_test(tc, many_peers_take_turns);
	tcase_add_test(tc, kinds_take_turns);
	tcase_add_test(tc, a_kick_in_the_middle_of_a_step_is_not_lost);
	tcase_add_test(tc, a_wake_is_stored);
	tcase_add_test(tc, a_wake_drives_at_once);
	tcase_add_test(tc, an_answer_to_an_older_version_is_dropped);
	tcase_add_test(tc, two_daemons_share_the_work);
	tcase_add_test(tc, a_failed_commit_is_tried_again);
	tcase_add_test(tc, a_full_disk_stops_all_until_there_is_room);
	tcase_add_test(tc, a_store_error_in_a_step_is_no_attempt);
	tcase_add_test(tc, stopping_lets_exchanges_end);
	tcase_add_test(tc, stopping_sends_nothing_more);
	tcase_add_loop_test(tc, it_can_end_at_any_time, 0, 6);
	suite_add_tcase(s, tc);
	tcase_set_timeout(own, 120);
	tcase_add_test(own, double_drive_finds_what_is_not_reentrant);
	tcase_add_test(own, double_drive_lets_the_others_pass);
	tcase_add_loop_test(own, killed_anywhere_and_nothing_is_lost_or_doubled, 0, (int)ARRAY_LEN(crash_points));
	suite_add_tcase(s, own);
	return suite_run(s);
}
