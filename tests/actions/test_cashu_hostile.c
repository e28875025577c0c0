/* What a mint could do to bring the daemon down, to keep it busy, or to make it let go of coins: found by reading the
 * ecash kinds as an enemy would. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/kinds.h"
#include "base/clock.h"
#include "rails/cashu/keyset.h"
#include "store/mint_store.h"
#include "store/proof_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

static struct world w;

static const char *status_of(const struct action_id *id)
{
	return action_status_name(world_row(&w, id).status);
}

/* --- a no to a question is not a no to the request --- */

static const struct question {
	const char *name, *path;
	int code;
} questions[] = {
	{ "too many to check", "/v1/checkstate", 11014 },
	{ "authentication, before it checks", "/v1/checkstate", 30001 },
	{ "too many to restore", "/v1/restore", 11015 },
	{ "authentication, before it restores", "/v1/restore", 31001 },
};

static struct action_id lost_swap(void)
{
	world_issue(&w, 21);
	return world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
}

static struct action_id lost_receive(void)
{
	static const uint64_t notes[] = { 1, 4, 16, 0 };

	return world_start(&w, "cashu_receive",
			   arena_printf(&w.arena, "{\"token\":\"%s\"}", world_token(&w, "offered", notes, true)));
}

static struct action_id (*const lost[])(void) = { lost_swap, lost_receive };

START_TEST(questions_refused)
{
	const struct question *q = &questions[_i % (int)ARRAY_LEN(questions)];
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, "{\"path\":\"/v1/swap\",\"mode\":\"drop_after\"}");
	world_fault(&w, arena_printf(&w.arena,
				     "{\"path\":\"%s\",\"mode\":\"answer\",\"status\":400,\"code\":%d,\"count\":3}",
				     q->path, q->code));
	id = lost[_i / (int)ARRAY_LEN(questions)]();
	world_settle(&w, &id, 2);
	ck_assert_msg(!action_status_is_final(world_row(&w, &id).status), "%s: ended as %s", q->name, status_of(&id));
	world_settle(&w, &id, 20);
	ck_assert_str_eq(status_of(&id), "done");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 20);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(watching_refused)
{
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 21);
	id = world_start(&w, "cashu_send", "{\"amount\":21}");
	world_settle(&w, &id, 0);
	world_fault(&w, "{\"path\":\"/v1/checkstate\",\"mode\":\"answer\",\"status\":400,\"code\":30001}");
	world_turn(&w);
	ck_assert_str_eq(status_of(&id), "parked");
	ck_assert_ptr_nonnull(json_object_get(world_progress(&w, &id), "token"));
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, 5);
	ck_assert_str_eq(status_of(&id), "cancelled");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(garbled_without_restore)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, "{\"path\":\"/v1/swap\",\"mode\":\"answer\",\"status\":200}");
	world_fault(&w,
		    arena_printf(&w.arena, "{\"path\":\"/v1/restore\",\"mode\":\"answer\",\"status\":%d,\"count\":0}",
				 _i ? 405 : 404));
	id = lost_swap();
	world_settle(&w, &id, 5);
	ck_assert_str_eq(status_of(&id), "done");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* --- requests without end --- */

static const char *const throttled[] = { "/v1/swap", "/v1/mint/bolt11", "/v1/mint/quote/bolt11" };

/* "Too many requests" to everything, for a while: nothing is lost, and nobody is asked more often than it takes. */
START_TEST(busy_storm)
{
	struct action_id ids[3];
	const char *token;

	world_open(&w, 100);
	world_issue(&w, 100);
	token = world_token(&w, "any", (const uint64_t[]){ 16, 4, 1, 0 }, DLEQ_GOOD);
	for (size_t i = 0; i < ARRAY_LEN(throttled); i++)
		world_fault(&w,
			    arena_printf(&w.arena,
					 "{\"path\":\"%s\",\"mode\":\"throttle\",\"retry_after_s\":%d,\"count\":%d}",
					 throttled[i], 1 + _i * 30, 3));
	ids[0] = world_start(&w, "cashu_receive", arena_printf(&w.arena, "{\"token\":\"%s\"}", token));
	ids[1] = world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":8}", w.url));
	ids[2] = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		world_settle(&w, &ids[i], 40);
		ck_assert_str_eq(status_of(&ids[i]), "done");
	}
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	ck_assert_uint_eq(world_asked(&w, "/v1/swap"), 2 + 3);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(issue_storm)
{
	static const int codes[] = { 11005, 12001, 12002, 12003, 11003, 20006, 11006, 10000 };
	struct action_id id;
	unsigned asked;

	world_open(&w, 100);
	world_fault(&w,
		    arena_printf(
			    &w.arena,
			    "{\"path\":\"/v1/mint/bolt11\",\"mode\":\"answer\",\"status\":400,\"code\":%d,\"count\":0}",
			    codes[_i]));
	id = world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":21}", w.url));
	world_settle(&w, &id, 2);
	asked = world_asked(&w, "/v1/mint/bolt11");
	ck_assert_uint_le(asked, 20);
	ck_assert(!action_status_is_final(world_row(&w, &id).status));
	world_close(&w);
}
END_TEST

