/* Exits from their start until they can be claimed, over the real follower, stores and chain source, and a model of a node:
 * the scenarios of spec/exit.md 9 that need no script to be run. */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "exit/child.h"
#include "exit/claim.h"
#include "exit/pay.h"
#include "rails/bitcoin/policy.h"
#include "tests/support/exit_world.h"
#include "tests/support/suite.h"

static struct err failure, *err = &failure;

static int cancel_unit(struct unit *u, void *ctx, struct err *e)
{
	return exit_cancel(u, &fw.arena, ctx, 1000, e);
}

/* --- scenarios --- */

/* 9.1 */
START_TEST(a_board_comes_on_chain)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct exit_child_row child;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc Pa");
	child = exit_world_child_of(id, 0);
	ck_assert_uint_eq(sat_value(child.fee), 1382);
	ck_assert_uint_eq(child.weight.v, 609);
	ck_assert(child.status == CHILD_SENT && model_node_has(fw.node, &child.txid));
	ck_assert_uint_eq(exit_world_coins(UTXO_WAITING), 100000 - 1382);
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D");
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITING);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 100000 - 1382);
	exit_world_mine(EXIT_WORLD_DELTA - 1);
	exit_world_expect(id, "S Pv Pc Pa D");
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D K");
	ck_assert(exit_world_row_of(id).live);
	exit_world_check_books();
}
END_TEST

/* 9.2: what one coin pays for comes block by block. */
START_TEST(each_transaction_waits_for_the_one_before_it)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 1);
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_expect(id, "S Pvvv Pcii Paii");
	for (size_t i = 0; i < 3; i++) {
		struct exit_child_row child = exit_world_child_of(id, i), before;
		struct tx tx;

		OK(tx_decode(&fw.arena, child.raw, &tx, err));
		ck_assert_uint_eq(tx.n_in, 2);
		if (i > 0) { /* with the change of the one before */
			before = exit_world_child_of(id, i - 1);
			ck_assert(txid_equal(&tx.in[1].prevout.txid, &before.txid));
		}
		exit_world_mine(1);
	}
	exit_world_expect(id, "S Pvvv Pcii Paii PCci PCai PCCc PCCa D");
	exit_world_check_books();
}
END_TEST

/* 9.3 */
START_TEST(two_share_what_they_have_in_common)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0), sibling;
	const struct secret user = exit_world_key_of(0);
	int64_t a, b;

	exit_world_fund(0, 100000);
	OK(ark_make_chain(&xw.maker, &v, &user, 1, true, &sibling, err));
	exit_world_import(&sibling);
	a = exit_world_start(&v);
	b = exit_world_start(&sibling);
	exit_world_settle();
	exit_world_expect(a, "S Pv Pc Pa");
	exit_world_expect(b, "S Pvvv Paii"); /* what the first one has made pays for both */
	ck_assert_int_eq(exit_world_tx_of(a, 0).id, exit_world_tx_of(b, 0).id);
	ck_assert_uint_eq(exit_world_tx_of(a, 0).refs, 2);
	ck_assert_uint_eq(exit_world_coins(UTXO_WAITING), 100000 - 1382); /* paid once */
	exit_world_check_books();
}
END_TEST

/* 9.18: blocks are still to be read in which there may be everything. */
START_TEST(nothing_is_decided_before_the_chain_is_known)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_lost = true;
	follower_world_mine();
	follower_world_follow();
	exits_run(xw.exits);
	follower_world_run_for(50);
	exit_world_expect(id, "S Pv Pc Pa");
	exit_world_lost = false;
	exits_kick(xw.exits); /* as it is told */
	exit_world_drain();
	exit_world_expect(id, "S Pv Pc Pa D");
	exit_world_check_books();
}
END_TEST

/* 9.4 */
START_TEST(without_money_it_waits)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id = exit_world_start(&v);

	exit_world_settle();
	exit_world_expect(id, "S Pv Pc");
	ck_assert_str_eq(exit_world_row_of(id).error,
			 "{\"type\":\"insufficient-confirmed-funds\",\"needed\":1712,\"available\":0}");
	follower_world_receive(SCRIPT_RECEIVE, 0, 5000);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc");                          /* no block has it yet */
	ck_assert_uint_eq(exit_world_told("exit.needs_funds"), 1); /* however often it was looked at */
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa");
	ck_assert_ptr_null(exit_world_row_of(id).error);
	exit_world_check_books();
}
END_TEST

