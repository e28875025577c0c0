/* What becomes of transactions that are out: receipts, depth, reorganisations, effects that failed, account nonces that others
 * used, and effects that others had (spec/outbox.md 5.5, 5.8). */
#include <string.h>

#include "base/metrics.h"
#include "outbox/delivery.h"
#include "outbox/directive_states.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/suite.h"

#define DEEP   "walletd_evm_deep_reorg_total"
#define LASTED "walletd_directive_outbox_submit_to_confirm_seconds"

static struct err e, *err = &e;

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

static const char *last_status(const char *id)
{
	return json_string_value(json_object_get(outbox_last_event("directive.update", id), "status"));
}

static void depth(unsigned confirmations)
{
	outbox_world.chain.confirmations = confirmations;
	outbox_drive_again();
}

/* --- all is well --- */

static const unsigned depths[] = { 1, 2, 3, 12 };

START_TEST(confirmed_at_its_depth)
{
	unsigned n = depths[_i];
	struct directive_row row;

	depth(n);
	outbox_submitted("one");
	for (unsigned i = 1; i < n; i++) {
		outbox_block();
		IS("one", DELIVERY_INCLUDED);
		slot_is(0, SLOT_MINED);
	}
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	slot_is(0, SLOT_CONFIRMED);
	row = outbox_world_row("one");
	ck_assert_uint_eq(row.result_block, EVM_CHAIN_HEAD + 1);
	ck_assert_int_eq(row.finished_at_ms, OUTBOX_NOW_MS);
	ck_assert_uint_eq(outbox_events("directive.update", "one"), 3);
	ck_assert_str_eq(last_status("one"), "confirmed");
}
END_TEST

START_TEST(confirmed_when_the_chain_says_finalized)
{
	depth(0);
	outbox_submitted("one");
	outbox_blocks(70);
	IS("one", DELIVERY_INCLUDED);
	evm_chain_set_finalized(outbox_drive.chain, EVM_CHAIN_HEAD);
	outbox_block();
	IS("one", DELIVERY_INCLUDED);
	evm_chain_set_finalized(outbox_drive.chain, EVM_CHAIN_HEAD + 1);
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
}
END_TEST

START_TEST(gas_is_shared_out)
{
	uint64_t sum = 0;

	outbox_add_many(11); /* 351,000 of gas */
	outbox_quiet();
	outbox_block();
	ck_assert_uint_eq(outbox_tally(DELIVERY_CONFIRMED), 11);
	for (unsigned i = 0; i < 11; i++) {
		const char *id = arena_printf(&outbox_world.arena, "d%u", i);
		json_t *update = outbox_last_event("directive.update", id);
		uint64_t gas = (uint64_t)json_integer_value(json_object_get(update, "gas_used"));

		ck_assert_uint_eq(gas, i == 0 ? 31910 : 31909);
		ck_assert_int_eq(json_integer_value(json_object_get(update, "gas_price")), 2 * (int64_t)EVM_CHAIN_GWEI);
		sum += gas;
	}
	ck_assert_uint_eq(sum, 351000);
}
END_TEST

static uint64_t lasted(void)
{
	return metric_value(metric_duration(LASTED, "", ""));
}

START_TEST(how_long_it_took_is_measured)
{
	uint64_t was = lasted();

	outbox_submitted("one");
	outbox_pass(5000);
	outbox_block();
	ck_assert_uint_eq(lasted(), was + 1);
}
END_TEST

/* --- it had no effect --- */

static void nothing(void)
{
}
static void effect_fails(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_EFFECT_FAILED);
}
static void says_no(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_ERROR_TEXT);
}
static void panics(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_PANIC);
}
static void reverts_without_words(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_OTHER);
}
static void signature_is_bad(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_BAD_SIGNATURE);
}
static void signer_is_unknown(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_UNKNOWN_SIGNER);
}
static void action_is_unsupported(void)
{
	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_UNSUPPORTED_ACTION);
}
static void gas_is_dear(void)
{
	evm_chain_set_gas(outbox_drive.chain, 90000);
}
static void spent_by_another(void)
{
	struct evm_address signer = outbox_signer();
	struct hash32 digest = rows_hash(0xabcd);

	(void)evm_chain_spend(outbox_drive.chain, &signer, 0, &digest, EVM_CHAIN_HEAD);
}
static void revoked(void)
{
	struct evm_address signer = outbox_signer();

	(void)evm_chain_spend(outbox_drive.chain, &signer, 0, NULL, EVM_CHAIN_HEAD);
}
static void spent_and_pruned(void)
{
	spent_by_another();
	evm_node_prune(node(), true);
}
static void copied(void)
{
	struct evm_address relayer = outbox_relayer();
	struct hash32 tx = evm_chain_pooled_at(outbox_drive.chain, &relayer, 0);

	evm_chain_copied(outbox_drive.chain, &tx);
}

