/* Plans: what is paid once and by whom, what is not paid any more, and when it is too late. */
#include "exit/plan_look.h"

#include <string.h>

#include "rails/ark/exit_tx.h"
#include "store/exit_store.h"
#include "store/exit_tx_store.h"
#include "tests/support/suite.h"
#include "tests/support/vtxo_world.h"

static struct err failure, *err = &failure;

static void setup(void)
{
	vtxo_world_setup(CHAIN_BITCOIND);
}

static struct plan_order order_of(const struct outpoint *at, size_t n)
{
	return (struct plan_order){
		.view = store_view(fw.scratch.store),
		.vtxos = at,
		.n = n,
		.rate = { 1250 },
		.claim_rate = { 1250 },
		.limit = { 125000 },
		.margin = EXIT_MARGIN_DEFAULT,
	};
}

static struct exit_plan plan(const struct outpoint *at, size_t n)
{
	struct plan_order o = order_of(at, n);
	struct exit_plan p;

	OK(exit_plan_make(&fw.arena, &o, &p, err));
	return p;
}

/* A coin of the on-chain wallet's that a block has. */
static void coin(uint32_t index, uint64_t sat)
{
	follower_world_receive(SCRIPT_RECEIVE, index, sat);
	follower_world_mine();
	follower_world_follow();
}

START_TEST(a_board)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct exit_plan p;

	vtxo_world_take(&v);
	p = plan(NULL, 0);
	ck_assert_uint_eq(p.n, 1);
	ck_assert_uint_eq(p.txs, 1);
	ck_assert_uint_eq(p.width, 1);
	ck_assert_uint_eq(sat_value(p.amount), 50000);
	ck_assert_uint_eq(sat_value(p.now.fee), 1382); /* spec/exit.md 5 */
	ck_assert_uint_eq(sat_value(p.claim_fee), 645);
	ck_assert_uint_eq(sat_value(p.vtxos[0].exit_fee), 1382);
	ck_assert_uint_eq(sat_value(p.twice.fee), 2763);
	ck_assert_uint_eq(sat_value(p.thrice.fee), 4144);
	ck_assert(p.vtxos[0].economical && p.vtxos[0].claimable && !p.vtxos[0].dust);
	ck_assert(!p.now.fundable);
	ck_assert_uint_eq(sat_value(exit_plan_deposit(&p)), 1712 + 342 + 330);
	ck_assert_uint_eq(exit_plan_blocks(&p), 1 + 12 + 1);
	coin(0, 1712);
	p = plan(NULL, 0);
	ck_assert(p.now.fundable && !p.twice.fundable);
	ck_assert_uint_eq(sat_value(exit_plan_deposit(&p)), 0);
	ck_assert_uint_eq(sat_value(p.available), 1712);
}
END_TEST

/* Two leaves of one round have all but the last of their transactions in common. */
START_TEST(what_is_shared_is_paid_once)
{
	struct ark_round_leaf leaves[2] = { { vtxo_world_key(0), { 40000 } }, { vtxo_world_key(1), { 600 } } };
	struct ark_round_plan round = { .leaves = leaves, .n = 2 };
	struct outpoint at = { .vout = 0 };
	struct tx_out out;
	struct vtxo v[2];
	struct exit_plan p, one;
	uint64_t shares;
	struct tx tx;

	memset(round.preimage.b, 7, sizeof(round.preimage.b));
	OK(ark_make_round_funding(&vw.maker, &round, &out, err));
	tx = follower_world_tx(NULL, 0, &(struct pays){ out.script, sat_value(out.value) }, 1);
	at.txid = model_node_offer(fw.node, &tx);
	OK(ark_make_round(&vw.maker, &round, &at, v, err));
	follower_world_mine();
	vtxo_world_take(&v[0]);
	vtxo_world_take(&v[1]);
	coin(0, 100000);
	p = plan(NULL, 0);
	one = plan(&v[0].point, 1);
	ck_assert_uint_eq(p.n, 2);
	ck_assert_uint_eq(one.n, 1);
	ck_assert_uint_eq(one.txs, v[0].n_items);
	ck_assert_uint_eq(p.txs, v[0].n_items + 1); /* and the other's last */
	ck_assert_uint_eq(p.width, 2);
	shares = sat_value(p.vtxos[0].exit_fee) + sat_value(p.vtxos[1].exit_fee);
	ck_assert_uint_ge(shares, sat_value(p.now.fee));
	ck_assert_uint_le(shares, sat_value(p.now.fee) + p.txs);
	ck_assert_uint_lt(sat_value(p.vtxos[0].exit_fee), sat_value(one.vtxos[0].exit_fee));
	ck_assert(p.vtxos[0].economical);
	ck_assert(!p.vtxos[1].economical);                       /* 600 sat do not pay for it */
	ck_assert_uint_eq(exit_plan_blocks(&p), p.txs + 12 + 1); /* one coin: one after the other */
	coin(1, 100000);
	p = plan(NULL, 0);
	ck_assert_uint_eq(exit_plan_blocks(&p), v[0].n_items + 12 + 1);
}
END_TEST

