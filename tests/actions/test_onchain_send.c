/* The kind onchain_send: from its parameters into the blocks, and every way in which that can go otherwise. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "tests/support/onchain_world.h"
#include "tests/support/suite.h"

static struct oworld world, *w = &world;
static struct err e, *err = &e;

static void setup(void)
{
	oworld_open(w);
}

static void teardown(void)
{
	oworld_check(w);
	oworld_close(w);
}

static uint64_t number(const json_t *v, const char *name)
{
	ck_assert_msg(json_is_integer(json_object_get(v, name)), "%s", name);
	return (uint64_t)json_integer_value(json_object_get(v, name));
}

static const char *text(const json_t *v, const char *name)
{
	ck_assert_msg(json_is_string(json_object_get(v, name)), "%s", name);
	return json_string_value(json_object_get(v, name));
}

static void is_state(const struct action_id *id, const char *state)
{
	ck_assert_str_eq(oworld_state(w, id), state);
}

#define PAY_40K "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000}"

/* --- the straight way --- */

START_TEST(paid_and_done)
{
	struct action_id id;
	struct txid txid;
	json_t *result;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	is_state(&id, "in_mempool");
	txid = oworld_txid(w, &id);
	ck_assert_int_eq(oworld_place(w, &txid), TX_PENDING);
	oworld_mine_tx(w, &txid);
	oworld_turn(w);
	is_state(&id, "confirming");
	oworld_mine(w, OWORLD_CONFIRMATIONS - 1);
	oworld_turn(w);
	is_state(&id, "done");
	result = oworld_result(w, &id);
	ck_assert_uint_eq(number(result, "amount_sat"), 40000);
	ck_assert_uint_eq(number(result, "height"), 102);
	ck_assert_str_eq(oworld_row(w, &id).funds_moved, "yes");
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 100000 - 40000 - number(result, "fee_sat"));
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 0);
	ck_assert_int_eq(oworld_account(w, ACCOUNT_FEES), (int64_t)number(result, "fee_sat"));
}
END_TEST

START_TEST(what_the_node_gets_is_what_is_stored)
{
	struct action_id id;
	struct txid txid;
	struct tx tx;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	tx = oworld_tx(w, &txid);
	ck_assert_str_eq(fake_bitcoind_taken(w->node), hex_text(&w->arena, tx_bytes(&w->arena, &tx)));
}
END_TEST

START_TEST(killed_between_commit_and_broadcast)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	fake_bitcoind_fault(w->node, &(struct peer_script){ .raw = "", .end = PEER_CLOSE }, 1000);
	id = oworld_start(w, PAY_40K);
	is_state(&id, "broadcasting");
	txid = oworld_txid(w, &id);
	ck_assert_int_eq(oworld_place(w, &txid), TX_STORED);
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 100000);
	fake_bitcoind_fault(w->node, &(struct peer_script){ 0 }, 0);
	oworld_restart(w);
	oworld_turn(w);
	is_state(&id, "in_mempool");
	ck_assert_int_eq(oworld_place(w, &txid), TX_PENDING);
	ck_assert(txid_equal(&txid, &(struct txid[]){ oworld_txid(w, &id) }[0]));
}
END_TEST

/* --- what is drafted --- */

START_TEST(a_dry_run_tells_all_and_keeps_nothing)
{
	json_t *plan, *in;

	oworld_fund(w, 100000);
	plan = oworld_plan(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"feerate\":\"4\"}");
	ck_assert_str_eq(text(plan, "feerate"), "4");
	/* One P2TR input, outputs of P2WPKH and P2TR: 4*10 + 2 + 164 + 66 + 124 + 172 weight units. */
	ck_assert_uint_eq(number(plan, "vsize"), 142);
	ck_assert_uint_eq(number(plan, "fee_sat"), 568);
	ck_assert_uint_eq(number(plan, "amount_sat"), 40000);
	ck_assert_uint_eq(number(plan, "change_sat"), 100000 - 40000 - 568);
	ck_assert_uint_eq(number(plan, "spend_sat"), 40568);
	in = json_array_get(json_object_get(plan, "inputs"), 0);
	ck_assert_uint_eq(number(in, "amount_sat"), 100000);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 100000);
	ck_assert_uint_eq(fake_bitcoind_calls(w->node, "sendrawtransaction"), 0);
}
END_TEST

