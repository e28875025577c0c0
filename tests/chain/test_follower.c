/* The follower over a model of a node: the same stories as bitcoind shows them, and as an Esplora server does. */
#include <stdio.h>
#include <string.h>

#include "chain/told.h"
#include "store/chain_store.h"
#include "store/watch_store.h"
#include "tests/support/follower_world.h"
#include "tests/support/suite.h"

static enum chain_kind kind;
static const struct action_id alice = { "alice" };

static void setup(void)
{
	follower_world_setup(kind);
}

static void teardown(void)
{
	follower_world_teardown();
}

static struct view now(void)
{
	return store_view(fw.scratch.store);
}

static enum utxo_state state_of(const struct txid *txid, uint32_t vout)
{
	struct outpoint at = { *txid, vout };
	struct utxo_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(utxo_store_find(now(), &fw.arena, &at, &row, err), 1);
	return row.state;
}

static void place_is(const struct txid *txid, enum tx_place expected)
{
	struct block_ref ref;
	enum tx_place place;
	struct err e, *err = &e;

	ck_assert_int_eq(tx_store_place(now(), txid, &place, &ref, err), 1);
	ck_assert_str_eq(tx_place_name(place), tx_place_name(expected));
}

static void totals_are(int64_t spendable, int64_t pending)
{
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), spendable);
	ck_assert_int_eq(follower_world_total(ACCOUNT_PENDING), pending);
}

/* --- receiving --- */

static void nobody_to_follow_for(void)
{
	struct follower_status s;

	ck_assert_int_eq(follower_world_round(), ERR_NONE);
	follower_status(fw.follower, &s);
	ck_assert(!s.has_tip && !s.synced && s.rounds == 1 && s.failures == 0);
	ck_assert_uint_eq(s.node_height, 10);
	ck_assert_str_eq(s.doing, "idle");
}

static void received(void)
{
	struct txid txid;
	struct follower_status s;

	follower_world_account(5);
	follower_world_follow();
	txid = follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_follow();
	ck_assert_int_eq(state_of(&txid, 0), UTXO_PENDING);
	totals_are(0, 1000);
	follower_world_mine();
	follower_world_follow();
	ck_assert_int_eq(state_of(&txid, 0), UTXO_SPENDABLE);
	totals_are(1000, 0);
	follower_world_agree("mining");
	follower_status(fw.follower, &s);
	ck_assert(s.synced && s.has_tip && s.tip.height == 11 && s.last_error.code == ERR_NONE);
}

static void received_while_away(void)
{
	struct txid txid;

	follower_world_account(5);
	follower_world_follow();
	txid = follower_world_receive(SCRIPT_CHANGE, 3, 1000);
	follower_world_mine();
	model_node_mine_empty(fw.node, 30);
	follower_world_restart(kind);
	follower_world_follow();
	ck_assert_int_eq(state_of(&txid, 0), UTXO_SPENDABLE);
	follower_world_agree("30 blocks");
}

/* Paid and spent on in one block, and in one look at a mempool. */
static void passed_on_at_once(void)
{
	struct txid first = follower_world_receive(SCRIPT_RECEIVE, 0, 1000), second, third;
	struct outpoint at = { first, 0 };
	struct pays out[] = { { follower_world_script(SCRIPT_CHANGE, 0), 400 }, { { 0 }, 500 } };
	struct tx tx = follower_world_tx(&at, 1, out, 2);

	follower_world_account(5);
	second = model_node_offer(fw.node, &tx);
	at.txid = second;
	out[0].script = follower_world_script(SCRIPT_CHANGE, 1);
	out[0].sat = 300;
	tx = follower_world_tx(&at, 1, out, 1);
	third = model_node_offer(fw.node, &tx);
	follower_world_follow();
	follower_world_agree("the mempool");
	ck_assert_int_eq(state_of(&first, 0), UTXO_SPENT);
	ck_assert_int_eq(state_of(&second, 0), UTXO_SPENT);
	totals_are(0, 300);
	follower_world_mine();
	follower_world_follow();
	follower_world_agree("the block");
	place_is(&third, TX_CONFIRMED);
	totals_are(300, 0);
}

