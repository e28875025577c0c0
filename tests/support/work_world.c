#include "tests/support/work_world.h"

#include <string.h>

#include "base/clock.h"
#include "chain/source.h"
#include "store/event_store.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/turns.h"

struct work_world work_world;
struct work_play work_play;
static struct err e, *err = &e;

/* --- the kinds --- */

struct work {
	int at, tries;
	int64_t until_ms;
	const char *todo;
};

static json_t *kind_save(struct step *s)
{
	const struct work *k = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	json_set_str(cp, "do", k->todo);
	json_set_int(cp, "at", k->at);
	json_set_int(cp, "tries", k->tries);
	json_set_int(cp, "until_ms", k->until_ms);
	return cp;
}

static int kind_load(struct step *s, const json_t *cp, struct err *er)
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
	case 'j':
	case '-':
		return WORK_ASK;
	case 'q':
		return WORK_COUNTED;
	case 'n':
	case 'N':
	case 'o':
		return WORK_NODE;
	}
	return WORK_LOCAL;
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
	return outcome_park(WORK_LOCAL, ACTION_NO_WAKE);
}

static struct outcome wait_child(struct step *s, struct err *er)
{
	unsigned living;

	if (action_store_children(s->view, &s->row.id, &living, er) != 0)
		return outcome_trouble(er);
	return living > 0 ? outcome_park(WORK_LOCAL, ACTION_NO_WAKE) : go_on(s, er);
}

static struct outcome wait_gate(struct step *s, struct err *er)
{
	bool open = work_play.gate;

	if (work_play.meanwhile)
		work_play.meanwhile(s);
	return open ? go_on(s, er) : outcome_park(WORK_LOCAL, ACTION_NO_WAKE);
}

static struct outcome wait_time(struct step *s, struct err *er)
{
	struct work *k = s->checkpoint;

	if (k->until_ms == 0)
		k->until_ms = s->now_ms + 10000;
	return s->now_ms < k->until_ms ? outcome_park(WORK_LOCAL, k->until_ms) : go_on(s, er);
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
	if (work_play.n_order < ARRAY_LEN(work_play.order))
		work_play.order[work_play.n_order++] = s->kind->name;
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
	case 'v':
		k->tries++;
		return outcome_next(WORK_VOLATILE);
	case 'r':
		k->tries = ++work_play.runs;
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
	*ret = (struct net_request){ .method = "GET", .url = work_world.url, .timeout_ms = 2000 };
	if (k->todo[k->at] == 'j')
		*ret = (struct net_request){ .plain_json = true,
					     .unix_socket = "/nonexistent/socket",
					     .body = bytes_of("{}") };
	if (k->todo[k->at] == 'A')
		ret->url = arena_printf(s->arena, "%s?%d", work_world.url, ++work_play.runs);
	if (++work_play.asking > work_play.most_asking)
		work_play.most_asking = work_play.asking;
	if (s->row.peer) {
		unsigned p = (unsigned)s->row.peer[strlen(s->row.peer) - 1] - 'a';

		if (++work_play.asking_of[p] > work_play.most_of[p])
			work_play.most_of[p] = work_play.asking_of[p];
	}
	return 0;
}

static struct outcome ask_reply(struct step *s, const struct net_reply *rep, struct err *er)
{
	if (!rep)
		return go_on(s, er);
	work_play.asking--;
	if (s->row.peer)
		work_play.asking_of[s->row.peer[strlen(s->row.peer) - 1] - 'a']--;
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

/* Always the same transaction, but for 'N'. */
static struct tx *some_tx(struct step *s, uint32_t locktime)
{
	struct tx *tx = ARENA_NEW(s->arena, struct tx);

	*tx = (struct tx){ .version = 2, .locktime = locktime, .n_in = 1, .n_out = 1 };
	tx->in = ARENA_NEW(s->arena, struct tx_in);
	tx->out = ARENA_NEW(s->arena, struct tx_out);
	tx->out->script = bytes_of("\x6a");
	return tx;
}

static int node_ask(struct step *s, struct chain_question *ret, struct err *er)
{
	const struct work *k = s->checkpoint;

	(void)er;
	ck_assert_ptr_null(s->unit);
	if (k->todo[k->at] == 'o')
		return NOTHING_TO_ASK;
	ret->broadcast = some_tx(s, k->todo[k->at] == 'N' ? (uint32_t)++work_play.runs : 0);
	return 0;
}

static struct outcome node_told(struct step *s, const struct chain_answer *got, struct err *er)
{
	if (!got || got->broadcast.class == BROADCAST_OK)
		return go_on(s, er);
	if (got->broadcast.class == BROADCAST_UNKNOWN)
		return trouble(er, ERR_TIMEOUT, "nobody knows");
	return trouble(er, ERR_PEER, got->broadcast.words);
}

static int kind_amend(struct step *s, const json_t *params, struct err *er)
{
	struct work *k = s->checkpoint;

	ck_assert_ptr_nonnull(s->unit);
	if (json_get_str(params, "do", 64, &k->todo, er) != 0)
		return -1;
	if (k->todo[0] == 'x')
		return ERR(er, ERR_FUNDS, "it will not do that");
	k->at = 0;
	json_set_int(s->plan, "steps", (int64_t)strlen(k->todo));
	return state_of(k);
}

static int count_try(struct step *s, struct err *er)
{
	(void)er;
	ck_assert_ptr_nonnull(s->unit);
	((struct work *)s->checkpoint)->tries++;
	return 0;
}

static struct outcome kind_cancel(struct step *s, struct err *er)
{
	struct work *k = s->checkpoint;

