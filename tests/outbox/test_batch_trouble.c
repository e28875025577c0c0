/* What becomes of a batch when a node, another daemon, the store or the wallet stops, and when the daemon does (spec/outbox.md
 * 2.9, 3.2, F8, F20, F27). */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/batch.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/suite.h"

#define ATTEMPTS "walletd_directive_outbox_attempts_total"
#define STALE    "walletd_directive_outbox_stale_claim_total"
#define EXPIRED  "walletd_directive_outbox_claim_lease_expired_total"

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

static struct lane *lane(void)
{
	return outbox_world.ob->chains[0]->lanes[0];
}

static void holds(enum hold expected)
{
	ck_assert_str_eq(hold_name(lane()->hold), hold_name(expected));
}

/* --- nodes --- */

/* Polls are answered, and calls are not: nobody's attempt, and no reason to try at the speed of the network. */
START_TEST(a_node_that_answers_polls_alone)
{
	struct store_stats before, after;

	evm_node_say(node(), &(struct evm_saying){ .method = "call:nonces_used", .status = 500 });
	evm_node_say(node(), &(struct evm_saying){ .method = "call:batch", .status = 500 });
	outbox_add("one");
	outbox_quiet();
	store_stats(outbox_world.disk.store, &before);
	outbox_turns(20);
	store_stats(outbox_world.disk.store, &after);
	ck_assert_uint_le(after.units - before.units, 4);
	IS("one", DELIVERY_PENDING);
	ck_assert_uint_eq(outbox_world_row("one").attempts, 0);
	evm_node_obey(node());
	outbox_pass(120000);
	outbox_turn();
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

/* The dry run knows a block that the search for evidence does not. */
START_TEST(used_and_unused_at_once_is_tried_later)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_NONCE_USED);
	outbox_add("one");
	outbox_quiet();
	ck_assert_uint_eq(evm_node_asked(node(), "call:batch"), 1);
	IS("one", DELIVERY_RETRY);
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_DONE);
	outbox_pass(1000);
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

/* --- somebody else has it --- */

static void take_away(const char *method)
{
	if (strcmp(method, "call:batch") == 0)
		scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET version = version + 1"
						" WHERE directive_id = 'd1' AND delivery_status = 1");
}

static bool other_is_submitted(void)
{
	return outbox_world_row("d0").status == DELIVERY_SUBMITTED;
}

/* Found out at the write-ahead, or when a refusal is written. */
START_TEST(what_another_has_taken_is_dropped)
{
	uint64_t stale = outbox_metric(STALE, ""), dry_runs_were = outbox_metric(ATTEMPTS, "result=\"dry_run\"");

	outbox_add_many(2);
	evm_node_watch(node(), take_away);
	if (_i == 1)
		evm_chain_outcome(outbox_drive.chain, 1, VERIFIER_EFFECT_FAILED);
	outbox_run_until(other_is_submitted);
	evm_node_watch(node(), NULL);
	outbox_quiet();
	ck_assert_uint_gt(outbox_metric(STALE, ""), stale);
	IS("d1", DELIVERY_CLAIMED);
	IS("d0", DELIVERY_SUBMITTED);
	ck_assert_uint_eq(outbox_metric(ATTEMPTS, "result=\"dry_run\""), dry_runs_were);
	ck_assert_uint_eq(outbox_events("directive.update", "d1"), 0);
	/* The claim is nobody's: it ends by itself. */
	outbox_pass(INT64_C(421) * 1000);
	outbox_pass(INT64_C(421) * 1000);
	ck_assert_uint_eq(outbox_tally(DELIVERY_CLAIMED), 0);
}
END_TEST

static void two_minutes(const char *method)
{
	if (strcmp(method, "call:batch") == 0)
		clock_pass_for_test(120000);
}

START_TEST(an_attempt_has_its_own_deadline)
{
	uint64_t late = outbox_metric(ATTEMPTS, "result=\"deadline\"");
	struct outbox_append in = outbox_request("one");

	in.expires_at_ms = OUTBOX_NOW_MS + 1000; /* of the request: says nothing about ours */
	(void)outbox_world_append(&in);
	outbox_kick(outbox_world.ob);
	evm_node_watch(node(), two_minutes);
	outbox_quiet();
	IS("one", DELIVERY_SUBMITTED);
	outbox_world.opt.attempt_limit_s = 60;
	outbox_drive_again();
	evm_node_watch(node(), two_minutes);
	outbox_add("two");
	outbox_quiet();
	IS("two", DELIVERY_RETRY);
	ck_assert_str_eq(outbox_world_row("two").last_error, "submit deadline exceeded");
	ck_assert_uint_eq(outbox_metric(ATTEMPTS, "result=\"deadline\""), late + 1);
}
END_TEST

