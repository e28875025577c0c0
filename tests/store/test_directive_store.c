#include "store/directive_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "store/outbox_audit.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(16 * 1024 * 1024);
}

static void teardown(void)
{
	rng_seed_for_test(0);
	arena_done(&arena);
	scratch_close(&scratch);
}

/* --- rows --- */

static void same_text(const char *is, const char *expected)
{
	if (expected)
		ck_assert_str_eq(is, expected);
	else
		ck_assert_ptr_null(is);
}

static void same_row(const struct directive_row *is, const struct directive_row *expected)
{
	ck_assert_str_eq(is->id, expected->id);
	ck_assert_str_eq(is->kind, expected->kind);
	ck_assert_str_eq(is->action_key, expected->action_key);
	ck_assert_int_eq(is->space_id, expected->space_id);
	ck_assert(evm_address_equal(&is->account, &expected->account));
	ck_assert(evm_address_equal(&is->signer, &expected->signer));
	ck_assert_uint_eq(is->nonce, expected->nonce);
	ck_assert_uint_eq(is->generation, expected->generation);
	ck_assert_uint_eq(is->payload.n, expected->payload.n);
	ck_assert_mem_eq(is->payload.p, expected->payload.p, is->payload.n);
	ck_assert(hash32_equal(&is->content_hash, &expected->content_hash));
	ck_assert_int_eq(is->expires_at_ms, expected->expires_at_ms);
	ck_assert_uint_eq(is->order_key_n, expected->order_key_n);
	ck_assert_mem_eq(is->order_key, expected->order_key, is->order_key_n);
	ck_assert_int_eq(is->lane, expected->lane);
	ck_assert_uint_eq(is->appended_block, expected->appended_block);
	ck_assert_str_eq(delivery_status_name(is->status), delivery_status_name(expected->status));
	ck_assert_int_eq(is->holds_order, expected->holds_order);
	ck_assert_uint_eq(is->attempts, expected->attempts);
	ck_assert_uint_eq(is->reverted_dry_runs, expected->reverted_dry_runs);
	ck_assert_int_eq(is->wake_at_ms, expected->wake_at_ms);
	ck_assert_int_eq(is->recheck_at_ms, expected->recheck_at_ms);
	same_text(is->reason_class, expected->reason_class);
	same_text(is->last_error, expected->last_error);
	ck_assert_int_eq(is->tx_id, expected->tx_id);
	ck_assert_int_eq(is->has_result, expected->has_result);
	ck_assert(!is->has_result || hash32_equal(&is->result_hash, &expected->result_hash));
	ck_assert(!is->has_result || is->result_block == expected->result_block);
	ck_assert_int_eq(is->created_at_ms, expected->created_at_ms);
	ck_assert_int_eq(is->finished_at_ms, expected->finished_at_ms);
}

static struct directive_row plain(struct unit *u, unsigned n)
{
	return rows_directive(rows_space(u, 1), n);
}

/* With a value in every column. */
static struct directive_row full(struct unit *u)
{
	struct directive_row row = plain(u, 1);

	rows_set_key(&row, 9);
	row.status = DELIVERY_MANUAL;
	row.wake_at_ms = DIRECTIVE_NO_WAKE;
	row.recheck_at_ms = 9000;
	row.generation = 3;
	row.payload = (struct bytes){ (const uint8_t *)"\0binary\0", 8 };
	row.expires_at_ms = 1;
	row.lane = 4;
	row.appended_block = 55;
	row.attempts = 6;
	row.reverted_dry_runs = 7;
	row.reason_class = "nonce_consumed";
	row.last_error = "nonce 1 is already used";
	row.tx_id = rows_slot(u, rows_lane(u, 1)).id;
	row.has_result = true;
	row.result_hash = rows_hash(3);
	row.result_block = 88;
	row.finished_at_ms = 7000;
	return row;
}

static int round_trip(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row rows[] = { plain(u, 2), full(u) }, is;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		is = rows_add(u, &arena, &rows[i]);
		same_row(&is, &rows[i]);
		ck_assert_int_eq(is.seq, (int64_t)i + 1);
		ck_assert_int_eq(is.version, 1);
		ck_assert(!is.blocked);
		ck_assert_int_eq(is.updated_at_ms, rows[i].created_at_ms);
		OK(directive_store_by_id(unit_view(u), &arena, rows[i].id, &is, err));
		ck_assert_int_eq(is.seq, (int64_t)i + 1);
	}
	return 0;
}

