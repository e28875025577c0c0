/* The outbox as people see it: one directive, the nonce doctor, and what troubles it (spec/outbox.md 5.5, 6). */
#include "outbox/show.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/outbox_world.h"
#include "tests/support/suite.h"

#define MINUTE INT64_C(60000)

static struct err e, *err = &e;

static const char *str(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);

	ck_assert_msg(v != NULL, "no member %s", name);
	return json_is_string(v) ? json_string_value(v) : NULL;
}

static int64_t num(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);

	ck_assert_msg(json_is_integer(v), "%s is no integer", name);
	return json_integer_value(v);
}

static bool is_null(const json_t *j, const char *name)
{
	ck_assert_msg(json_object_get(j, name) != NULL, "no member %s", name);
	return json_is_null(json_object_get(j, name));
}

static bool flag(const json_t *j, const char *name)
{
	ck_assert_msg(json_is_boolean(json_object_get(j, name)), "%s is no boolean", name);
	return json_is_true(json_object_get(j, name));
}

static struct chain *the_chain(void)
{
	return outbox_world.ob->chains[0];
}

static struct lane *the_lane(void)
{
	return the_chain()->lanes[0];
}

static struct space *the_space(void)
{
	return outbox_world.ob->spaces[0];
}

/* As if all had been asked and all were well. */
static void all_is_well(void)
{
	struct chain *c = the_chain();

	c->reach = HOLD_NONE;
	c->fees_known = true;
	c->base_fee = rows_price(1000);
	c->quote = (struct evm_fees){ rows_price(2100), rows_price(100) };
	c->head_known = true;
	c->head = 5000;
	the_lane()->hold = the_space()->hold = HOLD_NONE;
	the_lane()->seen = true;
	the_lane()->balance = wei_from_u64(UINT64_C(3000000000000000000));
	scratch_sql(&outbox_world.disk, "UPDATE outbox_lane SET synced = 1");
}

static json_t *lane_json(size_t i)
{
	json_t *list;

	OK(outbox_lanes_json(outbox_world.ob, &outbox_world.arena, &list, err));
	ck_assert_uint_lt(i, json_array_size(list));
	return json_array_get(list, i);
}

static json_t *space_json(size_t i)
{
	json_t *list;

	OK(outbox_spaces_json(outbox_world.ob, &outbox_world.arena, &list, err));
	ck_assert_uint_lt(i, json_array_size(list));
	return json_array_get(list, i);
}

struct troubles {
	struct outbox_trouble *v;
	size_t n;
};

static struct troubles troubles(void)
{
	struct troubles t;

	OK(outbox_troubles(outbox_world.ob, &outbox_world.arena, &t.v, &t.n, err));
	for (size_t i = 0; i < t.n; i++) {
		ck_assert_str_ne(t.v[i].what, "");
		ck_assert_str_ne(t.v[i].next, "");
		ck_assert(i == 0 || t.v[i - 1].severity <= t.v[i].severity);
	}
	return t;
}

/* There is one, and it is this. */
static const struct outbox_trouble *the_trouble(const char *kind)
{
	struct troubles t = troubles();

	ck_assert_uint_eq(t.n, 1);
	ck_assert_str_eq(t.v[0].kind, kind);
	return &t.v[0];
}

/* --- one directive --- */

static json_t *directive_json(const char *id)
{
	struct directive_row row = outbox_world_row(id);
	json_t *j;

	OK(outbox_directive_json(outbox_world.ob, &outbox_world.arena, &row, &j, err));
	return j;
}

