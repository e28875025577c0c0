/* A batch on its way into a transaction: what fits, what leaves and who leaves with it, what it may cost, and what becomes of
 * it when the store, a node or the daemon stops (spec/outbox.md 2.6, 2.9, 3.2, 5.4, 5.10). */
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

static struct err e, *err = &e;

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

static struct lane *lane(void)
{
	return outbox_world.ob->chains[0]->lanes[0];
}

/* How many directives the slot holds. */
static size_t items_of(uint64_t nonce)
{
	struct slot_row slot = outbox_slot(nonce);
	struct item_row *items;
	size_t n;

	OK(item_store_list(store_view(outbox_world.disk.store), &outbox_world.arena, slot.id, slot.fill, &items, &n,
			   err));
	for (size_t i = 1; i < n; i++)
		ck_assert_int_lt(items[i - 1].seq, items[i].seq);
	return n;
}

static unsigned slots(void)
{
	unsigned n;

	OK(slot_store_count_open(store_view(outbox_world.disk.store), OUTBOX_CHAIN, &n, err));
	return n;
}

static void holds(enum hold expected)
{
	ck_assert_str_eq(hold_name(lane()->hold), hold_name(expected));
}

/* n directives of one account, "d0" to "d<n-1>". */
static void add_ordered(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		(void)outbox_add(arena_printf(&outbox_world.arena, "d%u", i));
}

/* --- what fits --- */

START_TEST(what_is_too_long_for_one_goes_in_several)
{
	static const uint8_t long_payload[16000];

	for (unsigned i = 0; i < 14; i++) {
		struct outbox_append in = outbox_request(arena_printf(&outbox_world.arena, "d%u", i));

		in.payload = (struct bytes){ long_payload, sizeof(long_payload) };
		(void)outbox_world_append(&in);
	}
	outbox_kick(outbox_world.ob);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 14);
	ck_assert_uint_eq(slots(), 3);
	ck_assert_uint_eq(items_of(0), 6); /* 6 * 16,512 bytes */
	ck_assert_uint_eq(items_of(1), 6);
	ck_assert_uint_eq(items_of(2), 2);
	ck_assert_uint_eq(outbox_world_row("d13").attempts, 1); /* to be given back is no attempt */
}
END_TEST

START_TEST(what_takes_too_much_gas_for_one_is_halved)
{
	evm_chain_set_gas(outbox_drive.chain, 3000000); /* a quarter of a block is 7,500,000 */
	outbox_add_many(8);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 8);
	ck_assert_uint_eq(slots(), 4);
	for (uint64_t i = 0; i < 4; i++)
		ck_assert_uint_eq(items_of(i), 2);
}
END_TEST

START_TEST(what_takes_too_much_gas_alone_waits)
{
	evm_chain_set_gas(outbox_drive.chain, 10000000);
	outbox_add_many(2);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_RETRY), 2);
	ck_assert_ptr_nonnull(strstr(outbox_world_row("d0").last_error, "more gas than a transaction may have"));
	ck_assert_uint_eq(outbox_world_row("d1").attempts, 1);
}
END_TEST

/* Words of several clients for a call that has no place in a block. */
static const char *const gas_words[] = {
	"gas required exceeds allowance (30000000)",
	"Cannot estimate gas, gas spent exceeded transaction and block gas limit",
	"out of gas",
};

START_TEST(what_a_node_finds_too_much_is_halved)
{
	outbox_add_many(8);
	evm_node_say(node(), &(struct evm_saying){ .method = _i < 3 ? "eth_estimateGas" : "call:batch",
						   .error = gas_words[_i % 3],
						   .times = 2 });
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 8);
	ck_assert_uint_eq(items_of(0), 2);
	ck_assert_uint_eq(items_of(1), 6);
	ck_assert_uint_eq(outbox_world_row("d7").attempts, 1);
}
END_TEST

START_TEST(companions_leave_with_whom_they_follow)
{
	add_ordered(5);
	evm_chain_outcome(outbox_drive.chain, 2, VERIFIER_EFFECT_FAILED);
	outbox_quiet();
	IS("d0", DELIVERY_SUBMITTED);
	IS("d1", DELIVERY_SUBMITTED);
	IS("d2", DELIVERY_RETRY);
	IS("d3", DELIVERY_PENDING);
	IS("d4", DELIVERY_PENDING);
	ck_assert_uint_eq(outbox_world_row("d2").attempts, 1);
	ck_assert_uint_eq(outbox_world_row("d3").attempts, 0);
	ck_assert_uint_eq(items_of(0), 2);
	evm_chain_outcome(outbox_drive.chain, 2, VERIFIER_DONE);
	outbox_pass(1000);
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 5);
	ck_assert_uint_eq(items_of(1), 3);
}
END_TEST

