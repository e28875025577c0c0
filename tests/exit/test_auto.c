/* Exits that begin by themselves: of lost servers, at deadlines, and because somebody else has begun; and those that do not. */
#include "exit/auto.h"

#include <string.h>

#include "exit/plan.h"
#include "rails/ark/exit_tx.h"
#include "store/ark_server_store.h"
#include "store/event_store.h"
#include "store/exit_store.h"
#include "tests/support/suite.h"
#include "tests/support/vtxo_world.h"

static struct err failure, *err = &failure;
static unsigned begun;

static void setup(void)
{
	vtxo_world_setup(CHAIN_BITCOIND);
	begun = 0;
}

static void count_begun(void *ctx)
{
	(void)ctx;
	begun++;
}

static void fees_told(void *ctx, const struct chain_answer *got)
{
	ck_assert_int_eq(got->err.code, ERR_NONE);
	*(bool *)ctx = true;
}

/* 2 sat/vB. */
static void learn_fees(void)
{
	bool told = false;

	(void)chain_ask_fees(fw.source, (struct chain_then){ fees_told, &told });
	while (!told)
		follower_world_run_for(1);
}

static struct auto_exit_options options(enum auto_exit policy)
{
	return (struct auto_exit_options){
		.store = fw.scratch.store,
		.chain = fw.source,
		.policy = policy,
		.margin = EXIT_MARGIN_DEFAULT,
		.limit = { 125000 },
		.begun = count_begun,
	};
}

/* To its end, the node's answers included; without a look at what is new in the chain. */
static void pass_only(enum auto_exit policy)
{
	struct auto_exit_options opt = options(policy);
	struct auto_exits *x = auto_exits_new(&opt);

	OK(auto_exits_run(x, err));
	while (auto_exits_is_asking(x))
		follower_world_run_for(1);
	store_flush(fw.scratch.store);
	auto_exits_free(x);
}

static void pass(enum auto_exit policy)
{
	follower_world_follow();
	pass_only(policy);
}

static bool exits(const struct vtxo *v)
{
	struct exit_row row;
	int found = exit_store_find(store_view(fw.scratch.store), &fw.arena, &v->point, &row, err);

	ck_assert_int_ge(found, 0);
	return found == 1 && row.live;
}

static int lose(struct unit *u, void *ctx, struct err *e)
{
	const struct vtxo *v = ctx;

	return ark_server_set_lost(u, &v->terms.server, 1000, e);
}

static int lock(struct unit *u, void *ctx, struct err *e)
{
	static const struct action_id alice = { "alice" };

	return vtxo_store_lock(u, ctx, 1, &alice, 1, e);
}

static void count_event(void *ctx, const struct event *e)
{
	(void)e;
	++*(unsigned *)ctx;
}

static unsigned told(const char *kind)
{
	unsigned n = 0;
	int64_t cursor;

	ck_assert_int_ge(
		event_list(store_view(fw.scratch.store), &fw.arena, 0, kind, 1000, count_event, &n, &cursor, err), 0);
	return n;
}

static const struct {
	const char *name;
	enum auto_exit policy;
	bool lost, fees, late, worthless, locked;
	bool begins;
} cases[] = {
	{ "nothing is wrong", AUTO_EXIT_ON, false, true, false, false, false, false },
	{ "the server is lost", AUTO_EXIT_LOST, true, true, false, false, false, true },
	{ "that is lost, and the policy says more", AUTO_EXIT_ON, true, true, false, false, false, true },
	{ "lost, but it is not to be", AUTO_EXIT_OFF, true, true, false, false, false, false },
	{ "lost, and nobody knows what it costs", AUTO_EXIT_LOST, true, false, false, false, false, false },
	{ "lost, and not worth it", AUTO_EXIT_LOST, true, true, false, true, false, false },
	{ "lost, and an action has it", AUTO_EXIT_LOST, true, true, false, false, true, false },
	{ "its deadline has come", AUTO_EXIT_ON, false, true, true, false, false, true },
	{ "its deadline, but only for lost ones", AUTO_EXIT_LOST, false, true, true, false, false, false },
	{ "its deadline, and not worth it", AUTO_EXIT_ON, false, true, true, true, false, false },
};

