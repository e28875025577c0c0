/* spec/splice.md 8.1, U6: what the database itself holds of splices. */
#include "store/splice_store.h"

#include <stdio.h>
#include <string.h>

#include "store/action_store.h"
#include "tests/support/scratch.h"
#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(1 << 20);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static struct splice_row get(struct unit *u, unsigned n)
{
	struct hash32 id = splice_hash(n);
	struct splice_row row;
	struct err e, *err = &e;

	OK(splice_store_get(unit_view(u), &arena, &id, &row, err));
	ck_assert(hash32_equal(&row.id, &id));
	return row;
}

static void check_same(const struct splice_row *got, const struct splice_row *put)
{
	ck_assert_str_eq(got->action.s, put->action.s);
	ck_assert_str_eq(got->bump_action.s, put->bump_action.s);
	ck_assert(hash32_equal(&got->channel, &put->channel) && pubkey_equal(&got->peer, &put->peer));
	ck_assert(outpoint_equal(&got->base, &put->base));
	ck_assert_uint_eq(sat_value(got->base_capacity), sat_value(put->base_capacity));
	ck_assert_uint_eq(msat_value(got->base_local), msat_value(put->base_local));
	ck_assert(got->kind == put->kind && got->active == put->active && got->bump_of_round == put->bump_of_round);
	ck_assert(got->has_amount == put->has_amount && got->everything == put->everything);
	ck_assert_uint_eq(sat_value(got->amount), sat_value(put->amount));
	ck_assert(got->has_rate == put->has_rate && got->has_max_fee == put->has_max_fee);
	ck_assert_uint_eq(feerate_sat_per_kwu(got->rate), feerate_sat_per_kwu(put->rate));
	ck_assert_uint_eq(feerate_sat_per_kwu(got->max_rate), feerate_sat_per_kwu(put->max_rate));
	ck_assert_uint_eq(sat_value(got->max_fee), sat_value(put->max_fee));
	ck_assert(bytes_equal(got->contribution, put->contribution));
	ck_assert_uint_eq(got->attempts, put->attempts);
	ck_assert_uint_eq(got->disconnects, put->disconnects);
	ck_assert_uint_eq(got->max_attempts, put->max_attempts);
	ck_assert_uint_eq(got->max_disconnects, put->max_disconnects);
	ck_assert_int_eq(got->deadline_ms, put->deadline_ms);
	ck_assert(got->wait == put->wait && got->fail_class == put->fail_class);
	ck_assert_int_eq(got->fail_at_ms, put->fail_at_ms);
	ck_assert(got->cancel_requested == put->cancel_requested);
	ck_assert((got->alt_ref == NULL) == (put->alt_ref == NULL));
	ck_assert((got->fail_text == NULL) == (put->fail_text == NULL));
}

/* Nothing optional, then everything. */
static int round_trip(struct unit *u, void *ctx, struct err *err)
{
	static const uint8_t blob[] = { 9, 8, 7 };
	struct splice_row row = splice_row(1), got;

	(void)ctx;
	OK(splice_store_add(u, &row, NULL, 0, 1000, err));
	got = get(u, 1);
	check_same(&got, &row);
	ck_assert_int_eq(got.version, 1);
	ck_assert_int_eq(got.created_at_ms, 1000);
	ck_assert_int_eq(got.updated_at_ms, 1000);
	ck_assert_int_eq(got.wait_since_ms, 0);
	row.version = 1;
	row.bump_action = (struct action_id){ "bump" };
	row.alt_ref = "340282366920938463463374607431768211455";
	row.base = splice_at(2);
	row.base_capacity = splice_sat(7);
	row.base_local = (struct msat){ 6999 };
	row.active = SPLICE_BUMP;
	row.bump_of_round = 4;
	row.everything = true;
	row.has_rate = row.has_max_fee = true;
	row.rate = splice_rate_of(1000);
	row.max_rate = splice_rate_of(2000);
	row.max_fee = splice_sat(3000);
	row.contribution = (struct bytes){ blob, sizeof(blob) };
	row.attempts = 2;
	row.disconnects = 5;
	row.max_attempts = 4;
	row.max_disconnects = 6;
	row.deadline_ms = 99;
	row.wait = SPLICE_WAIT_FOREIGN_SPLICE;
	row.fail_class = SPLICE_STALE;
	row.fail_text = "words";
	row.fail_at_ms = 77;
	row.cancel_requested = true;
	OK(splice_store_save(u, &row, 2000, err));
	got = get(u, 1);
	check_same(&got, &row);
	ck_assert_int_eq(got.version, 2);
	ck_assert_int_eq(got.created_at_ms, 1000);
	ck_assert_int_eq(got.updated_at_ms, 2000);
	ck_assert_int_eq(got.wait_since_ms, 2000);
	ck_assert_str_eq(got.alt_ref, row.alt_ref);
	ck_assert_str_eq(got.fail_text, "words");
	FAILS(splice_store_save(u, &row, 2000, err), ERR_CONFLICT); /* of version 1 */
	return 0;
}