static const struct outcome_case {
	const char *name;
	void (*cause)(void); /* between the dry run and the block */
	enum delivery_status then;
	const char *reason, *words, *pause, *update; /* update: the status of the last TransactionUpdate */
} outcomes[] = {
	{ "T13", nothing, DELIVERY_CONFIRMED, NULL, NULL, NULL, "confirmed" },
	{ "T14: effect failed", effect_fails, DELIVERY_REVERTED, REASON_EFFECT_REVERTED, NULL, NULL, "reverted" },
	{ "T14: Error(string)", says_no, DELIVERY_REVERTED, REASON_EFFECT_REVERTED, "vault is closed", NULL,
	  "reverted" },
	{ "T14: Panic(uint256)", panics, DELIVERY_REVERTED, REASON_EFFECT_REVERTED, NULL, NULL, "reverted" },
	{ "T14: any other", reverts_without_words, DELIVERY_REVERTED, REASON_EFFECT_REVERTED, NULL, NULL, "reverted" },
	{ "T15: bad signature", signature_is_bad, DELIVERY_RETRY, NULL, NULL, "bad_signature", "submitted" },
	{ "T15: unknown signer", signer_is_unknown, DELIVERY_RETRY, NULL, NULL, "signer_not_authorised", "submitted" },
	{ "T15: out of gas", gas_is_dear, DELIVERY_RETRY, NULL, "ran out of gas", NULL, "submitted" },
	{ "T16: another digest", spent_by_another, DELIVERY_MANUAL, REASON_NONCE_CONSUMED,
	  "another directive was executed", NULL, "submitted" },
	{ "T16: revoked", revoked, DELIVERY_MANUAL, REASON_NONCE_CONSUMED, "it was revoked", NULL, "submitted" },
	{ "T16: no logs", spent_and_pruned, DELIVERY_MANUAL, REASON_NONCE_CONSUMED, "evidence unavailable", NULL,
	  "submitted" },
	{ "T17: copied", copied, DELIVERY_CONFIRMED, NULL, NULL, NULL, "confirmed" },
	{ "T23: unsupported action", action_is_unsupported, DELIVERY_DEAD_LETTERED, REASON_UNSUPPORTED_ACTION, NULL,
	  NULL, "failed" },
};
#define N_OUTCOMES (int)ARRAY_LEN(outcomes)

static void check_outcome(const struct outcome_case *o)
{
	struct directive_row row = outbox_world_row("one");
	struct space_row space;

	ck_assert_str_eq(delivery_status_name(row.status), delivery_status_name(o->then));
	if (o->reason)
		ck_assert_str_eq(row.reason_class, o->reason);
	else
		ck_assert_ptr_null(row.reason_class);
	if (o->words)
		ck_assert_msg(strstr(row.last_error, o->words) != NULL, "%s", row.last_error);
	ck_assert_str_eq(last_status("one"), o->update);
	OK(space_store_get(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_space_id(), &space, err));
	ck_assert_int_eq(space.paused, o->pause != NULL);
	if (o->pause)
		ck_assert_str_eq(space.pause_reason, o->pause);
	if (o->then == DELIVERY_RETRY)
		ck_assert_int_eq(row.tx_id, 0);
}

/* Nothing is decided before the slot is final. */
START_TEST(outcome)
{
	const struct outcome_case *o = &outcomes[_i % N_OUTCOMES];

	outbox_world.chain.batch_max = _i < N_OUTCOMES ? 200 : 1;
	depth(3);
	outbox_submitted("one");
	o->cause();
	outbox_blocks(2);
	ck_assert(outbox_world_row("one").status == DELIVERY_SUBMITTED ||
		  (o->cause == nothing && outbox_world_row("one").status == DELIVERY_INCLUDED));
	outbox_block();
	outbox_turns(2);
	if (o->cause == copied)
		outbox_blocks(2);
	check_outcome(o);
	ck_assert_uint_eq(evm_chain_effects(outbox_drive.chain, 0), o->then == DELIVERY_CONFIRMED ||
									    o->cause == spent_by_another ||
									    o->cause == spent_and_pruned);
}
END_TEST

/* A transaction ran out of gas once, whatever it carried. */
START_TEST(gas_is_raised_once_for_a_transaction)
{
	outbox_add_many(5);
	outbox_quiet();
	evm_chain_set_gas(outbox_drive.chain, 200000);
	outbox_block();
	outbox_turns(2);
	ck_assert_uint_eq(outbox_tally(DELIVERY_RETRY), 5);
	ck_assert_uint_eq(chain()->gas_percent, 180);
	evm_chain_set_gas(outbox_drive.chain, 30000);
	outbox_pass(2000);
	outbox_block();
	ck_assert_uint_eq(outbox_tally(DELIVERY_CONFIRMED), 5);
}
END_TEST