static int the_largest(struct unit *u, void *ctx, struct err *err)
{
	static uint8_t payload[DIRECTIVE_PAYLOAD_MAX + 1];
	static char id[DIRECTIVE_ID_MAX + 2];
	struct directive_row row = full(u), is;
	struct arena one = ARENA_LIMIT(DIRECTIVE_ROOM);
	int64_t seq;

	(void)ctx;
	memset(payload, 0x5a, sizeof(payload));
	memset(id, 'x', sizeof(id) - 1);
	row.id = id + 1;
	row.payload = (struct bytes){ payload, DIRECTIVE_PAYLOAD_MAX };
	row.nonce = INT64_MAX;
	row.order_key_n = ORDER_KEY_MAX;
	is = rows_add(u, &one, &row);
	same_row(&is, &row);
	arena_done(&one);
	row.nonce = 1;
	row.id = id;
	FAILS(directive_store_add(u, &row, &seq, err), ERR_INTERNAL);
	row.id = "";
	FAILS(directive_store_add(u, &row, &seq, err), ERR_INTERNAL);
	row.id = "fits";
	row.payload.n++;
	FAILS(directive_store_add(u, &row, &seq, err), ERR_INTERNAL);
	row.payload.n = 0;
	is = rows_add(u, &arena, &row);
	ck_assert_uint_eq(is.payload.n, 0);
	return 0;
}

/* Two bytes each: the room for a row is counted in bytes. */
static int a_long_error_is_cut(struct unit *u, void *ctx, struct err *err)
{
	static char text[2 * 600 + 1];
	struct directive_row row = plain(u, 1), is;

	(void)ctx;
	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	row.last_error = text;
	is = rows_add(u, &arena, &row);
	ck_assert_uint_eq(strlen(is.last_error), 2 * 500);
	is.last_error = text;
	OK(directive_store_save(u, &is, 2000, err));
	is = rows_get(unit_view(u), &arena, is.seq);
	ck_assert_uint_eq(strlen(is.last_error), 2 * 500);
	return 0;
}

static int ids_and_nonces_are_taken_once(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row row = plain(u, 1), other;
	int64_t seq = 4711;

	(void)ctx;
	rows_add(u, &arena, &row);
	other = row;
	other.nonce = 2;
	FAILS(directive_store_add(u, &other, &seq, err), ERR_EXISTS);
	other = row;
	other.id = "other";
	FAILS(directive_store_add(u, &other, &seq, err), ERR_EXISTS);
	ck_assert_int_eq(seq, 4711);
	other.space_id = rows_space(u, 2); /* a nonce is one of its space */
	OK(directive_store_add(u, &other, &seq, err));
	other.space_id = 77;
	other.id = "third";
	FAILS(directive_store_add(u, &other, &seq, err), ERR_INTERNAL);
	return 0;
}

static int nobody_has_it(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row row;

	(void)ctx;
	FAILS(directive_store_by_id(unit_view(u), &arena, "nobody", &row, err), ERR_NOT_FOUND);
	FAILS(directive_store_by_seq(unit_view(u), &arena, 1, &row, err), ERR_NOT_FOUND);
	return 0;
}

static int an_arena_too_small(struct unit *u, void *ctx, struct err *err)
{
	struct arena tiny = ARENA_LIMIT(64);
	struct directive_row row = plain(u, 1), *rows;
	size_t n;

	(void)ctx;
	rows_add(u, &arena, &row);
	FAILS(directive_store_by_id(unit_view(u), &tiny, row.id, &row, err), ERR_RANGE);
	FAILS(directive_store_by_seq(unit_view(u), &tiny, 1, &row, err), ERR_RANGE);
	FAILS(directive_store_to_recheck(unit_view(u), &tiny, 1, 5, &rows, &n, err), ERR_RANGE);
	FAILS(directive_store_included_elsewhere(unit_view(u), &tiny, 0, 5, &rows, &n, err), ERR_RANGE);
	OK(directive_store_to_recheck(unit_view(u), &tiny, 1, 0, &rows, &n, err)); /* asks for none */
	ck_assert_uint_eq(n, 0);
	arena_done(&tiny);
	return 0;
}

/* --- saving --- */