/* Where any mint is taken, junk is free for whoever sends it. */
START_TEST(junk_of_nowhere)
{
	static const uint64_t notes[] = { 1, 4, 16, 0 };
	struct action_id id;
	char *token;

	world_open(&w, 0);
	token = world_token(&w, "offered", notes, true);
	scratch_sql(&w.disk, "UPDATE mint SET url = 'http://elsewhere.example'");
	world_fault(&w, "{\"path\":\"/v1/info\",\"mode\":\"drop_before\",\"count\":0}");
	world_restart(&w);
	id = world_start(&w, "cashu_receive", arena_printf(&w.arena, "{\"token\":\"%s\",\"trust\":true}", token));
	world_settle(&w, &id, 0);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "peer_unavailable");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	/* The mint is back: the same token is another try. */
	faults_clear(&w.faults);
	id = world_start(&w, "cashu_receive", arena_printf(&w.arena, "{\"token\":\"%s\",\"trust\":true}", token));
	world_settle(&w, &id, 1);
	ck_assert_str_eq(status_of(&id), "done");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* --- a fee that eats all --- */

START_TEST(fee_of_all)
{
	struct mint_options opts = world_mint(0);
	struct action_id id;

	opts.version = KEYSET_V1;
	world_open_with(&w, &opts);
	world_issue(&w, 4);
	for (size_t i = 0; i < w.mint.n_keysets; i++)
		w.mint.keysets[i]->pub.input_fee_ppk = 4000;
	id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	world_settle(&w, &id, 5);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "insufficient_funds");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 4);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* --- two daemons on one file --- */

#define TICK_MS 100

struct daemon {
	struct loop *loop;
	struct store *store;
	struct executor *ex;
	struct timer *tick, *end;
};

static void daemon_flush(void *ctx)
{
	store_flush(((struct daemon *)ctx)->store);
}

static void daemon_flush_wanted(void *ctx)
{
	loop_post(((struct daemon *)ctx)->loop, daemon_flush, ctx);
}

static void tick(void *ctx)
{
	struct daemon *d = ctx;

	executor_run(d->ex);
	timer_start(d->tick, TICK_MS);
}

static void enough(void *ctx)
{
	loop_stop(((struct daemon *)ctx)->loop);
}

/* In a process of its own, until it is killed. */
static void other_daemon(void)
{
	struct daemon d = { 0 };
	struct store_options store = {
		.path = w.disk.path, .shared = true, .flush_wanted = daemon_flush_wanted, .ctx = &d
	};
	struct executor_options ex = {
		.kinds = action_kinds, .max_inflight = 64, .max_inflight_per_peer = 16, .shared = true
	};
	struct http_options http = { 0 };
	struct err err;

	if (loop_new(&d.loop, &err) != 0 || store_open(&store, &d.store, &err) != 0 ||
	    http_new(d.loop, &http, &ex.http, &err) != 0)
		_exit(1);
	ex.loop = d.loop;
	ex.store = d.store;
	d.ex = executor_new(&ex);
	executor_set_keys(d.ex, w.keys);
	d.tick = loop_timer(d.loop, tick, &d);
	timer_start(d.tick, TICK_MS / 2);
	_exit(loop_run(d.loop, &err) == 0 ? 0 : 1);
}