START_TEST(case_table)
{
	struct vtxo v;

	vw.maker.expiry_height = cases[_i].late ? 24 : 500;
	v = vtxo_world_mined(0, cases[_i].worthless ? 400 : 50000); /* height 11: 24 - 1 - 12 */
	vtxo_world_take(&v);
	if (cases[_i].lost)
		follower_world_unit(lose, &v);
	if (cases[_i].fees)
		learn_fees();
	if (cases[_i].locked)
		follower_world_unit(lock, &v.point);
	pass(cases[_i].policy);
	ck_assert(exits(&v) == cases[_i].begins);
	ck_assert_uint_eq(begun, cases[_i].begins);
	pass(cases[_i].policy); /* again: one lives already */
	ck_assert_uint_eq(begun, cases[_i].begins);
	ck_assert_uint_eq(told("exit.deadline"), cases[_i].late ? 1 : 0); /* once, and whatever the policy */
}
END_TEST

/* Whoever puts it on chain: no policy, no price. */
START_TEST(begun_by_somebody_else)
{
	struct vtxo v = vtxo_world_mined(0, 50000), other = vtxo_world_mined(1, 50000);
	struct exit_chain chain;

	vtxo_world_take(&v);
	vtxo_world_take(&other);
	pass(AUTO_EXIT_OFF);
	ck_assert(!exits(&v));
	OK(exit_chain_make(&fw.arena, &v, &chain, err));
	model_node_offer(fw.node, &chain.txs[0].tx);
	pass(AUTO_EXIT_OFF);
	ck_assert(exits(&v) && !exits(&other));
	ck_assert_uint_eq(begun, 1);
}
END_TEST

/* So many in one pass, for it holds the loop; whoever is told that one has begun lets the next one run. */
START_TEST(many_at_once)
{
	struct vtxo v[17];

	for (unsigned i = 0; i < ARRAY_LEN(v); i++)
		v[i] = vtxo_world_board(vtxo_world_key(0), 50000 + i);
	follower_world_mine();
	for (unsigned i = 0; i < ARRAY_LEN(v); i++) {
		struct exit_chain chain;

		vtxo_world_take(&v[i]);
		OK(exit_chain_make(&fw.arena, &v[i], &chain, err));
		model_node_offer(fw.node, &chain.txs[0].tx);
	}
	pass(AUTO_EXIT_OFF);
	ck_assert_uint_eq(begun, 16);
	pass(AUTO_EXIT_OFF);
	ck_assert_uint_eq(begun, 17);
	pass(AUTO_EXIT_OFF);
	ck_assert_uint_eq(begun, 17);
}
END_TEST

/* Another output of the same script is none of it. */
START_TEST(a_payment_to_its_script)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct exit_chain chain;
	struct tx tx;

	vtxo_world_take(&v);
	OK(exit_chain_make(&fw.arena, &v, &chain, err));
	tx = follower_world_tx(NULL, 0, &(struct pays){ chain.own.script, 700 }, 1);
	model_node_offer(fw.node, &tx);
	pass(AUTO_EXIT_ON);
	ck_assert(!exits(&v));
}
END_TEST

/* --- what it costs, when others have mined some of it --- */

/* Three transactions to pay for, of which two are shared: worth its exit only when others have paid for these. */
static struct vtxo small_leaf(struct exit_chain *ret)
{
	const struct secret user = vtxo_world_key(0);
	struct vtxo board = vtxo_world_mined(0, 1500), leaf;

	OK(ark_make_chain(&vw.maker, &board, &user, 1, true, &leaf, err));
	vtxo_world_take(&leaf);
	OK(exit_chain_make(&fw.arena, &leaf, ret, err));
	ck_assert_uint_eq(ret->n, 3);
	follower_world_unit(lose, &leaf);
	learn_fees();
	return leaf;
}