static const struct feerate *claim_rate = &exit_world_five;
static struct exit_claim_row claimed;
static bool claim_replaces;

static int claim_unit(struct unit *u, void *ctx, struct err *e)
{
	const struct vtxo *v = ctx;
	const struct claim_order o = { .vtxos = v ? &v->point : NULL,
				       .n = v ? 1 : 0,
				       .rate = *claim_rate,
				       .incremental = { 250 },
				       .replace = claim_replaces,
				       .keys = xw.keys };

	return exit_claim(u, &fw.arena, &o, 1000, &claimed, e);
}

/* 9.28: the figure of 4.2, a claim to ourselves, and the books at its end. */
START_TEST(what_is_on_chain_is_claimed)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct tx_row row;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_mine(1);
	ck_assert_int_eq(store_unit_now(fw.scratch.store, claim_unit, &v, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_ILLEGAL_STATE));
	exit_world_mine(EXIT_WORLD_DELTA);
	follower_world_unit(claim_unit, NULL);
	ck_assert_uint_eq(claimed.weight.v, 516);
	ck_assert_uint_eq(sat_value(claimed.fee), 645);
	ck_assert_int_eq(store_unit_now(fw.scratch.store, claim_unit, &v, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_CONFLICT));
	exits_claims_kick(xw.exits);
	exit_world_drain();
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc Pa D K I");
	ck_assert(model_node_has(fw.node, &claimed.txid));
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D K I F");
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITED);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 100000 - 1382 + 50000 - 645);
	exit_world_check_books();
	exit_world_mine(4);
	ck_assert(exit_world_row_of(id).live);
	exit_world_mine(1);
	ck_assert(!exit_world_row_of(id).live);
	ck_assert_int_eq(tx_store_find(exit_world_now(), &fw.arena, &claimed.txid, &row, err), 1);
	ck_assert_int_eq(row.place, TX_CONFIRMED);
	exit_world_check_books();
}
END_TEST

/* Of a fee that is more than the smallest is worth, each pays its part. */
START_TEST(a_small_one_among_others)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0), small = exit_world_make_vtxo(400, 0, 0);
	int64_t id, other;

	exit_world_fund(0, 100000);
	exit_world_fund(1, 100000);
	id = exit_world_start(&v);
	other = exit_world_start(&small);
	exit_world_settle();
	exit_world_mine(1);
	exit_world_mine(EXIT_WORLD_DELTA);
	follower_world_unit(claim_unit, NULL);
	ck_assert_uint_eq(sat_value(claimed.fee), 1023);
	exits_claims_kick(xw.exits);
	exit_world_drain();
	exit_world_settle();
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D K I F");
	exit_world_expect(other, "S Pv Pc Pa D K I F");
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 200000 - 2 * 1382 + 50400 - 1023);
	exit_world_check_books();
}
END_TEST

START_TEST(a_claim_is_replaced_and_its_block_goes)
{
	static const struct feerate ten = { 2500 };
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct txid first;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_mine(1);
	exit_world_mine(EXIT_WORLD_DELTA);
	follower_world_unit(claim_unit, &v);
	first = claimed.txid;
	exits_claims_kick(xw.exits);
	exit_world_drain();
	exit_world_settle();
	claim_rate = &ten;
	claim_replaces = true;
	follower_world_unit(claim_unit, &v);
	ck_assert_uint_eq(sat_value(claimed.fee), 1290);
	exits_claims_kick(xw.exits);
	exit_world_drain();
	exit_world_settle();
	ck_assert(!model_node_has(fw.node, &first) && model_node_has(fw.node, &claimed.txid));
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIMED);
	exit_world_check_books();
	model_node_rewind(fw.node, 1);
	model_node_mine_empty(fw.node, 2);
	exit_world_settle();
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITING);
	exit_world_check_books();
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITED);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 100000 - 1382 + 50000 - 1290);
	exit_world_check_books();
	claim_rate = &exit_world_five;
	claim_replaces = false;
}
END_TEST

