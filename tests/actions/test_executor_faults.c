/* The executor when much happens at once, and when it all ends in the middle. */
#include "actions/executor.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/suite.h"
#include "tests/support/turns.h"
#include "tests/support/work_world.h"

static struct err e, *err = &e;

/* --- many at once --- */

START_TEST(so_many_in_flight_and_no_more)
{
	executor_set_limits(work_world.ex, 8, 100);
	work_peer_says(200, NULL, 3);
	for (int i = 0; i < 60; i++)
		work_start("ad");
	work_settle();
	ck_assert_uint_eq(work_effects(NULL, 0), 60);
	ck_assert_uint_eq(work_play.most_asking, 8);
	executor_set_limits(work_world.ex, 12, 100); /* and up again */
	for (int i = 0; i < 60; i++)
		work_start("ad");
	work_settle();
	ck_assert_uint_eq(work_effects(NULL, 0), 120);
	ck_assert_uint_eq(work_play.most_asking, 12);
}
END_TEST

START_TEST(so_many_to_a_peer)
{
	executor_set_limits(work_world.ex, 256, 3);
	work_peer_says(200, NULL, 3);
	for (int i = 0; i < 60; i++)
		work_start_params("work", i % 3 ? "{\"do\":\"ad\",\"peer\":\"a\"}" : "{\"do\":\"ad\",\"peer\":\"b\"}");
	work_settle();
	ck_assert_uint_eq(work_effects(NULL, 0), 60);
	ck_assert_uint_eq(work_play.most_of[0], 3);
	ck_assert_uint_eq(work_play.most_of[1], 3);
	ck_assert_uint_eq(work_play.most_asking, 6);
}
END_TEST

START_TEST(a_slow_peer_holds_up_nobody_else)
{
	struct action_id other;

	executor_set_limits(work_world.ex, 4, 2);
	work_peer_says(200, NULL, 60000); /* for ever, as far as we care */
	for (int i = 0; i < 20; i++)
		work_start_params("work", "{\"do\":\"ad\",\"peer\":\"a\"}");
	executor_run(work_world.ex);
	work_run_until(work_is_asking);
	other = work_start_params("work", "{\"do\":\"llld\",\"peer\":\"b\"}");
	while (work_row(&other).status != ACTION_DONE) {
		executor_run(work_world.ex);
		(void)turns_until(work_world.loop, NULL, NULL, 2);
	}
	ck_assert_uint_eq(work_play.most_asking, 2);
}
END_TEST

/* More peers than fit into one search: all have their turn. */
START_TEST(many_peers_take_turns)
{
	executor_set_keys(work_world.ex, NULL);
	for (int i = 0; i < 200; i++)
		work_start_params("work", arena_printf(&work_world.arena, "{\"do\":\"lad\",\"peer\":\"peer %d-%c\"}",
						       i % 100, 'a' + i % 26));
	executor_set_limits(work_world.ex, 7, 2);
	executor_set_keys(work_world.ex, (struct keyring *)&work_world);
	work_settle();
	ck_assert_uint_eq(work_effects(NULL, 0), 400);
}
END_TEST

START_TEST(kinds_take_turns)
{
	unsigned others = 0;

	executor_set_keys(work_world.ex, NULL);
	for (int i = 0; i < 100; i++)
		work_start_of("work", "d");
	for (int i = 0; i < 10; i++)
		work_start_of("other", "d");
	executor_set_limits(work_world.ex, 4, 4);
	executor_set_keys(work_world.ex, (struct keyring *)&others);
	work_settle();
	/* The ten that came last are among the first that ran. */
	for (unsigned i = 0; i < 24; i++)
		others += strcmp(work_play.order[i], "other") == 0;
	ck_assert_uint_eq(others, 10);
}
END_TEST

/* --- races --- */

static void open_and_kick(struct step *s)
{
	work_play.meanwhile = NULL;
	work_play.gate = true;
	executor_kick(work_world.ex, &s->row.id);
}