/* A slot that is cancelled: the no-op is mined, and the directive goes out again. */
static int cancel_run(struct unit *u, void *ctx, struct err *er)
{
	struct slot_row slot = outbox_slot(0);

	return delivery_replace_by_no_op(lane(), u, &outbox_world.arena, &slot, ctx, er);
}

START_TEST(what_a_no_op_took_the_place_of_goes_out_again)
{
	struct hash32 hash;

	outbox_submitted("one");
	scratch_unit(&outbox_world.disk, cancel_run, &hash);
	delivery_send(lane(), outbox_slot(0).id);
	outbox_quiet();
	outbox_block();
	outbox_turns(2);
	IS("one", DELIVERY_RETRY);
	ck_assert_ptr_nonnull(evm_chain_mined(outbox_drive.chain, &hash));
	outbox_pass(2000);
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	ck_assert_uint_eq(evm_chain_effects(outbox_drive.chain, 0), 1);
}
END_TEST

/* Whichever of the attempts is mined. */
START_TEST(an_older_attempt_may_be_the_one)
{
	struct evm_address relayer = outbox_relayer();
	struct attempt_row *rows;
	struct slot_row slot;
	struct bytes raw;
	size_t n;

	outbox_submitted("one");
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_sendRawTransaction",
						   .error = "replacement transaction underpriced",
						   .times = 1 });
	outbox_pass(31000); /* is replaced; the node refuses that, and takes the next */
	OK(attempt_store_list(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_slot(0).id, &rows, &n,
			      err));
	ck_assert_uint_eq(n, 3);
	evm_chain_forget_pool(outbox_drive.chain);
	OK(attempt_store_raw(store_view(outbox_world.disk.store), &outbox_world.arena, &rows[0].hash, &raw, err));
	(void)evm_chain_send(outbox_drive.chain, raw, &rows[0].hash);
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, &relayer), 1);
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	slot = outbox_slot(0);
	ck_assert(hash32_equal(&slot.mined_hash, &rows[0].hash));
}
END_TEST

/* --- reorganisations --- */

START_TEST(an_effect_that_vanishes_comes_back)
{
	unsigned was;

	depth(3);
	outbox_submitted("one");
	outbox_block();
	IS("one", DELIVERY_INCLUDED);
	evm_chain_reorg(outbox_drive.chain, 1);
	evm_chain_forget_pool(outbox_drive.chain);
	was = evm_node_asked(node(), "eth_sendRawTransaction");
	outbox_turn();
	IS("one", DELIVERY_SUBMITTED);
	slot_is(0, SLOT_BROADCAST);
	ck_assert_str_eq(last_status("one"), "reorged");
	ck_assert_uint_eq(evm_node_asked(node(), "eth_sendRawTransaction"), was + 1);
	outbox_block();
	IS("one", DELIVERY_INCLUDED);
	outbox_blocks(2);
	IS("one", DELIVERY_CONFIRMED);
	ck_assert_uint_eq(outbox_events("directive.update", "one"), 5);
}
END_TEST

START_TEST(an_effect_may_move_to_another_block)
{
	depth(3);
	outbox_submitted("one");
	outbox_block();
	evm_chain_reorg(outbox_drive.chain, 1);
	evm_chain_mine(outbox_drive.chain);
	outbox_turn();
	IS("one", DELIVERY_INCLUDED);
	ck_assert_uint_eq(outbox_world_row("one").result_block, EVM_CHAIN_HEAD + 2);
	outbox_block();
	IS("one", DELIVERY_INCLUDED); /* its depth counts from there */
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
}
END_TEST

START_TEST(a_deep_reorganisation)
{
	uint64_t was = outbox_metric(DEEP, "");

	depth(2);
	log_set_level(NULL, (enum log_level)0);
	outbox_submitted("one");
	outbox_blocks(2);
	IS("one", DELIVERY_CONFIRMED);
	evm_chain_reorg(outbox_drive.chain, 2);
	outbox_turn();
	IS("one", DELIVERY_SUBMITTED);
	ck_assert_int_eq(outbox_world_row("one").finished_at_ms, 0);
	ck_assert_uint_eq(outbox_metric(DEEP, ""), was + 1);
	outbox_blocks(2);
	IS("one", DELIVERY_CONFIRMED);
	ck_assert_uint_eq(evm_chain_effects(outbox_drive.chain, 0), 1);
	/* Looked after for twice the depth more, and then no longer. */
	outbox_blocks(5);
	ck_assert_int_eq(outbox_slot(0).next_check_at_ms, -1);
}
END_TEST