/* 9.27 */
START_TEST(an_anchor_of_value_pays_for_itself)
{
	struct vtxo v = exit_world_make_vtxo(50000, 10000, 0);
	int64_t id = exit_world_start(&v);

	exit_world_settle();
	exit_world_expect(id, "S Pv Pc Pa");
	ck_assert_uint_eq(exit_world_child_of(id, 0).weight.v, 376);
	exit_world_mine(1);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 10000 - sat_value(exit_world_child_of(id, 0).fee));
	exit_world_check_books();
}
END_TEST

/* A locked wallet follows its exits, and sends again what is signed. */
START_TEST(a_locked_wallet_sends_what_is_signed)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct exit_child_row child;
	struct exit_tx_row parent;
	int64_t id;

	exit_world_fund(0, 100000);
	exits_set_keys(xw.exits, NULL);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc");
	ck_assert_str_eq(exit_world_row_of(id).error, "{\"type\":\"wallet-locked\"}");
	exits_set_keys(xw.exits, xw.keys);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc Pa");
	exits_set_keys(xw.exits, NULL);
	child = exit_world_child_of(id, 0);
	parent = exit_world_tx_of(id, 0);
	model_node_evict(fw.node, &parent.txid); /* 9.19 */
	ck_assert(!model_node_has(fw.node, &child.txid));
	follower_world_follow_twice();
	clock_pass_for_test(5000); /* a node that took it lately is not asked at once */
	exit_world_settle();
	ck_assert(model_node_has(fw.node, &child.txid));
	exit_world_settle();
	ck_assert_int_eq(exit_world_tx_of(id, 0).place, EXIT_TX_MEMPOOL); /* seen again, and so not sent once more */
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D");
	exit_world_check_books();
}
END_TEST

/* 9.13: at any moment a new process goes on where the last one ended. */
START_TEST(restarts_change_nothing)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 1);
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_restart();
	exit_world_settle();
	exit_world_restart();
	exit_world_settle();
	for (unsigned i = 0; i < 3; i++) {
		follower_world_mine();
		exit_world_restart();
		exit_world_settle();
		exit_world_restart();
		exit_world_settle();
	}
	exit_world_expect(id, "S Pvvv Pcii Paii PCci PCai PCCc PCCa D");
	exit_world_check_books();
}
END_TEST

/* 9.10, 9.12 */
START_TEST(somebody_else_pays)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct exit_tx_row tx;
	struct outpoint anchor;
	struct exit_child_row ours;
	struct tx theirs;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	ours = exit_world_child_of(id, 0);
	tx = exit_world_tx_of(id, 0);
	anchor = (struct outpoint){ tx.txid, tx.anchor_vout };
	theirs = follower_world_tx(&anchor, 1, &(struct pays){ { 0 }, 0 }, 1);
	model_node_offer(fw.node, &theirs); /* in the place of ours */
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D");
	ck_assert(!model_node_has(fw.node, &ours.txid));
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE),
			  100000); /* ours is free again, and its change is not ours */
	exit_world_check_books();
}
END_TEST

/* The child that was written down of this txid. */
static void child_is(int64_t id, const struct txid *txid, enum child_origin origin, bool confirmed, bool active)
{
	struct exit_tx_row row = exit_world_tx_of(id, 0);
	struct exit_child_row *rows;
	struct txid of;
	struct tx tx;
	size_t n, k = 0;

	OK(exit_child_store_list(exit_world_now(), &fw.arena, row.id, &rows, &n, err));
	while (k < n && !txid_equal(&rows[k].txid, txid))
		k++;
	ck_assert_uint_lt(k, n);
	ck_assert_str_eq(child_origin_name(rows[k].origin), child_origin_name(origin));
	ck_assert_msg(rows[k].status == CHILD_SENT && rows[k].confirmed == confirmed && rows[k].active == active,
		      "a child of %s: status %d, confirmed %d, active %d", child_origin_name(origin), rows[k].status,
		      rows[k].confirmed, rows[k].active);
	OK(tx_decode(&fw.arena, rows[k].raw, &tx, err));
	of = tx_txid(&tx);
	ck_assert(txid_equal(&of, txid));
}

