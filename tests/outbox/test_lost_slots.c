/* Account nonces that others used, evidence that is late, and effects that other transactions had (spec/outbox.md 5.5, 5.7,
 * 5.8). */

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/internal.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/suite.h"

#define ANOMALIES "walletd_relayer_nonce_anomaly_total"

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

static struct chain *chain(void)
{
	return outbox_world.ob->chains[0];
}

static struct lane *lane(void)
{
	return chain()->lanes[0];
}

static void slot_is(uint64_t nonce, enum slot_state expected)
{
	ck_assert_str_eq(slot_state_name(outbox_slot(nonce).state), slot_state_name(expected));
}

static void depth(unsigned confirmations)
{
	outbox_world.chain.confirmations = confirmations;
	outbox_drive_again();
}

static void effect_fails(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_EFFECT_FAILED);
}

static void copied(void)
{
	struct evm_address relayer = outbox_relayer();
	struct hash32 tx = evm_chain_pooled_at(outbox_drive.chain, &relayer, 0);

	evm_chain_copied(outbox_drive.chain, &tx);
}

/* --- account nonces that others used --- */

static uint64_t anomalies(void)
{
	return outbox_metric(ANOMALIES, "lane=\"1\",kind=\"foreign\"");
}

static void used_by_others(unsigned n)
{
	struct evm_address relayer = outbox_relayer();

	evm_chain_forget_pool(outbox_drive.chain);
	evm_node_error(node(), "eth_sendRawTransaction", "nonce too low");
	evm_chain_foreign(outbox_drive.chain, &relayer, n);
	outbox_turn();
}

START_TEST(a_lost_slot_lets_its_directives_go)
{
	uint64_t was = anomalies();

	log_set_level(NULL, (enum log_level)0);
	depth(3);
	outbox_submitted("one");
	used_by_others(1);
	outbox_blocks(2);
	slot_is(0, SLOT_BROADCAST); /* not yet */
	IS("one", DELIVERY_SUBMITTED);
	outbox_block();
	slot_is(0, SLOT_LOST);
	ck_assert_uint_eq(outbox_slot(0).cost_gwei, 0);
	ck_assert_uint_eq(anomalies(), was + 1);
	outbox_turns(2);
	IS("one", DELIVERY_RETRY);
	evm_node_obey(node());
	outbox_pass(2000);
	IS("one", DELIVERY_SUBMITTED);
	outbox_blocks(3);
	IS("one", DELIVERY_CONFIRMED);
	slot_is(1, SLOT_CONFIRMED);
	ck_assert_uint_eq(evm_chain_effects(outbox_drive.chain, 0), 1);
}
END_TEST

static void two_nodes(void)
{
	outbox_drive.n_nodes = 2;
	log_set_level(NULL, (enum log_level)0);
	depth(3);
}

/* Both are well, so that the first is always the one that is asked: the second is asked for its opinion. */
START_TEST(two_endpoints_say_that_it_is_lost)
{
	two_nodes();
	outbox_submitted("one");
	used_by_others(1);
	outbox_blocks(3);
	outbox_turn();
	slot_is(0, SLOT_LOST);
}
END_TEST

START_TEST(another_endpoint_may_know_better)
{
	two_nodes();
	outbox_submitted("one");
	/* Its transaction is mined, and the first node knows of the count and not of the receipt. */
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getTransactionReceipt", .result = "null" });
	outbox_blocks(8);
	IS("one", DELIVERY_SUBMITTED);
	slot_is(0, SLOT_BROADCAST);
	ck_assert_uint_gt(evm_node_asked(outbox_drive.nodes[1], "eth_getTransactionReceipt"), 0);
	evm_node_obey(node());
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
}
END_TEST

START_TEST(another_endpoint_may_know_less)
{
	two_nodes();
	outbox_submitted("one");
	evm_node_lag(outbox_drive.nodes[1], 5);
	used_by_others(1);
	outbox_blocks(4);
	slot_is(0, SLOT_BROADCAST); /* its count has not passed the nonce: it tells nothing */
	evm_node_lag(outbox_drive.nodes[1], 0);
	outbox_block();
	outbox_turn();
	slot_is(0, SLOT_LOST);
}
END_TEST

START_TEST(another_endpoint_may_be_down)
{
	two_nodes();
	outbox_submitted("one");
	evm_node_down(outbox_drive.nodes[1], true);
	used_by_others(1);
	outbox_blocks(6);
	slot_is(0, SLOT_BROADCAST);
	evm_node_down(outbox_drive.nodes[1], false);
	outbox_pass(120000);
	outbox_block();
	outbox_turn();
	slot_is(0, SLOT_LOST);
}
END_TEST

/* A receipt that is late makes a suspect of each slot for a moment; there is room for sixteen. */
START_TEST(suspicion_ends_with_a_receipt)
{
	depth(2);
	for (unsigned i = 0; i < SUSPECTS_MAX + 2; i++) {
		outbox_submitted(arena_printf(&outbox_world.arena, "late-%u", i));
		evm_node_say(node(), &(struct evm_saying){ .method = "eth_getTransactionReceipt", .result = "null" });
		outbox_block();
		evm_node_obey(node());
		outbox_block();
	}
	for (size_t i = 0; i < SUSPECTS_MAX; i++)
		ck_assert_int_eq(lane()->suspects[i].slot, 0);
}
END_TEST