static void taken_back(void)
{
	struct pays ours = { follower_world_script(SCRIPT_RECEIVE, 0), 1000 }, theirs = { { 0 }, 900 };
	struct tx tx = follower_world_tx(NULL, 0, &ours, 1), other;
	struct outpoint same = tx.in[0].prevout;
	struct txid txid;

	follower_world_account(5);
	txid = model_node_offer(fw.node, &tx);
	follower_world_follow();
	ck_assert_int_eq(state_of(&txid, 0), UTXO_PENDING);
	other = follower_world_tx(&same, 1, &theirs, 1);
	model_node_offer(fw.node, &other);
	follower_world_follow();
	ck_assert_int_eq(state_of(&txid, 0), UTXO_ABSENT);
	follower_world_mine();
	follower_world_follow();
	follower_world_agree("the block");
	totals_are(0, 0);
}

/* Whoever counts sees no difference: one pays us, as one did before. */
static void replaced_by_its_like(void)
{
	struct pays ours = { follower_world_script(SCRIPT_RECEIVE, 0), 1000 };
	struct tx tx = follower_world_tx(NULL, 0, &ours, 1);
	struct outpoint same = tx.in[0].prevout;
	struct txid txid, other;

	follower_world_account(5);
	txid = model_node_offer(fw.node, &tx);
	follower_world_follow();
	ours.sat = 900;
	tx = follower_world_tx(&same, 1, &ours, 1);
	other = model_node_offer(fw.node, &tx);
	follower_world_follow();
	ck_assert_int_eq(state_of(&txid, 0), UTXO_ABSENT);
	ck_assert_int_eq(state_of(&other, 0), UTXO_PENDING);
	totals_are(0, 900);
	follower_world_agree("a replacement");
}

/* … and that after so many questions of a round. */
static unsigned until_replaced;
static struct tx replacement;

static void replace_one(void *ctx, const char *method)
{
	(void)ctx;
	(void)method;
	if (until_replaced > 0 && --until_replaced == 0)
		model_node_offer(fw.node, &replacement);
}

static void replaced_under_it(void)
{
	struct pays ours = { .sat = 0 };
	struct outpoint same;
	struct txid txid;
	struct tx tx;

	follower_world_account(5);
	ours.script = follower_world_give(SCRIPT_RECEIVE, 0);
	follower_world_follow();
	model_node_watch(fw.node, replace_one, NULL);
	for (unsigned k = 1; k < 60; k++) {
		ours.sat = 1000 + k;
		tx = follower_world_tx(NULL, 0, &ours, 1);
		same = tx.in[0].prevout;
		model_node_offer(fw.node, &tx);
		ours.sat = k;
		replacement = follower_world_tx(&same, 1, &ours, 1);
		txid = tx_txid(&replacement);
		until_replaced = k;
		(void)follower_world_round();
		if (until_replaced > 0) /* there were not as many */
			model_node_offer(fw.node, &replacement);
		until_replaced = 0;
		follower_world_follow();
		ck_assert_int_eq(state_of(&txid, 0), UTXO_PENDING);
		totals_are(0, k);
		model_node_evict(fw.node, &txid);
		follower_world_follow_twice();
		totals_are(0, 0);
	}
	follower_world_agree("replacements");
}

static void evicted(void)
{
	struct txid txid;

	follower_world_account(5);
	txid = follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_follow();
	model_node_evict(fw.node, &txid);
	follower_world_follow_twice();
	place_is(&txid, TX_OUT);
	follower_world_agree("eviction");
}

static void mined_by_us(void)
{
	struct block_ref ref;

	follower_world_account(5);
	ref = model_node_mine(fw.node, false, follower_world_script(SCRIPT_RECEIVE, 0));
	follower_world_follow();
	totals_are(0, 5000000000);
	model_node_mine_empty(fw.node, 98);
	follower_world_follow();
	totals_are(0, 5000000000);
	model_node_mine_empty(fw.node, 1);
	follower_world_follow();
	totals_are(5000000000, 0);
	ck_assert_uint_eq(ref.height + 99, model_node_height(fw.node));
	model_node_rewind(fw.node, 1);
	follower_world_follow();
	totals_are(0, 5000000000);
	follower_world_agree("maturity");
}

/* --- reorganisations --- */

static const unsigned depths[] = { 1, 6, 30 };