/* 3.3: who pays is written down, whoever it is, and stays so through restarts; what nobody has any more pays no longer. */
START_TEST(a_stranger_is_remembered)
{
	static const uint8_t script[34] = { 0x51, 0x20, 3 };
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct tx coin = follower_world_tx(NULL, 0, &(struct pays){ { script, sizeof(script) }, 60000 }, 1), theirs;
	struct outpoint in[2] = { { .vout = 0 }, { model_node_offer(fw.node, &coin), 0 } };
	struct exit_child_row ours;
	struct exit_tx_row tx;
	struct txid txid;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	ours = exit_world_child_of(id, 0);
	tx = exit_world_tx_of(id, 0);
	in[0] = (struct outpoint){ tx.txid, tx.anchor_vout };
	theirs = follower_world_tx(in, 2, &(struct pays){ { script, sizeof(script) }, 50000 }, 1);
	txid = model_node_offer(fw.node, &theirs);
	exit_world_settle();
	child_is(id, &txid, CHILD_MEMPOOL, false, true);
	exit_world_mine(1);
	child_is(id, &txid, CHILD_BLOCK, true, true);
	exit_world_restart();
	exit_world_settle();
	child_is(id, &txid, CHILD_BLOCK, true, true);
	model_node_rewind(fw.node, 1);
	model_node_mine_empty(fw.node, 2);
	exit_world_settle();
	child_is(id, &txid, CHILD_MEMPOOL, false, true);
	model_node_evict(fw.node, &txid);
	follower_world_follow_twice();
	exit_world_settle();
	child_is(id, &ours.txid, CHILD_WALLET, false, true); /* made again: nobody else pays */
	exit_world_mine(1);
	child_is(id, &ours.txid, CHILD_WALLET, true, true);
	exit_world_check_books();
}
END_TEST

/* A stranger's transaction pays for the first one, so much of a coin of his own; nobody here has paid yet. */
static struct txid offer_theirs(int64_t id, uint64_t fee)
{
	static const uint8_t script[34] = { 0x51, 0x20, 3 };
	struct exit_tx_row row = exit_world_tx_of(id, 0);
	struct tx coin = follower_world_tx(NULL, 0, &(struct pays){ { script, sizeof(script) }, 60000 }, 1), parent,
		  child;
	struct outpoint in[2] = { { row.txid, row.anchor_vout }, { model_node_offer(fw.node, &coin), 0 } };

	follower_world_mine();
	OK(tx_decode(&fw.arena, row.raw, &parent, err));
	child = follower_world_tx(in, 2, &(struct pays){ { script, sizeof(script) }, 60000 - fee }, 1);
	model_node_offer(fw.node, &parent);
	return model_node_offer(fw.node, &child);
}

static const struct {
	uint64_t fee;
	bool enough; /* at five sat/vB for both */
} strangers[] = { { 5000, true }, { 200, false } };

/* 9.10, 9.11: what a stranger pays is looked up; it is enough, or one of ours takes its place. */
START_TEST(a_stranger_pays)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct txid theirs, by;
	struct outpoint anchor;
	struct exit_tx_row row;
	int64_t id;

	exit_world_fund(0, 100000);
	exits_set_keys(xw.exits, NULL);
	id = exit_world_start(&v);
	theirs = offer_theirs(id, strangers[_i].fee);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pa");
	exits_set_keys(xw.exits, xw.keys);
	exit_world_settle();
	ck_assert_uint_gt(model_node_asked(fw.node, "getmempoolentry"), 0);
	row = exit_world_tx_of(id, 0);
	anchor = (struct outpoint){ row.txid, row.anchor_vout };
	ck_assert(model_node_spender(fw.node, &anchor, &by));
	ck_assert(txid_equal(&by, &theirs) == strangers[_i].enough);
	if (strangers[_i].enough) {
		child_is(id, &theirs, CHILD_MEMPOOL, false, true);
		ck_assert_uint_eq(sat_value(exit_world_child_of(id, 0).fee), strangers[_i].fee);
	}
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), strangers[_i].enough ? 100000 : 0);
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	exit_world_check_books();
}
END_TEST