START_TEST(what_a_dry_run_chose_can_be_had)
{
	json_t *plan, *again, *in;
	const char *params;

	for (unsigned i = 0; i < 8; i++)
		oworld_fund(w, 10000 + 1000 * i);
	plan = oworld_plan(w, PAY_40K);
	in = json_object_get(plan, "inputs");
	json_t *coins = json_array_in(&w->arena), *v;
	size_t i;
	json_array_foreach(in, i, v) json_add(coins, json_object_get(v, "outpoint"));
	params = arena_printf(&w->arena, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"coins\":%s}",
			      json_text(&w->arena, coins));
	again = oworld_plan(w, params);
	ck_assert_uint_eq(number(again, "fee_sat"), number(plan, "fee_sat"));
	ck_assert_uint_eq(json_array_size(json_object_get(again, "inputs")), json_array_size(in));
}
END_TEST

START_TEST(to_many)
{
	struct action_id id;
	struct txid txid;
	struct tx tx;

	oworld_fund(w, 100000);
	id = oworld_start(w, "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":10000},"
			     "{\"address\":\"" OWORLD_PAYEE2 "\",\"amount_sat\":20000}]}");
	txid = oworld_txid(w, &id);
	tx = oworld_tx(w, &txid);
	ck_assert_uint_eq(tx.n_out, 3);
	ck_assert_uint_eq(number(oworld_progress(w, &id), "amount_sat"), 30000);
}
END_TEST

START_TEST(everything)
{
	struct action_id id;
	struct txid txid;
	struct tx tx;
	uint64_t fee;

	oworld_fund(w, 100000);
	oworld_fund(w, 50000);
	oworld_fund(w, 100); /* not worth its fee */
	id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"all\":true,\"feerate\":\"10\"}");
	fee = number(oworld_progress(w, &id), "fee_sat");
	ck_assert_uint_eq(number(oworld_progress(w, &id), "amount_sat"), 150000 - fee);
	txid = oworld_txid(w, &id);
	tx = oworld_tx(w, &txid);
	ck_assert_uint_eq(tx.n_in, 2);
	ck_assert_uint_eq(tx.n_out, 1);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 100);
}
END_TEST

START_TEST(the_receivers_pay_the_fee)
{
	struct action_id id;
	uint64_t fee;

	oworld_fund(w, 100000);
	id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"subtract_fee\":true}");
	fee = number(oworld_progress(w, &id), "fee_sat");
	ck_assert_uint_eq(number(oworld_progress(w, &id), "amount_sat"), 40000 - fee);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 60000);
}
END_TEST

static const struct {
	const char *target, *rate;
} targets[] = { { "fast", "10" }, { "regular", "5" }, { "slow", "2" } };

START_TEST(by_target)
{
	oworld_fund(w, 100000);
	ck_assert_str_eq(text(oworld_plan(w, arena_printf(&w->arena,
							  "{\"address\":\"" OWORLD_PAYEE
							  "\",\"amount_sat\":40000,\"target\":\"%s\"}",
							  targets[_i].target)),
			      "feerate"),
			 targets[_i].rate);
}
END_TEST

START_TEST(confirmed_coins_go_first)
{
	struct action_id first, second;
	struct outpoint coin;
	struct txid txid;
	struct tx tx;

	oworld_fund(w, 100000);
	first = oworld_start(w, PAY_40K);
	coin = oworld_fund(w, 50000);
	second = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &second);
	tx = oworld_tx(w, &txid);
	ck_assert_uint_eq(tx.n_in, 1);
	ck_assert(outpoint_equal(&tx.in[0].prevout, &coin));
	is_state(&first, "in_mempool");
	/* Only the change of the first is left. */
	oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":30000}");
	ck_assert_int_eq(oworld_account(w, ACCOUNT_PENDING), 0);
}
END_TEST

START_TEST(change_waits_where_the_operator_wants_that)
{
	w->policy.onchain.spend_change = false;
	oworld_restart(w);
	oworld_fund(w, 100000);
	oworld_start(w, PAY_40K);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 0);
	ck_assert_uint_gt(oworld_sum(w, UTXO_WAITING), 0);
	oworld_refused(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000}", "insufficient_funds", "amount_sat");
}
END_TEST

START_TEST(change_on_the_chain_for_receiving)
{
	struct action_id id;
	struct script_row row;
	struct txid txid;
	struct tx tx;
	unsigned ours = 0;

	w->policy.onchain.single_chain = true;
	oworld_restart(w);
	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	tx = oworld_tx(w, &txid);
	for (size_t i = 0; i < tx.n_out; i++)
		if (script_store_find(store_view(w->disk.store), &w->arena, tx.out[i].script, &row, err) == 1) {
			ck_assert_int_eq(row.chain, SCRIPT_RECEIVE);
			ours++;
		}
	ck_assert_uint_eq(ours, 1);
}
END_TEST