/* The same that ends with depth is not decided by a unit that was rolled back. */
START_TEST(a_loss_that_cannot_be_written_is_found_again)
{
	log_set_level(NULL, (enum log_level)0);
	depth(2);
	outbox_submitted("one");
	used_by_others(1);
	outbox_block();
	ck_assert(failpoint_configure("store.commit.before:error:1"));
	outbox_block();
	ck_assert(failpoint_configure(NULL));
	slot_is(0, SLOT_BROADCAST);
	clock_pass_for_test(2000);
	outbox_block();
	slot_is(0, SLOT_LOST);
}
END_TEST

/* Somebody's transaction was in the pool, and is gone: its nonce has a slot that never had an attempt.  There is nothing to ask
 * about it, and nothing to ask at once again. */
START_TEST(a_vacant_slot_without_attempts)
{
	struct evm_address relayer = outbox_relayer();
	unsigned polls;

	log_set_level(NULL, (enum log_level)0);
	evm_chain_foreign_pending(outbox_drive.chain, &relayer, 1);
	outbox_pass(31000);
	evm_chain_foreign_pending(outbox_drive.chain, &relayer, 0);
	outbox_blocks(3);
	slot_is(0, SLOT_VACANT);
	polls = evm_node_asked(node(), "eth_feeHistory");
	outbox_blocks(3);
	ck_assert_uint_eq(evm_node_asked(node(), "eth_feeHistory"), polls + 3);
	outbox_submitted("one");
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	slot_is(0, SLOT_CONFIRMED);
}
END_TEST

/* --- evidence that is late --- */

START_TEST(a_search_that_fails_is_made_again)
{
	depth(2);
	outbox_submitted("one");
	effect_fails();
	evm_node_error(node(), "call:is_nonce_used", "header not found");
	outbox_blocks(2);
	outbox_turn();
	IS("one", DELIVERY_SUBMITTED);
	evm_node_obey(node());
	outbox_pass(61000);
	outbox_turn();
	IS("one", DELIVERY_REVERTED);
}
END_TEST

START_TEST(a_decision_that_cannot_be_written_is_made_again)
{
	depth(1);
	outbox_submitted("one");
	effect_fails();
	ck_assert(failpoint_configure("outbox.settle:error:1"));
	outbox_block();
	ck_assert(failpoint_configure(NULL));
	IS("one", DELIVERY_SUBMITTED);
	clock_pass_for_test(2000);
	outbox_pass(61000);
	outbox_turn();
	IS("one", DELIVERY_REVERTED);
}
END_TEST

/* --- elsewhere --- */

/* It was executed before it was sent, in a block that is not final, and that block goes. */
START_TEST(an_effect_elsewhere_may_vanish)
{
	struct outbox_append in = outbox_request("one");
	struct evm_address signer = outbox_signer();
	struct outbox_appended out;

	depth(3);
	out = outbox_world_append(&in);
	evm_chain_grow(outbox_drive.chain, 1);
	(void)evm_chain_spend(outbox_drive.chain, &signer, 0, &out.digest, EVM_CHAIN_HEAD + 1);
	outbox_turn();
	outbox_turns(2);
	IS("one", DELIVERY_INCLUDED);
	ck_assert_int_eq(outbox_world_row("one").tx_id, 0);
	evm_chain_reorg(outbox_drive.chain, 1);
	outbox_turns(2);
	ck_assert_uint_eq(outbox_events("directive.update", "one"), 3); /* included, reorged, submitted */
	IS("one", DELIVERY_SUBMITTED);
	outbox_blocks(3);
	IS("one", DELIVERY_CONFIRMED);
	ck_assert_uint_eq(evm_chain_effects(outbox_drive.chain, 0), 1);
}
END_TEST

/* A hundred of a space that nobody knows any more, and one of ours behind them. */
START_TEST(many_of_another_space_hide_nobody)
{
	outbox_world.spaces[1] = outbox_world.spaces[0];
	outbox_world.spaces[1].signer = "hd:1";
	outbox_world.opt.n_spaces = 2;
	outbox_drive_again();
	for (unsigned i = 0; i < 120; i++) {
		struct outbox_append in = outbox_request(arena_printf(&outbox_world.arena, "old-%u", i));

		in.signer = &outbox_world.ob->spaces[1]->signer;
		(void)outbox_world_append(&in);
	}
	scratch_sql(&outbox_world.disk,
		    "UPDATE directive_outbox SET delivery_status = 3, wake_at_ms = NULL, holds_order = 0, blocked = 0,"
		    " result_tx_hash = zeroblob(32), result_block = 7, version = version + 1");
	outbox_world.opt.n_spaces = 1;
	outbox_drive_again();
	outbox_submitted("one");
	copied();
	outbox_turn();
	outbox_block();
	outbox_turns(3);
	IS("one", DELIVERY_CONFIRMED);
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
	Suite *s = suite_create("outbox/lost_slots");
	TCase *t = with_fixture(s, "lost and elsewhere");

	tcase_add_test(t, a_lost_slot_lets_its_directives_go);
	tcase_add_test(t, two_endpoints_say_that_it_is_lost);
	tcase_add_test(t, another_endpoint_may_know_better);
	tcase_add_test(t, another_endpoint_may_know_less);
	tcase_add_test(t, another_endpoint_may_be_down);
	tcase_add_test(t, suspicion_ends_with_a_receipt);
	tcase_add_test(t, a_loss_that_cannot_be_written_is_found_again);
	tcase_add_test(t, a_vacant_slot_without_attempts);
	tcase_add_test(t, a_search_that_fails_is_made_again);
	tcase_add_test(t, a_decision_that_cannot_be_written_is_made_again);
	tcase_add_test(t, an_effect_elsewhere_may_vanish);
	tcase_add_test(t, many_of_another_space_hide_nobody);
	return suite_run(s);
}
