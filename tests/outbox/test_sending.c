/* What a node answers to a raw transaction, and what follows for its slot, its directives and its lane (spec/outbox.md 5.6). */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/delivery.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/suite.h"

static struct err e, *err = &e;

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

static struct lane *lane(void)
{
	return outbox_world.ob->chains[0]->lanes[0];
}

static size_t attempts_of(uint64_t nonce, struct attempt_row **ret)
{
	struct attempt_row *rows;
	size_t n;

	OK(attempt_store_list(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_slot(nonce).id, &rows,
			      &n, err));
	if (ret)
		*ret = rows;
	return n;
}

static void slot_is(uint64_t nonce, enum slot_state expected)
{
	ck_assert_str_eq(slot_state_name(outbox_slot(nonce).state), slot_state_name(expected));
}

static void say(const char *words)
{
	evm_node_error(node(), "eth_sendRawTransaction", words);
}

static unsigned sent(void)
{
	return evm_node_asked(node(), "eth_sendRawTransaction");
}

/* --- the table --- */

enum extra { NOTHING = 0, PAUSES = 1, HALVES = 2, NO_FUNDS = 4, BUMPS = 8, ALARMS = 16 };

static const struct reply {
	const char *name, *words, *result;
	int status;
	enum slot_state then;
	enum delivery_status row;
	unsigned extra;
} replies[] = {
	{ "ok", NULL, NULL, 0, SLOT_BROADCAST, DELIVERY_SUBMITTED, NOTHING },
	{ "known", "already known", NULL, 0, SLOT_BROADCAST, DELIVERY_SUBMITTED, NOTHING },
	{ "nonce low", "nonce too low", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, NOTHING },
	{ "nonce high", "nonce too high", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, NOTHING },
	{ "replacement low", "replacement transaction underpriced", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, BUMPS },
	{ "underpriced", "transaction underpriced", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, BUMPS },
	{ "funds", "insufficient funds for gas * price + value", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, NO_FUNDS },
	{ "pool full", "txpool is full", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, HALVES },
	{ "invalid", "intrinsic gas too low", NULL, 0, SLOT_VACANT, DELIVERY_RETRY, NOTHING },
	{ "reserved", "address already reserved", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, PAUSES },
	{ "revert", "execution reverted", NULL, 0, SLOT_VACANT, DELIVERY_RETRY, NOTHING },
	{ "unknown", "the moon is full", NULL, 0, SLOT_PREPARED, DELIVERY_SUBMITTED, NOTHING },
	{ "no answer", NULL, NULL, 502, SLOT_PREPARED, DELIVERY_SUBMITTED, NOTHING },
	{ "another hash", NULL, "\"0x1111111111111111111111111111111111111111111111111111111111111111\"", 0,
	  SLOT_PREPARED, DELIVERY_SUBMITTED, ALARMS },
};

static bool is_replied(void)
{
	return sent() > 0 && !outbox_world.ob->sends && outbox_world.ob->units == 0;
}

START_TEST(reply)
{
	const struct reply *r = &replies[_i];
	struct evm_saying s = { .method = "eth_sendRawTransaction",
				.error = r->words,
				.result = r->result,
				.status = r->status,
				.times = 1 };
	struct attempt_row *rows;
	struct lane_row row;

	if (_i > 0)
		evm_node_say(node(), &s);
	outbox_add("one");
	outbox_run_until(is_replied);
	if (!(r->extra & BUMPS)) {
		slot_is(0, r->then);
		IS("one", r->row);
	}
	outbox_quiet();
	OK(lane_store_get(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_lane_id(), &row, err));
	ck_assert_int_eq(row.paused, (r->extra & PAUSES) != 0);
	ck_assert_uint_eq(lane()->slots_now, r->extra & HALVES ? 8 : 16);
	ck_assert_int_eq(lane()->hold == HOLD_NO_FUNDS, (r->extra & NO_FUNDS) != 0);
	ck_assert_uint_eq(attempts_of(0, &rows), r->extra & BUMPS ? 2 : 1);
	ck_assert_ptr_nonnull(rows[0].last_reply);
	if (r->words)
		ck_assert_str_eq(rows[0].last_reply, r->words);
	ck_assert_int_eq(rows[0].acknowledged, r->then == SLOT_BROADCAST);
	if (r->extra & BUMPS) { /* and the dearer one went out at once */
		slot_is(0, SLOT_BROADCAST);
		ck_assert_int_eq(gas_price_cmp(rows[1].max_fee, rows[0].max_fee), 1);
		ck_assert_int_eq(gas_price_cmp(rows[1].max_priority_fee, rows[0].max_priority_fee), 1);
		ck_assert_uint_eq(outbox_events("directive.update", "one"), 2); /* submitted, replaced */
	}
	if (r->row == DELIVERY_RETRY)
		ck_assert_ptr_nonnull(strstr(outbox_world_row("one").last_error, r->words));
}
END_TEST