/* --- what is refused --- */

static const struct {
	const char *params, *kind, *field;
} refusals[] = {
	{ "{\"address\":\"" OWORLD_PAYEE "\"}", "invalid_params", "amount_sat" },
	{ "{\"amount_sat\":1000}", "invalid_params", "address" },
	{ "{\"address\":\"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\",\"amount_sat\":1000}", "wrong_network",
	  "address" },
	{ "{\"address\":\"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081\",\"amount_sat\":1000}", "bad_address",
	  "address" },
	{ "{\"address\":\"hello\",\"amount_sat\":1000}", "bad_address", "address" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":0}", "invalid_params", "amount_sat" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":-5}", "invalid_params", "amount_sat" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1.5}", "invalid_params", "amount_sat" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":2100000000000001}", "invalid_params", "amount_sat" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":293}", "dust", "amount_sat" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":900,\"subtract_fee\":true}", "dust", "amount_sat" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":293}]}", "dust", "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":99000000}]}", "insufficient_funds",
	  "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":900,\"label\":\"x\"}]}", "invalid_params",
	  "outputs" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":100000}", "insufficient_funds", "amount_sat" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"all\":true,\"amount_sat\":1}", "invalid_params", "amount_sat" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"feerate\":\"501\"}", "fee_out_of_range", "feerate" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"feerate\":\"0.01\"}", "fee_out_of_range",
	  "feerate" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"feerate\":\"-1\"}", "fee_out_of_range", "feerate" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"feerate\":\"1\",\"target\":\"slow\"}",
	  "invalid_params", "target" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"target\":\"now\"}", "invalid_params", "target" },
	{ "{\"outputs\":[]}", "invalid_params", "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\"}]}", "invalid_params", "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"memo\":\"x\"}]}", "invalid_params",
	  "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1e3}]}", "invalid_params", "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":0}]}", "invalid_params", "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":-1}]}", "out_of_range", "outputs" },
	{ "{\"outputs\":[{\"address\":\"nobody\",\"amount_sat\":1000}]}", "bad_address", "outputs" },
	{ "{\"outputs\":[7]}", "invalid_params", "outputs" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000}],\"all\":true}", "invalid_params",
	  "all" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000}],\"amount_sat\":1}", "invalid_params",
	  "amount_sat" },
	{ "{\"outputs\":[{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000}],\"address\":\"" OWORLD_PAYEE "\"}",
	  "invalid_params", "outputs" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"coins\":[]}", "invalid_params", "coins" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"coins\":[\"x\"]}", "invalid_params", "coins" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"coins\":["
	  "\"0000000000000000000000000000000000000000000000000000000000000001:0\"]}",
	  "not_found", "coins" },
	{ "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":1000,\"coins\":["
	  "\"0000000000000000000000000000000000000000000000000000000000000001:0\","
	  "\"0000000000000000000000000000000000000000000000000000000000000001:0\"]}",
	  "invalid_params", "coins" },
};

START_TEST(refused)
{
	oworld_fund(w, 100000);
	oworld_refused(w, refusals[_i].params, refusals[_i].kind, refusals[_i].field);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 100000);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	struct action_id id;

	oworld_fund(w, 10000);
	oworld_fund_pending(w, 7000);
	id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":4000,\"feerate\":\"1\",\"psbt\":true}");
	is_state(&id, "awaiting_psbt");
	oworld_fund(w, 5000);
	ck_assert_ptr_nonnull(strstr(oworld_refused(w, PAY_40K, "insufficient_funds", "amount_sat"),
				     "(5000 sat spendable, 7000 pending, 10000 locked)"));
}
END_TEST

/* 100,000 sat in one coin and 20,000 in another, and a fee of some hundreds. */
START_TEST(exits_have_a_reserve)
{
	const char *why;

	oworld_fund(w, 100000);
	oworld_fund(w, 20000);
	w->policy.onchain.exit_reserve = (struct sat){ 80000 };
	oworld_restart(w);
	why = oworld_refused(w, PAY_40K, "insufficient_funds", "amount_sat");
	ck_assert_ptr_nonnull(strstr(why, "80000 sat are kept for exits (exit_reserve_sat)"));
	ck_assert_ptr_nonnull(strstr(why, "it would leave 79"));
	oworld_refused(w, "{\"address\":\"" OWORLD_PAYEE "\",\"all\":true}", "insufficient_funds", "amount_sat");
	oworld_plan(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":38000}"); /* change counts as left */
	oworld_plan(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"use_reserve\":true}");
	oworld_plan(w, "{\"address\":\"" OWORLD_PAYEE "\",\"all\":true,\"use_reserve\":true}");
}
END_TEST

