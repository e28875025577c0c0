/* The follower over a model of a node to which anything happens: payments, double spends, blocks, reorganisations, evictions,
 * restarts in the middle.  Whenever a round has come to its end, the tables are what the node says. */
#include "base/rng.h"
#include "tests/support/follower_world.h"
#include "tests/support/suite.h"

static enum chain_kind kind;

static struct view now(void)
{
	return store_view(fw.scratch.store);
}

/* Any coin that no block has spent: of the wallet's, in the node's world. */
struct pick {
	struct outpoint at[512];
	size_t n;
};

static void pick_coin(void *ctx, const struct tx *tx, const struct txid *txid)
{
	struct pick *p = ctx;
	struct block_ref ref;
	struct script_row row;
	struct err e, *err = &e;

	if (!model_node_has(fw.node, txid) && !model_node_mined(fw.node, txid, &ref))
		return;
	for (uint32_t k = 0; k < tx->n_out; k++) {
		struct outpoint at = { *txid, k };
		struct txid by;

		SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
		if (model_node_spender(fw.node, &at, &by) && model_node_mined(fw.node, &by, &ref))
			continue;
		if (script_store_find(now(), &a, tx->out[k].script, &row, err) == 1 && p->n < ARRAY_LEN(p->at))
			p->at[p->n++] = at;
	}
}

static void any_spend(void)
{
	struct pick p = { .n = 0 };
	struct pays out[] = { { { 0 }, rng_below(50) },
			      { follower_world_script(SCRIPT_CHANGE, 0), 1 + rng_below(40) } };
	struct tx tx;

	model_node_each(fw.node, pick_coin, &p);
	if (p.n == 0)
		return;
	out[1].script = follower_world_give(SCRIPT_CHANGE, (uint32_t)rng_below(20));
	tx = follower_world_tx(&p.at[rng_below(p.n)], 1, out, 1 + rng_below(2));
	model_node_offer(fw.node, &tx);
}

static void evict_one(void *ctx, const struct tx *tx, const struct txid *txid)
{
	(void)tx;
	if (model_node_has(fw.node, txid) && rng_below(4) == 0 && *(int *)ctx > 0) {
		model_node_evict(fw.node, txid);
		--*(int *)ctx;
	}
}

static void any_step(void)
{
	int one = 1;

	switch (rng_below(9)) {
	case 0:
	case 1:
		follower_world_receive(SCRIPT_RECEIVE, (uint32_t)rng_below(40), 100 + rng_below(1000));
		break;
	case 2:
	case 3:
		any_spend();
		break;
	case 4:
		follower_world_mine();
		break;
	case 5:
		model_node_mine(fw.node, rng_below(2), follower_world_give(SCRIPT_RECEIVE, (uint32_t)rng_below(20)));
		break;
	case 6:
		for (uint64_t k = 1 + rng_below(model_node_height(fw.node) > 40 ? 30 : 3), i = 0; i < k; i++)
			model_node_rewind(fw.node, 1);
		model_node_mine_empty(fw.node, 1 + (unsigned)rng_below(40));
		break;
	case 7:
		model_node_each(fw.node, evict_one, &one);
		break;
	case 8:
		model_node_mine_empty(fw.node, (unsigned)rng_below(20));
		break;
	}
}

static void anything(uint64_t seed)
{
	struct err e, *err = &e;

	rng_seed_for_test(seed);
	follower_world_account(5);
	model_node_mine_empty(fw.node, 5);
	for (int i = 0; i < 60; i++) {
		for (uint64_t k = rng_below(6); k > 0; k--)
			any_step();
		if (rng_below(6) == 0)
			follower_world_restart(kind);
		if (rng_below(3) == 0)
			(void)follower_world_round();
		follower_world_follow_twice();
		follower_world_agree("anything");
	}
	OK(movement_audit(now(), err));
}

START_TEST(anything_at_all)
{
	kind = _i % 2 ? CHAIN_ESPLORA : CHAIN_BITCOIND;
	follower_world_setup(kind);
	anything((uint64_t)_i + 1);
	follower_world_teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain/follower_anything");
	TCase *tc = tcase_create("anything");

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, anything_at_all, 0, 8);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
