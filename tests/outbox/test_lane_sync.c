/* A relayer's account nonce, on the chain and here: the table of spec/outbox.md 5.5. */
#include "outbox/lane_sync.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/suite.h"

#define ANOMALIES "walletd_relayer_nonce_anomaly_total"

static struct err e, *err = &e;

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

static struct lane *lane(void)
{
	return outbox_world.ob->chains[0]->lanes[0];
}

static struct lane_row row(void)
{
	struct lane_row r;

	OK(lane_store_get(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_lane_id(), &r, err));
	return r;
}

static void waits(enum hold why)
{
	ck_assert_str_eq(hold_name(lane()->hold), hold_name(why));
}

static uint64_t anomalies(void)
{
	return outbox_metric(ANOMALIES, "lane=\"1\",kind=\"foreign\"");
}

/* The lane as it is made: before the first look at its account. */
static void fresh(uint64_t count, unsigned pending)
{
	struct evm_address relayer = outbox_relayer();

	for (uint64_t i = 0; i < count; i++)
		evm_chain_foreign(outbox_drive.chain, &relayer, 1);
	evm_chain_foreign_pending(outbox_drive.chain, &relayer, pending);
	outbox_world_down();
	scratch_close(&outbox_world.disk);
	scratch_open(&outbox_world.disk);
	outbox_world_up();
	outbox_drive_again();
}

/* --- a fresh lane --- */

START_TEST(a_fresh_lane_begins_where_the_chain_is)
{
	uint64_t was = anomalies();

	fresh(3, 0);
	ck_assert(row().synced);
	ck_assert_uint_eq(row().next_tx_nonce, 3);
	ck_assert_uint_eq(anomalies(), was);
	outbox_submitted("one");
	(void)outbox_slot(3);
}
END_TEST

START_TEST(a_fresh_lane_waits_for_what_is_pending)
{
	struct evm_address relayer = outbox_relayer();

	fresh(3, 2);
	ck_assert(!row().synced);
	waits(HOLD_POOL_PENDING);
	outbox_add("one");
	outbox_pass(31000);
	IS("one", DELIVERY_PENDING);
	evm_chain_foreign_pending(outbox_drive.chain, &relayer, 0);
	evm_chain_foreign(outbox_drive.chain, &relayer, 2);
	outbox_turn();
	waits(HOLD_NONE);
	IS("one", DELIVERY_SUBMITTED);
	(void)outbox_slot(5);
}
END_TEST

/* --- counts --- */

/* L and P as the chain tells them, with next_tx_nonce 2 and both slots mined. */
static const struct {
	const char *name;
	unsigned mined, pending; /* by others */
	uint64_t next;
	bool anomaly;
} counts[] = {
	{ "L = N, P = N", 0, 0, 2, false },
	{ "L > N", 3, 0, 5, true },
	{ "P > N", 0, 2, 4, true },
	{ "L > N, P > L", 1, 2, 5, true },
};

START_TEST(what_is_counted)
{
	struct evm_address relayer = outbox_relayer();
	uint64_t was = anomalies();

	log_set_level(NULL, (enum log_level)0);
	for (int i = 0; i < 2; i++) {
		outbox_submitted(i ? "two" : "one");
		outbox_block();
	}
	ck_assert_uint_eq(row().next_tx_nonce, 2);
	if (counts[_i].mined)
		evm_chain_foreign(outbox_drive.chain, &relayer, counts[_i].mined);
	evm_chain_foreign_pending(outbox_drive.chain, &relayer, counts[_i].pending);
	outbox_pass(31000);
	ck_assert_uint_eq(row().next_tx_nonce, counts[_i].next);
	ck_assert_uint_eq(anomalies() - was, counts[_i].anomaly);
	ck_assert_int_eq(row().anomaly_at_ms > 0, counts[_i].anomaly);
	ck_assert_uint_eq(outbox_events("outbox.nonce_anomaly", NULL), counts[_i].anomaly);
	ck_assert(!row().paused);
	outbox_pass(31000); /* and once only */
	ck_assert_uint_eq(anomalies() - was, counts[_i].anomaly);
	/* What comes after theirs is ours. */
	evm_chain_foreign_pending(outbox_drive.chain, &relayer, 0);
	outbox_submitted("three");
	(void)outbox_slot(counts[_i].next);
}
END_TEST

START_TEST(a_pool_that_counts_backwards_tells_nothing)
{
	outbox_submitted("one");
	outbox_block();
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getTransactionCount", .result = "\"0x0\"" });
	outbox_pass(31000);
	ck_assert_uint_eq(row().next_tx_nonce, 1); /* never lowered */
	ck_assert_int_eq(row().anomaly_at_ms, 0);
	waits(HOLD_NONE);
}
END_TEST