START_TEST(others_have_paid)
{
	struct exit_chain chain;
	struct vtxo leaf = small_leaf(&chain);

	pass(AUTO_EXIT_LOST);
	ck_assert(!exits(&leaf));
	for (size_t i = 0; i < 2; i++) {
		(void)model_node_offer(fw.node, &chain.txs[i].tx);
		follower_world_mine();
	}
	pass(AUTO_EXIT_LOST);
	ck_assert(exits(&leaf));
	ck_assert_uint_eq(begun, 1);
}
END_TEST

/* By what is known, then: that is dearer, never cheaper. */
START_TEST(nobody_can_be_asked)
{
	struct vtxo rich = vtxo_world_mined(1, 50000), leaf;
	struct exit_chain chain;

	vtxo_world_take(&rich);
	leaf = small_leaf(&chain);
	for (size_t i = 0; i < 2; i++) {
		(void)model_node_offer(fw.node, &chain.txs[i].tx);
		follower_world_mine();
	}
	follower_world_follow();
	model_node_down(fw.node, true);
	pass_only(AUTO_EXIT_LOST);
	ck_assert(exits(&rich) && !exits(&leaf));
	follower_world_node_back();
	pass(AUTO_EXIT_LOST);
	ck_assert(exits(&leaf));
}
END_TEST

/* What happens to it while a node is asked. */
START_TEST(overtaken)
{
	struct auto_exit_options opt = options(AUTO_EXIT_LOST);
	struct auto_exits *x = auto_exits_new(&opt);
	struct vtxo v = vtxo_world_mined(0, 50000), other = vtxo_world_mined(1, 50000);

	vtxo_world_take(&v);
	vtxo_world_take(&other);
	follower_world_unit(lose, &v);
	learn_fees();
	follower_world_follow();
	OK(auto_exits_run(x, err));
	ck_assert(auto_exits_is_asking(x) && !exits(&v) && !exits(&other));
	follower_world_unit(lock, &v.point);
	OK(auto_exits_run(x, err)); /* another pass asks no second time */
	while (auto_exits_is_asking(x))
		follower_world_run_for(1);
	ck_assert(!exits(&v) && exits(&other));
	ck_assert_uint_eq(begun, 1);
	/* It may end in the middle. */
	OK(auto_exits_run(x, err));
	ck_assert(auto_exits_is_asking(x));
	auto_exits_free(x);
	follower_world_run_for(20);
}
END_TEST

/* They are asked for page by page, and those that are not worth it keep nobody waiting. */
START_TEST(more_than_a_page)
{
	struct vtxo poor[201], rich;

	for (unsigned i = 0; i < ARRAY_LEN(poor); i++)
		poor[i] = vtxo_world_board(vtxo_world_key(0), 400);
	rich = vtxo_world_board(vtxo_world_key(1), 50000);
	follower_world_mine();
	for (unsigned i = 0; i < ARRAY_LEN(poor); i++)
		vtxo_world_take(&poor[i]);
	vtxo_world_take(&rich);
	follower_world_unit(lose, &rich);
	learn_fees();
	pass(AUTO_EXIT_LOST);
	ck_assert(exits(&rich));
	ck_assert_uint_eq(begun, 1);
}
END_TEST

START_TEST(nothing_there)
{
	pass(AUTO_EXIT_ON);
	ck_assert_uint_eq(begun, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/auto");
	TCase *c = tcase_create("auto");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, follower_world_teardown);
	tcase_add_loop_test(c, case_table, 0, ARRAY_LEN(cases));
	tcase_add_test(c, begun_by_somebody_else);
	tcase_add_test(c, many_at_once);
	tcase_add_test(c, a_payment_to_its_script);
	tcase_add_test(c, others_have_paid);
	tcase_add_test(c, nobody_can_be_asked);
	tcase_add_test(c, overtaken);
	tcase_add_test(c, more_than_a_page);
	tcase_add_test(c, nothing_there);
	suite_add_tcase(s, c);
	return suite_run(s);
}