static void reorganised(unsigned depth)
{
	struct txid first, second;

	follower_world_account(5);
	model_node_mine_empty(fw.node, 40);
	follower_world_follow();
	first = follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	second = follower_world_receive(SCRIPT_RECEIVE, 1, 70);
	model_node_mine_empty(fw.node, depth - 1);
	follower_world_follow();
	totals_are(1000, 70);
	model_node_rewind(fw.node, depth);
	model_node_mine_empty(fw.node, depth + 1);
	follower_world_follow();
	follower_world_agree("the reorganisation");
	totals_are(0, 1070);
	place_is(&first, TX_PENDING);
	follower_world_mine();
	follower_world_follow();
	follower_world_agree("mining it again");
	place_is(&second, TX_CONFIRMED);
	totals_are(1070, 0);
}

static void reorg_of_1(void)
{
	reorganised(depths[0]);
}

static void reorg_of_6(void)
{
	reorganised(depths[1]);
}

static void reorg_of_30(void)
{
	reorganised(depths[2]);
}

/* To another block of the same height. */
static void reorg_to_the_same_height(void)
{
	struct txid txid;

	follower_world_account(5);
	txid = follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	follower_world_follow();
	place_is(&txid, TX_CONFIRMED);
	model_node_rewind(fw.node, 1);
	follower_world_mine();
	follower_world_follow();
	follower_world_agree("another block");
	totals_are(1000, 0);
}

/* A node that is behind, or has gone back: believed when it says so twice. */
static void shorter_chain(void)
{
	struct txid txid;

	follower_world_account(5);
	txid = follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	follower_world_follow();
	model_node_rewind(fw.node, 1);
	ck_assert_int_eq(follower_world_round(), ERR_NONE);
	place_is(&txid, TX_CONFIRMED);
	follower_world_follow();
	place_is(&txid, TX_PENDING);
	follower_world_agree("going back");
}

/* Down to below all that is kept: everything is looked for anew. */
static void below_the_root(void)
{
	struct txid txid;

	model_node_mine_empty(fw.node, 20);
	follower_world_account(28);
	txid = follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	follower_world_follow();
	model_node_rewind(fw.node, 8);
	model_node_mine_empty(fw.node, 9);
	follower_world_follow();
	place_is(&txid, TX_PENDING);
	follower_world_mine();
	follower_world_follow();
	follower_world_agree("a long reorganisation");
	totals_are(1000, 0);
}

/* --- our own --- */

struct sending {
	struct tx tx;
	bool ok;
};

static int add_own(struct unit *u, void *ctx, struct err *err)
{
	struct own_tx own = { .kind = "send", .action = alice, .trust = TRUST_SPEND };
	struct sending *s = ctx;
	struct outpoint at = s->tx.in[0].prevout;
	struct told_tx told;

	OK(told_of(&fw.arena, tx_bytes(&fw.arena, &s->tx), &s->tx, &told, err));
	OK(utxo_store_lock(u, &at, 1, &alice, 1, err));
	OK(tx_store_add_own(u, &told, &own, 1, err));
	return 0;
}

/* 1000 sat are there and mined; 300 come back of the payment that is signed here. */
static struct tx sign(struct txid *ret)
{
	struct txid txid;
	struct outpoint at;
	struct pays out[] = { { { 0 }, 600 }, { follower_world_script(SCRIPT_CHANGE, 0), 300 } };
	struct sending s = { .ok = true };

	follower_world_account(5);
	txid = follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	follower_world_follow();
	at = (struct outpoint){ txid, 0 };
	s.tx = follower_world_tx(&at, 1, out, 2);
	follower_world_unit(add_own, &s);
	*ret = tx_txid(&s.tx);
	return s.tx;
}

static void sent(void)
{
	struct txid txid;
	struct tx tx = sign(&txid);

	follower_world_follow();
	place_is(&txid, TX_STORED);
	ck_assert_int_eq(follower_world_total(ACCOUNT_LOCKED), 1000);
	model_node_offer(fw.node, &tx);
	follower_world_follow();
	place_is(&txid, TX_PENDING);
	totals_are(300, 0);
	ck_assert_int_eq(follower_world_total(ACCOUNT_FEES), 100);
	follower_world_mine();
	follower_world_follow();
	follower_world_agree("a payment");
	place_is(&txid, TX_CONFIRMED);
	totals_are(300, 0);
}

/* What is ours is sent again; what a stranger sent is his affair. */
static void sent_again(void)
{
	struct txid txid;
	struct tx tx = sign(&txid);

	model_node_offer(fw.node, &tx);
	follower_world_follow();
	model_node_evict(fw.node, &txid);
	for (int i = 0; i < 3 && !model_node_has(fw.node, &txid); i++) {
		ck_assert_int_eq(follower_world_round(), ERR_NONE);
		follower_world_run_for(3);
	}
	ck_assert(model_node_has(fw.node, &txid));
	follower_world_follow();
	place_is(&txid, TX_PENDING);
	follower_world_agree("sending again");
}