/* --- exits that have begun --- */

struct begun {
	int64_t row;
	const struct exit_chain *chain;
	enum exit_place place;
};

static int begin(struct unit *u, void *ctx, struct err *e)
{
	const struct begun *b = ctx;
	struct block_ref block = { 12, { { 1 } } };
	const struct tx *tx = &b->chain->txs[0].tx;
	struct exit_tx_row row = {
		.txid = b->chain->txs[0].txid,
		.raw = tx_bytes(&fw.arena, tx),
		.weight = tx_weight(tx),
		.spends = tx->in[0].prevout,
		.anchor_vout = (uint32_t)tx->n_out - 1,
		.place = EXIT_TX_UNSEEN,
	};
	int64_t id;

	(void)e;
	OK(exit_store_add(u, b->row, "{}", NULL, EXIT_NO_WAKE, 1, &id, err));
	OK(exit_tx_store_add(u, id, 0, &row, err));
	ck_assert_int_eq(exit_tx_store_find(unit_view(u), &fw.arena, &row.txid, &row, err), 1);
	if (b->place != EXIT_TX_UNSEEN)
		OK(exit_tx_store_place(u, row.id, b->place, b->place == EXIT_TX_CONFIRMED ? &block : NULL, 1, err));
	return 0;
}

static const struct {
	const char *name;
	enum exit_place place;
	size_t txs;
} places[] = {
	{ "not seen", EXIT_TX_UNSEEN, 1 },
	{ "in a mempool, and nobody pays for it", EXIT_TX_MEMPOOL, 1 },
	{ "in a block", EXIT_TX_CONFIRMED, 0 },
};

START_TEST(begun_table)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct exit_chain chain;
	struct begun b = { vtxo_world_take(&v), &chain, places[_i].place };

	OK(exit_chain_make(&fw.arena, &v, &chain, err));
	follower_world_unit(begin, &b);
	ck_assert_uint_eq(plan(NULL, 0).txs, places[_i].txs);
}
END_TEST

static int put_on_chain(struct unit *u, void *ctx, struct err *e)
{
	struct vtxo_move m = { .to = VTXO_EXITING, .kind = "exit" };

	return vtxo_store_move(u, ctx, &m, 1, e);
}

static int spend(struct unit *u, void *ctx, struct err *e)
{
	struct vtxo_move m = { .to = VTXO_SPENT, .kind = "send" };

	return vtxo_store_move(u, ctx, &m, 1, e);
}