START_TEST(a_fresh_one)
{
	struct outbox_append in = outbox_request("directive-1");
	struct outbox_appended made;
	json_t *appended, *j;

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET next_nonce = 7");
	in.expires_at_ms = 12345;
	made = outbox_world_append(&in);
	appended = outbox_appended_json(&outbox_world.arena, &made);
	ck_assert_str_eq(str(appended, "outcome"), "created");
	ck_assert_str_eq(str(appended, "nonce"), "7");
	ck_assert_str_eq(str(appended, "signer"), "0x6b7d98d0c96004F367468f2aC37dBF6E660e8A0F");
	ck_assert_str_eq(str(appended, "delivery_status"), "pending");
	j = directive_json("directive-1");
	ck_assert_int_eq(num(j, "outbox_seq"), made.row.seq);
	ck_assert_str_eq(str(j, "directive_id"), "directive-1");
	ck_assert_str_eq(str(j, "kind"), "needs_rsm_signature");
	ck_assert_str_eq(str(j, "action_key"), "system_withdraw_token");
	ck_assert_str_eq(str(j, "account"), OUTBOX_ACCOUNT);
	ck_assert_str_eq(str(j, "contract"), "0x5FbDB2315678afecb367f032d93F642f64180aa3");
	ck_assert_int_eq(num(j, "chain_id"), 31337);
	ck_assert_str_eq(str(j, "nonce"), "7");
	ck_assert_str_eq(str(j, "payload"), "0x010203");
	ck_assert_int_eq(num(j, "expires_at_ms"), 12345);
	ck_assert_str_eq(str(j, "delivery_status"), "pending");
	ck_assert_str_eq(str(j, "wire_status"), "pending");
	ck_assert_str_eq(str(j, "domain_status"), "pending_chain_effect");
	ck_assert_int_eq(num(j, "attempts"), 0);
	ck_assert_int_eq(num(j, "wake_at_ms"), 0);
	ck_assert_int_eq(num(j, "lane"), outbox_lane_id());
	/* The vectors' own: EIP-712 and order key of directive-1. */
	ck_assert_str_eq(str(j, "digest"), "0x9765163df99f52cb0524f194abc23c722a713279cf8f8d40da4f12356be89957");
	ck_assert_str_eq(str(j, "content_hash"), "0xb96a6f6ac50fd2abde4a2c9bbb0dfe9cca0d96ac4d37d80e7e701d2f3e54fe64");
	ck_assert_str_eq(str(j, "order_key"), "0x00000000000000016b7d98d0c96004f367468f2ac37dbf6e660e8a0f"
					      "70997970c51812dc3a010c7d01b50e0d17dc79c8");
	ck_assert(flag(j, "holds_order") && !flag(j, "blocked") && !flag(j, "signed"));
	ck_assert(is_null(j, "tx") && is_null(j, "effect") && is_null(j, "tx_hash") && is_null(j, "finished_at_ms"));
	ck_assert(is_null(j, "reason_class") && is_null(j, "last_error") && is_null(j, "recheck_at_ms"));
	ck_assert_uint_eq(json_array_size(json_object_get(j, "nonce_history")), 0);
}
END_TEST

/* A number that JSON readers would round is text, also the largest. */
START_TEST(a_large_nonce_is_exact)
{
	struct outbox_append in = outbox_request("large");

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET next_nonce = 9223372036854775806");
	outbox_world_append(&in);
	ck_assert_str_eq(str(directive_json("large"), "nonce"), "9223372036854775806");
	ck_assert_str_eq(str(space_json(0), "next_nonce"), "9223372036854775807");
}
END_TEST

static int put_into_a_slot(struct unit *u, void *ctx, struct err *er)
{
	struct directive_row row;
	struct slot_row slot;
	struct attempt_row attempt;

	(void)ctx;
	OK(slot_store_open(u, outbox_lane_id(), SLOT_DIRECTIVES, 16, 5, OUTBOX_NOW_MS, &slot, err));
	attempt = rows_attempt(u, &slot, 0, 0xaa);
	OK(directive_store_by_id(unit_view(u), &outbox_world.arena, "one", &row, err));
	OK(item_store_add(u, &(struct item_row){ slot.id, slot.fill, 0, row.seq, -1 }, err));
	row.tx_id = slot.id;
	rows_move(u, &row, DELIVERY_SUBMITTED);
	OK(attempt_store_note_sent(u, &attempt.hash, OUTBOX_NOW_MS, "already known", true, err));
	return signature_store_put(u, row.space_id, row.nonce,
				   &(struct signature_row){ .seq = row.seq, .digest = rows_hash(1), .sig = { 1 } }, 1,
				   er);
}

static int mine_it(struct unit *u, void *ctx, struct err *er)
{
	struct directive_row row;
	struct slot_row slot;

	(void)ctx;
	(void)er;
	OK(directive_store_by_id(unit_view(u), &outbox_world.arena, "one", &row, err));
	OK(slot_store_get(unit_view(u), row.tx_id, &slot, err));
	slot.state = SLOT_MINED;
	slot.mined = slot.mined_ok = true;
	slot.mined_hash = rows_hash(0xaa);
	slot.mined_block_hash = rows_hash(0xbb);
	slot.mined_block = 4990;
	slot.gas_price = rows_price(7);
	OK(slot_store_save(u, &slot, err));
	rows_move(u, &row, DELIVERY_INCLUDED);
	return 0;
}