/* Of 60,000 that no block has and 20,000 confirmed, an exit could pay with the latter alone. */
START_TEST(a_reserve_is_of_confirmed_coins)
{
	oworld_fund(w, 100000);
	w->policy.onchain.exit_reserve = (struct sat){ 30000 };
	oworld_restart(w);
	oworld_start(w, PAY_40K);
	oworld_turn(w);
	oworld_fund(w, 20000);
	oworld_refused(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":15000}", "insufficient_funds",
		       "amount_sat");
}
END_TEST

START_TEST(without_an_estimate_only_a_feerate)
{
	fake_bitcoind_error(w->node, "estimatesmartfee", -32603, "no");
	oworld_fund(w, 100000);
	/* A source that never heard of a rate: that of a daemon that has just started. */
	w->no_fees = true;
	oworld_restart(w);
	oworld_refused(w, PAY_40K, "peer_unavailable", "target");
	oworld_plan(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"feerate\":\"3\"}");
}
END_TEST

/* --- nodes that do not answer, or say no --- */

START_TEST(an_unknown_outcome_is_given_again)
{
	struct action_id id;
	const char *first;

	oworld_fund(w, 100000);
	fake_bitcoind_on(w->node, "sendrawtransaction", "\"00\""); /* a lie */
	id = oworld_start(w, PAY_40K);
	is_state(&id, "broadcasting");
	ck_assert_int_eq(oworld_row(w, &id).status, ACTION_UNCERTAIN);
	first = arena_strdup(&w->arena, fake_bitcoind_params(w->node, "sendrawtransaction"));
	oworld_turn(w);
	ck_assert_uint_ge(fake_bitcoind_calls(w->node, "sendrawtransaction"), 2);
	ck_assert_str_eq(fake_bitcoind_params(w->node, "sendrawtransaction"), first);
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 100000);
}
END_TEST

/* What is signed needs no key any more; what is not, does. */
START_TEST(a_locked_wallet_sends_what_is_signed)
{
	struct action_id id;

	oworld_fund(w, 100000);
	fake_bitcoind_on(w->node, "sendrawtransaction", "\"00\""); /* a lie */
	id = oworld_start(w, PAY_40K);
	ck_assert_int_eq(oworld_row(w, &id).status, ACTION_UNCERTAIN);
	executor_set_keys(w->ex, NULL);
	fake_bitcoind_undo(w->node);
	oworld_turn(w);
	is_state(&id, "in_mempool");
	ck_assert_int_eq(oworld_amend(w, &id, "{\"feerate\":\"30\"}", err), -1);
	ck_assert_str_eq(oworld_cancel(w, &id), "wallet_locked");
	oworld_mine_tx(w, &(struct txid[]){ oworld_txid(w, &id) }[0]);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
	executor_set_keys(w->ex, w->keys);
}
END_TEST

static const struct {
	int code;
	const char *words, *kind;
} noes[] = {
	{ -26, "min relay fee not met, 100 < 1000", "fee_out_of_range" },
	{ -26, "txn-mempool-conflict", "double_spent" },
	{ -25, "bad-txns-inputs-missingorspent", "double_spent" },
	{ -26, "too-long-mempool-chain", "peer_rejected" },
	{ -26, "mempool-script-verify-flag-failed", "peer_rejected" },
	{ -25, "Fee exceeds maximum configured by user", "fee_out_of_range" },
};

START_TEST(a_no_ends_nothing)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	fake_bitcoind_error(w->node, "sendrawtransaction", noes[_i].code, noes[_i].words);
	id = oworld_start(w, PAY_40K);
	is_state(&id, "broadcasting");
	ck_assert_str_eq(oworld_row(w, &id).error_kind, noes[_i].kind);
	txid = oworld_txid(w, &id);
	ck_assert_int_eq(oworld_place(w, &txid), TX_STORED);
	/* It may be in a block all the same. */
	oworld_mine_tx(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
}
END_TEST

START_TEST(what_no_node_has_is_given_up)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	fake_bitcoind_error(w->node, "sendrawtransaction", -26, "min relay fee not met, 100 < 1000");
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	ck_assert_ptr_null(oworld_cancel(w, &id));
	is_state(&id, "cancelled");
	ck_assert_str_eq(oworld_row(w, &id).funds_moved, "no");
	ck_assert_int_eq(oworld_place(w, &txid), TX_OUT);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 100000);
}
END_TEST

