/* A batch on its way into a transaction: what fits, what leaves and who leaves with it, what the dry run tells, and what it
 * may cost (spec/outbox.md 2.6, 3.2, 5.4, 5.8, 5.10). */
#include <string.h>

#include "outbox/batch.h"
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

static TCase *with_fixture(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	suite_add_tcase(s, t);
	return t;
}

int main(void)
{
	Suite *s = suite_create("outbox/batch");
	TCase *t = with_fixture(s, "fits");

	tcase_add_test(t, what_is_too_long_for_one_goes_in_several);
	tcase_add_test(t, what_takes_too_much_gas_for_one_is_halved);
	tcase_add_test(t, what_takes_too_much_gas_alone_waits);
	tcase_add_loop_test(t, what_a_node_finds_too_much_is_halved, 0, 6);
	tcase_add_test(t, companions_leave_with_whom_they_follow);
	tcase_add_test(t, a_dead_letter_lets_its_followers_go);
	tcase_add_loop_test(t, followers_go_when_they_may, 0, (int)ARRAY_LEN(releases));
	t = with_fixture(s, "dry run");
	tcase_add_loop_test(t, dry_run, 0, 2 * N_DRY_RUNS);
	tcase_add_test(t, twenty_refusals_go_to_a_person);
	tcase_add_test(t, a_node_that_refuses_them_one_by_one);
	t = with_fixture(s, "money");
	tcase_add_test(t, without_ether_it_waits);
	tcase_add_test(t, a_chain_too_dear_is_waited_for);
	tcase_add_test(t, a_transaction_too_dear_is_halved);
	tcase_add_test(t, a_day_has_its_cap);
	tcase_add_test(t, two_lanes_share_the_cap_of_a_day);
	return suite_run(s);
}