START_TEST(a_dead_letter_lets_its_followers_go)
{
	add_ordered(3);
	evm_chain_outcome(outbox_drive.chain, 1, VERIFIER_UNSUPPORTED_ACTION);
	outbox_quiet();
	IS("d0", DELIVERY_SUBMITTED);
	IS("d1", DELIVERY_DEAD_LETTERED);
	IS("d2", DELIVERY_SUBMITTED);
}
END_TEST

static const struct {
	int release_at;
	unsigned first, blocks; /* how many go at once, and blocks until the next may */
} releases[] = { { DELIVERY_SUBMITTED, 3, 0 }, { DELIVERY_INCLUDED, 1, 1 }, { DELIVERY_CONFIRMED, 1, 3 } };

START_TEST(followers_go_when_they_may)
{
	outbox_world.spaces[0].release_at = releases[_i].release_at;
	outbox_world.chain.confirmations = 3;
	outbox_drive_again();
	add_ordered(3);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), releases[_i].first);
	for (unsigned sent = releases[_i].first; sent < 3; sent++) {
		for (unsigned k = 0; k + 1 < releases[_i].blocks; k++) {
			outbox_block();
			ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 3 - sent);
		}
		outbox_block();
		ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 2 - sent);
	}
	outbox_blocks(4);
	ck_assert_uint_eq(outbox_tally(DELIVERY_CONFIRMED), 3);
}
END_TEST

/* --- the dry run --- */

static const struct dry_run {
	const char *name;
	enum verifier_outcome says;
	enum delivery_status then;
	const char *reason, *words, *pause;
	unsigned attempts;
} dry_runs[] = {
	{ "fine", VERIFIER_DONE, DELIVERY_SUBMITTED, NULL, NULL, NULL, 1 },
	{ "nonce used, and then it is not", VERIFIER_NONCE_USED, DELIVERY_RETRY, NULL, "was used a moment ago", NULL,
	  1 },
	{ "bad signature", VERIFIER_BAD_SIGNATURE, DELIVERY_PENDING, NULL, NULL, "bad_signature", 0 },
	{ "unknown signer", VERIFIER_UNKNOWN_SIGNER, DELIVERY_PENDING, NULL, NULL, "signer_not_authorised", 0 },
	{ "unsupported action", VERIFIER_UNSUPPORTED_ACTION, DELIVERY_DEAD_LETTERED, REASON_UNSUPPORTED_ACTION,
	  "does not support the action", NULL, 0 },
	{ "effect failed", VERIFIER_EFFECT_FAILED, DELIVERY_RETRY, NULL, "dry run: ", NULL, 1 },
	{ "Error(string)", VERIFIER_ERROR_TEXT, DELIVERY_RETRY, NULL, "vault is closed", NULL, 1 },
	{ "Panic(uint256)", VERIFIER_PANIC, DELIVERY_RETRY, NULL, "dry run: ", NULL, 1 },
	{ "anything else", VERIFIER_OTHER, DELIVERY_RETRY, NULL, "dry run: ", NULL, 1 },
};
#define N_DRY_RUNS (int)ARRAY_LEN(dry_runs)

START_TEST(dry_run)
{
	const struct dry_run *d = &dry_runs[_i % N_DRY_RUNS];
	struct directive_row row;
	struct space_row space;

	outbox_world.chain.batch_max = _i < N_DRY_RUNS ? 200 : 1;
	outbox_drive_again();
	evm_chain_outcome(outbox_drive.chain, 0, d->says);
	outbox_add("one");
	outbox_turns(2);
	row = outbox_world_row("one");
	ck_assert_str_eq(delivery_status_name(row.status), delivery_status_name(d->then));
	if (d->reason)
		ck_assert_str_eq(row.reason_class, d->reason);
	if (d->words)
		ck_assert_msg(strstr(row.last_error, d->words) != NULL, "%s", row.last_error);
	ck_assert_uint_eq(row.attempts, d->attempts);
	OK(space_store_get(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_space_id(), &space, err));
	ck_assert_int_eq(space.paused, d->pause != NULL);
	if (d->pause)
		ck_assert_str_eq(space.pause_reason, d->pause);
	ck_assert_uint_eq(slots(), d->then == DELIVERY_SUBMITTED);
	ck_assert_uint_eq(outbox_events("directive.update", "one"),
			  d->then == DELIVERY_SUBMITTED || d->then == DELIVERY_DEAD_LETTERED);
}
END_TEST