/* Whatever was said first: the directive is executed once and confirmed. */
START_TEST(whatever_was_said_it_ends_well)
{
	const struct reply *r = &replies[_i % (int)ARRAY_LEN(replies)];
	struct evm_saying s = { .method = "eth_sendRawTransaction",
				.error = r->words,
				.result = r->result,
				.status = r->status,
				.acts = _i >= (int)ARRAY_LEN(replies), /* and done it was, all the same */
				.times = 2 };

	if (_i > 0)
		evm_node_say(node(), &s);
	outbox_add("one");
	outbox_turn();
	if (r->extra & PAUSES)
		scratch_sql(&outbox_world.disk, "UPDATE outbox_lane SET pause_reason = NULL");
	for (int i = 0; i < 6 && outbox_world_row("one").status != DELIVERY_CONFIRMED; i++) {
		outbox_pass(61000);
		outbox_block();
	}
	IS("one", DELIVERY_CONFIRMED);
	ck_assert_uint_eq(evm_chain_effects(outbox_drive.chain, 0), 1);
	ck_assert_uint_eq(outbox_slot(0).state, SLOT_CONFIRMED);
	ck_assert_str_eq(hold_name(lane()->hold), "none");
}
END_TEST

/* --- invalid --- */

START_TEST(a_vacant_slot_is_filled_by_the_next)
{
	struct attempt_row *rows;

	evm_node_say(node(), &(struct evm_saying){ .method = "eth_sendRawTransaction",
						   .error = "intrinsic gas too low",
						   .times = 1 });
	outbox_add("one");
	outbox_quiet();
	slot_is(0, SLOT_VACANT);
	ck_assert_uint_eq(outbox_slot(0).cost_gwei, 0);
	outbox_add_many(1); /* of another account: it does not wait for the first */
	outbox_quiet();
	slot_is(0, SLOT_BROADCAST);
	ck_assert_uint_eq(outbox_slot(0).fill, 1);
	ck_assert_uint_eq(attempts_of(0, &rows), 2);
	ck_assert(!hash32_equal(&rows[0].hash, &rows[1].hash));
	ck_assert_int_eq(outbox_world_row("one").tx_id, 0);
	outbox_pass(2000);
	IS("one", DELIVERY_SUBMITTED);
	outbox_blocks(1);
	ck_assert_uint_eq(outbox_tally(DELIVERY_CONFIRMED), 2);
}
END_TEST

START_TEST(what_was_acknowledged_is_never_given_up)
{
	outbox_submitted("one");
	say("intrinsic gas too low");
	outbox_pass(61000);
	ck_assert_uint_eq(sent(), 2);
	slot_is(0, SLOT_BROADCAST);
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

/* Nothing to fill the lowest with, and one above it in the pool. */
START_TEST(a_gap_is_filled_with_nothing)
{
	struct slot_row slot;

	evm_node_say(node(), &(struct evm_saying){ .method = "eth_sendRawTransaction", .status = 500, .times = 1 });
	outbox_add("one");
	outbox_run_until(is_replied);
	slot_is(0, SLOT_PREPARED);
	evm_node_say(node(),
		     &(struct evm_saying){ .method = "eth_sendRawTransaction", .error = "already known", .times = 1 });
	outbox_submitted("two");
	slot_is(1, SLOT_BROADCAST);
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_sendRawTransaction",
						   .error = "intrinsic gas too low",
						   .times = 1 });
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET attempts = 20"); /* it comes back late */
	outbox_pass(2000);
	slot = outbox_slot(0);
	ck_assert_int_eq(slot.purpose, SLOT_NO_OP);
	ck_assert_uint_eq(slot.fill, 1);
	ck_assert_str_eq(slot_state_name(slot.state), "broadcast");
	IS("one", DELIVERY_RETRY);
	ck_assert_uint_eq(outbox_slot_count(), 2); /* one filler, not one for each look */
}
END_TEST

/* --- full pools --- */

START_TEST(a_full_pool_halves_and_recovers)
{
	static const unsigned halves[] = { 8, 4, 2, 1, 1 };

	outbox_submitted("one");
	say("txpool is full");
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		outbox_pass(61000);
		ck_assert_uint_eq(lane()->slots_now, halves[i]);
	}
	evm_node_obey(node());
	for (unsigned now = 2; now <= 16; now++) {
		outbox_pass(61000);
		ck_assert_uint_eq(lane()->slots_now, now);
	}
	outbox_pass(61000);
	ck_assert_uint_eq(lane()->slots_now, 16);
}
END_TEST