static bool is_asked(void)
{
	return evm_node_asked(node(), "call:nonces_used") > 0;
}

START_TEST(a_claim_that_is_too_old_ends)
{
	uint64_t expired = outbox_metric(EXPIRED, "");

	evm_node_say(node(), &(struct evm_saying){ .method = "call:nonces_used", .silent = true });
	outbox_add("one");
	outbox_run_until(is_asked);
	IS("one", DELIVERY_CLAIMED);
	clock_pass_for_test(INT64_C(421) * 1000);
	batch_free(lane()->batch); /* it was stuck for good */
	evm_node_obey(node());
	outbox_run(outbox_world.ob);
	outbox_quiet();
	ck_assert_uint_eq(outbox_metric(EXPIRED, ""), expired + 1);
	outbox_turn();
	IS("one", DELIVERY_SUBMITTED);
	ck_assert_uint_eq(outbox_world_row("one").attempts, 1);
}
END_TEST

/* --- the store refuses --- */

static unsigned wanted_failures;

static bool has_failed(void)
{
	return outbox_world.ob->stats.failures >= wanted_failures;
}

static const char *const refusals[] = { "outbox.claim:error:1", "outbox.write_ahead:error:1",
					"store.commit.before:error:1" };

/* Nothing leaves the process, nothing is counted, and the same is done when the store can take it. */
START_TEST(what_the_store_refuses_is_done_later)
{
	uint64_t submitted = outbox_metric(ATTEMPTS, "result=\"submitted\"");
	struct outbox_append in = outbox_request("one");

	(void)outbox_world_append(&in);
	ck_assert(failpoint_configure(refusals[_i]));
	wanted_failures = 1;
	outbox_kick(outbox_world.ob);
	outbox_run_until(has_failed);
	ck_assert(failpoint_configure(NULL));
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, NULL), 0);
	ck_assert_uint_eq(outbox_metric(ATTEMPTS, "result=\"submitted\""), submitted);
	clock_pass_for_test(2000);
	outbox_quiet();
	outbox_turn();
	IS("one", DELIVERY_SUBMITTED);
	ck_assert_uint_eq(outbox_metric(ATTEMPTS, "result=\"submitted\""), submitted + 1);
	ck_assert_uint_eq(outbox_world_row("one").attempts, 1);
	ck_assert_uint_eq(outbox_events("directive.update", "one"), 1);
}
END_TEST

static void break_the_store(const char *method)
{
	if (strcmp(method, "call:batch") == 0)
		ck_assert(failpoint_configure("store.commit.before:error:1"));
}

/* What was decided of those that leave is not forgotten either: their claims would last for minutes. */
START_TEST(a_decision_that_cannot_be_written_is_kept)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_UNSUPPORTED_ACTION);
	evm_node_watch(node(), break_the_store);
	wanted_failures = 1;
	outbox_add("one");
	outbox_run_until(has_failed);
	ck_assert(failpoint_configure(NULL));
	IS("one", DELIVERY_CLAIMED);
	outbox_quiet();
	IS("one", DELIVERY_DEAD_LETTERED);
	ck_assert_uint_eq(outbox_events("directive.dead_lettered", "one"), 1);
}
END_TEST

START_TEST(a_store_that_refuses_for_too_long)
{
	outbox_world.opt.attempt_limit_s = 60;
	outbox_drive_again();
	ck_assert(failpoint_configure("outbox.write_ahead:error:0"));
	wanted_failures = 1;
	outbox_add("one");
	outbox_run_until(has_failed);
	clock_pass_for_test(61000);
	outbox_quiet();
	ck_assert(failpoint_configure(NULL));
	IS("one", DELIVERY_RETRY);
	ck_assert_str_eq(outbox_world_row("one").last_error, "submit deadline exceeded");
}
END_TEST

/* --- the end --- */

static bool outbox_is_idle(void)
{
	return outbox_idle(outbox_world.ob);
}

static bool is_searched(void)
{
	return evm_node_asked(node(), "eth_getLogs") > 0;
}

static bool is_dry_run(void)
{
	return evm_node_asked(node(), "call:batch") > 0;
}

static bool write_ahead_failed(void)
{
	return outbox_world.ob->stats.failures > 0;
}

static void silent(const char *method)
{
	evm_node_say(node(), &(struct evm_saying){ .method = method, .silent = true });
}

static void in_nonces(void)
{
	silent("call:nonces_used");
}
static void in_dry_run(void)
{
	silent("call:batch");
}
static void in_search(void)
{
	struct directive_row row = outbox_world_row("d0");
	struct hash32 digest = rows_hash(0xabcd);

	evm_node_spend(node(), &row.signer, row.nonce, &digest, NULL);
	silent("eth_getLogs");
	silent("call:batch"); /* the others, which go on meanwhile, get no further */
}
static void in_write_ahead(void)
{
	ck_assert(failpoint_configure("outbox.write_ahead:error:0"));
}