/* A second wallet with the same seed. */
static void spent_elsewhere(void)
{
	struct txid txid, other;
	struct tx tx = sign(&txid), theirs;
	struct pays out = { { 0 }, 990 };

	model_node_offer(fw.node, &tx);
	follower_world_follow();
	theirs = follower_world_tx(&tx.in[0].prevout, 1, &out, 1);
	other = model_node_offer(fw.node, &theirs);
	follower_world_mine();
	follower_world_follow();
	place_is(&txid, TX_OUT);
	place_is(&other, TX_CONFIRMED);
	follower_world_agree("a double spend");
	totals_are(0, 0);
	ck_assert_int_eq(follower_world_total(ACCOUNT_FEES), 10);
}

/* --- trouble --- */

static void down_and_up(void)
{
	struct follower_status s;

	follower_world_account(5);
	follower_world_follow();
	model_node_down(fw.node, true);
	follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	ck_assert_int_ne(follower_world_round(), ERR_NONE);
	follower_status(fw.follower, &s);
	ck_assert(!s.synced && s.failures == 1 && s.last_error.code != ERR_NONE);
	follower_world_node_back();
	follower_world_follow();
	totals_are(1000, 0);
	follower_status(fw.follower, &s);
	ck_assert(s.synced && s.last_error.code == ERR_NONE);
}

/* The chain changes while it is followed: after so many questions. */
static unsigned until_change;

static void change_chain(void *ctx, const char *method)
{
	(void)ctx;
	(void)method;
	if (until_change == 0 || --until_change > 0)
		return;
	model_node_rewind(fw.node, 3);
	model_node_mine(fw.node, true, (struct bytes){ 0 });
	model_node_mine_empty(fw.node, 3);
}

static void changed_under_it(void)
{
	follower_world_account(5);
	model_node_watch(fw.node, change_chain, NULL);
	for (unsigned k = 1; k < 60; k++) {
		follower_world_receive(SCRIPT_RECEIVE, 0, 1000 + k);
		follower_world_mine();
		model_node_mine_empty(fw.node, 3);
		until_change = k;
		(void)follower_world_round();
		until_change = 0;
		follower_world_follow();
		follower_world_agree("a change in the middle");
	}
}

/* Whoever reads "synced" between two questions, and the new tip, finds all that is in it. */
static void look_at_claim(void *ctx, const char *method)
{
	const int64_t *wanted = ctx;
	struct follower_status s;

	(void)method;
	follower_status(fw.follower, &s);
	if (s.synced && s.tip.height == model_node_height(fw.node))
		ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), *wanted);
}

/* Whoever is far behind, or begins anew, has not arrived. */
static void look_at_arrival(void *ctx, const char *method)
{
	unsigned *on_the_way = ctx;
	struct follower_status s;

	(void)method;
	follower_status(fw.follower, &s);
	if (s.node_height != model_node_height(fw.node))
		return; /* it does not know yet */
	if (follower_has_arrived(fw.follower))
		ck_assert(s.has_tip && s.tip.height + 100 >= s.node_height && s.scan_left == 0);
	else
		++*on_the_way;
}

static void arrived(void)
{
	unsigned on_the_way = 0;

	model_node_watch(fw.node, look_at_arrival, &on_the_way);
	ck_assert(!follower_has_arrived(fw.follower));
	follower_world_account(5);
	follower_world_follow();
	ck_assert(follower_has_arrived(fw.follower) && on_the_way > 0);
	on_the_way = 0;
	model_node_mine_empty(fw.node, 100);
	follower_world_follow();
	ck_assert(on_the_way == 0);
	model_node_mine_empty(fw.node, 101);
	follower_world_follow();
	ck_assert(follower_has_arrived(fw.follower) && on_the_way > 0);
	on_the_way = 0;
	model_node_rewind(fw.node, 208); /* below the wallet's birthday; headers are kept of more blocks */
	model_node_mine_empty(fw.node, 3);
	follower_world_follow();
	ck_assert(follower_has_arrived(fw.follower) && (on_the_way > 0) == (kind == CHAIN_BITCOIND));
	model_node_watch(fw.node, NULL, NULL);
}

