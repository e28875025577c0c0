#include "store/relay_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "store/outbox_audit.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define ANY UINT32_MAX

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(4 * 1024 * 1024);
}

static void teardown(void)
{
	rng_seed_for_test(0);
	arena_done(&arena);
	scratch_close(&scratch);
}

static struct slot_row open_slot(struct unit *u, int64_t lane, struct err *err)
{
	struct slot_row slot;

	OK(slot_store_open(u, lane, SLOT_DIRECTIVES, ANY, 5, 1000, &slot, err));
	return slot;
}

static struct slot_row get(struct unit *u, int64_t id, struct err *err)
{
	struct slot_row slot;

	OK(slot_store_get(unit_view(u), id, &slot, err));
	return slot;
}

static void same_slot(const struct slot_row *is, const struct slot_row *expected)
{
	ck_assert_int_eq(is->id, expected->id);
	ck_assert_int_eq(is->lane, expected->lane);
	ck_assert_uint_eq(is->nonce, expected->nonce);
	ck_assert_int_eq(is->purpose, expected->purpose);
	ck_assert_str_eq(slot_state_name(is->state), slot_state_name(expected->state));
	ck_assert_int_eq(is->version, expected->version);
	ck_assert_uint_eq(is->fill, expected->fill);
	ck_assert_int_eq(is->mined, expected->mined);
	ck_assert(hash32_equal(&is->mined_hash, &expected->mined_hash));
	ck_assert(hash32_equal(&is->mined_block_hash, &expected->mined_block_hash));
	ck_assert_uint_eq(is->mined_block, expected->mined_block);
	ck_assert_int_eq(is->mined_ok, expected->mined_ok);
	ck_assert_uint_eq(is->gas_used, expected->gas_used);
	ck_assert_int_eq(gas_price_cmp(is->gas_price, expected->gas_price), 0);
	ck_assert_uint_eq(is->cost_gwei, expected->cost_gwei);
	ck_assert_uint_eq(is->watch_until, expected->watch_until);
	ck_assert_int_eq(is->next_check_at_ms, expected->next_check_at_ms);
	ck_assert_int_eq(is->opened_at_ms, expected->opened_at_ms);
}

static void set_mined(struct slot_row *slot)
{
	slot->mined = true;
	slot->mined_hash = rows_hash(1);
	slot->mined_block_hash = rows_hash(2);
	slot->mined_block = 77;
	slot->mined_ok = true;
	slot->gas_used = 21000;
	slot->gas_price = rows_price(GAS_PRICE_MAX);
}

static void save(struct unit *u, struct slot_row *slot, enum slot_state state)
{
	struct err e, *err = &e;

	slot->state = state;
	slot->mined = false;
	if (state == SLOT_MINED || state == SLOT_CONFIRMED || state == SLOT_FAILED)
		set_mined(slot);
	OK(slot_store_save(u, slot, err));
}

/* "nonce.fill " of each. */
static const char *nonces(const struct slot_row *rows, size_t n)
{
	static char text[2048];

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%" PRIu64 ".%" PRIu32 " ", rows[i].nonce,
			 rows[i].fill);
	return text;
}

static const char *list_open(struct unit *u, int64_t lane, unsigned max)
{
	struct slot_row *rows;
	struct err e, *err = &e;
	size_t n;

	OK(slot_store_list_open(unit_view(u), &arena, lane, max, &rows, &n, err));
	return nonces(rows, n);
}

static const char *list_watched(struct unit *u, int64_t lane, unsigned max)
{
	struct slot_row *rows;
	struct err e, *err = &e;
	size_t n;

	OK(slot_store_list_watched(unit_view(u), &arena, lane, max, &rows, &n, err));
	return nonces(rows, n);
}

/* --- opening --- */

static int a_new_slot(struct unit *u, void *ctx, struct err *err)
{
	int64_t lane = rows_lane(u, 1);
	struct slot_row slot, is, expected;

	(void)ctx;
	OK(lane_store_raise(u, lane, 9, 0, err));
	OK(slot_store_open(u, lane, SLOT_REVOKE, 1, 123, 4000, &slot, err));
	expected = (struct slot_row){
		.id = slot.id,
		.lane = lane,
		.nonce = 9,
		.purpose = SLOT_REVOKE,
		.version = 1,
		.cost_gwei = 123,
		.next_check_at_ms = 4000,
		.opened_at_ms = 4000,
	};
	same_slot(&slot, &expected);
	is = get(u, slot.id, err);
	same_slot(&is, &expected);
	OK(slot_store_at(unit_view(u), lane, 9, &is, err));
	same_slot(&is, &expected);
	return 0;
}