START_TEST(what_is_on_chain_costs_its_claim)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct plan_order o = order_of(&v.point, 1);
	struct exit_plan p;

	vtxo_world_take(&v);
	follower_world_unit(put_on_chain, &v.point);
	p = plan(&v.point, 1);
	ck_assert_uint_eq(p.txs, 0);
	ck_assert_uint_eq(sat_value(p.now.fee), 0);
	ck_assert_uint_eq(sat_value(p.claim_fee), 645);
	ck_assert(p.now.fundable);
	follower_world_unit(spend, &v.point);
	FAILS(exit_plan_make(&fw.arena, &o, &p, err), ERR_VTXO_SPENT);
	ck_assert_str_eq(err->field, "vtxo_ids");
	ck_assert_uint_eq(plan(NULL, 0).n, 0);
}
END_TEST

/* --- wrong questions --- */

START_TEST(one_that_is_not_there)
{
	struct outpoint none = { .vout = 3 };
	struct plan_order o = order_of(&none, 1);
	struct exit_plan p;

	FAILS(exit_plan_make(&fw.arena, &o, &p, err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(twice_is_once)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct outpoint two[2];

	vtxo_world_take(&v);
	two[0] = two[1] = v.point;
	ck_assert_uint_eq(plan(two, 2).n, 1);
	ck_assert_uint_eq(sat_value(plan(two, 2).amount), 50000);
}
END_TEST

START_TEST(nothing_at_all)
{
	struct exit_plan p = plan(NULL, 0);

	ck_assert_uint_eq(p.n, 0);
	ck_assert_uint_eq(exit_plan_blocks(&p), 0);
	ck_assert_uint_eq(sat_value(exit_plan_deposit(&p)), 0);
}
END_TEST

START_TEST(deadlines)
{
	struct vtxo_row row = { .expiry_height = 500, .depth = 5 };

	ck_assert_int_eq(exit_deadline(&row, 12), 483);
	row.expiry_height = 10;
	ck_assert_int_eq(exit_deadline(&row, 12), -7);
}
END_TEST

START_TEST(shown)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct exit_plan p;
	json_t *obj, *one;

	vtxo_world_take(&v);
	coin(0, 100000);
	p = plan(NULL, 0);
	obj = exit_plan_json(&fw.arena, &p, EXIT_MARGIN_DEFAULT);
	one = json_array_get(json_object_get(obj, "vtxos"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "start_by_height")), 500 - 1 - 12);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "blocks_to_start")), 500 - 1 - 12 - 12);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(obj, "now"), "exit_fee_sat")), 1382);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(obj, "at_twice"), "feerate")), "10");
	ck_assert(json_is_true(json_object_get(obj, "fundable")) && json_is_true(json_object_get(obj, "economical")));
	ck_assert_int_eq(json_integer_value(json_object_get(obj, "deposit_sat")), 0);
}
END_TEST

/* --- what others have mined --- */

struct looked {
	struct txid mined[8];
	size_t n;
	enum err_code err;
	bool done;
};

static void told(void *ctx, const struct txid *mined, size_t n, const struct err *e)
{
	struct looked *l = ctx;

	ck_assert(!l->done && n <= ARRAY_LEN(l->mined));
	if (n > 0)
		memcpy(l->mined, mined, n * sizeof(*mined));
	l->n = n;
	l->err = e->code;
	l->done = true;
}

static struct looked look(void)
{
	struct plan_order o = order_of(NULL, 0);
	struct looked l = { .n = 0 };
	struct plan_look *running;

	ck_assert_int_eq(plan_look_new(fw.source, &o, (struct plan_look_then){ told, &l }, &running, err), 1);
	ck_assert(!l.done);
	while (!l.done)
		follower_world_run_for(1);
	return l;
}

/* With what a look has found. */
static struct exit_plan plan_after(const struct looked *l)
{
	struct plan_order o = order_of(NULL, 0);
	struct exit_plan p;

	o.mined = l->mined;
	o.n_mined = l->n;
	OK(exit_plan_make(&fw.arena, &o, &p, err));
	return p;
}