static void synced_is_true(void)
{
	int64_t wanted = 0;

	follower_world_account(5);
	follower_world_follow();
	model_node_watch(fw.node, look_at_claim, &wanted);
	for (unsigned k = 0; k < 3; k++) {
		follower_world_receive(SCRIPT_RECEIVE, k, 1000);
		follower_world_mine();
		wanted += 1000;
		follower_world_follow();
	}
	totals_are(3000, 0);
}

/* Ended at any moment, and started again. */
static void stopped_at_any_time(void)
{
	struct err e, *err = &e;

	follower_world_account(5);
	for (int k = 0; k < 30; k++) {
		follower_world_receive(SCRIPT_RECEIVE, (uint32_t)k, 1000);
		follower_world_mine();
		if (k % 5 == 4)
			model_node_rewind(fw.node, 2);
		follower_world_mine();
		OK(follower_run(fw.follower, err));
		follower_world_run_for(k % 7);
		follower_world_restart(kind);
	}
	follower_world_follow();
	follower_world_agree("thirty restarts");
	totals_are(30000, 0);
}

/* --- what others watch --- */

struct watching {
	struct outpoint at;
	struct bytes script;
	uint32_t from;
};

static int add_watches(struct unit *u, void *ctx, struct err *err)
{
	const struct watching *w = ctx;
	int64_t id;

	OK(watch_store_output(u, "exit", &w->at, w->from, 1, &id, err));
	OK(watch_store_script(u, "exit", w->script, w->from, 1, &id, err));
	return 0;
}

static int add_watched_output(struct unit *u, void *ctx, struct err *err)
{
	const struct watching *w = ctx;
	int64_t id;

	OK(watch_store_output(u, "exit", &w->at, w->from, 1, &id, err));
	return 0;
}

static struct hit_row *hits(size_t expected)
{
	struct hit_row *rows;
	struct err e, *err = &e;
	size_t n;

	OK(watch_store_hits(now(), &fw.arena, "exit", &rows, &n, err));
	ck_assert_uint_eq(n, expected);
	return rows;
}

static const char foreign_script[] = "\x51\x02\x4e\x74";

/* An output that is not ours, spent by a payment to a script that is watched too. */
static struct tx foreign(struct watching *w)
{
	struct pays out = { { (const uint8_t *)foreign_script, 4 }, 500 };
	struct tx parent = follower_world_tx(NULL, 0, &(struct pays){ { 0 }, 600 }, 1);

	*w = (struct watching){ { model_node_offer(fw.node, &parent), 0 }, out.script, 11 };
	return follower_world_tx(&w->at, 1, &out, 1);
}

static void watched(void)
{
	struct watching w;
	struct tx tx;
	struct txid txid;
	struct hit_row *h;

	follower_world_account(5);
	tx = foreign(&w);
	follower_world_mine();
	follower_world_follow();
	follower_world_unit(add_watches, &w);
	follower_world_follow();
	hits(0);
	txid = model_node_offer(fw.node, &tx);
	follower_world_follow();
	h = hits(2);
	ck_assert(!h[0].confirmed && !h[1].confirmed && txid_equal(&h[0].txid, &txid));
	follower_world_mine();
	follower_world_follow();
	h = hits(2);
	ck_assert(h[0].confirmed && h[1].confirmed && h[0].block.height == model_node_height(fw.node));
	model_node_rewind(fw.node, 1);
	model_node_mine_empty(fw.node, 2);
	follower_world_follow();
	h = hits(2);
	ck_assert(!h[0].confirmed && !h[1].confirmed);
	model_node_evict(fw.node, &txid);
	follower_world_follow_twice();
	hits(0);
}

static void watched_late(void)
{
	struct watching w;
	struct tx tx;
	struct hit_row *h;

	follower_world_account(5);
	tx = foreign(&w);
	follower_world_mine();
	model_node_offer(fw.node, &tx);
	follower_world_mine();
	model_node_mine_empty(fw.node, 20);
	follower_world_follow();
	follower_world_unit(add_watches, &w);
	follower_world_follow();
	h = hits(2);
	ck_assert(h[0].confirmed && h[0].block.height == 12);
}

/* The mempool has it already, and was looked through. */
static void watched_later_still(void)
{
	struct watching w;
	struct tx tx;
	struct hit_row *h;

	follower_world_account(5);
	tx = foreign(&w);
	follower_world_mine();
	follower_world_follow();
	model_node_offer(fw.node, &tx);
	follower_world_follow();
	follower_world_unit(add_watches, &w);
	follower_world_follow();
	h = hits(2);
	ck_assert(!h[0].confirmed && !h[1].confirmed);
}