static int nonces_without_a_hole(struct unit *u, void *ctx, struct err *err)
{
	int64_t lane = rows_lane(u, 1), other = rows_lane(u, 2);
	struct lane_row row;

	(void)ctx;
	OK(lane_store_raise(u, lane, 40, 0, err));
	for (uint64_t i = 0; i < 5; i++)
		ck_assert_uint_eq(open_slot(u, lane, err).nonce, 40 + i);
	ck_assert_uint_eq(open_slot(u, other, err).nonce, 0);
	OK(lane_store_get(unit_view(u), &arena, lane, &row, err));
	ck_assert_uint_eq(row.next_tx_nonce, 45);
	OK(lane_store_raise(u, lane, 50, 0, err)); /* somebody else used some */
	ck_assert_uint_eq(open_slot(u, lane, err).nonce, 50);
	return 0;
}

static int a_nonce_that_somebody_had(struct unit *u, void *ctx, struct err *err)
{
	int64_t lane = rows_lane(u, 1);
	struct slot_row slot, is;

	(void)ctx;
	OK(lane_store_raise(u, lane, 40, 0, err));
	slot = open_slot(u, lane, err);
	OK(slot_store_add_vacant(u, lane, 39, 3000, err));
	ck_assert_str_eq(list_open(u, lane, 9), "39.0 40.0 ");
	OK(slot_store_at(unit_view(u), lane, 39, &is, err));
	ck_assert_str_eq(slot_state_name(is.state), "vacant");
	ck_assert_int_eq(is.opened_at_ms, 3000);
	ck_assert_int_eq(slot_store_add_vacant(u, lane, 39, 3000, err), -1);
	ck_assert_int_eq(err->code, ERR_CONFLICT);
	ck_assert_int_eq(slot_store_add_vacant(u, lane, slot.nonce, 3000, err), -1);
	ck_assert_int_eq(err->code, ERR_CONFLICT);
	is = open_slot(u, lane, err);
	ck_assert_uint_eq(is.nonce, 39);
	ck_assert_uint_eq(is.fill, 1);
	return 0;
}

static int the_lowest_vacant_one_first(struct unit *u, void *ctx, struct err *err)
{
	int64_t lane = rows_lane(u, 1), other = rows_lane(u, 2);
	struct slot_row slot[5], again, is;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(slot); i++)
		slot[i] = open_slot(u, lane, err);
	save(u, &slot[3], SLOT_VACANT);
	slot[1].watch_until = 5;
	set_mined(&slot[1]);
	save(u, &slot[1], SLOT_VACANT);
	ck_assert_str_eq(list_open(u, lane, 9), "0.0 1.0 2.0 3.0 4.0 ");
	ck_assert_uint_eq(open_slot(u, other, err).nonce, 0); /* a vacant one is its lane's */

	OK(slot_store_open(u, lane, SLOT_NO_OP, ANY, 77, 9000, &again, err));
	ck_assert_int_eq(again.id, slot[1].id);
	ck_assert_uint_eq(again.nonce, 1);
	ck_assert_uint_eq(again.fill, 1);
	ck_assert_int_eq(again.purpose, SLOT_NO_OP);
	ck_assert_int_eq(again.state, SLOT_PREPARED);
	ck_assert_int_eq(again.version, slot[1].version + 1);
	ck_assert_uint_eq(again.cost_gwei, 77);
	ck_assert_int_eq(again.opened_at_ms, 9000);
	ck_assert_int_eq(again.next_check_at_ms, 9000);
	ck_assert_uint_eq(again.watch_until, 0);
	ck_assert(!again.mined);
	is = get(u, again.id, err);
	same_slot(&is, &again);
	FAILS(slot_store_save(u, &slot[1], err), ERR_CONFLICT);

	ck_assert_uint_eq(open_slot(u, lane, err).nonce, 3);
	ck_assert_uint_eq(open_slot(u, lane, err).nonce, 5);
	save(u, &again, SLOT_VACANT);
	again = open_slot(u, lane, err);
	ck_assert_uint_eq(again.nonce, 1);
	ck_assert_uint_eq(again.fill, 2);
	return 0;
}