/* 9.14, 9.15 */
START_TEST(a_block_goes)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D");
	model_node_rewind(fw.node, 1);
	model_node_mine_empty(fw.node, 2);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc Pa D Pv Pa");
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D Pv Pa D");
	exit_world_mine(EXIT_WORLD_DELTA);
	model_node_rewind(fw.node, EXIT_WORLD_DELTA + 1);
	model_node_mine_empty(fw.node, EXIT_WORLD_DELTA + 2);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc Pa D Pv Pa D K Pv Pa"); /* 9.17 */
	ck_assert_uint_eq(exit_world_told("exit.foreign_spend"), 0);
	exit_world_check_books();
}
END_TEST

/* 9.23 */
START_TEST(a_block_has_something_else)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct exit_tx_row tx;
	struct tx rival;
	int64_t id = exit_world_start(&v);

	exit_world_settle();
	tx = exit_world_tx_of(id, 0);
	rival = follower_world_tx(&tx.spends, 1, &(struct pays){ { 0 }, 1000 }, 1);
	model_node_offer(fw.node, &rival);
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc");
	ck_assert_ptr_nonnull(strstr(exit_world_row_of(id).error, "\"type\":\"exit-input-conflict\""));
	exit_world_mine(4);
	exit_world_expect(id, "S Pv Pc");
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc X");
	ck_assert_uint_eq(exit_world_told("exit.foreign_spend"), 1);
	ck_assert(!exit_world_row_of(id).live);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_SPENT);
	exit_world_check_books();
}
END_TEST

/* 9.22: the server is quicker, with a signature that it should not have. */
START_TEST(somebody_else_spends_it)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct tx theirs;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_mine(1);
	theirs = follower_world_tx(&v.point, 1, &(struct pays){ { 0 }, 40000 }, 1);
	model_node_offer(fw.node, &theirs);
	exit_world_mine(EXIT_WORLD_DELTA);
	exit_world_expect(id, "S Pv Pc Pa D K F");
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_SPENT);
	ck_assert_uint_eq(exit_world_told("exit.claimable"), 1);
	ck_assert_uint_eq(exit_world_told("exit.needs_funds"), 0);
	exit_world_mine(6);
	ck_assert_uint_eq(exit_world_told("exit.foreign_spend"), 1);
	ck_assert(exit_world_row_of(id).live); /* for a week people are told of it */
	exit_world_check_books();
}
END_TEST

/* 9.25 */
START_TEST(it_can_be_given_up_until_it_is_on_its_way)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id = exit_world_start(&v);

	exit_world_settle();
	follower_world_unit(cancel_unit, &v.point);
	follower_world_unit(cancel_unit, &v.point);
	exit_world_expect(id, "S Pv Pc N");
	ck_assert(!exit_world_row_of(id).live);
	exit_world_fund(0, 100000);
	exit_world_settle();
	id = exit_world_start(&v);
	ck_assert_uint_eq(exit_world_row_of(id).attempt, 2);
	exit_world_settle();
	exit_world_expect(id, "S Pv Pc Pa");
	ck_assert_int_eq(store_unit_now(fw.scratch.store, cancel_unit, &v.point, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_NOT_CANCELLABLE));
	exit_world_check_books();
}
END_TEST

START_TEST(what_cannot_be_started)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct exit_world_order again = { .o = { .vtxo = v.point } }, nobody = { .o = { .vtxo = { .vout = 7 } } };

	exit_world_start(&v);
	follower_world_unit(exit_world_start_unit, &again);
	ck_assert_int_eq(again.began, 0);
	ck_assert_int_eq(store_unit_now(fw.scratch.store, exit_world_start_unit, &nobody, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_NOT_FOUND));
}
END_TEST