START_TEST(one_on_its_way)
{
	struct outbox_append in = outbox_request("one");
	json_t *j, *tx, *attempt;

	all_is_well();
	outbox_world_append(&in);
	scratch_unit(&outbox_world.disk, put_into_a_slot, NULL);
	j = directive_json("one");
	tx = json_object_get(j, "tx");
	ck_assert(flag(j, "signed"));
	ck_assert_str_eq(str(j, "wire_status"), "broadcasted");
	ck_assert_int_eq(num(tx, "lane"), outbox_lane_id());
	ck_assert_int_eq(num(tx, "account_nonce"), 0);
	ck_assert_str_eq(str(tx, "state"), "prepared");
	ck_assert_str_eq(str(tx, "purpose"), "directives");
	ck_assert_int_eq(num(tx, "fill"), 0);
	ck_assert_int_eq(num(tx, "confirmations"), 0);
	ck_assert(is_null(tx, "block") && is_null(tx, "hash"));
	ck_assert_uint_eq(json_array_size(json_object_get(tx, "attempts")), 1);
	attempt = json_array_get(json_object_get(tx, "attempts"), 0);
	ck_assert_uint_eq(strlen(str(attempt, "hash")), 66);
	ck_assert_str_eq(str(attempt, "max_fee"), "100");
	ck_assert_str_eq(str(attempt, "max_priority_fee"), "2");
	ck_assert_int_eq(num(attempt, "gas_limit"), 21000);
	ck_assert_int_eq(num(attempt, "sent_at_ms"), OUTBOX_NOW_MS);
	ck_assert_str_eq(str(attempt, "reply"), "already known");
	ck_assert(flag(attempt, "acknowledged"));
	scratch_unit(&outbox_world.disk, mine_it, NULL);
	j = directive_json("one");
	tx = json_object_get(j, "tx");
	ck_assert_int_eq(num(tx, "block"), 4990);
	ck_assert_int_eq(num(tx, "confirmations"), 11); /* the head itself is one */
	ck_assert_int_eq(num(json_object_get(j, "effect"), "block"), 77);
	the_chain()->head_known = false;
	ck_assert(is_null(json_object_get(directive_json("one"), "tx"), "confirmations"));
}
END_TEST

static int give_history(struct unit *u, void *ctx, struct err *er)
{
	struct directive_row row = outbox_world_row("one");
	struct nonce_history_row old = { .generation = 0,
					 .nonce = 3,
					 .has_digest = true,
					 .digest = rows_hash(9),
					 .retired_at_ms = 5,
					 .evidence = "{\"verdict\":\"revoked\"}",
					 .operator= "bob" };

	(void)ctx;
	if (nonce_history_add(u, row.seq, &old, er) != 0)
		return -1;
	old.generation = 1;
	old.has_digest = false;
	old.evidence = "not JSON";
	return nonce_history_add(u, row.seq, &old, er);
}

START_TEST(one_with_a_past)
{
	struct outbox_append in = outbox_request("one");
	json_t *list;

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET next_nonce = 4");
	outbox_world_append(&in);
	scratch_unit(&outbox_world.disk, give_history, NULL);
	list = json_object_get(directive_json("one"), "nonce_history");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(str(json_array_get(list, 0), "nonce"), "3");
	ck_assert_str_eq(str(json_array_get(list, 0), "operator"), "bob");
	ck_assert_str_eq(str(json_object_get(json_array_get(list, 0), "evidence"), "verdict"), "revoked");
	ck_assert(is_null(json_array_get(list, 1), "digest"));
	ck_assert_str_eq(str(json_array_get(list, 1), "evidence"), "not JSON");
}
END_TEST

/* --- the nonce doctor --- */

START_TEST(a_lane_that_is_well)
{
	json_t *j, *quote;

	all_is_well();
	j = lane_json(0);
	ck_assert_int_eq(num(j, "lane"), 1);
	ck_assert_str_eq(str(j, "relayer"), "0x525B19015E9230430aaE07ba2c9bC6cE80Da700A");
	ck_assert_str_eq(str(j, "key"), "hd:m/44'/60'/21592'/0/0");
	ck_assert(flag(j, "configured") && !flag(j, "paused"));
	ck_assert_int_eq(num(j, "next_tx_nonce"), 0);
	ck_assert_int_eq(num(j, "latest"), 0);
	ck_assert_int_eq(num(j, "pending"), 0);
	ck_assert_int_eq(num(j, "gap"), 0);
	ck_assert_int_eq(num(j, "slots_open"), 0);
	ck_assert_str_eq(str(j, "balance_wei"), "3000000000000000000");
	ck_assert(is_null(j, "hold") && is_null(j, "lowest") && is_null(j, "trouble") && is_null(j, "next"));
	quote = json_object_get(j, "quote");
	ck_assert_str_eq(str(quote, "base_fee"), "1000");
	ck_assert_str_eq(str(quote, "cap"), "500000000000");
	ck_assert_uint_eq(troubles().n, 0);
}
END_TEST