/* Each looks ten times a second for what is due; the mint takes a little less than two such pauses for its answer. */
START_TEST(two_daemons)
{
	struct daemon d = { 0 };
	struct action_id id;
	struct err err;
	int status;
	pid_t pid;

	world_open(&w, 0);
	world_issue(&w, 21);
	w.shared = true;
	world_restart(&w);
	d = (struct daemon){ .loop = w.loop, .store = w.disk.store, .ex = w.ex };
	d.tick = loop_timer(w.loop, tick, &d);
	d.end = loop_timer(w.loop, enough, &d);
	world_fault(&w, "{\"path\":\"/v1/swap\",\"mode\":\"delay\",\"ms\":190,\"count\":0}");
	pid = fork();
	if (pid == 0)
		other_daemon();
	ck_assert_int_gt(pid, 0);
	id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	timer_start(d.tick, TICK_MS);
	timer_start(d.end, 3000);
	ck_assert_int_eq(loop_run(w.loop, &err), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	timer_free(d.tick);
	timer_free(d.end);
	ck_assert_uint_eq(world_asked(&w, "/v1/swap"), 1);
	ck_assert_str_eq(status_of(&id), "done");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* --- a clock that is set back --- */

#define TEN_YEARS_MS (10 * 365 * 86400 * INT64_C(1000))

START_TEST(clock_set_back)
{
	struct mint_options opts = world_mint(0);
	int64_t now = clock_now_ms();
	struct action_id issue, send;
	unsigned asked;

	world_open_with(&w, &opts);
	world_issue(&w, 21);
	w.mint.opts.pay_delay_ms = -1;
	issue = world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":8}", w.url));
	send = world_start(&w, "cashu_send", "{\"amount\":21}");
	world_settle(&w, &issue, 0);
	world_settle(&w, &send, 0);
	asked = (unsigned)w.n_asked;
	clock_set_for_test(now - TEN_YEARS_MS);
	executor_run(w.ex);
	world_settle(&w, &send, 0);
	ck_assert_uint_gt(w.n_asked, asked);
	ck_assert_int_eq(world_row(&w, &issue).wake_at_ms, now - TEN_YEARS_MS + 30 * 1000);
	ck_assert_int_eq(world_row(&w, &send).wake_at_ms, now - TEN_YEARS_MS + 3600 * 1000);
	/* And what the mint listed in a time to come is asked for anew. */
	asked = world_asked(&w, "/v1/keysets");
	ck_assert_ptr_null(world_cancel(&w, &send));
	world_settle(&w, &send, 3);
	ck_assert_str_eq(status_of(&send), "cancelled");
	ck_assert_uint_eq(world_asked(&w, "/v1/keysets"), asked + 1);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* --- what a plan says is spent, and what parameters show --- */

static uint64_t planned(const char *kind, const char *params)
{
	return (uint64_t)json_integer_value(json_object_get(world_plan(&w, kind, params), "spend_sat"));
}

START_TEST(spending_is_planned)
{
	world_open(&w, 1000);
	world_issue(&w, 21);
	world_issue(&w, 64);
	ck_assert_uint_eq(planned("cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url)), 4);
	ck_assert_uint_eq(planned("cashu_send", "{\"amount\":21}"), 21);
	/* 17 and the fee of its two notes: 16 + 1 + … is made by a swap of 64, and costs 1. */
	ck_assert_uint_eq(planned("cashu_send", "{\"amount\":33,\"include_fee\":true}"), 33 + 3 + 1);
	ck_assert_uint_eq(planned("cashu_send", "{\"amount\":63,\"include_fee\":true}"), 64);
	world_close(&w);
}
END_TEST

START_TEST(unlocked_quotes_are_not_shown)
{
	struct mint_options opts = world_mint(0);
	struct action_id id;
	const char *quote;

	opts.pay_delay_ms = -1;
	opts.quote_lock = _i ? MINT_LOCK_V1 : 0;
	world_open_with(&w, &opts);
	id = world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":21}", w.url));
	world_settle(&w, &id, 1);
	quote = json_string_value(json_object_get(world_progress(&w, &id), "quote"));
	ck_assert_ptr_nonnull(quote);
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, 1);
	ck_assert_str_eq(status_of(&id), "cancelled");
	id = world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"quote\":\"%s\"}", w.url, quote));
	ck_assert((strstr(world_row(&w, &id).params, quote) != NULL) == (_i == 1));
	world_close(&w);
}
END_TEST

/* --- what strangers put into the list of mints --- */

/* Somebody copied what the mint publishes, and was here first. */
static int copied(struct unit *u, void *ctx, struct err *err)
{
	struct mint_row evil = { .url = "https://evil.example", .trusted = true, .synced_at_ms = 1 };

	(void)ctx;
	if (mint_store_add(u, &evil, &evil.id, err) != 0)
		return -1;
	for (size_t i = 0; i < w.mint.n_keysets; i++) {
		const struct keyset *ks = &w.mint.keysets[i]->pub;
		int64_t kid_int = keyset_id_version(&ks->id) == KEYSET_V1 ? (int64_t)keyset_id_int(&ks->id) : -1;

		if (keyset_store_put(u, evil.id, ks, kid_int, err) != 0)
			return -1;
	}
	return 0;
}