/* A node that refuses is asked again, and what it said is shown. */
START_TEST(a_refusal_is_shown_and_tried_again)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct exit_child_row *offers;
	int64_t id;
	size_t n;

	exit_world_fund(0, 100000);
	model_node_refuse(fw.node, true);
	id = exit_world_start(&v);
	exit_world_settle();
	ck_assert_ptr_nonnull(strstr(exit_world_row_of(id).error, "min relay fee not met"));
	ck_assert_uint_gt(exit_world_row_of(id).attempts, 0);
	/* Each offers more than the one before it. */
	OK(exit_child_store_list(exit_world_now(), &fw.arena, exit_world_tx_of(id, 0).id, &offers, &n, err));
	ck_assert_uint_gt(n, 1);
	for (size_t i = 1; i < n; i++)
		ck_assert_uint_ge(sat_value(offers[i].fee), sat_value(offers[i - 1].fee) * 5 / 4);
	model_node_refuse(fw.node, false);
	exit_world_settle();
	exit_world_mine(1);
	exit_world_settle();
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	ck_assert_ptr_null(exit_world_row_of(id).error);
	exit_world_check_books();
}
END_TEST

/* Its server may be faster: somebody has to know, once. */
START_TEST(few_blocks_are_left)
{
	struct vtxo v;

	xw.maker.expiry_height = 30;
	v = exit_world_make_vtxo(50000, 0, 0);
	model_node_refuse(fw.node, true);
	(void)exit_world_start(&v);
	exit_world_settle();
	ck_assert_uint_eq(exit_world_told("exit.deadline"), 0);
	model_node_mine_empty(fw.node, 7); /* 30 blocks, less 12, less one transaction */
	exit_world_settle();
	ck_assert_uint_eq(exit_world_told("exit.deadline"), 1);
	model_node_mine_empty(fw.node, 1);
	exit_world_settle();
	ck_assert_uint_eq(exit_world_told("exit.deadline"), 1);
}
END_TEST

static const struct {
	const char *name;
	uint64_t rate; /* sat per 1000 weight units */
	int64_t age_ms;
	bool usable;
} ages[] = {
	{ "young and low", 250, 0, true },
	{ "young and high", 100000, PAY_OLD_MS - 1, true },
	{ "a day old, and not too high", PAY_OLD_RATE, PAY_OLD_MS, true },
	{ "a day old, and high", PAY_OLD_RATE + 1, PAY_OLD_MS, false },
};

START_TEST(age_table)
{
	const struct fee_rates r = {
		.rate = { [FEE_FAST] = { ages[_i].rate }, [FEE_REGULAR] = { 250 }, [FEE_SLOW] = { 250 } }
	};

	ck_assert_msg(pay_rates_are_usable(&r, ages[_i].age_ms) == ages[_i].usable, "%s", ages[_i].name);
}
END_TEST

/* Two could be paid for at once; one is, for this minute. */
START_TEST(so_much_in_a_minute)
{
	struct vtxo a, b = exit_world_make_vtxo(40000, 0, 0);
	int64_t first, second;

	exit_world_fee_per_tick = (struct sat){ 1000 };
	exit_world_restart();
	a = exit_world_make_vtxo(50000, 0, 0);
	exit_world_fund(0, 100000);
	exit_world_fund(1, 100000);
	first = exit_world_start(&a);
	second = exit_world_start(&b);
	exit_world_settle();
	ck_assert_int_eq(exit_world_tx_of(first, 0).place, EXIT_TX_MEMPOOL); /* at least one */
	ck_assert_int_eq(exit_world_tx_of(second, 0).place, EXIT_TX_UNSEEN);
	ck_assert_ptr_nonnull(strstr(exit_world_row_of(second).error, "fee-cap-reached"));
	exits_run(xw.exits);
	exit_world_settle();
	ck_assert_int_eq(exit_world_tx_of(second, 0).place, EXIT_TX_MEMPOOL);
	exit_world_fee_per_tick = (struct sat){ 0 };
	exit_world_check_books();
}
END_TEST

/* --- who has it? --- */

static void kick(void)
{
	exits_kick(xw.exits);
	exit_world_drain();
}

/* It is the one that there was, and what it spends is not free. */
static void same_child(int64_t id, const struct txid *was)
{
	struct exit_child_row child = exit_world_child_of(id, 0);

	ck_assert(txid_equal(&child.txid, was));
	ck_assert_int_eq(child.reach, REACH_MAYBE);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 0);
}

