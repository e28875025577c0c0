/* What a state asks of the block chain, and what is changed in a living action from outside. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "actions/executor.h"
#include "rails/bitcoin/tx.h"
#include "tests/support/suite.h"
#include "tests/support/work_world.h"

static struct err e, *err = &e;

#define TXID_ANSWER "\"0000000000000000000000000000000000000000000000000000000000000000\""

/* The txid of the one transaction that "work" gives to the node. */
static void node_takes_it(void)
{
	uint8_t zero[1] = { 0x6a };
	struct tx_in in = { 0 };
	struct tx_out out = { .script = { zero, sizeof(zero) } };
	struct tx tx = { .version = 2, .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
	struct txid id = tx_txid(&tx);
	char text[TXID_TEXT];

	txid_text(&id, text);
	fake_bitcoind_on(work_world.node, "sendrawtransaction", arena_printf(&work_world.arena, "\"%s\"", text));
}

static unsigned given_to_the_node(void)
{
	return fake_bitcoind_calls(work_world.node, "sendrawtransaction");
}

/* --- questions --- */

START_TEST(the_node_is_asked)
{
	struct action_id id;

	node_takes_it();
	id = work_start("lnld");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	for (int at = 0; at < 3; at++)
		ck_assert_uint_eq(work_effects(&id, at), 1);
	ck_assert_uint_eq(given_to_the_node(), 1);
	ck_assert_ptr_nonnull(strstr(fake_bitcoind_params(work_world.node, "sendrawtransaction"), "02000000"));
}
END_TEST

START_TEST(nothing_to_ask)
{
	struct action_id id = work_start("od");

	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_uint_eq(given_to_the_node(), 0);
}
END_TEST

START_TEST(no_answer_is_uncertain)
{
	struct action_id id;

	node_takes_it();
	fake_bitcoind_fault(work_world.node, &(struct peer_script){ .status = 503 }, 100);
	id = work_start("nd");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_UNCERTAIN);
	ck_assert_uint_eq(work_effects(&id, 0), 0);
	fake_bitcoind_fault(work_world.node, &(struct peer_script){ .status = 503 }, 0);
	work_pass(600000);
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

START_TEST(its_no_is_a_no)
{
	struct action_id id;

	fake_bitcoind_error(work_world.node, "sendrawtransaction", -26, "dust");
	id = work_start("nd");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_FAILED);
	ck_assert_str_eq(work_row(&id).error_kind, "peer_rejected");
	ck_assert_str_eq(work_row(&id).error_msg, "dust");
}
END_TEST

START_TEST(a_lying_txid_is_no_yes)
{
	struct action_id id;

	fake_bitcoind_on(work_world.node, "sendrawtransaction", TXID_ANSWER);
	id = work_start("nd");
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_UNCERTAIN);
	ck_assert_uint_eq(work_effects(&id, 0), 0);
}
END_TEST

START_TEST(without_a_node_it_waits_for_one)
{
	struct action_id id;

	work_down();
	work_world.no_chain = true;
	work_up();
	id = work_start("lnd");
	work_settle();
	ck_assert_str_eq(work_row(&id).error_kind, "bad_config");
	ck_assert_int_eq(work_row(&id).state, WORK_NODE);
	work_down();
	work_world.no_chain = false;
	work_up();
	node_takes_it();
	work_pass(600000);
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
}
END_TEST

static bool node_was_asked(void)
{
	return given_to_the_node() > 0;
}

START_TEST(a_question_ends_with_the_executor)
{
	struct action_id id;

	node_takes_it();
	id = work_start("nd");
	work_run_until(node_was_asked);
	work_down();
	work_up();
	node_takes_it();
	executor_run(work_world.ex);
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_uint_eq(work_effects(&id, 0), 1);
}
END_TEST

static void drive_twice(const char *todo)
{
	setenv("WALLETD_DOUBLE_DRIVE", "1", 1);
	work_setup();
	node_takes_it();
	work_start(todo);
	work_settle();
	work_teardown();
}

static void asks_two_things(void)
{
	drive_twice("lNd");
}

START_TEST(double_drive_compares_questions)
{
	ck_assert_int_eq(suite_signal_of(asks_two_things), SIGABRT);
	drive_twice("lnond");
}
END_TEST

/* --- amend --- */

static int amend(const struct action_id *id, const char *params)
{
	struct work_amending m = { .id = *id, .params = params };
	int rc = store_unit_now(work_world.disk.store, work_amend_unit, &m, err);

	if (rc == 0)
		executor_kick(work_world.ex, id);
	return rc;
}

START_TEST(what_is_parked_goes_another_way)
{
	struct action_id id = work_start("lg");
	int64_t version;

	work_settle();
	version = work_row(&id).version;
	OK(amend(&id, "{\"do\":\"lld\"}"));
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_int_eq(work_row(&id).version, version + 4);
	ck_assert_uint_eq(work_effects(&id, 0), 2); /* once of each course */
	ck_assert_uint_eq(work_effects(&id, 1), 1);
}
END_TEST