	if (work_play.no_cancel)
		return trouble(er, ERR_NOT_CANCELLABLE, "too late");
	if (work_play.cancel_undoes) {
		k->todo = "uf";
		k->at = 0;
		return outcome_next(WORK_LOCAL);
	}
	ERR(er, ERR_CANCELLED, "cancelled");
	return outcome_cancelled(er);
}

static int kind_start(struct step *s, const json_t *params, struct err *er)
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

static const char *kind_explain(struct step *s)
{
	return arena_printf(s->arena, "at %d", ((struct work *)s->checkpoint)->at);
}

static json_t *kind_progress(struct step *s, bool secrets)
{
	return secrets ? kind_save(s) : NULL;
}

static const struct param work_params[] = {
	{ .name = "do", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .help = "One letter for each step." },
	{ .name = "peer", .type = PARAM_STRING, .help = "Whom to count the requests for." },
	{ .name = "id", .type = PARAM_STRING, .help = "The identity of the work." },
	{ 0 },
};

static const struct param work_amend_params[] = {
	{ .name = "do", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .help = "One letter for each step." },
	{ 0 },
};

static const struct state_def work_states[] = {
	[WORK_LOCAL] = { "local", .reply = local_reply, .cancellable = true },
	[WORK_ASK] = { "ask", .enter = ask_enter, .reply = ask_reply, .uncertain = true },
	[WORK_COUNTED] = { "counted", .prepare = count_try, .enter = ask_enter, .reply = ask_reply },
	[WORK_NODE] = { "node", .ask = node_ask, .told = node_told, .uncertain = true },
	[WORK_VOLATILE] = { "volatile", .enter = ask_enter, .reply = ask_reply, .resume_at = WORK_LOCAL },
};

#define WORK                                                                                                           \
	.summary = "Does as it is told.", .params = work_params, .states = work_states, .n_states = WORK_VOLATILE + 1, \
	.start = kind_start, .save = kind_save, .load = kind_load

static const struct action_kind work_kind = { .name = "work",
					      WORK,
					      .cancel = kind_cancel,
					      .amend = kind_amend,
					      .amend_params = work_amend_params,
					      .explain = kind_explain,
					      .progress = kind_progress };
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
	return outcome_next(WORK_LOCAL);
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
	store_flush(work_world.disk.store);
}

static void flush_wanted(void *ctx)
{
	loop_post(work_world.loop, flush, ctx);
}

void work_executor_up(void)
{
	static int keys;

	work_world.ex = executor_new(&(struct executor_options){ .store = work_world.disk.store,
								 .loop = work_world.loop,
								 .http = work_world.http,
								 .chain = work_world.chain,
								 .kinds = kinds,
								 .max_inflight = 256,
								 .max_inflight_per_peer = 16,
								 .shared = work_world.shared });
	executor_set_keys(work_world.ex, (struct keyring *)&keys); /* no kind here looks into it */
}

static void node_up(void)
{
	struct chain_backend_options backend = { 0 };

	work_world.node = fake_bitcoind_new(work_world.loop);
	backend.url = fake_bitcoind_url(work_world.node);
	if (!work_world.no_chain)
		OK(chain_source_new(&(struct chain_options){ .loop = work_world.loop,
							     .http = work_world.http,
							     .network = NETWORK_REGTEST,
							     .kind = CHAIN_BITCOIND,
							     .backends = &backend,
							     .n_backends = 1,
							     .open_min_ms = 1, /* of the real clock */
							     .open_max_ms = 1 },
				    &work_world.chain, err));
}

/* All but the disk. */
void work_up(void)
{
	struct store_options opt = {
		.path = work_world.disk.path, .lazily = true, .flush_wanted = flush_wanted, .shared = work_world.shared
	};

	store_close(work_world.disk.store);
	OK(store_open(&opt, &work_world.disk.store, err));
	OK(loop_new(&work_world.loop, err));
	OK(http_new(work_world.loop, &(struct http_options){ 0 }, &work_world.http, err));
	work_world.peer = http_peer_new(work_world.loop, NULL);
	http_peer_on(work_world.peer, &(struct peer_script){ .path = "/act" });
	work_world.url = http_peer_url(work_world.peer, "/act");
	node_up();
	work_world.arena = ARENA_LIMIT(8 * 1024 * 1024);
	work_executor_up();
}