/* What is not known is null, never a zero that somebody believes. */
START_TEST(a_lane_before_the_chain_was_asked)
{
	json_t *j = lane_json(0);

	ck_assert(is_null(j, "latest") && is_null(j, "pending") && is_null(j, "balance_wei") && is_null(j, "gap"));
	ck_assert(is_null(j, "quote"));
	ck_assert_str_eq(str(j, "hold"), "not_checked");
	ck_assert(is_null(j, "next")); /* soon over */
}
END_TEST

static int open_slots(struct unit *u, void *ctx, struct err *er)
{
	unsigned n = *(const unsigned *)ctx;

	(void)er;
	for (unsigned i = 0; i < n; i++) {
		struct slot_row slot;

		OK(slot_store_open(u, outbox_lane_id(), SLOT_NO_OP, 100, 5, OUTBOX_NOW_MS, &slot, err));
		rows_attempt(u, &slot, 0, 0x900 + i);
	}
	return 0;
}

static void open_some(unsigned n)
{
	scratch_unit(&outbox_world.disk, open_slots, &n);
}

START_TEST(a_gap_is_what_no_pool_has)
{
	json_t *j, *lowest;

	all_is_well();
	open_some(5);
	scratch_sql(&outbox_world.disk, "UPDATE outbox_tx SET state = 5 WHERE tx_nonce = 4");
	the_lane()->latest = 0;
	the_lane()->pending = 2;
	clock_set_for_test(OUTBOX_NOW_MS + MINUTE);
	j = lane_json(0);
	ck_assert_int_eq(num(j, "next_tx_nonce"), 5);
	ck_assert_int_eq(num(j, "gap"), 3);
	ck_assert_int_eq(num(j, "slots_open"), 4);
	ck_assert_int_eq(num(j, "slots_vacant"), 1);
	lowest = json_object_get(j, "lowest");
	ck_assert_int_eq(num(lowest, "tx_nonce"), 0);
	ck_assert_str_eq(str(lowest, "purpose"), "no_op");
	ck_assert_int_eq(num(lowest, "age_ms"), MINUTE);
	ck_assert_int_eq(num(lowest, "attempts"), 1);
	ck_assert_str_eq(str(lowest, "max_fee"), "100");
	ck_assert(flag(lowest, "underpriced") && !flag(lowest, "at_cap"));
	ck_assert(is_null(j, "next")); /* a minute is nothing */
}
END_TEST

START_TEST(a_stuck_lane_has_one_safe_command)
{
	const struct outbox_trouble *t;

	all_is_well();
	open_some(2);
	the_lane()->pending = 2;
	clock_set_for_test(OUTBOX_NOW_MS + 16 * MINUTE);
	ck_assert_str_eq(str(lane_json(0), "next"), "outbox.cancel_slot with lane=1, tx_nonce=0 and a reason");
	t = the_trouble("stuck");
	ck_assert_int_eq(t->severity, OUTBOX_WARNING);
	/* Where it bids what it may, a replacement would bid no more. */
	the_chain()->conf.max_fee = rows_price(100);
	t = the_trouble("stuck_at_fee_cap");
	ck_assert_ptr_nonnull(strstr(t->next, "max_fee_gwei"));
	/* Mined: only depth is missing. */
	scratch_sql(&outbox_world.disk,
		    "UPDATE outbox_tx SET state = 2, mined_hash = randomblob(32), mined_block = 1,"
		    " mined_block_hash = randomblob(32), mined_ok = 1, gas_used = 1, gas_price = 1");
	ck_assert_uint_eq(troubles().n, 0);
}
END_TEST

START_TEST(foreign_transactions_are_told)
{
	all_is_well();
	the_lane()->latest = the_lane()->pending = 3;
	ck_assert_int_eq(num(lane_json(0), "gap"), -3);
	the_trouble("foreign_transactions");
	scratch_sql(&outbox_world.disk, "UPDATE outbox_lane SET pause_reason = 'foreign_transactions'");
	ck_assert_int_eq(the_trouble("lane_paused")->severity, OUTBOX_CRITICAL);
	ck_assert_ptr_nonnull(strstr(the_trouble("lane_paused")->what, "somebody else sends from its account 0x"));
}
END_TEST