START_TEST(every_field_comes_back)
{
	scratch_unit(&scratch, round_trip, NULL);
}
END_TEST

static int waiting(struct unit *u, void *ctx, struct err *err)
{
	static const struct {
		int64_t at_ms, since_ms;
		enum splice_wait wait;
	} steps[] = {
		{ 10, 10, SPLICE_WAIT_PEER_OFFLINE }, { 20, 10, SPLICE_WAIT_PEER_OFFLINE },
		{ 30, 30, SPLICE_WAIT_NODE_BUSY },    { 40, 0, SPLICE_WAIT_NONE },
		{ 50, 0, SPLICE_WAIT_NONE },          { 60, 60, SPLICE_WAIT_PEER_OFFLINE },
	};
	struct splice_row row = splice_row(1);

	(void)ctx;
	row.wait = SPLICE_WAIT_LOW_FUNDS;
	OK(splice_store_add(u, &row, NULL, 0, 5, err));
	ck_assert_int_eq(get(u, 1).wait_since_ms, 5);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		row = get(u, 1);
		row.wait = steps[i].wait;
		row.wait_since_ms = 12345; /* nobody asks the caller */
		OK(splice_store_save(u, &row, steps[i].at_ms, err));
		ck_assert_int_eq(get(u, 1).wait_since_ms, steps[i].since_ms);
	}
	return 0;
}

START_TEST(a_wait_began_when_its_reason_did)
{
	scratch_unit(&scratch, waiting, NULL);
}
END_TEST

static int unique(struct unit *u, void *ctx, struct err *err)
{
	struct splice_row first = splice_row(1), second = splice_row(2), got;
	struct action_id bump = { "bump" };

	(void)ctx;
	OK(splice_store_add(u, &first, NULL, 0, 1, err));
	second.channel = first.channel;
	FAILS(splice_store_add(u, &second, NULL, 0, 1, err), ERR_EXISTS);
	second = splice_row(2);
	second.id = first.id;
	FAILS(splice_store_add(u, &second, NULL, 0, 1, err), ERR_EXISTS);
	second = splice_row(2);
	second.action = first.action;
	FAILS(splice_store_add(u, &second, NULL, 0, 1, err), ERR_EXISTS);
	second = splice_row(2);
	OK(splice_store_add(u, &second, NULL, 0, 1, err));
	ck_assert_int_eq(splice_store_of_channel(unit_view(u), &arena, &first.channel, &got, err), 1);
	ck_assert(hash32_equal(&got.id, &first.id));
	ck_assert_int_eq(splice_store_of_action(unit_view(u), &arena, &second.action, &got, err), 1);
	ck_assert(hash32_equal(&got.id, &second.id));
	ck_assert_int_eq(splice_store_of_action(unit_view(u), &arena, &bump, &got, err), 0);
	got.active = SPLICE_BUMP;
	got.bump_of_round = 1;
	got.bump_action = bump;
	OK(splice_store_save(u, &got, 2, err));
	ck_assert_int_eq(splice_store_of_action(unit_view(u), &arena, &bump, &got, err), 1);
	ck_assert(hash32_equal(&got.id, &second.id));
	first = splice_row(3);
	ck_assert_int_eq(splice_store_get(unit_view(u), &arena, &first.id, &got, err), 0);
	ck_assert_int_eq(splice_store_of_channel(unit_view(u), &arena, &first.channel, &got, err), 0);
	return 0;
}