/* What others wait for may take a place that a full pool would not give. */
START_TEST(a_full_pool_does_not_keep_a_gap_open)
{
	outbox_world.chain.batch_max = 1;
	outbox_drive_again();
	outbox_add_many(4);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 4);
	lane()->slots_now = 1;
	scratch_sql(&outbox_world.disk,
		    "UPDATE outbox_tx SET state = 5, version = version + 1, fill = fill, cost_gwei = 0"
		    " WHERE tx_nonce = 1");
	scratch_sql(
		&outbox_world.disk,
		"UPDATE directive_outbox SET delivery_status = 5, tx_id = NULL, wake_at_ms = 1, version = version + 1"
		" WHERE directive_id = 'd1'");
	outbox_turn();
	ck_assert_str_eq(slot_state_name(outbox_slot(1).state), "broadcast");
	ck_assert_uint_eq(outbox_slot(1).fill, 1);
	/* Spec 5.5: nothing goes there that would be mined before those above. */
	ck_assert_int_eq(outbox_slot(1).purpose, SLOT_NO_OP);
	IS("d1", DELIVERY_RETRY);
	outbox_add("later");
	outbox_quiet();
	IS("later", DELIVERY_PENDING);
}
END_TEST

/* Those that are mined wait for depth, and take no place in a pool. */
START_TEST(what_is_mined_makes_room)
{
	outbox_world.chain.slots_max = 2;
	outbox_world.chain.batch_max = 1;
	outbox_world.chain.confirmations = 12;
	outbox_drive_again();
	outbox_add_many(6);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 2);
	outbox_block();
	ck_assert_uint_eq(outbox_tally(DELIVERY_INCLUDED), 2);
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 2);
	outbox_blocks(2);
	ck_assert_uint_eq(outbox_tally(DELIVERY_INCLUDED), 6);
}
END_TEST

/* --- order --- */

/* The node lost the lower one: both are there after one more look, without anybody waiting a minute. */
START_TEST(those_below_a_gap_are_offered_again)
{
	struct evm_address relayer = outbox_relayer();

	outbox_submitted("one");
	evm_chain_forget_pool(outbox_drive.chain);
	evm_node_say(node(),
		     &(struct evm_saying){ .method = "eth_sendRawTransaction", .error = "nonce too high", .times = 1 });
	outbox_submitted("two");
	outbox_turn();
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, &relayer), 1);
	(void)evm_chain_pooled_at(outbox_drive.chain, &relayer, 0);
	clock_pass_for_test(2000);
	outbox_turn();
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, &relayer), 2);
}
END_TEST

/* --- replacing --- */

START_TEST(what_is_not_mined_is_replaced)
{
	struct attempt_row *rows;

	outbox_submitted("one");
	outbox_submitted("two");
	evm_chain_set_base_fee(outbox_drive.chain, 30); /* above what they bid */
	outbox_pass(31000);
	ck_assert_uint_eq(attempts_of(0, &rows), 2);
	ck_assert_uint_eq(attempts_of(1, NULL), 1); /* it waits for the lower one anyway */
	ck_assert_uint_eq(gas_price_value(rows[1].max_fee), 61 * EVM_CHAIN_GWEI); /* a fresh quote: twice and a tip */
	ck_assert_uint_ge(rows[1].gas_limit, rows[0].gas_limit);
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	IS("two", DELIVERY_SUBMITTED);
	outbox_pass(31000);
	outbox_block();
	IS("two", DELIVERY_CONFIRMED);
}
END_TEST

/* One below that is mined and not final yet is no reason to wait. */
START_TEST(what_is_mined_below_does_not_count)
{
	outbox_world.chain.confirmations = 12;
	outbox_drive_again();
	outbox_submitted("one");
	outbox_block();
	slot_is(0, SLOT_MINED);
	outbox_submitted("two");
	evm_chain_set_base_fee(outbox_drive.chain, 30);
	outbox_pass(31000);
	ck_assert_uint_eq(attempts_of(1, NULL), 2);
}
END_TEST

START_TEST(twelve_attempts_are_enough)
{
	struct attempt_row *rows;
	unsigned was;

	outbox_world.chain.max_fee = rows_price(UINT64_C(1) << 50);
	outbox_world.chain.max_tip = outbox_world.chain.max_fee;
	outbox_drive_again();
	say("replacement transaction underpriced");
	outbox_add("one");
	outbox_quiet();
	ck_assert_uint_eq(attempts_of(0, &rows), 12);
	for (size_t i = 1; i < 12; i++) {
		uint64_t old = gas_price_value(rows[i - 1].max_fee), now = gas_price_value(rows[i].max_fee);

		ck_assert_uint_ge(now * 100, old * 110);
	}
	was = sent();
	ck_assert_uint_eq(was, 12); /* the last refusal is not answered at once */
	outbox_pass(31000);
	ck_assert_uint_eq(attempts_of(0, NULL), 12);
	ck_assert_uint_eq(sent(), was + 1);
}
END_TEST