static int everything_that_changes(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row fresh = plain(u, 1), row = rows_add(u, &arena, &fresh), is, to = full(u);

	(void)ctx;
	to.seq = row.seq;
	to.version = row.version;
	to.nonce = 4711;
	to.holds_order = false;
	OK(directive_store_save(u, &to, 8000, err));
	ck_assert_int_eq(to.version, 2);
	ck_assert_int_eq(to.updated_at_ms, 8000);
	is = rows_get(unit_view(u), &arena, row.seq);
	ck_assert_int_eq(is.version, 2);
	ck_assert_int_eq(is.updated_at_ms, 8000);
	/* What append has fixed stays, whatever the row says. */
	to.payload = fresh.payload;
	to.expires_at_ms = fresh.expires_at_ms;
	to.order_key_n = 0;
	to.appended_block = 0;
	same_row(&is, &to);
	/* And all of it goes again. */
	is.status = DELIVERY_PENDING;
	is.wake_at_ms = 0;
	is.recheck_at_ms = DIRECTIVE_NO_WAKE;
	is.reason_class = is.last_error = NULL;
	is.tx_id = 0;
	is.has_result = false;
	is.finished_at_ms = 0;
	OK(directive_store_save(u, &is, 9000, err));
	to = rows_get(unit_view(u), &arena, row.seq);
	same_row(&to, &is);
	return 0;
}

static int a_stale_copy_writes_nothing(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row fresh = plain(u, 1), mine = rows_add(u, &arena, &fresh), theirs = mine, is;

	(void)ctx;
	rows_move(u, &theirs, DELIVERY_CLAIMED);
	mine.nonce = 99;
	mine.attempts = 5;
	FAILS(directive_store_save(u, &mine, 9000, err), ERR_CONFLICT);
	ck_assert_int_eq(mine.version, 1);
	ck_assert_int_eq(mine.updated_at_ms, fresh.created_at_ms);
	is = rows_get(unit_view(u), &arena, mine.seq);
	same_row(&is, &theirs);
	mine.seq = 77;
	FAILS(directive_store_save(u, &mine, 9000, err), ERR_CONFLICT);
	return 0;
}

static int a_new_nonce(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row first = plain(u, 1), second = plain(u, 2), row, is;

	(void)ctx;
	rows_add(u, &arena, &first);
	row = rows_add(u, &arena, &second);
	row.nonce = 1;
	FAILS(directive_store_save(u, &row, 9000, err), ERR_INTERNAL); /* it is the other's */
	row.nonce = 3;
	row.generation = 1;
	row.version = 2; /* the unit of a failed save is given up; this one goes on */
	OK(directive_store_save(u, &row, 9000, err));
	is = rows_get(unit_view(u), &arena, row.seq);
	ck_assert_uint_eq(is.nonce, 3);
	ck_assert_uint_eq(is.generation, 1);
	return 0;
}

static int numbers_of_a_chain(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row row = full(u), ok = rows_add(u, &arena, &row);
	int64_t seq;

	(void)ctx;
	row.id = "second";
	row.nonce = UINT64_MAX;
	FAILS(directive_store_add(u, &row, &seq, err), ERR_RANGE);
	row.nonce = 2;
	row.appended_block = UINT64_MAX;
	FAILS(directive_store_add(u, &row, &seq, err), ERR_RANGE);
	row.appended_block = 0;
	row.result_block = (uint64_t)INT64_MAX + 1;
	FAILS(directive_store_add(u, &row, &seq, err), ERR_RANGE);
	ok.result_block = UINT64_MAX;
	FAILS(directive_store_save(u, &ok, 1, err), ERR_RANGE);
	ok.result_block = INT64_MAX;
	OK(directive_store_save(u, &ok, 1, err));
	return 0;
}

/* --- what no row may be --- */

static void pending_without_a_wake(struct directive_row *row)
{
	row->wake_at_ms = DIRECTIVE_NO_WAKE;
}

static void pending_that_sleeps(struct directive_row *row)
{
	row->wake_at_ms = 5;
}

static void retry_without_a_wake(struct directive_row *row)
{
	row->status = DELIVERY_RETRY;
	row->wake_at_ms = DIRECTIVE_NO_WAKE;
}

static void retry_as_fresh(struct directive_row *row)
{
	row->status = DELIVERY_RETRY;
	row->wake_at_ms = 0;
}

static void claimed_for_ever(struct directive_row *row)
{
	row->status = DELIVERY_CLAIMED;
	row->wake_at_ms = DIRECTIVE_NO_WAKE;
}

static void dead_and_to_wake(struct directive_row *row)
{
	row->status = DELIVERY_DEAD_LETTERED;
	row->wake_at_ms = 5;
}

static void submitted_by_nothing(struct directive_row *row)
{
	row->status = DELIVERY_SUBMITTED;
	row->wake_at_ms = DIRECTIVE_NO_WAKE;
	row->tx_id = 0;
}

static void submitted_by_a_slot_that_is_not_there(struct directive_row *row)
{
	row->status = DELIVERY_SUBMITTED;
	row->wake_at_ms = DIRECTIVE_NO_WAKE;
	row->tx_id = 77;
}

static void included_in_nothing(struct directive_row *row)
{
	row->status = DELIVERY_INCLUDED;
	row->wake_at_ms = DIRECTIVE_NO_WAKE;
}

