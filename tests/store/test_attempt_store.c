#include "store/relay_store.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(4 * 1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

/* A slot without any attempt. */
static struct slot_row slot_in(struct unit *u, unsigned lane)
{
	struct slot_row slot;
	struct err e, *err = &e;

	OK(slot_store_open(u, rows_lane(u, lane), SLOT_DIRECTIVES, UINT32_MAX, 5, 1000, &slot, err));
	return slot;
}

static struct slot_row fill_anew(struct unit *u, struct slot_row *slot)
{
	struct slot_row again;
	struct err e, *err = &e;

	slot->state = SLOT_VACANT;
	OK(slot_store_save(u, slot, err));
	again = slot_in(u, 1);
	ck_assert_int_eq(again.id, slot->id);
	return again;
}

static size_t list(struct unit *u, int64_t tx_id, struct attempt_row **rows)
{
	struct err e, *err = &e;
	size_t n;

	OK(attempt_store_list(unit_view(u), &arena, tx_id, rows, &n, err));
	return n;
}

static struct directive_row directive(struct unit *u, unsigned n)
{
	struct directive_row row = rows_directive(rows_space(u, 1), n);

	return rows_add(u, &arena, &row);
}

/* --- attempts --- */

static int round_trip(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = slot_in(u, 1);
	struct attempt_row row = {
		.hash = rows_hash(1),
		.tx_id = slot.id,
		.fill = 0,
		.attempt = 3,
		.raw = { (const uint8_t *)"\x02\0raw", 5 },
		.max_fee = rows_price(GAS_PRICE_MAX),
		.max_priority_fee = rows_price(0),
		.gas_limit = INT64_MAX,
		.first_sent_at_ms = 500,
		.last_sent_at_ms = 600,
		.acknowledged = true,
		.last_reply = "already known",
		.signed_at_ms = 400,
	};
	struct attempt_row *rows;
	struct hash32 hash;
	struct bytes raw;

	(void)ctx;
	ck_assert_uint_eq(list(u, slot.id, &rows), 0);
	OK(attempt_store_add(u, &row, err));
	ck_assert_uint_eq(list(u, slot.id, &rows), 1);
	ck_assert(hash32_equal(&rows[0].hash, &row.hash));
	ck_assert_int_eq(rows[0].tx_id, slot.id);
	ck_assert_uint_eq(rows[0].fill, 0);
	ck_assert_uint_eq(rows[0].attempt, 3);
	ck_assert_uint_eq(rows[0].raw.n, 0);
	OK(attempt_store_raw(unit_view(u), &arena, &row.hash, &raw, err));
	ck_assert_uint_eq(raw.n, 5);
	ck_assert_mem_eq(raw.p, row.raw.p, 5);
	hash = rows_hash(2);
	FAILS(attempt_store_raw(unit_view(u), &arena, &hash, &raw, err), ERR_NOT_FOUND);
	ck_assert_int_eq(gas_price_cmp(rows[0].max_fee, row.max_fee), 0);
	ck_assert_int_eq(gas_price_cmp(rows[0].max_priority_fee, row.max_priority_fee), 0);
	ck_assert_uint_eq(rows[0].gas_limit, INT64_MAX);
	ck_assert_int_eq(rows[0].first_sent_at_ms, 500);
	ck_assert_int_eq(rows[0].last_sent_at_ms, 600);
	ck_assert(rows[0].acknowledged);
	ck_assert_str_eq(rows[0].last_reply, "already known");
	ck_assert_int_eq(rows[0].signed_at_ms, 400);
	return 0;
}

static int each_is_signed_once(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = slot_in(u, 1);
	struct attempt_row row = rows_attempt(u, &slot, 0, 1);

	(void)ctx;
	row.attempt = 1;
	FAILS(attempt_store_add(u, &row, err), ERR_EXISTS);
	row.hash = rows_hash(2);
	row.attempt = 0;
	FAILS(attempt_store_add(u, &row, err), ERR_EXISTS);
	row.fill = 1;
	OK(attempt_store_add(u, &row, err));
	row.hash = rows_hash(3);
	row.tx_id = 99;
	FAILS(attempt_store_add(u, &row, err), ERR_INTERNAL);
	row.tx_id = slot.id;
	row.attempt = 9;
	row.gas_limit = UINT64_MAX;
	FAILS(attempt_store_add(u, &row, err), ERR_RANGE);
	row.gas_limit = 1;
	row.acknowledged = true; /* and not sent */
	FAILS(attempt_store_add(u, &row, err), ERR_INTERNAL);
	return 0;
}