START_TEST(one_lives_per_channel)
{
	scratch_unit(&scratch, unique, NULL);
}
END_TEST

static unsigned seen[8], n_seen;

static void see(void *ctx, const struct splice_row *row)
{
	(void)ctx;
	seen[n_seen++] = row->id.b[0];
}

static int paging(struct unit *u, void *ctx, struct err *err)
{
	struct hash32 after = splice_hash(3);
	struct splice_row row;

	(void)ctx;
	for (unsigned n = 5; n >= 1; n--) {
		row = splice_row(n);
		OK(splice_store_add(u, &row, NULL, 0, 1, err));
	}
	n_seen = 0;
	ck_assert_int_eq(splice_store_list(unit_view(u), &arena, NULL, 2, see, NULL, err), 2);
	ck_assert_int_eq(splice_store_list(unit_view(u), &arena, &after, 9, see, NULL, err), 2);
	ck_assert_uint_eq(n_seen, 4);
	ck_assert(seen[0] == 1 && seen[1] == 2 && seen[2] == 4 && seen[3] == 5);
	return 0;
}

START_TEST(living_ones_by_page)
{
	scratch_unit(&scratch, paging, NULL);
}
END_TEST

static int ending(struct unit *u, void *ctx, struct err *err)
{
	struct splice_row row = splice_row(1);
	struct txid txid = splice_txid(9);
	struct splice_end locked = { .outcome = SPLICE_LOCKED, .final_txid = &txid };
	struct splice_past past;

	(void)ctx;
	OK(splice_store_add(u, &row, NULL, 0, 1000, err));
	FAILS(splice_store_end(u, &row, &locked, 2000, err), ERR_CONFLICT); /* at no version */
	row = get(u, 1);
	OK(splice_store_end(u, &row, &locked, 2000, err));
	ck_assert_int_eq(splice_store_get(unit_view(u), &arena, &row.id, &row, err), 0);
	FAILS(splice_store_end(u, &row, &locked, 2000, err), ERR_CONFLICT);
	ck_assert_int_eq(splice_store_past(unit_view(u), &arena, &row.id, &past, err), 1);
	ck_assert(past.outcome == SPLICE_LOCKED && txid_equal(&past.final_txid, &txid));
	ck_assert(past.kind == SPLICE_IN && past.has_amount && sat_value(past.amount) == 100000);
	ck_assert_str_eq(past.action.s, "splice:1");
	ck_assert(past.created_at_ms == 1000 && past.closed_at_ms == 2000 && past.fail_text == NULL);
	/* The channel is free for another one. */
	row = splice_row(1);
	row.id = splice_hash(2);
	OK(splice_store_add(u, &row, NULL, 0, 3000, err));
	return 0;
}

START_TEST(an_end_takes_the_row)
{
	scratch_unit(&scratch, ending, NULL);
}
END_TEST

static struct splice_past kept[8];

static void keep(void *ctx, const struct splice_past *p)
{
	(void)ctx;
	kept[n_seen++] = *p;
}

static int histories(struct unit *u, void *ctx, struct err *err)
{
	struct splice_end lost = { .outcome = SPLICE_ABANDONED, .why = SPLICE_PEER_ABORT };
	struct splice_past_query all = { .limit = 9 };
	struct hash32 channel = splice_hash(2);
	char text[400];

	(void)ctx;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	lost.text = text;
	for (unsigned n = 1; n <= 4; n++) {
		struct splice_row row = splice_row(n);

		row.channel = splice_hash(n % 2 + 1);
		OK(splice_store_add(u, &row, NULL, 0, 1, err));
		row.version = 1;
		OK(splice_store_end(u, &row, &lost, 100 * (n / 2), err)); /* 2 and 3 in one moment */
	}
	n_seen = 0;
	ck_assert_int_eq(splice_store_history(unit_view(u), &arena, &all, keep, NULL, err), 4);
	ck_assert(kept[0].id.b[0] == 4 && kept[1].id.b[0] == 3 && kept[2].id.b[0] == 2 && kept[3].id.b[0] == 1);
	ck_assert_uint_eq(strlen(kept[0].fail_text), SPLICE_FAIL_TEXT_MAX);
	all.before = &kept[1];
	ck_assert_int_eq(splice_store_history(unit_view(u), &arena, &all, keep, NULL, err), 2);
	ck_assert(kept[4].id.b[0] == 2 && kept[5].id.b[0] == 1);
	all.channel = &channel;
	ck_assert_int_eq(splice_store_history(unit_view(u), &arena, &all, keep, NULL, err), 1);
	ck_assert(kept[6].id.b[0] == 1 && kept[6].fail_class == SPLICE_PEER_ABORT);
	all.before = NULL;
	n_seen = 0;
	ck_assert_int_eq(splice_store_history(unit_view(u), &arena, &all, keep, NULL, err), 2);
	ck_assert(kept[0].id.b[0] == 3 && kept[1].id.b[0] == 1);
	return 0;
}