static void an_order_without_a_key(struct directive_row *row)
{
	row->holds_order = true;
	row->order_key_n = 0;
}

static void rechecked_while_pending(struct directive_row *row)
{
	row->recheck_at_ms = 5;
}

static void no_such_status(struct directive_row *row)
{
	row->status = DELIVERY_COUNT;
	row->wake_at_ms = DIRECTIVE_NO_WAKE;
}

static void a_negative_lane(struct directive_row *row)
{
	row->lane = -1;
}

static void a_reason_like_a_novel(struct directive_row *row)
{
	row->reason_class = "it was a dark and stormy night; the rain fell in torrents, except at occasional intervals";
}

static const struct {
	const char *name;
	void (*spoil)(struct directive_row *row);
} impossible[] = {
	{ "pending without a wake", pending_without_a_wake },
	{ "pending that sleeps", pending_that_sleeps },
	{ "retry without a wake", retry_without_a_wake },
	{ "retry as fresh", retry_as_fresh },
	{ "claimed for ever", claimed_for_ever },
	{ "dead and to wake", dead_and_to_wake },
	{ "submitted by nothing", submitted_by_nothing },
	{ "submitted by a slot that is not there", submitted_by_a_slot_that_is_not_there },
	{ "included in nothing", included_in_nothing },
	{ "an order without a key", an_order_without_a_key },
	{ "rechecked while pending", rechecked_while_pending },
	{ "no such status", no_such_status },
	{ "a negative lane", a_negative_lane },
	{ "a reason like a novel", a_reason_like_a_novel },
};

static int refuse_impossible(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row fresh = plain(u, 1), bad = plain(u, 2), row = rows_add(u, &arena, &fresh), was = row, is;
	int i = *(int *)ctx;
	int64_t seq;

	impossible[i].spoil(&bad);
	FAILS(directive_store_add(u, &bad, &seq, err), ERR_INTERNAL);
	impossible[i].spoil(&row);
	FAILS(directive_store_save(u, &row, 9000, err), ERR_INTERNAL);
	ck_assert_int_eq(row.version, 1);
	is = rows_get(unit_view(u), &arena, row.seq);
	same_row(&is, &was);
	ck_assert_int_eq(is.version, 1);
	return 0;
}

START_TEST(impossible_rows)
{
	int i = _i;

	scratch_unit(&scratch, refuse_impossible, &i);
}
END_TEST

/* What cannot be said in a struct directive_row can be written by hand, and is refused as well. */
static const struct {
	const char *name, *column, *value;
} by_hand[] = {
	{ "an address of 19 bytes", "account", "zeroblob(19)" },
	{ "a signer of 21", "signer", "zeroblob(21)" },
	{ "a hash of 31", "content_hash", "zeroblob(31)" },
	{ "a result of 33", "result_tx_hash", "zeroblob(33)" },
	{ "a result without its block", "result_tx_hash", "zeroblob(32)" },
	{ "a block without its result", "result_block", "1" },
	{ "an empty order key", "order_key", "x''" },
	{ "an order key of 49 bytes", "order_key", "zeroblob(49)" },
	{ "a negative nonce", "nonce", "-1" },
	{ "a negative generation", "nonce_generation", "-1" },
	{ "negative attempts", "attempts", "-1" },
	{ "blocked without a hold", "blocked", "1" },
	{ "half blocked", "blocked", "2" },
	{ "half held", "holds_order", "2" },
	{ "a payload as text", "payload", "'text'" },
	{ "a nonce as text", "nonce", "'text'" },
	{ "no kind", "kind", "''" },
	{ "no action key", "action_key", "''" },
	{ "a negative block", "appended_block", "-1" },
	{ "an error of 501 characters", "last_error", "replace(hex(zeroblob(501)), '00', 'x')" },
};

static int add_one(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row fresh = plain(u, 1);

	(void)ctx;
	(void)err;
	rows_add(u, &arena, &fresh);
	return 0;
}

START_TEST(impossible_by_hand)
{
	struct directive_row row;
	char sql[256];

	scratch_unit(&scratch, add_one, NULL);
	snprintf(sql, sizeof(sql), "UPDATE directive_outbox SET %s = %s", by_hand[_i].column, by_hand[_i].value);
	ck_assert_msg(scratch_sql_refused(&scratch, sql), "%s", by_hand[_i].name);
	row = rows_get(store_view(scratch.store), &arena, 1);
	ck_assert_uint_eq(row.nonce, 1);
}
END_TEST

/* --- listing --- */

/* "d<n>" for each that was given. */
static char listed[4096];