static int what_sending_it_gave(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = slot_in(u, 1);
	struct attempt_row row = rows_attempt(u, &slot, 0, 1), other = rows_attempt(u, &slot, 1, 2), *rows;
	char reply[600];

	(void)ctx;
	list(u, slot.id, &rows);
	ck_assert_int_eq(rows[0].first_sent_at_ms, 0);
	ck_assert_int_eq(rows[0].last_sent_at_ms, 0);
	ck_assert(!rows[0].acknowledged);
	ck_assert_ptr_null(rows[0].last_reply);
	OK(attempt_store_note_sent(u, &row.hash, 100, NULL, false, err)); /* no answer */
	list(u, slot.id, &rows);
	ck_assert_int_eq(rows[0].first_sent_at_ms, 100);
	ck_assert_ptr_null(rows[0].last_reply);
	OK(attempt_store_note_sent(u, &row.hash, 200, "already known", true, err));
	memset(reply, 'r', sizeof(reply));
	reply[sizeof(reply) - 1] = '\0';
	OK(attempt_store_note_sent(u, &row.hash, 300, reply, false, err));
	list(u, slot.id, &rows);
	ck_assert_int_eq(rows[0].first_sent_at_ms, 100);
	ck_assert_int_eq(rows[0].last_sent_at_ms, 300);
	ck_assert(rows[0].acknowledged); /* for good */
	ck_assert_uint_eq(strlen(rows[0].last_reply), 500);
	ck_assert_int_eq(rows[1].last_sent_at_ms, 0);
	ck_assert(hash32_equal(&rows[1].hash, &other.hash));
	row.hash = rows_hash(99);
	FAILS(attempt_store_note_sent(u, &row.hash, 1, NULL, false, err), ERR_NOT_FOUND);
	return 0;
}

static int of_every_fill(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = slot_in(u, 1), again, other = slot_in(u, 2);
	struct attempt_row *rows;

	(void)ctx;
	(void)err;
	for (uint32_t i = 0; i < 18; i++)
		rows_attempt(u, &slot, 17 - i, 100 + 17 - i);
	rows_attempt(u, &other, 0, 7);
	again = fill_anew(u, &slot);
	rows_attempt(u, &again, 0, 118);
	ck_assert_uint_eq(list(u, slot.id, &rows), 19);
	for (unsigned i = 0; i < 19; i++) {
		struct hash32 hash = rows_hash(100 + i);

		ck_assert(hash32_equal(&rows[i].hash, &hash));
		ck_assert_uint_eq(rows[i].fill, i == 18);
	}
	return 0;
}