/* Nobody looked any more when it happened.  The account's count tells that the chain has not come as far. */
START_TEST(a_reorganisation_deeper_than_what_is_looked_after)
{
	depth(2);
	log_set_level(NULL, (enum log_level)0);
	outbox_submitted("one");
	outbox_blocks(7);
	ck_assert_int_eq(outbox_slot(0).next_check_at_ms, -1);
	evm_chain_reorg(outbox_drive.chain, 7);
	evm_chain_forget_pool(outbox_drive.chain);
	for (int i = 0; i < 6 && outbox_world_row("one").status != DELIVERY_SUBMITTED; i++)
		outbox_block();
	IS("one", DELIVERY_SUBMITTED);
	for (int i = 0; i < 6 && outbox_world_row("one").status != DELIVERY_CONFIRMED; i++)
		outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	ck_assert_uint_eq(evm_chain_effects(outbox_drive.chain, 0), 1);
}
END_TEST

/* --- nodes --- */

/* The head was new once: that its receipts could not be read then does not make it old. */
START_TEST(a_head_is_looked_at_until_it_was)
{
	outbox_submitted("one");
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getTransactionReceipt", .status = 500, .times = 1 });
	outbox_block();
	outbox_turn();
	IS("one", DELIVERY_CONFIRMED);
}
END_TEST

/* Polls are answered and receipts are not: they are asked for with each poll, and not at the speed of the network. */
START_TEST(receipts_that_cannot_be_had)
{
	unsigned polls;

	outbox_submitted("one");
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getTransactionReceipt", .status = 500 });
	polls = evm_node_asked(node(), "eth_feeHistory");
	outbox_blocks(5);
	ck_assert_uint_le(evm_node_asked(node(), "eth_feeHistory"), polls + 6);
	IS("one", DELIVERY_SUBMITTED);
	evm_node_obey(node());
	outbox_turn();
	IS("one", DELIVERY_CONFIRMED);
}
END_TEST

/* What cannot be read tells nothing: neither that it is there nor that it is not. */
START_TEST(an_answer_that_cannot_be_read)
{
	depth(3);
	outbox_submitted("one");
	outbox_block();
	IS("one", DELIVERY_INCLUDED);
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getTransactionReceipt", .result = "7" });
	outbox_block();
	IS("one", DELIVERY_INCLUDED);
	evm_node_obey(node());
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
}
END_TEST

START_TEST(a_space_that_is_not_configured_is_left_alone)
{
	struct outbox_append in;

	outbox_world.spaces[1] = outbox_world.spaces[0];
	outbox_world.spaces[1].signer = "hd:1";
	outbox_world.opt.n_spaces = 2;
	depth(3);
	for (unsigned i = 0; i < 2; i++) {
		in = outbox_request(i ? "two" : "one");
		in.signer = &outbox_world.ob->spaces[1]->signer;
		(void)outbox_world_append(&in);
		outbox_kick(outbox_world.ob);
		outbox_quiet();
		if (i == 0)
			outbox_blocks(3);
	}
	IS("one", DELIVERY_CONFIRMED);
	IS("two", DELIVERY_SUBMITTED);
	outbox_world.opt.n_spaces = 1;
	outbox_drive_again();
	outbox_blocks(5);
	IS("one", DELIVERY_CONFIRMED);
	IS("two", DELIVERY_SUBMITTED);
	outbox_world.opt.n_spaces = 2;
	outbox_drive_again();
	outbox_pass(61000);
	IS("two", DELIVERY_CONFIRMED);
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
	Suite *s = suite_create("outbox/tracker");
	TCase *t = with_fixture(s, "receipts");

	tcase_add_loop_test(t, confirmed_at_its_depth, 0, (int)ARRAY_LEN(depths));
	tcase_add_test(t, confirmed_when_the_chain_says_finalized);
	tcase_add_test(t, gas_is_shared_out);
	tcase_add_test(t, how_long_it_took_is_measured);
	tcase_add_loop_test(t, outcome, 0, 2 * N_OUTCOMES);
	tcase_add_test(t, gas_is_raised_once_for_a_transaction);
	tcase_add_test(t, what_a_no_op_took_the_place_of_goes_out_again);
	tcase_add_test(t, an_older_attempt_may_be_the_one);
	t = with_fixture(s, "reorganisations");
	tcase_add_test(t, an_effect_that_vanishes_comes_back);
	tcase_add_test(t, an_effect_may_move_to_another_block);
	tcase_add_test(t, a_deep_reorganisation);
	tcase_add_test(t, a_reorganisation_deeper_than_what_is_looked_after);
	tcase_add_test(t, a_head_is_looked_at_until_it_was);
	tcase_add_test(t, receipts_that_cannot_be_had);
	tcase_add_test(t, an_answer_that_cannot_be_read);
	tcase_add_test(t, a_space_that_is_not_configured_is_left_alone);
	return suite_run(s);
}