static void list_one(void *ctx, const struct directive_row *row)
{
	size_t n = strlen(listed);

	++*(unsigned *)ctx;
	snprintf(listed + n, sizeof(listed) - n, "%s ", row->id);
}

static const struct evm_address account_1 = { { 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5,
						0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0,    0,    0,    1 } };
#define LIST(...)                                                                                                      \
	(const enum delivery_status[])                                                                                 \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

/* d0 … d9: of account n modulo 3; action "even" or "odd"; d6, d7 and d8 have a reason. */
static const enum delivery_status listed_as[] = {
	DELIVERY_PENDING, DELIVERY_CLAIMED,  DELIVERY_SUBMITTED,     DELIVERY_INCLUDED, DELIVERY_CONFIRMED,
	DELIVERY_RETRY,   DELIVERY_REVERTED, DELIVERY_DEAD_LETTERED, DELIVERY_MANUAL,   DELIVERY_PENDING,
};

static int fill_list(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	for (unsigned n = 0; n < ARRAY_LEN(listed_as); n++) {
		struct directive_row fresh = plain(u, n), row;

		fresh.account = rows_address(n % 3);
		fresh.action_key = n % 2 ? "odd" : "even";
		row = rows_add(u, &arena, &fresh);
		row.reason_class = n >= 6 ? n == 7 ? "invalid_action" : "effect_reverted" : NULL;
		if (listed_as[n] != DELIVERY_PENDING)
			rows_move(u, &row, listed_as[n]);
	}
	return 0;
}

static const struct {
	const char *name;
	struct directive_query q;
	const char *expected;
	int64_t cursor;
} listings[] = {
	{ "all", { .limit = 100 }, "d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 ", 0 },
	{ "a page", { .limit = 3 }, "d0 d1 d2 ", 3 },
	{ "the next page", { .limit = 3, .after_seq = 3 }, "d3 d4 d5 ", 6 },
	{ "the last page", { .limit = 3, .after_seq = 8 }, "d8 d9 ", 0 },
	{ "as many as there are", { .limit = 10 }, "d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 ", 0 },
	{ "after the end", { .limit = 3, .after_seq = 10 }, "", 0 },
	{ "one status", { .limit = 9, .statuses = LIST(DELIVERY_PENDING), .n_statuses = 1 }, "d0 d9 ", 0 },
	{ "one status, paged", { .limit = 1, .statuses = LIST(DELIVERY_PENDING), .n_statuses = 1 }, "d0 ", 1 },
	{ "statuses in any order",
	  { .limit = 9, .statuses = LIST(DELIVERY_MANUAL, DELIVERY_PENDING, DELIVERY_RETRY), .n_statuses = 3 },
	  "d0 d5 d8 d9 ",
	  0 },
	{ "the same status twice",
	  { .limit = 9, .statuses = LIST(DELIVERY_CONFIRMED, DELIVERY_CONFIRMED), .n_statuses = 2 },
	  "d4 ",
	  0 },
	{ "every status there is",
	  { .limit = 99,
	    .statuses = LIST(DELIVERY_PENDING, DELIVERY_CLAIMED, DELIVERY_SUBMITTED, DELIVERY_INCLUDED,
			     DELIVERY_CONFIRMED, DELIVERY_RETRY, DELIVERY_REVERTED, DELIVERY_DEAD_LETTERED,
			     DELIVERY_MANUAL),
	    .n_statuses = 9 },
	  "d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 ",
	  0 },
	{ "no status at all", { .limit = 9, .statuses = LIST(DELIVERY_PENDING), .n_statuses = 0 }, "", 0 },
	{ "an account", { .limit = 9, .account = &account_1 }, "d1 d4 d7 ", 0 },
	{ "an account, paged", { .limit = 2, .account = &account_1, .after_seq = 2 }, "d4 d7 ", 0 },
	{ "an account in a status",
	  { .limit = 9, .account = &account_1, .statuses = LIST(DELIVERY_DEAD_LETTERED), .n_statuses = 1 },
	  "d7 ",
	  0 },
	{ "an action key", { .limit = 3, .action_key = "odd" }, "d1 d3 d5 ", 6 },
	{ "a reason", { .limit = 9, .reason_class = "effect_reverted" }, "d6 d8 ", 0 },
	{ "any but a reason",
	  { .limit = 9,
	    .not_reason = "effect_reverted",
	    .statuses = LIST(DELIVERY_PENDING, DELIVERY_REVERTED, DELIVERY_DEAD_LETTERED, DELIVERY_MANUAL),
	    .n_statuses = 4 },
	  "d0 d7 d9 ",
	  0 },
	{ "all at once",
	  { .limit = 9,
	    .account = &account_1,
	    .action_key = "odd",
	    .reason_class = "invalid_action",
	    .statuses = LIST(DELIVERY_DEAD_LETTERED),
	    .n_statuses = 1 },
	  "d7 ",
	  0 },
	{ "nothing like it", { .limit = 9, .action_key = "even", .reason_class = "invalid_action" }, "", 0 },
};