START_TEST(what_is_in_flight_is_dropped)
{
	struct action_id id;

	work_peer_says(200, NULL, 50);
	id = work_start("ad");
	work_run_until(work_is_asking);
	OK(amend(&id, "{\"do\":\"lld\"}"));
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_DONE);
	ck_assert_uint_eq(work_effects(&id, 0), 1); /* the answer came to nothing */
	ck_assert_uint_eq(work_stats().conflicts, 1);
}
END_TEST

START_TEST(troubles_of_the_old_course_are_gone)
{
	struct action_id id;

	work_peer_says(503, NULL, 0);
	id = work_start("ad");
	work_settle();
	ck_assert_uint_eq(work_row(&id).attempts, 1);
	OK(amend(&id, "{\"do\":\"g\"}"));
	work_settle();
	ck_assert_uint_eq(work_row(&id).attempts, 0);
	ck_assert_ptr_null(work_row(&id).error_kind);
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
	struct action_id id = work_start("lg");
	struct work_amending m = { .id = id, .params = "{\"do\":\"lld\"}", .dry_run = true };
	int64_t version;

	work_settle();
	version = work_row(&id).version;
	OK(store_rehearse(work_world.disk.store, work_amend_unit, &m, err));
	ck_assert_int_eq(json_integer_value(json_object_get(m.plan, "steps")), 3);
	ck_assert_int_eq(work_row(&id).version, version);
	ck_assert_uint_eq(work_events("action.state", id.s), (unsigned)version - 1);
}
END_TEST

START_TEST(amend_refuses)
{
	struct action_id parked = work_start("lg"), ended = work_start("d"), other = work_start_of("other", "lg"),
			 nobody = { "nobody" };

	work_settle();
	FAILS(amend(&parked, "{\"do\":\"x\"}"), ERR_FUNDS);
	FAILS(amend(&parked, "{\"dot\":\"l\"}"), ERR_PARAM);
	FAILS(amend(&parked, NULL), ERR_PARAM);
	FAILS(amend(&ended, "{\"do\":\"l\"}"), ERR_ILLEGAL_STATE);
	FAILS(amend(&other, "{\"do\":\"l\"}"), ERR_ILLEGAL_STATE);
	FAILS(amend(&nobody, "{\"do\":\"l\"}"), ERR_NOT_FOUND);
	store_flush(work_world.disk.store);
	scratch_sql(&work_world.disk, "UPDATE action SET checkpoint = '{}' WHERE kind = 'work'");
	FAILS(amend(&parked, "{\"do\":\"l\"}"), ERR_PARSE);
	store_flush(work_world.disk.store);
	scratch_sql(&work_world.disk, "UPDATE action SET state = 99 WHERE kind = 'work'");
	FAILS(amend(&parked, "{\"do\":\"l\"}"), ERR_ILLEGAL_STATE);
	executor_set_keys(work_world.ex, NULL);
	FAILS(amend(&parked, "{\"do\":\"l\"}"), ERR_NO_WALLET);
}
END_TEST

/* --- waking all of a kind --- */

START_TEST(all_of_a_kind_look)
{
	struct action_id timed = work_start("td"), kicked = work_start("lg"), other = work_start_of("other", "td");
	int64_t parked;

	work_settle();
	parked = work_row(&kicked).version;
	scratch_sql(&work_world.disk, "UPDATE action SET checkpoint = json_set(checkpoint, '$.until_ms', 1)");
	OK(executor_wake_kind(work_world.ex, "work", err));
	work_settle();
	ck_assert_int_eq(work_row(&timed).status, ACTION_DONE);
	ck_assert_int_eq(work_row(&kicked).version, parked); /* only a kick wakes it */
	ck_assert_int_eq(work_row(&other).status, ACTION_PARKED);
}
END_TEST

START_TEST(those_in_flight_look_again)
{
	struct action_id id;

	work_peer_says(200, NULL, 50);
	id = work_start("atd");
	work_run_until(work_is_asking);
	OK(executor_wake_kind(work_world.ex, "work", err));
	work_settle();
	ck_assert_int_eq(work_row(&id).status, ACTION_PARKED);
	ck_assert_int_eq(work_row(&id).version, 3); /* asked, parked, and looked once more */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/executor, questions and changes");
	TCase *tc = tcase_create("in one world"), *own = tcase_create("with worlds of their own");

	tcase_add_checked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, the_node_is_asked);
	tcase_add_test(tc, nothing_to_ask);
	tcase_add_test(tc, no_answer_is_uncertain);
	tcase_add_test(tc, its_no_is_a_no);
	tcase_add_test(tc, a_lying_txid_is_no_yes);
	tcase_add_test(tc, without_a_node_it_waits_for_one);
	tcase_add_test(tc, a_question_ends_with_the_executor);
	tcase_add_test(tc, what_is_parked_goes_another_way);
	tcase_add_test(tc, what_is_in_flight_is_dropped);
	tcase_add_test(tc, troubles_of_the_old_course_are_gone);
	tcase_add_test(tc, a_dry_run_changes_nothing);
	tcase_add_test(tc, amend_refuses);
	tcase_add_test(tc, all_of_a_kind_look);
	tcase_add_test(tc, those_in_flight_look_again);
	suite_add_tcase(s, tc);
	tcase_add_test(own, double_drive_compares_questions);
	suite_add_tcase(s, own);
	return suite_run(s);
}
