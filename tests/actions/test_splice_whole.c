/* Splices against a node that takes them as a whole (tests/support/whole_backend.h): what is decided when nothing is told, by a clock
 * that stands still; and that nothing goes a third time wherever the process is killed. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "tests/support/splice_world.h"
#include "tests/support/suite.h"

#define PAYEE "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"
#define OUT   "\"amount_sat\":50000,\"address\":\"" PAYEE "\""
#define IN    "\"amount_sat\":80000"
#define ALL   "\"all\":true"

#define WINDOW_MS 120000 /* of splice_world.c */
#define LOOK_MS   15000

static void ends(const struct action_id *id, enum action_status status)
{
	struct action_row row = splice_world_row(id);

	ck_assert_msg(row.status == status, "%s: %s", action_status_name(row.status),
		      row.error_msg ? row.error_msg : "");
}

static void waits_for(enum splice_wait why)
{
	struct splice_row row;

	ck_assert(splice_world_living(&row));
	ck_assert_str_eq(splice_wait_name(row.wait), splice_wait_name(why));
}

/* Something goes wrong at the next submission: a status, or 0: it acts, and nobody hears of it. */
static void fail_next(int status)
{
	sw.node->fail_method = "splice_whole";
	sw.node->fail_in = 1;
	sw.node->fail_code = status;
	sw.node->fail_words = "words";
}

static void to_its_lock(const struct action_id *id)
{
	splice_world_mine(0);
	fake_cln_lock(sw.node);
	splice_world_pass(60000);
	ends(id, ACTION_DONE);
	ck_assert_uint_eq(splice_world_events("splice.locked"), 1);
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), 0);
}

/* --- to the end --- */

static const struct {
	const char *kind, *params;
	uint64_t amount;
	bool has_fee;
} good[] = { { "splice_out", OUT, 50000, true },
	     { "splice_in", IN, 80000, false },
	     { "splice_in", ALL, 499400, false } };

START_TEST(is_handed_over_and_seen)
{
	struct action_id id = splice_world_start(good[_i].kind, good[_i].params);
	struct funding_payment p;

	waits_for(SPLICE_WAIT_PEER_SIGNATURES);
	splice_world_pool(0);
	waits_for(SPLICE_WAIT_CONFIRMATION);
	ck_assert_uint_eq(splice_world_events("splice.pending"), 1);
	p = splice_world_payment();
	ck_assert(p.has_amount && sat_value(p.amount) == good[_i].amount && p.has_fee == good[_i].has_fee);
	splice_world_pass(WINDOW_MS + 4 * LOOK_MS); /* what is seen is not asked for again */
	to_its_lock(&id);
	ck_assert(splice_world_payment().confirmed);
	ck_assert(sw.node->asked == 1 && sw.node->opens == 1 && sw.node->aborts == 0);
}
END_TEST

START_TEST(is_locked_before_anybody_saw_it)
{
	struct action_id id = splice_world_start("splice_out", OUT);
	struct funding_payment p;

	splice_world_down();
	splice_world_up();
	to_its_lock(&id);
	p = splice_world_payment();
	ck_assert(p.confirmed && txid_equal(&p.txid, &sw.node->flight[0].txid) && sat_value(p.fee) == 500);
	ck_assert_uint_eq(sw.node->asked, 1);
}
END_TEST

/* Another splice is on its way that the node does not tell of, and that what follows the chain has not seen; or nobody knows. */
static const struct {
	const char *name;
	int says;
	const char *params;
	enum splice_wait waits;
} before[] = {
	{ "a mempool spends the funding", 0, IN, SPLICE_WAIT_FOREIGN_SPLICE },
	{ "our node does not answer", -1, ALL, SPLICE_WAIT_NODE_UNREACHABLE },
};

START_TEST(is_not_handed_over_beside_another)
{
	struct action_id id;

	splice_world_spent(before[_i].says);
	id = splice_world_start("splice_in", before[_i].params);
	waits_for(before[_i].waits);
	splice_world_pass(4 * WINDOW_MS);
	waits_for(before[_i].waits);
	ck_assert_uint_eq(sw.node->asked, 0);
	splice_world_unspent();
	splice_world_pass(4 * LOOK_MS);
	ck_assert_uint_eq(sw.node->asked, 1);
	to_its_lock(&id);
}
END_TEST

/* --- when nothing is seen --- */

/* What came of the first submission, and how many were taken at the end of the second. */
static const struct {
	const char *name;
	int status;
	unsigned opens;
} unknown[] = {
	{ "it was taken", -1, 1 },
	{ "it was taken, and the reply was lost", 0, 1 },
	{ "the deadline passed there", 4, 1 },
	{ "it broke", 13, 1 },
	{ "it was not available", 14, 1 },
	{ "a number of tomorrow", 77, 1 },
};

