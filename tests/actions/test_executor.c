#include "actions/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "store/wallet_store.h"
#include "tests/support/suite.h"
#include "tests/support/turns.h"
#include "tests/support/work_world.h"

static struct err e, *err = &e;

/* --- outcomes --- */

START_TEST(next_until_done)
{
	struct action_id id = work_start("lalqld");
	struct action_row row;

	work_settle();
	row = work_row(&id);
	ck_assert_int_eq(row.status, ACTION_DONE);
	ck_assert_str_eq(row.result, "{\"tries\":1}");
	ck_assert_str_eq(row.funds_moved, "yes");
	ck_assert_ptr_null(row.error_kind);
	for (int at = 0; at < 5; at++)
		ck_assert_uint_eq(work_effects(&id, at), 1);
	ck_assert_uint_eq(http_peer_requests(work_world.peer, "/act"), 2);
	ck_assert_uint_eq(work_stats().steps, 6);
	ck_assert_uint_eq(work_stats().inflight, 0);
}
END_TEST

START_TEST(park_until_kicked)
{
	struct action_id id = work_start("lgd");

	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_PARKED);
	ck_assert_int_eq(work_row(&id).wake_at_ms, ACTION_NO_WAKE);
	work_pass(1000000);
	ck_assert_int_eq(work_row(&id).version, 2); /* nobody has touched it */
	executor_kick(work_world.ex, &id);
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_PARKED); /* an early call is harmless */
	work_play.gate = true;
	executor_kick(work_world.ex, &id);
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(park_until_a_time)
{
	struct action_id id = work_start("td");

	work_settle();
	ck_assert_int_eq(work_row(&id).wake_at_ms, WORK_NOW_MS + 10000);
	work_pass(9999);
	ck_assert_int_eq(work_row(&id).status, ACTION_PARKED);
	work_pass(1);
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(a_timer_wakes_what_parks_for_a_moment)
{
	struct action_id id;

	clock_set_for_test(-1);
	id = work_start("td");
	work_settle();
	scratch_sql(&work_world.disk, "UPDATE action SET wake_at_ms = wake_at_ms - 9950,"
				      " checkpoint = json_set(checkpoint, '$.until_ms', 1)");
	executor_run(work_world.ex);
	work_run_until(work_is_idle);
	ck_assert_int_eq(work_row(&id).status, ACTION_PARKED);
	work_settle();
	while (work_row(&id).status != ACTION_DONE) /* no run, no kick: only the timer that the pump has set */
		(void)turns_until(work_world.loop, NULL, NULL, 5);
}
END_TEST

START_TEST(failed)
{
	struct action_id id = work_start("lf");
	struct action_row row;

	work_settle();
	row = work_row(&id);
	ck_assert_int_eq(row.status, ACTION_FAILED);
	ck_assert_str_eq(row.error_kind, "insufficient_funds");
	ck_assert_str_eq(row.error_msg, "too poor");
	ck_assert_str_eq(row.funds_moved, "no");
}
END_TEST

START_TEST(nothing_to_ask)
{
	struct action_id id = work_start("-d");

	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_uint_eq(http_peer_requests(work_world.peer, NULL), 0);
}
END_TEST

START_TEST(every_change_is_an_event)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct action_transition *t;
	struct action_id id = work_start("llad");
	size_t n;

	work_settle();
	/* local, local is one state; local to ask is a change, and so are ask to local, and the end. */
	OK(action_store_transitions(store_view(work_world.disk.store), &a, work_row(&id).seq, &t, &n, err));
	ck_assert_uint_eq(n, 4);
	ck_assert_uint_eq(work_events("action.*", id.s), 4);
	ck_assert_uint_eq(work_events("action.started,action.done", id.s), 2);
}
END_TEST

/* --- trouble --- */

static const int64_t backoffs_ms[] = { 1000, 4000, 9000, 16000 };