static int so_many_and_no_more(struct unit *u, void *ctx, struct err *err)
{
	int64_t lane = rows_lane(u, 1), other = rows_lane(u, 2);
	struct slot_row slot[3], more = { .id = 4711 };
	struct lane_row row;

	(void)ctx;
	FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, 0, 5, 1000, &more, err), ERR_BUSY);
	for (size_t i = 0; i < ARRAY_LEN(slot); i++)
		OK(slot_store_open(u, lane, SLOT_DIRECTIVES, 3, 5, 1000, &slot[i], err));
	save(u, &slot[0], SLOT_BROADCAST);
	FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, 3, 5, 1000, &more, err), ERR_BUSY);
	ck_assert_int_eq(more.id, 4711);
	OK(lane_store_get(unit_view(u), &arena, lane, &row, err));
	ck_assert_uint_eq(row.next_tx_nonce, 3); /* no nonce was spent on it */
	OK(slot_store_open(u, other, SLOT_DIRECTIVES, 3, 5, 1000, &more, err));
	/* What is mined has left the pools. */
	save(u, &slot[0], SLOT_MINED);
	OK(slot_store_open(u, lane, SLOT_DIRECTIVES, 3, 5, 1000, &more, err));
	ck_assert_uint_eq(more.nonce, 3);
	FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, 3, 5, 1000, &more, err), ERR_BUSY);
	/* A pool takes fewer now: those above a vacant one would wait for ever. */
	save(u, &slot[1], SLOT_VACANT);
	OK(slot_store_open(u, lane, SLOT_DIRECTIVES, 1, 5, 1000, &more, err));
	ck_assert_uint_eq(more.nonce, 1);
	FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, 1, 5, 1000, &more, err), ERR_BUSY);
	return 0;
}

static int no_lane_to_open_in(struct unit *u, void *ctx, struct err *err)
{
	struct evm_address relayer = rows_address(5);
	struct slot_row slot;
	int64_t lane;

	(void)ctx;
	FAILS(slot_store_open(u, 9, SLOT_DIRECTIVES, ANY, 5, 1000, &slot, err), ERR_NOT_FOUND);
	OK(lane_store_put(u, 1, &relayer, "hd:0", 1000, &lane, err));
	FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, ANY, 5, 1000, &slot, err), ERR_BUSY);
	ck_assert_ptr_nonnull(strstr(err->msg, "not been read"));
	OK(lane_store_raise(u, lane, INT64_MAX - 1, 0, err));
	FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, ANY, UINT64_MAX, 1000, &slot, err), ERR_RANGE);
	ck_assert_uint_eq(open_slot(u, lane, err).nonce, INT64_MAX - 1);
	FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, ANY, 5, 1000, &slot, err), ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(err->msg, "used up"));
	return 0;
}

/* --- saving --- */

static int everything_that_changes(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = open_slot(u, rows_lane(u, 1), err), is;

	(void)ctx;
	slot.purpose = SLOT_NO_OP;
	slot.state = SLOT_CONFIRMED;
	slot.cost_gwei = INT64_MAX;
	slot.watch_until = INT64_MAX;
	slot.next_check_at_ms = 8000;
	set_mined(&slot);
	OK(slot_store_save(u, &slot, err));
	ck_assert_int_eq(slot.version, 2);
	is = get(u, slot.id, err);
	same_slot(&is, &slot);
	/* A reorganisation takes it all back. */
	is = (struct slot_row){ .id = slot.id,
				.lane = slot.lane,
				.state = SLOT_BROADCAST,
				.version = 2,
				.next_check_at_ms = -1,
				.opened_at_ms = 1000 };
	OK(slot_store_save(u, &is, err));
	slot = get(u, slot.id, err);
	same_slot(&slot, &is);
	return 0;
}