START_TEST(once_more_after_the_window)
{
	struct action_id id;

	if (unknown[_i].status >= 0)
		fail_next(unknown[_i].status);
	id = splice_world_start("splice_out", OUT);
	splice_world_pass(WINDOW_MS - LOOK_MS);
	ck_assert_uint_eq(sw.node->asked, 1);
	splice_world_pass(4 * LOOK_MS);
	ck_assert_uint_eq(sw.node->asked, 2);
	ck_assert_uint_eq(sw.node->opens, unknown[_i].opens);
	splice_world_pass(4 * WINDOW_MS);
	waits_for(SPLICE_WAIT_PEER_SIGNATURES);
	to_its_lock(&id);
	ck_assert_uint_eq(sw.node->asked, 2);
}
END_TEST

START_TEST(the_window_is_of_the_peers_presence)
{
	splice_world_start("splice_out", OUT);
	for (int i = 0; i < 5; i++) {
		splice_world_pass(WINDOW_MS / 2);
		sw.node->connected = false;
		splice_world_pass(WINDOW_MS);
		waits_for(SPLICE_WAIT_PEER_OFFLINE);
		sw.node->connected = true;
		splice_world_pass(LOOK_MS);
	}
	ck_assert_uint_eq(sw.node->asked, 1);
	splice_world_pass(WINDOW_MS + 2 * LOOK_MS);
	ck_assert_uint_eq(sw.node->asked, 2);
}
END_TEST

/* Nobody knows whether the peer was there while we were not. */
START_TEST(the_window_is_of_our_own_presence)
{
	splice_world_start("splice_out", OUT);
	for (int i = 0; i < 5; i++) {
		splice_world_pass(WINDOW_MS / 2);
		splice_world_down();
		clock_set_for_test(clock_now_ms() + WINDOW_MS);
		splice_world_up();
		splice_world_pass(LOOK_MS);
	}
	ck_assert_uint_eq(sw.node->asked, 1);
	splice_world_pass(WINDOW_MS + 2 * LOOK_MS);
	ck_assert_uint_eq(sw.node->asked, 2);
}
END_TEST

START_TEST(never_a_third_time)
{
	struct action_id id = splice_world_start("splice_out", OUT ",\"deadline_s\":1500");

	for (int i = 0; i < 5; i++) {
		splice_world_pass(WINDOW_MS * 2);
		splice_world_down();
		splice_world_up();
	}
	ends(&id, ACTION_PARKED);
	ck_assert_uint_eq(sw.node->asked, 2);
	splice_world_pass(WINDOW_MS * 6);
	ends(&id, ACTION_FAILED);
	ck_assert_str_eq(splice_world_row(&id).funds_moved, "unknown");
	ck_assert_ptr_nonnull(strstr(splice_world_row(&id).error_msg, "may still"));
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), 1);
	ck_assert_uint_eq(sw.node->asked, 2);
}
END_TEST

/* --- refused for certain --- */

START_TEST(is_refused_twice_and_given_up)
{
	struct action_id id;

	fail_next(9);
	id = splice_world_start("splice_in", IN);
	fail_next(9);
	splice_world_pass(60000);
	ends(&id, ACTION_FAILED);
	ck_assert_str_eq(splice_world_row(&id).funds_moved, "no");
	ck_assert_ptr_nonnull(strstr(splice_world_row(&id).error_msg, "words"));
	ck_assert_uint_eq(sw.node->asked, 2);
}
END_TEST

static const int refusals[] = { 3, 12 }; /* a wrong argument; a method that it has not */

START_TEST(is_refused_once_and_for_all)
{
	struct action_id id;

	fail_next(refusals[_i]);
	id = splice_world_start("splice_in", IN);
	splice_world_pass(60000);
	ends(&id, ACTION_FAILED);
	ck_assert_str_eq(splice_world_row(&id).funds_moved, "no");
	ck_assert_uint_eq(sw.node->asked, 1);
}
END_TEST

/* Which counts as nothing: it was not looked at. */
START_TEST(the_key_is_refused)
{
	struct action_id id;

	for (int i = 0; i < 4; i++) {
		fail_next(16);
		if (i == 0)
			id = splice_world_start("splice_in", IN);
		else
			splice_world_pass(LOOK_MS);
	}
	splice_world_pass(60000);
	ck_assert_uint_eq(sw.node->opens, 1);
	splice_world_pool(0);
	to_its_lock(&id);
}
END_TEST

/* --- what it cannot --- */

static const struct {
	const char *kind, *params, *field;
} cannot[] = {
	{ "splice_out", OUT ",\"feerate\":\"4\"", "feerate" },
	{ "splice_in", IN ",\"max_feerate\":\"4\"", "max_feerate" },
	{ "splice_in", IN ",\"max_fee_sat\":400", "max_fee_sat" },
	{ "splice_bump", "", "" },
};

START_TEST(is_refused_for_the_node_cannot)
{
	struct err why = splice_world_refused(cannot[_i].kind, cannot[_i].params, ERR_NODE_CANNOT);

	ck_assert_str_eq(why.field, cannot[_i].field);
	ck_assert_uint_eq(sw.node->asked, 0);
}
END_TEST