START_TEST(ends_newest_first)
{
	scratch_unit(&scratch, histories, NULL);
}
END_TEST

static int coins(struct unit *u, void *ctx, struct err *err)
{
	static const uint8_t script[] = { 0x51, 0x20, 1 };
	struct splice_output out[2] = { { { script, 3 }, splice_sat(5000) }, { { script, 2 }, splice_sat(6000) } };
	struct splice_input in[2] = { { .at = splice_at(7), .amount = splice_sat(70) },
				      { .at = splice_at(3), .amount = splice_sat(30) } };
	struct splice_row one = splice_row(1), two = splice_row(2);
	struct splice_output *outputs;
	struct splice_input *inputs;
	size_t n;

	(void)ctx;
	OK(splice_store_add(u, &one, out, 2, 1, err));
	OK(splice_store_add(u, &two, NULL, 0, 1, err));
	OK(splice_store_outputs(unit_view(u), &arena, &one.id, &outputs, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert(bytes_equal(outputs[1].script, out[1].script) && sat_value(outputs[0].amount) == 5000);
	OK(splice_store_outputs(unit_view(u), &arena, &two.id, &outputs, &n, err));
	ck_assert_uint_eq(n, 0);

	OK(splice_store_hold(u, &one.id, in, 2, err));
	OK(splice_store_hold(u, &one.id, in, 2, err)); /* of a bump: the same */
	FAILS(splice_store_hold(u, &two.id, in, 1, err), ERR_CONFLICT);
	OK(splice_store_released(u, &one.id, &in[0].at, err));
	OK(splice_store_hold(u, &two.id, in, 1, err));
	FAILS(splice_store_hold(u, &one.id, in, 1, err), ERR_CONFLICT); /* it is not free again */
	FAILS(splice_store_released(u, &two.id, &in[1].at, err), ERR_NOT_FOUND);
	OK(splice_store_inputs(unit_view(u), &arena, &one.id, &inputs, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert(outpoint_equal(&inputs[0].at, &in[1].at) && !inputs[0].released);
	ck_assert(outpoint_equal(&inputs[1].at, &in[0].at) && inputs[1].released);
	ck_assert_uint_eq(sat_value(inputs[1].amount), 70);
	return 0;
}

START_TEST(an_input_is_held_by_one)
{
	scratch_unit(&scratch, coins, NULL);
}
END_TEST

static int owing(struct unit *u, void *ctx, struct err *err)
{
	struct splice_end lost = { .outcome = SPLICE_ABANDONED, .why = SPLICE_EXHAUSTED };
	struct action_row alive = { .id = splice_row(1).action,
				    .kind = "splice_in",
				    .state = 1,
				    .status = ACTION_PARKED,
				    .params = "{}",
				    .checkpoint = "{}" };
	struct hash32 got[4];
	int64_t seq;

	(void)ctx;
	for (unsigned n = 1; n <= 3; n++) {
		struct splice_input in = { .at = splice_at(n), .amount = splice_sat(1) };
		struct splice_row row = splice_row(n);

		OK(splice_store_add(u, &row, NULL, 0, 1, err));
		OK(splice_store_hold(u, &row.id, &in, 1, err));
		if (n == 2)
			continue;
		row.version = 1;
		OK(splice_store_end(u, &row, &lost, 2, err));
	}
	ck_assert_int_eq(splice_store_owing(unit_view(u), NULL, got, 4, err), 2); /* 2 lives */
	ck_assert(got[0].b[0] == 1 && got[1].b[0] == 3);
	ck_assert_int_eq(splice_store_owing(unit_view(u), &got[0], got, 4, err), 1);
	ck_assert(got[0].b[0] == 3);
	OK(splice_store_released(u, &got[0], &(struct outpoint){ splice_txid(3), 3 }, err));
	ck_assert_int_eq(splice_store_owing(unit_view(u), NULL, got, 1, err), 1);
	ck_assert(got[0].b[0] == 1);
	OK(action_store_add(u, &alive, &seq, err)); /* it gives back by itself */
	ck_assert_int_eq(splice_store_owing(unit_view(u), NULL, got, 1, err), 0);
	return 0;
}

START_TEST(ended_ones_owe_their_inputs)
{
	scratch_unit(&scratch, owing, NULL);
}
END_TEST

/* What no function here writes, a hand cannot either. */
static const struct {
	const char *name, *set;
} by_hand[] = {
	{ "no amount, and not everything", "amount = NULL" },
	{ "a bump of no round", "active = 3" },
	{ "a round without a bump", "bump_of_round = 1" },
	{ "another kind than the splice's", "active = 2" },
	{ "a bump's action without a bump", "bump_action_id = 'b'" },
	{ "waiting since never", "wait = 1" },
	{ "failed at no time", "fail_class = 1" },
	{ "an unknown wait", "wait = 10, wait_since_ms = 1" },
	{ "more than all money", "amount = 2100000000000001" },
	{ "half a channel", "channel_id = x'00'" },
	{ "a budget of nothing", "max_attempts = 0" },
	{ "a kind of bump", "kind = 3, active = 3, bump_of_round = 1" },
};

static int add_one(struct unit *u, void *ctx, struct err *err)
{
	struct splice_row row = splice_row(1);

	(void)ctx;
	return splice_store_add(u, &row, NULL, 0, 1, err);
}

START_TEST(refused_by_hand)
{
	char sql[160];

	scratch_unit(&scratch, add_one, NULL);
	store_flush(scratch.store);
	snprintf(sql, sizeof(sql), "UPDATE splice_intent SET %s", by_hand[_i].set);
	ck_assert_msg(scratch_sql_refused(&scratch, sql), "%s", by_hand[_i].name);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(splice_kind_name(SPLICE_BUMP), "bump");
	ck_assert_str_eq(splice_kind_name((enum splice_kind)SPLICE_KINDS), "unknown");
	ck_assert_str_eq(splice_wait_name(SPLICE_WAIT_CONFIRMATION), "awaiting_confirmation");
	ck_assert_str_eq(splice_wait_name((enum splice_wait)SPLICE_WAITS), "unknown");
	ck_assert_str_eq(splice_class_name(SPLICE_INVALID), "invalid");
	ck_assert_str_eq(splice_class_name((enum splice_class) - 1), "unknown");
	ck_assert_str_eq(splice_outcome_name(SPLICE_WAS_CANCELLED), "cancelled");
	ck_assert_str_eq(splice_outcome_name((enum splice_outcome)0), "unknown");
	ck_assert_str_eq(channel_phase_name(CHANNEL_GONE), "gone");
	ck_assert_str_eq(candidate_origin_name(CANDIDATE_FOREIGN_LOCAL), "foreign_local");
	ck_assert_str_eq(candidate_state_name(CANDIDATE_DISCARDED), "discarded");
	ck_assert_str_eq(funding_type_name(FUNDING_INTERACTIVE), "interactive_funding");
	ck_assert_str_eq(funding_direction_name(FUNDING_OUT), "out");
	ck_assert_str_eq(funding_status_name(FUNDING_FAILED), "failed");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/splice_store");
	TCase *tc = tcase_create("splices");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_field_comes_back);
	tcase_add_test(tc, a_wait_began_when_its_reason_did);
	tcase_add_test(tc, one_lives_per_channel);
	tcase_add_test(tc, living_ones_by_page);
	tcase_add_test(tc, an_end_takes_the_row);
	tcase_add_test(tc, ends_newest_first);
	tcase_add_test(tc, an_input_is_held_by_one);
	tcase_add_test(tc, ended_ones_owe_their_inputs);
	tcase_add_loop_test(tc, refused_by_hand, 0, (int)ARRAY_LEN(by_hand));
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