/* --- holds and pauses --- */

static const struct hold_case {
	enum hold hold;
	bool of_space;
	const char *kind, *says;
	int severity;
} holds[] = {
	{ HOLD_NO_FUNDS, false, "no_funds", "0x525B19015E9230430aaE07ba2c9bC6cE80Da700A", OUTBOX_CRITICAL },
	{ HOLD_FEE_CAP, false, "fee_cap", "chain 31337", OUTBOX_WARNING },
	{ HOLD_DAY_CAP, false, "day_cap", "max_day_fee_gwei", OUTBOX_WARNING },
	{ HOLD_POOL_PENDING, false, "pool_pending", "relayer's key", OUTBOX_WARNING },
	{ HOLD_KEY_MISMATCH, false, "key_mismatch", "key file", OUTBOX_CRITICAL },
	{ HOLD_KEY_MISMATCH, true, "key_mismatch", "key file", OUTBOX_CRITICAL },
	{ HOLD_WRONG_CONTRACT, true, "wrong_contract", "outbox_space", OUTBOX_CRITICAL },
};

START_TEST(a_hold_says_what_helps)
{
	const struct hold_case *c = &holds[_i];
	const struct outbox_trouble *t;
	json_t *j;

	all_is_well();
	if (c->of_space)
		space_hold(the_space(), c->hold, "its own words");
	else
		lane_hold(the_lane(), c->hold, "its own words");
	t = the_trouble(c->kind);
	ck_assert_int_eq(t->severity, c->severity);
	ck_assert_ptr_nonnull(strstr(t->next, c->says));
	j = c->of_space ? space_json(0) : lane_json(0);
	ck_assert_str_eq(str(j, "hold"), hold_name(c->hold));
	ck_assert_str_eq(str(j, "hold_text"), "its own words");
	ck_assert_str_eq(str(j, "trouble"), c->kind);
	ck_assert_str_eq(str(j, "next"), t->next);
}
END_TEST

/* One trouble for the chain, not one for each of its lanes and whatever waits in them. */
START_TEST(a_chain_out_of_reach_is_told_once)
{
	static const struct {
		enum hold reach;
		const char *kind;
		int severity;
	} cases[] = {
		{ HOLD_ENDPOINTS, "endpoints_down", OUTBOX_WARNING },
		{ HOLD_WRONG_CHAIN, "wrong_chain", OUTBOX_CRITICAL },
	};

	outbox_world.chain.lanes = 3;
	outbox_world_again();
	all_is_well();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		the_chain()->reach = cases[i].reach;
		ck_assert_int_eq(the_trouble(cases[i].kind)->severity, cases[i].severity);
		ck_assert_str_eq(str(lane_json(2), "trouble"), cases[i].kind);
		ck_assert_str_eq(str(lane_json(2), "hold"), hold_name(cases[i].reach));
	}
}
END_TEST

START_TEST(a_pause_says_how_it_ends)
{
	static const struct {
		const char *sql, *kind, *next;
		int severity;
	} cases[] = {
		{ "UPDATE outbox_nonce_space SET pause_reason = 'operator: lunch'", "space_paused",
		  "outbox.resume with space_id=1 and a reason", OUTBOX_INFO },
		{ "UPDATE outbox_nonce_space SET pause_reason = 'nonce_horizon'", "nonce_horizon",
		  "outbox.nonce_advance with space_id=1, to=… and a reason", OUTBOX_CRITICAL },
		{ "UPDATE outbox_nonce_space SET pause_reason = 'bad_signature'", "space_paused",
		  "outbox.resume with space_id=1 and a reason", OUTBOX_CRITICAL },
		{ "UPDATE outbox_nonce_space SET pause_reason = 'signer_not_authorised'", "space_paused",
		  "let the contract's owner authorise the signer 0x6b7d98d0c96004F367468f2aC37dBF6E660e8A0F, then outbox.resume"
		  " with space_id=1 and a reason",
		  OUTBOX_CRITICAL },
		{ "UPDATE outbox_lane SET pause_reason = 'operator: lunch'", "lane_paused",
		  "outbox.resume with lane=1 and a reason", OUTBOX_INFO },
	};
	const struct outbox_trouble *t;

	all_is_well();
	scratch_sql(&outbox_world.disk, cases[_i].sql);
	t = the_trouble(cases[_i].kind);
	ck_assert_int_eq(t->severity, cases[_i].severity);
	ck_assert_str_eq(t->next, cases[_i].next);
}
END_TEST

