/* Claims that nobody asks for: when they are cheap, when they have waited, and when somebody else could be faster. */
#include "exit/auto_claim.h"

#include "exit/claim.h"
#include "tests/support/exit_world.h"
#include "tests/support/suite.h"

static struct err failure, *err = &failure;

static int pass(void)
{
	const struct auto_claim_options opt = {
		.store = fw.scratch.store, .chain = fw.source, .exits = xw.exits, .tip = model_node_height(fw.node)
	};
	int rc = auto_claim(&opt, err);

	ck_assert_msg(rc >= 0, "%s", err->msg);
	store_flush(fw.scratch.store);
	exit_world_drain();
	exit_world_settle();
	return rc;
}

/* Its exit can be claimed. */
static int64_t claimable(const struct vtxo *v)
{
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(v);
	exit_world_settle();
	for (size_t i = 0; i < v->n_items; i++)
		exit_world_mine(1);
	ck_assert_int_eq(pass(), 0); /* it is not time yet */
	exit_world_mine(EXIT_WORLD_DELTA + 5);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIMABLE);
	return id;
}

START_TEST(when_it_is_cheap)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id = claimable(&v);

	exits_set_keys(xw.exits, NULL);
	ck_assert_int_eq(pass(), 0);
	exits_set_keys(xw.exits, xw.keys);
	ck_assert_int_eq(pass(), 1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(pass(), 0); /* and once */
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITED);
	exit_world_check_books();
}
END_TEST

START_TEST(when_it_has_waited)
{
	struct vtxo v = exit_world_make_vtxo(1000, 0, 0); /* a fee of 258 */
	int64_t id = claimable(&v);

	ck_assert_int_eq(pass(), 0);
	model_node_mine_empty(fw.node, AUTO_CLAIM_BLOCKS - 6);
	exit_world_settle();
	ck_assert_int_eq(pass(), 0);
	exit_world_mine(1);
	ck_assert_int_eq(pass(), 1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIM_IN_PROGRESS);
}
END_TEST

static const uint8_t preimage[PREIMAGE_SIZE] = { 7 };

static int tell_unit(struct unit *u, void *ctx, struct err *e)
{
	const struct vtxo *v = ctx;

	return exit_add_preimage(u, &fw.arena, &v->point, preimage, e);
}

START_TEST(when_others_could_be_faster)
{
	struct vtxo v = exit_world_make_received(1000, 5, preimage);
	int64_t id;

	follower_world_unit(tell_unit, &v);
	id = claimable(&v);
	ck_assert_int_eq(pass(), 1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIM_IN_PROGRESS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/auto_claim");
	TCase *tc = tcase_create("claims");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, exit_world_setup, exit_world_teardown);
	tcase_add_test(tc, when_it_is_cheap);
	tcase_add_test(tc, when_it_has_waited);
	tcase_add_test(tc, when_others_could_be_faster);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