static int a_stale_copy_writes_nothing(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row mine = open_slot(u, rows_lane(u, 1), err), theirs = mine, is;

	(void)ctx;
	save(u, &theirs, SLOT_BROADCAST);
	mine.state = SLOT_LOST;
	FAILS(slot_store_save(u, &mine, err), ERR_CONFLICT);
	ck_assert_int_eq(mine.version, 1);
	is = get(u, mine.id, err);
	same_slot(&is, &theirs);
	mine.id = 99;
	FAILS(slot_store_save(u, &mine, err), ERR_CONFLICT);
	FAILS(slot_store_get(unit_view(u), 99, &is, err), ERR_NOT_FOUND);
	FAILS(slot_store_at(unit_view(u), mine.lane, 99, &is, err), ERR_NOT_FOUND);
	FAILS(slot_store_at(unit_view(u), mine.lane, UINT64_MAX, &is, err), ERR_NOT_FOUND);
	return 0;
}

static int numbers_of_a_chain(struct unit *u, void *ctx, struct err *err)
{
	const struct slot_row slot = open_slot(u, rows_lane(u, 1), err);
	struct slot_row bad;

	(void)ctx;
	bad = slot, set_mined(&bad), bad.mined_block = UINT64_MAX;
	FAILS(slot_store_save(u, &bad, err), ERR_RANGE);
	bad = slot, set_mined(&bad), bad.gas_used = UINT64_MAX;
	FAILS(slot_store_save(u, &bad, err), ERR_RANGE);
	bad = slot, bad.cost_gwei = UINT64_MAX;
	FAILS(slot_store_save(u, &bad, err), ERR_RANGE);
	bad = slot, bad.watch_until = UINT64_MAX;
	FAILS(slot_store_save(u, &bad, err), ERR_RANGE);
	return 0;
}

static int what_no_slot_may_be(struct unit *u, void *ctx, struct err *err)
{
	const struct slot_row slot = open_slot(u, rows_lane(u, 1), err);
	struct slot_row bad, is;

	(void)ctx;
	for (int state = SLOT_MINED; state <= SLOT_FAILED; state++) {
		bad = slot, bad.state = (enum slot_state)state; /* by no transaction */
		FAILS(slot_store_save(u, &bad, err), ERR_INTERNAL);
	}
	bad = slot, bad.state = (enum slot_state)7;
	FAILS(slot_store_save(u, &bad, err), ERR_INTERNAL);
	bad = slot, bad.purpose = (enum slot_purpose)3;
	FAILS(slot_store_save(u, &bad, err), ERR_INTERNAL);
	is = get(u, slot.id, err);
	same_slot(&is, &slot);
	return 0;
}

static int make_slot(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	ck_assert_int_eq(open_slot(u, rows_lane(u, 1), err).id, 1);
	return 0;
}

static const char *const by_hand[] = {
	"mined_hash = zeroblob(32)",
	"mined_hash = zeroblob(31), mined_block = 1, mined_block_hash = zeroblob(32), mined_ok = 1, gas_used = 1, gas_price = 1",
	"mined_hash = zeroblob(32), mined_block = 1, mined_block_hash = zeroblob(33), mined_ok = 1, gas_used = 1, gas_price = 1",
	"mined_hash = zeroblob(32), mined_block = 1, mined_block_hash = zeroblob(32), mined_ok = 2, gas_used = 1, gas_price = 1",
	"mined_hash = zeroblob(32), mined_block = 1, mined_block_hash = zeroblob(32), mined_ok = 1, gas_used = 1",
	("mined_hash = zeroblob(32), mined_block = 1, mined_block_hash = zeroblob(32), mined_ok = 1, gas_used = 1,"
	 " gas_price = 4611686018427387905"),
	"gas_price = 1",
	"tx_nonce = -1",
	"cost_gwei = -1",
	"fill = -1",
	"state = -1",
};

START_TEST(impossible_by_hand)
{
	char sql[320];

	scratch_unit(&scratch, make_slot, NULL);
	snprintf(sql, sizeof(sql), "UPDATE outbox_tx SET %s", by_hand[_i]);
	ck_assert_msg(scratch_sql_refused(&scratch, sql), "%s", sql);
}
END_TEST

/* --- lists and sums --- */