START_TEST(list_table)
{
	unsigned given = 0;
	int64_t cursor;
	struct err e, *err = &e;
	int n;

	scratch_unit(&scratch, fill_list, NULL);
	listed[0] = '\0';
	n = directive_store_list(store_view(scratch.store), &arena, &listings[_i].q, list_one, &given, &cursor, err);
	OK(n);
	ck_assert_uint_eq((unsigned)n, given);
	ck_assert_msg(strcmp(listed, listings[_i].expected) == 0, "%s: %s", listings[_i].name, listed);
	ck_assert_int_eq(cursor, listings[_i].cursor);
}
END_TEST

/* Every page is as long as the arena allows, and none of the rows is left out or given twice. */
START_TEST(a_full_arena_ends_a_page)
{
	struct directive_query q = { .limit = 100 };
	unsigned given = 0, pages = 0;
	struct err e, *err = &e;

	scratch_unit(&scratch, fill_list, NULL);
	listed[0] = '\0';
	do {
		SCOPED(arena) struct arena small = ARENA_LIMIT(1024);
		int n = directive_store_list(store_view(scratch.store), &small, &q, list_one, &given, &q.after_seq,
					     err);

		OK(n);
		ck_assert_int_gt(n, 0);
		pages++;
	} while (q.after_seq != 0);
	ck_assert_str_eq(listed, "d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 ");
	ck_assert_uint_gt(pages, 1);
}
END_TEST

START_TEST(an_arena_without_room_for_one)
{
	SCOPED(arena) struct arena tiny = ARENA_LIMIT(64);
	struct directive_query q = { .limit = 100 };
	unsigned given = 0;
	int64_t cursor;
	struct err e, *err = &e;

	scratch_unit(&scratch, fill_list, NULL);
	FAILS(directive_store_list(store_view(scratch.store), &tiny, &q, list_one, &given, &cursor, err), ERR_RANGE);
	ck_assert_uint_eq(given, 0);
}
END_TEST

#define MANY 10500

static int fill_many(struct unit *u, void *ctx, struct err *err)
{
	int64_t space = rows_space(u, 1), seq;

	(void)ctx;
	for (unsigned n = 1; n <= MANY; n++) {
		struct directive_row row = rows_directive(space, n);

		row.action_key = n == MANY ? "needle" : "hay";
		OK(directive_store_add(u, &row, &seq, err));
	}
	return 0;
}

START_TEST(a_listing_looks_so_far_and_no_further)
{
	static const enum delivery_status pending[] = { DELIVERY_PENDING };
	struct directive_query q = { .limit = 5, .action_key = "needle" };
	unsigned given = 0;
	int64_t cursor;
	struct err e, *err = &e;

	scratch_unit(&scratch, fill_many, NULL);
	for (q.n_statuses = 0; q.n_statuses < 2; q.n_statuses++) {
		q.statuses = q.n_statuses ? pending : NULL;
		q.after_seq = 0;
		given = 0;
		listed[0] = '\0';
		ck_assert_int_eq(
			directive_store_list(store_view(scratch.store), &arena, &q, list_one, &given, &cursor, err), 0);
		ck_assert_int_eq(cursor, 10000);
		q.after_seq = cursor;
		ck_assert_int_eq(
			directive_store_list(store_view(scratch.store), &arena, &q, list_one, &given, &cursor, err), 1);
		ck_assert_str_eq(listed, "d10500 ");
		ck_assert_int_eq(cursor, 0);
	}
}
END_TEST

/* --- tallies and what is looked for --- */

static void same_tally(struct view v, int64_t space_id, const uint64_t expected[DELIVERY_COUNT])
{
	uint64_t is[DELIVERY_COUNT];
	struct err e, *err = &e;

	OK(directive_store_tally(v, space_id, is, err));
	for (int s = 0; s < DELIVERY_COUNT; s++)
		ck_assert_msg(is[s] == expected[s], "%s: %" PRIu64 " instead of %" PRIu64,
			      delivery_status_name((enum delivery_status)s), is[s], expected[s]);
}

#define WALKERS 12

struct walk {
	struct directive_row rows[2][WALKERS]; /* in two spaces */
	uint64_t tally[3][DELIVERY_COUNT];     /* both, the first, the second */
};