/* --- keys --- */

START_TEST(a_locked_wallet_is_told_when_something_waits)
{
	struct outbox_append in = outbox_request("waits");

	all_is_well();
	outbox_set_keys(outbox_world.ob, NULL);
	ck_assert_uint_eq(troubles().n, 0); /* `status` says that the wallet is locked */
	outbox_world_append(&in);
	ck_assert_str_eq(the_trouble("signer_locked")->next, "wallet.unlock");
	ck_assert_str_eq(str(lane_json(0), "next"), "wallet.unlock");
}
END_TEST

START_TEST(what_was_never_unlocked_is_listed)
{
	outbox_world_down();
	scratch_sql(&outbox_world.disk, "DELETE FROM outbox_nonce_space; DELETE FROM outbox_lane");
	outbox_world.locked = true;
	outbox_world_up();
	ck_assert(is_null(lane_json(0), "lane") && is_null(lane_json(0), "relayer"));
	ck_assert(is_null(space_json(0), "space_id") && is_null(space_json(0), "signer"));
	ck_assert_str_eq(str(space_json(0), "next"), "wallet.unlock");
}
END_TEST

START_TEST(a_missing_key_file_is_named)
{
	outbox_world.spaces[0].signer = "file:cold";
	outbox_world_again();
	ck_assert_ptr_nonnull(strstr(str(space_json(1), "what"), "cold"));
	ck_assert_str_eq(str(space_json(1), "trouble"), "key_missing");
	ck_assert_int_eq(the_trouble("key_missing")->severity, OUTBOX_CRITICAL);
	ck_assert_ptr_nonnull(strstr(the_trouble("key_missing")->next, "put the key file"));
}
END_TEST

/* --- what is not configured any more --- */

START_TEST(a_space_that_is_gone_with_open_work)
{
	struct outbox_append in = outbox_request("left behind");

	all_is_well();
	outbox_world_append(&in);
	outbox_world.opt.n_spaces = 0;
	outbox_world_again();
	the_chain()->reach = HOLD_NONE;
	ck_assert_int_eq(the_trouble("space_not_configured")->severity, OUTBOX_CRITICAL);
	ck_assert(!flag(space_json(0), "configured"));
	/* It can be shown all the same. */
	ck_assert_uint_eq(strlen(str(directive_json("left behind"), "digest")), 66);
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET delivery_status = 7, wake_at_ms = NULL,"
					" holds_order = 0, reason_class = 'operator_abandoned'");
	ck_assert_uint_eq(troubles().n, 0);
}
END_TEST

START_TEST(a_lane_that_is_gone_with_open_slots)
{
	static const char *const relayers[] = { "hd:5" };

	all_is_well();
	open_some(2);
	outbox_world.chain.relayers = relayers;
	outbox_world.chain.n_relayers = 1;
	outbox_world_again();
	all_is_well();
	ck_assert_int_eq(the_trouble("lane_not_configured")->severity, OUTBOX_CRITICAL);
	ck_assert(!flag(lane_json(0), "configured"));
	ck_assert(flag(lane_json(1), "configured"));
}
END_TEST

/* --- directives that need a person --- */

struct many {
	unsigned first, n;
	enum delivery_status to;
	const char *action_key, *reason;
};

static int many_run(struct unit *u, void *ctx, struct err *er)
{
	const struct many *m = ctx;

	(void)er;
	for (unsigned i = m->first; i < m->first + m->n; i++) {
		struct directive_row row = rows_directive(outbox_space_id(), i);

		row.action_key = m->action_key;
		row.lane = outbox_lane_id();
		row = rows_add(u, &outbox_world.arena, &row);
		row.reason_class = m->reason;
		row.last_error = "in words";
		rows_move(u, &row, m->to);
	}
	return 0;
}

static void many(unsigned first, unsigned n, enum delivery_status to, const char *key, const char *reason)
{
	struct many m = { first, n, to, key, reason };

	scratch_unit(&outbox_world.disk, many_run, &m);
}