START_TEST(copied_keysets)
{
	struct mint_options opts = world_mint(0);
	struct action_id id;
	struct err err;

	opts.version = _i ? KEYSET_V2 : KEYSET_V1;
	world_open_with(&w, &opts);
	world_issue(&w, 21);
	mint_rotate(&w.mint, 0, 0, opts.version);
	ck_assert_int_eq(store_unit_now(w.disk.store, copied, NULL, &err), 0);
	id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	world_settle(&w, &id, 2);
	ck_assert_str_eq(status_of(&id), "done");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* The old keyset is retired, and the new one's keys do not come: there is still one to make notes of. */
START_TEST(half_a_sync)
{
	struct action_id id;

	world_open(&w, 0);
	world_issue(&w, 64);
	mint_rotate(&w.mint, 0, 0, KEYSET_V1);
	world_fault(&w, "{\"path\":\"/v1/keys/*\",\"mode\":\"answer\",\"status\":500,\"count\":0}");
	id = world_start(&w, "cashu_mint_sync", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	world_settle(&w, &id, 0);
	ck_assert_str_eq(status_of(&id), "failed");
	faults_clear(&w.faults);
	id = world_start(&w, "cashu_send", "{\"amount\":21}");
	world_settle(&w, &id, 3);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 21);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

#define STRANGERS 200

static int strangers(struct unit *u, void *ctx, struct err *err)
{
	char *info = arena_alloc(&w.arena, 256 * 1024);

	(void)ctx;
	memset(info, ' ', 256 * 1024 - 1);
	memcpy(info, "{}", 2);
	for (unsigned i = 0; i < STRANGERS; i++) {
		struct mint_row row = { .info = info, .trusted = true, .synced_at_ms = 1 };

		row.url = arena_printf(&w.arena, "https://%u.evil.example", i);
		if (mint_store_add(u, &row, &row.id, err) != 0)
			return -1;
	}
	return 0;
}

START_TEST(large_strangers)
{
	struct action_id id;
	struct err err;

	world_open(&w, 0);
	world_issue(&w, 21);
	ck_assert_int_eq(store_unit_now(w.disk.store, strangers, NULL, &err), 0);
	id = world_start(&w, "cashu_send", "{\"amount\":21}");
	world_settle(&w, &id, 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 21);
	world_close(&w);
}
END_TEST

/* --- a purse full of small change --- */

#define CHANGE 70000

struct change {
	struct keyset_id keyset;
	unsigned done;
};

static int fill(struct unit *u, void *ctx, struct err *err)
{
	struct change *c = ctx;
	struct currency sat;
	struct movement m;

	ck_assert(currency_parse("sat", &sat));
	m = movement_begin(u, NULL, RAIL_ECASH, "test", w.mint_id, sat, 1);
	for (unsigned i = 0; i < 10000; i++, c->done++) {
		struct proof p = { .amount = 1, .keyset = c->keyset, .secret = "change", .y.b = { 2 }, .c.b = { 2 } };

		memcpy(&p.y.b[1], &c->done, sizeof(c->done));
		if (proof_store_add(&m, &p, 1, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE, NULL, err) != 0)
			return -1;
	}
	return movement_post(&m, err);
}

START_TEST(small_change)
{
	static const uint64_t notes[] = { 1, 4, 16, 0 };
	struct change c = { .done = 0 };
	struct action_id id;
	struct err err;

	world_open(&w, 0);
	for (size_t i = 0; i < w.mint.n_keysets; i++)
		if (strcmp(w.mint.keysets[i]->pub.unit.s, "sat") == 0)
			c.keyset = w.mint.keysets[i]->pub.id;
	while (c.done < CHANGE)
		ck_assert_int_eq(store_unit_now(w.disk.store, fill, &c, &err), 0);
	id = world_start(&w, "cashu_receive",
			 arena_printf(&w.arena, "{\"token\":\"%s\"}", world_token(&w, "offered", notes, true)));
	world_settle(&w, &id, 2);
	ck_assert_str_eq(status_of(&id), "done");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), CHANGE + 21);
	/* More than all there was room for, and more than one request can carry. */
	id = world_start(&w, "cashu_send", "{\"amount\":300}");
	world_settle(&w, &id, 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 300);
	world_refused(&w, "cashu_send", "{\"amount\":60000}", "insufficient_funds", "amount");
	world_refused(&w, "cashu_send", "{\"amount\":70022}", "insufficient_funds", "amount");
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_hostile");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, questions_refused, 0, (int)(ARRAY_LEN(questions) * ARRAY_LEN(lost)));
	tcase_add_test(tc, watching_refused);
	tcase_add_loop_test(tc, garbled_without_restore, 0, 2);
	tcase_add_test(tc, junk_of_nowhere);
	tcase_add_loop_test(tc, busy_storm, 0, 2);
	tcase_add_loop_test(tc, issue_storm, 0, 8);
	tcase_add_test(tc, fee_of_all);
	tcase_add_test(tc, two_daemons);
	tcase_add_test(tc, clock_set_back);
	tcase_add_test(tc, spending_is_planned);
	tcase_add_loop_test(tc, unlocked_quotes_are_not_shown, 0, 2);
	tcase_add_loop_test(tc, copied_keysets, 0, 2);
	tcase_add_test(tc, half_a_sync);
	tcase_add_test(tc, large_strangers);
	tcase_add_test(tc, small_change);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