void work_down(void)
{
	executor_free(work_world.ex);
	store_flush(work_world.disk.store);
	chain_source_free(work_world.chain);
	work_world.chain = NULL;
	fake_bitcoind_free(work_world.node);
	http_peer_free(work_world.peer);
	http_free(work_world.http);
	loop_unpost(work_world.loop, flush, NULL);
	loop_free(work_world.loop);
	arena_done(&work_world.arena);
}

void work_setup(void)
{
	faulty_vfs_install();
	clock_set_for_test(WORK_NOW_MS);
	scratch_place(&work_world.disk);
	work_up();
}

void work_teardown(void)
{
	work_down();
	scratch_close(&work_world.disk);
}

void work_peer_says(int status, const char *headers, int64_t delay_ms)
{
	http_peer_on(
		work_world.peer,
		&(struct peer_script){ .path = "/act", .status = status, .headers = headers, .delay_ms = delay_ms });
}

/* --- starting and looking --- */

int work_start_unit(struct unit *u, void *ctx, struct err *er)
{
	struct work_starting *s = ctx;
	struct action_request req = { .kind = s->kind, .dry_run = s->dry_run };

	ck_assert_int_eq(json_parse(&work_world.arena, bytes_of(s->params), 4, &req.params, er), 0);
	return executor_start(work_world.ex, u, &work_world.arena, &req, &s->id, &s->existing, &s->plan, er);
}

struct action_id work_start_params(const char *kind, const char *params)
{
	struct work_starting s = { .kind = kind, .params = params };

	OK(store_unit_now(work_world.disk.store, work_start_unit, &s, err));
	executor_kick(work_world.ex, &s.id);
	return s.id;
}

struct action_id work_start_of(const char *kind, const char *todo)
{
	return work_start_params(kind, arena_printf(&work_world.arena, "{\"do\":\"%s\"}", todo));
}

struct action_id work_start(const char *todo)
{
	return work_start_of("work", todo);
}

int work_amend_unit(struct unit *u, void *ctx, struct err *er)
{
	struct work_amending *m = ctx;
	json_t *params = NULL;

	if (m->params)
		ck_assert_int_eq(json_parse(&work_world.arena, bytes_of(m->params), 4, &params, er), 0);
	return executor_amend(work_world.ex, u, &work_world.arena, &m->id, params, m->dry_run, &m->plan, er);
}

struct action_row work_row(const struct action_id *id)
{
	struct action_row row;

	OK(action_store_get(store_view(work_world.disk.store), &work_world.arena, id, &row, err));
	return row;
}

struct events {
	const char *subject;
	unsigned n;
};

static void count_event(void *ctx, const struct event *ev)
{
	struct events *f = ctx;

	f->n += !f->subject || strcmp(ev->subject, f->subject) == 0;
}

unsigned work_events(const char *event_kinds, const char *subject)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024 * 1024);
	struct events f = { subject, 0 };
	int64_t cursor = 0, was;

	do {
		was = cursor;
		OK(event_list(store_view(work_world.disk.store), &a, cursor, event_kinds, 1000, count_event, &f,
			      &cursor, err));
	} while (cursor != was);
	return f.n;
}

unsigned work_effects(const struct action_id *id, int at)
{
	return work_events("effect", id ? arena_printf(&work_world.arena, "%s/%d", id->s, at) : NULL);
}

/* --- running --- */

static bool holds(void *cond)
{
	return (*(bool (**)(void))cond)();
}

void work_run_until(bool (*cond)(void))
{
	turns_must(work_world.loop, holds, &cond, 30000);
}

static bool at_rest(void *ctx)
{
	unsigned due;

	(void)ctx;
	OK(action_store_backlog(store_view(work_world.disk.store), clock_now_ms(), 1, &due, err));
	return executor_idle(work_world.ex) && due == 0;
}

/* Until nothing is in flight and nothing due. */
void work_settle(void)
{
	turns_rest(work_world.loop, at_rest, NULL, 30000);
}

bool work_is_idle(void)
{
	return executor_idle(work_world.ex);
}

bool work_is_asking(void)
{
	return work_play.asking > 0;
}

/* Time passes, and whatever has become due is driven. */
void work_pass(int64_t ms)
{
	clock_set_for_test(clock_now_ms() + ms);
	(void)turns_until(work_world.loop, NULL, NULL, 2); /* what a node that gave trouble is spared, above */
	executor_run(work_world.ex);
	work_settle();
}

struct executor_stats work_stats(void)
{
	struct executor_stats s;

	executor_stats(work_world.ex, &s);
	return s;
}