static int walk_begin(struct unit *u, void *ctx, struct err *err)
{
	struct walk *w = ctx;

	(void)err;
	for (unsigned s = 0; s < 2; s++) {
		int64_t space = rows_space(u, s);

		for (unsigned n = 0; n < WALKERS; n++) {
			struct directive_row fresh = rows_directive(space, n);
			char *id = arena_printf(&arena, "s%u-%u", s, n);

			fresh.id = id;
			w->rows[s][n] = rows_add(u, &arena, &fresh);
		}
		w->tally[1 + s][DELIVERY_PENDING] = WALKERS;
	}
	w->tally[0][DELIVERY_PENDING] = 2 * WALKERS;
	return 0;
}

static int walk_step(struct unit *u, void *ctx, struct err *err)
{
	struct walk *w = ctx, was = *w;
	bool fails = rng_below(5) == 0;

	for (uint64_t i = rng_below(6); i > 0; i--) {
		uint64_t s = rng_below(2);
		struct directive_row *row = &w->rows[s][rng_below(WALKERS)];
		enum delivery_status from = row->status, to = (enum delivery_status)rng_below(DELIVERY_COUNT);

		rows_move(u, row, to);
		w->tally[0][from]--, w->tally[1 + s][from]--;
		w->tally[0][to]++, w->tally[1 + s][to]++;
	}
	for (int64_t s = 0; s < 3; s++)
		same_tally(unit_view(u), s, w->tally[s]);
	if (!fails)
		return 0;
	*w = was;
	return ERR(err, ERR_RANGE, "on purpose");
}

START_TEST(a_tally_is_the_count)
{
	struct walk w = { 0 };
	struct err e, *err = &e;

	rng_seed_for_test((uint64_t)_i + 1);
	scratch_unit(&scratch, walk_begin, &w);
	for (int i = 0; i < 150; i++) {
		if (store_unit(scratch.store, walk_step, &w, NULL, err) != 0)
			ck_assert_int_eq(err->code, ERR_RANGE);
		if (i % 30 == 29) {
			store_flush(scratch.store);
			OK(outbox_audit(store_view(scratch.store), err));
			for (int64_t s = 0; s < 3; s++)
				same_tally(store_view(scratch.store), s, w.tally[s]);
		}
	}
}
END_TEST

static int64_t oldest(struct unit *u, struct err *err)
{
	int64_t at_ms;

	OK(directive_store_oldest_open(unit_view(u), &at_ms, err));
	return at_ms;
}

static int the_oldest_open(struct unit *u, void *ctx, struct err *err)
{
	static const enum delivery_status open[] = { DELIVERY_PENDING, DELIVERY_CLAIMED, DELIVERY_RETRY };
	struct directive_row row[3];

	(void)ctx;
	ck_assert_int_eq(oldest(u, err), 0);
	for (unsigned n = 0; n < ARRAY_LEN(row); n++) {
		struct directive_row fresh = plain(u, n);

		row[n] = rows_add(u, &arena, &fresh);
	}
	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		rows_move(u, &row[0], open[i]);
		ck_assert_int_eq(oldest(u, err), 1000);
	}
	rows_move(u, &row[0], DELIVERY_SUBMITTED);
	ck_assert_int_eq(oldest(u, err), 1001);
	rows_move(u, &row[2], DELIVERY_CLAIMED);
	ck_assert_int_eq(oldest(u, err), 1001);
	rows_move(u, &row[1], DELIVERY_DEAD_LETTERED);
	ck_assert_int_eq(oldest(u, err), 1002);
	rows_move(u, &row[2], DELIVERY_MANUAL);
	ck_assert_int_eq(oldest(u, err), 0);
	return 0;
}