START_TEST(twenty_refusals_go_to_a_person)
{
	struct directive_row row;

	evm_chain_outcome(outbox_drive.chain, 0, VERIFIER_EFFECT_FAILED);
	outbox_add("one");
	outbox_quiet();
	for (unsigned i = 1; i < 19; i++)
		outbox_pass(300000);
	IS("one", DELIVERY_RETRY);
	ck_assert_uint_eq(outbox_world_row("one").reverted_dry_runs, 19);
	outbox_pass(300000);
	row = outbox_world_row("one");
	ck_assert_str_eq(delivery_status_name(row.status), "manual_reconciliation");
	ck_assert_str_eq(row.reason_class, REASON_EFFECT_REVERTED);
	ck_assert_ptr_nonnull(strstr(row.last_error, "20 times"));
	ck_assert_uint_eq(outbox_events("directive.update", "one"), 0);
}
END_TEST

static uint64_t refused;
static size_t used_at_first;

static void refuse_one_more(const char *method)
{
	const struct batch *b = lane()->batch;

	if (strcmp(method, "call:batch") != 0)
		return;
	evm_chain_outcome(outbox_drive.chain, refused++, VERIFIER_EFFECT_FAILED);
	if (refused == 1)
		used_at_first = b->arena.used + b->round.used + b->writing.used;
	else
		ck_assert_uint_le(b->arena.used + b->round.used + b->writing.used, used_at_first + 16384);
}

/* Each dry run is a new question about all that are left; none of them may add up. */
START_TEST(a_node_that_refuses_them_one_by_one)
{
	static const uint8_t payload[7000];

	refused = 0;
	for (unsigned i = 0; i < 12; i++) {
		struct outbox_append in = outbox_request(arena_printf(&outbox_world.arena, "d%u", i));

		in.account.b[19] = (uint8_t)i;
		in.payload = (struct bytes){ payload, sizeof(payload) };
		(void)outbox_world_append(&in);
	}
	evm_node_watch(node(), refuse_one_more);
	outbox_kick(outbox_world.ob);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_RETRY), 12);
	ck_assert_uint_eq(refused, 12);
}
END_TEST

/* --- money --- */

static struct gas_price gwei(uint64_t n)
{
	return rows_price(n * EVM_CHAIN_GWEI);
}

START_TEST(without_ether_it_waits)
{
	struct evm_address relayer = outbox_relayer();

	evm_chain_fund(outbox_drive.chain, &relayer, wei_from_u64(1));
	outbox_turn();
	outbox_add("one");
	outbox_turn();
	IS("one", DELIVERY_PENDING);
	ck_assert_uint_eq(outbox_world_row("one").attempts, 0);
	holds(HOLD_NO_FUNDS);
	outbox_pass(60000);
	IS("one", DELIVERY_PENDING);
	evm_chain_fund(outbox_drive.chain, &relayer, wei_from_u64(UINT64_MAX));
	outbox_turn();
	holds(HOLD_NONE);
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

START_TEST(a_chain_too_dear_is_waited_for)
{
	outbox_world.chain.max_fee = gwei(100);
	outbox_drive_again();
	evm_chain_set_base_fee(outbox_drive.chain, 200);
	outbox_turn();
	outbox_add("one");
	outbox_turn();
	holds(HOLD_FEE_CAP);
	outbox_pass(60000);
	IS("one", DELIVERY_PENDING);
	ck_assert_uint_eq(outbox_world_row("one").attempts, 0);
	evm_chain_set_base_fee(outbox_drive.chain, 20);
	outbox_pass(6000);
	IS("one", DELIVERY_SUBMITTED);
	holds(HOLD_NONE);
}
END_TEST

START_TEST(a_transaction_too_dear_is_halved)
{
	/* 21,000 and 30,000 for each at 2 * 1 + 1 gwei, and a fifth and 5,000 more: 4 of them cost 513,600 gwei. */
	outbox_world.chain.max_tx_gwei = 600000;
	outbox_drive_again();
	outbox_add_many(8);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 8);
	ck_assert_uint_eq(slots(), 2);
	outbox_world.chain.max_tx_gwei = 100000;
	outbox_drive_again();
	outbox_add("alone");
	outbox_quiet();
	IS("alone", DELIVERY_PENDING);
	holds(HOLD_FEE_CAP);
	ck_assert_ptr_nonnull(strstr(lane()->hold_text, "max_tx_fee_gwei"));
}
END_TEST