/* A no that was none: what is seen in a mempool or a block is not given up. */
START_TEST(what_was_seen_is_not_given_up)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	fake_bitcoind_error(w->node, "sendrawtransaction", -26, "min relay fee not met, 100 < 1000");
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	oworld_mine_tx(w, &txid);
	ck_assert_str_eq(oworld_cancel(w, &id), "not_cancellable");
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
}
END_TEST

START_TEST(given_again_when_it_is_time)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	oworld_turn(w);
	ck_assert_uint_eq(fake_bitcoind_calls(w->node, "sendrawtransaction"), 1);
	clock_set_for_test(OWORLD_NOW_MS + 600000);
	oworld_turn(w);
	ck_assert_uint_eq(fake_bitcoind_calls(w->node, "sendrawtransaction"), 2);
	is_state(&id, "in_mempool");
	ck_assert_int_eq(oworld_place(w, &txid), TX_PENDING);
}
END_TEST

static int drop(struct unit *u, void *ctx, struct err *er)
{
	return tx_store_drop(u, ctx, NULL, OWORLD_NOW_MS, er);
}

START_TEST(evicted_and_given_again)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	scratch_unit(&w->disk, drop, &txid);
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 100000);
	oworld_turn(w);
	ck_assert_uint_eq(fake_bitcoind_calls(w->node, "sendrawtransaction"), 1); /* it may have been under way */
	clock_set_for_test(OWORLD_NOW_MS + 30000);
	oworld_turn(w);
	ck_assert_uint_eq(fake_bitcoind_calls(w->node, "sendrawtransaction"), 2);
	ck_assert_int_eq(oworld_place(w, &txid), TX_PENDING);
}
END_TEST

/* --- bump --- */

static struct txid bump(const struct action_id *id, const char *feerate)
{
	OK(oworld_amend(w, id, arena_printf(&w->arena, "{\"feerate\":\"%s\"}", feerate), err));
	return oworld_txid(w, id);
}

START_TEST(bumped_and_mined)
{
	struct action_id id;
	struct txid first, second;
	uint64_t fee;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	first = oworld_txid(w, &id);
	second = bump(&id, "20");
	is_state(&id, "in_mempool");
	ck_assert(!txid_equal(&first, &second));
	ck_assert_int_eq(oworld_place(w, &first), TX_OUT);
	ck_assert_int_eq(oworld_place(w, &second), TX_PENDING);
	fee = number(oworld_progress(w, &id), "fee_sat");
	ck_assert_uint_eq(fee, 142 * 20);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 60000 - fee);
	oworld_mine_tx(w, &second);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
	ck_assert_uint_eq(number(oworld_result(w, &id), "fee_sat"), fee);
}
END_TEST

START_TEST(bumped_and_the_first_is_mined)
{
	struct action_id id;
	struct txid first;
	uint64_t fee;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	first = oworld_txid(w, &id);
	fee = number(oworld_progress(w, &id), "fee_sat");
	bump(&id, "20");
	oworld_mine_tx(w, &first);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
	ck_assert_uint_eq(number(oworld_result(w, &id), "fee_sat"), fee);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 60000 - fee);
}
END_TEST

START_TEST(a_bump_outbids_whatever_was_asked_for)
{
	struct action_id id;
	uint64_t before;

	oworld_fund(w, 100000);
	id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"feerate\":\"5\"}");
	before = number(oworld_progress(w, &id), "fee_sat");
	bump(&id, "1"); /* less than it pays already */
	ck_assert_uint_ge(number(oworld_progress(w, &id), "fee_sat"), before + 142);
}
END_TEST

START_TEST(a_bump_takes_another_coin_where_it_must)
{
	struct action_id id;
	struct txid txid;
	struct tx tx;

	oworld_fund(w, 41000);
	id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"feerate\":\"2\"}");
	oworld_fund(w, 50000);
	txid = bump(&id, "50");
	tx = oworld_tx(w, &txid);
	ck_assert_uint_eq(tx.n_in, 2);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 91000 - 40000 - number(oworld_progress(w, &id), "fee_sat"));
}
END_TEST

START_TEST(a_refused_bump_is_taken_back)
{
	struct action_id id;
	struct txid first;
	uint64_t change;

	oworld_fund(w, 41000);
	id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"feerate\":\"2\"}");
	first = oworld_txid(w, &id);
	change = oworld_sum(w, UTXO_SPENDABLE);
	oworld_fund(w, 50000);
	fake_bitcoind_error(w->node, "sendrawtransaction", -26, "insufficient fee, rejecting replacement");
	bump(&id, "50");
	is_state(&id, "in_mempool");
	ck_assert_str_eq(oworld_row(w, &id).error_kind, "double_spent");
	ck_assert(txid_equal(&first, &(struct txid[]){ oworld_txid(w, &id) }[0]));
	ck_assert_int_eq(oworld_place(w, &first), TX_PENDING);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 50000 + change); /* the other coin is free again */
	fake_bitcoind_undo(w->node);
	bump(&id, "60");
	ck_assert_int_eq(oworld_place(w, &first), TX_OUT);
}
END_TEST