/* … or is too large for that: what spends is found, time and again, whenever it comes. */
static void watched_in_a_full_mempool(void)
{
	struct watching w;
	struct txid txid;
	struct tx tx;

	follower_world_account(5);
	fw.opt.mempool_max = 2;
	follower_world_restart(kind);
	tx = foreign(&w);
	follower_world_mine();
	follower_world_follow();
	follower_world_unit(add_watches, &w);
	for (uint32_t i = 0; i < 5; i++)
		follower_world_receive(SCRIPT_CHANGE, 40, 10);
	follower_world_follow();
	hits(0);
	txid = model_node_offer(fw.node, &tx);
	follower_world_follow();
	hits(2);
	model_node_evict(fw.node, &txid);
	follower_world_follow_twice();
	hits(0);
	model_node_offer(fw.node, &tx);
	follower_world_follow();
	hits(2);
}

/* Its parent is mined lower than before, and it with it. */
static void watched_lower_than_before(void)
{
	struct watching w;
	struct hit_row *h;
	struct tx tx;

	follower_world_account(5);
	model_node_mine_empty(fw.node, 3);
	tx = foreign(&w);
	w.from = 14;
	follower_world_mine();
	follower_world_follow();
	follower_world_unit(add_watched_output, &w);
	model_node_offer(fw.node, &tx);
	follower_world_mine();
	follower_world_follow();
	h = hits(1);
	ck_assert(h[0].confirmed && h[0].block.height == 15);
	model_node_rewind(fw.node, 4);
	follower_world_mine();
	model_node_mine_empty(fw.node, 4);
	follower_world_follow();
	h = hits(1);
	ck_assert(h[0].confirmed && h[0].block.height == 12);
}

/* The chains part below all that is kept, and who is watched comes by again so deep that no block of it is read for the
 * wallet's own sake. */
static void watched_below_the_root(void)
{
	struct follower_status s;
	struct watching w;
	struct hit_row *h;
	struct txid txid;
	struct tx tx;

	model_node_filters(fw.node, true);
	tx = foreign(&w);
	follower_world_mine();
	model_node_mine_empty(fw.node, 1300);
	follower_world_account(0);
	follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	follower_world_follow();
	follower_world_unit(add_watches, &w);
	txid = model_node_offer(fw.node, &tx);
	follower_world_mine();
	follower_world_follow();
	h = hits(2);
	ck_assert(h[0].confirmed && h[0].block.height == 1313);
	model_node_rewind(fw.node, 130);
	model_node_evict(fw.node, &txid);
	follower_world_mine();
	model_node_offer(fw.node, &tx);
	follower_world_mine();
	model_node_mine_empty(fw.node, 150);
	follower_world_follow();
	h = hits(2);
	ck_assert(h[0].confirmed && h[0].block.height == 1185 && h[1].confirmed);
	follower_world_agree("a reorganisation to below all that is kept");
	totals_are(1000, 0);
	follower_status(fw.follower, &s);
	ck_assert(s.synced && s.scan_left == 0);
}

/* --- beginnings --- */

/* Index after index, further than was derived at first. */
static void pay_far(void)
{
	static const uint32_t far[] = { 3, 45, 90, 130, 170 };

	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		follower_world_pay(SCRIPT_RECEIVE, far[i], 1000);
		follower_world_pay(SCRIPT_CHANGE, far[i], 10);
		if (i % 2)
			follower_world_mine();
	}
	follower_world_mine();
}

static void far_indexes_in_one_block(void)
{
	static const uint32_t far[] = { 170, 130, 90, 45, 3 }; /* the last ones first */

	follower_world_account(5);
	follower_world_follow();
	for (size_t i = 0; i < ARRAY_LEN(far); i++)
		follower_world_pay(SCRIPT_RECEIVE, far[i], 1000);
	follower_world_mine();
	follower_world_follow();
	totals_are(5000, 0);
	follower_world_agree("a far index");
}

/* One transaction, known by the first, pays the second too, which is looked for only because of the first. */
static void far_indexes_in_one_tx(void)
{
	struct pays out[] = { { follower_world_script(SCRIPT_RECEIVE, 49), 1000 },
			      { follower_world_script(SCRIPT_RECEIVE, 99), 2000 } };
	struct tx tx = follower_world_tx(NULL, 0, out, ARRAY_LEN(out));

	(void)model_node_offer(fw.node, &tx);
	follower_world_mine();
	follower_world_account(5);
	follower_world_follow();
	totals_are(3000, 0);
	follower_world_agree("far indexes in one transaction");
}