static int included_elsewhere(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row *rows;
	size_t n;

	(void)ctx;
	for (unsigned i = 0; i < 8; i++) {
		struct directive_row fresh = plain(u, i), row = rows_add(u, &arena, &fresh);

		if (i % 2 == 0)
			rows_move(u, &row, DELIVERY_SUBMITTED); /* in a slot of ours */
		rows_move(u, &row, i == 7 ? DELIVERY_CONFIRMED : DELIVERY_INCLUDED);
	}
	OK(directive_store_included_elsewhere(unit_view(u), &arena, 0, 2, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(rows[0].id, "d1");
	ck_assert_str_eq(rows[1].id, "d3");
	OK(directive_store_included_elsewhere(unit_view(u), &arena, rows[1].seq, 9, &rows, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(rows[0].id, "d5");
	return 0;
}

static int confirmed_elsewhere(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row *rows;
	int64_t space;
	size_t n;

	(void)ctx;
	for (unsigned i = 0; i < 6; i++) {
		struct directive_row fresh = plain(u, i), row = rows_add(u, &arena, &fresh);

		space = row.space_id;
		if (i == 2)
			rows_move(u, &row, DELIVERY_SUBMITTED); /* in a slot of ours */
		row.result_block = 100 - i;
		rows_move(u, &row, i == 3 ? DELIVERY_INCLUDED : DELIVERY_CONFIRMED);
	}
	OK(directive_store_confirmed_elsewhere(unit_view(u), &arena, space, 95, 9, &rows, &n, err));
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(rows[0].id, "d4");
	ck_assert_str_eq(rows[1].id, "d1");
	ck_assert_str_eq(rows[2].id, "d0");
	OK(directive_store_confirmed_elsewhere(unit_view(u), &arena, space, 0, 1, &rows, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(rows[0].id, "d5");
	OK(directive_store_confirmed_elsewhere(unit_view(u), &arena, space + 1, 0, 9, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	FAILS(directive_store_confirmed_elsewhere(unit_view(u), &arena, space, UINT64_MAX, 9, &rows, &n, err),
	      ERR_RANGE);
	return 0;
}

static int to_recheck(struct unit *u, void *ctx, struct err *err)
{
	static const int64_t at_ms[] = { 5000, 3000, DIRECTIVE_NO_WAKE, 4000, 9000 };
	struct directive_row *rows;
	size_t n;

	(void)ctx;
	for (unsigned i = 0; i < ARRAY_LEN(at_ms); i++) {
		struct directive_row fresh = plain(u, i), row = rows_add(u, &arena, &fresh);

		rows_move(u, &row, DELIVERY_MANUAL);
		row.recheck_at_ms = at_ms[i];
		OK(directive_store_save(u, &row, 2000, err));
	}
	OK(directive_store_to_recheck(unit_view(u), &arena, 2999, 9, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(directive_store_to_recheck(unit_view(u), &arena, 5000, 9, &rows, &n, err));
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(rows[0].id, "d1");
	ck_assert_str_eq(rows[1].id, "d3");
	ck_assert_str_eq(rows[2].id, "d0");
	OK(directive_store_to_recheck(unit_view(u), &arena, 5000, 1, &rows, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(rows[0].id, "d1");
	return 0;
}

/* --- */

static const struct {
	const char *name;
	int (*run)(struct unit *u, void *ctx, struct err *err);
} in_a_unit[] = {
	{ "round trip", round_trip },
	{ "the largest", the_largest },
	{ "a long error is cut", a_long_error_is_cut },
	{ "ids and nonces are taken once", ids_and_nonces_are_taken_once },
	{ "nobody has it", nobody_has_it },
	{ "an arena too small", an_arena_too_small },
	{ "everything that changes", everything_that_changes },
	{ "a stale copy writes nothing", a_stale_copy_writes_nothing },
	{ "a new nonce", a_new_nonce },
	{ "numbers of a chain", numbers_of_a_chain },
	{ "the oldest open", the_oldest_open },
	{ "included elsewhere", included_elsewhere },
	{ "confirmed elsewhere", confirmed_elsewhere },
	{ "to recheck", to_recheck },
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i].run, NULL);
}
END_TEST

START_TEST(names)
{
	static const char *const expected[DELIVERY_COUNT] = {
		"pending",  "claimed",       "submitted",
		"included", "confirmed",     "failed_retryable",
		"reverted", "dead_lettered", "manual_reconciliation",
	};
	enum delivery_status s = DELIVERY_COUNT;

	for (int i = 0; i < DELIVERY_COUNT; i++) {
		ck_assert_str_eq(delivery_status_name((enum delivery_status)i), expected[i]);
		ck_assert(delivery_status_parse(expected[i], &s));
		ck_assert_int_eq(s, i);
	}
	ck_assert_str_eq(delivery_status_name(DELIVERY_COUNT), "unknown");
	ck_assert(!delivery_status_parse("retry", &s));
	ck_assert(!delivery_status_parse("", &s));
	ck_assert(!delivery_status_parse("Pending", &s));
	ck_assert_int_eq(s, DELIVERY_MANUAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/directive_store");
	TCase *tc = tcase_create("directives");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	tcase_add_loop_test(tc, impossible_rows, 0, (int)ARRAY_LEN(impossible));
	tcase_add_loop_test(tc, impossible_by_hand, 0, (int)ARRAY_LEN(by_hand));
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(listings));
	tcase_add_test(tc, a_full_arena_ends_a_page);
	tcase_add_test(tc, an_arena_without_room_for_one);
	tcase_add_test(tc, a_listing_looks_so_far_and_no_further);
	tcase_add_loop_test(tc, a_tally_is_the_count, 0, 4);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