START_TEST(retries_back_off)
{
	struct action_id id;
	struct action_row row;

	work_peer_says(503, NULL, 0);
	id = work_start("ad");
	for (size_t i = 0; i < ARRAY_LEN(backoffs_ms); i++) {
		work_settle();
		row = work_row(&id);
		ck_assert_int_eq(row.status, ACTION_UNCERTAIN);
		ck_assert_str_eq(row.error_kind, "peer_unavailable");
		ck_assert_uint_eq(row.attempts, i + 1);
		ck_assert_int_eq(row.wake_at_ms, clock_now_ms() + backoffs_ms[i]);
		work_pass(backoffs_ms[i] - 1);
		ck_assert_uint_eq(http_peer_requests(work_world.peer, NULL), i + 1);
		clock_set_for_test(clock_now_ms() + 1);
		executor_run(work_world.ex);
	}
	work_peer_says(200, NULL, 0);
	work_settle();
	work_pass(25000);
	row = work_row(&id);
	ck_assert_int_eq(row.status, ACTION_DONE);
	ck_assert_uint_eq(row.attempts, 0);
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

START_TEST(the_back_off_ends_at_ten_minutes)
{
	struct action_id id;

	work_peer_says(503, NULL, 0);
	id = work_start("ad");
	work_settle();
	scratch_sql(&work_world.disk, "UPDATE action SET attempts = 1000");
	work_pass(1000);
	ck_assert_int_eq(work_row(&id).wake_at_ms, clock_now_ms() + 600000);
}
END_TEST

START_TEST(a_peer_may_ask_for_more_time)
{
	struct action_id id;

	work_peer_says(429, "Retry-After: 50\r\n", 0);
	id = work_start("ad");
	work_settle();
	ck_assert_int_eq(work_row(&id).wake_at_ms, WORK_NOW_MS + 50000);
	ck_assert_str_eq(work_row(&id).error_kind, "peer_busy");
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

	http_peer_on(work_world.peer, &unknowns[_i].script);
	id = work_start(unknowns[_i].todo);
	work_settle();
	ck_assert_msg(work_row(&id).status == unknowns[_i].status, "%s", unknowns[_i].name);
}
END_TEST

START_TEST(each_attempt_is_counted_before_it_is_sent)
{
	struct action_id id;

	work_peer_says(503, NULL, 0);
	id = work_start("qd");
	work_settle();
	work_pass(1000);
	work_peer_says(200, NULL, 0);
	work_pass(4000);
	ck_assert_str_eq(work_row(&id).result, "{\"tries\":3}");
	ck_assert_uint_eq(http_peer_requests(work_world.peer, NULL), 3);
}
END_TEST

START_TEST(a_rejection_ends_it)
{
	struct action_id id;
	struct action_row row;

	work_peer_says(400, NULL, 0);
	id = work_start("lad");
	work_settle();
	row = work_row(&id);
	ck_assert_int_eq(row.status, ACTION_FAILED);
	ck_assert_str_eq(row.error_kind, "peer_rejected");
	ck_assert_str_eq(row.funds_moved, "no");
	ck_assert_uint_eq(work_effects(&id, 1), 0);
}
END_TEST

START_TEST(a_rejection_is_the_kinds_to_judge)
{
	struct action_id id;

	work_peer_says(400, NULL, 0);
	id = work_start_of("hooked", "ad");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_FAILED);
	ck_assert_str_eq(work_row(&id).error_kind, "insufficient_funds"); /* of the 'f' that the hook went to */
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

START_TEST(a_retry_is_the_kinds_to_shape)
{
	struct action_id id;

	work_peer_says(503, NULL, 0);
	id = work_start_of("hooked", "ad");
	work_settle();
	ck_assert_int_eq(work_row(&id).wake_at_ms, WORK_NOW_MS + 77);
	ck_assert_ptr_nonnull(strstr(work_row(&id).checkpoint, "\"tries\":1"));
}
END_TEST

/* A hook's own trouble must not hold up all the others, nor be repeated in a loop. */
START_TEST(a_hook_that_fails_parks_its_action_alone)
{
	struct action_id id, other;
	struct action_row row;

	work_peer_says(503, NULL, 0);
	id = work_start_of("hooked", "ad");
	work_settle();
	work_pass(77);
	work_pass(77);
	other = work_start("ld");
	work_settle();
	ck_assert_int_eq(work_row(&other).status, ACTION_DONE);
	row = work_row(&id);
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
	struct action_id id = work_start(mistakes[_i].todo);
	struct action_row row;

	work_settle();
	row = work_row(&id);
	ck_assert(!action_status_is_final(row.status));
	ck_assert_str_eq(row.error_kind, mistakes[_i].kind);
	ck_assert_uint_eq(row.attempts, 1);
	ck_assert_int_eq(row.wake_at_ms, WORK_NOW_MS + 1000);
	work_pass(1000);
	ck_assert_uint_eq(work_row(&id).attempts, 2);
	ck_assert_int_eq(work_row(&id).wake_at_ms, WORK_NOW_MS + 5000);
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
	struct action_id id = work_start("gd");
	struct action_row row;

	work_settle();
	scratch_sql(&work_world.disk,
		    arena_printf(&work_world.arena, "UPDATE action SET checkpoint = '%s'", corrupt[_i].bytes));
	executor_kick(work_world.ex, &id);
	work_settle();
	row = work_row(&id);
	ck_assert_int_eq(row.status, ACTION_PARKED);
	ck_assert_str_eq(row.checkpoint, corrupt[_i].bytes);
	ck_assert_uint_eq(row.attempts, 1);
	ck_assert_int_eq(row.wake_at_ms, WORK_NOW_MS + 1000);
	ck_assert_ptr_nonnull(row.error_kind);
	ck_assert_str_eq(executor_explain(work_world.ex, &work_world.arena, &row), "");
	ck_assert_ptr_null(executor_progress(work_world.ex, &work_world.arena, &row, true));
	scratch_sql(&work_world.disk,
		    "UPDATE action SET checkpoint = '{\"do\":\"ld\",\"at\":0,\"tries\":0,\"until_ms\":0}'");
	work_pass(1000);
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(an_unknown_state_is_kept)
{
	struct action_id id = work_start("gd");
	struct action_row row;

	work_settle();
	scratch_sql(&work_world.disk, "UPDATE action SET state = 77");
	executor_kick(work_world.ex, &id);
	work_settle();
	row = work_row(&id);
	ck_assert_int_eq(row.status, ACTION_PARKED);
	ck_assert_int_eq(row.state, 77);
	ck_assert_str_eq(row.error_kind, "internal");
	ck_assert_str_eq(executor_state_name(work_world.ex, &row), "unknown");
	ck_assert(!executor_cancellable(work_world.ex, &row));
	scratch_sql(&work_world.disk, "UPDATE action SET state = 1");
	work_play.gate = true;
	work_pass(1000);
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(an_unknown_kind_is_left_alone)
{
	struct action_id id = work_start("gd");
	struct action_row row;

	work_settle();
	scratch_sql(&work_world.disk, "UPDATE action SET kind = 'from the future', wake_at_ms = 1");
	executor_kick(work_world.ex, &id);
	executor_run(work_world.ex);
	work_run_until(work_is_idle);
	row = work_row(&id);
	ck_assert_int_eq(row.version, 1);
	ck_assert_str_eq(executor_state_name(work_world.ex, &row), "unknown");
	ck_assert_str_eq(executor_explain(work_world.ex, &work_world.arena, &row), "");
}
END_TEST

START_TEST(questions_about_a_row)
{
	struct action_id id = work_start("gd");
	struct action_row row;
	json_t *shown;

	work_settle();
	row = work_row(&id);
	ck_assert_str_eq(executor_state_name(work_world.ex, &row), "local");
	ck_assert(executor_cancellable(work_world.ex, &row));
	ck_assert_str_eq(executor_explain(work_world.ex, &work_world.arena, &row), "at 0");
	ck_assert_ptr_null(executor_progress(work_world.ex, &work_world.arena, &row, false));
	shown = executor_progress(work_world.ex, &work_world.arena, &row, true);
	ck_assert_str_eq(json_text(&work_world.arena, shown), row.checkpoint);
	work_play.gate = true;
	executor_kick(work_world.ex, &id);
	work_settle();
	row = work_row(&id);
	ck_assert(!executor_cancellable(work_world.ex, &row));
	ck_assert_str_eq(executor_explain(work_world.ex, &work_world.arena, &row), "");
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
	struct work_starting s = { .kind = refused[_i].kind, .params = refused[_i].params };

	FAILS(store_unit_now(work_world.disk.store, work_start_unit, &s, err), refused[_i].code);
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
	struct work_starting s = { .kind = "locked", .params = "{\"do\":\"d\"}" };
	struct action_id id;

	executor_set_keys(work_world.ex, NULL);
	FAILS(store_unit_now(work_world.disk.store, work_start_unit, &s, err), ERR_NO_WALLET);
	scratch_unit(&work_world.disk, add_wallet, NULL);
	FAILS(store_unit_now(work_world.disk.store, work_start_unit, &s, err), ERR_WALLET_LOCKED);
	id = work_start("ld");
	executor_run(work_world.ex);
	work_run_until(work_is_idle);
	ck_assert_int_eq(work_row(&id).version, 0);
	executor_set_keys(work_world.ex, (struct keyring *)&keys);
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(locked_in_the_middle_of_an_exchange)
{
	static int keys;
	struct action_id id;

	work_peer_says(200, NULL, 20);
	id = work_start("alld");
	work_run_until(work_is_asking);
	executor_set_keys(work_world.ex, NULL);
	work_run_until(work_is_idle);
	ck_assert_uint_eq(work_effects(&id, 0), 1); /* the answer is not thrown away */
	ck_assert_uint_eq(work_effects(&id, 1), 0);
	executor_set_keys(work_world.ex, (struct keyring *)&keys);
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(the_same_identity_is_started_once)
{
	struct work_starting s = { .kind = "work", .params = "{\"do\":\"gd\",\"id\":\"invoice-7\"}" };

	OK(store_unit_now(work_world.disk.store, work_start_unit, &s, err));
	ck_assert(!s.existing);
	ck_assert_str_eq(s.id.s, "invoice-7");
	OK(store_unit_now(work_world.disk.store, work_start_unit, &s, err));
	ck_assert(s.existing);
	ck_assert_str_eq(s.id.s, "invoice-7");
	work_play.gate = true;
	executor_kick(work_world.ex, &s.id);
	work_settle();
	OK(store_unit_now(work_world.disk.store, work_start_unit, &s, err)); /* also after its end */
	ck_assert(s.existing);
}
END_TEST

START_TEST(a_dry_run_leaves_nothing)
{
	struct work_starting s = { .kind = "work", .params = "{\"do\":\"lld\"}", .dry_run = true };

	OK(store_rehearse(work_world.disk.store, work_start_unit, &s, err));
	store_flush(work_world.disk.store);
	ck_assert_str_eq(json_text(&work_world.arena, s.plan), "{\"steps\":3}");
	ck_assert_int_eq(action_store_get(store_view(work_world.disk.store), &work_world.arena, &s.id,
					  &(struct action_row){ 0 }, err),
			 -1);
	ck_assert_uint_eq(work_events(NULL, NULL), 0);
}
END_TEST

/* --- children --- */

START_TEST(a_parent_waits_for_its_child)
{
	struct action_id id, child;
	struct action_row row;

	work_peer_says(503, NULL, 0);
	id = work_start("cwd");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_PARKED);
	ck_assert(action_id_parse(arena_printf(&work_world.arena, "%s.1", id.s), &child));
	row = work_row(&child);
	ck_assert_str_eq(row.parent.s, id.s);
	ck_assert_int_eq(row.status, ACTION_UNCERTAIN);
	work_peer_says(200, NULL, 0);
	work_pass(1000);
	ck_assert_int_eq(work_row(&child).status, ACTION_DONE);
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_uint_eq(work_effects(&child, 0), 1);
	ck_assert_uint_eq(work_effects(&id, 1), 1);
}
END_TEST

/* Woken in the unit that ends the child: also when nobody is there to kick any more. */
START_TEST(a_child_wakes_its_parent_durably)
{
	struct action_id id, child;

	work_peer_says(503, NULL, 0);
	id = work_start("cwd");
	work_settle();
	ck_assert(action_id_parse(arena_printf(&work_world.arena, "%s.1", id.s), &child));
	work_peer_says(200, NULL, 0);
	clock_set_for_test(clock_now_ms() + 1000);
	executor_kick(work_world.ex, &child);
	work_run_until(work_is_asking);
	executor_stop(work_world.ex); /* the child's exchange ends, the process as well */
	work_run_until(work_is_idle);
	work_down();
	work_up();
	work_settle();
	ck_assert_int_eq(work_row(&child).status, ACTION_DONE);
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
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
	executor_cancel(work_world.ex, id, cancel_answered, NULL);
	ck_assert_str_eq(answered, before); /* never from inside the call */
}

START_TEST(cancel_what_is_parked)
{
	struct action_id id = work_start("gd");

	work_settle();
	cancel(&id);
	work_settle();
	ck_assert_str_eq(answered, "ok ");
	ck_assert_int_eq(work_row(&id).status, ACTION_CANCELLED);
	ck_assert_str_eq(work_row(&id).funds_moved, "no");
	ck_assert_str_eq(work_row(&id).error_kind, "cancelled");
}
END_TEST

START_TEST(cancel_may_undo_first)
{
	struct action_id id = work_start("gd");

	work_settle();
	work_play.cancel_undoes = true;
	cancel(&id);
	work_settle();
	ck_assert_str_eq(answered, "ok ");
	ck_assert_int_eq(work_row(&id).status, ACTION_FAILED);
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

START_TEST(cancel_what_is_in_flight)
{
	struct action_id id;

	work_peer_says(200, NULL, 20);
	id = work_start("agd");
	work_run_until(work_is_asking);
	cancel(&id);
	cancel(&id);
	ck_assert_str_eq(answered, "");
	work_settle();
	ck_assert_uint_eq(work_effects(&id, 0), 1); /* the exchange ended first */
	ck_assert_str_eq(answered, "ok ok ");
	ck_assert_int_eq(work_row(&id).status, ACTION_CANCELLED);
}
END_TEST

START_TEST(cancel_what_parks_meanwhile)
{
	struct action_id id;

	work_peer_says(503, NULL, 20);
	id = work_start("ad");
	work_run_until(work_is_asking);
	cancel(&id);
	work_settle();
	ck_assert_str_eq(answered, "ok ");
	ck_assert_int_eq(work_row(&id).status, ACTION_CANCELLED);
}
END_TEST

START_TEST(cancel_what_ends_meanwhile)
{
	struct action_id id;

	work_peer_says(400, NULL, 20);
	id = work_start("ad");
	work_run_until(work_is_asking);
	cancel(&id);
	work_settle();
	ck_assert_str_eq(answered, "not_cancellable ");
	ck_assert_int_eq(work_row(&id).status, ACTION_FAILED);
	ck_assert_str_eq(work_row(&id).error_kind, "peer_rejected");
}
END_TEST

START_TEST(cancel_is_refused)
{
	struct action_id parked = work_start("gd"), running;

	work_settle();
	work_play.no_cancel = true;
	cancel(&parked);
	work_settle();
	ck_assert_str_eq(answered, "not_cancellable ");
	ck_assert_int_eq(work_row(&parked).status, ACTION_PARKED);
	ck_assert_int_eq(work_row(&parked).version, 1);
	work_peer_says(200, NULL, 20);
	running = work_start("ald");
	work_run_until(work_is_asking);
	cancel(&running);
	work_settle();
	ck_assert_str_eq(answered, "not_cancellable not_cancellable ");
	ck_assert_int_eq(work_row(&running).status, ACTION_DONE); /* it went on as if nobody had asked */
	ck_assert_uint_eq(work_effects(&running, 1), 1);
}
END_TEST

START_TEST(a_refused_cancel_loses_no_wake)
{
	struct action_id id;

	clock_set_for_test(-1);
	work_play.no_cancel = true;
	work_peer_says(503, NULL, 20);
	id = work_start("ad");
	work_run_until(work_is_asking);
	cancel(&id);
	work_settle();
	ck_assert_str_eq(answered, "not_cancellable ");
	ck_assert_uint_eq(work_row(&id).attempts, 1);
	work_peer_says(200, NULL, 0);
	while (work_row(&id).status != ACTION_DONE) /* no run, no kick: by its own timer, after a second */
		(void)turns_until(work_world.loop, NULL, NULL, 5);
}
END_TEST

static bool is_answered(void)
{
	return answered[0] != '\0';
}

START_TEST(cancel_what_cannot_be)
{
	struct action_id ended = work_start("d"), unheard_of = action_id_new(WORK_NOW_MS), uncancellable;

	work_settle();
	cancel(&ended);
	work_run_until(is_answered);
	ck_assert_str_eq(answered, "not_cancellable ");
	answered[0] = '\0';
	cancel(&unheard_of);
	work_run_until(is_answered);
	ck_assert_str_eq(answered, "not_found ");
	answered[0] = '\0';
	uncancellable = work_start_of("other", "gd");
	work_settle();
	cancel(&uncancellable);
	work_run_until(is_answered);
	ck_assert_str_eq(answered, "not_cancellable ");
	answered[0] = '\0';
	executor_set_keys(work_world.ex, NULL);
	cancel(&uncancellable);
	work_run_until(is_answered);
	ck_assert_str_eq(answered, "wallet_locked ");
}
END_TEST

START_TEST(cancel_while_the_store_fails)
{
	struct action_id id = work_start("gd");

	work_settle();
	failpoint_configure("store.commit.before:error:1");
	cancel(&id);
	work_run_until(is_answered);
	ck_assert_str_eq(answered, "busy ");
	ck_assert_int_eq(work_row(&id).status, ACTION_PARKED);
}
END_TEST

START_TEST(cancels_end_with_the_executor)
{
	struct action_id id;

	work_peer_says(200, NULL, 1000);
	id = work_start("ad");
	work_run_until(work_is_asking);
	cancel(&id);
	executor_free(work_world.ex);
	work_executor_up();
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
	executor_wait(work_world.ex, id, until_done, timeout_ms, waited, (void *)name);
	ck_assert_str_eq(woken, before); /* never from inside the call */
}

static bool is_woken(void)
{
	return woken[0] != '\0';
}

START_TEST(wait_for_park_and_end)
{
	struct action_id id;

	work_peer_says(200, NULL, 5);
	id = work_start("agad");
	await(&id, false, 5000, "park");
	await(&id, true, 5000, "end");
	ck_assert_uint_eq(work_stats().waiters, 2);
	work_run_until(is_woken);
	ck_assert_str_eq(woken, "park ");
	work_play.gate = true;
	executor_kick(work_world.ex, &id);
	work_settle();
	ck_assert_str_eq(woken, "park end ");
	ck_assert_uint_eq(work_stats().waiters, 0);
}
END_TEST

START_TEST(wait_for_what_rests_already)
{
	struct action_id parked = work_start("gd"), ended = work_start("d");

	work_settle();
	await(&parked, false, 5000, "parked");
	await(&ended, true, 5000, "ended");
	await(&ended, false, 5000, "ended too");
	work_run_until(is_woken);
	ck_assert_str_eq(woken, "parked ended ended too ");
	woken[0] = '\0';
	await(&parked, true, 10, "not yet");
	work_run_until(is_woken);
	ck_assert_str_eq(woken, "not yet:late ");
	ck_assert_int_eq(work_row(&parked).version, 1); /* a waiter never drives */
}
END_TEST

static int end_elsewhere(struct unit *u, void *ctx, struct err *er)
{
	struct action_row row = work_row(ctx);

	row.status = ACTION_DONE;
	return action_store_end(u, &row, er);
}

START_TEST(wait_for_what_another_daemon_ends)
{
	struct store_options opt = { .path = work_world.disk.path, .shared = true };
	struct action_id id;
	struct store *other;

	work_down();
	work_world.shared = true;
	work_up();
	id = work_start("gd");
	work_settle();
	await(&id, true, 60000, "end");
	OK(store_open(&opt, &other, err));
	OK(store_unit_now(other, end_elsewhere, &id, err));
	store_close(other);
	ck_assert_str_eq(woken, "");
	executor_run(work_world.ex);
	work_run_until(is_woken);
	ck_assert_str_eq(woken, "end ");
}
END_TEST

START_TEST(a_waiter_may_leave)
{
	struct action_id id = work_start("d");
	struct waiter *x = executor_wait(work_world.ex, &id, true, 5000, waited, (void *)"gone");

	await(&id, true, 5000, "stays");
	executor_wait_cancel(x);
	work_settle();
	ck_assert_str_eq(woken, "stays ");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/executor");
	TCase *tc = tcase_create("executor");

	tcase_add_checked_fixture(tc, work_setup, work_teardown);
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
	tcase_add_test(tc, a_refused_cancel_loses_no_wake);
	tcase_add_test(tc, cancel_what_cannot_be);
	tcase_add_test(tc, cancel_while_the_store_fails);
	tcase_add_test(tc, cancels_end_with_the_executor);
	tcase_add_test(tc, wait_for_park_and_end);
	tcase_add_test(tc, wait_for_what_rests_already);
	tcase_add_test(tc, wait_for_what_another_daemon_ends);
	tcase_add_test(tc, a_waiter_may_leave);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