START_TEST(the_cap_is_the_end_of_replacing)
{
	outbox_world.chain.max_fee = rows_price(5 * EVM_CHAIN_GWEI);
	outbox_drive_again();
	say("transaction underpriced");
	outbox_add("one");
	outbox_quiet();
	/* 3 gwei, 3.3, 3.63, 3.993, 4.3923, 4.83153 */
	ck_assert_uint_eq(attempts_of(0, NULL), 6);
	ck_assert_uint_eq(sent(), 6);
	outbox_turns(5);
	ck_assert_uint_eq(sent(), 6);
	outbox_pass(31000);
	ck_assert_uint_eq(sent(), 7);
}
END_TEST

static unsigned seen_sent;

/* What is read here is what was committed: the k-th send is that of the k-th attempt. */
static void is_durable(const char *method)
{
	if (strcmp(method, "eth_sendRawTransaction") != 0)
		return;
	ck_assert_uint_eq(attempts_of(0, NULL), ++seen_sent);
	IS("one", DELIVERY_SUBMITTED);
}

/* G8, for the first attempt and for each that replaces it. */
START_TEST(nothing_is_sent_before_it_is_durable)
{
	seen_sent = 0;
	evm_node_watch(node(), is_durable);
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_sendRawTransaction",
						   .error = "replacement transaction underpriced",
						   .times = 3 });
	outbox_world.flush_after_ms = 5;
	outbox_add("one");
	outbox_quiet();
	ck_assert_uint_eq(seen_sent, 4);
	slot_is(0, SLOT_BROADCAST);
}
END_TEST

/* --- money --- */

/* Each alone could be paid, and not all of them: the node knows, and the balance does not tell. */
START_TEST(without_funds_for_all_the_lane_waits)
{
	outbox_submitted("one");
	say("insufficient funds for gas * price + value");
	outbox_add("two");
	outbox_turns(4);
	slot_is(1, SLOT_PREPARED);
	outbox_add("three");
	outbox_turns(4);
	ck_assert_str_eq(hold_name(lane()->hold), "no_funds");
	IS("three", DELIVERY_PENDING);
	ck_assert_uint_eq(outbox_slot_count(), 2);
	evm_node_obey(node());
	outbox_pass(31000); /* offered again, and taken: the one below was cheaper than it might have been */
	outbox_turn();
	ck_assert_str_eq(hold_name(lane()->hold), "none");
	IS("three", DELIVERY_SUBMITTED);
}
END_TEST

/* --- the store --- */

START_TEST(a_reply_that_cannot_be_written_is_asked_for_again)
{
	ck_assert(failpoint_configure("outbox.reply:error:1"));
	outbox_add("one");
	outbox_run_until(is_replied);
	outbox_quiet();
	ck_assert(failpoint_configure(NULL));
	slot_is(0, SLOT_PREPARED);
	clock_pass_for_test(2000);
	outbox_turn();
	slot_is(0, SLOT_BROADCAST);
	ck_assert_uint_eq(sent(), 2);
	ck_assert_uint_eq(attempts_of(0, NULL), 1); /* the same bytes */
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, NULL), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("outbox/sending");
	TCase *t = tcase_create("replies"), *o = tcase_create("slots"), *r = tcase_create("replacing");

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_loop_test(t, reply, 0, (int)ARRAY_LEN(replies));
	tcase_add_loop_test(t, whatever_was_said_it_ends_well, 0, 2 * (int)ARRAY_LEN(replies));
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(o, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_test(o, a_vacant_slot_is_filled_by_the_next);
	tcase_add_test(o, what_was_acknowledged_is_never_given_up);
	tcase_add_test(o, a_gap_is_filled_with_nothing);
	tcase_add_test(o, a_full_pool_halves_and_recovers);
	tcase_add_test(o, a_full_pool_does_not_keep_a_gap_open);
	tcase_add_test(o, what_is_mined_makes_room);
	tcase_add_test(o, those_below_a_gap_are_offered_again);
	suite_add_tcase(s, o);
	tcase_add_checked_fixture(r, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_test(r, what_is_not_mined_is_replaced);
	tcase_add_test(r, what_is_mined_below_does_not_count);
	tcase_add_test(r, nothing_is_sent_before_it_is_durable);
	tcase_add_test(r, twelve_attempts_are_enough);
	tcase_add_test(r, the_cap_is_the_end_of_replacing);
	tcase_add_test(r, without_funds_for_all_the_lane_waits);
	tcase_add_test(r, a_reply_that_cannot_be_written_is_asked_for_again);
	suite_add_tcase(s, r);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