static int an_arena_too_small(struct unit *u, void *ctx, struct err *err)
{
	static uint8_t bytes[8192];
	struct arena small = ARENA_LIMIT(8 * 1024), tiny = ARENA_LIMIT(100);
	struct slot_row slot = slot_in(u, 1);
	struct attempt_row row = rows_attempt(u, &slot, 0, 1), *rows;
	struct bytes raw;
	size_t n;

	(void)ctx;
	row.raw = (struct bytes){ bytes, sizeof(bytes) };
	row.attempt = 1, row.hash = rows_hash(2);
	OK(attempt_store_add(u, &row, err));
	OK(attempt_store_list(unit_view(u), &small, slot.id, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	FAILS(attempt_store_list(unit_view(u), &tiny, slot.id, &rows, &n, err), ERR_RANGE);
	FAILS(attempt_store_raw(unit_view(u), &small, &row.hash, &raw, err), ERR_RANGE);
	arena_done(&small);
	arena_done(&tiny);
	return 0;
}

static int make_attempt(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = rows_slot(u, rows_lane(u, 1));
	struct item_row item = { .tx_id = slot.id, .seq = directive(u, 1).seq, .outcome = -1 };

	(void)ctx;
	OK(item_store_add(u, &item, err));
	return 0;
}

static const char *const by_hand[] = {
	"outbox_tx_attempt SET tx_hash = zeroblob(31)",
	"outbox_tx_attempt SET fill = -1",
	"outbox_tx_attempt SET attempt = -1",
	"outbox_tx_attempt SET max_fee = -1",
	"outbox_tx_attempt SET max_fee = 4611686018427387905",
	"outbox_tx_attempt SET max_priority_fee = 4611686018427387905",
	"outbox_tx_attempt SET gas_limit = -1",
	"outbox_tx_attempt SET first_sent_at_ms = 1",
	"outbox_tx_attempt SET last_sent_at_ms = 1",
	"outbox_tx_attempt SET acknowledged = 1",
	"outbox_tx_attempt SET acknowledged = 2, first_sent_at_ms = 1, last_sent_at_ms = 1",
	"outbox_tx_attempt SET last_reply = replace(hex(zeroblob(501)), '00', 'x')",
	"outbox_tx_item SET outcome = -1",
	"outbox_tx_item SET position = -1",
	"outbox_tx_item SET fill = -1",
	"directive_signature SET nonce = -1",
	"outbox_lane SET next_tx_nonce = -1",
	"outbox_tally SET n = -1",
	"outbox_tally SET delivery_status = 9",
};

START_TEST(impossible_by_hand)
{
	char sql[160];

	scratch_unit(&scratch, make_attempt, NULL);
	scratch_sql(&scratch, "INSERT INTO directive_signature VALUES (1, 0, 1, zeroblob(32), zeroblob(65), 0)");
	snprintf(sql, sizeof(sql), "UPDATE %s", by_hand[_i]);
	ck_assert_msg(scratch_sql_refused(&scratch, sql), "%s", sql);
}
END_TEST

/* --- items --- */

static int items(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = slot_in(u, 1);
	struct item_row row = { .tx_id = slot.id, .outcome = -1 }, *rows;
	size_t n;

	(void)ctx;
	for (uint32_t i = 20; i-- > 0;) {
		row.position = i;
		row.seq = directive(u, i).seq;
		OK(item_store_add(u, &row, err));
	}
	row.position = 4;
	row.outcome = 3;
	OK(item_store_set_outcome(u, &row, err));
	OK(item_store_list(unit_view(u), &arena, slot.id, 0, &rows, &n, err));
	ck_assert_uint_eq(n, 20);
	for (uint32_t i = 0; i < 20; i++) {
		ck_assert_int_eq(rows[i].tx_id, slot.id);
		ck_assert_uint_eq(rows[i].fill, 0);
		ck_assert_uint_eq(rows[i].position, i);
		ck_assert_int_eq(rows[i].seq, 20 - (int64_t)i);
		ck_assert_int_eq(rows[i].outcome, i == 4 ? 3 : -1);
	}
	row.outcome = -1; /* its block went away */
	OK(item_store_set_outcome(u, &row, err));
	OK(item_store_list(unit_view(u), &arena, slot.id, 0, &rows, &n, err));
	ck_assert_int_eq(rows[4].outcome, -1);
	OK(item_store_list(unit_view(u), &arena, slot.id, 1, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	return 0;
}

static int an_item_is_there_once(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row slot = slot_in(u, 1);
	struct item_row row = { .tx_id = slot.id, .seq = directive(u, 1).seq, .outcome = -1 };
	int64_t second = directive(u, 2).seq;

	(void)ctx;
	FAILS(item_store_set_outcome(u, &row, err), ERR_NOT_FOUND);
	OK(item_store_add(u, &row, err));
	row.position = 1;
	FAILS(item_store_add(u, &row, err), ERR_EXISTS); /* twice in one transaction */
	row.position = 0;
	row.seq = second;
	FAILS(item_store_add(u, &row, err), ERR_EXISTS);
	row.fill = 1;
	OK(item_store_add(u, &row, err));
	row.position = 1;
	row.seq = 99;
	FAILS(item_store_add(u, &row, err), ERR_INTERNAL);
	row.seq = second;
	row.tx_id = 99;
	FAILS(item_store_add(u, &row, err), ERR_INTERNAL);
	return 0;
}

static void carry(struct unit *u, const struct slot_row *slot, int64_t seq)
{
	struct item_row row = { .tx_id = slot->id, .fill = slot->fill, .seq = seq, .outcome = -1 };
	struct err e, *err = &e;

	OK(item_store_add(u, &row, err));
}

static int the_hashes_that_carried_it(struct unit *u, void *ctx, struct err *err)
{
	struct slot_row first = slot_in(u, 1), second = slot_in(u, 2), again;
	int64_t it = directive(u, 1).seq, other = directive(u, 2).seq;
	struct hash32 *hashes;
	size_t n;

	(void)ctx;
	OK(item_store_hashes_of(unit_view(u), &arena, it, 9, &hashes, &n, err));
	ck_assert_uint_eq(n, 0);
	carry(u, &first, other); /* the first fill is another's */
	rows_attempt(u, &first, 0, 1);
	carry(u, &second, it);
	rows_attempt(u, &second, 0, 2);
	again = fill_anew(u, &first); /* an older slot, and the newer attempts */
	carry(u, &again, it);
	rows_attempt(u, &again, 0, 3);
	rows_attempt(u, &again, 1, 4);
	OK(item_store_hashes_of(unit_view(u), &arena, it, 9, &hashes, &n, err));
	ck_assert_uint_eq(n, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct hash32 expected = rows_hash(4 - i);

		ck_assert(hash32_equal(&hashes[i], &expected));
	}
	OK(item_store_hashes_of(unit_view(u), &arena, it, 1, &hashes, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(hashes[0].b[31], 4);
	OK(item_store_hashes_of(unit_view(u), &arena, it, 0, &hashes, &n, err));
	ck_assert_uint_eq(n, 0);
	return 0;
}

/* --- */

static const struct {
	const char *name;
	int (*run)(struct unit *u, void *ctx, struct err *err);
} in_a_unit[] = {
	{ "round trip", round_trip },
	{ "each is signed once", each_is_signed_once },
	{ "what sending it gave", what_sending_it_gave },
	{ "of every fill", of_every_fill },
	{ "an arena too small", an_arena_too_small },
	{ "items", items },
	{ "an item is there once", an_item_is_there_once },
	{ "the hashes that carried it", the_hashes_that_carried_it },
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i].run, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/attempt_store");
	TCase *tc = tcase_create("attempts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	tcase_add_loop_test(tc, impossible_by_hand, 0, (int)ARRAY_LEN(by_hand));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