static int open_and_watched(struct unit *u, void *ctx, struct err *err)
{
	static const int64_t check_at_ms[] = { 900, 100, 500, -1 };
	int64_t lane = rows_lane(u, 1), other = rows_lane(u, 2);
	unsigned n;

	(void)ctx;
	ck_assert_str_eq(list_open(u, lane, 9), "");
	OK(slot_store_count_open(unit_view(u), ROWS_CHAIN, &n, err));
	ck_assert_uint_eq(n, 0);
	for (int state = SLOT_PREPARED; state <= SLOT_LOST; state++) {
		struct slot_row slot = open_slot(u, lane, err);

		if (state == SLOT_VACANT)
			continue; /* the next one would fill it */
		save(u, &slot, (enum slot_state)state);
	}
	open_slot(u, other, err);
	{
		struct slot_row slot;

		OK(slot_store_at(unit_view(u), lane, SLOT_VACANT, &slot, err));
		save(u, &slot, SLOT_VACANT);
	}
	ck_assert_str_eq(list_open(u, lane, 9), "0.0 1.0 2.0 5.0 ");
	ck_assert_str_eq(list_open(u, lane, 2), "0.0 1.0 ");
	ck_assert_str_eq(list_open(u, other, 2), "0.0 ");
	ck_assert_str_eq(list_watched(u, lane, 9), "6.0 4.0 3.0 ");
	ck_assert_str_eq(list_watched(u, other, 9), "");
	OK(slot_store_count_open(unit_view(u), ROWS_CHAIN, &n, err));
	ck_assert_uint_eq(n, 4); /* three here, one there */
	OK(slot_store_count_open(unit_view(u), ROWS_CHAIN + 1, &n, err));
	ck_assert_uint_eq(n, 0);
	FAILS(slot_store_count_open(unit_view(u), UINT64_MAX, &n, err), ERR_RANGE);

	for (size_t i = 0; i < ARRAY_LEN(check_at_ms); i++) {
		struct slot_row slot = open_slot(u, other, err);

		slot.next_check_at_ms = check_at_ms[i];
		save(u, &slot, i % 2 ? SLOT_FAILED : SLOT_CONFIRMED);
	}
	ck_assert_str_eq(list_watched(u, other, 9), "1.0 3.0 2.0 ");
	ck_assert_str_eq(list_watched(u, other, 1), "1.0 ");
	return 0;
}

static uint64_t cost_since(struct unit *u, uint64_t chain_id, int64_t since_ms)
{
	struct err e, *err = &e;
	uint64_t gwei;

	OK(slot_store_cost_since(unit_view(u), chain_id, since_ms, &gwei, err));
	return gwei;
}

static int what_slots_cost(struct unit *u, void *ctx, struct err *err)
{
	struct evm_address relayer = rows_address(5);
	int64_t lane = rows_lane(u, 1), other = rows_lane(u, 2), elsewhere;
	struct slot_row slot;
	uint64_t gwei;

	(void)ctx;
	OK(lane_store_put(u, 7, &relayer, "hd:0", 1, &elsewhere, err));
	OK(lane_store_raise(u, elsewhere, 0, 0, err));
	ck_assert_uint_eq(cost_since(u, ROWS_CHAIN, 0), 0);
	OK(slot_store_open(u, lane, SLOT_DIRECTIVES, ANY, 1, 1000, &slot, err));
	OK(slot_store_open(u, other, SLOT_DIRECTIVES, ANY, 10, 2000, &slot, err));
	OK(slot_store_open(u, elsewhere, SLOT_DIRECTIVES, ANY, 5, 2000, &slot, err));
	OK(slot_store_open(u, lane, SLOT_DIRECTIVES, ANY, 100, 3000, &slot, err));
	ck_assert_uint_eq(cost_since(u, ROWS_CHAIN, 0), 111);
	ck_assert_uint_eq(cost_since(u, ROWS_CHAIN, 1000), 111);
	ck_assert_uint_eq(cost_since(u, ROWS_CHAIN, 1001), 110);
	ck_assert_uint_eq(cost_since(u, ROWS_CHAIN, 3001), 0);
	ck_assert_uint_eq(cost_since(u, 7, 0), 5);
	slot.cost_gwei = 40; /* known now */
	save(u, &slot, SLOT_CONFIRMED);
	ck_assert_uint_eq(cost_since(u, ROWS_CHAIN, 0), 51);
	/* One of long ago that is filled anew costs now. */
	OK(slot_store_at(unit_view(u), lane, 0, &slot, err));
	slot.cost_gwei = 0;
	save(u, &slot, SLOT_VACANT);
	OK(slot_store_open(u, lane, SLOT_DIRECTIVES, ANY, 7, 5000, &slot, err));
	ck_assert_uint_eq(cost_since(u, ROWS_CHAIN, 5000), 7);
	/* More than can be counted is not taken for little. */
	slot.cost_gwei = INT64_MAX;
	OK(slot_store_save(u, &slot, err));
	FAILS(slot_store_cost_since(unit_view(u), ROWS_CHAIN, 0, &gwei, err), ERR_INTERNAL);
	FAILS(slot_store_cost_since(unit_view(u), UINT64_MAX, 0, &gwei, err), ERR_RANGE);
	return 0;
}

