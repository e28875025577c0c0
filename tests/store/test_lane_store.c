#include "store/relay_store.h"

#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(256 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static int64_t put(struct unit *u, uint64_t chain_id, unsigned relayer, struct err *err)
{
	struct evm_address a = rows_address(relayer);
	int64_t lane;

	OK(lane_store_put(u, chain_id, &a, "hd:3", 1000, &lane, err));
	return lane;
}

static struct lane_row get(struct unit *u, int64_t lane, struct err *err)
{
	struct lane_row row;

	OK(lane_store_get(unit_view(u), &arena, lane, &row, err));
	return row;
}

static int a_new_lane(struct unit *u, void *ctx, struct err *err)
{
	struct evm_address relayer = rows_address(5);
	int64_t lane = put(u, 31337, 5, err);
	struct lane_row row = get(u, lane, err);

	(void)ctx;
	ck_assert_int_eq(row.lane, lane);
	ck_assert_uint_eq(row.chain_id, 31337);
	ck_assert(evm_address_equal(&row.relayer, &relayer));
	ck_assert_str_eq(row.key_ref, "hd:3");
	ck_assert_uint_eq(row.next_tx_nonce, 0);
	ck_assert(!row.synced && row.active && !row.paused);
	ck_assert_ptr_null(row.pause_reason);
	ck_assert_int_eq(row.anomaly_at_ms, 0);
	ck_assert_int_eq(row.created_at_ms, 1000);
	return 0;
}

static int an_old_lane_comes_back(struct unit *u, void *ctx, struct err *err)
{
	struct evm_address relayer = rows_address(5);
	int64_t lane = put(u, 31337, 5, err), again;
	struct lane_row row;

	(void)ctx;
	OK(lane_store_raise(u, lane, 9, 0, err));
	OK(lane_store_pause(u, lane, "no_funds", err));
	OK(lane_store_set_active(u, lane, false, err));
	ck_assert(!get(u, lane, err).active);
	OK(lane_store_put(u, 31337, &relayer, "file:hot", 2000, &again, err));
	ck_assert_int_eq(again, lane);
	row = get(u, lane, err);
	ck_assert_str_eq(row.key_ref, "file:hot");
	ck_assert(row.active && row.synced);
	ck_assert_uint_eq(row.next_tx_nonce, 9);
	ck_assert_str_eq(row.pause_reason, "no_funds");
	ck_assert_int_eq(row.created_at_ms, 1000);
	return 0;
}

static int lists(struct unit *u, void *ctx, struct err *err)
{
	int64_t lanes[3] = { put(u, 1, 5, err), put(u, 2, 5, err), put(u, 1, 6, err) };
	struct lane_row *rows;
	size_t n;

	(void)ctx;
	OK(lane_store_list(unit_view(u), &arena, 0, &rows, &n, err));
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(rows[i].lane, lanes[i]);
	OK(lane_store_list(unit_view(u), &arena, 1, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(rows[0].lane, lanes[0]);
	ck_assert_int_eq(rows[1].lane, lanes[2]);
	OK(lane_store_list(unit_view(u), &arena, 3, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	FAILS(lane_store_list(unit_view(u), &arena, UINT64_MAX, &rows, &n, err), ERR_RANGE);
	return 0;
}

static int pause_and_resume(struct unit *u, void *ctx, struct err *err)
{
	int64_t lane = put(u, 1, 5, err);

	(void)ctx;
	OK(lane_store_pause(u, lane, "wrong_chain", err));
	ck_assert(get(u, lane, err).paused);
	ck_assert_str_eq(get(u, lane, err).pause_reason, "wrong_chain");
	OK(lane_store_pause(u, lane, NULL, err));
	ck_assert(!get(u, lane, err).paused);
	return 0;
}

static int nothing_is_ever_lowered(struct unit *u, void *ctx, struct err *err)
{
	static const struct {
		uint64_t at_least;
		int64_t anomaly_at_ms;
		uint64_t nonce;
		int64_t anomaly;
	} steps[] = {
		{ 0, 0, 0, 0 },
		{ 7, 0, 7, 0 },
		{ 3, 5000, 7, 5000 },
		{ 7, 0, 7, 5000 },
		{ 8, 4000, 8, 5000 },
		{ INT64_MAX, 6000, INT64_MAX, 6000 },
		{ 0, 0, INT64_MAX, 6000 },
	};
	int64_t lane = put(u, 1, 5, err), other = put(u, 1, 6, err);

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct lane_row row;

		OK(lane_store_raise(u, lane, steps[i].at_least, steps[i].anomaly_at_ms, err));
		row = get(u, lane, err);
		ck_assert(row.synced);
		ck_assert_uint_eq(row.next_tx_nonce, steps[i].nonce);
		ck_assert_int_eq(row.anomaly_at_ms, steps[i].anomaly);
	}
	FAILS(lane_store_raise(u, lane, UINT64_MAX, 0, err), ERR_RANGE);
	ck_assert(!get(u, other, err).synced);
	return 0;
}

static int there_is_no_such_lane(struct unit *u, void *ctx, struct err *err)
{
	struct lane_row row;

	(void)ctx;
	FAILS(lane_store_get(unit_view(u), &arena, 9, &row, err), ERR_NOT_FOUND);
	FAILS(lane_store_set_active(u, 9, true, err), ERR_NOT_FOUND);
	FAILS(lane_store_pause(u, 9, "x", err), ERR_NOT_FOUND);
	FAILS(lane_store_raise(u, 9, 1, 0, err), ERR_NOT_FOUND);
	return 0;
}

static int what_no_lane_may_be(struct unit *u, void *ctx, struct err *err)
{
	struct evm_address a = rows_address(5);
	int64_t lane = 4711;

	(void)ctx;
	FAILS(lane_store_put(u, 0, &a, "hd:0", 1, &lane, err), ERR_INTERNAL);
	FAILS(lane_store_put(u, 1, &a, NULL, 1, &lane, err), ERR_INTERNAL);
	FAILS(lane_store_put(u, UINT64_MAX, &a, "hd:0", 1, &lane, err), ERR_RANGE);
	ck_assert_int_eq(lane, 4711);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct unit *u, void *ctx, struct err *err);
} in_a_unit[] = {
	{ "a new lane", a_new_lane },
	{ "an old lane comes back", an_old_lane_comes_back },
	{ "lists", lists },
	{ "pause and resume", pause_and_resume },
	{ "nothing is ever lowered", nothing_is_ever_lowered },
	{ "there is no such lane", there_is_no_such_lane },
	{ "what no lane may be", what_no_lane_may_be },
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i].run, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/lane_store");
	TCase *tc = tcase_create("lanes");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