/* A board that both of these go back to, two hops each, and one that nobody touches. */
static void take_a_tree(struct exit_chain *ret)
{
	const struct secret user = vtxo_world_key(0);
	struct vtxo board = vtxo_world_mined(0, 50000), other = vtxo_world_mined(1, 40000), leaf;

	OK(ark_make_chain(&vw.maker, &board, &user, 1, true, &leaf, err));
	vtxo_world_take(&board);
	vtxo_world_take(&leaf);
	vtxo_world_take(&other);
	OK(exit_chain_make(&fw.arena, &leaf, ret, err));
	ck_assert_uint_eq(ret->n, 3);
}

static const enum chain_kind kinds[] = { CHAIN_BITCOIND, CHAIN_ESPLORA };

/* One after the other: none, those of a block, and no more questions than it takes. */
START_TEST(what_others_have_mined)
{
	struct exit_chain chain;
	struct looked l;

	follower_world_restart(kinds[_i]);
	take_a_tree(&chain);
	l = look();
	ck_assert(l.n == 0 && l.err == ERR_NONE);
	ck_assert_uint_eq(plan_after(&l).txs, 4);
	for (size_t i = 0; i < chain.n; i++) {
		(void)model_node_offer(fw.node, &chain.txs[i].tx);
		l = look();
		ck_assert_uint_eq(l.n, i); /* a mempool may forget it */
		follower_world_mine();
		l = look();
		ck_assert(l.n == i + 1 && l.err == ERR_NONE);
		ck_assert_uint_eq(plan_after(&l).txs, 3 - i);
	}
}
END_TEST

/* What it stands on is spent, but not by it. */
START_TEST(what_others_have_taken)
{
	struct exit_chain chain;
	struct looked l;
	struct tx theft;

	follower_world_restart(kinds[_i]);
	take_a_tree(&chain);
	theft = follower_world_tx(&chain.txs[0].tx.in[0].prevout, 1, &(struct pays){ { 0 }, 49000 }, 1);
	(void)model_node_offer(fw.node, &theft);
	follower_world_mine();
	l = look();
	ck_assert(l.n == 0 && l.err == ERR_NONE);
}
END_TEST

START_TEST(nobody_answers)
{
	struct exit_chain chain;
	struct plan_order o = order_of(NULL, 0);
	struct plan_look *running;
	struct looked l;

	o.vtxos = NULL;
	ck_assert_int_eq(plan_look_new(fw.source, &o, (struct plan_look_then){ told, &l }, &running, err), 0);
	take_a_tree(&chain);
	model_node_down(fw.node, true);
	l = look();
	ck_assert(l.n == 0 && l.err != ERR_NONE);
	ck_assert_uint_eq(plan_after(&l).txs, 4);
	model_node_down(fw.node, false);
	l = (struct looked){ .n = 0 };
	ck_assert_int_eq(plan_look_new(fw.source, &o, (struct plan_look_then){ told, &l }, &running, err), 1);
	plan_look_cancel(running);
	follower_world_run_for(20);
	ck_assert(!l.done);
	o.vtxos = &(struct outpoint){ .vout = 7 };
	o.n = 1;
	FAILS(plan_look_new(fw.source, &o, (struct plan_look_then){ told, &l }, &running, err), ERR_NOT_FOUND);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/plan");
	TCase *c = tcase_create("plan");

	tcase_add_checked_fixture(c, setup, follower_world_teardown);
	tcase_add_test(c, a_board);
	tcase_add_test(c, what_is_shared_is_paid_once);
	tcase_add_loop_test(c, begun_table, 0, ARRAY_LEN(places));
	tcase_add_test(c, what_is_on_chain_costs_its_claim);
	tcase_add_test(c, one_that_is_not_there);
	tcase_add_test(c, twice_is_once);
	tcase_add_test(c, nothing_at_all);
	tcase_add_test(c, deadlines);
	tcase_add_test(c, shown);
	tcase_add_loop_test(c, what_others_have_mined, 0, ARRAY_LEN(kinds));
	tcase_add_loop_test(c, what_others_have_taken, 0, ARRAY_LEN(kinds));
	tcase_add_test(c, nobody_answers);
	suite_add_tcase(s, c);
	return suite_run(s);
}