/* --- again --- */

static const struct {
	int64_t after_ms;
	bool paused;
} agains[] = { { INT64_C(86300) * 1000, true }, { INT64_C(86500) * 1000, false } };

START_TEST(twice_in_a_day_stops_the_lane)
{
	struct evm_address relayer = outbox_relayer();

	log_set_level(NULL, (enum log_level)0);
	evm_chain_foreign(outbox_drive.chain, &relayer, 1);
	outbox_pass(31000);
	ck_assert(!row().paused);
	evm_chain_foreign(outbox_drive.chain, &relayer, 1);
	outbox_pass(agains[_i].after_ms);
	ck_assert_int_eq(row().paused, agains[_i].paused);
	outbox_add("one");
	outbox_turns(2);
	IS("one", agains[_i].paused ? DELIVERY_PENDING : DELIVERY_SUBMITTED);
	if (agains[_i].paused)
		ck_assert_str_eq(row().pause_reason, "foreign_transactions");
}
END_TEST

struct noting {
	int64_t opened_ms;
	bool news;
};

static int note_run(struct unit *u, void *ctx, struct err *er)
{
	struct noting *n = ctx;

	return lane_note_foreign(lane(), u, &outbox_world.arena, n->opened_ms, &n->news, er);
}

/* A lost slot and the count that told of it are one incident; another one is told by its own time. */
START_TEST(one_incident_is_one_anomaly)
{
	uint64_t was = anomalies();

	log_set_level(NULL, (enum log_level)0);
	for (int i = 0; i < 3; i++) {
		struct noting n = { .opened_ms = OUTBOX_NOW_MS - 1000 + 2000 * (i == 2) };

		if (i == 2)
			clock_set_for_test(OUTBOX_NOW_MS + 2000);
		scratch_unit(&outbox_world.disk, note_run, &n);
		ck_assert_int_eq(n.news, i != 1);
	}
	ck_assert_uint_eq(anomalies(), was); /* the caller counts, when it is durable */
	ck_assert(row().paused);
}
END_TEST

/* --- money --- */

START_TEST(the_balance_is_shown)
{
	struct evm_address relayer = outbox_relayer();
	evm_chain_fund(outbox_drive.chain, &relayer, wei_from_u64(12345));
	outbox_turn();
	ck_assert_str_eq(outbox_gauge("walletd_relayer_balance_wei", "lane=\"1\""), "12345");
	evm_chain_fund(outbox_drive.chain, &relayer, (struct wei){ .hi = 7, .lo = 0 });
	outbox_turn();
	ck_assert_str_eq(outbox_gauge("walletd_relayer_balance_wei", "lane=\"1\""), "9223372036854775807");
}
END_TEST

START_TEST(an_account_that_cannot_be_read_changes_nothing)
{
	struct wei was = lane()->balance;

	evm_node_error(node(), "eth_getBalance", "no");
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getTransactionCount", .result = "\"many\"" });
	outbox_pass(31000);
	ck_assert_int_eq(wei_cmp(lane()->balance, was), 0);
	waits(HOLD_NONE);
	outbox_submitted("one");
}
END_TEST

START_TEST(counts_that_cannot_be_written_are_taken_again)
{
	struct evm_address relayer = outbox_relayer();

	log_set_level(NULL, (enum log_level)0);
	evm_chain_foreign(outbox_drive.chain, &relayer, 1);
	ck_assert(failpoint_configure("store.commit.before:error:1"));
	outbox_turn();
	ck_assert(failpoint_configure(NULL));
	ck_assert_uint_eq(row().next_tx_nonce, 0);
	clock_pass_for_test(2000);
	outbox_turn();
	ck_assert_uint_eq(row().next_tx_nonce, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/lane_sync");
	TCase *t = tcase_create("accounts");

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_test(t, a_fresh_lane_begins_where_the_chain_is);
	tcase_add_test(t, a_fresh_lane_waits_for_what_is_pending);
	tcase_add_loop_test(t, what_is_counted, 0, (int)ARRAY_LEN(counts));
	tcase_add_test(t, a_pool_that_counts_backwards_tells_nothing);
	tcase_add_loop_test(t, twice_in_a_day_stops_the_lane, 0, (int)ARRAY_LEN(agains));
	tcase_add_test(t, one_incident_is_one_anomaly);
	tcase_add_test(t, the_balance_is_shown);
	tcase_add_test(t, an_account_that_cannot_be_read_changes_nothing);
	tcase_add_test(t, counts_that_cannot_be_written_are_taken_again);
	suite_add_tcase(s, t);
	return suite_run(s);
}