START_TEST(a_few_are_named)
{
	struct troubles t;

	all_is_well();
	many(0, 2, DELIVERY_MANUAL, "system_withdraw_token", REASON_NONCE_CONSUMED);
	many(2, 1, DELIVERY_MANUAL, "rsm_hl_limit_order", REASON_NONCE_CONSUMED);
	t = troubles();
	ck_assert_uint_eq(t.n, 3);
	for (size_t i = 0; i < t.n; i++)
		ck_assert_str_eq(t.v[i].kind, "manual_reconciliation");
	ck_assert_str_eq(t.v[0].directive_id, "d0");
	ck_assert_int_eq(t.v[0].severity, OUTBOX_CRITICAL);
	ck_assert_ptr_nonnull(strstr(t.v[0].what, "in words"));
	ck_assert_str_eq(t.v[2].directive_id, "d2");
	ck_assert_int_eq(t.v[2].severity, OUTBOX_WARNING);
}
END_TEST

START_TEST(many_are_counted)
{
	struct troubles t;

	all_is_well();
	many(0, 1500, DELIVERY_MANUAL, "system_withdraw_token", REASON_NONCE_CONSUMED);
	many(1500, 30, DELIVERY_DEAD_LETTERED, "system_credit_option", REASON_INVALID_ACTION);
	many(1530, 3, DELIVERY_REVERTED, "system_withdraw_token", REASON_EFFECT_REVERTED);
	t = troubles();
	ck_assert_uint_eq(t.n, 1 + 5 + 1 + 5 + 3);
	ck_assert_uint_lt(t.n, OUTBOX_TROUBLES_MAX);
	ck_assert_ptr_nonnull(strstr(t.v[0].what, "1500"));
	ck_assert_ptr_null(t.v[0].directive_id);
	ck_assert_str_eq(t.v[1].directive_id, "d0");
}
END_TEST

/* Failed for its account, or abandoned by a person: it has been decided. */
START_TEST(what_is_decided_is_no_trouble)
{
	all_is_well();
	many(0, 20, DELIVERY_DEAD_LETTERED, "rsm_hl_limit_order", REASON_INVALID_ACTION);
	many(20, 20, DELIVERY_REVERTED, "rsm_hl_limit_order", REASON_EFFECT_REVERTED);
	many(40, 20, DELIVERY_DEAD_LETTERED, "system_withdraw_token", REASON_OPERATOR_ABANDONED);
	ck_assert_uint_eq(troubles().n, 0);
	many(60, 1, DELIVERY_DEAD_LETTERED, "system_withdraw_token", REASON_UNSUPPORTED_ACTION);
	ck_assert_str_eq(the_trouble("directive_dead_lettered")->directive_id, "d60");
}
END_TEST

START_TEST(the_list_has_an_end)
{
	static const char *relayers[60];
	struct troubles t;

	for (size_t i = 0; i < ARRAY_LEN(relayers); i++)
		relayers[i] = arena_printf(&outbox_world.arena, "hd:%zu", i);
	outbox_world.chain.relayers = relayers;
	outbox_world.chain.n_relayers = ARRAY_LEN(relayers);
	outbox_free(outbox_world.ob);
	OK(outbox_new(&outbox_world.opt, &outbox_world.ob, err));
	outbox_set_keys(outbox_world.ob, outbox_world.keys);
	all_is_well();
	for (size_t i = 0; i < ARRAY_LEN(relayers); i++)
		the_chain()->lanes[i]->hold = HOLD_NO_FUNDS;
	t = troubles();
	ck_assert_uint_eq(t.n, OUTBOX_TROUBLES_MAX);
	ck_assert_str_eq(t.v[t.n - 1].kind, "more_troubles");
	ck_assert_ptr_nonnull(strstr(t.v[t.n - 1].what, "21 more"));
}
END_TEST

/* --- all of it --- */

START_TEST(stats_are_all_of_it)
{
	struct outbox_append in = outbox_request("one");
	json_t *j;

	all_is_well();
	OK(outbox_stats_json(outbox_world.ob, &outbox_world.arena, &j, err));
	ck_assert(is_null(j, "oldest_pending_age_ms"));
	outbox_world_append(&in);
	open_some(3);
	clock_set_for_test(OUTBOX_NOW_MS + 2 * MINUTE);
	OK(outbox_stats_json(outbox_world.ob, &outbox_world.arena, &j, err));
	ck_assert_int_eq(num(j, "oldest_pending_age_ms"), 2 * MINUTE);
	ck_assert_int_eq(num(json_object_get(j, "rows_by_status"), "pending"), 1);
	ck_assert_int_eq(num(json_object_get(j, "rows_by_status"), "confirmed"), 0);
	ck_assert_uint_eq(json_object_size(json_object_get(j, "rows_by_status")), DELIVERY_COUNT);
	ck_assert_int_eq(num(json_object_get(j, "open_slots_by_lane"), "1"), 3);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "lanes")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "spaces")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "endpoints")), 1);
}
END_TEST