/* --- at random --- */

struct lane_model {
	uint64_t next;
	unsigned in_pools;
	bool vacant[400];
};

static int play(struct unit *u, void *ctx, struct err *err)
{
	struct lane_model *m = ctx;
	int64_t lane = rows_lane(u, 1);
	unsigned max = (unsigned)rng_below(6);
	uint64_t expected = 0;
	struct slot_row slot;

	while (expected < m->next && !m->vacant[expected])
		expected++;
	if (expected == m->next && m->in_pools >= max) {
		FAILS(slot_store_open(u, lane, SLOT_DIRECTIVES, max, 1, 1000, &slot, err), ERR_BUSY);
	} else {
		OK(slot_store_open(u, lane, SLOT_DIRECTIVES, max, 1, 1000, &slot, err));
		ck_assert_uint_eq(slot.nonce, expected);
		rows_attempt(u, &slot, 0, 0x10000 * (unsigned)slot.id + slot.fill);
		m->vacant[expected] = false;
		m->next += expected == m->next;
		m->in_pools++;
	}
	for (uint64_t nonce = 0; nonce < m->next; nonce++) {
		OK(slot_store_at(unit_view(u), lane, nonce, &slot, err));
		if (slot.state > SLOT_BROADCAST || rng_below(3) > 0)
			continue;
		m->vacant[nonce] = rng_below(2) == 0;
		save(u, &slot, m->vacant[nonce] ? SLOT_VACANT : SLOT_MINED);
		m->in_pools--;
	}
	return outbox_audit(unit_view(u), err);
}

START_TEST(no_nonce_is_left_out)
{
	struct lane_model m = { 0 };
	struct err e, *err = &e;

	rng_seed_for_test((uint64_t)_i + 1);
	for (int i = 0; i < 100; i++)
		OK(store_unit(scratch.store, play, &m, NULL, err));
	store_flush(scratch.store);
	ck_assert_uint_gt(m.next, 20);
}
END_TEST

/* --- */

static const struct {
	const char *name;
	int (*run)(struct unit *u, void *ctx, struct err *err);
} in_a_unit[] = {
	{ "a new slot", a_new_slot },
	{ "nonces without a hole", nonces_without_a_hole },
	{ "a nonce that somebody had", a_nonce_that_somebody_had },
	{ "the lowest vacant one first", the_lowest_vacant_one_first },
	{ "so many and no more", so_many_and_no_more },
	{ "no lane to open in", no_lane_to_open_in },
	{ "everything that changes", everything_that_changes },
	{ "a stale copy writes nothing", a_stale_copy_writes_nothing },
	{ "numbers of a chain", numbers_of_a_chain },
	{ "what no slot may be", what_no_slot_may_be },
	{ "open and watched", open_and_watched },
	{ "what slots cost", what_slots_cost },
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i].run, NULL);
}
END_TEST

START_TEST(names)
{
	static const char *const expected[] = { "prepared", "broadcast", "mined", "confirmed",
						"failed",   "vacant",    "lost" };

	for (int s = SLOT_PREPARED; s <= SLOT_LOST; s++)
		ck_assert_str_eq(slot_state_name((enum slot_state)s), expected[s]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/slot_store");
	TCase *tc = tcase_create("slots");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	tcase_add_loop_test(tc, impossible_by_hand, 0, (int)ARRAY_LEN(by_hand));
	tcase_add_loop_test(tc, no_nonce_is_left_out, 0, 4);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