static void from_the_birthday(void)
{
	model_node_mine_empty(fw.node, 30);
	follower_world_account(25);
	pay_far();
	follower_world_follow();
	totals_are(5050, 0);
	follower_world_agree("the birthday");
	if (kind == CHAIN_BITCOIND)
		ck_assert_uint_lt(model_node_asked(fw.node, "getblock"), 60);
}

/* The wallet is born in the first block after a pause of a day, and paid in it. */
static void from_a_birthday_after_a_pause(void)
{
	const uint32_t day = 86400 / 600, slack = 7200 / 600;

	model_node_mine_empty(fw.node, 30);
	model_node_pause(fw.node, 86400);
	follower_world_account(model_node_height(fw.node) + 1 + day - slack);
	follower_world_receive(SCRIPT_RECEIVE, 0, 5000);
	follower_world_mine();
	model_node_mine_empty(fw.node, 3);
	follower_world_follow();
	totals_are(5000, 0);
	follower_world_agree("the pause");
}

static void from_the_first_block(void)
{
	pay_far();
	follower_world_account(0);
	follower_world_follow();
	totals_are(5050, 0);
	follower_world_agree("the first block");
}

/* Spent again before anybody looked: only those who see blocks know. */
static void spend_some(void)
{
	struct txid txid = follower_world_receive(SCRIPT_RECEIVE, 5, 777);
	struct outpoint at = { txid, 0 };
	struct tx tx = follower_world_tx(&at, 1, &(struct pays){ { 0 }, 700 }, 1);

	follower_world_mine();
	model_node_offer(fw.node, &tx);
	follower_world_mine();
}

static void a_long_way(uint32_t *ret_history)
{
	struct follower_status s;

	model_node_mine_empty(fw.node, 20);
	pay_far();
	spend_some();
	model_node_mine_empty(fw.node, 1200);
	follower_world_receive(SCRIPT_RECEIVE, 171, 5);
	follower_world_mine();
	follower_world_account(0);
	follower_world_follow();
	totals_are(5055, 0);
	follower_status(fw.follower, &s);
	*ret_history = s.history_from;
}

static void by_filters(void)
{
	uint32_t history;

	model_node_filters(fw.node, true);
	a_long_way(&history);
	follower_world_agree("a long way");
	ck_assert_uint_eq(history, 0);
	ck_assert_uint_lt(model_node_asked(fw.node, "getblock"), 200);
	ck_assert_uint_gt(model_node_asked(fw.node, "scanblocks"), 1); /* more scripts, more blocks */
}

static void by_unspent_outputs(void)
{
	uint32_t history;

	a_long_way(&history);
	ck_assert_uint_gt(history, 1000);
	ck_assert_uint_lt(model_node_asked(fw.node, "getblock"), 200);
}

static void all_blocks_of_a_long_way(void)
{
	struct follower_status s;

	follower_world_account(8);
	follower_world_follow();
	pay_far();
	spend_some();
	model_node_mine_empty(fw.node, 1200);
	follower_world_receive(SCRIPT_RECEIVE, 171, 5);
	follower_world_mine();
	follower_world_follow();
	totals_are(5055, 0);
	follower_world_agree("1200 blocks");
	follower_status(fw.follower, &s);
	ck_assert_uint_le(s.history_from, 8);
}

static void pruned(void)
{
	struct follower_status s;

	model_node_mine_empty(fw.node, 50);
	model_node_prune(fw.node, 40);
	follower_world_account(5);
	ck_assert_int_ne(follower_world_round(), ERR_NONE);
	follower_status(fw.follower, &s);
	ck_assert(!s.synced);
	model_node_prune(fw.node, 0);
	follower_world_run_for(5);
	follower_world_follow();
}