/* The node said no, and had it all the same. */
START_TEST(a_bump_that_was_taken_back_and_is_mined)
{
	struct action_id id;
	struct txid first, bumped;
	uint64_t fee;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	oworld_turn(w);
	first = oworld_txid(w, &id);
	fake_bitcoind_error(w->node, "sendrawtransaction", -26, "insufficient fee, rejecting replacement");
	OK(oworld_amend(w, &id, "{\"feerate\":\"50\"}", err));
	bumped = oworld_txid(w, &id);
	fee = number(oworld_progress(w, &id), "fee_sat");
	oworld_turn(w);
	ck_assert(txid_equal(&first, &(struct txid[]){ oworld_txid(w, &id) }[0]));
	oworld_mine_tx(w, &bumped);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
	ck_assert_uint_eq(number(oworld_result(w, &id), "fee_sat"), fee);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 60000 - fee);
}
END_TEST

START_TEST(a_bump_of_everything_lowers_what_arrives)
{
	struct action_id id;
	uint64_t fee;

	oworld_fund(w, 100000);
	id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"all\":true}");
	oworld_fund(w, 70000);
	bump(&id, "30");
	fee = number(oworld_progress(w, &id), "fee_sat");
	ck_assert_uint_eq(number(oworld_progress(w, &id), "amount_sat"), 100000 - fee);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 70000);
}
END_TEST

START_TEST(what_others_build_on_is_not_bumped)
{
	struct action_id first, second;

	oworld_fund(w, 100000);
	first = oworld_start(w, PAY_40K);
	second = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":30000}");
	FAILS(oworld_amend(w, &first, "{\"feerate\":\"30\"}", err), ERR_ILLEGAL_STATE);
	ck_assert_str_eq(oworld_cancel(w, &first), "not_cancellable");
	bump(&second, "30");
}
END_TEST

START_TEST(bump_refuses)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	FAILS(oworld_amend(w, &id, "{\"feerate\":\"900\"}", err), ERR_FEE);
	FAILS(oworld_amend(w, &id, "{\"psbt\":\"cHNidP8=\"}", err), ERR_ILLEGAL_STATE);
	FAILS(oworld_amend(w, &id, "{\"feerates\":\"9\"}", err), ERR_PARAM);
	txid = oworld_txid(w, &id);
	oworld_mine_tx(w, &txid);
	FAILS(oworld_amend(w, &id, "{\"feerate\":\"30\"}", err), ERR_ILLEGAL_STATE);
	ck_assert_str_eq(oworld_cancel(w, &id), "not_cancellable");
}
END_TEST

/* --- cancel --- */

START_TEST(cancelled_by_a_replacement)
{
	struct action_id id;
	struct txid first, back;
	uint64_t fee;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	first = oworld_txid(w, &id);
	ck_assert_ptr_null(oworld_cancel(w, &id));
	is_state(&id, "in_mempool");
	back = oworld_txid(w, &id);
	ck_assert_int_eq(oworld_place(w, &first), TX_OUT);
	ck_assert(json_is_true(json_object_get(oworld_progress(w, &id), "cancelling")));
	ck_assert_str_eq(oworld_cancel(w, &id), "not_cancellable");
	oworld_mine_tx(w, &back);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "cancelled");
	ck_assert_str_eq(oworld_row(w, &id).funds_moved, "yes");
	fee = number(oworld_result(w, &id), "fee_sat");
	ck_assert_uint_eq(number(oworld_result(w, &id), "amount_sat"), 0);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 100000 - fee);
	ck_assert_int_eq(oworld_account(w, ACCOUNT_FEES), (int64_t)fee);
}
END_TEST

START_TEST(cancelled_too_late)
{
	struct action_id id;
	struct txid first;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	first = oworld_txid(w, &id);
	ck_assert_ptr_null(oworld_cancel(w, &id));
	oworld_mine_tx(w, &first);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
	ck_assert_uint_eq(number(oworld_result(w, &id), "amount_sat"), 40000);
}
END_TEST