static const struct ending {
	const char *name;
	void (*cause)(void);
	bool (*reached)(void);
} endings[] = {
	{ "nonces", in_nonces, is_asked },
	{ "dry run", in_dry_run, is_dry_run },
	{ "search for evidence", in_search, is_searched },
	{ "write-ahead refused", in_write_ahead, write_ahead_failed },
};

/* F27: whatever is claimed and not written ahead is given back when the daemon stops. */
START_TEST(nothing_stays_claimed_at_the_end)
{
	int64_t start;

	outbox_add_many(40);
	endings[_i].cause();
	outbox_run_until(endings[_i].reached);
	ck_assert_uint_gt(outbox_tally(DELIVERY_CLAIMED), 0);
	start = clock_mono_us();
	outbox_stop(outbox_world.ob);
	outbox_run_until(outbox_is_idle);
	ck_assert_int_lt(clock_mono_us() - start, 900000);
	ck_assert_uint_eq(outbox_tally(DELIVERY_CLAIMED), 0);
	ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 40);
	ck_assert(failpoint_configure(NULL));
	outbox_drive_again(); /* what is silent is so no more */
	ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 0);
}
END_TEST

/* Without a stop before it, and with a unit of a batch that waits in the open group and another after that. */
START_TEST(freed_at_any_moment)
{
	struct outbox_append in = outbox_request("one");

	(void)outbox_world_append(&in);
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET kind = 'needs_magic'");
	outbox_world.opt.linger_ms = 0;
	lane()->lingered = true;
	drainer_run(outbox_world.ob);
	ck_assert_uint_eq(outbox_world.ob->units, 1);
	outbox_drive_again();
	outbox_turn();
	IS("one", DELIVERY_DEAD_LETTERED);
}
END_TEST

/* --- keys --- */

/* Locked while the contract is looked at: that it is well does not bring the key back. */
START_TEST(a_locked_wallet_claims_nothing)
{
	struct store_stats before, after;

	outbox_set_keys(outbox_world.ob, NULL);
	holds(HOLD_SIGNER_LOCKED);
	outbox_world.ob->spaces[0]->next_check_us = 0;
	outbox_add("one");
	store_stats(outbox_world.disk.store, &before);
	outbox_turns(3);
	store_stats(outbox_world.disk.store, &after);
	ck_assert_uint_le(after.units - before.units, 1);
	IS("one", DELIVERY_PENDING);
	outbox_set_keys(outbox_world.ob, outbox_world.keys);
	outbox_turns(2);
	IS("one", DELIVERY_SUBMITTED);
	ck_assert_uint_eq(outbox_world_row("one").attempts, 1);
}
END_TEST

static void lock(const char *method)
{
	if (strcmp(method, "call:domain") == 0 || strcmp(method, "call:nonces_used") == 0)
		outbox_set_keys(outbox_world.ob, NULL);
}

START_TEST(locked_at_any_moment)
{
	if (_i == 0)
		outbox_world.ob->spaces[0]->next_check_us = 0;
	evm_node_watch(node(), lock);
	outbox_add("one");
	outbox_turns(3);
	ck_assert_str_eq(hold_name(outbox_world.ob->spaces[0]->hold), "signer_locked");
	holds(HOLD_SIGNER_LOCKED);
	IS("one", DELIVERY_PENDING);
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, NULL), 0);
}
END_TEST

static TCase *with_fixture(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	suite_add_tcase(s, t);
	return t;
}

int main(void)
{
	Suite *s = suite_create("outbox/batch_trouble");
	TCase *t = with_fixture(s, "others");

	tcase_add_test(t, a_node_that_answers_polls_alone);
	tcase_add_test(t, used_and_unused_at_once_is_tried_later);
	tcase_add_loop_test(t, what_another_has_taken_is_dropped, 0, 2);
	tcase_add_test(t, an_attempt_has_its_own_deadline);
	tcase_add_test(t, a_claim_that_is_too_old_ends);
	tcase_add_loop_test(t, what_the_store_refuses_is_done_later, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(t, a_decision_that_cannot_be_written_is_kept);
	tcase_add_test(t, a_store_that_refuses_for_too_long);
	t = with_fixture(s, "the end");
	tcase_add_loop_test(t, nothing_stays_claimed_at_the_end, 0, (int)ARRAY_LEN(endings));
	tcase_add_test(t, freed_at_any_moment);
	tcase_add_test(t, a_locked_wallet_claims_nothing);
	tcase_add_loop_test(t, locked_at_any_moment, 0, 2);
	return suite_run(s);
}