/* What one kind of backend did not tell, the other does. */
static void the_other_kind(void)
{
	struct txid txid;

	follower_world_account(5);
	follower_world_receive(SCRIPT_RECEIVE, 0, 1000);
	follower_world_mine();
	follower_world_follow();
	follower_world_restart(kind == CHAIN_BITCOIND ? CHAIN_ESPLORA : CHAIN_BITCOIND);
	follower_world_receive(SCRIPT_RECEIVE, 1, 70);
	follower_world_mine();
	follower_world_follow();
	follower_world_agree("the other kind");
	totals_are(1070, 0);
	txid = follower_world_receive(SCRIPT_RECEIVE, 2, 5);
	follower_world_mine();
	model_node_mine_empty(fw.node, 5);
	follower_world_restart(kind);
	follower_world_follow();
	follower_world_agree("and back");
	place_is(&txid, TX_CONFIRMED);
	totals_are(1075, 0);
}

/* A mempool too large to be looked through: each of ours is asked for. */
static void a_full_mempool(void)
{
	struct txid txid, gone;
	struct tx tx;

	fw.opt.mempool_max = 2;
	follower_world_restart(kind);
	tx = sign(&txid);
	gone = follower_world_receive(SCRIPT_RECEIVE, 7, 70);
	follower_world_follow();
	for (uint32_t i = 0; i < 5; i++)
		follower_world_receive(SCRIPT_CHANGE, 40, 10);
	model_node_offer(fw.node, &tx);
	model_node_evict(fw.node, &gone);
	follower_world_follow_twice();
	place_is(&txid, TX_PENDING);
	place_is(&gone, TX_OUT);
}

#define BOTH     0
#define BITCOIND 1
static const struct {
	const char *name;
	void (*tell)(void);
	int of; /* which kinds */
} stories[] = {
	{ "nobody to follow for", nobody_to_follow_for, BOTH },
	{ "received", received, BOTH },
	{ "received while away", received_while_away, BOTH },
	{ "passed on at once", passed_on_at_once, BOTH },
	{ "taken back", taken_back, BOTH },
	{ "replaced by its like", replaced_by_its_like, BOTH },
	{ "replaced under it", replaced_under_it, BOTH },
	{ "evicted", evicted, BOTH },
	{ "mined by us", mined_by_us, BOTH },
	{ "reorg of 1", reorg_of_1, BOTH },
	{ "reorg of 6", reorg_of_6, BOTH },
	{ "reorg of 30", reorg_of_30, BOTH },
	{ "reorg to the same height", reorg_to_the_same_height, BOTH },
	{ "shorter chain", shorter_chain, BOTH },
	{ "below the root", below_the_root, BOTH },
	{ "sent", sent, BOTH },
	{ "sent again", sent_again, BOTH },
	{ "spent elsewhere", spent_elsewhere, BOTH },
	{ "down and up", down_and_up, BOTH },
	{ "changed under it", changed_under_it, BOTH },
	{ "synced is true", synced_is_true, BOTH },
	{ "arrived", arrived, BOTH },
	{ "stopped at any time", stopped_at_any_time, BOTH },
	{ "watched", watched, BOTH },
	{ "watched late", watched_late, BOTH },
	{ "watched later still", watched_later_still, BOTH },
	{ "watched in a full mempool", watched_in_a_full_mempool, BITCOIND },
	{ "watched lower than before", watched_lower_than_before, BOTH },
	{ "watched below the root", watched_below_the_root, BOTH },
	{ "far indexes in one block", far_indexes_in_one_block, BITCOIND },
	{ "far indexes in one transaction", far_indexes_in_one_tx, BOTH },
	{ "from the birthday", from_the_birthday, BOTH },
	{ "from a birthday after a pause", from_a_birthday_after_a_pause, BOTH },
	{ "from the first block", from_the_first_block, BOTH },
	{ "the other kind", the_other_kind, BOTH },
	{ "by filters", by_filters, BITCOIND },
	{ "by unspent outputs", by_unspent_outputs, BITCOIND },
	{ "all blocks of a long way", all_blocks_of_a_long_way, BITCOIND },
	{ "pruned", pruned, BITCOIND },
	{ "a full mempool", a_full_mempool, BITCOIND },
};

START_TEST(story_of_bitcoind)
{
	kind = CHAIN_BITCOIND;
	setup();
	stories[_i].tell();
	teardown();
}
END_TEST

START_TEST(story_of_esplora)
{
	if (stories[_i].of == BITCOIND)
		return;
	kind = CHAIN_ESPLORA;
	setup();
	stories[_i].tell();
	teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain/follower");
	TCase *tc = tcase_create("stories");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, story_of_bitcoind, 0, (int)ARRAY_LEN(stories));
	tcase_add_loop_test(tc, story_of_esplora, 0, (int)ARRAY_LEN(stories));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