/* The node that may have it says that it does not want it: that is an answer to the second try, and not to the first. */
static void a_no_is_no_answer_to_the_try_before(int64_t id)
{
	struct exit_child_row child = exit_world_child_of(id, 0);

	ck_assert(model_node_has(fw.node, &child.txid));
	model_node_refuse(fw.node, true);
	kick();
	same_child(id, &child.txid);
	ck_assert_ptr_nonnull(strstr(exit_world_row_of(id).error, "min relay fee not met"));
	model_node_refuse(fw.node, false);
	exit_world_settle();
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D");
	ck_assert_ptr_null(exit_world_row_of(id).error);
	exit_world_check_books();
}

START_TEST(an_answer_that_is_lost_is_no_no)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id;

	exit_world_fund(0, 100000);
	model_node_mute(fw.node, true);
	id = exit_world_start(&v);
	follower_world_follow(); /* of what it watches from now on */
	kick();
	ck_assert_int_eq(exit_world_child_of(id, 0).reach, REACH_MAYBE);
	follower_world_node_back();
	a_no_is_no_answer_to_the_try_before(id);
}
END_TEST

/* The process ends before the answer is written. */
START_TEST(a_try_that_was_cut_off_is_no_no)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	follower_world_follow(); /* of what it watches from now on */
	ck_assert(failpoint_configure("exit.package_result:error:0"));
	kick();
	ck_assert(exit_world_child_of(id, 0).reach != REACH_NONE &&
		  exit_world_child_of(id, 0).status == CHILD_PREPARED);
	ck_assert(failpoint_configure(NULL));
	exit_world_restart();
	a_no_is_no_answer_to_the_try_before(id);
}
END_TEST

/* A no to the only try that there was is one. */
START_TEST(who_has_it_is_known_after_a_no)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct exit_child_row *offers;
	int64_t id;
	size_t n;

	exit_world_fund(0, 100000);
	model_node_refuse(fw.node, true);
	id = exit_world_start(&v);
	follower_world_follow(); /* of what it watches from now on */
	kick();
	OK(exit_child_store_list(exit_world_now(), &fw.arena, exit_world_tx_of(id, 0).id, &offers, &n, err));
	ck_assert_uint_ge(n, 1);
	for (size_t i = 0; i < n; i++)
		ck_assert(offers[i].reach == REACH_NONE && offers[i].status == CHILD_REJECTED);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 100000);
	exit_world_check_books();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/progressor");
	TCase *tc = tcase_create("scenarios");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, exit_world_setup, exit_world_teardown);
	tcase_add_test(tc, a_board_comes_on_chain);
	tcase_add_test(tc, each_transaction_waits_for_the_one_before_it);
	tcase_add_test(tc, two_share_what_they_have_in_common);
	tcase_add_test(tc, nothing_is_decided_before_the_chain_is_known);
	tcase_add_test(tc, without_money_it_waits);
	tcase_add_test(tc, what_is_on_chain_is_claimed);
	tcase_add_test(tc, a_small_one_among_others);
	tcase_add_test(tc, a_claim_is_replaced_and_its_block_goes);
	tcase_add_test(tc, an_anchor_of_value_pays_for_itself);
	tcase_add_test(tc, a_locked_wallet_sends_what_is_signed);
	tcase_add_test(tc, restarts_change_nothing);
	tcase_add_test(tc, somebody_else_pays);
	tcase_add_test(tc, a_stranger_is_remembered);
	tcase_add_loop_test(tc, a_stranger_pays, 0, ARRAY_LEN(strangers));
	tcase_add_test(tc, a_block_goes);
	tcase_add_test(tc, a_block_has_something_else);
	tcase_add_test(tc, somebody_else_spends_it);
	tcase_add_test(tc, it_can_be_given_up_until_it_is_on_its_way);
	tcase_add_test(tc, what_cannot_be_started);
	tcase_add_test(tc, a_refusal_is_shown_and_tried_again);
	tcase_add_test(tc, few_blocks_are_left);
	tcase_add_test(tc, so_much_in_a_minute);
	tcase_add_loop_test(tc, age_table, 0, ARRAY_LEN(ages));
	tcase_add_test(tc, an_answer_that_is_lost_is_no_no);
	tcase_add_test(tc, a_try_that_was_cut_off_is_no_no);
	tcase_add_test(tc, who_has_it_is_known_after_a_no);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