/* An endpoint's URL may hold a key: only its host is shown. */
START_TEST(an_endpoint_is_shown_without_its_secrets)
{
	const char *endpoint = http_peer_url(outbox_world.node, "/v1/sesame");
	json_t *list;

	outbox_world.chain.urls = &endpoint;
	outbox_free(outbox_world.ob);
	OK(outbox_new(&outbox_world.opt, &outbox_world.ob, err));
	OK(outbox_endpoints_json(outbox_world.ob, &outbox_world.arena, &list, err));
	ck_assert_ptr_null(strstr(json_text(&outbox_world.arena, list), "sesame"));
	ck_assert_int_eq(num(json_array_get(list, 0), "chain_id"), OUTBOX_CHAIN);
	ck_assert_str_eq(str(json_array_get(list, 0), "state"), "new");
	ck_assert(is_null(json_array_get(list, 0), "head") && is_null(json_array_get(list, 0), "last_error"));
}
END_TEST

/* A whole line of /metrics. */
static bool exported(const char *line)
{
	SCOPED(buf) struct buf text = BUF_CAP(1024 * 1024);

	metrics_write(&text);
	return strstr(buf_text(&text), arena_printf(&outbox_world.arena, "\n%s\n", line)) != NULL;
}

START_TEST(gauges_follow_the_store)
{
	struct outbox_append in = outbox_request("one");

	all_is_well();
	outbox_world_append(&in);
	open_some(2);
	clock_set_for_test(OUTBOX_NOW_MS + 2 * MINUTE);
	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET pause_reason = 'nonce_horizon'");
	outbox_refresh_metrics(outbox_world.ob);
	ck_assert(exported("walletd_directive_outbox_rows{delivery_status=\"pending\"} 1"));
	ck_assert(exported("walletd_directive_outbox_rows{delivery_status=\"confirmed\"} 0"));
	ck_assert(exported("walletd_directive_outbox_oldest_pending_age_seconds 120"));
	ck_assert(exported("walletd_relayer_slots_open{lane=\"1\"} 2"));
	ck_assert(exported("walletd_outbox_nonce_horizon_violation{space=\"1\"} 1"));
	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET pause_reason = NULL");
	outbox_refresh_metrics(outbox_world.ob);
	ck_assert(exported("walletd_outbox_nonce_horizon_violation{space=\"1\"} 0"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/show");
	TCase *tc = tcase_create("show");

	tcase_add_checked_fixture(tc, outbox_setup, outbox_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_fresh_one);
	tcase_add_test(tc, a_large_nonce_is_exact);
	tcase_add_test(tc, one_on_its_way);
	tcase_add_test(tc, one_with_a_past);
	tcase_add_test(tc, a_lane_that_is_well);
	tcase_add_test(tc, a_lane_before_the_chain_was_asked);
	tcase_add_test(tc, a_gap_is_what_no_pool_has);
	tcase_add_test(tc, a_stuck_lane_has_one_safe_command);
	tcase_add_test(tc, foreign_transactions_are_told);
	tcase_add_loop_test(tc, a_hold_says_what_helps, 0, (int)ARRAY_LEN(holds));
	tcase_add_test(tc, a_chain_out_of_reach_is_told_once);
	tcase_add_loop_test(tc, a_pause_says_how_it_ends, 0, 5);
	tcase_add_test(tc, a_locked_wallet_is_told_when_something_waits);
	tcase_add_test(tc, what_was_never_unlocked_is_listed);
	tcase_add_test(tc, a_missing_key_file_is_named);
	tcase_add_test(tc, a_space_that_is_gone_with_open_work);
	tcase_add_test(tc, a_lane_that_is_gone_with_open_slots);
	tcase_add_test(tc, a_few_are_named);
	tcase_add_test(tc, many_are_counted);
	tcase_add_test(tc, what_is_decided_is_no_trouble);
	tcase_add_test(tc, the_list_has_an_end);
	tcase_add_test(tc, stats_are_all_of_it);
	tcase_add_test(tc, an_endpoint_is_shown_without_its_secrets);
	tcase_add_test(tc, gauges_follow_the_store);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