START_TEST(a_bumped_one_is_cancelled)
{
	const char *story;
	struct action_row row;
	struct action_id id;
	struct txid bumped;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	bumped = bump(&id, "50");
	ck_assert_ptr_null(oworld_cancel(w, &id));
	ck_assert_int_eq(oworld_place(w, &bumped), TX_OUT);
	ck_assert_uint_ge(number(oworld_progress(w, &id), "fee_sat"), 142 * 50);
	bump(&id, "90"); /* the way back may be slow too */
	ck_assert(json_is_true(json_object_get(oworld_progress(w, &id), "cancelling")));
	/* It cannot be called back twice, and is not told to be. */
	row = oworld_row(w, &id);
	story = executor_explain(w->ex, &w->arena, &row);
	ck_assert_msg(strstr(story, "It was replaced 3 times, at last by ") == story, "%s", story);
	ck_assert_msg(strstr(story, "for the way back") && !strstr(story, "action.cancel"), "%s", story);
}
END_TEST

/* --- blocks that go --- */

START_TEST(reorganised_while_confirming)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	oworld_mine_tx(w, &txid);
	oworld_mine(w, 1);
	oworld_turn(w);
	is_state(&id, "confirming");
	oworld_reorg(w, 2);
	clock_set_for_test(OWORLD_NOW_MS + 600000);
	oworld_turn(w);
	is_state(&id, "in_mempool");
	ck_assert_uint_eq(fake_bitcoind_calls(w->node, "sendrawtransaction"), 2);
	oworld_mine_tx(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS - 1);
	oworld_turn(w);
	is_state(&id, "done");
}
END_TEST

START_TEST(reorganised_to_the_other_version)
{
	struct action_id id;
	struct txid first, second;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	first = oworld_txid(w, &id);
	second = bump(&id, "20");
	oworld_mine_tx(w, &second);
	oworld_turn(w);
	is_state(&id, "confirming");
	oworld_reorg(w, 1);
	oworld_mine_tx(w, &first);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
	ck_assert(txid_equal(&first, &(struct txid[]){ oworld_txid(w, &id) }[0]));
}
END_TEST

/* --- somebody else with the same words --- */

START_TEST(double_spent)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	oworld_double_spend(w, &txid);
	oworld_turn(w);
	is_state(&id, "in_mempool");
	ck_assert_str_eq(oworld_row(w, &id).error_kind, "double_spent");
	ck_assert_str_eq(oworld_cancel(w, &id), "not_cancellable");
	FAILS(oworld_amend(w, &id, "{\"feerate\":\"30\"}", err), ERR_ILLEGAL_STATE);
	oworld_mine(w, OWORLD_CONFIRMATIONS - 1);
	oworld_turn(w);
	is_state(&id, "failed");
	ck_assert_str_eq(oworld_row(w, &id).error_kind, "double_spent");
	ck_assert_str_eq(oworld_row(w, &id).funds_moved, "no");
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 0);
}
END_TEST

START_TEST(double_spent_and_rescued_by_a_reorganisation)
{
	struct action_id id;
	struct txid txid;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	oworld_double_spend(w, &txid);
	oworld_turn(w);
	oworld_reorg(w, 1);
	oworld_mine_tx(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
}
END_TEST

START_TEST(lost_with_what_it_was_built_on)
{
	struct action_id first, second;
	struct txid txid;

	oworld_fund(w, 100000);
	first = oworld_start(w, PAY_40K);
	second = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":30000}");
	txid = oworld_txid(w, &first);
	oworld_double_spend(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS - 1);
	oworld_turn(w);
	is_state(&first, "failed");
	is_state(&second, "failed");
	ck_assert_str_eq(oworld_row(w, &second).error_kind, "double_spent");
}
END_TEST

/* What paid us was mined, and then a block had another in its place, of which nothing is ours. */
START_TEST(lost_with_a_strangers_coin)
{
	struct outpoint came;
	struct action_id id;
	struct txid txid;

	came = oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	oworld_reorg(w, 1);
	oworld_double_spend(w, &came.txid);
	oworld_turn(w);
	ck_assert_int_eq(oworld_place(w, &came.txid), TX_OUT);
	ck_assert_int_eq(oworld_place(w, &txid), TX_OUT);
	ck_assert_str_eq(oworld_row(w, &id).error_kind, "double_spent");
	ck_assert_str_eq(oworld_cancel(w, &id), "not_cancellable");
	oworld_mine(w, OWORLD_CONFIRMATIONS - 1);
	oworld_turn(w);
	is_state(&id, "failed");
	ck_assert_str_eq(oworld_row(w, &id).error_kind, "double_spent");
	ck_assert_str_eq(oworld_row(w, &id).funds_moved, "no");
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 0);
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 0);
}
END_TEST

