/* Is a Lightning node of our chain?  By its network, and by its tip among the blocks that the follower has seen. */
#include "lightning/same_chain.h"

#include "store/chain_store.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define FIRST 100u
#define TIP   120u

static struct scratch s;
static struct err e, *err = &e;

static struct block_hash hash_at(uint32_t height)
{
	return (struct block_hash){ { (uint8_t)height, 7 } };
}

static int connect_blocks(struct unit *u, void *ctx, struct err *er)
{
	(void)ctx;
	for (uint32_t h = FIRST; h <= TIP; h++) {
		struct block_row block = { .time_s = 1700000000, .ref = { h, hash_at(h) } };

		if (h > FIRST)
			block.prev = hash_at(h - 1);
		if (chain_store_connect(u, &block, 1, er) != 0)
			return -1;
	}
	return 0;
}

static const struct {
	const char *name, *chain;
	uint32_t height;
	bool has_tip, other_block, says_synced;
	int rc;
	bool synced;
} nodes[] = {
	{ "at our tip", "regtest", TIP, true, false, true, 0, true },
	{ "that does not name its network", "", TIP, true, false, true, 0, true },
	{ "that tells no tip", "regtest", TIP, false, false, true, 0, true },
	{ "that says it is not synced", "regtest", TIP, false, false, false, 0, false },
	{ "that says so beside a tip of ours", "regtest", TIP, true, false, false, 0, false },
	{ "of another network", "signet", TIP, true, false, true, -1, false },
	{ "of another network, without a tip", "bitcoin", 0, false, false, true, -1, false },
	{ "of another chain", "regtest", TIP - 3, true, true, true, -1, false },
	{ "of another chain, and of no network", "", FIRST, true, true, true, -1, false },
	{ "at a reorganisation", "regtest", TIP - 2, true, true, true, 0, false },
	{ "some blocks behind", "regtest", TIP - 6, true, false, true, 0, true },
	{ "too far behind", "regtest", TIP - 7, true, false, true, 0, false },
	{ "further behind than is known", "", FIRST - 50, true, true, true, 0, false },
	{ "ahead of us", "", TIP + 1, true, true, true, 0, true },
};

START_TEST(a_node)
{
	struct ln_info info = {
		.version = "",
		.chain = nodes[_i].chain,
		.height = nodes[_i].height,
		.synced = nodes[_i].says_synced,
		.has_tip = nodes[_i].has_tip,
		.tip = hash_at(nodes[_i].other_block ? 1 : nodes[_i].height),
	};
	bool synced = false;
	int rc;

	scratch_open(&s);
	/* Before the follower has seen anything, nothing is known against it. */
	rc = same_chain(store_view(s.store), NETWORK_REGTEST, &info, &synced, err);
	ck_assert(rc == 0 || info.chain[0] != '\0');
	scratch_unit(&s, connect_blocks, NULL);
	rc = same_chain(store_view(s.store), NETWORK_REGTEST, &info, &synced, err);
	ck_assert_msg(rc == nodes[_i].rc, "%s: %d", nodes[_i].name, rc);
	if (rc == 0)
		ck_assert_msg(synced == nodes[_i].synced, "%s", nodes[_i].name);
	else
		ck_assert_int_eq(err->code, ERR_NETWORK);
	scratch_close(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lightning/same_chain");
	TCase *tc = tcase_create("nodes");

	tcase_add_loop_test(tc, a_node, 0, (int)ARRAY_LEN(nodes));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