START_TEST(cancelled_before_it_is_handed_over_and_not_after)
{
	struct action_id id;

	sw.node->unsynced = true;
	id = splice_world_start("splice_out", OUT);
	waits_for(SPLICE_WAIT_NODE_UNREACHABLE);
	ck_assert_int_eq(splice_world_cancel(&id), ERR_NONE);
	ends(&id, ACTION_CANCELLED);
	sw.node->unsynced = false;
	splice_world_pass(60000);
	ck_assert_uint_eq(sw.node->asked, 0);
	id = splice_world_start("splice_out", OUT);
	ck_assert_int_eq(splice_world_cancel(&id), ERR_NODE_CANNOT);
	splice_world_pool(0);
	ck_assert_int_eq(splice_world_cancel(&id), ERR_NODE_CANNOT);
	to_its_lock(&id);
}
END_TEST

/* --- the channel --- */

START_TEST(a_channel_that_is_not_told_of_ends_nothing)
{
	struct action_id id = splice_world_start("splice_out", OUT);

	sw.node->forgets_channel = true;
	splice_world_pass(WINDOW_MS * 3);
	ends(&id, ACTION_PARKED);
	waits_for(SPLICE_WAIT_NODE_UNREACHABLE);
	ck_assert_uint_eq(sw.node->asked, 1);
	sw.node->forgets_channel = false;
	to_its_lock(&id);
}
END_TEST

/* Something spends the funding, six blocks deep, and the node has the channel no more. */
START_TEST(a_channel_that_is_closed)
{
	struct fake_flight *f = &sw.node->flight[0];
	struct action_id id = splice_world_start("splice_out", OUT);

	f->raw[strlen(f->raw) - 1] ^= 1; /* its locktime: another txid, as far as the candidates go */
	sw.node->forgets_channel = true;
	f->txid.b[0] ^= 1;
	splice_world_mine(0);
	for (int i = 0; i < 5; i++)
		splice_world_mine(-1);
	splice_world_pass(60000);
	ends(&id, ACTION_FAILED);
	ck_assert_str_eq(splice_world_row(&id).error_kind, "channel_closing");
	ck_assert_str_eq(splice_world_row(&id).funds_moved, "unknown");
}
END_TEST

/* --- killed --- */

static const char *const crash_points[] = { "store.commit.before", "store.commit.after", "net.send", "net.reply" };

/* To the end of its second submission: it is not seen before. */
static void crash_work(void)
{
	if (splice_world_events("splice.accepted") == 0)
		splice_world_start(good[0].kind, good[0].params);
	splice_world_pass(WINDOW_MS * 2);
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
		splice_world_up();
		failpoint_configure(spec);
		crash_work();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return false;
}

START_TEST(killed_anywhere_and_it_goes_once)
{
	struct splice_row row;
	int nth = 1;

	for (bool died = true; died; nth += 1 + nth / 3) {
		splice_world_setup_whole();
		splice_world_down();
		store_close(sw.disk.store);
		sw.disk.store = NULL;
		died = dies_at(crash_points[_i], nth);
		splice_world_up();
		crash_work();
		ck_assert(splice_world_living(&row));
		ck_assert_uint_le(row.attempts, 2);
		ck_assert_uint_ge(sw.node->asked, 1);
		ck_assert_uint_le(sw.node->asked, 2);
		ck_assert_uint_eq(sw.node->opens, 1);
		to_its_lock(&row.action);
		ck_assert(splice_world_payment().confirmed);
		splice_world_teardown();
	}
	ck_assert_int_gt(nth, 10); /* it was met more than once; not at every place of many, for time's sake */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/splice_whole");
	TCase *t = tcase_create("whole"), *k = tcase_create("killed");

	tcase_add_checked_fixture(t, splice_world_setup_whole, splice_world_teardown);
	tcase_set_timeout(t, 60);
	tcase_set_timeout(k, 300);
	tcase_add_loop_test(t, is_handed_over_and_seen, 0, (int)ARRAY_LEN(good));
	tcase_add_test(t, is_locked_before_anybody_saw_it);
	tcase_add_loop_test(t, is_not_handed_over_beside_another, 0, (int)ARRAY_LEN(before));
	tcase_add_loop_test(t, once_more_after_the_window, 0, (int)ARRAY_LEN(unknown));
	tcase_add_test(t, the_window_is_of_the_peers_presence);
	tcase_add_test(t, the_window_is_of_our_own_presence);
	tcase_add_test(t, never_a_third_time);
	tcase_add_test(t, is_refused_twice_and_given_up);
	tcase_add_loop_test(t, is_refused_once_and_for_all, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(t, the_key_is_refused);
	tcase_add_loop_test(t, is_refused_for_the_node_cannot, 0, (int)ARRAY_LEN(cannot));
	tcase_add_test(t, cancelled_before_it_is_handed_over_and_not_after);
	tcase_add_test(t, a_channel_that_is_not_told_of_ends_nothing);
	tcase_add_test(t, a_channel_that_is_closed);
	tcase_add_loop_test(k, killed_anywhere_and_it_goes_once, 0, (int)ARRAY_LEN(crash_points));
	suite_add_tcase(s, t);
	suite_add_tcase(s, k);
	return suite_run(s);
}