/* As that, but the other goes again before it is deep. */
START_TEST(a_strangers_coin_that_comes_back)
{
	struct outpoint came;
	struct action_id id;
	struct txid txid;

	came = oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	txid = oworld_txid(w, &id);
	oworld_reorg(w, 1);
	oworld_double_spend(w, &came.txid);
	oworld_turn(w);
	oworld_reorg(w, 1);
	oworld_mine_tx(w, &came.txid);
	oworld_mine_tx(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	is_state(&id, "done");
}
END_TEST

/* --- what is told of it --- */

START_TEST(each_state_is_explained)
{
	struct action_row row;
	struct action_id id;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY_40K);
	row = oworld_row(w, &id);
	for (row.state = 1; row.state <= 4; row.state++)
		ck_assert_uint_gt(strlen(executor_explain(w->ex, &w->arena, &row)), 20);
	row.checkpoint = "{\"versions\":[],\"trying\":false,\"given_at_ms\":0}";
	ck_assert_str_eq(executor_explain(w->ex, &w->arena, &row), "");
	row.checkpoint = "{\"versions\":[{\"txid\":\"00\",\"kind\":\"send\",\"maybe_out\":false,\"fee_sat\":1,"
			 "\"amount_sat\":1}],\"trying\":false,\"given_at_ms\":0}";
	ck_assert_str_eq(executor_explain(w->ex, &w->arena, &row), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/onchain_send");
	TCase *tc = tcase_create("in one world");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, paid_and_done);
	tcase_add_test(tc, what_the_node_gets_is_what_is_stored);
	tcase_add_test(tc, killed_between_commit_and_broadcast);
	tcase_add_test(tc, a_dry_run_tells_all_and_keeps_nothing);
	tcase_add_test(tc, what_a_dry_run_chose_can_be_had);
	tcase_add_test(tc, to_many);
	tcase_add_test(tc, everything);
	tcase_add_test(tc, the_receivers_pay_the_fee);
	tcase_add_loop_test(tc, by_target, 0, (int)ARRAY_LEN(targets));
	tcase_add_test(tc, confirmed_coins_go_first);
	tcase_add_test(tc, change_waits_where_the_operator_wants_that);
	tcase_add_test(tc, change_on_the_chain_for_receiving);
	tcase_add_loop_test(tc, refused, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(tc, what_is_missing_is_said);
	tcase_add_test(tc, exits_have_a_reserve);
	tcase_add_test(tc, a_reserve_is_of_confirmed_coins);
	tcase_add_test(tc, without_an_estimate_only_a_feerate);
	tcase_add_test(tc, a_locked_wallet_sends_what_is_signed);
	tcase_add_test(tc, an_unknown_outcome_is_given_again);
	tcase_add_loop_test(tc, a_no_ends_nothing, 0, (int)ARRAY_LEN(noes));
	tcase_add_test(tc, what_no_node_has_is_given_up);
	tcase_add_test(tc, what_was_seen_is_not_given_up);
	tcase_add_test(tc, given_again_when_it_is_time);
	tcase_add_test(tc, evicted_and_given_again);
	tcase_add_test(tc, bumped_and_mined);
	tcase_add_test(tc, bumped_and_the_first_is_mined);
	tcase_add_test(tc, a_bump_outbids_whatever_was_asked_for);
	tcase_add_test(tc, a_bump_takes_another_coin_where_it_must);
	tcase_add_test(tc, a_refused_bump_is_taken_back);
	tcase_add_test(tc, a_bump_that_was_taken_back_and_is_mined);
	tcase_add_test(tc, a_bump_of_everything_lowers_what_arrives);
	tcase_add_test(tc, what_others_build_on_is_not_bumped);
	tcase_add_test(tc, bump_refuses);
	tcase_add_test(tc, cancelled_by_a_replacement);
	tcase_add_test(tc, cancelled_too_late);
	tcase_add_test(tc, a_bumped_one_is_cancelled);
	tcase_add_test(tc, reorganised_while_confirming);
	tcase_add_test(tc, reorganised_to_the_other_version);
	tcase_add_test(tc, double_spent);
	tcase_add_test(tc, double_spent_and_rescued_by_a_reorganisation);
	tcase_add_test(tc, lost_with_what_it_was_built_on);
	tcase_add_test(tc, lost_with_a_strangers_coin);
	tcase_add_test(tc, a_strangers_coin_that_comes_back);
	tcase_add_test(tc, each_state_is_explained);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