START_TEST(a_kick_in_the_middle_of_a_step_is_not_lost)
{
	struct action_id id;

	work_play.meanwhile = open_and_kick;
	id = work_start("gd");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

START_TEST(a_wake_is_stored)
{
	struct action_id id = work_start("gd"), unheard_of = action_id_new(WORK_NOW_MS);

	work_settle();
	work_play.gate = true;
	executor_stop(work_world.ex); /* nobody here will drive it */
	OK(executor_wake(work_world.ex, &id, err));
	store_flush(work_world.disk.store);
	ck_assert_int_eq(work_row(&id).wake_at_ms, WORK_NOW_MS);
	work_down();
	work_up();
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	FAILS(executor_wake(work_world.ex, &id, err), ERR_EXISTS);
	FAILS(executor_wake(work_world.ex, &unheard_of, err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_wake_drives_at_once)
{
	struct action_id id = work_start("td");

	work_settle();
	clock_set_for_test(WORK_NOW_MS + 10000);
	OK(executor_wake(work_world.ex, &id, err));
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

/* Another daemon on the same file. */
START_TEST(an_answer_to_an_older_version_is_dropped)
{
	struct action_id id;

	work_peer_says(200, NULL, 20);
	id = work_start("ald");
	work_run_until(work_is_asking);
	scratch_sql(&work_world.disk, "UPDATE action SET version = version + 1");
	work_run_until(work_is_idle);
	ck_assert_uint_eq(work_stats().conflicts, 1);
	ck_assert_uint_eq(work_effects(NULL, 0), 0);
	ck_assert_int_eq(work_row(&id).state, WORK_ASK);
	executor_run(work_world.ex);
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

static bool is_all_done(void)
{
	unsigned living;

	executor_run(work_world.ex);
	OK(action_store_backlog(store_view(work_world.disk.store), INT64_MAX, 1, &living, err));
	return living == 0 && executor_idle(work_world.ex);
}

START_TEST(two_daemons_share_the_work)
{
	int status;
	pid_t pid;

	executor_set_keys(work_world.ex, NULL);
	for (int i = 0; i < 50; i++)
		work_start("lllld");
	work_down();
	store_close(work_world.disk.store);
	work_world.disk.store = NULL;
	work_world.shared = true;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	work_up();
	work_run_until(is_all_done);
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_uint_eq(work_effects(NULL, 0), 200);
}
END_TEST

/* --- the store fails --- */

START_TEST(a_failed_commit_is_tried_again)
{
	struct action_id id;

	id = work_start("llld");
	failpoint_configure("store.commit.before:error:2");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	for (int at = 0; at < 3; at++)
		ck_assert_uint_eq(work_effects(&id, at), 1);
	ck_assert_uint_eq(work_stats().failures, 1);
	ck_assert_int_eq(work_stats().last_error.code, ERR_STORAGE);
}
END_TEST

START_TEST(a_full_disk_stops_all_until_there_is_room)
{
	struct action_id id = work_start("lllld");

	faulty_vfs_fail(VFS_WRITE, "-wal", 4, SQLITE_FULL);
	work_run_until(work_is_idle);
	ck_assert_int_eq(store_health(work_world.disk.store), STORE_FULL);
	ck_assert_int_ne(work_row(&id).status, ACTION_DONE);
	executor_run(work_world.ex);
	work_run_until(work_is_idle);
	faulty_vfs_mend();
	ck_assert(store_probe(work_world.disk.store));
	while (work_row(&id).status != ACTION_DONE) {
		executor_run(work_world.ex);
		(void)turns_until(work_world.loop, NULL, NULL, 2);
	}
	for (int at = 0; at < 4; at++)
		ck_assert_uint_eq(work_effects(&id, at), 1);
}
END_TEST

START_TEST(a_store_error_in_a_step_is_no_attempt)
{
	struct action_id id = work_start("sd");

	work_run_until(work_is_idle);
	ck_assert_uint_eq(work_row(&id).attempts, 0);
	ck_assert_int_eq(work_row(&id).version, 0);
	ck_assert_int_eq(work_stats().last_error.code, ERR_STORAGE);
}
END_TEST

/* --- stopping --- */

START_TEST(stopping_lets_exchanges_end)
{
	struct action_id id, waiting;

	work_peer_says(200, NULL, 20);
	id = work_start("alld");
	work_run_until(work_is_asking);
	executor_stop(work_world.ex);
	waiting = work_start("ld");
	work_run_until(work_is_idle);
	ck_assert_uint_eq(work_effects(&id, 0), 1);
	ck_assert_uint_eq(work_effects(&id, 1), 0);
	ck_assert_int_eq(work_row(&waiting).version, 0);
	work_down();
	work_up();
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_int_eq(work_row(&waiting).status, ACTION_DONE);
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

START_TEST(stopping_sends_nothing_more)
{
	struct action_id id = work_start("qd"); /* prepared, not yet durable */

	executor_stop(work_world.ex);
	work_run_until(work_is_idle);
	ck_assert_uint_eq(http_peer_requests(work_world.peer, NULL), 0);
	ck_assert_int_eq(work_row(&id).status, ACTION_RUNNING);
}
END_TEST

/* With units in an open group, with exchanges under way: at any point. */
START_TEST(it_can_end_at_any_time)
{
	for (int i = 0; i < 10; i++) {
		work_start("lad");
		work_start("qd");
		work_start("-lcw");
	}
	work_peer_says(200, NULL, 5);
	for (int turns = 0; turns < _i; turns++)
		work_run_until(work_is_asking);
	executor_free(work_world.ex);
	store_flush(work_world.disk.store);
	memset(&work_play, 0, sizeof(work_play));
	work_executor_up();
	work_settle();
	ck_assert_uint_eq(work_effects(NULL, 0), 10 * 2 + 10 + 10 * 4 + 10 * 1);
}
END_TEST

/* --- double drive --- */

static void drive_twice(const char *todo)
{
	setenv("WALLETD_DOUBLE_DRIVE", "1", 1);
	work_setup();
	work_start(todo);
	work_settle();
	work_teardown();
}

static void not_reentrant(void)
{
	drive_twice("lrd");
}

static void asks_two_things(void)
{
	drive_twice("lAd");
}

/* --- states that die with the drive --- */

START_TEST(what_died_with_a_park_begins_again)
{
	struct action_id id;

	work_peer_says(503, NULL, 0);
	id = work_start("vd");
	work_settle();
	ck_assert_int_eq(work_row(&id).state, WORK_VOLATILE);
	ck_assert_uint_eq(http_peer_requests(work_world.peer, "/act"), 1);
	work_peer_says(200, NULL, 0);
	work_pass(1000);
	ck_assert_str_eq(work_row(&id).result, "{\"tries\":2}");
	ck_assert_uint_eq(http_peer_requests(work_world.peer, "/act"), 2);
}
END_TEST

START_TEST(what_died_with_the_process_begins_again)
{
	struct action_id id;

	work_peer_says(200, NULL, 100000);
	id = work_start("vld");
	work_run_until(work_is_asking);
	work_down();
	work_up();
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_str_eq(work_row(&id).result, "{\"tries\":2}");
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

START_TEST(what_lives_goes_on)
{
	struct action_id id = work_start("vvd");

	work_settle();
	ck_assert_str_eq(work_row(&id).result, "{\"tries\":2}"); /* once for each */
}
END_TEST

START_TEST(plain_json_that_nobody_takes)
{
	struct action_id id = work_start("jd");

	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_UNCERTAIN); /* by its state, not by its exchange */
	ck_assert_str_eq(work_row(&id).error_kind, "peer_unavailable");
}
END_TEST

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
	work_setup();
	id = work_start("llqtcwgaf");
	work_settle();
	work_pass(10000);
	work_play.gate = true;
	executor_kick(work_world.ex, &id);
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_FAILED);
	for (int at = 0; at < 8; at++)
		ck_assert_uint_eq(work_effects(&id, at), at != 4);
	work_teardown();
}
END_TEST

/* --- crashes --- */

static const char *const crash_points[] = { "store.commit.before", "store.commit.after", "net.send", "net.reply" };
static const char *const crash_work[] = { "lalqld", "-cwlf", "td" };

static void start_crash_work(void)
{
	for (size_t i = 0; i < ARRAY_LEN(crash_work); i++)
		work_start_params("work", arena_printf(&work_world.arena, "{\"do\":\"%s\",\"id\":\"work-%zu\"}",
						       crash_work[i], i));
	work_settle();
	work_pass(10000);
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
		work_up();
		start_crash_work();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return false;
}

static void check_each_effect_once(void)
{
	for (size_t i = 0; i < ARRAY_LEN(crash_work); i++) {
		struct action_id id;

		ck_assert(action_id_parse(arena_printf(&work_world.arena, "work-%zu", i), &id));
		ck_assert_int_ge(work_row(&id).status, ACTION_DONE);
		for (int at = 0; crash_work[i][at + 1]; at++)
			ck_assert_uint_eq(work_effects(&id, at), crash_work[i][at] != 'c');
	}
	ck_assert_uint_eq(work_effects(NULL, 0), 5 + 3 + 1 + 2); /* those above, and the child's */
	ck_assert_uint_eq(work_events("started", NULL), ARRAY_LEN(crash_work) + 1);
}

static void forget_disk(void)
{
	store_close(work_world.disk.store); /* which folds the log, and removes it */
	work_world.disk.store = NULL;
	unlink(work_world.disk.path);
}

START_TEST(killed_anywhere_and_nothing_is_lost_or_doubled)
{
	int nth = 1;

	scratch_open(&work_world.disk);
	for (bool died = true; died; nth++) {
		forget_disk();
		clock_set_for_test(WORK_NOW_MS);
		died = dies_at(crash_points[_i], nth);
		work_up();
		start_crash_work();
		check_each_effect_once();
		work_down();
	}
	ck_assert_int_gt(nth, 3); /* it was met more than once */
	scratch_close(&work_world.disk);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/executor, races and faults");
	TCase *tc = tcase_create("in one world"), *own = tcase_create("with worlds of their own");

	tcase_add_checked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, so_many_in_flight_and_no_more);
	tcase_add_test(tc, so_many_to_a_peer);
	tcase_add_test(tc, what_died_with_a_park_begins_again);
	tcase_add_test(tc, what_died_with_the_process_begins_again);
	tcase_add_test(tc, what_lives_goes_on);
	tcase_add_test(tc, plain_json_that_nobody_takes);
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