START_TEST(a_day_has_its_cap)
{
	outbox_world.chain.max_day_gwei = 310000; /* one alone is at most 198,600 gwei */
	outbox_drive_again();
	outbox_submitted("one");
	outbox_add("two");
	outbox_turn();
	IS("two", DELIVERY_PENDING);
	holds(HOLD_DAY_CAP);
	outbox_pass(61000);
	holds(HOLD_DAY_CAP); /* tried again, and still */
	IS("two", DELIVERY_PENDING);
	outbox_block(); /* it took 102,000 */
	outbox_pass(61000);
	IS("two", DELIVERY_SUBMITTED);
	outbox_pass(INT64_C(86400) * 1000);
	outbox_block();
	outbox_submitted("three");
}
END_TEST

static int append_run(struct unit *u, void *ctx, struct err *er)
{
	struct outbox_appended out;

	OK(outbox_append(outbox_world.ob, u, &outbox_world.arena, ctx, &out, err));
	(void)er;
	return out.row.lane == outbox_lane_id() ? 0 : ERR(er, ERR_NOT_FOUND, "it goes to the other lane");
}

/* A directive that goes to the first lane, or to the other one. */
static void add_to_lane(const char *id, bool first)
{
	struct outbox_append in = outbox_request(id);
	struct err er;

	while ((store_rehearse(outbox_world.disk.store, append_run, &in, &er) == 0) != first)
		in.account.b[19]++;
	(void)outbox_world_append(&in);
}

/* Both decide when neither has committed. */
START_TEST(two_lanes_share_the_cap_of_a_day)
{
	outbox_world.flush_after_ms = 20;
	outbox_world.chain.lanes = 2;
	outbox_world.chain.max_day_gwei = 250000;
	outbox_drive_again();
	add_to_lane("first", true);
	add_to_lane("second", false);
	outbox_kick(outbox_world.ob);
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 1);
	ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 1);
}
END_TEST

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

int main(void)
{
	Suite *s = suite_create("outbox/batch");
	TCase *t = tcase_create("fits"), *r = tcase_create("dry run"), *m = tcase_create("money"),
	      *o = tcase_create("others"), *x = tcase_create("the end");

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_test(t, what_is_too_long_for_one_goes_in_several);
	tcase_add_test(t, what_takes_too_much_gas_for_one_is_halved);
	tcase_add_test(t, what_takes_too_much_gas_alone_waits);
	tcase_add_loop_test(t, what_a_node_finds_too_much_is_halved, 0, 6);
	tcase_add_test(t, companions_leave_with_whom_they_follow);
	tcase_add_test(t, a_dead_letter_lets_its_followers_go);
	tcase_add_loop_test(t, followers_go_when_they_may, 0, (int)ARRAY_LEN(releases));
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(r, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_loop_test(r, dry_run, 0, 2 * N_DRY_RUNS);
	tcase_add_test(r, twenty_refusals_go_to_a_person);
	tcase_add_test(r, a_node_that_refuses_them_one_by_one);
	suite_add_tcase(s, r);
	tcase_add_checked_fixture(m, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_test(m, without_ether_it_waits);
	tcase_add_test(m, a_chain_too_dear_is_waited_for);
	tcase_add_test(m, a_transaction_too_dear_is_halved);
	tcase_add_test(m, a_day_has_its_cap);
	tcase_add_test(m, two_lanes_share_the_cap_of_a_day);
	suite_add_tcase(s, m);
	tcase_add_checked_fixture(o, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_test(o, a_node_that_answers_polls_alone);
	tcase_add_test(o, used_and_unused_at_once_is_tried_later);
	tcase_add_loop_test(o, what_another_has_taken_is_dropped, 0, 2);
	tcase_add_test(o, an_attempt_has_its_own_deadline);
	tcase_add_test(o, a_claim_that_is_too_old_ends);
	tcase_add_loop_test(o, what_the_store_refuses_is_done_later, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(o, a_decision_that_cannot_be_written_is_kept);
	tcase_add_test(o, a_store_that_refuses_for_too_long);
	suite_add_tcase(s, o);
	tcase_add_checked_fixture(x, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_loop_test(x, nothing_stays_claimed_at_the_end, 0, (int)ARRAY_LEN(endings));
	tcase_add_test(x, freed_at_any_moment);
	tcase_add_test(x, a_locked_wallet_claims_nothing);
	tcase_add_loop_test(x, locked_at_any_moment, 0, 2);
	suite_add_tcase(s, x);
	return suite_run(s);
}
